"""What `--force` accepts, and what a dry run tells of it: an emptied, a missing, another tab."""

from __future__ import annotations

from pathlib import Path

from amo2gsheet.exceptions import ExitCode
from tests.world import World


def test_a_dry_run_tells_the_rows_of_a_tab_that_has_yet_to_be_made(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    lead = world.lead("Анна")

    outcome = world.pull(dry=True)

    plan = ['make the header of tab "Заказы"', f'new row: lead {lead}, статус "В процессе"']
    assert (ExitCode.DONE, plan) == (outcome.exit_code, outcome.report.plan)
