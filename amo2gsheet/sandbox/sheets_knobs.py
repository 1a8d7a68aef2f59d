"""Everything about the Sheets stand-in that a test can switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from amo2gsheet.sandbox.sheets_errors import PROTECTED

TokenFault = Literal["clock_skew", "account_not_found", "bad_signature", "server_error"]


@dataclass(slots=True)
class SheetsKnobs:
    """Switches; the defaults are what Google most probably does.

    Attributes:
        quota: how a spent minute is answered; `off` counts nothing.
        reads_per_minute: reads per minute and user before the 429.
        writes_per_minute: the same for writes.
        refused_calls_count: whether a call answered 429 uses up quota too.
        sharing: what the service account may do with the spreadsheet.
        is_api_disabled: the Sheets API is off in the key's project.
        is_gone: the spreadsheet was deleted or its ID is wrong.
        is_xlsx: the file is an Excel workbook opened in Drive.
        token_fault: how the token endpoint refuses, None for tokens.
        checks_assertion_clock: whether the token endpoint compares `iat` and `exp` with the sandbox's clock.
        token_life_seconds: how long a token is good.
        values_in_response: what `includeValuesInResponse` covers: the range as it was asked for, or only from the
            first to the last cell that was written.
        formatted_cells_count_as_data: whether a cell with only a look or a dropdown makes a row a row with data, for
            append and appendCells.
        are_blank_formulas_trimmed: whether formulas that show nothing are left out at the end of a row.
        does_sort_carry_metadata: whether what is anchored to a row goes along when whole rows are sorted.
        is_strict_validation_kept: whether the API refuses values that a strict dropdown does not list.
        old_reads_after_write: after each write so many reads still show the state before it.
        between_ranges: called between the ranges of one batchGet with the number of ranges read so far; what it
            changes is seen by the later ranges only.
        protected_text: what the API says about a protected cell, in the language of the document.
        is_null_a_touch: whether a protected cell refuses a range that leaves it alone (null), too.
        refuses_used_metadata_id: whether a batch that creates a metadata ID already in use fails.
        metadata_limit: characters of keys and values per tab, and for the spreadsheet itself.
        is_pretty: whether answers are indented, as Google's are; compact ones are much faster to make.
    """

    quota: Literal["json", "html", "off"] = "json"
    reads_per_minute: int = 60
    writes_per_minute: int = 60
    refused_calls_count: bool = False
    sharing: Literal["editor", "viewer", "none"] = "editor"
    is_api_disabled: bool = False
    is_gone: bool = False
    is_xlsx: bool = False
    token_fault: TokenFault | None = None
    checks_assertion_clock: bool = False
    token_life_seconds: int = 3599
    values_in_response: Literal["requested", "written"] = "requested"
    formatted_cells_count_as_data: bool = False
    are_blank_formulas_trimmed: bool = True
    does_sort_carry_metadata: bool = True
    is_strict_validation_kept: bool = False
    old_reads_after_write: int = 0
    between_ranges: Callable[[int], None] | None = None
    protected_text: str = PROTECTED
    is_null_a_touch: bool = False
    refuses_used_metadata_id: bool = True
    metadata_limit: int = 30_000
    is_pretty: bool = False


PROTECTED_IN_RUSSIAN = "Вы пытаетесь изменить защищенную ячейку или объект. Чтобы снять защиту, обратитесь к владельцу таблицы."
