"""Answers of the Sheets API, whole and broken, as header, rows and cells."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.exceptions import SheetLayoutError
from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.model import CellValue, Header, Row
from amo2gsheet.sheet import answers, grid
from amo2gsheet.sheet.a1 import Area
from amo2gsheet.sheet.grid import BadAnswerError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
"""Whatever an answer may hold."""

CELL = Area(0, 0, 1, 1)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (12345, 12345),
        (12345.0, 12345),
        ("12345", 12345),
        (" 12345 ", 12345),
        ("12 345", 12345),
        ("12\u00a0345", 12345),
        ("12\u202f345", 12345),
        ("'12345", 12345),
        ("12345.0", 12345),
        ("12345,00", 12345),
        ("\ufeff12345\t", 12345),
        ("00012345", 12345),
        (0, None),
        ("0", None),
        (-5, None),
        ("-5", None),
        (1.5, None),
        ("1.5", None),
        ("12.345", None),
        (math.inf, None),
        (math.nan, None),
        (2**53 + 2, None),
        ("9" * 5000, None),
        (True, None),
        (None, None),
        ("", None),
        (" ", None),
        ("№ 12345", None),
        ("12345 12.10", None),
        ("двенадцать", None),
        ("١٢٣", None),
    ],
)
def test_a12_an_id_is_understood_as_people_leave_it(cell: CellValue, expected: int | None) -> None:
    assert expected == lead_id_of(cell)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text())
def test_any_cell_has_a_lead_id_or_none(cell: CellValue) -> None:
    found = lead_id_of(cell)

    assert found is None or (type(found) is int and found > 0)


def test_the_header_is_the_first_of_the_top_rows_with_both_names() -> None:
    rows: list[list[CellValue]] = [[None], ["ID", "Имя"], ["Отчёт"], ["Имя ", None, " id", "СТАТУС\u00a0", " "], ["ID", "статус"]]

    assert Header(4, ("Имя ", "", " id", "СТАТУС\u00a0")) == grid.find_header(rows)


def test_a_header_below_the_tenth_row_is_none() -> None:
    assert grid.find_header([*[["x"]] * 10, ["ID", "статус"]]) is None
    assert grid.find_header([*[["x"]] * 9, ["ID", "статус"]]) is not None


def test_numbers_in_a_header_are_read_as_shown() -> None:
    assert Header(3, ("2026", "1.5", "", "ID")) == grid.header_in([2026.0, 1.5, None, "ID", None], 3)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("ID", "статус", "Статус"), '"статус" stands 2 times in row 5: B, C'),
        ((" id ", "статус", "ID"), '"ID" stands 2 times in row 5: A, C'),
        (("Имя", "статус"), 'no column "ID"'),
    ],
)
def test_a_doubled_or_missing_key_column_is_named(texts: tuple[str, ...], told: str) -> None:
    with pytest.raises(SheetLayoutError, match=told):
        grid.key_columns(Header(5, texts))


def test_rows_below_the_header_with_something_in_the_id_cell_are_found() -> None:
    ids: list[CellValue] = ["Отчёт", "ID", 11, None, "x", "12"]
    statuses: list[CellValue] = [None, "статус", "Отказ", "В процессе"]

    assert {3: (11, "Отказ"), 5: ("x", None), 6: ("12", None)} == grid.rows_below(Header(2, ("ID",)), ids, statuses)


def test_a_ragged_line_is_filled_up_with_empty_cells() -> None:
    assert Row(7, 11, {0: None, 2: 11, 5: None}) == grid.row_of(7, 2, [11], [0, 2, 5], 2)


@pytest.mark.parametrize(("value", "expected"), [(None, ""), ("007", "007"), (1.5, 1.5), (False, False), ("=1+1", "=1+1")])
def test_values_are_sent_as_they_are_and_nothing_as_an_empty_text(value: CellValue, expected: object) -> None:
    assert expected == grid.sent(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_sent(value: float) -> None:
    with pytest.raises(ValueError, match="not a number"):
        grid.sent(value)


WHOLE = {"range": "Sheet1!A1:B2", "majorDimension": "ROWS", "values": [["x", ""], ["", 1]]}


def test_a_whole_answer_is_believed() -> None:
    covered = Area(0, 0, 2, 2)

    assert [(covered, [["x", None], [None, 1]])] == grid.value_ranges({"valueRanges": [WHOLE]}, [covered])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        {"valueRanges": []},
        {"valueRanges": [None]},
        {"valueRanges": [{}]},
        {"valueRanges": [WHOLE, WHOLE]},
        {"valueRanges": [{**WHOLE, "range": "Sheet1!A2:B2"}]},
        {"valueRanges": [{**WHOLE, "range": "Sheet1!B1:B2"}]},
        {"valueRanges": [{**WHOLE, "range": 5}]},
        {"valueRanges": [{**WHOLE, "range": "Sheet1!?"}]},
        {"valueRanges": [{**WHOLE, "values": {}}]},
        {"valueRanges": [{**WHOLE, "values": ["x"]}]},
        {"valueRanges": [{**WHOLE, "values": [[{}]]}]},
        {"valueRanges": [{**WHOLE, "values": [["x"], ["y"], ["z"]]}]},
        {"valueRanges": [{**WHOLE, "values": [["x", "y", "z"]]}]},
    ],
)
def test_a7_a_half_answer_is_not_believed(answer: Any) -> None:
    with pytest.raises(BadAnswerError):
        grid.value_ranges(answer, [Area(0, 0, 2, 2)])


def test_rows_that_come_in_place_of_columns_are_turned() -> None:
    """Some servers overlook the wish, and say so; one that does not say so is not believed."""
    unsaid = {"range": "Sheet1!A1:A3", "values": [["x"], ["y"], ["z"]]}
    column = Area(0, 0, None, 1)

    ((_, lines),) = grid.value_ranges({"valueRanges": [{**unsaid, "majorDimension": "ROWS"}]}, [column], by_columns=True)

    assert [["x", "y", "z"]] == lines
    with pytest.raises(BadAnswerError):
        grid.value_ranges({"valueRanges": [unsaid]}, [column], by_columns=True)


@given(json_values)
def test_no_answer_breaks_the_reading_of_values(answer: Any) -> None:
    for shape in (answer, {"valueRanges": answer}, {"valueRanges": [answer]}, {"valueRanges": [{**WHOLE, "values": answer}]}):
        try:
            grid.value_ranges(shape, [CELL])
        except BadAnswerError:
            continue


@given(json_values)
def test_no_answer_breaks_the_reading_of_anything_else(answer: Any) -> None:
    header = Header(1, ("ID", "статус"))
    shapes = [answer]
    for name in ("sheets", "developerMetadata", "responses", "updatedSpreadsheet"):
        shapes += [{name: answer}, {name: [answer]}, {name: [{"properties": answer}]}, {name: [{"updatedData": answer}]}]
    for name in ("data", "rowData", "values", "dataValidation"):
        shapes += [{"sheets": [{"properties": {}, "data": [{"rowData": [{"values": [{name: answer}]}]}]}]}]
        shapes += [{"updatedSpreadsheet": {"sheets": [{"data": [{"rowData": [{name: answer}]}]}]}}]
    for shape in shapes:
        if isinstance(shape, dict):
            shape = {"spreadsheetId": "s", **shape}
        for read in (
            lambda found: answers.workbook(found, "s"),
            lambda found: answers.dropdown(found, 0),
            lambda found: answers.written(found, [], CELL, 0),
            lambda found: answers.inserted(found, 0, header, Area(1, 0, 2, 2), [0, 1]),
        ):
            try:
                read(shape)
            except BadAnswerError:
                continue


SHEET = {"properties": {"sheetId": 0, "title": "Sheet1", "gridProperties": {"rowCount": 5, "columnCount": 2}}}


@pytest.mark.parametrize(
    "answer",
    [
        {"spreadsheetId": "another", "sheets": [SHEET]},
        {"spreadsheetId": "s", "sheets": []},
        {"spreadsheetId": "s"},
        {"spreadsheetId": "s", "sheets": [{}]},
        {"spreadsheetId": "s", "sheets": [{"properties": {"sheetId": 0}}]},
    ],
)
def test_half_a_tab_list_is_not_believed(answer: Any) -> None:
    assert 1 == len(answers.workbook({"spreadsheetId": "s", "sheets": [SHEET]}, "s").tabs)
    with pytest.raises(BadAnswerError):
        answers.workbook(answer, "s")


def test_a_chart_on_a_tab_of_its_own_is_no_tab() -> None:
    chart = {"properties": {"sheetId": 7, "title": "График", "index": 1, "sheetType": "OBJECT"}}

    assert ["Sheet1"] == [tab.title for tab in answers.workbook({"spreadsheetId": "s", "sheets": [SHEET, chart]}, "s").tabs]


def test_the_answer_to_a_write_of_another_row_is_not_believed() -> None:
    data = {"range": "Sheet1!A3:B3", "values": [[11, "x"]]}

    with pytest.raises(BadAnswerError):
        answers.written({"responses": [{"updatedData": data}, {}]}, [Area(1, 0, 2, 2)], Area(0, 0, 1), 0)


def test_what_a_cell_of_grid_data_shows() -> None:
    shown = [{"effectiveValue": {kind: value}} for kind, value in [("numberValue", 5), ("stringValue", ""), ("boolValue", False)]]

    assert [5, None, False] == [grid.shown_value(cell) for cell in shown]
    assert grid.shown_value({}) is None
    assert "#ERROR!" == grid.shown_value({"effectiveValue": {"errorValue": {"type": "REF"}}})


def test_a_hundred_thousand_rows_are_read_in_half_a_second() -> None:
    ids = [10_000_000 + number for number in range(100_000)]
    column = {"majorDimension": "COLUMNS"}
    answer = {
        "valueRanges": [
            {"range": "Sheet1!A1:T10", **column, "values": [["ID"], ["статус"]]},
            {"range": "Sheet1!A1:A100001", **column, "values": [["ID", *ids]]},
            {"range": "Sheet1!B1:B100001", **column, "values": [["статус", *["В процессе"] * 100_000]]},
        ]
    }
    areas = [Area(0, 0, 10), Area(0, 0, None, 1), Area(0, 1, None, 2)]
    started = time.process_time()

    _, (_, (id_cells,)), (_, (status_cells,)) = grid.value_ranges(answer, areas, by_columns=True)
    rows = grid.rows_below(Header(1, ("ID", "статус")), id_cells, status_cells)

    assert 100_000 == len(rows)
    assert time.process_time() - started < 0.5
