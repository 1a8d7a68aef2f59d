"""The token file: one access and refresh token, replaced as a whole or not at all. Asks nobody."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from amo2gsheet.exceptions import LoginError, StateError
from amo2gsheet.private_file import read_private

LOG_IN = 'Log in with `amo2gsheet auth`, or set AMO_LONG_LIVED_TOKEN to a token of the integration\'s "Keys" tab.'

_RESERVED_BYTES = 16 * 1024
"""More than any pair takes; written before a refresh, so that a full disk is met before the old token is spent."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login yields. Either may be "". `expires_at` is Unix time by this machine's clock, None where unknown."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: float | None = None


class TokenFile:
    """A JSON file (0600) with `access_token`, `refresh_token` and `expires_at`; the older tool's file lacks only the last.

    A link is followed, so that the file behind it is the one replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))

    def beside(self, suffix: str) -> Path:
        """The path of a companion of the file."""
        return self.path.with_name(f"{self.path.name}{suffix}")

    def read(self) -> TokenPair | None:
        """Read the pair; None: there is no file, or an empty one. From now on nobody but the file's owner may read it.

        Raises:
            LoginError: it cannot be read, or holds something else.
        """
        try:
            content = read_private(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LoginError(f'The token file "{self.path}" cannot be read: {error.strerror}.', LOG_IN) from error
        return self._parse(content) if content.strip() else None

    def _parse(self, content: bytes) -> TokenPair:
        try:
            stored = json.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            stored = None
        pair = _pair(stored) if isinstance(stored, dict) else None
        if pair is None:
            raise LoginError(f'The token file "{self.path}" holds no tokens.', f"{LOG_IN} `amo2gsheet auth` replaces the file.")
        return pair

    def reserve(self) -> None:
        """Make sure that a pair can be stored.

        Raises:
            StateError: it cannot.
        """
        self._write_new(b" " * _RESERVED_BYTES)

    def store(self, pair: TokenPair) -> None:
        """Replace the file; when this returns the pair has reached the disk, and at no moment is the file anything between.

        Raises:
            StateError: it cannot be written.
        """
        stored: dict[str, object] = {"access_token": pair.access_token, "refresh_token": pair.refresh_token}
        if pair.expires_at is not None:
            stored["expires_at"] = int(pair.expires_at)
        new = self._write_new(json.dumps(stored, indent=2).encode() + b"\n")
        try:
            new.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise self._unwritable(error) from error

    def _write_new(self, content: bytes) -> Path:
        """Write beside the file. What was reserved there is written over, not given back first."""
        new = self.beside(".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(content)
                file.flush()
                os.ftruncate(descriptor, len(content))
                os.fsync(descriptor)
        except OSError as error:
            raise self._unwritable(error) from error
        return new

    def _unwritable(self, error: OSError) -> StateError:
        return StateError(
            f'The token file "{self.path}" cannot be written: {error.strerror}.',
            "Make room, or give this user the right to write in its folder; AMO_TOKEN_STORE names another place.",
        )


def claims(token: str) -> Mapping[str, object]:
    """Read what a JWT says of itself; {} of what is none. Nothing is proved: amoCRM publishes no key for its signature."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def expiry(token: str) -> float | None:
    """Read `exp` of a JWT, Unix seconds by amoCRM's clock; None where it says none."""
    return _seconds(claims(token).get("exp"))


def usable(token: object) -> str:
    """The token without blanks around it; "" for what can be none: another type, or letters that no header carries."""
    text = token.strip() if isinstance(token, str) else ""
    return text if text.isascii() and text.isprintable() and " " not in text else ""


def _pair(stored: Mapping[str, object]) -> TokenPair | None:
    access, refresh = usable(stored.get("access_token")), usable(stored.get("refresh_token"))
    if not access and not refresh:
        return None
    return TokenPair(access, refresh, _seconds(stored.get("expires_at")) or expiry(access))


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e11:
        return None
    return float(value)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
