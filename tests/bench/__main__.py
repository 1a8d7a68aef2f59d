"""Measure the cases named on the command line, or all, and print a line for each as soon as it is known."""

from __future__ import annotations

import sys

from tests.bench.cases import CASES
from tests.bench.launcher import Launcher
from tests.bench.table import head, markdown


def main(names: list[str]) -> int:
    """Print the table; 2: a name is no case."""
    unknown = [name for name in names if name not in CASES]
    if unknown:
        sys.stderr.write(f"No such case: {', '.join(unknown)}. There are: {', '.join(CASES)}\n")
        return 2
    _say(*head())
    with Launcher() as launcher:
        for name in names or CASES:
            for line in CASES[name](launcher):
                _say(markdown(line.cells))
    return 0


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
