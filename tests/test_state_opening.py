"""How the state's file is made, recognised, refused, and set aside when it is torn."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.exceptions import ExitCode, LockedError, StateError
from amo2gsheet.filelock import FileLock
from amo2gsheet.model import Base, CellBase, Stage, StatusBase
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import HistoryEntry, StateStore, database, opening, schema
from tests.conftest import REPOSITORY

NOW = 1_750_000_000
STAMP = "20250615-150640"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".amo2gsheet.sqlite3"


@pytest.fixture
def loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def filled(path: Path, clock: VirtualClock, leads: int = 300) -> str:
    """Make a state with some leads and one clean run; returns its ID."""
    with StateStore.open(path, clock) as store:
        run_id = store.begin_run("pull")
        store.follow_tab(7, "Sheet1")
        cells = {"field:1": CellBase("Ташкент " * 20, "Ташкент " * 20)}
        store.save_bases([Base(lead_id, StatusBase(Stage(1, 2), "Отказ", "Отказ"), cells) for lead_id in range(1, leads + 1)])
        store.end_run(run_id, 0)
        return store.state_id


def files(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def contents(folder: Path) -> dict[str, bytes]:
    return {found.name: found.read_bytes() for found in folder.iterdir()}


def run_sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


# --- a new state ---


def test_a_missing_state_is_made(path: Path, clock: VirtualClock) -> None:
    with StateStore.open(path, clock) as store:
        assert store.was_damaged is None
        assert store.tab_id is None
        assert len(store.state_id) == 32

    assert files(path.parent) == [path.name]


@pytest.mark.usefixtures("loose_umask")
def test_k6_state_files_are_for_their_owner_only(path: Path, clock: VirtualClock) -> None:
    with StateStore.open(path, clock) as store:
        store.put("key", "value")

        assert {found.name: mode(found) for found in path.parent.iterdir()} == {
            path.name: 0o600,
            f"{path.name}-wal": 0o600,
            f"{path.name}-shm": 0o600,
        }


def test_rights_that_a_copy_has_widened_are_taken_back(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    path.chmod(0o644)

    StateStore.open(path, clock).close()

    assert mode(path) == 0o600


def test_a_state_survives_its_run(path: Path, clock: VirtualClock) -> None:
    state_id = filled(path, clock)

    with StateStore.open(path, clock) as store:
        assert (store.state_id, store.tracked_count(), store.was_damaged) == (state_id, 300, None)


def test_two_states_have_two_names(tmp_path: Path, clock: VirtualClock) -> None:
    assert filled(tmp_path / "one", clock) != filled(tmp_path / "two", clock)


def test_commits_survive_a_power_cut(path: Path, clock: VirtualClock) -> None:
    with StateStore.open(path, clock) as store:
        database = store._database

        assert database.row("PRAGMA journal_mode") == ("wal",)
        assert database.row("PRAGMA synchronous") == (2,)
        assert database.row("PRAGMA foreign_keys") == (1,)


def test_a_log_that_outlived_its_deleted_database_is_not_played_into_the_new_one(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    store = StateStore.open(path, clock)
    store.put("from", "the deleted state")
    leftovers = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("-wal", "-shm")}
    store.close()
    path.unlink()
    for suffix, content in leftovers.items():
        Path(f"{path}{suffix}").write_bytes(content)

    with StateStore.open(path, clock) as new:
        assert (new.get("from"), new.tab_id, new.was_damaged) == (None, None, None)


def test_a_draft_left_by_a_kill_is_no_obstacle(path: Path, clock: VirtualClock) -> None:
    Path(f"{path}.new").write_bytes(b"half a state")

    StateStore.open(path, clock).close()

    assert files(path.parent) == [path.name]


def test_a_state_behind_a_link_is_the_linked_file(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "data").mkdir()
    real = tmp_path / "data" / "state"
    link = tmp_path / "link"
    link.symlink_to(real)

    filled(link, clock)

    assert real.is_file()
    assert link.is_symlink()
    with StateStore.open(link, clock) as store:
        assert store.tracked_count() == 300


def test_an_odd_path_is_a_path(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "состояние ?mode=memory#1 %20.db"

    filled(path, clock)

    assert files(tmp_path) == [path.name]


def test_two_processes_that_begin_at_once_share_one_state(path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from amo2gsheet.state import StateStore\n"
        "with StateStore.open(Path(sys.argv[1]), time) as store:\n"
        "    store.put(sys.argv[2], 'here'); print(store.state_id)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    children = [
        subprocess.Popen([sys.executable, "-c", code, path, str(number)], stdout=subprocess.PIPE, text=True, env=environment)
        for number in range(6)
    ]
    printed = {child.communicate(timeout=60)[0].strip() for child in children}

    assert [child.returncode for child in children] == [0] * 6
    assert len(printed) == 1
    with StateStore.open(path, time) as store:
        assert [store.get(str(number)) for number in range(6)] == ["here"] * 6
    assert files(path.parent) == [path.name]


def test_only_one_run_at_a_time_makes_a_state(path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that both found none would each make one, and what the first wrote would be gone."""
    real = opening._create
    tried: list[str] = []

    def create(*values: Any) -> None:
        with pytest.raises(LockedError):
            FileLock(path.with_name(f"{path.name}.opening.lock")).acquire(0, clock)
        tried.append("in vain")
        real(*values)

    monkeypatch.setattr(opening, "_create", create)
    StateStore.open(path, clock).close()

    assert (tried, files(path.parent)) == (["in vain"], [path.name])


def test_a_state_that_another_run_made_meanwhile_is_used(
    path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FileLock.acquire
    made: list[str] = []

    def acquire(self: FileLock, *values: Any) -> None:
        monkeypatch.undo()
        made.append(filled(path, clock))
        real(self, *values)

    monkeypatch.setattr(FileLock, "acquire", acquire)
    with StateStore.open(path, clock) as store:
        assert (store.state_id, store.tracked_count()) == (made[0], 300)


def test_i4_every_file_that_a_run_leaves_is_ignored_by_git(path: Path, clock: VirtualClock, tmp_path: Path) -> None:
    ignore = REPOSITORY / ".gitignore"
    if shutil.which("git") is None or not ignore.exists():
        pytest.skip("needs git and the checkout")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(ignore, tmp_path)
    filled(path, clock)
    path.write_bytes(b"torn")
    store = StateStore.open(path, clock)
    for suffix in (".lock", ".import.lock", ".opening.lock", ".check", ".new"):
        Path(f"{path}{suffix}").touch()

    status = subprocess.run(["git", "-C", str(tmp_path), "status", "--porcelain"], check=True, capture_output=True, text=True)
    store.close()

    assert status.stdout == "?? .gitignore\n"


# --- damage ---


def truncated(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def torn(path: Path) -> None:
    """Every page behind the first lost to a torn write."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbled(path: Path) -> None:
    path.write_bytes(b"this was a database once" * 1000)


def headless(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


@pytest.mark.parametrize("damage", [truncated, torn, emptied, garbled, headless, short])
def test_a_damaged_state_is_set_aside_and_a_new_one_begun(
    damage: Callable[[Path], None], path: Path, clock: VirtualClock
) -> None:
    old_id = filled(path, clock)
    damage(path)
    before = path.read_bytes()

    with StateStore.open(path, clock) as store:
        assert store.was_damaged == path.with_name(f"{path.name}.damaged-{STAMP}")
        assert store.was_damaged.read_bytes() == before
        assert store.state_id != old_id
        assert store.tracked_count() == 0
        store.put("works", "yes")

    with StateStore.open(path, clock) as store:
        assert (store.was_damaged, store.get("works")) == (None, "yes")


def test_an_emptied_state_leaves_together_with_its_log(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    emptied(path)
    Path(f"{path}-wal").write_bytes(b"log")
    Path(f"{path}-shm").write_bytes(b"index")

    StateStore.open(path, clock).close()

    aside = f"{path.name}.damaged-{STAMP}"
    assert files(path.parent) == [path.name, aside, f"{aside}-shm", f"{aside}-wal"]


def test_two_damages_in_one_second_have_two_names(path: Path, clock: VirtualClock) -> None:
    for _ in range(2):
        filled(path, clock, leads=1)
        garbled(path)
    StateStore.open(path, clock).close()

    aside = f"{path.name}.damaged-{STAMP}"
    assert files(path.parent) == [path.name, aside, f"{aside}-2"]


def a_page_of_bases(path: Path) -> int:
    """Number of a page that opening does not look at."""
    with closing(sqlite3.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'base_cells'").fetchone()[0]
    return int(root)


def tear_page(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * 4096)
        file.write(b"\xa5" * 4096)


def test_damage_found_in_the_middle_of_a_run_is_healed_by_the_next(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    tear_page(path, a_page_of_bases(path))
    with StateStore.open(path, clock) as store:
        assert store.was_damaged is None
        with pytest.raises(StateError) as caught:
            store.bases([1])
        assert caught.value.exit_code == ExitCode.UNUSABLE_STATE
        assert "is damaged" in caught.value.message

    with StateStore.open(path, clock) as store:
        assert store.was_damaged is not None
        assert store.bases([1]) == {}

    assert not Path(f"{path}.check").exists()


@pytest.mark.parametrize("exit_code", [None, 1, 73])
def test_after_a_run_that_did_not_end_cleanly_the_file_is_checked(exit_code: int | None, path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    with StateStore.open(path, clock) as store:
        run_id = store.begin_run("push")
        if exit_code is not None:
            store.end_run(run_id, exit_code)
    tear_page(path, a_page_of_bases(path))

    with StateStore.open(path, clock) as store:
        assert store.was_damaged is not None


@pytest.mark.parametrize("seconds", [24 * 3600, -10])
def test_once_a_day_the_file_is_checked_and_when_the_clock_went_back(seconds: int, path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    tear_page(path, a_page_of_bases(path))
    clock.jump(seconds)

    with StateStore.open(path, clock) as store:
        assert store.was_damaged is not None


def test_a_check_that_passed_counts_for_a_day(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    clock.jump(24 * 3600)
    StateStore.open(path, clock).close()
    tear_page(path, a_page_of_bases(path))

    with StateStore.open(path, clock) as store:
        assert store.was_damaged is None


def test_a_check_asked_for_in_vain_is_asked_for_once(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    note = Path(f"{path}.check")
    note.touch()

    with StateStore.open(path, clock) as store:
        assert store.was_damaged is None

    assert not note.exists()


# --- what is not ours, or not for us ---


def test_a_database_of_another_program_is_refused_untouched(path: Path, clock: VirtualClock) -> None:
    run_sql(path, "CREATE TABLE bookmarks (url)")
    path.chmod(0o644)
    before = contents(path.parent)

    with pytest.raises(StateError) as caught:
        StateStore.open(path, clock)

    assert caught.value.message == f'"{path}" is the database of another program.'
    assert "STATE_DB" in caught.value.hint
    assert (contents(path.parent), mode(path)) == (before, 0o644)


def test_a_state_of_a_later_release_is_refused_untouched(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    run_sql(path, "PRAGMA user_version = 99")
    before = path.read_bytes()

    with pytest.raises(StateError) as caught:
        StateStore.open(path, clock)

    assert f"version 99; this release knows versions up to {len(schema.MIGRATIONS)}" in caught.value.message
    assert path.read_bytes() == before


def test_a_database_without_tables_becomes_the_state(path: Path, clock: VirtualClock) -> None:
    run_sql(path, "PRAGMA journal_mode = WAL")

    with StateStore.open(path, clock) as store:
        assert store.was_damaged is None
        assert len(store.state_id) == 32


def test_an_older_state_gets_the_newer_tables(path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    state_id = filled(path, clock)
    added = ("CREATE TABLE added (a)", "INSERT INTO added VALUES (1)")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, added))

    for _ in range(2):
        with StateStore.open(path, clock) as store:
            assert store._database.rows("SELECT a FROM added") == [(1,)]
            assert (store.state_id, store.tracked_count()) == (state_id, 300)


def test_a_migration_is_whole_or_not_at_all(path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path, clock)
    released = schema.MIGRATIONS
    monkeypatch.setattr(schema, "MIGRATIONS", (*released, ("CREATE TABLE added (a)", "this is no SQL")))
    with pytest.raises(StateError):
        StateStore.open(path, clock)
    monkeypatch.setattr(schema, "MIGRATIONS", released)

    with StateStore.open(path, clock) as store:
        assert store.tracked_count() == 300
        assert store._database.row("SELECT count(*) FROM sqlite_master WHERE name = 'added'") == (0,)


def test_a_missing_folder_is_named(tmp_path: Path, clock: VirtualClock) -> None:
    with pytest.raises(StateError) as caught:
        StateStore.open(tmp_path / "var" / "state", clock)

    assert caught.value.message == f'The folder "{tmp_path}/var" of the state "state" does not exist.'
    assert f"mkdir -p {tmp_path}/var" in caught.value.hint


def test_a_folder_in_the_place_of_the_state_is_no_state(path: Path, clock: VirtualClock) -> None:
    path.mkdir()

    with pytest.raises(StateError) as caught:
        StateStore.open(path, clock)

    assert str(path) in caught.value.message


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_write_access_is_named(
    exists: bool, path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exists:
        filled(path, clock)
    monkeypatch.setattr(os, "access", lambda what, _: Path(what) != path.parent)

    with pytest.raises(StateError) as caught:
        StateStore.open(path, clock)

    assert caught.value.message == f'The state "{path}" cannot be written: no write access to "{path.parent}".'


def test_a_disk_that_is_full_when_the_state_is_made_is_said(
    path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("amo2gsheet.state.opening.os.open", refuse)

    with pytest.raises(StateError) as caught:
        StateStore.open(path, clock)

    assert caught.value.message == f'The disk is full: the state "{path}" cannot be written.'
    assert files(path.parent) == []


@pytest.mark.parametrize("statement", ["BEGIN EXCLUSIVE", "PRAGMA locking_mode = EXCLUSIVE"])
def test_a_state_that_another_program_keeps_locked_is_said(statement: str, path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
        other.execute("CREATE TABLE noise (a)")

        with pytest.raises(StateError) as caught, StateStore.open(path, clock, busy_seconds=0.01) as store:
            store.put("key", "value")

    assert caught.value.message == f'Another program keeps the state "{path}" locked.'


# --- looking without touching ---


def test_a_missing_state_is_read_as_none_and_not_made(path: Path, clock: VirtualClock) -> None:
    assert StateStore.open_readonly(path, clock) is None
    assert files(path.parent) == []


def test_reading_leaves_no_trace(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    before, changed_at = contents(path.parent), path.stat().st_mtime_ns

    store = StateStore.open_readonly(path, clock)
    assert store is not None
    with store:
        assert store.tracked_count() == 300
        with pytest.raises(StateError):
            store.put("key", "value")

    assert (contents(path.parent), path.stat().st_mtime_ns) == (before, changed_at)


@pytest.mark.parametrize("is_noted", [True, False])
def test_reading_leaves_no_trace_when_a_check_is_due(is_noted: bool, path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    clock.jump(24 * 3600)
    if is_noted:
        Path(f"{path}.check").touch()
    before = contents(path.parent)

    store = StateStore.open_readonly(path, clock)
    assert store is not None
    store.close()

    assert contents(path.parent) == before


def test_reading_leaves_no_trace_beside_a_run_that_writes(path: Path, clock: VirtualClock) -> None:
    filled(path, clock)
    with StateStore.open(path, clock) as writer, writer.transaction():
        writer.put("key", "not committed")
        before = path.read_bytes(), Path(f"{path}-wal").read_bytes()

        store = StateStore.open_readonly(path, clock)
        assert store is not None
        with store:
            assert (store.tracked_count(), store.get("key")) == (300, None)

        assert (path.read_bytes(), Path(f"{path}-wal").read_bytes()) == before


def test_a_state_in_a_folder_that_cannot_be_written_is_readable(
    path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path, clock)
    monkeypatch.setattr(os, "access", lambda *_: False)

    store = StateStore.open_readonly(path, clock)
    assert store is not None
    with store:
        assert store.tracked_count() == 300


def test_an_older_state_is_read_without_being_changed(path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path, clock)
    before = contents(path.parent)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE added (a)",)))

    store = StateStore.open_readonly(path, clock)
    assert store is not None
    with store:
        assert store.tracked_count() == 300
        assert store._database.rows("SELECT a FROM added") == []

    assert contents(path.parent) == before


@pytest.mark.parametrize("damage", [truncated, torn, emptied, garbled, headless, short])
def test_a_damaged_state_is_named_by_who_only_reads_and_left_in_place(
    damage: Callable[[Path], None], path: Path, clock: VirtualClock
) -> None:
    filled(path, clock)
    damage(path)
    before = contents(path.parent)

    with pytest.raises(StateError) as caught:
        StateStore.open_readonly(path, clock)
    with StateStore.open_scratch(path, clock) as scratch:
        assert (scratch.was_damaged, scratch.tracked_count()) == (path, 0)

    assert "is damaged" in caught.value.message
    assert contents(path.parent) == before


# --- dry runs ---


def test_a_dry_run_on_no_state_makes_none(path: Path, clock: VirtualClock) -> None:
    with StateStore.open_scratch(path, clock) as scratch:
        scratch.follow_tab(7, "Sheet1")
        scratch.save_bases([Base(1)])
        assert scratch.all_lead_ids() == [1]

    assert files(path.parent) == []


def test_writes_to_a_scratch_copy_touch_no_file(path: Path, clock: VirtualClock) -> None:
    state_id = filled(path, clock)
    before = contents(path.parent)

    with StateStore.open_scratch(path, clock) as scratch:
        assert (scratch.state_id, scratch.tracked_count()) == (state_id, 300)
        scratch.save_bases([Base(1000)])
        scratch.record([HistoryEntry(NOW, 1, "pull", 1000, "row")])
        scratch.move_cursor("leads", 5)
        assert scratch.tracked_count() == 301

    assert contents(path.parent) == before
    with StateStore.open(path, clock) as store, store.scratch() as copy:
        copy.forget(range(1, 301))
        assert (copy.tracked_count(), store.tracked_count()) == (0, 300)


def test_a_stop_while_the_opening_lock_is_given_up_leaves_no_connection_open(
    path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    real_open, real_unlink = database.open_file, Path.unlink

    def open_file(file: Path, mode: str, busy_seconds: float) -> sqlite3.Connection:
        opened.append(real_open(file, mode, busy_seconds))
        return opened[-1]

    def unlink(file: Path, missing_ok: bool = False) -> None:
        if file.name.endswith(".opening.lock"):
            raise KeyboardInterrupt
        real_unlink(file, missing_ok)

    monkeypatch.setattr(opening, "open_file", open_file)
    monkeypatch.setattr(Path, "unlink", unlink)

    with pytest.raises(KeyboardInterrupt):
        StateStore.open(path, clock)

    assert opened
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError):
            connection.execute("SELECT 1")
