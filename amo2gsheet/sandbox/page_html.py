"""How the sandbox's page looks. Every text that stands in it comes through `escape`; knows no cloud and no request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

_WIDEST = 26

_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #222; background: #fff; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem } h2 { font-size: 1.05rem; margin: 1.6rem 0 .5rem }
p { margin: .3rem 0; max-width: 60rem } .hint { color: #666 }
pre { background: #f3f4f6; padding: .6rem .8rem; border-radius: 6px; overflow-x: auto; margin: .5rem 0 }
.said { background: #fde8e8; border: 1px solid #e5a5a5; border-radius: 6px; padding: .4rem .7rem }
.wide { overflow-x: auto; scroll-padding-left: 9rem; border: 1px solid #ccc; max-width: 100% }
table { border-collapse: collapse } td, th { border: 1px solid #ddd; padding: 0; font-weight: normal; text-align: left }
.number, .delete { background: #f3f4f6; color: #777; padding: 0 .4rem; text-align: center }
.grid td:nth-child(-n+2) { position: sticky; z-index: 1 } .grid td:nth-child(2) { left: 2rem; background: #fff }
.grid td.number { left: 0; width: 2rem; min-width: 2rem; box-sizing: border-box }
tr.header td, .grid tr.header td { background: #f3f4f6 } tr.header input { font-weight: 600 }
form { margin: 0; display: flex; align-items: center }
td input, td select { border: 0; background: transparent; font: inherit; padding: .25rem .4rem; color: inherit }
td input:focus, td select:focus { outline: 2px solid #1a73e8; background: #fff }
button { font: inherit; cursor: pointer; border: 1px solid #bbb; background: #fff; border-radius: 4px; padding: .2rem .6rem }
td button { border: 0; background: transparent; color: #666; padding: .1rem .3rem }
td button:hover { color: #000; background: #e5e7eb }
.acts { display: flex; gap: 1rem; margin: .6rem 0; flex-wrap: wrap } .acts form { gap: .4rem }
.acts input, .acts select { font: inherit; padding: .2rem .4rem; border: 1px solid #bbb; border-radius: 4px }
.text { padding: .25rem .6rem }
"""

_SCRIPT = """
// Without this script every form still works: Enter sends a cell, a button sends a choice.
const version = document.body.dataset.version;
document.addEventListener('change', (event) => {
  const form = event.target.closest('form.cell');
  if (form) form.requestSubmit();
});
document.querySelectorAll('form.cell button.send').forEach((button) => { button.hidden = true; });
document.addEventListener('submit', () => sessionStorage.setItem('at', [scrollX, scrollY, wide.scrollLeft].join()));
const wide = document.querySelector('.wide');
const at = (sessionStorage.getItem('at') || '').split(',');
if (at.length === 3) { wide.scrollLeft = at[2]; scrollTo(at[0], at[1]); }
sessionStorage.removeItem('at');
// What a command did shows by itself, unless somebody is just typing.
setInterval(async () => {
  if (document.hidden || document.activeElement.closest('form')) return;
  const answer = await fetch('/version').catch(() => null);
  if (answer && answer.ok && await answer.text() !== version) {
    sessionStorage.setItem('at', [scrollX, scrollY, wide.scrollLeft].join());
    location.reload();
  }
}, 1500);
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the identity of its column, what it shows, what its dropdown lists, its background ("" for none)."""

    column: int
    text: str
    listed: tuple[str, ...] = ()
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the tab: its identity, its number as people see it, its cells."""

    row: int
    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class LeadLine:
    """One lead; `stage` is the value of its choice."""

    lead_id: int
    name: str
    contacts: str
    pipeline: str
    stage: str


@dataclass(frozen=True, slots=True)
class StageChoice:
    """One stage that a lead can be moved to."""

    value: str
    pipeline: str
    name: str


@dataclass(frozen=True, slots=True)
class PageView:
    """Everything that the page shows. `said` is what became of the last form, "" when there is nothing to say."""

    token: str
    nonce: str
    version: str
    said: str
    commands: tuple[str, ...]
    title: str
    header_number: int
    lines: tuple[Line, ...]
    leads: tuple[LeadLine, ...]
    stages: tuple[StageChoice, ...]


def rendered(view: PageView) -> str:
    """The whole page."""
    said = f'<p class="said" role="alert">{escape(view.said)}</p>' if view.said else ""
    commands = "\n".join(map(escape, view.commands))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>amo2gsheet sandbox</title><link rel="icon" href="data:,"><style nonce="{escape(view.nonce)}">{_STYLE}
{_colours(view)}</style></head>
<body data-version="{escape(view.version)}">
<h1>amo2gsheet sandbox</h1>
<p class="hint">A shop played on your own machine. Change something here, then type a command in a terminal:</p>
<pre>{commands}</pre>
{said}
<h2 id="sheet">Google Sheet: {escape(view.title)}</h2>
{_sheet(view)}
<h2 id="leads">amoCRM: leads</h2>
{_leads(view)}
<script nonce="{escape(view.nonce)}">{_SCRIPT}</script>
</body></html>
"""


def _sheet(view: PageView) -> str:
    width = len(view.lines[0].cells) if view.lines else 0
    sizes = [_size(line.cells[place].text for line in view.lines) for place in range(width)]
    rows = "\n".join(_row(view, line, sizes, is_header=line.number == view.header_number) for line in view.lines)
    is_empty = len(view.lines) < 2
    hint = "The tab is empty: run the first command." if is_empty else "Type into any cell; Enter or leaving it sends it."
    return f"""<p class="hint">{hint}</p>
<div class="wide"><table class="grid">{rows}</table></div>
<div class="acts">
{_form(view, "/add", '<input name="lead" size="9" placeholder="lead ID" aria-label="lead ID"><button>Add a row</button>')}
{_form(view, "/undo", "<button>Undo</button>")}
</div>"""


def _row(view: PageView, line: Line, sizes: list[int], *, is_header: bool) -> str:
    cells = "".join(_cell(view, line, cell, size, is_header=is_header) for cell, size in zip(line.cells, sizes, strict=True))
    delete = _hidden("row", line.row) + f'<button title="Delete this row" aria-label="Delete row {line.number}">✕</button>'
    return (
        f'<tr{" class=header" if is_header else ""}><td class="number">{line.number}</td>{cells}'
        f'<td class="delete">{_form(view, "/delete", delete)}</td></tr>'
    )


def _cell(view: PageView, line: Line, cell: Cell, size: int, *, is_header: bool) -> str:
    label = f'aria-label="row {line.number}"'
    hidden = _hidden("row", line.row) + _hidden("column", cell.column) + _hidden("was", cell.text)
    if cell.listed:
        choices = cell.listed if cell.text in cell.listed else (cell.text, *cell.listed)
        options = "".join(_option(choice, choice, is_chosen=choice == cell.text) for choice in ("", *filter(None, choices)))
        field = f'<select name="text" {label}>{options}</select><button class="send">OK</button>'
    else:
        field = f'<input name="text" value="{escape(cell.text)}" size="{size}" autocomplete="off" {label}>'
    sort = _sort(view, cell) if is_header and cell.text else ""
    colour = f' class="c{cell.colour[1:]}"' if cell.colour else ""
    return f"<td{colour}>{_form(view, '/type', hidden + field, kind='cell')}{sort}</td>"


def _sort(view: PageView, cell: Cell) -> str:
    hidden = _hidden("column", cell.column)
    name = escape(cell.text)
    buttons = "".join(
        f'<button name="order" value="{order}" title="Sort by {name}" aria-label="Sort by {name}, {order}">{sign}</button>'
        for order, sign in (("up", "▲"), ("down", "▼"))
    )
    return _form(view, "/sort", hidden + buttons)


def _leads(view: PageView) -> str:
    rows = "\n".join(
        f'<tr><td class="number">{lead.lead_id}</td><td class="text">{escape(lead.name)}</td>'
        f'<td class="text">{escape(lead.contacts)}</td><td class="text">{escape(lead.pipeline)}</td>'
        f"<td>{_move(view, lead)}</td></tr>"
        for lead in view.leads
    )
    new = (
        '<input name="name" placeholder="name" aria-label="name"><input name="phone" placeholder="phone" aria-label="phone">'
        f'<select name="stage" aria-label="stage">{_stages(view, "")}</select><button>New lead</button>'
    )
    return f"""<p class="hint">Pick a stage to move a lead.</p>
<div class="wide"><table><tr class="header"><td class="number">ID</td><td class="text">Name</td>
<td class="text">Contacts</td><td class="text">Pipeline</td><td class="text">Stage</td></tr>
{rows}</table></div>
<div class="acts">{_form(view, "/lead", new)}</div>"""


def _move(view: PageView, lead: LeadLine) -> str:
    select = f'<select name="stage" aria-label="stage of lead {lead.lead_id}">{_stages(view, lead.stage)}</select>'
    return _form(view, "/move", f'{_hidden("lead", lead.lead_id)}{select}<button class="send">Move</button>', kind="cell")


def _stages(view: PageView, chosen: str) -> str:
    pipelines = dict.fromkeys(choice.pipeline for choice in view.stages)
    return "".join(
        f'<optgroup label="{escape(pipeline)}">'
        + "".join(
            _option(choice.value, choice.name, is_chosen=choice.value == chosen)
            for choice in view.stages
            if choice.pipeline == pipeline
        )
        + "</optgroup>"
        for pipeline in pipelines
    )


def _form(view: PageView, action: str, inside: str, kind: str = "") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<form method="post" action="{action}"{of_kind}>{_hidden("token", view.token)}{inside}</form>'


def _hidden(name: str, value: object) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(str(value))}">'


def _option(value: str, text: str, *, is_chosen: bool) -> str:
    return f'<option value="{escape(value)}"{" selected" if is_chosen else ""}>{escape(text)}</option>'


def _colours(view: PageView) -> str:
    """A class for each background in use: the page allows no style attribute."""
    found = {cell.colour for line in view.lines for cell in line.cells if cell.colour}
    return "\n".join(f".c{colour[1:]} {{ background: {colour} }}" for colour in sorted(found))


def _size(texts: Iterable[str]) -> int:
    return max(4, min(_WIDEST, max(map(len, texts), default=0) + 1))
