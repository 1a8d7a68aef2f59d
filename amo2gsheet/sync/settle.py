"""Recovery: what became of the intents that earlier runs, or this one, left open. By reading only: nothing is sent again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from amo2gsheet.exceptions import StrayedError, TabMissingError, UnavailableError
from amo2gsheet.fields import same_value
from amo2gsheet.model import Base, Lead, Stage
from amo2gsheet.state.records import Asked, HistoryEntry, Intent
from amo2gsheet.sync.details import GIVE_UP_AFTER
from amo2gsheet.sync.place import find_tab
from amo2gsheet.sync.record import base_from_json, record_from_json
from amo2gsheet.sync.rows import settle_rows
from amo2gsheet.sync.sides import NO_ANSWER
from amo2gsheet.sync.writing import is_unanswered, settle_record

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

LATE_SECONDS = 300
"""So long a write without an answer may still land. Google cuts a request at 180 s; the rest is for proxies and clocks."""

CLOCK_SLACK_SECONDS = 5
"""Two clocks of one cloud may differ so much."""


def settle(run: Run, known: Known) -> None:
    """Settle every open intent. Safe to repeat; one that may still land stays open.

    Raises:
        StrayedError: what strayed could not be put right yet; nothing may be planned on what the sheet shows.
        UnavailableError: a cloud did not answer; the intents stay for the next run.
    """
    run.unsettled.clear()
    intents = run.state.open_intents()
    if not intents:
        return
    moves = [intent for intent in intents if intent.kind == "moves"]
    for intent in moves:
        _settle_moves(run, known, intent)
    # Of two writes whose values strayed into one cell the newer knows better what stood there before.
    of_sheet = [intent for intent in reversed(intents) if intent.kind == "cells"]
    of_sheet += [intent for intent in intents if intent.kind == "rows"]
    if of_sheet and run.state.tab_id is not None:
        _settle_sheet(run, known, of_sheet)


def _settle_sheet(run: Run, known: Known, intents: list[Intent]) -> None:
    workbook = run.sheet.workbook()
    tab = find_tab(run, workbook)
    if tab is None:
        return
    for intent in intents:
        try:
            if intent.kind == "cells" and not _settle_cells(run, known, tab.title, intent):
                # A value that strayed must be taken neither for a pick nor for what stood there before.
                raise _still_strayed(tab.title)
            if intent.kind == "rows":
                _settle_rows(run, known, tab.title, intent, has_landed=intent.commit_token in workbook.commit_tokens)
        except TabMissingError:
            return


def _still_strayed(title: str) -> StrayedError:
    return StrayedError(
        f'Values stand in other cells of the tab "{title}" than they were meant for: '
        "rows or columns were moved at each try to put them right.",
        "Nothing needs to be done: the next run goes on.",
    )


def _settle_rows(run: Run, known: Known, title: str, intent: Intent, *, has_landed: bool) -> None:
    """An insert that has not landed stays open while it may, and lends its token to the next one."""
    if has_landed:
        run.state.owe_all(settle_rows(run, known, title, intent), "settled")
    elif not _is_young(run, intent.payload["sent_at"]):
        run.state.drop_intent(intent.id)


def _settle_cells(run: Run, known: Known, title: str, intent: Intent) -> bool:
    """Returns whether the writes before this one may be judged."""
    record = record_from_json(intent.payload)
    is_late = may_land_late(run, intent)
    landed = settle_record(run, known, title, record, intent, is_unseen=True, is_kept=is_late)
    for lead_id in (landed or set()) - {0}:
        run.state.owe(lead_id, "settled")
    return landed is not None


def may_land_late(run: Run, intent: Intent) -> bool:
    """Whether a write without an answer may still be carried out by the cloud."""
    return is_unanswered(run, intent) and _is_young(run, intent.made_at)


def _is_young(run: Run, sent_at: float) -> bool:
    return 0 <= run.clock.time() - sent_at < LATE_SECONDS


def _settle_moves(run: Run, known: Known, intent: Intent) -> None:
    """A move has landed where the lead stands in its target, or where its events say that it came by there.

    One that has not stays open while it may: the history would miss it, and with it the losing side of a conflict. So does one
    whose lead could not be asked for; it keeps nothing else from being settled.
    """
    since = int(intent.payload.get("asked_at", 0)) - CLOCK_SLACK_SECONDS
    landed: list[tuple[Mapping[str, Any], int]] = []
    open_moves: list[Mapping[str, Any]] = []
    unasked: list[Mapping[str, Any]] = []
    for move in intent.payload["moves"]:
        try:
            answered_at = _landed_at(run, int(move["lead"]), Stage(*move["target"]), since)
        except NO_ANSWER:
            open_moves.append(move)
        except UnavailableError as error:
            unasked.append(move)
            if len(unasked) >= GIVE_UP_AFTER:
                raise
            run.unsettled.add(int(move["lead"]))
            run.name(f"lead {move['lead']} could not be read, so what became of its move is not known yet: {error.message}")
            run.report.is_unavailable = True
        else:
            if answered_at is None:
                open_moves.append(move)
            elif answered_at != GONE:
                landed.append((move, answered_at))
    # One commit: were the intent left, the next run would take the same moves in again.
    with run.state.transaction():
        for move, answered_at in landed:
            base = base_from_json(move["base"])
            assert base is not None
            agree_on_move(run, base, Stage(*move["origin"]), move["old_text"], answered_at, lost=move.get("lost"))
            run.state.owe(base.lead_id, "settled")
        left = [*unasked, *(open_moves if may_land_late(run, intent) else ())]
        if left:
            run.state.update_intent(intent.id, {**intent.payload, "moves": left})
        else:
            run.state.drop_intent(intent.id)


GONE = -1
"""Answer of `_landed_at` for a lead that is not in amoCRM any more."""


def _landed_at(run: Run, lead_id: int, target: Stage, since: int) -> int | None:
    """When a move was carried out, amoCRM's time; None: it was not, as far as anybody knows; GONE: there is no such lead."""
    lead = run.amo.lead(lead_id)
    if lead is None:
        return GONE
    if lead.stage == target:
        return lead.updated_at
    return since if _came_by(run, lead, target, since) else None


def _came_by(run: Run, lead: Lead, target: Stage, since: int) -> bool:
    try:
        return any(event.after == target for event in run.amo.moves_of(lead.id, since))
    except NO_ANSWER:
        return False


def end_by_a_pick(run: Run, bases: Sequence[Base]) -> None:
    """Let no lead wait on whose pick both sides agree; but a cell that differed at the first meeting goes on waiting."""
    run.stop_waiting([base.lead_id for base in bases], "swallowed")
    alike = [base for base in bases if all(same_value(cell.amo, cell.sheet) for cell in base.cells.values())]
    run.stop_waiting([base.lead_id for base in alike], "first meeting")


def agree_on_move(run: Run, base: Base, origin: Stage, old_text: str, answered_at: int, *, lost: str | None = None) -> None:
    """Take a move into the state: the base, what was asked, so that a swallowed move is noticed, and the history.

    `lost` is what amoCRM's side of a conflict was shown as, None where there was no conflict.
    """
    assert base.status is not None
    lead_id, text, now = base.lead_id, base.status.text, run.clock.time()
    former = run.state.asked([lead_id]).get(lead_id)
    times = former.times + 1 if former and former.target == base.status.stage else 1
    entries = [HistoryEntry(now, run.run_id, run.command, lead_id, "moved", "status", old_text, text)]
    if lost is not None:
        entries.append(HistoryEntry(now, run.run_id, run.command, lead_id, "conflict", "status", lost, text))
        run.report.conflicts += 1
    with run.state.transaction():
        run.state.save_bases([base])
        run.state.ask(Asked(lead_id, origin, base.status.stage, run.believed(answered_at), times, old_text))
        run.record(entries)
        end_by_a_pick(run, [base])
