"""Which tracked leads have their row, which rows are new, doubled, back or gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.model import SheetLook
from amo2gsheet.sync.presence import DELETED, SEEN, VANISHED, Presence, find_rows
from tests.sync_bench import HEADER, settled, state_of
from tests.world import STATUS, World


def _with_rows(tmp_path: Path, count: int = 3, **settings: str) -> tuple[World, list[int]]:
    world = World(tmp_path, **settings)
    leads = [world.lead(f"Клиент {number}") for number in range(count)]
    world.pull()
    return world, leads


def _missing(world: World, leads: list[int]) -> list[int]:
    with state_of(world) as state:
        bases = state.bases(leads)
    return [bases[lead].missing for lead in leads]


def _kinds(world: World) -> list[tuple[int, str]]:
    with state_of(world) as state:
        return [(waiting.lead_id, waiting.kind) for waiting in state.waiting()]


# --- one look ---


def test_rows_are_sorted_by_lead() -> None:
    look = SheetLook(
        HEADER,
        False,
        {
            2: (11, "Отказ"),
            3: (" 12 ", None),
            4: ("Итого", "5"),
            5: (13, "Отказ"),
            6: ("13.0", "Успешно"),
            9: ("14", ""),
            12: ("всё", None),
        },
    )

    expected = Presence({11: 2, 12: 3, 14: 9}, {13: (5, 6)}, {11: "Отказ", 12: None, 14: ""}, 9, 12)
    assert expected == find_rows(look)
    assert [True, True, False] == [expected.has(lead) for lead in (11, 13, 15)]


def test_a_doubled_id_is_the_last_one_too_and_other_texts_are_none() -> None:
    found = find_rows(SheetLook(HEADER, False, {2: (11, None), 3: (12, None), 4: ("12", None), 5: ("ИТОГО", 2)}))

    assert (4, 5) == (found.last_lead_row, found.last_row)
    assert (1, 3) == ((texts := find_rows(SheetLook(HEADER, False, {3: ("ИТОГО", 0)}))).last_lead_row, texts.last_row)


@pytest.mark.parametrize(("header", "last_row"), [(HEADER, 1), (None, 0)])
def test_a_table_without_rows_ends_at_its_header(header: object, last_row: int) -> None:
    assert Presence({}, {}, {}, last_row, last_row) == find_rows(SheetLook(HEADER if header else None, False, {}))


# --- deleted rows ---


def test_a_row_counts_as_deleted_when_two_runs_in_a_row_have_not_seen_it(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    gone = leads[1]
    world.person.delete_row(gone)

    first, after_first = world.push(), _missing(world, leads)
    second, after_second = world.push(), _missing(world, leads)
    third, after_third = world.push(), _missing(world, leads)

    assert ([0, 1, 0], [0, DELETED, 0], [0, DELETED, 0]) == (after_first, after_second, after_third)
    said = f"the row of lead {gone} was deleted; it comes back when the lead enters a trigger stage again"
    assert ([], [said], []) == (first.report.notices, second.report.notices, third.report.notices)
    assert ExitCode.DONE == second.exit_code
    with state_of(world) as state:
        assert ["row deleted"] == [entry.kind for entry in state.history(gone) if entry.kind != "row added"]


def test_a_run_counts_once_however_often_it_looks(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.delete_row(leads[1])
    world.lead("Новый")
    world.account.edit_lead(leads[0], name="Другое имя")

    world.pull()

    assert [0, 1, 0] == _missing(world, leads)


def test_a_row_missed_once_and_seen_again_is_nothing(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    version = world.person.version()
    world.person.delete_row(leads[1])
    world.push()
    world.person.restore_version(version)
    world.push()
    world.person.delete_row(leads[1])
    world.push()

    assert [0, 1, 0] == _missing(world, leads)


def test_a_deleted_row_stays_deleted_though_its_lead_changes(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.delete_row(leads[1])
    settled(world)
    world.account.edit_lead(leads[1], name="Другое имя")
    world.move(leads[1], world.stage("Заказ отправлен"))

    settled(world)
    world.pull(full=True)

    assert [leads[0], leads[2]] == world.ids()


def test_a_deleted_row_comes_back_when_its_lead_enters_the_trigger_again(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.delete_row(leads[1])
    world.move(leads[1], world.stage("Заказ отправлен"))
    settled(world)
    world.move(leads[1], world.trigger)

    settled(world)

    assert ([leads[0], leads[2], leads[1]], "В процессе") == (world.ids(), world.status(leads[1]))


def test_a_deleted_row_comes_back_though_its_lead_left_the_trigger_between_two_runs(tmp_path: Path) -> None:
    """In the trigger stage before and after: only the events tell that it came in anew."""
    world, leads = _with_rows(tmp_path)
    world.person.delete_row(leads[1])
    settled(world)
    world.move(leads[1], world.stage("Консультация"))
    world.clock.advance(5)
    world.move(leads[1], world.trigger)

    settled(world)

    assert [leads[0], leads[2], leads[1]] == world.ids()


def test_a_row_that_comes_in_again_before_it_counts_as_deleted_is_made_at_once(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.move(leads[1], world.stage("Консультация"))
    world.pull()
    world.person.delete_row(leads[1])
    world.move(leads[1], world.trigger)

    settled(world)

    assert sorted(leads) == sorted(int(str(lead)) for lead in world.ids())


def test_a_changed_lead_whose_row_may_only_be_out_of_sight_waits_a_run(tmp_path: Path) -> None:
    """Somebody cut the row and pastes it elsewhere in the next minute."""
    world, leads = _with_rows(tmp_path)
    version = world.person.version()
    world.person.delete_row(leads[1])
    world.move(leads[1], world.stage("Заказ отправлен"))
    world.pull()
    world.person.restore_version(version)

    settled(world)

    assert (leads, "У курера") == (world.ids(), world.status(leads[1]))


def test_a_row_that_is_back_goes_on_where_it_was(tmp_path: Path) -> None:
    """A pick made in it before it was deleted is carried over, and what amoCRM changed meanwhile is written."""
    world, leads = _with_rows(tmp_path)
    version = world.person.version()
    world.person.delete_row(leads[1])
    settled(world)
    world.account.edit_lead(leads[1], fields={"Адрес": "ул. Новая"})
    settled(world)
    world.person.restore_version(version)
    world.pick(leads[1], "Отказ")

    settled(world)

    assert ("Отказ", "ул. Новая") == (world.stage_of(leads[1]), world.person.see("Адрес", lead=leads[1]))


# --- many at once ---


def test_rows_that_vanish_many_at_once_are_named_and_not_taken_for_deleted(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 5, PUSH_LIMIT="2")
    world.person.delete_rows(2, 3)

    first, second = world.push(), world.push()

    assert (ExitCode.PARTIAL, ExitCode.DONE) == (first.exit_code, second.exit_code)
    assert "3 rows vanished at once" in first.report.named[0]
    assert [VANISHED] * 3 + [SEEN] * 2 == _missing(world, leads)
    assert [(lead, "vanished") for lead in leads[:3]] == _kinds(world)


def test_just_so_many_rows_are_deleted_one_by_one(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 5, PUSH_LIMIT="2")
    world.person.delete_rows(2, 2)

    world.push()

    assert [1, 1, 0, 0, 0] == _missing(world, leads)


def test_rows_that_come_back_are_no_longer_waited_for(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 5, PUSH_LIMIT="2")
    version = world.person.version()
    world.person.delete_rows(2, 3)
    world.push()
    world.person.restore_version(version)

    settled(world)

    assert ([SEEN] * 5, [], leads) == (_missing(world, leads), [], world.ids())
    assert [] == _kinds(world)


def test_a_forced_pull_puts_back_those_whose_lead_stands_in_the_trigger(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 5, PUSH_LIMIT="2")
    world.move(leads[0], world.stage("Заказ отправлен"))
    world.pull()
    world.person.delete_rows(2, 3)
    world.push()

    world.pull(force=True)

    assert {*leads[1:]} == set(world.ids())
    assert [DELETED, SEEN, SEEN, SEEN, SEEN] == _missing(world, leads)
    assert [] == _kinds(world)


def test_a_forced_pull_that_sees_them_vanish_itself_puts_them_back_at_once(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 5, PUSH_LIMIT="2")
    world.person.delete_rows(2, 3)

    outcome = world.pull(force=True)

    assert (set(leads), ExitCode.DONE) == (set(world.ids()), outcome.exit_code)
    assert [] == _kinds(world)


def test_a_vanished_row_is_not_put_back_without_force(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 5, PUSH_LIMIT="2")
    world.person.delete_rows(2, 3)
    world.account.edit_lead(leads[0], name="Другое имя")

    settled(world)
    world.pull(full=True)

    assert leads[3:] == world.ids()


# --- doubled ---


def test_a_doubled_id_is_named_once_and_left_alone(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.duplicate_row(lead=leads[1])
    world.person.pick(STATUS, "Отказ", row=4)
    world.account.edit_lead(leads[1], fields={"Адрес": "ул. Новая"})

    outcomes = [run() for run in (world.push, world.pull, world.push, world.pull)]

    assert [ExitCode.PARTIAL, ExitCode.DONE, ExitCode.DONE, ExitCode.DONE] == [outcome.exit_code for outcome in outcomes]
    said = f"lead {leads[1]} stands in several rows (3, 4); none is touched until one of them is removed"
    assert [said] == outcomes[0].report.named
    assert ([(leads[1], "doubled ID")], 0) == (_kinds(world), world.patches())
    assert [None, None] == [world.person.see("Адрес", row=row) for row in (3, 4)]
    assert 4 == len(world.ids())


def test_a_third_row_is_named_anew(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.duplicate_row(lead=leads[1])
    world.push()
    world.person.duplicate_row(lead=leads[1])

    assert ["(3, 4, 5)"] == [name.split("rows ")[1].split(";")[0] for name in world.push().report.named]


def test_what_is_single_again_is_gone_on_with(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.duplicate_row(lead=leads[1])
    world.account.edit_lead(leads[1], fields={"Адрес": "ул. Новая"})
    world.pull()
    world.person.delete_rows(4)

    settled(world)

    assert ("ул. Новая", []) == (world.person.see("Адрес", lead=leads[1]), _kinds(world))


# --- made by hand ---


def test_an_id_typed_by_hand_is_filled_in(tmp_path: Path) -> None:
    """Also of a lead that stands in no trigger stage; what stands in the row is left."""
    world, _ = _with_rows(tmp_path)
    lead = world.lead("Своя", world.stage("Заказ отправлен"), fields={"Адрес": "ул. Новая"})
    world.person.type("ID", str(lead), row=5)
    world.person.type("Ф.И.О.", "Моя", row=5)

    settled(world)

    see = world.person.see
    assert ("Моя", "ул. Новая", "У курера") == (see("Ф.И.О.", row=5), see("Адрес", row=5), see(STATUS, row=5))
    assert [(lead, "first meeting")] == _kinds(world)


def test_a_mistyped_id_is_named_once_and_costs_nothing_later(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.person.type("ID", "999", row=5)
    world.push()

    named = world.pull()

    assert ["lead 999 is not in amoCRM (deleted, merged, or a mistyped ID); its row is left as it is"] == named.report.named
    assert [(999, "no such lead")] == _kinds(world)
    assert (0, 1) == (world.push().amo_requests, world.pull().amo_requests)
    assert None is world.person.see(STATUS, row=5)
