"""What the stopped runs are about: each scenario prepares a world in which one run has something to write."""

from __future__ import annotations

import json
from collections.abc import Callable

from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Manner, where
from tests.stop_bench import Bench, Scenario
from tests.stop_scenarios_rare import RARE
from tests.stop_start import PLAIN, SENT, filled, new_leads
from tests.world import STATUS, is_cell_write, is_insert, is_move


def _first_pull(bench: Bench) -> None:
    new_leads(bench, 3)


def _new_rows(bench: Bench) -> None:
    filled(bench)
    new_leads(bench, 2)


def _chunks(bench: Bench) -> None:
    filled(bench, 1)
    new_leads(bench, 3)


def _changed(bench: Bench) -> None:
    """Changed cells, a manager's move, a value that a person typed into an owned cell, and a pick for `push`."""
    filled(bench)
    world, leads = bench.world, bench.leads
    world.account.edit_lead(leads[0], price=77, fields={"Адрес": "новый дом", "Заказ №": "007"})
    world.move(leads[1], world.stage(SENT))
    world.person.type("Адрес", "рядом", lead=leads[2])
    world.account.edit_lead(leads[2], fields={"Адрес": "далеко"})
    world.pick(leads[3], "Отказ")


def _mixed(bench: Bench) -> None:
    _changed(bench)
    new_leads(bench, 1)


def _is_third_row(request: Request) -> bool:
    """Whether a request writes the third row of `_changed`: where each row is a batch of its own, two went out before it."""
    return is_cell_write(request) and "далеко" in json.dumps(json.loads(request.body), ensure_ascii=False)


def _edits(bench: Bench) -> None:
    filled(bench)
    world, leads = bench.world, bench.leads
    world.account.edit_lead(leads[0], fields={"Адрес": "новый дом"})
    world.move(leads[2], world.stage(SENT))


def _shown_little(bench: Bench) -> None:
    """The answers to writes show no more than the written cells, as the program has found out before."""
    filled(bench)
    world = bench.world
    world.sheets.knobs.values_in_response = "written"
    world.account.edit_lead(bench.leads[1], fields={"Адрес": "новый дом"})
    world.pull()
    world.account.edit_lead(bench.leads[0], fields={"Адрес": "новый дом"})
    world.move(bench.leads[2], world.stage(SENT))


def _protected_header(bench: Bench) -> None:
    """Google refuses ranges with a protected cell in them, also one that is left alone."""
    _edits(bench)
    bench.world.sheets.knobs.is_null_a_touch = True
    bench.world.person.protect("A1:Z1")


def _picks(count: int) -> Scenario:
    def prepare(bench: Bench) -> None:
        filled(bench)
        for lead, text in zip(bench.leads[:count], ("Отказ", "У курера", "Успешно"), strict=False):
            bench.world.pick(lead, text)

    return Scenario(prepare, "push")


def _refused_lead(bench: Bench) -> None:
    filled(bench)
    for lead in bench.leads[:3]:
        bench.world.pick(lead, "Отказ")
    bench.world.amo.knobs.refuse_leads = {bench.leads[1]: "validation"}


def _conflict(bench: Bench) -> None:
    filled(bench)
    bench.world.pick(bench.leads[0], "Отказ")
    bench.world.move(bench.leads[0], bench.world.stage(SENT))


def _after(prepare: Callable[[Bench], None], is_cut: Callable[[Request], bool], manner: Manner) -> Scenario:
    """A `pull` whose writes of one kind all went wrong; the next one is cut in its recovery."""

    def prepared(bench: Bench) -> None:
        prepare(bench)
        bench.stop("pull", where(is_cut, Fault(manner)))

    return Scenario(prepared)


def _killed_push(bench: Bench) -> None:
    filled(bench)
    bench.world.pick(bench.leads[0], "Отказ")
    bench.world.pick(bench.leads[1], "У курера")
    bench.stop("push", where(is_move, Fault(Manner.KILL_AFTER)))


def _header(bench: Bench) -> None:
    """People add the header of a known field."""
    filled(bench)
    bench.world.person.type_at(1, 22, "Название сделки")
    bench.world.push()


def _reentry(bench: Bench) -> None:
    """A person deletes a row; its lead leaves the trigger stage and comes back."""
    filled(bench)
    world, lead = bench.world, bench.leads[0]
    world.person.delete_row(lead)
    world.push()
    world.push()
    world.move(lead, world.stage(PLAIN))
    world.pull()
    world.move(lead, world.trigger)


def _hand_made(bench: Bench) -> None:
    """A person types the ID of a lead that has no row."""
    filled(bench)
    world = bench.world
    lead = world.lead("Своя", world.stage(PLAIN), price=5)
    world.person.type("ID", str(lead), row=world.person.row_of(bench.leads[-1]) + 1)
    world.push()


def _backfill(bench: Bench) -> None:
    """A first pull of leads in both pipelines, one of which has passed through the trigger stage only."""
    new_leads(bench, 4)
    world = bench.world
    world.lead("База", world.stage("Заказ без нумерации", world.base), phone="+998901112233")


def _killed_header(bench: Bench) -> None:
    """The run that made the header of an empty tab died before it knew."""
    new_leads(bench, 2)
    bench.stop("pull", where(lambda request: request.path.endswith(":batchUpdate"), Fault(Manner.KILL_AFTER)))


def _killed_before_push(bench: Bench) -> None:
    filled(bench)
    bench.world.pick(bench.leads[0], "Отказ")
    bench.stop("push", where(is_move, Fault(Manner.KILL_BEFORE)))


def _moved_on_after_a_killed_push(bench: Bench) -> None:
    """`push` died at the move; a manager then moved the lead on."""
    _killed_push(bench)
    bench.world.move(bench.leads[0], bench.world.stage(SENT))


def _stray_left(bench: Bench) -> None:
    """A write strayed, and the run died before it put that right."""
    _edits(bench)
    world = bench.world
    world.once(world.sheets_wire, is_cell_write, lambda: world.person.sort("ID", descending=True))
    bench.stop("pull", where(is_cell_write, Fault(Manner.KILL_AFTER)))


def _first_meeting(bench: Bench) -> int:
    """A hand-made row whose status differs from amoCRM's; return its lead."""
    filled(bench)
    world = bench.world
    lead = world.lead("Своя", world.stage(SENT))
    row = world.person.row_of(bench.leads[-1]) + 1
    world.person.type("ID", str(lead), row=row)
    world.person.type(STATUS, "Отказ", row=row)
    world.push()
    world.pull()
    return lead


def _first_meeting_moved(bench: Bench) -> None:
    bench.world.pick(_first_meeting(bench), "В процессе")


def _first_meeting_agreed(bench: Bench) -> None:
    bench.world.pick(_first_meeting(bench), "У курера")


def _swallowed_twice(bench: Bench) -> int:
    """A move that amoCRM answered twice and did not carry out; return its lead."""
    filled(bench)
    world, lead = bench.world, bench.leads[0]
    world.amo.knobs.swallow_patches = {lead}
    world.amo.knobs.swallow_bumps = True
    world.pick(lead, "Отказ")
    for run in (world.push, world.pull, world.push, world.pull):
        run()
    world.amo.knobs.swallow_patches = set()
    return lead


def _swallowed_moved(bench: Bench) -> None:
    bench.world.pick(_swallowed_twice(bench), "У курера")


def _swallowed_once(bench: Bench) -> None:
    """`pull` notices that a move was swallowed, and `push` asks once more."""
    filled(bench)
    world, lead = bench.world, bench.leads[0]
    world.amo.knobs.swallow_patches = {lead}
    world.amo.knobs.swallow_bumps = True
    world.pick(lead, "Отказ")
    world.push()
    world.amo.knobs.swallow_patches = set()


def _unknown_text(bench: Bench) -> None:
    """A cell shows what is no status; another waits for a stage that its pipeline does not have."""
    filled(bench)
    world, leads = bench.world, bench.leads
    world.person.paste(f"T{world.person.row_of(leads[0])}", [["завтра"]])
    world.pick(leads[1], "Отказ")


def _sync_column(bench: Bench) -> None:
    """A column tells why rows wait: one pick is refused, `pull` writes the reason."""
    _refused_lead(bench)
    bench.world.person.type_at(1, 22, "Синхронизация")
    bench.world.push()


def _doubled(bench: Bench) -> None:
    """A person duplicates a row whose lead changed in amoCRM."""
    _edits(bench)
    bench.world.person.duplicate_row(lead=bench.leads[0])


def _single_again(bench: Bench) -> None:
    """A doubled ID is single again, and its lead has changed meanwhile."""
    _edits(bench)
    world = bench.world
    world.person.duplicate_row(lead=bench.leads[0])
    world.pull()
    world.person.delete_rows(world.person.row_of(bench.leads[0]) + 1)
    world.push()


def _header_gone(bench: Bench) -> None:
    """People delete a column of ours, and amoCRM's value in it changes."""
    _edits(bench)
    bench.world.person.delete_columns("Адрес")


def _column_moved(bench: Bench) -> None:
    _mixed(bench)
    bench.world.person.move_column("Адрес", 2)


def _renamed_tab(bench: Bench) -> None:
    _mixed(bench)
    bench.world.person.rename_tab("Доставка")


def _passed_through(bench: Bench) -> None:
    """A lead enters the trigger stage and leaves it between two runs: only its events tell."""
    filled(bench)
    world = bench.world
    lead = world.lead("Быстрая", world.stage(PLAIN))
    world.clock.advance(30)
    world.move(lead, world.trigger)
    world.clock.advance(30)
    world.move(lead, world.stage(SENT))


def _contact_renamed(bench: Bench) -> None:
    """A contact's name changed: the hourly look finds it."""
    filled(bench)
    world = bench.world
    contact = next(iter(world.account.contacts.current))
    world.clock.advance(4000)
    world.account.edit_contact(contact, name="Другое имя")


def _gone_lead(bench: Bench) -> None:
    """A lead was deleted in amoCRM after somebody picked a status in its row."""
    filled(bench)
    world = bench.world
    world.pick(bench.leads[0], "Отказ")
    world.pick(bench.leads[1], "Отказ")
    world.account.trash_lead(bench.leads[0])


def _taken_over(bench: Bench) -> None:
    """No state yet, and a sheet that an earlier state filled: both sides meet for the first time."""
    filled(bench)
    world = bench.world
    world.move(bench.leads[0], world.stage(SENT))
    for path in world.folder.glob(".amo2gsheet*"):
        path.unlink()


SCENARIOS = {
    "first-pull": Scenario(_first_pull),
    "new-rows": Scenario(_new_rows),
    "mixed-pull": Scenario(_mixed),
    "sorted-before-the-write": Scenario(_edits, moment=is_cell_write, act=lambda world: world.person.sort("ID", descending=True)),
    "one-move": _picks(1),
    "three-moves": _picks(3),
    "refused-lead": Scenario(_refused_lead, "push"),
    "conflict-amo-wins": Scenario(_conflict),
    "conflict-sheet-wins": Scenario(_conflict, "push", {"CONFLICT_WINNER": "sheet"}),
    "after-a-killed-insert": _after(_new_rows, is_insert, Manner.KILL_AFTER),
    "after-a-killed-write": _after(_mixed, is_cell_write, Manner.KILL_AFTER),
    "after-a-killed-push": Scenario(_killed_push, "push"),
    "header-added": Scenario(_header),
    "deleted-row-re-enters": Scenario(_reentry),
    "hand-made-row": Scenario(_hand_made),
    "two-chunks": Scenario(_chunks, sizes={"ROWS_PER_INSERT": 2}),
    "backfill-in-chunks": Scenario(_backfill, sizes={"ROWS_PER_INSERT": 2}),
    "row-by-row": Scenario(_mixed, sizes={"CELLS_PER_WRITE": 1}),
    "sorted-between-two-writes": Scenario(
        _changed, moment=_is_third_row, act=lambda world: world.person.sort("ID", descending=True), sizes={"CELLS_PER_WRITE": 1}
    ),
    "after-a-killed-header": Scenario(_killed_header),
    "after-a-lost-insert": _after(_new_rows, is_insert, Manner.KILL_BEFORE),
    "after-an-unclear-insert": _after(_new_rows, is_insert, Manner.CUT_BEFORE),
    "after-an-unclear-write": _after(_mixed, is_cell_write, Manner.CUT_AFTER),
    "after-a-lost-push": Scenario(_killed_before_push, "push"),
    "pull-after-a-killed-push": Scenario(_killed_push),
    "moved-on-after-a-killed-push": Scenario(_moved_on_after_a_killed_push),
    "after-a-stray": Scenario(_stray_left),
    "push-after-a-stray": Scenario(_stray_left, "push"),
    "first-meeting-moved": Scenario(_first_meeting_moved, "push"),
    "first-meeting-agreed": Scenario(_first_meeting_agreed, "push"),
    "swallowed-once": Scenario(_swallowed_once),
    "swallowed-moved": Scenario(_swallowed_moved, "push"),
    "unknown-text": Scenario(_unknown_text, "push"),
    "sync-column": Scenario(_sync_column),
    "doubled-row": Scenario(_doubled),
    "single-again": Scenario(_single_again),
    "header-gone": Scenario(_header_gone),
    "column-moved": Scenario(_column_moved),
    "renamed-tab": Scenario(_renamed_tab),
    "passed-through": Scenario(_passed_through),
    "contact-renamed": Scenario(_contact_renamed),
    "gone-lead": Scenario(_gone_lead, "push"),
    "new-state": Scenario(_taken_over),
    "sorted-before-the-insert": Scenario(_mixed, moment=is_insert, act=lambda world: world.person.sort("ID", descending=True)),
    "shown-little": Scenario(_shown_little),
    "shown-little-sorted": Scenario(
        _shown_little, moment=is_cell_write, act=lambda world: world.person.sort("ID", descending=True)
    ),
    "protected-header": Scenario(_protected_header),
    "column-inserted-before-the-write": Scenario(_mixed, moment=is_cell_write, act=lambda world: world.person.insert_columns(2)),
    "column-inserted-before-the-insert": Scenario(_new_rows, moment=is_insert, act=lambda world: world.person.insert_columns(2)),
    "row-inserted-before-the-write": Scenario(_mixed, moment=is_cell_write, act=lambda world: world.person.insert_rows(2)),
    **RARE,
}
