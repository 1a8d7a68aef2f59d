"""What becomes of a request to the Sheets API that does not go well."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from amo2gsheet.exceptions import (
    AmoGsheetError,
    LoginError,
    SheetError,
    TabMissingError,
    UnavailableError,
    UnclearOutcomeError,
    WriteRefusedError,
)
from amo2gsheet.model import RowWrite
from amo2gsheet.retry import NO_RETRIES
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.environment import CLIENT_EMAIL
from amo2gsheet.sandbox.exchange import Answer
from amo2gsheet.sandbox.faults import Fault, Manner, always, times
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sheet.adapter import open_sheet
from tests.adapter_bench import BASE_URL, HEADER, ID, NAME, STATUS, TITLE, SheetBench

JSON_TYPE = {"Content-Type": "application/json; charset=UTF-8"}
BROKEN = Fault(Manner.REFUSED, Answer(200, b'{"spreadsheetId":"x","valueRanges":[]}', JSON_TYPE))


@pytest.fixture
def bench(tmp_path: Path) -> SheetBench:
    return SheetBench(tmp_path)


def refused(answer: Answer) -> Fault:
    return Fault(Manner.REFUSED, answer)


def google(status: int, name: str, message: str, reason: str | None = None) -> Answer:
    error: dict[str, object] = {"code": status, "status": name, "message": message}
    if reason:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return Answer(status, json.dumps({"error": error}).encode(), JSON_TYPE)


def read(bench: SheetBench) -> object:
    return bench.side.look(TITLE, ID, STATUS)


def write(bench: SheetBench) -> object:
    return bench.side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {NAME: "Яна"})])


def set_up(bench: SheetBench) -> None:
    bench.side.drop_commit_tokens([5])


PASSING = [
    refused(answers.json_429_google()),
    refused(answers.html_429()),
    refused(answers.json_500()),
    refused(answers.json_503()),
    refused(answers.html_502()),
    refused(answers.html_504()),
    refused(answers.html_200()),
    refused(answers.truncated_json()),
    refused(answers.empty_200()),
    refused(Answer(200, b"{}", JSON_TYPE)),
    refused(Answer(200, b"null", JSON_TYPE)),
    BROKEN,
    Fault(Manner.CUT_BEFORE),
    Fault(Manner.CUT_SHORT),
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_read_gets_over_passing_trouble(bench: SheetBench, fault: Fault) -> None:
    bench.faulty.rule = times(2, fault)

    look = bench.side.look(TITLE, ID, STATUS)

    assert {2: (11, "В процессе"), 3: (12, "Отказ"), 4: (13, None)} == look.rows
    assert 3 == bench.side.request_count == bench.faulty.count


@pytest.mark.parametrize("fault", PASSING)
def test_a7_a_failed_read_is_no_empty_sheet(bench: SheetBench, fault: Fault) -> None:
    bench.faulty.rule = always(fault)

    with pytest.raises(UnavailableError):
        read(bench)
    assert bench.side.request_count <= 5


def test_a_read_is_asked_again_when_no_answer_comes(bench: SheetBench) -> None:
    bench.faulty.rule = times(1, Fault(Manner.TIMEOUT_BEFORE))

    read(bench)

    assert 2 == bench.side.request_count


def test_a_spent_minute_is_waited_for(bench: SheetBench) -> None:
    """Sixty reads a minute, shared with whoever else uses the key."""
    bench.knobs.quota, bench.knobs.reads_per_minute = "json", 1
    read(bench)
    started = bench.clock.monotonic()

    read(bench)

    assert 10 < bench.clock.monotonic() - started < 90


UNCLEAR = [
    refused(answers.json_500()),
    Fault(Manner.FAILED_AFTER, answers.json_503()),
    Fault(Manner.FAILED_AFTER, answers.html_502()),
    Fault(Manner.FAILED_AFTER, answers.html_200()),
    Fault(Manner.FAILED_AFTER, answers.truncated_json()),
    Fault(Manner.FAILED_AFTER, Answer(200, b'{"responses":[]}', JSON_TYPE)),
    Fault(Manner.FAILED_AFTER, Answer(200, b"[]", JSON_TYPE)),
    Fault(Manner.CUT_BEFORE),
    Fault(Manner.CUT_AFTER),
    Fault(Manner.CUT_SHORT),
    Fault(Manner.TIMEOUT_AFTER),
    Fault(Manner.LATE),
]


@pytest.mark.parametrize("fault", UNCLEAR)
def test_a_write_of_unclear_outcome_is_not_repeated(bench: SheetBench, fault: Fault) -> None:
    bench.faulty.rule = times(1, fault)

    with pytest.raises(UnclearOutcomeError):
        write(bench)
    assert 1 == bench.faulty.count


def test_a_write_to_row_numbers_does_not_wait_for_long(bench: SheetBench) -> None:
    """The rows would be others by then: the caller has to look again."""
    bench.faulty.rule = always(refused(answers.json_429_google("Write")))
    started = bench.clock.monotonic()

    with pytest.raises(UnavailableError) as raised:
        write(bench)

    assert not isinstance(raised.value, UnclearOutcomeError)
    assert bench.clock.monotonic() - started < 5
    assert [] == bench.touched()


def test_a_write_that_does_not_age_waits_for_the_quota(bench: SheetBench) -> None:
    bench.knobs.quota, bench.knobs.writes_per_minute = "json", 1
    set_up(bench)

    set_up(bench)

    assert [200, 429] == sorted({seen.status for seen in bench.cloud.seen})


def test_a_write_that_reached_nobody_is_not_unclear(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    bench = SheetBench(tmp_path)
    side = open_sheet(
        SPREADSHEET_ID, bench.key_path, bench.token_path, clock=bench.clock, base_url=address, new_session=requests.Session
    )

    with pytest.raises(UnavailableError) as raised:
        side.write_rows(TITLE, HEADER, [RowWrite(2, 11, {NAME: "Яна"})])

    assert not isinstance(raised.value, UnclearOutcomeError)
    assert 2 == side.request_count


SERVICE_DISABLED = "Google Sheets API has not been used in project 1 before or it is disabled."
REFUSALS: list[tuple[Answer, type[AmoGsheetError], str]] = [
    (
        google(400, "FAILED_PRECONDITION", "This operation is not supported for this document"),
        SheetError,
        "Save as Google Sheets",
    ),
    (google(400, "INVALID_ARGUMENT", "Unable to parse range: 'X'!A1"), TabMissingError, "весна"),
    (google(403, "PERMISSION_DENIED", "The caller does not have permission"), SheetError, CLIENT_EMAIL),
    (google(403, "PERMISSION_DENIED", SERVICE_DISABLED, "SERVICE_DISABLED"), LoginError, "Google Sheets API"),
    (google(403, "PERMISSION_DENIED", "x", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), LoginError, "does not cover"),
    (google(404, "NOT_FOUND", "Requested entity was not found."), SheetError, "GOOGLE_SHEET_ID"),
    (answers.html_403(), LoginError, "blocked on the way"),
    (answers.html_404(), UnavailableError, "GOOGLE_SHEETS_BASE_URL"),
    (answers.redirect_302(), UnavailableError, "redirect"),
]


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize(("answer", "kind", "told"), REFUSALS)
def test_a_refusal_is_told_with_what_to_do(
    bench: SheetBench, call: Callable[[SheetBench], object], answer: Answer, kind: type[AmoGsheetError], told: str
) -> None:
    bench.faulty.rule = always(refused(answer))

    with pytest.raises(kind) as raised:
        call(bench)

    assert told in f"{raised.value.message} {raised.value.hint}"
    assert kind is type(raised.value)
    assert 1 == bench.side.request_count


def test_a_quota_told_as_403_is_waited_for(bench: SheetBench) -> None:
    answer = google(403, "PERMISSION_DENIED", "Quota exceeded", "RATE_LIMIT_EXCEEDED")
    bench.faulty.rule = times(1, refused(answer))

    read(bench)

    assert 2 == bench.side.request_count


def test_a_refusal_does_not_repeat_what_stands_in_cells(bench: SheetBench) -> None:
    message = 'Invalid data[0]: Invalid values[0][1]: struct_value {"Анна +998 00 000-00-01"}'
    bench.side.workbook()
    bench.faulty.rule = always(refused(google(400, "INVALID_ARGUMENT", message)))

    with pytest.raises(WriteRefusedError) as raised:
        write(bench)

    assert {0: 'Invalid data[0]: Invalid values[0][1]: struct_value {"…"}'} == raised.value.refused
    assert "998" not in str(raised.value)


@pytest.mark.parametrize(
    "body", [b'{"error": "text"}', b'{"error": {"code": "x"}}', b"[]", b"null", b'{"error": {"details": 5}}', b"\xff\xfe"]
)
def test_an_error_of_any_shape_is_survived(bench: SheetBench, body: bytes) -> None:
    """gspread itself dies of some of them."""
    bench.faulty.rule = always(refused(Answer(500, body, JSON_TYPE)))

    with pytest.raises(UnavailableError):
        read(bench)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", [b"[" * 5000, b'{"valueRanges": ' + b"9" * 5000 + b"}"], ids=["too deep", "too long a number"])
def test_json_that_python_gives_up_on_is_no_answer(bench: SheetBench, status: int, body: bytes) -> None:
    bench.faulty.rule = always(refused(Answer(status, body, JSON_TYPE)))

    with pytest.raises(UnavailableError):
        read(bench)
    with pytest.raises(UnclearOutcomeError):
        write(bench)


def test_an_expired_token_is_replaced_and_nothing_is_lost(bench: SheetBench) -> None:
    other = bench.cloud.issue_token()
    bench.cloud.tokens.given = {token: life for token, life in bench.cloud.tokens.given.items() if token == other}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("amo2gsheet.sheet.token_request.ask_for_token", lambda *_: (other, 3600.0))

        write(bench)

    assert [(2, NAME, "Яна")] == bench.touched()
    assert other in bench.token_path.read_text()


def test_a_token_that_another_process_stored_is_taken(bench: SheetBench) -> None:
    read(bench)
    bench.cloud.expire_tokens()
    bench.keep_token(bench.cloud.issue_token())

    read(bench)

    assert 0 == bench.cloud.token_requests
    assert 3 == bench.side.request_count


def test_a_token_refused_twice_needs_a_person(bench: SheetBench) -> None:
    bench.faulty.rule = always(refused(answers.json_401_google()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("amo2gsheet.sheet.token_request.ask_for_token", lambda *_: ("another", 3600.0))

        with pytest.raises(LoginError, match=CLIENT_EMAIL):
            read(bench)
    assert 2 == bench.side.request_count


def test_the_token_goes_to_the_sheet_only_and_no_other_login_is_looked_for(
    bench: SheetBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login person password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    bench.faulty.rule = times(1, refused(answers.redirect_302(f"{BASE_URL}/elsewhere")))

    with pytest.raises(UnavailableError):
        read(bench)
    read(bench)

    assert {"Bearer ya29.sandbox-1"} == {exchange.request.headers["authorization"] for exchange in bench.faulty.log}
    assert 2 == bench.faulty.count


def test_each_request_is_logged_without_what_stands_in_cells(bench: SheetBench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    read(bench)
    write(bench)

    lines = [record.getMessage() for record in caplog.records if record.name.startswith("amo2gsheet")]
    assert ["sheets: GET /values:batchGet: 200, 0 ms", "sheets: POST /values:batchUpdate: 200, 0 ms"] == lines


def test_without_retries_every_request_is_sent_once(tmp_path: Path) -> None:
    bench = SheetBench(tmp_path, policy=NO_RETRIES)
    bench.faulty.rule = always(refused(answers.json_429_google()))

    for call in (read, write, set_up):
        with pytest.raises(UnavailableError):
            call(bench)
    assert 3 == bench.faulty.count
