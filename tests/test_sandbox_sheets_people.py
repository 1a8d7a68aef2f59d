"""What people do by hand in the stand-in, and what it leaves behind for the API to find."""

from __future__ import annotations

import pytest

from amo2gsheet.sandbox.sheets_people import Person, RefusedByDropdownError
from tests.sheets_bench import TITLE, Bench, grid

STRICT = {"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "Отказ"}]}, "strict": True}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ids(bench: Bench) -> list[object]:
    """The ID column below the header, blanks included."""
    return [row[0] if row else None for row in bench.table()[1:]]


def test_a_person_finds_rows_and_columns_as_people_do(bench: Bench) -> None:
    person = bench.person
    person.insert_rows(1, 2)
    person.rename_header("статус", " СТАТУС\u00a0")

    assert (person.header_row(), person.row_of(12), person.column_of("статус")) == (3, 5, 3)
    assert person.see("Статус", lead=12) == "Отказ"
    assert person.leads() == [11, 12, 13]
    with pytest.raises(LookupError):
        person.row_of(99)
    with pytest.raises(LookupError):
        person.column_of("нет")


@pytest.mark.parametrize("typed", ["12", " 12 ", "'12", "12.0"])
def test_an_id_is_found_however_it_was_typed(bench: Bench, typed: str) -> None:
    bench.person.type_at(10, 1, typed)

    assert bench.person.rows_of(12) == [3, 10]


def test_picking_and_clearing(bench: Bench) -> None:
    bench.person.pick("статус", "Успешно", lead=11)
    bench.person.clear_cell("Имя", lead=11)
    bench.person.clear_row(lead=12)

    assert bench.table()[1:3] == [[11, None, "Успешно"], []]


def test_a_strict_dropdown_refuses_typing(bench: Bench) -> None:
    bench.batch({"setDataValidation": {"range": grid(1, None, 2, 3), "rule": STRICT}})

    with pytest.raises(RefusedByDropdownError):
        bench.person.type("статус", "что-то", lead=11)
    bench.person.pick("статус", "Отказ", lead=11)

    assert [touch.new for touch in bench.cloud.touches("person")] == ["Отказ"]


def test_rows_are_inserted_moved_and_deleted(bench: Bench) -> None:
    bench.person.insert_rows(3)
    bench.person.move_row(2, lead=13)
    bench.person.delete_row(11)

    assert ids(bench) == [13, None, 12]


def test_columns_are_inserted_moved_and_deleted(bench: Bench) -> None:
    bench.person.insert_columns("статус")
    bench.person.move_column("Заметка", 1)
    bench.person.delete_columns("Имя")

    assert bench.table()[:3] == [
        ["Заметка", "ID", None, "статус"],
        [None, 11, None, "В процессе"],
        ["звонить", 12, None, "Отказ"],
    ]


def test_sorting_all_or_some_or_one_column(bench: Bench) -> None:
    bench.person.sort("ID", descending=True)
    assert ids(bench)[:3] == [13, 12, 11]

    bench.person.sort_part("ID", 3, 4)
    assert ids(bench)[:3] == [13, 11, 12]

    bench.person.sort_one_column("ID")
    assert [row[:2] for row in bench.table()[1:4]] == [[11, "Вера"], [12, "Анна"], [13, "Борис"]]


def test_a_sort_leaves_hidden_rows_hidden_where_they_are(bench: Bench) -> None:
    bench.person.hide_rows(2)

    bench.person.sort("ID", descending=True)

    assert [row.key in bench.tab.hidden for row in bench.tab.rows[:4]] == [False, True, False, False]


def test_cutting_and_copying(bench: Bench) -> None:
    bench.person.cut("A2:C2", "A10")
    bench.person.copy("A3:B3", "A2")
    bench.person.copy_row(5, lead=13)
    bench.person.duplicate_row(lead=13)
    bench.person.paste("E1", [["Сумма"], ["1 200,5"]])

    assert ids(bench) == [12, 12, 13, 13, 13, None, None, None, None, 11]
    assert bench.cloud.cell(TITLE, 2, 5) == 1200.5


def test_header_and_tab_change_their_names(bench: Bench) -> None:
    bench.person.rename_header("статус", "Состояние")
    bench.person.rename_tab("Дела")
    staff = bench.person.add_tab("Staff", [["Код", "Имя"], ["7", "Ольга"]])

    assert bench.table()[0][2] == "Состояние"
    assert bench.refusal("GET", "/values/%D0%97%D0%B0%D0%BA%D0%B0%D0%B7%D1%8B%21A1").startswith("Unable to parse range")
    assert bench.cloud.table("Staff") == [["Код", "Имя"], [7, "Ольга"]]
    staff.delete_tab()
    with pytest.raises(KeyError):
        bench.cloud.table("Staff")


def test_hiding_filtering_and_viewing(bench: Bench) -> None:
    person = bench.person
    person.hide_column("Имя")
    person.filter("статус", ["Отказ"])
    person.filter_view("статус", ["В процессе"])

    assert [row.key in bench.tab.filtered for row in bench.tab.rows[:4]] == [False, False, True, False]
    assert len(bench.tab.filter_views) == 1
    person.unhide_all()
    person.clear_filter()
    assert (bench.tab.hidden, bench.tab.filtered, bench.tab.basic_filter) == (set(), set(), None)


def test_protection_is_put_on_and_taken_off(bench: Bench) -> None:
    bench.person.protect()
    assert "protected" in bench.refusal("PUT", "/values/A9", {"values": [[1]]}, valueInputOption="RAW")

    bench.person.unprotect()
    bench.put("A9", [[1]])


def test_a_trimmed_grid_ends_with_its_data(bench: Bench) -> None:
    bench.person.trim_grid()

    assert bench.tab.size == (4, 4)
    assert "exceeds grid limits" in bench.refusal("GET", "/values/A5")
    bench.person.add_rows(3)
    assert bench.tab.size == (7, 4)


def test_merging_the_header_loses_names(bench: Bench) -> None:
    bench.person.merge("B1:C1")

    assert bench.table()[0] == ["ID", "Имя", None, "Заметка"]


def test_an_old_version_comes_back(bench: Bench) -> None:
    version = bench.person.version()
    bench.put("B2:C2", [["Аня", "Успешно"]])
    bench.person.delete_row(13)

    bench.person.restore_version(version)

    assert bench.table()[1] == [11, "Анна", "В процессе"]
    assert ids(bench) == [11, 12, 13]


# Undo


def test_undo_gives_a_cell_back_wherever_its_row_is_now(bench: Bench) -> None:
    bench.person.pick("статус", "Успешно", lead=11)
    bench.put("B2", [["Аня"]])
    Person(bench.cloud, TITLE).sort("ID", descending=True)

    bench.person.undo()

    assert bench.table()[3] == [11, "Аня", "В процессе"]


def test_undo_brings_a_deleted_row_back_to_its_place(bench: Bench) -> None:
    bench.person.delete_row(12)
    bench.put("A4", [[14]])

    bench.person.undo()

    assert ids(bench) == [11, 12, 13, 14]
    assert bench.table()[2] == [12, "Борис", "Отказ", "звонить"]


def test_undo_takes_inserted_rows_away_and_puts_the_order_back(bench: Bench) -> None:
    bench.person.insert_rows(2)
    bench.person.sort("ID", descending=True)
    bench.put("A10", [[14]])

    bench.person.undo()
    bench.person.undo()

    assert ids(bench)[:3] == [11, 12, 13]
    assert bench.person.row_of(14) == 9
    assert bench.tab.size == (20, 6)


def test_undo_puts_columns_filters_and_titles_back(bench: Bench) -> None:
    before = bench.tab
    bench.person.rename_tab("Дела")
    bench.person.filter("статус", ["Отказ"])
    bench.person.delete_columns("Имя")

    bench.person.undo()
    bench.person.undo()
    bench.person.undo()

    assert bench.person.title == TITLE
    assert bench.table() == [["ID", "Имя", "статус", "Заметка"], *[[*row] for row in bench.table()[1:]]]
    assert (bench.tab.basic_filter, bench.tab.columns) == (None, before.columns)


def test_undo_of_a_column_does_not_run_over_others(bench: Bench) -> None:
    bench.person.delete_columns("Имя")
    bench.put("A2", [[99]])

    with pytest.raises(ValueError, match="changed since"):
        bench.person.undo()
