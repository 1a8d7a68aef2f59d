"""One start of the program: its settings, its log, and how it is told how a run ended. Decides no exit code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from amo2gsheet import cli_report, output
from amo2gsheet.cli_endings import CommandLine, Ending
from amo2gsheet.cli_signals import SignalWatch
from amo2gsheet.exceptions import AmoGsheetError
from amo2gsheet.output_logs import StderrHandler, bind
from amo2gsheet.output_secrets import register_secret

if TYPE_CHECKING:
    from amo2gsheet.commands import Options, Outcome
    from amo2gsheet.commands_health import Answer
    from amo2gsheet.config import Settings

logger = logging.getLogger(__name__)


class Session:
    """What the commands share; Typer carries it to them. `environ` is None for the environment of this process."""

    def __init__(self, line: CommandLine, handler: StderrHandler, watch: SignalWatch, environ: Mapping[str, str] | None) -> None:
        self.line = line
        self.environ = environ
        self.env_file: Path | None = None
        self._handler = handler
        self._watch = watch
        self._reached: Outcome | None = None

    def choose(self, env_file: Path | None, log_format: str, level: int) -> None:
        """Take over the global options."""
        self.env_file = env_file
        self._handler.choose(log_format, level)
        bind(command=self.line.command)

    def settings(self) -> Settings:
        """Read the settings, make their secrets known to the log, and say what a person should mend in the file.

        Raises:
            SettingsError: a setting is missing or wrong.
        """
        from amo2gsheet.config import load_settings

        return self._made_known(load_settings(self.env_file, self.environ))

    def state_settings(self) -> Settings:
        """The same for a command that asks no cloud, so that it needs no login and no spreadsheet."""
        from amo2gsheet.config import Needs, load_settings

        return self._made_known(load_settings(self.env_file, self.environ, needs=Needs.STATE))

    def amo_settings(self) -> Settings:
        """The same for a command that can do without a spreadsheet."""
        from amo2gsheet.config import Needs, load_settings

        return self._made_known(load_settings(self.env_file, self.environ, needs=Needs.AMO))

    def _made_known(self, settings: Settings) -> Settings:
        for secret in (
            settings.amo_client_secret,
            settings.amo_auth_code,
            settings.long_lived_token,
            settings.old_access_token,
            settings.old_refresh_token,
            settings.heartbeat_url,
        ):
            register_secret(secret)
        for warning in settings.warnings:
            logger.warning("%s", warning, extra={"event": "settings"})
        return settings

    def uninterrupted(self) -> AbstractContextManager[None]:
        """Inside, a signal waits for the end of what must not be cut in two."""
        return self._watch.postponed()

    def disarm(self) -> None:
        """What is done is done: a signal that comes now must not cut the answer in two."""
        self._watch.disarm()

    def say_waiting(self) -> None:
        """Say why nothing happens for a while."""
        logger.info("%s: waiting for another run to end", self.line.command, extra={"event": "waiting"})

    def note_end(self, outcome: Outcome) -> None:
        """Remember how far a run came, for the case that it failed on its way."""
        self._reached = outcome

    def tell(self, outcome: Outcome, options: Options) -> int:
        """Show how a run ended, the answer on stdout, what happened on stderr; returns its exit code."""
        self.disarm()
        if not outcome.is_dry:
            _log_end(outcome, options)
        if self.line.is_json:
            output.write_json(cli_report.outcome_document(outcome))
        elif outcome.is_dry:
            for text in cli_report.dry_run_lines(outcome, options):
                output.write(output.printable(text))
        return int(outcome.exit_code)

    def answer(self, answer: Answer) -> int:
        """Show what was asked for on stdout; returns its exit code."""
        if self.line.is_json:
            begin = cli_report.document(self.line.command, answer.exit_code, None)
            output.write_json({**begin, **answer.document})
        else:
            for text in answer.lines:
                output.write(output.printable(text))
        return int(answer.exit_code)

    def tell_ending(self, ending: Ending) -> int:
        """Show why the program ended early; returns its exit code."""
        if ending.message:
            figures = {} if self._reached is None else cli_report.figures(self._reached)
            _log_ending(ending, figures)
            if self.line.is_json:
                error: dict[str, object] = {"message": ending.message, "hint": ending.hint, "problems": ending.problems}
                with suppress(AmoGsheetError):  # the log has said already how it ended, and with what code
                    output.write_json({**cli_report.document(self.line.command, ending.exit_code, error), **figures})
        return int(ending.exit_code)


def _log_end(outcome: Outcome, options: Options) -> None:
    if outcome.report.held:
        told = {"event": "held back", "hint": cli_report.held_hint(outcome), "problems": outcome.report.held[1:]}
        logger.error("%s", cli_report.held_message(outcome), extra=told)
    figures = {
        "event": "run ended",
        "exit_code": int(outcome.exit_code),
        **cli_report.figures(outcome),
        "named": len(outcome.report.named),
    }
    level = logging.WARNING if cli_report.is_serious(outcome) else logging.INFO
    logger.log(level, "%s", cli_report.summary(outcome, options), extra=figures)


def _log_ending(ending: Ending, figures: Mapping[str, object]) -> None:
    told = {
        "event": "stopped" if ending.is_stop else "failed",
        "exit_code": int(ending.exit_code),
        **figures,
        "hint": ending.hint,
        "problems": ending.problems,
    }
    level = logging.WARNING if ending.is_stop else logging.ERROR
    logger.log(level, "%s", ending.message, exc_info=ending.bug, extra=told)
