"""The three-way merge: its whole table, and what holds for whatever both sides show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from amo2gsheet.fields import same_value
from amo2gsheet.model import CellBase, CellValue, Stage, StatusBase
from amo2gsheet.sync.merge import AMOWARD, SHEETWARD, StatusNow, Verdict, merge_owned, merge_status
from amo2gsheet.sync.plan import status_now
from tests.sync_bench import BASE_SENT, BASE_TRIGGER, NEW, REFUSED, RULES, SENT, TRIGGER, TWIN, WON, lead

Winner = Literal["amo", "sheet"]

IN_PROGRESS, AT_COURIER, SUCCESS, REFUSED_TEXT, STRANGE = "В процессе", "У курера", "Успешно", "Отказ", "позвонить завтра"
AGREED = StatusBase(TRIGGER, IN_PROGRESS, IN_PROGRESS)


def verdict(base: StatusBase | None, stage: Stage, text: str, winner: Winner = "amo") -> Verdict:
    return merge_status(base, status_now(lead(stage=stage), text, base, RULES), winner)


@pytest.mark.parametrize(
    ("base", "stage", "text", "expected"),
    [
        pytest.param(AGREED, TRIGGER, IN_PROGRESS, Verdict.NOTHING, id="nobody changed anything"),
        pytest.param(AGREED, TRIGGER, " в  ПРОЦЕССЕ ", Verdict.NOTHING, id="other spelling is no change"),
        pytest.param(AGREED, SENT, IN_PROGRESS, Verdict.TO_SHEET, id="amoCRM alone"),
        pytest.param(AGREED, NEW, IN_PROGRESS, Verdict.TO_SHEET, id="amoCRM alone, to a stage that is no dropdown value"),
        pytest.param(AGREED, TWIN, IN_PROGRESS, Verdict.AGREE, id="between stages shown alike"),
        pytest.param(AGREED, TRIGGER, REFUSED_TEXT, Verdict.TO_AMO, id="sheet alone"),
        pytest.param(AGREED, TRIGGER, STRANGE, Verdict.TO_AMO, id="sheet alone, a text that stands for no stage"),
        pytest.param(AGREED, TRIGGER, "", Verdict.TO_AMO, id="sheet alone, emptied"),
        pytest.param(AGREED, TWIN, REFUSED_TEXT, Verdict.TO_AMO, id="sheet, while amoCRM moved between stages shown alike"),
        pytest.param(AGREED, SENT, AT_COURIER, Verdict.AGREE, id="both, to what is shown so"),
        pytest.param(AGREED, SENT, SUCCESS, Verdict.AGREE, id="both, to what the text stands for"),
        pytest.param(AGREED, REFUSED, "OTKAZ", Verdict.AGREE, id="both, by a raw stage name"),
        pytest.param(StatusBase(SENT, AT_COURIER, AT_COURIER), SENT, SUCCESS, Verdict.AGREE, id="a pick that is so already"),
        pytest.param(StatusBase(SENT, AT_COURIER, SUCCESS), SENT, SUCCESS, Verdict.NOTHING, id="amoCRM's echo of a pick"),
        pytest.param(StatusBase(SENT, AT_COURIER, SUCCESS), WON, SUCCESS, Verdict.AGREE, id="won after a pick of success"),
        pytest.param(StatusBase(SENT, "Отправлен", "Отправлен"), SENT, "Отправлен", Verdict.TO_SHEET, id="a stage shown anew"),
        pytest.param(StatusBase(SENT, "Отправлен", "Отправлен"), SENT, AT_COURIER, Verdict.AGREE, id="shown anew, the same"),
        pytest.param(StatusBase(SENT, "Отправлен", "Отправлен"), SENT, REFUSED_TEXT, Verdict.TO_AMO, id="shown anew, and a pick"),
        pytest.param(AGREED, SENT, STRANGE, Verdict.CONFLICT_TO_SHEET, id="both, a text that never wins"),
        pytest.param(AGREED, BASE_SENT, REFUSED_TEXT, Verdict.CONFLICT_TO_SHEET, id="both, no such stage in the new pipeline"),
        pytest.param(AGREED, SENT, "", Verdict.CONFLICT_TO_SHEET, id="both, the cell emptied"),
        pytest.param(None, TRIGGER, "", Verdict.TO_SHEET, id="first meeting, empty cell"),
        pytest.param(None, TRIGGER, "  ", Verdict.TO_SHEET, id="first meeting, blank cell"),
        pytest.param(None, TRIGGER, IN_PROGRESS, Verdict.AGREE, id="first meeting, alike"),
        pytest.param(None, SENT, SUCCESS, Verdict.AGREE, id="first meeting, meaning the same"),
        pytest.param(None, TRIGGER, REFUSED_TEXT, Verdict.DIFFER, id="first meeting, different"),
        pytest.param(StatusBase(SENT, AT_COURIER, REFUSED_TEXT), SENT, REFUSED_TEXT, Verdict.NOTHING, id="still different"),
        pytest.param(StatusBase(SENT, AT_COURIER, REFUSED_TEXT), NEW, REFUSED_TEXT, Verdict.TO_SHEET, id="different, moved"),
        pytest.param(StatusBase(SENT, AT_COURIER, REFUSED_TEXT), SENT, IN_PROGRESS, Verdict.TO_AMO, id="different, picked"),
        pytest.param(StatusBase(SENT, AT_COURIER, REFUSED_TEXT), REFUSED, REFUSED_TEXT, Verdict.AGREE, id="different, followed"),
    ],
)
@pytest.mark.parametrize("winner", ["amo", "sheet"])
def test_the_table_of_the_status(base: StatusBase | None, stage: Stage, text: str, expected: Verdict, winner: Winner) -> None:
    assert expected == verdict(base, stage, text, winner)


@pytest.mark.parametrize(
    ("winner", "expected"), [("amo", Verdict.CONFLICT_TO_SHEET), ("sheet", Verdict.CONFLICT_TO_AMO)], ids=["amo", "sheet"]
)
@pytest.mark.parametrize("base", [AGREED, StatusBase(Stage(0, 0), "", IN_PROGRESS)], ids=["agreed", "stage not known"])
def test_only_a_real_conflict_asks_who_wins(base: StatusBase, winner: Winner, expected: Verdict) -> None:
    assert expected == verdict(base, SENT, REFUSED_TEXT, winner)


OLD, NEWER, TYPED = CellBase("old", "old"), "newer", "typed"


@pytest.mark.parametrize(
    ("base", "amo", "cell", "expected"),
    [
        pytest.param(OLD, "old", "old", Verdict.NOTHING, id="nobody changed anything"),
        pytest.param(OLD, NEWER, "old", Verdict.TO_SHEET, id="amoCRM alone"),
        pytest.param(OLD, None, "old", Verdict.TO_SHEET, id="amoCRM emptied it"),
        pytest.param(OLD, "old", TYPED, Verdict.LEAVE, id="sheet alone"),
        pytest.param(OLD, "old", None, Verdict.LEAVE, id="sheet emptied it"),
        pytest.param(OLD, NEWER, NEWER, Verdict.AGREE, id="both alike"),
        pytest.param(OLD, NEWER, TYPED, Verdict.CONFLICT_TO_SHEET, id="both differently"),
        pytest.param(OLD, NEWER, None, Verdict.CONFLICT_TO_SHEET, id="amoCRM, while the sheet emptied it"),
        pytest.param(CellBase(5, 5), 5.0, 5, Verdict.NOTHING, id="a number is a number"),
        pytest.param(CellBase(5, 5), 5, "5", Verdict.LEAVE, id="a number typed as text"),
        pytest.param(CellBase("amo", "mine"), "amo", "mine", Verdict.NOTHING, id="still different since the first meeting"),
        pytest.param(CellBase("amo", "mine"), NEWER, "mine", Verdict.TO_SHEET, id="different, amoCRM changed"),
        pytest.param(CellBase("amo", "mine"), "amo", "amo", Verdict.AGREE, id="different, typed as amoCRM has it"),
        pytest.param(None, "amo", None, Verdict.TO_SHEET, id="first meeting, empty cell"),
        pytest.param(None, "amo", "", Verdict.TO_SHEET, id="first meeting, cell with an empty text"),
        pytest.param(None, None, None, Verdict.AGREE, id="first meeting, both empty"),
        pytest.param(None, "amo", "amo", Verdict.AGREE, id="first meeting, alike"),
        pytest.param(None, "amo", "mine", Verdict.DIFFER, id="first meeting, different"),
        pytest.param(None, None, "mine", Verdict.DIFFER, id="first meeting, amoCRM has nothing"),
    ],
)
def test_the_table_of_a_column_that_belongs_to_amocrm(
    base: CellBase | None, amo: CellValue, cell: CellValue, expected: Verdict
) -> None:
    assert expected == merge_owned(base, amo, cell)


# --- whatever both sides show ---

STAGES = st.sampled_from([NEW, TRIGGER, TWIN, SENT, REFUSED, WON, BASE_TRIGGER, BASE_SENT])
TEXTS = st.sampled_from([IN_PROGRESS, AT_COURIER, SUCCESS, REFUSED_TEXT, STRANGE, "", "отказ ", "Oтказ", "Консультация", "OTKAZ"])
ALIKE = [(TRIGGER, IN_PROGRESS), (TWIN, IN_PROGRESS), (SENT, AT_COURIER), (SENT, SUCCESS), (WON, SUCCESS), (REFUSED, "Oтказ")]
BASES = st.none() | st.builds(
    StatusBase,
    st.one_of(STAGES, st.just(Stage(0, 0))),
    st.sampled_from([IN_PROGRESS, AT_COURIER, REFUSED_TEXT, "Консультация", "прежнее имя", ""]),
    TEXTS,
)
WINNERS = st.sampled_from(["amo", "sheet"])
VALUES = st.none() | st.sampled_from(["", "a", "b", "1", 1, 1.0, 2.5, True])
CELL_BASES = st.none() | st.builds(CellBase, VALUES, VALUES)


@dataclass(frozen=True)
class After:
    """Stage, cell and base once a verdict has been carried out."""

    stage: Stage
    text: str
    base: StatusBase | None


def carried_out(base: StatusBase | None, stage: Stage, text: str, decided: Verdict) -> After:
    shown = RULES.shown(stage)
    if decided in SHEETWARD:
        return After(stage, shown, StatusBase(stage, shown, shown))
    if decided in AMOWARD:
        target = RULES.target(text, stage.pipeline_id)
        assert target is not None
        return After(target, text, StatusBase(target, RULES.shown(target), text))
    if decided in (Verdict.AGREE, Verdict.DIFFER):
        return After(stage, text, StatusBase(stage, shown, text))
    return After(stage, text, base)


@given(BASES, STAGES, TEXTS, WINNERS)
def test_once_carried_out_nothing_is_left_to_do(base: StatusBase | None, stage: Stage, text: str, winner: Winner) -> None:
    decided = verdict(base, stage, text, winner)
    assume(decided not in AMOWARD or RULES.target(text, stage.pipeline_id) is not None)

    after = carried_out(base, stage, text, decided)

    assert Verdict.NOTHING == verdict(after.base, after.stage, after.text, winner)


@given(BASES, STAGES, TEXTS)
def test_another_winner_changes_only_conflicts(base: StatusBase | None, stage: Stage, text: str) -> None:
    """And then it turns the verdict round, unless the text stands for no stage."""
    by_amo, by_sheet = verdict(base, stage, text, "amo"), verdict(base, stage, text, "sheet")

    if by_amo != by_sheet:
        assert (Verdict.CONFLICT_TO_SHEET, Verdict.CONFLICT_TO_AMO) == (by_amo, by_sheet)
    if by_amo is Verdict.CONFLICT_TO_SHEET and RULES.target(text, stage.pipeline_id) is not None:
        assert by_sheet is Verdict.CONFLICT_TO_AMO


@given(BASES, st.sampled_from(ALIKE), WINNERS)
def test_what_means_the_same_is_never_written_or_sent(base: StatusBase | None, alike: tuple[Stage, str], winner: Winner) -> None:
    stage, text = alike

    assert verdict(base, stage, text, winner) in (Verdict.NOTHING, Verdict.AGREE)


@given(STAGES, TEXTS, WINNERS)
def test_nothing_is_sent_at_a_first_meeting(stage: Stage, text: str, winner: Winner) -> None:
    assert verdict(None, stage, text, winner) not in AMOWARD


@given(STAGES, TEXTS, STAGES, WINNERS)
def test_a_cell_nobody_touched_is_never_sent(agreed: Stage, text: str, stage: Stage, winner: Winner) -> None:
    base = StatusBase(agreed, RULES.shown(agreed), text)

    assert verdict(base, stage, text, winner) not in AMOWARD


@given(STAGES, TEXTS, TEXTS, WINNERS)
def test_a_lead_nobody_moved_never_overwrites_a_cell(stage: Stage, agreed: str, text: str, winner: Winner) -> None:
    base = StatusBase(stage, RULES.shown(stage), agreed)

    assert verdict(base, stage, text, winner) not in SHEETWARD


def test_no_verdict_points_at_both_sides() -> None:
    assert not SHEETWARD & AMOWARD


@given(CELL_BASES, VALUES, VALUES)
def test_an_owned_cell_is_at_rest_once_carried_out(base: CellBase | None, amo: CellValue, cell: CellValue) -> None:
    """A cell that a person changed stays left as it is."""
    decided = merge_owned(base, amo, cell)
    if decided in SHEETWARD:
        base, cell = CellBase(amo, amo), amo
    elif decided in (Verdict.AGREE, Verdict.DIFFER):
        base = CellBase(amo, cell)

    expected = Verdict.LEAVE if decided is Verdict.LEAVE else Verdict.NOTHING
    assert expected == merge_owned(base, amo, cell)


@given(CELL_BASES, VALUES, VALUES)
def test_an_owned_cell_is_never_sent(base: CellBase | None, amo: CellValue, cell: CellValue) -> None:
    assert merge_owned(base, amo, cell) not in AMOWARD


@given(VALUES, VALUES, VALUES)
def test_an_owned_cell_is_written_only_when_amocrm_changed(amo: CellValue, sheet: CellValue, cell: CellValue) -> None:
    assert merge_owned(CellBase(amo, sheet), amo, cell) not in SHEETWARD


@given(VALUES, VALUES, VALUES, VALUES)
def test_a_write_over_a_persons_value_is_a_conflict(amo: CellValue, sheet: CellValue, now: CellValue, cell: CellValue) -> None:
    assume(not same_value(cell, sheet))

    assert merge_owned(CellBase(amo, sheet), now, cell) is not Verdict.TO_SHEET


def test_the_status_as_seen_now_says_what_the_merge_needs() -> None:
    seen = status_now(lead(stage=SENT), f" {SUCCESS} ", AGREED, RULES)

    assert StatusNow(SENT, AT_COURIER, SUCCESS, is_same=True, is_text_changed=True, has_target=True) == seen
