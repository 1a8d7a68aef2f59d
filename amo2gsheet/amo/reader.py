"""Typed reads of amoCRM's routes: pages, all pages, one thing by its ID. A bad shape is an error here, never an empty answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from amo2gsheet.amo.answers import unreadable
from amo2gsheet.amo.http import API, AmoHttp
from amo2gsheet.amo.listing import PAGE_SIZE, Params
from amo2gsheet.amo.payload import Page, page
from amo2gsheet.amo.shape import PayloadError, identifier, mapping
from amo2gsheet.exceptions import UnreadableError

T = TypeVar("T")

ReadItem = Callable[[Mapping[str, object]], "T | None"]

_MOST_PAGES = 10_000


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn JSON of a wrong shape into an error that names the route.

    Raises:
        UnavailableError: it was of a wrong shape.
    """
    try:
        yield
    except PayloadError as error:
        raise unreadable("GET", f"{API}{path}", error) from error


class Reader:
    """Reads through one `AmoHttp`; every method raises what its `get` raises, and UnavailableError for a wrong shape.

    The shape of one entity asked for by its ID says nothing of others: it is an UnreadableError.
    """

    def __init__(self, http: AmoHttp) -> None:
        self._http = http

    def whole(self, path: str, read: Callable[[object], T], params: Params) -> T:
        """Read what is not a list."""
        body = self._http.get(path, params)
        with readable(path):
            return read(body)

    def page(self, path: str, key: str, read: ReadItem[T], params: Params) -> Page[T]:
        """Read one page of a list."""
        body = self._http.get(path, params)
        with readable(path):
            return page(body, key, read)

    def pages(self, path: str, key: str, read: ReadItem[T], params: Params, limit: int = PAGE_SIZE) -> Iterator[list[T]]:
        """Read all pages of a list, by number until no next one is named; how many entries a page holds tells nothing."""
        before: list[T] = []
        for number in range(1, _MOST_PAGES + 1):
            found = self.page(path, key, read, [*params, ("page", number), ("limit", limit)])
            with readable(path):
                if found.items and found.items == before:
                    raise PayloadError("", f"repeats page {number - 1} as page {number}")
            yield found.items
            if not found.has_next:
                return
            before = found.items
        with readable(path):
            raise PayloadError("", f"goes on after {_MOST_PAGES} pages")

    def all(self, path: str, key: str, read: ReadItem[T], params: Params, limit: int = PAGE_SIZE) -> list[T]:
        """Read a whole list at once."""
        return [item for items in self.pages(path, key, read, params, limit) for item in items]

    def one(self, path: str, entity_id: int, read: ReadItem[T], params: Params) -> T | None:
        """Read one entity by its ID; None: amoCRM says that there is none."""
        route = f"{path}/{entity_id}"
        body = self._http.get_one(route, params)
        if body is None:
            return None
        try:
            item = mapping(body)
            if identifier(item) != entity_id:
                raise PayloadError("id", "is another one than was asked for")
            return read(item)
        except PayloadError as error:
            told = unreadable("GET", f"{API}{route}", error)
            raise UnreadableError(told.message, told.hint) from error
