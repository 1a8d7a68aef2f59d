"""`pull`: amoCRM → sheet. Gather what is due, plan each chunk on a fresh look, write, and only then move the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amo2gsheet.state.records import Waiting
from amo2gsheet.sync import directory
from amo2gsheet.sync.desk import Desk
from amo2gsheet.sync.gather import Feed
from amo2gsheet.sync.presence import VANISHED
from amo2gsheet.sync.settle import settle

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run


def pull(run: Run) -> None:
    """Bring amoCRM's changes into the sheet. Safe to repeat; a killed run goes on by itself.

    Raises:
        AmoGsheetError: the run could not go on; what was answered before stands.
    """
    known = directory.load(run)
    settle(run, known)
    _name_pipelines(run, known)
    desk = Desk(run)
    if run.is_forced:
        known = desk.open(known)
        _put_back(run)
    feed = Feed(run, known)
    for chunk in feed.chunks():
        if chunk.due or desk.is_needed():
            desk.take(feed.known, chunk)
            desk.say_why(feed.known)
        chunk.close(run)
        if run.is_out_of_time:
            run.report.is_cut_short = True
            break
        if not chunk.is_last:
            run.between_chunks()
    run.state.put("server_time", str(run.amo.server_time))
    _prune(run)


def _put_back(run: Run) -> None:
    """Let the leads whose rows vanished with many others be looked at: those that stand in a trigger stage get a row."""
    vanished = [lead_id for lead_id, (_, missing) in run.state.status_texts().items() if missing == VANISHED]
    run.state.owe_all(vanished, "vanished")
    run.stop_waiting(vanished, "vanished")


def _name_pipelines(run: Run, known: Known) -> None:
    """Name, once, the pipelines none of whose stages is a trigger."""
    for name in known.rules.pipelines_without_trigger:
        if run.state.wait(Waiting(0, f"no trigger in {name}", name, since=run.now)):
            run.notice(f'the pipeline "{name}" has no trigger stage: its leads get no row')


def _prune(run: Run) -> None:
    """Forget what no later run asks for; a bounded piece in each run."""
    cursor = run.state.cursor("leads")
    if cursor is not None:
        run.state.prune_versions(cursor - 2 * run.settings.pull_overlap_seconds)
        run.state.prune_events(cursor - 4 * run.settings.pull_overlap_seconds)
    run.state.prune_history(run.clock.time() - run.settings.history_days * 86400)
    run.state.prune_runs(run.clock.time() - run.settings.history_days * 86400)
