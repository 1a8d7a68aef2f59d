"""What people write into a cell of a workbook → what amoCRM takes. Pure; guesses nothing: what can mean two things is bad."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import MAXYEAR, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from typing import TypeVar

from amo2gsheet.model_import import CellError, WorkbookCell
from amo2gsheet.names import NameMap, exact, fold
from amo2gsheet.values import CHECKED, text_cell

T = TypeVar("T")

UNCHECKED = "Нет"
LARGEST_NUMBER = 10**15
"""Excel keeps fifteen digits; what is longer has lost some already."""

_DAY_ZERO = date(1899, 12, 30)
_SERIALS = (20_000, 80_000)
"""Excel's numbers of the days from 1954 to 2119."""

_BLANKS = re.compile(r"[\s\u200b\u2060\ufeff]+")
_CURRENCY = re.compile(
    r"(?:сум|сўм|сом|so['ʻʼ‘’`]?m|sum|uzs|руб(?:\.|лей|ля|ль)?|р\.?|rub|тенге|тг|kzt|usd|у\.е\.?|eur|евро|долл(?:\.|аров)?|[$€₽₸])",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"\d{1,3}(?:([.,'’])\d{3})(?:\1\d{3})*")
_PLAIN = re.compile(r"(\d+)(?:[.,](\d+))?")
_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:г\.?)?|(\d{4})-(\d{1,2})-(\d{1,2})")
_TIME = re.compile(r"[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?")
_SHORT_YEAR = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{2})")
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_WHOLE_FLOAT = re.compile(r"(\d+)[.,]0+")
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_LINES = re.compile(r"[;\n]")
_PARTS = re.compile(r"[,;\n]")

_YES = frozenset(map(fold, ("да", "yes", "true", "истина", "1", "+", "x", "✓", "✔", "☑", "ha", "есть", CHECKED)))
_NO = frozenset(map(fold, ("нет", "no", "false", "ложь", "0", "-", "–", "—", "yo'q", "yoq", "йўқ", UNCHECKED)))


class BadCellError(Exception):
    """A cell cannot be taken. `nearest` is what may have been meant, "" where nothing comes near."""

    def __init__(self, reason: str, nearest: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.nearest = nearest


def cell_text(cell: WorkbookCell) -> str:
    """A cell as text: numbers without needless decimals, dates as `01.03.2026`; "" for an empty one.

    Raises:
        BadCellError: it shows an error.
    """
    if isinstance(cell, CellError):
        raise BadCellError(f"holds {cell.text}" if cell.text.startswith("a ") else f"shows the error {cell.text}")
    if isinstance(cell, bool):
        return CHECKED if cell else UNCHECKED
    if isinstance(cell, (int, float)):
        return _number_text(cell)
    if isinstance(cell, (datetime, date, time)):
        return _time_text(cell)
    return _trimmed(text_cell(cell) or "")


def _number_text(number: int | float) -> str:
    if isinstance(number, int) or number.is_integer():
        return str(int(number))
    return format(Decimal(f"{number:.15g}"), "f")


def _time_text(moment: datetime | date | time) -> str:
    if isinstance(moment, time):
        return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    if not isinstance(moment, datetime):
        return moment.strftime("%d.%m.%Y")
    rounded = _to_seconds(moment)
    pattern = "%d.%m.%Y" if rounded.time() == time() else "%d.%m.%Y %H:%M:%S" if rounded.second else "%d.%m.%Y %H:%M"
    return rounded.strftime(pattern)


def _to_seconds(moment: datetime) -> datetime:
    """Excel's fractions of a day miss the second by some microseconds."""
    # The last half second of the last year has nothing to be rounded to.
    rounded = moment + timedelta(milliseconds=500) if moment.year < MAXYEAR else moment
    return rounded.replace(microsecond=0, tzinfo=None)


def _trimmed(text: str) -> str:
    """A text without blanks at its ends, those of copied web pages too; inner line ends stay."""
    return text.strip().strip("\u200b\u2060\ufeff").strip()


def canonical(text: str) -> str:
    """A text as rows are told apart by it: blanks that nobody can see make no other row."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def number_of(cell: WorkbookCell) -> Decimal:
    """A number as people write it: `1 200 000`, `1.200.000,50`, `12,5`, with a currency word or without.

    Raises:
        BadCellError: it is none, or could be two (`1,200`).
    """
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return _in_range(Decimal(_number_text(cell)))
    if isinstance(cell, (bool, datetime, date, time)):
        raise BadCellError("is no number")
    text = _BLANKS.sub("", unicodedata.normalize("NFKC", cell_text(cell)))
    text = _without_currency(text)
    sign, digits = ("-", text[1:]) if text[:1] in ("-", "−") else ("", text)
    return _in_range(Decimal(f"{sign}{_digits(digits)}"))


def _without_currency(text: str) -> str:
    for end in (r"^(?:{})", r"(?:{})$"):
        text = re.sub(end.format(_CURRENCY.pattern), "", text, count=1, flags=re.IGNORECASE)
    return text


def _digits(text: str) -> str:
    """Plain digits with a point of a number without sign, blanks and currency."""
    if "." in text and "," in text:
        decimal_mark = max(".,", key=text.rfind)
        whole, _, fraction = text.rpartition(decimal_mark)
        group = "," if decimal_mark == "." else "."
        grouped = _GROUPED.fullmatch(whole)
        if grouped and grouped[1] == group and fraction.isdecimal():
            return f"{whole.replace(group, '')}.{fraction}"
        raise BadCellError("is no number")
    grouped = _GROUPED.fullmatch(text)
    if grouped:
        mark = grouped[1]
        whole = text.replace(mark, "")
        if mark not in ".," or text.count(mark) > 1:
            return whole
    plain = _PLAIN.fullmatch(text)
    if plain is None:
        raise BadCellError("is no number")
    if not plain[2]:
        return plain[1]
    if len(plain[2]) % 3 == 0 and plain[1].strip("0"):
        raise BadCellError("can mean two numbers", f"{plain[1]}{plain[2]} or {plain[1]},{plain[2].rstrip('0') or '0'}")
    return f"{plain[1]}.{plain[2]}"


def _in_range(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number) >= LARGEST_NUMBER:
        raise BadCellError("is too large a number")
    return number


def price_of(cell: WorkbookCell) -> int:
    """A price in whole units, a half rounded up.

    Raises:
        BadCellError: it is no price.
    """
    price = int(number_of(cell).quantize(Decimal(1), ROUND_HALF_UP))
    if price < 0:
        raise BadCellError("is below zero")
    return price


def plain_number(number: Decimal) -> str:
    """A number as amoCRM's text of it: no exponent, no needless zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment_of(cell: WorkbookCell) -> datetime:
    """A date, with a time where one is given: a real date, `01.03.2026`, `2026-03-01`, each perhaps with ` 14:30`.

    Raises:
        BadCellError: it is none, or could be two days.
    """
    if isinstance(cell, datetime):
        return _to_seconds(cell)
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        raise _no_date(cell)
    text = cell_text(cell)
    found = _DATE.match(text)
    if found is None:
        raise _unclear_date(text)
    clock = _TIME.fullmatch(text[found.end() :].rstrip("Z")) if text[found.end() :] else None
    if text[found.end() :] and clock is None:
        raise BadCellError("is no date", found[0])
    day, month, year = (found[1], found[2], found[3]) if found[3] else (found[6], found[5], found[4])
    hour, minute, second = clock.groups(default="0") if clock else ("0", "0", "0")
    try:
        return datetime.combine(date(int(year), int(month), int(day)), time(int(hour), int(minute), int(second)))
    except ValueError:
        raise BadCellError("is no date of the calendar") from None


def _no_date(number: int | float) -> BadCellError:
    if _SERIALS[0] <= number <= _SERIALS[1]:
        return BadCellError("is a number, not a date", (_DAY_ZERO + timedelta(days=int(number))).strftime("%d.%m.%Y"))
    return BadCellError("is a number, not a date")


def _unclear_date(text: str) -> BadCellError:
    if short := _SHORT_YEAR.fullmatch(text):
        return BadCellError("has a year of two digits", f"{int(short[1]):02}.{int(short[2]):02}.20{short[3]}")
    if slashes := _SLASHES.fullmatch(text):
        day_first = f"{int(slashes[1]):02}.{int(slashes[2]):02}.{slashes[3]}"
        month_first = f"{int(slashes[2]):02}.{int(slashes[1]):02}.{slashes[3]}"
        possible = [one for one in dict.fromkeys((day_first, month_first)) if int(one[3:5]) <= 12]
        return BadCellError("can be day/month or month/day", " or ".join(possible))
    return BadCellError("is no date like 01.03.2026 or 2026-03-01")


def unix_of(moment: datetime, zone: tzinfo, *, is_day: bool) -> int:
    """Unix seconds of a moment, or of the midnight that begins its day, in the account's zone."""
    local = datetime.combine(moment.date(), time()) if is_day else moment
    return int(local.replace(tzinfo=zone).timestamp())


def checkbox_of(cell: WorkbookCell) -> bool:
    """A tick or none.

    Raises:
        BadCellError: the text says neither.
    """
    word = fold(cell_text(cell))
    if word in _YES or word in _NO:
        return word in _YES
    raise BadCellError("is neither yes nor no", f"{CHECKED} or {UNCHECKED}")


def option_of(text: str, options: Sequence[str]) -> str:
    """The option that a text means, as the account spells it.

    Raises:
        BadCellError: it means none; with the nearest one.
    """
    found = NameMap((option, option) for option in options).get(text)
    if found is None:
        raise BadCellError("is no option of this field", nearest_of(text, options))
    return found


def options_of(text: str, options: Sequence[str]) -> tuple[str, ...]:
    """The options that a text means: as a whole, else between semicolons and line ends, else between commas; each once.

    An option may hold commas itself: the most of what stands between them that is one counts.
    """
    named = NameMap((option, option) for option in options)
    longest = max((option.count(",") + 1 for option in options), default=1)
    found: list[str] = []
    for part in [text] if named.get(text) else _LINES.split(text):
        left = part.split(",")
        while left:
            runs = {count: ",".join(left[:count]) for count in range(min(longest, len(left)), 0, -1)}
            count = next((count for count, run in runs.items() if named.get(run)), 1)
            left = left[count:]
            found += [option_of(taken, options)] if (taken := _trimmed(runs[count])) else []
    return tuple(dict.fromkeys(found))


def parts_of(text: str) -> list[str]:
    """What stands between commas, semicolons and line ends."""
    return [part for one in _PARTS.split(text) if (part := _trimmed(one))]


def phones_of(cell: WorkbookCell) -> tuple[str, ...]:
    """Phones as typed, each once; a number that Excel made of one loses its `.0`.

    Raises:
        BadCellError: one of them is none.
    """
    return tuple(dict.fromkeys(map(_phone, parts_of(cell_text(cell)))))


def _phone(text: str) -> str:
    if whole := _WHOLE_FLOAT.fullmatch(text):
        return whole[1]
    if _SHORTENED.fullmatch(text):
        raise BadCellError("is a phone that Excel has shortened; its last digits are lost")
    if sum(map(str.isdigit, text)) < 3:
        raise BadCellError("is no phone number")
    return text


def emails_of(cell: WorkbookCell) -> tuple[str, ...]:
    """E-mail addresses, each once.

    Raises:
        BadCellError: one of them is none.
    """
    emails = tuple(dict.fromkeys(parts_of(cell_text(cell))))
    if any(email.count("@") != 1 or email.startswith("@") or email.endswith("@") or " " in email for email in emails):
        raise BadCellError("is no e-mail address")
    return emails


def nearest_of(text: str, names: Iterable[str]) -> str:
    """The most alike of some names; "" where none comes near."""
    by_fold = {fold(name): exact(name) for name in names if fold(name)}
    close = get_close_matches(fold(text), by_fold, n=1, cutoff=0.6)
    return by_fold[close[0]] if close else ""
