"""Send the rows that are to go in, batch by batch: noted before, recorded after. Never decides what goes in."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amo2gsheet.exceptions import AmoGsheetError, UnavailableError
from amo2gsheet.model_import import CreateAnswers, Created, NewLead
from amo2gsheet.state.records import ImportRow
from amo2gsheet.sync.importing_match import content_of
from amo2gsheet.sync.importing_plan import Planned
from amo2gsheet.sync.importing_run import COMMAND
from amo2gsheet.sync.importing_settle import history_of, settle

if TYPE_CHECKING:
    from amo2gsheet.model import ColumnKey
    from amo2gsheet.sync.importing_run import ImportRun

logger = logging.getLogger(__name__)

MOST_UNANSWERED = 3
"""So many batches in a row without an answer: amoCRM is in trouble, and each more would only add to what is unclear."""

_FIELD_PLACE = re.compile(r"custom_fields_values\.(\d+)[\w.]*")


@dataclass(slots=True)
class Sent:
    """What became of the rows of one run so far, by key. `stopped` is why the rest was not sent."""

    created: dict[str, Created] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    stopped: AmoGsheetError | None = None


def send(run: ImportRun, rows: Sequence[Planned], counted: Mapping[str, ColumnKey], sent: Sent) -> None:
    """Send these rows; `sent` is told as it goes on, so that a run that is stopped can still tell what it did.

    Raises:
        StateError: a batch could not be noted or recorded. Errors of amoCRM stand in `sent.stopped`.
    """
    size = run.settings.import_batch_size
    unanswered_in_a_row = 0
    for begin in range(0, len(rows), size):
        if begin:
            run.clock.sleep(run.settings.import_delay_seconds)
        batch = rows[begin : begin + size]
        # A signal that comes now waits for the answer: a batch that nobody answers for would have to be looked for.
        with run.uninterrupted():
            answers = _send_batch(run, batch, counted, sent)
        if len(rows) > size:
            run.on_progress(len(batch), len(rows))
        unanswered_in_a_row = unanswered_in_a_row + 1 if answers.is_unanswered else 0
        sent.stopped = answers.stopped or _gave_up(unanswered_in_a_row)
        if answers.unclear and not answers.is_unanswered and sent.stopped is None:
            _settle_at_once(run, sent)
        if sent.stopped is not None:
            return


def _settle_at_once(run: ImportRun, sent: Sent) -> None:
    """Look for rows of which amoCRM's answer did not tell which lead is whose: it is well, and each batch may be so."""
    try:
        rows = settle(run, run.state.import_rows(run.tag_key))
    except AmoGsheetError as error:
        sent.stopped = error
    else:
        sent.unclear -= {key for key, row in rows.items() if row.lead_id is not None}


def _gave_up(unanswered_in_a_row: int) -> UnavailableError | None:
    if unanswered_in_a_row < MOST_UNANSWERED:
        return None
    return UnavailableError(
        f"amoCRM left {MOST_UNANSWERED} batches in a row without an answer.",
        "Run the same command again later: it first looks which of them are there.",
    )


def _send_batch(run: ImportRun, batch: Sequence[Planned], counted: Mapping[str, ColumnKey], sent: Sent) -> CreateAnswers:
    leads = [_lead(one) for one in batch]
    with run.state.transaction():
        run.state.begin_import(run.tag_key, counted)
        run.state.save_import_rows(run.tag_key, [_intent(run, one) for one in batch])
    answers = run.amo.create(leads)
    _record(run, batch, answers)
    by_key = {lead.request_id: lead for lead in leads}
    sent.created |= answers.created
    sent.refused |= {key: _in_words(reason, by_key[key], run) for key, reason in answers.refused.items()}
    sent.unclear |= answers.unclear
    return answers


def _lead(planned: Planned) -> NewLead:
    lead = planned.draft.lead
    # Only rows whose fate is to be sent come here, and they are leads.
    assert lead is not None
    return lead


def _intent(run: ImportRun, planned: Planned) -> ImportRow:
    corrects = planned.before.key if planned.before is not None else ""
    draft = planned.draft
    content = content_of(_lead(planned)).to_json()
    return ImportRow(draft.key, draft.person, None, run.since, run.now, corrects=corrects, content=content)


def _record(run: ImportRun, batch: Sequence[Planned], answers: CreateAnswers) -> None:
    """What was made is kept with its lead, what is unclear stays open, the rest was surely not made and is forgotten."""
    keys = [one.draft.key for one in batch]
    not_made = [key for key in keys if key not in answers.created and key not in answers.unclear]
    numbers = {one.draft.key: one.draft.number for one in batch}
    with run.state.transaction():
        run.state.settle_import_rows(run.tag_key, answers.created, run.now)
        run.state.touch_import_rows(run.tag_key, sorted(answers.unclear), run.now)
        run.state.drop_import_rows(run.tag_key, not_made)
        run.state.record([history_of(run, one, f"row {numbers[key]}") for key, one in answers.created.items()])
    for key, one in answers.created.items():
        what = "was merged into" if one.is_merged else "→"
        logger.info("%s: row %d %s lead %d", COMMAND, numbers[key], what, one.lead_id, extra={"event": "created"})


def _in_words(reason: str, lead: NewLead, run: ImportRun) -> str:
    """amoCRM's reason with the name of the field in place of its place in the request."""

    def named(place: re.Match[str]) -> str:
        index = int(place[1])
        field_id = lead.fields[index].field_id if index < len(lead.fields) else 0
        return f'column "{run.field_names.get(field_id, place[0])}"'

    return f"amoCRM refused it: {_FIELD_PLACE.sub(named, reason)}"
