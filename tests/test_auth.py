"""`auth`, the amoCRM half: consent, codes, tokens that are stored already, long-lived tokens, and whose sheet it is."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from amo2gsheet.cli import run
from amo2gsheet.exceptions import AmoGsheetError, ExitCode, LoginError, StateError, UsageError
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer
from amo2gsheet.sandbox.faults import Fault, Manner, where
from amo2gsheet.state import StateStore
from tests.auth_bench import FIRST_LOGIN, REDIRECT, Login
from tests.live_shop import PROGRAM, child_environ, finish

DAY = 86_400
Log = pytest.LogCaptureFixture


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(tmp_path)


@pytest.fixture(autouse=True)
def _log_is_seen(caplog: Log) -> None:
    caplog.set_level(logging.INFO, "amo2gsheet")


def other_address(**query: str) -> str:
    return f"{REDIRECT}?{urlencode(query)}"


# --- a new login ---


def test_a_consent_becomes_a_login(login: Login) -> None:
    text = login.auth()

    assert "http://127.0.0.1:8001/oauth?" in text
    assert 'logged in to "Sandbox"' in text
    assert "All is ready" in text
    assert login.world.settings.token_store.stat().st_mode & 0o777 == 0o600
    assert login.world.pull().exit_code is ExitCode.DONE


def test_a_browser_is_opened_where_there_is_one(login: Login) -> None:
    login.has_browser = True
    login.auth()

    (opened,) = login.opened
    assert parse_qs(urlsplit(opened).query) == {"client_id": [login.issuer.client_id], "state": [login.state]}


def test_a_login_that_works_is_kept(login: Login) -> None:
    login.auth()
    before = login.world.settings.token_store.read_bytes()

    text = login.auth()

    assert (1, 1) == (login.asked, login.token_requests)
    assert "oauth?" not in text
    assert before == login.world.settings.token_store.read_bytes()


def test_h4_a_dead_login_gives_way_to_a_consent(login: Login) -> None:
    login.store("x.y.z", "def502-garbage")
    with pytest.raises(LoginError) as refused:
        login.world.pull()

    login.auth()

    assert "`amo2gsheet auth`" in refused.value.hint
    assert login.world.pull().exit_code is ExitCode.DONE


@pytest.mark.parametrize("content", ["", "{", '{"access_token": 5}'])
def test_h4_a_damaged_token_file_gives_way_to_a_consent(login: Login, content: str) -> None:
    login.world.settings.token_store.write_text(content)

    login.auth()

    assert login.world.pull().exit_code is ExitCode.DONE


def test_h4_a_fresh_code_in_the_settings_replaces_a_dead_login(login: Login) -> None:
    login.store("x.y.z", "def502-garbage")
    login.world.set(AMO_AUTH_CODE=login.issuer.issue_code())
    login.answer = login.nobody

    login.auth()

    assert login.world.pull().exit_code is ExitCode.DONE


def useless_code(login: Login, kind: str) -> str:
    """A text that stands in AMO_AUTH_CODE and leads nowhere."""
    code = login.issuer.issue_code()
    if kind == "expired":
        login.world.clock.advance(20 * 60 + 1)
    elif kind == "used":
        login.auth(code)
        login.world.settings.token_store.with_name(f"{login.world.settings.token_store.name}.consent").unlink()
    elif kind == "exchanged here":
        login.auth(code)
    return {
        "of another consent": other_address(code=code, state="of-yesterday"),
        "garbage": "def50200" + "0" * 40,
        "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    }.get(kind, code)


USELESS = ["expired", "used", "exchanged here", "of another consent", "garbage", "token"]


@pytest.mark.parametrize("kind", USELESS)
def test_a_useless_code_in_the_settings_gives_way_to_a_consent(login: Login, caplog: Log, kind: str) -> None:
    code = useless_code(login, kind)
    login.store("x.y.z", "def502-garbage")
    login.world.set(AMO_AUTH_CODE=code)

    login.auth()

    assert 1 == login.asked
    assert login.world.pull().exit_code is ExitCode.DONE
    (warning,) = [text for text in caplog.messages if "AMO_AUTH_CODE" in text]
    assert "take it out of the settings" in warning
    assert code not in caplog.text


@pytest.mark.parametrize("kind", USELESS)
def test_a_useless_code_in_the_settings_is_named_where_nobody_consents(login: Login, kind: str) -> None:
    login.world.set(AMO_AUTH_CODE=useless_code(login, kind))
    login.store("x.y.z", "def502-garbage")
    login.answer = login.nobody

    with pytest.raises(LoginError, match="AMO_AUTH_CODE") as caught:
        login.auth()

    assert ExitCode.LOGIN is caught.value.exit_code
    assert "`amo2gsheet auth --code 'ADDRESS'`" in caught.value.hint
    assert any("/oauth?client_id=" in text for text in login.shown)


def test_a_refusal_that_is_not_the_code_s_asks_nobody_for_another(login: Login) -> None:
    login.world.set(AMO_AUTH_CODE=login.issuer.issue_code(), AMO_CLIENT_SECRET="plum-canary-wrong")

    with pytest.raises(LoginError, match="secret key is wrong"):
        login.auth()
    assert 0 == login.asked


def test_tokens_of_another_integration_are_not_taken_for_a_login(login: Login, caplog: Log) -> None:
    former = login.issuer.client_id
    login.issuer.client_id = "00000000-0000-4000-8000-000000000000"
    login.store(*login.issuer.issue_tokens())
    login.issuer.client_id = former

    login.auth()

    assert (1, 1) == (login.asked, login.token_requests)
    assert "another integration" in caplog.text


def test_a_code_in_the_settings_is_not_spent_on_a_login_that_works(login: Login, caplog: Log) -> None:
    login.auth()
    login.world.set(AMO_AUTH_CODE=login.issuer.issue_code())

    login.auth()

    assert 1 == login.token_requests
    assert "no longer needed" in caplog.text


def test_nobody_there_to_paste_ends_as_a_wrong_command_line(login: Login) -> None:
    login.answer = login.nobody

    with pytest.raises(UsageError) as caught:
        login.auth()
    assert ExitCode.USAGE is caught.value.exit_code


def test_without_stdin_the_program_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {**FIRST_LOGIN, "AMO_REDIRECT_URI": REDIRECT, "AMO_TOKEN_STORE": str(tmp_path / "t.json")}
    with pytest.MonkeyPatch.context() as patch, open("/dev/null", encoding="utf-8") as nothing:
        patch.setattr("sys.stdin", nothing)
        code = run(["auth"], environ)

    told = capsys.readouterr()
    assert ExitCode.USAGE == code
    assert "https://www.amocrm.ru/oauth?client_id=an-id&state=" in told.out
    assert "Address:\nerror: There is nobody to answer the prompt." in told.err.replace(": \n", ":\n")
    assert "`amo2gsheet auth --code 'ADDRESS'`" in told.err
    assert "plum-canary-secret" not in told.out + told.err


@pytest.mark.parametrize(
    ("closed", "streams"),
    [
        ("stdin", "<&-"),
        ("stdout", "</dev/null >&-"),
        ("stderr", "</dev/null 2>&-"),
        ("all", "<&- >&- 2>&-"),
        ("nothing read", "0>/dev/null"),
        ("full", "</dev/null 2>/dev/full"),
    ],
)
def test_a_stream_that_is_closed_ends_no_prompt_as_a_bug(tmp_path: Path, closed: str, streams: str) -> None:
    environ = {**FIRST_LOGIN, "AMO_REDIRECT_URI": REDIRECT, "AMO_TOKEN_STORE": str(tmp_path / "t.json")}
    shell = ["sh", "-c", f'exec "$@" {streams}', "sh", *PROGRAM, "auth"]
    ended = finish(shell, child_environ(**environ))

    assert ExitCode.USAGE == ended.returncode
    assert (closed not in ("stdout", "all")) == ("/oauth?client_id=an-id" in ended.stdout)
    told = ["There is nobody to answer the prompt."] if closed not in ("stderr", "all", "full") else []
    assert told == [line.removeprefix("error: ") for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert not ended.stdout.endswith(" ")


def test_bytes_that_are_no_text_are_told_to_be_no_code(tmp_path: Path) -> None:
    environ = {**FIRST_LOGIN, "AMO_REDIRECT_URI": REDIRECT, "AMO_TOKEN_STORE": str(tmp_path / "t.json"), "PYTHONUTF8": "1"}
    ended = finish(["sh", "-c", "printf '\\n\\377\\n' | \"$@\"", "sh", *PROGRAM, "auth"], child_environ(**environ))

    assert (ExitCode.LOGIN, True) == (ended.returncode, "error: That is no authorisation code." in ended.stderr)


@pytest.mark.parametrize("code", ["", "  "])
def test_an_empty_code_is_a_wrong_command_line(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ExitCode.USAGE == run(["auth", "--code", code], {})
    assert "`--code` is empty" in capsys.readouterr().err


# --- what is pasted ---


def test_a_state_is_good_for_a_later_code_for_twenty_minutes(login: Login) -> None:
    login.answer = login.nobody
    with pytest.raises(UsageError):
        login.auth()
    address = login.consented()
    login.world.clock.advance(19 * 60)

    login.auth(address)

    assert 1 == login.token_requests


def test_a_state_is_no_longer_good_after_twenty_minutes(login: Login) -> None:
    login.answer = login.nobody
    with pytest.raises(UsageError):
        login.auth()
    address = login.consented()
    login.world.clock.advance(20 * 60)

    with pytest.raises(LoginError, match="last 20 minutes"):
        login.auth(address)
    assert 0 == login.token_requests


def test_a_state_serves_one_login_only(login: Login) -> None:
    login.auth()

    with pytest.raises(LoginError, match="last 20 minutes"):
        login.auth(login.consented())


def test_a_code_without_state_is_taken_with_a_warning(login: Login, caplog: Log) -> None:
    login.auth(login.issuer.redirect_after_consent())

    assert "has no `state`" in caplog.text
    assert 1 == login.token_requests


def test_a_code_that_was_exchanged_is_not_sent_again(login: Login, caplog: Log) -> None:
    code = login.issuer.issue_code()
    login.auth(code)

    login.auth(f" <{code}> ")

    assert 1 == login.token_requests
    assert "exchanged already" in caplog.text


@pytest.mark.parametrize(
    ("pasted", "message", "hint"),
    [
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "a token, not an authorisation code", "AMO_LONG_LIVED_TOKEN"),
        (other_address(code="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"), "a token, not an authorisation code", "Keys"),
        (other_address(error="access_denied"), "consent was refused", "press Allow"),
        (other_address(error="server_error"), '"server_error"', "amo2gsheet auth"),
        (other_address(code="def50200aa", state="somebody-elses"), "does not belong to a consent", "amo2gsheet auth"),
        ("https://www.amocrm.ru/oauth?client_id=x&state=y", "address to open", "amo2gsheet auth"),
        (REDIRECT + "?platform=1", "holds no code", "amo2gsheet auth"),
        ("https://[", "cannot be read", "amo2gsheet auth"),
        ("<>", "Nothing was pasted", "amo2gsheet auth"),
        ("код", "no authorisation code", "amo2gsheet auth"),
    ],
)
def test_a_wrong_paste_is_explained_and_nothing_is_sent(login: Login, pasted: str, message: str, hint: str) -> None:
    with pytest.raises(LoginError) as caught:
        login.auth(pasted)

    error = caught.value
    assert (ExitCode.LOGIN, True, True) == (error.exit_code, message in error.message, hint in error.hint)
    assert 0 == login.token_requests
    assert "def50200aa" not in error.message + error.hint


@pytest.mark.parametrize("referer", ["other.amocrm.ru", "127.0.0.1:8001.example.com"])
def test_another_account_s_consent_is_explained_and_nothing_is_sent(login: Login, referer: str) -> None:
    login.world.set(AMO_SUBDOMAIN="mycompany")

    with pytest.raises(LoginError) as caught:
        login.auth(other_address(code="def50200aa", referer=referer))

    assert (f'"{referer}"' in caught.value.message, "AMO_SUBDOMAIN" in caught.value.hint) == (True, True)
    assert 0 == login.token_requests


@pytest.mark.parametrize("subdomain", ["", "test"])
@pytest.mark.parametrize("referer", ["test.amocrm.ru", "127.0.0.1:8001"])
def test_a_consent_passes_where_amocrm_stands_behind_a_loopback_address(login: Login, subdomain: str, referer: str) -> None:
    login.world.set(AMO_SUBDOMAIN=subdomain)

    text = login.auth(other_address(code=login.issuer.issue_code(), referer=referer))

    assert 'logged in to "Sandbox"' in text


def test_a_blank_answer_to_the_prompt_is_explained(login: Login) -> None:
    login.answer = lambda: " \n"

    with pytest.raises(LoginError, match="Nothing was pasted"):
        login.auth()


# --- what the token endpoint says ---


@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        ("expired", "older than 20 minutes", "`amo2gsheet auth`"),
        ("used", "used already", "`amo2gsheet auth`"),
        ("garbage", "no authorisation code", "`amo2gsheet auth`"),
        ("secret", "secret key is wrong", "AMO_CLIENT_SECRET"),
        ("redirect", "redirect address", "AMO_REDIRECT_URI"),
        ("account", "another account", "AMO_SUBDOMAIN"),
        ("client", "secret key is wrong", "AMO_CLIENT_ID"),
    ],
)
def test_each_refusal_of_a_code_is_explained(login: Login, spoil: str, message: str, hint: str) -> None:
    code = login.issuer.issue_code()
    if spoil == "expired":
        login.world.clock.advance(20 * 60 + 1)
    elif spoil == "used":
        login.auth(code)
        (login.world.settings.token_store.with_name(f"{login.world.settings.token_store.name}.consent")).unlink()
    elif spoil == "garbage":
        code = "def50200" + "0" * 40
    elif spoil == "account":
        login.world.amo.knobs.invalid_account = True
    names = {"secret": "AMO_CLIENT_SECRET", "redirect": "AMO_REDIRECT_URI", "client": "AMO_CLIENT_ID"}
    if spoil in names:
        login.world.set(**{names[spoil]: "https://example.com/wrong"})

    with pytest.raises(LoginError) as caught:
        login.auth(code)

    error = caught.value
    assert (ExitCode.LOGIN, True, True) == (error.exit_code, message in error.message, hint in error.hint)
    assert code not in error.message + error.hint
    assert 0 == login.asked


@pytest.mark.parametrize(
    ("spoil", "message"),
    [("revoked", "used already, or the integration was switched off"), ("old", "three months"), ("garbage", "is none")],
)
def test_each_refusal_of_a_refresh_names_the_next_command(login: Login, spoil: str, message: str) -> None:
    access, refresh = login.issuer.issue_tokens()
    login.issuer.revoke(access)
    if spoil == "revoked":
        login.issuer.revoke(refresh)
    login.store(access, "def502-garbage" if spoil == "garbage" else refresh)
    if spoil == "old":
        login.world.clock.advance(91 * DAY)

    with pytest.raises(LoginError) as caught:
        login.world.pull()

    error = caught.value
    assert (ExitCode.LOGIN, True) == (error.exit_code, message in error.message)
    assert "`amo2gsheet auth`" in error.hint
    login.auth()
    assert login.world.pull().exit_code is ExitCode.DONE


@pytest.mark.parametrize("answer", [answers.html_502(), answers.json_500_amo(), answers.html_200()])
def test_an_outage_during_the_exchange_is_no_refusal_and_keeps_what_is_stored(login: Login, answer: Answer) -> None:
    login.store("x.y.z", "def502-former")
    login.world.amo_wire.rule = where(lambda request: request.path.startswith("/oauth2"), Fault(Manner.REFUSED, answer))

    with pytest.raises(AmoGsheetError) as caught:
        login.auth(login.issuer.issue_code())

    assert ExitCode.UNAVAILABLE is caught.value.exit_code
    assert "def502-former" in login.world.settings.token_store.read_text()


# --- a block ---


def test_a_block_ends_it_and_asks_nobody(login: Login) -> None:
    login.store(*login.issuer.issue_tokens())
    login.world.amo.is_blocked = True

    with pytest.raises(LoginError, match="shut out") as caught:
        login.auth()

    assert (ExitCode.LOGIN, 0) == (caught.value.exit_code, login.asked)


def test_auth_lifts_the_quarter_of_an_hour_after_a_block(login: Login) -> None:
    login.store(*login.issuer.issue_tokens())
    login.world.amo.is_blocked = True
    assert ExitCode.LOGIN == login.world.code(login.world.pull)
    login.world.amo.unblock()
    assert ExitCode.LOGIN == login.world.code(login.world.pull)

    login.auth()

    assert login.world.pull().exit_code is ExitCode.DONE


# --- a long-lived token ---


def long_lived(login: Login, days: int) -> None:
    login.world.set(AMO_LONG_LIVED_TOKEN=login.issuer.long_lived_token(days))


@pytest.mark.parametrize(("days", "is_warned"), [(13, True), (15, False), (365, False)])
def test_the_end_of_a_long_lived_token_is_shown_and_warned_of(login: Login, caplog: Log, days: int, *, is_warned: bool) -> None:
    long_lived(login, days)
    text = login.auth()

    assert "good until" in text
    assert is_warned == ("AMO_LONG_LIVED_TOKEN ends on" in caplog.text)
    assert (0, 0) == (login.asked, login.token_requests)


def test_a_long_lived_token_that_has_expired_is_named_with_its_day(login: Login) -> None:
    long_lived(login, 1)
    login.world.clock.advance(2 * DAY)

    with pytest.raises(LoginError, match=r"expired on \d\d\.\d\d\.\d{4}") as caught:
        login.auth()
    assert "Keys tab" in caught.value.hint


def test_a_long_lived_token_that_was_revoked_is_named(login: Login) -> None:
    long_lived(login, 100)
    login.issuer.revoke(login.world.settings.long_lived_token)

    with pytest.raises(LoginError, match="expired or was revoked") as caught:
        login.auth()
    assert ExitCode.LOGIN is caught.value.exit_code


def test_a_long_lived_token_of_another_account_is_refused(login: Login) -> None:
    account = login.world.account
    account.id += 1
    long_lived(login, 100)
    account.id -= 1

    with pytest.raises(LoginError, match="of another account") as caught:
        login.auth()
    assert "AMO_SUBDOMAIN" in caught.value.hint


def test_a_code_beside_a_long_lived_token_is_a_wrong_command_line(login: Login) -> None:
    long_lived(login, 100)

    with pytest.raises(UsageError, match="no code is needed"):
        login.auth("def50200aabbcc")


@pytest.mark.parametrize(("skew", "word"), [(600, "behind"), (-600, "ahead of"), (5, "")])
def test_a_wrong_clock_is_warned_of(login: Login, caplog: Log, skew: int, word: str) -> None:
    login.world.amo.knobs.clock_skew_seconds = skew
    login.auth()

    assert bool(word) == ("NTP" in caplog.text)
    assert word in caplog.text


# --- whose sheet it is ---


def test_auth_takes_over_the_sheet_of_another_state(login: Login, caplog: Log) -> None:
    world = login.world
    lead = world.lead("Анна")
    login.auth()
    world.pull()
    (world.folder / "other").mkdir()
    world.set(STATE_DB="other/state.sqlite3")
    with pytest.raises(StateError, match="Another state serves") as refused:
        world.pull(force=True)

    login.auth()

    assert (ExitCode.UNUSABLE_STATE, True) == (refused.value.exit_code, "`amo2gsheet auth`" in refused.value.hint)
    assert "served by this one now" in caplog.text
    assert world.pull().exit_code is ExitCode.DONE
    assert [lead] == world.ids()
    world.set(STATE_DB=".amo2gsheet.sqlite3")
    world.lead("Борис")
    assert ExitCode.UNUSABLE_STATE == world.code(world.pull)


def test_auth_writes_no_cell(login: Login) -> None:
    login.world.lead("Анна")
    login.auth()
    login.world.pull()
    before = login.world.sheets.table()

    login.auth()

    assert before == login.world.sheets.table()


def test_a_state_of_another_account_is_named(login: Login) -> None:
    with StateStore.open(login.world.settings.state_db, login.world.outside.clock) as state:
        state.bind("https://other.amocrm.ru", login.world.settings.sheet_id)

    with pytest.raises(StateError, match="account") as caught:
        login.auth()
    assert ExitCode.UNUSABLE_STATE is caught.value.exit_code


def test_a_damaged_state_is_set_aside_and_named(login: Login, caplog: Log) -> None:
    login.world.settings.state_db.write_bytes(b"no database" * 100)
    login.auth()

    assert "set aside" in caplog.text
