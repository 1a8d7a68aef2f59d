"""GET of leads, contacts, companies and the directories. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amo2gsheet.sandbox.amo_desk import Desk
from amo2gsheet.sandbox.amo_entities import Company, Contact, EntityType, Lead
from amo2gsheet.sandbox.amo_filters import EntityTest, Filter, read_filter
from amo2gsheet.sandbox.amo_problems import json_answer, problem
from amo2gsheet.sandbox.amo_queries import (
    Page,
    Paging,
    branch,
    matching,
    names,
    numbers,
    ordering,
    page_of,
    paging,
    sorted_by,
    texts,
)
from amo2gsheet.sandbox.amo_tables import Table
from amo2gsheet.sandbox.exchange import Answer

_LISTED = 250
"""The page size nobody gets more than."""


def account_info(desk: Desk) -> Answer:
    """GET /account."""
    return json_answer(desk.shapes.account_info(desk.with_, desk.user_id))


def list_leads(desk: Desk) -> Answer:
    """GET /leads, the trash with `with=only_deleted`."""
    asked = paging(desk.query, desk.knobs.leads_page_cap)
    wanted = read_filter(desk.account, desk.query, is_lead=True)
    if "only_deleted" in desk.with_:
        return desk.listing("leads", _trash_page(desk, wanted, asked), desk.shapes.trashed_lead)
    with_ = desk.with_
    page = _page(desk, desk.account.leads, wanted, asked, _stale_leads(desk))
    return desk.listing("leads", page, lambda lead, query: desk.shapes.lead(lead, with_, query))


def one_lead(desk: Desk, lead_id: str) -> Answer:
    """GET /leads/{id}: always the current version."""
    lead = desk.account.leads.current.get(int(lead_id))
    return desk.missing_entity() if lead is None else json_answer(desk.shapes.lead(lead, desk.with_))


def list_contacts(desk: Desk) -> Answer:
    """GET /contacts."""
    return _list(desk, "contacts", desk.account.contacts)


def one_contact(desk: Desk, contact_id: str) -> Answer:
    """GET /contacts/{id}."""
    contact = desk.account.contacts.current.get(int(contact_id))
    return desk.missing_entity() if contact is None else json_answer(desk.shapes.contact(contact, desk.with_))


def list_companies(desk: Desk) -> Answer:
    """GET /companies."""
    return _list(desk, "companies", desk.account.companies)


def one_company(desk: Desk, company_id: str) -> Answer:
    """GET /companies/{id}."""
    company = desk.account.companies.current.get(int(company_id))
    return desk.missing_entity() if company is None else json_answer(desk.shapes.company(company, desk.with_))


def _list(desk: Desk, key: str, table: Table[Any]) -> Answer:
    wanted = read_filter(desk.account, desk.query, is_lead=False)
    page: Page[Contact | Company] = _page(desk, table, wanted, paging(desk.query, _LISTED), {})
    with_ = desk.with_
    shape = desk.shapes.contact if key == "contacts" else desk.shapes.company
    return desk.listing(key, page, lambda entity, query: shape(entity, with_, query))


def _page(desk: Desk, table: Table[Any], wanted: Filter, asked: Paging, stale: dict[int, Any]) -> Page[Any]:
    """Cut a page out of the list as the list is fed now: late, and with stale versions in place of newer ones."""
    order, descending = ordering(desk.query)
    if wanted.ids is not None:
        found = _by_ids(desk, table, wanted.ids, stale)
        return _small_page(found, wanted, asked, order, descending=descending)
    if stale:
        shown = [stale.get(entity.id, entity) for entity in table.in_order("id", None, None, descending=False)]
        return _small_page(shown, wanted, asked, order, descending=descending)
    if order == "updated_at":
        walk = table.in_order(order, wanted.updated.first, wanted.updated.last, descending=descending)
        return page_of(walk, wanted.test, asked)
    return page_of(table.in_order(order, None, None, descending=descending), _whole_test(wanted), asked)


def _whole_test(wanted: Filter) -> EntityTest | None:
    """The test with the bounds of `updated_at` in it."""
    if wanted.updated.first is None and wanted.updated.last is None:
        return wanted.test
    rest = wanted.test
    return lambda entity: wanted.updated.holds(entity.updated_at) and (rest is None or rest(entity))


def _small_page(entities: Sequence[Any], wanted: Filter, asked: Paging, order: str, *, descending: bool) -> Page[Any]:
    passing = matching(entities, _whole_test(wanted))
    return asked.page(sorted_by(order, passing, descending=descending))


def _by_ids(desk: Desk, table: Table[Any], ids: Sequence[int], stale: dict[int, Any]) -> list[Any]:
    lagging = desk.knobs.lag_in_id_filter
    versions = (
        (stale.get(one) or table.listed(one)) if lagging else table.current.get(one)
        for one in ids
        if one not in desk.knobs.bulk_omits
    )
    return [version for version in versions if version is not None]


def _stale_leads(desk: Desk) -> dict[int, Lead]:
    """The versions before the newest, of the leads whose list entry is stale now."""
    leads = desk.account.leads
    stale: dict[int, Lead] = {}
    for lead_id, until in desk.knobs.stale_leads.items():
        before = leads.previous(lead_id)
        if desk.at < until and before is not None and leads.listed(lead_id) is not None:
            stale[lead_id] = before
    return stale


def _trash_page(desk: Desk, wanted: Filter, asked: Paging) -> Page[Lead]:
    trash = desk.account.trash
    chosen = trash.values() if wanted.ids is None else [trash[one] for one in wanted.ids if one in trash]
    order, descending = ordering(desk.query)
    bounded = Filter(None, wanted.updated, None)
    return _small_page(list(chosen), bounded, asked, order, descending=descending)


# Directories.


def list_pipelines(desk: Desk) -> Answer:
    """GET /leads/pipelines: always the whole list."""
    return desk.whole("pipelines", [desk.shapes.pipeline(one) for one in desk.account.pipelines_in_order()])


def one_pipeline(desk: Desk, pipeline_id: str) -> Answer:
    """GET /leads/pipelines/{id}."""
    pipeline = desk.account.pipelines.get(int(pipeline_id))
    return problem(404, "Pipeline not found") if pipeline is None else json_answer(desk.shapes.pipeline(pipeline))


def list_stages(desk: Desk, pipeline_id: str) -> Answer:
    """GET /leads/pipelines/{id}/statuses."""
    pipeline = desk.account.pipelines.get(int(pipeline_id))
    if pipeline is None:
        return problem(404, "Pipeline not found")
    return desk.whole("statuses", desk.shapes.pipeline(pipeline)["_embedded"]["statuses"])


def list_fields(desk: Desk, entity_type: EntityType) -> Answer:
    """GET /leads/custom_fields, /contacts/custom_fields, /companies/custom_fields."""
    types = texts(branch(desk.query, "filter", "type"))
    definitions = [one for one in desk.account.fields_of(entity_type).values() if not types or one.type in types]
    page = paging(desk.query, desk.knobs.fields_page_cap).page(definitions)
    return desk.counted_listing("custom_fields", page, len(definitions), desk.shapes.custom_field)


def list_users(desk: Desk) -> Answer:
    """GET /users: for administrators only."""
    if not desk.account.users[desk.user_id].is_admin:
        return problem(403, "Access denied")
    users = list(desk.account.users.values())
    page = paging(desk.query, _LISTED).page(users)
    return desk.counted_listing("users", page, len(users), desk.shapes.user)


def list_tags(desk: Desk) -> Answer:
    """GET /leads/tags."""
    ids, wanted = numbers(branch(desk.query, "filter", "id")), names(branch(desk.query, "filter", "name"))
    tags = [tag for tag in desk.account.tags.values() if (not ids or tag.id in ids) and (not wanted or tag.name in wanted)]
    page = paging(desk.query, _LISTED).page(tags)
    return desk.listing("tags", page, lambda tag, _query: desk.shapes.tag(tag))


def list_loss_reasons(desk: Desk) -> Answer:
    """GET /leads/loss_reasons."""
    reasons = list(desk.account.loss_reasons.values())
    page = paging(desk.query, _LISTED).page(reasons)
    return desk.counted_listing("loss_reasons", page, len(reasons), desk.shapes.loss_reason)
