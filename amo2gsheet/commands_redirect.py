"""Waits on this machine for the browser that comes back from amoCRM's consent page. The only port that this program opens."""

from __future__ import annotations

import html
import os
import select
import socketserver
import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

from amo2gsheet.exceptions import AmoGsheetError
from amo2gsheet.retry import Clock

ADDRESS = "127.0.0.1"

WAIT_SECONDS = 120.0
"""How long a browser is waited for."""

ALONE_SECONDS = 60.0
"""The same where no browser was opened and nobody can type: then one that was started by hand, or by a program, may come."""

_READ_SECONDS = 5.0
"""How long a browser may take over sending one request."""

_READ_BYTES = 65_536

_PASTE_SECONDS = 0.05
"""How long the next line of one paste may take to follow."""

Judge = Callable[[str], None]
"""Takes the address at which the browser ended, and logs in with it; raises what a user can meet."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>amo2gsheet</title>
<body style="font: 18px sans-serif; margin: 4em auto; max-width: 40em"><h1>{title}</h1><p>{text}</p></body></html>
"""
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Connection": "close",
}


def listens_for(redirect_uri: str) -> bool:
    """Whether the browser can be met at that address: plain HTTP on this machine, at a port of its own."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and parts.hostname in (ADDRESS, "localhost") and parts.port is not None


def rest_of_paste(keyboard: TextIO) -> str:
    """The lines that follow at once on a terminal: a mail program breaks a long address into several."""
    lines = []
    while keyboard.isatty() and select.select([keyboard], [], [], _PASTE_SECONDS)[0]:
        line = keyboard.readline()
        if not line:
            break
        lines.append(line)
    return "".join(lines)


class RedirectListener:
    """Listens on 127.0.0.1 at the port of a redirect address, for as long as the `with` block lasts.

    Raises:
        OSError: the port is not to be had.
    """

    def __init__(self, redirect_uri: str) -> None:
        self._server = _Server(redirect_uri)

    def wait(
        self,
        judge: Judge,
        clock: Clock,
        keyboard: TextIO | None,
        seconds: float = WAIT_SECONDS,
        *,
        alone_seconds: float | None = None,
    ) -> bool:
        """Give the judge the first address that comes, from the browser, or as a line from the keyboard or a pipe in its place.

        The browser is shown a page that says how it ended. Returns False where nothing came in time. That is `alone_seconds`
        from when on there is no keyboard, or it is at its end; None: no less than otherwise.

        Raises:
            AmoGsheetError: what the judge raised.
        """
        begun = clock.monotonic()
        lines = None if keyboard is None else _Lines(keyboard)
        while True:
            limit_seconds = seconds if lines is not None or alone_seconds is None else alone_seconds
            sources: list[_Server | _Lines] = [self._server] if lines is None else [self._server, lines]
            ready, _, _ = select.select(sources, [], [], max(0.0, begun + limit_seconds - clock.monotonic()))
            if not ready:
                return False
            if self._server in ready:
                if self._answer_browser(judge):
                    return True
            elif lines is not None:
                line = lines.take()
                if line:
                    judge(line + rest_of_paste(lines.stream))
                    return True
                lines = None if lines.is_over else lines

    def _answer_browser(self, judge: Judge) -> bool:
        """Answer one request; whether it was the one that counts."""
        self._server.judge = judge
        self._server.handle_request()
        if self._server.error is not None:
            raise self._server.error
        return self._server.is_done

    def __enter__(self) -> RedirectListener:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.server_close()


class _Lines:
    """What is typed or piped in, read as it comes: who writes half a line keeps no browser waiting."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_over = False
        self._begun = b""

    def fileno(self) -> int:
        """For `select`."""
        return self.stream.fileno()

    def take(self) -> str:
        """The first line that is not blank, "" while it is not all there. Only to be called when there is something to read."""
        try:
            read = os.read(self.fileno(), _READ_BYTES)
        except OSError:  # a terminal that is gone, or a stream for writing
            read = b""
        self.is_over = not read
        self._begun = (self._begun + read).lstrip()
        line, end, _ = self._begun.partition(b"\n")
        return (line + end).decode(errors="replace") if end or self.is_over else ""


class _Server(socketserver.TCPServer):
    """One address, one request that counts; whatever else a browser asks for (an icon) is answered 404."""

    allow_reuse_address = True

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self.judge: Judge = lambda address: None
        self.error: AmoGsheetError | None = None
        self.is_done = False
        super().__init__((ADDRESS, urlsplit(redirect_uri).port or 0), _Browser)

    def handle_error(self, request: object, client_address: object) -> None:
        """Let every error out but that of a browser that left before it had asked; the library would only print it."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            raise error


class _Browser(BaseHTTPRequestHandler):
    """One request of the browser."""

    server: _Server
    timeout = _READ_SECONDS

    def do_GET(self) -> None:
        """Answer the redirect with a page that says how it ended, anything else with 404."""
        parts = urlsplit(self.path)
        wanted = urlsplit(self.server.redirect_uri).path or "/"
        if self.server.is_done or parts.path != wanted or not {"code", "error"} & set(parse_qs(parts.query)):
            self._answer(404, "Nothing here", "amo2gsheet waits for the address that amoCRM sends the browser to.")
            return
        try:
            self.server.judge(f"{self.server.redirect_uri.partition('?')[0]}?{parts.query}")
        except AmoGsheetError as error:
            self.server.error = error
            self._answer(400, "That did not work", f"{error.message} {error.hint}")
        else:
            self.server.is_done = True
            self._answer(200, "It worked", "amo2gsheet is logged in to amoCRM. Close this page and go back to the terminal.")

    def _answer(self, status: int, title: str, text: str) -> None:
        body = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
        with suppress(OSError):  # a browser that went away does not undo what was done
            self.send_response_only(status)
            for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the path holds the code."""
