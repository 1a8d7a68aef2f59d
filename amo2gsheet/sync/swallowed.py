"""Moves that amoCRM answered and did not carry out: noticed when `pull` sees the lead still in its old stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from amo2gsheet.model import Lead, StatusBase
from amo2gsheet.state.records import Asked, Waiting
from amo2gsheet.sync.sides import NO_ANSWER

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

TRIES = 2
"""A move is asked for once more; then it waits for a person."""


def check(run: Run, known: Known, lead: Lead) -> Lead | None:
    """Compare a lead, as amoCRM shows it, with the move that was asked for it; return the lead as it is now, None: it is gone.

    In its old stage at or after the answer the move was swallowed, unless the lead's events say that it was moved and came back:
    then the base goes back, so that the cell counts as changed and `push` asks once more.
    """
    asked = run.state.asked([lead.id]).get(lead.id)
    if asked is None or lead.updated_at < asked.answered_at:
        return lead
    if lead.stage == asked.origin:
        current = run.amo.lead(lead.id)
        if current is None:
            return None
        lead = current
    if lead.stage == asked.origin and not _came_by(run, lead, asked):
        _take_back(run, known, asked)
    if lead.stage != asked.origin:
        run.state.drop_asked([lead.id])
    return lead


def _came_by(run: Run, lead: Lead, asked: Asked) -> bool:
    """Whether the lead's events say that it reached the stage that was asked for."""
    try:
        came_by = any(event.after == asked.target for event in run.amo.moves_of(lead.id, asked.answered_at - 1))
    except NO_ANSWER:
        return False
    if came_by:
        run.state.drop_asked([lead.id])
    return came_by


def _take_back(run: Run, known: Known, asked: Asked) -> None:
    base = run.state.bases([asked.lead_id]).get(asked.lead_id)
    if base is None or base.status is None or base.status.stage != asked.target:
        return
    shown = known.rules.shown(asked.origin)
    picked = base.status.text
    if asked.times < TRIES:
        run.state.save_bases([replace(base, status=StatusBase(asked.origin, shown, asked.old_text))])
        run.name(f"amoCRM answered the move of lead {asked.lead_id} and did not carry it out; it is asked once more")
        return
    run.state.save_bases([replace(base, status=StatusBase(asked.origin, shown, picked))])
    run.state.drop_asked([asked.lead_id])
    run.wait(
        Waiting(asked.lead_id, "swallowed", picked, key=picked, since=run.now),
        f"amoCRM did not carry out the move of lead {asked.lead_id} twice; it stays where it is until somebody moves it or "
        "picks another status",
    )
