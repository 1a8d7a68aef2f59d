"""A shop with a workbook in its folder, and imports of it. Rows are given as header → cell."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from amo2gsheet.commands_import import ImportOptions, ImportOutcome, run_import
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.model_import import WorkbookCell
from amo2gsheet.sandbox.amo_entities import Lead
from tests.world import World

NAME, PHONE, PRICE = "Ф.И.О.", "Контактный номер", "Бюджет сделки"
BOOK = "orders.xlsx"

Cells = Mapping[str, WorkbookCell]


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0) -> datetime:
    """A moment as Excel knows it: without a zone."""
    return datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001


def row(number: int = 1, **more: Any) -> dict[str, WorkbookCell]:
    """A good row; each number is another person."""
    return {NAME: f"Клиент {number}", PHONE: f"+998 00 000-00-{number:02}", PRICE: 1000 * number, **more}


def save_book(path: Path, rows: Sequence[Cells], top: Sequence[Sequence[WorkbookCell]] = ()) -> Path:
    """Write rows below a header of all their columns; `top` are lines above the header."""
    workbook = Workbook()
    sheet: Any = workbook.active
    headers = list(dict.fromkeys(header for cells in rows for header in cells))
    for line in (*top, *([headers] if headers else []), *([cells.get(header) for header in headers] for cells in rows)):
        sheet.append(line)
    workbook.save(path)
    return path


def retitled(path: Path, title: str) -> None:
    """Give the first sheet of a workbook a title that openpyxl would refuse."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    named = members["xl/workbook.xml"].replace(b'name="Sheet"', f'name="{title}"'.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, contents in (members | {"xl/workbook.xml": named}).items():
            archive.writestr(name, contents)


class ImportWorld(World):
    """The shop, and what a person does with a workbook in it."""

    @property
    def book(self) -> Path:
        """The workbook."""
        return self.folder / BOOK

    def write(self, *rows: Cells, top: Sequence[Sequence[WorkbookCell]] = ()) -> Path:
        """Save the workbook with these rows."""
        return save_book(self.book, rows, top)

    def run(self, path: Path | None = None, **options: Any) -> ImportOutcome:
        """Run `import-xlsx`, a minute after whatever came before."""
        self.clock.advance(self.pause_seconds)
        return run_import(self.settings, ImportOptions(path or self.book, **options), self.outside)

    def exit_code(self, **options: Any) -> ExitCode:
        """The exit code of an import, raised or reported."""
        try:
            return self.run(**options).exit_code
        except AmoGsheetError as error:
            return error.exit_code

    def leads(self) -> list[Lead]:
        """Every lead of the account, in the order of their making."""
        return sorted(self.account.leads.current.values(), key=lambda lead: lead.id)

    def names(self) -> list[str]:
        """Their names, sorted."""
        return sorted(lead.name for lead in self.leads())

    def posts(self) -> int:
        """How many POST requests amoCRM got."""
        return sum(exchange.request.method == "POST" for exchange in self.amo_wire.log)
