"""In which pipeline and stage a row's lead begins. Pure; never the stage of unsorted requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amo2gsheet.exceptions import SettingsError
from amo2gsheet.model import Pipeline, Stage
from amo2gsheet.names import NameMap, fold
from amo2gsheet.statuses import StatusRules
from amo2gsheet.sync.importing_values import BadCellError, nearest_of

_CLOSED = (142, 143)


class Beginnings:
    """Texts of the columns `Воронка` and `статус` → where a lead is made.

    `pipeline_id` is the pipeline of rows that name none, 0 for the main one; `trigger_status_id` goes before a pipeline's own
    trigger stage, 0 for none.
    """

    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        rules: StatusRules,
        display: Mapping[str, str],
        *,
        pipeline_id: int,
        trigger_status_id: int,
    ) -> None:
        in_use = [one for one in pipelines if not one.is_archived]
        self._rules = rules
        self._trigger_status_id = trigger_status_id
        self._pipelines = {one.id: one for one in in_use}
        self._by_name = NameMap([(one.name, one) for one in in_use] + _shown(in_use, display))
        self._archived = NameMap((one.name, one) for one in pipelines if one.is_archived)
        self._names = [one.name for one in in_use] + [text for text, _ in _shown(in_use, display)]
        self._default = self._default_of(pipeline_id)
        self._found: dict[tuple[str, str], Stage] = {}

    def _default_of(self, pipeline_id: int) -> Pipeline:
        if pipeline_id:
            if pipeline_id not in self._pipelines:
                raise SettingsError(
                    f"PIPELINE_ID is {pipeline_id}, and the account has no such pipeline in use.",
                    "Its pipelines: " + ", ".join(f"{one.name} ({one.id})" for one in self._pipelines.values()) + ".",
                )
            return self._pipelines[pipeline_id]
        in_use = list(self._pipelines.values())
        if not in_use:
            raise SettingsError(
                "All pipelines of the account are in the archive, so no lead can be made.",
                "Take one out of it in amoCRM's settings.",
            )
        return next((one for one in in_use if one.is_main), in_use[0])

    def pipeline(self, text: str) -> Pipeline:
        """The pipeline of that raw or short name; the default one for "".

        Raises:
            BadCellError: there is none.
        """
        if not text:
            return self._default
        found = self._by_name.get(text)
        if found is None:
            if self._archived.get(text):
                raise BadCellError("is a pipeline in the archive")
            raise BadCellError("is no pipeline of the account", nearest_of(text, self._names))
        return found

    def stage(self, text: str, pipeline: Pipeline) -> Stage:
        """The stage of that raw or shown name; for "" where a new lead begins.

        A text of the dropdown means what it means in the sheet; else a stage's own name means that stage.

        Raises:
            BadCellError: the pipeline has none.
        """
        ordinary = [one for one in pipeline.stages if not one.is_incoming]
        if not text:
            return self._first(pipeline)
        named = NameMap((one.name, one.stage) for one in ordinary).get(text)
        is_dropdown = any(fold(text) == fold(value) for value in self._rules.dropdown_values)
        meant = self._rules.target(text, pipeline.id)
        shown = next((one.stage for one in ordinary if fold(self._rules.shown(one.stage)) == fold(text)), None)
        found = (meant or named) if is_dropdown else (named or meant)
        if found is None and shown is None:
            names = [one.name for one in ordinary] + [self._rules.shown(one.stage) for one in ordinary]
            raise BadCellError(f'is no stage of the pipeline "{pipeline.name}"', nearest_of(text, names))
        return found or shown  # type: ignore[return-value]

    def _first(self, pipeline: Pipeline) -> Stage:
        ordinary = [one.stage for one in pipeline.stages if not one.is_incoming]
        wanted = next((one for one in ordinary if one.status_id == self._trigger_status_id), None)
        begin = wanted or self._rules.trigger_of(pipeline.id)
        begin = begin or next((one for one in ordinary if one.status_id not in _CLOSED), None)
        if begin is None:
            raise BadCellError(f'is empty, and the pipeline "{pipeline.name}" has no stage to begin in')
        return begin


def _shown(pipelines: Sequence[Pipeline], short: Mapping[str, str]) -> list[tuple[str, Pipeline]]:
    names = NameMap(short.items())
    return [(text, one) for one in pipelines if (text := names.get(one.name))]
