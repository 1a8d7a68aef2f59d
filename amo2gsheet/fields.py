"""What a lead's cells show: one value for each column of the tool's. Knows leads and names, not sheets and not statuses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import tzinfo
from types import MappingProxyType

from amo2gsheet.columns import field_id_of
from amo2gsheet.model import CellValue, ColumnKey, Directory, FieldValue, Lead, LeadDetails
from amo2gsheet.names import NameMap, normal_header
from amo2gsheet.staff import STAFF_CODE, staff_code
from amo2gsheet.values import (
    checkbox_cell,
    date_cell,
    date_time_cell,
    distinct,
    joined,
    number_cell,
    serial_text,
    text_cell,
    zone_of,
)

NOT_RENDERED = frozenset(("status", "sync"))
"""Columns that no lead alone fills: the status follows the agreement of both sides, `Синхронизация` the run."""

_STAFF_FIELD = normal_header(STAFF_CODE)
_SAME_NUMBER = 1e-12


def same_value(value: CellValue, other: CellValue) -> bool:
    """Whether two cells show the same: empty is empty, `1` is `1.0`, texts letter by letter, a text never equals a number."""
    value, other = None if value == "" else value, None if other == "" else other
    if isinstance(value, float) or isinstance(other, float):
        both_numbers = _is_number(value) and _is_number(other)
        # A time of day is a fraction that passes through JSON twice; its last digit is no change.
        return both_numbers and math.isclose(value, other, rel_tol=_SAME_NUMBER)  # type: ignore[arg-type]
    return type(value) is type(other) and value == other


def value_key(value: CellValue) -> tuple[str, str | float]:
    """A key that two cells share which show the same, for finding a value among many."""
    if isinstance(value, str) or value is None:
        return "text", value or ""
    return ("bool" if isinstance(value, bool) else "number"), float(f"{float(value):.12g}")


FROM_CONTACTS = frozenset({"name", "phone", "email"})
FROM_COMPANY = frozenset({"company"})
"""The columns that are made of a lead's contacts, and of its company."""


def _is_number(value: CellValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def render(
    details: LeadDetails, keys: Iterable[ColumnKey], directory: Directory, pipeline_display: Mapping[str, str]
) -> dict[ColumnKey, CellValue]:
    """Work out a lead's cells.

    Args:
        details: the lead with its contacts, the main one first, and its company.
        keys: the columns wanted; `status` and `sync` are left out.
        directory: what names pipelines, users, staff and the zone of all dates.
        pipeline_display: pipeline name → short name in the sheet.

    Raises:
        ValueError: the directory's time zone is unknown.
    """
    zone = zone_of(directory.zone)
    cells: dict[ColumnKey, CellValue] = {}
    for key in keys:
        if key in NOT_RENDERED:
            continue
        field_id = field_id_of(key)
        if field_id is not None:
            cells[key] = custom_field_cell(details.lead.fields.get(field_id), zone)
        elif key == "pipeline":
            cells[key] = _pipeline(details.lead, directory, pipeline_display)
        elif key == "responsible":
            cells[key] = _responsible(details.lead, directory)
        elif key in ("created", "updated"):
            cells[key] = date_time_cell(details.lead.created_at if key == "created" else details.lead.updated_at, zone)
        else:
            cells[key] = _PLAIN[key](details)
    return cells


def custom_field_cell(value: FieldValue | None, zone: tzinfo) -> CellValue:
    """A custom field's cell: one value as its type says, several as text joined by comma and blank, none as None."""
    if value is None:
        return None
    cells = [cell for one in value.values if (cell := _typed(one, value.type, zone)) is not None]
    if len(cells) < 2:
        return cells[0] if cells else None
    pattern = _SERIAL_PATTERNS.get(value.type)
    return joined(serial_text(cell, pattern) if pattern else cell for cell in cells)


_SERIAL_PATTERNS = {"date": "%d.%m.%Y", "birthday": "%d.%m.%Y", "date_time": "%d.%m.%Y %H:%M"}


def _typed(value: str | int | float | bool, field_type: str, zone: tzinfo) -> CellValue:
    if field_type in ("date", "birthday"):
        return date_cell(value, zone)
    if field_type == "date_time":
        return date_time_cell(value, zone)
    if field_type in ("numeric", "monetary", "price"):
        return number_cell(value)
    if field_type == "checkbox":
        return checkbox_cell(value)
    return text_cell(value)


def _name(details: LeadDetails) -> CellValue:
    main = details.contacts[0].name.strip() if details.contacts else ""
    return text_cell(main or details.lead.name.strip())


def _phones(details: LeadDetails) -> CellValue:
    return joined(distinct(phone for contact in details.contacts for phone in contact.phones))


def _emails(details: LeadDetails) -> CellValue:
    return joined(distinct(email for contact in details.contacts for email in contact.emails))


_PLAIN: Mapping[ColumnKey, Callable[[LeadDetails], CellValue]] = MappingProxyType(
    {
        "id": lambda details: details.lead.id,
        "name": _name,
        "phone": _phones,
        "price": lambda details: number_cell(details.lead.price),
        "company": lambda details: text_cell(details.company.name.strip()) if details.company else None,
        "title": lambda details: text_cell(details.lead.name),
        "email": _emails,
        "tags": lambda details: joined(distinct(details.lead.tags)),
    }
)


def _pipeline(lead: Lead, directory: Directory, pipeline_display: Mapping[str, str]) -> CellValue:
    pipeline_id = lead.stage.pipeline_id
    name = next((one.name for one in directory.pipelines if one.id == pipeline_id), str(pipeline_id))
    short = pipeline_display.get(name) or NameMap(pipeline_display.items()).get(name)
    return text_cell(short or name.strip())


def _responsible(lead: Lead, directory: Directory) -> CellValue:
    """The employee of the lead's staff code, else the responsible user, else that user's ID."""
    employee = _employee(lead, directory) if directory.staff else None
    user_id = lead.responsible_user_id
    user = (directory.users or {}).get(user_id, "").strip()
    return text_cell(employee or user or (str(user_id) if user_id else None))


def _employee(lead: Lead, directory: Directory) -> str | None:
    for lead_field in directory.lead_fields:
        if lead_field.id not in lead.fields or normal_header(lead_field.name) != _STAFF_FIELD:
            continue
        for code in lead.fields[lead_field.id].values:
            if (name := directory.staff.get(staff_code(code))) is not None:
                return name
    return None
