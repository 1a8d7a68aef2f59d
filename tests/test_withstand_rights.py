"""What the token may not see, and what nobody can read, waits alone: everything else goes through."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.exceptions import ExitCode, UnavailableError
from amo2gsheet.sandbox.amo_problems import problem
from amo2gsheet.sandbox.answers import html_504
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, where
from tests.world import Rewritten, World, is_move

SENT = "Заказ отправлен"
JSON = {"Content-Type": "application/json"}


def shown(world: World) -> list[object]:
    """The leads that have rows, in order."""
    return sorted(world.ids(), key=str)


def test_a_lead_that_the_token_may_not_see_keeps_no_other_pick_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    hidden, seen = world.lead("Анна"), world.lead("Бек")
    world.pull()
    world.amo.knobs.unseen = {("leads", hidden)}
    world.pick(hidden, "Отказ")
    world.pick(seen, "Отказ")

    codes = [world.code(world.push), world.code(world.push)]

    assert [ExitCode.PARTIAL, ExitCode.DONE] == codes
    assert "Отказ" == world.stage_of(seen)
    assert [hidden] == [waiting.lead_id for waiting in world.waiting("unread pick")]
    world.amo.knobs.unseen = set()
    world.rest()
    assert "Отказ" == world.stage_of(hidden)
    assert [] == world.waiting()


def test_an_id_typed_by_hand_that_the_token_may_not_see_keeps_no_new_lead_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.lead("Анна")
    world.pull()
    hidden = world.lead("Бек", world.stage(SENT))
    world.amo.knobs.unseen = {("leads", hidden)}
    world.person.type("ID", str(hidden), row=4)
    world.push()
    other = world.lead("Вера")

    codes = [world.code(world.pull), world.code(world.pull), world.code(world.pull)]

    assert [ExitCode.PARTIAL, ExitCode.DONE, ExitCode.DONE] == codes
    assert {first, other, hidden} == set(world.ids())
    assert [hidden] == [waiting.lead_id for waiting in world.waiting("unread lead")]
    world.amo.knobs.unseen = set()
    world.rest()
    assert "Бек" == world.row(hidden)["Ф.И.О."]
    assert [] == world.waiting()


def test_a_typed_id_that_was_taken_away_again_waits_no_longer(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    hidden = world.lead("Бек", world.stage(SENT))
    world.amo.knobs.unseen = {("leads", hidden)}
    world.person.type("ID", str(hidden), row=4)
    world.push()
    world.pull()

    world.person.type("ID", "", row=4)
    world.push()

    assert [] == world.waiting()
    world.pull()
    world.assert_silent()


def test_a_move_whose_answer_was_lost_and_whose_lead_vanished_from_sight_holds_nothing_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    hidden = world.lead("Анна")
    world.pull()
    world.pick(hidden, "Отказ")
    world.amo_wire.rule = where(is_move, Fault(Manner.KILL_AFTER))
    with suppress(Killed):
        world.push()
    world.amo_wire.rule = None
    world.amo.knobs.unseen = {("leads", hidden)}
    other = world.lead("Бек")

    codes = [world.code(world.pull)]
    world.clock.advance(3600)
    codes += [world.code(world.push), world.code(world.pull), world.code(world.pull)]

    assert not {ExitCode.LOGIN, ExitCode.UNAVAILABLE} & set(codes)
    assert other in world.ids()
    with world.state() as state:
        assert [] == state.open_intents()
    world.amo.knobs.unseen = set()
    world.rest()
    assert ("Отказ", "Отказ") == (world.stage_of(hidden), world.status(hidden))


@pytest.mark.parametrize("area", ["contacts", "companies"])
def test_what_the_token_may_not_see_of_a_lead_empties_no_cell_and_keeps_no_row_back(tmp_path: Path, area: str) -> None:
    world = World(tmp_path)
    contact = world.account.add_contact("Анна", ["+998 90 000-00-01"])
    company = world.account.add_company("ООО Ромашка")
    lead = world.lead("Заказ 1", contacts=[contact], company=company)
    world.pull()
    before = world.row(lead)
    world.amo.knobs.forbidden_scopes = {area}
    world.account.edit_lead(lead, price=500)
    new = world.lead("Заказ 2", contacts=[contact], company=company)

    codes = [world.code(world.pull), world.code(world.pull)]
    world.clock.advance(3700)
    codes.append(world.code(world.pull))

    assert [ExitCode.PARTIAL, ExitCode.DONE, ExitCode.DONE] == codes
    assert {**before, "Бюджет сделки": 500} == world.row(lead)
    made_of: dict[str, dict[str, object]] = {
        "contacts": {"Ф.И.О.": "Заказ 2", "Контактный номер": None},
        "companies": {"Компания": None},
    }
    hidden = made_of[area]
    assert hidden == {key: world.row(new)[key] for key in hidden}
    assert {lead, new} == {waiting.lead_id for waiting in world.waiting("hidden details")}
    world.amo.knobs.forbidden_scopes = set()
    world.clock.advance(3700)
    world.rest()
    assert [] == world.waiting()
    assert all(world.row(new)[key] == before[key] for key in hidden)


ODD: dict[str, Callable[[dict[str, Any]], object]] = {
    "price": lambda lead: lead.update(price="abc"),
    "pipeline": lambda lead: lead.update(pipeline_id=None),
    "fields": lambda lead: lead.update(custom_fields_values="x"),
    "value": lambda lead: lead.update(custom_fields_values=[{"field_id": 1, "values": ["x"]}]),
    "huge": lambda lead: lead.update(price=10**20),
    "name": lambda lead: lead.update(name=["x"]),
    "contact": lambda lead: lead["_embedded"].update(contacts=[{"id": None}]),
}


def shown_oddly(world: World, lead_id: int, what: str) -> Rewritten:
    """The world's amoCRM, which shows one lead in a shape that nobody can read."""

    def change(lead: dict[str, Any]) -> None:
        if lead["id"] == lead_id:
            ODD[what](lead)

    return Rewritten(world.amo, change)


@pytest.mark.parametrize("what", ODD)
def test_one_odd_lead_in_a_list_keeps_no_other_back(tmp_path: Path, what: str) -> None:
    world = World(tmp_path)
    first = world.lead("Анна")
    world.pull()
    odd = world.lead("Бек")
    other = world.lead("Вера")
    world.amo_wire.cloud = shown_oddly(world, odd, what)

    codes = [world.code(world.pull), world.code(world.pull)]
    world.clock.advance(3700)
    codes.append(world.code(world.pull))

    assert [ExitCode.PARTIAL, ExitCode.DONE, ExitCode.DONE] == codes
    assert [first, other] == shown(world)
    assert [odd] == [waiting.lead_id for waiting in world.waiting("unread lead")]
    world.amo_wire.cloud = world.amo
    world.rest()
    assert [first, odd, other] == shown(world)
    assert [] == world.waiting()


def test_an_odd_lead_of_the_first_run_gets_its_row_when_it_can_be_read(tmp_path: Path) -> None:
    world = World(tmp_path)
    odd, other = world.lead("Анна"), world.lead("Бек")
    world.amo_wire.cloud = shown_oddly(world, odd, "price")

    assert ExitCode.PARTIAL == world.code(world.pull)
    assert [other] == world.ids()
    world.amo_wire.cloud = world.amo
    world.rest()

    assert [odd, other] == shown(world)


@pytest.mark.parametrize("route", ["users", "events"])
@pytest.mark.parametrize("status", [400, 404, 405, 422])
def test_a_route_that_the_account_does_not_give_is_gone_without(tmp_path: Path, route: str, status: int) -> None:
    world = World(tmp_path)
    refused = Fault(Manner.REFUSED, problem(status, "Not supported"))
    world.amo_wire.rule = where(lambda request: request.path == f"/api/v4/{route}", refused)
    lead = world.lead("Анна")
    assert ExitCode.DONE == world.code(world.pull)
    world.lead("Бек", world.stage(SENT))
    other = world.lead("Вера")

    assert ExitCode.DONE == world.code(world.pull)
    assert [lead, other] == shown(world)


class Hiding:
    """amoCRM, but it shows no stage of the second pipeline."""

    def __init__(self, world: World) -> None:
        self._cloud = world.amo

    def answer(self, request: Request) -> Answer:
        """Answer as the cloud does, without those stages."""
        answer = self._cloud.answer(request)
        if request.path != "/api/v4/leads/pipelines":
            return answer
        body = json.loads(answer.body)
        body["_embedded"]["pipelines"][1]["_embedded"]["statuses"] = []
        return replace(answer, body=json.dumps(body).encode())


def test_a_pipeline_that_shows_no_stage_keeps_no_other_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.amo_wire.cloud = Hiding(world)

    assert ExitCode.DONE == world.code(world.pull)
    assert [lead] == world.ids()


def test_contacts_that_never_answer_leave_each_lead_to_the_next_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Заказ {number}", phone=f"+998 90 000-00-0{number}") for number in range(5)]
    plain = world.lead("Без контакта")
    world.amo_wire.rule = where(lambda request: "/contacts" in request.path, Fault(Manner.REFUSED, html_504()))

    outcome = world.pull()

    assert ExitCode.UNAVAILABLE == outcome.exit_code
    assert set(world.ids()) <= {plain}
    assert leads == [lead for lead in leads if any(f"lead {lead} waits" in text for text in outcome.report.named)]
    world.amo_wire.rule = None
    world.rest()
    assert sorted([*leads, plain]) == shown(world)


def test_an_odd_contact_leaves_its_own_lead_to_the_next_run_and_no_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    odd = world.lead("Анна", phone="+998 90 000-00-01")
    other = world.lead("Бек", phone="+998 90 000-00-02")
    lead = world.account.lead(odd)
    assert lead is not None
    contact = str(lead.contacts[0].contact_id)
    shown_odd = Answer(200, json.dumps({"_embedded": {"contacts": [{"id": int(contact), "name": ["x"]}]}}).encode(), JSON)

    def asks_for_it(request: Request) -> bool:
        return "/contacts" in request.path and (contact in request.path or contact in str(request.query))

    world.amo_wire.rule = where(asks_for_it, Fault(Manner.REFUSED, shown_odd))

    codes = [world.code(world.pull), world.code(world.pull)]

    assert [ExitCode.PARTIAL, ExitCode.DONE] == codes
    assert [other] == shown(world)
    assert [odd] == [waiting.lead_id for waiting in world.waiting("unread details")]
    world.amo_wire.rule = None
    world.rest()
    assert [odd, other] == shown(world)
    assert [] == world.waiting()


@pytest.mark.parametrize("answer", [problem(403, "Access denied"), html_504()], ids=["no right", "no answer"])
def test_a_lead_that_passed_through_the_trigger_and_cannot_be_read_gets_its_row_later(tmp_path: Path, answer: Answer) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    lead = world.lead("Бек", world.stage("Консультация"))
    world.pull()
    world.move(lead, world.stage("NOMERATSIYALANMAGAN ZAKAZ"))
    world.move(lead, world.stage(SENT))

    def rule(_number: int, request: Request) -> Fault | None:
        if request.path == "/api/v4/leads" and "filter[id]" in str(request.query):
            return Fault(Manner.REFUSED, html_504())
        if request.path.endswith(f"/leads/{lead}"):
            return Fault(Manner.REFUSED, answer)
        return None

    world.amo_wire.rule = rule

    assert world.code(world.pull) in (ExitCode.PARTIAL, ExitCode.UNAVAILABLE)
    assert lead not in world.ids()
    world.amo_wire.rule = None
    world.rest()
    assert "У курера" == world.status(lead)
    assert [] == world.waiting()


def _asked(world: World, count: int) -> list[int]:
    """Leads that were moved by `push`, and that amoCRM shows in their old stage since."""
    leads = [world.lead(f"Заказ {number}") for number in range(count)]
    world.pull()
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo.knobs.swallow_patches, world.amo.knobs.swallow_bumps = set(leads), True
    world.push()
    return leads


def test_a_swallowed_move_of_a_lead_that_went_out_of_sight_waits(tmp_path: Path) -> None:
    world = World(tmp_path)
    (lead,) = _asked(world, 1)
    forbidden = Fault(Manner.REFUSED, problem(403, "Access denied"))
    world.amo_wire.rule = where(lambda request: request.path.endswith(f"/leads/{lead}"), forbidden)

    assert ExitCode.PARTIAL == world.code(world.pull)
    assert "Отказ" == world.status(lead)
    assert [lead] == [waiting.lead_id for waiting in world.waiting("unread lead")]
    world.amo_wire.rule, world.amo.knobs.swallow_patches = None, set()
    world.pull()
    world.push()
    world.rest()
    assert ("Отказ", []) == (world.stage_of(lead), world.waiting())


def test_three_leads_that_give_no_answer_end_the_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _asked(world, 4)
    by_id = tuple(f"/leads/{lead}" for lead in leads)
    world.amo_wire.rule = where(lambda request: request.path.endswith(by_id), Fault(Manner.REFUSED, html_504()))

    with pytest.raises(UnavailableError):
        world.pull()

    assert ["Отказ"] * 4 == [world.status(lead) for lead in leads]
    world.amo_wire.rule, world.amo.knobs.swallow_patches = None, set()
    world.pull()
    world.push()
    world.rest()
    assert ["Отказ"] * 4 == [world.stage_of(lead) for lead in leads]
