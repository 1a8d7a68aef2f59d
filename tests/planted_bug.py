"""What a planted bug is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """One fault: in `file` below `amo2gsheet/`, `old` becomes `new`. `suite` are pytest's arguments: the tests that must fail."""

    name: str
    breaks: str
    file: str
    old: str
    new: str
    suite: tuple[str, ...]
