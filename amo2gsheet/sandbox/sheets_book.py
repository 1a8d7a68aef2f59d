"""A spreadsheet: its tabs, named ranges and developer metadata, and what a range's text means in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import Area, area_of, parse, range_text, split
from amo2gsheet.sandbox.sheets_errors import CELL_LIMIT, invalid, no_tab, too_many_cells, unparsable
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_record import Record
from amo2gsheet.sandbox.sheets_shift import Axis


@dataclass(frozen=True, slots=True)
class Anchor:
    """One entry of developer metadata.

    Without `sheet_id` it belongs to the spreadsheet, without `dimension_key` to its tab, else to the row or column of
    that identity, wherever that stands now.
    """

    metadata_id: int
    key: str
    value: str | None = None
    visibility: str = "DOCUMENT"
    sheet_id: int | None = None
    axis: Axis | None = None
    dimension_key: int | None = None


@dataclass(slots=True)
class Book:
    """One spreadsheet. Never changed where it stands: work on a `draft()` and swap it in."""

    spreadsheet_id: str
    title: str = "Заказы"
    locale: str = "ru_RU"
    time_zone: str = "Asia/Tashkent"
    year: int = 2026
    keys: Iterator[int] = field(default_factory=lambda: count(1))
    tabs: list[Tab] = field(default_factory=list)
    named_ranges: list[dict[str, Any]] = field(default_factory=list)
    metadata: list[Anchor] = field(default_factory=list)
    record: Record = field(default_factory=Record)

    def draft(self, record: Record) -> Book:
        """Return a copy to work on, whose changes go into `record`."""
        return Book(
            self.spreadsheet_id,
            self.title,
            self.locale,
            self.time_zone,
            self.year,
            self.keys,
            [tab.copy(record) for tab in self.tabs],
            list(self.named_ranges),
            list(self.metadata),
            record,
        )

    def add_tab(self, title: str, size: tuple[int, int] = (1000, 26), sheet_id: int | None = None) -> Tab:
        """Add an empty tab at the end.

        Raises:
            ApiError: title or ID are in use, or the spreadsheet would hold too many cells.
        """
        if any(tab.title.casefold() == title.casefold() for tab in self.tabs):
            raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')
        if sheet_id is not None and any(tab.sheet_id == sheet_id for tab in self.tabs):
            raise invalid(f"The sheet id {sheet_id} already exists. Please use a different id.")
        self.check_cells(size[0] * size[1])
        tab = Tab.blank(self.new_id() if sheet_id is None else sheet_id, title, size, self.keys)
        tab.record = self.record
        self.tabs.append(tab)
        return tab

    def new_id(self) -> int:
        """Return an ID that looks as random as Google's and is the same in every run."""
        return next(self.keys) * 2654435761 % 2**31

    def tab(self, title: str) -> Tab:
        """Return the tab of that title, for tests and people; KeyError where there is none."""
        for tab in self.tabs:
            if tab.title == title:
                return tab
        raise KeyError(title)

    def tab_by_id(self, sheet_id: int | None) -> Tab:
        """Return the tab of that ID; an absent ID is 0, as everywhere in Google's JSON."""
        for tab in self.tabs:
            if tab.sheet_id == (sheet_id or 0):
                return tab
        raise no_tab(sheet_id or 0)

    def resolve(self, text: str) -> tuple[Tab, Area]:
        """Return what a range's text names: a named range first, then a tab, then cells of the first tab."""
        title, rest = split(text)
        if title is None:
            for named in self.named_ranges:
                if named["name"] == text:
                    return self.grid_range(named["range"])
            for tab in self.tabs:
                if tab.title == text:
                    return tab, Area()
            title, rest = self.tabs[0].title, rest
        for tab in self.tabs:
            if tab.title == title:
                area = parse(rest) if rest else Area()
                if area is not None:
                    return tab, area
        raise unparsable(text)

    def grid_range(self, grid_range: Mapping[str, Any]) -> tuple[Tab, Area]:
        """Return tab and area of a GridRange."""
        return self.tab_by_id(grid_range.get("sheetId")), area_of(grid_range)

    def clip(self, tab: Tab, area: Area) -> Area:
        """Return the part of an area inside its tab's grid, or raise Google's refusal where it begins outside."""
        rows, columns = tab.size
        ends = Area(area.top, area.bottom or max(rows, area.top + 1), area.left, area.right or columns)
        return tab.clip(area, range_text(tab.title, ends))

    def check_cells(self, more: int = 0) -> None:
        """Raise Google's refusal where the spreadsheet holds too many cells."""
        if more + sum(len(tab.rows) * len(tab.columns) for tab in self.tabs) > CELL_LIMIT:
            raise too_many_cells()

    def grow(self, tab: Tab, rows: int, columns: int = 0) -> None:
        """Make a tab's grid at least so large."""
        more_rows = max(0, rows - len(tab.rows))
        more_columns = max(0, columns - len(tab.columns))
        self.check_cells((len(tab.rows) + more_rows) * (len(tab.columns) + more_columns) - len(tab.rows) * len(tab.columns))
        if more_rows:
            tab.extend("ROWS", more_rows)
        if more_columns:
            tab.extend("COLUMNS", more_columns)
