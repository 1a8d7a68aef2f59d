"""The result workbook: whole or not at all, and read again as it was written."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet import xlsx_result
from amo2gsheet.exceptions import SheetError
from amo2gsheet.model_import import CellError, Recalled, SentBefore, SourceTable, WorkbookCell, WorkbookRow
from amo2gsheet.xlsx import read_memory, read_workbook
from amo2gsheet.xlsx_result import ResultColumns, import_name, result_path, write_result
from tests.import_world import at

COLUMNS = ResultColumns(3, 2, "ID", 3, "Результат")
MEMORY = Recalled("orders", {"адрес": "field:7"}, (SentBefore("a-0", 4711, 100, "p"), SentBefore("b-0", 0, 200)), 300)


def table(*rows: tuple[WorkbookCell, ...]) -> SourceTable:
    """A title in row 1, the header in row 3, and rows from 5 on."""
    lines = [WorkbookRow(1, ("Заказы",)), WorkbookRow(3, ("Ф.И.О.", "Адрес"))]
    return SourceTable("Март", (*lines, *(WorkbookRow(number, cells) for number, cells in enumerate(rows, 5))))


def written(path: Path, source: SourceTable, results: dict[int, tuple[int, str]]) -> dict[int, tuple[WorkbookCell, ...]]:
    write_result(path, source, COLUMNS, results, MEMORY)
    again = read_workbook(path)
    assert source.title == again.title
    return {row.number: row.cells for row in again.rows}


def test_rows_keep_their_numbers_and_get_lead_and_reason(tmp_path: Path) -> None:
    found = written(tmp_path / "r.xlsx", table(("Анна", "Ташкент"), ("Борис",)), {5: (4711, "sent"), 6: (0, "is no number")})

    expected = {
        1: ("Заказы",),
        3: ("Ф.И.О.", "Адрес", "ID", "Результат"),
        5: ("Анна", "Ташкент", 4711, "sent"),
        6: ("Борис", None, None, "is no number"),
    }
    assert expected == found


def test_a_stray_cell_far_below_costs_no_time_and_keeps_its_place(tmp_path: Path) -> None:
    source = table(("Анна", "Ташкент"), ("=Борис",), *[("Вера", at(2026, 3, 1))] * 3)
    source = replace(source, rows=(*source.rows, WorkbookRow(1_048_576, (None, None, None, None, "x"))))
    started = time.process_time()

    found = written(tmp_path / "r.xlsx", source, {5: (4711, "sent"), 6: (0, "is no number")})

    assert time.process_time() - started < 5
    assert ("Анна", "Ташкент", 4711, "sent") == found[5]
    assert ("=Борис", None, None, "is no number") == found[6]
    assert ("Вера", at(2026, 3, 1)) == found[9]
    assert ([1, 3, 5, 6, 7, 8, 9, 1_048_576], (None, None, None, None, "x")) == (list(found), found[1_048_576])


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+998 00",
        "007",
        7,
        1.5,
        0.3,
        998901112233,
        True,
        at(2026, 3, 1),
        at(2026, 3, 1, 14, 30),
        time_of_day(9, 5),
        "ул.\nдом",
    ],
)
def test_a_value_comes_back_as_it_was(tmp_path: Path, value: WorkbookCell) -> None:
    assert value == written(tmp_path / "r.xlsx", table((value,)), {})[5][0]


@pytest.mark.parametrize(("value", "expected"), [(CellError("#N/A"), CellError("#N/A")), ("\x07звонок", "звонок")])
def test_what_excel_refuses_is_written_all_the_same(tmp_path: Path, value: WorkbookCell, expected: WorkbookCell) -> None:
    assert expected == written(tmp_path / "r.xlsx", table((value,)), {})[5][0]


def test_what_it_remembers_comes_back_and_shows_nowhere(tmp_path: Path) -> None:
    rows = tuple(SentBefore(f"{number}-0", number, 1, "p") for number in range(1, 1001))
    others = (Recalled("other", {"адрес": "field:7"}, rows, 400), Recalled("third", {}, (), 500))
    many = Recalled("orders", {}, rows, 300, others)
    write_result(tmp_path / "r.xlsx", table(), COLUMNS, {}, many)

    assert many == read_memory(tmp_path / "r.xlsx") == read_workbook(tmp_path / "r.xlsx").recalled
    assert "Март" == read_workbook(tmp_path / "r.xlsx").title


def test_a_write_that_fails_leaves_the_result_before_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.xlsx"
    written(path, table(("Анна",)), {})
    before = path.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xlsx_result, "_save", fail)
    with pytest.raises(SheetError, match="No space left"):
        write_result(path, table(("Борис",)), COLUMNS, {}, MEMORY)

    assert ([path], before) == (list(tmp_path.iterdir()), path.read_bytes())


@pytest.mark.parametrize(
    ("name", "result", "tag"),
    [
        ("orders.xlsx", "orders.result.xlsx", "orders"),
        ("Заказы 03.2026.xlsm", "Заказы 03.2026.result.xlsx", "Заказы 03.2026"),
        ("orders.result.xlsx", "orders.result.xlsx", "orders"),
    ],
)
def test_names_follow_the_workbook(name: str, result: str, tag: str) -> None:
    assert (result, tag) == (result_path(Path(name)).name, import_name(Path(name)))
