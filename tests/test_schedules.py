"""Random schedules hold every promise. `python -m tests.schedules SEED` replays one, `… 1-2000` plays many."""

from __future__ import annotations

import pytest

from tests.schedules import play

SEEDS = range(1, 61)
MORE_SEEDS = range(10_000, 12_000)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_schedule_keeps_every_promise(seed: int) -> None:
    schedule = play(seed)

    assert schedule.codes


@pytest.mark.slow
@pytest.mark.parametrize("seed", MORE_SEEDS)
def test_two_thousand_random_schedules_keep_every_promise(seed: int) -> None:
    schedule = play(seed)

    assert schedule.codes
