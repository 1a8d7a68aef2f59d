"""Turn the service account's key into a bearer token and keep it between runs. Asks for one only when none is good any more."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from amo2gsheet.exceptions import LoginError, UnavailableError
from amo2gsheet.private_file import read_private
from amo2gsheet.retry import Clock, Retrier, RetryPolicy, TryFailedError

if TYPE_CHECKING:
    import requests

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
RENEWAL_SECONDS = 300
"""A token that ends within so many seconds is replaced: a run must not outlive it in the middle."""

_LOOPBACK = ("localhost", "::1")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A service account's key file, checked to be one."""

    path: Path
    content: Mapping[str, Any]

    @property
    def email(self) -> str:
        """The address that the spreadsheet is shared with."""
        return str(self.content["client_email"])

    @property
    def key_id(self) -> str:
        """Which of the account's keys this is."""
        return str(self.content.get("private_key_id", ""))

    @classmethod
    def load(cls, path: Path) -> ServiceKey:
        """Read the key file.

        Raises:
            LoginError: it is missing, cannot be read, or is not the JSON key of a service account.
        """
        hint = "Save the JSON key of the service account there, or set GOOGLE_SERVICE_ACCOUNT_FILE to where it is."
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise LoginError(f'There is no service-account key "{path}".', hint) from error
        except OSError as error:
            raise LoginError(f'The service-account key "{path}" cannot be read: {error.strerror}.', hint) from error
        except (ValueError, RecursionError) as error:
            raise LoginError(f'The service-account key "{path}" is not JSON.', hint) from error
        if not isinstance(content, dict) or content.get("type") != "service_account":
            found = content.get("type") or next(iter(content), "nothing") if isinstance(content, dict) else "a list"
            raise LoginError(
                f'"{path}" is not the key of a service account but holds "{found}".',
                "Google Cloud console: IAM > Service accounts > Keys > Add key > JSON. An OAuth client's file will not do.",
            )
        missing = [name for name in ("client_email", "private_key", "token_uri") if not isinstance(content.get(name), str)]
        if missing:
            raise LoginError(f'The service-account key "{path}" lacks {", ".join(missing)}.', "Download the key anew.")
        if not _is_safe(content["token_uri"]):
            raise LoginError(
                f'The service-account key "{path}" asks for its token over an unsafe address.',
                'Its "token_uri" must begin with https://. Download the key anew.',
            )
        return cls(path, content)


@dataclass(frozen=True, slots=True)
class KeptToken:
    """An access token with what it was made for and from when to when it is good (Unix seconds)."""

    access_token: str
    made_at: float
    ends_at: float
    key_id: str
    client_email: str
    scope: str

    def is_good(self, now: float, key: ServiceKey) -> bool:
        """Tell whether the token is of this key and has some time left; a clock put back makes it doubtful, so not good."""
        is_ours = (self.key_id, self.client_email, self.scope) == (key.key_id, key.email, SCOPE)
        return is_ours and self.made_at <= now < self.ends_at - RENEWAL_SECONDS


class GoogleLogin:
    """The service account's bearer token. Kept in a 0600 file at `token_path`, which a second process may share."""

    def __init__(
        self,
        key_path: Path,
        token_path: Path,
        *,
        clock: Clock,
        new_session: Callable[[], requests.Session],
        policy: RetryPolicy | None = None,
    ) -> None:
        self._key_path = key_path
        self._token_path = token_path
        self._clock = clock
        self._retrier = Retrier(policy or RetryPolicy(), clock)
        self._new_session = new_session
        self._key: ServiceKey | None = None
        self._token: KeptToken | None = None

    @property
    def key(self) -> ServiceKey:
        """The key file, read at first use; LoginError where it is no service account's key."""
        if self._key is None:
            self._key = ServiceKey.load(self._key_path)
        return self._key

    @property
    def email(self) -> str:
        """The address that the spreadsheet is shared with; LoginError where the key cannot be read."""
        return self.key.email

    def token(self) -> str:
        """Return a token that is good for some minutes: the kept one, or a new one.

        Raises:
            LoginError: the key is missing, no key, or refused.
            UnavailableError: Google's token service does not answer.
        """
        now = self._clock.time()
        if self._token is None or not self._token.is_good(now, self.key):
            self._token = self._load()
        if self._token is None or not self._token.is_good(now, self.key):
            self._token = self._renew()
        return self._token.access_token

    def replace(self, refused: str) -> str:
        """Return another token than the one that Google refused: what another process has stored since, or a new one."""
        kept = self._load()
        if kept is not None and kept.access_token != refused and kept.is_good(self._clock.time(), self.key):
            self._token = kept
        else:
            self._token = self._renew()
        return self._token.access_token

    def renew(self) -> None:
        """Get a new token though the kept one is good: only that shows whether the key and this machine's clock still are.

        Raises:
            LoginError: the key is missing, no key, or refused.
            UnavailableError: Google's token service does not answer.
        """
        self._token = self._renew()

    def _renew(self) -> KeptToken:
        session = self._new_session()
        try:
            access_token, lifetime_seconds = self._retrier.call(lambda: self._ask(session), is_repeatable=True)
        except TryFailedError as failed:
            raise UnavailableError(failed.message, "Nothing was changed; the next run tries again.") from failed
        finally:
            session.close()
        now = self._clock.time()
        kept = KeptToken(access_token, now, now + lifetime_seconds, self.key.key_id, self.key.email, SCOPE)
        self._store(kept)
        return kept

    def _ask(self, session: requests.Session) -> tuple[str, float]:
        # Imported here: google-auth is slow to import, and a kept token serves most runs.
        from amo2gsheet.sheet.token_request import ask_for_token

        access_token, lifetime_seconds = ask_for_token(self.key, SCOPE, session)
        if not _is_usable(access_token):
            raise TryFailedError("Google's token service gave a token that is none.", is_unclear=True)
        return access_token, lifetime_seconds

    def _load(self) -> KeptToken | None:
        """Return the kept token; a missing or damaged file is none."""
        try:
            found = KeptToken(**json.loads(read_private(self._token_path)))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        is_whole = all(
            isinstance(value, (int, float) if name in ("made_at", "ends_at") else str) for name, value in asdict(found).items()
        )
        return found if is_whole and _is_usable(found.access_token) else None

    def _store(self, token: KeptToken) -> None:
        """Put the token into its file in one step; without the file each run asks for a token of its own, no more."""
        new = self._token_path.with_name(f"{self._token_path.name}.{os.getpid()}.new")
        try:
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(token), file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._token_path)
        except OSError as error:
            _log.warning(
                'The Google token cannot be kept in "%s": %s', self._token_path, error.strerror, extra={"event": "unwritable"}
            )
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)


def _is_usable(token: str) -> bool:
    """Whether a token can stand in a request's header."""
    return token.isascii() and token.isprintable() and token != ""


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme == "https" or (parts.scheme == "http" and (host in _LOOPBACK or host.startswith("127.")))
