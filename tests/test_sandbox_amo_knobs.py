from __future__ import annotations

from typing import Any

import pytest

from amo2gsheet.sandbox.exchange import Request
from tests.amo_bench import START, Bench, body_of


@pytest.fixture
def bench() -> Bench:
    return Bench()


# What the account has switched on.


def test_with_filters_off_every_filter_is_ignored_without_a_word(bench: Bench) -> None:
    ids = [bench.account.add_lead() for _ in range(2)]
    bench.account.add_contact("Али")
    bench.knobs.filters_enabled = False

    assert bench.ids("leads", ("filter[id][]", ids[0]), ("filter[updated_at][from]", START + 99)) == ids
    assert len(bench.ids("contacts", ("filter[id][]", 7))) == 1
    assert bench.read("account", with_="is_api_filter_enabled")["is_api_filter_enabled"] is False
    assert bench.ids("leads", ("order[id]", "desc"), ("filter[id]", 7)) == ids[::-1]


def test_bounds_are_inclusive_or_exclusive(bench: Bench) -> None:
    ids = [bench.account.add_lead(updated_at=second) for second in (10, 20, 30)]
    window = (("filter[updated_at][from]", 10), ("filter[updated_at][to]", 30))

    assert bench.ids("leads", *window) == ids
    bench.knobs.bounds = "exclusive"
    assert bench.ids("leads", *window) == ids[1:2]


def test_incoming_leads_are_hidden_from_the_list_unless_asked_for(bench: Bench) -> None:
    incoming = bench.account.incoming_stage_id(bench.pipeline)
    ordinary = bench.account.add_lead()
    hidden = bench.account.add_lead(pipeline_id=bench.pipeline, status_id=incoming)
    asked = (("filter[statuses][0][pipeline_id]", bench.pipeline), ("filter[statuses][0][status_id]", incoming))

    assert bench.ids("leads") == [ordinary]
    assert bench.ids("leads", *asked) == [hidden]
    assert bench.read(f"leads/{hidden}")["status_id"] == incoming
    bench.knobs.unsorted_in_list = True
    assert bench.ids("leads") == [ordinary, hidden]


def test_duplicate_control_merges_into_a_stored_open_lead_by_phone(bench: Bench) -> None:
    bench.knobs.duplicate_control = True
    contact_id = bench.account.add_contact("Али", ["+998 (90) 111-22-33"])
    stored = bench.account.add_lead("Стол", contacts=[contact_id])

    def item(request_id: str, phone: str) -> dict[str, Any]:
        reach = [{"field_code": "PHONE", "values": [{"value": phone}]}]
        return {
            "price": 5,
            "request_id": request_id,
            "_embedded": {"contacts": [{"name": "x", "custom_fields_values": reach}]},
        }

    sent = [item("a", "998901112233"), item("b", "998901112233"), item("c", "112"), item("d", "112")]
    merged, third, fourth = body_of(bench.post(sent, "leads/complex"))

    assert (merged["id"], merged["contact_id"], merged["merged"]) == (stored, contact_id, True)
    assert merged["request_id"] == ["a", "b"]
    assert [(row["request_id"], row["merged"]) for row in (third, fourth)] == [(["c"], False), (["d"], False)]
    assert bench.read(f"leads/{stored}")["price"] == 5
    bench.account.move_lead(stored, bench.pipeline, 142)
    [closed] = body_of(bench.post(sent[:1], "leads/complex"))
    assert closed["merged"] is False


def test_an_unpaid_account_answers_402_to_the_api(bench: Bench) -> None:
    bench.knobs.unpaid = True

    answer = bench.get("account")

    assert (answer.status, body_of(answer)["title"]) == (402, "Payment Required")


def test_rights_are_refused_in_json_route_by_route(bench: Bench) -> None:
    bench.account.add_lead()
    bench.knobs.users_forbidden = bench.knobs.events_forbidden = True
    bench.knobs.forbidden_scopes = {"contacts"}

    refused = [bench.get(path) for path in ("users", "events", "contacts", "contacts/5", "contacts/custom_fields")]

    assert [answer.status for answer in refused] == [403] * 5
    assert {answer.headers["Content-Type"] for answer in refused} == {"application/problem+json"}
    assert body_of(refused[2])["detail"] == "Invalid scope"
    assert bench.get("leads").status == 200


def test_only_an_administrator_s_token_reads_users(bench: Bench) -> None:
    bench.token = bench.cloud.oauth.long_lived_token(user_id=bench.account.add_user("Олег"))

    assert (bench.get("users").status, bench.get("account").status) == (403, 200)


def test_a_forbidden_lead_refuses_the_patch_that_names_it(bench: Bench) -> None:
    good, bad = bench.account.add_lead(), bench.account.add_lead()
    bench.knobs.forbidden_leads = {bad}

    answer = bench.patch([{"id": good, "price": 1}, {"id": bad, "price": 1}])

    assert (answer.status, answer.headers["Content-Type"]) == (403, "application/problem+json")
    assert bench.patch([{"id": good, "price": 1}]).status == 200


# What lists show late, wrongly or not at all.


def test_a_lagging_list_shows_the_old_version_while_get_by_id_is_current(bench: Bench) -> None:
    bench.knobs.list_lag_seconds = 30
    lead_id = bench.account.add_lead(created_at=START - 1000)
    bench.clock.advance(100)
    bench.account.move_lead(lead_id, bench.pipeline, bench.sent)
    fresh = bench.account.add_lead()

    def listed() -> list[tuple[int, int]]:
        rows = bench.read("leads")["_embedded"]["leads"]
        return [(row["status_id"], row["updated_at"] - START) for row in rows]

    assert listed() == [(bench.new, -1000)]
    assert bench.read(f"leads/{lead_id}")["status_id"] == bench.sent
    assert bench.ids("leads", ("filter[updated_at][from]", START)) == []
    assert bench.ids("leads", ("filter[id][]", fresh)) == [fresh]
    bench.knobs.lag_in_id_filter = True
    assert bench.ids("leads", ("filter[id][]", fresh)) == []
    bench.clock.advance(29)
    assert listed() == [(bench.new, -1000)]
    bench.clock.advance(1)
    assert listed() == [(bench.sent, 100), (bench.new, 100)]


def test_a_lagging_list_still_shows_a_trashed_lead(bench: Bench) -> None:
    lead_id = bench.account.add_lead(created_at=START - 1000)
    bench.knobs.list_lag_seconds = 30
    bench.account.trash_lead(lead_id)

    assert (bench.ids("leads"), bench.get(f"leads/{lead_id}").status) == ([lead_id], 204)
    bench.clock.advance(30)
    assert bench.ids("leads") == []


def test_contacts_lag_too(bench: Bench) -> None:
    contact_id = bench.account.add_contact("Али")
    bench.knobs.list_lag_seconds = 30
    assert bench.ids("contacts") == []
    bench.clock.advance(30)
    assert bench.ids("contacts") == [contact_id]


def test_a_stale_list_goes_back_to_the_version_before_for_a_while(bench: Bench) -> None:
    lead_id, other = bench.account.add_lead(), bench.account.add_lead()
    bench.clock.advance(10)
    bench.account.move_lead(lead_id, bench.pipeline, bench.sent)
    assert bench.ids("leads") == [other, lead_id]
    bench.knobs.stale_leads = {lead_id: START + 20}

    [old, _] = bench.read("leads")["_embedded"]["leads"]
    assert (old["id"], old["status_id"], old["updated_at"]) == (lead_id, bench.new, START)
    assert bench.ids("leads", ("filter[updated_at][from]", START + 1)) == []
    assert bench.read("leads", ("filter[id][]", lead_id))["_embedded"]["leads"][0]["status_id"] == bench.sent
    bench.knobs.lag_in_id_filter = True
    assert bench.read("leads", ("filter[id][]", lead_id))["_embedded"]["leads"][0]["status_id"] == bench.new
    bench.clock.advance(10)
    assert bench.ids("leads", ("filter[updated_at][from]", START + 1)) == [lead_id]


def test_events_lag(bench: Bench) -> None:
    bench.knobs.events_lag_seconds = 5
    bench.account.add_lead()

    assert bench.get("events").status == 204
    bench.clock.advance(5)
    assert len(bench.read("events")["_embedded"]["events"]) == 1


def test_a_bulk_answer_leaves_ids_out_that_get_shows(bench: Bench) -> None:
    first, second = bench.account.add_lead(), bench.account.add_lead()
    contact_id = bench.account.add_contact("Али")
    bench.knobs.bulk_omits = {first, contact_id}

    assert bench.ids("leads", ("filter[id][]", first), ("filter[id][]", second)) == [second]
    assert bench.ids("contacts", ("filter[id][]", contact_id)) == []
    assert bench.ids("leads") == [first, second]
    assert bench.get(f"leads/{first}").status == 200


def test_an_empty_list_can_be_200_without_a_body(bench: Bench) -> None:
    bench.knobs.empty_list = "200"

    assert [(answer.status, answer.body) for answer in (bench.get("leads"), bench.get("events"))] == [(200, b"")] * 2


def test_a_missing_lead_can_be_404(bench: Bench) -> None:
    bench.knobs.missing_lead = "404"

    answer = bench.get("leads/7")

    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_incoming_fields_and_events_pages_have_caps_of_their_own(bench: Bench) -> None:
    for number in range(60):
        bench.account.add_lead_field(f"Поле {number}")
        bench.account.add_lead()
    bench.knobs.fields_page_cap, bench.knobs.events_page_cap, bench.knobs.leads_page_cap = 50, 20, 10

    fields, events = bench.read("leads/custom_fields", limit=250), bench.read("events", limit=250)

    assert (len(fields["_embedded"]["custom_fields"]), fields["_total_items"]) == (50, 65)
    assert len(events["_embedded"]["events"]) == 20
    assert "next" in fields["_links"]
    assert "next" in events["_links"]
    assert len(bench.ids("leads", limit=250)) == 10


# What a write does beside what was asked for.


def test_a_single_patch_of_a_missing_lead_can_be_a_400_by_id(bench: Bench) -> None:
    bench.knobs.patch_missing = "errors"

    answer = bench.patch({"price": 1}, "leads/7")

    assert (answer.status, body_of(answer)["errors"]) == (400, {"7": "Lead not found"})


def test_a_refused_lead_fails_its_batch_either_way_and_alone(bench: Bench) -> None:
    good, bad, worse = (bench.account.add_lead() for _ in range(3))
    batch = [{"id": one, "price": 1, "request_id": f"r{one}"} for one in (good, bad, worse)]

    bench.knobs.refuse_leads = {bad: "validation", worse: "validation"}
    named = body_of(bench.patch(batch))["validation-errors"]
    bench.knobs.refuse_names = "first"
    first = body_of(bench.patch(batch))["validation-errors"]
    bench.knobs.refuse_leads = {bad: "errors", worse: "errors"}
    by_id = body_of(bench.patch(batch))
    bench.knobs.refuse_names = "all"

    assert [item["request_id"] for item in named] == [f"r{bad}", f"r{worse}"]
    assert [item["request_id"] for item in first] == [f"r{bad}"]
    assert list(by_id["errors"]) == [str(bad)]
    assert list(body_of(bench.patch(batch))["errors"]) == [str(bad), str(worse)]
    assert bench.patch({"price": 1}, f"leads/{bad}").status == 400
    assert bench.read(f"leads/{good}")["price"] == 0
    assert bench.patch(batch[:1]).status == 200


def test_a_swallowed_patch_answers_as_if_it_had_been_done(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    bench.knobs.swallow_patches = {lead_id}
    bench.clock.advance(9)
    move = [{"id": lead_id, "status_id": bench.sent}]

    [told] = body_of(bench.patch(move))["_embedded"]["leads"]
    untouched = bench.read(f"leads/{lead_id}")
    bench.knobs.swallow_bumps = True
    bench.patch(move)
    bumped = bench.read(f"leads/{lead_id}")

    assert told["updated_at"] == START + 9
    assert (untouched["status_id"], untouched["updated_at"]) == (bench.new, START)
    assert (bumped["status_id"], bumped["updated_at"]) == (bench.new, START + 9)


def test_a_robot_moves_a_patched_lead_on_after_a_second(bench: Bench) -> None:
    lead_id, by_hand = bench.account.add_lead(), bench.account.add_lead()
    bench.knobs.robot = {(bench.pipeline, bench.sent): (bench.pipeline, 142)}

    bench.patch([{"id": lead_id, "status_id": bench.sent}])
    bench.account.move_lead(by_hand, bench.pipeline, bench.sent)
    assert bench.read(f"leads/{lead_id}")["status_id"] == bench.sent
    bench.clock.advance(30)

    shown = bench.read(f"leads/{lead_id}")
    assert (shown["status_id"], shown["updated_at"], shown["updated_by"]) == (142, START + 1, 0)
    assert bench.read(f"leads/{by_hand}")["status_id"] == bench.sent
    assert bench.ids("leads", ("filter[updated_at][from]", START + 1)) == [lead_id]


def test_a_robot_leaves_a_lead_that_was_moved_meanwhile(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    bench.knobs.robot = {(bench.pipeline, bench.sent): (bench.pipeline, 142)}
    bench.patch([{"id": lead_id, "status_id": bench.sent}])
    bench.account.move_lead(lead_id, bench.pipeline, bench.new)
    bench.clock.advance(2)

    assert bench.read(f"leads/{lead_id}")["status_id"] == bench.new


def test_a_second_edit_follows_in_the_very_second_in_which_a_lead_was_shown(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    bench.knobs.second_edit = {lead_id: [(bench.pipeline, bench.sent), (bench.pipeline, bench.new)]}

    def shown() -> tuple[int, int]:
        [row] = bench.read("leads")["_embedded"]["leads"]
        return row["status_id"], row["updated_at"] - START

    assert [shown(), shown(), shown()] == [(bench.new, 0), (bench.sent, 0), (bench.new, 0)]


def test_a_second_edit_waits_for_a_change_and_follows_a_patch_too(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    bench.clock.advance(5)
    bench.knobs.second_edit = {lead_id: [(bench.pipeline, 143)]}
    assert bench.ids("leads") == [lead_id]
    assert bench.read(f"leads/{lead_id}")["status_id"] == bench.new

    bench.patch([{"id": lead_id, "status_id": bench.sent}])

    shown = bench.read(f"leads/{lead_id}")
    assert (shown["status_id"], shown["updated_at"]) == (143, START + 5)


def test_null_tags_and_empty_texts_can_be_ignored(bench: Bench) -> None:
    bench.knobs.null_tags_clear = bench.knobs.empty_string_clears = False
    address = bench.account.add_lead_field("Адрес")
    lead_id = bench.account.add_lead(fields={"Адрес": "ул. Мира"}, tags=["а"])

    emptied = [{"field_id": address, "values": [{"value": ""}]}]
    bench.patch([{"id": lead_id, "custom_fields_values": emptied, "_embedded": {"tags": None}}])

    assert bench.account.lead_value(lead_id, "Адрес") == "ул. Мира"
    assert len(bench.read(f"leads/{lead_id}")["_embedded"]["tags"]) == 1


def test_complex_can_answer_in_another_order_and_with_another_limit_code(bench: Bench) -> None:
    bench.knobs.complex_shuffled, bench.knobs.complex_too_many_status = True, 400

    made = body_of(bench.post([{"name": name} for name in "абв"], "leads/complex"))

    assert [row["request_id"] for row in made] == [["2"], ["1"], ["0"]]
    assert bench.read(f"leads/{made[0]['id']}")["name"] == "в"
    assert bench.post([{}] * 51, "leads/complex").status == 400


# Limits.


def test_the_eighth_request_of_a_second_is_refused_and_a_second_later_it_goes_on(bench: Bench) -> None:
    bench.knobs.rate_limit = 7

    assert [bench.get("account").status for _ in range(8)] == [200] * 7 + [429]
    bench.clock.advance(0.9)
    assert bench.get("account").status == 429
    bench.clock.advance(0.1)
    assert [bench.get("account").status for _ in range(8)] == [200] * 7 + [429]


def test_the_window_slides(bench: Bench) -> None:
    bench.knobs.rate_limit = 7
    statuses = []
    for _ in range(30):
        statuses.append(bench.get("account").status)
        bench.clock.advance(1 / 7)

    assert statuses == [200] * 30


def test_a_429_tells_the_wait_in_its_body_only_or_comes_from_the_gateway(bench: Bench) -> None:
    bench.knobs.rate_limit = 0

    told = bench.get("account")
    bench.knobs.rate_429 = "html"
    bare = bench.get("account")

    assert (told.status, body_of(told)["retry_after"]) == (429, 300)
    assert (bare.status, bare.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert "Retry-After" not in {*told.headers, *bare.headers}


def test_repeated_violations_block_the_account_until_support_helps(bench: Bench) -> None:
    bench.knobs.rate_limit, bench.knobs.block_after = 0, 3
    assert [bench.get("account").status for _ in range(4)] == [429, 429, 429, 403]
    bench.knobs.rate_limit = None

    blocked = bench.cloud.answer(Request("POST", "/oauth2/access_token"))
    assert (blocked.status, blocked.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert b"403 Forbidden" in blocked.body
    bench.clock.advance(86_400)
    assert bench.get("account").status == 403
    bench.cloud.unblock()
    assert bench.get("account").status == 200


def test_the_window_is_on_unless_switched_off() -> None:
    assert type(Bench().knobs)().rate_limit == 7


# Clock and looks.


def test_a_skewed_server_lives_in_its_own_time(bench: Bench) -> None:
    bench.knobs.clock_skew_seconds = 3600

    lead_id = bench.account.add_lead()
    answer = bench.get(f"leads/{lead_id}")

    assert body_of(answer)["updated_at"] == START + 3600
    assert answer.headers["Date"] == "Thu, 09 Oct 2025 09:53:20 GMT"
    assert bench.ids("leads") == [lead_id]
    assert bench.read("events")["_embedded"]["events"][0]["created_at"] == START + 3600


def test_numbers_can_be_shown_as_numbers(bench: Bench) -> None:
    bench.account.add_lead_field("Сумма", "numeric")
    whole, part = bench.account.add_lead(fields={"Сумма": 2}), bench.account.add_lead(fields={"Сумма": "2.5"})
    bench.knobs.numeric_as = "number"

    shown = [bench.read(f"leads/{one}")["custom_fields_values"][0]["values"] for one in (whole, part)]

    assert shown == [[{"value": 2}], [{"value": 2.5}]]


def test_extra_keys_and_fractional_budgets_appear(bench: Bench) -> None:
    bench.account.add_lead(price=10.5)
    plain = set(bench.read("leads")["_embedded"]["leads"][0])
    bench.knobs.extra_keys = True
    rich = bench.read("leads")["_embedded"]["leads"][0]

    assert (rich["price"], rich["price_with_minor_units"]) == (10, 10.5)
    assert set(rich) - plain == {"is_price_computed", "ai_summary"}


def test_links_can_come_decoded(bench: Bench) -> None:
    bench.account.add_lead()
    bench.knobs.encoded_links = False

    links = bench.read("leads", ("filter[updated_at][from]", 1))["_links"]

    assert links["self"]["href"].endswith("/api/v4/leads?filter[updated_at][from]=1&page=1&limit=50")


def test_a_405_can_be_empty(bench: Bench) -> None:
    bench.knobs.empty_405 = True

    answer = bench.call("DELETE", "leads")

    assert (answer.status, answer.body) == (405, b"")
