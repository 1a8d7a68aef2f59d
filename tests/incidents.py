"""What went wrong in an earlier tool of the same purpose: id → one line. Each that can occur here has a test that bears its id.

`python -m tests.incidents` lists those without a test, and why they have none. The groups are: A rows, B lost updates and loops,
C what a row shows, D stage names, E an order number that drove the status, F leads that never arrived, G month tabs and zones,
H quota, API, tokens, I state, J configuration and deployment, K security, L how the work was done.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

INCIDENTS: dict[str, str] = {
    "a1": "the same lead sits in several rows",
    "a2": "two rows of one lead make amoCRM flip-flop",
    "a3": "the wrong row is overwritten after rows were sorted, inserted or deleted",
    "a4": "cleared rows leave gaps, or a new lead lands in one",
    "a5": "a full grid loses the next lead, and its dropdown",
    "a6": "a deleted row is never noticed",
    "a7": "one failed read of the tab counts as: every row was deleted",
    "a8": "values are written in the order of the code, not of the header",
    "a9": "two scripts repair each other's header",
    "a10": "people's own dropdown is put back on each start",
    "a11": "an append guesses the table and lands one column to the right",
    "a12": "a hand-typed or reformatted ID hides the row",
    "b1": "the tool's own write comes back as an echo",
    "b2": "one lead bounces between two stages",
    "b3": "a status is replaced though nobody moved the lead",
    "b4": "a pick made between two runs is overwritten",
    "b5": "a stale look undoes a manager",
    "b6": "picks made while the tool was down are never pushed",
    "b7": "an empty state means a mass push",
    "b8": "manual columns are erased",
    "b9": "a half-empty row is written over a complete one",
    "b10": "a lead without a row is counted as written",
    "b11": "a lead deleted or merged in amoCRM is asked for for ever",
    "b12": "a pipeline without the target stage costs a call for ever",
    "b13": "finished leads are forgotten and pushed again",
    "b14": "there and back within a minute is dropped as a duplicate",
    "b15": "a change counts as done before it is written",
    "c1": "only the first phone number shows",
    "c2": "texts become numbers or formulas",
    "c3": "the wrong contact's name shows",
    "c4": "the company is always empty",
    "c5": "dates are one day early on a server in another zone",
    "c6": "an empty date is replaced by another one",
    "c7": "zero and garbage dates",
    "c8": "a field named like a service column overwrites it",
    "c9": "field names with other blanks or case are not found",
    "c10": "staff codes with and without leading zeros",
    "c11": "the Staff tab has other columns than expected",
    "c12": "a budget that is gone leaves the old amount",
    "c13": "new users, stages and pipelines show as numbers",
    "c14": "a comparison of all leads blanks names and phones",
    "d1": "blanks in stage names",
    "d2": "typos in stage names that differ per pipeline",
    "d3": "Latin look-alike letters in stage names",
    "d4": "other case in stage names",
    "d5": "raw stage names left in status cells",
    "d6": "a stage with no mapping",
    "d7": "a trigger found by its display name",
    "d8": "a trigger with another name in each pipeline",
    "d9": "two stages that show alike",
    "d10": "142 and 143 renamed in one pipeline",
    "d11": "any text can be typed into the dropdown",
    "e1": "a number counts as sent though it could not be",
    "e2": "each trigger event sends the number again",
    "e3": "a corrected or erased number is ignored",
    "e4": "the echo of a number's move overwrites the cell",
    "e5": "a number typed while the tool was down is never sent",
    "e6": "a field is known by the ID that it has in one account",
    "e7": "back to the first status with a number there",
    "f1": "a lead created straight in the trigger stage",
    "f2": "a lead that passed the trigger between two runs",
    "f3": "the go-live date",
    "f4": "a week of silence",
    "f5": "one bad lead aborts the batch",
    "f6": "fields go stale once a lead left the trigger",
    "f7": "leads deleted in amoCRM",
    "g1": "the month is counted in the server's zone",
    "g2": "changes of last month's leads are looked for in the new tab",
    "g3": "the state of the release before is not understood",
    "g4": "an archive tab of that name exists already",
    "g5": "a stale list of tabs makes the rows of a new one look deleted",
    "g6": "rows of a tab that is not looked at count as deleted",
    "g7": "a lead of a former tab that comes in again gets two rows",
    "g8": "the state is lost, and with it what is in the sheet",
    "g9": "a documented setting has no effect",
    "g10": "dates in settings are read in the server's zone",
    "h1": "Google's quota is spent",
    "h2": "amoCRM's rate limit is passed",
    "h3": "token refresh",
    "h4": "a dead refresh token blocks a fresh code",
    "h5": "204 with an empty body",
    "h6": "one call for each lead and contact",
    "h7": "lists are read without paging",
    "h8": "a stale list of tabs",
    "i1": "the whole state is written for each lead",
    "i2": "the state is neither atomic nor locked",
    "i3": "the state stands in the checkout and mixes two accounts",
    "i4": "a state file is committed",
    "j1": "the settings file is read in another way by others",
    "j2": "line ends of Windows stay in the values",
    "j3": "a mark at the file's beginning hides the first name",
    "j4": "an empty value ends the program",
    "j5": "of two spellings of a setting only one is read",
    "j6": "defaults differ, and an empty map switches push off",
    "j7": "dates in the example are a year off",
    "j8": "an option in the wrong section of a unit is ignored",
    "j9": "units with fixed paths",
    "j10": "a permanent error of the settings becomes a loop",
    "j11": "a development option in production",
    "j12": "what happens during an update is lost",
    "j13": "a diagnosis reads other settings than the program",
    "k1": "secrets and customers' data are committed",
    "k2": "an open port without a password",
    "k3": "diagnostics print parts of secrets",
    "k4": "a dry run prints customers",
    "k5": "diagnostic files with customers are committed",
    "k6": "everything runs as root",
    "l1": "a commit takes a mended fault's test away",
    "l2": "the same constants stand in several places and drift apart",
    "l3": "a rule that changes needs a new program",
    "l4": "the documented rules are not those of the program",
    "l5": "a command that nobody ever ran is broken",
}

NO_NUMBERS = "cannot occur: no order number is sent, its column belongs to amoCRM and moves no lead"
NO_MONTHS = "cannot occur: there are no month tabs, one state serves one tab"

WITHOUT_TEST: dict[str, str] = {
    **dict.fromkeys(("e1", "e3", "e4", "e5", "e7"), NO_NUMBERS),
    **dict.fromkeys(("g1", "g2", "g4", "g6"), NO_MONTHS),
    "k5": "cannot occur: no command writes a diagnostic file, and what a run leaves behind is ignored by git (i4)",
}
"""Incident → why no test bears its id."""

_TEST = re.compile(r"^ *def test_((?:[a-l]\d{1,2}_)+)", re.MULTILINE)


@cache
def with_a_test() -> set[str]:
    """The ids that names of tests begin with; one test may stand for several."""
    found = (match for path in Path(__file__).parent.glob("test_*.py") for match in _TEST.findall(path.read_text("utf-8")))
    return {one for ids in found for one in ids.strip("_").split("_")}


def main() -> int:
    """List the incidents without a test; return 1 when one of them has no reason either."""
    missing = [one for one in INCIDENTS if one not in with_a_test()]
    for one in missing:
        sys.stdout.write(f"{one.upper():4} {INCIDENTS[one]}: {WITHOUT_TEST.get(one, 'NO REASON GIVEN')}\n")
    sys.stdout.write(f"{len(INCIDENTS) - len(missing)} of {len(INCIDENTS)} incidents have a test\n")
    return int(any(one not in WITHOUT_TEST for one in missing))


if __name__ == "__main__":
    sys.exit(main())
