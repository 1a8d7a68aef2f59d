"""What amoCRM refuses in a written lead, contact or company, and what it makes of the rest. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amo2gsheet.sandbox.amo_account import Account
from amo2gsheet.sandbox.amo_entities import CLOSED, INCOMING, CustomField, EntityType, Pipeline, Value
from amo2gsheet.sandbox.amo_problems import Problem, missing, not_a_choice, wrong_type
from amo2gsheet.sandbox.amo_values import ValueRefusedError, parse_values

Item = Mapping[str, Any]

_INT_OR_NULL = ("loss_reason_id", "closed_at")
_INTS = ("status_id", "pipeline_id", "created_by", "updated_by", "responsible_user_id", "created_at", "updated_at")
_USERS = ("created_by", "updated_by", "responsible_user_id")


def is_int(value: object) -> bool:
    """An integer of JSON; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool)


class Check:
    """The problems of one written item, in the order in which they are found."""

    def __init__(self, account: Account, item: Item, prefix: str = "") -> None:
        self.problems: list[Problem] = []
        self._account = account
        self._item = item
        self._prefix = prefix

    def add(self, problem: Problem) -> None:
        """Note a problem, its path seen from the item's root."""
        self.problems.append(problem.under(self._prefix) if self._prefix else problem)

    def types(self) -> None:
        """Plain keys have the right JSON types."""
        item = self._item
        for key in _INTS:
            if key in item and not is_int(item[key]):
                self.add(wrong_type(key, "int"))
        for key in _INT_OR_NULL:
            if item.get(key) is not None and not is_int(item[key]):
                self.add(wrong_type(key, "int"))
        for key in ("name", "first_name", "last_name"):
            if key in item and not isinstance(item[key], str):
                self.add(wrong_type(key, "string"))
        price = item.get("price")
        if "price" in item and not (is_int(price) or isinstance(price, float)):
            self.add(wrong_type("price", "int"))

    def users(self) -> None:
        """Users named are there and active; 0 is the robot, which cannot be responsible."""
        for key in _USERS:
            user_id = self._item.get(key)
            if user_id is None or not is_int(user_id) or (user_id == 0 and key != "responsible_user_id"):
                continue
            user = self._account.users.get(user_id)
            if user is None or not user.is_active:
                self.add(not_a_choice(key))

    def loss_reason(self) -> None:
        """The loss reason is there."""
        reason_id = self._item.get("loss_reason_id")
        if reason_id is not None and is_int(reason_id) and reason_id not in self._account.loss_reasons:
            self.add(not_a_choice("loss_reason_id"))

    def stage(self, present: Pipeline | None) -> tuple[int, int] | None:
        """(pipeline ID, status ID) that the item asks for; None where it names neither or names what does not exist.

        `present` is the pipeline in which the lead stands, None for a new lead.
        """
        pipeline_id, status_id = self._item.get("pipeline_id"), self._item.get("status_id")
        if pipeline_id is None and status_id is None:
            return None
        if pipeline_id is not None and pipeline_id not in self._account.pipelines:
            self.add(not_a_choice("pipeline_id"))
            return None
        pipeline = self._account.pipelines[pipeline_id] if pipeline_id is not None else None
        if status_id is None:
            return _first_of(pipeline, present)
        home = pipeline or self._home_of(status_id, present)
        stage = home.stage(status_id) if home is not None else None
        if stage is None or stage.type == INCOMING:
            self.add(not_a_choice("status_id"))
            return None
        return (stage.pipeline_id, stage.id)

    def _home_of(self, status_id: int, present: Pipeline | None) -> Pipeline | None:
        """The pipeline meant by a status alone: 142 and 143 stay, any other takes the lead into its own pipeline."""
        if status_id in CLOSED:
            return present or self._account.main_pipeline()
        return self._account.pipeline_with(status_id)

    def fields(self, entity_type: EntityType, most: int | None = None) -> dict[int, tuple[Value, ...]]:
        """The field values that the item sets, each field as a whole; `most` is how many fields it may name."""
        written = self._item.get("custom_fields_values")
        if written is None:
            return {}
        if not isinstance(written, list):
            self.add(wrong_type("custom_fields_values", "array"))
            return {}
        if most is not None and len(written) > most:
            detail = f"This collection should contain {most} elements or less."
            self.add(Problem("TooMany", "custom_fields_values", detail))
        changes: dict[int, tuple[Value, ...]] = {}
        for index, element in enumerate(written):
            self._field(entity_type, element, f"custom_fields_values.{index}", changes)
        return changes

    def _field(self, entity_type: EntityType, element: Any, path: str, changes: dict[int, tuple[Value, ...]]) -> None:
        if not isinstance(element, dict):
            self.add(wrong_type(path, "array"))
            return
        key = "field_id" if "field_id" in element else "field_code"
        if key not in element:
            self.add(missing(f"{path}.field_id"))
            return
        definition = self._definition(entity_type, key, element[key])
        if definition is None:
            self.add(not_a_choice(f"{path}.{key}"))
            return
        if "values" not in element:
            self.add(missing(f"{path}.values"))
            return
        try:
            values = parse_values(definition, element["values"], self._account.value_rules)
        except ValueRefusedError as refused:
            self.add(refused.problem.under(path))
            return
        if values is not None:
            changes[definition.id] = values

    def _definition(self, entity_type: EntityType, key: str, wanted: Any) -> CustomField | None:
        def is_it(definition: CustomField) -> bool:
            named = definition.id if key == "field_id" else definition.code
            return named is not None and named == wanted

        definitions = self._account.fields_of(entity_type).values()
        return next((definition for definition in definitions if is_it(definition)), None)

    def tags(self, key: str, container: Item) -> list[Callable[[], int]] | None:
        """The tags of one list as promises of tag IDs, since a new tag is made only when the whole request is good.

        None where the list is not given, or is null.
        """
        written = container.get(key)
        if written is None:
            return None
        path = key if container is self._item else f"_embedded.{key}"
        if not isinstance(written, list):
            self.add(wrong_type(path, "array"))
            return None
        promised: list[Callable[[], int]] = []
        for index, element in enumerate(written):
            tag = self._tag(element, f"{path}.{index}")
            if tag is not None:
                promised.append(tag)
        return promised

    def _tag(self, element: Any, path: str) -> Callable[[], int] | None:
        if not isinstance(element, dict):
            self.add(wrong_type(path, "array"))
            return None
        tag_id, name = element.get("id"), element.get("name")
        if tag_id is not None:
            if not is_int(tag_id) or tag_id not in self._account.tags:
                self.add(not_a_choice(f"{path}.id"))
                return None
            return lambda: int(tag_id)
        if not isinstance(name, str) or not name:
            self.add(missing(f"{path}.name"))
            return None
        return lambda: self._account.tag_named(name).id

    def linked(self, kind: str, known: Mapping[int, object]) -> list[Item]:
        """The elements of `_embedded.contacts` or `.companies`; those with an ID must exist."""
        embedded = self._item.get("_embedded")
        written = embedded.get(kind) if isinstance(embedded, dict) else None
        if written is None:
            return []
        if not isinstance(written, list) or not all(isinstance(element, dict) for element in written):
            self.add(wrong_type(f"_embedded.{kind}", "array"))
            return []
        for index, element in enumerate(written):
            if "id" in element and (not is_int(element["id"]) or element["id"] not in known):
                self.add(not_a_choice(f"_embedded.{kind}.{index}.id"))
        return written


def embedded(item: Item) -> Item:
    """`_embedded` of a written item."""
    found = item.get("_embedded")
    return found if isinstance(found, dict) else {}


def _first_of(wanted: Pipeline | None, present: Pipeline | None) -> tuple[int, int] | None:
    """A pipeline without a status: its first ordinary stage, unless the lead stands in it already."""
    if wanted is None or (present is not None and wanted.id == present.id):
        return None
    return (wanted.id, wanted.first_stage.id)
