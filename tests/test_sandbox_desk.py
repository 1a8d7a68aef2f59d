"""The sandbox kept running: its files, its ports, and that the real commands work on it."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from amo2gsheet import commands_sandbox
from amo2gsheet.exceptions import UsageError
from amo2gsheet.sandbox.desk import STATE_NAME, TOKENS_NAME, CannotStartError, run_sandbox
from tests.conftest import REPOSITORY


def started(folder: Path, port: int = 0) -> str:
    """What the sandbox says when it starts and ends at once."""
    said: list[str] = []
    run_sandbox(folder, port, said.append, wait=lambda: None)
    return said[0]


def test_it_writes_a_settings_file_and_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    started(tmp_path / "shop")

    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "shop").iterdir()}
    assert {".env": 0o600, "sandbox-gsheet.json": 0o600} == found


def test_it_prints_commands_that_can_be_pasted(tmp_path: Path) -> None:
    said = started(tmp_path / "my shop")

    assert f"'{tmp_path / 'my shop' / '.env'}' pull --dry-run" in said


def test_it_names_settings_of_the_environment_that_would_lead_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMO_BASE_URL", "https://mycompany.amocrm.ru")

    assert started(tmp_path / "shop").endswith("wins over the settings file: AMO_BASE_URL")
    monkeypatch.delenv("AMO_BASE_URL")
    assert "Unset" not in started(tmp_path / "shop")


def test_what_an_earlier_sandbox_remembered_is_thrown_away_and_nothing_else(tmp_path: Path) -> None:
    started(tmp_path)
    for name in (STATE_NAME, f"{STATE_NAME}-wal", TOKENS_NAME, f"{TOKENS_NAME}.google", ".amo2gsheet.sqlite3", "orders.xlsx"):
        (tmp_path / name).write_text("x")

    started(tmp_path)

    assert {".env", "sandbox-gsheet.json", ".amo2gsheet.sqlite3", "orders.xlsx"} == {path.name for path in tmp_path.iterdir()}


def test_a_folder_with_settings_of_ones_own_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AMO_SUBDOMAIN=mycompany\n")
    (tmp_path / STATE_NAME).write_text("x")

    with pytest.raises(CannotStartError, match="not the sandbox's own file"):
        started(tmp_path)
    assert {".env", STATE_NAME} == {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(CannotStartError, match="file/shop"):
        started(tmp_path / "file" / "shop")


def test_a_port_without_room_above_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match="65534 leaves no room"):
        started(tmp_path, 65_534)


def test_a_taken_port_is_a_wrong_command_line_that_says_what_to_do(tmp_path: Path) -> None:
    refusals = []

    def start_another(said: str) -> None:
        port = int(re.findall(r"page +http://127\.0\.0\.1:(\d+)/", said)[0])
        with pytest.raises(UsageError) as refused:
            commands_sandbox.sandbox(tmp_path / "other", port, lambda _said: None)
        refusals.append((str(refused.value), refused.value.hint, port))

    run_sandbox(tmp_path / "shop", 0, start_another, wait=lambda: None)

    ((message, hint, port),) = refusals
    assert f"One of the ports {port} to {port + 2} is taken." == message
    assert "--port N" in hint


def test_the_real_commands_work_on_it_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    program = [sys.executable, "-m", "amo2gsheet"]
    with subprocess.Popen(
        [*program, "sandbox", "--dir", "shop"], stdout=subprocess.PIPE, encoding="utf-8", env=environment, cwd=tmp_path
    ) as sandbox:
        assert sandbox.stdout is not None
        page_url = next(line.split()[1] for line in sandbox.stdout if line.startswith("  page "))
        pull = next(line.split() for line in sandbox.stdout if line.rstrip().endswith(" pull"))
        ended = subprocess.run(pull, env=environment, cwd=tmp_path, check=False, capture_output=True, encoding="utf-8")
        shown = requests.get(page_url, timeout=5).text
        sandbox.send_signal(signal.SIGINT)
        sandbox.stdout.read()

    assert (0, 130) == (ended.returncode, sandbox.returncode), ended.stderr
    assert [str(lead_id) for lead_id in range(4711, 4715)] == re.findall(r'name="text" value="(47\d\d)"', shown)
    assert ["shop"] == [path.name for path in tmp_path.iterdir()]
