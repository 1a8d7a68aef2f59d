"""The stand-in's less travelled requests: pasting, sizes, filters, protections, tabs, and what masks may say."""

from __future__ import annotations

from typing import Any

import pytest

from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sandbox.sheets_fields import Mask
from tests.sheets_bench import TITLE, Bench, cells, grid, span

VALUE = "userEnteredValue"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def sheet(bench: Bench, fields: str) -> Any:
    return bench.ok("GET", "", fields=f"sheets({fields})")["sheets"][0]


def test_pasting_takes_what_its_type_says(bench: Bench) -> None:
    bench.person.write_formula("Заметка", "=1+1", 2, row=2)
    bench.person.colour("D2", 1, 0, 0)
    bench.person.note("Заметка", "n", row=2)

    for column, kind in enumerate(("PASTE_VALUES", "PASTE_FORMAT", "PASTE_NORMAL")):
        target = grid(9, 10, column, column + 1)
        bench.batch({"copyPaste": {"source": grid(1, 2, 3, 4), "destination": target, "pasteType": kind}})

    red = {"backgroundColor": {"red": 1, "green": 0, "blue": 0}}
    assert bench.values("A10:C10", valueRenderOption="FORMULA") == [[2, "", "=1+1"]]
    assert [bench.tab.look(9, column) for column in range(3)] == [
        {},
        {"userEnteredFormat": red},
        {"userEnteredFormat": red, "note": "n"},
    ]


def test_pasting_can_turn_rows_into_columns(bench: Bench) -> None:
    bench.batch(
        {"copyPaste": {"source": grid(0, 2, 0, 2), "destination": grid(9, 10, 0, 1), "pasteOrientation": "TRANSPOSE"}},
    )

    assert bench.table()[9:] == [["ID", 11], ["Имя", "Анна"]]


def test_cells_are_pushed_right_and_pulled_back(bench: Bench) -> None:
    bench.batch({"insertRange": {"range": grid(1, 2, 0, 2), "shiftDimension": "COLUMNS"}})
    assert bench.table()[1] == [None, None, 11, "Анна", "В процессе"]

    bench.batch({"deleteRange": {"range": grid(1, 2, 0, 2), "shiftDimension": "COLUMNS"}})
    assert bench.table()[1] == [11, "Анна", "В процессе"]

    assert "shiftDimension is required" in bench.batch_refusal({"insertRange": {"range": grid(1, 2)}})
    assert "shiftDimension is required" in bench.batch_refusal({"deleteRange": {"range": grid(1, 2)}})


def test_values_of_every_kind_are_written_by_cells(bench: Bench) -> None:
    row = {"values": [{"userEnteredValue": {"formulaValue": "=A2+1"}}, *cells(True, 1.5, "=x")["values"]]}
    bench.batch({"updateCells": {"range": grid(9, 10, 0, 4), "fields": VALUE, "rows": [row]}})

    assert bench.values("A10:D10", valueRenderOption="UNFORMATTED_VALUE") == [[12, True, 1.5, "=x"]]
    error = {"values": [{"userEnteredValue": {"errorValue": {"type": "N_A"}}}]}
    refused = {"updateCells": {"range": grid(9, 10, 0, 1), "fields": VALUE, "rows": [error]}}
    assert "errorValue cannot be set" in bench.batch_refusal(refused)


def test_a_repeated_value_fills_a_range(bench: Bench) -> None:
    bench.batch({"repeatCell": {"range": grid(1, 4, 2, 3), "cell": cells("Успешно")["values"][0], "fields": "*"}})
    bench.batch({"updateCells": {"range": grid(1, 3, 2, 4), "fields": "*", "rows": []}})

    assert [row[2:] for row in bench.table()[1:]] == [[], [], ["Успешно"]]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"strict": True}, "must have a condition"),
        ({"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "=A1"}]}}, "does not accept formulas"),
    ],
)
def test_a_dropdown_needs_plain_values(bench: Bench, rule: Any, text: str) -> None:
    assert text in bench.batch_refusal({"setDataValidation": {"range": grid(1), "rule": rule}})


def test_text_is_found_by_pattern_and_in_all_tabs(bench: Bench) -> None:
    bench.person.add_tab("Staff", [["Анна"]])

    (everywhere,) = bench.batch(
        {"findReplace": {"find": "^Анна$", "replacement": "Аня", "searchByRegex": True, "allSheets": True}}
    )
    (here,) = bench.batch({"findReplace": {"find": "АНЯ", "replacement": "Анна", "matchCase": True, "sheetId": 0}})

    assert everywhere["findReplace"]["sheetsChanged"] == 2
    assert here == {"findReplace": {}}
    assert "Must specify a string" in bench.batch_refusal({"findReplace": {"replacement": "x", "sheetId": 0}})


def test_a_sort_column_must_lie_in_the_range(bench: Bench) -> None:
    request = {"sortRange": {"range": grid(1, 4, 0, 2), "sortSpecs": [{"dimensionIndex": 4}]}}

    assert "outside the range" in bench.batch_refusal(request)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"deleteDimension": {"range": span("ROWS", 15, 30)}}, "do not exist"),
        ({"moveDimension": {"source": span("ROWS", 1, 3), "destinationIndex": 2}}, "inside the source"),
        ({"moveDimension": {"source": span("ROWS", 1, 3), "destinationIndex": 99}}, "beyond the grid"),
        ({"appendDimension": {"sheetId": 0, "dimension": "ROWS"}}, "length must be greater"),
        ({"insertDimension": {"range": {"sheetId": 0, "startIndex": 1, "endIndex": 2}}}, "dimension is required"),
        ({"deleteFilterView": {"filterId": 5}}, "No filter view with id: 5"),
        ({"deleteProtectedRange": {"protectedRangeId": 5}}, "No protected range with id: 5"),
        ({"updateProtectedRange": {"protectedRange": {"protectedRangeId": 5}, "fields": "*"}}, "No protected range with id: 5"),
        ({"deleteNamedRange": {"namedRangeId": "5"}}, "No named range with id: 5"),
        ({"addConditionalFormatRule": {"rule": {}}}, "ranges is required"),
        ({"updateSheetProperties": {"properties": {"title": ""}, "fields": "title"}}, "can't be empty"),
        (
            {"updateSheetProperties": {"properties": {"gridProperties": {"frozenRowCount": 20}}, "fields": "gridProperties"}},
            "can't freeze all",
        ),
        ({"updateSheetProperties": {"properties": {}, "fields": "nope"}}, "Invalid field"),
        ({"addSheet": {"properties": {"sheetId": 0}}}, "already exists"),
        ({"createDeveloperMetadata": {"developerMetadata": {"metadataKey": "k"}}}, "must have"),
    ],
)
def test_what_makes_no_sense_is_refused(bench: Bench, request_: dict[str, Any], text: str) -> None:
    assert text in bench.batch_refusal(request_)


def test_a_request_the_stand_in_does_not_know_is_named(bench: Bench) -> None:
    answer = bench.call("POST", ":batchUpdate", {"requests": [{"addChart": {}}]})

    assert (answer.status, "addChart" in answer.body.decode()) == (501, True)
    assert "Exactly one kind" in bench.batch_refusal({"deleteSheet": {}, "addSheet": {}})


def test_rows_and_columns_are_sized_hidden_and_fitted(bench: Bench) -> None:
    column = span("COLUMNS", 1, 2)
    bench.batch(
        {"updateDimensionProperties": {"range": column, "properties": {"pixelSize": 250}, "fields": "pixelSize"}},
        {
            "updateDimensionProperties": {
                "range": span("ROWS", 2, 3),
                "properties": {"hiddenByUser": True},
                "fields": "hiddenByUser",
            }
        },
    )
    shown = sheet(bench, "data(columnMetadata.pixelSize,rowMetadata.hiddenByUser)")["data"][0]
    assert [item["pixelSize"] for item in shown["columnMetadata"][:3]] == [100, 250, 100]
    assert shown["rowMetadata"][:3] == [{}, {}, {"hiddenByUser": True}]

    bench.batch({"autoResizeDimensions": {"dimensions": column}})
    bench.batch({"appendDimension": {"sheetId": 0, "dimension": "COLUMNS", "length": 2}})
    sizes = sheet(bench, "data(columnMetadata.pixelSize)")["data"][0]["columnMetadata"]
    assert [item["pixelSize"] for item in sizes] == [100] * 8


def test_filter_views_come_and_go(bench: Bench) -> None:
    (reply,) = bench.batch({"addFilterView": {"filter": {"title": "Мои", "range": grid()}}})
    view = reply["addFilterView"]["filter"]
    assert sheet(bench, "filterViews")["filterViews"] == [view]

    bench.batch({"deleteFilterView": {"filterId": view["filterViewId"]}})
    assert sheet(bench, "filterViews") == {}


def test_a_filter_by_specs_hides_rows(bench: Bench) -> None:
    spec = {"columnIndex": 2, "filterCriteria": {"hiddenValues": ["Отказ"]}}
    bench.batch({"setBasicFilter": {"filter": {"range": grid(0, 4), "filterSpecs": [spec]}}})

    assert [row.key in bench.tab.filtered for row in bench.tab.rows[:4]] == [False, False, True, False]


def test_a_protection_is_changed_and_taken_away(bench: Bench) -> None:
    (reply,) = bench.batch({"addProtectedRange": {"protectedRange": {"range": grid(0, 1), "warningOnly": True}}})
    protection = reply["addProtectedRange"]["protectedRange"]
    identity = {"protectedRangeId": protection["protectedRangeId"]}

    bench.batch({"updateProtectedRange": {"protectedRange": {**identity, "description": "шапка"}, "fields": "description"}})
    assert sheet(bench, "protectedRanges.description") == {"protectedRanges": [{"description": "шапка"}]}

    bench.batch({"deleteProtectedRange": identity})
    assert sheet(bench, "protectedRanges") == {}


def test_a_merge_by_rows_is_taken_apart(bench: Bench) -> None:
    bench.batch({"mergeCells": {"range": grid(1, 3, 0, 2), "mergeType": "MERGE_ROWS"}})
    assert (len(bench.tab.merges), [row[:2] for row in bench.table()[1:3]]) == (2, [[11, None], [12, None]])

    bench.batch(
        {"unmergeCells": {"range": grid(1, 3)}}, {"mergeCells": {"range": grid(1, 3, 4, 6), "mergeType": "MERGE_COLUMNS"}}
    )
    assert len(bench.tab.merges) == 2


def test_frozen_rows_are_not_merged_with_others(bench: Bench) -> None:
    freeze = {"properties": {"sheetId": 0, "gridProperties": {"frozenRowCount": 1}}, "fields": "gridProperties.frozenRowCount"}
    bench.batch({"updateSheetProperties": freeze})

    assert "frozen" in bench.batch_refusal({"mergeCells": {"range": grid(0, 2, 0, 1)}})


def test_a_name_is_forgotten(bench: Bench) -> None:
    (reply,) = bench.batch({"addNamedRange": {"namedRange": {"name": "n", "range": grid(0, 1, 0, 1)}}})
    assert "already exists" in bench.batch_refusal({"addNamedRange": {"namedRange": {"name": "n", "range": grid(0, 1)}}})

    bench.batch({"deleteNamedRange": {"namedRangeId": reply["addNamedRange"]["namedRange"]["namedRangeId"]}})

    assert bench.refusal("GET", "/values/n") == "Unable to parse range: n"


def test_a_name_vanishes_with_its_cells(bench: Bench) -> None:
    bench.batch({"addNamedRange": {"namedRange": {"name": "n", "range": grid(0, 4, 2, 3)}}})

    bench.batch({"deleteDimension": {"range": span("COLUMNS", 2, 3)}})

    assert bench.refusal("GET", "/values/n") == "Unable to parse range: n"


def test_a_copy_of_a_tab_has_everything_but_metadata(bench: Bench) -> None:
    place = {"dimensionRange": span("ROWS", 1, 2)}
    entry = {"metadataKey": "k", "visibility": "DOCUMENT", "location": place}
    bench.batch({"createDeveloperMetadata": {"developerMetadata": entry}})

    (reply,) = bench.batch({"duplicateSheet": {"sourceSheetId": 0, "newSheetName": "Копия", "insertSheetIndex": 1}})

    assert reply["duplicateSheet"]["properties"]["index"] == 1
    assert bench.cloud.table("Копия") == bench.cloud.table(TITLE)
    shown = bench.ok("GET", "", fields="sheets.data.rowMetadata.developerMetadata.metadataKey")["sheets"]
    assert [sum(map(bool, item["data"][0]["rowMetadata"])) for item in shown] == [1, 0]


def test_a_tab_with_what_belongs_to_it_is_deleted(bench: Bench) -> None:
    other = bench.person.add_tab("Staff").tab.sheet_id
    entry = {"metadataId": 7, "metadataKey": "k", "visibility": "DOCUMENT", "location": {"sheetId": other}}
    named = {"name": "n", "range": {"sheetId": other, "endRowIndex": 1}}
    bench.batch({"createDeveloperMetadata": {"developerMetadata": entry}}, {"addNamedRange": {"namedRange": named}})

    bench.batch({"deleteSheet": {"sheetId": other}})

    assert bench.call("GET", "/developerMetadata/7").status == 404
    assert "namedRanges" not in bench.ok("GET", "")


def test_the_spreadsheet_has_a_title_a_language_and_a_zone(bench: Bench) -> None:
    properties = {"title": "Orders", "locale": "en_US", "timeZone": "Etc/GMT"}
    bench.batch({"updateSpreadsheetProperties": {"properties": properties, "fields": "title,locale,timeZone"}})
    bench.put("A9", [[1.5, True]])

    assert bench.ok("GET", "", fields="properties(title,locale,timeZone)") == {"properties": properties}
    assert bench.values("A9:B9") == [["1.5", "TRUE"]]


def test_the_spreadsheet_is_read_by_data_filters(bench: Bench) -> None:
    body = {"dataFilters": [{"gridRange": grid(1, 2, 0, 1)}], "includeGridData": True}

    answer = bench.ok("POST", ":getByDataFilter", body, fields="sheets.data.rowData.values.formattedValue")

    assert answer == {"sheets": [{"data": [{"rowData": [{"values": [{"formattedValue": "11"}]}]}]}]}


def test_values_are_cleared_by_data_filters(bench: Bench) -> None:
    answer = bench.ok("POST", "/values:batchClearByDataFilter", {"dataFilters": [{"a1Range": "A2:B2"}]})

    assert answer == {"spreadsheetId": SPREADSHEET_ID, "clearedRanges": ["'Заказы'!A2:B2"]}
    assert bench.table()[1] == [None, None, "В процессе"]


def test_an_answer_to_a_batch_shows_cells_only_where_its_body_says_so(bench: Bench) -> None:
    body = {"requests": [{"clearBasicFilter": {"sheetId": 0}}], "includeSpreadsheetInResponse": True, "responseRanges": ["A1"]}

    answer = bench.ok("POST", ":batchUpdate", body, fields="updatedSpreadsheet(sheets(properties(sheetId),data))")

    assert answer == {"updatedSpreadsheet": {"sheets": [{"properties": {"sheetId": 0}}]}}


@pytest.mark.parametrize("text", ["a,,b", "a(b", "a)", "", "a..b", "(a)"])
def test_a_broken_mask_is_refused(bench: Bench, text: str) -> None:
    request = {"repeatCell": {"range": grid(), "cell": {}, "fields": text}}

    assert bench.batch_refusal(request)


def test_a_mask_keeps_what_it_names() -> None:
    value = {"a": {"b": 1, "c": 2}, "d": [{"e": 1, "f": 2}], "g": 3}

    assert Mask.parse("a.b, d(e)").keep(value) == {"a": {"b": 1}, "d": [{"e": 1}]}
    assert Mask.parse("a/c").keep(value) == {"a": {"c": 2}}
    assert Mask.parse("*").keep(value) == value


# Looks and ranges through changes of the grid


def test_the_protection_of_a_whole_tab_covers_rows_inserted_at_its_top(bench: Bench) -> None:
    bench.person.protect()
    bench.person.insert_rows(1)

    assert "protected" in bench.refusal("PUT", "/values/A1", {"values": [[1]]}, valueInputOption="RAW")


def test_a_range_goes_along_with_its_row_up_and_down(bench: Bench) -> None:
    bench.person.protect("B3:C3")

    bench.person.move_row(8, lead=12)
    assert bench.tab.protected[0]["range"] == {"startRowIndex": 6, "endRowIndex": 7, "startColumnIndex": 1, "endColumnIndex": 3}

    bench.person.move_row(2, row=7)
    assert bench.tab.protected[0]["range"] == {"startRowIndex": 1, "endRowIndex": 2, "startColumnIndex": 1, "endColumnIndex": 3}


def test_rows_that_an_append_inserts_look_like_the_last_of_the_table(bench: Bench) -> None:
    bench.person.colour("A4:D4", 1, 0, 0)

    bench.append(TITLE, [[14, "Глеб"]], insertDataOption="INSERT_ROWS")

    assert bench.tab.look(4, 0, ("userEnteredFormat", "backgroundColor", "red")) == 1


def test_a_format_set_whole_leaves_nothing_of_the_one_before(bench: Bench) -> None:
    def write(cell: Any, fields: str) -> None:
        bench.batch({"updateCells": {"range": grid(1, 2, 1, 2), "fields": fields, "rows": [{"values": [cell]}]}})

    write({"userEnteredFormat": {"textFormat": {"bold": True}}}, "userEnteredFormat.textFormat.bold")
    write({"userEnteredFormat": {"horizontalAlignment": "LEFT"}}, "userEnteredFormat")

    assert bench.tab.patches(1, 1) == [{("userEnteredFormat",): {"horizontalAlignment": "LEFT"}}]


def test_a_cell_can_take_off_what_its_column_wears(bench: Bench) -> None:
    bold = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    bench.batch({"repeatCell": {"range": grid(1, None, 1, 2), "cell": bold, "fields": "userEnteredFormat"}})

    bench.batch({"updateCells": {"range": grid(1, 2, 1, 2), "fields": "userEnteredFormat", "rows": [{"values": [{}]}]}})

    assert [bench.tab.look(row, 1) for row in (1, 2)] == [{}, bold]
