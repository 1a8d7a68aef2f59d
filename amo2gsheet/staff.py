"""The Staff tab: which employee stands behind which code. Knows cells, not sheets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from amo2gsheet.model import CellValue
from amo2gsheet.names import exact, normal_header
from amo2gsheet.values import text_cell

STAFF_CODE = "Код сотрудника"
"""The header of the codes in the Staff tab, and the name of the lead field that holds one."""

_CODE_HEADERS = tuple(map(normal_header, (STAFF_CODE, "код", "kod", "code")))
_NAME_HEADERS = tuple(map(normal_header, ("Сотрудник", "Имя", "Ф.И.О.", "ФИО", "name")))
_HEADER_ROWS = 10

_WHOLE = re.compile(r"0*(\d+)(?:[.,]0*)?")


def staff_code(value: CellValue) -> str:
    """A staff code as codes are compared: no blanks, no leading zeros, no `.0`; "" when the value is no code."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "".join(exact(str(value)).split()).removeprefix("'").casefold()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def staff_from_table(rows: Sequence[Sequence[CellValue]]) -> dict[str, str]:
    """Read the Staff tab.

    Columns are found by header within the first ten rows. Without a header for the codes the first two columns are taken; without
    one for the names, the column right of the codes. Rows without code or name are skipped, of two rows with one code the later
    counts.

    Returns:
        Staff code as compared → name.
    """
    first_row, code_index, name_index = _table(rows)
    staff: dict[str, str] = {}
    for row in rows[first_row:]:
        if len(row) <= max(code_index, name_index):
            continue
        code, name = staff_code(row[code_index]), (text_cell(row[name_index]) or "").strip()
        if code and name:
            staff[code] = name
    return staff


def _table(rows: Sequence[Sequence[CellValue]]) -> tuple[int, int, int]:
    """Index of the first row below the header, of the code column, of the name column."""
    for row_index, row in enumerate(rows[:_HEADER_ROWS]):
        headers = {normal_header(text): index for index, text in reversed(list(enumerate(row))) if isinstance(text, str)}
        code_index = _first(_CODE_HEADERS, headers)
        if code_index is not None:
            name_index = _first(_NAME_HEADERS, headers)
            return row_index + 1, code_index, code_index + 1 if name_index is None else name_index
    return 0, 0, 1


def _first(wanted: tuple[str, ...], headers: Mapping[str, int]) -> int | None:
    return next((headers[text] for text in wanted if text in headers), None)
