"""Somebody who logs in: what is shown to them, what they paste, and the shop that they log in to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

from amo2gsheet.amo.oauth import TOKEN_PATH
from amo2gsheet.commands_auth import Terminal, run_auth
from amo2gsheet.exceptions import UnansweredError
from tests.world import World

REDIRECT = "https://shop.example.com/amo"

FIRST_LOGIN = {
    "AMO_SUBDOMAIN": "mycompany",
    "AMO_CLIENT_ID": "an-id",
    "AMO_CLIENT_SECRET": "plum-canary-secret",
    "GOOGLE_SHEET_ID": "a-sheet",
}
"""Settings before a first login, without AMO_REDIRECT_URI; with them nothing is asked of amoCRM until a code is there."""


class Login:
    """A shop with an integration, and the person who runs `auth` on it."""

    def __init__(self, folder: Path, redirect_uri: str = REDIRECT) -> None:
        self.world = World(folder)
        self.issuer = self.world.amo.oauth
        self.issuer.redirect_uri = redirect_uri
        self.shown: list[str] = []
        self.opened: list[str] = []
        self.asked = 0
        self.keyboard: TextIO | None = None
        self.has_browser = False
        self.wait_seconds = 0.0
        self.answer: Callable[[], str] = self.consented
        self.world.set(
            AMO_LONG_LIVED_TOKEN="",
            AMO_CLIENT_ID=self.issuer.client_id,
            AMO_CLIENT_SECRET=self.issuer.client_secret,
            AMO_REDIRECT_URI=redirect_uri,
        )

    @property
    def state(self) -> str:
        """The state of the consent page that was shown last."""
        (address,) = [text.strip() for text in self.shown if "/oauth?" in text][-1:]
        return parse_qs(urlsplit(address).query)["state"][0]

    def consented(self) -> str:
        """The address at which the browser ends after a consent."""
        return self.issuer.redirect_after_consent(self.state)

    def nobody(self) -> str:
        """There is no terminal."""
        raise UnansweredError

    def auth(self, pasted: str = "") -> str:
        """Run `auth`; returns all that was shown."""
        self.shown.clear()
        terminal = Terminal(self.shown.append, self._ask, self._open, self.keyboard, self.wait_seconds)
        run_auth(self.world.settings, pasted, self.world.outside, terminal)
        return "\n".join(self.shown)

    def store(self, access: str, refresh: str) -> None:
        """Put tokens where the tool keeps them."""
        self.world.settings.token_store.write_text(f'{{"access_token": "{access}", "refresh_token": "{refresh}"}}')

    @property
    def token_requests(self) -> int:
        """How often the token endpoint was asked."""
        return sum(exchange.request.path == TOKEN_PATH for exchange in self.world.amo_wire.log)

    def _ask(self, text: str) -> str:
        assert text
        self.asked += 1
        return self.answer()

    def _open(self, address: str) -> bool:
        if self.has_browser:
            self.opened.append(address)
        return self.has_browser
