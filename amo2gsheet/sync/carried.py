"""Values of a write without an answer that may have strayed into rows which people have moved since.

Pure: a record of the write and the sheet as it is now in, suspicions out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from amo2gsheet.fields import same_value, value_key
from amo2gsheet.model import CellValue, Header, Row
from amo2gsheet.sync.record import Record, Trace, header_text, places_of

Key = tuple[object, ...]


def carried_off(record: Record, header: Header, rows: Sequence[Row], *, have_moved: bool = True) -> list[Trace]:
    """Cells that have changed since the write into a value which its own lead's row does not show.

    Where neither rows nor columns `have_moved`, they may have been away for a moment: an insert that was undone. Then a value
    counts in its own column only.

    No more of one value than writes of it are missed: where there are more, people have been at work, and nobody can tell which
    of them is ours. A value under another header counts as well, an empty cell under its own only. Of rows without an ID, which
    nobody knows, every such value is told.
    """
    search = _Search(record, header, rows, have_moved=have_moved)
    found: dict[Key, list[Trace]] = {}
    for key, trace in search.changed():
        found.setdefault(key, []).append(trace)
    known = [trace for key, traces in found.items() if len(traces) <= search.missed[key] for trace in traces]
    return known + search.nameless() if have_moved else known


class _Search:
    """Looks for the values of one record that their own rows do not show: `missed` is value → how many writes of it."""

    def __init__(self, record: Record, header: Header, rows: Sequence[Row], *, have_moved: bool) -> None:
        self._have_moved = have_moved
        self._header = header
        self._rows = rows
        self._before = _rows_before(record)
        self._number_before = {row.lead_id: row.number for row in record.before}
        self._targets = {write.row_number for write in record.writes}
        in_order = sorted(rows, key=lambda row: row.number)
        places = [self._number_before[row.lead_id] for row in in_order if row.lead_id in self._before]
        self._is_reordered = places != sorted(places)
        index_of = places_of(header)
        by_lead = {row.lead_id: row for row in rows if row.lead_id is not None}
        self._own: dict[tuple[int, int], CellValue] = {}
        self._homes: set[tuple[Key, int]] = set()
        self.missed: Counter[Key] = Counter()
        for write in record.writes:
            row = by_lead.get(write.lead_id)
            for cell in write.cells:
                home = index_of.get(record.column_text(cell.index), cell.index)
                self._own[write.lead_id, home] = cell.new
                if row is None or not same_value(row.cells.get(home), cell.new):
                    self.missed[_key(cell.new, home)] += 1
                    self._homes.add((_key(cell.new, home), home))

    def changed(self) -> Iterator[tuple[Key, Trace]]:
        """Every cell of a known row that shows a missed value and showed something else before."""
        for row in self._rows:
            before = self._before.get(row.lead_id or 0)
            if before is None or row.lead_id is None or not self._may_have_been_hit(row.lead_id, row.number):
                continue
            for index, value in row.cells.items():
                text, key = header_text(self._header, index), _key(value, index)
                # A column without a header, or made since, is people's own.
                if not self._is_sought(key, index) or text not in before or same_value(before[text], value):
                    continue
                if not self._belongs(row.lead_id, index, value):
                    yield key, Trace(row.lead_id, row.number, index, value, text)

    def _is_sought(self, key: Key, index: int) -> bool:
        return key in self.missed if self._have_moved else (key, index) in self._homes

    def _belongs(self, lead_id: int, index: int, value: CellValue) -> bool:
        """Whether a cell shows what was written for it; the value of another row's write strayed there like anywhere else."""
        return (lead_id, index) in self._own and same_value(self._own[lead_id, index], value)

    def _may_have_been_hit(self, lead_id: int, number: int) -> bool:
        """Whether a row can have stood where a write went: one that was only pushed up or down, between its two places."""
        first, last = sorted((self._number_before[lead_id], number))
        return not self._have_moved or self._is_reordered or any(first <= target <= last for target in self._targets)

    def nameless(self) -> list[Trace]:
        """Every cell of a row without an ID that shows a missed value, and nothing else: what people write is their own."""
        return [
            Trace(0, row.number, index, value, header_text(self._header, index))
            for row in self._rows
            if row.lead_id is None
            and all(value is None or _key(value, index) in self.missed for index, value in row.cells.items())
            for index, value in row.cells.items()
            if value is not None
        ]


def _rows_before(record: Record) -> dict[int | None, Mapping[str, CellValue]]:
    """Lead ID → header → what the lead's one row showed before the write."""
    count = Counter(row.lead_id for row in record.before)
    return {
        row.lead_id: {
            record.column_text(index): row.cells.get(index)
            for index in reversed(range(len(record.header.texts)))
            if record.column_text(index)
        }
        for row in record.before
        if row.lead_id is not None and count[row.lead_id] == 1
    }


def _key(value: CellValue, index: int) -> Key:
    return (index,) if same_value(value, None) else value_key(value)
