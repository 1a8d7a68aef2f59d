"""A value of ours that strayed into the header row: found by the headers that are known, and put right."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import SheetLayoutError, UnavailableError
from amo2gsheet.fields import same_value
from amo2gsheet.model import CellValue, Row, RowWrite
from amo2gsheet.state.records import HistoryEntry
from amo2gsheet.sync.record import Record, record_from_json

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

MENDINGS = 3
"""People may move columns at the very moment at which the header is put back; then it is put back once more."""

TOP_ROWS = 20
"""The header is looked for in the top ten rows; people may have moved it down a little since."""


def mend_header(run: Run, title: str, record: Record) -> bool:
    """Put back the headers over which a write of this record landed, because rows were inserted above the header meanwhile.

    Safe to repeat: where nothing strayed into the header, nothing is written. Returns whether a header was put back.
    """
    is_mended = False
    for _ in range(MENDINGS):
        row, wanted = _look_for_header(run, title, record)
        if not wanted:
            return is_mended
        run.sheet.write_rows(title, record.header, [RowWrite(row.number, 0, wanted)])
        _tell(run, row, wanted)
        is_mended = True
    return is_mended


def mend_after_open_writes(run: Run, title: str) -> bool:
    """Put back headers over which a write has landed whose outcome is still open; returns whether there were any.

    Raises:
        UnavailableError: there are, and a dry run does not write.
    """
    records = [record_from_json(intent.payload) for intent in run.state.open_intents() if intent.kind == "cells"]
    if run.is_dry and any(_look_for_header(run, title, record)[1] for record in records):
        raise UnavailableError(
            f'An earlier write has landed on the header of the tab "{title}", because rows were inserted above it meanwhile.',
            "Nothing needs to be done: the next run that writes puts it right.",
        )
    return not run.is_dry and any(mend_header(run, title, record) for record in records)


def _look_for_header(run: Run, title: str, record: Record) -> tuple[Row, dict[int, CellValue]]:
    """Find the header among the top rows where a write of this record landed on it, and say what is to be written into it."""
    texts = record.header.texts
    rows = run.sheet.read_rows(title, record.header, range(1, TOP_ROWS + 1), range(len(texts)))
    row = next((row for row in rows if _overwritten(row, record) or _is_mixed_up(row, record)), None)
    if row is None:
        return Row(0, None, {}), {}
    wanted: dict[int, CellValue] = {index: texts[index] for index in _overwritten(row, record)}
    return (row, wanted) if wanted else _look_beyond(run, title, record, row.number)


def _tell(run: Run, row: Row, wanted: Mapping[int, CellValue]) -> None:
    for text in wanted.values():
        logger.warning(
            '%s: put back the header "%s", over which a value had strayed',
            run.command,
            text or "",
            extra={"event": "put right"},
        )
    now = run.clock.time()
    run.record(
        [
            HistoryEntry(now, run.run_id, run.command, 0, "put right", "", row.cells.get(index), text)
            for index, text in wanted.items()
        ]
    )


def _look_beyond(run: Run, title: str, record: Record, row_number: int) -> tuple[Row, dict[int, CellValue]]:
    """Read a header over its whole width, columns inserted since included, and say what is to be written into it."""
    tab = next((tab for tab in run.sheet.workbook().tabs if tab.title == title), None)
    width = tab.column_count if tab else len(record.header.texts)
    (row,) = run.sheet.read_rows(title, record.header, [row_number], range(width)) or [Row(row_number, None, {})]
    return row, _restored(row, record)


def _is_mixed_up(row: Row, record: Record) -> bool:
    """Whether a row is the header, columns moved perhaps, but shows a value of the record."""
    named = {text for text in record.header.texts if text.strip()}
    shown = [value for value in row.cells.values() if value in named]
    return len(shown) * 2 > len(named) and any(
        same_value(value, one) for value in row.cells.values() for _, one in _values(record)
    )


def _values(record: Record) -> list[tuple[int, CellValue]]:
    """(column index, value) of everything that the record wrote there, if it could not be a header."""
    texts = record.header.texts
    written = [(cell.index, cell.new) for write in record.writes for cell in write.cells]
    return [(index, value) for index, value in written if value is not None and index < len(texts) and value not in texts]


def _restored(row: Row, record: Record) -> dict[int, CellValue]:
    """Index → text that makes a mixed up row the header again.

    A value of the record stands where its column is now. So does a header, but for one that was put back at another column's
    place: its value stands besides. One that shows nowhere, and in whose place no other one stands, was deleted.

    Raises:
        SheetLayoutError: the place of a column cannot be told.
    """
    texts = record.header.texts
    places: dict[int, int] = {}
    for index, text in (*_values(record), *enumerate(texts)):
        found = [place for place, value in row.cells.items() if text != "" and same_value(value, text)]
        if index not in places and len(found) == 1 and found[0] not in places.values():
            places[index] = found[0]
    _place_the_rest(row, texts, places)
    left_over = _left_over(row, texts, places)
    missing = _missing(texts, places)
    if missing and left_over:
        raise SheetLayoutError(
            f"The header in row {row.number} is mixed up: columns were moved while it was being put right.",
            "Give the columns their headers back. Missing: " + ", ".join(f'"{texts[index].strip()}"' for index in missing) + ".",
        )
    right: dict[int, CellValue] = {place: texts[index] for index, place in places.items() if texts[index].strip()}
    cleared: dict[int, CellValue] = dict.fromkeys(left_over)
    return {place: text for place, text in {**right, **cleared}.items() if not same_value(row.cells.get(place), text)}


def _place_the_rest(row: Row, texts: Sequence[str], places: dict[int, int]) -> None:
    """Add the headers over which others were put back: they stood between their neighbours, or where only one place is left."""
    for index in range(1, len(texts) - 1):
        before, after = places.get(index - 1), places.get(index + 1)
        if index not in places and before is not None and after == before + 2 and before + 1 not in places.values():
            places[index] = before + 1
    missing, left_over = _missing(texts, places), _left_over(row, texts, places)
    if len(missing) == len(left_over) == 1:
        places[missing[0]] = left_over[0]


def _missing(texts: Sequence[str], places: Mapping[int, int]) -> list[int]:
    return [index for index, text in enumerate(texts) if text.strip() and index not in places]


def _left_over(row: Row, texts: Sequence[str], places: Mapping[int, int]) -> list[int]:
    """Where a known header shows at a place that is not its own."""
    return [place for place, value in row.cells.items() if place not in places.values() and value in texts and value]


def _overwritten(row: Row, record: Record) -> list[int]:
    """Columns in which a row that is the header but for them shows a value of the record; none where it is another row."""
    texts = record.header.texts
    named = [index for index, text in enumerate(texts) if text.strip()]
    wrong = [index for index in named if not same_value(row.cells.get(index), texts[index])]
    if not wrong or len(wrong) * 2 > len(named):
        return []
    written = [(cell.index, cell.new) for write in record.writes for cell in write.cells]
    is_ours = all(any(index == place and same_value(row.cells.get(index), value) for place, value in written) for index in wrong)
    # A header that is merely empty, people may have emptied, unless a value of ours stands beside, or the write went to this row.
    has_value = any(not same_value(row.cells.get(index), None) for index in wrong)
    is_hit = row.number in {write.row_number for write in record.writes} | {trace.row_number for trace in record.traces}
    return wrong if is_ours and (has_value or is_hit) else []
