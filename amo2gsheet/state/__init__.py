"""Everything that is remembered between runs, in one SQLite file, and the lock of the runs. Knows no cloud."""

from amo2gsheet.state.lock import RunLock
from amo2gsheet.state.records import Asked, HistoryEntry, ImportRow, Intent, LeadLinks, Owed, Pending, Run, Version, Waiting
from amo2gsheet.state.store import StateStore

__all__ = [
    "Asked",
    "HistoryEntry",
    "ImportRow",
    "Intent",
    "LeadLinks",
    "Owed",
    "Pending",
    "Run",
    "RunLock",
    "StateStore",
    "Version",
    "Waiting",
]
