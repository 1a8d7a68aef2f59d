"""Builders for the tests of the engine: plain values with valid defaults, and a run on the world's clouds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.amo.oauth import Login
from amo2gsheet.commands import Outcome
from amo2gsheet.exceptions import AmoGsheetError
from amo2gsheet.model import (
    Account,
    Base,
    CellBase,
    CellValue,
    Columns,
    Directory,
    Header,
    Lead,
    Mark,
    Pipeline,
    PipelineStage,
    Row,
    Stage,
    StatusBase,
)
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Killed, Manner, Rule
from amo2gsheet.sheet.adapter import open_sheet
from amo2gsheet.state import StateStore
from amo2gsheet.statuses import StatusRules
from amo2gsheet.sync.directory import Known
from amo2gsheet.sync.run import Run
from tests.world import World

SHOP, BASE = 1, 2
NEW = Stage(SHOP, 11)
"""Ordinary stage "Консультация" of the shop."""
TRIGGER = Stage(SHOP, 12)
SENT = Stage(SHOP, 13)
REFUSED = Stage(SHOP, 14)
WON = Stage(SHOP, 142)
BASE_TRIGGER = Stage(BASE, 22)
BASE_SENT = Stage(BASE, 23)
"""The other pipeline has no refused stage."""


def _pipeline(pipeline_id: int, name: str, stages: Mapping[int, str]) -> Pipeline:
    listed = [PipelineStage(Stage(pipeline_id, status_id), text, sort) for sort, (status_id, text) in enumerate(stages.items())]
    return Pipeline(pipeline_id, name, pipeline_id, pipeline_id == SHOP, tuple(listed))


PIPELINES = (
    _pipeline(
        SHOP,
        "Магазин",
        {
            11: "Консультация",
            12: "NOMERATSIYALANMAGAN ZAKAZ",
            13: "Заказ отправлен",
            14: "Отказ",
            15: "Заказ без нумерации",
            142: "Успешно реализовано",
        },
    ),
    _pipeline(BASE, "База", {21: "ДУМКА", 22: "Заказ без нумерации", 23: "ЗАКАЗ ОТПРАВЛЕН"}),
)

RULES = StatusRules.build(
    PIPELINES,
    trigger_names=("NOMERATSIYALANMAGAN ZAKAZ",),
    trigger_status_id=0,
    dropdown={},
    status_display={},
    sheet_status={},
)

TWIN = Stage(SHOP, 15)
"""A second stage of the shop that is shown as the trigger is: `В процессе`."""

KNOWN = Known(Directory(PIPELINES, (), {}, {}, "Asia/Tashkent"), RULES, Account(1, "", "", "Asia/Tashkent", True))

HEADER = Header(1, ("ID", "Ф.И.О.", "Заметка", "статус"))
COLUMNS = Columns({"id": 0, "name": 1, "status": 3}, ("Заметка",))
ID, NAME, NOTE, STATUS_INDEX = range(4)


def lead(lead_id: int = 1, stage: Stage = TRIGGER, **more: object) -> Lead:
    """A lead in the trigger stage."""
    values: dict[str, object] = {"name": "Анна", "price": 0, "responsible_user_id": 7, "created_at": 0, "updated_at": 0}
    return Lead(id=lead_id, stage=stage, **{**values, **more})  # type: ignore[arg-type]


def row(number: int, lead_id: int | None, *cells: CellValue) -> Row:
    """A row with its cells from the second column on: name, note, status."""
    values = (lead_id, *cells)
    return Row(number, lead_id, {index: values[index] if index < len(values) else None for index in range(len(HEADER.texts))})


def base(lead_id: int = 1, stage: Stage = TRIGGER, text: str | None = None, **cells: CellValue) -> Base:
    """What was agreed: the status, and cells the same on both sides."""
    shown = RULES.shown(stage)
    return Base(
        lead_id, StatusBase(stage, shown, shown if text is None else text), {key: CellBase(v, v) for key, v in cells.items()}
    )


@contextmanager
def run_on(world: World, command: str = "pull", *, is_forced: bool = False, is_dry: bool = False) -> Iterator[Run]:
    """A run of the world's program, with its real sides and state, for calling single steps of the engine."""
    settings, outside = world.settings, world.outside
    assert outside.new_session is not None
    amo = AmoClient(
        settings.amo_base_url,
        Login("", "", "", settings.long_lived_token, "", ""),
        settings.token_store,
        outside.clock,
        new_session=outside.new_session,
    )
    google = Path(f"{settings.token_store}.google")
    sheet = open_sheet(
        settings.sheet_id,
        settings.service_account_file,
        google,
        clock=outside.clock,
        base_url=settings.sheets_base_url,
        new_session=outside.new_session,
    )
    with StateStore.open(settings.state_db, outside.clock) as state:
        run_id = state.begin_run(command)
        mark = Mark(state.state_id, outside.host, str(settings.state_db))
        started = outside.clock.monotonic()
        yield Run(
            command,
            run_id,
            amo,
            lambda: sheet,
            state,
            settings,
            outside.clock,
            mark,
            is_dry=is_dry,
            is_forced=is_forced,
            started=started,
        )
        amo.close()


@contextmanager
def state_of(world: World) -> Iterator[StateStore]:
    """The world's state, between two runs."""
    with StateStore.open(world.settings.state_db, world.outside.clock) as state:
        yield state


def is_insert(request: Request) -> bool:
    """Whether the request is one that inserts rows, or makes the tab."""
    return request.path.endswith(":batchUpdate") and not request.path.endswith("values:batchUpdate")


def is_write(request: Request) -> bool:
    """Whether the request writes cells."""
    return request.path.endswith("values:batchUpdate")


def is_rows(request: Request) -> bool:
    """Whether the request inserts rows with leads."""
    return is_insert(request) and b"insertDimension" in request.body and b"frozen" not in request.body


def is_patch(request: Request) -> bool:
    """Whether the request moves leads."""
    return request.method == "PATCH"


def before(predicate: Callable[[Request], bool], act: Callable[[], None], nth: int = 1) -> Callable[[int, Request], None]:
    """A hand that acts once, right before the n-th request of which the predicate is true."""
    met = 0

    def hand(_number: int, request: Request) -> None:
        nonlocal met
        if predicate(request):
            met += 1
            if met == nth:
                act()

    return hand


def once(predicate: Callable[[Request], bool], fault: Fault, nth: int = 1) -> Rule:
    """Let only the n-th request of which the predicate is true go wrong."""
    met = 0

    def rule(_number: int, request: Request) -> Fault | None:
        nonlocal met
        if not predicate(request):
            return None
        met += 1
        return fault if met == nth else None

    return rule


KILL_AFTER, KILL_BEFORE = Fault(Manner.KILL_AFTER), Fault(Manner.KILL_BEFORE)
CUT_AFTER, CUT_BEFORE = Fault(Manner.CUT_AFTER), Fault(Manner.CUT_BEFORE)


def stopped(run: Callable[[], Outcome]) -> None:
    """Run until the process dies or the run gives up."""
    try:
        run()
    except (Killed, AmoGsheetError):
        return
    raise AssertionError("the run was to be stopped")


def settled(world: World) -> None:
    """Let both commands run until nothing is left, without faults."""
    world.amo_wire.rule = world.sheets_wire.rule = None
    world.amo_wire.before_each = world.sheets_wire.before_each = None
    for _ in range(2):
        world.push()
        world.pull()
