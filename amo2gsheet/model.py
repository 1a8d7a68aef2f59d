"""The words of the sync: what a lead, a row, a base and a plan are. Plain data; no I/O, no clock, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

CellValue = str | int | float | bool | None
"""What one cell holds, as Sheets shows it unformatted: text, number, checkbox; None is an empty cell ("" is read as None)."""

ColumnKey = str
"""What a column is for: a system key of `fields.SYSTEM_COLUMNS` (`id`, `status`, `phone` …) or `field:<custom field ID>`."""


# --- amoCRM ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Stage:
    """Where a lead stands. 142 and 143 exist in every pipeline, so a status ID alone names nothing."""

    pipeline_id: int
    status_id: int


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """One stage as a pipeline lists it. `is_incoming`: the stage of unsorted requests, never a target of a move."""

    stage: Stage
    name: str
    sort: int
    is_incoming: bool = False


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline with its stages in the order of `sort`."""

    id: int
    name: str
    sort: int
    is_main: bool
    stages: tuple[PipelineStage, ...]
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class LeadField:
    """A custom field of leads; `type` is amoCRM's word (`text`, `date`, `select` …)."""

    id: int
    name: str
    type: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldValue:
    """The values of one custom field of one lead as amoCRM gave them (text, number, bool, Unix seconds); never empty."""

    field_id: int
    type: str
    values: tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as a list or `GET` by ID shows it. Times are Unix seconds; `contact_ids` has the main contact first.

    `price` is None where amoCRM gives none. `digest` tells two versions of one lead apart: it covers all that the answer shows of
    the lead, its time included.
    """

    id: int
    name: str
    price: int | float | None
    stage: Stage
    responsible_user_id: int
    created_at: int
    updated_at: int
    contact_ids: tuple[int, ...] = ()
    company_id: int | None = None
    tags: tuple[str, ...] = ()
    fields: Mapping[int, FieldValue] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class UnreadLead:
    """A lead of a list of whose data some part cannot be read. `updated_at` (Unix seconds) is its place in the list."""

    id: int
    updated_at: int
    problem: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact with its distinct phones and e-mails in amoCRM's order."""

    id: int
    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    updated_at: int = 0


@dataclass(frozen=True, slots=True)
class Company:
    """A company."""

    id: int
    name: str
    updated_at: int = 0


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """A lead went from one stage to another at `created_at` (Unix seconds)."""

    id: str
    lead_id: int
    before: Stage | None
    after: Stage | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the token belongs to.

    `zone` is an IANA name (`Asia/Tashkent`), or an offset (`+05:00`) where the machine that read the account knew no such name.
    """

    id: int
    name: str
    subdomain: str
    zone: str
    is_filter_enabled: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """What names things: pipelines, custom fields, users, staff codes, the account's zone.

    `users` is None where the token may not read them: IDs then show. `staff` is staff code (normalised) → name.
    """

    pipelines: tuple[Pipeline, ...]
    lead_fields: tuple[LeadField, ...]
    users: Mapping[int, str] | None
    staff: Mapping[str, str]
    zone: str


@dataclass(frozen=True, slots=True)
class LeadDetails:
    """A lead with the contacts (main first) and the company that its cells are made of.

    `hidden` are the columns made of what the token may not see: nobody knows what they should show.
    """

    lead: Lead
    contacts: tuple[Contact, ...] = ()
    company: Company | None = None
    hidden: frozenset[ColumnKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """Ask amoCRM to put a lead into a stage."""

    lead_id: int
    target: Stage


@dataclass(frozen=True, slots=True)
class MoveAnswers:
    """What amoCRM said to a batch of moves: lead ID → `updated_at` of the answer, lead ID → reason of the refusal."""

    moved: Mapping[int, int]
    refused: Mapping[int, str]


# --- sheet ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the spreadsheet. `sheet_id` stays when people rename it."""

    sheet_id: int
    title: str
    row_count: int
    column_count: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Which state serves this spreadsheet: written into it so that a second state notices."""

    state_id: str
    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Workbook:
    """The tab list, with the marks and commit tokens (metadata ID → Unix seconds of its making) that the tool left behind."""

    tabs: tuple[Tab, ...]
    marks: tuple[Mark, ...]
    commit_tokens: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Header:
    """The header row: where it stands (`row_number` from 1) and its texts from column A on, as typed."""

    row_number: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is whose: column key → column index from 0.

    `foreign` are the texts of people's own columns; `doubled` those headers (not required ones) that stand twice, of which
    the left one counts.
    """

    index: Mapping[ColumnKey, int]
    foreign: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()

    @property
    def id_index(self) -> int:
        """Column of the lead IDs."""
        return self.index["id"]

    @property
    def status_index(self) -> int:
        """Column of the dropdown."""
        return self.index["status"]


@dataclass(frozen=True, slots=True)
class SheetLook:
    """One look at a tab: its header, and of each row below it that has something in the ID cell the ID and the status.

    `header` is None where no row of the top ten is one; then `is_empty` tells an empty tab from one with other contents.
    `rows` is row number (from 1) → (raw ID cell, raw status cell). The two columns may be of different instants.
    """

    header: Header | None
    is_empty: bool
    rows: Mapping[int, tuple[CellValue, CellValue]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row at one instant: its number from 1, its lead ID (None: no usable ID in the cell), its cells by column index."""

    number: int
    lead_id: int | None
    cells: Mapping[int, CellValue]


@dataclass(frozen=True, slots=True)
class RowWrite:
    """Values for one row, found by its lead ID a moment ago: column index → value (None empties the cell).

    `shown` are columns that the answer is to show besides.
    """

    row_number: int
    lead_id: int
    cells: Mapping[int, CellValue]
    shown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """What the cloud showed after a write, of the write's own instant.

    `rows` are the rows hit, in the order of the writes, with every cell from the ID to the last written one; `header` is the
    header row of that instant. Either is None where the answer did not tell.
    """

    rows: tuple[Row, ...] | None
    header: Header | None


class CellFormat(Enum):
    """How a new cell is shown: (Sheets number format type, pattern).

    A pattern with optional decimals shows a bare point after whole numbers, so those have a pattern of their own.
    """

    ID = ("NUMBER", "0")
    NUMBER = ("NUMBER", "#,##0")
    DECIMAL = ("NUMBER", "#,##0.###")
    TEXT = ("TEXT", "@")
    DATE = ("DATE", "dd.mm.yyyy")
    DATE_TIME = ("DATE_TIME", "dd.mm.yyyy hh:mm")


@dataclass(frozen=True, slots=True)
class NewCell:
    """A cell of a new row: its value and its number format."""

    value: CellValue
    format: CellFormat


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to be made: lead ID and column index → cell, one for every column of ours."""

    lead_id: int
    cells: Mapping[int, NewCell]


@dataclass(frozen=True, slots=True)
class Dropdown:
    """The dropdown of a status cell: the values it offers, and the whole rule as Sheets words it (empty: the tool's own)."""

    values: tuple[str, ...]
    rule: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """What an empty tab is given: its title, headers with the format of their columns, and the status column's dropdown.

    `colours` is dropdown value → background as RGB shares from 0 to 1.
    """

    title: str
    columns: tuple[tuple[str, CellFormat], ...]
    status_index: int
    dropdown: Dropdown
    colours: Mapping[str, tuple[float, float, float]]


# --- the agreement --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellBase:
    """What an amoCRM-owned cell was when both sides last agreed: amoCRM's value as shown, and what the cell showed then."""

    amo: CellValue
    sheet: CellValue


@dataclass(frozen=True, slots=True)
class StatusBase:
    """What the status was when both sides last agreed: stage, the text it was shown as, and the text of the cell.

    A stage of (0, 0) stands for "not known": it differs from every real one.
    """

    stage: Stage
    shown: str
    text: str


@dataclass(frozen=True, slots=True)
class Base:
    """All that was agreed about one tracked lead on one tab.

    `missing` counts the runs in a row that did not see the row (2 = deleted by a person, -1 = vanished with many others).
    """

    lead_id: int
    status: StatusBase | None = None
    cells: Mapping[ColumnKey, CellBase] = field(default_factory=dict)
    missing: int = 0
