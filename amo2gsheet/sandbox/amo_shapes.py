"""The JSON of leads, contacts, companies and events, keys in the order of real answers. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from amo2gsheet.sandbox.amo_directory_shapes import DirectoryShapes, JsonObject
from amo2gsheet.sandbox.amo_entities import Company, Contact, Event, Lead
from amo2gsheet.sandbox.amo_values import shown_fields

_EVENT_PATHS = {"lead": "leads", "contact": "contacts", "company": "companies"}


@dataclass(frozen=True, slots=True)
class Shapes(DirectoryShapes):
    """Makes JSON of entities and events too."""

    def _shared(self, kind: str, entity: Lead | Contact | Company, query: str) -> JsonObject:
        return {
            "closest_task_at": None,
            "is_deleted": False,
            "custom_fields_values": shown_fields(self.account.fields, entity.fields, self.account.knobs.numeric_as),
            "account_id": self.account.id,
            "_links": self.link(f"{kind}/{entity.id}", query),
        }

    def lead(self, lead: Lead, with_: frozenset[str] = frozenset(), query: str = "") -> JsonObject:
        """A lead; `query` is appended to its self link, as real lists do."""
        shared = self._shared("leads", lead, query)
        shape: JsonObject = {
            "id": lead.id,
            "name": lead.name,
            "price": int(lead.price),
            "responsible_user_id": lead.responsible_user_id,
            "group_id": 0,
            "status_id": lead.status_id,
            "pipeline_id": lead.pipeline_id,
            "loss_reason_id": lead.loss_reason_id,
            **({"source_id": None} if "source_id" in with_ else {}),
            "created_by": lead.created_by,
            "updated_by": lead.updated_by,
            "created_at": lead.created_at,
            "updated_at": lead.updated_at,
            "closed_at": lead.closed_at,
            "closest_task_at": shared["closest_task_at"],
            "is_deleted": False,
            "custom_fields_values": shared["custom_fields_values"],
            "score": None,
            "account_id": self.account.id,
            "labor_cost": None,
            **({"is_price_modified_by_robot": False} if "is_price_modified_by_robot" in with_ else {}),
            **({"price_with_minor_units": lead.price} if isinstance(lead.price, float) else {}),
            **({"is_price_computed": False, "ai_summary": {"text": None}} if self.account.knobs.extra_keys else {}),
            "_links": shared["_links"],
            "_embedded": self._lead_parts(lead, with_),
        }
        return shape

    def _lead_parts(self, lead: Lead, with_: frozenset[str]) -> JsonObject:
        tags = [self.account.tags[tag_id] for tag_id in lead.tag_ids]
        company = [] if lead.company_id is None else [lead.company_id]
        parts: JsonObject = {
            "tags": [self.tag(tag) for tag in tags],
            "companies": [{"id": found, "_links": self.link(f"companies/{found}")} for found in company],
        }
        if "contacts" in with_:
            parts["contacts"] = [
                {"id": found.contact_id, "is_main": found.is_main, "_links": self.link(f"contacts/{found.contact_id}")}
                for found in lead.contacts
            ]
        if "loss_reason" in with_:
            reason = self.account.loss_reasons.get(lead.loss_reason_id or 0)
            parts["loss_reason"] = [self.loss_reason(reason)] if reason is not None else []
        if "catalog_elements" in with_:
            parts["catalog_elements"] = []
        return parts

    def trashed_lead(self, lead: Lead, query: str = "") -> JsonObject:
        """A row of `with=only_deleted`: nearly every key is null."""
        told = {
            "id": lead.id,
            "is_deleted": True,
            "updated_at": lead.updated_at,
            "updated_by": lead.updated_by,
            "account_id": self.account.id,
            "_links": self.link(f"leads/{lead.id}", query),
        }
        return {key: told.get(key) for key in self.lead(lead) if key != "_embedded"}

    def contact(self, contact: Contact, with_: frozenset[str] = frozenset(), query: str = "") -> JsonObject:
        """A contact."""
        shape: JsonObject = {
            "id": contact.id,
            "name": contact.name,
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            **self._history(contact),
            **self._shared("contacts", contact, query),
        }
        company = [] if contact.company_id is None else [contact.company_id]
        parts: JsonObject = {
            "tags": [],
            "companies": [{"id": found, "_links": self.link(f"companies/{found}")} for found in company],
        }
        if "leads" in with_:
            linked = (
                lead.id
                for lead in self.account.leads.current.values()
                if any(link.contact_id == contact.id for link in lead.contacts)
            )
            parts["leads"] = self._ids("leads", linked)
        return {**shape, "_embedded": parts}

    def company(self, company: Company, with_: frozenset[str] = frozenset(), query: str = "") -> JsonObject:
        """A company."""
        parts: JsonObject = {"tags": []}
        if "leads" in with_:
            leads = self.account.leads.current.values()
            parts["leads"] = self._ids("leads", (lead.id for lead in leads if lead.company_id == company.id))
        if "contacts" in with_:
            contacts = self.account.contacts.current.values()
            parts["contacts"] = self._ids("contacts", (one.id for one in contacts if one.company_id == company.id))
        return {
            "id": company.id,
            "name": company.name,
            **self._history(company),
            **self._shared("companies", company, query),
            "_embedded": parts,
        }

    def _history(self, entity: Contact | Company) -> JsonObject:
        return {
            "responsible_user_id": entity.responsible_user_id,
            "group_id": 0,
            "created_by": entity.created_by,
            "updated_by": entity.updated_by,
            "created_at": entity.created_at,
            "updated_at": entity.updated_at,
            **({"is_unsorted": False} if self.account.knobs.extra_keys else {}),
        }

    def _ids(self, kind: str, ids: Iterable[int]) -> list[JsonObject]:
        return [{"id": found, "_links": self.link(f"{kind}/{found}")} for found in ids]

    def event(self, event: Event, with_: frozenset[str]) -> JsonObject:
        """A line of the event log; `with=lead_name` adds the lead's name."""
        entity: JsonObject = {"id": event.entity_id}
        lead = self.account.leads.current.get(event.entity_id)
        if "lead_name" in with_ and event.entity_type == "lead" and lead is not None:
            entity["name"] = lead.name
        entity["_links"] = self.link(f"{_EVENT_PATHS[event.entity_type]}/{event.entity_id}")
        return {
            "id": event.id,
            "type": event.type,
            "entity_id": event.entity_id,
            "entity_type": event.entity_type,
            "created_by": event.created_by,
            "created_at": event.created_at,
            "value_after": list(event.value_after),
            "value_before": list(event.value_before),
            "account_id": self.account.id,
            "_links": self.link(f"events/{event.id}"),
            "_embedded": {"entity": entity},
        }
