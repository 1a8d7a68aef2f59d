"""Write the result workbook: the rows that were read, each with its lead or the reason. Decides nothing about rows."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from amo2gsheet.exceptions import SheetError
from amo2gsheet.model_import import CellError, Recalled, SourceTable, WorkbookCell, WorkbookRow
from amo2gsheet.values import text_cell
from amo2gsheet.xlsx_memory import MEMORY_SHEET, memory_lines

RESULT_SUFFIX = ".result.xlsx"

_NOT_IN_TITLES = re.compile(r"[\\*?:/\[\]\x00-\x1f]")
_TITLE_LIMIT = 31
_ASIDE_NAME = 40
"""So many characters of a name tell which file it was, and fit into any file system."""

_ID_WIDTH = 12
_RESULT_WIDTH = 60
_MOST_EMPTY_ROWS = 10_000
"""A stray cell can stand a million rows below the others, and an empty row costs as much time as a filled one."""


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """Where the header stands and which columns from 0 are to hold the lead's ID and the result.

    A column beyond the last one of the header is added, with the header given here.
    """

    header_row_number: int
    id_index: int
    id_header: str
    result_index: int
    result_header: str


def result_path(path: Path) -> Path:
    """Where the result of a workbook goes: beside it; that of a result workbook is itself."""
    if path.name.lower().endswith(RESULT_SUFFIX):
        return path
    return path.with_name(path.stem + RESULT_SUFFIX)


def import_name(path: Path) -> str:
    """The name of an import after its workbook: without the endings."""
    name = path.name
    return name[: -len(RESULT_SUFFIX)] if name.lower().endswith(RESULT_SUFFIX) else path.stem


def require_nameable(path: Path) -> None:
    """Find out before anything is read whether a file can bear that name.

    Raises:
        SheetError: it cannot, for the name is too long.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _cannot_write(path, error) from error


def require_writable(path: Path) -> None:
    """Find out before anything is sent whether the result can be written.

    Raises:
        SheetError: it cannot.
    """
    if not path.parent.is_dir():
        raise SheetError(f'The folder "{path.parent}" of the result workbook does not exist.', "Choose a file with `--result`.")
    if path.is_dir():
        raise SheetError(f'The result workbook "{path}" is a folder.', "Choose another file with `--result`.")
    try:
        descriptor, draft = _draft(path)
        os.close(descriptor)
        draft.unlink()
    except OSError as error:
        raise _cannot_write(path, error) from error


def set_aside(path: Path) -> Path:
    """Give a file that cannot be read another name beside it, so that nothing is lost; return its new path.

    Raises:
        SheetError: that was not possible.
    """
    number = 1
    while (aside := path.with_name(f"damaged-{number}.{import_name(path)[:_ASIDE_NAME]}.xlsx")).exists():
        number += 1
    try:
        return path.rename(aside)
    except OSError as error:
        raise SheetError(f'The file "{path}" cannot be set aside: {error.strerror}.') from error


def write_result(
    path: Path,
    table: SourceTable,
    columns: ResultColumns,
    results: Mapping[int, tuple[int, str]],
    memory: Recalled,
) -> None:
    """Write the workbook whole or not at all, readable by its owner alone (0600).

    Rows keep their numbers. `results` is row number → lead ID (0: none) and text.

    Raises:
        SheetError: the file cannot be written.
    """
    try:
        descriptor, draft = _draft(path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _save(file, table, columns, results, memory)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _draft(path: Path) -> tuple[int, Path]:
    """A file beside the result, open for writing. Its name is short: that of the result may be the longest there is."""
    descriptor, name = tempfile.mkstemp(prefix=".result-", suffix=".new", dir=path.parent)
    return descriptor, Path(name)


def _cannot_write(path: Path, error: OSError) -> SheetError:
    return SheetError(
        f'The result workbook "{path}" cannot be written: {error.strerror}.', "Choose another file with `--result`."
    )


def _save(
    file: Any, table: SourceTable, columns: ResultColumns, results: Mapping[int, tuple[int, str]], memory: Recalled
) -> None:
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    is_sparse = table.rows[-1].number - len(table.rows) > _MOST_EMPTY_ROWS
    workbook = Workbook(write_only=not is_sparse)
    if workbook.active is not None:
        workbook.remove(workbook.active)
    sheet: Any = workbook.create_sheet(_title(table.title))
    sheet.freeze_panes = f"A{columns.header_row_number + 1}"
    for index, width in ((columns.id_index, _ID_WIDTH), (columns.result_index, _RESULT_WIDTH)):
        sheet.column_dimensions[get_column_letter(index + 1)].width = width
    written = 0
    for row in table.rows:
        if is_sparse and row.number - 1 > written:
            # A row is appended below the last one that has a cell.
            sheet.cell(row.number - 1, 1)
        else:
            for _ in range(written + 1, row.number):
                sheet.append([])
        sheet.append([_cell(sheet, value) for value in _line(row, columns, results)])
        written = row.number
    hidden: Any = workbook.create_sheet(MEMORY_SHEET)
    hidden.sheet_state = "hidden"
    for line in memory_lines(memory):
        hidden.append([_cell(hidden, value) for value in line])
    workbook.save(file)


def _title(title: str) -> str:
    """A title that Excel takes, and that is not ours: other programs write others."""
    taken = _NOT_IN_TITLES.sub("_", title)[:_TITLE_LIMIT]
    return f"{taken} 1" if taken.casefold() == MEMORY_SHEET else taken


def _line(row: WorkbookRow, columns: ResultColumns, results: Mapping[int, tuple[int, str]]) -> Sequence[WorkbookCell]:
    is_header = row.number == columns.header_row_number
    if not is_header and row.number not in results:
        return row.cells
    lead_id, text = (columns.id_header, columns.result_header) if is_header else results[row.number]
    cells = [*row.cells, *[None] * (max(columns.id_index, columns.result_index) + 1 - len(row.cells))]
    if is_header:
        cells[columns.id_index] = cells[columns.id_index] or lead_id
    elif lead_id:
        cells[columns.id_index] = lead_id
    cells[columns.result_index] = text or None
    return cells


def _cell(sheet: Any, value: WorkbookCell) -> Any:
    """A cell as it was read. A text that begins with `=` stays a text, and no character is one that Excel refuses."""
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, CellError):
        value = value.text
    if isinstance(value, (datetime, date)):
        has_time = isinstance(value, datetime) and (value.hour or value.minute or value.second)
        cell = WriteOnlyCell(sheet, value)  # type: ignore[arg-type]
        cell.number_format = "dd.mm.yyyy hh:mm" if has_time else "dd.mm.yyyy"
        return cell
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, text_cell(value) or "")
    cell.data_type = "s"
    return cell
