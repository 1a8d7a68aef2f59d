"""Incidents, group D: stage names and triggers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from tests.world import STATUS, World

TRIGGER = "NOMERATSIYALANMAGAN ZAKAZ"
SENT = "Заказ отправлен"
REFUSED = "Отказ"
NBSP = "\u00a0"


def with_pipeline(world: World, stages: list[str], name: str = "Davron - Sotuv Demo") -> int:
    """One more pipeline with these stages."""
    return world.account.add_pipeline(name, stages)


def travel(world: World, pipeline: int, stages: tuple[str, str, str]) -> list[tuple[object, str]]:
    """Take one lead through trigger, sent and refused by picks; what cell and stage are after each."""
    trigger, sent, refused = stages
    lead = world.lead("Анна", world.stage(trigger, pipeline))
    world.pull()
    seen = [(world.status(lead), world.stage_of(lead))]
    for text in ("У курера", "Отказ", "В процессе"):
        world.pick(lead, text)
        world.push()
        world.pull()
        seen.append((world.status(lead), world.stage_of(lead)))
    for name in (sent, refused, trigger):
        world.move(lead, world.stage(name, pipeline))
        world.pull()
        seen.append((world.status(lead), world.stage_of(lead)))
    world.rest()
    return seen


SPELLINGS = {
    "d1 blanks": (f" NOMERATSIYALANMAGAN{NBSP}ZAKAZ", "Заказ  отправлен ", f"{NBSP}Отказ "),
    "d3 latin letters": ("Зaкaз без нумepaции", "Заказ oтпрAвлен", "Oтказ"),
    "d4 case": ("nomeratsiyalanmagan Zakaz", "заказ", "Otkaz"),
    "d4 case too": ("ЗАКАЗ БЕЗ НУМЕРАЦИИ", "ЗАКАЗ ОТПРАВЛЕН", "отказ"),
}


@pytest.mark.parametrize("spelling", ["d1 blanks", "d3 latin letters", "d4 case too"])
def test_d1_d3_d4_stages_are_found_whatever_their_spelling(tmp_path: Path, spelling: str) -> None:
    trigger, sent, refused = SPELLINGS[spelling]
    world = World(tmp_path)
    pipeline = with_pipeline(world, [trigger, sent, refused])

    assert travel(world, pipeline, (trigger, sent, refused)) == [
        ("В процессе", trigger),
        ("У курера", sent),
        ("Отказ", refused),
        ("В процессе", trigger),
        ("У курера", sent),
        ("Отказ", refused),
        ("В процессе", trigger),
    ]


def test_d1_a_closed_stage_with_a_blank_at_its_end_shows_as_success(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = with_pipeline(world, [TRIGGER, "Успешно ", f"Заказ{NBSP}отправлен"])
    lead = world.lead("Анна", world.stage(TRIGGER, pipeline))
    world.pull()
    world.move(lead, world.stage("Успешно ", pipeline))
    world.pull()

    assert world.status(lead) == "Успешно"
    world.rest()


TYPOS = ("ЗАЗАЗ БЕЗ НУМЕРАЦИИ", "ЗАКАЗ ОТПАРВЛЕН", "ОТКАС")


def test_d2_typos_are_resolved_by_settings_alone(tmp_path: Path) -> None:
    display = {TYPOS[0]: "В процессе", TYPOS[1]: "У курера", TYPOS[2]: "Отказ"}
    world = World(
        tmp_path,
        TRIGGER_STATUS_NAME=f"{TRIGGER}, {TYPOS[0]}",
        STATUS_DISPLAY_MAP_JSON=json.dumps(display, ensure_ascii=False),
    )
    pipeline = with_pipeline(world, list(TYPOS))
    trigger, sent, refused = TYPOS

    assert travel(world, pipeline, TYPOS) == [
        ("В процессе", trigger),
        ("У курера", sent),
        ("Отказ", refused),
        ("В процессе", trigger),
        ("У курера", sent),
        ("Отказ", refused),
        ("В процессе", trigger),
    ]


def test_d2_targets_may_be_named_value_by_value(tmp_path: Path) -> None:
    targets = {"У курера": ["заказ отпровлен"], "Успешно": ["заказ отпровлен"]}
    world = World(tmp_path, SHEET_STATUS_MAP_JSON=json.dumps(targets, ensure_ascii=False))
    pipeline = with_pipeline(world, [TRIGGER, "заказ отпровлен", REFUSED])
    lead = world.lead("Анна", world.stage(TRIGGER, pipeline))
    world.pull()
    world.pick(lead, "Успешно")
    world.push()

    assert world.stage_of(lead) == "заказ отпровлен"
    world.rest()
    assert world.status(lead) == "Успешно"


def test_d2_an_unknown_typo_is_shown_as_it_is_and_its_pick_is_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = with_pipeline(world, [TRIGGER, "ЗАКАЗ ОТПАРВЛЕН", REFUSED])
    lead = world.lead("Анна", world.stage(TRIGGER, pipeline))
    world.pull()
    world.pick(lead, "У курера")
    named = world.push().report.named

    assert (world.patches(), len(named)) == (0, 1)
    assert all(word in named[0] for word in (str(lead), "У курера", "Davron - Sotuv Demo"))
    world.move(lead, world.stage("ЗАКАЗ ОТПАРВЛЕН", pipeline))
    world.pick(lead, "В процессе")
    world.pull()
    assert world.status(lead) == "ЗАКАЗ ОТПАРВЛЕН"
    world.rest()


def test_d3_an_exact_name_wins_over_a_look_alike(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = with_pipeline(world, [TRIGGER, "Oтказ", "Отказ"])
    lead = world.lead("Анна", world.stage(TRIGGER, pipeline))
    world.pull()
    world.pick(lead, "Отказ")
    world.push()

    assert world.stage_of(lead) == "Отказ"
    world.rest()


def test_d4_latin_and_cyrillic_names_of_one_stage_are_known(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = with_pipeline(world, [TRIGGER, "Otkaz", "думка"])
    lead = world.lead("Анна", world.stage(TRIGGER, pipeline))
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.pull()
    assert (world.stage_of(lead), world.status(lead)) == ("Otkaz", "Отказ")

    world.move(lead, world.stage("думка", pipeline))
    world.pull()
    assert world.status(lead) == "думка"
    world.rest()


@pytest.mark.parametrize("left", [TRIGGER, "Заказ без нумерации", "заказ без нумерации ", "в процессе", "В  ПРОЦЕССЕ"])
def test_d5_a_raw_stage_name_left_in_a_cell_is_read_as_what_it_shows(tmp_path: Path, left: str) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.type(STATUS, left, lead=lead)
    for _ in range(2):
        world.push()
        world.pull()

    assert (world.patches(), world.stage_of(lead)) == (0, TRIGGER)
    world.rest()
    world.move(lead, world.stage(SENT))
    world.pull()
    assert world.status(lead) == "У курера"


def test_d5_rows_of_an_older_tool_meet_their_leads_without_a_word(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead("Анна"), world.lead("Борис", world.stage("OTKAZ", world.base)), world.lead("Вера", world.stage(SENT))]
    table = [["ID", "Ф.И.О.", "статус"]]
    table += [[str(lead), "", text] for lead, text in zip(leads, (TRIGGER, "отказ", "ЗАКАЗ ОТПРАВЛЕН"), strict=True)]
    world.person.paste("A1", table)
    outcomes = [world.push(), world.pull(), world.push()]

    assert [outcome.exit_code for outcome in outcomes] == [ExitCode.DONE] * 3
    assert world.patches() == 0
    assert [row["Ф.И.О."] for row in world.rows()] == ["Анна", "Борис", "Вера"]
    world.rest()


@pytest.mark.parametrize("name", ["Muddatli zakaz", "НЕДОЗВОН", "Консультация", "Заказ"])
def test_d6_a_stage_without_a_mapping_is_shown_under_its_own_name(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    pipeline = with_pipeline(world, [TRIGGER, SENT, REFUSED, name])
    lead = world.lead("Анна", world.stage(TRIGGER, pipeline))
    world.pull()
    world.move(lead, world.stage(name, pipeline))
    world.pull()

    assert world.status(lead) == name
    world.rest()
    assert (world.patches(), world.stage_of(lead)) == (0, name)


def test_d7_a_stage_that_is_merely_called_in_progress_makes_no_row(tmp_path: Path) -> None:
    world = World(tmp_path, TRIGGER_STATUS_NAME="ЗАКАЗ БЕЗ НУМЕРАЦИИ", STATUS_DISPLAY_MAP_JSON='{"Сборка": "В процессе"}')
    pipeline = with_pipeline(world, ["ЗАКАЗ БЕЗ НУМЕРАЦИИ", "В процессе", "Сборка"])
    lead = world.lead("Анна", world.stage("ЗАКАЗ БЕЗ НУМЕРАЦИИ", pipeline))
    for name in ("В процессе", "Сборка"):
        world.lead("Нет", world.stage(name, pipeline))
    world.pull()
    world.clock.advance(3600)
    world.lead("Нет", world.stage("В процессе", pipeline))
    world.pull()

    assert world.ids() == [lead]
    world.rest()
    assert world.ids() == [lead]


def test_d7_a_pick_of_in_progress_goes_to_the_trigger_not_to_its_namesake(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = with_pipeline(world, ["В процессе", TRIGGER, REFUSED])
    lead = world.lead("Анна", world.stage(TRIGGER, pipeline))
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.pick(lead, "В процессе")
    world.push()

    assert world.stage_of(lead) == TRIGGER
    world.rest()


def test_d8_each_pipeline_may_spell_its_trigger_in_its_own_way(tmp_path: Path) -> None:
    world = World(tmp_path, TRIGGER_STATUS_NAME="Nomerlanmagan, Без номера,  zakaz yangi ")
    pipelines = [with_pipeline(world, [name], f"Воронка {name}") for name in ("nomerlanmagan", "БЕЗ  НОМЕРА", "Zakaz Yangi")]
    with_pipeline(world, ["Новая"], "Без триггера")
    leads = [world.lead("Анна", (pipeline, world.account.pipelines[pipeline].stages[1].id)) for pipeline in pipelines]
    outcome = world.pull()

    assert world.ids() == leads
    assert {row[STATUS] for row in world.rows()} == {"В процессе"}
    assert any("Без триггера" in notice for notice in outcome.report.notices)
    assert world.pull().report.notices == []
    world.rest()


def test_d9_two_stages_of_one_meaning_have_one_target(tmp_path: Path) -> None:
    """The built-in names are tried in their order, within a name the first by `sort`; amoCRM's move to the other one stays."""
    world = World(tmp_path)
    pipeline = with_pipeline(world, [TRIGGER, "OTKAZ", "Отказ", SENT, "ЗАКАЗ ОТПРАВЛЕН"])
    leads = [world.lead(f"Клиент {number}", world.stage(TRIGGER, pipeline)) for number in range(3)]
    world.pull()
    world.pick(leads[0], "Отказ")
    world.pick(leads[1], "У курера")
    world.push()
    world.move(leads[2], world.stage("OTKAZ", pipeline))
    world.pull()

    assert [world.stage_of(lead) for lead in leads] == ["Отказ", SENT, "OTKAZ"]
    assert [world.status(lead) for lead in leads] == ["Отказ", "У курера", "Отказ"]
    world.rest()
    assert [world.stage_of(lead) for lead in leads] == ["Отказ", SENT, "OTKAZ"]


def test_d9_a_success_of_ones_own_and_the_closed_one_show_alike(tmp_path: Path) -> None:
    world = World(tmp_path)
    pipeline = with_pipeline(world, [TRIGGER, SENT, "Успешно"])
    leads = [world.lead(f"Клиент {number}", world.stage(TRIGGER, pipeline)) for number in range(2)]
    world.pull()
    world.move(leads[0], world.stage("Успешно", pipeline))
    world.move(leads[1], (pipeline, 142))
    world.pull()
    world.move(leads[0], (pipeline, 142))
    world.pull()

    assert [world.status(lead) for lead in leads] == ["Успешно", "Успешно"]
    world.rest()
    assert world.patches() == 0


def test_d10_a_closed_stage_has_the_name_of_its_own_pipeline(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.account.rename_stage(world.base, 142, "Деньги получены")
    world.account.rename_stage(world.base, 143, "Потеряно")
    first, second = world.lead("Анна"), world.lead("Борис", world.stage("Заказ без нумерации", world.base))
    third, fourth = world.lead("Вера"), world.lead("Глеб", world.stage("Заказ без нумерации", world.base))
    world.pull()
    for lead, stage in (
        (first, (world.shop, 142)),
        (second, (world.base, 142)),
        (third, (world.shop, 143)),
        (fourth, (world.base, 143)),
    ):
        world.move(lead, stage)
    world.pull()

    shown = [world.status(lead) for lead in (first, second, third, fourth)]
    assert shown == ["Успешно", "Деньги получены", "Закрыто и не реализовано", "Потеряно"]
    world.rest()


@pytest.mark.parametrize("typed", ["  отказ ", "ОТКАЗ", "Oтказ", "OTKAZ", f"отказ{NBSP}"])
def test_d11_a_mistyped_value_counts_as_what_it_means(tmp_path: Path, typed: str) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, typed)
    assert world.push().exit_code == ExitCode.DONE

    assert world.stage_of(lead) == "Отказ"
    world.rest()
    assert str(world.status(lead)).strip() == typed.strip()


@pytest.mark.parametrize("typed", ["foo", "Отказ.", "позвонить завтра", "1", "[/заказ]"])
def test_d11_a_text_that_is_no_value_is_named_and_not_sent(tmp_path: Path, typed: str) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, typed)
    outcomes = [world.push() for _ in range(3)]

    assert [outcome.exit_code for outcome in outcomes] == [ExitCode.PARTIAL, ExitCode.DONE, ExitCode.DONE]
    assert [outcome.amo_requests for outcome in outcomes[1:]] == [0, 0]
    assert (world.patches(), str(world.status(lead))) == (0, typed)
    assert [waiting.kind for waiting in world.waiting()] == ["unknown text"]
    world.pull()
    world.assert_silent()
    world.pick(lead, "Отказ")
    world.rest()
    assert (world.stage_of(lead), world.waiting()) == ("Отказ", [])


def test_d11_an_emptied_status_cell_stays_until_amocrm_moves(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.clear_cell(STATUS, lead=lead)
    world.push()
    world.pull()
    assert (world.patches(), world.status(lead)) == (0, None)

    world.assert_silent()
    world.move(lead, world.stage(SENT))
    world.rest()
    assert world.status(lead) == "У курера"
