"""`pull`: amoCRM → sheet. Gather what is due, plan each chunk on a fresh look, write, and only then move the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amo2gsheet.state.records import Waiting
from amo2gsheet.sync import directory
from amo2gsheet.sync.gather import Feed
from amo2gsheet.sync.presence import VANISHED
from amo2gsheet.sync.run import SYNC_DUE, TAB_SETTING, VANISHED_ROWS

if TYPE_CHECKING:
    from amo2gsheet.sync.desk import Desk
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run


def pull(run: Run) -> None:
    """Bring amoCRM's changes into the sheet. Safe to repeat; a killed run goes on by itself.

    Raises:
        AmoGsheetError: the run could not go on; what was answered before stands.
    """
    known = directory.load(run)
    _settle(run, known)
    _name_pipelines(run, known)
    _name_zone(run, known)
    desk: Desk | None = None
    if run.is_forced:
        desk = _new_desk(run)
        known = desk.open(known)
        _put_back(run)
    feed = Feed(run, known)
    for chunk in feed.chunks():
        if chunk.due or (desk is None and _is_sheet_due(run)):
            desk = desk or _new_desk(run)
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


def _settle(run: Run, known: Known) -> None:
    if run.state.open_intents():
        # Only now: an idle run, of which there is one a minute, does without the half of the program that plans and writes.
        from amo2gsheet.sync.settle import settle

        settle(run, known)


def _new_desk(run: Run) -> Desk:
    # Only now: see above.
    from amo2gsheet.sync.desk import Desk

    return Desk(run)


def _is_sheet_due(run: Run) -> bool:
    """Whether the sheet is looked at though no lead is due: a new tab, a changed setting, a new reason for a row to wait."""
    state, settings = run.state, run.settings
    wanted = state.get_json("dropdown")
    return (
        state.tab_id is None
        or state.get(TAB_SETTING) != settings.worksheet_name
        or (wanted is not None and wanted != list(settings.dropdown))
        or state.get(SYNC_DUE) is not None
    )


def _put_back(run: Run) -> None:
    """Let the leads whose rows vanished with many others be looked at: those that stand in a trigger stage get a row."""
    vanished = [lead_id for lead_id, (_, missing) in run.state.status_texts().items() if missing == VANISHED]
    run.state.owe_all(vanished, "vanished")
    run.stop_waiting(vanished, "vanished")
    run.state.put(VANISHED_ROWS, None)


def _name_pipelines(run: Run, known: Known) -> None:
    """Name, once, the pipelines none of whose stages is a trigger; forget those that have one by now."""
    without = known.rules.pipelines_without_trigger
    for waiting in run.state.waiting_for_all():
        if waiting.kind == f"no trigger in {waiting.detail}" and waiting.detail not in without:
            run.state.stop_waiting([0], waiting.kind)
    for name in without:
        if run.state.wait(Waiting(0, f"no trigger in {name}", name, since=run.now)):
            run.notice(f'the pipeline "{name}" has no trigger stage: its leads get no row')


def _name_zone(run: Run, known: Known) -> None:
    """Tell, once, of a zone that is known by its offset alone; forget it when its name is known."""
    note, zone = directory.zone_note(known.account), known.account.zone
    if note and run.state.wait(Waiting(0, "zone by offset", zone, zone, since=run.now)):
        run.notice(note)
    if not note:
        run.stop_waiting([0], "zone by offset")


def _prune(run: Run) -> None:
    """Forget what no later run asks for; a bounded piece in each run."""
    cursor = run.state.cursor("leads")
    if cursor is not None:
        run.state.prune_versions(cursor - 2 * run.settings.pull_overlap_seconds)
        run.state.prune_events(cursor - 4 * run.settings.pull_overlap_seconds)
    run.state.prune_history(run.clock.time() - run.settings.history_days * 86400)
    run.state.prune_runs(run.clock.time() - run.settings.history_days * 86400)
