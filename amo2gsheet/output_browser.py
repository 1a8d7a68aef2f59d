"""Opens a page in the person's browser, where there is one that they would see."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a browser would show on the screen of who types: not over SSH, and on Linux not without a display."""
    if any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")):
        return False
    return platform == "darwin" or any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_page(address: str) -> bool:
    """Open the page; False where there is no browser, or it could not be started."""
    if not has_browser(os.environ, sys.platform):
        return False
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
