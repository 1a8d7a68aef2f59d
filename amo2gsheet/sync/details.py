"""Contacts and companies of leads, in bulk; one bad lead stays alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from amo2gsheet.exceptions import ForbiddenError, UnavailableError, UnreadableError
from amo2gsheet.fields import FROM_COMPANY, FROM_CONTACTS
from amo2gsheet.model import ColumnKey, Company, Contact, Lead, LeadDetails

if TYPE_CHECKING:
    from amo2gsheet.sync.run import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Details:
    """Leads with contacts and company; `unread` are leads one of whose details could not be read now.

    `is_down`: for some of them the cloud gave up; for the others it answered, and what it said is of no use.
    """

    of: dict[int, LeadDetails]
    unread: dict[int, str] = field(default_factory=dict)
    is_down: bool = False


HIDDEN = "hidden details"
"""Kind of waiting: the token may not see what some cells of the row are made of."""

GIVE_UP_AFTER = 3
"""So many leads in a row that cannot be read mean that the cloud is down, not that a lead is bad."""


def bulk_or_nothing(run: Run, lead_ids: Sequence[int]) -> dict[int, Lead]:
    """Read leads in bulk. Nothing, where that fails: then each is to be asked for by itself, so that a bad one stays alone."""
    try:
        return run.amo.leads_by_id(lead_ids)
    except (UnavailableError, ForbiddenError):
        return {}


def details(run: Run, leads: Sequence[Lead]) -> Details:
    """Read the contacts and companies of leads in bulk; where that fails, lead by lead, so that a bad one stays alone."""
    try:
        contacts = run.amo.contacts(sorted({contact_id for lead in leads for contact_id in lead.contact_ids}))
        companies = run.amo.companies(sorted({lead.company_id for lead in leads if lead.company_id}))
    except (UnavailableError, ForbiddenError):
        return _details_one_by_one(run, leads)
    return Details({lead.id: _with_details(lead, contacts, companies) for lead in leads})


def _details_one_by_one(run: Run, leads: Sequence[Lead]) -> Details:
    found: dict[int, LeadDetails] = {}
    unread: dict[int, str] = {}
    in_a_row, is_down = 0, False
    for lead in leads:
        if in_a_row >= GIVE_UP_AFTER:
            unread[lead.id] = "amoCRM does not answer"
            continue
        try:
            contacts = _visible(run.amo.contacts, lead.contact_ids)
            companies = _visible(run.amo.companies, [lead.company_id] if lead.company_id else [])
        except UnreadableError as error:
            unread[lead.id] = error.message
        except UnavailableError as error:
            unread[lead.id] = error.message
            in_a_row, is_down = in_a_row + 1, True
        else:
            in_a_row = 0
            hidden = (FROM_CONTACTS if contacts is None else frozenset()) | (FROM_COMPANY if companies is None else frozenset())
            found[lead.id] = _with_details(lead, contacts or {}, companies or {}, hidden)
    return Details(found, unread, is_down)


def _visible(read: Callable[[Sequence[int]], dict[int, T]], ids: Sequence[int]) -> dict[int, T] | None:
    """What is read of these; None where the token may not see one of them."""
    try:
        return read(ids)
    except ForbiddenError:
        return None


def _with_details(
    lead: Lead, contacts: dict[int, Contact], companies: dict[int, Company], hidden: frozenset[ColumnKey] = frozenset()
) -> LeadDetails:
    return LeadDetails(
        lead,
        tuple(contacts[contact_id] for contact_id in lead.contact_ids if contact_id in contacts),
        companies.get(lead.company_id) if lead.company_id else None,
        hidden,
    )
