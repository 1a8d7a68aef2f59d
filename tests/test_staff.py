from __future__ import annotations

import pytest

from amo2gsheet.model import CellValue
from amo2gsheet.staff import staff_code, staff_from_table


@pytest.mark.parametrize(
    "value", ["0134", "134", " 134 ", "134.0", "0134.00", "134,0", 134, 134.0, "\u00a000134", "1 34", "'0134"]
)
def test_c10_a_code_is_one_however_it_is_written(value: CellValue) -> None:
    assert staff_code(value) == "134"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("A-01", "a-01"),
        (" a-01 ", "a-01"),
        ("0", "0"),
        ("000", "0"),
        ("10", "10"),
        ("1.5", "1.5"),
        (1.5, "1.5"),
        (1340, "1340"),
        ("100.0", "100"),
    ],
)
def test_c10_only_zeros_that_mean_nothing_are_dropped(value: CellValue, code: str) -> None:
    assert staff_code(value) == code


@pytest.mark.parametrize("value", [None, "", " \u00a0", True, False])
def test_what_is_no_code_is_empty(value: CellValue) -> None:
    assert staff_code(value) == ""


@pytest.mark.parametrize(
    "rows",
    [
        [["№", "Код сотрудника", "Сотрудник", "Отдел"], [1, "0134", "Анна", "A"], [2, 135, "Борис", "B"]],
        [["код", "имя"], ["0134", "Анна"], [135.0, "Борис"]],
        [["Code", "Anything"], ["0134", "Анна"], ["135", "Борис"]],
        [["0134", "Анна"], ["135", "Борис"]],
        [[134, "Анна"], [None], [135.0, "Борис"]],
        [["№", "Код", "Работник", "Отдел"], [1, "0134", "Анна", "A"], [2, 135, "Борис", "B"]],
        [["Сотрудник ", "отдел", " код  сотрудника"], ["Анна", "A", "0134"], [" Борис ", "B", "135"]],
        [["Наши люди"], [], ["KOD", "Сотрудник"], ["0134", "Анна"], ["135", "Борис"]],
        [["Код", "Код сотрудника", "Сотрудник"], ["x", "0134", "Анна"], ["y", "135", "Борис"]],
    ],
)
def test_c11_either_layout_of_the_staff_tab_is_read(rows: list[list[CellValue]]) -> None:
    assert staff_from_table(rows) == {"134": "Анна", "135": "Борис"}


def test_c11_incomplete_rows_are_skipped_and_the_later_of_two_counts() -> None:
    rows: list[list[CellValue]] = [
        ["Код сотрудника", "Сотрудник"],
        ["0134", "Анна"],
        [None, "Без кода"],
        ["135"],
        ["136", " "],
        [],
        ["134", "Вера"],
    ]

    assert staff_from_table(rows) == {"134": "Вера"}


def test_an_empty_staff_tab_has_no_staff() -> None:
    assert staff_from_table([]) == {}
    assert staff_from_table([["Код сотрудника", "Сотрудник"]]) == {}
