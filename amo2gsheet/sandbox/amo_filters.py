"""`filter[…]` of leads, contacts and companies as one test per entity. What is no filter there is ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from amo2gsheet.sandbox.amo_account import Account
from amo2gsheet.sandbox.amo_entities import Company, Contact, Lead, Value
from amo2gsheet.sandbox.amo_queries import Bounds, Node, bounds, branch, number, numbers, texts

Entity = Lead | Contact | Company
EntityTest = Callable[[Any], bool]
Kind = Literal["inclusive", "exclusive"]

_RANGED = frozenset(("date", "date_time", "birthday", "numeric"))
_USERS = ("created_by", "updated_by", "responsible_user_id")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list was asked for: IDs (None: all), bounds of `updated_at`, and the rest as one test (None: passes all)."""

    ids: tuple[int, ...] | None
    updated: Bounds
    test: EntityTest | None


def read_filter(account: Account, query: dict[str, Node], *, is_lead: bool) -> Filter:
    """Read all filters of a query; none where the account has filters switched off."""
    asked = query.get("filter") if account.knobs.filters_enabled else None
    node = asked if isinstance(asked, dict) else {}
    kind = account.knobs.bounds
    tests = [*_shared_tests(node, kind), *_field_tests(account, node, kind)]
    if is_lead:
        tests += _lead_tests(account, node, kind)
    text = query.get("query")
    if isinstance(text, str) and text.strip():
        tests.append(_full_text(text.strip().casefold()))
    ids = numbers(node.get("id"))
    return Filter(
        tuple(dict.fromkeys(ids)) if "id" in node else None,
        bounds(node.get("updated_at"), kind) or Bounds(),
        _all_of(tests),
    )


def _all_of(tests: list[EntityTest]) -> EntityTest | None:
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda entity: all(test(entity) for test in tests)


def _shared_tests(node: dict[str, Node], kind: Kind) -> list[EntityTest]:
    tests: list[EntityTest] = []
    wanted = texts(node.get("name"))
    if wanted:
        tests.append(lambda entity: entity.name in wanted)
    for key in _USERS:
        tests += _among(key, numbers(node.get(key)))
    return tests + _within("created_at", bounds(node.get("created_at"), kind))


def _among(key: str, wanted: list[int]) -> list[EntityTest]:
    return [lambda entity: getattr(entity, key) in wanted] if wanted else []


def _within(key: str, wanted: Bounds | None) -> list[EntityTest]:
    return [lambda entity: wanted.holds(getattr(entity, key))] if wanted is not None else []


def _lead_tests(account: Account, node: dict[str, Node], kind: Kind) -> list[EntityTest]:
    tests = _within("price", bounds(node.get("price"), kind)) + _within("closed_at", bounds(node.get("closed_at"), kind))
    tests += _among("pipeline_id", numbers(node.get("pipeline_id")))
    stages = stage_keys(node.get("statuses"))
    if stages:
        tests.append(lambda lead: lead.stage in stages)
    hidden = account.incoming_in_use - stages
    if hidden and not account.knobs.unsorted_in_list:
        tests.append(lambda lead: lead.stage not in hidden)
    return tests


def stage_keys(node: Node) -> set[tuple[int, int]]:
    """`[i][pipeline_id]` with `[i][status_id]`; an element with only one of them is ignored."""
    found: set[tuple[int, int]] = set()
    for element in node.values() if isinstance(node, dict) else ():
        pipeline_id, status_id = number(branch(element, "pipeline_id")), number(branch(element, "status_id"))
        if pipeline_id is not None and status_id is not None:
            found.add((pipeline_id, status_id))
    return found


def _field_tests(account: Account, node: dict[str, Node], kind: Kind) -> list[EntityTest]:
    wanted = node.get("custom_fields_values")
    tests: list[EntityTest] = []
    for field_key, asked in wanted.items() if isinstance(wanted, dict) else ():
        definition = account.fields.get(number(field_key) or 0)
        if definition is None:
            continue
        limits = bounds(asked, kind) if isinstance(asked, dict) and ("from" in asked or "to" in asked) else None
        if limits is not None:
            tests += [_field_within(definition.id, limits)] if definition.type in _RANGED else []
        elif texts(asked):
            wants_unset = definition.type == "checkbox" and "0" in texts(asked)
            tests.append(_field_among(definition.id, frozenset(texts(asked)), wants_unset=wants_unset))
    return tests


def _field_within(field_id: int, limits: Bounds) -> EntityTest:
    return lambda entity: any(limits.holds(float(value.value)) for value in entity.fields.get(field_id, ()))


def _field_among(field_id: int, wanted: frozenset[str], *, wants_unset: bool) -> EntityTest:
    def test(entity: Entity) -> bool:
        values = entity.fields.get(field_id, ())
        return any(_as_text(value) in wanted for value in values) or (wants_unset and not values)

    return test


def _as_text(value: Value) -> str:
    if value.value is None or value.value is True:
        return str(value.enum_id) if value.value is None else "1"
    return str(value.value)


def _full_text(wanted: str) -> EntityTest:
    def test(entity: Entity) -> bool:
        filled = (str(value.value) for values in entity.fields.values() for value in values if value.value is not None)
        return any(wanted in text.casefold() for text in (entity.name, str(entity.id), *filled))

    return test
