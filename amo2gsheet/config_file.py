"""Read a settings file as people write it: names → texts, each with its line.

Knows the form of the file only; which names exist and what they mean is told elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import SettingsError

if TYPE_CHECKING:
    from dotenv.parser import Binding

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_BARE_COMMENT = re.compile(r"[^=]*=#(?:\s|$)")
"""A comment right behind the "=". The library takes it for the value: to it, only a blank before begins a comment."""

_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One text of the file. `line_number` counts from 1."""

    text: str
    line_number: int


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What stands in a settings file.

    `problems` names lines that cannot be read, never with their text, which may hold a secret; `unread` has the names
    that such lines seem to set, so that nobody calls them missing as well.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


def read_env_file(path: Path) -> EnvFile:
    """Read a settings file: BOM, CRLF, quotes, `export`, comments; nothing in it is expanded.

    A name that stands twice has its last text, and a warning. A value without quotes that is `#` or begins with `# ` is a
    comment, and the value empty; there is a warning, because somebody may have meant it.

    Raises:
        SettingsError: the file is missing, cannot be opened, or is not in UTF-8.
    """
    # Only reading a file needs the library, and its import costs.
    from dotenv.parser import parse_stream

    entries: dict[str, Entry] = {}
    problems: list[str] = []
    unread: set[str] = set()
    warnings: list[str] = []
    for binding in parse_stream(StringIO(_decoded(path))):
        line_number = _line_number(binding)
        name = binding.key
        if binding.error or (name is not None and (binding.value is None or not _NAME.fullmatch(name))):
            problems.append(f'Line {line_number} is not of the form NAME="value"; a quote or the "=" may be missing.')
            unread.update(_ASSIGNMENT.findall(binding.original.string))
        elif name is not None and binding.value is not None:
            if name in entries:
                earlier = entries[name].line_number
                warnings.append(f"{name} stands in lines {earlier} and {line_number}; the later one counts.")
            text = binding.value
            if _BARE_COMMENT.match(binding.original.string):
                warnings.append(f"{name} in line {line_number} counts as empty: a comment follows. If it is the value, quote it.")
                text = ""
            entries[name] = Entry(text, line_number)
    return EnvFile(entries, tuple(problems), frozenset(unread), tuple(warnings))


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        message = f'The settings file "{path}" cannot be read: {reason}.'
        raise SettingsError(message, "Name another one with `--env-file FILE`.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_number = error.object.count(b"\n", 0, error.start) + 1
        message = f'The settings file "{path}" is not in UTF-8: line {line_number} holds other bytes.'
        raise SettingsError(message, "Save it again as UTF-8; most editors ask for the encoding there.") from None


def _line_number(binding: Binding) -> int:
    """The line that the text stands in; the library counts from the blank lines above it."""
    written = binding.original.string
    return binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
