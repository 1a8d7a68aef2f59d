"""The amoCRM client before the stand-in for amoCRM, without sockets and without waiting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.amo.oauth import Login
from amo2gsheet.model import Lead, UnreadLead
from amo2gsheet.retry import RetryPolicy
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.transport import mount
from tests.amo_bench import HOST, START, Bench


class QuietClock(VirtualClock):
    """A virtual clock whose chance is always the same."""

    def random(self) -> float:
        return 0.5


@dataclass
class Stand:
    """A client with a long-lived token before a `Bench`; `cloud.rule` and `cloud.before_each` are the test's hand."""

    folder: Path
    clock: QuietClock = field(default_factory=lambda: QuietClock(START))
    bench: Bench = field(init=False)
    cloud: Faulty = field(init=False)

    def __post_init__(self) -> None:
        self.bench = Bench(self.clock)
        self.cloud = Faulty(self.bench.cloud, self.clock)

    @property
    def token_store(self) -> Path:
        return self.folder / "tokens.json"

    @property
    def long_lived(self) -> Login:
        return Login(long_lived_token=self.bench.token)

    @property
    def oauth(self) -> Login:
        """The integration's settings; tokens are in the file or nowhere."""
        issuer = self.bench.cloud.oauth
        return Login(issuer.client_id, issuer.client_secret, issuer.redirect_uri)

    def session(self) -> requests.Session:
        session = requests.Session()
        mount(session, {HOST: self.cloud})
        return session

    def client(self, login: Login | None = None, **given: Any) -> AmoClient:
        given = {"policy": RetryPolicy(), "delay_seconds": 0.0, "new_session": self.session, **given}
        return AmoClient(HOST, login or self.long_lived, self.token_store, self.clock, **given)

    @property
    def requests(self) -> list[Request]:
        return [exchange.request for exchange in self.cloud.log]

    def add_leads(self, count: int, *, every_seconds: float = 0.1, since: int | None = None) -> list[int]:
        """Leads edited one after another; the clock ends well behind the last of them."""
        first = self.bench.now if since is None else since
        ids = [
            self.bench.account.add_lead(created_at=first - 5, updated_at=first + int(place * every_seconds))
            for place in range(count)
        ]
        self.clock.advance(max(0.0, first + count * every_seconds + 5 - self.clock.time()))
        return ids


def only_read(listed: Iterable[Lead | UnreadLead]) -> list[Lead]:
    """The leads of a list that could be read."""
    return [lead for lead in listed if isinstance(lead, Lead)]


def versions(lists: Iterator[list[Lead | UnreadLead]]) -> list[tuple[int, int]]:
    """(ID, `updated_at`) of all leads in the order in which they were given."""
    return [(lead.id, lead.updated_at) for leads in lists for lead in leads]
