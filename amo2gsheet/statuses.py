"""Stage names ⇄ the texts of the status column, and which stages are triggers. Knows names only, not leads or rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from amo2gsheet.model import Pipeline, PipelineStage, Stage
from amo2gsheet.names import NameMap, exact, fold

IN_PROGRESS = "В процессе"
AT_COURIER = "У курера"
SUCCESS = "Успешно"
REFUSED = "Отказ"

BUILT_IN_DROPDOWN = (IN_PROGRESS, AT_COURIER, SUCCESS, REFUSED)
"""The dropdown of a sheet whose settings name none. The second value is spelt as its users spell it."""

BUILT_IN_DISPLAY: Mapping[str, str] = MappingProxyType(
    {
        "NOMERATSIYALANMAGAN ZAKAZ": IN_PROGRESS,
        "Заказ без нумерации": IN_PROGRESS,
        "ЗАКАЗ ОТПРАВЛЕН": AT_COURIER,
        "Заказ отправлен": AT_COURIER,
        "OTKAZ": REFUSED,
        "ОТКАЗ": REFUSED,
        "Отказ": REFUSED,
        "Успешно": SUCCESS,
        "Успешно реализовано": SUCCESS,
    }
)
"""Stage name → text shown in the sheet, before the user's own map."""

BUILT_IN_TARGETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {AT_COURIER: ("Заказ отправлен",), SUCCESS: ("Заказ отправлен",), REFUSED: ("Отказ", "OTKAZ")}
)
"""Dropdown value → stage names to try in the lead's pipeline. `В процессе` is not among them: it stands for the trigger stage."""

_DISPLAY = NameMap(BUILT_IN_DISPLAY.items())
_TARGETS = NameMap(BUILT_IN_TARGETS.items())


@dataclass(frozen=True, slots=True)
class _Targets:
    """Where a lead of one pipeline can be moved; a stage of unsorted requests is in none of these. First by `sort` wins."""

    status_ids: frozenset[int]
    by_name: NameMap[Stage]
    by_shown: Mapping[str, Stage]
    trigger: Stage | None


@dataclass(frozen=True, slots=True, eq=False)
class StatusRules:
    """What each stage is shown as and what each text stands for. Build one per run with `build`.

    Attributes:
        dropdown_values: the dropdown, in order.
        triggers: the stages whose leads get a row.
        pipelines_without_trigger: names of the pipelines in use (not archived) in which no stage is a trigger.
        nearest_names: when no stage of the whole account is a trigger: the stage names nearest to the wanted ones.
    """

    dropdown_values: tuple[str, ...]
    triggers: frozenset[Stage]
    pipelines_without_trigger: tuple[str, ...]
    nearest_names: tuple[str, ...]
    _shown: Mapping[Stage, str]
    _targets: Mapping[int, _Targets]
    _readings: NameMap[str]
    _dropdown_ids: Mapping[str, int]
    _target_names: Mapping[str, tuple[str, ...]]

    @classmethod
    def build(
        cls,
        pipelines: Iterable[Pipeline],
        *,
        trigger_names: Sequence[str],
        trigger_status_id: int,
        dropdown: Mapping[str, int],
        status_display: Mapping[str, str],
        sheet_status: Mapping[str, Sequence[str]],
    ) -> StatusRules:
        """Work out all names of the account once.

        Args:
            pipelines: all pipelines of the account, archived ones too.
            trigger_names: names of the trigger stage; they need not all exist.
            trigger_status_id: one more trigger stage by its ID; 0 for none.
            dropdown: dropdown value → stage ID, 0 to find the stage by name; empty for the built-in values.
            status_display: stage name → text shown; adds to and overrides the built-in map.
            sheet_status: dropdown value → stage names to try; an entry takes the place of the built-in names.
        """
        pipelines = sorted(pipelines, key=lambda one: (one.sort, one.id))
        dropdown = dropdown or dict.fromkeys(BUILT_IN_DROPDOWN, 0)
        stages = [stage for pipeline in pipelines for stage in _sorted(pipeline)]
        triggers = _triggers(stages, trigger_names, trigger_status_id)
        display = _Display(NameMap(status_display.items()), NameMap((value, value) for value in dropdown), next(iter(dropdown)))
        shown = {one.stage: display.of(one, is_trigger=one.stage in triggers) for one in stages}
        return cls(
            dropdown_values=tuple(dropdown),
            triggers=triggers,
            pipelines_without_trigger=_without_trigger(pipelines, triggers),
            nearest_names=() if triggers else _nearest(trigger_names, [one.name for one in stages]),
            _shown=shown,
            _targets={one.id: _targets_of(one, triggers, shown) for one in pipelines},
            _readings=NameMap(_readings(dropdown, shown, stages, status_display, display)),
            _dropdown_ids=dict(dropdown),
            _target_names=_target_names(dropdown, sheet_status, status_display),
        )

    def is_trigger(self, stage: Stage) -> bool:
        """Whether a lead in that stage gets a row."""
        return stage in self.triggers

    def trigger_of(self, pipeline_id: int) -> Stage | None:
        """The first trigger stage of a pipeline that a lead can be moved to; None when it has none."""
        targets = self._targets.get(pipeline_id)
        return targets.trigger if targets else None

    def knows(self, stage: Stage) -> bool:
        """Whether the account's pipelines, as read, have that stage."""
        return stage in self._shown

    def shown(self, stage: Stage) -> str:
        """The text of a stage in the status column; of an unknown one its ID."""
        return self._shown.get(stage, str(stage.status_id))

    def canonical(self, text: str) -> str | None:
        """The dropdown value that a cell's text means; None when it means none."""
        reading = self._readings.get(text)
        return reading if reading in self._dropdown_ids else None

    def target(self, text: str, pipeline_id: int) -> Stage | None:
        """The stage that a cell's text stands for in a pipeline; None when it is no dropdown value or the pipeline has none.

        Tried in this order: the ID that the settings give; the names that the settings give, else the built-in ones and those
        that the settings show alike; for a value of one's own the stage shown under it, then the stage called so.
        """
        value, targets = self.canonical(text), self._targets.get(pipeline_id)
        if value is None or targets is None:
            return None
        if self._dropdown_ids[value] in targets.status_ids:
            return Stage(pipeline_id, self._dropdown_ids[value])
        names = self._target_names.get(value)
        if names is not None:
            return next((stage for name in names if (stage := targets.by_name.get(name)) is not None), None)
        if fold(value) == fold(IN_PROGRESS):
            return targets.trigger
        return targets.by_shown.get(value) or targets.by_name.get(value)

    def same_text(self, text: str, other: str) -> bool:
        """Whether two cell texts are one status, however they are spelt."""
        return text == other or self._meaning(text) == self._meaning(other)

    def means_same(self, text: str, stage: Stage) -> bool:
        """Whether a cell's text and a stage agree: the stage is shown so, or it is what the text stands for in its pipeline."""
        return self.same_text(text, self.shown(stage)) or self.target(text, stage.pipeline_id) == stage

    def _meaning(self, text: str) -> str:
        return self._readings.get(text) or fold(text)


@dataclass(frozen=True, slots=True)
class _Display:
    """How a stage's text is found: the user's map, the built-in one, the first dropdown value for a trigger, the own name."""

    users: NameMap[str]
    dropdown: NameMap[str]
    first_value: str

    def of(self, one: PipelineStage, *, is_trigger: bool) -> str:
        return self.named(one.name) or (self.first_value if is_trigger else self.spelt(one.name)) or str(one.stage.status_id)

    def named(self, name: str) -> str:
        """The text that a map gives to a stage name; "" when neither has it."""
        return self.spelt(self.users.get(name) or _DISPLAY.get(name) or "")

    def spelt(self, text: str) -> str:
        """A text without needless blanks, as the dropdown spells it where it has it."""
        return self.dropdown.get(text) or " ".join(text.split())


def _sorted(pipeline: Pipeline) -> list[PipelineStage]:
    return sorted(pipeline.stages, key=lambda one: (one.sort, one.stage.status_id))


def _triggers(stages: Iterable[PipelineStage], trigger_names: Sequence[str], trigger_status_id: int) -> frozenset[Stage]:
    """The stages of the wanted ID, of the wanted names, and of the names that the built-in map shows as it shows one of those.

    Only the built-in map counts here. A user may show more stages as `В процессе`, which must not give their leads rows.
    """
    alike = {_DISPLAY.get(name) for name in trigger_names}
    wanted = NameMap(
        (name, True) for name in (*trigger_names, *(raw for raw, shown in BUILT_IN_DISPLAY.items() if shown in alike))
    )
    ids = {trigger_status_id} - {0}
    return frozenset(one.stage for one in stages if wanted.get(one.name) or one.stage.status_id in ids)


def _without_trigger(pipelines: Iterable[Pipeline], triggers: frozenset[Stage]) -> tuple[str, ...]:
    in_use = (one for one in pipelines if not one.is_archived)
    return tuple(one.name for one in in_use if not any(stage.stage in triggers for stage in one.stages))


def _targets_of(pipeline: Pipeline, triggers: frozenset[Stage], shown: Mapping[Stage, str]) -> _Targets:
    stages = [one for one in _sorted(pipeline) if not one.is_incoming]
    by_shown: dict[str, Stage] = {}
    for one in stages:
        by_shown.setdefault(shown[one.stage], one.stage)
    return _Targets(
        status_ids=frozenset(one.stage.status_id for one in stages),
        by_name=NameMap((one.name, one.stage) for one in stages),
        by_shown=by_shown,
        trigger=next((one.stage for one in stages if one.stage in triggers), None),
    )


def _readings(
    dropdown: Mapping[str, int],
    shown: Mapping[Stage, str],
    stages: Iterable[PipelineStage],
    status_display: Mapping[str, str],
    display: _Display,
) -> Iterable[tuple[str, str]]:
    """Every text that a status cell may hold → the text that it counts as; a text that is shown itself counts as itself."""
    yield from ((value, value) for value in dropdown)
    yield from ((text, text) for text in shown.values())
    yield from ((one.name, shown[one.stage]) for one in stages)
    yield from ((name, text) for name in (*status_display, *BUILT_IN_DISPLAY) if (text := display.named(name)))


def _target_names(
    dropdown: Iterable[str], sheet_status: Mapping[str, Sequence[str]], status_display: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Dropdown value → stage names to try in order; values without an entry are resolved in another way."""
    users = NameMap((value, tuple(names)) for value, names in sheet_status.items())
    found: dict[str, tuple[str, ...]] = {}
    for value in dropdown:
        names = users.get(value)
        if names is None and (built_in := _TARGETS.get(value)) is not None:
            names = built_in + _aliases(built_in, status_display)
        if names is not None:
            found[value] = names
    return found


def _aliases(names: Iterable[str], status_display: Mapping[str, str]) -> tuple[str, ...]:
    """Stage names that the user's map shows as the built-in one shows these: a pipeline's own spelling (`ЗАКАЗ ОТПАРВЛЕН`)."""
    alike = {fold(BUILT_IN_DISPLAY[name]) for name in names}
    return tuple(name for name, shown in status_display.items() if fold(shown) in alike)


def _nearest(wanted: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    """At most five stage names, the most alike first."""
    by_fold = {fold(name): exact(name) for name in names if fold(name)}
    close = [near for name in wanted for near in get_close_matches(fold(name), by_fold, n=5, cutoff=0.3)]
    return tuple(dict.fromkeys(by_fold[near] for near in close))[:5]
