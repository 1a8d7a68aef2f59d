"""Hands in the sheet: every act right before every request of a run to Sheets, then ordinary runs, and all must be well.

`python -m tests.hands` plays all and prints the number of points of each act, `… "ACT"` those of one; `… "ACT" RUN NUMBER`
replays one point. What somebody does between two requests to Sheets is the same whichever requests to amoCRM lie between them.
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.sheets_cells import NOTE as NOTE_LOOK
from amo2gsheet.sandbox.sheets_cells import plain
from amo2gsheet.sandbox.sheets_grid import Tab
from tests.hand_acts import ACTS, ADDRESS, AFTERWARDS, SECOND, SECOND_TEXT, Scene
from tests.hand_scenes import RUNS
from tests.schedule_checks import check_end
from tests.schedule_people import People
from tests.schedule_sight import OWN_HEADERS, Sight, columns_of, see
from tests.schedule_trouble import Trouble
from tests.world import STATUS, TAB, World

FAST_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None

WELL = frozenset({0, 3, 65, 69})
"""How a run may end at which somebody's hands were in the sheet."""

MOST_REQUESTS = 30

Rows = dict[int, dict[str, object]]
"""Lead ID → header → what the cell shows, for every lead with one row."""


class Bench:
    """One run's world, put back to its beginning for each point."""

    def __init__(self, name: str, folder: Path) -> None:
        self.command, prepare = RUNS[name]
        self.world = World(folder)
        with self.world.sheets.change() as book:
            book.tabs.clear()
            book.add_tab(TAB, (40, 26), sheet_id=0)
        self.scene = prepare(self.world)
        self.say: Callable[[str], None] = lambda _text: None
        self._snapshots = self.world.amo.snapshot(), self.world.sheets.snapshot()
        self._files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self._seconds = self.world.clock.monotonic()
        self._undo = list(self.world.person._done)
        self.requests = 0
        self._run_number = _last_run(self.world) + 1
        self._people: People
        self._trouble: Trouble
        self._changed: set[tuple[int, str]] = set()
        self._expected = self._control()

    def _go_back(self) -> None:
        world = self.world
        for wire in (world.amo_wire, world.sheets_wire):
            wire.log.clear()
            wire.before_each = None
        world.amo.restore(self._snapshots[0])
        world.sheets.restore(self._snapshots[1])
        world.sheets.seen.clear()
        world.clock._passed = self._seconds
        world.person.title = TAB
        world.person._done = list(self._undo)
        for path in world.folder.iterdir():
            if path.name not in self._files:
                path.unlink()
        for name, contents in self._files.items():
            (world.folder / name).write_bytes(contents)
        self.scene.by_hand.clear()
        self.scene.clipboard = []
        self._changed = set()
        self._people = self._new_people()

    def _new_people(self) -> People:
        """An account of what people left, from now on; what stands in the sheet already is theirs where they alone write."""
        people = People(self.world, random.Random(0), self.say, lambda: 0)
        people.managers.leads[:] = sorted(self.world.account.leads.current)
        sight = see(people.tab)
        if sight is not None:
            people.left.note(Sight({}, {}, frozenset(), {}), sight, 0)
            people.left.demands.clear()
            people.left.by_person.clear()
            people.left.picks.clear()
        if self.command == "push":
            for lead in self.scene.changed:
                people.left.picks[lead] = ["У курера"]
        people.left.by_hand = self.scene.by_hand
        return people

    def _control(self) -> Rows:
        """What the rows show in the end when nobody's hands are in the sheet."""
        self._go_back()
        for command in (self.command, "push", "pull"):
            getattr(self.world, command)()
        return rows_of(self.world.person.tab)

    # --- one point ---

    def play(self, act: str, number: int) -> bool:
        """Play one point; False: the run has no such request, or the act no room there.

        Raises:
            AssertionError: what broke.
        """
        self._go_back()
        self._trouble = Trouble(self.world, self._people, random.Random(0), self.say)
        if not self._run_with_hand(act, number):
            return False
        looks = people_looks(self.world.person.tab)
        self._come_to_rest()
        self._check()
        assert looks == people_looks(self.world.person.tab), "a filter, a hidden row, a protection or a note is another one"
        return True

    def _run_with_hand(self, act: str, number: int) -> bool:
        wire = self.world.sheets_wire
        last = wire.count + number
        later = AFTERWARDS.get(act)
        done: list[bool] = []

        def hand(count: int, request: Request) -> None:
            if count == last:
                self._trouble.watched.sent_after[id(request)] = self._people.left.acts
                done.append(self._act(ACTS[act]))
            elif count == last + 1 and later is not None:
                done.append(self._act(later))

        self._run(self.command, hand)
        if len(done) == 1 and later is not None:
            self._act(later)
        self.requests = wire.count + number - last
        return bool(done and done[0])

    def _act(self, act: Callable[[Scene], object]) -> bool:
        """Let somebody do it, and note what it changed; False where the tab has no room for it."""
        people, tab = self._people, self.world.person.tab
        before, rows = see(tab), rows_of(tab)
        people.left.acts += 1
        try:
            act(self.scene)
        except (LookupError, ValueError):
            return False
        after = see(people.tab)
        if before is not None and after is not None:
            people.left.note(before, after, self._run_number)
        now = rows_of(people.tab)
        self._changed |= {
            (lead, header)
            for lead in rows.keys() | now.keys()
            for header in {*rows.get(lead, {}), *now.get(lead, {})}
            if rows.get(lead, {}).get(header) != now.get(lead, {}).get(header)
        }
        return True

    def _run(self, command: str, hand: Callable[[int, Request], None] | None = None) -> None:
        self.say(f"  {command}")
        self._trouble.begin(is_quiet=True)
        if hand is not None:
            self.world.sheets_wire.before_each = hand
        try:
            outcome = getattr(self.world, command)()
        except AmoGsheetError as error:
            self.say(f"    → {error.exit_code!r} {error.message}")
            code = error.exit_code
        else:
            for line in (*outcome.report.plan, *outcome.report.named):
                self.say(f"    {line}")
            self.say(f"    → {outcome.exit_code!r}")
            code = outcome.exit_code
        finally:
            self._trouble.end()
        assert code in WELL, f"{command} ended with {code!r}"

    def _come_to_rest(self) -> None:
        """The run itself or the next one puts right what strayed; two more agree on what people did, and then all is silent."""
        self._run("pull")
        self._check_other_cells()
        for command in ("push", "pull"):
            self._run(command)
        before = self._written()
        for command in ("push", "pull"):
            outcome = getattr(self.world, command)()
            assert outcome.exit_code == ExitCode.DONE, f"{command} at rest: {outcome.exit_code!r} {outcome.report.named}"
        assert before == self._written(), "a run at rest wrote"

    def _written(self) -> tuple[int, int]:
        """How much was ever written on both sides. What a protection refuses is tried again, and writes nothing."""
        changes = sum(applied.actor == "api" for applied in self.world.sheets.applied)
        is_owed = any(waiting.kind == "refused" for waiting in self.world.waiting())
        return changes if is_owed else self.world.sheet_writes(), self.world.patches()

    def _check(self) -> None:
        check_end(self.world, self._people)
        self._check_other_cells()

    def _check_other_cells(self) -> None:
        """Whatever the run had nothing to do with, or people alone, is as it was."""
        self._check_own_columns()
        now = rows_of(self.world.person.tab)
        for lead, cells in self._expected.items():
            for header, value in cells.items():
                is_free = header in (STATUS, ADDRESS, *OWN_HEADERS) or (lead, header) in self._changed
                if lead in now and not is_free:
                    assert now[lead].get(header) == value, f"lead {lead} {header}: {now[lead].get(header)!r}, not {value!r}"

    def _check_own_columns(self) -> None:
        """Nothing of the tool's stands where only people write."""
        sight = see(self.world.person.tab)
        assert sight is not None or self.command == "pull", "the header is gone"
        for lead, cells in (sight.cells if sight else {}).items():
            note = self._people.left.notes.get(lead)
            assert cells["note"] == note, f"the note of lead {lead} is {cells['note']!r}, not {note!r}"
        second = {row.get(SECOND) for row in rows_of(self.world.person.tab).values()}
        assert second <= {None, SECOND_TEXT}, f"people's second column shows {second}"


def _last_run(world: World) -> int:
    if not world.settings.state_db.exists():
        return 0
    with world.state() as state:
        return max((run.id for command in ("pull", "push") for run in state.last_runs(command, 1)), default=0)


def people_looks(tab: Tab) -> object:
    """What people laid over the tab: filter, filter views, hidden rows and columns, protections, merged cells, notes."""
    notes = sum(NOTE_LOOK in patch for row in tab.rows for patch in row.looks.values())
    filters = [one["criteria"] for one in (tab.basic_filter, *tab.filter_views) if one is not None]
    return filters, frozenset(tab.hidden), len(tab.protected), len(tab.merges), notes


def rows_of(tab: Tab) -> Rows:
    """The rows of a tab by lead."""
    top, columns = columns_of(tab)
    if "ID" not in columns:
        return {}
    found: Rows = {}
    doubled = set()
    for row in tab.rows[top + 1 :]:
        value = plain(row.value(columns["ID"])) if row.values else None
        lead = lead_id_of(value)
        if lead is None:
            continue
        if lead in found:
            doubled.add(lead)
        found[lead] = {header: plain(row.value(at)) or None for header, at in columns.items()}
    return {lead: cells for lead, cells in found.items() if lead not in doubled}


@contextmanager
def bench_of(name: str) -> Iterator[Bench]:
    """The bench of a run, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder:
        yield Bench(name, Path(folder))


def failures(bench: Bench, name: str, act: str) -> tuple[int, list[str]]:
    """Play an act before every request of a run; return how many points there were, and what broke with the line to replay it."""
    count, found = 0, []
    for number in range(1, MOST_REQUESTS):
        try:
            count += bench.play(act, number)
        except AssertionError as error:
            count += 1
            found.append(f'python -m tests.hands "{act}" {name} {number}\n  {error}')
        if bench.requests < number:
            break
    return count, found


def _play_all(acts: Sequence[str]) -> int:
    total, broken = 0, 0
    with ExitStack() as stack:
        benches = {name: stack.enter_context(bench_of(name)) for name in RUNS}
        for act in acts:
            results = [failures(bench, name, act) for name, bench in benches.items()]
            count, problems = sum(number for number, _ in results), [line for _, lines in results for line in lines]
            total, broken = total + count, broken + len(problems)
            _write(f"{act}: {count} points, {len(problems)} failed", *problems)
    _write(f"{total} points of {len(acts)} acts, {broken} failed")
    return min(broken, 1)


def _replay(act: str, name: str, number: int) -> int:
    with bench_of(name) as bench:
        bench.say = _write
        bench.play(act, number)
    return 0


def _write(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    logging.disable()
    words = sys.argv[1:]
    is_point = len(words) == 3 and words[1] in RUNS
    sys.exit(_replay(words[0], words[1], int(words[2])) if is_point else _play_all(words or list(ACTS)))
