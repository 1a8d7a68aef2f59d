"""How a start of the program ends when it does not simply end well: exception → exit code and words.

Knows Typer's exceptions by what they offer: where their classes live differs between its releases. Prints nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import typer

from amo2gsheet.cli_signals import StopSignal
from amo2gsheet.exceptions import (
    AmoGsheetError,
    ExitCode,
    InterruptedRunError,
    TerminatedRunError,
    UnansweredError,
    UsageError,
)

GLOBAL_OPTIONS_WITH_VALUE = ("--env-file", "--log-format")
GLOBAL_OPTIONS = (*GLOBAL_OPTIONS_WITH_VALUE, "--verbose", "-v", "--quiet", "-q", "--version")

_GOES_ON = "What was answered so far stands, and the next run goes on by itself."


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What can be told of a command line without understanding it, for the case that it cannot be understood.

    `command` is "" when none of ours stands on it; `misplaced` is a global option that stands behind it.
    """

    command: str = ""
    is_json: bool = False
    misplaced: str = ""

    @classmethod
    def read(cls, argv: Sequence[str], commands: Collection[str]) -> CommandLine:
        """Look for a command, and for the two things that matter behind it."""
        is_value = False
        for index, argument in enumerate(argv):
            if is_value or argument.startswith("-"):
                is_value = not is_value and argument in GLOBAL_OPTIONS_WITH_VALUE
                continue
            if argument not in commands:
                break
            rest = argv[index + 1 :]
            misplaced = next((text for text in rest if text.partition("=")[0] in GLOBAL_OPTIONS), "")
            return cls(argument, "--json" in rest, misplaced)
        return cls()


@dataclass(frozen=True, slots=True)
class Ending:
    """An exit code and what to say about it; without a message nothing is said. `bug` is what nobody foresaw."""

    exit_code: int
    message: str = ""
    hint: str = ""
    problems: tuple[str, ...] = ()
    bug: BaseException | None = None

    @property
    def is_stop(self) -> bool:
        """Whether somebody wanted it to end, so that nobody need be alarmed."""
        return self.exit_code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED)

    @classmethod
    def of(cls, error: BaseException, line: CommandLine) -> Ending:
        """What an exception that nobody caught means for the process."""
        if isinstance(error, AmoGsheetError):
            return cls(error.exit_code, error.message, error.hint, error.problems)
        if isinstance(error, typer.Exit):
            return cls(error.exit_code)
        if isinstance(error, typer.Abort):
            return cls.of(_reason_of_abort(error), line)
        if isinstance(error, KeyboardInterrupt):
            return cls.of(_stop(error), line)
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            return cls.of(_usage_error(error, line), line)
        return cls(
            ExitCode.BUG,
            f"A bug in amo2gsheet ended this run: {type(error).__name__}: {error}",
            f"Report it with the lines above. {_GOES_ON}",
            bug=error,
        )


def _reason_of_abort(error: typer.Abort) -> BaseException:
    """Typer ends a prompt alike for Ctrl-C and for nobody there to answer; what it met first stands behind it."""
    reason = error.__cause__ or error.__context__
    if isinstance(reason, EOFError):
        return UnansweredError()
    return reason if isinstance(reason, KeyboardInterrupt) else KeyboardInterrupt()


def _stop(error: KeyboardInterrupt) -> AmoGsheetError:
    if isinstance(error, StopSignal) and error.number == signal.SIGTERM:
        return TerminatedRunError("Ended by SIGTERM.", _GOES_ON)
    return InterruptedRunError("Ended by Ctrl-C.", _GOES_ON)


def _usage_error(error: BaseException, line: CommandLine) -> UsageError:
    message = " ".join(str(error.format_message()).split())  # type: ignore[attr-defined]
    path = getattr(getattr(error, "ctx", None), "command_path", "amo2gsheet")
    hint = f"`{path} --help` shows what there is."
    if line.misplaced:
        hint = f"`{line.misplaced}` stands before the command: `amo2gsheet {line.misplaced} … {line.command}`."
    return UsageError(message, hint)
