"""What the state remembers of imports."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amo2gsheet.model_import import Created
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import ImportRow, StateStore, schema

TAG = "orders"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    with StateStore.open(tmp_path / "state.sqlite3", VirtualClock(1_790_000_000)) as store:
        yield store


def an_open_row(key: str = "a-0", **more: object) -> ImportRow:
    return ImportRow(key, "person", None, 100, 200, content={"name": "Анна"}, **more)  # type: ignore[arg-type]


def test_an_import_nobody_began_is_none(state: StateStore) -> None:
    assert (None, {}) == (state.import_columns(TAG), state.import_rows(TAG))


def test_the_columns_of_the_first_time_count(state: StateStore) -> None:
    state.begin_import(TAG, {"адрес": "field:7"})
    state.begin_import(TAG, {"адрес": "field:7", "цвет": "field:8"})

    assert {"адрес": "field:7"} == state.import_columns(TAG)


def test_a_row_is_open_until_its_lead_is_known(state: StateStore) -> None:
    state.begin_import(TAG, {})
    state.save_import_rows(TAG, [an_open_row("a-0"), an_open_row("b-0")])

    state.settle_import_rows(TAG, {"a-0": Created(4711, is_merged=True)}, 300)

    expected = {"a-0": ImportRow("a-0", "person", 4711, 100, 300, is_merged=True), "b-0": an_open_row("b-0")}
    assert expected == state.import_rows(TAG)


def test_what_a_settled_row_corrects_is_superseded(state: StateStore) -> None:
    state.begin_import(TAG, {})
    state.save_import_rows(TAG, [ImportRow("a-0", "person", 1, 0, 0), an_open_row("b-0", corrects="a-0")])

    assert not state.import_rows(TAG)["a-0"].is_superseded
    state.settle_import_rows(TAG, {"b-0": Created(2)}, 300)

    assert state.import_rows(TAG)["a-0"].is_superseded


def test_a_row_was_on_its_way_as_long_as_the_latest_time_says(state: StateStore) -> None:
    state.begin_import(TAG, {})
    state.save_import_rows(TAG, [an_open_row()])

    for sent_at in (250, 240):
        state.touch_import_rows(TAG, ["a-0"], sent_at)

    assert 250 == state.import_rows(TAG)["a-0"].sent_at


def test_rows_that_became_no_lead_are_forgotten_and_others_stay(state: StateStore) -> None:
    for tag in (TAG, "other"):
        state.begin_import(tag, {})
        state.save_import_rows(tag, [an_open_row("a-0"), an_open_row("b-0")])

    state.drop_import_rows(TAG, ["a-0"])

    assert (["b-0"], ["a-0", "b-0"]) == (list(state.import_rows(TAG)), list(state.import_rows("other")))


def test_a_state_of_the_release_before_gets_the_tables_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clock = tmp_path / "state.sqlite3", VirtualClock(1_790_000_000)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        with StateStore.open(path, clock) as old:
            old.put("kept", "yes")

    with StateStore.open(path, clock) as state:
        state.begin_import(TAG, {})

        assert ("yes", {}) == (state.get("kept"), state.import_columns(TAG))
    with closing(sqlite3.connect(path)) as connection:
        assert len(schema.MIGRATIONS) == schema.version(connection)
