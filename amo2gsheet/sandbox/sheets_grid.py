"""One tab: rows, columns, looks, and everything that lies over ranges. Knows neither HTTP nor requests.

Rows are values that never change in place, so that a copy of a tab costs a list of references: each write works on a
copy, and the cloud swaps it in when all of it went through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from amo2gsheet.sandbox.sheets_a1 import Area, area_of
from amo2gsheet.sandbox.sheets_cells import (
    NO_LOOKS,
    Layer,
    Patch,
    Path,
    Row,
    Value,
    drawn,
    get_path,
    laid_over,
    shared_looks,
    trimmed,
    with_cells,
    without_note,
)
from amo2gsheet.sandbox.sheets_errors import TEXT_LIMIT, beyond_grid, invalid, too_long
from amo2gsheet.sandbox.sheets_record import Change, Record
from amo2gsheet.sandbox.sheets_shift import Axis, Deleted, Inserted, Moved, Shift, shifted

LAYER_FROM_CELLS = 400
"""A look over more cells than this is kept as one layer instead of cell by cell."""

Ranged = dict[str, Any]
"""A JSON object with a `range` in it: a protected range, a filter, a table."""


@dataclass(slots=True)
class Tab:
    """One tab of a spreadsheet."""

    sheet_id: int
    title: str
    keys: Iterator[int]
    rows: list[Row] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    merges: list[Area] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    filtered: set[int] = field(default_factory=set)
    sizes: dict[int, int] = field(default_factory=dict)
    basic_filter: Ranged | None = None
    filter_views: list[Ranged] = field(default_factory=list)
    protected: list[Ranged] = field(default_factory=list)
    tables: list[Ranged] = field(default_factory=list)
    conditional_formats: list[dict[str, Any]] = field(default_factory=list)
    record: Record = field(default_factory=Record)

    @classmethod
    def blank(cls, sheet_id: int, title: str, size: tuple[int, int], keys: Iterator[int]) -> Tab:
        """Return an empty tab of so many rows and columns."""
        rows = [Row(next(keys)) for _ in range(size[0])]
        return cls(sheet_id, title, keys, rows, [next(keys) for _ in range(size[1])])

    def copy(self, record: Record) -> Tab:
        """Return a tab that can be changed without this one changing."""
        return Tab(
            self.sheet_id,
            self.title,
            self.keys,
            list(self.rows),
            list(self.columns),
            dict(self.properties),
            list(self.layers),
            list(self.merges),
            set(self.hidden),
            set(self.filtered),
            dict(self.sizes),
            self.basic_filter,
            list(self.filter_views),
            list(self.protected),
            list(self.tables),
            list(self.conditional_formats),
            record,
        )

    # Reading

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return len(self.rows), len(self.columns)

    @property
    def whole(self) -> Area:
        """The whole grid."""
        return Area(0, len(self.rows), 0, len(self.columns))

    def value(self, row: int, column: int) -> Value:
        """Return what a cell holds."""
        return self.rows[row].value(column)

    def patches(self, row: int, column: int) -> list[Patch]:
        """Return the looks of a cell, lowest first."""
        found = [layer.patch for layer in self.layers if layer.area.has(row, column)]
        own = self.rows[row].looks.get(self.columns[column])
        return [*found, own] if own else found

    def look(self, row: int, column: int, path: Path | None = None) -> Any:
        """Return a cell's look as CellData, or one part of it."""
        cell = drawn(self.patches(row, column))
        return cell if path is None else get_path(cell, path)

    def last_data_row(self, counts: Callable[[int, Row], bool] | None = None) -> int:
        """Return the index of the last row with data, -1 in an empty tab."""
        for index in range(len(self.rows) - 1, -1, -1):
            if self.rows[index].values or (counts and counts(index, self.rows[index])):
                return index
        return -1

    def clip(self, area: Area, range_name: str) -> Area:
        """Return the part of an area inside the grid.

        Raises:
            ApiError: it begins outside.
        """
        rows, columns = self.size
        if area.top >= rows or area.left >= columns:
            raise beyond_grid(range_name, rows, columns)
        return area.clipped(rows, columns)

    # Cells

    def write(self, row: int, changes: Mapping[int, Value]) -> None:
        """Put values into cells of one row; None clears."""
        if not changes:
            return
        columns = tuple(sorted(changes))
        for column in columns:
            self.refuse_protected(Area(row, row + 1, column, column + 1))
            if isinstance(text := changes[column], str) and len(text) > TEXT_LIMIT:
                raise too_long()
        before = self.rows[row]
        old, new = tuple(map(before.value, columns)), tuple(changes[column] for column in columns)
        self.rows[row] = before._replace(values=with_cells(before.values, changes))
        self.record.changes.append(Change("cells", self.sheet_id, row, columns, old, new))

    def clear(self, area: Area) -> None:
        """Take the values out of a clipped area; looks stay."""
        for row in range(area.top, area.bottom or 0):
            width = min(area.right or 0, len(self.rows[row].values))
            self.write(row, dict.fromkeys(range(area.left, width)))

    def paint(self, area: Area, patch: Patch) -> None:
        """Lay a look over an area, open ends included."""
        self.refuse_protected(area)
        inside = area.clipped(*self.size)
        self.record.changes.append(
            Change("look", self.sheet_id, area.top, detail=f"{area} {', '.join('.'.join(path) for path in patch)}")
        )
        if area.bottom is not None and area.right is not None and inside.height * inside.width <= LAYER_FROM_CELLS:
            for row in range(inside.top, inside.bottom or 0):
                for column in range(inside.left, inside.right or 0):
                    self._paint_cell(row, column, patch)
            return
        self._strip(inside, patch)
        self.layers = [layer for layer in self.layers if not _is_covered(layer, area, patch)]
        self.layers.append(Layer(area, patch))

    def _paint_cell(self, row: int, column: int, patch: Patch) -> None:
        found, key = self.rows[row], self.columns[column]
        self.rows[row] = found._replace(looks={**found.looks, key: laid_over(found.looks.get(key, {}), patch)})

    def dress(self, row: int, looks: Mapping[int, Patch]) -> None:
        """Lay looks over cells of one row, by column; rows dressed alike share what they wear."""
        if not looks:
            return
        for column in looks:
            self.refuse_protected(Area(row, row + 1, column, column + 1))
        found = self.rows[row]
        own = {self.columns[column]: patch for column, patch in looks.items()}
        if found.looks:
            own = {**found.looks, **{key: laid_over(found.looks.get(key, {}), patch) for key, patch in own.items()}}
        self.rows[row] = found._replace(looks=shared_looks(own))
        self.record.changes.append(Change("look", self.sheet_id, row, tuple(looks)))

    def _strip(self, area: Area, patch: Patch) -> None:
        """Take out of the cells' own looks what a new layer sets: it would lie above the layer otherwise."""
        keys = set(self.columns[area.left : area.right])
        for index in range(area.top, area.bottom or 0):
            row = self.rows[index]
            if row.looks and not keys.isdisjoint(row.looks):
                looks = {key: _without(own, patch) if key in keys else own for key, own in row.looks.items()}
                self.rows[index] = row._replace(looks={key: own for key, own in looks.items() if own})

    # Structure

    def insert(self, axis: Axis, at: int, count: int, *, inherit_before: bool = False) -> None:
        """Make room for rows or columns before index `at`; the new ones look like their neighbour."""
        joins: Literal["before", "after"] = "before" if inherit_before else "after"
        neighbour = at - 1 if inherit_before else at
        if axis == "ROWS":
            looks = self.rows[neighbour].looks if 0 <= neighbour < len(self.rows) else NO_LOOKS
            bare = {key: kept for key, own in looks.items() if (kept := without_note(own))}
            self.rows[at:at] = [Row(next(self.keys), (), bare) for _ in range(count)]
        else:
            source = self.columns[neighbour] if 0 <= neighbour < len(self.columns) else None
            new_keys = [next(self.keys) for _ in range(count)]
            self.columns[at:at] = new_keys
            gap: tuple[Value, ...] = (None,) * count
            self.rows = [_with_gap(row, at, gap, source, new_keys) for row in self.rows]
        layers = [shifted(layer.area, Inserted(axis, at, count, joins)) for layer in self.layers]
        self._apply(Inserted(axis, at, count), layers)
        self.record.changes.append(Change("insert", self.sheet_id, at, detail=f"{count} {axis}"))

    def extend(self, axis: Axis, count: int) -> None:
        """Add plain rows or columns at the end: looks that reach to an open end cover them, no other."""
        if axis == "ROWS":
            self.rows.extend(Row(next(self.keys)) for _ in range(count))
        else:
            self.columns.extend(next(self.keys) for _ in range(count))

    def delete(self, axis: Axis, at: int, count: int) -> None:
        """Take rows or columns out.

        Raises:
            ApiError: nothing would be left of the tab, or one of them is protected.
        """
        total = len(self.rows) if axis == "ROWS" else len(self.columns)
        if count >= total:
            raise invalid(f"You can't delete all the {axis.lower()} on the sheet.")
        self.refuse_protected(Area(at, at + count) if axis == "ROWS" else Area(0, None, at, at + count))
        if axis == "ROWS":
            gone = self.rows[at : at + count]
            for offset, row in enumerate(gone):
                columns = tuple(range(len(row.values)))
                self.record.changes.append(
                    Change("delete", self.sheet_id, at + offset, columns, row.values, (None,) * len(columns), axis)
                )
            del self.rows[at : at + count]
        else:
            self.record.changes.append(Change("delete", self.sheet_id, at, detail=f"{count} {axis}"))
            del self.columns[at : at + count]
            self.rows = [row._replace(values=trimmed(row.values[:at] + row.values[at + count :])) for row in self.rows]
        shift = Deleted(axis, at, count)
        self._apply(shift, [shifted(layer.area, shift) for layer in self.layers])

    def move(self, axis: Axis, at: int, count: int, to: int) -> None:
        """Take rows or columns to before index `to`, counted before the move."""
        landing = to - count if to > at else to
        if axis == "ROWS":
            block = self.rows[at : at + count]
            del self.rows[at : at + count]
            self.rows[landing:landing] = block
        else:
            width = len(self.columns)
            order = [*range(at), *range(at + count, width)]
            order[landing:landing] = range(at, at + count)
            self.columns = [self.columns[column] for column in order]
            self.rows = [
                row._replace(values=trimmed(row.value(column) for column in order)) if len(row.values) > min(at, to) else row
                for row in self.rows
            ]
        shift = Moved(axis, at, count, to)
        self._apply(shift, [shifted(layer.area, shift) for layer in self.layers])
        self.record.changes.append(Change("move", self.sheet_id, at, detail=f"{count} {axis} to {to}"))

    def reorder(self, area: Area, order: Sequence[int], *, keeps_keys: bool) -> None:
        """Put the contents of an area's rows in another order; `order` names old row indexes.

        Where the area holds all data of its rows the whole rows change places, and `keeps_keys` tells whether what is
        anchored to a row goes along. Hidden rows stay hidden where they stand.
        """
        self.refuse_protected(area)
        before = self.rows[area.top : area.bottom]
        width = max((len(row.values) for row in before), default=0)
        is_whole = area.left == 0 and (area.right or 0) >= min(width, len(self.columns))
        keys = self.columns[area.left : area.right]
        for place, source in enumerate(order):
            old, new = before[place], before[source - area.top]
            if is_whole and keeps_keys:
                self.rows[area.top + place] = new
            else:
                self.rows[area.top + place] = _mixed(old, new, area, keys)
        if is_whole and keeps_keys:
            self.hidden = _in_place(self.hidden, before, self.rows[area.top : area.bottom])
            self.filtered = _in_place(self.filtered, before, self.rows[area.top : area.bottom])
        self.record.changes.append(Change("sort", self.sheet_id, area.top, detail=str(area)))

    def _apply(self, shift: Shift, layers: Sequence[Area | None]) -> None:
        self.layers = [Layer(area, old.patch) for old, area in zip(self.layers, layers, strict=True) if area]
        self.merges = [area for old in self.merges if (area := shifted(old, shift))]

        def kept(item: Ranged) -> Ranged | None:
            area = shifted(area_of(item.get("range", {})), shift)
            return {**item, "range": area.to_json(self.sheet_id)} if area else None

        self.basic_filter = kept(self.basic_filter) if self.basic_filter else None
        self.filter_views = [item for old in self.filter_views if (item := kept(old))]
        self.protected = [item for old in self.protected if (item := kept(old))]
        self.tables = [item for old in self.tables if (item := kept(old))]
        rules = []
        for rule in self.conditional_formats:
            areas = [area for old in rule.get("ranges", []) if (area := shifted(area_of(old), shift))]
            if areas:
                rules.append({**rule, "ranges": [area.to_json(self.sheet_id) for area in areas]})
        self.conditional_formats = rules

    def refuse_protected(self, area: Area) -> None:
        """Raise Google's refusal when the API touches a range that a person protected."""
        if self.record.actor == "person" or not self.protected:
            return
        for item in self.protected:
            if not item.get("warningOnly") and not item.get("requestingUserCanEdit"):
                free = [area_of(part) for part in item.get("unprotectedRanges", [])]
                if area_of(item.get("range", {})).meets(area) and not any(part.meets(area) for part in free):
                    raise invalid(self.record.protected_text)


def _is_covered(layer: Layer, area: Area, patch: Patch) -> bool:
    return layer.area == area and not _without(layer.patch, patch)


def _without(own: Patch, patch: Patch) -> Patch:
    return {path: value for path, value in own.items() if not any(path[: len(top)] == top for top in patch)}


def _with_gap(row: Row, at: int, gap: tuple[Value, ...], source: int | None, keys: Sequence[int]) -> Row:
    values = row.values[:at] + gap + row.values[at:] if len(row.values) > at else row.values
    looks = row.looks
    if source is not None and (own := without_note(looks.get(source, {}))):
        looks = {**looks, **dict.fromkeys(keys, own)}
    return row._replace(values=values, looks=looks)


def _mixed(old: Row, new: Row, area: Area, keys: Sequence[int]) -> Row:
    changes = {column: new.value(column) for column in range(area.left, area.right or 0)}
    looks = {key: own for key, own in old.looks.items() if key not in keys}
    looks.update({key: own for key, own in new.looks.items() if key in keys})
    return old._replace(values=with_cells(old.values, changes), looks=looks)


def _in_place(marked: set[int], before: Sequence[Row], after: Sequence[Row]) -> set[int]:
    here = {row.key for row in before}
    return (marked - here) | {new.key for old, new in zip(before, after, strict=True) if old.key in marked}
