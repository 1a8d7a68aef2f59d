"""What a result workbook remembers beside its rows, on a hidden sheet: which rows of which import became which leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from amo2gsheet.model_import import Recalled, SentBefore, WorkbookCell

MEMORY_SHEET = "amo2gsheet"
_VERSION = 1

_EMPTY = ("", None)
_PADDING: tuple[WorkbookCell, ...] = (None,) * 4


def memory_lines(recalled: Recalled) -> Iterator[Sequence[str | int]]:
    """The lines of the hidden sheet, each a few cells."""
    yield ("amo2gsheet import", _VERSION)
    yield ("tag", recalled.tag)
    yield ("written", recalled.written_at)
    for header, key in recalled.columns.items():
        yield ("column", header, key)
    for row in recalled.rows:
        yield ("row", row.key, row.lead_id, row.sent_at, row.person)


def recalled_from(lines: Iterable[Sequence[WorkbookCell]]) -> Recalled | None:
    """Read those lines again; None where they are none of ours, or of a later release."""
    tag, written_at = "", 0
    columns: dict[str, str] = {}
    rows: list[SentBefore] = []
    is_ours = False
    for line in lines:
        name = line[0] if line else None
        cells = [*line[1:], *_PADDING]
        if name == "amo2gsheet import":
            is_ours = cells[0] == _VERSION
        elif name == "tag":
            tag = str(cells[0])
        elif name == "written":
            written_at = _whole(cells[0])
        elif name == "column":
            columns[str(cells[0])] = str(cells[1])
        elif name == "row":
            person = "" if cells[3] in _EMPTY else str(cells[3])
            rows.append(SentBefore(str(cells[0]), _whole(cells[1]), _whole(cells[2]), person))
    return Recalled(tag, columns, tuple(rows), written_at) if is_ours and tag else None


def _whole(cell: WorkbookCell) -> int:
    return int(cell) if isinstance(cell, (int, float)) else 0
