"""How a `pull` or `push` is told: its summary line, what was held back, and the object of `--json`. Prints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amo2gsheet.exceptions import ExitCode

if TYPE_CHECKING:
    from amo2gsheet.commands import Options, Outcome

JSON_VERSION = 1
"""The shape of what `--json` prints; grows with any change that a reader of the shape before would trip over."""


def document(command: str, exit_code: int, error: dict[str, object] | None) -> dict[str, object]:
    """What every object of `--json` begins with; all of it when the command failed."""
    return {"version": JSON_VERSION, "command": command, "exit_code": int(exit_code), "error": error}


def figures(outcome: Outcome) -> dict[str, object]:
    """What a run did so far, in numbers; also of one that failed on its way."""
    return {**outcome.counts, "seconds": round(outcome.seconds, 1)}


def outcome_document(outcome: Outcome) -> dict[str, object]:
    """The object of `--json` for a run that came to its end."""
    report = outcome.report
    return {
        **document(outcome.command, outcome.exit_code, None),
        **figures(outcome),
        "named": report.named,
        "notices": report.notices,
        "held": report.held,
        **({"plan": report.plan} if outcome.is_dry else {}),
        "dry_run": outcome.is_dry,
    }


def summary(outcome: Outcome, options: Options) -> str:
    """One line of counts: what was done, or of a dry run what would be."""
    report, counts = outcome.report, outcome.counts
    parts = [_count(report.leads_read, "lead", "read")]
    if not outcome.is_dry:
        parts += _changes(outcome)
    if options.is_full and not outcome.is_dry:
        parts.append(f"{_count(report.drifted, 'cell')} had drifted")
    parts.append(_count(report.conflicts, "conflict"))
    if report.named:
        parts.append(f"{len(report.named)} named for a person")
    parts.append(_count(counts["amo_requests"] + counts["sheet_requests"], "request"))
    return f"{outcome.command} {_word(outcome)}: {', '.join(parts)}, {outcome.seconds:.1f} s"


def _changes(outcome: Outcome) -> list[str]:
    report = outcome.report
    if outcome.command == "push":
        return [_count(report.moves, "move")]
    return [f"{_count(report.cells, 'cell')} in {_count(report.rows, 'row')}", _count(report.new_rows, "new row")]


def _word(outcome: Outcome) -> str:
    report = outcome.report
    if outcome.is_dry:
        return f"would make {_count(len(report.plan), 'change')}"
    if report.held:
        return "held back"
    if report.is_unavailable:
        return "incomplete"
    return "stopped at RUN_LIMIT_SEC, the next run goes on" if report.is_cut_short else "done"


def _count(number: int, noun: str, verb: str = "") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}{f' {verb}' if verb else ''}"


def held_message(outcome: Outcome) -> str:
    """Why moves were held back."""
    return f"{outcome.command} held back: {outcome.report.held[0]}"


def held_hint(outcome: Outcome) -> str:
    """How to let them through."""
    return f"Look at the sheet; if it is as it should be, let them through with `amo2gsheet {outcome.command} --force`."


def dry_run_lines(outcome: Outcome, options: Options) -> list[str]:
    """The answer to `--dry-run`: each change, what would be held back, what is named for a person, and the summary."""
    report = outcome.report
    lines = list(report.plan)
    if report.held:
        lines += [held_message(outcome), f"  {held_hint(outcome)}", *(f"  - {move}" for move in report.held[1:])]
    if report.named:
        lines += ["named for a person:", *(f"- {text}" for text in report.named)]
    return [*lines, summary(outcome, options)]


def is_serious(outcome: Outcome) -> bool:
    """Whether the summary is to be heard even by who asked for quiet."""
    return outcome.exit_code not in (ExitCode.DONE, ExitCode.PARTIAL)
