"""The account's time zone on a machine that does not know it: a lesser matter than the sheet, so no run stops at it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.amo import directory
from amo2gsheet.commands_health import run_history, run_status
from amo2gsheet.commands_inspect import Wanted, run_inspect
from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.state import StateStore
from amo2gsheet.values import is_zone
from tests.import_world import ImportWorld, row
from tests.world import START, World

UNKNOWN = {"timezone": "Asia/Nowhere", "timezone_offset": "+05:00"}
NONE: dict[str, Any] = {}
OFTEN = [UNKNOWN, NONE, {"timezone": "Asia/Nowhere"}, {"timezone": None, "timezone_offset": "+99:00"}]


class Zoned:
    """amoCRM, but its account has these settings of date and time."""

    def __init__(self, cloud: Cloud, settings: dict[str, Any]) -> None:
        self._cloud = cloud
        self._settings = settings

    def answer(self, request: Request) -> Answer:
        """Answer as the cloud does, the account's zone changed."""
        answer = self._cloud.answer(request)
        if not request.path.startswith("/api/v4/account"):
            return answer
        body = json.loads(answer.body)
        body["_embedded"]["datetime_settings"] = self._settings
        return replace(answer, body=json.dumps(body).encode())


def use_zone(world: World, settings: dict[str, Any]) -> None:
    world.amo_wire.cloud = Zoned(world.amo, settings)


def read_zone(settings: object) -> str:
    return directory.account({"id": 1, "_embedded": {"datetime_settings": settings}}).zone


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"timezone": "Asia/Tashkent", "timezone_offset": "+03:00"}, "Asia/Tashkent"),
        (UNKNOWN, "+05:00"),
        ({"timezone_offset": "+05:00"}, "+05:00"),
        ({"timezone": "", "timezone_offset": "-03:30"}, "-03:30"),
        ({"timezone": False, "timezone_offset": "+05:00"}, "+05:00"),
        ({"timezone": "Asia/Nowhere", "timezone_offset": "+99:00"}, "+00:00"),
        ({"timezone": "../../etc/passwd"}, "+00:00"),
        ({"timezone": "Asia"}, "+00:00"),
        ({"timezone": "\x00\ud800"}, "+00:00"),
        ({}, "+00:00"),
        ([], "+00:00"),
        (None, "+00:00"),
    ],
)
def test_a_zone_is_the_first_of_name_and_offset_that_this_machine_knows(settings: object, expected: str) -> None:
    assert expected == read_zone(settings)


@pytest.mark.parametrize("settings", OFTEN)
@pytest.mark.parametrize("created_after", ["0", "01.01.2020 10:00"])
def test_an_unknown_zone_stops_neither_pull_nor_push(tmp_path: Path, settings: dict[str, Any], created_after: str) -> None:
    world = World(tmp_path, LEADS_CREATED_AFTER=created_after)
    use_zone(world, settings)
    lead = world.lead("Анна", fields={"Дата заказа": datetime(2026, 2, 28, 19, tzinfo=timezone.utc)})

    codes = [world.pull().exit_code, world.push().exit_code, world.pull(full=True).exit_code]

    assert [ExitCode.DONE] * 3 == codes
    assert "В процессе" == world.status(lead)


@pytest.mark.parametrize(("settings", "hours"), [(UNKNOWN, 5), (NONE, 0)])
@pytest.mark.parametrize(("late_minutes", "expected"), [(0, 1), (1, 0)])
def test_dates_count_by_the_offset_and_without_one_in_utc(
    tmp_path: Path, settings: dict[str, Any], hours: int, late_minutes: int, expected: int
) -> None:
    minute = datetime.fromtimestamp(START // 60 * 60, timezone(timedelta(hours=hours))) + timedelta(minutes=late_minutes)
    world = World(tmp_path, LEADS_CREATED_AFTER=minute.strftime("%d.%m.%Y %H:%M"))
    use_zone(world, settings)
    world.lead("Анна")

    world.pull()

    assert expected == len(world.rows())


def test_an_offset_in_place_of_a_zone_is_told_of_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    use_zone(world, UNKNOWN)

    notices = [world.pull().report.notices for _ in range(2)]

    told = "amoCRM names no time zone that this machine knows; all times count by the offset +05:00, summer and winter"
    assert [[told], []] == notices
    assert [("zone by offset", "+05:00")] == [(one.kind, one.detail) for one in world.waiting()]


def test_a_zone_that_is_known_again_is_told_of_no_more(tmp_path: Path) -> None:
    world = World(tmp_path)
    use_zone(world, UNKNOWN)
    world.pull()
    world.amo_wire.cloud = world.amo
    world.clock.advance(4000)
    world.pull()
    world.pull()

    assert [] == world.waiting()


def test_a_zone_in_a_state_from_another_machine_is_read_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    with StateStore.open(world.settings.state_db, world.outside.clock) as state:
        kept = state.cached("account")
        assert kept is not None
        state.keep("account", {**kept[0], "zone": "Asia/Nowhere"})
    use_zone(world, UNKNOWN)
    world.account.edit_lead(lead, name="Вера")

    codes = [world.push().exit_code, world.pull(full=True).exit_code]

    with StateStore.open(world.settings.state_db, world.outside.clock) as state:
        kept = state.cached("account")
    assert [ExitCode.DONE] * 2 == codes
    assert kept is not None
    assert "+05:00" == kept[0]["zone"]


def test_status_and_history_name_the_zone_that_they_show_times_in(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    with StateStore.open(world.settings.state_db, world.outside.clock) as state:
        kept = state.cached("account")
        assert kept is not None
        state.keep("account", {**kept[0], "zone": "Asia/Nowhere"})

    told = [*run_status(world.settings, 1800, world.outside.clock).lines, *run_history(world.settings, str(lead)).lines]

    assert 2 == sum("(times: UTC)" in line for line in told)
    assert not any("Asia/Nowhere" in line for line in told)


@pytest.mark.parametrize("settings", OFTEN)
def test_an_unknown_zone_is_a_note_of_inspect(tmp_path: Path, settings: dict[str, Any]) -> None:
    world = World(tmp_path)
    use_zone(world, settings)
    lead = world.lead("Анна")

    found = run_inspect(world.settings, Wanted(lead_id=lead, leads=5, has_users=True), world.outside)

    assert is_zone(found.account.zone)
    assert any("names no time zone that this machine knows" in note for note in found.notes)


@pytest.mark.parametrize("settings", OFTEN)
def test_an_unknown_zone_does_not_stop_an_import(tmp_path: Path, settings: dict[str, Any]) -> None:
    world = ImportWorld(tmp_path)
    use_zone(world, settings)
    world.write(row(1, **{"Дата заказа": "01.03.2026"}))

    outcome = world.run()

    assert ExitCode.DONE == outcome.exit_code
    assert 1 == len(world.leads())
    assert any("names no time zone that this machine knows" in text for text in outcome.report.notices)
