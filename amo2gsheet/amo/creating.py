"""New leads as one batch: what amoCRM refuses is named and left out, the rest goes in. Never sends anything twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from amo2gsheet.amo.answers import RefusedError, reasons_of
from amo2gsheet.amo.http import AmoHttp
from amo2gsheet.amo.payload_create import created, leads_body, refusals
from amo2gsheet.amo.shape import PayloadError
from amo2gsheet.exceptions import AmoGsheetError, ForbiddenError, UnclearOutcomeError
from amo2gsheet.model_import import CreateAnswers, Created, NewLead

LEADS_A_REQUEST = 50
"""The most that `/leads/complex` takes."""

_PATH = "/leads/complex"
_MOST_FORBIDDEN = 3
"""So many single leads in a row that the token may not make, and none that it may: it may make none."""


@dataclass(slots=True)
class _Told:
    """What is known so far of the leads of one call."""

    created: dict[str, Created] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    forbidden: int = 0
    is_unanswered: bool = False


def create_all(http: AmoHttp, leads: Sequence[NewLead]) -> CreateAnswers:
    """Make new leads with their contacts and companies, at most 50 a request. Raises nothing: all is told in the answer.

    amoCRM checks a batch as a whole: one bad item, and nothing of it is carried out. So a refused batch is sent again without
    the items that the refusal names, or, where it names none, in halves.
    """
    told = _Told()
    waiting = [leads[begin : begin + LEADS_A_REQUEST] for begin in range(0, len(leads), LEADS_A_REQUEST)]
    stopped: AmoGsheetError | None = None
    while waiting and stopped is None:
        batch = waiting.pop(0)
        try:
            waiting = _send(http, batch, told) + waiting
        except UnclearOutcomeError as error:
            told.unclear |= {lead.request_id for lead in batch}
            told.is_unanswered = True
            stopped = error if waiting else None
        except AmoGsheetError as error:
            stopped = error
    return CreateAnswers(told.created, told.refused, frozenset(told.unclear), stopped, told.is_unanswered)


def _send(http: AmoHttp, leads: Sequence[NewLead], told: _Told) -> list[Sequence[NewLead]]:
    """Send one request; return what is still to be sent of its leads."""
    try:
        body = http.post(_PATH, leads_body(leads))
    except RefusedError as refused:
        return _after_refusal(refused, leads, told)
    except ForbiddenError as forbidden:
        if len(leads) == 1:
            told.forbidden += 1
            if told.forbidden >= _MOST_FORBIDDEN and not told.created:
                raise
        return _halves(leads, forbidden.message, told)
    _take(body, leads, told)
    return []


def _take(body: object, leads: Sequence[NewLead], told: _Told) -> None:
    """Take an answer; a lead that it does not mention may have been made all the same."""
    try:
        found = created(body, leads)
    except PayloadError:
        found = {}
    told.created |= found
    told.unclear |= {lead.request_id for lead in leads} - set(found)


def _after_refusal(refused: RefusedError, leads: Sequence[NewLead], told: _Told) -> list[Sequence[NewLead]]:
    named = refusals(refused.problem, leads)
    if not named:
        return _halves(leads, refused.reason, told)
    told.refused |= {request_id: reasons_of(errors) for request_id, errors in named.items()}
    rest = [lead for lead in leads if lead.request_id not in named]
    return [rest] if rest else []


def _halves(leads: Sequence[NewLead], reason: str, told: _Told) -> list[Sequence[NewLead]]:
    """The refusal names nobody, so halves tell whom it means."""
    if len(leads) == 1:
        told.refused[leads[0].request_id] = reason
        return []
    middle = len(leads) // 2
    return [leads[:middle], leads[middle:]]
