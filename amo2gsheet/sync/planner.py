"""Plans the leads of one look: rows that stand, rows to be made, and what waits. Sends and reads nothing outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amo2gsheet.fields import render, same_value
from amo2gsheet.model import Base, LeadDetails, Row, Stage, StatusBase
from amo2gsheet.state.records import Waiting
from amo2gsheet.sync.chunk import Chunk, Due
from amo2gsheet.sync.gather import ENTERED
from amo2gsheet.sync.plan import LeadNow, NewRowPlan, RowPlan, cell_text, plan_new_row, plan_row
from amo2gsheet.sync.presence import DELETED, VANISHED
from amo2gsheet.sync.waiting import sync_text
from amo2gsheet.values import zone_of

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.place import Place
    from amo2gsheet.sync.run import Run


@dataclass(slots=True)
class Planner:
    """Plans the leads of one round on one look."""

    run: Run
    known: Known
    place: Place
    found: Mapping[int, LeadDetails]

    def rows(self, pending: Mapping[int, Due], rows: Mapping[int, Row], chunk: Chunk) -> list[RowPlan]:
        """Plan the rows that stand; say what meets for the first time."""
        run, state = self.run, self.run.state
        bases = self._bases(pending)
        waiting = sync_text(run) if "sync" in self.place.columns.index else {}
        run.sync_owed.difference_update(pending)
        first_met = {entry.lead_id for entry in state.waiting("first meeting")}
        swallowed = {entry.lead_id for entry in state.waiting("swallowed")}
        without_stage = {entry.lead_id for entry in state.waiting("missing stage")}
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
            if plan.is_left_to_push and self._has_moved(plan):
                # Should the person pick the old text again, amoCRM's move is what is left to be shown.
                state.owe(lead_id, "left to push")
                chunk.paid.discard(lead_id)
            if lead_id in without_stage and plan.is_left_to_push and self._has_target(lead_id, row):
                run.stop_waiting([lead_id], "missing stage")
            if lead_id in swallowed and lead_id in bases and plan.base.status != bases[lead_id].status:
                run.stop_waiting([lead_id], "swallowed")
        return plans

    def end_meetings(self, plans: Iterable[RowPlan]) -> None:
        """Note of rows that agree now that they no longer wait since their first meeting.

        Only after their writes: a run that dies before them leaves the meeting to be accepted by the next `pull --full --force`.
        """
        met = {entry.lead_id for entry in self.run.state.waiting("first meeting")}
        over = [plan.lead_id for plan in plans if plan.lead_id in met and not self._still_differs(plan.base)]
        self.run.stop_waiting(over, "first meeting")

    def _still_differs(self, base: Base) -> bool:
        """Whether values that differed when they met for the first time stand there as they did."""
        status = base.status
        has_other_status = status is not None and not self.known.rules.means_same(status.text, status.stage)
        return has_other_status or any(not same_value(cell.amo, cell.sheet) for cell in base.cells.values())

    def _has_target(self, lead_id: int, row: Row) -> bool:
        """Whether the status cell stands for a stage of the pipeline in which the lead is now."""
        text = cell_text(row.cells.get(self.place.columns.status_index))
        return self.known.rules.target(text, self.found[lead_id].lead.stage.pipeline_id) is not None

    def _has_moved(self, plan: RowPlan) -> bool:
        """Whether amoCRM's stage is another than the base's, and shown as another."""
        status = plan.base.status
        # A pick is one only against what was agreed; nothing new is agreed on where it is left to `push`.
        assert status is not None
        stage = self.found[plan.lead_id].lead.stage
        return stage != status.stage and self.known.rules.shown(stage) != status.shown

    def _bases(self, pending: Mapping[int, Due]) -> dict[int, Base]:
        """The bases of leads; for rows of the old service, what it last knew of their status."""
        bases = self.run.state.bases(pending)
        fresh = [lead_id for lead_id in pending if lead_id not in bases]
        old = self.run.state.old_statuses(fresh) if fresh else {}
        for lead_id, text in old.items():
            bases[lead_id] = Base(lead_id, self._old_status(pending[lead_id], text))
        return bases

    def _old_status(self, due: Due, text: str) -> StatusBase:
        """The old service's text is the sheet's side; amoCRM's counts as unchanged only where it still means the same."""
        rules, stage = self.known.rules, due.lead.stage
        if rules.means_same(text, stage):
            return StatusBase(stage, rules.shown(stage), text)
        return StatusBase(Stage(0, 0), "", text)

    def _now(self, lead_id: int) -> LeadNow:
        keys = [key for key in self.place.columns.index if key not in ("id", "status", "sync")]
        found = self.found[lead_id]
        cells = render(found, keys, self.known.directory, self.run.settings.pipeline_display)
        return LeadNow(found.lead, cells, found.hidden)

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
        return f'"{key if index is None else self.place.header.texts[index].strip()}"'

    def new_rows(self, pending: Mapping[int, Due], chunk: Chunk) -> list[NewRowPlan]:
        """Plan rows for the leads that have none and should; leads whose row may only be out of sight wait a run."""
        run, presence = self.run, self.place.presence
        absent = [lead_id for lead_id in pending if not presence.has(lead_id)]
        bases = run.state.bases(absent)
        elsewhere = run.state.bases_elsewhere(absent)
        plans = []
        for lead_id in absent:
            base, due = bases.get(lead_id), pending[lead_id]
            if base is not None and 0 <= base.missing < DELETED:
                run.state.owe(lead_id, ENTERED if due.has_entered else "row not seen")
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
        return due.may_add and is_young(self.run, self.known, due)

    def _should_put_back(self, due: Due) -> bool:
        """A row that vanished with many others comes back by force, if its lead stands in a trigger stage; else it is deleted."""
        if not self.run.is_forced:
            return False
        if self.known.rules.is_trigger(due.lead.stage):
            return True
        self.run.state.set_missing({due.lead.id: DELETED})
        return False


def is_young(run: Run, known: Known, due: Due) -> bool:
    """Whether the lead was created late enough to get a new row."""
    return due.lead.created_at >= run.settings.created_after.unix(zone_of(known.directory.zone))
