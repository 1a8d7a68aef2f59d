"""The sandbox's one page: what people do by hand in the sheet and in amoCRM, as plain HTML forms.

For the person at this machine only: it answers to no other host name, and takes no form that another website sends.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from amo2gsheet.sandbox.amo_entities import INCOMING
from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.page_html import Cell, LeadLine, Line, PageView, StageChoice, rendered
from amo2gsheet.sandbox.sheets_a1 import area_of
from amo2gsheet.sandbox.sheets_cells import VALIDATION, plain
from amo2gsheet.sandbox.sheets_errors import ApiError
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_render import Formats, shown
from amo2gsheet.sandbox.sheets_seat import RefusedByDropdownError
from amo2gsheet.sandbox.shop import ID, Shop

_HOSTS = {"127.0.0.1", "localhost"}
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}

Form = Mapping[str, str]


class BadActError(Exception):
    """What was asked for cannot be done; the text is for the page."""


class Page:
    """Answers the browser. `token` stands in every form: a website that cannot read the page does not know it.

    To be served under the lock of both clouds. `commands` are shown on top, to be copied.
    """

    def __init__(self, shop: Shop, commands: tuple[str, ...] = (), token: str = "") -> None:
        self._shop = shop
        self._commands = commands
        self._token = token or secrets.token_urlsafe(24)
        self._said = ""
        self._acts: dict[str, Callable[[Form], None]] = {
            "/type": self._type,
            "/sort": self._sort,
            "/add": self._add_row,
            "/delete": self._delete_row,
            "/undo": self._undo,
            "/move": self._move_lead,
            "/lead": self._new_lead,
        }

    def answer(self, request: Request) -> Answer:
        """Show the page, or do what a form asks and send the browser back to it."""
        if urlsplit(f"//{request.headers.get('host', '')}").hostname not in _HOSTS:
            return _refused(403, "This page is for the browser on its own machine.")
        if request.method == "GET" and request.path == "/":
            return self._show()
        if request.method == "GET" and request.path == "/version":
            return Answer(200, self._version().encode(), {**_PRIVATE, "Content-Type": "text/plain; charset=utf-8"})
        act = self._acts.get(request.path)
        if act is None or request.method != "POST":
            return _refused(404 if act is None else 405, "There is no such page.")
        return self._do(act, request)

    def _do(self, act: Callable[[Form], None], request: Request) -> Answer:
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{request.headers['host']}":
            return _refused(403, "That form was sent by another website.")
        form = _form_of(request)
        if not hmac.compare_digest(form.get("token", "").encode(), self._token.encode()):
            return _refused(403, "That form is from an earlier start of the sandbox, or not from this page. Load the page again.")
        try:
            self._said = ""
            act(form)
        except (BadActError, ApiError) as problem:
            self._said = str(problem)
        place = "leads" if request.path in ("/move", "/lead") else "sheet"
        return Answer(303, b"", {**_PRIVATE, "Location": f"/#{place}"})

    def _show(self) -> Answer:
        nonce = secrets.token_urlsafe(16)
        said, self._said = self._said, ""
        view = PageView(
            token=self._token,
            nonce=nonce,
            version=self._version(),
            said=said,
            commands=self._commands,
            title=self._tab.title,
            header_number=self._shop.person.header_row(),
            lines=self._lines(),
            leads=self._leads(),
            stages=self._stages(),
        )
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )
        headers = {**_PRIVATE, "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        return Answer(200, rendered(view).encode(), headers)

    # --- what is shown ---

    @property
    def _tab(self) -> Tab:
        return self._shop.person.tab

    def _version(self) -> str:
        """Another text whenever the page would look different."""
        newest = [(lead.id, lead.updated_at, lead.stage) for lead in self._shop.account.leads.current.values()]
        return f"{len(self._shop.sheets.applied)}-{hash(tuple(newest)) & 0xFFFFFFFF:x}"

    def _lines(self) -> tuple[Line, ...]:
        """The rows with contents and one blank one below; the columns likewise."""
        tab, formats = self._tab, Formats(self._tab)
        locale = next(iter(self._shop.sheets.books.values())).locale
        count = min(len(tab.rows), tab.last_data_row() + 2)
        width = min(len(tab.columns), max((len(row.values) for row in tab.rows[:count]), default=0) + 1)
        lines = []
        for index in range(count):
            cells = []
            for column in range(width):
                text = shown(plain(tab.value(index, column)), formats.of(index, column), locale)
                cells.append(Cell(tab.columns[column], text, _listed(tab, index, column), _colour(tab, index, column, text)))
            lines.append(Line(tab.rows[index].key, index + 1, tuple(cells)))
        return tuple(lines)

    def _leads(self) -> tuple[LeadLine, ...]:
        account, found = self._shop.account, []
        for lead in sorted(account.leads.current.values(), key=lambda lead: lead.id):
            contacts = [account.contacts.current.get(link.contact_id) for link in lead.contacts]
            names = ", ".join(contact.name for contact in contacts if contact)
            pipeline = account.pipelines[lead.pipeline_id].name
            found.append(LeadLine(lead.id, lead.name, names, pipeline, f"{lead.pipeline_id}:{lead.status_id}"))
        return tuple(found)

    def _stages(self) -> tuple[StageChoice, ...]:
        return tuple(
            StageChoice(f"{pipeline.id}:{stage.id}", pipeline.name, stage.name)
            for pipeline in self._shop.account.pipelines_in_order()
            for stage in pipeline.stages
            if stage.type != INCOMING
        )

    # --- what people do ---

    def _type(self, form: Form) -> None:
        row, column, text = self._row(form), self._column(form), form.get("text", "")
        if text == form.get("was", ""):
            return
        try:
            self._shop.person.type_at(row + 1, column + 1, text)
        except RefusedByDropdownError:
            raise BadActError(f'The dropdown does not list "{text}".') from None

    def _sort(self, form: Form) -> None:
        name = plain(self._tab.value(self._shop.person.header_row() - 1, self._column(form)))
        if name in (None, ""):
            raise BadActError("A column without a header cannot be sorted here.")
        self._shop.person.sort(str(name), descending=form.get("order") == "down")

    def _add_row(self, form: Form) -> None:
        """Type a lead's ID into the first free row below the others."""
        person, lead_id = self._shop.person, form.get("lead", "").strip()
        if not lead_id:
            raise BadActError("Which lead? Type its ID.")
        row = self._tab.last_data_row() + 1
        if row >= len(self._tab.rows):
            person.add_rows(100)
        try:
            person.type_at(row + 1, person.column_of(ID), lead_id)
        except LookupError:
            raise BadActError("The tab has no header yet: run `pull` first.") from None

    def _delete_row(self, form: Form) -> None:
        self._shop.person.delete_rows(self._row(form) + 1)

    def _undo(self, form: Form) -> None:
        try:
            self._shop.person.undo()
        except IndexError:
            raise BadActError("There is nothing to undo.") from None
        except ValueError as error:
            raise BadActError(str(error)) from None

    def _move_lead(self, form: Form) -> None:
        pipeline_id, status_id = self._stage(form)
        account = self._shop.account
        lead_id = _number(form.get("lead", ""))
        lead = account.lead(lead_id)
        if lead is None:
            raise BadActError("That lead is gone.")
        if lead.stage != (pipeline_id, status_id):
            account.move_lead(lead_id, pipeline_id, status_id)

    def _new_lead(self, form: Form) -> None:
        pipeline_id, status_id = self._stage(form)
        name, phone = form.get("name", "").strip(), form.get("phone", "").strip()
        account = self._shop.account
        contacts = [account.add_contact(name or phone, [phone] if phone else [])] if name or phone else []
        account.add_lead(name, pipeline_id=pipeline_id, status_id=status_id, contacts=contacts)

    # --- what a form names ---

    def _row(self, form: Form) -> int:
        return _place([row.key for row in self._tab.rows], form.get("row", ""), "row")

    def _column(self, form: Form) -> int:
        return _place(self._tab.columns, form.get("column", ""), "column")

    def _stage(self, form: Form) -> tuple[int, int]:
        value = form.get("stage", "")
        if value not in {choice.value for choice in self._stages()}:
            raise BadActError("There is no such stage.")
        pipeline_id, _, status_id = value.partition(":")
        return int(pipeline_id), int(status_id)


def _place(keys: list[int], text: str, kind: str) -> int:
    """Where a row or column stands now; it is known by its identity, for the program may have moved it meanwhile."""
    try:
        return keys.index(_number(text))
    except ValueError:
        raise BadActError(f"That {kind} is gone.") from None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


def _form_of(request: Request) -> Form:
    """The fields of a form; none where the body is something else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def _listed(tab: Tab, row: int, column: int) -> tuple[str, ...]:
    """What the dropdown of a cell lists; empty where it has none."""
    condition = (tab.look(row, column, VALIDATION) or {}).get("condition") or {}
    return tuple(str(item.get("userEnteredValue", "")) for item in condition.get("values", []))


def _colour(tab: Tab, row: int, column: int, text: str) -> str:
    """The background that the first fitting rule gives a cell, as CSS has it; "" for none."""
    for rule in tab.conditional_formats if text else ():
        condition = rule.get("booleanRule", {}).get("condition", {})
        equals = [item.get("userEnteredValue") for item in condition.get("values", [])]
        if condition.get("type") == "TEXT_EQ" and text in equals and _covers(rule, row, column):
            colour = rule["booleanRule"].get("format", {}).get("backgroundColor", {})
            return "#" + "".join(f"{round(255 * float(colour.get(part, 0))):02x}" for part in ("red", "green", "blue"))
    return ""


def _covers(rule: Mapping[str, object], row: int, column: int) -> bool:
    ranges = rule.get("ranges")
    return isinstance(ranges, list) and any(area_of(one).has(row, column) for one in ranges)


def _refused(status: int, text: str) -> Answer:
    return Answer(status, f"{text}\n".encode(), {**_PRIVATE, "Content-Type": "text/plain; charset=utf-8"})
