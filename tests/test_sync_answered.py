"""What the answer of a write of cells tells."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from amo2gsheet.model import Header, Row, WriteAnswer
from amo2gsheet.sync.answered import landed_cleanly, traces_of
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.record import Record, Trace, Written
from tests.sync_bench import HEADER, ID, NAME, NOTE, SENT, STATUS_INDEX, base, row

OLD, NEW = "В процессе", "У курера"
STATUS = CellPlan("status", STATUS_INDEX, OLD, NEW)
NAMED = CellPlan("name", NAME, "Анна", "Алина")
BEFORE = (row(2, 1, "Анна", "первая", OLD), row(3, 2, "Борис", "вторая", OLD), row(4, 3, "Вера", "третья", "Отказ"))
WIDER = Header(1, ("ID", "Ф.И.О.", "", "Заметка", "статус"))
SHIFTED = Header(1, ("Новая", "ID", "Ф.И.О.", "Заметка", "статус"))
"""Somebody inserted a column: in front of the notes; in front of everything."""


def written(*cells: CellPlan, lead: int = 2, number: int = 3) -> Written:
    return Written(lead, number, cells, base(lead, SENT))


def record(*writes: Written, rows: Sequence[Row] = BEFORE) -> Record:
    return Record(HEADER, writes or (written(STATUS),), tuple(rows))


def test_an_answer_that_shows_every_value_in_its_row_is_clean() -> None:
    assert landed_cleanly(record(), WriteAnswer((row(3, 2, "Борис", "вторая", NEW),), HEADER))


@pytest.mark.parametrize(
    "answer",
    [
        WriteAnswer(None, HEADER),
        WriteAnswer((row(3, 2, "Борис", "вторая", NEW),), None),
        WriteAnswer((), HEADER),
        WriteAnswer((row(3, 1, "Анна", "первая", NEW),), HEADER),
        WriteAnswer((row(3, None, None, None, NEW),), HEADER),
        WriteAnswer((row(3, 2, "Борис", "вторая", "Отказ"),), HEADER),
        WriteAnswer((row(3, 2, "Борис", "вторая", NEW),), WIDER),
        WriteAnswer((row(3, 2, "Борис", "вторая", NEW),), Header(1, ("ID", "Ф.И.О."))),
    ],
    ids=[
        "no rows told",
        "no header told",
        "a row is missing",
        "another lead's row",
        "a row without ID",
        "another value",
        "columns moved",
        "the column is gone",
    ],
)
def test_any_other_answer_is_looked_into(answer: WriteAnswer) -> None:
    assert not landed_cleanly(record(), answer)


def test_a_row_without_id_that_was_meant_is_clean() -> None:
    """Repairs go into such rows."""
    repair = record(written(CellPlan("", STATUS_INDEX, NEW, None), lead=0))

    assert landed_cleanly(repair, WriteAnswer((row(3, None),), HEADER))


def test_a_column_that_moved_far_from_the_written_ones_is_none_of_our_business() -> None:
    renamed = Header(1, ("ID", "Ф.И.О.", "Мои заметки", "статус"))

    assert landed_cleanly(record(), WriteAnswer((row(3, 2, "Борис", "вторая", NEW),), renamed))


def test_the_answer_tells_where_values_went_that_missed_their_row() -> None:
    both = record(written(STATUS), written(NAMED, STATUS, lead=3, number=4))
    answer = WriteAnswer((row(3, 2, "Борис", None, NEW), row(4, None, "Алина", None, NEW)), HEADER)

    expected = (Trace(0, 4, NAME, "Алина", "ф.и.о."), Trace(0, 4, STATUS_INDEX, NEW, "статус"))

    assert expected == traces_of(both, answer)


@pytest.mark.parametrize("answer", [WriteAnswer(None, HEADER), WriteAnswer((), HEADER)], ids=["no rows", "too few rows"])
def test_an_answer_without_rows_leaves_no_trace(answer: WriteAnswer) -> None:
    assert () == traces_of(record(), answer)


def test_a_value_under_another_header_of_its_own_row_leaves_a_trace() -> None:
    answer = WriteAnswer((Row(3, 2, {0: 2, 1: "Борис", 2: None, 3: NEW}),), WIDER)

    assert (Trace(2, 3, STATUS_INDEX, NEW, "заметка"),) == traces_of(record(), answer)


def test_a_header_that_the_answer_does_not_show_names_no_column() -> None:
    """Rows were inserted above it, so another row is shown in its place."""
    answer = WriteAnswer((row(3, 1, "Анна", "первая", NEW),), Header(1, ()))

    assert (Trace(1, 3, STATUS_INDEX, NEW),) == traces_of(record(), answer)


def test_a_row_is_known_by_its_id_wherever_that_stands_in_the_answer() -> None:
    answer = WriteAnswer((Row(3, None, {0: None, 1: 3, 2: "Вера", 3: NEW}),), SHIFTED)

    assert (Trace(3, 3, STATUS_INDEX, NEW, "заметка"),) == traces_of(record(), answer)


def test_where_the_answer_does_not_reach_the_id_the_row_counts_as_the_right_one() -> None:
    answer = WriteAnswer(
        (Row(3, None, {0: "Борис", 1: "вторая", 2: None, 3: NEW}),), Header(1, ("Ф.И.О.", "Заметка", "", "", "ID"))
    )

    assert (Trace(2, 3, STATUS_INDEX, NEW, ""),) == traces_of(record(), answer)


ALIKE = (row(2, 1, "Анна", "одна", OLD), row(3, 2, "Анна", "одна", OLD))


@pytest.mark.parametrize(
    ("rows", "name", "note", "lead_id"),
    [
        (BEFORE, "Борис", "вторая", 2),
        (BEFORE, "Вера", "третья", 3),
        (BEFORE, "Борис", "новая", 0),
        (BEFORE, None, None, 0),
        (ALIKE, "Анна", "одна", 2),
        ((ALIKE[0], row(4, 3, "Анна", "одна", OLD)), "Анна", "одна", 0),
    ],
    ids=["its own", "another's", "a new one", "a blank one", "its own, though another is alike", "one of two alike"],
)
def test_a_row_whose_id_was_overwritten_is_known_by_the_rest(
    rows: Sequence[Row], name: str | None, note: str | None, lead_id: int
) -> None:
    """The ID stood where the names had stood."""
    header = Header(1, ("Ф.И.О.", "ID", "Заметка", "статус"))
    of = record(written(NAMED), rows=rows)
    answer = WriteAnswer((Row(3, None, {0: name, 1: "Алина", 2: note}),), header)

    assert (Trace(lead_id, 3, NAME, "Алина", "id"),) == traces_of(of, answer)


IDENTIFIED = Written(5, 4, (CellPlan("id", ID, None, 5),), None)
"""The row 4, which shows the lead's ID under another header, is given its ID."""


def test_an_id_is_given_to_the_row_that_shows_it_under_another_header() -> None:
    of = record(IDENTIFIED, rows=(*BEFORE[:2], Row(4, None, {ID: None, NAME: 5, NOTE: None, STATUS_INDEX: OLD})))
    right = WriteAnswer((Row(4, 5, {ID: 5, NAME: 5, NOTE: None, STATUS_INDEX: OLD}),), HEADER)
    wrong = WriteAnswer((row(4, 5, "Борис", "вторая", OLD),), HEADER)
    pushed_down = WriteAnswer(wrong.rows, Header(1, ()))

    assert landed_cleanly(of, right)
    assert () == traces_of(of, right)
    assert not landed_cleanly(of, wrong)
    assert (Trace(2, 4, ID, 5, "id"),) == traces_of(of, wrong)
    assert (Trace(0, 4, ID, 5),) == traces_of(of, pushed_down)
