"""A small private file (0600) of what is worth remembering for some minutes. A run never fails over it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from amo2gsheet.private_file import read_private

logger = logging.getLogger(__name__)


class Notes:
    """One JSON object in a file. `harm` says what is lost when it cannot be written; a damaged file counts as empty."""

    def __init__(self, path: Path, harm: str) -> None:
        self.path = path
        self._harm = harm

    def read(self) -> dict[str, object]:
        """What stands there."""
        try:
            stored = json.loads(read_private(self.path))
        except (OSError, ValueError, RecursionError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def write(self, stored: Mapping[str, object]) -> None:
        """Put this in its place, at once or not at all; a warning tells when it is not."""
        new = self.path.with_name(f"{self.path.name}.new")
        try:
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(stored, file)
            new.replace(self.path)
        except OSError as error:
            logger.warning('"%s" cannot be written, so %s: %s', self.path, self._harm, error, extra={"event": "unwritable"})
