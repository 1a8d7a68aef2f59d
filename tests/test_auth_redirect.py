"""The listener of `auth`: who it answers, what it says, and that no other command opens a port."""

from __future__ import annotations

import os
import pty
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest
import requests

from amo2gsheet.commands_redirect import RedirectListener, listens_for
from amo2gsheet.exceptions import LoginError
from amo2gsheet.retry import SystemClock
from tests.auth_bench import Login

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


def test_a_consent_in_the_browser_logs_in_without_a_paste(tmp_path: Path, redirect_uri: str) -> None:
    login = Login(tmp_path, redirect_uri)
    login.has_browser = True
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


def test_without_browser_and_terminal_nobody_is_waited_for(tmp_path: Path, redirect_uri: str) -> None:
    login = Login(tmp_path, redirect_uri)
    login.wait_seconds = LIMIT

    assert "All is ready" in login.auth()
    assert 1 == login.asked


def test_k2_no_other_command_opens_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = Login(tmp_path)
    login.world.lead("Анна")
    ports: list[object] = []
    monkeypatch.setattr(socket.socket, "listen", lambda _self, *given: ports.append(given))

    login.auth()
    login.world.pull()
    login.world.push()

    assert [] == ports
