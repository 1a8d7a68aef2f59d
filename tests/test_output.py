"""What people and programs see on stdout, and the progress bar."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from io import BytesIO, TextIOWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.output import has_colour, is_terminal, prepare_stdout, printable, progress, to_json, write, write_json
from tests.conftest import REPOSITORY


class Terminal(TextIOWrapper):
    """A stream that says a person looks at it."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(BytesIO(), encoding=encoding)

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Иван [/заказ] 🙂", "Иван [/заказ] 🙂"),
        ("one\ntwo\ttab\r", "one\\ntwo\\ttab\\r"),
        ("\x1b[31mred\x9b0m\x7f\x00", "\\x1b[31mred\\x9b0m\\x7f\\x00"),
        ("abc\u202egnp.exe\u2066\u061c", "abc\\u202egnp.exe\\u2066\\u061c"),
        ("line\u2028separator", "line\\u2028separator"),
        ("half \ud83d of a pair", "half \\ud83d of a pair"),
        ("no-break\u00a0space, zero\u200dwidth joiner", "no-break\u00a0space, zero\u200dwidth joiner"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, expected: str) -> None:
    assert expected == printable(text)


@given(st.text(), st.sampled_from(["utf-8", "ascii", "koi8-r"]))
def test_json_carries_any_text_through_any_encoding(text: str, encoding: str) -> None:
    stream = Terminal(encoding)
    line = to_json({"text": [text], text: {"inner": (text,)}}, stream)

    assert {"text": [text], text: {"inner": [text]}} == json.loads(line.encode(encoding))
    assert printable(line) == line


def test_json_for_people_keeps_cyrillic_readable() -> None:
    assert '{"text": "В процессе"}' == to_json({"text": "В процессе"}, Terminal())


def test_a_secret_leaves_neither_in_an_answer_nor_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    write("Bearer 0123456789abcdef")
    write_json({"deep": [{"error": "Bearer 0123456789abcdef"}]})

    assert 'Bearer ***\n{"deep": [{"error": "Bearer ***"}]}\n' == capsys.readouterr().out


def test_nobody_is_told_when_there_is_no_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    prepare_stdout()

    write("nobody hears this")


def test_a_character_that_stdout_cannot_carry_is_shown_as_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal("ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    prepare_stdout()

    write("row → row")

    assert b"row \\u2192 row\n" == stream.buffer.getvalue()  # type: ignore[attr-defined]


def test_a_full_disk_behind_stdout_is_told_once() -> None:
    with open("/dev/full", "w") as full, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", full)

        with pytest.raises(AmoGsheetError, match="cannot be written to stdout: No space left") as caught:
            write("lost")
        assert ExitCode.UNUSABLE_STATE is caught.value.exit_code
        write("gone nowhere")


def test_a_reader_who_went_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)

        write("nobody")
        write("nobody either")


def test_colour_is_for_terminals_whose_owner_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)

    assert has_colour(Terminal())
    assert not has_colour(TextIOWrapper(BytesIO()))
    assert not has_colour(None)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour(Terminal())
    assert is_terminal(Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not is_terminal(Terminal())


LONG_WORK = """
import sys
from amo2gsheet.output import progress
is_wanted = sys.argv[1] == "wanted"
with progress("new [rows]", is_wanted=is_wanted) as advance:
    for _ in range(int(sys.argv[2])):
        advance(1, 3)
    print("in between", file=sys.stderr)
print("rich" in sys.modules)
"""


def on_a_terminal(*arguments: str) -> tuple[str, str]:
    """Run the long work with stderr on a terminal; returns what the terminal and what stdout got."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", LONG_WORK, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environ, text=True) as child:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # how Linux says that the other end of a terminal is gone
            pass
        out, _ = child.communicate()
    os.close(ours)
    return shown.decode(), out


def test_a_terminal_sees_how_far_long_work_is() -> None:
    shown, out = on_a_terminal("wanted", "3")

    assert "new [rows]" in shown
    assert "3/3" in shown
    assert "in between\r\n" in shown
    assert "True\n" == out


@pytest.mark.parametrize("arguments", [("wanted", "0"), ("unwanted", "3")])
def test_work_that_needs_no_bar_shows_and_loads_nothing(arguments: tuple[str, str]) -> None:
    assert ("in between\r\n", "False\n") == on_a_terminal(*arguments)


def test_a_log_file_gets_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("rows") as advance:
        advance(1, 3)
        advance(2)

    assert "" == capsys.readouterr().err
