"""A process that has loaded everything and forks one child for each command it is told: `python -m tests.stop_child`.

A line of JSON on stdin is one job, a line on stdout tells how its child ended. The child runs the program's own command line over
HTTP, on the clock that it shares with the clouds, and dies by SIGKILL at the step of this machine that the job names.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from amo2gsheet import cli, commands
from amo2gsheet.sync import desk
from tests.stop_memory import Memory, SharedClock
from tests.stop_steps import counted
from tests.world import RunClock

WRONG_STEP = 99
"""Exit code of a child that met another step than the one it was to die at."""


def _serve() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(job)
        status = os.waitpid(child, 0)[1]
        ended = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


def _run(job: dict[str, Any]) -> NoReturn:
    memory = Memory(Path(job["memory"]))
    # Before the run: a new clock begins at 0.
    passed = memory.seconds
    outside = commands.Outside(RunClock(SharedClock(memory)), "testhost")
    memory.seconds = passed
    memory.begin(os.getpid())
    commands.Outside.real = classmethod(lambda _cls: outside)  # type: ignore[method-assign, assignment]
    for name, size in job["sizes"].items():
        pytest.MonkeyPatch().setattr(desk, name, size)
    answer = os.open(job["answer"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(answer, 1)
    os.dup2(log, 2)

    def on_step(name: str) -> None:
        if memory.count():
            if job["name"] not in ("", name):
                os._exit(WRONG_STEP)
            os.kill(os.getpid(), signal.SIGKILL)

    code: Any = 1
    try:
        with counted(on_step):
            cli.main(job["arguments"])
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    _serve()
