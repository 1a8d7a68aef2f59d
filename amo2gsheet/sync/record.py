"""What the journal keeps of a write of cells: enough to find out, from the sheet alone, what became of it.

Plain data ⇄ JSON; reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from amo2gsheet.fields import same_value
from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.model import Base, CellBase, CellValue, ColumnKey, Header, Row, RowWrite, Stage, StatusBase
from amo2gsheet.names import normal_header
from amo2gsheet.sync.plan import CellPlan, cell_text


@dataclass(frozen=True, slots=True)
class Written:
    """One row of a write. `lead_id` is 0 for a row without an ID; `base` is None for a repair, which agrees on nothing."""

    lead_id: int
    row_number: int
    cells: tuple[CellPlan, ...]
    base: Base | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a value of ours has landed: in which row (0: one without ID), at which column index.

    `column` is the header that stood over it then, as names are compared; None where that is not known.
    """

    lead_id: int
    row_number: int
    index: int
    value: CellValue
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A write of cells with the header and the rows as the last look before it saw them.

    `before` are the rows seen then (those concerned and their neighbours), `texts` lead ID → status cell of every row.
    `is_repeated`: its outcome is unclear, and a cell of it was written again since.
    """

    header: Header
    writes: tuple[Written, ...]
    before: tuple[Row, ...] = ()
    texts: Mapping[int, CellValue] = field(default_factory=dict)
    traces: tuple[Trace, ...] = ()
    is_repeated: bool = False

    def column_text(self, index: int) -> str:
        """The header over a column at the time of the write, as names are compared."""
        return header_text(self.header, index)

    def have_columns_moved(self, header: Header) -> bool:
        """Whether another name than at the time of the write stands anywhere in a header read since."""
        width = max(len(header.texts), len(self.header.texts))
        return any(header_text(header, index) != self.column_text(index) for index in range(width))

    def row_write(self, write: Written) -> RowWrite:
        """A row of this write as the sheet side takes it; where the row is given its ID the answer is to show all of it."""
        row = self._row_before(write) if self.given_id(write) else None
        shown = (0, max(row.cells, default=0)) if row else ()
        return RowWrite(write.row_number, write.lead_id, {cell.index: cell.new for cell in write.cells}, shown)

    def given_id(self, write: Written) -> int | None:
        """The lead ID that a write puts into the row's ID cell; None where it leaves that alone, or empties it."""
        return next((lead_id_of(cell.new) for cell in write.cells if self.column_text(cell.index) == "id"), None)

    def _row_before(self, write: Written) -> Row | None:
        return next((row for row in self.before if row.number == write.row_number), None)

    def besides(self, write: Written) -> dict[str | int, CellValue] | None:
        """What a row that is given its ID showed before in the other columns: only that tells it from other rows.

        By header, or by column index where there is none. None where the write gives no ID, or the row was not seen.
        """
        row = self._row_before(write) if self.given_id(write) is not None else None
        if row is None:
            return None
        width = max(len(self.header.texts), *(index + 1 for index in row.cells))
        others = set(range(width)) - {cell.index for cell in write.cells}
        return {self.column_text(index) or index: row.cells.get(index) for index in sorted(others, reverse=True)}


def is_like(row: Row, header: Header, besides: Mapping[str | int, CellValue]) -> bool:
    """Whether a row shows these values under these headers, as far as the headers are there."""
    shown = {header_text(header, index) or index: row.cells[index] for index in sorted(row.cells, reverse=True)}
    return all(same_value(shown[place], value) for place, value in besides.items() if place in shown)


def header_text(header: Header, index: int) -> str:
    """The header over a column as names are compared, "" where there is none."""
    return normal_header(header.texts[index]) if index < len(header.texts) else ""


def places_of(header: Header) -> dict[str, int]:
    """Header as names are compared → column index, the left one of two; headers that are blank are all one, ""."""
    return {header_text(header, index): index for index in reversed(range(len(header.texts)))}


def base_to_json(base: Base | None) -> Any:
    """A base as JSON; None stays None."""
    if base is None:
        return None
    status = base.status
    return {
        "lead": base.lead_id,
        "status": [status.stage.pipeline_id, status.stage.status_id, status.shown, status.text] if status else None,
        "cells": {key: [cell.amo, cell.sheet] for key, cell in base.cells.items()},
    }


def base_from_json(value: Any) -> Base | None:
    """The base that `base_to_json` wrote."""
    if value is None:
        return None
    status = value["status"]
    return Base(
        value["lead"],
        StatusBase(Stage(status[0], status[1]), status[2], status[3]) if status else None,
        {key: CellBase(amo, sheet) for key, (amo, sheet) in value["cells"].items()},
    )


def _cell_to_json(cell: CellPlan) -> list[Any]:
    return [cell.key, cell.index, cell.old, cell.new, cell.is_conflict]


def _row_to_json(row: Row) -> list[Any]:
    return [row.number, row.lead_id, [[index, value] for index, value in row.cells.items() if value is not None]]


def _row_from_json(value: Any) -> Row:
    number, lead_id, cells = value
    return Row(number, lead_id, dict(cells))


def record_to_json(record: Record) -> dict[str, Any]:
    """A record as JSON."""
    return {
        "header": [record.header.row_number, list(record.header.texts)],
        "writes": [
            [write.lead_id, write.row_number, [_cell_to_json(cell) for cell in write.cells], base_to_json(write.base)]
            for write in record.writes
        ],
        "before": [_row_to_json(row) for row in record.before],
        "texts": [[lead_id, value] for lead_id, value in record.texts.items()],
        "is_repeated": record.is_repeated,
        "traces": [[trace.lead_id, trace.row_number, trace.index, trace.value, trace.column] for trace in record.traces],
    }


def record_from_json(value: Mapping[str, Any]) -> Record:
    """The record that `record_to_json` wrote."""
    number, texts = value["header"]
    return Record(
        Header(number, tuple(texts)),
        tuple(
            Written(lead_id, row_number, tuple(CellPlan(*cell) for cell in cells), base_from_json(base))
            for lead_id, row_number, cells, base in value["writes"]
        ),
        tuple(_row_from_json(row) for row in value["before"]),
        dict(value["texts"]),
        tuple(Trace(*trace) for trace in value["traces"]),
        bool(value.get("is_repeated")),
    )


def shown_base(written: Written, row: Row) -> Base | None:
    """The base of a write that has landed, its sheet side as the write's own answer showed the row."""
    base = written.base
    if base is None:
        return None
    cells = dict(base.cells)
    status = base.status
    for cell in written.cells:
        if cell.index not in row.cells:
            continue
        if cell.key in cells:
            cells[cell.key] = CellBase(cells[cell.key].amo, row.cells[cell.index])
        elif cell.key == "status" and status is not None:
            status = replace(status, text=cell_text(row.cells[cell.index]))
    return Base(base.lead_id, status, cells)


def landed_base(written: Written, landed: Collection[CellPlan], former: Base | None) -> Base | None:
    """The base of a write of which a later look saw these cells to have landed; of the others what was agreed before holds.

    The sheet side is as sent: what a cell shows by now may be a person's.
    """
    base = written.base
    if base is None:
        return None
    shown = {cell.key for cell in landed}
    missed = {cell.key for cell in written.cells} - shown
    agreed = former or Base(base.lead_id)
    # What was not written, other runs may have agreed on since.
    cells = {key: cell for key, cell in base.cells.items() if key not in missed}
    cells |= {key: cell for key, cell in agreed.cells.items() if key not in shown}
    is_kept = "status" in missed or ("status" not in shown and agreed.status is not None)
    return Base(base.lead_id, agreed.status if is_kept else base.status, cells)


def agreed_value(base: Base, key: ColumnKey) -> CellValue:
    """What the sheet's side of a column was agreed to show; None where nothing was."""
    if key == "status":
        return base.status.text if base.status else None
    return base.cells[key].sheet if key in base.cells else None


def exceptions_of(texts: Mapping[int, CellValue], agreed: Mapping[int, str | None]) -> dict[int, CellValue]:
    """The status cells that do not show what was agreed: only these have to be remembered, the others stand in the bases."""
    return {lead_id: value for lead_id, value in texts.items() if agreed.get(lead_id) != (value if value is not None else "")}
