"""Workbooks as people have them: each oddity as a file that is really written, by openpyxl, by another program, by hand."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from openpyxl import Workbook
from openpyxl.styles import Font

from amo2gsheet.exceptions import ExitCode, SheetError
from amo2gsheet.model_import import CellError, SourceTable, WorkbookCell
from amo2gsheet.xlsx import NOT_CALCULATED, read_workbook
from tests.import_world import at


def saved(tmp_path: Path, fill: Callable[[Any], object], name: str = "book.xlsx") -> Path:
    """A workbook whose first sheet somebody filled."""
    workbook = Workbook()
    fill(workbook.active)
    path = tmp_path / name
    workbook.save(path)
    return path


def lines(table: SourceTable) -> dict[int, tuple[WorkbookCell, ...]]:
    """Row number → cells."""
    return {row.number: row.cells for row in table.rows}


def rewritten(path: Path, member: str, change: Callable[[str], str]) -> Path:
    """The same workbook with one of its files changed by hand."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files[member] = change(files[member].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
    return path


def test_values_come_with_their_types_and_rows_with_their_numbers(tmp_path: Path) -> None:
    values: list[WorkbookCell] = ["text", 1, 1.5, True, at(2026, 3, 1, 14, 30), date(2026, 3, 1), time(9, 5)]

    table = read_workbook(saved(tmp_path, lambda sheet: sheet.append(values)))

    assert {1: (*values[:5], at(2026, 3, 1), time(9, 5))} == lines(table)


def test_blank_rows_are_left_out_and_blank_columns_stay_in_place(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet["B2"], sheet["D2"], sheet["B5"], sheet["C5"] = "Ф.И.О.", "Адрес", "Анна", "   "

    assert {2: (None, "Ф.И.О.", None, "Адрес"), 5: (None, "Анна")} == lines(read_workbook(saved(tmp_path, fill)))


def test_numbers_as_text_and_text_as_numbers_are_told_apart(tmp_path: Path) -> None:
    table = read_workbook(saved(tmp_path, lambda sheet: sheet.append(["007", 7, "998901112233.0", 998901112233.0])))

    assert {1: ("007", 7, "998901112233.0", 998901112233)} == lines(table)


def test_hidden_rows_and_merged_cells_are_read_like_others(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        for text in ("Анна", "Борис", "Вера"):
            sheet.append([text, "Ташкент"])
        sheet.row_dimensions[2].hidden = True
        sheet.column_dimensions["B"].hidden = True
        sheet.merge_cells("B2:B3")

    assert {1: ("Анна", "Ташкент"), 2: ("Борис", "Ташкент"), 3: ("Вера",)} == lines(read_workbook(saved(tmp_path, fill)))


@pytest.mark.parametrize("size", ["A1", "A1:B1", ""])
def test_a_wrong_size_in_the_file_loses_no_row(tmp_path: Path, size: str) -> None:
    path = saved(tmp_path, lambda sheet: [sheet.append([number, "x", "y"]) for number in range(5)])
    rewritten(
        path,
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub('<dimension ref="[^"]*"', f'<dimension ref="{size}"' if size else "<x", xml),
    )

    assert {number + 1: (number, "x", "y") for number in range(5)} == lines(read_workbook(path))


def test_a_formula_gives_the_value_that_was_stored_with_it(tmp_path: Path) -> None:
    path = saved(tmp_path, lambda sheet: sheet.append(["Анна", "=1000*2", "=A1"]))
    stored = {"1000*2": "<v>2000</v>", "A1": "<v>Анна</v>"}
    for formula, value in stored.items():
        kind = ' t="str"' if "А" in value else ""
        rewritten(
            path,
            "xl/worksheets/sheet1.xml",
            lambda xml, formula=formula, value=value, kind=kind: re.sub(  # type: ignore[misc]
                rf'(<c r="\w+")([^>]*)><f>{re.escape(formula)}</f><v ?/?>(?:</v>)?', rf"\1{kind}><f>{formula}</f>{value}", xml
            ),
        )

    assert {1: ("Анна", 2000, "Анна")} == lines(read_workbook(path))


def test_a_formula_that_nobody_has_worked_out_is_no_empty_cell(tmp_path: Path) -> None:
    path = saved(tmp_path, lambda sheet: [sheet.append(["Анна", "=1+1", None]), sheet.append([None, None, "=2+2"])])

    expected = {1: ("Анна", CellError(NOT_CALCULATED)), 2: (None, None, CellError(NOT_CALCULATED))}
    assert expected == lines(read_workbook(path))


@pytest.mark.parametrize("stored", ["<v></v>", "<v/>", "", "<v>  </v>"])
def test_a_formula_that_gives_an_empty_text_is_an_empty_cell(tmp_path: Path, stored: str) -> None:
    path = saved(
        tmp_path, lambda sheet: [sheet.append(["Анна", '=IF(A1="","",B2)', 7]), sheet.append([None, '=IF(A2="","",B2)'])]
    )
    rewritten(
        path,
        "xl/worksheets/sheet1.xml",
        lambda xml: re.sub(r'(<c r="\w+")[^>]*>(<f>.*?</f>)<v ?/?>(?:</v>)?', rf'\1 t="str">\2{stored}', xml),
    )

    assert {1: ("Анна", None, 7)} == lines(read_workbook(path))


def test_an_error_in_a_cell_is_no_text(tmp_path: Path) -> None:
    assert {1: (CellError("#N/A"), "#нет")} == lines(read_workbook(saved(tmp_path, lambda sheet: sheet.append(["#N/A", "#нет"]))))


def test_a_text_that_begins_like_a_formula_stays_a_text(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet["A1"] = "=1+1"
        sheet["A1"].data_type = "s"

    assert {1: ("=1+1",)} == lines(read_workbook(saved(tmp_path, fill)))


def test_line_ends_of_windows_come_as_what_they_are(tmp_path: Path) -> None:
    path = saved(tmp_path, lambda sheet: sheet.append(["ул. Мира_x000D_\nдом 1"]))

    assert {1: ("ул. Мира\r\nдом 1",)} == lines(read_workbook(path))


def test_rich_text_comes_as_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "rich.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet, bold = workbook.add_worksheet(), workbook.add_format({"bold": True})
        sheet.write_rich_string(0, 0, "Анна ", bold, "Ким")

    assert {1: ("Анна Ким",)} == lines(read_workbook(path))


def test_dates_of_the_other_calendar_of_excel_are_the_same_days(tmp_path: Path) -> None:
    """Old Excel for Mac counts days from 1904."""
    path = tmp_path / "mac.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_datetime(0, 0, at(2026, 3, 1), workbook.add_format({"num_format": "dd.mm.yyyy"}))

    assert {1: (at(2026, 3, 1),)} == lines(read_workbook(path))


@pytest.mark.parametrize("options", [{}, {"in_memory": True, "use_zip64": True}, {"constant_memory": True}])
def test_a_workbook_of_another_program_reads_the_same(tmp_path: Path, options: dict[str, bool]) -> None:
    """With `constant_memory` XlsxWriter writes texts into the cells themselves, as many exports do."""
    path = tmp_path / "other.xlsx"
    with xlsxwriter.Workbook(path, options) as workbook:
        sheet = workbook.add_worksheet("Заказы")
        day, money = workbook.add_format({"num_format": "yyyy-mm-dd"}), workbook.add_format({"num_format": '# ##0 "сум"'})
        sheet.write_row(0, 0, ["Ф.И.О.", "Сумма", "Дата", "Итого", "Есть"])
        sheet.write_string(2, 0, "Анна")
        sheet.write_number(2, 1, 1_200_000, money)
        sheet.write_datetime(2, 2, at(2026, 3, 1), day)
        sheet.write_formula(2, 3, "=B3*2", money, 2_400_000)
        sheet.write_boolean(2, 4, True)

    table = read_workbook(path)

    expected = {1: ("Ф.И.О.", "Сумма", "Дата", "Итого", "Есть"), 3: ("Анна", 1_200_000, at(2026, 3, 1), 2_400_000, True)}
    assert ("Заказы", expected) == (table.title, lines(table))


def test_looks_of_cells_mean_nothing(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.append(["Анна"])
        sheet["A1"].font = Font(strike=True)
        sheet["C9"].font = Font(bold=True)

    assert {1: ("Анна",)} == lines(read_workbook(saved(tmp_path, fill)))


# --- sheets ---


def many_sheets(tmp_path: Path) -> Path:
    workbook = Workbook()
    first: Any = workbook.active
    first.title, first.sheet_state = "Справка", "hidden"
    for title in ("Март", "Апрель "):
        workbook.create_sheet(title).append([title])
    path = tmp_path / "sheets.xlsx"
    workbook.active = 1
    workbook.save(path)
    return path


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, "Март"), ("Апрель ", "Апрель "), ("апрель", "Апрель "), ("Справка", "Справка")]
)
def test_the_first_sheet_that_shows_or_the_one_asked_for(tmp_path: Path, asked: str | None, expected: str) -> None:
    assert expected == read_workbook(many_sheets(tmp_path), asked).title


def test_a_sheet_that_is_not_there_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(SheetError) as caught:
        read_workbook(many_sheets(tmp_path), "Май")

    assert ('has no sheet "Май"' in caught.value.message, "Справка, Март, Апрель" in caught.value.hint) == (True, True)


# --- refusals ---


def test_a_workbook_with_macros_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path, lambda sheet: sheet.append(["Анна"]), "book.xlsm")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    rewritten(path, "[Content_Types].xml", lambda xml: xml.replace(kind, "application/vnd.ms-excel.sheet.macroEnabled.main+xml"))

    assert {1: ("Анна",)} == lines(read_workbook(path))


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old Excel file (.xls) or has a password"),
        ("Ф.И.О.;Телефон\nАнна;1\n".encode(), "is a CSV or another text file"),
        ("Ф.И.О.\tТелефон\n".encode("cp1251"), "is a CSV or another text file"),
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is no Excel workbook"),
        (b"PK\x03\x04 torn", "is damaged"),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(tmp_path: Path, contents: bytes, words: str) -> None:
    path = tmp_path / "file.xlsx"
    path.write_bytes(contents)

    with pytest.raises(SheetError) as caught:
        read_workbook(path)

    assert words in caught.value.message
    assert caught.value.exit_code is ExitCode.UNUSABLE_SHEET
    assert "save it as" in caught.value.hint


@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_a_workbook_torn_inside_is_refused_in_words(tmp_path: Path, member: str) -> None:
    path = rewritten(saved(tmp_path, lambda sheet: sheet.append(["Анна"])), member, lambda xml: xml[: len(xml) // 2])

    with pytest.raises(SheetError, match="is damaged"):
        read_workbook(path)


def test_a_binary_workbook_is_refused_in_words(tmp_path: Path) -> None:
    path = saved(tmp_path, lambda sheet: sheet.append(["Анна"]))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    rewritten(
        path, "[Content_Types].xml", lambda xml: xml.replace(kind, "application/vnd.ms-excel.sheet.binary.macroEnabled.main")
    )

    with pytest.raises(SheetError, match="is damaged, or no Excel workbook"):
        read_workbook(path)


@pytest.mark.parametrize(("place", "flag"), [((6, 8), 1), ((8, 10), 9)])
def test_a_workbook_packed_in_a_way_of_its_own_is_refused_in_words(tmp_path: Path, place: tuple[int, int], flag: int) -> None:
    """Encrypted part by part, or packed with Deflate64."""
    path = saved(tmp_path, lambda sheet: sheet.append(["Анна"]))
    contents = bytearray(path.read_bytes())
    for mark, offset in zip((b"PK\3\4", b"PK\1\2"), place, strict=True):
        for found in re.finditer(re.escape(mark), contents):
            contents[found.start() + offset] = flag
    path.write_bytes(contents)

    with pytest.raises(SheetError, match="is damaged, or no Excel workbook"):
        read_workbook(path)


def test_another_archive_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "texts.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")

    with pytest.raises(SheetError, match="is damaged, or no Excel workbook"):
        read_workbook(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="There is no file"):
        read_workbook(tmp_path / "none.xlsx")
    with pytest.raises(SheetError, match="cannot be read"):
        read_workbook(tmp_path)
