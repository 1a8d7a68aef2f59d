"""The spreadsheet as the sync sees it: looks, rows, writes. Each method says how many requests it costs.

Rows are named by number only within one call and its answer; who waits in between has to look again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from amo2gsheet.exceptions import SheetError, TabMissingError, UnavailableError, WriteRefusedError
from amo2gsheet.model import (
    CellValue,
    Dropdown,
    Header,
    Layout,
    Mark,
    NewRow,
    Row,
    RowWrite,
    SheetLook,
    Tab,
    Workbook,
    WriteAnswer,
)
from amo2gsheet.retry import Clock, RetryPolicy
from amo2gsheet.sheet import answers, grid, metadata
from amo2gsheet.sheet.a1 import Area
from amo2gsheet.sheet.calls import SheetsCalls, believed
from amo2gsheet.sheet.http import GOOGLE, SheetsHttp
from amo2gsheet.sheet.insertion import Insertion
from amo2gsheet.sheet.layout import (
    NEW_TAB_COLUMNS,
    NEW_TAB_ROWS,
    dropdown_below,
    header_on_top,
    longer_by_a_row,
    new_tab,
)
from amo2gsheet.sheet.login import GoogleLogin
from amo2gsheet.sheet.overwriting import Overwriting, row_area
from amo2gsheet.sheet.problems import BeyondGridError, DropdownRefusedError
from amo2gsheet.sheet.ranges import row_requests

TOP_ROWS = Area(0, 0, grid.HEADER_SEARCH_ROWS, None)
_LOOKS = 3
"""Looks before giving up on columns that are somewhere else each time."""


class GoogleSheet:
    """One Google spreadsheet, as `sync.sides.SheetSide` asks for it.

    `is_write_shown` is whether values.batchUpdate takes ranges that show the rows it hits, best remembered from one run to the
    next.
    """

    def __init__(self, http: SheetsHttp, clock: Clock, *, is_write_shown: bool = True) -> None:
        self.is_write_shown = is_write_shown
        self._calls = SheetsCalls(http)
        self._clock = clock
        self._mark_ids: list[tuple[int, Mark]] = []
        self._tabs: Mapping[str, Tab] = {}

    @property
    def request_count(self) -> int:
        """Requests sent so far, token requests not counted."""
        return self._calls.request_count

    @property
    def quota_refusals(self) -> int:
        """How often Google said that a quota is spent."""
        return self._calls.quota_refusals

    def workbook(self) -> Workbook:
        """Read tabs, marks and commit tokens: one request."""
        found = self._calls.spreadsheet(
            answers.WORKBOOK_FIELDS, lambda answer: answers.workbook(answer, self._calls.spreadsheet_id)
        )
        self._mark_ids = found.marks
        self._tabs = {tab.title: tab for tab in found.tabs}
        return Workbook(found.tabs, tuple(mark for _, mark in found.marks), found.commit_tokens)

    def look(self, title: str, id_index: int, status_index: int) -> SheetLook:
        """Read top rows, ID column and status column; again when the header shows that the columns moved: one or two requests.

        An empty tab costs one request more: that it is empty is believed only after all of it was read.

        Raises:
            SheetLayoutError: `ID` or `статус` stands twice.
            TabMissingError: there is no tab of that title.
        """
        wanted: tuple[int, ...] = (id_index, status_index)
        for _ in range(_LOOKS):
            try:
                lines = self._columns(title, wanted)
            except BeyondGridError:
                # Columns were deleted, those remembered are past the end: the header tells where they are now.
                wanted = ()
                lines = self._columns(title, wanted)
            header = grid.find_header(grid.turned(lines[0]))
            if header is None:
                if any(_has_content(columns) for columns in lines):
                    return SheetLook(None, False, {})
                whole = self._whole(title)
                if grid.find_header(whole[: grid.HEADER_SEARCH_ROWS]) is None:
                    return SheetLook(None, not _has_content(whole), {})
                # The header appeared between the two reads.
                continue
            found = grid.key_columns(header)
            if found == wanted:
                ids, statuses = (column[0] if column else [] for column in lines[1:])
                if not all(grid.is_under(header, column, index) for column, index in zip((ids, statuses), found, strict=True)):
                    # The ranges of one answer can be of different instants, and columns have moved in between.
                    continue
                return SheetLook(header, False, grid.rows_below(header, ids, statuses))
            wanted = found
        raise UnavailableError(
            f'The columns of the tab "{title}" were at another place each time they were looked at.',
            "Somebody is moving columns; the next run looks again.",
        )

    def read_rows(self, title: str, header: Header, row_numbers: Sequence[int], indexes: Sequence[int]) -> list[Row]:
        """Read rows, each as one range that spans the ID and the given column indexes; rows beyond the grid are left out.

        One request where the rows stand close or are some dozens, else one for each 20,000 rows.
        """
        try:
            return self._rows(title, header, row_numbers, indexes)
        except BeyondGridError:
            tab = next((tab for tab in self.workbook().tabs if tab.title == title), None)
        if tab is None or grid.id_column(header) >= tab.column_count:
            return []
        inside = [number for number in row_numbers if number <= tab.row_count]
        try:
            return self._rows(title, header, inside, indexes)
        except BeyondGridError as error:
            raise _changed_meanwhile(title) from error

    def write_rows(self, title: str, header: Header, writes: Sequence[RowWrite]) -> WriteAnswer:
        """Write single cells of many rows in one atomic request (RAW) and return what the answer shows.

        Each row's range begins at its ID, which is left alone: the answer shows which rows were hit. Google's documentation does
        not say whether it shows more than the written cells, nor whether a range may leave a protected cell alone. Where one of
        the two fails, such a write goes out as a batch of `updateCells`, here after a refusal, and later for every write:
        `is_write_shown` is False then.

        Raises:
            WriteRefusedError: refused for its content, nothing written; `refused` names places in `writes`.
            UnclearOutcomeError: no answer told whether it was carried out.
        """
        if not self.is_write_shown:
            try:
                return self._overwrite(title, header, writes)
            except BeyondGridError as error:
                raise _changed_meanwhile(title) from error
        id_index = grid.id_column(header)
        areas = [row_area(write, id_index) for write in writes]
        data = [_value_range(title, place, write, area) for place, (write, area) in enumerate(zip(writes, areas, strict=True))]
        top = grid.header_area(header)
        # The header last, so that `Invalid data[N]` names a place in `writes`.
        data.append({"range": top.named(title), "values": [[None]]})
        try:
            answer = self._calls.write_values(title, data, lambda answer: answers.written(answer, areas, top, id_index))
        except WriteRefusedError as error:
            try:
                answer = self._overwrite(title, header, writes)
            except (WriteRefusedError, BeyondGridError):
                raise error from None
            self.is_write_shown = False
        else:
            self.is_write_shown = answer.rows is not None and answer.header is not None
        return answer

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
        A second request is made where the grid ends there, which gets one row more first, and where Google allows no
        dropdown, which is then left out.

        Raises:
            TokenUsedError: the spreadsheet knows the token already: an earlier try has landed. Nothing written now.
            WriteRefusedError: refused for its content, nothing written.
            UnclearOutcomeError: no answer told whether it was carried out.
        """
        insertion = Insertion(tab, header, rows, below_row, status_index)
        token = metadata.make_token(commit_token, self._clock.time())
        try:
            return self._insert(insertion, token, insertion.requests(dropdown))
        except BeyondGridError:
            pass
        except DropdownRefusedError:
            if dropdown is None:
                raise
            return self._insert(insertion, token, insertion.requests(None))
        try:
            return self._insert(insertion, token, [longer_by_a_row(tab.sheet_id), *insertion.requests(dropdown)])
        except BeyondGridError as error:
            raise _changed_meanwhile(tab.title) from error

    def drop_commit_tokens(self, tokens: Sequence[int]) -> None:
        """Forget old commit tokens: one request; where the cloud refuses, they stay and nothing is lost."""
        if tokens:
            try:
                self._calls.batch_update(metadata.drop(tokens), believed)
            except WriteRefusedError:
                return

    def read_dropdown(self, tab: Tab, status_index: int, row_number: int) -> Dropdown | None:
        """Read the dropdown of one cell: one request; None where it has none, no values where it is no plain list."""
        name = Area(row_number - 1, status_index, row_number, status_index + 1).named(tab.title)
        try:
            return self._calls.spreadsheet(
                answers.DROPDOWN_FIELDS, lambda answer: answers.dropdown(answer, tab.sheet_id), ranges=[name], title=tab.title
            )
        except BeyondGridError:
            return None

    def set_dropdown(self, tab: Tab, status_index: int, below_row: int, dropdown: Dropdown) -> None:
        """Put the dropdown on the whole status column below a row: one request."""
        request = dropdown_below(tab.sheet_id, status_index, below_row, dropdown)
        self._calls.batch_update([request], believed, title=tab.title)

    def prepare_tab(self, tab: Tab | None, layout: Layout, commit_token: int) -> Tab:
        """Make the tab (when None) and give it header, frozen row, dropdown, colours and formats, in one atomic request.

        The header goes into a row inserted on top, so that nothing which appears meanwhile is written over.

        Raises:
            TokenUsedError: an earlier try under this token has landed.
        """
        width = len(layout.columns)
        if tab is None:
            # A number of our own, for the other requests of the batch have to name the tab; tokens are not used twice.
            made = Tab(commit_token, layout.title, NEW_TAB_ROWS, max(NEW_TAB_COLUMNS, width))
            requests = new_tab(made.sheet_id, layout)
        else:
            made = Tab(tab.sheet_id, tab.title, tab.row_count + 1, max(tab.column_count, width))
            requests = header_on_top(tab, layout)
        token = metadata.make_token(commit_token, self._clock.time())
        try:
            self._calls.batch_update(requests, believed, token=token, title=made.title)
        except BeyondGridError as error:
            raise _changed_meanwhile(made.title) from error
        except WriteRefusedError as error:
            raise SheetError(f'The tab "{made.title}" could not be prepared: {error.message}') from error
        return made

    def set_mark(self, mark: Mark, replaced: Sequence[Mark]) -> None:
        """Leave the mark of the state that serves this spreadsheet in place of the marks in `replaced`: one request.

        One more where the marks were not read before.
        """
        known = {mark for _, mark in self._mark_ids}
        if not known.issuperset(replaced):
            self.workbook()
        gone = [metadata_id for metadata_id, found in self._mark_ids if found in replaced]
        self._calls.batch_update([metadata.make_mark(mark), *metadata.drop(gone)], believed)

    def write_nothing(self, tab: Tab) -> None:
        """Send a write that leaves every cell as it is, to see whether the account may write: one request.

        One more where the first cells are protected, as a header may be. The answer tells `is_write_shown`.

        Raises:
            WriteRefusedError: the last cells are protected, too.
        """
        width = min(2, tab.column_count)
        try:
            self._leave_alone(tab.title, Area(0, 0, 1, width))
        except WriteRefusedError:
            self._leave_alone(tab.title, Area(tab.row_count - 1, tab.column_count - width, tab.row_count, tab.column_count))

    def read_table(self, title: str) -> list[list[CellValue]]:
        """Read a whole small tab (Staff), rows from row 1; an empty list where there is no tab of that title."""
        try:
            ((_, rows),) = self._calls.values(title, [Area()])
        except TabMissingError:
            return []
        return rows

    def _leave_alone(self, title: str, area: Area) -> None:
        data = [{"range": area.named(title), "values": [[None]]}]
        self.is_write_shown = self._calls.write_values(title, data, lambda answer: answers.is_shown(answer, area))

    def _overwrite(self, title: str, header: Header, writes: Sequence[RowWrite]) -> WriteAnswer:
        """Write cells by `updateCells`: one request; one more where the tabs were not read before."""
        if title not in self._tabs:
            self.workbook()
        tab = self._tabs.get(title)
        if tab is None:
            raise TabMissingError(f'The spreadsheet has no tab "{title}" any more.')
        overwriting = Overwriting(tab, header, writes)
        return self._calls.batch_update(
            overwriting.requests(),
            overwriting.answer,
            shown=overwriting.shown,
            fields=answers.SHOWN_FIELDS,
            title=title,
            is_ageing=True,
        )

    def _insert(self, insertion: Insertion, token: Mapping[str, Any], requests: Sequence[Mapping[str, Any]]) -> WriteAnswer:
        return self._calls.batch_update(
            requests,
            insertion.answer,
            token=token,
            shown=insertion.shown,
            fields=answers.SHOWN_FIELDS,
            title=insertion.tab.title,
            is_ageing=True,
        )

    def _columns(self, title: str, indexes: Sequence[int]) -> list[list[list[CellValue]]]:
        areas = [TOP_ROWS, *(Area(0, index, None, index + 1) for index in indexes)]
        return [columns for _, columns in self._calls.values(title, areas, by_columns=True)]

    def _whole(self, title: str) -> list[list[CellValue]]:
        ((_, rows),) = self._calls.values(title, [Area()])
        return rows

    def _rows(self, title: str, header: Header, row_numbers: Sequence[int], indexes: Sequence[int]) -> list[Row]:
        id_index = grid.id_column(header)
        wanted = sorted({id_index, *indexes})
        asked = set(row_numbers)
        rows: list[Row] = []
        for areas in row_requests(title, row_numbers, wanted[0], wanted[-1] + 1):
            for area, (covered, lines) in zip(areas, self._calls.values(title, areas), strict=True):
                bottom = min(area.bottom or 0, covered.bottom or area.bottom or 0)
                for row_index in range(area.top, bottom):
                    if row_index + 1 in asked:
                        line = lines[row_index - area.top] if row_index - area.top < len(lines) else []
                        rows.append(grid.row_of(row_index + 1, area.left, line, wanted, id_index))
        return rows


def _value_range(title: str, place: int, write: RowWrite, area: Area) -> dict[str, Any]:
    """Return the ValueRange of one row; null leaves the cells between alone."""
    try:
        cells = [grid.sent(write.cells[i]) if i in write.cells else None for i in range(area.left, area.right or 0)]
    except ValueError as error:
        raise WriteRefusedError(f"A cell of row {write.row_number} cannot be written: {error}.", {place: str(error)}) from error
    return {"range": area.named(title), "values": [cells]}


def _has_content(lines: Sequence[Sequence[CellValue]]) -> bool:
    """Tell whether anything stands there that people can see."""
    return any(cell is not None and str(cell).strip() != "" for line in lines for cell in line)


def _changed_meanwhile(title: str) -> UnavailableError:
    return UnavailableError(
        f'Rows or columns of the tab "{title}" were deleted while it was being worked on.', "The next run looks again."
    )


def open_login(
    key_path: Path,
    token_path: Path,
    *,
    clock: Clock,
    new_session: Callable[[], requests.Session] = requests.Session,
    policy: RetryPolicy | None = None,
) -> GoogleLogin:
    """Return the login of a service account; asks nothing yet. `token_path` is where the access token is kept between runs."""
    return GoogleLogin(key_path, token_path, clock=clock, new_session=new_session, policy=policy)


def open_sheet(
    spreadsheet_id: str,
    key_path: Path,
    token_path: Path,
    *,
    clock: Clock,
    base_url: str = GOOGLE,
    new_session: Callable[[], requests.Session] = requests.Session,
    policy: RetryPolicy | None = None,
    is_write_shown: bool = True,
) -> GoogleSheet:
    """Return the spreadsheet as seen with a service account's key; asks nothing yet.

    `token_path` is where the access token is kept between runs, `base_url` another address of the Sheets API.
    """
    login = open_login(key_path, token_path, clock=clock, new_session=new_session, policy=policy)
    http = SheetsHttp(spreadsheet_id, login, clock=clock, new_session=new_session, base_url=base_url, policy=policy)
    return GoogleSheet(http, clock, is_write_shown=is_write_shown)
