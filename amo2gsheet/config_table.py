"""The one table of settings: name, meaning, default, example, and how its text becomes a value.

Holds no value of anybody's: reading them is the loader's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from amo2gsheet.config_values import (
    account_address,
    base_address,
    created_after,
    id_map,
    list_map,
    names,
    one_of,
    path,
    redirect_address,
    seconds,
    secret_address,
    spreadsheet,
    text,
    text_map,
    whole,
    word,
)

BUILT_IN_DROPDOWN = ("В процессе", "У курера", "Успешно", "Отказ")
"""The dropdown of a sheet whose settings name none. The second value is spelt as its users spell it."""

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. `field` is its place in the settings object; `default` is written as in the file, "" for none."""

    name: str
    field: str
    parse: Callable[[str], object]
    default: str
    example: str
    meaning: str
    is_secret: bool = False


def dropdown(value: str) -> Mapping[str, int]:
    """Dropdown value → stage ID, 0 = by name; an empty object stands for the four built-in values."""
    return id_map(value) or MappingProxyType(dict.fromkeys(BUILT_IN_DROPDOWN, 0))


def _setting(name: str, field: str, parse: Callable[[str], object], example: str, meaning: str) -> Setting:
    return Setting(name, field, parse, "", example, meaning)


def _secret(name: str, field: str, parse: Callable[[str], object], example: str, meaning: str) -> Setting:
    return Setting(name, field, parse, "", example, meaning, is_secret=True)


SETTINGS: tuple[Setting, ...] = (
    _setting(
        "AMO_SUBDOMAIN",
        "account_url",
        account_address,
        "mycompany",
        "the account: `mycompany` (amocrm.ru) or a full host such as `mycompany.kommo.com`",
    ),
    _setting("AMO_CLIENT_ID", "amo_client_id", word, "00000000-0000-0000-0000-000000000000", "the integration's ID"),
    _secret("AMO_CLIENT_SECRET", "amo_client_secret", word, "SECRET-KEY", "its secret key"),
    _setting(
        "AMO_REDIRECT_URI",
        "amo_redirect_uri",
        redirect_address,
        "https://example.com/amo",
        "its redirect address, letter by letter",
    ),
    _secret(
        "AMO_AUTH_CODE",
        "amo_auth_code",
        word,
        "https://example.com/amo?code=CODE&state=STATE",
        "first login: the whole address that the browser ended at, or the bare code",
    ),
    _secret(
        "AMO_LONG_LIVED_TOKEN",
        "long_lived_token",
        word,
        "LONG-LIVED-TOKEN",
        "a token from the integration's Keys tab; with it, no other setting of the integration is needed",
    ),
    Setting("AMO_TOKEN_STORE", "token_store", path, ".amo_tokens.json", "/var/lib/amo2gsheet/tokens.json", "the token file"),
    _setting(
        "AMO_BASE_URL",
        "amo_base_url",
        base_address,
        "https://mycompany.amocrm.ru",
        "another base address of the amoCRM API (sandbox, proxy)",
    ),
    Setting(
        "GOOGLE_SERVICE_ACCOUNT_FILE",
        "service_account_file",
        path,
        "gsheet.json",
        "/etc/amo2gsheet/gsheet.json",
        "the key file of the Google service account",
    ),
    _setting(
        "GOOGLE_SHEET_ID",
        "sheet_id",
        spreadsheet,
        "https://docs.google.com/spreadsheets/d/SPREADSHEET_ID/edit",
        "the spreadsheet: its ID, or its whole address",
    ),
    Setting("GOOGLE_WORKSHEET_NAME", "worksheet_name", text, "Sheet1", "Заказы", "the tab"),
    Setting(
        "GOOGLE_SHEETS_BASE_URL",
        "sheets_base_url",
        base_address,
        "https://sheets.googleapis.com",
        "http://127.0.0.1:8000",
        "another base address of the Sheets API",
    ),
    Setting(
        "TRIGGER_STATUS_NAME",
        "trigger_names",
        names,
        "NOMERATSIYALANMAGAN ZAKAZ",
        "NOMERATSIYALANMAGAN ZAKAZ, Заказ без нумерации",
        "the trigger stage; several between commas",
    ),
    Setting("TRIGGER_STATUS_ID", "trigger_status_id", whole(0, 2**53), "0", "12345678", "one more trigger stage, by its ID"),
    Setting(
        "PIPELINE_ID",
        "pipeline_id",
        whole(0, 2**53),
        "0",
        "1234567",
        "the pipeline where the lead itself does not tell (import, fallback)",
    ),
    Setting(
        "DROPDOWN_STATUS_MAP_JSON",
        "dropdown",
        dropdown,
        "{}",
        '{"В процессе": 0, "У курера": 0, "Успешно": 142, "Отказ": 0}',
        "dropdown value → stage ID, 0 = by name; the keys, in order, are the dropdown; {} = the four built-in values",
    ),
    Setting(
        "STATUS_DISPLAY_MAP_JSON",
        "status_display",
        text_map,
        "{}",
        '{"Раздумье": "Думает"}',
        "stage name → text shown in the sheet",
    ),
    Setting(
        "SHEET_STATUS_MAP_JSON",
        "sheet_status",
        list_map,
        "{}",
        '{"Успешно": ["Успешно реализовано"]}',
        "dropdown value → stage names to try in the lead's pipeline",
    ),
    Setting(
        "PIPELINE_DISPLAY_MAP_JSON",
        "pipeline_display",
        text_map,
        "{}",
        '{"Baza Uspeshno": "База"}',
        "pipeline name → short name in the sheet",
    ),
    Setting(
        "LEADS_CREATED_AFTER",
        "created_after",
        created_after,
        "0",
        "01.03.2026 00:00",
        "leads created before get no row: Unix time, or DD.MM.YYYY[ HH:MM[:SS]] in the account's zone",
    ),
    Setting(
        "AMO_REQUEST_DELAY_SEC",
        "amo_request_delay_seconds",
        seconds(0, 60),
        "0.2",
        "0.5",
        "least seconds between amoCRM calls; 7 a second is never exceeded",
    ),
    Setting(
        "STAFF_CACHE_TTL_SEC",
        "staff_cache_ttl_seconds",
        seconds(0, 7 * _DAY),
        "300",
        "3600",
        "seconds that the Staff tab's contents are kept, across runs",
    ),
    Setting(
        "CONFLICT_WINNER",
        "conflict_winner",
        one_of("amo", "sheet"),
        "amo",
        "sheet",
        "`amo` or `sheet`: who wins when both sides changed the same status",
    ),
    Setting("PUSH_LIMIT", "push_limit", whole(1, 1_000_000), "50", "100", "moves in one `push` that are never held back"),
    Setting(
        "PUSH_LIMIT_PERCENT",
        "push_limit_percent",
        whole(0, 100),
        "30",
        "20",
        "more moves than PUSH_LIMIT are held back when they are also more than this share of the tracked rows",
    ),
    Setting(
        "PUSH_SETTLE_SEC",
        "push_settle_seconds",
        seconds(0, 300),
        "5",
        "10",
        "seconds that a changed cell must keep still before `push` acts on it",
    ),
    Setting(
        "PULL_OVERLAP_SEC",
        "pull_overlap_seconds",
        whole(0, _DAY),
        "600",
        "900",
        "seconds that `pull` looks back behind its cursor; less than amoCRM's list lags loses changes",
    ),
    Setting("IMPORT_BATCH_SIZE", "import_batch_size", whole(1, 50), "50", "20", "leads in one import request (1-50)"),
    Setting("IMPORT_DELAY_SEC", "import_delay_seconds", seconds(0, 60), "0.5", "1", "seconds between import requests"),
    Setting("STATE_DB", "state_db", path, ".amo2gsheet.sqlite3", "/var/lib/amo2gsheet/state.sqlite3", "the state file"),
    Setting(
        "LOCK_WAIT_SEC",
        "lock_wait_seconds",
        seconds(0, 3600),
        "60",
        "10",
        "seconds to wait for another run before giving up (exit code 75)",
    ),
    Setting(
        "RUN_LIMIT_SEC",
        "run_limit_seconds",
        seconds(1, _DAY),
        "900",
        "300",
        "`pull` and `push` stop between two chunks after so many seconds and go on at the next run",
    ),
    Setting("HISTORY_DAYS", "history_days", whole(1, 36_500), "180", "365", "days that history is kept; conflicts stay"),
    _secret(
        "HEARTBEAT_URL",
        "heartbeat_url",
        secret_address,
        "https://hc.example.com/ping/amo2gsheet-{command}",
        "dead-man's switch, pinged at start, success and failure of a run; {command} becomes `pull` or `push`",
    ),
)
"""Every setting, in the order in which people read about them."""

OLD_TOKENS: tuple[Setting, ...] = (
    _secret("AMO_ACCESS_TOKEN", "old_access_token", word, "TOKEN", "the old service's access token"),
    _secret("AMO_REFRESH_TOKEN", "old_refresh_token", word, "TOKEN", "the old service's refresh token"),
)
"""The old service's pair of tokens; it fills a missing token file and is not needed after that."""

OLD_SPELLINGS: Mapping[str, str] = MappingProxyType({"AMO_REDIRECT_URI": "AMO_REDIRECT_URL"})
"""Name → the spelling that the old service took as well."""

UNUSED = ("SYNC_POLL_SECONDS", "HOST", "PORT", "WEBHOOK_DEDUP_TTL_SEC")
"""Settings of the old service that timers took the place of."""
