"""One HTTP exchange with amoCRM: sent to the configured host only, in turn, with a timeout. Judges no answer but a block."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from amo2gsheet import __version__
from amo2gsheet.amo.answers import Answer, date_seconds, is_block
from amo2gsheet.amo.bucket import Bucket
from amo2gsheet.amo.stops import Stops, blocked
from amo2gsheet.retry import Clock, TryFailedError

logger = logging.getLogger(__name__)

Params = Sequence[tuple[str, str | int]]
"""Query parameters in order; amoCRM writes nested ones with brackets."""

TIMEOUT_SECONDS = (10.0, 40.0)
"""To connect, and between two bytes of an answer. amoCRM's heavy lists took up to half a minute."""


class Transport:
    """Sends requests to one base address. `new_session` makes the one session, when the first request leaves.

    A session reads proxies and certificates from the environment as other programs do (proxies not for loopback), but never
    `.netrc`: each request brings its own `Authorization`, or the wish to have none. Cookies are not kept, redirects not followed.
    """

    def __init__(
        self, base_url: str, bucket: Bucket, stops: Stops, clock: Clock, new_session: Callable[[], requests.Session]
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._bucket = bucket
        self._stops = stops
        self._clock = clock
        self._new_session = new_session
        self._session: requests.Session | None = None
        self.server_time = 0
        self.request_count = 0
        self.quota_refusals = 0

    @property
    def base_url(self) -> str:
        """Where everything goes."""
        return self._base_url

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        body: object = None,
        token: str = "",
    ) -> Answer:
        """Send one request and return the answer, whatever its status. Without a token it counts as a token request.

        Raises:
            TryFailedError: there is no answer.
            LoginError: the account is blocked; then and for a while nothing is sent.
        """
        self._stops.check_block()
        self._bucket.wait_turn()
        if token:
            self.request_count += 1
        started = self._clock.monotonic()
        answer = self._exchange(method, path, params, body, token)
        milliseconds = round((self._clock.monotonic() - started) * 1000)
        logger.debug("amoCRM %s %s %d %d ms", method, path, answer.status, milliseconds, extra={"event": "request"})
        self.server_time = answer.date or self.server_time
        self.quota_refusals += answer.status == requests.codes.too_many_requests
        if is_block(answer):
            self._stops.note_block()
            raise blocked()
        return answer

    def close(self) -> None:
        """Close the connections. Safe to repeat."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _exchange(self, method: str, path: str, params: Params, body: object, token: str) -> Answer:
        try:
            response = self._open_session().request(
                method,
                f"{self._base_url}{path}",
                params=list(params),
                json=body,
                auth=_authorization(token),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.exceptions.RequestException as error:
            logger.debug("amoCRM %s %s %s", method, path, type(error).__name__, extra={"event": "request"})
            raise _failed(method, path, error) from error
        headers = response.headers
        return Answer(
            method,
            path,
            response.status_code,
            response.content,
            date_seconds(headers.get("Date")),
            headers.get("Retry-After"),
            headers.get("Location"),
        )

    def _open_session(self) -> requests.Session:
        if self._session is None:
            self._session = self._new_session()
            self._session.headers["User-Agent"] = f"amo2gsheet/{__version__}"
            self._session.trust_env = self._session.trust_env and not _is_loopback(self._base_url)
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self._session


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _authorization(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Set the header, or leave it out. Given for every request, for without one `requests` looks into `.netrc`."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return authorize


def _failed(method: str, path: str, error: requests.exceptions.RequestException) -> TryFailedError:
    if isinstance(error, requests.exceptions.Timeout) and not isinstance(error, requests.exceptions.ConnectTimeout):
        return TryFailedError(f"amoCRM did not answer {method} {path} in time", is_unclear=True)
    if isinstance(error, requests.exceptions.ConnectTimeout) or _was_never_connected(error):
        return TryFailedError(f"No connection to amoCRM for {method} {path}", is_unclear=False)
    return TryFailedError(f"The connection to amoCRM broke during {method} {path}", is_unclear=True)


def _was_never_connected(error: requests.exceptions.RequestException) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)
