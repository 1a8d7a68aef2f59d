"""Turn amoCRM's JSON into leads, contacts, companies and events. Knows JSON, not HTTP; raises only `PayloadError`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar

from amo2gsheet.amo.shape import (
    PayloadError,
    child,
    clean,
    each,
    elements,
    flag,
    identifier,
    mapping,
    number,
    scalar,
    text,
    whole,
)
from amo2gsheet.model import Company, Contact, FieldValue, Lead, Move, MoveAnswers, Stage, StatusEvent, UnreadLead

T = TypeVar("T")

STAGE_CHANGED = "lead_status_changed"

_EMBEDDED_IN_DIGEST = ("companies", "contacts", "tags")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `has_next` is what its links say, the only thing about them that is trusted."""

    items: list[T]
    has_next: bool


@dataclass(frozen=True, slots=True)
class Change:
    """An entity changed at `updated_at` (Unix seconds)."""

    id: int
    updated_at: int


def page(body: object, key: str, read: Callable[[Mapping[str, object]], T | None]) -> Page[T]:
    """Read one page of the list `key`; None as body is an empty one, and so are items that `read` takes for nothing.

    Raises:
        PayloadError: the answer is no such list. An answer that shows nothing though it names a next page is none either.
    """
    if body is None:
        return Page([], has_next=False)
    answer = mapping(body)
    links = child(answer, "_links")
    if "_embedded" not in answer or answer["_embedded"] == []:
        if "_links" not in answer and "_page" not in answer:
            raise PayloadError("_embedded", "is missing")
        if "next" in links:
            raise PayloadError("_embedded", "is missing though a page follows")
        return Page([], has_next=False)
    embedded = mapping(answer["_embedded"], "_embedded")
    if not isinstance(embedded.get(key), list):
        raise PayloadError(f"_embedded.{key}", "is no array")
    found = each(elements(embedded, key), f"_embedded.{key}", read)
    return Page([one for one in found if one is not None], has_next=links.get("next") is not None)


def lead(item: Mapping[str, object]) -> Lead | None:
    """Read one lead as a list or `GET` by ID shows it; None: it is in the trash."""
    if flag(item, "is_deleted"):
        return None
    embedded = child(item, "_embedded")
    companies = each(elements(embedded, "companies"), "_embedded.companies", identifier)
    return Lead(
        id=identifier(item),
        name=text(item, "name"),
        price=_price(item),
        stage=Stage(identifier(item, "pipeline_id"), identifier(item, "status_id")),
        responsible_user_id=whole(item, "responsible_user_id", 0),
        created_at=whole(item, "created_at", 0),
        updated_at=whole(item, "updated_at"),
        contact_ids=_contact_ids(embedded),
        company_id=companies[0] if companies else None,
        tags=tuple(name for name in each(elements(embedded, "tags"), "_embedded.tags", _name) if name),
        fields=_fields(item),
        digest=_digest(item, embedded),
    )


def listed_lead(item: Mapping[str, object]) -> Lead | UnreadLead | None:
    """Read one lead of a list; one odd lead does not make the whole list useless, as long as its ID and time can be read."""
    try:
        return lead(item)
    except PayloadError as error:
        return UnreadLead(identifier(item), whole(item, "updated_at"), str(error))


def change(item: Mapping[str, object]) -> Change:
    """Read of an entity no more than that, and when, it changed."""
    return Change(identifier(item), whole(item, "updated_at", 0))


def _name(item: Mapping[str, object]) -> str:
    return text(item, "name")


def _price(item: Mapping[str, object]) -> int | float | None:
    """`price` is cut to whole units where a budget has a fraction; then the other key has it all."""
    exact = number(item, "price_with_minor_units")
    return exact if isinstance(exact, float) else number(item, "price")


def _contact_ids(embedded: Mapping[str, object]) -> tuple[int, ...]:
    links = each(elements(embedded, "contacts"), "_embedded.contacts", lambda link: (not flag(link, "is_main"), identifier(link)))
    return tuple(dict.fromkeys(contact_id for _, contact_id in sorted(links, key=lambda link: link[0])))


def _fields(item: Mapping[str, object]) -> dict[int, FieldValue]:
    found = each(elements(item, "custom_fields_values"), "custom_fields_values", _field)
    return {value.field_id: value for value in reversed(found) if value.values}


def _field(item: Mapping[str, object]) -> FieldValue:
    values = each(elements(item, "values"), "values", _value)
    return FieldValue(identifier(item, "field_id"), text(item, "field_type"), tuple(one for one in values if one is not None))


def _value(item: Mapping[str, object]) -> str | int | float | bool | None:
    value = item.get("value")
    if isinstance(value, (dict, list)):
        return _structured(value)
    return scalar(value, "value")


def _structured(value: object) -> str | None:
    """A value made of parts (legal entity, linked lead, file) as its name, without one as compact JSON."""
    if isinstance(value, dict):
        for key in ("name", "file_name"):
            if isinstance(value.get(key), str):
                return text(value, key) or None
    return clean(_canonical(value, "value", is_ascii=False)) if value else None


def _digest(item: Mapping[str, object], embedded: Mapping[str, object]) -> str:
    """Hash what every route shows of a lead alike: links repeat the query, and extras depend on what was asked for."""
    shown = {key: value for key, value in item.items() if key not in ("_links", "_embedded")}
    for key in _EMBEDDED_IN_DIGEST:
        parts = [{name: value for name, value in mapping(part).items() if name != "_links"} for part in elements(embedded, key)]
        shown[f"_{key}"] = sorted(parts, key=lambda part: str(part.get("id")))
    return blake2b(_canonical(shown, "").encode("ascii"), digest_size=12).hexdigest()


def _canonical(value: object, path: str, *, is_ascii: bool = True) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=is_ascii)
    except (RecursionError, ValueError, TypeError):
        raise PayloadError(path, "is no plain JSON") from None


def contact(item: Mapping[str, object]) -> Contact | None:
    """Read one contact; None: it is in the trash."""
    if flag(item, "is_deleted"):
        return None
    return Contact(
        id=identifier(item),
        name=text(item, "name"),
        phones=_coded(item, "PHONE"),
        emails=_coded(item, "EMAIL"),
        updated_at=whole(item, "updated_at", 0),
    )


def _coded(item: Mapping[str, object], code: str) -> tuple[str, ...]:
    """The distinct values of the fields with that code, in order: their names are translated and can be changed."""
    values: dict[str, None] = {}
    for value in elements(item, "custom_fields_values"):
        field = mapping(value, "custom_fields_values")
        if field.get("field_code") == code:
            read = each(elements(field, "values"), "values", lambda one: text(one, "value").strip())
            values |= dict.fromkeys(one for one in read if one)
    return tuple(values)


def company(item: Mapping[str, object]) -> Company | None:
    """Read one company; None: it is in the trash."""
    if flag(item, "is_deleted"):
        return None
    return Company(identifier(item), text(item, "name"), whole(item, "updated_at", 0))


def event(item: Mapping[str, object]) -> StatusEvent | None:
    """Read one event; None: it is no move of a lead."""
    if item.get("type") != STAGE_CHANGED or item.get("entity_type") != "lead":
        return None
    event_id = text(item, "id")
    if not event_id:
        raise PayloadError("id", "is missing")
    return StatusEvent(
        id=event_id,
        lead_id=identifier(item, "entity_id"),
        before=_event_stage(item, "value_before"),
        after=_event_stage(item, "value_after"),
        created_at=whole(item, "created_at"),
    )


def _event_stage(item: Mapping[str, object], key: str) -> Stage | None:
    stages = each(elements(item, key), key, lambda change: child(change, "lead_status"))
    stage = stages[0] if stages else {}
    return Stage(identifier(stage, "pipeline_id"), identifier(stage)) if stage else None


def tag(item: Mapping[str, object]) -> str:
    """Read the name of one tag."""
    return text(item, "name")


def moves_body(moves: Sequence[Move]) -> list[dict[str, object]]:
    """The body of a `PATCH` of leads. A stage ID alone names nothing, so the pipeline always goes with it."""
    return [
        {
            "id": move.lead_id,
            "status_id": move.target.status_id,
            "pipeline_id": move.target.pipeline_id,
            "request_id": request_id(move.lead_id),
        }
        for move in moves
    ]


def request_id(lead_id: int) -> str:
    """What an item of a batch is called; never a bare number, for those are places in the batch."""
    return f"lead-{lead_id}"


def moved(body: object, moves: Sequence[Move]) -> MoveAnswers:
    """Read the answer to a `PATCH` of leads.

    Raises:
        PayloadError: it does not speak of every lead.
    """
    embedded = mapping(mapping(body).get("_embedded"), "_embedded")
    read = each(elements(embedded, "leads"), "_embedded.leads", lambda item: (identifier(item), whole(item, "updated_at", 0)))
    answered = dict(read)
    silent = [str(move.lead_id) for move in moves if move.lead_id not in answered]
    if silent:
        raise PayloadError("_embedded.leads", f"does not mention lead {', '.join(silent)}")
    return MoveAnswers({move.lead_id: answered[move.lead_id] for move in moves}, {})
