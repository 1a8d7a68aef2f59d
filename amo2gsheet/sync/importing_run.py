"""One run of an import: its workbook, amoCRM, the state, and what is to be reported. Decides nothing about rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from amo2gsheet.model import Account, Contact, Lead, LeadField, Pipeline, UnreadLead
from amo2gsheet.model_import import CreateAnswers, NewLead, Recalled, SourceTable
from amo2gsheet.names import normal_header
from amo2gsheet.sync.importing_columns import ImportColumns
from amo2gsheet.sync.importing_report import ImportReport

if TYPE_CHECKING:
    from amo2gsheet.config import Settings
    from amo2gsheet.retry import Clock
    from amo2gsheet.state import StateStore

logger = logging.getLogger(__name__)

COMMAND = "import-xlsx"


class ImportSide(Protocol):
    """What an import needs of the amoCRM account. Every method may raise UnavailableError, LoginError, ForbiddenError."""

    @property
    def server_time(self) -> int:
        """The `Date` of the last answer, Unix seconds by amoCRM's own clock; 0 before the first answer."""
        ...

    def account(self) -> Account:
        """Read the account."""
        ...

    def pipelines(self) -> tuple[Pipeline, ...]:
        """Read all pipelines with their stages."""
        ...

    def lead_fields(self) -> tuple[LeadField, ...]:
        """Read the custom fields of leads."""
        ...

    def tags(self, name: str = "") -> list[str]:
        """Read the tags that leads ever had; with a name those that amoCRM finds for it."""
        ...

    def newest_leads(self) -> list[Lead | UnreadLead]:
        """Read the first page of leads, newest `updated_at` first."""
        ...

    def changed_leads(self, since: int) -> Iterator[list[Lead | UnreadLead]]:
        """Read every lead changed at or after `since` (Unix seconds), in lists."""
        ...

    def contacts(self, contact_ids: Sequence[int]) -> dict[int, Contact]:
        """Read contacts."""
        ...

    def create(self, leads: Sequence[NewLead]) -> CreateAnswers:
        """Make leads; what became of each stands in the answer."""
        ...


@dataclass(slots=True)
class ImportRun:
    """Everything an import needs. `file_name` is for messages; `tag` as it is written on leads.

    `recalled` is what a result workbook remembers, None where there is none. Inside of `uninterrupted()` no signal cuts the
    run: a batch is noted, sent and recorded as one. `on_progress` is told how many rows more are done, and of how many.
    """

    run_id: int
    file_name: str
    table: SourceTable
    tag: str
    amo: ImportSide
    state: StateStore
    settings: Settings
    clock: Clock
    recalled: Recalled | None = None
    is_dry: bool = False
    sends_changed: bool = False
    is_again: bool = False
    uninterrupted: Callable[[], AbstractContextManager[object]] = nullcontext
    on_progress: Callable[[int, int | None], None] = lambda count, total: None
    report: ImportReport = field(default_factory=ImportReport)
    lead_gap_seconds: int | None = None
    started_at: tuple[int, float] | None = None
    zone: str = "UTC"
    columns: ImportColumns | None = None
    field_names: Mapping[int, str] = field(default_factory=dict)

    @property
    def tag_key(self) -> str:
        """The tag as tags are compared: the name of this import in the state."""
        return normal_header(self.tag)

    # --- amoCRM's time ---

    def read_time(self) -> None:
        """Find out amoCRM's time, and how far its leads' own times lie behind it at most: one request, once.

        The `Date` of an answer may be another machine's. No lead can be newer than one that is made now, so the newest one there
        is bounds the difference.
        """
        if self.lead_gap_seconds is not None:
            return
        newest = max((lead.updated_at for lead in self.amo.newest_leads()), default=0)
        now = self.amo.server_time or int(self.clock.time())
        self.started_at = (now, self.clock.monotonic())
        self.lead_gap_seconds = max(0, now - newest)

    @property
    def now(self) -> int:
        """amoCRM's time, as far as its answers and this machine's seconds since then tell; `read_time` came before.

        A machine that slept meanwhile counts too few seconds; the last answer then knows better.
        """
        at, monotonic = self.started_at or (int(self.clock.time()), self.clock.monotonic())
        return max(at + int(self.clock.monotonic() - monotonic), self.amo.server_time)

    @property
    def since(self) -> int:
        """A moment by the clock of amoCRM's leads before which nothing that is sent now can be made."""
        return max(0, self.now - (self.lead_gap_seconds or 0) - _CLOCK_SLACK_SECONDS)

    # --- telling ---

    def notice(self, text: str) -> None:
        """Tell of something that a person may want to know."""
        self.report.notices.append(text)
        logger.info("%s: %s", COMMAND, text, extra={"event": "notice"})

    def name(self, text: str) -> None:
        """Tell of something, not of one row, that was left out or went wrong."""
        self.report.named.append(text)
        logger.warning("%s: %s", COMMAND, text, extra={"event": "named"})


_CLOCK_SLACK_SECONDS = 60
"""Two machines of one cloud may differ so much."""
