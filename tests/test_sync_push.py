"""`push`: what it looks at, asks for, holds back and waits for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode, UnavailableError
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, at, where
from amo2gsheet.sync.plan import cell_text
from tests.sync_bench import CUT_AFTER, CUT_BEFORE, KILL_AFTER, before, is_patch, is_write, once, settled, state_of, stopped
from tests.world import STATUS, World


def _with_rows(tmp_path: Path, count: int = 3, **settings: str) -> tuple[World, list[int]]:
    world = World(tmp_path, **settings)
    world.amo.knobs.block_after = None
    leads = [world.lead(f"Клиент {number}") for number in range(count)]
    world.pull()
    return world, leads


def _kinds(world: World) -> list[tuple[int, str]]:
    with state_of(world) as state:
        return [(waiting.lead_id, waiting.kind) for waiting in state.waiting()]


def _stages(world: World, leads: list[int]) -> list[str]:
    return [world.stage_of(lead) for lead in leads]


TRIGGER, SENT, REFUSED = "NOMERATSIYALANMAGAN ZAKAZ", "Заказ отправлен", "Отказ"


def _is_get(lead: int) -> Callable[[Request], bool]:
    return lambda request: request.method == "GET" and request.path.endswith(f"/leads/{lead}")


# --- the look ---


def test_before_the_first_pull_there_is_nothing_to_push(tmp_path: Path) -> None:
    world = World(tmp_path)

    outcome = world.push()

    assert (ExitCode.DONE, 0) == (outcome.exit_code, world.sheet_writes())


def test_without_tab_and_state_there_is_nothing_to_push_from(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")

    assert (ExitCode.DONE, 0) == (world.push().exit_code, world.sheet_writes())


def test_a_renamed_tab_is_found_by_its_id(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    world.person.rename_tab("Заказы")
    world.pick(lead, "Отказ")

    world.push()

    assert REFUSED == world.stage_of(lead)


def test_a_pick_without_a_stage_is_sent_once_its_lead_is_in_a_pipeline_that_has_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    third = world.account.add_pipeline("Третья", ["Новая", "NOMERATSIYALANMAGAN ZAKAZ"])
    lead = world.lead("Анна", world.stage("NOMERATSIYALANMAGAN ZAKAZ", third))
    world.pull()
    world.pick(lead, "Отказ")
    assert (ExitCode.PARTIAL, ExitCode.DONE) == (world.push().exit_code, world.push().exit_code)

    world.move(lead, world.trigger)
    world.pull()
    world.push()

    assert ("Отказ", []) == (world.stage_of(lead), world.waiting())
    world.rest()


def test_an_emptied_tab_is_a_bad_read(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.person.clear_all()

    assert [ExitCode.UNUSABLE_SHEET] * 3 == [world.code(world.push) for _ in range(3)]


def test_an_empty_tab_without_rows_is_nothing_to_push_from(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    world.person.clear_all()

    assert ExitCode.DONE == world.code(world.push)


def test_a_deleted_tab_without_rows_is_nothing_to_push_from(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    world.person.add_tab("Другая")
    world.person.delete_tab()

    assert ExitCode.DONE == world.code(world.push)


def test_another_tab_under_the_remembered_title_is_noticed(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    world.person.rename_tab("Архив")
    world.person.add_tab("Sheet1", [["ID", STATUS]])

    assert [ExitCode.UNUSABLE_SHEET] * 3 == [world.code(world.push) for _ in range(3)]
    with state_of(world) as state:
        assert [0] * 3 == [missing for _, missing in state.status_texts().values()]


# --- what differs ---


def test_other_spelling_is_no_pick(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    world.person.paste(f"T{world.person.row_of(lead)}", [[" в  ПРОЦЕССЕ"]])

    assert (0, 1) == (world.push().amo_requests, world.pull().amo_requests)


def test_a_row_without_an_agreed_status_is_left_to_pull(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    lead = world.lead("Своя", world.stage(SENT))
    world.person.type("ID", str(lead), row=5)
    world.person.type(STATUS, "Отказ", row=5)

    assert 0 == world.push().report.moves

    settled(world)
    assert ([(lead, "first meeting")], SENT, "Отказ") == (_kinds(world), world.stage_of(lead), world.status(lead))
    world.pick(lead, "В процессе")
    settled(world)
    assert ([], TRIGGER) == (_kinds(world), world.stage_of(lead))


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [("завтра", "unknown text", "no value of the dropdown"), ("", "unknown text", "no value of the dropdown")],
    ids=["a note", "emptied"],
)
def test_a_text_that_is_no_dropdown_value_waits(tmp_path: Path, text: str, kind: str, why: str) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    row = world.person.row_of(lead)
    world.person.paste(f"T{row}", [[text]]) if text else world.person.clear_cell(STATUS, lead=lead)

    first, second = world.push(), world.push()

    assert (ExitCode.PARTIAL, ExitCode.DONE, 0) == (first.exit_code, second.exit_code, second.amo_requests)
    assert why in first.report.named[0]
    assert ([(lead, kind)], 0) == (_kinds(world), world.patches())

    world.pick(lead, "В процессе")
    world.push()
    assert [] == _kinds(world)


def test_a_stage_that_the_pipeline_lacks_is_waited_for_until_somebody_adds_it(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    bare = world.account.add_pipeline("Третья", ["Думает", "Заказ без нумерации"])
    lead = world.lead("Анна", world.stage("Заказ без нумерации", bare))
    world.pull()
    world.pick(lead, "У курера")

    first, second = world.push(), world.push()

    assert (["missing stage"], 0) == ([kind for name, kind in _kinds(world) if name], second.amo_requests)
    assert 'the pipeline "Третья" has no stage for it' in first.report.named[0]

    world.account.add_stage(bare, SENT)
    world.clock.advance(4000)
    settled(world)
    assert SENT == world.stage_of(lead)


# --- reading leads ---


def test_a_deleted_lead_is_named_once_and_its_picks_are_not_sent(tmp_path: Path) -> None:
    world, (lead, other, _) = _with_rows(tmp_path)
    world.account.trash_lead(lead)
    world.pick(lead, "Отказ")
    world.pick(other, "Отказ")

    first, second = world.push(), world.push()

    assert (ExitCode.PARTIAL, ExitCode.DONE, 0) == (first.exit_code, second.exit_code, second.amo_requests)
    assert ([(lead, "gone lead")], REFUSED) == (_kinds(world), world.stage_of(other))

    world.pick(lead, "Успешно")
    assert 1 == world.push().amo_requests


def test_a_lead_that_cannot_be_read_waits_and_the_others_go(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo_wire.rule = where(_is_get(leads[1]), Fault(Manner.REFUSED, answers.html_504()))

    outcome = world.push()

    assert (ExitCode.UNAVAILABLE, [REFUSED, TRIGGER, REFUSED]) == (outcome.exit_code, _stages(world, leads))
    world.amo_wire.rule = None
    settled(world)
    assert [REFUSED] * 3 == _stages(world, leads)


def test_amocrm_that_answers_for_no_lead_is_down(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 5)
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo_wire.rule = where(lambda request: request.method == "GET", Fault(Manner.REFUSED, answers.html_504()))

    with pytest.raises(UnavailableError):
        world.push()

    assert 0 == world.patches()


def test_many_leads_are_read_in_bulk_and_the_doubtful_ones_by_id(tmp_path: Path) -> None:
    """One that the bulk answer leaves out, and one that it shows in another stage than the base's."""
    world, leads = _with_rows(tmp_path, 25)
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo.knobs.bulk_omits = {leads[3]}
    world.move(leads[7], world.stage("Консультация"))
    seen = len(world.amo_wire.log)

    outcome = world.push()

    asked = [exchange.request.path for exchange in world.amo_wire.log[seen:] if exchange.request.method == "GET"]
    assert [f"/api/v4/leads/{leads[3]}", f"/api/v4/leads/{leads[7]}"] == [path for path in asked if path[-1].isdigit()]
    assert (24, [REFUSED] * 24) == (outcome.report.moves, _stages(world, leads[:7] + leads[8:]))
    settled(world)
    assert ("Консультация", "Консультация") == (world.stage_of(leads[7]), world.status(leads[7]))


# --- the second look ---


@pytest.mark.parametrize("deed", ["picks again", "sorts", "deletes the row", "renames the tab"])
def test_what_changes_between_the_two_looks_waits_for_the_next_run(tmp_path: Path, deed: str) -> None:
    world, (lead, other, third) = _with_rows(tmp_path)
    world.pick(lead, "Отказ")
    deeds = {
        "picks again": lambda: world.pick(lead, "У курера"),
        "sorts": lambda: world.person.sort("Ф.И.О.", descending=True),
        "deletes the row": lambda: world.person.delete_row(lead),
        "renames the tab": lambda: world.person.rename_tab("Заказы"),
    }
    world.sheets_wire.before_each = before(_is_look, deeds[deed], nth=2)

    outcome = world.push()

    assert (0, ExitCode.DONE) == (world.patches(), outcome.exit_code)
    assert ["1 status cells were still being edited; they wait for the next run"] == outcome.report.notices
    settled(world)
    expected = {"picks again": SENT, "sorts": REFUSED, "deletes the row": TRIGGER, "renames the tab": REFUSED}
    assert [expected[deed], TRIGGER, TRIGGER] == _stages(world, [lead, other, third])


def _is_look(request: Request) -> bool:
    return request.path.endswith(":batchGet")


@pytest.mark.parametrize("number", [1, 2])
def test_a_manager_who_moves_the_lead_while_push_looks_wins(tmp_path: Path, number: int) -> None:
    """The lead is read after the seconds that its cell has to keep still: nobody's move is overwritten unseen."""
    world, (lead, *_) = _with_rows(tmp_path)
    world.pick(lead, "У курера")
    world.sheets_wire.before_each = before(_is_look, lambda: world.move(lead, world.stage("Отказ")), nth=number)

    world.push()
    settled(world)

    assert (REFUSED, "Отказ", 0) == (world.stage_of(lead), world.status(lead), world.patches())
    with state_of(world) as state:
        assert [("conflict", "У курера")] == [
            (entry.kind, entry.old) for entry in state.history(lead) if entry.kind == "conflict"
        ]


def test_a_row_inserted_between_the_columns_of_a_look_makes_nobody_agree(tmp_path: Path) -> None:
    """IDs and statuses of two instants: each lead shows its neighbour's status, and one that it has in amoCRM already."""
    world, (first, second, third) = _with_rows(tmp_path)
    world.move(first, world.stage(SENT))
    settled(world)
    world.move(second, world.stage(SENT))
    hands = [lambda: world.person.insert_rows(2)]

    def between(number: int) -> None:
        if number == 2 and hands:
            hands.pop()()

    world.sheets.knobs.between_ranges = between
    world.push()
    world.sheets.knobs.between_ranges = None
    settled(world)

    assert [SENT, SENT, TRIGGER] == _stages(world, [first, second, third])


def test_what_agrees_already_needs_no_move(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    world.move(lead, world.stage(SENT))
    world.pick(lead, "Успешно")

    outcome = world.push()

    assert (0, 2, "Успешно") == (world.patches(), outcome.sheet_requests, world.status(lead))
    settled(world)
    assert (SENT, "Успешно") == (world.stage_of(lead), world.status(lead))


# --- the guard ---


def test_too_many_moves_are_held_once_and_wait(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 6, PUSH_LIMIT="2", PUSH_LIMIT_PERCENT="30")
    for lead in leads[:3]:
        world.pick(lead, "Отказ")

    first, second = world.push(), world.push()

    assert (ExitCode.HELD_BACK, ExitCode.DONE, 0) == (first.exit_code, second.exit_code, second.amo_requests)
    expected = [f'lead {lead}: "В процессе" → "Отказ"' for lead in leads[:3]]
    assert expected == first.report.held[1:]
    assert [(lead, "held") for lead in leads[:3]] == _kinds(world)


def test_a_pick_made_later_goes_through(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 6, PUSH_LIMIT="2", PUSH_LIMIT_PERCENT="30")
    for lead in leads[:3]:
        world.pick(lead, "Отказ")
    world.push()
    world.pick(leads[0], "У курера")
    world.pick(leads[5], "Отказ")

    assert ExitCode.DONE == world.push().exit_code
    assert [SENT, TRIGGER, TRIGGER, TRIGGER, TRIGGER, REFUSED] == _stages(world, leads)
    assert [(lead, "held") for lead in leads[1:3]] == _kinds(world)


def test_force_lets_everything_through(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 6, PUSH_LIMIT="2", PUSH_LIMIT_PERCENT="30")
    for lead in leads[:3]:
        world.pick(lead, "Отказ")
    world.push()

    world.push(force=True)

    assert ([REFUSED] * 3, []) == (_stages(world, leads[:3]), _kinds(world))


def test_a_held_cell_put_back_is_no_longer_waited_for(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 6, PUSH_LIMIT="2", PUSH_LIMIT_PERCENT="30")
    for lead in leads[:3]:
        world.pick(lead, "Отказ")
    world.push()
    for lead in leads[:3]:
        world.pick(lead, "В процессе")

    world.push()

    assert ([], 0) == (_kinds(world), world.patches())


def test_a_column_sorted_by_itself_is_held(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 8)
    for lead, text in zip(leads, ["Отказ", "У курера", "Отказ", "У курера", "Отказ", "Успешно"], strict=False):
        world.pick(lead, text)
    settled(world)
    patches = world.patches()
    world.person.sort_one_column(STATUS)

    outcome = world.push()

    assert (ExitCode.HELD_BACK, patches) == (outcome.exit_code, world.patches())
    assert "sorted by itself" in outcome.report.held[0]


def test_a_column_sorted_by_itself_is_held_though_the_first_push_of_it_was_cut_off(tmp_path: Path) -> None:
    """Some of its cells mean what amoCRM has anyway; agreed on before the cut, they would be missing from the pattern."""
    world, leads = _with_rows(tmp_path, 8)
    for lead, text in zip(leads, ["Отказ", "У курера", "Отказ", "У курера", "Отказ", "Успешно"], strict=False):
        world.pick(lead, text)
    settled(world)
    patches = world.patches()
    world.person.sort_one_column(STATUS)
    world.sheets_wire.rule = at(world.sheets_wire.count + 2, Fault(Manner.KILL_BEFORE))
    with pytest.raises(Killed):
        world.push()
    world.sheets_wire.rule = None

    assert (ExitCode.HELD_BACK, patches) == (world.code(world.push), world.patches())


def test_a_pick_held_unread_that_means_what_amocrm_has_is_no_longer_waited_for(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path, 6, PUSH_LIMIT="2", PUSH_LIMIT_PERCENT="30")
    for lead in leads[:4]:
        world.pick(lead, "Отказ")
    world.move(leads[0], world.stage("Отказ"))
    fault = Fault(Manner.REFUSED, answers.json_500_amo())
    world.amo_wire.rule = lambda _number, request: fault if request.path.endswith(f"/leads/{leads[0]}") else None
    world.code(world.push)
    held = _kinds(world)
    world.amo_wire.rule = None

    world.push()

    assert [(lead, "held") for lead in leads[:4]] == held
    assert [(lead, "held") for lead in leads[1:4]] == _kinds(world)


# --- conflicts ---


def test_a_conflict_that_the_sheet_wins_is_recorded_with_the_losing_value(tmp_path: Path) -> None:
    """That is the stage into which the manager had moved the lead."""
    world, (lead, *_) = _with_rows(tmp_path, CONFLICT_WINNER="sheet")
    world.move(lead, world.stage(SENT))
    world.pick(lead, "Отказ")

    outcome = world.push()

    assert (REFUSED, 1, ExitCode.DONE) == (world.stage_of(lead), outcome.report.conflicts, outcome.exit_code)
    with state_of(world) as state:
        assert [("У курера", "Отказ")] == [(entry.old, entry.new) for entry in state.conflicts()]
    settled(world)
    assert (REFUSED, "Отказ") == (world.stage_of(lead), world.status(lead))


def test_a_conflict_that_amocrm_wins_is_left_to_pull_without_a_word(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    world.move(lead, world.stage(SENT))
    world.pick(lead, "Отказ")

    assert (ExitCode.DONE, 0) == (world.push().exit_code, world.patches())

    world.pull()
    assert (SENT, "У курера") == (world.stage_of(lead), world.status(lead))
    with state_of(world) as state:
        assert [("Отказ", "У курера")] == [(entry.old, entry.new) for entry in state.conflicts()]


# --- moves ---


def test_a_refused_move_is_named_once_and_the_others_go(tmp_path: Path) -> None:
    world, leads = _with_rows(tmp_path)
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo.knobs.refuse_leads = {leads[1]: "errors"}

    first, second = world.push(), world.push()

    assert (ExitCode.PARTIAL, ExitCode.DONE) == (first.exit_code, second.exit_code)
    assert ([REFUSED, TRIGGER, REFUSED], [(leads[1], "refused move")]) == (_stages(world, leads), _kinds(world))
    assert "Lead cannot be changed" in first.report.named[0]

    world.amo.knobs.refuse_leads = {}
    world.pick(leads[1], "У курера")
    settled(world)
    assert (SENT, []) == (world.stage_of(leads[1]), _kinds(world))


def test_moves_go_in_batches_and_stop_when_the_time_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amo2gsheet.sync.moving.MOVES_PER_REQUEST", 2)
    world, leads = _with_rows(tmp_path, 5, RUN_LIMIT_SEC="60")
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo_wire.before_each = before(is_patch, lambda: world.clock.advance(100), nth=2)

    outcome = world.push()

    assert (True, 4) == (outcome.report.is_cut_short, outcome.report.moves)
    world.push()
    assert [REFUSED] * 5 == _stages(world, leads)


@pytest.mark.parametrize("fault", [KILL_AFTER, CUT_AFTER], ids=["killed", "no answer"])
def test_of_a_batch_cut_off_each_lead_is_settled_by_itself(tmp_path: Path, fault: Fault) -> None:
    world, leads = _with_rows(tmp_path)
    for lead in leads:
        world.pick(lead, "Отказ")
    world.amo_wire.rule = where(is_patch, fault)
    stopped(world.push)
    patches = world.patches()

    settled(world)

    assert ([REFUSED] * 3, patches) == (_stages(world, leads), world.patches())


def test_a_dry_run_sends_nothing_and_the_next_run_does_what_it_said(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    world.pick(lead, "Отказ")

    dry = world.push(dry=True)
    assert 0 == world.patches()
    real = world.push()

    assert [f'lead {lead} статус "В процессе" → "Отказ" (row 2)'] == dry.report.plan == real.report.plan


def test_old_pipelines_are_read_again_before_a_move(tmp_path: Path) -> None:
    """Somebody renamed the stage: the text no longer stands for it."""
    world, (lead, *_) = _with_rows(tmp_path)
    world.account.rename_stage(*world.stage(REFUSED), "Передумал")
    world.clock.advance(700)
    world.pick(lead, "Отказ")

    world.push()

    assert ([(lead, "missing stage")], 0) == (_kinds(world), world.patches())


def test_a_move_of_a_lead_in_the_other_pipeline_stays_in_it(tmp_path: Path) -> None:
    world, _ = _with_rows(tmp_path)
    lead = world.lead("Анна", world.stage("Заказ без нумерации", world.base))
    world.pull()
    world.pick(lead, "Отказ")

    world.push()

    found = world.account.lead(lead)
    assert found is not None
    assert world.stage("OTKAZ", world.base) == (found.pipeline_id, found.status_id)


def test_a_pick_is_looked_for_under_the_header_wherever_it_is(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    world.person.move_column(STATUS, 1)
    world.person.insert_rows(1)
    world.pick(lead, "Отказ")

    world.push()

    assert REFUSED == world.stage_of(lead)


def test_a_patch_kept_back_by_one_bad_moment_is_sent_once(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    world.pick(lead, "Отказ")
    world.amo_wire.rule = once(is_patch, Fault(Manner.REFUSED, answers.html_429()))

    world.push()

    assert (REFUSED, 2) == (world.stage_of(lead), world.patches())


def test_what_waits_is_not_told_again_because_a_stage_got_another_name(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Позвонить")
    assert world.push().exit_code == ExitCode.PARTIAL
    world.account.rename_stage(*world.stage("Консультация"), "Созвон")
    world.clock.advance(4000)
    world.pull()

    assert [] == world.push().report.named
    assert [lead] == [waiting.lead_id for waiting in world.waiting("unknown text")]


# --- a move of an earlier run that may still land ---


def _cut_off(tmp_path: Path, *, both: bool = False) -> tuple[World, list[int]]:
    """Picks whose move nobody answered, and which amoCRM may carry out later; of two leads one or both are picked."""
    world, leads = _with_rows(tmp_path, 2)
    for lead in leads if both else leads[:1]:
        world.pick(lead, "Отказ")
    tries = iter([Fault(Manner.LATE, after=1000)])
    world.amo_wire.rule = lambda _number, request: next(tries, CUT_BEFORE) if is_patch(request) else None
    stopped(world.push)
    world.amo_wire.rule = None
    return world, leads


def _open_moves(world: World) -> list[list[int]]:
    """The leads of each open intent."""
    with state_of(world) as state:
        return [[move["lead"] for move in intent.payload["moves"]] for intent in state.open_intents()]


def test_a_move_that_may_still_land_is_remembered_though_its_second_try_surely_failed(tmp_path: Path) -> None:
    """Forgotten, it would pass for a move of amoCRM's, and the pick that was taken back meanwhile would be lost."""
    world, (lead, _) = _cut_off(tmp_path)
    world.amo_wire.rule = where(is_patch, Fault(Manner.REFUSED, answers.html_429()))
    with pytest.raises(UnavailableError):
        world.push()
    world.amo_wire.rule = None

    world.amo_wire.land()
    world.pick(lead, "В процессе")
    settled(world)

    assert (TRIGGER, "В процессе") == (world.stage_of(lead), world.status(lead))
    assert ["Отказ", "В процессе"] == [entry.new for entry in world.history(lead, "moved")]


@pytest.mark.parametrize("both", [False, True], ids=["of another lead", "of two leads"])
def test_a_move_that_may_still_land_is_remembered_beside_the_newer_move_of_another_lead(tmp_path: Path, both: bool) -> None:
    world, (first, second) = _cut_off(tmp_path, both=both)
    world.pick(first, "В процессе")
    world.pick(second, "Отказ")
    world.push()
    left = _open_moves(world)

    world.amo_wire.land()
    settled(world)

    assert [[first]] == left
    assert ([TRIGGER, REFUSED], "В процессе") == (_stages(world, [first, second]), world.status(first))
    assert [["Отказ", "В процессе"], ["Отказ"]] == [
        [entry.new for entry in world.history(lead, "moved")] for lead in (first, second)
    ]


def test_a_move_that_surely_failed_is_forgotten_beside_one_of_another_lead_that_may_still_land(tmp_path: Path) -> None:
    world, (first, second) = _cut_off(tmp_path)
    world.pick(first, "В процессе")
    world.pick(second, "Отказ")
    world.amo_wire.rule = where(is_patch, Fault(Manner.REFUSED, answers.html_429()))

    with pytest.raises(UnavailableError):
        world.push()

    assert [[first]] == _open_moves(world)


def test_a_write_of_cells_that_may_still_land_is_no_matter_for_a_move(tmp_path: Path) -> None:
    world, (lead, other, _) = _with_rows(tmp_path)
    world.move(other, world.stage(SENT))
    world.sheets_wire.rule = once(is_write, Fault(Manner.KILL_BEFORE))
    stopped(world.pull)
    world.sheets_wire.rule = None
    world.pick(lead, "Отказ")

    world.push()

    with state_of(world) as state:
        assert (REFUSED, ["cells"]) == (world.stage_of(lead), [intent.kind for intent in state.open_intents()])
    settled(world)
    assert "У курера" == world.status(other)


@pytest.mark.parametrize("picks_first", [True, False])
def test_a_column_sorted_by_itself_is_held_though_somebody_picked_in_the_same_minute(tmp_path: Path, picks_first: bool) -> None:
    world, leads = _with_rows(tmp_path, 10)
    for lead, text in zip(leads, ["Отказ", "У курера"] * 3, strict=False):
        world.pick(lead, text)
    settled(world)
    patches = world.patches()
    if picks_first:
        world.pick(leads[9], "Успешно")
    world.person.sort_one_column(STATUS)
    if not picks_first:
        world.pick(leads[9], "Успешно")

    outcome = world.push()

    assert (ExitCode.HELD_BACK, patches) == (outcome.exit_code, world.patches())
    assert "sorted by itself" in outcome.report.held[0]


def _restored(tmp_path: Path) -> tuple[World, list[int]]:
    """Five rows and two statuses are gone since somebody restored an older version of the sheet."""
    world, leads = _with_rows(tmp_path, 6, PUSH_LIMIT="3")
    version = world.person.version()
    for _ in range(5):
        world.lead()
    world.pull()
    for lead in leads[:2]:
        world.move(lead, world.stage(REFUSED))
    settled(world)
    world.person.restore_version(version)
    return world, leads


def _pull_first(world: World, leads: list[int]) -> None:
    world.account.edit_lead(leads[2], price=7)
    assert ExitCode.PARTIAL == world.code(world.pull)


def _amo_fails(world: World, _leads: list[int]) -> None:
    """Nobody knows what the picks mean; they are held all the same."""
    world.amo_wire.rule = where(lambda request: True, Fault(Manner.REFUSED, answers.html_504()))
    assert ExitCode.HELD_BACK == world.code(world.push)
    world.amo_wire.rule = None


def _sheets_fail(world: World, _leads: list[int]) -> None:
    calls: list[str] = []

    def second(_number: int, request: Request) -> Fault | None:
        calls.append(request.path)
        return Fault(Manner.REFUSED, answers.json_500()) if len(calls) > 1 else None

    world.sheets_wire.rule = second
    assert ExitCode.UNAVAILABLE == world.code(world.push)
    world.sheets_wire.rule = None


def _still_edited(world: World, leads: list[int]) -> None:
    seen: list[str] = []

    def hand(_number: int, request: Request) -> None:
        seen.append(request.path)
        if len(seen) == 2:
            for lead in leads[:2]:
                world.pick(lead, "Успешно")

    world.sheets_wire.before_each = hand
    assert ExitCode.PARTIAL == world.code(world.push)
    world.sheets_wire.before_each = None


@pytest.mark.parametrize("trouble", [_pull_first, _amo_fails, _sheets_fail, _still_edited])
def test_rows_that_vanished_hold_the_moves_whatever_happened_before_the_first_whole_push(
    tmp_path: Path, trouble: Callable[[World, list[int]], None]
) -> None:
    world, leads = _restored(tmp_path)
    patches = world.patches()
    trouble(world, leads)

    outcome = world.push()

    assert (ExitCode.HELD_BACK, patches) == (outcome.exit_code, world.patches())
    world.pick(leads[4], "Отказ")
    assert ExitCode.DONE == world.push().exit_code
    assert REFUSED == _stages(world, leads)[4]
    assert [(lead, "held") for lead in leads[:2]] == [one for one in _kinds(world) if one[1] == "held"]


def test_force_lets_moves_through_though_rows_vanished(tmp_path: Path) -> None:
    world, leads = _restored(tmp_path)

    world.push(force=True)

    assert [TRIGGER, TRIGGER] == _stages(world, leads[:2])


def _third_pipeline(world: World, lead: int) -> None:
    pipeline = world.account.add_pipeline("Третья", ["Новая", "Отказ"])
    world.move(lead, (pipeline, world.account.stage_id(pipeline, "Новая")))
    world.pull()


def _missing(world: World, lead: int) -> None:
    _third_pipeline(world, lead)
    world.pick(lead, "У курера")


def _held(world: World, lead: int) -> None:
    world.set(PUSH_LIMIT="1", PUSH_LIMIT_PERCENT="1")
    for row in range(2, 5):
        world.person.pick(STATUS, "У курера", row=row)
    assert "У курера" == world.status(lead)


def _refused(world: World, lead: int) -> None:
    world.amo.knobs.refuse_leads = {lead: "validation"}
    world.pick(lead, "У курера")


@pytest.mark.parametrize("reason", [_missing, _held, _refused])
def test_a_pick_that_waited_and_lost_is_a_new_one_when_it_is_made_again(
    tmp_path: Path, reason: Callable[[World, int], None]
) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    reason(world, lead)
    world.push()
    assert lead in [waiting for waiting, _ in _kinds(world)]
    world.amo.knobs.refuse_leads = {}
    world.set(PUSH_LIMIT="50", PUSH_LIMIT_PERCENT="30")
    world.move(lead, world.stage(REFUSED))
    world.pull()
    world.move(lead, world.trigger)
    world.pull()
    assert "В процессе" == world.status(lead)
    assert lead not in [waiting for waiting, _ in _kinds(world)]

    world.pick(lead, "У курера")

    assert ExitCode.DONE == world.push().exit_code
    assert SENT == world.stage_of(lead)


def test_a_pick_in_a_new_row_is_a_new_one_though_the_same_waited_in_the_deleted_row(tmp_path: Path) -> None:
    world, (lead, *_) = _with_rows(tmp_path)
    _third_pipeline(world, lead)
    world.pick(lead, "У курера")
    world.push()
    world.person.delete_row(lead=lead)
    world.push()
    world.push()
    world.move(lead, world.trigger)
    world.pull()
    assert "В процессе" == world.status(lead)

    world.pick(lead, "У курера")

    assert ExitCode.DONE == world.push().exit_code
    assert SENT == world.stage_of(lead)


def test_a_whole_number_in_a_status_cell_is_read_without_a_point() -> None:
    assert ("2", "2.5", "") == (cell_text(2.0), cell_text(2.5), cell_text(None))
