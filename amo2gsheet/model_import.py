"""The words of an import: what a workbook holds, what a new lead is, what amoCRM answers. Plain data; no I/O, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from amo2gsheet.exceptions import AmoGsheetError
from amo2gsheet.model import Stage
from amo2gsheet.names import normal_header


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell that shows an error instead of a value (`#N/A`), or a formula that no program has worked out yet."""

    text: str


WorkbookCell = str | int | float | bool | datetime | date | time | CellError | None
"""What a cell of a workbook holds; None is an empty one."""


@dataclass(frozen=True, slots=True)
class WorkbookRow:
    """One row that is not blank: its number from 1 as Excel shows it, and its cells from column A on."""

    number: int
    cells: tuple[WorkbookCell, ...]

    def cell(self, column_index: int) -> WorkbookCell:
        """The cell of a column from 0; None beyond the last one."""
        return self.cells[column_index] if column_index < len(self.cells) else None


@dataclass(frozen=True, slots=True)
class SentBefore:
    """What a result workbook remembers of one row: its key, its lead (0: unclear), and when it was sent by amoCRM's clock."""

    key: str
    lead_id: int
    sent_at: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a result workbook remembers of its import.

    `columns` is header as compared → column key, of the columns that make a row's key; `written_at` is amoCRM's time. `others`
    are imports of its rows under other tags, as far as rows of them are unclear.
    """

    tag: str
    columns: Mapping[str, str]
    rows: tuple[SentBefore, ...]
    written_at: int
    others: tuple[Recalled, ...] = ()

    def of(self, tag_key: str) -> Recalled | None:
        """What is remembered of the import under that tag, as tags are compared; None: nothing."""
        return next((one for one in (self, *self.others) if normal_header(one.tag) == tag_key), None)

    def besides(self, tag_key: str) -> tuple[Recalled, ...]:
        """What is remembered of imports under other tags."""
        return tuple(one for one in (self, *self.others) if normal_header(one.tag) != tag_key)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One sheet of a workbook: its title and its rows without the blank ones; `recalled` where it is a result workbook."""

    title: str
    rows: tuple[WorkbookRow, ...]
    recalled: Recalled | None = None


@dataclass(frozen=True, slots=True)
class NewContact:
    """The contact of a new lead."""

    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewField:
    """The values of one custom field of a new lead; `type` is amoCRM's word, options are given by their labels."""

    field_id: int
    type: str
    values: tuple[str | int | float | bool, ...]


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead to be made. `request_id` names it in amoCRM's answer and is not stored there; `price` None: not given."""

    request_id: str
    name: str
    price: int | None
    stage: Stage
    contact: NewContact | None = None
    company: str = ""
    fields: tuple[NewField, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """What amoCRM made of a new lead. `is_merged`: its duplicate control put it into a lead that was there."""

    lead_id: int
    is_merged: bool = False


@dataclass(frozen=True, slots=True)
class CreateAnswers:
    """What became of new leads, by `request_id`: made, refused with a reason, sent without an answer that tells.

    The rest was surely not carried out; `stopped` is why, None where there is no rest. `is_unanswered`: of what is unclear, some
    got no answer at all.
    """

    created: Mapping[str, Created] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    unclear: frozenset[str] = frozenset()
    stopped: AmoGsheetError | None = None
    is_unanswered: bool = False
