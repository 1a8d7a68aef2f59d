"""The tables of the state and how an older file gets them. Never opens or closes a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

APPLICATION_ID = 0x616D6F32
"""Marks the file as ours ("amo2" in ASCII), so that another program's database is never written to."""

Migration = Sequence[str]
"""The statements of one step, which is carried out whole or not at all."""

_FIRST: Migration = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE caches (name TEXT PRIMARY KEY, kept_at REAL NOT NULL, value TEXT NOT NULL)",
    "CREATE TABLE cursors (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE tabs (id INTEGER PRIMARY KEY, title TEXT NOT NULL, followed_at REAL NOT NULL)",
    # Cells stand apart from the status: `push` looks at the status of every lead in each run and never at their cells.
    """CREATE TABLE bases (
        tab_id INTEGER NOT NULL REFERENCES tabs (id), lead_id INTEGER NOT NULL,
        pipeline_id INTEGER, status_id INTEGER, status_shown TEXT, status_text TEXT,
        missing INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (tab_id, lead_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX bases_by_lead ON bases (lead_id)",
    """CREATE TABLE base_cells (
        tab_id INTEGER NOT NULL, lead_id INTEGER NOT NULL, cells TEXT NOT NULL,
        PRIMARY KEY (tab_id, lead_id),
        FOREIGN KEY (tab_id, lead_id) REFERENCES bases (tab_id, lead_id) ON DELETE CASCADE
    )""",
    """CREATE TABLE links (
        lead_id INTEGER PRIMARY KEY, company_id INTEGER, user_id INTEGER NOT NULL,
        pipeline_id INTEGER NOT NULL, status_id INTEGER NOT NULL
    )""",
    "CREATE INDEX links_by_company ON links (company_id)",
    "CREATE INDEX links_by_user ON links (user_id)",
    "CREATE INDEX links_by_stage ON links (pipeline_id, status_id)",
    """CREATE TABLE contact_links (
        contact_id INTEGER NOT NULL, lead_id INTEGER NOT NULL REFERENCES links (lead_id) ON DELETE CASCADE,
        PRIMARY KEY (contact_id, lead_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX contact_links_by_lead ON contact_links (lead_id)",
    """CREATE TABLE versions (
        lead_id INTEGER PRIMARY KEY, updated_at INTEGER NOT NULL, digest TEXT NOT NULL,
        pipeline_id INTEGER NOT NULL, status_id INTEGER NOT NULL
    )""",
    "CREATE INDEX versions_by_time ON versions (updated_at)",
    "CREATE TABLE events (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX events_by_time ON events (created_at)",
    """CREATE TABLE pending (
        lead_id INTEGER PRIMARY KEY, updated_at INTEGER NOT NULL, pipeline_id INTEGER NOT NULL, status_id INTEGER NOT NULL
    )""",
    """CREATE TABLE intents (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, made_at REAL NOT NULL, commit_token INTEGER,
        is_unclear INTEGER NOT NULL DEFAULT 0, run_id INTEGER NOT NULL, payload TEXT NOT NULL
    )""",
    # Kept when their intents are gone: a token drawn twice would make a new write look like one that has landed.
    "CREATE TABLE commit_tokens (token INTEGER PRIMARY KEY)",
    """CREATE TABLE owed (
        lead_id INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, since REAL NOT NULL,
        PRIMARY KEY (lead_id, reason)
    ) WITHOUT ROWID""",
    """CREATE TABLE asked (
        lead_id INTEGER PRIMARY KEY, origin_pipeline_id INTEGER NOT NULL, origin_status_id INTEGER NOT NULL,
        target_pipeline_id INTEGER NOT NULL, target_status_id INTEGER NOT NULL,
        answered_at INTEGER NOT NULL, times INTEGER NOT NULL, old_text TEXT NOT NULL
    )""",
    """CREATE TABLE waiting (
        lead_id INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL, judged_on TEXT NOT NULL,
        since REAL NOT NULL, is_reported INTEGER NOT NULL,
        PRIMARY KEY (lead_id, kind)
    ) WITHOUT ROWID""",
    "CREATE INDEX waiting_by_kind ON waiting (kind)",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, is_dry INTEGER NOT NULL, begun_at REAL NOT NULL,
        ended_at REAL, exit_code INTEGER, counts TEXT NOT NULL DEFAULT '{}', error TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX runs_by_command ON runs (command, id)",
    "CREATE INDEX runs_by_result ON runs (command, is_dry, exit_code, id)",
    """CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, run_id INTEGER NOT NULL, command TEXT NOT NULL,
        lead_id INTEGER NOT NULL, kind TEXT NOT NULL, column_key TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL,
        detail TEXT NOT NULL
    )""",
    "CREATE INDEX history_by_lead ON history (lead_id)",
    "CREATE INDEX history_conflicts ON history (id) WHERE kind = 'conflict'",
    # How many entries each lead has, so that pruning goes straight to the few leads that have many.
    "CREATE TABLE history_sizes (lead_id INTEGER PRIMARY KEY, entries INTEGER NOT NULL)",
    "CREATE INDEX history_sizes_large ON history_sizes (lead_id) WHERE entries > 100",
    "CREATE TABLE old_status (lead_id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
)

_IMPORTS: Migration = (
    # `columns` is what rows were told apart by when the import was first run: what the account gets later changes no key.
    "CREATE TABLE imports (tag TEXT PRIMARY KEY, begun_at REAL NOT NULL, columns TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE import_rows (
        tag TEXT NOT NULL REFERENCES imports (tag) ON DELETE CASCADE, key TEXT NOT NULL, person TEXT NOT NULL,
        lead_id INTEGER, since INTEGER NOT NULL, sent_at INTEGER NOT NULL, is_merged INTEGER NOT NULL DEFAULT 0,
        is_superseded INTEGER NOT NULL DEFAULT 0, corrects TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT '{}',
        PRIMARY KEY (tag, key)
    ) WITHOUT ROWID""",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST, _IMPORTS)
"""Step n makes version n of version n - 1. Steps that were released are never changed; new ones are added below."""


def version(connection: sqlite3.Connection) -> int:
    """Version of the tables; 0 before the first step."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def application_id(connection: sqlite3.Connection) -> int:
    """Whose file it is; 0 where nobody said."""
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def is_blank(connection: sqlite3.Connection) -> bool:
    """Whether the database has no table and no owner: it was made and then never filled."""
    is_unowned = application_id(connection) == 0 and version(connection) == 0
    return is_unowned and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] | None = None) -> None:
    """Bring the tables to the newest version, each step in a transaction of its own. Safe to repeat, and to cut off."""
    steps = MIGRATIONS if migrations is None else migrations
    for number in range(version(connection) + 1, len(steps) + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if version(connection) < number:  # Else another process took this step while this one waited.
                for statement in steps[number - 1]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
