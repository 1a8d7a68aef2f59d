"""One scenario's world, put back to its beginning again and again, with runs in it that can be cut at each of their steps."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox.amo import AmoSnapshot
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Faulty, Killed, Rule
from amo2gsheet.sandbox.sheets import Snapshot
from amo2gsheet.sandbox.transport import mount
from amo2gsheet.state import StateStore
from amo2gsheet.sync import desk
from amo2gsheet.sync.rows import ROWS_PER_INSERT
from amo2gsheet.sync.settle import LATE_SECONDS
from tests.stop_end import End, end_of, traces_of
from tests.stop_manners import Cut, Cutter
from tests.world import World

FAST_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A file system in memory: what is synced to disk is not the point here."""

BLANK_ROWS, GRID_ROWS = 1000, 60
"""Rows of a new tab, and how many are left of them here: the rest would only take time."""

WELL = frozenset({ExitCode.DONE, ExitCode.PARTIAL})
"""How a run may end that nothing went wrong in; one that was cut may also give up on a cloud."""

RECOVERY = ("pull", "push", "pull")
"""The ordinary runs after the cut one; before the last of them so much time passes that nothing can land late any more."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What stands before the run that is cut, which run that is, and who acts meanwhile.

    `prepare` makes that state in a new world. `command` is what is run, as it is typed; a person who types `--force` or `--full`
    and sees the run die types it again, before the timers' runs. `act` is a person's hand right before the first request to
    `cloud` of which `moment` is true, in whichever run that is. `rows_per_insert` makes the chunks of new rows so small.
    `also_well` is how a run may end besides; `logs_in_again` says that a lost token pair may cost a login, and nothing else.
    """

    prepare: Callable[[Bench], None]
    command: str = "pull"
    settings: Mapping[str, str] = field(default_factory=dict)
    moment: Callable[[Request], bool] | None = None
    act: Callable[[World], object] = lambda _world: None
    cloud: str = "sheets"
    rows_per_insert: int = ROWS_PER_INSERT
    also_well: frozenset[ExitCode] = frozenset()
    logs_in_again: Callable[[World], None] | None = None

    @property
    def commands(self) -> Sequence[str]:
        """The run that is cut, and those after it."""
        is_typed = "--" in self.command
        return (self.command, *([self.command] if is_typed else []), *RECOVERY)


class BrokenError(AssertionError):
    """A run ended as it may not, or the sides did not come to the end that they should."""


class QuickSession(requests.Session):
    """A session without what the tool never uses: settings merged in, hooks, cookies, redirects. Half as slow."""

    def request(self, method: str | bytes, url: str | bytes, *_rest: Any, **asked: Any) -> requests.Response:
        """Send one request; the body is read to its end, as `requests` does."""
        prepared = requests.PreparedRequest()
        wanted = {name: asked.get(name) for name in ("params", "data", "json", "auth")}
        prepared.prepare(str(method).upper(), str(url), headers={**self.headers, **asked.get("headers", {})}, **wanted)
        response = self.get_adapter(str(url)).send(prepared, timeout=asked.get("timeout"))
        response.content  # noqa: B018 - an answer cut short breaks off here
        return response


@dataclass(frozen=True, slots=True)
class _Beginning:
    amo: AmoSnapshot
    sheets: Snapshot
    tokens: Mapping[str, Any]
    files: Mapping[str, bytes]
    seconds: float


@dataclass(frozen=True, slots=True)
class Played:
    """How a scenario went: its end, the steps of each run up to the recovery's last, and what the uncut ones wrote."""

    end: End
    steps: Sequence[Sequence[str]]
    written: Sequence[Sequence[str]]


class Bench:
    """A scenario's world, made once. `leads` is for the scenario to remember whom it speaks of."""

    def __init__(self, scenario: Scenario, world: World, cutter: Cutter) -> None:
        self.scenario = scenario
        self.cutter = cutter
        self.leads: list[int] = []
        self.say: Callable[[str], object] = lambda _text: None
        self.world = world
        self.world.outside = replace(self.world.outside, new_session=self._new_session)
        self.world.sheets.knobs.quota = "off"
        self.world.person.delete_rows(GRID_ROWS + 1, BLANK_ROWS - GRID_ROWS)
        self.world.amo.knobs.block_after = None
        self.watch()
        scenario.prepare(self)
        self._beginning = self._note_beginning()

    @property
    def wires(self) -> dict[str, Faulty]:
        """The clouds by name."""
        return {"amo": self.world.amo_wire, "sheets": self.world.sheets_wire}

    def stop(self, command: str, rule: Rule) -> None:
        """A run of the past that something went wrong with, at whichever cloud the rule speaks of."""
        self.cutter.arm()
        for wire in self.wires.values():
            wire.rule = rule
        try:
            self._start(command)
        except (Killed, AmoGsheetError):
            pass
        finally:
            self.cutter.arm()
            self.watch()

    def watch(self) -> None:
        """Let the cutter count the requests to both clouds, and decide what becomes of them."""
        for cloud, wire in self.wires.items():
            wire.rule = self.cutter.rule(cloud)
            wire.on_kill = self.cutter.on_kill

    def _new_session(self) -> requests.Session:
        session = QuickSession()
        world = self.world
        mount(session, {world.amo_url: world.amo_wire, world.sheets_url: world.sheets_wire})
        return session

    # --- back to the beginning ---

    def _note_beginning(self) -> _Beginning:
        world = self.world
        files = {path.name: path.read_bytes() for path in world.folder.iterdir()}
        tokens = dict(world.sheets.tokens.given)
        return _Beginning(world.amo.snapshot(), world.sheets.snapshot(), tokens, files, world.clock.monotonic())

    def go_back(self) -> None:
        """Make everything as it was when the scenario was prepared."""
        world, beginning = self.world, self._beginning
        self._land()
        for wire in self.wires.values():
            wire.log.clear()
            wire.before_each = None
        world.amo.restore(beginning.amo)
        world.sheets.restore(beginning.sheets)
        world.sheets.tokens.given = dict(beginning.tokens)
        world.sheets.seen.clear()
        world.clock._passed = beginning.seconds
        for path in world.folder.iterdir():
            if path.name not in beginning.files:
                os.unlink(path)
        for name, contents in beginning.files.items():
            (world.folder / name).write_bytes(contents)
        scenario = self.scenario
        if scenario.moment is not None:
            world.once(self.wires[scenario.cloud], scenario.moment, lambda: scenario.act(world))

    def _land(self) -> None:
        """A cloud carries a request out within minutes or never."""
        for wire in self.wires.values():
            wire.land()

    # --- playing ---

    def play(self, cuts: Sequence[Cut] = (), *, is_traced: bool = False) -> Played:
        """Play the scenario from its beginning, its first runs cut; `is_traced` finds out what each run wrote.

        Raises:
            BrokenError: a run ended as it may not, or the sides do not come to rest.
        """
        self.go_back()
        steps, written = [], []
        commands = self.scenario.commands
        for number, command in enumerate(commands):
            if number == len(commands) - 1:
                self._land()
                self.world.clock.advance(LATE_SECONDS)
            before = traces_of(self.world) if is_traced else None
            self.run(command, cuts[number] if number < len(cuts) else None)
            steps.append(self.cutter.steps)
            written.append(traces_of(self.world).told_from(before) if before else [])
        if self.scenario.moment is not None and self.wires[self.scenario.cloud].before_each is not None:
            raise BrokenError("the request before which somebody wanted to act never came")
        end = end_of(self.world, with_looks=self.scenario.moment is None)
        self._check_rest()
        return Played(end, steps, written)

    def run(self, command: str, cut: Cut | None = None) -> list[str]:
        """One run; return what it changed or named."""
        self.cutter.arm(cut)
        self.say(command if cut is None else f"{command}, {cut.manner} at step {cut.step}")
        try:
            code, told = self.ended(command)
        except Killed:
            self.say("  was killed")
            return []
        for line in told:
            self.say(f"    {line}")
        self.say(f"  ended with {code!r}")
        if code is ExitCode.LOGIN and self.scenario.logs_in_again is not None:
            self.scenario.logs_in_again(self.world)
            return [] if cut else self.run(command)
        if code not in {*WELL, *self.scenario.also_well, *([ExitCode.UNAVAILABLE] if cut else [])}:
            raise BrokenError(f"{command} ended with {code!r}: {told}")
        return told

    def ended(self, command: str) -> tuple[ExitCode, list[str]]:
        """Carry one command out; return how it ended, and what it told.

        Raises:
            Killed: it did not come to its end.
        """
        try:
            outcome = self._start(command)
        except AmoGsheetError as error:
            return error.exit_code, [error.message]
        return outcome.exit_code, [*outcome.report.plan, *outcome.report.named]

    def _start(self, command: str) -> Outcome:
        name, *switches = command.split()
        outcome: Outcome = getattr(self.world, name)(**{switch.removeprefix("--"): True for switch in switches})
        return outcome

    def _check_rest(self) -> None:
        world = self.world
        before = (world.sheet_writes(), world.patches())
        for command in ("push", "pull"):
            told = self.run(command)
            if told or before != (world.sheet_writes(), world.patches()):
                raise BrokenError(f"{command} at rest wrote, or had to tell something: {told}")


@contextmanager
def bench_of(scenario: Scenario, bench: type[Bench] = Bench, world: type[World] = World) -> Iterator[Bench]:
    """The scenario's world in a folder of its own, with every step of its runs counted."""
    cutter = Cutter()
    # What is loaded by now stays; to look through it again and again for what can be freed would take a tenth of the time.
    gc.freeze()
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder, counted(cutter.on_step), pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "ROWS_PER_INSERT", scenario.rows_per_insert)
        yield bench(scenario, world(Path(folder), **scenario.settings), cutter)


@contextmanager
def counted(on_step: Callable[[str], None]) -> Iterator[None]:
    """Tell of every commit of a state and of every file put in place, renamed or deleted, before it and after it."""
    real_open, real_replace, real_rename, real_unlink = StateStore.open, Path.replace, Path.rename, Path.unlink

    def opened(path: Path, clock: Any, **named: Any) -> StateStore:
        state = real_open(path, clock, **named)
        state.on_step = on_step
        return state

    def replaced(self: Path, target: Path) -> Path:
        on_step(f"before {target.name} is replaced")
        result = real_replace(self, target)
        on_step(f"after {target.name} is replaced")
        return result

    def renamed(self: Path, target: Path) -> Path:
        on_step(f"before {self.name} is renamed")
        result = real_rename(self, target)
        on_step(f"after {self.name} is renamed")
        return result

    def unlinked(self: Path, missing_ok: bool = False) -> None:
        is_there = self.exists()
        if is_there:
            on_step(f"before {self.name} is deleted")
        real_unlink(self, missing_ok)
        if is_there:
            on_step(f"after {self.name} is deleted")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateStore, "open", opened)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "rename", renamed)
        patch.setattr(Path, "unlink", unlinked)
        yield
