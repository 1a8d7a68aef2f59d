"""Recovery: what an earlier run left open is found out by reading, and nothing is sent again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode, UnavailableError
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, where
from tests.sync_bench import (
    CUT_AFTER,
    CUT_BEFORE,
    KILL_AFTER,
    KILL_BEFORE,
    is_insert,
    is_patch,
    is_rows,
    is_write,
    once,
    settled,
    state_of,
    stopped,
)
from tests.world import World, is_cell_write


def _picked(tmp_path: Path, **settings: str) -> tuple[World, int]:
    world = World(tmp_path, **settings)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    return world, lead


def _kinds(world: World) -> list[str]:
    with state_of(world) as state:
        return [intent.kind for intent in state.open_intents()]


# --- moves ---


@pytest.mark.parametrize(
    "fault", [KILL_AFTER, CUT_AFTER, Fault(Manner.FAILED_AFTER, answers.html_502())], ids=["kill", "cut", "502"]
)
def test_a_move_that_was_carried_out_unseen_is_not_sent_again(tmp_path: Path, fault: Fault) -> None:
    world, lead = _picked(tmp_path)
    world.amo_wire.rule = where(is_patch, fault)
    stopped(world.push)
    patches = world.patches()

    settled(world)

    assert ("Отказ", "Отказ", patches, []) == (world.stage_of(lead), world.status(lead), world.patches(), _kinds(world))


def test_a_conflict_whose_move_was_carried_out_unseen_stands_in_the_history(tmp_path: Path) -> None:
    world, lead = _picked(tmp_path, CONFLICT_WINNER="sheet")
    world.move(lead, world.stage("Заказ отправлен"))
    world.amo_wire.rule = where(is_patch, KILL_AFTER)
    stopped(world.push)

    settled(world)

    assert [("У курера", "Отказ")] == [(entry.old, entry.new) for entry in world.history(lead, "conflict")]


@pytest.mark.parametrize("fault", [KILL_BEFORE, CUT_BEFORE], ids=["kill", "cut"])
def test_a_move_that_was_not_carried_out_is_planned_anew(tmp_path: Path, fault: Fault) -> None:
    world, lead = _picked(tmp_path)
    world.amo_wire.rule = where(is_patch, fault)
    stopped(world.push)
    patches = world.patches()

    settled(world)

    assert ("Отказ", "Отказ", patches + 1, []) == (world.stage_of(lead), world.status(lead), world.patches(), _kinds(world))


def test_a_move_that_was_not_carried_out_is_sent_and_told_of_once(tmp_path: Path) -> None:
    world, lead = _picked(tmp_path)
    world.amo_wire.rule = once(is_patch, KILL_BEFORE)
    stopped(world.push)

    assert (ExitCode.DONE, "Отказ") == (world.push().exit_code, world.stage_of(lead))
    assert [("В процессе", "Отказ")] == [(entry.old, entry.new) for entry in world.history(lead, "moved")]


@pytest.mark.parametrize("by_pull", [True, False])
def test_a_manager_s_move_after_an_unseen_one_is_followed(tmp_path: Path, by_pull: bool) -> None:
    """The lead came by where it was sent to, its events say, and went on: that is amoCRM's move, and no pick is sent."""
    world, lead = _picked(tmp_path, CONFLICT_WINNER="sheet")
    world.amo_wire.rule = once(is_patch, KILL_AFTER)
    stopped(world.push)
    world.clock.advance(30)
    world.move(lead, world.stage("Заказ отправлен"))
    if by_pull:
        world.pull()

    settled(world)

    assert ("Заказ отправлен", "У курера", 1) == (world.stage_of(lead), world.status(lead), world.patches())


def test_without_the_right_to_events_an_unseen_move_that_went_on_is_a_conflict(tmp_path: Path) -> None:
    world, lead = _picked(tmp_path)
    world.amo.knobs.events_forbidden = True
    world.amo_wire.rule = once(is_patch, KILL_AFTER)
    stopped(world.push)
    world.move(lead, world.stage("Заказ отправлен"))

    settled(world)

    assert ("Заказ отправлен", "У курера", 1) == (world.stage_of(lead), world.status(lead), world.patches())
    with state_of(world) as state:
        assert ["Отказ"] == [entry.old for entry in state.conflicts()]


def test_an_unseen_move_of_a_lead_that_is_gone_is_dropped(tmp_path: Path) -> None:
    world, lead = _picked(tmp_path)
    world.amo_wire.rule = once(is_patch, KILL_AFTER)
    stopped(world.push)
    world.account.trash_lead(lead)

    world.push()

    assert [] == _kinds(world)


def test_intents_stay_while_amocrm_does_not_answer(tmp_path: Path) -> None:
    world, lead = _picked(tmp_path)
    world.amo_wire.rule = once(is_patch, KILL_AFTER)
    stopped(world.push)
    world.amo_wire.rule = where(lambda request: True, Fault(Manner.REFUSED, answers.html_504()))

    assert ExitCode.UNAVAILABLE == world.code(world.push)

    assert ["moves"] == _kinds(world)
    world.amo_wire.rule = None
    settled(world)
    assert ("Отказ", 1, []) == (world.stage_of(lead), world.patches(), _kinds(world))


def test_one_lead_that_gives_no_answer_keeps_nothing_else_from_being_settled(tmp_path: Path) -> None:
    world, lead = _picked(tmp_path)
    world.amo_wire.rule = once(is_patch, KILL_AFTER)
    stopped(world.push)
    broken = Fault(Manner.REFUSED, answers.html_504())
    world.amo_wire.rule = where(lambda request: request.path.endswith(f"/leads/{lead}"), broken)
    other = world.lead("Вера")

    codes = [world.code(world.pull)]
    world.clock.advance(3600)
    codes.append(world.code(world.pull))

    assert [ExitCode.UNAVAILABLE] * 2 == codes
    assert other in world.ids()
    assert ["moves"] == _kinds(world)
    assert "Отказ" == world.status(lead)
    world.amo_wire.rule = None
    settled(world)
    assert ("Отказ", 1, []) == (world.stage_of(lead), world.patches(), _kinds(world))
    assert 1 == len(world.history(lead, "moved"))


def test_many_leads_that_give_no_answer_end_the_run_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Заказ {number}") for number in range(5)]
    world.pull()
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo_wire.rule = once(is_patch, KILL_AFTER)
    stopped(world.push)
    asked: list[str] = []

    def refuse(_number: int, request: Request) -> Fault:
        asked.append(request.path)
        return Fault(Manner.REFUSED, answers.html_504())

    world.amo_wire.rule = refuse

    with pytest.raises(UnavailableError):
        world.push()

    assert 3 == len(set(asked))
    assert ["moves"] == _kinds(world)


def test_a_move_that_surely_was_not_carried_out_leaves_no_intent(tmp_path: Path) -> None:
    world, _ = _picked(tmp_path)
    world.amo_wire.rule = where(is_patch, Fault(Manner.REFUSED, answers.html_429()))

    with pytest.raises(UnavailableError):
        world.push()

    assert [] == _kinds(world)


# --- cells and rows ---


def test_push_settles_what_a_killed_pull_left_open(tmp_path: Path) -> None:
    """Else the cell that `pull` wrote would pass for a pick."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, KILL_AFTER)
    stopped(world.pull)
    world.move(lead, world.stage("Консультация"))

    world.push()

    assert (0, []) == (world.patches(), _kinds(world))
    settled(world)
    assert ("Консультация", "Консультация") == (world.stage_of(lead), world.status(lead))


def test_an_open_intent_survives_that_its_tab_is_gone_for_a_while(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, KILL_AFTER)
    stopped(world.pull)
    snapshot = world.sheets.snapshot()
    world.person.add_tab("Другая")
    world.person.delete_tab()

    assert ExitCode.UNUSABLE_SHEET == world.code(world.push)
    assert ["cells"] == _kinds(world)

    world.sheets.restore(snapshot)
    settled(world)
    assert ("У курера", []) == (world.status(lead), _kinds(world))


def test_a_tab_that_is_renamed_while_it_is_settled_is_settled_by_the_next_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, KILL_AFTER)
    stopped(world.pull)

    def hand(_number: int, request: object) -> None:
        if "values:batchGet" in str(request):
            world.sheets_wire.before_each = None
            world.person.rename_tab("Заказы")

    world.sheets_wire.before_each = hand
    world.code(world.push)

    settled(world)

    assert ("У курера", [], 0) == (world.status(lead), _kinds(world), world.patches())


def test_a_header_that_was_made_unseen_is_not_made_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.sheets_wire.rule = once(is_insert, KILL_AFTER)
    stopped(world.pull)

    settled(world)

    assert (["ID"], 1, []) == ([row[0] for row in world.sheets.table() if row[0] == "ID"], len(world.ids()), _kinds(world))


@pytest.mark.parametrize("fault", [KILL_BEFORE, CUT_BEFORE, CUT_AFTER], ids=["killed before", "cut before", "cut after"])
def test_a_header_is_made_once_whatever_became_of_the_first_try(tmp_path: Path, fault: Fault) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.sheets_wire.rule = once(is_insert, fault)
    world.code(world.pull) if fault is not KILL_BEFORE else stopped(world.pull)

    settled(world)

    assert (["ID"], 1, []) == ([row[0] for row in world.sheets.table() if row[0] == "ID"], len(world.ids()), _kinds(world))


def test_a_header_that_lands_after_the_next_run_has_looked_is_taken_as_it_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.sheets_wire.rule = once(is_insert, Fault(Manner.LATE, after=4))
    assert ExitCode.UNAVAILABLE == world.code(world.pull)

    assert ExitCode.DONE == world.code(world.pull)

    assert ([lead], []) == (world.ids(), _kinds(world))
    settled(world)


def test_a_deleted_row_that_was_put_back_unseen_stands_in_the_history(tmp_path: Path) -> None:
    world, lead = _picked(tmp_path)
    world.person.delete_row(lead)
    for run in (world.push, world.push):
        run()
    world.move(lead, world.stage("Консультация"))
    world.pull()
    world.move(lead, world.trigger)
    world.sheets_wire.rule = once(is_rows, KILL_AFTER)
    stopped(world.pull)

    settled(world)

    assert ([lead], 2) == (world.ids(), len(world.history(lead, "row added")))


def test_nothing_is_settled_where_nothing_is_open(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()

    assert (0, 1) == (world.push().amo_requests, world.push().sheet_requests)


def test_an_insert_into_a_tab_that_is_gone_with_nothing_tracked_is_left_to_the_next_pull(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.sheets_wire.rule = once(is_rows, KILL_BEFORE)
    stopped(world.pull)
    world.person.add_tab("Другая")
    world.person.delete_tab()

    assert ExitCode.DONE == world.push().exit_code

    settled(world)
    assert ([lead], []) == (world.ids(), _kinds(world))


def test_a_value_that_strays_at_a_second_try_gives_back_what_was_typed_between_the_tries(tmp_path: Path) -> None:
    """The first try's look before it knows less than the second's."""
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    world.account.edit_lead(leads[0], fields={"Адрес": "ул. Новая, 1"})
    tries: list[int] = []

    def hand(number: int, request: Request) -> None:
        tries.extend([number] * is_cell_write(request))
        if is_cell_write(request) and len(tries) == 2:
            world.sheets_wire.before_each = None
            world.person.move_row(2, lead=leads[1])
        elif tries and not is_cell_write(request):
            world.person.type("Адрес", "ул. Тихая, 2", lead=leads[1])

    def rule(_number: int, request: Request) -> Fault | None:
        faults = [CUT_BEFORE, KILL_AFTER]
        return faults[len(tries)] if is_cell_write(request) and len(tries) < 2 else None

    world.sheets_wire.before_each, world.sheets_wire.rule = hand, rule
    stopped(world.pull)
    world.sheets_wire.rule = None
    world.pull()

    assert (2, "ул. Тихая, 2") == (len(tries), world.row(leads[1])["Адрес"])


@pytest.mark.parametrize("fault", [KILL_AFTER, CUT_AFTER], ids=["kill", "cut"])
def test_a_value_written_over_unseen_stands_in_the_history_though_the_cell_was_changed_again(
    tmp_path: Path, fault: Fault
) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.type("Адрес", "ул. Первая, 1", lead=lead)

    def again() -> None:
        world.person.type("Адрес", "ул. Вторая, 2", lead=lead)

    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.sheets_wire.rule = once(is_cell_write, fault)
    world.once(world.sheets_wire, lambda _request: world.row(lead)["Адрес"] == "ул. Новая, 1", again)
    with suppress(Killed):
        world.pull()
    again()
    world.sheets_wire.rule = world.sheets_wire.before_each = None
    settled(world)

    assert "ул. Первая, 1" in {entry.old for entry in world.history(lead)}


def test_a_cell_that_differs_goes_on_waiting_though_its_lead_was_moved(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", world.stage("Консультация"), fields={"Адрес": "ул. Новая, 1"})
    world.lead("Борис")
    world.pull()
    world.person.type("ID", str(lead), row=3)
    world.person.type("Адрес", "ул. Первая, 1", lead=lead)
    settled(world)
    assert [lead] == [waiting.lead_id for waiting in world.waiting("first meeting")]

    world.pick(lead, "Отказ")
    settled(world)

    assert "Отказ" == world.stage_of(lead)
    assert [lead] == [waiting.lead_id for waiting in world.waiting("first meeting")]


def test_a_lead_whose_move_nobody_can_tell_of_is_left_alone_until_it_is_known(tmp_path: Path) -> None:
    """What `pull` sees of it may be older or newer than the move: a pick that was carried out would pass for one that lost."""
    world, lead = _picked(tmp_path)
    world.amo_wire.rule = once(is_patch, KILL_AFTER)
    stopped(world.push)
    world.move(lead, world.stage("Заказ отправлен"))
    world.amo_wire.rule = where(lambda request: "/events" in request.path, Fault(Manner.REFUSED, answers.html_504()))

    codes = [world.code(world.pull), world.code(world.push)]

    assert [ExitCode.UNAVAILABLE] * 2 == codes
    assert "Отказ" == world.status(lead)
    assert 1 == world.patches()
    world.amo_wire.rule = None
    settled(world)
    assert ("У курера", "Заказ отправлен", 1) == (world.status(lead), world.stage_of(lead), world.patches())
    assert (1, 0) == (len(world.history(lead, "moved")), len(world.history(lead, "conflict")))
