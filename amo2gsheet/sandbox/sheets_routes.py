"""Paths of Sheets v4 → method names, spreadsheet IDs and arguments."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

_ID = r"/v4/spreadsheets/(?P<id>[^/:]+)"
_ROUTES: tuple[tuple[str, str, str], ...] = (
    ("GET", _ID, "spreadsheets.get"),
    ("POST", _ID + ":batchUpdate", "spreadsheets.batchUpdate"),
    ("POST", _ID + ":getByDataFilter", "spreadsheets.getByDataFilter"),
    ("GET", _ID + "/values:batchGet", "spreadsheets.values.batchGet"),
    ("POST", _ID + "/values:batchUpdate", "spreadsheets.values.batchUpdate"),
    ("POST", _ID + "/values:batchClear", "spreadsheets.values.batchClear"),
    ("POST", _ID + "/values:batchGetByDataFilter", "spreadsheets.values.batchGetByDataFilter"),
    ("POST", _ID + "/values:batchUpdateByDataFilter", "spreadsheets.values.batchUpdateByDataFilter"),
    ("POST", _ID + "/values:batchClearByDataFilter", "spreadsheets.values.batchClearByDataFilter"),
    ("POST", _ID + "/values/(?P<argument>.+):append", "spreadsheets.values.append"),
    ("POST", _ID + "/values/(?P<argument>.+):clear", "spreadsheets.values.clear"),
    ("GET", _ID + "/values/(?P<argument>.+)", "spreadsheets.values.get"),
    ("PUT", _ID + "/values/(?P<argument>.+)", "spreadsheets.values.update"),
    ("POST", _ID + "/developerMetadata:search", "spreadsheets.developerMetadata.search"),
    ("GET", _ID + "/developerMetadata/(?P<argument>[^/]+)", "spreadsheets.developerMetadata.get"),
)


class Route(NamedTuple):
    """What a path asks for; `method` is Google's name, as `spreadsheets.values.get`."""

    method: str
    spreadsheet_id: str
    argument: str


def route(verb: str, path: str) -> Route | None:
    """Return what a path as sent (percent-encoded) asks for, None where Google knows no such path."""
    for known_verb, pattern, method in _ROUTES:
        if known_verb == verb and (found := re.fullmatch(pattern, path)):
            parts = found.groupdict()
            return Route(method, unquote(parts["id"]), unquote(parts.get("argument") or ""))
    return None
