"""What amoCRM shut the door for: remembered for a quarter of an hour, in which nothing is sent."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path

from amo2gsheet.amo.notes import Notes
from amo2gsheet.amo.tokens import LOG_IN
from amo2gsheet.exceptions import LoginError
from amo2gsheet.retry import Clock

STOP_SECONDS = 15 * 60


class BlockedError(LoginError):
    """The account or this machine's address is shut out; no other login would help."""


class Stops:
    """Remembers a block of the account and a refused login in a small file (0600), for every process that uses the token.

    A refused login is remembered together with a digest of what was refused, so that other settings or a new token are tried at
    once. A file that is damaged, or that speaks of a time to come, counts as absent.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._notes = Notes(path, "the next run will ask amoCRM again at once")
        self._clock = clock

    def check_block(self) -> None:
        """Let nothing pass while the account is blocked.

        Raises:
            BlockedError: it is.
        """
        left_seconds = self._left_seconds(self._notes.read().get("blocked_at"))
        if left_seconds > 0:
            raise blocked(left_seconds)

    def check_refusal(self, *login: str) -> None:
        """Let a login pass unless this very one was refused a moment ago.

        Raises:
            LoginError: it was.
        """
        stored = self._notes.read()
        left_seconds = self._left_seconds(stored.get("refused_at"))
        if left_seconds > 0 and stored.get("refused") == _digest(login):
            raise LoginError(
                f"amoCRM refused this login a moment ago; it is not tried again for {_minutes(left_seconds)}.",
                LOG_IN,
            )

    def note_block(self) -> None:
        """Remember that the account is blocked, from now on."""
        self._notes.write({**self._notes.read(), "blocked_at": self._clock.time()})

    def note_refusal(self, *login: str) -> None:
        """Remember that this login was refused now."""
        self._notes.write({**self._notes.read(), "refused_at": self._clock.time(), "refused": _digest(login)})

    def lift(self) -> None:
        """Forget both. Safe to repeat."""
        self._notes.path.unlink(missing_ok=True)

    def _left_seconds(self, since: object) -> float:
        if isinstance(since, bool) or not isinstance(since, (int, float)):
            return 0.0
        age = self._clock.time() - since
        return STOP_SECONDS - age if 0 <= age < STOP_SECONDS else 0.0


def blocked(left_seconds: float = STOP_SECONDS) -> BlockedError:
    """The error for a blocked account or address."""
    return BlockedError(
        f"amoCRM has shut out the account or this machine's address (403); nothing is sent for {_minutes(left_seconds)}.",
        "Its support lifts a block for too many requests, its administrator one by the list of allowed addresses. "
        "The first run after that tries again.",
    )


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _digest(login: tuple[str, ...]) -> str:
    return blake2b(json.dumps(login).encode(), digest_size=12).hexdigest()
