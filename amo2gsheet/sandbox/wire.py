"""What both transports agree on: how a request is read, and which headers an answer carries. No sockets here."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from amo2gsheet.sandbox.exchange import Answer, Request

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""What reaches a cloud; everything else is answered with 405 before any fault and is not counted."""

METHOD_NOT_ALLOWED = Answer(405, b"", {"Allow": ", ".join(sorted(METHODS))})


def request_of(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Request:
    """Build the request from its parts.

    `target` is path and query as sent. A header sent twice is joined by a comma.
    """
    parts = urlsplit(f"//host{target}" if target.startswith("/") else target)
    joined: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, parts.path or "/", query, joined, body)


def headers_of(answer: Answer) -> dict[str, str]:
    """The answer's headers, with the length of its whole body."""
    headers = dict(answer.headers)
    if has_body(answer):
        headers["Content-Length"] = str(len(answer.body))
    return headers


def has_body(answer: Answer) -> bool:
    """Whether HTTP allows this status a body at all."""
    return answer.status not in (204, 304)


def half_of(answer: Answer) -> bytes:
    """What arrives of a body whose connection is cut."""
    return answer.body[: len(answer.body) // 2]


def reason_of(status: int) -> str:
    """The words beside the number in the status line; empty where the number has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
