"""The last line of defence: no token, secret or key leaves in any line that this program writes.

The parts themselves put no secret into what they say; this is for the day when one of them, or a library, does.
"""

from __future__ import annotations

import re

MASK = "***"

_SHORTEST = 8
"""Anything shorter would black out ordinary words, and is no secret worth the name."""

_KNOWN_SHAPES = re.compile(
    "|".join(
        [
            r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*",  # a JSON web token: amoCRM's access token, Google's assertion
            r"def50[0-9a-f]{20,}",  # amoCRM's refresh token and authorization code
            r"ya29\.[\w.-]+",  # Google's access token
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            r"(?<=[Bb]earer )[\w.~+/=-]{8,}",
        ]
    )
)
_KNOWN_NAMES = re.compile(
    r"""((?:access_token|refresh_token|client_secret|private_key|assertion|[?&]code)["']?\s*[:=]\s*["']?)[^\s"'&,;}]{6,}"""
)
"""The names are those of the clouds' own fields; settings, in capitals, are told with an example value."""


class _Secrets:
    """The secrets of this process. One for all, as logging is: whoever learns a secret makes it known here."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        if len(secret) < _SHORTEST or secret in self._known:
            return
        self._known |= {secret, _percent_encoded(secret)}
        # The longest first: one secret may begin another.
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(each) for each in longest_first))

    def strike_out(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(MASK, text)


_SECRETS = _Secrets()


def register_secret(secret: str) -> None:
    """Strike this text out of everything that is written from now on. Safe to repeat; "" and short texts are ignored."""
    _SECRETS.add(secret)


def redacted(text: str) -> str:
    """The text with every registered secret, and whatever looks like a token or key, struck out."""
    text = _SECRETS.strike_out(text)
    return _KNOWN_NAMES.sub(rf"\1{MASK}", _KNOWN_SHAPES.sub(MASK, text))


def _percent_encoded(secret: str) -> str:
    from urllib.parse import quote

    return quote(secret, safe="")
