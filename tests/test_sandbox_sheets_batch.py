"""The stand-in's batchUpdate: rows, columns, cells, looks, tabs and metadata, all of a batch or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sheets_bench import TITLE, Bench, cells, grid, span

VALUE = "userEnteredValue"
DROPDOWN = {
    "condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "Отказ"}, {"userEnteredValue": "Успешно"}]},
    "strict": True,
    "showCustomUi": True,
}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def names(bench: Bench) -> list[object]:
    """The second column below the header."""
    return [row[1] if len(row) > 1 else None for row in bench.table()[1:]]


def test_cells_are_appended_below_the_last_row_with_data_from_column_a_on(bench: Bench) -> None:
    bench.person.type_at(7, 5, "заметка внизу")

    replies = bench.batch(
        {"appendCells": {"sheetId": 0, "fields": VALUE, "rows": [cells(14, "Глеб"), cells(None, "=1+1", True)]}}
    )

    assert replies == [{}]
    assert bench.table()[7:] == [[14, "Глеб"], [None, "=1+1", True]]


def test_appended_cells_grow_the_grid_as_needed(bench: Bench) -> None:
    bench.batch({"appendCells": {"sheetId": 0, "fields": VALUE, "rows": [cells(1)] * 17}})

    assert bench.tab.size == (21, 6)


@pytest.mark.parametrize(("counts", "row"), [(False, 5), (True, 10)])
def test_rows_with_a_look_only_may_count_for_append_cells(bench: Bench, counts: bool, row: int) -> None:
    bench.knobs.formatted_cells_count_as_data = counts
    bench.person.colour("A5:D9", 1, 1, 0)

    bench.batch({"appendCells": {"sheetId": 0, "fields": VALUE, "rows": [cells(14)]}})

    assert bench.cloud.cell(TITLE, row, 1) == 14


def test_appended_cells_carry_their_number_format(bench: Bench) -> None:
    dated = {"values": [{"userEnteredValue": {"numberValue": 46093}, "userEnteredFormat": {"numberFormat": {"type": "DATE"}}}]}
    fields = "userEnteredValue,userEnteredFormat.numberFormat"
    bench.batch({"appendCells": {"sheetId": 0, "fields": fields, "rows": [dated] * 2}})

    assert bench.values("A5:A6") == [["12.03.2026"]] * 2


def test_rows_are_inserted_with_the_look_of_their_neighbour(bench: Bench) -> None:
    bench.person.colour("A1:F1", 1, 0, 0)
    bench.person.note("ID", "номер", row=1)

    bench.batch({"insertDimension": {"range": span("ROWS", 1, 2), "inheritFromBefore": True}})
    bench.batch({"insertDimension": {"range": span("ROWS", 1, 2), "inheritFromBefore": False}})

    assert [bench.tab.look(row, 0) for row in (1, 2, 3)] == [
        {"userEnteredFormat": {"backgroundColor": {"red": 1, "green": 0, "blue": 0}}},
        {"userEnteredFormat": {"backgroundColor": {"red": 1, "green": 0, "blue": 0}}},
        {},
    ]
    assert names(bench) == [None, None, "Анна", "Борис", "Вера"]


def test_inserted_rows_lie_inside_the_dropdown_around_them(bench: Bench) -> None:
    bench.batch({"setDataValidation": {"range": grid(1, None, 2, 3), "rule": DROPDOWN}})

    bench.batch({"insertDimension": {"range": span("ROWS", 1, 3), "inheritFromBefore": False}})

    assert bench.tab.look(0, 2, ("dataValidation",)) is None
    assert [bench.tab.look(row, 2, ("dataValidation",)) for row in (1, 2, 3, 19)] == [DROPDOWN] * 4
    bench.batch({"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 1}})
    assert bench.tab.look(22, 2, ("dataValidation",)) == DROPDOWN


@pytest.mark.parametrize(
    ("start", "end", "inherits", "text"),
    [
        (0, 1, True, "inheritFromBefore cannot be true when inserting at the first row or column."),
        (20, 21, False, "range.startIndex[20] must be less than the number of rows (20)"),
        (3, 3, False, "range.endIndex[3] must be greater than range.startIndex[3]"),
    ],
)
def test_rows_are_not_inserted_nowhere(bench: Bench, start: int, end: int, inherits: bool, text: str) -> None:
    request = {"insertDimension": {"range": span("ROWS", start, end), "inheritFromBefore": inherits}}

    assert bench.batch_refusal(request) == f"Invalid requests[0].insertDimension: {text}"


def test_rows_below_the_last_one_can_be_inserted(bench: Bench) -> None:
    bench.batch({"insertDimension": {"range": span("ROWS", 20, 25), "inheritFromBefore": True}})

    assert bench.tab.size == (25, 6)


def test_deleted_rows_shrink_the_grid(bench: Bench) -> None:
    bench.batch({"deleteDimension": {"range": span("ROWS", 1, 3)}})

    assert names(bench) == ["Вера"]
    assert bench.tab.size == (18, 6)


def test_a_tab_keeps_a_row(bench: Bench) -> None:
    text = bench.batch_refusal({"deleteDimension": {"range": span("ROWS", 0, 20)}})

    assert text == "Invalid requests[0].deleteDimension: You can't delete all the rows on the sheet."


@pytest.mark.parametrize(
    ("start", "end", "to", "expected"),
    [(1, 2, 4, ["Борис", "Вера", "Анна"]), (3, 4, 1, ["Вера", "Анна", "Борис"]), (1, 3, 4, ["Вера", "Анна", "Борис"])],
)
def test_rows_move_to_a_place_counted_before_the_move(bench: Bench, start: int, end: int, to: int, expected: list[str]) -> None:
    bench.batch({"moveDimension": {"source": span("ROWS", start, end), "destinationIndex": to}})

    assert names(bench) == expected


def test_columns_move_with_everything_on_them(bench: Bench) -> None:
    bench.batch({"setDataValidation": {"range": grid(1, None, 2, 3), "rule": DROPDOWN}})
    bench.person.note("статус", "важно", row=2)

    bench.batch({"moveDimension": {"source": span("COLUMNS", 2, 3), "destinationIndex": 0}})

    assert bench.table()[1] == ["В процессе", 11, "Анна"]
    assert bench.tab.look(1, 0) == {"dataValidation": DROPDOWN, "note": "важно"}
    assert bench.tab.look(1, 2) == {}


def test_sorting_puts_numbers_before_texts_and_blanks_last(bench: Bench) -> None:
    bench.put("C2:C7", [["б"], [2], [True], [""], ["А"], [1]])

    bench.batch({"sortRange": {"range": grid(1), "sortSpecs": [{"dimensionIndex": 2, "sortOrder": "ASCENDING"}]}})
    ascending = [row[2] if len(row) > 2 else None for row in bench.table()[1:7]]
    bench.batch({"sortRange": {"range": grid(1), "sortSpecs": [{"dimensionIndex": 2, "sortOrder": "DESCENDING"}]}})
    descending = [row[2] if len(row) > 2 else None for row in bench.table()[1:7]]

    assert ascending[:5] == [1, 2, "А", "б", True]
    assert descending[:5] == [True, "б", "А", 2, 1]


def test_sorting_some_columns_tears_rows_apart(bench: Bench) -> None:
    bench.batch({"sortRange": {"range": grid(1, 4, 1, 2), "sortSpecs": [{"dimensionIndex": 1, "sortOrder": "DESCENDING"}]}})

    assert [row[:2] for row in bench.table()[1:]] == [[11, "Вера"], [12, "Борис"], [13, "Анна"]]


def test_updated_cells_are_cleared_where_the_rows_do_not_cover_the_range(bench: Bench) -> None:
    bench.batch({"updateCells": {"range": grid(1, 4, 1, 3), "fields": VALUE, "rows": [cells("Аня")]}})

    assert bench.table()[1:] == [[11, "Аня"], [12, None, None, "звонить"], [13]]


def test_updated_cells_from_a_start_leave_all_others(bench: Bench) -> None:
    start = {"sheetId": 0, "rowIndex": 1, "columnIndex": 1}
    bench.batch({"updateCells": {"start": start, "fields": VALUE, "rows": [cells("Аня"), cells("Боря", None)]}})

    assert bench.table()[1:3] == [[11, "Аня", "В процессе"], [12, "Боря", None, "звонить"]]


def test_updated_cells_must_fit(bench: Bench) -> None:
    start = {"sheetId": 0, "rowIndex": 19, "columnIndex": 0}
    text = bench.batch_refusal({"updateCells": {"start": start, "fields": VALUE, "rows": [cells(1), cells(2)]}})

    assert text == "Invalid requests[0].updateCells: Attempting to write row: 20, beyond the last requested row of: 19"


def test_a_mask_takes_only_what_it_names(bench: Bench) -> None:
    bench.person.colour("B2", 1, 1, 0)
    cell = {"userEnteredValue": {"stringValue": "x"}, "note": "n", "userEnteredFormat": {"textFormat": {"bold": True}}}
    bench.batch(
        {
            "updateCells": {
                "range": grid(1, 2, 1, 2),
                "fields": "note,userEnteredFormat.textFormat.bold",
                "rows": [{"values": [cell]}],
            }
        }
    )

    assert bench.cloud.cell(TITLE, 2, 2) == "Анна"
    colour = {"red": 1, "green": 1, "blue": 0}
    assert bench.tab.look(1, 1) == {"note": "n", "userEnteredFormat": {"backgroundColor": colour, "textFormat": {"bold": True}}}


def test_a_repeated_cell_reaches_rows_added_later(bench: Bench) -> None:
    cell = {"userEnteredFormat": {"numberFormat": {"type": "NUMBER", "pattern": "0"}}}
    bench.batch({"repeatCell": {"range": grid(1, None, 0, 1), "cell": cell, "fields": "userEnteredFormat.numberFormat"}})
    bench.batch({"appendCells": {"sheetId": 0, "fields": VALUE, "rows": [cells(None)] * 30 + [cells(1.0)]}})

    assert bench.tab.look(len(bench.tab.rows) - 1, 0, ("userEnteredFormat", "numberFormat", "pattern")) == "0"


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (
            {"repeatCell": {"range": grid(), "cell": {}}},
            "At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)",
        ),
        ({"appendCells": {"sheetId": 9, "fields": VALUE, "rows": []}}, "No sheet with id: 9"),
        (
            {"repeatCell": {"range": grid(30), "cell": {}, "fields": VALUE}},
            "Range ('Заказы'!A31:F31) exceeds grid limits. Max rows: 20, max columns: 6",
        ),
        (
            {"addSheet": {"properties": {"title": TITLE}}},
            'A sheet with the name "Заказы" already exists. Please enter another name.',
        ),
        (
            {"updateSheetProperties": {"properties": {"sheetId": 0, "hidden": True}, "fields": "hidden"}},
            "You can't hide all the sheets in a document.",
        ),
        ({"deleteSheet": {"sheetId": 0}}, "You can't remove all the sheets in a document."),
        (
            {"setDataValidation": {"range": grid(1), "rule": {"condition": {"type": "ONE_OF_LIST"}}}},
            "ConditionType 'ONE_OF_LIST' requires at least one value.",
        ),
        (
            {"addSheet": {"properties": {"title": "x", "gridProperties": {"rowCount": 1_000_000, "columnCount": 10}}}},
            "This action would increase the number of cells in the workbook above the limit of 10000000 cells.",
        ),
        (
            {"appendCells": {"sheetId": 0, "fields": VALUE, "rows": [cells("x" * 50_001)]}},
            "Your input contains more than the maximum of 50000 characters in a single cell.",
        ),
    ],
)
def test_a_refusal_names_its_request(bench: Bench, request_: dict[str, Any], text: str) -> None:
    (kind,) = request_
    assert bench.batch_refusal(request_) == f"Invalid requests[0].{kind}: {text}"


@pytest.mark.parametrize(
    ("requests", "text"),
    [
        ([], "Must specify at least one request."),
        ([{"nope": {}}], "Invalid JSON payload received. Unknown name \"nope\" at 'requests[0]': Cannot find field."),
        (
            [{"addSheet": {"x": 1}}],
            "Invalid JSON payload received. Unknown name \"x\" at 'requests[0].addSheet': Cannot find field.",
        ),
        ([{"deleteSheet": {"sheetId": "a"}}], "Invalid value at 'requests[0].deleteSheet.sheetId' (TYPE_INT32), \"a\""),
        ([{"repeatCell": {"range": grid(), "cell": {}, "fields": "nope"}}], "Request contains an invalid argument."),
    ],
)
def test_a_body_of_another_shape_is_refused(bench: Bench, requests: list[Any], text: str) -> None:
    assert bench.batch_refusal(*requests) == text


def test_a_batch_is_carried_out_whole_or_not_at_all(bench: Bench) -> None:
    before, changes = bench.tab, len(bench.cloud.applied)

    bench.batch_refusal(
        {"insertDimension": {"range": span("ROWS", 1, 2)}},
        {"appendCells": {"sheetId": 0, "fields": VALUE, "rows": [cells(1)]}},
        {"setBasicFilter": {"filter": {"range": grid()}}},
        {"deleteSheet": {"sheetId": 7}},
    )

    assert bench.tab == before
    assert len(bench.cloud.applied) == changes


def test_copying_cutting_and_pushing_aside(bench: Bench) -> None:
    bench.batch({"copyPaste": {"source": grid(1, 2, 0, 2), "destination": grid(5, 7, 0, 2), "pasteType": "PASTE_NORMAL"}})
    assert bench.table()[5:7] == [[11, "Анна"]] * 2

    bench.batch({"cutPaste": {"source": grid(5, 7, 0, 2), "destination": {"sheetId": 0, "rowIndex": 8, "columnIndex": 1}}})
    assert bench.table()[4:] == [[], [], [], [], [None, 11, "Анна"], [None, 11, "Анна"]]

    bench.batch({"insertRange": {"range": grid(1, 2, 0, 1), "shiftDimension": "ROWS"}})
    assert [row[:2] for row in bench.table()[1:5]] == [[None, "Анна"], [11, "Борис"], [12, "Вера"], [13]]

    bench.batch({"deleteRange": {"range": grid(1, 2, 0, 1), "shiftDimension": "ROWS"}})
    assert [row[:2] for row in bench.table()[1:4]] == [[11, "Анна"], [12, "Борис"], [13, "Вера"]]


def test_found_text_is_replaced_and_counted(bench: Bench) -> None:
    request = {"find": "отказ", "replacement": "Успешно", "range": grid(2, 3, 2, 3), "matchEntireCell": True}

    (reply,) = bench.batch({"findReplace": request})

    assert reply == {"findReplace": {"valuesChanged": 1, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 1}}
    assert bench.cloud.cell(TITLE, 3, 3) == "Успешно"


def test_a_dropdown_leaves_filtered_rows_out_unless_asked(bench: Bench) -> None:
    bench.person.filter("статус", ["Отказ"])
    rule = {"range": grid(1, None, 2, 3), "rule": DROPDOWN}

    bench.batch({"setDataValidation": rule})
    assert [bench.tab.look(row, 2, ("dataValidation",)) for row in (1, 2)] == [DROPDOWN, None]

    bench.batch({"setDataValidation": {**rule, "filteredRowsIncluded": True}})
    assert bench.tab.look(2, 2, ("dataValidation",)) == DROPDOWN

    bench.batch({"setDataValidation": {"range": grid(1, None, 2, 3), "filteredRowsIncluded": True}})
    assert bench.tab.look(2, 2, ("dataValidation",)) is None


def test_the_api_writes_past_a_strict_dropdown_unless_told_otherwise(bench: Bench) -> None:
    bench.batch({"setDataValidation": {"range": grid(1, None, 2, 3), "rule": DROPDOWN}})
    bench.put("C2", [["что-то"]])
    assert bench.cloud.cell(TITLE, 2, 3) == "что-то"

    bench.knobs.is_strict_validation_kept = True
    body = bench.data(("C2", [["другое"]]))
    assert bench.refusal("POST", "/values:batchUpdate", body).startswith(
        "Invalid data[0]: The data you entered in cell C2 violates"
    )


def test_typed_columns_of_a_table_refuse_a_dropdown(bench: Bench) -> None:
    bench.person.convert_to_table("A1:D10", [3])

    text = bench.batch_refusal({"setDataValidation": {"range": grid(1, None, 2, 3), "rule": DROPDOWN}})
    bench.batch({"setDataValidation": {"range": grid(1, None, 1, 2), "rule": DROPDOWN}})

    assert text == "Invalid requests[0].setDataValidation: This operation is not allowed on cells in typed columns."


# Tabs and what lies over cells


def test_a_tab_is_added_renamed_moved_frozen_and_deleted(bench: Bench) -> None:
    (reply,) = bench.batch({"addSheet": {"properties": {"title": "Staff", "gridProperties": {"rowCount": 5, "columnCount": 2}}}})
    added = reply["addSheet"]["properties"]
    assert (added["title"], added["index"], added["gridProperties"]) == ("Staff", 1, {"rowCount": 5, "columnCount": 2})

    properties = {"sheetId": added["sheetId"], "title": "Сотрудники", "index": 0, "gridProperties": {"frozenRowCount": 1}}
    bench.batch({"updateSheetProperties": {"properties": properties, "fields": "title,index,gridProperties/frozenRowCount"}})
    shown = bench.ok("GET", "", fields="sheets.properties")["sheets"][0]["properties"]
    assert (shown["title"], shown["gridProperties"]["frozenRowCount"]) == ("Сотрудники", 1)

    properties = {"sheetId": added["sheetId"]}
    bench.batch({"updateSheetProperties": {"properties": properties, "fields": "gridProperties.frozenRowCount"}})
    shown = bench.ok("GET", "", fields="sheets.properties")["sheets"][0]["properties"]
    assert shown["gridProperties"] == {"rowCount": 5, "columnCount": 2}

    bench.batch({"deleteSheet": {"sheetId": added["sheetId"]}})
    assert [tab.title for tab in bench.cloud.books["1SandboxSpreadsheetOfAmo2gsheet0000000000000"].tabs] == [TITLE]


def test_the_spreadsheet_shows_what_its_mask_asks_for(bench: Bench) -> None:
    bench.batch({"setDataValidation": {"range": grid(1, 3, 2, 3), "rule": DROPDOWN}})
    bench.person.hide_rows(3)
    mask = "sheets(properties(sheetId,title),data(startRow,rowData(values(effectiveValue,dataValidation(strict)))))"

    answer = bench.ok("GET", "", fields=mask, ranges="Заказы!C2:C5")

    cell = [
        {"effectiveValue": {"stringValue": "В процессе"}, "dataValidation": {"strict": True}},
        {"effectiveValue": {"stringValue": "Отказ"}, "dataValidation": {"strict": True}},
    ]
    data = [{"startRow": 1, "rowData": [{"values": [cell[0]]}, {"values": [cell[1]]}]}]
    assert answer == {"sheets": [{"properties": {"sheetId": 0, "title": TITLE}, "data": data}]}
    rows = bench.ok("GET", "", fields="sheets.data.rowMetadata.hiddenByUser", ranges="A2:A4")
    assert rows == {"sheets": [{"data": [{"rowMetadata": [{}, {"hiddenByUser": True}, {}]}]}]}


def test_the_spreadsheet_without_a_mask_has_no_cells_unless_asked(bench: Bench) -> None:
    without = bench.ok("GET", "", includeGridData=False)
    answer = bench.ok("GET", "", includeGridData=True, ranges="A2:B2")

    assert "data" not in without["sheets"][0]
    assert without["properties"]["timeZone"] == "Asia/Tashkent"
    first = answer["sheets"][0]["data"][0]["rowData"][0]["values"][0]
    assert (first["userEnteredValue"], first["formattedValue"]) == ({"numberValue": 11}, "11")


def test_a_bad_mask_is_refused(bench: Bench) -> None:
    assert bench.refusal("GET", "", fields="sheets(propertys)") == "Request contains an invalid argument."
    assert bench.refusal("GET", "", fields="sheets(properties") == "Request contains an invalid argument."


def test_a_write_can_show_the_tab_as_it_left_it(bench: Bench) -> None:
    body = {
        "requests": [{"updateCells": {"range": grid(1, 2, 2, 3), "fields": VALUE, "rows": [cells("Успешно")]}}],
        "includeSpreadsheetInResponse": True,
        "responseIncludeGridData": True,
        "responseRanges": ["'Заказы'!A2:A4"],
    }
    mask = "updatedSpreadsheet(sheets(data(startRow,rowData(values(effectiveValue)))))"

    answer = bench.ok("POST", ":batchUpdate", body, fields=mask)

    rows = [{"values": [{"effectiveValue": {"numberValue": number}}]} for number in (11, 12, 13)]
    assert answer == {"updatedSpreadsheet": {"sheets": [{"data": [{"startRow": 1, "rowData": rows}]}]}}


def test_a_filter_hides_rows_and_moves_along(bench: Bench) -> None:
    criteria = {"2": {"hiddenValues": ["Отказ"]}}
    bench.batch({"setBasicFilter": {"filter": {"range": {"sheetId": 0}, "criteria": criteria}}})
    bench.batch({"insertDimension": {"range": span("ROWS", 1, 2)}})

    shown = bench.ok("GET", "", fields="sheets(basicFilter,data.rowMetadata.hiddenByFilter)")["sheets"][0]
    assert shown["basicFilter"]["range"] == {"startRowIndex": 0, "endRowIndex": 21, "startColumnIndex": 0, "endColumnIndex": 6}
    assert [row.get("hiddenByFilter", False) for row in shown["data"][0]["rowMetadata"][:5]] == [False, False, False, True, False]

    bench.batch({"clearBasicFilter": {"sheetId": 0}})
    assert "basicFilter" not in bench.ok("GET", "")["sheets"][0]


def test_colour_rules_go_by_their_index(bench: Bench) -> None:
    def rule(text: str) -> Any:
        condition = {"type": "TEXT_EQ", "values": [{"userEnteredValue": text}]}
        colour = {"backgroundColor": {"red": 1}}
        return {"ranges": [grid(1, None, 2, 3)], "booleanRule": {"condition": condition, "format": colour}}

    bench.batch(*({"addConditionalFormatRule": {"rule": rule(text), "index": 0}} for text in ("a", "b", "b")))
    bench.batch({"deleteConditionalFormatRule": {"sheetId": 0, "index": 1}})
    bench.batch({"updateConditionalFormatRule": {"sheetId": 0, "index": 0, "rule": rule("c")}})
    bench.batch({"insertDimension": {"range": span("COLUMNS", 0, 1)}})

    rules = bench.ok("GET", "", fields="sheets.conditionalFormats")["sheets"][0]["conditionalFormats"]
    assert [found["booleanRule"]["condition"]["values"][0]["userEnteredValue"] for found in rules] == ["c", "a"]
    assert rules[0]["ranges"] == [{"startRowIndex": 1, "startColumnIndex": 3, "endColumnIndex": 4}]
    assert "No conditional format" in bench.batch_refusal({"deleteConditionalFormatRule": {"sheetId": 0, "index": 5}})


def test_a_named_range_follows_its_cells_and_goes_before_a_tab(bench: Bench) -> None:
    bench.batch({"addNamedRange": {"namedRange": {"name": "amo_status", "range": grid(0, 4, 2, 3)}}})

    bench.batch({"insertDimension": {"range": span("COLUMNS", 0, 2)}})

    assert bench.get("amo_status")["range"] == "'Заказы'!E1:E4"
    assert bench.values("amo_status") == [["статус"], ["В процессе"], ["Отказ"]]


def test_merged_cells_keep_the_first_value_only(bench: Bench) -> None:
    bench.batch({"mergeCells": {"range": grid(0, 1, 0, 3), "mergeType": "MERGE_ALL"}})

    assert bench.table()[0] == ["ID", None, None, "Заметка"]
    merge = {"startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 3}
    assert bench.ok("GET", "")["sheets"][0]["merges"] == [merge]
    assert "merged range" in bench.batch_refusal({"mergeCells": {"range": grid(0, 2, 0, 1)}})


def test_a_protection_by_a_person_refuses_the_api_and_its_own_does_not(bench: Bench) -> None:
    (reply,) = bench.batch({"addProtectedRange": {"protectedRange": {"range": grid(0, 1), "description": "ours"}}})
    bench.put("A1", [["ID"]])
    bench.person.protect("C3:C3")
    bench.put("C2", [["Успешно"]])
    before = bench.tab

    texts = [
        bench.refusal("PUT", "/values/B3", {"values": [["x", "y"]]}, valueInputOption="RAW"),
        bench.refusal("POST", "/values:batchUpdate", bench.data(("A2", [["x"]]), ("A3:C3", [[None, None, "y"]]))),
        bench.batch_refusal({"updateCells": {"range": grid(2, 3, 2, 3), "fields": VALUE, "rows": [cells("y")]}}),
        bench.batch_refusal({"deleteDimension": {"range": span("ROWS", 2, 3)}}),
        bench.batch_refusal({"sortRange": {"range": grid(1), "sortSpecs": [{"dimensionIndex": 0}]}}),
    ]

    protected = bench.knobs.protected_text
    prefixes = [
        "",
        "Invalid data[1]: ",
        *(f"Invalid requests[0].{name}: " for name in ("updateCells", "deleteDimension", "sortRange")),
    ]
    assert texts == [prefix + protected for prefix in prefixes]
    assert bench.tab == before
    bench.update(("A3:C3", [[None, "Боря", None]]))
    assert "requestingUserCanEdit" in reply["addProtectedRange"]["protectedRange"]


def test_a_warning_refuses_nobody(bench: Bench) -> None:
    bench.person.protect("A1:D1", warning_only=True)

    bench.put("A1", [["ID"]])


# Metadata


def entry(**more: object) -> Any:
    wanted = {"metadataKey": "k", "visibility": "DOCUMENT", "location": {"spreadsheet": True}, **more}
    return {"createDeveloperMetadata": {"developerMetadata": wanted}}


def on_row(index: int, **more: object) -> Any:
    return entry(location={"dimensionRange": span("ROWS", index, index + 1)}, **more)


def rows_of(bench: Bench, **lookup: object) -> list[int]:
    answer = bench.ok("POST", "/developerMetadata:search", {"dataFilters": [{"developerMetadataLookup": lookup}]})
    found = [hit["developerMetadata"]["location"]["dimensionRange"] for hit in answer.get("matchedDeveloperMetadata", [])]
    return [place["startIndex"] for place in found]


def test_a_used_metadata_id_fails_the_whole_batch(bench: Bench) -> None:
    bench.batch(entry(metadataId=4711))
    before = bench.table()
    append = {"appendCells": {"sheetId": 0, "fields": VALUE, "rows": [cells(14)]}}

    text = bench.batch_refusal(append, entry(metadataId=4711))

    assert text.startswith("Invalid requests[1].createDeveloperMetadata: ")
    assert bench.table() == before
    bench.knobs.refuses_used_metadata_id = False
    bench.batch(append, entry(metadataId=4711))
    assert len(bench.table()) == len(before) + 1


def test_row_metadata_follows_its_row(bench: Bench) -> None:
    bench.batch(on_row(2, metadataId=1), on_row(3, metadataId=2))

    bench.batch({"insertDimension": {"range": span("ROWS", 1, 2)}})
    assert rows_of(bench) == [3, 4]
    bench.batch({"moveDimension": {"source": span("ROWS", 3, 4), "destinationIndex": 1}})
    assert rows_of(bench) == [1, 4]
    bench.batch({"sortRange": {"range": grid(1), "sortSpecs": [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}]}})
    assert rows_of(bench) == [2, 1]
    bench.person.cut("A3:D3", "A10")
    assert rows_of(bench, metadataId=1) == [2]
    bench.batch({"deleteDimension": {"range": span("ROWS", 2, 3)}})
    assert rows_of(bench) == [1]
    assert bench.call("GET", "/developerMetadata/1").status == 404
    assert bench.ok("GET", "/developerMetadata/2")["metadataKey"] == "k"


def test_a_sort_may_leave_metadata_where_it_is(bench: Bench) -> None:
    bench.knobs.does_sort_carry_metadata = False
    bench.batch(on_row(1))

    bench.person.sort("ID", descending=True)

    assert rows_of(bench) == [1]


def test_metadata_is_limited_in_storage(bench: Bench) -> None:
    bench.knobs.metadata_limit = 10
    bench.batch(entry(metadataValue="12345678"), on_row(1, metadataValue="12345678"))

    text = bench.batch_refusal(entry(metadataValue="x"))

    assert text.endswith(": Adding the requested developer metadata would exceed the allowed storage limit")


@pytest.mark.parametrize("end", [3, None])
def test_metadata_sits_on_exactly_one_row(bench: Bench, end: int | None) -> None:
    place = {"sheetId": 0, "dimension": "ROWS", "startIndex": 1} | ({"endIndex": end} if end else {})

    assert "exactly one row" in bench.batch_refusal(entry(location={"dimensionRange": place}))


def test_metadata_is_found_by_key_value_and_place(bench: Bench) -> None:
    bench.batch(
        entry(metadataId=1, metadataKey="state", metadataValue="a"),
        entry(metadataId=2, metadataKey="state", metadataValue="b", location={"sheetId": 0}),
        on_row(1, metadataId=3, metadataKey="row"),
    )

    def found(**lookup: object) -> list[int]:
        answer = bench.ok("POST", "/developerMetadata:search", {"dataFilters": [{"developerMetadataLookup": lookup}]})
        return [hit["developerMetadata"]["metadataId"] for hit in answer.get("matchedDeveloperMetadata", [])]

    assert found() == [1, 2, 3]
    assert found(metadataKey="state", metadataValue="b") == [2]
    assert found(locationType="ROW") == [3]
    assert found(metadataLocation={"sheetId": 0}) == [2]
    assert found(metadataKey="нет") == []
    sheet = bench.ok("GET", "", fields="developerMetadata.metadataId,sheets.developerMetadata.metadataId")
    assert sheet == {"developerMetadata": [{"metadataId": 1}], "sheets": [{"developerMetadata": [{"metadataId": 2}]}]}


def test_metadata_is_changed_and_deleted(bench: Bench) -> None:
    bench.batch(entry(metadataId=1, metadataValue="a"))
    by_id = {"developerMetadataLookup": {"metadataId": 1}}
    change = {"dataFilters": [by_id], "developerMetadata": {"metadataValue": "b"}, "fields": "metadataValue"}

    (updated,) = bench.batch({"updateDeveloperMetadata": change})
    (deleted,) = bench.batch({"deleteDeveloperMetadata": {"dataFilter": by_id}})

    assert updated["updateDeveloperMetadata"]["developerMetadata"][0]["metadataValue"] == "b"
    assert deleted["deleteDeveloperMetadata"]["deletedDeveloperMetadata"][0]["metadataId"] == 1
    assert bench.ok("POST", "/developerMetadata:search", {"dataFilters": [{"developerMetadataLookup": {}}]}) == {}


def test_values_go_by_data_filters(bench: Bench) -> None:
    bench.batch(on_row(2, metadataId=12))
    by_row = {"developerMetadataLookup": {"metadataId": 12}}
    body = {
        "valueInputOption": "RAW",
        "includeValuesInResponse": True,
        "data": [{"dataFilter": by_row, "majorDimension": "ROWS", "values": [[None, "Боря"]]}],
    }
    bench.person.insert_rows(2)

    written = bench.ok("POST", "/values:batchUpdateByDataFilter", body)
    read = bench.ok(
        "POST", "/values:batchGetByDataFilter", {"dataFilters": [by_row, {"a1Range": "A1"}, {"gridRange": grid(1, 3, 0, 1)}]}
    )

    (response,) = written["responses"]
    assert (response["updatedRange"], response["updatedData"]["range"]) == ("'Заказы'!A4:B4", "'Заказы'!A4:F4")
    assert response["updatedData"]["values"] == [["12", "Боря", "Отказ", "звонить"]]
    assert [item["valueRange"].get("values") for item in read["valueRanges"]] == [
        [["12", "Боря", "Отказ", "звонить"]],
        [["ID"]],
        [[], ["11"]],
    ]
