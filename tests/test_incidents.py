"""Every incident has a test that bears its id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.incidents import INCIDENTS

TEST = re.compile(r"^def test_((?:[a-l]\d{1,2}_)+)", re.MULTILINE)
HERE = Path(__file__).parent


def ids_with_a_test() -> set[str]:
    """The ids that test names begin with; one test may stand for several."""
    found = (match for path in HERE.glob("test_*.py") for match in TEST.findall(path.read_text("utf-8")))
    return {one for ids in found for one in ids.strip("_").split("_")}


@pytest.mark.parametrize("incident", INCIDENTS)
def test_every_incident_has_a_test(incident: str) -> None:
    assert incident in ids_with_a_test(), INCIDENTS[incident]


@pytest.mark.parametrize("group", "abcdfh")
def test_the_incidents_of_a_group_are_numbered_without_a_gap(group: str) -> None:
    numbers = sorted(int(incident[1:]) for incident in INCIDENTS if incident[0] == group)

    assert numbers == list(range(1, len(numbers) + 1))
