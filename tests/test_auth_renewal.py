"""Renewing tokens: once for all processes, whole on disk wherever it is cut off, and never for an answer that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.amo.oauth import TOKEN_PATH
from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Faulty, Killed, Manner, times, where
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from tests.amo_stand import Stand
from tests.auth_bench import Login
from tests.conftest import REPOSITORY

STEPS = ("open", "write", "fchmod", "fsync", "ftruncate", "replace", "rename", "unlink")
MOST_STEPS = 60


def is_token_request(request: Request) -> bool:
    return request.path == TOKEN_PATH


def store(stand: Stand, *, is_expired: bool) -> tuple[str, str]:
    """A pair whose access token amoCRM refuses; `is_expired`: the file says so too."""
    access, refresh = stand.bench.cloud.oauth.issue_tokens()
    stand.bench.cloud.oauth.revoke(access)
    stored: dict[str, Any] = {"access_token": access, "refresh_token": refresh}
    if is_expired:
        stored["expires_at"] = 1
    stand.token_store.write_text(json.dumps(stored))
    return access, refresh


@pytest.mark.parametrize("is_expired", [False, True], ids=["refused", "expired"])
def test_h3_three_processes_renew_an_expired_token_once(tmp_path: Path, *, is_expired: bool) -> None:
    """The whole program, three times at once, against real servers."""
    login = Login(tmp_path)
    world = login.world
    access, refresh = login.issuer.issue_tokens()
    login.issuer.revoke(access)
    login.store(access, refresh)
    if is_expired:
        stored = json.loads(world.settings.token_store.read_text())
        world.settings.token_store.write_text(json.dumps({**stored, "expires_at": 1}))
    world.amo.knobs.rate_limit = None
    with SandboxServer(Faulty(world.amo), Faulty(world.sheets)) as server:
        settings = {
            "AMO_BASE_URL": server.amo_url,
            "AMO_LONG_LIVED_TOKEN": "",
            "AMO_CLIENT_ID": login.issuer.client_id,
            "AMO_CLIENT_SECRET": login.issuer.client_secret,
            "AMO_REDIRECT_URI": login.issuer.redirect_uri,
            "GOOGLE_SHEET_ID": SPREADSHEET_ID,
            "GOOGLE_SHEETS_BASE_URL": server.sheets_url,
        }
        (tmp_path / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
        program = [sys.executable, "-m", "amo2gsheet", "inspect", "--json"]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
        runs = [subprocess.Popen(program, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        said = [json.loads(run.communicate(timeout=120)[0]) for run in runs]
        asked = sum(is_token_request(exchange.request) for exchange in server.amo.log)

    assert [None] * 3 == [one["error"] for one in said]
    assert 1 == asked
    assert json.loads(world.settings.token_store.read_text())["refresh_token"] != refresh


def killing_at(number: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the process die right before its N-th step on the disk; returns the list of steps, filled as they come."""
    taken: list[str] = []

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:
            taken.append(name)
            if len(taken) == number:
                raise Killed
            return real(*given, **named)

        return step

    for name in STEPS:
        monkeypatch.setattr(os, name, dying(name, getattr(os, name)))
    return taken


def test_h3_a_kill_at_any_step_of_a_renewal_leaves_one_whole_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for number in range(1, MOST_STEPS):
        folder = tmp_path / str(number)
        folder.mkdir()
        stand = Stand(folder)
        before = store(stand, is_expired=True)
        client = stand.client(stand.oauth)
        with monkeypatch.context() as patch:
            taken = killing_at(number, patch)
            try:
                client.newest_leads()
            except Killed:
                is_killed = True
            else:
                is_killed = False
        stored = json.loads(stand.token_store.read_text())
        after = (stored["access_token"], stored["refresh_token"])
        seen.add(after == before)
        assert {after[0] == before[0], after[1] == before[1]} in ({True}, {False}), (
            f"a mixed pair after step {number}, {taken[-1]}"
        )
        assert stand.token_store.stat().st_mode & 0o077 == 0 or after == before
        if not is_killed:
            break
    else:
        pytest.fail("the renewal has no end")

    assert {True, False} == seen
    assert number > 5


@pytest.mark.parametrize("manner", [Manner.KILL_BEFORE, Manner.KILL_AFTER], ids=["before", "after"])
def test_h3_a_kill_on_the_wire_leaves_the_old_pair_whole(tmp_path: Path, manner: Manner) -> None:
    stand = Stand(tmp_path)
    access, refresh = store(stand, is_expired=False)
    stand.cloud.rule = times(1, Fault(manner), is_token_request)
    with pytest.raises(Killed):
        stand.client(stand.oauth).newest_leads()

    assert {"access_token": access, "refresh_token": refresh} == json.loads(stand.token_store.read_text())
    if manner is Manner.KILL_BEFORE:
        assert [] == stand.client(stand.oauth).newest_leads()


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status, b"<html>proxy</html>", {"Content-Type": "text/html"}) for status in (200, 400, 401, 403, 404, 407, 502)),
        Answer(302, b"", {"Location": "https://login.example.com/"}),
        answers.json_500_amo(),
        answers.json_503(),
        answers.json_429_amo(1),
        answers.json_402_amo(),
        Answer(200, b'{"access_token": "half', {"Content-Type": "application/json"}),
        Answer(200, b'{"access_token": "a.b.c"}', {"Content-Type": "application/json"}),
    ],
    ids=lambda answer: f"{answer.status}-{len(answer.body)}",
)
def test_h3_an_answer_that_is_none_spends_no_refresh_token(tmp_path: Path, answer: Answer) -> None:
    stand = Stand(tmp_path)
    access, refresh = store(stand, is_expired=False)
    stand.cloud.rule = where(is_token_request, Fault(Manner.REFUSED, answer))
    with pytest.raises(AmoGsheetError) as caught:
        stand.client(stand.oauth).newest_leads()

    assert caught.value.exit_code in (ExitCode.UNAVAILABLE, ExitCode.LOGIN)
    assert {"access_token": access, "refresh_token": refresh} == json.loads(stand.token_store.read_text())
    stand.cloud.rule = None
    stand.clock.advance(16 * 60)
    assert [] == stand.client(stand.oauth).newest_leads()
