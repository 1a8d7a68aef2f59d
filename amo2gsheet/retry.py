"""What is tried again, when, and how long: one place for both clouds.

Knows no HTTP library: a side says in `TryFailedError` how a try ended. Waits only through the given clock.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from tenacity import RetryCallState

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Clock(Protocol):
    """Time, waiting and chance, so that tests need none of the three."""

    def time(self) -> float:
        """Unix time by this machine's clock, which people and time servers may set back."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, with the same zero for every process of this machine."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def random(self) -> float:
        """A number from 0 up to, not including, 1."""
        ...


class SystemClock:
    """The machine's own time and chance."""

    def time(self) -> float:
        """Unix time."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment before this process."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def random(self) -> float:
        """A random share."""
        return random.random()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one request is tried.

    `total_seconds` counts from the first try, time spent waiting for answers included: no further try begins after it. The wait
    doubles from `first_wait_seconds` up to `longest_wait_seconds`; half of it is chance, so that several machines do not come
    back in step.
    """

    attempts: int = 5
    total_seconds: float = 90.0
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 20.0


NO_RETRIES = RetryPolicy(attempts=1)
"""Every request is sent once."""


class TryFailedError(Exception):
    """One try of a request ended without a usable answer, in a way that another try may mend.

    `is_unclear`: the request may have been carried out (timeout, cut connection, 5xx, a page where JSON was due); else it surely
    was not (no connection, 429). `wait_seconds` is how long the cloud asked to wait, None where it did not say.
    `may_have_landed` is true when this try or an earlier one of the same request was unclear.
    """

    def __init__(self, message: str, *, is_unclear: bool, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.is_unclear = is_unclear
        self.wait_seconds = wait_seconds
        self.may_have_landed = is_unclear


class Retrier:
    """Sends requests until one gets an answer or the policy's limits are met."""

    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock

    def call(self, send: Callable[[], T], *, is_repeatable: bool) -> T:
        """Return what `send` returns; try again after a `TryFailedError`.

        Reads, and writes that are the same when carried out twice, are repeatable: they are tried again after every failure.
        Other writes are tried again only as long as it is certain that no try was carried out.

        Raises:
            TryFailedError: that of the last try.
        """
        started = self._clock.monotonic()
        try:
            return send()
        except TryFailedError as failed:
            if self._policy.attempts <= 1 or not _may_repeat(failed, is_repeatable):
                raise
            return self._send_again(send, failed, started, is_repeatable)

    def _send_again(self, send: Callable[[], T], first: TryFailedError, started: float, is_repeatable: bool) -> T:
        # Imported here because most runs never need it, and it costs an idle run a tenth of its CPU.
        from tenacity import Retrying, retry_if_exception

        failures: list[TryFailedError] = []

        def one_try() -> T:
            try:
                if not failures:
                    raise first
                return send()
            except TryFailedError as failed:
                failures.append(failed)
                failed.may_have_landed = any(each.is_unclear for each in failures)
                raise

        def wait(state: RetryCallState) -> float:
            return self._wait_seconds(failures[-1], state.attempt_number)

        def stop(state: RetryCallState) -> bool:
            spent = self._clock.monotonic() - started + state.upcoming_sleep
            return state.attempt_number >= self._policy.attempts or spent > self._policy.total_seconds

        def tell(state: RetryCallState) -> None:
            wait_seconds = state.upcoming_sleep
            logger.debug(
                "%s; try %d follows in %.1f s", failures[-1], state.attempt_number + 1, wait_seconds, extra={"event": "retry"}
            )

        return Retrying(
            sleep=self._clock.sleep,
            stop=stop,
            wait=wait,
            retry=retry_if_exception(lambda error: isinstance(error, TryFailedError) and _may_repeat(error, is_repeatable)),
            before_sleep=tell,
            reraise=True,
        )(one_try)

    def _wait_seconds(self, failed: TryFailedError, tries: int) -> float:
        if failed.wait_seconds is not None:
            return max(0.0, failed.wait_seconds)
        policy = self._policy
        full = min(policy.first_wait_seconds * 2.0 ** (tries - 1), policy.longest_wait_seconds)
        return full * (1 + self._clock.random()) / 2


def _may_repeat(failed: TryFailedError, is_repeatable: bool) -> bool:
    return is_repeatable or not failed.may_have_landed


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """Read a `Retry-After` header, seconds or an HTTP date; None where there is none that can be read.

    `now` is Unix time by the clock that the date is to be measured with, best the answer's own `Date`.
    """
    from email.utils import parsedate_to_datetime

    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
