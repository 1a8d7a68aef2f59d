"""The sandbox kept running, for people to try the commands by hand: both clouds, a page, and a settings file for them."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.page import Page
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID
from amo2gsheet.sandbox.shop import Shop

STATE_NAME = ".sandbox.sqlite3"
TOKENS_NAME = ".amo_tokens.sandbox.json"
"""Names of their own: they are thrown away at each start, so they must never be those of a real account."""

_TOKEN_DAYS = 365
_LOG_LIMIT = 100
_HIGHEST_PORT = 65_533


def _until_stopped() -> None:
    threading.Event().wait()


class CannotStartError(Exception):
    """The sandbox did not start: a port or a file is not to be had. The text says which."""


def run_sandbox(directory: Path, port: int, write: Callable[[str], None], wait: Callable[[], None] = _until_stopped) -> int:
    """Serve until `wait` ends or a signal comes: the page at `port`, amoCRM one above, Sheets two above; 0 takes free ports.

    The settings file and the key (both 0600) are written anew. What earlier runs remembered in this folder is thrown away:
    it belongs to leads and rows that are no more.

    Raises:
        CannotStartError: a port is taken, the folder cannot be written, or its `.env` is not the sandbox's own.
    """
    if port > _HIGHEST_PORT:
        raise CannotStartError(f"Port {port} leaves no room for the two ports above it.")
    shop = Shop()
    shop.take_orders()
    server = SandboxServer(Faulty(shop.amo, log_limit=_LOG_LIMIT), Faulty(shop.sheets, log_limit=_LOG_LIMIT), port and port + 1)
    with ExitStack() as stack:
        try:
            stack.enter_context(server)
            shop.move_to(server.amo_url, server.sheets_url)
            env_file = _write_files(directory, shop, server)
            commands = _commands(env_file)
            page_url = server.serve(Page(shop, commands), port)
        except OSError as error:
            raise CannotStartError(_reason(error, directory, port)) from error
        write(_welcome(page_url, server, env_file, commands))
        if sys.stdout is not None:
            sys.stdout.flush()
        wait()
    return 0


def _reason(error: OSError, directory: Path, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"One of the ports {port} to {port + 2} is taken."
    if error.errno is None:
        return str(error)
    if error.filename is None:
        return f"The ports {port} to {port + 2} cannot be used: {error.strerror}."
    return f'The folder "{directory}" cannot be used: {error.strerror}.'


def _write_files(directory: Path, shop: Shop, server: SandboxServer) -> Path:
    env_file = server.write_env(
        directory,
        access_token=shop.amo.oauth.long_lived_token(_TOKEN_DAYS),
        spreadsheet_id=SPREADSHEET_ID,
        settings={**shop.settings, "STATE_DB": STATE_NAME, "AMO_TOKEN_STORE": TOKENS_NAME, "PUSH_SETTLE_SEC": "1"},
        others={
            "AMO_CLIENT_ID": shop.amo.oauth.client_id,
            "AMO_CLIENT_SECRET": shop.amo.oauth.client_secret,
            "AMO_REDIRECT_URI": shop.amo.oauth.redirect_uri,
        },
    )
    for name in (STATE_NAME, TOKENS_NAME):
        for left_over in directory.glob(f"{name}*"):
            left_over.unlink()
    return env_file


def _commands(env_file: Path) -> tuple[str, ...]:
    """The commands to try, as they can be pasted into another terminal in the same folder."""
    name = Path(sys.argv[0]).name
    program = [sys.argv[0]] if name == "amo2gsheet" else [sys.executable, "-m", "amo2gsheet"]
    start = shlex.join([*program, "--env-file", str(env_file)])
    return tuple(f"{start} {command}" for command in ("auth", "inspect", "pull --dry-run", "pull", "push", "status"))


def _welcome(page_url: str, server: SandboxServer, env_file: Path, commands: tuple[str, ...]) -> str:
    lines = [
        "The sandbox is running, for this machine only. Ctrl-C ends it, and what it holds is gone then.",
        "",
        f"  page           {page_url}/",
        f"  amoCRM         {server.amo_url}",
        f"  Google Sheets  {server.sheets_url}",
        f"  settings       {env_file}",
        "",
        "Open the page in a browser. Then type these in another terminal, in this folder:",
        "",
        *(f"  {command}" for command in commands),
    ]
    if strangers := sorted(name for name in os.environ if name.startswith(("AMO_", "GOOGLE_SHEET", "GOOGLE_SERVICE"))):
        lines += ["", f"Unset these first, for the environment wins over the settings file: {', '.join(strangers)}"]
    return "\n".join(lines)
