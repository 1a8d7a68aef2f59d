"""What the adapter makes around the rows: a new tab, its look, dropdowns, marks, tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.columns import DEFAULT_HEADER
from amo2gsheet.exceptions import SheetError, TabMissingError, TabNameTakenError, TokenUsedError, WriteRefusedError
from amo2gsheet.model import Dropdown, Layout, Mark, Tab
from amo2gsheet.sandbox.exchange import Answer
from amo2gsheet.sandbox.faults import Fault, Manner, times
from amo2gsheet.sandbox.sheets_cells import NUMBER_FORMAT, VALIDATION
from amo2gsheet.sandbox.sheets_grid import Tab as SandboxTab
from tests.adapter_bench import SHEET_ID, START, STATUS, TITLE, SheetBench, layout

DROPDOWN = Dropdown(("В процессе", "Отказ"))
STATUS_OF_DEFAULT = DEFAULT_HEADER.index("статус")


@pytest.fixture
def bench(tmp_path: Path) -> SheetBench:
    return SheetBench(tmp_path)


def look_of(tab: SandboxTab) -> tuple[Any, ...]:
    """(frozen rows, dropdown of a row far below, format of the ID, header is bold, colours by value)."""
    rule = tab.look(900, STATUS_OF_DEFAULT, VALIDATION)
    values = tuple(value["userEnteredValue"] for value in rule["condition"]["values"])
    colours = {
        found["booleanRule"]["condition"]["values"][0]["userEnteredValue"]: found["booleanRule"]["format"]["backgroundColor"]
        for found in tab.conditional_formats
    }
    bold = tab.look(0, 0)["userEnteredFormat"]["textFormat"]["bold"]
    return tab.properties["gridProperties"]["frozenRowCount"], values, tab.look(900, 0, NUMBER_FORMAT), bold, colours


def expected_look(wanted: Layout) -> tuple[Any, ...]:
    colours = {value: dict(zip(("red", "green", "blue"), rgb, strict=True)) for value, rgb in wanted.colours.items()}
    return 1, wanted.dropdown.values, {"type": "NUMBER", "pattern": "0"}, True, colours


def test_a_missing_tab_is_made_with_everything_in_one_request(bench: SheetBench) -> None:
    wanted = layout("Новые заказы")

    made = bench.side.prepare_tab(None, wanted, 77)

    assert made in bench.side.workbook().tabs
    assert [list(DEFAULT_HEADER)] == bench.cloud.table("Новые заказы")
    assert expected_look(wanted) == look_of(bench.person.on("Новые заказы").tab)
    assert [1, 1] == [bench.cloud.count("write"), bench.cloud.count("read")]


def test_an_empty_tab_is_given_everything_in_one_request(bench: SheetBench) -> None:
    """Also one that is too narrow for the header."""
    bench.person.clear_all()
    bench.person.add_rows(1000)

    made = bench.side.prepare_tab(bench.tab, layout(), 77)

    assert Tab(SHEET_ID, TITLE, 1021, len(DEFAULT_HEADER)) == made
    assert (made,) == bench.side.workbook().tabs
    assert [list(DEFAULT_HEADER)] == bench.table()
    assert expected_look(layout()) == look_of(bench.person.tab)


def test_what_is_typed_while_the_header_is_made_stays(bench: SheetBench) -> None:
    bench.person.clear_all()
    bench.faulty.before_each = lambda _number, _request: bench.person.type_at(1, 1, "план")

    bench.side.prepare_tab(bench.tab, layout(), 77)

    assert [list(DEFAULT_HEADER), ["план"]] == bench.table()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_tab_is_prepared_once_under_one_token(bench: SheetBench, is_new: bool) -> None:
    bench.person.clear_all()
    title = "Новая" if is_new else TITLE
    tab = None if is_new else bench.tab
    bench.side.prepare_tab(tab, layout(title), 77)

    with pytest.raises(TokenUsedError):
        bench.side.prepare_tab(tab, layout(title), 77)
    assert [list(DEFAULT_HEADER)] == bench.cloud.table(title)


def test_a_tab_that_somebody_else_made_meanwhile_is_left_alone(bench: SheetBench) -> None:
    with pytest.raises(TabNameTakenError):
        bench.side.prepare_tab(None, layout(TITLE), 77)
    assert [] == bench.touched()
    assert {} == bench.side.workbook().commit_tokens


def test_a_spreadsheet_without_room_for_a_tab_is_full(bench: SheetBench) -> None:
    bench.person.add_rows(10_000_000 // bench.tab.column_count - bench.tab.row_count)

    with pytest.raises(SheetError, match="is full"):
        bench.side.prepare_tab(None, layout("Новая"), 77)


def test_a_protected_tab_cannot_be_prepared(bench: SheetBench) -> None:
    bench.person.clear_all()
    bench.person.protect()

    with pytest.raises(SheetError, match="could not be prepared"):
        bench.side.prepare_tab(bench.tab, layout(), 77)


def test_a_tab_deleted_meanwhile_is_missing(bench: SheetBench) -> None:
    gone = Tab(4711, "Другая", 10, 10)

    with pytest.raises(TabMissingError):
        bench.side.prepare_tab(gone, layout(), 77)
    with pytest.raises(TabMissingError):
        bench.side.set_dropdown(gone, STATUS, 1, DROPDOWN)
    with pytest.raises(TabMissingError):
        bench.side.read_dropdown(gone, STATUS, 2)


def test_a_dropdown_is_put_on_the_whole_column_and_read_back(bench: SheetBench) -> None:
    bench.side.set_dropdown(bench.tab, STATUS, 1, DROPDOWN)
    bench.person.add_rows(1000)

    found = bench.side.read_dropdown(bench.tab, STATUS, 1015)

    assert DROPDOWN.values == (found or Dropdown(())).values
    assert bench.side.read_dropdown(bench.tab, STATUS, 1) is None
    assert bench.side.read_dropdown(bench.tab, STATUS + 1, 2) is None


def test_a_read_dropdown_goes_back_as_it_was(bench: SheetBench) -> None:
    """Colours and words that people gave it stay."""
    own = {
        "condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "да"}]},
        "inputMessage": "выберите",
        "strict": True,
        "showCustomUi": True,
    }
    bench.side.set_dropdown(bench.tab, STATUS, 1, Dropdown(("да",), own))

    assert Dropdown(("да",), own) == bench.side.read_dropdown(bench.tab, STATUS, 2)


def test_a_dropdown_on_a_typed_column_is_refused_and_nothing_else(bench: SheetBench) -> None:
    bench.person.convert_to_table("A1:E4", [STATUS + 1])

    with pytest.raises(WriteRefusedError, match="typed columns"):
        bench.side.set_dropdown(bench.tab, STATUS, 1, DROPDOWN)


def test_old_tokens_that_google_keeps_are_no_failure(bench: SheetBench) -> None:
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Invalid requests[0].deleteDeveloperMetadata: none"}}
    bench.faulty.rule = times(1, Fault(Manner.REFUSED, Answer(400, json.dumps(body).encode())))

    bench.side.drop_commit_tokens([5])

    assert 1 == bench.side.request_count


def test_a_dropdown_of_another_kind_has_no_values(bench: SheetBench) -> None:
    rule = {"condition": {"type": "ONE_OF_RANGE", "values": [{"userEnteredValue": "=Staff!A1:A5"}]}}
    bench.side.set_dropdown(bench.tab, STATUS, 1, Dropdown((), rule))

    assert Dropdown((), rule) == bench.side.read_dropdown(bench.tab, STATUS, 2)


def test_a_cell_beyond_the_grid_has_no_dropdown(bench: SheetBench) -> None:
    assert bench.side.read_dropdown(bench.tab, STATUS, 900) is None


def test_a_mark_takes_the_place_of_others(bench: SheetBench) -> None:
    first, second, third = (Mark(f"s-{number}", "машина", "/srv/state") for number in range(3))
    bench.side.set_mark(first, [])
    bench.side.set_mark(second, [])
    assert (first, second) == bench.side.workbook().marks

    bench.side.set_mark(third, [first])

    assert (second, third) == bench.side.workbook().marks
    assert [5, 2] == [bench.side.request_count, bench.cloud.count("read")]


def test_marks_are_replaced_though_they_were_read_by_another_process(bench: SheetBench) -> None:
    first, second = Mark("s-1", "машина", "/srv/a"), Mark("s-2", "машина", "/srv/b")
    bench.side.set_mark(first, [])
    bench.side.set_mark(first, [])

    bench.another_side().set_mark(second, [first])

    assert (second,) == bench.side.workbook().marks


def test_old_tokens_are_dropped_and_others_kept(bench: SheetBench) -> None:
    for token in (5, 6, 7):
        bench.side.prepare_tab(None, layout(f"Лист {token}"), token)
    mark = Mark("s", "h", "/p")
    bench.side.set_mark(mark, [])

    bench.side.drop_commit_tokens([5, 7, 999])

    assert ({6: START}, (mark,)) == (bench.side.workbook().commit_tokens, bench.side.workbook().marks)


def test_dropping_no_token_asks_nothing(bench: SheetBench) -> None:
    bench.side.drop_commit_tokens([])

    assert 0 == bench.side.request_count
