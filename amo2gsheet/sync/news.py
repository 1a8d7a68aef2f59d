"""What of amoCRM's list is news: read so that nothing is lost, and held against the versions seen before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import ForbiddenError, UnavailableError
from amo2gsheet.model import Lead, UnreadLead
from amo2gsheet.state.records import Asked, LeadLinks, Version
from amo2gsheet.sync.presence import UNREAD

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run


def version_of(lead: Lead) -> Version:
    """The version that a lead shows."""
    return Version(lead.id, lead.updated_at, lead.digest, lead.stage)


def links_of(lead: Lead) -> LeadLinks:
    """What a lead hangs on."""
    return LeadLinks(lead.id, lead.contact_ids, lead.company_id, lead.responsible_user_id, lead.stage)


def news_lists(run: Run) -> Iterator[tuple[list[Lead | UnreadLead], int]]:
    """Yield lists of leads that may be news, each with the cursor that holds once the list is dealt with.

    While the list may still bring late entries it is read from the cursor minus the overlap. Once amoCRM's clock is past that,
    one page, newest first, settles that nothing is new.
    """
    cursor = run.state.cursor("leads") or 0
    overlap = run.settings.pull_overlap_seconds
    if int(run.state.get("server_time") or 0) > cursor + overlap:
        page = run.amo.newest_leads()
        if not page:
            return
        times = [lead.updated_at for lead in page]
        if min(times) <= cursor and times == sorted(times, reverse=True):
            fresh = [lead for lead in page if lead.updated_at >= cursor - overlap]
            yield fresh, _clamped(run, cursor, page)
            return
    for leads in run.amo.changed_leads(max(0, cursor - overlap)):
        cursor = _clamped(run, cursor, leads[-1:])
        yield leads, cursor


def _clamped(run: Run, cursor: int, leads: Sequence[Lead | UnreadLead]) -> int:
    """The newest time of the leads; never behind the cursor, never past amoCRM's own clock."""
    newest = max((lead.updated_at for lead in leads), default=cursor)
    return max(cursor, min(newest, run.amo.server_time or newest))


def readable(run: Run, listed: Iterable[Lead | UnreadLead]) -> list[Lead]:
    """The leads that could be read. The others are owed, unless they were read by ID since: then the list tells nothing new."""
    leads = [one for one in listed if isinstance(one, Lead)]
    unread = [one for one in listed if isinstance(one, UnreadLead)]
    seen = {lead_id: version.updated_at for lead_id, version in run.state.versions([one.id for one in unread]).items()}
    run.state.owe_all([one.id for one in unread if one.updated_at > seen.get(one.id, -1)], UNREAD)
    return leads


def only_news(run: Run, leads: Iterable[Lead]) -> list[Lead]:
    """Leave out what was seen before, what is older than seen, and our own moves' echo of an older stage."""
    newest: dict[int, Lead] = {}
    for lead in leads:
        if lead.id not in newest or lead.updated_at >= newest[lead.id].updated_at:
            newest[lead.id] = lead
    versions, asked = run.state.versions(newest), run.state.asked(newest)
    found: list[Lead] = []
    for lead in newest.values():
        seen, move = versions.get(lead.id), asked.get(lead.id)
        if seen is not None and seen.digest == lead.digest and move is None:
            continue
        age = _age_of(run, lead, seen, move)
        if age is Age.OLD:
            continue
        if age is Age.UNCERTAIN:
            try:
                current = run.amo.lead(lead.id)
            except (UnavailableError, ForbiddenError):
                # It keeps no other lead back: what is owed is asked for by ID.
                run.state.owe(lead.id, UNREAD)
                continue
            if current is None:
                continue
            lead = current
        found.append(lead)
    return found


class Age(Enum):
    """How a lead as a list shows it stands to what is known of it; uncertain is another stage of the very same second."""

    NEW = auto()
    UNCERTAIN = auto()
    OLD = auto()


def ages_of(run: Run, leads: Iterable[Lead]) -> dict[int, Age]:
    """Lead ID → how old a lead is as it is shown: lists may lag behind what was seen, or behind our own moves."""
    shown = list(leads)
    versions, asked = run.state.versions([lead.id for lead in shown]), run.state.asked([lead.id for lead in shown])
    return {lead.id: _age_of(run, lead, versions.get(lead.id), asked.get(lead.id)) for lead in shown}


def _age_of(run: Run, lead: Lead, seen: Version | None, move: Asked | None) -> Age:
    if seen is not None and run.believed(seen.updated_at) != seen.updated_at:
        # A time that cannot be: whatever is shown now is news.
        seen = None
    known_at = max(seen.updated_at if seen else 0, move.answered_at if move else 0)
    if lead.updated_at < known_at:
        return Age.OLD
    stages = {seen.stage if seen and seen.updated_at == known_at else None, move.target if move else None} - {None}
    return Age.UNCERTAIN if lead.updated_at == known_at and stages and lead.stage not in stages else Age.NEW


def look_into(
    name: str, run: Run, read: Callable[[int], Iterable[tuple[int, int]]], leads_of: Callable[[Iterable[int]], set[int]]
) -> None:
    """Note what is owed to the leads whose contacts or companies (`name`) changed since the last look, in one commit with it.

    `read` gives (ID, `updated_at`) of what changed since a time, `leads_of` the tracked leads that hang on it. The list is read
    from the cursor minus the overlap; what the last look saw there in this version is no news, unless it was so young then that
    the list may have been late.
    """
    state, overlap = run.state, run.settings.pull_overlap_seconds
    last = state.get_json(f"{name} seen") or {"at": 0, "entries": {}}
    start = state.cursor(name) or int(state.get("baseline_start") or 0) or state.cursor("leads") or run.amo.server_time
    entries = dict(read(max(0, start - overlap)))
    seen, settled_before = last["entries"], last["at"] - overlap
    changed = [one for one, updated_at in entries.items() if not seen.get(str(one)) == updated_at < settled_before]
    newest = max(entries.values(), default=0)
    with state.transaction():
        state.owe_all(leads_of(changed), "names")
        state.put_json(f"{name} seen", {"at": run.amo.server_time, "entries": entries})
        if newest:
            state.move_cursor(name, min(newest, run.amo.server_time))
