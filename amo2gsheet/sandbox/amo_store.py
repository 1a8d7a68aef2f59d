"""The memory of the account: tables, IDs, time and the event log. The acts of people and the routes build on it."""

from __future__ import annotations

import copy
from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from amo2gsheet.sandbox.amo_entities import (
    Company,
    Contact,
    CustomField,
    Event,
    Lead,
    LossReason,
    Pipeline,
    Tag,
    User,
)
from amo2gsheet.sandbox.amo_knobs import AmoKnobs, StageKey
from amo2gsheet.sandbox.amo_tables import Table
from amo2gsheet.sandbox.amo_values import ValueRules

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_FIRST_ID = 20_000_000

Payload = tuple[Mapping[str, Any], ...]


class Store:
    """Everything the account remembers. Entities are frozen records, so a snapshot copies only the tables' skeletons."""

    def __init__(self, clock: Callable[[], float], knobs: AmoKnobs, seed: int) -> None:
        self.knobs = knobs
        self.id = 31_000_001
        self.name = "Sandbox"
        self.subdomain = "sandbox"
        self.time_zone = "Asia/Tashkent"
        self.currency = "UZS"
        self.country = "UZ"
        self.users: dict[int, User] = {}
        self.pipelines: dict[int, Pipeline] = {}
        self.fields: dict[int, CustomField] = {}
        self.tags: dict[int, Tag] = {}
        self.loss_reasons: dict[int, LossReason] = {}
        self.leads: Table[Lead] = Table()
        self.contacts: Table[Contact] = Table()
        self.companies: Table[Company] = Table()
        self.trash: dict[int, Lead] = {}
        self.incoming_in_use: set[StageKey] = set()
        self.events: list[Event] = []
        self._robots_due: list[tuple[float, int, StageKey, StageKey]] = []
        self._last_id = _FIRST_ID
        self._random = Random(seed)
        self._clock = clock

    # Copying.

    def state(self) -> dict[str, Any]:
        """A copy of everything remembered, to be given to `set_state` any number of times."""
        kept = {name: copy.copy(value) for name, value in vars(self).items() if name not in _NOT_STATE}
        return {**kept, "_random": self._random.getstate()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go back to a copied state."""
        for name, value in state.items():
            if name == "_random":
                self._random.setstate(value)
            else:
                setattr(self, name, copy.copy(value))

    # Time.

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def value_rules(self) -> ValueRules:
        """How written values are taken."""
        return ValueRules(self.zone, self.knobs.empty_string_clears)

    def stamp(self, at: float) -> int:
        """The machine's time as amoCRM's own clock shows it."""
        return int(at + self.knobs.clock_skew_seconds)

    def present(self) -> float:
        """The machine's time now; what robots had to do until now has been done."""
        now = self._clock()
        due = sorted(entry for entry in self._robots_due if entry[0] <= now)
        if due:
            self._robots_due = [entry for entry in self._robots_due if entry[0] > now]
            for at, lead_id, seen_in, target in due:
                self._robot_acts(at, lead_id, seen_in, target)
        return now

    def now(self) -> int:
        """Unix seconds by amoCRM's clock."""
        return self.stamp(self.present())

    def schedule_robot(self, lead: Lead, at: float) -> None:
        """A client moved the lead at `at`: a robot of that stage moves it on in a moment."""
        target = self.knobs.robot.get(lead.stage)
        if target is not None:
            self._robots_due.append((at + self.knobs.robot_delay_seconds, lead.id, lead.stage, target))

    def _robot_acts(self, at: float, lead_id: int, seen_in: StageKey, target: StageKey) -> None:
        raise NotImplementedError

    def refresh_lists(self) -> float:
        """Let the lists catch up as far as they do now, and return the machine's time."""
        now = self.present()
        for table in (self.leads, self.contacts, self.companies):
            table.catch_up(now - self.knobs.list_lag_seconds)
        return now

    # IDs and events.

    def new_id(self, wanted: int | None = None) -> int:
        """An ID no entity has; `wanted` where a test wants to choose."""
        if wanted is not None:
            return wanted
        self._last_id += self._random.randint(1, 40) * 2
        return self._last_id

    def log(
        self,
        event_type: str,
        entity: tuple[str, int],
        by: int,
        at: float,
        *,
        after: Iterable[Mapping[str, Any]] = (),
        before: Iterable[Mapping[str, Any]] = (),
        created_at: int | None = None,
    ) -> None:
        """Write one line of the event log."""
        moment = self.stamp(at) if created_at is None else created_at
        entity_type, entity_id = entity
        event = Event(self._ulid(moment), event_type, entity_id, entity_type, by, moment, tuple(after), tuple(before), at)
        if not self.events or self.events[-1].created_at <= moment:
            self.events.append(event)
        else:
            insort(self.events, event, key=lambda entry: entry.created_at)

    def _ulid(self, moment: int) -> str:
        number = (moment * 1000 << 80) | self._random.getrandbits(80)
        return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))

    # Look-ups shared by acts and checks.

    def owner_id(self) -> int:
        """The first administrator: who acts when a test names nobody."""
        return next(user.id for user in self.users.values() if user.is_admin)

    def fields_of(self, entity_type: str) -> dict[int, CustomField]:
        """The custom fields of one entity type, in the order of the API."""
        own = (field for field in self.fields.values() if field.entity_type == entity_type)
        return {field.id: field for field in sorted(own, key=lambda field: (field.sort, field.id))}

    def main_pipeline(self) -> Pipeline:
        """Where leads go that name no pipeline."""
        return next(pipeline for pipeline in self.pipelines.values() if pipeline.is_main)

    def pipelines_in_order(self) -> list[Pipeline]:
        """All pipelines by `sort`."""
        return sorted(self.pipelines.values(), key=lambda pipeline: (pipeline.sort, pipeline.id))

    def pipeline_with(self, status_id: int) -> Pipeline | None:
        """The pipeline that an ordinary status belongs to."""
        return next((pipeline for pipeline in self.pipelines.values() if pipeline.stage(status_id)), None)

    def tag_named(self, name: str) -> Tag:
        """The tag of that name, made where there is none."""
        for tag in self.tags.values():
            if tag.name == name:
                return tag
        tag = Tag(self.new_id(), name)
        self.tags[tag.id] = tag
        return tag


_NOT_STATE = frozenset(("knobs", "_clock", "_random"))
