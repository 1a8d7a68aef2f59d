"""New rows: inserted in chunks under a commit token, checked in the answer, put under the right headers where columns moved."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from amo2gsheet.exceptions import TabMissingError, TokenUsedError, UnavailableError, UnclearOutcomeError, WriteRefusedError
from amo2gsheet.fields import same_value
from amo2gsheet.model import Base, CellBase, CellValue, Columns, Dropdown, Header, Row, Tab, WriteAnswer
from amo2gsheet.names import normal_header
from amo2gsheet.state.records import HistoryEntry, Intent
from amo2gsheet.sync.place import Place, open_place
from amo2gsheet.sync.plan import CellPlan, NewRowPlan, cell_text
from amo2gsheet.sync.presence import SEEN
from amo2gsheet.sync.record import Record, Written, base_from_json, base_to_json, header_text
from amo2gsheet.sync.steady import rows_around, rows_under, unsteady
from amo2gsheet.sync.writing import Outcome, record_of, write_cells

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

ROWS_PER_INSERT = 1000
"""So many new rows go into one request: about 2 MB, which is what Google advises for speed."""

PUT_RIGHT_TRIES = 3
"""So often a run tries to put new rows under the headers they were meant for, before it leaves that to the next one."""

PUT_RIGHT_SECONDS = 20
"""First wait between those tries; it grows, so that they outlast the minute of a spent quota."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What an intent remembers of an insert: the header it was planned for, where, and lead ID → cells by column index.

    `landed` is the header under which it landed, None where no answer told.
    `bases` are those of every try under its token; `certain` are the leads that each of the tries held: whichever of them landed.
    """

    header: Header
    below_row: int
    cells: Mapping[int, Mapping[int, CellValue]]
    bases: Mapping[int, Base]
    certain: frozenset[int]
    landed: Header | None = None


def insert_rows(
    run: Run, known: Known, tab: Tab, place: Place, plans: Sequence[NewRowPlan], dropdown: Dropdown | None
) -> Outcome:
    """Insert one chunk of new rows below the last row with an ID.

    An insert of an earlier run whose outcome is still open lends its token: of both, exactly one lands.
    """
    leads = {plan.row.lead_id for plan in plans}
    below = place.presence.last_row
    sent = _Sent(
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
        settle_rows(run, known, place.title, intent)
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


def _journal(run: Run, sent: _Sent, former: Intent | None) -> Intent:
    """Open an intent for an insert, or widen the one that is still open."""
    if former is None:
        return run.state.add_intent("rows", _to_json(run, sent), run.state.new_commit_token())
    earlier = _from_json(former.payload)
    both = {**earlier.bases, **sent.bases}
    run.state.update_intent(former.id, _to_json(run, replace(sent, bases=both, certain=earlier.certain & sent.certain)))
    return former


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
    """Send the halves of a refused insert, until the bad row is alone."""
    if len(plans) == 1:
        return Outcome(refused={plans[0].row.lead_id: error.message})
    middle = len(plans) // 2
    outcome = Outcome()
    for part in (plans[:middle], plans[middle:]):
        outcome.add(insert_rows(run, known, tab, place, part, dropdown))
    return outcome


def _take_in(run: Run, known: Known, place: Place, sent: _Sent, intent: Intent, answer: WriteAnswer) -> Outcome:
    """The insert was carried out: agree on its rows; where the answer shows other headers, put values under the right ones."""
    leads = set(sent.cells)
    rows = {row.lead_id: row for row in answer.rows or ()}
    if answer.header is not None and _same_headers(sent, answer.header) and leads <= rows.keys():
        _agree(run, [_shown(sent.bases[lead_id], place.columns, rows[lead_id]) for lead_id in sent.cells], intent)
        return Outcome(landed=leads)
    landed = replace(_from_json(intent.payload), landed=answer.header)
    payload = {**_to_json(run, landed), "sent_at": intent.payload["sent_at"]}
    run.state.update_intent(intent.id, payload)
    present = settle_rows(run, known, place.title, replace(intent, payload=payload))
    return Outcome(landed=present & leads, again=leads - present)


def _same_headers(sent: _Sent, header: Header) -> bool:
    indexes = {index for cells in sent.cells.values() for index in cells}
    return all(header_text(header, index) == header_text(sent.header, index) for index in indexes)


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
    sent = _from_json(intent.payload)
    # Before the look: it notes a deleted row that was put back here as one that has come back by itself.
    missing = {lead_id for lead_id, base in run.state.bases(sent.bases).items() if base.missing != SEEN}
    place = open_place(run, known, title)
    if place is None:
        return set()
    absent = [lead_id for lead_id in sent.bases if not place.presence.has(lead_id)]
    headers = [place.header] if sent.landed is None else [place.header, sent.landed]
    if not run.is_dry and (absent or not all(_same_headers(sent, header) for header in headers)):
        if not _put_right(run, known, place, sent) and absent:
            # A read just after a write can be an old one: one more look before rows count as gone.
            run.clock.sleep(1)
        place = open_place(run, known, title) or place
    present = {lead_id for lead_id in sent.bases if place.presence.has(lead_id)}
    gone = sent.certain - present
    bases = [base for lead_id, base in sent.bases.items() if lead_id in present]
    _agree(run, [*bases, *(replace(sent.bases[lead_id], missing=1) for lead_id in sorted(gone))], intent, missing)
    return present


def _put_right(run: Run, known: Known, place: Place, sent: _Sent) -> bool:
    """Put the values of rows that were inserted while columns moved under the headers they were meant for.

    Returns whether there was anything to put right.
    """
    # The ID of a row is put right by itself before the rest.
    for attempt in range(2 * PUT_RIGHT_TRIES):
        record = _misplaced(run, place, sent)
        if not record.writes:
            return attempt > 0
        logger.warning(
            "%s: columns moved while %d rows were inserted; putting them right",
            run.command,
            len(record.writes),
            extra={"event": "columns moved"},
        )
        outcome = write_cells(run, known, place, record)
        _record_put_right(run, record, outcome.landed)
        if outcome.has_strays:
            break
        if outcome.again:
            run.clock.sleep(PUT_RIGHT_SECONDS * min(attempt + 1, PUT_RIGHT_TRIES))
        place = open_place(run, known, place.title) or place
    raise UnavailableError(
        "New rows stand under the wrong headers, and Google Sheets did not carry out the write that puts them right.",
        "The next run tries again.",
    )


def _record_put_right(run: Run, record: Record, landed: Collection[int]) -> None:
    """Let the history know what stood in the cells that were put right: somebody may have brought it there."""
    now = run.clock.time()
    run.record(
        [
            HistoryEntry(now, run.run_id, run.command, write.lead_id, "put right", cell.key, cell.old, cell.new)
            for write in record.writes
            if write.lead_id in landed
            for cell in write.cells
            if not same_value(cell.old, None)
        ]
    )


def _misplaced(run: Run, place: Place, sent: _Sent) -> Record:
    """What is to be written so that the values of an insert stand under their headers, from a fresh look at its rows."""
    inserted = range(sent.below_row + 1, sent.below_row + len(sent.cells) + 1)
    row_of = place.presence.row_of
    numbers = {*inserted, *(row_of[lead_id] for lead_id in sent.cells if lead_id in row_of)}
    # A row that shows no ID of ours, because its cells stand under other headers, may have been sorted elsewhere since.
    numbers |= rows_around(place, numbers)
    rows = rows_under(run, place, numbers, max(index + 1 for cells in sent.cells.values() for index in cells))
    if rows is None:
        raise unsteady(place.title)
    by_lead = {row.lead_id: row for row in rows if row.lead_id is not None}
    writes = []
    for lead_id, cells in sent.cells.items():
        nameless = _nameless(rows, lead_id)
        if nameless is not None:
            write = None if lead_id in by_lead else _identified(place, lead_id, cells, *nameless)
        else:
            plan = _moved_cells(place, sent, by_lead[lead_id], cells) if lead_id in by_lead else ()
            write = Written(lead_id, by_lead[lead_id].number, plan, None) if plan else None
        if write is not None:
            writes.append(write)
    return record_of(run, place, writes, rows)


def _nameless(rows: Sequence[Row], lead_id: int) -> tuple[Row, int] | None:
    """The row that shows the lead's ID, but not as its ID, and the column in which it does."""
    for row in rows:
        if row.lead_id != lead_id:
            for index, value in row.cells.items():
                if same_value(value, lead_id):
                    return row, index
    return None


def _identified(place: Place, lead_id: int, cells: Mapping[int, CellValue], row: Row, mark_index: int) -> Written | None:
    """The write that gives a row its ID; None where somebody put something else there. The other cells come after it.

    Until then only the ID, under whatever header it stands, tells the row from all others: it is left there.
    """
    index = place.columns.id_index
    there = row.cells.get(index)
    if not same_value(there, None) and not any(same_value(there, value) for value in cells.values()):
        return None
    return Written(lead_id, row.number, (CellPlan("id", index, there, lead_id),), None, mark_index)


def _moved_cells(place: Place, sent: _Sent, row: Row, cells: Mapping[int, CellValue]) -> tuple[CellPlan, ...]:
    """The cells that bring one row's values under their headers and empty the places where they landed."""
    index_of = {normal_header(text): index for index, text in reversed(list(enumerate(place.header.texts)))}
    stands = {index: _stands(sent, index_of, index) for index in cells}
    at = {stands[index]: value for index, value in cells.items()}
    plans: dict[int, CellPlan] = {}
    for index, value in cells.items():
        home = index_of.get(header_text(sent.header, index), index)
        if home == stands[index] or value is None:
            continue
        if same_value(row.cells.get(stands[index]), value):
            plans.setdefault(stands[index], CellPlan("", stands[index], value, None))
        there = row.cells.get(home)
        # What stands at home and is neither empty nor a value of this insert, somebody put there since.
        if not same_value(there, value) and (same_value(there, None) or same_value(there, at.get(home))):
            plans[home] = CellPlan("", home, there, value)
    return tuple(plans.values())


def _stands(sent: _Sent, index_of: Mapping[str, int], index: int) -> int:
    """Where the column stands now into which the insert put what was planned for a column."""
    text = header_text(sent.landed, index) if sent.landed is not None else ""
    return index_of.get(text, index) if text else index


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


def _to_json(run: Run, sent: _Sent) -> dict[str, Any]:
    return {
        "sent_at": run.clock.time(),
        "header": [sent.header.row_number, list(sent.header.texts)],
        "below_row": sent.below_row,
        "cells": [[lead_id, [[index, value] for index, value in cells.items()]] for lead_id, cells in sent.cells.items()],
        "bases": [base_to_json(base) for base in sent.bases.values()],
        "certain": sorted(sent.certain),
        "landed": [sent.landed.row_number, list(sent.landed.texts)] if sent.landed else None,
    }


def _from_json(payload: Mapping[str, Any]) -> _Sent:
    number, texts = payload["header"]
    bases = [base_from_json(base) for base in payload["bases"]]
    return _Sent(
        Header(number, tuple(texts)),
        payload["below_row"],
        {lead_id: dict(cells) for lead_id, cells in payload["cells"]},
        {base.lead_id: base for base in bases if base is not None},
        frozenset(payload["certain"]),
        Header(payload["landed"][0], tuple(payload["landed"][1])) if payload.get("landed") else None,
    )
