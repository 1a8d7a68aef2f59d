"""What became of a write: every kind of stray, and of innocence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from amo2gsheet.model import Base, CellValue, Columns, Header, Row
from amo2gsheet.sync.misnamed import Misnamed, find_misnamed
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.record import Record, Trace, Written
from amo2gsheet.sync.strays import Inspection, Stray, inspect, leads_of, repaired_text, rows_of
from tests.sync_bench import COLUMNS, HEADER, ID, NAME, NOTE, SENT, STATUS_INDEX, base, row

OLD, NEW = "В процессе", "У курера"
STATUS = CellPlan("status", STATUS_INDEX, OLD, NEW)
NAMED = CellPlan("name", NAME, "Анна", "Алина")

BEFORE = (row(2, 1, "Анна", "первая", OLD), row(3, 2, "Борис", "вторая", OLD), row(4, 3, "Вера", "третья", "Отказ"))
"""Three leads; the write of these tests is meant for lead 2 in row 3."""

WIDER = Header(1, ("ID", "Ф.И.О.", "", "Заметка", "статус"))
"""The header after somebody inserted a column in front of the notes."""
WIDER_COLUMNS = Columns({"id": 0, "name": 1, "status": 4}, ("Заметка",))


def written(*cells: CellPlan, lead: int = 2, number: int = 3) -> Written:
    return Written(lead, number, cells, base(lead, SENT))


def record(
    *writes: Written,
    rows: Sequence[Row] = BEFORE,
    texts: Mapping[int, CellValue] | None = None,
    traces: Sequence[Trace] = (),
    header: Header = HEADER,
) -> Record:
    return Record(header, writes or (written(STATUS),), tuple(rows), texts or {}, tuple(traces))


def inspected(
    now: Sequence[Row],
    of: Record | None = None,
    *,
    header: Header = HEADER,
    columns: Columns = COLUMNS,
    bases: Mapping[int, Base] | None = None,
    doubled: Sequence[int] = (),
) -> Inspection:
    return inspect(of or record(), header, columns, now, bases or {}, doubled)


def wide(number: int, lead_id: int | None, name: CellValue, new: CellValue, note: CellValue, status: CellValue) -> Row:
    """A row below `WIDER`."""
    return Row(number, lead_id, {0: lead_id, 1: name, 2: new, 3: note, 4: status})


def test_an_inspection_needs_the_rows_of_writes_and_traces() -> None:
    of = record(traces=[Trace(3, 4, STATUS_INDEX, NEW), Trace(0, 9, STATUS_INDEX, NEW)])

    assert ({2, 3}, {3, 4, 9}) == (leads_of(of), rows_of(of))


# --- what landed ---


def test_a_value_in_its_row_has_landed_wherever_the_row_is_now() -> None:
    now = (row(3, 1, "Анна", "первая", OLD), row(5, 2, "Борис", "вторая", NEW))

    assert Inspection({2: (STATUS,)}, ()) == inspected(now)


def test_a_value_that_is_not_there_has_not_landed() -> None:
    assert Inspection({}, ()) == inspected(BEFORE)


def test_a_row_that_is_gone_has_not_landed() -> None:
    assert {} == inspected(BEFORE[:1]).landed


def test_a_value_that_stood_there_before_tells_nothing() -> None:
    same = CellPlan("status", STATUS_INDEX, NEW, NEW)

    assert {} == inspected((row(3, 2, "Борис", "вторая", NEW),), record(written(same))).landed


def test_what_a_person_changed_right_after_the_write_has_landed_with_its_row() -> None:
    now = (row(3, 2, "Алина", "вторая", "Отказ"),)

    assert {2: (NAMED, STATUS)} == inspected(now, record(written(NAMED, STATUS))).landed


def test_a_cell_that_shows_what_it_showed_before_has_not_landed() -> None:
    """Columns may have moved in the middle of the write, so that it hit one column and missed the other."""
    now = (row(3, 2, "Алина", "вторая", OLD),)

    assert {2: (NAMED,)} == inspected(now, record(written(NAMED, STATUS))).landed


def test_a_cell_of_a_column_that_moved_has_landed_only_where_it_shows_the_value() -> None:
    of = record(written(NAMED, STATUS))

    stood = inspected((wide(3, 2, "Алина", None, "вторая", NEW),), of, header=WIDER, columns=WIDER_COLUMNS)
    missed = inspected((wide(3, 2, "Алина", None, "вторая", "Отказ"),), of, header=WIDER, columns=WIDER_COLUMNS)

    assert ({2: (NAMED, STATUS)}, {2: (NAMED,)}) == (stood.landed, missed.landed)


def test_a_doubled_id_has_not_landed() -> None:
    """Nobody knows which of the rows was meant."""
    now = (row(3, 2, "Борис", "вторая", NEW), row(4, 2, "Борис", "вторая", OLD))

    assert {} == inspected(now, doubled=[2]).landed


def test_a_repair_of_a_row_without_id_has_landed_in_the_row_of_its_number() -> None:
    cell = CellPlan("", STATUS_INDEX, NEW, "заметка")
    repair = record(written(cell, lead=0))

    assert {0: (cell,)} == inspected((row(3, None, None, None, "заметка"),), repair).landed
    assert {} == inspected((row(3, 5, None, None, "заметка"),), repair, bases={5: base(5)}).landed


# --- strays ---


def test_a_value_in_the_next_lead_s_row_goes_back_to_what_stood_there() -> None:
    """Somebody deleted the row above in the moment of the write."""
    now = (row(2, 2, "Борис", "вторая", OLD), row(3, 3, "Вера", "третья", NEW))

    assert (Stray(3, 3, STATUS_INDEX, NEW, "Отказ", is_known=True),) == inspected(now).strays


def test_a_value_in_a_row_inserted_meanwhile_goes_back_to_nothing() -> None:
    now = (*BEFORE[:1], row(3, None, None, None, NEW), row(4, 2, "Борис", "вторая", OLD))

    assert (Stray(0, 3, STATUS_INDEX, NEW, None, is_known=True),) == inspected(now).strays


def test_several_values_in_a_row_inserted_meanwhile_all_go_back_to_nothing() -> None:
    """What the write itself put into the row tells nothing of what the row held before."""
    now = (row(3, None, "Алина", None, NEW), row(4, 2, "Анна", "вторая", OLD))

    strays = inspected(now, record(written(NAMED, STATUS))).strays

    assert [(3, NAME, None, True), (3, STATUS_INDEX, None, True)] == [
        (stray.row_number, stray.index, stray.before, stray.is_known) for stray in strays
    ]


def test_several_values_in_a_row_of_people_go_back_to_what_the_like_row_showed() -> None:
    seen = (row(2, None, "Смена", "утро", "да"), row(3, 2, "Анна", "вторая", OLD))
    now = (row(2, None, None, None), row(3, None, "Алина", "утро", NEW), row(4, 2, "Анна", "вторая", OLD))

    strays = inspected(now, record(written(NAMED, STATUS), rows=seen)).strays

    assert ["Смена", "да"] == [stray.before for stray in strays]


def test_a_value_in_a_row_of_people_goes_back_to_what_a_like_row_showed() -> None:
    rows = (*BEFORE, row(5, None, "Итого", "всего", "три"))
    now = (row(2, 1, "Анна", "первая", OLD), row(3, None, "Итого", "всего", NEW), row(4, 2, "Борис", "вторая", OLD))

    assert (Stray(0, 3, STATUS_INDEX, NEW, "три", is_known=True),) == inspected(now, record(rows=rows)).strays


def test_a_row_of_people_in_its_place_is_the_same_row_though_they_changed_it() -> None:
    rows = (BEFORE[0], row(3, None, "Итого", None, "три"))
    of = record(written(STATUS, number=3), rows=rows)

    assert (Stray(0, 3, STATUS_INDEX, NEW, "три", is_known=True),) == inspected((row(3, None, "Сумма", None, NEW),), of).strays


def test_of_the_rows_of_people_the_like_one_tells_before_the_one_of_that_number() -> None:
    """Somebody deleted a row above both."""
    rows = (BEFORE[0], row(3, None, "Итого", None, "три"), row(4, None, "Скидка", None, "пять"))
    of = record(written(STATUS, number=3), rows=rows)

    found = inspected((row(2, None, "Итого", None, "три"), row(3, None, "Скидка", None, NEW)), of)

    assert (Stray(0, 3, STATUS_INDEX, NEW, "пять", is_known=True),) == found.strays


def test_a_row_of_people_that_nobody_saw_before_is_only_named() -> None:
    now = (row(3, None, "Итого", None, NEW),)

    assert (Stray(0, 3, STATUS_INDEX, NEW, None, is_known=False),) == inspected(now).strays


def test_a_value_that_went_along_with_a_moved_row_is_found_by_its_trace() -> None:
    of = record(traces=[Trace(3, 3, STATUS_INDEX, NEW)])
    now = (row(3, 1, "Анна", "первая", OLD), row(7, 3, "Вера", "третья", NEW))

    assert (Stray(3, 7, STATUS_INDEX, NEW, "Отказ", is_known=True),) == inspected(now, of).strays


def test_a_value_in_a_column_inserted_meanwhile_goes_back_to_nothing() -> None:
    now = (wide(3, 2, "Борис", None, NEW, OLD),)
    of = record(written(CellPlan("status", NOTE + 1, OLD, NEW)))

    found = inspected(now, of, header=WIDER, columns=WIDER_COLUMNS)

    assert (Stray(2, 3, NOTE + 1, NEW, "вторая", is_known=True),) == found.strays


def test_a_value_in_a_column_that_was_not_there_goes_back_to_nothing() -> None:
    named = CellPlan("name", 2, "Борис", "Алина")
    header = Header(1, ("ID", "Заметка", "Ф.И.О.", "статус"))
    now = (Row(3, 2, {0: 2, 1: "вторая", 2: "Алина", 3: "Борис", 4: OLD}),)
    columns = Columns({"id": 0, "name": 3, "status": 4})

    found = inspected(
        now,
        record(written(named), header=header),
        header=Header(1, ("ID", "Заметка", "Новая", "Ф.И.О.", "статус")),
        columns=columns,
    )

    assert (Stray(2, 3, 2, "Алина", None, is_known=True),) == found.strays


def test_a_stray_under_a_header_that_moved_later_is_found_there() -> None:
    """The value missed its row, and then a column was inserted in front of it."""
    now = (wide(3, 3, "Вера", None, "третья", NEW), wide(2, 2, "Борис", None, "вторая", OLD))

    seen = inspected(now, record(traces=[Trace(3, 3, STATUS_INDEX, NEW)]), header=WIDER, columns=WIDER_COLUMNS)
    unseen = inspected(now, record(), header=WIDER, columns=WIDER_COLUMNS)

    expected = (Stray(3, 3, STATUS_INDEX + 1, NEW, "Отказ", is_known=True),)
    assert (expected, expected) == (seen.strays, unseen.strays)


def test_a_cell_that_was_to_be_emptied_and_emptied_its_neighbour_is_filled_again() -> None:
    emptied = CellPlan("name", NAME, "Борис", None)
    now = (row(2, 2, "Борис", "вторая", OLD), row(3, 3, None, "третья", "Отказ"))

    assert (Stray(3, 3, NAME, None, "Вера", is_known=True),) == inspected(now, record(written(emptied))).strays


def test_a_status_that_the_bases_do_not_tell_is_known_from_the_look() -> None:
    """A pick that `push` had not carried over yet, in a row far away."""
    of = record(rows=BEFORE[:2], texts={3: "Успешно"})

    found = inspected((row(3, 3, "Вера", "третья", NEW),), of, bases={3: base(3)})

    assert (Stray(3, 3, STATUS_INDEX, NEW, "Успешно", is_known=True),) == found.strays


@pytest.mark.parametrize(
    ("agreed", "before", "is_known"),
    [
        (base(9), OLD, True),
        (Base(9, base(9, text="").status), None, True),
        (Base(9), None, False),
        (None, None, False),
    ],
    ids=["status agreed", "an empty cell agreed", "tracked without status", "untracked"],
)
def test_a_row_far_away_is_told_by_its_base(agreed: Base | None, before: CellValue, is_known: bool) -> None:
    bases = {9: agreed} if agreed else {}

    found = inspected((row(3, 9, "Глеб", None, NEW),), bases=bases)

    assert (Stray(9, 3, STATUS_INDEX, NEW, before, is_known),) == found.strays


@pytest.mark.parametrize(
    ("agreed", "before", "is_known"), [(base(9, name="Глеб"), "Глеб", True), (base(9), None, False)], ids=["agreed", "no base"]
)
def test_an_owned_cell_far_away_is_told_by_its_base(agreed: Base, before: CellValue, is_known: bool) -> None:
    found = inspected((row(3, 9, "Алина", None, OLD),), record(written(NAMED)), bases={9: agreed})

    assert (Stray(9, 3, NAME, "Алина", before, is_known),) == found.strays


def test_a_note_of_people_far_away_is_told_by_nothing() -> None:
    noted = CellPlan("name", NOTE, None, "Алина")

    found = inspected((row(3, 9, "Глеб", "Алина", OLD),), record(written(noted)), bases={9: base(9)})

    assert (Stray(9, 3, NOTE, "Алина", None, is_known=False),) == found.strays


def test_of_rows_with_one_id_the_like_one_tells_what_stood_there() -> None:
    """And where none is alike, nothing does."""
    rows = (BEFORE[0], BEFORE[1], row(4, 3, "Вера", "третья", "Отказ"), row(5, 3, "Вера", "копия", "Успешно"))
    of = record(rows=rows)

    alike = inspected((row(3, 3, "Вера", "третья", NEW), row(4, 3, "Вера", "копия", "Успешно")), of, doubled=[3])
    other = inspected((row(3, 3, "Вера", "другая", NEW), row(4, 3, "Вера", "копия", "Успешно")), of, doubled=[3])

    assert (Stray(3, 3, STATUS_INDEX, NEW, "Отказ", is_known=True),) == alike.strays
    assert (Stray(3, 3, STATUS_INDEX, NEW, None, is_known=False),) == other.strays


# --- innocence ---


def test_a_neighbour_that_showed_the_value_anyway_is_innocent() -> None:
    rows = (BEFORE[0], BEFORE[1], row(4, 3, "Вера", "третья", NEW))

    assert () == inspected((row(3, 3, "Вера", "третья", NEW),), record(rows=rows)).strays


def test_a_lead_that_was_to_show_the_value_by_itself_is_innocent() -> None:
    """Two leads of one write get the same status, and their rows were swapped."""
    of = record(written(STATUS), written(STATUS, lead=3, number=4))
    now = (row(3, 3, "Вера", "третья", NEW), row(4, 2, "Борис", "вторая", NEW))

    assert Inspection({2: (STATUS,), 3: (STATUS,)}, ()) == inspected(now, of)


def test_a_lead_of_the_same_write_that_shows_another_s_value_is_not_innocent() -> None:
    refused = CellPlan("status", STATUS_INDEX, "Отказ", "Успешно")
    of = record(written(STATUS), written(refused, lead=3, number=4))
    now = (row(3, 3, "Вера", "третья", NEW), row(4, 2, "Борис", "вторая", "Успешно"))

    expected = (Stray(3, 3, STATUS_INDEX, NEW, "Отказ", True), Stray(2, 4, STATUS_INDEX, "Успешно", OLD, True))
    assert expected == inspected(now, of).strays


def test_a_cell_that_shows_something_else_by_now_is_a_persons() -> None:
    assert () == inspected((row(3, 3, "Вера", "третья", "Успешно"),), record(traces=[Trace(3, 3, STATUS_INDEX, NEW)])).strays


def test_an_empty_cell_of_a_row_nobody_knows_is_innocent() -> None:
    emptied = CellPlan("name", NAME, "Борис", None)

    assert () == inspected((row(3, 9, None, None, OLD),), record(written(emptied))).strays


def test_a_row_that_is_gone_is_innocent() -> None:
    assert () == inspected((), record(traces=[Trace(3, 9, STATUS_INDEX, NEW)])).strays


def test_a_cell_is_judged_once_however_many_traces_lead_there() -> None:
    of = record(traces=[Trace(3, 3, STATUS_INDEX, NEW), Trace(3, 3, STATUS_INDEX, NEW)])

    assert 1 == len(inspected((row(3, 3, "Вера", "третья", NEW),), of).strays)


def test_a_repair_of_two_rows_without_id_is_judged_row_by_row() -> None:
    """What was to be emptied in one of them is no excuse for the other's value."""
    first, second = CellPlan("", STATUS_INDEX, NEW, None), CellPlan("", STATUS_INDEX, NEW, "итог")
    repair = record(written(first, lead=0, number=3), written(second, lead=0, number=4), rows=())

    assert () == inspected((row(3, None), row(4, None, None, None, "итог")), repair).strays


@pytest.mark.parametrize(
    ("stray", "expected"),
    [
        (Stray(7, 3, NAME, "x", "Анна", True), "row 3 (lead 7)"),
        (Stray(0, 3, ID, "x", None, True), "row 3 (a row without ID)"),
    ],
)
def test_a_repair_is_told_by_row(stray: Stray, expected: str) -> None:
    assert expected in repaired_text(stray)


def test_a_value_under_another_header_of_its_own_row_is_found_though_the_row_moved_since() -> None:
    """Somebody moved the columns before the write, and the row after it."""
    header = Header(1, ("ID", "Ф.И.О.", "статус", "Заметка"))
    columns = Columns({"id": 0, "name": 1, "status": 2}, ("Заметка",))
    now = Row(4, 2, {0: 2, 1: "Борис", 2: OLD, 3: NEW})
    found = inspected((now,), record(written(STATUS)), header=header, columns=columns)

    assert (Stray(2, 4, 3, NEW, "вторая", is_known=True),) == found.strays


# --- rows that lost their ID, or were given another's ---


def test_a_row_whose_id_was_overwritten_gets_it_back_wherever_it_stands_by_now() -> None:
    """The value was meant for the names; the ID stood there for a moment."""
    now = (row(7, None, "Анна", "первая", OLD), row(2, 2, "Борис", "вторая", OLD))
    now = (Row(7, None, {**now[0].cells, ID: "Алина"}), now[1])

    found = inspected(now, record(written(NAMED)))

    assert (Stray(0, 7, ID, "Алина", 1, is_known=True),) == found.strays


def test_a_number_in_place_of_an_id_names_nobody() -> None:
    """An order number that landed on the ID looks like one."""
    counted = CellPlan("name", NAME, "Борис", 7)
    now = (Row(2, 7, {ID: 7, NAME: "Анна", NOTE: "первая", STATUS_INDEX: OLD}), BEFORE[1], BEFORE[2])

    assert (Stray(0, 2, ID, 7, 1, is_known=True),) == inspected(now, record(written(counted))).strays


def test_of_two_rows_alike_the_one_that_was_hit_lost_its_id() -> None:
    alike = (row(2, 1, "Анна", "одна", OLD), row(3, 2, "Анна", "одна", OLD))
    named = CellPlan("name", NAME, "Анна", "Алина")
    now = (Row(2, 1, alike[0].cells), Row(3, None, {**alike[1].cells, ID: "Алина"}))
    lost = (Row(2, None, {**alike[0].cells, ID: None}), now[1])

    assert (Stray(0, 3, ID, "Алина", 2, is_known=True),) == inspected(now, record(written(named), rows=alike)).strays
    assert (Stray(0, 3, ID, "Алина", 2, is_known=True),) == inspected(lost, record(written(named), rows=alike)).strays


def test_a_row_that_lost_its_id_is_known_by_what_was_written_into_it_though_somebody_changed_the_rest() -> None:
    """Made by hand, it showed hardly anything besides; one value that was written tells nothing."""
    bare = (row(2, 1, "Анна", "первая", OLD), Row(3, 2, {ID: 2, STATUS_INDEX: OLD}))
    counted = written(CellPlan("name", NAME, None, 7), CellPlan("", NOTE, None, "Борис"))
    of = record(counted, rows=bare, traces=[Trace(2, 3, ID, 7, "id"), Trace(2, 3, NAME, "Борис", "ф.и.о.")])
    now = (bare[0], Row(9, 7, {ID: 7, NAME: "Борис", STATUS_INDEX: "Успешно"}))
    little = (bare[0], Row(9, 7, {ID: 7, STATUS_INDEX: "Успешно"}))

    assert Stray(0, 9, ID, 7, 2, is_known=True) in inspected(now, of).strays
    assert Stray(0, 9, ID, 7, 2, is_known=True) not in inspected(little, of).strays


IDENTIFIED = Written(5, 4, (CellPlan("id", ID, None, 5),), None)
"""The row 4, which shows the lead's ID under another header, is given its ID."""
NAMELESS = Row(4, None, {ID: None, NAME: 5, NOTE: None, STATUS_INDEX: OLD})


def test_an_id_that_was_given_to_another_row_is_taken_back() -> None:
    """The row that bears the mark has none; the other one is known by what it shows besides."""
    of = record(IDENTIFIED, rows=(*BEFORE[:2], NAMELESS))
    now = (Row(2, 5, {**BEFORE[0].cells, ID: 5}), BEFORE[1], NAMELESS)
    blank = (BEFORE[0], BEFORE[1], NAMELESS, row(5, 5, None, None, None))

    assert Inspection({}, (Stray(0, 2, ID, 5, 1, is_known=True),)) == inspected(now, replace(of, traces=(Trace(1, 2, ID, 5),)))
    assert Inspection({}, (Stray(0, 5, ID, 5, None, is_known=True),)) == inspected(
        blank, replace(of, traces=(Trace(0, 5, ID, 5),))
    )


def test_an_id_that_was_given_to_its_row_has_landed() -> None:
    of = record(IDENTIFIED, rows=(*BEFORE[:2], NAMELESS))

    assert Inspection({5: IDENTIFIED.cells}, ()) == inspected((*BEFORE[:2], Row(4, 5, {**NAMELESS.cells, ID: 5})), of)


# --- what somebody has changed since ---


def test_a_value_that_a_stray_replaced_is_told_though_somebody_wrote_over_the_stray() -> None:
    of = record(traces=[Trace(3, 3, STATUS_INDEX, NEW, "статус")])

    found = inspected((row(3, 3, "Вера", "третья", "Успешно"),), of)

    assert Inspection({}, (), (Stray(3, 3, STATUS_INDEX, NEW, "Отказ", is_known=True),)) == found


def test_a_pick_in_another_row_that_may_have_been_replaced_is_told_where_no_answer_tells() -> None:
    """The row stands where the write went, and shows neither by now."""
    assert (Stray(3, 3, STATUS_INDEX, NEW, "Отказ", True),) == inspected((row(3, 3, "Вера", "третья", "Успешно"),)).replaced


def test_a_value_that_may_have_been_replaced_is_told_where_no_answer_tells() -> None:
    """Columns were elsewhere for a moment, perhaps; where the answer told, they were not."""
    moved = (wide(3, 2, "Борис", None, "вторая", OLD),)
    of = record(written(CellPlan("status", NOTE + 1, OLD, NEW)))
    changed = (wide(3, 2, "Борис", None, "другая", OLD),)

    assert () == inspected(moved, of, header=WIDER, columns=WIDER_COLUMNS).replaced
    expected = (Stray(2, 3, NOTE + 1, NEW, "вторая", is_known=True),)
    assert expected == inspected(changed, of, header=WIDER, columns=WIDER_COLUMNS).replaced
    told = replace(of, traces=(Trace(0, 9, NOTE, NEW, "заметка"),))
    assert () == inspected(changed, told, header=WIDER, columns=WIDER_COLUMNS).replaced


RENAMED = Header(1, ("ID", "Ф.И.О.", "Комментарий", "статус"))
"""The header after somebody gave the notes another name."""
RENAMED_COLUMNS = Columns({"id": 0, "name": 1, "status": 3}, ("Комментарий",))
IN_NOTES = Trace(2, 3, NOTE, NEW, "заметка")


def test_a_value_in_a_column_that_got_another_name_since_is_put_right() -> None:
    now = (*BEFORE[:1], row(3, 2, "Борис", NEW, OLD), *BEFORE[2:])

    found = inspected(now, record(traces=[IN_NOTES]), header=RENAMED, columns=RENAMED_COLUMNS)

    assert (Stray(2, 3, NOTE, NEW, "вторая", is_known=True),) == found.strays


def test_a_value_in_a_renamed_column_that_stood_there_before_is_no_stray() -> None:
    before = (*BEFORE[:1], row(3, 2, "Борис", NEW, OLD), *BEFORE[2:])

    found = inspected(before, record(rows=before, traces=[IN_NOTES]), header=RENAMED, columns=RENAMED_COLUMNS)

    assert () == found.strays


def test_of_two_new_columns_with_the_value_nobody_can_tell_which_it_strayed_into() -> None:
    header = Header(1, ("ID", "Ф.И.О.", "Комментарий", "статус", "Второй"))
    now = tuple(
        Row(number, lead, {0: lead, 1: "Борис", 2: NEW, 3: OLD, 4: NEW}) if lead == 2 else Row(number, lead, {0: lead, 3: OLD})
        for number, lead in ((2, 1), (3, 2), (4, 3))
    )

    found = inspected(now, record(traces=[replace(IN_NOTES, index=9)]), header=header, columns=RENAMED_COLUMNS)

    assert () == found.strays


def test_a_stray_in_one_of_two_columns_without_a_header_is_looked_for_where_it_landed() -> None:
    header = Header(1, ("ID", "", "", "статус"))
    columns = Columns({"id": 0, "status": 3})
    before = Row(3, 2, {0: 2, 1: "мой", 2: "наш", 3: OLD})
    now = Row(3, 2, {0: 2, 1: "мой", 2: NEW, 3: OLD})

    found = inspected(
        [now], record(rows=[before], traces=[Trace(2, 3, 2, NEW, "")], header=header), header=header, columns=columns
    )

    assert [(3, 2, NEW)] == [(stray.row_number, stray.index, stray.value) for stray in found.strays]


def test_without_an_id_column_no_row_bears_a_wrong_id() -> None:
    assert Misnamed() == find_misnamed(record(), Header(1, ("Ф.И.О.", "статус")), BEFORE)
