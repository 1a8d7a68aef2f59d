"""What is said of a cell that was written: a line of history, a line of the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from amo2gsheet.model import Header
from amo2gsheet.state.records import HistoryEntry
from amo2gsheet.sync.plan import CellPlan, cell_text
from amo2gsheet.sync.record import Written

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

SHOWN_COLUMNS = frozenset({"status", "pipeline"})
"""Only these columns are printed with their values: others hold customers' data."""


def entry_of(run: Run, lead_id: int, cell: CellPlan) -> HistoryEntry:
    """The line of history for one cell: what stood there at the last look, and what stands there now."""
    kind = "conflict" if cell.is_conflict else "written"
    return HistoryEntry(run.clock.time(), run.run_id, run.command, lead_id, kind, cell.key, cell.old, cell.new)


def cell_line(header: Header, write: Written, cell: CellPlan) -> str:
    """One line for a cell, by the name that people call its column; only harmless columns with their values."""
    column = header.texts[cell.index].strip() if cell.index < len(header.texts) else cell.key
    change = f' "{cell_text(cell.old)}" → "{cell_text(cell.new)}"' if cell.key in SHOWN_COLUMNS else ""
    return f"lead {write.lead_id} {column}{change} (row {write.row_number})"


def say_written(run: Run, header: Header, write: Written, cell: CellPlan) -> None:
    """Count a value that was written, and log its line."""
    run.report.cells += 1
    if cell.is_conflict:
        run.report.conflicts += 1
    extra = {"event": "cell written", "lead_id": write.lead_id, "column": cell.key}
    logger.info("%s: %s", run.command, cell_line(header, write, cell), extra=extra)
