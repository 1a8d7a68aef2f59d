"""Where a range lies after rows or columns were inserted, deleted or moved. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from amo2gsheet.sandbox.sheets_a1 import Area

Axis = Literal["ROWS", "COLUMNS"]


@dataclass(frozen=True, slots=True)
class Inserted:
    """Room made for `count` rows or columns before `at`.

    `joins` tells whose look the new ones take: of those before, of those after, or nobody's.
    """

    axis: Axis
    at: int
    count: int
    joins: Literal["before", "after", "nobody"] = "nobody"

    def span(self, start: int, end: int | None) -> tuple[int, int | None]:
        """Return where a span lies afterwards."""
        if start == 0 and end is None:
            return start, end
        if start > self.at or (start == self.at and self.joins != "after"):
            start += self.count
        if end is not None and (end > self.at or (end == self.at and self.joins == "before")):
            end += self.count
        return start, end


@dataclass(frozen=True, slots=True)
class Deleted:
    """`count` rows or columns gone from `at` on."""

    axis: Axis
    at: int
    count: int

    def span(self, start: int, end: int | None) -> tuple[int, int | None]:
        """Return where a span lies afterwards; start and end meet where nothing is left of it."""
        return self._place(start), None if end is None else self._place(end)

    def _place(self, index: int) -> int:
        return index if index <= self.at else max(self.at, index - self.count)


@dataclass(frozen=True, slots=True)
class Moved:
    """`count` rows or columns from `at` on, taken to before `to` (counted before the move)."""

    axis: Axis
    at: int
    count: int
    to: int

    def span(self, start: int, end: int | None) -> tuple[int, int | None]:
        """Return where a span lies afterwards: inside the block it goes along, else it closes up and makes room."""
        landing = self.to - self.count if self.to > self.at else self.to
        if self.at <= start and end is not None and end <= self.at + self.count:
            return start + landing - self.at, end + landing - self.at
        start, end = Deleted(self.axis, self.at, self.count).span(start, end)
        return Inserted(self.axis, landing, self.count).span(start, end)


Shift = Inserted | Deleted | Moved


def shifted(area: Area, shift: Shift) -> Area | None:
    """Return the area after the shift, None where nothing is left of it."""
    if shift.axis == "ROWS":
        start, end = shift.span(area.top, area.bottom)
        area = replace(area, top=start, bottom=end)
    else:
        start, end = shift.span(area.left, area.right)
        area = replace(area, left=start, right=end)
    return None if end is not None and start >= end else area
