"""Which rows of which import were sent, and which leads they became. Sends nothing, and never forgets by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from amo2gsheet.model import ColumnKey
from amo2gsheet.model_import import Created
from amo2gsheet.state.database import from_json, to_json
from amo2gsheet.state.part import Part
from amo2gsheet.state.records import ImportRow

_COLUMNS = "key, person, lead_id, since, sent_at, is_merged, is_superseded, corrects, content"
_SAVE = f"INSERT OR REPLACE INTO import_rows (tag, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class ImportsPart(Part):
    """One import for each tag, as amoCRM compares tags."""

    def import_columns(self, tag: str) -> dict[str, ColumnKey] | None:
        """Header as compared → column key, of the columns that make a row's key; None: this state knows no such import."""
        found = self._database.row("SELECT columns FROM imports WHERE tag = ?", (tag,))
        return None if found is None else dict(from_json(found[0]))

    def begin_import(self, tag: str, columns: Mapping[str, ColumnKey]) -> None:
        """Note an import with the columns that make its keys, for good. Safe to repeat: the first time counts."""
        self._database.write(
            "INSERT OR IGNORE INTO imports (tag, begun_at, columns) VALUES (?, ?, ?)",
            (tag, self._clock.time(), to_json(dict(columns))),
        )

    def import_rows(self, tag: str) -> dict[str, ImportRow]:
        """Key → row, of all that were sent or may have been."""
        rows = self._database.each(f"SELECT {_COLUMNS} FROM import_rows WHERE tag = ? ORDER BY key", (tag,))
        return {row[0]: _row(row) for row in rows}

    def save_import_rows(self, tag: str, rows: Iterable[ImportRow]) -> None:
        """Note rows, whole, in one transaction: before they are sent, or as another source remembers them."""
        self._database.write_many(_SAVE, [_values(tag, row) for row in rows])

    def settle_import_rows(self, tag: str, created: Mapping[str, Created], sent_at: int) -> None:
        """Note which leads open rows became, in one transaction; what a row was sent with is forgotten then."""
        with self._database.transaction():
            self._database.write_many(
                "UPDATE import_rows SET lead_id = ?, is_merged = ?, sent_at = ?, content = '{}' WHERE tag = ? AND key = ?",
                [(one.lead_id, one.is_merged, sent_at, tag, key) for key, one in created.items()],
            )
            self._database.write_for(
                "UPDATE import_rows SET is_superseded = 1 WHERE tag = ?1 AND key IN "
                "(SELECT corrects FROM import_rows WHERE tag = ?1 AND key IN ({keys}))",
                list(created),
                (tag,),
            )

    def touch_import_rows(self, tag: str, keys: Sequence[str], sent_at: int) -> None:
        """Note that rows were on their way for as long as until `sent_at`."""
        self._database.write_for(
            "UPDATE import_rows SET sent_at = max(sent_at, ?) WHERE tag = ? AND key IN ({keys})", keys, (sent_at, tag)
        )

    def drop_import_rows(self, tag: str, keys: Iterable[str]) -> None:
        """Forget rows that surely became no lead."""
        self._database.write_for("DELETE FROM import_rows WHERE tag = ? AND key IN ({keys})", keys, (tag,))


def _row(row: tuple[Any, ...]) -> ImportRow:
    key, person, lead_id, since, sent_at, is_merged, is_superseded, corrects, content = row
    return ImportRow(key, person, lead_id, since, sent_at, bool(is_merged), bool(is_superseded), corrects, from_json(content))


def _values(tag: str, row: ImportRow) -> tuple[Any, ...]:
    named = (tag, row.key, row.person, row.lead_id, row.since, row.sent_at)
    return (*named, row.is_merged, row.is_superseded, row.corrects, to_json(row.content))
