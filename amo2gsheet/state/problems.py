"""Turn what SQLite and the file system complain of into errors that say what to do. Opens nothing."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from amo2gsheet.exceptions import StateError


@contextmanager
def translated(place: str, on_damage: Callable[[], None] | None = None) -> Iterator[None]:
    """Let every error of SQLite and the file system leave as StateError; `on_damage` is told of a damaged file first."""
    try:
        yield
    except sqlite3.Error as error:
        if is_damage(error) and on_damage is not None:
            on_damage()
        raise state_error(error, place) from error
    except OSError as error:
        raise file_error(error, place) from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's contents are at fault (SQLITE_CORRUPT, SQLITE_NOTADB).

    Python 3.10 shows no error codes. Of all codes that a file can cause it raises the bare DatabaseError for these two alone;
    every other one comes as a subclass.
    """
    return type(error) is sqlite3.DatabaseError


def state_error(error: sqlite3.Error, place: str) -> StateError:
    """The error to show for SQLite's; `place` is the path of the state."""
    text = str(error)
    if is_damage(error):
        return damaged(place, text)
    for sign, message, hint in _KNOWN:
        if sign in text:
            return StateError(message.format(place=f'"{place}"'), hint)
    return StateError(
        f'The state "{place}" cannot be used: {text}.',
        "Check the disk and the rights on that file, or set STATE_DB to another file.",
    )


def damaged(place: str, reason: str = "the check of the file failed") -> StateError:
    """The error for a file with torn contents."""
    return StateError(
        f'The state "{place}" is damaged: {reason}.',
        "Run `pull` or `push` once more: it sets the damaged file aside and goes on with a new state.",
    )


def file_error(error: OSError, place: str) -> StateError:
    """The error to show for the file system's."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StateError(f'The disk is full: the state "{place}" cannot be written.', _MAKE_ROOM)
    reason = error.strerror or str(error)
    return StateError(f'The state "{place}" cannot be used: {reason}.', _RIGHTS)


def missing_folder(path: Path) -> StateError:
    """The error for a state whose folder does not exist."""
    return StateError(
        f'The folder "{path.parent}" of the state "{path.name}" does not exist.',
        f"Make it with `mkdir -p {path.parent}`, or set STATE_DB to a file in a folder that exists.",
    )


def not_writable(path: Path, what: Path) -> StateError:
    """The error for a state that this user may not write; `what` is the file or folder at fault."""
    return StateError(f'The state "{path}" cannot be written: no write access to "{what}".', _RIGHTS)


def foreign_database(place: str) -> StateError:
    """The error for a sound database of some other program."""
    return StateError(
        f'"{place}" is the database of another program.',
        "It was not touched. Set STATE_DB to a file of its own.",
    )


def too_new(place: str, found: int, known: int) -> StateError:
    """The error for a state written by a later release."""
    return StateError(
        f'The state "{place}" has version {found}; this release knows versions up to {known}.',
        "A newer amo2gsheet has used it. Install that release again, or set STATE_DB to another file.",
    )


def bound_elsewhere(place: str, what: str, bound_to: str, wanted: str) -> StateError:
    """The error for a state that serves another account or spreadsheet."""
    return StateError(
        f'The state "{place}" belongs to the {what} "{bound_to}", and the settings name the {what} "{wanted}".',
        "Each account and each spreadsheet needs a state of its own: set STATE_DB to another file.",
    )


_MAKE_ROOM = "Make room on that disk and run the command again; nothing was lost."
_RIGHTS = "Give the user that runs amo2gsheet write access to the file and its folder, or set STATE_DB to another file."

_KNOWN = (
    ("is full", "The disk is full: the state {place} cannot be written.", _MAKE_ROOM),
    (
        "locked",
        "Another program keeps the state {place} locked.",
        "Close whatever has that file open (an SQLite browser, a copy job) and run the command again.",
    ),
    ("readonly", "The state {place} cannot be written: it is read-only.", _RIGHTS),
    ("unable to open", "The state {place} cannot be opened.", _RIGHTS),
    ("disk I/O error", "The disk refuses to read or write the state {place}.", "Check that disk: it may be full or failing."),
)
