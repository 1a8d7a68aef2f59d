"""What a row is known by: a hash of its cells, and one of its person. Pure; the same in every release, or rows go in twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b

from amo2gsheet.model import ColumnKey
from amo2gsheet.model_import import CellError, WorkbookCell, WorkbookRow
from amo2gsheet.names import fold
from amo2gsheet.sync import importing_values as values
from amo2gsheet.sync.importing_columns import ImportColumns
from amo2gsheet.sync.importing_values import BadCellError, canonical, cell_text

PERSON: tuple[ColumnKey, ...] = ("name", "title", "phone")
"""Columns that say whose row it is. Without one of them every row sent before looks like another person's."""


def digest_of(row: WorkbookRow, columns: ImportColumns, counted: Mapping[str, ColumnKey]) -> str:
    """A hash of the counted cells that are not empty: an empty column more or less makes no other row."""
    cells = {}
    for header, key in counted.items():
        place = columns.headers.get(header)
        text = "" if place is None else _counted_text(row.cell(place), key)
        if text:
            cells[header] = text
    return _hash(cells)


def person_of(row: WorkbookRow, columns: ImportColumns) -> str:
    """A hash of name and phone digits; "" where the row has neither."""
    texts = [_text_or_nothing(row, columns, key) for key in PERSON]
    name = fold(texts[0] or texts[1])
    digits = sorted("".join(filter(str.isdigit, phone)) for phone in values.parts_of(texts[2].removesuffix(".0")))
    return _hash({"name": name, "phone": ",".join(digits)}) if name or digits else ""


def key_of(digest: str, number: int) -> str:
    """The key of a row from its digest and its number among equals, from 0."""
    return f"{digest}-{number}"


def parts_of_key(key: str) -> tuple[str, int]:
    """Digest and number among equals."""
    digest, _, number = key.rpartition("-")
    return digest, int(number)


def _counted_text(cell: WorkbookCell, key: ColumnKey) -> str:
    """A cell as rows are told apart by it: never coarser than what goes into the lead."""
    if cell is None:
        return ""
    try:
        if key == "price":
            return str(values.price_of(cell))
        if key == "phone":
            return "\n".join(canonical(phone) for phone in values.phones_of(cell))
        return canonical(cell_text(cell))
    except BadCellError:
        return f"!{cell.text}" if isinstance(cell, CellError) else canonical(cell_text(cell))


def _text_or_nothing(row: WorkbookRow, columns: ImportColumns, key: ColumnKey) -> str:
    place = columns.index.get(key)
    try:
        return "" if place is None else cell_text(row.cell(place))
    except BadCellError:
        return ""


def _hash(cells: Mapping[str, str]) -> str:
    text = json.dumps(cells, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return blake2b(text.encode("ascii"), digest_size=12).hexdigest()
