"""Tokens: which one is used, when it is replaced, and what a refusal leads to."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.amo.oauth import TOKEN_PATH, Login
from amo2gsheet.amo.tokens import TokenFile, TokenPair, expiry
from amo2gsheet.exceptions import ExitCode, LoginError, StateError, UnavailableError
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.amo_oauth import OAuth
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Faulty, Killed, Manner, times, where
from amo2gsheet.sandbox.server import SandboxServer
from tests.amo_bench import START
from tests.amo_stand import Stand
from tests.conftest import REPOSITORY

DAY = 86_400


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


@pytest.fixture
def issuer(stand: Stand) -> OAuth:
    return stand.bench.cloud.oauth


def write_tokens(stand: Stand, access: str, refresh: str, **more: Any) -> None:
    stand.token_store.write_text(json.dumps({"access_token": access, "refresh_token": refresh, **more}))


def stored(stand: Stand) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stand.token_store.read_text())
    return found


def token_requests(stand: Stand) -> int:
    return sum(request.path == TOKEN_PATH for request in stand.requests)


def is_token_request(request: Request) -> bool:
    return request.path == TOKEN_PATH


def revoked_pair(stand: Stand) -> tuple[str, str]:
    """A pair whose access token amoCRM refuses though it looks fresh."""
    access, refresh = stand.bench.cloud.oauth.issue_tokens()
    stand.bench.cloud.oauth.revoke(access)
    return access, refresh


def test_a_good_token_is_used_as_it_is(stand: Stand, issuer: OAuth) -> None:
    write_tokens(stand, *issuer.issue_tokens())

    assert stand.client(stand.oauth).newest_leads() == []
    assert token_requests(stand) == 0


def test_h3_a_401_leads_to_exactly_one_refresh_and_the_call_repeated(stand: Stand) -> None:
    access, refresh = revoked_pair(stand)
    write_tokens(stand, access, refresh, expires_in=86400, extra="kept by the older tool")
    client = stand.client(stand.oauth)

    assert client.newest_leads() == []
    assert client.newest_leads() == []

    assert token_requests(stand) == 1
    assert client.request_count == 3
    assert stored(stand)["access_token"] != access
    assert stored(stand)["refresh_token"] != refresh
    assert stand.token_store.stat().st_mode & 0o777 == 0o600
    assert not stand.token_store.with_name("tokens.json.new").exists()


@pytest.mark.parametrize("answer", [answers.json_503(), answers.html_502(), answers.html_404(), answers.json_429_amo(1)])
def test_h3_an_outage_leads_to_no_refresh(stand: Stand, issuer: OAuth, answer: Answer) -> None:
    write_tokens(stand, *issuer.issue_tokens())
    stand.cloud.rule = lambda _number, _request: Fault(Manner.REFUSED, answer)

    with pytest.raises(UnavailableError):
        stand.client(stand.oauth).newest_leads()

    assert token_requests(stand) == 0


def test_a_token_is_replaced_before_it_expires(stand: Stand, issuer: OAuth) -> None:
    write_tokens(stand, *issuer.issue_tokens())
    stand.clock.advance(DAY - 60)
    client = stand.client(stand.oauth)
    client.newest_leads()

    assert (token_requests(stand), client.request_count) == (1, 1)


@pytest.mark.parametrize("ahead_seconds", [30 * DAY, -30 * DAY])
def test_a_wrong_clock_costs_at_most_one_refresh(stand: Stand, issuer: OAuth, ahead_seconds: int) -> None:
    write_tokens(stand, *issuer.issue_tokens())
    stand.clock.jump(ahead_seconds)
    stand.bench.knobs.clock_skew_seconds = -ahead_seconds
    for _ in range(3):
        stand.client(stand.oauth).newest_leads()

    assert token_requests(stand) <= 1


def test_an_early_refresh_that_amocrm_does_not_answer_leaves_the_token_in_use(stand: Stand, issuer: OAuth) -> None:
    write_tokens(stand, *issuer.issue_tokens())
    stand.clock.advance(DAY - 100)
    stand.cloud.rule = where(is_token_request, Fault(Manner.REFUSED, answers.html_502()))

    assert stand.client(stand.oauth).newest_leads() == []


def test_h3_two_runs_with_one_expired_token_refresh_once(stand: Stand) -> None:
    write_tokens(stand, *revoked_pair(stand))
    first, second = stand.client(stand.oauth), stand.client(stand.oauth)
    second_token = second._tokens.access_token()
    first.newest_leads()

    assert second_token != stored(stand)["access_token"]
    assert second.newest_leads() == []
    assert token_requests(stand) == 1


def test_h3_processes_with_one_expired_token_refresh_once(stand: Stand) -> None:
    """Real processes and a real server: all of them meet the 401 at about the same time."""
    write_tokens(stand, *revoked_pair(stand))
    login = stand.oauth
    code = (
        "import sys; from pathlib import Path; from amo2gsheet.amo.client import AmoClient; "
        "from amo2gsheet.amo.oauth import Login; from amo2gsheet.retry import SystemClock; "
        "url, store, *login = sys.argv[1:]; "
        "client = AmoClient(url, Login(*login), Path(store), SystemClock()); print(len(client.newest_leads()))"
    )
    with SandboxServer(stand.cloud, Faulty(stand.bench.cloud)) as server:
        arguments = [server.amo_url, str(stand.token_store), login.client_id, login.client_secret, login.redirect_uri]
        runs = [
            subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        said = [run.communicate(timeout=60)[0] for run in runs]

    assert said == ["0\n"] * 4
    assert token_requests(stand) == 1


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_h3_a_kill_during_the_save_leaves_one_whole_pair(stand: Stand, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = TokenPair("old.access.token", "old-refresh", START + 5.0)
    file = TokenFile(stand.token_store)
    file.store(before)
    after = TokenPair("new.access.token", "new-refresh", START + 9.0)

    def die(*_given: object, **_named: object) -> None:
        raise Killed

    if step == "replace":
        monkeypatch.setattr(Path, "replace", die)
    elif step == "write":
        monkeypatch.setattr(os, "ftruncate", die)
    else:
        monkeypatch.setattr(os, step, die)
    with pytest.raises(Killed):
        file.store(after)
    monkeypatch.undo()

    assert file.read() == before
    file.store(after)
    assert file.read() == after


@pytest.mark.parametrize("manner", [Manner.TIMEOUT_BEFORE, Manner.CUT_BEFORE])
def test_a_refresh_without_answer_is_tried_once_more(stand: Stand, manner: Manner) -> None:
    write_tokens(stand, *revoked_pair(stand))
    stand.cloud.rule = times(1, Fault(manner), is_token_request)

    assert stand.client(stand.oauth).newest_leads() == []
    assert token_requests(stand) == 2


@pytest.mark.parametrize("answer", [answers.html_502(), answers.html_200(), answers.json_500_amo(), answers.html_404()])
def test_an_outage_during_a_refresh_is_no_refusal(stand: Stand, answer: Answer) -> None:
    access, refresh = revoked_pair(stand)
    write_tokens(stand, access, refresh)
    stand.cloud.rule = where(is_token_request, Fault(Manner.REFUSED, answer))
    with pytest.raises(UnavailableError):
        stand.client(stand.oauth).newest_leads()

    assert token_requests(stand) == 2
    assert stored(stand)["refresh_token"] == refresh
    stand.cloud.rule = None
    assert stand.client(stand.oauth).newest_leads() == []


def test_a_refresh_that_was_cut_off_after_the_work_needs_a_login(stand: Stand) -> None:
    write_tokens(stand, *revoked_pair(stand))
    stand.cloud.rule = times(1, Fault(Manner.CUT_AFTER), is_token_request)

    with pytest.raises(LoginError) as caught:
        stand.client(stand.oauth).newest_leads()

    assert "AMO_LONG_LIVED_TOKEN" in caught.value.hint


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_refresh_is_not_repeated_for_a_quarter_of_an_hour(stand: Stand, issuer: OAuth, status: int) -> None:
    stand.bench.knobs.refused_refresh_status = status  # type: ignore[assignment]
    access, refresh = revoked_pair(stand)
    issuer.revoke(refresh)
    write_tokens(stand, access, refresh)
    with pytest.raises(LoginError, match="refresh token") as caught:
        stand.client(stand.oauth).newest_leads()
    sent = len(stand.requests)

    with pytest.raises(LoginError, match="a moment ago") as again:
        stand.client(stand.oauth).newest_leads()

    assert caught.value.exit_code is again.value.exit_code is ExitCode.LOGIN
    assert "AMO_LONG_LIVED_TOKEN" in caught.value.hint
    assert len(stand.requests) == sent
    stand.clock.advance(15 * 60 + 1)
    with pytest.raises(LoginError, match="refresh token"):
        stand.client(stand.oauth).newest_leads()
    assert len(stand.requests) > sent


def test_a_new_login_is_tried_at_once_after_a_refusal(stand: Stand, issuer: OAuth) -> None:
    write_tokens(stand, "x.y.z", "def502-garbage")
    with pytest.raises(LoginError):
        stand.client(stand.oauth).newest_leads()

    write_tokens(stand, *issuer.issue_tokens())

    assert stand.client(stand.oauth).newest_leads() == []


def test_a_pair_that_another_tool_stored_meanwhile_is_used(stand: Stand, issuer: OAuth) -> None:
    access, refresh = revoked_pair(stand)
    issuer.revoke(refresh)
    write_tokens(stand, access, refresh)
    fresh = issuer.issue_tokens()

    def act(_number: int, request: Request) -> None:
        if is_token_request(request):
            write_tokens(stand, *fresh)

    stand.cloud.before_each = act

    assert stand.client(stand.oauth).newest_leads() == []
    assert stored(stand)["access_token"] == fresh[0]


def test_a_switched_off_integration_is_named_after_one_refresh(stand: Stand) -> None:
    write_tokens(stand, *revoked_pair(stand))
    stand.cloud.rule = where(lambda request: not is_token_request(request), Fault(Manner.REFUSED, answers.json_401_amo()))

    with pytest.raises(LoginError, match="just given"):
        stand.client(stand.oauth).newest_leads()
    sent = len(stand.requests)
    with pytest.raises(LoginError):
        stand.client(stand.oauth).newest_leads()

    assert token_requests(stand) == 1
    assert len(stand.requests) == sent


def test_a_long_lived_token_needs_nothing_else(stand: Stand, issuer: OAuth) -> None:
    client = stand.client(Login(long_lived_token=issuer.long_lived_token()))

    assert client.newest_leads() == []
    assert not stand.token_store.exists()


@pytest.mark.parametrize("token", ["два слова", "a b", "токен", "a\nb"])
def test_a_long_lived_token_that_is_none_is_named(stand: Stand, token: str) -> None:
    with pytest.raises(LoginError, match="AMO_LONG_LIVED_TOKEN is no token"):
        stand.client(Login(long_lived_token=token)).newest_leads()


def test_a_dead_long_lived_token_is_named_and_not_sent_again_and_again(stand: Stand, issuer: OAuth) -> None:
    login = Login(long_lived_token=issuer.long_lived_token())
    issuer.revoke(login.long_lived_token)
    for _ in range(3):
        with pytest.raises(LoginError):
            stand.client(login).newest_leads()

    assert len(stand.requests) == 1
    assert stand.client(Login(long_lived_token=issuer.long_lived_token())).newest_leads() == []


def test_old_settings_fill_a_missing_token_file(stand: Stand, issuer: OAuth) -> None:
    access, refresh = issuer.issue_tokens()
    login = stand.oauth
    old = Login(login.client_id, login.client_secret, login.redirect_uri, "", access, refresh)
    assert stand.client(old).newest_leads() == []
    issuer.revoke(access)

    assert stand.client(old).newest_leads() == []
    assert stored(stand)["access_token"] != access
    assert stand.client(old).newest_leads() == []
    assert token_requests(stand) == 1


def test_without_a_login_nothing_is_sent(stand: Stand) -> None:
    with pytest.raises(LoginError, match="no amoCRM login yet") as caught:
        stand.client(stand.oauth).newest_leads()

    assert "AMO_LONG_LIVED_TOKEN" in caught.value.hint
    assert stand.requests == []


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"access_token": 5}', b'{"access_token": "a b"}', b"\xff\xff", b"[" * 99_999])
def test_a_token_file_that_holds_no_tokens_is_named(stand: Stand, content: bytes) -> None:
    stand.token_store.write_bytes(content)

    with pytest.raises(LoginError, match=r"tokens\.json"):
        stand.client(stand.oauth).newest_leads()


def test_a_refresh_is_not_spent_when_the_new_pair_could_not_be_stored(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tokens(stand, *revoked_pair(stand))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match="No space left"):
        stand.client(stand.oauth).newest_leads()

    assert token_requests(stand) == 0


def test_a_link_to_the_token_file_stays_a_link(stand: Stand) -> None:
    (stand.folder / "real").mkdir()
    stand.token_store.symlink_to("real/tokens.json")
    write_tokens(stand, *revoked_pair(stand))

    stand.client(stand.oauth).newest_leads()

    assert os.path.islink(stand.token_store)
    assert stored(stand)["expires_at"] > START


# Codes.


def test_a_code_becomes_a_stored_login(stand: Stand, issuer: OAuth) -> None:
    client = stand.client(stand.oauth)

    client.exchange_code(issuer.issue_code())

    assert client.newest_leads() == []
    assert set(stored(stand)) == {"access_token", "refresh_token", "expires_at"}


def test_h4_a_code_replaces_a_dead_login(stand: Stand, issuer: OAuth) -> None:
    write_tokens(stand, "x.y.z", "def502-garbage")
    with pytest.raises(LoginError):
        stand.client(stand.oauth).newest_leads()

    stand.client(stand.oauth).exchange_code(issuer.issue_code())

    assert stand.client(stand.oauth).newest_leads() == []


def test_a_code_lifts_a_block_that_was_remembered(stand: Stand, issuer: OAuth) -> None:
    stand.bench.cloud.is_blocked = True
    with pytest.raises(LoginError):
        stand.client().newest_leads()
    stand.bench.cloud.unblock()

    stand.client(stand.oauth).exchange_code(issuer.issue_code())

    assert stand.client(stand.oauth).newest_leads() == []


def test_a_code_whose_answer_was_lost_is_sent_once_more(stand: Stand, issuer: OAuth) -> None:
    stand.cloud.rule = times(1, Fault(Manner.TIMEOUT_BEFORE))

    stand.client(stand.oauth).exchange_code(issuer.issue_code())

    assert token_requests(stand) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("expired", "older than 20 minutes"),
        ("used", "used already"),
        ("garbage", "no authorisation code"),
        ("secret", "secret key is wrong"),
        ("redirect", "redirect address"),
        ("account", "another account"),
        ("no id", "integration's ID"),
        ("no secret", "secret key"),
    ],
)
def test_each_refusal_of_a_code_is_explained(stand: Stand, issuer: OAuth, spoil: str, message: str) -> None:
    code, login = issuer.issue_code(), stand.oauth
    client_id, secret, redirect = login.client_id, login.client_secret, login.redirect_uri
    if spoil == "expired":
        stand.clock.advance(21 * 60)
    elif spoil == "used":
        stand.client(login).exchange_code(code)
    elif spoil == "garbage":
        code = "garbage"
    elif spoil == "account":
        stand.bench.knobs.invalid_account = True
    login = Login(
        "" if spoil == "no id" else client_id,
        {"secret": "wrong", "no secret": ""}.get(spoil, secret),
        "https://example.com/other" if spoil == "redirect" else redirect,
    )

    with pytest.raises(LoginError, match=message) as caught:
        stand.client(login).exchange_code(code)

    assert caught.value.hint
    assert code not in caught.value.message


# Tokens.


def jwt(claims: object) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{part}.c2ln"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (jwt({"exp": START}), float(START)),
        (jwt({"exp": "x"}), None),
        (jwt({"exp": True}), None),
        (jwt({"exp": 1e300}), None),
        (jwt([1]), None),
        ("a.b.c", None),
        ("a.é.c", None),
        ("opaque", None),
        ("", None),
    ],
)
def test_a_broken_jwt_has_an_unknown_expiry(token: str, expected: float | None) -> None:
    assert expiry(token) == expected


def test_a_token_does_not_show_itself() -> None:
    assert "secret" not in repr(TokenPair("secret-access", "secret-refresh"))
    assert "secret" not in repr(Login("id", "secret", "x", "secret", "secret", "secret"))


# --- who may read it ---


@pytest.mark.parametrize("wide", [0o644, 0o640, 0o604, 0o666])
def test_an_old_token_file_is_for_its_owner_only_from_the_first_reading_on(stand: Stand, wide: int) -> None:
    write_tokens(stand, "an.access.token", "a-refresh")
    stand.token_store.chmod(wide)

    pair = TokenFile(stand.token_store).read()

    assert pair is not None
    assert ("an.access.token", 0o600) == (pair.access_token, stat.S_IMODE(stand.token_store.stat().st_mode))


def test_a_token_file_that_is_narrow_already_stays_as_it_is(stand: Stand) -> None:
    write_tokens(stand, "an.access.token", "a-refresh")
    stand.token_store.chmod(0o400)

    TokenFile(stand.token_store).read()

    assert 0o400 == stat.S_IMODE(stand.token_store.stat().st_mode)


@pytest.mark.parametrize("obstacle", ["refused", "another owner"])
def test_a_token_file_whose_mode_cannot_be_changed_is_read_all_the_same(
    stand: Stand, obstacle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tokens(stand, "an.access.token", "a-refresh")
    stand.token_store.chmod(0o644)

    def refuse(_descriptor: int, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    if obstacle == "refused":
        monkeypatch.setattr(os, "fchmod", refuse)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: stand.token_store.stat().st_uid + 1)
    pair = TokenFile(stand.token_store).read()

    assert pair is not None
    assert ("an.access.token", 0o644) == (pair.access_token, stat.S_IMODE(stand.token_store.stat().st_mode))
