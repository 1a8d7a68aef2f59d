"""How SQLite carries out the statements of real runs: through an index wherever a table grows with the shop."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.world import World

GROWING = (
    "bases",
    "base_cells",
    "links",
    "contact_links",
    "versions",
    "events",
    "history",
    "history_sizes",
    "runs",
    "commit_tokens",
)
"""A row for each lead, contact, change or run."""

NEWEST = "ORDER BY id DESC LIMIT 1"


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every statement that the state carries out from now on."""
    found: set[str] = set()
    real = sqlite3.connect

    def connect(*words: object, **named: object) -> sqlite3.Connection:
        connection = real(*words, **named)  # type: ignore[call-overload]
        connection.set_trace_callback(found.add)
        return connection  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", connect)
    return found


def play(world: World) -> None:
    """Everything that runs do in a week: rows, edits, moves, picks, conflicts, renamed people, deleted rows, and rest."""
    leads = [world.lead(f"Клиент {number}", phone=f"+998 00 000000{number}") for number in range(6)]
    world.pull()
    world.push()
    for lead, text in zip(leads, ("Отказ", "У курера", "Успешно"), strict=False):
        world.pick(lead, text)
    world.move(leads[0], world.stage("Консультация"))
    world.account.edit_lead(leads[3], price=77, fields={"Адрес": "новый дом"})
    world.account.edit_contact(next(iter(world.account.contacts.current)), name="Другое имя")
    world.person.delete_row(leads[4])
    world.account.trash_lead(leads[5])
    for _ in range(2):
        world.clock.advance(4000)
        world.push()
        world.pull()
    world.pull(full=True)
    world.clock.advance(200 * 86_400)
    world.pull()
    world.push()


def plan_of(connection: sqlite3.Connection, statement: str) -> list[str]:
    """What SQLite would do, step by step."""
    return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]


def scans(connection: sqlite3.Connection, statement: str) -> set[str]:
    """The growing tables, or indexes of them, that a statement would read from end to end; the newest row alone is none."""
    if statement.endswith(NEWEST):
        return set()
    steps = [step.split() for step in plan_of(connection, statement)]
    return {step[1] for step in steps if step[0] == "SCAN" and step[1] in GROWING}


def test_no_statement_of_a_run_reads_a_growing_table_from_end_to_end(tmp_path: Path, statements: set[str]) -> None:
    world = World(tmp_path)
    play(world)

    with closing(sqlite3.connect(world.settings.state_db)) as connection:
        asked = sorted(one for one in statements if one.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")))
        found = {one: tables for one in asked if (tables := scans(connection, one))}

    assert len(asked) > 40
    assert {} == found


def test_a_read_from_end_to_end_is_noticed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead()
    world.pull()

    with closing(sqlite3.connect(world.settings.state_db)) as connection:
        assert {"links"} == scans(connection, "SELECT lead_id FROM links WHERE company_id + 1 = 8")
        assert set() == scans(connection, "SELECT lead_id FROM links WHERE company_id = 7")


def test_an_idle_push_reads_no_cell_of_the_base(tmp_path: Path, statements: set[str]) -> None:
    """There are as many as rows, and only a status can be due."""
    world = World(tmp_path)
    for name in ("Анна", "Борис"):
        world.lead(name)
    world.pull()
    world.push()
    statements.clear()

    world.push()

    assert statements
    assert [] == [one for one in statements if "base_cells" in one]
