"""What is to become of each row of a workbook. Pure: drafts and what was sent before in, one fate for each row out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from amo2gsheet.state.records import ImportRow
from amo2gsheet.sync.importing_drafts import RowDraft


class Fate(Enum):
    """What becomes of a row; the value is its name in `--json`."""

    SEND = "new"
    IN_AMOCRM = "in_amocrm"
    """Its ID says that it is there."""
    SENT_BEFORE = "sent_before"
    UNRESOLVED = "unresolved"
    """It was sent, and no answer told what became of it; a later run settles that."""
    BAD = "bad"
    CORRECTION = "correction"
    """It seems to correct one that was sent and is no longer in the file."""
    NOT_SENT = "not_sent"
    """The run ended before."""
    REFUSED = "refused"
    """amoCRM refused it."""


LEFT_OUT = frozenset((Fate.UNRESOLVED, Fate.BAD, Fate.CORRECTION, Fate.REFUSED))
"""What makes the exit code 3."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A row and its fate; `before` is what was sent of it, or of the one that it corrects."""

    draft: RowDraft
    fate: Fate
    before: ImportRow | None = None


def plan_import(drafts: Sequence[RowDraft], sent: Mapping[str, ImportRow], *, sends_changed: bool) -> list[Planned]:
    """Decide about each row. `sent` is key → every row of this import that was sent or may have been."""
    replaced = _vanished(drafts, sent)
    return [_planned(draft, sent, replaced, sends_changed=sends_changed) for draft in drafts]


def _planned(
    draft: RowDraft, sent: Mapping[str, ImportRow], replaced: dict[str, list[ImportRow]], *, sends_changed: bool
) -> Planned:
    before = sent.get(draft.key)
    if draft.lead_id is not None:
        return Planned(draft, Fate.IN_AMOCRM, before)
    if before is not None:
        return Planned(draft, Fate.UNRESOLVED if before.lead_id is None else Fate.SENT_BEFORE, before)
    if draft.problems:
        return Planned(draft, Fate.BAD)
    vanished = replaced.get(draft.person)
    if not vanished:
        return Planned(draft, Fate.SEND)
    corrected = vanished.pop(0)
    # One that may still turn out not to be there is corrected by nothing yet.
    is_sent = sends_changed and corrected.lead_id is not None
    return Planned(draft, Fate.SEND if is_sent else Fate.CORRECTION, corrected)


def _vanished(drafts: Iterable[RowDraft], sent: Mapping[str, ImportRow]) -> dict[str, list[ImportRow]]:
    """Person → rows sent before that are not in the file any more: each can have been corrected into one other row."""
    present = {draft.key for draft in drafts}
    ids = {draft.lead_id for draft in drafts} - {None}
    found: dict[str, list[ImportRow]] = {}
    for row in sent.values():
        is_gone = row.key not in present and row.lead_id not in ids
        if is_gone and row.person and not row.is_superseded:
            found.setdefault(row.person, []).append(row)
    return found


def equal_rows(planned: Iterable[Planned]) -> list[tuple[int, ...]]:
    """The numbers of rows that are equal in all that is sent, where one of them is still to be sent."""
    equal: dict[tuple[str, str], list[Planned]] = {}
    for one in planned:
        if not one.draft.problems:
            equal.setdefault((one.draft.digest, one.draft.rest), []).append(one)
    told = [rows for rows in equal.values() if len(rows) > 1 and any(one.fate is Fate.SEND for one in rows)]
    return [tuple(one.draft.number for one in rows) for rows in told]
