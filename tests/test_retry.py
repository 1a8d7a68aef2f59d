from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from amo2gsheet.retry import NO_RETRIES, Retrier, RetryPolicy, SystemClock, TryFailedError, retry_after_seconds
from amo2gsheet.sandbox.clock import VirtualClock

ROOT = Path(__file__).parent.parent
NOON = 1_767_268_800.0


class QuietClock(VirtualClock):
    """A clock without chance that remembers how long it was told to wait."""

    def __init__(self, start: float = NOON) -> None:
        super().__init__(start)
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        super().sleep(seconds)

    def random(self) -> float:
        return 1.0


class Cloud:
    """Fails as told, one failure a try, then answers."""

    def __init__(self, clock: VirtualClock, *failures: TryFailedError, seconds_a_try: float = 0.0) -> None:
        self.clock = clock
        self.failures = list(failures)
        self.seconds_a_try = seconds_a_try
        self.tries = 0

    def send(self) -> str:
        self.tries += 1
        VirtualClock.sleep(self.clock, self.seconds_a_try)
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def lost(wait_seconds: float | None = None) -> TryFailedError:
    return TryFailedError("answered 502", is_unclear=True, wait_seconds=wait_seconds)


def turned_away(wait_seconds: float | None = None) -> TryFailedError:
    return TryFailedError("answered 429", is_unclear=False, wait_seconds=wait_seconds)


def test_the_waits_double_up_to_the_longest_one() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, *[lost() for _ in range(5)])

    answer = Retrier(RetryPolicy(attempts=6, longest_wait_seconds=8), clock).call(cloud.send, is_repeatable=True)

    assert (answer, clock.waits) == ("answer", [1, 2, 4, 8, 8])


def test_half_of_a_wait_is_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = QuietClock()
    monkeypatch.setattr(clock, "random", lambda: 0.0)
    cloud = Cloud(clock, lost())

    Retrier(RetryPolicy(), clock).call(cloud.send, is_repeatable=True)

    assert clock.waits == [0.5]


def test_the_number_of_tries_is_limited() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, *[lost() for _ in range(99)])

    with pytest.raises(TryFailedError):
        Retrier(RetryPolicy(attempts=3), clock).call(cloud.send, is_repeatable=True)

    assert cloud.tries == 3


def test_the_time_of_the_tries_themselves_counts_too() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, *[lost() for _ in range(99)], seconds_a_try=30)

    with pytest.raises(TryFailedError):
        Retrier(RetryPolicy(attempts=50, total_seconds=90), clock).call(cloud.send, is_repeatable=True)

    assert cloud.tries == 3


def test_the_wait_that_the_cloud_asked_for_is_kept() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, turned_away(12.5))

    Retrier(RetryPolicy(), clock).call(cloud.send, is_repeatable=True)

    assert clock.waits == [12.5]


def test_nobody_waits_for_a_try_that_would_come_too_late() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, turned_away(300))

    with pytest.raises(TryFailedError):
        Retrier(RetryPolicy(total_seconds=90), clock).call(cloud.send, is_repeatable=True)

    assert (cloud.tries, clock.waits) == (1, [])


def test_a_write_that_may_have_landed_is_not_sent_again() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, turned_away(), lost())

    with pytest.raises(TryFailedError):
        Retrier(RetryPolicy(), clock).call(cloud.send, is_repeatable=False)

    assert cloud.tries == 2


def test_a_write_that_was_surely_not_carried_out_is_sent_again() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, turned_away(), turned_away())

    assert Retrier(RetryPolicy(), clock).call(cloud.send, is_repeatable=False) == "answer"


def test_an_earlier_unclear_try_leaves_the_whole_unclear() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, lost(), turned_away())

    with pytest.raises(TryFailedError) as caught:
        Retrier(RetryPolicy(attempts=2), clock).call(cloud.send, is_repeatable=True)

    assert (caught.value.is_unclear, caught.value.may_have_landed) == (False, True)


def test_retries_can_be_switched_off() -> None:
    clock = QuietClock()
    cloud = Cloud(clock, lost())

    with pytest.raises(TryFailedError):
        Retrier(NO_RETRIES, clock).call(cloud.send, is_repeatable=True)

    assert (cloud.tries, clock.waits) == (1, [])


def test_other_errors_are_not_tried_again() -> None:
    def broken() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        Retrier(RetryPolicy(), QuietClock()).call(broken, is_repeatable=True)


def test_the_system_clock_runs() -> None:
    clock = SystemClock()
    before = clock.time(), clock.monotonic()
    clock.sleep(0)

    assert clock.time() >= before[0]
    assert clock.monotonic() >= before[1]
    assert 0 <= clock.random() < 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("9" * 500, None),
        ("Thu, 99 Foo 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOON) == seconds


def test_neither_requests_nor_tenacity_is_loaded_without_need() -> None:
    code = "import sys, amo2gsheet.retry; print(sorted({'requests', 'tenacity'} & set(sys.modules)))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert loaded.stdout == "[]\n"
