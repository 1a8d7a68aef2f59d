"""Several accounts on one machine: neither sees, waits for, or writes to the other."""

from __future__ import annotations

import time
from pathlib import Path

from amo2gsheet.state import RunLock
from tests.live_shop import PROGRAM, finish, live_shop


def test_each_account_has_a_state_tokens_and_a_lock_of_its_own(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with live_shop(one, LOCK_WAIT_SEC="0") as first, live_shop(two, LOCK_WAIT_SEC="0") as second:
        with RunLock(first.state) as lock:
            lock.acquire(0, time)
            assert (75, 0) == (first.run("pull").returncode, second.run("pull").returncode)

        assert (0, 4) == (len(first.ids()), len(second.ids()))
        assert 0 == first.run("pull").returncode
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}


def test_two_settings_files_that_name_one_state_are_refused(tmp_path: Path) -> None:
    shared = tmp_path / "state.sqlite3"
    with (
        live_shop(tmp_path / "one", STATE_DB=str(shared)) as first,
        live_shop(tmp_path / "two", STATE_DB=str(shared)) as second,
    ):
        assert 0 == first.run("pull").returncode
        ended = second.run("pull")

        assert (73, []) == (ended.returncode, second.ids())
    assert "Each account and each spreadsheet needs a state of its own" in ended.stderr


def test_two_states_that_serve_one_sheet_are_refused(tmp_path: Path) -> None:
    with live_shop(tmp_path / "one") as shop:
        assert 0 == shop.run("pull").returncode
        other = shop.write_env(tmp_path / "two")
        ended = finish([*PROGRAM, "--env-file", str(other), "pull"])

    assert 73 == ended.returncode
    assert f"Another state serves this spreadsheet: {shop.state}" in ended.stderr
