"""Names of cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.sheet.a1 import Area, area_of, column_index, column_name, quoted

indexes = st.integers(min_value=0, max_value=18_277)
rows = st.integers(min_value=0, max_value=9_999_999)


@given(indexes)
def test_a_columns_letters_lead_back_to_it(index: int) -> None:
    assert index == column_index(column_name(index))


@pytest.mark.parametrize(("index", "expected"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (18_277, "ZZZ")])
def test_columns_are_lettered_as_in_the_sheet(index: int, expected: str) -> None:
    assert expected == column_name(index)


@given(st.text(min_size=1), rows, indexes, rows, indexes)
def test_an_areas_name_leads_back_to_it(title: str, top: int, left: int, bottom: int, right: int) -> None:
    """Whatever the tab is called."""
    area = Area(min(top, bottom), min(left, right), max(top, bottom) + 1, max(left, right) + 1)

    assert area == area_of(area.named(title))


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (Area(), "'Заказы'"),
        (Area(0, 0, 10, None), "'Заказы'!1:10"),
        (Area(0, 19, None, 20), "'Заказы'!T:T"),
        (Area(11, 0, 12, 20), "'Заказы'!A12:T12"),
        (Area(4, 0, None, 20), "'Заказы'!A5:T"),
    ],
)
def test_open_ends_are_left_out_of_the_name(area: Area, expected: str) -> None:
    assert expected == area.named("Заказы")
    assert area == area_of(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sheet1!A1:Z10", Area(0, 0, 10, 26)),
        ("'D3'!B2", Area(1, 1, 2, 2)),
        ("'a!b''c'!$A$1:$C$3", Area(0, 0, 3, 3)),
        ("'Заказы'!A:A", Area(0, 0, None, 1)),
        ("Sheet1", Area()),
    ],
)
def test_the_names_in_answers_are_read(name: str, expected: Area) -> None:
    assert expected == area_of(name)


@pytest.mark.parametrize("name", ["Sheet1!", "Sheet1!A0", "Sheet1!:", "Sheet1!R1C1", "Sheet1!A1:B2:C3", "Sheet1!ABCD1"])
def test_what_names_no_cells_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no range"):
        area_of(name)


def test_a_quote_in_a_title_is_doubled() -> None:
    assert "'it''s'" == quoted("it's")
