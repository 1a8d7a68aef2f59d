"""Opens a page in the person's browser, where there is one that they would see."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping

START_SECONDS = 2.0
"""How long a browser may take to fail. One that is still at work then was opened, though it may stay in the foreground."""


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a browser would show on the screen of who types: one that `BROWSER` names, or on a display that is not over SSH."""
    return bool(environ.get("BROWSER")) or _has_screen(environ, platform)


def open_page(address: str) -> bool:
    """Open the page; False where there is no browser, or it could not be started.

    A browser in the foreground goes on beside us: it may be waiting for the page that is shown when it comes back.
    """
    if not has_browser(os.environ, sys.platform):
        return False
    answers: list[bool] = []
    # It must not keep the process alive: who closes a terminal browser late is no longer asked anything.
    opening = threading.Thread(target=lambda: answers.append(_was_opened(address)), name="browser", daemon=True)
    opening.start()
    opening.join(START_SECONDS)
    return answers[0] if answers else True


def _has_screen(environ: Mapping[str, str], platform: str) -> bool:
    if any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")):
        return False
    return platform == "darwin" or any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _was_opened(address: str) -> bool:
    if _has_screen(os.environ, sys.platform):
        return _try(None, address)
    # Only these: without a screen the library would go on to browsers that take over the terminal.
    return any(_try(name, address) for name in os.environ.get("BROWSER", "").split(os.pathsep) if name)


def _try(name: str | None, address: str) -> bool:
    try:
        return webbrowser.open(address) if name is None else webbrowser.get(name).open(address)
    except webbrowser.Error:
        return False
