"""Times and spans as `status` and `history` show and read them. Knows no clock."""

from __future__ import annotations

import re
from datetime import datetime, timezone, tzinfo

from amo2gsheet.exceptions import UsageError
from amo2gsheet.values import is_zone, zone_of

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(?:\d+[smhd])+|\d+")


def span_seconds(text: str) -> float:
    """Read a span of time: `90s`, `30m`, `1h30m`, `2d`; a bare number is seconds.

    Raises:
        UsageError: it is none, or nothing.
    """
    compact = text.strip().lower().replace(" ", "")
    if _SPAN.fullmatch(compact) and len(compact) < 20:
        if compact.isdigit():
            seconds = int(compact)
        else:
            seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", compact))
        if seconds > 0:
            return float(seconds)
    raise UsageError(f"`--max-age` is '{text}', which is no span of time.", "Write it as 90s, 30m, 1h30m or 2d.")


def span_text(seconds: float) -> str:
    """A span as people say it, in its two largest units at most."""
    left = round(abs(seconds))
    counts = []
    for unit, size in reversed(_UNITS.items()):
        count, left = divmod(left, size)
        counts.append((count, unit))
    first = next((place for place, (count, _) in enumerate(counts) if count), len(counts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in counts[first : first + 2] if count) or "0 s"


def known_zone(name: str) -> tzinfo:
    """The account's zone; UTC while nobody, or not this machine, knows it."""
    return zone_of(name) if is_zone(name) else timezone.utc


def zone_text(name: str) -> str:
    """What to call the zone that `known_zone` gives."""
    return name if is_zone(name) else "UTC"


def moment_text(time: float, zone: tzinfo) -> str:
    """A moment for people: `22.11.2026 15:39:55`."""
    try:
        return datetime.fromtimestamp(time, zone).strftime("%d.%m.%Y %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"Unix time {time:.0f}"


def moment_json(time: float | None) -> str | None:
    """A moment for programs: `2026-11-22T15:39:55Z`."""
    if time is None:
        return None
    try:
        return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None
