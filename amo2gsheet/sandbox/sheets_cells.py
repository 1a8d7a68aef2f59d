"""What one cell holds: its value, and its look as a set of patches by path. Values here never change in place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from amo2gsheet.sandbox.sheets_a1 import Area

Plain: TypeAlias = "str | int | float | bool | None"
Path: TypeAlias = "tuple[str, ...]"
Patch: TypeAlias = "Mapping[Path, Any]"
"""Path in Google's CellData → value, as `("userEnteredFormat", "numberFormat")`; None takes the part away."""

NUMBER_FORMAT: Path = ("userEnteredFormat", "numberFormat")
VALIDATION: Path = ("dataValidation",)
NOTE: Path = ("note",)

NO_LOOKS: Mapping[int, Patch] = {}


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with the value it shows; the sandbox only calculates the simplest."""

    text: str
    value: Plain


Value: TypeAlias = "Plain | Formula"


class Row(NamedTuple):
    """One row. `key` is its identity: it stays when the row moves or its cells change.

    `values` may be shorter than the grid is wide. `looks` goes by column key, so that inserted and moved columns
    leave it alone.
    """

    key: int
    values: tuple[Value, ...] = ()
    looks: Mapping[int, Patch] = NO_LOOKS

    def value(self, column: int) -> Value:
        """Return the value in a column counted from 0."""
        return self.values[column] if column < len(self.values) else None


class Layer(NamedTuple):
    """A look over many cells at once, kept as one thing. Later layers lie on top, cells' own looks above all."""

    area: Area
    patch: Patch


def plain(value: Value) -> Plain:
    """Return what a cell shows: a formula's result, anything else as it is."""
    return value.value if isinstance(value, Formula) else value


def as_number(number: int | float) -> int | float:
    """Return a number as Google keeps it: a double, written without a fraction where it has none."""
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**53:
        return int(number)
    return float(number) if isinstance(number, int) and abs(number) > 2**53 else number


def with_cells(values: tuple[Value, ...], changes: Mapping[int, Value]) -> tuple[Value, ...]:
    """Return the row's values with some of them replaced, without blanks at its end."""
    width = max(len(values), max(changes, default=-1) + 1)
    cells = [*values, *([None] * (width - len(values)))]
    for column, value in changes.items():
        cells[column] = value
    return trimmed(cells)


def trimmed(cells: Iterable[Value]) -> tuple[Value, ...]:
    """Return the cells without blanks at the end."""
    kept = list(cells)
    while kept and kept[-1] is None:
        kept.pop()
    return tuple(kept)


def laid_over(lower: Patch, upper: Patch) -> Patch:
    """Return both patches as one; the upper wins, also over everything below a path it sets whole."""
    kept = {path: value for path, value in lower.items() if not any(path[: len(top)] == top for top in upper)}
    return {**kept, **upper}


def shared_looks(looks: Mapping[int, Patch]) -> Mapping[int, Patch]:
    """Return the same looks, as one object for all rows that look alike: 100,000 rows would not fit otherwise."""
    return _shared(json.dumps([[key, [*patch.items()]] for key, patch in looks.items()]))


@lru_cache(maxsize=4096)
def _shared(text: str) -> Mapping[int, Patch]:
    return {key: {tuple(path): value for path, value in items} for key, items in json.loads(text)}


def without_note(patch: Patch) -> Patch:
    """Return a look as new cells inherit it: a note belongs to its cell."""
    return {path: value for path, value in patch.items() if path[0] != "note"}


def drawn(patches: Iterable[Patch]) -> dict[str, Any]:
    """Return the CellData that patches make, one above the other."""
    cell: dict[str, Any] = {}
    for patch in patches:
        for path, value in patch.items():
            cell = set_path(cell, path, value)
    return cell


def set_path(target: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Return a copy of nested JSON with one part set, or taken away where the value is None."""
    result = dict(target)
    name = path[0]
    if len(path) > 1:
        value = set_path(result.get(name) or {}, path[1:], value) or None
    result.pop(name, None)
    if value is not None:
        result[name] = value
    return result


def get_path(source: Any, path: Path) -> Any:
    """Return one part of nested JSON, None where it is absent."""
    for name in path:
        if not isinstance(source, Mapping):
            return None
        source = source.get(name)
    return source
