"""Where the rows are: the tab, the mark, the header, the columns, the dropdown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode, SheetError, SheetLayoutError, StateError, TokenUsedError, UnavailableError
from amo2gsheet.model import Mark
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Killed
from amo2gsheet.sync import directory
from amo2gsheet.sync.place import find_tab, make_place
from tests.sync_bench import KILL_BEFORE, before, is_insert, once, run_on, settled, state_of, stopped
from tests.world import STATUS, World

ADDRESS = "Адрес"


def _with_rows(tmp_path: Path, count: int = 2, **settings: str) -> tuple[World, list[int]]:
    world = World(tmp_path, **settings)
    leads = [world.lead(f"Клиент {number}", fields={ADDRESS: f"ул. {number}"}) for number in range(count)]
    world.pull()
    return world, leads


# --- the tab ---


def test_a_missing_tab_is_made(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    lead = world.lead("Анна")

    world.pull()

    assert [lead] == world.person.on("Заказы").leads()


def test_a_renamed_tab_is_followed(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.rename_tab("Архив")
    world.move(leads[0], world.stage("Заказ отправлен"))

    outcome = world.pull()

    assert (ExitCode.DONE, "У курера") == (outcome.exit_code, world.status(leads[0]))


def test_a_new_tab_under_the_name_is_refused_until_force(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    old = world.person
    old.rename_tab("Архив")
    new = old.add_tab("Sheet1")
    later = world.lead("Новый")

    with pytest.raises(SheetError) as refused:
        world.pull()
    assert all(word in refused.value.message + refused.value.hint for word in ('"Sheet1"', '"Архив"', "2 rows", "--force"))

    world.pull(force=True)
    assert ([later], leads) == (new.leads(), old.leads())


def test_leads_of_the_former_tab_stay_there_until_they_enter_the_trigger_again(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.rename_tab("Архив")
    world.person = world.person.add_tab("Sheet1")
    world.pull(force=True)
    world.move(leads[0], world.stage("Заказ отправлен"))
    settled(world)
    assert [] == world.person.leads()

    world.move(leads[0], world.trigger)
    settled(world)

    assert [leads[0]] == world.person.leads()


@pytest.mark.parametrize("name", ["sheet1", "SHEET1", " Sheet1\N{NO-BREAK SPACE}"])
def test_a_tab_whose_name_differs_in_letter_case_or_outer_blanks_alone_is_meant(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME=name)
    lead = world.lead("Анна")

    plan = world.pull(dry=True).report.plan
    world.pull()

    assert ('make the header of tab "Sheet1"', [lead]) == (plan[0], world.ids())
    world.pick(lead, "У курера")
    world.rest()
    assert "Заказ отправлен" == world.stage_of(lead)


def test_a_tab_of_exactly_the_name_is_meant_before_one_that_differs_in_blanks(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    other, exact = world.person.add_tab("заказы "), world.person.add_tab("Заказы")
    lead = world.lead("Анна")

    world.pull()

    assert ([lead], []) == (exact.leads(), world.sheets.table(other.title))


def test_a_renamed_tab_is_followed_before_one_whose_name_differs_in_letter_case(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.rename_tab("Архив")
    world.person.add_tab("sheet1")
    world.move(leads[0], world.stage("Заказ отправлен"))

    outcome = world.pull()

    assert (ExitCode.DONE, "У курера") == (outcome.exit_code, world.status(leads[0]))


def test_another_tab_named_anew_in_other_letter_case_is_refused_until_force(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    other = world.person.add_tab("Другая")
    world.set(GOOGLE_WORKSHEET_NAME="другая")
    later = world.lead("Новый")

    with pytest.raises(SheetError, match='The tab "Другая" is not the one whose 2 rows are tracked'):
        world.pull()

    world.pull(force=True)
    assert ([later], leads) == (other.leads(), world.person.leads())


def test_a_name_that_a_chart_bears_is_refused_with_what_to_do(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="График")
    world.person.add_tab("график").tab.properties = {"sheetType": "OBJECT"}
    world.lead("Анна")

    with pytest.raises(SheetError) as refused:
        world.pull()

    assert ExitCode.UNUSABLE_SHEET == refused.value.exit_code
    assert '"График"' in refused.value.message
    assert "GOOGLE_WORKSHEET_NAME" in refused.value.hint
    with state_of(world) as state:
        assert [] == state.open_intents()


def test_a_name_that_two_tabs_resemble_is_refused_with_both(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    for title in ("ЗАКАЗЫ", "заказы "):
        world.person.add_tab(title)
    world.lead("Анна")

    with pytest.raises(SheetError) as refused:
        world.pull()

    assert all(word in refused.value.message for word in ('"Заказы"', '"ЗАКАЗЫ"', '"заказы "'))


def test_a_tab_that_somebody_adds_under_the_name_right_then_is_left_to_the_next_run(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    lead = world.lead("Анна")
    world.once(world.sheets_wire, _adds_a_tab, lambda: world.person.add_tab("заказы"))

    with pytest.raises(UnavailableError):
        world.pull()
    settled(world)

    assert [lead] == world.person.on("заказы").leads()


def test_a_tab_that_somebody_adds_where_a_killed_run_was_about_to_make_it_is_taken(tmp_path: Path) -> None:
    """The killed run's request may still land, so its token stays."""
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    lead = world.lead("Анна")
    world.sheets_wire.rule = once(_adds_a_tab, KILL_BEFORE)
    stopped(world.pull)
    world.sheets_wire.rule = None
    world.once(world.sheets_wire, _adds_a_tab, lambda: world.person.add_tab("Заказы"))

    with pytest.raises(UnavailableError):
        world.pull()
    settled(world)

    assert [lead] == world.person.on("Заказы").leads()


def _adds_a_tab(request: Request) -> bool:
    return b"addSheet" in request.body


def test_a_tab_deleted_with_its_rows_is_refused_until_force(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.person.add_tab("Другая")
    world.person.delete_tab()
    world.lead("Новый")

    with pytest.raises(SheetError) as refused:
        world.pull()
    assert 'no tab "Sheet1" any more, and 2 rows are tracked' in refused.value.message

    world.pull(force=True)
    assert "ID" == world.person.see("ID", row=1)


def test_a_deleted_tab_without_rows_is_made_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    world.person.add_tab("Другая")
    world.person.delete_tab()
    lead = world.lead("Анна")

    world.pull()

    assert [lead] == world.ids()


def test_another_tab_named_in_the_settings_is_refused_where_the_former_one_was_deleted(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.person.add_tab("Другая")
    world.person.delete_tab()
    world.set(GOOGLE_WORKSHEET_NAME="Другая")

    with pytest.raises(SheetError) as refused:
        world.pull()

    assert 'the deleted tab "Sheet1"' in refused.value.hint


def test_an_emptied_tab_is_refused_until_force(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.clear_all()
    world.move(leads[0], world.stage("Заказ отправлен"))

    assert [ExitCode.UNUSABLE_SHEET] * 2 == [world.code(world.pull) for _ in range(2)]
    assert [] == world.sheets.table()

    world.pull(force=True)
    assert "ID" == world.person.see("ID", row=1)


def test_a_tab_with_other_contents_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.person.paste("A1", [["Отпуска", "Июль"], ["Анна", "10"]])

    with pytest.raises(SheetLayoutError):
        world.pull()

    assert [["Отпуска", "Июль"], ["Анна", 10]] == world.sheets.table()


# --- the mark ---


def test_the_mark_of_another_host_stops_every_writing_run(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    with run_on(world) as run:
        run.sheet.set_mark(Mark("other", "elsewhere", "/srv/state"), [run.mark])
    world.lead("Анна")

    with pytest.raises(StateError) as refused:
        world.pull()

    assert "/srv/state on elsewhere" in refused.value.message


def test_a_mark_of_a_former_state_at_this_very_place_is_replaced(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.settings.state_db.unlink()
    world.clock.advance(10)

    world.pull()

    assert leads == world.ids()
    with run_on(world) as run:
        assert (run.mark,) == run.sheet.workbook().marks


def test_a_dry_run_leaves_no_mark(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")

    outcome = world.pull(dry=True)

    assert 0 == world.sheet_writes()
    assert ['make the header of tab "Sheet1"'] == outcome.report.plan[:1]
    assert 2 == len(outcome.report.plan)


# --- making the tab ---


def test_a_header_whose_token_was_used_and_that_is_gone_again_asks_for_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)

    def used(*_: object) -> None:
        raise TokenUsedError("used")

    with run_on(world) as run:
        known = directory.load(run)
        tab = find_tab(run, run.sheet.workbook())
        monkeypatch.setattr(type(run.sheet), "prepare_tab", used)
        with pytest.raises(SheetError, match="had been made before"):
            make_place(run, known, tab)
        assert [] == run.state.open_intents()


def test_what_people_type_while_the_header_is_made_stays(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.sheets_wire.before_each = before(is_insert, lambda: world.person.type_at(1, 1, "заметка"))

    world.pull()

    assert ["ID", lead, "заметка"] == [row[0] for row in world.sheets.table()]


# --- columns ---


def test_a_header_of_a_known_field_added_later_is_filled_for_all_rows(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.person.type_at(1, 22, "Название сделки")

    settled(world)

    assert ["Клиент 0", "Клиент 1"] == [row["Название сделки"] for row in world.rows()]


def test_a_removed_header_takes_its_bases_along(tmp_path: Path) -> None:
    """When it comes back, what stands there has to meet amoCRM anew."""
    world, leads = _with_rows(tmp_path)
    world.person.rename_header(ADDRESS, "")
    settled(world)
    column = world.person.column_of("Регион") + 1
    world.account.edit_lead(leads[0], fields={ADDRESS: "ул. Новая"})
    settled(world)

    world.person.type_at(1, column, ADDRESS)
    settled(world)

    assert ("ул. 0", "ул. 1") == tuple(row[ADDRESS] for row in world.rows())
    with state_of(world) as state:
        assert [(leads[0], "first meeting")] == [(entry.lead_id, entry.kind) for entry in state.waiting() if entry.lead_id]


def test_a_header_renamed_by_people_is_their_column(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.rename_header(ADDRESS, "Куда везти")
    world.account.edit_lead(leads[0], fields={ADDRESS: "ул. Новая"})

    settled(world)

    assert ["ул. 0", "ул. 1"] == [row["Куда везти"] for row in world.rows()]


def test_a_renamed_field_keeps_its_column(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    field = world.account.field_named("leads", ADDRESS)
    world.account.rename_field(field.id, "Адрес доставки")
    world.account.edit_lead(leads[0], fields={"Адрес доставки": "ул. Новая"})
    world.clock.advance(4000)

    settled(world)

    assert ["ул. Новая", "ул. 1"] == [row[ADDRESS] for row in world.rows()]


def test_peoples_column_that_begins_to_match_a_field_is_left_to_them(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.type_at(1, 22, "Подарок")
    settled(world)
    world.person.type("Подарок", "кружка", lead=leads[0])
    world.account.add_lead_field("Подарок", "text")
    world.account.edit_lead(leads[0], fields={"Подарок": "шарф"})
    world.account.edit_lead(leads[1], fields={"Подарок": "шарф"})
    world.clock.advance(4000)

    outcome = world.pull()
    settled(world)

    assert ["кружка", None] == [row.get("Подарок") for row in world.rows()]
    assert ["Подарок" in name for name in outcome.report.named] == [True]
    assert ExitCode.DONE == world.pull(full=True).exit_code

    world.pull(force=True)
    settled(world)
    assert ["кружка", "шарф"] == [row.get("Подарок") for row in world.rows()]


def test_peoples_empty_column_that_begins_to_match_a_field_is_filled(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.type_at(1, 22, "Подарок")
    settled(world)
    world.account.add_lead_field("Подарок", "text")
    world.account.edit_lead(leads[0], fields={"Подарок": "шарф"})
    world.clock.advance(4000)

    settled(world)

    assert ["шарф", None] == [row.get("Подарок") for row in world.rows()]


def test_a_contested_column_that_people_give_another_name_is_no_longer_named(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.type_at(1, 22, "Подарок")
    settled(world)
    world.person.type("Подарок", "кружка", lead=leads[0])
    world.account.add_lead_field("Подарок", "text")
    world.clock.advance(4000)
    settled(world)
    world.person.rename_header("Подарок", "Сувенир")

    settled(world)

    with state_of(world) as state:
        assert [] == [entry for entry in state.waiting() if entry.kind == "contested column"]
    assert ["кружка", None] == [row.get("Сувенир") for row in world.rows()]


def test_a_header_that_stands_twice_is_told_of_once_and_the_left_one_counts(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["ID", STATUS, ADDRESS, "Заметка", ADDRESS]])
    world.lead("Анна", fields={ADDRESS: "ул. Новая"})

    outcome = world.pull()

    assert [True] == [ADDRESS in notice for notice in outcome.report.notices if "stands twice" in notice]
    assert "ул. Новая" == world.sheets.table()[1][2]
    assert all(cell is None for cell in world.sheets.table()[1][3:])


def test_a_header_doubled_later_is_told_of_once_each_time_it_appears(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)

    def told() -> list[str]:
        outcomes = [world.push(), world.pull(full=True), world.push()]
        assert [ExitCode.DONE] * 3 == [outcome.exit_code for outcome in outcomes]
        return [notice for outcome in outcomes for notice in outcome.report.notices if "stands twice" in notice]

    first = told()
    world.person.type_at(1, 22, ADDRESS)
    second = told()
    world.person.type_at(1, 23, f" {ADDRESS.upper()} ")
    third = told()
    world.person.type_at(1, 22, "")
    world.person.type_at(1, 23, "")
    fourth = told()
    world.person.type_at(1, 23, ADDRESS)
    fifth = told()

    said = f'the header "{ADDRESS}" stands twice; the left one counts'
    assert ([], [said], [], [], [said]) == (first, second, third, fourth, fifth)


def test_a_state_that_does_not_know_of_doubled_headers_goes_on(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.type_at(1, 22, ADDRESS)
    world.push()
    with run_on(world) as run:
        memory = dict(run.state.get_json("columns") or {})
        del memory["doubled"]
        run.state.put_json("columns", memory)

    first, second = world.push(), world.push()

    assert [1, 0] == [len(outcome.report.notices) for outcome in (first, second)]
    assert leads == world.ids()


# --- the dropdown ---


def _dropdown(world: World) -> list[str]:
    with run_on(world) as run:
        tab = find_tab(run, run.sheet.workbook())
        assert tab is not None
        found = run.sheet.read_dropdown(tab, world.person.column_of(STATUS) - 1, 2)
    return list(found.values) if found else []


OTHERS = json.dumps({"В процессе": 0, "Отказ": 0, "Заказ отправлен": 0}, ensure_ascii=False)


def test_our_own_dropdown_follows_a_changed_setting(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.set(DROPDOWN_STATUS_MAP_JSON=OTHERS)

    world.pull(dry=True)
    assert ["В процессе", "У курера", "Успешно", "Отказ"] == _dropdown(world)
    outcome = world.pull()

    assert (["В процессе", "Отказ", "Заказ отправлен"], []) == (_dropdown(world), outcome.report.notices)
    assert 0 == world.pull().sheet_requests


def test_peoples_own_dropdown_is_left_and_what_it_lacks_is_told_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["ID", STATUS]])
    world.pull()
    world.set(DROPDOWN_STATUS_MAP_JSON=OTHERS)

    first, second = world.pull(), world.pull()

    assert [] == _dropdown(world)
    assert [True] == ['"Заказ отправлен"' in notice for notice in first.report.notices]
    assert (first.exit_code, []) == (ExitCode.DONE, second.report.notices)


def test_a_kill_while_the_header_is_made_needs_no_repair(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")

    def die() -> None:
        raise Killed

    world.sheets_wire.before_each = before(is_insert, die)
    with pytest.raises(Killed):
        world.pull()

    settled(world)

    assert [lead] == world.ids()
