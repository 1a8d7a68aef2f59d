"""Which consents were begun here a moment ago, and which codes were exchanged: a small file (0600) beside the token file.

It stands there and not in the state because it belongs to the login: who logs in anew may have another state, or none yet.
Holds no code, only digests.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from amo2gsheet.amo.notes import Notes
from amo2gsheet.retry import Clock

CONSENT_SECONDS = 20 * 60
"""As long as amoCRM's code lives (developer documentation, OAuth 2.0), so no longer can a consent be used."""

_KEPT_CODES = 20


def _random_state() -> str:
    return secrets.token_urlsafe(24)


class Consents:
    """A file that is damaged, or that speaks of a time to come, counts as absent; one that cannot be written is warned of."""

    def __init__(self, path: Path, clock: Clock, new_state: Callable[[], str] = _random_state) -> None:
        self._notes = Notes(path, "a later `auth --code` will not know this consent")
        self._clock = clock
        self._new_state = new_state

    def begin(self) -> str:
        """A new `state`, remembered for twenty minutes, also for another process."""
        state = self._new_state()
        self._notes.write({**self._notes.read(), "states": {**self._states(), state: self._clock.time()}})
        return state

    def states(self) -> frozenset[str]:
        """The states of the last twenty minutes."""
        return frozenset(self._states())

    def note_exchanged(self, code: str, state: str | None) -> None:
        """Remember that this code has become a login; its consent is over, and its `state` with it."""
        codes = {**_times(self._notes.read().get("codes")), _digest(code): self._clock.time()}
        kept = sorted(codes.items(), key=lambda one: one[1])[-_KEPT_CODES:]
        states = {one: at for one, at in self._states().items() if one != state}
        self._notes.write({"states": states, "codes": dict(kept)})

    def was_exchanged(self, code: str) -> bool:
        """Whether this very code has become a login before."""
        return _digest(code) in _times(self._notes.read().get("codes"))

    def _states(self) -> dict[str, float]:
        now = self._clock.time()
        return {state: at for state, at in _times(self._notes.read().get("states")).items() if 0 <= now - at < CONSENT_SECONDS}


def _times(stored: object) -> dict[str, float]:
    entries = stored.items() if isinstance(stored, dict) else ()
    return {str(key): float(at) for key, at in entries if isinstance(at, (int, float)) and not isinstance(at, bool)}


def _digest(code: str) -> str:
    return blake2b(code.encode(), digest_size=16).hexdigest()
