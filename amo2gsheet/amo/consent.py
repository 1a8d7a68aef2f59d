"""The address of amoCRM's consent page, and what people paste of the address that it sends them to. Pure: asks nobody."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from amo2gsheet.exceptions import LoginError

KOMMO_DOMAINS = ("kommo.com", "amocrm.com")
"""The international product, under its new and its old name: an account has one name under both."""

DOMAINS = ("amocrm.ru", *KOMMO_DOMAINS)

BEGIN = "Run `amo2gsheet auth`, open the address that it prints, and paste the address at which the browser ends."

_ADDRESS_LIKE = re.compile(r"://|^\?|(?:^|[?&])(?:code|error|state|referer)=|\?\w+=")
_TOKEN_LIKE = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_CODE = re.compile(r"[!-~]+")
"""What an authorisation code is made of is amoCRM's matter; whatever could be one is sent, and amoCRM says no."""
_WORDS = re.compile(r"\S[^\S\r\n]+\S")
"""Words on one line; a code that is cut into lines by a terminal or a mail has none."""
_DIRT = re.compile("[\\s\"'`<>«»“”„‘’‚\u00ad\u200b-\u200f\u2060\ufeff]+")
"""What comes along with a pasted text, and is in no code and no address: blanks, line ends, quotes, invisible letters."""
_DIRT_AROUND = re.compile(rf"\A{_DIRT.pattern}|{_DIRT.pattern}\Z")


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a pasted text holds. A bare code has neither `state` nor `referer`: both None."""

    code: str = field(repr=False)
    state: str | None = None
    referer: str | None = None


def consent_address(account_url: str, client_id: str, state: str) -> str:
    """The page on which a person lets the integration into the account; on loopback it is the sandbox's own."""
    host = urlsplit(account_url).netloc.lower()
    page = "https://www.amocrm.ru"
    if _domain_of(host) in KOMMO_DOMAINS:
        page = "https://www.kommo.com"
    elif is_loopback(urlsplit(account_url).hostname):
        page = account_url
    return f"{page}/oauth?{urlencode({'client_id': client_id, 'state': state})}"


def is_loopback(hostname: str | None) -> bool:
    """Whether a host name means this very machine."""
    return hostname in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", hostname or "") is not None


def read_pasted(text: str) -> Pasted:
    """Read a bare code, or the address at which the browser ended, however it was pasted.

    Raises:
        LoginError: it holds no code; says what it seems to be instead.
    """
    cleaned = _DIRT.sub("", text).replace("&amp;", "&")
    if not cleaned:
        raise LoginError("Nothing was pasted.", BEGIN)
    if _ADDRESS_LIKE.search(cleaned):
        return _from_address(_without_words_before(cleaned))
    if _WORDS.search(_DIRT_AROUND.sub("", text)):
        raise _no_code()
    return Pasted(_code(cleaned))


def check_consent(pasted: Pasted, states: Collection[str], account_url: str) -> str:
    """Check that the consent is the one that was asked for, and was given for the right account.

    `states` are those of the consents begun here a moment ago.

    Returns:
        A warning, "" where there is nothing to warn of.

    Raises:
        LoginError: the consent is not to be used.
    """
    host = urlsplit(account_url).netloc.lower()
    if pasted.referer is not None:
        _check_account(_host_of(pasted.referer), host)
    if pasted.state is None:
        return "What was pasted has no `state`, so nobody can tell whether it belongs to a consent that was begun here."
    if not any(hmac.compare_digest(pasted.state.encode(), state.encode()) for state in states):
        raise LoginError(
            "The pasted address does not belong to a consent that was begun here within the last 20 minutes.",
            f"It may be an old one, or somebody else's; it was not used. {BEGIN}",
        )
    return ""


def _without_words_before(text: str) -> str:
    """Drop what a mail or a browser's tool wrote before the address: `Location: https://…`."""
    begins = text.find("http")
    return text if begins < 0 or "=" in text[:begins] else text[begins:]


def _from_address(address: str) -> Pasted:
    parts = _split(address)
    query = parts.query or (parts.path if "=" in parts.path else "")
    given = dict(parse_qsl(query))
    if "error" in given:
        raise _refused(given["error"])
    if not given.get("code"):
        if parts.path.rstrip("/") == "/oauth":
            raise LoginError("That is the address to open, not the one at which the browser ends.", BEGIN)
        raise LoginError("The pasted address holds no code.", BEGIN)
    # The form of an address writes a blank as a plus; a code has no blank, so it was a plus that nobody had encoded.
    return Pasted(_code(given["code"].replace(" ", "+")), given.get("state"), given.get("referer"))


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        raise LoginError("The pasted address cannot be read.", BEGIN) from None


def _code(text: str) -> str:
    if _TOKEN_LIKE.match(text):
        raise LoginError(
            "That is a token, not an authorisation code.",
            "A long-lived token belongs into AMO_LONG_LIVED_TOKEN, and needs no code. A code comes from the consent page or the "
            "integration's Keys tab.",
        )
    if not _CODE.fullmatch(text):
        raise _no_code()
    return text


def _no_code() -> LoginError:
    return LoginError("That is no authorisation code.", BEGIN)


def _refused(error: str) -> LoginError:
    if error == "access_denied":
        return LoginError(
            "The consent was refused in amoCRM (access_denied).",
            "Run `amo2gsheet auth` again and press Allow, as an administrator of the account.",
        )
    shown = "".join(letter for letter in error[:100] if letter.isprintable())
    return LoginError(f'amoCRM gave no code: "{shown}".', BEGIN)


def _check_account(referer: str, host: str) -> None:
    """Compare the account that consented with the configured one.

    Behind another host of its own, and where either is this very machine (a sandbox, a tunnel), nobody can compare.
    """
    if is_loopback(_hostname(referer)) or is_loopback(_hostname(host)):
        return
    is_known = _domain_of(referer) in DOMAINS
    if is_known and (_domain_of(host) not in DOMAINS or _account_name(referer) == _account_name(host)):
        return
    shown = "".join(letter for letter in referer[:100] if letter.isprintable())
    raise LoginError(
        f'The consent was given for the account "{shown}", but the settings name "{host}".',
        "It was not used. Consent again and choose the right account there; or, if that is the right one, mend AMO_SUBDOMAIN.",
    )


def _account_name(host: str) -> tuple[str, str]:
    domain = _domain_of(host)
    if domain in KOMMO_DOMAINS:
        return host.removesuffix(domain), KOMMO_DOMAINS[0]
    return host, ""


def _domain_of(host: str) -> str:
    """The domain of amoCRM's that a host is an account of; "" of any other."""
    return next((domain for domain in DOMAINS if host.endswith(f".{domain}")), "")


def _host_of(referer: str) -> str:
    return (urlsplit(referer).netloc if "://" in referer else referer.partition("/")[0]).lower()


def _hostname(host: str) -> str | None:
    """The host without its port; None where the port is none, for then it is no host at all."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname
