"""A day under timers: both commands every minute, people at work on both sides, and an hour without each cloud."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amo2gsheet import commands_health
from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Faulty, Manner
from tests.stop_bench import FAST_FOLDER
from tests.world import STATUS, World

MINUTES = 24 * 60
AMO_IS_OUT, GOOGLE_IS_OUT = range(6 * 60, 7 * 60), range(14 * 60, 15 * 60)
STAGES = ("NOMERATSIYALANMAGAN ZAKAZ", "Заказ отправлен", "Отказ")
SHOWN = {"NOMERATSIYALANMAGAN ZAKAZ": {"В процессе"}, "Заказ отправлен": {"У курера", "Успешно"}, "Отказ": {"Отказ"}}
MAX_AGE_SECONDS = 1800.0


class Day:
    """A shop's day, minute by minute."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = random.Random(20260922)
        self.leads: list[int] = []
        self.codes: Counter[int] = Counter()
        self.verdicts: dict[int, list[str]] = {}
        self.runs = 0
        self.longest_seconds = 0.0

    def people(self) -> None:
        """Now and then somebody does something, in amoCRM or in the sheet."""
        world, some = self.world, self.random.choice(self.leads) if self.leads else None
        chance = self.random.random()
        if chance < 0.05:
            self.leads.append(world.lead(f"Клиент {len(self.leads)}", price=len(self.leads)))
        elif some is None or some not in world.ids():
            return
        elif chance < 0.08:
            world.move(some, world.stage(self.random.choice(STAGES)))
        elif chance < 0.1:
            world.account.edit_lead(some, fields={"Адрес": f"дом {self.random.randrange(1000)}"})
        elif chance < 0.15:
            world.pick(some, self.random.choice(["В процессе", "У курера", "Успешно", "Отказ"]))
        elif chance < 0.16:
            world.person.sort(self.random.choice(["ID", STATUS]), descending=chance < 0.155)

    def minute(self, number: int) -> None:
        """One minute: both clouds as they are at that time, people, and the runs that the timers start."""
        world = self.world
        begun = world.clock.monotonic()
        self._set(world.amo_wire, is_out=number in AMO_IS_OUT)
        self._set(world.sheets_wire, is_out=number in GOOGLE_IS_OUT)
        self.people()
        self.run(world.pull)
        self.people()
        self.run(world.push)
        if number % 10 == 9:
            answer = commands_health.run_status(world.settings, MAX_AGE_SECONDS, world.outside.clock)
            self.verdicts[number] = answer.document["problems"]
        # A timer does not start what still runs: the next minute begins at the next full one.
        world.clock.advance(60 - (world.clock.monotonic() - begun) % 60)

    def _set(self, wire: Faulty, *, is_out: bool) -> None:
        wire.rule = (lambda number, request: Fault(Manner.REFUSED, answers.json_503())) if is_out else None

    def run(self, command: Callable[[], Outcome]) -> None:
        begun = self.world.clock.monotonic()
        try:
            code = command().exit_code
        except AmoGsheetError as error:
            code = error.exit_code
        self.codes[code] += 1
        self.runs += 1
        self.longest_seconds = max(self.longest_seconds, self.world.clock.monotonic() - begun)


@pytest.fixture
def world() -> Iterator[World]:
    """In memory: what thousands of runs sync to a disk is not the point here."""
    with tempfile.TemporaryDirectory(dir=FAST_FOLDER) as folder:
        world = World(Path(folder))
        world.pause_seconds = 0
        yield world


def test_after_a_day_of_timers_and_two_outages_all_is_in_step(world: World) -> None:
    day = Day(world)
    for number in range(MINUTES):
        day.minute(number)

    assert 2 * MINUTES == day.runs
    assert {ExitCode.DONE, ExitCode.PARTIAL, ExitCode.UNAVAILABLE} >= set(day.codes)
    assert day.codes[ExitCode.UNAVAILABLE] > 10
    assert day.longest_seconds < world.settings.run_limit_seconds
    check_verdicts(day)
    check_in_step(day)


def check_verdicts(day: Day) -> None:
    """Bad before each outage was over, good from ten minutes after it on, and at no other time."""
    bad = {number for number, problems in day.verdicts.items() if problems}

    for outage in (AMO_IS_OUT, GOOGLE_IS_OUT):
        assert outage[-1] in bad, "an hour without a cloud was not told"
    assert [] == [number for number in bad if number not in (*AMO_IS_OUT, *GOOGLE_IS_OUT)]


def check_in_step(day: Day) -> None:
    """After a last round each lead has one row, which shows the stage that the lead stands in; then nothing is written."""
    world = day.world
    world.pause_seconds = 60
    for _ in range(3):
        world.push()
        world.pull()
    rows = Counter(world.ids())
    assert set(rows) == set(day.leads)
    assert {1} == set(rows.values())
    for lead in day.leads:
        assert world.status(lead) in SHOWN[world.stage_of(lead)]
        assert world.row(lead)["Адрес"] in (world.account.lead_value(lead, "Адрес"), None, "")
    world.assert_no_writes()
