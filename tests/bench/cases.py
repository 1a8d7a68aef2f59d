"""The cases: each makes a shop, runs the program and the reference in it, and gives a line for each figure."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.launcher import Launcher, Spent
from tests.bench.shop import BenchShop, Cost, served
from tests.bench.table import Line, middle

Case = Callable[[Launcher], Iterator[Line]]

PAIRS = 15
"""How often a start-up is measured beside its reference, turn about: single starts vary too much to mean anything."""

TYPER = """
import typer
{}
app = typer.Typer(add_completion=False)
@app.command()
def main() -> None:
    pass
app()
"""
"""A program of one empty command, that imports what the run in question cannot do without."""

READING = """
import sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1], read_only=True, data_only=True)
sum(cell is not None for row in book.active.iter_rows(values_only=True) for cell in row)
"""
"""The reference for an import: every cell of the file looked at once."""

PULL_IMPORTS = "import requests, sqlite3, dotenv, tenacity"
PUSH_IMPORTS = f"{PULL_IMPORTS}, gspread"


def start_up(launcher: Launcher) -> Iterator[Line]:
    """`--help`."""
    with _folder() as folder:
        yield _paired(launcher, folder, "--help", lambda: Cost(launcher.run(["-m", "amo2gsheet", "--help"], folder), 0, 0), "")


def idle_pull(launcher: Launcher) -> Iterator[Line]:
    """`pull` at rest."""
    with _shop(launcher, 100) as shop:
        shop.settle()
        yield _paired(launcher, shop.folder, "idle `pull`", lambda: shop.run("pull"), PULL_IMPORTS)


def idle_push(launcher: Launcher) -> Iterator[Line]:
    """`push` at rest over sheets of three sizes."""
    for rows in (100, 10_000):
        with _shop(launcher, rows) as shop:
            shop.settle()
            yield _paired(launcher, shop.folder, f"idle `push`, {rows:,} rows", lambda: shop.run("push"), PUSH_IMPORTS)


def pull(launcher: Launcher) -> Iterator[Line]:
    """New leads with a contact each, beside the loop; the longest loop would take hours at the clouds' limits."""
    for count in (1, 1000, 10_000):
        with _shop(launcher, 1) as shop:
            shop.settle()
            shop.add_leads(count)
            ours = shop.run("pull")
        theirs = _loop(launcher, count, "pull") if count <= 1000 else None
        yield _beside(f"`pull` of {count:,} new leads", ours, theirs)


def push(launcher: Launcher) -> Iterator[Line]:
    """Picked statuses, beside the loop."""
    for count in (1, 500, 5000):
        with _shop(launcher, count) as shop:
            shop.settle()
            shop.pick_for_all("У курера")
            ours = shop.run("push")
        theirs = _loop(launcher, count, "push") if count <= 500 else None
        yield _beside(f"`push` of {count:,} moves", ours, theirs)


def workbook(launcher: Launcher) -> Iterator[Line]:
    """10,000 rows of a workbook: sent, and looked at again; beside reading the file with nothing else."""
    with _folder() as folder, served(folder, launcher) as shop:
        shop.write_workbook(folder / "orders.xlsx", 10_000)
        reading = launcher.run(["-c", READING, "orders.xlsx"], folder)
        for name in ("`import-xlsx` of 10,000 rows", "… and the same once more"):
            cost = shop.run("import-xlsx", "orders.xlsx")
            ratio = cost.spent.cpu_seconds / reading.cpu_seconds
            yield Line(name, cost.spent, cost.amo_requests, cost.sheet_requests, "`openpyxl` reading the file", ratio)


def large(launcher: Launcher) -> Iterator[Line]:
    """100,000 leads: filled from nothing and killed on the way, then idle, then one new lead."""
    with _folder() as folder, served(folder, launcher) as shop:
        shop.add_leads(100_000)
        yield _line("backfill of 100,000, killed after 60 s", shop.run("pull", kill_after_seconds=60))
        yield _line("… and carried on to its end", shop.run("pull"))
        ids = shop.lead_ids()
        if len(ids) != len(set(ids)) or len(ids) != 100_000:
            raise RuntimeError(f"{len(ids)} rows of {len(set(ids))} leads")
        shop.settle()
        yield _paired(launcher, folder, "idle `push`, 100,000 rows", lambda: shop.run("push"), PUSH_IMPORTS, pairs=5)
        shop.add_leads(1)
        yield _line("`pull` of 1 new lead into 100,000 rows", shop.run("pull"))


def accounts(launcher: Launcher) -> Iterator[Line]:
    """50 accounts at rest, one after the other: `pull` and `push` of each."""
    with _folder() as folder, ExitStack() as stack:
        shops = [stack.enter_context(served(folder / str(number), launcher)) for number in range(50)]
        for shop in shops:
            shop.add_leads(10)
            shop.run("pull")
            shop.settle()
        costs = [shop.run(command) for shop in shops for command in ("pull", "push")]
        references = [_empty(launcher, folder, imports) for _ in shops for imports in (PULL_IMPORTS, PUSH_IMPORTS)]
    total = _total([cost.spent for cost in costs])
    yield Line(
        "50 accounts at rest, `pull` and `push` of each",
        total,
        sum(cost.amo_requests for cost in costs),
        sum(cost.sheet_requests for cost in costs),
        "100 empty programs",
        total.cpu_seconds / _total(references).cpu_seconds,
    )


CASES: dict[str, Case] = {
    "help": start_up,
    "idle-pull": idle_pull,
    "idle-push": idle_push,
    "pull": pull,
    "push": push,
    "import": workbook,
    "accounts": accounts,
    "large": large,
}


def _paired(launcher: Launcher, folder: Path, name: str, run: Callable[[], Cost], imports: str, pairs: int = PAIRS) -> Line:
    """Turn about with the empty program that imports the same; medians of both."""
    run()
    _empty(launcher, folder, imports)
    costs, references = [], []
    for _ in range(pairs):
        costs.append(run())
        references.append(_empty(launcher, folder, imports))
    ours, theirs = middle([cost.spent for cost in costs]), middle(references)
    last = costs[-1]
    reference = "empty Typer program" + (f", {imports}" if imports else "")
    return Line(name, ours, last.amo_requests, last.sheet_requests, reference, ours.cpu_seconds / theirs.cpu_seconds)


def _empty(launcher: Launcher, folder: Path, imports: str) -> Spent:
    spent = launcher.run(["-c", TYPER.format(imports)], folder)
    if spent.exit_code != 0:
        raise RuntimeError(f"the empty program failed: {spent.stderr}")
    return spent


def _loop(launcher: Launcher, count: int, direction: str) -> Cost:
    """The one-at-a-time loop in a shop of its own; `push` finds the rows that `pull` made."""
    with _folder() as folder, served(folder, launcher) as shop:
        shop.add_leads(count)
        first = shop.loop("pull")
        return first if direction == "pull" else shop.loop(direction)


def _beside(name: str, ours: Cost, theirs: Cost | None) -> Line:
    if theirs is None:
        return _line(name, ours)
    return Line(
        name,
        ours.spent,
        ours.amo_requests,
        ours.sheet_requests,
        f"one lead at a time: {theirs.requests:,} requests",
        ours.spent.cpu_seconds / theirs.spent.cpu_seconds,
        theirs.requests / ours.requests,
    )


def _line(name: str, cost: Cost) -> Line:
    return Line(name, cost.spent, cost.amo_requests, cost.sheet_requests)


def _total(runs: list[Spent]) -> Spent:
    last = runs[-1]
    return Spent(
        sum(run.cpu_seconds for run in runs),
        sum(run.wall_seconds for run in runs),
        max(run.peak_mib for run in runs),
        last.exit_code,
        last.stdout,
        last.stderr,
    )


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def _shop(launcher: Launcher, count: int) -> Iterator[BenchShop]:
    """A shop whose leads are all in the sheet."""
    with _folder() as folder, served(folder, launcher) as shop:
        shop.add_leads(count)
        shop.run("pull")
        yield shop
