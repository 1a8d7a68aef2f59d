"""Custom-field values: what a client writes ⇄ what is stored ⇄ what the API shows. Knows the field types, not HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Literal

from amo2gsheet.sandbox.amo_entities import CustomField, FieldValues, Option, Value
from amo2gsheet.sandbox.amo_problems import Problem, missing, not_a_choice, wrong_type

SELECTS = frozenset(("select", "radiobutton", "category", "multiselect"))
_MANY = frozenset(("multiselect", "multitext", "smart_address"))
_DATES = frozenset(("date", "date_time", "birthday"))
_KINDS = frozenset(("multitext", "smart_address"))
READ_ONLY = frozenset(("tracking_data",))
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_FARTHEST = 1 << 36
"""Seconds that every platform can turn into a date: some two thousand years."""

PHONE_KINDS = ("WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER")
EMAIL_KINDS = ("WORK", "PRIV", "OTHER")


class ValueRefusedError(Exception):
    """A written value does not fit its field; the path of `problem` is relative to the element of `custom_fields_values`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class ValueRules:
    """What the account decides about values."""

    zone: tzinfo
    empty_string_clears: bool = True


def parse_values(definition: CustomField, written: Any, rules: ValueRules) -> tuple[Value, ...] | None:
    """Turn the written `values` of one field into stored ones.

    Returns:
        The values, empty when the field is to be cleared, None when the write has no effect on it.

    Raises:
        ValueRefusedError: the first value that does not fit.
    """
    if definition.is_computed or definition.type in READ_ONLY:
        return None
    if written is None:
        return ()
    if not isinstance(written, list):
        raise ValueRefusedError(wrong_type("values", "array"))
    parsed: list[Value] = []
    for index, element in enumerate(written):
        if not isinstance(element, dict):
            raise ValueRefusedError(wrong_type(f"values.{index}", "array"))
        if _is_blank(definition, element):
            if element["value"] == "" and not rules.empty_string_clears:
                return None
            continue
        value = _parse_one(definition, element, f"values.{index}", rules)
        if value is not None:
            parsed.append(value)
    return tuple(parsed if definition.type in _MANY else parsed[:1])


def _is_blank(definition: CustomField, element: Mapping[str, Any]) -> bool:
    """`{"value": null}`, or an empty text where the field has no options to look it up in."""
    if element.get("value") == "":
        return definition.type not in SELECTS
    return "value" in element and element["value"] is None and not _names_option(element)


def _names_option(element: Mapping[str, Any]) -> bool:
    return "enum_id" in element or "enum_code" in element


def _parse_one(definition: CustomField, element: Mapping[str, Any], path: str, rules: ValueRules) -> Value | None:
    if definition.type in SELECTS:
        return Value(None, _choice(definition, element, path).id)
    if "value" not in element:
        raise ValueRefusedError(missing(f"{path}.value"))
    value = element["value"]
    place = f"{path}.value"
    if definition.type in _KINDS:
        option = _choice(definition, element, path) if _names_option(element) else definition.options[0]
        return Value(_text(value, place), option.id)
    if definition.type in _DATES:
        return Value(_timestamp(definition.type, value, place, rules.zone))
    if definition.type == "checkbox":
        if not isinstance(value, bool):
            raise ValueRefusedError(wrong_type(place, "bool"))
        return Value(True) if value else None
    if definition.type in ("numeric", "price", "monetary"):
        return Value(_number(value, place))
    if definition.type in ("legal_entity", "linked_entity", "chained_list", "file", "payer", "supplier", "items"):
        return Value(value)
    return Value(_text(value, place))


def _choice(definition: CustomField, element: Mapping[str, Any], path: str) -> Option:
    for key, attribute in (("enum_id", "id"), ("enum_code", "code")):
        if element.get(key) is not None:
            return _option(definition, attribute, element[key], f"{path}.{key}")
    if "value" not in element or definition.type in _KINDS:
        raise ValueRefusedError(missing(f"{path}.value"))
    return _option(definition, "label", element["value"], f"{path}.value")


def _option(definition: CustomField, attribute: str, wanted: Any, place: str) -> Option:
    for option in definition.options:
        if getattr(option, attribute) == wanted:
            return option
    raise ValueRefusedError(not_a_choice(place))


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise ValueRefusedError(wrong_type(place, "string"))
    return value


def _number(value: Any, place: str) -> str:
    """The canonical text of a number: that is how the API shows it."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    text = repr(value) if is_number else value
    if isinstance(text, str) and _NUMBER.fullmatch(text):
        plain = format(Decimal(text), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    raise ValueRefusedError(wrong_type(place, "numeric"))


def _timestamp(field_type: str, value: Any, place: str, zone: tzinfo) -> int:
    """Unix seconds or RFC 3339 text to Unix seconds; a day is kept as the midnight that began it in the account's zone."""
    moment: datetime | None = None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _FARTHEST:
        moment = datetime.fromtimestamp(value, zone)
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is None:
            moment = None
    if moment is None:
        raise ValueRefusedError(wrong_type(place, "DateTimeInterface"))
    if field_type == "date_time":
        return int(moment.timestamp())
    return int(midnight(moment.astimezone(zone).date(), zone).timestamp())


def midnight(day: date, zone: tzinfo) -> datetime:
    """The moment at which a day begins in a zone."""
    return datetime.combine(day, time(), zone)


def written_form(definition: CustomField, value: Any, zone: tzinfo) -> list[dict[str, Any]] | None:
    """What a person enters in the amoCRM window, as the `values` a client would write.

    Lists and tuples are several values. Dates and aware datetimes are taken as such, None clears the field.
    """
    if value is None:
        return None
    several = list(value) if isinstance(value, (list, tuple)) else [value]
    return [{"value": _plain(definition.type, one, zone)} for one in several]


def _plain(field_type: str, value: Any, zone: tzinfo) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, date):
        return int(midnight(value, zone).timestamp())
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and field_type not in _DATES | {"numeric", "price", "monetary"}:
        return str(value)
    return value


def shown_values(
    definition: CustomField, stored: Sequence[Value], numeric_as: Literal["string", "number"]
) -> list[dict[str, Any]]:
    """The `values` as the API shows them; options that were removed since are left out."""
    shown: list[dict[str, Any]] = []
    for value in stored:
        if value.enum_id is None:
            shown.append({"value": _shown(definition, value.value, numeric_as)})
            continue
        option = definition.option(value.enum_id)
        if option is not None:
            text = option.label if definition.type in SELECTS else value.value
            shown.append({"value": text, "enum_id": option.id, "enum_code": option.code})
    return shown


def _shown(definition: CustomField, value: Any, numeric_as: Literal["string", "number"]) -> Any:
    if definition.type == "numeric" and numeric_as == "number":
        number = float(value)
        return int(number) if number.is_integer() else number
    return value


def shown_fields(
    definitions: Mapping[int, CustomField], fields: FieldValues, numeric_as: Literal["string", "number"]
) -> list[dict[str, Any]] | None:
    """`custom_fields_values` of an entity: None when nothing is filled."""
    shown: list[dict[str, Any]] = []
    for field_id, stored in fields.items():
        definition = definitions.get(field_id)
        values = shown_values(definition, stored, numeric_as) if definition is not None else []
        if definition is not None and values:
            shown.append(
                {
                    "field_id": field_id,
                    "field_name": definition.name,
                    "field_code": definition.code,
                    "field_type": definition.type,
                    "values": values,
                    "is_computed": definition.is_computed,
                }
            )
    return shown or None


def with_fields(fields: FieldValues, changes: Mapping[int, tuple[Value, ...]]) -> FieldValues:
    """The values after some fields changed as a whole; an empty change clears its field."""
    return {field_id: values for field_id, values in {**fields, **changes}.items() if values}


def offset_text(zone: tzinfo, moment: float) -> str:
    """The zone's offset at a moment, as `+03:00`."""
    offset = datetime.fromtimestamp(moment, timezone.utc).astimezone(zone).utcoffset() or timedelta()
    sign = "-" if offset < timedelta() else "+"
    minutes = abs(int(offset.total_seconds())) // 60
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"
