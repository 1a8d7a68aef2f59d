"""How many requests scattered rows take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.sheet.a1 import Area
from amo2gsheet.sheet.ranges import LONGEST_ADDRESS, MOST_ROWS, row_requests


def asked(row_numbers: list[int], title: str = "Заказы") -> list[list[Area]]:
    return list(row_requests(title, row_numbers, 0, 20))


def test_neighbours_are_one_range() -> None:
    assert [[Area(1, 0, 4, 20), Area(9, 0, 10, 20)]] == asked([10, 3, 2, 4, 3])


def test_no_rows_take_no_request() -> None:
    assert [] == asked([])


@pytest.mark.parametrize("title", ["S", "Заказы осень 2026 " * 5])
def test_hundreds_of_scattered_rows_are_one_request_of_bounded_length(title: str) -> None:
    (areas,) = asked(list(range(2, 10_000, 20)), title)

    assert len("&ranges=".join(area.named(title) for area in areas)) < LONGEST_ADDRESS
    assert len(areas) > 1


def test_the_widest_gaps_stay_unread() -> None:
    close = list(range(2, 2002, 2))

    areas = [area for request in asked([*close, 90_000]) for area in request]

    assert 90_000 in [area.bottom for area in areas]
    assert sum((area.bottom or 0) - area.top for area in areas) <= 2001


def test_rows_all_over_a_large_sheet_come_in_bounded_answers() -> None:
    requests = asked(list(range(2, 100_000, 50)))

    sizes = [sum((area.bottom or 0) - area.top for area in areas) for areas in requests]
    assert 5 <= len(requests) <= 6
    assert max(sizes) <= MOST_ROWS


@given(st.lists(st.integers(min_value=1, max_value=200_000), max_size=300))
def test_every_row_is_asked_for_in_slices_of_bounded_size(row_numbers: list[int]) -> None:
    requests = asked(row_numbers)

    covered = {number for areas in requests for area in areas for number in range(area.top + 1, (area.bottom or 0) + 1)}
    assert covered >= set(row_numbers)
    assert all(sum((area.bottom or 0) - area.top for area in areas) <= MOST_ROWS for areas in requests)
