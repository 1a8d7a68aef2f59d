"""Whatever people do in the sheet at any moment of a run, all ends well. `python -m tests.hands` plays and counts all points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.hand_acts import ACTS
from tests.hand_scenes import RUNS
from tests.hands import Bench, bench_of, failures


@pytest.fixture(scope="module")
def benches() -> Iterator[Mapping[str, Bench]]:
    """A world for each run, put back to its beginning for each point."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(bench_of(name)) for name in RUNS}


@pytest.mark.parametrize("act", ACTS)
def test_hands_in_the_sheet_before_any_request_of_a_run(act: str, benches: Mapping[str, Bench]) -> None:
    results = [failures(bench, name, act) for name, bench in benches.items()]

    assert [] == [line for _, lines in results for line in lines]
    assert sum(count for count, _ in results) >= LEAST_POINTS


LEAST_POINTS = 9
"""An act that needs a certain row has its moments in three of the four runs, some requests each."""
