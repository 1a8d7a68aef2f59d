"""What is known of an import from earlier runs: from the state, else from a result workbook. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amo2gsheet.names import normal_header
from amo2gsheet.state.records import ImportRow
from amo2gsheet.sync.importing_drafts import RowDraft
from amo2gsheet.sync.importing_keys import parts_of_key
from amo2gsheet.sync.importing_match import content_of
from amo2gsheet.sync.importing_settle import look

if TYPE_CHECKING:
    from amo2gsheet.model import ColumnKey
    from amo2gsheet.model_import import Recalled
    from amo2gsheet.sync.importing_run import ImportRun

_WRITTEN_SLACK_SECONDS = 600


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
        found: dict[str, dict[int, int]] = {}
        for row in self.rows.values():
            if row.lead_id is not None:
                digest, number = parts_of_key(row.key)
                found.setdefault(digest, {})[row.lead_id] = number
        return found


def recall(run: ImportRun) -> Memory:
    """Ask the state, then the result workbook. Where neither knows the import, amoCRM may: then nothing goes in unasked."""
    columns = run.state.import_columns(run.tag_key)
    if columns is not None:
        return Memory(columns, run.state.import_rows(run.tag_key))
    recalled = run.recalled
    if recalled is not None and normal_header(recalled.tag) == run.tag_key:
        rows = {
            one.key: ImportRow(one.key, one.person, one.lead_id or None, 0, one.sent_at) for one in recalled.rows if one.lead_id
        }
        return Memory(recalled.columns, rows, recalled)
    if not run.is_again and run.amo.knows_tag(run.tag):
        run.report.held = f'amoCRM knows the tag "{run.tag}" already, and nothing here tells what was sent under it'
    return Memory(None, {})


def take_over(run: ImportRun, memory: Memory, drafts: Sequence[RowDraft]) -> Mapping[str, ImportRow]:
    """Make what a result workbook remembers part of the state, with what was sent after it was written.

    A run that was killed wrote no result. So every row that the workbook does not know is looked for, too.
    """
    recalled = memory.workbook
    if recalled is None:
        return memory.rows
    run.read_time()
    since = max(0, recalled.written_at - (run.lead_gap_seconds or 0) - _WRITTEN_SLACK_SECONDS)
    unclear = {one.key: one.sent_at for one in recalled.rows if not one.lead_id}
    unknown = {
        draft.key: _open_row(draft, since, unclear.get(draft.key, 0))
        for draft in drafts
        if draft.lead is not None and draft.key not in memory.rows
    }
    found = look(run, unknown, {row.lead_id for row in memory.rows.values()}) if unknown else {}
    with run.state.transaction():
        run.state.begin_import(run.tag_key, memory.columns or {})
        run.state.save_import_rows(run.tag_key, memory.rows.values())
        still_open = [row for key, row in unknown.items() if key in unclear or key in found]
        run.state.save_import_rows(run.tag_key, still_open)
        run.state.settle_import_rows(run.tag_key, found, run.now)
    return run.state.import_rows(run.tag_key)


def _open_row(draft: RowDraft, since: int, sent_at: int) -> ImportRow:
    content = content_of(draft.lead).to_json() if draft.lead is not None else {}
    return ImportRow(draft.key, draft.person, None, since, sent_at, content=content)
