"""How the options of the program itself, and those of what runs each minute, are read. Knows none of them by name."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption


class PlainOption(TyperOption):
    """An option whose value is taken as the command line gives it: a text, or whether it was given.

    Typer 0.29 reads every option with pydantic, given or not, `--help` too, and loading that takes longer than loading Typer
    itself: a timer would pay for it each minute. Older releases read texts and flags in the same way as this.
    """

    def process_value(self, ctx: Any, value: Any) -> Any:
        """Take the value; None stays None."""
        return value if self.callback is None else self.callback(ctx, self, value)


def _plain(option: Any) -> Any:
    if isinstance(option, TyperOption):
        option.__class__ = PlainOption
    return option


class PlainCommand(TyperCommand):
    """A command all of whose options are flags."""

    def get_help_option(self, ctx: Any) -> Any:
        """The option that shows the help."""
        return _plain(super().get_help_option(ctx))


class PlainGroup(TyperGroup):
    """The program and its commands; its own options are flags and texts."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        for option in self.params:
            _plain(option)

    def get_help_option(self, ctx: Any) -> Any:
        """The option that shows the help."""
        return _plain(super().get_help_option(ctx))
