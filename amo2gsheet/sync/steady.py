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

WHOLE_TABLE_ROWS = 1000
"""Up to so many rows a look before or after a write reads all of them; above, the rows concerned and their neighbours."""

NEIGHBOUR_REACH = 3
"""So many rows up and down are neighbours: a person's insert or delete shifts a write that far."""


def rows_around(place: Place, row_numbers: Iterable[int]) -> set[int]:
    """What is to be read with these rows, so that a value which strays from them is found: all of a small table, else neighbours.

    Rows outside of the table are left out.
    """
    first, last = place.header.row_number + 1, place.presence.last_row
    if last - first < WHOLE_TABLE_ROWS:
        return set(range(first, last + 1))
    near = {number + step for number in row_numbers for step in range(-NEIGHBOUR_REACH, NEIGHBOUR_REACH + 1)}
    return {number for number in near if first <= number <= last}


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
