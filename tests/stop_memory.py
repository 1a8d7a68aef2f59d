"""What two processes share while one runs a command and the other is both clouds: the clock, and the count of the run's steps."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from amo2gsheet.sandbox.clock import VirtualClock
from tests.world import START

_SECONDS, _COUNTS = struct.Struct("d"), struct.Struct("qqq")
_SIZE = _SECONDS.size + _COUNTS.size


class Memory:
    """A small file that both processes have in their memory. Only one of them is at work at any moment."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), _SIZE)

    @property
    def seconds(self) -> float:
        """Time that has passed in this world."""
        found: float = _SECONDS.unpack_from(self._bytes)[0]
        return found

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        _SECONDS.pack_into(self._bytes, 0, seconds)

    @property
    def process_id(self) -> int:
        """The process that runs the command."""
        return self._counts()[0]

    def begin(self, process_id: int) -> None:
        """Note who runs the command; the steps are counted anew."""
        _COUNTS.pack_into(self._bytes, _SECONDS.size, process_id, 0, self._counts()[2])

    def arm(self, step: int) -> None:
        """Note at which step the process is to die; 0: at none."""
        _COUNTS.pack_into(self._bytes, _SECONDS.size, 0, 0, step)

    def count(self) -> bool:
        """Count one step; whether it is the one to die at."""
        process_id, taken, step = self._counts()
        _COUNTS.pack_into(self._bytes, _SECONDS.size, process_id, taken + 1, step)
        return taken + 1 == step

    def close(self) -> None:
        """Let go of the file."""
        self._bytes.close()

    def _counts(self) -> tuple[int, int, int]:
        found: tuple[int, int, int] = _COUNTS.unpack_from(self._bytes, _SECONDS.size)
        return found


class SharedClock(VirtualClock):
    """A virtual clock that both processes see, and both move."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        super().__init__(START)

    @property
    def _passed(self) -> float:
        return self._memory.seconds

    @_passed.setter
    def _passed(self, seconds: float) -> None:
        self._memory.seconds = seconds
