"""batchUpdate requests that change cells: values, formats, notes, dropdowns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import Area, area_of
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import VALIDATION, Formula, Patch, Path, Value, as_number, get_path, plain
from amo2gsheet.sandbox.sheets_entry import calculated
from amo2gsheet.sandbox.sheets_errors import bad_mask, invalid
from amo2gsheet.sandbox.sheets_fields import update_paths
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_values import JSON

_WRITABLE = ("userEnteredValue", "userEnteredFormat", "note", "dataValidation", "textFormatRuns")


class CellFields:
    """A `fields` mask over CellData, read once: whether values are meant, and which parts of the look."""

    def __init__(self, fields: str | None) -> None:
        """Read the mask; refuses names that no cell has."""
        paths = update_paths(fields)
        if paths == [("*",)]:
            paths = [(name,) for name in _WRITABLE]
        for path in paths:
            if path[0] not in _WRITABLE:
                raise bad_mask(".".join(path))
        self.has_value = any(path[0] == "userEnteredValue" for path in paths)
        self._paths: list[Path] = [path for path in paths if path[0] != "userEnteredValue"]

    def look(self, cell: JSON) -> Patch:
        """Return what the mask takes of a cell's look; what the cell does not carry is taken away."""
        return {path: get_path(cell, path) for path in self._paths}


def put_cells(tab: Tab, row: int, column: int, cells: Sequence[JSON], fields: CellFields) -> None:
    """Write the cells of one row from a column on."""
    if fields.has_value:
        tab.write(row, {place: typed(tab, cell.get("userEnteredValue")) for place, cell in enumerate(cells, column)})
    looks = {place: fields.look(cell) for place, cell in enumerate(cells, column)}
    bare = not tab.rows[row].looks and not tab.layers
    if bare:
        # A new cell has nothing to take away: None would only cost memory.
        looks = {place: {path: part for path, part in look.items() if part is not None} for place, look in looks.items()}
    tab.dress(row, {place: look for place, look in looks.items() if look})


def typed(tab: Tab, value: Mapping[str, Any] | None) -> Value:
    """Return an ExtendedValue as a cell keeps it: a string stays a string whatever it looks like."""
    if not value:
        return None
    if "formulaValue" in value:
        return Formula(value["formulaValue"], calculated(tab, value["formulaValue"][1:]))
    if "numberValue" in value:
        return as_number(value["numberValue"])
    if "boolValue" in value:
        return bool(value["boolValue"])
    if "errorValue" in value:
        raise invalid("errorValue cannot be set.")
    return value.get("stringValue") or None


def append_cells(book: Book, body: JSON, knobs: SheetsKnobs) -> JSON:
    """Add rows below the last row with data, from column A on; the grid grows as needed."""
    tab = book.tab_by_id(body.get("sheetId"))
    fields = CellFields(body.get("fields"))
    counts = (lambda index, row: bool(row.looks)) if knobs.formatted_cells_count_as_data else None
    start = tab.last_data_row(counts) + 1
    rows = [row.get("values") or [] for row in body.get("rows") or []]
    book.grow(tab, start + len(rows), max(map(len, rows), default=0))
    for index, cells in enumerate(rows, start):
        put_cells(tab, index, 0, cells, fields)
    return {}


def update_cells(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Write rows of cells from a start or into a range; what of a range the rows do not cover is cleared."""
    fields = CellFields(body.get("fields"))
    rows = [row.get("values") or [] for row in body.get("rows") or []]
    if start := body.get("start"):
        tab = book.tab_by_id(start.get("sheetId"))
        area = book.clip(tab, Area(start.get("rowIndex") or 0, None, start.get("columnIndex") or 0, None))
    else:
        tab, asked = book.grid_range(body.get("range") or {})
        area = book.clip(tab, asked)
    _refuse_beyond(area, len(rows), max(map(len, rows), default=0))
    for index, cells in enumerate(rows, area.top):
        filled = cells if start else [*cells, *([{}] * (area.width - len(cells)))]
        put_cells(tab, index, area.left, filled, fields)
    if not start:
        for index in range(area.top + len(rows), area.bottom or 0):
            put_cells(tab, index, area.left, [{}] * area.width, fields)
    return {}


def _refuse_beyond(area: Area, height: int, width: int) -> None:
    for what, count, room, start in (("row", height, area.height, area.top), ("column", width, area.width, area.left)):
        if count > room:
            last = start + room - 1
            raise invalid(f"Attempting to write {what}: {last + 1}, beyond the last requested {what} of: {last}")


def repeat_cell(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Give every cell of a range the same value or look."""
    fields = CellFields(body.get("fields"))
    tab, asked = book.grid_range(body.get("range") or {})
    area = book.clip(tab, asked)
    cell = body.get("cell") or {}
    if fields.has_value:
        value = typed(tab, cell.get("userEnteredValue"))
        for row in range(area.top, area.bottom or 0):
            tab.write(row, dict.fromkeys(range(area.left, area.right or 0), value))
    if look := fields.look(cell):
        tab.paint(asked, look)
    return {}


def set_data_validation(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Set or clear the dropdown of a range; rows that a filter hides are left out unless asked for."""
    tab, asked = book.grid_range(body.get("range") or {})
    area = book.clip(tab, asked)
    rule = body.get("rule")
    if rule:
        _check_rule(rule)
    for table in tab.tables:
        columns = table.get("columnProperties", [])
        if area_of(table["range"]).meets(area) and any(_is_typed(column, table, area) for column in columns):
            raise invalid("This operation is not allowed on cells in typed columns.")
    before = {}
    if not body.get("filteredRowsIncluded"):
        rows = range(area.top, area.bottom or 0)
        before = {row: _rules(tab, row, area) for row in rows if tab.rows[row].key in tab.filtered}
    tab.paint(asked, {VALIDATION: rule})
    for row, rules in before.items():
        tab.dress(row, rules)
    return {}


def _is_typed(column: JSON, table: JSON, area: Area) -> bool:
    index = table["range"].get("startColumnIndex", 0) + column.get("columnIndex", 0)
    is_typed = column.get("columnType", "COLUMN_TYPE_UNSPECIFIED") != "COLUMN_TYPE_UNSPECIFIED"
    return bool(is_typed and area.left <= index < (area.right or 0))


def _rules(tab: Tab, row: int, area: Area) -> dict[int, Patch]:
    return {column: {VALIDATION: tab.look(row, column, VALIDATION)} for column in range(area.left, area.right or 0)}


def _check_rule(rule: JSON) -> None:
    condition = rule.get("condition") or {}
    values = [value.get("userEnteredValue", "") for value in condition.get("values") or []]
    if not condition.get("type"):
        raise invalid("Data validation rule must have a condition.")
    if condition["type"] == "ONE_OF_LIST":
        if not values:
            raise invalid("ConditionType 'ONE_OF_LIST' requires at least one value.")
        if any(value.startswith("=") for value in values):
            raise invalid("ConditionType 'ONE_OF_LIST' does not accept formulas.")


def sort_range(book: Book, body: JSON, knobs: SheetsKnobs) -> JSON:
    """Sort the rows of a range; numbers before texts before booleans, blanks last whichever way."""
    tab, asked = book.grid_range(body.get("range") or {})
    area = book.clip(tab, asked)
    order = list(range(area.top, area.bottom or 0))
    for spec in reversed(body.get("sortSpecs") or []):
        column = spec.get("dimensionIndex") or 0
        if not area.left <= column < (area.right or 0):
            raise invalid(f"Sort column {column} is outside the range.")
        order = sorted_rows(tab, order, column, is_descending=spec.get("sortOrder") == "DESCENDING")
    tab.reorder(area, order, keeps_keys=knobs.does_sort_carry_metadata)
    return {}


def sorted_rows(tab: Tab, order: Sequence[int], column: int, *, is_descending: bool = False) -> list[int]:
    """Return row indexes in the order of a column's values."""
    values = {row: plain(tab.value(row, column)) for row in order}
    filled = [row for row in order if values[row] not in (None, "")]
    filled.sort(key=lambda row: _rank(values[row]), reverse=is_descending)
    return [*filled, *(row for row in order if values[row] in (None, ""))]


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return 2, value
    return (1, value.casefold()) if isinstance(value, str) else (0, value)


def find_replace(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Replace texts in a range, a tab, or all tabs."""
    if not body.get("find"):
        raise invalid("Must specify a string to find.")
    flags = 0 if body.get("matchCase") else re.IGNORECASE
    pattern = re.compile(body["find"] if body.get("searchByRegex") else re.escape(body["find"]), flags)
    if body.get("allSheets"):
        targets = [(tab, tab.whole) for tab in book.tabs]
    elif body.get("range"):
        tab, asked = book.grid_range(body["range"])
        targets = [(tab, book.clip(tab, asked))]
    else:
        tab = book.tab_by_id(body.get("sheetId"))
        targets = [(tab, tab.whole)]
    rows, sheets, values, occurrences = set(), set(), 0, 0
    for tab, area in targets:
        for row in range(area.top, area.bottom or 0):
            for column in range(area.left, min(area.right or 0, len(tab.rows[row].values))):
                old = tab.value(row, column)
                if old is None or isinstance(old, Formula):
                    continue
                is_whole = bool(body.get("matchEntireCell"))
                if is_whole and not pattern.fullmatch(str(old)):
                    continue
                new, count = pattern.subn(lambda _: body.get("replacement", ""), str(old))
                if count:
                    tab.write(row, {column: new or None})
                    rows.add((tab.sheet_id, row))
                    sheets.add(tab.sheet_id)
                    values, occurrences = values + 1, occurrences + count
    counts = {"valuesChanged": values, "rowsChanged": len(rows), "sheetsChanged": len(sheets)}
    counts["occurrencesChanged"] = occurrences
    return {"findReplace": {name: count for name, count in counts.items() if count}}
