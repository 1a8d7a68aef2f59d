"""Intents, owed writes, moves asked for, what waits for a person, and what keeps news apart from what is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from amo2gsheet.model import Base, Stage
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import Asked, Intent, Owed, Pending, StateStore, Version, Waiting

NOW = 1_750_000_000
STAGE = Stage(10, 142)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: VirtualClock) -> Iterator[StateStore]:
    with StateStore.open(tmp_path / "state", clock) as opened:
        yield opened


# --- intents ---


def test_an_intent_stands_until_it_is_dropped(store: StateStore, clock: VirtualClock) -> None:
    run_id = store.begin_run("pull")
    cells = store.add_intent("cells", {"rows": [[1, "Отказ"]]})
    clock.advance(5)
    rows = store.add_intent("rows", {"ids": [2]}, commit_token=77)

    assert store.open_intents() == [
        Intent(cells.id, "cells", NOW, None, False, run_id, {"rows": [[1, "Отказ"]]}),
        Intent(rows.id, "rows", NOW + 5, 77, False, run_id, {"ids": [2]}),
    ]
    assert [cells, rows] == store.open_intents()

    store.drop_intent(cells.id)
    store.drop_intent(cells.id)
    assert store.open_intents() == [rows]


def test_an_intent_made_outside_of_a_run_has_no_run(store: StateStore) -> None:
    store.end_run(store.begin_run("pull"), 0)

    assert store.add_intent("tab", {}).run_id == 0


def test_an_intent_can_become_unclear_and_say_something_else(store: StateStore) -> None:
    first, second = store.add_intent("cells", {"a": 1}), store.add_intent("cells", {"a": 1})
    store.mark_unclear(first.id)
    store.update_intent(second.id, {"a": 2})

    assert [(intent.is_unclear, intent.payload) for intent in store.open_intents()] == [(True, {"a": 1}), (False, {"a": 2})]


def test_the_number_of_a_dropped_intent_is_not_given_again(store: StateStore) -> None:
    first = store.add_intent("cells", {})
    store.drop_intent(first.id)

    assert store.add_intent("cells", {}).id > first.id


def test_commit_tokens_are_positive_31_bit_numbers_given_once(tmp_path: Path, clock: VirtualClock) -> None:
    """0 is no token, the top bit is cut off, and a number that was drawn before is drawn again."""
    drawn = iter(["00" * 16, "ffffffff", "7fffffff", "00000000", "80000000", "00000001", "80000001", "00000002"])

    with StateStore.open(tmp_path / "other", clock, random_bytes=lambda _: bytes.fromhex(next(drawn))) as store:
        assert [store.new_commit_token() for _ in range(3)] == [2**31 - 1, 1, 2]


def test_a_commit_token_is_not_given_again_when_its_intent_is_gone(tmp_path: Path, clock: VirtualClock) -> None:
    drawn = iter(["00" * 16, "00000001", "00000001", "00000002"])

    with StateStore.open(tmp_path / "other", clock, random_bytes=lambda _: bytes.fromhex(next(drawn))) as store:
        store.drop_intent(store.add_intent("rows", {}, store.new_commit_token()).id)
        assert store.new_commit_token() == 2


# --- owed ---


def test_one_thing_is_owed_once_for_each_lead_and_reason(store: StateStore, clock: VirtualClock) -> None:
    store.owe(1, "unread", "contact 5")
    clock.advance(60)
    store.owe(1, "unread", "contact 6")
    store.owe(1, "header")
    store.owe(1, "written later")
    store.owe_all([2, 3], "header", "Email")

    assert store.owed() == {
        1: Owed(1, {"header": "", "unread": "contact 6", "written later": ""}, NOW),
        2: Owed(2, {"header": "Email"}, NOW + 60),
        3: Owed(3, {"header": "Email"}, NOW + 60),
    }


def test_what_is_paid_is_owed_no_more(store: StateStore) -> None:
    store.owe_all([1, 2], "unread")
    store.owe_all([1, 2], "header")
    store.pay([1], "header")
    store.pay([2, 3])

    assert store.owed() == {1: Owed(1, {"unread": ""}, NOW)}


def test_every_tracked_lead_of_this_tab_can_be_owed(store: StateStore) -> None:
    store.follow_tab(7, "Июль")
    store.save_bases([Base(1)])
    store.follow_tab(8, "Август")
    store.save_bases([Base(2), Base(3)])
    store.owe(3, "header", "before")
    store.owe_all_tracked("header", "Email")

    assert {lead_id: owed.reasons for lead_id, owed in store.owed().items()} == {2: {"header": "Email"}, 3: {"header": "Email"}}


# --- moves asked for ---


def test_the_newest_move_asked_for_counts(store: StateStore) -> None:
    first = Asked(1, STAGE, Stage(10, 20), NOW, 1, "Отказ")
    other = Asked(2, STAGE, Stage(11, 20), NOW + 1, 2, "")
    again = Asked(1, STAGE, Stage(10, 20), NOW + 9, 2, "Успешно")
    for move in (first, other, again):
        store.ask(move)

    assert store.asked() == {1: again, 2: other}
    assert store.asked([1, 3]) == {1: again}
    store.drop_asked([1])
    assert store.asked() == {2: other}


# --- waiting ---


def test_what_waits_is_news_once(store: StateStore, clock: VirtualClock) -> None:
    waiting = Waiting(1, "missing stage", "нет этапа", key="Отказ a1")
    assert store.wait(waiting)
    clock.advance(60)

    assert not store.wait(waiting)
    assert store.waiting() == [Waiting(1, "missing stage", "нет этапа", "Отказ a1", NOW)]


def test_what_waits_is_news_again_when_it_was_judged_on_something_else(store: StateStore, clock: VirtualClock) -> None:
    store.wait(Waiting(1, "missing stage", "нет этапа", key="Отказ a1", is_reported=True))
    clock.advance(60)

    assert store.wait(Waiting(1, "missing stage", "нет этапа", key="Отказ b2"))
    assert store.waiting() == [Waiting(1, "missing stage", "нет этапа", "Отказ b2", NOW + 60, is_reported=False)]


def test_a_new_detail_alone_is_no_news(store: StateStore) -> None:
    store.wait(Waiting(1, "doubled ID", "rows 2, 3", key="2"))

    assert not store.wait(Waiting(1, "doubled ID", "rows 4, 9", key="2"))
    assert store.waiting_of(1, "doubled ID") == Waiting(1, "doubled ID", "rows 4, 9", "2", NOW)


def test_half_an_emoji_is_no_news_for_ever(store: StateStore) -> None:
    waiting = Waiting(1, "unresolved text", "cut \ud83e", key="cut \ud83e")

    assert [store.wait(waiting), store.wait(waiting)] == [True, False]


def test_waits_are_listed_reported_and_ended_by_kind(store: StateStore) -> None:
    news = store.wait_all([Waiting(2, "held", "a"), Waiting(1, "held", "b"), Waiting(1, "refused", "c"), Waiting(2, "held", "d")])

    assert [(waiting.lead_id, waiting.kind) for waiting in news] == [(2, "held"), (1, "held"), (1, "refused")]
    assert [(waiting.lead_id, waiting.detail) for waiting in store.waiting("held")] == [(1, "b"), (2, "d")]

    store.mark_reported(store.waiting("held"))
    assert [(waiting.lead_id, waiting.kind, waiting.is_reported) for waiting in store.waiting()] == [
        (1, "held", True),
        (2, "held", True),
        (1, "refused", False),
    ]

    store.stop_waiting([1], "held")
    assert store.waiting_of(1, "held") is None
    store.stop_waiting([1, 2])
    assert store.waiting() == []


def test_a_wait_that_was_renewed_meanwhile_is_not_reported_by_the_old_one(store: StateStore) -> None:
    store.wait(Waiting(1, "held", "", key="a"))
    told = store.waiting()
    store.wait(Waiting(1, "held", "", key="b"))
    store.mark_reported(told)

    assert [waiting.is_reported for waiting in store.waiting()] == [False]


# --- versions, events, pending ---


def test_the_newest_version_of_each_lead_is_kept(store: StateStore) -> None:
    store.save_versions([Version(1, 100, "a", STAGE), Version(2, 100, "b", STAGE)])
    store.save_versions([Version(1, 101, "c", Stage(11, 1))])

    assert store.versions([1, 2, 3]) == {1: Version(1, 101, "c", Stage(11, 1)), 2: Version(2, 100, "b", STAGE)}


def test_only_old_versions_of_leads_that_no_tab_tracks_are_pruned(store: StateStore) -> None:
    store.follow_tab(7, "Июль")
    store.save_bases([Base(1)])
    store.follow_tab(8, "Август")
    store.save_bases([Base(2)])
    store.save_versions([Version(lead_id, 100, "", STAGE) for lead_id in (1, 2, 3)] + [Version(4, 200, "", STAGE)])

    assert store.prune_versions(200) == 1
    assert sorted(store.versions(range(9))) == [1, 2, 4]


def test_each_event_counts_once(store: StateStore) -> None:
    store.save_events([("01hx", 100), ("01hy", 200)])
    store.save_events([("01hx", 100)])

    assert store.seen_events(["01hx", "01hz"]) == {"01hx"}
    assert store.prune_events(200) == 1
    assert store.seen_events(["01hx", "01hy"]) == {"01hy"}


def test_a_lead_is_judged_again_until_it_is_dropped(store: StateStore) -> None:
    store.save_pending([Pending(1, 100, STAGE), Pending(2, 100, STAGE)])
    store.save_pending([Pending(1, 101, Stage(11, 1))])
    store.drop_pending([2, 3])

    assert store.pending() == {1: Pending(1, 101, Stage(11, 1))}
