"""`values` of the API: reading ranges and writing them. Works on a book, knows no HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import Area, letters, range_text
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import VALIDATION, Formula, Value, as_number, plain
from amo2gsheet.sandbox.sheets_entry import enter
from amo2gsheet.sandbox.sheets_errors import ApiError, bad_field, beyond_grid, invalid
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_render import Formats, is_date, shown

JSON = dict[str, Any]
_CHOICES = {
    "majorDimension": ("Dimension", ("ROWS", "COLUMNS")),
    "valueRenderOption": ("ValueRenderOption", ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")),
    "dateTimeRenderOption": ("DateTimeRenderOption", ("SERIAL_NUMBER", "FORMATTED_STRING")),
    "valueInputOption": ("ValueInputOption", ("RAW", "USER_ENTERED")),
    "insertDataOption": ("InsertDataOption", ("OVERWRITE", "INSERT_ROWS")),
}


def choice(name: str, value: Any, default: str | None = None) -> str:
    """Return an option's value, checked.

    Raises:
        ApiError: it is none of Google's, or absent where it must be given.
    """
    kind, allowed = _CHOICES[name]
    if value in (None, "") or (isinstance(value, str) and value.endswith("_UNSPECIFIED")):
        if default is None:
            raise invalid(f"'{name}' is required but not specified")
        return default
    if value not in allowed:
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        text = f"Invalid value at '{snake}' (type.googleapis.com/google.apps.sheets.v4.{kind}), \"{value}\""
        raise bad_field(snake, text)
    return str(value)


@dataclass(frozen=True, slots=True)
class Reading:
    """How values are to be shown."""

    major: str = "ROWS"
    render: str = "FORMATTED_VALUE"
    dates: str = "SERIAL_NUMBER"

    @classmethod
    def of(cls, options: Mapping[str, Any], prefix: str = "") -> Reading:
        """Read the options of a request; those about a write's answer begin with `response`."""

        def get(name: str, default: str) -> str:
            sent = options.get(prefix + name[0].upper() + name[1:] if prefix else name)
            return choice(name, sent, default)

        major = "ROWS" if prefix else get("majorDimension", "ROWS")
        return cls(major, get("valueRenderOption", "FORMATTED_VALUE"), get("dateTimeRenderOption", "SERIAL_NUMBER"))


def read_range(book: Book, text: str, reading: Reading, knobs: SheetsKnobs) -> JSON:
    """Return the ValueRange of a range's text."""
    tab, area = book.resolve(text)
    return value_range(book, tab, book.clip(tab, area), reading, knobs)


def value_range(book: Book, tab: Tab, area: Area, reading: Reading, knobs: SheetsKnobs) -> JSON:
    """Return the ValueRange of a clipped area: blanks at the end of rows, and blank rows at the end, are left out."""
    formats = Formats(tab)
    show = _shower(book, reading, knobs)
    rows = tab.rows[area.top : area.bottom]
    while rows and len(rows[-1].values) <= area.left:
        rows.pop()
    lines = [
        [show(value, formats, index, column) for column, value in enumerate(row.values[area.left : area.right], area.left)]
        for index, row in enumerate(rows, area.top)
    ]
    if reading.major == "COLUMNS":
        width = max(map(len, lines), default=0)
        lines = [[line[column] if column < len(line) else None for line in lines] for column in range(width)]
    for line in lines:
        while line and line[-1] is None:
            line.pop()
    while lines and not lines[-1]:
        lines.pop()
    answer: JSON = {"range": range_text(tab.title, area), "majorDimension": reading.major}
    if lines:
        answer["values"] = [["" if value is None else value for value in line] for line in lines]
    return answer


def _shower(book: Book, reading: Reading, knobs: SheetsKnobs) -> Any:
    """Return the function that shows one value; None stands for nothing to show."""

    def show(value: Value, formats: Formats, row: int, column: int) -> Any:
        if value is None or (isinstance(value, str) and value):
            return value
        if isinstance(value, Formula):
            if reading.render == "FORMULA":
                return value.text
            value = plain(value)
            if value in (None, ""):
                return None if knobs.are_blank_formulas_trimmed else ""
        if isinstance(value, str):
            return value
        if reading.render == "FORMATTED_VALUE":
            return shown(value, formats.of(row, column), book.locale)
        if reading.dates == "FORMATTED_STRING" and not isinstance(value, bool):
            number_format = formats.of(row, column)
            if number_format and is_date(number_format):
                return shown(value, number_format, book.locale)
        return value

    return show


@dataclass(slots=True)
class Written:
    """What one ValueRange wrote."""

    tab: Tab
    requested: Area
    rectangle: Area
    cells: list[tuple[int, int]] = field(default_factory=list)

    def answer(self, book: Book) -> JSON:
        """Return the UpdateValuesResponse, without the values."""
        counts = {
            "updatedRows": len({row for row, _ in self.cells}),
            "updatedColumns": len({column for _, column in self.cells}),
            "updatedCells": len(self.cells),
        }
        answer: JSON = {
            "spreadsheetId": book.spreadsheet_id,
            "updatedRange": range_text(self.tab.title, self.rectangle),
        }
        return answer | {name: number for name, number in counts.items() if number}

    def shown(self, book: Book, reading: Reading, knobs: SheetsKnobs) -> JSON:
        """Return `updatedData`: all values of the range that was asked for, or only from first to last written cell."""
        area = self.requested
        if knobs.values_in_response == "written":
            rows, columns = zip(*self.cells, strict=True) if self.cells else ((area.top,), (area.left,))
            area = Area(min(rows), max(rows) + 1, min(columns), max(columns) + 1)
        return value_range(book, self.tab, area, reading, knobs)


def write_range(
    book: Book, target: tuple[Tab, Area], value_range: JSON, option: str, knobs: SheetsKnobs, where: str = "data"
) -> Written:
    """Put a ValueRange into a range; null leaves a cell alone, `""` clears it.

    A single cell is an anchor and the values may reach as far as the grid; any other range holds them in.

    Raises:
        ApiError: the values do not fit, are no values, or a cell is protected.
    """
    tab, asked = target
    area = book.clip(tab, asked)
    lines = lines_of(value_range, where)
    height, width = len(lines), max(map(len, lines), default=0)
    rectangle = Area(area.top, area.top + height, area.left, area.left + width) if width else area
    if asked.is_cell:
        area = rectangle
        if rectangle.clipped(*tab.size) != rectangle:
            raise beyond_grid(range_text(tab.title, rectangle), *tab.size)
    elif rectangle.clipped(area.bottom or 0, area.right or 0) != rectangle:
        raise _outside(tab, area, rectangle)
    written = Written(tab, area, rectangle)
    put(book, written, lines, option, knobs)
    return written


def put(book: Book, written: Written, lines: Sequence[Sequence[Any]], option: str, knobs: SheetsKnobs) -> None:
    """Write lines of JSON values from the rectangle's first cell on."""
    tab, start = written.tab, written.rectangle
    for row, line in enumerate(lines, start.top):
        changes: dict[int, Value] = {}
        for column, value in enumerate(line, start.left):
            if value is None:
                if knobs.is_null_a_touch:
                    tab.refuse_protected(Area(row, row + 1, column, column + 1))
                continue
            if option == "USER_ENTERED" and isinstance(value, str):
                changes[column], look = enter(book, tab, row, column, value)
                if look:
                    tab.paint(Area(row, row + 1, column, column + 1), look)
            else:
                changes[column] = stored(value)
            if knobs.is_strict_validation_kept:
                _refuse_unlisted(tab, row, column, changes[column])
            written.cells.append((row, column))
        tab.write(row, changes)


def stored(value: Any) -> Value:
    """Return a JSON value as a cell keeps it under RAW: text stays text whatever it looks like."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return as_number(value)
    return str(value) or None


def lines_of(value_range: JSON, where: str) -> list[list[Any]]:
    """Return the rows of a ValueRange, turned if it was sent by columns, and checked to hold nothing but values."""
    values = value_range.get("values") or []
    if not isinstance(values, list):
        raise _no_list(f"{where}.values", values)
    for index, line in enumerate(values):
        if not isinstance(line, list):
            raise _no_list(f"{where}.values" if where == "data" else f"{where}.values[{index}]", line)
        for place, value in enumerate(line):
            if isinstance(value, (list, dict)):
                kind = "list_value" if isinstance(value, list) else "struct_value"
                text = json.dumps(value, ensure_ascii=False)
                raise invalid(f"Invalid values[{index}][{place}]: {kind} {{{text}}}")
    if choice("majorDimension", value_range.get("majorDimension"), "ROWS") == "COLUMNS":
        height = max(map(len, values), default=0)
        return [[line[row] if row < len(line) else None for line in values] for row in range(height)]
    return values


def _no_list(path: str, value: Any) -> ApiError:
    text = f"Invalid value at '{path}' (type.googleapis.com/google.protobuf.ListValue), {json.dumps(value)}"
    return bad_field(path, text)


def _outside(tab: Tab, area: Area, rectangle: Area) -> ApiError:
    within = f"Requested writing within range [{range_text(tab.title, area)}], but tried writing to"
    if (rectangle.bottom or 0) > (area.bottom or 0):
        return invalid(f"{within} row [{(area.bottom or 0) + 1}]")
    return invalid(f"{within} column [{letters(area.right or 0)}]")


def _refuse_unlisted(tab: Tab, row: int, column: int, value: Value) -> None:
    rule = tab.look(row, column, VALIDATION)
    if rule and rule.get("strict") and rule.get("condition", {}).get("type") == "ONE_OF_LIST" and value is not None:
        listed = [item.get("userEnteredValue") for item in rule["condition"].get("values", [])]
        if str(plain(value)) not in listed:
            raise invalid(
                f"The data you entered in cell {letters(column)}{row + 1} violates the data validation rules set on this cell."
            )
