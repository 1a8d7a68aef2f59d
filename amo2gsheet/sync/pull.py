"""`pull`: amoCRM → sheet. Gather what is due, plan each chunk on a fresh look, write, and only then move the cursor."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amo2gsheet.columns import field_id_of
from amo2gsheet.exceptions import TabMissingError
from amo2gsheet.fields import render
from amo2gsheet.model import Base, Dropdown, LeadDetails, Row, Stage, StatusBase, Tab, Workbook
from amo2gsheet.state import Waiting
from amo2gsheet.sync import directory
from amo2gsheet.sync.directory import STAFF_TAB, Known
from amo2gsheet.sync.gather import Chunk, Details, Due, Feed, details, links_of
from amo2gsheet.sync.place import Place, check_emptied, find_tab, follow_dropdown, leave_mark, make_place, open_place
from amo2gsheet.sync.plan import CellPlan, LeadNow, NewRowPlan, RowPlan, cell_text, plan_new_row, plan_row
from amo2gsheet.sync.presence import DELETED, VANISHED
from amo2gsheet.sync.record import Record, Written, exceptions_of, neighbours
from amo2gsheet.sync.rows import ROWS_PER_INSERT, insert_rows
from amo2gsheet.sync.settle import settle
from amo2gsheet.sync.waiting import sync_text
from amo2gsheet.sync.writing import SHOWN_COLUMNS, Outcome, write_cells
from amo2gsheet.values import zone_of

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

TRIES = 4
"""So often a row is planned and written again within one run before it is owed to the next."""

CELLS_PER_WRITE = 20_000
"""Bounds the body of one write to about 2 MB, which Google advises."""

WHOLE_TABLE_ROWS = 1000
"""Up to so many rows the last look before a write reads all of them; above, the rows concerned and their neighbours."""

NEIGHBOUR_REACH = 3

STALE_TOKENS = 20
TOKEN_SECONDS = 3600
"""Commit tokens so old have no late try left to fend off; they are dropped when so many have gathered."""


def pull(run: Run) -> None:
    """Bring amoCRM's changes into the sheet. Safe to repeat; a killed run goes on by itself.

    Raises:
        AmoGsheetError: the run could not go on; what was answered before stands.
    """
    known = directory.load(run)
    settle(run, known)
    _name_pipelines(run, known)
    desk = _Desk(run)
    if run.is_forced:
        known = desk.open(known)
        _put_back(run)
    feed = Feed(run, known)
    for chunk in feed.chunks():
        if chunk.due or desk.is_needed():
            desk.take(feed.known, chunk)
        chunk.close(run)
        if run.is_out_of_time:
            run.report.is_cut_short = True
            break
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


@dataclass(slots=True)
class _Desk:
    """The sheet's end of a `pull`: opened at the first chunk that needs it."""

    run: Run
    tab: Tab | None = None
    dropdown: Dropdown | None = None
    has_dropdown: bool = False
    place: Place | None = None
    has_opened: bool = False
    has_staff: bool = False

    def is_needed(self) -> bool:
        """Whether the sheet has to be looked at though no lead is due: a new tab, or a changed setting."""
        state, settings = self.run.state, self.run.settings
        if self.has_opened:
            return False
        wanted = state.get_json("dropdown")
        return (
            state.tab_id is None
            or state.get("tab_setting") != settings.worksheet_name
            or (wanted is not None and wanted != list(settings.dropdown))
        )

    def take(self, known: Known, chunk: Chunk) -> None:
        """Write everything that is due in a chunk, or owe it."""
        known = self.open(known)
        found = details(self.run, [due.lead for due in chunk.due.values()])
        self._owe_unread(chunk, found)
        pending = {lead_id: chunk.due[lead_id] for lead_id in found.of}
        for attempt in range(TRIES):
            outcome = self._round(known, chunk, pending, found.of)
            pending = {lead_id: due for lead_id, due in pending.items() if lead_id in outcome.again}
            if not pending:
                return
            if outcome.is_unclear:
                self.run.clock.sleep(2.0**attempt)
                settle(self.run, known)
            if outcome.has_lost_tab:
                self._find()
            self.place = None
        self._owe(chunk, pending, "unwritten")
        self.run.report.is_unavailable = True

    # --- opening ---

    def open(self, known: Known) -> Known:
        """Find the tab, make it where it is empty, leave the mark; once a run. Returns the directory with the staff."""
        run = self.run
        if self.has_opened:
            return directory.with_staff(run, known, has_tab=self.has_staff)
        self.has_opened = True
        workbook = self._find()
        title = self.tab.title if self.tab else run.settings.worksheet_name
        self.place = open_place(run, known, title) if self.tab else None
        if self.place is None:
            check_emptied(run, title)
            self._make(known)
        leave_mark(run, workbook)
        _drop_stale_tokens(run, workbook)
        if self.tab is not None and self.place is not None:
            follow_dropdown(run, known, self.tab, self.place)
        run.state.put("tab_setting", run.settings.worksheet_name)
        self.has_staff = any(tab.title == STAFF_TAB for tab in workbook.tabs)
        return directory.with_staff(run, known, has_tab=self.has_staff)

    def _find(self) -> Workbook:
        workbook = self.run.sheet.workbook()
        self.tab = find_tab(self.run, workbook)
        return workbook

    def _make(self, known: Known) -> None:
        """Make the tab or its header; a dry run only says so."""
        run = self.run
        if run.is_dry:
            run.report.plan.append(f'make the header of tab "{run.settings.worksheet_name}"')
            return
        title = make_place(run, known, self.tab)
        self._find()
        self.place = open_place(run, known, title)

    # --- one round ---

    def _round(self, known: Known, chunk: Chunk, pending: Mapping[int, Due], found: Mapping[int, LeadDetails]) -> Outcome:
        """Look, plan and write once. What has to be planned again stands in the outcome."""
        run = self.run
        if not pending:
            return Outcome()
        try:
            place = self.place or self._look(known)
        except TabMissingError:
            return Outcome(again=set(pending), has_lost_tab=True)
        if place is None:
            return self._dry_round(known, pending, found) if run.is_dry else Outcome(again=set(pending))
        planner = _Planner(run, known, place, found)
        rows, seen = self._read(place, pending)
        row_plans = planner.rows(pending, rows)
        outcome = Outcome(again={lead_id for lead_id in pending if lead_id in place.presence.row_of and lead_id not in rows})
        for plans in _batches([plan for plan in row_plans if plan.writes]):
            outcome.add(self._write(known, place, plans, seen))
        new_rows = planner.new_rows(pending, chunk)
        outcome.add(self._insert(known, place, new_rows))
        self._after(chunk, outcome, pending, row_plans)
        return outcome

    def _look(self, known: Known) -> Place | None:
        title = self.tab.title if self.tab else self.run.settings.worksheet_name
        self.place = open_place(self.run, known, title)
        return self.place

    def _read(self, place: Place, pending: Mapping[int, Due]) -> tuple[dict[int, Row], tuple[Row, ...]]:
        """Lead ID → its row for the leads due, and all rows that this look saw."""
        wanted = [place.presence.row_of[lead_id] for lead_id in pending if lead_id in place.presence.row_of]
        if not wanted:
            return {}, ()
        first, last = place.header.row_number + 1, place.presence.last_row
        is_small = last - first < WHOLE_TABLE_ROWS
        numbers = range(first, last + 1) if is_small else neighbours(wanted, first, last, NEIGHBOUR_REACH)
        rows = self.run.sheet.read_rows(place.title, place.header, list(numbers), range(len(place.header.texts)))
        # A row that moved between the look and this read shows another ID here: its lead is planned again.
        found = {row.lead_id: row for row in rows if row.lead_id is not None and row.lead_id in pending}
        return {lead_id: row for lead_id, row in found.items() if lead_id in place.presence.row_of}, tuple(rows)

    def _write(self, known: Known, place: Place, plans: Sequence[RowPlan], seen: tuple[Row, ...]) -> Outcome:
        run = self.run
        writes = tuple(Written(plan.lead_id, plan.row_number, plan.writes, plan.base) for plan in plans)
        for write in writes:
            run.report.plan += [_cell_line(write, cell) for cell in write.cells]
        if run.is_dry:
            return Outcome(landed={plan.lead_id for plan in plans})
        agreed = {lead_id: text for lead_id, (text, _) in run.state.status_texts().items()}
        record = Record(place.header, writes, seen, exceptions_of(place.presence.texts, agreed))
        return write_cells(run, known, place, record)

    def _insert(self, known: Known, place: Place, plans: Sequence[NewRowPlan]) -> Outcome:
        """Insert the first chunk of new rows; the others are planned again on a fresh look."""
        run = self.run
        outcome = Outcome()
        remaining = list(plans)
        while remaining:
            part, remaining = remaining[:ROWS_PER_INSERT], remaining[ROWS_PER_INSERT:]
            run.report.plan += [f'new row: lead {plan.row.lead_id}, статус "{_status_of(plan)}"' for plan in part]
            if run.is_dry:
                outcome.add(Outcome(landed={plan.row.lead_id for plan in part}))
                continue
            assert self.tab is not None
            made = insert_rows(run, known, self.tab, place, part, self._dropdown(place))
            outcome.add(made)
            if made.is_unclear or made.has_lost_tab or made.again:
                outcome.again |= {plan.row.lead_id for plan in remaining}
                break
            if remaining:
                fresh = self._look(known)
                if fresh is None or fresh.columns != place.columns:
                    outcome.again |= {plan.row.lead_id for plan in remaining}
                    break
                present = {plan.row.lead_id for plan in remaining if fresh.presence.has(plan.row.lead_id)}
                outcome.again |= present
                remaining = [plan for plan in remaining if plan.row.lead_id not in present]
                place = fresh
        return outcome

    def _dropdown(self, place: Place) -> Dropdown | None:
        """The dropdown that the row above has, so that new rows offer the same; read once a run."""
        if not self.has_dropdown and self.tab is not None:
            self.has_dropdown = True
            above = max(place.presence.last_row, place.header.row_number + 1)
            self.dropdown = self.run.sheet.read_dropdown(self.tab, place.columns.status_index, above)
        return self.dropdown

    def _dry_round(self, known: Known, pending: Mapping[int, Due], found: Mapping[int, LeadDetails]) -> Outcome:
        """The tab has yet to be made: every lead that belongs would get a row."""
        for lead_id, due in pending.items():
            if due.may_add and _is_young(self.run, known, due):
                shown = known.rules.shown(found[lead_id].lead.stage)
                self.run.report.plan.append(f'new row: lead {lead_id}, статус "{shown}"')
        return Outcome(landed=set(pending))

    # --- afterwards ---

    def _after(self, chunk: Chunk, outcome: Outcome, pending: Mapping[int, Due], row_plans: Sequence[RowPlan]) -> None:
        """Note in the state what landed without a write, what hangs on which lead, and what was refused."""
        run = self.run
        if run.is_full:
            run.report.drifted = run.report.cells
        done = {lead_id: due for lead_id, due in pending.items() if lead_id not in outcome.again | set(outcome.refused)}
        tracked = run.state.bases(done)
        with run.state.transaction():
            run.state.save_bases([plan.base for plan in row_plans if not plan.writes and plan.base != tracked.get(plan.lead_id)])
            run.state.save_links([links_of(due.lead) for due in done.values()])
        for lead_id, reason in outcome.refused.items():
            chunk.paid.discard(lead_id)
            run.state.owe(lead_id, "refused")
            run.wait(
                Waiting(lead_id, "refused", reason, key=reason, since=run.now),
                f"the row of lead {lead_id} could not be written, the others were: {reason}",
            )
        run.stop_waiting([lead_id for lead_id in done if lead_id in outcome.landed], "refused")

    def _owe_unread(self, chunk: Chunk, found: Details) -> None:
        if found.unread:
            self.run.report.is_unavailable = True
        for lead_id, reason in found.unread.items():
            self.run.name(f"lead {lead_id} waits for the next run, its contacts or company could not be read: {reason}")
        self._owe(chunk, found.unread, "unread")

    def _owe(self, chunk: Chunk, lead_ids: Mapping[int, object], reason: str) -> None:
        self.run.state.owe_all(lead_ids, reason)
        chunk.paid -= set(lead_ids)


def _is_young(run: Run, known: Known, due: Due) -> bool:
    """Whether the lead was created late enough to get a new row."""
    return due.lead.created_at >= run.settings.created_after.unix(zone_of(known.directory.zone))


def _drop_stale_tokens(run: Run, workbook: Workbook) -> None:
    open_tokens = {intent.commit_token for intent in run.state.open_intents()}
    stale = [
        token
        for token, made_at in workbook.commit_tokens.items()
        if token not in open_tokens and run.clock.time() - made_at > TOKEN_SECONDS
    ]
    if len(stale) >= STALE_TOKENS and not run.is_dry:
        run.sheet.drop_commit_tokens(stale)


def _batches(plans: Sequence[RowPlan]) -> Iterator[list[RowPlan]]:
    """Split row plans so that each write stays small enough."""
    batch: list[RowPlan] = []
    size = 0
    for plan in plans:
        width = 1 + max(cell.index for cell in plan.writes)
        if batch and size + width > CELLS_PER_WRITE:
            yield batch
            batch, size = [], 0
        batch.append(plan)
        size += width
    if batch:
        yield batch


def _cell_line(write: Written, cell: CellPlan) -> str:
    change = f' "{cell_text(cell.old)}" → "{cell_text(cell.new)}"' if cell.key in SHOWN_COLUMNS else ""
    return f"lead {write.lead_id} {cell.key}{change} (row {write.row_number})"


def _status_of(plan: NewRowPlan) -> str:
    return plan.base.status.text if plan.base.status else ""


@dataclass(slots=True)
class _Planner:
    """Plans the leads of one round on one look."""

    run: Run
    known: Known
    place: Place
    found: Mapping[int, LeadDetails]

    def rows(self, pending: Mapping[int, Due], rows: Mapping[int, Row]) -> list[RowPlan]:
        """Plan the rows that stand; say what meets for the first time."""
        run, state = self.run, self.run.state
        bases = self._bases(pending)
        waiting = sync_text(run) if "sync" in self.place.columns.index else {}
        first_met = {entry.lead_id for entry in state.waiting("first meeting")}
        plans = []
        for lead_id in pending:
            row = rows.get(lead_id)
            if row is None:
                continue
            plan = plan_row(
                self._now(lead_id),
                row,
                bases.get(lead_id),
                self.place.columns,
                self.known.rules,
                run.settings.conflict_winner,
                sync_text=waiting.get(lead_id, "") if "sync" in self.place.columns.index else None,
                takes_amo=run.is_forced and run.is_full and lead_id in first_met,
            )
            plans.append(plan)
            self._name_differing(plan)
            if lead_id in first_met and not plan.differing and plan.base.status != bases[lead_id].status:
                run.stop_waiting([lead_id], "first meeting")
        return plans

    def _bases(self, pending: Mapping[int, Due]) -> dict[int, Base]:
        """The bases of leads; for rows of the old service, what it last knew of their status."""
        bases = self.run.state.bases(pending)
        fresh = [lead_id for lead_id in pending if lead_id not in bases]
        old = self.run.state.old_statuses(fresh) if fresh else {}
        for lead_id, text in old.items():
            bases[lead_id] = Base(lead_id, self._old_status(pending[lead_id], text))
        return bases

    def _old_status(self, due: Due, text: str) -> StatusBase:
        """What the old service last wrote is the sheet's side; amoCRM's counts as unchanged only where it still means the same."""
        rules, stage = self.known.rules, due.lead.stage
        if rules.means_same(text, stage):
            return StatusBase(stage, rules.shown(stage), text)
        return StatusBase(Stage(0, 0), "", text)

    def _now(self, lead_id: int) -> LeadNow:
        keys = [key for key in self.place.columns.index if key not in ("id", "status", "sync")]
        cells = render(self.found[lead_id], keys, self.known.directory, self.run.settings.pipeline_display)
        return LeadNow(self.found[lead_id].lead, cells)

    def _name_differing(self, plan: RowPlan) -> None:
        run = self.run
        if plan.differing:
            names = ", ".join(self._column_name(key) for key in plan.differing)
            run.wait(
                Waiting(plan.lead_id, "first meeting", names, key=names, since=run.now),
                f"lead {plan.lead_id} (row {plan.row_number}) meets its row for the first time and differs in {names}: both stay",
            )

    def _column_name(self, key: str) -> str:
        index = self.place.columns.index.get(key)
        return f'"{self.place.header.texts[index]}"' if index is not None and field_id_of(key) is None else f'"{key}"'

    def new_rows(self, pending: Mapping[int, Due], chunk: Chunk) -> list[NewRowPlan]:
        """Plan rows for the leads that have none and should; leads whose row may only be out of sight wait a run."""
        run, presence = self.run, self.place.presence
        absent = [lead_id for lead_id in pending if not presence.has(lead_id)]
        bases = run.state.bases(absent)
        elsewhere = run.state.bases_elsewhere(absent)
        plans = []
        for lead_id in absent:
            base, due = bases.get(lead_id), pending[lead_id]
            if base is not None and 0 <= base.missing < DELETED and not due.has_entered:
                run.state.owe(lead_id, "row not seen")
                chunk.paid.discard(lead_id)
            elif self._should_add(due, base, is_elsewhere=lead_id in elsewhere):
                plans.append(
                    plan_new_row(self._now(lead_id), self.place.columns, self.known.rules, self.known.directory.lead_fields)
                )
        return plans

    def _should_add(self, due: Due, base: Base | None, *, is_elsewhere: bool) -> bool:
        if base is not None and base.missing == VANISHED:
            return self._should_put_back(due)
        if base is not None:
            return base.missing >= DELETED and due.has_entered
        if is_elsewhere:
            return due.has_entered
        return due.may_add and _is_young(self.run, self.known, due)

    def _should_put_back(self, due: Due) -> bool:
        """A row that vanished with many others comes back by force, if its lead stands in a trigger stage; else it is deleted."""
        if not self.run.is_forced:
            return False
        if self.known.rules.is_trigger(due.lead.stage):
            return True
        self.run.state.set_missing({due.lead.id: DELETED})
        return False
