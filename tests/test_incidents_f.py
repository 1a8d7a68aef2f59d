"""Incidents, group F: leads that never arrived."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, at, where
from tests.world import START, STATUS, World, is_cell_write

SENT = "Заказ отправлен"
DAY = 86_400


def test_f1_a_lead_created_straight_in_the_trigger_gets_a_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    lead = world.lead("Импорт")
    world.pull()

    assert (world.ids(), world.status(lead)) == ([lead], "В процессе")
    world.rest()


@pytest.mark.parametrize("end", [SENT, "Отказ", "won"])
@pytest.mark.parametrize("events_lag_seconds", [0, 90])
def test_f2_a_lead_that_passed_the_trigger_between_two_pulls_has_a_row(tmp_path: Path, end: str, events_lag_seconds: int) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", world.stage("Консультация"))
    world.pull()
    world.amo.knobs.events_lag_seconds = events_lag_seconds
    world.move(lead, world.trigger)
    world.clock.advance(5)
    world.move(lead, (world.shop, 142) if end == "won" else world.stage(end))
    for _ in range(3):
        world.pull()

    shown = {SENT: "У курера", "Отказ": "Отказ", "won": "Успешно"}[end]
    assert (world.ids(), world.status(lead)) == ([lead], shown)
    world.rest()


def test_f2_a_new_lead_that_passed_the_trigger_within_a_second_has_a_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    lead = world.lead("Анна", world.stage("Консультация"))
    world.move(lead, world.trigger)
    world.move(lead, world.stage(SENT))
    other = world.lead("Борис")
    world.move(other, world.stage("Отказ"))
    world.pull()

    assert (set(world.ids()), world.status(lead), world.status(other)) == ({lead, other}, "У курера", "Отказ")
    world.rest()


def test_f2_without_the_right_to_events_it_is_said_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.events_forbidden = True
    world.pull()
    lead = world.lead("Анна", world.stage("Консультация"))
    notices = [*world.pull().report.notices, *world.pull().report.notices]
    world.move(lead, world.trigger)
    world.pull()

    assert (len(notices), world.ids()) == (1, [lead])
    world.rest()


def test_f3_the_go_live_date_decides_by_creation_about_new_rows_only(tmp_path: Path) -> None:
    """A lead created before gets no row; one that has its row is followed all the same."""
    world = World(tmp_path)
    tracked = world.lead("Анна", created_at=START - 10 * DAY)
    world.pull()
    world.set(LEADS_CREATED_AFTER=str(START - DAY))
    old = world.lead("Старый", world.stage("Консультация"), created_at=START - 2 * DAY)
    new = world.lead("Новый", created_at=START - DAY + 1)
    world.pull()
    world.move(old, world.trigger)
    world.move(tracked, world.stage(SENT))
    world.pull()
    world.clock.advance(3600)
    world.pull()

    assert world.ids() == [tracked, new]
    assert world.status(tracked) == "У курера"
    world.rest()


def test_f4_a_week_without_runs_loses_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.sheets.knobs.quota = "off"
    tracked = [world.lead(f"Клиент {number}") for number in range(40)]
    world.pull()
    picked = tracked[:5]
    for lead in picked:
        world.pick(lead, "Отказ")
    fresh, passed = [], []
    for day in range(7):
        world.clock.advance(DAY)
        for number in range(40):
            world.clock.advance(20)
            fresh.append(world.lead(f"Новый {day}/{number}", phone=f"+998 00 000-{day:02}-{number:02}"))
            lead = world.lead(f"Быстрый {day}/{number}", world.stage("Консультация"))
            world.move(lead, world.trigger)
            world.move(lead, world.stage(SENT))
            passed.append(lead)
        world.move(tracked[10 + day], world.stage(SENT))
        world.account.edit_lead(tracked[20 + day], fields={"Адрес": f"ул. {day}"})
    outcome = world.pull()

    assert outcome.exit_code == ExitCode.DONE
    assert set(world.ids()) == {*tracked, *fresh, *passed}
    assert len(world.ids()) == len(tracked) + len(fresh) + len(passed)
    assert {world.status(lead) for lead in (*passed, *tracked[10:17])} == {"У курера"}
    assert [world.row(tracked[20 + day])["Адрес"] for day in range(7)] == [f"ул. {day}" for day in range(7)]
    world.rest()
    assert {world.stage_of(lead) for lead in picked} == {"Отказ"}


def test_f4_a_long_pull_goes_on_where_the_time_limit_cut_it(tmp_path: Path) -> None:
    world = World(tmp_path, RUN_LIMIT_SEC="1")
    world.sheets.knobs.quota = "off"
    world.pull()
    for _ in range(6):
        world.clock.advance(DAY)
        for _ in range(60):
            world.lead("Новый")
    for _ in range(12):
        world.pull()

    assert len(set(world.ids())) == len(world.ids()) == 360
    world.rest()


@pytest.mark.parametrize("kill_at", [2, 4, 6, 8, 10])
def test_f4_a_pull_after_a_week_that_is_killed_goes_on(tmp_path: Path, kill_at: int) -> None:
    world = World(tmp_path)
    world.pull()
    leads = []
    for _ in range(7):
        world.clock.advance(DAY)
        leads += [world.lead("Новый", phone="+998 00 000-00-01") for _ in range(60)]
    world.amo_wire.rule = at(world.amo_wire.count + kill_at, Fault(Manner.KILL_AFTER))
    world.sheets_wire.rule = at(world.sheets_wire.count + kill_at // 2, Fault(Manner.KILL_AFTER))
    with pytest.raises(Killed):
        world.pull()
    world.amo_wire.rule = world.sheets_wire.rule = None
    world.pull()

    assert sorted(world.ids(), key=str) == leads
    world.rest()


def test_f5_one_row_that_cannot_be_written_does_not_stop_the_rest(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(10)]
    world.pull()
    world.person.protect(f"A{world.person.row_of(leads[3])}:Z{world.person.row_of(leads[3])}")
    for lead in leads:
        world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    outcome = world.pull()

    assert outcome.exit_code == ExitCode.PARTIAL
    assert [str(leads[3]) in named for named in outcome.report.named] == [True]
    assert [row["Адрес"] for row in world.rows()] == ["ул. Новая, 1"] * 3 + [None] + ["ул. Новая, 1"] * 6
    assert world.pull().exit_code == ExitCode.DONE
    world.person.unprotect()
    world.rest()
    assert world.row(leads[3])["Адрес"] == "ул. Новая, 1"


def test_f5_one_lead_that_cannot_be_read_does_not_stop_the_rest(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    leads = [world.lead(f"Клиент {number}", phone=f"+998 00 000-00-{number:02}") for number in range(10)]
    bad = world.account.leads.current[leads[3]].contacts[0].contact_id
    world.amo_wire.rule = where(
        lambda r: "/contacts" in r.path and (str(bad) in r.path or str(bad) in r.all("filter[id][]")),
        Fault(Manner.REFUSED, answers.json_500_amo()),
    )
    code = world.code(world.pull)
    world.amo_wire.rule = None

    assert code in (ExitCode.PARTIAL, ExitCode.UNAVAILABLE)
    assert sorted(world.ids(), key=str) == [*leads[:3], *leads[4:]]
    world.rest()
    assert sorted(world.ids(), key=str) == leads


def test_f5_an_address_longer_than_a_cell_stops_nobody(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.pull()
    leads = [world.lead(f"Клиент {number}", fields={"Адрес": "ж" * (60_000 if number == 3 else 5)}) for number in range(6)]
    world.pull()

    assert world.ids() == leads
    world.rest()


def test_f6_a_lead_that_left_the_trigger_stays_up_to_date(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна", fields={"Адрес": "ул. Старая, 2"})
    world.pull()
    for name in (SENT, "Отказ"):
        world.move(lead, world.stage(name))
        world.account.edit_lead(lead, price=len(name), fields={"Адрес": f"ул. {name}"})
        world.pull()
        row = world.row(lead)
        assert (row["Адрес"], row["Бюджет сделки"]) == (f"ул. {name}", len(name))

    world.move(lead, (world.shop, 142))
    world.account.edit_lead(lead, name="Анна К.")
    world.pull()
    assert (world.row(lead)["Ф.И.О."], world.row(lead)[STATUS]) == ("Анна К.", "Успешно")
    world.rest()


@pytest.mark.parametrize("full", [False, True])
def test_f7_a_lead_that_vanished_keeps_its_row_and_is_reported(tmp_path: Path, full: bool) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [["ID", "статус", "Адрес", "Синхронизация"]])
    lead, other = world.lead("Анна", fields={"Адрес": "ул. Старая, 2"}), world.lead("Борис")
    world.pull()
    world.account.trash_lead(lead)
    world.pick(lead, "Отказ")
    if full:
        codes = [world.pull(full=True).exit_code, world.pull(full=True).exit_code]
    else:
        codes = [world.push().exit_code, world.push().exit_code]

    assert codes == [ExitCode.PARTIAL, ExitCode.DONE]
    assert [waiting.lead_id for waiting in world.waiting("gone lead")] == [lead]
    assert world.row(lead)["Адрес"] == "ул. Старая, 2"
    assert world.ids() == [lead, other]
    world.push()
    world.pull()
    world.assert_silent()


def test_f7_a_lead_that_comes_back_from_the_trash_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.account.trash_lead(lead)
    world.pick(lead, "Отказ")
    world.push()
    world.clock.advance(DAY)
    world.account.restore_lead(lead)
    world.pull()
    world.push()

    assert (world.stage_of(lead), world.waiting()) == ("Отказ", [])
    world.rest()


def test_f2_a_lead_that_left_and_entered_again_does_not_bring_back_a_row_by_mistake(tmp_path: Path) -> None:
    """Entering the trigger again is what brings a deleted row back, also where the list never showed the lead outside."""
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.person.delete_row(lead)
    world.push()
    world.push()
    world.account.edit_lead(lead, name="Анна К.")
    world.pull()
    assert world.ids() == []

    world.move(lead, world.stage("Консультация"))
    world.clock.advance(2)
    world.move(lead, world.trigger)
    world.pull()
    assert world.ids() == [lead]
    world.rest()


def test_f5_what_waits_is_told_in_the_sheets_own_column(tmp_path: Path) -> None:
    world = World(tmp_path, SHEET_STATUS_MAP_JSON=json.dumps({"Отказ": ["Нет такого"]}, ensure_ascii=False))
    world.person.paste("A1", [["ID", "статус", "Синхронизация"]])
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.push()
    world.pull()
    assert world.row(lead)["Синхронизация"] == "нет этапа «Отказ» в воронке"

    world.pick(lead, "У курера")
    world.push()
    world.pull()
    assert world.row(lead)["Синхронизация"] is None
    world.rest()


def test_f5_a_write_that_google_refuses_for_one_cell_is_halved_until_that_cell_is_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = [world.lead(f"Клиент {number}") for number in range(8)]
    world.pull()
    row = world.person.row_of(leads[2])
    world.once(world.sheets_wire, is_cell_write, lambda: world.person.protect(f"A{row}:Z{row}"))
    for lead in leads:
        world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    outcome = world.pull()

    assert (outcome.exit_code, len(outcome.report.named)) == (ExitCode.PARTIAL, 1)
    assert sum(row["Адрес"] == "ул. Новая, 1" for row in world.rows()) == 7
    world.person.unprotect()
    world.rest()
