"""Looks into what became of a write of cells: reads what the inspection needs, and holds what nobody can tell from a pick."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from amo2gsheet.fields import same_value
from amo2gsheet.model import Base, CellValue, ColumnKey, Row
from amo2gsheet.state.records import HistoryEntry, Intent, Waiting
from amo2gsheet.sync.carried import carried_off
from amo2gsheet.sync.headers import mend_header
from amo2gsheet.sync.place import Place, open_place
from amo2gsheet.sync.plan import CellPlan, cell_text
from amo2gsheet.sync.record import Record, Trace, Written, agreed_value, places_of, record_from_json
from amo2gsheet.sync.steady import LOOKS, rows_around, rows_under, unsteady
from amo2gsheet.sync.strays import Inspection, Stray, inspect, leads_of, rows_of

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run


@dataclass(frozen=True, slots=True)
class View:
    """A fresh look for an inspection: the place, the rows read, what they tell."""

    place: Place
    rows: tuple[Row, ...]
    inspection: Inspection


def look_into(run: Run, known: Known, title: str, record: Record, *, is_unseen: bool) -> View | None:
    """Read what an inspection needs, fresh; None where the tab has no header now: nothing is judged then.

    Raises:
        UnavailableError: columns moved between look and reading each time.
    """
    for _ in range(LOOKS):
        place = open_place(run, known, title)
        if place is None:
            return None
        view = _view(run, place, record, is_unseen=is_unseen)
        if view is not None:
            return view
    raise unsteady(title)


def _view(run: Run, place: Place, record: Record, *, is_unseen: bool) -> View | None:
    """Inspect the rows of one look; None where columns have moved since."""
    row_of = place.presence.row_of
    numbers = rows_of(record) | {row_of[lead_id] for lead_id in leads_of(record) if lead_id in row_of}
    have_moved = is_unseen and (_have_rows_moved(place, record) or record.have_columns_moved(place.header))
    numbers |= _rows_besides(place, record, numbers, is_searching=have_moved)
    # Where columns were deleted a value may stand beyond the last header.
    rows = rows_under(run, place, numbers, max((cell.index + 1 for write in record.writes for cell in write.cells), default=0))
    if rows is None:
        return None
    bases = run.state.bases([row.lead_id for row in rows if row.lead_id is not None])
    found = carried_off(record, place.header, rows, have_moved=have_moved) if is_unseen else []
    if not have_moved:
        # People pick the same status every day: too little speaks for ours.
        found = [trace for trace in found if trace.index != place.columns.status_index]
    harmless = [trace for trace in found if _is_agreed(trace, place, bases)]
    guesses = [trace for trace in found if trace not in harmless]
    inspection = inspect(record, place.header, place.columns, rows, bases, place.presence.doubled, guesses)
    replaced = (*inspection.replaced, *_replaced_by(harmless, record))
    return View(place, tuple(rows), replace(inspection, replaced=replaced))


def _is_agreed(trace: Trace, place: Place, bases: Mapping[int, Base]) -> bool:
    """Whether a status that was found is what both sides agreed on for the row: it may just as well stand there again."""
    base = bases.get(trace.lead_id)
    if base is None or base.status is None or trace.index != place.columns.status_index:
        return False
    return base.status.text == cell_text(trace.value)


def _replaced_by(traces: Sequence[Trace], record: Record) -> list[Stray]:
    """What stood in those cells before the write, where it was something else: a pick that nobody had carried over."""
    texts = record.texts
    return [
        Stray(trace.lead_id, trace.row_number, trace.index, trace.value, texts[trace.lead_id], is_known=True)
        for trace in traces
        if texts.get(trace.lead_id) is not None
    ]


def _have_rows_moved(place: Place, record: Record) -> bool:
    """Whether a row seen before the write stands elsewhere now: then a value that strayed may have moved with its row."""
    row_of = place.presence.row_of
    seen = [(row.lead_id, row.number) for row in record.before] + [(write.lead_id, write.row_number) for write in record.writes]
    return any(row_of.get(lead_id, number) != number for lead_id, number in seen if lead_id)


def hold_doubtful(run: Run, place: Place, record: Record, intent: Intent) -> None:
    """Hold picks of the very text that was just written to another row without an answer.

    It may have landed while rows stood elsewhere for a moment. Nobody can tell such a value from a pick, so a person is asked.
    """
    texts = place.presence.texts
    own = {(write.lead_id, cell_text(cell.new)) for write in record.writes for cell in write.cells if cell.key == "status"}
    sought = {text for _, text in own}
    suspects = [lead_id for lead_id, value in texts.items() if cell_text(value) in sought] if sought else []
    suspects = [lead_id for lead_id in suspects if (lead_id, cell_text(texts[lead_id])) not in own]
    for lead_id, base in run.state.bases(suspects).items():
        text = cell_text(texts[lead_id])
        before = cell_text(record.texts.get(lead_id, base.status.text if base.status else None))
        if base.status is not None and text not in (base.status.text, before):
            _hold(run, lead_id, before, text, intent)


def is_late_pick(run: Run, lead_id: int, base: Base, agreed: Base | None, cell: CellPlan, intent: Intent) -> bool:
    """Whether a status that shows now may be a pick: somebody's pick has moved the lead elsewhere since the write was sent.

    `base` is what the write was to agree on. Such a status is neither believed nor sent: it is held until a person says.
    """
    has_picked = any(entry.kind == "moved" and entry.run_id > intent.run_id for entry in run.state.history(lead_id))
    if not has_picked or base.status is None or agreed is None or agreed.status is None:
        return False
    if agreed.status.stage == base.status.stage:
        return False
    _hold(run, lead_id, agreed.status.text, cell_text(cell.new), intent)
    return True


def _hold(run: Run, lead_id: int, before: str, text: str, intent: Intent) -> None:
    _keep(run, lead_id, "status", before, text, intent)
    run.wait(
        Waiting(lead_id, "doubtful", text, key=text, since=run.now),
        f'lead {lead_id} shows "{text}", which was being written when Google gave no answer, to this row or another. If somebody '
        "picked it, pick another status and then this one again, or run `amo2gsheet push --force`",
    )


def keep_overruled(run: Run, view: View, record: Record, intent: Intent) -> None:
    """Keep, in the history, values that the write was to replace, or replaced by mistake, where the cell shows neither by now.

    The write may have landed unseen, and somebody may have changed the cell again: then nothing else knows of the value, which
    may be a person's. Safe to repeat.
    """
    rows = {row.lead_id: row for row in view.rows if row.lead_id is not None}
    index_of = places_of(view.place.header)
    for write in record.writes:
        for cell in write.cells:
            if cell.old is None or write.lead_id not in rows:
                continue
            shown = rows[write.lead_id].cells.get(index_of.get(record.column_text(cell.index), cell.index))
            if not same_value(shown, cell.old) and not same_value(shown, cell.new):
                _keep(run, write.lead_id, cell.key, cell.old, cell.new, intent)
    _keep_before(run, view.place, view.inspection.replaced, intent)


def keep_replaced(run: Run, landed: Mapping[int, Sequence[CellPlan]], intent: Intent) -> None:
    """Keep, in the history, what the cells that landed have replaced. Safe to repeat."""
    for lead_id, cells in landed.items():
        for cell in cells:
            if cell.key != "sync" and cell.old is not None and not same_value(cell.old, cell.new):
                _keep(run, lead_id, cell.key, cell.old, cell.new, intent)


def _keep(run: Run, lead_id: int, key: ColumnKey, old: CellValue, new: CellValue, intent: Intent) -> None:
    if not _is_told(run, lead_id, key, old, intent):
        run.record([HistoryEntry(run.clock.time(), run.run_id, run.command, lead_id, "doubtful", key, old, new)])


def _is_told(run: Run, lead_id: int, key: ColumnKey, old: CellValue, intent: Intent) -> bool:
    """Whether the history knows of a cell's former value, from the run of its write on."""
    told = [entry for entry in run.state.history(lead_id) if entry.run_id >= intent.run_id and entry.column == key]
    return any(same_value(entry.old, old) for entry in told)


def _rows_besides(place: Place, record: Record, numbers: set[int], *, is_searching: bool) -> set[int]:
    """All rows of a small table, so that a repair which strays in turn finds what stood there; of a large one the neighbours.

    `is_searching` adds, of a large one, the rows that show a status which was written.
    """
    near = rows_around(place, numbers)
    if not is_searching:
        return near
    sought = {cell_text(cell.new) for write in record.writes for cell in write.cells if cell.key == "status"}
    row_of = place.presence.row_of
    return near | {row_of[lead_id] for lead_id, value in place.presence.texts.items() if cell_text(value) in sought}


def strayed_leads(run: Run, place: Place, rows: Sequence[Row], indexes: Container[int] | None = None) -> set[int]:
    """Leads whose rows show a value that strayed there from a write whose outcome is open: it may have landed just now.

    What stood there before is kept in the history: before a run puts it right, somebody may write over it. `rows` are of the look
    at `place`; of them only the columns `indexes` count, None: all of them.
    """
    found: set[int] = set()
    bases: Mapping[int, Base] | None = None
    for intent in run.state.open_intents():
        if intent.kind == "cells":
            if bases is None:
                bases = run.state.bases([row.lead_id for row in rows if row.lead_id is not None])
            record = record_from_json(intent.payload)
            inspection = inspect(record, place.header, place.columns, rows, bases, place.presence.doubled)
            strays = [stray for stray in inspection.strays if stray.is_known and (indexes is None or stray.index in indexes)]
            found |= {stray.lead_id for stray in strays}
            if not run.is_dry:
                # What was agreed on is known anyway.
                _keep_before(run, place, [stray for stray in strays if not _was_agreed(stray, place, bases)], intent)
    return found


def _was_agreed(stray: Stray, place: Place, bases: Mapping[int, Base]) -> bool:
    key, base = _key_at(place, stray.index), bases.get(stray.lead_id)
    return base is not None and bool(key) and same_value(agreed_value(base, key), stray.before)


def _key_at(place: Place, index: int) -> ColumnKey:
    """The column that stands at an index, "" for people's own."""
    return next((key for key, at in place.columns.index.items() if at == index), "")


def _keep_before(run: Run, place: Place, strays: Iterable[Stray], intent: Intent) -> None:
    """Keep, in the history, what stood where values strayed."""
    for stray in strays:
        if stray.before is not None:
            _keep(run, stray.lead_id, _key_at(place, stray.index), stray.before, stray.value, intent)


def seen_again(
    run: Run, known: Known, place: Place, writes: Sequence[Written]
) -> tuple[Place, tuple[Written, ...], tuple[Row, ...]]:
    """The writes planned at `place` whose cells still show what they did, on a fresh look; with that look and the rows it read.

    None of them where the columns have moved since.
    """
    fresh = open_place(run, known, place.title)
    if fresh is None or fresh.header.texts != place.header.texts:
        return place, (), ()
    # Rows of one ID, and those without one, are known by their numbers only.
    row_of = fresh.presence.row_of
    moved = [replace(write, row_number=row_of.get(write.lead_id, write.row_number)) for write in writes]
    rows = rows_under(run, fresh, rows_around(fresh, [write.row_number for write in moved]))
    shown = {(row.number, row.lead_id or 0): row.cells for row in rows or ()}
    unchanged = [
        write
        for write in moved
        if (cells := shown.get((write.row_number, write.lead_id))) is not None
        and all(same_value(cells.get(cell.index), cell.old) for cell in write.cells)
    ]
    return fresh, tuple(unchanged), tuple(rows or ())


def look_past_header(run: Run, known: Known, title: str, record: Record, *, is_unseen: bool) -> View | None:
    """Look into a record; where a value may have strayed into the header row, put the header right first.

    Before anything else is understood of the tab: a header that is gone for a moment must not end what was agreed on its column.
    """
    if not run.is_dry and (is_unseen or any(not trace.lead_id for trace in record.traces)):
        mend_header(run, title, record)
    return look_into(run, known, title, record, is_unseen=is_unseen)
