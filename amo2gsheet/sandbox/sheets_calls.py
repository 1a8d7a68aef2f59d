"""The methods of Sheets v4, each from a request's parts to the JSON it answers. Routing is by method name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.sandbox import sheets_batch, sheets_metadata
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.sheets_a1 import range_text
from amo2gsheet.sandbox.sheets_append import append
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_errors import ApiError, invalid
from amo2gsheet.sandbox.sheets_fields import Mask
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_schema import check
from amo2gsheet.sandbox.sheets_spreadsheet import check_mask, spreadsheet
from amo2gsheet.sandbox.sheets_values import (
    JSON,
    Reading,
    Written,
    choice,
    read_range,
    value_range,
    write_range,
)


@dataclass(slots=True)
class Call:
    """One request on one spreadsheet.

    Attributes:
        request: as it came.
        body: its JSON, empty where there is none.
        argument: what the path names: a range, or a metadata ID.
        knobs: the switches.
        now: returns the book as it stands at this moment; for a write, the draft.
        mask: which parts of the answer are wanted.
    """

    request: Request
    body: JSON
    argument: str
    knobs: SheetsKnobs
    now: Callable[[], Book]
    mask: Mask

    def option(self, name: str) -> str | None:
        """Return an option from the query."""
        return self.request.first(name)

    def is_set(self, name: str) -> bool:
        """Tell whether a flag in the query is on; Python clients write `True`."""
        return (self.request.first(name) or "").lower() == "true"

    def options(self) -> dict[str, Any]:
        """Return the query as a mapping, first values."""
        return {name: self.request.first(name) for name, _ in self.request.query}

    def checked(self, type_name: str) -> JSON:
        """Return the body, compared with its shape."""
        check(type_name, self.body)
        return self.body


def _get(call: Call) -> JSON:
    check_mask(call.mask, "Spreadsheet")
    return spreadsheet(call.now(), call.mask, call.request.all("ranges"), has_grid_data=call.is_set("includeGridData"))


def _get_by_filter(call: Call) -> JSON:
    body, book = call.checked("GetSpreadsheetByDataFilterRequest"), call.now()
    check_mask(call.mask, "Spreadsheet")
    found = [place for item in body.get("dataFilters") or [] for place in sheets_metadata.ranges_of(book, item)]
    ranges = [range_text(tab.title, book.clip(tab, area)) for tab, area in found]
    return spreadsheet(book, call.mask, ranges, has_grid_data=bool(body.get("includeGridData")))


def _values_get(call: Call) -> JSON:
    return read_range(call.now(), call.argument, Reading.of(call.options()), call.knobs)


def _values_batch_get(call: Call) -> JSON:
    reading, found = Reading.of(call.options()), []
    ranges = call.request.all("ranges")
    for number, text in enumerate(ranges, 1):
        found.append(read_range(call.now(), text, reading, call.knobs))
        if call.knobs.between_ranges and number < len(ranges):
            call.knobs.between_ranges(number)
    answer: JSON = {"spreadsheetId": call.now().spreadsheet_id}
    return {**answer, "valueRanges": found} if found else answer


def _values_batch_get_by_filter(call: Call) -> JSON:
    body, book = call.checked("BatchGetValuesByDataFilterRequest"), call.now()
    reading = Reading.of(body)
    found = []
    for item in body.get("dataFilters") or []:
        for tab, area in sheets_metadata.ranges_of(book, item):
            values = value_range(book, tab, book.clip(tab, area), reading, call.knobs)
            found.append({"valueRange": values, "dataFilters": [item]})
    answer: JSON = {"spreadsheetId": book.spreadsheet_id}
    return {**answer, "valueRanges": found} if found else answer


def _metadata_get(call: Call) -> JSON:
    for anchor, shown in sheets_metadata.living(call.now()):
        if str(anchor.metadata_id) == call.argument:
            return shown
    raise ApiError(404, "NOT_FOUND", f"No developer metadata with ID {call.argument}.")


def _metadata_search(call: Call) -> JSON:
    body = call.checked("SearchDeveloperMetadataRequest")
    return sheets_metadata.search(call.now(), body.get("dataFilters") or [])


def _values_update(call: Call) -> JSON:
    option, book = choice("valueInputOption", call.option("valueInputOption")), call.now()
    body = _values_body(call)
    target = book.resolve(call.argument)
    if body.get("range") and book.resolve(body["range"]) != target:
        raise invalid(f"Request range[{call.argument}] does not match value's range[{body['range']}]")
    written = write_range(book, target, body, option, call.knobs)
    answer = written.answer(book)
    if call.is_set("includeValuesInResponse"):
        answer["updatedData"] = written.shown(book, Reading.of(call.options(), "response"), call.knobs)
    return answer


def _values_append(call: Call) -> JSON:
    options = {
        "valueInputOption": choice("valueInputOption", call.option("valueInputOption")),
        "insertDataOption": choice("insertDataOption", call.option("insertDataOption"), "OVERWRITE"),
    }
    reading = Reading.of(call.options(), "response") if call.is_set("includeValuesInResponse") else None
    return append(call.now(), call.argument, _values_body(call), options, reading, call.knobs)


def _values_body(call: Call) -> JSON:
    # The values themselves are looked at where they are written: their refusal names the cell.
    check("ValueRange", {name: value for name, value in call.body.items() if name != "values"})
    return call.body


def _values_batch_update(call: Call) -> JSON:
    check("BatchUpdateValuesRequest", {**call.body, "data": [_no_values(item) for item in call.body.get("data") or []]})
    book, data = call.now(), call.body.get("data") or []
    option = choice("valueInputOption", call.body.get("valueInputOption"))
    written = []
    for index, item in enumerate(data):
        if not item.get("range"):
            raise invalid(f"Invalid data[{index}]: Unable to parse range: ")
        written.append(_one(book, index, book.resolve, item["range"], item, option, call.knobs))
    return _written_answer(call, book, written)


def _values_batch_update_by_filter(call: Call) -> JSON:
    data = call.body.get("data") or []
    check("BatchUpdateValuesByDataFilterRequest", {**call.body, "data": [_no_values(item) for item in data]})
    book, option = call.now(), choice("valueInputOption", call.body.get("valueInputOption"))
    written, filters = [], []
    for index, item in enumerate(data):
        for place in sheets_metadata.ranges_of(book, item.get("dataFilter") or {}):
            written.append(_one(book, index, lambda found: found, place, item, option, call.knobs))
            filters.append(item["dataFilter"])
    answer = _written_answer(call, book, written)
    for response, data_filter in zip(answer.get("responses", []), filters, strict=True):
        del response["spreadsheetId"]
        response["dataFilter"] = data_filter
    return answer


def _one(book: Book, index: int, find: Callable[[Any], Any], where: Any, item: JSON, option: str, knobs: SheetsKnobs) -> Written:
    try:
        return write_range(book, find(where), item, option, knobs, where=f"data[{index}]")
    except ApiError as error:
        raise error.under(f"Invalid data[{index}]") from error


def _no_values(item: Any) -> Any:
    return {name: value for name, value in item.items() if name != "values"} if isinstance(item, dict) else item


def _written_answer(call: Call, book: Book, written: Sequence[Written]) -> JSON:
    responses = [item.answer(book) for item in written]
    if call.body.get("includeValuesInResponse"):
        reading = Reading.of(call.body, "response")
        for response, item in zip(responses, written, strict=True):
            response["updatedData"] = item.shown(book, reading, call.knobs)
    cells = {(item.tab.sheet_id, *cell) for item in written for cell in item.cells}
    totals = {
        "totalUpdatedRows": len({(sheet_id, row) for sheet_id, row, _ in cells}),
        "totalUpdatedColumns": len({(sheet_id, column) for sheet_id, _, column in cells}),
        "totalUpdatedCells": sum(len(item.cells) for item in written),
        "totalUpdatedSheets": len({sheet_id for sheet_id, _, _ in cells}),
    }
    answer: JSON = {"spreadsheetId": book.spreadsheet_id}
    answer |= {name: total for name, total in totals.items() if total}
    return {**answer, "responses": responses} if responses else answer


def _values_clear(call: Call) -> JSON:
    book = call.now()
    return {"spreadsheetId": book.spreadsheet_id, "clearedRange": _clear(book, call.argument)}


def _values_batch_clear(call: Call) -> JSON:
    body, book = call.checked("BatchClearValuesRequest"), call.now()
    cleared = [_clear(book, text) for text in body.get("ranges") or []]
    return {"spreadsheetId": book.spreadsheet_id, "clearedRanges": cleared}


def _values_batch_clear_by_filter(call: Call) -> JSON:
    body, book = call.checked("BatchClearValuesByDataFilterRequest"), call.now()
    places = [place for item in body.get("dataFilters") or [] for place in sheets_metadata.ranges_of(book, item)]
    cleared = [_clear(book, range_text(tab.title, book.clip(tab, area))) for tab, area in places]
    return {"spreadsheetId": book.spreadsheet_id, "clearedRanges": cleared}


def _clear(book: Book, text: str) -> str:
    tab, asked = book.resolve(text)
    area = book.clip(tab, asked)
    tab.clear(area)
    return range_text(tab.title, area)


def _batch_update(call: Call) -> JSON:
    body, book = call.checked("BatchUpdateSpreadsheetRequest"), call.now()
    answer: JSON = {"spreadsheetId": book.spreadsheet_id}
    answer["replies"] = sheets_batch.run(book, body.get("requests") or [], call.knobs)
    mask = call.mask.below("updatedSpreadsheet")
    if body.get("includeSpreadsheetInResponse") and mask is not None:
        check_mask(mask, "Spreadsheet", "updatedSpreadsheet.")
        has_grid = bool(body.get("responseIncludeGridData"))
        # The mask alone does not bring cells here: the body has a flag of its own for them.
        shown = spreadsheet(
            book, mask if has_grid else _without_data(mask), body.get("responseRanges") or [], has_grid_data=has_grid
        )
        answer["updatedSpreadsheet"] = shown
    return answer


def _without_data(mask: Mask) -> Mask:
    sheets = mask.parts.get("sheets")
    if sheets is None or not sheets.parts:
        return mask
    kept = Mask({name: below for name, below in sheets.parts.items() if name != "data"})
    return Mask({**mask.parts, "sheets": kept if kept.parts else Mask({"properties": Mask()})})


READS: Mapping[str, Callable[[Call], JSON]] = {
    "spreadsheets.get": _get,
    "spreadsheets.getByDataFilter": _get_by_filter,
    "spreadsheets.values.get": _values_get,
    "spreadsheets.values.batchGet": _values_batch_get,
    "spreadsheets.values.batchGetByDataFilter": _values_batch_get_by_filter,
    "spreadsheets.developerMetadata.get": _metadata_get,
    "spreadsheets.developerMetadata.search": _metadata_search,
}

WRITES: Mapping[str, Callable[[Call], JSON]] = {
    "spreadsheets.batchUpdate": _batch_update,
    "spreadsheets.values.update": _values_update,
    "spreadsheets.values.append": _values_append,
    "spreadsheets.values.batchUpdate": _values_batch_update,
    "spreadsheets.values.batchUpdateByDataFilter": _values_batch_update_by_filter,
    "spreadsheets.values.clear": _values_clear,
    "spreadsheets.values.batchClear": _values_batch_clear,
    "spreadsheets.values.batchClearByDataFilter": _values_batch_clear_by_filter,
}
