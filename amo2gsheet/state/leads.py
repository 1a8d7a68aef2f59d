"""What was seen of leads in amoCRM: links, versions, events, and those to judge again. Says nothing about the sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from amo2gsheet.model import Stage
from amo2gsheet.state.bases import BasesPart
from amo2gsheet.state.records import LeadLinks, Pending, Version

PRUNED_AT_ONCE = 5000
"""Rows that one call of a `prune_` method deletes at most, so that no run waits long for it."""

_TRACKED = "AND EXISTS (SELECT 1 FROM bases WHERE bases.tab_id = ? AND bases.lead_id = links.lead_id)"


class LeadsPart(BasesPart):
    """Look-ups from what a lead hangs on, and what keeps news apart from what is known."""

    def save_links(self, links: Sequence[LeadLinks]) -> None:
        """Set what these leads hang on, in one transaction."""
        with self._database.transaction():
            self._database.write_many(
                "INSERT INTO links (lead_id, company_id, user_id, pipeline_id, status_id) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (lead_id) DO UPDATE SET company_id = excluded.company_id, user_id = excluded.user_id, "
                "pipeline_id = excluded.pipeline_id, status_id = excluded.status_id",
                [
                    (link.lead_id, link.company_id, link.responsible_user_id, link.stage.pipeline_id, link.stage.status_id)
                    for link in links
                ],
            )
            self._database.write_for("DELETE FROM contact_links WHERE lead_id IN ({keys})", [link.lead_id for link in links])
            self._database.write_many(
                "INSERT OR IGNORE INTO contact_links (contact_id, lead_id) VALUES (?, ?)",
                [(contact_id, link.lead_id) for link in links for contact_id in link.contact_ids],
            )

    def leads_of_contacts(self, contact_ids: Iterable[int]) -> set[int]:
        """Tracked leads that have one of these contacts."""
        sql = f"SELECT lead_id FROM contact_links AS links WHERE 1 {_TRACKED} AND contact_id IN ({{keys}})"
        return self._lead_set(sql, contact_ids)

    def leads_of_companies(self, company_ids: Iterable[int]) -> set[int]:
        """Tracked leads of one of these companies."""
        return self._lead_set(f"SELECT lead_id FROM links WHERE 1 {_TRACKED} AND company_id IN ({{keys}})", company_ids)

    def leads_of_users(self, user_ids: Iterable[int]) -> set[int]:
        """Tracked leads that one of these users is responsible for."""
        return self._lead_set(f"SELECT lead_id FROM links WHERE 1 {_TRACKED} AND user_id IN ({{keys}})", user_ids)

    def leads_in_pipelines(self, pipeline_ids: Iterable[int]) -> set[int]:
        """Tracked leads that were last seen in one of these pipelines."""
        return self._lead_set(f"SELECT lead_id FROM links WHERE 1 {_TRACKED} AND pipeline_id IN ({{keys}})", pipeline_ids)

    def leads_in_stages(self, stages: Iterable[Stage]) -> set[int]:
        """Tracked leads that were last seen in one of these stages."""
        found: set[int] = set()
        for stage in stages:
            found |= self._lead_set(
                f"SELECT lead_id FROM links WHERE pipeline_id = {stage.pipeline_id:d} {_TRACKED} AND status_id IN ({{keys}})",
                [stage.status_id],
            )
        return found

    def _lead_set(self, sql: str, keys: Iterable[int]) -> set[int]:
        return {row[0] for row in self._database.rows_for(sql, keys, (self.tab_id,))}

    # --- versions ---

    def versions(self, lead_ids: Iterable[int]) -> dict[int, Version]:
        """Lead ID → newest version seen."""
        rows = self._database.rows_for(
            "SELECT lead_id, updated_at, digest, pipeline_id, status_id FROM versions WHERE lead_id IN ({keys})", lead_ids
        )
        return {row[0]: Version(row[0], row[1], row[2], Stage(row[3], row[4])) for row in rows}

    def save_versions(self, versions: Iterable[Version]) -> None:
        """Set the newest version seen of these leads, in one transaction."""
        self._database.write_many(
            "INSERT INTO versions (lead_id, updated_at, digest, pipeline_id, status_id) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (lead_id) DO UPDATE SET updated_at = excluded.updated_at, digest = excluded.digest, "
            "pipeline_id = excluded.pipeline_id, status_id = excluded.status_id",
            [(seen.lead_id, seen.updated_at, seen.digest, seen.stage.pipeline_id, seen.stage.status_id) for seen in versions],
        )

    def prune_versions(self, before: int) -> int:
        """Forget versions older than `before` of leads that no tab tracks; returns how many (a bounded number a call)."""
        return self._database.write(
            "DELETE FROM versions WHERE lead_id IN (SELECT lead_id FROM versions WHERE updated_at < ? "
            "AND NOT EXISTS (SELECT 1 FROM bases WHERE bases.lead_id = versions.lead_id) LIMIT ?)",
            (before, PRUNED_AT_ONCE),
        )

    # --- events ---

    def seen_events(self, event_ids: Iterable[str]) -> set[str]:
        """Which of these events have been counted."""
        return {row[0] for row in self._database.rows_for("SELECT id FROM events WHERE id IN ({keys})", event_ids)}

    def save_events(self, created_at: Iterable[tuple[str, int]]) -> None:
        """Count these events: (event ID, Unix seconds of the event)."""
        self._database.write_many("INSERT OR IGNORE INTO events (id, created_at) VALUES (?, ?)", created_at)

    def prune_events(self, before: int) -> int:
        """Forget events older than `before`; returns how many (a bounded number a call)."""
        return self._database.write(
            "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE created_at < ? LIMIT ?)", (before, PRUNED_AT_ONCE)
        )

    # --- judged again ---

    def pending(self) -> dict[int, Pending]:
        """Lead ID → what waits to be judged again."""
        rows = self._database.rows("SELECT lead_id, updated_at, pipeline_id, status_id FROM pending ORDER BY lead_id")
        return {row[0]: Pending(row[0], row[1], Stage(row[2], row[3])) for row in rows}

    def save_pending(self, pending: Iterable[Pending]) -> None:
        """Judge these leads again in the next run."""
        self._database.write_many(
            "INSERT OR REPLACE INTO pending (lead_id, updated_at, pipeline_id, status_id) VALUES (?, ?, ?, ?)",
            [(lead.lead_id, lead.updated_at, lead.stage.pipeline_id, lead.stage.status_id) for lead in pending],
        )

    def drop_pending(self, lead_ids: Iterable[int]) -> None:
        """Judge these leads no more."""
        self._database.write_for("DELETE FROM pending WHERE lead_id IN ({keys})", lead_ids)
