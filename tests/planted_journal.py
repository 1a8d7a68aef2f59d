"""Planted bugs of the journal: what is noted before and after a write."""

from __future__ import annotations

from tests.planted_bug import Bug

BUGS: tuple[Bug, ...] = (
    Bug(
        "cells-not-journaled",
        "5: a value that strayed in a killed run is never taken back",
        "sync/writing.py",
        """    intent = run.state.add_intent("cells", record_to_json(record))
    leads =""",
        """    intent = Intent(0, "cells", 0.0, None, False, 0, {})
    leads =""",
        ("tests/test_sync_writing.py", "-k", "kill or late"),
    ),
    Bug(
        "insert-not-journaled",
        "1: an insert that lands late makes a second row",
        "sync/rows.py",
        """return run.state.add_intent("rows", sent_to_json(sent, run.clock.time()), run.state.new_commit_token())""",
        """return Intent(0, "rows", 0.0, run.state.new_commit_token(), False, 0, {})""",
        ("tests/test_sync_rows.py", "-k", "late_insert"),
    ),
    Bug(
        "move-not-journaled",
        "5: a move that was carried out unseen is no longer known",
        "sync/moving.py",
        """        return run.state.add_intent("moves", payload), has_former""",
        """        return Intent(0, "moves", 0.0, None, False, 0, payload), has_former""",
        ("tests/test_sync_settle.py", "-k", "unseen"),
    ),
    Bug(
        "base-moved-before-amocrm-answered",
        "2: a pick whose move was never sent counts as done",
        "sync/moving.py",
        """            answers = run.amo.move(""",
        """            run.state.save_bases([move.base for move in batch])
            answers = run.amo.move(""",
        ("tests/test_sync_settle.py", "-k", "not_carried_out"),
    ),
    Bug(
        "base-moved-before-google-answered",
        "7: a value that was never written counts as written",
        "sync/writing.py",
        """    intent = run.state.add_intent("cells", record_to_json(record))
    leads =""",
        """    intent = run.state.add_intent("cells", record_to_json(record))
    run.state.save_bases([write.base for write in record.writes if write.base is not None])
    leads =""",
        ("tests/test_sync_writing.py", "-k", "without_an_answer or surely"),
    ),
    Bug(
        "cursor-moved-before-the-write",
        "2: what a killed run had read and not written is never looked at again",
        "sync/pull.py",
        """        if chunk.due or""",
        """        chunk.close(run)
        if chunk.due or""",
        ("tests/test_promises.py", "-k", "promise_5 and request"),
    ),
    Bug(
        "conflict-dropped",
        "2: a person's value that lost stands nowhere",
        "sync/writing.py",
        """        run.record(entries)
        if not is_kept:""",
        """        if not is_kept:""",
        ("tests/test_incidents_b.py", "-k", "b8"),
    ),
    Bug(
        "conflict-of-a-killed-move-forgotten",
        "2: the losing side of a conflict stands nowhere when its push was killed",
        "sync/moving.py",
        """        "lost": _lost(move, known),
""",
        """        "lost": None,
""",
        ("tests/test_sync_settle.py", "-k", "conflict"),
    ),
    Bug(
        "intent-forgotten-while-it-may-land",
        "3: a late write over a newer value stays",
        "sync/settle.py",
        """and _is_young(run, intent.made_at)""",
        """and False""",
        ("tests/test_sync_writing.py", "-k", "late or stays_open"),
    ),
    Bug(
        "owed-work-dropped",
        "9: a lead that could not be written is not tried again",
        "sync/desk.py",
        """            self.run.state.owe(lead_id, ENTERED if due.has_entered else BELONGS if due.may_add else reason)
""",
        """            pass
""",
        ("tests/test_incidents_f.py", "-k", "f5 and stop"),
    ),
    Bug(
        "unseen-move-always-counts-as-landed",
        "2: a pick whose move was cut off before it was carried out is not sent",
        "sync/settle.py",
        """    if lead.stage == target:
        return lead.updated_at""",
        """    if lead is not None:
        return lead.updated_at""",
        ("tests/test_sync_settle.py", "-k", "told_of_once"),
    ),
)
