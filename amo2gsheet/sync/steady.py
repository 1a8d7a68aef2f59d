"""Rows read together with the header above them, so that no cell is taken for one of another column. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import UnavailableError
from amo2gsheet.model import CellValue, Row
from amo2gsheet.names import normal_header

if TYPE_CHECKING:
    from amo2gsheet.sync.place import Place
    from amo2gsheet.sync.run import Run


def rows_under(run: Run, place: Place, row_numbers: Iterable[int], width: int = 0) -> list[Row] | None:
    """Read whole rows; None where the header is another one by now: whoever looked has to look again.

    Between a look and a reading people may move columns. `width` reads beyond the last header.
    """
    header = place.header
    numbers = sorted({header.row_number, *row_numbers})
    rows = run.sheet.read_rows(place.title, header, numbers, range(max(width, len(header.texts))))
    shown = next((row for row in rows if row.number == header.row_number), None)
    if shown is None or any(_text(shown.cells.get(index)) != normal_header(text) for index, text in enumerate(header.texts)):
        return None
    return [row for row in rows if row.number != header.row_number]


def _text(cell: CellValue) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else normal_header(str(cell))


def unsteady(title: str) -> UnavailableError:
    """What is raised when the header was another one at each look."""
    return UnavailableError(
        f'The columns of the tab "{title}" were at another place each time they were looked at.',
        "Somebody is moving columns; the next run looks again.",
    )
