"""`import-xlsx` as it is typed: what it prints where, and how the process ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet import commands
from amo2gsheet.cli import run
from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Manner, where
from amo2gsheet.xlsx import read_workbook
from tests.import_world import PRICE, ImportWorld, row

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImportWorld:
    world = ImportWorld(tmp_path, IMPORT_BATCH_SIZE="2")
    monkeypatch.setattr(commands.Outside, "real", lambda: world.outside)
    return world


def typed(world: ImportWorld, *arguments: str) -> int:
    """Type `amo2gsheet import-xlsx …` in the folder of the workbook."""
    world.clock.advance(60)
    return run(["--env-file", str(world.folder / ".env"), "import-xlsx", *arguments], {})


def test_an_import_says_what_became_of_the_rows_on_stderr(world: ImportWorld, capsys: Captured) -> None:
    world.write(row(1), row(2, **{PRICE: "?"}), row(3, **{PRICE: "?"}), row(4))

    code = typed(world, "orders.xlsx")

    told = capsys.readouterr()
    ids = [lead.id for lead in world.leads()]
    assert [
        f"import-xlsx: row 2 → lead {ids[0]}",
        f"import-xlsx: row 5 → lead {ids[1]}",
        'warning: import-xlsx: rows 3–4: column "Бюджет сделки": "?" is no number',
        'import-xlsx: what became of each row stands in "orders.result.xlsx"',
    ] == told.err.splitlines()[:4]
    assert told.err.splitlines()[4].startswith("import-xlsx done: tag 'orders', 4 rows, 2 new leads, 2 bad, 7 requests, ")
    assert (ExitCode.PARTIAL, "") == (code, told.out)


def test_a_dry_run_answers_on_stdout(world: ImportWorld, capsys: Captured) -> None:
    world.write(row(1), row(2), row(3, **{PRICE: "?"}), row(4))

    assert ExitCode.PARTIAL == typed(world, "orders.xlsx", "--dry-run")

    assert [
        'rows 2–3, 5: 3 new leads in "Farida - Sotuv Demo", stage "NOMERATSIYALANMAGAN ZAKAZ"',
        "left out:",
        '- row 4: column "Бюджет сделки": "?" is no number',
    ] == capsys.readouterr().out.splitlines()[:3]


def test_rows_sent_before_are_listed_with_lead_and_date(world: ImportWorld, capsys: Captured) -> None:
    world.write(row(1))
    typed(world, "orders.xlsx")
    capsys.readouterr()

    assert ExitCode.DONE == typed(world, "orders.xlsx", "--dry-run")

    assert f"row 2: sent on 21.09.2026 as lead {world.leads()[0].id}" == capsys.readouterr().out.splitlines()[0]


def document(capsys: Captured) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_object_of_json_holds_every_row(world: ImportWorld, capsys: Captured) -> None:
    world.write(row(1), row(2, **{PRICE: "1,200"}))

    assert ExitCode.PARTIAL == typed(world, "orders.xlsx", "--json")

    told = document(capsys)
    assert (1, "import-xlsx", 3, None) == (told["version"], told["command"], told["exit_code"], told["error"])
    assert (2, 1, 1, "orders", False) == (told["rows"], told["new_leads"], told["bad"], told["tag"], told["dry_run"])
    assert ["new", "bad"] == [one["fate"] for one in told["results"]]
    problem = {"column": PRICE, "value": "1,200", "reason": "can mean two numbers", "nearest": "1200 or 1,2"}
    assert [problem] == told["results"][1]["problems"]


def test_an_import_that_amocrm_ended_still_tells_of_every_row(world: ImportWorld, capsys: Captured) -> None:
    world.write(*map(row, range(1, 5)))
    world.amo_wire.rule = where(
        lambda request: request.method == "POST" and world.posts() > 1, Fault(Manner.REFUSED, answers.json_402_amo())
    )

    assert ExitCode.UNAVAILABLE == typed(world, "orders.xlsx", "--json")

    told = capsys.readouterr()
    assert ["new", "new", "not_sent", "not_sent"] == [one["fate"] for one in json.loads(told.out)["results"]]
    assert "402" in json.loads(told.out)["error"]["message"]
    assert "error: amoCRM answered POST /api/v4/leads/complex with 402." in told.err
    assert "import-xlsx incomplete: tag 'orders', 4 rows, 2 new leads, 2 not sent" in told.err
    assert 4 == len(read_workbook(world.folder / "orders.result.xlsx").rows) - 1


def test_rows_left_out_for_one_reason_are_told_in_one_line(world: ImportWorld, capsys: Captured) -> None:
    world.write(*map(row, range(1, 4)))
    world.amo.knobs.refuse_new = {"Клиент 1": "unnamed", "Клиент 2": "unnamed"}

    assert ExitCode.PARTIAL == typed(world, "orders.xlsx")

    told = capsys.readouterr()
    assert 1 == (told.out + told.err).count("rows 2–3: amoCRM refused it")


def test_an_import_held_back_says_what_to_type(world: ImportWorld, capsys: Captured) -> None:
    world.lead("Давно", tags=["orders"])
    world.write(row(1))

    assert ExitCode.HELD_BACK == typed(world, "orders.xlsx")

    told = capsys.readouterr().err
    assert 'error: import-xlsx held back: amoCRM knows the tag "orders" already' in told
    assert ("`--tag`" in told, "`--again`" in told, 1) == (True, True, len(world.leads()))
    assert ExitCode.DONE == typed(world, "orders.xlsx", "--again")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["none.xlsx"], ExitCode.UNUSABLE_SHEET),
        ([".env"], ExitCode.UNUSABLE_SHEET),
        (["orders.xlsx", "--sheet", "Май"], ExitCode.UNUSABLE_SHEET),
        (["orders.xlsx", "--tag", " "], ExitCode.USAGE),
        (["orders.xlsx", "--result", "orders.xlsx"], ExitCode.USAGE),
        ([], ExitCode.USAGE),
    ],
)
def test_what_cannot_be_imported_is_said_in_json_too(
    world: ImportWorld, capsys: Captured, arguments: list[str], code: ExitCode
) -> None:
    world.write(row(1))

    assert code == typed(world, *arguments, "--json")

    told = document(capsys)
    assert ("import-xlsx", code, True) == (told["command"], told["exit_code"], bool(told["error"]["message"]))
    assert [] == world.leads()


def test_every_option_reaches_the_import(world: ImportWorld, capsys: Captured) -> None:
    world.write(row(1))
    typed(world, "orders.xlsx", "--tag", "Март", "--sheet", "Sheet", "--result", "done.xlsx")
    world.write(row(1, **{PRICE: 5}))

    assert ExitCode.DONE == typed(world, "orders.xlsx", "--tag", "Март", "--result", "done.xlsx", "--send-changed")

    assert [1000, 5] == [lead.price for lead in world.leads()]
    assert {"Март"} == {tag.name for tag in world.account.tags.values()}
    assert (world.folder / "done.xlsx").exists()
    assert not (world.folder / "orders.result.xlsx").exists()
