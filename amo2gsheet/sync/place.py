"""Where the rows are: the tab by name and ID, the mark, the header, the columns. Makes the tab and its header when empty."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amo2gsheet.columns import default_layout, resolve_columns
from amo2gsheet.exceptions import (
    SheetError,
    SheetLayoutError,
    StateError,
    TabMissingError,
    TabNameTakenError,
    TokenUsedError,
)
from amo2gsheet.fields import same_value
from amo2gsheet.model import ColumnKey, Columns, Dropdown, Header, SheetLook, Tab, Workbook
from amo2gsheet.names import alike, normal_header
from amo2gsheet.state.records import Waiting
from amo2gsheet.sync.headers import mend_after_open_writes
from amo2gsheet.sync.presence import DELETED, SEEN, VANISHED, Presence, find_rows, reconcile
from amo2gsheet.sync.run import TAB_SETTING

if TYPE_CHECKING:
    from amo2gsheet.sync.directory import Known
    from amo2gsheet.sync.run import Run

logger = logging.getLogger(__name__)

ID_INDEX_DEFAULT = 0
STATUS_INDEX_DEFAULT = 19

NAME_LOOKS = 2
"""So often the tab list is read before a name counts as taken by what is no tab: a read just after a write can be an old one."""


@dataclass(frozen=True, slots=True)
class Place:
    """One look at the tab with what its header means: `title` names the tab in ranges."""

    title: str
    header: Header
    columns: Columns
    presence: Presence
    look: SheetLook


def find_tab(run: Run, workbook: Workbook) -> Tab | None:
    """Find the tab that the settings name, or follow it where people renamed it; None where it has yet to be made.

    The tab of exactly that name comes first. Without one the tab that is served already was renamed, whatever others are called;
    but where the setting is a new one, or no tab is served yet, the only tab is meant whose name differs in blanks and letter
    case alone: Google would make no other beside it.

    Raises:
        SheetError: the name belongs to another tab than the one whose rows are tracked, or that one is gone.
        StateError: another state serves this spreadsheet.
    """
    _check_mark(run, workbook)
    wanted = run.settings.worksheet_name
    known_id = run.state.tab_id
    known = next((tab for tab in workbook.tabs if tab.sheet_id == known_id), None)
    tracked = run.state.tracked_count() if known_id is not None else 0
    found = _named(run, workbook, known)
    if found is not None and known_id is not None and found.sheet_id != known_id and tracked and not run.is_accepting:
        former = f'"{known.title}"' if known else f'the deleted tab "{run.state.tab_title}"'
        raise SheetError(
            f'The tab "{found.title}" is not the one whose {tracked} rows are tracked.',
            f"Those rows are in {former}. Name that tab in GOOGLE_WORKSHEET_NAME, or let `amo2gsheet pull --force` start on "
            f'"{found.title}": leads already in {former} stay there until they enter a trigger stage again.',
        )
    if found is None and tracked and not run.is_accepting:
        raise SheetError(
            f'The spreadsheet has no tab "{wanted}" any more, and {tracked} rows are tracked in it.',
            "Restore the tab (File → Version history in Google Sheets), or let `amo2gsheet pull --force` make a new one.",
        )
    if known is None and tracked:
        # By force only: the tab is gone, and its rows with it, so their leads begin anew.
        run.state.forget(run.state.all_lead_ids())
    if found is not None:
        _follow(run, found)
    return found


def _named(run: Run, workbook: Workbook, known: Tab | None) -> Tab | None:
    """The tab that the settings mean; `known` is the one that is served. None where neither is there."""
    wanted = run.settings.worksheet_name
    titles = alike(wanted, [tab.title for tab in workbook.tabs])
    is_meant = len(titles) == 1 and (titles == [wanted] or known is None or run.state.get(TAB_SETTING) not in (None, wanted))
    return next(tab for tab in workbook.tabs if tab.title == titles[0]) if is_meant else known


def _follow(run: Run, tab: Tab) -> None:
    """Serve this tab from now on; on another one than before the leads that stand in a trigger stage are taken anew."""
    if run.state.tab_id is not None and run.state.tab_id != tab.sheet_id:
        run.state.put("baseline", None)
        run.state.put("baseline_start", None)
    run.state.follow_tab(tab.sheet_id, tab.title)


def _check_mark(run: Run, workbook: Workbook) -> None:
    """Stop where a state of another host or path serves this spreadsheet."""
    for mark in workbook.marks:
        if (mark.host, mark.path) != (run.mark.host, run.mark.path):
            raise StateError(
                f"Another state serves this spreadsheet: {mark.path} on {mark.host}.",
                "Two states would write against each other. Stop the other one's timers, then take the sheet over with "
                "`amo2gsheet auth`; or set GOOGLE_SHEET_ID to another spreadsheet.",
            )


def leave_mark(run: Run, workbook: Workbook) -> None:
    """Write this state's mark into the spreadsheet where it is not there yet."""
    ours = f"{run.mark.state_id} {run.mark.host} {run.mark.path}"
    # A cloud that does not show what was left in it is not written to in every run.
    is_hidden = not workbook.marks and run.state.get("mark") == ours
    if run.mark not in workbook.marks and not is_hidden and not run.is_dry:
        run.sheet.set_mark(run.mark, workbook.marks)
        run.state.put("mark", ours)


def open_place(run: Run, known: Known, title: str, verify: Callable[[Presence], None] = lambda _presence: None) -> Place | None:
    """Look at the tab and understand its header; None for an empty tab.

    Notes in the state which rows are new, back, doubled or gone, and which columns came or went. Before that `verify` may raise.

    Raises:
        SheetLayoutError: the tab has other contents and no header.
        TabMissingError: there is no tab of that title.
    """
    memory = run.state.get_json("columns") or {}
    look = run.sheet.look(
        title, int(memory.get("id_index", ID_INDEX_DEFAULT)), int(memory.get("status_index", STATUS_INDEX_DEFAULT))
    )
    if look.header is None and not look.is_empty and mend_after_open_writes(run, title):
        return open_place(run, known, title, verify)
    if look.header is None:
        if not look.is_empty:
            raise SheetLayoutError(
                f'The tab "{title}" has no header row with "ID" and "статус" in its top ten rows.',
                'Add the headers "ID" and "статус" to one row, empty the tab, or set GOOGLE_WORKSHEET_NAME to another tab. '
                "Nothing was written.",
            )
        return None
    presence = find_rows(look)
    verify(presence)
    columns = _understand_header(run, known, title, look, memory)
    reconcile(run, presence)
    return Place(title, look.header, columns, presence, look)


def check_emptied(run: Run, title: str) -> None:
    """Refuse an empty tab in which rows are tracked: it may be a bad read. Where that is accepted its rows count as vanished.

    Raises:
        SheetError: it holds no header while rows are tracked, and nobody forced it.
    """
    tracked = run.state.tracked_count()
    if tracked and not run.is_accepting:
        raise SheetError(
            f'The tab "{title}" is empty, and {tracked} rows are tracked in it.',
            "Nothing was written. Restore the tab (File → Version history in Google Sheets), or let `amo2gsheet pull --force` "
            "begin it anew.",
        )
    seen_lately = [lead_id for lead_id, (_, missing) in run.state.status_texts().items() if SEEN <= missing < DELETED]
    if seen_lately:
        run.state.set_missing(dict.fromkeys(seen_lately, VANISHED))


def make_place(run: Run, known: Known, tab: Tab | None) -> str:
    """Give an empty tab its header, or make the tab; return its title. Safe to repeat: it goes under a commit token."""
    layout = default_layout(run.settings.worksheet_name, known.rules.dropdown_values, known.directory.lead_fields)
    former = next((intent for intent in run.state.open_intents() if intent.kind == "tab"), None)
    intent = former or run.state.add_intent("tab", {"title": layout.title}, run.state.new_commit_token())
    assert intent.commit_token is not None
    try:
        made = run.sheet.prepare_tab(tab, layout, intent.commit_token)
    except TabNameTakenError:
        if former is None:
            run.state.drop_intent(intent.id)
        _check_name(run, layout.title)
        raise
    except TokenUsedError:
        late = _made_late(run)
        if late is None:
            run.state.drop_intent(intent.id)
            raise SheetError(
                f'The tab "{layout.title}" had been made before and is empty again.', "Run the command once more."
            ) from None
        made = late
    _follow(run, made)
    run.state.put_json("dropdown", list(layout.dropdown.values))
    run.state.put_json("columns", {})
    run.state.drop_intent(intent.id)
    logger.info('pull: made the header of tab "%s"', made.title, extra={"event": "tab made"})
    return made.title


def _check_name(run: Run, title: str) -> None:
    """See that the name under which Google makes no tab is that of a tab by now: then the next run goes on with it.

    Raises:
        SheetError: it is not, so that no later run could go on either.
    """
    others: list[str] = []
    for _ in range(NAME_LOOKS):
        run.clock.sleep(1)
        workbook = run.sheet.workbook()
        if find_tab(run, workbook) is not None:
            return
        others = alike(title, [tab.title for tab in workbook.tabs])
    if others:
        listed = " and ".join(f'"{other}"' for other in others)
        raise SheetError(
            f'The tab "{title}" cannot be made beside {listed}: Google tells no two names apart by letter case.',
            "Set GOOGLE_WORKSHEET_NAME to the exact name of one of those tabs, or to another name.",
        )
    raise SheetError(
        f'The tab "{title}" cannot be made: a sheet without cells bears that name, such as a chart on a sheet of its own.',
        "Give that sheet another name, or set GOOGLE_WORKSHEET_NAME to another one.",
    )


def _made_late(run: Run) -> Tab | None:
    """The tab as an earlier try made it, which landed only after this run had looked; None where it is empty."""
    tab = find_tab(run, run.sheet.workbook())
    if tab is None or run.sheet.look(tab.title, ID_INDEX_DEFAULT, STATUS_INDEX_DEFAULT).header is None:
        return None
    return tab


def _understand_header(run: Run, known: Known, title: str, look: SheetLook, memory: Mapping[str, object]) -> Columns:
    """Say which column is whose, and note in the state which came and which went."""
    assert look.header is not None
    remembered = dict(_mapping(memory.get("keys")))
    was_foreign = set(_texts(memory.get("foreign")))
    columns, keys = resolve_columns(look.header.texts, known.directory.lead_fields, remembered)
    is_first = memory.get("tab_id") != run.state.tab_id
    left = set(_texts(memory.get("contested")))
    contested = {} if is_first else _contested(run, title, look, columns, keys, was_foreign - set(remembered), left)
    if contested:
        index = {key: place for key, place in columns.index.items() if key not in contested}
        columns = Columns(index, (*columns.foreign, *contested.values()), columns.doubled)
        keys = {text: key for text, key in keys.items() if key not in contested}
    came = [] if is_first else [key for key in columns.index if key not in remembered.values()]
    if came and run.state.tracked_count():
        run.state.owe_all_tracked("header")
    if not is_first:
        run.state.drop_base_columns([key for key in remembered.values() if key not in columns.index])
    peoples = {normal_header(text) for text in contested.values()}
    doubled = {name: text for text in columns.doubled if (name := normal_header(text)) not in peoples}
    for name in sorted(doubled.keys() - set(() if is_first else _texts(memory.get("doubled")))):
        run.notice(f'the header "{doubled[name].strip()}" stands twice; the left one counts')
    found = {
        "tab_id": run.state.tab_id,
        "id_index": columns.id_index,
        "status_index": columns.status_index,
        "keys": keys,
        "foreign": sorted({normal_header(text) for text in columns.foreign} - {""}),
        "doubled": sorted(doubled),
        "contested": sorted(peoples),
        "texts": list(look.header.texts),
    }
    if found != dict(memory):
        run.state.put_json("columns", found)
    return columns


def _contested(
    run: Run,
    title: str,
    look: SheetLook,
    columns: Columns,
    keys: Mapping[str, ColumnKey],
    was_foreign: set[str],
    left: set[str],
) -> dict[ColumnKey, str]:
    """Column key → header of people's own columns that begin to match a field while values stand in them.

    `left` are the headers that earlier runs left to people: they are not read again.
    """
    assert look.header is not None
    suspects = {key: text for text, key in keys.items() if text in was_foreign}
    if not suspects or run.is_accepting:
        run.state.stop_waiting([0], "contested column")
        return {}
    unread = [columns.index[key] for key, text in suspects.items() if text not in left]
    rows = run.sheet.read_rows(title, look.header, sorted(look.rows), unread) if unread else []
    found = {
        key: look.header.texts[columns.index[key]]
        for key, text in suspects.items()
        if text in left or any(not same_value(row.cells.get(columns.index[key]), None) for row in rows)
    }
    for text in found.values():
        run.wait(
            Waiting(0, "contested column", text, key=text, since=run.now),
            f'the column "{text}" now matches an amoCRM field, but people\'s values stand in it: it is left to them until '
            "`amo2gsheet pull --force`",
        )
    return found


def _mapping(value: object) -> Mapping[str, ColumnKey]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> Sequence[str]:
    return value if isinstance(value, list) else []


def follow_dropdown(run: Run, known: Known, tab: Tab, place: Place) -> None:
    """Let a dropdown that is still word for word the tool's own follow a changed setting; name what another one lacks."""
    ours = run.state.get_json("dropdown")
    wanted = list(known.rules.dropdown_values)
    if ours == wanted:
        return
    first_row = place.header.row_number + 1
    try:
        present = run.sheet.read_dropdown(tab, place.columns.status_index, first_row)
    except TabMissingError:
        # Renamed just now: whoever opens it next sees to the dropdown.
        return
    offered = list(present.values) if present else []
    if ours is not None and offered == ours:
        if run.is_dry:
            return
        run.sheet.set_dropdown(tab, place.columns.status_index, place.header.row_number, Dropdown(tuple(wanted)))
    elif lacking := [value for value in wanted if value not in offered]:
        run.notice("the dropdown of the status column is people's own and lacks " + ", ".join(f'"{value}"' for value in lacking))
    run.state.put_json("dropdown", wanted)


__all__ = [
    "Place",
    "TabMissingError",
    "check_emptied",
    "find_tab",
    "follow_dropdown",
    "leave_mark",
    "make_place",
    "open_place",
]
