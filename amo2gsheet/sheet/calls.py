"""The four calls of the Sheets API that are made, each one request. Knows their options, not what they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from amo2gsheet.model import CellValue
from amo2gsheet.sheet import grid
from amo2gsheet.sheet.a1 import Area
from amo2gsheet.sheet.http import SheetsHttp

if TYPE_CHECKING:
    from gspread.http_client import HTTPClient

T = TypeVar("T")


class SheetsCalls:
    """Reads and writes of one spreadsheet. Errors are those of `SheetsHttp`."""

    def __init__(self, http: SheetsHttp) -> None:
        self._http = http
        self.spreadsheet_id = http.spreadsheet_id

    @property
    def request_count(self) -> int:
        """Requests sent so far, token requests not counted."""
        return self._http.request_count

    @property
    def quota_refusals(self) -> int:
        """How often Google said that a quota is spent."""
        return self._http.quota_refusals

    def values(self, title: str, areas: Sequence[Area], *, by_columns: bool = False) -> list[tuple[Area, list[list[CellValue]]]]:
        """Read areas of a tab with values.batchGet: of each the area that came and its rows (or columns) of cells."""
        names = [area.named(title) for area in areas]

        def ask(client: HTTPClient) -> Any:
            options: dict[str, Any] = {
                "majorDimension": "COLUMNS" if by_columns else "ROWS",
                "valueRenderOption": "UNFORMATTED_VALUE",
                "dateTimeRenderOption": "SERIAL_NUMBER",
            }
            return client.values_batch_get(self.spreadsheet_id, names, options)

        return self._http.read(ask, lambda answer: grid.value_ranges(answer, areas, by_columns=by_columns), title)

    def spreadsheet(
        self, fields: str, understand: Callable[[Any], T], *, ranges: Sequence[str] = (), title: str | None = None
    ) -> T:
        """Read parts of the spreadsheet with spreadsheets.get."""

        def ask(client: HTTPClient) -> Any:
            # The mask names what is wanted, so nothing is fetched that nobody looks at.
            options: dict[str, Any] = {"fields": fields, "ranges": list(ranges)} if ranges else {"fields": fields}
            return client.fetch_sheet_metadata(self.spreadsheet_id, options)

        return self._http.read(ask, understand, title)

    def write_values(self, title: str, data: Sequence[Mapping[str, Any]], understand: Callable[[Any], T]) -> T:
        """Write ranges as they are (RAW) with values.batchUpdate, and have the answer show what stands there then."""
        body = {
            "valueInputOption": "RAW",
            "data": list(data),
            "includeValuesInResponse": True,
            "responseValueRenderOption": "UNFORMATTED_VALUE",
            "responseDateTimeRenderOption": "SERIAL_NUMBER",
        }
        return self._http.write(
            lambda client: client.values_batch_update(self.spreadsheet_id, body), understand, title, is_ageing=True
        )

    def batch_update(
        self,
        requests: Sequence[Mapping[str, Any]],
        understand: Callable[[Any], T],
        *,
        token: Mapping[str, Any] | None = None,
        shown: Sequence[str] = (),
        fields: str = "spreadsheetId",
        title: str | None = None,
        is_ageing: bool = False,
    ) -> T:
        """Carry out requests together with spreadsheets.batchUpdate, and have the answer show the cells of `shown`.

        `token` is the request that leaves a commit token: it goes first, so that a refusal for it is known by its place.
        """
        body: dict[str, Any] = {"requests": [*([token] if token else []), *requests]}
        if shown:
            body |= {"includeSpreadsheetInResponse": True, "responseIncludeGridData": True, "responseRanges": list(shown)}

        def send(client: HTTPClient) -> Any:
            from gspread.urls import SPREADSHEET_BATCH_UPDATE_URL

            # gspread's own method takes no field mask, and without one the answer repeats the whole spreadsheet.
            url = SPREADSHEET_BATCH_UPDATE_URL % self.spreadsheet_id
            return client.request("post", url, params={"fields": fields}, json=body).json()

        return self._http.write(send, understand, title, is_ageing=is_ageing, has_token=token is not None)


def believed(answer: Any) -> None:
    """Accept any answer that is a JSON object, as Google's are."""
    if not isinstance(answer, dict):
        raise grid.BadAnswerError("the answer is no object")
