"""A lock between processes that dies with its holder (`flock`). Knows nothing of what it guards."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from amo2gsheet.exceptions import LockedError

STEP_SECONDS = 0.2
"""How often a waiting process looks again; `flock` itself can only wait for ever or not at all."""


class Clock(Protocol):
    """Time as an argument; the module `time` is one."""

    def time(self) -> float:
        """Unix seconds by the wall clock, which people and time servers put forward and back."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class FileLock:
    """An exclusive lock on the file at `path`, which is made (0600) when it is missing and is left there.

    `held_by` says in messages who else can hold it ("another `pull` or `push`"). Two objects on one path exclude each other
    even in one process. Not inherited by programs that this one starts.
    """

    def __init__(self, path: Path, held_by: str = "another run of amo2gsheet") -> None:
        self.path = path
        self.held_by = held_by
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this very object holds the lock."""
        return self._descriptor is not None

    def acquire(self, wait_seconds: float, clock: Clock, on_wait: Callable[[], None] | None = None) -> None:
        """Take the lock, waiting at most `wait_seconds`; `on_wait` is called once, before the first wait.

        Raises:
            LockedError: it was still held by somebody else when the time was over.
            OSError: the lock file cannot be opened or locked.
            RuntimeError: this object holds it already.
        """
        if self.is_held:
            raise RuntimeError(f"the lock {self.path} is taken already")
        deadline = clock.monotonic() + wait_seconds
        has_waited = False
        while not self._try():
            left_seconds = deadline - clock.monotonic()
            if left_seconds <= 0:
                raise LockedError(
                    f'{_capitalised(self.held_by)} holds the lock "{self.path}"; waited {wait_seconds:g} s for it.',
                    "The lock is gone as soon as that run ends. The next timer tick tries again.",
                )
            if on_wait is not None and not has_waited:
                on_wait()
            has_waited = True
            clock.sleep(min(STEP_SECONDS, left_seconds))

    def release(self) -> None:
        """Give the lock up. Safe to repeat."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        """Take the lock if it is free.

        Whoever deletes the lock file while others have it open would let two runs in: one locks the deleted file, the next a
        new one. So a lock counts only while its file is still the one that the path names.
        """
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_same = _is_same_file(descriptor, self.path)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except BaseException:
                os.close(descriptor)
                raise
            if is_same:
                self._descriptor = descriptor
                return True
            os.close(descriptor)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
