"""Deliberate faults in the engine, one by one: what is replaced, which promise that breaks, and which tests must notice.

`tests/planted.py` applies them to a copy. Each is a mistake that somebody has made or could make while mending something else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """One fault: in `file` below `amo2gsheet/`, `old` becomes `new`. `suite` are pytest's arguments: the tests that must fail."""

    name: str
    breaks: str
    file: str
    old: str
    new: str
    suite: tuple[str, ...]


JOURNAL = (
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
        """return run.state.add_intent("rows", _to_json(run, sent), run.state.new_commit_token())""",
        """return Intent(0, "rows", 0.0, run.state.new_commit_token(), False, 0, {})""",
        ("tests/test_sync_rows.py", "-k", "late_insert"),
    ),
    Bug(
        "move-not-journaled",
        "5: a move that was carried out unseen is no longer known",
        "sync/push.py",
        """        return run.state.add_intent("moves", payload), has_former""",
        """        return Intent(0, "moves", 0.0, None, False, 0, payload), has_former""",
        ("tests/test_sync_settle.py", "-k", "unseen"),
    ),
    Bug(
        "base-moved-before-amocrm-answered",
        "2: a pick whose move was never sent counts as done",
        "sync/push.py",
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
        "sync/push.py",
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
        """        if lead is not None and lead.stage == target:""",
        """        if lead is not None:""",
        ("tests/test_sync_settle.py", "-k", "told_of_once"),
    ),
)

ROWS = (
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
        """    if answer.header is not None and _same_headers(sent, answer.header) and leads <= rows.keys():""",
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

LISTS = (
    Bug(
        "empty-page-taken-for-the-end",
        "8: a page that shows nothing though another follows ends the list",
        "amo/payload.py",
        """            raise PayloadError("_embedded", "is missing though a page follows")
""",
        """            return Page([], has_next=False)
""",
        ("tests/test_amo_payload.py", "tests/test_amo_http.py"),
    ),
    Bug(
        "short-page-taken-for-the-end",
        "2: a page shorter than asked for ends the list",
        "amo/reader.py",
        """            if not found.has_next:
                return
            before = found.items
""",
        """            if not found.has_next or len(found.items) < limit:
                return
            before = found.items
""",
        ("tests/test_amo_client.py", "-k", "bulk or page"),
    ),
    Bug(
        "second-of-a-mass-edit-skipped",
        "2: of more leads changed in one second than a page holds some are never seen",
        "amo/listing.py",
        """                if read_second != last:
                    yield from self._whole_second(last, params, seen, since)
""",
        "",
        ("tests/test_amo_listing.py", "-k", "mass"),
    ),
    Bug(
        "overlap-ignored",
        "2: what amoCRM's list shows late is never seen",
        "sync/news.py",
        """    for leads in run.amo.changed_leads(max(0, cursor - overlap)):""",
        """    for leads in run.amo.changed_leads(max(0, cursor)):""",
        ("tests/test_withstand_lists.py", "-k", "behind_newer"),
    ),
    Bug(
        "cursor-from-this-machines-clock",
        "2: a machine whose clock is ahead skips what changes meanwhile",
        "sync/news.py",
        """    return max(cursor, min(newest, run.amo.server_time or newest))""",
        """    return max(cursor, run.now)""",
        ("tests/test_withstand_lists.py", "-k", "each_minute"),
    ),
    Bug(
        "digest-of-versions-dropped",
        "2: of two edits in one second the second is not seen",
        "sync/news.py",
        """        if seen is not None and seen.digest == lead.digest and move is None:""",
        """        if seen is not None and seen.updated_at == lead.updated_at and move is None:""",
        ("tests/test_incidents_b.py", "-k", "b14"),
    ),
    Bug(
        "older-version-believed",
        "7: a stale list writes an old stage over a newer one",
        "sync/news.py",
        """        if lead.updated_at < known_at:
            continue
""",
        "",
        ("tests/test_sync_news.py",),
    ),
    Bug(
        "events-counted-again",
        "1: a row that a person deleted comes back with every run",
        "sync/gather.py",
        """        entered = {event.lead_id for event in events if event.id not in counted and self._is_trigger(event.after)}""",
        """        entered = {event.lead_id for event in events if self._is_trigger(event.after)}
        passed = {event.lead_id for event in events}""",
        ("tests/test_sync_gather.py", "-k", "event"),
    ),
    Bug(
        "missing-lead-taken-for-an-outage",
        "9: one deleted lead ends every run",
        "amo/answers.py",
        """    if answer.status == 204 or (is_list and not answer.body.strip()):""",
        """    if is_list and not answer.body.strip():""",
        ("tests/test_incidents_b.py", "-k", "b11"),
    ),
    Bug(
        "lost-body-taken-for-a-missing-lead",
        "8: an answer without its body makes a lead count as deleted",
        "amo/answers.py",
        """    if answer.status == 204 or (is_list and not answer.body.strip()):""",
        """    if answer.status == 204 or not answer.body.strip():""",
        ("tests/test_amo_client.py", "-k", "missing"),
    ),
    Bug(
        "short-bulk-answer-believed",
        "8: a contact that a bulk answer left out counts as gone, and its phone is blanked",
        "amo/client.py",
        """            if one not in found and one not in gone:
                entity = self._reader.one(path, one, read, [])
                if entity is not None:
                    found[one] = entity
""",
        """            del one
""",
        ("tests/test_amo_client.py", "-k", "left_out"),
    ),
    Bug(
        "created-after-applied-to-tracked-rows",
        "7: leads older than LEADS_CREATED_AFTER that have a row go stale",
        "sync/planner.py",
        """            row = rows.get(lead_id)
            if row is None:
                continue
""",
        """            row = rows.get(lead_id)
            if row is None or not is_young(run, self.known, pending[lead_id]):
                continue
""",
        ("tests/test_incidents_f.py", "-k", "f3"),
    ),
    Bug(
        "contact-unread-taken-for-none",
        "8: details that amoCRM did not give blank the cells",
        "sync/desk.py",
        """        pending = {lead_id: chunk.due[lead_id] for lead_id in found.of}
""",
        """        found.of.update({one: LeadDetails(chunk.due[one].lead) for one in found.unread})
        pending = {lead_id: chunk.due[lead_id] for lead_id in found.of}
""",
        ("tests/test_incidents_b.py", "-k", "b9"),
    ),
)

RULE = (
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
        """    if objection is None:
        return moves
""",
        """    if objection is None or moves:
        return moves
""",
        ("tests/test_sync_push.py", "-k", "held or many"),
    ),
    Bug(
        "sorted-column-pushed",
        "3: a status column sorted by itself moves every lead",
        "sync/plan.py",
        """    return Counter(old for old, _ in changes) == Counter(new for _, new in changes)""",
        """    return False""",
        ("tests/test_sync_push.py", "-k", "sorted"),
    ),
    Bug(
        "second-look-skipped",
        "3: a cell that is being edited, or a row that is being moved, moves a lead",
        "sync/push.py",
        """    kept = [move for move in moves if seen.get(move.lead_id) == move.text]""",
        """    kept = [move for move in moves if seen]""",
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
        """    if not run.is_dry:
        _move(run, known, moves)""",
        """    _move(run, known, moves)""",
        ("tests/test_sync_push.py", "-k", "dry"),
    ),
)

KEEPING = (
    Bug(
        "lock-not-taken",
        "1: two runs at once make a row each",
        "commands.py",
        """    lock.acquire(settings.lock_wait_seconds, clock, job.watcher.on_wait)
    try:""",
        """    try:""",
        ("tests/test_scenarios.py", "-k", "lock"),
    ),
    Bug(
        "token-saved-in-place",
        "5: a kill during the save leaves half a token, and a new login is needed",
        "amo/tokens.py",
        """            new.replace(self.path)
            _sync_folder""",
        """            self.path.write_bytes(new.read_bytes())
            _sync_folder""",
        ("tests/test_amo_oauth.py", "-k", "save"),
    ),
    Bug(
        "token-spent-before-there-is-room",
        "5: on a full disk the old refresh token is spent and the new one lost",
        "amo/oauth.py",
        """            self._file.reserve()
            self._pair = self._refreshed(pair)""",
        """            self._pair = self._refreshed(pair)""",
        ("tests/test_amo_oauth.py", "-k", "stored"),
    ),
    Bug(
        "token-refreshed-without-a-lock",
        "5: two runs spend one refresh token",
        "amo/oauth.py",
        """            if pair.access_token and pair.access_token != refused:
                self._pair = pair
                return pair
            if not pair""",
        """            if not pair""",
        ("tests/test_amo_oauth.py", "-k", "once"),
    ),
    Bug(
        "token-file-for-everybody",
        "10: another user of the machine can read the tokens",
        "amo/tokens.py",
        """                os.fchmod(descriptor, 0o600)""",
        """                os.fchmod(descriptor, 0o644)""",
        ("tests/test_amo_oauth.py", "-k", "401 or link or owner"),
    ),
    Bug(
        "state-file-for-everybody",
        "10: another user of the machine can read customers' data",
        "state/opening.py",
        """        if path.stat().st_mode & 0o077:
            path.chmod(0o600)""",
        """        path.chmod(0o644)""",
        ("tests/test_state_opening.py", "-k", "k6 or rights"),
    ),
    Bug(
        "secret-logged",
        "10: the token stands in the log",
        "amo/transport.py",
        """        logger.debug("amoCRM %s %s %d %d ms", method, path, answer.status, milliseconds)""",
        """        logger.debug("amoCRM %s %s %s %d %d ms", method, path, token, answer.status, milliseconds)""",
        ("tests/test_withstand_trouble.py", "-k", "log"),
    ),
    Bug(
        "value-logged",
        "10: names and phones stand in the log",
        "sync/writing.py",
        """SHOWN_COLUMNS = frozenset({"status", "pipeline"})""",
        """SHOWN_COLUMNS = frozenset({"status", "pipeline", "name", "phone"})""",
        ("tests/test_withstand_trouble.py", "-k", "changed_name"),
    ),
    Bug(
        "redirect-followed",
        "10: the token goes to whatever host an answer names",
        "amo/transport.py",
        """                allow_redirects=False,""",
        """                allow_redirects=True,""",
        ("tests/test_amo_http.py", "-k", "redirect"),
    ),
    Bug(
        "block-not-remembered",
        "6: a blocked account is asked again by every run",
        "amo/transport.py",
        """            self._stops.note_block()
""",
        "",
        ("tests/test_amo_http.py", "-k", "block"),
    ),
    Bug(
        "eight-requests-a-second",
        "6: amoCRM blocks the account",
        "amo/bucket.py",
        """REQUESTS_PER_WINDOW = 7
""",
        """REQUESTS_PER_WINDOW = 8
""",
        ("tests/test_amo_bucket.py", "-k", "seven"),
    ),
    Bug(
        "state-of-another-sheet-used",
        "3: bases of one sheet are held against another one",
        "commands.py",
        """    state.bind(settings.amo_base_url, settings.sheet_id)
""",
        "",
        ("tests/test_withstand_trouble.py", "-k", "another_sheet"),
    ),
    Bug(
        "damage-overlooked",
        "5: a torn state file ends every run",
        "state/opening.py",
        """        if not is_damage(error):
            raise
        found = Found.DAMAGED""",
        """        raise""",
        ("tests/test_state_opening.py", "-k", "damage"),
    ),
    Bug(
        "late-list-of-a-first-run",
        "2: what changes during a first run is never seen",
        "sync/gather.py",
        """        start = int(run.state.get("baseline_start") or min(newest, run.amo.server_time or newest))""",
        """        start = run.now + 3600""",
        ("tests/test_withstand_clouds.py", "-k", "date"),
    ),
)

BUGS: tuple[Bug, ...] = (*JOURNAL, *ROWS, *LISTS, *RULE, *KEEPING)
