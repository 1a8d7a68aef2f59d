"""What became of a write of cells: what landed in its lead's row, what strayed, and what stood there before.

Pure: a record of the write and the sheet as it is now in, an inspection out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amo2gsheet.fields import same_value, value_key
from amo2gsheet.model import Base, CellValue, ColumnKey, Columns, Header, Row
from amo2gsheet.names import normal_header
from amo2gsheet.sync.misnamed import find_misnamed
from amo2gsheet.sync.plan import CellPlan, cell_text
from amo2gsheet.sync.record import Record, Trace, Written, header_text, places_of


@dataclass(frozen=True, slots=True)
class Stray:
    """A value of ours in a cell where it does not belong, and what is to stand there again.

    `lead_id` is 0 for a row without an ID. `is_known` is False where nothing tells what stood there before.
    """

    lead_id: int
    row_number: int
    index: int
    value: CellValue
    before: CellValue
    is_known: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """Lead ID → the cells of its write that landed (at least one), and the values that strayed.

    `replaced` are values that had strayed where somebody has put something else since.
    """

    landed: Mapping[int, tuple[CellPlan, ...]]
    strays: tuple[Stray, ...]
    replaced: tuple[Stray, ...] = ()


def leads_of(record: Record) -> set[int]:
    """The leads whose rows an inspection has to see."""
    return {write.lead_id for write in record.writes} | {trace.lead_id for trace in record.traces} - {0}


def rows_of(record: Record) -> set[int]:
    """The row numbers that the write may have hit."""
    return {write.row_number for write in record.writes} | {trace.row_number for trace in record.traces}


def inspect(
    record: Record,
    header: Header,
    columns: Columns,
    rows: Sequence[Row],
    bases: Mapping[int, Base],
    doubled: Iterable[int] = (),
    guesses: Sequence[Trace] = (),
) -> Inspection:
    """Find out, from rows read after the write, what became of it.

    `rows` holds at least the rows of `leads_of` and `rows_of`, over the whole width of the header. `guesses` are places to which
    a value may have been carried off.
    """
    judge = _Judge(record, header, columns, bases, rows, guesses)
    many = set(doubled) - judge.relieved
    by_lead = {lead_id: row for lead_id, row in judge.by_lead.items() if lead_id not in many}
    landed: dict[int, tuple[CellPlan, ...]] = {}
    for write in record.writes:
        row = by_lead.get(write.lead_id) if write.lead_id else _row_numbered(rows, write.row_number)
        if row is not None and (cells := judge.landed(write, row)):
            landed[write.lead_id] = cells
    return Inspection(landed, tuple(judge.strays()), tuple(judge.replaced()))


def _row_numbered(rows: Sequence[Row], number: int) -> Row | None:
    return next((row for row in rows if row.number == number and row.lead_id is None), None)


class _Judge:
    """Judges cells of one record against one header."""

    def __init__(
        self,
        record: Record,
        header: Header,
        columns: Columns,
        bases: Mapping[int, Base],
        rows: Sequence[Row],
        guesses: Sequence[Trace],
    ) -> None:
        self._record = record
        self._traces = (*record.traces, *guesses)
        self._is_told = bool(record.traces)
        self._header = header
        self._bases = bases
        self._key_at: dict[int, ColumnKey] = {index: key for key, index in columns.index.items()}
        self._index_of = places_of(header)
        self._have_columns_moved = record.have_columns_moved(header)
        self._renamed = self._renamed_columns(rows)
        self._before: dict[int | None, list[Row]] = {}
        for row in record.before:
            self._before.setdefault(row.lead_id, []).append(row)
        self._own = {(write.lead_id, self._home(cell)): cell.new for write in record.writes for cell in write.cells}
        self._hit: dict[tuple[int, int], list[CellValue]] = {}
        for number, _lead_id, index, value in self._suspects():
            self._hit.setdefault((number, index), []).append(value)
        self._written = {value_key(cell.new) for write in record.writes for cell in write.cells if cell.new is not None}
        self._rows = rows
        self._by_number = {row.number: row for row in rows}
        self._misnamed = find_misnamed(record, header, rows)
        self.relieved = {row.lead_id for row in rows if row.number in self._misnamed.numbers}
        self.by_lead = {row.lead_id: row for row in rows if self._lead_of(row) and row.lead_id is not None}

    def _renamed_columns(self, rows: Sequence[Row]) -> dict[str, str]:
        """New name → name then, of people's columns into which a value had strayed before they got another name.

        Told by the value, which stands under one new name only.
        """
        known = places_of(self._record.header).keys()
        fresh = {name: at for name, at in self._index_of.items() if name not in known and at not in self._key_at}
        found: dict[str, str] = {}
        for trace in self._traces if fresh else ():
            if not trace.column or trace.column in self._index_of or trace.value is None:
                continue
            near = [row for row in rows if row.number == trace.row_number or (trace.lead_id and row.lead_id == trace.lead_id)]
            shown = {name for name, at in fresh.items() for row in near if same_value(row.cells.get(at), trace.value)}
            if len(shown) == 1:
                found[shown.pop()] = trace.column
        return found

    def _place_of(self, column: str) -> int | None:
        """Where the column of that name stands now, maybe under another one; None where nobody can tell: it has no name."""
        if not column:
            return None
        names = [new for new, former in self._renamed.items() if former == column]
        return self._index_of.get(names[0] if names else column)

    def _lead_of(self, row: Row) -> int:
        """The lead of a row, 0 where it has none or shows an ID that is not its own."""
        return 0 if row.number in self._misnamed.numbers else row.lead_id or 0

    def _home(self, cell: CellPlan) -> int:
        """Where the column of a written cell stands now."""
        text = self._record.column_text(cell.index)
        return self._index_of.get(text, cell.index) if text else cell.index

    def landed(self, write: Written, row: Row) -> tuple[CellPlan, ...]:
        """The cells of a write whose values stand in the lead's row, or stood there until a person changed them.

        A row lands as a whole or not at all, but where columns moved it may have hit some of its columns only. So beside a value
        that stands there, a cell that shows neither value counts as changed since, if its column is where it was.
        """
        if not any(self._shows(row, cell, cell.new) and not same_value(cell.old, cell.new) for cell in write.cells):
            return ()
        return tuple(
            cell
            for cell in write.cells
            if self._shows(row, cell, cell.new) or (self._home(cell) == cell.index and not self._shows(row, cell, cell.old))
        )

    def _shows(self, row: Row, cell: CellPlan, value: CellValue) -> bool:
        return same_value(row.cells.get(self._home(cell)), value)

    def strays(self) -> Iterable[Stray]:
        """Every value of the write that stands in a cell which nothing explains."""
        seen: set[tuple[int, int]] = set()
        for number, lead_id, index, value in (*self._suspects(), *self._suspects_of_misnamed()):
            for row in (self._by_number.get(number), self.by_lead.get(lead_id) if lead_id else None):
                if row is None or (row.number, index) in seen or not same_value(row.cells.get(index), value):
                    continue
                seen.add((row.number, index))
                stray = self._judge(row, index, value)
                if stray is not None:
                    yield stray

    def replaced(self) -> Iterable[Stray]:
        """What has strayed into a lead's row, or may have where no answer told, and what stands there no more."""
        seen: set[tuple[int, int]] = set()
        for number, lead_id, index, value in self._suspects_of_traces() if self._is_told else self._suspects():
            for row in (None if self._is_told else self._by_number.get(number), self.by_lead.get(lead_id) if lead_id else None):
                if row is None or not self._lead_of(row) or (row.number, index) in seen:
                    continue
                if (self._lead_of(row), index) in self._own:
                    continue
                before, is_known = self._value_before(row, index)
                is_gone = not any(same_value(row.cells.get(index), one) for one in (value, before))
                if is_known and is_gone and not same_value(before, value) and not same_value(before, None):
                    seen.add((row.number, index))
                    yield Stray(self._lead_of(row), row.number, index, value, before, is_known)

    def _suspects(self) -> Iterable[tuple[int, int, int, CellValue]]:
        """(row number, lead ID, column index, value) of every place where a value may have landed."""
        for write in self._record.writes:
            for cell in write.cells:
                yield write.row_number, write.lead_id, cell.index, cell.new
                yield write.row_number, write.lead_id, self._home(cell), cell.new
        yield from self._suspects_of_traces()

    def _suspects_of_traces(self) -> Iterable[tuple[int, int, int, CellValue]]:
        for trace in self._traces:
            if trace.column is not None:
                index = self._place_of(trace.column)
                yield trace.row_number, trace.lead_id, trace.index if index is None else index, trace.value
                continue
            yield trace.row_number, trace.lead_id, trace.index, trace.value
            yield trace.row_number, trace.lead_id, self._shifted(trace.index), trace.value

    def _suspects_of_misnamed(self) -> Iterable[tuple[int, int, int, CellValue]]:
        """Every value of the write in a row whose ID it took: where the row stands by now does not matter."""
        for row in self._rows:
            if row.number in self._misnamed.former or row.number in self._misnamed.given:
                for index, value in row.cells.items():
                    if value is not None and value_key(value) in self._written:
                        yield row.number, 0, index, value

    def _shifted(self, index: int) -> int:
        """Where the column now stands that stood at an index when the write was planned."""
        text = self._record.column_text(index)
        return self._index_of.get(text, index) if text else index

    def _judge(self, row: Row, index: int, value: CellValue) -> Stray | None:
        """A stray, or None where the value belongs here or stood here before."""
        lead_id = self._lead_of(row)
        if row.number not in self._misnamed.former and row.number not in self._misnamed.given:
            is_given = self._key_at.get(index) == "id" and same_value(self._own.get((0, index)), value) and value is not None
            is_own = (lead_id, index) in self._own and same_value(self._own[lead_id, index], value)
            if is_given or is_own or (not self._is_told and self._is_agreed(lead_id, index, value)):
                return None
        before, is_known = self._value_before(row, index)
        if is_known and same_value(before, value):
            return None
        if not is_known and same_value(value, None):
            return None
        return Stray(lead_id, row.number, index, value, before, is_known)

    def _is_agreed(self, lead_id: int, index: int, value: CellValue) -> bool:
        """Whether a cell shows what was agreed on last, maybe since the write; a pick that stood there before says more."""
        key = self._key_at.get(index)
        agreed, is_known = self._agreed(lead_id, key)
        return is_known and same_value(agreed, value) and not (key == "status" and lead_id in self._record.texts)

    def _value_before(self, row: Row, index: int) -> tuple[CellValue, bool]:
        """What stood in a cell at the last look before the write, and whether that is known."""
        text = header_text(self._header, index)
        key = self._key_at.get(index)
        if row.lead_id is not None and self._lead_of(row):
            if key == "status" and row.lead_id in self._record.texts:
                return self._record.texts[row.lead_id], True
            known = self._before.get(row.lead_id, [])
            if not known:
                return self._agreed(row.lead_id, key)
            # Of several rows with one ID only the one that is like this one besides can tell.
            like = known if len(known) == 1 else self._like(row, known, index)
            return self._cell_under(like[0], text) if like else (None, False)
        return self._foreign_before(row, index, text)

    def _cell_under(self, row: Row, text: str) -> tuple[CellValue, bool]:
        """The cell of a row seen before the write under the header `text`; a column that was not there was empty."""
        name = self._renamed.get(text, text)
        for index, former in enumerate(self._record.header.texts):
            if name and normal_header(former) == name:
                return row.cells.get(index), True
        return None, True

    def _agreed(self, lead_id: int, key: ColumnKey | None) -> tuple[CellValue, bool]:
        """What the base says that a cell shows."""
        base = self._bases.get(lead_id)
        if base is None or key is None:
            return None, False
        if key == "status":
            return (base.status.text or None, True) if base.status else (None, False)
        return (base.cells[key].sheet, True) if key in base.cells else (None, False)

    def _foreign_before(self, row: Row, index: int, text: str) -> tuple[CellValue, bool]:
        """What stood in a cell of a row without ID: see a like row, else that number; nothing where it is empty besides."""
        if row.number in self._misnamed.former:
            return self._cell_under(self._misnamed.former[row.number], text)
        known = self._before.get(None, [])
        like = self._like(row, known, index)
        same = [former for former in like or known if former.number == row.number] or like
        if same:
            return self._cell_under(same[0], text)
        is_wrong_id = row.number in self._misnamed.given and self._key_at.get(index) == "id"
        return None, is_wrong_id or not _besides(row.cells, self._strayed(row, index))

    def _like(self, row: Row, known: Sequence[Row], index: int) -> list[Row]:
        """Those of the rows seen before that held the same, but for what this write has put there."""
        strayed = self._strayed(row, index)
        if self._have_columns_moved:
            # Only what stands under a name can be told again.
            strayed |= {place for place in row.cells if not header_text(self._header, place)}
        besides = _besides(row.cells, strayed)
        return [former for former in known if _besides(self._as_now(former), strayed) == besides]

    def _as_now(self, former: Row) -> Mapping[int, CellValue]:
        """The cells of a row seen before the write, by where their columns stand now."""
        if not self._have_columns_moved:
            return former.cells
        found = [(self._place_of(self._record.column_text(index)), value) for index, value in former.cells.items()]
        return {place: value for place, value in found if place is not None}

    def _strayed(self, row: Row, index: int) -> set[int]:
        """The cell that is judged, and the others of its row that show a value of this write."""
        return {index} | {
            place
            for place, value in row.cells.items()
            if any(same_value(value, hit) for hit in self._hit.get((row.number, place), ()))
        }


def _besides(cells: Mapping[int, CellValue], places: set[int]) -> dict[int, CellValue]:
    """What a row holds besides some of its cells."""
    return {place: value for place, value in cells.items() if place not in places and value is not None}


def repaired_text(stray: Stray) -> str:
    """What is said of a value that is taken back."""
    where = f"lead {stray.lead_id}" if stray.lead_id else "a row without ID"
    return f"row {stray.row_number} ({where}): took back a value that had strayed there, was {cell_text(stray.before)!r}"
