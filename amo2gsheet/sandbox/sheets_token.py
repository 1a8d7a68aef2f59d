"""Google's token endpoint for service accounts: the assertion is read and judged, its signature is believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from amo2gsheet.sandbox.environment import CLIENT_EMAIL
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.sheets_errors import ApiError, forbidden, unauthenticated
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs

AUDIENCE = "https://oauth2.googleapis.com/token"
"""What google-auth names as audience, wherever the key's `token_uri` leads."""

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = "https://www.googleapis.com/auth/"
_WRITE_SCOPES = {SCOPES + "spreadsheets", SCOPES + "drive", SCOPES + "drive.file"}
_READ_SCOPES = {*_WRITE_SCOPES, SCOPES + "spreadsheets.readonly", SCOPES + "drive.readonly"}

_REFUSALS = {
    "clock_skew": (
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        " Check your iat and exp values in the JWT claim."
    ),
    "account_not_found": "Invalid grant: account not found",
    "bad_signature": "Invalid JWT Signature.",
}


@dataclass(slots=True)
class Tokens:
    """The access tokens given out."""

    given: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)
    count: int = 0

    def issue(self, now: float, life_seconds: float, scopes: frozenset[str]) -> str:
        """Return a new token, good for so many seconds."""
        self.count += 1
        token = f"ya29.sandbox-{self.count}"
        self.given[token] = (now + life_seconds, scopes)
        return token

    def answer(self, request: Request, host: str, now: float, knobs: SheetsKnobs) -> Answer:
        """Exchange a signed assertion for a token."""
        if knobs.token_fault == "server_error":
            return _json(500, {"error": "server_error", "error_description": "Internal error."})
        if knobs.token_fault:
            return _refused(_REFUSALS[knobs.token_fault])
        form = dict(parse_qsl(request.body.decode()))
        if form.get("grant_type") != GRANT:
            error = {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}
            return _json(400, error)
        try:
            claims = _claims(form.get("assertion", ""))
        except ValueError:
            return _refused("Invalid JWT: Failed to parse the assertion.")
        if problem := _problem(claims, {host, *_reached_at(request)}, now, knobs):
            return _refused(problem)
        token = self.issue(now, knobs.token_life_seconds, frozenset(str(claims["scope"]).split()))
        return _json(200, {"access_token": token, "expires_in": knobs.token_life_seconds, "token_type": "Bearer"})

    def check(self, request: Request, now: float, *, is_read_scope_enough: bool) -> None:
        """Refuse a request whose token is missing, unknown, expired, or given for something else."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        expires_at, scopes = self.given.get(token, (0.0, frozenset[str]()))
        if kind != "Bearer" or token not in self.given or now >= expires_at:
            raise unauthenticated()
        if scopes.isdisjoint(_READ_SCOPES if is_read_scope_enough else _WRITE_SCOPES):
            raise _scope_error()


def _scope_error() -> ApiError:
    return forbidden("Request had insufficient authentication scopes.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def _claims(assertion: str) -> dict[str, Any]:
    header, claims, _signature = (part + "=" * (-len(part) % 4) for part in assertion.split("."))
    if json.loads(base64.urlsafe_b64decode(header)).get("alg") != "RS256":
        raise ValueError("not RS256")
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims))
    return decoded


def _problem(claims: Mapping[str, Any], hosts: set[str], now: float, knobs: SheetsKnobs) -> str | None:
    issued, expires = claims.get("iat", 0), claims.get("exp", 0)
    is_late = knobs.checks_assertion_clock and not (issued - 300 <= now <= expires)
    if not 0 < expires - issued <= 3600 or is_late:
        return _REFUSALS["clock_skew"]
    if claims.get("iss") != CLIENT_EMAIL:
        return _REFUSALS["account_not_found"]
    if claims.get("aud") != AUDIENCE and str(claims.get("aud")).removesuffix("/token") not in hosts:
        return "Invalid JWT: Failed audience check."
    return None if claims.get("scope") else "Invalid OAuth scope or ID token audience provided."


def _reached_at(request: Request) -> list[str]:
    """Return the addresses that the client may know this sandbox by, whatever host it was told itself."""
    name = request.headers.get("host")
    return [f"http://{name}", f"https://{name}"] if name else []


def _refused(description: str) -> Answer:
    return _json(400, {"error": "invalid_grant", "error_description": description})


def _json(code: int, body: Mapping[str, Any]) -> Answer:
    return Answer(code, json.dumps(body).encode(), {"Content-Type": "application/json; charset=UTF-8"})
