"""PATCH /leads and /leads/{id}: the whole request is checked before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.sandbox.amo_checks import Check, Item, embedded, is_int
from amo2gsheet.sandbox.amo_desk import Desk
from amo2gsheet.sandbox.amo_entities import INCOMING, LOST, Lead, Value
from amo2gsheet.sandbox.amo_problems import (
    Problem,
    business_errors,
    empty_body,
    json_answer,
    missing,
    not_a_choice,
    problem,
    too_many,
    validation_failed,
    wrong_type,
)
from amo2gsheet.sandbox.amo_values import with_fields
from amo2gsheet.sandbox.exchange import Answer

MOST_ITEMS = 250
_NOT_FOUND = "Lead not found"
_PLAIN = ("name", "price", "created_by", "updated_by", "created_at", "updated_at", "closed_at", "responsible_user_id")

TagPromises = list[Callable[[], int]]


@dataclass(frozen=True, slots=True)
class Order:
    """One checked item: what it changes once the whole request has proved good."""

    item: Item
    lead_id: int
    stage: tuple[int, int] | None
    fields: dict[int, tuple[Value, ...]]
    tags: TagPromises | None
    add_tags: TagPromises
    delete_tags: TagPromises


def patch_leads(desk: Desk) -> Answer:
    """PATCH /leads."""
    items = desk.body()
    if not isinstance(items, list):
        return validation_failed([("0", [wrong_type("", "array")])])
    if not items:
        return empty_body()
    if len(items) > MOST_ITEMS:
        return too_many(MOST_ITEMS)
    checked = _checked(desk, items)
    if isinstance(checked, Answer):
        return checked
    gone = {order.lead_id: _NOT_FOUND for order in checked if order.lead_id not in desk.account.leads.current}
    if gone:
        return business_errors(_named(desk, gone))
    refused = _refused(desk, checked)
    if refused is not None:
        return refused
    results = [_result(desk, order) for order in checked]
    return json_answer({"_links": desk.shapes.link("leads"), "_embedded": {"leads": results}})


def patch_lead(desk: Desk, lead_id: str) -> Answer:
    """PATCH /leads/{id}."""
    item = desk.body()
    if not isinstance(item, dict):
        return validation_failed([("0", [wrong_type("", "array")])])
    if not item:
        return empty_body()
    if int(lead_id) not in desk.account.leads.current:
        if desk.knobs.patch_missing == "errors":
            return business_errors({int(lead_id): _NOT_FOUND})
        return problem(404, _NOT_FOUND)
    checked = _checked(desk, [{**item, "id": int(lead_id)}])
    if isinstance(checked, Answer):
        return checked
    refused = _refused(desk, checked)
    return json_answer(_result(desk, checked[0])) if refused is None else refused


def _checked(desk: Desk, items: Sequence[Any]) -> list[Order] | Answer:
    """Check all items; the answer that refuses them where one is bad."""
    orders: list[Order] = []
    bad: list[tuple[str, Sequence[Problem]]] = []
    for index, item in enumerate(items):
        request_id = str(item.get("request_id", index)) if isinstance(item, dict) else str(index)
        order, problems = _check(desk, item)
        if problems:
            bad.append((request_id, problems))
        elif order is not None:
            orders.append(order)
    if bad:
        return validation_failed(bad if desk.knobs.refuse_names == "all" else bad[:1])
    if any(order.lead_id in desk.knobs.forbidden_leads for order in orders):
        return problem(403, "Access denied")
    return orders


def _check(desk: Desk, item: Any) -> tuple[Order | None, list[Problem]]:
    if not isinstance(item, dict):
        return None, [wrong_type("", "array")]
    if "id" not in item:
        return None, [missing("id")]
    lead_id = item["id"]
    if not is_int(lead_id):
        return None, [wrong_type("id", "int")]
    check = Check(desk.account, item)
    if desk.knobs.refuse_leads.get(lead_id) == "validation":
        check.add(not_a_choice("status_id"))
    check.types()
    if check.problems:
        return None, check.problems
    check.users()
    check.loss_reason()
    lead = desk.account.leads.current.get(lead_id)
    order = Order(
        item,
        lead_id,
        check.stage(None if lead is None else desk.account.pipelines[lead.pipeline_id]),
        check.fields("leads"),
        check.tags("tags", embedded(item)),
        check.tags("tags_to_add", item) or [],
        check.tags("tags_to_delete", item) or [],
    )
    return order, check.problems


def _refused(desk: Desk, orders: Sequence[Order]) -> Answer | None:
    """The business rules, which name leads by their IDs."""
    errors: dict[int, str] = {}
    for order in orders:
        lead = desk.account.leads.current[order.lead_id]
        status_id = order.stage[1] if order.stage is not None else lead.status_id
        if desk.knobs.refuse_leads.get(order.lead_id) == "errors":
            errors[order.lead_id] = "Lead cannot be changed"
        elif order.item.get("loss_reason_id") is not None and status_id != LOST:
            errors[order.lead_id] = "Loss reason can be specified only for lost lead"
    return business_errors(_named(desk, errors)) if errors else None


def _named(desk: Desk, errors: dict[int, str]) -> dict[int, str]:
    return errors if desk.knobs.refuse_names == "all" else dict(list(errors.items())[:1])


def _result(desk: Desk, order: Order) -> dict[str, Any]:
    """Carry one item out and tell what came of it."""
    account = desk.account
    lead = account.leads.current[order.lead_id]
    if order.lead_id in desk.knobs.swallow_patches:
        updated_at = account.stamp(desk.at)
        if desk.knobs.swallow_bumps:
            account.revise_lead(lead, desk.user_id, desk.at)
    else:
        new = account.revise_lead(lead, desk.user_id, desk.at, **_changes(desk, lead, order))
        updated_at = new.updated_at
        if new.stage != lead.stage:
            account.schedule_robot(new, desk.at)
    echoed = {"request_id": str(order.item["request_id"])} if "request_id" in order.item else {}
    return {"id": lead.id, "updated_at": updated_at, **echoed, "_links": desk.shapes.link(f"leads/{lead.id}")}


def _changes(desk: Desk, lead: Lead, order: Order) -> dict[str, Any]:
    changes: dict[str, Any] = {key: order.item[key] for key in _PLAIN if key in order.item}
    if "loss_reason_id" in order.item:
        changes["loss_reason_id"] = order.item["loss_reason_id"]
    stage = order.stage or _out_of_incoming(desk, lead)
    if stage is not None:
        changes["pipeline_id"], changes["status_id"] = stage
    if order.fields:
        changes["fields"] = with_fields(lead.fields, order.fields)
    tag_ids = _tag_ids(desk, lead, order)
    if tag_ids != lead.tag_ids:
        changes["tag_ids"] = tag_ids
    return changes


def _out_of_incoming(desk: Desk, lead: Lead) -> tuple[int, int] | None:
    """Any edit of an incoming lead accepts it: it goes to the first ordinary stage."""
    pipeline = desk.account.pipelines[lead.pipeline_id]
    stage = pipeline.stage(lead.status_id)
    return (pipeline.id, pipeline.first_stage.id) if stage is not None and stage.type == INCOMING else None


def _tag_ids(desk: Desk, lead: Lead, order: Order) -> tuple[int, ...]:
    present = lead.tag_ids
    if order.tags is not None:
        present = tuple(promise() for promise in order.tags)
    elif "tags" in embedded(order.item) and desk.knobs.null_tags_clear:
        present = ()
    deleted = {promise() for promise in order.delete_tags}
    added = (promise() for promise in order.add_tags)
    return tuple(dict.fromkeys(tag_id for tag_id in (*present, *added) if tag_id not in deleted))
