"""The events of the JSON log: each line has one, and the README names them all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import REPOSITORY

LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
LOGGERS = {"logger", "_log"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((REPOSITORY / "amo2gsheet").rglob("*.py")):
        # A cloud of the sandbox is no part of the program's log.
        if "sandbox" not in path.parts:
            yield path, ast.parse(path.read_text("utf-8"))


def log_calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=level)) if name in LOGGERS and level in LEVELS:
                yield node


def events(tree: ast.Module) -> Iterator[str]:
    """What stands behind an "event" in any dictionary; of a choice both."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "event":
                    chosen = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                    yield from (str(one.value) for one in chosen if isinstance(one, ast.Constant))


def test_every_line_of_the_log_has_an_event() -> None:
    without = [
        f"{path.relative_to(REPOSITORY)}:{call.lineno}"
        for path, tree in modules()
        for call in log_calls(tree)
        if "extra" not in {keyword.arg for keyword in call.keywords}
    ]

    assert [] == without


def test_the_readme_names_every_event_and_no_other() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    section = readme.partition("### The log")[2].partition("\n### ")[0].partition("\n## ")[0]
    listed = {event for row in re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE) for event in re.findall(r"`([^`]+)`", row)}

    assert {event for _, tree in modules() for event in events(tree)} == listed
