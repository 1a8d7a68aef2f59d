"""Turn the text of one setting into its value, or say what is wrong with it.

Knows how people write numbers, addresses, dates and JSON; knows no setting's name, and not where the text came from.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import PurePath
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

LATEST_UNIX_SECONDS = 4_102_444_800
"""The year 2100; a larger number is most likely a time in milliseconds."""

LONGEST_QUOTE = 60
"""A longer text is not repeated in a message: it may be a token that was pasted at the wrong place."""

_DATE_FORMATS = {
    "%d.%m.%Y": r"\d\d?\.\d\d?\.\d{4}",
    "%d.%m.%Y %H:%M": r"\d\d?\.\d\d?\.\d{4} \d\d?:\d\d",
    "%d.%m.%Y %H:%M:%S": r"\d\d?\.\d\d?\.\d{4} \d\d?:\d\d:\d\d",
    # The old service took these too, and its settings file is read as it is.
    "%Y-%m-%d": r"\d{4}-\d\d?-\d\d?",
    "%Y-%m-%d %H:%M:%S": r"\d{4}-\d\d?-\d\d? \d\d?:\d\d:\d\d",
}
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_SECONDS = re.compile(r"-?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})")
_LOOPBACK = re.compile(r"localhost|::1|127(\.\d{1,3}){3}")
_STRING_OR_BLANK = re.compile(r'"(?:[^"\\]|\\.)*"?|[\s\u200b\u2060\ufeff]', re.DOTALL)
"""A string of a JSON text, also one that is never closed, or a blank between two of its words."""


class BadValueError(ValueError):
    """What is wrong with one value, as the end of a sentence that begins with its name."""


@dataclass(frozen=True, slots=True)
class CreatedAfter:
    """A moment as it was written: Unix seconds, or a clock reading in the account's zone.

    The zone is known only after amoCRM's first answer, so a reading waits for `unix`. Exactly one of the two is set.
    """

    unix_seconds: int | None = None
    clock_reading: datetime | None = None

    def unix(self, zone: tzinfo) -> int:
        """The moment in Unix seconds; a reading that a clock change doubles is its first moment."""
        if self.clock_reading is None:
            return self.unix_seconds or 0
        return int(self.clock_reading.replace(tzinfo=zone).timestamp())


def quoted(value: str) -> str:
    """The value in quotes for a message; control characters as escapes, a long text only by its length."""
    if len(value) > LONGEST_QUOTE:
        return f"a text of {len(value)} characters"
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value) + '"'


def text(value: str) -> str:
    """One line of text, kept as it is."""
    _refuse_control_characters(value)
    return value


def word(value: str) -> str:
    """One line without blanks in it, such as an ID or a token; header-safe."""
    stripped = value.strip()
    _refuse_control_characters(stripped)
    if any(c.isspace() for c in stripped):
        raise BadValueError("holds a blank")
    if not stripped.isascii():
        raise BadValueError("holds letters that are not Latin")
    return stripped


def whole(low: int, high: int) -> Callable[[str], int]:
    """Build the parser of a whole number in a range, both ends included."""

    def parse(value: str) -> int:
        stripped = value.strip()
        number = int(stripped) if re.fullmatch(r"-?[0-9]{1,18}", stripped) else None
        if number is None or not low <= number <= high:
            raise BadValueError(f"is {quoted(value)}, not a whole number from {low} to {high}")
        return number

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Build the parser of a number of seconds in a range; a decimal comma counts as a point."""

    def parse(value: str) -> float:
        stripped = value.strip().replace(",", ".")
        number = float(stripped) if _SECONDS.fullmatch(stripped) else None
        if number is None or not low <= number <= high:
            raise BadValueError(f"is {quoted(value)}, not a number of seconds from {low:g} to {high:g}")
        return number

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Build the parser of one of a few words, in any case."""

    def parse(value: str) -> str:
        choice = value.strip().lower()
        if choice not in choices:
            raise BadValueError(f"is {quoted(value)}, not {' or '.join(choices)}")
        return choice

    return parse


def names(value: str) -> tuple[str, ...]:
    """Names between commas, each once, in their order."""
    _refuse_control_characters(value)
    found = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not found:
        raise BadValueError("holds no name")
    return found


def path(value: str) -> PurePath:
    """A path, absolute, from the home folder (`~/`), or relative."""
    _refuse_control_characters(value)
    if value.startswith("~") and not value.startswith("~/"):
        raise BadValueError(f"is {quoted(value)}; only ~/ stands for a home folder")
    return PurePath(value.strip())


def account_address(value: str) -> str:
    """amoCRM's base address from `mycompany`, a full host, or an address pasted from the browser."""
    host = re.sub(r"^https?://", "", value.strip().lower()).split("/", 1)[0]
    if not _HOST.fullmatch(host):
        raise BadValueError(f"is {quoted(value)}, not the name of an account or its host")
    return f"https://{host}" if "." in host else f"https://{host}.amocrm.ru"


def base_address(value: str) -> str:
    """A base address without a slash at its end; https, or anything on loopback."""
    parts = _address(value)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadValueError("is an address with more than scheme, host, port and path in it")
    return value.strip().rstrip("/")


def secret_address(value: str) -> str:
    """An address whose path is a secret, so that no message repeats it; https, or anything on loopback."""
    _address(value)
    return value.strip()


def redirect_address(value: str) -> str:
    """The redirect address of an integration, kept letter by letter: amoCRM compares it so."""
    stripped = word(value)
    parts = _split(stripped)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadValueError(f"is {quoted(value)}, not an address that begins with https://")
    return stripped


def spreadsheet(value: str) -> str:
    """A spreadsheet ID, alone or within the address of the spreadsheet."""
    stripped = value.strip()
    if "/d/e/" in stripped:
        raise BadValueError("is the address of a published copy; take the one of the open spreadsheet itself")
    within = re.search(r"/d/([A-Za-z0-9_-]+)", stripped)
    found = within[1] if within else stripped
    if not re.fullmatch(r"[A-Za-z0-9_-]+", found):
        raise BadValueError(f"is {quoted(value)}, neither an ID nor the address of a spreadsheet")
    return found


def created_after(value: str) -> CreatedAfter:
    """Unix seconds, or `DD.MM.YYYY[ HH:MM[:SS]]` in the account's zone."""
    stripped = " ".join(value.split())
    if re.fullmatch(r"[0-9]{1,18}", stripped):
        if int(stripped) > LATEST_UNIX_SECONDS:
            raise BadValueError(f"is {quoted(value)}, which is no time in seconds before the year 2100")
        return CreatedAfter(unix_seconds=int(stripped))
    for date_format, shape in _DATE_FORMATS.items():
        if re.fullmatch(shape, stripped):
            return CreatedAfter(clock_reading=_clock_reading(stripped, date_format))
    raise BadValueError(f"is {quoted(value)}, neither Unix time nor DD.MM.YYYY[ HH:MM[:SS]]")


def id_map(value: str) -> Mapping[str, int]:
    """A JSON object of dropdown values → stage IDs, in its order."""
    found = _json_object(value)
    _refuse_look_alikes(found)
    return MappingProxyType({key: _stage_id(key, item) for key, item in found.items()})


def text_map(value: str) -> Mapping[str, str]:
    """A JSON object of names → texts; one name may stand there in several spellings."""
    return MappingProxyType({key: _filled_text(key, item) for key, item in _json_object(value).items()})


def list_map(value: str) -> Mapping[str, tuple[str, ...]]:
    """A JSON object of dropdown values → lists of names."""
    raw = _json_object(value)
    _refuse_look_alikes(raw)
    found: dict[str, tuple[str, ...]] = {}
    for key, items in raw.items():
        if not isinstance(items, list) or not items:
            raise BadValueError(f"must have a list of names for {quoted(key)}")
        found[key] = tuple(_filled_text(key, item) for item in items)
    return MappingProxyType(found)


def _refuse_control_characters(value: str) -> None:
    if "\n" in value or "\r" in value:
        raise BadValueError("goes over several lines; a closing quote may be missing")
    if any(unicodedata.category(c) == "Cc" for c in value):
        raise BadValueError("holds a control character")


def _split(value: str) -> SplitResult:
    """The parts of an address; its port is looked at here, because it is the part that can be refused later."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise BadValueError("is no address") from None
    return parts


def _address(value: str) -> SplitResult:
    parts = _split(word(value))
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise BadValueError("is no address that begins with https://")
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname):
        raise BadValueError("must begin with https://; only this machine itself (127.0.0.1, localhost) may go without")
    return parts


def _clock_reading(value: str, date_format: str) -> datetime:
    try:
        reading = datetime.strptime(value, date_format)  # noqa: DTZ007  the zone is the account's, unknown until it answers
    except ValueError:
        raise BadValueError(f"is {quoted(value)}, a day or a time that does not exist") from None
    if not 1970 < reading.year < 2100:
        raise BadValueError(f"is {quoted(value)}, which is not between the years 1970 and 2100")
    return reading


def _json_object(value: str) -> dict[str, object]:
    # Text copied from a page or a chat has blanks (NBSP) that are none to JSON. Within a string they are left as they are.
    plain = _STRING_OR_BLANK.sub(lambda found: found[0] if found[0].startswith('"') else " ", value)
    try:
        found = json.loads(plain, object_pairs_hook=_distinct_pairs)
    except json.JSONDecodeError as error:
        raise BadValueError(f"is no JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(found, dict):
        raise BadValueError('must be a JSON object, written {"…": …}')
    return found


def _distinct_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Keep the order; refuse a doubled key, of which JSON silently takes the last."""
    found: dict[str, object] = {}
    for raw_key, item in pairs:
        key = raw_key.strip()
        if not key:
            raise BadValueError("has an empty name")
        if key in found:
            raise BadValueError(f"has {quoted(key)} twice")
        found[key] = item
    return found


def _refuse_look_alikes(found: Mapping[str, object]) -> None:
    """Two dropdown values that differ in case or blanks only would mean one and the same stage."""
    seen: dict[str, str] = {}
    for key in found:
        folded = " ".join(unicodedata.normalize("NFKC", key).casefold().split())
        if folded in seen:
            raise BadValueError(f"has {quoted(seen[folded])} twice, the second time as {quoted(key)}")
        seen[folded] = key


def _stage_id(key: str, item: object) -> int:
    if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item < 2**53:
        raise BadValueError(f"must have a stage ID for {quoted(key)}, or 0, a number without quotes")
    return item


def _filled_text(key: str, item: object) -> str:
    if not isinstance(item, str) or not item.strip():
        raise BadValueError(f"must have a text in quotes for {quoted(key)}")
    return item.strip()
