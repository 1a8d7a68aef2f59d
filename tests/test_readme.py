"""The README against the program: nothing that can be typed or set is missing, and nothing is promised that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from amo2gsheet.cli import app
from amo2gsheet.config_table import OLD_SPELLINGS, OLD_TOKENS, SETTINGS, UNUSED
from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sync.waiting import SYNC_TEXTS
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
GROUP: Any = typer.main.get_command(app)

NOT_YET_USED: set[str] = set()
"""Settings that are read and checked, while what needs them is still to come."""

NO_SETTINGS = {"LICENSE", "NOMERATSIYALANMAGAN", "SEED", "SIGTERM", "COMMAND", "OPTIONS", "OTKAZ", "FILE", "DIR", "JSON", "POST"}
"""Words in capitals that are none."""


OF_THE_UNITS = {"CREDENTIALS_DIRECTORY", "MAX_AGE"}
"""Variables that systemd and its units set."""


OF_THE_OLD_SERVICE = {*OLD_SPELLINGS.values(), *UNUSED, *(setting.name for setting in OLD_TOKENS)}
"""What only the old service's settings file has."""


def section(title: str) -> str:
    """What stands below a heading, up to the next one of its kind."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the README has no heading {title}"
    return found[2]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the tables in a text, cell by cell."""
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def names_in_first_cells(text: str) -> list[str]:
    return [name for row in rows(text) for name in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize("mark", ["demo", "tests"])
def test_each_promise_is_one_command_below_its_mark(mark: str) -> None:
    (block,) = re.findall(rf"<!-- {mark} -->\s*```\w*\n(.*?)\n```", README, re.DOTALL)

    assert "\n" not in block.strip()


def test_every_command_has_its_line_and_no_other_is_named() -> None:
    commands = set(GROUP.commands)
    listed = names_in_first_cells(section("Commands").partition("Options of every command")[0])
    named = set(re.findall(r"amo2gsheet (?:-\w |--[\w-]+ )*([a-z][\w-]*)", " ".join(re.findall(r"`([^`\n]+)`", README))))

    assert commands == set(listed)
    assert set() == named - commands


def test_every_option_has_its_line_and_no_other_is_listed() -> None:
    everywhere = GROUP.make_context("amo2gsheet", [], resilient_parsing=True)
    given = {option for parameter in GROUP.get_params(everywhere) for option in parameter.opts}
    given |= {option for command in GROUP.commands.values() for parameter in command.params for option in parameter.opts}
    given = {option for option in given if option.startswith("-")}  # arguments stand in the examples
    listed = {
        word for text in names_in_first_cells(section("Commands")) for word in re.findall(r"(?<![\w-])--?[a-z][\w-]*", text)
    }

    assert given == listed


def test_every_exit_code_has_its_line() -> None:
    listed = [int(row[0]) for row in rows(section("Exit codes")) if row[0].isdigit()]

    assert [int(code) for code in ExitCode] == listed


def test_every_exit_code_says_what_to_do() -> None:
    wanted = [row[0] for row in rows(section("Exit codes")) if row[0].isdigit() and (len(row) != 3 or not row[2])]

    assert [] == wanted


def test_everything_that_the_old_service_had_is_found_again() -> None:
    chapter = section("Coming from the old service")
    files = {".amo_tokens.json", ".sync_state.json", "gsheet.json"}
    had = {*OF_THE_OLD_SERVICE, *files, "/health", "PIPELINE_ID", "LEADS_CREATED_AFTER", "DROPDOWN_STATUS_MAP_JSON"}

    assert [] == sorted(name for name in had if f"`{name}`" not in chapter)


def test_every_setting_has_its_line_with_its_default() -> None:
    table = {name: row for row in rows(section("Settings")) for name in re.findall(r"`([A-Z_]+)`", row[0])}
    defaults = {setting.name: f"`{setting.default}`" for setting in SETTINGS if setting.default and setting.name in table}

    assert {setting.name for setting in SETTINGS} - NOT_YET_USED == set(table)
    assert defaults == {name: table[name][1] for name in defaults}


def test_a_setting_that_nothing_uses_yet_is_named_as_such() -> None:
    paragraph = section("Settings").partition("nothing in this version uses them yet:")[2]

    assert set(re.findall(r"`([A-Z_]+)`", paragraph)) == NOT_YET_USED


def test_no_setting_is_named_that_the_program_does_not_know() -> None:
    named = set(re.findall(r"\b[A-Z][A-Z_]*_[A-Z_]+\b", README))
    placeholders = {parameter.metavar for command in GROUP.commands.values() for parameter in command.params}

    assert set() == named - {setting.name for setting in SETTINGS} - placeholders - OF_THE_UNITS - OF_THE_OLD_SERVICE


def test_every_text_of_the_column_that_says_why_a_row_waits_is_explained() -> None:
    explained = section("The sheet").replace("Отказ", "{detail}").replace("…", "{detail}")

    assert [] == [text for text in SYNC_TEXTS.values() if f"`{text}`" not in explained]


def test_no_line_is_longer_than_the_code_allows() -> None:
    outside_tables = [line for line in README.splitlines() if not line.startswith("|")]

    assert [] == [line for line in outside_tables if len(line) > 130]
