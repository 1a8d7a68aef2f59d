"""Writes of cells through the journal: what the answer, or a later look, says of where they landed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from amo2gsheet.sandbox.exchange import Request
from tests.sync_bench import CUT_AFTER, KILL_AFTER, before, is_write, once, settled, stopped
from tests.world import STATUS, World


def test_a_column_inserted_between_two_cells_of_a_write(tmp_path: Path) -> None:
    """The left one lands, the right one strays: it is taken back and written anew, and nobody's lead is moved."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая"})
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.before_each = before(is_write, lambda: world.person.insert_columns(STATUS))

    world.pull()
    settled(world)

    assert ("Заказ отправлен", "У курера", "ул. Новая") == (
        world.stage_of(lead),
        world.status(lead),
        world.person.see("Адрес", lead=lead),
    )
    assert 0 == world.patches()


def test_a_pick_made_right_after_an_unclear_write_is_carried_over(tmp_path: Path) -> None:
    """What the row shows at the next look is not what was written: the pick is a change of its own."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая"})
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, CUT_AFTER)
    world.sheets_wire.before_each = before(_after_write(), lambda: world.pick(lead, "Отказ"))

    world.pull()
    settled(world)

    assert ("Отказ", "Отказ") == (world.stage_of(lead), world.status(lead))


def test_a_column_inserted_after_a_write_that_was_cut_off_does_not_confuse_the_base(tmp_path: Path) -> None:
    """Else the base would take a neighbouring cell for the status, and the row would count as picked."""
    world = World(tmp_path, CONFLICT_WINNER="sheet")
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, KILL_AFTER)
    stopped(world.pull)
    world.person.insert_columns(1)
    world.move(lead, world.stage("Отказ"))

    settled(world)

    assert ("Отказ", "Отказ", 0) == (world.stage_of(lead), world.status(lead), world.patches())


def test_a_value_that_fell_off_the_right_end_of_the_table_is_taken_back(tmp_path: Path) -> None:
    """The status is the last column, and somebody deletes a column left of it in the moment of the write."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.move_column("Ответственный", 1)
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.before_each = before(is_write, lambda: world.person.delete_columns("Группа"))

    world.pull()

    table = world.sheets.table()
    assert "У курера" == world.status(lead)
    assert len(table[0]) == len(table[1])


def _after_write() -> Callable[[Request], bool]:
    """True of the requests that follow the first write of cells."""
    seen = False

    def predicate(request: Request) -> bool:
        nonlocal seen
        seen, was_seen = seen or is_write(request), seen
        return was_seen

    return predicate
