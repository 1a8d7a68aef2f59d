"""How the runs are: when each command last did its work, what waits for a person, what it all costs.

Reads the state only: no network, no lock. Says nothing by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.health_times import span_text
from amo2gsheet.health_waiting import in_order

if TYPE_CHECKING:
    from amo2gsheet.state import Run, StateStore, Waiting

WATCHED = ("pull", "push")
"""The commands that timers start; `status` fails when one of them does."""

SHOWN = (*WATCHED, "import-xlsx")

DAY_SECONDS = 86_400

FAILURES = frozenset(
    {ExitCode.BUG, ExitCode.UNUSABLE_SHEET, ExitCode.UNUSABLE_STATE, ExitCode.LOGIN, ExitCode.SETTINGS, ExitCode.USAGE}
)
"""What no later run mends by itself. An outage (69), a held lock or a stop count by the age of the last success only."""

NEXT_STEPS: Mapping[int, str] = MappingProxyType(
    {
        ExitCode.BUG: "Report it, with the lines that the run wrote; the next run goes on by itself.",
        ExitCode.USAGE: "Mend the command line that the timer starts; `amo2gsheet {command} --help` shows what there is.",
        ExitCode.UNUSABLE_SHEET: "Start `amo2gsheet {command}` by hand: it says what to do.",
        ExitCode.UNAVAILABLE: "The next run tries again. If it lasts: is this machine online, and is amoCRM paid for?",
        ExitCode.UNUSABLE_STATE: "Start `amo2gsheet {command}` by hand: it says what to do.",
        ExitCode.LOGIN: "Start `amo2gsheet auth`: it says what is refused, and what to do.",
        ExitCode.SETTINGS: "Mend the settings; `amo2gsheet inspect` shows the stages, and settings that fit.",
    }
)
"""Exit code → what a person can do about a run that ended with it."""

_LATE = "Is its timer on? `systemctl list-timers` or `crontab -l` tells; or start `amo2gsheet {command}` by hand."

GRACE_SECONDS = 300.0
"""How long after its limit a run may still be at its last chunk; one that has not ended by then was cut off."""

SOON_SECONDS = 14 * DAY_SECONDS
"""A login that ends within so long is pointed out."""


@dataclass(frozen=True, slots=True)
class Login:
    """How the program logs in to amoCRM. `ends_at`: from when on a person must log in anew, Unix seconds; None: not known.

    `problem` is what is wrong with it, "" where nothing is; `next_step` what a person does then, or near its end.
    """

    kind: str
    ends_at: float | None = None
    problem: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """What counts as too old, and until when a run without an end may still be at work, in seconds."""

    max_age_seconds: float
    run_seconds: float


@dataclass(frozen=True, slots=True)
class CommandHealth:
    """One command. `last` is its newest run that ended; `begun` one that did not, `is_cut_off` if it never will.

    `age_seconds` is the age of the last success; `problem` is "" where all is well.
    """

    command: str
    last: Run | None
    success: Run | None
    begun: Run | None
    is_cut_off: bool
    age_seconds: float | None
    problem: str

    @property
    def next_step(self) -> str:
        """What a person can do about its last run or its silence; "" where there is nothing to do."""
        step = "" if self.last is None or self.last == self.success else NEXT_STEPS.get(self.last.exit_code or 0, "")
        return (step or (_LATE if self.problem else "")).format(command=self.command)


@dataclass(frozen=True, slots=True)
class Cost:
    """The runs of the last 24 hours: how they ended (exit code → how many), requests, and how often a quota was spent."""

    ended: Mapping[int, int] = field(default_factory=dict)
    amo_requests: int = 0
    sheet_requests: int = 0
    quota_refusals: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that `status` tells. `waiting` is by kind, what a person has to do something about first."""

    now: float
    max_age_seconds: float
    commands: Sequence[CommandHealth]
    cost: Mapping[str, Cost]
    waiting: Mapping[str, Sequence[Waiting]]
    unsettled_imports: Mapping[str, int]
    account: str
    spreadsheet: str
    tab: str
    zone: str
    tracked: int
    without_row: int
    not_followed: int
    owed: int
    unsettled_writes: int
    conflicts: int
    conflicts_lately: int
    login: Login
    absence: str = ""

    @property
    def problems(self) -> list[str]:
        """Why the answer is no; empty when all is well. `absence` says that there is no state at all."""
        return [self.absence] if self.absence else [one.problem for one in self.commands if one.problem]

    @property
    def login_step(self) -> str:
        """What a person has to do about the login now; "" where that is nothing."""
        ends_at = self.login.ends_at
        is_due = bool(self.login.problem) or (ends_at is not None and ends_at - self.now < SOON_SECONDS)
        return self.login.next_step if is_due else ""

    @property
    def exit_code(self) -> ExitCode:
        """What `status` ends with."""
        return ExitCode.NEGATIVE if self.problems else ExitCode.DONE


def look(state: StateStore, now: float, patience: Patience, login: Login, *, absence: str = "") -> Health:
    """Read everything that `status` tells from the state, an empty one where there is none (`absence`). Writes nothing."""
    conflicts, lately = state.conflict_counts(now - DAY_SECONDS)
    return Health(
        now=now,
        max_age_seconds=patience.max_age_seconds,
        commands=[_command_health(state, command, now, patience) for command in WATCHED],
        cost=_costs(state, now),
        waiting=_waiting(state),
        unsettled_imports=state.unsettled_imports(),
        account=state.get("account") or "",
        spreadsheet=state.get("spreadsheet") or "",
        tab=state.tab_title or "",
        zone=_zone(state),
        tracked=state.tracked_count(),
        without_row=state.rows_missing(),
        not_followed=state.untracked_elsewhere(),
        owed=state.owed_count(),
        unsettled_writes=len(state.open_intents()),
        conflicts=conflicts,
        conflicts_lately=lately,
        login=login,
        absence=absence,
    )


def _command_health(state: StateStore, command: str, now: float, patience: Patience) -> CommandHealth:
    runs = state.real_runs(command)
    newest = next(runs, None)
    begun = newest if newest is not None and newest.is_cut_off else None
    last = newest if begun is None else next((run for run in runs if not run.is_cut_off), None)
    is_cut_off = begun is not None and not 0 <= now - begun.begun_at <= patience.run_seconds + GRACE_SECONDS
    success = state.last_success(command)
    age_seconds = None if success is None or success.ended_at is None else now - success.ended_at
    if last is not None and last.exit_code in FAILURES:
        problem = f"the last `{command}` failed with exit code {last.exit_code}"
    elif age_seconds is not None:
        problem = _too_old(command, age_seconds, patience)
    elif newest is None:
        problem = _never(state, command, now, patience)
    else:
        is_at_first_work = last is None and not is_cut_off
        problem = "" if is_at_first_work else f"no `{command}` has ended well yet"
    return CommandHealth(command, last, success, begun, is_cut_off, age_seconds, problem)


def _too_old(command: str, age_seconds: float, patience: Patience) -> str:
    """Why the age of the last success is a problem.

    A success of a time to come was noted by a clock that has been put back since: nobody knows its age.
    """
    if age_seconds < 0:
        return f"the last success of `{command}` lies in a time to come: this machine's clock was put back"
    limit = patience.max_age_seconds
    if age_seconds <= limit:
        return ""
    return f"the last success of `{command}` is too old: {span_text(age_seconds)} (at most {span_text(limit)})"


def _never(state: StateStore, command: str, now: float, patience: Patience) -> str:
    """Why it is a problem that a command never ran; "" while its timer may still be about to be set up."""
    first = state.first_run_at()
    is_young = first is not None and 0 <= now - first <= patience.max_age_seconds
    return "" if is_young else f"`{command}` has never run"


def _costs(state: StateStore, now: float) -> dict[str, Cost]:
    ended: dict[str, Counter[int]] = {command: Counter() for command in SHOWN}
    sums: dict[str, Counter[str]] = {command: Counter() for command in SHOWN}
    for run in state.runs_since(now - DAY_SECONDS):
        if run.exit_code is not None and run.command in ended:
            ended[run.command][run.exit_code] += 1
            sums[run.command].update(dict(run.counts))
    return {
        command: Cost(
            dict(sorted(codes.items())),
            sums[command]["amo_requests"],
            sums[command]["sheet_requests"],
            sums[command]["quota_refusals"],
        )
        for command, codes in ended.items()
        if codes or command in WATCHED
    }


def _waiting(state: StateStore) -> dict[str, list[Waiting]]:
    found: dict[str, list[Waiting]] = {}
    for waiting in state.waiting():
        found.setdefault(waiting.kind, []).append(waiting)
    return {kind: found[kind] for kind in in_order(found)}


def _zone(state: StateStore) -> str:
    kept = state.cached("account")
    return str(kept[0].get("zone", "")) if kept else ""
