"""A workbook's rows → checked drafts of leads, each with its key. Pure; every problem names row, column, value and reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from amo2gsheet.columns import field_id_of
from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.model import ColumnKey, LeadField, Stage
from amo2gsheet.model_import import CellError, NewContact, NewField, NewLead, WorkbookCell, WorkbookRow
from amo2gsheet.names import normal_header
from amo2gsheet.sync import importing_values as values
from amo2gsheet.sync.importing_columns import ImportColumns
from amo2gsheet.sync.importing_keys import digest_of, key_of, person_of
from amo2gsheet.sync.importing_stages import Beginnings
from amo2gsheet.sync.importing_values import BadCellError, cell_text

T = TypeVar("T")

NO_TEXTS: tuple[str, ...] = ()
NO_VALUES: tuple[str | int | float | bool, ...] = ()

MOST_FIELDS = 40
"""Custom fields that one lead may bring (amoCRM developer documentation, `/leads/complex`)."""

NAME_LIMIT = 255
TEXT_LIMITS: Mapping[str, int] = MappingProxyType({"text": 255, "url": 2_000, "textarea": 60_000})
"""Longest text of a field by its type; amoCRM documents none, and cuts what is longer without a word."""

_LONGEST_SHOWN = 60
_VALUE_SHOWN = frozenset(("price", "pipeline", "status"))
_TYPES_SHOWN = frozenset(
    (
        "numeric",
        "price",
        "monetary",
        "date",
        "birthday",
        "date_time",
        "checkbox",
        "select",
        "radiobutton",
        "category",
        "multiselect",
    )
)
"""Columns and types of fields whose values are told; names, phones and addresses are not."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot go in. `value` is "" where the cell is empty or may hold what belongs in no log."""

    row_number: int
    column: str
    value: str
    reason: str
    nearest: str = ""

    @property
    def told(self) -> str:
        """The problem without its row: `"Регион": "Ташкентт" is no option of this field; nearest: "Ташкент"`."""
        value = f' "{self.value}"' if self.value else ""
        nearest = f'; nearest: "{self.nearest}"' if self.nearest else ""
        return f'column "{self.column}":{value} {self.reason}{nearest}'


@dataclass(frozen=True, slots=True)
class RowDraft:
    """One row, read and checked.

    `digest` is equal for rows with equal cells, `key` tells those apart; `rest` is equal where the cells are that came to count
    after this import was first run; `person` is equal for rows of one name and phone.
    `lead` is None where there are problems, or where `lead_id` says that it is in amoCRM already.
    """

    row: WorkbookRow
    digest: str
    rest: str
    person: str
    lead_id: int | None = None
    lead: NewLead | None = None
    problems: tuple[Problem, ...] = ()
    key: str = ""

    @property
    def number(self) -> int:
        """The row's number in the workbook."""
        return self.row.number


@dataclass(frozen=True, slots=True)
class Drafting:
    """What rows are checked against. `counted` is header as compared → column key, of the columns that make a row's key."""

    columns: ImportColumns
    counted: Mapping[str, ColumnKey]
    beginnings: Beginnings
    zone: tzinfo
    tag: str


def drafts_of(rows: Iterable[WorkbookRow], drafting: Drafting) -> Iterator[RowDraft]:
    """Check every row below the header that holds anything in a column of ours. The drafts have no keys yet."""
    columns = drafting.columns
    for row in rows:
        if row.number <= columns.header_row_number:
            continue
        if any(row.cell(place) is not None for place in columns.index.values()):
            yield _draft(row, drafting)


def is_foreign(row: WorkbookRow, columns: ImportColumns) -> bool:
    """Whether a row below the header holds nothing in any column of ours."""
    below = row.number > columns.header_row_number
    return below and all(row.cell(place) is None for place in columns.index.values())


def keyed(drafts: Sequence[RowDraft], known: Mapping[str, Mapping[int, int]]) -> list[RowDraft]:
    """Give each draft its key: its digest, and which of the equal rows it is.

    `known` is digest → lead ID → number among equals, of rows sent before: a row that bears such an ID is that very row. The
    others take the free numbers, those with an ID first; by their other cells before their place, for people sort workbooks.
    """
    equal: dict[str, list[int]] = {}
    for place, draft in enumerate(drafts):
        equal.setdefault(draft.digest, []).append(place)
    keys: dict[int, str] = {}
    for digest, places in equal.items():
        numbers: dict[int, int] = {}
        sent = known.get(digest, {})
        for place in places:
            number = sent.get(drafts[place].lead_id or 0)
            if number is not None and number not in numbers.values():
                numbers[place] = number
        free = (number for number in range(len(places) + len(numbers)) if number not in set(numbers.values()))
        for place in sorted(places, key=lambda one: (drafts[one].lead_id is None, drafts[one].rest, one)):
            if place not in numbers:
                numbers[place] = next(free)
        keys |= {place: key_of(digest, number) for place, number in numbers.items()}
    return [_with_key(draft, keys[place]) for place, draft in enumerate(drafts)]


def _with_key(draft: RowDraft, key: str) -> RowDraft:
    lead = None if draft.lead is None else replace(draft.lead, request_id=key)
    return replace(draft, key=key, lead=lead)


# --- one row ---


def _draft(row: WorkbookRow, drafting: Drafting) -> RowDraft:
    reader = _Reader(row, drafting)
    counted, columns = drafting.counted, drafting.columns
    later = {header: key for header, key in columns.taken.items() if header not in counted}
    hashes = (digest_of(row, columns, counted), digest_of(row, columns, later), person_of(row, columns))
    id_place = columns.index.get("id")
    if id_place is not None and row.cell(id_place) is not None:
        lead_id = _lead_id(row.cell(id_place))
        if lead_id is not None:
            return RowDraft(row, *hashes, lead_id)
        reader.note("id", BadCellError("is no lead ID"))
    lead = reader.lead()
    reader.check_repeated_header()
    return RowDraft(row, *hashes, None, None if reader.problems else lead, tuple(reader.problems))


def _lead_id(cell: WorkbookCell) -> int | None:
    return lead_id_of(cell) if isinstance(cell, (str, int, float)) else None


class _Reader:
    """Reads one row's cells into a lead and collects what is wrong with them."""

    def __init__(self, row: WorkbookRow, drafting: Drafting) -> None:
        self.problems: list[Problem] = []
        self._row = row
        self._drafting = drafting
        self._columns = drafting.columns

    def note(self, key: ColumnKey, bad: BadCellError, column: str = "") -> None:
        """Note what is wrong with the cell of a column."""
        title = column or self._columns.title(key)
        self.problems.append(Problem(self._row.number, title, self._shown(key), bad.reason, bad.nearest))

    def lead(self) -> NewLead:
        """The lead as far as the cells could be read."""
        name = self._text("name", NAME_LIMIT)
        title = self._text("title", NAME_LIMIT)
        lead_name = title or name
        if not lead_name and not self.problems:
            self.note("name", BadCellError("is empty, and a lead needs a name"))
        phones = self._read("phone", values.phones_of, NO_TEXTS)
        emails = self._read("email", values.emails_of, NO_TEXTS)
        has_contact = bool(name or phones or emails)
        return NewLead(
            request_id="",
            name=lead_name,
            price=self._read("price", values.price_of, None),
            stage=self._stage(),
            contact=NewContact(name or lead_name, phones, emails) if has_contact else None,
            company=self._text("company", NAME_LIMIT),
            fields=self._fields(),
            tags=(self._drafting.tag, *self._tags()),
        )

    def check_repeated_header(self) -> None:
        """Workbooks put together from several have their header more than once; it is all that is wrong with such a row."""
        texts = self._columns.texts
        places = [place for place in self._columns.index.values() if self._row.cell(place) is not None]
        if all(normal_header(str(self._row.cell(place))) == normal_header(texts[place]) for place in places):
            title = texts[places[0]].strip()
            self.problems[:] = [Problem(self._row.number, title, "", "repeats the header")]

    def _has(self, key: ColumnKey) -> bool:
        return self._cell(key) is not None

    def _cell(self, key: ColumnKey) -> WorkbookCell:
        place = self._columns.index.get(key)
        return None if place is None else self._row.cell(place)

    def _read(self, key: ColumnKey, read: Callable[[WorkbookCell], T], nothing: T) -> T:
        cell = self._cell(key)
        if cell is None:
            return nothing
        try:
            return read(cell)
        except BadCellError as bad:
            self.note(key, bad)
            return nothing

    def _text(self, key: ColumnKey, limit: int) -> str:
        return self._read(key, lambda cell: _limited(cell_text(cell), limit), "")

    def _tags(self) -> tuple[str, ...]:
        tags = self._read("tags", lambda cell: tuple(values.parts_of(cell_text(cell))), NO_TEXTS)
        return tuple(dict.fromkeys(tag for tag in tags if tag != self._drafting.tag))

    def _stage(self) -> Stage:
        beginnings = self._drafting.beginnings
        pipeline = self._read("pipeline", lambda cell: beginnings.pipeline(cell_text(cell)), None)
        if pipeline is None:
            if self._has("pipeline"):
                return Stage(0, 0)
            pipeline = beginnings.pipeline("")
        try:
            return beginnings.stage(cell_text(self._cell("status")), pipeline)
        except BadCellError as bad:
            self.note("status", bad)
            return Stage(0, 0)

    def _fields(self) -> tuple[NewField, ...]:
        found: list[NewField] = []
        for key in self._columns.index:
            field_id = field_id_of(key)
            if field_id is None or not self._has(key):
                continue
            field = self._columns.fields[field_id]
            given = self._read(key, partial(_field_values, field, self._drafting.zone), NO_VALUES)
            if given:
                found.append(NewField(field_id, field.type, given))
        if len(found) > MOST_FIELDS:
            reason = f"are {len(found)} fields with a value; amoCRM takes {MOST_FIELDS} in one lead"
            self.problems.append(Problem(self._row.number, "custom fields", "", reason))
        return tuple(found)

    def _shown(self, key: ColumnKey) -> str:
        field_id = field_id_of(key)
        is_shown = key in _VALUE_SHOWN if field_id is None else self._columns.fields[field_id].type in _TYPES_SHOWN
        cell = self._cell(key)
        if not is_shown or cell is None or isinstance(cell, CellError):
            return ""
        text = " ".join(cell_text(cell).split())
        return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _limited(text: str, limit: int) -> str:
    if len(text) > limit:
        raise BadCellError(f"is {len(text)} characters long; {limit} is the most")
    return text


def _field_values(field: LeadField, zone: tzinfo, cell: WorkbookCell) -> tuple[str | int | float | bool, ...]:
    """The values that a cell gives to a custom field; () where it leaves the field empty."""
    if field.type in ("numeric", "price", "monetary"):
        return (values.plain_number(values.number_of(cell)),)
    if field.type in ("date", "birthday", "date_time"):
        return (values.unix_of(values.moment_of(cell), zone, is_day=field.type != "date_time"),)
    if field.type == "checkbox":
        return (True,) if values.checkbox_of(cell) else ()
    text = cell_text(cell)
    if field.type == "multiselect":
        return values.options_of(text, field.options)
    if field.type in ("select", "radiobutton", "category"):
        return (values.option_of(text, field.options),)
    return (_limited(text, TEXT_LIMITS.get(field.type, NAME_LIMIT)),)
