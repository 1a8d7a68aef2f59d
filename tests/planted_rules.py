"""Planted bugs of deciding: the merge, names of stages, the guard, the second look."""

from __future__ import annotations

from tests.planted_bug import Bug

BUGS: tuple[Bug, ...] = (
    Bug(
        "echo-pushed-back",
        "6: a pick of what is so already is sent, and comes back as another text",
        "statuses.py",
        """        return self.same_text(text, self.shown(stage)) or self.target(text, stage.pipeline_id) == stage""",
        """        return self.same_text(text, self.shown(stage))""",
        ("tests/test_statuses.py", "-k", "mean_the_same"),
    ),
    Bug(
        "status-compared-letter-by-letter",
        "7: a status spelt in another way counts as a pick",
        "statuses.py",
        """        return text == other or self._meaning(text) == self._meaning(other)""",
        """        return text == other""",
        ("tests/test_sync_push.py", "-k", "spelling"),
    ),
    Bug(
        "stage-without-its-pipeline",
        "3: a closed stage is shown under another pipeline's name",
        "statuses.py",
        """self._shown.get(stage, str(stage.status_id))""",
        """{one.status_id: text for one, text in self._shown.items()}.get(stage.status_id, "")""",
        ("tests/test_statuses.py", "-k", "d10"),
    ),
    Bug(
        "move-without-its-pipeline",
        "3: a stage that every pipeline has takes the lead into another one",
        "amo/payload.py",
        """            "pipeline_id": move.target.pipeline_id,
""",
        "",
        ("tests/test_amo_client.py", "-k", "names_the_pipeline"),
    ),
    Bug(
        "first-meeting-pushed",
        "2: without a state every cell that differs moves its lead",
        "sync/plan.py",
        """        kept = text if base is None or now.is_same or now.is_text_changed else base.text""",
        """        kept = now.shown if base is None else text""",
        ("tests/test_incidents_b.py", "-k", "b7"),
    ),
    Bug(
        "owned-cell-always-written",
        "2: a value typed over amoCRM's is replaced though amoCRM did not change",
        "sync/merge.py",
        """        return Verdict.LEAVE if has_cell_changed else Verdict.NOTHING""",
        """        return Verdict.TO_SHEET""",
        ("tests/test_incidents_b.py", "-k", "b8"),
    ),
    Bug(
        "guard-off",
        "2: one wrong paste moves half the shop",
        "sync/push.py",
        """    if run.is_forced:
        return moves
    pairs""",
        """    if run.is_forced or moves:
        return moves
    pairs""",
        ("tests/test_sync_push.py", "-k", "held or many"),
    ),
    Bug(
        "sorted-column-pushed",
        "3: a status column sorted by itself moves every lead",
        "sync/plan.py",
        """    return (Counter(old for old, _ in changes) & Counter(new for _, new in changes)).total()""",
        """    return 0""",
        ("tests/test_sync_push.py", "-k", "sorted"),
    ),
    Bug(
        "second-look-skipped",
        "3: a cell that is being edited, or a row that is being moved, moves a lead",
        "sync/push.py",
        """for lead_id, (number, text) in changed.items() if seen.get(lead_id) == text}""",
        """for lead_id, (number, text) in changed.items() if seen}""",
        ("tests/test_sync_push.py", "-k", "two_looks"),
    ),
    Bug(
        "swallowed-move-believed",
        "2: a move that amoCRM answered and did not carry out is never asked for again",
        "sync/swallowed.py",
        """    if asked is None or lead.updated_at < asked.answered_at:""",
        """    if asked is None or lead.updated_at <= asked.answered_at + 10**9:""",
        ("tests/test_sync_swallowed.py", "-k", "swallowed"),
    ),
    Bug(
        "dry-run-sends-moves",
        "6: a dry run moves leads",
        "sync/push.py",
        """    if run.is_dry:
        return
    if steady""",
        """    if steady""",
        ("tests/test_sync_push.py", "-k", "dry"),
    ),
)
