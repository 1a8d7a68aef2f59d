"""Which part may know which: the arrows between modules, read from their imports.

A new module takes the rules of the group that its name begins with (`config_file` those of `config`, `sync/plan_push` those
of `sync`); a new group needs a line in the tables below, and a reason for each of its arrows.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGE = "amo2gsheet"

WORDS = {"model", "names", "values", "fields", "staff", "columns", "lead_ids", "statuses", "exceptions"}
"""What everybody may know: plain data, its rules, and the errors."""

SIDE = WORDS | {"retry", "config", "filelock", "private_file"}
"""What a side may know besides itself: never the sync, the commands, or the other side."""

ARROWS: dict[str, set[str]] = {
    "": set(),  # the package's own `__init__`: the version
    "__main__": {"cli"},
    "cli": {"", "commands", "config", "output", "exceptions"},
    "commands": {"", "sync", "amo", "sheet", "state", "xlsx", "health", "inspection", "output", "config", "retry"} | WORDS,
    "inspection": WORDS,
    "health": {"", "state", "output", "config", "retry"} | WORDS,
    "output": {"", "config", "inspection"} | WORDS,  # what it shows, as plain data
    "state": {"config", "filelock"} | WORDS,
    "xlsx": {"config"} | WORDS,
    "sync": WORDS,
    "amo": {""} | SIDE,  # the version stands in the User-Agent
    "sheet": {""} | SIDE,
    "retry": {"model", "exceptions"},
    "filelock": {"exceptions"},
    "private_file": set(),
    "config": {"exceptions"},
    **dict.fromkeys(WORDS, WORDS),
    "sandbox": set(),  # a cloud knows nothing of its clients
}

ARROWS_TO_MODULES: dict[str, set[str]] = {
    "sync": {"state.records"},  # what the journal keeps, as plain values; the store itself comes in from outside
}
"""Single modules that a group may know besides."""

ARROWS_FOR_TYPES: dict[str, set[str]] = {
    "sync": {"config", "retry", "state"},  # a run carries them; who builds them is the commands' matter
}
"""What a group may besides name in annotations, under `TYPE_CHECKING`."""

PURE = WORDS | {"inspection"} | {
    "sync.merge", "sync.plan", "sync.sides", "sync.record", "sync.inserted", "sync.answered", "sync.misnamed", "sync.strays",
    "sync.carried", "amo.payload", "amo.consent", "sheet.grid", "state.records", "xlsx_memory",
    "sync.importing_values", "sync.importing_columns", "sync.importing_stages", "sync.importing_drafts",
    "sync.importing_keys", "sync.importing_match", "sync.importing_plan", "sync.importing_report", "sync.importing_words",
}  # fmt: skip
"""No I/O, no clock, no environment: these, those whose name continues one of them with `_`, and all that they import."""

PURE_STANDARD_LIBRARY = {
    "__future__", "abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "difflib",
    "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math", "operator", "re", "string",
    "sys.intern", "textwrap", "types", "typing", "unicodedata", "urllib.parse",
    "zoneinfo",  # a table that is the same for every run, though it lies in a file
}  # fmt: skip

LIBRARIES: dict[str, set[str]] = {
    "cryptography": {"sandbox"},
    "dotenv": {"config"},
    "google": {"sheet"},
    "gspread": {"sheet"},
    "openpyxl": {"xlsx"},
    "requests": {"amo", "sheet", "health", "retry", "sandbox"},
    "rich": {"cli", "commands", "output", "health", "sandbox"},
    "sqlite3": {"state"},
    "tenacity": {"retry"},
    "typer": {"cli", "commands"},
    "urllib3": {"amo", "sheet", "retry", "sandbox"},
}
"""Library → the groups that know it. Each client turns its library's errors into ours, so nobody above meets them."""

READS_ENVIRONMENT = {
    "config",
    "output",  # whether the journal or a terminal is at the other end
    "sandbox",  # starts the program as a child, which needs the rest of the environment
}

HEAVY = {"dotenv", "google", "gspread", "openpyxl", "requests", "sqlite3", "tenacity"}
"""What `--help` never waits for: imported in the command that needs it."""


@dataclass(frozen=True)
class Module:
    """One module of the package; `name` is dotted and without the package's, "" for the package itself."""

    name: str
    tree: ast.Module

    @property
    def group(self) -> str:
        return group_of(self.name)

    @property
    def is_sandbox_command(self) -> bool:
        return self.group == "commands" and ("demo" in self.name or "sandbox" in self.name)


@dataclass(frozen=True)
class Import:
    """One imported name, as absolute as it is written; `within` is the function around it, "" at the top of a module."""

    target: str
    line: int
    within: str
    is_for_types_only: bool


def modules() -> list[Module]:
    folder = REPOSITORY / PACKAGE
    return [Module(_dotted(path.relative_to(folder)), ast.parse(path.read_text())) for path in sorted(folder.rglob("*.py"))]


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = modules()
BY_NAME = {module.name: module for module in MODULES}


def group_of(name: str) -> str:
    """The longest known beginning of a module's top name, or that name as it is."""
    top = name.split(".")[0]
    known = [group for group in ARROWS if group and (top == group or top.startswith(f"{group}_"))]
    return max(known, key=len, default=top)


def imports_of(node: ast.AST, within: str = "", *, is_for_types_only: bool = False) -> Iterator[Import]:
    """Every import below a node, wherever it stands."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, within, is_for_types_only)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                yield Import(f"{child.module}.{alias.name}", child.lineno, within, is_for_types_only)
        else:
            name = child.name if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) else within
            types_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            yield from imports_of(child, name, is_for_types_only=is_for_types_only or types_only)


def own_target(target: str) -> str | None:
    """The module of ours that an import means, without the package's name; None for anybody else's."""
    if target != PACKAGE and not target.startswith(f"{PACKAGE}."):
        return None
    parts = target.split(".")[1:]
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in BY_NAME:
            return ".".join(parts[:length])
    # Of `from amo2gsheet import x`, an x that is no module is a name of the package itself.
    return parts[0] if len(parts) > 1 else ""


def pure_modules() -> list[Module]:
    """What must be pure: a module that leans on an impure one is none."""
    pending = [name for name in BY_NAME if any(name == pure or name.startswith(f"{pure}_") for pure in PURE)]
    found: dict[str, Module] = {}
    while pending:
        name = pending.pop()
        if name in BY_NAME and name not in found:
            found[name] = BY_NAME[name]
            pending += filter(None, (own_target(one.target) for one in imports_of(BY_NAME[name].tree)))
    return [found[name] for name in sorted(found)]


def is_of_library(target: str, library: str) -> bool:
    return target == library or target.startswith(f"{library}.")


def place(module: Module, line: int) -> str:
    return f"{module.name or PACKAGE}:{line}"


def test_every_module_belongs_to_a_known_group() -> None:
    assert [] == [module.name for module in MODULES if module.group not in ARROWS]


def test_every_arrow_is_allowed() -> None:
    wrong = []
    for module in MODULES:
        for found in imports_of(module.tree):
            target = own_target(found.target)
            if target is None:
                continue
            group = group_of(target)
            allowed = ARROWS.get(module.group, set())
            if found.is_for_types_only:
                allowed = allowed | ARROWS_FOR_TYPES.get(module.group, set())
            if group == module.group or group in allowed or target in ARROWS_TO_MODULES.get(module.group, set()):
                continue
            if group == "sandbox" and (module.is_sandbox_command or _is_in_sandbox_command(module, found)):
                continue
            wrong.append(f"{place(module, found.line)} imports {target or PACKAGE}")

    assert not wrong, "\n".join(dict.fromkeys(wrong))


def _is_in_sandbox_command(module: Module, found: Import) -> bool:
    """The program itself may start the sandbox in `demo` and `sandbox` only."""
    return module.group == "commands" and ("demo" in found.within or "sandbox" in found.within)


def test_pure_modules_know_nothing_of_the_world() -> None:
    wrong = []
    for module in pure_modules():
        for found in imports_of(module.tree):
            is_ours = own_target(found.target) is not None
            if not is_ours and not any(is_of_library(found.target, name) for name in PURE_STANDARD_LIBRARY):
                wrong.append(f"{place(module, found.line)} imports {found.target}")

    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_pure_modules_ask_no_clock_and_open_nothing() -> None:
    wrong = []
    for module in pure_modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _asks_the_world(node):
                wrong.append(f"{place(module, node.lineno)} calls {ast.unparse(node.func)}")

    assert not wrong, "\n".join(dict.fromkeys(wrong))


def _asks_the_world(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in ("now", "utcnow", "today") and "date" in ast.unparse(call.func.value)
    return isinstance(call.func, ast.Name) and call.func.id in ("open", "print", "input", "__import__")


def test_each_library_is_known_in_its_own_place_only() -> None:
    wrong = []
    for module in MODULES:
        for found in imports_of(module.tree):
            for library, groups in LIBRARIES.items():
                if is_of_library(found.target, library) and module.group not in groups:
                    wrong.append(f"{place(module, found.line)} imports {found.target}")

    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_no_third_party_library_is_unheard_of() -> None:
    known = {*sys.stdlib_module_names, *LIBRARIES, PACKAGE}
    wrong = [
        f"{place(module, found.line)} imports {found.target}"
        for module in MODULES
        for found in imports_of(module.tree)
        if found.target.split(".")[0] not in known
    ]

    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_only_the_settings_read_the_environment() -> None:
    wrong = []
    for module in MODULES:
        if module.group in READS_ENVIRONMENT:
            continue
        names = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
        wrong += [place(module, found.line) for found in imports_of(module.tree) if found.target in names]
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in names:
                wrong.append(place(module, node.lineno))

    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_no_module_imports_itself_in_a_circle() -> None:
    arrows = {
        module.name: {
            target
            for found in imports_of(module.tree)
            if not found.is_for_types_only and (target := own_target(found.target)) is not None and target != module.name
        }
        for module in MODULES
    }

    assert [] == circle_in(arrows)


def circle_in(arrows: dict[str, set[str]]) -> list[str]:
    """One circle, from a name back to itself; empty when there is none."""
    finished: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in finished:
            return []
        for target in sorted(arrows.get(name, ())):
            if circle := walk(target, [*way, name]):
                return circle
        finished.add(name)
        return []

    return next((circle for name in sorted(arrows) if (circle := walk(name, []))), [])


@pytest.mark.parametrize("name", ["__main__", "cli", "config", "exceptions", "output"])
def test_nothing_heavy_is_imported_before_a_command_needs_it(name: str) -> None:
    seen: set[str] = set()
    pending = [name] if name in BY_NAME else []
    wrong = []
    while pending:
        module = BY_NAME[pending.pop()]
        seen.add(module.name)
        for found in imports_of(module.tree):
            if found.within or found.is_for_types_only:
                continue
            if any(is_of_library(found.target, library) for library in HEAVY):
                wrong.append(f"{place(module, found.line)} imports {found.target}")
            target = own_target(found.target)
            if target in BY_NAME and target not in seen:
                pending.append(target)

    assert not wrong, "\n".join(dict.fromkeys(wrong))


def test_a_circle_is_found() -> None:
    assert ["b", "c", "b"] == circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}})
    assert [] == circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_an_import_is_seen_wherever_it_stands() -> None:
    tree = ast.parse(
        "import a.b\nfrom c import d\ndef demo():\n  if True:\n    import e\nif TYPE_CHECKING:\n  import f\n",
    )

    expected = [
        Import("a.b", 1, "", is_for_types_only=False),
        Import("c.d", 2, "", is_for_types_only=False),
        Import("e", 5, "demo", is_for_types_only=False),
        Import("f", 7, "", is_for_types_only=True),
    ]
    assert expected == list(imports_of(tree))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("datetime.now(UTC)", True),
        ("datetime.date.today()", True),
        ("open('x')", True),
        ("schedule.now()", False),
        ("x.open()", False),
    ],
)
def test_a_look_at_the_clock_is_seen(code: str, *, expected: bool) -> None:
    (call,) = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]

    assert expected == _asks_the_world(call)
