"""The terminal of who logs in: lines shown on stdout, a prompt on stderr, a browser where there is one."""

from __future__ import annotations

import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from amo2gsheet import output
from amo2gsheet.exceptions import UnansweredError

if TYPE_CHECKING:
    from amo2gsheet.commands_auth import Terminal


def terminal() -> Terminal:
    """The terminal of this process."""
    from amo2gsheet.commands_auth import Terminal
    from amo2gsheet.output_browser import open_page

    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # bytes that are no text are no code either, and are told as such
    return Terminal(lambda text: output.write(output.printable(text)), ask, open_page, _keyboard())


def _keyboard() -> TextIO | None:
    """stdin, where it is more than an object of this process."""
    try:
        sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return sys.stdin


def ask(text: str) -> str:
    """Ask for a text until one comes; a paste of several lines counts as one.

    Typer's own prompt writes a blank to stdout, and takes a stream that cannot be used for a bug.

    Raises:
        UnansweredError: stdin is at its end, or cannot be read.
    """
    from amo2gsheet.commands_redirect import rest_of_paste

    try:
        while True:
            _show(f"{text}: ")
            line = _typed()
            if line.strip():
                return line + rest_of_paste(sys.stdin)
    except (UnansweredError, KeyboardInterrupt):
        _show("\n")  # what is said next begins a line of its own
        raise


def _typed() -> str:
    try:
        line = sys.stdin.readline()
    except OSError:  # a terminal that is gone, or a stream for writing
        line = ""
    if not line:
        raise UnansweredError
    return line


def _show(text: str) -> None:
    with suppress(OSError):  # who cannot see the prompt may answer it all the same
        sys.stderr.write(text)
        sys.stderr.flush()
