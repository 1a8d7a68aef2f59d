"""Waits on this machine for the browser that comes back from amoCRM's consent page. The only port that this program opens."""

from __future__ import annotations

import html
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

_READ_SECONDS = 5.0
"""How long a browser may take over sending one request."""

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

    def wait(self, judge: Judge, clock: Clock, keyboard: TextIO | None, seconds: float = WAIT_SECONDS) -> bool:
        """Give the judge the first address that comes, from the browser or as a line from the keyboard.

        The browser is shown a page that says how it ended. Returns False where nothing came in time.

        Raises:
            AmoGsheetError: what the judge raised.
        """
        deadline = clock.monotonic() + seconds
        while (left_seconds := deadline - clock.monotonic()) > 0:
            sources: list[socketserver.TCPServer | TextIO] = [self._server] if keyboard is None else [self._server, keyboard]
            ready, _, _ = select.select(sources, [], [], left_seconds)
            if self._server in ready:
                self._server.judge = judge
                self._server.handle_request()
                if self._server.error is not None:
                    raise self._server.error
                if self._server.is_done:
                    return True
            elif keyboard is not None and keyboard in ready:
                line = keyboard.readline()
                if line.strip():
                    judge(line + rest_of_paste(keyboard))
                    return True
                keyboard = keyboard if line else None
        return False

    def __enter__(self) -> RedirectListener:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.server_close()


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
