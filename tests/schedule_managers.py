"""Managers in amoCRM of a random schedule: they make, move, edit, delete and restore leads, and rename stages."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.schedule_sight import NAMES, OTHER, OWNED, REFUSED, SENT, TRIGGER, Left
from tests.world import World


class Managers:
    """Who works in amoCRM. `kinds` is (pipeline ID, status ID) → kind of stage, whatever the stage is called by now."""

    def __init__(
        self, world: World, chance: random.Random, say: Callable[[str], None], left: Left, numbers: Iterator[int]
    ) -> None:
        self.world = world
        self.random = chance
        self.say = say
        self.leads: list[int] = []
        self.trashed: list[int] = []
        self._left = left
        self._numbers = numbers
        self._acts = [self.new_lead] * 2 + [self.move_lead] * 3 + [self.edit_lead] * 4 + [self.trash_lead, self.rename_stage]
        self.kinds = {
            (pipeline_id, stage.id): kind
            for pipeline_id in (world.shop, world.base)
            for stage in world.account.pipelines[pipeline_id].stages
            for kind, names in enumerate(NAMES)
            if stage.name in names
        }

    def act(self) -> None:
        """Do something."""
        self.random.choice(self._acts)()

    def _stage(self, kind: int) -> tuple[int, int]:
        return self.random.choice([stage for stage, one in self.kinds.items() if one == kind])

    def new_lead(self) -> None:
        number = next(self._numbers)
        kind = self.random.choice([OTHER, TRIGGER, TRIGGER])
        lead = self.world.lead(f"Клиент {number}", self._stage(kind), price=number)
        self.leads.append(lead)
        self.say(f"    new lead {lead} in {NAMES[kind][0]}")

    def move_lead(self) -> None:
        if self.leads:
            lead, kind = self.random.choice(self.leads), self.random.choice([OTHER, TRIGGER, SENT, REFUSED])
            self.say(f"    manager moves {lead} to {NAMES[kind][0]}")
            self.world.move(lead, self._stage(kind))

    def edit_lead(self) -> None:
        if self.leads:
            lead = self.random.choice(self.leads)
            number = next(self._numbers)
            self.say(f"    manager edits {lead}: amo {number}")
            self.world.account.edit_lead(lead, fields={OWNED: f"amo {number}"})
            self._left.edited[lead] = self._left.acts

    def trash_lead(self) -> None:
        """A manager deletes a lead, or takes one back out of the trash."""
        if self.trashed and self.random.random() < 0.5:
            lead = self.trashed.pop()
            self.say(f"    manager restores {lead}")
            self.world.account.restore_lead(lead)
            self.leads.append(lead)
        elif len(self.leads) > 1 and self.random.random() < 0.4:
            lead = self.leads.pop(self.random.randrange(len(self.leads)))
            self.say(f"    manager deletes {lead}")
            self.world.account.trash_lead(lead)
            self.trashed.append(lead)

    def rename_stage(self) -> None:
        (pipeline_id, status_id), kind = self.random.choice(list(self.kinds.items()))
        name = self.random.choice(NAMES[kind])
        self.say(f"    manager renames a stage to {name}")
        self.world.account.rename_stage(pipeline_id, status_id, name)
