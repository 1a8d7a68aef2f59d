from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.columns import (
    DEFAULT_HEADER,
    SYSTEM_COLUMNS,
    cell_format,
    default_layout,
    field_id_of,
    field_key,
    resolve_columns,
    shared_names,
    system_key,
)
from amo2gsheet.model import CellFormat, LeadField


def a_field(field_id: int, name: str, field_type: str = "text") -> LeadField:
    return LeadField(field_id, name, field_type)


REGION = a_field(77, "Регион")
QUANTITY = a_field(78, "Количество 1", "numeric")


def test_columns_are_found_by_header_in_any_order() -> None:
    columns, remembered = resolve_columns(["Регион", "", "статус", "Заметки", "ID"], [REGION], {})

    assert columns.index == {"field:77": 0, "status": 2, "id": 4}
    assert columns.foreign == ("Заметки",)
    assert columns.doubled == ()
    assert remembered == {"регион": "field:77", "статус": "status", "id": "id"}


def test_a9_headers_match_without_regard_to_case_and_blanks() -> None:
    columns, _ = resolve_columns([" id ", "Статус", "БЮДЖЕТ\u00a0 СДЕЛКИ"], [], {})

    assert columns.index == {"id": 0, "status": 1, "price": 2}


def test_c9_custom_fields_match_without_regard_to_case_and_blanks() -> None:
    columns, _ = resolve_columns(["ID", "статус", "Количество 1"], [a_field(78, "  количество   1")], {})

    assert columns.index["field:78"] == 2


def test_c8_a_system_column_wins_over_a_custom_field_of_its_name() -> None:
    fields = [a_field(1, "ID"), a_field(2, "Статус"), a_field(3, "Воронка"), a_field(4, "Бюджет сделки")]

    columns, _ = resolve_columns(["ID", "статус", "Воронка", "Бюджет сделки"], fields, {})

    assert columns.index == {"id": 0, "status": 1, "pipeline": 2, "price": 3}


def test_a_header_keeps_its_field_when_the_field_is_renamed() -> None:
    _, remembered = resolve_columns(["ID", "статус", "Регион"], [REGION], {})

    columns, again = resolve_columns(["ID", "статус", " РЕГИОН"], [a_field(77, "Область"), a_field(99, "Регион")], remembered)

    assert columns.index["field:77"] == 2
    assert again == remembered


def test_a_header_leaves_a_field_that_is_gone() -> None:
    remembered = {"регион": "field:77"}

    columns, _ = resolve_columns(["ID", "статус", "Регион"], [a_field(99, "Регион")], remembered)
    alone, forgotten = resolve_columns(["ID", "статус", "Регион"], [], remembered)

    assert columns.index["field:99"] == 2
    assert alone.foreign == ("Регион",)
    assert "регион" not in forgotten


def test_what_went_from_the_header_is_forgotten() -> None:
    _, remembered = resolve_columns(["ID", "статус"], [REGION], {"регион": "field:77"})

    assert remembered == {"id": "id", "статус": "status"}


def test_of_two_fields_of_one_name_the_lowest_id_counts_and_they_can_be_named() -> None:
    fields = [a_field(99, "регион "), REGION, QUANTITY]

    columns, _ = resolve_columns(["ID", "статус", "Регион", "Количество 1"], fields, {})

    assert columns.index["field:77"] == 2
    assert shared_names(columns.index, fields) == {"Регион": (77, 99)}
    assert shared_names(["id", "field:78", "field:5"], fields) == {}


def test_of_doubled_headers_the_left_one_counts_and_is_named_once() -> None:
    columns, _ = resolve_columns(["ID", "Регион", "статус", "Регион", "Регион", "Заметки", "Заметки"], [REGION], {})

    assert columns.index["field:77"] == 1
    assert columns.doubled == ("Регион",)
    assert columns.foreign == ("Заметки", "Заметки")


def test_a_doubled_required_header_is_not_listed_as_a_harmless_double() -> None:
    columns, _ = resolve_columns(["ID", "статус", "id", "Статус"], [], {})

    assert columns.doubled == ()
    assert (columns.id_index, columns.status_index) == (0, 1)


def test_two_headers_of_one_renamed_field_are_doubles() -> None:
    columns, _ = resolve_columns(["ID", "статус", "Регион", "Область"], [a_field(77, "Область")], {"регион": "field:77"})

    assert columns.index["field:77"] == 2
    assert columns.doubled == ("Область",)


@given(
    st.lists(st.sampled_from([*DEFAULT_HEADER, "Регион ", "заметки", "", "Email", "Чужое"]), max_size=12),
    st.dictionaries(st.sampled_from(["регион", "заметки", "id"]), st.sampled_from(["field:77", "field:5", "price"])),
)
def test_every_column_has_at_most_one_owner(header: list[str], remembered: dict[str, str]) -> None:
    columns, again = resolve_columns(header, [REGION, QUANTITY], remembered)

    assert len(set(columns.index.values())) == len(columns.index)
    assert resolve_columns(header, [REGION, QUANTITY], again) == (columns, again)


def test_each_system_header_names_its_own_column() -> None:
    assert {key: system_key(f" {column.header.upper()} ") for key, column in SYSTEM_COLUMNS.items()} == {
        key: key for key in SYSTEM_COLUMNS
    }
    assert system_key("Регион") is None


def test_a_field_key_leads_back_to_its_field() -> None:
    assert field_id_of(field_key(77)) == 77
    assert [field_id_of(key) for key in SYSTEM_COLUMNS] == [None] * len(SYSTEM_COLUMNS)


def test_new_cells_are_formatted_by_what_the_column_holds() -> None:
    types = ("date", "birthday", "date_time", "numeric", "monetary", "checkbox", "select", "text", "tracking_data")
    fields = [a_field(number, f"Поле {number}", field_type) for number, field_type in enumerate(types)]

    assert [cell_format(field_key(number), fields).name for number in range(len(types))] == [
        *("DATE", "DATE", "DATE_TIME", "NUMBER", "NUMBER", "TEXT", "TEXT", "TEXT", "TEXT"),
    ]
    assert cell_format("field:4711", fields) is CellFormat.TEXT
    assert {key: cell_format(key, []).name for key in SYSTEM_COLUMNS if cell_format(key, []) is not CellFormat.TEXT} == {
        "id": "ID",
        "price": "NUMBER",
        "created": "DATE_TIME",
        "updated": "DATE_TIME",
    }


def test_an_empty_tab_is_given_the_known_header() -> None:
    layout = default_layout("Заказы", ("В процессе", "Отказ"), [QUANTITY, a_field(5, "дата заказа", "date")])

    formats = dict(layout.columns)
    assert [text for text, _ in layout.columns] == list(DEFAULT_HEADER)
    assert len(DEFAULT_HEADER) == 21
    assert layout.columns[layout.status_index][0] == "статус"
    assert layout.dropdown.values == ("В процессе", "Отказ")
    assert {text: formats[text] for text in ("ID", "Количество 1", "Дата заказа", "Дата доставка", "Заказ №")} == {
        "ID": CellFormat.ID,
        "Количество 1": CellFormat.NUMBER,
        "Дата заказа": CellFormat.DATE,
        "Дата доставка": CellFormat.TEXT,
        "Заказ №": CellFormat.TEXT,
    }


def test_every_status_has_a_colour_of_its_own() -> None:
    values = ("В процессе", "У курера", "Успешно", "Отказ", "Возврат", "Склад")

    colours = default_layout("Заказы", values, []).colours

    assert tuple(colours) == values
    assert len(set(colours.values())) == len(values)
    assert default_layout("Заказы", ("отказ",), []).colours["отказ"] == colours["Отказ"]
