"""Google's own description of the Sheets API, held against what is sent: names, types, enums, paths, parameters."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Mapping
from typing import Any

from amo2gsheet.sandbox.exchange import Request

_SCALARS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


class OffTheDescriptionError(AssertionError):
    """A request that Google's discovery document does not know."""


def check_request(request: Request) -> str:
    """Check path, query and body of one request.

    Returns:
        The method's ID, as `sheets.spreadsheets.values.get`.

    Raises:
        OffTheDescriptionError: something in it is not in the discovery document.
    """
    method = _method_of(request)
    allowed = {**_document()["parameters"], **method.get("parameters", {})}
    for name, value in request.query:
        if name not in allowed:
            raise OffTheDescriptionError(f"{method['id']}: unknown parameter {name!r}")
        _check_parameter(allowed[name], value, f"{method['id']}?{name}")
    for name, described in method.get("parameters", {}).items():
        if described.get("required") and described["location"] == "query" and request.first(name) is None:
            raise OffTheDescriptionError(f"{method['id']}: parameter {name!r} is missing")
    if request.body:
        check_body(method["id"], request.json())
    return str(method["id"])


def check_body(method_id: str, body: Any) -> None:
    """Check a request body; null counts as absent.

    Raises:
        OffTheDescriptionError: an unknown name, a value of another type, or one that is none of the enum's.
    """
    method = next(method for method in _methods() if method["id"] == method_id)
    if "request" not in method:
        if body:
            raise OffTheDescriptionError(f"{method_id} takes no body")
        return
    _check({"$ref": method["request"]["$ref"]}, body, "body")


def _check(described: Mapping[str, Any], value: Any, path: str) -> None:
    if value is None:
        return
    if "$ref" in described:
        described = _document()["schemas"][described["$ref"]]
    kind = described.get("type", "any")
    if kind == "object":
        _check_object(described, value, path)
    elif kind == "array":
        if not isinstance(value, list):
            raise OffTheDescriptionError(f"{path}: {value!r} is no list")
        for index, item in enumerate(value):
            _check(described["items"], item, f"{path}[{index}]")
    elif kind != "any":
        _check_scalar(described, value, path)


def _check_object(described: Mapping[str, Any], value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise OffTheDescriptionError(f"{path}: {value!r} is no object")
    properties = described.get("properties", {})
    for name, item in value.items():
        below = properties.get(name) or described.get("additionalProperties")
        if below is None:
            raise OffTheDescriptionError(f"{path}: unknown name {name!r}")
        _check(below, item, f"{path}.{name}")


def _check_scalar(described: Mapping[str, Any], value: Any, path: str) -> None:
    kind = described["type"]
    if not isinstance(value, _SCALARS[kind]) or (kind != "boolean" and isinstance(value, bool)):
        raise OffTheDescriptionError(f"{path}: {value!r} is no {kind}")
    if "enum" in described and value not in described["enum"]:
        raise OffTheDescriptionError(f"{path}: {value!r} is none of {described['enum']}")
    if described.get("format") == "int32" and isinstance(value, int) and not -(2**31) <= value < 2**31:
        raise OffTheDescriptionError(f"{path}: {value!r} does not fit 32 bits")


def _check_parameter(described: Mapping[str, Any], value: str, path: str) -> None:
    if "enum" in described and value not in described["enum"]:
        raise OffTheDescriptionError(f"{path}: {value!r} is none of {described['enum']}")
    # Python clients write `True`; Google takes it.
    if described.get("type") == "boolean" and value.lower() not in ("true", "false"):
        raise OffTheDescriptionError(f"{path}: {value!r} is no boolean")


def _method_of(request: Request) -> Mapping[str, Any]:
    for method in _methods():
        if method["httpMethod"] == request.method and _pattern(method["flatPath"]).fullmatch(request.path):
            return method
    raise OffTheDescriptionError(f"no method is {request.method} {request.path}")


@functools.cache
def _pattern(flat_path: str) -> re.Pattern[str]:
    """Build the pattern of a path; a colon in a value must be percent-encoded, as it also begins a verb."""
    parts = re.split(r"(\{\w+\})", f"/{flat_path}")
    return re.compile("".join("[^/:]+" if part.startswith("{") else re.escape(part) for part in parts))


@functools.cache
def _methods() -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []

    def collect(resource: Mapping[str, Any]) -> None:
        found.extend(resource.get("methods", {}).values())
        for below in resource.get("resources", {}).values():
            collect(below)

    collect(_document())
    return found


@functools.cache
def _document() -> Mapping[str, Any]:
    path = importlib.resources.files("googleapiclient") / "discovery_cache" / "documents" / "sheets.v4.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
