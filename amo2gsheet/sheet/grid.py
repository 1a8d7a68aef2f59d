"""Answers of the Sheets API ⇄ header, rows and cells. Pure: knows JSON, not HTTP, and believes no answer half.

Whatever does not have the shape that was asked for raises BadAnswerError, so that a broken answer is never taken for empty cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from amo2gsheet.columns import SYSTEM_COLUMNS, system_key
from amo2gsheet.exceptions import SheetLayoutError
from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.model import CellValue, ColumnKey, Header, Row
from amo2gsheet.sheet.a1 import Area, area_of, column_name

HEADER_SEARCH_ROWS = 10
"""The header is looked for in so many top rows."""

_CELL_TYPES = frozenset({str, int, float, bool, type(None)})


class BadAnswerError(Exception):
    """An answer without the shape that was asked for."""


def value_ranges(answer: Any, asked: Sequence[Area], *, by_columns: bool = False) -> list[tuple[Area, list[list[CellValue]]]]:
    """Return of each asked range the area that the answer covers and its lines of cells, "" as None.

    A line is a row, or a column where `by_columns` was asked for. What is missing at the ends is empty in the sheet.

    Raises:
        BadAnswerError: a range is missing, begins elsewhere, or is of another shape.
    """
    found = _of_type(_of_type(answer, dict, "the answer").get("valueRanges"), list, "valueRanges")
    if len(found) != len(asked):
        raise BadAnswerError(f"{len(asked)} ranges were asked for, {len(found)} came")
    return [value_range(item, area, by_columns=by_columns) for item, area in zip(found, asked, strict=True)]


def value_range(item: Any, asked: Area, *, by_columns: bool = False) -> tuple[Area, list[list[CellValue]]]:
    """Return the area that a ValueRange covers and its lines of cells; BadAnswerError where it is not of the asked area."""
    area = range_of(_of_type(item, dict, "a range").get("range"))
    if (area.top, area.left) != (asked.top, asked.left):
        raise BadAnswerError(f"the range of {column_name(asked.left)}{asked.top + 1} begins elsewhere")
    lines = [cells(line) for line in _of_type(item.get("values", []), list, "values")]
    dimension = "COLUMNS" if by_columns else "ROWS"
    if item.get("majorDimension", dimension) != dimension:
        # A server that overlooks the wish says so, and then its lines run the other way.
        lines = turned(lines)
    height = asked.bottom - asked.top if asked.bottom is not None else math.inf
    width = asked.right - asked.left if asked.right is not None else math.inf
    most, longest = (width, height) if by_columns else (height, width)
    if len(lines) > most or max(map(len, lines), default=0) > longest:
        raise BadAnswerError(f"the range of {column_name(asked.left)}{asked.top + 1} is of another shape")
    return area, lines


def range_of(name: Any) -> Area:
    """Return the area of a range's name in an answer; BadAnswerError where it is none."""
    try:
        return area_of(_of_type(name, str, "range"))
    except ValueError as error:
        raise BadAnswerError("a range has no name") from error


def cells(line: Any) -> list[CellValue]:
    """Return a line of cells with None for empty ones; BadAnswerError where it holds anything but values."""
    found: list[CellValue] = _of_type(line, list, "a line of cells")
    if not _CELL_TYPES.issuperset(map(type, found)):
        raise BadAnswerError("a cell holds no value")
    return [None if cell == "" else cell for cell in found] if "" in found else found


def turned(columns: Sequence[Sequence[CellValue]]) -> list[list[CellValue]]:
    """Return columns as rows of equal length."""
    height = max(map(len, columns), default=0)
    return [[column[row] if row < len(column) else None for column in columns] for row in range(height)]


def text_of(cell: CellValue) -> str:
    """Return a header cell as a person reads it."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def header_in(row: Sequence[CellValue], row_number: int) -> Header:
    """Return a row as the header it is taken for, blank cells at its end left out."""
    texts = [text_of(cell) for cell in row]
    while texts and not texts[-1].strip():
        texts.pop()
    return Header(row_number, tuple(texts))


def header_area(header: Header) -> Area:
    """Return the header row over its whole width."""
    return Area(header.row_number - 1, 0, header.row_number, None)


def find_header(top_rows: Sequence[Sequence[CellValue]]) -> Header | None:
    """Return the first of the top rows that holds both `ID` and `статус`; None where none does."""
    for row_number, row in enumerate(top_rows[:HEADER_SEARCH_ROWS], 1):
        header = header_in(row, row_number)
        if _places(header, "id") and _places(header, "status"):
            return header
    return None


def key_columns(header: Header) -> tuple[int, int]:
    """Return the indexes of the ID and the status column.

    Raises:
        SheetLayoutError: one of the two stands twice or not at all.
    """
    return _only_place(header, "id"), _only_place(header, "status")


def id_column(header: Header) -> int:
    """Return the index of the ID column; SheetLayoutError where it stands twice or not at all."""
    return _only_place(header, "id")


def is_under(header: Header, column: Sequence[CellValue], index: int) -> bool:
    """Tell whether a column as it was read shows the header of that index in its row."""
    row = header.row_number - 1
    return row < len(column) and text_of(column[row]) == header.texts[index]


def rows_below(header: Header, ids: Sequence[CellValue], statuses: Sequence[CellValue]) -> dict[int, tuple[CellValue, CellValue]]:
    """Return row number → (ID cell, status cell) of every row below the header that has something in its ID cell."""
    start = header.row_number
    missing: list[CellValue] = [None] * max(0, len(ids) - len(statuses))
    pairs = zip(ids[start:], [*statuses, *missing][start:], strict=False)
    return {number: pair for number, pair in enumerate(pairs, start + 1) if pair[0] is not None}


def row_of(number: int, left: int, line: Sequence[CellValue], indexes: Sequence[int], id_index: int) -> Row:
    """Return a row of the given columns from a line that begins at column `left`; what the line lacks is None."""
    width = len(line)
    found = {index: line[index - left] if 0 <= index - left < width else None for index in indexes}
    return Row(number, lead_id_of(found.get(id_index)), found)


def sent(value: CellValue) -> str | int | float | bool:
    """Return a value as it is sent to an existing cell, where "" clears.

    Raises:
        ValueError: Sheets has no such number.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number that a cell can hold")
    return "" if value is None else value


def shown_value(cell: Any) -> CellValue:
    """Return what a CellData of an answer holds; BadAnswerError where it is none."""
    value = _of_type(_of_type(cell, dict, "a cell").get("effectiveValue", {}), dict, "a value")
    for kind in ("numberValue", "stringValue", "boolValue"):
        if kind in value:
            return cells([value[kind]])[0]
    return "#ERROR!" if "errorValue" in value else None


def grid_data(answer: Any, sheet_id: int) -> dict[int, list[CellValue]] | None:
    """Return row index → cells from column A on, out of the grid data of a batchUpdate's answer; None where it holds none.

    Raises:
        BadAnswerError: it holds grid data of another shape.
    """
    spreadsheet = _of_type(answer, dict, "the answer").get("updatedSpreadsheet")
    if spreadsheet is None:
        return None
    rows: dict[int, list[CellValue]] = {}
    for sheet in _of_type(_of_type(spreadsheet, dict, "the spreadsheet").get("sheets", []), list, "sheets"):
        properties = _of_type(_of_type(sheet, dict, "a sheet").get("properties", {}), dict, "properties")
        if properties.get("sheetId", 0) == sheet_id:
            for block in _of_type(sheet.get("data", []), list, "data"):
                rows.update(_block_rows(_of_type(block, dict, "a block of cells")))
    return rows


def _block_rows(block: Mapping[str, Any]) -> dict[int, list[CellValue]]:
    top = _of_type(block.get("startRow", 0), int, "startRow")
    left = _of_type(block.get("startColumn", 0), int, "startColumn")
    rows = {}
    for index, row in enumerate(_of_type(block.get("rowData", []), list, "rowData"), top):
        values = _of_type(_of_type(row, dict, "a row").get("values", []), list, "values of a row")
        rows[index] = [*[None] * left, *map(shown_value, values)]
    return rows


def _places(header: Header, key: ColumnKey) -> list[int]:
    return [index for index, text in enumerate(header.texts) if system_key(text) == key]


def _only_place(header: Header, key: ColumnKey) -> int:
    places, name = _places(header, key), SYSTEM_COLUMNS[key].header
    if len(places) == 1:
        return places[0]
    if not places:
        raise SheetLayoutError(
            f'Row {header.row_number} has no column "{name}".', f'Add the header "{name}" to row {header.row_number}.'
        )
    columns = ", ".join(map(column_name, places))
    raise SheetLayoutError(
        f'The column "{name}" stands {len(places)} times in row {header.row_number}: {columns}.',
        f'Give all but one of them another name, so that it is clear which column is meant by "{name}".',
    )


def _of_type(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise BadAnswerError(f"{what} is missing or of another kind")
    return value
