"""The account and what people do in it: leads, contacts, companies.

Each act takes its time from the clock, bumps `updated_at` as amoCRM does, and writes its events. Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from amo2gsheet.sandbox.amo_changes import Changes
from amo2gsheet.sandbox.amo_entities import Company, Contact, ContactLink, EntityType, Lead, Value
from amo2gsheet.sandbox.amo_values import parse_values, with_fields, written_form


class Account(Changes):
    """One amoCRM account. Every `add_…` returns the new ID; `by` is a user ID, by default the first administrator."""

    # Readers.

    def lead(self, lead_id: int) -> Lead | None:
        """The current version, or None where the lead is missing, trashed or merged away."""
        self.present()
        return self.leads.current.get(lead_id)

    def contact(self, contact_id: int) -> Contact | None:
        """The current version of a contact, or None."""
        return self.contacts.current.get(contact_id)

    def company(self, company_id: int) -> Company | None:
        """The current version of a company, or None."""
        return self.companies.current.get(company_id)

    def lead_value(self, lead_id: int, field_name: str) -> Any:
        """The plain value of a lead's custom field: None, one value, or a list; options by their labels."""
        definition = self.field_named("leads", field_name)
        values = self.leads.current[lead_id].fields.get(definition.id, ())
        plain = [
            option.label if value.value is None and (option := definition.option(value.enum_id)) else value.value
            for value in values
        ]
        return plain[0] if len(plain) == 1 else plain or None

    # Leads.

    def add_lead(
        self,
        name: str = "",
        *,
        price: float = 0,
        pipeline_id: int | None = None,
        status_id: int | None = None,
        contacts: Sequence[int] = (),
        main_contact: int | None = None,
        company: int | None = None,
        fields: Mapping[str, Any] | None = None,
        tags: Iterable[str] = (),
        responsible: int | None = None,
        created_by: int | None = None,
        created_at: int | None = None,
        updated_at: int | None = None,
        lead_id: int | None = None,
    ) -> int:
        """Make a lead; the first contact is the main one unless said, the stage the first of the main pipeline.

        `fields` maps names of custom fields to values. With `created_at` alone the lead was never touched since.
        """
        at = self.present()
        by = self.owner_id() if created_by is None else created_by
        pipeline = self.pipelines[pipeline_id] if pipeline_id is not None else self.main_pipeline()
        lead_id = self.new_id(lead_id)
        created = self.stamp(at) if created_at is None else created_at
        main = contacts[0] if main_contact is None and contacts else main_contact
        lead = Lead(
            id=lead_id,
            name=name or f"Сделка #{lead_id}",
            price=price,
            responsible_user_id=self.owner_id() if responsible is None else responsible,
            status_id=pipeline.first_stage.id if status_id is None else status_id,
            pipeline_id=pipeline.id,
            created_by=by,
            updated_by=by,
            created_at=created,
            updated_at=created if updated_at is None else updated_at,
            fields=self.entered("leads", {}, fields or {}),
            contacts=tuple(ContactLink(contact, contact == main) for contact in contacts),
            company_id=company,
            tag_ids=tuple(self.tag_named(tag).id for tag in tags),
        )
        self.insert_lead(lead, at)
        return lead_id

    def move_lead(self, lead_id: int, pipeline_id: int, status_id: int, *, by: int | None = None) -> None:
        """Move a lead to a stage."""
        self._edit(lead_id, by, {"pipeline_id": pipeline_id, "status_id": status_id})

    def edit_lead(
        self,
        lead_id: int,
        *,
        by: int | None = None,
        fields: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        contacts: Sequence[int] | None = None,
        **changes: Any,
    ) -> None:
        """Change a lead in amoCRM's window.

        `fields` maps names of custom fields to values, None clears; `tags` and `contacts` replace, the first contact is the
        main one; further keywords: `name`, `price`, `responsible`, `company` (None unlinks), `loss_reason_id`.
        """
        lead = self.leads.current[lead_id]
        for word, key in (("responsible", "responsible_user_id"), ("company", "company_id")):
            if word in changes:
                changes[key] = changes.pop(word)
        if fields is not None:
            changes["fields"] = self.entered("leads", lead.fields, fields)
        if tags is not None:
            changes["tag_ids"] = tuple(self.tag_named(tag).id for tag in tags)
        if contacts is not None:
            changes["contacts"] = tuple(ContactLink(contact, place == 0) for place, contact in enumerate(contacts))
        self._edit(lead_id, by, changes)

    def _edit(self, lead_id: int, by: int | None, changes: Mapping[str, Any]) -> None:
        at = self.present()
        self.revise_lead(self.leads.current[lead_id], self.owner_id() if by is None else by, at, **changes)

    def trash_lead(self, lead_id: int, *, by: int | None = None) -> None:
        """Move a lead to the trash: it leaves the lists and GET by ID."""
        self._remove_lead(lead_id, by, self.present())
        self.log("lead_deleted", ("lead", lead_id), self._person(by), self.present())

    def restore_lead(self, lead_id: int, *, by: int | None = None) -> None:
        """Take a lead back out of the trash."""
        at = self.present()
        lead = replace(self.trash.pop(lead_id), updated_at=self.stamp(at), updated_by=self._person(by))
        self.leads.put(lead, at)
        self.log("lead_restored", ("lead", lead_id), self._person(by), at)

    def merge_leads(self, winner_id: int, loser_id: int, *, by: int | None = None) -> None:
        """Merge two leads: the winner gets what it lacks, the loser is gone for good."""
        at = self.present()
        winner = self.leads.current[winner_id]
        loser = self.leads.drop(loser_id, at)
        known = {link.contact_id for link in winner.contacts}
        more = tuple(ContactLink(link.contact_id, False) for link in loser.contacts if link.contact_id not in known)
        self.revise_lead(
            winner,
            self._person(by),
            at,
            fields={**loser.fields, **winner.fields},
            contacts=winner.contacts + (more if winner.contacts else loser.contacts),
            company_id=winner.company_id if winner.company_id is not None else loser.company_id,
            tag_ids=tuple(dict.fromkeys((*winner.tag_ids, *loser.tag_ids))),
            price=winner.price or loser.price,
        )
        self.log("entity_merged", ("lead", winner_id), self._person(by), at)

    def _remove_lead(self, lead_id: int, by: int | None, at: float) -> None:
        lead = self.leads.drop(lead_id, at)
        self.trash[lead_id] = replace(lead, updated_at=self.stamp(at), updated_by=self._person(by))

    def _person(self, by: int | None) -> int:
        return self.owner_id() if by is None else by

    # Contacts and companies.

    def add_contact(
        self,
        name: str,
        phones: Sequence[str] = (),
        emails: Sequence[str] = (),
        *,
        fields: Mapping[str, Any] | None = None,
        company: int | None = None,
        contact_id: int | None = None,
    ) -> int:
        """Make a contact."""
        at = self.present()
        now, by = self.stamp(at), self.owner_id()
        values = self._reachable("contacts", self.entered("contacts", {}, fields or {}), phones, emails)
        contact_id = self.new_id(contact_id)
        contact = Contact(contact_id, name, by, by, by, now, now, fields=values, company_id=company)
        self.insert_contact(contact, at)
        return contact_id

    def edit_contact(
        self,
        contact_id: int,
        *,
        name: str | None = None,
        phones: Sequence[str] | None = None,
        emails: Sequence[str] | None = None,
        fields: Mapping[str, Any] | None = None,
        bump_leads: bool | None = None,
    ) -> None:
        """Change a contact. Its leads' `updated_at` stay as they are unless `bump_leads` or the knob says so."""
        at = self.present()
        contact = self.contacts.current[contact_id]
        values = self._reachable("contacts", self.entered("contacts", contact.fields, fields or {}), phones, emails)
        self.revise_contact(replace(contact, name=contact.name if name is None else name, fields=values), at)
        if self.knobs.contact_bump if bump_leads is None else bump_leads:
            self.touch_leads(lambda lead: any(link.contact_id == contact_id for link in lead.contacts), at)

    def delete_contact(self, contact_id: int) -> None:
        """Delete a contact; its leads lose the link without being bumped."""
        at = self.present()
        self.contacts.drop(contact_id, at)
        for lead in list(self.leads.current.values()):
            if any(link.contact_id == contact_id for link in lead.contacts):
                left = tuple(link for link in lead.contacts if link.contact_id != contact_id)
                self.leads.put(replace(lead, contacts=left), at)

    def add_company(
        self,
        name: str,
        phones: Sequence[str] = (),
        emails: Sequence[str] = (),
        *,
        fields: Mapping[str, Any] | None = None,
        company_id: int | None = None,
    ) -> int:
        """Make a company."""
        at = self.present()
        now, by = self.stamp(at), self.owner_id()
        values = self._reachable("companies", self.entered("companies", {}, fields or {}), phones, emails)
        company_id = self.new_id(company_id)
        self.insert_company(Company(company_id, name, by, by, by, now, now, fields=values), at)
        return company_id

    def edit_company(self, company_id: int, *, name: str | None = None, bump_leads: bool | None = None) -> None:
        """Rename a company. Its leads' `updated_at` stay as they are unless `bump_leads` or the knob says so."""
        at = self.present()
        company = self.companies.current[company_id]
        renamed = company.name if name is None else name
        self.companies.put(replace(company, name=renamed, updated_at=self.stamp(at), updated_by=self.owner_id()), at)
        if self.knobs.contact_bump if bump_leads is None else bump_leads:
            self.touch_leads(lambda lead: lead.company_id == company_id, at)

    # Values as a person enters them.

    def entered(
        self, entity_type: EntityType, present: Mapping[int, tuple[Value, ...]], fields: Mapping[str, Any]
    ) -> Mapping[int, tuple[Value, ...]]:
        """The field values after a person entered some by the fields' names."""
        changes: dict[int, tuple[Value, ...]] = {}
        for name, value in fields.items():
            definition = self.field_named(entity_type, name)
            written = written_form(definition, value, self.zone)
            changes[definition.id] = parse_values(definition, written, self.value_rules) or ()
        return with_fields(present, changes)

    def _reachable(
        self,
        entity_type: EntityType,
        present: Mapping[int, tuple[Value, ...]],
        phones: Sequence[str] | None,
        emails: Sequence[str] | None,
    ) -> Mapping[int, tuple[Value, ...]]:
        changes: dict[int, tuple[Value, ...]] = {}
        for code, texts in (("PHONE", phones), ("EMAIL", emails)):
            if texts is not None:
                definition = self.field_coded(entity_type, code)
                changes[definition.id] = tuple(Value(text, definition.options[0].id) for text in texts)
        return with_fields(present, changes)
