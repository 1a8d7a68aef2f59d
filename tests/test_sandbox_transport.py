"""The sandbox's transports: whatever goes wrong looks the same without sockets as over real ones."""

from __future__ import annotations

import json
import logging
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import requests
from dotenv import dotenv_values
from google.oauth2.service_account import Credentials
from urllib3.util import Timeout

from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.sandbox.environment import KEY_FILE_NAME
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import (
    Exchange,
    Fault,
    Faulty,
    Killed,
    Manner,
    Rule,
    always,
    at,
    first_of,
    met,
    schedule,
    times,
    where,
)
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.transport import EndlessWaitError, NetworkForbiddenError, mount

READ_TIMEOUT_SECONDS = 0.2


@dataclass
class Echo:
    """A cloud that remembers what it carried out and answers with it."""

    done: list[Request] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        self.done.append(request)
        body = json.dumps({"path": request.path, "count": len(self.done)}).encode()
        return self.answers.get(request.path, Answer(200, body, {"Content-Type": "application/json"}))

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.done]


class Broken:
    """A cloud with a bug of its own."""

    def answer(self, request: Request) -> Answer:
        raise KeyError(request.path)


class Line:
    """One client, one cloud, and a transport between them."""

    def __init__(self, session: requests.Session, base: str, faulty: Faulty, echo: Echo) -> None:
        self.session, self.base, self.faulty, self.echo = session, base, faulty, echo

    def send(self, path: str = "/x", method: str = "POST", **options: Any) -> requests.Response:
        options.setdefault("timeout", (5, READ_TIMEOUT_SECONDS))
        return self.session.request(method, self.base + path, **options)


def in_process(stack: ExitStack) -> Line:
    echo = Echo()
    faulty = Faulty(echo, VirtualClock(1_000_000))
    session = stack.enter_context(requests.Session())
    mount(session, {"https://cloud.invalid": faulty})
    return Line(session, "https://cloud.invalid", faulty, echo)


def over_sockets(stack: ExitStack) -> Line:
    echo = Echo()
    faulty = Faulty(echo)
    server = stack.enter_context(SandboxServer(faulty, Faulty(Echo())))
    session = stack.enter_context(requests.Session())
    session.trust_env = False
    return Line(session, server.amo_url, faulty, echo)


@pytest.fixture(params=[in_process, over_sockets], ids=lambda make: make.__name__)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    with ExitStack() as stack:
        make: Callable[[ExitStack], Line] = request.param
        yield make(stack)


@pytest.fixture
def near() -> Iterator[Line]:
    with ExitStack() as stack:
        yield in_process(stack)


@pytest.fixture
def far() -> Iterator[Line]:
    with ExitStack() as stack:
        yield over_sockets(stack)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def a_request(path: str = "/x", method: str = "GET") -> Request:
    return Request(method, path)


# What the client sees of each manner, and whether the cloud did the work.


@pytest.mark.parametrize(
    ("fault", "seen", "work_done"),
    [
        (Fault(Manner.REFUSED, answers.json_503()), 503, 0),
        (Fault(Manner.FAILED_AFTER, answers.html_502()), 502, 1),
        (Fault(Manner.CUT_BEFORE), requests.exceptions.ConnectionError, 0),
        (Fault(Manner.CUT_AFTER), requests.exceptions.ConnectionError, 1),
        (Fault(Manner.CUT_SHORT), requests.exceptions.ChunkedEncodingError, 1),
        (Fault(Manner.TIMEOUT_BEFORE), requests.exceptions.ReadTimeout, 0),
        (Fault(Manner.TIMEOUT_AFTER), requests.exceptions.ReadTimeout, 1),
        (Fault(Manner.LATE), requests.exceptions.ReadTimeout, 0),
        (Fault(Manner.SLOW, seconds=0.01), 200, 1),
        (Fault(Manner.SLOW, seconds=9), requests.exceptions.ReadTimeout, 1),
    ],
    ids=lambda value: value.manner.value if isinstance(value, Fault) else None,
)
def test_each_manner_looks_the_same_on_both_transports(
    line: Line, fault: Fault, seen: int | type[Exception], work_done: int
) -> None:
    line.faulty.rule = at(1, fault)

    try:
        met_with: int | type[Exception] = line.send().status_code
    except requests.exceptions.RequestException as error:
        met_with = type(error)

    assert (met_with, len(line.echo.done)) == (seen, work_done)
    assert line.faulty.log[0].manner is fault.manner
    assert line.send("/next").json()["path"] == "/next"


def test_a_cut_connection_gives_the_very_words_of_a_real_one(near: Line, far: Line) -> None:
    words = []
    for line in (near, far):
        for manner in (Manner.CUT_AFTER, Manner.CUT_SHORT):
            line.faulty.rule = always(Fault(manner))
            with pytest.raises(requests.exceptions.RequestException) as caught:
                line.send()
            words.append(str(caught.value))

    assert words[:2] == words[2:]


def test_a_timeout_gives_the_words_of_a_real_one(near: Line, far: Line) -> None:
    for line in (near, far):
        line.faulty.rule = always(Fault(Manner.TIMEOUT_BEFORE))
        with pytest.raises(requests.exceptions.ReadTimeout, match=r"ConnectionPool\(.*Read timed out. \(read timeout=0.2"):
            line.send()


def test_half_a_body_breaks_where_it_is_read_when_streamed(line: Line) -> None:
    line.faulty.rule = at(1, Fault(Manner.CUT_SHORT))
    line.echo.answers["/x"] = Answer(200, b"01234567")
    arrived: list[bytes] = []

    with line.send(stream=True) as response, pytest.raises(requests.exceptions.ChunkedEncodingError):
        arrived.extend(response.iter_content(2))

    assert b"".join(arrived) == b"0123"


def test_an_answer_without_a_body_is_cut_before_it(line: Line) -> None:
    line.faulty.rule = at(1, Fault(Manner.CUT_SHORT))
    line.echo.answers["/x"] = Answer(204)

    with pytest.raises(requests.exceptions.ConnectionError, match="without response"):
        line.send()

    assert line.echo.paths == ["/x"]


def test_a_late_request_lands_right_before_the_nth_following_one(line: Line) -> None:
    line.faulty.rule = at(1, Fault(Manner.LATE, after=2))
    with pytest.raises(requests.exceptions.ReadTimeout):
        line.send("/late")
    line.send("/one")
    done_before = list(line.echo.paths)
    line.send("/two")

    assert (done_before, line.echo.paths) == (["/one"], ["/one", "/late", "/two"])
    assert [exchange.answer is not None for exchange in line.faulty.log] == [False, True, True]
    assert [exchange.done is not None for exchange in line.faulty.log] == [True, True, True]


def test_late_requests_land_on_demand_in_the_order_they_were_due(near: Line) -> None:
    near.faulty.rule = schedule({1: Fault(Manner.LATE, after=9), 2: Fault(Manner.LATE, after=3)})
    for path in ("/slowest", "/slower"):
        with pytest.raises(requests.exceptions.ReadTimeout):
            near.send(path)
    near.faulty.land()
    near.faulty.land()

    assert near.echo.paths == ["/slower", "/slowest"]


def test_a_persons_hand_comes_right_before_the_request_is_applied(line: Line) -> None:
    hands: list[tuple[int, str, int]] = []
    line.faulty.before_each = lambda number, request: hands.append((number, request.path, len(line.echo.done)))
    line.send("/a")
    line.faulty.rule = always(Fault(Manner.REFUSED, answers.json_500()))
    line.send("/b")

    assert hands == [(1, "/a", 0), (2, "/b", 1)]


@pytest.mark.parametrize(("manner", "work_done"), [(Manner.KILL_BEFORE, 0), (Manner.KILL_AFTER, 1)])
def test_a_killed_client_dies_before_or_after_the_work(near: Line, manner: Manner, work_done: int) -> None:
    near.faulty.rule = at(1, Fault(manner))

    with pytest.raises(Killed, match="at request 1: POST /x"):
        near.send()

    assert (len(near.echo.done), near.faulty.log[0].manner) == (work_done, manner)
    assert not issubclass(Killed, Exception)


def test_over_sockets_a_kill_is_what_one_sets_it_to(far: Line) -> None:
    killed: list[Exchange] = []
    far.faulty.on_kill = killed.append
    far.faulty.rule = at(1, Fault(Manner.KILL_AFTER))

    with pytest.raises(requests.exceptions.ConnectionError):
        far.send()

    assert [(exchange.number, exchange.done is not None) for exchange in killed] == [(1, True)]


def test_over_sockets_a_kill_without_a_victim_is_a_mistake_that_comes_out() -> None:
    faulty = Faulty(Echo())
    faulty.rule = always(Fault(Manner.KILL_BEFORE))

    with (
        pytest.raises(RuntimeError, match="on_kill"),
        SandboxServer(faulty, Faulty(Echo())) as server,
        pytest.raises(requests.exceptions.ConnectionError),
    ):
        requests.get(server.amo_url, timeout=5)


# Requests and answers arrive whole.


def test_both_transports_hand_the_cloud_the_same_request(near: Line, far: Line) -> None:
    for line in (near, far):
        line.send(
            "/api/v4/%D0%BB?filter[id][]=1&filter[id][]=2&with=contacts&empty=&a=%D1%8F+%2B",
            "PATCH",
            json={"name": "Заказ"},
            headers={"X-Mark": "m"},
        )
        line.send("/empty", "GET")
        line.send("/form", data={"a": "я"})
        line.send("/text", data="я")
        line.send("/parts", data=iter([b"one, ", b"two"]))
    unlike = ("host", "connection", "transfer-encoding")

    def plain(request: Request) -> tuple[Any, ...]:
        headers = sorted((name, value) for name, value in request.headers.items() if name not in unlike)
        return request.method, request.path, request.query, headers, request.body

    assert [plain(request) for request in near.echo.done] == [plain(request) for request in far.echo.done]
    first = far.echo.done[0]
    assert (first.path, first.all("filter[id][]"), first.first("empty")) == ("/api/v4/%D0%BB", ["1", "2"], "")
    assert (first.first("a"), first.json(), first.headers["x-mark"]) == ("я +", {"name": "Заказ"}, "m")
    assert far.echo.done[4].body == b"one, two"
    assert [line.echo.done[0].headers["host"] in line.base for line in (near, far)] == [True, True]


def test_both_transports_hand_the_client_the_same_answer(near: Line, far: Line) -> None:
    given = {
        "/json": Answer(200, '{"имя": 1}'.encode(), {"Content-Type": "application/json", "X-A": "б".encode().hex()}),
        "/none": Answer(204),
        "/odd": Answer(499, b"closed"),
        "/large": Answer(200, b"x" * 3_000_000),
    }
    seen = []
    for line in (near, far):
        line.echo.answers = given
        received = [line.send(path) for path in given]
        seen.append([(one.status_code, one.reason, dict(one.headers), one.content, one.encoding) for one in received])

    assert seen[0] == seen[1]
    assert [status for status, *_ in seen[0]] == [200, 204, 499, 200]
    assert [headers.get("Content-Length") for _, _, headers, *_ in seen[0]] == ["13", None, "6", "3000000"]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_no_cloud_knows_is_answered_405_and_not_counted(line: Line, method: str) -> None:
    response = line.send("/x", method)

    assert (response.status_code, response.headers["Allow"]) == (405, "DELETE, GET, PATCH, POST, PUT")
    assert (line.faulty.count, line.send().status_code) == (0, 200)


def test_a_redirect_within_the_cloud_is_followed_or_not_as_the_client_wants(line: Line) -> None:
    line.echo.answers["/from"] = answers.redirect_302("/to")

    followed = line.send("/from", "GET")
    refused = line.send("/from", "GET", allow_redirects=False)

    assert (followed.json()["path"], [one.status_code for one in followed.history]) == ("/to", [302])
    assert (refused.status_code, refused.headers["Location"], refused.is_redirect) == (302, "/to", True)


def test_a_redirect_to_another_host_leads_nowhere(near: Line) -> None:
    near.faulty.rule = always(Fault(Manner.REFUSED, answers.redirect_302()))

    with pytest.raises(NetworkForbiddenError, match=r"elsewhere\.invalid"):
        near.send(method="GET")


@pytest.mark.parametrize(
    "url",
    [
        "https://cloud.invalid.evil.example/x",
        "http://cloud.invalid/x",
        "https://cloud.invalid:444/x",
        "https://other.invalid/x",
    ],
)
def test_no_other_host_is_ever_reached(near: Line, url: str) -> None:
    with pytest.raises(NetworkForbiddenError):
        near.session.get(url, timeout=1)

    assert near.faulty.log == []


def test_no_adapter_mounted_before_leads_round_the_sandbox() -> None:
    echo = Echo()
    with requests.Session() as session:
        session.mount("https://cloud.invalid/api", requests.adapters.HTTPAdapter())
        mount(session, {"https://cloud.invalid": Faulty(echo)})
        session.get("https://cloud.invalid/api/v4/leads", timeout=1)

    assert echo.paths == ["/api/v4/leads"]


def test_a_base_address_may_hold_a_path_of_its_own() -> None:
    echo = Echo()
    with requests.Session() as session:
        mount(session, {"https://proxy.invalid/amo/": Faulty(echo)})
        session.get("https://proxy.invalid/amo/api/v4/leads?page=1", timeout=1)
        with pytest.raises(NetworkForbiddenError):
            session.get("https://proxy.invalid/amore", timeout=1)

    assert [(request.path, request.query) for request in echo.done] == [("/api/v4/leads", (("page", "1"),))]


# Time without sockets.


@pytest.mark.parametrize(("timeout", "waited"), [(7, 7), ((1, 5), 5), (Timeout(connect=1, read=3), 3)])
def test_waiting_in_vain_takes_the_clients_read_timeout(near: Line, timeout: Any, waited: float) -> None:
    clock = near.faulty.clock
    assert clock is not None
    near.faulty.rule = always(Fault(Manner.TIMEOUT_AFTER))

    with pytest.raises(requests.exceptions.ReadTimeout):
        near.send(timeout=timeout)

    assert clock.monotonic() == waited


@pytest.mark.parametrize("timeout", [None, (5, None)])
def test_a_client_without_a_read_timeout_is_found_out(near: Line, timeout: Any) -> None:
    near.faulty.rule = always(Fault(Manner.TIMEOUT_BEFORE))

    with pytest.raises(EndlessWaitError):
        near.send(timeout=timeout)


@pytest.mark.parametrize("fault", [Fault(Manner.TIMEOUT_AFTER), Fault(Manner.SLOW, seconds=9)])
def test_a_cloud_without_a_virtual_clock_makes_nobody_wait(near: Line, fault: Fault) -> None:
    near.faulty.clock = None
    near.faulty.rule = always(fault)

    with pytest.raises(requests.exceptions.ReadTimeout):
        near.send(timeout=5)
    if fault.manner is Manner.SLOW:
        assert near.send(timeout=10).status_code == 200


def test_a_slow_answer_takes_its_seconds_or_the_clients_limit(near: Line) -> None:
    clock = near.faulty.clock
    assert clock is not None
    near.faulty.rule = always(Fault(Manner.SLOW, seconds=40))

    near.send(timeout=60)
    with pytest.raises(requests.exceptions.ReadTimeout):
        near.send(timeout=30)

    assert (clock.monotonic(), len(near.echo.done)) == (70, 2)


def test_the_virtual_clock_moves_only_when_told() -> None:
    clock = VirtualClock(1_700_000_000.5)
    clock.sleep(2)
    clock.advance(0.5)

    assert (clock.time(), clock.monotonic()) == (1_700_000_003.0, 2.5)
    with pytest.raises(ValueError, match="non-negative"):
        clock.sleep(-1)


def test_a_clock_put_back_leaves_the_monotonic_one_alone() -> None:
    clock = VirtualClock(1_000, jumps=[(10, -5_400), (20, 60)])
    seen = []
    for _ in range(3):
        seen.append((clock.time(), clock.monotonic()))
        clock.sleep(10)
    clock.jump(-100)
    seen.append((clock.time(), clock.monotonic()))

    assert seen == [(1_000, 0), (-4_390, 10), (-4_320, 20), (-4_410, 30)]


# Rules, log and descriptions.


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        (at(2, Fault(Manner.CUT_BEFORE)), [2]),
        (always(Fault(Manner.CUT_BEFORE)), [1, 2, 3, 4]),
        (times(2, Fault(Manner.CUT_BEFORE)), [1, 2]),
        (times(1, Fault(Manner.CUT_BEFORE), lambda request: request.path == "/b"), [2]),
        (where(lambda request: request.path == "/b", Fault(Manner.CUT_BEFORE)), [2, 4]),
        (schedule({3: Fault(Manner.CUT_BEFORE), 9: Fault(Manner.CUT_AFTER)}), [3]),
        (first_of(at(4, Fault(Manner.CUT_BEFORE)), at(1, Fault(Manner.CUT_BEFORE))), [1, 4]),
    ],
    ids=["at", "always", "times", "times_of", "where", "schedule", "first_of"],
)
def test_a_rule_names_the_requests_that_go_wrong(rule: Rule, refused: list[int]) -> None:
    faulty = Faulty(Echo())
    faulty.rule = rule

    exchanges = [faulty.exchange(a_request(path)) for path in ("/a", "/b", "/a", "/b")]

    assert [exchange.number for exchange in exchanges if exchange.done is None] == refused


def test_the_faults_of_a_finished_run_can_be_printed_and_replayed() -> None:
    first = Faulty(Echo())
    first.rule = first_of(at(2, Fault(Manner.REFUSED, answers.html_403())), at(3, Fault(Manner.LATE, after=4)))
    for _ in range(5):
        first.exchange(a_request())
    printed = json.dumps({number: fault.to_json() for number, fault in met(first.log).items()})

    again = Faulty(Echo())
    again.rule = schedule({int(number): Fault.from_json(fault) for number, fault in json.loads(printed).items()})
    for _ in range(5):
        again.exchange(a_request())

    assert met(again.log) == met(first.log) == {2: first.log[1].fault, 3: first.log[2].fault}


def any_fault(manner: Manner) -> Fault:
    answer = Answer(418, b"\xff\x00", {"A": "b"}) if manner in (Manner.REFUSED, Manner.FAILED_AFTER) else None
    return Fault(manner, answer, 1.5 if manner is Manner.SLOW else 0.0, 3 if manner is Manner.LATE else 1)


@pytest.mark.parametrize("manner", Manner)
def test_every_fault_survives_its_description(manner: Manner) -> None:
    fault = any_fault(manner)

    assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fault(Manner.REFUSED),
        lambda: Fault(Manner.CUT_AFTER, answers.html_429()),
        lambda: Fault(Manner.SLOW),
        lambda: Fault(Manner.TIMEOUT_AFTER, seconds=3),
        lambda: Fault(Manner.LATE, after=0),
    ],
)
def test_a_fault_that_makes_no_sense_cannot_be_built(make: Callable[[], Fault]) -> None:
    with pytest.raises(ValueError, match=r"belong|land"):
        make()


def test_a_bounded_log_forgets_the_oldest_but_goes_on_counting() -> None:
    faulty = Faulty(Echo(), log_limit=2)
    for _ in range(5):
        faulty.exchange(a_request())

    assert ([exchange.number for exchange in faulty.log], faulty.count) == ([4, 5], 5)


@pytest.mark.parametrize(
    ("answer", "is_json"),
    [
        (answers.json_400_amo_again(), True),
        (answers.json_401_amo(), True),
        (answers.json_401_google(), True),
        (answers.json_402_amo(), True),
        (answers.json_403_amo(), True),
        (answers.json_429_amo(), True),
        (answers.json_429_google(), True),
        (answers.json_500(), True),
        (answers.json_500_amo(), True),
        (answers.json_503(), True),
        (answers.html_200(), False),
        (answers.html_403(), False),
        (answers.html_404(), False),
        (answers.html_429(), False),
        (answers.html_500(), False),
        (answers.html_502(), False),
        (answers.html_504(), False),
        (answers.truncated_json(), False),
        (answers.empty_200(), False),
    ],
)
def test_a_ready_made_answer_is_json_or_is_not(line: Line, answer: Answer, is_json: bool) -> None:
    line.faulty.rule = always(Fault(Manner.REFUSED, answer))

    response = line.send()

    assert response.status_code == answer.status
    if is_json:
        body = response.json()
        assert body.get("error", {}).get("code", body.get("status")) == answer.status
    else:
        with pytest.raises(requests.exceptions.JSONDecodeError):
            response.json()


# The socket server.


def test_one_connection_carries_many_requests(far: Line, caplog: pytest.LogCaptureFixture) -> None:
    far.echo.answers = {"/none": Answer(204), "/refused": answers.html_404()}
    with caplog.at_level(logging.DEBUG, "urllib3"):
        for _ in range(3):
            far.send("/x", json={"some": "body"})
            far.send("/none")
            far.send("/refused", "HEAD")
            far.send("/refused")
    opened = [record for record in caplog.messages if "connection" in record]

    assert (len(opened), len(caplog.messages), far.faulty.count) == (1, 13, 9)


def test_a_thousand_requests_take_less_than_two_seconds(far: Line) -> None:
    """An answer that leaves in two pieces waits 40 ms for the other side's delayed acknowledgement."""
    client = HTTPConnection("127.0.0.1", port_of(far.base), timeout=5)
    started = time.perf_counter()
    for _ in range(1_000):
        client.request("POST", "/x", b'{"some": "body"}')
        client.getresponse().read()
    taken = time.perf_counter() - started
    client.close()

    assert (far.faulty.count, taken < 2) == (1_000, True)


def test_requests_of_many_threads_are_carried_out_one_at_a_time() -> None:
    inside = []

    class Watchful(Echo):
        def answer(self, request: Request) -> Answer:
            inside.append(1)
            alone = len(inside) == 1
            given = super().answer(request)
            inside.pop()
            return given if alone else Answer(500)

    statuses: list[int] = []

    def client(url: str) -> None:
        with requests.Session() as session:
            statuses.extend(session.post(url, timeout=5).status_code for _ in range(40))

    with SandboxServer(Faulty(Watchful()), Faulty(Echo())) as server:
        threads = [threading.Thread(target=client, args=(server.amo_url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert statuses == [200] * 320


def test_every_thread_and_connection_ends_with_the_server() -> None:
    """One connection is kept alive by its client, one is held in a timeout."""
    before = set(threading.enumerate())
    faulty = Faulty(Echo())
    faulty.rule = where(lambda request: request.path == "/held", Fault(Manner.TIMEOUT_BEFORE))
    started = time.perf_counter()
    with socket.socket() as held, requests.Session() as session:
        with SandboxServer(faulty, Faulty(Echo()), hold_seconds=60) as server:
            session.get(server.amo_url, timeout=5)
            held.connect(("127.0.0.1", port_of(server.amo_url)))
            held.sendall(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n")
            while faulty.count < 2:
                time.sleep(0.001)
            held_while_serving = len(set(threading.enumerate()) - before)
        at_end = held.recv(1)

    assert (held_while_serving, at_end, set(threading.enumerate()) - before) == (4, b"", set())
    assert time.perf_counter() - started < 5
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(server.amo_url, timeout=5)


def test_a_held_connection_is_let_go_after_the_holding_time() -> None:
    faulty = Faulty(Echo())
    faulty.rule = always(Fault(Manner.TIMEOUT_AFTER))
    with (
        SandboxServer(faulty, Faulty(Echo()), hold_seconds=0.05) as server,
        pytest.raises(requests.exceptions.ConnectionError, match="without response"),
    ):
        requests.get(server.amo_url, timeout=5)


def test_a_bug_inside_a_cloud_comes_out_of_the_with_block() -> None:
    with (
        pytest.raises(KeyError, match="/x"),
        SandboxServer(Faulty(Broken()), Faulty(Echo())) as server,
        pytest.raises(requests.exceptions.ConnectionError),
    ):
        requests.get(f"{server.amo_url}/x", timeout=5)


def test_a_further_cloud_has_its_own_port_and_may_look_into_the_others() -> None:
    amo = Echo()

    class Page:
        def answer(self, request: Request) -> Answer:
            return Answer(200, ", ".join(amo.paths).encode(), {"Content-Type": "text/html; charset=utf-8"})

    with SandboxServer(Faulty(amo), Faulty(Echo())) as server:
        page_url = server.serve(Page())
        requests.get(f"{server.amo_url}/lead", timeout=5)
        shown = requests.get(page_url, timeout=5).text

    assert shown == "/lead"
    assert len({server.amo_url, server.sheets_url, page_url}) == 3


def test_whoever_holds_the_lock_sees_every_cloud_stand_still() -> None:
    amo, sheets = Faulty(Echo()), Faulty(Echo())
    with SandboxServer(amo, sheets) as server, server.lock:
        for url in (server.amo_url, server.sheets_url):
            with pytest.raises(requests.exceptions.ReadTimeout):
                requests.get(url, timeout=0.05)
        seen = (amo.count, sheets.count)

    assert seen == (0, 0)


def test_a_taken_port_is_reported_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    with SandboxServer(Faulty(Echo()), Faulty(Echo())) as server:
        port = port_of(server.sheets_url)
        running = set(threading.enumerate())

        with pytest.raises(OSError, match="in use"), SandboxServer(Faulty(Echo()), Faulty(Echo()), port - 1):
            pass

        assert set(threading.enumerate()) == running
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("sent", "status_line"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 Bad Request"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"HTTP/1.1 400 Bad Request"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 400 Bad Request"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 400 Bad Request"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf", b""),
    ],
)
def test_a_request_that_is_none_harms_nobody(far: Line, sent: bytes, status_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port_of(far.base)), timeout=5) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answered = client.makefile("rb").read()

    assert answered.partition(b"\r\n")[0] == status_line
    assert far.send().status_code == 200


def test_a_body_in_chunks_may_carry_extensions_and_trailers(far: Line) -> None:
    with socket.create_connection(("127.0.0.1", port_of(far.base)), timeout=5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(b"3;a=b\r\none\r\nA\r\n, and two.\r\n0\r\nX-Trailer: t\r\n\r\nGET /next HTTP/1.1\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        answered = client.makefile("rb").read()

    assert (far.echo.done[0].body, far.echo.paths, answered.count(b"200 OK")) == (b"one, and two.", ["/", "/next"], 2)


def test_a_client_that_asks_before_it_sends_its_body_is_told_at_once_to_go_on(far: Line) -> None:
    with socket.create_connection(("127.0.0.1", port_of(far.base)), timeout=5) as client:
        client.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        told = client.recv(100)
        client.sendall(b"body")
        answered = client.recv(100)

    assert (told, answered[:15]) == (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK")
    assert far.echo.done[0].body == b"body"


def test_a_slow_answer_leaves_the_connection_open(far: Line) -> None:
    far.faulty.rule = at(1, Fault(Manner.SLOW, seconds=0.01))
    with socket.create_connection(("127.0.0.1", port_of(far.base)), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answered = client.recv(1_000)
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)

    assert answered[:15] == b"HTTP/1.1 200 OK"


def test_the_server_says_nothing_on_the_terminal(far: Line, capfd: pytest.CaptureFixture[str]) -> None:
    far.send()
    far.faulty.rule = always(Fault(Manner.TIMEOUT_AFTER))
    with pytest.raises(requests.exceptions.ReadTimeout):
        far.send()

    assert capfd.readouterr() == ("", "")


# The files for the real commands.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    return folder


def write_env(server: SandboxServer, directory: Path, **settings: str) -> Path:
    return server.write_env(directory, access_token="token", spreadsheet_id="sheet", settings=settings)


def test_the_env_file_points_the_commands_at_the_servers(folder: Path) -> None:
    with SandboxServer(Faulty(Echo()), Faulty(Echo())) as server:
        path = write_env(server, folder / "new", TRIGGER_STATUS_NAME="It's a 'ЗАКАЗ' # \\", JSON='{"a": "${HOME}"}')
    values = dotenv_values(path, interpolate=False)

    assert values == {
        "AMO_BASE_URL": server.amo_url,
        "AMO_LONG_LIVED_TOKEN": "token",
        "AMO_TOKEN_STORE": ".amo_tokens.json",
        "GOOGLE_SHEETS_BASE_URL": server.sheets_url,
        "GOOGLE_SERVICE_ACCOUNT_FILE": KEY_FILE_NAME,
        "GOOGLE_SHEET_ID": "sheet",
        "STATE_DB": ".amo2gsheet.sqlite3",
        "TRIGGER_STATUS_NAME": "It's a 'ЗАКАЗ' # \\",
        "JSON": '{"a": "${HOME}"}',
    }
    assert path == folder / "new" / ".env"


def test_the_key_is_one_that_googles_library_signs_with(folder: Path) -> None:
    with SandboxServer(Faulty(Echo()), Faulty(Echo())) as server:
        write_env(server, folder)
    key_path = folder / KEY_FILE_NAME
    credentials = Credentials.from_service_account_file(str(key_path))

    assert len(credentials.sign_bytes(b"claim")) == 256
    assert json.loads(key_path.read_text())["token_uri"] == f"{server.sheets_url}/token"


def test_the_files_are_private_and_written_anew_at_each_start(folder: Path) -> None:
    with SandboxServer(Faulty(Echo()), Faulty(Echo())) as server:
        write_env(server, folder)
        write_env(server, folder, PIPELINE_ID="7")

    assert dotenv_values(folder / ".env")["PIPELINE_ID"] == "7"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        ".env": 0o600,
        KEY_FILE_NAME: 0o600,
    }


@pytest.mark.parametrize("name", [".env", KEY_FILE_NAME])
def test_a_file_that_is_not_the_sandboxes_own_is_left_as_it_is(folder: Path, name: str) -> None:
    (folder / name).write_text("AMO_SUBDOMAIN=mine\n")

    with SandboxServer(Faulty(Echo()), Faulty(Echo())) as server, pytest.raises(FileExistsError, match=name):
        write_env(server, folder)

    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: "AMO_SUBDOMAIN=mine\n"}
