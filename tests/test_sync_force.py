"""What `--force` accepts, and what a dry run tells of it: an emptied, a missing, another tab."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, where
from tests.world import TAB, World, is_cell_write

ADDRESS = "Адрес"


def _with_rows(tmp_path: Path, count: int = 3) -> tuple[World, list[int]]:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(count)]
    world.pull()
    return world, leads


def test_a_dry_run_tells_the_rows_of_a_tab_that_has_yet_to_be_made(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    lead = world.lead("Анна")

    outcome = world.pull(dry=True)

    plan = ['make the header of tab "Заказы"', f'new row: lead {lead}, статус "В процессе"']
    assert (ExitCode.DONE, plan) == (outcome.exit_code, outcome.report.plan)


def test_an_emptied_tab_begun_anew_gets_back_the_leads_that_stand_in_the_trigger(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    world.move(leads[0], world.stage("Заказ отправлен"))
    world.pull()
    world.person.clear_all()

    told = world.pull(dry=True, force=True).report.plan
    world.pull(force=True)

    assert leads[1:] == world.ids()
    assert [f'new row: lead {lead}, статус "В процессе"' for lead in leads[1:]] == told[1:]
    world.rest()


def test_a_forced_push_does_not_accept_an_emptied_tab(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.person.clear_all()

    assert ExitCode.UNUSABLE_SHEET == world.code(lambda: world.push(force=True))


@pytest.mark.parametrize("rows", [[], [["ID", "статус"]]], ids=["empty", "with a header"])
def test_a_forced_push_does_not_go_over_to_another_tab(tmp_path: Path, rows: list[list[str]]) -> None:
    world, leads = _with_rows(tmp_path)
    world.person.rename_tab("Архив")
    world.person.on("Архив").add_tab(TAB, rows)

    assert ExitCode.UNUSABLE_SHEET == world.code(lambda: world.push(force=True))
    with world.state() as state:
        assert set(leads) == set(state.status_texts())


def test_a_column_that_differs_at_first_meeting_is_named_as_people_call_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["ID", "статус", "Заметка"]])
    lead = world.lead("Анна", fields={ADDRESS: "ул. Новая, 1"})
    world.pull()
    world.person.type("Заметка", "ул. Своя, 2", lead=lead)
    world.person.rename_header("Заметка", ADDRESS)
    world.push()

    assert [f'lead {lead} (row 2) meets its row for the first time and differs in "{ADDRESS}": both stay'] == (
        world.pull().report.named
    )


def test_rows_that_differ_are_accepted_by_the_next_forced_pull_when_one_was_killed(tmp_path: Path) -> None:
    """The killed one had planned the writes, and had written none of them."""
    world, leads = _with_rows(tmp_path)
    world.move(leads[0], world.stage("Заказ отправлен"))
    for path in tmp_path.glob(".amo2gsheet.sqlite3*"):
        path.unlink()
    for run in (world.pull, world.push, world.pull):
        run()
    world.sheets_wire.rule = where(is_cell_write, Fault(Manner.KILL_BEFORE))
    with pytest.raises(Killed):
        world.pull(full=True, force=True)
    world.sheets_wire.rule = None

    world.pull(full=True, force=True)

    assert "У курера" == world.status(leads[0])
    assert [] == world.waiting("first meeting")
