"""Stop a run, and stop the run that recovers from it too: every pair of cuts in the small scenarios.

`python -m tests.stop_pairs` plays all pairs, `python -m tests.stop_pairs SCENARIO` those of one, and
`python -m tests.stops SCENARIO POINT MANNER POINT MANNER` replays one. A pair counts only where both runs would have written to a
cloud or the state.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence

from tests.stop_bench import Bench, BrokenError, bench_of
from tests.stop_manners import Cut
from tests.stop_scenarios import SCENARIOS
from tests.stops import Uncut, cuts_at, failure, play_uncut, say

SMALL = (
    "one-move",
    "new-rows",
    "conflict-amo-wins",
    "conflict-sheet-wins",
    "header-added",
    "first-meeting-moved",
    "swallowed-moved",
    "old-service-push",
    "three-moves",
    "header-gone",
    "unprotected-cell",
    "after-a-lost-push",
)
"""Scenarios with few steps."""

PAIR_MANNERS = ("kill-before", "kill-after", "kill-late", "cut-short", "late", "502-after", "503")
"""One manner of each kind: the process dies, or the run goes on and does not know what became of its request."""


def pair_failures(name: str, slices: int = 1, part: int = 0) -> tuple[int, list[str]]:
    """Play every pair of cuts of which the first is in this slice; return how many were played, and what failed."""
    with bench_of(SCENARIOS[name]) as bench:
        uncut = play_uncut(bench)
        firsts = cuts_at(uncut.steps, PAIR_MANNERS)[part::slices] if uncut.written else []
        pairs = list(_played(name, bench, uncut, firsts))
    return len(pairs), [problem for problem in pairs if problem]


def _played(name: str, bench: Bench, uncut: Uncut, firsts: Sequence[Cut]) -> Iterator[str]:
    """For each pair what was wrong and the line to replay it, "" where nothing was."""
    for first in firsts:
        try:
            moment = bench.after(first)
            recovery = bench.play([None], moment=moment, is_traced=True)
        except BrokenError as error:
            yield _told(name, [first], str(error))
            continue
        if recovery.written[0]:
            for second in cuts_at(recovery.steps[0], PAIR_MANNERS):
                problem = failure(bench, uncut, [second], moment)
                yield _told(name, [first, second], problem) if problem else ""


def _told(name: str, cuts: Sequence[Cut], problem: str) -> str:
    places = " ".join(f"{cut.step} {cut.manner}" for cut in cuts)
    return f"python -m tests.stops {name} {places}\n  {problem}"


def _play_all(names: Sequence[str]) -> None:
    total = 0
    for name in names:
        count, problems = pair_failures(name)
        total += count
        say(f"{name}: {count} pairs, {len(problems)} failed", *problems)
    say(f"{total} pairs in {len(names)} scenarios")


if __name__ == "__main__":
    logging.disable()
    _play_all(sys.argv[1:] or SMALL)
