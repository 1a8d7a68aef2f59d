"""`inspect`: read what both clouds hold and what the settings make of it. Takes no lock, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.commands import Outside, open_amo, open_google
from amo2gsheet.exceptions import (
    ForbiddenError,
    LoginError,
    NoSuchLeadError,
    SheetError,
    StateError,
    TabMissingError,
    UnavailableError,
)
from amo2gsheet.inspection import (
    ColumnLine,
    Inspection,
    LeadLine,
    LeadView,
    PipelineLine,
    SheetView,
    Suggestion,
    column_lines,
    default_columns,
    field_lines,
    lead_line,
    lead_view,
    pipeline_lines,
)
from amo2gsheet.inspection_settings import suggestions
from amo2gsheet.model import Account, ColumnKey, Directory, Lead, LeadDetails, LeadField, StatusEvent
from amo2gsheet.names import alike
from amo2gsheet.sheet.a1 import column_name
from amo2gsheet.staff import staff_from_table
from amo2gsheet.state import StateStore
from amo2gsheet.statuses import StatusRules
from amo2gsheet.sync.directory import STAFF_TAB, rules_of, zone_note
from amo2gsheet.sync.place import ID_INDEX_DEFAULT, STATUS_INDEX_DEFAULT

if TYPE_CHECKING:
    from amo2gsheet.config import Settings
    from amo2gsheet.sheet.adapter import GoogleSheet

MOST_LEADS = 250
"""Sample leads: what one page of amoCRM's list holds."""

_USUAL_PLACES = (ID_INDEX_DEFAULT, STATUS_INDEX_DEFAULT)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for besides stages, fields and columns. `lead_id` is 0 and `leads` 0 where none are wanted."""

    lead_id: int = 0
    leads: int = 0
    has_users: bool = False


def run_inspect(settings: Settings, wanted: Wanted, outside: Outside) -> Inspection:
    """Look at account and sheet. What the token may not read, or Google does not show, is named in `unread`.

    Raises:
        NoSuchLeadError: there is no such lead.
        LoginError, UnavailableError: amoCRM refused or did not answer.
    """
    amo = open_amo(settings, outside)
    try:
        return _Looking(settings, outside, amo, wanted).all()
    finally:
        amo.close()


class _Looking:
    """One inspection: reads part by part, and remembers which could not be read."""

    def __init__(self, settings: Settings, outside: Outside, amo: AmoClient, wanted: Wanted) -> None:
        self._settings = settings
        self._outside = outside
        self._amo = amo
        self._wanted = wanted
        self._unread: dict[str, str] = {}
        self._staff: Mapping[str, str] = {}

    def all(self) -> Inspection:
        account = self._amo.account()
        pipelines = self._part("pipelines", self._amo.pipelines)
        fields = self._part("lead_fields", self._amo.lead_fields)
        contact_fields = self._part("contact_fields", self._amo.contact_fields)
        users = self._users()
        rules = rules_of(self._settings, pipelines or ())
        sheet = self._sheet(fields or ())
        columns = sheet.columns if sheet else default_columns(fields or (), column_name)
        directory = Directory(pipelines or (), fields or (), users, self._staff, account.zone)
        lines = None if pipelines is None else pipeline_lines(pipelines, rules)
        return Inspection(
            account,
            lines,
            None if fields is None else field_lines(fields, columns),
            None if contact_fields is None else field_lines(contact_fields, ()),
            sheet,
            users if self._wanted.has_users else None,
            self._leads(directory, rules),
            self._lead(directory, rules, columns),
            self._suggestions(lines or (), rules, account),
            tuple((one.name, one.text, one.source) for one in self._settings.in_use),
            tuple(_notes(account, lines or (), rules)),
            self._unread,
        )

    def _part(self, name: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ForbiddenError as error:
            self._unread[name] = error.message
            return None

    def _users(self) -> Mapping[int, str] | None:
        if not (self._wanted.has_users or self._wanted.lead_id):
            return None
        users = self._amo.users()
        if users is None and self._wanted.has_users:
            self._unread["users"] = "The login may not read the users: only an administrator's may."
        return users

    # --- the sheet ---

    def _sheet(self, fields: Sequence[LeadField]) -> SheetView | None:
        if not self._settings.sheet_id:
            return None
        try:
            return self._tab(open_google(self._settings, self._outside), fields)
        except (SheetError, LoginError, UnavailableError) as error:
            self._unread["sheet"] = f"{error.message} {error.hint}".strip()
            return None

    def _tab(self, google: GoogleSheet, fields: Sequence[LeadField]) -> SheetView:
        titles = tuple(tab.title for tab in google.workbook().tabs)
        title, keys, places = self._remembered()
        named = alike(self._settings.worksheet_name, titles)
        if len(named) == 1 and (title not in titles or named == [self._settings.worksheet_name]):
            title = named[0]
        if title not in titles:
            note = f'There is no tab "{self._settings.worksheet_name}" yet; the first `pull` makes it with these columns.'
            return SheetView(self._settings.worksheet_name, titles, None, default_columns(fields, column_name), note)
        if self._wanted.lead_id and STAFF_TAB in titles:
            self._staff = staff_from_table(google.read_table(STAFF_TAB))
        try:
            look = google.look(title, *places)
        except TabMissingError as error:
            raise UnavailableError("The tab was renamed while it was being looked at.", "Try again.") from error
        if look.header is not None:
            return SheetView(title, titles, look.header.row_number, column_lines(look.header.texts, fields, keys, column_name))
        if look.is_empty:
            note = "The tab is empty; the first `pull` gives it these columns."
            return SheetView(title, titles, None, default_columns(fields, column_name), note)
        note = 'The tab has other contents and no header row with "ID" and "статус" in its top ten rows: `pull` refuses it.'
        return SheetView(title, titles, None, (), note)

    def _remembered(self) -> tuple[str, Mapping[str, ColumnKey], tuple[int, int]]:
        """What the state knows of the tab: its title, which header was which field's, and where ID and status stood."""
        try:
            state = StateStore.open_readonly(self._settings.state_db, self._outside.clock)
        except StateError:
            state = None
        if state is None:
            return "", {}, _USUAL_PLACES
        with state:
            memory = state.get_json("columns") or {}
            places = (int(memory.get("id_index", _USUAL_PLACES[0])), int(memory.get("status_index", _USUAL_PLACES[1])))
            return state.tab_title or "", memory.get("keys", {}), places

    # --- leads ---

    def _leads(self, directory: Directory, rules: StatusRules) -> tuple[LeadLine, ...] | None:
        if not self._wanted.leads:
            return None
        listed = self._part("leads", lambda: self._amo.newest_leads(self._wanted.leads))
        if listed is None:
            return None
        leads = [lead for lead in listed if isinstance(lead, Lead)]
        return tuple(lead_line(LeadDetails(lead), directory, rules) for lead in leads[: self._wanted.leads])

    def _lead(self, directory: Directory, rules: StatusRules, columns: Sequence[ColumnLine]) -> LeadView | None:
        lead_id = self._wanted.lead_id
        if not lead_id:
            return None
        lead = self._part("lead", lambda: self._amo.lead(lead_id))
        if lead is None:
            if "lead" in self._unread:
                return None
            raise NoSuchLeadError(
                f"amoCRM has no lead {lead_id}.", "It may be deleted, merged into another, or hidden from this login."
            )
        return lead_view(
            self._details(lead),
            directory,
            rules,
            columns=columns,
            pipeline_display=self._settings.pipeline_display,
            moves=self._part("moves", lambda: self._moves(lead)),
        )

    def _moves(self, lead: Lead) -> list[StatusEvent]:
        return self._amo.moves_of(lead.id, lead.created_at)

    def _details(self, lead: Lead) -> LeadDetails:
        contacts = self._part("contacts", lambda: self._amo.contacts(lead.contact_ids)) or {}
        company_ids = [] if lead.company_id is None else [lead.company_id]
        companies = self._part("companies", lambda: self._amo.companies(company_ids)) or {}
        there = tuple(contacts[one] for one in lead.contact_ids if one in contacts)
        return LeadDetails(lead, there, companies.get(lead.company_id or 0))

    def _suggestions(self, lines: Sequence[PipelineLine], rules: StatusRules, account: Account) -> tuple[Suggestion, ...]:
        settings = self._settings
        return suggestions(
            lines,
            rules.nearest_names,
            account.zone,
            self._amo.server_time or self._outside.clock.time(),
            trigger_names=settings.trigger_names,
            dropdown=settings.dropdown,
            pipeline_display=settings.pipeline_display,
            status_display=settings.status_display,
        )


def _notes(account: Account, lines: Sequence[PipelineLine], rules: StatusRules) -> list[str]:
    """What a person should know before the first run."""
    note = zone_note(account)
    found = [f"{note}."] if note else []
    if lines and not rules.triggers:
        near = ", ".join(f'"{name}"' for name in rules.nearest_names)
        found.append(f"No stage is a trigger: no lead would get a row. Set TRIGGER_STATUS_NAME. Nearest names: {near or 'none'}.")
    elif rules.pipelines_without_trigger:
        names = ", ".join(f'"{name}"' for name in rules.pipelines_without_trigger)
        found.append(f"Pipelines without a trigger stage, whose leads get no row: {names}.")
    for value in rules.dropdown_values:
        if lines and all(line.targets[value] is None for line in lines):
            found.append(f'A pick of "{value}" moves nothing: no pipeline has a stage for it.')
    return found
