"""Answers of clouds in trouble: those of amoCRM, of Google, and of the front-ends before them.

Says nothing of whether the work behind the answer was done.
"""

from __future__ import annotations

import json
from typing import Any

from amo2gsheet.sandbox.exchange import Answer

_HTML = "text/html; charset=utf-8"
_PROBLEM = "application/problem+json"


def json_400_amo_again() -> Answer:
    """A passing fault of amoCRM that looks like a refusal: a 400 without `validation-errors` that asks to try again."""
    return _problem(400, "Bad Request", "Возникла системная ошибка. Пожалуйста, повторите попытку.")


def json_401_amo() -> Answer:
    """The access token is unknown, expired or revoked."""
    return _problem(401, "Unauthorized", "Invalid user name or password")


def json_402_amo() -> Answer:
    """The account is not paid; seen for some minutes at night on paid accounts."""
    return _problem(402, "Payment Required", "Payment required")


def json_403_amo() -> Answer:
    """The token has no right to what was asked for; other routes go on working."""
    return _problem(403, "Forbidden", "Invalid scope")


def json_429_amo(retry_after: int = 300) -> Answer:
    """Too many requests. The wait stands in the body, in seconds; amoCRM sends no `Retry-After` header."""
    detail = "You have sent too many requests in a given amount of time. Please try again later."
    return _problem(429, "Too Many Requests", detail, retry_after=retry_after)


def json_500_amo() -> Answer:
    """A fault within amoCRM."""
    return _problem(500, "ErrInternalServer", "Internal server error", trace_id="00000000000000000000000000000500")


def json_401_google() -> Answer:
    """The bearer token has expired."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential."
    )
    return _google(401, "UNAUTHENTICATED", message)


def json_429_google(kind: str = "Read") -> Answer:
    """The quota of a minute is used up; `kind` is `Read` or `Write`. Google sends no `Retry-After` header."""
    limit = f"{kind} requests per minute per user"
    message = (
        f"Quota exceeded for quota metric '{kind} requests' and limit '{limit}' of service 'sheets.googleapis.com' "
        "for consumer 'project_number:100000000001'."
    )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {
            "quota_limit": f"{kind}RequestsPerMinutePerUser",
            "quota_limit_value": "60",
            "quota_metric": f"sheets.googleapis.com/{kind.lower()}_requests",
            "quota_location": "global",
            "service": "sheets.googleapis.com",
            "consumer": "projects/100000000001",
        },
    }
    return _google(429, "RESOURCE_EXHAUSTED", message, [info])


def json_500() -> Answer:
    """A fault within Google."""
    return _google(500, "INTERNAL", "Internal error encountered.")


def json_503() -> Answer:
    """Google is not there for now; whether it did the work is unknown."""
    return _google(503, "UNAVAILABLE", "The service is currently unavailable.")


def html_403() -> Answer:
    """The account or the address is blocked; nobody but amoCRM's support lifts that."""
    return _page(403, "Forbidden")


def html_404() -> Answer:
    """A front-end lost its way for a moment. A lead that is really gone is answered in JSON."""
    return _page(404, "Not Found")


def html_429() -> Answer:
    """A front-end's refusal of too many requests, with no hint how long to wait."""
    return _page(429, "Too Many Requests")


def html_500() -> Answer:
    """A fault that never reached the API's own error handling."""
    return _page(500, "Internal Server Error")


def html_502() -> Answer:
    """A front-end got nothing usable from the machine behind it."""
    return _page(502, "Bad Gateway")


def html_504() -> Answer:
    """A front-end waited too long for the machine behind it, which may still do the work."""
    return _page(504, "Gateway Time-out")


def html_200() -> Answer:
    """A page with status 200 where JSON was asked for, as a proxy or a maintenance page sends."""
    return _page(200, "We will be back soon")


def truncated_json() -> Answer:
    """JSON that ends in the middle, though every announced byte arrived."""
    return Answer(200, b'{"_embedded": {"leads": [{"id": 1, "na', {"Content-Type": "application/json"})


def empty_200() -> Answer:
    """Status 200 and no body at all."""
    return Answer(200, b"", {"Content-Type": "application/json"})


def redirect_302(location: str = "https://elsewhere.invalid/login") -> Answer:
    """The way to another host, where a token must not go."""
    return Answer(302, b"", {"Location": location, "Content-Type": _HTML})


def _problem(status: int, title: str, detail: str, **more: Any) -> Answer:
    body = {"title": title, "type": "https://developers.amocrm.ru/v3/errors/", "status": status, "detail": detail}
    return _json(status, {**body, **more}, _PROBLEM)


def _google(status: int, name: str, message: str, details: list[dict[str, Any]] | None = None) -> Answer:
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = details
    return _json(status, {"error": error}, "application/json; charset=UTF-8")


def _json(status: int, body: dict[str, Any], content_type: str) -> Answer:
    return Answer(status, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": content_type})


def _page(status: int, title: str) -> Answer:
    heading = title if status == 200 else f"{status} {title}"
    html = (
        f"<html>\r\n<head><title>{heading}</title></head>\r\n<body>\r\n<center><h1>{heading}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Answer(status, html.encode(), {"Content-Type": _HTML})
