"""The demo: one day of a shop, told with the real commands against the sandbox. Checks that it shows what it says.

The program is reached as any user reaches it: as a process of its own, with a settings file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sandbox.shop import ID, NAME, STATUS, Shop
from amo2gsheet.sandbox.telling import Teller

PROGRAM = (sys.executable, "-m", "amo2gsheet")
NOTE = "Заметка"
_COLUMNS = (ID, NAME, "Заказ №", "Дата заказа", "Воронка", STATUS)
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TERM", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_KEPT_BEGINNINGS = ("LC_", "PYTHON", "COV")
"""What a child needs of the environment. All else stays out: a setting found there would lead the demo to a real account."""

_QUICKLY = {"PUSH_SETTLE_SEC": "0.5", "AMO_REQUEST_DELAY_SEC": "0"}
_MINUTES = 60


class StoryBrokenError(Exception):
    """A step did not show what it should have shown; the text says which."""


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One command of the story and the requests that reached each cloud meanwhile; signing in at Google is left out."""

    command: str
    amo_requests: int
    sheet_requests: int


@dataclass(frozen=True, slots=True)
class Program:
    """How the program is called: what stands before its options, its settings file, and the environment of its processes."""

    call: Sequence[str]
    env_file: Path
    environment: Mapping[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in the folder of the settings file; all that it says is in `stdout`."""
        return subprocess.run(
            [*self.call, "--env-file", str(self.env_file), command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=dict(self.environment),
            cwd=self.env_file.parent,
            check=False,
        )


def run_demo(write: Callable[[str], None], environ: Mapping[str, str] | None = None, program: Sequence[str] = PROGRAM) -> int:
    """Tell the whole story, in a temporary folder that is gone at the end, however it ends.

    Args:
        write: Takes each piece of text, a line or several.
        environ: The environment of whoever asked, None for that of this process. Its settings of the program are not used.
        program: How the program is called.

    Returns:
        0, or 1 when a step did not show what it should.
    """
    teller = Teller(write)
    environment = _child_environment(os.environ if environ is None else environ)
    shop = Shop()
    with (
        tempfile.TemporaryDirectory(prefix="amo2gsheet-demo-") as folder,
        SandboxServer(Faulty(shop.amo), Faulty(shop.sheets)) as server,
    ):
        shop.move_to(server.amo_url, server.sheets_url)
        env_file = server.write_env(
            Path(folder),
            access_token=shop.amo.oauth.long_lived_token(),
            spreadsheet_id=SPREADSHEET_ID,
            settings={**shop.settings, **_QUICKLY},
        )
        story = Story(teller, shop, server, Program(program, env_file, environment))
        try:
            story.tell()
        except StoryBrokenError as broken:
            teller.chapter("The demo went wrong")
            teller.say(f"{broken} This is a bug: please report it with the text above.")
            return 1
    return 0


class Story:
    """The chapters, in order. Every act of people happens under the server's lock."""

    def __init__(self, teller: Teller, shop: Shop, server: SandboxServer, program: Program) -> None:
        self._teller = teller
        self._shop = shop
        self._server = server
        self._program = program
        self._runs: list[CommandRun] = []

    def tell(self) -> None:
        """Tell all chapters.

        Raises:
            StoryBrokenError: a step did not show what it should.
        """
        self._orders_come_in()
        self._first_pull()
        self._people_at_work()
        self._push()
        self._amo_moves_on()
        self._at_rest()
        self._end()

    def _orders_come_in(self) -> None:
        teller = self._teller
        teller.say(
            "This is a shop with an amoCRM account and a Google Sheet.",
            "A sandbox on your own machine plays both of them; the commands are the real ones.",
        )
        teller.chapter("1. Orders come in")
        with self._server.lock:
            self._shop.take_orders()
        teller.say(
            "Four leads reach the stage that brings an order into the sheet. The shop has two pipelines, and each spells its",
            "stages in its own way. A fifth lead is still asking.",
        )
        self._show_leads()

    def _first_pull(self) -> None:
        self._teller.chapter("2. The leads get rows")
        self._teller.say("Every minute or so a timer runs two commands. The first one brings leads into the sheet.")
        self._run("pull")
        self._show_sheet(*_COLUMNS, "Ответственный")
        self._teller.say(
            "One row for each lead. 007 is the same text as in amoCRM, dates are real dates, and who is responsible comes from",
            "the tab Staff where it knows the employee's code. The lead that is only asking has no row.",
        )
        self._expect_sheet({"4711": "В процессе", "4712": "В процессе", "4713": "В процессе", "4714": "В процессе"})
        self._expect(self._cell("4714", "Заказ №") == "007", "The order number 007 is not the same text in the sheet.")
        self._expect(self._cell("4714", "Дата заказа") == "03.03.2026", "The date of order 4714 is another one.")
        self._expect(self._cell("4711", "Ответственный") == "Лола Р.", "The name from the Staff tab is missing.")

    def _people_at_work(self) -> None:
        self._teller.chapter("3. People work in the sheet")
        self._teller.say(
            'A courier takes the order of Вера and picks "У курера". Гуля has changed her mind: "Отказ".',
            "Somebody sorts the rows by name, and writes a note in a column of their own.",
        )
        with self._server.lock:
            person = self._shop.person
            person.pick(STATUS, "У курера", lead=4711)
            person.pick(STATUS, "Отказ", lead=4713)
            person.sort(NAME)
            header = person.header_row()
            person.type_at(header, len(self._sheet()[0]) + 1, NOTE)
            person.type(NOTE, "звонить вечером", lead=4711)
            self._shop.clock.skip(5 * _MINUTES)
        self._show_sheet(*_COLUMNS, NOTE)

    def _push(self) -> None:
        self._teller.chapter("4. The picks reach amoCRM")
        self._teller.say("The second command brings what people picked to amoCRM.")
        self._run("push")
        self._show_leads()
        self._teller.say('Each lead moved to the stage of its own pipeline: "Отказ" is called "OTKAZ" in that of Гуля.')
        self._expect_stage(4711, "Заказ отправлен")
        self._expect_stage(4713, "OTKAZ")
        for lead_id, stage in ((4710, "Консультация"), (4712, "Заказ без нумерации"), (4714, "NOMERATSIYALANMAGAN ZAKAZ")):
            self._expect_stage(lead_id, stage)

    def _amo_moves_on(self) -> None:
        self._teller.chapter("5. amoCRM moves on")
        self._teller.say("Вера has paid, and a manager closes her lead in amoCRM as won.")
        shop = self._shop
        with self._server.lock:
            shop.clock.skip(15 * _MINUTES)
            shop.account.move_lead(4711, shop.sales, shop.account.stage_id(shop.sales, "Успешно реализовано"))
            shop.clock.skip(1 * _MINUTES)
        self._run("pull")
        self._show_sheet(*_COLUMNS, NOTE)
        self._teller.say("One cell changed. The order of the rows and the note are as people left them.")
        self._expect_sheet({"4712": "В процессе", "4714": "В процессе", "4711": "Успешно", "4713": "Отказ"})
        self._expect(self._cell("4711", NOTE) == "звонить вечером", "The note of lead 4711 is not as it was typed.")

    def _at_rest(self) -> None:
        self._teller.chapter("6. Nothing happens")
        self._teller.say("Nobody changes anything. Both commands run once more, and write nothing.")
        with self._server.lock:
            self._shop.clock.skip(15 * _MINUTES)
            before = self._everything()
        self._run("pull")
        self._run("push")
        pull, push = self._runs[-2:]
        with self._server.lock:
            self._expect(before == self._everything(), "A run with nothing to do changed something.")
        self._expect((pull.amo_requests, pull.sheet_requests) == (1, 0), "An idle `pull` cost more than one request.")
        self._expect((push.amo_requests, push.sheet_requests) == (0, 1), "An idle `push` cost more than one request.")

    def _end(self) -> None:
        self._teller.chapter("What each run asked of the two clouds")
        rows = [(run.command, str(run.amo_requests), str(run.sheet_requests)) for run in self._runs]
        self._teller.table(("command", "requests to amoCRM", "requests to Google Sheets"), rows)
        self._teller.say("(Signing in at Google, once an hour, is not counted.)")
        self._teller.say("That is all. To try the commands by hand: `amo2gsheet sandbox` keeps this shop running.")

    # --- what the story does and shows ---

    def _run(self, command: str) -> None:
        """Run a command to its end, with everything that it says."""
        self._teller.command(f"amo2gsheet {command}")
        amo, sheets = self._server.amo.count, self._shop.sheets.count()
        ended = self._program.run(command)
        self._teller.output(ended.stdout)
        self._expect(ended.returncode == 0, f"`{command}` ended with the exit code {ended.returncode}.")
        self._runs.append(CommandRun(command, self._server.amo.count - amo, self._shop.sheets.count() - sheets))

    def _show_sheet(self, *names: str) -> None:
        with self._server.lock:
            header, *rows = self._sheet()
        missing = [name for name in names if name not in header]
        self._expect(not missing, f"The sheet has no column {', '.join(missing)}.")
        places = [header.index(name) for name in names]
        self._teller.table(names, [[_at(row, place) for place in places] for row in rows])

    def _show_leads(self) -> None:
        shop = self._shop
        with self._server.lock:
            rows = [
                (str(lead.id), lead.name, shop.account.pipelines[lead.pipeline_id].name, shop.stage_of(lead.id))
                for lead in sorted(shop.account.leads.current.values(), key=lambda lead: lead.id)
            ]
        self._teller.table(("lead", "name", "pipeline", "stage in amoCRM"), rows)

    def _sheet(self) -> list[list[str]]:
        return self._shop.sheet_texts() or [[]]

    def _cell(self, lead_id: str, name: str) -> str:
        header, *rows = self._sheet()
        row = next((row for row in rows if row[:1] == [lead_id]), [])
        return _at(row, header.index(name)) if name in header else ""

    def _everything(self) -> object:
        return self._sheet(), dict(self._shop.account.leads.current), len(self._shop.sheets.applied)

    def _expect_sheet(self, statuses: Mapping[str, str]) -> None:
        with self._server.lock:
            found = {row[0]: self._cell(row[0], STATUS) for row in self._sheet()[1:]}
        self._expect(list(found.items()) == list(statuses.items()), f"The sheet should show {dict(statuses)}, but shows {found}.")

    def _expect_stage(self, lead_id: int, stage: str) -> None:
        found = self._shop.stage_of(lead_id)
        self._expect(found == stage, f'Lead {lead_id} should stand in "{stage}", but stands in "{found}".')

    def _expect(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            raise StoryBrokenError(otherwise)


def _at(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which a child finds this very package and no settings of its own."""
    kept = {name: value for name, value in environ.items() if name in _KEPT_VARIABLES or name.startswith(_KEPT_BEGINNINGS)}
    home = Path(__file__).resolve().parents[2]
    if home.name not in ("site-packages", "dist-packages"):
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(home), kept.get("PYTHONPATH", "")]))
    # The text comes through a pipe, whose encoding would be that of the locale.
    return {**kept, "PYTHONIOENCODING": "utf-8"}
