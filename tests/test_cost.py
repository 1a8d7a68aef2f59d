"""What a run costs: its requests, counted where the clouds stand.

The figures are what the README promises for an account with filters on, warm caches and at most ten changes a second. Token
requests are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from math import ceil
from pathlib import Path

import pytest

from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import ExitCode
from tests.world import World


class BranchWorld(World):
    """Four branches with a pipeline each besides the usual two; new leads stand in the trigger stages in turn."""

    def _make_account(self) -> None:
        super()._make_account()
        stages = ["Консультация", "Заказ без нумерации", "Заказ отправлен", "Отказ"]
        branches = [self.account.add_pipeline(f"Филиал {number}", stages) for number in range(4)]
        triggers = [self.trigger, *(self.stage("Заказ без нумерации", pipeline) for pipeline in (self.base, *branches))]
        self._triggers = cycle(triggers)

    def lead(self, name: str = "Заказ", stage: tuple[int, int] | None = None, phone: str = "", **more: object) -> int:
        return super().lead(name, stage or next(self._triggers), phone, **more)


@pytest.fixture(params=[World, BranchWorld], ids=["two pipelines", "six pipelines"])
def shop(request: pytest.FixtureRequest) -> type[World]:
    """Makes the world."""
    made: type[World] = request.param
    return made


def cost(world: World, run: Callable[[], Outcome]) -> tuple[int, int, Outcome]:
    """(requests that amoCRM got, requests that Sheets got, the outcome) of one run; the outcome counts the same."""
    amo, sheets = world.amo_wire.count, world.sheets.count()
    outcome = run()
    found = (world.amo_wire.count - amo, world.sheets.count() - sheets)
    assert found == (outcome.amo_requests, outcome.sheet_requests)
    assert outcome.exit_code == ExitCode.DONE
    return (*found, outcome)


def many_leads(world: World, count: int, *, companies: int = 0) -> list[int]:
    """Leads with a contact each, made ten a second; some of them of one of so many companies."""
    owned = [world.account.add_company(f"Фирма {number}") for number in range(companies)]
    leads = []
    for number in range(count):
        world.clock.advance(0.1)
        company = owned[number % companies] if companies else None
        leads.append(world.lead(f"Клиент {number}", phone=f"+998 00 {number:07}", company=company))
    return leads


def pull_limit(leads: int, companies: int = 0) -> int:
    """amoCRM requests that a pull of so many changed leads with a contact each may cost."""
    return ceil(leads / 225) + ceil(leads / 100) + ceil(companies / 100) + 3


def sheet_limit(new_rows: int) -> int:
    """Sheets requests that a pull of so many new rows may cost."""
    return 4 + 2 * ceil(new_rows / 1000)


def quiet(world: World) -> None:
    """Let the overlap pass, and the idle runs settle that nothing is new."""
    world.clock.advance(1000)
    world.pull()
    world.pull()


@pytest.mark.parametrize("rows", [0, 1, 300])
def test_idle_runs_cost_one_request_each(tmp_path: Path, shop: type[World], rows: int) -> None:
    world = shop(tmp_path)
    for number in range(rows):
        world.clock.advance(0.1)
        world.lead(f"Клиент {number}")
    world.pull()
    # While the overlap still holds changes, a page for each 250 of them.
    world.clock.advance(60)
    assert cost(world, world.pull)[:2] == (max(1, ceil(rows / 225)), 0)

    quiet(world)
    for _ in range(3):
        assert cost(world, world.pull)[:2] == (1, 0)
        assert cost(world, world.push)[:2] == (0, 1)
    world.clock.advance(86_400)
    world.pull()
    assert cost(world, world.pull)[:2] == (1, 0)
    assert cost(world, world.push)[:2] == (0, 1)


def test_a_text_of_no_stage_costs_nothing_though_its_lead_moves_to_a_stage_shown_alike(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.type("статус", "позвонить", lead=lead)
    world.move(lead, world.stage("Заказ без нумерации", world.base))
    world.push()
    world.pull()

    assert (1, 0) == cost(world, world.pull)[:2]
    assert "позвонить" == world.status(lead)


@pytest.mark.parametrize(("count", "companies"), [(1, 0), (1, 1), (30, 3), (1000, 0)])
def test_a_pull_of_new_leads_keeps_to_the_table(tmp_path: Path, shop: type[World], count: int, companies: int) -> None:
    world = shop(tmp_path)
    world.lead("Старый")
    world.pull()
    quiet(world)
    many_leads(world, count, companies=companies)
    amo, sheets, outcome = cost(world, world.pull)

    assert outcome.counts["new_rows"] == count
    assert amo <= pull_limit(count, companies)
    assert sheets <= sheet_limit(count)
    world.clock.advance(1000)
    world.assert_silent()


def test_a_pull_of_5000_new_leads_keeps_to_the_table(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Старый")
    world.pull()
    quiet(world)
    many_leads(world, 5000)
    amo, sheets, outcome = cost(world, world.pull)

    assert outcome.counts["new_rows"] == 5000
    assert amo <= pull_limit(5000)
    assert sheets <= sheet_limit(5000)
    world.clock.advance(1000)
    world.pull()
    assert (world.pull().counts["amo_requests"], len(world.ids())) == (1, 5001)


@pytest.mark.parametrize("count", [1, 1000])
def test_the_first_pull_adds_the_directory_and_the_header(tmp_path: Path, shop: type[World], count: int) -> None:
    world = shop(tmp_path)
    many_leads(world, count)
    amo, sheets, outcome = cost(world, world.pull)

    assert outcome.counts["new_rows"] == count
    assert amo <= pull_limit(count) + 4
    assert sheets <= sheet_limit(count) + 3


@pytest.mark.parametrize("count", [1, 40, 400])
def test_a_pull_of_changed_leads_keeps_to_the_table(tmp_path: Path, shop: type[World], count: int) -> None:
    world = shop(tmp_path)
    leads = many_leads(world, count)
    world.pull()
    quiet(world)
    for lead in leads:
        world.clock.advance(0.1)
        world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    amo, sheets, outcome = cost(world, world.pull)

    assert outcome.counts["cells"] == count
    assert amo <= pull_limit(count)
    assert sheets <= sheet_limit(0)


@pytest.mark.parametrize("count", [1, 120])
def test_leads_that_passed_through_the_trigger_cost_their_events(tmp_path: Path, shop: type[World], count: int) -> None:
    world = shop(tmp_path)
    world.pull()
    quiet(world)
    for number in range(count):
        world.clock.advance(0.2)
        lead = world.lead(f"Клиент {number}", world.stage("Консультация"), phone=f"+998 00 {number:07}")
        world.move(lead, world.trigger)
        world.move(lead, world.stage("Отказ"))
    amo, sheets, outcome = cost(world, world.pull)

    assert outcome.counts["new_rows"] == count
    assert amo <= pull_limit(count) + ceil(2 * count / 100)
    assert sheets <= sheet_limit(count)


@pytest.mark.parametrize("age_seconds", [60, 3000])
@pytest.mark.parametrize("count", [1, 5, 20, 21, 60, 200])
def test_a_push_keeps_to_the_table(tmp_path: Path, shop: type[World], count: int, age_seconds: int) -> None:
    world = shop(tmp_path, PUSH_LIMIT="1000")
    leads = [world.lead(f"Клиент {number}") for number in range(count + 200)]
    world.pull()
    world.clock.advance(age_seconds)
    for lead in leads[:count]:
        world.pick(lead, "Отказ")
    amo, sheets, outcome = cost(world, world.push)

    assert outcome.counts["moves"] == count
    assert amo <= (count + 2 if count <= 20 else ceil(count / 100) + ceil(count / 50) + 1)
    assert sheets <= 2


@pytest.mark.parametrize("count", [0, 10, 600])
def test_the_hourly_look_keeps_to_the_table(tmp_path: Path, shop: type[World], count: int) -> None:
    world = shop(tmp_path)
    world.person.add_tab("Staff", [["Код сотрудника", "Сотрудник"], ["7", "Тимур"]])
    many_leads(world, count)
    world.pull()
    # The first look meets the contacts that were made right before it; the second one has seen them.
    world.clock.advance(3600)
    world.pull()
    world.clock.advance(3600)
    amo, sheets, _ = cost(world, world.pull)

    assert amo <= 1 + 8 + ceil(count / 225)
    assert sheets <= 1
