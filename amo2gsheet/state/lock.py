"""The locks of the commands that write, beside the state. Opens no database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from amo2gsheet.filelock import Clock, FileLock
from amo2gsheet.state.problems import missing_folder, translated


class RunLock(FileLock):
    """The lock that `pull` and `push` share, for the state at `path`; `for_import` is the one of `import-xlsx`.

    A state that is reached by two names (a link) has one lock.
    """

    def __init__(self, path: Path, suffix: str = ".lock", held_by: str = "another run of `pull` or `push`") -> None:
        self.state_path = Path(os.path.realpath(path))
        super().__init__(self.state_path.with_name(self.state_path.name + suffix), held_by)

    @classmethod
    def for_import(cls, path: Path) -> RunLock:
        """The lock of `import-xlsx`, which may run beside `pull` and `push`."""
        return cls(path, ".import.lock", "another run of `import-xlsx`")

    def acquire(self, wait_seconds: float, clock: Clock, on_wait: Callable[[], None] | None = None) -> None:
        """Take the lock, waiting at most `wait_seconds`; `on_wait` is called once, before the first wait.

        Raises:
            LockedError: another run held it all that time.
            StateError: the lock file cannot be made or locked.
        """
        with translated(str(self.path)):
            try:
                super().acquire(wait_seconds, clock, on_wait)
            except FileNotFoundError as error:
                raise missing_folder(self.state_path) from error
