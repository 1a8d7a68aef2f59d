"""What of amoCRM's list is news: nothing twice, nothing old, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.model import Lead, Stage
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Manner, where
from amo2gsheet.state.records import Asked, Version
from amo2gsheet.sync.news import links_of, only_news, version_of
from amo2gsheet.sync.run import Run
from tests.sync_bench import NEW, REFUSED, SENT, TRIGGER, lead, run_on, settled
from tests.world import World


def _seen(run: Run, *leads: Lead) -> None:
    run.state.save_versions([version_of(one) for one in leads])


def _one(stage: Stage = TRIGGER, updated_at: int = 100, digest: str = "a") -> Lead:
    return lead(1, stage, updated_at=updated_at, digest=digest)


def test_a_version_seen_before_is_no_news(tmp_path: Path) -> None:
    with run_on(World(tmp_path)) as run:
        _seen(run, _one())

        assert [] == only_news(run, [_one()])
        assert [_one(digest="b")] == only_news(run, [_one(digest="b")])
        assert [_one(updated_at=101, digest="b")] == only_news(run, [_one(updated_at=101, digest="b")])
        assert [] == only_news(run, [_one(updated_at=99, digest="b")])


def test_of_one_lead_given_twice_the_newest_version_counts(tmp_path: Path) -> None:
    older, newer = _one(updated_at=100), _one(updated_at=101, digest="b")

    with run_on(World(tmp_path)) as run:
        assert [newer] == only_news(run, [older, newer]) == only_news(run, [newer, older])


@pytest.mark.parametrize(
    ("shown", "is_news"),
    [
        (_one(SENT, 100, "b"), True),
        (_one(SENT, 99, "b"), False),
        (_one(TRIGGER, 99, "b"), False),
        (_one(SENT, 101, "b"), True),
        (_one(TRIGGER, 101, "b"), True),
    ],
    ids=["its echo", "an older one in the target", "an older one", "a newer one in the target", "a newer one in the old stage"],
)
def test_what_is_older_than_our_own_move_is_no_news(tmp_path: Path, shown: Lead, is_news: bool) -> None:
    with run_on(World(tmp_path)) as run:
        _seen(run, _one(updated_at=50))
        run.state.ask(Asked(1, TRIGGER, SENT, 100))

        assert ([shown] if is_news else []) == only_news(run, [shown])


def test_a_second_edit_in_the_second_of_the_last_one_is_read_by_id(tmp_path: Path) -> None:
    """The list may show either of the two; `GET` by ID tells which is the later one."""
    world = World(tmp_path)
    found = world.lead("Анна")
    world.pull()
    in_account = world.account.lead(found)
    assert in_account is not None

    with run_on(world) as run:
        shown = lead(found, Stage(world.shop, 1), updated_at=in_account.updated_at, digest="other")
        (news,) = only_news(run, [shown])
        gone = lead(999, SENT, updated_at=7, digest="x")
        _seen(run, lead(999, TRIGGER, updated_at=7))

        assert (Stage(*world.trigger), []) == (news.stage, only_news(run, [gone]))


def test_a_lead_of_that_second_that_gives_no_answer_is_owed_and_keeps_no_other_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo_wire.rule = where(lambda request: request.path.endswith("/leads/1"), Fault(Manner.REFUSED, answers.html_504()))
    other = lead(2, TRIGGER, updated_at=101, digest="c")
    with run_on(world) as run:
        _seen(run, _one())

        assert [other] == only_news(run, [_one(SENT, 100, "b"), other])
        assert {1} == run.state.owed().keys()


def test_same_stage_in_the_same_second_needs_no_request(tmp_path: Path) -> None:
    with run_on(World(tmp_path)) as run:
        _seen(run, _one())

        assert ([_one(digest="b")], 0) == (only_news(run, [_one(digest="b")]), run.amo.request_count)


def test_a_version_seen_after_our_move_keeps_its_own_stage(tmp_path: Path) -> None:
    with run_on(World(tmp_path)) as run:
        _seen(run, _one(REFUSED, 100))
        run.state.ask(Asked(1, TRIGGER, SENT, 90))

        assert [_one(REFUSED, 100, "b")] == only_news(run, [_one(REFUSED, 100, "b")])


def test_a_version_is_what_the_lead_shows() -> None:
    assert Version(1, 100, "a", NEW) == version_of(_one(NEW))


def test_links_name_what_a_lead_hangs_on() -> None:
    found = links_of(lead(1, SENT, contact_ids=(3, 4), company_id=9, responsible_user_id=7))

    assert (1, (3, 4), 9, 7, SENT) == (found.lead_id, found.contact_ids, found.company_id, found.responsible_user_id, found.stage)


# --- reading the list ---


def test_nothing_new_costs_one_request(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    costs = []
    for _ in range(20):
        outcome = world.pull()
        costs.append((outcome.amo_requests, outcome.sheet_requests))

    assert {(1, 0)} == set(costs)


@pytest.mark.parametrize("is_filtered", [True, False], ids=["filters on", "filters off"])
@pytest.mark.parametrize("minutes", [1, 30], ids=["within the overlap", "after it"])
def test_a_change_is_found_at_once_and_once(tmp_path: Path, minutes: int, is_filtered: bool) -> None:
    world = World(tmp_path)
    world.amo.knobs.filters_enabled = is_filtered
    found, _ = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.clock.advance(60 * minutes)
    world.pull()
    world.move(found, world.stage("Заказ отправлен"))

    outcome = world.pull()
    writes = world.sheet_writes()
    settled(world)

    assert ("У курера", 1, writes) == (world.status(found), outcome.report.cells, world.sheet_writes())


def test_more_changes_than_a_page_holds_after_a_long_rest_are_all_found(tmp_path: Path) -> None:
    """The newest page shows no lead as old as the cursor: the list is read from the cursor on."""
    world = World(tmp_path)
    world.amo.knobs.leads_page_cap = 3
    world.lead("Анна")
    world.pull()
    world.clock.advance(3000)
    world.pull()
    leads = [world.lead(f"Клиент {number}") for number in range(8)]

    settled(world)

    assert set(leads) < set(world.ids())


def test_an_account_without_leads_is_no_error(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    world.clock.advance(3000)

    assert [ExitCode.DONE] * 2 == [world.pull().exit_code for _ in range(2)]


def test_a_list_that_lags_behind_loses_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.list_lag_seconds = 200
    found, other = world.lead("Анна"), world.lead("Борис")
    world.clock.advance(300)
    world.pull()
    world.move(found, world.stage("Заказ отправлен"))
    world.clock.advance(100)
    world.move(other, world.stage("Отказ"))
    for _ in range(8):
        settled(world)

    assert ("У курера", "Отказ") == (world.status(found), world.status(other))


def test_a_clock_of_amocrm_that_differs_from_ours_does_not_matter(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.clock_skew_seconds = -5000
    found = world.lead("Анна")
    world.pull()
    world.move(found, world.stage("Заказ отправлен"))

    settled(world)

    assert "У курера" == world.status(found)
