"""Developer metadata and data filters: entries that follow their row, and ranges found through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import Area
from amo2gsheet.sandbox.sheets_book import Anchor, Book
from amo2gsheet.sandbox.sheets_errors import invalid
from amo2gsheet.sandbox.sheets_fields import update_paths
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_shift import Axis

JSON = dict[str, Any]


class Places:
    """Where rows and columns of given identity stand now, looked up once per tab."""

    def __init__(self, book: Book) -> None:
        """Take the book to look in."""
        self._book = book
        self._found: dict[tuple[int, Axis], dict[int, int]] = {}

    def index(self, anchor: Anchor) -> int | None:
        """Return the index of an anchor's row or column, None where that is gone."""
        if anchor.sheet_id is None or anchor.axis is None:
            return None
        where = (anchor.sheet_id, anchor.axis)
        if where not in self._found:
            tab = self._book.tab_by_id(anchor.sheet_id)
            keys = [row.key for row in tab.rows] if anchor.axis == "ROWS" else tab.columns
            self._found[where] = {key: index for index, key in enumerate(keys)}
        return self._found[where].get(anchor.dimension_key or 0)


def living(book: Book) -> list[tuple[Anchor, JSON]]:
    """Return every entry whose place still exists, with its JSON."""
    places = Places(book)
    return [(anchor, shown) for anchor in book.metadata if (shown := _json(anchor, places)) is not None]


def _json(anchor: Anchor, places: Places) -> JSON | None:
    entry: JSON = {"metadataId": anchor.metadata_id, "metadataKey": anchor.key}
    if anchor.value:
        entry["metadataValue"] = anchor.value
    if anchor.sheet_id is None:
        location: JSON = {"locationType": "SPREADSHEET", "spreadsheet": True}
    elif anchor.axis is None:
        location = {"locationType": "SHEET", "sheetId": anchor.sheet_id}
    else:
        index = places.index(anchor)
        if index is None:
            return None
        span = {"sheetId": anchor.sheet_id} if anchor.sheet_id else {}
        span |= {"dimension": anchor.axis, "startIndex": index, "endIndex": index + 1}  # type: ignore[dict-item]
        location = {"locationType": "ROW" if anchor.axis == "ROWS" else "COLUMN", "dimensionRange": span}
    return {**entry, "location": location, "visibility": anchor.visibility}


def create(book: Book, body: JSON, knobs: SheetsKnobs) -> JSON:
    """Add an entry; an ID already in use is refused, and with it the whole batch."""
    wanted = body.get("developerMetadata") or {}
    if not wanted.get("metadataKey") or not wanted.get("location") or not wanted.get("visibility"):
        raise invalid("developerMetadata must have a metadataKey, a location and a visibility.")
    metadata_id = wanted.get("metadataId")
    used = {anchor.metadata_id: anchor for anchor, _ in living(book)}
    if metadata_id is not None and not 0 < metadata_id < 2**31:
        raise invalid("developerMetadata.metadataId must be a positive number.")
    if metadata_id in used:
        if knobs.refuses_used_metadata_id:
            raise invalid(f"Developer metadata with id: {metadata_id} already exists.")
        return {"createDeveloperMetadata": {"developerMetadata": _json(used[metadata_id], Places(book))}}
    anchor = Anchor(
        metadata_id or book.new_id() or 1,
        wanted["metadataKey"],
        wanted.get("metadataValue"),
        wanted["visibility"],
        *_location(book, wanted["location"]),
    )
    book.metadata.append(anchor)
    _check_storage(book, anchor, knobs.metadata_limit)
    return {"createDeveloperMetadata": {"developerMetadata": _json(anchor, Places(book))}}


def update(book: Book, body: JSON, knobs: SheetsKnobs) -> JSON:
    """Change key, value, visibility or place of every matching entry."""
    wanted, paths = body.get("developerMetadata") or {}, update_paths(body.get("fields"))
    changed = []
    for found in matches(book, body.get("dataFilters") or []):
        anchor = replace(
            found,
            key=wanted.get("metadataKey", "") if _is_meant("metadataKey", paths) else found.key,
            value=wanted.get("metadataValue") if _is_meant("metadataValue", paths) else found.value,
            visibility=wanted.get("visibility", "") if _is_meant("visibility", paths) else found.visibility,
        )
        if any(path[0] == "location" for path in paths):
            sheet_id, axis, key = _location(book, wanted.get("location") or {})
            anchor = replace(anchor, sheet_id=sheet_id, axis=axis, dimension_key=key)
        book.metadata[book.metadata.index(found)] = anchor
        _check_storage(book, anchor, knobs.metadata_limit)
        changed.append(_json(anchor, Places(book)))
    return {"updateDeveloperMetadata": {"developerMetadata": changed}}


def _is_meant(name: str, paths: list[tuple[str, ...]]) -> bool:
    return paths == [("*",)] or (name,) in paths


def delete(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Delete every matching entry."""
    gone = matches(book, [body.get("dataFilter") or {}])
    shown = [_json(anchor, Places(book)) for anchor in gone]
    book.metadata = [anchor for anchor in book.metadata if anchor not in gone]
    return {"deleteDeveloperMetadata": {"deletedDeveloperMetadata": shown}}


def search(book: Book, filters: list[JSON]) -> JSON:
    """Return what `developerMetadata:search` answers: nothing at all where nothing matches."""
    found = []
    for anchor, shown in living(book):
        hits = [item for item in filters if _is_match(book, anchor, shown, item)]
        if hits:
            found.append({"developerMetadata": shown, "dataFilters": hits})
    return {"matchedDeveloperMetadata": found} if found else {}


def matches(book: Book, filters: list[JSON]) -> list[Anchor]:
    """Return the entries that any of the filters matches."""
    return [anchor for anchor, shown in living(book) if any(_is_match(book, anchor, shown, item) for item in filters)]


def ranges_of(book: Book, data_filter: JSON) -> list[tuple[Tab, Area]]:
    """Return the ranges a data filter names: none where its metadata is gone."""
    if "a1Range" in data_filter:
        return [book.resolve(data_filter["a1Range"])]
    if "gridRange" in data_filter:
        return [book.grid_range(data_filter["gridRange"])]
    if "developerMetadataLookup" not in data_filter:
        raise invalid("Must specify a data filter.")
    places = Places(book)
    found: list[tuple[Tab, Area]] = []
    for anchor in matches(book, [data_filter]):
        if anchor.sheet_id is None:
            found.extend((tab, Area()) for tab in book.tabs)
            continue
        tab, index = book.tab_by_id(anchor.sheet_id), places.index(anchor)
        if index is None:
            found.append((tab, Area()))
        else:
            found.append((tab, Area(index, index + 1) if anchor.axis == "ROWS" else Area(0, None, index, index + 1)))
    return found


def _is_match(book: Book, anchor: Anchor, shown: JSON, data_filter: JSON) -> bool:
    if "developerMetadataLookup" not in data_filter:
        return any(_lies_in(shown, tab, area) for tab, area in ranges_of(book, data_filter))
    lookup = data_filter["developerMetadataLookup"] or {}
    for name in ("metadataId", "metadataKey", "metadataValue", "visibility"):
        if name in lookup and lookup[name] != shown.get(name):
            return False
    if "locationType" in lookup and lookup["locationType"] != shown["location"]["locationType"]:
        return False
    if not (wanted := lookup.get("metadataLocation")):
        return True
    place = _location(book, wanted)
    if place == (anchor.sheet_id, anchor.axis, anchor.dimension_key):
        return True
    is_wider = lookup.get("locationMatchingStrategy") == "INTERSECTING_LOCATION" or (
        "locationMatchingStrategy" not in lookup and "locationType" in lookup
    )
    return is_wider and place[1] is None and place[0] in (None, anchor.sheet_id)


def _lies_in(shown: JSON, tab: Tab, area: Area) -> bool:
    span = shown["location"].get("dimensionRange")
    if span is None or span.get("sheetId", 0) != tab.sheet_id:
        return False
    low, high = (area.top, area.bottom) if span["dimension"] == "ROWS" else (area.left, area.right)
    return bool(low <= span["startIndex"] and (high is None or span["startIndex"] < high))


def _location(book: Book, location: Mapping[str, Any]) -> tuple[int | None, Axis | None, int | None]:
    if span := location.get("dimensionRange"):
        tab = book.tab_by_id(span.get("sheetId"))
        start, end = span.get("startIndex") or 0, span.get("endIndex")
        axis: Axis = "COLUMNS" if span.get("dimension") == "COLUMNS" else "ROWS"
        keys = [row.key for row in tab.rows] if axis == "ROWS" else tab.columns
        if end != start + 1 or end > len(keys):
            raise invalid("The dimension range of developer metadata must be exactly one row or column.")
        return tab.sheet_id, axis, keys[start]
    if "sheetId" in location:
        return book.tab_by_id(location["sheetId"]).sheet_id, None, None
    if location.get("spreadsheet"):
        return None, None, None
    raise invalid("developerMetadata.location is required.")


def _check_storage(book: Book, added: Anchor, limit: int) -> None:
    used = sum(len(anchor.key) + len(anchor.value or "") for anchor, _ in living(book) if anchor.sheet_id == added.sheet_id)
    if used > limit:
        raise invalid("Adding the requested developer metadata would exceed the allowed storage limit")
