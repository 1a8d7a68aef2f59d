"""A person's seat in front of a tab: finding rows and columns as people do, and changing single cells.

Typing goes through the same eyes as in the browser: `1,5` becomes a number, `=…` a formula, and a strict dropdown
refuses what it does not list.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from amo2gsheet.sandbox.sheets import SPREADSHEET_ID, SheetsCloud
from amo2gsheet.sandbox.sheets_a1 import Area
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import NOTE, VALIDATION, Formula, Plain, Value, plain
from amo2gsheet.sandbox.sheets_entry import enter
from amo2gsheet.sandbox.sheets_grid import Tab

HEADER_ROWS = 10
"""How far down a header row is looked for."""


class RefusedByDropdownError(ValueError):
    """The text is not in a strict dropdown: the browser shows a message and the cell stays."""


class Seat:
    """One person's place in front of one tab: looking, and changing cells.

    A row is named by `row`, its number as the sheet shows it, or by `lead`, the ID in its ID column. A column is named
    by its header, compared as people read it: blanks and case do not count.
    """

    def __init__(
        self, cloud: SheetsCloud, title: str = "Sheet1", *, id_header: str = "ID", spreadsheet_id: str = SPREADSHEET_ID
    ) -> None:
        """Sit down in front of the tab of that title."""
        self.cloud, self.title = cloud, title
        self._id_header, self._spreadsheet_id = id_header, spreadsheet_id
        self._done: list[tuple[Tab, Tab]] = []

    # Looking

    @property
    def tab(self) -> Tab:
        """The tab as it stands now; not to be changed."""
        return self.cloud.books[self._spreadsheet_id].tab(self.title)

    def header_row(self) -> int:
        """Return the number of the header row: the first of the top rows with the ID header, else 1."""
        return header_index(self.tab, self._id_header) + 1

    def column_of(self, header: str) -> int:
        """Return the number of the first column with that header; LookupError where there is none."""
        return find_column(self.tab, header, self._id_header) + 1

    def row_of(self, lead: int) -> int:
        """Return the number of the first row with that ID; LookupError where there is none."""
        return find_row(self.tab, None, lead, self._id_header) + 1

    def rows_of(self, lead: int) -> list[int]:
        """Return the numbers of all rows with that ID."""
        column = find_column(self.tab, self._id_header, self._id_header)
        return [index + 1 for index, row in enumerate(self.tab.rows) if _is_id(row.value(column), lead)]

    def leads(self) -> list[Plain]:
        """Return what stands below the ID header, blanks left out."""
        column, top = self.column_of(self._id_header) - 1, self.header_row()
        values = [plain(row.value(column)) for row in self.tab.rows[top:]]
        return [value for value in values if value not in (None, "")]

    def see(self, header: str, *, row: int | None = None, lead: int | None = None) -> Plain:
        """Return what a cell shows."""
        tab = self.tab
        return plain(tab.value(find_row(tab, row, lead, self._id_header), find_column(tab, header, self._id_header)))

    # Cells

    def type(self, header: str, text: str, *, row: int | None = None, lead: int | None = None) -> None:
        """Type into a cell."""
        with self._edit() as (book, tab):
            type_into(book, tab, find_row(tab, row, lead, self._id_header), find_column(tab, header, self._id_header), text)

    def pick(self, header: str, text: str, *, row: int | None = None, lead: int | None = None) -> None:
        """Pick a value from a dropdown."""
        self.type(header, text, row=row, lead=lead)

    def type_at(self, row: int, column: int, text: str) -> None:
        """Type into a cell named by its numbers."""
        with self._edit() as (book, tab):
            type_into(book, tab, row - 1, column - 1, text)

    def write_formula(self, header: str, formula: str, shows: Plain, *, row: int | None = None, lead: int | None = None) -> None:
        """Write a formula of any kind; `shows` is its result, for the stand-in calculates only the simplest."""
        with self._edit() as (_book, tab):
            place = find_row(tab, row, lead, self._id_header)
            tab.write(place, {find_column(tab, header, self._id_header): Formula(formula, shows)})

    def clear_cell(self, header: str, *, row: int | None = None, lead: int | None = None) -> None:
        """Press Delete in a cell."""
        with self._edit() as (_book, tab):
            tab.write(find_row(tab, row, lead, self._id_header), {find_column(tab, header, self._id_header): None})

    def clear_row(self, *, row: int | None = None, lead: int | None = None) -> None:
        """Empty a row; the row stays."""
        with self._edit() as (_book, tab):
            place = find_row(tab, row, lead, self._id_header)
            tab.clear(Area(place, place + 1, 0, len(tab.columns)))

    def clear_all(self) -> None:
        """Select everything and press Delete."""
        with self._edit() as (_book, tab):
            tab.clear(tab.whole)

    def note(self, header: str, text: str, *, row: int | None = None, lead: int | None = None) -> None:
        """Put a note on a cell."""
        with self._edit() as (_book, tab):
            place = find_row(tab, row, lead, self._id_header)
            tab.dress(place, {find_column(tab, header, self._id_header): {NOTE: text}})

    def colour(self, cells: str, red: float, green: float, blue: float) -> None:
        """Give cells (A1 notation) a background."""
        with self._edit() as (book, tab):
            colour = {"red": red, "green": green, "blue": blue}
            tab.paint(self._area(book, tab, cells), {("userEnteredFormat", "backgroundColor"): colour})

    @contextmanager
    def _edit(self) -> Iterator[tuple[Book, Tab]]:
        before = self.tab
        with self.cloud.change(self._spreadsheet_id) as book:
            tab = book.tab(self.title)
            yield book, tab
        self._done.append((before, tab))

    def _area(self, book: Book, tab: Tab, cells: str) -> Area:
        _, area = book.resolve(f"'{self.title.replace(chr(39), chr(39) * 2)}'!{cells}")
        return area.clipped(*tab.size)

    def _column(self, tab: Tab, column: int | str) -> int:
        return column - 1 if isinstance(column, int) else find_column(tab, column, self._id_header)


def type_into(book: Book, tab: Tab, row: int, column: int, text: str) -> None:
    """Type into a cell; a strict dropdown may refuse."""
    rule = tab.look(row, column, VALIDATION) or {}
    listed = [item.get("userEnteredValue") for item in (rule.get("condition") or {}).get("values", [])]
    if text and rule.get("strict") and listed and text not in listed:
        raise RefusedByDropdownError(text)
    put_text(book, tab, row, column, text)


def put_text(book: Book, tab: Tab, row: int, column: int, text: str) -> None:
    """Put a text into a cell as typing would make of it."""
    value, look = enter(book, tab, row, column, text)
    tab.write(row, {column: value})
    if look:
        tab.dress(row, {column: look})


def header_index(tab: Tab, id_header: str) -> int:
    """Return the index of the header row."""
    for index, row in enumerate(tab.rows[:HEADER_ROWS]):
        if any(_same(value, id_header) for value in row.values):
            return index
    return 0


def find_column(tab: Tab, header: str, id_header: str) -> int:
    """Return the index of the first column with that header."""
    for column, value in enumerate(tab.rows[header_index(tab, id_header)].values):
        if _same(value, header):
            return column
    raise LookupError(f'no column "{header}"')


def find_row(tab: Tab, row: int | None, lead: int | None, id_header: str) -> int:
    """Return the index of a row named by its number or by its lead's ID."""
    if row is not None:
        return row - 1
    if lead is None:
        raise TypeError("name the row by `row` or by `lead`")
    column = find_column(tab, id_header, id_header)
    for index, found in enumerate(tab.rows):
        if _is_id(found.value(column), lead):
            return index
    raise LookupError(f"no row of lead {lead}")


def _same(value: Value, header: str) -> bool:
    return " ".join(str(plain(value) or "").split()).casefold() == " ".join(header.split()).casefold()


def _is_id(value: Value, lead: int) -> bool:
    text = str(plain(value)).strip()
    return (text.removesuffix(".0")) == str(lead)
