"""The README's guide, followed word for word against the sandbox: what it says to type leads to a filled sheet."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PROGRAM = [sys.executable, "-m", "amo2gsheet"]
LIMIT = 120.0


def environment() -> dict[str, str]:
    """The environment of this test, without the settings of the person who runs it."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}


def commands(step: str) -> list[list[str]]:
    """The commands of a step of the guide, as arguments of the program."""
    (block,) = re.findall(rf"<!-- guide: {step} -->\s*```sh\n(.*?)\n```", README, re.DOTALL)
    lines = [shlex.split(line) for line in block.splitlines()]
    assert all(line[0] == ".venv/bin/amo2gsheet" for line in lines)
    return [line[1:] for line in lines]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A running sandbox: the folder with its `.env`, and the address of its page."""
    with subprocess.Popen(
        [*PROGRAM, "sandbox"], stdout=subprocess.PIPE, encoding="utf-8", env=environment(), cwd=tmp_path
    ) as running:
        assert running.stdout is not None
        page_url = next(line.split()[1] for line in running.stdout if line.startswith("  page "))
        try:
            yield tmp_path / "amo2gsheet-sandbox", page_url
        finally:
            running.send_signal(signal.SIGINT)
            running.stdout.read()


def typed(folder: Path, step: str, answer: str = "") -> str:
    """Type a step's commands; each must end well. Returns all that was said."""
    said = ""
    for arguments in commands(step):
        ended = subprocess.run(
            [*PROGRAM, *arguments],
            cwd=folder,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            input=answer,
            timeout=LIMIT,
        )
        assert ended.returncode == 0, ended.stderr
        said += ended.stdout + ended.stderr
    return said


def shown_ids(page_url: str) -> list[str]:
    page = requests.get(page_url, timeout=LIMIT).text
    return sorted(re.findall(r'name="text" value="(47\d\d)"', page))


def test_the_guide_leads_to_a_filled_sheet(sandbox: tuple[Path, str]) -> None:
    folder, page_url = sandbox

    assert "All is ready." in typed(folder, "log in")
    looked = typed(folder, "look")
    assert "NOMERATSIYALANMAGAN ZAKAZ" in looked
    assert "LEADS_CREATED_AFTER='" in looked
    typed(folder, "run")
    assert ["4711", "4712", "4713", "4714"] == shown_ids(page_url)
    typed(folder, "push")


def test_the_guide_with_a_consent_leads_there_too(sandbox: tuple[Path, str]) -> None:
    """The address is printed, allowed in a browser, and the address at which that ends is given later."""
    folder, page_url = sandbox
    settings = folder / ".env"
    lines = [line for line in settings.read_text("utf-8").splitlines() if not line.startswith("AMO_LONG_LIVED_TOKEN")]
    settings.write_text("\n".join(line.removeprefix("# ") if line.startswith("# AMO_") else line for line in lines), "utf-8")
    (login,) = commands("log in")
    asked = subprocess.run(
        [*PROGRAM, *login], cwd=folder, env=environment(), capture_output=True, encoding="utf-8", input="", timeout=LIMIT
    )
    (address,) = [line.strip() for line in asked.stdout.splitlines() if "/oauth?" in line]
    ended_at = requests.get(f"{address}&answer=allow", timeout=LIMIT, allow_redirects=False).headers["Location"]
    given = subprocess.run(
        [*PROGRAM, *login, "--code", ended_at],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT,
    )

    assert (2, 0) == (asked.returncode, given.returncode), given.stderr
    assert "All is ready." in given.stdout
    typed(folder, "run")
    assert ["4711", "4712", "4713", "4714"] == shown_ids(page_url)
