"""A shop in one process: both clouds of the sandbox, a virtual clock, a settings file, and the commands on it. No sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from amo2gsheet.commands import Options, Outcome, Outside, run_pull, run_push
from amo2gsheet.config import Settings, load_settings
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox.amo import AmoCloud
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID, SheetsCloud
from amo2gsheet.sandbox.sheets_people import Person
from amo2gsheet.sandbox.transport import mount
from amo2gsheet.state import StateStore
from amo2gsheet.state.records import HistoryEntry, Waiting

AMO_URL = "http://127.0.0.1:8001"
SHEETS_URL = "http://127.0.0.1:8002"
START = 1_790_000_000
TAB = "Sheet1"
STATUS = "статус"


def is_insert(request: Request) -> bool:
    """Whether a request inserts rows into the sheet."""
    return request.path.endswith(":batchUpdate") and b"insertDimension" in request.body


def is_cell_write(request: Request) -> bool:
    """Whether a request writes cells of rows that stand."""
    is_batch = request.path.endswith(":batchUpdate") and b"updateCells" in request.body and b"insertDimension" not in request.body
    return is_batch or request.path.endswith("/values:batchUpdate")


def is_move(request: Request) -> bool:
    """Whether a request moves leads."""
    return request.method == "PATCH"


class RunClock:
    """The program's view of the virtual clock; chance is always the middle."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.time()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def random(self) -> float:
        return 0.5


class Rewritten:
    """amoCRM, but every lead is shown as `change` leaves it."""

    def __init__(self, cloud: Cloud, change: Callable[[dict[str, Any]], None]) -> None:
        self._cloud = cloud
        self._change = change

    def answer(self, request: Request) -> Answer:
        """Answer as the cloud does, every lead in it changed."""
        answer = self._cloud.answer(request)
        if not answer.body or not request.path.startswith("/api/v4/leads") or "pipelines" in request.path:
            return answer
        body = json.loads(answer.body)
        for lead in [body] if "id" in body else body.get("_embedded", {}).get("leads", []):
            self._change(lead)
        return replace(answer, body=json.dumps(body).encode())


class World:
    """Two pipelines with other spellings of each stage, a few fields, and people on both sides."""

    amo_url = AMO_URL
    sheets_url = SHEETS_URL

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.clock = self.make_clock()
        self.amo = AmoCloud(self.clock.time, self.amo_url)
        self.sheets = SheetsCloud(self.clock.time, self.sheets_url)
        self.sheets.knobs.is_pretty = False
        self.sheets.knobs.token_life_seconds = 10**9
        self.amo_wire = Faulty(self.amo, self.clock)
        self.sheets_wire = Faulty(self.sheets, self.clock)
        self.person = Person(self.sheets, TAB)
        self.pause_seconds = 60.0
        self.more_settings = settings
        self.account = self.amo.account
        self._make_account()
        self.outside = Outside(RunClock(self.clock), "testhost", self._new_session)
        self.settings = self._load()

    def make_clock(self) -> VirtualClock:
        """The one clock of everybody in this world."""
        return VirtualClock(START)

    def _make_account(self) -> None:
        account = self.account
        self.shop = account.add_pipeline(
            "Farida - Sotuv Demo", ["Консультация", "NOMERATSIYALANMAGAN ZAKAZ", "Заказ отправлен", "Отказ"]
        )
        self.base = account.add_pipeline("Baza Uspeshno", ["ДУМКА", "Заказ без нумерации", "ЗАКАЗ  ОТПРАВЛЕН", "OTKAZ"])
        for name, kind in (
            ("Заказ №", "text"),
            ("Продукт 1", "text"),
            ("Количество 1", "numeric"),
            ("Дата заказа", "date"),
            ("Адрес", "textarea"),
            ("Код сотрудника", "text"),
        ):
            account.add_lead_field(name, kind)

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        # There are no proxies here; to look for them in the environment takes longer than the request.
        session.trust_env = False
        mount(session, {self.amo_url: self.amo_wire, self.sheets_url: self.sheets_wire})
        return session

    def _load(self) -> Settings:
        (self.folder / "gsheet.json").write_text(json.dumps(self.sheets.service_account_key()))
        values = {
            "AMO_BASE_URL": self.amo_url,
            "AMO_LONG_LIVED_TOKEN": self.amo.oauth.long_lived_token(),
            "GOOGLE_SHEET_ID": SPREADSHEET_ID,
            "GOOGLE_SHEETS_BASE_URL": self.sheets_url,
            **self.more_settings,
        }
        env_file = self.folder / ".env"
        env_file.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()), "utf-8")
        return load_settings(env_file, {}, self.folder)

    def set(self, **settings: str) -> None:
        """Change settings for the runs to come."""
        self.more_settings = {**self.more_settings, **settings}
        self.settings = self._load()

    # --- stages and leads ---

    def stage(self, name: str, pipeline: int | None = None) -> tuple[int, int]:
        """(pipeline ID, status ID) of a stage by its raw name."""
        pipeline_id = self.shop if pipeline is None else pipeline
        return pipeline_id, self.account.stage_id(pipeline_id, name)

    @property
    def trigger(self) -> tuple[int, int]:
        """The trigger stage of the shop's pipeline."""
        return self.stage("NOMERATSIYALANMAGAN ZAKAZ")

    def lead(self, name: str = "Заказ", stage: tuple[int, int] | None = None, phone: str = "", **more: object) -> int:
        """Make a lead, in the trigger stage unless said, with a contact when a phone is given."""
        pipeline_id, status_id = stage or self.trigger
        if phone:
            more["contacts"] = [self.account.add_contact(name, [phone])]
        return self.account.add_lead(name, pipeline_id=pipeline_id, status_id=status_id, **more)  # type: ignore[arg-type]

    def move(self, lead_id: int, stage: tuple[int, int]) -> None:
        """A manager moves a lead."""
        self.account.move_lead(lead_id, *stage)

    def stage_of(self, lead_id: int) -> str:
        """Raw name of the stage in which a lead stands."""
        lead = self.account.lead(lead_id)
        assert lead is not None
        stages = self.account.pipelines[lead.pipeline_id].stages
        return next(stage.name for stage in stages if stage.id == lead.status_id)

    # --- runs ---

    def pull(self, *, full: bool = False, dry: bool = False, force: bool = False) -> Outcome:
        """Run `pull`, a minute after whatever came before."""
        self.clock.advance(self.pause_seconds)
        return run_pull(self.settings, Options(full, dry, force), self.outside)

    def push(self, *, dry: bool = False, force: bool = False) -> Outcome:
        """Run `push`, a minute after whatever came before."""
        self.clock.advance(self.pause_seconds)
        return run_push(self.settings, Options(False, dry, force), self.outside)

    def code(self, run: Callable[[], Outcome]) -> ExitCode:
        """The exit code of a run, raised or reported."""
        try:
            return run().exit_code
        except AmoGsheetError as error:
            return error.exit_code

    def once(self, wire: Faulty, is_moment: Callable[[Request], bool], act: Callable[[], object]) -> None:
        """Let somebody act once, right before the first request of that kind is carried out."""

        def hand(_number: int, request: Request) -> None:
            if is_moment(request):
                wire.before_each = None
                act()

        wire.before_each = hand

    # --- looking ---

    def status(self, lead_id: int) -> object:
        """The status cell of a lead."""
        return self.person.see(STATUS, lead=lead_id)

    def pick(self, lead_id: int, text: str) -> None:
        """Somebody picks a status."""
        self.person.pick(STATUS, text, lead=lead_id)

    def rows(self) -> list[dict[str, object]]:
        """The rows of the tab as header → value."""
        table = self.sheets.table(self.person.title)
        if not table:
            return []
        header = [str(text) for text in table[0]]
        return [dict(zip(header, [*row, *[None] * len(header)], strict=False)) for row in table[1:]]

    def ids(self) -> Sequence[object]:
        """The lead IDs in the tab, from top to bottom."""
        return [row["ID"] for row in self.rows() if row.get("ID") not in (None, "")]

    def row(self, lead_id: int) -> dict[str, object]:
        """The only row of a lead, as header → value."""
        (row,) = [row for row in self.rows() if row.get("ID") == lead_id]
        return row

    def state(self) -> StateStore:
        """The state as it stands; use it in a `with`."""
        state = StateStore.open_readonly(self.settings.state_db, self.outside.clock)
        assert state is not None
        return state

    def waiting(self, kind: str | None = None) -> list[Waiting]:
        """What waits for a person."""
        with self.state() as state:
            return state.waiting(kind)

    def history(self, lead_id: int, kind: str | None = None) -> list[HistoryEntry]:
        """What was done to a lead, oldest first."""
        with self.state() as state:
            return [entry for entry in state.history(lead_id) if kind in (None, entry.kind)]

    def agreed(self) -> dict[int, tuple[str | None, int]]:
        """What the state holds of every tracked lead: status text of the base, count of runs that did not see the row."""
        with self.state() as state:
            return state.status_texts()

    def patches(self) -> int:
        """How many PATCH requests amoCRM got."""
        return sum(exchange.request.method == "PATCH" for exchange in self.amo_wire.log)

    def sheet_writes(self) -> int:
        """How many writing requests Sheets got."""
        return self.sheets.count("write")

    def validation(self, row_number: int) -> dict[str, Any] | None:
        """The dropdown rule of a status cell, as Sheets words it."""
        column = self.person.column_of(STATUS) - 1
        found = self.person.tab.look(row_number - 1, column, ("dataValidation",))
        return None if found is None else dict(found)

    # --- coming to rest ---

    def rest(self) -> None:
        """One `push` and one `pull` bring both sides together; no run after that writes anything."""
        self.push()
        self.pull()
        self.assert_silent()

    def assert_no_writes(self) -> None:
        """The next `pull` and `push` write on neither side."""
        writes, patches = self.sheet_writes(), self.patches()
        codes = [self.pull().exit_code, self.push().exit_code]
        assert (self.sheet_writes(), self.patches(), codes) == (writes, patches, [ExitCode.DONE] * 2)

    def assert_silent(self) -> None:
        """No run writes on either side or has anything to tell, now and hours later; the last ones cost what an idle run may."""
        writes, patches, table = self.sheet_writes(), self.patches(), self.sheets.table(self.person.title)
        outcomes = [self.pull(), self.push()]
        self.clock.advance(7200)
        outcomes += [self.pull(), self.push()]
        idle_pull, idle_push = self.pull(), self.push()
        for outcome in (*outcomes, idle_pull, idle_push):
            assert (outcome.exit_code, outcome.report.named, outcome.report.plan) == (ExitCode.DONE, [], [])
        assert (self.sheet_writes(), self.patches()) == (writes, patches)
        assert self.sheets.table(self.person.title) == table
        assert (idle_pull.amo_requests, idle_pull.sheet_requests) == (1, 0)
        assert (idle_push.amo_requests, idle_push.sheet_requests) == (0, 1)
