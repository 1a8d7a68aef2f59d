"""Rarer turns of a shop's life: the guard, the old service's state, another tab, waiting rows, people's odd cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.state import RunLock
from tests.world import STATUS, World

TRIGGER = "NOMERATSIYALANMAGAN ZAKAZ"
SENT = "Заказ отправлен"
ADDRESS = "Адрес"


def picked(world: World, count: int, text: str = "Отказ") -> list[int]:
    """So many leads with a row, in each of which somebody picked that text."""
    leads = [world.lead(f"Клиент {number}") for number in range(count)]
    world.pull()
    for lead in leads:
        world.pick(lead, text)
    return leads


def test_a_mass_move_is_held_once_and_locks_nobody_out(tmp_path: Path) -> None:
    world = World(tmp_path, PUSH_LIMIT="5")
    leads = picked(world, 12)
    codes = [world.push().exit_code, world.push().exit_code]
    assert (codes, world.patches()) == ([ExitCode.HELD_BACK, ExitCode.DONE], 0)

    world.pick(leads[0], "У курера")
    later = world.lead("Новый")
    world.pull()
    world.pick(later, "Отказ")
    assert world.push().exit_code == ExitCode.DONE
    assert (world.stage_of(leads[0]), world.stage_of(later), world.stage_of(leads[1])) == (SENT, "Отказ", TRIGGER)

    world.push(force=True)
    assert {world.stage_of(lead) for lead in leads[1:]} == {"Отказ"}
    assert world.waiting() == []
    world.rest()


def test_what_is_held_is_told_in_the_sheet_until_it_went_through(tmp_path: Path) -> None:
    world = World(tmp_path, PUSH_LIMIT="1")
    world.person.paste("A1", [["ID", "статус", "Синхронизация"]])
    leads = picked(world, 3)
    world.push()
    world.pull()
    assert {row["Синхронизация"] for row in world.rows()} == {"ждёт подтверждения"}

    world.pick(leads[0], "В процессе")
    world.push(force=True)
    world.pull()
    assert {row["Синхронизация"] for row in world.rows()} == {None}
    world.rest()


@pytest.mark.parametrize("trouble", ["doubled", "gone"])
def test_a_row_that_waits_says_why_in_its_own_column(tmp_path: Path, trouble: str) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["ID", "статус", "Синхронизация"]])
    lead = world.lead("Анна")
    world.pull()
    if trouble == "doubled":
        world.person.duplicate_row(lead=lead)
    else:
        world.account.trash_lead(lead)
        world.pick(lead, "Отказ")
    for _ in range(2):
        world.push()
        world.pull()

    told = {"doubled": "ID дважды", "gone": "нет такой сделки в amoCRM"}[trouble]
    assert {row["Синхронизация"] for row in world.rows()} == {told}


def test_edits_made_while_the_old_service_was_replaced_are_pushed(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(4)]
    world.pull()
    for path in tmp_path.glob(".amo2gsheet.sqlite3*"):
        path.unlink()
    statuses = {str(lead): "В процессе" for lead in leads}
    (tmp_path / ".sync_state.json").write_text(json.dumps({"sheet_status_by_lead": statuses}, ensure_ascii=False), "utf-8")
    world.pick(leads[0], "Отказ")
    world.move(leads[1], world.stage(SENT))
    world.pick(leads[2], "У курера")
    world.move(leads[2], world.stage("Отказ"))
    for _ in range(2):
        world.push()
        world.pull()

    assert [world.stage_of(lead) for lead in leads] == ["Отказ", SENT, "Отказ", TRIGGER]
    assert [world.status(lead) for lead in leads] == ["Отказ", "У курера", "Отказ", "В процессе"]
    world.rest()


def test_another_tab_under_the_name_needs_a_word_and_then_begins_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.rename_tab("Архив")
    fresh = world.person.add_tab("Sheet1")
    new = world.lead("Новый")
    codes = [world.code(world.pull), world.code(world.push)]
    assert ExitCode.UNUSABLE_SHEET in codes
    assert set(codes) <= {ExitCode.UNUSABLE_SHEET, ExitCode.DONE}

    world.pull(force=True)
    world.person = fresh
    assert world.ids() == [new]
    world.rest()
    world.move(lead, world.stage("Консультация"))
    world.pull()
    world.move(lead, world.trigger)
    world.pull()
    assert set(world.ids()) == {new, lead}
    world.rest()


def test_a_renamed_tab_is_followed_by_both_commands(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.rename_tab("Заказы '26")
    world.pick(lead, "Отказ")
    world.push()
    assert world.stage_of(lead) == "Отказ"

    new = world.lead("Новый")
    world.pull()
    assert world.ids() == [lead, new]
    world.rest()


def test_an_emptied_tab_begins_anew_by_force_only(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead("Анна"), world.lead("Борис")]
    world.pull()
    world.move(leads[1], world.stage(SENT))
    world.pull()
    world.person.clear_all()
    world.account.edit_lead(leads[0], name="Анна К.")
    assert world.code(world.pull) == ExitCode.UNUSABLE_SHEET

    planned = world.pull(force=True, dry=True).report.plan
    made = world.pull(force=True).report.plan
    assert (world.ids(), [line for line in planned if "new row" in line]) == ([leads[0]], made)
    world.rest()
    world.move(leads[1], world.trigger)
    world.pull()
    assert world.ids() == leads
    world.rest()


def test_a_deleted_tab_begins_anew_by_force_only(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead("Анна"), world.lead("Борис")]
    world.pull()
    world.person.add_tab("Другой")
    world.person.delete_tab()
    assert world.code(world.pull) in (ExitCode.UNUSABLE_SHEET, ExitCode.DONE)

    world.pull(force=True)
    world.pull()
    assert world.ids() == leads
    world.rest()


def test_a_changed_dropdown_setting_is_followed_where_the_list_is_ours(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.account.add_stage(world.shop, "Созвон")
    values = {"В процессе": 0, "У курера": 0, "Успешно": 0, "Отказ": 0, "Созвон": 0}
    world.set(DROPDOWN_STATUS_MAP_JSON=json.dumps(values, ensure_ascii=False))
    world.clock.advance(1200)
    world.pull()
    rule = world.validation(2)
    assert rule is not None
    assert [item["userEnteredValue"] for item in rule["condition"]["values"]] == list(values)

    world.pick(lead, "Созвон")
    world.push()
    assert world.stage_of(lead) == "Созвон"
    world.rest()


def test_a_stage_named_by_its_id_goes_first_where_the_pipeline_has_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    won = json.dumps({"В процессе": 0, "У курера": 0, "Успешно": 142, "Отказ": 143}, ensure_ascii=False)
    world.set(DROPDOWN_STATUS_MAP_JSON=won)
    first, second = world.lead("Анна"), world.lead("Борис", world.stage("Заказ без нумерации", world.base))
    world.pull()
    world.pick(first, "Успешно")
    world.pick(second, "Отказ")
    world.push()
    world.pull()

    assert (world.stage_of(first), world.stage_of(second)) == ("Успешно реализовано", "Закрыто и не реализовано")
    assert (world.status(first), world.status(second)) == ("Успешно", "Отказ")
    world.rest()


def test_a_run_that_finds_the_lock_held_says_so_and_does_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, LOCK_WAIT_SEC="1")
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    lock = RunLock(world.settings.state_db)
    lock.acquire(1, world.outside.clock, None)
    sent = world.amo_wire.count + world.sheets_wire.count
    codes = [world.code(world.push), world.code(world.pull)]
    lock.release()

    assert (codes, world.amo_wire.count + world.sheets_wire.count) == ([ExitCode.LOCKED] * 2, sent)
    world.rest()
    assert world.stage_of(lead) == "Отказ"


@pytest.mark.parametrize("typed", ["5", "ИСТИНА", "=1+1", "01.02.2026", "[/заказ]"])
def test_an_odd_status_cell_is_named_and_left(tmp_path: Path, typed: str) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.person.type(STATUS, typed, lead=lead)
    shown = world.status(lead)
    world.pick(other, "Отказ")
    assert world.push().exit_code == ExitCode.PARTIAL

    assert (world.stage_of(lead), world.stage_of(other), world.status(lead)) == (TRIGGER, "Отказ", shown)
    world.pull()
    world.assert_silent()
    world.move(lead, world.stage(SENT))
    world.pull()
    assert world.status(lead) == "У курера"
    world.rest()


@pytest.mark.parametrize("winner", ["amo", "sheet"])
def test_a_text_that_stands_for_no_stage_never_wins(tmp_path: Path, winner: str) -> None:
    world = World(tmp_path, CONFLICT_WINNER=winner)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "позвонить")
    world.move(lead, world.stage(SENT))
    world.push()
    world.pull()

    assert (world.status(lead), world.patches()) == ("У курера", 0)
    assert [entry.old for entry in world.history(lead, "conflict")] == ["позвонить"]
    world.rest()


def test_a_formula_typed_into_a_cell_of_ours_stays_until_amocrm_changes(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", price=100)
    world.pull()
    world.person.type("Бюджет сделки", "=1+1", lead=lead)
    world.person.write_formula(ADDRESS, "=A1", "ID", lead=lead)
    world.account.edit_lead(lead, name="Анна К.")
    world.pull()
    assert (world.row(lead)["Бюджет сделки"], world.row(lead)[ADDRESS]) == (2, "ID")

    world.account.edit_lead(lead, price=300)
    world.pull()
    assert world.row(lead)["Бюджет сделки"] == 300
    world.rest()


def test_a_table_with_typed_columns_takes_new_rows(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.convert_to_table("A1:U2", [20])
    new = world.lead("Новый")
    world.pull()

    assert world.ids() == [lead, new]
    world.rest()


@pytest.mark.parametrize("many", [False, True])
def test_a_lead_without_a_name_and_one_with_every_kind_of_field(tmp_path: Path, many: bool) -> None:
    world = World(tmp_path)
    account = world.account
    account.add_lead_field("Группа", "select", ["Север", "Юг"])
    account.add_lead_field("Тип продажи", "multiselect", ["опт", "розница"])
    account.add_lead_field("Продажа в рассрочку", "checkbox")
    fields = {"Группа": "Юг", "Тип продажи": ["опт", "розница"], "Продажа в рассрочку": True} if many else {}
    lead = world.lead("", fields=fields)
    world.pull()
    row = world.row(lead)

    shown = [row["Группа"], row["Тип продажи"], row["Продажа в рассрочку"]]
    assert shown == (["Юг", "опт, розница", "Да"] if many else [None, None, None])
    assert row["Ф.И.О."]
    world.rest()


@pytest.mark.parametrize("after", ["21.09.2026", "21.09.2026 18:13", "1790000000"])
def test_the_go_live_date_may_be_written_as_people_do(tmp_path: Path, after: str) -> None:
    world = World(tmp_path, LEADS_CREATED_AFTER=after)
    old = world.lead("Старый", created_at=1_789_000_000)
    new = world.lead("Новый", created_at=1_790_000_000)
    world.pull()

    assert old not in world.ids()
    assert world.ids() == [new]
    world.rest()
