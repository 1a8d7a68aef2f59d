"""How the program's own options are read: the text of each as it stands. Knows none of them by name."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup, TyperOption


class TextOption(TyperOption):
    """An option whose text is its value.

    Typer 0.29 reads every option with pydantic, given or not, and loading that takes as long as loading Typer itself: a
    timer would pay for it each minute. Older releases read texts in the same way as this.
    """

    def process_value(self, ctx: Any, value: Any) -> Any:
        """Take the text; None stays None."""
        return value


class PlainGroup(TyperGroup):
    """The program and its commands; its own options with a value are texts."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        for option in self.params:
            if isinstance(option, TyperOption) and not option.is_flag:
                option.__class__ = TextOption
