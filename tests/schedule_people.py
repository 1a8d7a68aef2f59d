"""The people of a random schedule, on both sides, and an account of what they left."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from amo2gsheet.sandbox.sheets_grid import Tab
from tests.schedule_hands import Hands
from tests.schedule_managers import Managers
from tests.schedule_sight import Left, see
from tests.world import World

MANAGERS_SHARE = 0.35
"""How much of what happens is done in amoCRM."""


class People:
    """Who works on both sides of one world. `run_number` tells from which run on the history may know of a value."""

    def __init__(self, world: World, chance: random.Random, say: Callable[[str], None], run_number: Callable[[], int]) -> None:
        self.world = world
        self.left = Left()
        numbers = count(1)
        self.managers = Managers(world, chance, say, self.left, numbers)
        self.hands = Hands(world, chance, say, self.left, self.managers.leads, numbers)
        self._random = chance
        self._run_number = run_number

    @property
    def tab(self) -> Tab:
        """The tab as it stands now."""
        return self.world.person.tab

    def act(self) -> None:
        """Somebody does something, on the side where it can be done."""
        if see(self.tab) is None or self._random.random() < MANAGERS_SHARE:
            self.left.acts += 1
            self.managers.act()
        else:
            self._noting(self.hands.act)

    def stir(self) -> None:
        """Somebody moves rows or columns, where there are any."""
        if see(self.tab) is not None:
            self._noting(self.hands.stir)

    def tidy(self) -> None:
        """Take the copies of rows out again, as the tool asks for."""
        if see(self.tab) is not None:
            self._noting(self.hands.tidy)

    def _noting(self, act: Callable[[], None]) -> None:
        self.left.acts += 1
        before = see(self.tab)
        # Where a value has strayed into the header, a column is not to be found for a moment.
        with suppress(LookupError):
            act()
        after = see(self.tab)
        assert before is not None, "nobody works in a tab without a header"
        assert after is not None, "people left the tab without a header"
        self.left.note(before, after, self._run_number())
