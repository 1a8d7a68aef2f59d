"""The consent page's address, and reading what people paste after it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from urllib.parse import urlencode

import pytest

from amo2gsheet.amo.consent import Pasted, check_consent, consent_address, read_pasted
from amo2gsheet.amo.consents import Consents
from amo2gsheet.exceptions import LoginError
from tests.amo_stand import QuietClock

CODE = "def50200" + "0123456789abcdef" * 4
ADDRESS = f"https://shop.example.com/amo?code={CODE}&state=S-1&referer=mycompany.amocrm.ru&platform=1"
WHOLE = Pasted(CODE, "S-1", "mycompany.amocrm.ru")
START = 1_790_000_000


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("https://mycompany.amocrm.ru", "https://www.amocrm.ru/oauth"),
        ("https://mycompany.kommo.com", "https://www.kommo.com/oauth"),
        ("https://mycompany.amocrm.com", "https://www.kommo.com/oauth"),
        ("https://proxy.example.com", "https://www.amocrm.ru/oauth"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001/oauth"),
    ],
)
def test_the_consent_page_is_that_of_the_account_s_product(account: str, expected: str) -> None:
    assert f"{expected}?client_id=an-id&state=S%2B1" == consent_address(account, "an-id", "S+1")


@pytest.mark.parametrize(
    "pasted",
    [
        ADDRESS,
        f" {ADDRESS}\r\n",
        f"<{ADDRESS}>",
        f'"{ADDRESS}"',
        f"«{ADDRESS}»",
        f"`{ADDRESS}`",
        f"\ufeff{ADDRESS}\u200b",
        ADDRESS[:60] + "\n" + ADDRESS[60:90] + "\r\n   " + ADDRESS[90:],
        ADDRESS.replace("&", "&amp;"),
        f"Location: {ADDRESS}",
        f"{ADDRESS}#",
        ADDRESS.partition("amo")[2],
        ADDRESS.partition("?")[2],
        f"/amo?{ADDRESS.partition('?')[2]}",
    ],
)
def test_an_address_is_read_however_it_was_pasted(pasted: str) -> None:
    assert WHOLE == read_pasted(pasted)


@pytest.mark.parametrize("pasted", [CODE, f"  {CODE}\n", f"'{CODE}'", f"<{CODE}>", CODE[:20] + "\n" + CODE[20:], f"“{CODE}”"])
def test_a_bare_code_is_read_however_it_was_pasted(pasted: str) -> None:
    assert Pasted(CODE) == read_pasted(pasted)


@pytest.mark.parametrize("code", ["7", "abc", "garbage", "ab==", "=", "a=b", "a:b,c!", "x" * 5000])
def test_a_code_is_whatever_amocrm_gives(code: str) -> None:
    assert Pasted(code) == read_pasted(code)
    assert Pasted(code, "S-1") == read_pasted(f"https://shop.example.com/amo?{urlencode({'code': code, 'state': 'S-1'})}")


def test_a_plus_in_an_address_stays_in_the_code() -> None:
    assert Pasted("ab+c/d==") == read_pasted("https://shop.example.com/amo?code=ab+c/d==")


@pytest.mark.parametrize(
    ("pasted", "message"),
    [
        ("paste the code here", "no authorisation code"),
        ("Code: def50200", "no authorisation code"),
        ("код", "no authorisation code"),
        ("def\x07", "no authorisation code"),
        ("https://shop.example.com/amo", "holds no code"),
        ("shop.example.com/amo?platform=1", "holds no code"),
        ("https://shop.example.com/amo?code=%D0%BA", "no authorisation code"),
        ("https://shop.example.com/amo?code=%00", "no authorisation code"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "a token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln=", "a token"),
    ],
)
def test_what_can_be_no_code_is_said_to_be_none(pasted: str, message: str) -> None:
    with pytest.raises(LoginError, match=message):
        read_pasted(pasted)


def test_what_was_pasted_does_not_show_itself() -> None:
    assert CODE not in repr(read_pasted(ADDRESS))


@pytest.mark.parametrize(
    ("referer", "account"),
    [
        ("mycompany.amocrm.ru", "https://mycompany.amocrm.ru"),
        ("MyCompany.amocrm.ru", "https://mycompany.amocrm.ru"),
        ("https://mycompany.amocrm.ru/", "https://mycompany.amocrm.ru"),
        ("mycompany.amocrm.com", "https://mycompany.kommo.com"),
        ("127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("mycompany.amocrm.ru", "https://proxy.example.com"),
        ("mycompany.amocrm.ru", "http://127.0.0.1:8001"),
        ("test.kommo.com", "http://localhost:8001"),
        ("mycompany.example.com", "http://127.0.0.1:8001"),
        ("127.0.0.1:8001", "https://mycompany.amocrm.ru"),
        ("127.0.0.1:8001", "https://proxy.example.com"),
        ("127.0.0.1:9", "http://127.0.0.1:8001"),
        (None, "https://mycompany.amocrm.ru"),
    ],
)
def test_the_right_account_s_consent_passes(referer: str | None, account: str) -> None:
    assert "" == check_consent(Pasted(CODE, "S-1", referer), {"S-0", "S-1"}, account)


@pytest.mark.parametrize(
    ("referer", "account"),
    [
        ("other.amocrm.ru", "https://mycompany.amocrm.ru"),
        ("mycompany.kommo.com", "https://mycompany.amocrm.ru"),
        ("mycompany.amocrm.ru.example.com", "https://mycompany.amocrm.ru"),
        ("mycompany.example.com", "https://proxy.example.com"),
        ("amocrm.ru", "https://mycompany.amocrm.ru"),
        ("127.0.0.1:8001.example.com", "https://mycompany.amocrm.ru"),
        ("[", "https://mycompany.amocrm.ru"),
        ("", "https://mycompany.amocrm.ru"),
    ],
)
def test_another_account_s_consent_is_refused(referer: str, account: str) -> None:
    with pytest.raises(LoginError, match="given for the account"):
        check_consent(Pasted(CODE, "S-1", referer), {"S-1"}, account)


@pytest.mark.parametrize("state", ["", "S-2", "é"])
def test_another_state_is_refused_and_a_missing_one_is_warned_of(state: str) -> None:
    with pytest.raises(LoginError, match="last 20 minutes"):
        check_consent(Pasted(CODE, state), {"S-1"}, "https://mycompany.amocrm.ru")

    assert "no `state`" in check_consent(Pasted(CODE), {"S-1"}, "https://mycompany.amocrm.ru")


# --- what is remembered ---


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json.consent"


def test_several_consents_can_be_open_at_once_each_for_twenty_minutes(path: Path) -> None:
    clock = QuietClock(START)
    first = Consents(path, clock).begin()
    clock.advance(600)
    second = Consents(path, clock).begin()

    assert {first, second} == Consents(path, clock).states()
    clock.advance(600)
    assert {second} == Consents(path, clock).states()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_code_is_remembered_without_being_kept(path: Path) -> None:
    clock = QuietClock(START)
    state = Consents(path, clock).begin()
    Consents(path, clock).note_exchanged(CODE, state)

    assert Consents(path, clock).was_exchanged(CODE)
    assert not Consents(path, clock).was_exchanged(CODE + "0")
    assert frozenset() == Consents(path, clock).states()
    assert CODE not in path.read_text()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"states": 5, "codes": []}', '{"states": {"S": "x"}}', "[" * 99_999])
def test_a_damaged_file_counts_as_none(path: Path, content: str) -> None:
    path.write_text(content)
    consents = Consents(path, QuietClock(START))

    assert (frozenset(), False) == (consents.states(), consents.was_exchanged(CODE))
    assert consents.begin() in consents.states()


def test_a_state_from_the_future_counts_as_none(path: Path) -> None:
    path.write_text(json.dumps({"states": {"S-1": START + 1}}))

    assert frozenset() == Consents(path, QuietClock(START)).states()


def test_a_folder_that_cannot_be_written_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = Consents(tmp_path / "missing" / "x", QuietClock(START)).begin()

    assert state
    assert "cannot be written" in caplog.text
