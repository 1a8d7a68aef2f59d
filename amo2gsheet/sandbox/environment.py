"""The files that point the real commands at a sandbox: `.env` and service-account key. Never replaces foreign ones."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path

KEY_FILE_NAME = "sandbox-gsheet.json"
CLIENT_EMAIL = "sync@sandbox-project.iam.gserviceaccount.com"
_INSTEAD = (
    "# To try the login of an integration: take AMO_LONG_LIVED_TOKEN out, and the # away from these. Then `amo2gsheet auth`."
)
_MARK = "# Made by `amo2gsheet sandbox`; it is written anew at each start."


def write_env(
    directory: Path,
    *,
    amo_url: str,
    sheets_url: str,
    access_token: str,
    spreadsheet_id: str,
    settings: Mapping[str, str] | None = None,
    others: Mapping[str, str] | None = None,
) -> Path:
    """Write `.env` and the service-account key (both 0600) into the directory, which is made if it is not there.

    The paths in it are relative to it, so that the state stays in the directory too. `settings` adds variables or
    replaces these; `others` stand below as comments, to be taken instead. Safe to repeat: files that an earlier call
    wrote are replaced.

    Returns:
        The path of the `.env`.

    Raises:
        FileExistsError: a `.env` or a key stands there that the sandbox did not write.
    """
    directory.mkdir(parents=True, exist_ok=True)
    env_path, key_path = directory / ".env", directory / KEY_FILE_NAME
    for path, mark in ((env_path, _MARK), (key_path, CLIENT_EMAIL)):
        if path.exists() and mark not in path.read_text(encoding="utf-8", errors="replace"):
            raise FileExistsError(f'"{path}" is not the sandbox\'s own file, so it was left as it is.')
    values = {
        "AMO_BASE_URL": amo_url,
        "AMO_LONG_LIVED_TOKEN": access_token,
        "AMO_TOKEN_STORE": ".amo_tokens.json",
        "GOOGLE_SHEETS_BASE_URL": sheets_url,
        "GOOGLE_SERVICE_ACCOUNT_FILE": KEY_FILE_NAME,
        "GOOGLE_SHEET_ID": spreadsheet_id,
        "STATE_DB": ".amo2gsheet.sqlite3",
        **(settings or {}),
    }
    _write_private(key_path, json.dumps(service_account_key(f"{sheets_url}/token"), indent=2) + "\n")
    lines = [_MARK, *(f"{name}={_quoted(value)}" for name, value in values.items())]
    if others:
        lines += ["", _INSTEAD, *(f"# {name}={_quoted(value)}" for name, value in others.items())]
    _write_private(env_path, "\n".join([*lines, ""]))
    return env_path


def service_account_key(token_uri: str) -> dict[str, str]:
    """A throw-away key in the shape of Google's key files, whose token is asked for at `token_uri`."""
    return {
        "type": "service_account",
        "project_id": "sandbox-project",
        "private_key_id": "0" * 40,
        "private_key": _private_key(),
        "client_email": CLIENT_EMAIL,
        "client_id": "100000000000000000001",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }


@functools.cache
def _private_key() -> str:
    """A real RSA key, for google-auth signs with it; made once per process and worth nothing outside the sandbox."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return encoded.decode("ascii")


def _write_private(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
