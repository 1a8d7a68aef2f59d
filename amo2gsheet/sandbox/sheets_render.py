"""How Google shows a value: number formats, dates from serial numbers, words of the spreadsheet's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from amo2gsheet.sandbox.sheets_cells import NUMBER_FORMAT, Plain, drawn, get_path
from amo2gsheet.sandbox.sheets_grid import Tab

EPOCH = datetime(1899, 12, 30, tzinfo=timezone.utc)
"""Day 0 of serial dates (Google Sheets API, date/time serial numbers). They know no zone: UTC keeps every day 24 hours."""

_DEFAULT_PATTERNS = {
    "NUMBER": "#,##0.00",
    "PERCENT": "0.00%",
    "CURRENCY": "#,##0.00",
    "SCIENTIFIC": "0.00E+00",
    "TEXT": "@",
}
_DATES = {
    "ru": {"DATE": "dd.MM.yyyy", "TIME": "h:mm:ss", "DATE_TIME": "dd.MM.yyyy h:mm:ss"},
    "en": {"DATE": "M/d/yyyy", "TIME": "h:mm:ss am/pm", "DATE_TIME": "M/d/yyyy h:mm:ss"},
}
_TOKEN = re.compile(r'"[^"]*"|\\.|am/pm|y+|d+|M+|m+|h+|H+|s+|.', re.DOTALL)
_CORE = re.compile(r"[#0][#0,.]*")
NumberFormat = Mapping[str, Any]


def is_russian(locale: str) -> bool:
    """Tell whether numbers are written with a decimal comma here, as in ru_RU and uz_UZ."""
    return locale[:2] in {"ru", "uz", "uk", "kk"}


def shown(value: Plain, number_format: NumberFormat | None, locale: str) -> str:
    """Return the text a person sees in the cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return {True: "ИСТИНА", False: "ЛОЖЬ"}[value] if is_russian(locale) else str(value).upper()
    if isinstance(value, str):
        return value
    if number_format and is_date(number_format):
        return _shown_date(value, number_format, locale)
    pattern = (number_format or {}).get("pattern") or _DEFAULT_PATTERNS.get((number_format or {}).get("type", ""), "@")
    return _shown_number(value, pattern, locale)


def is_date(number_format: NumberFormat) -> bool:
    """Tell whether a number format shows a moment."""
    return number_format.get("type") in ("DATE", "TIME", "DATE_TIME")


class Formats:
    """The number formats of one tab, found quickly for many cells."""

    def __init__(self, tab: Tab) -> None:
        """Look the tab's layers through once."""
        self._tab = tab
        self._layers = [layer for layer in tab.layers if any(path[:1] == NUMBER_FORMAT[:1] for path in layer.patch)]

    def of(self, row: int, column: int) -> NumberFormat | None:
        """Return a cell's number format, None where it has none."""
        patches = [layer.patch for layer in self._layers if layer.area.has(row, column)]
        looks = self._tab.rows[row].looks
        if looks and (own := looks.get(self._tab.columns[column])):
            patches.append(own)
        found: NumberFormat | None = get_path(drawn(patches), NUMBER_FORMAT) if patches else None
        return found


def _shown_number(value: int | float, pattern: str, locale: str) -> str:
    core = _CORE.search(pattern)
    if pattern == "@" or pattern.lower() == "general" or core is None:
        text = str(value) if isinstance(value, int) else f"{value:.10g}".replace("e", "E")
        return text.replace(".", ",") if is_russian(locale) else text
    before, after = pattern[: core.start()], pattern[core.end() :]
    if after.startswith("E+"):
        return f"{value:.{_decimals(core.group())[1]}E}".replace(".", "," if is_russian(locale) else ".")
    if "%" in after:
        value *= 100
    least, most = _decimals(core.group())
    text = f"{abs(value):,.{most}f}" if "," in core.group() else f"{abs(value):.{most}f}"
    whole, _, fraction = text.partition(".")
    while len(fraction) > least and fraction.endswith("0"):
        fraction = fraction[:-1]
    if is_russian(locale):
        whole = whole.replace(",", "\u00a0")
    text = whole + ("," if is_russian(locale) else ".") + fraction if fraction else whole
    sign = "-" if value < 0 and text.strip("0.,") else ""
    return sign + _literal(before) + text + _literal(after)


def _decimals(core: str) -> tuple[int, int]:
    fraction = core.partition(".")[2]
    return fraction.count("0"), len(fraction)


def _literal(text: str) -> str:
    return re.sub(r'"([^"]*)"|\\(.)|\[\$([^\]]*)\]', lambda found: "".join(filter(None, found.groups())), text)


def _shown_date(value: int | float, number_format: NumberFormat, locale: str) -> str:
    defaults = _DATES["ru" if is_russian(locale) else "en"]
    pattern = number_format.get("pattern") or defaults[str(number_format["type"])]
    moment = EPOCH + timedelta(seconds=round(value * 86400))
    tokens: list[str] = _TOKEN.findall(pattern)
    is_short_clock = "am/pm" in tokens
    return "".join(_date_part(tokens, place, moment, is_short_clock) for place in range(len(tokens)))


def _date_part(tokens: list[str], place: int, moment: datetime, is_short_clock: bool) -> str:
    token = tokens[place]
    kind, width = token[0].lower(), len(token)
    if kind in '"\\':
        return _literal(token)
    if token == "am/pm":
        return "AM" if moment.hour < 12 else "PM"
    if kind == "m" and not _is_minute(tokens, place):
        return f"{moment.month:0{min(width, 2)}d}"
    number = {
        "y": moment.year if width > 2 else moment.year % 100,
        "d": moment.day,
        "h": (moment.hour + 11) % 12 + 1 if is_short_clock else moment.hour,
        "m": moment.minute,
        "s": moment.second,
    }.get(kind)
    return token if number is None else f"{number:0{width if kind == 'y' else min(width, 2)}d}"


def _is_minute(tokens: list[str], place: int) -> bool:
    """Tell minutes from months: minutes stand after hours or before seconds."""
    if tokens[place][0] == "M":
        return False
    letters = [token[0].lower() for token in tokens[:place] if token[0].lower() in "yMdhs"]
    following = [token[0].lower() for token in tokens[place + 1 :] if token[0].lower() in "yMdhs"]
    return (bool(letters) and letters[-1] == "h") or (bool(following) and following[0] == "s")
