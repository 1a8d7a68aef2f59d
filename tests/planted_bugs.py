"""Deliberate faults in the engine, one by one: what is replaced, which promise that breaks, and which tests must notice.

`tests/planted.py` applies them to a copy. Each is a mistake that somebody has made or could make while mending something else.
"""

from __future__ import annotations

from tests import planted_journal, planted_keeping, planted_reading, planted_rows, planted_rules
from tests.planted_bug import Bug

BUGS: tuple[Bug, ...] = (
    *planted_journal.BUGS,
    *planted_rows.BUGS,
    *planted_reading.BUGS,
    *planted_rules.BUGS,
    *planted_keeping.BUGS,
)
