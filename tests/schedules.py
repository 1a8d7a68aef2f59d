"""Random schedules: people on both sides, faults, stops and runs, from one seed; then the promises are held against the end.

`python -m tests.schedules SEED` replays a schedule and tells what happened, `… 1-2000` plays many in silence.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from amo2gsheet import commands
from amo2gsheet.commands import GOOGLE_TOKEN_SUFFIX, WRITES_SHOWN, Options, Outcome, Outside
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox.faults import Killed, Manner
from amo2gsheet.sheet.login import SCOPE, KeptToken, ServiceKey
from amo2gsheet.state import StateStore
from amo2gsheet.sync import desk, gather
from tests.schedule_checks import check_end
from tests.schedule_people import People
from tests.schedule_trouble import MachineClock, Trouble
from tests.world import START, TAB, World

FAST_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A file system in memory: what is synced to disk is not the point here."""

ALLOWED = frozenset({0, 3, 65, 69, 75, 130, 143})
"""How a run may end here: no schedule takes settings, rights or the header away."""

BUGS = (AssertionError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, AmoGsheetError)
"""A broken promise, and what a bug of the program may leave as."""

HOURLY_SECONDS = 4000
"""After so long a `pull` also looks for what amoCRM's list never tells, renamed stages among it."""


class Schedule:
    """One seeded world and what happens in it."""

    def __init__(self, seed: int, folder: Path, *, is_told: bool = False) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.is_told = is_told
        self.world = World(folder, CONFLICT_WINNER=self.random.choice(["amo", "sheet"]), LOCK_WAIT_SEC="1")
        self.clock = MachineClock(self.world.clock)
        self.world.outside = Outside(self.clock, "testhost", self.world.outside.new_session)
        self.codes: Counter[int] = Counter()
        self.has_run_within = False
        self.killed = 0
        self.run_number = self.outer_number = 0
        self.people = People(self.world, self.random, self.say, self._next_run)
        self.people.left.words = {"note": ("note ", "loose "), "owned": ("typed ", "amo ")}
        self.trouble = Trouble(self.world, self.people, self.random, self.say)
        self.trouble.second_run = self._run_within
        self._set_up_clouds()

    def _set_up_clouds(self) -> None:
        world, chance = self.world, self.random
        with world.sheets.change() as book:
            book.tabs.clear()
            book.add_tab(TAB, (chance.choice([6, 40]), chance.choice([21, 26])), sheet_id=0)
        knobs = world.amo.knobs
        knobs.list_lag_seconds = chance.choice([0, 0, 0, 20, 300])
        knobs.lag_in_id_filter = chance.random() < 0.5
        knobs.events_lag_seconds = chance.choice([0, 0, 0, 60])
        knobs.clock_skew_seconds = chance.choice([0, 0, -200, 45, 200])
        knobs.bounds = "exclusive" if chance.random() < 0.2 else "inclusive"
        knobs.filters_enabled = chance.random() < 0.9
        world.sheets.knobs.old_reads_after_write = chance.choice([0, 0, 0, 0, 1])
        world.sheets.knobs.reads_per_minute = world.sheets.knobs.writes_per_minute = chance.choice([60, 60, 12])
        if self.seed % 8 == 5:
            world.sheets.knobs.values_in_response = "written"
            world.sheets.knobs.is_null_a_touch = True
            # As `auth` finds it out.
            with StateStore.open(world.settings.state_db, world.clock) as state:
                state.put(WRITES_SHOWN, str(False))
        if chance.random() < 0.9:
            self._keep_google_token()

    def _keep_google_token(self) -> None:
        """Signing in costs as much as ten requests; that it works shows in the schedules that do without this."""
        settings = self.world.settings
        key = ServiceKey.load(settings.service_account_file)
        token = KeptToken(self.world.sheets.issue_token(), 0, 2.0 * START, key.key_id, key.email, SCOPE)
        path = Path(f"{settings.token_store}{GOOGLE_TOKEN_SUFFIX}")
        path.write_text(json.dumps(asdict(token)))

    def say(self, text: str) -> None:
        """Tell what happens, when asked to."""
        if self.is_told:
            sys.stdout.write(f"{text}\n")

    def _next_run(self) -> int:
        """The number of the first run whose history may tell of what somebody does now."""
        return self.outer_number if self.trouble.stops else self.run_number + 1

    def _note_run(self, number: int) -> None:
        self.run_number = number
        if len(self.trouble.stops) == 1:
            self.outer_number = number

    # --- runs ---

    def run_once(self, command: str, options: Options | None = None, *, is_quiet: bool = False) -> Outcome | None:
        """One run, with trouble unless it is quiet. None: it did not end well."""
        options = options or Options()
        self.say(f"  {command} {_words(options)}" + (" (quiet)" if is_quiet else ""))
        if not self.trouble.stops:
            self.outer_number = self.run_number + 1
        self.trouble.begin(is_quiet=is_quiet)
        writes, runs = self._writes(), self.trouble.count
        try:
            outcome = self._start(command, options)
        except AmoGsheetError as error:
            self.say(f"    → {error.exit_code!r} {error.message}")
            self.codes[error.exit_code] += 1
            return None
        except Killed:
            self.say("    → killed")
            self.killed += 1
            return None
        finally:
            self.trouble.end()
        if options.is_dry and runs == self.trouble.count and not self.trouble.stops:
            assert writes == self._writes(), "a dry run wrote"
        self._tell(outcome)
        self.codes[outcome.exit_code] += 1
        return outcome

    def _writes(self) -> tuple[int, int]:
        return self.world.sheet_writes(), self.world.patches()

    def _start(self, command: str, options: Options) -> Outcome:
        start = commands.run_pull if command == "pull" else commands.run_push
        return start(self.world.settings, options, self.world.outside)

    def _tell(self, outcome: Outcome) -> None:
        for line in outcome.report.plan:
            self.say(f"    + {line}")
        for line in outcome.report.named:
            self.say(f"    ! {line}")
        self.say(f"    → {outcome.exit_code!r} {outcome.counts}")

    def _run_within(self, is_locked: bool) -> None:
        """Another process begins a run while one is under way: before one of its requests, or where it gives up the lock."""
        if len(self.trouble.stops) != 1:
            return
        self.has_run_within = True
        count = self.codes[ExitCode.LOCKED]
        self.say("  { within the run:")
        options = self._options()
        outcome = self.run_once(self.random.choice(["pull", "push"]), options)
        self.say("  }")
        if is_locked and self._is_locking and not options.is_dry and self.codes[ExitCode.LOCKED] == count:
            raise AssertionError(f"two runs at once: the second ended with {outcome}")

    _is_locking = True

    def _options(self) -> Options:
        lot = self.random.random()
        return Options(is_full=lot < 0.08, is_dry=0.08 <= lot < 0.16, is_forced=0.05 < lot < 0.1)

    # --- the whole ---

    def play(self) -> None:
        """Play the schedule, let it come to rest, and check every promise."""
        with self._program():
            for _ in range(self.random.randint(1, 4)):
                self.people.managers.new_lead()
            for _ in range(self.random.randint(3, 10)):
                for _ in range(self.random.randint(0, 5)):
                    self.people.act()
                options = self._options()
                self._is_locking = not options.is_dry
                self.world.clock.advance(self.world.pause_seconds)
                self.run_once(self.random.choice(["pull", "pull", "push"]), options)
                self._pass_time()
            self._rest()
        assert set(self.codes) <= ALLOWED, f"exit codes {self.codes}"
        self._check_rate()
        check_end(self.world, self.people)

    def _check_rate(self) -> None:
        """Seven requests in a second and no more; those that land late, or a whole run later, are not the program's to time."""
        is_late = self.has_run_within or any(exchange.manner is Manner.LATE for exchange in self.world.amo_wire.log)
        assert is_late or not self.world.amo.violations, "amoCRM got more requests in a second than it allows"

    @contextmanager
    def _program(self) -> Iterator[None]:
        """The program with every step of its runs in our hands, and small chunks now and then."""
        real_replace = Path.replace

        def replaced(path: Path, target: Path) -> Path:
            self.trouble.on_step(f"before {target}")
            result = real_replace(path, target)
            self.trouble.on_step(f"after {target}")
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StateStore, "open", self.trouble.opened(StateStore.open, self._note_run))
            patch.setattr(Path, "replace", replaced)
            patch.setattr(commands, "RunLock", self.trouble.lock())
            if self.random.random() < 0.4:
                patch.setattr(gather, "CHUNK_LEADS", 2)
                patch.setattr(desk, "ROWS_PER_INSERT", 2)
            yield

    def _pass_time(self) -> None:
        if self.random.random() < 0.2:
            self.world.clock.advance(self.random.choice([600, 3600, 90000]))
        if self.random.random() < 0.15:
            # Nothing is under way when the clock is put: how long ago a write was sent is told by it.
            self.trouble.land()
            self.clock.offset += self.random.choice([-86400, -4000, -60, 60, 4000, 86400])
            self.say(f"    the machine's clock is {self.clock.offset:+g} s off")

    def _rest(self) -> None:
        self.say("at rest")
        self.trouble.second_run = lambda _is_locked: None
        self.trouble.land()
        if self.random.random() < 0.7:
            self.people.tidy()
        # The machine's clock may have been put back since the last of those looks.
        self.world.clock.advance(2 * HOURLY_SECONDS)
        self._come_to_rest()
        self.world.clock.advance(HOURLY_SECONDS)
        sheet_writes, patches = self._writes()
        for command in ("push", "pull", "push", "pull"):
            outcome = self._well(command)
            assert outcome.exit_code == ExitCode.DONE, f"{command} at rest: {outcome.exit_code!r} {outcome.report.named}"
        assert self.world.sheet_writes() == sheet_writes, "a run at rest wrote to the sheet"
        assert self.world.patches() == patches, "a run at rest moved a lead"

    def _come_to_rest(self) -> None:
        # A read that is a moment old puts what is owed off by a run.
        for _ in range(2 + self.world.sheets.knobs.old_reads_after_write):
            for command in ("push", "pull"):
                self._well(command)

    def _well(self, command: str) -> Outcome:
        self.world.clock.advance(self.world.pause_seconds + self.world.amo.knobs.list_lag_seconds)
        outcome = self.run_once(command, is_quiet=True)
        assert outcome is not None, f"{command} does not end well at rest"
        return outcome


def _words(options: Options) -> str:
    given = {"--full": options.is_full, "--force": options.is_forced, "--dry-run": options.is_dry}
    return " ".join(word for word, is_given in given.items() if is_given)


def play(seed: int, *, is_told: bool = False) -> Schedule:
    """Play one schedule in a folder of its own; AssertionError tells which promise broke."""
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder:
        schedule = Schedule(seed, Path(folder), is_told=is_told)
        schedule.play()
        return schedule


def failures(seeds: Iterable[int], tell: Callable[[str], None] = lambda _line: None) -> list[str]:
    """Play many schedules; return what broke, each with the command that replays it."""
    found = []
    for seed in seeds:
        try:
            play(seed)
        except BUGS as error:
            found.append(f"python -m tests.schedules {seed}\n  {type(error).__name__}: {error}")
            tell(found[-1])
    return found


def main(words: list[str]) -> int:
    """Play single seeds aloud and ranges of seeds in silence; print every broken promise."""
    logging.disable()
    broken = 0
    for word in words:
        first, _, last = word.partition("-")
        if last:
            seeds = range(int(first), int(last) + 1)
            broken += len(failures(seeds, _write))
            _write(f"{len(seeds)} schedules played")
        else:
            play(int(first), is_told=True)
    return min(broken, 1)


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
