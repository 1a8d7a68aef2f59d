"""Plant one fault after another in a copy of the program and see that the tests notice each.

`python -m tests.planted` plants all of them, `python -m tests.planted NAME …` some. Ends with 1 when one goes unnoticed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.planted_bug import Bug
from tests.planted_bugs import BUGS

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "amo2gsheet"

PASSED, FAILED = 0, 1
"""pytest's exit codes: all tests passed, some failed. Any other one says that its arguments no longer name tests."""

FAILURE = re.compile(r"^FAILED (.+?)(?: - |$)", re.MULTILINE)

LIMIT_SECONDS = 300


class MisplantedError(Exception):
    """A bug cannot be planted, or its tests cannot tell anything about it."""


def occurrences(bug: Bug, root: Path = ROOT) -> int:
    """How often the text stands in the program that the bug replaces."""
    return (root / PROGRAM / bug.file).read_text("utf-8").count(bug.old)


def files_of(suites: Iterable[Sequence[str]]) -> list[str]:
    """The test files that the suites name, each once."""
    return sorted({word.partition("::")[0] for suite in suites for word in suite if word.startswith("tests/")})


def copy_of_the_tree(folder: Path) -> None:
    """Copy what git tracks or does not ignore, as it stands in the working tree."""
    wanted = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(wanted, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


@contextmanager
def planted(bug: Bug, root: Path) -> Iterator[None]:
    """Let the bug stand in the copy."""
    path = root / PROGRAM / bug.file
    sound = path.read_text("utf-8")
    if sound.count(bug.old) != 1:
        raise MisplantedError(f"the text to be replaced stands {sound.count(bug.old)} times in {bug.file}")
    path.write_text(sound.replace(bug.old, bug.new), "utf-8")
    try:
        yield
    finally:
        path.write_text(sound, "utf-8")


def run_tests(words: Sequence[str], root: Path) -> tuple[int, list[str]]:
    """Run some tests in the copy, up to the first that fails: pytest's exit code, and the failed one."""
    command = [sys.executable, "-m", "pytest", "-qx", "-rf", "--no-header", "--tb=no", "-p", "no:cacheprovider", *words]
    # Compiled files of one second and size would hide the change.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root)}
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        raise MisplantedError(f"the tests did not end within {LIMIT_SECONDS} s") from None
    return done.returncode, FAILURE.findall(done.stdout)


def noticing_test(bug: Bug, root: Path) -> str | None:
    """The test that fails with the bug in place, and only then; None: no test notices it.

    Raises:
        MisplantedError: it could not be planted, or its tests can tell nothing.
    """
    with planted(bug, root):
        code, failed = run_tests(bug.suite, root)
    if code == PASSED:
        return None
    if code != FAILED or not failed:
        raise MisplantedError(f"pytest {' '.join(bug.suite)} ended with {code}")
    # A test that fails anyway notices nothing.
    if run_tests(failed, root)[0] != PASSED:
        raise MisplantedError(f"{failed[0]} does not pass without it")
    return failed[0]


def _is_caught(bug: Bug, root: Path) -> bool:
    started = time.monotonic()
    try:
        test = noticing_test(bug, root)
        told = f"caught by {test}" if test else "NOT CAUGHT"
    except MisplantedError as error:
        test, told = None, f"NOT PLANTED: {error}"
    _say(f"{bug.name} (promise {bug.breaks}): {told}, {time.monotonic() - started:.0f} s")
    return test is not None


def main(names: Sequence[str]) -> int:
    """Plant the bugs of these names, or all; return 0 when all of them are caught."""
    unknown = set(names) - {bug.name for bug in BUGS}
    if unknown:
        _say(f"no such bug: {', '.join(sorted(unknown))}")
        return 2
    bugs = [bug for bug in BUGS if not names or bug.name in names]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy_of_the_tree(root)
        caught = sum(_is_caught(bug, root) for bug in bugs)
    _say(f"{caught} of {len(bugs)} caught")
    return 0 if caught == len(bugs) else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
