"""A1 notation and grid ranges, both ways. Knows numbers and letters, not what stands in the cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_CELL = r"\$?([A-Za-z]{0,3})\$?([0-9]*)"
_A1 = re.compile(rf"{_CELL}(:{_CELL})?")
_R1C1 = re.compile(r"[Rr]([0-9]+)[Cc]([0-9]+)(?::[Rr]([0-9]+)[Cc]([0-9]+))?")
_PLAIN_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LIKE_A_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc][0-9]*")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells, half open, counted from 0. An end of None is open: it reaches as far as the grid does."""

    top: int = 0
    bottom: int | None = None
    left: int = 0
    right: int | None = None

    def clipped(self, rows: int, columns: int) -> Area:
        """Return the part inside a grid of that size; all ends are numbers then."""
        bottom = rows if self.bottom is None else min(self.bottom, rows)
        right = columns if self.right is None else min(self.right, columns)
        return Area(self.top, bottom, self.left, right)

    def has(self, row: int, column: int) -> bool:
        """Tell whether a cell lies inside."""
        return (
            self.top <= row
            and self.left <= column
            and (self.bottom is None or row < self.bottom)
            and (self.right is None or column < self.right)
        )

    def meets(self, other: Area) -> bool:
        """Tell whether two areas share a cell."""
        return (
            (other.bottom is None or self.top < other.bottom)
            and (self.bottom is None or other.top < self.bottom)
            and (other.right is None or self.left < other.right)
            and (self.right is None or other.left < self.right)
        )

    @property
    def height(self) -> int:
        """Rows of a clipped area."""
        return (self.bottom or 0) - self.top

    @property
    def width(self) -> int:
        """Columns of a clipped area."""
        return (self.right or 0) - self.left

    @property
    def is_cell(self) -> bool:
        """Tell whether it is exactly one cell."""
        return self.bottom == self.top + 1 and self.right == self.left + 1

    def to_json(self, sheet_id: int) -> dict[str, int]:
        """Return Google's GridRange; zero `sheetId` and open ends are left out as Google leaves them out."""
        ends = {
            "sheetId": sheet_id or None,
            "startRowIndex": self.top,
            "endRowIndex": self.bottom,
            "startColumnIndex": self.left,
            "endColumnIndex": self.right,
        }
        return {name: end for name, end in ends.items() if end is not None}

    def moved(self, rows: int, columns: int) -> Area:
        """Return the same shape elsewhere."""
        return Area(
            self.top + rows,
            None if self.bottom is None else self.bottom + rows,
            self.left + columns,
            None if self.right is None else self.right + columns,
        )


def area_of(grid_range: Mapping[str, Any]) -> Area:
    """Return the area of Google's GridRange."""
    return Area(
        grid_range.get("startRowIndex") or 0,
        grid_range.get("endRowIndex"),
        grid_range.get("startColumnIndex") or 0,
        grid_range.get("endColumnIndex"),
    )


def letters(column: int) -> str:
    """Return the letters of a column counted from 0."""
    text, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def column_of(text: str) -> int:
    """Return the column, counted from 0, of its letters."""
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def quoted(title: str) -> str:
    """Return a tab's title as it stands before the `!`: in quotes only where it must be."""
    if _PLAIN_TITLE.fullmatch(title) and not _LIKE_A_CELL.fullmatch(title):
        return title
    return "'" + title.replace("'", "''") + "'"


def range_text(title: str, area: Area) -> str:
    """Return the normalised name of a clipped area."""
    start = f"{letters(area.left)}{area.top + 1}"
    if area.is_cell:
        return f"{quoted(title)}!{start}"
    return f"{quoted(title)}!{start}:{letters((area.right or 1) - 1)}{area.bottom}"


def split(text: str) -> tuple[str | None, str]:
    """Split a range at its last `!` outside quotes into the tab's title, unquoted, and the rest.

    A title in quotes without `!` is a whole tab: the rest is empty.
    """
    is_quoted, cut = False, None
    for place, letter in enumerate(text):
        if letter == "'":
            is_quoted = not is_quoted
        elif letter == "!" and not is_quoted:
            cut = place
    title = text if cut is None else text[:cut]
    if len(title) > 1 and title[0] == title[-1] == "'":
        return title[1:-1].replace("''", "'"), "" if cut is None else text[cut + 1 :]
    return (None, text) if cut is None else (title, text[cut + 1 :])


def parse(text: str) -> Area | None:
    """Return the area of A1 or R1C1 notation without a tab, or None where it is neither."""
    if found := _R1C1.fullmatch(text):
        top, left, bottom, right = (int(part) if part else None for part in found.groups())
        if top and left:
            return _ordered(top - 1, left - 1, (bottom or top) - 1, (right or left) - 1)
        return None
    found = _A1.fullmatch(text)
    if not found or not text:
        return None
    first_letters, first_digits, tail, last_letters, last_digits = found.groups()
    if tail is None and not (first_letters and first_digits):
        return None
    if "0" in (first_digits, last_digits):
        return None
    top, left = _start(first_digits), None if not first_letters else column_of(first_letters)
    if tail is None:
        return _ordered(top, left, top, left)
    if not (first_letters or first_digits) or not (last_letters or last_digits):
        return None
    return _ordered(top, left, _start(last_digits), column_of(last_letters) if last_letters else None)


def _start(digits: str) -> int | None:
    return int(digits) - 1 if digits else None


def _ordered(top: int | None, left: int | None, bottom: int | None, right: int | None) -> Area:
    if top is not None and bottom is not None and top > bottom:
        top, bottom = bottom, top
    if left is not None and right is not None and left > right:
        left, right = right, left
    area = Area(top or 0, None, left or 0, None)
    if bottom is not None:
        area = replace(area, bottom=bottom + 1)
    return area if right is None else replace(area, right=right + 1)
