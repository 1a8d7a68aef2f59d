"""What a tab shows in a random schedule, what people left in it, and when a value of theirs is none any more.

What an act changed is seen on the tab itself, before and after it: so none, be it an undo or a copy, needs an account of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.sandbox.sheets_cells import plain
from amo2gsheet.sandbox.sheets_grid import Tab
from tests.world import STATUS

PICKS = ("В процессе", "У курера", "Успешно", "Отказ")
OWNED = "Адрес"
OWN_HEADERS = ("Заметка", "Комментарий", "Пометка")
"""Names that people give to their own column, one at a time."""

NAMES = (
    ("Консультация", "ДУМКА", "Созвон"),
    ("NOMERATSIYALANMAGAN ZAKAZ", "Заказ без нумерации"),
    ("Заказ отправлен", "ЗАКАЗ  ОТПРАВЛЕН", "В пути"),
    ("Отказ", "OTKAZ", "Возврат"),
)
"""Kind of stage, from 0 → the names it goes by; no status stands for one under its last name, the trigger stage apart."""

OTHER, TRIGGER, SENT, REFUSED = range(4)

Kind = Literal["status", "owned", "note"]
Cells = dict[Kind, object]

KEPT: tuple[Kind, ...] = ("status", "owned")
"""Cells that the tool writes too: what people leave there is kept, on one of the sides or in the history."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A value that somebody left in a cell, with the number of the act, and from which run on the history may tell of it."""

    lead_id: int
    kind: Kind
    value: str
    act: int
    since_run: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What a tab shows: lead ID → cells of every lead with one row, how many rows each lead has, people's rows without ID.

    `rows` is number → lead ID and cells of every row that holds something.
    """

    cells: Mapping[int, Cells]
    counts: Mapping[int, int]
    loose: frozenset[str]
    rows: Mapping[int, tuple[int | None, Cells]]


@dataclass(slots=True)
class Left:
    """What people left. `acts` counts what they did.

    `demands` is what the cells show or the history knows, `gone` what a run wrote over before people changed the cell again.
    `parked` and `parked_notes` are what they left in rows that a run took for another lead's, and that are nobody's by now;
    `parked_picks` are statuses that they brought into rows that were nobody's.
    `brought` is what is no note and came into a column of notes by their hands all the same, sorted or brought back.
    `by_hand` are leads whose rows people made or doubled, `edited` is lead ID → act at which amoCRM's address changed last.
    `words` is how what belongs into a column begins, where that is known: an undone deletion brings back what had strayed, too.
    """

    acts: int = 0
    demands: dict[tuple[int, Kind], Demand] = field(default_factory=dict)
    gone: list[Demand] = field(default_factory=list)
    picks: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_person: dict[tuple[int, Kind], tuple[int, object]] = field(default_factory=dict)
    notes: dict[int, object] = field(default_factory=dict)
    brought: dict[int, object] = field(default_factory=dict)
    parked: dict[tuple[Kind, str], Demand] = field(default_factory=dict)
    parked_notes: set[str] = field(default_factory=set)
    parked_picks: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    by_hand: set[int] = field(default_factory=set)
    edited: dict[int, int] = field(default_factory=dict)
    words: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)

    def note(self, before: Sight, after: Sight, since_run: int) -> None:
        """Take in what an act has changed."""
        self.loose = (self.loose | (after.loose - before.loose)) & after.loose
        for number, (lead, shown) in after.rows.items():
            if lead is None and number in before.rows and before.rows[number][1]["status"] != shown["status"]:
                self.parked_picks.add(str(shown["status"]))
        for lead_id in before.counts.keys() | after.counts.keys():
            cells, former = after.cells.get(lead_id), before.cells.get(lead_id)
            if cells is None:
                self._forget(lead_id)
                continue
            for kind, value in cells.items():
                if former is None or former[kind] != value:
                    self._leave(lead_id, kind, value, former, since_run)

    def rename(self, former: int | None, lead_id: int | None, cells: Cells) -> None:
        """A run gave a row another ID: what people left in it while it bore the former one, they left in this row.

        `cells` are the row's. What was left in a row that is nobody's by now waits until the row gets an ID again.
        """
        for kind in KEPT:
            demand = self.demands.get((former or 0, kind)) or self.parked.get((kind, str(cells[kind])))
            if demand is None or str(cells[kind]) != demand.value:
                continue
            if former is not None:
                self.demands.pop((former, kind), None)
                self.by_person.pop((former, kind), None)
            if lead_id is None:
                self.parked[kind, demand.value] = demand
            else:
                self.parked.pop((kind, demand.value), None)
                self.demands[lead_id, kind] = replace(demand, lead_id=lead_id)
                self.by_person[lead_id, kind] = demand.act, demand.value
                if kind == "status":
                    self.picks[lead_id].append(demand.value)
        if former is None and lead_id is not None and str(cells["status"]) in self.parked_picks:
            self.picks[lead_id].append(str(cells["status"]))
        self._rename_note(former, lead_id, cells["note"])

    def _rename_note(self, former: int | None, lead_id: int | None, note: object) -> None:
        if note is None:
            return
        is_theirs = former is not None and self.notes.get(former) == note
        if is_theirs and former is not None:
            del self.notes[former]
        if lead_id is None and is_theirs:
            self.parked_notes.add(str(note))
        elif lead_id is not None and (is_theirs or str(note) in self.parked_notes):
            self.parked_notes.discard(str(note))
            self.notes[lead_id] = note

    def _forget(self, lead_id: int) -> None:
        """The row is gone, or there are two of it: nobody can say any more what the tool is to keep."""
        for kind in KEPT:
            self.demands.pop((lead_id, kind), None)
            self.by_person.pop((lead_id, kind), None)
        self.by_person.pop((lead_id, "note"), None)
        self.notes.pop(lead_id, None)
        self.brought.pop(lead_id, None)

    def _belongs(self, kind: Kind, value: object) -> bool:
        return kind not in self.words or str(value).startswith(self.words[kind])

    def _leave_note(self, lead_id: int, value: object, former: Cells | None) -> None:
        """A note, or what had strayed there before they brought it elsewhere: that may stay, or be taken back."""
        if self._belongs("note", value):
            self.notes[lead_id] = value
            self.brought.pop(lead_id, None)
            return
        if former is None or former["note"] == self.notes.get(lead_id):
            self.notes[lead_id] = None
        self.brought[lead_id] = value

    def _leave(self, lead_id: int, kind: Kind, value: object, former: Cells | None, since_run: int) -> None:
        self.by_person[lead_id, kind] = (self.acts, value)
        if kind == "note":
            self._leave_note(lead_id, value, former)
            return
        demand = self.demands.pop((lead_id, kind), None)
        # What a run wrote over and they put back themselves is not lost.
        if demand is not None and former is not None and demand.value not in (former[kind], value):
            self.gone.append(demand)
        if value is not None and self._belongs(kind, value):
            self.demands[lead_id, kind] = Demand(lead_id, kind, str(value), self.acts, since_run)
        if kind == "status":
            self.picks[lead_id].append(str(value))


def see(tab: Tab) -> Sight | None:
    """Look at a tab; None while it shows no header."""
    top, columns = columns_of(tab)
    if "ID" not in columns or STATUS not in columns:
        return None
    note = next((columns[text] for text in OWN_HEADERS if text in columns), None)
    places: dict[Kind, int | None] = {"status": columns[STATUS], "owned": columns.get(OWNED), "note": note}
    cells: dict[int, Cells] = {}
    counts: Counter[int] = Counter()
    loose = set()
    rows: dict[int, tuple[int | None, Cells]] = {}
    for number, row in enumerate(tab.rows[top + 1 :]):
        if not row.values:
            continue
        lead_id = lead_id_of(_shown(plain(row.value(columns["ID"]))))
        rows[number] = lead_id, {kind: None if at is None else plain(row.value(at)) or None for kind, at in places.items()}
        if lead_id is None:
            loose.add(str(plain(row.value(note))) if note is not None else "")
            continue
        counts[lead_id] += 1
        cells[lead_id] = rows[number][1]
    return Sight({lead: cells[lead] for lead in cells if counts[lead] == 1}, counts, frozenset(loose - {"", "None"}), rows)


def _shown(value: object) -> str | float | bool | None:
    return value if isinstance(value, (str, int, float)) else None


def columns_of(tab: Tab) -> tuple[int, dict[str, int]]:
    """Index of the header row, and header → column index, the left one of two."""
    for index, row in enumerate(tab.rows[:10]):
        texts = [str(plain(value) or "") for value in row.values]
        if "ID" in texts and STATUS in texts:
            return index, {text: at for at, text in reversed(list(enumerate(texts))) if text}
    return 0, {}


def own_header(tab: Tab) -> str | None:
    """What people call their own column now; None while they have none."""
    _, columns = columns_of(tab)
    return next((text for text in OWN_HEADERS if text in columns), None)
