"""The run log, and a history that pruning never empties."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from amo2gsheet.model import CellValue
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import HistoryEntry, Run, StateStore, history

NOW = 1_750_000_000


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: VirtualClock) -> Iterator[StateStore]:
    with StateStore.open(tmp_path / "state", clock) as opened:
        yield opened


def entry(lead_id: int = 1, time: float = NOW, kind: str = "cell", old: CellValue = None, new: CellValue = None) -> HistoryEntry:
    return HistoryEntry(time, 3, "pull", lead_id, kind, "field:7", old, new, "a detail")


# --- runs ---


def test_runs_are_listed_newest_first(store: StateStore, clock: VirtualClock) -> None:
    first = store.begin_run("pull")
    clock.advance(2)
    store.end_run(first, 3, {"leads": 38, "cells": 5}, "lead 4711: unread")
    other = store.begin_run("push", is_dry=True)
    store.end_run(other, 0)
    second = store.begin_run("pull")

    assert store.last_runs("pull", 5) == [
        Run(second, "pull", False, NOW + 2),
        Run(first, "pull", False, NOW, NOW + 2, 3, {"leads": 38, "cells": 5}, "lead 4711: unread"),
    ]
    assert store.last_runs("pull", 1) == [Run(second, "pull", False, NOW + 2)]
    assert store.last_runs("push", 1) == [Run(other, "push", True, NOW + 2, NOW + 2, 0)]


def test_a_run_that_never_ended_was_cut_off(store: StateStore) -> None:
    store.begin_run("pull")
    store.end_run(store.begin_run("pull"), 0)

    assert [run.is_cut_off for run in store.last_runs("pull", 5)] == [False, True]


@pytest.mark.parametrize("exit_code", [0, 3])
def test_the_last_success_is_the_newest_real_run_that_did_its_work(exit_code: int, store: StateStore) -> None:
    assert store.last_success("pull") is None
    good = store.begin_run("pull")
    store.end_run(good, exit_code)
    for failed in (1, 65, 69, 130):
        store.end_run(store.begin_run("pull"), failed)
    store.end_run(store.begin_run("pull", is_dry=True), 0)
    store.end_run(store.begin_run("push"), 0)
    store.begin_run("pull")

    found = store.last_success("pull")
    assert found is not None
    assert found.id == good


def test_old_runs_are_pruned_but_not_the_newest_nor_the_last_success(
    store: StateStore, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "KEPT_RUNS", 3)
    good = store.begin_run("pull")
    store.end_run(good, 0)
    failed = [store.begin_run("pull") for _ in range(10)]
    pushed = store.begin_run("push")
    clock.advance(60)

    assert store.prune_runs(NOW) == 0
    assert store.prune_runs(NOW + 1) == 7
    assert [run.id for run in store.last_runs("pull", 99)] == [*reversed(failed[-3:]), good]
    assert [run.id for run in store.last_runs("push", 99)] == [pushed]


# --- history ---


@pytest.mark.parametrize("value", ["В процессе", "007", 7, 7.0, True, None, 10**30, ""])
def test_an_entry_comes_back_exactly(value: CellValue, store: StateStore) -> None:
    store.record([entry(old=value, new="other"), entry(old="other", new=value)])

    assert store.history(1) == [entry(old=value, new="other"), entry(old="other", new=value)]
    assert [repr(found.old) for found in store.history(1)] == [repr(value), "'other'"]


def test_a_history_is_in_the_order_it_was_done_though_the_clock_went_back(store: StateStore) -> None:
    store.record([entry(time=NOW, new="first"), entry(2)])
    store.record([entry(time=NOW - 99, new="second")])

    assert [found.new for found in store.history(1)] == ["first", "second"]
    assert store.history(3) == []


def test_conflicts_are_listed_over_all_leads(store: StateStore) -> None:
    store.record([entry(2, kind="conflict", old="lost"), entry(1), entry(1, kind="conflict", old="lost too")])

    assert [(found.lead_id, found.old) for found in store.conflicts()] == [(2, "lost"), (1, "lost too")]


def test_pruning_leaves_a_leads_newest_hundred_though_all_are_old(store: StateStore) -> None:
    store.record([entry(1, new=number) for number in range(150)])
    store.record([entry(2, new=number) for number in range(100)])

    assert store.prune_history(NOW + 10**9) == 50
    assert [found.new for found in store.history(1)] == list(range(50, 150))
    assert len(store.history(2)) == 100
    assert store.prune_history(NOW + 10**9) == 0


def test_pruning_leaves_what_is_young(store: StateStore) -> None:
    store.record([entry(new=number, time=NOW + number) for number in range(150)])

    assert store.prune_history(NOW + 20) == 20
    assert [found.new for found in store.history(1)][:2] == [20, 21]


def test_pruning_never_removes_a_conflict(store: StateStore) -> None:
    store.record([entry(kind="conflict", new="kept")])
    store.record([entry(new=number) for number in range(120)])

    assert store.prune_history(NOW + 1) == 20
    assert [found.new for found in store.history(1)][:2] == ["kept", 20]
    assert len(store.conflicts()) == 1


def test_pruning_goes_on_where_it_stopped(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LEADS_PRUNED_AT_ONCE", 2)
    monkeypatch.setattr(history, "ENTRIES_PRUNED_AT_ONCE", 10)
    for lead_id in (0, 1, 2, 3, 4):
        store.record([entry(lead_id) for _ in range(115)])

    pruned = [store.prune_history(NOW + 1) for _ in range(8)]

    assert pruned == [20, 20, 10, 10, 10, 5, 0, 0]
    assert [len(store.history(lead_id)) for lead_id in (0, 1, 2, 3, 4)] == [100] * 5
