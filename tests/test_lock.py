"""The lock of the runs: exclusive, waited for within a limit, and gone with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode, LockedError, StateError
from amo2gsheet.filelock import FileLock
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import RunLock
from tests.conftest import REPOSITORY

HOLD = """
import sys, time
from pathlib import Path
from amo2gsheet.state import RunLock
with RunLock(Path(sys.argv[1])) as lock:
    lock.acquire(0, time)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1_750_000_000)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".amo2gsheet.sqlite3"


@contextmanager
def held_by_another_process(state: Path) -> Iterator[subprocess.Popen[str]]:
    """A child that holds the lock until its standard input ends."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child
        finally:
            child.kill()


class SteppingClock(VirtualClock):
    """Does something else the moment somebody sleeps."""

    def __init__(self, on_sleep: Callable[[VirtualClock], None]) -> None:
        super().__init__(1_750_000_000)
        self.on_sleep = on_sleep

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.on_sleep(self)


def is_free(state: Path, clock: VirtualClock) -> bool:
    with RunLock(state) as lock:
        try:
            lock.acquire(0, clock)
        except LockedError:
            return False
    return True


def test_a_lock_excludes_another_and_is_given_up(state: Path, clock: VirtualClock) -> None:
    with RunLock(state) as lock:
        lock.acquire(60, clock)
        assert not is_free(state, clock)

    assert is_free(state, clock)
    lock.release()


def test_a_lock_knows_whether_it_is_held(state: Path, clock: VirtualClock) -> None:
    lock = RunLock(state)
    known = [lock.is_held]
    with lock:
        lock.acquire(60, clock)
        known.append(lock.is_held)
    known.append(lock.is_held)

    assert known == [False, True, False]


def test_a_lock_can_be_given_up_and_taken_again(state: Path, clock: VirtualClock) -> None:
    lock = RunLock(state)
    for _ in range(3):
        lock.acquire(0, clock)
        assert not is_free(state, clock)
        lock.release()
        assert is_free(state, clock)


def test_taking_a_lock_twice_is_a_bug(state: Path, clock: VirtualClock) -> None:
    with RunLock(state) as lock:
        lock.acquire(0, clock)
        with pytest.raises(RuntimeError):
            lock.acquire(0, clock)


def test_the_lock_file_stays_and_is_for_its_owner_only(state: Path, clock: VirtualClock) -> None:
    before = os.umask(0)
    try:
        with RunLock(state) as lock:
            lock.acquire(0, clock)
    finally:
        os.umask(before)

    assert {found.name: stat.S_IMODE(found.stat().st_mode) for found in state.parent.iterdir()} == {f"{state.name}.lock": 0o600}


def test_another_process_holds_it_until_it_ends(state: Path, clock: VirtualClock) -> None:
    with held_by_another_process(state) as child:
        assert not is_free(state, clock)
        child.communicate("")

    assert is_free(state, clock)


def test_a_killed_process_leaves_no_lock(state: Path, clock: VirtualClock) -> None:
    with held_by_another_process(state) as child:
        child.send_signal(signal.SIGKILL)
        child.wait(30)

        assert is_free(state, clock)


def test_a_program_that_was_started_meanwhile_does_not_keep_the_lock(state: Path, clock: VirtualClock) -> None:
    lock = RunLock(state)
    lock.acquire(0, clock)
    code = "import sys; print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        lock.release()

        assert is_free(state, clock)
        child.kill()


def test_waiting_ends_at_its_limit_and_is_announced_once(state: Path, clock: VirtualClock) -> None:
    said: list[str] = []
    with held_by_another_process(state), pytest.raises(LockedError) as caught:
        RunLock(state).acquire(60, clock, lambda: said.append("waiting"))

    assert clock.monotonic() == pytest.approx(60)
    assert said == ["waiting"]
    assert caught.value.exit_code == ExitCode.LOCKED
    assert caught.value.message == f'Another run of `pull` or `push` holds the lock "{state}.lock"; waited 60 s for it.'


def test_a_wait_of_no_seconds_is_no_wait(state: Path, clock: VirtualClock) -> None:
    said: list[str] = []
    with held_by_another_process(state), pytest.raises(LockedError):
        RunLock(state).acquire(0, clock, lambda: said.append("waiting"))

    assert (clock.monotonic(), said) == (0, [])


def test_a_clock_that_is_put_forward_or_back_changes_no_wait(state: Path) -> None:
    clock = SteppingClock(lambda clock: clock.jump(-3600 if clock.monotonic() < 5 else 7200))
    with held_by_another_process(state), pytest.raises(LockedError):
        RunLock(state).acquire(10, clock)

    assert clock.monotonic() == pytest.approx(10)


def test_a_lock_that_becomes_free_is_taken_at_once(state: Path) -> None:
    other = RunLock(state)
    clock = SteppingClock(lambda _: other.release())
    other.acquire(0, clock)

    with RunLock(state) as lock:
        lock.acquire(60, clock)
        assert lock.is_held

    assert clock.monotonic() < 1


def test_a_lock_on_a_deleted_file_is_no_lock(state: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deletes the lock file between opening and locking: a third run would lock the new file beside us."""
    path = Path(f"{state}.lock")
    deleted: list[int] = []
    real = fcntl.flock

    def delete_first(descriptor: int, operation: int) -> None:
        if not deleted:
            deleted.append(os.fstat(descriptor).st_ino)
            path.unlink()
            path.touch()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    with RunLock(state) as lock:
        lock.acquire(0, clock)
        monkeypatch.undo()

        assert path.stat().st_ino != deleted[0]
        assert not is_free(state, clock)


def test_a_lock_file_that_vanishes_for_good_is_made_again(
    state: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(f"{state}.lock")
    calls: list[int] = []
    real = fcntl.flock

    def delete_first(descriptor: int, operation: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            path.unlink()
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", delete_first)
    with RunLock(state) as lock:
        lock.acquire(0, clock)

        assert (path.exists(), len(calls)) == (True, 2)


def test_an_import_has_a_lock_of_its_own(state: Path, clock: VirtualClock) -> None:
    with RunLock(state) as run, RunLock.for_import(state) as running_import:
        run.acquire(0, clock)
        running_import.acquire(0, clock)

        with pytest.raises(LockedError) as caught:
            RunLock.for_import(state).acquire(0, clock)

    assert "`import-xlsx`" in caught.value.message


def test_a_state_with_two_names_has_one_lock(state: Path, clock: VirtualClock, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(state)

    with RunLock(link) as lock:
        lock.acquire(0, clock)
        assert not is_free(state, clock)


def test_a_missing_folder_is_a_state_error(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(StateError) as caught:
        RunLock(tmp_path / "var" / "state").acquire(0, clock)

    assert caught.value.message == f'The folder "{tmp_path}/var" of the state "state" does not exist.'


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.ENOLCK])
def test_a_lock_file_that_cannot_be_made_is_a_state_error(
    number: int, state: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("amo2gsheet.filelock.os.open", refuse)
    with pytest.raises(StateError) as caught:
        RunLock(state).acquire(0, clock)

    assert f"{state}.lock" in caught.value.message


def test_the_bare_lock_leaves_the_naming_of_errors_to_its_user(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "missing" / "tokens.lock").acquire(0, clock)
    held, asking = FileLock(tmp_path / "tokens.lock"), FileLock(tmp_path / "tokens.lock", "another login")
    held.acquire(0, time)

    with held, pytest.raises(LockedError) as caught:
        asking.acquire(0, time)

    assert caught.value.message.startswith("Another login holds the lock")
