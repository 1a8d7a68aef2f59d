"""Every error answer of amoCRM, with the bodies that were documented or seen. Shapes only, no rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.sandbox.exchange import Answer

HAL = "application/hal+json"
PROBLEM = "application/problem+json"

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that validation found: `path` in dot notation from the item's root."""

    code: str
    path: str
    detail: str

    def under(self, prefix: str) -> Problem:
        """The same problem, seen from further up."""
        return Problem(self.code, f"{prefix}.{self.path}" if self.path else prefix, self.detail)


class RefusedError(Exception):
    """Thrown inside a handler: the request ends with this answer and nothing was carried out."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def not_a_choice(path: str) -> Problem:
    """An unknown stage, user, field or option."""
    return Problem("NotSupportedChoice", path, "The value you selected is not a valid choice.")


def wrong_type(path: str, expected: str) -> Problem:
    """A value of another JSON type than `expected`."""
    return Problem("InvalidType", path, f"This value should be of type {expected}.")


def missing(path: str) -> Problem:
    """A required key that is not there."""
    return Problem("FieldMissing", path, "This field is missing.")


def json_answer(body: Any, status: int = 200, content_type: str = HAL) -> Answer:
    """Dump `body` as the cloud does."""
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, payload, {"Content-Type": content_type})


def problem(status: int, detail: str, **extra: Any) -> Answer:
    """A problem body; `extra` keys come first, as the cloud puts them."""
    body = {
        **extra,
        "title": _TITLES[status],
        "type": f"https://httpstatus.es/{status}",
        "status": status,
        "detail": detail,
    }
    return json_answer(body, status, PROBLEM)


def validation_failed(items: Sequence[tuple[str, Sequence[Problem]]]) -> Answer:
    """400 that names each bad item by its request_id."""
    errors = [
        {
            "request_id": request_id,
            "errors": [{"code": found.code, "path": found.path, "detail": found.detail} for found in problems],
        }
        for request_id, problems in items
    ]
    return problem(400, "Request validation failed", **{"validation-errors": errors})


def business_errors(errors: Mapping[int, str]) -> Answer:
    """400 that names each refused lead by its ID and carries no `validation-errors`."""
    return problem(400, "Invalid request body", errors={str(lead_id): text for lead_id, text in errors.items()})


def empty_body() -> Answer:
    """400 for a write without data."""
    return problem(400, "Request data can not be empty")


def unauthorized() -> Answer:
    """401 for a bad, expired or revoked token; the wording is amoCRM's."""
    return problem(401, "Invalid user name or password")


def too_many(limit: int, status: int = 422) -> Answer:
    """The batch is larger than `limit`."""
    return problem(status, f"Limit {limit} per page")


def rate_exceeded(retry_after_seconds: int) -> Answer:
    """429 in JSON. The waiting time stands in the body; there is no `Retry-After` header."""
    body = {
        "title": _TITLES[429],
        "status": 429,
        "detail": "You have sent too many requests in a given amount of time. Please try again later.",
        "retry_after": retry_after_seconds,
    }
    return json_answer(body, 429, PROBLEM)


def html_page(status: int) -> Answer:
    """A page of the web server in front of the API: a block, or its own kind of 429."""
    heading = f"{status} {_TITLES[status]}"
    page = (
        f"<html>\r\n<head><title>{heading}</title></head>\r\n<body>\r\n"
        f"<center><h1>{heading}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Answer(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
