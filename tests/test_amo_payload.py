from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amo2gsheet.amo import directory, payload
from amo2gsheet.amo.answers import refusals
from amo2gsheet.amo.shape import PayloadError
from amo2gsheet.model import Company, Contact, FieldValue, Lead, LeadField, Move, Stage, StatusEvent


def lead_json(**changes: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": 4711,
        "name": "Заказ",
        "price": 100,
        "responsible_user_id": 5,
        "status_id": 20,
        "pipeline_id": 10,
        "created_at": 1_760_000_000,
        "updated_at": 1_760_000_100,
        "closest_task_at": None,
        "is_deleted": False,
        "custom_fields_values": None,
        "_links": {"self": {"href": "https://example.com/api/v4/leads/4711?page=1"}},
        "_embedded": {
            "tags": [{"id": 1, "name": "срочно", "color": None}],
            "companies": [{"id": 7, "_links": {}}],
            "contacts": [{"id": 8, "is_main": False, "_links": {}}, {"id": 9, "is_main": True, "_links": {}}],
        },
    }
    return {**shown, **changes}


def values(*given: Any, field_type: str = "text") -> list[dict[str, Any]]:
    return [{"field_id": 3, "field_type": field_type, "values": [{"value": value} for value in given]}]


def read(**changes: Any) -> Lead:
    found = payload.lead(lead_json(**changes))
    assert found is not None
    return found


def test_a_lead_is_read_whole() -> None:
    lead = read()

    assert (lead.id, lead.name, lead.price, lead.stage) == (4711, "Заказ", 100, Stage(10, 20))
    assert (lead.responsible_user_id, lead.created_at, lead.updated_at) == (5, 1_760_000_000, 1_760_000_100)
    assert (lead.contact_ids, lead.company_id, lead.tags, lead.fields) == ((9, 8), 7, ("срочно",), {})


def test_a_lead_in_the_trash_is_none() -> None:
    trashed = dict.fromkeys(lead_json(), None) | {"id": 4711, "is_deleted": True}

    assert payload.lead(trashed) is None


def test_numbers_may_be_written_as_text() -> None:
    lead = read(id="4711", price="100", status_id="20", updated_at=1_760_000_100.0)

    assert (lead.id, lead.price, lead.stage.status_id, lead.updated_at) == (4711, 100, 20, 1_760_000_100)


@pytest.mark.parametrize(
    ("price", "exact", "expected"),
    [(15, 15.5, 15.5), (15, 15.0, 15), (15, "15.25", 15.25), (15, None, 15), (None, None, None), ("15.5", None, 15.5)],
)
def test_a_fraction_of_the_price_is_not_lost(price: Any, exact: Any, expected: Any) -> None:
    assert read(price=price, price_with_minor_units=exact).price == expected


@pytest.mark.parametrize("key", ["id", "status_id", "pipeline_id", "updated_at"])
@pytest.mark.parametrize("value", [None, "x", [], {}, True, 2**70, "9" * 400, 1e300, float("nan"), float("inf"), 1.5])
def test_what_a_lead_cannot_do_without_is_never_guessed(key: str, value: Any) -> None:
    with pytest.raises(PayloadError, match=key):
        payload.lead(lead_json(**{key: value}))


def test_what_a_lead_can_do_without_may_be_null() -> None:
    nulls = dict.fromkeys(["name", "price", "responsible_user_id", "created_at", "custom_fields_values", "_embedded"])

    lead = read(**nulls)

    assert (lead.name, lead.price, lead.responsible_user_id, lead.contact_ids) == ("", None, 0, ())


@pytest.mark.parametrize(
    ("given_values", "expected"),
    [
        (["a", "b"], ("a", "b")),
        ([True], (True,)),
        ([1_760_000_000], (1_760_000_000,)),
        (["1.5"], ("1.5",)),
        ([{"name": "ООО Тест", "vat_id": "1"}], ("ООО Тест",)),
        ([{"file_uuid": "x", "file_name": "счёт.pdf"}], ("счёт.pdf",)),
        ([{"сумма": 1}], ('{"сумма":1}',)),
        ([None, "a"], ("a",)),
    ],
)
def test_values_of_fields_stay_as_they_are(given_values: list[Any], expected: tuple[Any, ...]) -> None:
    lead = read(custom_fields_values=values(*given_values))

    assert lead.fields == {3: FieldValue(3, "text", expected)}


def test_a_field_without_values_is_no_field() -> None:
    assert read(custom_fields_values=[{"field_id": 3, "field_type": "text", "values": None}, *values(None)]).fields == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Другой"},
        {"price": 101},
        {"status_id": 21},
        {"updated_at": 1_760_000_101},
        {"custom_fields_values": values("a")},
        {"closest_task_at": 5},
        {"_embedded": {**lead_json()["_embedded"], "tags": []}},
        {"_embedded": {**lead_json()["_embedded"], "contacts": [{"id": 8, "is_main": True}]}},
    ],
)
def test_the_digest_tells_versions_apart(changes: dict[str, Any]) -> None:
    assert read(**changes).digest != read().digest


def test_the_digest_does_not_depend_on_the_route() -> None:
    embedded = lead_json()["_embedded"]
    other = {
        "loss_reason": [],
        "contacts": [{"is_main": True, "id": 9}, {"is_main": False, "id": 8, "_links": {"self": {}}}],
        "companies": embedded["companies"],
        "tags": embedded["tags"],
    }
    reordered = dict(reversed(lead_json(_links={}, _embedded=other).items()))

    assert payload.lead(reordered) == read()


def contact_json(*fields: tuple[str | None, list[Any]]) -> dict[str, Any]:
    shown = [{"field_id": 1, "field_code": code, "values": [{"value": one} for one in some]} for code, some in fields]
    return {"id": 8, "name": "Азиз", "updated_at": 5, "custom_fields_values": shown}


def test_a_contact_has_its_distinct_phones_in_order() -> None:
    item = contact_json(("PHONE", ["+998 1", " +998 2 ", "+998 1", "", None, 77]), (None, ["x"]), ("EMAIL", ["a@example.com"]))

    assert payload.contact(item) == Contact(8, "Азиз", ("+998 1", "+998 2", "77"), ("a@example.com",), 5)


def test_a_company_is_read() -> None:
    assert payload.company({"id": 7, "name": "ООО Тест", "updated_at": 5}) == Company(7, "ООО Тест", 5)


def event_json(**changes: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": "01pz",
        "type": "lead_status_changed",
        "entity_id": 4711,
        "entity_type": "lead",
        "created_at": 5,
        "value_before": [{"lead_status": {"id": 20, "pipeline_id": 10}}],
        "value_after": [{"lead_status": {"id": 21, "pipeline_id": 10}}],
    }
    return {**shown, **changes}


def test_an_event_is_a_move() -> None:
    assert payload.event(event_json()) == StatusEvent("01pz", 4711, Stage(10, 20), Stage(10, 21), 5)
    assert payload.event(event_json(value_before=[])) == StatusEvent("01pz", 4711, None, Stage(10, 21), 5)
    assert payload.event(event_json(type="lead_added")) is None
    assert payload.event(event_json(entity_type="contact")) is None


def test_options_come_in_their_order() -> None:
    enums = [{"id": 1, "value": "б", "sort": 2}, {"id": 2, "value": "а", "sort": 1}]

    assert directory.lead_field({"id": 3, "name": "Доставка", "type": "select", "enums": enums}) == LeadField(
        3, "Доставка", "select", ("а", "б")
    )


def test_a_path_leads_to_the_fault() -> None:
    body = {"_links": {}, "_embedded": {"leads": [lead_json(), lead_json(id="x")]}}

    with pytest.raises(PayloadError, match=r"_embedded\.leads\.1\.id is no whole number"):
        payload.page(body, "leads", payload.lead)


def test_a_page_without_embedded_is_empty_only_if_it_is_a_page() -> None:
    assert payload.page({"_page": 1, "_links": {}}, "leads", payload.lead) == payload.Page([], has_next=False)
    with pytest.raises(PayloadError):
        payload.page({"status": "ok"}, "leads", payload.lead)


MOVES = [Move(4711, Stage(10, 20)), Move(4712, Stage(10, 20))]


@pytest.mark.parametrize("request_id", ["1", 1, "lead-4712"])
def test_a_refusal_names_its_item_by_place_or_by_name(request_id: Any) -> None:
    errors = [{"code": "NotSupportedChoice", "path": "status_id", "detail": "Not a choice."}]

    named = refusals({"validation-errors": [{"request_id": request_id, "errors": errors}]}, MOVES)

    assert named == {4712: "status_id: Not a choice."}


def test_a_refusal_names_its_item_by_lead() -> None:
    assert refusals({"errors": {"4711": "Lead not found", "9": "x"}}, MOVES) == {4711: "Lead not found"}


LEAVES = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        7,
        -1,
        2**64,
        10**400,
        1.5,
        1e300,
        float("nan"),
        float("inf"),
        "",
        "x",
        "7",
        "-1",
        "\ud800",
        "9" * 400,
    ]
)
KEYS = st.sampled_from(
    [
        "id", "name", "price", "price_with_minor_units", "status_id", "pipeline_id", "updated_at", "is_deleted", "_embedded",
        "custom_fields_values", "values", "value", "field_id", "field_code", "tags", "contacts", "companies", "is_main", "leads",
        "_links", "next", "validation-errors", "errors", "request_id", "path", "detail", "enums", "sort", "statuses", "type",
        "value_before", "value_after", "lead_status", "entity_id", "created_at", "datetime_settings", "timezone",
    ]
)  # fmt: skip
LIKELY = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=15)

READERS: list[Callable[[Any], object]] = [
    lambda body: payload.page(body, "leads", payload.lead),
    lambda body: payload.page({"_links": {}, "_embedded": {"leads": [body]}}, "leads", payload.lead),
    lambda body: payload.lead(lead_json(**body) if isinstance(body, dict) else lead_json(custom_fields_values=body)),
    lambda body: payload.lead(lead_json(_embedded=body)),
    lambda body: payload.contact({"id": 1, "name": body, "custom_fields_values": body}),
    lambda body: payload.contact({"id": 1, "custom_fields_values": [{"field_code": "PHONE", "values": body}]}),
    lambda body: payload.company({"id": body}),
    lambda body: payload.event(event_json(value_before=body)),
    lambda body: payload.moved(body, MOVES),
    directory.account,
    lambda body: directory.pipeline({"id": 1, "_embedded": body}),
    lambda body: directory.lead_field({"id": 1, "enums": body}),
    lambda body: directory.user({"id": 1, "name": body}),
    lambda body: refusals({"validation-errors": body, "errors": body}, MOVES),
]


@given(body=LIKELY)
@settings(max_examples=200)
def test_random_json_raises_nothing_but_a_payload_error(body: Any) -> None:
    for reader in READERS:
        with contextlib.suppress(PayloadError):
            found = reader(body)
            repr(found).encode()
