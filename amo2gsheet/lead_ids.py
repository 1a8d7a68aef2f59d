"""Lead IDs as people leave them in a cell. Pure."""

from __future__ import annotations

import re

from amo2gsheet.model import CellValue

_BLANKS = re.compile(r"[\s\u200b\ufeff]+")
_LEAD_ID = re.compile(r"'*([0-9]{1,15})(?:[.,]0{1,2})?")
_LARGEST_EXACT = 2**53
"""Sheets keeps numbers as doubles, which tell whole numbers apart up to here."""


def lead_id_of(cell: CellValue) -> int | None:
    """Return the lead ID in a cell as people leave it (`12345`, ` 12 345 `, `'12345`, `12345.0`); None: there is none."""
    if isinstance(cell, str):
        found = _LEAD_ID.fullmatch(_BLANKS.sub("", cell))
        cell = int(found.group(1)) if found else None
    if cell is None or isinstance(cell, bool) or not 0 < cell <= _LARGEST_EXACT or cell != int(cell):
        return None
    return int(cell)
