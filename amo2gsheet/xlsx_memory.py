"""What a result workbook remembers beside its rows, on a hidden sheet: which rows of which import became which leads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from amo2gsheet.model_import import Recalled, SentBefore, WorkbookCell

MEMORY_SHEET = "amo2gsheet"
_VERSION = 1
_KEY = re.compile(r"\w+-[0-9]+", re.ASCII)

COLUMNS_A_CELL = 50
"""A column is named like a field of amoCRM's."""

ROWS_A_CELL = 200
"""A cell holds 32,767 characters; one row of an import takes some 80."""


def memory_lines(recalled: Recalled) -> Iterator[Sequence[str | int]]:
    """The lines of the hidden sheet, each a name and a value. Rows come many to a line: a cell costs more than its contents."""
    yield ("amo2gsheet import", _VERSION)
    yield ("tag", recalled.tag)
    yield ("written", recalled.written_at)
    columns = list(recalled.columns.items())
    for begin in range(0, len(columns), COLUMNS_A_CELL):
        yield ("columns", json.dumps(dict(columns[begin : begin + COLUMNS_A_CELL]), ensure_ascii=False))
    for begin in range(0, len(recalled.rows), ROWS_A_CELL):
        rows = recalled.rows[begin : begin + ROWS_A_CELL]
        yield ("rows", json.dumps([[one.key, one.lead_id, one.sent_at, one.person] for one in rows]))


def recalled_from(lines: Iterable[Sequence[WorkbookCell]]) -> Recalled | None:
    """Read those lines again; None where they are none of ours, or of a later release.

    Raises:
        ValueError: they were ours, and somebody changed them.
    """
    found: dict[str, WorkbookCell] = {}
    columns: dict[str, str] = {}
    rows: list[SentBefore] = []
    for line in lines:
        name, value = (*line, None, None)[:2]
        if name == "rows":
            rows += [
                SentBefore(_key(key), int(lead_id), int(at), str(person)) for key, lead_id, at, person in json.loads(str(value))
            ]
        elif name == "columns":
            columns |= {str(header): str(key) for header, key in json.loads(str(value)).items()}
        else:
            found[str(name)] = value
    tag, written_at = found.get("tag"), found.get("written")
    if found.get("amo2gsheet import") != _VERSION or tag is None or not isinstance(written_at, (int, float)):
        return None
    return Recalled(str(tag), columns, tuple(rows), int(written_at))


def _key(value: object) -> str:
    """A row's key: letters and digits, a hyphen, a number."""
    key = str(value)
    if not _KEY.fullmatch(key):
        raise ValueError("a row's key was changed")
    return key
