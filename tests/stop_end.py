"""What everything came to when the runs of a scenario are over, and what two such ends differ in."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from amo2gsheet.model import Base
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.state.records import HistoryEntry
from tests.world import World

ONLY_AFTER_A_STRAY = "put right"
"""What the history tells of a repair: whether a value strayed at all depends on where the run was cut."""

NO_SUBSTANCE = ("runs", "caches", "sqlite_sequence")
TIMES = ("checked_at", "server_time")
"""Tables and keys of the state that any run writes to, an idle one too."""


@dataclass(frozen=True, slots=True)
class End:
    """What everything came to: the sheet, the account, and what the state holds of both.

    The sheet is shown with its looks unless somebody acts during the run: the formats of rows that were inserted under headers
    just moved stay where they fell.
    """

    sheet: Mapping[object, object]
    stages: Mapping[int, tuple[int, int]]
    moves: Mapping[int, Sequence[object]]
    bases: Mapping[int, Base]
    waiting: frozenset[tuple[int, str, str, str]]
    journal: Sequence[object]
    history: Mapping[tuple[int, str, str, str, str], int]

    def differences(self, other: End) -> list[str]:
        """What another end has else than this one."""
        found = []
        for name in self.__dataclass_fields__:
            wanted, there = getattr(self, name), getattr(other, name)
            if isinstance(wanted, Mapping):
                keys = [key for key in {**wanted, **there} if wanted.get(key) != there.get(key)]
                found += [f"{name} {key}: {str(there.get(key))[:300]}, not {str(wanted.get(key))[:300]}" for key in keys]
            elif isinstance(wanted, frozenset):
                found += [f"{name}: {entry} is missing" for entry in wanted - there]
                found += [f"{name}: {entry} is too many" for entry in there - wanted]
            elif wanted != there:
                found.append(f"{name}: {there}, not {wanted}")
        return found


def end_of(world: World, *, is_disturbed: bool) -> End:
    """What a world has come to."""
    events = [event for event in world.account.events if event.type == "lead_status_changed"]
    moved = {event.entity_id for event in events}
    with world.state() as state:
        leads = state.all_lead_ids()
        entries = [entry for lead_id in leads for entry in state.history(lead_id)]
        history = [entry for entry in entries if not _depends_on_the_stop(entry, is_disturbed=is_disturbed)]
        return End(
            sheet={
                (tab.title, key): shown
                for tab in world.sheets.books[SPREADSHEET_ID].tabs
                for key, shown in _shown(tab, with_looks=not is_disturbed).items()
            },
            stages={lead.id: lead.stage for lead in world.account.leads.current.values()},
            moves={lead: [(one.value_before, one.value_after) for one in events if one.entity_id == lead] for lead in moved},
            bases=state.bases(leads),
            waiting=frozenset((one.lead_id, one.kind, one.detail, one.key) for one in state.waiting()),
            journal=[*state.open_intents(), *state.owed().items()],
            history=Counter((one.lead_id, one.kind, one.column, str(one.old), str(one.new)) for one in history),
        )


def _depends_on_the_stop(entry: HistoryEntry, *, is_disturbed: bool) -> bool:
    """Whether this may be told or not: a repair; under headers just moved, an empty cell filled with its row or after it."""
    return entry.kind == ONLY_AFTER_A_STRAY or (is_disturbed and entry.kind == "written" and entry.old is None)


def _shown(tab: Tab, *, with_looks: bool) -> dict[object, object]:
    """(row, column) → what a cell holds and how it looks, and what lies over the tab's ranges."""
    shown: dict[object, object] = {
        "layers": tab.layers,
        "merges": tab.merges,
        "properties": tab.properties,
        # A tab that a run makes gets another number each time.
        "conditional formats": [str(one).replace(str(tab.sheet_id), "") for one in tab.conditional_formats],
    }
    for row_number, row in enumerate(tab.rows, 1):
        if row.values or row.looks:
            looks = row.looks if with_looks else {}
            cells = zip_longest(range(1, len(tab.columns) + 1), row.values, map(looks.get, tab.columns))
            shown |= {(row_number, number): (value, look) for number, value, look in cells if (value, look) != (None, None)}
    return shown


@dataclass(frozen=True, slots=True)
class Traces:
    """What is left of a run's writes: how much each cloud got, and what the state holds but for the log of its runs."""

    sheet_changes: int
    patches: int
    state: Mapping[str, Sequence[object]]

    def told_from(self, before: Traces) -> list[str]:
        """What was written since: "sheet", "amo", "state"."""
        written = {
            "sheet": self.sheet_changes > before.sheet_changes,
            "amo": self.patches > before.patches,
            "state": self.state != before.state,
        }
        return [name for name, is_written in written.items() if is_written]


def traces_of(world: World) -> Traces:
    """What is left of all writes up to now."""
    done = [exchange for exchange in world.amo_wire.log if exchange.request.method == "PATCH" and exchange.done]
    return Traces(len(world.sheets.applied), len(done), _substance(world.settings.state_db))


def _substance(path: Path) -> dict[str, Sequence[object]]:
    """Table → its rows; nothing where there is no state, or a torn one."""
    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: _rows(connection, name) for name in tables if name not in NO_SUBSTANCE}
    except sqlite3.DatabaseError:
        return {}


def _rows(connection: sqlite3.Connection, table: str) -> Sequence[object]:
    return sorted(repr(row) for row in connection.execute(f"SELECT * FROM {table}") if row[0] not in TIMES)
