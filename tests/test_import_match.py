"""Which leads are the rows that nobody answered for: what counts as alike, and that each lead is one row's."""

from __future__ import annotations

from amo2gsheet.model import FieldValue, LeadDetails
from amo2gsheet.sync.importing_match import Content, content_shown, matched
from tests.sync_bench import lead


def _content(name: str, price: int = 0, **fields: str) -> Content:
    return Content(name, price, frozenset(), {int(key.lstrip("f")): (text,) for key, text in fields.items()})


def test_numbers_are_alike_however_amocrm_writes_them_and_a_text_among_them_stops_nothing() -> None:
    fields = {number: FieldValue(number, "numeric", (value,)) for number, value in ((1, "2.50"), (2, "12 шт"), (3, 3))}

    shown = content_shown(LeadDetails(lead(fields=fields)))

    assert {1: ("2.5",), 2: ("12 шт",), 3: ("3",)} == shown.fields


def test_of_equal_rows_each_takes_a_lead_of_its_own() -> None:
    anna = _content("анна", 5)

    assert {"a": 10, "b": 11} == matched({"a": anna, "b": anna}, {11: anna, 10: anna})


def test_a_lead_goes_to_the_row_that_is_most_like_it_and_to_no_other() -> None:
    sent = {"a": _content("анна", 5, f1="2"), "b": _content("анна", 6, f1="2")}

    assert {"b": 10} == matched(sent, {10: _content("анна", 6, f1="2")})
