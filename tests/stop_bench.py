"""One scenario's world, put back to its beginning again and again, with runs in it that can be cut at each of their steps."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox.amo import AmoSnapshot
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Exchange, Faulty, Killed, Rule
from amo2gsheet.sandbox.sheets import Snapshot
from amo2gsheet.sandbox.transport import mount
from amo2gsheet.sync import desk
from amo2gsheet.sync.settle import LATE_SECONDS
from tests.stop_end import End, end_of, traces_of
from tests.stop_manners import Cut, Cutter
from tests.stop_steps import counted
from tests.stop_worlds import fingerprint
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
    `cloud` of which `moment` is true, in whichever run that is. `sizes` makes the chunks and batches of `desk` smaller.
    `also_well` is how a run may end besides; `logs_in_again` says that a lost token pair may cost a login, and nothing else.
    """

    prepare: Callable[[Bench], None]
    command: str = "pull"
    settings: Mapping[str, str] = field(default_factory=dict)
    moment: Callable[[Request], bool] | None = None
    act: Callable[[World], object] = lambda _world: None
    cloud: str = "sheets"
    sizes: Mapping[str, int] = field(default_factory=dict)
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
class Moment:
    """A world at one moment, to be gone back to any number of times. `runs` of its scenario are over by then."""

    runs: int
    amo: AmoSnapshot
    sheets: Snapshot
    tokens: tuple[Mapping[str, Any], int]
    files: Mapping[str, bytes]
    seconds: float
    next_key: int
    under_way: Mapping[str, Sequence[tuple[int, Exchange]]]
    is_hand_due: bool


@dataclass(frozen=True, slots=True)
class Played:
    """How a scenario went: its end, the steps of the runs that were cut or watched, and where each of these wrote to."""

    end: End
    steps: Sequence[Sequence[str]]
    written: Sequence[Sequence[str]]


class Bench:
    """A scenario's world, made once. `leads` is for the scenario to remember whom it speaks of.

    `chance` is all that the tool draws from; where it draws from elsewhere too, nothing is repeatable.
    """

    def __init__(self, scenario: Scenario, world: World, cutter: Cutter, chance: Random) -> None:
        self.scenario = scenario
        self.cutter = cutter
        self.leads: list[int] = []
        self.say: Callable[[str], object] = lambda _text: None
        self.world = world
        self.chance = chance
        self.world.outside = replace(self.world.outside, new_session=self._new_session)
        self.world.sheets.knobs.quota = "off"
        self.world.person.delete_rows(GRID_ROWS + 1, BLANK_ROWS - GRID_ROWS)
        self.world.amo.knobs.block_after = None
        self.is_repeatable = True
        self._ends: dict[tuple[int, bytes], End | str] = {}
        self.watch()
        scenario.prepare(self)
        self._beginning = self.note(0)

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

    def note(self, runs: int) -> Moment:
        """Note everything as it is now, after so many runs."""
        world, scenario = self.world, self.scenario
        return Moment(
            runs,
            world.amo.snapshot(),
            world.sheets.snapshot(),
            (dict(world.sheets.tokens.given), world.sheets.tokens.count),
            {path.name: path.read_bytes() for path in world.folder.iterdir()},
            world.clock.monotonic(),
            next(world.person.tab.keys) + 1,
            {name: [(number - wire.count, late) for number, late in wire._late] for name, wire in self.wires.items()},
            scenario.moment is not None and (runs == 0 or self.wires[scenario.cloud].before_each is not None),
        )

    def go_back(self, moment: Moment | None = None) -> None:
        """Make everything as it was then; without a moment, as it was when the scenario was prepared."""
        world, scenario, then = self.world, self.scenario, moment or self._beginning
        for name, wire in self.wires.items():
            wire.log.clear()
            wire.before_each = None
            wire._late = [(wire.count + after, replace(late)) for after, late in then.under_way[name]]
        world.amo.restore(then.amo)
        world.sheets.restore(then.sheets)
        world.sheets.tokens.given, world.sheets.tokens.count = dict(then.tokens[0]), then.tokens[1]
        world.sheets.seen.clear()
        world.clock._passed = then.seconds
        self._leave_nothing_to_chance(then)
        for path in world.folder.iterdir():
            if path.name not in then.files:
                os.unlink(path)
        for name, contents in then.files.items():
            (world.folder / name).write_bytes(contents)
        if then.is_hand_due and scenario.moment is not None:
            world.once(self.wires[scenario.cloud], scenario.moment, lambda: scenario.act(world))

    def _leave_nothing_to_chance(self, then: Moment) -> None:
        """Every play draws the same numbers: the tool's tokens, and what Google calls its new rows and tabs."""
        # Not 0: a scenario's past has drawn those numbers, and no token is ever drawn twice.
        self.chance.seed(then.runs + 1)
        for book in self.world.sheets.books.values():
            book.keys = count(then.next_key)
            for tab in book.tabs:
                tab.keys = book.keys

    def _land(self) -> None:
        """A cloud carries a request out within minutes or never."""
        for wire in self.wires.values():
            wire.land()

    # --- playing ---

    def play(self, cuts: Sequence[Cut | None] = (), *, moment: Moment | None = None, is_traced: bool = False) -> Played:
        """Play the scenario from its beginning or a later moment, its next runs cut (None: watched, and left alone).

        What follows them is played once for each world that they lead to. `is_traced` finds out what each of them wrote.

        Raises:
            BrokenError: a run ended as it may not, or the sides do not come to rest.
        """
        self.go_back(moment)
        done = moment.runs if moment else 0
        steps, written = [], []
        for number, cut in enumerate(cuts, done):
            traces = traces_of(self.world) if is_traced else None
            self._next(number, cut)
            steps.append(self.cutter.steps)
            written.append(traces_of(self.world).told_from(traces) if traces else [])
        return Played(self._known_end(done + len(cuts)), steps, written)

    def after(self, cut: Cut) -> Moment:
        """The moment right after the first run was cut there.

        Raises:
            BrokenError: that run ended as it may not.
        """
        self.go_back()
        self._next(0, cut)
        return self.note(1)

    def forget(self) -> None:
        """Play from now on what follows a cut, though the world was the same before."""
        self._ends.clear()

    def _known_end(self, done: int) -> End:
        """Play what is left of the runs, or remember how that went when the world was the same before."""
        if not self.is_repeatable:
            return self._end(done)
        key = (done, fingerprint(self.world))
        if key not in self._ends:
            try:
                end: End | str = self._end(done)
            except BrokenError as error:
                end = str(error)
            self._ends[key] = next((known for known in self._ends.values() if known == end), end)
        known = self._ends[key]
        if isinstance(known, str):
            raise BrokenError(known)
        return known

    def _end(self, done: int) -> End:
        for number in range(done, len(self.scenario.commands)):
            self._next(number)
        if self.scenario.moment is not None and self.wires[self.scenario.cloud].before_each is not None:
            raise BrokenError("the request before which somebody wanted to act never came")
        end = end_of(self.world, is_disturbed=self.scenario.moment is not None)
        self._check_rest()
        return end

    def _next(self, number: int, cut: Cut | None = None) -> None:
        """The run of that number, from 0; the last one comes when nothing can land late any more."""
        commands = self.scenario.commands
        if number == len(commands) - 1:
            self._land()
            self.world.clock.advance(LATE_SECONDS)
        self.run(commands[number], cut)

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
    cutter, chance = Cutter(), Random(0)
    # What is loaded by now stays; to look through it again and again for what can be freed would take a tenth of the time.
    gc.freeze()
    steps = counted(cutter.on_step, chance.randbytes)
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder, steps, pytest.MonkeyPatch.context() as patch:
        for name, size in scenario.sizes.items():
            patch.setattr(desk, name, size)
        yield bench(scenario, world(Path(folder), **scenario.settings), cutter, chance)
