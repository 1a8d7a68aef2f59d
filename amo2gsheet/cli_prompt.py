"""The terminal of who logs in: lines shown on stdout, a prompt on stderr, a browser where there is one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from amo2gsheet import output

if TYPE_CHECKING:
    from amo2gsheet.commands_auth import Terminal


def terminal() -> Terminal:
    """The terminal of this process."""
    from amo2gsheet.commands_auth import Terminal
    from amo2gsheet.output_browser import open_page

    keyboard = sys.stdin if output.is_terminal(sys.stdin) else None
    return Terminal(lambda text: output.write(output.printable(text)), ask, open_page, keyboard)


def ask(text: str) -> str:
    """Ask for a text until one comes; a paste of several lines counts as one.

    Raises:
        typer.Abort: nobody answers: Ctrl-C, or there is no stdin.
    """
    from amo2gsheet.commands_redirect import rest_of_paste

    try:
        answer = str(typer.prompt(text, err=True))
    except typer.Abort:
        typer.echo(err=True)  # what is said next begins a line of its own
        raise
    return answer + rest_of_paste(sys.stdin)
