"""Header texts → columns: which are the tool's, what each is filled with and how it is formatted. Knows no cell value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from amo2gsheet.model import CellFormat, ColumnKey, Columns, Dropdown, Layout, LeadField
from amo2gsheet.names import fold, normal_header

_FIELD_PREFIX = "field:"


@dataclass(frozen=True, slots=True)
class SystemColumn:
    """A column that the tool fills from the lead itself: its header as a new tab gets it, and the format of its cells."""

    header: str
    format: CellFormat = CellFormat.TEXT


SYSTEM_COLUMNS: Mapping[ColumnKey, SystemColumn] = MappingProxyType(
    {
        "id": SystemColumn("ID", CellFormat.ID),
        "name": SystemColumn("Ф.И.О."),
        "phone": SystemColumn("Контактный номер"),
        "price": SystemColumn("Бюджет сделки", CellFormat.NUMBER),
        "company": SystemColumn("Компания"),
        "pipeline": SystemColumn("Воронка"),
        "responsible": SystemColumn("Ответственный"),
        "status": SystemColumn("статус"),
        "title": SystemColumn("Название сделки"),
        "email": SystemColumn("Email"),
        "tags": SystemColumn("Теги"),
        "created": SystemColumn("Дата создания", CellFormat.DATE_TIME),
        "updated": SystemColumn("Дата изменения", CellFormat.DATE_TIME),
        "sync": SystemColumn("Синхронизация"),
    }
)

REQUIRED_COLUMNS: tuple[ColumnKey, ...] = ("id", "status")
"""Without these two a row is no header row, and neither may stand twice."""

DEFAULT_HEADER = (
    "ID",
    "Ф.И.О.",
    "Контактный номер",
    "Бюджет сделки",
    "Заказ №",
    "Продукт 1",
    "Количество 1",
    "Продукт 2",
    "Количество 2",
    "Группа",
    "Дата заказа",
    "Дата доставка",
    "Регион",
    "Адрес",
    "Тип продажи",
    "Продажа в рассрочку",
    "Код сотрудника",
    "Компания",
    "Воронка",
    "статус",
    "Ответственный",
)
"""What an empty tab is given, in the order and the spelling that its users know."""

_FIELD_FORMATS = {
    "date": CellFormat.DATE,
    "birthday": CellFormat.DATE,
    "date_time": CellFormat.DATE_TIME,
    "numeric": CellFormat.NUMBER,
    "monetary": CellFormat.NUMBER,
    "price": CellFormat.NUMBER,
}

_COLOURS: Mapping[str, tuple[float, float, float]] = {
    fold("В процессе"): (1.0, 0.95, 0.8),
    fold("У курера"): (0.81, 0.89, 0.95),
    fold("Успешно"): (0.85, 0.92, 0.83),
    fold("Отказ"): (0.96, 0.8, 0.8),
}

_MORE_COLOURS = (
    (0.85, 0.82, 0.91),
    (0.99, 0.9, 0.8),
    (0.82, 0.88, 0.89),
    (0.92, 0.82, 0.86),
    (0.91, 0.93, 0.75),
    (0.85, 0.85, 0.85),
)

_SYSTEM_KEYS = {normal_header(column.header): key for key, column in SYSTEM_COLUMNS.items()}


def system_key(header_text: str) -> ColumnKey | None:
    """The system column of that header; None when it is none."""
    return _SYSTEM_KEYS.get(normal_header(header_text))


def field_key(field_id: int) -> ColumnKey:
    """The key of a custom field's column."""
    return f"{_FIELD_PREFIX}{field_id}"


def field_id_of(key: ColumnKey) -> int | None:
    """The custom field that a column is filled from; None for a system column."""
    return int(key.removeprefix(_FIELD_PREFIX)) if key.startswith(_FIELD_PREFIX) else None


def resolve_columns(
    header_texts: Sequence[str], lead_fields: Iterable[LeadField], remembered: Mapping[str, ColumnKey]
) -> tuple[Columns, dict[str, ColumnKey]]:
    """Find out whose each column is.

    A system column wins over a custom field of its name. A header that was a field's keeps that field, whatever the field is
    called now, while the field exists. Of several fields of one name the oldest (lowest ID) counts. Of two columns for one thing
    the one that was a field's counts, else the left one; the other is `doubled`, unless it is a required one: that is for the
    sheet's side to refuse.

    Args:
        header_texts: the header row from column A on, as typed.
        lead_fields: the account's fields of today.
        remembered: what this function returned last time for this tab.

    Returns:
        The columns, and what to remember: header as compared → key, for every column of the tool's.
    """
    named, known_keys = _fields_by_name(lead_fields)
    index: dict[ColumnKey, int] = {}
    memory: dict[str, ColumnKey] = {}
    foreign: list[str] = []
    doubled: list[str] = []
    names = {normal_header(text) for text in header_texts} - _SYSTEM_KEYS.keys()
    claimed = {remembered[name] for name in names if name in remembered} & known_keys
    for column_index, text in enumerate(header_texts):
        name = normal_header(text)
        if not name:
            continue
        key = _SYSTEM_KEYS.get(name)
        if key is None:
            kept = remembered.get(name)
            key = kept if kept in known_keys else named.get(name)
            if key != kept and key in claimed:
                # The field is called so by now; its column stands there all the same, under its old name.
                doubled += [] if text in doubled else [text]
                continue
        if key is None:
            foreign.append(text)
            continue
        memory[name] = key
        if index.setdefault(key, column_index) != column_index and key not in REQUIRED_COLUMNS and text not in doubled:
            doubled.append(text)
    return Columns(index, tuple(foreign), tuple(doubled)), memory


def _fields_by_name(lead_fields: Iterable[LeadField]) -> tuple[dict[str, ColumnKey], set[ColumnKey]]:
    named: dict[str, ColumnKey] = {}
    known_keys: set[ColumnKey] = set()
    for lead_field in sorted(lead_fields, key=lambda one: one.id):
        key = field_key(lead_field.id)
        known_keys.add(key)
        named.setdefault(normal_header(lead_field.name), key)
    return named, known_keys


def shared_names(keys: Iterable[ColumnKey], lead_fields: Iterable[LeadField]) -> dict[str, tuple[int, ...]]:
    """Name the fields in use whose name another field bears too.

    Returns:
        Field name → the IDs of all fields of that name, the one that counts where nothing is remembered first.
    """
    ids: dict[str, list[int]] = {}
    shown: dict[int, str] = {}
    for lead_field in sorted(lead_fields, key=lambda one: one.id):
        ids.setdefault(normal_header(lead_field.name), []).append(lead_field.id)
        shown[lead_field.id] = lead_field.name
    used = [shown[field_id] for key in keys if (field_id := field_id_of(key)) is not None and field_id in shown]
    return {name: tuple(same) for name in used if len(same := ids[normal_header(name)]) > 1}


def cell_format(key: ColumnKey, lead_fields: Iterable[LeadField]) -> CellFormat:
    """The number format of a new cell of that column; text where the field is unknown."""
    field_id = field_id_of(key)
    if field_id is None:
        return SYSTEM_COLUMNS[key].format
    return next((_FIELD_FORMATS.get(one.type, CellFormat.TEXT) for one in lead_fields if one.id == field_id), CellFormat.TEXT)


def default_layout(title: str, dropdown_values: Sequence[str], lead_fields: Iterable[LeadField]) -> Layout:
    """What an empty tab is given.

    A custom-field column is formatted as the account's field is; one whose field the account lacks takes texts.
    """
    fields = tuple(lead_fields)
    columns, _ = resolve_columns(DEFAULT_HEADER, fields, {})
    formats = {column_index: cell_format(key, fields) for key, column_index in columns.index.items()}
    return Layout(
        title=title,
        columns=tuple((text, formats.get(column_index, CellFormat.TEXT)) for column_index, text in enumerate(DEFAULT_HEADER)),
        status_index=columns.status_index,
        dropdown=Dropdown(tuple(dropdown_values)),
        colours=_colours(dropdown_values),
    )


def _colours(dropdown_values: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """The built-in values keep their colours; values of one's own take the others in turn."""
    own = [value for value in dropdown_values if fold(value) not in _COLOURS]
    more = {value: _MORE_COLOURS[position % len(_MORE_COLOURS)] for position, value in enumerate(own)}
    return {value: more[value] if value in more else _COLOURS[fold(value)] for value in dropdown_values}
