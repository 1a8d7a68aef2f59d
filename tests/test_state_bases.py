"""Bases come back exactly as they were saved, tab by tab; links lead from what changed to the leads concerned."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.model import Base, CellBase, CellValue, Stage, StatusBase
from amo2gsheet.sandbox.clock import VirtualClock
from amo2gsheet.state import LeadLinks, StateStore

NOW = 1_750_000_000
STATUS = StatusBase(Stage(10, 142), "В процессе", "В процессе")

# Single halves of a character come from JSON, pairs of them never: JSON reads a pair as the character.
texts = st.text(st.characters(exclude_categories=()), max_size=30).filter(lambda text: text == json.loads(json.dumps(text)))
stored_texts = st.text(max_size=30)
values = st.one_of(
    texts, st.integers(), st.floats(), st.booleans(), st.none(), st.sampled_from(["007", "1", 1, 1.0, True, 2**80, -0.0])
)
stages = st.builds(Stage, st.integers(0, 2**40), st.integers(0, 2**40))
bases = st.builds(
    Base,
    st.integers(1, 2**53),
    st.none() | st.builds(StatusBase, stages, stored_texts, stored_texts),
    st.dictionaries(texts, st.builds(CellBase, values, values), max_size=5),
    st.integers(-1, 5),
)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: VirtualClock) -> Iterator[StateStore]:
    with StateStore.open(tmp_path / "state", clock) as opened:
        opened.follow_tab(7, "Sheet1")
        yield opened


def base(lead_id: int, status: StatusBase | None = STATUS, missing: int = 0, **cells: CellValue) -> Base:
    return Base(lead_id, status, {key: CellBase(value, value) for key, value in cells.items()}, missing)


def links(
    lead_id: int, *contact_ids: int, company_id: int | None = None, user_id: int = 1, stage: Stage | None = None
) -> LeadLinks:
    return LeadLinks(lead_id, contact_ids, company_id, user_id, stage or Stage(10, 20))


@given(st.lists(bases, max_size=5, unique_by=lambda base: base.lead_id))
def test_bases_come_back_exactly_as_they_were_saved(saved: list[Base]) -> None:
    with StateStore.open_scratch(Path("missing"), VirtualClock(NOW)) as store:
        store.follow_tab(7, "Sheet1")
        store.save_bases(saved)

        # `repr` tells 1 from 1.0 and True, 0.0 from -0.0, and finds NaN equal to itself.
        assert sorted(map(repr, store.bases([base.lead_id for base in saved]).values())) == sorted(map(repr, saved))
        assert store.status_texts() == {base.lead_id: (base.status and base.status.text, base.missing) for base in saved}


@pytest.mark.parametrize(
    "value", ["", "007", "1", 1, 1.0, 0, 0.0, -0.0, True, False, None, 10**40, 1e300, 0.1, "🧺", "a\0b", "=1+1"]
)
def test_a_value_keeps_its_type(value: CellValue, store: StateStore) -> None:
    store.save_bases([base(1, phone=value)])

    kept = store.bases([1])[1].cells["phone"]
    assert (repr(kept.amo), repr(kept.sheet)) == (repr(value), repr(value))


def test_two_values_that_only_seem_equal_stay_two(store: StateStore) -> None:
    store.save_bases(
        [Base(1, None, {"a": CellBase(1, True), "b": CellBase(1.0, 1), "c": CellBase("1", 1), "d": CellBase(None, False)})]
    )

    cells = store.bases([1])[1].cells
    assert {key: (type(cell.amo), type(cell.sheet)) for key, cell in cells.items()} == {
        "a": (int, bool),
        "b": (float, int),
        "c": (str, int),
        "d": (type(None), bool),
    }


def test_a_negative_zero_beside_a_zero_stays_negative(store: StateStore) -> None:
    store.save_bases([Base(1, None, {"price": CellBase(0.0, -0.0)})])

    assert repr(store.bases([1])[1].cells["price"]) == "CellBase(amo=0.0, sheet=-0.0)"


def test_not_a_number_is_no_crash(store: StateStore) -> None:
    store.save_bases([base(1, price=math.nan, other=math.inf)])

    cells = store.bases([1])[1].cells
    assert (str(cells["price"].amo), cells["other"].amo) == ("nan", math.inf)


def test_a_saved_base_replaces_the_one_before(store: StateStore) -> None:
    store.save_bases([base(1, phone="1", email="x"), base(2)])
    store.save_bases([base(1, None, 2, phone="2")])

    assert store.bases([1, 2, 3]) == {1: base(1, None, 2, phone="2"), 2: base(2)}
    assert store.status_texts() == {1: (None, 2), 2: ("В процессе", 0)}
    assert (store.all_lead_ids(), store.tracked_count()) == ([1, 2], 2)


def test_an_empty_status_cell_is_not_a_missing_status(store: StateStore) -> None:
    store.save_bases([base(1, StatusBase(Stage(0, 0), "", "")), base(2, None)])

    assert store.status_texts() == {1: ("", 0), 2: (None, 0)}
    assert store.bases([1])[1].status == StatusBase(Stage(0, 0), "", "")


def test_missing_runs_are_counted_without_touching_the_rest(store: StateStore) -> None:
    store.save_bases([base(1, phone="1"), base(2), base(3)])
    store.set_missing({1: 2, 2: -1, 99: 1})

    assert store.bases([1, 2, 3, 99]) == {1: base(1, missing=2, phone="1"), 2: base(2, missing=-1), 3: base(3)}


def test_the_bases_of_a_column_that_went_away_are_dropped(store: StateStore) -> None:
    store.save_bases([base(lead_id, phone="1", email=lead_id) for lead_id in range(1, 2501)])
    store.drop_base_columns(["email", "unknown"])

    assert store.bases(range(1, 2501)) == {lead_id: base(lead_id, phone="1") for lead_id in range(1, 2501)}


def test_forgotten_leads_are_tracked_no_more(store: StateStore) -> None:
    store.save_bases([base(1, phone="1"), base(2, phone="2")])
    store.save_links([links(1, 5), links(2, 5)])
    store.forget([1, 99])

    assert store.all_lead_ids() == [2]
    assert store.leads_of_contacts([5]) == {2}
    assert store._database.rows("SELECT lead_id FROM base_cells") == [(2,)]
    assert store._database.rows("SELECT lead_id FROM contact_links") == [(2,)]


def test_many_leads_are_asked_for_at_once(store: StateStore) -> None:
    store.save_bases([base(lead_id) for lead_id in range(1, 2001)])

    assert len(store.bases(range(5000))) == 2000
    store.forget(range(5000))
    assert store.tracked_count() == 0


def test_a_number_too_long_for_any_lead_is_not_known(store: StateStore) -> None:
    """People type such numbers into ID cells."""
    store.save_bases([base(1)])

    assert store.bases([1, 10**30, -(10**30)]) == {1: base(1)}


def test_without_a_tab_nothing_is_tracked_and_nothing_can_be_saved(tmp_path: Path, clock: VirtualClock) -> None:
    with StateStore.open(tmp_path / "new", clock) as store:
        assert (store.bases([1]), store.all_lead_ids(), store.status_texts(), store.tracked_count()) == ({}, [], {}, 0)
        assert (store.untracked_elsewhere(), store.bases_elsewhere([1])) == (0, {})
        with pytest.raises(ValueError, match="no tab"):
            store.save_bases([base(1)])


# --- tabs ---


def test_each_tab_has_bases_of_its_own(store: StateStore, clock: VirtualClock) -> None:
    store.save_bases([base(1, phone="july"), base(2), base(3, phone="july")])
    clock.advance(60)
    store.follow_tab(8, "Август")
    store.save_bases([base(1, phone="august")])

    assert store.bases([1, 2, 3]) == {1: base(1, phone="august")}
    assert store.bases_elsewhere([1, 2, 4]) == {1: base(1, phone="july"), 2: base(2)}
    assert (store.tracked_count(), store.untracked_elsewhere()) == (1, 2)

    store.forget([1])
    assert store.bases_elsewhere([1]) == {1: base(1, phone="july")}

    store.follow_tab(7, "Sheet1")
    assert store.bases([1]) == {1: base(1, phone="july")}
    assert (store.tracked_count(), store.untracked_elsewhere()) == (3, 0)


def test_of_several_other_tabs_the_one_followed_last_counts(store: StateStore, clock: VirtualClock) -> None:
    for tab_id, phone in ((9, "first"), (3, "last"), (5, None)):
        clock.advance(60)
        store.follow_tab(tab_id, "a tab")
        if phone:
            store.save_bases([base(1, phone=phone)])

    assert store.bases_elsewhere([1]) == {1: base(1, phone="last")}
    assert store.untracked_elsewhere() == 1


# --- links ---


def test_a_changed_contact_leads_to_its_leads(store: StateStore) -> None:
    store.save_bases([base(lead_id) for lead_id in (1, 2, 3)])
    store.save_links([links(1, 50, 51), links(2, 51, 51), links(3, company_id=70)])

    assert store.leads_of_contacts([51]) == {1, 2}
    assert store.leads_of_contacts([50, 52]) == {1}
    assert store.leads_of_companies([70]) == {3}


def test_new_links_replace_those_before(store: StateStore) -> None:
    store.save_bases([base(1)])
    store.save_links([links(1, 50, company_id=70, user_id=1, stage=Stage(10, 20))])
    store.save_links([links(1, 51, user_id=2, stage=Stage(11, 142))])

    assert (store.leads_of_contacts([50]), store.leads_of_contacts([51])) == (set(), {1})
    assert store.leads_of_companies([70]) == set()
    assert (store.leads_of_users([1]), store.leads_of_users([2])) == (set(), {1})
    assert (store.leads_in_pipelines([10]), store.leads_in_pipelines([11])) == (set(), {1})


def test_one_status_number_in_two_pipelines_is_two_stages(store: StateStore) -> None:
    store.save_bases([base(1), base(2)])
    store.save_links([links(1, stage=Stage(10, 142)), links(2, stage=Stage(11, 142))])

    assert store.leads_in_stages([Stage(10, 142), Stage(10, 143)]) == {1}
    assert store.leads_in_stages([Stage(10, 142), Stage(11, 142)]) == {1, 2}


def test_b10_a_lead_without_a_row_is_no_tracked_lead(store: StateStore) -> None:
    store.save_links([links(1, 50, company_id=70)])

    assert (store.leads_of_contacts([50]), store.leads_of_companies([70])) == (set(), set())
    assert (store.tracked_count(), store.all_lead_ids()) == (0, [])
