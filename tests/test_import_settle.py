"""Rows of an import that nobody answered for: what the run itself finds out, and what it leaves to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from amo2gsheet.commands_import import ImportOutcome
from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Manner, times, where
from amo2gsheet.sync.importing_plan import Fate
from tests.import_world import ImportWorld, row

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


def test_a_lost_answer_is_found_without_the_right_to_see_contacts(world: ImportWorld) -> None:
    world.amo.knobs.forbidden_scopes = {"contacts"}
    world.amo_wire.rule = times(1, Fault(Manner.CUT_AFTER), is_post)
    world.write(row(1), row(2))

    assert [(2, Fate.SEND), (3, Fate.SEND)] == fates(world.run())
    assert (["Клиент 1", "Клиент 2"], 1) == (world.names(), world.posts())
