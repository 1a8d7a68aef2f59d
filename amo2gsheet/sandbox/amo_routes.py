"""Which handler answers which method and path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from amo2gsheet.sandbox import amo_create, amo_events, amo_patch, amo_reads
from amo2gsheet.sandbox.amo_desk import Desk
from amo2gsheet.sandbox.amo_knobs import AmoKnobs
from amo2gsheet.sandbox.amo_problems import problem
from amo2gsheet.sandbox.exchange import Answer

Handler = Callable[..., Answer]

_ROUTES: tuple[tuple[re.Pattern[str], Mapping[str, Handler]], ...] = tuple(
    (re.compile(pattern), handlers)
    for pattern, handlers in (
        (r"account", {"GET": amo_reads.account_info}),
        (
            r"leads",
            {"GET": amo_reads.list_leads, "PATCH": amo_patch.patch_leads, "POST": amo_create.post_leads},
        ),
        (r"leads/complex", {"POST": amo_create.post_complex}),
        (r"leads/(\d+)", {"GET": amo_reads.one_lead, "PATCH": amo_patch.patch_lead}),
        (r"leads/pipelines", {"GET": amo_reads.list_pipelines}),
        (r"leads/pipelines/(\d+)", {"GET": amo_reads.one_pipeline}),
        (r"leads/pipelines/(\d+)/statuses", {"GET": amo_reads.list_stages}),
        (r"(leads|contacts|companies)/custom_fields", {"GET": amo_reads.list_fields}),
        (r"leads/tags", {"GET": amo_reads.list_tags}),
        (r"leads/loss_reasons", {"GET": amo_reads.list_loss_reasons}),
        (r"contacts", {"GET": amo_reads.list_contacts}),
        (r"contacts/(\d+)", {"GET": amo_reads.one_contact}),
        (r"companies", {"GET": amo_reads.list_companies}),
        (r"companies/(\d+)", {"GET": amo_reads.one_company}),
        (r"users", {"GET": amo_reads.list_users}),
        (r"events", {"GET": amo_events.list_events}),
    )
)


def route(desk: Desk) -> Answer:
    """Answer an authorised request below `/api/v4/`."""
    path = desk.request.path.removeprefix("/api/v4/")
    for pattern, handlers in _ROUTES:
        found = pattern.fullmatch(path)
        if found is None:
            continue
        handler = handlers.get(desk.request.method)
        if handler is None:
            return not_allowed(desk.knobs)
        return forbidden(desk.knobs, path) or handler(desk, *found.groups())
    return no_route(desk.shapes.host, desk.request.method, desk.request.path)


def forbidden(knobs: AmoKnobs, path: str) -> Answer | None:
    """The refusal of a route that the token has no right to."""
    area, _, entity_id = path.partition("/")
    if entity_id.isdigit() and (area, int(entity_id)) in knobs.unseen:
        return problem(403, "Access denied")
    if area == "users" and knobs.users_forbidden:
        return problem(403, "Access denied")
    if area == "events" and knobs.events_forbidden:
        return problem(403, "Access denied")
    return problem(403, "Invalid scope") if area in knobs.forbidden_scopes else None


def no_route(host: str, method: str, path: str) -> Answer:
    """Nobody answers there; amocrm.ru ends the sentence with a `!`."""
    return problem(404, f"Cannot {method} {host}{path}!")


def not_allowed(knobs: AmoKnobs) -> Answer:
    """The path is right, the method is not."""
    return Answer(405) if knobs.empty_405 else problem(405, "Method Not Allowed")


def leads_shown(body: Any) -> list[int]:
    """The IDs of the leads that a JSON answer of a lead route shows."""
    if isinstance(body, list):
        rows = body
    elif "_embedded" in body and "leads" in body["_embedded"]:
        rows = body["_embedded"]["leads"]
    else:
        rows = [body]
    return [row["id"] for row in rows if isinstance(row, dict) and "id" in row]
