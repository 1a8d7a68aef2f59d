"""Leads that are looked at together, and what the state takes in once they are written or owed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amo2gsheet.model import Lead
from amo2gsheet.state.records import Pending, Version

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run


@dataclass(frozen=True, slots=True)
class Due:
    """A lead to be looked at. `may_add`: it belongs in the sheet; `has_entered`: it came into a trigger stage since last seen."""

    lead: Lead
    may_add: bool = False
    has_entered: bool = False


@dataclass(slots=True)
class Chunk:
    """Leads due together, and what the state takes in once they are written or owed."""

    due: dict[int, Due] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    judged: list[int] = field(default_factory=list)
    events: list[tuple[str, int]] = field(default_factory=list)
    paid: set[int] = field(default_factory=set)
    cursor: int | None = None
    event_cursor: int | None = None
    marks: dict[str, str] = field(default_factory=dict)
    is_last: bool = False

    def add(self, due: Due) -> None:
        """Take a lead in; of two versions the newer one counts, and what either knows of its way."""
        former = self.due.get(due.lead.id)
        if former is None:
            self.due[due.lead.id] = due
            return
        newer = due.lead if due.lead.updated_at >= former.lead.updated_at else former.lead
        self.due[due.lead.id] = Due(newer, due.may_add or former.may_add, due.has_entered or former.has_entered)

    def close(self, run: Run) -> None:
        """Let the state know that everything in here is written or owed: one commit."""
        with run.state.transaction():
            run.state.save_versions(self.versions)
            run.state.save_pending(self.pending)
            run.state.drop_pending(self.judged)
            run.state.save_events(self.events)
            run.state.pay(self.paid)
            run.state.owe_all(run.sync_owed & self.paid, "sync")
            if self.cursor is not None:
                run.state.move_cursor("leads", self.cursor)
            if self.event_cursor is not None:
                run.state.move_cursor("events", self.event_cursor)
            for key, value in self.marks.items():
                run.state.put(key, value)
