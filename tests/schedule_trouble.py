"""What goes wrong with the runs of a random schedule: faults of both clouds, stops at each kind of step, a wrong clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.sandbox.faults import Exchange, Fault, Faulty, Killed, Manner
from amo2gsheet.state import RunLock, StateStore
from tests.schedule_checks import check_moves
from tests.schedule_people import People
from tests.schedule_sight import see
from tests.world import RunClock, World, is_cell_write, is_move

FAULTS: tuple[Callable[[bool], Fault], ...] = (
    lambda is_amo: Fault(Manner.REFUSED, answers.json_500_amo() if is_amo else answers.json_503()),
    lambda is_amo: Fault(Manner.FAILED_AFTER, answers.html_502() if is_amo else answers.json_500()),
    lambda is_amo: Fault(Manner.REFUSED, answers.html_504()),
    lambda is_amo: Fault(Manner.REFUSED, answers.html_429() if is_amo else answers.json_429_google()),
    lambda is_amo: Fault(Manner.CUT_BEFORE),
    lambda is_amo: Fault(Manner.CUT_AFTER),
    lambda is_amo: Fault(Manner.CUT_SHORT),
    lambda is_amo: Fault(Manner.TIMEOUT_BEFORE),
    lambda is_amo: Fault(Manner.TIMEOUT_AFTER),
    lambda is_amo: Fault(Manner.SLOW, seconds=20),
    lambda is_amo: Fault(Manner.LATE, after=1),
    lambda is_amo: Fault(Manner.LATE, after=4),
    lambda is_amo: Fault(Manner.LATE, after=9),
    lambda is_amo: Fault(Manner.KILL_BEFORE),
    lambda is_amo: Fault(Manner.KILL_AFTER),
)

LANDED_SECONDS = 150
"""A cloud gives a request up after three minutes: what is to land late has landed by then."""


class MachineClock(RunClock):
    """The clock of the machine that runs the program, put forward and back; the clouds keep the right time."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.offset = 0.0

    def time(self) -> float:
        return super().time() + self.offset


class Stop:
    """One process: dead from the moment on at which it is stopped, and then nothing of it is committed or put in place."""

    def __init__(self, countdown: int | None = None) -> None:
        self.is_dead = False
        self._countdown = countdown

    def on_step(self, _name: str) -> None:
        """Called around each commit and each replacement of a file."""
        if self.is_dead:
            raise Killed
        if self._countdown is not None:
            self._countdown -= 1
            if self._countdown <= 0:
                self.is_dead = True
                raise Killed


class Watched:
    """Sheets, but told of each write which values people left in its cells after it was sent: that moment is Google's."""

    def __init__(self, cloud: Cloud, people: People) -> None:
        self._cloud = cloud
        self._people = people
        self.sent_after: dict[int, int] = {}

    def answer(self, request: Request) -> Answer:
        """Answer as the cloud does."""
        if not is_cell_write(request):
            return self._cloud.answer(request)
        before = see(self._people.tab)
        answer = self._cloud.answer(request)
        after = see(self._people.tab)
        if before is not None and after is not None:
            left = self._people.left
            for (lead_id, kind), (act, _) in left.by_person.items():
                old, new = before.cells.get(lead_id), after.cells.get(lead_id)
                is_hit = old is not None and new is not None and old[kind] != new[kind]
                if is_hit and act > self.sent_after.get(id(request), 0):
                    left.demands.pop((lead_id, kind), None)
                    if kind == "note":
                        left.notes[lead_id] = after.cells[lead_id][kind]
            for number, (former, _) in before.rows.items():
                if number in after.rows and after.rows[number][0] != former:
                    left.rename(former, *after.rows[number])
        return answer


@dataclass(frozen=True, slots=True)
class Troubles:
    """How likely a request goes wrong, somebody acts before a request or a write, or another run begins there.

    From so many requests on the cloud is out.
    """

    faults: float = 0
    hands: float = 0
    hands_at_writes: float = 0
    second_runs: float = 0
    outage_after: int | None = None


class Trouble:
    """Arms the wires of a world for one run after another, which may lie within each other."""

    def __init__(self, world: World, people: People, chance: random.Random, say: Callable[[str], None]) -> None:
        self.world = world
        self.people = people
        self.random = chance
        self.say = say
        self.stops: list[Stop] = []
        self.count = 0
        self.second_run: Callable[[bool], None] = lambda _is_locked: None
        self.watched = Watched(world.sheets, people)
        world.sheets_wire.cloud = self.watched
        self._last_request: dict[int, float] = {}
        for wire in self._wires:
            wire.on_kill = self._on_kill

    @property
    def _wires(self) -> tuple[Faulty, Faulty]:
        return self.world.amo_wire, self.world.sheets_wire

    def on_step(self, name: str) -> None:
        """A step of the run that is under way."""
        if self.stops:
            self.stops[-1].on_step(name)

    def _on_kill(self, _exchange: Exchange) -> None:
        if self.stops:
            self.stops[-1].is_dead = True
        raise Killed

    def begin(self, *, is_quiet: bool) -> None:
        """A run begins. What the last one sent has landed by now; unless it is quiet something may go wrong with this one."""
        if not self.stops:
            self.land()
            # A read may lag behind a write for a moment, but not until the next run: forget what it would have shown.
            self.world.sheets.restore(self.world.sheets.snapshot())
        self.count += 1
        countdown = self.random.randint(1, 40) if not is_quiet and self.random.random() < 0.15 else None
        self.stops.append(Stop(countdown))
        if len(self.stops) == 1:
            for wire, is_amo in zip(self._wires, (True, False), strict=True):
                self._arm_wire(wire, is_amo, self._troubles() if not is_quiet else Troubles())

    def end(self) -> None:
        """The run is over, or its process dead."""
        self.stops.pop()
        if not self.stops:
            for wire in self._wires:
                wire.rule = None
                wire.before_each = None
                if self.random.random() < 0.5:
                    wire.land()

    def land(self) -> None:
        """Everything that was still under way is carried out."""
        for wire in self._wires:
            wire.land()

    def _troubles(self) -> Troubles:
        choose = self.random.choice
        outage_after = self.random.randint(1, 12) if self.random.random() < 0.1 else None
        return Troubles(
            choose([0, 0, 0.1, 0.3, 0.6]), choose([0, 0, 0.15, 0.4]), choose([0, 0.5, 1]), choose([0, 0, 0, 0.1]), outage_after
        )

    def _arm_wire(self, wire: Faulty, is_amo: bool, troubles: Troubles) -> None:
        begun_at = wire.count

        def rule(number: int, request: Request) -> Fault | None:
            is_out = troubles.outage_after is not None and number > begun_at + troubles.outage_after
            if request.path == "/token" or not (is_out or self.random.random() < troubles.faults):
                return None
            fault = self.random.choice(FAULTS)(is_amo)
            self.say(f"    # {request.method} {request.path[-40:]} {fault.manner.value}")
            return fault

        def before(_number: int, request: Request) -> None:
            self._land_in_time(wire)
            if is_cell_write(request):
                self.watched.sent_after[id(request)] = self.people.left.acts
            is_write = request.method != "GET" and request.path != "/token"
            if self.random.random() < (troubles.hands_at_writes if is_write else troubles.hands):
                self._act(is_writing=is_write and not is_amo)
            if is_move(request):
                check_moves(self.people, request)
            if self.random.random() < troubles.second_runs:
                self.second_run(True)

        wire.rule = rule
        wire.before_each = before

    def _act(self, *, is_writing: bool) -> None:
        """Somebody acts; right before a write to the sheet often in its way."""
        if is_writing and self.random.random() < 0.5:
            self.people.stir()
        else:
            self.people.act()

    def _land_in_time(self, wire: Faulty) -> None:
        if self.world.clock.monotonic() - self._last_request.get(id(wire), 0) > LANDED_SECONDS:
            wire.land()
        self._last_request[id(wire)] = self.world.clock.monotonic()

    # --- what the program is given instead of its own ---

    def opened(self, real_open: Callable[..., StateStore], note_run: Callable[[int], None]) -> Callable[..., StateStore]:
        """`StateStore.open` whose state is stopped with its run, and tells its number."""

        def open_state(path: Path, clock: object, **named: object) -> StateStore:
            state = real_open(path, clock, **named)
            state.on_step = self.stops[-1].on_step if self.stops else None
            real_begin = state.begin_run

            def begin_run(command: str, *, is_dry: bool = False) -> int:
                number = real_begin(command, is_dry=is_dry)
                note_run(number)
                return number

            state.begin_run = begin_run  # type: ignore[method-assign]
            return state

        return open_state

    def lock(self) -> type[RunLock]:
        """`RunLock` that lets a second run in wherever it is given up."""
        trouble = self

        class OpenLock(RunLock):
            def release(self) -> None:
                was_held = self.is_held
                super().release()
                is_free = was_held and trouble.stops and not trouble.stops[-1].is_dead
                if is_free and trouble.random.random() < 0.3:
                    trouble.second_run(False)

        return OpenLock
