"""Random schedules hold every promise. `python -m tests.schedules SEED` replays one, `… 1-20000` plays many."""

from __future__ import annotations

import os

import pytest

from tests.schedules import failures

SCHEDULES = 2000
BATCH = 25
"""So many schedules are one test: enough to keep two workers busy to the end."""

MORE_SCHEDULES = int(os.environ.get("MORE_SCHEDULES", "2000"))
"""How many `-m slow` plays beside those of every run."""


@pytest.mark.parametrize("first", range(1, SCHEDULES + 1, BATCH))
def test_random_schedules_keep_every_promise(first: int) -> None:
    assert [] == failures(range(first, first + BATCH))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SCHEDULES + 1, SCHEDULES + MORE_SCHEDULES + 1, BATCH))
def test_more_random_schedules_keep_every_promise(first: int) -> None:
    assert [] == failures(range(first, first + BATCH))
