"""What typing does: numbers, dates, booleans and formulas read out of text, as the screen and USER_ENTERED do."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import column_of
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import NUMBER_FORMAT, Formula, Patch, Plain, Value, as_number, plain
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_render import EPOCH, is_russian

_NUMBER = {
    True: re.compile(r"[+-]?(\d{1,3}([ \u00a0\u202f]\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?"),
    False: re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?"),
}
_CURRENCY = re.compile(r"\$\s*(.+)|(.+?)\s*(?:₽|р\.|сум)")
_TIME = r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?)?"
_ISO = re.compile(rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_TIME}")
_DAY_FIRST = re.compile(rf"(?P<day>\d{{1,2}})[./-](?P<month>\d{{1,2}})(?:[./-](?P<year>\d{{4}}|\d\d))?{_TIME}")
_MONTH_FIRST = re.compile(rf"(?P<month>\d{{1,2}})[/-](?P<day>\d{{1,2}})(?:[/-](?P<year>\d{{4}}|\d\d))?{_TIME}")
_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)")
_WORDS = {"TRUE": True, "FALSE": False, "ИСТИНА": True, "ЛОЖЬ": False}
_SUMS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def enter(book: Book, tab: Tab, row: int, column: int, text: str) -> tuple[Value, Patch]:
    """Return what typing a text into a cell makes of it: the value, and the number format it brings along.

    A cell in plain-text format keeps every text but a formula as it is; a format of its own is not replaced.
    """
    if text == "":
        return None, {}
    if text.startswith("'"):
        return text[1:] or None, {}
    own = tab.look(row, column, NUMBER_FORMAT) or {}
    if own.get("type") == "TEXT":
        return text, {}
    if text.startswith("=") and len(text) > 1:
        return Formula(text, calculated(tab, text[1:])), {}
    value, number_format = _recognised(book, text.strip())
    if value is None:
        if text[0] == "+" and len(text) > 1:
            return Formula(f"={text}", "#ERROR!"), {}
        return text, {}
    return value, {NUMBER_FORMAT: number_format} if number_format and not own else {}


def serial(moment: datetime) -> int | float:
    """Return a moment as a serial number."""
    return as_number(round((moment - EPOCH).total_seconds() / 86400, 10))


def _recognised(book: Book, text: str) -> tuple[Plain, dict[str, str] | None]:
    if text.upper() in _WORDS:
        return _WORDS[text.upper()], None
    is_comma = is_russian(book.locale)
    if (number := _number(text, is_comma)) is not None:
        return number, None
    if text.endswith("%") and (number := _number(text[:-1].strip(), is_comma)) is not None:
        return as_number(number / 100), {"type": "PERCENT", "pattern": "0.00%"}
    if found := _CURRENCY.fullmatch(text):
        number = _number(found.group(1) or found.group(2), is_comma)
        if number is not None:
            return number, {"type": "CURRENCY", "pattern": "#,##0.00"}
    return _date(book, text, is_comma)


def _number(text: str, is_comma: bool) -> int | float | None:
    if not _NUMBER[is_comma].fullmatch(text) or not any(letter.isdigit() for letter in text):
        return None
    text = re.sub(r"[ \u00a0\u202f]", "", text)
    text = text.replace(",", ".") if is_comma else text.replace(",", "")
    return as_number(int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text))


def _date(book: Book, text: str, is_day_first: bool) -> tuple[Plain, dict[str, str] | None]:
    found = _ISO.fullmatch(text) or (_DAY_FIRST if is_day_first else _MONTH_FIRST).fullmatch(text)
    if not found:
        return None, None
    part = {name: int(number) for name, number in found.groupdict().items() if number}
    year = part.get("year", book.year)
    try:
        moment = datetime(
            year + 2000 if year < 100 else year,
            part["month"],
            part["day"],
            part.get("hour", 0),
            part.get("minute", 0),
            part.get("second", 0),
            tzinfo=timezone.utc,
        )
    except ValueError:
        return None, None
    day = "yyyy-mm-dd" if _ISO.fullmatch(text) else "dd.mm.yyyy" if is_day_first else "m/d/yyyy"
    if "hour" in part:
        return serial(moment), {"type": "DATE_TIME", "pattern": f"{day} h:mm:ss"}
    return serial(moment), {"type": "DATE", "pattern": day}


def calculated(tab: Tab, text: str) -> Plain:
    """Return the result of a formula: sums of numbers, texts and single cells; `#NAME?` for anything more."""

    def looked_up(found: re.Match[str]) -> str:
        row, column = int(found.group(2)) - 1, column_of(found.group(1))
        is_inside = row < len(tab.rows) and column < len(tab.columns)
        value = plain(tab.value(row, column)) if is_inside else None
        return repr(0 if value is None else value)

    try:
        expression = ast.parse(_REFERENCE.sub(looked_up, text), mode="eval")
        result = _evaluated(expression.body)
    except (SyntaxError, TypeError, LookupError):
        return "#NAME?"
    except ZeroDivisionError:
        return "#DIV/0!"
    return as_number(result) if isinstance(result, (int, float)) and not isinstance(result, bool) else result


def _evaluated(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluated(node.operand)
    if isinstance(node, ast.BinOp):
        return _SUMS[type(node.op)](_evaluated(node.left), _evaluated(node.right))
    raise LookupError(ast.dump(node))
