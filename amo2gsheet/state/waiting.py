"""What waits for a person. Tells nobody by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from amo2gsheet.state.part import Part
from amo2gsheet.state.records import Waiting

_SELECT = "SELECT lead_id, kind, detail, judged_on, since, is_reported FROM waiting"


class WaitingPart(Part):
    """One entry for each lead and kind."""

    def wait(self, waiting: Waiting) -> bool:
        """Note that something waits.

        Returns:
            True when it is new, or when its key differs from the noted one; then it counts as not reported, from now on. Else the
            noted time stays, and only the detail is renewed.
        """
        with self._database.transaction():
            is_known = self._database.row(
                "SELECT 1 FROM waiting WHERE lead_id = ? AND kind = ? AND judged_on = ?",
                (waiting.lead_id, waiting.kind, waiting.key),
            )
            is_news = is_known is None
            if is_news:
                self._insert(replace(waiting, since=waiting.since or self._clock.time()))
            else:
                self._database.write(
                    "UPDATE waiting SET detail = ? WHERE lead_id = ? AND kind = ? AND detail <> ?",
                    (waiting.detail, waiting.lead_id, waiting.kind, waiting.detail),
                )
        return is_news

    def wait_all(self, waitings: Iterable[Waiting]) -> list[Waiting]:
        """The same for many, in one transaction; returns those that are news."""
        with self._database.transaction():
            return [waiting for waiting in waitings if self.wait(waiting)]

    def waiting_of(self, lead_id: int, kind: str) -> Waiting | None:
        """What of one kind waits for a lead, or None."""
        rows = self._database.rows_for(f"{_SELECT} WHERE kind = ? AND lead_id IN ({{keys}})", (lead_id,), (kind,))
        return _waiting(rows[0]) if rows else None

    def waiting(self, kind: str | None = None) -> list[Waiting]:
        """What waits, all or of one kind, by kind and lead."""
        if kind is None:
            rows = self._database.rows(f"{_SELECT} ORDER BY kind, lead_id")
        else:
            rows = self._database.rows(f"{_SELECT} WHERE kind = ? ORDER BY lead_id", (kind,))
        return [_waiting(row) for row in rows]

    def waiting_for_all(self) -> list[Waiting]:
        """What waits for the whole tab or account, not for a lead."""
        return [_waiting(row) for row in self._database.rows(f"{_SELECT} WHERE lead_id = 0 ORDER BY kind")]

    def mark_reported(self, told: Sequence[Waiting]) -> None:
        """Note that a run has told of these."""
        self._database.write_many(
            "UPDATE waiting SET is_reported = 1 WHERE lead_id = ? AND kind = ? AND judged_on = ?",
            [(waiting.lead_id, waiting.kind, waiting.key) for waiting in told],
        )

    def stop_waiting(self, lead_ids: Iterable[int], kind: str | None = None) -> None:
        """Forget what waits for these leads, all or of one kind."""
        if kind is None:
            self._database.write_for("DELETE FROM waiting WHERE lead_id IN ({keys})", lead_ids)
        else:
            self._database.write_for("DELETE FROM waiting WHERE kind = ? AND lead_id IN ({keys})", lead_ids, (kind,))

    def _insert(self, waiting: Waiting) -> None:
        self._database.write(
            "INSERT OR REPLACE INTO waiting (lead_id, kind, detail, judged_on, since, is_reported) VALUES (?, ?, ?, ?, ?, ?)",
            (waiting.lead_id, waiting.kind, waiting.detail, waiting.key, waiting.since, waiting.is_reported),
        )


def _waiting(row: tuple[Any, ...]) -> Waiting:
    lead_id, kind, detail, key, since, is_reported = row
    return Waiting(lead_id, kind, detail, key, since, bool(is_reported))
