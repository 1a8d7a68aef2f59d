"""How the demo looks: wrapped text and tables, with lines and colours on a terminal, plain in a pipe. Knows no story."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from io import StringIO

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH = 80
_PLAIN_LINES = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


class Teller:
    """Gives each piece to `write` as soon as it is told, never wider than 80 columns unless a line of a command is."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._is_after_blank = True
        self._is_terminal = sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"

    def chapter(self, title: str) -> None:
        """Begin a new part of the story."""
        self._blank()
        self._show(Text(title, style="bold green"))

    def say(self, *sentences: str) -> None:
        """Say something in whole sentences, as one paragraph."""
        self._show(Text(" ".join(sentences)))

    def command(self, text: str) -> None:
        """Show a command as it is typed."""
        self._blank()
        self._show(Text(f"$ {text}", style="bold cyan"))

    def output(self, text: str) -> None:
        """Show what a command said, as it said it."""
        for line in text.splitlines():
            self._show(Padding(Text(line, style="dim"), (0, 0, 0, 2)))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table."""
        lines = box.SIMPLE_HEAD if self._is_terminal else _PLAIN_LINES
        table = Table(box=lines, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 1, 0, 0))
        for name in header:
            table.add_column(Text(name))
        for row in rows:
            table.add_row(*map(Text, row))
        self._blank()
        self._show(Padding(table, (0, 0, 0, 2)))
        self._blank()

    def _blank(self) -> None:
        """Leave one line free, not two."""
        if not self._is_after_blank:
            self._write("")
        self._is_after_blank = True

    def _show(self, piece: RenderableType) -> None:
        page = StringIO()
        colour = self._is_terminal and not os.environ.get("NO_COLOR")
        console = Console(
            file=page,
            width=WIDTH,
            force_terminal=self._is_terminal,
            color_system="standard" if colour else None,
            legacy_windows=False,
        )
        console.print(piece)
        # Blanks up to the edge are rich's way of filling a line; in a file they would be in the way.
        self._is_after_blank = False
        self._write("\n".join(line.rstrip() for line in page.getvalue().splitlines()))
