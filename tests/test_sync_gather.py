"""Which leads a `pull` looks at: news, events, what is owed, the hourly look, and names that nobody knew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.commands import Outside
from amo2gsheet.exceptions import ExitCode, SettingsError, UnavailableError
from amo2gsheet.model import Stage
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Manner, where
from amo2gsheet.state.records import Asked
from amo2gsheet.sync import swallowed
from amo2gsheet.sync.chunk import Chunk, Due
from amo2gsheet.sync.details import GIVE_UP_AFTER
from tests.schedule_trouble import MachineClock
from tests.sync_bench import KILL_BEFORE, before, is_insert, lead, once, run_on, settled, state_of, stopped
from tests.world import STATUS, World

HOUR = 4000
DOWN = Fault(Manner.REFUSED, answers.html_504())


def _of(path: str) -> Callable[[Request], bool]:
    return lambda request: request.path.startswith(f"/api/v4/{path}")


# --- a chunk ---


def test_of_two_versions_the_newer_one_counts_and_nothing_known_is_lost() -> None:
    older, newer = lead(1, updated_at=5), lead(1, updated_at=7)
    chunk, turned = Chunk(), Chunk()
    chunk.add(Due(older, may_add=True, has_entered=True))
    chunk.add(Due(newer))
    turned.add(Due(newer))
    turned.add(Due(older, may_add=True))

    assert {1: Due(newer, may_add=True, has_entered=True)} == chunk.due
    assert {1: Due(newer, may_add=True)} == turned.due


def test_leads_are_taken_chunk_by_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amo2gsheet.sync.gather.CHUNK_LEADS", 1)
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    leads.append(world.lead("Вера"))

    settled(world)

    assert leads == world.ids()


def test_a_run_whose_time_is_up_stops_between_two_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amo2gsheet.sync.gather.CHUNK_LEADS", 1)
    world = World(tmp_path, RUN_LIMIT_SEC="60")
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    for found in leads:
        world.move(found, world.stage("Заказ отправлен"))
    world.amo_wire.before_each = before(lambda request: request.path.endswith("/leads"), lambda: world.clock.advance(100))

    outcome = world.pull()

    assert outcome.report.is_cut_short
    settled(world)
    assert ["У курера"] * 2 == [world.status(found) for found in leads]


# --- who belongs in the sheet ---


def test_the_first_run_takes_who_stands_in_the_trigger_now(tmp_path: Path) -> None:
    world = World(tmp_path)
    inside = world.lead("Анна")
    world.lead("Борис", world.stage("Заказ отправлен"))

    settled(world)

    assert [inside] == world.ids()


def test_a_lead_that_only_passed_through_the_trigger_gets_a_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    found = world.lead("Анна", world.stage("Консультация"))
    world.clock.advance(5)
    world.move(found, world.trigger)
    world.clock.advance(5)
    world.move(found, world.stage("Заказ отправлен"))

    settled(world)

    assert ([found], "У курера") == (world.ids(), world.status(found))


def test_a_passage_that_the_events_tell_late_counts(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    world.amo.knobs.events_lag_seconds = 120
    found = world.lead("Анна", world.stage("Консультация"))
    world.move(found, world.trigger)
    world.clock.advance(5)
    world.move(found, world.stage("Заказ отправлен"))

    settled(world)
    settled(world)

    assert [found] == world.ids()


def test_an_old_event_counts_once(tmp_path: Path) -> None:
    """The row it gave was deleted by a person; the event must not bring it back."""
    world = World(tmp_path)
    world.pull()
    found = world.lead("Анна", world.stage("Консультация"))
    world.move(found, world.trigger)
    world.clock.advance(5)
    world.move(found, world.stage("Заказ отправлен"))
    settled(world)
    world.person.delete_row(found)
    settled(world)
    world.account.edit_lead(found, name="Другое имя")

    settled(world)

    assert [] == world.ids()


def test_no_right_to_events_is_said_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    world.amo.knobs.events_forbidden = True
    world.lead("Анна", world.stage("Консультация"))
    first = world.pull()
    world.lead("Борис", world.stage("Консультация"))
    second = world.pull()

    assert [True] == ["may not read events" in notice for notice in first.report.notices]
    assert ([], ExitCode.DONE) == (second.report.notices, first.exit_code)


def test_leads_created_before_the_limit_get_no_row(tmp_path: Path) -> None:
    world = World(tmp_path, LEADS_CREATED_AFTER="1790000030")
    world.lead("Анна")
    world.clock.advance(60)
    young = world.lead("Борис")

    settled(world)
    world.clock.advance(HOUR)
    settled(world)

    assert [young] == world.ids()


def test_a_lead_moved_out_of_the_trigger_during_a_first_run_is_left_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    found = world.lead("Анна")
    world.amo.knobs.stale_leads = {found: world.clock.time() + HOUR}
    world.move(found, world.stage("Консультация"))

    world.pull()
    settled(world)

    assert world.ids() in ([], [found])


# --- owed ---


def test_what_could_not_be_written_is_owed_with_what_is_known_of_its_way(tmp_path: Path) -> None:
    """The lead came into the trigger anew while its row was deleted: the next run must still know that it belongs."""
    world = World(tmp_path)
    found = world.lead("Анна")
    world.pull()
    world.person.delete_row(found)
    world.move(found, world.stage("Консультация"))
    settled(world)
    world.move(found, world.trigger)
    world.amo_wire.rule = where(_of("contacts"), DOWN)
    world.sheets_wire.rule = once(is_insert, KILL_BEFORE)
    stopped(world.pull)
    world.sheets_wire.rule = world.amo_wire.rule = None
    world.move(found, world.stage("Заказ отправлен"))

    settled(world)

    assert ([found], "У курера") == (world.ids(), world.status(found))


def test_a_lead_whose_details_cannot_be_read_waits_and_the_others_go(tmp_path: Path) -> None:
    world = World(tmp_path)
    good, bad = world.lead("Анна", phone="+998900000001"), world.lead("Борис", phone="+998900000002")
    contact = world.account.lead(bad)
    assert contact is not None
    bad_contact = str(contact.contacts[0].contact_id)

    def asks_for_bad(request: Request) -> bool:
        return "/contacts" in request.path and (bad_contact in request.path or bad_contact in str(request.query))

    world.amo_wire.rule = where(asks_for_bad, DOWN)

    outcome = world.pull()

    assert (ExitCode.UNAVAILABLE, [good]) == (outcome.exit_code, world.ids())
    assert [f"lead {bad} waits for the next run"] == [name.split(",")[0] for name in outcome.report.named]
    world.amo_wire.rule = None
    settled(world)
    assert [good, bad] == world.ids()
    assert "+998900000002" == world.person.see("Контактный номер", lead=bad)


def test_contacts_that_do_not_come_at_all_are_given_up_soon(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.block_after = None
    company = world.account.add_company("Завод")
    leads = [world.lead(f"Клиент {number}", phone=f"+99890000000{number}", company=company) for number in range(6)]
    world.amo_wire.rule = where(_of("contacts"), DOWN)

    outcome = world.pull()

    assert (ExitCode.UNAVAILABLE, []) == (outcome.exit_code, world.ids())
    assert len(leads) - GIVE_UP_AFTER == sum("amoCRM does not answer" in name for name in outcome.report.named)
    world.amo_wire.rule = None
    settled(world)
    assert leads == world.ids()
    assert {"Завод"} == {row["Компания"] for row in world.rows()}


def test_an_owed_lead_that_cannot_be_read_stays_owed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    other = world.lead("Борис", world.stage("Заказ отправлен"))
    world.person.type("ID", str(other), row=3)
    world.push()
    world.amo_wire.rule = where(lambda request: request.path.endswith(f"/leads/{other}"), DOWN)

    outcome = world.pull()

    assert ExitCode.UNAVAILABLE == outcome.exit_code
    assert [True] == [f"lead {other} could not be read" in name for name in outcome.report.named]
    world.amo_wire.rule = None
    settled(world)
    assert "У курера" == world.person.see(STATUS, row=3)


@pytest.mark.parametrize("by_id_too", [False, True])
def test_an_owed_lead_of_an_older_version_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_id_too: bool
) -> None:
    """The list of IDs lags behind what was seen already; the lead is asked for by its ID, and waits if even that is old."""
    world = World(tmp_path)
    found, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.move(found, world.stage("Заказ отправлен"))
    world.pull()
    world.amo.knobs.lag_in_id_filter = True
    world.amo.knobs.stale_leads = {found: world.clock.time() + HOUR}
    with state_of(world) as state:
        state.owe_all([found, other], "names")
    if by_id_too:
        monkeypatch.setattr(AmoClient, "lead", lambda amo, _: amo.leads_by_id([found, other])[found])

    world.pull()

    assert "У курера" == world.status(found)
    with state_of(world) as state:
        assert ([found] if by_id_too else []) == list(state.owed())


def test_owed_leads_none_of_which_can_be_read_end_the_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.block_after = None
    leads = [world.lead(f"Клиент {number}") for number in range(5)]
    world.pull()
    with state_of(world) as state:
        state.owe_all(leads, "names")
    asked = {f"/api/v4/leads/{found}" for found in leads}
    world.amo_wire.rule = where(lambda request: request.path in asked or "filter[id]" in str(request.query), DOWN)

    with pytest.raises(UnavailableError):
        world.pull()

    with state_of(world) as state:
        assert leads == sorted(state.owed())


def test_an_owed_lead_that_the_bulk_answer_leaves_out_is_asked_for_by_id(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    world.amo.knobs.bulk_omits = {leads[0]}
    with state_of(world) as state:
        state.owe_all(leads, "names")

    assert (2, ExitCode.DONE) == ((outcome := world.pull()).report.leads_read, outcome.exit_code)
    with state_of(world) as state:
        assert {} == state.owed()


def test_a_lead_that_push_found_gone_is_not_named_again_by_pull(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(name) for name in ("Анна", "Борис")]
    world.pull()
    world.account.trash_lead(leads[0])
    world.pick(leads[0], "Отказ")
    world.push()
    with state_of(world) as state:
        state.owe_all(leads, "names")

    outcomes = [run() for run in (world.pull, world.push, world.pull)]

    assert [[]] * 3 == [outcome.report.named for outcome in outcomes]


# --- full ---


def test_full_heals_drift_and_leaves_out_what_is_final_for_long(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(name, fields={"Адрес": "ул. Старая"}) for name in ("Анна", "Борис")]
    world.pull()
    world.move(leads[1], (world.shop, 142))
    world.pull()
    world.clock.advance(61 * 86400)
    world.lead("Часы")
    settled(world)
    seen = len(world.amo_wire.log)

    world.pull(full=True)

    asked = " ".join(str(exchange.request.query) for exchange in world.amo_wire.log[seen:])
    assert (True, False) == (str(leads[0]) in asked, str(leads[1]) in asked)


def test_full_counts_the_cells_that_had_drifted(tmp_path: Path) -> None:
    """A change that no list ever showed."""
    world = World(tmp_path)
    found = world.lead("Анна")
    world.pull()
    world.amo.knobs.stale_leads = {found: world.clock.time() + HOUR}
    world.move(found, world.stage("Заказ отправлен"))
    world.pull()
    world.clock.advance(2000)
    world.amo.knobs.stale_leads = {}
    with state_of(world) as state:
        state.move_cursor("leads", int(world.clock.time()) + 10**6)

    outcome = world.pull(full=True)

    assert (1, "У курера") == (outcome.report.drifted, world.status(found))


# --- the hourly look ---


@pytest.mark.parametrize(
    ("what", "column", "expected"),
    [
        ("contact", "Контактный номер", "+998900000009"),
        ("company", "Компания", "Завод 2"),
        ("pipeline", "Воронка", "Магазин"),
        ("user", "Ответственный", "Новое имя"),
        ("stage", STATUS, "Новая стадия"),
        ("staff", "Ответственный", "Сотрудник"),
    ],
)
def test_what_the_update_list_never_tells_is_found_by_the_hourly_look(
    tmp_path: Path, what: str, column: str, expected: str
) -> None:
    world = World(tmp_path)
    company = world.account.add_company("Завод")
    found = world.lead("Анна", phone="+998900000001", company=company, fields={"Код сотрудника": "7"})
    world.pull()
    world.move(found, world.stage("Консультация"))
    settled(world)
    in_account = world.account.lead(found)
    assert in_account is not None
    world.clock.advance(30)
    deeds: dict[str, Callable[[], object]] = {
        "contact": lambda: world.account.edit_contact(in_account.contacts[0].contact_id, phones=["+998900000009"]),
        "company": lambda: world.account.edit_company(company, name="Завод 2"),
        "pipeline": lambda: world.account.rename_pipeline(world.shop, "Магазин"),
        "user": lambda: world.account.rename_user(in_account.responsible_user_id, "Новое имя"),
        "stage": lambda: world.account.rename_stage(*world.stage("Консультация"), "Новая стадия"),
        "staff": lambda: world.person.add_tab("Staff", [["Код сотрудника", "Сотрудник"], ["007", "Сотрудник"]]),
    }
    deeds[what]()
    world.clock.advance(HOUR)

    for _ in range(3):
        settled(world)
        world.clock.advance(HOUR)

    assert expected == world.person.see(column, lead=found)


def test_a_lead_that_stands_in_the_trigger_unseen_is_found_by_the_hourly_look(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    found = world.lead("Борис")
    with state_of(world) as state:
        state.move_cursor("leads", int(world.clock.time()) + 10**6)
    world.clock.advance(HOUR)

    settled(world)

    assert found in world.ids()


# --- unknown names ---


def test_a_new_stage_user_and_field_are_learnt_when_a_lead_shows_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    found = world.lead("Анна")
    world.person.paste("A1", [["ID", STATUS, "Подарок", "Ответственный"]])
    world.pull()
    stage = world.account.add_stage(world.shop, "Самовывоз")
    user = world.account.add_user("Ольга")
    world.account.add_lead_field("Подарок", "text")
    world.account.edit_lead(found, fields={"Подарок": "шарф"}, responsible=user)
    world.move(found, (world.shop, stage))

    settled(world)

    see = world.person.see
    assert ("Самовывоз", "шарф", "Ольга") == (
        see(STATUS, lead=found),
        see("Подарок", lead=found),
        see("Ответственный", lead=found),
    )


def test_users_that_may_not_be_read_show_as_ids(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.users_forbidden = True
    found = world.lead("Анна")

    settled(world)

    in_account = world.account.lead(found)
    assert in_account is not None
    assert str(in_account.responsible_user_id) == world.person.see("Ответственный", lead=found)


def test_an_account_without_any_trigger_stage_is_a_wrong_setting(tmp_path: Path) -> None:
    world = World(tmp_path, TRIGGER_STATUS_NAME="Несуществующая")

    with pytest.raises(SettingsError) as refused:
        world.pull()

    assert ExitCode.SETTINGS == refused.value.exit_code


def test_amocrm_that_is_down_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Первый")
    world.pull()
    found = world.lead("Анна")
    world.amo_wire.rule = where(lambda _request: True, DOWN)
    with pytest.raises(UnavailableError):
        world.pull()
    world.amo_wire.rule = None

    settled(world)

    assert found in world.ids()


def test_cached_names_are_used_whatever_their_age(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    world.clock.advance(30 * 86400)
    requests = len(world.amo_wire.log)

    with run_on(world) as run:
        from amo2gsheet.sync import directory

        known = directory.load(run)

    assert (requests, 2) == (len(world.amo_wire.log), len(known.directory.pipelines))


def test_names_read_by_a_first_run_that_failed_are_read_anew_an_hour_after_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.sheets.knobs.sharing = "none"
    world.code(world.pull)
    world.account.rename_pipeline(world.shop, "Продажи")
    world.sheets.knobs.sharing = "editor"
    world.clock.advance(2000)
    world.pull()
    world.clock.advance(2000)
    world.pull()

    assert "Продажи" == world.row(lead)["Воронка"]


def test_a_stage_that_was_renamed_is_followed_though_the_clock_was_put_back(tmp_path: Path) -> None:
    """The names that were kept seem to come from the future: they are read anew, and still tell what has changed."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.move(lead, world.stage("Консультация"))
    world.pull()
    machine = MachineClock(world.clock)
    world.outside = Outside(machine, "testhost", world.outside.new_session)
    world.account.rename_stage(*world.stage("Консультация"), "Новая стадия")
    machine.offset = -90_000
    world.clock.advance(60)
    world.pull()
    world.clock.advance(4_000)
    world.pull()

    assert "Новая стадия" == world.status(lead)


# --- lists that lag ---


@pytest.mark.parametrize("is_full", [True, False])
def test_a_list_older_than_our_own_move_takes_no_pick_back(tmp_path: Path, is_full: bool) -> None:
    """All leads are compared, or owed for a new header: in bulk, and so amoCRM may show them as they were."""
    world = World(tmp_path)
    lead, *_ = [world.lead("Анна") for _ in range(3)]
    settled(world)
    world.pick(lead, "Успешно")
    if not is_full:
        world.person.paste("V1", [["Теги"]])
    world.amo.knobs.list_lag_seconds, world.amo.knobs.lag_in_id_filter = 200, True
    world.push()
    assert "Заказ отправлен" == world.stage_of(lead)

    world.pull(full=is_full)

    assert "Успешно" == world.status(lead)
    world.clock.advance(1000)
    settled(world)
    assert ("Заказ отправлен", "Успешно") == (world.stage_of(lead), world.status(lead))


def test_a_list_older_than_what_was_seen_takes_no_status_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, *_ = [world.lead("Анна") for _ in range(3)]
    settled(world)
    world.move(lead, world.stage("Заказ отправлен"))
    world.pull()
    world.amo.knobs.lag_in_id_filter = True
    world.amo.knobs.stale_leads[lead] = world.clock.time() + 300

    world.pull(full=True)

    assert "У курера" == world.status(lead)


def test_a_full_comparison_notices_a_move_that_amocrm_swallowed(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, *_ = [world.lead("Анна") for _ in range(3)]
    settled(world)
    world.amo.knobs.swallow_patches.add(lead)
    world.amo.knobs.swallow_bumps, world.amo.knobs.list_lag_seconds = True, 200
    world.pick(lead, "Успешно")
    world.push()
    world.amo.knobs.swallow_patches.clear()

    world.pull(full=True)

    assert "Успешно" == world.status(lead)
    world.clock.advance(1000)
    settled(world)
    settled(world)
    assert ("Заказ отправлен", "Успешно") == (world.stage_of(lead), world.status(lead))


@pytest.mark.parametrize("is_full", [True, False])
def test_a_lead_that_is_gone_when_its_move_is_checked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_full: bool
) -> None:
    """The list shows it still; asked for by its ID, because it stands in its old stage, it is there no more."""
    world = World(tmp_path)
    lead, _other = world.lead("Анна"), world.lead("Борис")
    settled(world)
    monkeypatch.setattr(swallowed, "check", lambda _run, _known, found: None if found.id == lead else found)
    with state_of(world) as state:
        state.owe_all([] if is_full else [lead], "names")

    outcome = world.pull(full=is_full)

    assert [f"lead {lead} is not in amoCRM"] == [name.split(" (")[0] for name in outcome.report.named]


def _without_row(tmp_path: Path) -> tuple[World, int]:
    """A lead beyond the trigger whose row a person deleted."""
    world = World(tmp_path)
    lead_id = world.lead("Анна")
    world.pull()
    world.move(lead_id, world.stage("Заказ отправлен"))
    settled(world)
    world.person.delete_row(lead=lead_id)
    world.push()
    world.push()
    settled(world)
    assert [] == world.ids()
    return world, lead_id


@pytest.mark.parametrize("full", [True, False])
def test_a_lead_that_enters_anew_while_the_list_lags_gets_its_row_though_it_was_read_by_id(tmp_path: Path, full: bool) -> None:
    world, lead_id = _without_row(tmp_path)
    world.amo.knobs.list_lag_seconds = 120
    if not full:
        with state_of(world) as state:
            state.owe(lead_id, "names")
    world.move(lead_id, world.trigger)

    world.pull(full=full)

    assert [lead_id] == world.ids()
    world.clock.advance(600)
    settled(world)
    assert [lead_id] == world.ids()


def test_a_lead_that_enters_anew_gets_its_row_though_it_could_not_be_held_against_its_move(tmp_path: Path) -> None:
    world, lead_id = _without_row(tmp_path)
    world.amo.knobs.events_forbidden = True
    with state_of(world) as state:
        state.ask(Asked(lead_id, Stage(*world.trigger), Stage(*world.stage("Отказ")), 0, 1, "В процессе"))
    world.move(lead_id, world.trigger)
    by_id = where(lambda request: request.path.endswith(f"/leads/{lead_id}"), Fault(Manner.REFUSED, answers.html_504()))
    world.amo_wire.rule = by_id

    assert ExitCode.UNAVAILABLE == world.code(world.pull)
    world.amo_wire.rule = None
    settled(world)

    assert [lead_id] == world.ids()
