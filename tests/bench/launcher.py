"""Start programs and measure each: CPU seconds, wall seconds, peak memory. Knows nothing of what they do.

The kernel counts the memory of the process that starts a program to that program. So this one runs by itself and stays
small: the clouds of a case may hold a gigabyte, and its program is still measured alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.conftest import REPOSITORY


@dataclass(frozen=True, slots=True)
class Spent:
    """What one program used. Memory is in MiB, its highest resident set."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    exit_code: int
    stdout: str
    stderr: str


class Launcher:
    """Starts programs from a small process of its own, for as long as the `with` block lasts."""

    def __enter__(self) -> Launcher:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.launcher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._process.communicate()

    def run(self, words: Sequence[str], folder: Path, *, kill_after_seconds: float | None = None) -> Spent:
        """Run `python WORDS` in a folder to its end, or kill it after so long."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        pipe_in.write(json.dumps([list(words), str(folder), kill_after_seconds]) + "\n")
        pipe_in.flush()
        return Spent(**json.loads(pipe_out.readline()))


def _measured(words: Sequence[str], folder: str, kill_after_seconds: float | None) -> Mapping[str, object]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        begun = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        child = subprocess.Popen([sys.executable, *words], cwd=folder, stdout=out, stderr=error, env=environment)
        if kill_after_seconds is not None:
            _kill_later(child, kill_after_seconds)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, error):
            file.seek(0)
            texts.append(file.read().decode())
        return {
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "wall_seconds": seconds,
            "peak_mib": usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024),
            "exit_code": child.returncode,
            "stdout": texts[0],
            "stderr": texts[1],
        }


def _kill_later(child: subprocess.Popen[bytes], seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        # Not `poll`: that would take the end of the child away from `wait4`.
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.05)
    child.kill()


def _serve() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_measured(*json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
