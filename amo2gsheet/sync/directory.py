"""What names things (pipelines, fields, users, staff, zone), from caches or from both clouds. Writes nothing outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from amo2gsheet.exceptions import SettingsError
from amo2gsheet.model import Account, Directory, LeadField, Pipeline, PipelineStage, Stage
from amo2gsheet.staff import staff_from_table
from amo2gsheet.statuses import StatusRules
from amo2gsheet.values import is_offset, is_zone

if TYPE_CHECKING:
    from amo2gsheet.config import Settings
    from amo2gsheet.sync.run import Run

STAFF_TAB = "Staff"

STAFF_TRACKED = 5000
"""Up to so many tracked leads a changed Staff tab is carried into all rows at once; above, `pull --full` does it."""


@dataclass(frozen=True, slots=True)
class Known:
    """The directory with the rules that follow from it and the settings."""

    directory: Directory
    rules: StatusRules
    account: Account


def load(run: Run) -> Known:
    """Take everything from the caches; what is not there, or of no use here, is read.

    Raises:
        SettingsError: no stage of the whole account is a trigger.
    """
    account = _account(run)
    pipelines = _cached(run, "pipelines", _read_pipelines, _pipelines_from)
    fields = _cached(run, "lead fields", _read_fields, _fields_from)
    users = _cached(run, "users", _read_users, _users_from)
    kept = run.state.cached("staff")
    staff: Mapping[str, str] = kept[0] if kept else {}
    return _known(run, account, pipelines, fields, users, staff)


def refresh(run: Run) -> Known:
    """Read everything of amoCRM's anew: account, pipelines, fields, users."""
    return _renew(run, "account", "pipelines", "lead fields", "users")


def refresh_pipelines(run: Run) -> Known:
    """Read the pipelines anew: a stage turned up that is not known, or leads are about to be moved."""
    return _renew(run, "pipelines")


def refresh_users(run: Run) -> Known:
    """Read the users anew."""
    return _renew(run, "users")


def refresh_fields(run: Run) -> Known:
    """Read the custom fields of leads anew."""
    return _renew(run, "lead fields")


def _renew(run: Run, *names: str) -> Known:
    """Read these anew. In one commit with the new names goes the debt to the leads whose cells show an old one.

    Whoever reads the names first has to note the debt: to all later runs nothing has changed.
    """
    before = load(run).directory
    fresh = {name: _READERS[name](run) for name in names}
    with run.state.transaction():
        for name, value in fresh.items():
            run.state.keep(name, value)
        known = load(run)
        run.state.owe_all(_leads_renamed(run, before, known.directory), "names")
    return known


def _leads_renamed(run: Run, before: Directory, after: Directory) -> set[int]:
    """Tracked leads whose cells show a stage, pipeline or user that has another name now."""
    stages = _stage_names(after)
    moved = [stage for stage, name in _stage_names(before).items() if stages.get(stage) != name]
    pipelines = {pipeline.id: pipeline.name for pipeline in after.pipelines}
    renamed = [pipeline.id for pipeline in before.pipelines if pipelines.get(pipeline.id) != pipeline.name]
    users_after, users_before = after.users or {}, before.users or {}
    users = [user_id for user_id in {*users_after, *users_before} if users_after.get(user_id) != users_before.get(user_id)]
    state = run.state
    return state.leads_in_stages(moved) | state.leads_in_pipelines(renamed) | state.leads_of_users(users)


def _stage_names(directory: Directory) -> dict[Stage, str]:
    return {stage.stage: stage.name for pipeline in directory.pipelines for stage in pipeline.stages}


def pipelines_age(run: Run) -> float | None:
    """Seconds since the pipelines were read; None where they are not cached."""
    kept = run.state.cached("pipelines")
    return kept[1] if kept else None


def with_staff(run: Run, known: Known, *, has_tab: bool) -> Known:
    """Take the Staff tab's contents from the cache while they are young, else read the tab."""
    kept = run.state.cached("staff")
    if kept is not None and kept[1] < run.settings.staff_cache_ttl_seconds:
        return known
    staff = staff_from_table(run.sheet.read_table(STAFF_TAB)) if has_tab else {}
    if kept is not None and kept[0] != staff and run.state.tracked_count() <= STAFF_TRACKED:
        run.state.owe_all(run.state.all_lead_ids(), "staff")
    run.state.keep("staff", staff)
    directory = known.directory
    return Known(
        Directory(directory.pipelines, directory.lead_fields, directory.users, staff, directory.zone), known.rules, known.account
    )


def zone_note(account: Account) -> str:
    """What to tell of an account whose zone is known by its offset alone; "" where there is nothing to tell."""
    if not is_offset(account.zone):
        return ""
    return f"amoCRM names no time zone that this machine knows; all times count by the offset {account.zone}, summer and winter"


def rules_of(settings: Settings, pipelines: Iterable[Pipeline]) -> StatusRules:
    """What the settings make of the account's stages."""
    return StatusRules.build(
        pipelines,
        trigger_names=settings.trigger_names,
        trigger_status_id=settings.trigger_status_id,
        dropdown=settings.dropdown,
        status_display=settings.status_display,
        sheet_status=settings.sheet_status,
    )


def _known(
    run: Run,
    account: Account,
    pipelines: tuple[Pipeline, ...],
    fields: tuple[LeadField, ...],
    users: Mapping[int, str] | None,
    staff: Mapping[str, str],
) -> Known:
    rules = rules_of(run.settings, pipelines)
    if not rules.triggers:
        raise SettingsError(
            "No stage of the account is a trigger stage.",
            "Set TRIGGER_STATUS_NAME to the name of the stage whose leads belong in the sheet.",
            [f"the nearest name is {name!r}" for name in rules.nearest_names],
        )
    return Known(Directory(pipelines, fields, users, staff, account.zone), rules, account)


def _cached(run: Run, name: str, read: Callable[[Run], Any], build: Callable[[Any], Any]) -> Any:
    """Build from the cache, whatever its age; from a fresh reading where there is none."""
    kept = run.state.cached(name)
    if kept is not None:
        return build(kept[0])
    value = read(run)
    run.state.keep(name, value)
    return build(value)


def _account(run: Run) -> Account:
    """The account from the cache; a zone that only another machine knew, which this state comes from, is read anew."""
    account: Account = _cached(run, "account", _read_account, _account_from)
    if is_zone(account.zone):
        return account
    value = _read_account(run)
    run.state.keep("account", value)
    return _account_from(value)


def _read_account(run: Run) -> Any:
    return asdict(run.amo.account())


def _account_from(value: Any) -> Account:
    return Account(**value)


def _read_pipelines(run: Run) -> Any:
    return [asdict(pipeline) for pipeline in run.amo.pipelines()]


def _pipelines_from(value: Any) -> tuple[Pipeline, ...]:
    return tuple(
        Pipeline(
            **{**pipeline, "stages": tuple(PipelineStage(**{**s, "stage": Stage(**s["stage"])}) for s in pipeline["stages"])}
        )
        for pipeline in value
    )


def _read_fields(run: Run) -> Any:
    return [asdict(field) for field in run.amo.lead_fields()]


def _fields_from(value: Any) -> tuple[LeadField, ...]:
    return tuple(LeadField(**{**field, "options": tuple(field["options"])}) for field in value)


def _read_users(run: Run) -> Any:
    users = run.amo.users()
    return None if users is None else {str(user_id): name for user_id, name in users.items()}


def _users_from(value: Any) -> Mapping[int, str] | None:
    return None if value is None else {int(user_id): name for user_id, name in value.items()}


_READERS: Mapping[str, Callable[[Run], Any]] = {
    "account": _read_account,
    "pipelines": _read_pipelines,
    "lead fields": _read_fields,
    "users": _read_users,
}
