"""The Google half of `auth`: the key, the clock, the sheet and the right to write in it; and whose sheet it is from now on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from amo2gsheet.commands import WRITES_SHOWN, Outside, google_token_path, open_google, sessions
from amo2gsheet.exceptions import SheetError, WriteRefusedError
from amo2gsheet.model import Mark, Workbook
from amo2gsheet.names import alike
from amo2gsheet.sheet.adapter import GoogleSheet, open_login
from amo2gsheet.state import StateStore

if TYPE_CHECKING:
    from amo2gsheet.config import Settings

logger = logging.getLogger(__name__)


def check_google(settings: Settings, outside: Outside, show: Callable[[str], None]) -> None:
    """See that the key works, that the sheet can be read and written, and make this state the one that serves it.

    Raises:
        LoginError: the key is missing, refused, or the machine's clock is wrong.
        SheetError: the sheet is not shared, for reading only, or no Google spreadsheet.
        StateError: the state file belongs to another account or spreadsheet.
        UnavailableError: Google did not answer.
    """
    token_path = google_token_path(settings)
    login = open_login(settings.service_account_file, token_path, clock=outside.clock, **sessions(outside))
    # A kept token would hide a key that was revoked, and a clock that went wrong, for an hour.
    login.renew()
    show(f"Google: the key of {login.email} works, and the clock is right.")
    sheet = open_google(settings, outside)
    workbook = sheet.workbook()
    _check_writable(sheet, workbook, login.email)
    _take_over(settings, outside, sheet, workbook)
    show(f"The spreadsheet is shared with it for writing. {_told_of_tab(settings, workbook)}")


def _check_writable(sheet: GoogleSheet, workbook: Workbook, email: str) -> None:
    """A spreadsheet of charts alone has no tab to try on; the first `pull` makes one."""
    if not workbook.tabs:
        return
    try:
        sheet.write_nothing(workbook.tabs[0])
    except WriteRefusedError as error:
        raise SheetError(
            f"The spreadsheet cannot be written. {error.message}",
            f"Is a part of it protected? Let {email} edit it: Data → Protect sheets and ranges, in Google Sheets.",
        ) from error


def _take_over(settings: Settings, outside: Outside, sheet: GoogleSheet, workbook: Workbook) -> None:
    """Replace the mark of a state of another host or path by this one's; that one's runs stop from then on."""
    with StateStore.open(settings.state_db, outside.clock) as state:
        state.bind(settings.amo_base_url, settings.sheet_id)
        if state.was_damaged is not None:
            logger.warning(
                'The state file was damaged; it was set aside as "%s" and a new state was begun.',
                state.was_damaged,
                extra={"event": "notice"},
            )
        state.put(WRITES_SHOWN, str(sheet.is_write_shown))
        ours = Mark(state.state_id, outside.host, str(settings.state_db))
    others = [mark for mark in workbook.marks if (mark.host, mark.path) != (ours.host, ours.path)]
    if not others:
        return
    sheet.set_mark(ours, workbook.marks)
    for mark in others:
        logger.warning(
            'The sheet was served by the state "%s" on %s. It is served by this one now: stop the timers there.',
            mark.path,
            mark.host,
            extra={"event": "notice"},
        )


def _told_of_tab(settings: Settings, workbook: Workbook) -> str:
    title = settings.worksheet_name
    named = alike(title, [tab.title for tab in workbook.tabs])
    if len(named) == 1:
        return f'The tab "{named[0]}" is there.'
    there = ", ".join(f'"{tab.title}"' for tab in workbook.tabs)
    return f'There is no tab "{title}" yet; the first `pull` makes it. There are: {there}.'
