"""What the sync must withstand of amoCRM: pipelines with other spellings, lists that lie, clocks apart, moves that vanish."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.sandbox.faults import Faulty
from tests.world import World


class LateForOne:
    """amoCRM, whose list shows one lead only when it is told to, though it shows newer ones."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.hidden: int | None = None

    def answer(self, request: Request) -> Answer:
        """Answer as the cloud does, the lead left out of the list."""
        answer = self._cloud.answer(request)
        if not answer.body or not request.path.endswith("/leads"):
            return answer
        body = json.loads(answer.body)
        leads = body.get("_embedded", {}).get("leads", [])
        leads[:] = [lead for lead in leads if lead["id"] != self.hidden]
        return replace(answer, body=json.dumps(body).encode())


TRIGGER = "NOMERATSIYALANMAGAN ZAKAZ"
SENT = "Заказ отправлен"
ADDRESS = "Адрес"


def test_two_pipelines_with_other_spellings_travel_alike(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.account.rename_stage(world.base, 142, "Деньги получены")
    first, second = world.lead("Анна"), world.lead("Борис", world.stage("Заказ без нумерации", world.base))
    world.pull()
    for text, stages in {
        "У курера": (SENT, "ЗАКАЗ  ОТПРАВЛЕН"),
        "Отказ": ("Отказ", "OTKAZ"),
        "В процессе": (TRIGGER, "Заказ без нумерации"),
        "Успешно": (SENT, "ЗАКАЗ  ОТПРАВЛЕН"),
    }.items():
        world.pick(first, text)
        world.pick(second, text)
        world.push()
        world.pull()
        assert (world.stage_of(first), world.stage_of(second)) == stages
        assert (world.status(first), world.status(second)) == (text, text)
    world.move(first, (world.shop, 142))
    world.move(second, (world.base, 142))
    world.pull()

    assert (world.status(first), world.status(second)) == ("Успешно", "Деньги получены")
    world.rest()


def test_a_lead_moved_into_another_pipeline_stays_one_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("ЗАКАЗ  ОТПРАВЛЕН", world.base))
    world.pull()
    assert (world.status(lead), world.row(lead)["Воронка"]) == ("У курера", "Baza Uspeshno")

    world.pick(lead, "Отказ")
    world.push()
    assert world.stage_of(lead) == "OTKAZ"
    world.rest()
    assert world.ids() == [lead]


def test_1100_leads_in_one_second_all_arrive(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sheets.knobs.quota = "off"
    world.pull()
    leads = [world.lead(f"Клиент {number}") for number in range(1100)]
    world.pull()

    assert sorted(world.ids(), key=str) == leads
    world.clock.advance(1000)
    world.assert_silent()


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
def test_leads_edited_between_the_pages_are_not_lost(tmp_path: Path, bounds: str, filters: bool) -> None:
    world = World(tmp_path)
    world.sheets.knobs.quota = "off"
    world.amo.knobs.bounds = bounds  # type: ignore[assignment]
    world.amo.knobs.filters_enabled = filters
    world.amo.knobs.leads_page_cap = 25
    world.pull()
    leads = []
    for number in range(130):
        world.clock.advance(0.3)
        leads.append(world.lead(f"Клиент {number}"))
    edited = iter(leads)

    def hand(_number: int, request: Request) -> None:
        if request.path == "/api/v4/leads":
            for _ in range(5):
                lead = next(edited, None)
                if lead is not None:
                    world.account.edit_lead(lead, fields={ADDRESS: f"ул. {lead}"})

    world.amo_wire.before_each = hand
    world.pull()
    world.pull()
    world.amo_wire.before_each = None
    world.pull()

    assert sorted(world.ids(), key=str) == leads
    shown = {row["ID"]: row[ADDRESS] for row in world.rows()}
    assert shown == {lead: world.account.lead_value(lead, ADDRESS) for lead in leads}
    world.rest()


def test_a_lead_that_the_list_shows_behind_newer_ones_is_not_lost(tmp_path: Path) -> None:
    world = World(tmp_path)
    late = LateForOne(world.amo)
    world.amo_wire = Faulty(late, world.clock)
    leads = [world.lead("Анна")]
    world.pull()
    late.hidden = world.lead("Борис")
    leads += [late.hidden]
    world.clock.advance(30)
    leads += [world.lead("Вера")]
    world.pull()
    assert late.hidden not in world.ids()

    late.hidden = None
    world.pull()

    assert set(leads) == set(world.ids())


@pytest.mark.parametrize("lag_in_id_filter", [False, True])
@pytest.mark.parametrize("filters", [True, False])
def test_a_list_two_minutes_late_loses_nothing(tmp_path: Path, filters: bool, lag_in_id_filter: bool) -> None:
    world = World(tmp_path)
    world.amo.knobs.filters_enabled = filters
    lead = world.lead("Анна")
    world.clock.advance(300)
    world.pull()
    world.amo.knobs.list_lag_seconds = 120
    world.amo.knobs.lag_in_id_filter = lag_in_id_filter
    world.move(lead, world.stage(SENT))
    new = world.lead("Новый")
    world.clock.advance(30)
    quick = world.lead("Быстрый")
    for _ in range(5):
        world.pull()
    assert set(world.ids()) == {lead, new, quick}
    assert world.status(lead) == "У курера"

    world.pick(new, "Отказ")
    world.push()
    for _ in range(4):
        world.pull()
        assert world.status(new) == "Отказ"
    assert (world.patches(), world.stage_of(new)) == (1, "Отказ")
    world.clock.advance(300)
    world.rest()


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
def test_every_change_arrives_whatever_the_bounds_mean(tmp_path: Path, bounds: str, filters: bool) -> None:
    world = World(tmp_path, PULL_OVERLAP_SEC="0")
    world.amo.knobs.bounds = bounds  # type: ignore[assignment]
    world.amo.knobs.filters_enabled = filters
    lead = world.lead("Анна")
    world.pull()
    for number in range(6):
        world.account.edit_lead(lead, fields={ADDRESS: f"ул. {number}"})
        new = world.lead(f"Новый {number}")
        world.pull()
        assert world.row(lead)[ADDRESS] == f"ул. {number}"
        assert new in world.ids()
    world.rest()


def test_filters_switched_off_or_on_in_mid_life_change_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}", phone="+998 00 000-00-01") for number in range(6)]
    for number, filters in enumerate((True, False, False, True, True, False)):
        world.amo.knobs.filters_enabled = filters
        world.account.edit_lead(leads[number], fields={ADDRESS: "ул. Новая, 1"})
        world.clock.advance(1800)
        world.pull()

    assert {row[ADDRESS] for row in world.rows()} == {"ул. Новая, 1"}
    world.rest()


@pytest.mark.parametrize("skew_seconds", [-5400, 5400])
def test_clocks_ninety_minutes_apart_lose_nothing(tmp_path: Path, skew_seconds: int) -> None:
    world = World(tmp_path)
    world.amo.knobs.clock_skew_seconds = skew_seconds
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage(SENT))
    passed = world.lead("Борис", world.stage("Консультация"))
    world.move(passed, world.trigger)
    world.move(passed, world.stage("Отказ"))
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.pull()

    assert (world.status(lead), world.stage_of(lead), world.status(passed)) == ("Отказ", "Отказ", "Отказ")
    world.rest()


@pytest.mark.parametrize("skew_seconds", [-5400, 5400])
def test_changes_of_each_minute_arrive_though_the_clocks_are_apart(tmp_path: Path, skew_seconds: int) -> None:
    world = World(tmp_path)
    world.amo.knobs.clock_skew_seconds = skew_seconds
    leads = [world.lead("Анна")]
    for name in ("Борис", "Вера", "Галя"):
        world.pull()
        leads.append(world.lead(name))
    world.pull()

    assert leads == world.ids()


@pytest.mark.parametrize("jump_seconds", [-5400, 5400])
def test_a_clock_that_is_set_right_in_mid_life_loses_nothing(tmp_path: Path, jump_seconds: int) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    real_time = world.outside.clock.time
    world.outside.clock.time = lambda: real_time() + jump_seconds  # type: ignore[method-assign]
    world.move(lead, world.stage(SENT))
    new = world.lead("Новый")
    world.pull()
    world.pick(new, "Отказ")
    world.push()

    assert (world.status(lead), world.stage_of(new)) == ("У курера", "Отказ")
    world.rest()


def test_a_swallowed_move_is_asked_once_more_and_then_waits(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.amo.knobs.swallow_patches = {lead}
    world.amo.knobs.swallow_bumps = True
    world.pick(lead, "Отказ")
    codes = [world.push().exit_code, world.pull().exit_code, world.push().exit_code, world.pull().exit_code]

    assert codes == [ExitCode.DONE, ExitCode.PARTIAL, ExitCode.DONE, ExitCode.PARTIAL]
    assert (world.patches(), world.status(lead)) == (2, "Отказ")
    assert [waiting.kind for waiting in world.waiting()] == ["swallowed"]
    world.assert_silent()
    world.amo.knobs.swallow_patches = set()
    world.pick(lead, "У курера")
    world.rest()
    assert (world.stage_of(lead), world.waiting()) == (SENT, [])


def test_a_robot_that_moves_a_lead_on_is_followed(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.amo.knobs.robot = {world.stage(SENT): (world.shop, 142)}
    world.pick(lead, "У курера")
    world.push()
    world.pull()
    world.pull()

    assert (world.stage_of(lead), world.status(lead), world.patches()) == ("Успешно реализовано", "Успешно", 1)
    world.rest()
