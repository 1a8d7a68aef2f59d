"""The sandbox's page: what a person can do with it, and what another website cannot."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Faulty
from amo2gsheet.sandbox.page import Page
from amo2gsheet.sandbox.server import SandboxServer
from amo2gsheet.sandbox.shop import ID, NAME, STATUS, Shop

HOST = "127.0.0.1:8800"
TOKEN = "page-token"
HEADER = [ID, NAME, "Сумма", STATUS]
CHOICES = ("В процессе", "У курера", "Отказ")


class Browser:
    """Somebody at the page of a shop whose tab holds a header and two leads, with a dropdown and a colour."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.shop.take_orders()
        self.person = self.shop.person
        self.person.paste("A1", [HEADER, ["4711", "Вера", "100", "В процессе"], ["4712", "Анна", "90", "Отказ"]])
        with self.shop.sheets.change() as book:
            tab = book.tab(self.person.title)
            values = [{"userEnteredValue": text} for text in CHOICES]
            listed = {"condition": {"type": "ONE_OF_LIST", "values": values}, "strict": True}
            tab.dress(1, {3: {("dataValidation",): listed}})
            rule = {"condition": {"type": "TEXT_EQ", "values": values[2:]}, "format": {"backgroundColor": {"red": 1}}}
            tab.conditional_formats.append({"ranges": [{"startColumnIndex": 3}], "booleanRule": rule})
        self.page = Page(self.shop, ("amo2gsheet pull",), TOKEN)

    def get(self, path: str = "/", host: str = HOST) -> Answer:
        return self.page.answer(Request("GET", path, headers={"host": host}))

    def html(self) -> str:
        return self.get().body.decode()

    def text(self) -> str:
        """What a person reads, with the contents of input fields."""
        html = re.sub(r"<(script|style).*?</\1>", "", self.html(), flags=re.DOTALL)
        html = re.sub(r'<input name="text" value="(.*?)"', r" \1 <", html)
        return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: object) -> Answer:
        """Send a form as the browser does; a header of None is left out."""
        sent = {"host": HOST, "origin": f"http://{HOST}", "content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.page.answer(Request("POST", path, headers=sent, body=urlencode({"token": TOKEN, **fields}).encode()))

    def row(self, number: int) -> int:
        return self.person.tab.rows[number - 1].key

    def column(self, name: str) -> int:
        return self.person.tab.columns[HEADER.index(name)]

    def names(self) -> list[object]:
        return [row[1] for row in self.shop.sheets.table(self.person.title)]

    def stage(self, name: str) -> str:
        return f"{self.shop.sales}:{self.shop.account.stage_id(self.shop.sales, name)}"


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_the_page_shows_the_tab_and_the_leads(browser: Browser) -> None:
    text = browser.text()

    assert "amo2gsheet pull" in text
    assert "2 4711 Вера 100" in text
    assert "4710 Дина Пак Дина Пак Продажи Консультация" in text


def test_a_cell_with_a_dropdown_is_a_choice_of_what_it_lists(browser: Browser) -> None:
    html = browser.html()

    (choice,) = re.findall(r'<select name="text".*?</select>', html)
    assert ["", *CHOICES] == re.findall(r'<option value="(.*?)"', choice)
    assert ["В процессе"] == re.findall(r'<option value="([^"]*)" selected', choice)


def test_a_cell_has_the_colour_that_its_rule_gives_it(browser: Browser) -> None:
    html = browser.html()

    assert ".cff0000 { background: #ff0000 }" in html
    assert 1 == html.count('<td class="cff0000">')


def test_a_picked_status_stands_in_the_cell(browser: Browser) -> None:
    answer = browser.post("/type", row=browser.row(2), column=browser.column(STATUS), was="В процессе", text="У курера")

    assert (303, "/#sheet") == (answer.status, answer.headers["Location"])
    assert "У курера" == browser.person.see(STATUS, lead=4711)


def test_a_text_that_the_dropdown_does_not_list_is_refused_and_said_once(browser: Browser) -> None:
    browser.post("/type", row=browser.row(2), column=browser.column(STATUS), was="", text="Куда-то")

    assert "В процессе" == browser.person.see(STATUS, lead=4711)
    assert 'The dropdown does not list "Куда-то".' in browser.text()
    assert "does not list" not in browser.text()


def test_what_is_typed_is_read_as_the_browser_reads_it(browser: Browser) -> None:
    browser.post("/type", row=browser.row(2), column=browser.column("Сумма"), was="100", text="1,5")
    browser.post("/type", row=browser.row(3), column=browser.column("Сумма"), was="90", text="")

    assert [1.5, None] == [browser.person.see("Сумма", lead=lead_id) for lead_id in (4711, 4712)]


def test_a_cell_that_was_not_changed_is_not_written(browser: Browser) -> None:
    before = len(browser.shop.sheets.applied)
    browser.person.type("Сумма", "7", lead=4711)

    browser.post("/type", row=browser.row(2), column=browser.column("Сумма"), was="100", text="100")

    assert 7 == browser.person.see("Сумма", lead=4711)
    assert before + 1 == len(browser.shop.sheets.applied)


def test_a_form_reaches_its_row_though_the_rows_were_sorted_meanwhile(browser: Browser) -> None:
    row = browser.row(2)
    browser.person.sort(NAME)

    browser.post("/type", row=row, column=browser.column("Сумма"), was="100", text="5")

    assert [5, 90] == [browser.person.see("Сумма", lead=lead_id) for lead_id in (4711, 4712)]


def test_rows_can_be_sorted_both_ways(browser: Browser) -> None:
    browser.post("/sort", column=browser.column(NAME), order="up")
    up = browser.names()
    browser.post("/sort", column=browser.column(NAME), order="down")

    assert [NAME, "Анна", "Вера"] == up
    assert [NAME, "Вера", "Анна"] == browser.names()


def test_a_row_can_be_added_deleted_and_brought_back(browser: Browser) -> None:
    browser.post("/add", lead="4713")
    added = browser.person.leads()
    browser.post("/delete", row=browser.row(2))
    deleted = browser.person.leads()
    browser.post("/undo")

    assert [4711, 4712, 4713] == added
    assert [4712, 4713] == deleted
    assert [4711, 4712, 4713] == browser.person.leads()


def test_a_column_of_ones_own_can_be_typed_to_the_right(browser: Browser) -> None:
    free = browser.person.tab.columns[len(HEADER)]
    assert f'name="column" value="{free}"' in browser.html()

    browser.post("/type", row=browser.row(1), column=free, was="", text="Заметка")

    assert len(HEADER) + 1 == browser.person.column_of("Заметка")


def test_a_lead_can_be_moved(browser: Browser) -> None:
    answer = browser.post("/move", lead=4711, stage=browser.stage("Отказ"))

    assert "/#leads" == answer.headers["Location"]
    assert "Отказ" == browser.shop.stage_of(4711)


def test_a_new_lead_can_be_made_with_a_contact(browser: Browser) -> None:
    before = set(browser.shop.account.leads.current)

    browser.post("/lead", name="Зоя", phone="+998 00 000-00-09", stage=browser.stage("Консультация"))

    (lead_id,) = set(browser.shop.account.leads.current) - before
    lead = browser.shop.account.leads.current[lead_id]
    contact = browser.shop.account.contact(lead.contacts[0].contact_id)
    assert ("Зоя", "Консультация") == (lead.name, browser.shop.stage_of(lead_id))
    assert contact is not None
    assert "Зоя" == contact.name


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/type", {"row": "999999", "column": "1", "text": "x"}, "That row is gone."),
        ("/type", {"row": "ⅸ", "column": "1", "text": "x"}, "That row is gone."),
        ("/sort", {"column": "-1"}, "That column is gone."),
        ("/move", {"lead": "1", "stage": "1:1"}, "There is no such stage."),
        ("/add", {"lead": " "}, "Which lead? Type its ID."),
        ("/undo", {}, "There is nothing to undo."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(path: str, fields: dict[str, Any], said: str) -> None:
    browser = Browser()
    while path == "/undo" and browser.person._done:
        browser.post("/undo")
    before = browser.shop.sheets.table(browser.person.title)

    assert 303 == browser.post(path, **fields).status
    assert said in browser.text()
    assert before == browser.shop.sheets.table(browser.person.title)


def test_an_unnamed_column_cannot_be_sorted(browser: Browser) -> None:
    browser.post("/sort", column=browser.person.tab.columns[len(HEADER)], order="up")

    assert "A column without a header cannot be sorted here." in browser.text()


def test_a_row_can_be_added_where_the_grid_ends(browser: Browser) -> None:
    browser.person.trim_grid()

    browser.post("/add", lead="4713")

    assert [4711, 4712, 4713] == browser.person.leads()


def test_an_undo_that_would_take_back_the_work_of_others_is_refused(browser: Browser) -> None:
    browser.person.insert_columns(1)
    with browser.shop.sheets.change(actor="api") as book:
        book.tab(browser.person.title).write(1, {2: "Вероника"})

    browser.post("/undo")

    assert "The columns cannot be put back" in browser.text()


def test_what_the_sheet_itself_refuses_is_said(browser: Browser) -> None:
    browser.person.trim_grid()
    for row in (browser.row(3), browser.row(2), browser.row(1)):
        browser.post("/delete", row=row)

    assert "You can't delete all the rows on the sheet." in browser.text()


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join(b"a=1" for _ in range(30))])
def test_a_body_that_is_no_form_of_the_page_is_refused(browser: Browser, body: bytes) -> None:
    headers = {"host": HOST, "content-type": "application/x-www-form-urlencoded"}

    assert 403 == browser.page.answer(Request("POST", "/undo", headers=headers, body=body)).status


def test_a_lead_that_is_gone_cannot_be_moved(browser: Browser) -> None:
    browser.shop.account.trash_lead(4711)

    browser.post("/move", lead=4711, stage=browser.stage("Отказ"))

    assert "That lead is gone." in browser.text()


def test_every_foreign_text_is_shown_as_text(browser: Browser) -> None:
    evil = "\"><script>alert('x')</script>"
    browser.post("/lead", name=evil, phone=evil, stage=browser.stage("Консультация"))
    browser.post("/type", row=browser.row(2), column=browser.column(NAME), was="", text=evil)
    browser.post("/type", row=browser.row(1), column=browser.column("Сумма"), was="", text=evil)
    browser.post("/type", row=browser.row(2), column=browser.column(STATUS), was="", text=evil)
    browser.shop.account.rename_pipeline(browser.shop.sales, evil)
    browser.shop.account.rename_stage(browser.shop.sales, browser.shop.trigger(browser.shop.sales), evil)

    html = browser.html()
    assert html.count(evil[2:].replace("'", "&#x27;").replace("<", "&lt;").replace(">", "&gt;")) > 6
    assert "<script>alert" not in html
    assert 1 == html.count("<script")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example.com"},
        {"origin": "null"},
        {"origin": f"https://{HOST}"},
        {"origin": "http://127.0.0.1:9999"},
        {"host": "evil.example.com", "origin": "http://evil.example.com"},
        {"host": "127.0.0.1.evil.example.com"},
        {"host": ""},
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
    ],
)
def test_a_form_from_another_website_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    answer = browser.post("/move", headers, lead=4711, stage=browser.stage("Отказ"))

    assert 403 == answer.status
    assert "NOMERATSIYALANMAGAN ZAKAZ" == browser.shop.stage_of(4711)


@pytest.mark.parametrize("token", ["", "another", "пароль"])
def test_a_form_without_the_pages_token_is_refused(browser: Browser, token: str) -> None:
    answer = browser.post("/delete", token=token, row=browser.row(2))

    assert 403 == answer.status
    assert [4711, 4712] == browser.person.leads()


def test_another_name_for_this_machine_does_not_see_the_page(browser: Browser) -> None:
    assert [200, 200, 403] == [browser.get(host=host).status for host in (HOST, "localhost:8800", "rebound.example.com:8800")]
    assert TOKEN not in browser.get(host="rebound.example.com:8800").body.decode()


def test_the_page_allows_no_script_but_its_own_and_no_frame(browser: Browser) -> None:
    policies = [browser.get().headers["Content-Security-Policy"] for _ in range(2)]

    (nonce,) = set(re.findall(r"script-src 'nonce-(.*?)'", policies[0]))
    assert "default-src 'none'" in policies[0]
    assert "frame-ancestors 'none'" in policies[0]
    assert nonce not in policies[1]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/move", 405), ("PUT", "/type", 405), ("GET", "/etc", 404)])
def test_nothing_else_is_answered(browser: Browser, method: str, path: str, status: int) -> None:
    assert status == browser.page.answer(Request(method, path, headers={"host": HOST})).status


def test_the_version_changes_with_either_cloud(browser: Browser) -> None:
    versions = [browser.get("/version").body]
    browser.person.type("Сумма", "8", lead=4711)
    versions.append(browser.get("/version").body)
    browser.shop.account.move_lead(4711, browser.shop.sales, 143)
    versions.append(browser.get("/version").body)

    assert 3 == len(set(versions))
    assert versions[2] == browser.get("/version").body


def test_an_empty_tab_says_which_command_comes_first() -> None:
    shop = Shop()
    html = Page(shop).answer(Request("GET", "/", headers={"host": HOST})).body.decode()

    assert "The tab is empty: run the first command." in html


def test_a_row_cannot_be_added_to_a_tab_without_a_header() -> None:
    page = Page(Shop(), token=TOKEN)
    body = urlencode({"token": TOKEN, "lead": "4711"}).encode()
    headers = {"host": HOST, "content-type": "application/x-www-form-urlencoded"}

    page.answer(Request("POST", "/add", headers=headers, body=body))

    html = page.answer(Request("GET", "/", headers={"host": HOST})).body.decode()
    assert "The tab has no header yet: run `pull` first." in html


def test_a_real_browser_gets_the_page_and_its_forms_over_the_sandbox_server(browser: Browser) -> None:
    shop = browser.shop
    with SandboxServer(Faulty(shop.amo), Faulty(shop.sheets)) as server:
        url = server.serve(browser.page)
        shown = requests.get(url, timeout=5)
        fields = {"token": TOKEN, "lead": "4711", "stage": browser.stage("Отказ")}
        moved = requests.post(f"{url}/move", fields, headers={"Origin": url}, timeout=5)
        strange = requests.post(f"{url}/move", fields, headers={"Origin": "http://example.com"}, timeout=5)

    assert (200, "text/html; charset=utf-8") == (shown.status_code, shown.headers["Content-Type"])
    assert (200, [303]) == (moved.status_code, [answer.status_code for answer in moved.history])
    assert 403 == strange.status_code
    assert "Отказ" == shop.stage_of(4711)
