"""Tell of each step that a run takes on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet.state import StateStore


@contextmanager
def counted(on_step: Callable[[str], None], random_bytes: Callable[[int], bytes] = os.urandom) -> Iterator[None]:
    """Tell of every commit of a state and of every file put in place, renamed or deleted, before it and after it."""
    real_open, real_replace, real_rename, real_unlink = StateStore.open, Path.replace, Path.rename, Path.unlink

    def opened(path: Path, clock: Any, **named: Any) -> StateStore:
        state = real_open(path, clock, **{"random_bytes": random_bytes, **named})
        state.on_step = on_step
        return state

    def replaced(self: Path, target: Path) -> Path:
        on_step(f"before {target.name} is replaced")
        result = real_replace(self, target)
        on_step(f"after {target.name} is replaced")
        return result

    def renamed(self: Path, target: Path) -> Path:
        on_step(f"before {self.name} is renamed")
        result = real_rename(self, target)
        on_step(f"after {self.name} is renamed")
        return result

    def unlinked(self: Path, missing_ok: bool = False) -> None:
        is_there = self.exists()
        if is_there:
            on_step(f"before {self.name} is deleted")
        real_unlink(self, missing_ok)
        if is_there:
            on_step(f"after {self.name} is deleted")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateStore, "open", opened)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "rename", renamed)
        patch.setattr(Path, "unlink", unlinked)
        yield
