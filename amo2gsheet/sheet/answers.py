"""What the spreadsheet's answers say: tabs, marks, dropdowns, and which rows a write hit. Knows JSON, not HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.model import Dropdown, Header, Mark, Row, Tab, WriteAnswer
from amo2gsheet.sheet import grid, metadata
from amo2gsheet.sheet.a1 import Area
from amo2gsheet.sheet.grid import BadAnswerError

WORKBOOK_FIELDS = (
    "spreadsheetId,sheets(properties(sheetId,title,index,sheetType,hidden,gridProperties(rowCount,columnCount))),"
    "developerMetadata(metadataId,metadataKey,metadataValue)"
)
DROPDOWN_FIELDS = "sheets(properties(sheetId),data(rowData(values(dataValidation))))"
SHOWN_FIELDS = (
    "spreadsheetId,updatedSpreadsheet(sheets(properties(sheetId),data(startRow,startColumn,rowData(values(effectiveValue)))))"
)
"""The masks of the answers below: what nobody looks at is not sent."""


@dataclass(frozen=True, slots=True)
class FoundWorkbook:
    """The tab list, the marks with their metadata IDs, and the commit tokens."""

    tabs: tuple[Tab, ...]
    marks: list[tuple[int, Mark]]
    commit_tokens: Mapping[int, int]


def workbook(answer: Any, spreadsheet_id: str) -> FoundWorkbook:
    """Read the spreadsheet's tab list; charts on tabs of their own are no tabs here.

    Raises:
        BadAnswerError: it is of another spreadsheet, or has no tabs.
    """
    if not isinstance(answer, dict) or answer.get("spreadsheetId") != spreadsheet_id:
        raise BadAnswerError("it is not about this spreadsheet")
    sheets = _objects(answer.get("sheets"), "sheets")
    if not sheets:
        raise BadAnswerError("a spreadsheet without tabs")
    properties = [_object(sheet.get("properties"), "properties") for sheet in sheets]
    tabs = tuple(_tab(found) for found in properties if found.get("sheetType", "GRID") == "GRID")
    entries = _objects(answer.get("developerMetadata", []), "developerMetadata")
    return FoundWorkbook(tabs, metadata.marks_in(entries), metadata.tokens_in(entries))


def dropdown(answer: Any, sheet_id: int) -> Dropdown | None:
    """Read the dropdown of the one cell that was asked for; a rule that is no list of values has no values."""
    sheets = _objects(_object(answer, "the answer").get("sheets"), "sheets")
    found = [sheet for sheet in sheets if _object(sheet.get("properties"), "properties").get("sheetId", 0) == sheet_id]
    if not found:
        raise BadAnswerError("the tab is missing")
    level: list[dict[str, Any]] = found[:1]
    for name in ("data", "rowData", "values"):
        level = [item for outer in level for item in _objects(outer.get(name, []), name)]
    rule = level[0].get("dataValidation") if level else None
    if rule is None:
        return None
    condition = _object(_object(rule, "dataValidation").get("condition", {}), "condition")
    is_list = condition.get("type") == "ONE_OF_LIST"
    values = _objects(condition.get("values", []), "values") if is_list else []
    return Dropdown(tuple(str(value.get("userEnteredValue", "")) for value in values), rule)


def written(answer: Any, asked: Sequence[Area], header_area: Area, id_index: int) -> WriteAnswer:
    """Read which rows a values:batchUpdate hit; its last range is the header row.

    Where the answer covers no more than the written cells it does not tell, and both parts are None.
    """
    responses = _objects(_object(answer, "the answer").get("responses"), "responses")
    if len(responses) != len(asked) + 1:
        raise BadAnswerError(f"{len(asked) + 1} ranges were written, {len(responses)} came back")
    rows = [_written_row(response, area, id_index) for response, area in zip(responses, asked, strict=False)]
    told = [row for row in rows if row is not None]
    needed = max((area.right or 0 for area in asked), default=0)
    return WriteAnswer(tuple(told) if len(told) == len(rows) else None, _written_header(responses[-1], header_area, needed))


def is_shown(answer: Any, asked: Area) -> bool:
    """Tell whether a values:batchUpdate of one range shows all of it, though nothing was written there."""
    responses = _objects(_object(answer, "the answer").get("responses", []), "responses")
    data = responses[0].get("updatedData") if responses else None
    return data is not None and grid.range_of(_object(data, "updatedData").get("range")) == asked


def inserted(answer: Any, sheet_id: int, header: Header, filled: Area, indexes: Sequence[int]) -> WriteAnswer:
    """Read the inserted rows and the header out of the grid data of a batchUpdate's answer; None for what it lacks."""
    id_index = grid.id_column(header)
    left, right = min(id_index, *indexes), max(id_index, *indexes) + 1
    return overwritten(
        answer, sheet_id, header, [Area(top, left, top + 1, right) for top in range(filled.top, filled.bottom or 0)]
    )


def overwritten(answer: Any, sheet_id: int, header: Header, areas: Sequence[Area]) -> WriteAnswer:
    """Read rows (an area for each) and the header out of the grid data of a batchUpdate's answer; None for what it lacks."""
    found = grid.grid_data(answer, sheet_id) or {}
    id_index = grid.id_column(header)
    rows = None
    if all(area.top in found for area in areas):
        rows = tuple(grid.row_of(area.top + 1, 0, found[area.top], range(area.left, area.right or 0), id_index) for area in areas)
    texts = found.get(header.row_number - 1)
    return WriteAnswer(rows, None if texts is None else grid.header_in(texts, header.row_number))


def _written_row(response: Mapping[str, Any], asked: Area, id_index: int) -> Row | None:
    data = response.get("updatedData")
    if data is None:
        return None
    covered = grid.range_of(_object(data, "updatedData").get("range"))
    if covered.top != asked.top:
        raise BadAnswerError(f"row {asked.top + 1} was written, another came back")
    if (covered.left, covered.right) != (asked.left, asked.right):
        return None
    _, lines = grid.value_range(data, asked)
    columns = range(asked.left, asked.right or 0)
    return grid.row_of(asked.top + 1, asked.left, lines[0] if lines else [], columns, id_index)


def _written_header(response: Mapping[str, Any], asked: Area, needed: int) -> Header | None:
    data = response.get("updatedData")
    if data is None:
        return None
    covered = grid.range_of(_object(data, "updatedData").get("range"))
    is_whole = (covered.top, covered.left) == (asked.top, asked.left) and (covered.right is None or covered.right >= needed)
    if not is_whole:
        return None
    _, lines = grid.value_range(data, asked)
    return grid.header_in(lines[0] if lines else [], asked.top + 1)


def _tab(properties: Mapping[str, Any]) -> Tab:
    size = _object(properties.get("gridProperties", {}), "gridProperties")
    rows, columns = size.get("rowCount", 0), size.get("columnCount", 0)
    sheet_id, title = properties.get("sheetId", 0), properties.get("title")
    if not isinstance(title, str) or not all(isinstance(number, int) for number in (sheet_id, rows, columns)):
        raise BadAnswerError("a tab without title or size")
    return Tab(sheet_id, title, rows, columns)


def _objects(value: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadAnswerError(f"{what} is missing or no list")
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswerError(f"{what} is missing or no object")
    return value
