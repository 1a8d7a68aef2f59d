"""Which leads a `pull` has to look at: news of amoCRM's list, events, what is owed, the hourly look. Writes to the state only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import AmoGsheetError, UnavailableError
from amo2gsheet.model import Lead, Stage, UnreadLead
from amo2gsheet.state.records import Pending, Version, Waiting
from amo2gsheet.sync import directory, swallowed
from amo2gsheet.sync.chunk import Chunk, Due
from amo2gsheet.sync.details import GIVE_UP_AFTER, HIDDEN, bulk_or_nothing
from amo2gsheet.sync.directory import Known
from amo2gsheet.sync.news import Age, ages_of, look_into, news_lists, only_news, readable, version_of
from amo2gsheet.sync.presence import UNREAD
from amo2gsheet.sync.sides import NO_ANSWER
from amo2gsheet.values import zone_of

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

CHUNK_LEADS = 5000
"""So many leads are looked at before they are written and the cursor moves: bounds memory, and what a kill costs."""

BELONGS = "belongs"
ENTERED = "entered"
"""Reasons for which a lead is owed to the next run: it belongs in the sheet, or came into a trigger stage anew."""

HOUR_SECONDS = 3600
"""So often a `pull` looks for what the update list never tells."""

FINAL_STATUS_IDS = frozenset({142, 143})
FINAL_SECONDS = 60 * 86400
"""Leads won or lost so long ago are left out of `--full`."""


class Feed:
    """Gathers the leads of one `pull`, chunk by chunk. `known` is renewed when something unknown turns up."""

    def __init__(self, run: Run, known: Known) -> None:
        self._run = run
        self.known = known
        self._refreshed: set[str] = set()
        self._others: dict[int, Pending] = dict(run.state.pending())
        self._failures = 0

    def chunks(self) -> Iterator[Chunk]:
        """Yield what is due; the caller closes each chunk. The last one may hold no lead."""
        chunk = Chunk()
        for step in self._steps():
            step(chunk)
            if len(chunk.due) >= CHUNK_LEADS:
                yield chunk
                chunk = Chunk()
        chunk.is_last = True
        yield chunk

    def _steps(self) -> Iterator[Callable[[Chunk], None]]:
        """Yield what is to be gathered, each step one list of leads or one reading."""
        run = self._run
        if run.state.get("baseline") is None:
            yield from self._baseline()
        else:
            for leads, cursor in news_lists(run):
                yield partial(self._take_news, leads, cursor)
            yield self._judge_by_events
            if self._is_look_due():
                yield self._look
                for leads in run.amo.leads_in_stages(sorted(self.known.rules.triggers)):
                    yield partial(self._take_standing, leads)
                yield self._end_look
        for lead_ids in _slices(sorted(run.state.owed())):
            yield partial(self._take_owed, lead_ids)
        if run.is_full:
            for lead_ids in _slices(run.state.all_lead_ids()):
                yield partial(self._take_tracked, lead_ids)

    # --- news ---

    def _baseline(self) -> Iterator[Callable[[Chunk], None]]:
        """The first run on a tab takes the leads that stand in a trigger stage; the cursor starts where it began."""
        run = self._run
        newest = max((lead.updated_at for lead in run.amo.newest_leads()), default=run.amo.server_time)
        # By amoCRM's own times: its `Date` may run ahead of what its leads carry, or be missing. A first run that is cut off has
        # made rows already: what happens to their leads before the next one is news.
        start = int(run.state.get("baseline_start") or min(newest, run.amo.server_time or newest))
        run.state.put("baseline_start", str(start))
        for leads in run.amo.leads_in_stages(sorted(self.known.rules.triggers)):
            yield partial(self._take_first, leads)

        def end(chunk: Chunk) -> None:
            # An earlier first run that failed may have read the names long ago.
            chunk.marks = {
                "baseline": "done",
                "hourly_at": str(run.now - int(min(directory.pipelines_age(run) or 0, HOUR_SECONDS))),
            }
            chunk.cursor = chunk.event_cursor = start

        yield end

    def _take_first(self, listed: Sequence[Lead | UnreadLead], chunk: Chunk) -> None:
        leads = readable(self._run, listed)
        self._learn(leads)
        self._run.report.leads_read += len(leads)
        elsewhere = set(self._run.state.bases_elsewhere([lead.id for lead in leads]))
        for lead in leads:
            if self.known.rules.is_trigger(lead.stage) and lead.id not in elsewhere:
                chunk.add(Due(lead, may_add=True))
                chunk.versions.append(version_of(lead))

    def _take_news(self, listed: Sequence[Lead | UnreadLead], cursor: int, chunk: Chunk) -> None:
        self._judge(chunk, only_news(self._run, readable(self._run, listed)))
        chunk.cursor = cursor

    def _judge(self, chunk: Chunk, leads: Sequence[Lead]) -> None:
        """Who belongs in the sheet: a lead in a trigger stage, or one tracked already; of the rest their events will tell."""
        run = self._run
        self._learn(leads)
        rules = self.known.rules
        tracked = run.state.bases([lead.id for lead in leads])
        versions = run.state.versions([lead.id for lead in leads])
        run.report.leads_read += len(leads)
        for lead in leads:
            is_trigger = rules.is_trigger(lead.stage)
            chunk.versions.append(version_of(lead))
            if lead.id in tracked or is_trigger:
                has_entered = self._has_entered(lead, versions)
                self._others.pop(lead.id, None)
                chunk.judged.append(lead.id)
                current = self._checked(lead, ENTERED if has_entered else BELONGS if is_trigger else UNREAD)
                if current is not None:
                    chunk.add(Due(current, may_add=is_trigger, has_entered=has_entered))
            else:
                self._others[lead.id] = Pending(lead.id, lead.updated_at, lead.stage)
                chunk.pending.append(self._others[lead.id])

    def _judge_by_events(self, chunk: Chunk) -> None:
        """A lead that passed through a trigger stage between two runs is told by its events."""
        run, others = self._run, self._others
        deleted = {lead_id for lead_id, base in run.state.bases(chunk.due).items() if base.missing}
        if not others and not deleted:
            return
        overlap = run.settings.pull_overlap_seconds
        since = max(0, (run.state.cursor("events") or run.amo.server_time) - overlap)
        try:
            events = run.amo.trigger_events(sorted(self.known.rules.triggers), since)
            run.stop_waiting([0], "no right to events")
        except NO_ANSWER:
            self._notice_no_right("events", "a lead that enters and leaves the trigger stage between two runs is not seen")
            events = []
        # What was over when the first run began is not made up for: that run took the leads that stood in a trigger stage.
        begun = int(run.state.get("baseline_start") or 0)
        events = [event for event in events if event.created_at > begun]
        counted = run.state.seen_events([event.id for event in events])
        passed = {event.lead_id for event in events if event.id not in counted}
        entered = {event.lead_id for event in events if event.id not in counted and self._is_trigger(event.after)}
        self._take_passed(chunk, passed & set(others), entered)
        for lead_id in passed & set(chunk.due):
            due = chunk.due[lead_id]
            chunk.due[lead_id] = Due(due.lead, may_add=True, has_entered=due.has_entered or lead_id in entered)
        chunk.events += [(event.id, event.created_at) for event in events]
        chunk.event_cursor = max((run.believed(event.created_at) for event in events), default=None)
        old = (run.amo.server_time or run.now) - overlap
        chunk.judged += [lead_id for lead_id, lead in others.items() if lead_id in passed or lead.updated_at < old]

    def _notice_no_right(self, what: str, so: str) -> None:
        if self._run.state.wait(Waiting(0, f"no right to {what}", "", since=self._run.now)):
            self._run.notice(f"the token may not read {what}: {so}")

    def _has_entered(self, lead: Lead, versions: Mapping[int, Version]) -> bool:
        """Whether a lead stands in a trigger stage, and stood in none when it was last seen."""
        seen = versions.get(lead.id)
        return self._is_trigger(lead.stage) and seen is not None and not self._is_trigger(seen.stage)

    def _is_trigger(self, stage: Stage | None) -> bool:
        return stage is not None and self.known.rules.is_trigger(stage)

    def _take_passed(self, chunk: Chunk, lead_ids: set[int], entered: set[int]) -> None:
        if not lead_ids:
            return
        reasons = {lead_id: ENTERED if lead_id in entered else BELONGS for lead_id in lead_ids}
        for lead in self._read(sorted(lead_ids), reasons):
            chunk.add(Due(lead, may_add=True, has_entered=lead.id in entered))

    # --- owed and full ---

    def _take_owed(self, lead_ids: Sequence[int], chunk: Chunk) -> None:
        """Leads that an earlier run, or `push`, left to this one."""
        run = self._run
        owed = run.state.owed()
        versions = run.state.versions(lead_ids)
        for current in self._current(lead_ids):
            reasons = owed[current.id].reasons if current.id in owed else {}
            belongs = self._is_trigger(current.stage) or BELONGS in reasons or ENTERED in reasons
            has_entered = ENTERED in reasons or self._has_entered(current, versions)
            chunk.add(Due(current, may_add=belongs, has_entered=has_entered))
            chunk.versions.append(version_of(current))
            chunk.paid.add(current.id)

    def _take_tracked(self, lead_ids: Sequence[int], chunk: Chunk) -> None:
        """Every tracked lead, those final for long left out."""
        versions = self._run.state.versions(lead_ids)
        wanted = [lead_id for lead_id in lead_ids if lead_id not in chunk.due and not self._is_final(versions.get(lead_id))]
        for lead in self._current(wanted):
            chunk.add(Due(lead, may_add=self._is_trigger(lead.stage), has_entered=self._has_entered(lead, versions)))
            chunk.versions.append(version_of(lead))

    def _current(self, lead_ids: Sequence[int]) -> Iterator[Lead]:
        """Read leads that are tracked or owed; those that amoCRM shows older than they are known wait for a later run."""
        leads = self._read(lead_ids, {})
        ages = ages_of(self._run, leads)
        for lead in leads:
            if ages[lead.id] is Age.OLD:
                continue
            current = self._checked(lead, UNREAD)
            if current is not None:
                yield current

    def _checked(self, lead: Lead, reason: str) -> Lead | None:
        """A lead as it is now, held against the move that was asked for it.

        None: it is gone; or it could not be asked for, and is owed to the next run for `reason`.
        """
        return self._asked(lead.id, reason, partial(swallowed.check, self._run, self.known, lead))

    def _asked(self, lead_id: int, reason: str, ask: Callable[[], Lead | None]) -> Lead | None:
        """What `ask` tells of one lead; None where that is nothing: a lead that is gone is named, one that is unread waits."""
        try:
            lead = ask()
        except NO_ANSWER as error:
            self._leave_unread(lead_id, reason, error)
            return None
        except UnavailableError as error:
            self._leave_unanswered(lead_id, reason, error)
            return None
        if lead is None:
            self._name_gone(lead_id)
        return lead

    def _is_final(self, version: Version | None) -> bool:
        if version is None or version.stage.status_id not in FINAL_STATUS_IDS:
            return False
        return version.updated_at < self._run.amo.server_time - FINAL_SECONDS

    def _read(self, lead_ids: Sequence[int], reasons: Mapping[int, str]) -> list[Lead]:
        """Read leads in bulk; one by one what the bulk answer leaves out. A lead that is gone is named once.

        One that cannot be read is owed to the next run for its reason.
        """
        if not lead_ids:
            return []
        run = self._run
        found = bulk_or_nothing(run, lead_ids)
        # A list may lag; asked for by its ID a lead is as it is.
        ages = ages_of(run, found.values())
        found = {lead_id: lead for lead_id, lead in found.items() if ages[lead_id] is Age.NEW}
        for lead_id in lead_ids:
            if lead_id in found:
                continue
            lead = self._asked(lead_id, reasons.get(lead_id, UNREAD), partial(run.amo.lead, lead_id))
            if lead is not None:
                found[lead_id] = lead
        leads = [found[lead_id] for lead_id in lead_ids if lead_id in found]
        self._learn(leads)
        run.report.leads_read += len(leads)
        run.stop_waiting(list(found), UNREAD)
        return leads

    def _leave_unread(self, lead_id: int, reason: str, error: AmoGsheetError) -> None:
        """A lead of which amoCRM tells nothing waits alone; it is named once and asked for again by each run."""
        if reason != UNREAD or lead_id not in self._run.state.owed():
            self._run.state.owe(lead_id, reason)
        self._run.wait(
            Waiting(lead_id, UNREAD, error.message, since=self._run.now),
            f"lead {lead_id} could not be read and waits: {error.message}",
        )

    def _leave_unanswered(self, lead_id: int, reason: str, error: UnavailableError) -> None:
        """A lead for which amoCRM did not answer waits alone; several mean that amoCRM is down."""
        self._failures += 1
        if self._failures >= GIVE_UP_AFTER:
            raise error
        self._run.state.owe(lead_id, reason)
        self._run.name(f"lead {lead_id} could not be read and waits for the next run: {error.message}")
        self._run.report.is_unavailable = True

    def _name_gone(self, lead_id: int) -> None:
        run = self._run
        is_tracked = bool(run.state.bases([lead_id]))
        kind = "gone lead" if is_tracked else "no such lead"
        # A push that named it remembers for which text; that entry stays, or the two would name it in turns for ever.
        if run.state.waiting_of(lead_id, kind) is None:
            run.wait(
                Waiting(lead_id, kind, "", since=run.now),
                f"lead {lead_id} is not in amoCRM (deleted, merged, or a mistyped ID); its row is left as it is",
            )
        run.state.pay([lead_id])

    # --- the hourly look ---

    def _is_look_due(self) -> bool:
        run = self._run
        age = run.now - int(run.state.get("hourly_at") or 0)
        return run.is_full or age < 0 or age >= HOUR_SECONDS

    def _look(self, chunk: Chunk) -> None:
        """What the update list never tells: names, contacts, companies, Staff, and who stands in a trigger stage now."""
        run = self._run
        self.known = directory.refresh(run)
        # Reads as empty where there is no such tab; the tab list would cost a request more.
        self.known = directory.with_staff(run, self.known, has_tab=True)
        self._refreshed |= {"pipelines", "users", "fields"}
        for name, read, leads_of in (
            ("contacts", run.amo.changed_contacts, run.state.leads_of_contacts),
            ("companies", run.amo.changed_companies, run.state.leads_of_companies),
        ):
            try:
                look_into(name, run, read, leads_of)
                run.stop_waiting([0], f"no right to {name}")
            except NO_ANSWER:
                self._notice_no_right(name, "what changes in them shows only when the lead changes, too")
        # Nothing tells when the token may see more.
        run.state.owe_all([waiting.lead_id for waiting in run.state.waiting(HIDDEN)], "names")

    def _take_standing(self, listed: Sequence[Lead | UnreadLead], chunk: Chunk) -> None:
        """Leads that stand in a trigger stage now: news of the tracked ones, and those that are not tracked, seen or not."""
        leads = readable(self._run, listed)
        self._judge(chunk, only_news(self._run, leads))
        state = self._run.state
        lead_ids = [lead.id for lead in leads]
        tracked = set(state.bases(lead_ids)) | set(state.bases_elsewhere(lead_ids))
        for lead in leads:
            is_young = lead.created_at >= self._run.settings.created_after.unix(zone_of(self.known.directory.zone))
            if lead.id not in tracked and is_young and self.known.rules.is_trigger(lead.stage):
                chunk.add(Due(lead, may_add=True))

    def _end_look(self, chunk: Chunk) -> None:
        chunk.marks["hourly_at"] = str(self._run.now)

    # --- unknown names ---

    def _learn(self, leads: Sequence[Lead]) -> None:
        """Read a directory anew, once a run, when a lead shows a stage, user or field that it does not know."""
        run, known = self._run, self.known
        if any(not known.rules.knows(lead.stage) for lead in leads) and "pipelines" not in self._refreshed:
            self._refreshed.add("pipelines")
            self.known = directory.refresh_pipelines(run)
        users = known.directory.users
        responsible = {lead.responsible_user_id for lead in leads} - {0}
        if users is not None and "users" not in self._refreshed and not responsible <= users.keys():
            self._refreshed.add("users")
            self.known = directory.refresh_users(run)
        fields = {lead_field.id for lead_field in known.directory.lead_fields}
        if "fields" not in self._refreshed and any(field_id not in fields for lead in leads for field_id in lead.fields):
            self._refreshed.add("fields")
            self.known = directory.refresh_fields(run)


def _slices(lead_ids: Sequence[int], size: int = 1000) -> Iterator[Sequence[int]]:
    for start in range(0, len(lead_ids), size):
        yield lead_ids[start : start + size]
