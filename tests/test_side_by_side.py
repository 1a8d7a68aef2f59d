"""`pull` and `push` in two real processes side by side over real HTTP, some of them killed: one row per lead, no lock left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sandbox.shop import Shop
from tests.conftest import REPOSITORY

KILLED = -signal.SIGKILL
ALLOWED = {ExitCode.DONE, ExitCode.PARTIAL, ExitCode.UNAVAILABLE, ExitCode.LOCKED, KILLED}
SETTINGS = {"PUSH_SETTLE_SEC": "0", "AMO_REQUEST_DELAY_SEC": "0", "LOCK_WAIT_SEC": "40"}
PICKS = ("У курера", "Отказ", "В процессе")


class Side:
    """One loop of runs, each a process of its own; every so-many-th is killed in its midst."""

    def __init__(self, folder: Path, count: int, seed: int, *, kill_every: int) -> None:
        self.codes: list[int] = []
        self._folder = folder
        self._count = count
        self._chance = random.Random(seed)
        self._kill_every = kill_every
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> list[int]:
        """Wait for the last run, at most so long, and return the exit codes so far."""
        self._thread.join(seconds)
        return self.codes

    def _work(self) -> None:
        for number in range(1, self._count + 1):
            command = self._chance.choice(["pull", "push"])
            seconds = 120.0
            if number % self._kill_every == 0:
                # The first one so early that no machine is done with it.
                seconds = 0.2 + (1.3 * self._chance.random() if KILLED in self.codes else 0)
            self.codes.append(run(self._folder, command, seconds))


def run(folder: Path, command: str, seconds: float = 120) -> int:
    """One run as a process, killed when it takes longer; its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    program = [sys.executable, "-m", "amo2gsheet", "-q", command]
    with subprocess.Popen(program, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
        return child.wait()


def _people_at_work(shop: Shop, server: SandboxServer, leads: list[int], chance: random.Random) -> None:
    with server.lock:
        stage = (shop.sales, shop.trigger(shop.sales))
        leads.append(shop.account.add_lead(f"Клиент {len(leads)}", pipeline_id=stage[0], status_id=stage[1]))
        present = [int(str(lead)) for lead in shop.person.leads() if isinstance(lead, (int, float))] if shop.sheet_texts() else []
        if present:
            shop.person.pick("статус", chance.choice(PICKS), lead=chance.choice(present))
            shop.person.move_row(2, lead=chance.choice(present))


def _side_by_side(folder: Path, runs: int) -> None:
    shop = Shop()
    chance = random.Random(runs)
    leads: list[int] = []
    with SandboxServer(Faulty(shop.amo), Faulty(shop.sheets)) as server:
        shop.move_to(server.amo_url, server.sheets_url)
        shop.sheets.knobs.quota = "off"
        shop.amo.knobs.block_after = None
        server.write_env(
            folder,
            access_token=shop.amo.oauth.long_lived_token(),
            spreadsheet_id=SPREADSHEET_ID,
            settings={**shop.settings, **SETTINGS},
        )
        sides = [Side(folder, runs // 2, seed, kill_every=3) for seed in (1, 2)]
        for _ in range(runs // 2):
            _people_at_work(shop, server, leads, chance)
            sides[0].wait(0.7)
        codes = Counter(code for side in sides for code in side.wait())
        final = [run(folder, command) for command in ("push", "pull", "push", "pull", "push", "pull")]
        _check(shop, leads, codes, final)


def _check(shop: Shop, leads: list[int], codes: Counter[int], final: list[int]) -> None:
    header, *rows = shop.sheets.table(shop.person.title)
    ids = [row[header.index("ID")] for row in rows if row[header.index("ID")] is not None]
    assert set(codes) <= ALLOWED, codes
    assert codes[KILLED], "no run was killed, so this proves nothing about locks"
    assert final[-2:] == [ExitCode.DONE] * 2, final
    assert sorted(leads) == sorted(int(str(one)) for one in ids)
    shown = {"NOMERATSIYALANMAGAN ZAKAZ": "В процессе", "Заказ отправлен": "У курера", "Отказ": "Отказ"}
    for lead in leads:
        assert shown[shop.stage_of(lead)] == shop.person.see("статус", lead=lead)


def test_a_dozen_runs_in_two_processes_end_with_one_row_per_lead(tmp_path: Path) -> None:
    _side_by_side(tmp_path / "shop", 14)


@pytest.mark.slow
def test_a_hundred_runs_in_two_processes_end_with_one_row_per_lead(tmp_path: Path) -> None:
    _side_by_side(tmp_path / "shop", 100)
