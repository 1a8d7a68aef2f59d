"""Which tracked leads have their row, which rows are new, doubled, back or gone: a look at the sheet against the state."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.model import CellValue, SheetLook
from amo2gsheet.state.records import HistoryEntry, Waiting
from amo2gsheet.sync.run import VANISHED_ROWS

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

DELETED = 2
"""So many runs in a row have not seen a row that a person deleted."""

VANISHED = -1
"""The row vanished with many others at once: named, not taken for deleted."""

SEEN = 0

UNREAD = "unread lead"
"""Kind of waiting: amoCRM answers, and tells nothing of the lead that can be used. Also why a lead is owed that nobody read."""

NEW_ROW = "new row"
"""Reason for which a lead is owed to the next `pull`: somebody typed its ID."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Lead ID → row number of every lead with exactly one row, and the leads that have several.

    `texts` is lead ID → raw status cell. `last_lead_row` is the lowest row with a lead's ID, below which new rows go: people
    keep totals under their table. `last_row` is the lowest with anything in its ID cell: a row of a lead whose ID was typed over
    for a while is read with the others. Both are the header's when there is none.
    """

    row_of: Mapping[int, int]
    doubled: Mapping[int, tuple[int, ...]]
    texts: Mapping[int, CellValue]
    last_lead_row: int
    last_row: int

    def has(self, lead_id: int) -> bool:
        """Whether the lead stands in the sheet; a doubled ID counts."""
        return lead_id in self.row_of or lead_id in self.doubled


def find_rows(look: SheetLook) -> Presence:
    """Sort the rows of a look by lead."""
    numbers: dict[int, list[int]] = {}
    for number, (cell, _) in look.rows.items():
        lead_id = lead_id_of(cell)
        if lead_id is not None:
            numbers.setdefault(lead_id, []).append(number)
    header_row = look.header.row_number if look.header else 0
    return Presence(
        row_of={lead_id: rows[0] for lead_id, rows in numbers.items() if len(rows) == 1},
        doubled={lead_id: tuple(rows) for lead_id, rows in numbers.items() if len(rows) > 1},
        texts={lead_id: look.rows[rows[0]][1] for lead_id, rows in numbers.items() if len(rows) == 1},
        last_lead_row=max((rows[-1] for rows in numbers.values()), default=header_row),
        last_row=max(look.rows, default=header_row),
    )


def reconcile(run: Run, presence: Presence) -> None:
    """Note in the state what the look says of rows: new, back, doubled, gone. Counts a missing row once a run.

    Many rows gone at once are named and left alone; how many they were is noted for the guard of `push`.
    """
    tracked = {lead_id: missing for lead_id, (_, missing) in run.state.status_texts().items()}
    changes: dict[int, int] = {}
    returned = [lead_id for lead_id, missing in tracked.items() if missing != SEEN and presence.has(lead_id)]
    changes.update(dict.fromkeys(returned, SEEN))
    known = run.state.owed().keys() | {waiting.lead_id for waiting in run.state.waiting("no such lead")}
    run.state.owe_all(returned, "returned")
    run.stop_waiting(returned, "vanished")
    run.state.owe_all([lead_id for lead_id in presence.row_of if lead_id not in tracked and lead_id not in known], NEW_ROW)
    _note_doubled(run, presence)
    _forget_typed(run, presence, tracked.keys())
    if not run.has_counted:
        run.has_counted = True
        changes.update(_count_missing(run, {lead: n for lead, n in tracked.items() if not presence.has(lead)}))
    if changes:
        run.state.set_missing(changes)


def _note_doubled(run: Run, presence: Presence) -> None:
    """Name each doubled ID once; forget those that are single again."""
    for lead_id, rows in presence.doubled.items():
        listed = ", ".join(str(number) for number in rows)
        run.wait(
            Waiting(lead_id, "doubled ID", f"rows {listed}", key=str(len(rows)), since=run.now),
            f"lead {lead_id} stands in several rows ({listed}); none is touched until one of them is removed",
        )
    settled = [waiting.lead_id for waiting in run.state.waiting("doubled ID") if waiting.lead_id not in presence.doubled]
    run.stop_waiting(settled, "doubled ID")
    run.state.owe_all(settled, "single again")


def _forget_typed(run: Run, presence: Presence, tracked: Set[int]) -> None:
    """Forget the IDs typed by hand that were no leads, or none that could be read, once they are gone from the sheet."""
    for kind in ("no such lead", UNREAD):
        away = [one.lead_id for one in run.state.waiting(kind) if one.lead_id not in tracked and not presence.has(one.lead_id)]
        owed = run.state.owed() if away else {}
        gone = [one for one in away if one not in owed or owed[one].reasons.keys() == {NEW_ROW}]
        run.stop_waiting(gone, kind)
        run.state.pay(gone)


def _count_missing(run: Run, missing: Mapping[int, int]) -> dict[int, int]:
    """Lead ID → count of runs that did not see its row, for those whose count changes."""
    newly = [lead_id for lead_id, count in missing.items() if count == SEEN]
    if len(newly) > run.settings.push_limit:
        if run.is_accepting:
            return dict.fromkeys(newly, VANISHED)
        run.state.put(VANISHED_ROWS, str(int(run.state.get(VANISHED_ROWS) or 0) + len(newly)))
        run.state.wait_all([Waiting(lead_id, "vanished", "", since=run.now) for lead_id in newly])
        run.name(
            f"{len(newly)} rows vanished at once, so they are not taken for deleted. Restore them, or let "
            "`amo2gsheet pull --force` put back those whose lead still stands in a trigger stage"
        )
        return dict.fromkeys(newly, VANISHED)
    counts = {lead_id: count + 1 for lead_id, count in missing.items() if 0 <= count < DELETED}
    deleted = [lead_id for lead_id, count in counts.items() if count == DELETED]
    for lead_id in deleted:
        run.notice(f"the row of lead {lead_id} was deleted; it comes back when the lead enters a trigger stage again")
    run.record(
        [HistoryEntry(run.now, run.run_id, run.command, lead_id, "row deleted", "", None, None, "") for lead_id in deleted]
    )
    return counts
