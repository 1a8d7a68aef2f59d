"""batchUpdate requests that take cells elsewhere: copying, cutting, and pushing neighbours aside."""

from __future__ import annotations

from typing import TypeAlias

from amo2gsheet.sandbox.sheets_a1 import Area
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import Patch, Value, plain
from amo2gsheet.sandbox.sheets_errors import invalid
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_values import JSON

Cell: TypeAlias = "tuple[Value, Patch]"
Line: TypeAlias = "list[Cell]"
Block: TypeAlias = "list[Line]"
_BLANK: Patch = {("userEnteredFormat",): None, ("note",): None, ("dataValidation",): None}


def lifted(tab: Tab, area: Area) -> Block:
    """Return value and look of every cell of a clipped area."""
    columns = range(area.left, area.right or 0)
    return [
        [
            (tab.value(row, column), {**_BLANK, **{(name,): part for name, part in tab.look(row, column).items()}})
            for column in columns
        ]
        for row in range(area.top, area.bottom or 0)
    ]


def dropped(book: Book, tab: Tab, at: tuple[int, int], block: Block, paste_type: str = "PASTE_NORMAL") -> None:
    """Paste a block with its first cell at row and column `at`; the grid grows where it must."""
    top, left = at
    book.grow(tab, top + len(block), left + max(map(len, block), default=0))
    for row, line in enumerate(block, top):
        if paste_type in ("PASTE_NORMAL", "PASTE_NO_BORDERS", "PASTE_FORMULA"):
            tab.write(row, {column: value for column, (value, _) in enumerate(line, left)})
        elif paste_type == "PASTE_VALUES":
            tab.write(row, {column: plain(value) for column, (value, _) in enumerate(line, left)})
        parts = _PARTS.get(paste_type, ())
        looks = {
            column: {path: part for path, part in look.items() if path[0] in parts} for column, (_, look) in enumerate(line, left)
        }
        tab.dress(row, {column: look for column, look in looks.items() if look})


_PARTS = {
    "PASTE_NORMAL": ("userEnteredFormat", "note", "dataValidation"),
    "PASTE_NO_BORDERS": ("userEnteredFormat", "note", "dataValidation"),
    "PASTE_FORMAT": ("userEnteredFormat",),
    "PASTE_DATA_VALIDATION": ("dataValidation",),
}


def copy_paste(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Copy a range; a larger destination is filled with copies."""
    source_tab, source = book.grid_range(body.get("source") or {})
    target_tab, target = book.grid_range(body.get("destination") or {})
    block = lifted(source_tab, book.clip(source_tab, source))
    if body.get("pasteOrientation") == "TRANSPOSE":
        block = [list(line) for line in zip(*block, strict=True)]
    area = book.clip(target_tab, target)
    high, wide = max(1, area.height // len(block)), max(1, area.width // len(block[0]))
    tiled = [line * wide for line in block] * high
    dropped(book, target_tab, (area.top, area.left), tiled, body.get("pasteType") or "PASTE_NORMAL")
    return {}


def cut_paste(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Move the contents of a range; its rows stay where they are, and what is anchored to them too."""
    source_tab, source = book.grid_range(body.get("source") or {})
    start = body.get("destination") or {}
    target_tab = book.tab_by_id(start.get("sheetId"))
    area = book.clip(source_tab, source)
    block = lifted(source_tab, area)
    empty: Block = [[(None, _BLANK) for _ in line] for line in block]
    dropped(book, source_tab, (area.top, area.left), empty)
    dropped(
        book,
        target_tab,
        (start.get("rowIndex") or 0, start.get("columnIndex") or 0),
        block,
        body.get("pasteType") or "PASTE_NORMAL",
    )
    return {}


def insert_range(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Insert blank cells, pushing those below or to the right aside."""
    tab, asked = book.grid_range(body.get("range") or {})
    area = book.clip(tab, asked)
    if body.get("shiftDimension") == "ROWS":
        last = tab.last_data_row() + 1
        block = lifted(tab, Area(area.top, max(area.top, last), area.left, area.right))
        target = (area.bottom or 0, area.left)
    elif body.get("shiftDimension") == "COLUMNS":
        block = lifted(tab, Area(area.top, area.bottom, area.left, len(tab.columns)))
        block = [_trimmed(line) for line in block]
        target = (area.top, area.right or 0)
    else:
        raise invalid("shiftDimension is required.")
    empty: Block = [[(None, _BLANK)] * area.width for _ in range(area.height)]
    dropped(book, tab, target, block)
    dropped(book, tab, (area.top, area.left), empty)
    return {}


def delete_range(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Delete cells, pulling those below or to the right in."""
    tab, asked = book.grid_range(body.get("range") or {})
    area = book.clip(tab, asked)
    if body.get("shiftDimension") == "ROWS":
        block = lifted(tab, Area(area.bottom or 0, len(tab.rows), area.left, area.right))
        block += [[(None, _BLANK)] * area.width for _ in range(area.height)]
    elif body.get("shiftDimension") == "COLUMNS":
        block = lifted(tab, Area(area.top, area.bottom, area.right or 0, len(tab.columns)))
        block = [[*line, *([(None, _BLANK)] * area.width)] for line in block]
    else:
        raise invalid("shiftDimension is required.")
    dropped(book, tab, (area.top, area.left), block)
    return {}


def _trimmed(line: Line) -> Line:
    kept = list(line)
    while kept and kept[-1][0] is None:
        kept.pop()
    return kept
