"""The listener of `auth`: who it answers, what it says, and that no other command opens a port."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from amo2gsheet.commands_redirect import RedirectListener, listens_for
from amo2gsheet.exceptions import ExitCode, LoginError, UnansweredError
from amo2gsheet.retry import SystemClock
from tests.auth_bench import FIRST_LOGIN, Login
from tests.live_shop import PROGRAM, child_environ, finish

LIMIT = 20.0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def redirect_uri() -> str:
    return f"http://127.0.0.1:{free_port()}/callback"


@contextmanager
def keyboard(text: str | None) -> Iterator[TextIO]:
    """A terminal with what somebody types; None: nobody types."""
    typing, reading = pty.openpty()
    try:
        if text is not None:
            os.write(typing, text.encode())
        with os.fdopen(reading, "r", encoding="utf-8") as file:
            yield file
    finally:
        os.close(typing)


def browse(*addresses: str) -> tuple[threading.Thread, list[requests.Response]]:
    """A browser that asks for these pages, one after the other."""
    pages: list[requests.Response] = []

    def go() -> None:
        for address in addresses:
            pages.append(requests.get(address, timeout=LIMIT))

    thread = threading.Thread(target=go)
    thread.start()
    return thread, pages


def wait(uri: str, judge: Callable[[str], None], *addresses: str, typed: str | None = None, seconds: float = LIMIT) -> bool:
    with RedirectListener(uri) as listener, keyboard(typed) as keys:
        thread, wait.pages = browse(*addresses)  # type: ignore[attr-defined]
        try:
            return listener.wait(judge, SystemClock(), keys, seconds)
        finally:
            thread.join(LIMIT)


def pages() -> list[requests.Response]:
    found: list[requests.Response] = wait.pages  # type: ignore[attr-defined]
    return found


def test_the_browser_s_address_is_judged_and_the_browser_told_that_it_worked(redirect_uri: str) -> None:
    judged: list[str] = []

    assert wait(redirect_uri, judged.append, f"{redirect_uri}?code=abc&state=s%20t")

    assert [f"{redirect_uri}?code=abc&state=s%20t"] == judged
    (page,) = pages()
    assert (200, True) == (page.status_code, "It worked" in page.text)
    assert "no-store" in page.headers["Cache-Control"]


def test_an_icon_and_other_pages_do_not_count(redirect_uri: str) -> None:
    judged: list[str] = []
    base = redirect_uri.removesuffix("/callback")

    assert wait(redirect_uri, judged.append, f"{base}/favicon.ico", f"{base}/?code=x", redirect_uri, f"{redirect_uri}?code=abc")

    assert [404, 404, 404, 200] == [page.status_code for page in pages()]
    assert [f"{redirect_uri}?code=abc"] == judged


def test_a_refusal_is_shown_in_the_browser_and_raised(redirect_uri: str) -> None:
    def judge(address: str) -> None:
        raise LoginError("The consent was refused <b>.", "Press Allow.")

    with pytest.raises(LoginError):
        wait(redirect_uri, judge, f"{redirect_uri}?error=access_denied")

    (page,) = pages()
    assert (400, True) == (page.status_code, "refused &lt;b&gt;. Press Allow." in page.text)


def test_a_line_that_is_pasted_ends_the_waiting(redirect_uri: str) -> None:
    judged: list[str] = []

    assert wait(redirect_uri, judged.append, typed="\nthe address\nin two lines\n")

    assert ["the address\nin two lines\n"] == judged


@contextmanager
def pipe(text: bytes, *, is_open: bool = False) -> Iterator[TextIO]:
    """What a program writes to stdin, and whether it may write more."""
    reader, writer = os.pipe()
    os.write(writer, text)
    if not is_open:
        os.close(writer)
    with os.fdopen(reader, "r", encoding="utf-8") as file:
        yield file
    if is_open:
        os.close(writer)


@pytest.mark.parametrize("is_open", [False, True])
def test_an_address_may_come_through_a_pipe(redirect_uri: str, *, is_open: bool) -> None:
    judged: list[str] = []

    with RedirectListener(redirect_uri) as listener, pipe(b"\n \r\nthe address\r\nmore", is_open=is_open) as stdin:
        assert listener.wait(judged.append, SystemClock(), stdin, LIMIT)
    assert ["the address\r\n"] == judged


def test_an_address_that_ends_without_a_line_end_counts_when_the_pipe_ends(redirect_uri: str) -> None:
    judged: list[str] = []

    with RedirectListener(redirect_uri) as listener, pipe(b"the address") as stdin:
        assert listener.wait(judged.append, SystemClock(), stdin, LIMIT)
    assert ["the address"] == judged


def test_half_a_line_in_a_pipe_keeps_no_browser_waiting(redirect_uri: str) -> None:
    judged: list[str] = []

    with RedirectListener(redirect_uri) as listener, pipe(b"half", is_open=True) as stdin:
        thread, _ = browse(f"{redirect_uri}?code=abc")
        assert listener.wait(judged.append, SystemClock(), stdin, LIMIT)
        thread.join(LIMIT)
    assert [f"{redirect_uri}?code=abc"] == judged


def test_a_pipe_at_its_end_is_dropped_and_the_browser_still_met(redirect_uri: str) -> None:
    judged: list[str] = []

    with RedirectListener(redirect_uri) as listener, pipe(b"\n") as stdin:
        thread, _ = browse(f"{redirect_uri}?code=abc")
        assert listener.wait(judged.append, SystemClock(), stdin, LIMIT)
        thread.join(LIMIT)
    assert 1 == len(judged)


@pytest.mark.parametrize("mode", [os.O_RDONLY, os.O_WRONLY])
def test_the_waiting_is_shorter_where_nobody_can_type(redirect_uri: str, mode: int) -> None:
    with RedirectListener(redirect_uri) as listener, os.fdopen(os.open(os.devnull, mode), encoding="utf-8") as stdin:
        assert not listener.wait(lambda address: None, SystemClock(), stdin, 3600, alone_seconds=0.05)


def test_the_waiting_has_an_end(redirect_uri: str) -> None:
    assert not wait(redirect_uri, lambda address: None, seconds=0.05)


def test_it_listens_on_this_machine_only(redirect_uri: str) -> None:
    with RedirectListener(redirect_uri) as listener:
        assert "127.0.0.1" == listener._server.server_address[0]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://127.0.0.1:8765/callback", True),
        ("http://localhost:8765", True),
        ("https://localhost:8765", False),
        ("http://127.0.0.1/callback", False),
        ("https://example.com:8765/amo", False),
        ("http://127.0.0.1.example.com:8765/", False),
    ],
)
def test_which_redirect_addresses_the_browser_can_be_met_at(uri: str, *, expected: bool) -> None:
    assert expected == listens_for(uri)


@pytest.mark.parametrize("has_browser", [True, False])
def test_a_consent_in_the_browser_logs_in_without_a_paste(tmp_path: Path, redirect_uri: str, *, has_browser: bool) -> None:
    """Also in a browser that was opened by hand, while nobody sits at a terminal."""
    login = Login(tmp_path, redirect_uri)
    login.has_browser = has_browser
    login.wait_seconds = LIMIT
    login.answer = login.nobody
    opened = login._open

    def consent(address: str) -> bool:
        is_there = opened(address)
        threading.Timer(0.01, lambda: requests.get(login.consented(), timeout=LIMIT)).start()
        return is_there

    login._open = consent  # type: ignore[method-assign]

    assert "All is ready" in login.auth()
    assert (0, 1) == (login.asked, login.token_requests)


def test_a_port_that_is_taken_leaves_the_paste(tmp_path: Path, redirect_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    login = Login(tmp_path, redirect_uri)
    login.has_browser = True
    with RedirectListener(redirect_uri):
        text = login.auth()

    assert "All is ready" in text
    assert 1 == login.asked
    assert "cannot be met" in caplog.text


def test_with_nobody_the_waiting_ends_as_a_prompt_that_nobody_answers(tmp_path: Path, redirect_uri: str) -> None:
    login = Login(tmp_path, redirect_uri)
    login.wait_seconds = 0.05
    login.answer = login.nobody

    with open(os.devnull, encoding="utf-8") as login.keyboard, pytest.raises(UnansweredError):
        login.auth()
    assert 1 == login.asked
    assert any("/oauth?" in text for text in login.shown)


def test_it_listens_before_anybody_can_know_the_address(tmp_path: Path, redirect_uri: str) -> None:
    """A program that reads it may come back at once."""
    login = Login(tmp_path, redirect_uri)
    login.answer = login.nobody
    is_met = []

    class Shown(list[str]):
        def append(self, text: str) -> None:
            if "/oauth?" in text:
                with socket.create_connection(("127.0.0.1", urlsplit(redirect_uri).port or 0), LIMIT):
                    is_met.append(True)
            super().append(text)

    login.shown = Shown()
    with pytest.raises(UnansweredError):
        login.auth()
    assert [True] == is_met


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE])
def test_a_process_without_terminal_and_browser_meets_the_browser(tmp_path: Path, redirect_uri: str, stdin: int) -> None:
    environ = child_environ(**FIRST_LOGIN, AMO_REDIRECT_URI=redirect_uri, AMO_TOKEN_STORE=str(tmp_path / "tokens.json"))
    child = subprocess.Popen(
        [*PROGRAM, "auth"], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    )
    with child:
        assert child.stdout is not None
        address = next(line for line in child.stdout if "/oauth?" in line)
        state = parse_qs(urlsplit(address.strip()).query)["state"][0]
        page = requests.get(f"{redirect_uri}?error=access_denied&state={state}", timeout=LIMIT)
        _, err = child.communicate(timeout=LIMIT)

    assert (400, ExitCode.LOGIN) == (page.status_code, child.returncode)
    assert "The consent was refused in amoCRM" in err


def test_a_process_takes_the_address_from_a_pipe(tmp_path: Path, redirect_uri: str) -> None:
    environ = child_environ(**FIRST_LOGIN, AMO_REDIRECT_URI=redirect_uri, AMO_TOKEN_STORE=str(tmp_path / "tokens.json"))
    command = ["sh", "-c", f"echo '{redirect_uri}?error=access_denied' | \"$@\"", "sh", *PROGRAM, "auth"]

    ended = finish(command, environ)

    assert (ExitCode.LOGIN, True) == (ended.returncode, "The consent was refused in amoCRM" in ended.stderr)


def test_k2_no_other_command_opens_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = Login(tmp_path)
    login.world.lead("Анна")
    ports: list[object] = []
    monkeypatch.setattr(socket.socket, "listen", lambda _self, *given: ports.append(given))

    login.auth()
    login.world.pull()
    login.world.push()

    assert [] == ports
