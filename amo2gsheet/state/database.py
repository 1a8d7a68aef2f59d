"""One SQLite connection: statements, transactions, values as JSON. Knows no table."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from amo2gsheet.exceptions import StateError
from amo2gsheet.state.problems import translated

KEYS_PER_STATEMENT = 500
"""Keys looked up at once; older SQLite takes 999 values a statement."""

LARGEST_KEY = 2**63 - 1
"""SQLite's largest integer. A person can type a longer number into an ID cell; the state cannot know it."""

OnStep = Callable[[str], None]
"""Called with "before commit" and "after commit" around every commit."""


class Database:
    """A connection in autocommit mode. `place` names the file in messages, `on_damage` is told when its contents are torn."""

    def __init__(self, connection: sqlite3.Connection, place: str, on_damage: Callable[[], None] | None = None) -> None:
        self.place = place
        self.on_step: OnStep | None = None
        self._connection = connection
        self._on_damage = on_damage
        self._is_inside = False

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with translated(self.place, self._on_damage):
            return self._connection.execute(sql, _storable_row(parameters)).fetchall()

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query one by one, for many that need not all be held at once."""
        with translated(self.place, self._on_damage):
            yield from self._connection.execute(sql, _storable_row(parameters))

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def number(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """The one number that a query counts."""
        return int(self.rows(sql, parameters)[0][0])

    def rows_for(self, sql: str, keys: Iterable[int | str], parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query with `IN ({keys})` as its last condition, for any number of keys."""
        found: list[tuple[Any, ...]] = []
        for part in _parts(keys):
            found += self.rows(_with_marks(sql, part), [*parameters, *part])
        return found

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Carry out one statement and return how many rows it changed."""
        with self.transaction(), translated(self.place, self._on_damage):
            return self._connection.execute(sql, _storable_row(parameters)).rowcount

    def write_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out one statement for each row, in one transaction."""
        with self.transaction(), translated(self.place, self._on_damage):
            self._connection.executemany(sql, [_storable_row(row) for row in rows])

    def write_for(self, sql: str, keys: Iterable[int | str], parameters: Sequence[Any] = ()) -> None:
        """Carry out a statement with `IN ({keys})` as its last condition, for any number of keys, in one transaction."""
        with self.transaction():
            for part in _parts(keys):
                self.write(_with_marks(sql, part), [*parameters, *part])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside at once, or nothing of it when an exception leaves; inside another one, join that.

        Raises:
            StateError: it could not be begun or committed.
        """
        if self._is_inside:
            self._require_open()
            yield
            return
        self._run("BEGIN IMMEDIATE")
        self._is_inside = True
        try:
            yield
            self._step("before commit")
            self._run("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._is_inside = False
        self._step("after commit")

    def copy_to(self, target: sqlite3.Connection) -> None:
        """Copy the whole database, with what is not committed yet."""
        with translated(self.place, self._on_damage):
            self._connection.backup(target)

    def close(self) -> None:
        """Close the connection; what is not committed is gone. Safe to repeat."""
        with translated(self.place):
            self._connection.close()

    def _require_open(self) -> None:
        """On a full disk SQLite may roll the whole transaction back by itself; what follows must not be kept alone."""
        if not self._connection.in_transaction:
            raise StateError(f'An earlier write to the state "{self.place}" failed, so this one was left out.')

    def _run(self, sql: str) -> None:
        with translated(self.place, self._on_damage):
            self._connection.execute(sql)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            # The first error is the one to tell; closing the connection rolls back as well.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _step(self, name: str) -> None:
        if self.on_step is not None:
            self.on_step(name)


def to_json(value: Any) -> str:
    """A value as compact JSON that comes back exactly as it was: 1 is not 1.0, "007" is a text, integers of any size."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if _is_storable(text) else json.dumps(value, separators=(",", ":"))


def from_json(text: str) -> Any:
    """The value that `to_json` was given; tuples have become lists, and keys texts."""
    return json.loads(text)


def open_memory() -> sqlite3.Connection:
    """A database that is gone when it is closed."""
    return sqlite3.connect(":memory:", isolation_level=None)


def open_file(path: Path, mode: str, busy_seconds: float) -> sqlite3.Connection:
    """Open a database file that exists; `mode` is SQLite's: `rw`, `ro` or `ro&immutable=1`."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", timeout=busy_seconds, isolation_level=None, uri=True)


def _parts(keys: Iterable[int | str]) -> Iterator[list[int | str]]:
    known = [key for key in dict.fromkeys(keys) if isinstance(key, str) or abs(key) <= LARGEST_KEY]
    for start in range(0, len(known), KEYS_PER_STATEMENT):
        yield known[start : start + KEYS_PER_STATEMENT]


def _with_marks(sql: str, part: Sequence[int | str]) -> str:
    return sql.replace("{keys}", ",".join("?" * len(part)))


def _storable_row(row: Sequence[Any]) -> Sequence[Any]:
    """The row with half characters replaced: text cut off in the middle of an emoji, which amoCRM's JSON can carry."""
    if all(_is_storable(value) for value in row):
        return row
    return [
        value if _is_storable(value) else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in row
    ]


def _is_storable(value: Any) -> bool:
    if not isinstance(value, str) or value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
