"""Cells into rows, through the journal: write, check in the answer, put right what strayed, and only then move the bases."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import TabMissingError, UnavailableError, UnclearOutcomeError, WriteRefusedError
from amo2gsheet.fields import same_value
from amo2gsheet.model import Base, Row, WriteAnswer
from amo2gsheet.state.records import HistoryEntry, Intent
from amo2gsheet.sync.answered import landed_cleanly, traces_of
from amo2gsheet.sync.looking import View, hold_doubtful, is_late_pick, keep_overruled, keep_replaced, look_past_header, seen_again
from amo2gsheet.sync.place import Place
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.record import (
    Record,
    Written,
    agreed_value,
    exceptions_of,
    landed_base,
    record_from_json,
    record_to_json,
    shown_base,
)
from amo2gsheet.sync.strays import Stray, repaired_text
from amo2gsheet.sync.telling import entry_of, say_written

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

REPAIR_ROUNDS = 3
"""How often a value that strayed is put right within one run before the next run goes on with it."""

REFUSED_SECONDS = 3600
"""So long a repair that Google refuses is tried again."""


@dataclass(slots=True)
class Outcome:
    """What became of the writes of one request: leads whose row agrees now, leads to be planned again, leads refused with reason.

    `is_unclear`: no answer told. `is_busy`: the cloud would not carry it out now, a spent quota for one. `has_strays`: values
    stand where they do not belong, and could not be put right yet.
    """

    landed: set[int] = field(default_factory=set)
    again: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)
    is_unclear: bool = False
    is_busy: bool = False
    has_strays: bool = False

    def add(self, other: Outcome) -> None:
        """Take in what became of another request."""
        self.landed |= other.landed
        self.again |= other.again
        self.refused.update(other.refused)
        self.is_unclear |= other.is_unclear
        self.is_busy |= other.is_busy
        self.has_strays |= other.has_strays


def write_cells(run: Run, known: Known, place: Place, record: Record) -> Outcome:
    """Carry one record out: journal, one request, check, bases. A request refused for its content is halved."""
    _note_repeats(run, record)
    intent = run.state.add_intent("cells", record_to_json(record))
    leads = {write.lead_id for write in record.writes}
    try:
        answer = run.sheet.write_rows(place.title, place.header, [record.row_write(write) for write in record.writes])
    except WriteRefusedError as error:
        run.state.drop_intent(intent.id)
        return _halve(run, known, place, record, error)
    except UnclearOutcomeError:
        run.state.mark_unclear(intent.id)
        return Outcome(again=leads, is_unclear=True)
    except TabMissingError:
        run.state.drop_intent(intent.id)
        raise
    except UnavailableError:
        run.state.drop_intent(intent.id)
        return Outcome(again=leads, is_busy=True)
    if landed_cleanly(record, answer):
        assert answer.rows is not None
        bases = [shown_base(write, row) for write, row in zip(record.writes, answer.rows, strict=True)]
        _agree(run, record, {write.lead_id: write.cells for write in record.writes}, bases, intent)
        return Outcome(landed=leads)
    return _check(run, known, place.title, record, answer, intent)


def record_of(run: Run, place: Place, writes: Sequence[Written], seen: Sequence[Row]) -> Record:
    """What the journal is to keep of a write, with the rows that were seen and the status of every row."""
    agreed = {lead_id: text for lead_id, (text, _) in run.state.status_texts().items()}
    # The rows were read after the look, and people go on.
    newer = {row.lead_id: row.cells.get(place.columns.status_index) for row in seen if row.lead_id in place.presence.texts}
    texts = {**place.presence.texts, **{lead_id: text for lead_id, text in newer.items() if lead_id is not None}}
    return Record(place.header, tuple(writes), tuple(seen), exceptions_of(texts, agreed))


def is_unanswered(run: Run, intent: Intent) -> bool:
    """Whether no answer told what became of a write: none came, or its run died before it could take it in."""
    return intent.is_unclear or intent.run_id != run.run_id


def _note_repeats(run: Run, record: Record) -> None:
    """Note in the intents that may still land that the same cells are written again.

    From then on a value that shows in such a cell does not tell whose it is: the first write may still land, over a newer value.
    """
    cells = {(write.lead_id, cell.key) for write in record.writes for cell in write.cells}
    for intent in run.state.open_intents():
        if intent.kind == "cells" and is_unanswered(run, intent):
            former = record_from_json(intent.payload)
            if any((write.lead_id, cell.key) in cells for write in former.writes for cell in write.cells):
                run.state.update_intent(intent.id, record_to_json(replace(former, is_repeated=True)))


def _halve(run: Run, known: Known, place: Place, record: Record, error: WriteRefusedError) -> Outcome:
    """Send the halves of a refused request, until the bad row is alone; each on a fresh look, for people go on meanwhile."""
    if len(record.writes) == 1:
        return Outcome(refused={record.writes[0].lead_id: error.message})
    middle = len(record.writes) // 2
    outcome = Outcome()
    for part in (record.writes[:middle], record.writes[middle:]):
        outcome.add(write_later(run, known, place, part))
    return outcome


def write_later(run: Run, known: Known, place: Place, writes: Sequence[Written]) -> Outcome:
    """Carry out what was planned at `place` a while ago, on a fresh look; what does not stand as before is planned again."""
    fresh, unchanged, seen = seen_again(run, known, place, writes)
    outcome = Outcome(again={write.lead_id for write in writes} - {write.lead_id for write in unchanged})
    if unchanged:
        outcome.add(write_cells(run, known, fresh, record_of(run, fresh, unchanged, seen)))
    return outcome


def _check(run: Run, known: Known, title: str, record: Record, answer: WriteAnswer, intent: Intent) -> Outcome:
    """The answer does not show every value where it belongs: look again, put right what strayed, agree on what landed.

    One that shows no row at all says no more of where the values went than none.
    """
    is_unseen = answer.rows is None
    record = replace(record, traces=traces_of(record, answer))
    run.state.update_intent(intent.id, record_to_json(record))
    if is_unseen:
        run.state.mark_unclear(intent.id)
        intent = replace(intent, is_unclear=True)
    leads = {write.lead_id for write in record.writes}
    landed = settle_record(run, known, title, record, intent, is_unseen=is_unseen)
    if landed is None:
        return Outcome(again=leads, has_strays=True)
    return Outcome(landed=landed, again=leads - landed)


def settle_record(
    run: Run,
    known: Known,
    title: str,
    record: Record,
    intent: Intent,
    *,
    rounds: int = REPAIR_ROUNDS,
    is_unseen: bool = False,
    is_kept: bool = False,
) -> set[int] | None:
    """Find out by reading what became of a write, put right what strayed, and drop its intent; return the leads that landed.

    `is_unseen`: no answer told where the values went. `is_kept`: what did not land may still do so, its intent stays. Where a
    repair is cut off, strays in turn or its rounds are used up, the intent stays for the next run to go on with, and None is
    returned: writes before this one must not be judged until then, for its strays may lie over theirs. Safe to repeat.
    """
    for _ in range(rounds):
        view = look_past_header(run, known, title, record, is_unseen=is_unseen)
        if view is None:
            return set()
        strays = [stray for stray in view.inspection.strays if stray.is_known]
        if not strays or run.is_dry:
            _name_unknown(run, view.inspection.strays)
            if intent.is_unclear:
                hold_doubtful(run, view.place, record, intent)
            keep_overruled(run, view, record, intent)
            return _agree_on_landed(run, record, view.inspection.landed, intent, is_kept=is_kept)
        try:
            if not _repair(run, known, view, strays, rounds - 1):
                return None
        except WriteRefusedError:
            is_over = run.clock.time() - intent.made_at > REFUSED_SECONDS
            _repair_singly(run, known, view, strays, is_over=is_over)
            # No other row has to wait for a protected cell.
            return _agree_on_landed(run, record, view.inspection.landed, intent, is_kept=False) if is_over else set()
    return None


def _agree_on_landed(
    run: Run, record: Record, landed: Mapping[int, Sequence[CellPlan]], intent: Intent, *, is_kept: bool
) -> set[int]:
    """Agree on what a look saw to have landed; return the leads of which everything did. The others are planned again."""
    former = run.state.bases(landed)
    if record.is_repeated:
        # What it replaced is told of nowhere, where its values were agreed on since as something that nobody had to write.
        keep_replaced(run, landed, intent)
        landed = {lead_id: _news_of(cells, former.get(lead_id)) for lead_id, cells in landed.items()}
    landed = {lead: _undoubted(run, record, lead, cells, former.get(lead), intent) for lead, cells in landed.items()}
    landed = {lead_id: cells for lead_id, cells in landed.items() if cells}
    bases = [
        landed_base(write, landed[write.lead_id], former.get(write.lead_id)) if write.lead_id in landed else None
        for write in record.writes
    ]
    whole = {write.lead_id for write in record.writes if len(landed.get(write.lead_id, ())) == len(write.cells)}
    run.state.owe_all(landed.keys() - whole - {0}, "landed in part")
    _agree(run, record, landed, bases, intent, is_kept=is_kept and (record.is_repeated or not landed))
    return whole


def _undoubted(
    run: Run, record: Record, lead_id: int, cells: Sequence[CellPlan], agreed: Base | None, intent: Intent
) -> list[CellPlan]:
    """Those cells of a lead that landed late, but for a status that may just as well be a pick by now."""
    base = next((write.base for write in record.writes if write.lead_id == lead_id), None)
    return [
        cell
        for cell in cells
        if cell.key != "status" or base is None or not is_late_pick(run, lead_id, base, agreed, cell, intent)
    ]


def _news_of(cells: Sequence[CellPlan], base: Base | None) -> list[CellPlan]:
    """Those cells that show another value than was agreed on last. Of the column of waiting reasons nothing is agreed on."""
    columns = [cell for cell in cells if cell.key != "sync"]
    return [cell for cell in columns if base is None or not same_value(cell.new, agreed_value(base, cell.key))]


def _agree(
    run: Run,
    record: Record,
    landed: Mapping[int, Sequence[CellPlan]],
    bases: Sequence[Base | None],
    intent: Intent,
    *,
    is_kept: bool = False,
) -> None:
    """Move the bases of what landed and drop the intent, in one commit. `bases` are those of the record's writes, in order."""
    entries: list[HistoryEntry] = []
    for write, base in zip(record.writes, bases, strict=True):
        if base is None:
            continue
        run.report.rows += 1
        entries += [entry_of(run, write.lead_id, cell) for cell in landed[write.lead_id]]
        for cell in landed[write.lead_id]:
            say_written(run, record.header, write, cell)
    with run.state.transaction():
        run.state.save_bases([base for base in bases if base is not None])
        run.end_pick([lead_id for lead_id, cells in landed.items() if any(cell.key == "status" for cell in cells)])
        run.record(entries)
        if not is_kept:
            run.state.drop_intent(intent.id)


def _repair(run: Run, known: Known, view: View, strays: Sequence[Stray], rounds: int) -> bool:
    """Put back what stood where values strayed; the repair is a write like any other, journaled and checked.

    Returns whether nothing of it is left to be put right in turn.

    Raises:
        WriteRefusedError: Google refuses it for its content.
    """
    cells: dict[tuple[int, int], list[CellPlan]] = {}
    for stray in strays:
        cell = CellPlan("", stray.index, stray.value, stray.before)
        cells.setdefault((stray.lead_id, stray.row_number), []).append(cell)
    writes = tuple(Written(lead_id, number, tuple(row), None) for (lead_id, number), row in cells.items())
    record = record_of(run, view.place, writes, view.rows)
    now = run.clock.time()
    with run.state.transaction():
        # Before the write: should such a value have been a person's after all, a kill must not make it unheard of.
        run.record(
            [
                HistoryEntry(now, run.run_id, run.command, stray.lead_id, "put right", "", stray.value, stray.before)
                for stray in strays
            ]
        )
        intent = run.state.add_intent("cells", record_to_json(record))
    try:
        answer = run.sheet.write_rows(view.place.title, view.place.header, [record.row_write(write) for write in writes])
    except WriteRefusedError:
        run.state.drop_intent(intent.id)
        raise
    except TabMissingError:
        run.state.drop_intent(intent.id)
        return True
    except UnclearOutcomeError:
        run.state.mark_unclear(intent.id)
        raise
    is_settled = True
    if landed_cleanly(record, answer):
        run.state.drop_intent(intent.id)
    else:
        record = replace(record, traces=traces_of(record, answer))
        run.state.update_intent(intent.id, record_to_json(record))
        is_settled = settle_record(run, known, view.place.title, record, intent, rounds=rounds) is not None
    for stray in strays:
        logger.warning("%s: %s", run.command, repaired_text(stray), extra={"event": "put right"})
    return is_settled


def _repair_singly(run: Run, known: Known, view: View, strays: Sequence[Stray], *, is_over: bool) -> None:
    """Put right row by row what Google refuses as one; name the rows that it refuses where it `is_over`: no run tries again."""
    for number in sorted({stray.row_number for stray in strays}):
        try:
            _repair(run, known, view, [stray for stray in strays if stray.row_number == number], 1)
        except WriteRefusedError as error:
            if is_over:
                run.name(
                    f"row {number} shows a value that belongs to another row, written while rows were moved, and it cannot be "
                    f"put right: {error.message} The sheet's version history shows what stood there"
                )


def _name_unknown(run: Run, strays: Sequence[Stray]) -> None:
    """Name values whose place before nobody knows: only a person can tell what stood there."""
    for stray in strays:
        if not stray.is_known:
            run.name(
                f"row {stray.row_number} may show a value that belongs to another row, written while rows were moved; "
                "the sheet's version history shows what stood there"
            )
