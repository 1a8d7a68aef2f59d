"""What an import makes of unusual columns, cells and pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode, SettingsError
from amo2gsheet.model_import import WorkbookCell
from amo2gsheet.sync.importing_plan import Fate
from tests.import_world import NAME, PRICE, ImportWorld, row, save_book


@pytest.fixture
def world(tmp_path: Path) -> ImportWorld:
    return ImportWorld(tmp_path)


def problems(world: ImportWorld, cells: dict[str, WorkbookCell]) -> list[str]:
    """What is wrong with one row; nothing is sent."""
    world.write(cells)
    (result,) = world.run().report.results
    assert (Fate.BAD, []) == (result.fate, world.leads())
    return [problem.told for problem in result.problems]


def test_a_column_whose_header_shows_an_error_is_nobodys(world: ImportWorld) -> None:
    save_book(world.book, [], top=[[NAME, "#REF!", "Адрес"], ["Анна", "ничьё", "Ташкент"]])

    outcome = world.run()

    assert ([], ExitCode.DONE) == (outcome.report.notices, outcome.exit_code)
    assert "Ташкент" == world.account.lead_value(world.leads()[0].id, "Адрес")


def test_a_name_that_is_missing_is_told_of_by_the_tools_header_where_the_workbook_has_none(world: ImportWorld) -> None:
    cells: dict[str, WorkbookCell] = {"Название сделки": None, PRICE: 1000}

    assert ['column "Ф.И.О.": is empty, and a lead needs a name'] == problems(world, cells)


def test_ticks_and_several_options_are_filled_in(world: ImportWorld) -> None:
    world.account.add_lead_field("Подарок", "checkbox")
    world.account.add_lead_field("Срочно", "checkbox")
    colours = world.account.add_lead_field("Цвета", "multiselect", ["Белый", "Синий", "Серый"])

    world.write(row(Подарок="да", Срочно="нет", Цвета="синий, Белый"))

    world.run()

    (lead,) = world.leads()
    assert 2 == len(lead.fields)
    assert (True, None) == (world.account.lead_value(lead.id, "Подарок"), world.account.lead_value(lead.id, "Срочно"))
    labels = {option.id: option.label for option in world.account.fields[colours].options}
    assert ["Синий", "Белый"] == [labels[value.enum_id or 0] for value in lead.fields[colours]]


def test_a_pipeline_in_the_archive_takes_no_row(world: ImportWorld) -> None:
    world.account.archive_pipeline(world.account.add_pipeline("Опт", ["Звонок"]))

    assert ['column "Воронка": "Опт" is a pipeline in the archive'] == problems(world, row(Воронка="Опт"))


def test_an_account_whose_pipelines_are_all_in_the_archive_takes_no_import(world: ImportWorld) -> None:
    for pipeline_id in list(world.account.pipelines):
        world.account.archive_pipeline(pipeline_id)
    world.write(row())

    with pytest.raises(SettingsError, match="All pipelines of the account are in the archive"):
        world.run()

    assert [] == world.leads()


def test_a_pipeline_with_closed_stages_alone_begins_no_lead(world: ImportWorld) -> None:
    world.account.add_pipeline("Опт", [])

    assert ['column "статус": is empty, and the pipeline "Опт" has no stage to begin in'] == problems(world, row(Воронка="Опт"))
