"""What the state remembers, as plain values. Knows no database. All times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amo2gsheet.model import CellValue, ColumnKey, Stage


@dataclass(frozen=True, slots=True)
class LeadLinks:
    """What a tracked lead hangs on: a change of one of these can change its row though the lead itself stayed as it is."""

    lead_id: int
    contact_ids: tuple[int, ...]
    company_id: int | None
    responsible_user_id: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class Version:
    """The newest version seen of a lead."""

    lead_id: int
    updated_at: int
    digest: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Pending:
    """An untracked changed lead that is judged again until its change is older than the overlap."""

    lead_id: int
    updated_at: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that was about to be sent, and whose result is not recorded yet.

    `kind` is `cells`, `rows`, `moves` or `tab`; `payload` is JSON (keys are texts). `run_id` is 0 outside a run. `is_unclear`:
    the write was sent and no answer told what became of it.
    """

    id: int
    kind: str
    made_at: float
    commit_token: int | None
    is_unclear: bool
    run_id: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Owed:
    """What is still to be written for a lead: reason → detail, and since when the oldest of it is owed."""

    lead_id: int
    reasons: Mapping[str, str]
    since: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A move that amoCRM accepted: `answered_at` is the lead's `updated_at` in that answer, `times` counts the asking.

    `old_text` is the text of the status cell at the base before the move.
    """

    lead_id: int
    origin: Stage
    target: Stage
    answered_at: int
    times: int = 1
    old_text: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a person.

    `lead_id` 0 is the whole tab or account. `key` is what it was judged on (cell text and pipelines, for example): with another
    key it is news again. `since` 0 means now. `is_reported`: some run has told of it.
    """

    lead_id: int
    kind: str
    detail: str
    key: str = ""
    since: float = 0
    is_reported: bool = False


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing done to one lead (0: to the tab or account).

    Of the kind `conflict` it is never pruned, and `old` is the losing value.
    """

    time: float
    run_id: int
    command: str
    lead_id: int
    kind: str
    column: ColumnKey = ""
    old: CellValue = None
    new: CellValue = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command; `ended_at` and `exit_code` are None while it goes on, and for ever when it was cut off."""

    id: int
    command: str
    is_dry: bool
    begun_at: float
    ended_at: float | None = None
    exit_code: int | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def is_cut_off(self) -> bool:
        """Whether nobody recorded its end (true of the run that goes on right now as well)."""
        return self.exit_code is None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row of an import that was sent, or was about to be.

    `lead_id` is None while nobody knows what became of it; then `content` is what it was sent with, as JSON. `since` is a moment
    by amoCRM's own clock before which the row's lead cannot have been made, `sent_at` one at which it was sent at the latest.
    `person` is equal for rows of one name and phone; `corrects` is the key of the row that this one was sent in place of, ""
    where there is none, and `is_superseded` says the same from the other side.
    """

    key: str
    person: str
    lead_id: int | None
    since: int
    sent_at: int
    is_merged: bool = False
    is_superseded: bool = False
    corrects: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
