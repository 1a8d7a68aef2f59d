"""New leads as amoCRM's JSON, and what its answer says became of each. Knows JSON, not HTTP; raises only `PayloadError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amo2gsheet.amo.shape import PayloadError, each, elements, flag, identifier, mapping
from amo2gsheet.model_import import Created, NewContact, NewField, NewLead

_ADDRESS_PART = "address_line_1"


def leads_body(leads: Sequence[NewLead]) -> list[dict[str, object]]:
    """The body of `POST /leads/complex`."""
    return [_lead(lead) for lead in leads]


def _lead(lead: NewLead) -> dict[str, object]:
    embedded: dict[str, object] = {"tags": [{"name": tag} for tag in lead.tags]}
    if lead.contact is not None:
        embedded["contacts"] = [_contact(lead.contact)]
    if lead.company:
        embedded["companies"] = [{"name": lead.company}]
    body: dict[str, object] = {
        "name": lead.name,
        "pipeline_id": lead.stage.pipeline_id,
        "status_id": lead.stage.status_id,
        "request_id": lead.request_id,
        "_embedded": embedded,
    }
    if lead.price is not None:
        body["price"] = lead.price
    if lead.fields:
        body["custom_fields_values"] = [_field(one) for one in lead.fields]
    return body


def _contact(contact: NewContact) -> dict[str, object]:
    body: dict[str, object] = {"name": contact.name}
    coded = [(code, kept) for code, kept in (("PHONE", contact.phones), ("EMAIL", contact.emails)) if kept]
    if coded:
        body["custom_fields_values"] = [
            {"field_code": code, "values": [{"value": one, "enum_code": "WORK"} for one in kept]} for code, kept in coded
        ]
    return body


def _field(field: NewField) -> dict[str, object]:
    return {"field_id": field.field_id, "values": [_value(value, field.type) for value in field.values]}


def _value(value: str | int | float | bool, field_type: str) -> dict[str, object]:
    if field_type == "smart_address":
        return {"value": value, "enum_code": _ADDRESS_PART}
    if field_type == "legal_entity":
        return {"value": {"name": value}}
    return {"value": value}


def created(body: object, leads: Sequence[NewLead]) -> dict[str, Created]:
    """`request_id` → what became of that lead, for those that the answer speaks of.

    One entry may stand for several leads: amoCRM's duplicate control puts them into one.

    Raises:
        PayloadError: it is no such answer.
    """
    if not isinstance(body, list):
        raise PayloadError("", "is no array")
    asked = {lead.request_id for lead in leads}
    found: dict[str, Created] = {}
    for request_ids, one in each(body, "", _answer):
        found |= {request_id: one for request_id in request_ids if request_id in asked}
    return found


def _answer(item: Mapping[str, object]) -> tuple[list[str], Created]:
    given = item.get("request_id")
    request_ids = [given] if isinstance(given, (str, int)) else elements(item, "request_id")
    return [str(one) for one in request_ids], Created(identifier(item), flag(item, "merged"))


def refusals(problem: Mapping[str, object], leads: Sequence[NewLead]) -> dict[str, list[Mapping[str, object]]]:
    """`request_id` → amoCRM's errors, for the items that a refused batch names by `request_id` or place. Never fails."""
    by_name = {str(place): lead.request_id for place, lead in enumerate(leads)} | {
        one.request_id: one.request_id for one in leads
    }
    named: dict[str, list[Mapping[str, object]]] = {}
    validation = problem.get("validation-errors")
    for item in validation if isinstance(validation, list) else []:
        request_id = by_name.get(str(item.get("request_id"))) if isinstance(item, dict) else None
        if request_id is not None:
            errors = item.get("errors")
            named[request_id] = [mapping(one) for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return named
