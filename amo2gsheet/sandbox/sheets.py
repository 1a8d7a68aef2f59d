"""Google Sheets in memory: tokens, permissions, quotas, and spreadsheets that people and the API change.

It answers requests as Google does and refuses as Google does. It knows nothing about the program that uses it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from amo2gsheet.sandbox.environment import service_account_key
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_calls import READS, WRITES, Call
from amo2gsheet.sandbox.sheets_cells import Plain, Value, plain
from amo2gsheet.sandbox.sheets_errors import (
    JSON_HEADERS,
    ApiError,
    forbidden,
    html_page,
    invalid,
    not_found,
    over_quota,
)
from amo2gsheet.sandbox.sheets_fields import Mask
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_record import Change, Record
from amo2gsheet.sandbox.sheets_routes import Route, route
from amo2gsheet.sandbox.sheets_token import SCOPES, Tokens

SPREADSHEET_ID = "1SandboxSpreadsheetOfAmo2gsheet0000000000000"
_READ_SCOPE_METHODS = {"spreadsheets.get", "spreadsheets.values.get", "spreadsheets.values.batchGet"}


@dataclass(frozen=True, slots=True)
class Applied:
    """One change that took effect. `request` counts API requests from 1; 0 is a person."""

    request: int
    actor: Literal["api", "person"]
    spreadsheet_id: str
    change: Change


@dataclass(frozen=True, slots=True)
class Touch:
    """One cell that was written, by row and column number as the sheet shows them: from 1, at that moment."""

    request: int
    actor: Literal["api", "person"]
    sheet_id: int
    row_number: int
    column_number: int
    old: Plain
    new: Plain


@dataclass(frozen=True, slots=True)
class Seen:
    """One API request and how it was answered. `method` is Google's name for it."""

    number: int
    method: str
    spreadsheet_id: str
    status: int
    request: Request


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All spreadsheets at one moment, and how long the record of changes was."""

    books: dict[str, Book]
    applied: int


class SheetsCloud:
    """The Sheets side of the sandbox.

    Starts with one spreadsheet, `SPREADSHEET_ID`, in Russian, with the empty tab `Sheet1`.

    Attributes:
        host: the address it is reached at, without a slash at its end; goes into the key file.
        knobs: what can be switched, at any time.
        books: spreadsheet ID → spreadsheet; replaced as a whole by each change.
        applied: every change that took effect, in order.
        seen: every API request, token requests left out.
    """

    def __init__(self, clock: Callable[[], float], host: str = "http://127.0.0.1", knobs: SheetsKnobs | None = None) -> None:
        """Take the clock (Unix time) that tokens and quotas go by."""
        self.host = host.rstrip("/")
        self.knobs = knobs or SheetsKnobs()
        self.tokens = Tokens()
        self.books: dict[str, Book] = {}
        self.applied: list[Applied] = []
        self.seen: list[Seen] = []
        self.token_requests = 0
        self._clock = clock
        self._minute = 0
        self._spent: Counter[str] = Counter()
        self._old: dict[str, tuple[Book, int]] = {}
        self.add_book(SPREADSHEET_ID).add_tab("Sheet1", sheet_id=0)

    # For tests and people

    def add_book(self, spreadsheet_id: str) -> Book:
        """Add a spreadsheet without tabs and return it, to be filled before its first use."""
        book = Book(spreadsheet_id)
        self.books = {**self.books, spreadsheet_id: book}
        return book

    def service_account_key(self) -> dict[str, str]:
        """Return the contents of a key file that signs in here."""
        return service_account_key(f"{self.host}/token")

    def issue_token(self) -> str:
        """Return a token with the scope `spreadsheets`, for tests that skip signing in."""
        return self.tokens.issue(self._clock(), self.knobs.token_life_seconds, frozenset({SCOPES + "spreadsheets"}))

    def expire_tokens(self) -> None:
        """Make every token given out so far useless."""
        self.tokens.given.clear()

    @contextmanager
    def change(self, spreadsheet_id: str = SPREADSHEET_ID, actor: Literal["api", "person"] = "person") -> Iterator[Book]:
        """Work on a draft of a spreadsheet, swapped in at the end; an exception leaves everything as it was."""
        record = Record(actor, protected_text=self.knobs.protected_text)
        draft = self.books[spreadsheet_id].draft(record)
        yield draft
        self.books = {**self.books, spreadsheet_id: draft}
        number = len(self.seen) + 1 if actor == "api" else 0
        self.applied += [Applied(number, actor, spreadsheet_id, change) for change in record.changes]

    def snapshot(self) -> Snapshot:
        """Return everything the spreadsheets hold now; costs next to nothing."""
        return Snapshot(self.books, len(self.applied))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot; requests seen since stay in the record, changes do not."""
        self.books = snapshot.books
        self._old.clear()
        del self.applied[snapshot.applied :]

    def table(self, title: str = "Sheet1", spreadsheet_id: str = SPREADSHEET_ID) -> list[list[Plain]]:
        """Return what a tab shows, without blanks at the end of rows or blank rows at the end."""
        rows = [[plain(value) for value in row.values] for row in self.books[spreadsheet_id].tab(title).rows]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def cell(self, title: str, row_number: int, column_number: int) -> Value:
        """Return what a cell holds, by numbers from 1."""
        return self.books[SPREADSHEET_ID].tab(title).value(row_number - 1, column_number - 1)

    def touches(self, actor: Literal["api", "person"] | None = "api", since: int = 0) -> list[Touch]:
        """Return every cell written, deleted rows as cells set to None.

        Args:
            actor: whose writes, None for all.
            since: leave out so many entries of `applied`.
        """
        return [
            Touch(item.request, item.actor, change.sheet_id, change.row + 1, column + 1, plain(old), plain(new))
            for item in self.applied[since:]
            if actor in (None, item.actor)
            for change in [item.change]
            if change.kind in ("cells", "delete")
            for column, old, new in zip(change.columns, change.old, change.new, strict=True)
        ]

    def count(self, kind: Literal["read", "write"] | None = None) -> int:
        """Return how many API requests came in, refused ones too."""
        return sum(kind is None or (seen.method in WRITES) == (kind == "write") for seen in self.seen)

    # For clients

    def answer(self, request: Request) -> Answer:
        """Carry a request out and answer it."""
        if request.method == "POST" and request.path == "/token":
            self.token_requests += 1
            return self.tokens.answer(request, self.host, self._clock(), self.knobs)
        found = route(request.method, request.path)
        if found is None:
            return html_page(404, "Not Found")
        try:
            answer = self._carry_out(found, request)
        except ApiError as error:
            is_page = error.code == 429 and self.knobs.quota == "html"
            answer = html_page(429, "Too Many Requests") if is_page else error.answer()
        self.seen.append(Seen(len(self.seen) + 1, found.method, found.spreadsheet_id, answer.status, request))
        return answer

    def _carry_out(self, found: Route, request: Request) -> Answer:
        self.tokens.check(request, self._clock(), is_read_scope_enough=found.method in _READ_SCOPE_METHODS)
        self._check_access(found)
        mask = Mask.parse(request.first("fields"))
        body = _body(request)

        def call(now: Callable[[], Book]) -> Call:
            return Call(request, body, found.argument, self.knobs, now, mask)

        if found.method in READS:
            answer = READS[found.method](call(self._reader(found.spreadsheet_id)))
        else:
            before = self.books[found.spreadsheet_id]
            with self.change(found.spreadsheet_id, "api") as draft:
                answer = WRITES[found.method](call(lambda: draft))
            self._old[found.spreadsheet_id] = (before, self.knobs.old_reads_after_write)
        indent = 2 if self.knobs.is_pretty else None
        text = json.dumps(mask.keep(answer), ensure_ascii=False, indent=indent, separators=None if indent else (",", ":"))
        return Answer(200, text.encode(), dict(JSON_HEADERS))

    def _reader(self, spreadsheet_id: str) -> Callable[[], Book]:
        before, left = self._old.get(spreadsheet_id, (None, 0))
        if before is not None and left > 0:
            self._old[spreadsheet_id] = (before, left - 1)
            return lambda: before
        return lambda: self.books[spreadsheet_id]

    def _check_access(self, found: Route) -> None:
        if self.knobs.is_api_disabled:
            raise forbidden(
                "Google Sheets API has not been used in project 123456789012 before or it is disabled. Enable it by"
                " visiting https://console.developers.google.com/apis/api/sheets.googleapis.com/overview then retry.",
                "SERVICE_DISABLED",
            )
        self._spend("Write" if found.method in WRITES else "Read")
        if self.knobs.is_gone or found.spreadsheet_id not in self.books:
            raise not_found()
        if self.knobs.sharing == "none" or (self.knobs.sharing == "viewer" and found.method in WRITES):
            raise forbidden()
        if self.knobs.is_xlsx:
            raise ApiError(400, "FAILED_PRECONDITION", "This operation is not supported for this document")

    def _spend(self, kind: Literal["Read", "Write"]) -> None:
        if self.knobs.quota == "off":
            return
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._spent = minute, Counter()
        limit = self.knobs.reads_per_minute if kind == "Read" else self.knobs.writes_per_minute
        is_over = self._spent[kind] >= limit
        if not is_over or self.knobs.refused_calls_count:
            self._spent[kind] += 1
        if is_over:
            raise over_quota(kind, limit)


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    try:
        body = json.loads(request.body, parse_constant=_no_number)
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. Unexpected token.\n{error}") from error
    if not isinstance(body, dict):
        raise invalid('Invalid JSON payload received. Unknown name "": Root element must be a message.')
    return body


def _no_number(text: str) -> None:
    raise ValueError(text)
