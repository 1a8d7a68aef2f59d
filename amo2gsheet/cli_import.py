"""How an `import-xlsx` is told: what became of each row, its summary line, and the object of `--json`. Decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from amo2gsheet import cli_report, output
from amo2gsheet.exceptions import ExitCode

if TYPE_CHECKING:
    from amo2gsheet.cli_session import Session
    from amo2gsheet.commands_import import ImportOutcome

logger = logging.getLogger(__name__)

COMMAND = "import-xlsx"

_MOST_LISTED = 20
"""So many rows sent before are listed in the log; of more only the count, for they all stand in the result workbook."""

_HELD_HINT = (
    "Put back what is missing (the column, or the result workbook of the earlier import beside the file), choose another "
    "`--tag`, or, if every row is to become a new lead all the same, add `--again`."
)


def tell(session: Session, outcome: ImportOutcome) -> int:
    """Show how an import ended, the answer on stdout, what happened on stderr; returns its exit code."""
    session.disarm()
    if not outcome.is_dry:
        _log_end(outcome)
    if session.line.is_json:
        output.write_json(document(outcome))
    elif outcome.is_dry:
        for text in plan_lines(outcome):
            output.write(output.printable(text))
    return int(outcome.exit_code)


def document(outcome: ImportOutcome) -> dict[str, object]:
    """The object of `--json`."""
    problem = outcome.error
    error: dict[str, object] | None = None
    if problem is not None:
        error = {"message": problem.message, "hint": problem.hint, "problems": problem.problems}
    report = outcome.report
    return {
        **cli_report.document(COMMAND, outcome.exit_code, error),
        **outcome.counts,
        "tag": outcome.tag,
        "results": outcome.rows,
        "named": report.named,
        "notices": report.notices,
        "held": report.held,
        "result": None if outcome.result is None else str(outcome.result),
        "dry_run": outcome.is_dry,
        "seconds": round(outcome.seconds, 1),
    }


def summary(outcome: ImportOutcome) -> str:
    """One line of counts: what was done, or of a dry run what would be."""
    counts = outcome.counts
    parts = [f"tag {output.printable(outcome.tag)!r}", _count(counts["rows"], "row")]
    if not outcome.is_dry:
        parts.append(_count(counts["new_leads"], "new lead"))
    told = (
        ("merged", "merged into leads that were there"),
        ("sent_before", "sent before"),
        ("in_amocrm", "with an ID"),
        ("corrections", "probable corrections"),
        ("bad", "bad"),
        ("refused", "refused by amoCRM"),
        ("unresolved", "unresolved"),
        ("not_sent", "not sent"),
    )
    parts += [f"{counts[name]} {words}" for name, words in told if counts[name]]
    parts.append(_count(counts["amo_requests"], "request"))
    return f"{COMMAND} {_word(outcome)}: {', '.join(parts)}, {outcome.seconds:.1f} s"


def _word(outcome: ImportOutcome) -> str:
    if outcome.report.held:
        return "held back"
    if outcome.is_dry:
        return f"would make {_count(outcome.counts['new_leads'], 'new lead')}"
    return "done" if outcome.error is None else "incomplete"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def plan_lines(outcome: ImportOutcome) -> Iterator[str]:
    """The answer to `--dry-run`."""
    yield from outcome.new_lead_lines
    yield from outcome.before_lines
    if outcome.left_out_lines:
        yield from ("left out:", *(f"- {text}" for text in outcome.left_out_lines))
    if outcome.report.held:
        yield from (_held(outcome), f"  {_HELD_HINT}")
    yield summary(outcome)


def _held(outcome: ImportOutcome) -> str:
    return f"{COMMAND} held back: {outcome.report.held}"


def _log_end(outcome: ImportOutcome) -> None:
    report = outcome.report
    before = outcome.before_lines
    for text in before if len(before) <= _MOST_LISTED else []:
        logger.info("%s: %s", COMMAND, text, extra={"event": "sent before"})
    for text in outcome.left_out_lines:
        if text not in report.named:
            logger.warning("%s: %s", COMMAND, text, extra={"event": "left out"})
    if report.held:
        logger.error("%s", _held(outcome), extra={"event": "held back", "hint": _HELD_HINT})
    if outcome.error is not None:
        told = {"event": "failed", "hint": outcome.error.hint, "problems": outcome.error.problems}
        logger.error("%s", outcome.error.message, extra=told)
    if outcome.result is not None:
        logger.info('%s: what became of each row stands in "%s"', COMMAND, outcome.result, extra={"event": "result"})
    figures = {"event": "run ended", "exit_code": int(outcome.exit_code), "seconds": round(outcome.seconds, 1), **outcome.counts}
    is_serious = outcome.exit_code not in (ExitCode.DONE, ExitCode.PARTIAL)
    logger.log(logging.WARNING if is_serious else logging.INFO, "%s", summary(outcome), extra=figures)
