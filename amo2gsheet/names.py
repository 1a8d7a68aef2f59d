"""How names that people type are compared: headers, stages, pipelines. Pure text; knows no stage and no column."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")

_KEPT_NAMES = 16_384
"""How many folded names are remembered: more than the largest account has stages; 100,000 cells then cost little."""

_LOOK_ALIKES = str.maketrans("ABCEHIKMOPTXYabcehikmoptxy", "АВСЕНІКМОРТХУавсенікмортху")
"""Latin letter → the Cyrillic one that its capital looks like.

The small letter follows its capital even where it looks different (`h`, `t`): else `OTKAZ` and `Otkaz` would be two names.
"""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
"""Soft hyphens, zero-width blanks and direction marks: they come with pasted text, and nobody can see them."""


@lru_cache(maxsize=_KEPT_NAMES)
def normal_header(text: str) -> str:
    """A header as headers are compared: outer blanks gone, inner ones single, case ignored."""
    return _settled(text, lambda name: _collapsed(unicodedata.normalize("NFC", name)).casefold())


@lru_cache(maxsize=_KEPT_NAMES)
def exact(text: str) -> str:
    """A name letter by letter, apart from blanks and from ways to encode one letter (NFKC)."""
    return _settled(text, lambda name: _collapsed(unicodedata.normalize("NFKC", name)))


@lru_cache(maxsize=_KEPT_NAMES)
def fold(text: str) -> str:
    """A name as people mean it: as `exact`, Latin look-alikes read as Cyrillic, case ignored."""
    # From the exact name on: an accent joins its letter before a look-alike is read for the bare letter.
    return _settled(exact(text), lambda name: exact(name).translate(_LOOK_ALIKES).casefold())


def alike(name: str, titles: Sequence[str]) -> list[str]:
    """Those titles that a person may mean by a name: the very same one, else those that differ in blanks and letter case alone.

    Google gives no two tabs of a spreadsheet the same title, nor titles that differ in letter case alone.
    """
    if name in titles:
        return [name]
    return [title for title in titles if normal_header(title) == normal_header(name)]


def _collapsed(text: str) -> str:
    # `split` knows every Unicode blank, NBSP among them.
    return " ".join(text.translate(_INVISIBLE).split())


def _settled(text: str, step: Callable[[str], str]) -> str:
    """Repeat a step until it changes nothing: folding a letter may make one that folds again (`İ`)."""
    while (changed := step(text)) != text:
        text = changed
    return text


class NameMap(Generic[T]):
    """Name → value, found by the exact name first, by the folded one else; of equal names the first given counts.

    A blank name is no name: it is neither kept nor found.
    """

    __slots__ = ("_exact", "_folded")

    def __init__(self, pairs: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, T] = {}
        self._folded: dict[str, T] = {}
        for name, value in pairs:
            if not fold(name):
                continue
            self._exact.setdefault(exact(name), value)
            self._folded.setdefault(fold(name), value)

    def get(self, name: str) -> T | None:
        """The value of that name; None when no name matches."""
        found = self._exact.get(exact(name))
        return self._folded.get(fold(name)) if found is None else found
