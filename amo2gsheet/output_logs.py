"""What a run says on the way, on stderr: for people, for programs, for the journal.

Decides nothing about what is said, and never shows a secret.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime, timezone
from types import TracebackType

from amo2gsheet.output import has_colour, printable, to_json
from amo2gsheet.output_secrets import redacted

PROGRAM_LOGGER = "amo2gsheet"

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""syslog priorities, as the journal takes them from the beginning of a line (sd-daemon(3))."""

_LABELS = {logging.WARNING: ("warning: ", "\x1b[33m"), logging.ERROR: ("error: ", "\x1b[31m")}
_END_OF_COLOUR = "\x1b[0m"
_STANDARD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class StderrHandler(logging.Handler):
    """Writes log lines to stderr for as long as the `with` block lasts.

    It looks stderr up anew for each line, because a progress bar puts itself in between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(_is_ours_or_serious)
        self.is_json = False
        self.bound: dict[str, object] = {}
        """Fields that every JSON line has besides its own."""
        self._is_journal = _is_journal()

    def choose(self, log_format: str, level: int) -> None:
        """Take over what the command line says about format ("text" or "json") and level."""
        self.is_json = log_format == "json"
        logging.getLogger(PROGRAM_LOGGER).setLevel(level)

    def format(self, record: logging.LogRecord) -> str:
        """All lines of one record, without a line end."""
        if self.is_json:
            text = to_json(self.bound | _fields(record), sys.stderr)
        else:
            text = _text(record, is_coloured=has_colour(sys.stderr))
        if self._is_journal:
            priority = _PRIORITIES.get(record.levelno, 6)
            text = "\n".join(f"<{priority}>{line}" for line in text.split("\n"))
        return text

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record. That nobody reads stderr any more, or its disk is full, ends no run."""
        try:
            line = self.format(record)
        except (TypeError, ValueError, KeyError):
            # The standard report of a wrong log call shows its arguments, secrets included.
            line = f"error: a log line of {record.name}, line {record.lineno}, does not fit its values"
        if sys.stderr is None:
            return
        try:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        except OSError:
            return

    def __enter__(self) -> StderrHandler:
        logging.getLogger().addHandler(self)
        self._level_before = logging.getLogger(PROGRAM_LOGGER).level
        self.choose("text", logging.INFO)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger(PROGRAM_LOGGER).setLevel(self._level_before)


def bind(**fields: object) -> None:
    """Add these fields (`command`, `run`) to every JSON line from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, StderrHandler):
            handler.bound.update(fields)


def _is_ours_or_serious(record: logging.LogRecord) -> bool:
    """Libraries are heard from WARNING on: what they say below may hold addresses and bodies."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] == PROGRAM_LOGGER


def _is_journal() -> bool:
    """Whether stderr goes straight to the journal; it may have been redirected since systemd said so."""
    stream = os.environ.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(2)
    except OSError:
        return False
    return stream == f"{found.st_dev}:{found.st_ino}"


def _text(record: logging.LogRecord, *, is_coloured: bool) -> str:
    """For people: a traceback if there is one, the message, what to do next, then a line for each of several problems."""
    label, colour = _LABELS.get(record.levelno, ("", ""))
    if is_coloured and label:
        label = f"{colour}{label.rstrip()}{_END_OF_COLOUR} "
    hint = getattr(record, "hint", "")
    below = [f"  {hint}"] if hint else []
    below += [f"  - {problem}" for problem in getattr(record, "problems", ())]
    return "\n".join(
        [
            *map(printable, _traceback(record).splitlines()),
            label + printable(redacted(record.getMessage())),
            *(printable(redacted(line)) for line in below),
        ]
    )


def _traceback(record: logging.LogRecord) -> str:
    """The traceback as Python shows it, "" where there is none."""
    if not record.exc_info:
        return ""
    # As a whole, because a key spans lines.
    return redacted(logging.Formatter().formatException(record.exc_info))


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """For programs: one object. `event` is stable, `message` is for people and may change."""
    fields: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": getattr(record, "event", "message"),
        "message": record.getMessage(),
    }
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
    fields |= {name: value for name, value in extra.items() if value not in ("", ())}
    if trace := _traceback(record):
        fields["traceback"] = trace
    return fields
