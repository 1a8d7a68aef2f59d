"""How an entity changes, whoever changes it: person, client or robot. Stamps, closing dates, events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from amo2gsheet.sandbox.amo_directory import Directory
from amo2gsheet.sandbox.amo_entities import CLOSED, INCOMING, LOST, Company, Contact, Lead, Value
from amo2gsheet.sandbox.amo_knobs import StageKey

_ROBOT = 0
"""`updated_by` and `created_by` of what no person did."""


class Changes(Directory):
    """The one place where leads, contacts and companies are stored. `at` is the machine's time of the change."""

    def insert_lead(self, lead: Lead, at: float) -> None:
        """Store a new lead; one that lands in 142 or 143 is closed at once."""
        if lead.status_id in CLOSED and lead.closed_at is None:
            lead = replace(lead, closed_at=lead.created_at)
        since = min(at, lead.updated_at - self.knobs.clock_skew_seconds)
        self._put_lead(lead, since)
        note = ({"note": {"id": self.new_id()}},)
        self.log("lead_added", ("lead", lead.id), lead.created_by, since, after=note, created_at=lead.created_at)

    def revise_lead(self, lead: Lead, by: int, at: float, **changes: Any) -> Lead:
        """Store a new version of a lead with `changes` to its attributes, and log what differs.

        `updated_at` is now and `updated_by` is `by` unless changed explicitly.
        """
        stamped: dict[str, Any] = {"updated_at": self.stamp(at), "updated_by": by, **changes}
        new = replace(lead, **stamped)
        if new.status_id != lead.status_id and "closed_at" not in changes:
            new = replace(new, closed_at=self.stamp(at) if new.status_id in CLOSED else None)
        if new.status_id != LOST and new.loss_reason_id is not None:
            new = replace(new, loss_reason_id=None)
        self._put_lead(new, at)
        self._log_differences(lead, new, by, at)
        return new

    def _put_lead(self, lead: Lead, at: float) -> None:
        self.leads.put(lead, at)
        stage = self.pipelines[lead.pipeline_id].stage(lead.status_id)
        if stage is not None and stage.type == INCOMING:
            self.incoming_in_use.add(lead.stage)

    def touch_leads(self, concerned: Callable[[Lead], bool], at: float) -> None:
        """Bump `updated_at` of leads."""
        for lead in list(self.leads.current.values()):
            if concerned(lead):
                self.revise_lead(lead, self.owner_id(), at)

    def insert_contact(self, contact: Contact, at: float) -> None:
        """Store a new contact."""
        self.contacts.put(contact, at)
        self.log("contact_added", ("contact", contact.id), contact.created_by, at)

    def revise_contact(self, contact: Contact, at: float) -> None:
        """Store a new version of a contact."""
        self.contacts.put(replace(contact, updated_at=self.stamp(at), updated_by=self.owner_id()), at)

    def insert_company(self, company: Company, at: float) -> None:
        """Store a new company."""
        self.companies.put(company, at)
        self.log("company_added", ("company", company.id), company.created_by, at)

    def _empty_stage(self, pipeline_id: int, status_id: int, target: int) -> None:
        at = self.present()
        for lead in list(self.leads.current.values()):
            if lead.stage == (pipeline_id, status_id):
                self.revise_lead(lead, self.owner_id(), at, status_id=target)

    def _robot_acts(self, at: float, lead_id: int, seen_in: StageKey, target: StageKey) -> None:
        lead = self.leads.current.get(lead_id)
        if lead is not None and lead.stage == seen_in:
            self.revise_lead(lead, _ROBOT, at, pipeline_id=target[0], status_id=target[1])

    def _log_differences(self, old: Lead, new: Lead, by: int, at: float) -> None:
        entity = ("lead", new.id)
        shapes: tuple[tuple[str, Callable[[Lead], object], Callable[[Lead], dict[str, Any]]], ...] = (
            (
                "lead_status_changed",
                lambda lead: lead.stage,
                lambda lead: {"lead_status": {"id": lead.status_id, "pipeline_id": lead.pipeline_id}},
            ),
            ("sale_field_changed", lambda lead: lead.price, lambda lead: {"sale_field_value": {"sale": lead.price}}),
            ("name_field_changed", lambda lead: lead.name, lambda lead: {"name_field_value": {"name": lead.name}}),
            (
                "entity_responsible_changed",
                lambda lead: lead.responsible_user_id,
                lambda lead: {"responsible_user": {"id": lead.responsible_user_id}},
            ),
        )
        for event_type, aspect, shape in shapes:
            if aspect(old) != aspect(new):
                self.log(event_type, entity, by, at, after=[shape(new)], before=[shape(old)])
        self._log_fields(old, new, by, at)
        self._log_tags(old, new, by, at)

    def _log_fields(self, old: Lead, new: Lead, by: int, at: float) -> None:
        if old.fields == new.fields:
            return
        for field_id in dict.fromkeys((*old.fields, *new.fields)):
            before, after = old.fields.get(field_id, ()), new.fields.get(field_id, ())
            if before != after:
                self.log(
                    f"custom_field_{field_id}_value_changed",
                    ("lead", new.id),
                    by,
                    at,
                    after=self._event_values(field_id, after),
                    before=self._event_values(field_id, before),
                )

    def _event_values(self, field_id: int, values: tuple[Value, ...]) -> list[dict[str, Any]]:
        definition = self.fields.get(field_id)
        shown = []
        for value in values:
            option = definition.option(value.enum_id) if definition is not None else None
            text = option.label if value.value is None and option is not None else str(value.value)
            shown.append({"custom_field_value": {"field_id": field_id, "enum_id": value.enum_id, "text": text}})
        return shown

    def _log_tags(self, old: Lead, new: Lead, by: int, at: float) -> None:
        for tag_id in new.tag_ids:
            if tag_id not in old.tag_ids:
                shown = {"tag": {"name": self.tags[tag_id].name}}
                self.log("entity_tag_added", ("lead", new.id), by, at, after=[shown])
        for tag_id in old.tag_ids:
            if tag_id not in new.tag_ids:
                shown = {"tag": {"name": self.tags[tag_id].name}}
                self.log("entity_tag_deleted", ("lead", new.id), by, at, before=[shown])
