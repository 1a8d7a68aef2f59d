"""The dead-man's switch: tells a monitor that a run began and how it ended, as healthchecks.io takes it.

Sends figures only, never a line of the log. Whatever becomes of it, the run goes on and ends as it would have without.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.output_secrets import register_secret

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)

PLACEHOLDER = "{command}"

TIMEOUT_SECONDS = (3.0, 5.0)
"""To connect, and between two pieces of an answer. A run has better things to do than to wait for its monitor."""

LONGEST_SECONDS = 5.0
"""One of the two pings of a run, as a whole: name look-ups know no timeout, and who sends letter by letter never meets one."""

UNTOLD = (ExitCode.LOCKED,)
"""Of a run that never began: another one was at work, so nothing is wrong, and nothing was done either."""

WELL = (ExitCode.DONE, ExitCode.PARTIAL)


class Heartbeat:
    """Pings for one run of a command. `url` is a secret: it stands in no message; without one nothing is sent."""

    def __init__(self, url: str, command: str, new_session: Callable[[], requests.Session] | None = None) -> None:
        self._url = url.replace(PLACEHOLDER, command)
        self._command = command
        self._new_session = new_session
        self._has_started = False
        for secret in (self._url, urlsplit(self._url).path.rstrip("/")):
            register_secret(secret)

    def start(self) -> None:
        """Tell that the run begins."""
        self._has_started = True
        self._ping("start", {"command": self._command})

    def end(self, exit_code: int, figures: Mapping[str, Any]) -> None:
        """Tell how the run ended: well, or with which exit code. Says nothing about a run that never got the lock.

        One that lost it between two chunks is told: after a start without an end a monitor takes a run for one that hangs.
        """
        if exit_code in UNTOLD and not self._has_started:
            return
        suffix = "" if exit_code in WELL else str(int(exit_code))
        self._ping(suffix, {"command": self._command, "exit_code": int(exit_code), **figures})

    def _ping(self, suffix: str, figures: Mapping[str, Any]) -> None:
        if not self._url:
            return
        sender = threading.Thread(target=self._send, args=(suffix, figures), name="heartbeat", daemon=True)
        sender.start()
        sender.join(LONGEST_SECONDS)
        if sender.is_alive():
            logger.info("the heartbeat's monitor did not answer within %d s", LONGEST_SECONDS, extra={"event": "heartbeat"})

    def _send(self, suffix: str, figures: Mapping[str, Any]) -> None:
        import requests

        try:
            with (self._new_session or requests.Session)() as session:
                answer = session.post(
                    _address(self._url, suffix),
                    data=json.dumps(figures).encode(),
                    headers={"Content-Type": "application/json"},
                    auth=_unchanged,
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        # Its own text repeats the address. ValueError: an address that no library can take apart.
        except (requests.RequestException, OSError, ValueError) as error:
            logger.info("the heartbeat's monitor gave no answer (%s)", type(error).__name__, extra={"event": "heartbeat"})
            return
        if not 200 <= answer.status_code < 300:
            logger.warning(
                "the heartbeat's monitor answered %d; compare HEARTBEAT_URL with the address that it shows",
                answer.status_code,
                extra={"event": "heartbeat"},
            )


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No login. Given as one, because without any `requests` looks into `.netrc`."""
    return request


def _address(url: str, suffix: str) -> str:
    """The address with one more part of its path, before a query."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{suffix}" if suffix else parts.path
    return urlunsplit(parts._replace(path=path))
