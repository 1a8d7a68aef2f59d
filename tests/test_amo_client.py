"""Routes, bulk reads and moves, against the stand-in for amoCRM."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.exceptions import ForbiddenError, UnavailableError, UnclearOutcomeError
from amo2gsheet.model import Move, MoveAnswers, Stage
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Manner, at, schedule, where
from amo2gsheet.sync.sides import AmoSide
from tests.amo_bench import START
from tests.amo_stand import Stand, only_read


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def sent(stand: Stand) -> Stage:
    return Stage(stand.bench.pipeline, stand.bench.sent)


def test_the_client_is_a_side(stand: Stand) -> None:
    side: AmoSide = stand.client()

    assert (side.server_time, side.request_count) == (0, 0)


def test_the_account_tells_its_zone_and_whether_it_filters(stand: Stand) -> None:
    stand.bench.knobs.filters_enabled = False
    client = stand.client()

    account = client.account()

    assert (account.id, account.zone) == (stand.bench.account.id, "Asia/Tashkent")
    assert account.is_filter_enabled is False
    assert client.request_count == 1


def test_filters_are_tried_again_when_the_account_says_that_they_are_on(stand: Stand) -> None:
    client = stand.client(filters_enabled=False)
    client.account()

    assert client.is_filter_kept is None


@pytest.mark.parametrize("body", [b"", b'{"_links":{},"_embedded":{"pipelines":[]}}'])
def test_no_pipeline_is_a_bad_answer(stand: Stand, body: bytes) -> None:
    stand.cloud.rule = lambda _number, _request: Fault(Manner.REFUSED, Answer(200, body))

    with pytest.raises(UnavailableError, match="every account has a pipeline"):
        stand.client().pipelines()


def test_the_server_time_is_amocrms_own(stand: Stand) -> None:
    stand.bench.knobs.clock_skew_seconds = 7200
    client = stand.client()
    client.account()

    assert client.server_time == START + 7200


def test_pipelines_come_with_their_stages(stand: Stand) -> None:
    pipeline = next(one for one in stand.client().pipelines() if one.id == stand.bench.pipeline)

    assert (pipeline.name, [stage.name for stage in pipeline.stages if not stage.is_incoming][:2]) == (
        "Продажи",
        ["Новая", "Заказ отправлен"],
    )
    assert [stage.stage.status_id for stage in pipeline.stages][-2:] == [142, 143]
    assert [stage.sort for stage in pipeline.stages] == sorted(stage.sort for stage in pipeline.stages)


@pytest.mark.parametrize("cap", [50, 250])
def test_all_pages_of_fields_are_read(stand: Stand, cap: int) -> None:
    stand.bench.knobs.fields_page_cap = cap
    for number in range(120):
        stand.bench.account.add_lead_field(f"Поле {number}")
    stand.bench.account.add_lead_field("Доставка", "select", ["Курьер", "Самовывоз"])

    fields = stand.client().lead_fields()

    assert {f"Поле {number}" for number in range(120)} <= {field.name for field in fields}
    assert next(field for field in fields if field.name == "Доставка").options == ("Курьер", "Самовывоз")


def test_h7_the_251st_user_resolves(stand: Stand) -> None:
    users = [stand.bench.account.add_user(f"Сотрудник {number}") for number in range(260)]

    names = stand.client().users()

    assert names is not None
    assert names[users[250]] == "Сотрудник 250"


def test_users_that_the_token_may_not_read_are_none(stand: Stand) -> None:
    stand.bench.knobs.users_forbidden = True

    assert stand.client().users() is None


@pytest.mark.parametrize("empty", ["204", "200"])
def test_h5_an_empty_body_means_nothing_found(stand: Stand, empty: str) -> None:
    stand.bench.knobs.empty_list = empty  # type: ignore[assignment]
    client = stand.client()

    assert list(client.changed_leads(START)) == []
    assert client.newest_leads() == []
    assert client.changed_contacts(START) == []
    assert client.contacts([7, 8]) == {}
    assert client.trigger_events([Stage(1, 2)], START) == []
    assert client.lead(7) is None


@pytest.mark.parametrize("missing", ["204", "404"])
def test_a_missing_lead_is_none(stand: Stand, missing: str) -> None:
    stand.bench.knobs.missing_lead = missing  # type: ignore[assignment]

    assert stand.client().lead(12345) is None


def test_a_lead_is_not_missing_because_the_body_was_lost(stand: Stand) -> None:
    stand.cloud.rule = lambda _number, _request: Fault(Manner.REFUSED, answers.empty_200())

    with pytest.raises(UnavailableError):
        stand.client().lead(7)


def test_a_lead_is_not_missing_because_the_address_is_wrong(stand: Stand) -> None:
    body = b'{"title":"Not Found","status":404,"detail":"Cannot GET https://example.com/api/v4/leads/7!"}'
    stand.cloud.rule = at(1, Fault(Manner.REFUSED, Answer(404, body)))

    with pytest.raises(UnavailableError, match="knows no"):
        stand.client().lead(7)


def test_h6_300_changed_leads_cost_two_pages_and_three_for_their_contacts(stand: Stand) -> None:
    account = stand.bench.account
    for place in range(300):
        contact = account.add_contact(f"Клиент {place}", [f"+998 90 000-{place:04}"])
        account.add_lead(contacts=[contact], created_at=START, updated_at=START + place // 10)
    stand.clock.advance(100)
    client = stand.client()

    leads = [lead for leads in client.changed_leads(START) for lead in only_read(leads)]
    pages = client.request_count
    contacts = client.contacts([lead.contact_ids[0] for lead in leads])

    assert (len(leads), len(contacts)) == (300, 300)
    assert pages <= 2
    assert client.request_count - pages <= 3
    assert contacts[leads[5].contact_ids[0]].phones == ("+998 90 000-0005",)


def test_contacts_left_out_of_the_bulk_answer_are_asked_for_one_by_one(stand: Stand) -> None:
    account = stand.bench.account
    ids = [account.add_contact(f"Клиент {place}") for place in range(5)]
    account.delete_contact(ids[4])
    stand.bench.knobs.bulk_omits = {ids[1]}
    client = stand.client()

    assert set(client.contacts(ids)) == set(ids[:4])
    assert client.request_count == 3


@pytest.mark.parametrize("known", [None, False])
def test_without_filters_contacts_are_read_one_by_one(stand: Stand, known: bool | None) -> None:
    account = stand.bench.account
    stand.bench.knobs.filters_enabled = False
    ids = [account.add_contact(f"Клиент {place}") for place in range(400)]
    client = stand.client(filters_enabled=known)

    found = client.contacts([ids[0], ids[399], 5])

    assert {one.id: one.name for one in found.values()} == {ids[0]: "Клиент 0", ids[399]: "Клиент 399"}
    assert client.is_filter_kept is False
    assert client.request_count == (4 if known is None else 3)


def test_changed_contacts_and_companies_are_those_since(stand: Stand) -> None:
    account = stand.bench.account
    account.add_contact("Прежний")
    account.add_company("Прежняя")
    stand.clock.advance(100)
    contact, company = account.add_contact("Новый"), account.add_company("Новая")
    client = stand.client()

    assert client.changed_contacts(START + 50) == [(contact, START + 100)]
    assert client.changed_companies(START + 50) == [(company, START + 100)]
    assert client.companies([company])[company].name == "Новая"


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (250, 1), (251, 2), (600, 3)])
def test_leads_are_read_in_bulk(stand: Stand, count: int, requests: int) -> None:
    ids = stand.add_leads(count)
    client = stand.client()

    assert set(client.leads_by_id(ids)) == set(ids)
    assert client.request_count == requests


def test_leads_in_bulk_survive_a_smaller_page(stand: Stand) -> None:
    stand.bench.knobs.leads_page_cap = 50
    ids = stand.add_leads(130)

    assert set(stand.client().leads_by_id(ids)) == set(ids)


def test_leads_read_without_filters_are_the_ones_asked_for(stand: Stand) -> None:
    stand.bench.knobs.filters_enabled = False
    ids = stand.add_leads(400)
    client = stand.client()

    assert set(client.leads_by_id([ids[3], ids[399]])) == {ids[3], ids[399]}
    assert client.request_count == 3


def test_events_tell_who_passed_through_a_stage(stand: Stand) -> None:
    bench = stand.bench
    ids = stand.add_leads(130)
    for lead_id in ids:
        bench.account.move_lead(lead_id, bench.pipeline, bench.sent)
        bench.account.move_lead(lead_id, bench.pipeline, 142)
        stand.clock.advance(1)
    bench.account.move_lead(bench.account.add_lead(), bench.pipeline, 143)
    client = stand.client()
    began = bench.now - 130

    events = client.trigger_events([sent(stand)], began)

    assert {event.lead_id for event in events} == set(ids)
    assert len(events) == 260
    assert [event.created_at for event in events] == sorted(event.created_at for event in events)
    assert client.request_count == 4
    assert [(event.before, event.after) for event in client.moves_of(ids[7], began)] == [
        (Stage(bench.pipeline, bench.new), sent(stand)),
        (sent(stand), Stage(bench.pipeline, 142)),
    ]
    assert client.trigger_events([], began) == []


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
def test_an_event_of_the_very_second_is_given(stand: Stand, bounds: str) -> None:
    stand.bench.knobs.bounds = bounds  # type: ignore[assignment]
    lead_id = stand.bench.account.add_lead()
    stand.bench.account.move_lead(lead_id, stand.bench.pipeline, stand.bench.sent)

    assert len(stand.client().moves_of(lead_id, START)) == 1
    assert stand.client().moves_of(lead_id, START + 1) == []


def test_events_may_be_forbidden(stand: Stand) -> None:
    stand.bench.knobs.events_forbidden = True

    with pytest.raises(ForbiddenError):
        stand.client().moves_of(7, START)


# Moves.


def test_leads_are_moved_in_one_request(stand: Stand) -> None:
    ids = stand.add_leads(50)
    client = stand.client()

    answers = client.move([Move(lead_id, sent(stand)) for lead_id in ids])

    assert answers == MoveAnswers(dict.fromkeys(ids, stand.bench.now), {})
    assert client.request_count == 1
    assert {stand.bench.account.leads.current[lead_id].status_id for lead_id in ids} == {stand.bench.sent}


def test_a_move_names_the_pipeline_of_its_stage(stand: Stand) -> None:
    """The closed stages have one number in all pipelines."""
    (lead_id,) = stand.add_leads(1)
    target = Stage(sent(stand).pipeline_id, 142)

    stand.client().move([Move(lead_id, target)])

    (item,) = stand.cloud.log[-1].request.json()
    assert (item["pipeline_id"], item["status_id"]) == (target.pipeline_id, 142)


def test_no_move_is_no_request(stand: Stand) -> None:
    client = stand.client()

    assert client.move([]) == MoveAnswers({}, {})
    assert client.request_count == 0


@pytest.mark.parametrize("names", ["all", "first"])
@pytest.mark.parametrize("kind", ["validation", "errors"])
def test_the_leads_that_a_refusal_names_are_left_out(stand: Stand, kind: str, names: str) -> None:
    ids = stand.add_leads(20)
    stand.bench.knobs.refuse_leads = {ids[3]: kind, ids[11]: kind}  # type: ignore[dict-item]
    stand.bench.knobs.refuse_names = names  # type: ignore[assignment]

    answers = stand.client().move([Move(lead_id, sent(stand)) for lead_id in ids])

    assert set(answers.refused) == {ids[3], ids[11]}
    assert set(answers.moved) == set(ids) - {ids[3], ids[11]}
    assert all(reason for reason in answers.refused.values())


def test_a_missing_lead_does_not_hold_up_the_others(stand: Stand) -> None:
    ids = stand.add_leads(5)

    answers = stand.client().move([Move(lead_id, sent(stand)) for lead_id in [*ids[:2], 777, *ids[2:]]])

    assert answers.refused == {777: "Lead not found"}
    assert set(answers.moved) == set(ids)


def test_a_forbidden_lead_is_found_by_halves(stand: Stand) -> None:
    ids = stand.add_leads(16)
    stand.bench.knobs.forbidden_leads = {ids[5]}

    answers = stand.client().move([Move(lead_id, sent(stand)) for lead_id in ids])

    assert set(answers.refused) == {ids[5]}
    assert set(answers.moved) == set(ids) - {ids[5]}


def test_a_refusal_that_names_nobody_is_found_by_halves(stand: Stand) -> None:
    ids = stand.add_leads(8)
    body = b'{"title":"Bad Request","status":400,"detail":"Request validation failed"}'
    stand.cloud.rule = where(lambda request: str(ids[6]).encode() in request.body, Fault(Manner.REFUSED, Answer(400, body)))

    answers = stand.client().move([Move(lead_id, sent(stand)) for lead_id in ids])

    assert answers.refused == {ids[6]: "400, Request validation failed"}
    assert set(answers.moved) == set(ids) - {ids[6]}


@pytest.mark.parametrize("manner", [Manner.CUT_AFTER, Manner.CUT_BEFORE, Manner.CUT_SHORT, Manner.TIMEOUT_AFTER])
def test_a_move_cut_off_once_is_sent_again(stand: Stand, manner: Manner) -> None:
    ids = stand.add_leads(2)
    stand.cloud.rule = at(1, Fault(manner))

    answers = stand.client().move([Move(lead_id, sent(stand)) for lead_id in ids])

    assert set(answers.moved) == set(ids)


@pytest.mark.parametrize(
    "fault", [Fault(Manner.TIMEOUT_BEFORE), Fault(Manner.CUT_AFTER), Fault(Manner.FAILED_AFTER, answers.html_502())]
)
def test_a_move_without_any_answer_is_unclear(stand: Stand, fault: Fault) -> None:
    ids = stand.add_leads(2)
    stand.cloud.rule = lambda _number, _request: fault

    with pytest.raises(UnclearOutcomeError):
        stand.client().move([Move(lead_id, sent(stand)) for lead_id in ids])


def test_a_move_that_was_turned_away_each_time_is_not_unclear(stand: Stand) -> None:
    stand.cloud.rule = lambda _number, _request: Fault(Manner.REFUSED, answers.html_429())

    with pytest.raises(UnavailableError) as caught:
        stand.client().move([Move(7, sent(stand))])

    assert not isinstance(caught.value, UnclearOutcomeError)


def test_a_block_after_a_try_without_answer_does_not_make_it_clear(stand: Stand) -> None:
    ids = stand.add_leads(1)
    stand.cloud.rule = schedule({1: Fault(Manner.CUT_AFTER), 2: Fault(Manner.REFUSED, answers.html_403())})

    with pytest.raises(UnclearOutcomeError):
        stand.client().move([Move(ids[0], sent(stand))])


def test_half_a_batch_done_does_not_pass_for_none(stand: Stand) -> None:
    ids = stand.add_leads(4)
    stand.bench.knobs.forbidden_leads = {ids[3]}
    late = str(ids[3]).encode()

    def rule(_number: int, request: Request) -> Fault | None:
        is_second_half = late in request.body and str(ids[0]).encode() not in request.body
        return Fault(Manner.REFUSED, answers.html_429()) if is_second_half else None

    stand.cloud.rule = rule

    with pytest.raises(UnclearOutcomeError, match="Only a part"):
        stand.client().move([Move(lead_id, sent(stand)) for lead_id in ids])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"_embedded":{"leads":[]}}',
        b'{"_embedded":{"leads":[{"id":8,"updated_at":5}]}}',
        b'{"_embedded":{"leads":[{"id":7,"updated_at":"soon"}]}}',
    ],
)
def test_an_answer_that_leaves_a_lead_out_is_unclear(stand: Stand, body: bytes) -> None:
    stand.cloud.rule = lambda _number, _request: Fault(Manner.FAILED_AFTER, Answer(200, body))

    with pytest.raises(UnclearOutcomeError):
        stand.client().move([Move(7, sent(stand))])


def test_a_move_of_numbers_in_a_string_answer_is_understood(stand: Stand) -> None:
    body = b'{"_embedded":{"leads":[{"id":"7","updated_at":"1760000009"}]}}'
    stand.cloud.rule = at(1, Fault(Manner.FAILED_AFTER, Answer(200, body)))

    assert stand.client().move([Move(7, sent(stand))]) == MoveAnswers({7: 1_760_000_009}, {})
