"""Moves that amoCRM answered and did not carry out."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.model import Stage
from amo2gsheet.state.records import Asked
from tests.sync_bench import settled, state_of
from tests.world import World


def _swallowing(tmp_path: Path) -> tuple[World, int]:
    """A lead whose moves amoCRM swallows, picked as refused and pushed once."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.amo.knobs.swallow_patches = {lead}
    world.amo.knobs.swallow_bumps = True
    world.pick(lead, "Отказ")
    world.push()
    assert 1 == world.patches()
    return world, lead


def _asked(world: World) -> dict[int, Asked]:
    with state_of(world) as state:
        return state.asked()


def test_a_swallowed_move_is_named_and_asked_once_more(tmp_path: Path) -> None:
    world, lead = _swallowing(tmp_path)

    outcome = world.pull()

    assert ExitCode.PARTIAL == outcome.exit_code
    assert [f"amoCRM answered the move of lead {lead} and did not carry it out; it is asked once more"] == outcome.report.named
    assert "Отказ" == world.status(lead)

    world.amo.knobs.swallow_patches = set()
    settled(world)
    assert ("Отказ", 2, {}) == (world.stage_of(lead), world.patches(), _asked(world))


def test_a_move_swallowed_twice_waits_for_a_person(tmp_path: Path) -> None:
    world, lead = _swallowing(tmp_path)
    world.pull()
    world.push()

    outcome = world.pull()

    assert (ExitCode.PARTIAL, 2) == (outcome.exit_code, world.patches())
    with state_of(world) as state:
        assert [(lead, "swallowed", "Отказ")] == [(entry.lead_id, entry.kind, entry.detail) for entry in state.waiting()]
        assert {} == state.asked()

    for run in (world.push, world.pull, world.push, world.pull):
        assert ExitCode.DONE == run().exit_code
    assert ("Отказ", "NOMERATSIYALANMAGAN ZAKAZ", 2) == (world.status(lead), world.stage_of(lead), world.patches())


def test_another_pick_is_sent_after_two_swallowed_moves(tmp_path: Path) -> None:
    world, lead = _swallowing(tmp_path)
    for run in (world.pull, world.push, world.pull):
        run()
    world.amo.knobs.swallow_patches = set()
    world.pick(lead, "У курера")

    settled(world)

    assert ("Заказ отправлен", "У курера", 3) == (world.stage_of(lead), world.status(lead), world.patches())
    with state_of(world) as state:
        assert [] == state.waiting()


@pytest.mark.parametrize("stage", ["Заказ отправлен", "Отказ"])
def test_a_manager_s_move_settles_what_was_swallowed_twice(tmp_path: Path, stage: str) -> None:
    world, lead = _swallowing(tmp_path)
    for run in (world.pull, world.push, world.pull):
        run()
    world.move(lead, world.stage(stage))

    settled(world)

    shown = {"Заказ отправлен": "У курера", "Отказ": "Отказ"}
    assert (stage, shown[stage], 2) == (world.stage_of(lead), world.status(lead), world.patches())
    with state_of(world) as state:
        assert [] == state.waiting()


def test_a_manager_who_moved_the_lead_back_is_obeyed(tmp_path: Path) -> None:
    """The lead's events tell that the move was carried out."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.move(lead, world.trigger)

    outcome = world.pull()
    settled(world)

    assert [] == outcome.report.named
    assert ("NOMERATSIYALANMAGAN ZAKAZ", "В процессе", 1, {}) == (
        world.stage_of(lead),
        world.status(lead),
        world.patches(),
        _asked(world),
    )


def test_a_robot_that_moves_the_lead_on_is_followed(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.amo.knobs.robot = {world.stage("Отказ"): world.stage("Консультация")}
    world.pick(lead, "Отказ")
    world.push()

    settled(world)

    assert ("Консультация", "Консультация", 1, {}) == (
        world.stage_of(lead),
        world.status(lead),
        world.patches(),
        _asked(world),
    )


def test_without_the_right_to_events_a_lead_in_its_old_stage_counts_as_swallowed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.events_forbidden = True
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.move(lead, world.trigger)

    outcome = world.pull()

    assert [f"amoCRM answered the move of lead {lead} and did not carry it out; it is asked once more"] == outcome.report.named


def test_a_list_that_lags_behind_is_no_sign_of_a_swallowed_move(tmp_path: Path) -> None:
    """The list shows the lead in its old stage, in a newer version than the last one seen; `GET` by ID knows better."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.amo.knobs.stale_leads = {lead: world.clock.time() + 10_000}
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая"})

    outcome = world.pull()
    world.amo.knobs.stale_leads = {}
    settled(world)

    assert ([], "Отказ", "Отказ", 1) == (outcome.report.named, world.stage_of(lead), world.status(lead), world.patches())


@pytest.mark.parametrize("is_owed", [False, True], ids=["listed", "owed"])
def test_a_lead_deleted_after_a_swallowed_move_is_left_alone(tmp_path: Path, is_owed: bool) -> None:
    """The list shows it in its old stage, `GET` by ID no more."""
    world, lead = _swallowing(tmp_path)
    if is_owed:
        with state_of(world) as state:
            state.owe_all([lead], "names")
            state.move_cursor("leads", int(world.clock.time()) + 10**6)
    else:
        world.clock.advance(5)
        world.account.edit_lead(lead, name="Другое имя")
    met = 0

    def hand(_number: int, request: object) -> None:
        nonlocal met
        met += f"/leads/{lead}" in str(request)
        if met == (2 if is_owed else 1):
            world.amo_wire.before_each = None
            world.account.trash_lead(lead)

    world.amo_wire.before_each = hand

    outcome = world.pull()

    assert [f"lead {lead} is not in amoCRM"] == [name.split(" (")[0] for name in outcome.report.named]
    assert ("Отказ", ExitCode.PARTIAL) == (world.status(lead), outcome.exit_code)


def test_a_pick_made_since_is_sent_instead_of_the_swallowed_one(tmp_path: Path) -> None:
    world, lead = _swallowing(tmp_path)
    world.pick(lead, "У курера")
    world.amo.knobs.swallow_patches = set()

    world.pull()
    settled(world)

    assert ("Заказ отправлен", "У курера") == (world.stage_of(lead), world.status(lead))


def test_a_base_that_has_moved_on_is_not_taken_back(tmp_path: Path) -> None:
    """The row was written anew since: what was asked for once is no longer what both sides agreed on."""
    world, lead = _swallowing(tmp_path)
    with state_of(world) as state:
        asked = state.asked()[lead]
        state.ask(Asked(lead, asked.origin, Stage(asked.target.pipeline_id, 143), asked.answered_at))

    outcome = world.pull()

    assert [] == outcome.report.named


def test_a_move_seen_carried_out_is_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    assert [lead] == list(_asked(world))

    world.pull()

    assert {} == _asked(world)
