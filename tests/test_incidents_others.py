"""Incidents of tabs, settings, releases and ways of working that can occur here, each with the id of `tests/incidents.py`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from amo2gsheet import cli, statuses
from amo2gsheet.columns import SYSTEM_COLUMNS
from amo2gsheet.config_table import BUILT_IN_DROPDOWN, SETTINGS
from amo2gsheet.exceptions import ExitCode
from amo2gsheet.names import fold
from amo2gsheet.state import schema
from tests.conftest import REPOSITORY
from tests.world import World

SENT = "Заказ отправлен"
PROGRAM = [path for path in sorted((REPOSITORY / "amo2gsheet").rglob("*.py")) if "sandbox" not in path.parts]


def test_e2_a_lead_that_comes_into_the_trigger_with_a_number_is_not_moved(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Заказ №": "007"})
    world.pull()
    for stage in ("Отказ", "NOMERATSIYALANMAGAN ZAKAZ"):
        world.move(lead, world.stage(stage))
        world.rest()

    assert (0, "В процессе", "007") == (world.patches(), world.status(lead), world.person.see("Заказ №", lead=lead))


@pytest.mark.parametrize("field_id", [77, 987_654])
def test_e6_a_field_is_found_by_its_name_whatever_its_id(tmp_path: Path, field_id: int) -> None:
    world = World(tmp_path)
    world.account.add_lead_field("Скидка", field_id=field_id)
    lead = world.lead("Анна", fields={"Скидка": "007"})
    world.pull()
    world.person.type_at(1, 22, "Скидка")
    world.rest()

    assert "007" == world.person.see("Скидка", lead=lead)


def _newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release with one step more."""
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (id INTEGER PRIMARY KEY)",)))


def test_g3_j12_an_update_between_two_runs_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    leads = [world.lead("Анна"), world.lead("Борис")]
    world.pull()
    world.pick(leads[0], "Отказ")
    world.move(leads[1], world.stage(SENT))
    leads.append(world.lead("Вера"))

    _newer(monkeypatch)
    codes = [world.push().exit_code, world.pull().exit_code]

    assert [ExitCode.DONE] * 2 == codes
    assert ["Отказ", "У курера", "В процессе"] == [world.status(lead) for lead in leads]
    assert "Отказ" == world.stage_of(leads[0])
    world.assert_silent()


def test_g3_a_release_before_leaves_the_state_of_a_later_one_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    with monkeypatch.context() as later:
        _newer(later)
        world.lead("Анна")
        world.pull()
        before = world.settings.state_db.read_bytes()
    world.lead("Борис")

    assert [ExitCode.UNUSABLE_STATE] * 2 == [world.code(world.pull), world.code(world.push)]
    assert before == world.settings.state_db.read_bytes()
    _newer(monkeypatch)
    world.rest()
    assert 2 == len(world.ids())


def test_g5_a_push_right_after_a_tab_was_made_takes_nothing_for_deleted(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    leads = [world.lead("Анна"), world.lead("Борис")]
    world.pull()
    world.pause_seconds = 0
    world.push()

    assert dict.fromkeys(leads, ("В процессе", 0)) == world.agreed()
    assert 0 == world.patches()


def test_g7_a_lead_of_a_former_tab_that_comes_in_again_has_one_row_that_lives(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.rename_tab("Архив")
    world.person.add_tab("Sheet1", [])
    world.person.title = "Sheet1"
    world.code(world.pull)
    world.pull(force=True)
    world.move(lead, world.stage("Отказ"))
    world.pull()

    world.move(lead, world.trigger)
    world.pull()
    world.pick(lead, "У курера")
    for _ in range(3):
        world.push()
        world.pull()

    assert [lead] == world.ids()
    assert (1, SENT, "У курера") == (world.patches(), world.stage_of(lead), world.status(lead))


def test_g8_without_state_no_row_is_lost_or_made_twice_and_it_is_said(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead("Анна"), world.lead("Борис")]
    world.pull()
    world.pick(leads[0], "Отказ")
    table = world.sheets.table()
    for path in tmp_path.glob(".amo2gsheet.sqlite3*"):
        path.unlink()

    outcomes = [world.push(), world.pull(), world.push(), world.pull()]

    assert (table, 0) == (world.sheets.table(), world.patches())
    assert any("meets its row for the first time" in line for outcome in outcomes for line in outcome.report.named)
    assert leads[0] in {waiting.lead_id for waiting in world.waiting("first meeting")}


def test_g9_every_setting_is_read_somewhere() -> None:
    """A setting is an attribute of the settings; one that nothing asks for has no effect."""
    text = "".join(path.read_text("utf-8") for path in PROGRAM if path.name != "config_table.py")

    assert [] == [setting.name for setting in SETTINGS if not re.search(rf"\b{setting.field}\b", text)]


def test_j10_wrong_settings_end_the_run_before_anything_is_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    for name in ("NOMERA", "NOMERA"):
        world.set(TRIGGER_STATUS_NAME=name)
        assert ExitCode.SETTINGS == world.code(world.pull)

    assert 0 == world.sheets.count("read") + world.sheets.count("write")


def _literals(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_l2_each_header_stands_in_one_module() -> None:
    """`ID` is a word of messages too, and `Ф.И.О.` is one of the headers that a Staff tab may have."""
    headers = {column.header for column in SYSTEM_COLUMNS.values()} - {"ID", "Ф.И.О."}
    strays = {path.name: _literals(path) & headers for path in PROGRAM if path.name != "columns.py"}

    assert {} == {name: found for name, found in strays.items() if found}


def test_l2_what_the_settings_say_by_default_is_what_the_rules_know() -> None:
    (trigger,) = [setting.default for setting in SETTINGS if setting.name == "TRIGGER_STATUS_NAME"]

    assert statuses.BUILT_IN_DROPDOWN == BUILT_IN_DROPDOWN
    assert set(statuses.BUILT_IN_DISPLAY.values()) == set(BUILT_IN_DROPDOWN)
    assert statuses.BUILT_IN_DISPLAY[trigger] == BUILT_IN_DROPDOWN[0]
    assert set(statuses.BUILT_IN_TARGETS) == set(BUILT_IN_DROPDOWN[1:])


def test_l3_a_rule_is_changed_by_a_setting_alone(tmp_path: Path) -> None:
    world = World(
        tmp_path, SHEET_STATUS_MAP_JSON='{"Успешно": ["Консультация"]}', STATUS_DISPLAY_MAP_JSON=f'{{"{SENT}": "Едет"}}'
    )
    first, second = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.pick(first, "Успешно")
    world.move(second, world.stage(SENT))
    world.push()
    world.pull()

    assert ("Консультация", "Едет") == (world.stage_of(first), world.status(second))


def _table(first_header: str) -> dict[str, list[str]]:
    """A table of the README by its first header: the names of each row's first cell → the names of its second."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    lines = readme.partition(f"| {first_header} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[re.findall(r"`([^`]+)`", cell.partition("(")[0]) for cell in line.strip("|").split("|")] for line in lines]
    return {fold(name): row[1] for row in cells for name in row[0]}


def test_l4_the_documented_rules_are_those_of_the_program() -> None:
    shown = {fold(raw): [text] for raw, text in statuses.BUILT_IN_DISPLAY.items()}
    targets = {fold(value): {fold(name) for name in names} for value, names in statuses.BUILT_IN_TARGETS.items()}
    documented = {value: {fold(name) for name in names} for value, names in _table("picked in the sheet").items()}

    assert shown == _table("stage in amoCRM")
    assert targets == {value: names for value, names in documented.items() if names}


def test_l5_every_option_is_used_in_a_test() -> None:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    options = {word for command in group.commands.values() for option in command.params for word in option.opts}
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))

    assert [] == sorted(word for word in options if word.startswith("--") and f'"{word}' not in tests)
