"""Ctrl-C and SIGTERM end a run wherever it is; the journal makes every place a good one. Knows nothing of the run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

REPEAT_SECONDS = 0.5
"""One wish to stop can arrive twice: from the terminal and from a wrapper, or twice from `timeout`."""


class StopSignal(KeyboardInterrupt):
    """A signal asked this process to stop.

    No `Exception`: the parts take some of those for an answer of a cloud, and a stop is none.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class SignalWatch:
    """Turns the first signal into `StopSignal`, raised in the main thread; a later one ends the process at once."""

    def __init__(self, numbers: Sequence[int] = SIGNALS) -> None:
        self._numbers = numbers
        self._is_armed = False
        self._first_at: float | None = None
        self._is_postponed = False
        self._postponed: int | None = None

    def install(self) -> None:
        """Take over the signals, for good: until the process is gone, each must end it with the code of its kind.

        A signal that whoever started us had switched off (`nohup`, `&` in a script) stays so.
        """
        self._is_armed = True
        for number in self._numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._take)

    def disarm(self) -> None:
        """The work is over, and only its result is still to be told: let a first signal pass."""
        self._is_armed = False

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """Inside, a first signal has to wait: it is raised at the end, where nothing is cut in two."""
        self._is_postponed = True
        try:
            yield
        finally:
            self._is_postponed = False
        if self._postponed is not None:
            raise StopSignal(self._postponed)

    def _take(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
        if self._is_armed:
            self._is_armed = False
            if self._is_postponed:
                self._postponed = number
                return
            raise StopSignal(number)
        if now - self._first_at > REPEAT_SECONDS:
            os._exit(128 + number)
