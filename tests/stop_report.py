"""Tell at the end of a test run how many stop points it played, in each scenario and in all."""

from __future__ import annotations

from collections import Counter
from typing import Any

STOP_POINTS = "stop points"
"""Name of the property under which a test leaves [scenario, number of points]."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the numbers that the tests left, where there are any."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == STOP_POINTS:
                counts[value[0]] += value[1]
    if counts:
        terminalreporter.section("stop points")
        terminalreporter.write_line(", ".join(f"{name} {count}" for name, count in counts.items()))
        terminalreporter.write_line(f"{sum(counts.values())} stop points passed in {len(counts)} scenarios")
