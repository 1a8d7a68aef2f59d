from __future__ import annotations

import json
from pathlib import Path

import pytest

from amo2gsheet.amo import bucket as module
from amo2gsheet.amo.bucket import Bucket
from amo2gsheet.exceptions import UnavailableError
from amo2gsheet.filelock import FileLock
from tests.amo_stand import QuietClock, Stand


@pytest.fixture
def clock() -> QuietClock:
    return QuietClock(1_760_000_000)


def most_in_a_second(moments: list[float]) -> int:
    return max(sum(begin <= moment < begin + 1 for moment in moments) for begin in moments)


def test_h2_no_second_holds_more_than_seven_requests_of_any_mix(tmp_path: Path, clock: QuietClock) -> None:
    buckets = [Bucket(tmp_path / "rate", clock, delay) for delay in (0.0, 0.08, 0.2)]
    moments = []
    for number in range(50):
        buckets[number * number % 3].wait_turn()
        moments.append(clock.monotonic())

    assert most_in_a_second(moments) == 7
    assert moments[-1] < 8


def test_h2_the_cloud_never_answers_429(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.bench.knobs.rate_limit = 7
    clients = [stand.client() for _ in range(3)]

    for number in range(50):
        clients[number % 3].newest_leads()

    assert stand.bench.cloud.violations == 0


def test_token_requests_count_too(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.bench.knobs.rate_limit = 7
    for _ in range(10):
        _, refresh = stand.bench.cloud.oauth.issue_tokens()
        stand.token_store.write_text(json.dumps({"access_token": "x.y.z", "refresh_token": refresh}))
        stand.client(stand.oauth).newest_leads()

    assert len(stand.requests) == 30
    assert stand.bench.cloud.violations == 0


def test_one_process_keeps_the_delay(tmp_path: Path, clock: QuietClock) -> None:
    bucket = Bucket(tmp_path / "rate", clock, 0.5)
    for _ in range(4):
        bucket.wait_turn()

    assert clock.monotonic() == 1.5


def test_a_damaged_file_stops_nobody(tmp_path: Path, clock: QuietClock) -> None:
    path = tmp_path / "rate"
    for content in (b"", b"\xff", b"{}", b"[null, true, 1e999, {}]", b"[" * 5000, b'["x"]', b"[1e300]"):
        path.write_bytes(content)
        Bucket(path, clock, 0.0).wait_turn()

    assert clock.monotonic() <= module.WINDOW_SECONDS


def test_times_to_come_count_for_nothing(tmp_path: Path, clock: QuietClock) -> None:
    """The machine was started anew: its clock without jumps began again from zero."""
    path = tmp_path / "rate"
    path.write_text(json.dumps([500_000.0 + number / 10 for number in range(7)]))

    Bucket(path, clock, 0.0).wait_turn()

    assert clock.monotonic() == 0


def test_a_lock_that_nobody_gives_back_stops_nobody(tmp_path: Path, clock: QuietClock) -> None:
    path = tmp_path / "rate"
    with FileLock(path) as lock:
        lock.acquire(0, clock)
        bucket = Bucket(path, clock, 0.0)
        moments = []
        for _ in range(10):
            bucket.wait_turn()
            moments.append(clock.monotonic())

    assert moments[-1] < 60
    assert most_in_a_second(moments) <= 7


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path, clock: QuietClock) -> None:
    bucket = Bucket(tmp_path / "no such folder" / "rate", clock, 0.0)
    moments = []
    for _ in range(20):
        bucket.wait_turn()
        moments.append(clock.monotonic())

    assert most_in_a_second(moments) == 7


def test_nobody_waits_for_a_slot_without_end(tmp_path: Path, clock: QuietClock, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rate"

    def sleep_while_others_send(seconds: float) -> None:
        clock.advance(seconds)
        path.write_text(json.dumps([clock.monotonic()] * 7))

    path.write_text(json.dumps([0.0] * 7))
    greedy = QuietClock(0)
    monkeypatch.setattr(greedy, "monotonic", clock.monotonic)
    monkeypatch.setattr(greedy, "sleep", sleep_while_others_send)

    with pytest.raises(UnavailableError, match="Other programs"):
        Bucket(path, greedy, 0.0).wait_turn()


def test_the_file_is_for_its_owner_only(tmp_path: Path, clock: QuietClock) -> None:
    Bucket(tmp_path / "rate", clock, 0.0).wait_turn()

    assert (tmp_path / "rate").stat().st_mode & 0o777 == 0o600
