"""Which consents were begun here a moment ago, and which codes were exchanged: a small file (0600) beside the token file.

It stands there and not in the state because it belongs to the login: who logs in anew may have another state, or none yet.
Holds no code, only digests.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path

from amo2gsheet.retry import Clock

logger = logging.getLogger(__name__)

CONSENT_SECONDS = 20 * 60
"""As long as amoCRM's code lives (developer documentation, OAuth 2.0), so no longer can a consent be used."""

_KEPT_CODES = 20


def _random_state() -> str:
    return secrets.token_urlsafe(24)


class Consents:
    """A file that is damaged, or that speaks of a time to come, counts as absent; one that cannot be written is warned of."""

    def __init__(self, path: Path, clock: Clock, new_state: Callable[[], str] = _random_state) -> None:
        self._path = path
        self._clock = clock
        self._new_state = new_state

    def begin(self) -> str:
        """A new `state`, remembered for twenty minutes, also for another process."""
        state = self._new_state()
        self._write({**self._read(), "states": {**self._states(), state: self._clock.time()}})
        return state

    def states(self) -> frozenset[str]:
        """The states of the last twenty minutes."""
        return frozenset(self._states())

    def note_exchanged(self, code: str, state: str | None) -> None:
        """Remember that this code has become a login; its consent is over, and its `state` with it."""
        codes = {**_times(self._read().get("codes")), _digest(code): self._clock.time()}
        kept = sorted(codes.items(), key=lambda one: one[1])[-_KEPT_CODES:]
        states = {one: at for one, at in self._states().items() if one != state}
        self._write({"states": states, "codes": dict(kept)})

    def was_exchanged(self, code: str) -> bool:
        """Whether this very code has become a login before."""
        return _digest(code) in _times(self._read().get("codes"))

    def _states(self) -> dict[str, float]:
        now = self._clock.time()
        return {state: at for state, at in _times(self._read().get("states")).items() if 0 <= now - at < CONSENT_SECONDS}

    def _read(self) -> Mapping[str, object]:
        try:
            stored = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def _write(self, stored: Mapping[str, object]) -> None:
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(stored, file)
            new.replace(self._path)
        except OSError as error:
            logger.warning(
                '"%s" cannot be written, so a later `auth --code` will not know this consent: %s',
                self._path,
                error,
                extra={"event": "unwritable"},
            )


def _times(stored: object) -> dict[str, float]:
    entries = stored.items() if isinstance(stored, dict) else ()
    return {str(key): float(at) for key, at in entries if isinstance(at, (int, float)) and not isinstance(at, bool)}


def _digest(code: str) -> str:
    return blake2b(code.encode(), digest_size=16).hexdigest()
