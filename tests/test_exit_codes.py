"""The table of exit codes, each reached by the program as its own process, and 200 starts at once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Manner
from amo2gsheet.sandbox.shop import TAB
from amo2gsheet.state import RunLock
from tests.live_shop import PROGRAM, LiveShop, child_environ, finish, live_shop

Reach = Callable[[LiveShop], int]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[LiveShop]:
    with live_shop(tmp_path) as shop:
        yield shop


def code(shop: LiveShop, *argv: str) -> int:
    return shop.run(*argv).returncode


def a_bug(shop: LiveShop) -> int:
    """The state holds what no release ever wrote there."""
    shop.run("pull")
    with sqlite3.connect(shop.state) as connection:
        connection.execute("UPDATE meta SET value = '[' WHERE key = 'columns'")
    connection.close()
    ended = shop.run("push")
    assert "Traceback" in ended.stderr
    return ended.returncode


def something_left(shop: LiveShop) -> int:
    shop.run("pull")
    shop.pick(4711, "Не знаю")
    return code(shop, "push")


def held_back(shop: LiveShop) -> int:
    shop.write_env(PUSH_LIMIT="1", PUSH_LIMIT_PERCENT="0")
    shop.run("pull")
    for lead in (4711, 4712, 4713):
        shop.pick(lead, "Отказ")
    return code(shop, "push")


def no_header(shop: LiveShop) -> int:
    with shop.server.lock:
        shop.shop.person.type_at(1, 1, "Мои заметки")
    return code(shop, "pull")


def no_answer(shop: LiveShop) -> int:
    """After all tries; without the wait between them, which the cloud may choose."""
    shop.amo.rule = lambda number, request: Fault(Manner.REFUSED, Answer(503, b"", {"Retry-After": "0"}))
    return code(shop, "pull")


def no_folder(shop: LiveShop) -> int:
    shop.write_env(STATE_DB="missing/state.sqlite3")
    return code(shop, "pull")


def lock_held(shop: LiveShop) -> int:
    shop.write_env(LOCK_WAIT_SEC="0")
    with RunLock(shop.state) as lock:
        lock.acquire(0, time)
        ended = shop.run("pull")
    assert "pull: waiting for another run to end" not in ended.stderr
    return ended.returncode


def no_login(shop: LiveShop) -> int:
    (shop.folder / "sandbox-gsheet.json").unlink()
    return code(shop, "pull")


def wrong_setting(shop: LiveShop) -> int:
    shop.write_env(PUSH_LIMIT="many")
    return code(shop, "push")


def stopped_by(number: int) -> Reach:
    """A signal comes while amoCRM lets the run wait for an answer."""

    def reach(shop: LiveShop) -> int:
        shop.amo.rule = lambda count, request: Fault(Manner.TIMEOUT_BEFORE)
        child = shop.start("pull")
        while not shop.amo.count:
            time.sleep(0.01)
        child.send_signal(number)
        child.communicate(timeout=60)
        return child.returncode

    return reach


TABLE: dict[ExitCode, Reach] = {
    ExitCode.DONE: lambda shop: code(shop, "pull"),
    ExitCode.BUG: a_bug,
    ExitCode.USAGE: lambda shop: code(shop, "pull", "--nope"),
    ExitCode.PARTIAL: something_left,
    ExitCode.NEGATIVE: lambda shop: code(shop, "history", "4711"),
    ExitCode.HELD_BACK: held_back,
    ExitCode.UNUSABLE_SHEET: no_header,
    ExitCode.UNAVAILABLE: no_answer,
    ExitCode.UNUSABLE_STATE: no_folder,
    ExitCode.LOCKED: lock_held,
    ExitCode.LOGIN: no_login,
    ExitCode.SETTINGS: wrong_setting,
    ExitCode.INTERRUPTED: stopped_by(signal.SIGINT),
    ExitCode.TERMINATED: stopped_by(signal.SIGTERM),
}
"""Exit code → how it is reached."""


@pytest.mark.parametrize("expected", ExitCode, ids=lambda code: f"{code:d}")
def test_every_code_of_the_table_is_reached(shop: LiveShop, expected: ExitCode) -> None:
    assert expected == TABLE[expected](shop)


def test_a_failure_for_programs_says_how_far_the_run_came(shop: LiveShop) -> None:
    shop.sheets.rule = lambda number, request: (
        Fault(Manner.REFUSED, Answer(503, b"", {"Retry-After": "0"})) if "batchUpdate" in request.path else None
    )
    ended = shop.run("pull", "--json")

    document = json.loads(ended.stdout)
    assert (69, 69) == (ended.returncode, document["exit_code"])
    assert (4, True, 0) == (document["leads_read"], document["amo_requests"] > 0, document["new_rows"])


def test_a_run_that_a_signal_ended_leaves_nothing_half(shop: LiveShop) -> None:
    """It comes while Google carries the insertion out, and the run waits for the answer."""
    has_come: list[int] = []

    def hold_insertion(number: int, request: Request) -> Fault | None:
        if b"insertDimension" not in request.body or has_come:
            return None
        has_come.append(number)
        return Fault(Manner.TIMEOUT_AFTER)

    shop.sheets.rule = hold_insertion
    child = shop.start("pull")
    while not has_come:
        time.sleep(0.01)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert ExitCode.TERMINATED == child.returncode

    ended = shop.run("pull")
    assert (0, ["4711", "4712", "4713", "4714"]) == (ended.returncode, sorted(shop.ids()))


IMPATIENT = """
import os, signal, sys
import amo2gsheet.__main__ as program
import builtins
real = builtins.__import__
def importing(name, scope=None, local=None, names=(), level=0):
    if "cli" in (names or ()):
        os.kill(os.getpid(), signal.{name})
    return real(name, scope, local, names, level)
builtins.__import__ = importing
program.main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_comes_before_the_program_is_loaded_ends_it_quietly(name: str) -> None:
    ended = finish([sys.executable, "-c", IMPATIENT.replace("{name}", name)])

    # A shell and systemd show the same as for a run that has begun: 128 and the number of the signal.
    assert (-getattr(signal, name), "") == (ended.returncode, ended.stderr)


# --- many at once ---


def start_all(shop: LiveShop, count: int) -> dict[str, int]:
    """Start `pull` and `push` so many times in all, at once; exit code, with what was said but for a good one → how many."""
    said = [(shop.folder / f"said-{number}").open("w+") for number in range(count)]
    children = []
    for number, stderr in enumerate(said):
        command = [*PROGRAM, "--env-file", str(shop.env_file), ("pull", "push")[number % 2]]
        children.append(subprocess.Popen(command, stderr=stderr, env=child_environ()))
    ended: Counter[str] = Counter()
    for child, stderr in zip(children, said, strict=True):
        with stderr:
            code = child.wait(600)
            stderr.seek(0)
            ended["0" if code == 0 else f"{code}: {stderr.read()}"] += 1
    return dict(ended)


def check_whole(shop: LiveShop) -> None:
    """No lock, no damage, one row for each lead, and both sides in step."""
    with RunLock(shop.state) as lock:
        lock.acquire(0, time)
    with sqlite3.connect(shop.state) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
        assert [(0,)] == connection.execute("SELECT count(*) FROM intents").fetchall()
    connection.close()
    assert [] == [path.name for path in shop.folder.iterdir() if "damaged" in path.name or path.name.endswith(".new")]
    assert ["4711", "4712", "4713", "4714"] == sorted(shop.ids())


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_many_starts_at_once_leave_no_lock_no_damage_and_one_row_for_each_lead(shop: LiveShop, count: int) -> None:
    shop.write_env(LOCK_WAIT_SEC="300")
    assert {"0": count} == start_all(shop, count)
    check_whole(shop)

    shop.pick(4712, "У курера")
    assert {"0": 12} == start_all(shop, 12)
    check_whole(shop)
    with shop.server.lock:
        assert "ЗАКАЗ  ОТПРАВЛЕН" == shop.shop.stage_of(4712)
        assert TAB == shop.shop.person.title
