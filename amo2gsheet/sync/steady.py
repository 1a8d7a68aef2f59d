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

LOOKS = 3
"""So often a look is made anew because columns moved, or the tab was renamed, before all of it was read."""

WHOLE_TABLE_ROWS = 1000
"""Up to so many rows a look before or after a write reads all of them; above, the rows concerned and their neighbours."""

NEIGHBOUR_REACH = 3
"""So many rows up and down are neighbours: a person's insert or delete shifts a write that far."""


def rows_around(place: Place, row_numbers: Iterable[int]) -> set[int]:
    """What is to be read with these rows, so that a value which strays from them is found: neighbours, and all of a small table.

    Neighbours may lie below the last row with an ID: one that lost its ID is none.
    """
    first, last = place.header.row_number + 1, place.presence.last_row
    near = {number + step for number in row_numbers for step in range(-NEIGHBOUR_REACH, NEIGHBOUR_REACH + 1)}
    whole = range(first, last + 1) if last - first < WHOLE_TABLE_ROWS else ()
    return {number for number in near if number >= first} | set(whole)


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


def renamed_each_time() -> UnavailableError:
    """What is raised when the tab bore another name at each look."""
    return UnavailableError(
        "The tab bore another name each time it was looked at.", "Somebody is renaming it; the next run looks again."
    )
