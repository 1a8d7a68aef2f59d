from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amo2gsheet.config import CreatedAfter, Needs, Settings, load_settings
from amo2gsheet.config_table import BUILT_IN_DROPDOWN, OLD_TOKENS, SETTINGS, Setting
from amo2gsheet.exceptions import ExitCode, SettingsError
from tests.conftest import REPOSITORY

REQUIRED = {"AMO_SUBDOMAIN": "mycompany", "AMO_LONG_LIVED_TOKEN": "token", "GOOGLE_SHEET_ID": "sheet-id"}
CANARY = "Canary5ecret"
TASHKENT = ZoneInfo("Asia/Tashkent")
READING = datetime.fromisoformat


def from_environment(**variables: str) -> Settings:
    """The settings of an environment in which nothing required is missing."""
    return load_settings(None, {**REQUIRED, **variables}, Path.cwd())


def from_file(content: str | bytes, environ: Mapping[str, str] | None = None, needs: Needs = Needs.STATE) -> Settings:
    """The settings of a `.env` in the current folder."""
    Path(".env").write_bytes(content.encode() if isinstance(content, str) else content)
    return load_settings(None, environ or {}, Path.cwd(), needs=needs)


def problems_of(environ: Mapping[str, str], needs: Needs = Needs.STATE) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, environ, Path.cwd(), needs=needs)
    return caught.value.problems


def refusal(name: str, value: str) -> str:
    """The one problem that a value of one setting leads to."""
    (problem,) = problems_of({name: value})
    return problem


class TestSources:
    def test_the_environment_wins_over_the_file(self) -> None:
        settings = from_file("PUSH_LIMIT=7\nHISTORY_DAYS=8", {"PUSH_LIMIT": "9"})

        assert (9, 8) == (settings.push_limit, settings.history_days)

    def test_an_empty_text_in_the_environment_switches_a_value_of_the_file_off(self) -> None:
        settings = from_file("HEARTBEAT_URL=https://hc.example.com/1", {"HEARTBEAT_URL": ""})

        assert settings.heartbeat_url == ""

    def test_the_file_is_the_one_of_the_current_folder_and_none_above(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("PUSH_LIMIT=7")
        below = tmp_path / "below"
        below.mkdir()

        settings = load_settings(None, {}, below, needs=Needs.STATE)

        assert (50, None) == (settings.push_limit, settings.env_file)

    def test_relative_paths_count_from_the_folder_of_the_file(self, tmp_path: Path) -> None:
        folder = tmp_path / "etc"
        folder.mkdir()
        (folder / "shop.env").write_text("STATE_DB=state/db.sqlite3\nAMO_TOKEN_STORE=/var/tokens.json")

        settings = load_settings(Path("etc/shop.env"), {"HOME": "/home/x"}, tmp_path, needs=Needs.STATE)

        assert folder / "state/db.sqlite3" == settings.state_db
        assert Path("/var/tokens.json") == settings.token_store
        assert folder / "gsheet.json" == settings.service_account_file
        assert folder / "shop.env" == settings.env_file

    def test_i3_state_and_tokens_stand_beside_the_file(self, tmp_path: Path) -> None:
        settings = from_file("")

        assert tmp_path / ".amo2gsheet.sqlite3" == settings.state_db
        assert tmp_path / ".amo_tokens.json" == settings.token_store

    def test_a_path_may_begin_in_the_home_folder(self) -> None:
        settings = from_environment(STATE_DB="~/state.sqlite3", HOME="/home/shop")

        assert Path("/home/shop/state.sqlite3") == settings.state_db

    def test_the_home_folder_of_another_user_is_refused(self) -> None:
        assert "only ~/ stands for a home folder" in refusal("STATE_DB", "~shop/state.sqlite3")

    def test_two_settings_never_share_a_file(self) -> None:
        (problem,) = problems_of({"STATE_DB": ".amo_tokens.json"})

        assert "AMO_TOKEN_STORE and STATE_DB name the same file" in problem

    def test_no_setting_names_the_settings_file_itself(self, tmp_path: Path) -> None:
        """A state that is no database is set aside, and the settings with it."""
        (tmp_path / ".env").write_text("STATE_DB=.env\n", encoding="utf-8")

        with pytest.raises(SettingsError) as caught:
            load_settings(None, {}, tmp_path)
        assert any("STATE_DB names the settings file itself" in problem for problem in caught.value.problems)

    def test_a_named_file_that_does_not_exist_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r'"/.*/none\.env" cannot be read: No such file') as caught:
            load_settings(Path("none.env"), {}, tmp_path)

        assert ExitCode.SETTINGS == caught.value.exit_code

    def test_a_folder_that_is_named_in_place_of_a_file_is_told(self, tmp_path: Path) -> None:
        (tmp_path / ".env").mkdir()

        with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
            load_settings(Path(".env"), {}, tmp_path)

    def test_a_folder_of_the_default_name_is_no_settings_file(self, tmp_path: Path) -> None:
        """Many keep their virtual environment in a folder of this name."""
        (tmp_path / ".env").mkdir()

        settings = load_settings(None, REQUIRED, tmp_path)

        assert (None, tmp_path / "gsheet.json") == (settings.env_file, settings.service_account_file)
        with pytest.raises(SettingsError, match=re.escape(f'there is no file ".env" in "{tmp_path}"')):
            load_settings(None, {}, tmp_path)

    def test_without_a_file_the_error_says_where_one_was_looked_for(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=re.escape(f'there is no file ".env" in "{tmp_path}"')) as caught:
            load_settings(None, {}, tmp_path)

        assert "--env-file" in caught.value.hint

    def test_without_arguments_this_process_and_its_folder_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(".env").write_text("HISTORY_DAYS=8")
        monkeypatch.setenv("PUSH_LIMIT", "9")

        settings = load_settings(needs=Needs.STATE)

        assert (9, 8) == (settings.push_limit, settings.history_days)

    def test_reading_changes_no_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from_file("PUSH_LIMIT=7")

        assert load_settings(Path("/dev/null"), needs=Needs.STATE).push_limit == 50


class TestFileAsPeopleWriteIt:
    @pytest.mark.parametrize(
        "line",
        [
            "GOOGLE_WORKSHEET_NAME=Заказы 2026",
            'GOOGLE_WORKSHEET_NAME="Заказы 2026"',
            "GOOGLE_WORKSHEET_NAME='Заказы 2026'",
            "export GOOGLE_WORKSHEET_NAME='Заказы 2026'",
            "  GOOGLE_WORKSHEET_NAME = Заказы 2026   # the tab",
            'GOOGLE_WORKSHEET_NAME="Заказы 2026" # the tab',
        ],
    )
    def test_j1_one_value_in_every_spelling(self, line: str) -> None:
        assert from_file(line).worksheet_name == "Заказы 2026"

    @pytest.mark.parametrize("quote", ["", "'"])
    def test_j1_json_with_blanks_and_cyrillic(self, quote: str) -> None:
        settings = from_file(f'DROPDOWN_STATUS_MAP_JSON={quote}{{"В процессе":0, "У курера":143}}{quote}')

        assert [("В процессе", 0), ("У курера", 143)] == list(settings.dropdown.items())

    def test_j1_json_in_double_quotes_with_escapes(self) -> None:
        settings = from_file(r'STATUS_DISPLAY_MAP_JSON="{\"Раздумье\": \"Думает\"}"')

        assert {"Раздумье": "Думает"} == settings.status_display

    def test_j1_json_over_several_lines(self) -> None:
        settings = from_file('STATUS_DISPLAY_MAP_JSON=\'{\r\n  "Раздумье": "Думает"\r\n}\'\r\n')

        assert {"Раздумье": "Думает"} == settings.status_display

    @pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u3000", "\u200b", "\ufeff"])
    def test_json_that_was_pasted_from_a_page_may_have_its_blanks(self, blank: str) -> None:
        written = '{~"В~процессе~":~0,~~"\\"У~курера":~143~}~'.replace("~", blank)

        assert {f"В{blank}процессе{blank}".strip(): 0, f'"У{blank}курера': 143} == from_environment(
            DROPDOWN_STATUS_MAP_JSON=written
        ).dropdown

    def test_j1_a_date_with_a_blank(self) -> None:
        settings = from_file("LEADS_CREATED_AFTER=27.02.2026 00:00:00")

        assert datetime(2026, 2, 27, tzinfo=TASHKENT).timestamp() == settings.created_after.unix(TASHKENT)

    @pytest.mark.parametrize("value", ['"7"', "'7'", " 7 "])
    def test_j1_quotes_that_a_wrapper_passed_on_are_dropped(self, value: str) -> None:
        assert from_environment(PUSH_LIMIT=value).push_limit == 7

    def test_j2_crlf_line_ends(self) -> None:
        settings = from_file(b"AMO_SUBDOMAIN=mycompany\r\nGOOGLE_WORKSHEET_NAME='Orders'\r\nPUSH_LIMIT=7\r\n")

        assert ("https://mycompany.amocrm.ru", "Orders", 7) == (
            settings.amo_base_url,
            settings.worksheet_name,
            settings.push_limit,
        )

    def test_j3_a_bom_before_the_first_name(self) -> None:
        settings = from_file(b"\xef\xbb\xbfAMO_SUBDOMAIN=mycompany\n")

        assert ("https://mycompany.amocrm.ru", ()) == (settings.amo_base_url, settings.warnings)

    @pytest.mark.parametrize("empty", ["", '""', "''", "   ", "   # comment", "' '"])
    @pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
    def test_j4_an_empty_value_stands_for_the_default(self, setting: Setting, empty: str) -> None:
        assert from_file("") == from_file(f"{setting.name}={empty}")

    def test_nothing_in_a_value_is_expanded(self) -> None:
        settings = from_file("GOOGLE_WORKSHEET_NAME='${HOME} $USER'\nAMO_CLIENT_ID=${X}", {"X": "expanded"})

        assert ("${HOME} $USER", "${X}") == (settings.worksheet_name, settings.amo_client_id)

    def test_a_hash_without_a_blank_before_it_belongs_to_the_value(self) -> None:
        assert from_file("AMO_CLIENT_SECRET=#a#b # secret").amo_client_secret == "#a#b"

    @pytest.mark.parametrize("line", ["PIPELINE_ID=# none", "PIPELINE_ID=#\t7", "PIPELINE_ID=#", "export PIPELINE_ID=# a=b\r"])
    def test_a_comment_right_behind_the_name_leaves_it_empty(self, line: str) -> None:
        settings = from_file(f"\n\n{line}\n")

        assert settings.pipeline_id == 0
        (warning,) = settings.warnings
        assert warning.startswith("PIPELINE_ID in line 3 counts as empty")

    @pytest.mark.parametrize("line", ["GOOGLE_WORKSHEET_NAME='# 1'", 'GOOGLE_WORKSHEET_NAME = "# 1" # the tab'])
    def test_a_hash_in_quotes_is_a_value(self, line: str) -> None:
        settings = from_file(line)

        assert ("# 1", ()) == (settings.worksheet_name, settings.warnings)


class TestFileThatCannotBeRead:
    @pytest.mark.parametrize(
        "line", ['AMO_CLIENT_SECRET="Canary5ecret', "AMO_CLIENT_SECRET: Canary5ecret", "Canary5ecret", "='Canary5ecret'"]
    )
    def test_a_line_of_another_form_is_named_by_its_number_without_its_text(self, line: str) -> None:
        with pytest.raises(SettingsError) as caught:
            from_file(f"# settings\n\n\n{line}\nPUSH_LIMIT=7\n")

        (problem,) = caught.value.problems
        assert problem.startswith("Line 4 is not of the form")
        assert CANARY not in f"{caught.value}{problem}{caught.value.hint}"

    def test_a_name_in_an_unreadable_line_is_not_called_missing_too(self) -> None:
        with pytest.raises(SettingsError) as caught:
            from_file('AMO_SUBDOMAIN="my\nAMO_LONG_LIVED_TOKEN="x"\nGOOGLE_SHEET_ID=a', needs=Needs.BOTH)

        assert [problem[:6] for problem in caught.value.problems] == ["Line 1"]

    def test_a_missing_closing_quote_that_swallows_lines_is_told(self) -> None:
        with pytest.raises(SettingsError) as caught:
            from_file('GOOGLE_WORKSHEET_NAME="Orders\nPUSH_LIMIT=7\n"')

        assert "goes over several lines; a closing quote may be missing" in caught.value.problems[0]

    def test_a_file_in_another_encoding_is_told_with_its_line(self) -> None:
        with pytest.raises(SettingsError, match="is not in UTF-8: line 3"):
            from_file(b"\xef\xbb\xbfPUSH_LIMIT=7\n\n" + "GOOGLE_WORKSHEET_NAME=Заказы".encode("cp1251"))

    def test_a_file_in_utf_16_is_told(self) -> None:
        with pytest.raises(SettingsError, match="is not in UTF-8: line 1"):
            from_file("PUSH_LIMIT=7".encode("utf-16"))


class TestProblems:
    def test_all_problems_are_reported_at_once(self) -> None:
        with pytest.raises(SettingsError) as caught:
            from_file("PUSH_LIMIT=many\nCONFLICT_WINNER=me\nnonsense\nGOOGLE_SHET_ID=a", {"HISTORY_DAYS": "0"}, Needs.BOTH)

        expected = [
            "Line 3 is not",
            "CONFLICT_WINNER (line 2) is",
            "PUSH_LIMIT (line 1) is",
            "HISTORY_DAYS (environment) is",
            "AMO_SUBDOMAIN is missing",
            "AMO_CLIENT_ID is missing",
            "AMO_CLIENT_SECRET is missing",
            "AMO_REDIRECT_URI is missing",
            "GOOGLE_SHEET_ID is missing",
            "GOOGLE_SHET_ID is no setting; did you mean GOOGLE_SHEET_ID?",
        ]
        actual = caught.value.problems
        assert sorted(expected) == sorted(
            next((start for start in expected if problem.startswith(start)), problem) for problem in actual
        )

    @pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
    def test_a_wrong_value_is_named_with_an_example_that_is_right(self, setting: Setting) -> None:
        problem = refusal(setting.name, "\x07")

        assert problem.startswith(f"{setting.name} (environment) ")
        assert problem.endswith(f" Example: {setting.name}={setting.example}")
        assert from_environment(**{setting.name: setting.example}).warnings == ()

    @pytest.mark.parametrize("setting", [*SETTINGS, *OLD_TOKENS], ids=lambda setting: setting.name)
    def test_k3_no_message_repeats_a_secret_wherever_it_was_pasted(self, setting: Setting) -> None:
        token = CANARY * 6 + "\x07"

        assert CANARY not in refusal(setting.name, token)

    @pytest.mark.parametrize("name", [setting.name for setting in (*SETTINGS, *OLD_TOKENS) if setting.is_secret])
    def test_k3_no_message_repeats_even_a_short_secret(self, name: str) -> None:
        assert CANARY not in refusal(name, f"{CANARY} {CANARY}")

    def test_k3_neither_the_representation_nor_the_overview_shows_a_secret(self) -> None:
        secrets = [setting for setting in (*SETTINGS, *OLD_TOKENS) if setting.is_secret]

        settings = from_environment(**{setting.name: f"https://{CANARY}.example.com/" for setting in secrets})

        assert CANARY not in f"{settings!r}{settings}{settings.in_use}"
        assert all(CANARY in getattr(settings, setting.field) for setting in secrets)

    def test_a_token_with_other_letters_in_it_is_refused(self) -> None:
        assert "holds letters that are not Latin" in refusal("AMO_LONG_LIVED_TOKEN", "tоken")

    def test_control_characters_are_shown_as_escapes(self) -> None:
        assert r'is "\x1b[31m\u202e"' in refusal("PUSH_LIMIT", "\x1b[31m\u202e")


class TestWhatIsRequired:
    def test_a_long_lived_token_stands_in_for_the_integration(self) -> None:
        assert load_settings(None, REQUIRED, Path.cwd()).long_lived_token == "token"

    def test_the_integration_stands_in_for_a_token(self) -> None:
        oauth = {"AMO_CLIENT_ID": "i", "AMO_CLIENT_SECRET": "s", "AMO_REDIRECT_URI": "https://example.com/"}

        settings = from_environment(AMO_LONG_LIVED_TOKEN="", **oauth)

        assert ("i", "s", "https://example.com/") == (
            settings.amo_client_id,
            settings.amo_client_secret,
            settings.amo_redirect_uri,
        )

    def test_a_base_address_stands_in_for_the_account(self) -> None:
        settings = from_environment(AMO_SUBDOMAIN="", AMO_BASE_URL="http://127.0.0.1:8000/")

        assert settings.amo_base_url == "http://127.0.0.1:8000"

    @pytest.mark.parametrize(
        ("needs", "missing"),
        [
            (Needs.STATE, []),
            (Needs.AMO, ["AMO_SUBDOMAIN", *["AMO_CLIENT_ID", "AMO_CLIENT_SECRET", "AMO_REDIRECT_URI"]]),
            (Needs.SHEET, ["GOOGLE_SHEET_ID"]),
        ],
    )
    def test_a_command_requires_only_what_it_needs(self, needs: Needs, missing: list[str]) -> None:
        actual = problems_of({"PUSH_LIMIT": "wrong"}, needs)

        assert ["PUSH_LIMIT", *missing] == [problem.split()[0] for problem in actual]

    def test_both_sides_are_what_both_need(self) -> None:
        assert Needs.AMO | Needs.SHEET == Needs.BOTH


class TestNames:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [("AMO_CLENT_ID", "AMO_CLIENT_ID"), ("amo_client_id", "AMO_CLIENT_ID"), ("PUSH_LIMITS", "PUSH_LIMIT")],
    )
    def test_j5_a_misspelt_name_is_named_with_the_right_one(self, written: str, meant: str) -> None:
        assert (f"{written} is no setting; did you mean {meant}?",) == from_file(f"{written}=5").warnings

    def test_j5_an_unknown_name_of_ours_without_a_near_one_is_named(self) -> None:
        assert from_file("AMO_ZZZZZZZZZZ=5").warnings == ("AMO_ZZZZZZZZZZ is no setting.",)

    def test_names_of_others_are_left_alone(self) -> None:
        assert from_file("TZ=UTC\nDATABASE_URL=x\nLANG=C", {"GOOGLE_APPLICATION_CREDENTIALS": "x"}).warnings == ()

    def test_j5_the_old_spelling_is_read_and_named(self) -> None:
        settings = from_file("AMO_REDIRECT_URL=https://example.com/old")

        assert settings.amo_redirect_uri == "https://example.com/old"
        assert settings.warnings == ("AMO_REDIRECT_URL is the old spelling of AMO_REDIRECT_URI; rename it.",)

    def test_the_new_spelling_wins_over_the_old_one_unless_it_is_empty(self) -> None:
        old = "AMO_REDIRECT_URL=https://example.com/old\n"

        assert from_file(f"{old}AMO_REDIRECT_URI=https://example.com/new").amo_redirect_uri == "https://example.com/new"
        assert from_file(f"{old}AMO_REDIRECT_URI=").amo_redirect_uri == "https://example.com/old"

    def test_the_tokens_of_the_old_service_are_read(self) -> None:
        settings = from_file("AMO_ACCESS_TOKEN=access\nAMO_REFRESH_TOKEN=refresh")

        assert ("access", "refresh", ()) == (settings.old_access_token, settings.old_refresh_token, settings.warnings)

    def test_settings_of_the_old_service_are_named_once_as_unused(self) -> None:
        settings = from_file("HOST=0.0.0.0\nPORT=8000\nSYNC_POLL_SECONDS=10", {"WEBHOOK_DEDUP_TTL_SEC": "60"})

        expected = "No longer used, since timers took their place: SYNC_POLL_SECONDS, HOST, PORT."
        assert (expected,) == settings.warnings

    def test_a_name_that_stands_twice_is_named(self) -> None:
        settings = from_file("PUSH_LIMIT=7\n\nPUSH_LIMIT=8")

        assert settings.push_limit == 8
        assert settings.warnings == ("PUSH_LIMIT stands in lines 1 and 3; the later one counts.",)


class TestAddresses:
    @pytest.mark.parametrize(
        "written",
        ["mycompany", "MyCompany", "mycompany.amocrm.ru", "https://mycompany.amocrm.ru/", " https://mycompany.amocrm.ru/leads/ "],
    )
    def test_an_account_in_every_spelling(self, written: str) -> None:
        assert from_environment(AMO_SUBDOMAIN=written).amo_base_url == "https://mycompany.amocrm.ru"

    def test_an_account_of_another_domain(self) -> None:
        assert from_environment(AMO_SUBDOMAIN="mycompany.kommo.com").amo_base_url == "https://mycompany.kommo.com"

    @pytest.mark.parametrize("written", ["my company", "моя", "my_company", "-a", "a..b", "user@example.com", "https://"])
    def test_no_account(self, written: str) -> None:
        assert "not the name of an account" in refusal("AMO_SUBDOMAIN", written)

    def test_a_base_address_wins_over_the_account(self) -> None:
        settings = from_environment(AMO_BASE_URL="https://proxy.example.com/amo/")

        assert settings.amo_base_url == "https://proxy.example.com/amo"

    @pytest.mark.parametrize("name", ["AMO_BASE_URL", "GOOGLE_SHEETS_BASE_URL", "HEARTBEAT_URL"])
    @pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "127.1.2.3:80", "[::1]:8000"])
    def test_http_is_for_this_machine(self, name: str, host: str) -> None:
        assert from_environment(**{name: f"http://{host}"}).warnings == ()

    @pytest.mark.parametrize("name", ["AMO_BASE_URL", "GOOGLE_SHEETS_BASE_URL", "HEARTBEAT_URL"])
    @pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1"])
    def test_http_to_any_other_machine_is_refused(self, name: str, host: str) -> None:
        assert "must begin with https://" in refusal(name, f"http://{host}")

    @pytest.mark.parametrize("name", ["AMO_BASE_URL", "GOOGLE_SHEETS_BASE_URL", "HEARTBEAT_URL", "AMO_REDIRECT_URI"])
    @pytest.mark.parametrize("written", ["example.com", "ftp://example.com", "https://", "https://a:port/", "http://[::"])
    def test_no_address(self, name: str, written: str) -> None:
        assert "address" in refusal(name, written)

    @pytest.mark.parametrize("written", ["https://u:p@example.com", "https://example.com?a=1", "https://example.com#a"])
    def test_a_base_address_holds_nothing_but_a_place(self, written: str) -> None:
        assert "more than scheme, host, port and path" in refusal("AMO_BASE_URL", written)

    def test_the_command_stays_in_the_heartbeat_address(self) -> None:
        url = "https://hc.example.com/ping/amo-{command}?x=1"

        assert from_environment(HEARTBEAT_URL=url).heartbeat_url == url

    @pytest.mark.parametrize(
        "written",
        [
            "1AbC-d_2",
            "https://docs.google.com/spreadsheets/d/1AbC-d_2/edit?gid=0#gid=0",
            "https://docs.google.com/spreadsheets/u/1/d/1AbC-d_2",
        ],
    )
    def test_a_spreadsheet_by_its_id_or_its_address(self, written: str) -> None:
        assert from_environment(GOOGLE_SHEET_ID=written).sheet_id == "1AbC-d_2"

    def test_a_published_copy_is_no_spreadsheet(self) -> None:
        published = "https://docs.google.com/spreadsheets/d/e/2PACX-1vAbC/pubhtml"

        assert "published copy" in refusal("GOOGLE_SHEET_ID", published)

    def test_an_address_without_an_id_is_no_spreadsheet(self) -> None:
        assert "neither an ID nor the address" in refusal("GOOGLE_SHEET_ID", "https://docs.google.com/spreadsheets/")


class TestNumbers:
    @pytest.mark.parametrize(
        "written",
        ["nan", "inf", "-inf", "1e3", "-1", "0x1", "1_000", "٣", "1 000", ".", ",", "-.5", "..5", "1.2.3", "", "9" * 400],
    )
    def test_what_is_no_number_of_seconds_is_refused(self, written: str) -> None:
        if written:
            assert "not a number of seconds from 0 to 60" in refusal("AMO_REQUEST_DELAY_SEC", written)

    @pytest.mark.parametrize("written", ["0.5", "0,5", " 0.50 ", ".5", ",5", " .50"])
    def test_seconds_with_point_or_comma(self, written: str) -> None:
        assert from_environment(AMO_REQUEST_DELAY_SEC=written).amo_request_delay_seconds == 0.5

    @pytest.mark.parametrize("name", ["PUSH_SETTLE_SEC", "STAFF_CACHE_TTL_SEC", "IMPORT_DELAY_SEC", "LOCK_WAIT_SEC"])
    def test_a_fraction_needs_no_zero_before_it_in_any_setting(self, name: str) -> None:
        field = next(setting.field for setting in SETTINGS if setting.name == name)

        assert getattr(from_environment(**{name: ".5"}), field) == 0.5

    @pytest.mark.parametrize("written", ["0", "51", "1.5", "nan", "1_0", "٣", "9" * 5000])
    def test_a_batch_of_an_import_has_1_to_50_leads(self, written: str) -> None:
        assert "not a whole number from 1 to 50" in refusal("IMPORT_BATCH_SIZE", written)

    @pytest.mark.parametrize("winner", ["sheet", "Sheet", " SHEET "])
    def test_the_winner_of_a_conflict_in_any_case(self, winner: str) -> None:
        assert from_environment(CONFLICT_WINNER=winner).conflict_winner == "sheet"

    def test_anything_else_wins_no_conflict(self) -> None:
        assert 'is "google", not amo or sheet' in refusal("CONFLICT_WINNER", "google")


class TestStages:
    def test_several_triggers_stand_between_commas(self) -> None:
        settings = from_environment(TRIGGER_STATUS_NAME=" ZAKAZ, Заказ без нумерации,,ZAKAZ ")

        assert settings.trigger_names == ("ZAKAZ", "Заказ без нумерации")

    def test_commas_alone_name_no_trigger(self) -> None:
        assert "holds no name" in refusal("TRIGGER_STATUS_NAME", " , ")

    def test_j6_an_empty_dropdown_map_stands_for_the_four_built_in_values(self) -> None:
        expected = [(value, 0) for value in ("В процессе", "У курера", "Успешно", "Отказ")]

        assert expected == list(from_environment(DROPDOWN_STATUS_MAP_JSON="{}").dropdown.items())
        assert tuple(from_environment().dropdown) == BUILT_IN_DROPDOWN

    def test_the_dropdown_keeps_the_order_it_was_written_in(self) -> None:
        settings = from_environment(DROPDOWN_STATUS_MAP_JSON='{"Я": 1, "А": 2, "М": 0}')

        assert [("Я", 1), ("А", 2), ("М", 0)] == list(settings.dropdown.items())

    @pytest.mark.parametrize("item", ['"143"', "-1", "1.0", "true", "null", "[]", "1e400", "NaN"])
    def test_a_stage_id_is_a_number(self, item: str) -> None:
        assert 'a stage ID for "Отказ", or 0' in refusal("DROPDOWN_STATUS_MAP_JSON", f'{{"Отказ": {item}}}')

    @pytest.mark.parametrize("name", ["DROPDOWN_STATUS_MAP_JSON", "STATUS_DISPLAY_MAP_JSON", "SHEET_STATUS_MAP_JSON"])
    def test_a_doubled_key_is_refused(self, name: str) -> None:
        assert 'has "Отказ" twice' in refusal(name, '{"Отказ": 0, "Отказ ": 1}')

    @pytest.mark.parametrize(("name", "item"), [("DROPDOWN_STATUS_MAP_JSON", "0"), ("SHEET_STATUS_MAP_JSON", '["a"]')])
    def test_dropdown_values_that_differ_in_case_only_are_refused(self, name: str, item: str) -> None:
        assert 'has "Отказ" twice, the second time as "отказ"' in refusal(name, f'{{"Отказ": {item}, "отказ": {item}}}')

    def test_a_stage_may_stand_in_several_spellings(self) -> None:
        settings = from_environment(STATUS_DISPLAY_MAP_JSON='{"ДУМКА": "Думает", "Думка": "Думает"}')

        assert {"ДУМКА": "Думает", "Думка": "Думает"} == settings.status_display

    def test_stage_names_to_try_are_lists(self) -> None:
        settings = from_environment(SHEET_STATUS_MAP_JSON='{"Отказ": ["OTKAZ", " Отказ "]}')

        assert {"Отказ": ("OTKAZ", "Отказ")} == settings.sheet_status

    @pytest.mark.parametrize("item", ['"OTKAZ"', "[]", "0", "{}", "null"])
    def test_anything_else_is_no_list_of_names(self, item: str) -> None:
        assert 'a list of names for "Отказ"' in refusal("SHEET_STATUS_MAP_JSON", f'{{"Отказ": {item}}}')

    @pytest.mark.parametrize("item", ["0", '""', '" "', "null", "[]"])
    def test_a_shown_text_is_a_text(self, item: str) -> None:
        assert 'a text in quotes for "a"' in refusal("PIPELINE_DISPLAY_MAP_JSON", f'{{"a": {item}}}')

    @pytest.mark.parametrize("written", ["[]", "0", "null", "1.5"])
    def test_a_map_is_an_object(self, written: str) -> None:
        assert "must be a JSON object" in refusal("PIPELINE_DISPLAY_MAP_JSON", written)

    def test_an_empty_key_is_refused(self) -> None:
        assert "has an empty name" in refusal("PIPELINE_DISPLAY_MAP_JSON", '{" ": "a"}')

    def test_broken_json_is_told_with_its_place(self) -> None:
        assert "is no JSON: Expecting ',' delimiter at character 10" in refusal("STATUS_DISPLAY_MAP_JSON", '{"a":"b" "c"}')
        assert "is no JSON: Unterminated string starting at at character 3" in refusal("PIPELINE_DISPLAY_MAP_JSON", '{\u00a0"a')

    def test_maps_cannot_be_changed(self) -> None:
        with pytest.raises(TypeError):
            from_environment().dropdown["x"] = 1  # type: ignore[index]


class TestCreatedAfter:
    @pytest.mark.parametrize(
        ("written", "reading"),
        [
            ("01.03.2026", READING("2026-03-01")),
            ("1.3.2026 9:05", READING("2026-03-01 09:05")),
            ("01.03.2026  09:05:07", READING("2026-03-01 09:05:07")),
            ("2026-03-01", READING("2026-03-01")),
            ("2026-03-01 09:05:07", READING("2026-03-01 09:05:07")),
        ],
    )
    def test_a_date_is_a_clock_reading_in_the_zone_of_the_account(self, written: str, reading: datetime) -> None:
        moment = from_environment(LEADS_CREATED_AFTER=written).created_after

        assert reading.replace(tzinfo=TASHKENT).timestamp() == moment.unix(TASHKENT)
        assert reading.replace(tzinfo=timezone.utc).timestamp() == moment.unix(timezone.utc)

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tashkent"])
    def test_g10_the_zone_of_this_machine_changes_nothing(self, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TZ", zone)

        assert from_environment(LEADS_CREATED_AFTER="01.03.2026").created_after.unix(TASHKENT) == 1772305200

    def test_unix_time_is_the_same_in_every_zone(self) -> None:
        moment = from_environment(LEADS_CREATED_AFTER="1772305200").created_after

        assert (1772305200, 1772305200) == (moment.unix(TASHKENT), moment.unix(timezone.utc))

    def test_by_default_there_is_no_limit(self) -> None:
        assert CreatedAfter(unix_seconds=0) == from_environment().created_after

    @pytest.mark.parametrize(
        "written",
        ["1772305200000", "30.02.2026", "01.03.2026 25:00", "01.03.26", "03/01/2026", "tomorrow", "01.03.0206", "-5", "1.5"],
    )
    def test_anything_else_is_refused_and_never_read_as_no_limit(self, written: str) -> None:
        assert f'is "{written}"' in refusal("LEADS_CREATED_AFTER", written)

    @given(st.datetimes(READING("1971-01-01"), READING("2099-12-31")), st.integers(-14, 14))
    def test_every_second_is_read_back(self, moment: datetime, hours: int) -> None:
        zone = timezone(timedelta(hours=hours))
        written = f"{moment:%d.%m.%Y %H:%M:%S}"

        actual = from_environment(LEADS_CREATED_AFTER=written).created_after.unix(zone)

        assert moment.replace(microsecond=0, tzinfo=zone).timestamp() == actual


class TestOverview:
    def test_j6_every_effective_setting_is_told_with_its_source(self) -> None:
        settings = from_file("\nPUSH_LIMIT=7\nHISTORY_DAYS=", {"AMO_CLIENT_ID": "id"})

        told = {item.name: (item.text, item.source) for item in settings.in_use}
        assert [setting.name for setting in SETTINGS] == list(told)
        assert ("7", "line 2") == told["PUSH_LIMIT"]
        assert ("180", "default") == told["HISTORY_DAYS"]
        assert ("id", "environment") == told["AMO_CLIENT_ID"]
        assert ("not set", "default") == told["AMO_CLIENT_SECRET"]

    def test_every_setting_of_the_table_has_its_place(self) -> None:
        places = {field.name for field in fields(Settings)} - {"env_file", "warnings", "in_use"}

        assert {setting.field for setting in (*SETTINGS, *OLD_TOKENS)} == places


EXAMPLE = (REPOSITORY / ".env.example").read_bytes()


class TestShippedExample:
    def test_it_has_neither_a_bom_nor_crlf(self) -> None:
        assert not EXAMPLE.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in EXAMPLE
        assert EXAMPLE.endswith(b"\n")

    def test_j6_it_names_every_setting_once_with_its_default(self) -> None:
        written = re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.decode(), re.MULTILINE)

        assert sorted((setting.name, setting.default) for setting in SETTINGS) == sorted(written)

    def test_every_setting_stands_under_a_comment(self) -> None:
        paragraphs = EXAMPLE.decode().split("\n\n")
        unexplained = [text for text in paragraphs if re.search(r"^[A-Z_]+=", text, re.MULTILINE) and text[0] != "#"]

        assert [] == unexplained

    def test_it_is_read_without_a_word_and_gives_the_defaults(self) -> None:
        settings = from_file(EXAMPLE)

        assert settings == from_file("")
        assert settings.warnings == ()

    def test_filled_in_it_is_all_that_is_needed(self) -> None:
        filled = EXAMPLE.decode()
        for name, value in REQUIRED.items():
            filled = filled.replace(f"\n{name}=\n", f"\n{name}={value}\n")

        assert from_file(filled, needs=Needs.BOTH).sheet_id == "sheet-id"

    def test_j7_each_unix_time_equals_the_date_beside_it(self) -> None:
        pattern = r"(\d{10}) is (\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d) in ([A-Za-z]+/[A-Za-z]+)"
        written = re.findall(pattern, EXAMPLE.decode())

        assert written
        for seconds, date, zone in written:
            assert date == f"{datetime.fromtimestamp(int(seconds), ZoneInfo(zone)):%d.%m.%Y %H:%M:%S}"

    def test_its_examples_of_json_are_right(self) -> None:
        (dropdown,) = re.findall(r"^#   (\{.*\})$", EXAMPLE.decode(), re.MULTILINE)

        assert from_environment(DROPDOWN_STATUS_MAP_JSON=dropdown).dropdown == from_environment().dropdown


def test_importing_the_settings_loads_no_library() -> None:
    code = "import sys, amo2gsheet.config; print(*sorted({'dotenv', 'requests', 'typer', 'difflib'} & {*sys.modules}))"

    loaded = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == ""
