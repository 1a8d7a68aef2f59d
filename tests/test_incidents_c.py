"""Incidents, group C: what a row shows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.exceptions import ExitCode
from tests.world import Rewritten, World

FIRST_OF_MARCH = 46082
"""1 March 2026 as Sheets counts days."""

STAFF_LAYOUTS: dict[str, list[list[str]]] = {
    "code and name": [["код", "имя"], ["0134", "Дилноза"], ["7", "Тимур"]],
    "four columns": [
        ["№", "Код сотрудника", "Сотрудник", "Отдел"],
        ["1", "0134", "Дилноза", "A"],
        ["2", "7", "Тимур", "Baza"],
        ["3", "", "Никто", "B"],
    ],
    "no header": [["0134", "Дилноза"], ["7", "Тимур"]],
}


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tashkent"])
def host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine stands in this zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_c1_all_numbers_of_all_contacts_show_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.account.add_contact("Анна", ["+998 00 000-00-01", "+998 00 000-00-02"])
    second = world.account.add_contact("Борис", ["+998 00 000-00-01", "+998 00 000-00-03"])
    lead = world.lead("Заказ", contacts=[first, second])
    world.pull()

    assert world.row(lead)["Контактный номер"] == "+998 00 000-00-01, +998 00 000-00-02, +998 00 000-00-03"
    world.rest()


LOOK_ALIKES = [
    "+998 00 000-00-01",
    "0134",
    "007",
    "=1+1",
    "1 234",
    "1,5",
    "01.02.2026",
    "5/6",
    "TRUE",
    "12:30",
    "@sum",
    "-5",
    "1e5",
    "'07",
    "10%",
    "#REF!",
    "$5",
]


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_c2_a_text_stays_that_text_at_insert_and_at_update(tmp_path: Path, text: str) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Заказ №": text, "Адрес": "x"}, phone=text)
    other = world.lead(text, fields={"Адрес": text, "Заказ №": "x"})
    world.pull()
    inserted = (world.row(lead)["Заказ №"], world.row(other)["Адрес"], world.row(other)["Ф.И.О."])
    world.account.edit_lead(lead, fields={"Адрес": text, "Заказ №": "y"})
    world.account.edit_lead(other, fields={"Адрес": "y", "Заказ №": text})
    world.pull()
    updated = (world.row(lead)["Адрес"], world.row(other)["Заказ №"])

    assert (*inserted, *updated) == (text,) * 5
    assert world.row(lead)["Контактный номер"] == text.strip()
    world.rest()


def test_c2_a_number_field_is_a_number_both_times(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", price=1500, fields={"Количество 1": 2})
    world.pull()
    inserted = (world.row(lead)["Бюджет сделки"], world.row(lead)["Количество 1"])
    world.account.edit_lead(lead, price=2500.5, fields={"Количество 1": 3.5})
    world.pull()

    assert (inserted, (world.row(lead)["Бюджет сделки"], world.row(lead)["Количество 1"])) == ((1500, 2), (2500.5, 3.5))
    world.rest()


def test_c3_the_main_contacts_name_shows(tmp_path: Path) -> None:
    world = World(tmp_path)
    contacts = [world.account.add_contact("Борис", ["+998 00 000-00-02"]), world.account.add_contact("Анна")]
    lead = world.lead("Заказ", contacts=contacts, main_contact=contacts[1])
    bare = world.lead("Без контакта")
    world.pull()

    assert (world.row(lead)["Ф.И.О."], world.row(bare)["Ф.И.О."]) == ("Анна", "Без контакта")
    world.rest()


def test_c4_the_companys_name_shows_and_follows(tmp_path: Path) -> None:
    world = World(tmp_path)
    company = world.account.add_company("Acme")
    lead = world.lead("Анна", company=company)
    world.pull()
    assert world.row(lead)["Компания"] == "Acme"

    world.clock.advance(60)
    world.account.edit_company(company, name="Acme & Co")
    world.clock.advance(3600)
    world.pull()

    assert world.row(lead)["Компания"] == "Acme & Co"
    world.rest()


def test_c5_a_date_is_the_accounts_day_on_any_machine(tmp_path: Path, host_zone: str) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Дата заказа": datetime(2026, 2, 28, 19, tzinfo=timezone.utc)})
    world.pull()
    inserted = world.row(lead)["Дата заказа"]
    world.account.edit_lead(lead, fields={"Дата заказа": date(2026, 3, 2)})
    world.pull()

    assert (inserted, world.row(lead)["Дата заказа"]) == (FIRST_OF_MARCH, FIRST_OF_MARCH + 1)
    column = world.person.column_of("Дата заказа")
    shown = world.person.tab.look(1, column - 1, ("userEnteredFormat", "numberFormat"))
    assert shown == {"type": "DATE", "pattern": "dd.mm.yyyy"}
    world.rest()


def test_c6_an_empty_date_stays_empty_and_is_filled_later(tmp_path: Path) -> None:
    """The time of creation has a column of its own for those who want it; it never stands in for another date."""
    world = World(tmp_path)
    world.person.paste("A1", [["ID", "статус", "Дата заказа", "Дата создания"]])
    created_at = int(datetime(2026, 2, 28, 19, 30, tzinfo=timezone.utc).timestamp())
    lead = world.lead("Анна", created_at=created_at)
    world.pull()
    row = world.row(lead)
    assert (row["Дата заказа"], row["Дата создания"]) == (None, pytest.approx(FIRST_OF_MARCH + 0.5 / 24))

    world.account.edit_lead(lead, fields={"Дата заказа": date(2026, 3, 1)})
    world.pull()

    assert world.row(lead)["Дата заказа"] == FIRST_OF_MARCH
    world.rest()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, None),
        ("0", None),
        (None, None),
        ("", None),
        ("1772305200", FIRST_OF_MARCH),
        (1772305200.0, FIRST_OF_MARCH),
        (1772305200, FIRST_OF_MARCH),
        ("завтра", "завтра"),
    ],
)
def test_c7_zero_and_garbage_dates(tmp_path: Path, value: object, shown: object) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Дата заказа": date(2026, 1, 1)})

    def change(item: dict[str, Any]) -> None:
        for field in item["custom_fields_values"] or []:
            field["values"] = [{"value": value}]

    world.amo_wire.cloud = Rewritten(world.amo, change)
    world.pull()

    assert world.row(lead)["Дата заказа"] == shown
    world.rest()


def test_c8_a_field_named_like_a_system_column_does_not_fill_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    names = ["ID", "статус", "Статус", "Воронка", "Бюджет сделки", "Ответственный", "Контактный номер"]
    for name in names:
        world.account.add_lead_field(name)
    lead = world.lead("Анна", phone="+998 00 000-00-01", price=5, fields=dict.fromkeys(names, "zz"))
    world.pull()

    row = world.row(lead)
    assert (row["ID"], row["статус"], row["Воронка"]) == (lead, "В процессе", "Farida - Sotuv Demo")
    assert "zz" not in row.values()
    world.rest()


@pytest.mark.parametrize("name", ["  АДРЕС   доставки ", "адрес\u00a0доставки", "Адрес доставки"])
def test_c9_a_field_is_found_whatever_its_blanks_and_case(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    world.account.add_lead_field(name)
    world.person.paste("A1", [["ID", "статус", "Адрес  Доставки"]])
    lead = world.lead("Анна", fields={name: "ул. Новая, 1"})
    world.pull()

    assert world.row(lead)["Адрес  Доставки"] == "ул. Новая, 1"
    world.rest()


@pytest.mark.parametrize("typed", ["'0134", "134", "' 134 ", "'134.0"])
@pytest.mark.parametrize("code", ["0134", "134", " 134 ", "134.0"])
def test_c10_a_staff_code_is_the_same_in_any_form(tmp_path: Path, code: str, typed: str) -> None:
    world = World(tmp_path)
    world.person.add_tab("Staff", [["Код сотрудника", "Сотрудник"], [typed, "Дилноза"]])
    lead = world.lead("Анна", fields={"Код сотрудника": code})
    world.pull()

    assert world.row(lead)["Ответственный"] == "Дилноза"


@pytest.mark.parametrize("layout", STAFF_LAYOUTS)
def test_c11_both_staff_layouts_are_read_and_left_alone(tmp_path: Path, layout: str) -> None:
    world = World(tmp_path)
    world.person.add_tab("Staff", STAFF_LAYOUTS[layout])
    staff = world.sheets.table("Staff")
    lead = world.lead("Анна", fields={"Код сотрудника": "134"})
    other = world.lead("Борис", fields={"Код сотрудника": "99"})
    world.pull()

    assert (world.row(lead)["Ответственный"], world.row(other)["Ответственный"]) == ("Дилноза", "Администратор")
    assert world.sheets.table("Staff") == staff
    world.rest()


def test_c11_a_changed_staff_tab_is_carried_into_the_rows(tmp_path: Path) -> None:
    world = World(tmp_path)
    staff = world.person.add_tab("Staff", STAFF_LAYOUTS["four columns"])
    lead = world.lead("Анна", fields={"Код сотрудника": "134"})
    world.pull()
    staff.type_at(2, 3, "Дилноза К.")
    world.clock.advance(3600)
    outcome = world.pull()

    assert (outcome.exit_code, world.row(lead)["Ответственный"]) == (ExitCode.DONE, "Дилноза К.")
    world.rest()


def test_c12_a_budget_that_is_gone_leaves_no_old_amount(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", price=100, fields={"Адрес": "ул. Старая, 2", "Количество 1": 3, "Дата заказа": date(2026, 3, 1)})
    world.pull()
    assert world.row(lead)["Бюджет сделки"] == 100

    def change(item: dict[str, Any]) -> None:
        item["price"] = None

    world.amo_wire.cloud = Rewritten(world.amo, change)
    world.account.edit_lead(lead, fields={"Адрес": None, "Количество 1": None, "Дата заказа": None})
    world.pull()

    row = world.row(lead)
    assert [row[name] for name in ("Бюджет сделки", "Адрес", "Количество 1", "Дата заказа")] == [None] * 4
    world.rest()


def test_c13_a_stage_a_user_and_a_pipeline_made_since_show_by_name(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    status = world.account.add_stage(world.shop, "Созвон")
    user = world.account.add_user("Тимур")
    pipeline = world.account.add_pipeline("Davron - Sotuv Demo", ["Недозвон"])
    world.move(lead, (world.shop, status))
    world.account.edit_lead(lead, responsible=user)
    world.move(other, world.stage("Недозвон", pipeline))
    world.pull()

    assert (world.status(lead), world.row(lead)["Ответственный"]) == ("Созвон", "Тимур")
    assert (world.status(other), world.row(other)["Воронка"]) == ("Недозвон", "Davron - Sotuv Demo")
    world.rest()


def test_c13_a_field_made_since_fills_its_column(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    world.account.add_lead_field("Группа")
    lead = world.lead("Анна", fields={"Группа": "Север"})
    world.pull()

    assert world.row(lead)["Группа"] == "Север"
    world.rest()


def contacts_of(leads: Sequence[int], world: World) -> list[dict[str, object]]:
    """The rows of these leads."""
    return [world.row(lead) for lead in leads]


def test_c14_a_comparison_of_all_leads_blanks_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    company = world.account.add_company("Acme")
    leads = [
        world.lead(f"Клиент {number}", phone=f"+998 00 000-00-{number:02}", company=company, fields={"Адрес": "ул. Новая, 1"})
        for number in range(12)
    ]
    world.pull()
    before = contacts_of(leads, world)
    outcome = world.pull(full=True)

    assert (outcome.exit_code, outcome.counts["drifted"]) == (ExitCode.DONE, 0)
    assert contacts_of(leads, world) == before
    assert all(row["Контактный номер"] and row["Компания"] for row in before)
    world.rest()
