"""What an answer of amoCRM means: its status first, then its body. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urlsplit

from amo2gsheet.amo.payload import request_id
from amo2gsheet.exceptions import ForbiddenError, NoRouteError, UnavailableError
from amo2gsheet.model import Move
from amo2gsheet.retry import TryFailedError, retry_after_seconds

_TRY_AGAIN = ("повторите попытку", "системная ошибка")
"""A passing fault of amoCRM comes as a 400 that says this and names no item."""

_LONGEST_DETAIL = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `date` is its `Date` header as Unix seconds, 0 where it has none that can be read."""

    method: str
    path: str
    status: int
    body: bytes
    date: int = 0
    retry_after: str | None = None
    location: str | None = None

    @property
    def request(self) -> str:
        """What was asked, for messages: never with its query."""
        return f"{self.method} {self.path}"


class RefusedError(Exception):
    """amoCRM understood the request and refused it for good: 4xx in JSON. `problem` is the body, empty where it told nothing."""

    def __init__(self, answer: Answer, problem: Mapping[str, object]) -> None:
        self.status = answer.status
        self.problem = problem
        self.reason = f"{answer.status}{_detail(problem)}"
        super().__init__(f"amoCRM refused {answer.request}: {self.reason}")


class TokenRefusedError(Exception):
    """401: the access token is expired, revoked or no token at all."""


class NotJsonError(ValueError):
    """The body is a page, is cut off, or is something else than JSON."""


def read(answer: Answer, *, is_list: bool) -> object:
    """Return the JSON of a good answer; None: there is no content.

    That is a 204, or for lists also a 200 without a body. An entity asked for by its ID is missing only where amoCRM says so: a
    body lost on the way must not pass for a lead that is gone.

    Raises:
        TryFailedError: another try may bring an answer.
        RefusedError: no other try will.
        TokenRefusedError: 401.
        ForbiddenError: a 403 about rights.
        UnavailableError: whatever answered is not amoCRM's API.
    """
    if answer.status in (200, 201, 202, 204):
        return _content(answer, is_list=is_list)
    if 300 <= answer.status < 400:
        raise _redirected(answer)
    if answer.status == 401:
        raise TokenRefusedError
    if answer.status in (402, 429):
        raise TryFailedError(_told(answer), is_unclear=False, wait_seconds=_wait_seconds(answer))
    if answer.status >= 500 or answer.status == 408:
        raise TryFailedError(_told(answer), is_unclear=True, wait_seconds=_wait_seconds(answer))
    raise _refusal(answer)


def is_block(answer: Answer) -> bool:
    """Whether the whole account or this address is shut out: a 403 that is no JSON about rights."""
    return answer.status == 403 and problem_of(answer) is None


def problem_of(answer: Answer) -> Mapping[str, object] | None:
    """The JSON object of an error; None where there is none."""
    try:
        body = parse(answer.body)
    except NotJsonError:
        return None
    return body if isinstance(body, dict) else None


def parse(body: bytes) -> object:
    """Parse JSON as standards know it: no NaN, no nesting without end.

    Raises:
        NotJsonError: it is none.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise NotJsonError from None


def unreadable(method: str, path: str, problem: Exception) -> UnavailableError:
    """The error for a good status with JSON of another shape than promised."""
    return UnavailableError(
        f"amoCRM's answer to {method} {path} could not be read: {problem}.",
        "Nothing was concluded from it; the next run asks again.",
    )


def refusals(problem: Mapping[str, object], moves: Sequence[Move]) -> dict[int, str]:
    """Lead ID → reason, for the items that a refused batch names: by `request_id`, by place, or by lead ID. Never fails."""
    named: dict[int, str] = {}
    by_request_id = {str(place): move.lead_id for place, move in enumerate(moves)}
    by_request_id |= {request_id(move.lead_id): move.lead_id for move in moves}
    validation = problem.get("validation-errors")
    for item in validation if isinstance(validation, list) else []:
        lead_id = by_request_id.get(str(item.get("request_id"))) if isinstance(item, dict) else None
        if lead_id is not None:
            named[lead_id] = reasons_of(item.get("errors"))
    lead_ids = {str(move.lead_id): move.lead_id for move in moves}
    errors = problem.get("errors")
    for key, reason in errors.items() if isinstance(errors, dict) else []:
        if key in lead_ids:
            named[lead_ids[key]] = _short(reason) if isinstance(reason, str) else "refused"
    return named


def _content(answer: Answer, *, is_list: bool) -> object:
    if answer.status == 204 or (is_list and not answer.body.strip()):
        return None
    try:
        content = parse(answer.body)
    except NotJsonError:
        content = None
    if content is None:
        raise TryFailedError(f"{_told(answer)} and no JSON", is_unclear=True)
    return content


def _refusal(answer: Answer) -> Exception:
    problem = problem_of(answer)
    if problem is None and answer.body.strip():
        return TryFailedError(f"{_told(answer)} and a page of its web server", is_unclear=True)
    problem = problem or {}
    detail = _text(problem, "detail")
    if answer.status == 403:
        return ForbiddenError(
            f"amoCRM does not allow {answer.request}: 403{_detail(problem)}",
            "The login's rights or the integration's scopes do not reach that far: an administrator can widen them.",
        )
    if answer.status == 404 and detail.startswith("Cannot "):
        return NoRouteError(
            f"amoCRM knows no {answer.request}: 404{_detail(problem)}",
            "AMO_SUBDOMAIN or AMO_BASE_URL seems to name something else than an amoCRM account.",
        )
    names_items = "validation-errors" in problem or "errors" in problem
    if answer.status == 400 and not names_items and any(words in detail.lower() for words in _TRY_AGAIN):
        return TryFailedError(f"{_told(answer)}{_detail(problem)}", is_unclear=True)
    return RefusedError(answer, problem)


def _told(answer: Answer) -> str:
    return f"amoCRM answered {answer.request} with {answer.status}"


def _wait_seconds(answer: Answer) -> float | None:
    """The wait stands in the body (seconds); a header was never seen, but proxies set one."""
    asked = (problem_of(answer) or {}).get("retry_after")
    if isinstance(asked, (int, float)) and not isinstance(asked, bool) and asked >= 0:
        return float(min(asked, 1e9))
    return retry_after_seconds(answer.retry_after, answer.date)


def _redirected(answer: Answer) -> UnavailableError:
    try:
        host = urlsplit(answer.location or "").hostname or "an address that it does not name"
    except ValueError:
        host = "an address that cannot be read"
    return UnavailableError(
        f"amoCRM sent {answer.request} on to {host} ({answer.status}); tokens do not follow.",
        "If the account has moved, set AMO_SUBDOMAIN (or AMO_BASE_URL) to its new address.",
    )


def _detail(problem: Mapping[str, object]) -> str:
    detail = _text(problem, "detail") or _text(problem, "title")
    reason = _reasons_of_validation(problem)
    return "".join(f", {part}" for part in (_short(detail), reason) if part)


def _reasons_of_validation(problem: Mapping[str, object]) -> str:
    validation = problem.get("validation-errors")
    if not isinstance(validation, list):
        return ""
    return _short("; ".join(reasons_of(item.get("errors")) for item in validation if isinstance(item, dict)))


def reasons_of(errors: object) -> str:
    """amoCRM's errors of one item in words: where, and what. Never fails."""
    told = []
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            what = _text(error, "detail") or _text(error, "code") or "refused"
            told.append(f"{_text(error, 'path')}: {what}" if _text(error, "path") else what)
    return _short("; ".join(told)) or "refused"


def _text(problem: Mapping[str, object], key: str) -> str:
    value = problem.get(key)
    return value if isinstance(value, str) else ""


def _short(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable if len(printable) <= _LONGEST_DETAIL else f"{printable[:_LONGEST_DETAIL]}…"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def date_seconds(header: str | None) -> int:
    """Read a `Date` header as Unix seconds; 0 where there is none that can be read."""
    try:
        return max(0, int(parsedate_to_datetime(header or "").timestamp()))
    except (TypeError, ValueError, IndexError, OverflowError):
        return 0
