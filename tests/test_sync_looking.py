"""A status that shows after a write nobody answered for: whose it may be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from amo2gsheet.model import Stage
from amo2gsheet.state.records import HistoryEntry, Intent
from amo2gsheet.sync.looking import is_late_pick
from amo2gsheet.sync.plan import CellPlan
from amo2gsheet.sync.run import Run
from tests.sync_bench import REFUSED, SENT, STATUS_INDEX, base

INTENT = Intent(1, "cells", 0, None, is_unclear=True, run_id=3, payload={})
WRITTEN = CellPlan("status", STATUS_INDEX, "В процессе", "У курера")


@pytest.mark.parametrize(("moved_in", "agreed", "expected"), [(4, REFUSED, True), (3, REFUSED, False), (4, SENT, False)])
def test_a_status_may_be_a_pick_where_another_one_moved_the_lead_elsewhere_since(
    moved_in: int, agreed: Stage, *, expected: bool
) -> None:
    told: list[str] = []
    run = SimpleNamespace(
        state=SimpleNamespace(history=lambda _lead_id: [HistoryEntry(0, moved_in, "push", 1, "moved", "status", None, None)]),
        clock=SimpleNamespace(time=lambda: 0),
        run_id=5,
        command="pull",
        now=0,
        record=lambda entries: told.extend(entry.kind for entry in entries),
        wait=lambda waiting, _text: told.append(waiting.kind),
    )

    is_late = is_late_pick(cast(Run, run), 1, base(1, SENT), base(1, agreed), WRITTEN, INTENT)

    assert expected == is_late == ("doubtful" in told)
