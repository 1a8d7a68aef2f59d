from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from amo2gsheet.sandbox.amo import AmoCloud
from tests.amo_bench import START, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def events(bench: Bench, *given: tuple[str, object], **named: object) -> list[dict[str, Any]]:
    answer = bench.get("events", *given, **named)
    return [] if answer.status == 204 else bench.read("events", *given, **named)["_embedded"]["events"]


def stage(pipeline_id: int, status_id: int) -> list[dict[str, Any]]:
    return [{"lead_status": {"id": status_id, "pipeline_id": pipeline_id}}]


def test_a_person_s_move_bumps_the_lead_and_writes_a_status_event(bench: Bench) -> None:
    person = bench.account.add_user("Олег")
    lead_id = bench.account.add_lead()
    bench.clock.advance(7.9)

    bench.account.move_lead(lead_id, bench.pipeline, bench.sent, by=person)

    shown = bench.read(f"leads/{lead_id}")
    assert (shown["status_id"], shown["updated_at"], shown["updated_by"]) == (bench.sent, START + 7, person)
    [event] = events(bench, ("filter[type][]", "lead_status_changed"))
    assert len(event["id"]) == 26
    assert {key: event[key] for key in ("entity_id", "entity_type", "created_by", "created_at")} == {
        "entity_id": lead_id,
        "entity_type": "lead",
        "created_by": person,
        "created_at": START + 7,
    }
    assert event["value_after"] == stage(bench.pipeline, bench.sent)
    assert event["value_before"] == stage(bench.pipeline, bench.new)
    assert event["_embedded"]["entity"]["id"] == lead_id


def test_the_log_tells_what_happened_newest_first(bench: Bench) -> None:
    account = bench.account
    account.add_lead_field("Адрес")
    lead_id = account.add_lead(tags=["а"])
    person = account.add_user("Олег")
    acts: tuple[Callable[[], None], ...] = (
        lambda: account.edit_lead(lead_id, price=5),
        lambda: account.edit_lead(lead_id, name="Стол"),
        lambda: account.edit_lead(lead_id, responsible=person),
        lambda: account.edit_lead(lead_id, fields={"Адрес": "ул. Мира"}),
        lambda: account.edit_lead(lead_id, tags=["б"]),
        lambda: account.trash_lead(lead_id),
        lambda: account.restore_lead(lead_id),
    )
    for act in acts:
        bench.clock.advance(1)
        act()

    field_id = account.field_named("leads", "Адрес").id
    types = [event["type"] for event in events(bench)]

    assert types == [
        "lead_restored",
        "lead_deleted",
        "entity_tag_deleted",
        "entity_tag_added",
        f"custom_field_{field_id}_value_changed",
        "entity_responsible_changed",
        "name_field_changed",
        "sale_field_changed",
        "lead_added",
    ]
    assert list(events(bench)[-1]["value_after"][0]) == ["note"]
    assert events(bench, ("order[created_at]", "asc"))[0]["type"] == "lead_added"
    assert bench.read(f"leads/{lead_id}")["name"] == "Стол"


def test_a_lead_of_the_past_stands_in_the_log_where_it_belongs(bench: Bench) -> None:
    new, old = bench.account.add_lead(), bench.account.add_lead(created_at=START - 50)

    assert [(event["entity_id"], event["created_at"]) for event in events(bench)] == [(new, START), (old, START - 50)]


def test_a_field_s_event_tells_the_option_before_and_after(bench: Bench) -> None:
    field_id = bench.account.add_lead_field("Продукт", "select", ["Стол", "Стул"])
    lead_id = bench.account.add_lead(fields={"Продукт": "Стол"})
    bench.account.edit_lead(lead_id, fields={"Продукт": "Стул"})

    [event] = events(bench, ("filter[type]", f"custom_field_{field_id}_value_changed"))

    table, chair = (option.id for option in bench.account.field_named("leads", "Продукт").options)
    values = {"field_id": field_id, "enum_id": chair, "text": "Стул"}
    assert event["value_after"] == [{"custom_field_value": values}]
    assert event["value_before"] == [{"custom_field_value": {**values, "enum_id": table, "text": "Стол"}}]


def test_a_number_typed_into_a_text_field_is_text(bench: Bench) -> None:
    bench.account.add_lead_field("Код")
    lead_id = bench.account.add_lead(fields={"Код": 134})

    assert bench.account.lead_value(lead_id, "Код") == "134"


def test_events_are_filtered(bench: Bench) -> None:
    account = bench.account
    one, two = account.add_lead("Стол"), account.add_lead()
    account.add_contact("Али")
    for second, target in enumerate((bench.sent, 142, bench.sent), start=1):
        bench.clock.advance(1)
        account.move_lead(one, bench.pipeline, target)
        assert bench.now == START + second

    def times(*given: tuple[str, object]) -> list[int]:
        return [event["created_at"] - START for event in events(bench, ("filter[type]", "lead_status_changed"), *given)]

    after, before = "filter[value_after][leads_statuses][0]", "filter[value_before][leads_statuses][0]"
    sent = (("[pipeline_id]", bench.pipeline), ("[status_id]", bench.sent))
    assert times() == [3, 2, 1]
    assert times(*((f"{after}{key}", value) for key, value in sent)) == [3, 1]
    assert times(*((f"{before}{key}", value) for key, value in sent)) == [2]
    assert times(("filter[created_at][from]", START + 2)) == [3, 2]
    assert times(("filter[created_at][from]", START + 1), ("filter[created_at][to]", START + 2)) == [2, 1]
    assert times(("filter[entity]", "lead"), ("filter[entity_id][]", two)) == []
    assert times(("filter[created_by][]", 7)) == []
    assert len(events(bench, ("filter[entity]", "contact"))) == 1
    assert len(events(bench, limit=2)) == 2
    assert events(bench, with_="lead_name", limit=1)[0]["_embedded"]["entity"]["name"] == "Стол"
    assert bench.get("events", ("filter[entity_id][]", one)).status == 400
    many = [("filter[entity_id][]", number) for number in range(11)]
    assert bench.get("events", ("filter[entity]", "lead"), *many).status == 400


def test_event_filters_work_where_filters_are_off(bench: Bench) -> None:
    bench.knobs.filters_enabled = False
    bench.account.add_lead()

    assert events(bench, ("filter[type]", "lead_status_changed")) == []


def test_a_robot_s_and_the_token_s_moves_are_told_apart(bench: Bench) -> None:
    lead_id = bench.account.add_lead()
    bench.account.move_lead(lead_id, bench.pipeline, bench.sent, by=0)

    assert bench.read(f"leads/{lead_id}")["updated_by"] == 0


def test_a_merge_leaves_the_winner_with_everything(bench: Bench) -> None:
    account = bench.account
    ali, vali, company = account.add_contact("Али"), account.add_contact("Вали"), account.add_company("ООО")
    account.add_lead_field("Адрес")
    winner = account.add_lead(contacts=[ali], tags=["а"])
    loser = account.add_lead(contacts=[ali, vali], price=9, company=company, fields={"Адрес": "ул. Мира"}, tags=["б"])
    bench.clock.advance(1)

    account.merge_leads(winner, loser)

    assert bench.get(f"leads/{loser}").status == bench.get("leads", with_="only_deleted").status == 204
    kept = account.lead(winner)
    assert kept is not None
    assert [tuple(link) for link in kept.contacts] == [(ali, True), (vali, False)]
    assert (kept.price, kept.company_id, len(kept.tag_ids), kept.updated_at) == (9, company, 2, START + 1)
    assert account.lead_value(winner, "Адрес") == "ул. Мира"
    assert [event["entity_id"] for event in events(bench, ("filter[type]", "entity_merged"))] == [winner]


def test_a_restored_lead_is_back_in_the_list_with_a_new_update_time(bench: Bench) -> None:
    lead_id = bench.account.add_lead("Стол")
    bench.account.trash_lead(lead_id)
    bench.clock.advance(4)
    bench.account.restore_lead(lead_id)

    assert bench.ids("leads", ("filter[updated_at][from]", START + 4)) == [lead_id]
    assert bench.get("leads", with_="only_deleted").status == 204


def test_contact_and_company_edits_leave_the_lead_alone_unless_told(bench: Bench) -> None:
    contact_id, company = bench.account.add_contact("Али", ["1"]), bench.account.add_company("ООО")
    lead_id = bench.account.add_lead(contacts=[contact_id], company=company)

    def updated() -> int:
        return int(bench.read(f"leads/{lead_id}")["updated_at"]) - START

    bench.clock.advance(1)
    bench.account.edit_contact(contact_id, name="Алишер", phones=["2", "3"])
    bench.account.edit_company(company, name="ЗАО")
    assert updated() == 0
    shown = bench.read(f"contacts/{contact_id}")
    assert (shown["name"], shown["updated_at"]) == ("Алишер", START + 1)
    assert [value["value"] for value in shown["custom_fields_values"][0]["values"]] == ["2", "3"]
    assert bench.ids("contacts", ("filter[updated_at][from]", START + 1)) == [contact_id]

    bench.account.edit_contact(contact_id, name="Али", bump_leads=True)
    assert updated() == 1
    bench.clock.advance(1)
    bench.knobs.contact_bump = True
    bench.account.edit_company(company, name="ООО")
    assert updated() == 2


def test_a_deleted_contact_leaves_its_lead(bench: Bench) -> None:
    contact_id = bench.account.add_contact("Али")
    lead_id = bench.account.add_lead(contacts=[contact_id])
    bench.account.delete_contact(contact_id)

    assert bench.get(f"contacts/{contact_id}").status == 204
    assert bench.read(f"leads/{lead_id}", with_="contacts")["_embedded"]["contacts"] == []


def test_settings_change_and_the_next_answer_shows_it(bench: Bench) -> None:
    account = bench.account
    field_id = account.add_lead_field("Адрес")
    lead_id = account.add_lead(pipeline_id=bench.pipeline, status_id=bench.sent, fields={"Адрес": "ул. Мира"})

    account.rename_stage(bench.pipeline, 142, "Успешно")
    account.rename_pipeline(bench.pipeline, "Розница")
    account.rename_field(field_id, "Куда")
    between = account.add_stage(bench.pipeline, "Сборка", sort=25)
    [pipeline] = bench.read("leads/pipelines")["_embedded"]["pipelines"]
    assert pipeline["name"] == "Розница"
    names = [row["name"] for row in pipeline["_embedded"]["statuses"]]
    assert names == ["Неразобранное", "Новая", "Сборка", "Заказ отправлен", "Успешно", "Закрыто и не реализовано"]
    assert bench.read(f"leads/{lead_id}")["custom_fields_values"][0]["field_name"] == "Куда"

    account.delete_stage(bench.pipeline, bench.sent, move_to=between)
    account.delete_field(field_id)
    account.archive_pipeline(bench.pipeline)
    shown = bench.read(f"leads/{lead_id}")
    assert (shown["status_id"], shown["custom_fields_values"]) == (between, None)
    [pipeline] = bench.read("leads/pipelines")["_embedded"]["pipelines"]
    assert pipeline["is_archive"] is True
    assert bench.sent not in {row["id"] for row in pipeline["_embedded"]["statuses"]}


def test_an_unset_field_is_cleared_by_none_and_a_removed_company_is_unlinked(bench: Bench) -> None:
    bench.account.add_lead_field("Адрес")
    company, first, second = bench.account.add_company("ООО"), bench.account.add_contact("А"), bench.account.add_contact("Б")
    lead_id = bench.account.add_lead(fields={"Адрес": "ул. Мира"}, company=company, contacts=[first])

    bench.account.edit_lead(lead_id, fields={"Адрес": None}, company=None, contacts=[second, first])

    lead = bench.account.lead(lead_id)
    assert lead is not None
    assert (bench.account.lead_value(lead_id, "Адрес"), lead.company_id) == (None, None)
    assert [tuple(link) for link in lead.contacts] == [(second, True), (first, False)]


def test_a_snapshot_brings_everything_back_as_often_as_wanted(bench: Bench) -> None:
    lead_id = bench.account.add_lead("Стол")
    account, knobs = bench.account, bench.knobs
    before = bench.read(f"leads/{lead_id}")
    snapshot = bench.cloud.snapshot()

    for _ in range(2):
        made = bench.account.add_lead("Ещё", tags=["а"])
        bench.account.edit_lead(lead_id, name="Стул")
        bench.account.rename_stage(bench.pipeline, bench.new, "Старая")
        bench.knobs.bulk_omits.add(lead_id)
        bench.knobs.list_lag_seconds = 60
        code = bench.cloud.oauth.issue_code()
        bench.cloud.is_blocked = True
        bench.cloud.restore(snapshot)
        assert bench.account.lead(made) is None

    assert bench.read(f"leads/{lead_id}") == before
    assert bench.ids("leads") == [lead_id]
    assert bench.get("leads/tags").status == 204
    assert bench.account.stage_id(bench.pipeline, "Новая") == bench.new
    assert (bench.account, bench.knobs) == (account, knobs)
    assert (bench.knobs.bulk_omits, bench.knobs.list_lag_seconds) == (set(), 0)
    assert bench.cloud.oauth.issue_code() == code
    assert bench.account.add_lead() == made


def test_a_snapshot_survives_pickling(bench: Bench) -> None:
    lead_id = bench.account.add_lead("Стол", tags=["а"])
    copied = pickle.loads(pickle.dumps(bench.cloud.snapshot()))
    other = Bench(bench.clock)

    other.cloud.restore(copied)
    other.token = bench.token

    assert other.read(f"leads/{lead_id}") == bench.read(f"leads/{lead_id}")


def test_the_same_seed_gives_the_same_account(bench: Bench) -> None:
    twin = Bench()
    different = AmoCloud(bench.clock.time, "http://127.0.0.1:1", seed=2)

    assert (twin.new, twin.sent, twin.token) == (bench.new, bench.sent, bench.token)
    assert twin.account.add_lead() == bench.account.add_lead()
    assert different.account.owner_id() != bench.account.owner_id()


@pytest.mark.slow
def test_100_000_leads_can_be_read_page_by_page() -> None:
    bench = Bench()
    for number in range(100_000):
        bench.account.add_lead(updated_at=START - (number * 7919) % 500_000)

    seen = {one for page in range(1, 401) for one in bench.ids("leads", limit=250, page=page)}

    assert (len(seen), bench.ids("leads", limit=250, page=401)) == (100_000, [])
