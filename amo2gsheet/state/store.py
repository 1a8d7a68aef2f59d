"""The state as the rest of the program knows it: one file, opened once a run. Decides nothing about leads."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path
from types import TracebackType

from amo2gsheet.filelock import Clock
from amo2gsheet.state import schema
from amo2gsheet.state.database import Database, OnStep, open_memory
from amo2gsheet.state.imports import ImportsPart
from amo2gsheet.state.leads import LeadsPart
from amo2gsheet.state.opening import Found, mark_for_check, open_or_make, open_to_read
from amo2gsheet.state.part import RandomBytes
from amo2gsheet.state.problems import damaged, translated
from amo2gsheet.state.summary import SummaryPart
from amo2gsheet.state.takeover import TakeoverPart
from amo2gsheet.state.waiting import WaitingPart

BUSY_SECONDS = 10.0
"""How long a write waits for another process (an import beside a pull) before the state counts as locked."""


class StateStore(LeadsPart, SummaryPart, WaitingPart, TakeoverPart, ImportsPart):
    """Everything that is remembered between runs. Holds no secret.

    A write outside of `transaction()` commits by itself. Every error of the database leaves as StateError. `was_damaged` is where
    a damaged file was put when a new state had to be begun at this opening.
    """

    def __init__(
        self, database: Database, clock: Clock, random_bytes: RandomBytes = os.urandom, was_damaged: Path | None = None
    ) -> None:
        super().__init__(database, clock, random_bytes)
        self.was_damaged = was_damaged

    @classmethod
    def open(
        cls, path: Path, clock: Clock, *, busy_seconds: float = BUSY_SECONDS, random_bytes: RandomBytes = os.urandom
    ) -> StateStore:
        """Open the state, or begin one where there is none; a damaged file is set aside first.

        Raises:
            StateError: it cannot be used: not writable, disk full, locked, another program's or a later release's.
        """
        opened = open_or_make(path, clock, busy_seconds, partial(_seed, clock=clock, random_bytes=random_bytes))
        database = Database(opened.connection, str(opened.path), partial(mark_for_check, opened.path))
        return cls(database, clock, random_bytes, opened.was_damaged)

    @classmethod
    def open_readonly(cls, path: Path, clock: Clock) -> StateStore | None:
        """Open the state to look at it; None: there is none. Writes nothing, takes no lock.

        Raises:
            StateError: it cannot be read, is damaged, or is no state.
        """
        found, connection = open_to_read(path, clock)
        if found is Found.DAMAGED:
            raise damaged(str(path))
        if connection is None:
            return None
        store = cls(Database(connection, str(path)), clock)
        if found is Found.SOUND:
            return store
        with store:
            return store.scratch()

    @classmethod
    def open_scratch(cls, path: Path, clock: Clock, *, random_bytes: RandomBytes = os.urandom) -> StateStore:
        """What `open` would give, in memory: for a dry run, which writes to no file and sets nothing aside.

        `was_damaged` names the damaged file where it stands.

        Raises:
            StateError: it cannot be read, or is no state.
        """
        found, connection = open_to_read(path, clock)
        if connection is None:
            was_damaged = path if found is Found.DAMAGED else None
            return cls._in_memory(open_memory(), str(path), clock, random_bytes, was_damaged)
        with cls(Database(connection, str(path)), clock, random_bytes) as store:
            return store.scratch()

    def scratch(self) -> StateStore:
        """A copy in memory with all that is in here now: writes to it touch no file."""
        connection = open_memory()
        self._database.copy_to(connection)
        return self._in_memory(connection, self._database.place, self._clock, self._random_bytes, self.was_damaged)

    @property
    def on_step(self) -> OnStep | None:
        """Called with "before commit" and "after commit" around every commit, so that a test can stop the run there."""
        return self._database.on_step

    @on_step.setter
    def on_step(self, on_step: OnStep | None) -> None:
        self._database.on_step = on_step

    def close(self) -> None:
        """Close the file. Safe to repeat."""
        self._database.close()

    def __enter__(self) -> StateStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @classmethod
    def _in_memory(
        cls, connection: sqlite3.Connection, place: str, clock: Clock, random_bytes: RandomBytes, was_damaged: Path | None
    ) -> StateStore:
        with translated(place):
            connection.execute("PRAGMA foreign_keys = ON")
            schema.migrate(connection)
            _seed(connection, clock=clock, random_bytes=random_bytes)
        return cls(Database(connection, place), clock, random_bytes, was_damaged)


def _seed(connection: sqlite3.Connection, *, clock: Clock, random_bytes: RandomBytes) -> None:
    """Name a new state, and note that it was sound when it was made. Safe to repeat."""
    connection.executemany(
        "INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)",
        [("state_id", random_bytes(16).hex()), ("checked_at", repr(clock.time()))],
    )
