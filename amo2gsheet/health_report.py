"""How `status` tells what it found: lines for people, one object for programs. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from amo2gsheet.exceptions import ExitCode
from amo2gsheet.health import SOON_SECONDS, CommandHealth, Cost, Health
from amo2gsheet.health_times import known_zone, moment_json, moment_text, span_text, zone_text
from amo2gsheet.health_waiting import NO_TRIGGER, words_of

if TYPE_CHECKING:
    from amo2gsheet.state import Run, Waiting

SHOWN_OF_A_KIND = 20
"""Leads that are listed of one kind of waiting for a person; programs get more."""

LISTED_OF_A_KIND = 1000

RESULTS = {
    ExitCode.DONE: "done",
    ExitCode.BUG: "a bug",
    ExitCode.USAGE: "wrong command line",
    ExitCode.PARTIAL: "done, something was left to a person",
    ExitCode.HELD_BACK: "moves held back",
    ExitCode.UNUSABLE_SHEET: "the sheet cannot be used",
    ExitCode.UNAVAILABLE: "amoCRM or Google did not answer",
    ExitCode.UNUSABLE_STATE: "the state cannot be used",
    ExitCode.LOCKED: "another run held the lock",
    ExitCode.LOGIN: "login needed or refused",
    ExitCode.SETTINGS: "a setting is missing or wrong",
    ExitCode.INTERRUPTED: "ended by Ctrl-C",
    ExitCode.TERMINATED: "ended by SIGTERM",
}


def lines(health: Health) -> Iterator[str]:
    """The answer for people, the verdict first."""
    zone = known_zone(health.zone)
    yield "status: NOT WELL" if health.problems else "status: well"
    yield from (f"  - {problem}" for problem in health.problems)
    for command in health.commands:
        yield from _command_lines(command, health, zone)
    yield from _lead_lines(health)
    yield from _waiting_lines(health, zone)
    yield from _other_lines(health, zone)
    yield from (_cost_line(command, cost) for command, cost in health.cost.items())
    yield f"(times: {zone_text(health.zone)})"


def _command_lines(one: CommandHealth, health: Health, zone: tzinfo) -> Iterator[str]:
    if one.success is None or one.success.ended_at is None:
        yield f"{one.command}: {'has never run' if one.last is None and one.begun is None else 'no success yet'}"
    else:
        yield f"{one.command}: last success {_ago(one.age_seconds)}, {moment_text(one.success.ended_at, zone)}"
    if one.last is not None and one.last != one.success:
        yield f"  last run ended {_ago(health.now - (one.last.ended_at or 0))} with {_result(one.last)}"
        if one.last.error:
            yield f"    {one.last.error}"
    if one.begun is not None:
        what = "was cut off (killed, or the machine went down)" if one.is_cut_off else "is at work"
        yield f"  the run begun {_ago(health.now - one.begun.begun_at)} {what}"
    if one.next_step:
        yield f"    → {one.next_step}"


def _ago(seconds: float | None) -> str:
    if seconds is None or seconds < 0:
        return "in a time to come (the clock was put back)"
    return f"{span_text(seconds)} ago"


def _result(run: Run) -> str:
    meaning = next((f" ({text})" for code, text in RESULTS.items() if code == run.exit_code), "")
    return f"exit code {run.exit_code}{meaning}"


def _lead_lines(health: Health) -> Iterator[str]:
    where = f' in the tab "{health.tab}"' if health.tab else ""
    gone = f", {health.without_row} of them without a row (deleted, or not seen by the last run)" if health.without_row else ""
    yield f"leads: {health.tracked} tracked{where}{gone}"
    if health.not_followed:
        yield f"  {health.not_followed} in an earlier tab are not followed until they enter a trigger stage again"
    if health.owed:
        yield f"  {health.owed} are owed something that could not be written yet; the next `pull` tries again"
    if health.unsettled_writes:
        yield f"  {health.unsettled_writes} writes got no clear answer; the next run looks what became of them"


def _waiting_lines(health: Health, zone: tzinfo) -> Iterator[str]:
    work = {kind: found for kind, found in health.waiting.items() if not words_of(kind).is_note}
    count = sum(map(len, work.values())) + sum(health.unsettled_imports.values())
    yield f"waits for a person: {count}" if count else "waits for a person: nothing"
    for kind, found in work.items():
        yield f"  {len(found)} × {words_of(kind).what}"
        yield f"    → {words_of(kind).next_step}"
        yield from (f"    {_item(waiting, zone)}" for waiting in found[:SHOWN_OF_A_KIND])
        if len(found) > SHOWN_OF_A_KIND:
            yield f"    … and {len(found) - SHOWN_OF_A_KIND} more; `--json` lists them"
    for tag, rows in health.unsettled_imports.items():
        yield f'  {rows} × a row of the import "{tag}" was sent, and nobody knows yet what became of it'
        yield "    → Run `amo2gsheet import-xlsx` with the same file once more; it looks before it sends."


def _item(waiting: Waiting, zone: tzinfo) -> str:
    who = f"lead {waiting.lead_id}" if waiting.lead_id else "the tab"
    detail = f": {waiting.detail}" if waiting.detail else ""
    return f"{who}{detail} (since {moment_text(waiting.since, zone)})"


def _other_lines(health: Health, zone: tzinfo) -> Iterator[str]:
    for kind, found in health.waiting.items():
        if words_of(kind).is_note:
            for waiting in found:
                about = f'"{waiting.detail}": ' if kind.startswith(NO_TRIGGER) else ""
                yield f"note: {about}{words_of(kind).what}. {words_of(kind).next_step}"
    if health.conflicts:
        yield (
            f"conflicts settled: {health.conflicts_lately} in the last 24 hours, {health.conflicts} in all; "
            "`amo2gsheet history LEAD_ID` shows both values"
        )
    yield _login_line(health, zone)
    if health.login_step:
        yield f"  → {health.login_step}"


def _login_line(health: Health, zone: tzinfo) -> str:
    login = health.login
    if login.problem:
        return f"amoCRM login: {login.problem}"
    if login.ends_at is None:
        return f"amoCRM login: {login.kind}"
    left = login.ends_at - health.now
    if left <= 0:
        return f"amoCRM login: {login.kind}, ended {moment_text(login.ends_at, zone)}"
    warning = "SOON: " if left < SOON_SECONDS else ""
    return f"amoCRM login: {login.kind}, {warning}ends {moment_text(login.ends_at, zone)}, in {span_text(left)}"


def _cost_line(command: str, cost: Cost) -> str:
    runs = sum(cost.ended.values())
    ends = ", ".join(f"exit code {code}: {count}" for code, count in cost.ended.items())
    counted = f"{runs} run{'' if runs == 1 else 's'}{f' ({ends})' if ends else ''}"
    requests = f"{cost.amo_requests} requests to amoCRM, {cost.sheet_requests} to Google"
    return f"{command}, last 24 hours: {counted}, {requests}, {cost.quota_refusals} refused for a quota"


def document(health: Health) -> dict[str, Any]:
    """The part of `--json` that belongs to `status`."""
    return {
        "ok": not health.problems,
        "problems": health.problems,
        "checked_at": moment_json(health.now),
        "max_age_seconds": health.max_age_seconds,
        "commands": {one.command: _command_document(one) for one in health.commands},
        "account": health.account,
        "spreadsheet": health.spreadsheet,
        "tab": health.tab,
        "leads": {
            "tracked": health.tracked,
            "without_row": health.without_row,
            "not_followed": health.not_followed,
            "owed": health.owed,
        },
        "unsettled_writes": health.unsettled_writes,
        "waiting": [_waiting_document(kind, list(found)) for kind, found in health.waiting.items()],
        "unsettled_imports": dict(health.unsettled_imports),
        "conflicts": {"total": health.conflicts, "last_24_hours": health.conflicts_lately},
        "login": {
            "kind": health.login.kind,
            "ends_at": moment_json(health.login.ends_at),
            "problem": health.login.problem,
            "next_step": health.login_step,
        },
        "last_24_hours": {command: _cost_document(cost) for command, cost in health.cost.items()},
    }


def _command_document(one: CommandHealth) -> dict[str, Any]:
    return {
        "ok": not one.problem,
        "problem": one.problem,
        "next_step": one.next_step,
        "age_seconds": None if one.age_seconds is None else round(one.age_seconds, 1),
        "last_success": _run_document(one.success),
        "last_run": _run_document(one.last),
        "begun": _run_document(one.begun),
        "is_cut_off": one.is_cut_off,
    }


def _run_document(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "run": run.id,
        "begun_at": moment_json(run.begun_at),
        "ended_at": moment_json(run.ended_at),
        "exit_code": run.exit_code,
        "error": run.error,
        "counts": dict(run.counts),
    }


def _waiting_document(kind: str, found: list[Waiting]) -> dict[str, Any]:
    words = words_of(kind)
    return {
        "kind": kind,
        "what": words.what,
        "next_step": words.next_step,
        "is_note": words.is_note,
        "count": len(found),
        "leads": [
            {"lead_id": one.lead_id, "detail": one.detail, "since": moment_json(one.since)} for one in found[:LISTED_OF_A_KIND]
        ],
    }


def _cost_document(cost: Cost) -> dict[str, Any]:
    return {
        "ended": {str(code): count for code, count in cost.ended.items()},
        "amo_requests": cost.amo_requests,
        "sheet_requests": cost.sheet_requests,
        "quota_refusals": cost.quota_refusals,
    }
