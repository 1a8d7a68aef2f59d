"""What an administrator does in the settings: pipelines, stages, custom fields, users. Leads follow in `amo_account`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from amo2gsheet.sandbox.amo_entities import (
    INCOMING,
    LOST,
    WON,
    CustomField,
    EntityType,
    LossReason,
    Option,
    Pipeline,
    Stage,
    User,
)
from amo2gsheet.sandbox.amo_knobs import AmoKnobs
from amo2gsheet.sandbox.amo_store import Store
from amo2gsheet.sandbox.amo_values import EMAIL_KINDS, PHONE_KINDS

_COLORS = ("#99ccff", "#ffff99", "#ffcc66", "#ffcccc", "#ccffff", "#d6eaff")
_UTM = ("utm_content", "utm_medium", "utm_campaign", "utm_source", "utm_term")


class Directory(Store):
    """The account's settings. Every `add_…` returns the new ID."""

    def __init__(self, clock: Callable[[], float], knobs: AmoKnobs, seed: int) -> None:
        super().__init__(clock, knobs, seed)
        self.add_user("Администратор", is_admin=True)
        for name in _UTM:
            self._add_field("leads", name, "tracking_data", (), code=name.upper(), is_predefined=True)
        own: tuple[EntityType, EntityType] = ("contacts", "companies")
        for entity_type in own:
            self._add_kinds_field(entity_type, "Телефон", "PHONE", PHONE_KINDS)
            self._add_kinds_field(entity_type, "Email", "EMAIL", EMAIL_KINDS)
        self._add_field("contacts", "Должность", "text", (), code="POSITION", is_predefined=True)

    # Pipelines and stages.

    def add_pipeline(
        self,
        name: str,
        stages: Sequence[str] = (),
        *,
        is_main: bool | None = None,
        is_unsorted_on: bool = True,
        pipeline_id: int | None = None,
    ) -> int:
        """Make a pipeline with the incoming stage, the named ones, 142 and 143. The first is the main one."""
        pipeline_id = self.new_id(pipeline_id)
        system = (
            Stage(self.new_id(), pipeline_id, "Неразобранное", 10, "#c1c1c1", INCOMING, is_editable=False),
            Stage(WON, pipeline_id, "Успешно реализовано", 10_000, "#CCFF66", is_editable=False),
            Stage(LOST, pipeline_id, "Закрыто и не реализовано", 11_000, "#D5D8DB", is_editable=False),
        )
        main = not self.pipelines if is_main is None else is_main
        if main:
            self.pipelines = {key: replace(other, is_main=False) for key, other in self.pipelines.items()}
        self.pipelines[pipeline_id] = Pipeline(pipeline_id, name, len(self.pipelines) + 1, main, is_unsorted_on, system)
        for stage_name in stages:
            self.add_stage(pipeline_id, stage_name)
        return pipeline_id

    def add_stage(self, pipeline_id: int, name: str, *, sort: int | None = None, status_id: int | None = None) -> int:
        """Add a stage, by default after the other ordinary ones, and return its status ID."""
        pipeline = self.pipelines[pipeline_id]
        ordinary = [stage for stage in pipeline.stages if stage.is_editable]
        place = sort if sort is not None else max((stage.sort for stage in ordinary), default=10) + 10
        color = _COLORS[len(ordinary) % len(_COLORS)]
        stage = Stage(self.new_id(status_id), pipeline_id, name, place, color)
        self._set_stages(pipeline, [*pipeline.stages, stage])
        return stage.id

    def rename_stage(self, pipeline_id: int, status_id: int, name: str) -> None:
        """Rename a stage; 142 and 143 too, in this pipeline only."""
        pipeline = self.pipelines[pipeline_id]
        self._set_stages(pipeline, [replace(stage, name=name) if stage.id == status_id else stage for stage in pipeline.stages])

    def delete_stage(self, pipeline_id: int, status_id: int, move_to: int | None = None) -> None:
        """Delete an ordinary stage; its leads go to `move_to`, by default to the first stage that is left."""
        pipeline = self.pipelines[pipeline_id]
        self._set_stages(pipeline, [stage for stage in pipeline.stages if stage.id != status_id])
        target = move_to if move_to is not None else self.pipelines[pipeline_id].first_stage.id
        self._empty_stage(pipeline_id, status_id, target)

    def _empty_stage(self, pipeline_id: int, status_id: int, target: int) -> None:
        raise NotImplementedError

    def rename_pipeline(self, pipeline_id: int, name: str) -> None:
        """Rename a pipeline."""
        self.pipelines[pipeline_id] = replace(self.pipelines[pipeline_id], name=name)

    def archive_pipeline(self, pipeline_id: int) -> None:
        """Archive a pipeline; its leads stay where they are."""
        self.pipelines[pipeline_id] = replace(self.pipelines[pipeline_id], is_archive=True)

    def stage_id(self, pipeline_id: int, name: str) -> int:
        """The status ID of the stage of that name."""
        return next(stage.id for stage in self.pipelines[pipeline_id].stages if stage.name == name)

    def incoming_stage_id(self, pipeline_id: int) -> int:
        """The status ID of the pipeline's incoming stage."""
        return next(stage.id for stage in self.pipelines[pipeline_id].stages if stage.type == INCOMING)

    def _set_stages(self, pipeline: Pipeline, stages: Sequence[Stage]) -> None:
        in_order = tuple(sorted(stages, key=lambda stage: (stage.sort, stage.id)))
        self.pipelines[pipeline.id] = replace(pipeline, stages=in_order)

    # Custom fields.

    def add_lead_field(
        self,
        name: str,
        field_type: str = "text",
        options: Sequence[str] = (),
        *,
        code: str | None = None,
        is_computed: bool = False,
        field_id: int | None = None,
    ) -> int:
        """Add a custom field of leads; `options` are the labels of a select field."""
        return self._add_field("leads", name, field_type, options, code=code, is_computed=is_computed, field_id=field_id)

    def add_contact_field(self, name: str, field_type: str = "text", options: Sequence[str] = ()) -> int:
        """Add a custom field of contacts."""
        return self._add_field("contacts", name, field_type, options)

    def add_company_field(self, name: str, field_type: str = "text", options: Sequence[str] = ()) -> int:
        """Add a custom field of companies."""
        return self._add_field("companies", name, field_type, options)

    def rename_field(self, field_id: int, name: str) -> None:
        """Rename a custom field."""
        self.fields[field_id] = replace(self.fields[field_id], name=name)

    def delete_field(self, field_id: int) -> None:
        """Delete a custom field; entities no longer show it."""
        del self.fields[field_id]

    def add_option(self, field_id: int, label: str) -> int:
        """Add an option to a select field and return its enum ID."""
        definition = self.fields[field_id]
        option = Option(self.new_id(), label, len(definition.options) * 10 + 500)
        self.fields[field_id] = replace(definition, options=(*definition.options, option))
        return option.id

    def rename_option(self, field_id: int, label: str, new_label: str) -> None:
        """Give an option another label; its enum ID stays."""
        definition = self.fields[field_id]
        options = tuple(replace(option, label=new_label) if option.label == label else option for option in definition.options)
        self.fields[field_id] = replace(definition, options=options)

    def remove_option(self, field_id: int, label: str) -> None:
        """Remove an option; entities that had it no longer show it."""
        definition = self.fields[field_id]
        options = tuple(option for option in definition.options if option.label != label)
        self.fields[field_id] = replace(definition, options=options)

    def field_named(self, entity_type: EntityType, name: str) -> CustomField:
        """The first custom field of that name."""
        return next(field for field in self.fields_of(entity_type).values() if field.name == name)

    def field_coded(self, entity_type: EntityType, code: str) -> CustomField:
        """The custom field of that code."""
        return next(field for field in self.fields_of(entity_type).values() if field.code == code)

    def _add_field(
        self,
        entity_type: EntityType,
        name: str,
        field_type: str,
        options: Sequence[str],
        *,
        code: str | None = None,
        is_computed: bool = False,
        is_predefined: bool = False,
        field_id: int | None = None,
    ) -> int:
        field_id = self.new_id(field_id)
        choices = tuple(Option(self.new_id(), label, 500 + place * 10) for place, label in enumerate(options))
        sort = 500 + len(self.fields_of(entity_type))
        self.fields[field_id] = CustomField(
            field_id, entity_type, name, field_type, sort, code, choices, is_computed, is_predefined
        )
        return field_id

    def _add_kinds_field(self, entity_type: EntityType, name: str, code: str, kinds: Sequence[str]) -> None:
        field_id = self._add_field(entity_type, name, "multitext", kinds, code=code, is_predefined=True)
        definition = self.fields[field_id]
        options = tuple(replace(option, code=option.label) for option in definition.options)
        self.fields[field_id] = replace(definition, options=options)

    # People and reasons.

    def add_user(
        self, name: str, *, email: str = "", is_admin: bool = False, is_active: bool = True, user_id: int | None = None
    ) -> int:
        """Add a person with a login."""
        user_id = self.new_id(user_id)
        self.users[user_id] = User(user_id, name, email or f"user{user_id}@example.com", is_admin, is_active)
        return user_id

    def rename_user(self, user_id: int, name: str) -> None:
        """Give a user another name."""
        self.users[user_id] = replace(self.users[user_id], name=name)

    def deactivate_user(self, user_id: int) -> None:
        """Switch a user off: writes that name them are refused from now on."""
        self.users[user_id] = replace(self.users[user_id], is_active=False)

    def add_loss_reason(self, name: str) -> int:
        """Add a reason for which leads are lost."""
        reason = LossReason(self.new_id(), name, (len(self.loss_reasons) + 1) * 10_000, self.now())
        self.loss_reasons[reason.id] = reason
        return reason.id
