"""Incidents, group A: row identity, duplicates, row positions."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, always, times
from tests.world import STATUS, World, is_cell_write, is_insert

USERS_HEADER = ["Пометка", "статус", "Адрес", "ID", "Ф.И.О.", "Звонили"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Manner.KILL_BEFORE),
        Fault(Manner.KILL_AFTER),
        Fault(Manner.CUT_AFTER),
        Fault(Manner.CUT_SHORT),
        Fault(Manner.TIMEOUT_AFTER),
        Fault(Manner.LATE, after=2),
        Fault(Manner.LATE, after=9),
        Fault(Manner.FAILED_AFTER, answers.html_502()),
        Fault(Manner.FAILED_AFTER, answers.json_503()),
    ],
    ids=lambda fault: f"{fault.manner.value}{fault.after}",
)
def test_a1_one_lead_has_one_row_whatever_becomes_of_the_insert(tmp_path: Path, fault: Fault) -> None:
    world = World(tmp_path)
    world.pull()
    lead = world.lead("Анна")
    world.sheets_wire.rule = times(1, fault, is_insert)
    for _ in range(2):
        with suppress(Killed, AmoGsheetError):
            world.pull()
    world.sheets_wire.land()
    world.pull()

    assert world.ids() == [lead]
    world.rest()
    assert world.ids() == [lead]


def test_a2_two_rows_of_one_lead_move_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.person.duplicate_row(lead=lead)
    world.person.pick(STATUS, "Отказ", row=world.person.rows_of(lead)[1])
    world.pick(other, "Отказ")
    codes = [world.push().exit_code for _ in range(5)] + [world.pull().exit_code]

    assert codes == [ExitCode.PARTIAL, *[ExitCode.DONE] * 5]
    assert [waiting.lead_id for waiting in world.waiting("doubled ID")] == [lead]
    assert (world.stage_of(lead), world.stage_of(other)) == ("NOMERATSIYALANMAGAN ZAKAZ", "Отказ")
    world.assert_silent()


def test_a2_once_one_of_two_rows_is_gone_the_lead_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.duplicate_row(lead=lead)
    world.push()
    world.person.delete_rows(world.person.rows_of(lead)[1])
    world.pick(lead, "Отказ")
    world.rest()

    assert world.stage_of(lead) == "Отказ"
    assert world.waiting() == []


@pytest.mark.parametrize("moment", ["before the run", "at the write"])
def test_a3_only_the_row_with_the_leads_id_changes_when_rows_moved(tmp_path: Path, moment: str) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(5)]
    world.pull()
    before = {row["ID"]: row for row in world.rows()}
    world.account.edit_lead(leads[2], fields={"Адрес": "ул. Новая, 1"})
    if moment == "before the run":
        world.person.insert_rows(2)
    else:
        world.once(world.sheets_wire, is_cell_write, lambda: world.person.insert_rows(2))
    world.pull()

    after = {row["ID"]: row for row in world.rows() if row["ID"]}
    assert after == {**before, leads[2]: {**before[leads[2]], "Адрес": "ул. Новая, 1"}}
    world.rest()


def test_a4_a_new_lead_leaves_cleared_rows_as_they_are(tmp_path: Path) -> None:
    """New rows go below the last row with an ID; the gap stays, for the tool deletes nothing."""
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(6)]
    world.pull()
    for row in (3, 4, 5):
        world.person.clear_row(row=row)
    kept = world.ids()
    new = world.lead("Новый")
    world.pull()

    assert world.ids() == [*kept, new]
    assert [row["ID"] for row in world.rows()] == [leads[0], None, None, None, leads[4], leads[5], new]
    world.rest()
    assert world.ids() == [*kept, new]


def test_a4_cleared_rows_at_the_end_are_not_written_over(tmp_path: Path) -> None:
    """A note left beside a cleared ID is a person's: the new row is inserted above it, and nothing is overwritten."""
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(3)]
    world.pull()
    world.person.clear_cell("ID", lead=leads[2])
    world.person.type("Адрес", "спросить Анну", row=4)
    new = world.lead("Новый")
    world.pull()

    assert world.ids() == [*leads[:2], new]
    assert "спросить Анну" in [row["Адрес"] for row in world.rows()]
    world.rest()


def test_a5_a_full_grid_grows_and_the_new_row_has_the_dropdown(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number in range(3):
        world.lead(f"Клиент {number}")
    world.pull()
    world.person.trim_grid()
    assert world.person.tab.size[0] == 4
    new = world.lead("Новый")
    world.pull()

    row = world.person.row_of(new)
    assert (row, world.status(new)) == (5, "В процессе")
    assert world.validation(row) == world.validation(2) is not None
    world.rest()


def test_a6_a_deleted_row_is_noticed_and_stays_deleted(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.person.delete_row(lead)
    world.push()
    notices = [*world.pull().report.notices, *world.push().report.notices]
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.pull()

    assert (world.ids(), world.patches()) == ([other], 0)
    world.rest()
    assert world.ids() == [other]
    assert [str(lead) in notice for notice in notices] == [True]
    assert [entry.kind for entry in world.history(lead)][-1] == "row deleted"


def test_a6_a_deleted_row_returns_when_its_lead_enters_the_trigger_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.delete_row(lead)
    world.push()
    world.pull()
    world.move(lead, world.stage("Консультация"))
    world.pull()
    assert world.ids() == []
    world.move(lead, world.trigger)
    world.rest()

    assert (world.ids(), world.status(lead)) == ([lead], "В процессе")


def without_header() -> Answer:
    """A read that has lost the header row: valid, and a lie."""
    return Answer(200, b'{"spreadsheetId": "x", "valueRanges": [{}, {}, {}]}', {"Content-Type": "application/json"})


BAD_READS = {
    "429": Fault(Manner.REFUSED, answers.json_429_google()),
    "500": Fault(Manner.REFUSED, answers.json_500()),
    "503": Fault(Manner.REFUSED, answers.json_503()),
    "a page": Fault(Manner.REFUSED, answers.html_200()),
    "timeout": Fault(Manner.TIMEOUT_BEFORE),
    "cut short": Fault(Manner.CUT_SHORT),
    "truncated": Fault(Manner.REFUSED, answers.truncated_json()),
    "no body": Fault(Manner.REFUSED, answers.empty_200()),
    "no header": Fault(Manner.REFUSED, without_header()),
    "no ranges": Fault(Manner.REFUSED, Answer(200, b"{}", {"Content-Type": "application/json"})),
}


@pytest.mark.parametrize("command", ["push", "pull"])
@pytest.mark.parametrize("trouble", BAD_READS)
def test_a7_a_failed_read_is_not_a_deletion(tmp_path: Path, trouble: str, command: str) -> None:
    world = World(tmp_path, PUSH_LIMIT="5")
    leads = [world.lead(f"Клиент {number}") for number in range(100)]
    world.pull()
    agreed = world.agreed()
    world.account.edit_lead(leads[0], fields={"Адрес": "ул. Новая, 1"})
    world.sheets_wire.rule = always(BAD_READS[trouble])
    codes = {world.code(getattr(world, command)) for _ in range(3)}
    world.sheets_wire.rule = None

    assert codes <= {ExitCode.UNAVAILABLE, ExitCode.UNUSABLE_SHEET}
    assert world.agreed() == agreed
    assert world.push().exit_code == ExitCode.DONE
    assert (world.patches(), world.ids()) == (0, leads)
    world.rest()
    assert world.row(leads[0])["Адрес"] == "ул. Новая, 1"


@pytest.mark.parametrize("command", ["push", "pull"])
def test_a7_a_tab_emptied_or_without_header_is_no_deletion(tmp_path: Path, command: str) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(10)]
    world.pull()
    agreed, version = world.agreed(), world.person.version()
    run = getattr(world, command)
    codes = []
    for is_emptied in (False, True):
        if is_emptied:
            world.person.clear_all()
        else:
            world.person.rename_header("статус", "состояние")
        world.account.edit_lead(leads[0], fields={"Адрес": "ул. Новая, 1"})
        writes = world.sheet_writes()
        codes += [world.code(run), world.code(run), world.code(run)]
        assert world.sheet_writes() == writes
        world.person.restore_version(version)

    assert codes == [ExitCode.UNUSABLE_SHEET] * 6
    assert world.agreed() == agreed
    world.rest()
    assert (world.patches(), world.ids()) == (0, leads)


def test_a8_values_go_under_their_headers_in_any_order(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [USERS_HEADER])
    lead = world.lead("Анна", fields={"Адрес": "ул. Старая, 2"})
    world.pull()
    world.person.type("Пометка", "моё", lead=lead)
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.pull()

    assert world.sheets.table()[0] == USERS_HEADER
    assert world.row(lead) == {
        "Пометка": "моё",
        "статус": "В процессе",
        "Адрес": "ул. Новая, 1",
        "ID": lead,
        "Ф.И.О.": "Анна",
        "Звонили": None,
    }
    world.rest()


def test_a8_columns_in_a_new_order_are_written_under_their_names(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.move_column("статус", 1)
    world.person.move_column("Адрес", 3)
    header = world.sheets.table()[0]
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.move(lead, world.stage("Заказ отправлен"))
    world.pull()

    assert (world.row(lead)["Адрес"], world.status(lead)) == ("ул. Новая, 1", "У курера")
    assert (world.sheets.table()[0], world.ids()) == (header, [lead])
    world.rest()


@pytest.mark.parametrize("spelling", ["Статус", "СТАТУС ", "статус"])
def test_a9_the_header_is_never_repaired(tmp_path: Path, spelling: str) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["id", spelling, "Ф.И.О."]])
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    outcomes = [world.push(), world.pull()]

    assert [outcome.exit_code for outcome in outcomes] == [ExitCode.DONE] * 2
    assert [touch for touch in world.sheets.touches() if touch.row_number == 1] == []
    assert world.stage_of(lead) == "Отказ"
    world.rest()


def test_a10_a_dropdown_of_peoples_own_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    own = {
        "condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "В процессе"}, {"userEnteredValue": "Ждём"}]},
        "strict": False,
        "inputMessage": "спросить Анну",
    }
    column = world.person.column_of(STATUS)
    with world.sheets.change() as book:
        book.tab("Sheet1").dress(1, {column - 1: {("dataValidation",): own}})
    looks = looks_of(world)
    world.move(lead, world.stage("Заказ отправлен"))
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    new = world.lead("Новый")
    world.pull()

    assert looks_of(world)[:2] == looks[:2]
    assert world.validation(world.person.row_of(new)) is not None
    world.rest()
    assert looks_of(world)[:2] == looks[:2]


def looks_of(world: World) -> list[list[object]]:
    """The looks of every cell of the first rows."""
    tab = world.person.tab
    return [[tab.look(row, column) for column in range(22)] for row in range(4)]


def test_a11_the_id_lands_in_the_id_column_though_column_a_is_empty(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["Пометка", "ID", "статус", "Ф.И.О."]])
    leads = [world.lead(f"Клиент {number}") for number in range(3)]
    world.pull()
    leads.append(world.lead("Новый"))
    world.pull()

    assert [row[:3] for row in world.sheets.table()[1:]] == [[None, lead, "В процессе"] for lead in leads]
    world.rest()


@pytest.mark.parametrize("typed", ["12 345", "12345.0", "'12345", "  12345 ", "12345,0", "12\u00a0345"])
def test_a12_an_id_typed_in_any_way_is_the_same_lead(tmp_path: Path, typed: str) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", lead_id=12345)
    world.pull()
    world.person.type("ID", typed, row=2)
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.pull()

    assert len(world.sheets.table()) == 2
    assert world.rows()[0]["Адрес"] == "ул. Новая, 1"
    world.rest()


def test_a12_another_number_format_hides_no_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", lead_id=12345)
    world.pull()
    with world.sheets.change() as book:
        style = {"type": "NUMBER", "pattern": "# ##0,00 ₽"}
        book.tab("Sheet1").dress(1, {0: {("userEnteredFormat", "numberFormat"): style}})
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    world.pull()

    assert (world.ids(), world.row(lead)["Адрес"]) == ([lead], "ул. Новая, 1")
    world.rest()
