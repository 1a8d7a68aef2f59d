"""An import of a small workbook, cut at each of its steps, then run again until all is settled: one lead for each row.

`python -m tests.import_bench` plays every point and every pair and counts them; `python -m tests.import_bench ROWS STEP MANNER
[STEP MANNER]` replays one and tells what happened.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from amo2gsheet import commands_import, xlsx, xlsx_result
from amo2gsheet.commands_import import ImportOutcome
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.model_import import SourceTable
from amo2gsheet.sandbox.faults import Killed
from amo2gsheet.sandbox.transport import mount
from amo2gsheet.sync.importing_plan import Fate
from tests.import_world import ImportWorld, row
from tests.stop_bench import FAST_FOLDER, BrokenError, QuickSession
from tests.stop_manners import KILL, MANNERS, Cut, Cutter, is_request
from tests.stop_steps import counted
from tests.world import AMO_URL, SHEETS_URL

BATCH = 2
SETTLED_SECONDS = 1200
"""After so long nothing can land late any more, and every list shows what there is."""

READING = ("kill-before", "500")
"""What can go wrong with a question, as far as it makes a difference: the run dies, or asks again."""

WELL = (ExitCode.DONE, ExitCode.PARTIAL)


def points(steps: Sequence[str], *, is_short: bool = False) -> list[Cut]:
    """Every manner at every request, and a kill at every step on this machine; `is_short` leaves out questions' like manners."""
    found = []
    for number, step in enumerate(steps, 1):
        manners = [KILL] if not is_request(step) else READING if is_short and " GET " in step else MANNERS
        found += [Cut(number, manner) for manner in manners]
    return found


class ImportBench:
    """A workbook of so many rows, put back to where nothing of it is sent. `lag_seconds` is how late amoCRM's lists are."""

    def __init__(self, folder: Path, cutter: Cutter, rows: int, lag_seconds: float = 0.0) -> None:
        self.cutter = cutter
        self.rows = rows
        self.say: Callable[[str], object] = lambda _text: None
        world = self.world = ImportWorld(folder, IMPORT_BATCH_SIZE=str(BATCH))
        world.outside = replace(world.outside, new_session=self._new_session)
        world.amo.knobs.block_after = None
        world.amo.knobs.list_lag_seconds = lag_seconds
        world.amo_wire.rule = cutter.rule("amo")
        world.amo_wire.on_kill = cutter.on_kill
        world.lead("Давно", tags=["other"])
        world.clock.advance(5000)
        world.write(*(row(number) for number in range(1, rows + 1)))
        self._files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self._amo = world.amo.snapshot()
        self._seconds = world.clock.monotonic()

    def _new_session(self) -> requests.Session:
        session = QuickSession()
        mount(session, {AMO_URL: self.world.amo_wire, SHEETS_URL: self.world.sheets_wire})
        return session

    def _go_back(self) -> None:
        world = self.world
        world.amo_wire.land()
        world.amo_wire.log.clear()
        world.amo.restore(self._amo)
        world.clock._passed = self._seconds
        for path in world.folder.iterdir():
            if path.name not in self._files:
                os.unlink(path)

    def play(self, cuts: Sequence[Cut] = ()) -> list[list[str]]:
        """Cut the first runs, then let them be: at once, and when all is settled. Returns the steps of each run.

        Raises:
            BrokenError: a row became two leads, or none that a run told of, or the end is not at rest.
        """
        self._go_back()
        steps = []
        for cut in (*cuts, None):
            self._run(cut)
            steps.append(self.cutter.steps)
        self.world.amo_wire.land()
        self.world.clock.advance(SETTLED_SECONDS)
        self._run(None)
        self._check_end()
        return steps

    def _run(self, cut: Cut | None) -> None:
        self.cutter.arm(cut)
        self.say("import" if cut is None else f"import, {cut.manner} at step {cut.step}")
        try:
            outcome = self.world.run()
        except Killed:
            self.say("  was killed")
            self._check_leads()
            return
        except AmoGsheetError as error:
            self.say(f"  raised {error.exit_code!r}: {error.message}")
            if cut is None or error.exit_code is not ExitCode.UNAVAILABLE:
                raise BrokenError(f"an import ended with {error.exit_code!r}: {error.message}") from error
            return
        for result in outcome.report.results:
            self.say(f"    row {result.row_number}: {result.fate.value} {result.lead_id or ''} {result.reason}")
        self.say(f"  ended with {outcome.exit_code!r}")
        if outcome.exit_code not in (WELL if cut is None else (*WELL, ExitCode.UNAVAILABLE)):
            raise BrokenError(f"an import ended with {outcome.exit_code!r}: {outcome.error}")
        self._check_told(outcome)

    def _check_leads(self) -> None:
        """At no moment has a row two leads."""
        doubled = [name for name, count in self._made().items() if count > 1]
        if doubled:
            raise BrokenError(f"more than one lead: {doubled}")

    def _check_told(self, outcome: ImportOutcome) -> None:
        """What a run that came to its end says of each row is so: its lead, or that it is unresolved, or was not sent."""
        self._check_leads()
        for result in outcome.report.results:
            name = f"Клиент {result.row_number - 1}"
            lead = self.world.account.lead(result.lead_id)
            if result.fate in (Fate.SEND, Fate.SENT_BEFORE) and (lead is None or lead.name != name):
                raise BrokenError(f"row {result.row_number} is said to be lead {result.lead_id}, which is not it")
            if result.fate is Fate.NOT_SENT and self._made()[name]:
                raise BrokenError(f"row {result.row_number} is said not to be sent, and it is there")
            if result.fate in (Fate.BAD, Fate.REFUSED, Fate.CORRECTION, Fate.IN_AMOCRM):
                raise BrokenError(f"row {result.row_number} is said to be {result.fate.value}")
        if outcome.report.count(Fate.UNRESOLVED) and outcome.exit_code is ExitCode.DONE:
            raise BrokenError("unresolved rows do not show in the exit code")

    def _made(self) -> Counter[str]:
        return Counter(name for name in self.world.names() if name.startswith("Клиент"))

    def _check_end(self) -> None:
        wanted = Counter({f"Клиент {number}": 1 for number in range(1, self.rows + 1)})
        if self._made() != wanted:
            raise BrokenError(f"the leads are {self._made()}")
        posts = self.world.posts()
        self.cutter.arm()
        outcome = self.world.run()
        if outcome.exit_code is not ExitCode.DONE or self.world.posts() != posts:
            raise BrokenError(f"an import at rest ended with {outcome.exit_code!r}")
        if len(self.world.account.contacts.current) != self.rows:
            raise BrokenError(f"there are {len(self.world.account.contacts.current)} contacts")


@contextmanager
def import_bench(rows: int, lag_seconds: float = 0.0) -> Iterator[ImportBench]:
    """A bench in a folder of its own, with every step of its runs counted."""
    cutter = Cutter()
    gc.freeze()
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder, counted(cutter.on_step):
        yield ImportBench(Path(folder), cutter, rows, lag_seconds)


@contextmanager
def quick_workbooks() -> Iterator[None]:
    """Read the input once, and write what a result workbook remembers in a form that costs nothing: Excel's is not the point."""
    real_read = xlsx.read_workbook
    tables: dict[bytes, SourceTable] = {}

    def read(path: Path, sheet_name: str | None = None) -> SourceTable:
        contents = path.read_bytes()
        if contents not in tables:
            tables[contents] = real_read(path, sheet_name)
        return tables[contents]

    def read_memory(path: Path) -> Any:
        return pickle.loads(path.read_bytes())

    def save(file: Any, _table: object, _columns: object, _results: object, memory: object) -> None:
        pickle.dump(memory, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands_import, "read_workbook", read)
        patch.setattr(commands_import, "read_memory", read_memory)
        patch.setattr(xlsx_result, "_save", save)
        yield


def failure(bench: ImportBench, cuts: Sequence[Cut]) -> str | None:
    """What is wrong when imports are cut there; None: nothing."""
    try:
        bench.play(cuts)
    except BrokenError as error:
        told = " ".join(f"{cut.step} {cut.manner}" for cut in cuts)
        return f"python -m tests.import_bench {bench.rows} {told}\n  {error}"
    return None


def single_failures(rows: int, lag_seconds: float = 0.0) -> tuple[int, list[str]]:
    """Every point of an import: how many there are, and what failed."""
    with import_bench(rows, lag_seconds) as bench:
        cuts = points(bench.play()[0])
        return len(cuts), [problem for cut in cuts if (problem := failure(bench, [cut]))]


def pair_failures(rows: int, stride: int = 1) -> tuple[int, list[str]]:
    """Every `stride`-th pair of points of an import and the one after it: how many were played, and what failed."""
    count, problems = 0, []
    with quick_workbooks(), import_bench(rows) as bench:
        for number, first in enumerate(points(bench.play()[0], is_short=True)):
            for second in points(bench.play([first])[1], is_short=True)[number % stride :: stride]:
                count += 1
                problem = failure(bench, [first, second])
                problems += [problem] if problem else []
    return count, problems


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _main(arguments: Sequence[str]) -> None:
    logging.disable()
    if arguments:
        with import_bench(int(arguments[0])) as bench:
            steps = bench.play()[0]
            _say(*(f"{number:3} {step}" for number, step in enumerate(steps, 1)))
            bench.say = _say
            pairs = zip(arguments[1::2], arguments[2::2], strict=True)
            _say(failure(bench, [Cut(int(step), manner) for step, manner in pairs]) or "each row is one lead")
        return
    for what, (count, problems) in (("7 rows", single_failures(7)), ("pairs of 3 rows", pair_failures(3))):
        _say(f"{what}: {count} points, {len(problems)} failed", *problems)


if __name__ == "__main__":
    _main(sys.argv[1:])
