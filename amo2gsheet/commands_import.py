"""`import-xlsx`: a workbook's rows into amoCRM. Settings and options in, an outcome out. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.commands import Outside, code_of, open_amo
from amo2gsheet.exceptions import AmoGsheetError, ExitCode, SheetError, UsageError
from amo2gsheet.model_import import Recalled, SentBefore, SourceTable
from amo2gsheet.names import normal_header
from amo2gsheet.output_logs import bind
from amo2gsheet.state import RunLock, StateStore
from amo2gsheet.sync import importing_words as words
from amo2gsheet.sync.importing import import_rows
from amo2gsheet.sync.importing_columns import result_columns
from amo2gsheet.sync.importing_recall import others_of
from amo2gsheet.sync.importing_report import ImportReport, counts_of
from amo2gsheet.sync.importing_run import COMMAND, ImportRun
from amo2gsheet.values import text_cell
from amo2gsheet.xlsx import read_memory, read_workbook
from amo2gsheet.xlsx_result import (
    ResultColumns,
    import_name,
    require_nameable,
    require_writable,
    result_path,
    set_aside,
    write_result,
)

if TYPE_CHECKING:
    from amo2gsheet.config import Settings

TAG_LIMIT = 100
"""Longest tag taken; amoCRM documents none, and a tag is a word or two."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The command line of `import-xlsx`; "" where an option was not given."""

    path: Path
    sheet_name: str | None = None
    tag: str | None = None
    result: Path | None = None
    is_dry: bool = False
    sends_changed: bool = False
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class ImportWatcher:
    """Who is told on the way; inside of `uninterrupted()` no signal ends the run."""

    on_wait: Callable[[], None] | None = None
    on_progress: Callable[[int, int | None], None] = lambda count, total: None
    uninterrupted: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(slots=True)
class ImportOutcome:
    """How an import ended. `result` is where its result workbook stands, None where none was written.

    `error` is what ended it early, None where it came to its end.
    """

    tag: str
    report: ImportReport
    is_dry: bool
    amo_requests: int = 0
    seconds: float = 0.0
    result: Path | None = None
    error: AmoGsheetError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The code that the process ends with."""
        return self.report.exit_code if self.error is None else self.error.exit_code

    @property
    def counts(self) -> dict[str, int]:
        """The figures of the summary line, as `--json` and the state give them."""
        return {**counts_of(self.report), "amo_requests": self.amo_requests}

    @property
    def rows(self) -> list[dict[str, object]]:
        """What became of each row, in the order of the file, for `--json`."""
        return [words.row_document(one) for one in self.report.results]

    @property
    def new_lead_lines(self) -> list[str]:
        """What a dry run would send, by pipeline and stage."""
        return list(words.new_lead_lines(self.report.results))

    @property
    def before_lines(self) -> list[str]:
        """One line for each row that an earlier run has sent."""
        return list(words.before_lines(self.report.results))

    @property
    def left_out_lines(self) -> list[str]:
        """One line for each reason why rows were left out, with the rows."""
        return list(words.left_out_lines(self.report))


def run_import(
    settings: Settings, options: ImportOptions, outside: Outside, watcher: ImportWatcher | None = None
) -> ImportOutcome:
    """Workbook → amoCRM.

    A run that amoCRM ended has an outcome with an `error`, so that what became of each row can be told.

    Raises:
        SheetError: the workbook cannot be used, or no result could be written beside it.
        UsageError: the tag or the name of the result is none.
        AmoGsheetError: whatever else ended it before anything was sent.
    """
    watcher = watcher or ImportWatcher()
    clock = outside.clock
    target = _target(options)
    table = read_workbook(options.path, options.sheet_name)
    tag = _tag(options, table.recalled)
    remembered = _remembered(options, table, target)
    if options.is_dry:
        with StateStore.open_scratch(settings.state_db, clock) as state:
            return _work(settings, options, outside, watcher, state, table, tag, remembered, None)
    require_writable(target)
    lock = RunLock.for_import(settings.state_db)
    lock.acquire(settings.lock_wait_seconds, clock, watcher.on_wait)
    try:
        with StateStore.open(settings.state_db, clock) as state:
            return _work(settings, options, outside, watcher, state, table, tag, remembered, target)
    finally:
        lock.release()


def _tag(options: ImportOptions, recalled: Recalled | None) -> str:
    """The tag that was asked for, else that of the import whose result the workbook is, whatever its name is by now."""
    given = options.tag
    if given is None:
        given = import_name(options.path) if recalled is None else recalled.tag
    tag = " ".join((text_cell(given) or "").split())
    if not normal_header(tag):
        raise UsageError("The tag of the import is empty.", "Give it a name with `--tag`.")
    if len(tag) > TAG_LIMIT:
        raise UsageError(f"The tag of the import has {len(tag)} characters; {TAG_LIMIT} is the most.", "Give a shorter `--tag`.")
    return tag


def _target(options: ImportOptions) -> Path:
    target = result_path(options.path) if options.result is None else options.result
    require_nameable(target)
    is_input = target.exists() and options.path.exists() and target.samefile(options.path)
    if is_input and options.result is not None and result_path(options.path) != options.path:
        raise UsageError(
            "`--result` names the workbook that is imported.", "Choose another file: the import never changes its input."
        )
    return target


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What a result workbook remembers, None where there is none; `damage` is why the one beside the input cannot be read."""

    recalled: Recalled | None
    damage: SheetError | None = None


def _remembered(options: ImportOptions, table: SourceTable, target: Path) -> _Remembered:
    """What a result workbook remembers: the imported one itself, else the one beside it.

    Raises:
        SheetError: the file that `--result` names cannot be read.
        UsageError: some other workbook stands where the result would go.
    """
    if not target.exists() or (options.path.exists() and target.samefile(options.path)):
        return _Remembered(table.recalled)
    try:
        recalled = read_memory(target)
    except SheetError as damage:
        # What stands under the name of a result is one; what somebody named may be anything.
        if options.result is not None:
            raise
        return _Remembered(table.recalled, damage)
    if recalled is None:
        raise UsageError(
            f'The file "{target}" is no result workbook of this tool, so it is not replaced.',
            "Choose another name with `--result`.",
        )
    return _Remembered(table.recalled or recalled)


def _work(
    settings: Settings,
    options: ImportOptions,
    outside: Outside,
    watcher: ImportWatcher,
    state: StateStore,
    table: SourceTable,
    tag: str,
    remembered: _Remembered,
    target: Path | None,
) -> ImportOutcome:
    """Do the work and note how it ended, whatever happens; without a `target` no result is written."""
    started = outside.clock.monotonic()
    state.bind(settings.amo_base_url, settings.sheet_id)
    filters = state.get("filters")
    amo = open_amo(settings, outside, filters_enabled=None if filters is None else filters == "True")
    run_id = state.begin_run(COMMAND, is_dry=options.is_dry)
    bind(run=run_id)
    run = ImportRun(
        run_id,
        text_cell(options.path.name) or "",
        table,
        tag,
        amo,
        state,
        settings,
        outside.clock,
        remembered.recalled,
        options.is_dry,
        options.sends_changed,
        options.is_again,
        watcher.uninterrupted,
        watcher.on_progress,
    )
    if table.recalled is not None and options.tag is None and normal_header(import_name(options.path)) != run.tag_key:
        run.notice(f'the workbook remembers the import with the tag "{tag}", so it goes on with that one')
    if state.was_damaged is not None:
        run.name(f"the state file was damaged; it was set aside as {state.was_damaged.name} and a new state was begun")
    outcome = ImportOutcome(tag, run.report, options.is_dry)
    code = ExitCode.BUG
    try:
        _require_memory(run, remembered)
        try:
            import_rows(run)
        except AmoGsheetError as error:
            if not run.report.results:
                raise
            outcome.error = error
        except KeyboardInterrupt:
            # Before anything was decided, the result of the run before tells more, and may be all that remembers it.
            if run.report.results:
                _write(run, target, outcome, remembered.damage)
            raise
        _write(run, target, outcome, remembered.damage)
        code = outcome.exit_code
    except BaseException as problem:
        code = code_of(problem)
        if isinstance(problem, AmoGsheetError):
            outcome.error = problem
        raise
    finally:
        outcome.amo_requests, outcome.seconds = amo.request_count, outside.clock.monotonic() - started
        if code != ExitCode.UNUSABLE_STATE:
            _end(state, amo, run_id, code, outcome)
        amo.close()
    return outcome


def _end(state: StateStore, amo: AmoClient, run_id: int, code: ExitCode, outcome: ImportOutcome) -> None:
    if amo.is_filter_kept is not None:
        state.put("filters", str(amo.is_filter_kept))
    state.end_run(run_id, code, outcome.counts, outcome.error.message if outcome.error else "")


def _require_memory(run: ImportRun, remembered: _Remembered) -> None:
    """Nothing goes in where a result workbook that cannot be read is all that remembers this import.

    Raises:
        SheetError: it is.
    """
    is_all = remembered.recalled is None and run.state.import_columns(run.tag_key) is None
    if remembered.damage is not None and is_all and not run.is_again:
        raise remembered.damage


def _write(run: ImportRun, target: Path | None, outcome: ImportOutcome, damage: SheetError | None) -> None:
    """Write the result workbook, unless nothing was decided about any row."""
    columns = run.columns
    if target is None or columns is None or run.report.held:
        return
    results = {one.row_number: (one.lead_id if one.is_in_amocrm else 0, words.result_text(one)) for one in run.report.results}
    rows = run.state.import_rows(run.tag_key).values()
    memory = Recalled(
        run.tag,
        run.state.import_columns(run.tag_key) or {},
        tuple(SentBefore(one.key, one.lead_id or 0, one.sent_at, one.person) for one in rows),
        run.now,
        others_of(run),
    )
    if damage is not None:
        aside = set_aside(target)
        run.name(f'{damage.message.rstrip(".")}; it was set aside as "{aside.name}"')
    write_result(target, run.table, ResultColumns(*result_columns(run.table, columns)), results, memory)
    outcome.result = target
