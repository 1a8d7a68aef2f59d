"""What a result workbook remembers beside its rows, on a hidden sheet: which rows of which import became which leads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from amo2gsheet.model_import import Recalled, SentBefore, WorkbookCell

MEMORY_SHEET = "amo2gsheet"
_VERSION = 1
_OTHER = "other "
"""Before the names of what is remembered of imports under other tags; releases that know no such names pass them by."""

_KEY = re.compile(r"\w+-[0-9]+", re.ASCII)

COLUMNS_A_CELL = 50
"""A column is named like a field of amoCRM's."""

ROWS_A_CELL = 200
"""A cell holds 32,767 characters; one row of an import takes some 80."""


def memory_lines(recalled: Recalled) -> Iterator[Sequence[str | int]]:
    """The lines of the hidden sheet, each a name and a value. Rows come many to a line: a cell costs more than its contents."""
    yield ("amo2gsheet import", _VERSION)
    yield from _lines(recalled, "")
    for other in recalled.others:
        yield from _lines(other, _OTHER)


def _lines(recalled: Recalled, prefix: str) -> Iterator[Sequence[str | int]]:
    yield (f"{prefix}tag", recalled.tag)
    yield (f"{prefix}written", recalled.written_at)
    columns = list(recalled.columns.items())
    for begin in range(0, len(columns), COLUMNS_A_CELL):
        yield (f"{prefix}columns", json.dumps(dict(columns[begin : begin + COLUMNS_A_CELL]), ensure_ascii=False))
    for begin in range(0, len(recalled.rows), ROWS_A_CELL):
        rows = recalled.rows[begin : begin + ROWS_A_CELL]
        yield (f"{prefix}rows", json.dumps([[one.key, one.lead_id, one.sent_at, one.person] for one in rows]))


def recalled_from(lines: Iterable[Sequence[WorkbookCell]]) -> Recalled | None:
    """Read those lines again; None where they are none of ours, or of a later release.

    Raises:
        ValueError: they were ours, and somebody changed them.
    """
    version: WorkbookCell = None
    imports: list[list[tuple[str, WorkbookCell]]] = [[]]
    for line in lines:
        name, value = (*line, None, None)[:2]
        if name == "amo2gsheet import":
            version = value
        elif name == f"{_OTHER}tag":
            imports.append([("tag", value)])
        else:
            imports[-1].append((str(name).removeprefix(_OTHER), value))
    first, *others = map(_import, imports)
    if version != _VERSION or first is None:
        return None
    return replace(first, others=tuple(one for one in others if one is not None))


def _import(lines: Iterable[tuple[str, WorkbookCell]]) -> Recalled | None:
    found: dict[str, WorkbookCell] = {}
    columns: dict[str, str] = {}
    rows: list[SentBefore] = []
    for name, value in lines:
        if name == "rows":
            rows += [
                SentBefore(_key(key), int(lead_id), int(at), str(person)) for key, lead_id, at, person in json.loads(str(value))
            ]
        elif name == "columns":
            columns |= {str(header): str(key) for header, key in json.loads(str(value)).items()}
        else:
            found[name] = value
    tag, written_at = found.get("tag"), found.get("written")
    if tag is None or not isinstance(written_at, (int, float)):
        return None
    return Recalled(str(tag), columns, tuple(rows), int(written_at))


def _key(value: object) -> str:
    """A row's key: letters and digits, a hyphen, a number."""
    key = str(value)
    if not _KEY.fullmatch(key):
        raise ValueError("a row's key was changed")
    return key
