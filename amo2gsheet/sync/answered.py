"""What the answer of a write of cells tells: whether every value landed where it belongs, and where the others went.

Pure: a record of the write and the write's own answer in.
"""

from __future__ import annotations

from amo2gsheet.fields import same_value
from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.model import Header, Row, WriteAnswer
from amo2gsheet.sync.record import Record, Trace, Written, header_text, is_like, places_of


def landed_cleanly(record: Record, answer: WriteAnswer) -> bool:
    """Whether the write's own answer shows every value in its lead's row and under its header."""
    if answer.rows is None or answer.header is None or len(answer.rows) != len(record.writes):
        return False
    indexes = {cell.index for write in record.writes for cell in write.cells}
    if any(header_text(answer.header, index) != record.column_text(index) for index in indexes):
        return False
    return all(
        (row.lead_id or 0) == write.lead_id
        and _is_its_row(record, answer.header, write, row)
        and all(same_value(row.cells.get(cell.index), cell.new) for cell in write.cells)
        for write, row in zip(record.writes, answer.rows, strict=True)
    )


def traces_of(record: Record, answer: WriteAnswer) -> tuple[Trace, ...]:
    """Where the answer shows values to have landed outside of their lead's row, or there under another header."""
    if answer.rows is None or len(answer.rows) != len(record.writes):
        return ()
    header = answer.header if answer.header is not None and "id" in places_of(answer.header) else None
    traces: list[Trace] = []
    for write, row in zip(record.writes, answer.rows, strict=True):
        lead_id = _lead_hit(record, header, write, row)
        for cell in write.cells:
            column = None if header is None else header_text(header, cell.index)
            if lead_id != write.lead_id or column not in (None, record.column_text(cell.index)):
                traces.append(Trace(lead_id, row.number, cell.index, cell.new, column))
    return tuple(traces)


def _lead_hit(record: Record, header: Header | None, write: Written, row: Row) -> int:
    """The lead whose row a write has hit; 0 for a row without ID, and where that cannot be told."""
    gives_id = record.given_id(write) is not None
    if header is None:
        # Not told, or rows were inserted above it.
        return 0 if gives_id else row.lead_id or 0
    if gives_id and _is_its_row(record, header, write, row):
        return write.lead_id
    place = places_of(header)["id"]
    if place not in row.cells:
        # The columns have moved. Hardly ever do rows at the very same time.
        return write.lead_id
    is_overwritten = place in {cell.index for cell in write.cells}
    return _lead_besides(record, header, write, row) if is_overwritten else lead_id_of(row.cells[place]) or 0


def _is_its_row(record: Record, header: Header, write: Written, row: Row) -> bool:
    """Whether a row is the one that was to be given its ID; a write that gives none is not asked."""
    besides = record.besides(write)
    return besides is None or is_like(row, header, besides)


def _lead_besides(record: Record, header: Header, write: Written, row: Row) -> int:
    """The lead whose row, as seen before the write, showed what this one shows besides the cells written; 0 if not certain."""
    written = {cell.index for cell in write.cells}
    shown = {header_text(header, index): value for index, value in row.cells.items() if index not in written}
    named = {text: value for text, value in shown.items() if text}
    if all(value is None for value in named.values()):
        return 0
    index_of = places_of(record.header)
    like = [
        former.lead_id
        for former in record.before
        if former.lead_id is not None
        and all(same_value(former.cells.get(index_of.get(text, -1)), value) for text, value in named.items())
    ]
    # Rows seldom move at the very moment at which columns do.
    return write.lead_id if write.lead_id in like else like[0] if len(like) == 1 and like[0] is not None else 0
