"""The run log, and everything that was ever done to a lead. Changes nothing but its own tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.state.database import from_json, to_json
from amo2gsheet.state.journal import JournalPart
from amo2gsheet.state.records import HistoryEntry, Run

KEPT_ENTRIES = 100
"""A lead's newest entries, which no pruning removes: a clock put forward by years must not empty the history.

The index `history_sizes_large` names the same number.
"""

KEPT_RUNS = 1000
"""Newest runs of a command that pruning leaves: most of a day of runs every minute."""

LEADS_PRUNED_AT_ONCE = 200
ENTRIES_PRUNED_AT_ONCE = 1000
RUNS_PRUNED_AT_ONCE = 5000

_ENTRY = "SELECT time, run_id, command, lead_id, kind, column_key, old, new, detail FROM history"
RUN_QUERY = "SELECT id, command, is_dry, begun_at, ended_at, exit_code, counts, error FROM runs"
_DONE = f"{ExitCode.DONE:d}, {ExitCode.PARTIAL:d}"


class HistoryPart(JournalPart):
    """Runs, and what they did."""

    def begin_run(self, command: str, *, is_dry: bool = False) -> int:
        """Note that a run begins, and return its number; intents made from now on carry it."""
        with self._database.transaction():
            self._database.write(
                "INSERT INTO runs (command, is_dry, begun_at) VALUES (?, ?, ?)", (command, is_dry, self._clock.time())
            )
            self._run_id = self._database.number("SELECT last_insert_rowid()")
        return self._run_id

    def end_run(self, run_id: int, exit_code: int, counts: Mapping[str, Any] | None = None, error: str = "") -> None:
        """Note how a run ended. A run that this is never called for counts as cut off."""
        self._database.write(
            "UPDATE runs SET ended_at = ?, exit_code = ?, counts = ?, error = ? WHERE id = ?",
            (self._clock.time(), int(exit_code), to_json(counts or {}), error, run_id),
        )
        self._run_id = 0

    def last_runs(self, command: str, count: int) -> list[Run]:
        """The newest runs of a command, newest first."""
        return [
            run_of(row)
            for row in self._database.rows(f"{RUN_QUERY} WHERE command = ? ORDER BY id DESC LIMIT ?", (command, count))
        ]

    def last_success(self, command: str) -> Run | None:
        """The newest real run of a command that did its work: exit code 0, or 3 where single things were left out."""
        row = self._database.row(
            f"{RUN_QUERY} WHERE command = ? AND is_dry = 0 AND exit_code IN ({_DONE}) ORDER BY id DESC LIMIT 1", (command,)
        )
        return None if row is None else run_of(row)

    def prune_runs(self, before: float) -> int:
        """Forget runs begun before `before`, but never the newest 1,000 of each command nor its last success."""
        pruned = 0
        with self._database.transaction():
            for command in self._commands():
                success = self.last_success(command)
                pruned += self._database.write(
                    "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE command = ?1 AND begun_at < ?2 AND id <> ?3 "
                    "AND id < (SELECT id FROM runs WHERE command = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?4) LIMIT ?5)",
                    (command, before, 0 if success is None else success.id, KEPT_RUNS - 1, RUNS_PRUNED_AT_ONCE),
                )
        return pruned

    def _commands(self) -> list[str]:
        """Every command that ever ran, found by leaps through the index."""
        found: list[str] = []
        while row := self._database.row("SELECT min(command) FROM runs WHERE command > ?", (found[-1] if found else "",)):
            if row[0] is None:
                break
            found.append(row[0])
        return found

    # --- history ---

    def record(self, entries: Iterable[HistoryEntry]) -> None:
        """Add entries, in one transaction."""
        added = list(entries)
        with self._database.transaction():
            self._database.write_many(
                "INSERT INTO history (time, run_id, command, lead_id, kind, column_key, old, new, detail) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_entry_row(entry) for entry in added],
            )
            self._database.write_many(
                "INSERT INTO history_sizes (lead_id, entries) VALUES (?, 1) "
                "ON CONFLICT (lead_id) DO UPDATE SET entries = entries + 1",
                [(entry.lead_id,) for entry in added],
            )

    def history(self, lead_id: int) -> list[HistoryEntry]:
        """Everything kept about a lead, oldest first: in the order it was done, whatever the clock said."""
        return [_entry(row) for row in self._database.rows_for(f"{_ENTRY} WHERE lead_id IN ({{keys}}) ORDER BY id", (lead_id,))]

    def conflicts(self) -> list[HistoryEntry]:
        """Every conflict that was ever settled, oldest first."""
        return [_entry(row) for row in self._database.rows(f"{_ENTRY} WHERE kind = 'conflict' ORDER BY id")]

    def prune_history(self, before: float) -> int:
        """Forget entries older than `before`, but never a conflict nor a lead's newest 100; returns how many.

        One call looks at a bounded number of leads and goes on there in the next call, so that no run waits long for it.
        """
        with self._database.transaction():
            start = self._database.row("SELECT value FROM meta WHERE key = 'history_pruned_to'")
            leads = self._database.rows(
                "SELECT lead_id FROM history_sizes WHERE entries > 100 AND lead_id > ? ORDER BY lead_id LIMIT ?",
                (int(start[0]) if start else -1, LEADS_PRUNED_AT_ONCE),
            )
            pruned = sum(self._prune_lead(row[0], before) for row in leads)
            is_last = len(leads) < LEADS_PRUNED_AT_ONCE
            self._database.write(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('history_pruned_to', ?)",
                ("-1" if is_last else str(leads[-1][0]),),
            )
        return pruned

    def _prune_lead(self, lead_id: int, before: float) -> int:
        pruned = self._database.write(
            "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE lead_id = ?1 AND time < ?2 AND kind <> 'conflict' "
            "AND id < (SELECT id FROM history WHERE lead_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3) ORDER BY id LIMIT ?4)",
            (lead_id, before, KEPT_ENTRIES - 1, ENTRIES_PRUNED_AT_ONCE),
        )
        self._database.write("UPDATE history_sizes SET entries = entries - ? WHERE lead_id = ?", (pruned, lead_id))
        return pruned


def run_of(row: tuple[Any, ...]) -> Run:
    """A row of RUN_QUERY as a run."""
    run_id, command, is_dry, begun_at, ended_at, exit_code, counts, error = row
    return Run(run_id, command, bool(is_dry), begun_at, ended_at, exit_code, from_json(counts), error)


def _entry_row(entry: HistoryEntry) -> tuple[Any, ...]:
    named = (entry.time, entry.run_id, entry.command, entry.lead_id, entry.kind, entry.column)
    return (*named, to_json(entry.old), to_json(entry.new), entry.detail)


def _entry(row: tuple[Any, ...]) -> HistoryEntry:
    time, run_id, command, lead_id, kind, column, old, new, detail = row
    return HistoryEntry(time, run_id, command, lead_id, kind, column, from_json(old), from_json(new), detail)
