"""An inspection for people, as tables, and for programs, as one object. Foreign text is never markup, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from io import StringIO
from typing import TYPE_CHECKING, Any, TextIO

from amo2gsheet.inspection import ColumnLine, FieldLine, Inspection, LeadLine, LeadView, PipelineLine, SheetView, StageLine
from amo2gsheet.inspection_settings import env_line
from amo2gsheet.output import has_colour, printable
from amo2gsheet.output_secrets import redacted

if TYPE_CHECKING:
    from rich.box import Box
    from rich.console import Console, RenderableType
    from rich.text import Text

_PART_NAMES = {
    "pipelines": "Pipelines",
    "lead_fields": "Lead fields",
    "contact_fields": "Contact fields",
    "users": "Users",
    "sheet": "Sheet",
    "leads": "Leads",
    "lead": "Lead",
    "moves": "Moves of the lead",
    "contacts": "Contacts of the lead",
    "companies": "Company of the lead",
}


def document(inspection: Inspection) -> dict[str, Any]:
    """The fields of `--json` besides those that every command has. All are always there, null where not asked for or unread."""
    found = asdict(inspection)
    del found["in_use"]
    found["settings"] = {one.name: one.value for one in inspection.suggestions}
    del found["suggestions"]
    found["settings_in_use"] = {name: {"value": value, "source": source} for name, value, source in inspection.in_use}
    return found


def tables(inspection: Inspection, stream: TextIO | None, width: int | None = None) -> str:
    """All of it as text that this stream can show. `width` in columns, None for that of the terminal, else 80."""
    from rich import box
    from rich.console import Console

    is_coloured = has_colour(stream)
    is_unicode = (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"
    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=is_coloured,
        color_system="standard" if is_coloured else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    _Shown(console, box.SIMPLE_HEAD if is_unicode else box.ASCII2).all(inspection)
    file = console.file
    assert isinstance(file, StringIO)
    # Cells are filled up with blanks to their width, which nobody needs at a line's end.
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip().split("\n"))


class _Shown:
    """Writes part after part to a console."""

    def __init__(self, console: Console, box: Box) -> None:
        self._console = console
        self._box = box

    def all(self, inspection: Inspection) -> None:
        self._account(inspection)
        if inspection.lead is not None:
            self._lead(inspection.lead)
        self._pipelines(inspection.pipelines or ())
        for title, fields in (("Lead fields", inspection.lead_fields), ("Contact fields", inspection.contact_fields)):
            if fields is not None:
                self._fields(title, fields, has_column=fields is inspection.lead_fields)
        if inspection.sheet is not None:
            self._sheet(inspection.sheet)
        if inspection.users is not None:
            self._table(f"Users ({len(inspection.users)})", ("ID", "name"), inspection.users.items())
        if inspection.leads is not None:
            self._leads(inspection.leads)
        for part, reason in inspection.unread.items():
            self._title(_PART_NAMES.get(part, part))
            self._line(f"! Not read: {reason}", "yellow")
        self._settings(inspection)

    # --- the account ---

    def _account(self, inspection: Inspection) -> None:
        account = inspection.account
        filters = "on" if account.is_filter_enabled else "off"
        self._title(f'Account "{account.name}"')
        self._line(f"{account.subdomain}, account {account.id}, time zone {account.zone}, filters of the API {filters}")
        for note in inspection.notes:
            self._line(f"! {note}", "yellow")

    def _pipelines(self, pipelines: Sequence[PipelineLine]) -> None:
        for pipeline in pipelines:
            self._pipeline(pipeline)
        if pipelines:
            self._line('"own name": no value of the dropdown. STATUS_DISPLAY_MAP_JSON gives such a stage another text.')

    def _pipeline(self, pipeline: PipelineLine) -> None:
        said = [f"ID {pipeline.id}", *["main"] * pipeline.is_main, *["archived"] * pipeline.is_archived]
        rows = [(one.id, one.name, _kind(one), one.shown, "" if one.is_mapped else "own name") for one in pipeline.stages]
        self._table(f'Pipeline "{pipeline.name}" ({", ".join(said)})', ("ID", "stage", "kind", "shown as", "mapped"), rows)
        targets = ", ".join(f"{value} → {name or 'nothing'}" for value, name in pipeline.targets.items())
        self._line(f"A pick moves the lead: {targets}")

    def _fields(self, title: str, fields: Sequence[FieldLine], *, has_column: bool) -> None:
        heads = ("ID", "name", "type", "options", *["column"] * has_column)
        rows = [(one.id, one.name, one.type, ", ".join(one.options), *[one.column] * has_column) for one in fields]
        self._table(f"{title} ({len(fields)})", heads, rows)

    def _sheet(self, sheet: SheetView) -> None:
        header = "" if sheet.header_row is None else f", header in row {sheet.header_row}"
        rows = [(one.letter, one.header, _source(one)) for one in sheet.columns]
        self._table(f'Tab "{sheet.title}"{header}', ("", "header", "filled from"), rows)
        if sheet.note:
            self._line(f"! {sheet.note}", "yellow")

    # --- leads ---

    def _leads(self, leads: Sequence[LeadLine]) -> None:
        rows = [(one.id, one.created, one.pipeline, _stage(one), one.name, _text(one.price)) for one in leads]
        self._table(f"Newest leads ({len(leads)})", ("ID", "created", "pipeline", "stage", "name", "price"), rows)

    def _lead(self, lead: LeadView) -> None:
        line = lead.line
        facts = [
            ("name", line.name),
            ("pipeline", line.pipeline),
            ("stage", _stage(line)),
            ("price", _text(line.price)),
            ("responsible", lead.responsible),
            ("created", line.created),
            ("changed", line.updated),
            ("tags", ", ".join(lead.tags)),
            ("company", lead.company),
        ]
        for contact in lead.contacts:
            facts.append(("contact", f"{contact['name']} (ID {contact['id']})"))
            facts += [
                (kind, _joined(contact[key])) for kind, key in (("phones", "phones"), ("e-mails", "emails")) if contact[key]
            ]
        self._table(f"Lead {line.id}", ("", ""), facts)
        fields = [(one.id, one.name, one.type, one.text) for one in lead.fields]
        self._table("Its custom fields", ("ID", "field", "type", "value"), fields)
        self._table("Its row", ("header", "cell"), lead.row.items())
        if lead.moves is not None:
            self._table("Its moves", ("at", "from", "to"), [(one["at"], one["from"], one["to"]) for one in lead.moves])

    # --- settings ---

    def _settings(self, inspection: Inspection) -> None:
        self._table("Settings in use", ("setting", "value", "from"), inspection.in_use)
        self._title("For the settings file: copy what you want, and change it as you like")
        for one in inspection.suggestions:
            # Not folded by the console: a line that is copied must be one line.
            self._raw(f"# {one.comment}", "dim")
            self._raw(env_line(one.name, one.value))

    # --- how ---

    def _title(self, text: str) -> None:
        self._console.print()
        self._console.print(_safe(text, "bold"))

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(_safe(text, style))

    def _raw(self, text: str, style: str = "") -> None:
        self._console.print(_safe(text, style), soft_wrap=True)

    def _table(self, title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        from rich.table import Table

        self._title(title)
        table = Table(box=self._box, show_edge=False, pad_edge=False, show_header=any(heads))
        for place, head in enumerate(heads):
            # An ID or a letter is short and must stay whole; anything else is folded, never cut.
            table.add_column(head, overflow="fold", no_wrap=place == 0 and head in ("ID", "", "at"))
        for row in rows:
            table.add_row(*(_cell(one) for one in row))
        self._console.print(table if table.row_count else _safe("none"))


def _kind(stage: StageLine) -> str:
    return "trigger" if stage.is_trigger else "incoming" if stage.is_incoming else ""


def _stage(line: LeadLine) -> str:
    return line.stage if line.stage == line.shown else f"{line.stage} (shown as {line.shown})"


def _source(column: ColumnLine) -> str:
    if column.kind == "own":
        return "nothing: people's own"
    return "nothing: the same header stands further left" if column.kind == "doubled" else column.source


def _joined(values: object) -> str:
    return ", ".join(map(str, values)) if isinstance(values, (list, tuple)) else ""


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _cell(value: object) -> RenderableType:
    return _safe(_text(value))


def _safe(text: str, style: str = "") -> Text:
    """Text as it is: no markup, no secret, nothing that a terminal would obey."""
    from rich.text import Text

    return Text(printable(redacted(text)), style=style)
