"""Writes that got lost or strayed: what is put right, and what people wrote themselves and is left alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Manner
from amo2gsheet.sandbox.sheets_people import Person
from tests.sync_bench import CUT_BEFORE, KILL_AFTER, KILL_BEFORE, before, is_rows, is_write, once, state_of, stopped
from tests.world import World

LATER_SECONDS = 400
"""No write that got lost can land any more."""
DAY_SECONDS = 86400
SENT = "Заказ отправлен"
REFUSED = "Отказ"
PRODUCT = "Продукт 1"
QUANTITY = "Количество 1"
BUDGET = "Бюджет сделки"
NAME = "Ф.И.О."
NAMES = ("Анна", "Борис", "Вера", "Галя", "Дина")


def _shop(folder: Path) -> tuple[World, list[int]]:
    """Five leads with rows, each with one tea."""
    world = World(folder)
    leads = [world.lead(name, price=5, fields={PRODUCT: "чай", QUANTITY: 1}) for name in NAMES]
    world.pull()
    return world, leads


def _stop(world: World, predicate: Callable[[Request], bool] = is_write, fault: Fault = KILL_BEFORE) -> None:
    """A `pull` dies of its first request of that kind."""
    world.sheets_wire.rule = once(predicate, fault)
    stopped(world.pull)
    world.sheets_wire.rule = world.sheets_wire.before_each = None


def _lose_a_coffee(world: World, lead: int) -> None:
    """A manager changes a product to coffee, and the run that was to write it dies first."""
    world.account.edit_lead(lead, fields={PRODUCT: "кофе"})
    _stop(world)


def _come_to_rest(world: World) -> None:
    """Let both commands run, now and once nothing can land late."""
    world.sheets_wire.rule = world.sheets_wire.before_each = None
    for seconds in (0, LATER_SECONDS):
        world.clock.advance(seconds)
        for run in (world.pull, world.push, world.pull):
            world.code(run)


def _run_later(world: World) -> None:
    """One `push` and one `pull`, once nothing can land late."""
    world.clock.advance(LATER_SECONDS)
    world.push()
    world.pull()


def _own_column(world: World, leads: Sequence[int], header: str, text: str) -> int:
    """Somebody inserts a column of their own and fills it; returns its number, counted from 1."""
    person = world.person
    person.insert_columns("Группа")
    column = person.column_of("Группа") - 1
    if header:
        person.type_at(1, column, header)
    for lead in leads:
        person.type_at(person.row_of(lead), column, text)
    return column


def _texts(world: World, leads: Sequence[int], column: int) -> list[object]:
    """What the leads' rows show in a column, by its number."""
    table = world.sheets.table()
    return [table[world.person.row_of(lead) - 1][column - 1] for lead in leads]


def _open_kinds(world: World) -> list[str]:
    """What kinds of writes are still open in the journal."""
    with state_of(world) as state:
        return [intent.kind for intent in state.open_intents()]


def _is_held(world: World, lead: int) -> bool:
    """Whether a person is asked about the lead."""
    return lead in [waiting.lead_id for waiting in world.waiting()]


# --- people's own values that look like a lost one ---


def test_a_column_without_a_header_is_left_alone(tmp_path: Path) -> None:
    """It has long shown what is being written when somebody inserts a row."""
    world, leads = _shop(tmp_path)
    column = _own_column(world, leads, "", "кофе")
    world.pull()
    world.push()
    _lose_a_coffee(world, leads[2])
    world.person.insert_rows(2)

    _come_to_rest(world)

    assert ["кофе"] * 5 == _texts(world, leads, column)


def test_columns_with_the_same_header_are_left_alone(tmp_path: Path) -> None:
    world, leads = _shop(tmp_path)
    _own_column(world, leads, "Мест", "да")
    column = _own_column(world, leads, "Мест", "кофе")
    world.pull()
    world.push()
    _lose_a_coffee(world, leads[2])
    world.person.insert_rows(2)

    _come_to_rest(world)

    assert (["да"] * 5, ["кофе"] * 5) == (_texts(world, leads, column - 1), _texts(world, leads, column))


def test_a_column_made_since_the_write_is_left_alone(tmp_path: Path) -> None:
    world, leads = _shop(tmp_path)
    _lose_a_coffee(world, leads[2])
    column = _own_column(world, leads, "Мест", "кофе")

    _come_to_rest(world)

    assert ["кофе"] * 5 == _texts(world, leads, column)


def test_a_protected_column_of_people_holds_nothing_up(tmp_path: Path) -> None:
    """It shows the value that was being written, and none of it may be emptied."""
    world, leads = _shop(tmp_path)
    _lose_a_coffee(world, leads[2])
    letter = chr(ord("A") + _own_column(world, leads, "Мест", "кофе") - 1)
    world.person.protect(f"{letter}1:{letter}50")
    _come_to_rest(world)
    world.move(leads[0], world.stage(SENT))

    _come_to_rest(world)

    assert ("У курера", []) == (world.status(leads[0]), _open_kinds(world))


def test_a_line_that_people_insert_is_left_alone(tmp_path: Path) -> None:
    """A row was inserted above, too."""
    world, leads = _shop(tmp_path)
    _lose_a_coffee(world, leads[2])
    world.person.insert_rows(3)
    row_number = world.person.row_of(leads[-1]) + 1
    world.person.type(PRODUCT, "кофе", row=row_number)
    world.person.type(NAME, "Иван", row=row_number)

    _come_to_rest(world)

    assert "кофе" == world.person.see(PRODUCT, row=row_number)


def test_a_line_that_people_write_below_the_table_is_left_alone(tmp_path: Path) -> None:
    """A row was deleted above, and their line stands right below the last one."""
    world, leads = _shop(tmp_path)
    _lose_a_coffee(world, leads[2])
    world.person.delete_row(leads[0])
    world.person.type(PRODUCT, "кофе", row=7)
    world.person.type(NAME, "Иван", row=7)

    _come_to_rest(world)

    assert "кофе" == world.person.see(PRODUCT, row=7)


def test_a_value_that_landed_late_while_a_row_was_inserted_for_a_moment_is_taken_back(tmp_path: Path) -> None:
    """Somebody takes the row back before anybody looks: nothing has moved, but another lead shows what was meant for this one."""
    world, leads = _shop(tmp_path)
    world.account.edit_lead(leads[2], fields={PRODUCT: "кофе"})
    world.sheets_wire.rule = once(is_write, Fault(Manner.LATE, after=900))
    world.code(world.pull)
    world.account.edit_lead(leads[2], fields={PRODUCT: "чай"})
    world.person.insert_rows(2)
    world.sheets_wire.land()
    world.person.undo()
    assert "кофе" == world.person.see(PRODUCT, lead=leads[1])

    _come_to_rest(world)

    assert ["чай"] * 5 == [world.person.see(PRODUCT, lead=lead) for lead in leads]


def test_the_same_value_typed_for_another_lead_stays(tmp_path: Path) -> None:
    world, leads = _shop(tmp_path)
    _lose_a_coffee(world, leads[2])
    world.person.type(PRODUCT, "кофе", lead=leads[4])
    world.person.insert_rows(2)

    _come_to_rest(world)

    assert "кофе" == world.person.see(PRODUCT, lead=leads[4])


def test_the_same_status_picked_for_another_lead_is_carried_over(tmp_path: Path) -> None:
    """The manager's own move never reached the sheet, and somebody inserts a row."""
    world, leads = _shop(tmp_path)
    world.move(leads[2], world.stage(REFUSED))
    _stop(world)
    world.pick(leads[4], REFUSED)
    world.person.insert_rows(2)

    _come_to_rest(world)

    assert (REFUSED, REFUSED) == (world.status(leads[4]), world.stage_of(leads[4]))


# --- rows without an ID ---


def test_a_row_whose_id_people_cleared_keeps_what_was_written_to_it(tmp_path: Path) -> None:
    """They keep it as a note; the write emptied a cell of it, but not that of the ID."""
    world, leads = _shop(tmp_path)
    world.account.edit_lead(leads[2], fields={PRODUCT: None, QUANTITY: 2})
    _stop(world, fault=KILL_AFTER)
    row_number = world.person.row_of(leads[2])
    world.person.clear_cell("ID", lead=leads[2])

    _come_to_rest(world)

    assert (None, 2) == tuple(world.person.see(header, row=row_number) or None for header in (PRODUCT, QUANTITY))


def test_a_row_whose_id_people_cleared_keeps_what_they_typed_into_it(tmp_path: Path) -> None:
    """The same value was written to another row, together with an empty cell."""
    world, leads = _shop(tmp_path)
    world.account.edit_lead(leads[2], fields={PRODUCT: "кофе", QUANTITY: None})
    _stop(world, fault=KILL_AFTER)
    row_number = world.person.row_of(leads[4])
    world.person.type(PRODUCT, "кофе", row=row_number)
    world.person.clear_cell("ID", lead=leads[4])

    _come_to_rest(world)

    assert "кофе" == world.person.see(PRODUCT, row=row_number)


def _list_of_numbers(world: World) -> int:
    """Somebody makes a column for the numbers of other leads; returns its number."""
    column = 22
    world.person.insert_columns(column)
    world.person.type_at(1, column, "Повтор")
    return column


def test_a_note_of_a_deleted_lead_does_not_become_its_row(tmp_path: Path) -> None:
    """The insert landed, its run died; people delete the row and note its number in a line of their own."""
    world, leads = _shop(tmp_path)
    new = world.lead("Новый")
    _stop(world, is_rows, KILL_AFTER)
    world.person.delete_row(new)
    row_number = world.person.row_of(leads[-1]) + 2
    world.person.type_at(row_number, _list_of_numbers(world), str(new))
    world.person.type(NAME, "см. старый", row=row_number)

    _come_to_rest(world)

    assert not world.person.see("ID", row=row_number)


def test_an_insert_is_put_right_though_another_row_names_its_lead(tmp_path: Path) -> None:
    """Columns move at the moment of the insert, and the lead's number stands in somebody's list, too."""
    world, leads = _shop(tmp_path)
    column = _list_of_numbers(world)
    new = world.lead("Новый", price=9, fields={PRODUCT: "кофе"})
    world.person.type_at(world.person.row_of(leads[1]), column, str(new))
    world.sheets_wire.before_each = before(is_rows, lambda: world.person.move_column("Заказ №", "Группа"))
    world.code(world.pull)

    _come_to_rest(world)

    assert "кофе" == world.row(new)[PRODUCT]


INSERT_HANDS: dict[str, Callable[[Person], None]] = {
    "a column is dragged": lambda person: person.move_column("Заказ №", "Группа"),
    "a column is inserted": lambda person: person.insert_columns(PRODUCT),
}


@pytest.mark.parametrize("hand", INSERT_HANDS)
def test_an_insert_is_put_right_where_neighbours_show_the_same(tmp_path: Path, hand: str) -> None:
    """Two quantities stand side by side: what strayed under the second one is what belongs there."""
    world = World(tmp_path)
    world.account.add_lead_field("Количество 2", "numeric")
    world.account.add_lead_field("Продукт 2", "text")
    world.lead("Анна")
    world.pull()
    expected = {PRODUCT: "чай", QUANTITY: 2, "Продукт 2": "чай", "Количество 2": 2}
    new = world.lead("Борис", price=7, fields=expected)
    world.person.move_column("Количество 2", "Продукт 2")
    world.sheets_wire.before_each = before(is_rows, lambda: INSERT_HANDS[hand](world.person))

    for run in (world.pull, world.pull, world.push, world.pull):
        world.code(run)

    assert expected == {header: world.row(new)[header] for header in expected}
    assert [ExitCode.DONE] * 2 == [world.code(world.pull), world.code(world.push)]


def test_new_rows_are_put_right_though_one_is_deleted_and_brought_back_meanwhile(tmp_path: Path) -> None:
    """Its row shows what was meant for the next one then, and nobody has seen what it showed before."""
    world = World(tmp_path)
    world.pull()
    new = {product: world.lead(product, fields={PRODUCT: product}) for product in ("чай", "кофе", "мёд")}
    first = new["чай"]
    hands: list[tuple[Callable[[Request], bool], Callable[[], None]]] = [
        (is_rows, lambda: world.person.insert_columns(PRODUCT)),
        (is_write, lambda: world.person.delete_row(first)),
        (is_write, lambda: None),
        (is_write, world.person.undo),
    ]

    def hand(_number: int, request: Request) -> None:
        if hands and hands[0][0](request):
            hands.pop(0)[1]()

    world.sheets_wire.before_each = hand
    world.code(world.pull)
    _come_to_rest(world)

    assert [] == hands
    assert {lead: product for product, lead in new.items()} == {row["ID"]: row[PRODUCT] for row in world.rows()}


# --- a lost write that was repeated ---


def _pick_and_correct(world: World, lead: int) -> None:
    """A courier picks a refusal, which is pushed, and a minute later the status of before."""
    world.pick(lead, REFUSED)
    world.push()
    assert REFUSED == world.stage_of(lead)
    world.pick(lead, "У курера")
    world.push()
    world.pull()
    _run_later(world)


@pytest.mark.parametrize("fault", [CUT_BEFORE, KILL_BEFORE], ids=["no answer", "killed"])
def test_a_pick_that_is_corrected_to_the_text_of_a_repeated_write_is_carried_over_or_asked_about(
    tmp_path: Path, fault: Fault
) -> None:
    """A courier picks a refusal, which is pushed, and a minute later what the lost write was to show."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage(SENT))
    world.sheets_wire.rule = once(is_write, fault)
    if fault is KILL_BEFORE:
        stopped(world.pull)
    world.pull()
    world.sheets_wire.rule = None
    assert "У курера" == world.status(lead)

    _pick_and_correct(world, lead)

    assert "У курера" == world.status(lead)
    assert world.stage_of(lead) == SENT or _is_held(world, lead)


def test_a_pick_of_what_a_manager_took_back_is_never_unheard_of(tmp_path: Path) -> None:
    """The write of the refusal never landed, the lead was moved back; three minutes later a courier picks the refusal.

    Nobody can tell that from the write landing late, which must move no lead: then the history tells of it.
    """
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage(REFUSED))
    _stop(world)
    world.move(lead, world.trigger)
    world.pull()
    world.push()
    world.pick(lead, REFUSED)

    for run in (world.push, world.pull, world.push, world.pull):
        run()
    _run_later(world)

    is_told = any(entry.old == REFUSED for entry in world.history(lead))
    assert world.stage_of(lead) == REFUSED or _is_held(world, lead) or is_told


def test_a_status_written_to_the_next_row_since_is_no_stray(tmp_path: Path) -> None:
    """One lead's write never landed, the next lead gets the same status later, and a row above is deleted."""
    world = World(tmp_path)
    anna, boris, vera = [world.lead(name) for name in NAMES[:3]]
    world.pull()
    world.move(boris, world.stage(SENT))
    _stop(world)
    world.move(vera, world.stage(SENT))
    world.pull()
    world.person.delete_row(anna)

    for run in (world.push, world.pull, world.push):
        world.code(run)
    _run_later(world)

    assert (SENT, "У курера") == (world.stage_of(vera), world.status(vera))


def test_a_value_written_to_the_next_row_since_is_no_stray(tmp_path: Path) -> None:
    world = World(tmp_path)
    anna, boris, vera = [world.lead(name, price=5) for name in NAMES[:3]]
    world.pull()
    world.account.edit_lead(boris, price=7)
    _stop(world)
    world.account.edit_lead(vera, price=7)
    world.pull()
    world.person.delete_row(anna)

    for run in (world.push, world.pull):
        world.code(run)
    _run_later(world)
    world.pull(full=True)

    assert 7 == world.person.see(BUDGET, lead=vera)


# --- a write that stays open because of another row ---


def _half_gone(folder: Path, **settings: str) -> tuple[World, int]:
    """A write of two budgets landed, its run died, and one of the two rows was deleted; the lead of the other one."""
    world = World(folder, **settings)
    anna, boris = [world.lead(name, price=5, fields={PRODUCT: "чай"}) for name in NAMES[:2]]
    world.pull()
    for lead in (anna, boris):
        world.account.edit_lead(lead, price=7)
    _stop(world, fault=KILL_AFTER)
    world.person.delete_row(boris)
    return world, anna


def _half_gone_statuses(folder: Path) -> tuple[World, int]:
    """The same with two statuses."""
    world = World(folder)
    anna, boris = [world.lead(name) for name in NAMES[:2]]
    world.pull()
    for lead in (anna, boris):
        world.move(lead, world.stage(SENT))
    _stop(world, fault=KILL_AFTER)
    world.person.delete_row(boris)
    return world, anna


def test_a_pick_that_is_corrected_while_a_write_stays_open_is_carried_over(tmp_path: Path) -> None:
    """It goes back to the very status that the write had shown."""
    world, lead = _half_gone_statuses(tmp_path)
    world.pull()

    _pick_and_correct(world, lead)

    assert (SENT, "У курера") == (world.stage_of(lead), world.status(lead))


def test_what_landed_is_told_once_while_a_write_stays_open(tmp_path: Path) -> None:
    world, lead = _half_gone_statuses(tmp_path)

    for _ in range(4):
        world.push()

    assert 1 == len(world.history(lead, "written"))


def test_a_pick_pushed_while_a_write_stays_open_is_pushed_once(tmp_path: Path) -> None:
    """The base does not go back to what the write was to agree on."""
    world, lead = _half_gone(tmp_path)
    world.pull()
    world.pick(lead, REFUSED)
    world.push()
    assert REFUSED == world.stage_of(lead)
    patches = world.patches()

    for run in (world.push, world.pull, world.push):
        run()

    assert (REFUSED, REFUSED, patches) == (world.stage_of(lead), world.status(lead), world.patches())


def test_a_correction_made_while_a_write_stays_open_stays(tmp_path: Path) -> None:
    """amoCRM changed the product since, that was written, and then somebody typed another one."""
    world, lead = _half_gone(tmp_path)
    world.account.edit_lead(lead, fields={PRODUCT: "кофе"})
    world.pull()
    assert "кофе" == world.person.see(PRODUCT, lead=lead)
    world.person.type(PRODUCT, "какао", lead=lead)

    for run in (world.push, world.pull, world.push):
        run()
    world.clock.advance(LATER_SECONDS)
    for run in (world.pull, world.push):
        run()

    assert "какао" == world.person.see(PRODUCT, lead=lead)


@pytest.mark.parametrize("winner", ["amo", "sheet"])
def test_a_move_after_a_pick_is_no_conflict_while_a_write_stays_open(tmp_path: Path, winner: str) -> None:
    world, lead = _half_gone(tmp_path, CONFLICT_WINNER=winner)
    world.pick(lead, REFUSED)
    world.push()
    assert REFUSED == world.stage_of(lead)
    world.move(lead, world.stage(SENT))

    for run in (world.push, world.pull, world.push):
        run()
    world.clock.advance(LATER_SECONDS)
    for run in (world.pull, world.push):
        run()

    assert (SENT, "У курера") == (world.stage_of(lead), world.status(lead))
    assert [] == world.history(lead, "conflict")


# --- a write without an answer, and a pick of the same text ---


def test_a_doubtful_pick_is_told_at_most_once(tmp_path: Path) -> None:
    """A courier picks for another lead what was being written when Google gave no answer."""
    world = World(tmp_path)
    anna, boris = [world.lead(name) for name in NAMES[:2]]
    world.pull()
    world.move(anna, world.stage(REFUSED))
    world.sheets_wire.rule = once(is_write, CUT_BEFORE)
    world.once(world.sheets_wire, is_write, lambda: world.pick(boris, REFUSED))

    world.code(world.pull)
    for _ in range(4):
        world.push()
        world.pull()
    _run_later(world)

    assert len(world.history(boris, "doubtful")) <= 1


def test_a_pick_made_before_a_lost_write_stays_though_rows_moved(tmp_path: Path) -> None:
    world = World(tmp_path)
    anna, _, vera = [world.lead(name) for name in NAMES[:3]]
    world.pull()
    world.move(anna, world.stage(REFUSED))
    world.sheets_wire.rule = once(is_write, CUT_BEFORE)
    world.once(world.sheets_wire, is_write, lambda: world.pick(vera, REFUSED))
    world.code(world.pull)
    world.person.insert_rows(2)

    for _ in range(3):
        world.push()
        world.pull()
    _run_later(world)

    assert REFUSED == world.status(vera)


# --- what the journal holds ---


def test_a_protected_row_with_a_stray_holds_up_no_other_lead(tmp_path: Path) -> None:
    """A row is deleted at the moment of the write, its run dies, and somebody protects the row that it hit.

    A day later it is not tried any more.
    """
    world, leads = _shop(tmp_path)
    world.account.edit_lead(leads[2], fields={PRODUCT: "кофе"})
    world.sheets_wire.before_each = before(is_write, lambda: world.person.delete_row(leads[0]))
    _stop(world, fault=KILL_AFTER)
    assert "кофе" == world.person.see(PRODUCT, lead=leads[3])
    row_number = world.person.row_of(leads[3])
    world.person.protect(f"A{row_number}:Z{row_number}")
    world.move(leads[1], world.stage(SENT))

    _come_to_rest(world)
    assert "У курера" == world.status(leads[1])
    world.clock.advance(DAY_SECONDS)
    _come_to_rest(world)

    assert ("У курера", []) == (world.status(leads[1]), _open_kinds(world))


@pytest.mark.parametrize("missing", ["is_repeated", "landed", "column of a trace"])
def test_an_intent_of_an_older_version_is_settled(tmp_path: Path, missing: str) -> None:
    world, leads = _shop(tmp_path)
    if missing == "landed":
        world.lead("Новый")
        _stop(world, is_rows, KILL_AFTER)
    else:
        world.account.edit_lead(leads[2], fields={PRODUCT: "кофе"})
        _stop(world, fault=KILL_AFTER)
    with state_of(world) as state:
        (intent,) = state.open_intents()
        payload = dict(intent.payload)
        if missing == "column of a trace":
            payload["traces"] = [[leads[2], 4, 5, "кофе"]]
        else:
            del payload[missing]
        state.update_intent(intent.id, payload)

    assert ExitCode.DONE == world.code(world.pull)
    assert [] == _open_kinds(world)


# --- whatever people do at the moment of the write, and after it ---

MEANWHILE: dict[str, Callable[[Person, list[int]], None]] = {
    "the ID column moves onto the product": lambda person, _: person.move_column("ID", PRODUCT),
    "the ID column moves onto the phone": lambda person, _: person.move_column("ID", "Контактный номер"),
    "the quantity moves to the front": lambda person, _: person.move_column(QUANTITY, "ID"),
    "the budget moves to the front": lambda person, _: person.move_column(BUDGET, "ID"),
    "a row is deleted": lambda person, leads: person.delete_row(leads[0]),
    "a row is inserted on top": lambda person, _: person.insert_rows(1),
    "a column is inserted in front": lambda person, _: person.insert_columns(1),
    "a column is deleted": lambda person, _: person.delete_columns("Контактный номер"),
}
AFTERWARDS: dict[str, Callable[[Person, int, list[int]], None]] = {
    "nothing": lambda _person, _number, _leads: None,
    "an ID is cleared": lambda person, number, _: person.clear_cell("ID", row=number),
    "an ID is typed": lambda person, number, leads: person.type("ID", str(leads[2]), row=number),
    "a row is doubled": lambda person, number, _: person.duplicate_row(row=number),
    "rows are sorted": lambda person, _number, _leads: person.sort(NAME, descending=True),
    "a row is deleted": lambda person, number, _: person.delete_rows(number),
    "a product is typed": lambda person, number, _: person.type(PRODUCT, "какао", row=number),
    "the ID column moves to the front": lambda person, _number, _leads: person.move_column("ID", 1),
}
PAIRS = [
    pytest.param(meanwhile, afterwards, marks=[] if first == second else [pytest.mark.slow])
    for first, meanwhile in enumerate(MEANWHILE)
    for second, afterwards in enumerate(AFTERWARDS)
]
"""Each deed of both kinds once; the other pairs take a minute."""


@pytest.mark.parametrize("fault", [KILL_AFTER, None], ids=["killed", "answered"])
@pytest.mark.parametrize(("meanwhile", "afterwards"), PAIRS)
def test_whatever_people_do_at_a_write_and_after_it_each_row_stays_its_leads(
    tmp_path: Path, meanwhile: str, afterwards: str, fault: Fault | None
) -> None:
    """Only the row whose ID people cleared or typed over keeps what they left there."""
    world, leads = _shop(tmp_path)
    for lead in leads[1:3]:
        world.account.edit_lead(lead, price=70, fields={QUANTITY: 2, PRODUCT: None})
        world.move(lead, world.stage(REFUSED))
    world.sheets_wire.before_each = before(is_write, lambda: MEANWHILE[meanwhile](world.person, leads))
    if fault is None:
        world.code(world.pull)
        world.sheets_wire.before_each = None
    else:
        _stop(world, fault=fault)
    row_number = world.person.header_row() + 2
    ids: dict[object, object] = dict(zip(NAMES, leads, strict=True))
    typed = {"an ID is cleared": None, "an ID is typed": leads[2]}
    if afterwards in typed:
        ids[world.person.see(NAME, row=row_number)] = typed[afterwards]
    AFTERWARDS[afterwards](world.person, row_number, leads)
    expected = [(ids[name], name) for _, name in _ids_and_names(world)]

    _come_to_rest(world)

    assert [ExitCode.DONE] * 2 == [world.code(world.pull), world.code(world.push)]
    assert expected == _ids_and_names(world)
    assert [] == _open_kinds(world)


def _ids_and_names(world: World) -> list[tuple[object, object]]:
    """ID and name of each row below the header, wherever that stands."""
    person, table = world.person, world.sheets.table()
    row_numbers = range(person.header_row() + 1, len(table) + 1)
    return [(person.see("ID", row=number) or None, person.see(NAME, row=number)) for number in row_numbers]
