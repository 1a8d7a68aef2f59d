"""One scenario's world, put back to its beginning again and again, with a run in it that can be cut at each of its steps.

A step is a request to one of the clouds, a commit of the state (before, after) or a file put in place of another (before, after).
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.model import Base
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.amo import AmoSnapshot
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Exchange, Fault, Faulty, Killed, Manner, Rule
from amo2gsheet.sandbox.sheets import Snapshot
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.state import StateStore
from amo2gsheet.sync import desk
from amo2gsheet.sync.rows import ROWS_PER_INSERT
from amo2gsheet.sync.settle import LATE_SECONDS
from tests.world import World

FAST_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A file system in memory: what is synced to disk is not the point here."""

KILL = "kill"
"""The one manner of a step on this machine: the process is gone."""

MANNERS: Mapping[str, Callable[[bool], Fault]] = {
    "kill-before": lambda is_amo: Fault(Manner.KILL_BEFORE),
    "kill-after": lambda is_amo: Fault(Manner.KILL_AFTER),
    "cut-before": lambda is_amo: Fault(Manner.CUT_BEFORE),
    "cut-after": lambda is_amo: Fault(Manner.CUT_AFTER),
    "cut-short": lambda is_amo: Fault(Manner.CUT_SHORT),
    "timeout-before": lambda is_amo: Fault(Manner.TIMEOUT_BEFORE),
    "timeout-after": lambda is_amo: Fault(Manner.TIMEOUT_AFTER),
    "late": lambda is_amo: Fault(Manner.LATE),
    "late-4": lambda is_amo: Fault(Manner.LATE, after=4),
    "late-9": lambda is_amo: Fault(Manner.LATE, after=9),
    "429": lambda is_amo: Fault(Manner.REFUSED, answers.html_429() if is_amo else answers.json_429_google()),
    "500": lambda is_amo: Fault(Manner.REFUSED, answers.json_500_amo() if is_amo else answers.json_500()),
    "502-after": lambda is_amo: Fault(Manner.FAILED_AFTER, answers.html_502()),
}
"""How a request goes wrong, by name; the flag says that it is one to amoCRM."""

WELL = frozenset({ExitCode.DONE, ExitCode.PARTIAL})
"""How a run may end that nothing went wrong in; one that was cut may also give up on a cloud."""

RECOVERY = ("pull", "push", "pull")
"""The ordinary runs after the cut one; before the last of them so much time passes that nothing can land late any more."""

ONLY_AFTER_A_STRAY = "put right"
"""What the history tells of a repair: whether a value strayed at all depends on where the run was cut."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What stands before the run that is cut, which run that is, and who acts meanwhile.

    `prepare` makes that state in a new world. `act` is a person's hand right before the first Sheets request of which `moment` is
    true, in whichever run that is. `rows_per_insert` makes the chunks of new rows so small.
    """

    prepare: Callable[[Bench], None]
    command: str = "pull"
    settings: Mapping[str, str] = field(default_factory=dict)
    moment: Callable[[Request], bool] | None = None
    act: Callable[[World], object] = lambda _world: None
    rows_per_insert: int = ROWS_PER_INSERT


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a run is stopped: the number of the step, from 1, and the manner."""

    step: int
    manner: str


@dataclass(frozen=True, slots=True)
class End:
    """What everything came to: the sheet, the account, and what the state holds of both.

    The sheet is shown with its looks unless somebody acts during the run: the formats of rows that were inserted under headers
    just moved stay where they fell.
    """

    sheet: Mapping[object, object]
    stages: Mapping[int, tuple[int, int]]
    moves: Sequence[object]
    bases: Mapping[int, Base]
    waiting: frozenset[tuple[int, str, str, str]]
    journal: Sequence[object]
    history: Mapping[tuple[int, str, str, str, str], int]

    def differences(self, other: End) -> list[str]:
        """What another end has else than this one."""
        found = []
        for name in self.__dataclass_fields__:
            wanted, there = getattr(self, name), getattr(other, name)
            if isinstance(wanted, Mapping):
                keys = [key for key in {**wanted, **there} if wanted.get(key) != there.get(key)]
                found += [f"{name} {key}: {there.get(key)}, not {wanted.get(key)}" for key in keys]
            elif isinstance(wanted, frozenset):
                found += [f"{name}: {entry} is missing" for entry in wanted - there]
                found += [f"{name}: {entry} is too many" for entry in there - wanted]
            elif wanted != there:
                found.append(f"{name}: {there}, not {wanted}")
        return found


class BrokenError(AssertionError):
    """A run ended as it may not, or the sides did not come to the end that they should."""


class Cutter:
    """Counts the steps of a run and lets one of them go wrong. A dead run takes no further step."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.cut: Cut | None = None
        self.is_dead = False

    def arm(self, cut: Cut | None = None) -> None:
        """Begin to count anew."""
        self.steps = []
        self.cut = cut
        self.is_dead = False

    def on_step(self, name: str) -> None:
        """Take a step on this machine."""
        if self._count(name):
            self.is_dead = True
            raise Killed

    def rule(self, cloud: str) -> Rule:
        """What goes wrong with the requests to one cloud, "amo" or "sheets"."""

        def rule(_number: int, request: Request) -> Fault | None:
            is_cut = self._count(f"{cloud} {request.method} {request.path}")
            return MANNERS[self.cut.manner](cloud == "amo") if is_cut and self.cut else None

        return rule

    def on_kill(self, _exchange: Exchange) -> None:
        """The process died at a request."""
        self.is_dead = True
        raise Killed

    def _count(self, name: str) -> bool:
        if self.is_dead:
            raise Killed
        self.steps.append(name)
        return self.cut is not None and self.cut.step == len(self.steps)


@dataclass(frozen=True, slots=True)
class _Beginning:
    amo: AmoSnapshot
    sheets: Snapshot
    files: Mapping[str, bytes]
    seconds: float


class Bench:
    """A scenario's world, made once. `leads` is for the scenario to remember whom it speaks of."""

    def __init__(self, scenario: Scenario, folder: Path, cutter: Cutter) -> None:
        self.scenario = scenario
        self.cutter = cutter
        self.leads: list[int] = []
        self.say: Callable[[str], object] = lambda _text: None
        self.world = World(folder, **scenario.settings)
        self.world.sheets.knobs.quota = "off"
        self.world.amo.knobs.block_after = None
        for wire, cloud in self._wires.items():
            wire.rule = cutter.rule(cloud)
            wire.on_kill = cutter.on_kill
        scenario.prepare(self)
        self._beginning = self._note_beginning()

    @property
    def _wires(self) -> dict[Faulty, str]:
        return {self.world.amo_wire: "amo", self.world.sheets_wire: "sheets"}

    def stop(self, command: str, rule: Rule) -> None:
        """A run of the past that something went wrong with, at whichever cloud the rule speaks of."""
        self.cutter.arm()
        for wire in self._wires:
            wire.rule = rule
        try:
            getattr(self.world, command)()
        except (Killed, AmoGsheetError):
            pass
        finally:
            self.cutter.arm()
            for wire, cloud in self._wires.items():
                wire.rule = self.cutter.rule(cloud)

    # --- back to the beginning ---

    def _note_beginning(self) -> _Beginning:
        world = self.world
        files = {path.name: path.read_bytes() for path in world.folder.iterdir()}
        return _Beginning(world.amo.snapshot(), world.sheets.snapshot(), files, world.clock.monotonic())

    def _go_back(self) -> None:
        world, beginning = self.world, self._beginning
        self._land()
        for wire in self._wires:
            wire.log.clear()
            wire.before_each = None
        world.amo.restore(beginning.amo)
        world.sheets.restore(beginning.sheets)
        world.sheets.seen.clear()
        world.clock._passed = beginning.seconds
        for path in world.folder.iterdir():
            if path.name not in beginning.files:
                path.unlink()
        for name, contents in beginning.files.items():
            (world.folder / name).write_bytes(contents)

    def _land(self) -> None:
        """A cloud carries a request out within minutes or never."""
        for wire in self._wires:
            wire.land()

    # --- playing ---

    def play(self, cuts: Sequence[Cut] = ()) -> tuple[End, list[str]]:
        """Play the scenario from its beginning, its first runs cut; return the end, and the steps of the first run.

        Raises:
            BrokenError: a run ended as it may not, or the sides do not come to rest.
        """
        self._go_back()
        scenario, world = self.scenario, self.world
        if scenario.moment is not None:
            world.once(world.sheets_wire, scenario.moment, lambda: scenario.act(world))
        steps: list[list[str]] = []
        for number, command in enumerate((scenario.command, *RECOVERY)):
            if number == len(RECOVERY):
                self._land()
                world.clock.advance(LATE_SECONDS)
            self._run(command, cuts[number] if number < len(cuts) else None)
            steps.append(self.cutter.steps)
        if scenario.moment is not None and world.sheets_wire.before_each is not None:
            raise BrokenError("the request before which somebody wanted to act never came")
        end = self._end()
        self._check_rest()
        return end, steps[0]

    def _run(self, command: str, cut: Cut | None = None) -> list[str]:
        """One run; return what it changed or named."""
        self.cutter.arm(cut)
        self.say(command if cut is None else f"{command}, {cut.manner} at step {cut.step}")
        try:
            outcome: Outcome = getattr(self.world, command)()
        except Killed:
            self.say("  was killed")
            return []
        except AmoGsheetError as error:
            code, told = error.exit_code, [error.message]
        else:
            code, told = outcome.exit_code, [*outcome.report.plan, *outcome.report.named]
        for line in told:
            self.say(f"    {line}")
        self.say(f"  ended with {code!r}")
        if code not in (WELL if cut is None else {*WELL, ExitCode.UNAVAILABLE}):
            raise BrokenError(f"{command} ended with {code!r}: {told}")
        return told

    def _check_rest(self) -> None:
        world = self.world
        before = (world.sheet_writes(), world.patches())
        for command in ("push", "pull"):
            told = self._run(command)
            if told or before != (world.sheet_writes(), world.patches()):
                raise BrokenError(f"{command} at rest wrote, or had to tell something: {told}")

    def _end(self) -> End:
        world = self.world
        events = [event for event in world.account.events if event.type == "lead_status_changed"]
        with world.state() as state:
            leads = state.all_lead_ids()
            history = [entry for lead_id in leads for entry in state.history(lead_id) if entry.kind != ONLY_AFTER_A_STRAY]
            return End(
                sheet=_shown(world.person.tab, with_looks=self.scenario.moment is None),
                stages={lead.id: lead.stage for lead in world.account.leads.current.values()},
                moves=[(event.entity_id, event.value_before, event.value_after) for event in events],
                bases=state.bases(leads),
                waiting=frozenset((one.lead_id, one.kind, one.detail, one.key) for one in state.waiting()),
                journal=[*state.open_intents(), *state.owed().items()],
                history=Counter((one.lead_id, one.kind, one.column, str(one.old), str(one.new)) for one in history),
            )


def _shown(tab: Tab, *, with_looks: bool) -> dict[object, object]:
    """(row, column) → what a cell holds and how it looks, and what lies over the tab's ranges."""
    shown: dict[object, object] = {
        "layers": tab.layers,
        "merges": tab.merges,
        "properties": tab.properties,
        "conditional formats": tab.conditional_formats,
    }
    for row_number, row in enumerate(tab.rows, 1):
        if row.values or row.looks:
            looks = row.looks if with_looks else {}
            cells = zip_longest(range(1, len(tab.columns) + 1), row.values, map(looks.get, tab.columns))
            shown |= {(row_number, number): (value, look) for number, value, look in cells if (value, look) != (None, None)}
    return shown


@contextmanager
def bench_of(scenario: Scenario) -> Iterator[Bench]:
    """The scenario's world in a folder of its own, with every step of its runs counted."""
    real_open, real_replace = StateStore.open, Path.replace
    cutter = Cutter()

    def opened(path: Path, clock: Any, **named: Any) -> StateStore:
        state = real_open(path, clock, **named)
        state.on_step = cutter.on_step
        return state

    def replaced(self: Path, target: Path) -> Path:
        cutter.on_step(f"before {target.name} is replaced")
        result = real_replace(self, target)
        cutter.on_step(f"after {target.name} is replaced")
        return result

    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateStore, "open", opened)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(desk, "ROWS_PER_INSERT", scenario.rows_per_insert)
        yield Bench(scenario, Path(folder), cutter)
