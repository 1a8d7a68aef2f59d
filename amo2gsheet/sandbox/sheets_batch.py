"""`spreadsheets:batchUpdate`: which request does what, and how a refusal names the request it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amo2gsheet.sandbox import sheets_batch_cells as cells
from amo2gsheet.sandbox import sheets_batch_overlays as overlays
from amo2gsheet.sandbox import sheets_batch_paste as paste
from amo2gsheet.sandbox import sheets_batch_shape as shape
from amo2gsheet.sandbox import sheets_batch_tabs as tabs
from amo2gsheet.sandbox import sheets_metadata as metadata
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_errors import ApiError, invalid
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_schema import OTHER_REQUESTS
from amo2gsheet.sandbox.sheets_values import JSON

HANDLERS: Mapping[str, Callable[[Book, JSON, SheetsKnobs], JSON]] = {
    "appendCells": cells.append_cells,
    "updateCells": cells.update_cells,
    "repeatCell": cells.repeat_cell,
    "setDataValidation": cells.set_data_validation,
    "sortRange": cells.sort_range,
    "findReplace": cells.find_replace,
    "copyPaste": paste.copy_paste,
    "cutPaste": paste.cut_paste,
    "insertRange": paste.insert_range,
    "deleteRange": paste.delete_range,
    "insertDimension": shape.insert_dimension,
    "deleteDimension": shape.delete_dimension,
    "moveDimension": shape.move_dimension,
    "appendDimension": shape.append_dimension,
    "autoResizeDimensions": shape.auto_resize_dimensions,
    "updateDimensionProperties": shape.update_dimension_properties,
    "addSheet": tabs.add_sheet,
    "deleteSheet": tabs.delete_sheet,
    "duplicateSheet": tabs.duplicate_sheet,
    "updateSheetProperties": tabs.update_sheet_properties,
    "updateSpreadsheetProperties": tabs.update_spreadsheet_properties,
    "setBasicFilter": overlays.set_basic_filter,
    "clearBasicFilter": overlays.clear_basic_filter,
    "addFilterView": overlays.add_filter_view,
    "deleteFilterView": overlays.delete_filter_view,
    "addConditionalFormatRule": overlays.add_conditional_format_rule,
    "deleteConditionalFormatRule": overlays.delete_conditional_format_rule,
    "updateConditionalFormatRule": overlays.update_conditional_format_rule,
    "addProtectedRange": overlays.add_protected_range,
    "updateProtectedRange": overlays.update_protected_range,
    "deleteProtectedRange": overlays.delete_protected_range,
    "mergeCells": overlays.merge_cells,
    "unmergeCells": overlays.unmerge_cells,
    "addNamedRange": overlays.add_named_range,
    "deleteNamedRange": overlays.delete_named_range,
    "createDeveloperMetadata": metadata.create,
    "updateDeveloperMetadata": metadata.update,
    "deleteDeveloperMetadata": metadata.delete,
}


def run(book: Book, requests: list[JSON], knobs: SheetsKnobs) -> list[JSON]:
    """Carry out the requests one after the other on a draft and return one reply for each.

    Raises:
        ApiError: one of them was refused; the draft is to be thrown away.
    """
    if not requests:
        raise invalid("Must specify at least one request.")
    replies = []
    for index, request in enumerate(requests):
        if len(request) != 1:
            raise invalid(f"Invalid requests[{index}]: Exactly one kind of request must be set.")
        ((name, body),) = request.items()
        if name in OTHER_REQUESTS:
            raise ApiError(501, "UNIMPLEMENTED", f"The sandbox does not know {name}.")
        try:
            replies.append(HANDLERS[name](book, without_nulls(body or {}), knobs))
        except ApiError as error:
            raise error.under(f"Invalid requests[{index}].{name}") from error
    return replies


def without_nulls(value: Any) -> Any:
    """Return JSON without the names whose value is null: to Google they are as good as absent."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
