"""The requests that make rows, header, dropdown, colours and formats. Pure: plain data in, JSON of the Sheets API out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from amo2gsheet.model import CellFormat, CellValue, Dropdown, Layout, NewCell, NewRow, Tab

NEW_TAB_ROWS = 1000
NEW_TAB_COLUMNS = 26
"""What Google itself gives a new tab."""

Request = dict[str, Any]


def rule_of(dropdown: Dropdown) -> Mapping[str, object]:
    """Return the dropdown's rule as Sheets words it: its own, or else ours.

    Ours does not refuse other texts: leads in stages outside the dropdown show the stage's name, and a person must be able to put
    such a text back after a slip.
    """
    if dropdown.rule:
        return dropdown.rule
    values = [{"userEnteredValue": value} for value in dropdown.values]
    return {"condition": {"type": "ONE_OF_LIST", "values": values}, "strict": False, "showCustomUi": True}


def dropdown_below(sheet_id: int, status_index: int, below_row: int, dropdown: Dropdown) -> Request:
    """Return the request that puts a dropdown on the whole column below a row."""
    return {"setDataValidation": {"range": _column(sheet_id, status_index, below_row), "rule": rule_of(dropdown)}}


def inserted_rows(
    sheet_id: int, rows: Sequence[NewRow], below_row: int, *, looks_like_above: bool, dropdown: Dropdown | None, status_index: int
) -> list[Request]:
    """Return the requests that insert filled rows below a row; cells of columns that are not ours are not named."""
    span = {"sheetId": sheet_id, "dimension": "ROWS", "startIndex": below_row, "endIndex": below_row + len(rows)}
    requests: list[Request] = [{"insertDimension": {"range": span, "inheritFromBefore": looks_like_above}}]
    ours = sorted({index for row in rows for index in row.cells})
    for run in _runs(ours, alone=status_index if dropdown else None):
        has_dropdown = dropdown is not None and run == [status_index]
        fields = ["userEnteredValue", "userEnteredFormat.numberFormat", *(["dataValidation"] if has_dropdown else [])]
        look = {"dataValidation": rule_of(dropdown)} if dropdown is not None and has_dropdown else {}
        data = [{"values": [{**_cell(row.cells[index]), **look} for index in run]} for row in rows]
        start = {"sheetId": sheet_id, "rowIndex": below_row, "columnIndex": run[0]}
        requests.append({"updateCells": {"start": start, "rows": data, "fields": ",".join(fields)}})
    return requests


def overwritten_cells(sheet_id: int, row_number: int, cells: Mapping[int, CellValue]) -> Iterator[Request]:
    """Yield the requests that put values (column index → value) into a row, each for neighbouring cells; looks stay."""
    for run in _runs(sorted(cells), alone=None):
        values = [{"userEnteredValue": value} if (value := _extended(cells[index])) else {} for index in run]
        start = {"sheetId": sheet_id, "rowIndex": row_number - 1, "columnIndex": run[0]}
        yield {"updateCells": {"start": start, "rows": [{"values": values}], "fields": "userEnteredValue"}}


def longer_by_a_row(sheet_id: int) -> Request:
    """Return the request that adds an empty row at the end of the grid, wherever that is by now."""
    return {"appendDimension": {"sheetId": sheet_id, "dimension": "ROWS", "length": 1}}


def new_tab(sheet_id: int, layout: Layout) -> list[Request]:
    """Return the requests that make a tab with its header frozen."""
    columns = max(NEW_TAB_COLUMNS, len(layout.columns))
    grid = {"rowCount": NEW_TAB_ROWS, "columnCount": columns, "frozenRowCount": 1}
    properties = {"sheetId": sheet_id, "title": layout.title, "sheetType": "GRID", "gridProperties": grid}
    return [{"addSheet": {"properties": properties}}, *_look(sheet_id, layout)]


def header_on_top(tab: Tab, layout: Layout) -> list[Request]:
    """Return the requests that give a tab its header in a row inserted on top, frozen."""
    span = {"sheetId": tab.sheet_id, "dimension": "ROWS", "startIndex": 0, "endIndex": 1}
    requests: list[Request] = [{"insertDimension": {"range": span, "inheritFromBefore": False}}]
    if (missing := len(layout.columns) - tab.column_count) > 0:
        requests.append({"appendDimension": {"sheetId": tab.sheet_id, "dimension": "COLUMNS", "length": missing}})
    frozen = {"sheetId": tab.sheet_id, "gridProperties": {"frozenRowCount": 1}}
    requests.append({"updateSheetProperties": {"properties": frozen, "fields": "gridProperties.frozenRowCount"}})
    return [*requests, *_look(tab.sheet_id, layout)]


def _look(sheet_id: int, layout: Layout) -> Iterator[Request]:
    bold = {"textFormat": {"bold": True}}
    header = [{"userEnteredValue": {"stringValue": name}, "userEnteredFormat": bold} for name, _ in layout.columns]
    start = {"sheetId": sheet_id, "rowIndex": 0, "columnIndex": 0}
    fields = "userEnteredValue,userEnteredFormat.textFormat.bold"
    yield {"updateCells": {"start": start, "rows": [{"values": header}], "fields": fields}}
    for index, (_name, cell_format) in enumerate(layout.columns):
        cell = {"userEnteredFormat": _number_format(cell_format)}
        yield {"repeatCell": {"range": _column(sheet_id, index, 1), "cell": cell, "fields": "userEnteredFormat.numberFormat"}}
    yield dropdown_below(sheet_id, layout.status_index, 1, layout.dropdown)
    for place, (value, (red, green, blue)) in enumerate(layout.colours.items()):
        condition = {"type": "TEXT_EQ", "values": [{"userEnteredValue": value}]}
        look = {"backgroundColor": {"red": red, "green": green, "blue": blue}}
        # From the header on: rows inserted right below it fall into the range, instead of pushing it down before them.
        rule = {"ranges": [_column(sheet_id, layout.status_index, 0)], "booleanRule": {"condition": condition, "format": look}}
        yield {"addConditionalFormatRule": {"rule": rule, "index": place}}


def _column(sheet_id: int, index: int, below_row: int) -> dict[str, int]:
    """Return the cells of a column below a row, to an open end: rows that come later belong to it too."""
    return {"sheetId": sheet_id, "startRowIndex": below_row, "startColumnIndex": index, "endColumnIndex": index + 1}


def _runs(indexes: Sequence[int], alone: int | None) -> list[list[int]]:
    """Return neighbouring columns together.

    The status column stands alone when it gets its dropdown: the mask of its request would take the others' dropdowns away.
    """
    runs: list[list[int]] = []
    for _, group in groupby(enumerate(indexes), key=lambda pair: (pair[1] - pair[0], pair[1] == alone)):
        runs.append([index for _place, index in group])
    return runs


def _cell(cell: NewCell) -> dict[str, Any]:
    data: dict[str, Any] = {"userEnteredFormat": _number_format(cell.format)}
    if (value := _extended(cell.value)) is not None:
        data["userEnteredValue"] = value
    return data


def _extended(value: CellValue) -> dict[str, Any] | None:
    """Return a value as Sheets keeps it, None for an empty cell; text stays text, whatever it looks like."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if not math.isfinite(value):
        raise ValueError("not a number that a cell can hold")
    return {"numberValue": value}


def _number_format(cell_format: CellFormat) -> dict[str, Any]:
    kind, pattern = cell_format.value
    return {"numberFormat": {"type": kind, "pattern": pattern}}
