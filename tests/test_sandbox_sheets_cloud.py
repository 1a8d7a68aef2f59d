"""The stand-in's front door: tokens, permissions, quotas, snapshots, speed, and the real client library over it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import urlencode

import gspread
import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2.service_account import Credentials
from gspread.utils import ValidationConditionType

from amo2gsheet.sandbox.environment import CLIENT_EMAIL
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.sheets import SPREADSHEET_ID, SheetsCloud
from amo2gsheet.sandbox.sheets_cells import Row
from amo2gsheet.sandbox.transport import mount
from tests.discovery import OffTheDescriptionError, check_body, check_request
from tests.sheets_bench import START, TITLE, Bench, cells, grid

HOST = "https://sheets.googleapis.com"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/spreadsheets"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def status(bench: Bench, method: str, path: str, body: Any = None, **query: object) -> tuple[int, str, str]:
    """Code, status and first reason or text of a refusal."""
    answer = bench.call(method, path, body, **query)
    error = json.loads(answer.body)["error"]
    reason = next((detail["reason"] for detail in error.get("details", []) if "reason" in detail), error["message"])
    return answer.status, error["status"], reason


def write(bench: Bench) -> int:
    return bench.call("PUT", "/values/A9", {"values": [[1]]}, valueInputOption="RAW").status


# Signing in


def session_on(cloud: SheetsCloud) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    mount(session, {HOST: Faulty(cloud)})
    return session


def signed_in(cloud: SheetsCloud, session: requests.Session, scope: str = SCOPE) -> Credentials:
    cloud.host = HOST
    credentials: Credentials = Credentials.from_service_account_info(cloud.service_account_key(), scopes=[scope])
    credentials.refresh(GoogleRequest(session))
    return credentials


def jwt(*parts: object) -> str:
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (*parts, "signature"))


def token_refusal(bench: Bench, claims: dict[str, object]) -> str:
    form = {"grant_type": GRANT, "assertion": jwt({"alg": "RS256"}, claims)}
    answer = bench.cloud.answer(Request("POST", "/token", (), {"host": "here:80"}, urlencode(form).encode()))
    return str(json.loads(answer.body)["error_description"])


def test_the_generated_key_signs_in(bench: Bench) -> None:
    credentials = signed_in(bench.cloud, session_on(bench.cloud))

    bench.token = str(credentials.token)
    assert bench.values("A1") == [["ID"]]
    assert bench.cloud.token_requests == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [("clock_skew", "short-lived token"), ("account_not_found", "account not found"), ("bad_signature", "Invalid JWT Signature")],
)
def test_a_token_can_be_refused_for_good(bench: Bench, fault: Any, words: str) -> None:
    bench.knobs.token_fault = fault

    with pytest.raises(RefreshError, match=f"invalid_grant.*{words}"):
        signed_in(bench.cloud, session_on(bench.cloud))


def test_the_token_endpoint_can_break(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    bench.knobs.token_fault = "server_error"

    with pytest.raises(RefreshError):
        signed_in(bench.cloud, session_on(bench.cloud))


def test_a_clock_that_is_wrong_is_noticed_where_asked_for(bench: Bench) -> None:
    bench.knobs.checks_assertion_clock = True

    with pytest.raises(RefreshError, match="reasonable timeframe"):
        signed_in(bench.cloud, session_on(bench.cloud))


def test_an_assertion_for_another_place_is_refused(bench: Bench) -> None:
    claims = {"iss": CLIENT_EMAIL, "aud": "https://elsewhere/token", "scope": SCOPE, "iat": START, "exp": START + 3600}

    assert "audience" in token_refusal(bench, claims)
    assert "audience" not in token_refusal(bench, {**claims, "aud": "http://here:80/token", "exp": START + 9999})


@pytest.mark.parametrize("assertion", ["x", "x.y.z", jwt({"alg": "none"}, {})])
def test_an_assertion_that_is_none_is_refused(bench: Bench, assertion: str) -> None:
    form = {"grant_type": GRANT, "assertion": assertion}

    answer = bench.cloud.answer(Request("POST", "/token", (), {}, urlencode(form).encode()))

    assert json.loads(answer.body)["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iss": "who@else"}, "account not found"),
        ({"exp": START + 7200}, "short-lived token"),
        ({"scope": ""}, "Invalid OAuth scope"),
    ],
)
def test_the_claims_of_an_assertion_are_judged(bench: Bench, change: dict[str, object], words: str) -> None:
    claims = {"iss": CLIENT_EMAIL, "aud": "http://here:80/token", "scope": SCOPE, "iat": START, "exp": START + 3600}

    assert words in token_refusal(bench, {**claims, **change})


def test_a_token_expires(bench: Bench) -> None:
    bench.clock.advance(3598)
    assert bench.call("GET", "/values/A1").status == 200
    bench.clock.advance(1)
    assert status(bench, "GET", "/values/A1")[:2] == (401, "UNAUTHENTICATED")


def test_tokens_can_be_taken_back(bench: Bench) -> None:
    bench.cloud.expire_tokens()

    assert bench.call("GET", "/values/A1").status == 401


def test_a_scope_may_not_reach_far_enough(bench: Bench) -> None:
    bench.token = signed_in(bench.cloud, session_on(bench.cloud), f"{SCOPE}.readonly").token or ""

    assert bench.call("GET", "/values/A1").status == 200
    search = status(bench, "POST", "/developerMetadata:search", {"dataFilters": []})
    assert search == (403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


# Permissions


def test_a_sheet_that_is_not_shared_is_forbidden(bench: Bench) -> None:
    bench.knobs.sharing = "none"

    assert status(bench, "GET", "/values/A1") == (403, "PERMISSION_DENIED", "The caller does not have permission")


def test_a_viewer_reads_and_does_not_write(bench: Bench) -> None:
    bench.knobs.sharing = "viewer"

    assert bench.values("A1") == [["ID"]]
    assert write(bench) == 403


def test_an_api_that_is_off_says_so(bench: Bench) -> None:
    bench.knobs.is_api_disabled = True

    assert status(bench, "GET", "/values/A1") == (403, "PERMISSION_DENIED", "SERVICE_DISABLED")


def test_a_spreadsheet_that_is_gone_is_not_found(bench: Bench) -> None:
    bench.knobs.is_gone = True

    assert status(bench, "GET", "") == (404, "NOT_FOUND", "Requested entity was not found.")


def test_an_excel_file_is_not_supported(bench: Bench) -> None:
    bench.knobs.is_xlsx = True

    assert status(bench, "GET", "") == (400, "FAILED_PRECONDITION", "This operation is not supported for this document")


def test_an_unknown_path_is_no_api(bench: Bench) -> None:
    answer = bench.cloud.answer(Request("GET", "/v4/nothing"))

    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html; charset=UTF-8")


# Quotas


def test_reads_and_writes_have_a_minute_each(bench: Bench) -> None:
    bench.knobs.quota = "json"

    reads = [bench.call("GET", "/values/A1").status for _ in range(61)]
    writes = [write(bench) for _ in range(61)]

    assert reads == writes == [200] * 60 + [429]
    bench.clock.advance(60)
    assert bench.call("GET", "/values/A1").status == 200
    assert write(bench) == 200


def test_a_spent_minute_is_answered_as_google_does(bench: Bench) -> None:
    bench.knobs.quota, bench.knobs.reads_per_minute = "json", 0

    error = json.loads(bench.call("GET", "/values/A1").body)["error"]

    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert error["message"] == (
        "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of service"
        " 'sheets.googleapis.com' for consumer 'project_number:123456789012'."
    )
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert error["details"][0]["metadata"]["quota_limit"] == "ReadRequestsPerMinutePerUser"


def test_a_spent_minute_may_be_an_html_page(bench: Bench) -> None:
    bench.knobs.quota, bench.knobs.reads_per_minute = "html", 0

    answer = bench.call("GET", "/values/A1")

    assert (answer.status, answer.headers["Content-Type"]) == (429, "text/html; charset=UTF-8")


# Records and snapshots


def test_requests_and_touched_cells_are_on_record(bench: Bench) -> None:
    bench.values("A1")
    bench.put("B2:C2", [["Аня", "Успешно"]])
    bench.person.type("Имя", "Боря", lead=12)

    assert [(seen.number, seen.method, seen.status) for seen in bench.cloud.seen] == [
        (1, "spreadsheets.values.get", 200),
        (2, "spreadsheets.values.update", 200),
    ]
    assert (bench.cloud.count("read"), bench.cloud.count("write"), bench.cloud.count()) == (1, 1, 2)
    touches = [(touch.request, touch.row_number, touch.column_number, touch.new) for touch in bench.cloud.touches()]
    assert touches == [(2, 2, 2, "Аня"), (2, 2, 3, "Успешно")]
    assert [touch.new for touch in bench.cloud.touches("person")] == ["Боря"]


def test_a_snapshot_brings_everything_back(bench: Bench) -> None:
    snapshot, before = bench.cloud.snapshot(), bench.tab

    bench.put("A2", [["x"]])
    bench.person.sort("Имя")
    bench.person.add_tab("Staff")
    bench.person.rename_tab("Другое")
    bench.cloud.restore(snapshot)
    bench.person.title = TITLE

    assert bench.tab == before
    assert bench.cloud.applied == []
    assert [tab.title for tab in bench.cloud.books[SPREADSHEET_ID].tabs] == [TITLE]


def test_pretty_answers_are_the_same_answers(bench: Bench) -> None:
    compact = bench.call("GET", "/values/A1%3AB2").body
    bench.knobs.is_pretty = True
    pretty = bench.call("GET", "/values/A1%3AB2").body

    assert json.loads(pretty) == json.loads(compact)
    assert b'\n  "range"' in pretty


@pytest.mark.slow
def test_100000_rows_are_read_and_written_quickly(bench: Bench) -> None:
    with bench.cloud.change() as book:
        tab = book.add_tab("Много", (100_001, 21))
        tab.rows = [Row(row.key, (number, *("текст",) * 20)) for number, row in enumerate(tab.rows)]

    started = time.process_time()
    column = bench.values("Много!A1:A", valueRenderOption="UNFORMATTED_VALUE")
    read = time.process_time()
    for row in range(2, 12):
        bench.put(f"Много!B{row}", [["x"]])
    written = time.process_time()

    assert len(column) == 100_001
    assert read - started < 1
    assert (written - read) / 10 < 0.1


# The real client library


def worksheet_on(bench: Bench) -> gspread.Worksheet:
    return client_on(bench).open_by_key(SPREADSHEET_ID).worksheet(TITLE)


def client_on(bench: Bench) -> gspread.Client:
    session = session_on(bench.cloud)
    session.headers["Authorization"] = f"Bearer {bench.token}"
    session.hooks["response"].append(_check_sent)
    client = gspread.authorize(None, session=session)  # type: ignore[arg-type]
    client.set_timeout(60)
    return client


def _check_sent(response: requests.Response, **_more: Any) -> None:
    check_request(_sent(response.request))


def _sent(request: requests.PreparedRequest) -> Request:
    body = request.body or b""
    return Request(request.method or "", request.path_url.split("?")[0], (), {}, body.encode() if isinstance(body, str) else body)


def test_gspread_reads_and_writes(bench: Bench) -> None:
    sheet = worksheet_on(bench)

    sheet.update([["Аня"]], "B2")
    sheet.update_acell("D4", "=1+1")
    sheet.append_row([14, "Глеб"])
    sheet.batch_update([{"range": "C2", "values": [["Успешно"]]}])

    assert sheet.get_all_values() == [
        ["ID", "Имя", "статус", "Заметка"],
        ["11", "Аня", "Успешно", ""],
        ["12", "Борис", "Отказ", "звонить"],
        ["13", "Вера", "", "2"],
        ["14", "Глеб", "", ""],
    ]
    assert sheet.col_values(1) == ["ID", "11", "12", "13", "14"]
    assert sheet.batch_get(["A1:A2", "B2"]) == [[["ID"], ["11"]], [["Аня"]]]
    sheet.batch_clear(["B2:C2"])
    assert sheet.acell("D4", value_render_option="FORMULA").value == "=1+1"  # type: ignore[arg-type]


def test_gspread_changes_the_layout(bench: Bench) -> None:
    sheet = worksheet_on(bench)

    sheet.freeze(rows=1)
    sheet.format("A:A", {"numberFormat": {"type": "NUMBER", "pattern": "0"}, "textFormat": {"bold": True}})
    sheet.add_validation("C2:C", ValidationConditionType.one_of_list, ["Отказ", "Успешно"], strict=True, showCustomUi=True)
    sheet.sort((2, "des"), range="A2:F4")
    sheet.insert_row([99], 2)
    sheet.delete_rows(3)
    sheet.set_basic_filter()
    sheet.add_protected_range("A1:F1", warning_only=True)
    sheet.update_notes({"A1": "номер"})
    sheet.define_named_range("C1:C20", "amo_status")
    sheet.resize(rows=30)
    sheet.hide_columns(4, 5)
    sheet.update_title("Дела")
    bench.person.title = "Дела"

    assert bench.table()[1:] == [[99], [12, "Борис", "Отказ", "звонить"], [11, "Анна", "В процессе"]]
    assert bench.tab.properties == {"gridProperties": {"frozenRowCount": 1}}
    assert bench.tab.size == (30, 6)
    assert bench.tab.look(2, 2, ("dataValidation", "strict")) is True
    assert sheet.get_notes() == [["номер"]]
    assert bench.tab.columns[4] in bench.tab.hidden


def test_gspread_adds_and_deletes_tabs(bench: Bench) -> None:
    spreadsheet = worksheet_on(bench).spreadsheet

    added = spreadsheet.add_worksheet("Staff", 5, 2)
    copied = added.duplicate(new_sheet_name="Staff 2")
    assert sorted(found.title for found in spreadsheet.worksheets()) == ["Staff", "Staff 2", TITLE]
    spreadsheet.del_worksheet(copied)

    assert added.row_count == 5
    assert len(spreadsheet.worksheets()) == 2


def test_gspread_raises_what_it_raises_for_google(bench: Bench) -> None:
    client = client_on(bench)
    sheet = client.open_by_key(SPREADSHEET_ID).worksheet(TITLE)

    with pytest.raises(gspread.exceptions.APIError, match="Unable to parse range: 'Нет'!A1"):
        sheet.spreadsheet.values_get("'Нет'!A1")
    bench.knobs.sharing = "none"
    with pytest.raises(PermissionError):
        client.open_by_key(SPREADSHEET_ID)
    bench.knobs.is_gone = True
    with pytest.raises(gspread.exceptions.SpreadsheetNotFound):
        client.open_by_key(SPREADSHEET_ID)


# Google's description


def test_the_description_knows_what_is_sent() -> None:
    path = f"/v4/spreadsheets/{SPREADSHEET_ID}/values/%27A%27%21A1%3AB2"
    get = Request("GET", path, (("valueRenderOption", "UNFORMATTED_VALUE"), ("fields", "values")))

    assert check_request(get) == "sheets.spreadsheets.values.get"
    check_body("sheets.spreadsheets.batchUpdate", {"requests": [{"appendCells": {"sheetId": 0, "rows": [cells(1, "x")]}}]})


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/v4/spreadsheets/x/values/A1", (("render", "x"),)),
        Request("GET", "/v4/spreadsheets/x/values/A1", (("valueRenderOption", "PLAIN"),)),
        Request("DELETE", "/v4/spreadsheets/x"),
        Request("PUT", "/v4/spreadsheets/x/values/A1", (), {}, b'{"value": []}'),
        Request("PUT", "/v4/spreadsheets/x/values/A1", (), {}, b'{"values": [1]}'),
        Request(
            "POST", "/v4/spreadsheets/x:batchUpdate", (), {}, b'{"requests": [{"addSheet": {"properties": {"sheetId": "0"}}}]}'
        ),
        Request("POST", "/v4/spreadsheets/x:batchUpdate", (), {}, b'{"requests": {}}'),
        Request("POST", "/v4/spreadsheets/x:batchUpdate", (), {}, b'{"requests": [{"appendDimension": {"dimension": "ROW"}}]}'),
        Request("POST", "/v4/spreadsheets/x:batchUpdate", (), {}, b'{"requests": [{"deleteSheet": {"sheetId": 2147483648}}]}'),
    ],
)
def test_the_description_does_not_know_what_is_wrong(request_: Request) -> None:
    with pytest.raises(OffTheDescriptionError):
        check_request(request_)


def test_the_stand_in_and_the_description_refuse_the_same_grid(bench: Bench) -> None:
    body = {"requests": [{"repeatCell": {"range": grid() | {"rows": 3}, "cell": {}, "fields": "note"}}]}

    with pytest.raises(OffTheDescriptionError):
        check_body("sheets.spreadsheets.batchUpdate", body)
    assert "Unknown name" in bench.refusal("POST", ":batchUpdate", body)
    assert bench.clock.time() == START
