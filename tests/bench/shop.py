"""A shop of many leads, served over HTTP, on which the program and its reference are run and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from openpyxl import Workbook

from amo2gsheet.sandbox.amo import AmoCloud
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID, SheetsCloud
from amo2gsheet.sandbox.sheets_people import Person
from amo2gsheet.sandbox.shop import ShopClock
from tests.bench.launcher import Launcher, Spent

TAB = "Sheet1"
SENT = "Заказ отправлен"
FIELDS = ("Заказ №", "Продукт 1", "Адрес")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run used, and how many requests each cloud got; token requests are not counted."""

    spent: Spent
    amo_requests: int
    sheet_requests: int

    @property
    def requests(self) -> int:
        """Of both clouds."""
        return self.amo_requests + self.sheet_requests


class BenchShop:
    """Two pipelines, leads with a contact each. Google's quota and amoCRM's limit are on unless a loop runs."""

    def __init__(self, folder: Path, server: SandboxServer, clock: ShopClock, launcher: Launcher) -> None:
        self.folder = folder
        self.clock = clock
        self._launcher = launcher
        self._server = server
        self._amo: AmoCloud = server.amo.cloud  # type: ignore[assignment]
        self._sheets: SheetsCloud = server.sheets.cloud  # type: ignore[assignment]
        self._amo.host, self._sheets.host = server.amo_url, server.sheets_url
        account = self._amo.account
        self.pipeline = account.add_pipeline("Продажи", ["Консультация", "NOMERATSIYALANMAGAN ZAKAZ", SENT, "Отказ"])
        account.add_pipeline("База", ["ДУМКА", "Заказ без нумерации", "ЗАКАЗ ОТПРАВЛЕН", "OTKAZ"])
        for name in FIELDS:
            account.add_lead_field(name, "text")
        settings = {"GOOGLE_WORKSHEET_NAME": TAB, "PUSH_LIMIT": "1000000"}
        token = self._amo.oauth.long_lived_token()
        server.write_env(folder, access_token=token, spreadsheet_id=SPREADSHEET_ID, settings=settings)
        self._token = token

    def add_leads(self, count: int) -> None:
        """Leads that have reached the trigger stage, ten a second, the last one now; each with a contact."""
        account = self._amo.account
        stage = account.stage_id(self.pipeline, "NOMERATSIYALANMAGAN ZAKAZ")
        with self._server.lock:
            self.clock.skip(count / 10)
            now = int(self.clock.time())
            for number in range(count):
                contact = account.add_contact(f"Клиент {number}", [f"+998 00 {number:07}"])
                fields = {name: f"{name} {number}" for name in FIELDS}
                at = now - (count - number) // 10
                account.add_lead(
                    f"Заказ {number}",
                    price=1000 + number,
                    pipeline_id=self.pipeline,
                    status_id=stage,
                    contacts=[contact],
                    fields=fields,
                    created_at=at,
                    updated_at=at,
                )

    def write_workbook(self, path: Path, count: int) -> None:
        """So many orders, as a shop keeps them."""
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Заказы")
        sheet.append(["Ф.И.О.", "Контактный номер", "Бюджет сделки", *FIELDS])
        for number in range(count):
            values = [f"{name} {number}" for name in FIELDS]
            sheet.append([f"Клиент {number}", f"+998 00 {number:07}", 1000 + number, *values])
        book.save(path)

    def pick_for_all(self, text: str) -> None:
        """Somebody fills the status column of every row."""
        with self._server.lock:
            person = Person(self._sheets, TAB)
            letter = chr(ord("A") + person.column_of("статус") - 1)
            person.paste(f"{letter}2", [[text]] * (self.row_count() - 1))

    def row_count(self) -> int:
        """How many rows the tab has, the header among them."""
        return len(self._sheets.table(TAB))

    def lead_ids(self) -> list[object]:
        """The IDs in the tab."""
        return [row[0] for row in self._sheets.table(TAB)[1:]]

    def age(self) -> None:
        """Let so much time pass that nothing of before is new any more."""
        self.clock.skip(1000)

    def settle(self) -> None:
        """Come to rest: what follows is an idle run."""
        for command in ("push", "pull"):
            self.run(command)
        self.age()
        self.run("pull")

    def run(self, *words: str, kill_after_seconds: float | None = None) -> Cost:
        """Run the program's command in the folder; it has to end well, unless it is killed."""
        cost = self._counted(["-m", "amo2gsheet", *words], kill_after_seconds)
        if kill_after_seconds is None and cost.spent.exit_code != 0:
            raise RuntimeError(f"{words} ended with {cost.spent.exit_code}: {cost.spent.stderr}")
        return cost

    def loop(self, direction: str) -> Cost:
        """Run the reference, which no quota slows down."""
        self._amo.knobs = replace(self._amo.knobs, rate_limit=None)
        self._amo.account.knobs = self._amo.knobs
        self._sheets.knobs.quota = "off"
        where = [self._server.amo_url, self._token, self._server.sheets_url, self._sheets.issue_token(), SPREADSHEET_ID, TAB]
        stage = str(self._amo.account.stage_id(self.pipeline, SENT))
        cost = self._counted(["-m", "tests.bench.loop", direction, *where, stage])
        if cost.spent.exit_code != 0:
            raise RuntimeError(f"the loop failed: {cost.spent.stderr}")
        return cost

    def _counted(self, words: Sequence[str], kill_after_seconds: float | None = None) -> Cost:
        amo, sheets = self._server.amo.count, self._sheets.count()
        spent = self._launcher.run(words, self.folder, kill_after_seconds=kill_after_seconds)
        return Cost(spent, self._server.amo.count - amo, self._sheets.count() - sheets)


@contextmanager
def served(folder: Path, launcher: Launcher) -> Iterator[BenchShop]:
    """A new shop, its clouds at addresses of their own, its settings in the folder."""
    clock = ShopClock()
    amo = Faulty(AmoCloud(clock.time, "http://127.0.0.1"), log_limit=0)
    sheets = Faulty(SheetsCloud(clock.time), log_limit=0)
    folder.mkdir(parents=True, exist_ok=True)
    with SandboxServer(amo, sheets) as server:
        yield BenchShop(folder, server, clock, launcher)


def told(cost: Cost) -> dict[str, object]:
    """The JSON object that a run printed."""
    document: dict[str, object] = json.loads(cost.spent.stdout)
    return document
