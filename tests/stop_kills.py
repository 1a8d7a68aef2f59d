"""Kill a real process at a step of a real command over real HTTP, and carry on with further processes to the same end.

`python -m tests.stop_kills [NUMBER [SEED]]` plays so many points; `python -m tests.stop_kills SCENARIO POINT MANNER` replays one.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Exchange, Fault, Killed, Rule
from amo2gsheet.sandbox.server import HOST, SandboxServer
from tests.conftest import REPOSITORY
from tests.stop_bench import FAST_FOLDER, Bench, BrokenError, Scenario, bench_of
from tests.stop_child import WRONG_STEP
from tests.stop_manners import DEADLY, MANNERS, STOPS, Cut, Cutter
from tests.stop_memory import Memory, SharedClock
from tests.stop_scenarios import SCENARIOS
from tests.stops import cuts_at, failure, play_uncut, say
from tests.world import World

SEED = 20_260_401


@dataclass(frozen=True, slots=True)
class Pick:
    """One point chosen at random: its scenario, and how far down the list of that scenario's kills it stands (0 to 1)."""

    name: str
    share: float


def picks(count: int, seed: int = SEED) -> list[Pick]:
    """So many points chosen at random: every scenario in turn, in a random order, and of each any of its kills."""
    chance = random.Random(seed)
    found: list[Pick] = []
    while len(found) < count:
        found += [Pick(name, chance.random()) for name in chance.sample(list(SCENARIOS), len(SCENARIOS))]
    return found[:count]


class Runner:
    """The process that forks a child for each command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AMO_", "GOOGLE_"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stop_child"],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, job: Mapping[str, Any]) -> dict[str, int]:
        """Run one command in a child; return the exit code or the signal that it ended with."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        ended: dict[str, int] = json.loads(self._process.stdout.readline())
        return ended

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()


class KillingCutter(Cutter):
    """Counts the steps in memory that the child shares, and takes the child away at one of its requests."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory

    def arm(self, cut: Cut | None = None) -> None:
        """Begin to count anew."""
        super().arm(cut)
        self.memory.arm(cut.step if cut else 0)

    def rule(self, cloud: str) -> Rule:
        """What goes wrong with the requests to one cloud, "amo" or "sheets"."""

        def rule(_number: int, request: Request) -> Fault | None:
            if not self.memory.count() or self.cut is None:
                return None
            name = f"{cloud} {request.method} {request.path}"
            if self.cut.name not in ("", name):
                raise AssertionError(f"step {self.cut.step} is {name}, not {self.cut.name}")
            if self.cut.manner in DEADLY:
                self._kill()
            return MANNERS[self.cut.manner](cloud == "amo")

        return rule

    def on_kill(self, _exchange: Exchange) -> None:
        """The process dies at a request."""
        self._kill()

    def _kill(self) -> None:
        os.kill(self.memory.process_id, signal.SIGKILL)


class ServedBench(Bench):
    """A scenario whose runs are processes of their own, once it is told so; the clouds stay in this one."""

    runner: Runner | None = None

    def serve(self, runner: Runner, memory: Memory) -> None:
        """From now on every command runs in a child of the runner."""
        self.runner = runner
        self.cutter = KillingCutter(memory)
        self.is_repeatable = False
        self.watch()

    def ended(self, command: str) -> tuple[ExitCode, list[str]]:
        """Carry one command out; return how it ended, and what it told."""
        if self.runner is None:
            return super().ended(command)
        self.world.clock.advance(self.world.pause_seconds)
        answer, log = self.runner.folder / "answer", self.runner.folder / "log"
        cut = self.cutter.cut
        ended = self.runner.run(
            {
                "arguments": ["--env-file", str(self.world.folder / ".env"), *command.split(), "--json"],
                "memory": str(self.runner.folder / "memory"),
                "sizes": dict(self.scenario.sizes),
                "name": cut.name if cut else "",
                "answer": str(answer),
                "log": str(log),
            }
        )
        if cut and ended != {"signal": signal.SIGKILL}:
            told = "it met another step" if ended.get("code") == WRONG_STEP else log.read_text("utf-8")[-2000:]
            raise BrokenError(f"the process was not killed at step {cut.step} but ended with {ended}: {told}")
        if cut:
            raise Killed
        if ended.get("code") in (None, ExitCode.BUG):
            raise BrokenError(f"{command} ended with {ended}: {log.read_text('utf-8')[-4000:]}")
        told = json.loads(answer.read_bytes())
        return ExitCode(ended["code"]), [*told.get("named", []), *filter(None, [(told.get("error") or {}).get("message")])]


def play(pick: Pick, runner: Runner, cut: Cut | None = None) -> str | None:
    """Play one point with real processes; return what was wrong with its end and the line to replay it, None: nothing."""
    with _served(SCENARIOS[pick.name], runner) as (bench, server, memory):
        uncut = play_uncut(bench)
        cuts = [cut] if cut else cuts_at(uncut.steps, STOPS)
        chosen = cuts[int(pick.share * len(cuts))]
        with server:
            bench.serve(runner, memory)
            problem = failure(bench, uncut, [chosen])
    if problem is None:
        return None
    return f"python -m tests.stop_kills {pick.name} {chosen.step} {chosen.manner}  ({chosen.name})\n  {problem}"


@contextmanager
def _served(scenario: Scenario, runner: Runner) -> Iterator[tuple[ServedBench, SandboxServer, Memory]]:
    memory = Memory(runner.folder / "memory")
    with _reserved() as port:

        class Served(World):
            amo_url = f"http://{HOST}:{port}"
            sheets_url = f"http://{HOST}:{port + 1}"

            def make_clock(self) -> VirtualClock:
                return SharedClock(memory)

        with bench_of(scenario, ServedBench, Served) as bench:
            assert isinstance(bench, ServedBench)
            yield bench, SandboxServer(bench.world.amo_wire, bench.world.sheets_wire, port, hold_seconds=0.05), memory


@contextmanager
def _reserved() -> Iterator[int]:
    """A port and the one above it, kept from other processes until the sandbox listens there."""
    with ExitStack() as kept:
        while True:
            first, second = kept.enter_context(socket.socket()), kept.enter_context(socket.socket())
            for one in (first, second):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            first.bind((HOST, 0))
            port: int = first.getsockname()[1]
            with suppress(OSError, OverflowError):
                second.bind((HOST, port + 1))
                break
        yield port


@contextmanager
def runner_of() -> Iterator[Runner]:
    """A runner in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder, Runner(Path(folder)) as runner:
        yield runner


def _main(arguments: Sequence[str]) -> None:
    logging.disable()
    with runner_of() as runner:
        if len(arguments) == 3:
            name, step, manner = arguments
            say(play(Pick(name, 0.0), runner, Cut(int(step), manner)) or "the end is as it should be")
            return
        chosen = picks(*map(int, arguments or ["60"]))
        problems = [problem for pick in chosen if (problem := play(pick, runner))]
        say(*problems, f"{len(chosen)} processes killed, {len(problems)} failed")


if __name__ == "__main__":
    _main(sys.argv[1:])
