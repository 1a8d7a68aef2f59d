"""`push`: sheet → amoCRM. Look, plan, look again, guard, and move; the base moves on amoCRM's answer only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from functools import partial
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import TabMissingError, UnavailableError
from amo2gsheet.model import Base, Lead, Row
from amo2gsheet.state.records import Waiting
from amo2gsheet.sync import directory
from amo2gsheet.sync.details import GIVE_UP_AFTER, bulk_or_nothing
from amo2gsheet.sync.directory import Known
from amo2gsheet.sync.looking import strayed_leads
from amo2gsheet.sync.moving import carry_out
from amo2gsheet.sync.place import Place, check_emptied, find_tab, open_place
from amo2gsheet.sync.plan import Guard, MovePlan, PushPlan, cell_text, plan_push
from amo2gsheet.sync.presence import DELETED, SEEN, Presence
from amo2gsheet.sync.run import TEXT_KINDS, VANISHED_ROWS
from amo2gsheet.sync.settle import end_by_a_pick, settle
from amo2gsheet.sync.sides import NO_ANSWER
from amo2gsheet.sync.steady import LOOKS, renamed_each_time

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

READ_ONE_BY_ONE = 20
"""Up to so many leads are read by ID, which is current; more in bulk, which may lag."""

PIPELINES_SECONDS = 600
"""Pipelines older than this are read again before a lead is moved."""

UNREAD_PICK = "unread pick"
"""Kind of waiting: amoCRM answers, and tells nothing of the lead whose status somebody picked."""

HELD_SHOWN = 20


def push(run: Run) -> None:
    """Carry people's picks into amoCRM. Safe to repeat; a killed run goes on by itself.

    Raises:
        AmoGsheetError: the run could not go on; what was answered before stands.
    """
    known = directory.load(run)
    settle(run, known)
    place = _look(run, known)
    if place is None:
        return
    changed = _changed(run, known, place)
    if not changed:
        _end_alarm(run)
        return
    if (directory.pipelines_age(run) or 0) > PIPELINES_SECONDS:
        known = directory.refresh_pipelines(run)
        changed = _changed(run, known, place)
    bases = run.state.bases(changed)
    steady = _second_look(run, place, changed)
    # After the wait: a stage that a manager gives the lead meanwhile is a conflict, and nothing that is overwritten.
    leads = _read_leads(run, steady, bases)
    plan = plan_push(leads, steady, bases, known.rules, run.settings.conflict_winner)
    moves = _guarded(run, changed, bases, list(plan.moves), steady.keys() - leads.keys())
    # Only now: were the run to die in between, the next one would see fewer cells changed, and the guard no pattern in them.
    _take_agreed(run, known, plan, leads)
    for move in moves:
        run.report.plan.append(f'lead {move.lead_id} статус "{move.old_text}" → "{move.text}" (row {move.row_number})')
    if run.is_dry:
        return
    if steady.keys() == changed.keys():
        _end_alarm(run)
    carry_out(run, known, moves)


def _look(run: Run, known: Known) -> Place | None:
    """Look at the remembered tab; find it by its ID where its title has changed. None: there is nothing to push from."""
    title = run.state.tab_title
    if title is None:
        run.notice("this state knows of no row yet, so nothing is pushed; `amo2gsheet pull` comes first")
        tab = find_tab(run, run.sheet.workbook())
        if tab is None:
            return None
        title = tab.title
    for _ in range(LOOKS):
        try:
            place = open_place(run, known, title, partial(_verify_tab, run))
        except TabMissingError:
            tab = find_tab(run, run.sheet.workbook())
            if tab is None:
                return None
            title = tab.title
            continue
        if place is None:
            check_emptied(run, title)
        return place
    raise renamed_each_time()


def _verify_tab(run: Run, presence: Presence) -> None:
    """Rows gone may mean that another tab bears the title now: the tab list tells, before anything is taken from that tab.

    A tab that never had rows, or lost all of them long ago, is looked at no closer.
    """
    lately = [lead_id for lead_id, (_, missing) in run.state.status_texts().items() if SEEN <= missing < DELETED]
    gone = [lead_id for lead_id in lately if not presence.has(lead_id)]
    if len(gone) > run.settings.push_limit or (gone and not presence.row_of):
        find_tab(run, run.sheet.workbook())


def _changed(run: Run, known: Known, place: Place) -> dict[int, tuple[int, str]]:
    """Lead ID → (row number, text) of every row whose status differs from its base and that does not wait with this very text."""
    kinds = set(TEXT_KINDS) - ({"held", "doubtful"} if run.is_forced else set())
    waiting = {(entry.lead_id, entry.key) for entry in run.state.waiting() if entry.kind in kinds and entry.detail != UNREAD}
    pipelines = _digest(known)
    changed: dict[int, tuple[int, str]] = {}
    settled: list[int] = []
    for lead_id, (base_text, _) in run.state.status_texts().items():
        row_number = place.presence.row_of.get(lead_id)
        if row_number is None or base_text is None or lead_id in run.unsettled:
            continue
        text = cell_text(place.presence.texts[lead_id])
        if text == base_text or known.rules.same_text(text, base_text):
            settled.append(lead_id)
        elif (lead_id, _key(text, pipelines)) not in waiting and (lead_id, text) not in waiting:
            changed[lead_id] = (row_number, text)
    index = place.columns.status_index
    rows = [Row(number, lead_id, {index: place.presence.texts[lead_id]}) for lead_id, (number, _) in changed.items()]
    for lead_id in strayed_leads(run, place, rows, [index]):
        # Nobody picked it: the next run puts it right.
        del changed[lead_id]
    for kind in (*TEXT_KINDS, UNREAD_PICK):
        run.stop_waiting(settled, kind)
    return changed


UNREAD = "not read yet"
"""Detail of a pick that waits with those held back, though its lead could not be read."""


def _key(text: str, pipelines: str) -> str:
    return f"{text}\n{pipelines}"


def _digest(known: Known) -> str:
    return hashlib.blake2b(repr(known.directory.pipelines).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _read_leads(run: Run, changed: Mapping[int, tuple[int, str]], bases: Mapping[int, Base]) -> dict[int, Lead]:
    """Read leads as they are now: few by ID; many in bulk, and by ID those that the bulk answer leaves out or shows changed."""
    found: dict[int, Lead] = {}
    one_by_one = list(changed)
    if len(changed) > READ_ONE_BY_ONE:
        found = bulk_or_nothing(run, one_by_one)
        one_by_one = [lead_id for lead_id in changed if lead_id not in found or _has_moved(found[lead_id], bases.get(lead_id))]
    failures = 0
    for lead_id in one_by_one:
        found.pop(lead_id, None)
        try:
            lead = run.amo.lead(lead_id)
        except NO_ANSWER as error:
            text = changed[lead_id][1]
            run.wait(
                Waiting(lead_id, UNREAD_PICK, error.message, key=text, since=run.now),
                f"lead {lead_id} could not be read; its pick waits: {error.message}",
            )
            continue
        except UnavailableError as error:
            run.name(f"lead {lead_id} could not be read; its pick waits for the next run: {error.message}")
            run.report.is_unavailable = True
            failures += 1
            if failures >= GIVE_UP_AFTER:
                raise
            continue
        if lead is None:
            _name_gone(run, lead_id, changed[lead_id][1])
        else:
            found[lead_id] = lead
    run.report.leads_read += len(found)
    run.stop_waiting(list(found), UNREAD_PICK)
    return found


def _has_moved(lead: Lead, base: Base | None) -> bool:
    return base is None or base.status is None or lead.stage != base.status.stage


def _name_gone(run: Run, lead_id: int, text: str) -> None:
    """Name a lead that is gone; it is not asked for again while its cell shows this text."""
    run.wait(
        Waiting(lead_id, "gone lead", "", key=text, since=run.now),
        f"lead {lead_id} is not in amoCRM any more (deleted or merged); its row is left as it is and its picks are not sent",
    )


def _take_agreed(run: Run, known: Known, plan: PushPlan, leads: Mapping[int, Lead]) -> None:
    """Store what needs no request, name what stands for no stage, and leave to `pull` what is amoCRM's to settle."""
    with run.state.transaction():
        run.state.save_bases(plan.agreed)
        end_by_a_pick(run, plan.agreed)
        # It was held before it could be read.
        run.stop_waiting([base.lead_id for base in plan.agreed], "held")
    run.state.owe_all(plan.left_to_pull, "conflict")
    pipelines = _digest(known)
    names = {pipeline.id: pipeline.name for pipeline in known.directory.pipelines}
    for lead_id, (text, is_value) in plan.unresolved.items():
        kind = "missing stage" if is_value else "unknown text"
        waiting = Waiting(lead_id, kind, text, key=_key(text, pipelines), since=run.now)
        former = run.state.waiting_of(lead_id, kind)
        if former is not None and former.detail == text:
            # Named before; it was only judged again because the pipelines are others now.
            run.state.wait(waiting)
            continue
        pipeline = names.get(leads[lead_id].stage.pipeline_id, str(leads[lead_id].stage.pipeline_id))
        why = f'the pipeline "{pipeline}" has no stage for it' if is_value else "it is no value of the dropdown"
        run.wait(
            waiting,
            f'lead {lead_id}: the status "{text}" is not sent, {why}. The cell stays; pick another status, or add the stage',
        )


def _second_look(run: Run, place: Place, changed: Mapping[int, tuple[int, str]]) -> dict[int, tuple[int, str]]:
    """Look at each changed row once more, ID and status as one range; what is not as before waits for the next run."""
    run.clock.sleep(run.settings.push_settle_seconds)
    numbers = sorted({number for number, _ in changed.values()})
    try:
        rows = run.sheet.read_rows(place.title, place.header, numbers, [place.columns.status_index])
    except TabMissingError:
        rows = []
    seen = {row.lead_id: cell_text(row.cells.get(place.columns.status_index)) for row in rows}
    steady = {lead_id: (number, text) for lead_id, (number, text) in changed.items() if seen.get(lead_id) == text}
    if len(steady) < len(changed):
        run.notice(f"{len(changed) - len(steady)} status cells were still being edited; they wait for the next run")
    return steady


def _guarded(
    run: Run, changed: Mapping[int, tuple[int, str]], bases: Mapping[int, Base], moves: list[MovePlan], unread: Set[int]
) -> list[MovePlan]:
    """Hold the moves back where there are too many at once; `--force` lets them, and those held before, through.

    The picks whose leads could not be read are counted and held with the others, though what they mean is seen only later.
    """
    if run.is_forced:
        return moves
    pairs = [(_base_text(bases, lead_id), text) for lead_id, (_, text) in changed.items()]
    guard = Guard(run.settings.push_limit, run.settings.push_limit_percent)
    unread = unread - {entry.lead_id for entry in run.state.waiting("gone lead")}
    vanished = int(run.state.get(VANISHED_ROWS) or 0)
    count = len(moves) + len(unread) if moves or vanished else 0
    objection = guard.objection(pairs, count, run.state.tracked_count(), vanished)
    held = moves
    if objection is None:
        known = {(entry.lead_id, entry.key) for entry in run.state.waiting("held") if entry.detail == UNREAD}
        held = [move for move in moves if (move.lead_id, move.text) in known]
        if not held:
            return moves
        objection, unread = f"{len(held)} moves belong to those that were held back before", set()
    waitings = [Waiting(move.lead_id, "held", move.text, key=move.text, since=run.now) for move in held]
    waitings += [Waiting(lead_id, "held", UNREAD, key=changed[lead_id][1], since=run.now) for lead_id in sorted(unread)]
    run.state.wait_all(waitings)
    with run.state.transaction():
        for move in held:
            run.owe_sync(move.lead_id)
    run.report.held = [objection]
    run.report.held += [f'lead {move.lead_id}: "{move.old_text}" → "{move.text}"' for move in held[:HELD_SHOWN]]
    return [move for move in moves if move not in held]


def _end_alarm(run: Run) -> None:
    """Every cell that changed up to now was guarded against the rows that vanished; picks made later go through."""
    if run.state.get(VANISHED_ROWS):
        run.state.put(VANISHED_ROWS, None)


def _base_text(bases: Mapping[int, Base], lead_id: int) -> str:
    base = bases.get(lead_id)
    return base.status.text if base and base.status else ""
