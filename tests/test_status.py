"""`status`: reads the state only, and says no exactly when somebody should look."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from amo2gsheet import commands_health
from amo2gsheet.cli import run
from amo2gsheet.commands_health import Answer
from amo2gsheet.exceptions import AmoGsheetError, ExitCode, StateError, UsageError
from amo2gsheet.health import FAILURES
from amo2gsheet.health_times import span_seconds, span_text
from amo2gsheet.health_waiting import NO_TRIGGER, WORDS, words_of
from amo2gsheet.sandbox import answers
from amo2gsheet.sandbox.exchange import Request
from amo2gsheet.sandbox.faults import Fault, Manner
from amo2gsheet.state import RunLock, StateStore
from tests.conftest import REPOSITORY
from tests.world import World

HALF_HOUR = 1800.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def status(world: World, max_age_seconds: float = HALF_HOUR) -> Answer:
    return commands_health.run_status(world.settings, max_age_seconds, world.outside.clock)


def told(world: World) -> str:
    return "\n".join(status(world).lines)


def waiting(world: World) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in status(world).document["waiting"]}


def outage(world: World) -> None:
    world.amo_wire.rule = lambda number, request: Fault(Manner.REFUSED, answers.json_500_amo())


def run_both(world: World) -> None:
    world.pull()
    world.push()


# --- the verdict ---


def test_all_is_well_after_both_commands_did_their_work(world: World) -> None:
    world.lead()
    run_both(world)

    answer = status(world)
    assert (ExitCode.DONE, True, []) == (answer.exit_code, answer.document["ok"], answer.document["problems"])
    assert "status: well" == answer.lines[0]
    assert {"pull": 60.0, "push": 0.0} == {name: one["age_seconds"] for name, one in answer.document["commands"].items()}


def test_without_a_state_the_answer_is_no_and_says_what_to_do(world: World) -> None:
    answer = status(world)

    assert answer.exit_code == ExitCode.NEGATIVE
    assert answer.lines[1] == f'  - No run yet: there is no state "{world.settings.state_db}".'
    assert "The first `pull` or `push` makes it." in answer.lines[-1]
    assert not world.settings.state_db.exists()


def test_f4_no_success_for_too_long_is_told_with_its_age(world: World) -> None:
    """A week of silence."""
    run_both(world)
    world.clock.advance(7 * 86_400)

    answer = status(world)
    assert answer.exit_code == ExitCode.NEGATIVE
    assert [
        "the last success of `pull` is too old: 7 d (at most 30 m)",
        "the last success of `push` is too old: 7 d (at most 30 m)",
    ] == [problem.replace("7 d 1 m", "7 d") for problem in answer.document["problems"]]

    run_both(world)
    assert status(world).exit_code == ExitCode.DONE


def test_an_outage_counts_only_when_it_lasts_too_long(world: World) -> None:
    run_both(world)
    outage(world)
    assert world.code(world.pull) == ExitCode.UNAVAILABLE
    world.push()
    assert status(world).exit_code == ExitCode.DONE
    assert "exit code 69 (amoCRM or Google did not answer)" in told(world)

    world.clock.advance(HALF_HOUR)
    world.push()
    assert ["the last success of `pull` is too old: 34 m"] == [
        re.sub(r" \d+ s.*", "", problem) for problem in status(world).document["problems"]
    ]


def test_what_no_later_run_mends_counts_at_once(world: World) -> None:
    world.lead()
    run_both(world)
    (world.folder / "gsheet.json").unlink()
    Path(f"{world.settings.token_store}.google").unlink()
    world.lead()
    assert world.code(world.pull) == ExitCode.LOGIN

    answer = status(world)
    assert ["the last `pull` failed with exit code 77"] == answer.document["problems"]
    assert "There is no service-account key" in told(world)
    assert "    → Start `amo2gsheet auth`: it says what is refused, and what to do." in answer.lines
    assert "Start `amo2gsheet auth`" in answer.document["commands"]["pull"]["next_step"]


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_each_failure_that_no_later_run_mends_has_a_next_step(world: World, code: ExitCode) -> None:
    world.pull()
    with StateStore.open(world.settings.state_db, world.clock) as state, state.transaction():
        state.end_run(state.begin_run("pull"), int(code), error="It failed.")
    world.clock.advance(1)

    assert status(world).document["commands"]["pull"]["next_step"]


def test_a_timer_that_stands_still_has_a_next_step(world: World) -> None:
    run_both(world)
    assert "→" not in told(world)

    world.clock.advance(2 * HALF_HOUR)
    assert 2 == sum(line.startswith("    → Is its timer on?") for line in status(world).lines)


def test_a_command_that_never_ran_counts_once_the_other_has_run_for_long(world: World) -> None:
    world.pull()
    assert status(world).exit_code == ExitCode.DONE
    assert "push: has never run" in told(world)

    world.clock.advance(HALF_HOUR)
    world.pull()
    assert ["`push` has never run"] == status(world).document["problems"]


def test_runs_of_which_none_ended_well_are_no_success(world: World) -> None:
    outage(world)
    world.code(world.pull)

    assert ["no `pull` has ended well yet"] == status(world).document["problems"]


def test_a_dry_run_is_no_success(world: World) -> None:
    run_both(world)
    world.clock.advance(2 * HALF_HOUR)
    world.pull(dry=True)

    assert status(world).exit_code == ExitCode.NEGATIVE


def begin(world: World, command: str = "pull") -> None:
    """A run that has begun and not ended: at work, or killed."""
    with StateStore.open(world.settings.state_db, world.outside.clock) as state:
        state.begin_run(command)


def test_a_long_first_run_is_no_failure_while_it_is_at_work(world: World) -> None:
    begin(world)
    assert status(world).exit_code == ExitCode.DONE
    assert "is at work" in told(world)

    world.clock.advance(world.settings.run_limit_seconds + 600)
    assert "was cut off" in told(world)
    assert "no `pull` has ended well yet" in status(world).document["problems"]


def test_one_killed_run_among_good_ones_is_shown_and_no_more(world: World) -> None:
    run_both(world)
    begin(world)
    world.clock.advance(1500)

    assert "was cut off" in told(world)
    assert status(world).exit_code == ExitCode.DONE


def test_a_clock_put_back_makes_no_success_fresh(world: World) -> None:
    run_both(world)
    world.clock.jump(-86_400)

    assert "lies in a time to come" in status(world).document["problems"][0]


# --- what it leaves alone ---


def test_it_takes_no_lock_asks_no_cloud_and_changes_no_file(world: World) -> None:
    run_both(world)
    before = {path.name: path.read_bytes() for path in world.folder.iterdir() if path.is_file()}
    asked = (world.amo_wire.count, world.sheets_wire.count)
    with RunLock(world.settings.state_db) as lock:
        lock.acquire(0, world.outside.clock)
        assert status(world).exit_code == ExitCode.DONE

    assert asked == (world.amo_wire.count, world.sheets_wire.count)
    assert before == {path.name: path.read_bytes() for path in world.folder.iterdir() if path.is_file()}


def test_no_login_and_no_spreadsheet_need_be_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 4 == run(["status"], {"STATE_DB": "none.sqlite3"})
    assert "status: NOT WELL" in capsys.readouterr().out


# --- a state that cannot be read ---


def test_a_state_of_a_later_release_is_told_as_such(world: World) -> None:
    run_both(world)
    with sqlite3.connect(world.settings.state_db) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StateError, match="has version 99"):
        status(world)


def test_a_damaged_state_is_told_as_such(world: World) -> None:
    world.settings.state_db.write_bytes(b"no database at all, but long enough to be looked at as one" * 100)

    with pytest.raises(StateError, match="is damaged"):
        status(world)
    assert 1 == len(list(world.folder.glob("*.sqlite3*")))


# --- what waits ---


def test_what_waits_is_told_with_the_next_step(world: World) -> None:
    leads = [world.lead(f"Клиент {number}") for number in range(3)]
    world.pull()
    world.pick(leads[0], "Не знаю")
    world.person.type_at(6, 1, str(leads[2]))
    world.push()

    found = waiting(world)
    assert {"unknown text", "doubled ID"} == set(found)
    assert [leads[0]] == [lead["lead_id"] for lead in found["unknown text"]["leads"]]
    text = told(world)
    assert "waits for a person: 2" in text
    assert f"    lead {leads[0]}: Не знаю (since " in text
    assert "    → Pick a value of the dropdown." in text
    assert status(world).exit_code == ExitCode.DONE


def test_held_moves_wait_with_their_way_out(tmp_path: Path) -> None:
    world = World(tmp_path, PUSH_LIMIT="1", PUSH_LIMIT_PERCENT="0")
    leads = [world.lead(f"Клиент {number}") for number in range(12)]
    world.pull()
    for lead in leads[:3]:
        world.pick(lead, "Отказ")
    assert world.push().exit_code == ExitCode.HELD_BACK
    world.push()

    assert (3, True) == (waiting(world)["held"]["count"], "push --force" in waiting(world)["held"]["next_step"])
    assert status(world).exit_code == ExitCode.DONE


def test_a_settled_conflict_is_counted(world: World) -> None:
    lead = world.lead()
    run_both(world)
    world.move(lead, world.stage("Заказ отправлен"))
    world.pick(lead, "Отказ")
    run_both(world)

    assert {"total": 1, "last_24_hours": 1} == status(world).document["conflicts"]
    world.clock.advance(90_000)
    assert {"total": 1, "last_24_hours": 0} == status(world).document["conflicts"]


def test_many_of_a_kind_are_not_all_listed_for_people(tmp_path: Path) -> None:
    world = World(tmp_path, PUSH_LIMIT="5")
    leads = [world.lead(f"Клиент {number}") for number in range(30)]
    world.pull()
    for lead in leads[:25]:
        world.person.delete_row(lead)
    world.push()

    assert "    … and 5 more; `--json` lists them" in told(world).splitlines()
    assert 25 == len(waiting(world)["vanished"]["leads"])
    assert 25 == status(world).document["leads"]["without_row"]


def test_a_pipeline_without_a_trigger_is_a_note_until_it_has_one(world: World) -> None:
    pipeline = world.account.add_pipeline("Склад", ["Приёмка"])
    world.pull()
    assert 'note: "Склад": the pipeline has no trigger stage' in told(world)
    assert "waits for a person: nothing" in told(world)

    world.set(TRIGGER_STATUS_NAME="NOMERATSIYALANMAGAN ZAKAZ, Приёмка")
    world.pull()
    assert "note:" not in told(world)
    assert pipeline


def test_a_missing_right_to_events_is_a_note_until_it_is_given(world: World) -> None:
    def refuse(number: int, request: Request) -> Fault | None:
        return Fault(Manner.REFUSED, answers.json_403_amo()) if request.path == "/api/v4/events" else None

    run_both(world)
    world.amo_wire.rule = refuse
    world.lead("Чужая", world.stage("Консультация"))
    world.pull()
    assert "note: the token may not read events" in told(world)

    world.amo_wire.rule = None
    world.lead("Ещё одна", world.stage("Консультация"))
    world.pull()
    assert "note:" not in told(world)


def test_rows_of_an_import_that_nobody_knows_of_are_counted(world: World) -> None:
    run_both(world)
    with sqlite3.connect(world.settings.state_db) as connection:
        connection.execute("INSERT INTO imports (tag, begun_at, columns) VALUES ('май', 0, '{}')")
        connection.executemany(
            "INSERT INTO import_rows (tag, key, person, lead_id, since, sent_at) VALUES ('май', ?, '', ?, 0, 0)",
            [("a", None), ("b", 5), ("c", None)],
        )
    connection.close()

    assert {"май": 2} == status(world).document["unsettled_imports"]
    assert '  2 × a row of the import "май" was sent' in told(world)


def kinds_in_the_source() -> set[str]:
    """Every kind of waiting that some run can note."""
    source = "\n".join(path.read_text("utf-8") for path in (REPOSITORY / "amo2gsheet" / "sync").glob("*.py"))
    plain = re.findall(r'Waiting\(\s*[^,()]+,\s*"([^"]+)"', source)
    plain += re.findall(r'= "([^"]+)"\n"""Kind of waiting', source)
    plain += [f"no right to {what}" for what in re.findall(r'_notice_no_right\("([^"]+)"', source)]
    plain += [f"no right to {what}" for what in re.findall(r'"([^"]+)", run\.amo\.changed_', source)]
    # Kinds that are chosen between stand in pairs before the call that notes them.
    chosen = re.findall(r'kind = "([^"]+)" if [^"]+ else "([^"]+)".{0,500}?Waiting\(lead_id, kind', source, re.DOTALL)
    return {*plain, *(kind for pair in chosen for kind in pair)}


def test_every_kind_of_waiting_has_its_words() -> None:
    found = kinds_in_the_source()

    assert found == set(WORDS)
    assert f'f"{NO_TRIGGER}{{' in (REPOSITORY / "amo2gsheet" / "sync" / "pull.py").read_text("utf-8")
    assert "something new" == words_of("something new").what


# --- login and cost ---


def test_the_end_of_a_long_lived_token_is_told(world: World) -> None:
    run_both(world)

    login = status(world).document["login"]
    assert "long-lived token" == login["kind"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", login["ends_at"])
    assert "" == login["next_step"]


@pytest.mark.parametrize(("days_left", "expected"), [(13, "SOON: ends"), (-1, ", ended ")])
def test_a_long_lived_token_near_its_end_has_a_next_step(world: World, days_left: int, expected: str) -> None:
    token = world.amo.oauth.long_lived_token(days=30)
    world.set(AMO_LONG_LIVED_TOKEN=token)
    world.clock.advance((30 - days_left) * 86_400)

    (index,) = [number for number, line in enumerate(status(world).lines) if line.startswith("amoCRM login:")]
    assert expected in status(world).lines[index]
    assert "  → Make a new one on the integration's Keys tab" in status(world).lines[index + 1]
    assert "Make a new one" in status(world).document["login"]["next_step"]


def use_token_file(world: World, **stored: object) -> None:
    world.set(
        AMO_LONG_LIVED_TOKEN="", AMO_CLIENT_ID="id", AMO_CLIENT_SECRET="plum-canary", AMO_REDIRECT_URI="https://example.com/"
    )
    world.settings.token_store.write_text(json.dumps(stored))
    os.utime(world.settings.token_store, (world.clock.time(), world.clock.time()))


def test_a_token_file_lasts_three_months_from_its_renewal(world: World) -> None:
    use_token_file(world, access_token="a.b.c", refresh_token="plum-canary-refresh")
    run = status(world)

    assert "token file, renewed by itself" == run.document["login"]["kind"]
    assert any(line.endswith("in 90 d") for line in run.lines)
    assert "canary" not in "\n".join(run.lines)

    world.clock.advance(80 * 86_400)
    assert any("SOON: ends" in line for line in status(world).lines)
    assert "A `pull` renews it" in told(world)
    world.clock.advance(20 * 86_400)
    assert any(", ended " in line for line in status(world).lines)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "there is none yet"), ("rubbish", "holds no tokens"), ('{"access_token": "a.b.c"}', "token file without a refresh")],
)
def test_a_login_that_is_missing_or_broken_is_told(world: World, content: str | None, expected: str) -> None:
    use_token_file(world)
    world.settings.token_store.unlink() if content is None else world.settings.token_store.write_text(content)

    assert expected in told(world)


def test_quota_refusals_and_requests_of_the_last_day_are_counted(world: World) -> None:
    run_both(world)
    refusals = [Fault(Manner.REFUSED, answers.html_429())] * 2
    world.amo_wire.rule = lambda number, request: refusals.pop() if refusals else None
    world.pull()

    cost = status(world).document["last_24_hours"]["pull"]
    assert ({"0": 2}, 2) == (cost["ended"], cost["quota_refusals"])
    assert cost["amo_requests"] == world.amo_wire.count
    assert "2 refused for a quota" in told(world)
    world.clock.advance(90_000)
    assert 0 == status(world).document["last_24_hours"]["pull"]["amo_requests"]


# --- the command ---


def test_the_shape_for_programs_is_stable(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.lead()
    run_both(world)
    assert 4 == run(["--env-file", str(world.folder / ".env"), "status", "--json", "--max-age", "1s"], {})

    document = json.loads(capsys.readouterr().out)
    assert [
        "version", "command", "exit_code", "error", "ok", "problems", "checked_at", "max_age_seconds", "commands", "account",
        "spreadsheet", "tab", "leads", "unsettled_writes", "waiting", "unsettled_imports", "conflicts", "login",
        "last_24_hours",
    ] == list(document)  # fmt: skip
    assert (1, "status", 4, None, False, 1.0) == tuple(
        document[name] for name in ("version", "command", "exit_code", "error", "ok", "max_age_seconds")
    )
    assert ["ok", "problem", "next_step", "age_seconds", "last_success", "last_run", "begun", "is_cut_off"] == list(
        document["commands"]["pull"]
    )
    assert ["run", "begun_at", "ended_at", "exit_code", "error", "counts"] == list(document["commands"]["pull"]["last_run"])


def test_without_a_state_the_shape_is_the_same(world: World) -> None:
    empty = status(world).document
    run_both(world)

    assert list(empty) == list(status(world).document)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1h30m", 5400), (" 2 d ", 172_800), ("1H", 3600)]
)
def test_a_span_of_time_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert seconds == span_seconds(text)


@pytest.mark.parametrize("text", ["", "0", "-5m", "soon", "5x", "m", "1.5h", "9" * 30])
def test_what_is_no_span_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        span_seconds(text)

    assert "30m" in caught.value.hint


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 m"), (61, "1 m 1 s"), (3600, "1 h"), (90_061, "1 d 1 h"), (86_400 + 5, "1 d")],
)
def test_a_span_of_time_is_said_in_two_units_at_most(seconds: float, expected: str) -> None:
    assert expected == span_text(seconds)


def test_the_state_error_of_a_run_leaves_status_its_own(world: World) -> None:
    """A run that could not even open its state leaves no trace in it: the age tells."""
    run_both(world)
    world.settings.state_db.parent.joinpath("x").mkdir()
    world.set(STATE_DB="x/y/state.sqlite3")
    with pytest.raises(AmoGsheetError):
        world.pull()

    world.set(STATE_DB=".amo2gsheet.sqlite3")
    world.clock.advance(HALF_HOUR)
    assert status(world).exit_code == ExitCode.NEGATIVE
