"""The stand-in's values: what reading shows, what writing does, and where an append lands."""

from __future__ import annotations

from typing import Any

import pytest

from amo2gsheet.sandbox.sheets_cells import Formula
from tests.sheets_bench import TITLE, Bench

UNFORMATTED = "UNFORMATTED_VALUE"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (TITLE, "'Заказы'!A1:F20"),
        ("'Заказы'", "'Заказы'!A1:F20"),
        ("Заказы!A1:C", "'Заказы'!A1:C20"),
        ("Заказы!A1:1", "'Заказы'!A1:F1"),
        ("Заказы!2:3", "'Заказы'!A2:F3"),
        ("Заказы!D4:A1", "'Заказы'!A1:D4"),
        ("Заказы!A1:A1", "'Заказы'!A1"),
        ("Заказы!B5:B", "'Заказы'!B5:B20"),
        ("A1:B2", "'Заказы'!A1:B2"),
        ("Заказы!R2C1:R3C2", "'Заказы'!A2:B3"),
        ("Заказы!C19:Z999", "'Заказы'!C19:F20"),
    ],
)
def test_a_range_is_normalised_and_clipped(bench: Bench, asked: str, expected: str) -> None:
    assert bench.get(asked)["range"] == expected


@pytest.mark.parametrize(
    ("title", "quoted"), [("Sheet1", "Sheet1"), ("D3", "'D3'"), ("it's", "'it''s'"), ("a!b", "'a!b'"), ("🌵 x", "'🌵 x'")]
)
def test_a_title_is_quoted_only_where_it_must_be(bench: Bench, title: str, quoted: str) -> None:
    bench.person.rename_tab(title)

    escaped = title.replace("'", "''")

    assert bench.get(f"'{escaped}'!A1")["range"] == f"{quoted}!A1"


def test_blanks_at_the_end_are_left_out_and_inner_ones_stay(bench: Bench) -> None:
    bench.put(f"{TITLE}!A6:C6", [["x", "", "z"]])

    assert bench.values(f"{TITLE}!A2:D") == [
        ["11", "Анна", "В процессе"],
        ["12", "Борис", "Отказ", "звонить"],
        ["13", "Вера"],
        [],
        ["x", "", "z"],
    ]


def test_columns_are_trimmed_the_other_way(bench: Bench) -> None:
    answer = bench.get(f"{TITLE}!A1:F4", majorDimension="COLUMNS")

    assert answer["majorDimension"] == "COLUMNS"
    assert answer["values"] == [
        ["ID", "11", "12", "13"],
        ["Имя", "Анна", "Борис", "Вера"],
        ["статус", "В процессе", "Отказ"],
        ["Заметка", "", "звонить"],
    ]


def test_an_empty_range_has_no_values_at_all(bench: Bench) -> None:
    assert bench.get(f"{TITLE}!A10:B12") == {"range": "'Заказы'!A10:B12", "majorDimension": "ROWS"}


def test_numbers_are_numbers_only_when_unformatted(bench: Bench) -> None:
    bench.put(f"{TITLE}!A6", [[7, 1.5, True, "007", 5.0]])

    assert bench.values(f"{TITLE}!A6:E6") == [["7", "1,5", "ИСТИНА", "007", "5"]]
    assert bench.values(f"{TITLE}!A6:E6", valueRenderOption=UNFORMATTED) == [[7, 1.5, True, "007", 5]]


def test_raw_keeps_text_as_it_is(bench: Bench) -> None:
    texts = ["=1+2", "+998000000001", "-5", "007", "'0123", "TRUE", "1,5", "2026-09-05", " x "]
    with bench.cloud.change() as book:
        book.tab(TITLE).insert("COLUMNS", 0, 10)
    bench.put(f"{TITLE}!A6", [texts])

    assert bench.values(f"{TITLE}!A6:J6", valueRenderOption=UNFORMATTED) == [texts]


@pytest.mark.parametrize(
    ("typed", "shown", "kept"),
    [
        ("=1+2", "3", 3),
        ("=A2*2", "22", 22),
        ("007", "7", 7),
        ("'0123", "0123", "0123"),
        ("+998000000001", "998000000001", 998000000001),
        ("+Dri7", "#ERROR!", "#ERROR!"),
        ("-5", "-5", -5),
        ("TRUE", "ИСТИНА", True),
        ("1,5", "1,5", 1.5),
        ("1 200 000", "1200000", 1200000),
        ("1.5", "01.05.2026", 46143),
        ("12.03.2026", "12.03.2026", 46093),
        ("12.03.2026 18:00", "12.03.2026 18:00:00", 46093.75),
        ("2026-09-05", "2026-09-05", 46270),
        ("50%", "50,00%", 0.5),
        ("$100", "100,00", 100),
        ("@x", "@x", "@x"),
        ("31.02.2026", "31.02.2026", "31.02.2026"),
        ("=FOO(1)", "#NAME?", "#NAME?"),
        ("=1/0", "#DIV/0!", "#DIV/0!"),
    ],
)
def test_user_entered_reads_text_as_typing_does(bench: Bench, typed: str, shown: str, kept: object) -> None:
    bench.put(f"{TITLE}!E6", [[typed]], valueInputOption="USER_ENTERED")

    assert bench.values(f"{TITLE}!E6") == [[shown]]
    assert bench.values(f"{TITLE}!E6", valueRenderOption=UNFORMATTED) == [[kept]]


def test_user_entered_keeps_text_in_a_text_column(bench: Bench) -> None:
    text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT", "pattern": "@"}}}
    area = {"sheetId": 0, "startColumnIndex": 4, "endColumnIndex": 5}
    bench.batch({"repeatCell": {"range": area, "cell": text, "fields": "userEnteredFormat.numberFormat"}})

    bench.put(f"{TITLE}!E6", [["+998000000001"]], valueInputOption="USER_ENTERED")

    assert bench.values(f"{TITLE}!E6", valueRenderOption=UNFORMATTED) == [["+998000000001"]]


@pytest.mark.parametrize(
    ("number", "kind", "pattern", "shown"),
    [
        (46093, "DATE", "dd.mm.yyyy", "12.03.2026"),
        (46093.75, "DATE_TIME", "dd.mm.yyyy hh:mm", "12.03.2026 18:00"),
        (46093.5, "DATE_TIME", "dd.mm.yyyy hh:mm:ss", "12.03.2026 12:00:00"),
        (46093, "DATE", None, "12.03.2026"),
        (12345678, "NUMBER", "0", "12345678"),
        (1234567.4, "NUMBER", "#,##0", "1\u00a0234\u00a0567"),
        (-0.5, "NUMBER", "0.00", "-0,50"),
        (5, "TEXT", "@", "5"),
        (1500, "CURRENCY", '#,##0 "сум"', "1\u00a0500 сум"),
        (0.25, "PERCENT", "0%", "25%"),
    ],
)
def test_a_number_is_shown_by_its_format(bench: Bench, number: float, kind: str, pattern: str | None, shown: str) -> None:
    number_format = {"type": kind, "pattern": pattern} if pattern else {"type": kind}
    bench.put(f"{TITLE}!F6", [[number]])
    bench.batch(
        {
            "repeatCell": {
                "range": {"sheetId": 0, "startColumnIndex": 5, "endColumnIndex": 6},
                "cell": {"userEnteredFormat": {"numberFormat": number_format}},
                "fields": "userEnteredFormat.numberFormat",
            }
        }
    )

    assert bench.values(f"{TITLE}!F6") == [[shown]]


def test_dates_are_serial_numbers_unless_asked_for_as_text(bench: Bench) -> None:
    bench.person.type_at(6, 1, "12.03.2026")

    assert bench.values(f"{TITLE}!A6", valueRenderOption=UNFORMATTED) == [[46093]]
    as_text = bench.values(f"{TITLE}!A6", valueRenderOption=UNFORMATTED, dateTimeRenderOption="FORMATTED_STRING")
    assert as_text == [["12.03.2026"]]


def test_a_formula_is_shown_by_its_result_or_its_text(bench: Bench) -> None:
    bench.person.write_formula("Заметка", "=VLOOKUP(A2;X:Y;2)", "нашлось", row=2)

    assert bench.values(f"{TITLE}!D2") == [["нашлось"]]
    assert bench.values(f"{TITLE}!D2", valueRenderOption="FORMULA") == [["=VLOOKUP(A2;X:Y;2)"]]


@pytest.mark.parametrize(
    ("is_trimmed", "expected"), [(True, [["11", "Анна", "В процессе"]]), (False, [["11", "Анна", "В процессе", ""]])]
)
def test_a_formula_that_shows_nothing_may_be_trimmed(bench: Bench, is_trimmed: bool, expected: object) -> None:
    bench.knobs.are_blank_formulas_trimmed = is_trimmed
    bench.person.write_formula("Заметка", '=""', "", row=2)

    assert bench.values(f"{TITLE}!A2:F2") == expected


def test_hidden_and_filtered_rows_are_read_like_any_other(bench: Bench) -> None:
    before = bench.values(TITLE)

    bench.person.hide_rows(2)
    bench.person.filter("статус", ["Отказ"])

    assert bench.values(TITLE) == before


def test_writing_counts_cells_and_leaves_nulls_alone(bench: Bench) -> None:
    answer = bench.put(f"{TITLE}!A2", [[None, "Аня"], [None, None, ""]])

    assert answer["updatedRange"] == "'Заказы'!A2:C3"
    assert (answer["updatedRows"], answer["updatedColumns"], answer["updatedCells"]) == (2, 2, 2)
    assert bench.table()[1:3] == [[11, "Аня", "В процессе"], [12, "Борис", None, "звонить"]]


def test_only_written_cells_are_in_the_record(bench: Bench) -> None:
    bench.put(f"{TITLE}!A2:D2", [[None, "Аня", None, None]])

    touches = [(touch.row_number, touch.column_number, touch.old, touch.new) for touch in bench.cloud.touches()]

    assert touches == [(2, 2, "Анна", "Аня")]


def test_a_write_answers_all_values_of_the_range_that_was_asked_for(bench: Bench) -> None:
    asked = {"includeValuesInResponse": True, "responseValueRenderOption": UNFORMATTED}
    answer = bench.update((f"{TITLE}!A2:C2", [[None, None, "Успешно"]]), (f"{TITLE}!A4:C4", [[None, "Верочка", None]]), **asked)

    assert [response["updatedData"]["values"] for response in answer["responses"]] == [
        [[11, "Анна", "Успешно"]],
        [[13, "Верочка"]],
    ]
    assert answer["totalUpdatedCells"] == 2
    assert answer["totalUpdatedRows"] == 2


def test_a_write_may_answer_the_written_cells_only(bench: Bench) -> None:
    bench.knobs.values_in_response = "written"

    answer = bench.update((f"{TITLE}!A2:C2", [[None, None, "Успешно"]]), includeValuesInResponse=True)

    assert answer["responses"][0]["updatedData"] == {"range": "'Заказы'!C2", "majorDimension": "ROWS", "values": [["Успешно"]]}


def test_a_null_alone_shows_the_whole_range_and_writes_nothing(bench: Bench) -> None:
    answer = bench.update((f"{TITLE}!A:A", [[None]]), includeValuesInResponse=True)

    assert answer["responses"][0]["updatedData"]["values"] == [["ID"], ["11"], ["12"], ["13"]]
    assert bench.cloud.touches() == []


def test_columns_can_be_written(bench: Bench) -> None:
    body = {"values": [["Аня", "Боря"], ["Успешно"]], "majorDimension": "COLUMNS"}
    bench.ok("PUT", "/values/B2", body, valueInputOption="RAW")

    assert bench.table()[1:3] == [[11, "Аня", "Успешно"], [12, "Боря", "Отказ", "звонить"]]


def test_one_bad_range_undoes_the_whole_batch(bench: Bench) -> None:
    before = bench.table()

    text = bench.refusal("POST", "/values:batchUpdate", bench.data((f"{TITLE}!A2", [["x"]]), ("Нет!A1", [["y"]])))

    assert text == "Invalid data[1]: Unable to parse range: Нет!A1"
    assert bench.table() == before
    assert bench.cloud.touches() == []


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("Нет!A1", "Unable to parse range: Нет!A1"),
        (f"{TITLE}!A1:B2:C3", f"Unable to parse range: {TITLE}!A1:B2:C3"),
        (f"{TITLE}!A0", f"Unable to parse range: {TITLE}!A0"),
        (f"{TITLE}!A21", "Range ('Заказы'!A21) exceeds grid limits. Max rows: 20, max columns: 6"),
        (f"{TITLE}!G1:H2", "Range ('Заказы'!G1:H2) exceeds grid limits. Max rows: 20, max columns: 6"),
    ],
)
def test_a_range_that_names_nothing_is_refused(bench: Bench, asked: str, text: str) -> None:
    assert bench.refusal("GET", f"/values/{asked.replace(':', '%3A')}") == text
    assert bench.refusal("GET", "/values:batchGet", ranges=["A1", asked]) == text


def test_writing_past_the_named_range_is_refused(bench: Bench) -> None:
    def refusal(text: str, values: object) -> str:
        return bench.refusal("PUT", f"/values/{text}", {"values": values}, valueInputOption="RAW")

    within = "Requested writing within range ['Заказы'!A1:B1], but tried writing to"
    assert refusal("A1:B1", [[1], [2]]) == f"{within} row [2]"
    assert refusal("A1:B1", [[1, 2, 3]]) == f"{within} column [C]"
    assert refusal("F20", [[1], [2]]) == "Range ('Заказы'!F20:F21) exceeds grid limits. Max rows: 20, max columns: 6"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"values": "X"}, "Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue), \"X\""),
        ({"values": ["X"]}, "Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue), \"X\""),
        ({"values": [[["X"]]]}, 'Invalid values[0][0]: list_value {["X"]}'),
        ({"values": [[1]], "range": "B1"}, "Request range[A1] does not match value's range[B1]"),
        ({"value": [[1]]}, 'Invalid JSON payload received. Unknown name "value": Cannot find field.'),
        ({"values": [["x" * 50_001]]}, "Your input contains more than the maximum of 50000 characters in a single cell."),
    ],
)
def test_a_body_that_is_no_table_of_values_is_refused(bench: Bench, body: Any, text: str) -> None:
    assert bench.refusal("PUT", "/values/A1", body, valueInputOption="RAW") == text


def test_a_write_must_say_how_it_is_meant(bench: Bench) -> None:
    assert bench.refusal("PUT", "/values/A1", {"values": [[1]]}) == "'valueInputOption' is required but not specified"
    text = bench.refusal("PUT", "/values/A1", {"values": [[1]]}, valueInputOption="COOKED")
    assert text.startswith("Invalid value at 'value_input_option'")


def test_not_a_number_is_no_json(bench: Bench) -> None:
    answer = bench.refusal("PUT", "/values/A1", {"values": [[float("nan")]]}, valueInputOption="RAW")

    assert answer.startswith("Invalid JSON payload received.")


def test_clearing_takes_values_and_leaves_looks(bench: Bench) -> None:
    bench.person.note("Имя", "важно", row=2)

    assert bench.ok("POST", "/values/A2%3AB9:clear") == {
        "spreadsheetId": bench.get("A1") and "1SandboxSpreadsheetOfAmo2gsheet0000000000000",
        "clearedRange": "'Заказы'!A2:B9",
    }
    assert bench.ok("POST", "/values:batchClear", {"ranges": ["C2", "C3:C4"]})["clearedRanges"] == [
        "'Заказы'!C2",
        "'Заказы'!C3:C4",
    ]
    assert bench.table() == [["ID", "Имя", "статус", "Заметка"], [], [None, None, None, "звонить"]]
    assert bench.tab.look(1, 1, ("note",)) == "важно"


# Append


def _clean() -> Bench:
    bench = Bench()
    bench.person.clear_all()
    return bench


def test_an_append_lands_below_the_table(bench: Bench) -> None:
    answer = bench.append(TITLE, [[14, "Глеб"], [15]], includeValuesInResponse=True)

    assert answer["tableRange"] == "'Заказы'!A1:D4"
    assert answer["updates"]["updatedRange"] == "'Заказы'!A5:B6"
    assert answer["updates"]["updatedData"]["values"] == [["14", "Глеб"], ["15"]]
    assert bench.table()[4:] == [[14, "Глеб"], [15]]


def test_an_append_to_an_empty_tab_begins_at_the_range() -> None:
    answer = _clean().append(f"{TITLE}!B3:D3", [["x"]])

    assert "tableRange" not in answer
    assert answer["updates"]["updatedRange"] == "'Заказы'!B3"


@pytest.mark.parametrize(("asked", "table", "landed"), [(TITLE, "C1", "C2:E2"), (f"{TITLE}!A1", "A1", "A2:C2")])
def test_a_blank_header_cell_splits_the_table(asked: str, table: str, landed: str) -> None:
    bench = _clean()
    bench.put("A1", [["x", "", "z"]])

    answer = bench.append(asked, [[1, 2, 3]])

    assert answer["tableRange"] == f"'Заказы'!{table}"
    assert answer["updates"]["updatedRange"] == f"'Заказы'!{landed}"


def test_an_append_at_a_blank_row_between_tables_lands_in_it(bench: Bench) -> None:
    bench.person.insert_rows(3)

    answer = bench.append(f"{TITLE}!A3", [["x"]])

    assert "tableRange" not in answer
    assert answer["updates"]["updatedRange"] == "'Заказы'!A3"
    assert bench.append(f"{TITLE}!C3", [["y"]])["updates"]["updatedRange"] == "'Заказы'!C3"


def test_an_append_at_a_blank_cell_beside_a_filled_one_lands_below_its_table(bench: Bench) -> None:
    answer = bench.append(f"{TITLE}!C4", [["x"]])

    assert answer["tableRange"] == "'Заказы'!A1:D4"
    assert answer["updates"]["updatedRange"] == "'Заказы'!A5"


@pytest.mark.parametrize(
    ("asked", "option", "table", "landed"),
    [
        (f"{TITLE}!A1", "OVERWRITE", "A1:B3", "A4:B5"),
        (TITLE, "OVERWRITE", "A6:B7", "A8:B9"),
        (f"{TITLE}!A1", "INSERT_ROWS", "A1:B3", "A4:B5"),
    ],
)
def test_of_two_tables_the_range_chooses(asked: str, option: str, table: str, landed: str) -> None:
    bench = _clean()
    bench.put("A1", [["a", "b"]] * 3)
    bench.put("A6", [["c", "d"]] * 2)

    answer = bench.append(asked, [["n", "n"], ["n", "n"]], insertDataOption=option)

    assert answer["tableRange"] == f"'Заказы'!{table}"
    assert answer["updates"]["updatedRange"] == f"'Заказы'!{landed}"
    second = 8 if option == "INSERT_ROWS" else 6
    assert bench.table()[second - 1] == ["c", "d"]


def test_an_append_overwrites_what_follows_the_gap() -> None:
    bench = _clean()
    bench.put("A1", [["a"], ["b"]])
    bench.put("A4", [["mine"]])

    bench.append(f"{TITLE}!A1", [[1], [2], [3]])

    assert bench.table() == [["a"], ["b"], [1], [2], [3]]


def test_an_append_grows_the_grid_and_a_put_does_not() -> None:
    bench = _clean()
    bench.put("A20", [["last"]])

    bench.append(TITLE, [["new"] * 8])

    assert bench.tab.size == (21, 8)


@pytest.mark.parametrize(("counts", "landed"), [(False, "A5"), (True, "A10")])
def test_formatted_cells_may_count_as_filled(bench: Bench, counts: bool, landed: str) -> None:
    bench.knobs.formatted_cells_count_as_data = counts
    bench.person.colour("A5:D9", 1, 1, 0)

    assert bench.append(TITLE, [["x"]])["updates"]["updatedRange"] == f"'Заказы'!{landed}"


# Several ranges, several moments


def test_one_batch_get_reads_ranges_of_one_moment_unless_told_otherwise(bench: Bench) -> None:
    bench.knobs.between_ranges = lambda number: bench.person.sort("Имя", descending=True) if number == 1 else None

    answer = bench.ok("GET", "/values:batchGet", ranges=["A2:A4", "B2:B4"])

    assert [found["values"] for found in answer["valueRanges"]] == [[["11"], ["12"], ["13"]], [["Вера"], ["Борис"], ["Анна"]]]


def test_a_read_after_a_write_may_be_old(bench: Bench) -> None:
    bench.knobs.old_reads_after_write = 2
    bench.put("B2", [["Аня"]])

    assert [bench.values("B2") for _ in range(3)] == [[["Анна"]], [["Анна"]], [["Аня"]]]


def test_a_fields_mask_cuts_any_answer(bench: Bench) -> None:
    assert bench.get("A2", fields="values") == {"values": [["11"]]}
    assert bench.ok("GET", "/values:batchGet", ranges=["A2", "B2"], fields="valueRanges(values)") == {
        "valueRanges": [{"values": [["11"]]}, {"values": [["Анна"]]}]
    }


def test_typed_leads_are_numbers_and_formulas_keep_their_text(bench: Bench) -> None:
    bench.person.write_formula("Заметка", "=NOW()", 46093.5, row=4)

    assert bench.cloud.cell(TITLE, 2, 1) == 11
    assert bench.cloud.cell(TITLE, 4, 4) == Formula("=NOW()", 46093.5)
