"""One run of a command: the two sides, the state, the settings, and what is to be reported at the end.

Decides nothing about leads or rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.model import Mark

if TYPE_CHECKING:
    from amo2gsheet.config import Settings
    from amo2gsheet.retry import Clock
    from amo2gsheet.state import StateStore
    from amo2gsheet.state.records import HistoryEntry, Waiting
    from amo2gsheet.sync.sides import AmoSide, SheetSide

logger = logging.getLogger(__name__)

TEXT_KINDS = ("unknown text", "missing stage", "held", "doubtful", "gone lead", "refused move")
"""What waits until the cell shows another text; the first two also until the pipelines change."""

VANISHED_ROWS = "vanished_rows"
"""Key in the state: so many rows vanished at once since the last `push` that came through its guard."""

SYNC_DUE = "sync_due"
"""Key in the state: some row has a new reason to wait, which its own column does not show yet."""

TAB_SETTING = "tab_setting"
"""Key in the state: the name of the tab as it was set when the tab was last opened for writing."""

DAY_SECONDS = 86400
"""No two clocks of one cloud are so far apart."""

LONG_WORK = 500
"""From so many leads on a run shows how it goes on."""


@dataclass(slots=True)
class Report:
    """What a run did. `named` is what was left out or came to wait for a person in this run; each makes the exit code 3.

    `notices` are said without changing the exit code; `plan` are the changes in words, as the run made or would make them.
    """

    leads_read: int = 0
    cells: int = 0
    rows: int = 0
    new_rows: int = 0
    moves: int = 0
    conflicts: int = 0
    drifted: int = 0
    plan: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    is_cut_short: bool = False
    is_unavailable: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """How the run ends when nothing was raised."""
        if self.held:
            return ExitCode.HELD_BACK
        if self.is_unavailable:
            return ExitCode.UNAVAILABLE
        return ExitCode.PARTIAL if self.named else ExitCode.DONE


@dataclass(slots=True)
class Run:
    """Everything a run needs. `has_counted` says that this run has already counted which rows it did not see.

    `open_sheet` gives the sheet's side, the same each time.
    `unsettled` are leads of which nobody could tell yet what became of a move: nothing is planned for them.
    `sync_owed` are leads whose reasons to wait changed after their row was planned.
    `mark` is the mark of this state; `started` is monotonic seconds. `between_chunks` lets another run in, where one waits.
    `on_progress` is told how many leads more are done, and of how many in all where that is known; in long runs only.
    """

    command: str
    run_id: int
    amo: AmoSide
    open_sheet: Callable[[], SheetSide]
    state: StateStore
    settings: Settings
    clock: Clock
    mark: Mark
    is_dry: bool = False
    is_forced: bool = False
    is_full: bool = False
    has_counted: bool = False
    started: float = 0.0
    between_chunks: Callable[[], None] = lambda: None
    on_progress: Callable[[int, int | None], None] = lambda count, total: None
    report: Report = field(default_factory=Report)
    sync_owed: set[int] = field(default_factory=set)
    unsettled: set[int] = field(default_factory=set)

    @property
    def sheet(self) -> SheetSide:
        """The sheet's side."""
        return self.open_sheet()

    @property
    def now(self) -> int:
        """This machine's time, Unix seconds."""
        return int(self.clock.time())

    def believed(self, amo_time: int) -> int:
        """A time that amoCRM showed; one so far past its own clock that nothing would ever be newer is taken for now."""
        clock = self.amo.server_time
        return clock if 0 < clock < amo_time - DAY_SECONDS else amo_time

    @property
    def is_accepting(self) -> bool:
        """Whether what the last `pull` named is accepted as it is. `push --force` lets moves through, and nothing else."""
        return self.is_forced and self.command == "pull"

    def advance(self, count: int, total: int) -> None:
        """Tell how work goes on; short work is done before anybody would look."""
        if total >= LONG_WORK:
            self.on_progress(count, total)

    @property
    def is_out_of_time(self) -> bool:
        """Whether the run should stop at the next chunk."""
        return self.clock.monotonic() - self.started > self.settings.run_limit_seconds

    def name(self, text: str) -> None:
        """Tell, once, of something that was left out or waits for a person."""
        self.report.named.append(text)
        logger.warning("%s: %s", self.command, text, extra={"event": "named"})

    def notice(self, text: str) -> None:
        """Tell of something that a person may want to know."""
        self.report.notices.append(text)
        logger.info("%s: %s", self.command, text, extra={"event": "notice"})

    def wait(self, waiting: Waiting, text: str) -> None:
        """Note that something waits for a person, and name it when it is new."""
        if self.state.wait(waiting):
            self.name(text)
            self.owe_sync(waiting.lead_id)

    def stop_waiting(self, lead_ids: Sequence[int], kind: str) -> None:
        """Forget what has been settled."""
        waited = {waiting.lead_id for waiting in self.state.waiting(kind)} & set(lead_ids)
        if waited:
            self.state.stop_waiting(waited, kind)
            for lead_id in waited:
                self.owe_sync(lead_id)

    def end_pick(self, lead_ids: Sequence[int]) -> None:
        """Forget what waits because of the text of a status cell: another text was agreed on, and the next pick is a new one."""
        for kind in TEXT_KINDS:
            self.stop_waiting(lead_ids, kind)

    def owe_sync(self, lead_id: int) -> None:
        """Let the next `pull` renew the cell that says why a row waits, where there is such a column."""
        columns = self.state.get_json("columns") or {}
        if lead_id and "sync" in columns.get("keys", {}).values():
            self.state.owe(lead_id, "sync")
            self.state.put(SYNC_DUE, "yes")
            self.sync_owed.add(lead_id)

    def record(self, entries: Sequence[HistoryEntry]) -> None:
        """Write history: everything that was done to a lead."""
        self.state.record(entries)
