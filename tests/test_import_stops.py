"""An import stopped at any step, in any manner, and run again: one lead for each row, or the row named until it is settled."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import pytest

from amo2gsheet.amo import creating
from amo2gsheet.amo.http import AmoHttp
from amo2gsheet.model_import import Created, NewLead
from amo2gsheet.state import ImportRow, StateStore
from amo2gsheet.sync import importing, importing_settle
from amo2gsheet.sync.importing_run import ImportRun
from tests.import_bench import import_bench, pair_failures, points, quick_workbooks, single_failures
from tests.stop_manners import Cut

STRIDE = 5
"""Every so-many-th pair is played on each push, all of them behind the marker. A prime: no manner is always left out."""


def test_an_import_stopped_at_any_step_makes_one_lead_of_each_row() -> None:
    with quick_workbooks():
        count, problems = single_failures(7)

    _tell("7 rows in batches of 2", count)
    assert [] == problems
    assert count > 200


def test_an_import_stopped_twice_makes_one_lead_of_each_row() -> None:
    count, problems = pair_failures(3, STRIDE)

    _tell("pairs of 3 rows in batches of 2", count)
    assert [] == problems
    assert count > 200


@pytest.mark.slow
def test_an_import_stopped_at_any_two_steps_makes_one_lead_of_each_row() -> None:
    count, problems = pair_failures(3)

    _tell("all pairs of 3 rows in batches of 2", count)
    assert [] == problems


@pytest.mark.slow
def test_an_import_into_an_account_whose_lists_lag_makes_one_lead_of_each_row() -> None:
    """With real workbooks besides, whose writing is cut as well."""
    count, problems = single_failures(7, lag_seconds=90)

    _tell("7 rows, lists 90 seconds late", count)
    assert [] == problems


def _tell(what: str, count: int) -> None:
    """Leave the number for `pytest -rP`."""
    sys.stdout.write(f"{what}: {count} points\n")


# --- the machinery itself finds faults ---


def problems_at(manner: str, lag_seconds: float = 0.0) -> list[str]:
    """What is wrong when the first batch goes wrong in that manner."""
    with quick_workbooks(), import_bench(3, lag_seconds) as bench:
        step = next(number for number, step in enumerate(bench.play()[0], 1) if "POST" in step)
        try:
            bench.play([Cut(step, manner)])
        except AssertionError as error:
            return [str(error)]
    return []


def test_an_import_that_notes_nothing_before_it_sends_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real_save, real_settle = StateStore.save_import_rows, StateStore.settle_import_rows
    kept: list[ImportRow] = []

    def settle(state: StateStore, tag: str, created: Mapping[str, Created], sent_at: int) -> None:
        real_save(state, tag, [row for row in kept if row.key in created])
        real_settle(state, tag, created, sent_at)

    monkeypatch.setattr(StateStore, "save_import_rows", lambda _state, _tag, rows: kept.extend(rows))
    monkeypatch.setattr(StateStore, "settle_import_rows", settle)

    assert problems_at("kill-after")


def test_an_import_that_sends_again_without_a_look_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(run: ImportRun, rows: Mapping[str, ImportRow]) -> dict[str, ImportRow]:
        run.state.drop_import_rows(run.tag_key, [key for key, row in rows.items() if row.lead_id is None])
        return run.state.import_rows(run.tag_key)

    monkeypatch.setattr(importing, "settle", forget)

    assert problems_at("502-after")


def test_an_import_that_trusts_a_list_at_once_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing_settle, "_window_seconds", lambda _run: 0)

    assert problems_at("kill-after", lag_seconds=90)
    assert problems_at("late-9")


def test_an_import_that_takes_any_tagged_lead_for_any_row_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_come(rows: Mapping[str, object], shown: Mapping[int, object]) -> dict[str, int]:
        return dict(zip(sorted(rows, reverse=True), sorted(shown), strict=False))

    monkeypatch.setattr(importing_settle, "matched", first_come)

    with quick_workbooks(), import_bench(3) as bench:
        step = next(number for number, step in enumerate(bench.play()[0], 1) if "POST" in step)
        found = []
        for manner in ("kill-after", "cut-after"):
            try:
                bench.play([Cut(step, manner)])
            except AssertionError as error:
                found.append(str(error))

    assert found


def test_answers_taken_by_their_place_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_place(body: list[dict[str, int]], leads: Sequence[NewLead]) -> dict[str, Created]:
        return {lead.request_id: Created(one["id"]) for lead, one in zip(leads, body, strict=True)}

    monkeypatch.setattr(creating, "created", by_place)
    with quick_workbooks(), import_bench(3) as bench:
        bench.world.amo.knobs.complex_shuffled = True
        bench._amo = bench.world.amo.snapshot()

        with pytest.raises(AssertionError, match="is said to be lead"):
            bench.play()


def test_a_batch_that_is_sent_again_by_itself_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def post(http: AmoHttp, path: str, body: object) -> object:
        return http._write("POST", path, body, is_repeatable=True)

    monkeypatch.setattr(AmoHttp, "post", post)

    assert problems_at("cut-after")


def test_every_kind_of_step_is_cut() -> None:
    with quick_workbooks(), import_bench(7) as bench:
        steps = bench.play()[0]

    requests = [step for step in steps if step.startswith("amo ")]
    assert 4 == sum("POST /api/v4/leads/complex" in step for step in requests)
    assert {"before orders.result.xlsx is replaced", "after orders.result.xlsx is replaced", "before commit"} <= set(steps)
    assert len(points(steps)) > 200
