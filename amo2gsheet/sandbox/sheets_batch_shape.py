"""batchUpdate requests about whole rows and columns."""

from __future__ import annotations

from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_errors import invalid
from amo2gsheet.sandbox.sheets_fields import update_paths
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_shift import Axis, Deleted, Inserted, Moved, Shift, shifted
from amo2gsheet.sandbox.sheets_values import JSON


def insert_dimension(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Insert blank rows or columns that look like their neighbour after, or before if asked so."""
    tab, axis, start, end = _span(book, body.get("range") or {})
    total = _total(tab, axis)
    inherits = bool(body.get("inheritFromBefore"))
    if inherits and start == 0:
        raise invalid("inheritFromBefore cannot be true when inserting at the first row or column.")
    if start > total or (start == total and not inherits):
        raise invalid(f"range.startIndex[{start}] must be less than the number of {axis.lower()} ({total})")
    book.check_cells((end - start) * (len(tab.columns) if axis == "ROWS" else len(tab.rows)))
    tab.insert(axis, start, end - start, inherit_before=inherits)
    _shift_names(book, tab, Inserted(axis, start, end - start))
    return {}


def delete_dimension(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Delete rows or columns; metadata anchored to them is gone without a word."""
    tab, axis, start, end = _span(book, body.get("range") or {})
    total = _total(tab, axis)
    if end > total:
        raise invalid(f"Cannot delete {axis.lower()} that do not exist. Last index is {total - 1}.")
    tab.delete(axis, start, end - start)
    _shift_names(book, tab, Deleted(axis, start, end - start))
    return {}


def move_dimension(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Move rows or columns; the destination counts as things stand before the move."""
    tab, axis, start, end = _span(book, body.get("source") or {})
    to = body.get("destinationIndex") or 0
    if to > _total(tab, axis) or end > _total(tab, axis):
        raise invalid("Cannot move to or from beyond the grid.")
    if start < to < end:
        raise invalid("Destination index may not be inside the source.")
    tab.move(axis, start, end - start, to)
    _shift_names(book, tab, Moved(axis, start, end - start, to))
    return {}


def append_dimension(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Add rows or columns at the end."""
    tab, length = book.tab_by_id(body.get("sheetId")), body.get("length") or 0
    if length < 1:
        raise invalid("length must be greater than 0.")
    rows, columns = tab.size
    if _axis(body.get("dimension")) == "ROWS":
        book.grow(tab, rows + length)
    else:
        book.grow(tab, rows, columns + length)
    return {}


def auto_resize_dimensions(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Fit columns to their contents; the stand-in only forgets the sizes set before."""
    tab, axis, start, end = _span(book, body.get("dimensions") or {})
    for key in _keys(tab, axis)[start:end]:
        tab.sizes.pop(key, None)
    return {}


def update_dimension_properties(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Hide, show and size rows or columns."""
    tab, axis, start, end = _span(book, body.get("range") or {})
    properties, paths = body.get("properties") or {}, update_paths(body.get("fields"))
    for key in _keys(tab, axis)[start:end]:
        for path in paths:
            if path[0] in ("hiddenByUser", "*"):
                (tab.hidden.add if properties.get("hiddenByUser") else tab.hidden.discard)(key)
            if path[0] in ("pixelSize", "*") and properties.get("pixelSize"):
                tab.sizes[key] = properties["pixelSize"]
    return {}


def _span(book: Book, dimension_range: JSON) -> tuple[Tab, Axis, int, int]:
    tab, axis = book.tab_by_id(dimension_range.get("sheetId")), _axis(dimension_range.get("dimension"))
    start = dimension_range.get("startIndex") or 0
    end = dimension_range.get("endIndex")
    end = _total(tab, axis) if end is None else end
    if start < 0 or end <= start:
        raise invalid(f"range.endIndex[{end}] must be greater than range.startIndex[{start}]")
    return tab, axis, start, end


def _axis(dimension: str | None) -> Axis:
    if dimension == "ROWS":
        return "ROWS"
    if dimension == "COLUMNS":
        return "COLUMNS"
    raise invalid("dimension is required.")


def _keys(tab: Tab, axis: Axis) -> list[int]:
    return [row.key for row in tab.rows] if axis == "ROWS" else tab.columns


def _total(tab: Tab, axis: Axis) -> int:
    return len(tab.rows) if axis == "ROWS" else len(tab.columns)


def _shift_names(book: Book, tab: Tab, shift: Shift) -> None:
    names = []
    for named in book.named_ranges:
        owner, area = book.grid_range(named["range"])
        moved = shifted(area, shift) if owner is tab else area
        if moved:
            names.append({**named, "range": moved.to_json(owner.sheet_id)})
    book.named_ranges = names
