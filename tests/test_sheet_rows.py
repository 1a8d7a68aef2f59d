"""Writing cells and inserting rows: what lands where, what the answer shows, and what happens when people are faster."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from amo2gsheet.exceptions import (
    SheetError,
    TabMissingError,
    TokenUsedError,
    UnavailableError,
    UnclearOutcomeError,
    WriteRefusedError,
)
from amo2gsheet.model import CellFormat, CellValue, Dropdown, Header, NewCell, NewRow, Row, RowWrite, Tab, WriteAnswer
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Manner, times
from amo2gsheet.sandbox.sheets_cells import NUMBER_FORMAT, VALIDATION
from amo2gsheet.sandbox.sheets_knobs import PROTECTED_IN_RUSSIAN
from tests.adapter_bench import HEADER, ID, NAME, NOTE, SHEET_ID, STATUS, SUM, TEXTS, TITLE, SheetBench, new_row

DROPDOWN = Dropdown(("В процессе", "Отказ"))
TEXT_CELLS = ["+998 00 000-00-01", "0134", "007", "=1+1", "'0123", "TRUE", "1-2", "1,5", "@x", "Ф\nИ"]


@pytest.fixture
def bench(tmp_path: Path) -> SheetBench:
    return SheetBench(tmp_path)


def insert(
    bench: SheetBench,
    *rows: NewRow,
    below: int = 4,
    token: int = 5,
    dropdown: Dropdown | None = None,
    tab: Tab | None = None,
    header: Header = HEADER,
) -> WriteAnswer:
    return bench.side.insert_rows(
        tab or bench.tab, header, rows, below_row=below, commit_token=token, dropdown=dropdown, status_index=STATUS
    )


def test_only_the_named_cells_change_and_the_answer_shows_whose_rows_they_are(bench: SheetBench) -> None:
    answer = bench.side.write_rows(
        TITLE, HEADER, [RowWrite(4, 13, {STATUS: "Отказ", SUM: 7}), RowWrite(3, 12, {NAME: "Яна", NOTE: None})]
    )

    assert [(4, STATUS, "Отказ"), (4, SUM, 7), (3, NAME, "Яна"), (3, NOTE, None)] == bench.touched()
    rows = (
        Row(4, 13, {ID: 13, NAME: "Вера", STATUS: "Отказ", NOTE: None, SUM: 7}),
        Row(3, 12, {ID: 12, NAME: "Яна", STATUS: "Отказ", NOTE: None}),
    )
    assert WriteAnswer(rows, HEADER) == answer
    assert 1 == bench.side.request_count


def test_a_strayed_write_is_seen_in_its_own_answer(bench: SheetBench) -> None:
    bench.faulty.before_each = lambda _number, _request: bench.person.insert_rows(2)

    answer = bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {STATUS: "Успешно"})])

    assert (Row(3, 11, {ID: 11, NAME: "Анна", STATUS: "Успешно"}),) == answer.rows


def test_a_moved_header_is_seen_in_the_writes_own_answer(bench: SheetBench) -> None:
    bench.faulty.before_each = lambda _number, _request: bench.person.insert_columns("Имя")

    answer = bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {STATUS: "Успешно"})])

    assert ("ID", "", "Имя", "статус", "Заметка", "Сумма") == (answer.header or HEADER).texts


@pytest.mark.parametrize("place", ["left", "middle", "right"])
def test_a8_cells_are_written_under_their_headers_wherever_the_id_stands(bench: SheetBench, place: str) -> None:
    bench.person.move_column("ID", {"left": 1, "middle": 3, "right": 6}[place])
    header = Header(1, tuple(str(cell) for cell in bench.table()[0]))
    written: dict[int, CellValue] = {header.texts.index("Имя"): "Яна", header.texts.index("Сумма"): 9}

    answer = bench.side.write_rows(TITLE, header, [RowWrite(2, 11, written)])

    assert ("Яна", 9, None) == tuple(bench.person.see(name, lead=11) for name in ("Имя", "Сумма", "Заметка"))
    assert [11] == [row.lead_id for row in answer.rows or ()]
    assert header == answer.header
    assert 2 == len(bench.touched())


def test_an_answer_of_only_the_written_cells_tells_nothing_once(bench: SheetBench) -> None:
    """The next writes are sent in another way, whose answers do tell."""
    bench.knobs.values_in_response = "written"
    writes = [RowWrite(3, 12, {STATUS: "Успешно", SUM: 5}), RowWrite(2, 11, {NAME: None, SUM: 6.5})]

    answers = [bench.side.write_rows(TITLE, HEADER, writes) for _ in range(2)]

    shown = (
        Row(3, 12, {ID: 12, NAME: "Борис", STATUS: "Успешно", NOTE: "звонить", SUM: 5}),
        Row(2, 11, {ID: 11, NAME: None, STATUS: "В процессе", NOTE: None, SUM: 6.5}),
    )
    assert [WriteAnswer(None, None), WriteAnswer(shown, HEADER)] == answers
    assert not bench.side.is_write_shown
    assert ("Успешно", None) == (bench.person.see("статус", lead=12), bench.person.see("Имя", lead=11))


@pytest.mark.parametrize("text", TEXT_CELLS)
def test_c2_a_text_stays_a_text_at_insert_and_update(bench: SheetBench, text: str) -> None:
    insert(bench, new_row(14, text))
    inserted = bench.person.see("Имя", lead=14)

    bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {NAME: text})])

    assert [text, text] == [inserted, bench.person.see("Имя", lead=12)]


@pytest.mark.parametrize("value", [5, 1.5, True, 45_000.5, None])
def test_values_keep_their_kind_at_insert_and_update(bench: SheetBench, value: CellValue) -> None:
    insert(bench, new_row(14, "x", total=value))
    bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {SUM: value})])

    seen = [bench.person.see("Сумма", lead=lead) for lead in (14, 12)]
    assert [value, value] == seen
    assert {type(value)} == set(map(type, seen))


def test_what_is_no_number_is_refused_before_it_is_sent(bench: SheetBench) -> None:
    with pytest.raises(WriteRefusedError) as raised:
        bench.side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {SUM: 1}), RowWrite(3, 12, {SUM: math.nan})])
    with pytest.raises(WriteRefusedError):
        insert(bench, new_row(14, total=math.inf))

    assert [1] == list(raised.value.refused)
    assert 0 == bench.side.request_count


@pytest.mark.parametrize("language", ["english", "russian"])
def test_a_protected_cell_is_refused_with_its_place_and_nothing_is_written(bench: SheetBench, language: str) -> None:
    if language == "russian":
        bench.knobs.protected_text = PROTECTED_IN_RUSSIAN
    bench.person.protect("B3:C3")

    with pytest.raises(WriteRefusedError) as raised:
        bench.side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {NAME: "x"}), RowWrite(3, 12, {NAME: "x"})])

    assert [1] == list(raised.value.refused)
    assert [] == bench.touched()


@pytest.mark.parametrize("cells", ["A1:Z1", "A1:A9", "D3:D3"])
def test_cells_are_written_though_protected_ones_may_not_even_be_left_alone(bench: SheetBench, cells: str) -> None:
    bench.knobs.is_null_a_touch = True
    bench.person.protect(cells)
    written: dict[int, CellValue] = {NAME: "Яна", STATUS: "Успешно", SUM: 5}

    answers = [bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, written)]) for _ in range(2)]

    assert ("Яна", "Успешно", 5) == tuple(bench.person.see(name, lead=12) for name in ("Имя", "статус", "Сумма"))
    shown = Row(3, 12, {ID: 12, NAME: "Яна", STATUS: "Успешно", NOTE: "звонить", SUM: 5})
    assert [WriteAnswer((shown,), HEADER)] * 2 == answers
    assert 4 == bench.side.request_count, "refused, the tabs, written; the second write knows better"


def _shows_little(bench: SheetBench) -> None:
    """From here on every write goes out as `updateCells`."""
    bench.side.is_write_shown = False


def test_cells_by_update_stray_under_the_eyes_of_their_own_answer(bench: SheetBench) -> None:
    _shows_little(bench)
    bench.side.workbook()
    bench.faulty.before_each = lambda _number, _request: bench.person.insert_rows(2)

    answer = bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {STATUS: "Успешно"})])

    assert (Row(3, 11, {ID: 11, NAME: "Анна", STATUS: "Успешно"}),) == answer.rows


@pytest.mark.parametrize("text", TEXT_CELLS)
def test_c2_a_text_stays_a_text_by_update_too(bench: SheetBench, text: str) -> None:
    _shows_little(bench)

    bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {NAME: text})])

    assert text == bench.person.see("Имя", lead=12)


def test_an_update_leaves_looks_and_dropdowns_alone(bench: SheetBench) -> None:
    _shows_little(bench)
    bench.side.set_dropdown(bench.tab, STATUS, 1, DROPDOWN)
    looks = [[bench.person.tab.look(2, index, kind) for index in range(5)] for kind in (NUMBER_FORMAT, VALIDATION)]

    bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {NAME: "Яна", STATUS: "Отказ", SUM: 5})])

    assert looks == [[bench.person.tab.look(2, index, kind) for index in range(5)] for kind in (NUMBER_FORMAT, VALIDATION)]
    assert looks[1][STATUS] is not None


def test_a_tab_that_is_gone_is_told_before_cells_are_updated(bench: SheetBench) -> None:
    _shows_little(bench)

    with pytest.raises(TabMissingError, match="Другая"):
        bench.side.write_rows("Другая", HEADER, [RowWrite(3, 12, {NAME: "x"})])


def test_a_tab_that_is_renamed_at_the_moment_of_an_update_is_not_written(bench: SheetBench) -> None:
    _shows_little(bench)
    bench.side.workbook()
    bench.faulty.before_each = lambda _number, _request: bench.person.rename_tab("Старая")

    with pytest.raises(TabMissingError):
        bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {NAME: "x"})])
    assert [] == bench.touched()


def test_an_update_beyond_the_grid_waits_for_the_next_run(bench: SheetBench) -> None:
    _shows_little(bench)

    with pytest.raises(UnavailableError, match="deleted while it was being worked on"):
        bench.side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {NAME: "x"}), RowWrite(3000, 12, {NAME: "x"})])
    assert [] == bench.touched()


def test_an_update_of_what_is_no_number_is_refused_before_it_is_sent(bench: SheetBench) -> None:
    _shows_little(bench)
    bench.side.workbook()

    with pytest.raises(WriteRefusedError, match="not a number"):
        bench.side.write_rows(TITLE, HEADER, [RowWrite(3, 12, {SUM: math.nan})])
    assert 1 == bench.side.request_count


def test_a_row_beyond_the_grid_is_refused_with_its_place(bench: SheetBench) -> None:
    with pytest.raises(WriteRefusedError, match="exceeds grid limits") as raised:
        bench.side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {NAME: "x"}), RowWrite(30, 12, {NAME: "x"})])

    assert [1] == list(raised.value.refused)
    assert [] == bench.touched()


def test_too_long_a_text_is_refused(bench: SheetBench) -> None:
    with pytest.raises(WriteRefusedError, match="50000"):
        bench.side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {NAME: "x" * 50_001})])
    with pytest.raises(WriteRefusedError, match="50000"):
        insert(bench, new_row(14, "x" * 50_001))
    assert [] == bench.touched()


def test_a_renamed_tab_is_missing_and_nothing_is_written(bench: SheetBench) -> None:
    tab = bench.tab
    bench.person.rename_tab("Другой")

    with pytest.raises(TabMissingError):
        bench.side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {NAME: "x"})])
    with pytest.raises(TabMissingError):
        insert(bench, new_row(14), tab=tab)
    with pytest.raises(TabMissingError):
        insert(bench, new_row(14), tab=Tab(99, "Другой", 20, 6))
    assert [] == bench.touched()


def test_new_rows_push_down_what_stands_below(bench: SheetBench) -> None:
    answer = insert(bench, new_row(21, "Глеб", "Отказ"), new_row(22, None, None, 5), below=2)

    assert [11, 21, 22, 12, 13] == bench.person.leads()
    rows = (
        Row(3, 21, {ID: 21, NAME: "Глеб", STATUS: "Отказ", NOTE: None, SUM: None}),
        Row(4, 22, {ID: 22, NAME: None, STATUS: None, NOTE: None, SUM: 5}),
    )
    assert WriteAnswer(rows, HEADER) == answer
    assert "звонить" == bench.person.see("Заметка", lead=12)
    assert 1 == bench.side.request_count


def test_nothing_that_appears_meanwhile_is_written_over(bench: SheetBench) -> None:
    bench.faulty.before_each = lambda _number, _request: bench.person.paste("A5", [["вручную", "x", "y", "z", "5"]])

    insert(bench, new_row(21), below=4)

    assert [[21], ["вручную", "x", "y", "z", 5]] == bench.table()[4:6]


def test_columns_that_are_not_ours_are_not_named(bench: SheetBench) -> None:
    insert(bench, new_row(21), dropdown=DROPDOWN)

    requests = json.loads(bench.sent[-1].body)["requests"]
    columns = [
        (start["columnIndex"] + place, update["fields"])
        for update in (request["updateCells"] for request in requests if "updateCells" in request)
        for start in [update["start"]]
        for place in range(len(update["rows"][0]["values"]))
    ]
    plain = "userEnteredValue,userEnteredFormat.numberFormat"
    assert [(ID, plain), (NAME, plain), (STATUS, f"{plain},dataValidation"), (SUM, plain)] == columns


def test_new_cells_carry_their_format_empty_ones_too(bench: SheetBench) -> None:
    insert(bench, new_row(21))

    formats = [bench.person.tab.look(4, index, NUMBER_FORMAT) for index in range(5)]
    text, number = {"type": "TEXT", "pattern": "@"}, {"type": "NUMBER", "pattern": "#,##0"}
    assert [{"type": "NUMBER", "pattern": "0"}, text, text, None, number] == formats


def test_the_dropdown_comes_along_where_it_is_wanted(bench: SheetBench) -> None:
    insert(bench, new_row(21), dropdown=DROPDOWN)
    insert(bench, new_row(22), below=3, token=6)
    own = {"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "да"}]}, "strict": True}
    insert(bench, new_row(23), below=3, token=7, dropdown=Dropdown(("да",), own))

    rules = {lead: bench.person.tab.look(bench.person.row_of(lead) - 1, STATUS, VALIDATION) for lead in (21, 22, 23)}
    assert ["В процессе", "Отказ"] == [value["userEnteredValue"] for value in rules[21]["condition"]["values"]]
    assert [False, True] == [rules[21].get("strict", False), rules[21]["showCustomUi"]]
    assert {22: None, 23: own} == {22: rules[22], 23: rules[23]}


def test_other_columns_dropdowns_survive_in_new_rows(bench: SheetBench) -> None:
    """People put dropdowns on columns of ours too; a new row inherits them."""
    bench.api(
        [
            {
                "setDataValidation": {
                    "range": {"sheetId": SHEET_ID, "startRowIndex": 1, "startColumnIndex": NAME, "endColumnIndex": NAME + 1},
                    "rule": {"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "Анна"}]}},
                }
            }
        ]
    )

    insert(bench, new_row(21), dropdown=DROPDOWN)

    assert bench.person.tab.look(4, NAME, VALIDATION) is not None


def test_rows_below_the_header_do_not_look_like_it(bench: SheetBench) -> None:
    bench.person.colour("A1:E1", 1, 0, 0)
    bench.person.colour("A4:E4", 0, 1, 0)

    insert(bench, new_row(21), below=1)
    insert(bench, new_row(22), below=5, token=6)

    tab = bench.person.tab
    assert "red" not in str(tab.look(1, NAME).get("userEnteredFormat"))
    assert "green" in str(tab.look(5, NAME).get("userEnteredFormat"))


@pytest.mark.parametrize("knows", ["the size", "an old size"])
def test_a5_a_full_grid_gets_one_more_row(bench: SheetBench, knows: str) -> None:
    bench.side.set_dropdown(bench.tab, STATUS, 1, DROPDOWN)
    old = bench.tab
    bench.person.trim_grid()
    assert 4 == bench.tab.row_count

    answer = insert(bench, new_row(21, "Глеб"), tab=bench.tab if knows == "the size" else old)

    assert [11, 12, 13, 21] == bench.person.leads()
    assert [21] == [row.lead_id for row in answer.rows or ()]
    assert bench.person.tab.look(4, STATUS, VALIDATION) is not None


def test_a5_a_sheet_of_a_header_alone_gets_its_first_row(bench: SheetBench) -> None:
    """There is no row below whose look could be taken, so the grid has to grow first."""
    bench.person.delete_rows(2, 19)

    answer = insert(bench, new_row(21), below=1)

    assert [[*TEXTS], [21]] == bench.table()
    assert [2] == [row.number for row in answer.rows or ()]
    assert 2 == bench.side.request_count


def test_rows_that_went_away_meanwhile_leave_everything_as_it_is(bench: SheetBench) -> None:
    old = bench.tab
    bench.person.trim_grid()

    with pytest.raises(UnavailableError) as raised:
        insert(bench, new_row(21), below=12, tab=old)

    assert not isinstance(raised.value, UnclearOutcomeError)
    assert (4, 5) == bench.person.tab.size
    assert [] == bench.touched()


def test_columns_that_went_away_meanwhile_leave_everything_as_it_is(bench: SheetBench) -> None:
    bench.person.delete_columns(5, 2)

    with pytest.raises((UnavailableError, WriteRefusedError)):
        insert(bench, new_row(21))
    assert [] == bench.touched()


def test_a_full_spreadsheet_is_named(bench: SheetBench) -> None:
    with bench.cloud.change() as book:
        book.add_tab("Полный", (9_990, 1000))
        book.grow(book.tab(TITLE), 1_650)

    with pytest.raises(SheetError, match="full"):
        insert(bench, *(new_row(100 + number) for number in range(30)))


def test_a11_ids_land_in_the_id_column_though_the_first_is_empty(bench: SheetBench) -> None:
    bench.person.insert_columns(1)
    header = Header(1, ("", *TEXTS))
    row = NewRow(21, {1: NewCell(21, CellFormat.ID), 3: NewCell("Отказ", CellFormat.TEXT)})

    answer = bench.side.insert_rows(bench.tab, header, [row], below_row=4, commit_token=5, dropdown=None, status_index=3)

    assert [None, 21, None, "Отказ"] == bench.table()[4]
    assert (Row(5, 21, {1: 21, 2: None, 3: "Отказ"}),) == answer.rows


def test_of_two_tries_under_one_token_one_lands(bench: SheetBench) -> None:
    insert(bench, new_row(21))

    with pytest.raises(TokenUsedError):
        insert(bench, new_row(21))

    assert [11, 12, 13, 21] == bench.person.leads()


@pytest.mark.parametrize("manner", [Manner.CUT_AFTER, Manner.TIMEOUT_AFTER, Manner.CUT_SHORT])
def test_a_lost_answer_and_its_repetition_make_one_row(bench: SheetBench, manner: Manner) -> None:
    bench.faulty.rule = times(1, Fault(manner))
    with pytest.raises(UnclearOutcomeError):
        insert(bench, new_row(21))

    with pytest.raises(TokenUsedError):
        insert(bench, new_row(21))

    assert [11, 12, 13, 21] == bench.person.leads()


def test_an_insert_does_not_wait_for_long(bench: SheetBench) -> None:
    """The place below a row is another by then: the caller has to look again."""
    bench.knobs.quota, bench.knobs.writes_per_minute = "json", 0
    started = bench.clock.monotonic()

    with pytest.raises(UnavailableError) as raised:
        insert(bench, new_row(21))

    assert not isinstance(raised.value, UnclearOutcomeError)
    assert bench.clock.monotonic() - started < 5


def test_a_full_store_of_notes_is_no_used_token(bench: SheetBench) -> None:
    bench.knobs.metadata_limit = 5

    with pytest.raises(SheetError) as raised:
        insert(bench, new_row(21))

    assert not isinstance(raised.value, TokenUsedError)
    assert [] == bench.touched()


def test_a_protected_tab_refuses_new_rows(bench: SheetBench) -> None:
    bench.person.protect()

    with pytest.raises(WriteRefusedError):
        insert(bench, new_row(21))
    assert [] == bench.touched()


def test_an_answer_without_cells_tells_nothing(bench: SheetBench) -> None:
    """Some servers know no `includeSpreadsheetInResponse`."""
    real = bench.cloud.answer

    def without_cells(request: Request) -> object:
        body = json.loads(request.body)
        body.pop("includeSpreadsheetInResponse", None)
        return real(Request(request.method, request.path, (), request.headers, json.dumps(body).encode()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.cloud, "answer", without_cells)
        answer = insert(bench, new_row(21))

    assert WriteAnswer(None, None) == answer
    assert [11, 12, 13, 21] == bench.person.leads()


@pytest.mark.parametrize(
    ("status", "word", "message"),
    [
        (400, "INVALID_ARGUMENT", "Invalid requests[0].createDeveloperMetadata: Developer metadata with id: 5 already exists."),
        (400, "INVALID_ARGUMENT", "Invalid requests[0]: id 5 is in use"),
        (409, "ALREADY_EXISTS", "Requested entity already exists"),
    ],
)
def test_a_used_token_is_known_by_its_place_whatever_the_words(bench: SheetBench, status: int, word: str, message: str) -> None:
    body = {"error": {"code": status, "status": word, "message": message}}
    bench.faulty.rule = times(1, Fault(Manner.REFUSED, Answer(status, json.dumps(body).encode())))

    with pytest.raises(TokenUsedError):
        insert(bench, new_row(21))


def test_a_dropdown_that_google_does_not_allow_is_left_out(bench: SheetBench) -> None:
    """A range that people made a table has typed columns, which take no dropdown of ours."""
    message = "Invalid requests[5].updateCells: This operation is not allowed on cells in typed columns."
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": message}}
    bench.faulty.rule = times(1, Fault(Manner.REFUSED, Answer(400, json.dumps(body).encode())))

    insert(bench, new_row(21), dropdown=DROPDOWN)

    assert [11, 12, 13, 21] == bench.person.leads()
    assert bench.person.tab.look(4, STATUS, VALIDATION) is None


def test_a_thousand_rows_are_one_request(bench: SheetBench) -> None:
    answer = insert(bench, *(new_row(100 + number, "Имя") for number in range(1000)))

    assert [100 + number for number in range(1000)] == [row.lead_id for row in answer.rows or ()]
    assert 1 == bench.side.request_count
