"""What was done to a tab, and by whom: the record that tests read afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from amo2gsheet.sandbox.sheets_cells import Value
from amo2gsheet.sandbox.sheets_errors import PROTECTED


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to a tab. Rows and columns count from 0, as they stood when it was done.

    `kind` is `cells` (then `columns`, `old` and `new` run side by side), `look`, `insert`, `delete`, `move`, `sort`
    or `tab`; `detail` says more in words.
    """

    kind: str
    sheet_id: int
    row: int = 0
    columns: tuple[int, ...] = ()
    old: tuple[Value, ...] = ()
    new: tuple[Value, ...] = ()
    detail: str = ""


@dataclass(slots=True)
class Record:
    """What one actor did in one go, and whether protection holds for this actor."""

    actor: Literal["api", "person"] = "person"
    changes: list[Change] = field(default_factory=list)
    protected_text: str = PROTECTED
