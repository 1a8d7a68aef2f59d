"""Tell whether two worlds are the same to the last byte: clouds, files, clock, and what is still under way.

In equal worlds everything that follows is equal too, for nothing in them is left to chance. So what the runs after a cut come to
needs to be played only once for each world.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Any

from amo2gsheet.sandbox.amo_tables import Table
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.sheets import SheetsCloud
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_grid import Tab
from tests.world import World

_NOT_OF_A_BOOK = ("keys", "record")
"""Where new numbers come from, which `Bench.go_back` sets, and the record of one change."""


def fingerprint(world: World) -> bytes:
    """What two worlds have in common when they are the same."""
    digest = blake2b(digest_size=16)
    amo = world.amo.snapshot()
    account = {name: vars(value) if isinstance(value, Table) else value for name, value in amo.account.items()}
    wires = [_under_way(wire) for wire in (world.amo_wire, world.sheets_wire)]
    parts = (account, amo.oauth, amo.knobs, amo.limits, _sheets(world.sheets), world.clock.time(), wires)
    digest.update(repr(parts).encode("utf-8", "surrogatepass"))
    for entry in sorted(os.scandir(world.folder), key=lambda entry: entry.name):
        digest.update(f"\n{entry.name}\n".encode())
        with open(entry.path, "rb") as file:
            digest.update(file.read())
    return digest.digest()


def _under_way(wire: Faulty) -> object:
    """The requests that are still to be carried out, how many requests from now, and whether a person is still to act."""
    late = [(number - wire.count, exchange.request) for number, exchange in wire._late]
    return late, wire.before_each is None


def _sheets(cloud: SheetsCloud) -> object:
    books = [_fields(book, tabs=[_fields(tab) for tab in book.tabs]) for book in cloud.books.values()]
    old = [(left, _fields(book, tabs=[_fields(tab) for tab in book.tabs])) for book, left in cloud._old.values() if left]
    return books, old, cloud.tokens, cloud.knobs


def _fields(thing: Book | Tab, **instead: object) -> dict[str, Any]:
    return {name: instead.get(name, getattr(thing, name)) for name in thing.__dataclass_fields__ if name not in _NOT_OF_A_BOOK}
