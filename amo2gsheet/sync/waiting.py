"""What is said in the sheet's own column of rows that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
