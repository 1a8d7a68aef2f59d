"""Environment and settings file → one frozen `Settings`.

The only module of the program that reads the environment. Asks no cloud and no state; writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Flag
from itertools import combinations
from pathlib import Path, PurePath
from typing import Any, Literal

from amo2gsheet.config_file import EnvFile, read_env_file
from amo2gsheet.config_table import OLD_SPELLINGS, OLD_TOKENS, SETTINGS, UNUSED, Setting
from amo2gsheet.config_values import BadValueError, CreatedAfter
from amo2gsheet.exceptions import SettingsError

__all__ = ["CreatedAfter", "Needs", "SettingInUse", "Settings", "load_settings"]

ENV_FILE_NAME = ".env"
_READ = (*SETTINGS, *OLD_TOKENS)
_OAUTH = ("AMO_CLIENT_ID", "AMO_CLIENT_SECRET", "AMO_REDIRECT_URI")
_NEAR_ENOUGH = 0.85
"""From this likeness on, a name without our prefix counts as a misspelt one of ours; it may belong to somebody else."""


class Needs(Flag):
    """What a command cannot do without; a setting is required only where it is needed.

    Whatever is needed, every value that is set is checked: a wrong one would be found at the next run only.
    """

    STATE = 0
    """`status`, `history`, `demo`, `sandbox`: no cloud is asked."""
    AMO = 1
    """`inspect`, `import-xlsx`: an account and a way to log in."""
    SHEET = 2
    """A spreadsheet."""
    BOTH = 3
    """`auth`, `pull`, `push`."""


@dataclass(frozen=True, slots=True)
class SettingInUse:
    """One effective setting for a person to read. `text` is as written, of a secret only whether it is set.

    `source` is "default", "environment" or "line 12" of the settings file.
    """

    name: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its value. Its `repr` shows no secret; paths are absolute.

    A text that is not set is "", also that of a required one in a command that does not need it. `env_file` is the file
    that was read, None when there was none.
    """

    account_url: str
    amo_base_url: str
    amo_client_id: str
    amo_client_secret: str = field(repr=False)
    amo_redirect_uri: str
    amo_auth_code: str = field(repr=False)
    long_lived_token: str = field(repr=False)
    old_access_token: str = field(repr=False)
    old_refresh_token: str = field(repr=False)
    token_store: Path
    service_account_file: Path
    sheet_id: str
    worksheet_name: str
    sheets_base_url: str
    trigger_names: tuple[str, ...]
    trigger_status_id: int
    pipeline_id: int
    dropdown: Mapping[str, int]
    status_display: Mapping[str, str]
    sheet_status: Mapping[str, tuple[str, ...]]
    pipeline_display: Mapping[str, str]
    created_after: CreatedAfter
    amo_request_delay_seconds: float
    staff_cache_ttl_seconds: float
    conflict_winner: Literal["amo", "sheet"]
    push_limit: int
    push_limit_percent: int
    push_settle_seconds: float
    pull_overlap_seconds: int
    import_batch_size: int
    import_delay_seconds: float
    state_db: Path
    lock_wait_seconds: float
    run_limit_seconds: float
    history_days: int
    heartbeat_url: str = field(repr=False)
    env_file: Path | None
    warnings: tuple[str, ...]
    in_use: tuple[SettingInUse, ...] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Raw:
    """The text chosen for one setting, "" when none or a blank one was given, and where it came from."""

    text: str
    source: str


def load_settings(
    env_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    *,
    needs: Needs = Needs.BOTH,
) -> Settings:
    """Read all settings; the environment wins over the file, and an empty text stands for the default.

    Args:
        env_file: The settings file; None takes the file `.env` in `cwd` if there is one, and searches no further up.
        environ: The environment, None for that of this process.
        cwd: The current folder, None for that of this process. Relative paths count from the folder of the settings
            file; without a file, from here.
        needs: What the command cannot do without.

    Raises:
        SettingsError: a setting is missing or wrong, or the file cannot be read; all problems are named at once.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    path = _env_file_path(env_file, cwd)
    file = EnvFile() if path is None else read_env_file(path)
    raw = {setting.name: _choose(setting, environ, file) for setting in _READ}
    problems = list(file.problems)
    fields = _parse_all(raw, problems)
    problems += _missing(raw, needs, file.unread)
    fields = _with_absolute_paths(fields, cwd if path is None else path.parent, environ)
    problems += _shared_files(fields, path)
    warnings = _warnings(file)
    if problems:
        # A misspelt name is often why another one is missing, so the warnings belong to the message.
        raise _settings_error([*problems, *warnings], path, cwd)
    fields["amo_base_url"] = fields["amo_base_url"] or fields["account_url"]
    return Settings(**fields, env_file=path, warnings=warnings, in_use=_in_use(raw))


def _env_file_path(env_file: Path | None, cwd: Path) -> Path | None:
    if env_file is not None:
        return cwd / env_file
    beside = cwd / ENV_FILE_NAME
    # A folder of that name is somebody's virtual environment; a pipe of that name may well be meant.
    return beside if beside.exists() and not beside.is_dir() else None


def _choose(setting: Setting, environ: Mapping[str, str], file: EnvFile) -> _Raw:
    """The environment first, then the file; in each, today's spelling before the old one unless it is empty."""
    spellings = [setting.name, *filter(None, [OLD_SPELLINGS.get(setting.name)])]
    in_environment = [_Raw(_without_quotes(environ[name]), "environment") for name in spellings if name in environ]
    entries = [file.entries[name] for name in spellings if name in file.entries]
    in_file = [_Raw(entry.text, f"line {entry.line_number}") for entry in entries]
    # An empty text in the environment wins too: so a value of the file can be switched off for one run.
    given = in_environment or in_file
    return next((raw for raw in given if raw.text.strip()), _Raw("", "default"))


def _without_quotes(value: str) -> str:
    """Drop quotes around a whole value: `docker --env-file` and careless wrappers pass them on as letters."""
    stripped = value.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'":
        return stripped[1:-1]
    return value


def _parse_all(raw: Mapping[str, _Raw], problems: list[str]) -> dict[str, Any]:
    """Field → value, "" where nothing is set and nothing stands for it; what is wrong is added to `problems`."""
    fields: dict[str, Any] = {}
    for setting in _READ:
        text = raw[setting.name].text or setting.default
        try:
            fields[setting.field] = setting.parse(text) if text else ""
        except BadValueError as error:
            source = raw[setting.name].source
            problems.append(f"{setting.name} ({source}) {error}. Example: {setting.name}={setting.example}")
    return fields


def _missing(raw: Mapping[str, _Raw], needs: Needs, unread: frozenset[str]) -> Iterable[str]:
    """One line for each required setting that nobody gave; lines that could not be read are named already."""
    required: list[tuple[str, str]] = []
    if Needs.AMO in needs:
        required.append(("AMO_SUBDOMAIN", "AMO_BASE_URL"))
        required += [(name, "AMO_LONG_LIVED_TOKEN") for name in _OAUTH]
    if Needs.SHEET in needs:
        required.append(("GOOGLE_SHEET_ID", ""))
    settings = {setting.name: setting for setting in SETTINGS}
    for name, instead in required:
        if not any(known in unread or raw[known].text for known in (name, instead) if known):
            setting = settings[name]
            way_out = f" (or set {instead})" if instead else ""
            yield f"{name} is missing: {setting.meaning}{way_out}. Example: {name}={setting.example}"


def _settings_error(problems: list[str], path: Path | None, cwd: Path) -> SettingsError:
    if path is not None:
        return SettingsError(f'Settings are missing or wrong in "{path}" or the environment.', "", problems)
    message = f'Settings are missing or wrong in the environment, and there is no file "{ENV_FILE_NAME}" in "{cwd}".'
    return SettingsError(message, "Name a settings file with `--env-file FILE`, or start in its folder.", problems)


def _with_absolute_paths(fields: Mapping[str, Any], folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    found = dict(fields)
    for name, value in fields.items():
        if isinstance(value, PurePath):
            in_home = value.parts[:1] == ("~",)
            found[name] = Path(environ.get("HOME") or Path.home(), *value.parts[1:]) if in_home else folder / value
    return found


def _shared_files(fields: Mapping[str, Any], env_file: Path | None) -> Iterable[str]:
    """One line for each two settings that name one file: what one of them stores there would destroy the other's."""
    names = {setting.field: setting.name for setting in SETTINGS}
    paths = [(names[name], value) for name, value in fields.items() if isinstance(value, Path)]
    yield from (f"{name} names the settings file itself; it needs a file of its own." for name, its in paths if its == env_file)
    for (one, its_path), (other, other_path) in combinations(paths, 2):
        if its_path == other_path:
            yield f'{one} and {other} name the same file, "{its_path}"; each needs its own.'


def _warnings(file: EnvFile) -> tuple[str, ...]:
    """What a person should mend in the file. Names from the environment are left alone: they may be anybody's."""
    warnings = list(file.warnings)
    for name, old in OLD_SPELLINGS.items():
        if old in file.entries:
            warnings.append(f"{old} is the old spelling of {name}; rename it.")
    unused = [name for name in UNUSED if name in file.entries]
    if unused:
        warnings.append(f"No longer used, since timers took their place: {', '.join(unused)}.")
    known = [setting.name for setting in _READ]
    expected = {*known, *OLD_SPELLINGS.values(), *UNUSED}
    warnings += filter(None, (_typo(name, known) for name in file.entries if name not in expected))
    return tuple(warnings)


def _typo(name: str, known: list[str]) -> str:
    """A warning about a name that is likely one of ours, misspelt; "" for what seems to be somebody else's."""
    from difflib import get_close_matches

    is_ours = name.upper().startswith(("AMO_", "GOOGLE_"))
    near = get_close_matches(name.upper(), known, n=1, cutoff=0.6 if is_ours else _NEAR_ENOUGH)
    if near:
        return f"{name} is no setting; did you mean {near[0]}?"
    return f"{name} is no setting." if is_ours else ""


def _in_use(raw: Mapping[str, _Raw]) -> tuple[SettingInUse, ...]:
    found = []
    for setting in SETTINGS:
        given = raw[setting.name]
        text = given.text or setting.default
        if setting.is_secret:
            text = "set" if given.text else "not set"
        found.append(SettingInUse(setting.name, text, given.source))
    return tuple(found)
