"""`history`: everything that was ever done to one lead, as people and programs read it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from amo2gsheet import commands_health
from amo2gsheet.cli import run
from amo2gsheet.commands_health import Answer
from amo2gsheet.exceptions import NoSuchLeadError, UsageError
from amo2gsheet.health_history import DIRECTIONS
from amo2gsheet.state import StateStore
from amo2gsheet.state.records import HistoryEntry
from tests.world import World, is_move


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def history(world: World, lead: int | str) -> Answer:
    return commands_health.run_history(world.settings, str(lead), world.outside.clock)


def told(world: World, lead: int) -> list[str]:
    """What was done, line by line, without time and run."""
    return [re.sub(r"^\S+ \S+  run \d+ ", "", line) for line in history(world, lead).lines[1:]]


def test_a_lead_is_followed_from_its_row_to_its_last_move(world: World) -> None:
    lead = world.lead(price=100, fields={"Адрес": "дом 1"})
    world.pull()
    world.account.edit_lead(lead, price=250, fields={"Адрес": "дом 2", "Дата заказа": 1_790_000_000})
    world.pull()
    world.pick(lead, "У курера")
    world.push()

    assert [
        'pull  amoCRM → sheet: row added, статус "В процессе"',
        'pull  amoCRM → sheet: Бюджет сделки "100" → "250"',
        'pull  amoCRM → sheet: Дата заказа nothing → "21.09.2026"',
        'pull  amoCRM → sheet: Адрес "дом 1" → "дом 2"',
        'push  sheet → amoCRM: статус "В процессе" → "У курера", the lead was moved',
    ] == told(world, lead)


@pytest.mark.parametrize(
    ("winner", "expected"),
    [
        ("amo", 'pull  amoCRM → sheet: conflict in статус: "Отказ" lost, "У курера" stands'),
        ("sheet", 'push  sheet → amoCRM: conflict in статус: "У курера" lost, "Отказ" stands'),
    ],
)
def test_a_conflict_is_told_with_both_values(tmp_path: Path, winner: str, expected: str) -> None:
    world = World(tmp_path, CONFLICT_WINNER=winner)
    lead = world.lead()
    world.pull()
    world.move(lead, world.stage("Заказ отправлен"))
    world.pick(lead, "Отказ")
    world.push()
    world.pull()

    assert expected in told(world, lead)


def test_a_move_that_pull_took_in_was_still_one_of_the_sheet(world: World) -> None:
    from amo2gsheet.sandbox.faults import Fault, Killed, Manner

    lead = world.lead()
    world.pull()
    world.pick(lead, "Отказ")
    world.amo_wire.rule = lambda number, request: Fault(Manner.KILL_AFTER) if is_move(request) else None
    with pytest.raises(Killed):
        world.push()
    world.amo_wire.rule = None
    world.clock.advance(3600)
    world.pull()

    assert 'pull  sheet → amoCRM: статус "В процессе" → "Отказ", the lead was moved' == told(world, lead)[-1]


def test_a_deleted_row_is_told(world: World) -> None:
    lead = world.lead()
    world.pull()
    world.person.delete_row(lead)
    world.push()
    world.push()

    assert "push  sheet: its row was deleted by a person" == told(world, lead)[-1]


def test_what_waits_stands_below(world: World) -> None:
    lead = world.lead()
    world.pull()
    world.pick(lead, "Не знаю")
    world.push()

    answer = history(world, lead)
    assert answer.lines[-1].endswith(": unknown text: Не знаю; `amo2gsheet status` says what to do")
    assert ["unknown text"] == [waiting["kind"] for waiting in answer.document["waiting"]]


def test_times_are_those_of_the_account(world: World) -> None:
    lead = world.lead()
    world.pull()

    answer = history(world, lead)
    assert f"lead {lead}: 1 entry (times: Asia/Tashkent)" == answer.lines[0]
    assert answer.lines[1].startswith("21.09.2026 19:14:")
    assert answer.document["entries"][0]["time"].startswith("2026-09-21T14:14:")


def test_programs_get_the_values_as_the_sheet_holds_them(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lead = world.lead(price=100)
    world.pull()
    world.account.edit_lead(lead, price=250)
    world.pull()
    assert 0 == run(["--env-file", str(world.folder / ".env"), "history", f" {lead}.0", "--json"], {})

    document = json.loads(capsys.readouterr().out)
    assert (1, "history", 0, None, lead) == tuple(
        document[name] for name in ("version", "command", "exit_code", "error", "lead_id")
    )
    entry = document["entries"][-1]
    assert ["time", "run", "command", "direction", "kind", "column", "key", "old", "new", "detail"] == list(entry)
    assert ("written", "Бюджет сделки", "price", 100, 250) == tuple(
        entry[name] for name in ("kind", "column", "key", "old", "new")
    )


def test_foreign_text_can_play_no_tricks_on_a_terminal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    lead = world.lead(fields={"Адрес": "дом"})
    world.pull()
    world.account.edit_lead(lead, fields={"Адрес": "a\u202ec\nd"})
    world.pull()
    run(["--env-file", str(world.folder / ".env"), "history", str(lead)], {})

    assert '"дом" → "a\\u202ec\\nd"' in capsys.readouterr().out


def test_a_lead_that_is_tracked_but_was_never_touched_is_known(world: World) -> None:
    lead = world.lead()
    world.pull()
    world.settings.state_db.unlink()
    world.push()
    world.pull()

    assert [f"lead {lead}: 0 entries (times: Asia/Tashkent)"] == list(history(world, lead).lines)


def test_of_an_unknown_lead_the_answer_is_no(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NoSuchLeadError, match="No run yet"):
        history(world, 4711)
    world.pull()

    assert 4 == run(["--env-file", str(world.folder / ".env"), "history", "4711", "--json"], {})
    assert 4 == json.loads(capsys.readouterr().out)["exit_code"]


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "1.5"])
def test_what_is_no_lead_id_is_a_wrong_command_line(world: World, text: str) -> None:
    with pytest.raises(UsageError):
        history(world, text)


def test_old_entries_go_by_themselves_and_conflicts_stay(tmp_path: Path) -> None:
    """A lead's newest hundred stay whatever their age, so there have to be more."""
    world = World(tmp_path, HISTORY_DAYS="7")
    lead = world.lead()
    world.pull()
    with StateStore.open(world.settings.state_db, world.outside.clock) as state:
        now = world.clock.time()
        state.record([HistoryEntry(now, 1, "pull", lead, "conflict", "status", "Отказ", "У курера")])
        state.record([HistoryEntry(now, 1, "pull", lead, "written", "price", n, n + 1) for n in range(150)])
    world.clock.advance(8 * 86_400)
    world.pull()

    lines = told(world, lead)
    assert (101, True) == (len(lines), "conflict" in lines[0])


def test_each_command_that_writes_has_its_direction() -> None:
    assert {"pull", "push", "import-xlsx"} == set(DIRECTIONS)
