"""The commands that need no account: the built-in sandbox, told as a story or kept running. Nothing else starts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from amo2gsheet.exceptions import UsageError


def demo(write: Callable[[str], None], environ: Mapping[str, str] | None = None) -> int:
    """Show the whole cycle on the sandbox. Returns the exit code."""
    from amo2gsheet.sandbox.story import run_demo

    return run_demo(write, environ)


def sandbox(directory: Path, port: int, write: Callable[[str], None]) -> int:
    """Keep the sandbox running until it is stopped. Returns the exit code.

    Raises:
        UsageError: it cannot start with that folder or port.
    """
    from amo2gsheet.sandbox.desk import CannotStartError, run_sandbox

    try:
        return run_sandbox(directory, port, write)
    except CannotStartError as error:
        raise UsageError(str(error), "`--dir DIR` names another folder, `--port N` another port.") from error
