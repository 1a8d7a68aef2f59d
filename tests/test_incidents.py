"""Every incident that can occur has a test that bears its id. `python -m tests.incidents` lists those without, and why."""

from __future__ import annotations

import pytest

from tests.incidents import INCIDENTS, WITHOUT_TEST, main, with_a_test


@pytest.mark.parametrize("incident", INCIDENTS)
def test_l1_every_incident_has_a_test_or_a_reason_for_having_none(incident: str) -> None:
    assert incident in with_a_test() | WITHOUT_TEST.keys(), INCIDENTS[incident]


def test_every_reason_speaks_of_an_incident_that_has_none() -> None:
    assert set() == WITHOUT_TEST.keys() - (INCIDENTS.keys() - with_a_test())


@pytest.mark.parametrize("group", "abcdefghijkl")
def test_the_incidents_of_a_group_are_numbered_without_a_gap(group: str) -> None:
    numbers = sorted(int(incident[1:]) for incident in INCIDENTS if incident[0] == group)

    assert numbers == list(range(1, len(numbers) + 1))


def test_the_list_names_what_has_no_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0

    told = capsys.readouterr().out
    assert "G1   the month is counted in the server's zone: cannot occur: there are no month tabs" in told
    assert "A1 " not in told
