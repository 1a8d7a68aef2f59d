"""Logging in to amoCRM: which token a request carries, and one refresh however many processes need it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from amo2gsheet.amo.answers import Answer, NotJsonError, parse, problem_of
from amo2gsheet.amo.stops import Stops
from amo2gsheet.amo.tokens import LOG_IN, TokenFile, TokenPair, expiry, usable
from amo2gsheet.amo.transport import Transport
from amo2gsheet.exceptions import LockedError, LoginError, StateError, UnavailableError
from amo2gsheet.filelock import FileLock
from amo2gsheet.retry import Clock, Retrier, TryFailedError

logger = logging.getLogger(__name__)

TOKEN_PATH = "/oauth2/access_token"

EARLY_SECONDS = 120.0
"""A token with less life than this is replaced before it is used, so that no run begins with a refusal."""

_YOUNG_SECONDS = 600.0
"""A token that is refused at this age was never any good."""

_LOCK_SECONDS = 150.0
"""How long another process may take for its refresh, retries included."""

_SETTINGS = "AMO_CLIENT_ID, AMO_CLIENT_SECRET and AMO_REDIRECT_URI must be those of the integration, letter by letter."
_NEW_TOKEN = "Make a new one on the integration's Keys tab, set it, and check it with `amo2gsheet auth`."
_NEW_CODE = "A code works once, and within 20 minutes: run `amo2gsheet auth`, consent again, and use the new one."

_HINTS: tuple[tuple[str, str, str], ...] = (
    ("authorization code has expired", "The authorisation code is older than 20 minutes.", _NEW_CODE),
    ("authorization code has been revoked", "The authorisation code was used already.", _NEW_CODE),
    ("cannot decrypt the authorization code", "That is no authorisation code.", _NEW_CODE),
    ("token has been revoked", "The refresh token was used already, or the integration was switched off.", LOG_IN),
    ("token has expired", "The refresh token is older than three months.", LOG_IN),
    ("invalid refresh token", "The stored refresh token is none.", LOG_IN),
    ("client_id", "amoCRM misses the integration's ID.", _SETTINGS),
    ("client_secret", "amoCRM misses the integration's secret key.", _SETTINGS),
    ("redirect", "The redirect address is not the integration's.", _SETTINGS),
    (
        "invalid account",
        "The integration belongs to another account.",
        "AMO_SUBDOMAIN must name the account that was logged in to.",
    ),
)
"""What the token endpoint's `hint` says in small letters → what it means, what to do. Its other texts are translated."""


@dataclass(frozen=True, slots=True)
class Login:
    """What the settings say about logging in; "" where nothing is set. The old tokens stand in for a missing token file."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    redirect_uri: str = ""
    long_lived_token: str = field(default="", repr=False)
    old_access_token: str = field(default="", repr=False)
    old_refresh_token: str = field(default="", repr=False)


class LoginRefusedError(LoginError):
    """The token endpoint itself said no."""


class CodeRefusedError(LoginRefusedError):
    """It said so of the authorisation code itself: another one may do."""


class Tokens:
    """Gives the access token, and a new one when amoCRM refuses it. A long-lived token comes first and is never refreshed."""

    def __init__(
        self,
        login: Login,
        file: TokenFile,
        transport: Transport,
        stops: Stops,
        retrier: Retrier,
        clock: Clock,
        on_secret: Callable[[str], None] = lambda secret: None,
    ) -> None:
        self._login = login
        self._file = file
        self._transport = transport
        self._stops = stops
        self._retrier = retrier
        self._clock = clock
        self._on_secret = on_secret
        self._pair: TokenPair | None = None
        self._has_come_early = False
        self._fresh = ""
        self._fresh_since = 0.0

    def access_token(self) -> str:
        """The token for the next request; replaced first when it is about to expire.

        Raises:
            LoginError: there is no login, or it was refused a moment ago.
        """
        if self._login.long_lived_token:
            token = usable(self._login.long_lived_token)
            if not token:
                raise LoginError("AMO_LONG_LIVED_TOKEN is no token: it holds blanks or letters that no token has.", _NEW_TOKEN)
            self._stops.check_refusal(self._login.long_lived_token)
            return token
        if self._pair is None:
            stored = self._stored()
            self._stops.check_refusal(*self._identity(stored))
            self._pair = stored
        pair = self._pair
        if not pair.access_token:
            return self._replaced("").access_token
        if pair.refresh_token and not self._has_come_early and self._is_near_expiry(pair):
            self._has_come_early = True
            try:
                pair = self._replaced(pair.access_token)
            except UnavailableError as error:
                logger.debug("the token stays in use until amoCRM refuses it: %s", error.message, extra={"event": "login"})
        return pair.access_token

    def after_refusal(self, refused: str) -> str:
        """The token to use in place of one that amoCRM refused: a newer one from the file, else a fresh one.

        Raises:
            LoginError: there is no way to a new token but a person.
            UnavailableError: amoCRM did not answer, or another process is still at it.
            StateError: the token file cannot be written.
        """
        if self._login.long_lived_token:
            self._stops.note_refusal(self._login.long_lived_token)
            raise LoginError("amoCRM refused AMO_LONG_LIVED_TOKEN: it has expired or was revoked.", _NEW_TOKEN)
        if refused == self._fresh and self._clock.monotonic() - self._fresh_since < _YOUNG_SECONDS:
            self._stops.note_refusal(*self._identity(self._stored()))
            raise LoginError(
                "amoCRM refused even the token that it had just given.",
                f"The integration may be switched off, or its user be gone. {LOG_IN}",
            )
        return self._replaced(refused).access_token

    def exchange_code(self, code: str) -> None:
        """Get tokens for an authorisation code and store them. Lifts what was remembered of a block or refusal.

        A code works once. When the answer was lost it is sent a second time, which tells whether the first was carried out.

        Raises:
            CodeRefusedError: the code is expired, used, or none.
            LoginError: amoCRM refused for another reason.
            UnavailableError: it did not answer.
            StateError: the token file cannot be written.
        """
        self._stops.lift()
        with self._locked():
            self._file.reserve()
            pair = self._requested({"grant_type": "authorization_code", "code": code})
            self._file.store(pair)
        self._pair = pair

    def _stored(self) -> TokenPair:
        pair = self._file.read()
        if pair is not None:
            return self._told(pair)
        login = self._login
        access, refresh = usable(login.old_access_token), usable(login.old_refresh_token)
        if access or refresh:
            return TokenPair(access, refresh, expiry(access))
        raise LoginError(f'There is no amoCRM login yet: "{self._file.path}" does not exist.', LOG_IN)

    def _told(self, pair: TokenPair) -> TokenPair:
        for secret in (pair.access_token, pair.refresh_token):
            self._on_secret(secret)
        return pair

    def _is_near_expiry(self, pair: TokenPair) -> bool:
        return pair.expires_at is not None and pair.expires_at - self._clock.time() < EARLY_SECONDS

    def _replaced(self, refused: str) -> TokenPair:
        """Under the lock: whoever had it before may have left a newer pair, and then there is nothing to do."""
        with self._locked():
            pair = self._stored()
            if pair.access_token and pair.access_token != refused:
                self._pair = pair
                return pair
            if not pair.refresh_token:
                self._stops.note_refusal(*self._identity(pair))
                raise LoginError("amoCRM refused the access token, and there is no refresh token.", LOG_IN)
            self._stops.check_refusal(*self._identity(pair))
            self._file.reserve()
            self._pair = self._refreshed(pair)
            return self._pair

    def _refreshed(self, pair: TokenPair) -> TokenPair:
        try:
            fresh = self._requested({"grant_type": "refresh_token", "refresh_token": pair.refresh_token})
        except LoginRefusedError:
            stored = self._file.read()
            if stored is not None and stored.refresh_token not in ("", pair.refresh_token):
                # A program that does not know the lock was faster; its pair is as good.
                return stored
            self._stops.note_refusal(*self._identity(pair))
            raise
        self._file.store(fresh)
        self._fresh = fresh.access_token
        self._fresh_since = self._clock.monotonic()
        return fresh

    def _requested(self, grant: Mapping[str, str]) -> TokenPair:
        """Ask the token endpoint. An unclear try is followed by one more: if the first was carried out, the second is refused."""
        body = {
            "client_id": self._login.client_id,
            "client_secret": self._login.client_secret,
            "redirect_uri": self._login.redirect_uri,
            **grant,
        }

        def send() -> TokenPair:
            return self._read(self._transport.send("POST", TOKEN_PATH, body=body))

        try:
            try:
                return self._retrier.call(send, is_repeatable=False)
            except TryFailedError as failed:
                if not failed.may_have_landed:
                    raise
                self._clock.sleep(1 + self._clock.random())
                return self._retrier.call(send, is_repeatable=False)
        except TryFailedError as failed:
            raise UnavailableError(
                f"amoCRM gave no new token. {failed.message}.", "The stored login was kept; the next run tries again."
            ) from failed

    def _read(self, answer: Answer) -> TokenPair:
        if answer.status == 200:
            pair = self._pair_of(answer)
            if pair is not None:
                return self._told(pair)
        problem = problem_of(answer)
        if answer.status in (400, 401) and problem is not None and not _is_passing(problem):
            raise _refused(problem)
        if 300 <= answer.status < 400 or (answer.status in (403, 404, 405) and problem is not None):
            raise UnavailableError(
                f"amoCRM has no token endpoint at {self._transport.base_url} ({answer.status}).",
                "AMO_SUBDOMAIN or AMO_BASE_URL must name the account's own address.",
            )
        is_turned_away = answer.status in (402, 429)
        raise TryFailedError(f"It answered {answer.request} with {answer.status}", is_unclear=not is_turned_away)

    def _pair_of(self, answer: Answer) -> TokenPair | None:
        try:
            body = parse(answer.body)
        except NotJsonError:
            return None
        if not isinstance(body, dict):
            return None
        access, refresh = usable(body.get("access_token")), usable(body.get("refresh_token"))
        if not access or not refresh:
            return None
        lifetime = body.get("expires_in")
        if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)) or not 0 < lifetime < 1e9:
            return TokenPair(access, refresh, expiry(access))
        # Measured by this machine's clock, so that a wrong one does no harm.
        return TokenPair(access, refresh, self._clock.time() + lifetime)

    def _identity(self, pair: TokenPair) -> tuple[str, ...]:
        """What a refusal is about: changed settings or another token deserve a new try."""
        login = self._login
        client = (self._transport.base_url, login.client_id, login.client_secret, login.redirect_uri)
        return (*client, pair.refresh_token or pair.access_token)

    def _locked(self) -> FileLock:
        lock = FileLock(self._file.beside(".lock"), "another amo2gsheet")
        try:
            lock.acquire(_LOCK_SECONDS, self._clock)
        except LockedError as error:
            raise UnavailableError("Another process is still waiting for a new amoCRM token.", error.hint) from error
        except OSError as error:
            raise StateError(
                f'The lock "{lock.path}" of the token file cannot be made: {error.strerror}.',
                "Give this user the right to write in that folder; AMO_TOKEN_STORE names another place.",
            ) from error
        return lock


def _is_passing(problem: Mapping[str, object]) -> bool:
    detail = problem.get("detail")
    return "hint" not in problem and isinstance(detail, str) and "повторите попытку" in detail.lower()


def _refused(problem: Mapping[str, object]) -> LoginRefusedError:
    hint = str(problem.get("hint", ""))
    for words, meaning, advice in _HINTS:
        if words in hint.lower():
            kind = CodeRefusedError if advice == _NEW_CODE else LoginRefusedError
            return kind(f"amoCRM refused the login. {meaning}", advice)
    if not hint:
        return LoginRefusedError("amoCRM refused the login. Most likely the integration's secret key is wrong.", _SETTINGS)
    shown = "".join(letter if letter.isprintable() else " " for letter in hint[:200])
    return LoginRefusedError(f'amoCRM refused the login: "{shown}".', f"{_SETTINGS} {LOG_IN}")
