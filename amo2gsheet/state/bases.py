"""What both sides agreed on, lead by lead, on the tab that is followed. Compares nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from amo2gsheet.model import Base, CellBase, CellValue, ColumnKey, Stage, StatusBase
from amo2gsheet.state.database import from_json, to_json
from amo2gsheet.state.meta import MetaPart

_SELECT = (
    "SELECT b.lead_id, b.pipeline_id, b.status_id, b.status_shown, b.status_text, b.missing, c.cells, b.tab_id "
    "FROM bases b LEFT JOIN base_cells c ON c.tab_id = b.tab_id AND c.lead_id = b.lead_id "
)
_SAVE = (
    "INSERT INTO bases (tab_id, lead_id, pipeline_id, status_id, status_shown, status_text, missing) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (tab_id, lead_id) DO UPDATE SET pipeline_id = excluded.pipeline_id, status_id = excluded.status_id, "
    "status_shown = excluded.status_shown, status_text = excluded.status_text, missing = excluded.missing"
)
_SAVE_CELLS = (
    "INSERT INTO base_cells (tab_id, lead_id, cells) VALUES (?, ?, ?) "
    "ON CONFLICT (tab_id, lead_id) DO UPDATE SET cells = excluded.cells WHERE cells <> excluded.cells"
)
_ROWS_AT_ONCE = 1000


class BasesPart(MetaPart):
    """Bases of the current tab; there is none before a tab is followed."""

    def bases(self, lead_ids: Iterable[int]) -> dict[int, Base]:
        """Lead ID → base, for those that have one."""
        rows = self._database.rows_for(_SELECT + "WHERE b.tab_id = ? AND b.lead_id IN ({keys})", lead_ids, (self.tab_id,))
        return {row[0]: _base(row) for row in rows}

    def all_lead_ids(self) -> list[int]:
        """Every tracked lead, in order."""
        return [
            row[0] for row in self._database.rows("SELECT lead_id FROM bases WHERE tab_id = ? ORDER BY lead_id", (self.tab_id,))
        ]

    def status_texts(self) -> dict[int, tuple[str | None, int]]:
        """Lead ID → text of its status cell at the base (None: no status agreed yet) and its count of missing runs, all leads."""
        # Few values are shared by very many leads; a tuple for each lead would keep the garbage collector busy.
        shared: dict[tuple[str | None, int], tuple[str | None, int]] = {}
        rows = self._database.each("SELECT status_text, missing, lead_id FROM bases WHERE tab_id = ?", (self.tab_id,))
        return {row[2]: shared.setdefault(row[:2], row[:2]) for row in rows}

    def tracked_count(self) -> int:
        """How many leads are tracked."""
        return self._database.number("SELECT count(*) FROM bases WHERE tab_id = ?", (self.tab_id,))

    def save_bases(self, bases: Sequence[Base]) -> None:
        """Set the bases of these leads, whole, in one transaction.

        Raises:
            ValueError: no tab is followed yet.
        """
        tab_id = self._required_tab()
        with self._database.transaction():
            self._database.write_many(_SAVE, [_status_row(tab_id, base) for base in bases])
            self._database.write_many(_SAVE_CELLS, [(tab_id, base.lead_id, _cells_json(base.cells)) for base in bases])

    def set_missing(self, counts: Mapping[int, int]) -> None:
        """Set how many runs in a row did not see the rows: lead ID → count."""
        tab_id = self._required_tab()
        self._database.write_many(
            "UPDATE bases SET missing = ? WHERE tab_id = ? AND lead_id = ?",
            [(missing, tab_id, lead_id) for lead_id, missing in counts.items()],
        )

    def drop_base_columns(self, keys: Collection[ColumnKey]) -> None:
        """Forget what was agreed about these columns, for every lead, in one transaction; of none, without a look."""
        dropped = set(keys)
        if not dropped:
            return
        with self._database.transaction():
            last_id = None
            while rows := self._cells_after(last_id):
                last_id = rows[-1][0]
                changed = [(_without(from_json(text), dropped), lead_id, text) for lead_id, text in rows]
                self._database.write_many(
                    "UPDATE base_cells SET cells = ? WHERE tab_id = ? AND lead_id = ?",
                    [(text, self.tab_id, lead_id) for text, lead_id, before in changed if text != before],
                )

    def forget(self, lead_ids: Iterable[int]) -> None:
        """Track these leads no longer on this tab; their links go when no other tab tracks them."""
        ids = list(lead_ids)
        with self._database.transaction():
            self._database.write_for("DELETE FROM bases WHERE tab_id = ? AND lead_id IN ({keys})", ids, (self.tab_id,))
            self._database.write_for(
                "DELETE FROM links WHERE NOT EXISTS (SELECT 1 FROM bases WHERE bases.lead_id = links.lead_id) "
                "AND lead_id IN ({keys})",
                ids,
            )

    def untracked_elsewhere(self) -> int:
        """How many leads have a base on a tab that was followed before, and none on this one."""
        return self._database.number(
            "SELECT count(DISTINCT lead_id) FROM bases WHERE tab_id IN (SELECT id FROM tabs WHERE id IS NOT ?1) "
            "AND lead_id NOT IN (SELECT lead_id FROM bases WHERE tab_id = ?1)",
            (self.tab_id,),
        )

    def bases_elsewhere(self, lead_ids: Iterable[int]) -> dict[int, Base]:
        """Lead ID → its base on another tab, for those that have one; of several tabs the one followed last."""
        rows = self._database.rows_for(
            _SELECT + "JOIN tabs t ON t.id = b.tab_id WHERE b.tab_id IS NOT ? AND b.lead_id IN ({keys}) ORDER BY t.followed_at",
            lead_ids,
            (self.tab_id,),
        )
        return {row[0]: _base(row) for row in rows}

    def _cells_after(self, last_id: int | None) -> list[tuple[Any, ...]]:
        start = -(2**63) if last_id is None else last_id + 1
        return self._database.rows(
            "SELECT lead_id, cells FROM base_cells WHERE tab_id = ? AND lead_id >= ? ORDER BY lead_id LIMIT ?",
            (self.tab_id, start, _ROWS_AT_ONCE),
        )


def _base(row: tuple[Any, ...]) -> Base:
    lead_id, pipeline_id, status_id, shown, text, missing, cells, _ = row
    status = None if text is None else StatusBase(Stage(pipeline_id, status_id), shown, text)
    return Base(lead_id, status, _cells(cells), missing)


def _status_row(tab_id: int, base: Base) -> tuple[int | str | None, ...]:
    status = base.status
    if status is None:
        return (tab_id, base.lead_id, None, None, None, None, base.missing)
    stage = status.stage
    return (tab_id, base.lead_id, stage.pipeline_id, stage.status_id, status.shown, status.text, base.missing)


def _cells_json(cells: Mapping[ColumnKey, CellBase]) -> str:
    """Column key → [amoCRM's value, the cell's], or [both] where they are one and the same."""
    return to_json({key: _pair(cell) for key, cell in cells.items()})


def _pair(cell: CellBase) -> list[CellValue]:
    """A float is always written twice: 0.0 equals -0.0, and nothing equals NaN."""
    is_one = type(cell.amo) is type(cell.sheet) and not isinstance(cell.amo, float) and cell.amo == cell.sheet
    return [cell.amo] if is_one else [cell.amo, cell.sheet]


def _cells(text: str | None) -> dict[ColumnKey, CellBase]:
    if text is None:
        return {}
    return {key: CellBase(pair[0], pair[-1]) for key, pair in from_json(text).items()}


def _without(cells: Mapping[str, Any], dropped: Collection[ColumnKey]) -> str:
    return to_json({key: pair for key, pair in cells.items() if key not in dropped})
