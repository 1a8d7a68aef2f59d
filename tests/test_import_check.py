"""What a workbook's rows become, and how each that cannot go in is named before anything is sent."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.cli_import import plan_lines
from amo2gsheet.exceptions import ExitCode, SettingsError, SheetError
from amo2gsheet.model_import import WorkbookCell
from amo2gsheet.sandbox.amo_entities import Lead
from amo2gsheet.sync.importing_plan import Fate
from tests.import_world import NAME, PHONE, PRICE, ImportWorld, at, row, save_book

NBSP = "\u00a0"


@pytest.fixture
def world(tmp_path: Path) -> ImportWorld:
    return ImportWorld(tmp_path)


def one_lead(world: ImportWorld, **cells: Any) -> Lead:
    """The lead that one row becomes."""
    world.write({**row(), **cells})
    assert world.run().exit_code is ExitCode.DONE
    (lead,) = world.leads()
    return lead


def problems(world: ImportWorld, **cells: WorkbookCell) -> list[str]:
    """What is wrong with one row; nothing is sent."""
    world.write({**row(), **cells})
    outcome = world.run()
    (result,) = outcome.report.results
    assert (outcome.exit_code, result.fate, world.leads()) == (ExitCode.PARTIAL, Fate.BAD, [])
    return [problem.told for problem in result.problems]


def test_a_row_becomes_a_lead_with_all_that_it_holds(world: ImportWorld) -> None:
    cells = {"Email": "anna@example.com", "Компания": "ООО «Базар»", "Теги": "опт, срочно", "Адрес": "ул. Мира\nдом 1"}

    lead = one_lead(world, **cells, **{"Количество 1": 2.5, "Дата заказа": at(2026, 3, 1), "Заказ №": "007"})

    contact = world.account.contact(lead.contacts[0].contact_id)
    company = world.account.company(lead.company_id or 0)
    assert (lead.name, lead.price) == ("Клиент 1", 1000)
    assert contact is not None
    assert "Клиент 1" == contact.name
    assert [["+998 00 000-00-01"], ["anna@example.com"]] == [[value.value for value in kept] for kept in contact.fields.values()]
    assert company is not None
    assert "ООО «Базар»" == company.name
    assert ["orders", "опт", "срочно"] == [world.account.tags[tag_id].name for tag_id in lead.tag_ids]
    values = {name: world.account.lead_value(lead.id, name) for name in ("Адрес", "Количество 1", "Заказ №")}
    assert {"Адрес": "ул. Мира\nдом 1", "Количество 1": "2.5", "Заказ №": "007"} == values


@pytest.mark.parametrize("cell", [at(2026, 3, 1), "01.03.2026", "2026-03-01"])
def test_c5_a_date_is_that_day_in_the_accounts_zone(world: ImportWorld, cell: WorkbookCell) -> None:
    world.account.time_zone = "America/New_York"

    lead = one_lead(world, **{"Дата заказа": cell})

    assert 1772341200 == world.account.lead_value(lead.id, "Дата заказа")  # 2026-03-01T00:00:00-05:00


def test_a_title_names_the_lead_and_the_person_the_contact(world: ImportWorld) -> None:
    lead = one_lead(world, **{"Название сделки": "Заказ 41"})

    contact = world.account.contact(lead.contacts[0].contact_id)
    assert (lead.name, contact and contact.name) == ("Заказ 41", "Клиент 1")


def test_a_row_with_a_title_alone_has_no_contact(world: ImportWorld) -> None:
    world.write({"Название сделки": "Заказ 41"})

    world.run()

    assert [("Заказ 41", ())] == [(lead.name, lead.contacts) for lead in world.leads()]


def test_titles_blank_rows_and_columns_in_any_order_are_no_matter(world: ImportWorld) -> None:
    top: Any = [["Заказы за март"], [], [None, "составила Лола"], []]
    world.write({"  адрес ": "Ташкент", PRICE + " ": "1 200 000", "ф.и.о.": "Анна", "Контактный  номер": 998901112233.0}, top=top)

    outcome = world.run()

    (lead,) = world.leads()
    assert ([6], ExitCode.DONE) == ([one.row_number for one in outcome.report.results], outcome.exit_code)
    assert ("Анна", 1_200_000, "Ташкент") == (lead.name, lead.price, world.account.lead_value(lead.id, "Адрес"))


def test_an_unknown_column_is_named_once_with_the_nearest_one(world: ImportWorld) -> None:
    world.write(*({**row(number), "Адресс": "Ташкент", "Цвет": "red"} for number in range(3)))

    outcome = world.run()

    assert [
        'column "Адресс" is left out: amoCRM has no field of that name; the nearest name is "Адрес"',
        'column "Цвет" is left out: amoCRM has no field of that name',
    ] == outcome.report.notices
    assert ExitCode.DONE is outcome.exit_code


def test_columns_that_the_tool_fills_are_left_out_and_named(world: ImportWorld) -> None:
    world.write({**row(), "Ответственный": "Лола", "Дата создания": at(2026, 3, 1)})

    notices = world.run().report.notices

    assert ['column "Ответственный" is left out: amoCRM or this tool fills it'] == notices[:1]
    assert 2 == len(notices)


@pytest.mark.parametrize("kind", ["file", "tracking_data", "linked_entity"])
def test_a_field_that_no_cell_can_fill_is_left_out_and_named(world: ImportWorld, kind: str) -> None:
    world.account.add_lead_field("Особое", kind)
    world.write({**row(), "Особое": "x"})

    outcome = world.run()

    assert [f'column "Особое" is left out: a field of the type {kind} cannot be filled from a cell'] == outcome.report.notices
    assert 1 == len(world.leads())


@pytest.mark.parametrize("header", [NAME, "ID", "статус"])
def test_a_doubled_column_that_must_be_one_is_refused(world: ImportWorld, header: str) -> None:
    save_book(world.book, [], top=[[NAME, "ID", "статус", header], ["Анна"]])

    with pytest.raises(SheetError, match=f'the column "{header}" twice'):
        world.run()


def test_of_another_doubled_column_the_left_one_counts(world: ImportWorld) -> None:
    save_book(world.book, [], top=[[NAME, "Адрес", "адрес"], ["Анна", "слева", "справа"]])

    outcome = world.run()

    assert "слева" == world.account.lead_value(world.leads()[0].id, "Адрес")
    assert ['column "адрес" stands twice: the left one counts'] == outcome.report.notices


@pytest.mark.parametrize("lines", [[], [["Имя", "Телефон"], ["Анна", "1"]]])
def test_a_sheet_without_a_header_is_refused_before_anything_is_sent(world: ImportWorld, lines: Any) -> None:
    save_book(world.book, [], top=lines)

    with pytest.raises(SheetError, match="has no header row") as caught:
        world.run()

    assert ExitCode.UNUSABLE_SHEET is caught.value.exit_code
    assert [] == world.leads()


def test_a_sheet_without_a_header_tells_no_customers(world: ImportWorld) -> None:
    save_book(world.book, [], top=[["Отчёт", "ФИО"], ["Анна Каренина", "+998 00 000-00-01"]])

    with pytest.raises(SheetError) as caught:
        world.run()

    told = f"{caught.value.message} {caught.value.hint}"
    assert 'row 1 holds "ФИО"; the nearest name is "Ф.И.О."' in told
    assert "Анна" not in told
    assert "+998" not in told


def test_a_name_that_nobody_can_see_is_none(world: ImportWorld) -> None:
    world.write({NAME: "\u200b", PHONE: "+998 00 000-00-01"})

    outcome = world.run()

    assert ([], f'column "{NAME}": is empty, and a lead needs a name') == (world.leads(), outcome.report.results[0].reason)


def test_a_header_that_is_repeated_is_no_lead(world: ImportWorld) -> None:
    world.write({NAME: "Анна"}, {NAME: f" {NAME}"}, {NAME: "Борис"})

    outcome = world.run()

    assert (["Анна", "Борис"], f'column "{NAME}": repeats the header') == (world.names(), outcome.report.results[1].reason)


# --- problems ---


def test_every_problem_of_a_row_is_named_with_column_value_reason_and_the_nearest(world: ImportWorld) -> None:
    world.account.add_lead_field("Регион", "select", ["Ташкент", "Самарканд"])

    told = problems(
        world,
        **{
            PRICE: "1,200",
            "Регион": "Тошкент",
            "Дата заказа": "01.02.26",
            "Воронка": "Farida - Sotuv Dem",
            "Количество 1": "пять",
        },
    )

    assert [
        'column "Бюджет сделки": "1,200" can mean two numbers; nearest: "1200 or 1,2"',
        'column "Воронка": "Farida - Sotuv Dem" is no pipeline of the account; nearest: "Farida - Sotuv Demo"',
        'column "Регион": "Тошкент" is no option of this field; nearest: "Ташкент"',
        'column "Дата заказа": "01.02.26" has a year of two digits; nearest: "01.02.2026"',
        'column "Количество 1": "пять" is no number',
    ] == told


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({NAME: None}, 'column "Ф.И.О.": is empty, and a lead needs a name'),
        ({NAME: "#N/A"}, 'column "Ф.И.О.": shows the error #N/A'),
        ({NAME: "=1+1"}, 'column "Ф.И.О.": holds a formula that no program has worked out yet'),
        ({NAME: "я" * 256}, 'column "Ф.И.О.": is 256 characters long; 255 is the most'),
        ({PHONE: "нет"}, 'column "Контактный номер": is no phone number'),
        ({"Email": "anna"}, 'column "Email": is no e-mail address'),
        ({"Заказ №": "1" * 256}, 'column "Заказ №": is 256 characters long; 255 is the most'),
        ({"ID": "сорок"}, 'column "ID": is no lead ID'),
        ({"статус": "Отложен"}, 'column "статус": "Отложен" is no stage of the pipeline "Farida - Sotuv Demo"'),
    ],
)
def test_a_row_that_cannot_go_in_is_named(world: ImportWorld, cells: dict[str, WorkbookCell], expected: str) -> None:
    assert [expected] == problems(world, **cells)


def test_more_than_forty_fields_are_refused(world: ImportWorld) -> None:
    cells: dict[str, WorkbookCell] = {f"Поле {number}": "x" for number in range(41)}
    for header in cells:
        world.account.add_lead_field(header, "text")

    assert ['column "custom fields": are 41 fields with a value; amoCRM takes 40 in one lead'] == problems(world, **cells)
    assert 40 == len(one_lead(world, **dict(list(cells.items())[:40])).fields)


def test_bad_rows_are_left_out_and_the_others_go_in(world: ImportWorld) -> None:
    world.write(*(row(number, **({PRICE: "?"} if number % 10 == 0 else {})) for number in range(1, 31)))

    outcome = world.run()

    assert (27, [11, 21, 31], ExitCode.PARTIAL) == (
        len(world.leads()),
        [one.row_number for one in outcome.report.results if one.fate is Fate.BAD],
        outcome.exit_code,
    )


def test_rows_that_hold_nothing_of_ours_are_left_out_with_a_word(world: ImportWorld) -> None:
    world.write({**row(), "Заметка": None}, {"Заметка": "до обеда"}, {**row(2), "Заметка": None})

    outcome = world.run()

    assert "row 3: left out, for no column of the import is filled" in outcome.report.notices
    assert (2, ExitCode.DONE) == (len(world.leads()), outcome.exit_code)


def test_a_sum_below_the_table_is_no_lead(world: ImportWorld) -> None:
    world.write(row(), {PRICE: 1000})

    assert [Fate.SEND, Fate.BAD] == [one.fate for one in world.run().report.results]


# --- where a lead begins ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "NOMERATSIYALANMAGAN ZAKAZ"),
        ("В процессе", "NOMERATSIYALANMAGAN ZAKAZ"),
        ("У курера", "Заказ отправлен"),
        ("Успешно", "Заказ отправлен"),
        ("заказ  отправлен", "Заказ отправлен"),
        ("OTKA3".replace("3", "З"), "Отказ"),
        ("консультация", "Консультация"),
        ("Успешно реализовано", "Успешно реализовано"),
    ],
)
def test_a_stage_is_found_by_its_own_or_its_shown_name(world: ImportWorld, text: str | None, expected: str) -> None:
    assert expected == world.stage_of(one_lead(world, статус=text).id)


@pytest.mark.parametrize("text", ["Baza Uspeshno", "baza  uspeshno", "База"])
def test_a_pipeline_is_found_by_its_own_or_its_short_name(tmp_path: Path, text: str) -> None:
    world = ImportWorld(tmp_path, PIPELINE_DISPLAY_MAP_JSON='{"Baza Uspeshno": "База"}')

    lead = one_lead(world, Воронка=text)

    assert (world.base, "Заказ без нумерации") == (lead.pipeline_id, world.stage_of(lead.id))


def test_the_pipeline_of_the_settings_is_that_of_rows_that_name_none(tmp_path: Path) -> None:
    world = ImportWorld(tmp_path)
    world.set(PIPELINE_ID=str(world.base))

    assert world.base == one_lead(world).pipeline_id


def test_a_pipeline_of_the_settings_that_is_not_there_is_refused(tmp_path: Path) -> None:
    world = ImportWorld(tmp_path, PIPELINE_ID="7")
    world.write(row())

    with pytest.raises(SettingsError, match="PIPELINE_ID is 7") as caught:
        world.run()

    assert str(world.base) in caught.value.hint


def test_the_trigger_stage_of_the_settings_goes_first_where_the_pipeline_has_it(world: ImportWorld) -> None:
    world.set(TRIGGER_STATUS_ID=str(world.stage("ДУМКА", world.base)[1]))
    world.write(row(1), row(2, Воронка="Baza Uspeshno"))

    world.run()

    assert ["NOMERATSIYALANMAGAN ZAKAZ", "ДУМКА"] == [world.stage_of(lead.id) for lead in world.leads()]


def test_no_lead_is_made_in_the_stage_of_unsorted_requests(world: ImportWorld) -> None:
    """A pipeline without a trigger stage: its first stage is amoCRM's own, which takes no lead."""
    other = world.account.add_pipeline("Опт", ["Звонок", "Сделка"])

    lead = one_lead(world, Воронка="Опт")

    assert (other, "Звонок") == (lead.pipeline_id, world.stage_of(lead.id))


# --- what a dry run says ---


def test_a_dry_run_checks_everything_and_writes_nothing(world: ImportWorld) -> None:
    world.write(row(1), row(2, **{PRICE: "?"}), row(3))
    files = sorted(path.name for path in world.folder.iterdir())

    outcome = world.run(is_dry=True)

    assert [(2, Fate.SEND), (3, Fate.BAD), (4, Fate.SEND)] == [(one.row_number, one.fate) for one in outcome.report.results]
    assert '"Farida - Sotuv Demo", stage "NOMERATSIYALANMAGAN ZAKAZ"' == outcome.report.results[0].stage
    assert (ExitCode.PARTIAL, 0, []) == (outcome.exit_code, world.posts(), world.leads())
    assert files == sorted(path.name for path in world.folder.iterdir() if not path.name.startswith(".amo_tokens"))


def test_k4_no_name_and_no_phone_is_told(world: ImportWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.write(
        {NAME: "Анна Ким", PHONE: "+998 00 000-00-01", PRICE: 1000},
        {NAME: "Борис Ли", PHONE: "нет у Бориса", PRICE: "?"},
        {NAME: "Вера Цой " * 40, PHONE: "000-00-03"},
    )

    dry, real = world.run(is_dry=True), world.run()

    told = "\n".join([caplog.text, *plan_lines(dry), str(real.report), *(one.reason for one in real.report.results)])
    assert [] == [word for word in ("Анна", "Ким", "Борис", "Вера", "000-00") if word in told]
