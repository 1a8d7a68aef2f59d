"""A shop over real HTTP on loopback, and the program as its own process on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sandbox.shop import STATUS, Shop
from tests.conftest import REPOSITORY

PROGRAM = (sys.executable, "-m", "amo2gsheet")
SECONDS = 120
"""Far more than any child takes: a test that would hang fails instead."""

Finished = subprocess.CompletedProcess[str]


class LiveShop:
    """Both clouds with four orders in the trigger stages, the folder with their settings, and the program."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.shop = Shop()
        self.shop.take_orders()
        self.amo, self.sheets = Faulty(self.shop.amo), Faulty(self.shop.sheets)
        self.server = SandboxServer(self.amo, self.sheets)
        self.settings = {**self.shop.settings, "PUSH_SETTLE_SEC": "0", **settings}

    @property
    def env_file(self) -> Path:
        """The settings file."""
        return self.folder / ".env"

    @property
    def state(self) -> Path:
        """The state file."""
        return self.folder / ".amo2gsheet.sqlite3"

    def write_env(self, folder: Path | None = None, **settings: str) -> Path:
        """Write the settings file anew, with other settings."""
        self.settings = {**self.settings, **settings}
        token = self.shop.amo.oauth.long_lived_token()
        return self.server.write_env(
            folder or self.folder, access_token=token, spreadsheet_id=SPREADSHEET_ID, settings=self.settings
        )

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start the program with these settings."""
        command = [*PROGRAM, "--env-file", str(self.env_file), *argv]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=child_environ())

    def run(self, *argv: str) -> Finished:
        """Run the program to its end."""
        return finish([*PROGRAM, "--env-file", str(self.env_file), *argv])

    def pick(self, lead_id: int, text: str) -> None:
        """Somebody picks a status."""
        with self.server.lock:
            self.shop.person.pick(STATUS, text, lead=lead_id)

    def ids(self) -> list[str]:
        """The IDs in the tab, from top to bottom."""
        with self.server.lock:
            table = self.shop.sheet_texts()
        return [row[0] for row in table[1:] if row and row[0]]


@contextmanager
def live_shop(folder: Path, **settings: str) -> Iterator[LiveShop]:
    """Serve a shop for as long as the block lasts."""
    shop = LiveShop(folder, **settings)
    with shop.server:
        shop.shop.move_to(shop.server.amo_url, shop.server.sheets_url)
        shop.write_env()
        yield shop


def child_environ(**more: str) -> dict[str, str]:
    """The environment of a child: this checkout is what it runs."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), **more}


def finish(command: Sequence[str], environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Finished:
    """Run a command to its end."""
    env = child_environ() if environ is None else dict(environ)
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=SECONDS)
