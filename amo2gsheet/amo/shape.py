"""Typed looks into JSON that nobody vouches for. Raises only `PayloadError`, which says where the JSON is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

MOST = 2**63
"""Numbers from here on fit neither a database nor a cell; no ID, time or price of an account comes near."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_SURROGATES = re.compile("[\ud800-\udfff]")


class PayloadError(ValueError):
    """The JSON is not of the shape that was promised: `path` in dot notation, and what is wrong there."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def under(self, prefix: str) -> PayloadError:
        """The same problem, seen from further up."""
        return PayloadError(f"{prefix}.{self.path}" if self.path else prefix, self.problem)

    def __str__(self) -> str:
        return f"{self.path or 'the whole'} {self.problem}"


def mapping(value: object, path: str = "") -> Mapping[str, object]:
    """An object, or an error."""
    if not isinstance(value, dict):
        raise PayloadError(path, "is no object")
    return value


def child(owner: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The object under a key; an empty one where the key is missing or null. PHP writes an empty object as `[]`."""
    value = owner.get(key)
    return {} if value is None or value == [] else mapping(value, key)


def elements(owner: Mapping[str, object], key: str) -> Sequence[object]:
    """The array under a key; an empty one where the key is missing or null."""
    value = owner.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise PayloadError(key, "is no array")
    return value


def each(values: Sequence[object], path: str, read: Callable[[Mapping[str, object]], T]) -> list[T]:
    """Read every object of an array; an error names its place in it."""
    found: list[T] = []
    for index, value in enumerate(values):
        try:
            found.append(read(mapping(value)))
        except PayloadError as error:
            raise error.under(f"{path}.{index}") from None
    return found


def text(owner: Mapping[str, object], key: str) -> str:
    """The text under a key, "" where it is missing or null; a number counts as its digits."""
    value = owner.get(key)
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PayloadError(key, "is no text")
    return str(_bounded(value, key))


def clean(value: str) -> str:
    """The text without halves of characters, which could be neither stored nor sent."""
    return _SURROGATES.sub("\ufffd", value)


def whole(owner: Mapping[str, object], key: str, default: int | None = None) -> int:
    """The integer under a key, also written as text; where it is missing or null the default, without one an error."""
    value = owner.get(key)
    if value is None and default is not None:
        return default
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PayloadError(key, "is missing" if value is None else "is no whole number")
    _bounded(value, key)
    return value


def identifier(owner: Mapping[str, object], key: str = "id") -> int:
    """The ID under a key: a positive integer."""
    value = whole(owner, key)
    if value <= 0:
        raise PayloadError(key, "is no ID")
    return value


def number(owner: Mapping[str, object], key: str) -> int | float | None:
    """The number under a key, also written as text; None where it is missing or null."""
    value = owner.get(key)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise PayloadError(key, "is no number") from None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PayloadError(key, "is no number")
    bounded = _bounded(value, key)
    return int(bounded) if float(bounded).is_integer() else bounded


def flag(owner: Mapping[str, object], key: str, default: bool = False) -> bool:
    """The truth under a key, also written as a number or text; where it is missing or null the default."""
    value = owner.get(key)
    if value is None:
        return default
    if isinstance(value, (bool, int)):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false", "1", "0", ""):
        return value.lower() in ("true", "1")
    raise PayloadError(key, "is neither true nor false")


def _bounded(value: int | float, key: str) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise PayloadError(key, "is no finite number")
    if abs(value) >= MOST:
        raise PayloadError(key, "is too large")
    return value


def scalar(value: object, path: str) -> str | int | float | bool | None:
    """A text, number, truth or null as it is."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return _bounded(value, path)
    raise PayloadError(path, "is neither text nor number")
