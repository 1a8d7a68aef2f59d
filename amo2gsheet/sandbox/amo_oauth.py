"""Tokens as amoCRM issues them: codes, pairs, long-lived ones. Answers the token endpoint; knows no leads."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from amo2gsheet.sandbox.amo_account import Account
from amo2gsheet.sandbox.amo_problems import json_answer, unauthorized
from amo2gsheet.sandbox.exchange import Answer, Request

CODE_SECONDS = 20 * 60
ACCESS_SECONDS = 24 * 3600
REFRESH_SECONDS = 90 * 24 * 3600
"""Three months."""

_PROBLEM_TYPE = "https://developers.amocrm.ru/v3/errors/OAuthProblemJson"
_SCOPES = ["push_notifications", "files", "crm", "files_delete", "notifications"]


@dataclass(frozen=True, slots=True)
class Grant:
    """A code or token: whom it speaks for, when it dies, whether it was used up or revoked."""

    user_id: int
    expires_at: int
    is_dead: bool = False


class OAuth:
    """One integration of the account, with everything issued to it. All times are amoCRM's."""

    def __init__(self, account: Account, host: str, seed: int) -> None:
        self.client_id = "5d1f0a2c-7b6e-4c93-8a41-0e9b5f3d2c10"
        self.client_secret = "c2FuZGJveC1zZWNyZXQtb2YtdGhlLWludGVncmF0aW9u"
        self.redirect_uri = "http://127.0.0.1:8765/callback"
        self.base_domain = "amocrm.ru"
        self._account = account
        self.host = host
        self._seed = seed
        self._issued = 0
        self._codes: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}

    def state(self) -> dict[str, Any]:
        """A copy of everything issued."""
        return {name: copy.copy(value) for name, value in vars(self).items() if name != "_account"}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go back to a copied state."""
        for name, value in state.items():
            setattr(self, name, copy.copy(value))

    # What a person does on the consent page and the integration's "Keys" tab.

    def issue_code(self, user_id: int | None = None) -> str:
        """An authorisation code: twenty minutes, one use."""
        code = self._opaque()
        self._codes[code] = self._grant(user_id, CODE_SECONDS)
        return code

    def redirect_after_consent(self, state: str | None = None, *, denied: bool = False) -> str:
        """The address to which the consent page sends the browser."""
        answered = (
            {"error": "access_denied"}
            if denied
            else {"code": self.issue_code(), "referer": urlsplit(self.host).netloc, "platform": "1"}
        )
        with_state = answered if state is None else {**answered, "state": state}
        return f"{self.redirect_uri}?{urlencode(with_state)}"

    def issue_tokens(self, user_id: int | None = None) -> tuple[str, str]:
        """(access token, refresh token), as if a code had been exchanged just now."""
        access = self._jwt(user_id, ACCESS_SECONDS, "authorization_code")
        refresh = self._opaque()
        self._refresh[refresh] = self._grant(user_id, REFRESH_SECONDS)
        return access, refresh

    def long_lived_token(self, days: int = 365, user_id: int | None = None) -> str:
        """A token that lives one day to five years and cannot be refreshed."""
        return self._jwt(user_id, days * 24 * 3600, "long_lived_token")

    def revoke(self, token: str) -> None:
        """Take one access, long-lived or refresh token back."""
        for issued in (self._access, self._refresh):
            if token in issued:
                issued[token] = replace(issued[token], is_dead=True)

    # What the API asks.

    def user_of(self, request: Request) -> int | None:
        """The user a request's Bearer token speaks for, or None where the token is no good."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self._access.get(token.strip()) if kind.lower() == "bearer" else None
        if grant is None or not self._is_alive(grant) or self._account.knobs.token_revoked:
            return None
        return grant.user_id

    def exchange(self, request: Request) -> Answer:
        """`POST /oauth2/access_token`: a code or refresh token for a new pair."""
        asked = _asked(request)
        refusal = self._client_refusal(asked)
        if refusal is not None:
            return refusal
        if asked["grant_type"] == "authorization_code":
            return self._exchange_code(str(asked.get("code") or ""))
        return self._exchange_refresh(str(asked.get("refresh_token") or ""))

    def subdomain(self, request: Request) -> Answer:
        """`GET /oauth2/account/current/subdomain`: where the account of a refresh token lives."""
        grant = self._refresh.get(request.headers.get("x-refresh-token", ""))
        if grant is None or not self._is_alive(grant) or self._account.knobs.token_revoked:
            return unauthorized()
        account = self._account
        body = {
            "id": account.id,
            "subdomain": account.subdomain,
            "domain": urlsplit(self.host).netloc,
            "top_level_domain": self.base_domain.rpartition(".")[2],
        }
        return json_answer(body, 200, "application/json")

    def _client_refusal(self, asked: Mapping[str, Any]) -> Answer | None:
        for name in ("client_id", "client_secret"):
            if not asked.get(name):
                return _refused(f"Check the `{name}` parameter")
        if asked.get("grant_type") not in ("authorization_code", "refresh_token"):
            return _refused("Check that all required parameters have been provided")
        if (asked["client_id"], asked["client_secret"]) != (self.client_id, self.client_secret):
            return _wrong_client()
        if self._account.knobs.invalid_account:
            return _refused("Invalid account")
        if not asked.get("redirect_uri"):
            return _refused("Check the `redirect_uri` parameter")
        if asked["redirect_uri"] != self.redirect_uri:
            return _refused("Redirect URI is not associated with client")
        return None

    def _exchange_code(self, code: str) -> Answer:
        grant = self._codes.get(code)
        if not code:
            return _refused("Check the `code` parameter")
        if grant is None:
            return _refused("Cannot decrypt the authorization code")
        if grant.is_dead:
            return _refused("Authorization code has been revoked")
        if not self._is_alive(grant):
            return _refused("Authorization code has expired")
        self._codes[code] = replace(grant, is_dead=True)
        return self._new_pair(grant.user_id)

    def _exchange_refresh(self, token: str) -> Answer:
        status = self._account.knobs.refused_refresh_status
        grant = self._refresh.get(token)
        if not token:
            return _refused("Check the `refresh_token` parameter")
        if grant is None:
            return _refused("Invalid refresh token", status)
        if grant.is_dead or self._account.knobs.token_revoked:
            return _refused("Token has been revoked", status)
        if not self._is_alive(grant):
            return _refused("Token has expired", status)
        self._refresh[token] = replace(grant, is_dead=True)
        return self._new_pair(grant.user_id)

    def _new_pair(self, user_id: int) -> Answer:
        access, refresh = self.issue_tokens(user_id)
        body = {"token_type": "Bearer", "expires_in": ACCESS_SECONDS, "server_time": self._account.now()}
        if self._account.knobs.omit_server_time:
            del body["server_time"]
        return json_answer({**body, "access_token": access, "refresh_token": refresh}, 200, "application/json")

    def _is_alive(self, grant: Grant) -> bool:
        return not grant.is_dead and self._account.now() < grant.expires_at

    def _grant(self, user_id: int | None, seconds: int) -> Grant:
        return Grant(self._account.owner_id() if user_id is None else user_id, self._account.now() + seconds)

    def _digest(self) -> str:
        self._issued += 1
        return hashlib.sha512(f"{self._seed}/{self._issued}".encode()).hexdigest()

    def _opaque(self) -> str:
        return "def50200" + "".join(self._digest() for _ in range(4))

    def _jwt(self, user_id: int | None, seconds: int, grant_type: str) -> str:
        grant = self._grant(user_id, seconds)
        now = self._account.now()
        claims = {
            "aud": self.client_id,
            "jti": self._digest(),
            "iat": now,
            "nbf": now,
            "exp": grant.expires_at,
            "sub": str(grant.user_id),
            "grant_type": grant_type,
            "account_id": self._account.id,
            "base_domain": self.base_domain,
            "version": 2,
            "scopes": _SCOPES,
            "api_domain": f"api-b.{self.base_domain}",
        }
        signed = f"{_segment({'typ': 'JWT', 'alg': 'HS256'})}.{_segment(claims)}"
        signature = hmac.new(self.client_secret.encode(), signed.encode(), hashlib.sha256).digest()
        token = f"{signed}.{_base64(signature)}"
        self._access[token] = grant
        return token


def _asked(request: Request) -> dict[str, Any]:
    """The JSON body; anything else counts as sent without parameters."""
    try:
        body = request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refused(hint: str, status: int = 400) -> Answer:
    body = {
        "hint": hint,
        "title": "Некорректный запрос",
        "type": _PROBLEM_TYPE,
        "status": status,
        "detail": "В запросе отсутствует ряд параметров или параметры невалидны",
    }
    return json_answer(body, status, "application/json")


def _wrong_client() -> Answer:
    body = {
        "title": "Некорректный клиент",
        "type": _PROBLEM_TYPE,
        "status": 401,
        "detail": "Авторизация клиента не прошла",
    }
    return json_answer(body, 401, "application/json")


def _segment(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
