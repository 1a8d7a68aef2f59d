"""What the sync must withstand of people: at work in the tab while a run is under way, and on rows, columns and names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode, SheetLayoutError, UnavailableError
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, where
from tests.world import STATUS, World, is_cell_write

TRIGGER = "NOMERATSIYALANMAGAN ZAKAZ"
SENT = "Заказ отправлен"
ADDRESS = "Адрес"

HANDS: dict[str, Callable[[World], object]] = {
    "a column is inserted": lambda world: world.person.insert_columns(2),
    "the ID column moves": lambda world: world.person.move_column("ID", 12),
    "the status column moves": lambda world: world.person.move_column(STATUS, 1),
    "an address column moves": lambda world: world.person.move_column(ADDRESS, 2),
    "a row is inserted on top": lambda world: world.person.insert_rows(2),
    "rows are sorted": lambda world: world.person.sort("Ф.И.О.", descending=True),
    "a row is dragged": lambda world: world.person.move_row(2, row=6),
    "a row is deleted": lambda world: world.person.delete_rows(2),
    "the tab is renamed": lambda world: world.person.rename_tab("Заказы"),
    "a filter is set": lambda world: world.person.filter(STATUS, ["У курера"]),
    "the header moves down": lambda world: world.person.insert_rows(1, 2),
    "the grid is trimmed": lambda world: world.person.trim_grid(),
}


@pytest.mark.parametrize("hand", HANDS)
def test_people_at_work_at_any_request_of_a_pull(tmp_path: Path, hand: str) -> None:
    number = 1
    while number < 12:
        folder = tmp_path / str(number)
        folder.mkdir()
        world = World(folder)
        leads = [world.lead(f"Клиент {letter}", fields={ADDRESS: f"ул. {letter}"}) for letter in "абвгд"]
        world.pull()
        removed = world.rows()[0]["ID"] if hand == "a row is deleted" else None
        world.account.edit_lead(leads[1], fields={ADDRESS: "ул. Новая, 1"})
        world.move(leads[3], world.stage(SENT))
        new = world.lead("Клиент е", fields={ADDRESS: "ул. е"})
        first = world.sheets_wire.count
        world.sheets_wire.before_each = at_request(world, first + number, HANDS[hand])
        with suppress(AmoGsheetError):
            world.pull()
        was_reached = world.sheets_wire.before_each is None
        world.sheets_wire.before_each = None
        world.push()
        world.pull()

        expected = {lead: f"ул. {letter}" for lead, letter in zip(leads, "абвгд", strict=True)}
        expected |= {leads[1]: "ул. Новая, 1", new: "ул. е"}
        expected = {lead: text for lead, text in expected.items() if not (was_reached and lead == removed)}
        table = rows_below_header(world)
        assert {row["ID"]: row[ADDRESS] for row in table} == expected, f"at request {number}"
        assert len(table) == len(expected), f"at request {number}"
        assert {row[STATUS] for row in table if row["ID"] == leads[3]} <= {"У курера"}, f"at request {number}"
        assert world.patches() == 0
        world.assert_no_writes()
        if not was_reached:
            break
        number += 1

    assert number > 3


@pytest.mark.parametrize("column", [ADDRESS, STATUS])
def test_a_value_that_strays_into_the_header_row_is_taken_back(tmp_path: Path, column: str) -> None:
    """Somebody inserts a row on top at the very moment of the write to the first row."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    header = world.sheets.table()[0]
    if column == ADDRESS:
        world.account.edit_lead(lead, fields={ADDRESS: "ул. Новая, 1"})
    else:
        world.move(lead, world.stage(SENT))
    world.once(world.sheets_wire, is_cell_write, lambda: world.person.insert_rows(1))
    with suppress(AmoGsheetError):
        world.pull()
    with suppress(AmoGsheetError):
        world.pull()

    assert world.sheets.table()[1] == header
    assert world.person.see(column, lead=lead) == ("ул. Новая, 1" if column == ADDRESS else "У курера")


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_row_whose_id_was_written_over_gets_it_back(tmp_path: Path, is_killed: bool) -> None:
    """The ID column is dragged, at the moment of a write, to where the address stood."""
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    world.account.edit_lead(leads[1], fields={ADDRESS: "ул. Новая, 1"})
    place = world.person.column_of(ADDRESS)
    world.once(world.sheets_wire, is_cell_write, lambda: world.person.move_column("ID", place + 1))
    if is_killed:
        world.sheets_wire.rule = where(is_cell_write, Fault(Manner.KILL_AFTER))
        with suppress(Killed):
            world.pull()
        world.sheets_wire.rule = None
    for _ in range(2):
        world.pull()

    assert {"Анна": leads[0], "Борис": leads[1]} == {row["Ф.И.О."]: row["ID"] for row in world.rows()}
    assert world.person.see(ADDRESS, lead=leads[1]) == "ул. Новая, 1"
    assert world.code(world.pull) == ExitCode.DONE


DRAGS: dict[str, Callable[[World], None]] = {
    "a column is inserted": lambda world: world.person.insert_columns(4),
    "a column is dragged to the left": lambda world: world.person.move_column("Ответственный", 3),
    "a column is dragged to the right": lambda world: world.person.move_column("ID", "Ответственный"),
    "its column is dragged": lambda world: world.person.move_column("У курера", 3),
}


def _mended_while(world: World, *hands: Callable[[World], None]) -> None:
    """A `pull` whose write lands on the header, for somebody inserts a row on top; others act at the writes that follow."""
    acts = [lambda _world: world.person.insert_rows(1), *hands]

    def hand(_number: int, request: Request) -> None:
        if is_cell_write(request) and acts:
            acts.pop(0)(world)

    world.sheets_wire.before_each = hand
    with suppress(AmoGsheetError):
        world.pull()
    world.sheets_wire.before_each = None


@pytest.mark.parametrize("drag", DRAGS)
def test_a_header_that_is_put_back_while_columns_move_is_put_back_once_more(tmp_path: Path, drag: str) -> None:
    """Somebody inserts a row on top at the moment of the write, and moves columns at the moment of its repair."""
    world = World(tmp_path)
    leads = [world.lead("Анна"), world.lead("Борис")]
    world.pull()
    before = world.rows()
    for lead, stage in zip(leads, (SENT, "Отказ"), strict=True):
        world.move(lead, world.stage(stage))
    _mended_while(world, DRAGS[drag])
    with suppress(AmoGsheetError):
        world.pull()

    assert world.code(world.pull) == ExitCode.DONE
    now = [{text: value for text, value in row.items() if text != "None"} for row in rows_below_header(world)]
    assert now == [{**row, STATUS: text} for row, text in zip(before, ("У курера", "Отказ"), strict=True)]


def test_a_header_is_put_back_though_another_column_is_deleted(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    header = world.sheets.table()[0]
    world.move(lead, world.stage(SENT))

    def act(world: World) -> None:
        world.person.insert_columns(4)
        world.person.delete_columns("Регион")

    _mended_while(world, act)
    with suppress(AmoGsheetError):
        world.pull()

    assert world.code(world.pull) == ExitCode.DONE
    assert [text for text in header if text != "Регион"] == [text for text in world.sheets.table()[1] if text]
    assert world.person.see(STATUS, lead=lead) == "У курера"


def test_a_header_that_nobody_can_put_right_stops_the_run_and_says_so(tmp_path: Path) -> None:
    """The status column is dragged away from under the header that is put back, and the column next to that place is deleted."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage(SENT))

    def act(world: World) -> None:
        world.person.move_column("У курера", 3)
        world.person.delete_columns("Компания")

    _mended_while(world, act)

    with pytest.raises(SheetLayoutError) as told:
        world.pull()
    assert "mixed up" in told.value.message
    assert '"Компания"' in told.value.hint
    assert world.patches() == 0


def at_request(world: World, number: int, act: Callable[[World], object]) -> Callable[[int, Request], None]:
    """A hand at the request to Sheets of that number."""

    def hand(count: int, _request: Request) -> None:
        if count == number:
            world.sheets_wire.before_each = None
            act(world)

    return hand


def rows_below_header(world: World) -> list[dict[str, object]]:
    """The rows with an ID, wherever the header stands."""
    table = world.sheets.table(world.person.title)
    top = world.person.header_row() - 1
    header = [str(text) for text in table[top]]
    rows: list[dict[str, object]] = [dict(zip(header, [*row, *[None] * len(header)], strict=False)) for row in table[top + 1 :]]
    return [row for row in rows if row.get("ID")]


@pytest.mark.parametrize("hand", HANDS)
def test_people_at_work_at_any_request_of_a_push(tmp_path: Path, hand: str) -> None:
    for number in (1, 2, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = World(folder)
        leads = [world.lead(f"Клиент {letter}") for letter in "абвгд"]
        world.pull()
        world.pick(leads[2], "Отказ")
        world.pick(leads[4], "У курера")
        world.sheets_wire.before_each = at_request(world, world.sheets_wire.count + number, HANDS[hand])
        with suppress(AmoGsheetError):
            world.push()
        world.sheets_wire.before_each = None
        world.push()
        world.pull()
        world.assert_no_writes()

        expected = [TRIGGER, TRIGGER, "Отказ", TRIGGER, SENT]
        assert [world.stage_of(lead) for lead in leads] == expected, f"at request {number}"


def test_a_pick_made_between_the_two_looks_waits_for_the_next_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.sheets_wire.before_each = at_request(world, world.sheets_wire.count + 2, lambda world: world.pick(lead, "У курера"))
    world.push()
    assert (world.patches(), world.stage_of(lead)) == (0, TRIGGER)

    world.rest()
    assert (world.patches(), world.stage_of(lead)) == (1, SENT)


def test_a_cell_retyped_at_the_write_stands_somewhere(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.account.edit_lead(lead, fields={ADDRESS: "ул. Новая, 1"})
    world.once(world.sheets_wire, is_cell_write, lambda: world.person.type(ADDRESS, "моё", lead=other))
    world.pull()

    assert (world.row(lead)[ADDRESS], world.row(other)[ADDRESS]) == ("ул. Новая, 1", "моё")
    world.rest()


def test_a_header_added_later_fills_the_rows_there_are(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}", phone="+998 00 000-00-01", tags=["опт"]) for number in range(3)]
    world.account.add_lead_field("Комментарий")
    world.account.edit_lead(leads[0], fields={"Комментарий": "позвонить"})
    world.pull()
    world.person.type_at(1, 22, "Теги")
    world.person.type_at(1, 23, "Комментарий")
    world.person.type_at(3, 22, "моё")
    world.push()
    world.pull()

    assert [row["Теги"] for row in world.rows()] == ["опт", "моё", "опт"]
    assert [row["Комментарий"] for row in world.rows()] == ["позвонить", None, None]
    for waiting in world.waiting():
        assert waiting.kind == "first meeting"
    world.rest()


def test_a_column_of_peoples_own_that_begins_to_match_a_field_is_left(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["ID", "статус", "Комментарий"]])
    lead = world.lead("Анна")
    world.pull()
    world.person.type("Комментарий", "моё", lead=lead)
    world.account.add_lead_field("Комментарий")
    world.account.edit_lead(lead, fields={"Комментарий": "из amoCRM"})
    first = world.pull()
    world.clock.advance(3600)
    world.pull()

    assert first.exit_code == ExitCode.PARTIAL
    assert world.row(lead)["Комментарий"] == "моё"
    world.assert_silent()
    world.pull(force=True)
    world.rest()
    assert world.row(lead)["Комментарий"] in ("моё", "из amoCRM")


@pytest.mark.parametrize("typed", ["{lead}", "'{lead}", " {lead} "])
def test_an_id_typed_by_hand_is_filled_by_the_next_pull(tmp_path: Path, typed: str) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    lead = world.lead("Борис", world.stage("Консультация"), phone="+998 00 000-00-02", fields={ADDRESS: "ул. Новая, 1"})
    world.person.type_at(5, 1, typed.format(lead=lead))
    world.person.type_at(5, world.person.column_of(ADDRESS), "моё")
    world.push()
    world.pull()

    row = world.rows()[3]
    assert (row["Ф.И.О."], row[STATUS], row["Контактный номер"]) == ("Борис", "Консультация", "+998 00 000-00-02")
    assert row[ADDRESS] == "моё"
    assert world.patches() == 0
    world.rest()


def test_an_id_that_no_lead_has_is_named_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    world.person.type_at(5, 1, "987654")
    world.person.type_at(6, 1, "итого")
    world.push()
    outcome = world.pull()

    assert outcome.exit_code == ExitCode.PARTIAL
    assert [waiting.lead_id for waiting in world.waiting("no such lead")] == [987654]
    world.assert_silent()


def test_a_row_brought_back_by_undo_goes_on_where_it_was(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.pick(lead, "Отказ")
    world.person.delete_row(lead)
    for _ in range(3):
        world.push()
        world.pull()
    world.move(lead, world.stage("Консультация"))
    world.pull()
    assert world.ids() == [other]

    world.person.undo()
    world.push()
    world.pull()

    assert (world.status(lead), world.stage_of(lead)) == ("Консультация", "Консультация")
    assert [(entry.old, entry.new) for entry in world.history(lead, "conflict")] == [("Отказ", "Консультация")]
    world.rest()


def test_a_pick_in_a_row_that_was_away_is_pushed_when_it_is_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.person.delete_row(lead)
    world.push()
    world.person.undo()
    world.push()

    assert world.stage_of(lead) == "Отказ"
    world.rest()


def test_rows_that_vanish_many_at_once_hold_the_moves_and_come_back_by_force(tmp_path: Path) -> None:
    world = World(tmp_path, PUSH_LIMIT="5")
    leads = [world.lead(f"Клиент {number}") for number in range(20)]
    world.pull()
    world.person.delete_rows(2, 10)
    world.pick(leads[15], "Отказ")
    assert world.push().exit_code == ExitCode.HELD_BACK
    assert (world.push().exit_code, world.patches()) == (ExitCode.DONE, 0)
    world.pull()
    assert len(world.ids()) == 10

    world.pull(force=True)
    assert sorted(world.ids(), key=str) == leads
    world.push(force=True)
    assert world.stage_of(leads[15]) == "Отказ"
    world.rest()


def test_a_column_sorted_by_itself_moves_no_lead(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(14)]
    world.pull()
    for number, lead in enumerate(leads):
        if number % 2:
            world.pick(lead, "Отказ")
    world.push()
    patches = world.patches()
    world.person.sort_one_column(STATUS)

    assert world.push().exit_code == ExitCode.HELD_BACK
    assert world.push().exit_code == ExitCode.DONE
    assert world.patches() == patches


def test_a_full_pull_follows_names_that_changed(tmp_path: Path) -> None:
    world = World(tmp_path)
    user = world.account.add_user("Тимур")
    lead = world.lead("Анна", responsible=user)
    status = world.account.add_stage(world.shop, "Созвон")
    world.pull()
    world.move(lead, (world.shop, status))
    world.pull()
    world.account.rename_user(user, "Тимур К.")
    world.account.rename_stage(world.shop, status, "Созвонились")
    world.account.rename_pipeline(world.shop, "Фарида")
    outcome = world.pull(full=True)

    row = world.row(lead)
    assert (row["Ответственный"], row[STATUS], row["Воронка"]) == ("Тимур К.", "Созвонились", "Фарида")
    assert outcome.counts["drifted"] == 3
    world.rest()


@pytest.mark.parametrize("first", ["a push", "a look cut off", "nobody"])
def test_names_that_changed_are_followed_within_the_hour_whoever_reads_them_first(tmp_path: Path, first: str) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.account.rename_pipeline(world.shop, "Фарида")
    world.clock.advance(1200)
    if first == "a push":
        world.pick(other, "Отказ")
        world.push()
    world.clock.advance(3600)
    if first == "a look cut off":
        world.amo_wire.rule = where(lambda request: "/contacts" in request.path, Fault(Manner.REFUSED, answers.html_502()))
        assert world.code(world.pull) == ExitCode.UNAVAILABLE
        world.amo_wire.rule = None
    world.pull()

    assert world.row(lead)["Воронка"] == "Фарида"
    world.rest()


def test_a_contact_changed_before_the_first_look_is_followed(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна", phone="+998 00 000-00-01"), world.lead("Борис")
    contact = world.account.leads.current[lead].contacts[0].contact_id
    world.clock.advance(1200)
    world.pull()
    world.clock.advance(300)
    world.account.edit_contact(contact, name="Анна К.", phones=["+998 00 000-00-09"])
    world.clock.advance(2400)
    world.account.edit_lead(other, name="Борис К.")
    world.pull()
    world.clock.advance(1200)
    world.pull()

    assert (world.row(lead)["Ф.И.О."], world.row(lead)["Контактный номер"]) == ("Анна К.", "+998 00 000-00-09")
    world.rest()


@pytest.mark.parametrize("column", ["Синхронизация", "Заметка"])
def test_a_tab_renamed_at_any_request_of_a_pull_is_no_error(tmp_path: Path, column: str) -> None:
    """The message would say that the tab is gone, and send a person to look for it."""
    for number in range(1, 9):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = World(folder)
        world.person.paste("A1", [["ID", STATUS, ADDRESS, column]])
        lead, other = world.lead("Анна"), world.lead("Борис")
        world.pull()
        world.person.duplicate_row(lead=other)
        world.account.edit_lead(lead, fields={ADDRESS: "ул. Новая, 1"})
        world.sheets_wire.before_each = at_request(
            world, world.sheets_wire.count + number, lambda world: world.person.rename_tab("Заказы")
        )
        world.clock.advance(4000)
        world.pull()
        world.sheets_wire.before_each = None
        world.pull()

        assert world.row(lead)[ADDRESS] == "ул. Новая, 1", f"at request {number}"


@pytest.mark.parametrize("header", [[], ["ID", STATUS, ADDRESS]])
def test_a_tab_renamed_at_any_request_of_the_first_pull_is_no_error(tmp_path: Path, header: list[str]) -> None:
    for number in range(1, 9):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = World(folder)
        world.person.paste("A1", [header])
        world.lead("Анна")
        world.sheets_wire.before_each = at_request(world, number, lambda world: world.person.rename_tab("Заказы"))

        assert (ExitCode.DONE, 1) == (world.code(world.pull), len(world.agreed())), f"at request {number}"


def test_an_empty_tab_cut_to_one_cell_while_its_header_is_made_gets_it_from_the_next_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.once(world.sheets_wire, lambda request: b"insertDimension" in request.body, world.person.trim_grid)
    assert world.code(world.pull) == ExitCode.UNAVAILABLE

    world.pull()
    assert [lead] == world.ids()


def test_a_tab_with_nothing_but_a_blank_in_it_is_an_empty_tab(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.person.type_at(4, 3, " ")
    world.pull()

    assert [lead] == world.ids()


@pytest.mark.parametrize("header", [["ID", "Ф.И.О.", "Адрес", "статус", "моё"], ["ID", "моё", "Ф.И.О.", "Адрес", "статус"]])
@pytest.mark.parametrize("note", ["note", ""])
def test_a_field_renamed_to_the_name_of_a_peoples_column_stays_in_its_own(tmp_path: Path, header: list[str], note: str) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [header])
    lead, other = (world.lead(name, fields={"Адрес": f"ул. {name}"}) for name in ("А", "Б"))
    world.pull()
    if note:
        world.person.type("моё", note, lead=other)
    world.rest()
    field = world.account.field_named("leads", "Адрес")
    world.account.rename_field(field.id, "моё")
    world.account.edit_lead(lead, fields={"моё": "ул. Новая"})
    world.clock.advance(4000)

    codes = [world.code(world.pull), world.code(world.push), world.code(world.pull)]

    assert [ExitCode.DONE] * 3 == codes
    assert ("ул. Новая", None) == (world.row(lead)["Адрес"], world.row(lead)["моё"])
    assert (note or None) == world.row(other)["моё"]
    world.assert_silent()


def _with_a_doubled_row(folder: Path) -> World:
    """A lead that stands in two rows, which only `pull` has yet to write into the column for reasons."""
    world = World(folder)
    lead = world.lead()
    world.pull()
    world.person.type_at(1, 22, "Синхронизация")
    world.rest()
    world.person.duplicate_row(lead=lead)
    world.push()
    return world


def test_a_dry_run_tells_of_the_reasons_that_the_next_run_writes(tmp_path: Path) -> None:
    world = _with_a_doubled_row(tmp_path)

    planned = world.pull(dry=True).report.plan
    done = world.pull().report.plan

    assert 2 == len(planned) == len([line for line in planned if "Синхронизация" in line])
    assert planned == done


def _moves_a_column_at(world: World, nth: int) -> list[str]:
    """Somebody inserts a column on the left right before the n-th request to Sheets; returns what there was to ask, so far."""
    asked: list[str] = []

    def hand(_number: int, request: Request) -> None:
        asked.append(request.path)
        if len(asked) == nth:
            world.person.insert_columns(1)

    world.sheets_wire.before_each = hand
    return asked


def test_a_reason_lands_under_its_header_whenever_columns_move(tmp_path: Path) -> None:
    for nth in range(1, 30):
        (tmp_path / str(nth)).mkdir()
        world = _with_a_doubled_row(tmp_path / str(nth))
        asked = _moves_a_column_at(world, nth)
        world.code(world.pull)
        world.sheets_wire.before_each = None
        world.pull()

        shown = {header for row in world.rows() for header, cell in row.items() if "дважды" in str(cell)}
        assert {"Синхронизация"} == shown, f"columns moved before request {nth}"
        if len(asked) < nth:
            break
    assert 4 < nth < 29


@pytest.mark.parametrize("command", ["pull", "push"])
def test_a_tab_that_bears_another_name_at_each_look_is_left_to_the_next_run(tmp_path: Path, command: str) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Бек")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.pick(other, "Отказ")
    world.sheets_wire.before_each = lambda number, request: (
        world.person.rename_tab(f"Заказы {number}") if request.path.endswith("values:batchGet") else None
    )

    with pytest.raises(UnavailableError, match="another name each time"):
        getattr(world, command)()

    world.sheets_wire.before_each = None
    world.rest()
    assert ("У курера", "Отказ") == (world.status(lead), world.stage_of(other))
