"""A small spreadsheet and our adapter before it, without sockets. Every request is held against Google's description."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests

from amo2gsheet.columns import default_layout
from amo2gsheet.model import CellFormat, CellValue, Header, Layout, NewCell, NewRow, Tab
from amo2gsheet.retry import RetryPolicy
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID, SheetsCloud
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_people import Person
from amo2gsheet.sandbox.transport import mount
from amo2gsheet.sheet.adapter import GoogleSheet, open_sheet
from tests.discovery import check_request

START = 1_760_000_000
TITLE = "Заказы 'весна'"
BASE_URL = "http://127.0.0.1:4321/google"
TEXTS = ("ID", "Имя", "статус", "Заметка", "Сумма")
ID, NAME, STATUS, NOTE, SUM = range(5)
HEADER = Header(1, TEXTS)
SHEET_ID = 0


class BenchClock(VirtualClock):
    """Virtual time whose chance is always in the middle."""

    def random(self) -> float:
        return 0.5


@dataclass
class SheetBench:
    """A tab (20 rows, 6 columns) with a header and the leads 11, 12, 13 in the rows 2 to 4, and the adapter over it."""

    folder: Path
    policy: RetryPolicy | None = None
    clock: BenchClock = field(default_factory=lambda: BenchClock(START))
    cloud: SheetsCloud = field(init=False)
    faulty: Faulty = field(init=False)
    person: Person = field(init=False)
    side: GoogleSheet = field(init=False)

    def __post_init__(self) -> None:
        self.cloud = SheetsCloud(self.clock.time, BASE_URL)
        self.faulty = Faulty(self.cloud, self.clock)
        self.faulty.before_each = lambda _number, request: self._look_at(request)
        with self.cloud.change() as book:
            book.tabs.clear()
            book.add_tab(TITLE, (20, 6), sheet_id=SHEET_ID)
        self.person = Person(self.cloud, TITLE)
        rows = [list(TEXTS), ["11", "Анна", "В процессе"], ["12", "Борис", "Отказ", "звонить"], ["13", "Вера", "", "", "5"]]
        self.person.paste("A1", rows)
        self.cloud.applied.clear()
        self.key_path, self.token_path = self.folder / "key.json", self.folder / "token.json"
        self.key_path.write_text(json.dumps(self.cloud.service_account_key()))
        self.keep_token(self.cloud.issue_token())
        self.side = self.another_side()

    def another_side(self) -> GoogleSheet:
        """An adapter as the next process has it."""
        return open_sheet(
            SPREADSHEET_ID,
            self.key_path,
            self.token_path,
            clock=self.clock,
            base_url=BASE_URL,
            new_session=self.session,
            policy=self.policy,
        )

    def session(self) -> requests.Session:
        session = requests.Session()
        mount(session, {BASE_URL: self.faulty})
        return session

    def api(self, requests: Sequence[Mapping[str, object]]) -> None:
        """What another program does to the spreadsheet through the API."""
        path = f"/v4/spreadsheets/{SPREADSHEET_ID}:batchUpdate"
        headers = {"authorization": f"Bearer {self.cloud.issue_token()}"}
        answer = self.cloud.answer(Request("POST", path, (), headers, json.dumps({"requests": list(requests)}).encode()))
        assert answer.status == 200, answer.body.decode()

    def keep_token(self, token: str, lifetime_seconds: float = 3600) -> None:
        """Put a token where the adapter looks for one, so that none has to be asked for."""
        key = self.cloud.service_account_key()
        kept = {
            "access_token": token,
            "made_at": self.clock.time(),
            "ends_at": self.clock.time() + lifetime_seconds,
            "key_id": key["private_key_id"],
            "client_email": key["client_email"],
            "scope": "https://www.googleapis.com/auth/spreadsheets",
        }
        self.token_path.write_text(json.dumps(kept))

    @property
    def knobs(self) -> SheetsKnobs:
        return self.cloud.knobs

    @property
    def tab(self) -> Tab:
        return Tab(SHEET_ID, self.person.title, *self.person.tab.size)

    @property
    def sent(self) -> list[Request]:
        """All requests that reached the API."""
        return [seen.request for seen in self.cloud.seen]

    def table(self) -> list[list[CellValue]]:
        return [list(row) for row in self.cloud.table(self.person.title)]

    def touched(self) -> list[tuple[int, int, CellValue]]:
        """(row number, column index, new value) of every cell that the API wrote."""
        return [(touch.row_number, touch.column_number - 1, touch.new) for touch in self.cloud.touches("api")]

    @staticmethod
    def _look_at(request: Request) -> None:
        if request.path != "/token":
            check_request(request)


def new_row(lead_id: int, name: CellValue = None, status: CellValue = None, total: CellValue = None) -> NewRow:
    """A row of the bench's columns; `Заметка` belongs to people."""
    return NewRow(
        lead_id,
        {
            ID: NewCell(lead_id, CellFormat.ID),
            NAME: NewCell(name, CellFormat.TEXT),
            STATUS: NewCell(status, CellFormat.TEXT),
            SUM: NewCell(total, CellFormat.NUMBER),
        },
    )


def layout(title: str = TITLE, values: tuple[str, ...] = ("В процессе", "Отказ")) -> Layout:
    """What an empty tab is given."""
    return default_layout(title, values, ())
