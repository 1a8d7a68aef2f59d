"""Planted bugs of reading amoCRM: lists, versions, cursors, bulk answers."""

from __future__ import annotations

from tests.planted_bug import Bug

BUGS: tuple[Bug, ...] = (
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
        """    if lead.updated_at < known_at:
        return Age.OLD
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
        """        pending = {lead_id: chunk.due[lead_id] for lead_id in found.of if""",
        """        found.of.update({one: LeadDetails(chunk.due[one].lead) for one in found.unread})
        pending = {lead_id: chunk.due[lead_id] for lead_id in found.of if""",
        ("tests/test_incidents_b.py", "-k", "b9"),
    ),
)
