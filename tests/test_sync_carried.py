"""Which cells are suspected of a value that may have strayed, and moved on with its row since."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from amo2gsheet.model import CellValue, Header, Row
from amo2gsheet.sync.carried import carried_off
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.record import Record, Trace, Written
from tests.sync_bench import HEADER, NAME, NOTE, STATUS_INDEX, row

OLD, NEW = "В процессе", "У курера"
STATUS = CellPlan("status", STATUS_INDEX, OLD, NEW)
EMPTIED = CellPlan("name", NAME, "Борис", None)
BEFORE = (row(2, 1, "Анна", "первая", OLD), row(3, 2, "Борис", "вторая", OLD), row(4, 3, "Вера", "третья", "Отказ"))


def record(*cells: CellPlan) -> Record:
    """A write meant for lead 2 in row 3."""
    return Record(HEADER, (Written(2, 3, cells, None),), BEFORE)


def third(status: CellValue, name: str | None = "Вера") -> Row:
    return row(1, 3, name, "третья", status)


MISSED = (row(2, 1, "Анна", "первая", OLD), row(3, 2, "Борис", "вторая", OLD))


def test_a_value_that_its_own_row_misses_is_suspected_wherever_it_shows_anew() -> None:
    assert [Trace(3, 1, STATUS_INDEX, NEW, "статус")] == carried_off(record(STATUS), HEADER, (*MISSED, third(NEW)))


@pytest.mark.parametrize(
    "rows",
    [
        (MISSED[0], row(3, 2, "Борис", "вторая", NEW), third(NEW)),
        (*MISSED, third("Успешно")),
        (row(2, 1, "Анна", "первая", NEW), MISSED[1], third(NEW)),
        (*MISSED, row(9, 8, "Глеб", None, NEW)),
    ],
    ids=["it landed", "another value", "two rows picked it", "a row that nobody saw before"],
)
def test_a_value_that_tells_nothing_is_not_suspected(rows: Sequence[Row]) -> None:
    """Of two rows that show what was written once, nobody can tell which is ours: people were at work."""
    assert [] == carried_off(record(STATUS), HEADER, rows)


def test_a_value_in_a_row_that_was_to_get_another_one_is_suspected() -> None:
    """Two rows were swapped at the write: each shows what was meant for the other, or has been moved on since."""
    other = (EMPTIED, CellPlan("status", STATUS_INDEX, "Отказ", "Успешно"))
    writes = (Written(2, 3, (STATUS,), None), Written(3, 4, other, None))
    swapped = (MISSED[0], row(8, 3, "Вера", "третья", NEW), row(9, 2, None, "вторая", OLD))

    found = carried_off(Record(HEADER, writes, BEFORE), HEADER, swapped)

    assert {Trace(3, 8, STATUS_INDEX, NEW, "статус"), Trace(2, 9, NAME, None, "ф.и.о.")} == set(found)


def test_a_row_that_was_only_pushed_down_past_no_written_one_is_not_suspected() -> None:
    """It never stood where the write went."""
    pushed = (row(2, 1, "Анна", "первая", OLD), row(3, 2, "Борис", "вторая", OLD), row(9, 3, "Вера", "третья", NEW))

    assert [] == carried_off(record(STATUS), HEADER, pushed)


def test_a_value_that_stood_there_before_is_none_of_the_write() -> None:
    of = Record(HEADER, (Written(2, 3, (CellPlan("status", STATUS_INDEX, OLD, "Отказ"),), None),), BEFORE)

    assert [] == carried_off(of, HEADER, (*MISSED, third("Отказ")))


def test_a_value_under_another_header_is_suspected() -> None:
    now = row(1, 3, "Вера", NEW, "Отказ")

    assert [Trace(3, 1, NOTE, NEW, "заметка")] == carried_off(record(STATUS), HEADER, (*MISSED, now))


def test_an_emptied_cell_is_suspected_under_its_own_header_only() -> None:
    assert [Trace(3, 1, NAME, None, "ф.и.о.")] == carried_off(record(EMPTIED), HEADER, (*MISSED, third("Отказ", None)))
    assert [] == carried_off(record(EMPTIED), HEADER, (*MISSED, third(None)))


def test_a_row_without_an_id_is_told_with_every_such_value() -> None:
    nameless = Row(9, None, {0: NEW, 1: None, 2: None, 3: NEW})
    wider = Header(1, (*HEADER.texts, ""))

    assert [Trace(0, 9, 0, NEW, "id"), Trace(0, 9, 3, NEW, "статус")] == carried_off(record(STATUS), wider, (*MISSED, nameless))
