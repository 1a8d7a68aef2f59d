"""The promises, held against the end of a random schedule. Every function raises AssertionError with what broke."""

from __future__ import annotations

from collections.abc import Mapping

from amo2gsheet.model import Base
from amo2gsheet.names import normal_header
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.state import StateStore
from tests.schedule_people import People
from tests.schedule_sight import NAMES, OTHER, OWNED, REFUSED, SENT, TRIGGER, Demand, Sight, see
from tests.world import World

KIND_OF_PICK = {"В процессе": TRIGGER, "У курера": SENT, "Успешно": SENT, "Отказ": REFUSED}
SHOWN = {TRIGGER: "В процессе", SENT: "У курера", REFUSED: "Отказ"}
PICKS_LOOKED_AT = 3
"""A PATCH carries one of the last picks: somebody may pick again between the look and the request."""


def check_end(world: World, people: People) -> None:
    """Hold rows, agreement, values and people's own cells against what people did."""
    sight = see(people.tab)
    if sight is None:
        assert not people.left.demands, "the header is gone"
        return
    with world.state() as state:
        bases = state.bases(people.managers.leads + people.managers.trashed)
        waiting = {waiting.lead_id for waiting in state.waiting()}
        _check_rows(people, sight, bases)
        _check_agreement(people, sight, waiting, state)
        _check_values(people, sight, state)
    _check_own_cells(people, sight)


def _check_rows(people: People, sight: Sight, bases: Mapping[int, Base]) -> None:
    doubled = {lead_id for lead_id, count in sight.counts.items() if count > 1} - people.left.by_hand
    assert not doubled, f"doubled rows of {doubled}"
    for lead_id in people.managers.leads:
        lead = people.world.account.lead(lead_id)
        if lead is not None and people.managers.kinds.get((lead.pipeline_id, lead.status_id)) == TRIGGER:
            base = bases.get(lead_id)
            assert lead_id in sight.counts or (base is not None and base.missing), f"lead {lead_id} has no row"
    # A row copied while it showed a wrong ID is people's own.
    strange = set(sight.counts) - set(people.managers.leads) - set(people.managers.trashed) - people.left.by_hand
    assert not strange, f"rows with IDs that nobody gave: {strange}"


def _check_agreement(people: People, sight: Sight, waiting: set[int], state: StateStore) -> None:
    world = people.world
    for lead_id, cells in sight.cells.items():
        lead = world.account.lead(lead_id)
        if lead is None or lead_id in waiting:
            continue
        kind = people.managers.kinds[lead.pipeline_id, lead.status_id]
        name = world.stage_of(lead_id)
        is_known = kind != OTHER and (kind == TRIGGER or name != NAMES[kind][-1])
        shown = {SHOWN[kind], "Успешно"} if is_known and kind == SENT else {SHOWN[kind] if is_known else name}
        assert cells["status"] in shown, f"lead {lead_id}: cell {cells['status']!r}, stage {name!r}"
        if _has_address_column(people):
            _check_address(people, lead_id, cells["owned"], state)


def _has_address_column(people: People) -> bool:
    row = people.tab.rows[people.world.person.header_row() - 1]
    return any(normal_header(str(value)) == normal_header(OWNED) for value in row.values)


def _check_address(people: People, lead_id: int, cell: object, state: StateStore) -> None:
    """The cell shows amoCRM's address, or what somebody left there after amoCRM's last change.

    A value that somebody sorted in while it was being written elsewhere may have been taken back: then the history tells.
    """
    address = people.world.account.lead_value(lead_id, OWNED) or None
    left_at, value = people.left.by_person.get((lead_id, "owned"), (0, None))
    is_persons = left_at > people.left.edited.get(lead_id, 0)
    demand = people.left.demands.get((lead_id, "owned"))
    is_told = is_persons and demand is not None and _is_in_history(state, demand)
    assert cell == address or (is_persons and cell == value) or is_told, f"lead {lead_id}: {cell!r}, and amoCRM has {address!r}"


def _check_values(people: People, sight: Sight, state: StateStore) -> None:
    for demand in [*people.left.demands.values(), *people.left.gone]:
        cells = sight.cells.get(demand.lead_id)
        is_standing = cells is not None and str(cells[demand.kind]) == demand.value
        assert is_standing or _is_in_history(state, demand), (
            f"lead {demand.lead_id}: the {demand.kind} {demand.value!r} of act {demand.act} is lost"
        )


def _is_in_history(state: StateStore, demand: Demand) -> bool:
    entries = [entry for entry in state.history(demand.lead_id) if entry.run_id >= demand.since_run]
    return any(demand.value in (entry.old, entry.new) for entry in entries)


def _check_own_cells(people: People, sight: Sight) -> None:
    for lead_id, cells in sight.cells.items():
        note = people.left.notes.get(lead_id)
        assert cells["note"] in (note, people.left.brought.get(lead_id, note)), (
            f"the note of lead {lead_id} is {cells['note']!r}, not {note!r}"
        )
    assert people.left.loose <= sight.loose, f"people's rows without ID are gone: {people.left.loose - sight.loose}"


def check_moves(people: People, request: Request) -> None:
    """Every lead in a PATCH about to be carried out goes where somebody wanted it just before."""
    for item in request.json():
        picked = people.left.picks.get(item["id"], [])[-PICKS_LOOKED_AT:]
        kind = people.managers.kinds[item["pipeline_id"], item["status_id"]]
        wanted = {KIND_OF_PICK.get(text) for text in picked}
        assert kind in wanted, f"lead {item['id']} is moved to {NAMES[kind][0]!r}, and {picked} were picked last"
