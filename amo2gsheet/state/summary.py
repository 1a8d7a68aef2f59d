"""What is counted over the whole state, for `status`. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from amo2gsheet.state.history import RUN_QUERY, HistoryPart, run_of
from amo2gsheet.state.records import Run


class SummaryPart(HistoryPart):
    """Counts that no run needs."""

    def rows_missing(self) -> int:
        """How many tracked leads have no row: deleted by people, or not seen by the last run."""
        return self._database.number("SELECT count(*) FROM bases WHERE tab_id = ? AND missing <> 0", (self.tab_id,))

    def owed_count(self) -> int:
        """How many leads something is still to be written for."""
        return self._database.number("SELECT count(DISTINCT lead_id) FROM owed")

    def first_run_at(self) -> float | None:
        """When the oldest real run in the log began."""
        found = self._database.row("SELECT min(begun_at) FROM runs WHERE is_dry = 0")
        return None if found is None else found[0]

    def real_runs(self, command: str) -> Iterator[Run]:
        """The runs of a command that were no dry runs, newest first."""
        yield from map(run_of, self._database.each(f"{RUN_QUERY} WHERE command = ? AND is_dry = 0 ORDER BY id DESC", (command,)))

    def runs_since(self, time: float) -> Iterator[Run]:
        """The real runs that began after a time, newest first."""
        yield from map(run_of, self._database.each(f"{RUN_QUERY} WHERE begun_at > ? AND is_dry = 0 ORDER BY id DESC", (time,)))

    def conflict_counts(self, since: float) -> tuple[int, int]:
        """How many conflicts were ever settled, and how many of them since a time."""
        total, lately = self._database.rows(
            "SELECT count(*), coalesce(sum(time > ?), 0) FROM history WHERE kind = 'conflict'", (since,)
        )[0]
        return total, lately

    def unsettled_imports(self) -> dict[str, int]:
        """Tag of an import → how many of its rows were sent and nobody knows yet what became of them."""
        rows = self._database.rows("SELECT tag, count(*) FROM import_rows WHERE lead_id IS NULL GROUP BY tag ORDER BY tag")
        return dict(rows)
