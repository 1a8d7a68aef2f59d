"""POST /leads and /leads/complex: the whole request is checked before anything is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from amo2gsheet.sandbox.amo_checks import Check, Item, embedded
from amo2gsheet.sandbox.amo_desk import Desk
from amo2gsheet.sandbox.amo_entities import CLOSED, Company, Contact, ContactLink, FieldValues, Lead, Value
from amo2gsheet.sandbox.amo_problems import (
    Problem,
    empty_body,
    json_answer,
    not_a_choice,
    problem,
    too_many,
    validation_failed,
    wrong_type,
)
from amo2gsheet.sandbox.amo_values import with_fields
from amo2gsheet.sandbox.exchange import Answer

_MOST_LEADS = 250
_MOST_COMPLEX = 50
_MOST_FIELDS = 40
"""Custom fields of one entity in `/leads/complex`."""


@dataclass(frozen=True, slots=True)
class Part:
    """A contact or company of a new lead: one that is there, or one to be made."""

    item: Item
    known_id: int | None
    fields: FieldValues


@dataclass(frozen=True, slots=True)
class Draft:
    """One checked item: the lead it asks for."""

    item: Item
    request_id: str
    stage: tuple[int, int]
    fields: dict[int, tuple[Value, ...]]
    tags: Sequence[Callable[[], int]]
    contacts: Sequence[Part]
    companies: Sequence[Part]


def post_leads(desk: Desk) -> Answer:
    """POST /leads: contacts and companies are linked by ID only."""
    drafts = _drafts(desk, _MOST_LEADS, 422, is_complex=False)
    if isinstance(drafts, Answer):
        return drafts
    results = []
    for draft in drafts:
        contacts = [
            ContactLink(part.item["id"], bool(part.item.get("is_main", place == 0))) for place, part in enumerate(draft.contacts)
        ]
        company_id = draft.companies[0].known_id if draft.companies else None
        lead = _make_lead(desk, draft, tuple(contacts), company_id)
        links = desk.shapes.link(f"leads/{lead.id}")
        results.append({"id": lead.id, "request_id": draft.request_id, "_links": links})
    return json_answer({"_links": desk.shapes.link("leads"), "_embedded": {"leads": results}})


def post_complex(desk: Desk) -> Answer:
    """POST /leads/complex: leads with a contact and a company each; the answer is a bare array."""
    drafts = _drafts(desk, _MOST_COMPLEX, desk.knobs.complex_too_many_status, is_complex=True)
    if isinstance(drafts, Answer):
        return drafts
    stored = _open_leads_by_reach(desk) if desk.knobs.duplicate_control else {}
    results: dict[int, dict[str, Any]] = {}
    for draft in drafts:
        twin = _stored_twin(desk, stored, draft)
        lead = _merge(desk, twin, draft) if twin is not None else _make_with_parts(desk, draft)
        if lead.id in results:
            results[lead.id]["request_id"].append(draft.request_id)
            continue
        results[lead.id] = {
            "id": lead.id,
            "contact_id": lead.contacts[0].contact_id if lead.contacts else None,
            "company_id": lead.company_id,
            "request_id": [draft.request_id],
            "merged": twin is not None,
        }
    answered = list(results.values())
    return json_answer(answered[::-1] if desk.knobs.complex_shuffled else answered)


# Checking.


def _drafts(desk: Desk, most: int, too_many_status: int, *, is_complex: bool) -> list[Draft] | Answer:
    items = desk.body()
    if not isinstance(items, list):
        return validation_failed([("0", [wrong_type("", "array")])])
    if not items:
        return empty_body()
    if len(items) > most:
        return too_many(most, too_many_status)
    drafts: list[Draft] = []
    bad: list[tuple[str, Sequence[Problem]]] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            bad.append((str(index), [wrong_type("", "array")]))
            continue
        request_id = str(item.get("request_id", index))
        draft, problems = _check(desk, item, request_id, is_complex=is_complex)
        if problems or draft is None:
            bad.append((request_id, problems))
        else:
            drafts.append(draft)
    return _refusal(desk, drafts, bad) or drafts


def _refusal(desk: Desk, drafts: Sequence[Draft], bad: list[tuple[str, Sequence[Problem]]]) -> Answer | None:
    """The refusal of a whole request: for what is wrong in it, or because a test wants one of its leads refused."""
    manners = {draft.request_id: desk.knobs.refuse_new.get(draft.item.get("name", "")) for draft in drafts}
    if "forbidden" in manners.values():
        return problem(403, "Access denied")
    if "unnamed" in manners.values():
        return problem(400, "Invalid request body")
    bad = [*bad, *((name, [not_a_choice("name")]) for name, manner in manners.items() if manner == "validation")]
    return validation_failed(bad if desk.knobs.refuse_names == "all" else bad[:1]) if bad else None


def _check(desk: Desk, item: Item, request_id: str, *, is_complex: bool) -> tuple[Draft | None, list[Problem]]:
    check = Check(desk.account, item)
    check.types()
    if check.problems:
        return None, check.problems
    check.users()
    stage = check.stage(None)
    if stage is None:
        main = desk.account.main_pipeline()
        stage = (main.id, main.first_stage.id)
    draft = Draft(
        item,
        request_id,
        _incoming(desk, stage) if "metadata" in embedded(item) else stage,
        check.fields("leads", _MOST_FIELDS if is_complex else None),
        [*(check.tags("tags", embedded(item)) or []), *(check.tags("tags_to_add", item) or [])],
        _parts(desk, check, "contacts", is_complex=is_complex),
        _parts(desk, check, "companies", is_complex=is_complex),
    )
    return draft, check.problems


def _incoming(desk: Desk, stage: tuple[int, int]) -> tuple[int, int]:
    """A lead with `metadata` is an incoming request: its status is ignored."""
    return (stage[0], desk.account.incoming_stage_id(stage[0]))


def _parts(desk: Desk, check: Check, kind: str, *, is_complex: bool) -> list[Part]:
    is_contacts = kind == "contacts"
    known = desk.account.contacts.current if is_contacts else desk.account.companies.current
    written = check.linked(kind, known)
    if len(written) > 1 and (is_complex or not is_contacts):
        check.add(Problem("TooMany", f"_embedded.{kind}", "This collection should contain 1 element or less."))
    parts: list[Part] = []
    for index, element in enumerate(written):
        path = f"_embedded.{kind}.{index}"
        if not is_complex and "id" not in element:
            check.add(Problem("FieldMissing", f"{path}.id", "This field is missing."))
        inner = Check(desk.account, element, path)
        inner.types()
        inner.users()
        fields = inner.fields("contacts" if is_contacts else "companies", _MOST_FIELDS)
        for found in inner.problems:
            check.add(found)
        parts.append(Part(element, element.get("id"), fields))
    return parts


# Making.


def _make_lead(desk: Desk, draft: Draft, contacts: tuple[ContactLink, ...], company_id: int | None) -> Lead:
    account, item = desk.account, draft.item
    lead_id, now = account.new_id(), account.stamp(desk.at)
    by = item.get("created_by", desk.user_id)
    lead = Lead(
        id=lead_id,
        name=item.get("name") or f"Сделка #{lead_id}",
        price=item.get("price", 0),
        responsible_user_id=item.get("responsible_user_id", desk.user_id),
        status_id=draft.stage[1],
        pipeline_id=draft.stage[0],
        created_by=by,
        updated_by=item.get("updated_by", by),
        created_at=item.get("created_at", now),
        updated_at=item.get("updated_at", now),
        closed_at=item.get("closed_at") if draft.stage[1] in CLOSED else None,
        loss_reason_id=item.get("loss_reason_id"),
        fields=with_fields({}, draft.fields),
        contacts=contacts,
        company_id=company_id,
        tag_ids=tuple(dict.fromkeys(promise() for promise in draft.tags)),
    )
    account.insert_lead(lead, desk.at)
    return lead


def _make_with_parts(desk: Desk, draft: Draft) -> Lead:
    company_id = _make_company(desk, draft.companies[0]) if draft.companies else None
    contacts: tuple[ContactLink, ...] = ()
    if draft.contacts:
        contacts = (ContactLink(_make_contact(desk, draft.contacts[0], company_id), True),)
    return _make_lead(desk, draft, contacts, company_id)


def _make_company(desk: Desk, part: Part) -> int:
    if part.known_id is not None:
        return part.known_id
    account, now = desk.account, desk.account.stamp(desk.at)
    person = part.item.get("responsible_user_id", desk.user_id)
    company_id = account.new_id()
    name = part.item.get("name", "")
    company = Company(company_id, name, person, desk.user_id, desk.user_id, now, now, with_fields({}, part.fields))
    account.insert_company(company, desk.at)
    return company_id


def _make_contact(desk: Desk, part: Part, company_id: int | None) -> int:
    account, now = desk.account, desk.account.stamp(desk.at)
    if part.known_id is not None:
        return part.known_id
    first, last = part.item.get("first_name", ""), part.item.get("last_name", "")
    contact = Contact(
        id=account.new_id(),
        name=part.item.get("name") or " ".join(word for word in (first, last) if word),
        responsible_user_id=part.item.get("responsible_user_id", desk.user_id),
        created_by=desk.user_id,
        updated_by=desk.user_id,
        created_at=now,
        updated_at=now,
        first_name=first,
        last_name=last,
        fields=with_fields({}, part.fields),
        company_id=company_id,
    )
    account.insert_contact(contact, desk.at)
    return contact.id


# Duplicate control.


def _open_leads_by_reach(desk: Desk) -> dict[tuple[int, str], Lead]:
    """(pipeline ID, phone or e-mail) → the first open lead whose contact has it."""
    found: dict[tuple[int, str], Lead] = {}
    for lead in desk.account.leads.current.values():
        if lead.status_id in CLOSED:
            continue
        for link in lead.contacts:
            contact = desk.account.contacts.current.get(link.contact_id)
            for reach in _reaches(desk, contact.fields) if contact is not None else ():
                found.setdefault((lead.pipeline_id, reach), lead)
    return found


def _stored_twin(desk: Desk, stored: dict[tuple[int, str], Lead], draft: Draft) -> Lead | None:
    for part in draft.contacts:
        for reach in _reaches(desk, part.fields):
            twin = stored.get((draft.stage[0], reach))
            if twin is not None:
                return desk.account.leads.current[twin.id]
    return None


def _reaches(desk: Desk, fields: FieldValues) -> list[str]:
    """Phones by their digits and e-mails in lower case."""
    found: list[str] = []
    for code in ("PHONE", "EMAIL"):
        definition = desk.account.field_coded("contacts", code)
        for value in fields.get(definition.id, ()):
            plain = re.sub(r"\D", "", value.value) if code == "PHONE" else value.value.strip().lower()
            found += [plain] if plain else []
    return found


def _merge(desk: Desk, twin: Lead, draft: Draft) -> Lead:
    """Fill what the stored lead lacks; what it has stays."""
    tag_ids = dict.fromkeys((*twin.tag_ids, *(promise() for promise in draft.tags)))
    filled = replace(twin, fields={**with_fields({}, draft.fields), **twin.fields}, tag_ids=tuple(tag_ids))
    return desk.account.revise_lead(
        twin, desk.user_id, desk.at, fields=filled.fields, tag_ids=filled.tag_ids, price=twin.price or draft.item.get("price", 0)
    )
