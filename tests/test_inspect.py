"""`inspect`: everything that the account holds is there, readable, and true to what `pull` and `push` will do."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from amo2gsheet import commands
from amo2gsheet.cli import run
from amo2gsheet.commands_inspect import Wanted, run_inspect
from amo2gsheet.config import load_settings
from amo2gsheet.exceptions import AmoGsheetError, ExitCode, LoginError, NoSuchLeadError
from amo2gsheet.inspection import Inspection
from amo2gsheet.inspection_settings import env_line
from amo2gsheet.output_inspect import document, tables
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Manner, where
from amo2gsheet.state import RunLock
from tests.world import World

ANSI = re.compile("\x1b\\[[0-9;]*m")
HOSTILE = "[red]x[/red] \x1b]0;t\x07 \u202eabc"


class Terminal(io.StringIO):
    """A stdout that shows colours."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Pipe(Terminal):
    """A stdout that goes to a program."""

    def isatty(self) -> bool:
        return False


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def looked(world: World, **wanted: Any) -> Inspection:
    return run_inspect(world.settings, Wanted(**wanted), world.outside)


def shown(world: World, width: int = 200, **wanted: Any) -> str:
    return tables(looked(world, **wanted), Pipe(), width)


Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the program on the shop; returns exit code, stdout and stderr."""
    monkeypatch.setattr(commands.Outside, "real", classmethod(lambda cls: world.outside))

    def start(*argv: str) -> tuple[int, str, str]:
        code = run(["--env-file", str(world.folder / ".env"), *argv], {})
        told = capsys.readouterr()
        return code, told.out, told.err

    return start


# --- a large account ---


@pytest.fixture
def large(world: World) -> World:
    """50 pipelines, 135 fields and 260 users, each with a name that no other part of the account has."""
    account = world.account
    for number in range(48):
        account.add_pipeline(f"Воронка-{number:02}", [f"Этап-{number:02}-{place}" for place in range(8)])
    for number in range(135 - len(account.fields_of("leads"))):
        account.add_lead_field(f"Поле-{number:03}", "select", [f"вар{number:03}-{place}" for place in range(6)])
    for number in range(260 - len(account.users)):
        account.add_user(f"Имя-{number:03}")
    return world


@pytest.mark.parametrize("stream", [Pipe(), Terminal()], ids=["pipe", "terminal"])
@pytest.mark.parametrize("width", [80, 200])
def test_a_large_account_is_complete_and_fits(
    large: World, width: int, stream: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    inspection = looked(large, has_users=True)
    text = tables(inspection, stream, width)
    plain = ANSI.sub("", text)
    bare = re.sub(r"\s", "", plain)

    assert (50, 135, 260) == tuple(map(len, (inspection.pipelines or (), inspection.lead_fields or (), inspection.users or ())))
    names = [stage.name for pipeline in inspection.pipelines or () for stage in pipeline.stages]
    names += [name for pipeline in inspection.pipelines or () for name in (pipeline.name, str(pipeline.id))]
    names += [str(one.id) for one in inspection.lead_fields or ()] + [one.name for one in inspection.lead_fields or ()]
    names += [option for one in inspection.lead_fields or () for option in one.options]
    names += [text for user_id, name in (inspection.users or {}).items() for text in (str(user_id), name)]
    missing = [name for name in names if re.sub(r"\s", "", name) not in bare]
    assert [] == [name for name in missing if name.startswith(("Воронка-", "Этап-", "Поле-", "Имя-", "вар"))]
    in_tables = plain.partition("For the settings file")[0].splitlines()
    assert max(map(cell_len, in_tables)) <= width
    assert ("\x1b[" in text) == stream.isatty()


@pytest.mark.parametrize("width", [80, 200])
def test_what_is_longer_than_the_screen_is_folded_and_not_cut(world: World, width: int) -> None:
    world.account.add_lead_field("Ы" * 150, "select", ["Ъ" * 150])
    world.account.add_pipeline("Ж" * 150, ["Щ" * 150])
    world.account.add_user("Ю" * 150)
    in_tables = shown(world, width, has_users=True).partition("Settings in use")[0]

    assert [150, 150, 150] == [in_tables.count(letter) for letter in "ЫЪЮ"]
    # A stage stands there with what it is shown as; this pipeline also among those without a trigger.
    assert [300, 300] == [in_tables.count(letter) for letter in "ЩЖ"]
    assert max(map(cell_len, in_tables.splitlines())) <= width


def test_a_stdout_that_is_not_utf_8_gets_plain_lines(world: World) -> None:
    class Ascii(Pipe):
        encoding = "ascii"

    assert "─" not in tables(looked(world), Ascii(), 80)
    assert "─" in tables(looked(world), Pipe(), 80)


# --- what is shown ---


def test_d2_an_unmapped_stage_is_marked_and_a_trigger_too(world: World) -> None:
    pipelines = {one.name: {stage.name: stage for stage in one.stages} for one in looked(world).pipelines or ()}
    stages = pipelines["Farida - Sotuv Demo"]

    assert (True, "В процессе", True) == _of(stages["NOMERATSIYALANMAGAN ZAKAZ"])
    assert (False, "У курера", True) == _of(stages["Заказ отправлен"])
    assert (False, "Консультация", False) == _of(stages["Консультация"])
    (line,) = [line for line in shown(world).splitlines() if "ДУМКА" in line and "own name" in line]
    assert line.count("ДУМКА") == 2


def _of(stage: Any) -> tuple[bool, str, bool]:
    return stage.is_trigger, stage.shown, stage.is_mapped


def test_what_a_pick_does_is_shown_for_each_pipeline(world: World) -> None:
    world.account.add_pipeline("Без отказа", ["Заказ отправлен"])
    targets = {one.name: one.targets for one in looked(world).pipelines or ()}

    assert "Отказ" == targets["Farida - Sotuv Demo"]["Отказ"]
    assert "OTKAZ" == targets["Baza Uspeshno"]["Отказ"]
    assert targets["Без отказа"]["Отказ"] is None
    assert "Отказ → nothing" in shown(world)


def test_the_columns_say_what_fills_them_and_what_matches_nothing(world: World) -> None:
    world.person.paste("A1", [["Имя", "ID", "статус", "заказ  №", "Заказ №", "", "Курьер"]])
    sheet = looked(world).sheet
    assert sheet is not None

    assert (1, 6) == (sheet.header_row, len(sheet.columns))
    kinds = [(one.letter, one.header, one.kind) for one in sheet.columns]
    assert [
        ("A", "Имя", "own"),
        ("B", "ID", "system"),
        ("C", "статус", "system"),
        ("D", "заказ  №", "field"),
        ("E", "Заказ №", "doubled"),
        ("G", "Курьер", "own"),
    ] == kinds
    assert 'field "Заказ №"' == sheet.columns[3].source


def test_an_empty_tab_shows_the_columns_that_it_will_get(world: World) -> None:
    sheet = looked(world).sheet
    assert sheet is not None

    assert (None, 21) == (sheet.header_row, len(sheet.columns))
    assert "The tab is empty" in sheet.note
    assert {"Группа", "Регион"} <= {one.header for one in sheet.columns if one.kind == "own"}


def test_a_tab_to_come_and_a_tab_of_somebody_else_are_told_apart(world: World) -> None:
    world.set(GOOGLE_WORKSHEET_NAME="Заказы")
    missing = looked(world).sheet
    world.set(GOOGLE_WORKSHEET_NAME="Sheet1")
    world.person.paste("A1", [["Отпуска"], ["Анна"]])
    foreign = looked(world).sheet
    assert missing is not None
    assert foreign is not None

    assert 'no tab "Заказы" yet' in missing.note
    assert "`pull` refuses it" in foreign.note
    assert () == foreign.columns


def test_the_tab_is_the_one_that_pull_means(world: World) -> None:
    """In other letter case; and a renamed one before that."""
    world.set(GOOGLE_WORKSHEET_NAME="sheet1")
    other_case = looked(world).sheet
    world.pull()
    world.person.rename_tab("Архив")
    world.lead("Анна")
    world.pull()
    world.person.add_tab("Sheet1")
    renamed = looked(world).sheet
    assert other_case is not None
    assert renamed is not None

    assert ("Sheet1", "Архив") == (other_case.title, renamed.title)


def test_a_renamed_field_keeps_its_column_as_in_pull(world: World) -> None:
    world.lead("Анна")
    world.pull()
    (field_id,) = [one.id for one in world.account.fields.values() if one.name == "Адрес"]
    world.account.rename_field(field_id, "Адрес доставки")
    sheet = looked(world).sheet
    assert sheet is not None

    (column,) = [one for one in sheet.columns if one.header == "Адрес"]
    assert ("field", field_id) == (column.kind, column.field_id)


def test_a_lead_is_shown_whole(world: World) -> None:
    company = world.account.add_company("ООО «Базар»")
    lead = world.lead("Анна", phone="+998 00 000-00-01", price=4500, company=company, fields={"Адрес": "ул. Мира, 1"})
    world.clock.advance(60)
    world.move(lead, world.stage("Отказ"))
    view = looked(world, lead_id=lead).lead
    assert view is not None

    assert (lead, "Отказ", 4500) == (view.line.id, view.line.stage, view.line.price)
    assert "ООО «Базар»" == view.company
    assert [("Анна", ("+998 00 000-00-01",))] == [(one["name"], one["phones"]) for one in view.contacts]
    assert [("Адрес", "ул. Мира, 1")] == [(one.name, one.text) for one in view.fields]
    assert [("NOMERATSIYALANMAGAN ZAKAZ", "Отказ")] == [(one["from"], one["to"]) for one in view.moves or ()]
    assert ("Анна", "Отказ", "ул. Мира, 1") == tuple(view.row[header] for header in ("Ф.И.О.", "статус", "Адрес"))
    text = shown(world, lead_id=lead)
    assert all(part in text for part in ("+998 00 000-00-01", "ул. Мира, 1", "ООО «Базар»", str(lead)))


def test_the_row_that_is_shown_is_the_row_that_pull_writes(world: World) -> None:
    lead = world.lead("Анна", phone="+998 00 000-00-01", price=4500, fields={"Адрес": "ул. Мира, 1", "Количество 1": 2})
    view = looked(world, lead_id=lead).lead
    world.pull()
    assert view is not None

    written = {header: "" if value is None else str(value) for header, value in world.row(lead).items()}
    assert {header: written[header] for header in view.row} == dict(view.row)


def test_as_many_leads_as_asked_for_are_read_from_small_pages(world: World) -> None:
    world.amo.knobs.leads_page_cap = 2
    ids = [world.lead(f"Клиент {number}") for number in range(7)]

    leads = looked(world, leads=5).leads or ()

    assert ids[:1:-1] == [line.id for line in leads]
    assert 7 == len(looked(world, leads=100).leads or ())


def test_the_newest_leads_come_first_and_as_many_as_asked_for(world: World) -> None:
    for number in range(5):
        world.lead(f"Заказ {number}")
        world.clock.advance(10)

    leads = looked(world, leads=3).leads or ()

    assert ["Заказ 4", "Заказ 3", "Заказ 2"] == [one.name for one in leads]


def test_no_lead_of_that_number_is_an_answer_of_its_own(world: World) -> None:
    with pytest.raises(NoSuchLeadError) as caught:
        looked(world, lead_id=99)
    assert ExitCode.NEGATIVE is caught.value.exit_code


def test_without_a_trigger_the_nearest_names_are_shown_and_nothing_dies(world: World) -> None:
    world.set(TRIGGER_STATUS_NAME="NUMERATSIYALANMAGAN ZAKAS")
    inspection = looked(world)

    assert any("No stage is a trigger" in note and "NOMERATSIYALANMAGAN ZAKAZ" in note for note in inspection.notes)
    assert "NOMERATSIYALANMAGAN ZAKAZ" == {one.name: one.value for one in inspection.suggestions}["TRIGGER_STATUS_NAME"]


def test_j6_every_setting_is_shown_with_its_source_and_a_dead_pick_said_loudly(world: World) -> None:
    world.set(DROPDOWN_STATUS_MAP_JSON='{"Новый": 0, "Отказ": 0}', PUSH_LIMIT="7")
    inspection = looked(world)
    text = shown(world)

    assert {one.name for one in world.settings.in_use} == {name for name, _, _ in inspection.in_use}
    assert re.search(r"PUSH_LIMIT +7 +line \d+", text)
    assert re.search(r"CONFLICT_WINNER +amo +default", text)
    assert '! A pick of "Новый" moves nothing' in text


def test_j13_it_reads_the_settings_that_pull_and_push_read(world: World) -> None:
    world.set(TRIGGER_STATUS_NAME="ДУМКА")
    triggers = {stage.name for one in looked(world).pipelines or () for stage in one.stages if stage.is_trigger}
    lead = world.lead("Анна", world.stage("ДУМКА", world.base))
    world.pull()

    assert {"ДУМКА"} == triggers
    assert [lead] == world.ids()


def test_a9_what_inspect_saw_is_what_pull_takes(world: World) -> None:
    world.person.paste("A1", [["Статус", "id", "Имя"]])
    looked(world)
    lead = world.lead("Анна")

    assert world.pull().exit_code is ExitCode.DONE
    assert ["Статус", "id", "Имя"] == world.sheets.table()[0]
    assert lead == world.sheets.table()[1][1]


# --- ready-made settings ---


def settings_from(world: World, inspection: Inspection) -> Any:
    lines = [env_line(one.name, one.value) for one in inspection.suggestions]
    path = world.folder / "pasted.env"
    path.write_text("\n".join([*lines, "AMO_SUBDOMAIN=x", "AMO_LONG_LIVED_TOKEN=y", "GOOGLE_SHEET_ID=z"]), "utf-8")
    return load_settings(path, {}, world.folder)


def test_the_lines_for_the_settings_file_can_be_pasted(world: World) -> None:
    world.account.add_pipeline("It's \"so\" \\ 'and' # so $HOME", ["a'b\\", "x\u202ey\x85\x7f", "С, запятой", " Двойной  "])
    inspection = looked(world)
    settings = settings_from(world, inspection)

    lines = {one.name: env_line(one.name, one.value) for one in inspection.suggestions}
    assert all(line in shown(world).splitlines() for line in lines.values())
    assert "It's \"so\" \\ 'and' # so $HOME" in settings.pipeline_display
    assert {"a'b\\", "x\u202ey\x85\x7f", "С, запятой"} <= set(settings.status_display)
    assert world.settings.dropdown == settings.dropdown
    assert world.shop == settings.pipeline_id


def test_pasting_the_lines_changes_no_text_in_the_sheet(world: World) -> None:
    before = looked(world).pipelines
    suggested = {one.name: one.value for one in looked(world).suggestions}
    world.set(**{name: value for name, value in suggested.items() if "'" not in value and name != "PIPELINE_ID"})

    assert [[stage.shown for stage in one.stages] for one in before or ()] == [
        [stage.shown for stage in one.stages] for one in looked(world).pipelines or ()
    ]


@pytest.mark.parametrize("machine_zone", ["UTC", "America/New_York"])
def test_leads_created_after_is_today_in_the_account_s_zone(
    world: World, machine_zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", machine_zone)
    zone = ZoneInfo(looked(world).account.zone)
    today = datetime.fromtimestamp(world.clock.time(), zone).replace(hour=0, minute=0, second=0, microsecond=0)
    settings = settings_from(world, looked(world))

    assert int(today.timestamp()) == settings.created_after.unix(zone)
    assert f"Unix time {int(today.timestamp())}" in shown(world)


# --- what may not be read ---


def test_a_part_that_may_not_be_read_says_so_and_the_rest_shows(world: World, cli: Cli) -> None:
    world.amo.knobs.users_forbidden = True
    world.amo.knobs.forbidden_scopes = {"contacts"}

    code, out, err = cli("inspect", "--users")

    assert (ExitCode.PARTIAL, "") == (code, err)
    assert "! Not read: The login may not read the users" in out
    assert "Contact fields" in out
    assert "Farida - Sotuv Demo" in out
    assert 'Tab "Sheet1"' in out


def test_without_the_right_to_leads_the_account_and_the_sheet_still_show(world: World) -> None:
    world.amo.knobs.forbidden_scopes = {"leads"}
    inspection = looked(world, leads=5, lead_id=1)

    assert {"pipelines", "lead_fields", "leads", "lead"} == set(inspection.unread)
    assert inspection.sheet is not None
    assert "Not read" in tables(inspection, Pipe(), 80)


@pytest.mark.parametrize("sharing", ["none", "gone"])
def test_a_sheet_that_cannot_be_read_says_so_and_amocrm_still_shows(world: World, sharing: str) -> None:
    if sharing == "none":
        world.sheets.knobs.sharing = "none"
    else:
        world.sheets.knobs.is_gone = True
    inspection = looked(world)

    assert inspection.sheet is None
    assert "as Editor" in inspection.unread["sheet"]
    assert inspection.pipelines is not None


def test_without_a_spreadsheet_it_shows_the_account(world: World, cli: Cli) -> None:
    settings = world.folder / ".env"
    settings.write_text(settings.read_text("utf-8").replace("GOOGLE_SHEET_ID", "# GOOGLE_SHEET_ID"), "utf-8")

    code, out, _ = cli("inspect")

    assert ExitCode.DONE == code
    assert "Farida - Sotuv Demo" in out


def test_an_outage_is_no_empty_account(world: World) -> None:
    world.amo_wire.rule = where(lambda request: "pipelines" in request.path, Fault(Manner.REFUSED, answers.html_502()))

    with pytest.raises(AmoGsheetError) as caught:
        looked(world)
    assert ExitCode.UNAVAILABLE is caught.value.exit_code


def test_a_refused_login_names_auth(world: World) -> None:
    world.amo.oauth.revoke(world.settings.long_lived_token)

    with pytest.raises(LoginError) as caught:
        looked(world)
    assert "`amo2gsheet auth`" in caught.value.hint


# --- promises ---


def test_it_takes_no_lock_and_writes_nothing(world: World) -> None:
    lead = world.lead("Анна")
    lock = RunLock(world.settings.state_db)
    lock.acquire(0, world.outside.clock)
    before = world.sheets.table()
    looked(world, lead_id=lead, leads=5, has_users=True)
    lock.release()

    assert (0, 0, before) == (world.sheet_writes(), world.patches(), world.sheets.table())
    assert not world.settings.state_db.exists()


def test_foreign_text_is_shown_as_it_is_and_commands_no_terminal(world: World) -> None:
    world.account.add_pipeline(HOSTILE, [HOSTILE])
    world.account.add_lead_field(HOSTILE, "select", [HOSTILE])
    lead = world.lead(HOSTILE, phone=HOSTILE)
    text = tables(looked(world, lead_id=lead, leads=5), Terminal(), 200)

    assert "[red]x[/red]" in text
    assert "\\u202eabc" in text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "\x1b]" not in text


@pytest.mark.parametrize("level", ["-v", "-q"])
def test_customers_data_stands_on_stdout_only(world: World, cli: Cli, level: str, caplog: pytest.LogCaptureFixture) -> None:
    lead = world.lead("Анна Ким", phone="+998 00 000-00-01")
    with caplog.at_level(logging.DEBUG):
        code = run([level, "--env-file", str(world.folder / ".env"), "inspect", "--lead", str(lead)], {})

    assert ExitCode.DONE == code
    assert "Анна" not in caplog.text
    assert "000-00-01" not in caplog.text


def test_k3_no_planted_secret_appears_at_any_verbosity(world: World, cli: Cli) -> None:
    token = world.settings.long_lived_token
    key = json.loads(world.settings.service_account_file.read_text())["private_key"].splitlines()[3]
    world.set(
        AMO_CLIENT_SECRET="plum-canary-secret", AMO_AUTH_CODE="plum-canary-code", HEARTBEAT_URL="https://x.test/plum-canary-url"
    )
    lead = world.lead("Анна")

    told = ""
    for argv in (["auth"], ["inspect", "--lead", str(lead)], ["inspect", "--json"], ["pull", "--dry-run"]):
        code = run(["-v", "--env-file", str(world.folder / ".env"), *argv], {})
        assert ExitCode.DONE == code
        told += "".join(cli("inspect")[1:])

    assert [] == [secret for secret in (token, token[-40:], key, "plum-canary") if secret in told]


# --- for programs ---

PARTS = {
    "account", "pipelines", "lead_fields", "contact_fields", "sheet", "users", "leads", "lead", "settings", "settings_in_use",
    "notes", "unread",
}  # fmt: skip


@pytest.mark.parametrize("argv", [[], ["--users", "--leads", "2"]])
def test_a_program_reads_the_same_keys_whatever_was_asked_for(world: World, cli: Cli, argv: list[str]) -> None:
    world.lead("Анна")
    code, out, _ = cli("inspect", "--json", *argv)

    found = json.loads(out)
    assert (1, "inspect", 0, None, 0) == (found["version"], found["command"], found["exit_code"], found["error"], code)
    assert {"version", "command", "exit_code", "error"} | PARTS == set(found)
    assert (bool(argv), bool(argv)) == (found["users"] is not None, found["leads"] is not None)
    assert {"id", "name", "is_main", "is_archived", "stages", "targets"} == set(found["pipelines"][0])
    assert {"id", "name", "shown", "is_trigger", "is_mapped", "is_incoming"} == set(found["pipelines"][0]["stages"][0])
    assert {"id", "name", "type", "options", "column"} == set(found["lead_fields"][0])
    assert {"letter", "header", "kind", "source", "field_id"} == set(found["sheet"]["columns"][0])


def test_a_program_reads_one_lead_whole(world: World, cli: Cli) -> None:
    lead = world.lead("Анна", phone="+998 00 000-00-01", fields={"Дата заказа": date(2026, 3, 2)})
    found = json.loads(cli("inspect", "--json", "--lead", str(lead))[1])["lead"]

    assert {"line", "responsible", "tags", "fields", "contacts", "company", "moves", "row"} == set(found)
    (ordered,) = found["fields"]
    assert ("date", "02.03.2026") == (ordered["type"], ordered["text"])


def test_a_program_reads_why_there_is_no_such_lead(cli: Cli) -> None:
    code, out, _ = cli("inspect", "--json", "--lead", "99")

    found = json.loads(out)
    assert (4, 4, "amoCRM has no lead 99.") == (code, found["exit_code"], found["error"]["message"])


def test_every_part_can_be_written_as_json(world: World) -> None:
    lead = world.lead("Анна", phone="+998 00 000-00-01")

    assert json.dumps(document(looked(world, lead_id=lead, leads=1, has_users=True)))


@pytest.mark.parametrize("argv", [["--lead", "0"], ["--lead", "x"], ["--leads", "251"], ["--leads", "-1"]])
def test_a_wrong_number_is_a_wrong_command_line(cli: Cli, argv: list[str]) -> None:
    assert ExitCode.USAGE == cli("inspect", *argv)[0]
