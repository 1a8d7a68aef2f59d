"""batchUpdate requests about whole tabs and the spreadsheet itself."""

from __future__ import annotations

from typing import Any

from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import get_path, set_path
from amo2gsheet.sandbox.sheets_errors import invalid
from amo2gsheet.sandbox.sheets_fields import update_paths
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_record import Change
from amo2gsheet.sandbox.sheets_values import JSON

_SHEET_FIELDS = ("title", "index", "hidden", "tabColor", "tabColorStyle", "rightToLeft", "gridProperties")


def tab_properties(book: Book, tab: Tab) -> JSON:
    """Return SheetProperties as Google shows them: ID and index always, other zeros and falses never."""
    rows, columns = tab.size
    grid = {"rowCount": rows, "columnCount": columns, **tab.properties.get("gridProperties", {})}
    own = {name: value for name, value in tab.properties.items() if name != "gridProperties"}
    return {
        "sheetId": tab.sheet_id,
        "title": tab.title,
        "index": book.tabs.index(tab),
        "sheetType": "GRID",
        "gridProperties": grid,
        **own,
    }


def add_sheet(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Add a tab, at the end or at an index."""
    wanted = body.get("properties") or {}
    grid = wanted.get("gridProperties") or {}
    title = wanted.get("title") or f"Sheet{len(book.tabs) + 1}"
    tab = book.add_tab(title, (grid.get("rowCount", 1000), grid.get("columnCount", 26)), wanted.get("sheetId"))
    _set_properties(book, tab, wanted, [(name,) for name in wanted if name in ("hidden", "tabColor", "index")])
    frozen = {name: value for name, value in grid.items() if name.startswith("frozen") and value}
    if frozen:
        tab.properties["gridProperties"] = frozen
    book.record.changes.append(Change("tab", tab.sheet_id, detail=f"added {title}"))
    return {"addSheet": {"properties": tab_properties(book, tab)}}


def delete_sheet(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Delete a tab; the last one stays."""
    tab = book.tab_by_id(body.get("sheetId"))
    if len(book.tabs) == 1:
        raise invalid("You can't remove all the sheets in a document.")
    book.tabs.remove(tab)
    book.named_ranges = [name for name in book.named_ranges if name["range"].get("sheetId", 0) != tab.sheet_id]
    book.metadata = [anchor for anchor in book.metadata if anchor.sheet_id != tab.sheet_id]
    book.record.changes.append(Change("tab", tab.sheet_id, detail=f"deleted {tab.title}"))
    return {}


def duplicate_sheet(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Copy a tab with everything on it but metadata."""
    source = book.tab_by_id(body.get("sourceSheetId"))
    title = body.get("newSheetName") or f"Copy of {source.title}"
    tab = book.add_tab(title, (1, 1), body.get("newSheetId"))
    filled = source.copy(book.record)
    filled.sheet_id, filled.title = tab.sheet_id, title
    filled.rows = [row._replace(key=next(book.keys)) for row in source.rows]
    book.tabs.remove(tab)
    book.tabs.insert(body.get("insertSheetIndex") or 0, filled)
    book.check_cells()
    return {"duplicateSheet": {"properties": tab_properties(book, filled)}}


def update_sheet_properties(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Change a tab's title, place, size, colour, frozen rows; a named part that is absent goes back to its default."""
    wanted = body.get("properties") or {}
    tab = book.tab_by_id(wanted.get("sheetId"))
    paths = update_paths(body.get("fields"), "properties")
    if paths == [("*",)]:
        paths = [(name,) for name in _SHEET_FIELDS if name in wanted]
    _set_properties(book, tab, wanted, paths)
    return {}


def _set_properties(book: Book, tab: Tab, wanted: JSON, paths: list[tuple[str, ...]]) -> None:
    for path in paths:
        value = get_path(wanted, path)
        if path == ("title",):
            _rename(book, tab, value)
        elif path == ("index",):
            _place(book, tab, value or 0)
        elif path[0] == "gridProperties":
            for name in path[1:] or tuple(wanted.get("gridProperties") or {}):
                _set_grid(book, tab, name, get_path(wanted, ("gridProperties", name)))
        elif path[0] in _SHEET_FIELDS:
            tab.properties = set_path(tab.properties, path, value or None)
        elif path[0] != "sheetId":
            raise invalid(f"Invalid field: {'.'.join(path)}")
    if all(other.properties.get("hidden") for other in book.tabs):
        raise invalid("You can't hide all the sheets in a document.")


def _rename(book: Book, tab: Tab, title: str | None) -> None:
    if not title:
        raise invalid("A sheet name can't be empty.")
    if any(other is not tab and other.title.casefold() == title.casefold() for other in book.tabs):
        raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')
    book.record.changes.append(Change("tab", tab.sheet_id, detail=f"renamed {tab.title} to {title}"))
    tab.title = title


def _place(book: Book, tab: Tab, index: int) -> None:
    here = book.tabs.index(tab)
    book.tabs.remove(tab)
    book.tabs.insert(index - 1 if index > here else index, tab)


def _set_grid(book: Book, tab: Tab, name: str, value: Any) -> None:
    rows, columns = tab.size
    if name == "rowCount" and value:
        book.grow(tab, value) if value >= rows else tab.delete("ROWS", value, rows - value)
    elif name == "columnCount" and value:
        book.grow(tab, rows, value) if value >= columns else tab.delete("COLUMNS", value, columns - value)
    elif name in ("frozenRowCount", "frozenColumnCount") and (value or 0) >= (rows if "Row" in name else columns):
        what = "rows" if "Row" in name else "columns"
        raise invalid(f"You can't freeze all visible {what} on the sheet.")
    else:
        tab.properties = set_path(tab.properties, ("gridProperties", name), value or None)


def update_spreadsheet_properties(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Change the spreadsheet's title, language or time zone."""
    wanted = body.get("properties") or {}
    for path in update_paths(body.get("fields"), "properties"):
        if path == ("title",):
            book.title = wanted.get("title", "")
        elif path == ("locale",):
            book.locale = wanted.get("locale", "en_US")
        elif path == ("timeZone",):
            book.time_zone = wanted.get("timeZone", "Etc/GMT")
    return {}
