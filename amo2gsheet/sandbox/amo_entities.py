"""What an amoCRM account consists of, as frozen records.

A change makes a new record, so that old versions and snapshots cost nothing. Knows no JSON and no rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

EntityType = Literal["leads", "contacts", "companies"]

WON = 142
LOST = 143
CLOSED = frozenset((WON, LOST))
"""The two closing statuses; every pipeline has them under these IDs."""

INCOMING = 1
"""`type` of an incoming status; all others have 0."""


class Value(NamedTuple):
    """One stored value of a custom field: options are kept by `enum_id`, since their labels can change."""

    value: Any
    enum_id: int | None = None


FieldValues = Mapping[int, tuple[Value, ...]]
"""Custom field ID → its values; a field without a value is absent."""


def no_values() -> FieldValues:
    """The field values of a fresh entity."""
    return {}


@dataclass(frozen=True, slots=True)
class User:
    """A person with a login."""

    id: int
    name: str
    email: str
    is_admin: bool = False
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """One status of a pipeline. (pipeline_id, id) is its identity: 142 and 143 exist in each."""

    id: int
    pipeline_id: int
    name: str
    sort: int
    color: str
    type: int = 0
    is_editable: bool = True


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline with its stages in the order of `sort`."""

    id: int
    name: str
    sort: int
    is_main: bool
    is_unsorted_on: bool
    stages: tuple[Stage, ...]
    is_archive: bool = False

    def stage(self, status_id: int) -> Stage | None:
        """The stage of that ID, or None where the pipeline has none."""
        return next((stage for stage in self.stages if stage.id == status_id), None)

    @property
    def first_stage(self) -> Stage:
        """Where leads go that name no stage: the first that is not the incoming one."""
        return next(stage for stage in self.stages if stage.type != INCOMING)


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select field, or one kind of a phone or e-mail."""

    id: int
    label: str
    sort: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class CustomField:
    """The definition of a custom field of one entity type."""

    id: int
    entity_type: EntityType
    name: str
    type: str
    sort: int
    code: str | None = None
    options: tuple[Option, ...] = ()
    is_computed: bool = False
    is_predefined: bool = False

    def option(self, option_id: int | None) -> Option | None:
        """The option of that ID, or None where it was removed."""
        return next((option for option in self.options if option.id == option_id), None)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of leads."""

    id: int
    name: str
    color: str | None = None


@dataclass(frozen=True, slots=True)
class LossReason:
    """Why a lead was lost."""

    id: int
    name: str
    sort: int
    created_at: int


class ContactLink(NamedTuple):
    """A lead's contact."""

    contact_id: int
    is_main: bool


@dataclass(frozen=True, slots=True)
class Lead:
    """One version of a lead."""

    id: int
    name: str
    price: int | float
    responsible_user_id: int
    status_id: int
    pipeline_id: int
    created_by: int
    updated_by: int
    created_at: int
    updated_at: int
    closed_at: int | None = None
    loss_reason_id: int | None = None
    fields: FieldValues = field(default_factory=no_values)
    contacts: tuple[ContactLink, ...] = ()
    company_id: int | None = None
    tag_ids: tuple[int, ...] = ()

    @property
    def stage(self) -> tuple[int, int]:
        """(pipeline ID, status ID)."""
        return (self.pipeline_id, self.status_id)


@dataclass(frozen=True, slots=True)
class Contact:
    """One version of a contact."""

    id: int
    name: str
    responsible_user_id: int
    created_by: int
    updated_by: int
    created_at: int
    updated_at: int
    first_name: str = ""
    last_name: str = ""
    fields: FieldValues = field(default_factory=no_values)
    company_id: int | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """One version of a company."""

    id: int
    name: str
    responsible_user_id: int
    created_by: int
    updated_by: int
    created_at: int
    updated_at: int
    fields: FieldValues = field(default_factory=no_values)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the account's event log. `shown_from` is the machine's time from which lists may show it."""

    id: str
    type: str
    entity_id: int
    entity_type: str
    created_by: int
    created_at: int
    value_after: tuple[Mapping[str, Any], ...]
    value_before: tuple[Mapping[str, Any], ...]
    shown_from: float
