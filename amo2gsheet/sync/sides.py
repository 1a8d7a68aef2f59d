"""What the sync needs of amoCRM and of the sheet. Protocols only: the sync knows neither HTTP nor gspread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from amo2gsheet.exceptions import ForbiddenError, UnreadableError
from amo2gsheet.model import (
    Account,
    CellValue,
    Company,
    Contact,
    Dropdown,
    Header,
    Layout,
    Lead,
    LeadField,
    Mark,
    Move,
    MoveAnswers,
    NewRow,
    Pipeline,
    Row,
    RowWrite,
    SheetLook,
    Stage,
    StatusEvent,
    Tab,
    UnreadLead,
    Workbook,
    WriteAnswer,
)

NO_ANSWER = (ForbiddenError, UnreadableError)
"""The cloud answers, but tells nothing of what was asked for: others can be asked for all the same."""


class AmoSide(Protocol):
    """The amoCRM account. Every method may raise UnavailableError, LoginError, ForbiddenError."""

    @property
    def server_time(self) -> int:
        """The `Date` of the last answer, Unix seconds by amoCRM's own clock; 0 before the first answer."""
        ...

    @property
    def request_count(self) -> int:
        """Requests sent so far, token requests not counted."""
        ...

    def account(self) -> Account:
        """Read the account: one request."""
        ...

    def pipelines(self) -> tuple[Pipeline, ...]:
        """Read all pipelines with their stages: one request."""
        ...

    def lead_fields(self) -> tuple[LeadField, ...]:
        """Read the custom fields of leads, all pages."""
        ...

    def users(self) -> dict[int, str] | None:
        """Read the users, all pages: ID → name; None where the token may not."""
        ...

    def newest_leads(self, count: int = 0) -> list[Lead | UnreadLead]:
        """Read leads, newest `updated_at` first: one page, and more until there are so many."""
        ...

    def changed_leads(self, since: int) -> Iterator[list[Lead | UnreadLead]]:
        """Read every lead changed at or after `since` (Unix seconds), oldest first, in lists; loses none that changes meanwhile.

        A lead may come twice. After each list every lead whose change is older than the list's last one has been given (where the
        account keeps no filter the whole comes as one list).
        """
        ...

    def leads_in_stages(self, stages: Sequence[Stage]) -> Iterator[list[Lead | UnreadLead]]:
        """Read every lead that stands in one of the stages now, and those of which that could not be read."""
        ...

    def leads_by_id(self, lead_ids: Sequence[int]) -> dict[int, Lead]:
        """Read leads in bulk. What is not in the result is unread, not gone."""
        ...

    def lead(self, lead_id: int) -> Lead | None:
        """Read one lead as it is now; None: amoCRM says that there is none (204, 404). UnreadableError: it is of no use."""
        ...

    def contacts(self, contact_ids: Sequence[int]) -> dict[int, Contact]:
        """Read contacts in bulk; those left out of the bulk answer are asked for by ID, a missing one is really gone."""
        ...

    def companies(self, company_ids: Sequence[int]) -> dict[int, Company]:
        """Read companies in bulk; as `contacts`."""
        ...

    def changed_contacts(self, since: int) -> list[tuple[int, int]]:
        """Read (ID, `updated_at`) of contacts changed at or after `since`."""
        ...

    def changed_companies(self, since: int) -> list[tuple[int, int]]:
        """Read (ID, `updated_at`) of companies changed at or after `since`."""
        ...

    def trigger_events(self, stages: Sequence[Stage], since: int) -> list[StatusEvent]:
        """Read the moves into or out of one of the stages at or after `since`; one of `NO_ANSWER` without the right to events."""
        ...

    def moves_of(self, lead_id: int, since: int) -> list[StatusEvent]:
        """Read the moves of one lead at or after `since`, oldest first; one of `NO_ANSWER` without the right to events."""
        ...

    def move(self, moves: Sequence[Move]) -> MoveAnswers:
        """Move leads, at most 50 a request. A batch refused for single items goes through without them.

        Raises:
            UnclearOutcomeError: a request was sent and no answer told what became of it.
        """
        ...


class SheetSide(Protocol):
    """The spreadsheet. Every method may raise UnavailableError, LoginError, SheetError; writes also UnclearOutcomeError."""

    @property
    def request_count(self) -> int:
        """Requests sent so far, token requests not counted."""
        ...

    def workbook(self) -> Workbook:
        """Read tabs, marks and commit tokens: one request."""
        ...

    def look(self, title: str, id_index: int, status_index: int) -> SheetLook:
        """Read top rows, ID column and status column; again when the header shows that the columns moved: one or two requests.

        Raises:
            SheetLayoutError: `ID` or `статус` stands twice.
            TabMissingError: there is no tab of that title.
        """
        ...

    def read_rows(self, title: str, header: Header, row_numbers: Sequence[int], indexes: Sequence[int]) -> list[Row]:
        """Read rows, each as one range that spans the ID and the given column indexes; rows beyond the grid are left out."""
        ...

    def write_rows(self, title: str, header: Header, writes: Sequence[RowWrite]) -> WriteAnswer:
        """Write single cells of many rows in one atomic request (RAW) and return what the answer shows.

        Raises:
            WriteRefusedError: refused for its content, nothing written.
            UnclearOutcomeError: no answer told whether it was carried out.
        """
        ...

    def insert_rows(
        self,
        tab: Tab,
        header: Header,
        rows: Sequence[NewRow],
        *,
        below_row: int,
        commit_token: int,
        dropdown: Dropdown | None,
        status_index: int,
    ) -> WriteAnswer:
        """Insert new rows below row `below_row`, filled, in one atomic request under a commit token.

        The rows look like the row above (below the header: like the row below). `dropdown` is put on their status cells.
        The answer's rows are the inserted ones in the order of `rows`.

        Raises:
            TokenUsedError: the spreadsheet knows the token already: an earlier try has landed. Nothing written now.
            WriteRefusedError: refused for its content, nothing written.
            UnclearOutcomeError: no answer told whether it was carried out.
        """
        ...

    def drop_commit_tokens(self, tokens: Sequence[int]) -> None:
        """Forget old commit tokens: one request; where the cloud refuses, they stay and nothing is lost."""
        ...

    def read_dropdown(self, tab: Tab, status_index: int, row_number: int) -> Dropdown | None:
        """Read the dropdown of one cell: one request; None where it has none."""
        ...

    def set_dropdown(self, tab: Tab, status_index: int, below_row: int, dropdown: Dropdown) -> None:
        """Put the dropdown on the whole status column below a row."""
        ...

    def prepare_tab(self, tab: Tab | None, layout: Layout, commit_token: int) -> Tab:
        """Make the tab (when None) and give it header, frozen row, dropdown, colours and formats, in one atomic request.

        The header goes into a row inserted on top, so that nothing which appears meanwhile is written over.

        Raises:
            TokenUsedError: an earlier try under this token has landed.
        """
        ...

    def set_mark(self, mark: Mark, replaced: Sequence[Mark]) -> None:
        """Leave the mark of the state that serves this spreadsheet in place of the marks in `replaced`: one request."""
        ...

    def read_table(self, title: str) -> list[list[CellValue]]:
        """Read a whole small tab (Staff), rows from row 1; an empty list where there is no tab of that title."""
        ...
