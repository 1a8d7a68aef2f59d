"""What holds for every test: no way off this machine, no waiting, no trace outside the test's own folder.

The functions here fail a test with an exception that no `except Exception` of the program can swallow.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.stop_report import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]

LONGEST_SLEEP_SECONDS = 0.05
"""What polling for a child process needs; the standard library's own `Popen.wait` polls so."""

REPOSITORY = Path(__file__).resolve().parent.parent
_TRACES_OF_TOOLS = ("__pycache__", ".pytest_cache", ".hypothesis", ".coverage")
_SETTINGS_PREFIXES = (
    "AMO_",
    "GOOGLE_",
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# Examples that failed stand in the report with the line to repeat them; a database of them would be a trace in the tree.
settings.register_profile("repository", database=None, deadline=None)
settings.load_profile("repository")


@pytest.fixture(scope="session", autouse=True)
def _no_way_off_this_machine() -> Iterator[None]:
    """Every connection, look-up and listener outside loopback fails the test that makes it."""
    real_connect, real_connect_ex, real_bind = socket.socket.connect, socket.socket.connect_ex, socket.socket.bind
    real_getaddrinfo = socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        _require_loopback(self.family, address)
        real_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        _require_loopback(self.family, address)
        return real_connect_ex(self, address)

    def bind(self: socket.socket, address: Any) -> None:
        _require_loopback(self.family, address)
        real_bind(self, address)

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        _require_loopback(socket.AF_INET, (host, 0))
        return real_getaddrinfo(host, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket.socket, "connect_ex", connect_ex)
        patch.setattr(socket.socket, "bind", bind)
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_waiting() -> Iterator[None]:
    """A real sleep fails the test: waiting comes in as an argument, and tests pass one that only counts."""
    real_sleep = time.sleep

    def sleep(seconds: float) -> None:
        if seconds > LONGEST_SLEEP_SECONDS:
            pytest.fail(f"time.sleep({seconds:g}) was called for real; pass the wait in as an argument.")
        real_sleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", sleep)
        yield


@pytest.fixture(autouse=True)
def _own_folder_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test stands in its own empty folder, with a home of its own and no setting of the person who runs it."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS_PREFIXES):
            monkeypatch.delenv(name)
    home = tmp_path.with_name(f"{tmp_path.name}-home")
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)


def _require_loopback(family: int, address: Any) -> None:
    if family == socket.AF_UNIX:
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if host is None or host in ("localhost", "::1") or host.startswith("127."):
        return
    pytest.fail(f"The test went off this machine, to {host!r}; use the sandbox or `responses`.")


def _refuse_writes_in_the_checkout(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: a file opened for writing, a folder or a database in the checkout fails the test that makes it."""
    is_writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
    if not is_writing and event not in ("os.mkdir", "sqlite3.connect"):
        return
    written = arguments[0]
    if "PYTEST_CURRENT_TEST" not in os.environ or not isinstance(written, (str, bytes, os.PathLike)):
        return
    path = os.path.abspath(os.fsdecode(written).removeprefix("file:"))
    if path.startswith(f"{REPOSITORY}{os.sep}") and not any(trace in path for trace in _TRACES_OF_TOOLS):
        pytest.fail(f"The test writes to {path}; use `tmp_path`.")


sys.addaudithook(_refuse_writes_in_the_checkout)
