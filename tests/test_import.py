"""An import that is run again, cut off, changed or forgotten: each row goes in exactly once."""

from __future__ import annotations

import errno
import json
import os
import signal
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from amo2gsheet.cli_signals import SignalWatch, StopSignal
from amo2gsheet.commands_import import ImportOptions, ImportOutcome, ImportWatcher, run_import
from amo2gsheet.exceptions import ExitCode, LockedError, LoginError, SheetError, StateError, UsageError
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.amo_problems import problem
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, times, where
from amo2gsheet.state import RunLock, StateStore
from amo2gsheet.sync.importing_plan import Fate
from amo2gsheet.xlsx import read_workbook
from tests.import_world import NAME, PHONE, PRICE, Cells, ImportWorld, retitled, row, save_book
from tests.world import Rewritten

SETTLED_SECONDS = 1200
LONG_TAG = "Заказы за ноябрь 2026 года из Ташкента и Самарканда"


def is_post(request: Request) -> bool:
    """Whether a request makes leads."""
    return request.method == "POST"


@pytest.fixture
def world(tmp_path: Path) -> ImportWorld:
    return ImportWorld(tmp_path, IMPORT_BATCH_SIZE="2")


def fates(outcome: ImportOutcome) -> list[tuple[int, Fate]]:
    """Row number and fate of each row, in the order of the file."""
    return [(one.row_number, one.fate) for one in outcome.report.results]


# --- the same again ---


def test_the_same_import_again_sends_nothing_and_names_each_lead_with_its_date(world: ImportWorld) -> None:
    world.write(row(1), row(2), row(3))
    first = world.run()

    again = world.run()

    assert (ExitCode.DONE, 2, 3) == (again.exit_code, world.posts(), len(world.leads()))
    assert [(one.lead_id, Fate.SENT_BEFORE) for one in first.report.results] == [
        (one.lead_id, one.fate) for one in again.report.results
    ]
    assert {"21.09.2026"} == {one.date for one in again.report.results}


def test_f1_rows_come_into_the_sheet_and_stay_what_they_are(world: ImportWorld) -> None:
    world.write(row(1), row(2), row(3))
    world.run()

    world.pull()
    world.assert_silent()
    again = world.run()

    assert sorted(lead.id for lead in world.leads()) == sorted(map(int, map(str, world.ids())))
    assert {"В процессе"} == {line["статус"] for line in world.rows()}
    assert (ExitCode.DONE, 3) == (again.exit_code, len(world.leads()))
    world.assert_silent()


def test_the_same_rows_in_another_order_are_the_same_rows(world: ImportWorld) -> None:
    world.write(*map(row, range(1, 6)))
    world.run()
    world.write(*map(row, (4, 2, 5, 1, 3)))

    assert {Fate.SENT_BEFORE} == {one.fate for one in world.run().report.results}
    assert 5 == len(world.leads())


def test_of_a_longer_workbook_only_the_new_rows_go_in(world: ImportWorld) -> None:
    world.write(row(1), row(2))
    world.run()
    world.write(row(3), row(1), row(4), row(2))

    world.run()

    assert [f"Клиент {number}" for number in range(1, 5)] == world.names()


def test_refused_rows_go_in_when_they_are_mended(world: ImportWorld) -> None:
    world.write(row(1), row(2, **{PRICE: "?"}), row(3))
    world.run()
    world.write(row(1), row(2), row(3))

    outcome = world.run()

    assert [(2, Fate.SENT_BEFORE), (3, Fate.SEND), (4, Fate.SENT_BEFORE)] == fates(outcome)
    assert ["Клиент 1", "Клиент 2", "Клиент 3"] == world.names()


def test_equal_rows_both_go_in_with_a_warning_and_not_again(world: ImportWorld) -> None:
    world.write(row(1), row(2), row(1), row(1))

    first, again = world.run(), world.run()

    assert ["rows 2, 4–5 are equal: each becomes a lead of its own"] == first.report.notices
    assert (["Клиент 1"] * 3 + ["Клиент 2"], ExitCode.DONE) == (world.names(), again.exit_code)


def test_rows_that_lost_the_column_that_tells_them_apart_are_held_back(world: ImportWorld) -> None:
    world.write(row(1), row(2))
    world.run()
    world.write({NAME: "Клиент 1", PRICE: 1000}, {NAME: "Клиент 3", PRICE: 3000})

    outcome = world.run()

    assert (ExitCode.HELD_BACK, 2) == (outcome.exit_code, len(world.leads()))
    assert f'column "{PHONE.lower()}" of this import\'s first run is missing' in outcome.report.held
    assert (ExitCode.DONE, 4) == (world.run(is_again=True).exit_code, len(world.leads()))


def test_another_tag_is_another_import(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()

    world.run(tag="Заказы, март")

    assert ["Клиент 1", "Клиент 1"] == world.names()
    assert {"orders", "Заказы, март"} == {tag.name for tag in world.account.tags.values()}


def test_a_row_sent_before_is_not_checked_again(world: ImportWorld) -> None:
    field_id = world.account.add_lead_field("Регион", "select", ["Ташкент", "Бухара"])
    world.write({**row(1), "Регион": "Бухара"})
    world.run()
    world.account.fields.pop(field_id)
    world.account.add_lead_field("Регион", "select", ["Ташкент"])

    assert [(2, Fate.SENT_BEFORE)] == fates(world.run())


def test_rows_with_an_id_are_in_amocrm_already(world: ImportWorld) -> None:
    world.write({"ID": 4711, **row(1)}, {"ID": None, **row(2)})

    outcome = world.run()

    assert [(2, Fate.IN_AMOCRM), (3, Fate.SEND)] == fates(outcome)
    assert (["Клиент 2"], ExitCode.DONE) == (world.names(), outcome.exit_code)


# --- corrections ---


def test_a_row_that_seems_to_correct_one_sent_is_named_and_not_sent(world: ImportWorld) -> None:
    world.write(row(1), row(2))
    lead_id = world.run().report.results[0].lead_id
    world.write(row(1, **{PRICE: 5000}), row(2))

    outcome = world.run()

    assert [(2, Fate.CORRECTION), (3, Fate.SENT_BEFORE)] == fates(outcome)
    assert f"seems to correct lead {lead_id}, sent on 21.09.2026" in outcome.report.results[0].reason
    assert (ExitCode.PARTIAL, 2) == (outcome.exit_code, len(world.leads()))


def test_a_correction_is_sent_when_asked_for_and_once(world: ImportWorld) -> None:
    world.write(row(1), row(2))
    world.run()
    world.write(row(1, **{PRICE: 5000}), row(2))

    world.run(sends_changed=True)
    again = world.run()

    assert ["Клиент 1", "Клиент 1", "Клиент 2"] == world.names()
    assert ({Fate.SENT_BEFORE}, ExitCode.DONE) == ({one.fate for one in again.report.results}, again.exit_code)


def test_a_second_correction_corrects_the_first_one(world: ImportWorld) -> None:
    for price in (1000, 2000):
        world.write(row(1, **{PRICE: price}))
        second = world.run(sends_changed=True).report.results[0].lead_id
    world.write(row(1, **{PRICE: 3000}))

    assert f"seems to correct lead {second}" in world.run().report.results[0].reason


def test_a_second_order_of_one_person_is_no_correction(world: ImportWorld) -> None:
    """The row that was sent still stands in the file."""
    world.write(row(1))
    world.run()
    world.write(row(1), row(1, **{PRICE: 7000}))

    assert [(2, Fate.SENT_BEFORE), (3, Fate.SEND)] == fates(world.run())


def test_orders_of_one_person_go_in_after_a_kill_between_them(world: ImportWorld) -> None:
    world.write(row(1), row(2), row(1, **{PRICE: 7000}))
    world.amo_wire.rule = where(lambda request: is_post(request) and world.posts() > 1, Fault(Manner.KILL_BEFORE))
    with pytest.raises(Killed):
        world.run()
    world.amo_wire.rule = None
    world.clock.advance(SETTLED_SECONDS)

    world.run()

    assert ["Клиент 1", "Клиент 1", "Клиент 2"] == world.names()


def test_a_correction_of_an_unresolved_row_waits(world: ImportWorld) -> None:
    world.write(row(1))
    world.amo_wire.rule = where(is_post, Fault(Manner.TIMEOUT_BEFORE))
    assert [(2, Fate.UNRESOLVED)] == fates(world.run())
    world.amo_wire.rule = None
    world.write(row(1, **{PRICE: 5000}))

    waiting = world.run(sends_changed=True)
    world.clock.advance(SETTLED_SECONDS)
    settled = world.run()

    assert [(2, Fate.CORRECTION)] == fates(waiting)
    assert ([(2, Fate.SEND)], [5000]) == (fates(settled), [lead.price for lead in world.leads()])


# --- the account changes between two runs ---


def test_a_field_made_between_two_runs_makes_no_row_another_row(world: ImportWorld) -> None:
    rows = [{**row(number), "Цвет": "red" if number < 3 else "blue"} for number in range(1, 5)]
    world.write(*rows[:3])
    world.run()
    world.account.add_lead_field("Цвет", "text")
    world.write(*rows)

    outcome = world.run()

    assert [Fate.SENT_BEFORE] * 3 + [Fate.SEND] == [fate for _, fate in fates(outcome)]
    assert "blue" == world.account.lead_value(world.leads()[-1].id, "Цвет")


def test_rows_that_differ_only_in_a_later_field_keep_their_leads_when_sorted(world: ImportWorld) -> None:
    """Their keys are told apart by place; but people sort workbooks."""
    world.write(row(9))
    world.run()
    world.account.add_lead_field("Цвет", "text")
    red, blue = {**row(1), "Цвет": "red"}, {**row(1), "Цвет": "blue"}
    world.write({**row(9), "Цвет": None}, red, blue)
    world.set(IMPORT_BATCH_SIZE="1")
    world.amo_wire.rule = where(lambda request: is_post(request) and world.posts() > 2, Fault(Manner.CUT_BEFORE))
    world.run()
    world.amo_wire.rule = None
    world.write({**row(9), "Цвет": None}, blue, red)
    world.clock.advance(SETTLED_SECONDS)

    world.run()

    colours = [world.account.lead_value(lead.id, "Цвет") for lead in world.leads()]
    assert ["blue", "red"] == sorted(filter(None, colours))


def test_a_column_that_is_missing_now_is_named_and_doubles_nothing(world: ImportWorld) -> None:
    world.write({**row(1), "Адрес": "Ташкент"})
    world.run()
    world.write(row(1))

    outcome = world.run()

    assert 'columns of this import\'s first run are missing: "адрес"; rows are told apart by them' in outcome.report.notices
    assert ([(2, Fate.CORRECTION)], 1) == (fates(outcome), len(world.leads()))


# --- answers ---


def test_answers_are_matched_by_their_name_not_by_their_place(world: ImportWorld) -> None:
    world.amo.knobs.complex_shuffled = True
    world.write(*map(row, range(1, 6)))

    results = world.run().report.results

    names = {lead.id: lead.name for lead in world.leads()}
    assert [f"Клиент {number}" for number in range(1, 6)] == [names[one.lead_id] for one in results]


@pytest.mark.parametrize("manner", ["validation", "unnamed", "forbidden"])
@pytest.mark.parametrize("names", ["all", "first"])
def test_one_bad_row_takes_no_batch_along(tmp_path: Path, manner: str, names: str) -> None:
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE="10")
    world.amo.knobs.refuse_new = {"Клиент 3": manner, "Клиент 8": manner}  # type: ignore[dict-item]
    world.amo.knobs.refuse_names = names  # type: ignore[assignment]
    world.write(*map(row, range(1, 11)))

    outcome = world.run()

    refused = [one for one in outcome.report.results if one.fate is Fate.REFUSED]
    assert ([4, 9], ExitCode.PARTIAL) == ([one.row_number for one in refused], outcome.exit_code)
    assert all(one.reason.startswith("amoCRM refused it: ") for one in refused)
    assert 8 == len(set(world.names()))


def test_a_refusal_names_the_column_and_the_row_goes_in_later(world: ImportWorld) -> None:
    world.account.add_lead_field("Регион", "select", ["Ташкент", "Бухара"])
    world.write(row(1), {**row(2), "Регион": "Бухара"})
    options = world.account.field_named("leads", "Регион")

    def lose_an_option() -> None:
        world.account.fields[options.id] = replace(options, options=options.options[:1])

    world.once(world.amo_wire, is_post, lose_an_option)
    refused = world.run()
    world.account.fields[options.id] = options

    assert [(2, Fate.SEND), (3, Fate.REFUSED)] == fates(refused)
    assert 'column "Регион"' in refused.report.results[1].reason
    assert [(2, Fate.SENT_BEFORE), (3, Fate.SEND)] == fates(world.run())


def test_a_token_that_may_make_no_lead_ends_the_run(world: ImportWorld) -> None:
    world.set(IMPORT_BATCH_SIZE="50")
    world.amo.knobs.refuse_new = {f"Клиент {number}": "forbidden" for number in range(1, 41)}
    world.write(*map(row, range(1, 41)))

    outcome = world.run()

    assert (ExitCode.LOGIN, 40) == (outcome.exit_code, outcome.report.count(Fate.NOT_SENT, Fate.REFUSED))
    assert world.posts() < 20


def test_rows_that_amocrm_merged_into_leads_are_reported_as_such(world: ImportWorld) -> None:
    there = world.lead("Клиент 1", phone="+998 00 000-00-01")
    world.amo.knobs.duplicate_control = True
    world.write(row(1), row(2))

    first, again = world.run(), world.run()

    assert [(there, True), (world.leads()[-1].id, False)] == [(one.lead_id, one.is_merged) for one in first.report.results]
    assert (1, 1, 2) == (first.counts["merged"], first.counts["new_leads"], len(world.leads()))
    assert (ExitCode.DONE, True) == (again.exit_code, again.report.results[0].is_merged)


def test_a_row_merged_without_an_answer_is_found(world: ImportWorld) -> None:
    there = world.lead("Клиент 1", phone="+998 00 000-00-01")
    world.clock.advance(5000)
    world.amo.knobs.duplicate_control = True
    world.amo_wire.rule = times(1, Fault(Manner.CUT_AFTER), is_post)
    world.write(row(1))

    outcome = world.run()

    assert [(there, True)] == [(one.lead_id, one.is_merged) for one in outcome.report.results]


def test_a_row_that_an_answer_leaves_out_is_looked_for(world: ImportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    real_answer = world.amo.answer

    def half(request: Request) -> Answer:
        answer = real_answer(request)
        return Answer(200, json.dumps(json.loads(answer.body)[:1]).encode(), answer.headers) if is_post(request) else answer

    monkeypatch.setattr(world.amo, "answer", half)
    world.write(row(1), row(2))

    outcome = world.run()

    assert ([(2, Fate.SEND), (3, Fate.SEND)], 2) == (fates(outcome), len(world.leads()))


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'[{"id": "x"}]', b'[{"request_id": ["a"]}]', b"[1]"])
def test_an_answer_that_cannot_be_read_is_looked_into(world: ImportWorld, body: bytes) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.FAILED_AFTER, Answer(200, body, {"Content-Type": "application/json"})), is_post)
    world.write(row(1))

    assert [(2, Fate.SEND)] == fates(world.run())
    assert ["Клиент 1"] == world.names()


# --- unclear outcomes ---


def test_a_lost_answer_is_found_in_the_same_run(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.CUT_AFTER), is_post)
    world.write(*map(row, range(1, 5)))

    outcome = world.run()

    assert ({Fate.SEND}, 2, ExitCode.DONE) == (
        {one.fate for one in outcome.report.results},
        outcome.report.settled,
        outcome.exit_code,
    )
    assert 4 == len(world.leads())


def test_a_row_that_nobody_can_tell_of_is_named_and_settled_by_a_later_run(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.TIMEOUT_BEFORE), is_post)
    world.write(*map(row, range(1, 5)))

    unclear = world.run()
    too_soon = world.run()
    world.clock.advance(SETTLED_SECONDS)
    settled = world.run()

    assert [(2, Fate.UNRESOLVED), (3, Fate.UNRESOLVED), (4, Fate.SEND), (5, Fate.SEND)] == fates(unclear)
    assert "the same command, run after 21.09.2026 19:31" in unclear.report.results[0].reason
    assert [ExitCode.PARTIAL, ExitCode.PARTIAL, ExitCode.DONE] == [one.exit_code for one in (unclear, too_soon, settled)]
    assert [f"Клиент {number}" for number in range(1, 5)] == world.names()


def test_the_named_time_is_late_enough(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.TIMEOUT_BEFORE), is_post)
    world.write(row(1))
    reason = world.run().report.results[0].reason
    told = reason.partition("run after ")[2].partition(",")[0]
    moment = datetime.strptime(told, "%d.%m.%Y %H:%M").replace(tzinfo=ZoneInfo("Asia/Tashkent"))
    world.clock.advance(moment.timestamp() - world.clock.time())
    world.pause_seconds = 0

    assert [(2, Fate.SEND)] == fates(world.run())


def test_a_row_that_landed_late_is_not_sent_again(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.LATE, after=50), is_post)
    world.write(row(1), row(2))
    assert {Fate.UNRESOLVED} == {one.fate for one in world.run().report.results}
    world.amo_wire.land()

    outcome = world.run()

    assert ({Fate.SENT_BEFORE}, ["Клиент 1", "Клиент 2"]) == ({one.fate for one in outcome.report.results}, world.names())


def test_a_list_that_lags_hides_no_lead(world: ImportWorld) -> None:
    world.amo.knobs.list_lag_seconds = 500
    world.amo_wire.rule = times(1, Fault(Manner.KILL_AFTER), is_post)
    world.write(row(1), row(2))
    with pytest.raises(Killed):
        world.run()

    for _ in range(4):
        world.run()
        world.clock.advance(300)

    assert (["Клиент 1", "Клиент 2"], ExitCode.DONE) == (world.names(), world.run().exit_code)


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
@pytest.mark.parametrize("filters", [True, False])
def test_what_is_there_is_found_without_filters_too(world: ImportWorld, filters: bool, bounds: str) -> None:
    world.amo.knobs.filters_enabled = filters
    world.amo.knobs.bounds = bounds  # type: ignore[assignment]
    for number in range(300):
        world.lead(f"Давно {number}")
    world.amo_wire.rule = times(1, Fault(Manner.KILL_AFTER), is_post)
    world.write(row(1), row(2))
    with pytest.raises(Killed):
        world.run()

    assert {Fate.SENT_BEFORE} == {one.fate for one in world.run().report.results}


def test_a_lead_that_a_person_changed_meanwhile_is_known_again(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.KILL_AFTER), is_post)
    world.write(row(1, Адрес="Ташкент"), row(2, Адрес="Ташкент"))
    with pytest.raises(Killed):
        world.run()
    for lead in world.leads():
        world.account.edit_lead(lead.id, price=77, fields={"Адрес": None})
    world.account.edit_lead(world.leads()[0].id, name="Переименована")
    world.move(world.leads()[1].id, world.stage("Отказ"))
    made = [lead.id for lead in world.leads()]

    outcome = world.run()

    assert [(made[0], Fate.SENT_BEFORE), (made[1], Fate.SENT_BEFORE)] == [
        (one.lead_id, one.fate) for one in outcome.report.results
    ]


def test_a_lead_that_a_robot_renamed_at_once_is_known_by_its_contact(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.TIMEOUT_AFTER), is_post)
    world.amo.knobs.list_lag_seconds = 120
    world.write({NAME: "Анна 🌸"}, {NAME: "Борис"})
    world.run()
    first, second = world.leads()
    world.account.edit_lead(first.id, name="Анна")
    world.account.edit_lead(second.id, name="Сделка из файла")
    world.clock.advance(SETTLED_SECONDS)

    assert [(2, Fate.SENT_BEFORE), (3, Fate.SENT_BEFORE)] == fates(world.run())


@pytest.mark.parametrize("change", [str.upper, lambda tag: tag[:30], lambda tag: tag.replace(",", "")])
def test_a_tag_that_amocrm_keeps_in_another_form_is_known_again(world: ImportWorld, change: Callable[[str], str]) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.TIMEOUT_AFTER), is_post)
    world.amo.knobs.list_lag_seconds = 120
    world.write(row(1))
    tag = "Заказы из файла за сентябрь, первая партия"
    world.run(tag=tag)
    world.account.edit_lead(world.leads()[0].id, tags=[change(tag)])
    world.clock.advance(SETTLED_SECONDS)

    assert [(2, Fate.SENT_BEFORE)] == fates(world.run(tag=tag))


def test_a_clock_that_ran_back_begins_the_wait_anew(world: ImportWorld) -> None:
    """The `Date` of two machines of amoCRM may be hours apart, and its lists may be late."""
    world.amo.knobs.clock_skew_seconds = 5400
    world.amo_wire.rule = times(1, Fault(Manner.TIMEOUT_AFTER), is_post)
    world.amo.knobs.list_lag_seconds = 300
    world.write(row(1))
    world.run()
    world.amo.knobs.clock_skew_seconds = 0

    assert [(2, Fate.UNRESOLVED)] == fates(world.run())
    world.clock.advance(SETTLED_SECONDS)
    assert ([(2, Fate.SENT_BEFORE)], 1) == (fates(world.run()), len(world.leads()))


def test_a_lead_that_merely_bears_the_tag_is_none_of_the_rows(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.TIMEOUT_BEFORE), is_post)
    world.write(row(1))
    world.run()
    world.lead("Кто-то", tags=["orders"], phone="+998 00 999-99-99")
    world.clock.advance(SETTLED_SECONDS)

    assert [(2, Fate.SEND)] == fates(world.run())


def test_unresolved_rows_that_left_the_file_are_named(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.TIMEOUT_BEFORE), is_post)
    world.write(row(1), row(2))
    world.run()
    world.write(row(3))

    outcome = world.run()

    assert ["2 rows of an earlier run, no longer in the file"] == [text.partition(":")[0] for text in outcome.report.named]
    assert ExitCode.PARTIAL is outcome.exit_code


def test_amocrm_in_trouble_ends_the_run_and_the_rest_goes_in_later(world: ImportWorld) -> None:
    world.amo_wire.rule = where(is_post, Fault(Manner.FAILED_AFTER, answers.html_502()))
    world.write(*map(row, range(1, 21)))

    trouble = world.run()
    world.amo_wire.rule = None
    calm = world.run()

    assert (ExitCode.UNAVAILABLE, 3) == (
        trouble.exit_code,
        sum(is_post(one.request) and one.manner is not None for one in world.amo_wire.log),
    )
    assert (14, ExitCode.DONE, 20) == (trouble.report.count(Fate.NOT_SENT), calm.exit_code, len(set(world.names())))
    assert 20 == len(world.leads())


def test_no_connection_ends_the_run_with_nothing_unclear(world: ImportWorld) -> None:
    world.write(*map(row, range(1, 6)))
    world.amo_wire.rule = where(
        lambda request: is_post(request) and world.posts() > 1, Fault(Manner.REFUSED, answers.json_402_amo())
    )

    outcome = world.run()

    assert [Fate.SEND] * 2 + [Fate.NOT_SENT] * 3 == [fate for _, fate in fates(outcome)]
    assert (ExitCode.UNAVAILABLE, 69) == (outcome.exit_code, int(outcome.exit_code))


def test_h2_an_import_keeps_to_the_limits_of_requests(tmp_path: Path) -> None:
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE="1", IMPORT_DELAY_SEC="0", AMO_REQUEST_DELAY_SEC="0")
    world.write(*map(row, range(1, 41)))

    outcome = world.run()

    assert (ExitCode.DONE, 0, 40) == (outcome.exit_code, world.amo.violations, len(world.leads()))


def test_the_pause_between_batches_is_kept(tmp_path: Path) -> None:
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE="1", IMPORT_DELAY_SEC="7")
    world.write(*map(row, range(1, 6)))

    assert 28 <= world.run().seconds < 35


# --- the memory is lost ---


def lose_state(world: ImportWorld) -> None:
    for path in world.folder.glob(".amo2gsheet.sqlite3*"):
        path.unlink()


def test_without_the_state_the_result_workbook_remembers(world: ImportWorld) -> None:
    world.write(row(1), row(2, **{PRICE: "?"}), row(3))
    world.run()
    lose_state(world)
    world.write(row(3), row(2), row(1))

    outcome = world.run()

    assert [Fate.SENT_BEFORE, Fate.SEND, Fate.SENT_BEFORE] == [fate for _, fate in fates(outcome)]
    assert ["Клиент 1", "Клиент 2", "Клиент 3"] == world.names()


def test_without_the_state_what_came_after_the_result_workbook_is_looked_for(world: ImportWorld) -> None:
    """A killed run wrote no result."""
    world.write(row(1))
    world.run()
    world.write(row(1), row(2), row(3))
    world.amo_wire.rule = times(1, Fault(Manner.KILL_AFTER), is_post)
    with pytest.raises(Killed):
        world.run()
    lose_state(world)

    outcome = world.run()

    assert ({Fate.SENT_BEFORE}, 3) == ({one.fate for one in outcome.report.results}, len(world.leads()))


def test_without_the_state_an_unresolved_row_stays_unresolved(world: ImportWorld) -> None:
    world.amo_wire.rule = times(1, Fault(Manner.LATE, after=99), is_post)
    world.write(row(1))
    world.run()
    lose_state(world)

    unclear = world.run()
    world.amo_wire.land()
    settled = world.run()

    assert ([(2, Fate.UNRESOLVED)], [(2, Fate.SENT_BEFORE)]) == (fates(unclear), fates(settled))
    assert ["Клиент 1"] == world.names()


def test_without_the_state_an_unresolved_row_of_a_long_run_is_found(tmp_path: Path) -> None:
    """The account is busy, so its newest lead is of now; the row was sent long before the result was written."""
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE="1", IMPORT_DELAY_SEC="60")
    world.write(*map(row, range(1, 21)))
    first = times(1, Fault(Manner.FAILED_AFTER, answers.html_502()), is_post)
    no_list = where(
        lambda request: request.path.endswith("/leads") and world.posts() > 0, Fault(Manner.REFUSED, answers.html_502())
    )
    world.amo_wire.rule = lambda number, request: first(number, request) or no_list(number, request)
    world.lead("Давно")
    trouble = world.run()
    world.amo_wire.rule = None
    lose_state(world)
    world.lead("Занято")

    outcome = world.run()

    assert [Fate.UNRESOLVED, *[Fate.SEND] * 19] == [fate for _, fate in fates(trouble)]
    assert {Fate.SENT_BEFORE} == {fate for _, fate in fates(outcome)}
    assert 20 + 2 == len(world.leads())


def test_the_columns_of_the_first_run_are_remembered_by_the_result_workbook_too(world: ImportWorld) -> None:
    world.write({**row(1), "Цвет": "red"})
    world.run()
    lose_state(world)
    world.account.add_lead_field("Цвет", "text")

    assert [(2, Fate.SENT_BEFORE)] == fates(world.run())


def test_without_any_memory_a_tag_that_amocrm_knows_holds_the_import_back(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()
    lose_state(world)
    (world.folder / "orders.result.xlsx").unlink()

    held, dry = world.run(), world.run(is_dry=True)
    again = world.run(is_again=True)
    last = world.run()

    assert 'amoCRM knows the tag "orders" already, and nothing here tells what was sent under it' == held.report.held
    assert [ExitCode.HELD_BACK] * 2 == [held.exit_code, dry.exit_code]
    assert not (world.folder / "orders.result.xlsx").exists() or again.result is not None
    assert ([(2, Fate.SEND)], [(2, Fate.SENT_BEFORE)]) == (fates(again), fates(last))


class CutTags:
    """amoCRM, but of the tags of new leads it keeps so many characters."""

    def __init__(self, cloud: Cloud, length: int) -> None:
        self._cloud = cloud
        self._length = length

    def answer(self, request: Request) -> Answer:
        if is_post(request):
            body = json.loads(request.body)
            for lead in body:
                for tag in lead["_embedded"]["tags"]:
                    tag["name"] = tag["name"][: self._length]
            request = replace(request, body=json.dumps(body).encode())
        return self._cloud.answer(request)


@pytest.mark.parametrize(
    ("first", "known", "second"),
    [
        ("Import", "Import", "import"),
        ("Заказы, март", "Заказы, март", "Заказы март"),
        (LONG_TAG, LONG_TAG[:40], LONG_TAG),
    ],
)
def test_a_tag_that_amocrm_has_in_another_form_holds_the_import_back(
    world: ImportWorld, first: str, known: str, second: str
) -> None:
    world.amo_wire.cloud = CutTags(world.amo_wire.cloud, 40)
    world.write(row(1))
    world.run(tag=first)
    lose_state(world)
    (world.folder / "orders.result.xlsx").unlink()

    outcome = world.run(tag=second)

    assert f'amoCRM knows the tag "{known}" already, and nothing here tells what was sent under it' == outcome.report.held
    assert 1 == len(world.leads())


def test_a_tag_of_another_import_that_is_known_here_holds_nothing_back(world: ImportWorld) -> None:
    world.write(row(1))
    world.run(tag="Заказы из Ташкента за март")
    world.write(row(2))

    assert [(2, Fate.SEND)] == fates(world.run(tag="Заказы из Ташкента за март 2"))


NO_TAGS = [
    problem(403, "Invalid scope"),
    problem(404, "Cannot GET https://shop.amocrm.ru/api/v4/leads/tags!"),
    problem(405, "Method not allowed"),
    problem(400, "Bad request"),
]


@pytest.mark.parametrize("refusal", NO_TAGS, ids=lambda answer: str(answer.status))
def test_where_tags_cannot_be_asked_for_the_leads_tell(world: ImportWorld, refusal: Answer) -> None:
    world.amo_wire.rule = where(lambda request: request.path.endswith("/leads/tags"), Fault(Manner.REFUSED, refusal))
    world.lead("Давно", tags=["other"])
    world.write(row(1))
    first = world.run()
    lose_state(world)
    (world.folder / "orders.result.xlsx").unlink()

    held = world.run()

    assert [(2, Fate.SEND)] == fates(first)
    assert 'amoCRM knows the tag "orders" already, and nothing here tells what was sent under it' == held.report.held
    assert ["Давно", "Клиент 1"] == world.names()


def test_an_import_whose_tag_nobody_can_look_for_is_held_back_and_says_which_right_is_missing(world: ImportWorld) -> None:
    world.amo_wire.rule = where(
        lambda request: request.path.endswith("/leads/tags"), Fault(Manner.REFUSED, problem(403, "Invalid scope"))
    )
    odd = world.lead("Давно", tags=["orders"])
    real = world.amo_wire.cloud
    world.amo_wire.cloud = Rewritten(real, lambda lead: lead.update(price="?") if lead["id"] == odd else None)
    world.write(row(1))

    outcome = world.run()

    assert (ExitCode.HELD_BACK, ["Давно"]) == (outcome.exit_code, world.names())
    assert (
        'whether amoCRM knows the tag "orders" cannot be told, and nothing here tells what was sent under it'
        in outcome.report.held
    )
    assert "amoCRM does not allow GET /api/v4/leads/tags: 403" in outcome.report.held
    assert f"what amoCRM shows of lead {odd} could not be read" in outcome.report.held
    world.amo_wire.cloud = real
    assert [(2, Fate.SEND)] == fates(world.run(is_again=True))


def test_an_import_that_found_its_tag_unknown_knows_it_from_then_on(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()
    (world.folder / "orders.result.xlsx").unlink()

    assert [(2, Fate.SENT_BEFORE)] == fates(world.run())


# --- the result workbook ---


def test_the_result_workbook_sends_only_what_is_missing(world: ImportWorld) -> None:
    world.write(row(1), row(2, **{PRICE: "?"}), row(3), top=[["Заказы"], []])
    first = world.run()
    result = first.result
    assert result is not None

    again = world.run(result)
    lose_state(world)
    alone = world.run(result)

    assert world.folder / "orders.result.xlsx" == result == again.result
    for outcome in (again, alone):
        assert [Fate.IN_AMOCRM, Fate.BAD, Fate.IN_AMOCRM] == [fate for _, fate in fates(outcome)]
    assert 2 == len(world.leads())


def test_a_row_mended_in_the_result_workbook_goes_in(world: ImportWorld) -> None:
    world.write(row(1), row(2, **{PRICE: "?"}))
    result = world.run().result
    assert result is not None
    workbook = load_workbook(result)
    sheet = workbook["Sheet"]
    sheet["C3"] = 2000
    workbook.save(result)

    outcome = world.run(result)

    assert [(2, Fate.IN_AMOCRM), (3, Fate.SEND)] == fates(outcome)
    assert [1000, 2000] == [lead.price for lead in world.leads()]


def test_equal_rows_of_which_one_was_sent_are_told_apart_in_the_result_workbook(world: ImportWorld) -> None:
    world.set(IMPORT_BATCH_SIZE="1")
    world.write(row(1), row(1))
    world.amo_wire.rule = where(
        lambda request: is_post(request) and world.posts() > 1, Fault(Manner.REFUSED, answers.json_402_amo())
    )
    result = world.run().result
    world.amo_wire.rule = None

    outcome = world.run(result)

    assert [(2, Fate.IN_AMOCRM), (3, Fate.SEND)] == fates(outcome)
    assert 2 == len(world.leads())


def test_the_result_workbook_is_for_its_owner_only_and_holds_every_row(world: ImportWorld) -> None:
    world.write({**row(1), "Дата заказа": None}, row(2, **{PRICE: "?"}), top=[["Заказы"], [], []])

    result = world.run().result

    assert result is not None
    assert 0o600 == result.stat().st_mode & 0o777
    table = {line.number: line.cells for line in read_workbook(result).rows}
    assert ("Заказы",) == table[1]
    assert (NAME, PHONE, PRICE, "Дата заказа", "ID", "Результат") == table[4]
    assert ("Клиент 1", "+998 00 000-00-01", 1000, None, world.leads()[0].id, "sent on 21.09.2026") == table[5]
    assert (None, 'column "Бюджет сделки": "?" is no number') == table[6][4:]


def test_cells_without_a_header_are_no_ids_in_the_result_workbook(world: ImportWorld) -> None:
    header = [NAME, PHONE]
    save_book(world.book, [], top=[header, ["Анна", "+998 00 000-00-01", "звонить"], ["Борис", "нет", 777]])
    world.run()
    result = world.folder / "orders.result.xlsx"

    outcome = world.run(result)

    assert [(2, Fate.IN_AMOCRM), (3, Fate.BAD)] == fates(outcome)
    assert ["звонить", 777] == [one.cell(2) for one in read_workbook(result).rows[1:]]


def test_a_formula_without_a_value_is_no_name_in_the_result_workbook_either(world: ImportWorld) -> None:
    world.write({NAME: "=A1", PHONE: "+998 00 000-00-01"})
    world.run()

    assert ([(2, Fate.BAD)], []) == (fates(world.run(world.folder / "orders.result.xlsx")), world.leads())


def test_a_memory_that_somebody_changed_is_refused_in_words(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()
    result = world.folder / "orders.result.xlsx"
    workbook = load_workbook(result)
    for name, value in workbook["amo2gsheet"].iter_rows():
        value.value = str(value.value).replace("-", "–") if name.value == "rows" else value.value
    workbook.save(result)
    world.settings.state_db.unlink()

    with pytest.raises(SheetError, match="is damaged"):
        world.run()


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04garbage"])
def test_a_damaged_result_workbook_stops_no_import_that_the_state_knows(world: ImportWorld, contents: bytes) -> None:
    world.write(row(1))
    world.run()
    result = world.folder / "orders.result.xlsx"
    result.write_bytes(contents)
    world.write(row(1), row(2))

    dry = world.run(is_dry=True)
    outcome = world.run()
    again = world.run()

    assert ([(2, Fate.SENT_BEFORE), (3, Fate.SEND)], ExitCode.PARTIAL) == (fates(outcome), outcome.exit_code)
    assert 'The file "orders.result.xlsx" ' in outcome.report.named[0].replace("workbook", "file")
    assert '; it was set aside as "damaged-1.orders.xlsx"' in outcome.report.named[0]
    assert contents == (world.folder / "damaged-1.orders.xlsx").read_bytes()
    assert ([], ExitCode.DONE, result) == (dry.report.named, again.exit_code, again.result)
    lose_state(world)
    assert {Fate.SENT_BEFORE} == {fate for _, fate in fates(world.run())}


def test_a_damaged_result_workbook_that_is_all_that_remembers_stops_the_import(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()
    result = world.folder / "orders.result.xlsx"
    result.write_bytes(b"")
    lose_state(world)

    with pytest.raises(SheetError, match="is empty"):
        world.run()

    assert ([(2, Fate.SEND)], b"") == (fates(world.run(is_again=True)), (world.folder / "damaged-1.orders.xlsx").read_bytes())


def test_a_damaged_file_that_was_asked_for_as_the_result_is_left_alone(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()
    notes = world.folder / "notes.txt"
    notes.write_text("нужное")

    with pytest.raises(SheetError, match="is a CSV or another text file"):
        world.run(result=notes)

    assert "нужное" == notes.read_text()


@pytest.mark.parametrize("is_workbook", [True, False])
def test_what_stands_where_the_result_of_a_result_goes_is_not_lost(world: ImportWorld, is_workbook: bool) -> None:
    world.write(row(1))
    world.run()
    (world.folder / "orders.result.xlsx").rename(world.folder / "mended.xlsx")
    foreign = world.folder / "mended.result.xlsx"
    contents = world.book.read_bytes() if is_workbook else b"PK"
    foreign.write_bytes(contents)

    if is_workbook:
        with pytest.raises(UsageError, match="is no result workbook of this tool"):
            world.run(world.folder / "mended.xlsx")
    else:
        world.run(world.folder / "mended.xlsx")

    assert contents == (foreign if is_workbook else world.folder / "damaged-1.mended.xlsx").read_bytes()


def test_a_column_of_that_name_is_not_taken_for_the_result(world: ImportWorld) -> None:
    world.account.add_lead_field("Результат", "text")
    world.write(row(1, Результат="дозвон"), row(2, Результат="нет", **{PHONE: "нет"}))
    world.run()
    result = world.folder / "orders.result.xlsx"
    world.run(result)
    world.run(result)

    header, first, second = read_workbook(result).rows

    assert (NAME, PHONE, PRICE, "Результат", "ID", "Результат импорта") == header.cells
    assert ("дозвон", "in amoCRM already") == (first.cell(3), first.cell(5))
    assert ("нет", f'column "{PHONE}": is no phone number') == (second.cell(3), second.cell(5))


@pytest.mark.parametrize("title", ["a/b", "[old]", "Amo2GSheet", "amo2gsheet", "x" * 40])
def test_a_sheet_may_bear_any_title(world: ImportWorld, title: str) -> None:
    world.write(row(1))
    retitled(world.book, title)
    world.run()
    world.settings.state_db.unlink()

    assert ([(2, Fate.SENT_BEFORE)], 1) == (fates(world.run()), len(world.leads()))


def test_hundreds_of_columns_are_remembered(world: ImportWorld) -> None:
    names = [f"Поле {number} " + "д" * 200 for number in range(180)]
    for name in names:
        world.account.add_lead_field(name, "text")
    world.write(row(1, **dict.fromkeys(names)))
    world.run()
    world.settings.state_db.unlink()

    assert [(2, Fate.SENT_BEFORE)] == fates(world.run())


def test_a_foreign_file_in_the_place_of_the_result_is_not_replaced(world: ImportWorld) -> None:
    world.write(row(1))
    foreign = world.folder / "orders.result.xlsx"
    foreign.write_bytes(world.book.read_bytes())

    with pytest.raises(UsageError, match="is no result workbook of this tool"):
        world.run()

    assert (world.book.read_bytes(), []) == (foreign.read_bytes(), world.leads())


def test_the_input_is_never_the_result(world: ImportWorld) -> None:
    world.write(row(1))

    with pytest.raises(UsageError, match="names the workbook that is imported"):
        world.run(result=world.book)


def test_a_result_that_cannot_be_written_is_found_out_before_anything_is_sent(world: ImportWorld) -> None:
    world.write(row(1))

    assert ExitCode.UNUSABLE_SHEET is world.exit_code(result=world.folder / "none" / "result.xlsx")
    assert [] == world.leads()


def unresolved_result(world: ImportWorld, *sent_before: Cells) -> Path:
    """The result workbook of a run that left its last row unresolved, under another name."""
    posts = world.posts()
    world.amo_wire.rule = where(
        lambda request: is_post(request) or world.posts() > posts, Fault(Manner.FAILED_AFTER, answers.html_502())
    )
    count = len(sent_before) + 1
    world.write(*sent_before, row(count))
    outcome = world.run()
    world.amo_wire.rule = None
    before = [(number, Fate.SENT_BEFORE) for number in range(2, count + 1)]
    assert [*before, (count + 1, Fate.UNRESOLVED)] == fates(outcome)
    assert [f"Клиент {number}" for number in range(1, count + 1)] == world.names()
    return (world.folder / "orders.result.xlsx").rename(world.folder / "mended.xlsx")


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_result_workbook_of_another_name_goes_on_with_its_own_import(world: ImportWorld, is_lost: bool) -> None:
    mended = unresolved_result(world)
    if is_lost:
        lose_state(world)

    outcome = world.run(mended)

    assert ("orders", [(2, Fate.SENT_BEFORE)], ["Клиент 1"]) == (outcome.tag, fates(outcome), world.names())
    assert world.folder / "mended.result.xlsx" == outcome.result
    assert ['the workbook remembers the import with the tag "orders", so it goes on with that one'] == outcome.report.notices


def test_a_result_workbook_goes_on_with_the_tag_that_was_asked_for(world: ImportWorld) -> None:
    world.write(row(1), row(2, **{PRICE: "?"}))
    result = world.run(tag="Март").result

    outcome = world.run(result)

    assert ("Март", [(2, Fate.IN_AMOCRM), (3, Fate.BAD)]) == (outcome.tag, fates(outcome))


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_row_that_is_unresolved_under_another_tag_stays_so(world: ImportWorld, is_lost: bool) -> None:
    mended = unresolved_result(world)
    workbook = load_workbook(mended)
    workbook["Sheet"].append(["Клиент 2", "+998 00 000-00-02", 2000])
    workbook.save(mended)
    if is_lost:
        lose_state(world)

    other = world.run(mended, tag="other")
    again = world.run(other.result)
    assert other.result is not None
    lose_state(world)
    alone = world.run(other.result)
    back = world.run(other.result, tag="orders")

    assert [(2, Fate.UNRESOLVED), (3, Fate.SEND)] == fates(other)
    for outcome in (again, alone):
        assert ("other", [(2, Fate.UNRESOLVED), (3, Fate.IN_AMOCRM)]) == (outcome.tag, fates(outcome))
    assert ExitCode.PARTIAL == other.exit_code == alone.exit_code
    assert 'sent with the tag "orders", but amoCRM\'s answer did not tell' in alone.report.results[0].reason
    assert [(2, Fate.SENT_BEFORE), (3, Fate.IN_AMOCRM)] == fates(back)
    assert ["Клиент 1", "Клиент 2"] == world.names()


def test_of_another_tag_only_what_is_unresolved_waits(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()
    mended = unresolved_result(world, row(1))

    outcome = world.run(mended, tag="other")

    assert [(2, Fate.IN_AMOCRM), (3, Fate.UNRESOLVED)] == fates(outcome)
    assert ["Клиент 1", "Клиент 2"] == world.names()


def test_a_changed_row_that_is_unresolved_under_another_tag_waits(world: ImportWorld) -> None:
    mended = unresolved_result(world)
    workbook = load_workbook(mended)
    workbook["Sheet"]["C2"] = 9000
    workbook.save(mended)

    outcome = world.run(mended, tag="other")

    assert ([(2, Fate.CORRECTION)], ["Клиент 1"]) == (fates(outcome), world.names())
    assert "seems to correct a row that is unresolved: sent with the tag" in outcome.report.results[0].reason


def test_a_row_whose_lead_was_found_under_its_own_tag_is_not_sent_under_another(world: ImportWorld) -> None:
    mended = unresolved_result(world)
    lead_id = world.run(mended).report.results[0].lead_id

    outcome = world.run(mended, tag="other")

    assert [(2, Fate.SENT_BEFORE, lead_id)] == [(one.row_number, one.fate, one.lead_id) for one in outcome.report.results]
    assert ["Клиент 1"] == world.names()


@pytest.mark.parametrize("is_dry", [False, True])
def test_a_name_too_long_for_a_result_is_found_out_before_anything_is_sent(world: ImportWorld, *, is_dry: bool) -> None:
    path = save_book(world.folder / f"{'x' * 245}.xlsx", [row(1)])

    with pytest.raises(SheetError, match="cannot be written: File name too long"):
        world.run(path, tag="t", is_dry=is_dry)

    assert [] == world.leads()


def test_the_longest_name_that_a_result_can_have_is_no_matter(world: ImportWorld) -> None:
    path = save_book(world.folder / f"{'x' * 243}.xlsx", [row(1)])

    first, again = world.run(path, tag="t"), world.run(path, tag="t")

    assert ([(2, Fate.SEND)], [(2, Fate.SENT_BEFORE)]) == (fates(first), fates(again))
    assert first.result is not None
    assert 255 == len(first.result.name)


def test_a_folder_that_takes_no_file_is_found_out_before_anything_is_sent(
    world: ImportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_named: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    world.write(row(1))
    monkeypatch.setattr(tempfile, "mkstemp", refuse)

    assert (ExitCode.UNUSABLE_SHEET, []) == (world.exit_code(), world.leads())


# --- the run itself ---


def test_another_import_waits_and_pull_does_not(world: ImportWorld) -> None:
    world.write(row(1))
    lock = RunLock.for_import(world.settings.state_db)
    lock.acquire(0, world.outside.clock)
    try:
        with pytest.raises(LockedError):
            world.run()
        assert ExitCode.DONE is world.pull().exit_code
    finally:
        lock.release()

    run_lock = RunLock(world.settings.state_db)
    run_lock.acquire(0, world.outside.clock)
    try:
        assert ExitCode.DONE is world.run().exit_code
    finally:
        run_lock.release()


def test_a_state_of_another_account_is_refused_before_anything_is_sent(world: ImportWorld) -> None:
    world.write(row(1))
    with StateStore.open(world.settings.state_db, world.outside.clock) as state:
        state.bind("https://other.amocrm.ru", world.settings.sheet_id)

    with pytest.raises(StateError) as caught:
        world.run()

    assert (ExitCode.UNUSABLE_STATE, []) == (caught.value.exit_code, world.leads())


def test_an_account_that_is_blocked_ends_the_run(world: ImportWorld) -> None:
    world.write(row(1))
    world.amo.is_blocked = True

    with pytest.raises(LoginError):
        world.run()


def test_a_damaged_state_is_set_aside_and_named(world: ImportWorld) -> None:
    world.write(row(1))
    world.settings.state_db.write_bytes(b"torn" * 500)

    outcome = world.run()

    assert (["the state file was damaged"], ExitCode.PARTIAL) == (
        [text.partition(";")[0] for text in outcome.report.named],
        outcome.exit_code,
    )


def test_the_history_of_a_lead_says_where_it_comes_from(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()

    (entry,) = world.history(world.leads()[0].id)

    assert ("import-xlsx", "imported", 'orders.xlsx, tag "orders", row 2') == (entry.command, entry.kind, entry.detail)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_between_two_batches_with_a_result(world: ImportWorld, number: int) -> None:
    world.write(*map(row, range(1, 8)))
    watch = SignalWatch()
    watch._is_armed = True
    world.once(world.amo_wire, is_post, lambda: watch._take(number, None))

    with pytest.raises(StopSignal) as stopped:
        run_import(world.settings, ImportOptions(world.book), world.outside, _watched(watch.postponed))

    assert (number, 2, 1) == (stopped.value.number, len(world.leads()), world.posts())
    with world.state() as state:
        assert [128 + number] == [one.exit_code for one in state.last_runs("import-xlsx", 1)]
        assert [] == [one for one in state.import_rows("orders").values() if one.lead_id is None]
    result = read_workbook(world.folder / "orders.result.xlsx")
    assert result.recalled is not None
    assert 2 == len(result.recalled.rows)
    assert {Fate.SENT_BEFORE, Fate.SEND} == {one.fate for one in world.run().report.results}


@pytest.mark.parametrize("path", ["/api/v4/leads", "/api/v4/leads/custom_fields"])
def test_a_signal_before_anything_is_decided_leaves_the_result_workbook_as_it_was(world: ImportWorld, path: str) -> None:
    world.write(row(1), row(2))
    world.run()
    world.settings.state_db.unlink()
    world.clock.advance(100_000)
    world.lead("Недавно")

    def stop() -> None:
        raise StopSignal(signal.SIGINT)

    world.write(row(1), row(2), row(3))
    world.once(world.amo_wire, lambda request: request.path == path, stop)
    with pytest.raises(StopSignal):
        world.run()
    world.run()

    assert ["Клиент 1", "Клиент 2", "Клиент 3", "Недавно"] == world.names()


def _watched(uninterrupted: Callable[[], AbstractContextManager[None]]) -> ImportWatcher:
    return ImportWatcher(uninterrupted=uninterrupted)


def test_progress_is_told_batch_by_batch_in_long_runs(world: ImportWorld) -> None:
    told: list[tuple[int, int | None]] = []
    world.write(*map(row, range(1, 6)))

    run_import(world.settings, ImportOptions(world.book), world.outside, ImportWatcher(on_progress=lambda *one: told.append(one)))

    assert [(2, 5), (2, 5), (1, 5)] == told


@pytest.mark.parametrize("name", [os.fsdecode(b"zakaz\xff.xlsx"), "za\x01kaz.xlsx"])
def test_a_file_name_that_no_text_can_hold_is_no_matter(world: ImportWorld, name: str) -> None:
    world.write(row(1))
    path = world.book.rename(world.folder / name)

    world.run(path)
    outcome = world.run(path)

    assert ("zakaz", [(2, Fate.SENT_BEFORE)]) == (outcome.tag, fates(outcome))


@pytest.mark.parametrize("tag", ["", "   ", "я" * 101])
def test_a_tag_that_is_none_is_refused(world: ImportWorld, tag: str) -> None:
    world.write(row(1))

    with pytest.raises(UsageError, match="The tag of the import"):
        world.run(tag=tag)


def test_a_workbook_whose_rows_all_have_ids_is_held_back_by_nothing(world: ImportWorld) -> None:
    world.lead("Давно", tags=["orders"])
    world.write({"ID": 4711, **row(1)})

    assert ExitCode.DONE is world.run().exit_code


def test_keys_stay_what_they_were_in_earlier_releases(world: ImportWorld) -> None:
    """A row whose key changes with a release would go in once more."""
    world.write({**row(1), "Дата заказа": "01.03.2026", "Адрес": " ул.  Мира\u00a01 "})
    world.run()

    with world.state() as state:
        (key,) = state.import_rows("orders")

    assert "a2d11e3fc795d7bccb16a256-0" == key
