"""Transactions, errors in the middle, single facts, caches, cursors, the tab, and the old service's file."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode, StateError
from amo2gsheet.model import Base
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import StateStore

NOW = 1_750_000_000


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(path: Path, clock: VirtualClock) -> Iterator[StateStore]:
    with StateStore.open(path, clock, busy_seconds=0.01) as opened:
        yield opened


class Cut(BaseException):
    """Stands for a kill: no `except Exception` stops it."""


def reopened(path: Path, clock: VirtualClock, key: str) -> str | None:
    """What a second process sees."""
    with StateStore.open(path, clock) as other:
        return other.get(key)


# --- transactions ---


def test_a_write_outside_of_a_transaction_commits_by_itself(store: StateStore, path: Path, clock: VirtualClock) -> None:
    store.put("key", "value")

    assert reopened(path, clock, "key") == "value"


def test_a_transaction_is_seen_by_others_whole_and_at_its_end(store: StateStore, path: Path, clock: VirtualClock) -> None:
    with store.transaction():
        store.put("one", "1")
        with store.transaction():
            store.put("two", "2")
        assert (store.get("two"), reopened(path, clock, "two")) == ("2", None)

    assert (reopened(path, clock, "one"), reopened(path, clock, "two")) == ("1", "2")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_takes_the_whole_transaction_back(error: type[BaseException], store: StateStore) -> None:
    def fail() -> None:
        with store.transaction():
            store.put("one", "1")
            with store.transaction():
                raise error

    with pytest.raises(error):
        fail()

    assert store.get("one") is None
    store.put("two", "2")
    assert store.get("two") == "2"


def test_every_commit_can_be_cut_before_and_after(store: StateStore) -> None:
    steps: list[str] = []
    store.on_step = steps.append

    store.put("one", "1")
    with store.transaction():
        store.put("two", "2")
        store.put("three", "3")
    store.get("one")

    assert steps == ["before commit", "after commit"] * 2


@pytest.mark.parametrize(("step", "left"), [("before commit", None), ("after commit", "value")])
def test_a_cut_at_a_commit_keeps_all_or_nothing(
    step: str, left: str | None, store: StateStore, path: Path, clock: VirtualClock
) -> None:
    def cut(name: str) -> None:
        if name == step:
            raise Cut

    store.on_step = cut
    with pytest.raises(Cut):
        store.put("key", "value")

    assert reopened(path, clock, "key") == left


def test_a_disk_that_fills_up_in_the_middle_keeps_nothing_of_the_transaction(store: StateStore) -> None:
    def write() -> None:
        with store.transaction():
            store.put("small", "1")
            store.put("large", "x" * 100_000)

    store.put("before", "1")
    pages = store._database.number("PRAGMA page_count")
    store._database.rows(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StateError) as caught:
        write()

    assert caught.value.exit_code == ExitCode.UNUSABLE_STATE
    assert "The disk is full" in caught.value.message
    store._database.rows("PRAGMA max_page_count = 1000000")
    store.put("after", "1")
    assert [store.get(key) for key in ("before", "small", "large", "after")] == ["1", None, None, "1"]


def test_what_follows_a_lost_transaction_is_not_kept_alone(store: StateStore) -> None:
    """On a full disk SQLite may take the whole transaction back by itself, while somebody goes on writing into it."""

    def write() -> None:
        with store.transaction():
            store.put("one", "1")
            store._database._connection.execute("ROLLBACK")
            store.put("two", "2")

    with pytest.raises(StateError):
        write()

    assert (store.get("one"), store.get("two")) == (None, None)


def test_a_lock_by_another_program_in_the_middle_is_a_state_error(store: StateStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError) as caught:
            store.put("key", "value")
        other.execute("ROLLBACK")

    assert "locked" in caught.value.message
    store.put("key", "value")


@pytest.mark.parametrize("statement", ["SELECT nonsense FROM nowhere", "SELECT ?"])
def test_every_error_of_the_database_is_a_state_error(statement: str, store: StateStore) -> None:
    with pytest.raises(StateError):
        store._database.rows(statement)
    with pytest.raises(StateError):
        store._database.write(statement)
    with pytest.raises(StateError):
        store._database.write_many(statement, [()])
    with pytest.raises(StateError):
        list(store._database.each(statement))


def test_a_closed_state_says_so(path: Path, clock: VirtualClock) -> None:
    store = StateStore.open(path, clock)
    store.close()
    store.close()

    with pytest.raises(StateError):
        store.get("key")


# --- single facts ---


def test_facts_are_kept_replaced_and_forgotten(store: StateStore) -> None:
    store.put("key", "one")
    store.put("key", "два 🧺")
    store.put_json("json", {"a": [1, 1.0, None, "007", True]})

    assert store.get("key") == "два 🧺"
    assert repr(store.get_json("json")) == "{'a': [1, 1.0, None, '007', True]}"
    store.put("key", None)
    assert (store.get("key"), store.get_json("nothing")) == (None, None)


def test_half_an_emoji_does_not_stop_a_run(store: StateStore) -> None:
    """amoCRM cuts texts in the middle of a character outside the basic plane; JSON carries such halves."""
    store.put("key", "cut \ud83e")
    store.put_json("json", "cut \ud83e")

    assert store.get("key") == "cut \ufffd"
    assert store.get_json("json") == "cut \ud83e"


def test_i3_a_state_serves_one_account_and_one_spreadsheet(store: StateStore, path: Path) -> None:
    store.bind("mycompany.amocrm.ru", "sheet-1")
    store.bind("mycompany.amocrm.ru", "sheet-1")

    with pytest.raises(StateError) as other_account:
        store.bind("test.amocrm.ru", "sheet-1")
    with pytest.raises(StateError) as other_sheet:
        store.bind("mycompany.amocrm.ru", "sheet-2")

    assert other_account.value.message == (
        f'The state "{path}" belongs to the account "mycompany.amocrm.ru", and the settings name the account "test.amocrm.ru".'
    )
    assert '"sheet-1"' in other_sheet.value.message
    assert '"sheet-2"' in other_sheet.value.message
    assert "STATE_DB" in other_sheet.value.hint


def test_a_refused_binding_leaves_no_half(store: StateStore) -> None:
    store.put("spreadsheet", "sheet-1")

    with pytest.raises(StateError):
        store.bind("mycompany.amocrm.ru", "sheet-2")

    assert store.get("account") is None


def test_a_cache_tells_its_age(store: StateStore, clock: VirtualClock) -> None:
    store.keep("staff", {"0134": "Имя"})
    clock.advance(30)

    assert store.cached("staff") == ({"0134": "Имя"}, 30)
    store.keep("staff", {})
    assert store.cached("staff") == ({}, 0)
    store.drop_cached("staff")
    assert store.cached("staff") is None


def test_a_cache_from_the_future_counts_as_expired(store: StateStore, clock: VirtualClock) -> None:
    store.keep("staff", {})
    clock.jump(-1)

    assert store.cached("staff") == ({}, math.inf)


def test_a_cursor_never_goes_back_unless_forced(store: StateStore) -> None:
    assert store.cursor("leads") is None
    for value in (5, 9, 7):
        store.move_cursor("leads", value)
    assert store.cursor("leads") == 9

    store.move_cursor("leads", 3, force=True)

    assert (store.cursor("leads"), store.cursor("events")) == (3, None)


def test_the_tab_is_followed_through_a_new_title(store: StateStore) -> None:
    assert (store.tab_id, store.tab_title) == (None, None)
    store.follow_tab(0, "Sheet1")
    store.save_bases([Base(1)])
    store.follow_tab(0, "Заказы")

    assert (store.tab_id, store.tab_title, store.all_lead_ids()) == (0, "Заказы", [1])


# --- the old service ---


def write_old(folder: Path, content: object, encoding: str = "utf-8") -> Path:
    path = folder / ".sync_state.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_old_services_statuses_are_taken_once(encoding: str, store: StateStore, tmp_path: Path) -> None:
    path = write_old(tmp_path, {"sheet_status_by_lead": {"4711": "В процессе", "4712": ""}, "other": 1}, encoding)

    assert store.take_over(path) is None
    write_old(tmp_path, {"sheet_status_by_lead": {"4711": "Отказ"}})
    assert store.take_over(path) is None

    assert store.old_statuses([4711, 4712, 4713]) == {4711: "В процессе", 4712: ""}


def test_a_missing_file_of_the_old_service_may_come_later(store: StateStore, tmp_path: Path) -> None:
    assert store.take_over(tmp_path / ".sync_state.json") is None
    path = write_old(tmp_path, {"sheet_status_by_lead": {"4711": "Отказ"}})

    assert store.take_over(path) is None
    assert store.old_statuses([4711]) == {4711: "Отказ"}


@pytest.mark.parametrize(
    "garbage",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b"{}", b'{"sheet_status_by_lead": [1]}', b"[" * 100_000, b'{"a": 1' + b"1" * 5000],
)
def test_garbage_of_the_old_service_is_told_once_and_stops_nothing(garbage: bytes, store: StateStore, tmp_path: Path) -> None:
    path = tmp_path / ".sync_state.json"
    path.write_bytes(garbage)

    warning = store.take_over(path)
    assert warning is not None
    assert str(path) in warning
    assert store.take_over(path) is None

    write_old(tmp_path, {"sheet_status_by_lead": {"4711": "Отказ"}})
    assert store.take_over(path) is None
    assert store.old_statuses([4711]) == {4711: "Отказ"}


def test_a_folder_in_its_place_is_told(store: StateStore, tmp_path: Path) -> None:
    path = tmp_path / ".sync_state.json"
    path.mkdir()

    assert "cannot be read" in str(store.take_over(path))


def test_entries_that_are_no_status_are_left_out_and_counted(store: StateStore, tmp_path: Path) -> None:
    statuses = {"4711": "Отказ", "x": "Отказ", "-1": "Отказ", "٤": "Отказ", "9" * 30: "Отказ", "0": "Отказ", "4712": 3}
    path = write_old(tmp_path, {"sheet_status_by_lead": statuses})

    assert str(store.take_over(path)).startswith("6 entries")
    assert store.old_statuses([4711, 4712]) == {4711: "Отказ"}
