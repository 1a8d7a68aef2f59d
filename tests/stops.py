"""Stop a run at every step, carry on with ordinary runs, and demand the end of the run that nobody stopped.

`python -m tests.stops` plays every point of every scenario and counts them, `python -m tests.stops SCENARIO` those of one;
`python -m tests.stops SCENARIO POINT MANNER` replays one point and tells what happened.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.stop_bench import KILL, MANNERS, Bench, BrokenError, Cut, End, bench_of
from tests.stop_scenarios import SCENARIOS


@dataclass(frozen=True, slots=True)
class Uncut:
    """How a scenario goes when nobody stops it: its end, and every point at which its run can be cut."""

    end: End
    steps: Sequence[str]

    @property
    def points(self) -> list[Cut]:
        """Every manner at every step."""
        return [
            Cut(number, manner)
            for number, step in enumerate(self.steps, 1)
            for manner in (MANNERS if _is_request(step) else [KILL])
        ]


def _is_request(step: str) -> bool:
    return step.startswith(("amo ", "sheets "))


def play_uncut(bench: Bench) -> Uncut:
    """Play the scenario with nobody in its way."""
    end, steps = bench.play()
    if end.journal:
        raise BrokenError(f"something is left open though nobody stopped the run: {end.journal}")
    return Uncut(end, steps)


def failure(bench: Bench, uncut: Uncut, cut: Cut) -> str | None:
    """What is wrong with the end when a run was cut there; None: nothing."""
    try:
        end, _ = bench.play([cut])
    except BrokenError as error:
        return str(error)
    return "\n".join(uncut.end.differences(end)) or None


def failures(name: str, stride: int = 1, first: int = 0) -> tuple[int, list[str]]:
    """Play every `stride`-th point of a scenario; return how many were played, and what failed with the line to replay it."""
    with bench_of(SCENARIOS[name]) as bench:
        uncut = play_uncut(bench)
        cuts = uncut.points[first % stride :: stride]
        return len(cuts), list(_failures(name, bench, uncut, cuts))


def _failures(name: str, bench: Bench, uncut: Uncut, cuts: Sequence[Cut]) -> Iterator[str]:
    for cut in cuts:
        problem = failure(bench, uncut, cut)
        if problem:
            step = uncut.steps[cut.step - 1]
            yield f"python -m tests.stops {name} {cut.step} {cut.manner}  ({step})\n  {problem}"


def _replay(name: str, cut: Cut) -> None:
    with bench_of(SCENARIOS[name]) as bench:
        uncut = play_uncut(bench)
        for number, step in enumerate(uncut.steps, 1):
            _say(f"{'→' if number == cut.step else ' '} {number:3} {step}")
        bench.say = _say
        _say(failure(bench, uncut, cut) or "the end is as it should be")


def _play_all(names: Sequence[str]) -> None:
    total = 0
    for name in names:
        count, problems = failures(name)
        total += count
        _say(f"{name}: {count} points, {len(problems)} failed", *problems)
    _say(f"{total} points in {len(names)} scenarios")


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    logging.disable()
    if len(sys.argv) == 4 and sys.argv[2].isdecimal():
        _replay(sys.argv[1], Cut(int(sys.argv[2]), sys.argv[3]))
    else:
        _play_all(sys.argv[1:] or list(SCENARIOS))
