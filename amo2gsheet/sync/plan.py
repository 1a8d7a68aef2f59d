"""Snapshots and bases in, a plan out: what would be written, sent and agreed. Nothing is read or written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal

from amo2gsheet.columns import cell_format
from amo2gsheet.fields import same_value
from amo2gsheet.model import (
    Base,
    CellBase,
    CellFormat,
    CellValue,
    ColumnKey,
    Columns,
    Lead,
    LeadField,
    NewCell,
    NewRow,
    Row,
    Stage,
    StatusBase,
)
from amo2gsheet.statuses import StatusRules
from amo2gsheet.sync.merge import AMOWARD, SHEETWARD, StatusNow, Verdict, merge_owned, merge_status

Winner = Literal["amo", "sheet"]

SORTED_COLUMN_CELLS = 5
"""From so many changed cells on that hold each other's old values, the column was sorted by itself."""

PICKS_AMONG_SORTED = 5
"""One in so many changed cells may be a pick of the same minute, and the column still counts as sorted."""

MASS_FACTOR = 10
"""So many times `PUSH_LIMIT` are held back whatever their share of the tracked rows is."""


@dataclass(frozen=True, slots=True)
class LeadNow:
    """A lead with its cells as they should be shown: column key → value, for every column of ours but status and sync.

    What `hidden` columns should show nobody knows: a row that stands is left alone there, a new one gets what `cells` has.
    """

    lead: Lead
    cells: Mapping[ColumnKey, CellValue]
    hidden: Set[ColumnKey] = frozenset()


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One cell to be written. `old` is what stands there; `is_conflict`: a person's value loses."""

    key: ColumnKey
    index: int
    old: CellValue
    new: CellValue
    is_conflict: bool = False


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What becomes of one row.

    `base` is the agreement once every cell of `writes` has landed; without writes it holds at once. `differing` are the columns
    whose two values met for the first time and differ. `is_left_to_push`: the status is for `push` to settle.
    """

    lead_id: int
    row_number: int
    writes: tuple[CellPlan, ...]
    base: Base
    differing: tuple[ColumnKey, ...] = ()
    is_left_to_push: bool = False


@dataclass(frozen=True, slots=True)
class NewRowPlan:
    """A row to be made, with the agreement once it stands."""

    row: NewRow
    base: Base
    cells: Mapping[ColumnKey, CellValue]


@dataclass(frozen=True, slots=True)
class MovePlan:
    """A lead to be moved because somebody picked `text` in its row."""

    lead_id: int
    row_number: int
    text: str
    old_text: str
    origin: Stage
    target: Stage
    base: Base
    is_conflict: bool = False


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What `push` makes of the rows whose status cell changed.

    `agreed` are bases to be stored without any request. `unresolved` is lead ID → (text, whether it is a dropdown value at all).
    `left_to_pull` are conflicts that amoCRM wins. `differing` met for the first time.
    """

    moves: tuple[MovePlan, ...] = ()
    agreed: tuple[Base, ...] = ()
    unresolved: Mapping[int, tuple[str, bool]] = field(default_factory=dict)
    left_to_pull: tuple[int, ...] = ()


def cell_text(value: CellValue) -> str:
    """The text of a status cell, "" for an empty one."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def status_now(lead: Lead, text: str, base: StatusBase | None, rules: StatusRules) -> StatusNow:
    """Look at one lead's status from both sides."""
    shown = rules.shown(lead.stage)
    return StatusNow(
        stage=lead.stage,
        shown=shown,
        text=text.strip(),
        is_same=bool(text.strip()) and rules.means_same(text, lead.stage),
        is_text_changed=base is not None and not rules.same_text(text, base.text),
        has_target=rules.target(text, lead.stage.pipeline_id) is not None,
    )


def plan_row(
    now: LeadNow,
    row: Row,
    base: Base | None,
    columns: Columns,
    rules: StatusRules,
    winner: Winner,
    *,
    sync_text: str | None = None,
    takes_amo: bool = False,
) -> RowPlan:
    """Plan the half of one row that points at the sheet.

    `sync_text` is what the column of waiting reasons shall show. `takes_amo` gives in to amoCRM where the values met for the
    first time and differed.
    """
    before = base or Base(now.lead.id)
    writes: list[CellPlan] = []
    differing: list[ColumnKey] = []
    cells = {key: agreed for key, agreed in before.cells.items() if key in now.cells}
    for key, value in now.cells.items():
        if key in now.hidden:
            continue
        index = columns.index[key]
        cell = row.cells.get(index)
        agreed = before.cells.get(key)
        verdict = merge_owned(agreed, value, cell)
        if takes_amo and _differed(verdict, agreed) and not same_value(value, cell):
            verdict = Verdict.CONFLICT_TO_SHEET
        if verdict is Verdict.DIFFER:
            differing.append(key)
        if verdict in SHEETWARD:
            writes.append(CellPlan(key, index, cell, value, _is_overruled(verdict, agreed, cell)))
            cells[key] = CellBase(value, value)
        elif verdict in (Verdict.AGREE, Verdict.DIFFER):
            cells[key] = CellBase(value, cell)
    _plan_sync_cell(row, columns, sync_text, writes)
    status, status_verdict = _plan_status(now.lead, row, before.status, columns, rules, winner, writes, takes_amo=takes_amo)
    if status_verdict is Verdict.DIFFER:
        differing.append("status")
    return RowPlan(
        lead_id=now.lead.id,
        row_number=row.number,
        writes=tuple(writes),
        base=Base(now.lead.id, status, cells, missing=0),
        differing=tuple(differing),
        is_left_to_push=status_verdict in AMOWARD,
    )


def _differed(verdict: Verdict, agreed: CellBase | None) -> bool:
    """Whether a cell still shows what it showed when it differed at the first meeting."""
    if verdict is Verdict.DIFFER:
        return True
    return verdict is Verdict.NOTHING and agreed is not None and not same_value(agreed.amo, agreed.sheet)


def _is_overruled(verdict: Verdict, agreed: CellBase | None, cell: CellValue) -> bool:
    """Whether a write replaces a value that a person left, not one of amoCRM's."""
    if same_value(cell, None):
        return verdict is Verdict.CONFLICT_TO_SHEET
    return verdict is Verdict.CONFLICT_TO_SHEET or (agreed is not None and not same_value(cell, agreed.amo))


def _plan_sync_cell(row: Row, columns: Columns, sync_text: str | None, writes: list[CellPlan]) -> None:
    """The column of waiting reasons is always the tool's: it shows what is so."""
    index = columns.index.get("sync")
    if index is not None and sync_text is not None and not same_value(row.cells.get(index), sync_text):
        writes.append(CellPlan("sync", index, row.cells.get(index), sync_text or None))


def _plan_status(
    lead: Lead,
    row: Row,
    base: StatusBase | None,
    columns: Columns,
    rules: StatusRules,
    winner: Winner,
    writes: list[CellPlan],
    *,
    takes_amo: bool,
) -> tuple[StatusBase | None, Verdict]:
    """Plan the status cell: the base afterwards and the verdict; appends to `writes`."""
    cell = row.cells.get(columns.status_index)
    text = cell_text(cell)
    now = status_now(lead, text, base, rules)
    verdict = merge_status(base, now, winner)
    if takes_amo and not now.is_same and (verdict is Verdict.DIFFER or (verdict is Verdict.NOTHING and base is not None)):
        verdict = Verdict.CONFLICT_TO_SHEET
    if verdict in SHEETWARD:
        is_conflict = verdict is Verdict.CONFLICT_TO_SHEET
        writes.append(CellPlan("status", columns.status_index, cell, now.shown, is_conflict))
        return StatusBase(lead.stage, now.shown, now.shown), verdict
    if verdict in (Verdict.AGREE, Verdict.DIFFER):
        kept = text if base is None or now.is_same or now.is_text_changed else base.text
        return StatusBase(lead.stage, now.shown, kept), verdict
    return base, verdict


def plan_new_row(now: LeadNow, columns: Columns, rules: StatusRules, lead_fields: Sequence[LeadField]) -> NewRowPlan:
    """Plan the row of a lead that has none: every column of ours gets its cell, an empty one its format."""
    shown = rules.shown(now.lead.stage)
    values: dict[ColumnKey, CellValue] = {**now.cells, "id": now.lead.id, "status": shown, "sync": None}
    cells = {index: _new_cell(key, values[key], lead_fields) for key, index in columns.index.items() if key in values}
    base = Base(
        now.lead.id,
        StatusBase(now.lead.stage, shown, shown),
        {key: CellBase(value, value) for key, value in now.cells.items()},
    )
    return NewRowPlan(NewRow(now.lead.id, cells), base, values)


def _new_cell(key: ColumnKey, value: CellValue, lead_fields: Sequence[LeadField]) -> NewCell:
    shown_as = cell_format(key, lead_fields)
    if shown_as is CellFormat.NUMBER and isinstance(value, float) and not value.is_integer():
        shown_as = CellFormat.DECIMAL
    return NewCell(value, shown_as)


def plan_push(
    leads: Mapping[int, Lead],
    rows: Mapping[int, tuple[int, str]],
    bases: Mapping[int, Base],
    rules: StatusRules,
    winner: Winner,
) -> PushPlan:
    """Plan the half that points at amoCRM, for the rows whose status cell differs from the base.

    `rows` is lead ID → (row number, text of the status cell).
    """
    moves: list[MovePlan] = []
    agreed: list[Base] = []
    unresolved: dict[int, tuple[str, bool]] = {}
    left: list[int] = []
    for lead_id, (row_number, text) in rows.items():
        lead, base = leads.get(lead_id), bases.get(lead_id)
        if lead is None or base is None or base.status is None:
            continue
        now = status_now(lead, text, base.status, rules)
        verdict = merge_status(base.status, now, winner)
        if verdict is Verdict.AGREE:
            agreed.append(replace(base, status=StatusBase(lead.stage, now.shown, text)))
        elif verdict is Verdict.CONFLICT_TO_SHEET:
            left.append(lead_id)
        elif verdict in AMOWARD:
            target = rules.target(text, lead.stage.pipeline_id)
            if target is None:
                unresolved[lead_id] = (text, rules.canonical(text) is not None)
                continue
            after = replace(base, status=StatusBase(target, rules.shown(target), text))
            is_conflict = verdict is Verdict.CONFLICT_TO_AMO
            moves.append(MovePlan(lead_id, row_number, text, base.status.text, lead.stage, target, after, is_conflict))
    return PushPlan(tuple(moves), tuple(agreed), unresolved, tuple(left))


@dataclass(frozen=True, slots=True)
class Guard:
    """The limits of one `push`: how many moves, and how many in a hundred of the tracked rows."""

    limit: int
    percent: float

    def objection(self, changes: Sequence[tuple[str, str]], move_count: int, tracked: int, vanished: int) -> str | None:
        """Say why the moves of a run are held back, None where they may go.

        `changes` is (old text, new text) of every changed cell, `vanished` the rows gone since the last run.
        """
        if not move_count:
            return None
        if vanished > self.limit:
            return f"{vanished} rows vanished since the last run: was a version restored, or a filter pasted over?"
        if move_count > self.limit * MASS_FACTOR:
            return f"{move_count} moves are more than {MASS_FACTOR} times PUSH_LIMIT ({self.limit})"
        if move_count > self.limit and move_count * 100 > self.percent * tracked:
            return f"{move_count} moves are more than PUSH_LIMIT ({self.limit}) and PUSH_LIMIT_PERCENT ({self.percent:g} %) allow"
        swapped = _swapped(changes)
        if swapped >= SORTED_COLUMN_CELLS and len(changes) - swapped <= len(changes) // PICKS_AMONG_SORTED:
            return f"{swapped} status cells hold each other's old values: was the column sorted by itself?"
        return None


def _swapped(changes: Sequence[tuple[str, str]]) -> int:
    """How many of the changed cells at most hold the old values in another order."""
    return (Counter(old for old, _ in changes) & Counter(new for _, new in changes)).total()
