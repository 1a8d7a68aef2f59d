"""How a run is stopped: the manners, and who counts the steps and lets one of them go wrong.

A step is a request to one of the clouds, or a commit of the state or a file renamed or deleted, each before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Exchange, Fault, Killed, Manner, Rule

KILL = "kill"
"""The one manner of a step on this machine: the process is gone."""

DEADLY = frozenset({"kill-late", "kill-late-4", "kill-late-9"})
"""The process is gone while its request is still under way; it lands while the next run is at work."""


def _refused(to_amo: Answer, to_sheets: Answer | None = None) -> Callable[[bool], Fault]:
    return lambda is_amo: Fault(Manner.REFUSED, to_amo if is_amo or to_sheets is None else to_sheets)


def _failed_after(answer: Answer) -> Callable[[bool], Fault]:
    return lambda _is_amo: Fault(Manner.FAILED_AFTER, answer)


def _plainly(manner: Manner) -> Callable[[bool], Fault]:
    return lambda _is_amo: Fault(manner)


def _late(after: int) -> Callable[[bool], Fault]:
    return lambda _is_amo: Fault(Manner.LATE, after=after)


MANNERS: Mapping[str, Callable[[bool], Fault]] = {
    "kill-before": _plainly(Manner.KILL_BEFORE),
    "kill-after": _plainly(Manner.KILL_AFTER),
    "kill-late": _late(1),
    "kill-late-4": _late(4),
    "kill-late-9": _late(9),
    "cut-before": _plainly(Manner.CUT_BEFORE),
    "cut-after": _plainly(Manner.CUT_AFTER),
    "cut-short": _plainly(Manner.CUT_SHORT),
    "timeout-before": _plainly(Manner.TIMEOUT_BEFORE),
    "timeout-after": _plainly(Manner.TIMEOUT_AFTER),
    "late": _late(1),
    "late-2": _late(2),
    "late-4": _late(4),
    "late-9": _late(9),
    "429": _refused(answers.html_429(), answers.json_429_google()),
    "429-json": _refused(answers.json_429_amo(), answers.json_429_google("Write")),
    "500": _refused(answers.json_500_amo(), answers.json_500()),
    "503": _refused(answers.html_504(), answers.json_503()),
    "500-after": _failed_after(answers.html_500()),
    "502-after": _failed_after(answers.html_502()),
    "503-after": _failed_after(answers.json_503()),
    "page": _refused(answers.html_200()),
    "page-after": _failed_after(answers.html_200()),
}
"""How a request goes wrong, by name; the flag says that it is one to amoCRM."""

STOPS = ("kill-before", "kill-after", "kill-late")
"""The process dies at a request. The other manners leave it to the run what to do."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a run is stopped: the number of the step, from 1, and the manner. `name` is the step that should stand there."""

    step: int
    manner: str
    name: str = ""


def is_request(step: str) -> bool:
    """Whether a step is a request, and not one on this machine."""
    return step.startswith(("amo ", "sheets "))


class Cutter:
    """Counts the steps of a run and lets one of them go wrong. A dead run takes no further step."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.cut: Cut | None = None
        self.is_dead = False

    def arm(self, cut: Cut | None = None) -> None:
        """Begin to count anew."""
        self.steps = []
        self.cut = cut
        self.is_dead = False

    def on_step(self, name: str) -> None:
        """Take a step on this machine."""
        if self._count(name):
            self.is_dead = True
            raise Killed

    def rule(self, cloud: str) -> Rule:
        """What goes wrong with the requests to one cloud, "amo" or "sheets"."""

        def rule(_number: int, request: Request) -> Fault | None:
            if not self._count(f"{cloud} {request.method} {request.path}") or self.cut is None:
                return None
            self.is_dead = self.cut.manner in DEADLY
            return MANNERS[self.cut.manner](cloud == "amo")

        return rule

    def on_kill(self, _exchange: Exchange) -> None:
        """The process died at a request."""
        self.is_dead = True
        raise Killed

    def _count(self, name: str) -> bool:
        if self.is_dead:
            raise Killed
        self.steps.append(name)
        is_cut = self.cut is not None and self.cut.step == len(self.steps)
        if is_cut and self.cut and self.cut.name not in ("", name):
            raise AssertionError(f"step {self.cut.step} is {name}, not {self.cut.name}: the world was not as before")
        return is_cut
