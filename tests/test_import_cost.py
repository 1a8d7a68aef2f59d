"""What an import of 10,000 rows costs: requests, memory, and seconds of this machine."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from math import ceil
from pathlib import Path

import pytest

from amo2gsheet.exceptions import ExitCode
from tests.conftest import REPOSITORY
from tests.import_world import PRICE, ImportWorld, at, row

MIB = 1024 * 1024


def fill(world: ImportWorld, count: int) -> None:
    """A workbook of so many good rows, with the columns that people have."""
    world.account.add_lead_field("Регион", "select", ["Ташкент", "Самарканд"])
    world.write(
        *(
            {
                **row(number),
                "Контактный номер": f"+998 00 {number:07}",
                PRICE: f"{number} 000 сум",
                "Регион": "ташкент",
                "Дата заказа": at(2026, 3, 1),
                "Заказ №": number,
                "Количество 1": 2,
                "Продукт 1": "Чайник",
                "Адрес": f"ул. Мира, дом {number}",
            }
            for number in range(1, count + 1)
        )
    )


@pytest.mark.parametrize("branches", [0, 4], ids=["two pipelines", "six pipelines"])
@pytest.mark.parametrize("size", [7, 50])
def test_an_import_costs_one_request_a_batch_and_six(tmp_path: Path, size: int, branches: int) -> None:
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE=str(size))
    for number in range(branches):
        world.account.add_pipeline(f"Филиал {number}", ["Консультация", "Заказ без нумерации", "Отказ"])
    fill(world, 120)
    before = world.amo_wire.count

    outcome = world.run()

    assert (ExitCode.DONE, 120) == (outcome.exit_code, len(world.leads()))
    assert outcome.amo_requests == world.amo_wire.count - before <= ceil(120 / size) + 6
    assert 0 == world.sheets.count()


def test_an_import_with_nothing_to_send_costs_three_requests(tmp_path: Path) -> None:
    world = ImportWorld(tmp_path)
    fill(world, 20)
    world.run()

    assert 3 == world.run().amo_requests


def test_thousands_of_rows_stay_within_requests_memory_and_seconds(tmp_path: Path) -> None:
    assert_within_limits(tmp_path, 2000)


@pytest.mark.slow
def test_ten_thousand_rows_stay_within_requests_memory_and_seconds(tmp_path: Path) -> None:
    assert_within_limits(tmp_path, 10_000)


def assert_within_limits(folder: Path, count: int) -> None:
    """Import in a process of its own, whose memory is what the import took; the sandbox with all its leads is in it, too."""
    command = [sys.executable, "-m", "tests.test_import_cost", str(folder), str(count)]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    told = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True).stdout
    sys.stdout.write(f"{count} rows\n{told}")
    figures = {name: float(value) for name, value in (line.split(": ") for line in told.splitlines())}

    assert figures["requests"] <= ceil(count / 50) + 6
    assert figures["MiB"] < 400
    assert figures["CPU seconds to check"] < 1.5 * count / 1000


def _measure(folder: Path, count: int) -> None:
    world = ImportWorld(folder)
    world.amo_wire.log_limit = 10
    fill(world, count)
    started = time.process_time()
    dry = world.run(is_dry=True)
    checked = time.process_time()
    real = world.run()
    sent = time.process_time()
    again = world.run()
    told = time.process_time()
    if not (dry.counts["new_leads"] == real.counts["new_leads"] == again.counts["sent_before"] == len(world.leads()) == count):
        raise SystemExit("not every row is one lead")
    figures = {
        "requests": real.amo_requests,
        "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // MIB,
        "CPU seconds to check": round(checked - started, 1),
        "CPU seconds to send": round(sent - checked, 1),
        "CPU seconds to find nothing new": round(told - sent, 1),
    }
    sys.stdout.writelines(f"{name}: {value}\n" for name, value in figures.items())


if __name__ == "__main__":
    _measure(Path(sys.argv[1]), int(sys.argv[2]))
