"""`values:append`: guessing where a table ends, the way Google does. Its quirks are the point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import Area, range_text
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_values import JSON, Reading, Written, lines_of, put

IsFilled = Callable[[int, int], bool]


def append(book: Book, text: str, body: JSON, options: dict[str, str], reading: Reading | None, knobs: SheetsKnobs) -> JSON:
    """Write rows below the table that Google sees at a range, from that table's first column on.

    Args:
        book: the draft to write to.
        text: the range; it only says where to look.
        body: the ValueRange.
        options: `valueInputOption` and `insertDataOption`.
        reading: how to show the written values, None to leave them out.
        knobs: how formatted cells count, among others.
    """
    tab, asked = book.resolve(text)
    area = book.clip(tab, asked)
    table = find_table(tab, area, is_whole=asked == Area(), knobs=knobs)
    lines = lines_of(body, "data")
    width = max(map(len, lines), default=0)
    top, left = (table.bottom or 0, table.left) if table else (area.top, area.left)
    if options["insertDataOption"] == "INSERT_ROWS" and table and top < len(tab.rows) and lines:
        book.check_cells(len(lines) * len(tab.columns))
        tab.insert("ROWS", top, len(lines), inherit_before=True)
    book.grow(tab, top + len(lines), left + width)
    rectangle = Area(top, top + max(1, len(lines)), left, left + max(1, width))
    written = Written(tab, rectangle, rectangle)
    put(book, written, lines, options["valueInputOption"], knobs)
    updates = written.answer(book)
    if reading:
        updates["updatedData"] = written.shown(book, reading, knobs)
    answer: dict[str, Any] = {"spreadsheetId": book.spreadsheet_id, "updates": updates}
    if table:
        answer["tableRange"] = range_text(tab.title, table)
    return answer


def find_table(tab: Tab, area: Area, *, is_whole: bool, knobs: SheetsKnobs) -> Area | None:
    """Return the block of filled cells at or around an area, the last block where the area is the whole tab.

    A blank cell belongs to a block only by its neighbours left and right: into a blank row between two blocks Google
    writes at the named cell and names no table (as recorded in gspread's test of `insert_row`).
    """
    is_filled = _filled(tab, knobs)
    seed = _last_filled(tab, area, is_filled)
    if seed is None:
        if is_whole or not _has_neighbour(tab, area, is_filled):
            return None
        seed = area.top, area.left
    return _grown(tab, Area(seed[0], seed[0] + 1, seed[1], seed[1] + 1), is_filled)


def _filled(tab: Tab, knobs: SheetsKnobs) -> IsFilled:
    def is_filled(row: int, column: int) -> bool:
        if tab.rows[row].value(column) is not None:
            return True
        return knobs.formatted_cells_count_as_data and bool(tab.patches(row, column))

    return is_filled


def _last_filled(tab: Tab, area: Area, is_filled: IsFilled) -> tuple[int, int] | None:
    for row in range((area.bottom or 0) - 1, area.top - 1, -1):
        for column in range((area.right or 0) - 1, area.left - 1, -1):
            if is_filled(row, column):
                return row, column
    return None


def _has_neighbour(tab: Tab, area: Area, is_filled: IsFilled) -> bool:
    sides = (area.left - 1, area.left + 1)
    return any(0 <= column < len(tab.columns) and is_filled(area.top, column) for column in sides)


def _grown(tab: Tab, area: Area, is_filled: IsFilled) -> Area:
    """Return the area stretched until no filled cell touches it, corners included."""
    rows, columns = tab.size
    top, bottom, left, right = area.top, area.bottom or 0, area.left, area.right or 0
    while True:
        across = range(max(0, left - 1), min(columns, right + 1))
        down = range(max(0, top - 1), min(rows, bottom + 1))
        if top > 0 and any(is_filled(top - 1, column) for column in across):
            top -= 1
        elif bottom < rows and any(is_filled(bottom, column) for column in across):
            bottom += 1
        elif left > 0 and any(is_filled(row, left - 1) for row in down):
            left -= 1
        elif right < columns and any(is_filled(row, right) for row in down):
            right += 1
        else:
            return Area(top, bottom, left, right)
