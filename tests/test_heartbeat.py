"""The dead-man's switch: what its monitor is told, and that nothing that it does changes a run."""

from __future__ import annotations

import logging
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from amo2gsheet import health_heartbeat
from amo2gsheet.cli_signals import StopSignal
from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Faulty, Killed, Manner
from amo2gsheet.sandbox.transport import mount
from amo2gsheet.state import RunLock, StateStore
from amo2gsheet.sync.run import Run
from tests.world import AMO_URL, SHEETS_URL, World

MONITOR_URL = "http://127.0.0.1:8003"
SECRET = "plum-canary-ping"


class Monitor:
    """Remembers the pings: the last part of the address, and what was told."""

    def __init__(self) -> None:
        self.pings: list[tuple[str, dict[str, Any]]] = []
        self.is_deaf = False

    def answer(self, request: Request) -> Answer:
        if not self.is_deaf:
            self.pings.append((request.path, request.json()))
        return Answer(200, b"OK")

    @property
    def told(self) -> list[str]:
        """The pings without the part that all share."""
        return [path.removeprefix(f"/ping/{SECRET}-") for path, _ in self.pings]


class WatchedWorld(World):
    """A shop whose runs are watched."""

    def __init__(self, folder: Path, url: str = f"{MONITOR_URL}/ping/{SECRET}-{{command}}") -> None:
        self.monitor = Monitor()
        self.monitor_wire = Faulty(self.monitor)
        super().__init__(folder, HEARTBEAT_URL=url)

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        mount(session, {AMO_URL: self.amo_wire, SHEETS_URL: self.sheets_wire, MONITOR_URL: self.monitor_wire})
        return session


@pytest.fixture
def world(tmp_path: Path) -> WatchedWorld:
    return WatchedWorld(tmp_path)


def test_start_and_success_are_told_with_counts(world: WatchedWorld) -> None:
    world.lead()
    world.pull()
    world.push()

    assert world.monitor.told == ["pull/start", "pull", "push/start", "push"]
    start, end = (body for _, body in world.monitor.pings[:2])
    assert start == {"command": "pull"}
    assert ("pull", 0, 1, 1) == tuple(end[name] for name in ("command", "exit_code", "new_rows", "leads_read"))


def test_a_run_that_left_something_to_a_person_is_a_success(world: WatchedWorld) -> None:
    lead = world.lead()
    world.pull()
    world.pick(lead, "Не знаю")

    assert world.push().exit_code == ExitCode.PARTIAL
    assert world.monitor.told[-1] == "push"


def break_amo(world: WatchedWorld) -> None:
    world.amo_wire.rule = lambda number, request: Fault(Manner.REFUSED, answers.json_500_amo())


def break_key(world: WatchedWorld) -> None:
    world.lead()
    (world.folder / "gsheet.json").unlink()


def break_settings(world: WatchedWorld) -> None:
    world.set(TRIGGER_STATUS_NAME="Нигде")


@pytest.mark.parametrize(
    ("break_it", "code"), [(break_amo, 69), (break_key, 77), (break_settings, 78)], ids=["outage", "key", "settings"]
)
def test_a_failure_is_told_with_its_exit_code_and_how_far_it_came(
    world: WatchedWorld, break_it: Callable[[WatchedWorld], None], code: int
) -> None:
    break_it(world)
    with pytest.raises(AmoGsheetError):
        world.pull()

    assert world.monitor.told == ["pull/start", f"pull/{code}"]
    told = world.monitor.pings[-1][1]
    assert told["exit_code"] == code
    assert told["amo_requests"] > 0
    assert all(isinstance(value, (int, float)) for name, value in told.items() if name != "command")


def test_a_state_that_cannot_be_used_is_told_though_no_run_began(world: WatchedWorld) -> None:
    world.set(STATE_DB="missing/state.sqlite3")
    with pytest.raises(AmoGsheetError):
        world.pull()

    assert world.monitor.told == ["pull/73"]


def test_nothing_is_told_of_a_run_that_found_the_lock_held(world: WatchedWorld) -> None:
    with RunLock(world.settings.state_db) as lock:
        lock.acquire(0, world.outside.clock)
        assert world.code(world.pull) == ExitCode.LOCKED

    assert world.monitor.told == []


def test_the_end_of_a_run_that_lost_the_lock_between_two_chunks_is_told(
    world: WatchedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor that heard of its start would take it for one that hangs."""
    other = RunLock(world.settings.state_db)
    release = RunLock.release

    def work(run: Run) -> None:
        def released(lock: RunLock) -> None:
            release(lock)
            monkeypatch.setattr(RunLock, "release", release)
            other.acquire(0, world.outside.clock)

        monkeypatch.setattr(RunLock, "release", released)
        run.between_chunks()

    monkeypatch.setattr("amo2gsheet.sync.pull.pull", work)
    with other:
        assert world.code(world.pull) == ExitCode.LOCKED

    assert world.monitor.told == ["pull/start", "pull/75"]


def test_nothing_is_told_of_a_dry_run(world: WatchedWorld) -> None:
    world.lead()
    world.pull(dry=True)

    assert world.monitor.told == []


@pytest.mark.parametrize(
    ("error", "suffix"),
    [(StopSignal(signal.SIGTERM), "/143"), (KeyboardInterrupt(), "/130"), (ZeroDivisionError(), "/1")],
)
def test_a_run_that_was_stopped_or_met_a_bug_is_no_success(
    world: WatchedWorld, monkeypatch: pytest.MonkeyPatch, error: BaseException, suffix: str
) -> None:
    def work(_: object) -> None:
        raise error

    monkeypatch.setattr("amo2gsheet.sync.pull.pull", work)
    with pytest.raises(type(error)):
        world.pull()

    assert world.monitor.told == ["pull/start", f"pull{suffix}"]


@pytest.mark.parametrize(
    ("url", "start", "failure"),
    [
        ("/ping/one", "/ping/one/start", "/ping/one/78"),
        ("/ping/one/", "/ping/one/start", "/ping/one/78"),
        ("/{command}?rid=1", "/pull/start", "/pull/78"),
    ],
)
def test_each_kind_of_ping_is_a_part_of_the_path(tmp_path: Path, url: str, start: str, failure: str) -> None:
    world = WatchedWorld(tmp_path, f"{MONITOR_URL}{url}")
    break_settings(world)
    world.code(world.pull)

    assert [path for path, _ in world.monitor.pings] == [start, failure]


FAULTS = {
    "no answer": Fault(Manner.TIMEOUT_BEFORE),
    "cut": Fault(Manner.CUT_BEFORE),
    "error": Fault(Manner.REFUSED, Answer(500)),
    "unknown": Fault(Manner.REFUSED, Answer(404, b"not found")),
    "elsewhere": Fault(Manner.REFUSED, Answer(301, headers={"Location": "http://127.0.0.1:1/"})),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_monitor_out_of_order_changes_no_run_and_its_address_stays_secret(
    world: WatchedWorld, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    world.monitor_wire.rule = lambda number, request: fault
    world.lead()
    with caplog.at_level(logging.DEBUG):
        assert world.pull().exit_code == ExitCode.DONE

    told = [record for record in caplog.records if record.name.endswith("heartbeat")]
    assert {"heartbeat"} == {getattr(record, "event", None) for record in told}
    assert SECRET not in caplog.text


def test_a_monitor_that_never_ends_its_answer_is_left_alone(
    world: WatchedWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    has_ended = threading.Event()
    monkeypatch.setattr(health_heartbeat, "LONGEST_SECONDS", 0.01)
    monkeypatch.setattr(world.monitor, "answer", lambda request: has_ended.wait(30) and Answer(200))
    with caplog.at_level(logging.INFO):
        assert world.pull().exit_code == ExitCode.DONE
    has_ended.set()

    assert "did not answer within" in caplog.text


def test_both_pings_of_a_run_cost_it_ten_seconds_at_most() -> None:
    assert 2 * health_heartbeat.LONGEST_SECONDS <= 10


def test_without_an_address_nobody_is_told(tmp_path: Path) -> None:
    world = WatchedWorld(tmp_path, "")
    world.pull()

    assert world.monitor.told == []


class Stopper:
    """Lets the process die at one of its steps: a request to a cloud, or a commit of the state (before, after)."""

    def __init__(self, world: WatchedWorld, step: int) -> None:
        self.world = world
        self.left = step

    def step(self) -> None:
        self.left -= 1
        if self.left <= 0:
            # A dead process tells nobody anything.
            self.world.monitor.is_deaf = True
            raise Killed

    def rule(self, _number: int, _request: Request) -> None:
        self.step()


def edits(world: WatchedWorld) -> None:
    """Something to do for both commands: a new lead, a changed one, a pick."""
    leads = [world.lead(f"Клиент {number}") for number in range(3)]
    world.pull()
    world.lead("Новый")
    world.move(leads[0], world.stage("Отказ"))
    world.pick(leads[1], "У курера")
    world.monitor.pings.clear()


def ended_at(folder: Path, command: str, step: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], Outcome | None]:
    """What the monitor heard of a run that was stopped at that step, and its outcome if it got to its end."""
    world = WatchedWorld(folder)
    edits(world)
    stopper = Stopper(world, step)
    real_open = StateStore.open

    def opened(*positional: Any, **named: Any) -> StateStore:
        state = real_open(*positional, **named)
        state.on_step = lambda _name: stopper.step()
        return state

    with monkeypatch.context() as patch:
        patch.setattr(StateStore, "open", opened)
        world.amo_wire.rule = world.sheets_wire.rule = stopper.rule
        try:
            outcome = getattr(world, command)()
        except Killed:
            outcome = None
        return world.monitor.told, outcome


@pytest.mark.parametrize("command", ["pull", "push"])
def test_a_success_is_told_of_no_run_that_was_stopped_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    stopped = 0
    while True:
        folder = tmp_path / str(stopped)
        folder.mkdir()
        told, outcome = ended_at(folder, command, stopped + 1, monkeypatch)
        shutil.rmtree(folder)
        if outcome is not None:
            break
        assert told == [f"{command}/start"], f"stopped at step {stopped + 1}"
        stopped += 1

    assert told == [f"{command}/start", command]
    assert stopped > 15
