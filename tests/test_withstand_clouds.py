"""Habits of the two clouds that nobody has written down, either way of which must do no harm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.sandbox.faults import Faulty
from tests.world import START, World


class Dated:
    """amoCRM, whose `Date` header is another clock's (`ahead_seconds`), or is not there (None)."""

    def __init__(self, cloud: Cloud, ahead_seconds: int | None) -> None:
        self._cloud = cloud
        self._ahead_seconds = ahead_seconds

    def answer(self, request: Request) -> Answer:
        """Answer as the cloud does, with another date."""
        answer = self._cloud.answer(request)
        headers: Mapping[str, str] = {name: text for name, text in answer.headers.items() if name.lower() != "date"}
        if self._ahead_seconds is not None:
            headers = {**headers, "Date": formatdate(START + self._ahead_seconds, usegmt=True)}
        return replace(answer, headers=headers)


class Timed:
    """amoCRM, whose answers to some requests show every time as `shown`; None: as it is."""

    def __init__(self, cloud: Cloud, method: str, path: str) -> None:
        self._cloud = cloud
        self._asked = (method, path)
        self.shown: int | None = None

    def answer(self, request: Request) -> Answer:
        """Answer as the cloud does, at another time."""
        answer = self._cloud.answer(request)
        if self.shown is None or not answer.body or (request.method, request.path) != self._asked:
            return answer
        body = json.loads(answer.body)
        for items in body.get("_embedded", {}).values():
            for item in items:
                item |= {key: self.shown for key in ("updated_at", "created_at") if key in item}
        return replace(answer, body=json.dumps(body).encode())


@pytest.mark.parametrize("shown", [-5, 0, 4_000_000_000, 2**62])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v4/leads"), ("GET", "/api/v4/events"), ("GET", "/api/v4/contacts"), ("PATCH", "/api/v4/leads")],
)
def test_a_time_that_cannot_be_does_no_lasting_harm(tmp_path: Path, method: str, path: str, shown: int) -> None:
    world = World(tmp_path)
    timed = Timed(world.amo, method, path)
    world.amo_wire = Faulty(timed, world.clock)
    lead, picked = world.lead("Анна", phone="+998900000001"), world.lead("Борис")
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.pick(picked, "У курера")
    passed = world.lead("Вера")
    world.move(passed, world.stage("Отказ"))
    world.clock.advance(3700)
    timed.shown = shown
    for run in (world.push, world.pull):
        world.code(run)

    timed.shown = None
    for run in (world.push, world.pull):
        world.code(run)
    for changed in (lead, picked, passed):
        world.move(changed, world.stage("Консультация"))
    later = world.lead("Галя")
    world.move(later, world.stage("Отказ"))
    world.pull()
    world.pull()

    assert {lead: "Консультация", picked: "Консультация", passed: "Консультация", later: "Отказ"} == {
        row["ID"]: row["статус"] for row in world.rows() if row["ID"]
    }
    world.rest()


@pytest.mark.parametrize("ahead_seconds", [None, 90 * 60, 10**8], ids=["no date", "90 minutes ahead", "years ahead"])
def test_a_date_header_of_another_clock_loses_no_change(tmp_path: Path, ahead_seconds: int | None) -> None:
    world = World(tmp_path)
    world.amo_wire = Faulty(Dated(world.amo, ahead_seconds), world.clock)
    moved, edited = world.lead("Анна"), world.lead("Борис")
    passed = world.lead("Вера", world.stage("Заказ отправлен"))
    world.pull()

    world.move(moved, world.stage("Заказ отправлен"))
    world.move(edited, world.stage("Отказ"))
    created = world.lead("Галя")
    world.pull()

    assert ["У курера", "Отказ", "В процессе"] == [world.status(lead) for lead in (moved, edited, created)]
    assert passed not in world.ids()
    world.rest()


def test_without_a_date_a_pull_goes_on_from_what_the_leads_carry(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo_wire = Faulty(Dated(world.amo, None), world.clock)
    world.lead("Анна")
    world.pull()
    world.lead("Борис")
    world.pull()

    with world.state() as state:
        assert START + 60 <= (state.cursor("leads") or 0) <= START + 62


def test_a_lead_that_passed_the_trigger_before_the_first_run_gets_no_row(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.move(lead, world.stage("Заказ отправлен"))
    world.clock.advance(5)
    world.lead("Борис")
    world.pull()
    world.pull()

    assert lead not in world.ids()


def test_a_mark_that_google_does_not_show_is_left_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    marks = []
    real = type(world.sheets).answer

    def hide(cloud: object, request: Request) -> Answer:
        answer = real(world.sheets, request)
        if b"amo2gsheet.state" in request.body:
            marks.append(request)
        return replace(answer, body=answer.body.replace(b"developerMetadata", b"unknownMetadata"))

    monkeypatch.setattr(type(world.sheets), "answer", hide)
    for name in ("Борис", "Вера"):
        world.pull()
        world.lead(name)
    world.pull()

    assert len(marks) == 1
    assert len(world.ids()) == len(set(world.ids())) == 3
