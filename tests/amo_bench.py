"""A small amoCRM account with a logged-in client, for tests of the sandbox. Reaches it without sockets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from amo2gsheet.sandbox.amo import AmoCloud
from amo2gsheet.sandbox.amo_account import Account
from amo2gsheet.sandbox.amo_knobs import AmoKnobs
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Answer, Request

START = 1_760_000_000
"""9 October 2025, 13:53:20 in Tashkent."""

HOST = "http://127.0.0.1:1234"


def pairs(*given: tuple[str, object], **named: object) -> tuple[tuple[str, str], ...]:
    """Query pairs: bracketed names as tuples, plain ones as keywords (`with_` for `with`)."""
    return tuple((name.rstrip("_"), str(value)) for name, value in (*given, *named.items()))


@dataclass
class Bench:
    """An account with the pipeline "Продажи": stages `new` and `sent`, then 142 and 143. The rate window is off."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    cloud: AmoCloud = field(init=False)
    pipeline: int = field(init=False)
    new: int = field(init=False)
    sent: int = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.cloud = AmoCloud(self.clock.time, HOST)
        self.cloud.knobs.rate_limit = None
        self.pipeline = self.account.add_pipeline("Продажи", ["Новая", "Заказ отправлен"])
        self.new = self.account.stage_id(self.pipeline, "Новая")
        self.sent = self.account.stage_id(self.pipeline, "Заказ отправлен")
        self.token = self.cloud.oauth.long_lived_token()

    @property
    def account(self) -> Account:
        return self.cloud.account

    @property
    def knobs(self) -> AmoKnobs:
        return self.cloud.knobs

    @property
    def now(self) -> int:
        return int(self.clock.time())

    def call(self, method: str, path: str, query: tuple[tuple[str, str], ...] = (), body: Any = None) -> Answer:
        headers = {"authorization": f"Bearer {self.token}"}
        payload = b"" if body is None else json.dumps(body).encode()
        return self.cloud.answer(Request(method, f"/api/v4/{path}", query, headers, payload))

    def get(self, path: str, *given: tuple[str, object], **named: object) -> Answer:
        return self.call("GET", path, pairs(*given, **named))

    def read(self, path: str, *given: tuple[str, object], **named: object) -> Any:
        """The JSON of a GET that succeeds."""
        answer = self.get(path, *given, **named)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def ids(self, path: str, *given: tuple[str, object], **named: object) -> list[int]:
        """The IDs on one page of a list, none where it is empty."""
        answer = self.get(path, *given, **named)
        return [row["id"] for row in json.loads(answer.body)["_embedded"][path]] if answer.body else []

    def patch(self, body: Any, path: str = "leads") -> Answer:
        return self.call("PATCH", path, body=body)

    def post(self, body: Any, path: str = "leads") -> Answer:
        return self.call("POST", path, body=body)


def body_of(answer: Answer) -> Any:
    return json.loads(answer.body)
