"""The command line: options → one command function → exit code. The only place where an error ends the program."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from amo2gsheet import __version__, cli_help, cli_report, output
from amo2gsheet.cli_endings import CommandLine, Ending
from amo2gsheet.cli_options import PlainCommand, PlainGroup
from amo2gsheet.cli_session import Session
from amo2gsheet.cli_signals import SIGNALS, SignalWatch
from amo2gsheet.exceptions import ExitCode, UsageError
from amo2gsheet.output_logs import StderrHandler

app = typer.Typer(
    name="amo2gsheet",
    cls=PlainGroup,
    help=cli_help.PROGRAM,
    epilog=cli_help.EXIT_CODES,
    add_completion=False,
    # Older Typer shows local variables in its tracebacks, tokens among them.
    pretty_exceptions_enable=False,
    # Loading rich would double what `--help` costs.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


LOG_FORMATS = ("text", "json")


DEFAULT_MAX_AGE = "30m"
"""Twice what the longest run takes."""


def _show_version(is_asked: bool) -> None:
    if is_asked:
        output.write(f"amo2gsheet {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    env_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Settings file; without it, `.env` in the current folder.")
    ] = None,
    log_format: Annotated[
        str, typer.Option(metavar="[text|json]", help="How stderr is written: for people or for programs.")
    ] = LOG_FORMATS[0],
    is_verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also log each request.")] = False,
    is_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log only what a person should look at.")] = False,
    is_version_asked: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if is_verbose and is_quiet:
        raise UsageError("`--verbose` and `--quiet` exclude each other.")
    if log_format not in LOG_FORMATS:
        allowed = " or ".join(f"'{name}'" for name in LOG_FORMATS)
        raise UsageError(f"`--log-format` is {allowed}, not '{log_format}'.", "`amo2gsheet --help` explains the options.")
    level = logging.DEBUG if is_verbose else logging.WARNING if is_quiet else logging.INFO
    _session(context).choose(None if env_file is None else Path(env_file), log_format, level)


def _session(context: typer.Context) -> Session:
    session: Session = context.obj
    return session


DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and write nothing on either side.")]
# Typer only has to know this one: the session has seen it already, for errors that come before a command is understood.
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]


@app.command("auth", help=cli_help.AUTH, short_help=cli_help.SHORT["auth"])
def _auth(
    context: typer.Context,
    code: Annotated[
        str | None, typer.Option(metavar="URL_OR_CODE", help="The address at which the browser ended, or the bare code.")
    ] = None,
) -> int:
    if code is not None and not code.strip():
        raise UsageError("`--code` is empty.", "`amo2gsheet auth` alone prints the address to open.")
    settings = _session(context).settings()
    from amo2gsheet import commands, commands_auth
    from amo2gsheet.cli_prompt import terminal

    commands_auth.run_auth(settings, code or "", commands.Outside.real(), terminal())
    return ExitCode.DONE


@app.command("inspect", help=cli_help.INSPECT, short_help=cli_help.SHORT["inspect"])
def _inspect(
    context: typer.Context,
    lead_id: Annotated[int | None, typer.Option("--lead", min=1, metavar="ID", help="Show this lead whole.")] = None,
    leads: Annotated[int | None, typer.Option("--leads", min=1, max=250, metavar="N", help="Show the newest N leads.")] = None,
    has_users: Annotated[bool, typer.Option("--users", help="Show the users too.")] = False,
    is_json: Json = False,
) -> int:
    session = _session(context)
    settings = session.amo_settings()
    from amo2gsheet import commands, commands_inspect, output_inspect

    wanted = commands_inspect.Wanted(lead_id or 0, leads or 0, has_users)
    inspection = commands_inspect.run_inspect(settings, wanted, commands.Outside.real())
    code = ExitCode.PARTIAL if inspection.unread else ExitCode.DONE
    if session.line.is_json:
        output.write_json({**cli_report.document("inspect", code, None), **output_inspect.document(inspection)})
    else:
        output.write(output_inspect.tables(inspection, sys.stdout))
    return code


@app.command("pull", cls=PlainCommand, help=cli_help.PULL, short_help=cli_help.SHORT["pull"])
def _pull(
    context: typer.Context,
    is_full: Annotated[bool, typer.Option("--full", help="Compare every tracked lead, and put right what drifted.")] = False,
    is_dry: DryRun = False,
    is_forced: Annotated[
        bool, typer.Option("--force", help="Accept what the last `pull` named: an emptied or new tab, many vanished rows.")
    ] = False,
    is_json: Json = False,
) -> int:
    session = _session(context)
    settings = session.settings()
    # Only now: loading all that a run needs takes longer than finding that it cannot begin.
    from amo2gsheet import commands

    options = commands.Options(is_full, is_dry, is_forced)
    with output.progress("pull", is_wanted=not session.line.is_json) as advance:
        watcher = commands.Watcher(session.say_waiting, advance, session.note_end)
        outcome = commands.run_pull(settings, options, commands.Outside.real(), watcher)
    return session.tell(outcome, options)


@app.command("push", cls=PlainCommand, help=cli_help.PUSH, short_help=cli_help.SHORT["push"])
def _push(
    context: typer.Context,
    is_dry: DryRun = False,
    is_forced: Annotated[bool, typer.Option("--force", help="Let through the moves that were held back.")] = False,
    is_json: Json = False,
) -> int:
    session = _session(context)
    settings = session.settings()
    # Only now: loading all that a run needs takes longer than finding that it cannot begin.
    from amo2gsheet import commands

    options = commands.Options(is_dry=is_dry, is_forced=is_forced)
    with output.progress("push", is_wanted=not session.line.is_json) as advance:
        watcher = commands.Watcher(session.say_waiting, advance, session.note_end)
        outcome = commands.run_push(settings, options, commands.Outside.real(), watcher)
    return session.tell(outcome, options)


@app.command("status", help=cli_help.STATUS, short_help=cli_help.SHORT["status"])
def _status(
    context: typer.Context,
    max_age: Annotated[
        str, typer.Option(metavar="TIME", help="How old the last success may be: 90s, 30m, 1h30m, 2d.")
    ] = DEFAULT_MAX_AGE,
    is_json: Json = False,
) -> int:
    from amo2gsheet import commands_health

    max_age_seconds = commands_health.span_seconds(max_age)
    session = _session(context)
    settings = session.state_settings()
    return session.answer(commands_health.run_status(settings, max_age_seconds))


@app.command("history", help=cli_help.HISTORY, short_help=cli_help.SHORT["history"])
def _history(
    context: typer.Context,
    lead_id: Annotated[str, typer.Argument(metavar="LEAD_ID", help="The lead's number.")],
    is_json: Json = False,
) -> int:
    from amo2gsheet import commands_health

    session = _session(context)
    return session.answer(commands_health.run_history(session.state_settings(), lead_id))


@app.command("import-xlsx", help=cli_help.IMPORT, short_help=cli_help.SHORT["import-xlsx"])
def _import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The workbook (.xlsx, .xlsm).")],
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Its sheet; without it, the first one.")] = None,
    tag: Annotated[
        str | None, typer.Option(metavar="TAG", help="The import's name, a tag on each lead; without it, the file's name.")
    ] = None,
    result: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The result workbook; without it, NAME.result.xlsx beside the file.")
    ] = None,
    is_dry: Annotated[
        bool, typer.Option("--dry-run", help="Check every row and show what would be sent; write nothing.")
    ] = False,
    sends_changed: Annotated[
        bool, typer.Option("--send-changed", help="Send rows that seem to correct one sent before, as new leads.")
    ] = False,
    is_again: Annotated[
        bool, typer.Option("--again", help="Import though amoCRM knows the tag and nothing here tells what was sent under it.")
    ] = False,
    is_json: Json = False,
) -> int:
    session = _session(context)
    settings = session.settings()
    # Only now: loading all that a run needs takes longer than finding that it cannot begin.
    from amo2gsheet import cli_import, commands, commands_import

    options = commands_import.ImportOptions(file, sheet, tag, result, is_dry, sends_changed, is_again)
    with output.progress("import-xlsx", is_wanted=not session.line.is_json) as advance:
        watcher = commands_import.ImportWatcher(session.say_waiting, advance, session.uninterrupted)
        outcome = commands_import.run_import(settings, options, commands.Outside.real(), watcher)
    return cli_import.tell(session, outcome)


@app.command("demo", help=cli_help.DEMO, short_help=cli_help.SHORT["demo"])
def _demo(context: typer.Context) -> int:
    from amo2gsheet import commands_sandbox

    return commands_sandbox.demo(output.write, _session(context).environ)


@app.command("sandbox", help=cli_help.SANDBOX, short_help=cli_help.SHORT["sandbox"])
def _sandbox(
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Folder for the sandbox's `.env`, key and state; made when missing.")
    ] = Path("amo2gsheet-sandbox"),
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port of its page; 0 takes a free one.")] = 0,
) -> int:
    from amo2gsheet import commands_sandbox

    return commands_sandbox.sandbox(directory, port, output.write)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process. `argv` are its arguments, None for those of this process."""
    output.fill_missing_streams()
    sys.exit(run(sys.argv[1:] if argv is None else argv, watch=SignalWatch(SIGNALS)))


def run(argv: Sequence[str], environ: Mapping[str, str] | None = None, watch: SignalWatch | None = None) -> int:
    """Run the program and return its exit code; the one place where every error ends.

    `environ` is the environment, None for that of this process; without a `watch` signals are left as they are.
    """
    watch = watch or SignalWatch(())
    line = CommandLine.read(argv, [command.name or "" for command in app.registered_commands])
    with StderrHandler() as handler:
        session = Session(line, handler, watch, environ)
        try:
            try:
                watch.install()
                code = _invoke(argv, session)
            finally:
                watch.disarm()
        except BrokenPipeError:
            # The reader of a help text went away; each side translates the errors of its own connections.
            code = ExitCode.DONE
        except BaseException as error:  # noqa: BLE001 - whatever comes: no secret leaves, and `--json` gets its object
            code = session.tell_ending(Ending.of(output.lost_answer(error) or error, line))
    output.settle()
    return code


def _invoke(argv: Sequence[str], session: Session) -> int:
    """Read the command line and run its command; Typer's own `main` would turn some endings into codes of its own."""
    output.prepare_stdout()
    group = typer.main.get_command(app)
    with group.make_context("amo2gsheet", list(argv), obj=session) as context:
        if argv:
            return int(group.invoke(context) or 0)
        with suppress(OSError):  # nobody can be told that stderr cannot be written
            typer.echo(group.get_help(context), err=True)
        return ExitCode.USAGE
