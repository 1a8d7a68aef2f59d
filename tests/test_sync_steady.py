"""Rows and the header above them are of one look, or they are not taken."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.model import Header, Row
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sync import directory
from amo2gsheet.sync.place import find_tab, open_place
from amo2gsheet.sync.steady import rows_under
from tests.sync_bench import KILL_AFTER, is_rows, is_write, once, run_on, settled, state_of, stopped
from tests.world import STATUS, World


def test_whole_rows_come_without_the_header_itself(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    with run_on(world) as run:
        place = open_place(run, directory.load(run), "Sheet1")
        assert place is not None
        found = rows_under(run, place, [3, 2], 25)

    assert found is not None
    assert [(2, leads[0]), (3, leads[1])] == [(row.number, row.lead_id) for row in found]
    assert [set(range(25))] * 2 == [set(row.cells) for row in found]


@pytest.mark.parametrize(
    ("texts", "number", "is_taken"),
    [
        (("ID", "5", STATUS), 1, True),
        ((" id", "5", "Статус"), 1, True),
        (("ID", "6", STATUS), 1, False),
        (("ID", STATUS, "5"), 1, False),
        (("ID", "5", STATUS), 2, False),
        (("ID", "5", STATUS), 5000, False),
    ],
    ids=["the same", "spelt otherwise", "renamed", "moved", "another row", "past the end"],
)
def test_rows_are_taken_only_under_the_header_that_was_seen(
    tmp_path: Path, texts: tuple[str, ...], number: int, is_taken: bool
) -> None:
    """A header may be a number, too."""
    world = World(tmp_path)
    world.person.paste("A1", [["ID", "5", STATUS]])
    world.pull()
    with run_on(world) as run:
        place = open_place(run, directory.load(run), "Sheet1")
        assert place is not None
        found = rows_under(run, replace(place, header=Header(number, texts)), [2])

    assert is_taken == (found is not None)


def test_a_header_that_is_a_number_is_the_same_however_it_comes(tmp_path: Path) -> None:
    class Answering:
        def read_rows(self, *_: object) -> list[Row]:
            return [Row(1, None, {0: "ID", 1: 5.0, 2: STATUS, 3: None}), Row(2, 7, {0: 7})]

    world = World(tmp_path)
    world.person.paste("A1", [["ID", "5", STATUS]])
    with run_on(world) as run:
        known = directory.load(run)
        find_tab(run, run.sheet.workbook())
        place = open_place(run, known, "Sheet1")
        assert place is not None
        run.open_sheet = Answering  # type: ignore[assignment]
        found = rows_under(run, replace(place, header=Header(1, ("ID", "5", STATUS, ""))), [2])

    assert [Row(2, 7, {0: 7})] == found


def _restless(_number: int, request: Request, *, world: World) -> None:
    """Somebody drags a column to and fro, once before each reading."""
    if "values:batchGet" in request.path:
        world.person.move_column("Адрес", 5 if world.person.column_of("Адрес") > 10 else 15)


@pytest.mark.parametrize("is_after_write", [False, True], ids=["from the start", "when it is looked for"])
def test_columns_that_never_rest_leave_everything_to_the_next_run(tmp_path: Path, is_after_write: bool) -> None:
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    for lead in leads:
        world.move(lead, world.stage("Заказ отправлен"))
    if is_after_write:
        world.sheets_wire.rule = once(is_write, KILL_AFTER)
        stopped(world.pull)
    world.sheets_wire.before_each = partial(_restless, world=world)

    assert ExitCode.UNAVAILABLE == world.code(world.pull)

    settled(world)
    settled(world)
    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]
    assert 0 == world.patches()
    with state_of(world) as state:
        assert [] == state.open_intents()


def test_new_rows_are_put_right_when_columns_have_come_to_rest(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Первый")
    world.pull()
    lead = world.lead("Анна", fields={"Адрес": "ул. Новая"})
    world.sheets_wire.rule = once(is_rows, KILL_AFTER)
    stopped(world.pull)
    world.person.insert_columns(3)
    world.sheets_wire.before_each = partial(_restless, world=world)

    assert ExitCode.UNAVAILABLE == world.code(world.pull)

    settled(world)
    settled(world)
    see = world.person.see
    assert ("Анна", "ул. Новая", "В процессе") == (see("Ф.И.О.", lead=lead), see("Адрес", lead=lead), see(STATUS, lead=lead))
