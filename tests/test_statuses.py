from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.model import Pipeline, PipelineStage, Stage
from amo2gsheet.statuses import BUILT_IN_DISPLAY, BUILT_IN_DROPDOWN, StatusRules

WON, LOST = 142, 143
FIRST, SECOND = 1, 2

SALES = ("Консультация", "NOMERATSIYALANMAGAN ZAKAZ", "Заказ отправлен", "Отказ")


def a_pipeline(pipeline_id: int, *names: str, won: str = "Успешно реализовано", is_archived: bool = False) -> Pipeline:
    """A pipeline whose named stages have the IDs 100 × pipeline + 1, 2, …, between the incoming one (…00) and the closed ones."""
    own = [(pipeline_id * 100 + number, name) for number, name in enumerate(names, 1)]
    closed = [(WON, won), (LOST, "Закрыто и не реализовано")]
    listed = [(pipeline_id * 100, "Неразобранное"), *own, *closed]
    stages = tuple(
        PipelineStage(Stage(pipeline_id, status_id), name, sort, is_incoming=sort == 0)
        for sort, (status_id, name) in enumerate(listed)
    )
    return Pipeline(pipeline_id, f"Pipeline {pipeline_id}", pipeline_id, pipeline_id == FIRST, stages, is_archived)


def rules_of(
    *pipelines: Pipeline,
    trigger_names: Sequence[str] = ("NOMERATSIYALANMAGAN ZAKAZ",),
    trigger_status_id: int = 0,
    dropdown: Mapping[str, int] | None = None,
    status_display: Mapping[str, str] | None = None,
    sheet_status: Mapping[str, Sequence[str]] | None = None,
) -> StatusRules:
    return StatusRules.build(
        pipelines,
        trigger_names=trigger_names,
        trigger_status_id=trigger_status_id,
        dropdown=dropdown or {},
        status_display=status_display or {},
        sheet_status=sheet_status or {},
    )


def numbered(position: int, pipeline_id: int = FIRST) -> Stage:
    """The stage that stands at that position (from 1) of `a_pipeline`."""
    return Stage(pipeline_id, pipeline_id * 100 + position)


def shown_of(name: str, status_display: Mapping[str, str] | None = None) -> str:
    return rules_of(a_pipeline(FIRST, name), status_display=status_display).shown(numbered(1))


# --- shown ----------------------------------------------------------------------------------------------------------


def test_the_built_in_stages_are_shown_as_the_dropdown_says() -> None:
    rules = rules_of(a_pipeline(FIRST, *BUILT_IN_DISPLAY))

    assert [rules.shown(numbered(position)) for position in range(1, 10)] == list(BUILT_IN_DISPLAY.values())
    assert rules.shown(Stage(FIRST, WON)) == "Успешно"
    assert rules.dropdown_values == BUILT_IN_DROPDOWN


@pytest.mark.parametrize("name", ["Успешно ", "Успешно\u00a0реализовано", "Успешно  реализовано"])
def test_d1_blanks_in_a_stage_name_do_not_hide_it(name: str) -> None:
    assert shown_of(name) == "Успешно"


@pytest.mark.parametrize(
    ("typo", "alias"),
    [("ЗАКАЗ ОТПАРВЛЕН", "У курера"), ("заказ отпровлен", "У курера"), ("КОНСУЛТАЦИЯ", "Консультация")],
)
def test_d2_a_typo_resolves_by_a_configured_alias(typo: str, alias: str) -> None:
    assert shown_of(typo) == typo
    assert shown_of(typo, status_display={typo.capitalize(): alias}) == alias


def test_d2_an_alias_gives_its_pipeline_a_target_too() -> None:
    pipelines = a_pipeline(FIRST, "ЗАКАЗ ОТПАРВЛЕН"), a_pipeline(SECOND, "ЗАКАЗ ОТПАРВЛЕН", "Заказ отправлен")
    aliases = {"ЗАКАЗ ОТПАРВЛЕН": "У курера"}

    plain, configured = rules_of(*pipelines), rules_of(*pipelines, status_display=aliases)

    assert plain.target("У курера", FIRST) is None
    assert configured.target("У курера", FIRST) == numbered(1)
    assert configured.target("Успешно", FIRST) == numbered(1)
    assert configured.target("У курера", SECOND) == numbered(2, SECOND)


def test_d2_an_alias_of_one_value_is_no_target_of_another() -> None:
    rules = rules_of(
        a_pipeline(FIRST, "Раздумье", "Доставлено"), status_display={"Раздумье": "У курера", "Доставлено": "Успешно"}
    )

    assert rules.target("Отказ", FIRST) is None
    assert rules.target("В процессе", FIRST) is None
    assert rules.target("Успешно", FIRST) == numbered(1)


def test_d2_a_typo_of_the_trigger_resolves_by_its_setting() -> None:
    rules = rules_of(a_pipeline(FIRST, "ЗАЗАЗ БЕЗ НУМЕРАЦИИ"), trigger_names=("Заказ без нумерации", "ЗАЗАЗ БЕЗ НУМЕРАЦИИ"))

    assert rules.triggers == {numbered(1)}
    assert rules.shown(numbered(1)) == "В процессе"


@pytest.mark.parametrize(("name", "shown"), [("Oтказ", "Отказ"), ("Заказ отпрAвлен", "У курера")])
def test_d3_look_alike_letters_do_not_hide_a_stage(name: str, shown: str) -> None:
    assert shown_of(name) == shown


def test_d3_an_exact_name_wins_over_a_folded_one() -> None:
    texts = {"Oтказ": "Латинский", "Отказ": "Русский"}

    assert shown_of("Отказ", status_display=texts) == "Русский"
    assert shown_of("Oтказ", status_display=texts) == "Латинский"
    assert rules_of(a_pipeline(FIRST, "ЗАКАЗ ОТПРАВЛЕН", "Заказ отправлен")).target("У курера", FIRST) == numbered(2)


@pytest.mark.parametrize(("name", "shown"), [("Otkaz", "Отказ"), ("заказ ОТПРАВЛЕН", "У курера"), ("УСПЕШНО", "Успешно")])
def test_d4_case_does_not_hide_a_stage(name: str, shown: str) -> None:
    assert shown_of(name) == shown


@pytest.mark.parametrize("name", ["Muddatli zakaz", "НЕДОЗВОН", "Консультация", "Заказ", "Закрыто и не реализовано"])
def test_d6_a_stage_without_an_entry_is_shown_under_its_own_name_and_sends_nothing(name: str) -> None:
    rules = rules_of(a_pipeline(FIRST, name, *SALES[1:]))

    assert rules.shown(numbered(1)) == name
    assert rules.canonical(name) is None
    assert rules.target(name, FIRST) is None
    assert rules.means_same(name, numbered(1))


def test_d10_a_renamed_won_stage_changes_its_own_pipeline_only() -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES), a_pipeline(SECOND, *SALES, won="Доставлено"))

    assert rules.shown(Stage(FIRST, WON)) == "Успешно"
    assert rules.shown(Stage(SECOND, WON)) == "Доставлено"


def test_the_users_map_overrides_the_built_in_one() -> None:
    assert shown_of("OTKAZ", status_display={"Otkaz": "Возврат"}) == "Возврат"


def test_a_stage_is_shown_as_the_dropdown_spells_it() -> None:
    rules = rules_of(a_pipeline(FIRST, "ОТКАЗ", "РАЗДУМЬЕ"), dropdown={"в процессе": 0, "отказ": 0, "Раздумье": 0})

    assert [rules.shown(numbered(position)) for position in (1, 2)] == ["отказ", "Раздумье"]


def test_a_trigger_stage_without_an_entry_is_shown_as_the_first_dropdown_value() -> None:
    rules = rules_of(a_pipeline(FIRST, "Новый"), trigger_names=("новый",), dropdown={"Принят": 0, "Отказ": 0})

    assert rules.shown(numbered(1)) == "Принят"
    assert rules.target("Принят", FIRST) == numbered(1)


def test_c13_an_unknown_stage_is_shown_by_its_id_and_known_as_unknown() -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES))

    assert rules.shown(Stage(FIRST, 987)) == "987"
    assert [rules.knows(stage) for stage in (numbered(1), Stage(FIRST, 987), Stage(SECOND, WON))] == [True, False, False]


def test_an_archived_pipelines_stages_keep_their_texts() -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES), a_pipeline(SECOND, "Отказ", is_archived=True))

    assert rules.shown(numbered(1, SECOND)) == "Отказ"
    assert rules.pipelines_without_trigger == ()


# --- triggers -------------------------------------------------------------------------------------------------------


def test_d7_a_stage_merely_called_in_progress_is_no_trigger() -> None:
    rules = rules_of(a_pipeline(FIRST, "В процессе", "ЗАКАЗ БЕЗ НУМЕРАЦИИ"), trigger_names=("ЗАКАЗ БЕЗ НУМЕРАЦИИ",))

    assert rules.triggers == {numbered(2)}
    assert rules.target("В процессе", FIRST) == numbered(2)


def test_d7_a_stage_that_the_users_map_shows_in_progress_is_no_trigger() -> None:
    rules = rules_of(a_pipeline(FIRST, "Раздумье", *SALES), status_display={"Раздумье": "В процессе"})

    assert rules.shown(numbered(1)) == "В процессе"
    assert not rules.is_trigger(numbered(1))
    assert rules.triggers == {numbered(3)}
    assert rules.target("В процессе", FIRST) == numbered(3)


def test_d7_without_a_trigger_no_stage_shown_so_takes_its_place() -> None:
    rules = rules_of(a_pipeline(FIRST, "Раздумье"), status_display={"Раздумье": "В процессе"})

    assert rules.target("В процессе", FIRST) is None


def test_d8_each_spelling_triggers_and_a_pipeline_without_any_is_named() -> None:
    rules = rules_of(
        a_pipeline(4, "Заказ отправлен"),
        a_pipeline(3, "ЗАЗАЗ БЕЗ НУМЕРАЦИИ"),
        a_pipeline(SECOND, "Заказ  без нумерации"),
        a_pipeline(FIRST, "Nomeratsiyalanmagan zakaz "),
        trigger_names=("NOMERATSIYALANMAGAN ZAKAZ", "ЗАЗАЗ БЕЗ НУМЕРАЦИИ"),
    )

    assert rules.triggers == {numbered(1), numbered(1, SECOND), numbered(1, 3)}
    assert rules.pipelines_without_trigger == ("Pipeline 4",)
    assert rules.nearest_names == ()


def test_the_built_in_twins_of_the_wanted_name_trigger_too() -> None:
    pipeline = a_pipeline(FIRST, "OTKAZ", "Отказ", "NOMERATSIYALANMAGAN ZAKAZ", "Заказ без нумерации", "Новый")

    assert rules_of(pipeline).triggers == {numbered(3), numbered(4)}
    assert rules_of(pipeline, trigger_names=("отказ",)).triggers == {numbered(1), numbered(2)}
    assert rules_of(pipeline, trigger_names=("новый",)).triggers == {numbered(5)}


def test_one_more_trigger_stage_can_be_given_by_id() -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES), trigger_status_id=101)

    assert rules.triggers == {numbered(1), numbered(2)}
    assert rules.shown(numbered(1)) == "В процессе"
    assert rules.canonical("Консультация") == "В процессе"


def test_of_several_trigger_stages_the_first_by_sort_is_the_target() -> None:
    stages = (
        PipelineStage(Stage(FIRST, 5), "Заказ без нумерации", 30),
        PipelineStage(Stage(FIRST, 6), "NOMERATSIYALANMAGAN ZAKAZ", 20),
        PipelineStage(Stage(FIRST, 7), "Nomeratsiyalanmagan zakaz", 10, is_incoming=True),
    )

    rules = rules_of(Pipeline(FIRST, "Sales", 1, True, stages))

    assert rules.trigger_of(FIRST) == Stage(FIRST, 6)
    assert rules.is_trigger(Stage(FIRST, 7))
    assert rules.trigger_of(SECOND) is None


def test_no_trigger_in_the_whole_account_names_the_nearest_stages() -> None:
    rules = rules_of(a_pipeline(FIRST, "Nomeratsiyalangan  zakaz", "Отказ"), a_pipeline(SECOND, "NOMERATSIYALANGAN ZAKAZ"))

    assert rules.triggers == frozenset()
    assert [name.casefold() for name in rules.nearest_names[:1]] == ["nomeratsiyalangan zakaz"]
    assert rules.pipelines_without_trigger == ("Pipeline 1", "Pipeline 2")


# --- what a cell's text stands for ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("В процессе", 2),
        ("У курера", 3),
        ("Успешно", 3),
        ("Отказ", 4),
        ("  отказ ", 4),
        ("Oтказ", 4),
        ("OTKAZ", 4),
        ("У КУРЕРА", 3),
    ],
)
def test_each_dropdown_value_has_its_stage(text: str, position: int) -> None:
    assert rules_of(a_pipeline(FIRST, *SALES)).target(text, FIRST) == numbered(position)


@pytest.mark.parametrize("text", ["foo", "Отказ.", "", " ", "Консультация", "Неразобранное", "142"])
def test_d11_a_text_that_is_no_dropdown_value_stands_for_nothing(text: str) -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES))

    assert rules.canonical(text) is None
    assert rules.target(text, FIRST) is None


def test_d11_a_value_typed_by_hand_counts_as_the_value() -> None:
    assert rules_of(a_pipeline(FIRST, *SALES)).canonical("  отказ ") == "Отказ"


@pytest.mark.parametrize("text", ["NOMERATSIYALANMAGAN ZAKAZ", "заказ без нумерации", "В ПРОЦЕССЕ "])
def test_d5_a_raw_stage_name_in_a_cell_counts_as_its_shown_text(text: str) -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES))

    assert rules.canonical(text) == "В процессе"
    assert rules.same_text(text, "В процессе")
    assert rules.means_same(text, numbered(2))
    assert not rules.same_text(text, "Отказ")


def test_d5_a_raw_name_counts_as_its_shown_text_also_beside_the_dropdown() -> None:
    rules = rules_of(a_pipeline(FIRST, "ДУМКА"), status_display={"Думка": "Раздумье", "Думка 2": "Раздумье"})

    assert rules.canonical("ДУМКА") is None
    assert rules.same_text("думка", "Раздумье")
    assert rules.same_text("ДУМКА 2", "раздумье")
    assert rules.means_same("думка", numbered(1))


def test_an_empty_text_in_the_users_map_is_no_entry() -> None:
    rules = rules_of(a_pipeline(FIRST, "OTKAZ"), status_display={"OTKAZ": "", "Раздумье": " "})

    assert rules.shown(numbered(1)) == "Отказ"
    assert not rules.same_text("Раздумье", "")


def test_a_text_that_is_shown_for_one_stage_is_not_read_as_the_name_of_another() -> None:
    rules = rules_of(
        a_pipeline(FIRST, "Склад", "Отгрузка"),
        dropdown={"Склад": 0, "Отгрузка": 0},
        status_display={"Склад": "Отгрузка", "Отгрузка": "Склад"},
    )

    assert rules.canonical("Склад") == "Склад"
    assert rules.target("склад", FIRST) == numbered(2)


def test_d9_of_two_stages_shown_alike_the_target_is_always_the_same() -> None:
    both = rules_of(a_pipeline(FIRST, "OTKAZ", "ОТКАЗ", "Отказ", "Успешно"))
    only_latin = rules_of(a_pipeline(FIRST, "Заказ", "OTKAZ"))

    assert both.target("Отказ", FIRST) == numbered(3)
    assert only_latin.target("Отказ", FIRST) == numbered(2)
    assert [both.shown(numbered(position)) for position in (1, 2, 3)] == ["Отказ"] * 3
    assert both.shown(numbered(4)) == both.shown(Stage(FIRST, WON)) == "Успешно"


def test_b12_a_pipeline_without_the_stage_has_no_target() -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES), a_pipeline(SECOND, "Консультация", won="Успешно"))

    assert [rules.target(value, SECOND) for value in BUILT_IN_DROPDOWN] == [None] * 4
    assert rules.target("Отказ", 3) is None


def test_a_numeric_id_goes_first_where_the_pipeline_has_that_stage() -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES), a_pipeline(SECOND, *SALES), dropdown={"Отказ": 101, "Успешно": WON})

    assert rules.target("Отказ", FIRST) == numbered(1)
    assert rules.target("Отказ", SECOND) == numbered(4, SECOND)
    assert rules.target("Успешно", SECOND) == Stage(SECOND, WON)


def test_an_incoming_stage_is_never_a_target() -> None:
    pipeline = a_pipeline(FIRST, *SALES)

    by_id = rules_of(pipeline, dropdown={"Отказ": 100})
    by_name = rules_of(pipeline, dropdown={"Неразобранное": 0})
    by_setting = rules_of(pipeline, sheet_status={"Отказ": ["Неразобранное"]})

    assert by_id.target("Отказ", FIRST) == numbered(4)
    assert by_name.target("Неразобранное", FIRST) is None
    assert by_setting.target("Отказ", FIRST) is None


def test_configured_names_take_the_place_of_the_built_in_ones() -> None:
    rules = rules_of(
        a_pipeline(FIRST, *SALES),
        a_pipeline(SECOND, *SALES, won="Доставлено"),
        sheet_status={"успешно": ["Нет такого", "Успешно реализовано"], "В процессе": ["Консультация"]},
    )

    assert rules.target("Успешно", FIRST) == Stage(FIRST, WON)
    assert rules.target("Успешно", SECOND) is None
    assert rules.target("В процессе", FIRST) == numbered(1)


def test_a_value_of_ones_own_is_the_stage_shown_so_else_called_so() -> None:
    rules = rules_of(
        a_pipeline(FIRST, "Возврат", "Товар вернули"),
        a_pipeline(SECOND, "ВОЗВРАТ"),
        dropdown={"Возврат": 0},
        status_display={"Товар вернули": "Возврат", "Возврат": "Ждём товар"},
    )

    assert rules.target("Возврат", FIRST) == numbered(2)
    assert rules.target("Возврат", SECOND) == numbered(1, SECOND)


def test_d9_of_several_stages_under_a_value_of_ones_own_the_first_by_sort_counts() -> None:
    rules = rules_of(
        a_pipeline(FIRST, "Склад А", "Склад Б"), dropdown={"Склад": 0}, status_display={"Склад Б": "Склад", "Склад А": "склад"}
    )

    assert rules.target("Склад", FIRST) == numbered(1)


def test_a_pick_and_the_stage_that_it_stands_for_mean_the_same() -> None:
    rules = rules_of(a_pipeline(FIRST, *SALES))

    assert rules.means_same("Успешно", numbered(3))
    assert rules.means_same("У курера", numbered(3))
    assert rules.means_same("Успешно", Stage(FIRST, WON))
    assert not rules.means_same("Отказ", numbered(3))
    assert not rules.means_same("foo", numbered(3))
    assert not rules.means_same("", numbered(3))


# --- properties -----------------------------------------------------------------------------------------------------

STAGE_NAMES = st.sampled_from(
    [*BUILT_IN_DISPLAY, *BUILT_IN_DROPDOWN, "Раздумье", "РАЗДУМЬЕ", "Заказ", "ЗAKAЗ", "Возврат", " ", "Консультация"]
)
TEXTS = STAGE_NAMES | st.text(max_size=6)
ACCOUNTS = st.lists(st.lists(STAGE_NAMES, max_size=5), min_size=1, max_size=3)
DROPDOWNS = st.dictionaries(TEXTS.filter(lambda text: bool(text.strip())), st.sampled_from([0, 101, 202, LOST]), max_size=4)


@st.composite
def rule_sets(draw: st.DrawFn) -> tuple[StatusRules, list[Stage]]:
    """Rules by any settings over any account, with all its stages."""
    pipelines = [a_pipeline(number, *names) for number, names in enumerate(draw(ACCOUNTS), 1)]
    rules = rules_of(
        *pipelines,
        trigger_names=draw(st.lists(STAGE_NAMES, max_size=2)),
        trigger_status_id=draw(st.sampled_from([0, 101, 202, WON])),
        dropdown=draw(DROPDOWNS),
        status_display=draw(st.dictionaries(STAGE_NAMES, STAGE_NAMES, max_size=3)),
        sheet_status=draw(st.dictionaries(STAGE_NAMES, st.lists(STAGE_NAMES, max_size=2), max_size=2)),
    )
    return rules, [one.stage for pipeline in pipelines for one in pipeline.stages]


@given(rule_sets(), TEXTS, TEXTS)
def test_texts_are_read_the_same_way_however_often(account: tuple[StatusRules, list[Stage]], text: str, other: str) -> None:
    rules, _ = account
    value = rules.canonical(text)

    assert value is None or (rules.canonical(value) == value and rules.same_text(value, text) and value in rules.dropdown_values)
    assert rules.same_text(text, other) == rules.same_text(other, text)
    assert rules.same_text(f" {text}\u00a0", text)
    if rules.same_text(text, other):
        assert rules.canonical(text) == rules.canonical(other)


@given(rule_sets(), TEXTS)
def test_a_target_is_a_stage_of_the_pipeline_that_means_its_text(account: tuple[StatusRules, list[Stage]], text: str) -> None:
    rules, stages = account
    for pipeline_id in {stage.pipeline_id for stage in stages}:
        target = rules.target(text, pipeline_id)

        assert target is None or (target.pipeline_id == pipeline_id and target in stages and rules.means_same(text, target))
        assert target is None or target.status_id != pipeline_id * 100
        assert target is None or rules.canonical(text) is not None


@given(rule_sets())
def test_every_stage_means_what_it_is_shown_as(account: tuple[StatusRules, list[Stage]]) -> None:
    rules, stages = account

    for stage in stages:
        assert rules.shown(stage).strip()
        assert rules.means_same(rules.shown(stage), stage)
        assert rules.is_trigger(stage) == (stage in rules.triggers)
