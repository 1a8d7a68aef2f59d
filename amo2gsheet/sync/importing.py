"""An import: gather → check → plan → settle → send → say what became of each row. Each row goes in once, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import AmoGsheetError
from amo2gsheet.model import Pipeline, Stage
from amo2gsheet.names import normal_header
from amo2gsheet.state.records import ImportRow
from amo2gsheet.sync.directory import rules_of, zone_note
from amo2gsheet.sync.importing_columns import ImportColumns, columns_of
from amo2gsheet.sync.importing_drafts import Drafting, RowDraft, drafts_of, is_foreign, keyed
from amo2gsheet.sync.importing_keys import PERSON
from amo2gsheet.sync.importing_plan import Fate, Planned, equal_rows, plan_import
from amo2gsheet.sync.importing_recall import recall, sent_elsewhere, take_over
from amo2gsheet.sync.importing_report import RowResult
from amo2gsheet.sync.importing_send import Sent, send
from amo2gsheet.sync.importing_settle import settle, settles_at
from amo2gsheet.sync.importing_stages import Beginnings
from amo2gsheet.sync.importing_words import ranges
from amo2gsheet.values import zone_of

if TYPE_CHECKING:
    from amo2gsheet.model import ColumnKey
    from amo2gsheet.sync.importing_run import ImportRun

_ROUNDS = 2
"""A row that turned out not to be there is sent once more in the same run."""


def import_rows(run: ImportRun) -> None:
    """Bring the rows of the workbook into amoCRM, each once. With `run.is_dry` nothing is sent.

    What became of each row stands in `run.report`, also when an error leaves.

    Raises:
        SheetError: the workbook has no header that can be used; nothing was sent.
        SettingsError: PIPELINE_ID names no pipeline, or none is in use; nothing was sent.
        UnavailableError, LoginError, ForbiddenError: amoCRM did not go on; the report tells what was done before.
        StateError: the state cannot be written.
    """
    memory = recall(run)
    columns, drafts, counted, pipelines = _gather(run, memory.columns)
    drafts = keyed(drafts, memory.numbers)
    rows = take_over(run, memory, drafts)
    _tell_of_the_file(run, columns, counted, rows)
    elsewhere = sent_elsewhere(run, columns, drafts)
    rows = {**{key: row for key, (row, _) in elsewhere.items()}, **settle(run, rows)}
    planned = plan_import(drafts, rows, sends_changed=run.sends_changed)
    if not any(one.fate is Fate.SEND for one in planned):
        run.report.held = ""
    for numbers in equal_rows(planned):
        run.notice(f"{ranges(numbers)} are equal: each becomes a lead of its own")
    sent = Sent()
    try:
        if not (run.is_dry or run.report.held):
            _send_all(run, planned, counted, sent)
    finally:
        is_plan = run.is_dry or bool(run.report.held)
        names = _stage_names(pipelines)
        known = run.state.import_rows(run.tag_key)
        _name_absent(run, drafts, known)
        tags = {key: tag for key, (row, tag) in elsewhere.items() if key not in known and row.lead_id is None}
        known = {**{key: row for key, (row, _) in elsewhere.items()}, **known}
        run.report.results = [_result(run, one, sent, known, tags, names, is_plan=is_plan) for one in planned]
    if sent.stopped is not None:
        raise sent.stopped


def _gather(
    run: ImportRun, remembered: Mapping[str, ColumnKey] | None
) -> tuple[ImportColumns, list[RowDraft], Mapping[str, ColumnKey], Sequence[Pipeline]]:
    """Read what names things, live, and check every row against it."""
    account, pipelines, fields = run.amo.account(), run.amo.pipelines(), run.amo.lead_fields()
    settings = run.settings
    run.zone = account.zone
    if note := zone_note(account):
        run.notice(note)
    run.field_names = {one.id: one.name for one in fields}
    rules = rules_of(settings, pipelines)
    beginnings = Beginnings(
        pipelines,
        rules,
        settings.pipeline_display,
        pipeline_id=settings.pipeline_id,
        trigger_status_id=settings.trigger_status_id,
    )
    columns = columns_of(run.table, fields, remembered or {})
    run.columns = columns
    counted = columns.taken if remembered is None else remembered
    drafting = Drafting(columns, counted, beginnings, zone_of(account.zone), run.tag)
    return columns, list(drafts_of(run.table.rows, drafting)), counted, pipelines


def _tell_of_the_file(
    run: ImportRun, columns: ImportColumns, counted: Mapping[str, ColumnKey], rows: Mapping[str, ImportRow]
) -> None:
    for text in columns.notices:
        run.notice(text)
    missing = [header for header in counted if header not in columns.headers]
    if missing:
        names = ", ".join(f'"{header}"' for header in missing)
        run.notice(f"columns of this import's first run are missing: {names}; rows are told apart by them")
    lost = [f'"{header}"' for header in missing if counted[header] in PERSON]
    if lost and rows and not run.is_again:
        run.report.held = (
            f"column {', '.join(lost)} of this import's first run is missing, so rows sent before cannot be told from new ones"
        )
    foreign = [row.number for row in run.table.rows if is_foreign(row, columns)]
    if foreign:
        run.notice(f"{ranges(foreign)}: left out, for no column of the import is filled")


def _send_all(run: ImportRun, planned: Sequence[Planned], counted: Mapping[str, ColumnKey], sent: Sent) -> None:
    """Send, then look at once for what is unclear; what turns out not to be there is sent again."""
    todo = [one for one in planned if one.fate is Fate.SEND]
    for _ in range(_ROUNDS):
        if not todo:
            return
        run.read_time()
        send(run, todo, counted, sent)
        if not sent.unclear or sent.stopped is not None:
            return
        todo = _after_unclear(run, todo, sent)


def _after_unclear(run: ImportRun, sent_rows: Sequence[Planned], sent: Sent) -> list[Planned]:
    """Settle what can be settled now; return the rows that surely became no lead."""
    try:
        rows = settle(run, run.state.import_rows(run.tag_key))
    except AmoGsheetError as error:
        sent.stopped = error
        return []
    absent = {key for key in sent.unclear if key not in rows}
    sent.unclear = {key for key in sent.unclear if key in rows and rows[key].lead_id is None}
    return [one for one in sent_rows if one.draft.key in absent]


# --- what became of each row ---


def _result(
    run: ImportRun,
    planned: Planned,
    sent: Sent,
    known: Mapping[str, ImportRow],
    tags: Mapping[str, str],
    names: Callable[[Stage], str],
    *,
    is_plan: bool,
) -> RowResult:
    draft, fate = planned.draft, planned.fate
    number = draft.number
    if fate is Fate.IN_AMOCRM:
        return RowResult(number, fate, draft.lead_id or 0)
    if fate is Fate.BAD:
        return RowResult(number, fate, problems=draft.problems, reason="; ".join(one.told for one in draft.problems))
    if planned.before is not None and planned.before.key in tags and fate in (Fate.UNRESOLVED, Fate.CORRECTION):
        seems = "seems to correct a row that is unresolved: " if fate is Fate.CORRECTION else ""
        return RowResult(number, fate, reason=seems + _UNRESOLVED_ELSEWHERE.format(tag=tags[planned.before.key]))
    if fate is Fate.CORRECTION and planned.before is not None:
        return _correction(run, number, planned.before)
    now_known = known.get(draft.key)
    if fate is Fate.SEND and is_plan:
        return RowResult(number, fate, stage=names(draft.lead.stage) if draft.lead else "")
    if now_known is None:
        reason = sent.refused.get(draft.key, "")
        return RowResult(number, Fate.REFUSED, reason=reason) if reason else RowResult(number, Fate.NOT_SENT, reason=_ENDED)
    if now_known.lead_id is None:
        return RowResult(number, Fate.UNRESOLVED, reason=_unresolved(run, now_known))
    fate = Fate.SEND if fate is Fate.SEND else Fate.SENT_BEFORE
    return RowResult(number, fate, now_known.lead_id, _date(run, now_known), is_merged=now_known.is_merged)


_UNRESOLVED_ELSEWHERE = (
    'sent with the tag "{tag}", but amoCRM\'s answer did not tell; an import of this workbook with that tag finds out'
)
_ENDED = "the run ended before this row was sent; the same command sends it"


def _correction(run: ImportRun, number: int, before: ImportRow) -> RowResult:
    if before.lead_id is None:
        return RowResult(number, Fate.CORRECTION, reason=f"seems to correct a row that is unresolved: {_unresolved(run, before)}")
    reason = (
        f"seems to correct lead {before.lead_id}, sent on {_date(run, before)}: change that lead by hand, or make a new one with "
        "--send-changed"
    )
    return RowResult(number, Fate.CORRECTION, before.lead_id, _date(run, before), reason)


def _unresolved(run: ImportRun, row: ImportRow) -> str:
    return f"sent, but amoCRM's answer did not tell; the same command, run after {settles_at(run, row)}, finds out"


def _date(run: ImportRun, row: ImportRow) -> str:
    return datetime.fromtimestamp(row.sent_at, zone_of(run.zone)).strftime("%d.%m.%Y")


def _name_absent(run: ImportRun, drafts: Sequence[RowDraft], known: Mapping[str, ImportRow]) -> None:
    """Rows of earlier runs that are unresolved and no longer in the file have no line of their own."""
    present = {draft.key for draft in drafts}
    absent = [row for key, row in known.items() if row.lead_id is None and key not in present]
    if absent:
        count = "a row" if len(absent) == 1 else f"{len(absent)} rows"
        run.name(f"{count} of an earlier run, no longer in the file: {_unresolved(run, absent[0])}")


def _stage_names(pipelines: Sequence[Pipeline]) -> Callable[[Stage], str]:
    names = {
        one.stage: f'"{pipeline.name}", stage "{" ".join(one.name.split())}"' for pipeline in pipelines for one in pipeline.stages
    }
    return lambda stage: names.get(stage, normal_header(str(stage)))
