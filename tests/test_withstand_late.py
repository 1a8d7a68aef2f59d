"""A run dies while its request is under way, and the cloud carries that out while the next run is at work."""

from __future__ import annotations

import pytest

from amo2gsheet.sync.settle import LATE_SECONDS
from tests.stop_bench import Bench, Scenario, bench_of
from tests.stop_manners import Cut
from tests.stop_start import SENT, filled
from tests.stops import play_uncut


def _die_under_way(bench: Bench, command: str, is_cut: str, manner: str = "kill-late-4") -> None:
    """Kill the run at its first request of that kind; it lands some requests later."""
    steps = play_uncut(bench).steps
    bench.go_back()
    bench.run(command, Cut(next(number for number, step in enumerate(steps, 1) if is_cut in step), manner))


def _picked(bench: Bench) -> None:
    filled(bench)
    bench.world.pick(bench.leads[0], "Отказ")


def test_a_move_that_lands_late_is_told_once() -> None:
    with bench_of(Scenario(_picked, "push")) as bench:
        _die_under_way(bench, "push", "PATCH")
        for command in ("pull", "push", "pull", "push", "pull"):
            bench.run(command)

        assert [("В процессе", "Отказ")] == [(one.old, one.new) for one in bench.world.history(bench.leads[0], "moved")]


def _picked_in_conflict(bench: Bench) -> None:
    _picked(bench)
    bench.world.move(bench.leads[0], bench.world.stage(SENT))


def test_the_losing_side_of_a_conflict_is_told_though_its_move_lands_late() -> None:
    with bench_of(Scenario(_picked_in_conflict, "push", {"CONFLICT_WINNER": "sheet"})) as bench:
        _die_under_way(bench, "push", "PATCH")
        for command in ("pull", "push", "pull", "push", "pull"):
            bench.run(command)

        assert [("У курера", "Отказ")] == [(one.old, one.new) for one in bench.world.history(bench.leads[0], "conflict")]


def _edited(bench: Bench) -> None:
    filled(bench)
    bench.world.account.edit_lead(bench.leads[0], fields={"Адрес": "новый дом"})
    bench.world.move(bench.leads[2], bench.world.stage(SENT))


@pytest.mark.parametrize("manner", ["kill-late", "kill-late-4", "kill-late-9"])
def test_cells_that_land_late_in_rows_sorted_meanwhile_are_put_right(manner: str) -> None:
    with bench_of(Scenario(_edited)) as bench:
        world = bench.world
        play_uncut(bench)
        end = [world.row(lead) for lead in bench.leads]
        _die_under_way(bench, "pull", "values:batchUpdate", manner)
        world.person.sort("ID", descending=True)
        for command in ("pull", "push", "pull"):
            bench.run(command)
        world.clock.advance(LATE_SECONDS)
        bench.run("pull")

        assert end == [world.row(lead) for lead in bench.leads]
        assert 0 == world.patches()


def test_rows_that_land_while_the_next_look_is_under_way_are_told() -> None:
    with bench_of(Scenario(lambda bench: bench.leads.append(bench.world.lead("Анна")))) as bench:
        steps = play_uncut(bench).steps
        bench.go_back()
        insert = max(number for number, step in enumerate(steps, 1) if step.endswith("0000:batchUpdate"))
        bench.run("pull", Cut(insert, "late-2"))
        for command in ("push", "pull"):
            bench.run(command)

        assert ["row added"] == [entry.kind for entry in bench.world.history(bench.leads[0])]
        assert [bench.leads[0]] == list(bench.world.ids())
