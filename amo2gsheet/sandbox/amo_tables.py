"""One kind of entity as amoCRM keeps it: the current versions, and the list that is fed from them, perhaps late."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

_BULK = 1000
"""From so many changes on, sorting anew is cheaper than inserting one by one."""


class Versioned(Protocol):
    """An entity that lists are ordered by."""

    @property
    def id(self) -> int:
        """Its ID."""
        ...

    @property
    def created_at(self) -> int:
        """Unix seconds."""
        ...

    @property
    def updated_at(self) -> int:
        """Unix seconds."""
        ...


T = TypeVar("T", bound=Versioned)


class Table(Generic[T]):
    """Current versions by ID, and the list's own view of them, sorted by (updated_at, ID)."""

    def __init__(self) -> None:
        self.current: dict[int, T] = {}
        self._listed: dict[int, T] = {}
        self._before: dict[int, T] = {}
        self._keys: list[tuple[int, int]] = []
        self._pending: list[tuple[float, int, T | None]] = []
        self._by_creation: list[tuple[int, int]] | None = None

    def __copy__(self) -> Table[T]:
        twin: Table[T] = Table()
        twin.current = dict(self.current)
        twin._listed = dict(self._listed)
        twin._before = dict(self._before)
        twin._keys = list(self._keys)
        twin._pending = list(self._pending)
        twin._by_creation = self._by_creation
        return twin

    def put(self, version: T, at: float) -> None:
        """Store a version that came about at `at`."""
        self.current[version.id] = version
        self._pending.append((at, version.id, version))

    def drop(self, entity_id: int, at: float) -> T:
        """Take an entity away and return its last version."""
        last = self.current.pop(entity_id)
        self._pending.append((at, entity_id, None))
        return last

    def catch_up(self, until: float) -> None:
        """Let the list show what came about up to `until`."""
        due = [change for change in self._pending if change[0] <= until]
        if not due:
            return
        self._pending = [change for change in self._pending if change[0] > until]
        self._by_creation = None
        in_bulk = len(due) > _BULK
        for _, entity_id, version in due:
            self._apply(entity_id, version, sort=not in_bulk)
        if in_bulk:
            self._keys = sorted((version.updated_at, entity_id) for entity_id, version in self._listed.items())

    def _apply(self, entity_id: int, version: T | None, *, sort: bool) -> None:
        old = self._listed.pop(entity_id, None)
        if old is not None:
            self._before[entity_id] = old
            if sort:
                del self._keys[bisect_left(self._keys, (old.updated_at, entity_id))]
        if version is None:
            return
        self._listed[entity_id] = version
        if sort:
            insort(self._keys, (version.updated_at, entity_id))

    def listed(self, entity_id: int) -> T | None:
        """The version that lists show, or None."""
        return self._listed.get(entity_id)

    def previous(self, entity_id: int) -> T | None:
        """The version that lists showed before the present one, or None."""
        return self._before.get(entity_id)

    def in_order(self, order: str, first: int | None, last: int | None, *, descending: bool) -> Walk[T]:
        """Walk the list in an order (`updated_at`, `created_at` or `id`); `first` and `last` bound `updated_at`, inclusive."""
        if order != "updated_at":
            return Walk(self._listed, self._creation_keys(order), descending=descending)
        low = 0 if first is None else bisect_left(self._keys, (first, 0))
        high = len(self._keys) if last is None else bisect_right(self._keys, (last, _BEYOND))
        return Walk(self._listed, self._keys, low, max(low, high), descending=descending)

    def _creation_keys(self, order: str) -> list[tuple[int, int]]:
        if order == "id":
            return sorted((entity_id, entity_id) for entity_id in self._listed)
        if self._by_creation is None:
            self._by_creation = sorted((version.created_at, entity_id) for entity_id, version in self._listed.items())
        return self._by_creation


_BEYOND = 1 << 62
"""Larger than every ID."""


class Walk(Generic[T]):
    """A stretch of a list that can be jumped into."""

    def __init__(
        self,
        versions: dict[int, T],
        keys: Sequence[tuple[int, int]],
        low: int = 0,
        high: int | None = None,
        *,
        descending: bool,
    ) -> None:
        self._versions = versions
        self._keys = keys
        self._low = low
        self._high = len(keys) if high is None else high
        self._descending = descending

    def __iter__(self) -> Iterator[T]:
        return self.skipping(0)

    def skipping(self, count: int) -> Iterator[T]:
        """Walk on after the first `count` entries."""
        places = range(self._high - 1 - count, self._low - 1, -1) if self._descending else range(self._low + count, self._high)
        return (self._versions[self._keys[place][1]] for place in places)
