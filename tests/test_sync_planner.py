"""What a `pull` plans on one look: first meetings, rows of the old service, the column of reasons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Manner
from amo2gsheet.state.records import Waiting
from amo2gsheet.sync.run import LONG_WORK
from amo2gsheet.sync.waiting import sync_text
from tests.sync_bench import CUT_BEFORE, before, is_write, once, run_on, settled, state_of
from tests.world import STATUS, World

SYNC = "Синхронизация"
SENT = "Заказ отправлен"


def _made_by_hand(tmp_path: Path) -> World:
    """A sheet that was there before the first run."""
    world = World(tmp_path)
    world.person.paste("A1", [["ID", "Ф.И.О.", STATUS, SYNC]])
    return world


def _type(world: World, row: int, lead: int, name: str, status: str) -> None:
    for header, text in (("ID", str(lead)), ("Ф.И.О.", name), (STATUS, status)):
        if text:
            world.person.type(header, text, row=row)


def _kinds(world: World) -> list[tuple[int, str]]:
    with state_of(world) as state:
        return [(entry.lead_id, entry.kind) for entry in state.waiting() if entry.lead_id]


# --- first meetings ---


def test_what_differs_at_the_first_meeting_is_named_and_waits_until_it_is_settled(tmp_path: Path) -> None:
    world = _made_by_hand(tmp_path)
    lead = world.lead("Анна", world.stage(SENT))
    _type(world, 2, lead, "Аня", "Отказ")
    world.pull()

    first, second = world.pull(), world.pull()

    said = f'lead {lead} (row 2) meets its row for the first time and differs in "Ф.И.О.", "статус": both stay'
    assert (said, []) == (first.report.named[0], second.report.named)
    assert ("Аня", "Отказ", [(lead, "first meeting")]) == (
        world.person.see("Ф.И.О.", row=2),
        world.status(lead),
        _kinds(world),
    )
    settled(world)
    assert "отличается от amoCRM" == world.person.see(SYNC, row=2)

    world.pick(lead, "Успешно")
    world.account.edit_lead(lead, name="Алина")
    settled(world)
    settled(world)
    assert ([], None, "Алина") == (_kinds(world), world.person.see(SYNC, row=2), world.person.see("Ф.И.О.", row=2))


def test_a_name_retyped_as_amocrm_has_it_settles_the_first_meeting(tmp_path: Path) -> None:
    world = _made_by_hand(tmp_path)
    lead = world.lead("Анна")
    _type(world, 2, lead, "Аня", "")
    world.pull()
    assert [(lead, "first meeting")] == _kinds(world)

    world.person.type("Ф.И.О.", "Анна", row=2)
    world.pull(full=True)

    assert [] == _kinds(world)


def test_a_first_meeting_on_a_new_tab_may_happen_again(tmp_path: Path) -> None:
    world = _made_by_hand(tmp_path)
    lead = world.lead("Анна")
    _type(world, 2, lead, "Аня", "Отказ")
    settled(world)
    old = world.person
    old.rename_tab("Архив")
    world.person = old.add_tab("Sheet1", [["ID", "Ф.И.О.", STATUS]])
    _type(world, 2, lead, "Ася", "Успешно")

    world.pull(force=True)
    settled(world)

    assert [(lead, "first meeting")] == _kinds(world)
    assert ("Ася", "Успешно") == (world.person.see("Ф.И.О.", row=2), world.status(lead))


def test_a_forced_full_pull_takes_amocrms_side(tmp_path: Path) -> None:
    world = _made_by_hand(tmp_path)
    lead = world.lead("Анна", world.stage(SENT))
    _type(world, 2, lead, "Аня", "Отказ")
    settled(world)

    world.pull(full=True, force=True)

    assert ("Анна", "У курера") == (world.person.see("Ф.И.О.", row=2), world.status(lead))
    settled(world)
    assert ([], 0) == (_kinds(world), world.patches())


# --- the old service ---


@pytest.mark.parametrize(
    ("stage", "known", "cell", "expected"),
    [
        ("NOMERATSIYALANMAGAN ZAKAZ", "В процессе", "В процессе", ("NOMERATSIYALANMAGAN ZAKAZ", "В процессе")),
        ("NOMERATSIYALANMAGAN ZAKAZ", "В процессе", "Отказ", ("Отказ", "Отказ")),
        (SENT, "В процессе", "В процессе", (SENT, "У курера")),
        (SENT, "В процессе", "Отказ", (SENT, "У курера")),
        (SENT, "Успешно", "Успешно", (SENT, "Успешно")),
    ],
    ids=["at rest", "edited in the change-over", "moved in the change-over", "both", "meaning the same"],
)
def test_statuses_of_the_old_service_are_the_base_of_their_rows(
    tmp_path: Path, stage: str, known: str, cell: str, expected: tuple[str, str]
) -> None:
    world = _made_by_hand(tmp_path)
    lead = world.lead("Анна", world.stage(stage))
    _type(world, 2, lead, "Анна", cell)
    (tmp_path / ".sync_state.json").write_text(json.dumps({"sheet_status_by_lead": {str(lead): known}}), "utf-8")

    settled(world)
    settled(world)

    assert expected == (world.stage_of(lead), world.status(lead))


# --- left to push ---


def test_a_pick_taken_back_lets_amocrms_move_show(tmp_path: Path) -> None:
    """The manager's move was left to `push` as the pick would win; then nobody picked anything after all."""
    world = World(tmp_path, CONFLICT_WINNER="sheet")
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.move(lead, world.stage(SENT))
    world.pull()
    world.pick(lead, "В процессе")

    settled(world)

    assert (SENT, "У курера", 0) == (world.stage_of(lead), world.status(lead), world.patches())


# --- one round ---


def test_a_row_that_moved_between_look_and_reading_is_planned_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    for lead in leads:
        world.move(lead, world.stage(SENT))
    looks = before(lambda request: "values:batchGet" in request.path, lambda: world.person.move_row(2, row=4), nth=2)
    world.sheets_wire.before_each = looks

    world.pull()

    assert ["У курера"] * 3 == [world.status(lead) for lead in leads]


def test_a_row_of_a_large_table_that_moved_far_is_looked_for_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large table only the rows concerned are read, so where they stand has to be of the present."""
    monkeypatch.setattr("amo2gsheet.sync.steady.WHOLE_TABLE_ROWS", 1)
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(12)]
    world.pull()
    world.move(leads[0], world.stage(SENT))
    is_read = before(lambda request: "values:batchGet" in request.path, lambda: world.person.move_row(13, lead=leads[0]), nth=2)
    world.sheets_wire.before_each = is_read

    outcome = world.pull()

    assert (ExitCode.DONE, "У курера") == (outcome.exit_code, world.status(leads[0]))


def test_rows_that_never_come_to_rest_are_owed(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    world.move(leads[1], world.stage(SENT))

    def hand(_number: int, request: object) -> None:
        if is_write(request):  # type: ignore[arg-type]
            world.person.move_row(2, row=4)

    world.sheets_wire.before_each = hand
    outcome = world.pull()

    assert ExitCode.UNAVAILABLE == outcome.exit_code
    with state_of(world) as state:
        assert leads[1] in state.owed()
    settled(world)
    settled(world)
    assert ["В процессе", "У курера", "В процессе"] == [world.status(lead) for lead in leads]
    assert 0 == world.patches()


def test_many_rows_are_written_in_several_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amo2gsheet.sync.desk.CELLS_PER_WRITE", 41)
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(5)]
    world.pull()
    for lead in leads:
        world.move(lead, world.stage(SENT))
    writes = world.sheet_writes()

    world.pull()

    assert (3, ["У курера"] * 5) == (world.sheet_writes() - writes, [world.status(lead) for lead in leads])


def test_old_commit_tokens_are_dropped_in_heaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amo2gsheet.sync.desk.STALE_TOKENS", 3)
    world = World(tmp_path)
    for number in range(4):
        world.lead(f"Клиент {number}")
        world.pull()
    tokens = [_token_count(world)]
    world.clock.advance(4000)
    world.lead("Последний")
    world.pull()
    tokens.append(_token_count(world))

    assert [5, 1] == tokens


def _token_count(world: World) -> int:
    with run_on(world) as run:
        return len(run.sheet.workbook().commit_tokens)


def test_a_dry_run_names_what_the_next_run_does(tmp_path: Path) -> None:
    world = World(tmp_path)
    old, moved = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.account.edit_lead(old, fields={"Адрес": "ул. Новая"})
    world.move(moved, world.stage(SENT))
    new = world.lead("Вера")
    writes = world.sheet_writes()

    dry = world.pull(dry=True)
    assert writes == world.sheet_writes()
    real = world.pull()

    assert dry.report.plan == real.report.plan
    assert {f'lead {moved} статус "В процессе" → "У курера" (row 3)', f'new row: lead {new}, статус "В процессе"'} < {
        *real.report.plan
    }


# --- pipelines ---


def test_a_pipeline_without_a_trigger_stage_is_told_of_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.account.add_pipeline("Опт", ["Первая", "Вторая"])

    notices = [world.pull().report.notices for _ in range(2)]

    assert [['the pipeline "Опт" has no trigger stage: its leads get no row'], []] == notices


def test_a_pipeline_that_lost_its_trigger_stage_again_is_told_of_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    other = world.account.add_pipeline("Опт", ["Первая"])
    world.pull()
    stage_id = world.account.add_stage(other, "NOMERATSIYALANMAGAN ZAKAZ")
    world.clock.advance(4000)
    world.pull()
    world.pull()
    waiting = [entry.kind for entry in world.waiting()]
    world.account.delete_stage(other, stage_id)
    world.clock.advance(4000)
    world.pull()
    world.pull()

    assert ([], ["no trigger in Опт"]) == (waiting, [entry.kind for entry in world.waiting()])


# --- the column of reasons ---


def test_a_reason_whose_row_is_gone_is_shown_nowhere_and_asked_for_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.lead("Борис")
    world.pull()
    world.pick(lead, "завтра")
    world.push()
    world.person.delete_row(lead)
    writes = world.sheet_writes()

    first, second = world.pull(), world.pull()

    assert (ExitCode.DONE, 0, 0) == (first.exit_code, world.sheet_writes() - writes, second.sheet_requests)


def test_a_column_of_reasons_that_was_deleted_is_looked_for_once(tmp_path: Path) -> None:
    world = _made_by_hand(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.duplicate_row(lead=lead)
    world.push()
    world.person.delete_columns(SYNC)
    writes = world.sheet_writes()

    first, second = world.pull(), world.pull()

    assert (True, 0, 0) == (first.sheet_requests > 0, world.sheet_writes() - writes, second.sheet_requests)


def test_a_dry_run_shows_no_reason_and_leaves_it_to_the_next_run(tmp_path: Path) -> None:
    world = _made_by_hand(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.duplicate_row(lead=lead)
    world.push()
    writes = world.sheet_writes()

    world.pull(dry=True)
    assert writes == world.sheet_writes()
    world.pull()

    assert ["ID дважды"] * 2 == [row[SYNC] for row in world.rows()]


def test_only_reasons_that_a_person_can_do_something_about_are_shown(tmp_path: Path) -> None:
    with run_on(World(tmp_path)) as run:
        for lead, kind in ((0, "held"), (5, "refused"), (6, "held")):
            run.state.wait(Waiting(lead, kind, ""))

        assert {6: "ждёт подтверждения"} == sync_text(run)


def test_only_long_work_shows_how_it_goes_on(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with run_on(World(tmp_path)) as run:
        run.on_progress = lambda count, total: told.append((count, total))
        run.advance(1, LONG_WORK - 1)
        run.advance(1, LONG_WORK)

    assert [(1, LONG_WORK)] == told


def test_a_first_run_that_ends_in_mid_work_goes_on_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amo2gsheet.sync.gather.CHUNK_LEADS", 1)
    world = World(tmp_path, RUN_LIMIT_SEC="60")
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.sheets_wire.before_each = before(lambda _request: True, lambda: world.clock.advance(100))

    assert world.pull().report.is_cut_short

    settled(world)
    assert leads == world.ids()


def test_a_dry_first_run_names_no_lead_that_is_too_old(tmp_path: Path) -> None:
    world = World(tmp_path, LEADS_CREATED_AFTER="1790000030")
    world.lead("Анна")
    world.clock.advance(60)
    young = world.lead("Борис")

    outcome = world.pull(dry=True)

    assert ['make the header of tab "Sheet1"', f'new row: lead {young}, статус "В процессе"'] == outcome.report.plan


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("header", ["ID", STATUS, "Заметка", "Воронка"])
def test_a_column_that_moves_between_look_and_reading_does_no_harm(tmp_path: Path, header: str, nth: int) -> None:
    world = World(tmp_path)
    leads = [world.lead(name, fields={"Адрес": f"ул. {name}"}) for name in ("Анна", "Борис", "Вера")]
    world.pull()
    world.person.type_at(1, 22, "Заметка")
    for lead in leads:
        world.person.type("Заметка", f"заметка {lead}", lead=lead)
        world.move(lead, world.stage(SENT))
        world.account.edit_lead(lead, fields={"Адрес": "ул. Новая"})
    is_read = before(lambda request: "values:batchGet" in request.path, lambda: world.person.move_column(header, 14), nth=nth)
    world.sheets_wire.before_each = is_read

    world.pull()
    settled(world)

    expected = [("У курера", "ул. Новая", f"заметка {lead}") for lead in leads]
    see = world.person.see
    assert expected == [(see(STATUS, lead=lead), see("Адрес", lead=lead), see("Заметка", lead=lead)) for lead in leads]
    assert 0 == world.patches()
    with state_of(world) as state:
        assert ([], []) == (state.conflicts(), state.waiting())


def test_a_lead_that_enters_again_before_its_deleted_row_is_missed_gets_a_row(tmp_path: Path) -> None:
    """One `pull` meets both: the row counts as deleted by the next one only, and the entry must not be forgotten until then."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.lead("Борис")
    world.pull()
    world.move(lead, world.stage("Отказ"))
    world.pull()
    world.person.delete_row(lead)
    world.clock.advance(20)
    world.move(lead, world.trigger)

    world.pull()
    settled(world)

    assert lead in world.ids()


@pytest.mark.parametrize("fault", [CUT_BEFORE, Fault(Manner.TIMEOUT_BEFORE), Fault(Manner.REFUSED, answers.json_503())])
def test_a_reason_that_was_not_written_is_written_later(tmp_path: Path, fault: Fault) -> None:
    """Nothing else brings a doubled row up again."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.lead("Борис")
    world.pull()
    world.person.paste("V1", [[SYNC]])
    settled(world)
    world.person.duplicate_row(lead=lead)
    world.push()
    world.sheets_wire.rule = once(is_write, fault)
    world.pull()
    world.sheets_wire.rule = None
    world.clock.advance(400)

    settled(world)

    assert ["ID дважды"] * 2 == [row[SYNC] for row in world.rows() if row["ID"] == lead]


@pytest.mark.parametrize("protected", [0, 1])
def test_a_protected_reason_keeps_no_other_one_away_and_is_not_tried_for_ever(tmp_path: Path, protected: int) -> None:
    """Rows of one ID are told apart by their numbers, also where Google refuses one of them."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.lead("Борис")
    world.pull()
    world.person.paste("V1", [[SYNC]])
    settled(world)
    world.person.duplicate_row(lead=lead)
    world.push()
    rows = [number for number, row in enumerate(world.rows(), world.person.header_row() + 1) if row["ID"] == lead]
    world.person.protect(f"V{rows[protected]}")

    world.pull()

    shown = [row[SYNC] for row in world.rows() if row["ID"] == lead]
    assert (None, "ID дважды") == (shown[protected], shown[1 - protected])
    world.rest()
