"""Query strings as amoCRM reads them: PHP brackets, filters, pages, links. What is unknown is ignored, as there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from amo2gsheet.sandbox.amo_tables import Versioned

Node = Any
"""A string, or a dict of nodes by key: what PHP makes of a bracketed parameter."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_KEY = re.compile(r"\[([^\[\]]*)\]")

DEFAULT_LIMIT = 50


def php_query(pairs: Sequence[tuple[str, str]]) -> dict[str, Node]:
    """Read `a[b][]=1` as PHP does: nested dicts, `[]` counts on, a later scalar replaces an earlier one."""
    root: dict[str, Node] = {}
    for name, value in pairs:
        found = _NAME.match(name)
        if found is None:
            continue
        keys = [found.group(1), *_KEY.findall(found.group(2))]
        node = root
        for key in keys[:-1]:
            deeper = node.get(key or str(len(node)))
            if not isinstance(deeper, dict):
                deeper = {}
                node[key or str(len(node))] = deeper
            node = deeper
        node[keys[-1] or str(len(node))] = value
    return root


def branch(node: Node, *keys: str) -> Node:
    """The node below some keys, or None."""
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def texts(node: Node) -> list[str]:
    """A scalar or an array of scalars."""
    if isinstance(node, dict):
        return [value for value in node.values() if isinstance(value, str)]
    return [node] if isinstance(node, str) else []


def numbers(node: Node) -> list[int]:
    """The integers of a scalar or an array; what is no number is left out."""
    return [int(text) for text in texts(node) if re.fullmatch(r"-?\d{1,18}", text.strip())]


def number(node: Node) -> int | None:
    """One integer, or None."""
    found = numbers(node) if isinstance(node, str) else []
    return found[0] if found else None


def names(node: Node) -> frozenset[str]:
    """A comma list, as in `with`."""
    return frozenset(part.strip() for text in texts(node) for part in text.split(",") if part.strip())


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range of integers, both ends inclusive; None is open."""

    first: int | None = None
    last: int | None = None

    def holds(self, value: float | None) -> bool:
        """Whether a value lies in the range; an absent value does not."""
        if value is None:
            return False
        return (self.first is None or value >= self.first) and (self.last is None or value <= self.last)


def bounds(node: Node, kind: Literal["inclusive", "exclusive"]) -> Bounds | None:
    """Read `[from]`/`[to]`, or a scalar as that very number; None where neither is given."""
    exact = number(node)
    if exact is not None:
        return Bounds(exact, exact)
    first, last = number(branch(node, "from")), number(branch(node, "to"))
    if first is None and last is None:
        return None
    inward = 1 if kind == "exclusive" else 0
    return Bounds(None if first is None else first + inward, None if last is None else last - inward)


T = TypeVar("T")
V = TypeVar("V", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    number: int
    limit: int
    items: Sequence[T]
    has_next: bool


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page was asked for, the limit already clamped."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """How many entries stand before the page."""
        return (self.number - 1) * self.limit

    def page(self, entries: Sequence[T]) -> Page[T]:
        """Cut the page out of a whole list."""
        return self.cut(list(entries[self.offset : self.offset + self.limit + 1]))

    def cut(self, found: Sequence[T]) -> Page[T]:
        """Make the page of its entries and, where there is one, the entry after them."""
        return Page(self.number, self.limit, found[: self.limit], len(found) > self.limit)


def paging(query: Mapping[str, Node], cap: int) -> Paging:
    """Read `page` and `limit`; too large a limit is clamped without a word."""
    page, limit = number(query.get("page")), number(query.get("limit"))
    page = page if page is not None and page > 0 else 1
    limit = limit if limit is not None and limit > 0 else DEFAULT_LIMIT
    return Paging(page, min(limit, cap))


_ORDERS = ("updated_at", "created_at", "id")


def ordering(query: Mapping[str, Node]) -> tuple[str, bool]:
    """(key, whether descending); an unknown key or direction is ignored, the default is `updated_at` ascending."""
    asked = query.get("order")
    if isinstance(asked, dict):
        for key, direction in asked.items():
            if key in _ORDERS and direction in ("asc", "desc"):
                return key, direction == "desc"
    return "updated_at", False


def sorted_by(order: str, entries: Sequence[V], *, descending: bool) -> list[V]:
    """Sort a few entries as the list would."""
    return sorted(entries, key=lambda entry: (getattr(entry, order), entry.id), reverse=descending)


def matching(entries: Sequence[V], test: Callable[[V], bool] | None) -> list[V]:
    """The entries that pass; all where there is no test."""
    return list(entries) if test is None else [entry for entry in entries if test(entry)]


def page_of(walk: Any, test: Callable[[V], bool] | None, asked: Paging) -> Page[V]:
    """Cut a page out of a walk over the list without building the rest."""
    if test is None:
        return asked.cut(list(islice(walk.skipping(asked.offset), asked.limit + 1)))
    passing = (entry for entry in walk if test(entry))
    return asked.cut(list(islice(passing, asked.offset, asked.offset + asked.limit + 1)))


@dataclass(frozen=True, slots=True)
class Linker:
    """Absolute links that repeat the query."""

    host: str
    path: str
    pairs: tuple[tuple[str, str], ...]
    encoded: bool

    def page_links(self, page: Page[Any]) -> dict[str, dict[str, str]]:
        """`self`, and `next`, `first`, `prev` where there are such pages."""
        links = {"self": self._page(page.number, page.limit)}
        if page.has_next:
            links["next"] = self._page(page.number + 1, page.limit)
        if page.number > 1:
            links["first"] = self._page(1, page.limit)
            links["prev"] = self._page(page.number - 1, page.limit)
        return links

    def last_link(self, page: Page[Any], page_count: int) -> dict[str, str]:
        """The link of lists that know their length."""
        return self._page(page_count, page.limit)

    def _page(self, page_number: int, limit: int) -> dict[str, str]:
        rest = [(name, value) for name, value in self.pairs if name not in ("page", "limit")]
        pairs = [*rest, ("page", str(page_number)), ("limit", str(limit))]
        query = urlencode(pairs, quote_via=quote) if self.encoded else "&".join(f"{name}={value}" for name, value in pairs)
        return {"href": f"{self.host}{self.path}?{query}"}
