"""One HTTP exchange of the sandbox: the words that both clouds and every transport share. No sockets here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. `path` is as sent (percent-encoded), `query` decoded pairs in order, header names in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the parsed body; raises ValueError where it is not JSON."""
        return json.loads(self.body)

    def first(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def all(self, name: str) -> list[str]:
        """Return every value of a query parameter, in order."""
        return [value for key, value in self.query if key == name]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the cloud answers."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Cloud(Protocol):
    """One of the two clouds: a pure function of its own memory and clock from a request to an answer."""

    def answer(self, request: Request) -> Answer:
        """Carry the request out, atomically, and answer it. Not thread-safe: the transport serialises."""
        ...
