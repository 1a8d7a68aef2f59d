from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.model import CellValue
from amo2gsheet.values import (
    TEXT_LIMIT,
    checkbox_cell,
    date_cell,
    date_time_cell,
    distinct,
    joined,
    number_cell,
    text_cell,
    zone_of,
)

TASHKENT = zone_of("Asia/Tashkent")
FIRST_OF_MARCH = 46_082
"""2026-03-01 as Sheets counts days."""

LOCAL_MIDNIGHT = int(datetime(2026, 2, 28, 19, tzinfo=timezone.utc).timestamp())
"""Midnight of 2026-03-01 in Tashkent (UTC+5)."""

HOUR = 3600


# --- zones ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hours"),
    [("Asia/Tashkent", 5), ("+05:00", 5), ("+0530", 5.5), ("-03:00", -3), ("UTC+5", 5), (" +00:00 ", 0), ("UTC", 0)],
)
def test_a_zone_is_a_name_or_an_offset(name: str, hours: float) -> None:
    offset = datetime(2026, 3, 1, tzinfo=zone_of(name)).utcoffset()

    assert offset == timedelta(hours=hours)


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Nowhere", "../x", "/etc/localtime", "+25:00", "Ташкент", "a\0b"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        zone_of(name)


# --- dates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host_zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_c5_a_date_is_the_accounts_day_whatever_the_host_zone(host_zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", host_zone)

    assert date_cell(LOCAL_MIDNIGHT, TASHKENT) == FIRST_OF_MARCH


@pytest.mark.parametrize("hours", [-11, -5, 0, 5, 11])
def test_a_midnight_of_another_zone_is_the_same_day(hours: int) -> None:
    assert date_cell(LOCAL_MIDNIGHT + hours * HOUR, TASHKENT) == FIRST_OF_MARCH


def test_noon_belongs_to_its_own_day() -> None:
    assert date_cell(LOCAL_MIDNIGHT + 12 * HOUR, TASHKENT) == FIRST_OF_MARCH
    assert date_cell(LOCAL_MIDNIGHT + 12 * HOUR + 1, TASHKENT) == FIRST_OF_MARCH + 1


def test_a_day_of_23_hours_is_halved_where_its_noon_is() -> None:
    berlin = zone_of("Europe/Berlin")
    midnight = int(datetime(2026, 3, 29, tzinfo=berlin).timestamp())

    assert date_cell(midnight + 11 * HOUR + HOUR // 2, berlin) == FIRST_OF_MARCH + 28
    assert date_cell(midnight + 11 * HOUR + HOUR // 2 + 1, berlin) == FIRST_OF_MARCH + 29


@given(
    st.dates(min_value=date(1900, 1, 1), max_value=date(9990, 12, 31)),
    st.sampled_from(["UTC", "Asia/Tashkent", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kamchatka", "Africa/Cairo", "-03:00"]),
    st.integers(-11 * HOUR, 11 * HOUR),
)
def test_every_day_survives_a_midnight_up_to_eleven_hours_off(day: date, zone: str, off_seconds: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)).timestamp()

    seconds = midnight + off_seconds
    assert date_cell(seconds, zone_of(zone)) == ((day - date(1899, 12, 30)).days if seconds else None)


@pytest.mark.parametrize("value", [0, "0", None, "", " ", 0.0, "0.0", False])
def test_c7_no_date_is_an_empty_cell(value: CellValue) -> None:
    assert date_cell(value, TASHKENT) is None
    assert date_time_cell(value, TASHKENT) is None


@pytest.mark.parametrize(
    "value",
    [1772305200, "1772305200", 1772305200.0, " 1772305200 ", "2026-03-01", "2026-03-01T00:00:00+05:00", "2026-02-28T19:00:00Z"],
)
def test_c7_a_date_is_read_however_it_is_written(value: CellValue) -> None:
    assert date_cell(value, TASHKENT) == FIRST_OF_MARCH
    assert date_time_cell(value, TASHKENT) == FIRST_OF_MARCH


@pytest.mark.parametrize(
    "value", ["soon", "2026-02-30", "2026-03", 1772305200000, -9_000_000_000, "1e9", 10**30, math.inf, math.nan]
)
def test_c7_what_is_no_date_stays_readable_as_text(value: CellValue) -> None:
    assert date_cell(value, TASHKENT) == str(value)
    assert date_time_cell(value, TASHKENT) == str(value)


def test_a_birthday_before_1970_is_a_date() -> None:
    assert date_cell(-HOUR * 24, zone_of("UTC")) == 25_568


def test_a_moment_keeps_its_time_of_day_in_the_accounts_zone() -> None:
    cell = date_time_cell(LOCAL_MIDNIGHT + 10 * HOUR + 31 * 60 + 15, TASHKENT)

    assert cell == pytest.approx(FIRST_OF_MARCH + (10 * 60 + 31.25) / 1440, rel=0, abs=1e-9)
    assert date_time_cell(LOCAL_MIDNIGHT, TASHKENT) == FIRST_OF_MARCH


# --- numbers, checkboxes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "cell"),
    [("1.5", 1.5), ("3", 3), (" -7 ", -7), ("3.00", 3), (2.0, 2), (2.5, 2.5), (0, 0), ("0", 0), ("", None), (None, None)],
)
def test_numbers_are_numbers(value: CellValue, cell: CellValue) -> None:
    assert (type(number_cell(value)), number_cell(value)) == (type(cell), cell)


@pytest.mark.parametrize("value", ["12 шт", "1,5", "1_000", "nan", "inf", "1e5", "+5", "1234567890123456", "0.1234567890123456"])
def test_what_is_no_number_or_too_long_for_a_cell_stays_text(value: str) -> None:
    assert number_cell(value) == value


def test_a_number_may_fill_a_cell_to_its_last_digit() -> None:
    assert number_cell("123456789012345") == 123_456_789_012_345
    assert number_cell(True) == "Да"


def test_a_number_that_json_or_a_cell_cannot_hold_becomes_text() -> None:
    assert [number_cell(value) for value in (math.inf, math.nan, 10**15, -(10**20))] == [
        "inf",
        "nan",
        str(10**15),
        str(-(10**20)),
    ]


@pytest.mark.parametrize(
    ("value", "cell"), [(True, "Да"), (1, "Да"), ("1", "Да"), ("true", "Да"), (False, None), (0, None), ("0", None), ("", None)]
)
def test_a_ticked_box_is_yes_and_another_is_empty(value: CellValue, cell: str | None) -> None:
    assert checkbox_cell(value) == cell


# --- text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["007", "+998 00 000-00-01", "=1+1", "1.50", "TRUE", "a\nb\tc", " с краю "])
def test_c2_text_stays_text(text: str) -> None:
    assert text_cell(text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("", None), (" \n", None), ("\0", None), (None, None), (7, "7"), (True, "Да"), (False, None), (7.0, "7"), (7.5, "7.5")],
)
def test_nothing_to_see_is_an_empty_cell_and_numbers_read_as_written(value: CellValue, text: str | None) -> None:
    assert text_cell(value) == text


def test_what_google_refuses_is_left_out() -> None:
    assert text_cell("a\0b\x07c\ud800d\uffffe\r\nf\rg") == "abcde\nf\ng"


@given(st.text(alphabet=st.characters(codec=None), max_size=30))
def test_every_text_can_be_sent(text: str) -> None:
    cell = text_cell(text)

    assert cell is None or json.loads(json.dumps(cell, ensure_ascii=False).encode()) == cell
    assert text_cell(cell) == cell


@pytest.mark.parametrize("length", [TEXT_LIMIT - 1, TEXT_LIMIT, TEXT_LIMIT + 1, 200_000])
def test_a_long_text_is_cut_to_what_a_cell_takes(length: int) -> None:
    assert text_cell("я" * length) == "я" * min(length, TEXT_LIMIT)


def test_a_cut_never_halves_a_character() -> None:
    assert text_cell("a" + "😀" * TEXT_LIMIT) == "a" + "😀" * (TEXT_LIMIT // 2 - 1)


def test_several_texts_stand_in_one_cell_each_once() -> None:
    assert joined(distinct([" b", "a", "b ", "", "a"])) == "b, a"
    assert joined(distinct([" ", ""])) is None
