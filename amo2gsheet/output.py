"""What people and programs see: text made safe to show, answers on stdout, a progress bar.

Decides nothing about what is said. `output_logs` carries what is said on the way, on stderr.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Protocol, TextIO

from amo2gsheet.exceptions import UnwritableAnswerError
from amo2gsheet.output_secrets import redacted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that turn the direction of what follows, line separators, and halves of surrogate pairs."""


def printable(text: str) -> str:
    r"""Show control and bidi characters as escapes (`\n`, `\x1b`, `\u202e`), so that foreign text can pretend nothing."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def to_json(document: Mapping[str, object], stream: TextIO | None) -> str:
    """One line of JSON that this stream can carry, with every secret struck out.

    What a terminal would obey is written as JSON's own escapes, so the values stay what they are.
    """
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    text = json.dumps(_without_secrets(document), ensure_ascii=encoding != "utf8", default=str)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _without_secrets(value: object) -> object:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {str(name): _without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(inner) for inner in value]
    return value


def fill_missing_streams() -> None:
    """Put the null device where whoever started us had closed stdin, stdout or stderr.

    Else the next file that is opened gets its number, and what a library prints goes into that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - stays open as long as we live


def prepare_stdout() -> None:
    """Let stdout show a character that it cannot encode as an escape, as stderr does by itself."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """Write an answer to stdout, as a line of its own. A reader who went away is no error: nobody misses the rest.

    Raises:
        UnwritableAnswerError: stdout cannot be written, on a full disk for one.
    """
    _write(redacted(text))


def write_json(document: Mapping[str, object]) -> None:
    """Write the one object of `--json` to stdout.

    Raises:
        UnwritableAnswerError: stdout cannot be written.
    """
    _write(to_json(document, sys.stdout))


def _write(text: str) -> None:
    if sys.stdout is None:  # closed by whoever started us
        return
    try:
        # At once, so that an error can still be told, and the lines of child processes stand between ours.
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _forget(sys.stdout)
    except OSError as error:
        _forget(sys.stdout)
        raise _unwritable(error) from error


def lost_answer(error: BaseException) -> UnwritableAnswerError | None:
    """What an error is about where it was stdout that could not be written; None where it was not.

    For what others write there, such as a help text: what met the error still waits in the buffer, and meets it again.
    """
    if not isinstance(error, OSError) or sys.stdout is None:
        return None
    try:
        sys.stdout.flush()
    except OSError as again:
        _forget(sys.stdout)
        return _unwritable(again)
    return None


def settle() -> None:
    """Leave nothing in a buffer that Python would fail to write at its exit, with a traceback and code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            _forget(stream)


def _unwritable(error: OSError) -> UnwritableAnswerError:
    return UnwritableAnswerError(
        f"The answer cannot be written to stdout: {error.strerror}.",
        "What was done before stands. Make room there, or send stdout elsewhere, and ask again.",
    )


def _forget(stream: TextIO) -> None:
    """Let what still waits in the stream's buffer, and all that follows, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at the stream, on a terminal that can move its cursor."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colour(stream: TextIO | None) -> bool:
    """Whether colours are wanted there (`NO_COLOR`, https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


class Advance(Protocol):
    """Moves a progress bar on."""

    def __call__(self, count: int, total: int | None = None) -> None:
        """`count` more are done; `total` is how many there are in all, None where that is unknown or has not changed."""
        ...


@contextmanager
def progress(title: str, *, is_wanted: bool = True) -> Iterator[Advance]:
    """A progress bar on stderr that is gone at the end; none where stderr is no terminal.

    It appears with the first step, so short work that never calls for one neither shows nor loads anything.
    """
    if not is_wanted or not is_terminal(sys.stderr):
        yield lambda count, total=None: None
        return
    bar = _Bar(title)
    try:
        yield bar.advance
    finally:
        bar.stop()


class _Bar:
    """A rich progress bar, made when it is first moved."""

    def __init__(self, title: str) -> None:
        self._title = printable(title)
        self._shown: tuple[Progress, TaskID] | None = None

    def advance(self, count: int, total: int | None = None) -> None:
        if self._shown is None:
            self._shown = self._start()
        bar, task = self._shown
        bar.update(task, advance=count, total=total)

    def _start(self) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
        task = bar.add_task(self._title, total=None)
        bar.start()
        return bar, task

    def stop(self) -> None:
        if self._shown is not None:
            self._shown[0].stop()
