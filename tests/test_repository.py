"""What may stand in the repository: no secret, no customer, nothing at the top that is not part of the plan."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import pytest

import amo2gsheet
from tests.conftest import REPOSITORY

TOP_LEVEL = {"amo2gsheet", "tests", "systemd", "pyproject.toml", "README.md", "LICENSE"}
TOP_LEVEL_DOT_FILES = {".ci", ".env.example", ".gitignore"}

LARGEST_FILE_BYTES = 200_000
"""Nothing written by hand comes near; an export of a customer's data does."""

SECRETS = {
    "a token (JWT)": r"eyJ[\w-]{10,}\.eyJ[\w-]{20,}\.[\w-]{20,}",
    "a token of Google": r"ya29\.[\w-]{30,}",
    "an API key of Google": r"AIza[\w-]{35}",
    "a refresh token of amoCRM": r"def50200[0-9a-f]{40,}",
    "a private key": r"PRIVATE KEY-----(?:\\n|\s)+[A-Za-z0-9+/]{40,}",
    "a client of Google": r"\d{12,}-[a-z0-9]{32}\.apps\.googleusercontent\.com",
}
PHONE = r"(?<![\w.+-])\+\d(?:[ ()-]{0,2}\d){9,13}(?!\d)"
INVENTED_DIGITS = r"00|(\d)\1\1|1234567"
"""What a number in use rarely has: a phone in an example shows that it is invented."""

E_MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}"
INVENTED_DOMAINS = r"(?:^|[.@])(?:example(?:\.(?:com|org|net|ru))?|test|invalid|[\w-]+\.iam\.gserviceaccount\.com)$"
UNITS = r"^amo2gsheet-[\w-]+@\w*\.(?:service|timer)$"
"""One systemd unit for each account: written like an address, and none."""

IGNORED = [
    ".env", ".env.local", "gsheet.json", "gsheet-shop.json", "service_account.json", "sandbox-gsheet.json",
    ".amo_tokens.json", ".amo_tokens.json.lock", ".google_token.json", ".amo2gsheet.sqlite3", ".amo2gsheet.sqlite3-wal",
    ".amo2gsheet.sqlite3-shm", ".amo2gsheet.sqlite3.lock", "state.sqlite3.damaged-1", ".sync_state.json", "orders.xlsx",
    "orders.result.xlsx", "orders.csv", "client.key", "client.pem", ".coverage", "dist/amo2gsheet.whl", ".venv/bin/python",
]  # fmt: skip
"""What a run, a login or a person leaves in the folder, and must never be committed."""


def git(*arguments: str) -> str:
    # The home folder of a test has no settings of git, such as the one that trusts this folder.
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout


@cache
def tracked_files() -> tuple[str, ...]:
    return tuple(name for name in git("ls-files", "-z").split("\0") if (REPOSITORY / name).is_file())


@cache
def texts() -> dict[str, str]:
    """File → its text; a file that is no UTF-8 text fails here."""
    return {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in tracked_files()}


def found_in(text: str, pattern: str) -> list[str]:
    return [match[0] for match in re.finditer(pattern, text)]


def is_invented_phone(phone: str) -> bool:
    return bool(re.search(INVENTED_DIGITS, re.sub(r"\D", "", phone)))


def is_invented_address(address: str) -> bool:
    return bool(re.search(INVENTED_DOMAINS, address.lower()))


def test_the_top_level_holds_what_is_planned_and_nothing_else() -> None:
    top = {name.split("/")[0] for name in tracked_files()}

    assert set() == top - TOP_LEVEL - TOP_LEVEL_DOT_FILES


def test_every_file_is_a_text_of_a_size_that_people_write() -> None:
    assert [] == [name for name, text in texts().items() if len(text.encode()) > LARGEST_FILE_BYTES]


def test_every_file_has_unix_line_ends_and_no_bom() -> None:
    assert [] == [name for name in tracked_files() if b"\r\n" in (REPOSITORY / name).read_bytes()]
    assert [] == [name for name, text in texts().items() if text.startswith("\ufeff")]


@pytest.mark.parametrize(("kind", "pattern"), SECRETS.items())
def test_k1_no_secret_is_in_the_repository(kind: str, pattern: str) -> None:
    assert [] == [f"{name} holds {kind}" for name, text in texts().items() if re.search(pattern, text)]


def test_k1_every_phone_in_the_repository_is_invented() -> None:
    phones = [(name, phone) for name, text in texts().items() for phone in found_in(text, PHONE)]

    assert [] == [found for found in phones if not is_invented_phone(found[1])]


def test_k1_every_e_mail_address_in_the_repository_is_invented() -> None:
    written = [(name, address) for name, text in texts().items() for address in found_in(text, E_MAIL)]
    addresses = [found for found in written if not re.search(UNITS, found[1])]

    assert [] == [found for found in addresses if not is_invented_address(found[1])]


def test_no_file_names_a_folder_of_one_machine() -> None:
    machine = "|".join(["/ro" + "ot/", "/wo" + "rk/", r"/ho" + r"me/(?!shop|user|x\b)[a-z]", r"C:\\Us" + "ers"])

    assert [] == [name for name, text in texts().items() if re.search(machine, text)]


@pytest.mark.parametrize("name", IGNORED)
def test_i4_k1_what_a_run_leaves_behind_is_never_committed(name: str) -> None:
    assert name == git("check-ignore", "--no-index", name).strip()


@pytest.mark.parametrize("name", [".env.example", "amo2gsheet/config.py", "systemd/amo2gsheet.env", "README.md"])
def test_what_belongs_to_the_repository_is_not_ignored(name: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        git("check-ignore", "--no-index", name)


def test_no_tracked_file_is_one_that_should_be_ignored() -> None:
    assert git("ls-files", "--cached", "--ignored", "--exclude-standard") == ""


def test_the_version_stands_in_one_place() -> None:
    version = re.escape(amo2gsheet.__version__)
    places = [name for name, text in texts().items() if re.search(rf"""version.{{0,12}}["']{version}["']""", text)]

    assert ["amo2gsheet/__init__.py"] == places


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("eyJ" + "a" * 12 + ".eyJ" + "b" * 25 + "." + "c" * 25, SECRETS["a token (JWT)"]),
        ("-----BEGIN PRIVATE " + "KEY-----\n" + "M" * 64, SECRETS["a private key"]),
        ('"-----BEGIN PRIVATE ' + 'KEY-----\\n' + "M" * 64, SECRETS["a private key"]),
        ("def" + "50200" + "a1" * 30, SECRETS["a refresh token of amoCRM"]),
    ],
)  # fmt: skip
def test_a_secret_is_seen(text: str, pattern: str) -> None:
    assert re.search(pattern, text)


def test_phones_are_told_from_other_numbers() -> None:
    real, invented = "+99" + "8 90 317-62-48", "+998 00 000-00-01"

    assert [real, invented] == found_in(f"{real}, {invented}, 1+1772305200, 2026-03-01T00:00:00+05:00", PHONE)
    assert [False, True] == [is_invented_phone(real), is_invented_phone(invented)]


def test_addresses_of_people_are_told_from_invented_ones() -> None:
    addresses = ["a@" + "mail.ru", "a@example.com", "sync@project.iam.gserviceaccount.com", "a@notexample" + ".com"]

    assert [False, True, True, False] == [is_invented_address(address) for address in addresses]
