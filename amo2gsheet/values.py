"""How one value of amoCRM becomes one cell value: text, number, date. Knows no column and no lead."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from amo2gsheet.model import CellValue

TEXT_LIMIT = 49_000
"""Longest text of a cell in UTF-16 units. Google refuses a batch for one cell above 50,000 characters, whatever it counts."""

DIGIT_LIMIT = 15
"""A cell's number keeps fifteen digits; a longer one is written as text."""

FIRST_YEAR = 1900
"""Sheets counts days from 1899-12-30; before that a serial number is no date any more."""

CHECKED = "Да"

UTC_OFFSET = "+00:00"
"""UTC as an offset, which no machine can lack."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY_ZERO = date(1899, 12, 30)
_DAY_SECONDS = 86_400

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")
_LINE_END = re.compile(r"\r\n?")
# What JSON or Sheets refuses: control characters but tab and line feed, lone surrogates, non-characters.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The time zone of an IANA name (`Asia/Tashkent`) or an offset (`+05:00`).

    Raises:
        ValueError: there is no such zone.
    """
    if offset := _OFFSET.fullmatch(name.strip()):
        sign, hours, minutes = offset.groups(default="0")
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-ahead if sign == "-" else ahead)
    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f'There is no time zone "{name}".') from error


def is_zone(name: str) -> bool:
    """Whether this machine knows such a time zone; which names it knows depends on how old its list of them is."""
    try:
        zone_of(name)
    except ValueError:
        return False
    return True


def is_offset(name: str) -> bool:
    """Whether a time zone is given by its offset alone, the same in summer and winter."""
    return _OFFSET.fullmatch(name.strip()) is not None


def text_cell(value: CellValue) -> str | None:
    """A value as text; None when nothing is left of it to see."""
    if value is None or isinstance(value, bool):
        return CHECKED if value else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = _REFUSED.sub("", _LINE_END.sub("\n", str(value)))
    if len(text) > TEXT_LIMIT // 2:
        # Cut in UTF-16, where a rare character counts twice; `ignore` drops the half of one that the cut may leave.
        text = text.encode("utf-16-le")[: TEXT_LIMIT * 2].decode("utf-16-le", "ignore")
    return text if text.strip() else None


def joined(texts: Iterable[CellValue]) -> str | None:
    """Values in one cell, separated by comma and blank; None when there is none."""
    return text_cell(", ".join(text for value in texts if (text := text_cell(value)) is not None))


def distinct(texts: Iterable[str]) -> list[str]:
    """Texts without outer blanks, each once, in their order."""
    return list(dict.fromkeys(stripped for text in texts if (stripped := text.strip())))


def number_cell(value: CellValue) -> CellValue:
    """A number where the value is one that a cell can hold; else its text."""
    if isinstance(value, str) and _NUMBER.fullmatch(stripped := value.strip()):
        if sum(map(str.isdigit, stripped)) > DIGIT_LIMIT:
            return text_cell(value)
        value = float(stripped)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text_cell(value)
    if not math.isfinite(value) or abs(value) >= 10**DIGIT_LIMIT:
        return text_cell(value)
    return int(value) if value == int(value) else value


def checkbox_cell(value: CellValue) -> str | None:
    """`Да` for a ticked box, nothing for another; a text that says neither stays."""
    word = str(value).strip().casefold()
    return CHECKED if word in {"1", "true"} else None if word in {"0", "false"} else text_cell(value)


def date_cell(value: CellValue, zone: tzinfo) -> CellValue:
    """A day as a serial number: the day whose midnight in the account's zone is nearest; garbage as text, nothing as None.

    amoCRM stores a date as a midnight, but of which zone depends on who wrote it: hours off on either side mean the same day.
    """
    moment = _moment(value, zone)
    if moment is None:
        return None if _is_zero(value) else text_cell(value)
    try:
        return _serial_day(_nearest_day(moment.astimezone(zone)))
    except (OverflowError, ValueError):
        return text_cell(value)


def date_time_cell(value: CellValue, zone: tzinfo) -> CellValue:
    """A moment as a serial number: days, and the time of day in the account's zone as their fraction."""
    moment = _moment(value, zone)
    if moment is None:
        return None if _is_zero(value) else text_cell(value)
    try:
        local = moment.astimezone(zone)
        seconds = local.hour * 3600 + local.minute * 60 + local.second
        return number_cell(_serial_day(local.date()) + seconds / _DAY_SECONDS)
    except (OverflowError, ValueError):
        return text_cell(value)


def serial_text(value: CellValue, pattern: str) -> str | None:
    """A serial number as people read it, by a `strftime` pattern; other values as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text_cell(value)
    shown = datetime.combine(_DAY_ZERO, time()) + timedelta(seconds=round(value * _DAY_SECONDS))
    return shown.strftime(pattern)


def _is_zero(value: CellValue) -> bool:
    if not value:
        return True
    text = str(value).strip()
    return not text or (_NUMBER.fullmatch(text) is not None and float(text) == 0)


def _moment(value: CellValue, zone: tzinfo) -> datetime | None:
    """The moment that Unix seconds or a written date stand for; None when they stand for none. A bare date is its midnight."""
    if isinstance(value, bool) or _is_zero(value):
        return None
    text = str(value).strip()
    try:
        if isinstance(value, int | float) or _NUMBER.fullmatch(text):
            return _EPOCH + timedelta(seconds=float(text))
        if _ISO_DATE.fullmatch(text):
            written = datetime.fromisoformat(text.replace("Z", "+00:00"))
            return written if written.tzinfo else written.replace(tzinfo=zone)
    except (OverflowError, ValueError):
        pass
    return None


def _nearest_day(local: datetime) -> date:
    """The day whose midnight is nearest to a moment of the zone; of two equally near ones the moment's own."""
    today = local.date()
    tomorrow = today + timedelta(days=1)
    # Through Unix time: within one zone Python subtracts clock readings, and a day of 23 hours would be taken for 24.
    since, until = (local.timestamp() - _midnight(today, local), _midnight(tomorrow, local) - local.timestamp())
    return today if since <= until else tomorrow


def _midnight(day: date, local: datetime) -> float:
    return datetime.combine(day, time(), local.tzinfo).timestamp()


def _serial_day(day: date) -> int:
    if day.year < FIRST_YEAR:
        raise ValueError(f"{day} is before the first day of a sheet")
    return (day - _DAY_ZERO).days
