"""The three-way merge: one field, both sides and both bases in, one verdict out. Knows no cell, no request, no setting."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from amo2gsheet.fields import same_value
from amo2gsheet.model import CellBase, CellValue, Stage, StatusBase


class Verdict(Enum):
    """What is to be done about one field of one lead."""

    NOTHING = "nothing"
    """Both sides are what the base says."""
    AGREE = "agree"
    """The base moves; nothing is written or sent."""
    DIFFER = "differ"
    """First meeting of two different values: both stay, the base remembers both, a person is told."""
    LEAVE = "leave"
    """Only the sheet changed, and the field belongs to amoCRM: the cell stays as the person left it."""
    TO_SHEET = "to sheet"
    """Only amoCRM changed: `pull` writes the cell."""
    TO_AMO = "to amo"
    """Only the sheet changed: `push` moves the lead."""
    CONFLICT_TO_SHEET = "conflict to sheet"
    """Both changed, amoCRM wins: `pull` writes the cell."""
    CONFLICT_TO_AMO = "conflict to amo"
    """Both changed, the sheet wins: `push` moves the lead."""


SHEETWARD = frozenset({Verdict.TO_SHEET, Verdict.CONFLICT_TO_SHEET})
"""Verdicts that `pull` carries out."""

AMOWARD = frozenset({Verdict.TO_AMO, Verdict.CONFLICT_TO_AMO})
"""Verdicts that `push` carries out."""


@dataclass(frozen=True, slots=True)
class StatusNow:
    """The status of one lead as both sides show it now.

    `text` is the cell's ("" for an empty one). `is_same` says that the two mean the same; `is_text_changed` that the text differs
    from the base's as names are compared; `has_target` that the text stands for a stage of the lead's pipeline.
    """

    stage: Stage
    shown: str
    text: str
    is_same: bool
    is_text_changed: bool
    has_target: bool


def merge_status(base: StatusBase | None, now: StatusNow, winner: Literal["amo", "sheet"]) -> Verdict:
    """Decide about the status of one lead, which belongs to both sides."""
    if base is None:
        return _first_status(now)
    is_base_exact = now.stage == base.stage and now.shown == base.shown and not now.is_text_changed
    if now.is_same:
        return Verdict.NOTHING if is_base_exact else Verdict.AGREE
    has_moved = now.stage != base.stage and now.shown != base.shown
    if now.is_text_changed:
        if not has_moved:
            return Verdict.TO_AMO
        return Verdict.CONFLICT_TO_AMO if winner == "sheet" and now.has_target else Verdict.CONFLICT_TO_SHEET
    if now.shown != base.shown:
        return Verdict.TO_SHEET
    return Verdict.NOTHING if is_base_exact else Verdict.AGREE


def _first_status(now: StatusNow) -> Verdict:
    """Nothing was agreed yet: an empty cell is filled, a different one stays."""
    if not now.text:
        return Verdict.TO_SHEET
    return Verdict.AGREE if now.is_same else Verdict.DIFFER


def merge_owned(base: CellBase | None, amo: CellValue, cell: CellValue) -> Verdict:
    """Decide about one cell of a column that belongs to amoCRM."""
    is_same = same_value(amo, cell)
    if base is None:
        if is_same:
            return Verdict.AGREE
        return Verdict.TO_SHEET if same_value(cell, None) else Verdict.DIFFER
    has_amo_changed = not same_value(amo, base.amo)
    has_cell_changed = not same_value(cell, base.sheet)
    if is_same:
        return Verdict.AGREE if has_amo_changed or has_cell_changed else Verdict.NOTHING
    if not has_amo_changed:
        return Verdict.LEAVE if has_cell_changed else Verdict.NOTHING
    return Verdict.CONFLICT_TO_SHEET if has_cell_changed else Verdict.TO_SHEET
