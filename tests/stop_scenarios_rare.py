"""Scenarios of stopped runs that a shop sees seldom: logins, other tabs, forced runs, guards, states that are gone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.amo.oauth import Login
from amo2gsheet.exceptions import ExitCode
from amo2gsheet.sandbox.exchange import Request
from tests.stop_bench import Bench, BrokenError, Scenario
from tests.stop_start import SENT, filled, new_leads
from tests.world import STATUS, World, is_cell_write, is_move

HELD = frozenset({ExitCode.HELD_BACK})
GUARDED = {"PUSH_LIMIT": "1", "PUSH_LIMIT_PERCENT": "30"}

# --- logins ---


def _logged_in(bench: Bench) -> None:
    """The integration's own login takes the place of the long-lived token; rows stand, a pick and changes are due."""
    filled(bench)
    world = bench.world
    oauth = world.amo.oauth
    world.set(
        AMO_LONG_LIVED_TOKEN="",
        AMO_CLIENT_ID=oauth.client_id,
        AMO_CLIENT_SECRET=oauth.client_secret,
        AMO_REDIRECT_URI=oauth.redirect_uri,
    )
    _log_in(world)
    world.pick(bench.leads[0], "Отказ")
    world.account.edit_lead(bench.leads[1], fields={"Адрес": "новый дом"})
    new_leads(bench, 1)


def _log_in(world: World) -> None:
    """What `auth` does with a new code."""
    oauth, settings = world.amo.oauth, world.settings
    login = Login(settings.amo_client_id, settings.amo_client_secret, settings.amo_redirect_uri)
    rules = [wire.rule for wire in (world.amo_wire, world.sheets_wire)]
    world.amo_wire.rule = None
    session = world.outside.new_session
    assert session is not None
    client = AmoClient(settings.amo_base_url, login, settings.token_store, world.outside.clock, new_session=session)
    client.exchange_code(oauth.issue_code())
    client.close()
    world.amo_wire.rule, world.sheets_wire.rule = rules


def _log_in_again(world: World) -> None:
    """The one stop that costs a login: amoCRM renewed the token, and the new pair never came."""
    stored = json.loads(Path(world.settings.token_store).read_text("utf-8"))
    if not world.amo.oauth._refresh[stored["refresh_token"]].is_dead:
        raise BrokenError("a login is asked for, though the stored refresh token is still good")
    _log_in(world)


def _expire_access(world: World) -> None:
    stored = json.loads(Path(world.settings.token_store).read_text("utf-8"))
    world.amo.oauth.revoke(stored["access_token"])


def _near_its_end(bench: Bench) -> None:
    _logged_in(bench)
    bench.world.clock.advance(24 * 3600 - 120)


def _is_lead_read(request: Request) -> bool:
    return request.method == "GET" and request.path.startswith("/api/v4/leads") and "pipelines" not in request.path


def _google_expired(bench: Bench) -> None:
    filled(bench)
    bench.world.account.edit_lead(bench.leads[0], fields={"Адрес": "новый дом"})


def _refused_from_now_on(world: World) -> None:
    world.sheets.expire_tokens()


# --- other tabs, forced runs ---


def _missing_tab(bench: Bench) -> None:
    new_leads(bench, 2)


def _emptied(bench: Bench) -> None:
    filled(bench)
    bench.world.move(bench.leads[0], bench.world.stage(SENT))
    bench.world.pull()
    bench.world.person.clear_all()


def _other_tab(bench: Bench) -> None:
    """A new tab bears the configured name, the old one another; `pull` has named both."""
    filled(bench)
    world = bench.world
    world.person.rename_tab("Архив")
    world.person = world.person.on("Архив").add_tab("Sheet1")
    world.code(world.pull)


def _vanished(bench: Bench) -> None:
    """More rows vanished than the guard takes for deleted."""
    filled(bench, 5)
    bench.world.person.delete_rows(2, 3)


def _vanished_and_named(bench: Bench) -> None:
    _vanished(bench)
    for _ in range(2):
        bench.world.pull()
        bench.world.push()


def _drifted(bench: Bench) -> None:
    """What no list of changed leads tells: a contact's name, a minute after the hourly look."""
    filled(bench)
    world = bench.world
    world.account.edit_contact(next(iter(world.account.contacts.current)), name="Другое имя")


def _differing(bench: Bench) -> None:
    """The state is lost, and a row differs from amoCRM: named at the first meeting, and left."""
    filled(bench)
    world = bench.world
    world.account.edit_lead(bench.leads[1], fields={"Адрес": "новый дом"})
    world.move(bench.leads[0], world.stage(SENT))
    _forget(world)
    for run in (world.pull, world.push, world.pull):
        run()


# --- the guard ---


def _too_many(bench: Bench) -> None:
    filled(bench)
    for lead in bench.leads[:3]:
        bench.world.pick(lead, "Отказ")


def _held(bench: Bench) -> None:
    _too_many(bench)
    bench.world.push()


def _sorted_alone(bench: Bench) -> None:
    filled(bench, 8)
    world = bench.world
    for lead, text in zip(bench.leads, ["Отказ", "У курера", "Отказ", "У курера", "Отказ", "Успешно"], strict=False):
        world.pick(lead, text)
    for run in (world.push, world.pull, world.push):
        run()
    world.person.sort_one_column(STATUS)


# --- the state ---


def _forget(world: World) -> None:
    for path in world.folder.glob(".amo2gsheet*"):
        path.unlink()


def _changed(bench: Bench) -> None:
    filled(bench)
    bench.world.account.edit_lead(bench.leads[1], fields={"Адрес": "новый дом"})
    bench.world.pick(bench.leads[0], "Отказ")
    new_leads(bench, 1)


def _damaged(bench: Bench) -> None:
    """The state's file is torn in the middle."""
    _changed(bench)
    path = bench.world.settings.state_db
    contents = path.read_bytes()
    path.write_bytes(contents[: len(contents) // 2])


def _old_service(bench: Bench) -> None:
    """The old service filled the sheet; somebody picked a status while the change-over was under way."""
    filled(bench)
    world = bench.world
    statuses = {str(lead): world.status(lead) for lead in bench.leads}
    world.pick(bench.leads[0], "Отказ")
    _forget(world)
    (world.folder / ".sync_state.json").write_text(json.dumps({"sheet_status_by_lead": statuses}), "utf-8")


def _taken_over(bench: Bench) -> None:
    _old_service(bench)
    bench.world.pull()


def _lost(bench: Bench) -> None:
    _changed(bench)
    _forget(bench.world)


# --- fields and rows ---


def _new_field(bench: Bench) -> None:
    """A field is new in amoCRM, and people add its header."""
    filled(bench)
    world = bench.world
    world.account.add_lead_field("Подъезд", "text")
    world.account.edit_lead(bench.leads[1], fields={"Подъезд": "4"})
    world.person.type_at(1, 22, "Подъезд")
    world.push()


def _unprotected(bench: Bench) -> None:
    """A cell that was protected, and so is owed, may be written again."""
    filled(bench)
    world = bench.world
    for lead in bench.leads[:2]:
        world.account.edit_lead(lead, fields={"Адрес": "новый дом"})
    column = world.person.column_of("Адрес")
    row = world.person.row_of(bench.leads[0])
    world.person.protect(f"{chr(64 + column)}{row}")
    world.pull()
    world.person.unprotect()


def _undone(bench: Bench) -> None:
    """A deleted row is back by an undo, and its lead has changed meanwhile."""
    filled(bench)
    world = bench.world
    version = world.person.version()
    world.person.delete_row(bench.leads[0])
    for _ in range(2):
        world.push()
    world.account.edit_lead(bench.leads[0], fields={"Адрес": "новый дом"})
    world.pull()
    world.person.restore_version(version)
    world.push()


def _without_filters(bench: Bench) -> None:
    """The account's filters are switched off: lists come newest first, leads one by one."""
    bench.world.amo.knobs.filters_enabled = False
    filled(bench)
    bench.world.account.edit_lead(bench.leads[1], fields={"Адрес": "новый дом"})
    new_leads(bench, 1)


def _renamed_stage(bench: Bench) -> None:
    """A stage was renamed, which only the hourly look tells."""
    filled(bench)
    world = bench.world
    world.move(bench.leads[0], world.stage("Консультация"))
    world.pull()
    world.clock.advance(4000)
    world.account.rename_stage(*world.stage("Консультация"), "Разговор")


def _many_moves(bench: Bench) -> None:
    """More picks than are read one by one."""
    filled(bench, 22)
    for lead in bench.leads[:21]:
        bench.world.pick(lead, "Отказ")


_FORCED = Scenario(_emptied, "pull --force")

RARE = {
    "token-refused-in-pull": Scenario(
        _logged_in, moment=_is_lead_read, act=_expire_access, cloud="amo", logs_in_again=_log_in_again
    ),
    "token-refused-at-the-move": Scenario(
        _logged_in, "push", moment=is_move, act=_expire_access, cloud="amo", logs_in_again=_log_in_again
    ),
    "token-near-its-end": Scenario(_near_its_end, logs_in_again=_log_in_again),
    "google-token-refused": Scenario(_google_expired, moment=is_cell_write, act=_refused_from_now_on),
    "missing-tab": Scenario(_missing_tab, settings={"GOOGLE_WORKSHEET_NAME": "Заказы"}),
    "emptied-tab-forced": _FORCED,
    "other-tab-forced": replace(_FORCED, prepare=_other_tab),
    "vanished-rows": Scenario(_vanished, "push", GUARDED),
    "vanished-rows-forced": replace(_FORCED, prepare=_vanished_and_named, settings=GUARDED),
    "full": Scenario(_drifted, "pull --full"),
    "differing-rows-forced": Scenario(_differing, "pull --full --force"),
    "too-many-moves": Scenario(_too_many, "push", GUARDED, also_well=HELD),
    "held-moves-forced": Scenario(_held, "push --force", GUARDED),
    "column-sorted-alone": Scenario(_sorted_alone, "push", also_well=HELD),
    "damaged-state": Scenario(_damaged),
    "damaged-state-push": Scenario(_damaged, "push"),
    "old-service": Scenario(_old_service),
    "old-service-push": Scenario(_taken_over, "push"),
    "lost-state-push": Scenario(_lost, "push"),
    "new-field": Scenario(_new_field),
    "unprotected-cell": Scenario(_unprotected),
    "undone-deletion": Scenario(_undone),
    "without-filters": Scenario(_without_filters),
    "renamed-stage": Scenario(_renamed_stage),
    "many-moves": Scenario(_many_moves, "push"),
}
