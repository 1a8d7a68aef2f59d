"""`status` and `history`: settings in, an answer out. They read the state only, take no lock, and ask no cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amo2gsheet import health, health_history, health_report
from amo2gsheet.amo.tokens import TokenFile, expiry
from amo2gsheet.exceptions import AmoGsheetError, ExitCode, NoSuchLeadError, UsageError
from amo2gsheet.health import DAY_SECONDS, Login, Patience
from amo2gsheet.health_times import span_seconds
from amo2gsheet.lead_ids import lead_id_of
from amo2gsheet.retry import Clock, SystemClock
from amo2gsheet.state import StateStore

if TYPE_CHECKING:
    from amo2gsheet.config import Settings

__all__ = ["Answer", "login_of", "run_history", "run_status", "span_seconds"]

REAL_CLOCK = SystemClock()

REFRESH_TOKEN_SECONDS = 90 * DAY_SECONDS
"""Three months from its issue (amoCRM developer documentation, OAuth 2.0, step by step); each renewal issues a new one."""

_LOG_IN = "Log in once with `amo2gsheet auth`."
_RENEWAL = "A `pull` renews it until then; afterwards log in with `amo2gsheet auth`."
_NEW_TOKEN = "Make a new one on the integration's Keys tab, set it, and check it with `amo2gsheet auth`."


@dataclass(frozen=True, slots=True)
class Answer:
    """What is told: lines for people, or the fields of the object for programs."""

    exit_code: ExitCode
    lines: Sequence[str]
    document: dict[str, Any]


def run_status(settings: Settings, max_age_seconds: float, clock: Clock = REAL_CLOCK) -> Answer:
    """How the runs are. Writes nothing.

    Raises:
        StateError: the state is damaged, or of a later release.
    """
    patience = Patience(max_age_seconds, settings.run_limit_seconds + settings.lock_wait_seconds)
    state = StateStore.open_readonly(settings.state_db, clock)
    message, hint = ("", "") if state is not None else _absence(settings)
    with state or StateStore.open_scratch(settings.state_db, clock) as found:
        seen = health.look(found, clock.time(), patience, login_of(settings), absence=message)
    return Answer(seen.exit_code, [*health_report.lines(seen), *([hint] if hint else [])], health_report.document(seen))


def run_history(settings: Settings, lead: str, clock: Clock = REAL_CLOCK) -> Answer:
    """What was done to a lead. Writes nothing.

    Raises:
        NoSuchLeadError: the state knows nothing of that lead.
        StateError: the state is damaged, or of a later release.
    """
    lead_id = lead_id_of(lead)
    if lead_id is None:
        raise UsageError(f"'{lead}' is no lead ID.", "It is a number; the column `ID` of the sheet shows it.")
    state = StateStore.open_readonly(settings.state_db, clock)
    if state is None:
        raise NoSuchLeadError(*_absence(settings))
    with state:
        found = health_history.look(state, lead_id)
    if not found.is_known:
        raise NoSuchLeadError(
            f"Nothing was ever done to lead {lead_id}, and it has no row that this state knows.",
            "It never reached a trigger stage, or was handled with another state file.",
        )
    return Answer(ExitCode.DONE, list(health_history.lines(found)), health_history.document(found))


def login_of(settings: Settings) -> Login:
    """How these settings log in to amoCRM, and for how long. Shows no token, and renews none."""
    if settings.long_lived_token:
        return Login("long-lived token", expiry(settings.long_lived_token), next_step=_NEW_TOKEN)
    file = TokenFile(settings.token_store)
    try:
        pair = file.read()
        renewed_at = file.path.stat().st_mtime if pair is not None else 0.0
    except AmoGsheetError as error:
        return Login("token file", problem=error.message, next_step=error.hint)
    except OSError:
        pair = None
    if pair is not None and pair.refresh_token:
        return Login("token file, renewed by itself", renewed_at + REFRESH_TOKEN_SECONDS, next_step=_RENEWAL)
    if pair is not None:
        return Login("token file without a refresh token", pair.expires_at, next_step=_LOG_IN)
    if settings.old_access_token or settings.old_refresh_token:
        return Login("tokens of the old service, from the settings")
    return Login("none", problem="there is none yet", next_step=_LOG_IN)


def _absence(settings: Settings) -> tuple[str, str]:
    read = f'"{settings.env_file}"' if settings.env_file else "the environment alone"
    return (
        f'No run yet: there is no state "{settings.state_db}".',
        f"The first `pull` or `push` makes it. The settings were read from {read}; `--env-file FILE` names another file.",
    )
