"""Read a list that changes while it is read, and lose nothing. Knows neither HTTP nor leads, only pages.

amoCRM pages by number. Between two requests an edited entry moves to the end of the order by time, everything behind it moves up
one place, and one innocent entry falls between two pages. So page numbers are trusted only where time cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from amo2gsheet.amo.payload import Page
from amo2gsheet.amo.shape import PayloadError

PAGE_SIZE = 250
"""The most that amoCRM gives; more is cut down to it without a word. It may give less: only `next` tells where a list ends."""

_MOST_PASSES = 20
_MOST_PAGES = 10_000
_MOST_WAITS = 3

Params = list[tuple[str, "str | int"]]


class Listed(Protocol):
    """An entry of a list ordered by the time of its last change (Unix seconds)."""

    @property
    def id(self) -> int:
        """Its ID."""
        ...

    @property
    def updated_at(self) -> int:
        """When it was last changed."""
        ...


T = TypeVar("T", bound=Listed)


class FiltersOffError(Exception):
    """The answer holds entries outside the bounds asked for: this account ignores filters."""


class Listing(Generic[T]):
    """One list. `fetch` reads one page; `version` tells two versions of an entry apart; `is_wanted` chooses what is given.

    `server_time` is amoCRM's clock at the last answer (0: unknown), `sleep` waits.
    """

    def __init__(
        self,
        fetch: Callable[[Params], Page[T]],
        version: Callable[[T], Hashable],
        is_wanted: Callable[[T], bool],
        server_time: Callable[[], int],
        sleep: Callable[[float], None],
    ) -> None:
        self._fetch = fetch
        self._version = version
        self._is_wanted = is_wanted
        self._server_time = server_time
        self._sleep = sleep

    def oldest_first(self, since: int, params: Params) -> Iterator[list[T]]:
        """Read what changed at or after `since`, by time: each request asks for the first page after the last time seen.

        Entries only ever move to later times, so whatever happens between two requests, nothing is skipped. Each request asks
        from one second earlier than needed, because nobody says whether a bound itself belongs to the range. After each list
        every version older than the list's last one has been given. Only the versions of the last seconds are remembered.

        Raises:
            FiltersOffError: the account ignores the filter; the lists given so far are good.
            PayloadError: the answers make no sense as such a list.
        """
        start, seen = max(0, since - 1), dict[Hashable, int]()
        is_inclusive, read_second = False, -1
        while True:
            page = self._between(start, None, [("order[updated_at]", "asc"), *params], 1)
            yield from self._fresh(page.items, seen, since)
            if not page.has_next:
                return
            last = _last_in_order(page.items)
            is_inclusive |= any(entry.updated_at == start for entry in page.items)
            if last > start + 1:
                start = last - 1
            else:
                if read_second != last:
                    yield from self._whole_second(last, params, seen, since)
                read_second, start = last, last + 1 if is_inclusive else last
            seen = {version: time for version, time in seen.items() if time >= start}

    def newest_first(self, since: int, params: Params) -> Iterator[list[T]]:
        """Read what changed at or after `since` without any filter: page by page from the newest, until older than `since`.

        Entries edited meanwhile move to the front and push the others back, so entries repeat rather than vanish; but one moved
        to the trash pulls them up. So it is read again until a pass brings nothing new. What changes after the first page was
        read belongs to the next run.

        Raises:
            PayloadError: the answers make no sense as such a list.
        """
        seen: dict[Hashable, int] = {}
        newest: int | None = None
        for _ in range(_MOST_PASSES):
            page_count, is_news = 0, False
            for page in self._pages(lambda number: self._fetch([("order[updated_at]", "desc"), *params, *_paging(number)])):
                page_count += 1
                upper = newest = max((entry.updated_at for entry in page.items), default=0) if newest is None else newest
                for fresh in self._fresh([entry for entry in page.items if entry.updated_at <= upper], seen, since):
                    is_news = True
                    yield fresh
                if page.has_next and _last_in_order(page.items, descending=True) < since:
                    break
            if page_count == 1 or not is_news:
                return
        raise PayloadError("", f"brought something new in each of {_MOST_PASSES} passes")

    def _whole_second(self, second: int, params: Params, seen: dict[Hashable, int], since: int) -> Iterator[list[T]]:
        """Read a second that holds more entries than a page (a mass edit): here only page numbers are left.

        By ID, so that its entries keep their order. They can only leave the second, and what stands behind them moves up: read
        back from the last page to the first, whatever moves up has still to be read. Ends with a way back that brings nothing
        new, once the second is over.
        """
        asked = [("order[id]", "asc"), *params]
        waits = 0
        for _ in range(_MOST_PASSES):
            page_count, is_news = 0, False
            for page in self._pages(lambda number: self._between(second - 1, second + 1, asked, number)):
                page_count += 1
                yield from self._fresh(_of_second(page.items, second), seen, since)
            for number in range(page_count - 1, 0, -1):
                page = self._between(second - 1, second + 1, asked, number)
                for fresh in self._fresh(_of_second(page.items, second), seen, since):
                    is_news = True
                    yield fresh
            is_over = not 0 < self._server_time() <= second or waits == _MOST_WAITS
            if is_over and not is_news:
                return
            if not is_over:
                waits += 1
                self._sleep(1.0)
        raise PayloadError("", f"brought something new in each of {_MOST_PASSES} passes over one second")

    def _between(self, start: int, end: int | None, params: Params, number: int) -> Page[T]:
        """Read one page of what changed between two times; whether these themselves belong to it is anybody's guess."""
        bounds: Params = [("filter[updated_at][from]", start)]
        if end is not None:
            bounds.append(("filter[updated_at][to]", end))
        page = self._fetch([*bounds, *params, *_paging(number)])
        if any(entry.updated_at < start or (end is not None and entry.updated_at > end) for entry in page.items):
            raise FiltersOffError
        return page

    def _pages(self, read: Callable[[int], Page[T]]) -> Iterator[Page[T]]:
        before: list[Hashable] = []
        for number in range(1, _MOST_PAGES + 1):
            page = read(number)
            shown = [self._version(entry) for entry in page.items]
            if shown and shown == before:
                raise PayloadError("", f"repeats page {number - 1} as page {number}")
            yield page
            if not page.has_next:
                return
            before = shown
        raise PayloadError("", f"goes on after {_MOST_PAGES} pages")

    def _fresh(self, entries: Iterable[T], seen: dict[Hashable, int], since: int) -> Iterator[list[T]]:
        """One list of what was not given yet, or none."""
        fresh = []
        for entry in sorted(entries, key=lambda entry: (entry.updated_at, entry.id)):
            if entry.updated_at >= since and self._is_wanted(entry) and (version := self._version(entry)) not in seen:
                seen[version] = entry.updated_at
                fresh.append(entry)
        if fresh:
            yield fresh


def _paging(number: int) -> Params:
    return [("page", number), ("limit", PAGE_SIZE)]


def _of_second(entries: Iterable[T], second: int) -> list[T]:
    return [entry for entry in entries if entry.updated_at == second]


def _last_in_order(entries: list[T], *, descending: bool = False) -> int:
    """The time at the end of a page on which all that follows depends; the order asked for may have been ignored."""
    times = [entry.updated_at for entry in entries]
    if not times:
        raise PayloadError("", "shows nothing though it names a next page")
    if times != sorted(times, reverse=descending):
        raise PayloadError("", "is not in the order asked for")
    return times[-1]
