"""What a refusal of Google means for the user. Knows the wording of the Sheets API, not HTTP."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from amo2gsheet.exceptions import (
    AmoGsheetError,
    LoginError,
    SheetError,
    TabMissingError,
    TabNameTakenError,
    TokenUsedError,
    UnavailableError,
    WriteRefusedError,
)

TRANSIENT_STATUSES = frozenset({408, 425, 429, 499, *range(500, 600)})
"""Answers after which the same request may go through (Google API design guide, error codes)."""

_DATA_INDEX = re.compile(r"Invalid data\[(\d+)\]")
_QUOTED = re.compile(r'"[^"]*"?')
_DROPDOWN = re.compile(r"typed columns?|data ?validation", re.IGNORECASE)
_LONGEST_QUOTE = 300


class BeyondGridError(SheetError):
    """The grid ends before the place that is meant: rows or columns were deleted since it was looked at."""


class DropdownRefusedError(WriteRefusedError):
    """The write puts a dropdown where Google allows none of ours: people made the range a table with typed columns."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not 2xx: its HTTP status, and as far as it is Google's JSON its status word, text and reasons."""

    code: int
    status: str = ""
    message: str = ""
    reasons: frozenset[str] = field(default_factory=frozenset)
    is_json: bool = False

    @classmethod
    def read(cls, code: int, body: bytes) -> Refusal:
        """Read the body of an answer, whatever it is."""
        try:
            error = json.loads(body)["error"]
            details = [item for item in error.get("details") or [] if isinstance(item, dict)]
            reasons = frozenset(str(item["reason"]) for item in details if "reason" in item)
            return cls(code, str(error.get("status", "")), str(error.get("message", "")), reasons, is_json=True)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return cls(code)

    @property
    def is_transient(self) -> bool:
        """Whether the same request may go through a moment later."""
        return self.code in TRANSIENT_STATUSES or self.is_quota

    @property
    def is_quota(self) -> bool:
        """Whether the minute's quota is spent: refused before any work."""
        return self.code == 429 or self.status == "RESOURCE_EXHAUSTED" or "RATE_LIMIT_EXCEEDED" in self.reasons

    @property
    def text(self) -> str:
        """What Google said, fit to be shown: quoted parts may be what stands in a cell, so they are left out."""
        return f"HTTP {self.code}: {self._told}" if self.message else f"HTTP {self.code}"

    @property
    def _told(self) -> str:
        return " ".join(_QUOTED.sub('"…"', self.message).split())[:_LONGEST_QUOTE]

    def _is_beyond_grid(self, *, is_write: bool) -> bool:
        """Tell whether the grid ends before the place that is meant.

        Of written values `exceeds grid limits` is a refusal like any other: it names the range, and the rest can go in.
        """
        if "insertDimension" in self.message or "beyond the last requested" in self.message:
            return True
        return "exceeds grid limits" in self.message and (not is_write or _DATA_INDEX.search(self.message) is None)

    @property
    def _is_token_used(self) -> bool:
        """Tell whether the batch was refused for its first request, which leaves the commit token.

        Google's words for a metadata ID in use are not documented, so all that is no other refusal counts.
        """
        is_about_it = "requests[0]" in self.message or "etadata" in self.message or self.status == "ALREADY_EXISTS"
        return self.code in (400, 409) and is_about_it and not self._is_store_full

    @property
    def _is_store_full(self) -> bool:
        return "etadata" in self.message and ("storage" in self.message or "exceed" in self.message)

    @property
    def _names_no_tab(self) -> bool:
        return "Unable to parse range" in self.message or re.search(r"No (sheet|grid) with id", self.message) is not None

    def error(self, *, is_write: bool, email: str, title: str | None = None, has_token: bool = False) -> AmoGsheetError:
        """Return the error that this answer stands for.

        `email` is the service account that the sheet must be shared with, `title` the tab that was asked for; `has_token`: the
        batch began with a commit token.
        """
        if has_token and self._is_token_used:
            return TokenUsedError(f"Google refused the write for its commit token ({self.text}).")
        if self.code == 400 and self.is_json:
            return self._content_error(is_write=is_write, title=title)
        if self.code == 401:
            return LoginError(
                f"Google refuses the token of the service account {email} ({self.text}).",
                "Make a new JSON key for it in the Google Cloud console and save it as GOOGLE_SERVICE_ACCOUNT_FILE.",
            )
        if self.code == 403:
            return self._right_error(is_write=is_write, email=email)
        if self.code == 404 and self.is_json:
            return SheetError(
                "Google knows no spreadsheet of this ID, or hides it from the service account.",
                f"Compare GOOGLE_SHEET_ID with the address of the spreadsheet, and share it with {email} as Editor.",
            )
        if self.code == 413:
            return WriteRefusedError(f"The request is too large for Google ({self.text}).")
        if 300 <= self.code < 400:
            return UnavailableError(
                f"The Sheets API answered with a redirect ({self.text}), which is not followed.",
                "A proxy stands in between, or GOOGLE_SHEETS_BASE_URL is not the address of the API.",
            )
        return UnavailableError(
            f"Google Sheets gave no usable answer ({self.text}).",
            "If it stays so: is GOOGLE_SHEETS_BASE_URL the address of the API?",
        )

    def _right_error(self, *, is_write: bool, email: str) -> AmoGsheetError:
        told = self.message
        if "SERVICE_DISABLED" in self.reasons or "has not been used in project" in told or "it is disabled" in told:
            return LoginError(
                "The Google Sheets API is switched off in the project of the service account.",
                f'Switch "Google Sheets API" on in the Google Cloud console, then wait a few minutes. Google says: {self.text}',
            )
        if "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in self.reasons or "insufficient authentication scopes" in told:
            return LoginError(f"The service account's token does not cover spreadsheets ({self.text}).")
        if not self.is_json:
            return LoginError(
                f"Access to the Sheets API was blocked on the way ({self.text}).",
                "A proxy or firewall answers in Google's place, or Google blocks this network.",
            )
        right = "may only look at the spreadsheet, or a part of it is protected" if is_write else "may not open the spreadsheet"
        return SheetError(
            f"The service account {email} {right} ({self.text}).",
            f'Open the spreadsheet, press "Share", and add {email} as Editor.',
        )

    def _content_error(self, *, is_write: bool, title: str | None) -> AmoGsheetError:
        told = self.message
        if self.status == "FAILED_PRECONDITION" or "not supported for this document" in told:
            return SheetError(
                f"This is no Google spreadsheet but an Excel file opened in Google Drive ({self.text}).",
                'Open it, choose "File > Save as Google Sheets", and put the ID of the new spreadsheet into GOOGLE_SHEET_ID.',
            )
        if self._names_no_tab:
            named = "no such tab" if title is None else f'no tab "{title}"'
            return TabMissingError(
                f"The spreadsheet has {named}, or has it no longer ({self.text}).",
                "Compare GOOGLE_WORKSHEET_NAME with the names of the tabs.",
            )
        if self._is_store_full:
            return SheetError(
                f"The spreadsheet has no room left for the notes that programs leave in it ({self.text}).",
                "Another program or add-on has filled its developer metadata; copy the rows into a new spreadsheet.",
            )
        if "limit of 10000000 cells" in told:
            return SheetError(
                f"The spreadsheet is full ({self.text}).",
                "Delete empty rows and columns, or move old rows to another spreadsheet.",
            )
        if "addSheet" in told:
            kind = TabNameTakenError if "A sheet with the name" in told else UnavailableError
            return kind(f"The tab could not be made ({self.text}).", "The next run looks again which tabs there are.")
        if self._is_beyond_grid(is_write=is_write):
            return BeyondGridError(f"Rows or columns were deleted from the tab meanwhile ({self.text}).")
        if is_write and _DROPDOWN.search(told):
            return DropdownRefusedError(f"Google refused the dropdown ({self.text}).")
        if is_write:
            refused = {int(index): self._told for index in _DATA_INDEX.findall(told)}
            return WriteRefusedError(f"Google refused the cells ({self.text}).", refused)
        return SheetError(f"Google refused to read the spreadsheet ({self.text}).")
