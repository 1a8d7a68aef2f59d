from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.columns import SYSTEM_COLUMNS
from amo2gsheet.fields import NOT_RENDERED, render, same_value
from amo2gsheet.model import (
    CellValue,
    Company,
    Contact,
    Directory,
    FieldValue,
    Lead,
    LeadDetails,
    LeadField,
    Pipeline,
    Stage,
)

STAFF_FIELD = LeadField(50, "Код  сотрудника", "text")
LEAD = Lead(4711, "Заказ с сайта", 1200, Stage(1, 11), 9, 1772305200, 1772308860)
DIRECTORY = Directory(
    pipelines=(Pipeline(1, "Farida - Sotuv Demo", 1, True, ()), Pipeline(2, "Baza Dumka", 2, False, ())),
    lead_fields=(LeadField(7, "Регион", "select"), STAFF_FIELD),
    users={9: "Оператор Девять"},
    staff={"134": "Анна"},
    zone="Asia/Tashkent",
)


def a_value(field_type: str, *values: str | int | float | bool, field_id: int = 7) -> dict[int, FieldValue]:
    return {field_id: FieldValue(field_id, field_type, values)}


def cell_of(
    key: str,
    lead: Lead = LEAD,
    *,
    contacts: tuple[Contact, ...] = (),
    company: Company | None = None,
    directory: Directory = DIRECTORY,
    pipeline_display: Mapping[str, str] | None = None,
) -> CellValue:
    return render(LeadDetails(lead, contacts, company), [key], directory, pipeline_display or {})[key]


def test_every_column_but_status_and_sync_gets_a_cell() -> None:
    cells = render(LeadDetails(LEAD), [*SYSTEM_COLUMNS, "field:7"], DIRECTORY, {})

    assert set(cells) == {*SYSTEM_COLUMNS, "field:7"} - NOT_RENDERED
    assert set(SYSTEM_COLUMNS) - set(cells) == {"status", "sync"}


def test_the_leads_own_values_are_shown() -> None:
    lead = replace(LEAD, tags=("опт", "срочно", "опт"))

    assert render(LeadDetails(lead), ["id", "price", "title", "tags", "created", "updated"], DIRECTORY, {}) == {
        "id": 4711,
        "price": 1200,
        "title": "Заказ с сайта",
        "tags": "опт, срочно",
        "created": 46_082,
        "updated": pytest.approx(46_082 + 61 / 1440, rel=0, abs=1e-9),
    }


def test_c3_the_main_contacts_name_is_shown_else_the_leads() -> None:
    main, second = Contact(1, " Анна "), Contact(2, "Борис")

    assert cell_of("name", contacts=(main, second)) == "Анна"
    assert cell_of("name", contacts=(Contact(1, " "), second)) == "Заказ с сайта"
    assert cell_of("name", replace(LEAD, name=" Заказ с сайта ")) == "Заказ с сайта"


def test_c1_all_distinct_phones_are_shown_the_main_contacts_first() -> None:
    contacts = (
        Contact(1, "Анна", phones=("+998 00 000-00-02", " +998 00 000-00-01 ")),
        Contact(2, "Борис", phones=("+998 00 000-00-01", "", "007")),
    )

    assert cell_of("phone", contacts=contacts) == "+998 00 000-00-02, +998 00 000-00-01, 007"
    assert cell_of("phone", contacts=(Contact(1, "Анна"),)) is None


def test_all_distinct_addresses_are_shown() -> None:
    contacts = (Contact(1, "Анна", emails=("a@example.com",)), Contact(2, "Борис", emails=("b@example.com", "a@example.com")))

    assert cell_of("email", contacts=contacts) == "a@example.com, b@example.com"


def test_c4_the_companys_name_is_shown() -> None:
    assert cell_of("company", company=Company(5, " Acme ")) == "Acme"
    assert cell_of("company") is None


@pytest.mark.parametrize(("price", "cell"), [(None, None), (0, 0), (100.0, 100), (99.5, 99.5)])
def test_c12_a_budget_is_a_number_or_nothing(price: float | None, cell: CellValue) -> None:
    found = cell_of("price", replace(LEAD, price=price))

    assert (type(found), found) == (type(cell), cell)


@pytest.mark.parametrize("name", ["Farida - Sotuv Demo", "FARIDA - SOTUV DEMO", "Farida  - Sotuv Demo ", "Fаrida - Sotuv Demo"])
def test_a_pipeline_is_shown_by_its_short_name(name: str) -> None:
    assert cell_of("pipeline", pipeline_display={"Baza Dumka": "База", name: "Фарида"}) == "Фарида"


def test_a_pipeline_without_a_short_name_is_shown_by_its_own_and_an_unknown_one_by_its_id() -> None:
    assert cell_of("pipeline", pipeline_display={"Baza Dumka": "База"}) == "Farida - Sotuv Demo"
    assert cell_of("pipeline", replace(LEAD, stage=Stage(33, 1))) == "33"


@pytest.mark.parametrize("code", ["0134", "134", " 134 ", "134.0", 134, 134.0])
def test_c10_the_staff_code_names_the_employee(code: str | float) -> None:
    lead = replace(LEAD, fields=a_value("text", code, field_id=STAFF_FIELD.id))

    assert cell_of("responsible", lead) == "Анна"


def test_without_a_known_staff_code_the_user_is_responsible() -> None:
    lead = replace(LEAD, fields=a_value("text", "999", field_id=STAFF_FIELD.id))

    assert cell_of("responsible", lead) == "Оператор Девять"
    assert cell_of("responsible") == "Оператор Девять"


def test_h7_a_user_without_a_name_is_shown_by_the_id_and_nobody_as_nothing() -> None:
    assert cell_of("responsible", replace(LEAD, responsible_user_id=10)) == "10"
    assert cell_of("responsible", directory=replace(DIRECTORY, users=None)) == "9"
    assert cell_of("responsible", replace(LEAD, responsible_user_id=0)) is None


@pytest.mark.parametrize(
    ("field_type", "value", "cell"),
    [
        ("text", "007", "007"),
        ("text", "=1+1", "=1+1"),
        ("textarea", "a\nb", "a\nb"),
        ("select", "Ташкент", "Ташкент"),
        ("url", "https://example.com", "https://example.com"),
        ("tracking_data", 5, "5"),
        ("numeric", "1.5", 1.5),
        ("numeric", "3", 3),
        ("numeric", 3, 3),
        ("numeric", "3 шт", "3 шт"),
        ("monetary", "1500.00", 1500),
        ("checkbox", True, "Да"),
        ("checkbox", 1, "Да"),
        ("checkbox", False, None),
        ("date", 1772305200, 46_082),
        ("date", "garbage", "garbage"),
        ("birthday", 1772305200, 46_082),
        ("date_time", 1772305200 + 21_600, 46_082.25),
    ],
)
def test_a_custom_field_is_shown_as_its_type_says(field_type: str, value: str | float, cell: CellValue) -> None:
    found = cell_of("field:7", replace(LEAD, fields=a_value(field_type, value)))

    assert (type(found), found) == (type(cell), cell)


def test_c2_the_cell_is_the_same_text_every_time() -> None:
    lead = replace(LEAD, name="=1+1", fields=a_value("text", "0134"))
    contacts = (Contact(1, "=1+1", phones=("+998 00 000-00-01",)),)

    cells = [render(LeadDetails(lead, contacts), ["name", "phone", "field:7", "title"], DIRECTORY, {}) for _ in range(2)]

    assert cells == [{"name": "=1+1", "phone": "+998 00 000-00-01", "field:7": "0134", "title": "=1+1"}] * 2


@pytest.mark.parametrize(
    ("field_type", "values", "cell"),
    [
        ("multiselect", ("Чай", "Кофе"), "Чай, Кофе"),
        ("multiselect", ("Чай", "", "Кофе"), "Чай, Кофе"),
        ("smart_address", ("Ташкент", 100000), "Ташкент, 100000"),
        ("numeric", ("1.5", "3"), "1.5, 3"),
        ("date", (1772305200, 1772391600), "01.03.2026, 02.03.2026"),
        ("date", (1772305200, 0), 46_082),
        ("date_time", (1772308860, "soon"), "01.03.2026 01:01, soon"),
    ],
)
def test_several_values_stand_in_one_cell(field_type: str, values: tuple[str | int, ...], cell: CellValue) -> None:
    assert cell_of("field:7", replace(LEAD, fields=a_value(field_type, *values))) == cell


def test_a_field_that_the_lead_does_not_have_is_an_empty_cell() -> None:
    assert cell_of("field:7") is None


def test_an_unknown_zone_is_an_error_not_a_wrong_date() -> None:
    with pytest.raises(ValueError, match="Mars"):
        cell_of("created", directory=replace(DIRECTORY, zone="Mars/Olympus"))


# --- same_value -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "other"),
    [(None, ""), ("", None), (1, 1.0), (1.0, 1), ("a", "a"), (True, True), (46082.43819444444, 46082.438194444447)],
)
def test_cells_that_show_the_same_are_the_same(value: CellValue, other: CellValue) -> None:
    assert same_value(value, other)


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (None, 0),
        ("", False),
        (1, True),
        (1.0, True),
        ("1", 1),
        ("a", "A"),
        ("a", "a "),
        (0.5, "0.5"),
        (46082.5, 46082.50001),
        (1, 2),
    ],
)
def test_cells_that_show_something_else_are_not(value: CellValue, other: CellValue) -> None:
    assert not same_value(value, other)


CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)


@given(CELLS, CELLS)
def test_sameness_has_no_direction(value: CellValue, other: CellValue) -> None:
    assert same_value(value, value)
    assert same_value(value, other) == same_value(other, value)
