"""What amoCRM's answers do to a run: tried again, refused, blocked, or not believed."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.exceptions import AmoGsheetError, ExitCode, ForbiddenError, LoginError, UnavailableError, UnreadableError
from amo2gsheet.model import Move, Stage, UnreadLead
from amo2gsheet.retry import NO_RETRIES
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer
from amo2gsheet.sandbox.faults import Fault, Faulty, Manner, at, times
from amo2gsheet.sandbox.server import SandboxServer
from tests.amo_bench import HOST, START
from tests.amo_stand import Stand, only_read


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def refused(answer: Answer) -> Fault:
    return Fault(Manner.REFUSED, answer)


PASSING = [
    refused(answers.html_404()),
    refused(answers.html_429()),
    refused(answers.html_500()),
    refused(answers.html_502()),
    refused(answers.html_504()),
    refused(answers.html_200()),
    refused(answers.json_429_amo(3)),
    refused(answers.json_500_amo()),
    refused(answers.json_402_amo()),
    refused(answers.json_400_amo_again()),
    refused(answers.truncated_json()),
    Fault(Manner.CUT_BEFORE),
    Fault(Manner.CUT_SHORT),
    Fault(Manner.TIMEOUT_AFTER),
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_passes(stand: Stand, fault: Fault) -> None:
    stand.add_leads(3)
    stand.cloud.rule = times(2, fault)

    assert len(stand.client().newest_leads()) == 3


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_stays_is_an_outage_not_an_empty_account(stand: Stand, fault: Fault) -> None:
    stand.add_leads(3)
    stand.cloud.rule = lambda _number, _request: fault
    client = stand.client()

    with pytest.raises(UnavailableError, match="GET /api/v4/leads") as caught:
        list(client.changed_leads(START))

    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert 1 < client.request_count <= 5


def test_a_wait_longer_than_the_limit_is_not_waited_for(stand: Stand) -> None:
    stand.cloud.rule = lambda _number, _request: refused(answers.json_429_amo(300))
    client = stand.client()

    with pytest.raises(UnavailableError):
        client.newest_leads()

    assert client.request_count == 1
    assert stand.clock.monotonic() < 2


def test_the_wait_in_the_body_is_kept(stand: Stand) -> None:
    stand.cloud.rule = at(1, refused(answers.json_429_amo(17)))
    stand.client().newest_leads()

    assert 17 <= stand.clock.monotonic() < 18


@pytest.mark.parametrize("header", ["21", "Thu, 09 Oct 2025 08:53:41 GMT"])
def test_a_retry_after_header_is_kept(stand: Stand, header: str) -> None:
    """The date is measured by the answer's own clock, not by this machine's."""
    given_headers = {"Retry-After": header, "Date": "Thu, 09 Oct 2025 08:53:20 GMT"}
    stand.cloud.rule = at(1, refused(Answer(503, b"busy", given_headers)))
    stand.client().newest_leads()

    assert 21 <= stand.clock.monotonic() < 22


HOSTILE = [
    b"[]",
    b"7",
    b'"text"',
    b"null",
    b"{}",
    b'{"_embedded":{}}',
    b'{"_embedded":[]}',
    b'{"_embedded":[],"_links":{"next":{"href":"x"}}}',
    b'{"_embedded":null,"_links":{}}',
    b'{"_embedded":{"leads":{}}}',
    b'{"_embedded":{"leads":[7]}}',
    b'{"_embedded":{"leads":[{}]}}',
    b'{"_embedded":{"leads":[{"id":"x"}]}}',
    b'{"_page":1,"_links":{"next":{"href":"x"}}}',
    b'{"_page":1,"_links":{"next":{"href":"x"}},"_embedded":{"leads":[]}}',
    b'{"_embedded":{"leads":[{"id":1e400,"updated_at":1,"status_id":1,"pipeline_id":1}]}}',
    b'{"_embedded":{"leads":[{"id":1,"updated_at":NaN,"status_id":1,"pipeline_id":1}]}}',
    b'{"_embedded":{"leads":[{"id":' + b"9" * 400 + b',"updated_at":1,"status_id":1,"pipeline_id":1}]}}',
    b'{"_embedded":{"leads":[{"id":' + b"9" * 9000 + b',"updated_at":1,"status_id":1,"pipeline_id":1}]}}',
    b"[" * 100_000,
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:60]))
def test_json_of_a_wrong_shape_is_an_outage_that_names_the_route(stand: Stand, body: bytes) -> None:
    stand.cloud.rule = lambda _number, _request: refused(Answer(200, body))

    with pytest.raises(UnavailableError, match="GET /api/v4/leads"):
        list(stand.client().changed_leads(START))


@pytest.mark.parametrize(
    "odd", [{"status_id": [1]}, {"custom_fields_values": {"a": 1}}, {"price": "abc"}, {"pipeline_id": None}, {"_embedded": 7}]
)
def test_one_odd_lead_in_a_list_stays_alone_and_is_an_outage_only_when_asked_for(stand: Stand, odd: dict[str, object]) -> None:
    good = {"id": 2, "updated_at": 1760000001, "status_id": 1, "pipeline_id": 1}
    bad = {"id": 1, "updated_at": 1760000000, "status_id": 1, "pipeline_id": 1, **odd}
    shown = {"_page": 1, "_links": {}, "_embedded": {"leads": [bad, good]}}
    stand.cloud.rule = lambda _number, request: refused(
        Answer(200, json.dumps(bad if request.path.endswith("/1") else shown).encode())
    )
    client = stand.client()

    unread, read = client.newest_leads()

    assert isinstance(unread, UnreadLead)
    assert (1, 1760000000, 2) == (unread.id, unread.updated_at, read.id)
    assert [2] == [lead.id for lead in only_read([unread, read])]
    with pytest.raises(UnreadableError, match="GET /api/v4/leads/1"):
        client.lead(1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_embedded", "leads", "_links", "next", "id", "updated_at", "status_id"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(body=JSON, status=st.sampled_from([200, 201, 400, 401, 403, 404, 405, 422, 429, 500]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_answer_is_a_traceback(tmp_path: Path, body: object, status: int) -> None:
    stand = Stand(tmp_path)
    stand.cloud.rule = lambda _number, _request: refused(Answer(status, json.dumps(body).encode()))
    for call in (
        lambda client: list(client.changed_leads(START)),
        lambda client: client.contacts([1, 2]),
        lambda client: client.account(),
        lambda client: client.users(),
        lambda client: client.moves_of(1, START),
        lambda client: client.move([Move(1, Stage(2, 3)), Move(2, Stage(2, 3))]),
    ):
        client = stand.client(policy=NO_RETRIES)
        client.lift_block()
        with contextlib.suppress(AmoGsheetError):
            call(client)


def test_half_a_character_in_a_name_harms_nobody(stand: Stand) -> None:
    lead = {
        "id": 1,
        "name": "a\ud83d",
        "updated_at": START,
        "status_id": 2,
        "pipeline_id": 3,
        "_embedded": {"tags": [{"name": "\udc00"}]},
    }
    body = json.dumps({"_page": 1, "_links": {}, "_embedded": {"leads": [lead]}}).encode()
    stand.cloud.rule = at(1, refused(Answer(200, body)))

    (found,) = only_read(stand.client().newest_leads())

    assert (found.name, found.tags) == ("a\ufffd", ("\ufffd",))


def test_rights_concern_only_what_was_asked_for(stand: Stand) -> None:
    stand.bench.knobs.forbidden_scopes = {"contacts"}
    client = stand.client()

    with pytest.raises(ForbiddenError):
        client.contacts([1, 2])
    assert client.newest_leads() == []


def test_a_block_ends_the_run_and_nothing_is_sent_for_a_quarter_of_an_hour(stand: Stand) -> None:
    stand.bench.cloud.is_blocked = True
    with pytest.raises(LoginError, match="shut out"):
        stand.client().newest_leads()
    stand.bench.cloud.unblock()

    stand.clock.advance(14 * 60)
    with pytest.raises(LoginError, match="shut out") as caught:
        stand.client().newest_leads()

    assert caught.value.exit_code is ExitCode.LOGIN
    assert len(stand.requests) == 1
    assert (stand.folder / "tokens.json.stop").stat().st_mode & 0o777 == 0o600
    stand.clock.advance(61)
    assert stand.client().newest_leads() == []


@pytest.mark.parametrize("jump", [-3600, -5 * 86400])
def test_a_block_noted_in_the_future_counts_for_nothing(stand: Stand, jump: int) -> None:
    stand.bench.cloud.is_blocked = True
    with pytest.raises(LoginError):
        stand.client().newest_leads()
    stand.bench.cloud.unblock()

    stand.clock.jump(jump)

    assert stand.client().newest_leads() == []


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"blocked_at": "x"}', b'{"blocked_at": true}', b"[" * 9999])
def test_a_damaged_memory_of_a_block_counts_for_nothing(stand: Stand, content: bytes) -> None:
    (stand.folder / "tokens.json.stop").write_bytes(content)

    assert stand.client().newest_leads() == []


def test_a_block_can_be_lifted(stand: Stand) -> None:
    stand.bench.cloud.is_blocked = True
    client = stand.client()
    with pytest.raises(LoginError):
        client.newest_leads()
    stand.bench.cloud.unblock()

    client.lift_block()

    assert client.newest_leads() == []


def test_a_redirect_is_not_followed(stand: Stand) -> None:
    stand.cloud.rule = lambda _number, _request: refused(answers.redirect_302())

    with pytest.raises(UnavailableError, match=r"elsewhere\.invalid") as caught:
        stand.client().newest_leads()

    assert "AMO_SUBDOMAIN" in caught.value.hint
    assert len(stand.requests) == 1


def test_next_links_to_another_host_lead_nowhere(stand: Stand) -> None:
    """The adapter knows one host only: a request elsewhere would fail the test."""
    stand.bench.account.add_user("Сотрудник")
    embedded = {"users": [{"id": 1, "name": "Азиз"}]}
    links = {"next": {"href": "https://elsewhere.invalid/api/v4/users?page=7"}}
    body = json.dumps({"_page": 1, "_links": links, "_embedded": embedded}).encode()
    stand.cloud.rule = at(1, refused(Answer(200, body)))

    stand.client().users()

    assert [request.first("page") for request in stand.requests] == ["1", "2"]


def test_a_list_that_repeats_its_page_for_ever_is_an_outage(stand: Stand) -> None:
    links = {"next": {"href": f"{HOST}/api/v4/users?page=2"}}
    body = json.dumps({"_page": 1, "_links": links, "_embedded": {"users": [{"id": 1, "name": "Азиз"}]}}).encode()
    stand.cloud.rule = lambda _number, _request: refused(Answer(200, body))

    with pytest.raises(UnavailableError, match="repeats page 1"):
        stand.client().users()


@responses.activate
def test_each_request_names_the_program_and_never_reads_netrc(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = stand.folder / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    responses.get(f"{HOST}/api/v4/leads", status=204, headers={"Set-Cookie": "session=1"})

    client = stand.client(new_session=requests.Session)
    client.newest_leads()
    client.newest_leads()

    sent = responses.calls[1].request
    assert sent.headers["Authorization"] == f"Bearer {stand.bench.token}"
    assert sent.headers["User-Agent"].startswith("amo2gsheet/")
    assert "Cookie" not in sent.headers
    client.close()


def test_a_proxy_is_not_used_for_this_machine(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in's address is on loopback; through the proxy it would not be reached."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with SandboxServer(stand.cloud, Faulty(stand.bench.cloud)) as server:
        client = AmoClient(server.amo_url, stand.long_lived, stand.token_store, stand.clock)

        assert client.newest_leads() == []
        client.close()


def test_the_log_tells_status_and_time_and_nothing_of_the_query(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stand.client().contacts([123_456, 777])

    lines = [record.getMessage() for record in caplog.records if record.name == "amo2gsheet.amo.transport"]
    assert lines == [
        "amoCRM GET /api/v4/contacts 204 0 ms",
        "amoCRM GET /api/v4/contacts/123456 204 0 ms",
        "amoCRM GET /api/v4/contacts/777 204 0 ms",
    ]
    assert stand.bench.token not in caplog.text


def test_no_connection_is_an_outage(stand: Stand) -> None:
    """Nothing listens on that port; every try fails at once."""
    client = AmoClient("http://127.0.0.1:9", stand.long_lived, stand.token_store, stand.clock)

    with pytest.raises(UnavailableError, match="No connection to amoCRM"):
        client.newest_leads()

    client.close()
