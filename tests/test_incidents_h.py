"""Incidents, group H: quota, API, tokens. The client's own tests hold the finer cases of H3, H4 and H7."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Fault, Manner, Rule, times
from tests.world import STATUS, World, is_cell_write, is_insert


def nth_write(number: int, fault: Fault) -> Rule:
    """Let the so-many-th writing request to Sheets go wrong once."""
    seen = 0

    def rule(_count: int, request: Request) -> Fault | None:
        nonlocal seen
        is_write = is_insert(request) or is_cell_write(request)
        seen += is_write
        return fault if is_write and seen == number else None

    return rule


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("answer", [answers.json_429_google("Write"), answers.html_429()], ids=["json", "html"])
def test_h1_a_spent_quota_is_waited_for_and_no_row_is_doubled(tmp_path: Path, answer: Answer, number: int) -> None:
    world = World(tmp_path)
    world.sheets.knobs.quota = "off"
    tracked = world.lead("Анна")
    world.pull()
    leads = [world.lead(f"Клиент {number}") for number in range(1500)]
    world.account.edit_lead(tracked, fields={"Адрес": "ул. Новая, 1"})
    world.sheets_wire.rule = nth_write(number, Fault(Manner.REFUSED, answer))
    outcome = world.pull()

    assert outcome.exit_code == ExitCode.DONE
    assert world.ids() == [tracked, *leads]
    assert world.row(tracked)["Адрес"] == "ул. Новая, 1"


def test_h1_a_real_quota_is_kept(tmp_path: Path) -> None:
    """Sixty reads and sixty writes a minute: runs in a row stay below, or wait."""
    world = World(tmp_path)
    world.sheets.knobs.reads_per_minute = world.sheets.knobs.writes_per_minute = 6
    leads = [world.lead(f"Клиент {number}") for number in range(30)]
    world.pull()
    for number, lead in enumerate(leads):
        world.account.edit_lead(lead, fields={"Адрес": f"ул. {number}"})
        if number % 5 == 0:
            world.pull()
    world.pull()

    assert [row["Адрес"] for row in world.rows()] == [f"ул. {number}" for number in range(30)]
    assert world.ids() == leads


@pytest.mark.parametrize("delay", ["0", "0.05", "0.2"])
def test_h2_no_second_sees_more_than_seven_requests(tmp_path: Path, delay: str) -> None:
    world = World(tmp_path, AMO_REQUEST_DELAY_SEC=delay)
    world.amo.knobs.rate_limit = 7
    leads = [world.lead(f"Клиент {number}", phone=f"+998 00 000-00-{number:02}") for number in range(20)]
    world.pull()
    for lead in leads[:12]:
        world.pick(lead, "Отказ")
    world.pause_seconds = 0
    world.push()
    world.pull()
    world.pull(full=True)
    world.push()

    assert world.amo_wire.count > 25
    assert (world.amo.violations, world.amo.is_blocked) == (0, False)


def oauth_world(tmp_path: Path) -> World:
    """A shop whose tool is logged in by OAuth, with the token file that the older tool left."""
    world = World(tmp_path)
    oauth = world.amo.oauth
    login = {"AMO_CLIENT_ID": oauth.client_id, "AMO_CLIENT_SECRET": oauth.client_secret, "AMO_REDIRECT_URI": oauth.redirect_uri}
    world.set(AMO_LONG_LIVED_TOKEN="", **login)
    access, refresh = oauth.issue_tokens()
    (tmp_path / ".amo_tokens.json").write_text(json.dumps({"access_token": access, "refresh_token": refresh}))
    return world


def refreshes(world: World) -> int:
    """How many times the refresh token was spent."""
    return sum(exchange.request.path == "/oauth2/access_token" for exchange in world.amo_wire.log)


def test_h3_a_401_in_mid_run_is_repaired_by_one_refresh(tmp_path: Path) -> None:
    world = oauth_world(tmp_path)
    lead = world.lead("Анна", phone="+998 00 000-00-01")
    world.pull()
    assert refreshes(world) == 0

    world.pick(lead, "Отказ")
    world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    stored = json.loads((tmp_path / ".amo_tokens.json").read_text())
    world.once(
        world.amo_wire, lambda request: "/contacts" in request.path, lambda: world.amo.oauth.revoke(stored["access_token"])
    )
    world.pull()
    world.push()

    assert (refreshes(world), world.stage_of(lead), world.row(lead)["Адрес"]) == (1, "Отказ", "ул. Новая, 1")
    world.rest()


def test_h3_an_outage_spends_no_refresh_token(tmp_path: Path) -> None:
    world = oauth_world(tmp_path)
    world.pull()
    for answer in (answers.html_502(), answers.json_500_amo(), answers.html_429(), answers.json_403_amo()):
        world.amo_wire.rule = times(20, Fault(Manner.REFUSED, answer))
        with suppress(AmoGsheetError):
            world.pull()
    world.amo_wire.rule = None

    assert refreshes(world) == 0
    world.rest()


def test_h3_a_months_pause_costs_one_refresh(tmp_path: Path) -> None:
    world = oauth_world(tmp_path)
    world.pull()
    world.clock.advance(30 * 86_400)
    world.pull()
    world.push()

    assert refreshes(world) == 1
    world.rest()


@pytest.mark.parametrize("empty", ["204", "200"])
def test_h5_an_empty_account_is_no_error(tmp_path: Path, empty: str) -> None:
    world = World(tmp_path)
    world.amo.knobs.empty_list = empty  # type: ignore[assignment]
    world.pull()
    world.clock.advance(3600)
    world.pull()
    lead = world.lead("Анна")
    world.pull()
    world.account.trash_lead(lead)
    world.clock.advance(3600)
    world.pull()

    assert world.ids() == [lead]
    world.rest()


def test_h6_300_changed_leads_cost_two_pages_and_three_contact_requests(tmp_path: Path) -> None:
    world = World(tmp_path)
    leads = []
    for number in range(300):
        world.clock.advance(0.2)
        leads.append(world.lead(f"Клиент {number}", phone=f"+998 00 000-0{number:03}"))
    world.pull()
    for lead in leads:
        world.clock.advance(0.2)
        world.account.edit_lead(lead, fields={"Адрес": "ул. Новая, 1"})
    before = len(world.amo_wire.log)
    world.pull()

    paths = [exchange.request.path for exchange in world.amo_wire.log[before:]]
    assert (paths.count("/api/v4/leads"), paths.count("/api/v4/contacts")) == (2, 3)
    assert len(paths) == 5
    assert {row["Адрес"] for row in world.rows()} == {"ул. Новая, 1"}


def test_h7_the_251st_user_shows_by_name(tmp_path: Path) -> None:
    world = World(tmp_path)
    users = [world.account.add_user(f"Сотрудник {number}") for number in range(260)]
    lead = world.lead("Анна", responsible=users[-1])
    world.pull()

    assert world.row(lead)["Ответственный"] == "Сотрудник 259"
    world.rest()


def is_tab_list(request: Request) -> bool:
    """Whether a request reads the list of tabs."""
    return request.method == "GET" and "/values" not in request.path and request.path != "/token"


@pytest.mark.parametrize("title", ["Заказы", "Sheet1"])
def test_h8_a_tab_that_somebody_makes_meanwhile_is_used_not_made_again(tmp_path: Path, title: str) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME=title)
    if title == "Sheet1":
        world.person.add_tab("Другой")
        world.person.delete_tab()
    lead = world.lead("Анна")
    helper = world.person.on("Другой" if title == "Sheet1" else "Sheet1")

    def make_it() -> None:
        helper.add_tab(title)

    world.once(world.sheets_wire, lambda request: request.path.endswith(":batchUpdate"), make_it)
    with suppress(AmoGsheetError):
        world.pull()
    world.pull()
    world.person.title = title

    titles = [tab.title for tab in next(iter(world.sheets.books.values())).tabs]
    assert titles.count(title) == 1
    assert world.ids() == [lead]
    world.rest()


def test_h8_a_second_state_that_makes_the_tab_at_the_same_time_is_told_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    (tmp_path / "other").mkdir()
    world.set(STATE_DB="other/state.sqlite3")

    assert world.code(world.pull) == ExitCode.UNUSABLE_STATE
    assert world.code(world.push) == ExitCode.UNUSABLE_STATE
    assert (world.ids(), world.status(lead)) == ([lead], "В процессе")
    assert STATUS in world.sheets.table()[0]
