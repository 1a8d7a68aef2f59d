"""The service account's token: asked for once, kept, replaced in time; and what to do when Google refuses."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses

from amo2gsheet.exceptions import LoginError, UnavailableError
from amo2gsheet.retry import RetryPolicy
from amo2gsheet.sandbox.environment import CLIENT_EMAIL, service_account_key
from amo2gsheet.sheet.login import GoogleLogin
from tests.adapter_bench import ID, START, STATUS, TITLE, BenchClock, SheetBench

TOKEN_URI = "https://oauth2.example.test/token"
GRANTED = {"access_token": "ya29.new", "expires_in": 3599, "token_type": "Bearer"}
CLOCK_WRONG = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp."


@pytest.fixture
def key(tmp_path: Path) -> dict[str, str]:
    """The key's contents; written where the login looks for it."""
    content = service_account_key(TOKEN_URI)
    (tmp_path / "key.json").write_text(json.dumps(content))
    return content


@pytest.fixture
def clock() -> BenchClock:
    return BenchClock(START)


@pytest.fixture
def google() -> Any:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def login(tmp_path: Path, clock: BenchClock, policy: RetryPolicy | None = None) -> GoogleLogin:
    """The login as a new process has it."""
    paths = (tmp_path / "key.json", tmp_path / "token.json")
    return GoogleLogin(*paths, clock=clock, new_session=requests.Session, policy=policy)


@pytest.mark.usefixtures("key")
def test_a_token_is_asked_for_once_and_serves_the_next_process(tmp_path: Path, clock: BenchClock, google: Any) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    clock.advance(100)

    first = login(tmp_path, clock)
    tokens = [first.token(), first.token()]
    clock.advance(3200)
    tokens.append(login(tmp_path, clock).token())

    assert ["ya29.new"] * 3 == tokens
    assert 1 == len(google.calls)
    form = parse_qs(google.calls[0].request.body.decode())
    assert ["urn:ietf:params:oauth:grant-type:jwt-bearer"] == form["grant_type"]


@pytest.mark.usefixtures("key")
def test_the_token_is_kept_for_its_owner_only(tmp_path: Path, clock: BenchClock, google: Any) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    before = os.umask(0)
    try:
        login(tmp_path, clock).token()
    finally:
        os.umask(before)

    assert 0o600 == stat.S_IMODE((tmp_path / "token.json").stat().st_mode)
    assert ["key.json", "token.json"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.usefixtures("key")
def test_a_kept_token_that_others_may_read_is_narrowed(tmp_path: Path, clock: BenchClock, google: Any) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    login(tmp_path, clock).token()
    (tmp_path / "token.json").chmod(0o644)

    token = login(tmp_path, clock).token()

    assert ("ya29.new", 1) == (token, len(google.calls))
    assert 0o600 == stat.S_IMODE((tmp_path / "token.json").stat().st_mode)


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("seconds", [3400, -10])
def test_a_token_near_its_end_or_from_the_future_is_replaced(
    tmp_path: Path, clock: BenchClock, google: Any, seconds: float
) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    google.post(TOKEN_URI, json={**GRANTED, "access_token": "ya29.newer"})
    long_running = login(tmp_path, clock)
    long_running.token()
    clock.jump(seconds)

    assert "ya29.newer" == long_running.token()
    assert "ya29.newer" == login(tmp_path, clock).token()


@pytest.mark.parametrize("change", ["private_key_id", "client_email"])
def test_another_key_gets_a_token_of_its_own(
    tmp_path: Path, clock: BenchClock, google: Any, key: dict[str, str], change: str
) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    google.post(TOKEN_URI, json={**GRANTED, "access_token": "ya29.other"})
    login(tmp_path, clock).token()
    (tmp_path / "key.json").write_text(json.dumps({**key, change: "other@example.test"}))

    assert "ya29.other" == login(tmp_path, clock).token()


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"access_token": 5}', "\x00", "[" * 5000])
def test_a_damaged_token_file_is_no_token(tmp_path: Path, clock: BenchClock, google: Any, damage: str) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    (tmp_path / "token.json").write_text(damage)

    assert "ya29.new" == login(tmp_path, clock).token()


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("value", [None, "soon", True, float("nan")])
def test_a_token_without_a_usable_end_is_no_token(tmp_path: Path, clock: BenchClock, google: Any, value: object) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    login(tmp_path, clock).token()
    kept = json.loads((tmp_path / "token.json").read_text())
    (tmp_path / "token.json").write_text(json.dumps({**kept, "ends_at": value}))

    login(tmp_path, clock).token()

    assert 2 == len(google.calls)


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("token", ["ключ", "ya29.\x00", "ya29.\n", ""])
def test_a_kept_token_that_no_header_carries_is_no_token(tmp_path: Path, clock: BenchClock, google: Any, token: str) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    login(tmp_path, clock).token()
    kept = json.loads((tmp_path / "token.json").read_text())
    (tmp_path / "token.json").write_text(json.dumps({**kept, "access_token": token}))

    assert "ya29.new" == login(tmp_path, clock).token()


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "body", ["[" * 5000, '{"access_token": "ключ"}', '{"access_token": "t", "expires_in": 1' + "0" * 400 + "}", "9" * 5000]
)
def test_a_token_that_is_none_is_trouble_of_the_token_service(tmp_path: Path, clock: BenchClock, google: Any, body: str) -> None:
    google.post(TOKEN_URI, body=body)

    with pytest.raises(UnavailableError):
        login(tmp_path, clock).token()


@pytest.mark.usefixtures("key")
def test_a_token_that_cannot_be_kept_still_serves(tmp_path: Path, clock: BenchClock, google: Any) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    (tmp_path / "token.json").mkdir()

    assert "ya29.new" == login(tmp_path, clock).token()
    assert ["key.json", "token.json"] == sorted(path.name for path in tmp_path.iterdir())


def told(raised: pytest.ExceptionInfo[Any]) -> str:
    return f"{raised.value.message} {raised.value.hint}"


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (CLOCK_WRONG, "NTP"),
        ("Invalid grant: account not found", "deleted"),
        ("Invalid JWT Signature.", "revoked"),
        ("Something new.", "Something new."),
    ],
)
def test_a_refused_login_is_explained(tmp_path: Path, clock: BenchClock, google: Any, description: str, expected: str) -> None:
    google.post(TOKEN_URI, json={"error": "invalid_grant", "error_description": description}, status=400)

    with pytest.raises(LoginError) as raised:
        login(tmp_path, clock).token()

    assert expected in told(raised)
    assert 1 == len(google.calls)


PASSING: list[dict[str, Any]] = [
    {"status": 500, "json": {"error": "server_error"}},
    {"status": 503, "body": "<html>"},
    {"status": 429, "body": ""},
    {"status": 200, "body": "<html>"},
    {"status": 200, "json": {}},
    {"status": 200, "json": []},
    {"status": 200, "json": {"access_token": 5}},
    {"status": 200, "json": {**GRANTED, "expires_in": "soon"}},
    {"status": 302, "headers": {"Location": "https://elsewhere.example.test/"}},
    {"body": requests.ConnectionError("cut")},
    {"body": requests.ReadTimeout("late")},
]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("trouble", PASSING)
def test_a_token_service_in_trouble_is_asked_again(
    tmp_path: Path, clock: BenchClock, google: Any, trouble: dict[str, Any]
) -> None:
    google.post(TOKEN_URI, **trouble)
    google.post(TOKEN_URI, json=GRANTED)

    assert "ya29.new" == login(tmp_path, clock).token()


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("trouble", PASSING)
def test_a_token_service_that_stays_away_is_no_bad_login(
    tmp_path: Path, clock: BenchClock, google: Any, trouble: dict[str, Any]
) -> None:
    google.post(TOKEN_URI, **trouble)

    with pytest.raises(UnavailableError, match="token service"):
        login(tmp_path, clock, RetryPolicy(attempts=2)).token()

    assert 2 == len(google.calls)
    assert not (tmp_path / "token.json").exists()


BAD_KEYS = [
    (None, "no service-account key"),
    (b"", "not JSON"),
    (b"\xff\xfe{", "not JSON"),
    (b"[]", "a list"),
    (b"{}", "nothing"),
    (b"[" * 5000, "not JSON"),
    (b'{"installed": {"client_secret": "s3cret"}}', '"installed"'),
    (b'{"type": "authorized_user", "refresh_token": "s3cret"}', '"authorized_user"'),
    (b'{"type": "service_account", "private_key": "s3cret"}', "lacks client_email, token_uri"),
]


@pytest.mark.parametrize(("content", "expected"), BAD_KEYS)
def test_a_file_that_is_no_key_is_told_what_it_is(
    tmp_path: Path, clock: BenchClock, content: bytes | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / "key.json").write_bytes(content)

    with pytest.raises(LoginError) as raised:
        login(tmp_path, clock).token()

    assert expected in told(raised)
    assert "s3cret" not in told(raised)


def test_a_key_that_cannot_be_opened_is_told_why(tmp_path: Path, clock: BenchClock) -> None:
    (tmp_path / "key.json").mkdir()

    with pytest.raises(LoginError, match="cannot be read"):
        login(tmp_path, clock).token()


def test_a_key_with_a_broken_private_key_is_told_so(tmp_path: Path, clock: BenchClock, key: dict[str, str]) -> None:
    for broken in ("x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        (tmp_path / "key.json").write_text(json.dumps({**key, "private_key": broken}))

        with pytest.raises(LoginError, match="no usable private key"):
            login(tmp_path, clock).token()


@pytest.mark.parametrize("uri", ["http://oauth2.example.test/token", "ftp://127.0.0.1/token", "http://[", "token"])
def test_no_assertion_goes_over_an_open_line(tmp_path: Path, clock: BenchClock, key: dict[str, str], uri: str) -> None:
    (tmp_path / "key.json").write_text(json.dumps({**key, "token_uri": uri}))

    with pytest.raises(LoginError, match="unsafe address"):
        login(tmp_path, clock).token()


def test_only_the_right_to_spreadsheets_is_asked_for(tmp_path: Path, clock: BenchClock, google: Any, key: dict[str, str]) -> None:
    google.post(TOKEN_URI, json=GRANTED)
    login(tmp_path, clock).token()

    (assertion,) = parse_qs(google.calls[0].request.body.decode())["assertion"]
    claims = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))
    assert ("https://www.googleapis.com/auth/spreadsheets", key["client_email"]) == (claims["scope"], claims["iss"])


def test_the_whole_way_from_the_key_to_the_sheet(tmp_path: Path) -> None:
    bench = SheetBench(tmp_path)
    bench.token_path.unlink()
    bench.cloud.expire_tokens()

    bench.side.look(TITLE, ID, STATUS)
    bench.cloud.expire_tokens()
    bench.side.look(TITLE, ID, STATUS)

    assert [2, 3] == [bench.cloud.token_requests, bench.side.request_count]


@pytest.mark.parametrize(
    ("fault", "expected"), [("clock_skew", "NTP"), ("account_not_found", CLIENT_EMAIL), ("bad_signature", "revoked")]
)
def test_a_login_refused_in_the_middle_is_explained(tmp_path: Path, fault: Any, expected: str) -> None:
    bench = SheetBench(tmp_path)
    bench.cloud.expire_tokens()
    bench.knobs.token_fault = fault

    with pytest.raises(LoginError) as raised:
        bench.side.look(TITLE, ID, STATUS)
    assert expected in told(raised)


def test_a_kept_token_needs_no_signing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What signing takes is slow to import, and most runs have a token."""
    bench = SheetBench(tmp_path)
    code = "amo2gsheet.sheet.token_request"
    monkeypatch.delitem(sys.modules, code, raising=False)

    bench.side.look(TITLE, ID, STATUS)

    assert code not in sys.modules
