"""What became of rows that were sent and never answered for: found out by reading alone. Sends nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import ForbiddenError, UnavailableError
from amo2gsheet.model import Contact, Lead, LeadDetails, UnreadLead
from amo2gsheet.model_import import Created
from amo2gsheet.state.records import HistoryEntry, ImportRow
from amo2gsheet.sync.importing_match import Content, content_shown, is_tag, matched
from amo2gsheet.sync.importing_run import COMMAND
from amo2gsheet.values import zone_of

if TYPE_CHECKING:
    from amo2gsheet.sync.importing_run import ImportRun

logger = logging.getLogger(__name__)

LATE_SECONDS = 300
"""So long a request without an answer may still be carried out."""

LOOK_AGAIN_SECONDS = 5.0
"""Between the two looks that must both find nothing before a row counts as not there."""

_CLOCK_RAN_BACK_SECONDS = 3600

_MERGED_SECONDS = 900
"""More than a batch takes, tried again and again, and more than two clocks of one cloud differ."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A lead of which nobody can tell whether it is a row: when it was made or changed (Unix seconds), and why."""

    at: int
    problem: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at amoCRM showed: key → lead, of the rows that are there, and ID → why, of leads that may be any other one."""

    found: dict[str, Created]
    unread: dict[int, Unread]

    def may_be(self, row: ImportRow) -> bool:
        """Whether a row that was not found may be there all the same."""
        return any(one.at >= row.since for one in self.unread.values())

    def and_then(self, later: Look) -> Look:
        """This look and a later one."""
        found = {**self.found, **later.found}
        made = {one.lead_id for one in found.values()}
        return Look(found, {key: one for key, one in {**self.unread, **later.unread}.items() if key not in made})


def settle(run: ImportRun, rows: Mapping[str, ImportRow]) -> dict[str, ImportRow]:
    """Find out about every open row; return the rows as they are known now. Safe to repeat.

    A row whose lead is seen is settled at once. One whose lead is not seen is dropped, and may be sent again, only when the list
    has had time to show it (`PULL_OVERLAP_SEC` and five minutes since it was sent, by amoCRM's clock) and two whole looks
    did not. Until then it stays open, and as long as some lead cannot be read that may be it.

    Raises:
        UnavailableError: amoCRM did not answer; what is open stays so.
    """
    left = {key: row for key, row in rows.items() if row.lead_id is None}
    if not left:
        return dict(rows)
    run.read_time()
    left = _begun_anew(run, left)
    claimed = {row.lead_id for row in rows.values()}
    seen = look(run, left, claimed)
    left = {key: row for key, row in left.items() if key not in seen.found}
    due = {key for key, row in left.items() if _is_over(run, row)}
    if due:
        run.clock.sleep(LOOK_AGAIN_SECONDS)
        seen = seen.and_then(look(run, left, claimed | {one.lead_id for one in seen.found.values()}))
    gone = {key for key in due - set(seen.found) if not seen.may_be(left[key])}
    _record(run, seen.found, gone)
    tell_of_unread(run, seen, [row for key, row in left.items() if key not in seen.found])
    return run.state.import_rows(run.tag_key)


def settles_at(run: ImportRun, row: ImportRow) -> str:
    """From when on a later run can tell what became of an open row, `14:30` or with the day, in the account's time."""
    wait_seconds = max(0, row.sent_at + _window_seconds(run) - run.now)
    return datetime.fromtimestamp(run.clock.time() + wait_seconds + 60, zone_of(run.zone)).strftime("%d.%m.%Y %H:%M")


def look(run: ImportRun, rows: Mapping[str, ImportRow], claimed: Iterable[int | None]) -> Look:
    """Read all leads changed since the oldest of these rows was sent, and find the rows among them.

    A lead counts that bears the import's tag, that no other row has become, and that is like what was sent.
    """
    since = min(row.since for row in rows.values())
    taken = set(claimed)
    tagged: dict[int, Lead] = {}
    unread: dict[int, Unread] = {}
    for leads in run.amo.changed_leads(since):
        for lead in leads:
            if lead.id in taken:
                continue
            if isinstance(lead, UnreadLead):
                unread[lead.id] = Unread(lead.updated_at, lead.problem)
            elif any(is_tag(run.tag, tag, is_new=lead.created_at >= since) for tag in lead.tags):
                tagged[lead.id] = lead
    if not tagged:
        return Look({}, unread)
    contacts, no_contacts = _contacts(run, tagged.values())
    shown = {
        lead.id: content_shown(LeadDetails(lead, tuple(contacts[one] for one in lead.contact_ids if one in contacts)))
        for lead in tagged.values()
    }
    keys = matched({key: Content.from_json(row.content) for key, row in rows.items()}, shown)
    if no_contacts:
        # One that was renamed since it was made is known by its contact alone.
        others = [lead for lead in tagged.values() if lead.id not in keys.values() and lead.contact_ids]
        unread |= {lead.id: Unread(lead.created_at, no_contacts) for lead in others}
    found = {key: Created(lead_id, _was_there(tagged[lead_id], rows[key])) for key, lead_id in keys.items()}
    return Look(found, unread)


def tell_of_unread(run: ImportRun, seen: Look, left: Iterable[ImportRow]) -> None:
    """Name the leads that keep open rows from being settled."""
    rows = list(left)
    for lead_id, one in seen.unread.items():
        if any(one.at >= row.since for row in rows):
            text = f"lead {lead_id} may be one of the unresolved rows, but could not be read: {one.problem}; they wait for it"
            if text not in run.report.named:
                run.name(text)


def _was_there(lead: Lead, row: ImportRow) -> bool:
    """Whether amoCRM put a row into a lead that it had long before."""
    return lead.created_at < row.sent_at - _MERGED_SECONDS


def _contacts(run: ImportRun, leads: Iterable[Lead]) -> tuple[dict[int, Contact], str]:
    """The contacts of these leads; without them, why: names, prices and fields tell most rows apart."""
    try:
        return run.amo.contacts([contact_id for lead in leads for contact_id in lead.contact_ids]), ""
    except (ForbiddenError, UnavailableError) as error:
        return {}, f"of its contacts, {error.message.rstrip('.')}"


def _window_seconds(run: ImportRun) -> int:
    return run.settings.pull_overlap_seconds + LATE_SECONDS


def _is_over(run: ImportRun, row: ImportRow) -> bool:
    age_seconds = run.now - row.sent_at
    return age_seconds >= _window_seconds(run)


def _begun_anew(run: ImportRun, rows: Mapping[str, ImportRow]) -> dict[str, ImportRow]:
    """These rows; those that were sent in what is the future now, as if sent now.

    The clock ran back, or another machine of amoCRM's answers: nobody knows how old they are, and that future may be years off.
    """
    ahead = [row for row in rows.values() if row.sent_at > run.now + _CLOCK_RAN_BACK_SECONDS]
    anew = [replace(row, sent_at=run.now) for row in ahead]
    run.state.save_import_rows(run.tag_key, anew)
    return {**rows, **{row.key: row for row in anew}}


def _record(run: ImportRun, found: Mapping[str, Created], gone: Iterable[str]) -> None:
    with run.state.transaction():
        run.state.settle_import_rows(run.tag_key, found, run.now)
        run.state.drop_import_rows(run.tag_key, gone)
        run.state.record([history_of(run, one, "found after an unclear answer") for one in found.values()])
    run.report.settled += len(found)
    for one in found.values():
        logger.info("%s: lead %d was made though no answer said so", COMMAND, one.lead_id, extra={"event": "settled"})


def history_of(run: ImportRun, one: Created, what: str) -> HistoryEntry:
    """The line of a lead's history that says where it comes from."""
    merged = ", merged into it by amoCRM" if one.is_merged else ""
    detail = f'{run.file_name}, tag "{run.tag}", {what}{merged}'
    return HistoryEntry(run.clock.time(), run.run_id, COMMAND, one.lead_id, "imported", detail=detail)
