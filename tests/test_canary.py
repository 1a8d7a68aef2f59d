"""Secrets and customers are planted everywhere, every command runs at every level, and nothing of them may come out."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Faulty, Manner, Rule
from tests.live_shop import Finished, LiveShop, finish, live_shop

CUSTOMER = {
    "name": "Канарейкина Зоя",
    "phone": "+998 00 314-15-92",
    "digits": "3141592",
    "email": "canary@example.com",
    "address": "ул. Канареечная, 27",
    "title": "Заказ для Канарейкиной",
}
LOUDEST: tuple[list[str], ...] = (["-v"], ["-v", "--log-format", "json"])
QUIETER: tuple[list[str], ...] = (["-q"], [], ["--log-format", "json"])
COMMANDS = (
    ["pull", "--dry-run"],
    ["pull"],
    ["pull", "--full", "--json"],
    ["push", "--dry-run", "--json"],
    ["push"],
    ["status"],
    ["status", "--json"],
    ["inspect"],
    ["auth"],
)
SHOWN_ON_WISH = (["history", "4799"], ["inspect", "--lead", "4799"])
"""Who types these asks for a customer's data; it stands in the answer, and only there."""


class Monitor:
    """A dead-man's switch that remembers what it was told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def answer(self, request: Request) -> Answer:
        self.bodies.append(request.body)
        return Answer(200)


class Planted:
    """A shop full of canaries."""

    def __init__(self, shop: LiveShop) -> None:
        self.shop = shop
        self.monitor = Monitor()
        monitor_url = shop.server.serve(self.monitor)
        oauth = shop.shop.amo.oauth
        access, refresh = oauth.issue_tokens()
        self.tokens = shop.folder / ".amo_tokens.json"
        # Due for renewal, so that tokens that nobody planted come into play.
        self.tokens.write_text(json.dumps({"access_token": access, "refresh_token": refresh, "expires_at": 1}))
        shop.write_env(
            AMO_LONG_LIVED_TOKEN="",
            AMO_CLIENT_ID=oauth.client_id,
            AMO_CLIENT_SECRET=oauth.client_secret,
            AMO_REDIRECT_URI=oauth.redirect_uri,
            HEARTBEAT_URL=f"{monitor_url}/ping/canary-heartbeat-0123",
        )
        key = json.loads((shop.folder / "sandbox-gsheet.json").read_text())["private_key"]
        self.secrets = {
            "access token": access,
            "refresh token": refresh,
            "client secret": oauth.client_secret,
            "private key": key.splitlines()[3],
            "heartbeat": "canary-heartbeat-0123",
        }
        self._take_order()

    def _take_order(self) -> None:
        shop = self.shop.shop
        contact = shop.account.add_contact(CUSTOMER["name"], [CUSTOMER["phone"]], emails=[CUSTOMER["email"]])
        shop.account.add_lead(
            CUSTOMER["title"],
            lead_id=4799,
            pipeline_id=shop.sales,
            status_id=shop.trigger(shop.sales),
            contacts=[contact],
            fields={"Адрес": CUSTOMER["address"]},
        )

    def edit(self, number: int) -> None:
        """Something changes on both sides, so that each run has values to write."""
        with self.shop.server.lock:
            account = self.shop.shop.account
            account.edit_lead(4799, fields={"Адрес": f"{CUSTOMER['address']}, кв. {number}"})
            if "4799" in [row[0] for row in self.shop.shop.sheet_texts()]:
                self.shop.shop.person.pick("статус", ("У курера", "Отказ")[number % 2], lead=4799)

    def known_secrets(self) -> dict[str, str]:
        """Those planted, and those that the clouds have given since."""
        found = dict(self.secrets)
        for name in (".amo_tokens.json", ".amo_tokens.json.google"):
            path = self.shop.folder / name
            stored = json.loads(path.read_bytes()) if path.exists() else {}
            found |= {f"{key} of {name}": word for key, word in stored.items() if "token" in key and isinstance(word, str)}
        return found

    def check(self, ended: Finished, *, is_customer_asked_for: bool = False) -> None:
        """Nothing of a secret in what was said, and nothing of a customer where nobody asked."""
        said = {"stdout": ended.stdout, "stderr": ended.stderr}
        for place, text in said.items():
            for what, secret in self.known_secrets().items():
                assert secret not in text, f"{what} in {place} of {ended.args}"
            if not (is_customer_asked_for and place == "stdout"):
                digits = "".join(filter(str.isdigit, text.replace("4799", "")))
                assert [] == [what for what, word in CUSTOMER.items() if word in text], f"in {place} of {ended.args}"
                assert CUSTOMER["digits"] not in digits, f"phone in {place} of {ended.args}"


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Planted]:
    with live_shop(tmp_path) as shop:
        yield Planted(shop)


def named(level: list[str]) -> str:
    return " ".join(level) or "plain"


@pytest.mark.parametrize("level", LOUDEST, ids=named)
def test_k3_no_command_shows_a_secret_or_a_customer(planted: Planted, level: list[str]) -> None:
    for number, command in enumerate(COMMANDS):
        planted.edit(number)
        planted.check(planted.shop.run(*level, *command))
    for command in SHOWN_ON_WISH:
        ended = planted.shop.run(*level, *command)
        assert CUSTOMER["address"] in ended.stdout
        planted.check(ended, is_customer_asked_for=True)

    told = b"".join(planted.monitor.bodies).decode()
    assert '"exit_code"' in told
    assert [] == [word for word in (*planted.known_secrets().values(), *CUSTOMER.values()) if word in told]


def test_k3_who_asks_for_less_is_shown_no_more(planted: Planted) -> None:
    for number, level in enumerate(QUIETER):
        planted.edit(number)
        for command in ("pull", "push"):
            planted.check(planted.shop.run(*level, command))


def test_k3_the_state_holds_no_secret_and_no_file_is_for_others(planted: Planted) -> None:
    """Customers' data stand in it: it is what both sides agreed on."""
    for number, command in enumerate((["pull"], ["push"], ["pull", "--full"])):
        planted.edit(number)
        planted.shop.run(*command)

    dump = dumped(planted.shop.state)
    assert CUSTOMER["address"] in dump
    assert [] == [what for what, secret in planted.known_secrets().items() if secret in dump]
    token_files = ("sandbox-gsheet.json", ".env", ".amo_tokens.json", ".amo_tokens.json.google")
    for path in planted.shop.folder.iterdir():
        assert 0 == path.stat().st_mode & 0o077, path.name
        if path.name not in token_files:
            contents = path.read_bytes()
            assert [] == [what for what, secret in planted.known_secrets().items() if secret.encode() in contents], path.name


def dumped(state: Path) -> str:
    connection = sqlite3.connect(state)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def echoing(status: int) -> Rule:
    """A cloud that repeats what it was sent, and a customer, in its refusal."""

    def rule(number: int, request: Request) -> Fault:
        sent = request.headers.get("authorization", "") + request.body.decode("utf-8", "replace")
        customer = f"{CUSTOMER['name']} {CUSTOMER['phone']}"
        body = {"title": customer, "detail": sent, "hint": sent, "error": {"code": status, "message": sent}}
        headers = {"Content-Type": "application/json", "Retry-After": "0"}
        return Fault(Manner.REFUSED, Answer(status, json.dumps(body, ensure_ascii=False).encode(), headers))

    return rule


@pytest.mark.parametrize("cloud", ["amo", "sheets"])
def test_k3_no_refusal_of_a_cloud_carries_a_secret_or_a_customer_into_the_log(planted: Planted, cloud: str) -> None:
    shop = planted.shop
    shop.run("pull")
    wire: Faulty = getattr(shop, cloud)
    for number, status in enumerate((200, 302, 400, 401, 403, 404, 429, 500)):
        planted.edit(number)
        wire.rule = echoing(status)
        for command in ("pull", "push"):
            planted.check(shop.run("-v", command))
        wire.rule = None
        # What amoCRM shut the door for is remembered for a while; the next refusal is to be met as well.
        (shop.folder / ".amo_tokens.json.stop").unlink(missing_ok=True)
    planted.check(shop.run("status"))


BUG = """
import sys
from amo2gsheet import cli, commands
def run_pull(settings, *_):
    client_secret, heartbeat = settings.amo_client_secret, settings.heartbeat_url
    raise RuntimeError(f"{client_secret} {heartbeat}")
commands.run_pull = run_pull
cli.main(sys.argv[1:])
"""


def test_k3_a_traceback_holds_no_secret(planted: Planted) -> None:
    for argv in (["pull", "--json"], ["-v", "--log-format", "json", "pull"]):
        ended = finish([sys.executable, "-c", BUG, "--env-file", str(planted.shop.env_file), *argv])
        assert (1, True) == (ended.returncode, "Traceback" in ended.stderr)
        planted.check(ended)


def test_k4_an_import_names_rows_and_no_customers(planted: Planted) -> None:
    path = planted.shop.folder / "orders.xlsx"
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["Ф.И.О.", "Контактный номер", "Бюджет сделки", "Адрес"])
    sheet.append([CUSTOMER["name"], CUSTOMER["phone"], 100, CUSTOMER["address"]])
    sheet.append([CUSTOMER["name"], CUSTOMER["phone"], "not a number", CUSTOMER["address"]])
    book.save(path)

    for options in (["--dry-run"], ["--dry-run", "--json"], []):
        ended = planted.shop.run("-v", "import-xlsx", str(path), *options)
        assert 3 == ended.returncode
        planted.check(ended)
