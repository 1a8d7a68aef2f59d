"""New rows: inserted in chunks under a commit token, checked in the answer, put under the right headers where columns moved."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import TabMissingError, TokenUsedError, UnavailableError, UnclearOutcomeError, WriteRefusedError
from amo2gsheet.model import Base, CellBase, Columns, Dropdown, Row, Tab, WriteAnswer
from amo2gsheet.state.records import HistoryEntry, Intent
from amo2gsheet.sync.inserted import Sent, same_headers, sent_from_json, sent_to_json
from amo2gsheet.sync.misplaced import put_right, take_back_above
from amo2gsheet.sync.place import Place, open_place
from amo2gsheet.sync.plan import NewRowPlan, cell_text
from amo2gsheet.sync.presence import SEEN
from amo2gsheet.sync.writing import Outcome

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

ROWS_PER_INSERT = 1000
"""So many new rows go into one request: about 2 MB, which is what Google advises for speed."""


def insert_rows(
    run: Run, known: Known, tab: Tab, place: Place, plans: Sequence[NewRowPlan], dropdown: Dropdown | None
) -> Outcome:
    """Insert one chunk of new rows below the last row with an ID.

    An insert of an earlier run whose outcome is still open lends its token: of both, exactly one lands.
    """
    leads = leads_in(plans)
    below = place.presence.last_lead_row
    sent = Sent(
        place.header,
        below,
        {plan.row.lead_id: {index: cell.value for index, cell in plan.row.cells.items()} for plan in plans},
        {plan.row.lead_id: plan.base for plan in plans},
        frozenset(leads),
    )
    former = next((intent for intent in run.state.open_intents() if intent.kind == "rows"), None)
    intent = _journal(run, sent, former)
    assert intent.commit_token is not None
    try:
        answer = run.sheet.insert_rows(
            tab,
            place.header,
            [plan.row for plan in plans],
            below_row=below,
            commit_token=intent.commit_token,
            dropdown=dropdown,
            status_index=place.columns.status_index,
        )
    except TokenUsedError as error:
        if intent.commit_token not in run.sheet.workbook().commit_tokens:
            # It was refused for something else about the token: no row stands, and none may count as made and deleted.
            _give_up(run, intent, former)
            return Outcome(refused=dict.fromkeys(leads, error.message))
        settle_rows(run, known, place.title, intent if former is None else _earlier_try(run, former, intent))
        return Outcome(again=leads)
    except WriteRefusedError as error:
        _give_up(run, intent, former)
        return _halve(run, known, tab, place, plans, dropdown, error)
    except UnclearOutcomeError:
        run.state.mark_unclear(intent.id)
        return Outcome(again=leads, is_unclear=True)
    except TabMissingError:
        _give_up(run, intent, former)
        raise
    except UnavailableError:
        _give_up(run, intent, former)
        return Outcome(again=leads, is_busy=True)
    return _take_in(run, known, place, sent, intent, answer)


def _journal(run: Run, sent: Sent, former: Intent | None) -> Intent:
    """Open an intent for an insert, or widen the one that is still open."""
    if former is None:
        return run.state.add_intent("rows", sent_to_json(sent, run.clock.time()), run.state.new_commit_token())
    earlier = sent_from_json(former.payload)
    both = {**earlier.bases, **sent.bases}
    widened = replace(sent, bases=both, certain=earlier.certain & sent.certain)
    payload = sent_to_json(widened, run.clock.time())
    run.state.update_intent(former.id, payload)
    return replace(former, payload=payload)


def _earlier_try(run: Run, former: Intent, intent: Intent) -> Intent:
    """The open intent as its earlier try was planned: that one has landed, perhaps under columns that have moved since."""
    earlier, both = sent_from_json(former.payload), sent_from_json(intent.payload)
    payload = sent_to_json(replace(earlier, bases=both.bases, certain=both.certain), intent.payload["sent_at"])
    run.state.update_intent(intent.id, payload)
    return replace(intent, payload=payload)


def _give_up(run: Run, intent: Intent, former: Intent | None) -> None:
    """This try was surely not carried out. An earlier one under the same token may still land: then the token is kept for it."""
    if former is None:
        run.state.drop_intent(intent.id)


def _halve(
    run: Run,
    known: Known,
    tab: Tab,
    place: Place,
    plans: Sequence[NewRowPlan],
    dropdown: Dropdown | None,
    error: WriteRefusedError,
) -> Outcome:
    """Send the halves of a refused insert, until the bad row is alone; each on a fresh look, for people go on meanwhile."""
    if len(plans) == 1:
        return Outcome(refused={plans[0].row.lead_id: error.message})
    middle = len(plans) // 2
    outcome = Outcome()
    for part in (plans[:middle], plans[middle:]):
        fresh = open_place(run, known, place.title)
        due = still_due(fresh, place, part)
        outcome.again |= leads_in(part) - leads_in(due)
        if fresh is not None and due:
            outcome.add(insert_rows(run, known, tab, fresh, due, dropdown))
    return outcome


def still_due(fresh: Place | None, place: Place, plans: Sequence[NewRowPlan]) -> list[NewRowPlan]:
    """Those new rows planned at `place` that a fresh look still wants: none that is there, none at all where columns moved."""
    if fresh is None or fresh.columns != place.columns:
        return []
    return [plan for plan in plans if not fresh.presence.has(plan.row.lead_id)]


def leads_in(plans: Iterable[NewRowPlan]) -> set[int]:
    """The leads of which these are the rows."""
    return {plan.row.lead_id for plan in plans}


def _take_in(run: Run, known: Known, place: Place, sent: Sent, intent: Intent, answer: WriteAnswer) -> Outcome:
    """The insert was carried out: agree on its rows; where the answer shows other headers, put values under the right ones."""
    leads = set(sent.cells)
    rows = {row.lead_id: row for row in answer.rows or ()}
    if answer.header is not None and same_headers(sent, answer.header) and leads <= rows.keys():
        _agree(run, [_shown(sent.bases[lead_id], place.columns, rows[lead_id]) for lead_id in sent.cells], intent)
        return Outcome(landed=leads)
    landed = replace(sent_from_json(intent.payload), landed=answer.header)
    payload = sent_to_json(landed, intent.payload["sent_at"])
    run.state.update_intent(intent.id, payload)
    present = settle_rows(run, known, place.title, replace(intent, payload=payload))
    return Outcome(landed=present & leads, again=leads - present)


def _shown(base: Base, columns: Columns, row: Row) -> Base:
    """The base of a new row, its sheet side as the answer showed it."""
    cells = {key: CellBase(cell.amo, row.cells.get(columns.index[key])) for key, cell in base.cells.items()}
    return Base(base.lead_id, base.status, cells)


def settle_rows(run: Run, known: Known, title: str, intent: Intent) -> set[int]:
    """Agree on the rows of an insert whose token was seen, and put values under the right headers where columns had moved.

    Returns the leads that have their row. Safe to repeat.

    Raises:
        UnavailableError: values could not be put right now; the intent stays open for the next run.
    """
    sent = sent_from_json(intent.payload)
    # Before the look: it notes a deleted row that was put back here as one that has come back by itself.
    missing = {lead_id for lead_id, base in run.state.bases(sent.bases).items() if base.missing != SEEN}
    place = open_place(run, known, title)
    if place is None:
        return set()
    above = set() if run.is_dry else take_back_above(run, known, place, sent)
    absent = [lead_id for lead_id in sent.bases if not place.presence.has(lead_id) and lead_id not in above]
    headers = [place.header] if sent.landed is None else [place.header, sent.landed]
    if not run.is_dry and (absent or not all(same_headers(sent, header) for header in headers)):
        if not put_right(run, known, place, sent) and absent:
            # A read just after a write can be an old one: one more look before rows count as gone.
            run.clock.sleep(1)
        place = open_place(run, known, title) or place
    present = {lead_id for lead_id in sent.bases if place.presence.has(lead_id)}
    gone = sent.certain - present - above
    bases = [base for lead_id, base in sent.bases.items() if lead_id in present]
    _agree(run, [*bases, *(replace(sent.bases[lead_id], missing=1) for lead_id in sorted(gone))], intent, missing)
    return present


def _agree(run: Run, bases: Sequence[Base], intent: Intent, missing: Collection[int] = ()) -> None:
    """Take new rows into the state, in one commit with the end of their intent. What is tracked with a row is left as it is.

    `missing` are leads that were tracked without a row until now.
    """
    known = run.state.bases([base.lead_id for base in bases])
    tracked = {lead_id for lead_id, base in known.items() if base.missing == SEEN} - set(missing)
    fresh = [base for base in bases if base.lead_id not in tracked]
    # A row that landed late was met like one made by hand, before the intent told whose it is.
    met = [base for base in bases if base.lead_id in tracked and base.missing == SEEN and not _is_told(run, base, intent)]
    with run.state.transaction():
        run.state.save_bases(fresh)
        run.end_pick([base.lead_id for base in (*fresh, *met)])
        run.record([_entry(run, base) for base in (*fresh, *met)])
        run.state.drop_intent(intent.id)
    for base in (*fresh, *met):
        text = cell_text(base.status.text) if base.status else ""
        run.report.new_rows += 1
        logger.info(
            '%s: lead %d new row, статус "%s"',
            run.command,
            base.lead_id,
            text,
            extra={"event": "row added", "lead_id": base.lead_id},
        )


def _is_told(run: Run, base: Base, intent: Intent) -> bool:
    entries = run.state.history(base.lead_id)
    return any(entry.kind == "row added" and entry.time >= intent.made_at for entry in entries)


def _entry(run: Run, base: Base) -> HistoryEntry:
    text = base.status.text if base.status else None
    return HistoryEntry(run.clock.time(), run.run_id, run.command, base.lead_id, "row added", "status", None, text)
