"""Lists of leads that change while they are read, under everything that is unknown or known to go wrong about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amo2gsheet.exceptions import UnavailableError
from amo2gsheet.model import Lead, Stage
from amo2gsheet.sandbox import amo_reads
from amo2gsheet.sandbox.exchange import Request
from tests.amo_bench import START
from tests.amo_stand import Stand, only_read, versions

Bounds = Literal["inclusive", "exclusive"]

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def on_request(act: Callable[[int], None]) -> Callable[[int, Request], None]:
    return lambda number, _request: act(number)


def everything(stand: Stand, since: int) -> set[tuple[int, int]]:
    """Every present version at or after `since`."""
    leads = stand.bench.account.leads.current.values()
    return {(lead.id, lead.updated_at) for lead in leads if lead.updated_at >= since}


def test_an_unchanged_account_costs_one_request(stand: Stand) -> None:
    stand.add_leads(40)
    client = stand.client()

    assert versions(client.changed_leads(stand.bench.now + 60)) == []
    assert client.request_count == 1


def test_a_page_of_leads_costs_one_request_whether_full_or_not(stand: Stand) -> None:
    stand.add_leads(250)
    client = stand.client()

    assert len(versions(client.changed_leads(START))) == 250
    assert client.request_count == 1


@pytest.mark.parametrize("count", [251, 900, 2000])
@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
def test_leads_changed_ten_a_second_cost_a_request_per_225(stand: Stand, count: int, bounds: Bounds) -> None:
    stand.bench.knobs.bounds = bounds
    stand.add_leads(count)
    client = stand.client()

    assert len(versions(client.changed_leads(START))) == count
    assert client.request_count <= -(-count // 225)


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
def test_leads_come_oldest_first_and_once(stand: Stand, bounds: Bounds) -> None:
    stand.bench.knobs.bounds = bounds
    stand.add_leads(700)

    given = versions(stand.client().changed_leads(START + 3))

    assert given == sorted(everything(stand, START + 3), key=lambda version: (version[1], version[0]))


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
@pytest.mark.parametrize("cap", [250, 50])
@pytest.mark.parametrize(("before", "count"), [(0, 250), (1, 250), (249, 251), (250, 249), (300, 500), (0, 1100), (300, 1100)])
def test_a_mass_edit_in_one_second_loses_nobody(stand: Stand, bounds: Bounds, cap: int, before: int, count: int) -> None:
    stand.bench.knobs.bounds, stand.bench.knobs.leads_page_cap = bounds, cap
    stand.add_leads(before, every_seconds=0.01)
    stand.add_leads(count, every_seconds=0.0)
    stand.add_leads(30, every_seconds=0.3)

    assert set(versions(stand.client().changed_leads(START))) == everything(stand, START)


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
def test_mass_edits_in_seconds_in_a_row_lose_nobody(stand: Stand, bounds: Bounds) -> None:
    stand.bench.knobs.bounds = bounds
    for second in range(4):
        stand.add_leads(400, every_seconds=0.0, since=START + second)

    assert set(versions(stand.client().changed_leads(START))) == everything(stand, START)


def test_leads_that_enter_the_present_second_while_it_is_read_are_not_lost(stand: Stand) -> None:
    ids = [stand.bench.account.add_lead(updated_at=START - 9) for _ in range(600)]
    for lead_id in ids[:400]:
        stand.bench.account.edit_lead(lead_id, price=1)
    late = iter(ids[400:])

    def act(number: int) -> None:
        if 3 <= number <= 6:
            for _ in range(20):
                stand.bench.account.edit_lead(next(late), price=2)

    stand.cloud.before_each = on_request(act)
    stand.bench.cloud.knobs.bounds = "exclusive"
    client = stand.client(delay_seconds=0.01)

    given = versions(client.changed_leads(START))

    assert everything(stand, START) - set(given) == set()


@pytest.mark.parametrize("filters", [True, False])
def test_a_bad_order_is_noticed(stand: Stand, filters: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stand.bench.knobs.filters_enabled = filters
    ids = stand.add_leads(400)
    stand.bench.account.edit_lead(ids[200], price=5)
    monkeypatch.setattr(amo_reads, "ordering", lambda _query: ("id", not filters))

    with pytest.raises(UnavailableError, match="not in the order asked for"):
        versions(stand.client(filters_enabled=filters).changed_leads(START))


def test_without_filters_the_whole_comes_as_one_list(stand: Stand) -> None:
    stand.add_leads(300, since=START - 5000)
    stand.bench.knobs.filters_enabled = False
    stand.add_leads(600)
    client = stand.client()

    lists = list(client.changed_leads(START))

    assert [len(leads) for leads in lists] == [600]
    assert {(lead.id, lead.updated_at) for lead in lists[0]} == everything(stand, START)
    assert [lead.updated_at for lead in lists[0]] == sorted(lead.updated_at for lead in lists[0])
    assert client.is_filter_kept is False


def test_without_filters_an_unchanged_account_costs_one_request_once_that_is_known(stand: Stand) -> None:
    stand.bench.knobs.filters_enabled = False
    stand.add_leads(600)
    client = stand.client(filters_enabled=False)

    assert versions(client.changed_leads(stand.bench.now + 60)) == []
    assert client.request_count == 1


def test_filters_that_are_kept_are_known_to_be(stand: Stand) -> None:
    stand.add_leads(10)
    client = stand.client()

    list(client.changed_leads(START))

    assert client.is_filter_kept is True


def test_filters_switched_off_half_way_lose_nobody(stand: Stand) -> None:
    stand.add_leads(900)

    def act(number: int) -> None:
        if number == 3:
            stand.bench.knobs.filters_enabled = False

    stand.cloud.before_each = on_request(act)

    assert set(versions(stand.client().changed_leads(START))) == everything(stand, START)


def test_a_lead_trashed_between_two_pages_takes_no_other_with_it_without_filters(stand: Stand) -> None:
    stand.bench.knobs.filters_enabled = False
    ids = stand.add_leads(600)

    def act(number: int) -> None:
        if number == 2:
            stand.bench.account.trash_lead(ids[-1])

    stand.cloud.before_each = on_request(act)

    given = versions(stand.client(filters_enabled=False).changed_leads(START))

    assert everything(stand, START) - set(given) == set()


def test_leads_in_stages_are_those_and_no_others(stand: Stand) -> None:
    bench = stand.bench
    stand.add_leads(300)
    for place in range(600):
        bench.account.add_lead(status_id=bench.sent, pipeline_id=bench.pipeline, updated_at=START + place)
    wanted = {lead.id for lead in bench.account.leads.current.values() if lead.status_id == bench.sent}

    for filters in (True, False):
        bench.knobs.filters_enabled = filters
        given = versions(stand.client(filters_enabled=filters).leads_in_stages([Stage(bench.pipeline, bench.sent)]))
        assert {lead_id for lead_id, _ in given} == wanted
        assert len(given) == 600


def test_leads_in_no_stage_are_not_asked_for(stand: Stand) -> None:
    client = stand.client()

    assert list(client.leads_in_stages([])) == []
    assert client.request_count == 0


def test_the_newest_leads_are_one_page(stand: Stand) -> None:
    ids = stand.add_leads(300)
    client = stand.client()

    newest = client.newest_leads()

    assert {lead.id for lead in newest} == set(ids[50:])
    assert newest[0].updated_at >= newest[-1].updated_at
    assert client.request_count == 1


def test_the_list_and_a_look_by_id_show_the_same_version(stand: Stand) -> None:
    bench = stand.bench
    contacts = [bench.account.add_contact("Тест Тестов", ["+998 90 000-00-01"]) for _ in range(3)]
    lead_id = bench.account.add_lead("Заказ", price=15.5, contacts=contacts, main_contact=contacts[1], tags=["а", "б"])
    client = stand.client()

    listed = [lead for leads in client.changed_leads(START) for lead in only_read(leads)]

    assert listed == [client.lead(lead_id)] == client.newest_leads()
    assert listed[0].contact_ids == (contacts[1], contacts[0], contacts[2])
    assert listed[0].price == 15.5


def test_two_edits_in_one_second_have_different_digests(stand: Stand) -> None:
    lead_id = stand.bench.account.add_lead("Заказ")
    client = stand.client()
    before = client.lead(lead_id)
    stand.bench.account.edit_lead(lead_id, price=7)
    after = client.lead(lead_id)

    assert before is not None
    assert after is not None
    assert before.updated_at == after.updated_at
    assert before.digest != after.digest


def check_promise(lists: list[list[Lead]], present: set[tuple[int, int]]) -> None:
    """After each list every lead whose change is older than the list's last one was given."""
    seen: set[tuple[int, int]] = set()
    for leads in lists:
        seen |= {(lead.id, lead.updated_at) for lead in leads}
        last = leads[-1].updated_at
        assert {one for one in present if one[1] < last} - seen == set()


EDITS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 79), st.sampled_from([0.0, 0.2, 1.0])), max_size=30)


@given(
    edits=EDITS,
    trashed=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 79)), max_size=3, unique_by=lambda one: one[1]),
    spread=st.sampled_from([0.0, 0.05, 0.5]),
    bounds=st.sampled_from(["inclusive", "exclusive"]),
    filters=st.booleans(),
    cap=st.sampled_from([7, 20]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_leads_edited_between_any_two_requests_are_never_lost(
    tmp_path: Path,
    edits: list[tuple[int, int, float]],
    trashed: list[tuple[int, int]],
    spread: float,
    bounds: Any,
    filters: bool,
    cap: int,
) -> None:
    """A lead edited after all was read is newer than the last one given; every other stands in the lists as it is now."""
    stand = Stand(tmp_path)
    account = stand.bench.account
    stand.bench.knobs.bounds, stand.bench.knobs.leads_page_cap = bounds, cap
    stand.bench.knobs.filters_enabled = filters
    ids = stand.add_leads(80, every_seconds=spread)

    def act(number: int) -> None:
        for when, place, seconds in edits:
            if when == number and account.lead(ids[place]):
                account.edit_lead(ids[place], price=number)
                stand.clock.advance(seconds)
        for when, place in trashed:
            if when == number and account.lead(ids[place]):
                account.trash_lead(ids[place])

    stand.cloud.before_each = on_request(act)
    lists = [only_read(leads) for leads in stand.client(delay_seconds=0.05).changed_leads(START)]

    check_promise(lists, everything(stand, START))
