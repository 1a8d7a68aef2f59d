"""The planted bugs can still be planted. `python -m tests.planted` plants them and sees that the tests notice each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted import ROOT, MisplantedError, files_of, noticing_test, occurrences, planted
from tests.planted_bug import Bug
from tests.planted_bugs import BUGS


def test_there_are_enough_of_them_under_names_of_their_own() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_what_a_bug_replaces_still_stands_once(bug: Bug) -> None:
    assert occurrences(bug) == 1
    assert bug.new != bug.old


def test_the_tests_that_must_notice_are_there() -> None:
    assert [] == [name for name in files_of(bug.suite for bug in BUGS) if not (ROOT / name).is_file()]


def _copy(root: Path) -> Path:
    module = root / "amo2gsheet" / "sum.py"
    module.parent.mkdir()
    # Else a package that is installed goes before this one.
    (module.parent / "__init__.py").touch()
    module.write_text("SUM = 1 + 1\n")
    (root / "test_sum.py").write_text("from amo2gsheet.sum import SUM\ndef test_sum() -> None:\n    assert SUM == 2\n")
    return module


def _bug(old: str, new: str, test: str = "test_sum.py") -> Bug:
    return Bug("sum", "none", "sum.py", old, new, (test,))


def test_a_bug_is_caught_where_its_tests_fail_with_it(tmp_path: Path) -> None:
    module = _copy(tmp_path)

    assert noticing_test(_bug("1 + 1", "1 - 1"), tmp_path) == "test_sum.py::test_sum"
    assert noticing_test(_bug("1 + 1", "2 * 1"), tmp_path) is None
    assert module.read_text() == "SUM = 1 + 1\n"


@pytest.mark.parametrize(
    "bug",
    [
        _bug("2", "3"),
        _bug("1", "3"),
        _bug("1 + 1", "1", "test_gone.py"),
        _bug("1 + 1", "1", "test_wrong.py"),
        _bug("1 + 1", "1 +"),
    ],
    ids=["nowhere", "twice", "no such test", "a test that fails anyway", "no Python"],
)
def test_a_bug_that_cannot_be_judged_is_no_caught_one(tmp_path: Path, bug: Bug) -> None:
    _copy(tmp_path)
    (tmp_path / "test_wrong.py").write_text("def test_wrong() -> None:\n    assert False\n")

    with pytest.raises(MisplantedError):
        noticing_test(bug, tmp_path)


def test_a_bug_is_gone_afterwards_though_its_tests_could_not_be_run(tmp_path: Path) -> None:
    module = _copy(tmp_path)
    with pytest.raises(KeyboardInterrupt), planted(_bug("1 + 1", "0"), tmp_path):
        raise KeyboardInterrupt

    assert module.read_text() == "SUM = 1 + 1\n"
