"""Names of cells: areas counted from 0 and the A1 names that Google gives them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CELLS = re.compile(r"\$?([A-Za-z]{0,3})\$?([1-9][0-9]{0,8})?(?::\$?([A-Za-z]{0,3})\$?([1-9][0-9]{0,8})?)?")


@dataclass(frozen=True, slots=True)
class Area:
    """Cells of one tab. Rows and columns count from 0, ends are exclusive; an end of None reaches as far as the grid does."""

    top: int = 0
    left: int = 0
    bottom: int | None = None
    right: int | None = None

    def named(self, title: str) -> str:
        """Return the A1 name of the area on a tab; the bare title, quoted, for the whole tab."""
        if self == Area():
            return quoted(title)
        has_columns = self.left > 0 or self.right is not None
        has_rows = self.top > 0 or self.bottom is not None
        start = (column_name(self.left) if has_columns else "") + (str(self.top + 1) if has_rows else "")
        end = (column_name(self.right - 1) if self.right is not None else "") + str("" if self.bottom is None else self.bottom)
        return f"{quoted(title)}!{start}:{end}"


def quoted(title: str) -> str:
    """Return a tab's title as a range needs it: quoted, so that none is taken for a cell or a named range."""
    return "'" + title.replace("'", "''") + "'"


def column_name(index: int) -> str:
    """Return the letters of a column: 0 → A, 26 → AA."""
    name, rest = "", index + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def column_index(name: str) -> int:
    """Return the index of a column's letters: A → 0, AA → 26."""
    index = 0
    for letter in name.upper():
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def area_of(name: str) -> Area:
    """Return the area that an A1 name of a whole range (title and cells) speaks of; a title alone is the whole tab.

    Raises:
        ValueError: that is no such name.
    """
    _title, mark, cells = name.rpartition("!")
    if not mark:
        return Area()
    found = _CELLS.fullmatch(cells)
    if found is None:
        raise ValueError(f"{name!r} names no range")
    left, top, right, bottom = found.groups()
    if not left and not top:
        raise ValueError(f"{name!r} names no range")
    if ":" not in cells:
        right, bottom = left, top
    return Area(
        int(top) - 1 if top else 0,
        column_index(left) if left else 0,
        int(bottom) if bottom else None,
        column_index(right) + 1 if right else None,
    )
