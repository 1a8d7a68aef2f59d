"""One measured line, and the table of them as the README shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.launcher import Spent

HEADER = ("case", "amoCRM", "Sheets", "CPU s", "wall s", "peak MiB", "CPU, times", "requests, 1 in", "reference")


@dataclass(frozen=True, slots=True)
class Line:
    """What one case used; `None` stands for what does not apply.

    `cpu_ratio` is the program's CPU through the reference's; `requests_ratio` the reference's requests through the program's.
    """

    case: str
    spent: Spent
    amo_requests: int | None = None
    sheet_requests: int | None = None
    reference: str = ""
    cpu_ratio: float | None = None
    requests_ratio: float | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """As texts, in the order of the header."""
        spent = self.spent
        return (
            self.case,
            _shown(self.amo_requests, "d"),
            _shown(self.sheet_requests, "d"),
            f"{spent.cpu_seconds:.2f}",
            f"{spent.wall_seconds:.1f}",
            f"{spent.peak_mib:.0f}",
            _shown(self.cpu_ratio, ".2f"),
            _shown(self.requests_ratio, ".0f"),
            self.reference,
        )


def middle(runs: Sequence[Spent]) -> Spent:
    """The run of the median CPU time, with the medians of the other figures."""
    last = runs[-1]
    return Spent(
        median(run.cpu_seconds for run in runs),
        median(run.wall_seconds for run in runs),
        median(run.peak_mib for run in runs),
        last.exit_code,
        last.stdout,
        last.stderr,
    )


def markdown(cells: Sequence[str]) -> str:
    """One row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def head() -> list[str]:
    """The first two rows of the table."""
    return [markdown(HEADER), markdown(["---", *["---:"] * 7, "---"])]


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
