"""New rows: exactly once, under the right headers, whatever becomes of the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, first_of, times, where
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sync import rows
from amo2gsheet.sync.settle import LATE_SECONDS
from tests.sync_bench import (
    CUT_AFTER,
    CUT_BEFORE,
    KILL_AFTER,
    KILL_BEFORE,
    before,
    is_insert,
    is_write,
    once,
    settled,
    state_of,
    stopped,
)
from tests.world import STATUS, World

NAMES = ("Анна", "Борис", "Вера")
BUSY = Fault(Manner.REFUSED, answers.json_429_google("Write"))


def _opened(world: World) -> None:
    """The tab with its header and one row."""
    world.lead("Первый")
    world.pull()


def _leads(world: World) -> list[int]:
    return [world.lead(name, fields={"Адрес": f"ул. {name}"}) for name in NAMES]


def _right(world: World, leads: list[int]) -> None:
    """Hold the end: each lead has one row, with its own values under their headers, and nothing else is written."""
    settled(world)
    assert sorted([*leads, min(int(str(lead)) for lead in world.ids())]) == sorted(int(str(lead)) for lead in world.ids())
    see = world.person.see
    expected = [(name, "В процессе", f"ул. {name}") for name in NAMES]
    assert expected == [(see("Ф.И.О.", lead=lead), see(STATUS, lead=lead), see("Адрес", lead=lead)) for lead in leads]
    table = world.sheets.table(world.person.title)
    assert all(len(line) <= len(table[0]) for line in table)
    with state_of(world) as state:
        assert [] == state.open_intents()
        assert [1] * 3 == [sum(entry.kind == "row added" for entry in state.history(lead)) for lead in leads]
    assert 0 == world.patches()


@pytest.mark.parametrize(
    "fault",
    [
        CUT_AFTER,
        CUT_BEFORE,
        Fault(Manner.TIMEOUT_AFTER),
        Fault(Manner.CUT_SHORT),
        Fault(Manner.LATE, after=1),
        Fault(Manner.LATE, after=4),
        Fault(Manner.LATE, after=60),
        Fault(Manner.FAILED_AFTER, answers.html_502()),
        Fault(Manner.REFUSED, answers.json_503()),
    ],
    ids=lambda fault: f"{fault.manner.value}-{fault.after}",
)
@pytest.mark.parametrize("is_sorted", [False, True], ids=["", "sorted meanwhile"])
def test_an_insert_without_an_answer_lands_once(tmp_path: Path, fault: Fault, is_sorted: bool) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = once(is_insert, fault)
    if is_sorted:
        world.sheets_wire.before_each = before(_after_insert(), lambda: world.person.sort("Ф.И.О.", descending=True))

    world.pull()
    world.sheets_wire.land()

    _right(world, leads)


@pytest.mark.parametrize("fault", [KILL_BEFORE, KILL_AFTER, Fault(Manner.LATE, after=500)], ids=["before", "after", "late"])
def test_an_insert_cut_off_by_a_kill_lands_once(tmp_path: Path, fault: Fault) -> None:
    """Late: every try fails, the run gives up, and the first try lands after the next run has begun anew."""
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = where(is_insert, fault)
    if fault.manner is Manner.LATE:
        assert ExitCode.UNAVAILABLE == world.pull().exit_code
    else:
        stopped(world.pull)
    world.sheets_wire.rule = None
    world.pull()
    world.sheets_wire.land()

    _right(world, leads)


def test_a_late_insert_that_lands_between_two_runs_is_taken_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = where(is_insert, Fault(Manner.LATE, after=500))
    world.pull()
    world.sheets_wire.rule = None
    world.sheets_wire.land()

    _right(world, leads)


def test_more_leads_may_have_come_until_an_insert_is_tried_again(tmp_path: Path) -> None:
    """The open intent is widened: whichever try lands, every lead gets its row."""
    world = World(tmp_path)
    _opened(world)
    first = world.lead(NAMES[0], fields={"Адрес": f"ул. {NAMES[0]}"})
    world.sheets_wire.rule = where(is_insert, KILL_BEFORE)
    stopped(world.pull)
    world.sheets_wire.rule = None
    leads = [first, *(world.lead(name, fields={"Адрес": f"ул. {name}"}) for name in NAMES[1:])]

    _right(world, leads)


@pytest.mark.parametrize("is_killed", [False, True], ids=["in one go", "killed in between"])
def test_a_lead_that_came_after_a_late_insert_gets_its_row(tmp_path: Path, is_killed: bool) -> None:
    """The first try lands right before the second one, which holds a lead more, and refuses its token."""
    world = World(tmp_path)
    _opened(world)
    first = world.lead(NAMES[0], fields={"Адрес": f"ул. {NAMES[0]}"})
    world.sheets_wire.rule = where(is_insert, Fault(Manner.LATE, after=900))
    world.code(world.pull)
    leads = [first, *(world.lead(name, fields={"Адрес": f"ул. {name}"}) for name in NAMES[1:])]
    world.sheets_wire.rule = None
    if is_killed:
        world.sheets_wire.rule = once(is_insert, KILL_BEFORE)
        stopped(world.pull)
        world.sheets_wire.land()
    else:
        world.sheets_wire.before_each = before(is_insert, world.sheets_wire.land)
        world.pull()

    _right(world, leads)


def test_a_row_made_by_hand_is_no_sign_of_an_insert_that_did_not_land(tmp_path: Path) -> None:
    """Its empty cells are filled."""
    world = World(tmp_path)
    _opened(world)
    lead = world.lead("Анна", fields={"Адрес": "ул. Новая"})
    world.sheets_wire.rule = once(is_insert, KILL_BEFORE)
    stopped(world.pull)
    world.person.type("ID", str(lead), row=3)

    settled(world)

    see = world.person.see
    assert ("Анна", "В процессе", "ул. Новая") == (see("Ф.И.О.", row=3), see(STATUS, row=3), see("Адрес", row=3))


def test_an_insert_that_surely_was_not_carried_out_leaves_no_intent(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = where(is_insert, BUSY)

    assert ExitCode.UNAVAILABLE == world.code(world.pull)

    with state_of(world) as state:
        assert [] == state.open_intents()
    world.sheets_wire.rule = None
    _right(world, leads)


@pytest.mark.parametrize("then", ["busy", "refused", "renamed"])
def test_a_late_insert_is_waited_for_whatever_becomes_of_its_second_try(tmp_path: Path, then: str) -> None:
    """Its token must not be given up: else the first try, landing late, would double the rows."""
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    late, refused = once(is_insert, Fault(Manner.LATE, after=900)), once(is_insert, Fault(Manner.REFUSED, _refusal()))
    world.sheets_wire.rule = first_of(late, {"busy": where(is_insert, BUSY), "refused": refused, "renamed": _nothing}[then])
    if then == "renamed":
        world.sheets_wire.before_each = before(is_insert, lambda: world.person.rename_tab("Заказы"), nth=2)
    world.code(world.pull)
    world.sheets_wire.rule = world.sheets_wire.before_each = None
    world.pull()
    world.sheets_wire.land()

    _right(world, leads)


def test_an_insert_that_nobody_needs_any_more_is_forgotten_when_it_can_no_longer_land(tmp_path: Path) -> None:
    """Its lead is gone, so no later insert takes its token: idle runs must not look for it for ever."""
    world = World(tmp_path)
    _opened(world)
    lead = world.lead("Анна")
    world.sheets_wire.rule = once(is_insert, KILL_BEFORE)
    stopped(world.pull)
    world.account.trash_lead(lead)
    world.pull()
    with state_of(world) as state:
        assert ["rows"] == [intent.kind for intent in state.open_intents()]

    world.clock.advance(1000)
    world.pull()

    with state_of(world) as state:
        assert [] == state.open_intents()
    assert (1, 0) == (world.push().sheet_requests, world.pull().sheet_requests)


def test_a_token_lent_anew_is_kept_as_long_as_its_newest_try_may_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = once(is_insert, KILL_BEFORE)
    stopped(world.pull)
    world.clock.advance(1000)
    world.sheets_wire.rule = where(is_insert, Fault(Manner.LATE, after=900))
    world.code(world.pull)
    world.sheets_wire.rule = None
    world.push()
    world.pull()
    world.sheets_wire.land()

    _right(world, leads)


@pytest.mark.parametrize("count", [0, 2])
def test_new_rows_stand_above_a_total_row(tmp_path: Path, count: int) -> None:
    """Also the first one, and every later one; the total row itself is left as it is."""
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}", price=100) for number in range(count)]
    world.pull()
    world.person.paste(f"A{count + 2}", [["ИТОГО", "", "", "=100+100"]])
    total = world.sheets.table()[-1]

    for name in NAMES:
        leads.append(world.lead(name))
        settled(world)

    assert [*leads, "ИТОГО"] == [row[0] for row in world.sheets.table()[1:]]
    assert total == world.sheets.table()[-1]
    world.assert_silent()


def test_new_rows_have_the_dropdown_of_the_last_lead_and_not_of_a_total_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    world.person.paste("A3", [["ИТОГО"]])
    with world.sheets.change() as book:
        book.tab("Sheet1").dress(2, {world.person.column_of(STATUS) - 1: {("dataValidation",): None}})
    lead = world.lead("Анна")

    world.pull()

    assert world.validation(world.person.row_of(lead)) == world.validation(2) is not None


def test_a_number_in_a_total_row_is_taken_for_an_id(tmp_path: Path) -> None:
    """Nobody can tell it from one that a person typed."""
    world = World(tmp_path)
    _opened(world)
    world.person.paste("A3", [["=40+2"]])
    lead = world.lead("Анна")

    world.pull()

    assert [42, lead] == [row[0] for row in world.sheets.table()[2:]]


def test_a_row_whose_id_is_typed_over_for_a_while_goes_on_where_it_was(tmp_path: Path) -> None:
    """A new row is inserted above it; nothing of it is written over, and no second row is made of it."""
    world = World(tmp_path)
    first, last = world.lead("Первый"), world.lead("Анна", fields={"Адрес": "ул. Анна"})
    world.pull()
    world.person.type("ID", "позвонить", lead=last)
    new = world.lead("Борис")
    settled(world)
    assert [first, new, "позвонить"] == [row[0] for row in world.sheets.table()[1:]]

    world.person.type("ID", str(last), row=4)
    world.pick(last, "У курера")
    world.move(first, world.stage("Отказ"))
    settled(world)
    world.rest()

    assert [first, new, last] == world.ids()
    assert ("ул. Анна", "У курера", "Отказ") == (world.row(last)["Адрес"], world.status(last), world.status(first))
    assert "Заказ отправлен" == world.stage_of(last)


def _below_the_header(world: World, leads: list[int], others: int) -> None:
    """Hold the end: nothing stands above the header, and each lead has one row below it, after so many others."""
    settled(world)
    table = world.sheets.table()
    top = world.person.header_row() - 1
    assert [] == [cell for line in table[:top] for cell in line if cell not in (None, "")]
    assert sorted(leads) == sorted(int(str(line[0])) for line in table[top + 1 :])[others:]
    assert [f"ул. {name}" for name in NAMES] == [world.person.see("Адрес", lead=lead) for lead in leads]


@pytest.mark.parametrize("fault", [None, CUT_AFTER, KILL_AFTER], ids=["answered", "cut off", "killed"])
@pytest.mark.parametrize(("rows", "pushed"), [(0, 1), (0, 2), (1, 1), (1, 2), (2, 3)])
def test_rows_inserted_on_top_at_the_moment_of_an_insert_lose_no_lead(
    tmp_path: Path, rows: int, pushed: int, fault: Fault | None
) -> None:
    """More of them than the table has rows: the new rows stand above the header, where nobody looks for them."""
    world = World(tmp_path)
    for _ in range(rows):
        world.lead("Первый")
    world.pull()
    leads = _leads(world)
    world.sheets_wire.before_each = before(is_insert, lambda: world.person.insert_rows(1, pushed))
    if fault is not None:
        world.sheets_wire.rule = once(is_insert, fault)
    with suppress(AmoGsheetError, Killed):
        world.pull()
    world.sheets_wire.rule = world.sheets_wire.before_each = None

    _below_the_header(world, leads, rows)


ABOVE: dict[str, Callable[[World], None]] = {
    "the write that takes them back is cut off": lambda world: setattr(world.sheets_wire, "rule", once(is_write, CUT_BEFORE)),
    "a column is inserted": lambda world: world.person.insert_columns(3),
}


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("trouble", ABOVE)
def test_rows_above_the_header_are_taken_back_whatever_comes_between(tmp_path: Path, trouble: str, number: int) -> None:
    world = World(tmp_path)
    world.pull()
    leads = _leads(world)
    since = 0

    def hand(_number: int, request: Request) -> None:
        nonlocal since
        if since or is_insert(request):
            since += 1
        if since == 1:
            world.person.insert_rows(1)
        elif since == number + 1:
            ABOVE[trouble](world)

    world.sheets_wire.before_each = hand
    with suppress(AmoGsheetError):
        world.pull()
    world.sheets_wire.rule = world.sheets_wire.before_each = None

    _below_the_header(world, leads, 0)


# --- refused ---


def test_a_refused_row_stays_alone_in_its_trouble(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    bad = leads[1]

    def holds_bad(request: Request) -> bool:
        return is_insert(request) and str(bad).encode() in request.body

    world.sheets_wire.rule = where(holds_bad, Fault(Manner.REFUSED, _refusal()))

    outcome = world.pull()

    assert ExitCode.PARTIAL == outcome.exit_code
    assert [f"the row of lead {bad} could not be written"] == [name.split(",")[0] for name in outcome.report.named]
    with state_of(world) as state:
        assert ({bad}, []) == (set(state.owed()), state.open_intents())
    world.sheets_wire.rule = None
    _right(world, leads)


@pytest.mark.parametrize("hand", ["a row is made by hand", "a column is inserted", "the tab is emptied"])
def test_what_people_do_while_a_refused_insert_is_halved_doubles_no_row(tmp_path: Path, hand: str) -> None:
    """Each half goes out on a fresh look."""
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    version = world.person.version()

    def act() -> None:
        if hand == "a row is made by hand":
            world.person.type("ID", str(leads[2]), row=world.person.header_row() + len(world.ids()) + 1)
        elif hand == "a column is inserted":
            world.person.insert_columns(3)
        else:
            world.person.clear_all()

    world.sheets_wire.rule = once(is_insert, Fault(Manner.REFUSED, _refusal()))
    world.sheets_wire.before_each = before(is_insert, act)
    with suppress(AmoGsheetError):
        world.pull()
    world.sheets_wire.rule = world.sheets_wire.before_each = None
    if hand == "the tab is emptied":
        world.person.restore_version(version)
    settled(world)

    assert sorted(leads) == sorted(int(str(lead)) for lead in world.ids())[1:]
    assert [f"ул. {name}" for name in NAMES] == [world.person.see("Адрес", lead=lead) for lead in leads]


def test_a_refused_row_is_still_due_when_its_lead_has_left_the_trigger(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.events_forbidden = True
    _opened(world)
    lead = world.lead("Анна")
    world.sheets_wire.rule = where(is_insert, Fault(Manner.REFUSED, _refusal()))
    world.pull()
    world.sheets_wire.rule = None
    world.move(lead, world.stage("Заказ отправлен"))

    settled(world)

    assert "У курера" == world.status(lead)


def test_a_refused_token_that_no_try_has_used_loses_no_lead(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    before = [*world.ids()]
    lead = world.lead("Анна")
    message = "Invalid requests[0].createDeveloperMetadata: The developer metadata could not be created."
    refusal = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": message}}
    fault = Fault(Manner.REFUSED, Answer(400, json.dumps(refusal).encode(), {"Content-Type": "application/json"}))
    world.sheets_wire.rule = where(is_insert, fault)

    codes = [world.pull().exit_code, world.pull().exit_code]
    assert ([ExitCode.PARTIAL, ExitCode.DONE], before) == (codes, world.ids())
    assert ["refused"] == [waiting.kind for waiting in world.waiting()]

    world.sheets_wire.rule = None
    world.pull()
    assert [*before, lead] == world.ids()
    world.rest()


def _nothing(_number: int, _request: Request) -> None:
    """No fault."""


def _refusal() -> Answer:
    error = {"code": 400, "message": "Invalid requests[2].updateCells: no such cell.", "status": "INVALID_ARGUMENT"}
    return Answer(400, json.dumps({"error": error}).encode(), {"Content-Type": "application/json; charset=UTF-8"})


# --- answers that tell little ---


def _told(cells: list[str]) -> Fault:
    """The insert is carried out, and its answer shows only a header row."""
    row = {"values": [{"effectiveValue": {"stringValue": text}} for text in cells]}
    shown = {"sheets": [{"properties": {"sheetId": 0}, "data": [{"rowData": [row]}]}]} if cells else {}
    body = {"spreadsheetId": SPREADSHEET_ID, **({"updatedSpreadsheet": shown} if cells else {})}
    return Fault(Manner.FAILED_AFTER, Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"}))


@pytest.mark.parametrize("has_header", [False, True])
def test_an_answer_that_does_not_show_the_rows_is_looked_into(tmp_path: Path, has_header: bool) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    header = [str(text) for text in world.sheets.table()[0]]
    world.sheets_wire.rule = once(is_insert, _told(header if has_header else []))

    outcome = world.pull()

    assert (ExitCode.DONE, 3) == (outcome.exit_code, outcome.report.new_rows)
    _right(world, leads)


# --- what people do in the moment of the insert ---


@pytest.mark.parametrize("fault", [None, CUT_AFTER, KILL_AFTER], ids=["answered", "no answer", "killed"])
@pytest.mark.parametrize("deed", ["sort", "insert row", "insert column", "move column", "delete column", "move the ID"])
def test_whatever_people_move_each_value_ends_under_its_header(tmp_path: Path, deed: str, fault: Fault | None) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    person = world.person
    deeds: dict[str, Callable[[], None]] = {
        "sort": lambda: person.sort("Ф.И.О.", descending=True),
        "insert row": lambda: person.insert_rows(2),
        "insert column": lambda: person.insert_columns(3),
        "move column": lambda: person.move_column(STATUS, 2),
        "delete column": lambda: person.delete_columns("Группа"),
        "move the ID": lambda: person.move_column("ID", 6),
    }
    world.sheets_wire.before_each = before(is_insert, deeds[deed])
    world.sheets_wire.rule = once(is_insert, fault) if fault else None
    if fault is KILL_AFTER:
        stopped(world.pull)
    else:
        world.pull()

    _right(world, leads)


def test_a_tab_emptied_after_an_insert_is_not_judged(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = once(is_insert, KILL_AFTER)
    stopped(world.pull)
    version = world.person.version()
    world.person.clear_all()

    assert ExitCode.UNUSABLE_SHEET == world.code(world.pull)

    world.person.restore_version(version)
    _right(world, leads)


def test_what_somebody_has_put_right_already_is_left(tmp_path: Path) -> None:
    """Rows stand one column off: one address was retyped under its header, another emptied where it should not be."""
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.before_each = before(is_insert, lambda: world.person.insert_columns(3))
    world.sheets_wire.rule = once(is_insert, KILL_AFTER)
    stopped(world.pull)
    wrong = str(world.sheets.table()[0][world.person.column_of("Адрес") - 2])
    world.person.type("Адрес", "ул. Анна", lead=leads[0])
    world.person.clear_cell(wrong, lead=leads[1])

    _right(world, leads)


def test_a_tab_that_is_renamed_in_the_moment_of_the_insert_is_followed(tmp_path: Path) -> None:
    """The batch names the tab by its ID, so it may land; what the answer is to show is named by title."""
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.before_each = before(is_insert, lambda: world.person.rename_tab("Заказы"))

    world.pull()

    _right(world, leads)


def test_rows_that_somebody_deleted_before_the_next_run_count_as_seen_once(tmp_path: Path) -> None:
    """They landed, that much the token tells: deleted by a person, they are not made a second time."""
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = once(is_insert, KILL_AFTER)
    stopped(world.pull)
    for lead in leads:
        world.person.delete_row(lead)

    settled(world)

    assert 1 == len(world.ids())


def test_many_new_rows_go_in_chunks_on_fresh_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amo2gsheet.sync.desk.ROWS_PER_INSERT", 2)
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)

    outcome = world.pull()

    assert 3 == outcome.report.new_rows
    _right(world, leads)
    assert rows.ROWS_PER_INSERT == 1000


@pytest.mark.parametrize("deed", ["types the ID", "moves a column"])
def test_between_two_chunks_people_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str) -> None:
    monkeypatch.setattr("amo2gsheet.sync.desk.ROWS_PER_INSERT", 2)
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)

    def act() -> None:
        if deed == "types the ID":
            world.person.insert_rows(2)
            world.person.type("ID", str(leads[2]), row=2)
        else:
            world.person.move_column(STATUS, 2)

    world.sheets_wire.before_each = before(_after_insert(), act)

    world.pull()

    settled(world)
    assert 4 == len(set(world.ids())) == len(world.ids())
    expected = [(name, "В процессе", f"ул. {name}") for name in NAMES]
    see = world.person.see
    assert expected == [(see("Ф.И.О.", lead=lead), see(STATUS, lead=lead), see("Адрес", lead=lead)) for lead in leads]


def _typed_meanwhile(world: World, lead: int, is_moment: Callable[[Request], bool]) -> None:
    """Pull, while somebody types a lead's ID into a row of its own; then hold the end: it has one row, filled."""

    def act() -> None:
        world.person.insert_rows(2)
        world.person.type("ID", str(lead), row=2)

    world.amo_wire.before_each = before(is_moment, act)
    world.pull()
    settled(world)
    assert 3 == len(set(world.ids())) == len(world.ids())
    assert world.person.see(STATUS, lead=lead)


def test_an_id_typed_while_contacts_are_read_gets_no_second_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    lead = world.lead("Анна", phone="+998900000001")
    world.lead("Борис")

    _typed_meanwhile(world, lead, lambda request: "/contacts/" in request.path)


def test_an_id_typed_while_the_next_leads_are_read_gets_no_second_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is gathered in a second chunk is not planned on the look of the first one."""
    monkeypatch.setattr("amo2gsheet.sync.gather.CHUNK_LEADS", 1)
    world = World(tmp_path)
    _opened(world)
    lead = world.lead("Анна", world.stage("Консультация"))
    world.pull()
    world.lead("Борис")
    with state_of(world) as state:
        state.owe(lead, "belongs")

    _typed_meanwhile(world, lead, lambda request: request.path.endswith(f"/leads/{lead}"))


@pytest.mark.parametrize("fault", [CUT_AFTER, CUT_BEFORE], ids=["landed", "not landed"])
def test_a_chunk_without_an_answer_holds_up_the_chunks_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("amo2gsheet.sync.desk.ROWS_PER_INSERT", 2)
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.rule = once(is_insert, fault)

    world.pull()

    _right(world, leads)


@pytest.mark.parametrize("is_column", [False, True], ids=["row", "column"])
def test_new_rows_go_where_the_table_ends_after_people_moved_it_under_a_write(tmp_path: Path, is_column: bool) -> None:
    """One run writes cells and new rows; what a person inserts before the first holds for the second."""
    world = World(tmp_path)
    _opened(world)
    (first,) = world.ids()
    world.account.edit_lead(int(str(first)), fields={"Адрес": "ул. Новая"})
    leads = _leads(world)
    person = world.person
    hand = (lambda: person.insert_columns(2)) if is_column else (lambda: person.insert_rows(2))
    world.sheets_wire.before_each = before(is_write, hand)

    world.pull()

    assert [first, *leads] == world.ids()
    budget = person.column_of("Бюджет сделки") - 1
    rows = [person.row_of(int(str(lead))) - 1 for lead in (first, *leads)]
    formats = {person.tab.look(number, budget, ("userEnteredFormat", "numberFormat", "pattern")) for number in rows}
    assert {"#,##0"} == formats
    _right(world, leads)


@pytest.mark.parametrize(
    "fault",
    [BUSY, CUT_BEFORE, CUT_AFTER, KILL_BEFORE, Fault(Manner.REFUSED, answers.json_500())],
    ids=["429", "cut before", "cut after", "kill", "500"],
)
@pytest.mark.parametrize("count", [1, 9])
def test_new_rows_under_moved_headers_are_put_right_though_the_first_write_fails(
    tmp_path: Path, fault: Fault, count: int
) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets_wire.before_each = before(is_insert, lambda: world.person.insert_columns(2))
    world.sheets_wire.rule = times(count, fault, is_write)

    with suppress(Killed, AmoGsheetError):
        world.pull()

    world.sheets_wire.rule = None
    world.clock.advance(LATE_SECONDS)
    _right(world, leads)


def test_old_reads_right_after_an_insert_do_not_double_or_lose_rows(tmp_path: Path) -> None:
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    world.sheets.knobs.old_reads_after_write = 3
    world.sheets_wire.rule = once(is_insert, CUT_AFTER)
    world.pull()
    world.sheets.knobs.old_reads_after_write = 0

    _right(world, leads)


def _after_insert() -> Callable[[Request], bool]:
    """True of the requests that follow the first insert."""
    seen = False

    def predicate(request: Request) -> bool:
        nonlocal seen
        seen, was_seen = seen or is_insert(request), seen
        return was_seen

    return predicate


def test_a_new_row_under_moved_headers_is_put_right_though_it_was_sorted_elsewhere(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(name, price=5) for name in ("Анна", "Борис")]
    world.pull()
    new = world.lead("Вера", price=3)
    hands: list[Callable[[], object]] = [
        lambda: world.person.move_column("ID", 5),
        lambda: world.person.move_row(2, row=4),
    ]

    def hand(_number: int, request: Request) -> None:
        if hands and (is_insert(request) or len(hands) == 1):
            hands.pop(0)()

    world.sheets_wire.before_each = hand
    world.pull()

    assert ({*leads, new}, "Вера") == (set(world.ids()), world.row(new)["Ф.И.О."])


def test_a_dry_run_puts_no_row_right(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    world.lead("Борис")
    world.once(world.sheets_wire, is_insert, lambda: world.person.insert_columns(4))
    world.sheets_wire.rule = where(is_insert, KILL_AFTER)
    stopped(world.pull)
    world.sheets_wire.rule = None
    writes = world.sheet_writes()
    world.pull(dry=True)

    assert writes == world.sheet_writes()


def test_a_new_row_whose_id_cell_was_filled_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    world.lead("Борис")
    hands: list[Callable[[], object]] = [
        lambda: world.person.move_column("ID", 5),
        lambda: world.person.type("ID", "Вера", row=3),
    ]

    def hand(_number: int, request: Request) -> None:
        if hands and (is_insert(request) or len(hands) == 1):
            hands.pop(0)()

    world.sheets_wire.before_each = hand
    assert world.code(world.pull) in (ExitCode.DONE, ExitCode.PARTIAL)

    settled(world)
    world.assert_no_writes()
    assert "Вера" == world.person.see("ID", row=3)


def test_a_second_try_under_other_columns_is_put_right_by_what_it_was_planned_for(tmp_path: Path) -> None:
    """Columns move before the first try, which is refused without a word, and again before the second one."""
    world = World(tmp_path)
    _opened(world)
    leads = _leads(world)
    moves = [lambda: world.person.move_column("Воронка", 17), lambda: world.person.move_column("Адрес", 18)]

    def hand(_number: int, request: Request) -> None:
        if is_insert(request) and moves:
            moves.pop(0)()

    world.sheets_wire.before_each = hand
    world.sheets_wire.rule = once(is_insert, CUT_BEFORE)
    world.pull()

    _right(world, leads)


@pytest.mark.parametrize("act", ["a column is inserted", "a row is inserted on top"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_look_at_two_instants_doubles_no_row(tmp_path: Path, number: int, act: str) -> None:
    """The state was deleted, and somebody inserts a column while the look is being read: no row shows its ID."""
    world = World(tmp_path)
    leads = _leads(world)
    world.pull()
    for file in tmp_path.glob(".amo2gsheet.sqlite3*"):
        file.unlink()
    acts = [lambda: world.person.insert_columns(1) if act == "a column is inserted" else world.person.insert_rows(1)]

    def between(count: int) -> None:
        if count == number and acts:
            acts.pop()()

    world.sheets.knobs.between_ranges = between
    world.pull()
    world.sheets.knobs.between_ranges = None
    settled(world)

    assert [] == acts
    table = world.sheets.table()
    assert [1] * 3 == [sum(row.count(lead) for row in table) for lead in leads]
