"""At most seven requests in any second, over all processes that use one token. Sends nothing."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from amo2gsheet.exceptions import LockedError, UnavailableError
from amo2gsheet.filelock import FileLock
from amo2gsheet.retry import Clock

logger = logging.getLogger(__name__)

REQUESTS_PER_WINDOW = 7
"""amoCRM's limit for one integration and second (amoCRM developer documentation, API limits, 2026)."""

WINDOW_SECONDS = 1.05
"""A little more than the second of the limit: on their way, requests may move closer together."""

LONGEST_WAIT_SECONDS = 60.0
_LEAST_WAIT_SECONDS = 0.001
"""Rounding must not make a slot out of a wait of nothing."""

_LOCK_SECONDS = 5.0
_MOST_BYTES = 4096


class Bucket:
    """The times of the last requests, in a file that all processes share; each holds its lock only to read and write it.

    A file that is damaged, cannot be written or stays locked never stops anybody: this process then keeps the limit alone.
    `delay_seconds` is the least time between two requests of this process.
    """

    def __init__(self, path: Path, clock: Clock, delay_seconds: float) -> None:
        self._path = path
        self._clock = clock
        self._delay_seconds = delay_seconds
        self._last: float | None = None
        self._own: list[float] = []

    def wait_turn(self) -> None:
        """Wait until a request may leave now, and count it.

        Raises:
            UnavailableError: others used every slot for a whole minute.
        """
        started = self._clock.monotonic()
        if self._last is not None:
            self._sleep(self._last + self._delay_seconds - started)
        while True:
            wait_seconds = self._take_slot()
            if wait_seconds <= 0:
                break
            if self._clock.monotonic() - started > LONGEST_WAIT_SECONDS:
                raise UnavailableError(
                    f"Other programs used all of amoCRM's {REQUESTS_PER_WINDOW} requests a second for a minute.",
                    "The next timer tick tries again.",
                )
            self._sleep(wait_seconds)
        self._last = self._clock.monotonic()

    def _take_slot(self) -> float:
        """Count a request made now and return 0; or return the seconds until there is a slot."""
        lock = FileLock(self._path, "another amo2gsheet")
        try:
            lock.acquire(_LOCK_SECONDS, self._clock)
        except (LockedError, OSError) as error:
            logger.debug("the request times of other processes are not known: %s", error, extra={"event": "unwritable"})
            return self._slot_among(self._own)
        try:
            times = [*_read(self._path)]
            wait_seconds = self._slot_among(times)
            if wait_seconds <= 0:
                _write(self._path, times)
                self._own = times
            return wait_seconds
        finally:
            lock.release()

    def _slot_among(self, times: list[float]) -> float:
        """As `_take_slot`, on a list that it keeps short. Times to come are from before a restart: they count as long past."""
        now = self._clock.monotonic()
        times[:] = sorted(time for time in times if 0 <= now - time < WINDOW_SECONDS)
        if len(times) >= REQUESTS_PER_WINDOW:
            return max(times[-REQUESTS_PER_WINDOW] + WINDOW_SECONDS - now, _LEAST_WAIT_SECONDS)
        times.append(now)
        return 0.0

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.sleep(seconds)


def _read(path: Path) -> list[float]:
    try:
        with path.open("rb") as file:
            stored = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    times = stored if isinstance(stored, list) else []
    return [float(time) for time in times if isinstance(time, (int, float)) and abs(time) < 1e12]


def _write(path: Path, times: list[float]) -> None:
    """In place, for the file itself carries the lock; a torn write is a damaged file, which counts as an empty one."""
    content = json.dumps(times).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
        finally:
            os.close(descriptor)
    except OSError as error:
        logger.debug("the request times cannot be shared with other processes: %s", error, extra={"event": "unwritable"})
