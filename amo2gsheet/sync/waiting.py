"""What is said in the sheet's own column of rows that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amo2gsheet.exceptions import TabMissingError
from amo2gsheet.fields import same_value
from amo2gsheet.model import Row
from amo2gsheet.sync.place import Place, open_place
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.record import Written
from amo2gsheet.sync.run import SYNC_DUE
from amo2gsheet.sync.steady import rows_around, rows_under
from amo2gsheet.sync.telling import cell_line
from amo2gsheet.sync.writing import record_of, write_cells

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

SYNC_TEXTS = {
    "missing stage": "нет этапа «{detail}» в воронке",
    "unknown text": "нет такого статуса: «{detail}»",
    "doubled ID": "ID дважды",
    "held": "ждёт подтверждения",
    "doubtful": "ждёт подтверждения",
    "first meeting": "отличается от amoCRM",
    "gone lead": "нет такой сделки в amoCRM",
    "no such lead": "нет такой сделки в amoCRM",
    "unread lead": "amoCRM не показывает сделку",
    "unread pick": "amoCRM не показывает сделку",
    "unread details": "amoCRM не показывает контакт или компанию",
    "hidden details": "amoCRM не показывает контакт или компанию",
    "swallowed": "amoCRM не перенесла сделку",
    "refused move": "amoCRM отказала в переносе",
}
"""Kind of waiting → what the column `Синхронизация` shows."""


def sync_text(run: Run) -> dict[int, str]:
    """Lead ID → text of the column `Синхронизация`, for every lead that waits."""
    found: dict[int, str] = {}
    for waiting in run.state.waiting():
        if waiting.lead_id and waiting.kind in SYNC_TEXTS:
            found[waiting.lead_id] = SYNC_TEXTS[waiting.kind].format(detail=waiting.detail)
    return found


def show_reasons(run: Run, known: Known, title: str) -> None:
    """Write into every waiting row why it waits, where people have made the column for it."""
    try:
        place = open_place(run, known, title)
        if place is not None and "sync" in place.columns.index:
            found = _reasons(run, place)
            if found is None:
                # Columns moved just now: the same.
                return
            writes, seen = found
            run.report.plan += [cell_line(place.header, write, cell) for write in writes for cell in write.cells]
            if run.is_dry:
                return
            if writes and write_cells(run, known, place, record_of(run, place, writes, seen)).again:
                # Not carried out, or nobody knows: the same.
                return
    except TabMissingError:
        # Renamed just now: the next run finds it, and says why.
        return
    run.state.put(SYNC_DUE, None)


def _reasons(run: Run, place: Place) -> tuple[list[Written], list[Row]] | None:
    """The cells of the waiting rows' own column that show something else, and the rows read; None where columns moved since."""
    index = place.columns.index["sync"]
    presence = place.presence
    texts = sync_text(run)
    numbers = {number for lead_id in texts for number in presence.doubled.get(lead_id, ())}
    numbers |= {presence.row_of[lead_id] for lead_id in texts if lead_id in presence.row_of}
    if not numbers:
        return [], []
    rows = rows_under(run, place, rows_around(place, numbers))
    if rows is None:
        return None
    writes = [
        Written(row.lead_id, row.number, (CellPlan("sync", index, row.cells.get(index), texts[row.lead_id]),), None)
        for row in rows
        if row.lead_id in texts and not same_value(row.cells.get(index), texts[row.lead_id])
    ]
    return writes, rows
