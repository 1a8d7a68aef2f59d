"""Planted bugs of rows: which row is written, how often, and whether the answer is looked at."""

from __future__ import annotations

from tests.planted_bug import Bug

BUGS: tuple[Bug, ...] = (
    Bug(
        "insert-sent-again-blindly",
        "1: an append whose answer was lost is sent a second time",
        "sheet/http.py",
        """        kind = UnclearOutcomeError if failed.may_have_landed else UnavailableError""",
        """        kind = UnavailableError""",
        ("tests/test_sync_rows.py", "-k", "without_an_answer"),
    ),
    Bug(
        "write-repeated-within-a-call",
        "3: a write to row numbers is repeated after rows may have moved",
        "sheet/http.py",
        """            return retrier.call(lambda: self._try(send, understand), is_repeatable=False)""",
        """            return retrier.call(lambda: self._try(send, understand), is_repeatable=True)""",
        ("tests/test_sheet_http.py", "-k", "not_repeated"),
    ),
    Bug(
        "insert-without-its-token",
        "1: of a lost, a late and a repeated insert more than one lands",
        "sheet/adapter.py",
        """            insertion.answer,
            token=token,
""",
        """            insertion.answer,
""",
        ("tests/test_sheet_rows.py", "-k", "token"),
    ),
    Bug(
        "commit-token-not-lent",
        "1: an insert that is still under way lands beside its second try",
        "sync/rows.py",
        """    former = next((intent for intent in run.state.open_intents() if intent.kind == "rows"), None)""",
        """    former = None""",
        ("tests/test_sync_rows.py", "-k", "late_insert or lent"),
    ),
    Bug(
        "row-numbers-kept",
        "3: a row is planned again under the number it had before rows moved",
        "sync/desk.py",
        """                self.run.clock.sleep(BUSY_SECONDS * (attempt + 1))
            self.place = None
""",
        """                self.run.clock.sleep(BUSY_SECONDS * (attempt + 1))
""",
        ("tests/test_sync_planner.py", "-k", "large_table"),
    ),
    Bug(
        "doubled-ids-written",
        "1: of two rows with one ID the upper one is taken for the lead's",
        "sync/presence.py",
        """        row_of={lead_id: rows[0] for lead_id, rows in numbers.items() if len(rows) == 1},""",
        """        row_of={lead_id: rows[0] for lead_id, rows in numbers.items()},""",
        ("tests/test_incidents_a.py", "-k", "a2"),
    ),
    Bug(
        "deleted-at-once",
        "3: a row that one look missed counts as deleted by a person",
        "sync/presence.py",
        """DELETED = 2
""",
        """DELETED = 1
""",
        ("tests/test_sync_presence.py", "-k", "deleted or missed"),
    ),
    Bug(
        "vanished-rows-taken-for-deleted",
        "8: a filter pasted over the table deletes every row for good",
        "sync/presence.py",
        """    if len(newly) > run.settings.push_limit:""",
        """    if len(newly) > 10**9:""",
        ("tests/test_sync_presence.py", "-k", "vanish"),
    ),
    Bug(
        "emptied-tab-begun-anew",
        "8: a tab that reads as empty gets a new header and every row again",
        "sync/place.py",
        """    if tracked and not run.is_accepting:
        raise SheetError(
            f'The tab "{title}" is empty""",
        """    if tracked > 10**9:
        raise SheetError(
            f'The tab "{title}" is empty""",
        ("tests/test_incidents_a.py", "-k", "a7"),
    ),
    Bug(
        "half-an-answer-believed",
        "8: a range that did not come reads as empty cells",
        "sheet/grid.py",
        """    if len(found) != len(asked):
        raise BadAnswerError(f"{len(asked)} ranges were asked for, {len(found)} came")
    return [value_range(item, area, by_columns=by_columns) for item, area in zip(found, asked, strict=True)]""",
        """    found = [*found, *({"range": area.named(""), "values": []} for area in asked[len(found) :])]
    return [value_range(item, area, by_columns=by_columns) for item, area in zip(found, asked, strict=True)]""",
        ("tests/test_sheet_grid.py",),
    ),
    Bug(
        "answer-of-a-write-not-checked",
        "3: a value that landed in another lead's row stays there",
        "sync/writing.py",
        """    if landed_cleanly(record, answer):
        assert answer.rows is not None
""",
        """    if answer.rows is not None:
""",
        ("tests/test_withstand_people.py", "-k", "any_request_of_a_pull"),
    ),
    Bug(
        "stray-not-taken-back",
        "3: a value known to have strayed stays where it is",
        "sync/writing.py",
        """        strays = [stray for stray in view.inspection.strays if stray.is_known]""",
        """        strays = [stray for stray in view.inspection.strays if stray.is_known and not stray.index]""",
        ("tests/test_withstand_people.py", "-k", "any_request_of_a_pull"),
    ),
    Bug(
        "moved-columns-of-an-insert-not-checked",
        "3: new rows stay under the wrong headers",
        "sync/rows.py",
        """    if answer.header is not None and same_headers(sent, answer.header) and leads <= rows.keys():""",
        """    if leads <= rows.keys():""",
        ("tests/test_sync_rows.py", "-k", "ends_under_its_header"),
    ),
    Bug(
        "foreign-columns-written",
        "4: the cells between two written ones are emptied",
        "sheet/adapter.py",
        """[grid.sent(write.cells[i]) if i in write.cells else None for i""",
        """[grid.sent(write.cells.get(i)) for i""",
        ("tests/test_sheet_rows.py", "-k", "only_the_named"),
    ),
    Bug(
        "cells-read-as-typed",
        "4: `007` and `=1+1` become a number and a formula",
        "sheet/calls.py",
        """            "valueInputOption": "RAW",
""",
        """            "valueInputOption": "USER_ENTERED",
""",
        ("tests/test_incidents_c.py", "-k", "c2"),
    ),
    Bug(
        "another-tab-taken-for-ours",
        "3: a new tab under the old name gets the rows of the renamed one",
        "sync/place.py",
        """found.sheet_id != known_id and tracked and""",
        """found.sheet_id != known_id and False and""",
        ("tests/test_sync_place.py", "-k", "refused_until"),
    ),
    Bug(
        "mark-of-another-state-overlooked",
        "1: two installations write rows into one sheet",
        "sync/place.py",
        """        if (mark.host, mark.path) != (run.mark.host, run.mark.path)""",
        """        if not mark.host""",
        ("tests/test_sync_place.py", "-k", "mark"),
    ),
    Bug(
        "refused-write-not-halved",
        "9: one protected cell keeps every row of its batch from being written",
        "sync/writing.py",
        """    if len(record.writes) == 1:
        return Outcome(refused={record.writes[0].lead_id: error.message})""",
        """    if record.writes:
        return Outcome(refused={write.lead_id: error.message for write in record.writes})""",
        ("tests/test_sync_writing.py", "-k", "protected"),
    ),
    Bug(
        "refused-insert-not-halved",
        "9: one row that Google refuses keeps all new rows out",
        "sync/rows.py",
        """    if len(plans) == 1:
        return Outcome(refused={plans[0].row.lead_id: error.message})""",
        """    if plans:
        return Outcome(refused={plan.row.lead_id: error.message for plan in plans})""",
        ("tests/test_sync_rows.py", "-k", "refused_row"),
    ),
)
