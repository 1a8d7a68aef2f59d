"""Lines for the settings file that fit the account at hand. Pure: asks nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from amo2gsheet.inspection import PipelineLine, Suggestion
from amo2gsheet.values import zone_of

_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON leaves as it is, but is shown as an escape."""


def suggestions(
    pipelines: Sequence[PipelineLine],
    nearest_names: Sequence[str],
    zone_name: str,
    now: float,
    *,
    trigger_names: Sequence[str],
    dropdown: Mapping[str, int],
    pipeline_display: Mapping[str, str],
    status_display: Mapping[str, str],
) -> tuple[Suggestion, ...]:
    """What to put into the settings file. `now` are Unix seconds; the settings of today are kept where they work."""
    return (
        _trigger(pipelines, nearest_names, trigger_names),
        _pipeline(pipelines),
        Suggestion("DROPDOWN_STATUS_MAP_JSON", _json(dropdown), "the dropdown, in this order; 0: the stage is found by its name"),
        _stages(pipelines, status_display),
        _pipelines(pipelines, pipeline_display),
        _created_after(zone_name, now),
    )


def env_line(name: str, value: str) -> str:
    """One line as a settings file carries it, whatever stands in the value."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{escaped}'"


def _trigger(pipelines: Sequence[PipelineLine], nearest_names: Sequence[str], trigger_names: Sequence[str]) -> Suggestion:
    stages = [stage for pipeline in pipelines for stage in pipeline.stages if stage.is_trigger]
    if stages:
        return Suggestion("TRIGGER_STATUS_NAME", ", ".join(trigger_names), "works: leads in these stages get a row")
    name = next((name for name in nearest_names if "," not in name and name.isprintable()), "")
    also = f"; others like it: {', '.join(nearest_names[1:])}" if nearest_names[1:] else ""
    return Suggestion("TRIGGER_STATUS_NAME", name, f"no stage is a trigger yet; is it this one{also}?")


def _pipeline(pipelines: Sequence[PipelineLine]) -> Suggestion:
    main = next((one for one in pipelines if one.is_main), None)
    comment = "the main pipeline" if main is None else f'the main pipeline, "{main.name}"'
    return Suggestion("PIPELINE_ID", str(main.id if main else 0), f"{comment}: for rows of an import that name none")


def _stages(pipelines: Sequence[PipelineLine], status_display: Mapping[str, str]) -> Suggestion:
    """The texts of stages that the sheet shows under their own name, to be replaced by a value of the dropdown."""
    stages = (stage for one in pipelines for stage in one.stages if not stage.is_mapped and not stage.is_incoming)
    unmapped = {name: stage.shown.strip() for stage in stages if (name := stage.name.strip())}
    return Suggestion(
        "STATUS_DISPLAY_MAP_JSON",
        _json({**unmapped, **status_display}),
        "stage → text in the sheet; as it stands it changes nothing, so put the text you want behind the stages you want",
    )


def _pipelines(pipelines: Sequence[PipelineLine], pipeline_display: Mapping[str, str]) -> Suggestion:
    names = {name: name for one in pipelines if not one.is_archived and (name := one.name.strip())}
    return Suggestion("PIPELINE_DISPLAY_MAP_JSON", _json({**names, **pipeline_display}), "pipeline → short name in the sheet")


def _created_after(zone_name: str, now: float) -> Suggestion:
    midnight = datetime.fromtimestamp(now, zone_of(zone_name)).replace(hour=0, minute=0, second=0, microsecond=0)
    return Suggestion(
        "LEADS_CREATED_AFTER",
        midnight.strftime("%d.%m.%Y %H:%M"),
        f"today in the account's zone, {zone_name} (Unix time {int(midnight.timestamp())}): older leads get no row; "
        "leave it out to take all that stand in a trigger stage",
    )


def _json(value: Mapping[str, object]) -> str:
    """JSON in which no letter is left that a terminal would obey, so that it can be copied as it is shown."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(dict(value), ensure_ascii=False))
