"""Rows of an import that nobody answered for: what the run itself finds out, and what it leaves to the next."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from amo2gsheet.commands_import import ImportOutcome
from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, times, where
from amo2gsheet.state.records import ImportRow
from amo2gsheet.sync.importing_plan import Fate
from amo2gsheet.sync.importing_report import ImportReport
from amo2gsheet.sync.importing_run import ImportRun
from amo2gsheet.sync.importing_settle import Look, Unread, tell_of_unread
from tests.import_world import ImportWorld, row
from tests.world import Rewritten

SETTLED_SECONDS = 1200


@pytest.fixture
def world(tmp_path: Path) -> ImportWorld:
    return ImportWorld(tmp_path)


def is_post(request: Request) -> bool:
    """Whether a request makes leads."""
    return request.method == "POST"


def fates(outcome: ImportOutcome) -> list[tuple[int, Fate]]:
    """Row number and fate of each row, in the order of the file."""
    return [(one.row_number, one.fate) for one in outcome.report.results]


def test_rows_are_sent_again_at_once_only_once_where_they_surely_became_no_lead(world: ImportWorld) -> None:
    """The machine sleeps after each try, so that a look at once can tell; amoCRM carries out none of them."""
    world.amo_wire.rule = where(is_post, Fault(Manner.TIMEOUT_BEFORE))
    after_a_post = False

    def sleep(_number: int, request: Request) -> None:
        nonlocal after_a_post
        if after_a_post:
            world.clock.advance(SETTLED_SECONDS)
        after_a_post = is_post(request)

    world.amo_wire.before_each = sleep
    world.write(row(1))

    trouble = world.run()
    world.amo_wire.rule = world.amo_wire.before_each = None
    calm = world.run()

    assert ([(2, Fate.NOT_SENT)], [(2, Fate.SEND)], 3) == (fates(trouble), fates(calm), world.posts())
    assert ["Клиент 1"] == world.names()


def test_a_look_that_amocrm_does_not_answer_ends_the_run_and_leaves_the_row_unresolved(world: ImportWorld) -> None:
    world.amo_wire.rule = where(
        lambda request: is_post(request) or world.posts() > 0,
        Fault(Manner.FAILED_AFTER, answers.html_502()),
    )
    world.write(row(1))

    trouble = world.run()
    world.amo_wire.rule = None
    calm = world.run()

    assert ([(2, Fate.UNRESOLVED)], ExitCode.UNAVAILABLE) == (fates(trouble), trouble.exit_code)
    assert ([(2, Fate.SENT_BEFORE)], ["Клиент 1"]) == (fates(calm), world.names())


def is_lost_answer(world: ImportWorld, *numbers: int) -> None:
    """These rows are sent, made, and never answered for."""
    world.amo_wire.rule = where(
        lambda request: is_post(request) or world.posts() > 0, Fault(Manner.FAILED_AFTER, answers.html_502())
    )
    world.write(*map(row, numbers))
    assert {Fate.UNRESOLVED} == {fate for _, fate in fates(world.run())}
    world.amo_wire.rule = None
    world.clock.advance(SETTLED_SECONDS)


def odd(world: ImportWorld, *lead_ids: int) -> None:
    """The price of these leads comes as what nobody can read."""

    def change(lead: dict[str, Any]) -> None:
        if lead.get("id") in lead_ids:
            lead["price"] = {"odd": True}

    world.amo_wire.cloud = OnlyLists(world.amo_wire.cloud, change)


class OnlyLists(Rewritten):
    """amoCRM, but every lead that is read is shown as `change` leaves it."""

    def answer(self, request: Request) -> Answer:
        return self._cloud.answer(request) if is_post(request) else super().answer(request)


def test_one_odd_lead_keeps_those_rows_alone_waiting_that_it_may_be(world: ImportWorld) -> None:
    is_lost_answer(world, 1, 2)
    real = world.amo_wire.cloud
    hidden = world.leads()[1].id
    odd(world, hidden)
    world.write(row(1), row(2), row(3))

    trouble = world.run()
    world.amo_wire.cloud = real
    calm = world.run()

    assert [(2, Fate.SENT_BEFORE), (3, Fate.UNRESOLVED), (4, Fate.SEND)] == fates(trouble)
    assert ExitCode.PARTIAL is trouble.exit_code
    assert [f"lead {hidden} may be one of the unresolved rows, but could not be read"] == [
        text.partition(":")[0] for text in trouble.report.named
    ]
    assert ({Fate.SENT_BEFORE}, ["Клиент 1", "Клиент 2", "Клиент 3"]) == ({fate for _, fate in fates(calm)}, world.names())


def test_an_odd_lead_that_was_there_before_keeps_nothing_waiting(world: ImportWorld) -> None:
    before = world.lead("Давно")
    world.clock.advance(5000)
    world.write(row(1))
    world.run()
    odd(world, before)
    world.amo_wire.rule = times(1, Fault(Manner.CUT_AFTER), is_post)
    world.write(row(1), row(2))

    outcome = world.run()

    assert ([(2, Fate.SENT_BEFORE), (3, Fate.SEND)], []) == (fates(outcome), outcome.report.named)


def test_without_the_state_an_odd_lead_keeps_rows_waiting_that_the_result_workbook_does_not_know(world: ImportWorld) -> None:
    world.write(row(1))
    world.run()
    world.write(row(1), row(2))
    world.amo_wire.rule = times(1, Fault(Manner.KILL_AFTER), is_post)
    with pytest.raises(Killed):
        world.run()
    world.settings.state_db.unlink()
    real = world.amo_wire.cloud
    odd(world, world.leads()[1].id)

    trouble = world.run()
    world.amo_wire.cloud = real
    calm = world.run()

    assert [(2, Fate.SENT_BEFORE), (3, Fate.UNRESOLVED)] == fates(trouble)
    assert ([(2, Fate.SENT_BEFORE), (3, Fate.SENT_BEFORE)], 2) == (fates(calm), len(world.leads()))


@pytest.mark.parametrize("answer", [answers.html_502(), Answer(200, b'{"_embedded":{"contacts":[{"id":"?"}]}}')])
def test_contacts_that_cannot_be_read_stop_no_row_that_its_name_tells(world: ImportWorld, answer: Answer) -> None:
    is_lost_answer(world, 1, 2)
    renamed = world.leads()[1].id
    world.account.edit_lead(renamed, name="Сделка из файла")
    world.amo_wire.rule = where(lambda request: "/contacts" in request.path, Fault(Manner.REFUSED, answer))
    world.write(row(1), row(2), row(3))

    trouble = world.run()
    world.amo_wire.rule = None
    calm = world.run()

    assert [(2, Fate.SENT_BEFORE), (3, Fate.UNRESOLVED), (4, Fate.SEND)] == fates(trouble)
    assert (ExitCode.PARTIAL, 1) == (trouble.exit_code, len(trouble.report.named))
    assert f"lead {renamed} may be one of the unresolved rows" in trouble.report.named[0]
    assert ([Fate.SENT_BEFORE] * 3, 3) == ([fate for _, fate in fates(calm)], len(world.leads()))


class NamelessAnswers:
    """amoCRM, but it does not say which lead of an answer is whose."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def answer(self, request: Request) -> Answer:
        answer = self._cloud.answer(request)
        if not is_post(request):
            return answer
        body = [{key: value for key, value in one.items() if key != "request_id"} for one in json.loads(answer.body)]
        return replace(answer, body=json.dumps(body).encode())


def test_answers_that_name_no_row_stop_no_import(tmp_path: Path) -> None:
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE="2")
    world.amo_wire.cloud = NamelessAnswers(world.amo_wire.cloud)
    world.write(*map(row, range(1, 10)))

    outcome, again = world.run(), world.run()

    assert (ExitCode.DONE, {Fate.SEND}) == (outcome.exit_code, {fate for _, fate in fates(outcome)})
    assert (9, 5, {Fate.SENT_BEFORE}) == (len(world.leads()), world.posts(), {fate for _, fate in fates(again)})


def test_a_look_between_two_batches_that_amocrm_does_not_answer_ends_the_run(tmp_path: Path) -> None:
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE="2")
    world.amo_wire.cloud = NamelessAnswers(world.amo_wire.cloud)
    world.amo_wire.rule = where(
        lambda request: not is_post(request) and world.posts() > 0, Fault(Manner.REFUSED, answers.html_502())
    )
    world.write(*map(row, range(1, 6)))

    trouble = world.run()
    world.amo_wire.rule = None
    calm = world.run()

    assert [Fate.UNRESOLVED] * 2 + [Fate.NOT_SENT] * 3 == [fate for _, fate in fates(trouble)]
    assert (ExitCode.UNAVAILABLE, ExitCode.DONE) == (trouble.exit_code, calm.exit_code)
    assert [f"Клиент {number}" for number in range(1, 6)] == world.names()


def test_a_lost_answer_is_found_without_the_right_to_see_contacts(world: ImportWorld) -> None:
    world.amo.knobs.forbidden_scopes = {"contacts"}
    world.amo_wire.rule = times(1, Fault(Manner.CUT_AFTER), is_post)
    world.write(row(1), row(2))

    assert [(2, Fate.SEND), (3, Fate.SEND)] == fates(world.run())
    assert (["Клиент 1", "Клиент 2"], 1) == (world.names(), world.posts())


def test_an_odd_lead_from_before_the_open_rows_is_not_named_and_no_other_twice() -> None:
    run = SimpleNamespace(report=ImportReport())
    run.name = run.report.named.append
    seen = Look({}, {1: Unread(at=99, problem="price is no number"), 2: Unread(at=100, problem="price is no number")})

    for _ in range(2):
        tell_of_unread(cast(ImportRun, run), seen, [ImportRow("key", "", None, 100, 100)])

    text = "lead 2 may be one of the unresolved rows, but could not be read: price is no number; they wait for it"
    assert [text] == run.report.named
