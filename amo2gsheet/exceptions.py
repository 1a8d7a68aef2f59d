"""Every error that a user can meet: message, hint, exit code.

Knows no library and no cloud: each side turns its library's errors into these at its own border.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How a run ended; the one table that the README, the units and the tests speak of."""

    DONE = 0
    BUG = 1
    USAGE = 2
    PARTIAL = 3
    NEGATIVE = 4
    HELD_BACK = 65
    UNUSABLE_SHEET = 66
    UNAVAILABLE = 69
    UNUSABLE_STATE = 73
    LOCKED = 75
    LOGIN = 77
    SETTINGS = 78
    INTERRUPTED = 130
    TERMINATED = 143


class AmoGsheetError(Exception):
    """What happened, why as far as we know, and what to do next.

    `hint` says what to do next in whole sentences; `problems` are shown as bullets, one a line, when several of one kind were
    found at once.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, hint: str = "", problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)


class UsageError(AmoGsheetError):
    """The command line is wrong, or a prompt has nobody to answer it."""

    exit_code = ExitCode.USAGE


class UnansweredError(UsageError):
    """A prompt has nobody to answer it."""

    def __init__(
        self,
        message: str = "There is nobody to answer the prompt.",
        hint: str = "Give the address by `amo2gsheet auth --code 'ADDRESS'`, or start it on a terminal.",
    ) -> None:
        super().__init__(message, hint)


class NoSuchLeadError(AmoGsheetError):
    """Looked, and the answer is no."""

    exit_code = ExitCode.NEGATIVE


class HeldBackError(AmoGsheetError):
    """The guard held changes back; `--force` lets them through."""

    exit_code = ExitCode.HELD_BACK


class SheetError(AmoGsheetError):
    """The sheet or the workbook cannot be used as it is."""

    exit_code = ExitCode.UNUSABLE_SHEET


class SheetLayoutError(SheetError):
    """A required header is missing, stands twice, or the tab is not what it was."""


class TabMissingError(SheetError):
    """The spreadsheet has no tab of the asked title (any more)."""


class TokenUsedError(SheetError):
    """The spreadsheet knows this commit token already: an earlier try of the same write has landed."""


class UnavailableError(AmoGsheetError):
    """A cloud did not answer after all retries; the next timer tick tries again."""

    exit_code = ExitCode.UNAVAILABLE


class UnreadableError(UnavailableError):
    """amoCRM answered, and what it said of what was asked for is of no use; what is asked of others may well be."""


class TabNameTakenError(UnavailableError):
    """The tab could not be made: its name is taken, since just now or by what is no tab of cells."""


class NoRouteError(UnavailableError):
    """amoCRM has no such address: the account does not give that part of it, or another server answered."""


class UnclearOutcomeError(UnavailableError):
    """A write was sent and no answer told whether it was carried out."""


class StrayedError(UnavailableError):
    """Values stand where they do not belong, and rows or columns were moved at each try to put them right."""


class WriteRefusedError(AmoGsheetError):
    """A cloud refused a write for its content; nothing of it was applied.

    `refused` maps the lead ID (amoCRM) or the index of the range (Sheets) to the reason, as far as the answer names them.
    """

    exit_code = ExitCode.PARTIAL

    def __init__(self, message: str, refused: dict[int, str] | None = None, hint: str = "") -> None:
        super().__init__(message, hint)
        self.refused = refused or {}


class ForbiddenError(AmoGsheetError):
    """A JSON 403 about rights: what was asked for is not allowed with this token, other calls may be."""

    exit_code = ExitCode.LOGIN


class StateError(AmoGsheetError):
    """The state cannot be used."""

    exit_code = ExitCode.UNUSABLE_STATE


class UnwritableAnswerError(AmoGsheetError):
    """What was asked for cannot be written to stdout.

    Its code is that of the state, because the cause and what to do about it are alike: a full disk, a missing right. It is what
    sysexits.h calls this as well (EX_CANTCREAT).
    """

    exit_code = ExitCode.UNUSABLE_STATE


class LockedError(AmoGsheetError):
    """Another run holds the lock."""

    exit_code = ExitCode.LOCKED


class LoginError(AmoGsheetError):
    """A login is needed or was refused: amoCRM token, Google key, blocked account."""

    exit_code = ExitCode.LOGIN


class SettingsError(AmoGsheetError):
    """A setting is missing or wrong."""

    exit_code = ExitCode.SETTINGS


class InterruptedRunError(AmoGsheetError):
    """SIGINT ended the run between two writes."""

    exit_code = ExitCode.INTERRUPTED


class TerminatedRunError(AmoGsheetError):
    """SIGTERM ended the run between two writes."""

    exit_code = ExitCode.TERMINATED
