"""What Google says when it refuses: one exception that knows its own JSON, and the texts clients match on."""

from __future__ import annotations

import json
from typing import Any

from amo2gsheet.sandbox.exchange import Answer

JSON_HEADERS = {"Content-Type": "application/json; charset=UTF-8", "Server": "ESF", "Vary": "Origin, X-Origin, Referer"}

PROTECTED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection"
    " if you need to edit."
)
CELL_LIMIT = 10_000_000
TEXT_LIMIT = 50_000


class ApiError(Exception):
    """An answer that is not 200."""

    def __init__(self, code: int, status: str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        """Take the parts of Google's error object."""
        super().__init__(message)
        self.code, self.status, self.message, self.details = code, status, message, details

    def under(self, prefix: str) -> ApiError:
        """Return the same refusal naming the part of a batch it comes from, as `Invalid requests[0].addSheet: …`."""
        if self.code != 400 or self.details:
            return self
        return ApiError(self.code, self.status, f"{prefix}: {self.message}")

    def answer(self) -> Answer:
        """Return the refusal as Google sends it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        body = json.dumps({"error": error}, ensure_ascii=False, indent=2) + "\n"
        return Answer(self.code, body.encode(), dict(JSON_HEADERS))


def invalid(message: str) -> ApiError:
    """Return the ordinary 400."""
    return ApiError(400, "INVALID_ARGUMENT", message)


def bad_field(field: str, message: str, description: str | None = None) -> ApiError:
    """Return a 400 whose details name the field."""
    violation = {"field": field, "description": description or message}
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    return ApiError(400, "INVALID_ARGUMENT", message, details)


def bad_mask(path: str) -> ApiError:
    """Return the refusal of a field mask."""
    description = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'."
    return bad_field(path, "Request contains an invalid argument.", description)


def beyond_grid(range_text: str, rows: int, columns: int) -> ApiError:
    """Return the refusal of a range that begins outside the grid."""
    return invalid(f"Range ({range_text}) exceeds grid limits. Max rows: {rows}, max columns: {columns}")


def unparsable(range_text: str) -> ApiError:
    """Return the refusal of a range that names no tab or no cells."""
    return invalid(f"Unable to parse range: {range_text}")


def no_tab(sheet_id: int) -> ApiError:
    """Return the refusal of an unknown sheet ID."""
    return invalid(f"No sheet with id: {sheet_id}")


def too_many_cells() -> ApiError:
    """Return the refusal of a grid that would grow past the limit."""
    return invalid(f"This action would increase the number of cells in the workbook above the limit of {CELL_LIMIT} cells.")


def too_long() -> ApiError:
    """Return the refusal of a text longer than a cell may hold."""
    return invalid(f"Your input contains more than the maximum of {TEXT_LIMIT} characters in a single cell.")


def not_found() -> ApiError:
    """Return the answer for an unknown or deleted spreadsheet."""
    return ApiError(404, "NOT_FOUND", "Requested entity was not found.")


def forbidden(message: str = "The caller does not have permission", reason: str | None = None) -> ApiError:
    """Return a 403, with the reason where Google gives one."""
    details = None
    if reason:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
        details = [{**info, "metadata": {"service": "sheets.googleapis.com", "consumer": CONSUMER}}]
    return ApiError(403, "PERMISSION_DENIED", message, details)


CONSUMER = "projects/123456789012"


def over_quota(kind: str, limit: int) -> ApiError:
    """Return the 429 of the per-minute limit; `kind` is `Read` or `Write`."""
    name = f"{kind} requests per minute per user"
    message = (
        f"Quota exceeded for quota metric '{kind} requests' and limit '{name}' of service 'sheets.googleapis.com'"
        " for consumer 'project_number:123456789012'."
    )
    metadata = {
        "quota_limit": f"{kind}RequestsPerMinutePerUser",
        "quota_limit_value": str(limit),
        "quota_metric": f"sheets.googleapis.com/{kind.lower()}_requests",
        "quota_location": "global",
        "quota_unit": "1/min/{project}/{user}",
        "service": "sheets.googleapis.com",
        "consumer": CONSUMER,
    }
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}
    link = {"description": "Request a higher quota limit.", "url": "https://cloud.google.com/docs/quotas"}
    details: list[dict[str, Any]] = [
        {**info, "domain": "googleapis.com", "metadata": metadata},
        {"@type": "type.googleapis.com/google.rpc.Help", "links": [link]},
    ]
    return ApiError(429, "RESOURCE_EXHAUSTED", message, details)


def unauthenticated() -> ApiError:
    """Return the answer to a missing, unknown or expired token."""
    return ApiError(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
        " authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    )


def html_page(code: int, title: str) -> Answer:
    """Return an error page as Google's front end sends it when the API itself does not answer."""
    text = f"<!DOCTYPE html>\n<html lang=en>\n<title>Error {code} ({title})!!1</title>\n<p><b>{code}.</b> {title}.\n"
    return Answer(code, text.encode(), {"Content-Type": "text/html; charset=UTF-8", "Server": "ESF"})
