"""What goes wrong between a client and a cloud, request by request. Knows no sockets: the transports show it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request


class Manner(Enum):
    """How one request goes wrong."""

    REFUSED = "refused"
    """The given answer, and no work."""
    FAILED_AFTER = "failed_after"
    """The work is done, but the given answer says otherwise."""
    CUT_BEFORE = "cut_before"
    """The connection is cut before the work."""
    CUT_AFTER = "cut_after"
    """The work is done, the connection is cut before the answer."""
    CUT_SHORT = "cut_short"
    """The work is done, the connection is cut in the middle of the answer's body (before it, if there is none)."""
    TIMEOUT_BEFORE = "timeout_before"
    """The client waits in vain, and nothing is done."""
    TIMEOUT_AFTER = "timeout_after"
    """The client waits in vain, though the work is done at once."""
    LATE = "late"
    """The client waits in vain; the work is done later, right before one of the following requests or when told to."""
    SLOW = "slow"
    """The cloud's own answer, some seconds late."""
    KILL_BEFORE = "kill_before"
    """The client's process dies before the work."""
    KILL_AFTER = "kill_after"
    """The client's process dies after the work, before it sees the answer."""


class Work(Enum):
    """When the cloud carries a request out."""

    NEVER = "never"
    NOW = "now"
    LATER = "later"


class Sight(Enum):
    """What the client gets to see."""

    ANSWER = "answer"
    HALF = "half"
    CUT = "cut"
    TIMEOUT = "timeout"
    DEATH = "death"


_COURSE = {
    Manner.REFUSED: (Work.NEVER, Sight.ANSWER),
    Manner.FAILED_AFTER: (Work.NOW, Sight.ANSWER),
    Manner.CUT_BEFORE: (Work.NEVER, Sight.CUT),
    Manner.CUT_AFTER: (Work.NOW, Sight.CUT),
    Manner.CUT_SHORT: (Work.NOW, Sight.HALF),
    Manner.TIMEOUT_BEFORE: (Work.NEVER, Sight.TIMEOUT),
    Manner.TIMEOUT_AFTER: (Work.NOW, Sight.TIMEOUT),
    Manner.LATE: (Work.LATER, Sight.TIMEOUT),
    Manner.SLOW: (Work.NOW, Sight.ANSWER),
    Manner.KILL_BEFORE: (Work.NEVER, Sight.DEATH),
    Manner.KILL_AFTER: (Work.NOW, Sight.DEATH),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `answer` belongs to REFUSED and FAILED_AFTER, `seconds` to SLOW. `after` belongs to LATE: the work is done right
    before that many-th following request.
    """

    manner: Manner
    answer: Answer | None = None
    seconds: float = 0.0
    after: int = 1

    def __post_init__(self) -> None:
        if (self.answer is not None) != (self.manner in (Manner.REFUSED, Manner.FAILED_AFTER)):
            raise ValueError(f"{self.manner.name}: an answer belongs to REFUSED and FAILED_AFTER, and only to them")
        if (self.seconds > 0) != (self.manner is Manner.SLOW):
            raise ValueError(f"{self.manner.name}: seconds belong to SLOW, and only to it")
        if self.after < 1:
            raise ValueError("a late request cannot land before one that is over")

    def to_json(self) -> dict[str, Any]:
        """Describe the fault in plain JSON values, so that it can be printed and replayed."""
        described: dict[str, Any] = {"manner": self.manner.value}
        if self.answer is not None:
            body = base64.b64encode(self.answer.body).decode("ascii")
            described["answer"] = {
                "status": self.answer.status,
                "headers": dict(self.answer.headers),
                "body_base64": body,
            }
        if self.manner is Manner.SLOW:
            described["seconds"] = self.seconds
        if self.manner is Manner.LATE:
            described["after"] = self.after
        return described

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Fault:
        """Build the fault that `to_json` described."""
        given = described.get("answer")
        answer = given and Answer(given["status"], base64.b64decode(given["body_base64"]), given["headers"])
        return cls(Manner(described["manner"]), answer, described.get("seconds", 0.0), described.get("after", 1))


@dataclass(slots=True)
class Exchange:
    """One request and what came of it.

    `number` counts from 1. `answer` is what went back to the client (or half of it, as `sight` says), None where
    nothing did. `done` is what the cloud itself answered, None as long as it has not carried the request out.
    """

    number: int
    request: Request
    fault: Fault | None = None
    sight: Sight = Sight.ANSWER
    answer: Answer | None = None
    done: Answer | None = None

    @property
    def manner(self) -> Manner | None:
        """How the request went wrong; None: it did not."""
        return self.fault.manner if self.fault else None


Rule = Callable[[int, Request], "Fault | None"]
"""Number of the request (from 1) and the request → what goes wrong with it; None: nothing."""


class Killed(BaseException):
    """The client's process is dead at this point. No handler of the program may live on, so it is no `Exception`."""


class Faulty:
    """A cloud with faults before it: what every transport talks to.

    `before_each` is a person's hand: called with the number and the request right before the request is applied, also
    where a fault then keeps it from being applied. It may act on any cloud directly, and send requests of its own where
    the transport needs no sockets. `on_kill` takes the client's process away: in one process by raising `Killed`; over
    sockets it has to be set to something that kills the right process. `clock` passes while a client without sockets
    waits. With `log_limit` only so many last exchanges are remembered.

    Requests are carried out one at a time under `lock`, which several clouds may share.
    """

    def __init__(self, cloud: Cloud, clock: VirtualClock | None = None, *, log_limit: int | None = None) -> None:
        self.cloud = cloud
        self.clock = clock
        self.log: list[Exchange] = []
        self.log_limit = log_limit
        self.count = 0
        self.rule: Rule | None = None
        self.before_each: Callable[[int, Request], None] | None = None
        self.on_kill: Callable[[Exchange], None] = _die
        self.lock = threading.RLock()
        self._late: list[tuple[int, Exchange]] = []

    def exchange(self, request: Request) -> Exchange:
        """Carry one request out, or let it go wrong as the rule says; the transport shows the client what `sight` says.

        Raises:
            Killed: the rule says that the client dies here.
        """
        with self.lock:
            self.count += 1
            exchange = Exchange(self.count, request)
            self._remember(exchange)
            self._land_until(exchange.number)
            exchange.fault = self.rule(exchange.number, request) if self.rule else None
            if self.before_each:
                self.before_each(exchange.number, request)
            self._run(exchange)
            if exchange.sight is Sight.DEATH:
                self.on_kill(exchange)
            return exchange

    def land(self) -> None:
        """Carry out every late request that is still under way, in the order in which they were due."""
        with self.lock:
            self._land_until(None)

    def _run(self, exchange: Exchange) -> None:
        work, exchange.sight = _COURSE[exchange.fault.manner] if exchange.fault else (Work.NOW, Sight.ANSWER)
        if work is Work.NOW:
            exchange.done = self.cloud.answer(exchange.request)
        elif work is Work.LATER and exchange.fault:
            self._late.append((exchange.number + exchange.fault.after, exchange))
            self._late.sort(key=lambda late: late[0])
        given = exchange.fault.answer if exchange.fault else None
        if exchange.sight is Sight.HALF and not (exchange.done and exchange.done.body):
            exchange.sight = Sight.CUT
        if exchange.sight in (Sight.ANSWER, Sight.HALF):
            exchange.answer = given or exchange.done

    def _land_until(self, number: int | None) -> None:
        while self._late and (number is None or self._late[0][0] <= number):
            exchange = self._late.pop(0)[1]
            exchange.done = self.cloud.answer(exchange.request)

    def _remember(self, exchange: Exchange) -> None:
        self.log.append(exchange)
        if self.log_limit is not None:
            del self.log[: max(0, len(self.log) - self.log_limit)]


def at(number: int, fault: Fault) -> Rule:
    """Let the request of that number go wrong."""
    return lambda count, _request: fault if count == number else None


def always(fault: Fault) -> Rule:
    """Let every request go wrong."""
    return lambda _count, _request: fault


def where(predicate: Callable[[Request], bool], fault: Fault) -> Rule:
    """Let each request go wrong of which the predicate is true."""
    return lambda _count, request: fault if predicate(request) else None


def times(number: int, fault: Fault, predicate: Callable[[Request], bool] | None = None) -> Rule:
    """Let the next so many requests go wrong, or the next so many of which the predicate is true.

    The rule counts for itself, so give each cloud its own.
    """
    left = number

    def rule(_count: int, request: Request) -> Fault | None:
        nonlocal left
        if left <= 0 or (predicate is not None and not predicate(request)):
            return None
        left -= 1
        return fault

    return rule


def schedule(faults: Mapping[int, Fault]) -> Rule:
    """Let the requests of these numbers go wrong, each in its own way; `met` gives the schedule of a finished run."""
    return lambda count, _request: faults.get(count)


def met(log: list[Exchange]) -> dict[int, Fault]:
    """Number of the request → what went wrong with it, as `schedule` takes it."""
    return {exchange.number: exchange.fault for exchange in log if exchange.fault}


def first_of(*rules: Rule) -> Rule:
    """Ask several rules in order; the first that names a fault decides. Later rules are not asked then."""
    return lambda count, request: next((fault for rule in rules if (fault := rule(count, request))), None)


def _die(exchange: Exchange) -> None:
    raise Killed(f"at request {exchange.number}: {exchange.request.method} {exchange.request.path}")
