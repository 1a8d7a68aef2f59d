"""Read one sheet of an Excel workbook as people have them. Knows cells and rows, not what they mean."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amo2gsheet.exceptions import SheetError
from amo2gsheet.model_import import CellError, Recalled, SourceTable, WorkbookCell, WorkbookRow
from amo2gsheet.names import normal_header
from amo2gsheet.xlsx_memory import MEMORY_SHEET, recalled_from

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

NOT_CALCULATED = "a formula that no program has worked out yet"

_OLE = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK"
_FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
_ERRORS = frozenset(("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!"))
_ESCAPED = re.compile(r"_x00([01][0-9A-Fa-f])_")
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    SyntaxError,
    RuntimeError,
    OverflowError,
)
"""What openpyxl dies of in a workbook that is damaged, each seen; XML errors are SyntaxErrors.

OSError: there is no workbook part (.xlsb); RuntimeError: a part is encrypted, or packed in a way that Python does not know.
"""

_SAVE_AS = 'Open it in Excel or LibreOffice and save it as "Excel workbook (.xlsx)".'


def read_workbook(path: Path, sheet_name: str | None = None) -> SourceTable:
    """Read the named sheet, or the first one that is not hidden. Blank rows are left out; the others keep their numbers.

    Formulas give the value that Excel stored with them. Hidden rows and merged cells are read like any other.

    Raises:
        SheetError: there is no such file or sheet, or it is no workbook that can be read.
    """
    contents = _contents(path)
    with _translated(path):
        workbook = _open(contents)
        try:
            title = _chosen(workbook, sheet_name, path)
            rows = list(_rows(workbook, title))
            missing = _formulas_without_value(contents, workbook, title)
            recalled = _memory(workbook)
        finally:
            workbook.close()
    return SourceTable(title, tuple(_filled(rows, missing)), recalled)


def read_memory(path: Path) -> Recalled | None:
    """What a result workbook remembers; None where it is none. Errors as `read_workbook`."""
    contents = _contents(path)
    with _translated(path):
        workbook = _open(contents)
        try:
            return _memory(workbook)
        finally:
            workbook.close()


def _memory(workbook: Workbook) -> Recalled | None:
    if not any(map(_is_memory, workbook.worksheets)):
        return None
    return recalled_from(row.cells for row in _rows(workbook, MEMORY_SHEET))


def _contents(path: Path) -> bytes:
    """The file as one piece, so that somebody who saves it meanwhile cannot tear it."""
    try:
        contents = path.read_bytes()
    except FileNotFoundError:
        raise SheetError(f'There is no file "{path}".') from None
    except OSError as error:
        raise SheetError(f'The file "{path}" cannot be read: {error.strerror}.') from error
    if contents.startswith(_OLE):
        raise SheetError(
            f'The file "{path.name}" is an old Excel file (.xls) or has a password.',
            f"{_SAVE_AS} Without a password.",
        )
    if not contents.startswith(_ZIP):
        what = "is empty" if not contents else "is a CSV or another text file" if _is_text(contents) else "is no Excel workbook"
        raise SheetError(f'The file "{path.name}" {what}.', _SAVE_AS)
    return contents


def _is_text(contents: bytes) -> bool:
    return b"\0" not in contents[:4096]


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            # It warns of drop-down lists, pictures and the like, which an import does not need.
            warnings.simplefilter("ignore")
            yield
    except _BROKEN as error:
        raise SheetError(
            f'The workbook "{path.name}" is damaged, or no Excel workbook: {type(error).__name__}.', _SAVE_AS
        ) from error


def _open(contents: bytes, *, with_values: bool = True) -> Workbook:
    from openpyxl import load_workbook

    return load_workbook(BytesIO(contents), read_only=True, data_only=with_values, keep_links=False)


def _chosen(workbook: Workbook, sheet_name: str | None, path: Path) -> str:
    sheets = [sheet for sheet in workbook.worksheets if not _is_memory(sheet)]
    if sheet_name is None:
        shown = [sheet.title for sheet in sheets if sheet.sheet_state == "visible"] or [sheet.title for sheet in sheets]
        if not shown:
            raise SheetError(f'The workbook "{path.name}" has no sheet with cells that can be read.', _SAVE_AS)
        return shown[0]
    names = [sheet.title for sheet in sheets]
    for wanted in (sheet_name, *(name for name in names if normal_header(name) == normal_header(sheet_name))):
        if wanted in names:
            return wanted
    raise SheetError(f'The workbook "{path.name}" has no sheet "{sheet_name}".', f"Its sheets: {', '.join(names)}.")


def _is_memory(sheet: Any) -> bool:
    return bool(sheet.title == MEMORY_SHEET and sheet.sheet_state != "visible")


def _rows(workbook: Workbook, title: str) -> Iterator[WorkbookRow]:
    """The rows that hold anything: a stray cell can stand a million empty rows below the others."""
    for number, values in enumerate(_sheet(workbook, title).iter_rows(values_only=True), 1):
        cells = [None if value is None else _cell(value) for value in values]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield WorkbookRow(number, tuple(cells))


def _sheet(workbook: Workbook, title: str) -> Any:
    sheet: Any = workbook[title]
    # Programs write wrong sizes into the file; those who trust them lose rows.
    sheet.reset_dimensions()
    return sheet


def _cell(value: Any) -> WorkbookCell:
    if isinstance(value, str):
        if value in _ERRORS or value == NOT_CALCULATED:
            # The latter stands in a result workbook.
            return CellError(value)
        text = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), value)
        return text if text.strip() else None
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, (bool, int, float, datetime, date, time)):
        return value
    return str(value)


def _formulas_without_value(contents: bytes, values: Workbook, title: str) -> dict[int, set[int]]:
    """Row number → columns from 0 of formulas without a stored value: read by value alone, they look like empty cells.

    A formula may have been worked out to an empty text. Then the cell says of what type it is.
    """
    with zipfile.ZipFile(BytesIO(contents)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        if not any(_FORMULA.search(archive.read(name)) for name in sheets):
            return {}
    missing: dict[int, set[int]] = {}
    workbook = _open(contents, with_values=False)
    try:
        pairs = zip(_sheet(values, title).iter_rows(), _sheet(workbook, title).iter_rows(values_only=True), strict=False)
        for number, (cells, formulas) in enumerate(pairs, 1):
            found = {
                index
                for index, (cell, formula) in enumerate(zip(cells, formulas, strict=False))
                if formula is not None and cell.value is None and cell.data_type != "str"
            }
            if found:
                missing[number] = found
    finally:
        workbook.close()
    return missing


def _filled(rows: list[WorkbookRow], missing: dict[int, set[int]]) -> Iterator[WorkbookRow]:
    """These rows, and those of nothing but formulas without a value; such formulas marked as what they are."""
    by_number = {row.number: row for row in rows}
    for number in sorted(by_number.keys() | missing.keys()):
        row, columns = by_number.get(number, WorkbookRow(number, ())), missing.get(number, set())
        width = max(len(row.cells), *(index + 1 for index in columns)) if columns else 0
        marked = (CellError(NOT_CALCULATED) if index in columns else row.cell(index) for index in range(width))
        yield WorkbookRow(number, tuple(marked)) if columns else row
