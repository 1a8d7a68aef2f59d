"""New rows that were inserted while columns moved: brings their values under the headers they were meant for."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import UnavailableError
from amo2gsheet.fields import same_value, value_key
from amo2gsheet.model import CellValue, Row
from amo2gsheet.state.records import HistoryEntry
from amo2gsheet.sync.inserted import Sent
from amo2gsheet.sync.place import Place, open_place
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.record import Record, Written, header_text, places_of
from amo2gsheet.sync.steady import rows_around, rows_under, unsteady
from amo2gsheet.sync.writing import record_of, write_cells

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

PUT_RIGHT_TRIES = 3
"""So often a run tries to put new rows under the headers they were meant for, before it leaves that to the next one."""

PUT_RIGHT_SECONDS = 20
"""First wait between those tries; it grows, so that they outlast the minute of a spent quota."""


def put_right(run: Run, known: Known, place: Place, sent: Sent) -> bool:
    """Put the values of rows that were inserted while columns moved under the headers they were meant for.

    Returns whether there was anything to put right.
    """
    # The ID of a row is put right by itself before the rest.
    for attempt in range(2 * PUT_RIGHT_TRIES):
        record = _misplaced(run, place, sent)
        if not record.writes:
            return attempt > 0
        logger.warning(
            "%s: columns moved while %d rows were inserted; putting them right",
            run.command,
            len(record.writes),
            extra={"event": "columns moved"},
        )
        outcome = write_cells(run, known, place, record)
        _record_put_right(run, record, outcome.landed)
        if outcome.has_strays:
            break
        if outcome.again:
            run.clock.sleep(PUT_RIGHT_SECONDS * min(attempt + 1, PUT_RIGHT_TRIES))
        place = open_place(run, known, place.title) or place
    raise _not_put_right()


def take_back_above(run: Run, known: Known, place: Place, sent: Sent) -> set[int]:
    """Empty the rows of an insert that landed above the header, because rows were inserted on top meanwhile; return their leads.

    Raises:
        UnavailableError: Google did not carry that out now.
    """
    inserted = range(sent.below_row + 1, sent.below_row + len(sent.cells) + 1)
    above = [number for number in inserted if number < place.header.row_number]
    if not above:
        return set()
    rows = rows_under(run, place, above)
    if rows is None:
        raise unsteady(place.title)
    found: dict[int, Written] = {}
    for row in rows:
        for lead_id, cells in sent.cells.items():
            ours = {value_key(value) for value in cells.values() if value is not None}
            plan = [CellPlan("", index, value, None) for index, value in row.cells.items() if value_key(value) in ours]
            if any(same_value(cell.old, lead_id) for cell in plan):
                found[lead_id] = Written(0, row.number, tuple(plan), None)
    if found and write_cells(run, known, place, record_of(run, place, tuple(found.values()), rows)).again:
        raise _not_put_right()
    return set(found)


def _not_put_right() -> UnavailableError:
    return UnavailableError(
        "New rows stand in the wrong place, and Google Sheets did not carry out the write that puts them right.",
        "The next run tries again.",
    )


def _record_put_right(run: Run, record: Record, landed: Collection[int]) -> None:
    """Let the history know what stood in the cells that were put right: somebody may have brought it there."""
    now = run.clock.time()
    run.record(
        [
            HistoryEntry(now, run.run_id, run.command, write.lead_id, "put right", cell.key, cell.old, cell.new)
            for write in record.writes
            if write.lead_id in landed
            for cell in write.cells
            if not same_value(cell.old, None)
        ]
    )


def _misplaced(run: Run, place: Place, sent: Sent) -> Record:
    """What is to be written so that the values of an insert stand under their headers, from a fresh look at its rows."""
    inserted = range(sent.below_row + 1, sent.below_row + len(sent.cells) + 1)
    row_of = place.presence.row_of
    numbers = {*inserted, *(row_of[lead_id] for lead_id in sent.cells if lead_id in row_of)}
    # A row that shows no ID of ours, because its cells stand under other headers, may have been sorted elsewhere since.
    numbers |= rows_around(place, numbers)
    rows = rows_under(run, place, numbers, max(index + 1 for cells in sent.cells.values() for index in cells))
    if rows is None:
        raise unsteady(place.title)
    by_lead = {row.lead_id: row for row in rows if row.lead_id is not None}
    others = run.state.bases(by_lead.keys() - sent.cells.keys())
    nobodys = [row for row in rows if row.lead_id not in others]
    writes = []
    for lead_id, cells in sent.cells.items():
        nameless = _nameless(nobodys, lead_id, cells)
        if nameless is not None:
            write = None if lead_id in by_lead else _identified(place, lead_id, cells, nameless)
        else:
            plan = _moved_cells(place, sent, by_lead[lead_id], cells) if lead_id in by_lead else ()
            write = Written(lead_id, by_lead[lead_id].number, plan, None) if plan else None
        if write is not None:
            writes.append(write)
    return record_of(run, place, writes, rows)


def _nameless(rows: Sequence[Row], lead_id: int, cells: Mapping[int, CellValue]) -> Row | None:
    """The row that shows the lead's ID, but not as its ID, and most of what was inserted with it: people note numbers, too."""
    values = {value_key(value) for value in cells.values() if value is not None}
    for row in rows:
        shown = {value_key(value) for value in row.cells.values() if value is not None}
        if row.lead_id != lead_id and value_key(lead_id) in shown and len(shown & values) * 2 > len(values):
            return row
    return None


def _identified(place: Place, lead_id: int, cells: Mapping[int, CellValue], row: Row) -> Written | None:
    """The write that gives a row its ID; None where somebody put something else there. The other cells come after it.

    Until then only the ID, under whatever header it stands, tells the row from all others: it is left there.
    """
    index = place.columns.id_index
    there = row.cells.get(index)
    if not same_value(there, None) and not any(same_value(there, value) for value in cells.values()):
        return None
    return Written(lead_id, row.number, (CellPlan("id", index, there, lead_id),), None)


def _moved_cells(place: Place, sent: Sent, row: Row, cells: Mapping[int, CellValue]) -> tuple[CellPlan, ...]:
    """The cells that bring one row's values under their headers and empty the places where they landed."""
    index_of = places_of(place.header)
    stands = {index: _stands(sent, index_of, index) for index in cells}
    at = {stands[index]: value for index, value in cells.items()}
    wanted = {index_of.get(header_text(sent.header, index), index): value for index, value in cells.items()}
    plans: dict[int, CellPlan] = {}
    for index, value in cells.items():
        home = index_of.get(header_text(sent.header, index), index)
        if home == stands[index] or value is None:
            continue
        if same_value(row.cells.get(stands[index]), value) and not same_value(wanted.get(stands[index]), value):
            plans.setdefault(stands[index], CellPlan("", stands[index], value, None))
        there = row.cells.get(home)
        # What stands at home and is neither empty nor a value of this insert, somebody put there since.
        ours = [None, at.get(home), *(other.get(index) for other in sent.cells.values())]
        if not same_value(there, value) and any(same_value(there, one) for one in ours):
            plans[home] = CellPlan("", home, there, value)
    return tuple(plans.values())


def _stands(sent: Sent, index_of: Mapping[str, int], index: int) -> int:
    """Where the column stands now into which the insert put what was planned for a column."""
    text = header_text(sent.landed, index) if sent.landed is not None else ""
    return index_of.get(text, index) if text else index
