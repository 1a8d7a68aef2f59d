"""What people do to a tab by hand: type, pick, sort, drag, paste, filter, undo. Rows count from 1, as they see them."""

from __future__ import annotations

from collections.abc import Sequence

from amo2gsheet.sandbox.sheets_a1 import Area
from amo2gsheet.sandbox.sheets_batch_cells import sorted_rows
from amo2gsheet.sandbox.sheets_batch_overlays import merge_cells, refilter
from amo2gsheet.sandbox.sheets_batch_paste import dropped, lifted
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_record import Change
from amo2gsheet.sandbox.sheets_seat import (
    RefusedByDropdownError,
    Seat,
    find_column,
    find_row,
    header_index,
    put_text,
)
from amo2gsheet.sandbox.sheets_undo import undo

__all__ = ["Person", "RefusedByDropdownError"]


class Person(Seat):
    """One person at work in one tab.

    A row is named by `row`, its number as the sheet shows it, or by `lead`, the ID in its ID column. A column is named
    by its header, compared as people read it: blanks and case do not count.
    """

    def on(self, title: str) -> Person:
        """Return the same person in another tab."""
        return Person(self.cloud, title, id_header=self._id_header, spreadsheet_id=self._spreadsheet_id)

    # Rows and columns

    def insert_rows(self, before: int, count: int = 1) -> None:
        """Insert blank rows above a row."""
        with self._edit() as (_book, tab):
            tab.insert("ROWS", before - 1, count)

    def insert_columns(self, before: int | str, count: int = 1) -> None:
        """Insert blank columns left of a column, named by header or number."""
        with self._edit() as (_book, tab):
            tab.insert("COLUMNS", self._column(tab, before), count)

    def delete_rows(self, row: int, count: int = 1) -> None:
        """Delete rows."""
        with self._edit() as (_book, tab):
            tab.delete("ROWS", row - 1, count)

    def delete_row(self, lead: int) -> None:
        """Delete the row of a lead."""
        self.delete_rows(self.row_of(lead))

    def delete_columns(self, column: int | str, count: int = 1) -> None:
        """Delete columns, named by header or number."""
        with self._edit() as (_book, tab):
            tab.delete("COLUMNS", self._column(tab, column), count)

    def move_row(self, before: int, *, row: int | None = None, lead: int | None = None) -> None:
        """Drag a row to above another."""
        with self._edit() as (_book, tab):
            tab.move("ROWS", find_row(tab, row, lead, self._id_header), 1, before - 1)

    def move_column(self, header: str, before: int | str) -> None:
        """Drag a column to left of another; a number one past the last is the right end."""
        with self._edit() as (_book, tab):
            tab.move("COLUMNS", find_column(tab, header, self._id_header), 1, self._column(tab, before))

    def trim_grid(self) -> None:
        """Delete the empty rows below the data and the empty columns right of it."""
        with self._edit() as (_book, tab):
            rows = max(1, tab.last_data_row() + 1, tab.properties.get("gridProperties", {}).get("frozenRowCount", 0) + 1)
            columns = max(1, max((len(row.values) for row in tab.rows), default=1))
            if rows < len(tab.rows):
                tab.delete("ROWS", rows, len(tab.rows) - rows)
            if columns < len(tab.columns):
                tab.delete("COLUMNS", columns, len(tab.columns) - columns)

    def add_rows(self, count: int = 1000) -> None:
        """Add blank rows at the bottom."""
        with self._edit() as (book, tab):
            book.grow(tab, len(tab.rows) + count)

    # Sorting

    def sort(self, header: str, *, descending: bool = False) -> None:
        """Sort the whole tab below its header by a column."""
        self.sort_part(header, self.header_row() + 1, len(self.tab.rows), descending=descending)

    def sort_part(self, header: str, first: int, last: int, *, descending: bool = False) -> None:
        """Sort some rows, whole, by a column."""
        with self._edit() as (_book, tab):
            area = Area(first - 1, last, 0, len(tab.columns))
            self._sort(tab, area, find_column(tab, header, self._id_header), descending=descending)

    def sort_one_column(self, header: str, *, descending: bool = False) -> None:
        """Sort one column by itself, which tears the rows apart."""
        with self._edit() as (_book, tab):
            column = find_column(tab, header, self._id_header)
            top = header_index(tab, self._id_header) + 1
            self._sort(tab, Area(top, len(tab.rows), column, column + 1), column, descending=descending)

    def _sort(self, tab: Tab, area: Area, column: int, *, descending: bool) -> None:
        order = sorted_rows(tab, range(area.top, area.bottom or 0), column, is_descending=descending)
        tab.reorder(area, order, keeps_keys=self.cloud.knobs.does_sort_carry_metadata)

    # Copying

    def copy(self, cells: str, to: str) -> None:
        """Copy cells and paste them with their first cell at `to` (both A1 notation)."""
        with self._edit() as (book, tab):
            target = self._area(book, tab, to)
            dropped(book, tab, (target.top, target.left), lifted(tab, self._area(book, tab, cells)))

    def cut(self, cells: str, to: str) -> None:
        """Cut cells and paste them with their first cell at `to` (both A1 notation)."""
        with self._edit() as (book, tab):
            source, target = self._area(book, tab, cells), self._area(book, tab, to)
            block = lifted(tab, source)
            tab.clear(source)
            dropped(book, tab, (target.top, target.left), block)

    def paste(self, to: str, rows: Sequence[Sequence[str]]) -> None:
        """Paste text from elsewhere with its first cell at `to`, read as if typed."""
        with self._edit() as (book, tab):
            target = self._area(book, tab, to)
            book.grow(tab, target.top + len(rows), target.left + max(map(len, rows), default=0))
            for row, line in enumerate(rows, target.top):
                for column, text in enumerate(line, target.left):
                    put_text(book, tab, row, column, text)

    def copy_row(self, onto: int, *, row: int | None = None, lead: int | None = None) -> None:
        """Copy a row over another."""
        with self._edit() as (book, tab):
            self._copy_row(book, tab, find_row(tab, row, lead, self._id_header), onto - 1)

    def duplicate_row(self, *, row: int | None = None, lead: int | None = None) -> None:
        """Insert a copy of a row below it."""
        with self._edit() as (book, tab):
            source = find_row(tab, row, lead, self._id_header)
            tab.insert("ROWS", source + 1, 1, inherit_before=True)
            self._copy_row(book, tab, source, source + 1)

    @staticmethod
    def _copy_row(book: Book, tab: Tab, source: int, target: int) -> None:
        dropped(book, tab, (target, 0), lifted(tab, Area(source, source + 1, 0, len(tab.columns))))

    # Header, tab and what lies over cells

    def rename_header(self, old: str, new: str) -> None:
        """Type another header; an empty one blanks it."""
        self.type_at(self.header_row(), self.column_of(old), new)

    def rename_tab(self, title: str) -> None:
        """Give the tab another title, and stay in it."""
        with self._edit() as (book, tab):
            tab.title = title
            book.record.changes.append(Change("tab", tab.sheet_id, detail=f"renamed {self.title} to {title}"))
        self.title = title

    def add_tab(self, title: str, rows: Sequence[Sequence[str]] = (), size: tuple[int, int] = (1000, 26)) -> Person:
        """Add a tab, perhaps with contents, and return the person in it."""
        with self.cloud.change(self._spreadsheet_id) as book:
            book.add_tab(title, size)
        other = self.on(title)
        if rows:
            other.paste("A1", rows)
        return other

    def delete_tab(self) -> None:
        """Delete the tab."""
        with self.cloud.change(self._spreadsheet_id) as book:
            tab = book.tab(self.title)
            book.tabs.remove(tab)
            book.record.changes.append(Change("tab", tab.sheet_id, detail=f"deleted {self.title}"))

    def hide_rows(self, row: int, count: int = 1) -> None:
        """Hide rows."""
        with self._edit() as (_book, tab):
            tab.hidden |= {found.key for found in tab.rows[row - 1 : row - 1 + count]}

    def hide_column(self, column: int | str) -> None:
        """Hide a column, named by header or number."""
        with self._edit() as (_book, tab):
            tab.hidden.add(tab.columns[self._column(tab, column)])

    def unhide_all(self) -> None:
        """Show all rows and columns hidden by hand."""
        with self._edit() as (_book, tab):
            tab.hidden = set()

    def filter(self, header: str, hides: Sequence[str]) -> None:
        """Put a filter on the tab that hides the rows with these texts in a column."""
        with self._edit() as (_book, tab):
            tab.basic_filter = self._filter(tab, header, hides)
            refilter(tab)

    def clear_filter(self) -> None:
        """Take the filter away."""
        with self._edit() as (_book, tab):
            tab.basic_filter, tab.filtered = None, set()

    def filter_view(self, header: str, hides: Sequence[str], title: str = "Мой фильтр") -> None:
        """Make a filter view; it hides rows only for who opens it."""
        with self._edit() as (book, tab):
            view = {**self._filter(tab, header, hides), "filterViewId": book.new_id(), "title": title}
            tab.filter_views.append(view)

    def _filter(self, tab: Tab, header: str, hides: Sequence[str]) -> dict[str, object]:
        area = Area(header_index(tab, self._id_header), len(tab.rows), 0, len(tab.columns))
        column = find_column(tab, header, self._id_header)
        return {"range": area.to_json(tab.sheet_id), "criteria": {str(column): {"hiddenValues": list(hides)}}}

    def protect(self, cells: str | None = None, *, warning_only: bool = False) -> None:
        """Protect cells (A1 notation), or the whole tab, so that only this person may edit them."""
        with self._edit() as (book, tab):
            area = Area() if cells is None else self._area(book, tab, cells)
            protection = {"range": area.to_json(tab.sheet_id), "protectedRangeId": book.new_id()}
            tab.protected.append({**protection, "warningOnly": True} if warning_only else protection)

    def unprotect(self) -> None:
        """Take all protections away."""
        with self._edit() as (_book, tab):
            tab.protected = []

    def merge(self, cells: str) -> None:
        """Merge cells; all values but the first are lost."""
        with self._edit() as (book, tab):
            merge_cells(book, {"range": self._area(book, tab, cells).to_json(tab.sheet_id)}, SheetsKnobs())

    def convert_to_table(self, cells: str, typed_columns: Sequence[int], name: str = "Таблица1") -> None:
        """Turn cells into a Table, some of whose columns (numbers from 1 within it) have a type."""
        with self._edit() as (book, tab):
            columns = [{"columnIndex": number - 1, "columnType": "DROPDOWN"} for number in typed_columns]
            table = {"tableId": str(book.new_id()), "name": name, "columnProperties": columns}
            tab.tables.append({**table, "range": self._area(book, tab, cells).to_json(tab.sheet_id)})

    # Going back

    def version(self) -> Tab:
        """Return the tab as it stands, for `restore_version`."""
        return self.tab

    def restore_version(self, version: Tab) -> None:
        """Bring back the tab's contents from the version history."""
        with self._edit() as (_book, tab):
            tab.rows, tab.columns = list(version.rows), list(version.columns)
            tab.layers, tab.merges = list(version.layers), list(version.merges)
            tab.hidden, tab.filtered = set(version.hidden), set(version.filtered)
            tab.basic_filter = version.basic_filter
            tab.record.changes.append(Change("tab", tab.sheet_id, detail="restored a version"))

    def undo(self) -> None:
        """Press Ctrl+Z: take back this person's last action, not what others did since."""
        before, after = self._done.pop()
        with self.cloud.change(self._spreadsheet_id) as book:
            undo(book, before, after)
            self.title = book.tab_by_id(before.sheet_id).title
