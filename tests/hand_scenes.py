"""The runs into which people act: the tab and the account before each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.hand_acts import ADDRESS, NOTE, Scene
from tests.world import World


def _table(world: World) -> Scene:
    """Six leads with rows, notes of people's own, a row without ID below; leads without a row."""
    scene = Scene(world)
    leads = [world.lead(f"Клиент {letter}", fields={ADDRESS: f"ул. {letter}, 1"}) for letter in "вбаедг"]
    scene.strange = [world.lead("Клиент ж", world.stage("Консультация"))]
    world.pull()
    world.person.type_at(1, len(world.rows()[0]) + 1, NOTE)
    for lead in leads:
        world.person.type(NOTE, f"заметка {lead}", lead=lead)
    world.person.type(NOTE, "Касса", row=12)
    world.pick(leads[5], "Успешно")
    world.push()
    world.pull()
    scene.version = world.person.version()
    scene.still = leads
    world.person.type(NOTE, "перезвонить", lead=leads[4])
    return scene


def _take(scene: Scene, *places: int) -> list[int]:
    taken = [scene.still[place] for place in places]
    scene.still = [lead for lead in scene.still if lead not in taken]
    return taken


def _mixed(world: World) -> Scene:
    scene = _table(world)
    scene.changed = _take(scene, 1, 3)
    world.account.edit_lead(scene.changed[0], fields={ADDRESS: "ул. Новая, 1"})
    world.move(scene.changed[1], world.stage("Заказ отправлен"))
    world.move(scene.changed[0], world.stage("Заказ отправлен"))
    scene.new = [world.lead("Клиент з", fields={ADDRESS: "ул. з, 1"})]
    return scene


def _shown_little(world: World) -> Scene:
    """The answers to writes show no more than the written cells, as the program has found out before."""
    scene = _mixed(world)
    world.sheets.knobs.values_in_response = "written"
    world.pull()
    world.sheets.knobs.is_null_a_touch = True
    first, second = scene.changed
    world.account.edit_lead(first, fields={ADDRESS: "ул. Другая, 1"})
    for lead in (first, second):
        world.move(lead, world.stage("Отказ"))
    scene.new = [world.lead("Клиент и", fields={ADDRESS: "ул. и, 1"})]
    return scene


def _pushed(world: World) -> Scene:
    scene = _table(world)
    scene.changed = _take(scene, 2, 4)
    for lead in scene.changed:
        world.pick(lead, "У курера")
    return scene


def _new_rows(world: World) -> Scene:
    scene = _table(world)
    scene.changed = _take(scene, 3)
    scene.new = [world.lead(f"Клиент {letter}", fields={ADDRESS: f"ул. {letter}, 1"}) for letter in "икл"]
    return scene


def _empty(world: World) -> Scene:
    scene = Scene(world)
    scene.changed = [world.lead(f"Клиент {letter}", fields={ADDRESS: f"ул. {letter}, 1"}) for letter in "аб"]
    scene.still = [world.lead("Клиент в", fields={ADDRESS: "ул. в, 1"})]
    scene.strange = [world.lead("Клиент ж", world.stage("Консультация"))]
    return scene


RUNS: Mapping[str, tuple[str, Callable[[World], Scene]]] = {
    "mixed": ("pull", _mixed),
    "shown-little": ("pull", _shown_little),
    "push": ("push", _pushed),
    "new-rows": ("pull", _new_rows),
    "header": ("pull", _empty),
}
"""Name of the run → its command, and what makes the world it meets."""
