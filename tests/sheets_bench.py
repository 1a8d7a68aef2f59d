"""A small spreadsheet with a signed-in client, for tests of the sandbox. Every request is held against Google's description."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID, SheetsCloud
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_people import Person
from tests.discovery import check_request

START = 1_760_000_000
TITLE = "Заказы"
HEADER = ["ID", "Имя", "статус", "Заметка"]

# Any JSON; what a test expects of it stands in the test.
JSON = Any


@dataclass
class Bench:
    """A spreadsheet whose tab "Заказы" (20 rows, 6 columns, sheet ID 0) holds a header and three leads."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    cloud: SheetsCloud = field(init=False)
    person: Person = field(init=False)
    token: str = field(init=False)
    is_described: bool = True

    def __post_init__(self) -> None:
        self.cloud = SheetsCloud(self.clock.time)
        self.cloud.knobs.quota = "off"
        self.token = self.cloud.issue_token()
        with self.cloud.change() as book:
            book.tabs.clear()
            book.add_tab(TITLE, (20, 6), sheet_id=0)
        self.person = Person(self.cloud, TITLE)
        self.person.paste("A1", [HEADER, ["11", "Анна", "В процессе"], ["12", "Борис", "Отказ", "звонить"], ["13", "Вера", ""]])
        self.cloud.applied.clear()

    @property
    def knobs(self) -> SheetsKnobs:
        return self.cloud.knobs

    @property
    def tab(self) -> Tab:
        return self.person.tab

    def table(self) -> list[list[object]]:
        return [list(row) for row in self.cloud.table(self.person.title)]

    def call(self, method: str, path: str, body: JSON = None, **query: object) -> Answer:
        pairs = tuple(
            (name, str(item)) for name, value in query.items() for item in (value if isinstance(value, list) else [value])
        )
        payload = b"" if body is None else json.dumps(body).encode()
        path = f"/v4/spreadsheets/{SPREADSHEET_ID}{path}"
        request = Request(method, path, pairs, {"authorization": f"Bearer {self.token}"}, payload)
        if self.is_described:
            check_request(request)
        return self.cloud.answer(request)

    def ok(self, method: str, path: str, body: JSON = None, **query: object) -> JSON:
        answer = self.call(method, path, body, **query)
        assert answer.status == 200, answer.body.decode()
        return json.loads(answer.body)

    def refusal(self, method: str, path: str, body: JSON = None, **query: object) -> str:
        """The text of a 400. The request may be one that the description forbids."""
        self.is_described = False
        answer = self.call(method, path, body, **query)
        self.is_described = True
        assert answer.status == 400, answer.body.decode()
        return str(json.loads(answer.body)["error"]["message"])

    def get(self, text: str, **query: object) -> JSON:
        return self.ok("GET", f"/values/{quote(text, safe='')}", **query)

    def values(self, text: str, **query: object) -> JSON:
        return self.get(text, **query).get("values")

    def put(self, text: str, values: JSON, **query: object) -> JSON:
        query = {"valueInputOption": "RAW", **query}
        return self.ok("PUT", f"/values/{quote(text, safe='')}", {"values": values}, **query)

    def append(self, text: str, values: JSON, **query: object) -> JSON:
        query = {"valueInputOption": "RAW", **query}
        return self.ok("POST", f"/values/{quote(text, safe='')}:append", {"values": values}, **query)

    def update(self, *data: tuple[str, JSON], **more: object) -> JSON:
        return self.ok("POST", "/values:batchUpdate", self.data(*data, **more))

    @staticmethod
    def data(*data: tuple[str, JSON], **more: object) -> JSON:
        return {"valueInputOption": "RAW", "data": [{"range": text, "values": values} for text, values in data], **more}

    def batch(self, *requests: JSON, **more: object) -> JSON:
        return self.ok("POST", ":batchUpdate", {"requests": list(requests), **more})["replies"]

    def batch_refusal(self, *requests: JSON) -> str:
        return self.refusal("POST", ":batchUpdate", {"requests": list(requests)})


def grid(top: int | None = None, bottom: int | None = None, left: int | None = None, right: int | None = None) -> JSON:
    """A GridRange of the tab; ends that are None are left out."""
    ends = {"startRowIndex": top, "endRowIndex": bottom, "startColumnIndex": left, "endColumnIndex": right}
    return {"sheetId": 0, **{name: end for name, end in ends.items() if end is not None}}


def span(dimension: str, start: int, end: int) -> JSON:
    """A DimensionRange of the tab."""
    return {"sheetId": 0, "dimension": dimension, "startIndex": start, "endIndex": end}


def cells(*values: object) -> JSON:
    """RowData of numbers, texts and booleans; None is an empty cell."""
    return {"values": [_cell(value) for value in values]}


def _cell(value: object) -> JSON:
    if value is None:
        return {}
    kind = "boolValue" if isinstance(value, bool) else "numberValue" if isinstance(value, (int, float)) else "stringValue"
    return {"userEnteredValue": {kind: value}}
