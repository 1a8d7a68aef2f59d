"""batchUpdate requests about what lies over cells: filters, colour rules, protection, merges, names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amo2gsheet.sandbox.sheets_a1 import Area, area_of
from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import get_path, plain, set_path
from amo2gsheet.sandbox.sheets_errors import ApiError, invalid
from amo2gsheet.sandbox.sheets_fields import update_paths
from amo2gsheet.sandbox.sheets_grid import Ranged, Tab
from amo2gsheet.sandbox.sheets_knobs import SheetsKnobs
from amo2gsheet.sandbox.sheets_values import JSON


def set_basic_filter(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Set the tab's one filter anew and hide the rows it leaves out."""
    wanted: Ranged = dict(body.get("filter") or {})
    tab, area = book.grid_range(wanted.get("range") or {})
    wanted["range"] = book.clip(tab, area).to_json(tab.sheet_id)
    tab.basic_filter = wanted
    refilter(tab)
    return {}


def refilter(tab: Tab) -> None:
    """Hide the rows whose shown text the filter leaves out, and show all others."""
    tab.filtered = set()
    if not tab.basic_filter:
        return
    area = area_of(tab.basic_filter["range"])
    criteria = {int(column): rule for column, rule in (tab.basic_filter.get("criteria") or {}).items()}
    for spec in tab.basic_filter.get("filterSpecs") or []:
        criteria[spec.get("columnIndex", 0)] = spec.get("filterCriteria") or {}
    for row in tab.rows[area.top + 1 : area.bottom]:
        texts = {column: str(plain(row.value(column)) or "") for column in criteria}
        if any(texts[column] in rule.get("hiddenValues", []) for column, rule in criteria.items()):
            tab.filtered.add(row.key)


def clear_basic_filter(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Take the tab's filter away."""
    tab = book.tab_by_id(body.get("sheetId"))
    tab.basic_filter, tab.filtered = None, set()
    return {}


def add_filter_view(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Add a filter view; it hides rows for those who open it only."""
    wanted = dict(body.get("filter") or {})
    tab, area = book.grid_range(wanted.get("range") or {})
    wanted["range"] = book.clip(tab, area).to_json(tab.sheet_id)
    wanted["filterViewId"] = wanted.get("filterViewId") or book.new_id()
    tab.filter_views.append(wanted)
    return {"addFilterView": {"filter": wanted}}


def delete_filter_view(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Delete a filter view."""
    _drop(book, "filter_views", "filterViewId", body.get("filterId"), "filter view")
    return {}


def add_conditional_format_rule(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Add a colour rule at an index; the same rule twice stands twice."""
    rule = body.get("rule") or {}
    if not rule.get("ranges"):
        raise invalid("ConditionalFormatRule.ranges is required.")
    tab = book.tab_by_id(rule["ranges"][0].get("sheetId"))
    tab.conditional_formats.insert(body.get("index") or 0, rule)
    return {}


def delete_conditional_format_rule(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Delete the colour rule at an index."""
    tab, index = _rule_at(book, body)
    gone = tab.conditional_formats.pop(index)
    return {"deleteConditionalFormatRule": {"rule": gone}}


def update_conditional_format_rule(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Replace the colour rule at an index, or move it."""
    if body.get("rule") and not body.get("sheetId"):
        body = {**body, "sheetId": (body["rule"].get("ranges") or [{}])[0].get("sheetId", 0)}
    tab, index = _rule_at(book, body)
    old = tab.conditional_formats[index]
    new_index = index if body.get("newIndex") is None else body["newIndex"]
    new = body.get("rule") or old
    tab.conditional_formats.pop(index)
    tab.conditional_formats.insert(new_index, new)
    reply = {"newRule": new, "newIndex": new_index, "oldRule": old, "oldIndex": index}
    return {"updateConditionalFormatRule": reply}


def _rule_at(book: Book, body: JSON) -> tuple[Tab, int]:
    tab, index = book.tab_by_id(body.get("sheetId")), body.get("index") or 0
    if not 0 <= index < len(tab.conditional_formats):
        raise invalid(f"No conditional format on sheet: {tab.sheet_id} at index: {index}")
    return tab, index


def add_protected_range(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Protect a range; whoever adds the protection may edit it."""
    wanted = dict(body.get("protectedRange") or {})
    tab, area = book.grid_range(wanted.get("range") or {})
    wanted["range"] = area.to_json(tab.sheet_id)
    wanted["protectedRangeId"] = wanted.get("protectedRangeId") or book.new_id()
    wanted["requestingUserCanEdit"] = True
    tab.protected.append(wanted)
    return {"addProtectedRange": {"protectedRange": wanted}}


def delete_protected_range(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Take a protection away."""
    _drop(book, "protected", "protectedRangeId", body.get("protectedRangeId"), "protected range")
    return {}


def update_protected_range(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Change parts of a protection."""
    wanted = body.get("protectedRange") or {}
    for tab in book.tabs:
        for index, item in enumerate(tab.protected):
            if item["protectedRangeId"] == wanted.get("protectedRangeId"):
                for path in update_paths(body.get("fields")):
                    item = set_path(item, path, get_path(wanted, path))
                tab.protected[index] = item
                return {}
    raise _missing("protected range", wanted.get("protectedRangeId"))


def merge_cells(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Merge cells: all values but the first of each merge are lost."""
    tab, asked = book.grid_range(body.get("range") or {})
    area = book.clip(tab, asked)
    frozen = tab.properties.get("gridProperties", {}).get("frozenRowCount", 0)
    if area.top < frozen < (area.bottom or 0):
        raise invalid("You can't merge frozen and non-frozen rows.")
    if any(old.meets(area) for old in tab.merges):
        raise invalid("You must select all cells in a merged range to merge or unmerge them.")
    for part in _merged_parts(area, body.get("mergeType") or "MERGE_ALL"):
        kept = tab.value(part.top, part.left)
        tab.clear(part)
        tab.write(part.top, {part.left: kept})
        tab.merges.append(part)
    return {}


def _merged_parts(area: Area, merge_type: str) -> list[Area]:
    if merge_type == "MERGE_ROWS":
        return [replace(area, top=row, bottom=row + 1) for row in range(area.top, area.bottom or 0)]
    if merge_type == "MERGE_COLUMNS":
        return [replace(area, left=column, right=column + 1) for column in range(area.left, area.right or 0)]
    return [area]


def unmerge_cells(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Take merges apart."""
    tab, asked = book.grid_range(body.get("range") or {})
    area = book.clip(tab, asked)
    tab.merges = [old for old in tab.merges if not old.meets(area)]
    return {}


def add_named_range(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Name a range."""
    wanted = dict(body.get("namedRange") or {})
    if any(named["name"] == wanted.get("name") for named in book.named_ranges):
        raise invalid(f'A named range with name "{wanted.get("name")}" already exists.')
    tab, area = book.grid_range(wanted.get("range") or {})
    wanted["range"] = book.clip(tab, area).to_json(tab.sheet_id)
    wanted["namedRangeId"] = wanted.get("namedRangeId") or str(book.new_id())
    book.named_ranges.append(wanted)
    return {"addNamedRange": {"namedRange": wanted}}


def delete_named_range(book: Book, body: JSON, _knobs: SheetsKnobs) -> JSON:
    """Forget a name."""
    kept = [named for named in book.named_ranges if named["namedRangeId"] != body.get("namedRangeId")]
    if len(kept) == len(book.named_ranges):
        raise _missing("named range", body.get("namedRangeId"))
    book.named_ranges = kept
    return {}


def _drop(book: Book, what: str, id_name: str, wanted: Any, words: str) -> None:
    for tab in book.tabs:
        items: list[Ranged] = getattr(tab, what)
        kept = [item for item in items if item[id_name] != wanted]
        if len(kept) < len(items):
            setattr(tab, what, kept)
            return
    raise _missing(words, wanted)


def _missing(words: str, wanted: Any) -> ApiError:
    return invalid(f"No {words} with id: {wanted}")
