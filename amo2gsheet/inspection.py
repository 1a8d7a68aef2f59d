"""What `inspect` shows, as plain data: stages and what they mean, fields, columns and what fills them. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from amo2gsheet.columns import DEFAULT_HEADER, cell_format, field_id_of, field_key, resolve_columns, system_key
from amo2gsheet.fields import render
from amo2gsheet.model import (
    Account,
    CellFormat,
    ColumnKey,
    Directory,
    LeadDetails,
    LeadField,
    Pipeline,
    StatusEvent,
)
from amo2gsheet.names import normal_header
from amo2gsheet.statuses import StatusRules
from amo2gsheet.values import serial_text, zone_of

SOURCES: Mapping[ColumnKey, str] = {
    "id": "lead ID",
    "name": "name of the main contact, else of the lead",
    "phone": "phones of the contacts",
    "price": "price",
    "company": "name of the company",
    "pipeline": "name of the pipeline",
    "responsible": "Staff tab, else the responsible user",
    "status": "stage; people pick here",
    "title": "name of the lead",
    "email": "e-mails of the contacts",
    "tags": "tags",
    "created": "time of creation",
    "updated": "time of the last change",
    "sync": "why the row waits",
}
"""System column → what fills it, in words."""

_DATES = {CellFormat.DATE: "%d.%m.%Y", CellFormat.DATE_TIME: "%d.%m.%Y %H:%M"}


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage: what the sheet shows for it, and whether that is a value of the dropdown."""

    id: int
    name: str
    shown: str
    is_trigger: bool
    is_mapped: bool
    is_incoming: bool


@dataclass(frozen=True, slots=True)
class PipelineLine:
    """One pipeline. `targets` is dropdown value → name of the stage that a pick moves to, None where it has none."""

    id: int
    name: str
    is_main: bool
    is_archived: bool
    stages: tuple[StageLine, ...]
    targets: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One custom field. `column` is the header that it fills, "" where none does."""

    id: int
    name: str
    type: str
    options: tuple[str, ...]
    column: str = ""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column of the sheet. `kind`: `system`, `field`, `doubled` (the left one counts), or `own`: it matches nothing.

    `source` says what fills it, "" where nothing does.
    """

    letter: str
    header: str
    kind: str
    source: str = ""
    field_id: int | None = None


@dataclass(frozen=True, slots=True)
class SheetView:
    """The tab. `header_row` counts from 1; None where there is no header yet, and `columns` are those it would be given."""

    title: str
    tabs: tuple[str, ...]
    header_row: int | None
    columns: tuple[ColumnLine, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class LeadLine:
    """One lead in short. Times are texts in the account's zone."""

    id: int
    name: str
    pipeline: str
    stage: str
    shown: str
    is_trigger: bool
    price: int | float | None
    created: str
    updated: str


@dataclass(frozen=True, slots=True)
class FilledField:
    """A custom field of a lead: its values as amoCRM gives them, and the text that a cell shows for them."""

    id: int
    name: str
    type: str
    values: tuple[str | int | float | bool, ...]
    text: str


@dataclass(frozen=True, slots=True)
class LeadView:
    """One lead whole. `row` is header → what its cell would show; `moves` is None where they could not be read."""

    line: LeadLine
    responsible: str
    tags: tuple[str, ...]
    fields: tuple[FilledField, ...]
    contacts: tuple[Mapping[str, object], ...]
    company: str
    moves: tuple[Mapping[str, str], ...] | None
    row: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line for the settings file, with what to know about it."""

    name: str
    value: str
    comment: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that was asked for. A part is None where it was not asked for, or could not be read: then `unread` says why."""

    account: Account
    pipelines: tuple[PipelineLine, ...] | None
    lead_fields: tuple[FieldLine, ...] | None
    contact_fields: tuple[FieldLine, ...] | None
    sheet: SheetView | None
    users: Mapping[int, str] | None
    leads: tuple[LeadLine, ...] | None
    lead: LeadView | None
    suggestions: tuple[Suggestion, ...]
    in_use: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    unread: Mapping[str, str] = field(default_factory=dict)


def pipeline_lines(pipelines: Sequence[Pipeline], rules: StatusRules) -> tuple[PipelineLine, ...]:
    """Every stage with what it means, in amoCRM's order."""
    return tuple(
        PipelineLine(
            pipeline.id,
            pipeline.name,
            pipeline.is_main,
            pipeline.is_archived,
            tuple(
                StageLine(
                    one.stage.status_id,
                    one.name,
                    rules.shown(one.stage),
                    rules.is_trigger(one.stage),
                    rules.canonical(rules.shown(one.stage)) is not None,
                    one.is_incoming,
                )
                for one in pipeline.stages
            ),
            _targets(pipeline, rules),
        )
        for pipeline in pipelines
    )


def _targets(pipeline: Pipeline, rules: StatusRules) -> dict[str, str | None]:
    names = {one.stage: one.name for one in pipeline.stages}
    found = {value: rules.target(value, pipeline.id) for value in rules.dropdown_values}
    return {value: None if stage is None else names.get(stage, "") for value, stage in found.items()}


def column_lines(
    header_texts: Sequence[str],
    lead_fields: Sequence[LeadField],
    remembered: Mapping[str, ColumnKey],
    letter_of: Callable[[int], str],
) -> tuple[ColumnLine, ...]:
    """What fills each column.

    `remembered` is what the state knows of this tab's header: a renamed field keeps its column. `letter_of` is column index →
    the letters that the sheet shows above it.
    """
    columns, keys = resolve_columns(header_texts, lead_fields, remembered)
    names = {one.id: one.name for one in lead_fields}
    lines = []
    for index, text in enumerate(header_texts):
        if not normal_header(text):
            continue
        key = keys.get(normal_header(text))
        if key is None:
            lines.append(ColumnLine(letter_of(index), text, "own"))
        elif columns.index[key] != index:
            lines.append(ColumnLine(letter_of(index), text, "doubled"))
        else:
            field_id = field_id_of(key)
            source = SOURCES[key] if field_id is None else f'field "{names.get(field_id, "")}"'
            lines.append(ColumnLine(letter_of(index), text, "field" if field_id else "system", source, field_id))
    return tuple(lines)


def default_columns(lead_fields: Sequence[LeadField], letter_of: Callable[[int], str]) -> tuple[ColumnLine, ...]:
    """The columns that an empty tab is given."""
    return column_lines(DEFAULT_HEADER, lead_fields, {}, letter_of)


def field_lines(lead_fields: Sequence[LeadField], columns: Sequence[ColumnLine]) -> tuple[FieldLine, ...]:
    """The fields with the columns that they fill."""
    headers = {one.field_id: one.header for one in columns if one.field_id is not None}
    return tuple(FieldLine(one.id, one.name, one.type, one.options, headers.get(one.id, "")) for one in lead_fields)


def lead_line(details: LeadDetails, directory: Directory, rules: StatusRules) -> LeadLine:
    """One lead in short."""
    lead = details.lead
    pipeline = next((one for one in directory.pipelines if one.id == lead.stage.pipeline_id), None)
    stage = next((one.name for one in pipeline.stages if one.stage == lead.stage), "") if pipeline else ""
    times = cell_texts(details, ("created", "updated"), directory, {})
    return LeadLine(
        lead.id,
        lead.name,
        pipeline.name if pipeline else str(lead.stage.pipeline_id),
        stage or str(lead.stage.status_id),
        rules.shown(lead.stage),
        rules.is_trigger(lead.stage),
        lead.price,
        times["created"],
        times["updated"],
    )


def lead_view(
    details: LeadDetails,
    directory: Directory,
    rules: StatusRules,
    *,
    columns: Sequence[ColumnLine],
    pipeline_display: Mapping[str, str],
    moves: Sequence[StatusEvent] | None,
) -> LeadView:
    """One lead whole."""
    lead = details.lead
    line = lead_line(details, directory, rules)
    filled = [one for one in columns if one.kind in ("system", "field")]
    keys = {one.header: system_key(one.header) or field_key(one.field_id or 0) for one in filled}
    texts = cell_texts(details, tuple(keys.values()), directory, pipeline_display)
    return LeadView(
        line,
        (directory.users or {}).get(lead.responsible_user_id, "") or str(lead.responsible_user_id or ""),
        lead.tags,
        _filled_fields(details, directory),
        tuple({"id": one.id, "name": one.name, "phones": one.phones, "emails": one.emails} for one in details.contacts),
        details.company.name if details.company else "",
        None if moves is None else tuple(_move(one, directory) for one in moves),
        {header: line.shown if key == "status" else texts.get(key, "") for header, key in keys.items()},
    )


def _filled_fields(details: LeadDetails, directory: Directory) -> tuple[FilledField, ...]:
    """The filled fields as the account orders them; those that it does not list come last."""
    names = {one.id: one.name for one in directory.lead_fields}
    order = {one.id: place for place, one in enumerate(directory.lead_fields)}
    found = sorted(details.lead.fields.values(), key=lambda one: (order.get(one.field_id, len(order)), one.field_id))
    texts = cell_texts(details, [field_key(one.field_id) for one in found], directory, {})
    return tuple(
        FilledField(one.field_id, names.get(one.field_id, ""), one.type, one.values, texts[field_key(one.field_id)])
        for one in found
    )


def _move(event: StatusEvent, directory: Directory) -> dict[str, str]:
    names = {stage.stage: stage.name for pipeline in directory.pipelines for stage in pipeline.stages}
    before, after = ("" if one is None else names.get(one, str(one.status_id)) for one in (event.before, event.after))
    return {"at": moment(event.created_at, directory.zone), "from": before, "to": after}


def moment(unix_seconds: int, zone_name: str) -> str:
    """A time as people of the account read it."""
    return datetime.fromtimestamp(unix_seconds, zone_of(zone_name)).strftime("%d.%m.%Y %H:%M")


def cell_texts(
    details: LeadDetails, keys: Sequence[ColumnKey], directory: Directory, pipeline_display: Mapping[str, str]
) -> dict[ColumnKey, str]:
    """What the cells of a lead would show, as text."""
    cells = render(details, keys, directory, pipeline_display)
    found = {}
    for key, cell in cells.items():
        pattern = _DATES.get(cell_format(key, directory.lead_fields))
        text = serial_text(cell, pattern) if pattern else cell
        found[key] = "" if text is None else str(text)
    return found
