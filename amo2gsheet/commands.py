"""One short function per command: settings and options in, an outcome out. Prints nothing."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.amo.oauth import Login
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.health_heartbeat import Heartbeat
from amo2gsheet.model import Mark
from amo2gsheet.output_logs import bind
from amo2gsheet.output_secrets import register_secret
from amo2gsheet.retry import Clock, SystemClock
from amo2gsheet.state import RunLock, StateStore
from amo2gsheet.sync.run import Report, Run

if TYPE_CHECKING:
    from amo2gsheet.config import Settings
    from amo2gsheet.sheet.adapter import GoogleSheet

logger = logging.getLogger(__name__)

SIGNAL_CODES = 128
"""A process that a signal ended is said to end with this and the signal's number."""

OLD_STATE_NAME = ".sync_state.json"
GOOGLE_TOKEN_SUFFIX = ".google"
WRITES_SHOWN = "writes_shown"
"""Under this name the state keeps what is known of the answers to writes, as `GoogleSheet` says."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What a command needs of the machine: clock, the machine's name, HTTP sessions (None: ordinary ones)."""

    clock: Clock
    host: str
    new_session: Callable[[], Any] | None = None

    @classmethod
    def real(cls) -> Outside:
        """The machine itself."""
        return cls(SystemClock(), socket.gethostname())


@dataclass(frozen=True, slots=True)
class Options:
    """The switches of `pull` and `push`."""

    is_full: bool = False
    is_dry: bool = False
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a `pull` or `push` ended: its report, the requests it made, and how long it took."""

    command: str
    report: Report
    amo_requests: int
    sheet_requests: int
    seconds: float
    is_dry: bool
    quota_refusals: int = 0

    @property
    def exit_code(self) -> ExitCode:
        """The code that the process ends with."""
        return self.report.exit_code

    @property
    def counts(self) -> dict[str, int]:
        """The figures of the summary line, as `--json` and the state give them."""
        report = self.report
        return {
            "leads_read": report.leads_read,
            "cells": report.cells,
            "rows": report.rows,
            "new_rows": report.new_rows,
            "moves": report.moves,
            "conflicts": report.conflicts,
            "drifted": report.drifted,
            "amo_requests": self.amo_requests,
            "sheet_requests": self.sheet_requests,
            "quota_refusals": self.quota_refusals,
        }


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told on the way: that the run waits for another one, and how long work goes on (count more, of how many).

    `on_end` is told how far a run came, also one that failed on its way.
    """

    on_wait: Callable[[], None] | None = None
    on_progress: Callable[[int, int | None], None] = lambda count, total: None
    on_end: Callable[[Outcome], None] = lambda outcome: None


NOBODY = Watcher()


def run_pull(settings: Settings, options: Options, outside: Outside, watcher: Watcher = NOBODY) -> Outcome:
    """amoCRM → sheet."""
    # Only now: each command loads its own half of the program.
    from amo2gsheet.sync.pull import pull

    return _run("pull", pull, settings, options, outside, watcher)


def run_push(settings: Settings, options: Options, outside: Outside, watcher: Watcher = NOBODY) -> Outcome:
    """Sheet → amoCRM."""
    # Only now: see above.
    from amo2gsheet.sync.push import push

    return _run("push", push, settings, options, outside, watcher)


class LateSheet:
    """The spreadsheet, opened when a run first needs it; its counts are 0 until then.

    `is_write_shown` is what is known of the answers to writes, as `GoogleSheet` says.
    """

    def __init__(self, settings: Settings, outside: Outside, *, is_write_shown: bool = True) -> None:
        self._settings = settings
        self._outside = outside
        self._is_write_shown = is_write_shown
        self._sheet: GoogleSheet | None = None

    def open(self) -> GoogleSheet:
        """The spreadsheet; always the same."""
        if self._sheet is None:
            self._sheet = open_google(self._settings, self._outside, is_write_shown=self._is_write_shown)
        return self._sheet

    @property
    def is_write_shown(self) -> bool:
        """Whether the answers to writes show the rows that were hit."""
        return self._sheet.is_write_shown if self._sheet else self._is_write_shown

    @property
    def request_count(self) -> int:
        """Requests sent so far, token requests not counted."""
        return self._sheet.request_count if self._sheet else 0

    @property
    def quota_refusals(self) -> int:
        """How many of them met a spent quota."""
        return self._sheet.quota_refusals if self._sheet else 0


@dataclass(slots=True)
class _Job:
    """One start of a command. `reached` is how far its work came, None before it began."""

    command: str
    work: Callable[[Run], None]
    settings: Settings
    options: Options
    outside: Outside
    watcher: Watcher
    started: float
    reached: Outcome | None = None

    @property
    def figures(self) -> dict[str, float]:
        """What a monitor is told about the run: counts only."""
        return {} if self.reached is None else {**self.reached.counts, "seconds": round(self.reached.seconds, 1)}


def _run(
    command: str,
    work: Callable[[Run], None],
    settings: Settings,
    options: Options,
    outside: Outside,
    watcher: Watcher,
) -> Outcome:
    """Do the work, and tell the heartbeat's monitor how it ended, whatever happens."""
    job = _Job(command, work, settings, options, outside, watcher, outside.clock.monotonic())
    if options.is_dry:
        with StateStore.open_scratch(settings.state_db, outside.clock) as state:
            return _work(job, state, lambda: None)
    heartbeat = Heartbeat(settings.heartbeat_url, command, **sessions(outside))
    try:
        outcome = _work_alone(job, heartbeat)
    except BaseException as error:
        heartbeat.end(code_of(error), job.figures)
        raise
    # Only now: the state is closed and the lock given up, so nothing of the run can fail any more.
    heartbeat.end(outcome.exit_code, job.figures)
    return outcome


def code_of(error: BaseException) -> ExitCode:
    """The code that the process will end with."""
    if isinstance(error, AmoGsheetError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        # The number of the signal, where it came as one.
        return ExitCode(SIGNAL_CODES + getattr(error, "number", signal.SIGINT))
    return ExitCode.BUG


def _work_alone(job: _Job, heartbeat: Heartbeat) -> Outcome:
    """Take the lock, open the state, do the work."""
    settings, clock = job.settings, job.outside.clock
    lock = RunLock(settings.state_db)
    lock.acquire(settings.lock_wait_seconds, clock, job.watcher.on_wait)
    try:
        heartbeat.start()
        with StateStore.open(settings.state_db, clock) as state:

            def let_in() -> None:
                lock.release()
                lock.acquire(settings.lock_wait_seconds, clock, job.watcher.on_wait)

            return _work(job, state, let_in)
    finally:
        lock.release()


def _work(job: _Job, state: StateStore, let_in: Callable[[], None]) -> Outcome:
    """Do the work, and note in the state how it ended, whatever happens."""
    settings, outside = job.settings, job.outside
    state.bind(settings.amo_base_url, settings.sheet_id)
    filters = state.get("filters")
    amo = open_amo(settings, outside, filters_enabled=None if filters is None else filters == "True")
    run_id = state.begin_run(job.command, is_dry=job.options.is_dry)
    bind(run=run_id)
    sheet = LateSheet(settings, outside, is_write_shown=state.get(WRITES_SHOWN) != str(False))
    run = _new_run(job, run_id, amo, sheet.open, state, let_in)
    code, message = ExitCode.BUG, ""
    try:
        _greet(run)
        job.work(run)
        code = run.report.exit_code
    except BaseException as error:
        code = code_of(error)
        message = error.message if isinstance(error, AmoGsheetError) else ""
        raise
    finally:
        seconds = outside.clock.monotonic() - job.started
        refusals = amo.quota_refusals + sheet.quota_refusals
        requests = (amo.request_count, sheet.request_count)
        job.reached = outcome = Outcome(job.command, run.report, *requests, seconds, job.options.is_dry, refusals)
        job.watcher.on_end(outcome)
        if code != ExitCode.UNUSABLE_STATE:
            if amo.is_filter_kept is not None:
                state.put("filters", str(amo.is_filter_kept))
            if not sheet.is_write_shown:
                state.put(WRITES_SHOWN, str(False))
            state.end_run(run_id, code, outcome.counts, message)
        amo.close()
    return outcome


def _new_run(
    job: _Job,
    run_id: int,
    amo: AmoClient,
    open_sheet: Callable[[], GoogleSheet],
    state: StateStore,
    let_in: Callable[[], None],
) -> Run:
    return Run(
        job.command,
        run_id,
        amo,
        open_sheet,
        state,
        job.settings,
        job.outside.clock,
        Mark(state.state_id, job.outside.host, str(job.settings.state_db)),
        is_dry=job.options.is_dry,
        is_forced=job.options.is_forced,
        is_full=job.options.is_full,
        started=job.started,
        between_chunks=let_in,
        on_progress=job.watcher.on_progress,
    )


def _greet(run: Run) -> None:
    """Take over the old service's state once; tell of a damaged state that was set aside."""
    old = run.settings.state_db.parent / OLD_STATE_NAME
    problem = run.state.take_over(old)
    if problem:
        run.notice(problem)
    if run.state.was_damaged is not None:
        run.name(f"the state file was damaged; it was set aside as {run.state.was_damaged.name} and a new state was begun")


def open_amo(settings: Settings, outside: Outside, *, filters_enabled: bool | None = None) -> AmoClient:
    """The account that the settings name; asks nothing yet. Every token that it learns is struck out of all that is written."""
    return AmoClient(
        settings.amo_base_url,
        Login(
            settings.amo_client_id,
            settings.amo_client_secret,
            settings.amo_redirect_uri,
            settings.long_lived_token,
            settings.old_access_token,
            settings.old_refresh_token,
        ),
        settings.token_store,
        outside.clock,
        delay_seconds=settings.amo_request_delay_seconds,
        **sessions(outside),
        filters_enabled=filters_enabled,
        on_secret=register_secret,
    )


def google_token_path(settings: Settings) -> Path:
    """Where Google's token is kept between runs."""
    return Path(f"{settings.token_store}{GOOGLE_TOKEN_SUFFIX}")


def open_google(settings: Settings, outside: Outside, *, is_write_shown: bool = True) -> GoogleSheet:
    """The spreadsheet that the settings name; asks nothing yet."""
    # Only now: an idle `pull` asks nothing of Google, and does without all that speaks to it.
    from amo2gsheet.sheet.adapter import open_sheet

    return open_sheet(
        settings.sheet_id,
        settings.service_account_file,
        google_token_path(settings),
        clock=outside.clock,
        base_url=settings.sheets_base_url,
        is_write_shown=is_write_shown,
        **sessions(outside),
    )


def sessions(outside: Outside) -> dict[str, Any]:
    """How the clients of both sides make their HTTP sessions, as arguments."""
    return {} if outside.new_session is None else {"new_session": outside.new_session}
