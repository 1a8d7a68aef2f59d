"""`GET spreadsheet`: everything about tabs and cells as JSON, only as much of it as a field mask wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import Area
from amo2gsheet.sandbox.sheets_batch_tabs import tab_properties
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import Formula, Plain, Value, plain
from amo2gsheet.sandbox.sheets_errors import bad_mask
from amo2gsheet.sandbox.sheets_fields import Mask
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_metadata import living
from amo2gsheet.sandbox.sheets_render import shown
from amo2gsheet.sandbox.sheets_schema import types

JSON = dict[str, Any]
_WHITE = {"red": 1, "green": 1, "blue": 1}
_DEFAULT_FORMAT = {
    "backgroundColor": _WHITE,
    "padding": {"top": 2, "right": 3, "bottom": 2, "left": 3},
    "verticalAlignment": "BOTTOM",
    "wrapStrategy": "OVERFLOW_CELL",
    "textFormat": {
        "foregroundColor": {},
        "fontFamily": "arial,sans,sans-serif",
        "fontSize": 10,
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "foregroundColorStyle": {"rgbColor": {}},
    },
    "backgroundColorStyle": {"rgbColor": _WHITE},
}
_ROW_PIXELS, _COLUMN_PIXELS = 21, 100


def check_mask(mask: Mask, type_name: str, path: str = "") -> None:
    """Raise Google's refusal where a mask names what the type does not have."""
    fields = types().get(type_name)
    if fields is None:
        return
    for name, below in mask.parts.items():
        if name != "*" and name not in fields:
            raise bad_mask(f"{path}{name}")
        if name != "*":
            check_mask(below, fields[name].strip("[]"), f"{path}{name}.")


def spreadsheet(book: Book, mask: Mask, ranges: Sequence[str], *, has_grid_data: bool) -> JSON:
    """Return the Spreadsheet object.

    Args:
        book: what to show.
        mask: what is wanted; where it names cells they are shown whatever `has_grid_data` says.
        ranges: only the tabs and cells of these, all where there are none.
        has_grid_data: show the cells too.
    """
    wanted: dict[int, list[Area]] = {}
    for text in ranges:
        tab, area = book.resolve(text)
        wanted.setdefault(tab.sheet_id, []).append(book.clip(tab, area))
    data_mask = mask.below("sheets", "data")
    if not (mask.parts or has_grid_data):
        data_mask = None
    entries = [shown for _, shown in living(book)]
    sheets = [
        _sheet(book, tab, mask.below("sheets"), data_mask, wanted.get(tab.sheet_id, [tab.whole]), entries)
        for tab in book.tabs
        if not ranges or tab.sheet_id in wanted
    ]
    answer: JSON = {
        "spreadsheetId": book.spreadsheet_id,
        "properties": {
            "title": book.title,
            "locale": book.locale,
            "autoRecalc": "ON_CHANGE",
            "timeZone": book.time_zone,
            "defaultFormat": _DEFAULT_FORMAT,
        },
        "sheets": sheets,
        "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{book.spreadsheet_id}/edit",
    }
    if book.named_ranges:
        answer["namedRanges"] = book.named_ranges
    if own := [entry for entry in entries if entry["location"]["locationType"] == "SPREADSHEET"]:
        answer["developerMetadata"] = own
    kept: JSON = mask.keep(answer)
    return kept


def _sheet(
    book: Book, tab: Tab, mask: Mask | None, data_mask: Mask | None, areas: Sequence[Area], entries: Sequence[JSON]
) -> JSON:
    if mask is None:
        return {}
    sheet: JSON = {"properties": tab_properties(book, tab)}
    if data_mask is not None:
        sheet["data"] = [_grid_data(book, tab, data_mask, area, entries) for area in areas]
    parts = {
        "merges": [area.to_json(tab.sheet_id) for area in tab.merges],
        "conditionalFormats": tab.conditional_formats,
        "filterViews": tab.filter_views,
        "protectedRanges": tab.protected,
        "basicFilter": tab.basic_filter,
        "tables": tab.tables,
        "developerMetadata": [entry for entry in entries if entry["location"].get("sheetId") == tab.sheet_id],
    }
    return sheet | {name: part for name, part in parts.items() if part}


def _grid_data(book: Book, tab: Tab, mask: Mask, area: Area, entries: Sequence[JSON]) -> JSON:
    data: JSON = {}
    if area.top:
        data["startRow"] = area.top
    if area.left:
        data["startColumn"] = area.left
    if (cell_mask := mask.below("rowData", "values")) is not None:
        rows = [_cells(book, tab, cell_mask, index, area) for index in range(area.top, area.bottom or 0)]
        while rows and not rows[-1]:
            rows.pop()
        data["rowData"] = [{"values": cells} if cells else {} for cells in rows]
    if mask.wants("rowMetadata"):
        keys = [row.key for row in tab.rows[area.top : area.bottom]]
        data["rowMetadata"] = _dimensions(tab, keys, _ROW_PIXELS, _anchored(entries, tab, "ROWS", area.top))
    if mask.wants("columnMetadata"):
        keys = tab.columns[area.left : area.right]
        data["columnMetadata"] = _dimensions(tab, keys, _COLUMN_PIXELS, _anchored(entries, tab, "COLUMNS", area.left))
    return data


def _cells(book: Book, tab: Tab, mask: Mask, row: int, area: Area) -> list[JSON]:
    names = {name for name in _PARTS if mask.wants(name)}
    has_look = bool(names - _VALUE_PARTS) or "formattedValue" in names
    cells = [mask.keep(_cell(book, tab, row, column, names, has_look=has_look)) for column in range(area.left, area.right or 0)]
    while cells and not cells[-1]:
        cells.pop()
    return cells


_VALUE_PARTS = {"userEnteredValue", "effectiveValue", "formattedValue"}
_PARTS = _VALUE_PARTS | {"userEnteredFormat", "effectiveFormat", "note", "dataValidation"}


def _cell(book: Book, tab: Tab, row: int, column: int, names: set[str], *, has_look: bool) -> JSON:
    value = tab.value(row, column)
    cell: JSON = tab.look(row, column) if has_look else {}
    own_format = cell.get("userEnteredFormat") or {}
    if value is not None:
        cell["userEnteredValue"] = extended(value)
        cell["effectiveValue"] = extended(plain(value))
        if "formattedValue" in names:
            cell["formattedValue"] = shown(plain(value), own_format.get("numberFormat"), book.locale)
    if "effectiveFormat" in names and (own_format or value is not None):
        cell["effectiveFormat"] = {**_DEFAULT_FORMAT, **own_format}
    return cell


def extended(value: Value | Plain) -> JSON:
    """Return an ExtendedValue."""
    if isinstance(value, Formula):
        return {"formulaValue": value.text}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, (int, float)):
        return {"numberValue": value}
    return {"stringValue": value or ""}


def _dimensions(tab: Tab, keys: Sequence[int], pixels: int, anchored: Mapping[int, list[JSON]]) -> list[JSON]:
    found = []
    for index, key in enumerate(keys):
        dimension: JSON = {"pixelSize": tab.sizes.get(key, pixels)}
        if key in tab.filtered:
            dimension["hiddenByFilter"] = True
        if key in tab.hidden:
            dimension["hiddenByUser"] = True
        if index in anchored:
            dimension["developerMetadata"] = anchored[index]
        found.append(dimension)
    return found


def _anchored(entries: Sequence[JSON], tab: Tab, axis: str, start: int) -> dict[int, list[JSON]]:
    found: dict[int, list[JSON]] = {}
    for entry in entries:
        span = entry["location"].get("dimensionRange") or {}
        if span.get("dimension") == axis and span.get("sheetId", 0) == tab.sheet_id:
            found.setdefault(span["startIndex"] - start, []).append(entry)
    return found
