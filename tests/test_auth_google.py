"""`auth`, the Google half: each thing that can be wrong with key, clock, project, sharing or file is named, with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from amo2gsheet.commands import WRITES_SHOWN
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox.environment import CLIENT_EMAIL
from amo2gsheet.sandbox.exchange import Answer
from amo2gsheet.sandbox.faults import Fault, Manner, where
from tests.auth_bench import Login
from tests.world import World

Spoil = Callable[[World], None]


def knob(name: str, value: object) -> Spoil:
    return lambda world: setattr(world.sheets.knobs, name, value)


def key_file(content: str | None) -> Spoil:
    def spoil(world: World) -> None:
        path = world.settings.service_account_file
        path.unlink() if content is None else path.write_text(content)

    return spoil


FAILURES: dict[str, tuple[Spoil, ExitCode, str, str]] = {
    "deleted account": (knob("token_fault", "account_not_found"), ExitCode.LOGIN, CLIENT_EMAIL, "Make a service account"),
    "revoked key": (knob("token_fault", "bad_signature"), ExitCode.LOGIN, "revoked or replaced", "new JSON key"),
    "clock skew": (knob("token_fault", "clock_skew"), ExitCode.LOGIN, "clock is wrong", "NTP"),
    "no key": (key_file(None), ExitCode.LOGIN, "There is no service-account key", "GOOGLE_SERVICE_ACCOUNT_FILE"),
    "another file": (key_file('{"installed": {}}'), ExitCode.LOGIN, "not the key of a service account", "Service accounts"),
    "no JSON": (key_file("hello"), ExitCode.LOGIN, "is not JSON", "GOOGLE_SERVICE_ACCOUNT_FILE"),
    "API off": (knob("is_api_disabled", True), ExitCode.LOGIN, "switched off", "Google Cloud console"),
    "not shared": (knob("sharing", "none"), ExitCode.UNUSABLE_SHEET, "may not open", f"add {CLIENT_EMAIL} as Editor"),
    "viewer only": (knob("sharing", "viewer"), ExitCode.UNUSABLE_SHEET, "may only look", f"add {CLIENT_EMAIL} as Editor"),
    "an .xlsx file": (knob("is_xlsx", True), ExitCode.UNUSABLE_SHEET, "Excel file", "Save as Google Sheets"),
    "deleted sheet": (knob("is_gone", True), ExitCode.UNUSABLE_SHEET, "no spreadsheet of this ID", "GOOGLE_SHEET_ID"),
    "outage": (knob("token_fault", "server_error"), ExitCode.UNAVAILABLE, "token service", "the next run"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_wrong_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    spoil, code, message, hint = FAILURES[name]
    login = Login(tmp_path)
    spoil(login.world)

    with pytest.raises(AmoGsheetError) as caught:
        login.auth()

    error = caught.value
    assert (code, True, True) == (error.exit_code, message in error.message, hint in error.hint)
    assert "private_key" not in error.message + error.hint
    assert login.world.settings.token_store.exists()
    assert not any("All is ready" in text for text in login.shown)


@pytest.mark.parametrize("name", ["deleted account", "revoked key", "clock skew"])
def test_a_kept_token_hides_nothing(tmp_path: Path, name: str) -> None:
    """Google's token is good for an hour, so a key that died since would go unseen."""
    login = Login(tmp_path)
    login.auth()
    FAILURES[name][0](login.world)

    with pytest.raises(AmoGsheetError):
        login.auth()


def test_a_person_mends_one_thing_after_the_other_and_logs_in_once(tmp_path: Path) -> None:
    login = Login(tmp_path)
    knobs = login.world.sheets.knobs
    knobs.sharing = "none"
    with pytest.raises(AmoGsheetError):
        login.auth()
    knobs.sharing = "viewer"
    with pytest.raises(AmoGsheetError):
        login.auth()
    knobs.sharing = "editor"

    assert "shared with it for writing" in login.auth()
    assert (1, 1) == (login.asked, login.token_requests)


def test_a_protected_sheet_is_named(tmp_path: Path) -> None:
    login = Login(tmp_path)
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": login.world.sheets.knobs.protected_text}}
    refusal = Answer(400, json.dumps(body).encode(), {"Content-Type": "application/json"})
    login.world.sheets_wire.rule = where(
        lambda request: request.path.endswith("values:batchUpdate"), Fault(Manner.REFUSED, refusal)
    )

    with pytest.raises(AmoGsheetError) as caught:
        login.auth()
    assert ExitCode.UNUSABLE_SHEET is caught.value.exit_code
    assert "Protect sheets and ranges" in caught.value.hint


def test_a_protected_header_is_no_protected_sheet(tmp_path: Path) -> None:
    login = Login(tmp_path)
    login.world.sheets.knobs.is_null_a_touch = True
    login.world.person.protect("A1:Z1")

    assert "shared with it for writing" in login.auth()


@pytest.mark.parametrize("shown", ["requested", "written"])
def test_what_the_answers_to_writes_show_is_found_out_for_the_runs(
    tmp_path: Path, shown: Literal["requested", "written"]
) -> None:
    login = Login(tmp_path)
    login.world.sheets.knobs.values_in_response = shown

    login.auth()

    with login.world.state() as state:
        assert str(shown == "requested") == state.get(WRITES_SHOWN)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Sheet1", 'The tab "Sheet1" is there'),
        ("sheet1 ", 'The tab "Sheet1" is there'),
        ("Заказы", 'no tab "Заказы" yet'),
    ],
)
def test_the_tab_is_looked_for_and_not_made(tmp_path: Path, title: str, expected: str) -> None:
    login = Login(tmp_path)
    login.world.set(GOOGLE_WORKSHEET_NAME=title)

    text = login.auth()

    assert expected in text
    assert ["Sheet1"] == [tab.title for tab in next(iter(login.world.sheets.books.values())).tabs]
