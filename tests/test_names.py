from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amo2gsheet.names import NameMap, alike, exact, fold, normal_header

NAMES = st.text(max_size=40) | st.text(alphabet="OoОоKkКкHhНнTtТт İſẞß\u00a0\u200b\u0301№", max_size=20)


@given(NAMES)
@example("İ")
@example("\u0345\u0301a")
@example("a\u200b\u0301")
def test_folding_twice_changes_nothing(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert exact(exact(name)) == exact(name)
    assert normal_header(normal_header(name)) == normal_header(name)


@example("O\u200b\u0300")
@given(NAMES)
def test_names_that_are_exactly_alike_fold_alike(name: str) -> None:
    assert fold(exact(name)) == fold(name)


@given(st.text(alphabet="абвгдежзиклмнопрстуфхцчшщьыъэюяABCEHKMOPTXYabcehkmoptxy ", max_size=30))
def test_case_makes_no_other_name(name: str) -> None:
    assert fold(name.upper()) == fold(name.lower()) == fold(name)


@pytest.mark.parametrize(
    "name", ["Успешно ", " Успешно", "\tУспешно\n", "\u00a0Успешно\u202f", "Успешно\u200b", "\ufeffУспешно", "Ус\u00adпешно"]
)
def test_d1_outer_blanks_and_invisible_marks_are_no_part_of_a_name(name: str) -> None:
    assert exact(name) == exact("Успешно")
    assert normal_header(name) == normal_header("Успешно")


@pytest.mark.parametrize("blank", ["  ", "\u00a0", " \u00a0 ", "\u2003", "\t", "\n", "\u3000"])
def test_d1_every_inner_blank_counts_as_one_space(blank: str) -> None:
    assert exact(f"Заказ{blank}отправлен") == "Заказ отправлен"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Oтказ", "Отказ"),
        ("отпрAвлен", "отправлен"),
        ("BЫCЛAH", "ВЫСЛАН"),
        ("зaкaз", "заказ"),
        ("KОНТРОЛЬ", "контроль"),
        ("XОРОШО", "хорошо"),
        ("Yспешно", "успешно"),
        ("Вiдмова", "Відмова"),
    ],
)
def test_d3_latin_look_alikes_read_as_cyrillic(typed: str, meant: str) -> None:
    assert fold(typed) == fold(meant)
    assert exact(typed) != exact(meant)


@pytest.mark.parametrize(("typed", "meant"), [("думка", "ДУМКА"), ("заказ", "Заказ"), ("Otkaz", "OTKAZ"), ("otkaz", "OTKAZ")])
def test_d4_case_is_ignored(typed: str, meant: str) -> None:
    assert fold(typed) == fold(meant)


def test_names_of_other_letters_stay_apart() -> None:
    assert fold("OTKAZ") != fold("Отказ")
    assert fold("Успешно") != fold("Успешно реализовано")


def test_full_width_and_combined_letters_are_read_as_the_plain_ones() -> None:
    assert fold("ＯＴＫＡＺ") == fold("OTKAZ")
    assert exact("и\u0306") == exact("й")
    assert normal_header("Назначенный и\u0306") == normal_header("назначенный й")


def test_c9_headers_ignore_case_and_blanks_but_not_letters() -> None:
    assert normal_header("  количество   1") == normal_header("Количество\u00a01")
    assert normal_header("Cумма") != normal_header("Сумма")


def test_d3_an_exact_match_wins_over_a_folded_one() -> None:
    stages = NameMap([("Oтказ", "with a Latin O"), ("Отказ", "all Cyrillic")])

    assert stages.get("Отказ") == "all Cyrillic"
    assert stages.get("Oтказ ") == "with a Latin O"
    assert stages.get("ОТКАЗ") == "with a Latin O"


def test_of_two_equal_names_the_first_counts_and_a_blank_one_never() -> None:
    names = NameMap([("", 1), (" \u200b", 2), ("Заказ", 3), ("Заказ", 4)])

    assert names.get("Заказ") == 3
    assert names.get("") is None
    assert names.get("\u00a0") is None
    assert names.get("другое") is None


def test_the_very_same_title_is_meant_before_those_that_differ_in_blanks_and_letter_case() -> None:
    assert alike("Заказы", ["заказы ", "Заказы", "Staff"]) == ["Заказы"]
    assert alike("Заказы", ["заказы ", "ЗАКАЗЫ", "Staff"]) == ["заказы ", "ЗАКАЗЫ"]
    assert alike("Заказы", ["Заказ", "Зака зы"]) == []
