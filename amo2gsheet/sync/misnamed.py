"""Rows whose ID cell shows what a write has put there by mistake: it names nobody, and the row is known by its other cells.

Pure: a record of the write and the sheet as it is now in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from amo2gsheet.fields import value_key
from amo2gsheet.model import Header, Row
from amo2gsheet.sync.record import Record, header_text, is_like, places_of


@dataclass(frozen=True, slots=True)
class Misnamed:
    """Numbers of the rows whose ID is no ID, and number → the row that it was before, for those of which that is certain.

    `given` are those of the rows to which the write gave an ID that was meant for another.
    """

    numbers: frozenset[int] = frozenset()
    former: Mapping[int, Row] = field(default_factory=dict)
    given: frozenset[int] = frozenset()


def find_misnamed(record: Record, header: Header, rows: Sequence[Row]) -> Misnamed:
    """Find the rows in which a value of the write stands for the ID, wherever they stand by now.

    `rows` are those read after the write, `header` the one above them.
    """
    place = places_of(header).get("id")
    if place is None:
        return Misnamed()
    written = {value_key(cell.new) for write in record.writes for cell in write.cells}
    emptied = _emptied(record, place)
    meant = {write.lead_id for write in record.writes} | {record.given_id(write) for write in record.writes} - {None}
    known = {row.lead_id for row in record.before} | record.texts.keys()
    numbers = {
        row.number
        for row in rows
        if (row.number in emptied if row.cells.get(place) is None else value_key(row.cells[place]) in written)
        and row.lead_id not in meant
        and (row.lead_id is None or row.lead_id not in known)
    }
    given = _given_to_another(record, header, rows)
    numbers |= given
    named = {row.lead_id for row in rows if row.lead_id is not None and row.number not in numbers}
    former: dict[int, Row] = {}
    for row in rows:
        if row.number in numbers and (one := _former(record, header, row, written, named)) is not None:
            former[row.number] = one
    return Misnamed(frozenset(numbers), former, frozenset(given))


def _emptied(record: Record, place: int) -> set[int]:
    """Numbers of the rows whose ID the write may have emptied: where an empty cell was written into that column."""
    emptied = [(write.row_number, cell.index) for write in record.writes for cell in write.cells if cell.new is None]
    writes = {number for number, index in emptied if index == place or record.column_text(index) == "id"}
    return writes | {trace.row_number for trace in record.traces if trace.column == "id" and trace.value is None}


def _given_to_another(record: Record, header: Header, rows: Sequence[Row]) -> set[int]:
    """Rows to which the write gave an ID that belongs to another row: one that shows what the right one showed besides."""
    found: set[int] = set()
    for write in record.writes:
        besides = record.besides(write)
        right = {row.number for row in rows if is_like(row, header, besides)} if besides else set()
        if right:
            found |= {row.number for row in rows if row.lead_id == record.given_id(write)} - right
    return found


def _former(record: Record, header: Header, row: Row, written: Collection[object], named: Collection[int]) -> Row | None:
    """The row as it was before the write: the one that was alike but for values of the write. None if that is not certain."""
    ours = {header_text(header, index) for index, value in row.cells.items() if value_key(value) in written} | {"id"}
    shown = _under_headers(row, header, ours)
    like = [
        former
        for former in record.before
        if former.lead_id is not None and former.lead_id not in named and _under_headers(former, record.header, ours) == shown
    ]
    if len(like) > 1 or not shown:
        # Rows seldom move at the very moment at which columns do: the one that was meant stood there.
        hit = {write.lead_id for write in record.writes if write.row_number == row.number}
        hit |= {trace.lead_id for trace in record.traces if trace.row_number == row.number}
        like = [former for former in like if former.lead_id in hit]
    if not like:
        like = [former for former in record.before if former.lead_id in _hit_by(record, row) - set(named)]
    return like[0] if len(like) == 1 else None


def _hit_by(record: Record, row: Row) -> set[int]:
    """The leads whose rows were hit by a write of which a row shows most values, two at least; one is anybody's."""
    shown = {value_key(value) for value in row.cells.values() if value is not None}
    found: set[int] = set()
    for write in record.writes:
        values = {value_key(cell.new) for cell in write.cells if cell.new is not None}
        if len(values & shown) > max(1, len(values) // 2):
            hit = {trace.lead_id for trace in record.traces if trace.row_number == write.row_number}
            found |= hit - {0} or {write.lead_id}
    return found


def _under_headers(row: Row, header: Header, besides: Collection[str]) -> dict[str, object]:
    """Header → what a row holds under it, besides some headers."""
    cells = {header_text(header, index): value for index, value in row.cells.items() if value is not None}
    return {text: value for text, value in cells.items() if text and text not in besides}
