"""Intents not yet confirmed, writes still owed, moves asked for. Carries nothing out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from amo2gsheet.model import Stage
from amo2gsheet.state.database import from_json, to_json
from amo2gsheet.state.meta import MetaPart
from amo2gsheet.state.records import Asked, Intent, Owed

_OWE = (
    "INSERT INTO owed (lead_id, reason, detail, since) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (lead_id, reason) DO UPDATE SET detail = excluded.detail"
)


class JournalPart(MetaPart):
    """What was about to happen, and what is still due. `_run_id` is the run that intents are made in; 0 outside."""

    _run_id: int = 0

    def new_commit_token(self) -> int:
        """A random number from 1 to 2^31 - 1 that this state never gave before, for a write that must land once."""
        with self._database.transaction():
            while True:
                token = int.from_bytes(self._random_bytes(4), "big") & 0x7FFFFFFF
                if token and self._database.write("INSERT OR IGNORE INTO commit_tokens (token) VALUES (?)", (token,)):
                    return token

    def add_intent(self, kind: str, payload: Mapping[str, Any], commit_token: int | None = None) -> Intent:
        """Note a write before it is sent. `payload` is what JSON can carry, with texts as keys."""
        made_at = self._clock.time()
        with self._database.transaction():
            self._database.write(
                "INSERT INTO intents (kind, made_at, commit_token, run_id, payload) VALUES (?, ?, ?, ?, ?)",
                (kind, made_at, commit_token, self._run_id, to_json(payload)),
            )
            intent_id = self._database.number("SELECT last_insert_rowid()")
        return Intent(intent_id, kind, made_at, commit_token, False, self._run_id, payload)

    def open_intents(self) -> list[Intent]:
        """Every intent that is not dropped yet, oldest first."""
        rows = self._database.rows("SELECT id, kind, made_at, commit_token, is_unclear, run_id, payload FROM intents ORDER BY id")
        return [Intent(row[0], row[1], row[2], row[3], bool(row[4]), row[5], from_json(row[6])) for row in rows]

    def mark_unclear(self, intent_id: int) -> None:
        """Note that the write was sent and no answer told what became of it."""
        self._database.write("UPDATE intents SET is_unclear = 1 WHERE id = ?", (intent_id,))

    def update_intent(self, intent_id: int, payload: Mapping[str, Any]) -> None:
        """Replace what an open intent says."""
        self._database.write("UPDATE intents SET payload = ? WHERE id = ?", (to_json(payload), intent_id))

    def drop_intent(self, intent_id: int) -> None:
        """Forget an intent whose result is recorded. Safe to repeat."""
        self._database.write("DELETE FROM intents WHERE id = ?", (intent_id,))

    # --- owed ---

    def owe(self, lead_id: int, reason: str, detail: str = "") -> None:
        """Note that a lead's row is still to be written; one entry for each lead and reason."""
        self.owe_all((lead_id,), reason, detail)

    def owe_all(self, lead_ids: Iterable[int], reason: str, detail: str = "") -> None:
        """The same for many leads, in one transaction."""
        now = self._clock.time()
        self._database.write_many(_OWE, [(lead_id, reason, detail, now) for lead_id in lead_ids])

    def owe_all_tracked(self, reason: str, detail: str = "") -> None:
        """The same for every lead that is tracked on the current tab."""
        self._database.write(
            "INSERT INTO owed (lead_id, reason, detail, since) SELECT lead_id, ?, ?, ? FROM bases WHERE tab_id = ? "
            "ON CONFLICT (lead_id, reason) DO UPDATE SET detail = excluded.detail",
            (reason, detail, self._clock.time(), self.tab_id),
        )

    def owed(self) -> dict[int, Owed]:
        """Lead ID → what is owed to it."""
        found: dict[int, Owed] = {}
        for lead_id, reason, detail, since in self._database.rows(
            "SELECT lead_id, reason, detail, since FROM owed ORDER BY lead_id, reason"
        ):
            before = found.get(lead_id, Owed(lead_id, {}, since))
            found[lead_id] = Owed(lead_id, {**before.reasons, reason: detail}, min(before.since, since))
        return found

    def pay(self, lead_ids: Iterable[int], reason: str | None = None) -> None:
        """Owe these leads nothing more, or nothing more for that reason."""
        if reason is None:
            self._database.write_for("DELETE FROM owed WHERE lead_id IN ({keys})", lead_ids)
        else:
            self._database.write_for("DELETE FROM owed WHERE reason = ? AND lead_id IN ({keys})", lead_ids, (reason,))

    # --- moves asked for ---

    def ask(self, move: Asked) -> None:
        """Note a move that amoCRM accepted; the newest of each lead counts."""
        stages = (move.origin.pipeline_id, move.origin.status_id, move.target.pipeline_id, move.target.status_id)
        self._database.write(
            "INSERT OR REPLACE INTO asked (lead_id, origin_pipeline_id, origin_status_id, target_pipeline_id, target_status_id, "
            "answered_at, times, old_text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (move.lead_id, *stages, move.answered_at, move.times, move.old_text),
        )

    def asked(self, lead_ids: Iterable[int] | None = None) -> dict[int, Asked]:
        """Lead ID → the move asked for, of these leads or of all."""
        sql = (
            "SELECT lead_id, origin_pipeline_id, origin_status_id, target_pipeline_id, target_status_id, answered_at, times, "
            "old_text FROM asked"
        )
        if lead_ids is None:
            rows = self._database.rows(sql)
        else:
            rows = self._database.rows_for(sql + " WHERE lead_id IN ({keys})", lead_ids)
        return {row[0]: Asked(row[0], Stage(row[1], row[2]), Stage(row[3], row[4]), *row[5:]) for row in rows}

    def drop_asked(self, lead_ids: Iterable[int]) -> None:
        """Forget the moves asked for these leads."""
        self._database.write_for("DELETE FROM asked WHERE lead_id IN ({keys})", lead_ids)
