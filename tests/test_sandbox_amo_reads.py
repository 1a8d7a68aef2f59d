from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from tests.amo_bench import HOST, START, Bench, body_of


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_lead_has_the_documented_keys_in_their_order(bench: Bench) -> None:
    lead_id = bench.account.add_lead("Стол", price=1500)

    [shown] = bench.read("leads")["_embedded"]["leads"]
    boss = bench.account.owner_id()

    assert list(shown.items()) == list(
        {
            "id": lead_id,
            "name": "Стол",
            "price": 1500,
            "responsible_user_id": boss,
            "group_id": 0,
            "status_id": bench.new,
            "pipeline_id": bench.pipeline,
            "loss_reason_id": None,
            "created_by": boss,
            "updated_by": boss,
            "created_at": START,
            "updated_at": START,
            "closed_at": None,
            "closest_task_at": None,
            "is_deleted": False,
            "custom_fields_values": None,
            "score": None,
            "account_id": bench.account.id,
            "labor_cost": None,
            "_links": {"self": {"href": f"{HOST}/api/v4/leads/{lead_id}?page=1&limit=50"}},
            "_embedded": {"tags": [], "companies": []},
        }.items()
    )


def test_a_lead_without_a_name_gets_the_generated_one(bench: Bench) -> None:
    lead_id = bench.account.add_lead()

    assert bench.read(f"leads/{lead_id}")["name"] == f"Сделка #{lead_id}"


def test_contacts_of_a_lead_are_ids_only_and_only_on_request(bench: Bench) -> None:
    first, second = bench.account.add_contact("Али"), bench.account.add_contact("Вали")
    company = bench.account.add_company("ООО")
    lead_id = bench.account.add_lead(contacts=[first, second], main_contact=second, company=company, tags=["срочно"])

    parts = bench.read(f"leads/{lead_id}", with_="contacts,tags")["_embedded"]

    assert "contacts" not in bench.read(f"leads/{lead_id}")["_embedded"]
    assert parts == {
        "tags": [{"id": parts["tags"][0]["id"], "name": "срочно", "color": None}],
        "companies": [{"id": company, "_links": {"self": {"href": f"{HOST}/api/v4/companies/{company}"}}}],
        "contacts": [
            {"id": first, "is_main": False, "_links": {"self": {"href": f"{HOST}/api/v4/contacts/{first}"}}},
            {"id": second, "is_main": True, "_links": {"self": {"href": f"{HOST}/api/v4/contacts/{second}"}}},
        ],
    }


def test_custom_fields_are_shown_by_their_types(bench: Bench) -> None:
    account = bench.account
    account.add_lead_field("Продукт", "select", ["Стол", "Стул"])
    account.add_lead_field("Цвета", "multiselect", ["белый", "синий"])
    account.add_lead_field("Количество", "numeric")
    account.add_lead_field("Рассрочка", "checkbox")
    account.add_lead_field("Доставка", "date")
    account.add_lead_field("Звонок", "date_time")
    account.add_lead_field("Пусто")
    call = datetime(2025, 10, 3, 9, 30, tzinfo=timezone.utc)
    lead_id = account.add_lead(
        fields={
            "Продукт": "Стул",
            "Цвета": ["белый", "синий"],
            "Количество": 1.5,
            "Рассрочка": True,
            "Доставка": date(2025, 10, 3),
            "Звонок": call,
        }
    )

    shown = {row["field_name"]: row["values"] for row in bench.read(f"leads/{lead_id}")["custom_fields_values"]}

    chair = account.field_named("leads", "Продукт").options[1].id
    white, blue = (option.id for option in account.field_named("leads", "Цвета").options)
    assert shown == {
        "Продукт": [{"value": "Стул", "enum_id": chair, "enum_code": None}],
        "Цвета": [
            {"value": "белый", "enum_id": white, "enum_code": None},
            {"value": "синий", "enum_id": blue, "enum_code": None},
        ],
        "Количество": [{"value": "1.5"}],
        "Рассрочка": [{"value": True}],
        "Доставка": [{"value": int(datetime(2025, 10, 2, 19, tzinfo=timezone.utc).timestamp())}],
        "Звонок": [{"value": int(call.timestamp())}],
    }


def test_an_option_is_shown_by_its_present_label_and_not_at_all_when_removed(bench: Bench) -> None:
    field_id = bench.account.add_lead_field("Продукт", "select", ["Стол", "Стул"])
    lead_id = bench.account.add_lead(fields={"Продукт": "Стол"})

    bench.account.rename_option(field_id, "Стол", "Стол дубовый")
    assert bench.read(f"leads/{lead_id}")["custom_fields_values"][0]["values"][0]["value"] == "Стол дубовый"

    bench.account.remove_option(field_id, "Стол дубовый")
    assert bench.read(f"leads/{lead_id}")["custom_fields_values"] is None


def test_an_empty_list_and_a_page_beyond_the_end_are_204(bench: Bench) -> None:
    assert bench.get("leads").status == 204
    bench.account.add_lead()

    beyond = bench.get("leads", page=2)
    assert (beyond.status, beyond.body) == (204, b"")


def test_pages_are_linked_and_repeat_the_query(bench: Bench) -> None:
    for _ in range(5):
        bench.account.add_lead()

    links = bench.read("leads", ("filter[updated_at][from]", 1), limit=2, page=2)["_links"]

    start = f"{HOST}/api/v4/leads?filter%5Bupdated_at%5D%5Bfrom%5D=1"
    assert links == {
        "self": {"href": f"{start}&page=2&limit=2"},
        "next": {"href": f"{start}&page=3&limit=2"},
        "first": {"href": f"{start}&page=1&limit=2"},
        "prev": {"href": f"{start}&page=1&limit=2"},
    }
    assert set(bench.read("leads", limit=2, page=3)["_links"]) == {"self", "first", "prev"}
    assert set(bench.read("leads")["_links"]) == {"self"}


@pytest.mark.parametrize(("asked", "got"), [("", 50), ("limit=150", 150), ("limit=500", 250), ("limit=x", 50)])
def test_the_limit_defaults_to_50_and_is_clamped_to_250(bench: Bench, asked: str, got: int) -> None:
    for _ in range(260):
        bench.account.add_lead()

    query = dict([asked.split("=")]) if asked else {}
    assert len(bench.ids("leads", **query)) == got


def test_leads_come_by_update_time_then_id_unless_told(bench: Bench) -> None:
    add = bench.account.add_lead
    late = add(created_at=100, updated_at=300)
    early, twin = add(created_at=200, updated_at=200), add(created_at=50, updated_at=200)

    assert bench.ids("leads") == [early, twin, late]
    assert bench.ids("leads", ("order[updated_at]", "desc")) == [late, twin, early]
    assert bench.ids("leads", ("order[created_at]", "asc")) == [twin, late, early]
    assert bench.ids("leads", ("order[id]", "desc")) == [twin, early, late]
    assert bench.ids("leads", ("order[name]", "desc")) == [early, twin, late]
    assert bench.ids("leads", ("order[id]", "sideways")) == [early, twin, late]


def test_leads_are_filtered_by_update_and_creation_time(bench: Bench) -> None:
    add = bench.account.add_lead
    one, two, three = (add(created_at=second, updated_at=second + 1000) for second in (10, 20, 30))

    assert bench.ids("leads", ("filter[updated_at][from]", 1020)) == [two, three]
    assert bench.ids("leads", ("filter[updated_at][from]", 1010), ("filter[updated_at][to]", 1020)) == [one, two]
    assert bench.ids("leads", ("filter[updated_at]", 1020)) == [two]
    assert bench.ids("leads", ("filter[created_at][from]", 11), ("filter[created_at][to]", 29)) == [two]
    assert bench.ids("leads", ("filter[updated_at][from]", 1020), ("order[created_at]", "desc")) == [three, two]


def test_leads_are_filtered_by_ids_and_missing_ones_are_absent(bench: Bench) -> None:
    one, two, three = (bench.account.add_lead(updated_at=second) for second in (30, 20, 10))
    bench.account.trash_lead(two)

    assert bench.ids("leads", ("filter[id]", one)) == [one]
    assert bench.ids("leads", ("filter[id][]", one), ("filter[id][]", 5), ("filter[id][]", three)) == [three, one]
    assert bench.ids("leads", ("filter[id][0]", one), ("filter[id][1]", two)) == [one]
    assert bench.get("leads", ("filter[id][]", two)).status == 204


def test_leads_are_filtered_by_stages_pipelines_people_names_and_prices(bench: Bench) -> None:
    account = bench.account
    other = account.add_pipeline("Опт", ["Первый"])
    person = account.add_user("Олег")
    here = account.add_lead("Стол", price=10)
    sent = account.add_lead("Стул", price=20, pipeline_id=bench.pipeline, status_id=bench.sent, responsible=person)
    there = account.add_lead("Шкаф", price=30, pipeline_id=other)
    won = account.add_lead("Полка", price=40, pipeline_id=other, status_id=142)

    pipeline, status = "filter[statuses][0][pipeline_id]", "filter[statuses][0][status_id]"
    assert bench.ids("leads", (pipeline, bench.pipeline), (status, bench.sent)) == [sent]
    assert bench.ids("leads", (pipeline, other), (status, 142)) == [won]
    assert bench.ids("leads", (pipeline, bench.pipeline), (status, 142)) == []
    assert len(bench.ids("leads", (status, bench.sent))) == 4
    assert bench.ids("leads", ("filter[pipeline_id][]", other)) == [there, won]
    assert bench.ids("leads", ("filter[responsible_user_id][]", person)) == [sent]
    assert bench.ids("leads", ("filter[name][]", "Стол"), ("filter[name][]", "Шкаф")) == [here, there]
    assert bench.ids("leads", ("filter[price][from]", 20), ("filter[price][to]", 30)) == [sent, there]
    assert len(bench.ids("leads", ("filter[status_id]", bench.sent))) == 4


def test_several_filters_must_all_hold(bench: Bench) -> None:
    both = bench.account.add_lead("Стол", price=10)
    bench.account.add_lead("Стол", price=20)
    bench.account.add_lead("Стул", price=10)

    assert bench.ids("leads", ("filter[name]", "Стол"), ("filter[price]", 10)) == [both]


def test_leads_are_filtered_by_custom_fields_and_text(bench: Bench) -> None:
    account = bench.account
    key = account.add_lead_field("Ключ")
    product = account.add_lead_field("Продукт", "select", ["Стол", "Стул"])
    day = account.add_lead_field("День", "date")
    ticked = account.add_lead_field("Галочка", "checkbox")
    one = account.add_lead("А", fields={"Ключ": "abc", "Продукт": "Стол", "День": date(2025, 10, 1), "Галочка": True})
    two = account.add_lead("Б", fields={"Ключ": "xyz", "Продукт": "Стул", "День": date(2025, 10, 9)})
    chair = account.field_named("leads", "Продукт").options[1].id

    assert bench.ids("leads", (f"filter[custom_fields_values][{key}][]", "abc")) == [one]
    assert bench.ids("leads", (f"filter[custom_fields_values][{product}][]", chair)) == [two]
    assert bench.ids("leads", (f"filter[custom_fields_values][{ticked}][]", 1)) == [one]
    assert bench.ids("leads", (f"filter[custom_fields_values][{ticked}][]", 0)) == [two]
    assert bench.ids("leads", (f"filter[custom_fields_values][{day}][from]", START - 3 * 86_400)) == [two]
    assert len(bench.ids("leads", (f"filter[custom_fields_values][{key}][from]", 1))) == 2
    assert bench.ids("leads", query="XY") == [two]


def test_a_trashed_lead_is_204_and_stands_only_in_the_trash_list(bench: Bench) -> None:
    lead_id = bench.account.add_lead("Стол", price=5)
    bench.clock.advance(10)
    bench.account.trash_lead(lead_id)

    [row] = bench.read("leads", with_="only_deleted")["_embedded"]["leads"]

    assert bench.get("leads").status == bench.get(f"leads/{lead_id}").status == 204
    filled = {key: value for key, value in row.items() if value is not None and key != "_links"}
    assert filled == {
        "id": lead_id,
        "is_deleted": True,
        "updated_at": START + 10,
        "updated_by": bench.account.owner_id(),
        "account_id": bench.account.id,
    }
    assert {"name", "price", "pipeline_id"} <= set(row)
    assert bench.ids("leads", ("filter[id]", lead_id + 1), with_="only_deleted") == []


def test_pipelines_show_the_system_stages_and_ignore_paging(bench: Bench) -> None:
    bench.account.add_pipeline("Опт", ["Первый"], is_unsorted_on=False)

    body = bench.read("leads/pipelines", limit=1, page=7)
    sales, wholesale = body["_embedded"]["pipelines"]
    stages = [(row["id"], row["name"], row["sort"], row["type"], row["color"]) for row in sales["_embedded"]["statuses"]]

    incoming = bench.account.incoming_stage_id(bench.pipeline)
    assert (body["_total_items"], set(body["_links"])) == (2, {"self"})
    assert stages == [
        (incoming, "Неразобранное", 10, 1, "#c1c1c1"),
        (bench.new, "Новая", 20, 0, "#99ccff"),
        (bench.sent, "Заказ отправлен", 30, 0, "#ffff99"),
        (142, "Успешно реализовано", 10_000, 0, "#CCFF66"),
        (143, "Закрыто и не реализовано", 11_000, 0, "#D5D8DB"),
    ]
    assert [row["type"] for row in wholesale["_embedded"]["statuses"]] == [0, 0, 0]
    assert (sales["is_main"], wholesale["is_main"]) == (True, False)
    assert bench.read(f"leads/pipelines/{bench.pipeline}") == sales
    assert bench.read(f"leads/pipelines/{bench.pipeline}/statuses")["_total_items"] == 5
    unknown = bench.get("leads/pipelines/7")
    assert (unknown.status, body_of(unknown)["detail"]) == (404, "Pipeline not found")


def test_custom_fields_are_counted_and_paged(bench: Bench) -> None:
    bench.account.add_lead_field("Продукт", "select", ["Стол"])

    body = bench.read("leads/custom_fields", limit=4)
    last = bench.read("leads/custom_fields", limit=4, page=2)

    assert (body["_total_items"], body["_page"], body["_page_count"]) == (6, 1, 2)
    assert set(body["_links"]) == {"self", "next", "last"}
    assert {row["type"] for row in body["_embedded"]["custom_fields"]} == {"tracking_data"}
    product = last["_embedded"]["custom_fields"][1]
    option = bench.account.field_named("leads", "Продукт").options[0]
    assert product["enums"] == [{"id": option.id, "value": "Стол", "sort": 500, "code": None}]
    assert bench.get("leads/custom_fields", page=3, limit=4).status == 204
    assert bench.read("leads/custom_fields", ("filter[type][]", "select"))["_total_items"] == 1


def test_contacts_have_phones_under_the_code_phone(bench: Bench) -> None:
    company = bench.account.add_company("ООО", ["+998712000000"])
    contact_id = bench.account.add_contact("Али", ["+998 90 111", "112"], ["a@example.com"], company=company)

    [shown] = bench.read("contacts", ("filter[id][]", contact_id))["_embedded"]["contacts"]
    reach = {row["field_code"]: [value["value"] for value in row["values"]] for row in shown["custom_fields_values"]}

    assert reach == {"PHONE": ["+998 90 111", "112"], "EMAIL": ["a@example.com"]}
    assert shown["custom_fields_values"][0]["field_type"] == "multitext"
    assert shown["custom_fields_values"][0]["values"][0]["enum_code"] == "WORK"
    assert [found["id"] for found in shown["_embedded"]["companies"]] == [company]
    assert bench.read(f"contacts/{contact_id}")["name"] == "Али"
    assert bench.read(f"companies/{company}")["name"] == "ООО"
    assert bench.ids("companies", ("filter[id][]", company)) == [company]
    assert bench.read("contacts/custom_fields")["_total_items"] == 3
    assert bench.get("contacts/7").status == bench.get("companies/7").status == 204


def test_a_contact_shows_its_leads_on_request(bench: Bench) -> None:
    contact_id = bench.account.add_contact("Али")
    company = bench.account.add_company("ООО")
    lead_id = bench.account.add_lead(contacts=[contact_id], company=company)

    of_contact = bench.read(f"contacts/{contact_id}", with_="leads")["_embedded"]["leads"]
    of_company = bench.read(f"companies/{company}", with_="leads,contacts")["_embedded"]

    assert [row["id"] for row in of_contact] == [row["id"] for row in of_company["leads"]] == [lead_id]
    assert of_company["contacts"] == []


def test_users_tags_and_loss_reasons_are_listed(bench: Bench) -> None:
    person = bench.account.add_user("Олег", is_active=False)
    bench.account.rename_user(person, "Олег П.")
    assert bench.get("leads/tags").status == bench.get("leads/loss_reasons").status == 204
    bench.account.add_lead(tags=["а", "б"])
    reason = bench.account.add_loss_reason("Дорого")

    users = bench.read("users", limit=250)

    assert (users["_total_items"], users["_page_count"]) == (2, 1)
    assert users["_embedded"]["users"][1]["name"] == "Олег П."
    assert users["_embedded"]["users"][1]["rights"]["is_active"] is False
    tags = bench.read("leads/tags")["_embedded"]["tags"]
    assert [row["name"] for row in tags] == ["а", "б"]
    assert bench.read("leads/tags", ("filter[name]", "б"))["_embedded"]["tags"] == tags[1:]
    assert bench.read("leads/loss_reasons")["_embedded"]["loss_reasons"][0]["id"] == reason


def test_the_account_tells_its_zone_and_whether_filters_work(bench: Bench) -> None:
    bare = bench.read("account")
    full = bench.read("account", with_="datetime_settings,is_api_filter_enabled")

    assert (bare["id"], bare["current_user_id"]) == (bench.account.id, bench.account.owner_id())
    assert not {"_embedded", "is_api_filter_enabled"} & set(bare)
    settings = full["_embedded"]["datetime_settings"]
    assert (settings["timezone"], settings["timezone_offset"]) == ("Asia/Tashkent", "+05:00")
    assert full["is_api_filter_enabled"] is True


def test_answers_carry_type_and_date(bench: Bench) -> None:
    bench.account.add_lead()

    answer, unknown = bench.get("leads"), bench.get("nowhere")

    assert dict(answer.headers) == {"Content-Type": "application/hal+json", "Date": "Thu, 09 Oct 2025 08:53:20 GMT"}
    assert unknown.headers["Content-Type"] == "application/problem+json"
    assert body_of(unknown) == {
        "title": "Not Found",
        "type": "https://httpstatus.es/404",
        "status": 404,
        "detail": f"Cannot GET {HOST}/api/v4/nowhere!",
    }
    assert dict(bench.get("contacts").headers) == {"Date": "Thu, 09 Oct 2025 08:53:20 GMT"}


def test_a_known_path_with_another_method_is_405(bench: Bench) -> None:
    answer = bench.call("DELETE", "leads")

    assert (answer.status, body_of(answer)["title"]) == (405, "Method Not Allowed")


def test_100_leads_of_one_second_are_paged_without_loss(bench: Bench) -> None:
    ids = [bench.account.add_lead(updated_at=START) for _ in range(100)]

    seen = [one for page in range(1, 11) for one in bench.ids("leads", limit=10, page=page)]

    assert seen == ids
