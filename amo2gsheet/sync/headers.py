"""A value of ours that strayed into the header row: found by the headers that are known, and put right."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from amo2gsheet.fields import same_value
from amo2gsheet.model import Row, RowWrite
from amo2gsheet.state.records import HistoryEntry
from amo2gsheet.sync.record import Record

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

TOP_ROWS = 20
"""The header is looked for in the top ten rows; people may have moved it down a little since."""


def mend_header(run: Run, title: str, record: Record) -> bool:
    """Put back the headers over which a write of this record landed, because rows were inserted above the header meanwhile.

    Safe to repeat: where nothing strayed into the header, nothing is written. Returns whether a header was put back.
    """
    texts = record.header.texts
    rows = run.sheet.read_rows(title, record.header, range(1, TOP_ROWS + 1), range(len(texts)))
    for row in rows:
        wrong = _overwritten(row, record)
        if wrong:
            run.sheet.write_rows(title, record.header, [RowWrite(row.number, 0, {index: texts[index] for index in wrong})])
            for index in wrong:
                logger.warning(
                    '%s: put back the header "%s", over which a value had strayed',
                    run.command,
                    texts[index],
                    extra={"event": "put right"},
                )
            entries = [
                HistoryEntry(run.clock.time(), run.run_id, run.command, 0, "put right", "", row.cells.get(index), texts[index])
                for index in wrong
            ]
            run.record(entries)
            return True
    return False


def _overwritten(row: Row, record: Record) -> list[int]:
    """Columns in which a row that is the header but for them shows a value of the record; none where it is another row."""
    texts = record.header.texts
    named = [index for index, text in enumerate(texts) if text.strip()]
    wrong = [index for index in named if not same_value(row.cells.get(index), texts[index])]
    if not wrong or len(wrong) * 2 > len(named):
        return []
    written = [(cell.index, cell.new) for write in record.writes for cell in write.cells]
    is_ours = all(
        any(index == place and same_value(row.cells.get(index), value) for place, value in written if value is not None)
        for index in wrong
    )
    return wrong if is_ours else []
