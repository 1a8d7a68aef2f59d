"""Cells of existing rows, written by `updateCells` in one batch: the requests, and how the answer shows the rows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.exceptions import WriteRefusedError
from amo2gsheet.model import Header, RowWrite, Tab, WriteAnswer
from amo2gsheet.sheet import answers, grid
from amo2gsheet.sheet.a1 import Area
from amo2gsheet.sheet.layout import overwritten_cells


@dataclass(frozen=True, slots=True)
class Overwriting:
    """Single cells of many rows of a tab."""

    tab: Tab
    header: Header
    writes: Sequence[RowWrite]

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests, which name no other cell than those to be written.

        Raises:
            WriteRefusedError: a cell is to hold what no cell can.
        """
        try:
            return [
                request
                for write in self.writes
                for request in overwritten_cells(self.tab.sheet_id, write.row_number, write.cells)
            ]
        except ValueError as error:
            raise WriteRefusedError(f"A cell is to hold what no cell can hold: {error}.") from error

    @property
    def shown(self) -> list[str]:
        """The ranges that the answer is to show: the header row, and each row from its ID to its last written cell."""
        return [area.named(self.tab.title) for area in (grid.header_area(self.header), *self._areas)]

    def answer(self, answer: Any) -> WriteAnswer:
        """Read the answer; BadAnswerError where it has not the shape of one."""
        return answers.overwritten(answer, self.tab.sheet_id, self.header, self._areas)

    @property
    def _areas(self) -> list[Area]:
        id_index = grid.id_column(self.header)
        return [row_area(write, id_index) for write in self.writes]


def row_area(write: RowWrite, id_index: int) -> Area:
    """The cells of a row that tell what became of a write: its ID, the written ones and those to be shown."""
    indexes = [id_index, *write.cells, *write.shown]
    return Area(write.row_number - 1, min(indexes), write.row_number, max(indexes) + 1)
