"""Writes of cells through the journal: what the answer, or a later look, says of where they landed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Manner, where
from amo2gsheet.sheet.a1 import column_name
from amo2gsheet.sync import desk, directory
from amo2gsheet.sync.looking import strayed_leads
from amo2gsheet.sync.place import open_place
from amo2gsheet.sync.steady import rows_under
from tests.sync_bench import (
    CUT_AFTER,
    CUT_BEFORE,
    KILL_AFTER,
    KILL_BEFORE,
    before,
    is_write,
    once,
    run_on,
    settled,
    state_of,
    stopped,
)
from tests.world import STATUS, World, is_cell_write


def test_a_column_inserted_between_two_cells_of_a_write(tmp_path: Path) -> None:
    """The left one lands, the right one strays: it is taken back and written anew, and nobody's lead is moved."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая"})
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.before_each = before(is_write, lambda: world.person.insert_columns(STATUS))

    world.pull()
    settled(world)

    assert ("Заказ отправлен", "У курера", "ул. Новая") == (
        world.stage_of(lead),
        world.status(lead),
        world.person.see("Адрес", lead=lead),
    )
    assert 0 == world.patches()


def test_a_pick_made_right_after_an_unclear_write_is_carried_over(tmp_path: Path) -> None:
    """What the row shows at the next look is not what was written: the pick is a change of its own."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая"})
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, CUT_AFTER)
    world.sheets_wire.before_each = before(_after_write(), lambda: world.pick(lead, "Отказ"))

    world.pull()
    settled(world)

    assert ("Отказ", "Отказ") == (world.stage_of(lead), world.status(lead))


def test_a_column_inserted_after_a_write_that_was_cut_off_does_not_confuse_the_base(tmp_path: Path) -> None:
    """Else the base would take a neighbouring cell for the status, and the row would count as picked."""
    world = World(tmp_path, CONFLICT_WINNER="sheet")
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, KILL_AFTER)
    stopped(world.pull)
    world.person.insert_columns(1)
    world.move(lead, world.stage("Отказ"))

    settled(world)

    assert ("Отказ", "Отказ", 0) == (world.stage_of(lead), world.status(lead), world.patches())


def test_a_value_that_fell_off_the_right_end_of_the_table_is_taken_back(tmp_path: Path) -> None:
    """The status is the last column, and somebody deletes a column left of it in the moment of the write."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.move_column("Ответственный", 1)
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.before_each = before(is_write, lambda: world.person.delete_columns("Группа"))

    world.pull()

    table = world.sheets.table()
    assert "У курера" == world.status(lead)
    assert len(table[0]) == len(table[1])


def _after_write() -> Callable[[Request], bool]:
    """True of the requests that follow the first write of cells."""
    seen = False

    def predicate(request: Request) -> bool:
        nonlocal seen
        seen, was_seen = seen or is_write(request), seen
        return was_seen

    return predicate


# --- what Google refuses ---


def _three(world: World) -> list[int]:
    """Three leads with rows, each with a news that `pull` has yet to write."""
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    for lead in leads:
        world.move(lead, world.stage("Заказ отправлен"))
    return leads


def test_a_protected_cell_stays_alone_in_its_trouble(tmp_path: Path) -> None:
    world = World(tmp_path)
    anna, boris, vera = _three(world)
    _protected(world, boris)

    outcome = world.pull()

    assert ["У курера", "В процессе", "У курера"] == [world.status(lead) for lead in (anna, boris, vera)]
    assert ExitCode.PARTIAL == outcome.exit_code
    assert [True] == [name.startswith(f"the row of lead {boris} could not be written") for name in outcome.report.named]
    with state_of(world) as state:
        assert [(boris, "refused")] == [(waiting.lead_id, waiting.kind) for waiting in state.waiting()]
        assert {boris: {"refused": ""}} == {lead: dict(owed.reasons) for lead, owed in state.owed().items()}
        assert [] == state.open_intents()


def _protected(world: World, lead: int) -> None:
    """Let Google refuse what is written to the status of one lead."""
    world.person.protect(f"{_letter(world, STATUS)}{world.person.row_of(lead)}")


@pytest.mark.parametrize("known", ["known before", "seen for the first time"])
def test_a_value_strays_while_the_answers_to_writes_show_written_cells_alone(tmp_path: Path, known: str) -> None:
    """A row stands above for the moment of the write: nothing but the write's own answer can show which row it hit.

    Once it is known that such answers show too little, writes are sent in another way. Until then a person is asked.
    """
    world = World(tmp_path)
    world.sheets.knobs.values_in_response = "written"
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    if known == "known before":
        world.move(leads[0], world.stage("Заказ отправлен"))
        world.pull()
    world.move(leads[1], world.stage("Отказ"))
    written = False

    def hand(_number: int, request: Request) -> None:
        nonlocal written
        if written:
            world.person.delete_rows(2)
            world.sheets_wire.before_each = None
        elif is_cell_write(request):
            world.person.insert_rows(2)
            written = True

    world.sheets_wire.before_each = hand
    world.pull()
    settled(world)

    assert written
    assert [] == [entry for lead in leads for entry in world.history(lead, "moved")]
    assert ["Отказ", "В процессе"] == [world.status(lead) for lead in leads[1:]]
    if known == "known before":
        assert "У курера" == world.status(leads[0])
    else:
        with state_of(world) as state:
            assert [leads[0]] == [waiting.lead_id for waiting in state.waiting()]


def _letter(world: World, header: str) -> str:
    return column_name(world.person.column_of(header) - 1)


@pytest.mark.parametrize("what", ["header", "ID", "Ф.И.О."])
def test_protected_cells_that_may_not_even_be_left_alone_keep_no_other_from_being_written(tmp_path: Path, what: str) -> None:
    """Nobody knows whether Google refuses a range for a protected cell that it leaves as it is."""
    world = World(tmp_path)
    leads = _three(world)
    world.sheets.knobs.is_null_a_touch = True
    world.person.protect("A1:Z1" if what == "header" else f"{_letter(world, what)}1:{_letter(world, what)}50")

    outcome = world.pull()

    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]
    assert ExitCode.DONE == outcome.exit_code
    with state_of(world) as state:
        assert ([], {}) == (state.open_intents(), state.owed())


def test_a_pick_made_before_a_refused_write_is_halved_is_not_unheard_of(tmp_path: Path) -> None:
    """Each half goes out on a fresh look: who waits in between has to look again."""
    world = World(tmp_path)
    anna, boris, vera = _three(world)
    _protected(world, anna)
    world.sheets_wire.before_each = before(is_write, lambda: world.pick(vera, "Отказ"))

    world.pull()

    assert ["В процессе", "У курера", "У курера"] == [world.status(lead) for lead in (anna, boris, vera)]
    with state_of(world) as state:
        assert ["Отказ"] == [entry.old for entry in state.history(vera) if entry.kind == "conflict"]


@pytest.mark.parametrize("manner", [Manner.TIMEOUT_BEFORE, Manner.TIMEOUT_AFTER, None])
def test_a_pick_made_while_the_first_of_two_writes_is_under_way_is_not_unheard_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manner: Manner | None
) -> None:
    """What changed is too much for one request; a first one without an answer takes two minutes."""
    world = World(tmp_path)
    leads = _three(world)
    monkeypatch.setattr(desk, "CELLS_PER_WRITE", 45)
    if manner is not None:
        world.sheets_wire.rule = once(is_write, Fault(manner))
    world.sheets_wire.before_each = before(is_write, lambda: world.pick(leads[2], "Отказ"))

    world.pull()
    settled(world)

    with state_of(world) as state:
        assert "Отказ" in {entry.old for entry in state.history(leads[2])}
    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]


HALVING: dict[str, Callable[[World], None]] = {
    "a column is inserted": lambda world: world.person.insert_columns(3),
    "a row is inserted": lambda world: world.person.insert_rows(2),
    "rows are sorted": lambda world: world.person.sort("Ф.И.О.", descending=True),
    "the tab is renamed": lambda world: world.person.rename_tab("Заказы"),
    "the tab is emptied": lambda world: world.person.clear_all(),
}


@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.parametrize("hand", HALVING)
def test_whatever_people_do_while_a_refused_write_is_halved_each_value_stands_right(tmp_path: Path, hand: str, nth: int) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.account.edit_lead(leads[2], fields={"Адрес": "ул. Новая"})
    version = world.person.version()
    _protected(world, leads[0])
    world.sheets_wire.before_each = before(_after_write(), lambda: HALVING[hand](world), nth)

    with suppress(AmoGsheetError):
        world.pull()
    world.sheets_wire.before_each = None
    world.person.unprotect()
    if hand == "the tab is emptied":
        world.person.restore_version(version)
    settled(world)

    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]
    assert [None, None, "ул. Новая"] == [world.person.see("Адрес", lead=lead) for lead in leads]


def test_a_cell_that_is_free_again_is_written_without_a_word(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.person.protect()
    refused = world.pull()
    world.person.unprotect()

    outcome = world.pull()

    assert (ExitCode.PARTIAL, ExitCode.DONE) == (refused.exit_code, outcome.exit_code)
    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]
    with state_of(world) as state:
        assert ([], {}) == (state.waiting(), state.owed())


def test_a_refused_cell_that_is_no_longer_due_is_no_longer_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.person.protect()
    world.pull()
    for lead in leads:
        world.move(lead, world.trigger)

    world.pull()

    with state_of(world) as state:
        assert ([], {}) == (state.waiting(), state.owed())


# --- what nobody answered ---


def test_a_write_that_surely_was_not_carried_out_is_owed_and_leaves_no_intent(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.sheets_wire.rule = where(is_write, Fault(Manner.REFUSED, answers.json_429_google("Write")))

    outcome = world.pull()

    assert ExitCode.UNAVAILABLE == outcome.exit_code
    with state_of(world) as state:
        assert [] == state.open_intents()
        assert set(leads) == set(state.owed())
    world.sheets_wire.rule = None
    settled(world)
    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]


@pytest.mark.parametrize("fault", [CUT_AFTER, CUT_BEFORE, Fault(Manner.LATE, after=4), Fault(Manner.LATE, after=40)])
def test_a_write_without_an_answer_is_looked_for_and_written_once(tmp_path: Path, fault: Fault) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.sheets_wire.rule = once(is_write, fault)

    world.pull()
    world.sheets_wire.land()
    settled(world)

    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]
    assert 0 == world.patches()


def test_an_unclear_write_stays_open_while_it_may_still_land(tmp_path: Path) -> None:
    world = World(tmp_path)
    _three(world)
    world.sheets_wire.rule = once(is_write, Fault(Manner.LATE, after=400))
    world.pull()

    with state_of(world) as state:
        (intent,) = state.open_intents()
        assert ("cells", True) == (intent.kind, intent.is_unclear)

    world.sheets_wire.rule = None
    world.clock.advance(1000)
    world.pull()
    with state_of(world) as state:
        assert [] == state.open_intents()


def test_a_late_write_that_lands_after_a_newer_one_is_put_right(tmp_path: Path) -> None:
    """The sheet shows an old status for a moment; it must not count as a pick."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.sheets_wire.rule = once(is_write, Fault(Manner.LATE, after=400))
    world.pull()
    world.move(lead, world.stage("Отказ"))
    world.pull()
    world.sheets_wire.land()

    settled(world)

    assert ("Отказ", "Отказ", 0) == (world.stage_of(lead), world.status(lead), world.patches())


@pytest.mark.parametrize("fault", [KILL_BEFORE, KILL_AFTER])
def test_a_write_cut_off_by_a_kill_is_settled_by_the_next_run(tmp_path: Path, fault: Fault) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.sheets_wire.rule = once(is_write, fault)
    stopped(world.pull)

    settled(world)

    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]
    assert 0 == world.patches()


# --- where rows move in the moment of the write ---


@pytest.mark.parametrize("is_large", [False, True], ids=["", "large"])
@pytest.mark.parametrize("fault", [None, CUT_AFTER, KILL_AFTER], ids=["answered", "no answer", "killed"])
@pytest.mark.parametrize("deed", ["insert", "delete", "sort", "move", "insert column", "move column"])
def test_whatever_people_move_each_value_ends_in_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, fault: Fault | None, is_large: bool
) -> None:
    """Of a large table only the rows concerned and their neighbours are looked at."""
    if is_large:
        monkeypatch.setattr("amo2gsheet.sync.steady.WHOLE_TABLE_ROWS", 0)
    world = World(tmp_path)
    anna, boris, vera = leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    world.pick(vera, "Отказ")
    world.push()
    world.move(boris, world.stage("Заказ отправлен"))
    world.account.edit_lead(anna, fields={"Адрес": "ул. Новая"})
    person = world.person
    deeds = {
        "insert": lambda: person.insert_rows(2),
        "delete": lambda: person.delete_row(anna),
        "sort": lambda: person.sort("Ф.И.О.", descending=True),
        "move": lambda: person.move_row(2, lead=vera),
        "insert column": lambda: person.insert_columns(1),
        "move column": lambda: person.move_column("Ответственный", 1),
    }
    world.sheets_wire.before_each = before(is_write, deeds[deed])
    world.sheets_wire.rule = once(is_write, fault) if fault else None
    if fault is KILL_AFTER:
        stopped(world.pull)
    else:
        world.pull()

    settled(world)

    left = [boris, vera] if deed == "delete" else leads
    expected = {anna: ("В процессе", "ул. Новая"), boris: ("У курера", None), vera: ("Отказ", None)}
    assert {lead: expected[lead] for lead in left} == {
        lead: (world.status(lead), person.see("Адрес", lead=lead)) for lead in left
    }
    assert left == sorted(int(str(lead)) for lead in world.ids())
    strangers = [row for row in world.rows() if row.get("ID") in (None, "")]
    assert all(value in (None, "") for row in strangers for value in row.values())
    assert 1 == world.patches()


# --- repairs ---


def _strayed(world: World, then: Callable[[], None], *, times: int = 1) -> list[int]:
    """Three leads; the write for the second one hits a row inserted meanwhile, and `then` happens right before its repair."""
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    world.move(leads[1], world.stage("Заказ отправлен"))
    met = 0

    def hand(_number: int, request: Request) -> None:
        nonlocal met
        if is_write(request):
            met += 1
            if met <= times:
                world.person.insert_rows(2)
            if met == times + 1:
                then()

    world.sheets_wire.before_each = hand
    return leads


def _right(world: World, leads: list[int], expected: Sequence[str] = ("В процессе", "У курера", "В процессе")) -> None:
    """Hold the end: each value in its row, and nothing in a row without ID."""
    settled(world)
    assert list(expected) == [world.status(lead) for lead in leads]
    strangers = [row for row in world.rows() if row.get("ID") in (None, "")]
    assert all(value in (None, "") for row in strangers for value in row.values())
    assert 0 == world.patches()
    world.clock.advance(1000)
    settled(world)
    with state_of(world) as state:
        assert [] == state.open_intents()


@pytest.mark.parametrize("times", [1, 2, 3, 4, 5, 6])
def test_a_repair_that_strays_itself_is_put_right_in_turn(tmp_path: Path, times: int) -> None:
    """In this run, or where its rounds are used up in the next one. Somebody drags the last row up at each write."""
    world = World(tmp_path)
    leads = _strayed(world, lambda: None, times=0)
    met = 0

    def hand(_number: int, request: Request) -> None:
        nonlocal met
        if is_write(request) and met < times:
            met += 1
            world.person.move_row(2, row=4)

    world.sheets_wire.before_each = hand
    world.pull()

    _right(world, leads)


def test_a_repair_in_a_row_without_id_that_strays_itself_is_put_right_in_turn(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _strayed(world, lambda: None, times=2)
    world.pull()

    _right(world, leads)


def test_a_repair_that_google_refuses_is_tried_again_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _strayed(world, world.person.protect)
    world.pull()
    world.person.unprotect()

    _right(world, leads)


def test_a_repair_in_a_tab_that_is_renamed_goes_on_under_its_new_name(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _strayed(world, lambda: world.person.rename_tab("Заказы"))
    world.pull()

    _right(world, leads)


@pytest.mark.parametrize("fault", [CUT_AFTER, CUT_BEFORE, KILL_AFTER, KILL_BEFORE], ids=lambda fault: str(fault.manner.value))
def test_a_repair_that_is_cut_off_is_gone_on_with_by_the_next_run(tmp_path: Path, fault: Fault) -> None:
    world = World(tmp_path)
    leads = _strayed(world, lambda: None)
    world.sheets_wire.rule = once(is_write, fault, nth=2)
    stopped(world.pull)

    _right(world, leads)


def test_a_tab_that_is_gone_in_the_moment_of_the_write_is_found_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.sheets_wire.before_each = before(is_write, lambda: world.person.rename_tab("Заказы"))

    world.pull()

    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]


def test_a_tab_emptied_in_the_moment_of_the_write_is_not_judged(tmp_path: Path) -> None:
    """The values stand alone in an empty tab; the intent stays until somebody brings the tab back."""
    world = World(tmp_path)
    leads = _three(world)
    version = world.person.version()
    world.sheets_wire.before_each = before(is_write, world.person.clear_all)
    stopped(world.pull)
    with state_of(world) as state:
        assert ["cells"] == [intent.kind for intent in state.open_intents()]

    world.person.restore_version(version)
    settled(world)

    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]


def test_a_dry_run_tells_nothing_of_a_stray_and_leaves_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _strayed(world, lambda: None)
    world.sheets_wire.rule = once(is_write, KILL_BEFORE, nth=2)
    stopped(world.pull)
    world.sheets_wire.before_each = None
    writes = world.sheet_writes()

    world.pull(dry=True)

    assert writes == world.sheet_writes()
    _right(world, leads)


@pytest.mark.parametrize("fault", [KILL_AFTER, CUT_AFTER], ids=["killed", "no answer"])
def test_a_status_that_strayed_and_was_carried_off_by_a_sort_is_found(tmp_path: Path, fault: Fault) -> None:
    world = World(tmp_path)
    leads = _strayed(world, lambda: None)
    world.sheets_wire.before_each = before(is_write, lambda: world.person.move_row(2, lead=leads[2]))
    world.sheets_wire.rule = once(is_write, fault)
    if fault is KILL_AFTER:
        stopped(world.pull)
        world.person.sort("Ф.И.О.", descending=True)
    else:
        world.pull()

    _right(world, leads)


def test_a_value_in_a_row_that_nobody_knows_is_named(tmp_path: Path) -> None:
    """A row of people came into the place of the row, and nobody saw before what stood in it."""
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    world.move(leads[0], world.stage("Заказ отправлен"))

    def deed() -> None:
        world.person.insert_rows(2)
        world.person.type("Ф.И.О.", "Итого", row=2)

    world.sheets_wire.before_each = before(is_write, deed)

    outcome = world.pull()

    assert ["row 2 may show a value that belongs to another row"] == [name.split(",")[0] for name in outcome.report.named]
    assert "У курера" == world.status(leads[0])


def test_a_tab_that_is_empty_when_a_write_is_looked_for_is_not_judged(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = _three(world)
    world.sheets_wire.rule = once(is_write, KILL_AFTER)
    stopped(world.pull)
    version = world.person.version()
    world.person.clear_all()

    assert ExitCode.UNUSABLE_SHEET == world.code(world.pull)

    world.person.restore_version(version)
    _right(world, leads, ["У курера"] * 3)


def test_a_pick_of_the_very_text_that_was_being_written_elsewhere_is_held(tmp_path: Path) -> None:
    """The write may have landed in that row while rows stood otherwise for a moment; a person has to tell."""
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    world.move(leads[1], world.stage("Заказ отправлен"))
    world.sheets_wire.rule = where(is_write, Fault(Manner.LATE, after=900))
    world.code(world.pull)
    world.sheets_wire.rule = None
    world.pick(leads[2], "У курера")

    named = world.push().report.named

    assert [True] == [name.startswith(f'lead {leads[2]} shows "У курера", which was being written') for name in named]
    assert 0 == world.patches()
    world.clock.advance(1000)
    settled(world)
    world.push(force=True)
    assert ("Заказ отправлен", "У курера") == (world.stage_of(leads[2]), world.status(leads[2]))


def test_a_write_without_an_answer_concerns_only_its_own_cells(tmp_path: Path) -> None:
    """Another lead that shows the same text at rest is no suspect, and its next write is its own."""
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    world.move(leads[2], world.stage("Заказ отправлен"))
    world.pull()
    world.sheets_wire.rule = where(is_write, Fault(Manner.LATE, after=900))
    for lead in leads[:2]:
        world.move(lead, world.stage("Заказ отправлен"))
        world.code(world.pull)
    world.sheets_wire.rule = None

    outcome = world.push()

    assert ([], 0) == (outcome.report.named, world.patches())
    world.sheets_wire.land()
    world.clock.advance(1000)
    _right(world, leads, ["У курера"] * 3)


def test_a_newer_write_of_other_cells_leaves_no_doubt_about_an_unanswered_one(tmp_path: Path) -> None:
    """Once seen, what landed late is settled; were the same cells written since, it might be the newer write's value."""
    world = World(tmp_path)
    first, second = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.move(first, world.stage("Заказ отправлен"))
    faults = iter([Fault(Manner.LATE, after=1000), KILL_BEFORE])
    is_past_write = _after_write()
    world.sheets_wire.rule = lambda _number, request: next(faults) if is_past_write(request) or is_write(request) else None
    stopped(world.pull)
    world.sheets_wire.rule = None
    world.move(first, world.trigger)
    world.move(second, world.stage("Заказ отправлен"))
    world.pull()
    with state_of(world) as state:
        open_before = len(state.open_intents())

    world.sheets_wire.land()
    world.push()

    with state_of(world) as state:
        assert (1, 0) == (open_before, len(state.open_intents()))
    settled(world)
    assert (["В процессе", "У курера"], 0) == ([world.status(lead) for lead in (first, second)], world.patches())


def test_a_pick_between_the_look_and_the_reading_of_rows_survives_a_stray(tmp_path: Path) -> None:
    """The look showed another pick; the rows, read a moment later, this one."""
    world = World(tmp_path)
    moved, picked = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    world.move(moved, world.stage("Заказ отправлен"))
    world.pick(picked, "Успешно")
    picks = ["Отказ"]

    def hand(_number: int, request: Request) -> None:
        reads_rows = any(name == "ranges" and text.startswith("'Sheet1'!A1:") for name, text in request.query)
        if reads_rows and picks:
            world.pick(picked, picks.pop())
        elif is_write(request) and world.rows()[0]["ID"] == moved:
            world.person.move_row(2, row=3)

    world.sheets_wire.before_each = hand
    world.pull()
    settled(world)

    assert ("У курера", "Отказ") == (world.status(moved), world.status(picked))
    assert "Отказ" == world.stage_of(picked)


@pytest.mark.parametrize(("is_dry", "column"), [(False, STATUS), (True, STATUS), (False, "Адрес")])
def test_what_stood_under_a_stray_is_told_as_soon_as_it_is_seen(tmp_path: Path, is_dry: bool, column: str) -> None:
    """Before it is put right somebody may pick once more, and rows may move: nobody could tell any more."""
    world = World(tmp_path)
    anna, boris = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.pick(anna, "Отказ")
    if column == STATUS:
        world.move(boris, world.stage("Заказ отправлен"))
    else:
        # Where nothing stood there is nothing to be told.
        world.account.edit_lead(boris, fields={"Адрес": "ул. Новая"})
    world.sheets_wire.rule = where(is_write, Fault(Manner.LATE, after=900))
    world.code(world.pull)
    world.sheets_wire.rule = None
    world.person.insert_rows(2)
    world.sheets_wire.land()

    with run_on(world, is_dry=is_dry) as run:
        place = open_place(run, directory.load(run), "Sheet1")
        assert place is not None
        rows = rows_under(run, place, [place.presence.row_of[anna]])
        found = strayed_leads(run, place, rows or [])
        told = [(entry.column, entry.old) for entry in run.state.history(anna) if entry.kind == "doubtful"]

    assert {anna} == found
    assert ([("status", "Отказ")] if column == STATUS and not is_dry else []) == told
