"""The sheet's end of a `pull`: finds and makes the tab, then looks, plans and writes in rounds until all is written or owed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import StrayedError, TabMissingError
from amo2gsheet.model import Dropdown, LeadDetails, Row, Tab, Workbook
from amo2gsheet.state.records import Waiting
from amo2gsheet.sync import directory
from amo2gsheet.sync.details import HIDDEN, Details, details
from amo2gsheet.sync.directory import STAFF_TAB
from amo2gsheet.sync.gather import BELONGS, ENTERED
from amo2gsheet.sync.looking import strayed_leads
from amo2gsheet.sync.news import links_of
from amo2gsheet.sync.place import Place, check_emptied, find_tab, follow_dropdown, leave_mark, make_place, open_place
from amo2gsheet.sync.plan import NewRowPlan, RowPlan
from amo2gsheet.sync.planner import Planner, is_young
from amo2gsheet.sync.presence import DELETED, UNREAD, VANISHED
from amo2gsheet.sync.record import Written
from amo2gsheet.sync.rows import ROWS_PER_INSERT, insert_rows, leads_in, still_due
from amo2gsheet.sync.run import SYNC_DUE, TAB_SETTING
from amo2gsheet.sync.settle import settle
from amo2gsheet.sync.steady import LOOKS, renamed_each_time, rows_around, rows_under
from amo2gsheet.sync.telling import cell_line
from amo2gsheet.sync.waiting import show_reasons
from amo2gsheet.sync.writing import Outcome, record_of, write_cells, write_later

if TYPE_CHECKING:
    from amo2gsheet.sync.chunk import Chunk, Due
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

NAMED_AT_ONCE = 5

TRIES = 4
"""So often a row is planned and written again within one run before it is owed to the next."""

BUSY_SECONDS = 20
"""First wait where Google would not write now; it grows, so that the waits outlast the minute of a spent quota."""

CELLS_PER_WRITE = 20_000
"""Bounds the body of one write to about 2 MB, which Google advises."""


STALE_TOKENS = 20
TOKEN_SECONDS = 3600
"""Commit tokens so old have no late try left to fend off; they are dropped when so many have gathered."""


@dataclass(slots=True)
class Desk:
    """The sheet's end of a `pull`: opened at the first chunk that needs it."""

    run: Run
    tab: Tab | None = None
    dropdown: Dropdown | None = None
    has_dropdown: bool = False
    place: Place | None = None
    has_opened: bool = False
    has_staff: bool = False

    def take(self, known: Known, chunk: Chunk) -> None:
        """Write everything that is due in a chunk, or owe it."""
        # Reading takes time, and people go on: what is planned rests on a look that comes after it.
        found = details(self.run, [due.lead for due in chunk.due.values()])
        known = self.open(known)
        self._owe_unread(chunk, found)
        self._name_hidden(found)
        pending = {lead_id: chunk.due[lead_id] for lead_id in found.of if lead_id not in self.run.unsettled}
        self._owe(chunk, {lead_id: chunk.due[lead_id] for lead_id in found.of.keys() & self.run.unsettled}, "unsettled")
        has_open = False
        for attempt in range(TRIES):
            if has_open and not self._settle(known, 2.0 ** (attempt - 1)):
                continue
            try:
                outcome = self._round(known, chunk, pending, found.of)
            except TabMissingError:
                # Renamed in mid-run: what landed already shows on the next look.
                outcome = Outcome(again=set(pending))
                self._find()
            pending = {lead_id: due for lead_id, due in pending.items() if lead_id in outcome.again}
            if not pending:
                return
            has_open = outcome.is_unclear or outcome.has_strays
            if outcome.is_busy and attempt < TRIES - 1:
                self.run.clock.sleep(BUSY_SECONDS * (attempt + 1))
            self.place = None
        self._owe(chunk, pending, "unwritten")
        self.run.report.is_unavailable = True

    def _settle(self, known: Known, seconds: float) -> bool:
        """Wait, and settle what is open; False where values that strayed could not be put right: nothing is planned on them."""
        self.run.clock.sleep(seconds)
        try:
            settle(self.run, known)
        except StrayedError:
            return False
        return True

    def say_why(self, known: Known) -> None:
        """Show why rows wait that no plan touches: those of a doubled ID, and those whose lead is not in amoCRM."""
        if self.tab is not None and self.run.state.get(SYNC_DUE) is not None:
            show_reasons(self.run, known, self.tab.title)

    # --- opening ---

    def open(self, known: Known) -> Known:
        """Find the tab, make it where it is empty, leave the mark; once a run. Returns the directory with the staff."""
        run = self.run
        if self.has_opened:
            # Since the last look more leads were gathered, and another run may have been let in.
            self.place = None
            return directory.with_staff(run, known, has_tab=self.has_staff)
        self.has_opened = True
        workbook = self._find_and_look(known)
        if self.place is None:
            check_emptied(run, self.tab.title if self.tab else run.settings.worksheet_name)
            self._make(known)
        else:
            # A try to make the tab that nobody saw landing: there is a header, so nothing of it is due.
            for intent in run.state.open_intents():
                if intent.kind == "tab":
                    run.state.drop_intent(intent.id)
        leave_mark(run, workbook)
        _drop_stale_tokens(run, workbook)
        if self.tab is not None and self.place is not None:
            follow_dropdown(run, known, self.tab, self.place)
        run.state.put(TAB_SETTING, run.settings.worksheet_name)
        self.has_staff = any(tab.title == STAFF_TAB for tab in workbook.tabs)
        return directory.with_staff(run, known, has_tab=self.has_staff)

    def _find_and_look(self, known: Known) -> Workbook:
        """Find the tab and look at it; again where it was renamed in between."""
        for _ in range(LOOKS):
            workbook = self._find()
            try:
                self._look(known)
            except TabMissingError:
                continue
            return workbook
        raise renamed_each_time()

    def _find(self) -> Workbook:
        workbook = self.run.sheet.workbook()
        self.tab = find_tab(self.run, workbook)
        return workbook

    def _make(self, known: Known) -> None:
        """Make the tab or its header; a dry run only says so."""
        run = self.run
        # Begun anew by force: the rows that stood here vanished all at once, however few they were; nobody deleted them.
        if gone := [lead_id for lead_id, (_, missing) in run.state.status_texts().items() if missing != DELETED]:
            run.state.set_missing(dict.fromkeys(gone, VANISHED))
        if run.is_dry:
            title = self.tab.title if self.tab else run.settings.worksheet_name
            run.report.plan.append(f'make the header of tab "{title}"')
            return
        make_place(run, known, self.tab)
        self._find_and_look(known)

    # --- one round ---

    def _round(self, known: Known, chunk: Chunk, pending: Mapping[int, Due], found: Mapping[int, LeadDetails]) -> Outcome:
        """Look, plan and write once. What has to be planned again stands in the outcome."""
        run = self.run
        if not pending:
            return Outcome()
        place = self.place or self._look(known)
        if place is None:
            return self._dry_round(known, pending, found) if run.is_dry else Outcome(again=set(pending))
        planner = Planner(run, known, place, found)
        read = self._read(place, pending)
        if read is None:
            return Outcome(again=set(pending))
        rows, seen = read
        strayed = set() if run.is_dry else strayed_leads(run, place, seen)
        rows = {lead_id: row for lead_id, row in rows.items() if lead_id not in strayed}
        row_plans = planner.rows(pending, rows, chunk)
        again = {lead_id for lead_id in pending if lead_id in place.presence.row_of and lead_id not in rows}
        outcome = Outcome(again=again, has_strays=bool(again & strayed))
        self._write_all(known, place, [plan for plan in row_plans if plan.writes], seen, outcome)
        new_rows = planner.new_rows(pending, chunk)
        if new_rows and outcome.again:
            # Rows or columns have moved since the look, so where the table ends and what stands where is looked up anew.
            place = self._look(known) or place
            new_rows = Planner(run, known, place, found).new_rows(pending, chunk)
        outcome.add(self._insert(known, place, new_rows))
        self._after(chunk, outcome, pending, row_plans)
        planner.end_meetings(plan for plan in row_plans if not plan.writes or plan.lead_id in outcome.landed)
        return outcome

    def _look(self, known: Known) -> Place | None:
        """Look at the tab anew; None where it has yet to be made, as in a dry run."""
        self.place = open_place(self.run, known, self.tab.title) if self.tab else None
        return self.place

    def _read(self, place: Place, pending: Mapping[int, Due]) -> tuple[dict[int, Row], tuple[Row, ...]] | None:
        """Lead ID → its row for the leads due, and all rows that were read; None where columns have moved since the look."""
        wanted = [place.presence.row_of[lead_id] for lead_id in pending if lead_id in place.presence.row_of]
        if not wanted:
            return {}, ()
        rows = rows_under(self.run, place, rows_around(place, wanted))
        if rows is None:
            return None
        # A row that moved between the look and this read shows another ID here: its lead is planned again.
        found = {row.lead_id: row for row in rows if row.lead_id is not None and row.lead_id in pending}
        return {lead_id: row for lead_id, row in found.items() if lead_id in place.presence.row_of}, tuple(rows)

    def _write_all(self, known: Known, place: Place, plans: Sequence[RowPlan], seen: tuple[Row, ...], outcome: Outcome) -> None:
        """Write row plans in batches, all but the first on a fresh look; after one that went badly the rest is planned again."""
        run = self.run
        for number, batch in enumerate(_batches(plans)):
            writes = tuple(Written(plan.lead_id, plan.row_number, plan.writes, plan.base) for plan in batch)
            for write in writes:
                run.report.plan += [cell_line(place.header, write, cell) for cell in write.cells]
            if run.is_dry:
                outcome.landed |= {write.lead_id for write in writes}
            elif number == 0:
                outcome.add(write_cells(run, known, place, record_of(run, place, writes, seen)))
            elif outcome.is_unclear or outcome.is_busy or outcome.has_strays:
                outcome.again |= {write.lead_id for write in writes}
            else:
                outcome.add(write_later(run, known, place, writes))

    def _insert(self, known: Known, place: Place, plans: Sequence[NewRowPlan]) -> Outcome:
        """Insert the first chunk of new rows; the others are planned again on a fresh look."""
        run = self.run
        outcome = Outcome()
        remaining = list(plans)
        while remaining:
            part, remaining = remaining[:ROWS_PER_INSERT], remaining[ROWS_PER_INSERT:]
            run.report.plan += [f'new row: lead {plan.row.lead_id}, статус "{_status_of(plan)}"' for plan in part]
            if run.is_dry:
                outcome.add(Outcome(landed=leads_in(part)))
                continue
            assert self.tab is not None
            made = insert_rows(run, known, self.tab, place, part, self._dropdown(place))
            outcome.add(made)
            run.advance(len(made.landed), len(plans))
            if made.is_unclear or made.again:
                outcome.again |= leads_in(remaining)
                break
            if remaining:
                fresh = self._look(known)
                due = still_due(fresh, place, remaining)
                outcome.again |= leads_in(remaining) - leads_in(due)
                place, remaining = fresh or place, due
        return outcome

    def _dropdown(self, place: Place) -> Dropdown | None:
        """The dropdown that the row above has, so that new rows offer the same; read once a run."""
        if not self.has_dropdown and self.tab is not None:
            self.has_dropdown = True
            above = max(place.presence.last_lead_row, place.header.row_number + 1)
            self.dropdown = self.run.sheet.read_dropdown(self.tab, place.columns.status_index, above)
        return self.dropdown

    def _dry_round(self, known: Known, pending: Mapping[int, Due], found: Mapping[int, LeadDetails]) -> Outcome:
        """The tab has yet to be made: every lead that belongs would get a row."""
        for lead_id, due in pending.items():
            if due.may_add and is_young(self.run, known, due):
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
        self._owe(chunk, {lead_id: pending[lead_id] for lead_id in outcome.refused}, "refused")
        for lead_id, reason in outcome.refused.items():
            run.wait(
                Waiting(lead_id, "refused", reason, key=reason, since=run.now),
                f"the row of lead {lead_id} could not be written, the others were: {reason}",
            )
        for kind in ("refused", "gone lead", "no such lead", UNREAD):
            run.stop_waiting(list(done), kind)

    def _owe_unread(self, chunk: Chunk, found: Details) -> None:
        run = self.run
        run.report.is_unavailable |= found.is_down
        for lead_id, reason in found.unread.items():
            text = f"lead {lead_id} waits for the next run, its contacts or company could not be read: {reason}"
            if found.is_down:
                run.name(text)
            else:
                run.wait(Waiting(lead_id, "unread details", reason, since=run.now), text)
        self._owe(chunk, {lead_id: chunk.due[lead_id] for lead_id in found.unread}, "unread")

    def _name_hidden(self, found: Details) -> None:
        """Name, once, the leads of which the token may not see the contacts or the company."""
        run = self.run
        hidden = [lead_id for lead_id, details in found.of.items() if details.hidden]
        fresh = run.state.wait_all([Waiting(lead_id, HIDDEN, "", since=run.now) for lead_id in hidden])
        if fresh:
            listed = ", ".join(str(waiting.lead_id) for waiting in fresh[:NAMED_AT_ONCE])
            more = " …" if len(fresh) > NAMED_AT_ONCE else ""
            run.name(
                f"the token may not read contacts or companies of {len(fresh)} leads ({listed}{more}): cells made of them stay "
                "as they are, in new rows empty. The user of the integration needs the right to see them"
            )
        run.stop_waiting([lead_id for lead_id, details in found.of.items() if not details.hidden], HIDDEN)
        run.stop_waiting(list(found.of), "unread details")

    def _owe(self, chunk: Chunk, pending: Mapping[int, Due], reason: str) -> None:
        """Leave leads to the next run, with what is known of their way."""
        for lead_id, due in pending.items():
            self.run.state.owe(lead_id, ENTERED if due.has_entered else BELONGS if due.may_add else reason)
        chunk.paid -= set(pending)


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


def _status_of(plan: NewRowPlan) -> str:
    return plan.base.status.text if plan.base.status else ""
