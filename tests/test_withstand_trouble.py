"""What the sync must withstand of its surroundings: keys, tabs, states, disks, blocks, hostile texts and ways."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path

import pytest

from amo2gsheet.exceptions import AmoGsheetError, ExitCode
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.faults import Fault, Manner, always, where
from amo2gsheet.state import StateStore
from tests.world import Rewritten, World, is_insert, is_move

TRIGGER = "NOMERATSIYALANMAGAN ZAKAZ"
SENT = "Заказ отправлен"
ADDRESS = "Адрес"


def test_a_sheet_that_is_not_shared_names_the_address_to_share_it_with(tmp_path: Path) -> None:
    world = World(tmp_path)
    email = world.sheets.service_account_key()["client_email"]
    for sharing in ("none", "viewer"):
        world.sheets.knobs.sharing = sharing
        world.lead("Анна")
        with pytest.raises(AmoGsheetError) as caught:
            world.pull()
        assert caught.value.exit_code == ExitCode.UNUSABLE_SHEET
        assert email in caught.value.message + caught.value.hint
    world.sheets.knobs.sharing = "editor"
    world.rest()
    assert len(world.ids()) == 2


@pytest.mark.parametrize("content", [None, "", "{}", "nonsense", '{"type": "authorized_user"}'])
def test_a_broken_key_is_a_login_to_be_mended(tmp_path: Path, content: str | None) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    key = tmp_path / "gsheet.json"
    good = key.read_text()
    key.unlink()
    if content is not None:
        key.write_text(content)

    with pytest.raises(AmoGsheetError) as caught:
        world.pull()
    assert caught.value.exit_code == ExitCode.LOGIN
    assert "gsheet.json" in caught.value.message + caught.value.hint
    key.write_text(good)
    world.rest()


def test_a_missing_tab_is_made_and_one_that_was_deleted_is_not(tmp_path: Path) -> None:
    world = World(tmp_path, GOOGLE_WORKSHEET_NAME="Заказы")
    lead = world.lead("Анна")
    world.pull()
    world.person.title = "Заказы"
    assert world.ids() == [lead]

    world.person.delete_tab()
    world.move(lead, world.stage(SENT))
    codes = [world.code(world.pull), world.code(world.push)]

    assert codes == [ExitCode.UNUSABLE_SHEET] * 2
    assert world.patches() == 0


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (["ID", "Имя"], ["статус"]),
        (["Имя", "Телефон"], ["ID", "статус"]),
        (["ID", "статус", "id "], ["ID"]),
        (["ID", "статус", "Статус"], ["статус"]),
    ],
)
def test_a_header_that_is_missing_or_doubled_is_named_and_nothing_is_written(
    tmp_path: Path, header: list[str], words: list[str]
) -> None:
    world = World(tmp_path)
    world.person.paste("A1", [header, ["моё"]])
    world.lead("Анна")
    with pytest.raises(AmoGsheetError) as caught:
        world.pull()

    assert caught.value.exit_code == ExitCode.UNUSABLE_SHEET
    assert all(word in caught.value.message + caught.value.hint for word in words)
    assert world.sheets.table() == [header, ["моё"]]
    assert world.sheets.touches() == []


def test_a_damaged_state_is_set_aside_and_the_run_goes_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.pick(lead, "Отказ")
    for path in tmp_path.glob(".amo2gsheet.sqlite3-*"):
        path.unlink()
    (tmp_path / ".amo2gsheet.sqlite3").write_bytes(b"no database at all " * 500)
    codes = [world.pull().exit_code, world.push().exit_code]

    assert codes[0] == ExitCode.PARTIAL
    assert (world.patches(), world.ids()) == (0, [lead, other])
    assert list(tmp_path.glob("*damaged*"))
    world.pick(lead, "У курера")
    world.rest()
    assert world.stage_of(lead) == SENT


def test_a_state_of_another_sheet_or_account_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lead("Анна")
    world.pull()
    world.sheets.add_book("1AnotherSpreadsheetOfAmo2gsheet00000000000000").add_tab("Sheet1", sheet_id=0)
    world.set(GOOGLE_SHEET_ID="1AnotherSpreadsheetOfAmo2gsheet00000000000000")

    for run in (world.pull, world.push):
        with pytest.raises(AmoGsheetError) as caught:
            run()
        assert caught.value.exit_code == ExitCode.UNUSABLE_STATE
        assert "STATE_DB" in caught.value.message + caught.value.hint


@pytest.mark.parametrize("spare_pages", [0, 1, 2, 4])
def test_a_full_disk_ends_the_run_and_loses_nothing(tmp_path: Path, spare_pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    leads = [world.lead(f"Новый {number}") for number in range(60)]
    real_open = StateStore.open

    def full(*positional: object, **named: object) -> StateStore:
        state = real_open(*positional, **named)  # type: ignore[arg-type]
        ((pages,),) = state._database.rows("PRAGMA page_count")
        state._database.rows(f"PRAGMA max_page_count = {pages + spare_pages}")
        return state

    with monkeypatch.context() as patch:
        patch.setattr(StateStore, "open", full)
        with pytest.raises(AmoGsheetError) as caught:
            world.pull()
        assert world.code(world.push) in (ExitCode.UNUSABLE_STATE, ExitCode.DONE)

    assert caught.value.exit_code == ExitCode.UNUSABLE_STATE
    assert "disk is full" in caught.value.message
    world.rest()
    assert (world.stage_of(lead), sorted(world.ids(), key=str)) == ("Отказ", [lead, *leads])


def test_a_blocked_account_ends_the_run_and_is_left_in_peace(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.amo.is_blocked = True
    sent = world.amo_wire.count
    codes = [world.code(world.push), world.code(world.pull), world.code(world.push), world.code(world.pull)]

    assert codes == [ExitCode.LOGIN] * 4
    assert world.amo_wire.count == sent + 1
    world.amo.unblock()
    world.clock.advance(900)
    world.rest()
    assert world.stage_of(lead) == "Отказ"


def test_a_right_that_is_missing_is_no_block(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.amo.knobs.users_forbidden = True
    world.amo.knobs.events_forbidden = True
    lead, other = world.lead("Анна"), world.lead("Борис")
    world.pull()
    world.amo.knobs.forbidden_leads = {lead}
    world.pick(lead, "Отказ")
    world.pick(other, "Отказ")
    assert world.push().exit_code == ExitCode.PARTIAL

    assert (world.stage_of(lead), world.stage_of(other)) == (TRIGGER, "Отказ")
    assert str(world.row(lead)["Ответственный"]) == str(world.account.leads.current[lead].responsible_user_id)
    world.pull()
    world.assert_silent()


def test_an_account_without_a_trigger_names_the_nearest_stages(tmp_path: Path) -> None:
    world = World(tmp_path, TRIGGER_STATUS_NAME="NOMERLANGAN ZAKAS")
    with pytest.raises(AmoGsheetError) as caught:
        world.pull()

    assert caught.value.exit_code == ExitCode.SETTINGS
    assert any(TRIGGER in problem for problem in caught.value.problems)
    world.set(TRIGGER_STATUS_NAME=TRIGGER)
    lead = world.lead("Анна")
    world.rest()
    assert world.ids() == [lead]


HOSTILE = [
    "Иван [/заказ]",
    "[bold]Иван[/bold]",
    "Иван\x00\x07\x1b[31m красный",
    "Иван\u202eфдп.exe",
    "строка\nвторая\r\nтретья\tтаб",
    "{lead} %s {0} \\n",
    "𝕴𝖛𝖆𝖓 👩‍👩‍👧 ж" * 5,
    "<script>alert(1)</script>",
    "' OR 1=1; --",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_breaks_nothing(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    lead = world.lead(name, phone="+998 00 000-00-01", fields={ADDRESS: name})
    world.pull()
    shown = (world.row(lead)["Ф.И.О."], world.row(lead)[ADDRESS])
    world.account.edit_lead(lead, fields={ADDRESS: f"{name}!"})
    world.pick(lead, "Отказ")
    world.push()
    world.pull()

    printable = "".join(
        letter for letter in name if letter in "\n\t" or (ord(letter) >= 32 and not 0xD800 <= ord(letter) < 0xE000)
    )
    assert [" ".join(str(text).split()) for text in shown] == [" ".join(printable.split())] * 2
    assert world.stage_of(lead) == "Отказ"
    world.rest()


def test_half_a_character_breaks_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.amo_wire.cloud = Rewritten(world.amo, lambda item: item.update(name="Анна \ud83d"))
    world.pull()

    assert world.row(lead)["Ф.И.О."] == "Анна \ufffd"
    world.rest()


def test_hostile_names_of_stages_pipelines_and_fields_break_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    stages = [TRIGGER, "[/заказ]", "=1+1", "\u202e\u0007"]
    pipeline = world.account.add_pipeline("[red]Воронка[/red] '%s'", stages)
    world.account.add_lead_field("=Поле'!A1")
    leads = [world.lead("Анна", world.stage(TRIGGER, pipeline), fields={"=Поле'!A1": "x"}) for _ in stages]
    world.pull()
    world.person.type_at(1, 22, "'=Поле'!A1")
    for lead, name in zip(leads, stages, strict=True):
        world.move(lead, world.stage(name, pipeline))
    world.push()
    world.pull()

    assert [world.status(lead) for lead in leads][:3] == ["В процессе", "[/заказ]", "=1+1"]
    assert world.row(leads[0])["Воронка"] == "[red]Воронка[/red] '%s'"
    assert world.row(leads[0])["=Поле'!A1"] == "x"
    world.rest()


@pytest.mark.parametrize("side", ["amo", "sheets"])
def test_a_redirect_to_another_host_takes_no_token_along(tmp_path: Path, side: str) -> None:
    """No cloud stands at the other address: following it would end the test."""
    world = World(tmp_path)
    world.pull()
    world.lead("Анна")
    wire = world.amo_wire if side == "amo" else world.sheets_wire
    wire.rule = always(Fault(Manner.REFUSED, answers.redirect_302()))
    code = world.code(world.pull)
    wire.rule = None

    assert code == ExitCode.UNAVAILABLE
    world.rest()


def test_a_netrc_at_home_does_not_replace_the_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine 127.0.0.1 login mallory password secret\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    world = World(tmp_path)
    lead = world.lead("Анна")
    world.pull()
    world.pick(lead, "Отказ")
    world.push()

    sent = [exchange.request for wire in (world.amo_wire, world.sheets_wire) for exchange in wire.log]
    assert world.stage_of(lead) == "Отказ"
    assert all(request.headers.get("authorization", "Bearer").startswith("Bearer") for request in sent)


def test_no_secret_no_name_and_no_phone_stands_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path)
    caplog.set_level(logging.DEBUG)
    lead = world.lead("Анна Секретная", phone="+998 00 765-43-21", fields={ADDRESS: "ул. Тайная, 7"})
    world.pull()
    world.person.type(ADDRESS, "ул. Скрытая, 8", lead=lead)
    world.account.edit_lead(lead, fields={ADDRESS: "ул. Неведомая, 9"})
    world.pick(lead, "Отказ")
    world.push()
    world.pull()
    world.amo_wire.rule = where(is_move, Fault(Manner.REFUSED, answers.html_502()))
    world.sheets_wire.rule = where(is_insert, Fault(Manner.REFUSED, answers.json_500()))
    world.pick(lead, "У курера")
    world.lead("Пётр Тихий")
    world.code(world.push)
    world.code(world.pull)

    told = caplog.text
    secrets = [world.more_settings.get("x", ""), json.loads((tmp_path / "gsheet.json").read_text())["private_key"][30:90]]
    secrets += ["Секретная", "765-43-21", "Тайная", "Скрытая", "Неведомая", "Тихий", world.settings.long_lived_token]
    assert told
    assert [secret for secret in secrets if secret and secret in told] == []


def test_no_changed_name_or_phone_stands_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path)
    caplog.set_level(logging.DEBUG)
    lead = world.lead("Анна Секретная", phone="+998 00 765-43-21")
    world.pull()
    (contact,) = [link.id for link in world.account.contacts.current.values()]
    world.account.edit_contact(contact, name="Вера Новая", phones=["+998 00 111-22-33"])
    outcome = world.pull(full=True)

    assert "Вера Новая" == world.person.see("Ф.И.О.", lead=lead)
    told = caplog.text + repr(outcome.report)
    assert [] == [secret for secret in ("Секретная", "765-43-21", "Вера", "111-22-33") if secret in told]


def test_a_date_stays_a_date_and_a_text_a_text_through_a_full_comparison(tmp_path: Path) -> None:
    world = World(tmp_path)
    texts = {"Заказ №": "007", ADDRESS: "=1+1", "Продукт 1": "01.02.2026"}
    lead = world.lead("+998", price=10.5, phone="+998 00 000-00-01", fields={**texts, "Дата заказа": date(2026, 3, 1)})
    world.pull()
    before = world.row(lead)
    outcome = world.pull(full=True)

    assert (outcome.counts["drifted"], world.row(lead)) == (0, before)
    assert {name: before[name] for name in texts} == texts
    world.rest()


def test_a_pick_whose_lead_could_not_be_read_is_held_with_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, PUSH_LIMIT="2", PUSH_LIMIT_PERCENT="30")
    leads = [world.lead(f"Клиент {number}") for number in range(6)]
    world.pull()
    for lead in leads[:3]:
        world.pick(lead, "Отказ")
    world.amo_wire.rule = where(
        lambda request: request.path == f"/api/v4/leads/{leads[2]}", Fault(Manner.REFUSED, answers.json_429_amo())
    )
    first = world.push()
    world.amo_wire.rule = None

    second, third = world.push(), world.push()

    assert [ExitCode.HELD_BACK, ExitCode.HELD_BACK, ExitCode.DONE] == [run.exit_code for run in (first, second, third)]
    assert (leads[:3], 0) == ([entry.lead_id for entry in world.waiting("held")], world.patches())
    world.push(force=True)
    assert ["Отказ"] * 3 == [world.stage_of(lead) for lead in leads[:3]]
