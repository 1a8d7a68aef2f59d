"""The commands that need no account: the built-in sandbox, told as a story or kept running. Nothing else starts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path


def demo(write: Callable[[str], None], environ: Mapping[str, str] | None = None) -> int:
    """Show the whole cycle on the sandbox. Returns the exit code."""
    from amo2gsheet.sandbox.story import run_demo

    return run_demo(write, environ)


def sandbox(directory: Path, port: int, write: Callable[[str], None]) -> int:
    """Keep the sandbox running until it is stopped. Returns the exit code."""
    from amo2gsheet.sandbox.desk import run_sandbox

    return run_sandbox(directory, port, write)
