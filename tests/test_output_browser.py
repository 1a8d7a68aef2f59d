"""Where a browser counts as one that the person would see, and that one in the foreground keeps nobody waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from amo2gsheet import output_browser
from amo2gsheet.output_browser import has_browser, open_page

SSH = {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
DISPLAY = {"DISPLAY": ":0"}
NAMED = {"BROWSER": "some-browser"}


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", False),
        (DISPLAY, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        (SSH | DISPLAY, "linux", False),
        (SSH, "darwin", False),
        (NAMED, "linux", True),
        # An editor that works over SSH names a program there that opens the page on the person's own screen.
        (SSH | NAMED, "linux", True),
        ({"BROWSER": ""}, "linux", False),
    ],
)
def test_where_a_browser_is_seen(environ: dict[str, str], platform: str, *, expected: bool) -> None:
    assert expected == has_browser(environ, platform)


def browser(folder: Path, last_lines: str) -> str:
    """A program that notes the address, and then does this; as `BROWSER` names it."""
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > "{folder}/opened"\n{last_lines}\n')
    program.chmod(0o700)
    return f"{program} %s"


def test_a_browser_that_is_named_is_opened_without_a_display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", f"missing-browser %s{os.pathsep}{browser(tmp_path, 'exit 0')}")

    assert open_page("http://127.0.0.1:1/?a=b&c")
    assert "http://127.0.0.1:1/?a=b&c\n" == (tmp_path / "opened").read_text()


@pytest.mark.parametrize("named", ["missing-browser", "missing-browser %s"])
def test_a_browser_that_cannot_be_started_is_none(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("BROWSER", named)

    assert not open_page("http://127.0.0.1:1/")


def test_a_browser_that_fails_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", browser(tmp_path, "exit 1"))

    assert not open_page("http://127.0.0.1:1/")


def test_a_browser_in_the_foreground_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may wait for the very page that is shown when it comes back."""
    monkeypatch.setattr(output_browser, "START_SECONDS", 0.05)
    os.mkfifo(tmp_path / "end")
    monkeypatch.setenv("BROWSER", browser(tmp_path, f'read line < "{tmp_path}/end"'))

    assert open_page("http://127.0.0.1:1/")
    (tmp_path / "end").write_text("now\n")
