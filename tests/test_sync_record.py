"""What the journal keeps of a write: through JSON and back, and what it says of the rows around."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.model import Base, CellBase, CellValue, Header, Row, RowWrite, Stage, StatusBase
from amo2gsheet.state.database import from_json, to_json
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.record import (
    Record,
    Trace,
    Written,
    base_from_json,
    base_to_json,
    exceptions_of,
    is_like,
    landed_base,
    record_from_json,
    record_to_json,
    shown_base,
)
from tests.sync_bench import HEADER, NAME, SENT, STATUS_INDEX, TRIGGER, base, row

TEXTS = st.text(max_size=12)
NUMBERS = st.integers(0, 2**53)
VALUES: st.SearchStrategy[CellValue] = st.none() | TEXTS | st.integers() | st.floats(allow_nan=False) | st.booleans()
KEYS = st.sampled_from(["status", "name", "sync", "field:17", ""])
STATUSES = st.builds(StatusBase, st.builds(Stage, NUMBERS, NUMBERS), TEXTS, TEXTS)
BASES = st.builds(Base, NUMBERS, st.none() | STATUSES, st.dictionaries(KEYS, st.builds(CellBase, VALUES, VALUES)))
CELLS = st.builds(CellPlan, KEYS, st.integers(0, 30), VALUES, VALUES, st.booleans())
WRITES = st.builds(Written, NUMBERS, NUMBERS, st.lists(CELLS, max_size=3).map(tuple), st.none() | BASES)
FILLED = VALUES.filter(lambda value: value is not None)
ROWS = st.builds(Row, NUMBERS, st.none() | NUMBERS, st.dictionaries(st.integers(0, 30), FILLED, max_size=4))
HEADERS = st.builds(Header, st.integers(1, 10), st.lists(TEXTS, max_size=4).map(tuple))
RECORDS = st.builds(
    Record,
    HEADERS,
    st.lists(WRITES, max_size=3).map(tuple),
    st.lists(ROWS, max_size=3).map(tuple),
    st.dictionaries(NUMBERS, VALUES, max_size=3),
    st.lists(st.builds(Trace, NUMBERS, NUMBERS, st.integers(0, 30), VALUES), max_size=3).map(tuple),
)


@given(RECORDS)
def test_a_record_comes_back_from_the_journal_as_it_was(record: Record) -> None:
    assert record == record_from_json(from_json(to_json(record_to_json(record))))


@given(st.none() | BASES)
def test_a_base_comes_back_from_the_journal_as_it_was(agreed: Base | None) -> None:
    assert agreed == base_from_json(from_json(to_json(base_to_json(agreed))))


def test_empty_cells_of_the_rows_before_are_not_kept() -> None:
    """They are what a row without them shows anyway, and most cells of a wide sheet are empty."""
    record = Record(HEADER, (), before=(row(2, 1, "Анна", None, None),))

    (kept,) = record_from_json(record_to_json(record)).before

    assert {0: 1, 1: "Анна"} == kept.cells


def test_a_write_is_sent_with_its_new_values_only() -> None:
    written = Written(7, 4, (CellPlan("name", 1, "old", "new"), CellPlan("status", 3, "В процессе", None)), None)

    assert RowWrite(4, 7, {1: "new", 3: None}) == Record(Header(1, ("ID", "Ф.И.О.")), (written,)).row_write(written)


def test_of_a_row_that_is_given_its_id_all_is_shown() -> None:
    written = Written(7, 4, (CellPlan("id", 0, None, 7),), None)
    record = Record(Header(1, ("ID", "Ф.И.О.")), (written,), (Row(4, None, {0: None, 1: "Анна", 2: 5}),))

    assert RowWrite(4, 7, {0: 7}, (0, 2)) == record.row_write(written)
    assert {"ф.и.о.": "Анна", 2: 5} == record.besides(written)
    assert is_like(Row(9, 7, {0: "Анна", 1: 7, 2: 5}), Header(1, ("Ф.И.О.", "ID")), {"ф.и.о.": "Анна", 2: 5, "заметка": 1})
    assert not is_like(Row(9, 7, {0: 7, 1: "Анна", 2: None}), record.header, {"ф.и.о.": "Анна", 2: 5})


def test_a_column_beyond_the_header_has_no_text() -> None:
    assert ["ф.и.о.", "", ""] == [Record(Header(1, ("ID", "  Ф.И.О. ", "")), ()).column_text(index) for index in (1, 2, 3)]


# --- the base of what has landed ---


def test_the_base_takes_what_the_cells_showed_after_the_write() -> None:
    """Sheets may show another value than was sent; amoCRM's side stays what was sent."""
    cells = (CellPlan("name", NAME, None, "Анна "), CellPlan("status", STATUS_INDEX, None, "У курера"))
    agreed = Base(1, StatusBase(SENT, "У курера", "У курера"), {"name": CellBase("Анна ", "Анна "), "price": CellBase(5, 5)})

    shown = shown_base(Written(1, 2, cells, agreed), row(2, 1, "Анна", None, "у курера"))

    expected = {"name": CellBase("Анна ", "Анна"), "price": CellBase(5, 5)}
    assert Base(1, StatusBase(SENT, "У курера", "у курера"), expected) == shown


def test_what_the_answer_left_out_counts_as_sent() -> None:
    written = Written(1, 2, (CellPlan("name", NAME, None, "Анна"),), base(name="Анна"))

    assert base(name="Анна") == shown_base(written, Row(2, 1, {0: 1}))


def test_a_cell_without_an_agreement_leaves_the_base_alone() -> None:
    """The column of reasons has none, and a row may have no status yet."""
    cells = (CellPlan("sync", 2, None, "ID дважды"), CellPlan("status", STATUS_INDEX, None, "У курера"))

    assert Base(1) == shown_base(Written(1, 2, cells, Base(1)), row(2, 1, "Анна", "ID дважды", "У курера"))


def test_a_repair_agrees_on_nothing() -> None:
    repair = Written(1, 2, (CellPlan("", NAME, "x", "y"),), None)

    assert shown_base(repair, row(2, 1, "y")) is None
    assert landed_base(repair, repair.cells, base()) is None


NAMED, MOVED = CellPlan("name", NAME, "Анна", "Алина"), CellPlan("status", STATUS_INDEX, "В процессе", "У курера")
BOTH = Written(1, 2, (NAMED, MOVED), base(stage=SENT, name="Алина", price=5))


@pytest.mark.parametrize(
    ("landed", "former", "expected"),
    [
        ((NAMED, MOVED), base(name="Анна", price=5), base(stage=SENT, name="Алина", price=5)),
        ((NAMED,), base(name="Анна", price=5), base(name="Алина", price=5)),
        ((MOVED,), base(name="Анна", price=5), base(stage=SENT, name="Анна", price=5)),
        ((MOVED,), None, base(stage=SENT, price=5)),
        ((NAMED,), None, Base(1, None, {"name": CellBase("Алина", "Алина"), "price": CellBase(5, 5)})),
    ],
    ids=[
        "whole",
        "without the status",
        "without the name",
        "first meeting, without the name",
        "first meeting, without the status",
    ],
)
def test_of_what_did_not_land_the_former_agreement_holds(
    landed: tuple[CellPlan, ...], former: Base | None, expected: Base
) -> None:
    assert expected == landed_base(BOTH, landed, former)


def test_only_status_cells_that_the_bases_do_not_tell_are_remembered() -> None:
    texts: dict[int, CellValue] = {1: "В процессе", 2: "Отказ", 3: None, 4: None, 5: "Отказ", 6: 7}
    agreed = {1: "В процессе", 2: "В процессе", 3: "", 4: "Отказ", 6: "7"}

    assert {2: "Отказ", 4: None, 5: "Отказ", 6: 7} == exceptions_of(texts, agreed)


def test_what_was_agreed_is_what_the_stage_is_shown_as() -> None:
    """A check of the builder that the tests of the engine stand on."""
    assert StatusBase(TRIGGER, "В процессе", "В процессе") == base().status
