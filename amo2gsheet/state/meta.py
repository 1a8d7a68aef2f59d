"""Single facts: what the state belongs to, which tab it follows, cursors, caches with their age. Decides nothing."""

from __future__ import annotations

import math
from typing import Any

from amo2gsheet.state.database import from_json, to_json
from amo2gsheet.state.part import Part
from amo2gsheet.state.problems import bound_elsewhere

_PUT = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class MetaPart(Part):
    """Key → value, the binding, the tab, cursors and caches."""

    def get(self, key: str) -> str | None:
        """Text under a key, or None."""
        found = self._database.row("SELECT value FROM meta WHERE key = ?", (key,))
        return None if found is None else str(found[0])

    def put(self, key: str, value: str | None) -> None:
        """Remember a text; None forgets the key."""
        if value is None:
            self._database.write("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._database.write(_PUT, (key, value))

    def get_json(self, key: str) -> Any:
        """Value under a key as `put_json` was given it (tuples as lists, keys as texts), or None."""
        text = self.get(key)
        return None if text is None else from_json(text)

    def put_json(self, key: str, value: Any) -> None:
        """Remember any value that JSON can carry."""
        self.put(key, to_json(value))

    @property
    def state_id(self) -> str:
        """Random name of this state, made with it."""
        return self.get("state_id") or ""

    def bind(self, account: str, spreadsheet: str) -> None:
        """Remember whom the state serves; later, check that it is still the same. Writes only the first time.

        Raises:
            StateError: it belongs to another account or spreadsheet.
        """
        with self._database.transaction():
            for what, wanted in (("account", account), ("spreadsheet", spreadsheet)):
                bound_to = self.get(what)
                if bound_to is None:
                    self.put(what, wanted)
                elif bound_to != wanted:
                    raise bound_elsewhere(self._database.place, what, bound_to, wanted)

    # --- tab ---

    @property
    def tab_id(self) -> int | None:
        """`sheetId` of the tab that is followed; None before the first."""
        text = self.get("tab_id")
        return None if text is None else int(text)

    @property
    def tab_title(self) -> str | None:
        """Title of that tab when it was last seen."""
        found = self._database.row("SELECT title FROM tabs WHERE id = ?", (self.tab_id,))
        return None if found is None else str(found[0])

    def follow_tab(self, sheet_id: int, title: str) -> None:
        """Make this the current tab, or note its new title. The bases of another tab stay under that tab."""
        with self._database.transaction():
            self._database.write(
                "INSERT INTO tabs (id, title, followed_at) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET title = excluded.title, followed_at = excluded.followed_at",
                (sheet_id, title, self._clock.time()),
            )
            self.put("tab_id", str(sheet_id))

    def _required_tab(self) -> int:
        tab_id = self.tab_id
        if tab_id is None:
            raise ValueError("no tab is followed yet")
        return tab_id

    # --- cursors and caches ---

    def cursor(self, name: str) -> int | None:
        """Where reading goes on, in the time of the cloud; None before the first run."""
        found = self._database.row("SELECT value FROM cursors WHERE name = ?", (name,))
        return None if found is None else int(found[0])

    def move_cursor(self, name: str, value: int, *, force: bool = False) -> None:
        """Move a cursor on; back only with `force`."""
        keep = "excluded.value" if force else "max(value, excluded.value)"
        self._database.write(
            f"INSERT INTO cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = {keep}", (name, value)
        )

    def cached(self, name: str) -> tuple[Any, float] | None:
        """Value of a cache as JSON gives it back, and its age in seconds; None when there is none.

        When the clock was put back, a value may seem to come from the future: nobody knows its age, so it counts as endless.
        """
        found = self._database.row("SELECT value, kept_at FROM caches WHERE name = ?", (name,))
        if found is None:
            return None
        age_seconds = self._clock.time() - found[1]
        return from_json(found[0]), age_seconds if age_seconds >= 0 else math.inf

    def keep(self, name: str, value: Any) -> None:
        """Keep a value that JSON can carry, fresh as of now."""
        self._database.write(
            "INSERT INTO caches (name, kept_at, value) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET kept_at = excluded.kept_at, value = excluded.value",
            (name, self._clock.time(), to_json(value)),
        )

    def drop_cached(self, name: str) -> None:
        """Forget a cache."""
        self._database.write("DELETE FROM caches WHERE name = ?", (name,))
