"""`auth`: log in to amoCRM once, and see that the Google side is ready. Never repeats a code or token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TextIO

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.amo.consent import Pasted, check_consent, consent_address, read_pasted
from amo2gsheet.amo.consents import Consents
from amo2gsheet.amo.oauth import CodeRefusedError
from amo2gsheet.amo.stops import BlockedError
from amo2gsheet.amo.tokens import TokenFile, claims, expiry
from amo2gsheet.commands import Outside, open_amo
from amo2gsheet.commands_auth_google import check_google
from amo2gsheet.commands_redirect import ALONE_SECONDS, WAIT_SECONDS, RedirectListener, listens_for
from amo2gsheet.exceptions import LoginError, UnansweredError, UsageError
from amo2gsheet.model import Account
from amo2gsheet.output_secrets import register_secret

if TYPE_CHECKING:
    from amo2gsheet.config import Settings

logger = logging.getLogger(__name__)

_ONCE = "This code was exchanged already; it works only once."

WARN_DAYS = 14
"""From so many days before its end on, a long-lived token is warned of."""

_DAY_SECONDS = 86_400
_CLOCK_TOLERANCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Terminal:
    """The person who logs in: what is shown to them, asked of them, and opened for them.

    `ask` raises UsageError where nobody can answer; `keyboard` is what they type on, or what is piped in instead, None
    without either; `open_page` says whether there was a browser.
    """

    show: Callable[[str], None]
    ask: Callable[[str], str]
    open_page: Callable[[str], bool] = lambda address: False
    keyboard: TextIO | None = None
    wait_seconds: float = WAIT_SECONDS


def run_auth(settings: Settings, pasted: str, outside: Outside, terminal: Terminal) -> None:
    """Log in to amoCRM, then check the Google key and the sheet. Safe to repeat: a login that works is kept.

    `pasted` is the code or address of `--code`, "" without.

    Raises:
        LoginError, SheetError, StateError, UnavailableError, UsageError: what is not as it should be, with what to do.
    """
    amo = open_amo(settings, outside)
    try:
        amo.lift_block()
        account = _Login(settings, amo, outside, terminal).account(pasted)
        _show_login(settings, amo, account, outside, terminal)
    finally:
        amo.close()
    check_google(settings, outside, terminal.show)
    terminal.show("All is ready. Next: `amo2gsheet inspect`, then `amo2gsheet pull --dry-run`.")


class _Login:
    """One login to amoCRM: by what is stored, by a given code, or by a new consent."""

    def __init__(self, settings: Settings, amo: AmoClient, outside: Outside, terminal: Terminal) -> None:
        self._settings = settings
        self._amo = amo
        self._outside = outside
        self._terminal = terminal
        self._consents = Consents(TokenFile(settings.token_store).beside(".consent"), outside.clock)
        self._begun: set[str] = set()

    def account(self, pasted: str) -> Account:
        """Log in, and read the account that the login belongs to."""
        if self._settings.long_lived_token:
            return self._by_long_lived_token(pasted)
        if pasted:
            if self._was_exchanged(pasted):
                logger.warning("%s It was not sent again.", _ONCE, extra={"event": "login"})
            else:
                self._exchange(pasted)
            return self._amo.account()
        account = self._by_stored_login()
        if account is not None:
            if self._settings.amo_auth_code:
                logger.warning(
                    "AMO_AUTH_CODE is no longer needed: the login works. Take it out of the settings.", extra={"event": "login"}
                )
            return account
        if self._settings.amo_auth_code:
            self._by_code_of_settings()
        else:
            self._by_consent()
        return self._amo.account()

    def _by_long_lived_token(self, pasted: str) -> Account:
        if pasted:
            raise UsageError(
                "AMO_LONG_LIVED_TOKEN is set, so no code is needed.",
                "Start `amo2gsheet auth` without `--code`, or take AMO_LONG_LIVED_TOKEN out of the settings.",
            )
        token = self._settings.long_lived_token
        try:
            account = self._amo.account()
        except BlockedError:
            raise
        except LoginError as error:
            ended = expiry(token)
            if ended is not None and ended < self._outside.clock.time():
                raise LoginError(f"AMO_LONG_LIVED_TOKEN expired on {_day(ended)}.", error.hint) from error
            raise
        if claims(token).get("account_id") not in (None, account.id):
            raise LoginError(
                f'AMO_LONG_LIVED_TOKEN is of another account than "{account.subdomain}".',
                "Make a token on the Keys tab of an integration in the right account, or mend AMO_SUBDOMAIN.",
            )
        return account

    def _by_stored_login(self) -> Account | None:
        """The account where the stored tokens still work, and are those of this integration; else None."""
        try:
            account = self._amo.account()
        except BlockedError:
            raise
        except LoginError as error:
            if self._settings.token_store.exists():
                logger.info("auth: a new login is needed. %s", error.message, extra={"event": "login"})
            return None
        if self._amo.token_claims().get("aud") in (None, self._settings.amo_client_id):
            return account
        logger.info(
            "auth: a new login is needed. The stored tokens are of another integration than AMO_CLIENT_ID.",
            extra={"event": "login"},
        )
        return None

    def _by_code_of_settings(self) -> None:
        """Log in with AMO_AUTH_CODE. One that is of no use gives way to a consent, else each start would end at it again.

        Raises:
            LoginError: it is of no use and nobody consents, or amoCRM refused something else.
        """
        refusal = self._refusal(self._settings.amo_auth_code)
        if not refusal:
            return
        logger.warning("AMO_AUTH_CODE is of no use any more: take it out of the settings. %s", refusal, extra={"event": "login"})
        try:
            self._by_consent()
        except UnansweredError as error:
            raise LoginError(
                f"AMO_AUTH_CODE is of no use any more, and nobody is there to consent anew. {refusal}",
                "Take it out of the settings, open the address above, and within 20 minutes give the one at which the browser "
                "ends: `amo2gsheet auth --code 'ADDRESS'`.",
            ) from error

    def _refusal(self, code: str) -> str:
        """Exchange a code; why it is of no use, "" where it was exchanged now."""
        if self._was_exchanged(code):
            return _ONCE
        try:
            pasted = self._checked(code)
        except LoginError as error:
            return error.message
        try:
            self._exchange_checked(pasted)
        except CodeRefusedError as error:
            return error.message
        return ""

    def _was_exchanged(self, pasted: str) -> bool:
        """Whether this very code has become the stored login before; then there is nothing to exchange."""
        with suppress(LoginError):
            return self._consents.was_exchanged(read_pasted(pasted).code)
        return False

    def _exchange(self, text: str) -> None:
        """Turn what was pasted into stored tokens.

        Raises:
            LoginError: it is no code, not the right one, or amoCRM refused it.
        """
        self._exchange_checked(self._checked(text))

    def _exchange_checked(self, pasted: Pasted) -> None:
        self._amo.exchange_code(pasted.code)
        self._consents.note_exchanged(pasted.code, pasted.state)

    def _checked(self, text: str) -> Pasted:
        pasted = read_pasted(text)
        register_secret(pasted.code)
        states = self._begun | self._consents.states()
        warning = check_consent(pasted, states, self._settings.account_url or self._settings.amo_base_url)
        if warning:
            logger.warning("%s", warning, extra={"event": "login"})
        return pasted

    def _by_consent(self) -> None:
        """Send a person to the consent page, and wait for what it answers: from the browser itself, or pasted."""
        state = self._consents.begin()
        self._begun.add(state)
        address = consent_address(self._settings.account_url or self._settings.amo_base_url, self._settings.amo_client_id, state)
        show = self._terminal.show
        # Before anybody can know the address: a program that reads it comes back at once.
        with self._listener() as listener:
            show("Open this address in a browser, as an administrator of the account, and press Allow:")
            show("")
            show(f"  {address}")
            show("")
            is_opened = self._terminal.open_page(address)
            if is_opened:
                show("It was opened in your browser.")
            if listener is not None and self._was_redirected(listener, is_opened=is_opened):
                return
        show("The browser then ends at an address that begins with AMO_REDIRECT_URI, even if no page is shown there.")
        show("Paste that address here, or give it within 20 minutes: `amo2gsheet auth --code 'ADDRESS'`.")
        self._exchange(self._terminal.ask("Address"))

    def _listener(self) -> AbstractContextManager[RedirectListener | None]:
        """Listens where the browser itself can bring the answer, to a redirect address on this machine; elsewhere None."""
        uri = self._settings.amo_redirect_uri
        if listens_for(uri):
            try:
                return RedirectListener(uri)
            except OSError as error:
                logger.warning("The browser cannot be met at AMO_REDIRECT_URI: %s.", error.strerror, extra={"event": "login"})
        return nullcontext()

    def _was_redirected(self, listener: RedirectListener, *, is_opened: bool) -> bool:
        """Log in with what the browser brings, or with what is pasted meanwhile; False where nothing came in time."""
        terminal = self._terminal
        terminal.show("Waiting for the browser to come back. If it cannot, paste here the address at which it ended.")
        alone_seconds = terminal.wait_seconds if is_opened else min(ALONE_SECONDS, terminal.wait_seconds)
        clock, seconds = self._outside.clock, terminal.wait_seconds
        return listener.wait(self._exchange, clock, terminal.keyboard, seconds, alone_seconds=alone_seconds)


def _show_login(settings: Settings, amo: AmoClient, account: Account, outside: Outside, terminal: Terminal) -> None:
    terminal.show(f'amoCRM: logged in to "{account.name}" ({account.subdomain}, account {account.id}).')
    now = outside.clock.time()
    ends = expiry(settings.long_lived_token) if settings.long_lived_token else None
    if ends is not None:
        days = int((ends - now) // _DAY_SECONDS)
        terminal.show(f"The long-lived token is good until {_day(ends)}, {days} days from now.")
        if days < WARN_DAYS:
            logger.warning(
                "AMO_LONG_LIVED_TOKEN ends on %s: make a new one on the integration's Keys tab before.",
                _day(ends),
                extra={"event": "login"},
            )
    elif settings.long_lived_token:
        terminal.show("The long-lived token works; it does not say until when.")
    else:
        terminal.show(f'The tokens are kept in "{settings.token_store}" and are renewed by themselves.')
    ahead_seconds = now - amo.server_time if amo.server_time else 0.0
    if abs(ahead_seconds) > _CLOCK_TOLERANCE_SECONDS:
        logger.warning(
            "This machine's clock is %d s %s amoCRM's: switch time synchronisation (NTP) on.",
            abs(ahead_seconds),
            "ahead of" if ahead_seconds > 0 else "behind",
            extra={"event": "login"},
        )


def _day(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, timezone.utc).strftime("%d.%m.%Y")
