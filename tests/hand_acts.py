"""What people do in a sheet that other sync products forbid, by name. An act that the tab has no room for raises LookupError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_people import Person
from tests.world import STATUS, World

NOTE = "Заметка"
SECOND = "Счёт"
SECOND_TEXT = "счёт 12"
ADDRESS = "Адрес"


@dataclass(slots=True)
class Scene:
    """The stage for an act: the world, leads by what the run has to do with them, and a version of the tab to go back to.

    `changed` are leads whose rows the run is about to write or to push, `still` others with a row, `new` are due a row, `strange`
    stand in no trigger stage.
    """

    world: World
    changed: list[int] = field(default_factory=list)
    still: list[int] = field(default_factory=list)
    new: list[int] = field(default_factory=list)
    strange: list[int] = field(default_factory=list)
    by_hand: set[int] = field(default_factory=set)
    version: Tab | None = None
    clipboard: list[list[str]] = field(default_factory=list)

    @property
    def person(self) -> Person:
        """Whose hands these are."""
        return self.world.person

    @property
    def first(self) -> int:
        """A lead whose row the run is about to touch."""
        return _one_of(self.changed)

    @property
    def other(self) -> int:
        """A lead with a row that the run leaves alone."""
        return _one_of(self.still)

    @property
    def top(self) -> int:
        """The number of the first row below the header."""
        self.person.column_of("ID")
        return self.person.header_row() + 1

    @property
    def bottom(self) -> int:
        """The number of the last row that holds anything."""
        return self.person.tab.last_data_row() + 1


def _one_of(leads: list[int]) -> int:
    if not leads:
        raise LookupError("no such lead here")
    return leads[0]


Act = Callable[[Scene], object]


def _cut(scene: Scene) -> None:
    """Take a row out, as it shows just now."""
    number = scene.person.row_of(scene.first)
    row = scene.person.tab.rows[number - 1]
    scene.clipboard = [[str(value or "") for value in row.values]]
    scene.person.delete_rows(number)


def _paste(scene: Scene) -> None:
    """Put it back elsewhere."""
    if scene.clipboard:
        scene.person.insert_rows(scene.top)
        scene.person.paste(f"A{scene.top}", scene.clipboard)


def _cut_to_the_end(scene: Scene) -> None:
    number = scene.person.row_of(scene.first)
    scene.person.cut(f"A{number}:Z{number}", f"A{scene.bottom + 1}")


def _swap(scene: Scene) -> None:
    """Paste two rows over each other, values only."""
    numbers = [scene.person.row_of(lead) for lead in (scene.first, scene.other)]
    rows = [[str(value or "") for value in scene.person.tab.rows[number - 1].values] for number in numbers]
    for number, row in zip(numbers, reversed(rows), strict=True):
        scene.person.paste(f"A{number}", [row])


def _make_row(scene: Scene) -> None:
    lead = _one_of(scene.strange)
    scene.by_hand.add(lead)
    scene.person.type("ID", str(lead), row=scene.bottom + 1)


def _make_row_of_a_new_lead(scene: Scene) -> None:
    lead = _one_of(scene.new)
    scene.by_hand.add(lead)
    scene.person.type("ID", str(lead), row=scene.bottom + 1)


def _duplicate(scene: Scene) -> None:
    scene.by_hand.add(scene.first)
    scene.person.duplicate_row(lead=scene.first)


def _copy_down(scene: Scene) -> None:
    scene.by_hand.add(scene.other)
    scene.person.copy_row(scene.bottom + 1, lead=scene.other)


def _own_column(scene: Scene) -> None:
    top = scene.top
    scene.person.insert_columns(3)
    scene.person.type_at(top - 1, 3, SECOND)
    scene.person.type_at(top, 3, SECOND_TEXT)


def _formulas(scene: Scene) -> None:
    for number in range(scene.top, scene.top + 3):
        scene.person.write_formula(NOTE, f"=ROW(A{number})*2", number * 2, row=number)


def _merge_header(scene: Scene) -> None:
    """Merge the header of people's own column with a blank one next to it."""
    row, column = scene.top - 1, scene.person.column_of(NOTE)
    scene.person.insert_columns(column + 1)
    scene.person.merge(f"{_letter(column)}{row}:{_letter(column + 1)}{row}")


def _letter(column: int) -> str:
    return chr(ord("A") + column - 1)


def _restore(scene: Scene) -> None:
    if scene.version is None:
        raise LookupError("no version was kept")
    scene.person.restore_version(scene.version)


def _colour(scene: Scene) -> None:
    scene.person.colour("A1:C4", 1, 0, 0)
    scene.person.note(ADDRESS, "проверить", lead=scene.first)


def _reorder(scene: Scene) -> None:
    for header, place in (("ID", 9), (STATUS, 2), (ADDRESS, 4), (NOTE, 1)):
        scene.person.move_column(header, place)


ACTS: Mapping[str, Act] = {
    "filter": lambda s: s.person.filter(STATUS, ["В процессе"]),
    "filter view": lambda s: s.person.filter_view(STATUS, ["В процессе"]),
    "hide rows": lambda s: s.person.hide_rows(s.top, 2),
    "hide a column": lambda s: s.person.hide_column(ADDRESS),
    "sort by name": lambda s: s.person.sort("Ф.И.О.", descending=True),
    "sort by status": lambda s: s.person.sort(STATUS),
    "sort by address": lambda s: s.person.sort(ADDRESS, descending=True),
    "sort some rows": lambda s: s.person.sort_part("Ф.И.О.", s.top, s.top + 2, descending=True),
    "sort the status column alone": lambda s: s.person.sort_one_column(STATUS, descending=True),
    "sort the address column alone": lambda s: s.person.sort_one_column(ADDRESS, descending=True),
    "sort a column of one's own alone": lambda s: s.person.sort_one_column(NOTE, descending=True),
    "insert a row on top": lambda s: s.person.insert_rows(s.top),
    "insert rows in the middle": lambda s: s.person.insert_rows(s.top + 2, 2),
    "insert rows above the header": lambda s: s.person.insert_rows(1, 2),
    "move a row up": lambda s: s.person.move_row(s.top, lead=s.first),
    "move a row down": lambda s: s.person.move_row(s.bottom + 1, lead=s.first),
    "move another row": lambda s: s.person.move_row(s.top, lead=s.other),
    "cut a row and paste it at the end": _cut_to_the_end,
    "cut a row, paste it later": _cut,
    "paste two rows over each other": _swap,
    "duplicate a row": _duplicate,
    "copy a row to the end": _copy_down,
    "delete a row": lambda s: s.person.delete_row(s.first),
    "delete another row": lambda s: s.person.delete_row(s.other),
    "delete two rows": lambda s: s.person.delete_rows(s.top, 2),
    "clear a row": lambda s: s.person.clear_row(lead=s.other),
    "insert a column of one's own": _own_column,
    "insert a blank column on the left": lambda s: s.person.insert_columns(1),
    "delete a column of one's own": lambda s: s.person.delete_columns(NOTE),
    "move the ID column": lambda s: s.person.move_column("ID", 12),
    "move the ID column to the address": lambda s: s.person.move_column("ID", s.person.column_of(ADDRESS) + 1),
    "move the ID column to the status": lambda s: s.person.move_column("ID", s.person.column_of(STATUS) + 1),
    "move the status column": lambda s: s.person.move_column(STATUS, 1),
    "move the address column": lambda s: s.person.move_column(ADDRESS, 2),
    "reorder columns": _reorder,
    "rename the tab": lambda s: s.person.rename_tab("Заказы '26"),
    "rename a header of one's own": lambda s: s.person.rename_header(NOTE, "Комментарий"),
    "write formulas": _formulas,
    "merge header cells": _merge_header,
    "protect cells": lambda s: s.person.protect(f"A{s.person.row_of(s.first)}:Z{s.person.row_of(s.first)}"),
    "protect with a warning": lambda s: s.person.protect("A1:Z3", warning_only=True),
    "leave blanks below the table": lambda s: s.person.type_at(s.bottom + 4, 3, " "),
    "write below the table": lambda s: s.person.type(NOTE, "Итого по складу", row=s.bottom + 3),
    "write a total below the table": lambda s: s.person.type("ID", "ИТОГО", row=s.bottom + 1),
    "type over an ID": lambda s: s.person.type("ID", "позвонить", lead=s.other),
    "make a row by hand": _make_row,
    "make the row of a new lead by hand": _make_row_of_a_new_lead,
    "cut the grid to its data": lambda s: s.person.trim_grid(),
    "pick in a row about to be written": lambda s: s.person.pick(STATUS, "Отказ", lead=s.first),
    "pick in another row": lambda s: s.person.pick(STATUS, "У курера", lead=s.other),
    "clear a status": lambda s: s.person.clear_cell(STATUS, lead=s.first),
    "type into a cell about to be written": lambda s: s.person.type(ADDRESS, "ул. Рукописная, 7", lead=s.first),
    "type into an owned cell of another row": lambda s: s.person.type(ADDRESS, "ул. Рукописная, 8", lead=s.other),
    "type into a cell of one's own": lambda s: s.person.type(NOTE, "позвонить", lead=s.first),
    "restore an older version": _restore,
    "undo": lambda s: s.person.undo(),
    "colour and annotate": _colour,
}
"""Name of the act → what it does."""

AFTERWARDS: Mapping[str, Act] = {"cut a row, paste it later": _paste}
"""Name of the act → its second half, before the request that follows, or after the run."""
