"""A file that holds a secret, read so that from then on only its owner may. Knows nothing of what stands in it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_OTHERS = 0o077


def read_private(path: Path) -> bytes:
    """Read a file; where its mode lets others in (an older tool's file, a copy), it is 0600 from now on.

    Of somebody else's file, and where modes cannot be changed, the mode stays: that is no reason not to read it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS and found.st_uid == os.geteuid():
            with suppress(OSError):
                os.fchmod(file.fileno(), 0o600)
        return file.read()
