"""The systemd units: what they promise, tried by hand as systemd would start them, for this machine has none at work."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from amo2gsheet.config_table import SETTINGS
from amo2gsheet.exceptions import ExitCode
from tests.conftest import REPOSITORY
from tests.live_shop import Finished, child_environ, finish, live_shop

FOLDER = REPOSITORY / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
TIMERS = sorted(FOLDER.glob("*.timer"))
RUNS = [path for path in SERVICES if "failure" not in path.name]
HOOK = FOLDER / "amo2gsheet-failure"
PROGRAM_PATH = "/usr/local/bin/amo2gsheet"
HOOK_PATH = "/usr/local/libexec/amo2gsheet-failure"
README = (REPOSITORY / "README.md").read_text("utf-8")

ANY_SERVICE = pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
ANY_RUN = pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
ANY_TIMER = pytest.mark.parametrize("path", TIMERS, ids=lambda path: path.name)


def entries(path: Path) -> list[tuple[str, str, str]]:
    """(section, key, value) of a unit, in order."""
    found, section = [], ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


def values(path: Path, key: str) -> list[str]:
    return [value for _, name, value in entries(path) if name == key]


def value(path: Path, key: str) -> str:
    (only,) = values(path, key)
    return only


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(s|min|h)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "min": 60, "h": 3600}[unit]


def default(name: str) -> float:
    return float(next(setting.default for setting in SETTINGS if setting.name == name))


# --- what stands in them ---


def test_there_is_a_pair_for_pull_push_and_the_nightly_comparison_and_one_hook() -> None:
    stems = {"amo2gsheet-pull@", "amo2gsheet-push@", "amo2gsheet-full@"}

    assert stems == {path.stem for path in TIMERS}
    assert {*stems, "amo2gsheet-failure@"} == {path.stem for path in SERVICES}
    assert ["pull --full", "pull", "push"] == [value(path, "ExecStart").partition("/env ")[2] for path in RUNS]


def test_j8_systemd_finds_nothing_to_complain_of_in_a_copy(tmp_path: Path) -> None:
    """It ends with 0 for a key that it does not know, so it must say nothing at all."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("this machine has no systemd-analyze")
    for path in (*SERVICES, *TIMERS):
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/sh", path.read_text("utf-8"), flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text)
    told = finish(["systemd-analyze", "verify", "--man=no", *(str(path) for path in sorted(tmp_path.iterdir()))])

    assert (0, "", "") == (told.returncode, told.stdout, told.stderr)


def test_j9_another_folder_is_one_substitution_away() -> None:
    """Nothing else in the units belongs to one machine or one person."""
    for path in (*SERVICES, *TIMERS):
        text = path.read_text("utf-8")
        assert set() == set(re.findall(r"/(?:home|root|opt|srv|usr)/[\w./-]*", text)) - {PROGRAM_PATH, HOOK_PATH}

    assert f"s|{PROGRAM_PATH}|" in README


@ANY_SERVICE
def test_j10_a_failure_is_no_loop(path: Path) -> None:
    assert "oneshot" == value(path, "Type")
    assert [] == [key for _, key, _ in entries(path) if key.startswith("Restart")]


@ANY_SERVICE
def test_j11_nothing_of_a_developer_is_on(path: Path) -> None:
    assert [] == re.findall(r"--reload|--verbose| -v\b|PYTHON\w+|DEBUG", path.read_text("utf-8"))


@ANY_SERVICE
def test_k6_nobody_is_root_and_what_is_written_is_for_its_owner_only(path: Path) -> None:
    assert ("yes", "amo2gsheet-%i", "amo2gsheet/%i", "0700", "0077", "") == tuple(
        value(path, key)
        for key in ("DynamicUser", "User", "StateDirectory", "StateDirectoryMode", "UMask", "CapabilityBoundingSet")
    )


def test_all_services_are_locked_in_alike() -> None:
    def sandbox(path: Path) -> str:
        return path.read_text("utf-8").partition("# It reads its credentials")[2]

    assert 1 == len({sandbox(path) for path in SERVICES})
    assert "AF_INET AF_INET6 AF_UNIX" == value(RUNS[0], "RestrictAddressFamilies")


@ANY_RUN
def test_what_waits_for_a_person_and_a_held_lock_are_no_failures_and_the_others_are(path: Path) -> None:
    well = {int(code) for code in value(path, "SuccessExitStatus").split()}

    assert {ExitCode.PARTIAL, ExitCode.HELD_BACK, ExitCode.LOCKED, ExitCode.TERMINATED} == well
    assert "amo2gsheet-failure@%i.service" == value(path, "OnFailure")


@ANY_RUN
def test_systemd_waits_longer_than_the_program_takes(path: Path) -> None:
    own_seconds = default("RUN_LIMIT_SEC") + default("LOCK_WAIT_SEC")

    assert seconds(value(path, "TimeoutStartSec")) >= own_seconds + 600
    assert "network-online.target" == value(path, "Wants")
    assert "network-online.target" in value(path, "After").split()


@ANY_TIMER
def test_a_timer_makes_up_for_a_pause_and_spreads_its_starts(path: Path) -> None:
    assert (FOLDER / f"{path.stem}.service").exists()
    assert ("yes", "yes", "timers.target") == tuple(value(path, key) for key in ("Persistent", "FixedRandomDelay", "WantedBy"))
    assert seconds(value(path, "RandomizedDelaySec")) > 0


def test_a_person_acts_for_an_instance_with_what_its_units_have() -> None:
    """The README's shell function must lead to the same user, state and key."""
    (function,) = re.findall(r"^amo2gsheet-as\(\) \{\n(.*?)^\}", README, re.MULTILINE | re.DOTALL)
    shown = function.replace('"', "").replace("$1", "%i").replace("$instance", "%i").replace("/var/lib", "%S")
    unit = RUNS[0]

    for key in ("DynamicUser", "User", "StateDirectory"):
        assert f"-p {key}={value(unit, key)}" in shown
    for credential in values(unit, "LoadCredential"):
        assert f"-p LoadCredential={credential}" in shown
    for setting in values(unit, "Environment"):
        assert f"-E {setting}" in shown


# --- started by hand ---


class Instance:
    """The folders and variables that systemd would give an instance."""

    def __init__(self, folder: Path) -> None:
        self.credentials, self.state, self.runtime = (folder / name for name in ("credentials", "state", "run"))
        for each in (self.credentials, self.state, self.runtime):
            each.mkdir()

    def environ(self, path: Path, **more: str) -> dict[str, str]:
        """What systemd sets, and what the unit says."""
        given = {
            "CREDENTIALS_DIRECTORY": str(self.credentials),
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.runtime),
        }
        for setting in values(path, "Environment"):
            name, _, text = setting.partition("=")
            given[name] = text.replace("%S/amo2gsheet/%i", str(self.state))
        return child_environ(**{**given, **more})

    def start(self, path: Path, program: str, **more: str) -> Finished:
        """Run the ExecStart line of a unit; `program` stands in for the path that it names."""
        environ = self.environ(path, **more)
        words = shlex.split(value(path, "ExecStart").replace("%i", "shop"))
        words = [re.sub(r"\$\{(\w+)\}", lambda found: environ[found[1]], word) for word in words]
        return finish([*shlex.split(program), *words[1:]], environ)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


PROGRAM = shlex.join([sys.executable, "-m", "amo2gsheet"])


def test_j1_the_units_run_the_program_with_the_file_as_a_person_wrote_it(instance: Instance, tmp_path: Path) -> None:
    """No unit reads the file itself: systemd knows other rules for quotes, blanks and Cyrillic."""
    for path in SERVICES:
        assert [] == values(path, "EnvironmentFile")
    with live_shop(tmp_path / "shop", STATUS_DISPLAY_MAP_JSON='{"Отказ": "Не взяли"}') as shop:
        shop.write_env(instance.credentials)
        (instance.credentials / ".env").rename(instance.credentials / "env")
        (instance.credentials / "sandbox-gsheet.json").rename(instance.credentials / "gsheet.json")
        brought = sorted(instance.credentials.iterdir())
        ended = [instance.start(path, PROGRAM) for path in RUNS]

        assert [(0, ""), (0, ""), (0, "")] == [(one.returncode, one.stdout) for one in ended]
        assert 4 == len(shop.ids())
    assert brought == sorted(instance.credentials.iterdir())
    written = {path.name: stat.S_IMODE(path.stat().st_mode) for path in instance.state.iterdir()}
    assert {"state.sqlite3", "amo_tokens.json.google"} <= set(written)
    assert {0o600} == set(written.values())


def test_j10_a_setting_that_is_wrong_for_good_is_one_clear_failure_and_no_request(instance: Instance, tmp_path: Path) -> None:
    with live_shop(tmp_path / "shop", PUSH_LIMIT="many") as shop:
        shop.write_env(instance.credentials)
        (instance.credentials / ".env").rename(instance.credentials / "env")
        ended = instance.start(RUNS[0], PROGRAM)

        assert (78, 0, 0) == (ended.returncode, shop.amo.count, shop.sheets.count)
    assert "PUSH_LIMIT" in ended.stderr


# --- the hook ---


def stand_in(folder: Path, exit_code: int) -> str:
    """A program whose `status` ends so, and says what it was asked."""
    path = folder / f"stand-in-{exit_code}"
    path.write_text(f'#!/bin/sh\necho "status says {exit_code}: $*"\nexit {exit_code}\n')
    path.chmod(0o755)
    return str(path)


def hook(instance: Instance, code: int | None, status: int = 4) -> Finished:
    """Let the hook hear of a failure, of several at once where there is no code."""
    folder = instance.runtime.parent
    named = {} if code is None else {"MONITOR_EXIT_STATUS": str(code), "MONITOR_UNIT": "amo2gsheet-pull@shop.service"}
    (path,) = (path for path in SERVICES if path not in RUNS)
    return instance.start(path, f"sh {HOOK}", AMO2GSHEET=stand_in(folder, status), **named)


@pytest.mark.parametrize("code", [1, 66, 73, 77, 78])
def test_what_no_later_run_mends_is_told_at_once(instance: Instance, code: int) -> None:
    ended = hook(instance, code, status=0)

    assert 0 == ended.returncode
    first, second = ended.stderr.splitlines()
    assert f"<3>amo2gsheet, account shop: amo2gsheet-pull@shop.service failed (unknown, exit code {code})." == first
    assert second.endswith("--quiet status --max-age 30m")


@pytest.mark.parametrize("code", [69, 130, None])
def test_an_outage_is_told_only_when_status_says_no(instance: Instance, code: int | None) -> None:
    assert ("", "") == (hook(instance, code, status=0).stderr, hook(instance, code, status=0).stdout)

    assert "<3>status says 4" in hook(instance, code, status=4).stderr


def test_it_tells_once_an_hour_at_most(instance: Instance) -> None:
    told = instance.runtime / "told"
    assert "failed" in hook(instance, 77).stderr
    assert ["", ""] == [hook(instance, code).stderr for code in (77, 69)]

    hour_ago = told.stat().st_mtime - 3700
    os.utime(told, (hour_ago, hour_ago))
    assert "failed" in hook(instance, 77).stderr


def test_a_script_of_ones_own_gets_the_text(instance: Instance) -> None:
    (instance.credentials / "notify").write_text('cat >"$RUNTIME_DIRECTORY/got"; echo "$1" >>"$RUNTIME_DIRECTORY/got"\n')
    hook(instance, 66)

    got = (instance.runtime / "got").read_text().splitlines()
    assert ("shop", True) == (got[-1], got[0].endswith("exit code 66)."))


def test_what_could_not_be_told_is_told_at_the_next_failure(instance: Instance) -> None:
    (instance.credentials / "notify").write_text("cat >/dev/null; exit 1\n")

    assert "<4>The notify script failed" in hook(instance, 66).stderr
    assert "failed (unknown, exit code 66)" in hook(instance, 66).stderr


def test_the_hook_understands_the_program_itself(instance: Instance) -> None:
    (instance.credentials / "env").write_text("AMO_SUBDOMAIN=mycompany\n")
    (path,) = (path for path in SERVICES if path not in RUNS)
    wrapper = instance.runtime.parent / "amo2gsheet"
    wrapper.write_text(f'#!/bin/sh\nexec {PROGRAM} "$@"\n')
    wrapper.chmod(0o755)
    ended = instance.start(path, f"sh {HOOK}", AMO2GSHEET=str(wrapper), MONITOR_EXIT_STATUS="69")

    assert "<3>status: NOT WELL\n<3>  - No run yet" in ended.stderr


def test_the_hook_is_plain_shell() -> None:
    """Debian's `sh` knows no more than the standard does."""
    assert 0 == subprocess.run(["sh", "-n", str(HOOK)]).returncode
    assert HOOK.stat().st_mode & stat.S_IXUSR
    assert not re.search(r"\[\[|<<<|function ", HOOK.read_text("utf-8"))


# --- the README's other ways ---


def fenced(mark: str) -> str:
    (block,) = re.findall(rf"<!-- {mark} -->\s*```\w*\n(.*?)\n```", README, re.DOTALL)
    return str(block)


def test_the_crontab_escapes_what_cron_takes_for_a_line_end() -> None:
    lines = fenced("crontab").splitlines()

    assert [] == [line for line in lines if re.search(r"(?<!\\)%", line)]
    assert ["pull", "push", "pull --full", "status"] == [
        found[1] for line in lines if (found := re.search(r"bin/amo2gsheet ((?:pull|push|status)(?: --full)?)", line))
    ]


def test_the_kubernetes_manifest_keeps_one_pod_at_a_time_from_starting_twice() -> None:
    yaml = pytest.importorskip("yaml")
    documents = {document["kind"]: document for document in yaml.safe_load_all(fenced("kubernetes"))}
    assert {"Secret", "PersistentVolumeClaim", "CronJob"} == set(documents)

    cron = documents["CronJob"]["spec"]
    job = cron["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    assert ("Forbid", 0, "Never") == (cron["concurrencyPolicy"], job["backoffLimit"], pod["restartPolicy"])
    assert ["ReadWriteOncePod"] == documents["PersistentVolumeClaim"]["spec"]["accessModes"]
    # Longer than three runs that each wait for the lock and take their whole time.
    assert job["activeDeadlineSeconds"] >= 3 * (default("RUN_LIMIT_SEC") + default("LOCK_WAIT_SEC"))
    # The sheet's mark holds the machine's name; that of a pod is another one each minute.
    assert pod["hostname"]


@pytest.mark.parametrize(("pull", "push", "expected"), [(0, 0, 0), (3, 65, 0), (75, 0, 0), (69, 0, 69), (0, 77, 77), (66, 3, 66)])
def test_the_job_fails_exactly_when_a_run_does(tmp_path: Path, pull: int, push: int, expected: int) -> None:
    yaml = pytest.importorskip("yaml")
    cron = next(one for one in yaml.safe_load_all(fenced("kubernetes")) if one["kind"] == "CronJob")
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    script = container["args"][0].replace("/state/", f"{tmp_path}/")
    (tmp_path / "amo2gsheet").write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/started\ncase "$*" in *full) ;; *pull) exit {pull} ;; *push) exit {push} ;; esac\n'
    )
    (tmp_path / "amo2gsheet").chmod(0o755)
    environ = child_environ(PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert [expected, expected] == [finish([*container["command"], script], environ).returncode for _ in range(2)]
    started = [line.partition("json ")[2] for line in (tmp_path / "started").read_text().splitlines()]
    assert ["pull", "push", "pull --full", "pull", "push"] == started


def job_script(tmp_path: Path, program: str) -> tuple[list[str], dict[str, str]]:
    """What the job starts, with this text for the program, and the environment for it."""
    yaml = pytest.importorskip("yaml")
    cron = next(one for one in yaml.safe_load_all(fenced("kubernetes")) if one["kind"] == "CronJob")
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (tmp_path / "amo2gsheet").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "amo2gsheet").chmod(0o755)
    script = container["args"][0].replace("/state/", f"{tmp_path}/")
    return [*container["command"], script], child_environ(PATH=f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.parametrize(("code", "times"), [(0, 1), (3, 1), (1, 1), (69, 2), (75, 2), (77, 2)])
def test_the_job_compares_all_again_when_that_did_not_come_about(tmp_path: Path, code: int, times: int) -> None:
    program = f'echo "$@" >>{tmp_path}/started\ncase "$*" in *full) exit {code} ;; esac'
    argv, environ = job_script(tmp_path, program)
    finish(argv, environ)
    finish(argv, environ)

    assert times == (tmp_path / "started").read_text().count("--full")


def test_the_job_hands_the_end_of_its_pod_on_to_the_run(tmp_path: Path) -> None:
    """Only the shell is told; as the first process of a pod it would not even end itself."""
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    program = f"trap 'echo ended >{tmp_path}/told; exit 143' TERM\necho $$ >{begun}\nwhile :; do sleep 0.05; done"
    argv, environ = job_script(tmp_path, program)
    with subprocess.Popen(argv, env=environ) as shell:
        run = int(begun.read_text())
        shell.terminate()
        code = shell.wait(timeout=30)
    if not (tmp_path / "told").exists():
        os.kill(run, signal.SIGKILL)

    assert (143, True) == (code, (tmp_path / "told").exists())
