"""Time that moves only when it is told to. Never waits, and never reads the machine's clock."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class VirtualClock:
    """A wall clock and a monotonic clock that stand still until somebody sleeps or advances them.

    `start` is the Unix time at which the wall clock begins. Each pair of `jumps` says after how many seconds of passed
    time the wall clock is put forward (or back, when negative) by how many seconds, as a time server or a person would
    do. Safe to share between threads.
    """

    def __init__(self, start: float, jumps: Iterable[tuple[float, float]] = ()) -> None:
        self._start = start
        self._passed = 0.0
        self._shift = 0.0
        self._jumps = sorted(jumps)
        self._lock = threading.Lock()

    def time(self) -> float:
        """Unix time as the wall clock shows it; goes back when the clock is put back."""
        with self._lock:
            due = sum(by for after, by in self._jumps if after <= self._passed)
            return self._start + self._passed + self._shift + due

    def monotonic(self) -> float:
        """Seconds since the clock was made; never goes back, whatever the wall clock does."""
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once.

        Raises:
            ValueError: `seconds` is negative, as with `time.sleep`.
        """
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        with self._lock:
            self._passed += seconds

    def advance(self, seconds: float) -> None:
        """Let the time pass; the same as `sleep`, said by a test instead of the program."""
        self.sleep(seconds)

    def jump(self, seconds: float) -> None:
        """Put the wall clock forward, or back when negative; no time passes."""
        with self._lock:
            self._shift += seconds
