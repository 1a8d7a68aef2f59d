"""A run stopped at any step, in any manner: ordinary runs come to the end of the run that nobody stopped, and then to rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from amo2gsheet.state import StateStore
from tests.stop_bench import Bench, BrokenError, Scenario, bench_of
from tests.stop_manners import KILL, Cut
from tests.stop_pairs import SMALL, pair_failures
from tests.stop_report import STOP_POINTS
from tests.stop_scenarios import SCENARIOS
from tests.stop_worlds import fingerprint
from tests.stops import failure, failures, play_uncut

SLICES = 3
"""Each scenario's points are played in so many tests, so that no test takes long; the last one behind the marker."""

PAIR_SLICES = 16
"""The pairs of one scenario take minutes."""

Noting = Callable[[str, object], None]


def _all_pass(name: str, played: tuple[int, list[str]], record_property: Noting) -> None:
    count, problems = played
    record_property(STOP_POINTS, [name, count])
    assert [] == problems


@pytest.mark.parametrize("part", [*range(SLICES - 1), pytest.param(SLICES - 1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_stopped_at_any_step_comes_to_the_same_end(name: str, part: int, record_property: Noting) -> None:
    _all_pass(name, failures(name, SLICES, part), record_property)


def test_there_are_so_many_points() -> None:
    """Every one of them is in a run that writes: to amoCRM, to the sheet, or something of substance to the state."""
    numbers: dict[str, int] = {}
    for name, scenario in SCENARIOS.items():
        with bench_of(scenario) as bench:
            numbers[name] = len(play_uncut(bench).points)

    assert [] == [name for name, number in numbers.items() if not number]
    assert len(numbers) >= 40
    assert sum(numbers.values()) * (SLICES - 1) // SLICES >= 12_000


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PAIR_SLICES))
@pytest.mark.parametrize("name", SMALL)
def test_a_recovery_stopped_at_any_step_comes_to_the_same_end(name: str, part: int, record_property: Noting) -> None:
    _all_pass(f"{name}, recovery", pair_failures(name, PAIR_SLICES, part), record_property)


@pytest.mark.parametrize("name", SMALL)
def test_a_stopped_recovery_comes_to_the_same_end(name: str, record_property: Noting) -> None:
    """One first cut in so many, and every cut of the recovery after it."""
    _all_pass(f"{name}, recovery", pair_failures(name, 30, 7), record_property)


# --- the machinery itself finds faults ---


def test_every_kind_of_step_is_counted() -> None:
    with bench_of(Scenario(lambda bench: None)) as bench:
        steps = play_uncut(bench).steps

    kinds = {step.split()[0] for step in steps}
    assert {"amo", "sheets", "before", "after"} == kinds
    assert "after .amo_tokens.json.google is replaced" in steps


def test_a_world_is_put_back_before_each_point() -> None:
    with bench_of(SCENARIOS["mixed-pull"]) as bench:
        uncut = play_uncut(bench)
        bench.play([Cut(uncut.steps.index("before commit") + 1, KILL)])

        assert [] == uncut.end.differences(play_uncut(bench).end)
        assert uncut.steps == play_uncut(bench).steps


def test_equal_worlds_come_to_equal_ends() -> None:
    """What follows a cut is played once for each world: played anew it comes to the same."""
    with bench_of(SCENARIOS["mixed-pull"]) as bench:
        uncut = play_uncut(bench)
        cuts = uncut.points[::9]
        ends = [bench.play([cut]).end for cut in cuts]
        for cut, end in zip(cuts, ends, strict=True):
            bench.forget()
            assert [] == end.differences(bench.play([cut]).end)


@pytest.mark.parametrize("change", ["lead", "cell", "file", "clock"])
def test_worlds_that_differ_in_anything_are_not_equal(change: str) -> None:
    with bench_of(SCENARIOS["mixed-pull"]) as bench:
        world = bench.world
        before = fingerprint(world)
        assert before == fingerprint(world)
        match change:
            case "lead":
                world.account.edit_lead(bench.leads[0], price=78)
            case "cell":
                world.person.type("Адрес", "у моста", lead=bench.leads[0])
            case "file":
                (world.folder / ".amo_tokens.json.google").write_text("{}")
            case "clock":
                world.clock.advance(1)

        assert before != fingerprint(world)


def _doubled_rows(bench: Bench) -> None:
    bench.world.lead("Анна")
    bench.world.pull()
    bench.world.lead("Борис")


def _insert_of(steps: Sequence[str]) -> int:
    return next(number for number, step in enumerate(steps, 1) if step.endswith(":batchUpdate") and "values" not in step)


def test_an_insert_without_its_token_is_found_out() -> None:
    """Planted: the commit token is no longer refused, so that a repeated try of an insert lands too."""
    with bench_of(Scenario(_doubled_rows)) as bench:
        uncut = play_uncut(bench)
        bench.world.sheets.knobs.refuses_used_metadata_id = False

        problem = failure(bench, uncut, [Cut(_insert_of(uncut.steps), "late-4")])

    assert problem is not None


def test_a_forgotten_intent_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the journal forgets, so that a killed move of a conflict is never told of."""
    monkeypatch.setattr(StateStore, "open_intents", lambda _state: [])
    with bench_of(SCENARIOS["conflict-sheet-wins"]) as bench:
        uncut = play_uncut(bench)
        patch = next(number for number, step in enumerate(uncut.steps, 1) if "PATCH" in step)

        problem = failure(bench, uncut, [Cut(patch, "kill-after")])

    assert problem is not None


def test_a_run_that_ends_badly_at_rest_is_found_out() -> None:
    with bench_of(Scenario(_doubled_rows)) as bench:
        play_uncut(bench)
        bench.world.sheets.knobs.sharing = "none"

        with pytest.raises(BrokenError, match="ended with"):
            bench.play()
