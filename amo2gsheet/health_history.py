"""Everything that was ever done to one lead, told oldest first. Reads the state only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amo2gsheet.columns import SYSTEM_COLUMNS, cell_format, field_id_of
from amo2gsheet.health_times import known_zone, moment_json, moment_text, zone_text
from amo2gsheet.model import CellFormat, CellValue, LeadField
from amo2gsheet.values import serial_text

if TYPE_CHECKING:
    from amo2gsheet.state import HistoryEntry, StateStore, Waiting

TO_SHEET = "amoCRM → sheet"
TO_AMO = "sheet → amoCRM"
IN_SHEET = "sheet"
DIRECTIONS = {"pull": TO_SHEET, "push": TO_AMO, "import-xlsx": "workbook → amoCRM"}
"""Command → where it carries values."""

_OF_THE_SHEET = ("row deleted", "put right", "doubtful")
"""What people, or a run that cleared up, did within the sheet; whichever command noticed it."""

_PATTERNS = {CellFormat.DATE: "%d.%m.%Y", CellFormat.DATE_TIME: "%d.%m.%Y %H:%M"}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done. `column` is what people call it; `old` of a conflict is the value that lost."""

    entry: HistoryEntry
    direction: str
    column: str
    format: CellFormat


@dataclass(frozen=True, slots=True)
class LeadHistory:
    """What is known of one lead. `is_known`: the state has something about it, though perhaps nothing was done to it."""

    lead_id: int
    events: Sequence[Event]
    waiting: Sequence[Waiting]
    is_known: bool
    zone: str


def look(state: StateStore, lead_id: int) -> LeadHistory:
    """Read the history of a lead. Writes nothing."""
    entries = state.history(lead_id)
    waiting = [one for one in state.waiting() if one.lead_id == lead_id]
    fields = _fields(state)
    events = [
        Event(entry, _direction(entries, place), _column_name(entry.column, fields), _format(entry.column, fields))
        for place, entry in enumerate(entries)
    ]
    is_known = bool(entries or waiting or state.bases([lead_id]) or state.bases_elsewhere([lead_id]) or state.versions([lead_id]))
    account = state.cached("account")
    return LeadHistory(lead_id, events, waiting, is_known, str(account[0].get("zone", "")) if account else "")


def _fields(state: StateStore) -> list[LeadField]:
    kept = state.cached("lead fields")
    return [LeadField(one["id"], one["name"], one["type"]) for one in kept[0]] if kept else []


def _column_name(key: str, fields: Sequence[LeadField]) -> str:
    if key in SYSTEM_COLUMNS:
        return SYSTEM_COLUMNS[key].header
    field_id = field_id_of(key)
    return next((one.name for one in fields if one.id == field_id), key)


def _format(key: str, fields: Sequence[LeadField]) -> CellFormat:
    is_known = key in SYSTEM_COLUMNS or field_id_of(key) is not None
    return cell_format(key, fields) if is_known else CellFormat.TEXT


def _direction(entries: Sequence[HistoryEntry], place: int) -> str:
    entry = entries[place]
    if entry.kind in _OF_THE_SHEET:
        return IN_SHEET
    # A move that was cut off is taken in by whichever command runs next.
    if entry.kind == "moved":
        return TO_AMO
    if entry.kind == "conflict" and place and entries[place - 1].kind == "moved" and entries[place - 1].time == entry.time:
        return TO_AMO
    return DIRECTIONS.get(entry.command, entry.command)


def lines(history: LeadHistory) -> Iterator[str]:
    """The answer for people."""
    zone = known_zone(history.zone)
    yield f"lead {history.lead_id}: {_count(len(history.events))} (times: {zone_text(history.zone)})"
    for event in history.events:
        entry = event.entry
        yield f"{moment_text(entry.time, zone)}  run {entry.run_id} {entry.command}  {event.direction}: {_told(event)}"
    for waiting in history.waiting:
        detail = f": {waiting.detail}" if waiting.detail else ""
        yield f"waits since {moment_text(waiting.since, zone)}: {waiting.kind}{detail}; `amo2gsheet status` says what to do"


def _count(entries: int) -> str:
    return "1 entry" if entries == 1 else f"{entries} entries"


def _told(event: Event) -> str:
    entry = event.entry
    old, new = _shown(entry.old, event.format), _shown(entry.new, event.format)
    told: Mapping[str, str] = {
        "written": f"{event.column} {old} → {new}",
        "row added": f"row added, {event.column} {new}",
        "moved": f"{event.column} {old} → {new}, the lead was moved",
        "conflict": f"conflict in {event.column}: {old} lost, {new} stands",
        "put right": f"a value that strayed was put right, {old} → {new}",
        "row deleted": "its row was deleted by a person",
        "doubtful": f"{event.column} {old} → {new} without a clear answer of Google's",
        "imported": "made from a row of a workbook",
        "import merged": "a row of a workbook was merged into it by amoCRM",
    }
    text = told.get(entry.kind, f"{entry.kind} {event.column} {old} → {new}")
    return f"{text} ({entry.detail})" if entry.detail else text


def _shown(value: CellValue, wanted: CellFormat) -> str:
    text = serial_text(value, _PATTERNS[wanted]) if wanted in _PATTERNS else None if value is None else str(value)
    return "nothing" if text in (None, "") else f'"{text}"'


def document(history: LeadHistory) -> dict[str, Any]:
    """The part of `--json` that belongs to `history`. Values stand as the sheet holds them; dates are serial numbers."""
    return {
        "lead_id": history.lead_id,
        "entries": [
            {
                "time": moment_json(event.entry.time),
                "run": event.entry.run_id,
                "command": event.entry.command,
                "direction": event.direction,
                "kind": event.entry.kind,
                "column": event.column,
                "key": event.entry.column,
                "old": event.entry.old,
                "new": event.entry.new,
                "detail": event.entry.detail,
            }
            for event in history.events
        ],
        "waiting": [{"kind": one.kind, "detail": one.detail, "since": moment_json(one.since)} for one in history.waiting],
    }
