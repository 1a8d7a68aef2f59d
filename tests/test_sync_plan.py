"""Plans of one row, of a new row and of the moves, and the guard over them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from amo2gsheet.model import (
    Base,
    CellBase,
    CellFormat,
    CellValue,
    Columns,
    Lead,
    LeadField,
    NewCell,
    NewRow,
    Row,
    Stage,
    StatusBase,
)
from amo2gsheet.sync.plan import (
    CellPlan,
    Guard,
    LeadNow,
    MovePlan,
    NewRowPlan,
    PushPlan,
    RowPlan,
    Winner,
    cell_text,
    plan_new_row,
    plan_push,
    plan_row,
)
from tests.sync_bench import (
    BASE_SENT,
    COLUMNS,
    NAME,
    NEW,
    NOTE,
    REFUSED,
    RULES,
    SENT,
    STATUS_INDEX,
    TRIGGER,
    TWIN,
    WON,
    base,
    lead,
    row,
)

IN_PROGRESS = "В процессе"


def planned(
    lead: Lead,
    cells: Row,
    agreed: Base | None,
    *,
    name: CellValue = "Анна",
    winner: Winner = "amo",
    columns: Columns = COLUMNS,
    sync_text: str | None = None,
    takes_amo: bool = False,
) -> RowPlan:
    now = LeadNow(lead, {"name": name})
    return plan_row(now, cells, agreed, columns, RULES, winner, sync_text=sync_text, takes_amo=takes_amo)


# --- a row that stands ---


def test_a_row_at_rest_needs_no_write_and_keeps_its_base() -> None:
    agreed = base(name="Анна")

    plan = planned(lead(), row(2, 1, "Анна", "заметка", IN_PROGRESS), agreed)

    assert RowPlan(1, 2, (), agreed) == plan


def test_only_what_amocrm_changed_is_written() -> None:
    plan = planned(lead(stage=SENT), row(5, 1, "Анна", "заметка", IN_PROGRESS), base(name="Анна"))

    assert (CellPlan("status", STATUS_INDEX, IN_PROGRESS, "У курера"),) == plan.writes
    assert base(stage=SENT, name="Анна") == plan.base
    assert 5 == plan.row_number


def test_a_cell_that_a_person_changed_stays_until_amocrm_changes() -> None:
    """And keeps its base, so that amoCRM's next value counts as a conflict."""
    agreed, cells = base(name="Анна"), row(2, 1, "Анна Петровна", None, IN_PROGRESS)

    left = planned(lead(), cells, agreed)
    taken = planned(lead(), cells, left.base, name="Алина")

    assert ((), agreed) == (left.writes, left.base)
    assert (CellPlan("name", NAME, "Анна Петровна", "Алина", is_conflict=True),) == taken.writes


def test_an_emptied_cell_that_amocrm_fills_anew_is_a_conflict() -> None:
    plan = planned(lead(), row(2, 1, None, None, IN_PROGRESS), base(name="Анна"), name="Алина")

    assert (CellPlan("name", NAME, None, "Алина", is_conflict=True),) == plan.writes


def test_a_value_that_differed_at_the_first_meeting_is_a_persons_when_it_is_replaced() -> None:
    agreed = {"name": CellBase("Анна", "Аня")}
    plan = planned(lead(), row(2, 1, "Аня", None, IN_PROGRESS), Base(1, base().status, agreed), name="Алина")

    assert (CellPlan("name", NAME, "Аня", "Алина", is_conflict=True),) == plan.writes


def test_amocrms_own_old_value_is_replaced_without_a_conflict() -> None:
    plan = planned(lead(), row(2, 1, "Анна", None, IN_PROGRESS), base(name="Анна"), name="Алина")

    assert (CellPlan("name", NAME, "Анна", "Алина", is_conflict=False),) == plan.writes


def test_a_first_meeting_fills_empty_cells_and_leaves_others() -> None:
    plan = planned(lead(stage=SENT), row(3, 1, "Аня", "заметка", ""), None)

    assert (CellPlan("status", STATUS_INDEX, "", "У курера"),) == plan.writes
    assert ("name",) == plan.differing
    assert Base(1, StatusBase(SENT, "У курера", "У курера"), {"name": CellBase("Анна", "Аня")}) == plan.base


def test_a_status_that_differs_at_the_first_meeting_is_remembered_on_both_sides() -> None:
    plan = planned(lead(stage=SENT), row(3, 1, "Анна", None, "Отказ"), None)

    assert ((), ("status",), False) == (plan.writes, plan.differing, plan.is_left_to_push)
    assert StatusBase(SENT, "У курера", "Отказ") == plan.base.status


def test_what_meets_alike_is_agreed_as_the_cell_spells_it() -> None:
    plan = planned(lead(stage=SENT), row(3, 1, "Анна", None, "Успешно"), None)

    assert ((), StatusBase(SENT, "У курера", "Успешно")) == (plan.writes, plan.base.status)


def test_a_header_added_later_meets_its_field_for_the_first_time() -> None:
    """The other columns go by their bases."""
    filled = planned(lead(), row(2, 1, None, None, IN_PROGRESS), base())
    left = planned(lead(), row(2, 1, "Аня", None, IN_PROGRESS), base())

    assert ((CellPlan("name", NAME, None, "Анна"),), ()) == (filled.writes, filled.differing)
    assert ((), ("name",)) == (left.writes, left.differing)


def test_the_base_of_a_column_that_is_gone_goes_too() -> None:
    plan = planned(lead(), row(2, 1, "Анна", None, IN_PROGRESS), base(name="Анна", price=5))

    assert base(name="Анна") == plan.base


def test_a_pick_is_left_to_push_and_its_base_with_it() -> None:
    agreed = base(name="Анна")

    plan = planned(lead(), row(2, 1, "Анна", None, "Отказ"), agreed)

    assert RowPlan(1, 2, (), agreed, is_left_to_push=True) == plan


@pytest.mark.parametrize(("winner", "is_written"), [("amo", True), ("sheet", False)])
def test_a_conflict_is_written_by_pull_only_when_amocrm_wins(winner: Winner, is_written: bool) -> None:
    """Else the base stays, so that `push` sees the same conflict."""
    agreed = base(name="Анна")

    plan = planned(lead(stage=SENT), row(2, 1, "Анна", None, "Отказ"), agreed, winner=winner)

    expected = (CellPlan("status", STATUS_INDEX, "Отказ", "У курера", is_conflict=True),)
    assert (expected if is_written else ()) == plan.writes
    assert (base(stage=SENT, name="Анна") if is_written else agreed) == plan.base
    assert (not is_written) == plan.is_left_to_push


def test_a_move_between_stages_shown_alike_moves_only_the_base() -> None:
    agreed = base(text="в процессе", name="Анна")

    plan = planned(lead(stage=TWIN), row(2, 1, "Анна", None, "в процессе "), agreed)

    assert ((), StatusBase(TWIN, IN_PROGRESS, "в процессе ")) == (plan.writes, plan.base.status)


def test_a_move_to_a_stage_shown_alike_keeps_a_text_that_stood_aside() -> None:
    """The cell differed since the first meeting and nobody touched it: it does not become agreed."""
    agreed = base(text="Отказ", name="Анна")

    plan = planned(lead(stage=TWIN), row(2, 1, "Анна", None, " отказ"), agreed)

    assert ((), StatusBase(TWIN, IN_PROGRESS, "Отказ")) == (plan.writes, plan.base.status)


def test_a_number_in_the_status_column_is_a_text_that_means_nothing() -> None:
    plan = planned(lead(), row(2, 1, "Анна", None, 5), base(name="Анна"))

    assert ((), True) == (plan.writes, plan.is_left_to_push)


SYNCED = Columns({**COLUMNS.index, "sync": NOTE})


@pytest.mark.parametrize(
    ("shown", "wanted", "expected"),
    [
        ("", "ID дважды", (CellPlan("sync", NOTE, "", "ID дважды"),)),
        ("ID дважды", "", (CellPlan("sync", NOTE, "ID дважды", None),)),
        (None, "", ()),
        ("ID дважды", "ID дважды", ()),
        ("заметка", None, ()),
    ],
)
def test_the_column_of_reasons_shows_what_is_so(shown: CellValue, wanted: str | None, expected: tuple[CellPlan, ...]) -> None:
    plan = planned(lead(), row(2, 1, "Анна", shown, IN_PROGRESS), base(name="Анна"), columns=SYNCED, sync_text=wanted)

    assert (expected, base(name="Анна")) == (plan.writes, plan.base)


def test_a_sheet_without_the_column_of_reasons_gets_none() -> None:
    assert () == planned(lead(), row(2, 1, "Анна", None, IN_PROGRESS), base(name="Анна"), sync_text="ID дважды").writes


# --- giving in to amoCRM ---


def test_giving_in_takes_amocrms_side_of_what_differs_now() -> None:
    plan = planned(lead(stage=SENT), row(2, 1, "Аня", None, "Отказ"), None, takes_amo=True)

    expected = (
        CellPlan("name", NAME, "Аня", "Анна", is_conflict=True),
        CellPlan("status", STATUS_INDEX, "Отказ", "У курера", is_conflict=True),
    )
    assert expected == plan.writes
    assert (base(stage=SENT, name="Анна"), ()) == (plan.base, plan.differing)


def test_giving_in_takes_amocrms_side_of_what_differed_before() -> None:
    agreed = Base(1, StatusBase(SENT, "У курера", "Отказ"), {"name": CellBase("Анна", "Аня")})

    plan = planned(lead(stage=SENT), row(2, 1, "Аня", None, "Отказ"), agreed, takes_amo=True)

    assert ["name", "status"] == [cell.key for cell in plan.writes]


def test_giving_in_touches_nothing_else() -> None:
    """A cell typed since, and a pick that `push` has yet to carry over, stay."""
    plan = planned(lead(), row(2, 1, "Аня", None, "Отказ"), base(name="Анна"), takes_amo=True)

    assert ((), True) == (plan.writes, plan.is_left_to_push)


def test_giving_in_has_nothing_to_do_where_both_mean_the_same() -> None:
    plan = planned(lead(stage=SENT), row(2, 1, "Анна", None, "Успешно"), None, takes_amo=True)

    assert ((), StatusBase(SENT, "У курера", "Успешно")) == (plan.writes, plan.base.status)


# --- a new row ---


def test_a_new_row_has_a_cell_with_a_format_for_every_column_of_ours() -> None:
    columns = Columns({"id": 0, "field:9": 2, "sync": 3, "status": 5}, ("Заметка",))
    now = LeadNow(lead(8, SENT), {"field:9": None})

    plan = plan_new_row(now, columns, RULES, [LeadField(9, "Дата", "date")])

    cells = {
        0: NewCell(8, CellFormat.ID),
        2: NewCell(None, CellFormat.DATE),
        3: NewCell(None, CellFormat.TEXT),
        5: NewCell("У курера", CellFormat.TEXT),
    }
    agreed = Base(8, StatusBase(SENT, "У курера", "У курера"), {"field:9": CellBase(None, None)})
    values = {"field:9": None, "id": 8, "status": "У курера", "sync": None}
    assert NewRowPlan(NewRow(8, cells), agreed, values) == plan


def test_a_number_with_a_fraction_is_shown_with_it() -> None:
    columns = Columns({"id": 0, "price": 1, "status": 2})
    formats = [
        plan_new_row(LeadNow(lead(), {"price": price}), columns, RULES, []).row.cells[1].format for price in (5, 5.0, 5.5, None)
    ]

    assert [CellFormat.NUMBER, CellFormat.NUMBER, CellFormat.DECIMAL, CellFormat.NUMBER] == formats


# --- push ---


def pushed(
    stage: Stage, text: str, agreed: Base | None, winner: Winner = "amo", leads: Mapping[int, Lead] | None = None
) -> PushPlan:
    now = {1: lead(stage=stage)} if leads is None else leads
    return plan_push(now, {1: (7, text)}, {1: agreed} if agreed else {}, RULES, winner)


def test_a_pick_becomes_a_move_in_the_leads_own_pipeline() -> None:
    agreed = base(name="Анна")
    after = Base(1, StatusBase(SENT, "У курера", "Успешно"), agreed.cells)

    assert PushPlan(moves=(MovePlan(1, 7, "Успешно", IN_PROGRESS, TRIGGER, SENT, after),)) == pushed(TRIGGER, "Успешно", agreed)


def test_a_pick_that_is_so_already_is_agreed_without_a_request() -> None:
    agreed = base(stage=SENT, name="Анна")

    expected = PushPlan(agreed=(Base(1, StatusBase(SENT, "У курера", "Успешно"), agreed.cells),))
    assert expected == pushed(SENT, "Успешно", agreed)


def test_a_pick_that_amocrm_followed_by_itself_is_agreed() -> None:
    expected = PushPlan(agreed=(Base(1, StatusBase(WON, "Успешно", "Успешно")),))
    assert expected == pushed(WON, "Успешно", base())


@pytest.mark.parametrize(
    ("stage", "text", "expected"),
    [(BASE_SENT, "Отказ", ("Отказ", True)), (TRIGGER, "завтра", ("завтра", False)), (TRIGGER, "", ("", False))],
    ids=["no such stage in the pipeline", "no dropdown value", "emptied"],
)
def test_a_text_that_stands_for_no_stage_is_named_and_not_sent(stage: Stage, text: str, expected: tuple[str, bool]) -> None:
    assert PushPlan(unresolved={1: expected}) == pushed(stage, text, base(stage=stage))


def test_a_conflict_that_amocrm_wins_is_left_to_pull() -> None:
    assert PushPlan(left_to_pull=(1,)) == pushed(SENT, "Отказ", base())


def test_a_conflict_that_the_sheet_wins_is_a_move_from_where_the_lead_stands_now() -> None:
    (move,) = pushed(SENT, "Отказ", base(), "sheet").moves

    assert (True, SENT, REFUSED, IN_PROGRESS) == (move.is_conflict, move.origin, move.target, move.old_text)


def test_a_text_without_a_stage_loses_against_a_move_whoever_wins() -> None:
    assert PushPlan(left_to_pull=(1,)) == pushed(SENT, "завтра", base(), "sheet")


def test_what_only_amocrm_changed_is_no_affair_of_push() -> None:
    assert PushPlan() == pushed(NEW, IN_PROGRESS, base())


@pytest.mark.parametrize("agreed", [None, Base(1)], ids=["untracked", "no status agreed yet"])
def test_nothing_is_pushed_before_both_sides_have_met(agreed: Base | None) -> None:
    assert PushPlan() == pushed(TRIGGER, "Отказ", agreed)


def test_a_lead_that_could_not_be_read_is_left_out() -> None:
    assert PushPlan() == pushed(TRIGGER, "Отказ", base(), leads={})


@pytest.mark.parametrize(("cell", "text"), [(None, ""), ("Отказ", "Отказ"), (5, "5"), (True, "True")])
def test_a_status_cell_is_read_as_text(cell: CellValue, text: str) -> None:
    assert text == cell_text(cell)


# --- the guard ---

ROTATED = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "a")]


@pytest.mark.parametrize(
    ("changes", "moves", "tracked", "vanished", "word"),
    [
        ([], 0, 100, 99, None),
        ([], 50, 51, 0, None),
        ([], 51, 170, 0, None),
        ([], 51, 169, 0, "PUSH_LIMIT_PERCENT (30 %)"),
        ([], 500, 100_000, 0, None),
        ([], 501, 100_000, 0, "10 times PUSH_LIMIT"),
        ([], 1, 1000, 50, None),
        ([], 1, 1000, 51, "51 rows vanished"),
        (ROTATED, 5, 1000, 0, "5 status cells hold each other's old values"),
        (ROTATED, 0, 1000, 0, None),
        (ROTATED[:4], 4, 1000, 0, None),
        ([*ROTATED[:4], ("e", "f")], 5, 1000, 0, None),
        ([("a", "b"), ("b", "a")] * 3, 6, 1000, 0, "6 status cells"),
        ([("a", "b")] * 5, 5, 1000, 0, None),
    ],
    ids=[
        "nothing to move",
        "just the limit",
        "many, but few of all",
        "more than limit and share",
        "just ten times the limit",
        "more than ten times the limit",
        "just so many vanished",
        "more vanished",
        "a column sorted by itself",
        "sorted, nothing to move",
        "too few to tell",
        "one value came from elsewhere",
        "values swapped in pairs",
        "many picks of one value",
    ],
)
def test_the_guard(changes: list[tuple[str, str]], moves: int, tracked: int, vanished: int, word: str | None) -> None:
    objection = Guard(50, 30).objection(changes, moves, tracked, vanished)

    if word is None:
        assert objection is None
    else:
        assert objection is not None
        assert word in objection
