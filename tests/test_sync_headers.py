"""A header over which a write of ours has landed, because rows were inserted above it meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.model import CellValue
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Manner
from amo2gsheet.sync import headers
from tests.sync_bench import KILL_AFTER, before, is_write, once, settled, stopped
from tests.world import STATUS, World

ADDRESS = "Адрес"


def _with_a_write_on_the_header(tmp_path: Path, *, is_emptied: bool = False) -> tuple[World, int, list[CellValue]]:
    """A lead whose stage moved, and whose address is another or none by now; somebody inserts a row on top at the write."""
    world = World(tmp_path)
    lead = world.lead("Анна", fields={ADDRESS: "ул. Старая"})
    world.pull()
    header = world.sheets.table()[0]
    world.account.edit_lead(lead, fields={ADDRESS: None if is_emptied else "ул. Новая"})
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.before_each = before(is_write, lambda: world.person.insert_rows(1))
    return world, lead, header


def test_a_header_that_was_emptied_beside_one_that_was_written_over_is_put_back(tmp_path: Path) -> None:
    """An empty header alone, people may have emptied; beside a value of ours it was ours."""
    world, lead, header = _with_a_write_on_the_header(tmp_path, is_emptied=True)

    world.pull()
    settled(world)

    assert header == world.sheets.table()[1]
    assert ("У курера", None) == (world.status(lead), world.person.see(ADDRESS, lead=lead))


def test_a_dry_run_that_meets_such_a_header_says_so_and_leaves_it(tmp_path: Path) -> None:
    world, _lead, header = _with_a_write_on_the_header(tmp_path)
    world.sheets_wire.rule = once(is_write, KILL_AFTER)
    stopped(world.pull)
    world.sheets_wire.rule = world.sheets_wire.before_each = None
    shown = world.sheets.table()

    assert ExitCode.UNAVAILABLE == world.code(lambda: world.push(dry=True))
    assert shown == world.sheets.table()
    settled(world)
    assert header == world.sheets.table()[1]


@pytest.mark.parametrize("after", range(1, 8))
def test_a_write_that_lands_late_on_the_header_stops_no_run(tmp_path: Path, after: int) -> None:
    """The header is whole when the run looks for what became of the write, and is not any more at one of its next requests."""
    world, lead, header = _with_a_write_on_the_header(tmp_path)
    world.sheets_wire.rule = once(is_write, Fault(Manner.LATE, after=after))

    assert world.code(world.pull) in (ExitCode.DONE, ExitCode.UNAVAILABLE)
    world.sheets_wire.land()
    settled(world)

    assert header == world.sheets.table()[1]
    assert ("У курера", "ул. Новая") == (world.person.see(STATUS, lead=lead), world.person.see(ADDRESS, lead=lead))


@pytest.mark.parametrize("fault", [None, KILL_AFTER], ids=["answered", "killed"])
def test_a_header_that_was_only_emptied_is_put_back_where_the_write_went_to_its_row(tmp_path: Path, fault: Fault | None) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={ADDRESS: "ул. Старая"})
    world.pull()
    header = world.sheets.table()[0]
    world.account.edit_lead(lead, fields={ADDRESS: None})
    world.sheets_wire.before_each = before(is_write, lambda: world.person.insert_rows(1))
    if fault is not None:
        world.sheets_wire.rule = once(is_write, fault)
        stopped(world.pull)
    else:
        world.pull()
    settled(world)

    assert header == world.sheets.table()[1]
    assert world.person.see(ADDRESS, lead=lead) is None


def test_a_header_is_put_back_though_columns_move_while_it_is_written(tmp_path: Path) -> None:
    world, lead, header = _with_a_write_on_the_header(tmp_path)
    writes = 0

    def hand(_number: int, request: Request) -> None:
        nonlocal writes
        if is_write(request):
            writes += 1
            if writes == 1:
                world.person.insert_rows(1)
            elif writes == 2:
                world.person.insert_columns(1)

    world.sheets_wire.before_each = hand
    world.code(world.pull)
    settled(world)

    assert writes >= 3
    assert header == [cell for cell in world.sheets.table()[1] if cell is not None]
    assert ("У курера", "ул. Новая") == (world.person.see(STATUS, lead=lead), world.person.see(ADDRESS, lead=lead))


def test_a_header_is_put_back_in_the_last_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "MENDINGS", 1)
    world, lead, header = _with_a_write_on_the_header(tmp_path)

    world.pull()
    settled(world)

    assert header == world.sheets.table()[1]
    assert ("У курера", "ул. Новая") == (world.person.see(STATUS, lead=lead), world.person.see(ADDRESS, lead=lead))
