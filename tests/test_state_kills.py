"""A child process is killed at every step of its work with the state; the next one finds all of a commit or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amo2gsheet.state import StateStore
from tests.conftest import REPOSITORY

WORK = """
import os, signal, sys, time
from pathlib import Path
from amo2gsheet.model import Base, CellBase, Stage, StatusBase
from amo2gsheet.state import StateStore, opening

kill_at = int(sys.argv[2])
steps = 0

def step(_=None):
    global steps
    steps += 1
    if steps == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

def stepping(function):
    def call(*values, **named):
        step()
        result = function(*values, **named)
        step()
        return result
    return call

opening.schema.migrate = stepping(opening.schema.migrate)
opening._create = stepping(opening._create)
Path.rename = stepping(Path.rename)
Path.unlink = stepping(Path.unlink)

with StateStore.open(Path(sys.argv[1]), time) as store:
    store.on_step = step
    if store.tab_id is None:
        store.follow_tab(7, "Sheet1")
    for batch in range(store.tracked_count() // 200, 4):
        with store.transaction():
            token = store.new_commit_token()
            store.add_intent("rows", {"batch": batch}, token)
            cells = {"field:1": CellBase("Ташкент" * 40, None)}
            status = StatusBase(Stage(1, 2), "Отказ", "Отказ")
            store.save_bases([Base(batch * 200 + number, status, cells) for number in range(200)])
            step()
            store.move_cursor("leads", batch)
print(steps)
"""


def work(path: Path, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, "-c", WORK, str(path), str(kill_at)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def contents(store: StateStore) -> tuple[list[int], int | None, list[int]]:
    """Leads, cursor, and the batches of the intents."""
    return store.all_lead_ids(), store.cursor("leads"), [intent.payload["batch"] for intent in store.open_intents()]


def after(batches: int) -> tuple[list[int], int | None, list[int]]:
    return list(range(batches * 200)), batches - 1 if batches else None, list(range(batches))


@pytest.mark.slow
def test_i2_killed_at_any_step_the_state_opens_whole_and_work_goes_on(tmp_path: Path) -> None:
    steps = int(work(tmp_path / "counted").stdout)
    assert steps > 20

    for kill_at in range(1, steps + 1):
        path = tmp_path / str(kill_at) / "state"
        path.parent.mkdir()
        assert work(path, kill_at).returncode == -signal.SIGKILL

        # First alone, as whoever opens it next; then the same work to its end.
        with StateStore.open(path, time) as store:
            assert store.was_damaged is None
            assert contents(store) in [after(batches) for batches in range(5)]
            assert store._database.rows("PRAGMA integrity_check") == [("ok",)]
        assert work(path).returncode == 0
        with StateStore.open(path, time) as store:
            assert contents(store) == after(4)
        assert {found.name for found in path.parent.iterdir()} <= {"state", "state.opening.lock"}


def test_i2_killed_in_the_middle_of_a_transaction_nothing_of_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "state"
    StateStore.open(path, time).close()
    # A following of the tab takes two steps, a batch three: the second batch dies between its writes.
    assert work(path, 6).returncode == -signal.SIGKILL
    left = {name: Path(f"{path}{name}").read_bytes() for name in ("", "-wal")}

    store = StateStore.open_readonly(path, time)
    assert store is not None
    with store:
        assert contents(store) == after(1)
    assert {name: Path(f"{path}{name}").read_bytes() for name in left} == left
    with StateStore.open(path, time) as store:
        assert (contents(store), store.was_damaged) == (after(1), None)
