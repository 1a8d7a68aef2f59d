"""The amoCRM account as the sync sees it. Knows routes and parameters; HTTP and JSON are its neighbours' work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import requests

from amo2gsheet.amo import directory, payload
from amo2gsheet.amo.bucket import Bucket
from amo2gsheet.amo.http import AmoHttp
from amo2gsheet.amo.listing import PAGE_SIZE, FiltersOffError, Listed, Listing, Params
from amo2gsheet.amo.moves import move_all
from amo2gsheet.amo.oauth import Login, Tokens
from amo2gsheet.amo.reader import Reader, ReadItem, readable
from amo2gsheet.amo.shape import PayloadError
from amo2gsheet.amo.stops import Stops
from amo2gsheet.amo.tokens import TokenFile, claims
from amo2gsheet.amo.transport import Transport
from amo2gsheet.exceptions import ForbiddenError, UnreadableError
from amo2gsheet.model import (
    Account,
    Company,
    Contact,
    Lead,
    LeadField,
    Move,
    MoveAnswers,
    Pipeline,
    Stage,
    StatusEvent,
    UnreadLead,
)
from amo2gsheet.retry import Clock, Retrier, RetryPolicy

if TYPE_CHECKING:
    from amo2gsheet.model_import import CreateAnswers, NewLead

T = TypeVar("T", bound=Listed)

USUAL_POLICY = RetryPolicy()

_CONTACTS_A_REQUEST = 100
_EVENTS_A_PAGE = 100
"""Documented; more were seen, but nobody promises them."""

_LEAD_PARAMS: Params = [("with", "contacts")]


class AmoClient:
    """One account over HTTP. Nothing is sent before the first call.

    `on_secret` is told each token that is read or received, before it is used.
    `is_filter_kept` is what is known of the account's filter option, best remembered from one run to the next: None before the
    first filtered answer; False from the first answer on that ignored a filter, and then everything is read without.
    """

    def __init__(
        self,
        base_url: str,
        login: Login,
        token_store: Path,
        clock: Clock,
        *,
        delay_seconds: float = 0.2,
        policy: RetryPolicy = USUAL_POLICY,
        new_session: Callable[[], requests.Session] = requests.Session,
        filters_enabled: bool | None = None,
        on_secret: Callable[[str], None] = lambda secret: None,
    ) -> None:
        file = TokenFile(token_store)
        retrier = Retrier(policy, clock)
        bucket = Bucket(file.beside(".rate"), clock, delay_seconds)
        self._stops = Stops(file.beside(".stop"), clock)
        self._transport = Transport(base_url, bucket, self._stops, clock, new_session)
        self._tokens = Tokens(login, file, self._transport, self._stops, retrier, clock, on_secret)
        self._http = AmoHttp(self._transport, self._tokens, retrier)
        self._reader = Reader(self._http)
        self._clock = clock
        self.is_filter_kept = filters_enabled

    @property
    def server_time(self) -> int:
        """The `Date` of the last answer, Unix seconds by amoCRM's own clock; 0 before the first answer."""
        return self._transport.server_time

    @property
    def request_count(self) -> int:
        """Requests sent so far, token requests not counted."""
        return self._transport.request_count

    @property
    def quota_refusals(self) -> int:
        """How often amoCRM said 429 so far."""
        return self._transport.quota_refusals

    def close(self) -> None:
        """Close the connections. Safe to repeat."""
        self._transport.close()

    def exchange_code(self, code: str) -> None:
        """Log in with an authorisation code, which works once; lifts what was remembered of a block or a refused login.

        Raises:
            LoginError: amoCRM refused, with the reason.
            UnavailableError: it did not answer.
            StateError: the token file cannot be written.
        """
        self._tokens.exchange_code(code)

    def token_claims(self) -> Mapping[str, object]:
        """What the access token says of itself: the claims of a JWT, {} of any other token. Sends nothing but a due refresh.

        Raises:
            LoginError: there is no login.
        """
        return claims(self._tokens.access_token())

    def lift_block(self) -> None:
        """Forget a block or a refused login that was remembered, so that the next request is sent."""
        self._stops.lift()

    # What names things.

    def account(self) -> Account:
        """Read the account: one request. Where it says that filters are on, they are tried again though they were not kept."""
        account = self._reader.whole("/account", directory.account, [("with", "is_api_filter_enabled,datetime_settings")])
        if account.is_filter_enabled and self.is_filter_kept is False:
            self.is_filter_kept = None
        return account

    def pipelines(self) -> tuple[Pipeline, ...]:
        """Read all pipelines with their stages, in the order of `sort`: one request, for that list has no pages."""
        page = self._reader.page("/leads/pipelines", "pipelines", directory.pipeline, [])
        with readable("/leads/pipelines"):
            if not page.items:
                raise PayloadError("_embedded.pipelines", "shows no stage, though every account has a pipeline with some")
        return tuple(sorted(page.items, key=lambda pipeline: pipeline.sort))

    def lead_fields(self) -> tuple[LeadField, ...]:
        """Read the custom fields of leads, all pages."""
        return tuple(self._reader.all("/leads/custom_fields", "custom_fields", directory.lead_field, []))

    def contact_fields(self) -> tuple[LeadField, ...]:
        """Read the custom fields of contacts, all pages."""
        return tuple(self._reader.all("/contacts/custom_fields", "custom_fields", directory.lead_field, []))

    def users(self) -> dict[int, str] | None:
        """Read the users, all pages: ID → name; None where the token may not, or the account gives none."""
        try:
            return dict(self._reader.all("/users", "users", directory.user, []))
        except (ForbiddenError, UnreadableError):
            return None

    # Leads.

    def newest_leads(self, count: int = 0) -> list[Lead | UnreadLead]:
        """Read leads, newest `updated_at` first: one page, and more until there are so many; each once."""
        asked: Params = [*_LEAD_PARAMS, ("order[updated_at]", "desc")]
        pages: Iterator[list[Lead | UnreadLead]] = self._reader.pages("/leads", "leads", payload.listed_lead, asked)
        found: dict[int, Lead | UnreadLead] = {}
        for page in pages:
            # One that changes between two pages pushes the others back, onto the next page.
            found.update((lead.id, lead) for lead in page if lead.id not in found)
            if len(found) >= count:
                break
        return list(found.values())

    def changed_leads(self, since: int) -> Iterator[list[Lead | UnreadLead]]:
        """Read every lead changed at or after `since` (Unix seconds), oldest first, in lists; loses none that changes meanwhile.

        A version comes twice only where the account turns out half-way to ignore filters; without them the whole comes as one
        list. After each list every lead whose change is older than the list's last one has been given.
        """
        yield from self._changed("/leads", self._leads(lambda _lead: True), since, _LEAD_PARAMS)

    def leads_in_stages(self, stages: Sequence[Stage]) -> Iterator[list[Lead | UnreadLead]]:
        """Read every lead that stands in one of the stages now; without filters that means reading every lead there is.

        Of an unread one nobody knows where it stands.
        """
        wanted = frozenset(stages)
        if not wanted:
            return
        listing = self._leads(lambda lead: isinstance(lead, UnreadLead) or lead.stage in wanted)
        with readable("/leads"):
            if self.is_filter_kept is not False:
                try:
                    yield from listing.oldest_first(0, [*_LEAD_PARAMS, *_stage_filter("filter[statuses]", stages)])
                except FiltersOffError:
                    self.is_filter_kept = False
                else:
                    return
            yield from listing.newest_first(0, _LEAD_PARAMS)

    def leads_by_id(self, lead_ids: Sequence[int]) -> dict[int, Lead]:
        """Read leads in bulk, 250 a request, without filters one by one. What is not in the result is unread, not gone."""
        found, _ = self._bulk("/leads", payload.listed_lead, lead_ids, PAGE_SIZE, _LEAD_PARAMS)
        return {lead_id: lead for lead_id, lead in found.items() if isinstance(lead, Lead)}

    def lead(self, lead_id: int) -> Lead | None:
        """Read one lead as it is now; None: amoCRM says that there is none (204, 404, in the trash)."""
        return self._reader.one("/leads", lead_id, payload.lead, _LEAD_PARAMS)

    # Contacts and companies.

    def contacts(self, contact_ids: Sequence[int]) -> dict[int, Contact]:
        """Read contacts, 100 a request; those left out of the bulk answer are asked for by ID, a missing one is really gone."""
        return self._complete("/contacts", payload.contact, contact_ids)

    def companies(self, company_ids: Sequence[int]) -> dict[int, Company]:
        """Read companies in bulk; as `contacts`."""
        return self._complete("/companies", payload.company, company_ids)

    def changed_contacts(self, since: int) -> list[tuple[int, int]]:
        """Read (ID, `updated_at`) of contacts changed at or after `since`."""
        return self._changes("/contacts", since)

    def changed_companies(self, since: int) -> list[tuple[int, int]]:
        """Read (ID, `updated_at`) of companies changed at or after `since`."""
        return self._changes("/companies", since)

    # Moves.

    def trigger_events(self, stages: Sequence[Stage], since: int) -> list[StatusEvent]:
        """Read the moves into or out of one of the stages at or after `since`, oldest first.

        Raises:
            ForbiddenError: the token has no right to events.
            UnreadableError: the account gives no events.
        """
        wanted = frozenset(stages)
        found: list[StatusEvent] = []
        for value in ("value_after", "value_before") if wanted else ():
            found += self._events(_stage_filter(f"filter[{value}][leads_statuses]", stages), since)
        return _in_order(event for event in found if event.before in wanted or event.after in wanted)

    def moves_of(self, lead_id: int, since: int) -> list[StatusEvent]:
        """Read the moves of one lead at or after `since`, oldest first.

        Raises:
            ForbiddenError: the token has no right to events.
        """
        found = self._events([("filter[entity_id][]", lead_id)], since)
        return _in_order(event for event in found if event.lead_id == lead_id)

    def move(self, moves: Sequence[Move]) -> MoveAnswers:
        """Move leads, at most 50 a request. A batch refused for single items goes through without them.

        Best called with at most 50 moves: an unclear outcome speaks of the whole call.

        Raises:
            UnclearOutcomeError: a request was sent and no answer told what became of it.
        """
        return move_all(self._http, moves)

    # New leads.

    def create(self, leads: Sequence[NewLead]) -> CreateAnswers:
        """Make leads with their contacts and companies, at most 50 a request; what became of each stands in the answer."""
        # Only now: the runs of each minute make no leads.
        from amo2gsheet.amo.creating import create_all

        return create_all(self._http, leads)

    def tags(self, name: str = "") -> list[str]:
        """Read the tags that leads ever had, all pages; with a name those that amoCRM's filter gives for it: one request.

        The filter may be stricter than amoCRM is where it puts tags on leads, and a comma in it makes two names.
        """
        asked: Params = [("filter[name]", name)] if name else []
        return self._reader.all("/leads/tags", "tags", payload.tag, asked)

    # Below: how lists are asked for.

    def _leads(self, is_wanted: Callable[[Lead | UnreadLead], bool]) -> Listing[Lead | UnreadLead]:
        return Listing(
            lambda params: self._reader.page("/leads", "leads", payload.listed_lead, params),
            lambda lead: (lead.id, lead.updated_at, lead.problem if isinstance(lead, UnreadLead) else lead.digest),
            is_wanted,
            lambda: self.server_time,
            self._clock.sleep,
        )

    def _changes(self, path: str, since: int) -> list[tuple[int, int]]:
        listing: Listing[payload.Change] = Listing(
            lambda params: self._reader.page(path, path[1:], payload.change, params),
            lambda one: (one.id, one.updated_at),
            lambda _one: True,
            lambda: self.server_time,
            self._clock.sleep,
        )
        return [(one.id, one.updated_at) for found in self._changed(path, listing, since, []) for one in found]

    def _changed(self, path: str, listing: Listing[T], since: int, params: Params) -> Iterator[list[T]]:
        with readable(path):
            if self.is_filter_kept is not False:
                try:
                    yield from listing.oldest_first(since, params)
                except FiltersOffError:
                    self.is_filter_kept = False
                else:
                    self.is_filter_kept = True
                    return
            newest_first = [one for found in listing.newest_first(since, params) for one in found]
            if newest_first:
                yield sorted(newest_first, key=lambda one: (one.updated_at, one.id))

    def _bulk(self, path: str, read: ReadItem[T], ids: Sequence[int], size: int, params: Params) -> tuple[dict[int, T], set[int]]:
        """Read many by ID: those found, and the IDs of which a `GET` by ID has said that there is none."""
        left = list(dict.fromkeys(ids))
        found: dict[int, T] = {}
        while len(left) > 1 and self.is_filter_kept is not False:
            chunk = left[:size]
            some = self._chunk(path, read, chunk, params)
            if some is None:
                self.is_filter_kept = False
                break
            found |= some
            left = left[size:]
        single = {one: self._reader.one(path, one, read, params) for one in left}
        found |= {key: one for key, one in single.items() if one is not None}
        return found, {key for key, one in single.items() if one is None}

    def _chunk(self, path: str, read: ReadItem[T], ids: list[int], params: Params) -> dict[int, T] | None:
        """Read some by ID in one go; None: the answer shows others, so filters are ignored."""
        asked: Params = [*(("filter[id][]", one) for one in ids), ("order[id]", "asc"), *params]
        found: dict[int, T] = {}
        for items in self._reader.pages(path, path[1:], read, asked):
            if any(item.id not in ids for item in items):
                return None
            found |= {item.id: item for item in items}
        return found

    def _complete(self, path: str, read: ReadItem[T], ids: Sequence[int]) -> dict[int, T]:
        found, gone = self._bulk(path, read, ids, _CONTACTS_A_REQUEST, [])
        for one in dict.fromkeys(ids):
            if one not in found and one not in gone:
                entity = self._reader.one(path, one, read, [])
                if entity is not None:
                    found[one] = entity
        return found

    def _events(self, params: Params, since: int) -> Iterable[StatusEvent]:
        asked: Params = [
            ("filter[type]", payload.STAGE_CHANGED),
            ("filter[entity]", "lead"),
            ("filter[created_at][from]", max(0, since - 1)),
            *params,
        ]
        found = self._reader.all("/events", "events", payload.event, asked, _EVENTS_A_PAGE)
        return [event for event in found if event.created_at >= since]


def _stage_filter(name: str, stages: Sequence[Stage]) -> Params:
    params: Params = []
    for place, stage in enumerate(dict.fromkeys(stages)):
        params.append((f"{name}[{place}][pipeline_id]", stage.pipeline_id))
        params.append((f"{name}[{place}][status_id]", stage.status_id))
    return params


def _in_order(events: Iterable[StatusEvent]) -> list[StatusEvent]:
    """Each event once, oldest first; IDs grow with time, so they order the events of one second."""
    return sorted({event.id: event for event in events}.values(), key=lambda event: (event.created_at, event.id))
