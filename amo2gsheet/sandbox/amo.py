"""amoCRM's API v4 in memory: account, tokens and limits behind one `answer`. No sockets."""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from email.utils import formatdate
from typing import Any

from amo2gsheet.sandbox.amo_account import Account
from amo2gsheet.sandbox.amo_consent import consent
from amo2gsheet.sandbox.amo_desk import Desk
from amo2gsheet.sandbox.amo_knobs import AmoKnobs
from amo2gsheet.sandbox.amo_oauth import OAuth
from amo2gsheet.sandbox.amo_problems import RefusedError, html_page, problem, rate_exceeded, unauthorized
from amo2gsheet.sandbox.amo_queries import php_query
from amo2gsheet.sandbox.amo_routes import leads_shown, no_route, not_allowed, route
from amo2gsheet.sandbox.amo_shapes import Shapes
from amo2gsheet.sandbox.exchange import Answer, Request

_API = "/api/v4/"
_TOKEN = "/oauth2/access_token"
_SUBDOMAIN = "/oauth2/account/current/subdomain"
_CONSENT = "/oauth"
"""A page of amoCRM's own website; here the account's address serves it too."""
_WINDOW_SECONDS = 1.0
_CLOCK_GRAIN = 1e-6
"""A client that waits exactly one second may come this much early by rounding."""


@dataclass(frozen=True, slots=True)
class AmoSnapshot:
    """Everything the cloud remembers, knobs included; can be restored any number of times."""

    account: Mapping[str, Any]
    oauth: Mapping[str, Any]
    knobs: Mapping[str, Any]
    limits: Mapping[str, Any]


class AmoCloud:
    """One amoCRM account with one integration.

    `clock` gives Unix seconds and never goes back: what happens to the client's own clock is no affair of amoCRM. `host`
    begins every link (`http://127.0.0.1:8000`). The same `seed` gives the same IDs and tokens. The objects behind
    `account`, `oauth` and `knobs` stay the same over `restore`.
    """

    def __init__(self, clock: Callable[[], float], host: str, seed: int = 1) -> None:
        self.knobs = AmoKnobs()
        self.account = Account(clock, self.knobs, seed)
        self.oauth = OAuth(self.account, host, seed)
        self.host = host
        self.is_blocked = False
        self.violations = 0
        self._clock = clock
        self._recent: deque[float] = deque()

    def answer(self, request: Request) -> Answer:
        """Carry the request out and answer it, with the `Date` of amoCRM's clock."""
        answer = self._gate(request) or self._served(request)
        moment = self._clock() + self.knobs.clock_skew_seconds
        return Answer(answer.status, answer.body, {**answer.headers, "Date": formatdate(moment, usegmt=True)})

    def unblock(self) -> None:
        """Support lifted the block."""
        self.is_blocked = False
        self.violations = 0

    def snapshot(self) -> AmoSnapshot:
        """Copy the state."""
        return AmoSnapshot(
            self.account.state(),
            self.oauth.state(),
            {one.name: copy.deepcopy(getattr(self.knobs, one.name)) for one in fields(self.knobs)},
            {"is_blocked": self.is_blocked, "violations": self.violations, "_recent": deque(self._recent)},
        )

    def restore(self, snapshot: AmoSnapshot) -> None:
        """Go back to a copied state."""
        self.account.set_state(snapshot.account)
        self.oauth.set_state(snapshot.oauth)
        for name, value in snapshot.knobs.items():
            setattr(self.knobs, name, copy.deepcopy(value))
        for name, value in snapshot.limits.items():
            setattr(self, name, copy.copy(value))

    def _gate(self, request: Request) -> Answer | None:
        """The limits that stand before everything: the block and the rate window."""
        if self.is_blocked:
            return html_page(403)
        if self.knobs.rate_limit is None:
            return None
        now = self._clock()
        while self._recent and self._recent[0] <= now - _WINDOW_SECONDS + _CLOCK_GRAIN:
            self._recent.popleft()
        if len(self._recent) < self.knobs.rate_limit:
            self._recent.append(now)
            return None
        self.violations += 1
        if self.knobs.block_after is not None and self.violations >= self.knobs.block_after:
            self.is_blocked = True
        return rate_exceeded(self.knobs.retry_after_seconds) if self.knobs.rate_429 == "json" else html_page(429)

    def _served(self, request: Request) -> Answer:
        if request.path == _TOKEN:
            return self.oauth.exchange(request) if request.method == "POST" else not_allowed(self.knobs)
        if request.path == _CONSENT:
            return consent(self.oauth, request) if request.method == "GET" else not_allowed(self.knobs)
        if request.path == _SUBDOMAIN:
            return self.oauth.subdomain(request) if request.method == "GET" else not_allowed(self.knobs)
        if not request.path.startswith(_API):
            return no_route(self.host, request.method, request.path)
        user_id = self.oauth.user_of(request)
        if user_id is None:
            return unauthorized()
        if self.knobs.unpaid:
            return problem(402, "Payment required")
        at = self.account.refresh_lists()
        shapes = Shapes(self.account, self.host)
        desk = Desk(self.account, shapes, request, php_query(request.query), user_id, at)
        try:
            answer = route(desk)
        except RefusedError as refused:
            return refused.answer
        self._second_edits(request, answer, at)
        return answer

    def _second_edits(self, request: Request, answer: Answer, at: float) -> None:
        """People who edit a lead again in the very second in which an answer has just shown its last change."""
        if not self.knobs.second_edit or answer.status != 200 or not request.path.startswith(f"{_API}leads"):
            return
        shown = set(leads_shown(json.loads(answer.body)))
        for lead_id, stages in self.knobs.second_edit.items():
            lead = self.account.leads.current.get(lead_id)
            if stages and lead is not None and lead_id in shown and lead.updated_at == self.account.stamp(at):
                self.account.move_lead(lead_id, *stages.pop(0))
