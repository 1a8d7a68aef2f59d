"""Random schedules: people on both sides, faults, stops and runs, from one seed; then the promises are held against the end.

`python -m tests.schedules SEED` replays a schedule and prints what happened, `… 1-2000` plays many.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Faulty, Killed, Manner
from amo2gsheet.state import StateStore
from tests.world import STATUS, World

PICKS = ("В процессе", "У курера", "Успешно", "Отказ")
STAGES = ("Консультация", "NOMERATSIYALANMAGAN ZAKAZ", "Заказ отправлен", "Отказ")
NOTE = "Заметка"
OWNED = "Адрес"

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
    lambda is_amo: Fault(Manner.LATE, after=1),
    lambda is_amo: Fault(Manner.LATE, after=4),
    lambda is_amo: Fault(Manner.LATE, after=9),
    lambda is_amo: Fault(Manner.KILL_BEFORE),
    lambda is_amo: Fault(Manner.KILL_AFTER),
)

FAST_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A file system in memory: what is synced to disk is not the point here."""

ALLOWED = frozenset({0, 3, 65, 69, 75, 130, 143})


class Stop:
    """Kills a run at a commit, and keeps a dead run from committing any more."""

    def __init__(self) -> None:
        self.is_dead = False
        self.countdown: int | None = None

    def on_step(self, name: str) -> None:
        """Called around each commit."""
        if self.is_dead:
            raise Killed
        if self.countdown is not None:
            self.countdown -= 1
            if self.countdown <= 0:
                self.is_dead = True
                raise Killed


@dataclass
class Left:
    """What people left: lead ID → texts picked; lead ID → values typed into an owned cell; row's note → lead ID."""

    picks: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    typed: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[str, int] = field(default_factory=dict)


class Schedule:
    """One seeded world and what happens in it."""

    def __init__(self, seed: int, folder: Path, *, is_told: bool = False) -> None:
        self.random = random.Random(seed)
        self.world = World(folder, CONFLICT_WINNER=self.random.choice(["amo", "sheet"]))
        self.world.sheets.knobs.quota = "off"
        self.world.amo.knobs.block_after = None
        self.left = Left()
        self.leads: list[int] = []
        self.is_told = is_told
        self.stop = Stop()
        self.codes: Counter[int] = Counter()
        self.number = 0
        self.killed = 0
        self.last_request: dict[int, float] = {}

    def say(self, text: str) -> None:
        """Tell what happens, when asked to."""
        if self.is_told:
            sys.stdout.write(f"{text}\n")

    # --- people ---

    def act(self) -> None:
        """Somebody does something."""
        acts = [self.pick] * 6 + [self.type_note, self.type_owned, self.sort, self.insert_row, self.delete_row, self.move_row]
        acts += [self.insert_column, self.move_column, self.new_lead, self.new_lead, self.move_lead, self.move_lead]
        acts += [self.edit_lead, self.edit_lead, self.edit_lead, self.sort, self.sort, self.insert_row, self.clear_pick]
        self.random.choice(acts)()

    def _some(self) -> int | None:
        if not self._headers():
            return None
        present = [int(str(lead)) for lead in self.world.person.leads() if isinstance(lead, (int, float))]
        return self.random.choice(present) if present else None

    def pick(self) -> None:
        lead = self._some()
        if lead is None:
            return
        text = self.random.choice(PICKS)
        if self.world.status(lead) == text:
            return
        self.say(f"    pick {lead} {text}")
        self.world.pick(lead, text)
        self.left.picks[lead] = [*self.left.picks[lead], text]

    def clear_pick(self) -> None:
        lead = self._some()
        if lead is not None and self.random.random() < 0.2:
            self.say(f"    clear status of {lead}")
            self.world.person.clear_cell(STATUS, lead=lead)
            self.left.picks.pop(lead, None)

    def type_note(self) -> None:
        lead = self._some()
        if lead is None or NOTE not in self._headers():
            return
        self.number += 1
        note = f"note {self.number}"
        for old in [text for text, owner in self.left.notes.items() if owner == lead]:
            del self.left.notes[old]
        self.world.person.type(NOTE, note, lead=lead)
        self.left.notes[note] = lead

    def type_owned(self) -> None:
        lead = self._some()
        if lead is None:
            return
        self.number += 1
        text = f"typed {self.number}"
        self.say(f"    type {lead} {text}")
        self.world.person.type(OWNED, text, lead=lead)
        self.left.typed[lead] = [*self.left.typed[lead], text]

    def _headers(self) -> list[object]:
        table = self.world.sheets.table(self.world.person.title)
        return list(table[0]) if table else []

    def sort(self) -> None:
        header = self.random.choice(["ID", STATUS, "Ф.И.О.", "Бюджет сделки"])
        if self._headers():
            self.say(f"    sort by {header}")
            self.world.person.sort(header, descending=self.random.random() < 0.5)

    def insert_row(self) -> None:
        self.say("    insert row 2")
        if self._headers():
            self.world.person.insert_rows(self.random.choice([2, 3]))

    def delete_row(self) -> None:
        lead = self._some()
        if lead is not None and self.random.random() < 0.3:
            self.say(f"    delete row of {lead}")
            self.world.person.delete_row(lead)
            self.left.picks.pop(lead, None)
            self.left.typed.pop(lead, None)
            self.left.notes = {text: owner for text, owner in self.left.notes.items() if owner != lead}

    def move_row(self) -> None:
        lead = self._some()
        if lead is not None and self._headers():
            self.say(f"    move row of {lead} to row 2")
            self.world.person.move_row(2, lead=lead)

    def insert_column(self) -> None:
        if self._headers() and self.random.random() < 0.5:
            place = self.random.randint(1, 22)
            self.say(f"    insert column at {place}")
            self.world.person.insert_columns(place)
            if NOTE not in self._headers():
                self.world.person.type_at(1, place, NOTE)

    def move_column(self) -> None:
        if self._headers() and self.random.random() < 0.5:
            header = self.random.choice(["ID", STATUS, OWNED, "Воронка"])
            place = self.random.randint(1, 20)
            self.say(f"    move column {header} before {place}")
            self.world.person.move_column(header, place)

    def new_lead(self) -> None:
        self.number += 1
        name = self.random.choice(STAGES[:2] + STAGES[1:2])
        lead = self.world.lead(f"Клиент {self.number}", self.world.stage(name), price=self.number)
        self.leads.append(lead)
        self.say(f"    new lead {lead} in {name}")

    def move_lead(self) -> None:
        if not self.leads:
            return
        lead = self.random.choice(self.leads)
        name = self.random.choice(STAGES)
        self.say(f"    manager moves {lead} to {name}")
        self.world.move(lead, self.world.stage(name))

    def edit_lead(self) -> None:
        if not self.leads:
            return
        lead = self.random.choice(self.leads)
        self.number += 1
        self.say(f"    manager edits {lead}: {self.number}")
        self.world.account.edit_lead(lead, fields={OWNED: f"amo {self.number}"})

    # --- runs ---

    def run_once(self, command: str, *, is_quiet: bool = False) -> Outcome | None:
        """One run, with trouble unless it is quiet. None: it did not end well."""
        self._arm(is_quiet)
        self.say(f"  {command}" + ("" if not is_quiet else " (quiet)"))
        world = self.world
        try:
            outcome = world.pull() if command == "pull" else world.push()
        except AmoGsheetError as error:
            self.say(f"    → {error.exit_code!r} {error.message}")
            self.codes[error.exit_code] += 1
            return None
        except Killed:
            self.say("    → killed")
            self.killed += 1
            return None
        finally:
            self._disarm()
        for line in outcome.report.plan:
            self.say(f"    + {line}")
        for line in outcome.report.named:
            self.say(f"    ! {line}")
        self.say(f"    → {outcome.exit_code!r} {outcome.counts}")
        self.codes[outcome.exit_code] += 1
        return outcome

    def _arm(self, is_quiet: bool) -> None:
        # A cloud carries a request out within minutes or never: what the last run sent has landed when the next one begins.
        for wire in (self.world.amo_wire, self.world.sheets_wire):
            wire.land()
        self.stop.is_dead = False
        self.stop.countdown = None
        if is_quiet:
            return
        for wire, is_amo in ((self.world.amo_wire, True), (self.world.sheets_wire, False)):
            self._arm_wire(wire, is_amo)
        if self.random.random() < 0.15:
            self.stop.countdown = self.random.randint(1, 40)

    def _arm_wire(self, wire: Faulty, is_amo: bool) -> None:
        rate = self.random.choice([0, 0, 0.1, 0.3, 0.6])
        hand = self.random.choice([0, 0, 0.15, 0.4])
        writing_hand = self.random.choice([0, 0.5, 1])
        outage_from = wire.count + self.random.randint(1, 12) if self.random.random() < 0.15 else None

        def rule(number: int, request: Request) -> Fault | None:
            is_out = outage_from is not None and number >= outage_from
            if request.path == "/token" or not (is_out or self.random.random() < rate):
                return None
            fault = self.random.choice(FAULTS)(is_amo)
            self.say(f"    # {request.method} {request.path[-40:]} {fault.manner.value}")
            return fault

        def before(number: int, request: Request) -> None:
            self._land_in_time(wire)
            is_write = request.method != "GET" and request.path != "/token"
            if self.random.random() < (writing_hand if is_write else hand):
                kept = (dict(self.left.picks), dict(self.left.typed))
                self.act()
                if request.path.endswith("values:batchUpdate"):
                    # The one moment that is Google's: a value typed into the very cell that this write replaces.
                    for left, former in zip((self.left.picks, self.left.typed), kept, strict=True):
                        for lead in [lead for lead, texts in left.items() if texts != former.get(lead)]:
                            del left[lead]

        wire.rule = rule
        wire.before_each = before

    def _land_in_time(self, wire: Faulty) -> None:
        """A cloud gives a request up after three minutes: what is to land late has landed by then."""
        if self.world.clock.monotonic() - self.last_request.get(id(wire), 0) > 150:
            wire.land()
        self.last_request[id(wire)] = self.world.clock.monotonic()

    def _disarm(self) -> None:
        for wire in (self.world.amo_wire, self.world.sheets_wire):
            wire.rule = None
            wire.before_each = None
            if self.random.random() < 0.5:
                wire.land()

    # --- the whole ---

    def play(self) -> None:
        """Play the schedule, let it come to rest, and check every promise."""
        real_open = StateStore.open

        def opened(path: Path, clock: Any, **named: Any) -> StateStore:
            state = real_open(path, clock, **named)
            state.on_step = self.stop.on_step
            return state

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StateStore, "open", opened)
            for _ in range(self.random.randint(1, 4)):
                self.new_lead()
            for _ in range(self.random.randint(5, 16)):
                for _ in range(self.random.randint(0, 5)):
                    self.act()
                self.run_once(self.random.choice(["pull", "pull", "push"]))
                if self.random.random() < 0.2:
                    self.world.clock.advance(self.random.choice([600, 3600, 90000]))
            self._rest()
        self.check()

    def _rest(self) -> None:
        self.say("at rest")
        self.world.amo_wire.land()
        self.world.sheets_wire.land()
        self.world.clock.advance(1000)
        for _ in range(3):
            for command in ("push", "pull"):
                self.run_once(command, is_quiet=True)
        self.world.clock.advance(1000)
        writes, patches = self.world.sheet_writes(), self.world.patches()
        for command in ("push", "pull", "push", "pull"):
            outcome = self.run_once(command, is_quiet=True)
            assert outcome is not None, f"{command} does not end well at rest"
            assert outcome.exit_code == ExitCode.DONE, f"{command} at rest: {outcome.exit_code!r} {outcome.report.named}"
        assert self.world.sheet_writes() == writes, "a run at rest wrote to the sheet"
        assert self.world.patches() == patches, "a run at rest moved a lead"

    def check(self) -> None:
        """Hold the promises against the end."""
        assert set(self.codes) <= ALLOWED, f"exit codes {self.codes}"
        self._check_rows()
        self._check_agreement()
        self._check_values()
        self._check_patches()
        self._check_notes()

    def _check_rows(self) -> None:
        counted = Counter(self.world.ids())
        assert all(count == 1 for count in counted.values()), f"doubled rows: {counted}"
        for lead in self.leads:
            found = self.world.account.lead(lead)
            if found is not None and self.world.stage_of(lead) == STAGES[1]:
                with self._state() as state:
                    base = state.bases([lead]).get(lead)
                assert lead in counted or (base is not None and base.missing), f"lead {lead} has no row"

    def _state(self) -> StateStore:
        state = StateStore.open_readonly(self.world.settings.state_db, self.world.outside.clock)
        assert state is not None
        return state

    def _waiting(self) -> set[int]:
        with self._state() as state:
            return {waiting.lead_id for waiting in state.waiting()}

    def _check_agreement(self) -> None:
        shown = {
            "Консультация": {"Консультация"},
            STAGES[1]: {"В процессе"},
            "Заказ отправлен": {"У курера", "Успешно"},
            "Отказ": {"Отказ"},
        }
        waiting = self._waiting()
        for row in self.world.rows():
            lead = row.get("ID")
            if lead in (None, "") or lead in waiting:
                continue
            stage = self.world.stage_of(int(str(lead)))
            assert row[STATUS] in shown[stage], f"lead {lead}: cell {row[STATUS]!r}, stage {stage!r}"
            address = self.world.account.lead_value(int(str(lead)), OWNED)
            cell = row[OWNED]
            is_typed = str(cell).startswith("typed ")
            assert cell == address or is_typed or (cell in (None, "") and not address), f"lead {lead}: {cell!r} != {address!r}"

    def _check_values(self) -> None:
        rows = {row["ID"]: row for row in self.world.rows() if row.get("ID") not in (None, "")}
        with self._state() as state:
            for kind, column, left in (("status", STATUS, self.left.picks), ("owned", OWNED, self.left.typed)):
                for lead, texts in left.items():
                    if lead not in rows or not texts:
                        continue
                    entries = state.history(lead)
                    known = {entry.old for entry in entries} | {entry.new for entry in entries} | {rows[lead].get(column)}
                    assert texts[-1] in known, f"lead {lead}: the {kind} {texts[-1]!r} is lost; history {known}"

    def _check_patches(self) -> None:
        names = {stage.id: stage.name for stage in self.world.account.pipelines[self.world.shop].stages}
        means = {"В процессе": STAGES[1], "У курера": "Заказ отправлен", "Успешно": "Заказ отправлен", "Отказ": "Отказ"}
        for exchange in self.world.amo_wire.log:
            if exchange.request.method == "PATCH":
                for item in exchange.request.json():
                    wanted = {means[text] for text in self.all_picks.get(item["id"], [])}
                    assert names[item["status_id"]] in wanted, (
                        f"lead {item['id']} was moved to {names[item['status_id']]}: nobody picked it"
                    )

    @property
    def all_picks(self) -> dict[int, list[str]]:
        """Every pick ever made, lead by lead."""
        return self._all_picks

    def _check_notes(self) -> None:
        rows = {row["ID"]: row for row in self.world.rows() if row.get("ID") not in (None, "")}
        for note, lead in self.left.notes.items():
            if lead in rows:
                assert rows[lead].get(NOTE) == note, f"the note of lead {lead} is {rows[lead].get(NOTE)!r}, not {note!r}"

    _all_picks: dict[int, list[str]]


class TrackedSchedule(Schedule):
    """A schedule that also remembers every pick, for the check of PATCHes."""

    def __init__(self, seed: int, folder: Path, *, is_told: bool = False) -> None:
        super().__init__(seed, folder, is_told=is_told)
        self._all_picks = defaultdict(list)

    def pick(self) -> None:
        before = {lead: len(texts) for lead, texts in self.left.picks.items()}
        super().pick()
        for lead, texts in self.left.picks.items():
            if len(texts) != before.get(lead, 0):
                self._all_picks[lead].append(texts[-1])


def play(seed: int, *, is_told: bool = False) -> TrackedSchedule:
    """Play one schedule in a folder of its own; AssertionError tells which promise broke."""
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder:
        schedule = TrackedSchedule(seed, Path(folder), is_told=is_told)
        schedule.play()
        return schedule


def main(words: list[str]) -> int:
    """Play single seeds aloud and ranges of seeds in silence; print every broken promise."""
    failures = 0
    for word in words:
        first, _, last = word.partition("-")
        for seed in range(int(first), int(last or first) + 1):
            try:
                play(seed, is_told=not last)
            except AssertionError as error:
                failures += 1
                sys.stdout.write(f"seed {seed}: {error}\n")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
