"""Send single requests to the Sheets API: address, token, time limits, tries, and what a failure means.

Knows neither tabs nor cells. Everything goes through gspread's own HTTP client, which brings the addresses of the calls.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

from amo2gsheet import __version__
from amo2gsheet.exceptions import UnavailableError, UnclearOutcomeError
from amo2gsheet.retry import Clock, Retrier, RetryPolicy, TryFailedError, retry_after_seconds
from amo2gsheet.sheet.grid import BadAnswerError
from amo2gsheet.sheet.login import GoogleLogin
from amo2gsheet.sheet.problems import Refusal

if TYPE_CHECKING:
    from gspread.http_client import HTTPClient

GOOGLE = "https://sheets.googleapis.com"
READ_TIMEOUT_SECONDS = (10.0, 60.0)
"""To connect, and between two pieces of an answer; short enough for a second try within one run's patience."""

WRITE_TIMEOUT_SECONDS = (10.0, 120.0)
"""The same for writes, where every answer missed is an outcome unknown. Google gives up after 180 s (usage limits, 2026)."""

QUOTA_WAIT_SECONDS = 15.0
"""Google's quotas are refilled each minute and its 429 does not say when: with five tries this outlasts the minute."""

AGEING = RetryPolicy(attempts=2, total_seconds=10.0)
"""For writes to row numbers, which are good for a moment only: who has to wait longer, as for the quota, looks again first."""

_log = logging.getLogger(__name__)
T = TypeVar("T")


class RefusedError(Exception):
    """An answer that is not 2xx, before it is told what was asked for."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class SheetsHttp:
    """Requests about one spreadsheet, one at a time, over one session."""

    def __init__(
        self,
        spreadsheet_id: str,
        login: GoogleLogin,
        *,
        clock: Clock,
        new_session: Callable[[], requests.Session],
        base_url: str = GOOGLE,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.spreadsheet_id = spreadsheet_id
        self.request_count = 0
        self.quota_refusals = 0
        self._login = login
        self._clock = clock
        self._new_session = new_session
        self._base_url = base_url.rstrip("/")
        self._patient = Retrier(policy or RetryPolicy(), clock)
        self._hasty = Retrier(AGEING if policy is None or policy.attempts > 1 else policy, clock)
        self._client: HTTPClient | None = None

    def read(self, ask: Callable[[HTTPClient], Any], understand: Callable[[Any], T], title: str | None = None) -> T:
        """Ask until an answer comes that can be understood.

        Args:
            ask: sends one request and returns the JSON of its answer.
            understand: makes the result of that JSON, or raises BadAnswerError.
            title: the tab that is asked for, for the error's text.

        Raises:
            UnavailableError: no usable answer after all tries.
            SheetError, LoginError: refused.
        """
        try:
            return self._patient.call(lambda: self._try(ask, understand), is_repeatable=True)
        except TryFailedError as failed:
            raise UnavailableError(failed.message, "Nothing was changed; the next run tries again.") from failed
        except RefusedError as error:
            raise error.refusal.error(is_write=False, email=self._login.email, title=title) from error

    def write(
        self,
        send: Callable[[HTTPClient], Any],
        understand: Callable[[Any], T],
        title: str | None = None,
        *,
        is_ageing: bool = False,
        has_token: bool = False,
    ) -> T:
        """Send a write, again only as long as it is certain that it was not carried out.

        `is_ageing`: what is written holds for a moment only, so there is no long wait. `has_token`: its first request leaves a
        commit token. The rest is as in `read`.

        Raises:
            UnclearOutcomeError: it was sent, and no answer told what became of it.
            UnavailableError: it was not carried out.
            WriteRefusedError, TokenUsedError, SheetError, LoginError: refused, nothing was written.
        """
        retrier = self._hasty if is_ageing else self._patient
        try:
            return retrier.call(lambda: self._try(send, understand), is_repeatable=False)
        except TryFailedError as failed:
            kind = UnclearOutcomeError if failed.may_have_landed else UnavailableError
            raise kind(failed.message, "The next run looks what is there and goes on.") from failed
        except RefusedError as error:
            raise error.refusal.error(is_write=True, email=self._login.email, title=title, has_token=has_token) from error

    def exchange(self, method: str, endpoint: str, params: Any, body: Any) -> requests.Response:
        """Send one request with a good token and return its answer; a refused token is replaced once.

        Raises:
            TryFailedError: there was no usable answer, and another try may get one.
            RefusedError: the answer is not 2xx.
        """
        url = self._base_url + endpoint.removeprefix(GOOGLE)
        token = self._login.token()
        response = self._send(method, url, params, body, token)
        if response.status_code == requests.codes.unauthorized:
            response = self._send(method, url, params, body, self._login.replace(token))
        if 200 <= response.status_code < 300:
            return response
        refusal = Refusal.read(response.status_code, response.content)
        self.quota_refusals += refusal.is_quota
        if not refusal.is_transient:
            raise RefusedError(refusal)
        wait_seconds = retry_after_seconds(response.headers.get("Retry-After"), self._clock.time())
        if refusal.is_quota and wait_seconds is None:
            wait_seconds = QUOTA_WAIT_SECONDS * (1 + self._clock.random() / 4)
        raise TryFailedError(
            f"Google Sheets did not answer as it should ({refusal.text}).",
            is_unclear=not refusal.is_quota,
            wait_seconds=wait_seconds,
        )

    def _try(self, send: Callable[[HTTPClient], Any], understand: Callable[[Any], T]) -> T:
        try:
            answer = send(self._gspread())
        except (ValueError, RecursionError) as error:
            # No JSON, or such as Python gives up on: numbers of thousands of digits, brackets without end.
            raise _not_understood("it is no JSON") from error
        try:
            return understand(answer)
        except BadAnswerError as error:
            raise _not_understood(str(error)) from error

    def _send(self, method: str, url: str, params: Any, body: Any, token: str) -> requests.Response:
        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            # Set as a login of its own: with none, requests would take one from `.netrc`.
            request.headers["Authorization"] = f"Bearer {token}"
            # Google packs its answers only for programs that say "gzip" here too (Sheets API, performance tips).
            request.headers["User-Agent"] = f"amo2gsheet/{__version__} (gzip)"
            return request

        self.request_count += 1
        timeout = READ_TIMEOUT_SECONDS if method == "get" else WRITE_TIMEOUT_SECONDS
        started = self._clock.monotonic()
        outcome = "no answer"
        try:
            response = self._gspread().session.request(
                method, url, params=params, json=body, auth=signed, timeout=timeout, allow_redirects=False
            )
            outcome = str(response.status_code)
        except (requests.RequestException, OSError) as error:
            told = f"There is no connection to Google Sheets ({type(error).__name__})."
            raise TryFailedError(told, is_unclear=not _is_surely_unsent(error)) from error
        finally:
            call = url.rpartition(self.spreadsheet_id)[2] or "/"
            milliseconds = (self._clock.monotonic() - started) * 1000
            _log.debug("sheets: %s %s: %s, %.0f ms", method.upper(), call, outcome, milliseconds, extra={"event": "request"})
        return response

    def _gspread(self) -> HTTPClient:
        if self._client is None:
            # Imported here: it takes a third of a second, which `--help` and an idle `pull` should not pay.
            from amo2gsheet.sheet.client import Client

            self._client = Client(self._new_session(), self.exchange)
        return self._client


def _not_understood(problem: str) -> TryFailedError:
    return TryFailedError(f"Google Sheets gave an answer that cannot be understood ({problem}).", is_unclear=True)


def _is_surely_unsent(error: Exception) -> bool:
    """Tell whether no connection was made, so that nothing can have been carried out."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError, ProxyError)) or "CERTIFICATE_VERIFY_FAILED" in str(error)
