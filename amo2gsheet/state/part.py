"""What every part of the state stands on. Holds no table of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from amo2gsheet.filelock import Clock
from amo2gsheet.state.database import Database

RandomBytes = Callable[[int], bytes]
"""That many random bytes; `os.urandom` outside of tests."""


class Part:
    """The tools of the parts that make up the store."""

    def __init__(self, database: Database, clock: Clock, random_bytes: RandomBytes) -> None:
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes inside at once, or none of them when an exception leaves; inside another one, join that.

        Raises:
            StateError: it could not be begun or committed.
        """
        with self._database.transaction():
            yield
