"""Which columns a workbook has, and which of them an import takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amo2gsheet.columns import SYSTEM_COLUMNS, field_id_of, resolve_columns
from amo2gsheet.exceptions import SheetLayoutError
from amo2gsheet.model import ColumnKey, LeadField
from amo2gsheet.model_import import SourceTable, WorkbookRow
from amo2gsheet.names import normal_header
from amo2gsheet.sync.importing_values import BadCellError, cell_text, nearest_of

RESULT_HEADERS = ("Результат", "Результат импорта")
"""The column of a result workbook that says what became of a row; the second where the workbook has the first for itself."""

TAKEN = frozenset(("name", "phone", "price", "company", "pipeline", "status", "title", "email", "tags"))
"""System columns whose cells go into a new lead."""

NAMING: tuple[ColumnKey, ...] = ("name", "title")
"""A lead's name comes from one of these, so a row with one of these headers is the header."""

_ONCE = ("id", "status", *NAMING)
_TOP_ROWS = 20
_NO_IMPORT = frozenset(("tracking_data", "file", "items", "payer", "supplier", "linked_entity", "chained_list", "multitext"))
"""Types of fields that no text of a cell can fill."""


@dataclass(frozen=True, slots=True)
class ImportColumns:
    """The columns of one workbook.

    `index` is column key → column from 0, of the columns that are taken and of the ID; `headers` is header as compared → column
    from 0, of every column; `taken` is header as compared → column key. `notices` say once what is left out, and why.
    """

    header_row_number: int
    texts: tuple[str, ...]
    index: Mapping[ColumnKey, int]
    headers: Mapping[str, int]
    taken: Mapping[str, ColumnKey]
    fields: Mapping[int, LeadField]
    notices: tuple[str, ...]

    def title(self, key: ColumnKey) -> str:
        """The header of a column as the workbook spells it; of one that is not there as the tool does."""
        if key in self.index:
            return self.texts[self.index[key]].strip()
        return SYSTEM_COLUMNS[key].header


def columns_of(table: SourceTable, fields: Iterable[LeadField], remembered: Mapping[str, ColumnKey]) -> ImportColumns:
    """Find the header row and whose each column is; `remembered` is header → key as this import first took them.

    Raises:
        SheetLayoutError: no row is a header, or a column that must be unique stands twice.
    """
    by_id = {one.id: one for one in fields}
    header = _header_row(table)
    texts = _texts(header)
    names = [normal_header(text) for text in texts]
    columns, memory = resolve_columns(texts, by_id.values(), remembered)
    for key in _ONCE:
        if sum(memory.get(name) == key for name in names) > 1:
            raise SheetLayoutError(
                f'The sheet "{table.title}" has the column "{SYSTEM_COLUMNS[key].header}" twice.',
                f"Row {header.number} is its header. Rename or delete one of the two.",
            )
    refused = {key: why for key in columns.index if (why := _why_not(key, by_id))}
    return ImportColumns(
        header_row_number=header.number,
        texts=texts,
        index={key: place for key, place in columns.index.items() if key not in refused},
        headers={name: place for place, name in reversed(list(enumerate(names))) if name},
        taken={name: key for name, key in memory.items() if key not in refused and key != "id"},
        fields=by_id,
        notices=tuple(
            _notices(columns.foreign, columns.doubled, {texts[columns.index[key]]: why for key, why in refused.items()}, by_id)
        ),
    )


def result_columns(table: SourceTable, columns: ImportColumns) -> tuple[int, int, str, int, str]:
    """Header's row number, column of the ID from 0 and its header, column of the result and its header.

    They are those of an earlier result where the workbook is one, else stand behind the last cell of any row: what has no
    header is no ID.
    """
    width = max(len(row.cells) for row in table.rows)
    id_index = columns.index.get("id", width)
    first, second = RESULT_HEADERS
    place = columns.headers.get(normal_header(second))
    is_first_foreign = table.recalled is None or normal_header(first) in columns.taken
    header = second if place is not None or (is_first_foreign and normal_header(first) in columns.headers) else first
    if header == first:
        place = columns.headers.get(normal_header(first))
    behind = max(width, id_index + 1)
    return columns.header_row_number, id_index, SYSTEM_COLUMNS["id"].header, behind if place is None else place, header


def _header_row(table: SourceTable) -> WorkbookRow:
    wanted = {normal_header(SYSTEM_COLUMNS[key].header) for key in NAMING}
    top = table.rows[:_TOP_ROWS]
    for row in top:
        if any(normal_header(text) in wanted for text in _texts(row)):
            return row
    raise SheetLayoutError(
        f'The sheet "{table.title}" has no header row with "{SYSTEM_COLUMNS["name"].header}" or '
        f'"{SYSTEM_COLUMNS["title"].header}" among its first {_TOP_ROWS} rows.',
        f"{_nearest_header(top)}Name the columns as in the Google Sheet, or choose a sheet with `--sheet`."
        if top
        else "It is empty. Choose another one with `--sheet`.",
    )


def _nearest_header(top: Iterable[WorkbookRow]) -> str:
    """What may have been meant for the header. Nothing else of these rows is told: without a header, customers stand there."""
    wanted = [SYSTEM_COLUMNS[key].header for key in NAMING]
    for row in top:
        for text in _texts(row):
            if text and (meant := nearest_of(text, wanted)):
                return f'The row {row.number} holds "{text}"; the nearest name is "{meant}". '
    return ""


def _texts(row: WorkbookRow) -> tuple[str, ...]:
    return tuple(_text(row, index) for index in range(len(row.cells)))


def _text(row: WorkbookRow, index: int) -> str:
    try:
        return cell_text(row.cell(index))
    except BadCellError:
        return ""


def _why_not(key: ColumnKey, fields: Mapping[int, LeadField]) -> str:
    """Why a column that is known is not taken; "" where it is."""
    field_id = field_id_of(key)
    if field_id is not None:
        kind = fields[field_id].type
        return f"a field of the type {kind} cannot be filled from a cell" if kind in _NO_IMPORT else ""
    return "" if key in TAKEN or key == "id" else "amoCRM or this tool fills it"


def _notices(
    foreign: Sequence[str], doubled: Sequence[str], refused: Mapping[str, str], fields: Mapping[int, LeadField]
) -> Iterable[str]:
    known = [column.header for key, column in SYSTEM_COLUMNS.items() if key in TAKEN] + [one.name for one in fields.values()]
    for text in dict.fromkeys(text.strip() for text in foreign):
        if normal_header(text) in map(normal_header, RESULT_HEADERS):
            continue
        nearest = nearest_of(text, known)
        meant = f'; the nearest name is "{nearest}"' if nearest else ""
        yield f'column "{text}" is left out: amoCRM has no field of that name{meant}'
    for text, why in refused.items():
        yield f'column "{text.strip()}" is left out: {why}'
    for text in doubled:
        yield f'column "{text.strip()}" stands twice: the left one counts'
