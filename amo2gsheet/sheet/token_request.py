"""Ask Google for an access token with a service account's key. Imported only when a new token is needed: google-auth is heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport import Response
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from amo2gsheet.exceptions import LoginError
from amo2gsheet.retry import TryFailedError

if TYPE_CHECKING:
    from amo2gsheet.sheet.login import ServiceKey

TIMEOUT_SECONDS = (10.0, 60.0)
LIFETIME_SECONDS = 3600.0
"""How long a token is good where the answer does not tell (Google identity documentation, OAuth 2.0 for service accounts)."""


class _Transport:
    """What google-auth sends through: one exchange, with time limits, without redirects, `.netrc` and tries of its own."""

    def __init__(self, session: requests.Session) -> None:
        self._request = Request(session)
        self.lifetime_seconds = LIFETIME_SECONDS

    def __call__(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> Response:
        """Send one request.

        Raises:
            TryFailedError: 5xx, 429, a redirect, or 200 without a token.
            google.auth.exceptions.TransportError: the connection failed.
        """
        options: dict[str, Any] = {"allow_redirects": False, "auth": _unchanged}
        response: Response = self._request(url, method, body, headers, timeout=TIMEOUT_SECONDS, **options)
        if response.status in (408, 429) or response.status >= 500 or 300 <= response.status < 400:
            raise _down(f"HTTP {response.status}")
        if response.status == 200:
            self.lifetime_seconds = _lifetime_of(response.data)
        return response


def ask_for_token(key: ServiceKey, scope: str, session: requests.Session) -> tuple[str, float]:
    """Return a new access token and for how many seconds it is good; asks once.

    Raises:
        TryFailedError: Google's token service did not answer as it should.
        LoginError: Google refuses the key, or the file holds no usable private key.
    """
    try:
        credentials = Credentials.from_service_account_info(dict(key.content), scopes=[scope])
    except (ValueError, TypeError, GoogleAuthError) as error:
        raise LoginError(
            f'The service-account key "{key.path}" holds no usable private key.', "Download the key anew and leave it as it is."
        ) from error
    transport = _Transport(session)
    try:
        credentials.refresh(transport)
    except RefreshError as error:
        raise _refused(key, str(error.args[0]) if error.args else "") from error
    except GoogleAuthError as error:
        raise _down(type(error.__cause__ or error).__name__) from error
    return str(credentials.token), transport.lifetime_seconds


def _down(what: str) -> TryFailedError:
    return TryFailedError(f"Google's token service did not answer as it should ({what}).", is_unclear=True)


def _lifetime_of(body: bytes) -> float:
    try:
        answer = json.loads(body)
        if not isinstance(answer["access_token"], str):
            raise TypeError("the token is no text")
        return float(answer.get("expires_in", LIFETIME_SECONDS))
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise _down("no token in the answer") from error


def _refused(key: ServiceKey, told: str) -> LoginError:
    text = told.casefold()
    if "short-lived" in text or "reasonable timeframe" in text:
        return LoginError(
            "Google refuses the login because this machine's clock is wrong.",
            "Set the clock: switch time synchronisation (NTP) on, for instance `timedatectl set-ntp true`.",
        )
    if "account not found" in text or "invalid_grant: not found" in text:
        return LoginError(
            f"Google knows no service account {key.email} (any more): it was deleted or disabled.",
            "Make a service account in the Google Cloud console, save its JSON key, and share the spreadsheet with its address.",
        )
    if "signature" in text:
        return LoginError(
            f"Google no longer accepts this key of {key.email}: it was revoked or replaced.",
            f'Make a new JSON key for the account in the Google Cloud console and save it as "{key.path}".',
        )
    return LoginError(
        f"Google refuses the key of {key.email}: {' '.join(told.split())[:200] or 'no reason given'}.",
        "Look at the service account in the Google Cloud console.",
    )


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand in for a login, so that requests does not look for one in `.netrc`."""
    return request
