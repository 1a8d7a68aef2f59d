"""Open the state's file, make it, or set a damaged one aside. Knows no content but what opening needs."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.filelock import Clock, FileLock
from amo2gsheet.state import schema
from amo2gsheet.state.database import open_file
from amo2gsheet.state.problems import foreign_database, is_damage, missing_folder, not_writable, too_new, translated

CHECK_SECONDS = 24 * 3600
"""How long a file that passed the check is trusted while its runs end cleanly.

`quick_check` reads every page: half a second for 100,000 leads, too much for a run that only finds that nothing changed.
"""

OPENING_LOCK_SECONDS = 30
READING_BUSY_SECONDS = 5
FOLLOWERS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; useless, or harmful, beside any other one."""

Seed = Callable[[sqlite3.Connection], None]
"""Called on a database whose tables are new, to put in what it begins with."""


class Found(Enum):
    """What stands at the path of the state."""

    SOUND = "sound"
    MISSING = "missing"
    DAMAGED = "damaged"
    OLD = "old"
    """Sound, with the tables of an earlier release or none at all."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file; `was_damaged` is where the one before it was put."""

    path: Path
    connection: sqlite3.Connection
    was_damaged: Path | None


def open_or_make(path: Path, clock: Clock, busy_seconds: float, seed: Seed) -> Opened:
    """Open the state for reading and writing; where there is none or a damaged one, make a new one (0600).

    Raises:
        StateError: it cannot be used.
    """
    path = Path(os.path.realpath(path))
    with translated(str(path)):
        _require_writable(path)
        found, connection = _look(path, clock, busy_seconds)
        if connection is not None and found is Found.SOUND:
            return Opened(path, _tuned(connection, path), None)
        if connection is not None:
            connection.close()
        with ExitStack() as undo:
            with _alone(path, clock):
                opened = _make(path, clock, busy_seconds, seed)
                undo.callback(opened.connection.close)
            undo.pop_all()
        return opened


@contextmanager
def _alone(path: Path, clock: Clock) -> Iterator[None]:
    """Two runs that find no state at the same time must not both make one, nor one set aside what the other has just made."""
    with FileLock(_beside(path, ".opening.lock"), "another run that prepares the state") as lock:
        lock.acquire(OPENING_LOCK_SECONDS, clock)
        try:
            yield
        finally:
            # Needed once in the life of a state; whoever waits for it notices that its file is gone, and takes a new one.
            lock.path.unlink(missing_ok=True)


def open_to_read(path: Path, clock: Clock) -> tuple[Found, sqlite3.Connection | None]:
    """Open the state without changing anything on the disk; with a connection where it is sound or old.

    Raises:
        StateError: it cannot be read, or is no state.
    """
    path = Path(os.path.realpath(path))
    with translated(str(path)):
        return _look(path, clock, READING_BUSY_SECONDS, is_reading=True)


def mark_for_check(path: Path) -> None:
    """Leave a note beside the state that the next opening must check it to the ground. Never fails.

    The note cannot be in the state itself: a torn file may refuse that write, or lose it.
    """
    with suppress(OSError):
        _check_note(path).touch(0o600)


def _require_writable(path: Path) -> None:
    if not path.parent.is_dir():
        raise missing_folder(path)
    for what in (path.parent, path):
        if what.exists() and not os.access(what, os.W_OK):
            raise not_writable(path, what)


def _make(path: Path, clock: Clock, busy_seconds: float, seed: Seed) -> Opened:
    """Do what is needed to have a sound file, under the opening lock."""
    found, connection = _look(path, clock, busy_seconds)
    aside = _set_aside(path, clock) if found is Found.DAMAGED else None
    if connection is None:
        _create(path, seed)
        connection = open_file(path, "rw", busy_seconds)
    _prepare(connection, seed)
    return Opened(path, _tuned(connection, path), aside)


def _look(path: Path, clock: Clock, busy_seconds: float, *, is_reading: bool = False) -> tuple[Found, sqlite3.Connection | None]:
    """Find out what stands at the path; with a connection where it is a state that this release can use."""
    if not path.exists():
        return Found.MISSING, None
    # A state is never empty, not even for a moment: it is made under another name.
    if path.is_file() and path.stat().st_size == 0:
        return Found.DAMAGED, None
    connection = open_file(path, _reading_mode(path) if is_reading else "rw", busy_seconds)
    found = None
    try:
        found = _judge(connection, path, clock, is_reading=is_reading)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        found = Found.DAMAGED
    finally:
        if found in (None, Found.DAMAGED):
            connection.close()
    return found, None if found is Found.DAMAGED else connection


def _judge(connection: sqlite3.Connection, path: Path, clock: Clock, *, is_reading: bool) -> Found:
    if is_reading:
        connection.execute("PRAGMA query_only = 1")
    if schema.is_blank(connection):
        return Found.OLD
    if schema.application_id(connection) != schema.APPLICATION_ID:
        raise foreign_database(str(path))
    _require_known(connection, path)
    if not _is_sound(connection, path, clock, is_reading=is_reading):
        return Found.DAMAGED
    return Found.SOUND if schema.version(connection) == len(schema.MIGRATIONS) else Found.OLD


def _require_known(connection: sqlite3.Connection, path: Path) -> None:
    version = schema.version(connection)
    if version > len(schema.MIGRATIONS):
        raise too_new(str(path), version, len(schema.MIGRATIONS))


def _is_sound(connection: sqlite3.Connection, path: Path, clock: Clock, *, is_reading: bool) -> bool:
    """Check the file where there is reason to: an error in an earlier run, a last run not ended cleanly, a day gone by."""
    note = _check_note(path)
    is_noted = note.exists()
    if not (is_noted or _is_check_due(connection, clock)):
        return True
    check = "integrity_check" if is_noted else "quick_check"
    if connection.execute(f"PRAGMA {check}(1)").fetchone()[0] != "ok":
        return False
    if not is_reading:
        connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('checked_at', ?)", (repr(clock.time()),))
        note.unlink(missing_ok=True)
    return True


def _is_check_due(connection: sqlite3.Connection, clock: Clock) -> bool:
    checked = connection.execute("SELECT CAST(value AS REAL) FROM meta WHERE key = 'checked_at'").fetchone()
    if checked is None or not 0 <= clock.time() - checked[0] < CHECK_SECONDS:
        return True
    last = connection.execute("SELECT exit_code FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    return last is not None and last[0] in (None, ExitCode.BUG, ExitCode.UNUSABLE_STATE)


def _tuned(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Set what a connection that writes needs; closes it when that fails."""
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = WAL")
        # A backfill makes the log large once; it need not stay so.
        connection.execute("PRAGMA journal_size_limit = 16777216")
        # A person may have copied the file here with wider rights.
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, seed: Seed) -> None:
    """Bring the tables up to date; closes the connection when that fails. Safe to repeat."""
    try:
        schema.migrate(connection)
        seed(connection)
    except BaseException:
        connection.close()
        raise


def _create(path: Path, seed: Seed) -> None:
    """Make the file whole under another name and give it its name last, so that no kill leaves half of one."""
    draft = _beside(path, ".new")
    # A log that outlived its database would be played into the new one.
    for name in (draft, *_followers(draft), *_followers(path)):
        name.unlink(missing_ok=True)
    # SQLite gives its files beside the database the same mode.
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(open_file(draft, "rw", busy_seconds=0)) as connection:
            _prepare(connection, seed)
            _tuned(connection, draft)
        draft.rename(path)
    except BaseException:
        for name in (draft, *_followers(draft)):
            with suppress(OSError):
                name.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _set_aside(path: Path, clock: Clock) -> Path:
    """Give a damaged file, and what SQLite kept beside it, another name."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock.time()))
    aside = _beside(path, f".damaged-{stamp}")
    number = 2
    while aside.exists():
        aside = _beside(path, f".damaged-{stamp}-{number}")
        number += 1
    for follower in _followers(path):
        if follower.exists():
            follower.rename(aside.with_name(aside.name + follower.name[len(path.name) :]))
    path.rename(aside)
    _check_note(path).unlink(missing_ok=True)
    return aside


def _reading_mode(path: Path) -> str:
    """How to read and leave no trace.

    With a log beside the file a read-only connection leaves both as they are. Without one it would leave an empty log behind; a
    connection that may write takes it away again, and where the folder allows none, nobody else can be writing either.
    """
    if _beside(path, "-wal").exists():
        return "ro"
    return "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro&immutable=1"


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _followers(path: Path) -> list[Path]:
    return [_beside(path, suffix) for suffix in FOLLOWERS]


def _check_note(path: Path) -> Path:
    return _beside(path, ".check")
