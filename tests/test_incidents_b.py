"""Incidents, group B: lost updates, echo, loops."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Manner, always, times, where
from tests.world import STATUS, World, is_cell_write, is_insert, is_move

TRIGGER = "NOMERATSIYALANMAGAN ZAKAZ"
DAY = 86_400


def is_of_lead(lead: int) -> Callable[[Request], bool]:
    """Whether a request reads that lead by its ID."""
    return lambda request: request.method == "GET" and request.path.endswith(f"/leads/{lead}")


def is_contacts(request: Request) -> bool:
    """Whether a request reads contacts."""
    return "/contacts" in request.path


def forget_state(world: World) -> None:
    """Somebody deletes the state file."""
    for path in world.folder.glob(".amo2gsheet.sqlite3*"):
        path.unlink()


@pytest.mark.parametrize("first", ["В процессе", "У курера", "Успешно", "Отказ"])
def test_b1_a_pick_never_turns_into_another_by_its_own_echo(tmp_path: Path, first: str) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", world.trigger)
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    for text in (first, "Успешно", "У курера", "Отказ", "В процессе", "Успешно"):
        world.pick(lead, text)
        patches = world.patches()
        world.push()
        world.pull()
        world.pull()

        assert world.status(lead) == text
        assert world.patches() <= patches + 1
    world.rest()
    assert (world.status(lead), world.stage_of(lead)) == ("Успешно", "Заказ отправлен")


def test_b2_a_lead_moved_back_to_the_trigger_does_not_bounce(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Заказ №": "007"})
    world.pull()
    world.pick(lead, "У курера")
    world.push()
    world.pull()
    world.move(lead, world.trigger)
    for _ in range(10):
        world.pull()
        world.push()

    assert (world.patches(), world.stage_of(lead), world.status(lead)) == (1, TRIGGER, "В процессе")
    world.rest()


def test_b3_an_order_number_moves_nothing_and_a_managers_move_shows(tmp_path: Path) -> None:
    """The number is a value like any other; the status follows amoCRM, and the history says when."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.type("Заказ №", "007", lead=lead)
    world.push()
    world.pull()
    assert (world.status(lead), world.stage_of(lead), world.patches()) == ("В процессе", TRIGGER, 0)

    world.move(lead, world.stage("Заказ отправлен"))
    world.pull()

    assert world.status(lead) == "У курера"
    assert [(entry.old, entry.new) for entry in world.history(lead, "written")] == [("В процессе", "У курера")]
    world.rest()


def test_b4_a_pick_not_yet_pushed_survives_a_change_of_the_lead(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"}, price=500)
    world.pull()
    assert (world.status(lead), world.row(lead)["Адрес"]) == ("Отказ", "ул. Новая, 1")
    world.push()

    assert (world.status(lead), world.stage_of(lead)) == ("Отказ", "Отказ")
    world.rest()


def test_b5_a_stale_look_does_not_undo_a_manager(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "У курера")
    world.once(world.amo_wire, is_of_lead(lead), lambda: world.move(lead, world.stage("Отказ")))
    world.push()
    world.pull()

    assert (world.patches(), world.stage_of(lead), world.status(lead)) == (0, "Отказ", "Отказ")
    assert [(entry.old, entry.new) for entry in world.history(lead, "conflict")] == [("У курера", "Отказ")]
    world.rest()


def test_b5_a_pick_wins_over_a_manager_where_the_settings_say_so(tmp_path: Path) -> None:
    world = World(tmp_path, CONFLICT_WINNER="sheet")
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "У курера")
    world.once(world.amo_wire, is_of_lead(lead), lambda: world.move(lead, world.stage("Отказ")))
    world.push()
    world.pull()

    assert (world.stage_of(lead), world.status(lead)) == ("Заказ отправлен", "У курера")
    assert len(world.history(lead, "conflict")) == 1
    world.rest()


@pytest.mark.parametrize("days", [0, 1, 7, 30])
def test_b6_a_pick_made_while_no_run_was_made_is_pushed(tmp_path: Path, days: int) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.clock.advance(days * DAY)
    world.pick(lead, "Отказ")
    world.clock.advance(days * DAY)
    world.push()

    assert (world.patches(), world.stage_of(lead)) == (1, "Отказ")
    world.rest()


@pytest.mark.parametrize("answer", [answers.html_502(), answers.json_500_amo(), answers.html_429(), answers.json_402_amo()])
def test_b6_a_push_that_failed_is_tried_again(tmp_path: Path, answer: Answer) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.amo_wire.rule = where(is_move, Fault(Manner.REFUSED, answer))
    assert world.code(world.push) == ExitCode.UNAVAILABLE
    world.amo_wire.rule = None
    world.push()

    assert (world.stage_of(lead), world.status(lead)) == ("Отказ", "Отказ")
    world.rest()


def test_b7_without_state_nothing_is_pushed(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(100)]
    world.pull()
    forget_state(world)
    for lead in leads[:70]:
        world.pick(lead, "Отказ")
    first = world.push()
    baseline = world.pull()
    for _ in range(2):
        assert world.push().exit_code == ExitCode.DONE

    assert world.patches() == 0
    assert first.report.notices, "an empty state is said"
    assert baseline.exit_code == ExitCode.PARTIAL
    assert {waiting.lead_id for waiting in world.waiting("first meeting")} == set(leads[:70])
    assert len(world.agreed()) == 100
    world.assert_silent()


def test_b7_a_pick_after_the_first_meeting_goes_through(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    forget_state(world)
    world.pick(lead, "Отказ")
    world.pull()
    world.push()
    world.pick(lead, "У курера")
    world.pick(other, "Отказ")
    world.push()

    assert (world.stage_of(lead), world.stage_of(other)) == ("Заказ отправлен", "Отказ")
    assert world.waiting() == []
    world.rest()


def test_b8_what_people_typed_survives_every_change_of_the_lead(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Адрес": "ул. Старая, 2"})
    world.pull()
    world.person.insert_columns(3)
    world.person.type_at(1, 3, "Заметка")
    world.person.type("Заметка", "позвонить в 5", lead=lead)
    world.person.type("Заказ №", "007/2", lead=lead)
    world.person.type("Адрес", "ул. Старая, 2, кв. 5", lead=lead)
    world.account.edit_lead(lead, name="Анна К.", price=900, fields={"Продукт 1": "Чай"})
    world.move(lead, world.stage("Заказ отправлен"))
    world.pull()

    row = world.row(lead)
    assert (row["Заметка"], row["Заказ №"], row["Адрес"]) == ("позвонить в 5", "007/2", "ул. Старая, 2, кв. 5")
    assert (row["Продукт 1"], row["Бюджет сделки"], row[STATUS]) == ("Чай", 900, "У курера")
    world.rest()


def test_b8_a_typed_value_that_amocrm_overrules_stands_in_the_history(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Адрес": "ул. Старая, 2"})
    world.pull()
    world.person.type("Адрес", "моя правка", lead=lead)
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.pull()

    assert world.row(lead)["Адрес"] == "ул. Новая, 1"
    assert [(entry.old, entry.new) for entry in world.history(lead, "conflict")] == [("моя правка", "ул. Новая, 1")]
    world.rest()


@pytest.mark.parametrize("what", ["contacts", "companies"])
@pytest.mark.parametrize("trouble", ["500", "omitted"])
def test_b9_details_that_cannot_be_read_blank_no_cell(tmp_path: Path, what: str, trouble: str) -> None:
    world = World(tmp_path)
    company = world.account.add_company("Acme")
    lead = world.lead("Анна", phone="+998 00 000-00-01", company=company)
    other = world.lead("Борис")
    world.pull()
    before = world.row(lead)
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.account.edit_lead(other, fields={"Адрес": "ул. Новая, 2"})
    if trouble == "500":
        world.amo_wire.rule = where(lambda request: f"/{what}" in request.path, Fault(Manner.REFUSED, answers.json_500_amo()))
    else:
        contact = world.account.leads.current[lead].contacts[0].contact_id
        world.amo.knobs.bulk_omits = {contact, company}
        by_id = (f"/{what}/{contact}", f"/{what}/{company}")
        world.amo_wire.rule = where(lambda r: r.path.endswith(by_id), Fault(Manner.REFUSED, answers.json_500_amo()))
    code = world.code(world.pull)
    during = world.row(lead)
    world.amo_wire.rule = None

    assert code == ExitCode.UNAVAILABLE
    assert during == before
    assert world.row(other)["Адрес"] == "ул. Новая, 2"
    world.rest()
    assert world.row(lead) == {**before, "Адрес": "ул. Новая, 1"}


def test_b9_a_lead_that_cannot_be_read_keeps_its_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", phone="+998 00 000-00-01", price=100)
    world.pull()
    before = world.row(lead)
    world.account.edit_lead(lead, price=200)
    world.amo_wire.rule = always(Fault(Manner.REFUSED, answers.html_502()))
    codes = [world.code(world.pull), world.code(lambda: world.pull(full=True))]
    world.amo_wire.rule = None

    assert codes == [ExitCode.UNAVAILABLE] * 2
    assert world.row(lead) == before
    world.rest()
    assert world.row(lead) == {**before, "Бюджет сделки": 200}


@pytest.mark.parametrize("name", ["Отказ", "Заказ отправлен", "Консультация"])
def test_b10_a_lead_without_a_row_is_not_tracked(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    world.pull()
    lead = world.lead("Анна", world.stage(name))
    world.pull()
    world.move(lead, (world.shop, 142))
    world.pull()

    assert (world.ids(), world.agreed()) == ([], {})
    world.rest()
    assert world.agreed() == {}


@pytest.mark.parametrize("missing", ["204", "404"])
@pytest.mark.parametrize("end", ["trashed", "merged"])
def test_b11_a_lead_that_is_gone_is_asked_for_once(tmp_path: Path, missing: str, end: str) -> None:
    world = World(tmp_path)
    world.amo.knobs.missing_lead = missing  # type: ignore[assignment]
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    if end == "trashed":
        world.account.trash_lead(lead)
    else:
        world.account.merge_leads(other, lead)
    world.pick(lead, "Отказ")
    outcomes = [world.push() for _ in range(3)]

    assert [outcome.exit_code for outcome in outcomes] == [ExitCode.PARTIAL, ExitCode.DONE, ExitCode.DONE]
    assert [outcome.amo_requests for outcome in outcomes] == [1, 0, 0]
    assert (world.patches(), world.ids(), world.status(lead)) == (0, [lead, other], "Отказ")
    world.pull()
    world.assert_silent()


@pytest.mark.parametrize("patch_missing", ["404", "errors"])
def test_b11_a_lead_that_vanishes_right_before_its_move(tmp_path: Path, patch_missing: str) -> None:
    world = World(tmp_path)
    world.amo.knobs.patch_missing = patch_missing  # type: ignore[assignment]
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.pick(lead, "Отказ")
    world.pick(other, "Отказ")
    world.once(world.amo_wire, is_move, lambda: world.account.trash_lead(lead))
    assert world.push().exit_code == ExitCode.PARTIAL
    patches = world.patches()
    outcomes = [world.push() for _ in range(3)]

    assert {outcome.exit_code for outcome in outcomes} == {ExitCode.DONE}
    assert sum(outcome.amo_requests for outcome in outcomes) <= 1
    assert (world.patches(), world.stage_of(other)) == (patches, "Отказ")
    world.pull()
    world.assert_silent()


def test_b12_a_pipeline_without_the_stage_costs_nothing_and_is_listed(tmp_path: Path) -> None:
    world = World(tmp_path)
    bare = world.account.add_pipeline("Davron - Sotuv Demo", [TRIGGER, "Заказ отправлен"])
    lead = world.lead("Анна", world.stage(TRIGGER, bare))
    world.pull()
    world.pick(lead, "Отказ")
    outcomes = [world.push() for _ in range(3)]

    assert [outcome.exit_code for outcome in outcomes] == [ExitCode.PARTIAL, ExitCode.DONE, ExitCode.DONE]
    assert [outcome.amo_requests for outcome in outcomes[1:]] == [0, 0]
    assert "Отказ" in outcomes[0].report.named[0]
    assert "Davron - Sotuv Demo" in outcomes[0].report.named[0]
    assert [(waiting.lead_id, waiting.kind) for waiting in world.waiting()] == [(lead, "missing stage")]
    assert (world.patches(), world.status(lead)) == (0, "Отказ")
    world.pull()
    world.assert_silent()


def test_b12_once_the_stage_is_made_the_pick_goes_through(tmp_path: Path) -> None:
    world = World(tmp_path)
    bare = world.account.add_pipeline("Davron - Sotuv Demo", [TRIGGER, "Заказ отправлен"])
    lead = world.lead("Анна", world.stage(TRIGGER, bare))
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.account.add_stage(bare, "OTKAZ")
    world.clock.advance(3600)
    world.pull()
    world.push()

    assert (world.stage_of(lead), world.status(lead), world.waiting()) == ("OTKAZ", "Отказ", [])
    world.rest()


def test_b13_a_lead_finished_long_ago_is_left_alone_and_comes_back_when_reopened(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, (world.shop, 142))
    world.pull()
    world.clock.advance(30 * DAY)
    world.push()
    world.pull()
    assert (world.patches(), world.status(lead)) == (0, "Успешно")

    world.move(lead, world.stage("Отказ"))
    world.pull()
    assert world.status(lead) == "Отказ"
    world.pick(lead, "В процессе")
    world.push()

    assert world.stage_of(lead) == TRIGGER
    world.rest()


@pytest.mark.parametrize("seconds", [0, 20])
def test_b14_there_and_back_shows_where_the_lead_stands(tmp_path: Path, seconds: int) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Отказ"))
    world.pull()
    world.clock.advance(5)
    world.move(lead, world.trigger)
    world.clock.advance(seconds)
    world.move(lead, world.stage("Отказ"))
    world.clock.advance(seconds)
    world.move(lead, world.trigger)
    world.pull()

    assert world.status(lead) == "В процессе"
    world.rest()


def test_b14_a_second_move_within_the_second_of_the_first_is_seen(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    # The lead is moved again in the very second in which the list has just shown it.
    world.amo.knobs.second_edit = {lead: [world.stage("Заказ отправлен")]}
    world.clock.advance(60)
    world.amo.knobs.rate_limit = None
    world.once(world.amo_wire, lambda request: True, lambda: world.move(lead, world.stage("Отказ")))
    world.pull()
    world.pull()

    assert world.stage_of(lead) == "Заказ отправлен"
    assert world.status(lead) == "У курера"
    world.rest()


@pytest.mark.parametrize("is_moment", [is_insert, is_cell_write])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(Manner.REFUSED, answers.json_503()),
        Fault(Manner.CUT_BEFORE),
        Fault(Manner.TIMEOUT_BEFORE),
        Fault(Manner.REFUSED, answers.html_504()),
    ],
    ids=lambda fault: fault.manner.value,
)
def test_b15_the_cursor_never_passes_a_lead_that_was_not_written(
    tmp_path: Path, fault: Fault, is_moment: Callable[[Request], bool]
) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    new = world.lead("Новый")
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.sheets_wire.rule = times(10, fault, is_moment)
    with suppress(AmoGsheetError):
        world.pull()
    world.sheets_wire.rule = None
    world.clock.advance(2 * DAY)
    later = world.lead("Позже")
    world.pull()

    assert sorted(world.ids(), key=str) == [lead, new, later]
    assert world.row(lead)["Адрес"] == "ул. Новая, 1"
    world.rest()
