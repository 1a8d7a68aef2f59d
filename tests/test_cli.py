"""The command line: what is understood, what is said where, and how the process ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer

from amo2gsheet import __version__, cli_report, commands, commands_sandbox
from amo2gsheet.cli import run
from amo2gsheet.cli_signals import SignalWatch, StopSignal
from amo2gsheet.commands import Options, Outcome
from amo2gsheet.config import Settings
from amo2gsheet.exceptions import AmoGsheetError, ExitCode, SheetLayoutError
from amo2gsheet.sync.run import Report
from tests.conftest import REPOSITORY

ENVIRON = {"AMO_SUBDOMAIN": "mycompany", "AMO_LONG_LIVED_TOKEN": "plum-canary-token", "GOOGLE_SHEET_ID": "a-sheet"}
HEAVY = ["dotenv", "google", "gspread", "openpyxl", "requests", "rich", "sqlite3", "tenacity"]
COMMANDS = ["auth", "inspect", "pull", "push", "import-xlsx", "status", "history", "demo", "sandbox"]


def outcome(command: str = "pull", *, is_dry: bool = False, **report: Any) -> Outcome:
    """A run of 1.94 seconds with one request to amoCRM and two to Google."""
    return Outcome(command, Report(**report), amo_requests=1, sheet_requests=2, seconds=1.94, is_dry=is_dry)


def subclasses(kind: type[AmoGsheetError]) -> Iterator[type[AmoGsheetError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[Outcome | BaseException], list[Options]]:
    """Let `pull` and `push` end in a given way; returns the list that their options will stand in."""

    def let(ending: Outcome | BaseException) -> list[Options]:
        asked: list[Options] = []

        def work(settings: Settings, options: Options, *_: object) -> Outcome:
            asked.append(options)
            if isinstance(ending, Outcome):
                return ending
            raise ending

        monkeypatch.setattr(commands, "run_pull", work)
        monkeypatch.setattr(commands, "run_push", work)
        return asked

    return let


Ends = Callable[[Outcome | BaseException], list[Options]]
Captured = pytest.CaptureFixture[str]


def test_help_begins_with_what_a_newcomer_can_try(capsys: Captured) -> None:
    assert 0 == run(["--help"], {})

    text = capsys.readouterr().out
    assert text.index("amo2gsheet demo") < min(text.index("amo2gsheet pull"), text.index("amo2gsheet sandbox"))
    assert all(f"\n  {command} " in text for command in COMMANDS)
    assert all(f"\n    {code.value} " in text for code in ExitCode if code not in (130, 143))
    assert "..." not in text.replace("[ARGS]...", "")
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(capsys: Captured, command: str) -> None:
    assert 0 == run([command, "--help"], {})

    text = capsys.readouterr().out
    assert f"\n    amo2gsheet {command}" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_program_alone_shows_its_help_and_has_done_nothing(capsys: Captured) -> None:
    assert 2 == run([], {})

    captured = capsys.readouterr()
    assert ("", True) == (captured.out, captured.err.startswith("Usage: amo2gsheet [OPTIONS] COMMAND"))


def test_the_version_is_told(capsys: Captured) -> None:
    assert 0 == run(["--version"], {})

    assert f"amo2gsheet {__version__}\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["pull", "--ful"], ["error: No such option: --ful", "`amo2gsheet pull --help` shows what there is."]),
        (["nope"], ["error: No such command 'nope'.", "`amo2gsheet --help` shows what there is."]),
        (["-v"], ["error: Missing command.", "`amo2gsheet --help`"]),
        (["--log-format", "xml", "pull"], ["'xml'", "`amo2gsheet --help`"]),
        (["push", "--full"], ["No such option: --full"]),
        (["sandbox", "--port", "70000"], ["'--port'", "65535"]),
        (["-v", "-q", "pull"], ["error: `--verbose` and `--quiet` exclude each other."]),
        (["pull", "-v"], ["No such option: -v", "`-v` stands before the command: `amo2gsheet -v … pull`."]),
        (["pull", "--env-file=x"], ["`--env-file=x` stands before the command"]),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong_and_where_to_look(
    capsys: Captured, argv: list[str], expected: list[str]
) -> None:
    assert 2 == run(argv, {})

    captured = capsys.readouterr()
    assert "" == captured.out
    assert [] == [text for text in expected if text not in captured.err]


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["pull", "--ful", "--json"], "pull"),
        (["--env-file", "push", "pull", "--json", "-v"], "pull"),
        (["--env-file=x", "-v", "-q", "push", "--json"], "push"),
        (["demo", "--json"], "demo"),
    ],
)
def test_a_program_reads_why_its_command_line_is_wrong(capsys: Captured, argv: list[str], command: str) -> None:
    assert 2 == run(argv, {})

    document = json.loads(capsys.readouterr().out)
    assert (1, command, 2) == (document["version"], document["command"], document["exit_code"])
    assert {"message", "hint", "problems"} == set(document["error"])


def test_without_a_command_there_is_nobody_to_write_json_for(capsys: Captured) -> None:
    assert 2 == run(["nope", "--json"], {})

    assert "" == capsys.readouterr().out


def test_each_switch_reaches_its_command(ends: Ends) -> None:
    asked = ends(outcome())
    for argv in (["pull"], ["pull", "--full"], ["pull", "--force", "--dry-run"], ["push", "--dry-run"], ["push", "--force"]):
        run(argv, ENVIRON)

    expected = [
        Options(),
        Options(is_full=True),
        Options(is_dry=True, is_forced=True),
        Options(is_dry=True),
        Options(is_forced=True),
    ]
    assert expected == asked


def test_the_named_settings_file_is_read(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "shop.env").write_text("PUSH_LIMIT=many\n")

    assert 78 == run(["--env-file", "shop.env", "pull"], ENVIRON)
    assert "PUSH_LIMIT (line 1)" in capsys.readouterr().err


def test_all_missing_settings_are_named_at_once(capsys: Captured) -> None:
    assert 78 == run(["push"], {})

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: Settings are missing or wrong")
    assert "  Name a settings file with `--env-file FILE`, or start in its folder." == lines[1]
    assert 5 == sum(line.startswith("  - ") for line in lines)


def test_what_a_person_should_mend_in_the_settings_is_said_once(tmp_path: Path, ends: Ends, capsys: Captured) -> None:
    ends(outcome())
    (tmp_path / ".env").write_text("SYNC_POLL_SECONDS=60\n")
    run(["-q", "pull"], ENVIRON)

    assert "warning: No longer used, since timers took their place: SYNC_POLL_SECONDS.\n" == capsys.readouterr().err


def test_a_run_ends_with_one_line_of_counts_on_stderr(ends: Ends, capsys: Captured) -> None:
    ends(outcome(leads_read=38, cells=5, rows=4, new_rows=1))

    assert 0 == run(["pull"], ENVIRON)
    captured = capsys.readouterr()
    expected = "pull done: 38 leads read, 5 cells in 4 rows, 1 new row, 0 conflicts, 3 requests, 1.9 s\n"
    assert ("", expected) == (captured.out, captured.err)


@pytest.mark.parametrize(
    ("argv", "ending", "expected"),
    [
        (
            ["push"],
            outcome("push", leads_read=1, moves=2, conflicts=1),
            "push done: 1 lead read, 2 moves, 1 conflict, 3 requests, 1.9 s",
        ),
        (
            ["pull", "--full"],
            outcome(leads_read=2, cells=1, rows=1, drifted=1),
            "pull done: 2 leads read, 1 cell in 1 row, 0 new rows, 1 cell had drifted, 0 conflicts, 3 requests, 1.9 s",
        ),
        (
            ["push"],
            outcome("push", named=["lead 4711 waits"]),
            "push done: 0 leads read, 0 moves, 0 conflicts, 1 named for a person, 3 requests, 1.9 s",
        ),
        (
            ["push"],
            outcome("push", is_cut_short=True),
            "push stopped at RUN_LIMIT_SEC, the next run goes on: 0 leads read, 0 moves, 0 conflicts, 3 requests, 1.9 s",
        ),
        (
            ["push"],
            outcome("push", is_unavailable=True),
            "warning: push incomplete: 0 leads read, 0 moves, 0 conflicts, 3 requests, 1.9 s",
        ),
    ],
)
def test_the_summary_says_what_kind_of_end_it_was(
    ends: Ends, capsys: Captured, argv: list[str], ending: Outcome, expected: str
) -> None:
    ends(ending)

    assert ending.exit_code == run(argv, ENVIRON)
    assert f"{expected}\n" == capsys.readouterr().err


HELD = outcome("push", held=["60 moves are more than allowed", 'lead 1: "a" → "b"', 'lead 2: "a" → "b"'])


def test_held_moves_are_named_with_the_way_to_let_them_through(ends: Ends, capsys: Captured) -> None:
    ends(HELD)

    assert 65 == run(["-q", "push"], ENVIRON)
    expected = [
        "error: push held back: 60 moves are more than allowed",
        "  Look at the sheet; if it is as it should be, let them through with `amo2gsheet push --force`.",
        '  - lead 1: "a" → "b"',
        '  - lead 2: "a" → "b"',
        "warning: push held back: 0 leads read, 0 moves, 0 conflicts, 3 requests, 1.9 s",
    ]
    assert expected == capsys.readouterr().err.splitlines()


def test_quiet_says_nothing_about_a_run_that_went_well(ends: Ends, capsys: Captured) -> None:
    ends(outcome(leads_read=3))
    run(["-q", "pull"], ENVIRON)

    assert ("", "") == capsys.readouterr()


def test_a_dry_run_answers_on_stdout(ends: Ends, capsys: Captured) -> None:
    plan = ['lead 4711 статус "a" → "b" (row 3)', "new row: lead 4712\x1b"]
    ends(outcome(is_dry=True, leads_read=2, plan=plan, named=["lead 7 waits"], held=["too many", "lead 9"]))

    assert 65 == run(["pull", "--dry-run"], ENVIRON)
    captured = capsys.readouterr()
    expected = [
        'lead 4711 статус "a" → "b" (row 3)',
        "new row: lead 4712\\x1b",
        "pull held back: too many",
        "  Look at the sheet; if it is as it should be, let them through with `amo2gsheet pull --force`.",
        "  - lead 9",
        "named for a person:",
        "- lead 7 waits",
        "pull would make 2 changes: 2 leads read, 0 conflicts, 1 named for a person, 3 requests, 1.9 s",
    ]
    assert (expected, "") == (captured.out.splitlines(), captured.err)


COUNTS = {
    "leads_read": 2, "cells": 0, "rows": 0, "new_rows": 0, "moves": 0, "conflicts": 0, "drifted": 0, "amo_requests": 1,
    "sheet_requests": 2, "quota_refusals": 0,
}  # fmt: skip


def test_json_is_one_object_and_all_there_is_on_stdout(ends: Ends, capsys: Captured) -> None:
    ends(outcome(leads_read=2, named=["lead 7 waits"], notices=["a notice"]))

    assert 3 == run(["pull", "--json"], ENVIRON)
    expected = {
        "version": 1, "command": "pull", "exit_code": 3, "error": None, **COUNTS, "named": ["lead 7 waits"],
        "notices": ["a notice"], "held": [], "dry_run": False, "seconds": 1.9,
    }  # fmt: skip
    assert expected == json.loads(capsys.readouterr().out)


def test_json_of_a_dry_run_holds_the_plan(ends: Ends, capsys: Captured) -> None:
    ends(outcome(is_dry=True, leads_read=2, plan=["new row: lead 4711"]))
    run(["pull", "--dry-run", "--json"], ENVIRON)

    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert ("", ["new row: lead 4711"], True) == (captured.err, document["plan"], document["dry_run"])


@pytest.mark.parametrize("kind", list(subclasses(AmoGsheetError)))
def test_each_error_ends_with_its_own_code_and_says_what_to_do(ends: Ends, capsys: Captured, kind: type[AmoGsheetError]) -> None:
    error = kind("It failed.")
    error.hint = "Do this."
    ends(error)

    assert kind.exit_code == run(["pull"], ENVIRON)
    assert capsys.readouterr().err.endswith(": It failed.\n  Do this.\n")


def test_every_code_of_the_table_can_be_reached() -> None:
    reached = {kind.exit_code for kind in subclasses(AmoGsheetError)}

    assert set(ExitCode) == reached | {ExitCode.DONE, ExitCode.BUG}


@pytest.mark.parametrize(
    ("ending", "code"),
    [(typer.Exit(4), 4), (typer.Abort(), 130), (KeyboardInterrupt(), 130), (StopSignal(signal.SIGTERM), 143)],
)
def test_what_typer_and_python_end_with_gets_a_code_of_the_table(ends: Ends, ending: BaseException, code: int) -> None:
    ends(ending)

    assert code == run(["pull"], ENVIRON)


def test_a_signal_at_a_prompt_keeps_its_code(ends: Ends) -> None:
    abort = typer.Abort()
    abort.__context__ = StopSignal(signal.SIGTERM)
    ends(abort)

    assert 143 == run(["pull"], ENVIRON)


def test_a_program_reads_why_a_run_failed(ends: Ends, capsys: Captured) -> None:
    ends(SheetLayoutError('No column "ID".', "Add it.", ["one", "two"]))

    assert 66 == run(["pull", "--json"], ENVIRON)
    error = {"message": 'No column "ID".', "hint": "Add it.", "problems": ["one", "two"]}
    expected = {"version": 1, "command": "pull", "exit_code": 66, "error": error}
    assert expected == json.loads(capsys.readouterr().out)


def test_a_bug_leaves_with_its_traceback(ends: Ends, capsys: Captured) -> None:
    ends(ZeroDivisionError("division by zero"))

    assert 1 == run(["pull", "--json"], ENVIRON)
    captured = capsys.readouterr()
    assert 1 == json.loads(captured.out)["exit_code"]
    assert captured.err.startswith("Traceback (most recent call last):\n")
    assert "\nZeroDivisionError: division by zero\nerror: A bug in amo2gsheet ended this run: ZeroDivisionError" in captured.err


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_secret_of_the_settings_leaves_nowhere(ends: Ends, capsys: Captured, log_format: str) -> None:
    ends(ValueError("plum-canary-token"))
    run(["-v", "--log-format", log_format, "pull", "--json"], ENVIRON)

    captured = capsys.readouterr()
    assert "ValueError: ***" in captured.err
    assert "plum-canary" not in captured.out + captured.err


def test_programs_read_the_log_as_json(ends: Ends, capsys: Captured) -> None:
    ends(outcome(leads_read=2))
    run(["--log-format", "json", "pull"], ENVIRON)
    ends(SheetLayoutError("No.", "", ["one"]))
    run(["--log-format", "json", "push"], ENVIRON)

    ended, failed = map(json.loads, capsys.readouterr().err.splitlines())
    assert ("run ended", "pull", "info", 0, 2, 1.9) == tuple(
        ended[name] for name in ("event", "command", "level", "exit_code", "leads_read", "seconds")
    )
    assert ("failed", "push", "error", 66, ["one"]) == tuple(
        failed[name] for name in ("event", "command", "level", "exit_code", "problems")
    )


def test_waiting_for_another_run_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def work(settings: Settings, options: Options, outside: object, watcher: commands.Watcher) -> Outcome:
        assert watcher.on_wait is not None
        watcher.on_wait()
        return outcome()

    monkeypatch.setattr(commands, "run_pull", work)
    run(["pull"], ENVIRON)

    assert "pull: waiting for another run to end\n" in capsys.readouterr().err


def test_the_sandbox_commands_get_what_was_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def demo(write: Callable[[str], None], environ: object) -> int:
        write(f"told with {environ}")
        return 0

    def sandbox(directory: Path, port: int, write: Callable[[str], None]) -> int:
        write(f"{directory} {port}")
        return 66

    monkeypatch.setattr(commands_sandbox, "demo", demo)
    monkeypatch.setattr(commands_sandbox, "sandbox", sandbox)

    assert [0, 66, 66] == [run(argv, {}) for argv in (["demo"], ["sandbox"], ["sandbox", "--dir", "x", "--port", "8"])]
    assert "told with {}\namo2gsheet-sandbox 0\nx 8\n" == capsys.readouterr().out


LIGHT_COMMANDS = """
import sys, time, types, typer
from amo2gsheet import cli
commands = sys.modules["amo2gsheet.commands"] = types.ModuleType("amo2gsheet.commands")
commands.Options = lambda *_, **__: None
commands.Outside = types.SimpleNamespace(real=lambda: None)
commands.Watcher = lambda *_, **__: None
"""
"""Without the libraries that the real commands load, which take most of a child's time."""


def child_environ() -> dict[str, str]:
    """This environment, but for a switch that would hide what buffers do to a closed stdout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "PYTHONPATH": str(REPOSITORY)}


def start(code: str, *argv: str, **options: Any) -> subprocess.Popen[str]:
    """The program as its own process; `code` may change the commands first."""
    program = f"{LIGHT_COMMANDS}\n{code}\ncli.main(sys.argv[1:])"
    environ = child_environ() | ENVIRON
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", program, *argv], env=environ, text=True, **streams | options)


def finish(code: str, *argv: str, **options: Any) -> tuple[int, str | None, str]:
    """Exit code, stdout and stderr of the program as its own process."""
    with start(code, *argv, **options) as child:
        out, err = child.communicate(timeout=60)
    return child.returncode, out, err


@contextmanager
def broken_pipe() -> Iterator[int]:
    """A pipe whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def test_help_waits_for_nothing_heavy() -> None:
    told = f"import atexit, sys\natexit.register(lambda: print([name for name in {HEAVY} if name in sys.modules]))\n"
    with_typer, with_us = (
        subprocess.run([sys.executable, "-c", told + rest], env=child_environ(), capture_output=True, text=True, check=True)
        for rest in ("import typer", "from amo2gsheet import cli\ncli.main(['--help'])")
    )

    # Some releases of Typer bring rich along by themselves.
    assert with_typer.stdout.splitlines()[-1] == with_us.stdout.splitlines()[-1]


def test_python_m_is_the_same_program() -> None:
    command = [sys.executable, "-m", "amo2gsheet", "pull", "--nope"]
    child = subprocess.run(command, env=child_environ(), capture_output=True, text=True)

    assert (2, "") == (child.returncode, child.stdout)


@pytest.mark.parametrize(
    ("code", "argv", "expected"),
    [
        ("", ["--help"], 0),
        ("commands.run_pull = lambda *_: 1 / 0", ["pull"], 1),
        ("", ["pull", "--nope"], 2),
        ("commands.run_pull = lambda *_: typer.prompt('code')", ["pull"], 2),
        ("", ["--env-file", "missing.env", "pull"], 78),
    ],
)
def test_the_process_ends_with_the_code_of_the_table(code: str, argv: list[str], expected: int) -> None:
    returned, _, err = finish(code, *argv)

    assert (expected, expected == 1) == (returned, "Traceback" in err)


def test_a_reader_who_went_away_is_no_error() -> None:
    with broken_pipe() as writer:
        assert (0, None, "") == finish("", "--help", stdout=writer)


def test_a_reader_who_went_away_does_not_change_how_a_run_ended() -> None:
    with broken_pipe() as writer:
        returned, _, err = finish("", "--env-file", "missing.env", "pull", "--json", stdout=writer)

    assert (78, False) == (returned, "Traceback" in err)


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (["--env-file", "missing.env", "pull", "--json"], 78, "missing.env"),
        (["--help"], 73, "The answer cannot be written to stdout: No space left on device."),
        (["pull", "--help"], 73, "The answer cannot be written to stdout"),
        (["--version"], 73, "The answer cannot be written to stdout"),
        (["status", "--json"], 73, "The answer cannot be written to stdout"),
    ],
)
def test_a_full_disk_behind_stdout_leaves_the_code_in_the_table(argv: list[str], code: int, told: str) -> None:
    with open("/dev/full", "w") as full:
        returned, _, err = finish("", *argv, stdout=full)

    assert code == returned
    assert told in err
    assert not [word for word in ("Exception ignored", "Traceback", "bug") if word in err]


def test_a_full_disk_behind_stderr_is_no_bug() -> None:
    with open("/dev/full", "w") as full:
        returned, out, _ = finish("", stderr=full)

    assert (2, "") == (returned, out)


def test_an_error_of_another_file_is_not_taken_for_one_of_stdout() -> None:
    returned, _, err = finish("commands.run_pull = lambda *_: open('/dev/full', 'w').write('x' * 99999)", "pull")

    assert (1, True) == (returned, "A bug in amo2gsheet" in err)


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(streams: str) -> None:
    """What a library prints would go into it: into the state, for one."""
    work = "def work(*_):\n    with open('opened', 'w') as file:\n        file.write(str(file.fileno() > 2))\n"
    program = f"{LIGHT_COMMANDS}\n{work}    raise typer.Exit(4)\ncommands.run_pull = work\ncli.main(['pull'])"
    command = ["sh", "-c", f'exec "$0" -c "$1" {streams}', sys.executable, program]
    child = subprocess.run(command, env=child_environ() | ENVIRON, capture_output=True, text=True, timeout=60)

    assert (4, "True") == (child.returncode, Path("opened").read_text())


WORKING = """
def work(*_):
    try:
        print("at work", flush=True)
        time.sleep(60)
    except Exception:
        print("swallowed", flush=True)
commands.run_pull = work
"""

CLEARING_UP = """
def work(*_):
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        print("clearing up", flush=True)
        time.sleep(60)
commands.run_pull = work
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_with_the_code_of_its_kind(number: int, code: int) -> None:
    with start(WORKING, "pull", "--json") as child:
        assert child.stdout is not None
        assert "at work\n" == child.stdout.readline()
        child.send_signal(number)
        out, err = child.communicate(timeout=60)

    document = json.loads(out)
    assert (code, code) == (child.returncode, document["exit_code"])
    assert err.startswith("warning: Ended by ")
    assert "Traceback" not in err


def test_a_second_signal_ends_the_process_at_once() -> None:
    impatient = f"from amo2gsheet import cli_signals\ncli_signals.REPEAT_SECONDS = 0\n{CLEARING_UP}"
    with start(impatient, "pull") as child:
        assert child.stdout is not None
        assert "at work\n" == child.stdout.readline()
        child.send_signal(signal.SIGINT)
        assert "clearing up\n" == child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)

    assert 143 == child.returncode


def test_one_wish_to_stop_that_arrives_twice_is_one() -> None:
    patient = f"from amo2gsheet import cli_signals\ncli_signals.REPEAT_SECONDS = 60\n{CLEARING_UP}".replace(
        'up", flush=True)\n        time.sleep(60)', 'up", flush=True)\n        time.sleep(1)'
    )
    with start(patient, "pull") as child:
        assert child.stdout is not None
        assert "at work\n" == child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert "clearing up\n" == child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=60)

    assert 143 == child.returncode
    assert err.startswith("warning: Ended by SIGTERM.")


def test_a_signal_that_comes_when_all_is_done_does_not_cut_the_answer(
    ends: Ends, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(outcome())
    before = signal.getsignal(signal.SIGUSR1)
    monkeypatch.setattr(cli_report, "summary", lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        code = run(["pull", "--json"], ENVIRON, SignalWatch([signal.SIGUSR1]))
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert (0, 0) == (code, json.loads(capsys.readouterr().out)["exit_code"])


def test_a_signal_that_was_switched_off_stays_so() -> None:
    switched_off = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"
    with start(f"{switched_off}\n{WORKING}", "pull") as child:
        assert child.stdout is not None
        assert "at work\n" == child.stdout.readline()
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)

    assert 143 == child.returncode
