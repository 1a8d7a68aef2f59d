"""What the journal keeps of an insert of new rows: enough to find out, from the sheet alone, what became of it.

Plain data ⇄ JSON; reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amo2gsheet.model import Base, CellValue, Header
from amo2gsheet.sync.record import base_from_json, base_to_json, header_text


@dataclass(frozen=True, slots=True)
class Sent:
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


def same_headers(sent: Sent, header: Header) -> bool:
    """Whether a header names the columns of an insert as they were when it was planned."""
    indexes = {index for cells in sent.cells.values() for index in cells}
    return all(header_text(header, index) == header_text(sent.header, index) for index in indexes)


def sent_to_json(sent: Sent, sent_at: float) -> dict[str, Any]:
    """An insert as JSON; `sent_at` is Unix seconds by this machine's clock."""
    return {
        "sent_at": sent_at,
        "header": [sent.header.row_number, list(sent.header.texts)],
        "below_row": sent.below_row,
        "cells": [[lead_id, [[index, value] for index, value in cells.items()]] for lead_id, cells in sent.cells.items()],
        "bases": [base_to_json(base) for base in sent.bases.values()],
        "certain": sorted(sent.certain),
        "landed": [sent.landed.row_number, list(sent.landed.texts)] if sent.landed else None,
    }


def sent_from_json(payload: Mapping[str, Any]) -> Sent:
    """The insert that `sent_to_json` wrote."""
    number, texts = payload["header"]
    bases = [base_from_json(base) for base in payload["bases"]]
    return Sent(
        Header(number, tuple(texts)),
        payload["below_row"],
        {lead_id: dict(cells) for lead_id, cells in payload["cells"]},
        {base.lead_id: base for base in bases if base is not None},
        frozenset(payload["certain"]),
        Header(payload["landed"][0], tuple(payload["landed"][1])) if payload.get("landed") else None,
    )
