"""People's hands in the tab of a random schedule: each method is one act, on whatever the tab holds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from amo2gsheet.sandbox.sheets_grid import Tab
from tests.schedule_sight import OWN_HEADERS, OWNED, PICKS, Left, own_header, see
from tests.world import STATUS, World


class Hands:
    """Somebody at work in the tab. `leads` are those that amoCRM holds; `numbers` make what is typed unlike anything else."""

    def __init__(
        self,
        world: World,
        chance: random.Random,
        say: Callable[[str], None],
        left: Left,
        leads: Sequence[int],
        numbers: Iterator[int],
    ) -> None:
        self.world = world
        self.random = chance
        self.say = say
        self._left = left
        self._leads = leads
        self._numbers = numbers
        self._version: Tab | None = None
        self._common = [self.pick] * 8 + [self.type_owned] * 3 + [self.type_note] * 2 + [self.sort] * 3 + [self.undo] * 2
        self._common += [self.insert_row, self.move_row, self.delete_row, self.clear]
        self._rare = [self.sort_one_column, self.sort_part, self.insert_column, self.move_column, self.rename_header]
        self._rare += [self.copy_row, self.make_row, self.type_loose, self.rename_tab, self.filter, self.hide, self.restore]

        self._stirring = [self.sort, self.sort_part, self.insert_row, self.move_row, self.delete_row, self.undo]
        self._stirring += [self.insert_column, self.move_column]

    @property
    def tab(self) -> Tab:
        """The tab as it stands now."""
        return self.world.person.tab

    def act(self) -> None:
        """Do something."""
        self.random.choice([*self._common, *self._rare])()

    def stir(self) -> None:
        """Do something that brings rows or columns to other places."""
        self.random.choice(self._stirring)()

    def _some(self) -> int | None:
        sight = see(self.tab)
        found = sorted(sight.cells) if sight else []
        return self.random.choice(found) if found else None

    def _top(self) -> int:
        return self.world.person.header_row()

    def pick(self) -> None:
        lead = self._some()
        if lead is not None:
            text = self.random.choice(PICKS)
            self.say(f"    pick {lead} {text}")
            self.world.pick(lead, text)

    def clear(self) -> None:
        lead, header = self._some(), self.random.choice([STATUS, OWNED])
        if lead is not None and self.random.random() < 0.4:
            self.say(f"    clear {header} of {lead}")
            self.world.person.clear_cell(header, lead=lead)

    def type_owned(self) -> None:
        self._type(OWNED, "typed")

    def type_note(self) -> None:
        header = own_header(self.tab)
        if header is not None:
            self._type(header, "note")

    def _type(self, header: str, word: str) -> None:
        lead = self._some()
        if lead is not None:
            number = next(self._numbers)
            self.say(f"    type {lead} {header}: {word} {number}")
            self.world.person.type(header, f"{word} {number}", lead=lead)

    def type_loose(self) -> None:
        """A row without ID, a blank one apart from the table."""
        header, row = own_header(self.tab), self.tab.last_data_row() + 3
        if header is not None and row <= len(self.tab.rows):
            number = next(self._numbers)
            self.say(f"    type into row {row}: loose {number}")
            self.world.person.type(header, f"loose {number}", row=row)

    def make_row(self) -> None:
        """A row made by hand: the ID of a lead that has none, right below the table."""
        sight, row = see(self.tab), self.tab.last_data_row() + 2
        missing = [lead for lead in self._leads if sight is not None and lead not in sight.counts]
        if missing and row <= len(self.tab.rows):
            lead = self.random.choice(missing)
            self.say(f"    make row {row} of {lead}")
            self._left.by_hand.add(lead)
            self.world.person.type("ID", str(lead), row=row)

    def sort(self) -> None:
        header = self.random.choice(["ID", STATUS, "Ф.И.О.", OWNED])
        self.say(f"    sort by {header}")
        self.world.person.sort(header, descending=self.random.random() < 0.5)

    def sort_part(self) -> None:
        first = self._top() + self.random.randint(1, 2)
        self.say(f"    sort rows {first} to {first + 2}")
        if first + 2 <= len(self.tab.rows):
            self.world.person.sort_part("Ф.И.О.", first, first + 2, descending=self.random.random() < 0.5)

    def sort_one_column(self) -> None:
        header = self.random.choice([STATUS, OWNED, own_header(self.tab) or STATUS])
        self.say(f"    sort the column {header} by itself")
        self.world.person.sort_one_column(header, descending=self.random.random() < 0.5)

    def insert_row(self) -> None:
        row = self._top() + self.random.randint(1, 3)
        if self._top() < 3 and self.random.random() < 0.2:
            row = 1
        self.say(f"    insert row {row}")
        self.world.person.insert_rows(row)

    def delete_row(self) -> None:
        lead = self._some()
        if lead is not None and self.random.random() < 0.5:
            self.say(f"    delete row of {lead}")
            self.world.person.delete_row(lead)

    def move_row(self) -> None:
        lead = self._some()
        if lead is not None:
            self.say(f"    move row of {lead} up")
            self.world.person.move_row(self._top() + 1, lead=lead)

    def copy_row(self) -> None:
        lead = self._some()
        if lead is not None:
            self.say(f"    duplicate row of {lead}")
            self._left.by_hand.add(lead)
            self.world.person.duplicate_row(lead=lead)

    def insert_column(self) -> None:
        place = self.random.randint(1, len(self.tab.columns))
        self.say(f"    insert column at {place}")
        self.world.person.insert_columns(place)
        if own_header(self.tab) is None:
            self.world.person.type_at(self._top(), place, OWN_HEADERS[0])

    def move_column(self) -> None:
        header = self.random.choice(["ID", STATUS, OWNED, "Воронка", own_header(self.tab) or "ID"])
        place = self.random.randint(1, 20)
        self.say(f"    move column {header} before {place}")
        self.world.person.move_column(header, place)

    def rename_header(self) -> None:
        header = own_header(self.tab)
        if header is not None:
            other = self.random.choice(OWN_HEADERS)
            self.say(f"    rename column {header} to {other}")
            self.world.person.rename_header(header, other)

    def rename_tab(self) -> None:
        title = self.random.choice(["Sheet1", "Заказы", "Архив '26"])
        self.say(f"    rename the tab to {title}")
        self.world.person.rename_tab(title)

    def filter(self) -> None:
        self.say("    filter")
        if self.random.random() < 0.5:
            self.world.person.filter(STATUS, [self.random.choice(PICKS)])
        else:
            self.world.person.clear_filter()

    def hide(self) -> None:
        self.say("    hide a row")
        self.world.person.hide_rows(self._top() + 1)

    def restore(self) -> None:
        """Keep a version in mind, or bring the last one back: rows made since are gone, values are what they were."""
        if self._version is None:
            self._version = self.world.person.version()
        elif self.random.random() < 0.5:
            self.say("    restore an older version")
            self.world.person.restore_version(self._version)
            self._version = None

    def undo(self) -> None:
        """Ctrl+Z. Of somebody's columns it works only as long as nobody else did anything."""
        self.say("    undo")
        try:
            self.world.person.undo()
        except (ValueError, IndexError) as error:
            self.say(f"      not possible: {error}")

    def tidy(self) -> None:
        """Take the copies of rows out again, as the tool asks for."""
        sight = see(self.tab)
        counts = sight.counts if sight else {}
        for lead_id in [lead_id for lead_id, count in counts.items() if count > 1]:
            self.say(f"    delete the copies of the row of {lead_id}")
            for row in reversed(self.world.person.rows_of(lead_id)[1:]):
                self.world.person.delete_rows(row)
