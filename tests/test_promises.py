"""The ten promises, each held against faults, kills and people; the incidents and the random schedules hold them closer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, always, at, times, where
from amo2gsheet.state import StateStore
from tests.world import STATUS, World, is_insert, is_move

TRIGGER = "NOMERATSIYALANMAGAN ZAKAZ"
SENT = "Заказ отправлен"
ADDRESS = "Адрес"

FAULTS = {
    "killed before": Fault(Manner.KILL_BEFORE),
    "killed after": Fault(Manner.KILL_AFTER),
    "cut after": Fault(Manner.CUT_AFTER),
    "late": Fault(Manner.LATE, after=4),
}


class Shop(World):
    """A shop in the middle of its day: every kind of work is due on both sides. `after` is where all of it ends."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.leads = [self.lead(f"Клиент {letter}", fields={ADDRESS: f"ул. {letter}"}) for letter in "абвгд"]
        self.pull()
        self.person.type_at(1, 22, "Заметка")
        self.person.type("Заметка", "позвонить", lead=self.leads[0])
        self.pick(self.leads[0], "Отказ")
        self.pick(self.leads[1], "У курера")
        self.move(self.leads[2], self.stage(SENT))
        self.account.edit_lead(self.leads[3], fields={ADDRESS: "ул. Новая, 1"})
        self.person.type(ADDRESS, "ул. а, кв. 5", lead=self.leads[0])
        self.leads += [self.lead("Клиент е", fields={ADDRESS: "ул. е"}), self.lead("Клиент ж", fields={ADDRESS: "ул. ж"})]

    def looks(self) -> dict[object, tuple[object, object, str, object]]:
        """Lead ID → status cell, address cell, stage, note."""
        rows = [row for row in self.rows() if row["ID"]]
        assert len(rows) == len({row["ID"] for row in rows}), "a lead has two rows"
        return {row["ID"]: (row[STATUS], row[ADDRESS], self.stage_of(int(str(row["ID"]))), row["Заметка"]) for row in rows}

    def after(self) -> dict[object, tuple[object, object, str, object]]:
        """What the shop looks like when everything due is done."""
        return {
            self.leads[0]: ("Отказ", "ул. а, кв. 5", "Отказ", "позвонить"),
            self.leads[1]: ("У курера", "ул. б", SENT, None),
            self.leads[2]: ("У курера", "ул. в", SENT, None),
            self.leads[3]: ("В процессе", "ул. Новая, 1", TRIGGER, None),
            self.leads[4]: ("В процессе", "ул. д", TRIGGER, None),
            self.leads[5]: ("В процессе", "ул. е", TRIGGER, None),
            self.leads[6]: ("В процессе", "ул. ж", TRIGGER, None),
        }

    def work(self) -> None:
        """The runs of a timer, come what may."""
        for run in (self.push, self.pull):
            with suppress(AmoGsheetError, Killed):
                run()

    def recover(self) -> None:
        """The trouble is over, and what was under way has landed; the next runs go on by themselves."""
        for wire in (self.amo_wire, self.sheets_wire):
            wire.rule = wire.before_each = None
            wire.land()
        self.clock.advance(1000)
        for _ in range(2):
            self.push()
            self.pull()


def is_write(request: Request) -> bool:
    """Whether a request writes on either side."""
    return request.method in ("POST", "PATCH") and request.path != "/token"


@pytest.mark.parametrize("fault", FAULTS)
def test_promise_1_one_lead_one_row_whichever_write_fails(tmp_path: Path, fault: str) -> None:
    for number in range(1, 20):
        shop = Shop(fresh(tmp_path, number))
        seen = iter(range(1, 100))
        rule = where(lambda request, n=number, s=seen: is_write(request) and next(s) == n, FAULTS[fault])  # type: ignore[misc]
        shop.amo_wire.rule = shop.sheets_wire.rule = rule
        shop.work()
        was_met = next(seen) > number
        shop.recover()

        assert shop.looks() == shop.after(), f"write {number}"
        shop.assert_no_writes()
        if not was_met:
            break

    assert number > 3


def fresh(folder: Path, number: int) -> Path:
    """A folder of its own for one of several worlds."""
    own = folder / str(number)
    own.mkdir()
    return own


@pytest.mark.parametrize("winner", ["amo", "sheet"])
def test_promise_2_no_edit_is_lost(tmp_path: Path, winner: str) -> None:
    """Each value a person left stands on a side, or in the history as the losing one."""
    world = World(tmp_path, CONFLICT_WINNER=winner)
    leads = [world.lead(f"Клиент {letter}", fields={ADDRESS: "ул. Старая, 2"}) for letter in "абвг"]
    world.pull()
    for lead in leads:
        world.pick(lead, "Отказ")
        world.person.type(ADDRESS, f"правка {lead}", lead=lead)
    world.move(leads[0], world.stage(SENT))
    world.move(leads[1], world.stage("Консультация"))
    world.account.edit_lead(leads[1], fields={ADDRESS: "ул. Новая, 1"})
    world.account.edit_lead(leads[2], fields={ADDRESS: "ул. Новая, 2"})
    world.rest()

    for lead in leads:
        kept = {world.status(lead), world.row(lead)[ADDRESS], *(entry.old for entry in world.history(lead, "conflict"))}
        assert {"Отказ", f"правка {lead}"} <= kept
    assert [world.row(lead)[ADDRESS] for lead in (leads[0], leads[3])] == [f"правка {leads[0]}", f"правка {leads[3]}"]
    stages = [world.stage_of(lead) for lead in leads]
    assert stages == ([SENT, "Консультация", "Отказ", "Отказ"] if winner == "amo" else ["Отказ"] * 4)


HANDS: dict[str, Callable[[World], object]] = {
    "sorts": lambda world: world.person.sort("Ф.И.О.", descending=True),
    "inserts a row": lambda world: world.person.insert_rows(2),
    "drags a row": lambda world: world.person.move_row(2, row=5),
    "drags a column": lambda world: world.person.move_column(ADDRESS, 2),
    "hides rows": lambda world: world.person.hide_rows(2, 3),
    "filters": lambda world: world.person.filter(STATUS, ["Отказ"]),
    "inserts a column": lambda world: world.person.insert_columns(1),
}


@pytest.mark.parametrize("act", HANDS)
def test_promise_3_no_wrong_row_whenever_people_act(tmp_path: Path, act: str) -> None:
    for number in range(1, 25):
        shop = Shop(fresh(tmp_path, number))
        shop.sheets_wire.before_each = acting_at(shop, shop.sheets_wire.count + number, HANDS[act])
        shop.work()
        was_met = shop.sheets_wire.before_each is None
        shop.recover()

        assert shop.looks() == shop.after(), f"request {number}"
        if not was_met:
            break

    assert number > 5


def acting_at(shop: World, number: int, act: Callable[[World], object]) -> Callable[[int, Request], None]:
    """A hand at the request to Sheets of that number."""

    def hand(count: int, _request: Request) -> None:
        if count == number:
            shop.sheets_wire.before_each = None
            act(shop)

    return hand


def test_promise_4_nothing_that_is_not_ours_is_touched(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["мои заметки"], [], ["Моё", "ID", "статус", "Адрес", "Ф.И.О.", "Счёт"]])
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    person = world.person
    person.type("Моё", "позвонить", lead=lead)
    person.write_formula("Счёт", "=СУММ(A1:A9)", 7, lead=lead)
    person.note("Адрес", "этаж?", lead=lead)
    person.colour("A4:F4", 1.0, 0.0, 0.0)
    person.filter("статус", ["Отказ"])
    person.filter_view("статус", ["У курера"])
    person.hide_column("Счёт")
    person.type_at(9, 1, "итого")
    person.type_at(9, 4, "две сделки")
    tab = person.tab
    own = look_of(world)
    since = len(world.sheets.applied)
    world.account.edit_lead(lead, fields={ADDRESS: "ул. Новая, 1"})
    world.move(other, world.stage(SENT))
    world.pull()
    world.pick(other, "Отказ")
    world.rest()

    written = {(touch.row_number, touch.column_number) for touch in world.sheets.touches(since=since)}
    assert written == {(4, 4), (5, 3)}
    assert look_of(world) == own
    assert (person.tab.basic_filter, person.tab.filter_views, person.tab.hidden) == (
        tab.basic_filter,
        tab.filter_views,
        tab.hidden,
    )


def look_of(world: World) -> list[list[object]]:
    """Every cell's look, and the values of the columns and rows that are people's."""
    tab = world.person.tab
    looks = [[tab.look(row, column) for column in range(8)] for row in range(10)]
    return [*looks, [tab.value(row, column) for row in range(10) for column in (0, 5)], [tab.value(8, 3)]]


@contextmanager
def stopped_at_commit(number: int, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs die around their so-many-th commit, and commit nothing after that."""
    real_open = StateStore.open

    def on_step(step: str) -> None:
        steps.append(step)
        if len(steps) >= number:
            raise Killed

    def opened(*positional: object, **named: object) -> StateStore:
        state = real_open(*positional, **named)  # type: ignore[arg-type]
        state.on_step = on_step
        return state

    with monkeypatch.context() as patch:
        patch.setattr(StateStore, "open", opened)
        yield


@pytest.mark.parametrize("command", ["pull", "push"])
def test_promise_5_stop_it_at_any_commit(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 200):
        shop = Shop(fresh(tmp_path, number))
        steps: list[str] = []
        with stopped_at_commit(number, steps, monkeypatch), suppress(Killed):
            getattr(shop, command)()
        shop.recover()

        assert shop.looks() == shop.after(), f"commit {number}"
        if len(steps) < number:
            break

    assert 10 < number < 199


@pytest.mark.parametrize("side", ["amo", "sheets"])
@pytest.mark.parametrize("manner", [Manner.KILL_BEFORE, Manner.KILL_AFTER], ids=["before", "after"])
def test_promise_5_stop_it_at_any_request(tmp_path: Path, side: str, manner: Manner) -> None:
    for number in range(1, 40):
        shop = Shop(fresh(tmp_path, number))
        wire = shop.amo_wire if side == "amo" else shop.sheets_wire
        wire.rule = at(wire.count + number, Fault(manner))
        first = wire.count
        shop.work()
        was_met = wire.count >= first + number
        shop.recover()

        assert shop.looks() == shop.after(), f"request {number}"
        if not was_met:
            break

    assert 3 < number < 39


@pytest.mark.parametrize("manner", [Manner.KILL_AFTER, Manner.CUT_AFTER, Manner.TIMEOUT_AFTER], ids=lambda manner: manner.value)
def test_promise_5_a_move_that_landed_unseen_is_known_though_the_lead_went_on(tmp_path: Path, manner: Manner) -> None:
    """Its events tell; so what a manager did afterwards is no conflict with the pick."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "У курера")
    world.amo_wire.rule = where(is_move, Fault(manner))
    with suppress(AmoGsheetError, Killed):
        world.push()
    world.amo_wire.rule = None
    world.move(lead, world.stage("Отказ"))
    world.rest()

    assert (world.status(lead), world.stage_of(lead)) == ("Отказ", "Отказ")
    assert world.history(lead, "conflict") == []


def test_promise_6_at_rest_means_silent(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.rest()
    assert shop.looks() == shop.after()

    shop.clock.advance(7 * 86_400)
    shop.assert_silent()


@pytest.mark.parametrize("order", ["push first", "pull first"])
def test_promise_7_two_runs_agree(tmp_path: Path, order: str) -> None:
    shop = Shop(tmp_path)
    runs = [shop.push, shop.pull] if order == "push first" else [shop.pull, shop.push]
    for run in runs:
        assert run().exit_code == ExitCode.DONE

    assert shop.looks() == shop.after()


BAD_ANSWERS = {
    "empty": answers.empty_200(),
    "a page": answers.html_200(),
    "truncated": answers.truncated_json(),
    "500": answers.json_500(),
    "nothing in it": Answer(200, b"{}", {"Content-Type": "application/json"}),
    "another thing": Answer(200, b'{"valueRanges": [], "_embedded": {}}', {"Content-Type": "application/json"}),
    "a list": Answer(200, b"[]", {"Content-Type": "application/json"}),
    "null": Answer(200, b"null", {"Content-Type": "application/json"}),
}


@pytest.mark.parametrize("side", ["amo", "sheets"])
@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_promise_8_a_bad_read_is_never_acted_on(tmp_path: Path, side: str, bad: str) -> None:
    shop = Shop(tmp_path)
    before, agreed = shop.sheets.table(), shop.agreed()
    wire = shop.amo_wire if side == "amo" else shop.sheets_wire
    wire.rule = where(lambda request: request.method == "GET", Fault(Manner.REFUSED, BAD_ANSWERS[bad]))
    codes = {shop.code(run) for run in (shop.pull, shop.push, lambda: shop.pull(full=True), shop.pull)}

    # An empty list is an honest answer of amoCRM's; then nothing is new, and nothing may be done.
    assert codes <= {ExitCode.UNAVAILABLE, ExitCode.UNUSABLE_SHEET, ExitCode.DONE, ExitCode.SETTINGS, ExitCode.PARTIAL}
    assert (shop.sheets.table(), shop.agreed(), shop.patches()) == (before, agreed, 0)
    shop.recover()
    assert shop.looks() == shop.after()


def test_promise_9_one_bad_lead_does_not_stop_the_rest(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.amo.knobs.refuse_leads = {shop.leads[0]: "validation"}
    shop.person.protect(f"A{shop.person.row_of(shop.leads[3])}:Z{shop.person.row_of(shop.leads[3])}")
    pushed, pulled = shop.push(), shop.pull()

    assert (pushed.exit_code, pulled.exit_code) == (ExitCode.PARTIAL, ExitCode.PARTIAL)
    assert [str(shop.leads[0]) in named for named in pushed.report.named] == [True]
    assert [str(shop.leads[3]) in named for named in pulled.report.named] == [True]
    good = [lead for lead in shop.leads if lead not in (shop.leads[0], shop.leads[3])]
    assert {lead: shop.looks()[lead] for lead in good} == {lead: shop.after()[lead] for lead in good}

    shop.person.unprotect()
    shop.amo.knobs.refuse_leads = {}
    shop.pick(shop.leads[0], "У курера")
    shop.push()
    shop.pick(shop.leads[0], "Отказ")
    shop.rest()
    assert shop.looks() == shop.after()


def test_promise_10_secrets_and_customers_data_stay_put(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(tmp_path)
    lead = world.lead("Анна Секретная", phone="+998 00 765-43-21", fields={ADDRESS: "ул. Тайная, 7"})
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.sheets_wire.rule = times(3, Fault(Manner.REFUSED, answers.json_500()), is_insert)
    world.lead("Пётр Тихий", phone="+998 00 111-22-33")
    with suppress(AmoGsheetError):
        world.pull()

    made = [path for path in tmp_path.iterdir() if path.name not in (".env", "gsheet.json")]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in made} == {path.name: "0o600" for path in made}
    assert world.settings.long_lived_token not in b"".join(path.read_bytes() for path in made).decode("latin-1")
    for secret in ("Секретная", "765-43-21", "Тайная", "Тихий", "111-22-33", world.settings.long_lived_token):
        assert secret not in caplog.text


def test_a_dry_run_writes_nothing_and_tells_what_the_next_run_does(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix == ".sqlite3"}
    table = shop.sheets.table()
    pull_plan, push_plan = shop.pull(dry=True).report.plan, shop.push(dry=True).report.plan

    assert (shop.sheets.table(), shop.patches()) == (table, 0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix == ".sqlite3"} == before
    assert (shop.push().report.plan, shop.pull().report.plan) == (push_plan, pull_plan)
    assert len(push_plan) == 2
    assert len(pull_plan) == 4
    shop.rest()


def test_the_wire_itself_being_down_changes_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    agreed = shop.agreed()
    shop.amo_wire.rule = shop.sheets_wire.rule = always(Fault(Manner.CUT_BEFORE))
    assert {shop.code(shop.push), shop.code(shop.pull)} == {ExitCode.UNAVAILABLE}

    assert shop.agreed() == agreed
    shop.recover()
    assert shop.looks() == shop.after()
