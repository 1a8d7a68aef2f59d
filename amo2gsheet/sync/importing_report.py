"""What became of each row of an import. Plain data and counts; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sync.importing_drafts import Problem
from amo2gsheet.sync.importing_plan import LEFT_OUT, Fate


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row. `date` is when it was sent before, as text in the account's zone; `lead_id` 0: none."""

    row_number: int
    fate: Fate
    lead_id: int = 0
    date: str = ""
    reason: str = ""
    is_merged: bool = False
    problems: tuple[Problem, ...] = ()
    stage: str = ""

    @property
    def is_in_amocrm(self) -> bool:
        """Whether `lead_id` is this very row's lead."""
        return self.fate in (Fate.SEND, Fate.IN_AMOCRM, Fate.SENT_BEFORE) and self.lead_id > 0


@dataclass(slots=True)
class ImportReport:
    """What an import did. `results` are in the order of the file; `named` is what else was left out, `notices` are just told.

    `held` is why nothing was sent, "" where nothing held it back. `settled` counts rows of earlier runs whose outcome was found.
    """

    results: list[RowResult] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    held: str = ""
    settled: int = 0

    @property
    def exit_code(self) -> ExitCode:
        """How the run ends when nothing was raised."""
        if self.held:
            return ExitCode.HELD_BACK
        is_partial = bool(self.named) or any(one.fate in LEFT_OUT for one in self.results)
        return ExitCode.PARTIAL if is_partial else ExitCode.DONE

    def count(self, *fates: Fate) -> int:
        """How many rows met one of these fates."""
        return sum(one.fate in fates for one in self.results)


def counts_of(report: ImportReport) -> Mapping[str, int]:
    """The figures of the summary line, as `--json` and the state give them."""
    return {
        "rows": len(report.results),
        "new_leads": sum(one.fate is Fate.SEND and not one.is_merged for one in report.results),
        "merged": sum(one.fate is Fate.SEND and one.is_merged for one in report.results),
        "in_amocrm": report.count(Fate.IN_AMOCRM),
        "sent_before": report.count(Fate.SENT_BEFORE),
        "bad": report.count(Fate.BAD),
        "refused": report.count(Fate.REFUSED),
        "corrections": report.count(Fate.CORRECTION),
        "unresolved": report.count(Fate.UNRESOLVED),
        "not_sent": report.count(Fate.NOT_SENT),
        "settled": report.settled,
    }
