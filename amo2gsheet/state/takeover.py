"""Take over what the old webhook service knew of the sheet. Never writes to its file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from amo2gsheet.state.database import LARGEST_KEY
from amo2gsheet.state.meta import MetaPart


class TakeoverPart(MetaPart):
    """The old service's statuses, taken once in the life of a state."""

    def take_over(self, path: Path) -> str | None:
        """Take the statuses of the old service's file (`.sync_state.json`), once. A missing file is nothing.

        Returns:
            A warning to show, or None. A file that cannot be read is warned of once for each of its versions, and tried again
            when it changed.
        """
        if self.get("taken_over") is not None:
            return None
        try:
            found = path.stat()
            version = f"{found.st_mtime_ns} {found.st_size}"
            if self.get("not_taken_over") == version:
                return None
            content = json.loads(path.read_text("utf-8-sig"))
            statuses = _statuses(content)
        except FileNotFoundError:
            return None
        except OSError as error:
            return f'The old service\'s file "{path}" cannot be read: {error.strerror}. Its statuses are not taken over.'
        # RecursionError: brackets nested by the thousand.
        except (ValueError, RecursionError) as error:
            self.put("not_taken_over", version)
            return (
                f'The old service\'s file "{path}" is not as that service writes it ({error}). Its statuses are not taken over.'
            )
        return self._take(path, statuses, left_out=len(content["sheet_status_by_lead"]) - len(statuses))

    def old_statuses(self, lead_ids: Iterable[int]) -> dict[int, str]:
        """Lead ID → text of its status cell when the old service last saw it."""
        rows = self._database.rows_for("SELECT lead_id, text FROM old_status WHERE lead_id IN ({keys})", lead_ids)
        return dict(rows)

    def _take(self, path: Path, statuses: dict[int, str], *, left_out: int) -> str | None:
        with self._database.transaction():
            self._database.write_many("INSERT OR REPLACE INTO old_status (lead_id, text) VALUES (?, ?)", statuses.items())
            self.put("taken_over", str(len(statuses)))
        if not left_out:
            return None
        return f'{left_out} entries of the old service\'s file "{path}" are no lead ID with a text. They are not taken over.'


def _statuses(content: Any) -> dict[int, str]:
    """Lead ID → text, of the entries that are so.

    Raises:
        ValueError: the file holds something else altogether.
    """
    statuses = content.get("sheet_status_by_lead") if isinstance(content, dict) else None
    if not isinstance(statuses, dict):
        raise ValueError("no object `sheet_status_by_lead`")
    return {int(key): text for key, text in statuses.items() if isinstance(text, str) and _is_lead_id(key)}


def _is_lead_id(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 20 and 0 < int(key) <= LARGEST_KEY
