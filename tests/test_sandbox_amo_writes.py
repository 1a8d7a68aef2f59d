from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from amo2gsheet.sandbox.exchange import Answer
from tests.amo_bench import HOST, START, Bench, body_of


@pytest.fixture
def bench() -> Bench:
    return Bench()


def problems(answer: Answer) -> list[tuple[str, str, str]]:
    """(request_id, code, path) of a 400 with `validation-errors`."""
    body = body_of(answer)
    assert (answer.status, body["status"], body["detail"]) == (400, 400, "Request validation failed")
    assert answer.headers["Content-Type"] == "application/problem+json"
    return [(item["request_id"], error["code"], error["path"]) for item in body["validation-errors"] for error in item["errors"]]


def choice(path: str, request_id: str = "0") -> list[tuple[str, str, str]]:
    return [(request_id, "NotSupportedChoice", path)]


# PATCH.


def test_a_patch_moves_the_lead_and_answers_with_its_update_time(bench: Bench) -> None:
    lead_id = bench.account.add_lead("Стол", price=7)
    bench.clock.advance(5)

    answer = bench.patch([{"id": lead_id, "status_id": bench.sent, "pipeline_id": bench.pipeline, "request_id": "r1"}])

    link = {"self": {"href": f"{HOST}/api/v4/leads/{lead_id}"}}
    assert body_of(answer) == {
        "_links": {"self": {"href": f"{HOST}/api/v4/leads"}},
        "_embedded": {"leads": [{"id": lead_id, "updated_at": START + 5, "request_id": "r1", "_links": link}]},
    }
    shown = bench.read(f"leads/{lead_id}")
    assert (shown["status_id"], shown["updated_at"], shown["name"], shown["price"]) == (bench.sent, START + 5, "Стол", 7)


def test_a_single_patch_answers_the_bare_lead(bench: Bench) -> None:
    lead_id = bench.account.add_lead()

    answer = bench.patch({"price": 9}, f"leads/{lead_id}")

    assert body_of(answer) == {
        "id": lead_id,
        "updated_at": START,
        "_links": {"self": {"href": f"{HOST}/api/v4/leads/{lead_id}"}},
    }
    assert bench.read(f"leads/{lead_id}")["price"] == 9


def test_the_token_s_user_stands_as_the_one_who_changed(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    person = bench.account.add_user("Олег")
    bench.token = bench.cloud.oauth.long_lived_token(user_id=person)

    bench.patch([{"id": lead_id, "price": 1}])

    assert bench.read(f"leads/{lead_id}")["updated_by"] == person


def test_closing_sets_the_closing_date_and_going_back_clears_it(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    bench.clock.advance(3)

    bench.patch([{"id": lead_id, "status_id": 142}])
    closed = bench.read(f"leads/{lead_id}")
    bench.patch([{"id": lead_id, "status_id": bench.new}])
    reopened = bench.read(f"leads/{lead_id}")

    assert (closed["pipeline_id"], closed["status_id"], closed["closed_at"]) == (bench.pipeline, 142, START + 3)
    assert (reopened["status_id"], reopened["closed_at"]) == (bench.new, None)


def test_a_status_of_another_pipeline_takes_the_lead_there(bench: Bench) -> None:
    other = bench.account.add_pipeline("Опт", ["Первый"])
    first = bench.account.stage_id(other, "Первый")
    lead_id, twin = bench.account.add_lead(), bench.account.add_lead()

    bench.patch([{"id": lead_id, "status_id": first}, {"id": twin, "pipeline_id": other}])

    assert [bench.account.lead(one).stage for one in (lead_id, twin)] == [(other, first)] * 2  # type: ignore[union-attr]


def test_a_closing_status_alone_closes_a_lead_where_it_stands_and_a_new_one_in_the_main_pipeline(bench: Bench) -> None:
    other = bench.account.add_pipeline("Опт", ["Первый"])
    lead_id = bench.account.add_lead(pipeline_id=other)

    bench.patch([{"id": lead_id, "status_id": 143}])
    [made] = body_of(bench.post([{"status_id": 142}]))["_embedded"]["leads"]

    assert bench.read(f"leads/{lead_id}")["pipeline_id"] == other
    shown = bench.read(f"leads/{made['id']}")
    assert (shown["pipeline_id"], shown["status_id"], shown["closed_at"]) == (bench.pipeline, 142, START)


def test_the_lead_s_own_pipeline_alone_moves_nothing(bench: Bench) -> None:
    lead_id = bench.account.add_lead(pipeline_id=bench.pipeline, status_id=bench.sent)

    bench.patch([{"id": lead_id, "pipeline_id": bench.pipeline}])

    assert bench.read(f"leads/{lead_id}")["status_id"] == bench.sent


def test_the_same_stage_again_bumps_the_update_time_without_an_event(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    bench.clock.advance(1)

    bench.patch([{"id": lead_id, "status_id": bench.new}])

    assert bench.read(f"leads/{lead_id}")["updated_at"] == START + 1
    assert bench.get("events", ("filter[type]", "lead_status_changed")).status == 204


def test_stages_that_do_not_fit_are_refused(bench: Bench) -> None:
    other = bench.account.add_pipeline("Опт", ["Первый"])
    first, incoming = bench.account.stage_id(other, "Первый"), bench.account.incoming_stage_id(bench.pipeline)
    lead_id = bench.account.add_lead()

    def refusal(**changes: Any) -> list[tuple[str, str, str]]:
        return problems(bench.patch([{"id": lead_id, **changes}]))

    assert refusal(status_id=7) == choice("status_id")
    assert refusal(status_id=first, pipeline_id=bench.pipeline) == choice("status_id")
    assert refusal(status_id=incoming) == choice("status_id")
    assert refusal(status_id=bench.new, pipeline_id=7) == choice("pipeline_id")
    assert bench.account.lead(lead_id).stage == (bench.pipeline, bench.new)  # type: ignore[union-attr]


def test_any_edit_takes_a_lead_out_of_the_incoming_stage(bench: Bench) -> None:
    incoming = bench.account.incoming_stage_id(bench.pipeline)
    lead_id = bench.account.add_lead(pipeline_id=bench.pipeline, status_id=incoming)

    bench.patch([{"id": lead_id, "price": 3}])

    assert bench.read(f"leads/{lead_id}")["status_id"] == bench.new


def test_one_bad_item_refuses_the_whole_batch_and_is_named_by_its_request_id(bench: Bench) -> None:
    good, bad = bench.account.add_lead(), bench.account.add_lead()

    unnamed = bench.patch([{"id": good, "price": 5}, {"id": bad, "status_id": 7}])
    named = bench.patch([{"id": good, "price": 5}, {"id": bad, "status_id": 7, "request_id": "b"}])

    assert problems(unnamed) == choice("status_id", "1")
    assert problems(named) == choice("status_id", "b")
    assert bench.read(f"leads/{good}")["price"] == 0


def test_a_missing_lead_in_a_batch_is_named_by_its_id_and_refuses_it_all(bench: Bench) -> None:
    good, gone = bench.account.add_lead(), bench.account.add_lead()
    bench.account.trash_lead(gone)

    answer = bench.patch([{"id": good, "price": 5}, {"id": gone, "price": 5}])

    assert (answer.status, body_of(answer)["errors"]) == (400, {str(gone): "Lead not found"})
    assert "validation-errors" not in body_of(answer)
    assert bench.read(f"leads/{good}")["price"] == 0


def test_a_missing_lead_alone_is_404(bench: Bench) -> None:
    answer = bench.patch({"price": 5}, "leads/7")

    assert (answer.status, body_of(answer)["detail"]) == (404, "Lead not found")


def test_a_loss_reason_needs_a_lost_lead(bench: Bench) -> None:
    reason = bench.account.add_loss_reason("Дорого")
    lead_id = bench.account.add_lead()

    refused = bench.patch([{"id": lead_id, "loss_reason_id": reason}])
    accepted = bench.patch([{"id": lead_id, "loss_reason_id": reason, "status_id": 143}])

    text = "Loss reason can be specified only for lost lead"
    assert (refused.status, body_of(refused)["errors"]) == (400, {str(lead_id): text})
    assert accepted.status == 200
    [shown] = bench.read(f"leads/{lead_id}", with_="loss_reason")["_embedded"]["loss_reason"]
    assert shown["name"] == "Дорого"
    assert problems(bench.patch([{"id": lead_id, "loss_reason_id": 7}])) == choice("loss_reason_id")


@pytest.mark.parametrize("key", ["created_by", "updated_by", "responsible_user_id"])
def test_a_user_who_was_switched_off_is_refused(bench: Bench, key: str) -> None:
    person, lead_id = bench.account.add_user("Олег"), bench.account.add_lead()
    assert bench.patch([{"id": lead_id, key: person}]).status == 200
    bench.account.deactivate_user(person)

    assert problems(bench.patch([{"id": lead_id, key: person}])) == choice(key)
    assert problems(bench.patch([{"id": lead_id, key: 7}])) == choice(key)
    assert problems(bench.patch([{"id": lead_id, key: "x"}])) == [("0", "InvalidType", key)]


def test_bodies_of_the_wrong_shape_are_refused(bench: Bench) -> None:
    lead_id = bench.account.add_lead()

    assert body_of(bench.call("PATCH", "leads"))["detail"] == "Request data can not be empty"
    assert body_of(bench.patch([]))["detail"] == "Request data can not be empty"
    assert problems(bench.patch({"id": lead_id})) == [("0", "InvalidType", "")]
    assert problems(bench.patch([{"price": 1}])) == [("0", "FieldMissing", "id")]
    assert problems(bench.patch([{"id": str(lead_id)}])) == [("0", "InvalidType", "id")]
    assert problems(bench.patch([{"id": lead_id, "price": "5"}])) == [("0", "InvalidType", "price")]
    assert problems(bench.patch([{"id": lead_id, "name": None}])) == [("0", "InvalidType", "name")]


def test_more_than_250_items_are_422(bench: Bench) -> None:
    ids = [bench.account.add_lead() for _ in range(251)]

    assert bench.patch([{"id": one} for one in ids[:250]]).status == 200
    answer = bench.patch([{"id": one} for one in ids])
    assert (answer.status, body_of(answer)["title"]) == (422, "Unprocessable Entity")
    assert body_of(answer)["detail"] == "Limit 250 per page"


def test_tags_are_replaced_added_and_taken_away(bench: Bench) -> None:
    lead_id = bench.account.add_lead(tags=["а", "б"])

    def tags() -> list[str]:
        return [row["name"] for row in bench.read(f"leads/{lead_id}")["_embedded"]["tags"]]

    bench.patch([{"id": lead_id, "tags_to_add": [{"name": "в"}], "tags_to_delete": [{"name": "а"}]}])
    assert tags() == ["б", "в"]
    known = bench.read("leads/tags")["_embedded"]["tags"][0]["id"]
    bench.patch([{"id": lead_id, "_embedded": {"tags": [{"id": known}]}}])
    assert tags() == ["а"]
    bench.patch([{"id": lead_id, "_embedded": {"tags": None}}])
    assert tags() == []
    assert problems(bench.patch([{"id": lead_id, "tags_to_add": [{"id": 7}]}])) == choice("tags_to_add.0.id")


# Custom fields.


def field(field_id: int, *values: Any) -> dict[str, Any]:
    return {"custom_fields_values": [{"field_id": field_id, "values": [{"value": value} for value in values]}]}


def test_a_written_field_changes_as_a_whole_and_others_stay(bench: Bench) -> None:
    colors = bench.account.add_lead_field("Цвета", "multiselect", ["белый", "синий"])
    bench.account.add_lead_field("Адрес")
    lead_id = bench.account.add_lead(fields={"Цвета": ["белый"], "Адрес": "ул. Мира"})

    bench.patch([{"id": lead_id, **field(colors, "синий")}])

    assert bench.account.lead_value(lead_id, "Цвета") == "синий"
    assert bench.account.lead_value(lead_id, "Адрес") == "ул. Мира"


@pytest.mark.parametrize("values", [None, [], [{"value": None}], [{"value": ""}]])
def test_a_field_is_cleared(bench: Bench, values: Any) -> None:
    address = bench.account.add_lead_field("Адрес")
    lead_id = bench.account.add_lead(fields={"Адрес": "ул. Мира"})

    answer = bench.patch([{"id": lead_id, "custom_fields_values": [{"field_id": address, "values": values}]}])

    assert answer.status == 200
    assert bench.read(f"leads/{lead_id}")["custom_fields_values"] is None


def test_a_date_is_kept_as_local_midnight_and_a_time_as_it_is(bench: Bench) -> None:
    day, call = bench.account.add_lead_field("День", "date"), bench.account.add_lead_field("Звонок", "date_time")
    lead_id = bench.account.add_lead()
    at_midnight_utc = int(datetime(2025, 10, 3, tzinfo=timezone.utc).timestamp())

    bench.patch([{"id": lead_id, **field(day, at_midnight_utc)}, {"id": lead_id, **field(call, at_midnight_utc)}])
    assert bench.account.lead_value(lead_id, "День") == at_midnight_utc - 5 * 3600
    assert bench.account.lead_value(lead_id, "Звонок") == at_midnight_utc

    bench.patch([{"id": lead_id, **field(day, "2025-10-04T00:00:00+05:00")}])
    assert bench.account.lead_value(lead_id, "День") == at_midnight_utc + 86_400 - 5 * 3600


@pytest.mark.parametrize(
    ("field_type", "written", "shown"),
    [("numeric", "1.50", "1.5"), ("numeric", 12, "12"), ("numeric", 0.25, "0.25"), ("numeric", 1e16, "10000000000000000")],
)
def test_numbers_are_taken_as_text_or_number(bench: Bench, field_type: str, written: Any, shown: str) -> None:
    amount = bench.account.add_lead_field("Сумма", field_type)
    lead_id = bench.account.add_lead()

    bench.patch([{"id": lead_id, **field(amount, written)}])

    assert bench.account.lead_value(lead_id, "Сумма") == shown


@pytest.mark.parametrize(
    ("field_type", "value", "code"),
    [
        ("select", "Шкаф", "NotSupportedChoice"),
        ("numeric", "1,5", "InvalidType"),
        ("numeric", "1_000", "InvalidType"),
        ("date", "03.10.2025", "InvalidType"),
        ("date", 10**30, "InvalidType"),
        ("checkbox", "да", "InvalidType"),
        ("text", 5, "InvalidType"),
    ],
)
def test_values_that_do_not_fit_their_field_are_refused(bench: Bench, field_type: str, value: Any, code: str) -> None:
    field_id = bench.account.add_lead_field("Поле", field_type, ["Стол"] if field_type == "select" else [])
    lead_id = bench.account.add_lead()

    answer = bench.patch([{"id": lead_id, **field(field_id, value)}])

    assert problems(answer) == [("0", code, "custom_fields_values.0.values.0.value")]


def test_elements_of_custom_fields_that_make_no_sense_are_refused(bench: Bench) -> None:
    product = bench.account.add_lead_field("Продукт", "select", ["Стол"])
    lead_id = bench.account.add_lead()

    def refusal(*elements: Any) -> list[tuple[str, str, str]]:
        return problems(bench.patch([{"id": lead_id, "custom_fields_values": list(elements)}]))

    assert refusal({"field_id": 7, "values": []}) == choice("custom_fields_values.0.field_id")
    assert refusal({"field_code": "NO", "values": []}) == choice("custom_fields_values.0.field_code")
    assert refusal({"values": []}) == [("0", "FieldMissing", "custom_fields_values.0.field_id")]
    assert refusal({"field_id": product}) == [("0", "FieldMissing", "custom_fields_values.0.values")]
    assert refusal({"field_id": product, "values": "x"}) == [("0", "InvalidType", "custom_fields_values.0.values")]
    assert refusal({"field_id": product, "values": [{"enum_id": 7}]}) == choice("custom_fields_values.0.values.0.enum_id")
    assert refusal(5) == [("0", "InvalidType", "custom_fields_values.0")]


def test_computed_and_tracking_fields_take_nothing_without_a_word(bench: Bench) -> None:
    computed = bench.account.add_lead_field("Итого", "numeric", is_computed=True)
    utm = bench.account.field_named("leads", "utm_source").id
    lead_id = bench.account.add_lead()

    assert bench.patch([{"id": lead_id, **field(computed, 5)}, {"id": lead_id, **field(utm, "x")}]).status == 200
    assert bench.read(f"leads/{lead_id}")["custom_fields_values"] is None


# POST.


def test_new_leads_answer_with_their_request_ids(bench: Bench) -> None:
    contact_id, company = bench.account.add_contact("Али"), bench.account.add_company("ООО")
    linked = {"contacts": [{"id": contact_id}], "companies": [{"id": company}], "tags": [{"name": "а"}]}

    answer = bench.post([{"name": "Стол", "price": 5, "_embedded": linked}, {"request_id": "z", "status_id": bench.sent}])

    first, second = body_of(answer)["_embedded"]["leads"]
    assert (first["request_id"], second["request_id"]) == ("0", "z")
    assert set(first) == {"id", "request_id", "_links"}
    shown = bench.read(f"leads/{first['id']}", with_="contacts")
    assert (shown["name"], shown["price"], shown["status_id"]) == ("Стол", 5, bench.new)
    assert [(row["id"], row["is_main"]) for row in shown["_embedded"]["contacts"]] == [(contact_id, True)]
    assert [row["id"] for row in shown["_embedded"]["companies"]] == [company]
    assert [row["name"] for row in shown["_embedded"]["tags"]] == ["а"]
    assert bench.read(f"leads/{second['id']}")["status_id"] == bench.sent


def test_new_leads_are_checked_like_changed_ones(bench: Bench) -> None:
    assert problems(bench.post([{"name": "ok"}, {"status_id": 7}])) == choice("status_id", "1")
    assert problems(bench.post([{"_embedded": {"contacts": [{"id": 7}]}}])) == choice("_embedded.contacts.0.id")
    assert problems(bench.post([{"_embedded": {"contacts": [{"id": []}]}}])) == choice("_embedded.contacts.0.id")
    nameless = {"_embedded": {"contacts": [{"name": "Али"}]}}
    assert problems(bench.post([nameless])) == [("0", "FieldMissing", "_embedded.contacts.0.id")]
    assert bench.post([{}] * 251).status == 422
    assert bench.get("leads").status == 204


def person(name: str, phone: str) -> dict[str, Any]:
    reach = [{"field_code": "PHONE", "values": [{"value": phone, "enum_code": "MOB"}]}]
    return {"first_name": name, "custom_fields_values": reach}


def test_a_complex_lead_makes_contact_and_company_and_links_them(bench: Bench) -> None:
    parts = {"contacts": [person("Али", "+998 90 111 22 33")], "companies": [{"name": "ООО"}], "tags": [{"name": "импорт"}]}

    answer = bench.post([{"name": "Стол", "request_id": "row-2", "_embedded": parts}], "leads/complex")

    [made] = body_of(answer)
    assert {**made, "id": 0, "contact_id": 0, "company_id": 0} == {
        "id": 0,
        "contact_id": 0,
        "company_id": 0,
        "request_id": ["row-2"],
        "merged": False,
    }
    lead = bench.read(f"leads/{made['id']}", with_="contacts")["_embedded"]
    contact = bench.read(f"contacts/{made['contact_id']}")
    assert [(row["id"], row["is_main"]) for row in lead["contacts"]] == [(made["contact_id"], True)]
    assert [row["id"] for row in lead["companies"]] == [made["company_id"]]
    assert contact["name"] == "Али"
    assert contact["custom_fields_values"][0]["values"][0]["enum_code"] == "MOB"
    assert [row["id"] for row in contact["_embedded"]["companies"]] == [made["company_id"]]
    assert bench.read(f"companies/{made['company_id']}")["name"] == "ООО"


def test_a_complex_lead_can_do_without_or_with_known_parts(bench: Bench) -> None:
    contact_id = bench.account.add_contact("Али")

    bare, known = body_of(bench.post([{}, {"_embedded": {"contacts": [{"id": contact_id}]}}], "leads/complex"))

    assert (bare["contact_id"], bare["company_id"], bare["request_id"]) == (None, None, ["0"])
    assert (known["contact_id"], known["request_id"]) == (contact_id, ["1"])


def test_complex_leads_are_checked_down_to_the_contact_and_nothing_is_made(bench: Bench) -> None:
    bad = {"contacts": [{"responsible_user_id": 7}]}
    two = {"contacts": [person("Али", "1"), person("Вали", "2")]}

    refused = bench.post([{"name": "ok"}, {"_embedded": bad, "request_id": "b"}], "leads/complex")

    assert problems(refused) == choice("_embedded.contacts.0.responsible_user_id", "b")
    assert problems(bench.post([{"_embedded": two}], "leads/complex")) == [("0", "TooMany", "_embedded.contacts")]
    assert bench.get("leads").status == bench.get("contacts").status == 204


def test_complex_takes_50_leads_with_40_fields_each(bench: Bench) -> None:
    fields = [bench.account.add_lead_field(f"Поле {number}") for number in range(41)]
    values = [field(one, "x")["custom_fields_values"][0] for one in fields]

    assert bench.post([{}] * 50, "leads/complex").status == 200
    too_many = bench.post([{}] * 51, "leads/complex")
    assert (too_many.status, body_of(too_many)["detail"]) == (422, "Limit 50 per page")
    assert bench.post([{"custom_fields_values": values[:40]}], "leads/complex").status == 200
    refused = bench.post([{"custom_fields_values": values}], "leads/complex")
    assert problems(refused) == [("0", "TooMany", "custom_fields_values")]


def test_metadata_makes_an_incoming_request_whatever_the_status(bench: Bench) -> None:
    metadata = {"category": "forms", "form_id": "1"}

    [made] = body_of(bench.post([{"status_id": bench.sent, "_embedded": {"metadata": metadata}}], "leads/complex"))

    incoming = bench.account.incoming_stage_id(bench.pipeline)
    assert bench.read(f"leads/{made['id']}")["status_id"] == incoming
    assert bench.get("leads").status == 204
