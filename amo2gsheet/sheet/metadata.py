"""What the tool leaves in the spreadsheet's developer metadata: commit tokens, and the mark of the state that serves it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from amo2gsheet.model import Mark

TOKEN_KEY = "a2g"
"""Short, for Google gives all such notes of a spreadsheet 30,000 characters together."""

MARK_KEY = "amo2gsheet.state"
Request = dict[str, Any]


def make_token(token: int, made_at: float) -> Request:
    """Return the request that leaves a commit token; Google refuses the batch it stands in when the token is known already."""
    return _created({"metadataId": token, "metadataKey": TOKEN_KEY, "metadataValue": str(int(made_at))})


def make_mark(mark: Mark) -> Request:
    """Return the request that leaves a mark."""
    content = {"state_id": mark.state_id, "host": mark.host, "path": mark.path}
    return _created({"metadataKey": MARK_KEY, "metadataValue": json.dumps(content, ensure_ascii=False)})


def drop(metadata_ids: Sequence[int]) -> list[Request]:
    """Return the requests that take entries away."""
    lookups = ({"developerMetadataLookup": {"metadataId": metadata_id}} for metadata_id in metadata_ids)
    return [{"deleteDeveloperMetadata": {"dataFilter": lookup}} for lookup in lookups]


def tokens_in(entries: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Return commit token → Unix seconds of its making, 0 where that cannot be read."""
    found = {}
    for entry in entries:
        if entry.get("metadataKey") == TOKEN_KEY and isinstance(entry.get("metadataId"), int):
            made_at = str(entry.get("metadataValue", ""))
            is_time = made_at.isascii() and made_at.isdigit() and len(made_at) < 20
            found[entry["metadataId"]] = int(made_at) if is_time else 0
    return found


def marks_in(entries: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mark]]:
    """Return (metadata ID, mark) of every mark; what is no mark of ours is left out."""
    found = []
    for entry in entries:
        if entry.get("metadataKey") == MARK_KEY and isinstance(entry.get("metadataId"), int):
            try:
                content = json.loads(entry.get("metadataValue", ""))
                mark = Mark(str(content["state_id"]), str(content["host"]), str(content["path"]))
            except (ValueError, LookupError, TypeError, RecursionError):
                continue
            found.append((entry["metadataId"], mark))
    return found


def _created(entry: Mapping[str, Any]) -> Request:
    whole = {**entry, "location": {"spreadsheet": True}, "visibility": "DOCUMENT"}
    return {"createDeveloperMetadata": {"developerMetadata": whole}}
