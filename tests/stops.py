"""Stop a run at every step, carry on with ordinary runs, and demand the end of the run that nobody stopped.

`python -m tests.stops` plays every point of every scenario and counts them, `python -m tests.stops SCENARIO` those of one;
`python -m tests.stops SCENARIO POINT MANNER` replays one point and tells what happened; a second POINT MANNER stops the recovery.

A point counts only where the run that is cut writes to a cloud or the state when nobody cuts it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.stop_bench import Bench, BrokenError, Moment, bench_of
from tests.stop_end import End
from tests.stop_manners import KILL, MANNERS, Cut, is_request
from tests.stop_scenarios import SCENARIOS


@dataclass(frozen=True, slots=True)
class Uncut:
    """How a scenario goes when nobody stops it: its end, every step of the run to be cut, and where that run wrote to."""

    end: End
    steps: Sequence[str]
    written: Sequence[str]

    @property
    def points(self) -> list[Cut]:
        """Every manner at every step; none where the run would have written nothing."""
        return cuts_at(self.steps, MANNERS) if self.written else []


def cuts_at(steps: Sequence[str], manners: Iterable[str]) -> list[Cut]:
    """These manners at every request, and a kill at every step on this machine."""
    return [
        Cut(number, manner, step) for number, step in enumerate(steps, 1) for manner in (manners if is_request(step) else [KILL])
    ]


def play_uncut(bench: Bench) -> Uncut:
    """Play the scenario with nobody in its way."""
    played = bench.play([None], is_traced=True)
    if played.end.journal:
        raise BrokenError(f"something is left open though nobody stopped the run: {played.end.journal}")
    return Uncut(played.end, played.steps[0], played.written[0])


def failure(bench: Bench, uncut: Uncut, cuts: Sequence[Cut], moment: Moment | None = None) -> str | None:
    """What is wrong with the end when runs were cut there, from a moment on; None: nothing."""
    try:
        end = bench.play(cuts, moment=moment).end
    except BrokenError as error:
        return str(error)
    return "\n".join(uncut.end.differences(end)) or None


def failures(name: str, stride: int = 1, first: int = 0) -> tuple[int, list[str]]:
    """Play every `stride`-th point of a scenario; return how many were played, and what failed with the line to replay it."""
    with bench_of(SCENARIOS[name]) as bench:
        uncut = play_uncut(bench)
        cuts = uncut.points[first::stride]
        return len(cuts), list(_failures(name, bench, uncut, cuts))


def _failures(name: str, bench: Bench, uncut: Uncut, cuts: Sequence[Cut]) -> Iterator[str]:
    for cut in cuts:
        problem = failure(bench, uncut, [cut])
        if problem:
            step = uncut.steps[cut.step - 1]
            yield f"python -m tests.stops {name} {cut.step} {cut.manner}  ({step})\n  {problem}"


def _replay(name: str, cuts: Sequence[Cut]) -> None:
    with bench_of(SCENARIOS[name]) as bench:
        uncut = play_uncut(bench)
        for number, step in enumerate(uncut.steps, 1):
            say(f"{'→' if number == cuts[0].step else ' '} {number:3} {step}")
        bench.say = say
        bench.forget()
        say(failure(bench, uncut, cuts) or "the end is as it should be")


def _play_all(names: Sequence[str]) -> None:
    total = 0
    for name in names:
        count, problems = failures(name)
        total += count
        say(f"{name}: {count} points, {len(problems)} failed", *problems)
    say(f"{total} points in {len(names)} scenarios")


def say(*lines: str) -> None:
    """Print lines at once: a long run is watched."""
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _main(arguments: Sequence[str]) -> None:
    logging.disable()
    if len(arguments) > 2 and arguments[1].isdecimal():
        _replay(arguments[0], [Cut(int(step), manner) for step, manner in zip(arguments[1::2], arguments[2::2], strict=True)])
    else:
        _play_all(arguments or list(SCENARIOS))


if __name__ == "__main__":
    _main(sys.argv[1:])
