"""What a run says on the way, on stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.output_logs import StderrHandler, bind
from tests.test_output import Terminal

logger = logging.getLogger("amo2gsheet.test")


@pytest.fixture
def handler() -> Iterator[StderrHandler]:
    with StderrHandler() as handler:
        yield handler


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def said_as_json(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(capsys).splitlines()]


@pytest.mark.usefixtures("handler")
def test_people_read_one_line_per_value(capsys: pytest.CaptureFixture[str]) -> None:
    logger.info("%s: lead %d статус (row %d)", "pull", 4711, 12, extra={"event": "cell written", "lead_id": 4711})

    assert "pull: lead 4711 статус (row 12)\n" == said(capsys)


@pytest.mark.usefixtures("handler")
def test_warnings_and_errors_say_that_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    logger.warning("a row waits")
    logger.error("it failed", extra={"hint": "Do this.", "problems": ["one", "two"]})

    assert "warning: a row waits\nerror: it failed\n  Do this.\n  - one\n  - two\n" == said(capsys)


@pytest.mark.usefixtures("handler")
def test_foreign_text_in_a_line_cannot_pretend_to_be_another_line(capsys: pytest.CaptureFixture[str]) -> None:
    logger.warning("lead %s", "Иван [/заказ]\nerror: \x1b[2J\u202e", extra={"hint": "a\nb", "problems": ["c\x07"]})

    assert "warning: lead Иван [/заказ]\\nerror: \\x1b[2J\\u202e\n  a\\nb\n  - c\\x07\n" == said(capsys)


def test_programs_read_one_object_per_line(capsys: pytest.CaptureFixture[str], handler: StderrHandler) -> None:
    handler.choose("json", logging.INFO)
    bind(command="pull", run=7)
    logger.warning("lead %d\n", 4711, extra={"event": "named", "lead_id": 4711, "hint": "", "problems": ()})

    (line,) = said_as_json(capsys)
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    expected = {
        "command": "pull", "run": 7, "level": "warning", "event": "named", "message": "lead 4711\n", "lead_id": 4711,
    }  # fmt: skip
    assert expected == line


def test_a_line_without_an_event_has_a_stable_one_too(capsys: pytest.CaptureFixture[str], handler: StderrHandler) -> None:
    handler.choose("json", logging.INFO)
    logger.info("something")

    assert ["message"] == [line["event"] for line in said_as_json(capsys)]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (logging.DEBUG, ["debug", "info", "warning"]),
        (logging.INFO, ["info", "warning"]),
        (logging.WARNING, ["warning"]),
    ],
)
def test_verbose_and_quiet_choose_what_is_heard(
    capsys: pytest.CaptureFixture[str], handler: StderrHandler, level: int, expected: list[str]
) -> None:
    handler.choose("json", level)
    logger.debug("x")
    logger.info("x")
    logger.warning("x")

    assert expected == [line["level"] for line in said_as_json(capsys)]


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str], handler: StderrHandler) -> None:
    handler.choose("text", logging.DEBUG)
    library = logging.getLogger("amo2gsheetish.library")
    library.setLevel(logging.DEBUG)
    library.debug("a body")
    library.info("an address")
    library.warning("trouble")

    assert "warning: trouble\n" == said(capsys)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_leaves_with_a_line_or_a_traceback(
    capsys: pytest.CaptureFixture[str], handler: StderrHandler, log_format: str
) -> None:
    handler.choose(log_format, logging.DEBUG)
    canary = "Bearer 0123456789abcdef"
    try:
        raise ValueError(canary)
    except ValueError:
        logger.exception("failed with %s", canary, extra={"hint": canary, "problems": [canary], "other": {"deep": [canary]}})

    text = said(capsys)
    assert "ValueError: Bearer ***" in text
    assert "0123456789abcdef" not in text


@pytest.mark.usefixtures("handler")
def test_a_traceback_stands_above_its_error_and_obeys_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("a\x1b[2Jb")
    except ValueError:
        logger.exception("a bug")

    lines = said(capsys).splitlines()
    assert "Traceback (most recent call last):" == lines[0]
    assert ["ValueError: a\\x1b[2Jb", "error: a bug"] == lines[-2:]


def test_a_wrong_log_call_shows_no_values(capsys: pytest.CaptureFixture[str], handler: StderrHandler) -> None:
    handler.handle(logging.LogRecord("amo2gsheet.x", logging.INFO, "x.py", 12, "%d", ("canary",), None))

    assert "error: a log line of amo2gsheet.x, line 12, does not fit its values\n" == said(capsys)


@pytest.mark.usefixtures("handler")
def test_a_run_goes_on_when_nobody_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        logger.info("lost")
        monkeypatch.setattr(sys, "stderr", None)
        logger.info("lost too")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # so that closing it loses nothing more


@pytest.mark.usefixtures("handler")
def test_labels_are_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    logger.error("failed")
    logger.info("fine")
    monkeypatch.setenv("NO_COLOR", "1")
    logger.error("failed")

    assert b"\x1b[31merror:\x1b[0m failed\nfine\nerror: failed\n" == stream.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_journal_gets_its_priorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    found = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
    with StderrHandler() as handler:
        handler.choose(log_format, logging.DEBUG)
        logger.debug("d")
        logger.info("i")
        logger.warning("w")
        logger.error("e", extra={"hint": "below"})

    lines = said(capsys).splitlines()
    expected = ["<7>", "<6>", "<4>", "<3>", "<3>"] if log_format == "text" else ["<7>", "<6>", "<4>", "<3>"]
    assert expected == [line[:3] for line in lines]


def test_stderr_sent_elsewhere_is_no_journal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    with StderrHandler():
        logger.info("plain")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", _closed)
        handler = StderrHandler()
    with handler:
        logger.info("plain")

    assert "plain\nplain\n" == said(capsys)


def _closed(descriptor: int) -> os.stat_result:
    raise OSError(9, "Bad file descriptor")


def test_logging_is_as_before_when_the_program_is_over() -> None:
    before = logging.getLogger("amo2gsheet").level, list(logging.getLogger().handlers)
    with StderrHandler() as handler:
        handler.choose("json", logging.DEBUG)

    assert before == (logging.getLogger("amo2gsheet").level, list(logging.getLogger().handlers))
