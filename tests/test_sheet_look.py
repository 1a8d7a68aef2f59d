"""Looking at the sheet: where header and columns are, which rows there are, what stands in them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from amo2gsheet.exceptions import SheetLayoutError, TabMissingError, UnavailableError
from amo2gsheet.model import Header, Mark, Row, SheetLook, Tab, Workbook
from amo2gsheet.sandbox.exchange import Request
from tests.adapter_bench import HEADER, ID, NAME, NOTE, START, STATUS, SUM, TEXTS, TITLE, SheetBench, layout

ROWS = {2: (11, "В процессе"), 3: (12, "Отказ"), 4: (13, None)}


@pytest.fixture
def bench(tmp_path: Path) -> SheetBench:
    return SheetBench(tmp_path)


def test_one_request_shows_header_ids_and_statuses(bench: SheetBench) -> None:
    assert SheetLook(HEADER, False, ROWS) == bench.side.look(TITLE, ID, STATUS)
    assert 1 == bench.side.request_count == bench.cloud.count()


@pytest.mark.parametrize("remembered", [(0, 0), (2, 0), (5, 5), (0, 40), (700, 701)])
def test_moved_columns_are_found_in_a_second_request(bench: SheetBench, remembered: tuple[int, int]) -> None:
    look = bench.side.look(TITLE, *remembered)

    assert ROWS == look.rows
    assert bench.side.request_count <= 3


def test_columns_that_move_all_the_time_are_given_up(bench: SheetBench) -> None:
    def move(_number: int, _request: Request) -> None:
        bench.person.move_column("статус", 1 if bench.person.column_of("статус") > 1 else 5)

    bench.faulty.before_each = move

    with pytest.raises(UnavailableError, match="another place each time"):
        bench.side.look(TITLE, ID, STATUS)


def test_rows_and_columns_may_stand_anywhere_and_be_hidden_or_filtered(bench: SheetBench) -> None:
    bench.person.insert_rows(1, 3)
    bench.person.move_column("ID", 6)
    bench.person.filter("Имя", ["Анна"])
    bench.person.hide_column("статус")

    look = bench.side.look(TITLE, ID, STATUS)

    assert {5: (11, "В процессе"), 6: (12, "Отказ"), 7: (13, None)} == look.rows
    assert 4 == (look.header or Header(0, ())).row_number


def test_what_stands_in_an_id_cell_is_told_as_it_is(bench: SheetBench) -> None:
    bench.person.type("ID", "'12 ", row=3)
    bench.person.type("ID", "итого", row=9)
    bench.person.type("статус", "Отказ", row=10)

    look = bench.side.look(TITLE, ID, STATUS)

    assert {2: (11, "В процессе"), 3: ("12 ", "Отказ"), 4: (13, None), 9: ("итого", None)} == look.rows


def test_a_doubled_key_header_is_refused(bench: SheetBench) -> None:
    bench.person.rename_header("Заметка", " СТАТУС")

    with pytest.raises(SheetLayoutError, match='"статус" stands 2 times in row 1: C, D'):
        bench.side.look(TITLE, ID, STATUS)


def test_a_tab_of_another_name_is_missing(bench: SheetBench) -> None:
    with pytest.raises(TabMissingError, match="Лист5"):
        bench.side.look("Лист5", ID, STATUS)


@pytest.mark.parametrize("where", [(1, 1), (1, 6), (15, 6)])
def test_a_tab_with_other_contents_is_not_empty(bench: SheetBench, where: tuple[int, int]) -> None:
    """Wherever they stand."""
    bench.person.clear_all()
    bench.person.type_at(*where, "план")

    assert SheetLook(None, False, {}) == bench.side.look(TITLE, ID, STATUS)


def test_an_empty_tab_is_believed_after_all_of_it_was_read(bench: SheetBench) -> None:
    bench.person.clear_all()

    assert SheetLook(None, True, {}) == bench.side.look(TITLE, ID, STATUS)
    assert 2 == bench.side.request_count


def test_a_header_that_appears_between_two_reads_is_found(bench: SheetBench) -> None:
    bench.person.clear_all()
    bench.faulty.before_each = lambda number, _request: bench.person.paste("A1", [list(TEXTS)]) if number == 2 else None

    assert SheetLook(HEADER, False, {}) == bench.side.look(TITLE, ID, STATUS)


def test_a_tab_deleted_between_two_reads_is_missing(bench: SheetBench) -> None:
    bench.person.clear_all()
    bench.person.add_tab("Другой")
    bench.faulty.before_each = lambda number, _request: bench.person.delete_tab() if number == 2 else None

    with pytest.raises(TabMissingError):
        bench.side.look(TITLE, ID, STATUS)


def test_a_hundred_thousand_rows_cost_under_a_second(bench: SheetBench) -> None:
    with bench.cloud.change() as book:
        tab = book.tab(TITLE)
        book.grow(tab, 100_001)
        for number, row in enumerate(tab.rows[1:]):
            tab.rows[number + 1] = row._replace(values=(10_000_000 + number, "Анна", "В процессе"))
    whole = bench.faulty.cloud.answer
    spent = 0.0

    def answer(request: Request) -> object:
        nonlocal spent
        started = time.process_time()
        try:
            return whole(request)
        finally:
            spent += time.process_time() - started

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.faulty.cloud, "answer", answer)
        started = time.process_time()
        look = bench.side.look(TITLE, ID, STATUS)
        used = time.process_time() - started - spent

    assert 100_000 == len(look.rows)
    assert used < 1.0


def test_rows_are_read_in_one_request_with_their_ids(bench: SheetBench) -> None:
    expected = [
        Row(2, 11, {ID: 11, STATUS: "В процессе", SUM: None}),
        Row(4, 13, {ID: 13, STATUS: None, SUM: 5}),
        Row(9, None, {ID: None, STATUS: None, SUM: None}),
    ]

    assert expected == bench.side.read_rows(TITLE, HEADER, [4, 2, 9], [STATUS, SUM])
    assert 1 == bench.side.request_count


def test_only_asked_rows_are_told(bench: SheetBench) -> None:
    assert [Row(3, 12, {ID: 12, NOTE: "звонить"})] == bench.side.read_rows(TITLE, HEADER, [3], [NOTE])
    assert [] == bench.side.read_rows(TITLE, HEADER, [], [NOTE])


def test_rows_between_scattered_ones_are_read_along_but_not_told(bench: SheetBench) -> None:
    """A long name of the tab leaves room for a few ranges only."""
    bench.person.rename_tab("Заказы весны " * 10)

    rows = bench.side.read_rows(bench.person.title, HEADER, list(range(2, 21, 2)), [NAME])

    assert list(range(2, 21, 2)) == [row.number for row in rows]
    assert len(bench.sent[-1].all("ranges")) < 10 == len(rows)


def test_rows_that_go_away_again_and_again_are_given_up(bench: SheetBench) -> None:
    def shorten(number: int, _request: Request) -> None:
        if number in (1, 3):
            bench.person.delete_rows(bench.tab.row_count - 5, 6)

    bench.faulty.before_each = shorten

    with pytest.raises(UnavailableError, match="deleted while"):
        bench.side.read_rows(TITLE, HEADER, [14, 20], [NAME])


def test_the_id_is_read_wherever_its_column_stands(bench: SheetBench) -> None:
    bench.person.move_column("ID", 4)
    header = Header(1, ("Имя", "статус", "ID", "Заметка", "Сумма"))

    assert [Row(3, 12, {0: "Борис", 2: 12})] == bench.side.read_rows(TITLE, header, [3], [0])


def test_rows_beyond_the_grid_are_left_out(bench: SheetBench) -> None:
    bench.person.trim_grid()

    assert [4] == [row.number for row in bench.side.read_rows(TITLE, HEADER, [4, 5], [NAME])]
    assert [2, 4] == [row.number for row in bench.side.read_rows(TITLE, HEADER, [2, 4, 5, 900], [NAME])]
    assert [] == bench.side.read_rows(TITLE, HEADER, [900], [NAME])


def test_columns_beyond_the_grid_are_empty(bench: SheetBench) -> None:
    bench.person.trim_grid()
    header = Header(1, (*TEXTS, "", "Регион"))

    assert [Row(2, 11, {ID: 11, 6: None})] == bench.side.read_rows(TITLE, header, [2], [6])
    assert [] == bench.side.read_rows(TITLE, Header(1, ("", "", "", "", "", "", "ID", "статус")), [2], [7])


def test_rows_of_a_tab_that_is_gone_are_not_empty(bench: SheetBench) -> None:
    with pytest.raises(TabMissingError):
        bench.side.read_rows("Лист5", HEADER, [2], [NAME])


def test_the_workbook_tells_tabs_marks_and_tokens(bench: SheetBench) -> None:
    bench.person.add_tab("Staff")
    mark = Mark("s-1", "машина", "/srv/a.sqlite3")
    bench.side.set_mark(mark, [])
    bench.side.prepare_tab(bench.tab, layout(), 77)

    found = bench.side.workbook()

    assert [TITLE, "Staff"] == [tab.title for tab in found.tabs]
    assert (mark,) == found.marks
    assert {77: START} == found.commit_tokens


def test_a_workbook_without_notes_has_none(bench: SheetBench) -> None:
    assert Workbook((Tab(0, TITLE, 20, 6),), (), {}) == bench.side.workbook()
    assert 1 == bench.side.request_count


def test_foreign_and_damaged_notes_are_left_out(bench: SheetBench) -> None:
    whole = json.dumps({"state_id": "s", "host": "h", "path": "p"})
    for place, (key, value) in enumerate(
        [("a2g", "вчера"), ("amo2gsheet.state", "{"), ("amo2gsheet.state", whole), ("чужое", "9"), ("a2g", "9" * 5000)], 5
    ):
        entry = {"metadataId": place, "metadataKey": key, "metadataValue": value, "location": {"spreadsheet": True}}
        bench.api([{"createDeveloperMetadata": {"developerMetadata": {**entry, "visibility": "DOCUMENT"}}}])

    found = bench.side.workbook()

    assert (Mark("s", "h", "p"),) == found.marks
    assert {5: 0, 9: 0} == found.commit_tokens


def test_a_small_tab_is_read_whole(bench: SheetBench) -> None:
    bench.person.add_tab("Staff", [["Код сотрудника", "Сотрудник"], ["0134", ""], [], ["7", "Вера"]])

    assert [["Код сотрудника", "Сотрудник"], [134], [], [7, "Вера"]] == bench.side.read_table("Staff")


def test_a_missing_tab_has_no_rows(bench: SheetBench) -> None:
    assert [] == bench.side.read_table("Staff")
