"""GET /events: the log of what happened, newest first, with the filters of its own page. They need no paid option."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from amo2gsheet.sandbox.amo_desk import Desk
from amo2gsheet.sandbox.amo_entities import Event
from amo2gsheet.sandbox.amo_filters import stage_keys
from amo2gsheet.sandbox.amo_problems import Problem, validation_failed
from amo2gsheet.sandbox.amo_queries import Bounds, Node, bounds, branch, number, numbers, paging, texts
from amo2gsheet.sandbox.exchange import Answer

_MOST_IDS = 10

EventTest = Callable[[Event], bool]


def list_events(desk: Desk) -> Answer:
    """GET /events."""
    asked = desk.query.get("filter")
    node = asked if isinstance(asked, dict) else {}
    refused = _refused(node)
    if refused is not None:
        return validation_failed([("0", [refused])])
    tests = _tests(desk, node)
    shown_until = desk.at - desk.knobs.events_lag_seconds
    log = desk.account.events if _is_ascending(desk.query) else reversed(desk.account.events)
    passing = (event for event in log if event.shown_from <= shown_until and all(test(event) for test in tests))
    page = paging(desk.query, desk.knobs.events_page_cap)
    found = page.cut(list(islice(passing, page.offset, page.offset + page.limit + 1)))
    with_ = desk.with_
    return desk.listing("events", found, lambda event, _query: desk.shapes.event(event, with_))


def _is_ascending(query: dict[str, Node]) -> bool:
    return bool(branch(query, "order", "created_at") == "asc")


def _refused(node: dict[str, Node]) -> Problem | None:
    if len(texts(node.get("entity"))) != 1 and "entity_id" in node:
        return Problem("FieldMissing", "filter.entity", "Exactly one entity type goes with entity_id.")
    for key in ("entity_id", "created_by"):
        if len(texts(node.get(key))) > _MOST_IDS:
            return Problem("TooMany", f"filter.{key}", f"This collection should contain {_MOST_IDS} elements or less.")
    types = texts(node.get("type"))
    if len(types) > 1 and any(one.startswith("custom_field_") for one in types):
        return Problem("NotSupportedChoice", "filter.type", "A custom field's type cannot be combined with others.")
    return None


def _tests(desk: Desk, node: dict[str, Node]) -> list[EventTest]:
    tests: list[EventTest] = []
    types, entities, ids = texts(node.get("type")), texts(node.get("entity")), texts(node.get("id"))
    if types:
        tests.append(lambda event: event.type in types)
    if entities:
        tests.append(lambda event: event.entity_type in entities)
    if ids:
        tests.append(lambda event: event.id in ids)
    for key in ("entity_id", "created_by"):
        tests += _among(key, numbers(node.get(key)))
    created = _created(desk, node.get("created_at"))
    if created is not None:
        tests.append(lambda event: created.holds(event.created_at))
    for side in ("value_after", "value_before"):
        tests += _stage_test(side, stage_keys(branch(node, side, "leads_statuses")))
    return tests


def _among(key: str, wanted: list[int]) -> list[EventTest]:
    return [lambda event: getattr(event, key) in wanted] if wanted else []


def _created(desk: Desk, node: Node) -> Bounds | None:
    """A bare number means "created after", unlike the lead list's."""
    since = number(node)
    if since is not None:
        return Bounds(since + 1 if desk.knobs.bounds == "exclusive" else since)
    return bounds(node, desk.knobs.bounds)


def _stage_test(side: str, stages: set[tuple[int, int]]) -> list[EventTest]:
    """Only moves between stages have a stage before and after."""

    def test(event: Event) -> bool:
        if event.type != "lead_status_changed":
            return False
        stage = getattr(event, side)[0]["lead_status"]
        return (stage["pipeline_id"], stage["id"]) in stages

    return [test] if stages else []
