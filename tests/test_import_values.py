"""What people write into cells: what is understood, and what is refused because it could mean two things."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from amo2gsheet.model_import import CellError, WorkbookCell
from amo2gsheet.sync import importing_values as values
from amo2gsheet.sync.importing_values import BadCellError
from tests.import_world import at

NBSP, NARROW, THIN = "\u00a0", "\u202f", "\u2009"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1 200 000", 1_200_000),
        (f"1{NBSP}200{NBSP}000", 1_200_000),
        (f"1{NARROW}200{THIN}000", 1_200_000),
        ("1200000", 1_200_000),
        ("1,200,000", 1_200_000),
        ("1.200.000", 1_200_000),
        ("1'200'000", 1_200_000),
        ("1 200 000,49", 1_200_000),
        ("1.200.000,50", 1_200_001),
        ("1,200.50", 1_201),
        ("12,5", 13),
        ("0,5", 1),
        ("0,499", 0),
        ("0", 0),
        ("150 000 сум", 150_000),
        ("150000so'm", 150_000),
        ("150 000 UZS", 150_000),
        ("$ 1,200.00", 1_200),
        ("99 ₽", 99),
        ("99 р.", 99),
        ("99 руб.", 99),
        (1_200_000, 1_200_000),
        (1_200_000.0, 1_200_000),
        (1200.5, 1_201),
        (0.1 + 0.2, 0),
    ],
)
def test_a_price_is_read_as_people_write_it(cell: WorkbookCell, expected: int) -> None:
    assert expected == values.price_of(cell)


@pytest.mark.parametrize(
    ("cell", "reason", "nearest"),
    [
        ("1,200", "can mean two numbers", "1200 or 1,2"),
        ("1.200", "can mean two numbers", "1200 or 1,2"),
        ("1,200000", "can mean two numbers", "1200000 or 1,2"),
        ("1.2 млн", "is no number", ""),
        ("12 тыс", "is no number", ""),
        ("1,20,000", "is no number", ""),
        ("1.200,000.5", "is no number", ""),
        ("договорная", "is no number", ""),
        ("сум", "is no number", ""),
        ("-5", "is below zero", ""),
        (-5, "is below zero", ""),
        ("1000000000000000", "is too large a number", ""),
        (1e300, "is too large a number", ""),
        (True, "is no number", ""),
        (at(2026, 3, 1), "is no number", ""),
        (CellError("#REF!"), "shows the error #REF!", ""),
    ],
)
def test_a_price_that_is_none_or_two_is_refused(cell: WorkbookCell, reason: str, nearest: str) -> None:
    with pytest.raises(BadCellError) as caught:
        values.price_of(cell)

    assert (reason, nearest) == (caught.value.reason, caught.value.nearest)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (at(2026, 3, 1), at(2026, 3, 1)),
        (at(2026, 3, 1, 13, 59, 59, 999_980), at(2026, 3, 1, 14, 0)),
        (at(9999, 12, 31, 23, 59, 59, 700_000), at(9999, 12, 31, 23, 59, 59)),
        (date(2026, 3, 1), at(2026, 3, 1)),
        ("01.03.2026", at(2026, 3, 1)),
        ("1.3.2026", at(2026, 3, 1)),
        ("2026-03-01", at(2026, 3, 1)),
        ("01.03.2026 9:05", at(2026, 3, 1, 9, 5)),
        ("2026-03-01T14:30:15", at(2026, 3, 1, 14, 30, 15)),
    ],
)
def test_a_date_is_read_as_people_write_it(cell: WorkbookCell, expected: datetime) -> None:
    assert expected == values.moment_of(cell)


@pytest.mark.parametrize(
    ("cell", "reason", "nearest"),
    [
        ("01.02.26", "has a year of two digits", "01.02.2026"),
        ("03/04/2026", "can be day/month or month/day", "03.04.2026 or 04.03.2026"),
        ("25/12/2026", "can be day/month or month/day", "25.12.2026"),
        ("31.02.2026", "is no date of the calendar", ""),
        ("01.03.2026 25:00", "is no date of the calendar", ""),
        ("01.03.2026 утром", "is no date", "01.03.2026"),
        ("завтра", "is no date like 01.03.2026 or 2026-03-01", ""),
        (45_992, "is a number, not a date", "01.12.2025"),
        (7, "is a number, not a date", ""),
    ],
)
def test_a_date_that_is_none_or_two_is_refused(cell: WorkbookCell, reason: str, nearest: str) -> None:
    with pytest.raises(BadCellError) as caught:
        values.moment_of(cell)

    assert (reason, nearest) == (caught.value.reason, caught.value.nearest)


def test_a_day_is_the_midnight_of_the_accounts_zone() -> None:
    zone = ZoneInfo("Asia/Tashkent")

    day = values.unix_of(at(2026, 3, 1, 14, 30), zone, is_day=True)
    moment = values.unix_of(at(2026, 3, 1, 14, 30), zone, is_day=False)

    assert "2026-03-01T00:00:00+05:00" == datetime.fromtimestamp(day, zone).isoformat()
    assert "2026-03-01T14:30:00+05:00" == datetime.fromtimestamp(moment, zone).isoformat()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (998_901_112_233.0, ("998901112233",)),
        ("998901112233.0", ("998901112233",)),
        (" +998 90 111-22-33 ", ("+998 90 111-22-33",)),
        ("90 111 22 33; 90 111 22 44,\n90 111 22 33", ("90 111 22 33", "90 111 22 44")),
        ("90 111 22 33 (дом)", ("90 111 22 33 (дом)",)),
    ],
)
def test_phones_are_read_as_people_write_them(cell: WorkbookCell, expected: tuple[str, ...]) -> None:
    assert expected == values.phones_of(cell)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("нет", "is no phone number"),
        ("9.98901E+11", "is a phone that Excel has shortened; its last digits are lost"),
        (12, "is no phone number"),
        ("998901112233,00", "is no phone number"),
    ],
)
def test_a_phone_that_is_none_is_refused(cell: WorkbookCell, reason: str) -> None:
    with pytest.raises(BadCellError) as caught:
        values.phones_of(cell)

    assert reason == caught.value.reason


@pytest.mark.parametrize("cell", ["Да", "да", "ДА", "yes", "+", "x", "х", "1", 1, True, "ha", "истина"])
def test_a_tick_is_read_as_people_write_it(cell: WorkbookCell) -> None:
    assert values.checkbox_of(cell)


@pytest.mark.parametrize("cell", ["Нет", "no", "-", "0", 0, False, "ложь"])
def test_no_tick_is_read_as_people_write_it(cell: WorkbookCell) -> None:
    assert not values.checkbox_of(cell)


def test_a_tick_that_may_be_either_is_refused() -> None:
    with pytest.raises(BadCellError, match="is neither yes nor no"):
        values.checkbox_of("может быть")


@pytest.mark.parametrize("text", ["Ташкент", " ташкент", "ТАШКЕНТ", "Taшкент", f"Ташкент{NBSP}"])
def test_an_option_is_found_however_it_is_typed(text: str) -> None:
    assert "Ташкент" == values.option_of(text, ("Самарканд", "Ташкент"))


def test_a_misspelt_option_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(BadCellError) as caught:
        values.option_of("Тошкент", ("Самарканд", "Ташкент"))

    assert ("is no option of this field", "Ташкент") == (caught.value.reason, caught.value.nearest)


def test_several_options_stand_between_commas_unless_an_option_has_one() -> None:
    options = ("Чай", "Кофе", "Чай, кофе")

    assert ("Чай, кофе",) == values.options_of("чай, кофе", options)
    assert ("Кофе", "Чай") == values.options_of("кофе; чай; кофе", options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Доставка, подъём; Монтаж", ("Доставка, подъём", "Монтаж")),
        ("Доставка, подъём, Монтаж", ("Доставка, подъём", "Монтаж")),
        ("монтаж,  доставка, ПОДЪЁМ ,Монтаж", ("Монтаж", "Доставка, подъём")),
        ("Монтаж\nДоставка, подъём\n", ("Монтаж", "Доставка, подъём")),
        ("Доставка; подъём", ("Доставка; подъём",)),
        ("Доставка, Монтаж", ("Доставка", "Монтаж")),
        (" , ;", ()),
    ],
)
def test_an_option_that_holds_a_comma_is_found_among_others(text: str, expected: tuple[str, ...]) -> None:
    options = ("Монтаж", "Доставка", "Доставка, подъём", "Доставка; подъём")

    assert expected == values.options_of(text, options)


def test_of_several_options_the_misspelt_one_is_named() -> None:
    with pytest.raises(BadCellError) as caught:
        values.options_of("Доставка, подъём, Мантаж", ("Монтаж", "Доставка, подъём"))

    assert "Монтаж" == caught.value.nearest


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, ""),
        (7.0, "7"),
        (1.25, "1.25"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (True, "Да"),
        (False, "Нет"),
        (at(2026, 3, 1), "01.03.2026"),
        (at(2026, 3, 1, 14, 30), "01.03.2026 14:30"),
        (at(2026, 3, 1, 14, 30, 5), "01.03.2026 14:30:05"),
        (date(2026, 3, 1), "01.03.2026"),
        (time(9, 5), "09:05"),
        (f"{NBSP}Анна \u200b", "Анна"),
        ("ул. Мира\r\nдом 1", "ул. Мира\nдом 1"),
        ("\x07звонок", "звонок"),
    ],
)
def test_a_cell_as_text_is_what_people_see(cell: WorkbookCell, expected: str) -> None:
    assert expected == values.cell_text(cell)


@pytest.mark.parametrize("text", ["anna@example.com", "anna@example.com, boris@example.com"])
def test_addresses_are_read(text: str) -> None:
    assert tuple(text.split(", ")) == values.emails_of(text)


@pytest.mark.parametrize("text", ["anna", "@example.com", "anna@", "a b@example.com", "a@b@c"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadCellError, match="is no e-mail address"):
        values.emails_of(text)
