"""Processes killed for real, at points chosen at random from all scenarios: the ones after them come to the same end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.stop_kills import Pick, Runner, picks, play, runner_of
from tests.stop_manners import Cut

ON_EACH_PUSH, IN_ALL, SLICES = 60, 300, 6


@pytest.fixture
def runner() -> Iterator[Runner]:
    with runner_of() as runner:
        yield runner


def _all_pass(chosen: Sequence[Pick], runner: Runner) -> None:
    assert [] == [problem for pick in chosen if (problem := play(pick, runner))]


@pytest.mark.parametrize("part", range(SLICES))
def test_a_killed_process_is_made_good(part: int, runner: Runner) -> None:
    _all_pass(picks(ON_EACH_PUSH)[part::SLICES], runner)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(IN_ALL // 10))
def test_many_killed_processes_are_made_good(part: int, runner: Runner) -> None:
    _all_pass(picks(IN_ALL)[part :: IN_ALL // 10], runner)


def test_a_process_that_lives_on_is_found_out(runner: Runner) -> None:
    problem = play(Pick("one-move", 0.0), runner, Cut(10_000, "kill-before"))

    assert problem is not None
    assert "the process was not killed at step 10000" in problem
