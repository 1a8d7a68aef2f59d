"""What the sync relies on of each side, as `sync/sides.py` words it: the same tests for every way in which a side can be had.

There are no stand-ins for the sides: the real ones work on the sandbox, so what varies is the transport (over sockets, as in
production, and without, as in most tests) and, for the state, whether it is the file or the copy that a dry run works on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.amo.oauth import Login
from amo2gsheet.columns import default_layout
from amo2gsheet.exceptions import TabMissingError, TokenUsedError, UnavailableError, UnclearOutcomeError
from amo2gsheet.model import Base, CellBase, CellFormat, Mark, Move, NewCell, NewRow, RowWrite, Stage, StatusBase
from amo2gsheet.retry import NO_RETRIES
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Manner, always, where
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sheet.adapter import GoogleSheet, open_sheet
from amo2gsheet.state import StateStore
from amo2gsheet.sync.sides import AmoSide, SheetSide
from tests.world import AMO_URL, SHEETS_URL, START, TAB, World

SENT = "Заказ отправлен"
DOWN = Fault(Manner.REFUSED, answers.html_502())


@dataclass(frozen=True)
class Bench:
    """Both sides as the sync has them, and the world behind them."""

    world: World
    amo: AmoSide
    sheet: SheetSide


def _bench(world: World, amo_url: str, sheets_url: str, new_session: Callable[[], requests.Session]) -> Bench:
    clock = world.outside.clock
    login = Login(long_lived_token=world.amo.oauth.long_lived_token())
    amo = AmoClient(amo_url, login, world.folder / "tokens", clock, policy=NO_RETRIES, new_session=new_session)
    key, kept = world.settings.service_account_file, world.folder / "google"
    sheet: GoogleSheet = open_sheet(
        SPREADSHEET_ID, key, kept, clock=clock, base_url=sheets_url, new_session=new_session, policy=NO_RETRIES
    )
    return Bench(world, amo, sheet)


@pytest.fixture(params=["in process", "over sockets"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    world = World(tmp_path)
    if request.param == "in process":
        assert world.outside.new_session is not None
        yield _bench(world, AMO_URL, SHEETS_URL, world.outside.new_session)
        return
    with SandboxServer(world.amo_wire, world.sheets_wire, hold_seconds=0.2) as server:
        world.amo.host = world.amo.oauth.host = server.amo_url
        world.sheets.host = server.sheets_url
        world.set()
        bench = _bench(world, server.amo_url, server.sheets_url, requests.Session)
        yield bench
        assert isinstance(bench.amo, AmoClient)
        bench.amo.close()


# --- amoCRM ---


def test_every_lead_changed_since_is_given_oldest_first(bench: Bench) -> None:
    leads = []
    for name in ("Анна", "Борис", "Вера"):
        bench.world.clock.advance(10)
        leads.append(bench.world.lead(name))

    found = [lead for part in bench.amo.changed_leads(START + 15) for lead in part]

    assert leads[1:] == [lead.id for lead in found]
    assert leads == sorted(lead.id for lead in bench.amo.newest_leads())
    assert START <= bench.amo.server_time <= START + 60


def test_leads_are_found_by_stage_and_by_id_and_a_gone_one_is_none(bench: Bench) -> None:
    inside, gone = bench.world.lead("Анна"), bench.world.lead("Борис")
    outside = bench.world.lead("Вера", bench.world.stage(SENT))
    bench.world.account.trash_lead(gone)

    standing = [lead.id for part in bench.amo.leads_in_stages([Stage(*bench.world.trigger)]) for lead in part]

    assert [inside] == standing
    assert {inside, outside} == set(bench.amo.leads_by_id([inside, outside, gone]))
    assert bench.amo.lead(gone) is None


def test_a_move_is_carried_out_and_stands_in_the_events(bench: Bench) -> None:
    lead = bench.world.lead("Анна")
    target = Stage(*bench.world.stage(SENT))

    answered = bench.amo.move([Move(lead, target)])

    assert SENT == bench.world.stage_of(lead)
    assert ({lead}, {}) == (set(answered.moved), answered.refused)
    assert [target] == [event.after for event in bench.amo.moves_of(lead, START - 1)]
    assert [lead] == [event.lead_id for event in bench.amo.trigger_events([Stage(*bench.world.trigger)], START - 1)]


def test_contacts_come_by_id_and_by_change(bench: Bench) -> None:
    bench.world.lead("Анна", phone="+998900000001")
    (contact,) = [one for one, _ in bench.amo.changed_contacts(START - 1)]

    assert ("+998900000001",) == bench.amo.contacts([contact, 5])[contact].phones
    assert {contact} == bench.amo.contacts([contact, 5]).keys()
    assert ({}, []) == (bench.amo.companies([]), bench.amo.changed_companies(START - 1))


def test_what_names_things_is_read_whole(bench: Bench) -> None:
    assert [bench.world.shop, bench.world.base] == [pipeline.id for pipeline in bench.amo.pipelines()][-2:]
    assert "Адрес" in {field.name for field in bench.amo.lead_fields()}
    assert bench.amo.users()
    assert bench.amo.account().zone


def test_amocrm_that_does_not_answer_is_an_outage_and_a_lost_move_is_unclear(bench: Bench) -> None:
    lead = bench.world.lead("Анна")
    bench.world.amo_wire.rule = always(DOWN)

    with pytest.raises(UnavailableError):
        list(bench.amo.changed_leads(0))
    with pytest.raises(UnclearOutcomeError):
        bench.amo.move([Move(lead, Stage(*bench.world.stage(SENT)))])


# --- the sheet ---


def _made(bench: Bench, *leads: int) -> None:
    """The tab with its header and a row for each lead."""
    layout = default_layout(TAB, ["В процессе", SENT], bench.amo.lead_fields())
    (tab,) = bench.sheet.workbook().tabs
    bench.sheet.prepare_tab(tab, layout, 1)
    if leads:
        _insert(bench, 2, leads)


def _insert(bench: Bench, token: int, leads: tuple[int, ...]) -> None:
    (tab,) = bench.sheet.workbook().tabs
    look = bench.sheet.look(TAB, 0, 19)
    assert look.header is not None
    rows = [NewRow(lead, {0: NewCell(lead, CellFormat.ID), 19: NewCell("В процессе", CellFormat.TEXT)}) for lead in leads]
    below = max(look.rows, default=look.header.row_number)
    bench.sheet.insert_rows(tab, look.header, rows, below_row=below, commit_token=token, dropdown=None, status_index=19)


def test_an_empty_tab_is_prepared_once_under_one_token(bench: Bench) -> None:
    assert bench.sheet.look(TAB, 0, 1).is_empty
    _made(bench)

    look = bench.sheet.look(TAB, 0, 1)

    assert look.header is not None
    assert ("ID", {}) == (look.header.texts[0], look.rows)
    with pytest.raises(TokenUsedError):
        _made(bench)


def test_rows_are_inserted_once_under_one_token_and_read_back(bench: Bench) -> None:
    _made(bench, 11, 12)
    with pytest.raises(TokenUsedError):
        _insert(bench, 2, (11, 12))

    look = bench.sheet.look(TAB, 0, 19)

    assert look.header is not None
    assert {2: (11, "В процессе"), 3: (12, "В процессе")} == look.rows
    assert [(3, 12)] == [(row.number, row.lead_id) for row in bench.sheet.read_rows(TAB, look.header, [3, 9999], [19])]
    assert {1, 2} == bench.sheet.workbook().commit_tokens.keys()


def test_a_write_shows_whose_row_it_hit(bench: Bench) -> None:
    _made(bench, 11, 12)
    header = bench.sheet.look(TAB, 0, 19).header
    assert header is not None
    bench.world.person.move_row(2, lead=12)

    answer = bench.sheet.write_rows(TAB, header, [RowWrite(2, 11, {19: SENT})])

    assert answer.rows is not None
    assert [12] == [row.lead_id for row in answer.rows]


def test_a_mark_takes_the_place_of_another(bench: Bench) -> None:
    first, second = Mark("s", "here", "/a"), Mark("t", "there", "/b")
    bench.sheet.set_mark(first, [])
    bench.sheet.set_mark(second, [first])

    assert (second,) == bench.sheet.workbook().marks


def test_a_tab_that_is_not_there_is_missing_or_has_no_rows(bench: Bench) -> None:
    with pytest.raises(TabMissingError):
        bench.sheet.look("Архив", 0, 1)
    assert [] == bench.sheet.read_table("Staff")


def test_google_that_does_not_answer_is_an_outage_and_a_lost_write_is_unclear(bench: Bench) -> None:
    _made(bench, 11)
    header = bench.sheet.look(TAB, 0, 19).header
    assert header is not None
    bench.world.sheets_wire.rule = where(lambda request: request.path != "/token", DOWN)

    with pytest.raises(UnavailableError):
        bench.sheet.look(TAB, 0, 19)
    with pytest.raises(UnclearOutcomeError):
        bench.sheet.write_rows(TAB, header, [RowWrite(2, 11, {19: SENT})])


# --- the state ---


@pytest.fixture(params=["file", "copy"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateStore]:
    clock = World(tmp_path).outside.clock
    opened = StateStore.open if request.param == "file" else StateStore.open_scratch
    with opened(tmp_path / "state.sqlite3", clock) as state:
        state.follow_tab(5, TAB)
        yield state


def test_a_base_comes_back_as_it_was_agreed(state: StateStore) -> None:
    base = Base(11, StatusBase(Stage(1, 2), "У курера", "Успешно"), {"name": CellBase("Анна", "Аня"), "price": CellBase(1, 1.5)})
    state.save_bases([base])

    assert {11: base} == state.bases([11, 12])
    assert {11: ("Успешно", 0)} == state.status_texts()


def test_an_intent_stands_until_it_is_dropped_and_its_token_is_given_once(state: StateStore) -> None:
    token = state.new_commit_token()
    intent = state.add_intent("rows", {"cells": [1, "007", None]}, token)
    state.mark_unclear(intent.id)

    (found,) = state.open_intents()

    assert (token, True, {"cells": [1, "007", None]}) == (found.commit_token, found.is_unclear, found.payload)
    state.drop_intent(intent.id)
    assert [] == state.open_intents()
    assert token not in {state.new_commit_token() for _ in range(50)}


def test_what_is_half_done_is_not_kept(state: StateStore) -> None:
    def stopped() -> None:
        with state.transaction():
            state.owe(11, "unwritten")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert {} == state.owed()


def test_a_cursor_never_goes_back(state: StateStore) -> None:
    for time in (100, 50):
        state.move_cursor("leads", time)

    assert 100 == state.cursor("leads")
