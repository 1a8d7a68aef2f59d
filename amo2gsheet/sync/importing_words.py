"""An import's rows in words: for the result workbook, the log and the answer. Pure text; no names, no phones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from amo2gsheet.sync.importing_plan import Fate
from amo2gsheet.sync.importing_report import ImportReport, RowResult


def ranges(numbers: Iterable[int]) -> str:
    """Row numbers as people read them: `row 5`, `rows 5–9, 12`."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    texts = [str(first) if first == last else f"{first}–{last}" for first, last in runs]
    is_one = len(runs) == 1 and runs[0][0] == runs[0][1]
    return f"row{'' if is_one else 's'} {', '.join(texts)}"


def result_text(result: RowResult) -> str:
    """What the result workbook says of a row."""
    if result.fate is Fate.SENT_BEFORE or (result.fate is Fate.SEND and result.lead_id):
        return f"merged into this lead on {result.date}" if result.is_merged else f"sent on {result.date}"
    return "in amoCRM already" if result.fate is Fate.IN_AMOCRM else result.reason


def left_out_lines(report: ImportReport) -> Iterator[str]:
    """One line for each reason why rows were left out, with the rows; nothing is left unsaid."""
    groups: dict[str, list[int]] = {}
    for one in report.results:
        if one.fate is Fate.BAD:
            for problem in one.problems:
                groups.setdefault(problem.told, []).append(one.row_number)
        elif one.fate in (Fate.REFUSED, Fate.UNRESOLVED, Fate.CORRECTION):
            groups.setdefault(one.reason, []).append(one.row_number)
    for reason, numbers in groups.items():
        yield f"{ranges(numbers)}: {reason}"
    yield from report.named


def before_lines(results: Sequence[RowResult]) -> Iterator[str]:
    """One line for each row that is there already because of an earlier run."""
    for one in results:
        if one.fate is Fate.SENT_BEFORE:
            yield f"row {one.row_number}: sent on {one.date} as lead {one.lead_id}{' (merged)' if one.is_merged else ''}"


def new_lead_lines(results: Sequence[RowResult]) -> Iterator[str]:
    """What would be sent, by pipeline and stage."""
    groups: dict[str, list[int]] = {}
    for one in results:
        if one.fate is Fate.SEND:
            groups.setdefault(one.stage, []).append(one.row_number)
    for stage, numbers in groups.items():
        yield f"{ranges(numbers)}: {'a new lead' if len(numbers) == 1 else f'{len(numbers)} new leads'} in {stage}"


def row_document(one: RowResult) -> dict[str, object]:
    """What became of a row, as JSON gives it."""
    problems = [
        {"column": problem.column, "value": problem.value, "reason": problem.reason, "nearest": problem.nearest}
        for problem in one.problems
    ]
    return {
        "row": one.row_number,
        "fate": one.fate.value,
        "lead_id": one.lead_id or None,
        "date": one.date,
        "merged": one.is_merged,
        "reason": one.reason,
        "problems": problems,
    }
