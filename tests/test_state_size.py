"""A state with very many leads stays fast: no look-up reads a whole table, and no batch is more than one commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amo2gsheet.model import Base, CellBase, Stage, StatusBase
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import Asked, HistoryEntry, LeadLinks, Pending, StateStore, Version, Waiting

NOW = 1_750_000_000

READ_WHOLE = {"pending", "owed", "asked", "waiting", "tabs", "intents"}
"""Tables of what is still due: a run takes in all of it, and at rest they are empty."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with StateStore.open(tmp_path / "state", VirtualClock(NOW)) as opened:
        opened.follow_tab(7, "Sheet1")
        yield opened


def base(lead_id: int) -> Base:
    cells = {f"field:{number}": CellBase(f"Значение {number}", f"Значение {number}") for number in range(20)}
    return Base(lead_id, StatusBase(Stage(10, 20), "В процессе", "В процессе"), cells)


def everything(store: StateStore) -> None:
    """Call every method that reads or changes tables which grow."""
    stage = Stage(10, 20)
    run_id = store.begin_run("pull")
    store.save_bases([base(1), base(2)])
    store.save_links([LeadLinks(1, (5, 6), 7, 8, stage)])
    store.save_versions([Version(1, 100, "", stage)])
    store.save_events([("01hx", 100)])
    store.save_pending([Pending(1, 100, stage)])
    store.owe_all([1], "header")
    store.owe_all_tracked("header")
    store.ask(Asked(1, stage, stage, NOW))
    store.wait_all([Waiting(1, "held", "")])
    store.record([HistoryEntry(NOW, run_id, "pull", 1, "cell"), HistoryEntry(NOW, run_id, "pull", 1, "conflict")])
    intent = store.add_intent("rows", {}, store.new_commit_token())
    store.mark_unclear(intent.id)
    store.update_intent(intent.id, {})
    for read in (store.bases, store.bases_elsewhere, store.versions, store.asked, store.old_statuses):
        read([1, 2])
    for find in (store.leads_of_contacts, store.leads_of_companies, store.leads_of_users, store.leads_in_pipelines):
        find([1, 2])
    store.leads_in_stages([stage])
    for count in (store.all_lead_ids, store.status_texts, store.tracked_count, store.untracked_elsewhere):
        count()
    for due in (store.pending, store.owed, store.asked, store.waiting, store.open_intents, store.conflicts):
        due()
    store.waiting("held")
    store.waiting_of(1, "held")
    store.seen_events(["01hx"])
    store.history(1)
    store.last_runs("pull", 3)
    store.last_success("pull")
    store.set_missing({1: 1})
    store.drop_base_columns(["field:1"])
    store.mark_reported(store.waiting())
    for prune in (store.prune_versions, store.prune_events, store.prune_history, store.prune_runs):
        prune(NOW + 1)
    store._prune_lead(1, NOW)
    store.drop_intent(intent.id)
    store.pay([1], "header")
    store.pay([1])
    store.stop_waiting([1], "held")
    store.stop_waiting([1])
    store.drop_asked([1])
    store.drop_pending([1])
    store.forget([1])
    store.end_run(run_id, 0)


def test_no_look_up_reads_a_whole_table_that_grows(store: StateStore) -> None:
    statements: list[str] = []
    connection = store._database._connection
    connection.set_trace_callback(statements.append)
    everything(store)
    connection.set_trace_callback(None)
    planned = [text for text in dict.fromkeys(statements) if text.startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))]
    assert len(planned) > 50

    scans = []
    for statement in planned:
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
            is_allowed = any(step.startswith(f"SCAN {table}") for table in (*READ_WHOLE, "t", "CONSTANT"))
            # Conflicts are read whole through the index that holds nothing else.
            if step.startswith("SCAN") and not is_allowed and "history_conflicts" not in step:
                scans.append(f"{step}: {statement}")
    assert scans == []


def test_i1_a_thousand_bases_are_one_commit_of_bounded_size(store: StateStore, tmp_path: Path) -> None:
    steps: list[str] = []
    store.on_step = steps.append
    log = tmp_path / "state-wal"
    before = log.stat().st_size

    store.save_bases([base(lead_id) for lead_id in range(1, 1001)])

    assert steps == ["before commit", "after commit"]
    assert log.stat().st_size - before < 3_000_000


def test_i1_every_batch_is_one_commit(store: StateStore) -> None:
    steps: list[str] = []
    store.on_step = steps.append
    stage = Stage(10, 20)
    many = range(1, 1501)
    batches: list[Callable[[], object]] = [
        lambda: store.save_links([LeadLinks(lead_id, (lead_id,), None, 1, stage) for lead_id in many]),
        lambda: store.save_versions([Version(lead_id, 1, "", stage) for lead_id in many]),
        lambda: store.save_events([(str(lead_id), 1) for lead_id in many]),
        lambda: store.save_pending([Pending(lead_id, 1, stage) for lead_id in many]),
        lambda: store.owe_all(many, "header"),
        lambda: store.pay(many),
        lambda: store.record([HistoryEntry(NOW, 1, "pull", lead_id, "cell") for lead_id in many]),
        lambda: store.wait_all([Waiting(lead_id, "vanished", "") for lead_id in many]),
        lambda: store.stop_waiting(many),
        lambda: store.set_missing(dict.fromkeys(many, 1)),
        lambda: store.drop_base_columns(["field:1"]),
        lambda: store.forget(many),
        lambda: store.bind("account", "spreadsheet"),
    ]

    for batch in batches:
        batch()

    assert len(steps) == 2 * len(batches)


@pytest.mark.slow
def test_a_hundred_thousand_leads_are_looked_through_in_a_moment(store: StateStore, tmp_path: Path) -> None:
    for start in range(1, 100_001, 1000):
        store.save_bases([base(lead_id) for lead_id in range(start, start + 1000)])

    def seconds(work: Callable[[], object]) -> float:
        before = time.process_time()
        work()
        return time.process_time() - before

    assert len(store.status_texts()) == 100_000
    assert min(seconds(store.status_texts) for _ in range(3)) < 0.3
    assert min(seconds(lambda: store.bases(range(500, 600))) for _ in range(3)) < 0.1
    store.close()
    assert min(seconds(lambda: StateStore.open(tmp_path / "state", VirtualClock(NOW)).close()) for _ in range(3)) < 0.05
