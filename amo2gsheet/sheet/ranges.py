"""Which ranges to ask for so that many scattered rows come in few requests of bounded size. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import quote_plus

from amo2gsheet.sheet.a1 import Area

LONGEST_ADDRESS = 6000
"""Characters of ranges in one address: a batchGet is a GET, and servers and proxies refuse addresses above 8,000 or so."""

MOST_ROWS = 20_000
"""Rows of one answer, so that memory stays bounded."""

_LAST_ROW = 10_000_000


def row_requests(title: str, row_numbers: Sequence[int], left: int, right: int) -> Iterator[list[Area]]:
    """Yield per request the areas that cover the rows (numbers from 1) from column `left` up to, not including, `right`.

    Neighbouring rows come as one area. Where the areas do not fit into one address, those that stand closest are bridged.
    """
    longest_name = Area(_LAST_ROW - 1, left, _LAST_ROW, right).named(title)
    most_areas = max(1, LONGEST_ADDRESS // (len(quote_plus(longest_name)) + len("&ranges=")))
    areas: list[Area] = []
    row_count = 0
    for first, last in _blocks(sorted(set(row_numbers)), most_areas):
        for top in range(first - 1, last, MOST_ROWS):
            bottom = min(last, top + MOST_ROWS)
            if areas and (row_count + bottom - top > MOST_ROWS or len(areas) == most_areas):
                yield areas
                areas, row_count = [], 0
            areas.append(Area(top, left, bottom, right))
            row_count += bottom - top
    if areas:
        yield areas


def _blocks(numbers: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Return at most so many (first, last) blocks that cover the numbers, split where the gaps are widest."""
    if not numbers:
        return []
    gaps = [(later - earlier, place) for place, (earlier, later) in enumerate(pairwise(numbers), 1)]
    widest = sorted((gap for gap in gaps if gap[0] > 1), reverse=True)[: most - 1]
    starts = [0, *sorted(place for _, place in widest), len(numbers)]
    return [(numbers[start], numbers[end - 1]) for start, end in pairwise(starts)]
