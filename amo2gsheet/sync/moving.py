"""Moves of leads through the journal: one request for many, and the base moves on amoCRM's answer only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import UnavailableError, UnclearOutcomeError
from amo2gsheet.model import Move, Stage
from amo2gsheet.state.records import Intent, Waiting
from amo2gsheet.sync.plan import MovePlan
from amo2gsheet.sync.record import base_to_json
from amo2gsheet.sync.settle import agree_on_move, settle

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

MOVES_PER_REQUEST = 50
"""amoCRM advises at most so many items in one write (limits of the API, 2026)."""


def carry_out(run: Run, known: Known, moves: Sequence[MovePlan]) -> None:
    """Send the moves, batch by batch, each through the journal. The base moves on amoCRM's answer only.

    Raises:
        UnclearOutcomeError: no answer told what became of a batch; what is seen to have landed is taken in.
        UnavailableError: amoCRM did not carry a batch out.
    """
    for start in range(0, len(moves), MOVES_PER_REQUEST):
        batch = moves[start : start + MOVES_PER_REQUEST]
        intent, has_former = _journal(run, known, batch)
        try:
            answers = run.amo.move([Move(move.lead_id, move.target) for move in batch])
        except UnclearOutcomeError:
            run.state.mark_unclear(intent.id)
            settle(run, known)
            raise
        except UnavailableError:
            if not has_former:
                run.state.drop_intent(intent.id)
            raise
        with run.state.transaction():
            for move in batch:
                if move.lead_id in answers.moved:
                    _take_moved(run, known, move, answers.moved[move.lead_id])
                else:
                    _take_refused(run, move, answers.refused.get(move.lead_id, "amoCRM did not say why"))
            run.state.drop_intent(intent.id)
        run.advance(len(batch), len(moves))
        if run.is_out_of_time:
            run.report.is_cut_short = True
            return


def _journal(run: Run, known: Known, moves: Sequence[MovePlan]) -> tuple[Intent, bool]:
    """Open an intent for these moves; with whether it took over one of an earlier run that may still land.

    Of one lead only the newest move is settled: two that land would be told twice.
    """
    leads = {move.lead_id for move in moves}
    asked_at = run.amo.server_time
    has_former = False
    with run.state.transaction():
        for former in run.state.open_intents():
            if former.kind != "moves":
                continue
            left = [move for move in former.payload["moves"] if move["lead"] not in leads]
            if len(left) == len(former.payload["moves"]):
                continue
            has_former, asked_at = True, min(asked_at, former.payload["asked_at"])
            if left:
                run.state.update_intent(former.id, {**former.payload, "moves": left})
            else:
                run.state.drop_intent(former.id)
        payload = {"asked_at": asked_at, "moves": [_to_json(move, known) for move in moves]}
        return run.state.add_intent("moves", payload), has_former


def _to_json(move: MovePlan, known: Known) -> dict[str, object]:
    return {
        "lead": move.lead_id,
        "origin": _stage(move.origin),
        "target": _stage(move.target),
        "old_text": move.old_text,
        "lost": _lost(move, known),
        "base": base_to_json(move.base),
    }


def _lost(move: MovePlan, known: Known) -> str | None:
    """What the losing side of a conflict is shown as, None where there is no conflict."""
    return known.rules.shown(move.origin) if move.is_conflict else None


def _stage(stage: Stage) -> list[int]:
    return [stage.pipeline_id, stage.status_id]


def _take_moved(run: Run, known: Known, move: MovePlan, answered_at: int) -> None:
    agree_on_move(run, move.base, move.origin, move.old_text, answered_at, lost=_lost(move, known))
    run.end_pick([move.lead_id])
    run.report.moves += 1
    logger.info(
        'push: lead %d статус "%s" → "%s" (row %d)',
        move.lead_id,
        move.old_text,
        move.text,
        move.row_number,
        extra={"event": "lead moved", "lead_id": move.lead_id},
    )


def _take_refused(run: Run, move: MovePlan, reason: str) -> None:
    run.wait(
        Waiting(move.lead_id, "refused move", reason, key=move.text, since=run.now),
        f'amoCRM refused to move lead {move.lead_id} to "{move.text}": {reason}. The cell stays; pick another status',
    )
