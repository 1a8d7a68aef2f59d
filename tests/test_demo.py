"""The demo as a newcomer meets it: a process of its own, with nothing but the package."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from amo2gsheet.sandbox.story import run_demo
from amo2gsheet.sandbox.telling import Teller
from tests.conftest import REPOSITORY

WATCH = """
import os, sys

LOG = os.environ["PYTHON_WATCH_LOG"]

def note(line):
    with open(LOG, "a") as log:
        log.write(line + "\\n")

def watch(event, arguments):
    if event == "socket.connect" and not str(arguments[1][0]).startswith("127."):
        note(f"left: {arguments[1]}")
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "localhost") and not str(arguments[0]).startswith("127."):
        note(f"left: {arguments[0]}")

note("start: " + " ".join(sys.orig_argv[1:]))
sys.addaudithook(watch)
"""
"""Loaded by every Python process of the demo: notes its start, and each look beyond this machine."""

STRANGE_SETTINGS = {
    "AMO_BASE_URL": "https://mycompany.amocrm.ru",
    "AMO_LONG_LIVED_TOKEN": "a-token-of-a-real-account",
    "GOOGLE_SHEET_ID": "a-real-spreadsheet",
    "CONFLICT_WINNER": "nobody",
    "HTTP_PROXY": "http://proxy.example.com:3128",
}
"""What may stand in the environment of somebody who uses the program already."""


@dataclass(frozen=True)
class Place:
    """Where a demo runs: current, temporary and home folder, all empty, and a file that tells what its processes did."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> Place:
        for name in ("cwd", "tmp", "home", "watch"):
            (root / name).mkdir()
        (root / "watch" / "sitecustomize.py").write_text(WATCH)
        return cls(root)

    @property
    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")}
        return {
            **kept,
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONPATH": os.pathsep.join([str(self.root / "watch"), str(REPOSITORY)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHON_WATCH_LOG": str(self.root / "watch.log"),
            **STRANGE_SETTINGS,
        }

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "amo2gsheet", "demo"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            cwd=self.root / "cwd",
            start_new_session=True,
        )

    def watched(self, kind: str) -> list[str]:
        lines = (self.root / "watch.log").read_text().splitlines()
        return [line.removeprefix(f"{kind}: ") for line in lines if line.startswith(f"{kind}: ")]

    def left_behind(self) -> list[str]:
        return [str(path) for name in ("cwd", "tmp", "home") for path in (self.root / name).iterdir()]


@dataclass(frozen=True)
class Told:
    """A demo that has come to its end."""

    place: Place
    exit_code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def after(self, beginning: str) -> str:
        """What follows the first place where this text stands."""
        return self.text.partition(beginning)[2]


def tell(root: Path) -> Told:
    place = Place.made(root)
    with place.start() as process:
        text, _ = process.communicate()
    return Told(place, process.returncode, text)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("demo"))


def test_the_demo_runs_to_its_end_with_nothing_but_the_package(told: Told) -> None:
    assert told.exit_code == 0, told.text
    assert "The demo went wrong" not in told.text


def test_the_demo_leaves_no_file_behind(told: Told) -> None:
    assert [] == told.place.left_behind()


def test_the_demo_calls_the_commands_that_a_user_calls(told: Told) -> None:
    shown = [line.removeprefix("$ ") for line in told.lines if line.startswith("$ ")]
    started = [start for start in told.place.watched("start") if not start.endswith("demo")]

    assert [f"amo2gsheet {command}" for command in ("pull", "push", "pull", "pull", "push")] == shown
    assert ["pull", "push", "pull", "pull", "push"] == [start.split()[-1] for start in started]
    assert all(start.startswith("-m amo2gsheet --env-file ") for start in started)


def test_the_demo_never_leaves_this_machine_whatever_the_environment_says(told: Told) -> None:
    assert [] == told.place.watched("left")


def test_the_demo_shows_the_sheet_before_and_after(told: Told) -> None:
    first = told.after("2. The leads get rows")
    last = told.after("5. amoCRM moves on")

    assert re.search(r"4714 +Борис Ли +007 +03\.03\.2026 +Продажи +В процессе +Азиза М\.", first)
    assert re.search(r"4711 +Вера Цой +041 +02\.03\.2026 +Продажи +Успешно +звонить вечером", last)
    assert re.search(r"4713 +Гуля А\. .* Отказ", last)


def test_the_demo_shows_where_each_lead_went_in_its_own_pipeline(told: Told) -> None:
    after_push = told.after("4. The picks reach amoCRM")

    assert re.search(r"4711 +Заказ 041 +Продажи +Заказ отправлен\n", after_push)
    assert re.search(r"4713 +Заказ 043 +Baza Uspeshno +OTKAZ\n", after_push)


def test_the_demo_counts_one_request_for_each_run_at_rest(told: Told) -> None:
    table = told.after("What each run asked of the two clouds")

    assert [("pull", "1", "0"), ("push", "0", "1")] == re.findall(r"^  (pull|push) +(\d+) +(\d+)$", table, re.MULTILINE)[-2:]


def test_the_demo_fits_80_columns_and_is_plain_text_in_a_pipe(told: Told) -> None:
    assert [] == [line for line in told.lines if len(line) > 80]
    assert [] == re.findall("[\x00-\x09\x0b-\x1f─━│]", told.text)


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_stopped_leaves_no_file_behind(tmp_path: Path, number: signal.Signals, exit_code: int) -> None:
    place = Place.made(tmp_path)
    with place.start() as process:
        assert process.stdout is not None
        seen = next(line for line in process.stdout if line.startswith("$ "))
        in_use = list((tmp_path / "tmp").iterdir())
        os.killpg(process.pid, number)
        process.stdout.read()
        process.wait()

    assert seen == "$ amo2gsheet pull\n"
    assert len(in_use) == 1
    assert [] == place.left_behind()
    assert exit_code == process.returncode


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("pass", "The sheet has no column ID"),
        ("raise SystemExit(3)", "`pull` ended with the exit code 3."),
    ],
)
def test_a_step_that_does_not_show_what_it_should_ends_the_demo_with_1(program: str, complaint: str) -> None:
    said: list[str] = []

    exit_code = run_demo(said.append, program=[sys.executable, "-c", program])

    assert exit_code == 1
    assert "The demo went wrong" in said
    assert complaint in said[-1].replace("\n", " ")


def test_the_demo_tells_the_same_story_each_time(told: Told) -> None:
    again: list[str] = []

    exit_code = run_demo(again.append, told.place.environment)

    assert exit_code == 0
    assert without_times(told.text) == without_times("\n".join(again))


def without_times(text: str) -> list[str]:
    """The words of a story: where a line is broken depends on how long a run took."""
    return re.sub(r"[\d.]+\s+s$", "", text, flags=re.MULTILINE).split()


def test_a_terminal_gets_lines_and_colours_unless_it_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    coloured = told_by_a_teller()
    monkeypatch.setenv("NO_COLOR", "1")
    uncoloured = told_by_a_teller()
    monkeypatch.setenv("TERM", "dumb")

    assert "\x1b[1;36m$ amo2gsheet pull" in coloured
    assert ["─" in text for text in (coloured, uncoloured, told_by_a_teller())] == [True, True, False]
    assert "\x1b[1;36m" not in uncoloured


def test_foreign_text_is_no_markup_and_blank_lines_do_not_pile_up() -> None:
    text = told_by_a_teller()

    assert "Иван [/заказ]" in text
    assert "\n\n\n" not in text


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def told_by_a_teller() -> str:
    said: list[str] = []
    teller = Teller(said.append)
    teller.table(("ID", "name"), [("1", "Иван [/заказ]")])
    teller.chapter("1. A chapter")
    teller.command("amo2gsheet pull")
    return "\n".join(said)
