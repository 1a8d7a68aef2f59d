"""What an idle run loads: timers start one each minute, for years, so it does without whatever only a busy run needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sandbox.shop import Shop
from tests.conftest import REPOSITORY

LOADED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules))))
from amo2gsheet import cli
cli.main(["-q", sys.argv[1]])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A shop at rest, both clouds over HTTP."""
    shop, folder = Shop(), tmp_path_factory.mktemp("shop")
    with SandboxServer(Faulty(shop.amo), Faulty(shop.sheets)) as server:
        shop.move_to(server.amo_url, server.sheets_url)
        token = shop.amo.oauth.long_lived_token()
        server.write_env(folder, access_token=token, spreadsheet_id=SPREADSHEET_ID, settings=shop.settings)
        shop.take_orders()
        loaded("pull", folder)
        loaded("push", folder)
        yield folder


def loaded(command: str, folder: Path) -> set[str]:
    """The modules that a run of the command has loaded at its end."""
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    child = subprocess.run(
        [sys.executable, "-c", LOADED, command], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    return set(json.loads(child.stdout))


def test_an_idle_pull_loads_nothing_that_speaks_to_google_or_writes(folder: Path) -> None:
    found = loaded("pull", folder)

    assert "requests" in found
    never = {"gspread", "google", "openpyxl", "rich", "pydantic", "cryptography", "email_validator"}
    busy = {f"amo2gsheet.{name}" for name in ("sheet", "sync.desk", "sync.plan", "sync.push", "sandbox", "amo.creating")}
    assert set() == found & (never | busy)


def test_an_idle_push_loads_nothing_that_reads_workbooks_or_draws(folder: Path) -> None:
    found = loaded("push", folder)

    assert "gspread" in found
    never = {"openpyxl", "rich", "pydantic"}
    busy = {f"amo2gsheet.{name}" for name in ("sync.desk", "sync.pull", "sandbox", "amo.creating")}
    assert set() == found & (never | busy)
