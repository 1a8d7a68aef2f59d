"""What is known of an import from earlier runs: from the state, else from a result workbook. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import NoRouteError, UnreadableError
from amo2gsheet.model import UnreadLead
from amo2gsheet.model_import import Recalled
from amo2gsheet.names import normal_header
from amo2gsheet.state.records import ImportRow
from amo2gsheet.sync.importing_columns import ImportColumns
from amo2gsheet.sync.importing_drafts import RowDraft, keyed
from amo2gsheet.sync.importing_keys import digest_of, parts_of_key
from amo2gsheet.sync.importing_match import content_of, is_tag
from amo2gsheet.sync.importing_settle import Look, look
from amo2gsheet.sync.sides import NO_ANSWER

if TYPE_CHECKING:
    from amo2gsheet.model import ColumnKey
    from amo2gsheet.sync.importing_run import ImportRun

_WRITTEN_SLACK_SECONDS = 600
_SENT_SLACK_SECONDS = 3600
"""When a row was sent is noted last when its batch is given up, tried again and again."""

_NO_LIST = (*NO_ANSWER, NoRouteError)
"""The token may not see a list, or the account gives none."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known before the workbook is read: the columns that make keys (None: those of today), and rows by key.

    `workbook` is the result workbook that it comes from, None where the state knows the import or nobody does.
    """

    columns: Mapping[str, ColumnKey] | None
    rows: Mapping[str, ImportRow]
    workbook: Recalled | None = None

    @property
    def numbers(self) -> dict[str, dict[int, int]]:
        """Digest → lead ID → number among equal rows."""
        return _numbers((row.key, row.lead_id) for row in self.rows.values() if row.lead_id is not None)


def recall(run: ImportRun) -> Memory:
    """Ask the state, then the result workbook. Where neither knows the import, amoCRM may: then nothing goes in unasked."""
    columns = run.state.import_columns(run.tag_key)
    if columns is not None:
        return Memory(columns, run.state.import_rows(run.tag_key))
    recalled = None if run.recalled is None else run.recalled.of(run.tag_key)
    if recalled is not None:
        rows = {
            one.key: ImportRow(one.key, one.person, one.lead_id or None, 0, one.sent_at) for one in recalled.rows if one.lead_id
        }
        return Memory(recalled.columns, rows, recalled)
    if not run.is_again:
        run.report.held = _why_held(run)
    return Memory(None, {})


def _why_held(run: ImportRun) -> str:
    """Why nothing may go in under the tag, "" where amoCRM does not know it."""
    nothing_tells = "and nothing here tells what was sent under it"
    try:
        known = _known_tag(run)
    except _NO_LIST as no_tags:
        # The token may not see the list of tags, or the account gives none: then the leads tell.
        try:
            known = _tag_on_leads(run)
        except _NO_LIST as no_leads:
            reasons = dict.fromkeys(one.message.rstrip(".") for one in (no_tags, no_leads))
            return f'whether amoCRM knows the tag "{run.tag}" cannot be told, {nothing_tells}: {"; ".join(reasons)}'
    return f'amoCRM knows the tag "{known}" already, {nothing_tells}' if known else ""


def _known_tag(run: ImportRun) -> str:
    """The import's tag as amoCRM has it already, compared as on leads; "" where it has none.

    One request where amoCRM's own filter finds it, else one for each 250 tags: the filter may be stricter than that.
    """
    filtered = [] if "," in run.tag else run.amo.tags(run.tag)
    return _own_tag(run, filtered) or _own_tag(run, run.amo.tags())


def _tag_on_leads(run: ImportRun) -> str:
    """As `_known_tag`, but looked for on every lead there is.

    Raises:
        UnreadableError: none that could be read bears it, but one could not be read.
    """
    unread: UnreadLead | None = None
    for leads in run.amo.changed_leads(0):
        for lead in leads:
            if isinstance(lead, UnreadLead):
                unread = lead
            elif found := _own_tag(run, lead.tags):
                return found
    if unread is not None:
        raise UnreadableError(f"what amoCRM shows of lead {unread.id} could not be read: {unread.problem}")
    return ""


def _own_tag(run: ImportRun, tags: Iterable[str]) -> str:
    """The first of these tags that is the import's, though amoCRM may have changed it; "" where none is.

    One that another import of this state bears is that one's.
    """
    for tag in tags:
        key = normal_header(tag)
        if is_tag(run.tag, tag, is_new=True) and (key == run.tag_key or run.state.import_columns(key) is None):
            return tag
    return ""


def take_over(run: ImportRun, memory: Memory, drafts: Sequence[RowDraft]) -> Mapping[str, ImportRow]:
    """Make what a result workbook remembers part of the state, with what was sent after it was written.

    A run that was killed wrote no result. So every row that the workbook does not know is looked for, too.
    """
    recalled = memory.workbook
    if recalled is None:
        return memory.rows
    run.read_time()
    unclear = {one.key: one.sent_at for one in recalled.rows if not one.lead_id}
    unknown = {
        draft.key: _open_row(run, draft, recalled.written_at, unclear.get(draft.key))
        for draft in drafts
        if draft.lead is not None and draft.key not in memory.rows
    }
    seen = look(run, unknown, {row.lead_id for row in memory.rows.values()}) if unknown else Look({}, {})
    with run.state.transaction():
        run.state.begin_import(run.tag_key, memory.columns or {})
        run.state.save_import_rows(run.tag_key, memory.rows.values())
        still_open = [row for key, row in unknown.items() if key in unclear or key in seen.found or seen.may_be(row)]
        run.state.save_import_rows(run.tag_key, still_open)
        run.state.settle_import_rows(run.tag_key, seen.found, run.now)
    return run.state.import_rows(run.tag_key)


def others_of(run: ImportRun) -> tuple[Recalled, ...]:
    """What the workbook remembers of imports under other tags, as far as rows of them were unclear when it was written.

    What the state has found out about them since counts.
    """
    found: list[Recalled] = []
    for memory in () if run.table.recalled is None else run.table.recalled.besides(run.tag_key):
        tag_key = normal_header(memory.tag)
        is_known, known = run.state.import_columns(tag_key) is not None, run.state.import_rows(tag_key)
        leads = {key: row.lead_id or 0 for key, row in known.items()}
        unclear = {one.key for one in memory.rows if not one.lead_id and (not is_known or one.key in known)}
        rows = [replace(one, lead_id=one.lead_id or leads.get(one.key, 0)) for one in memory.rows]
        rows = [one for one in rows if one.lead_id or one.key in unclear]
        found += [replace(memory, rows=tuple(rows), others=())] if unclear else []
    return tuple(found)


def sent_elsewhere(run: ImportRun, columns: ImportColumns, drafts: Sequence[RowDraft]) -> dict[str, tuple[ImportRow, str]]:
    """Key → row and tag, of rows that were sent under another tag and were unclear when the workbook was written.

    Only an import under that tag can find out about them. Those that stand in the file have the keys of today.
    """
    found: dict[str, tuple[ImportRow, str]] = {}
    for memory in others_of(run):
        then = None if run.table.recalled is None else run.table.recalled.of(normal_header(memory.tag))
        unclear = {one.key for one in then.rows if not one.lead_id} if then is not None else set()
        numbers = _numbers((one.key, one.lead_id) for one in memory.rows if one.key not in unclear)
        digested = [replace(one, digest=digest_of(one.row, columns, memory.columns)) for one in drafts]
        pairs = zip(drafts, keyed(digested, numbers), strict=True)
        today = {before.key: draft.key for draft, before in pairs if draft.lead_id is None}
        for one in memory.rows:
            if one.key in unclear:
                key = today.get(one.key, one.key)
                found[key] = (ImportRow(key, one.person, one.lead_id or None, 0, one.sent_at), memory.tag)
    return found


def _numbers(leads: Iterable[tuple[str, int]]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for key, lead_id in leads:
        digest, number = parts_of_key(key)
        found.setdefault(digest, {})[lead_id] = number
    return found


def _open_row(run: ImportRun, draft: RowDraft, written_at: int, sent_at: int | None) -> ImportRow:
    """A row that may be in amoCRM: since it was sent, or, where nothing is known of that, since the result was written."""
    begun_at = written_at - _WRITTEN_SLACK_SECONDS if sent_at is None else sent_at - _SENT_SLACK_SECONDS
    since = max(0, min(begun_at, written_at) - (run.lead_gap_seconds or 0))
    content = content_of(draft.lead).to_json() if draft.lead is not None else {}
    return ImportRow(draft.key, draft.person, None, since, sent_at or 0, content=content)
