"""New rows to be inserted in one batch: the requests, and how the answer shows them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.exceptions import WriteRefusedError
from amo2gsheet.model import Dropdown, Header, NewRow, Tab, WriteAnswer
from amo2gsheet.sheet import answers, grid
from amo2gsheet.sheet.a1 import Area
from amo2gsheet.sheet.layout import inserted_rows


@dataclass(frozen=True, slots=True)
class Insertion:
    """Rows that go below row `below_row` of a tab."""

    tab: Tab
    header: Header
    rows: Sequence[NewRow]
    below_row: int
    status_index: int

    def requests(self, dropdown: Dropdown | None) -> list[dict[str, Any]]:
        """Return the requests that insert and fill the rows.

        Raises:
            WriteRefusedError: a cell is to hold what no cell can.
        """
        # Right below the header they would take its look for theirs.
        looks_like_above = self.below_row > self.header.row_number
        try:
            return inserted_rows(
                self.tab.sheet_id,
                self.rows,
                self.below_row,
                looks_like_above=looks_like_above,
                dropdown=dropdown,
                status_index=self.status_index,
            )
        except ValueError as error:
            raise WriteRefusedError(f"A new row holds what no cell can hold: {error}.") from error

    @property
    def shown(self) -> list[str]:
        """The ranges that the answer is to show: the header row and the new rows."""
        return [grid.header_area(self.header).named(self.tab.title), self._filled.named(self.tab.title)]

    def answer(self, answer: Any) -> WriteAnswer:
        """Read the answer; BadAnswerError where it has not the shape of one."""
        return answers.inserted(answer, self.tab.sheet_id, self.header, self._filled, self._indexes)

    @property
    def _indexes(self) -> list[int]:
        return sorted({index for row in self.rows for index in row.cells})

    @property
    def _filled(self) -> Area:
        return Area(self.below_row, 0, self.below_row + len(self.rows), self._indexes[-1] + 1)
