"""Turn amoCRM's JSON into what names things: account, pipelines, fields, users. Knows no HTTP; raises only `PayloadError`."""

from __future__ import annotations

from collections.abc import Mapping

from amo2gsheet.amo.shape import child, each, elements, flag, identifier, mapping, text, whole
from amo2gsheet.model import Account, LeadField, Pipeline, PipelineStage, Stage
from amo2gsheet.values import UTC_OFFSET, is_zone

_INCOMING = 1
"""The `type` of the stage of unsorted requests; every other stage has 0, won and lost too."""


def account(body: object) -> Account:
    """Read the account with its zone and whether it may filter lists.

    The key of the filter option is asked for and always there on amocrm.ru; elsewhere filters are no option but ordinary.
    """
    item = mapping(body)
    return Account(
        id=identifier(item),
        name=text(item, "name"),
        subdomain=text(item, "subdomain"),
        zone=_zone(child(child(item, "_embedded"), "datetime_settings")),
        is_filter_enabled=flag(item, "is_api_filter_enabled", default=True),
    )


def _zone(settings: Mapping[str, object]) -> str:
    """The first of name and offset that this machine knows, else UTC: a zone that nobody knows must not stop a run."""
    given = (settings.get("timezone"), settings.get("timezone_offset"))
    return next((zone for zone in given if isinstance(zone, str) and is_zone(zone)), UTC_OFFSET)


def pipeline(item: Mapping[str, object]) -> Pipeline | None:
    """Read one pipeline; its stages come in the order of `sort`. None: it shows no stage, so no lead of it can be placed."""
    pipeline_id = identifier(item)
    statuses = elements(child(item, "_embedded"), "statuses")
    stages = each(statuses, "_embedded.statuses", lambda status: _stage(status, pipeline_id))
    if not stages:
        return None
    return Pipeline(
        id=pipeline_id,
        name=text(item, "name"),
        sort=whole(item, "sort", 0),
        is_main=flag(item, "is_main"),
        stages=tuple(sorted(stages, key=lambda stage: stage.sort)),
        is_archived=flag(item, "is_archive"),
    )


def _stage(item: Mapping[str, object], pipeline_id: int) -> PipelineStage:
    return PipelineStage(
        stage=Stage(pipeline_id, identifier(item)),
        name=text(item, "name"),
        sort=whole(item, "sort", 0),
        is_incoming=whole(item, "type", 0) == _INCOMING,
    )


def lead_field(item: Mapping[str, object]) -> LeadField:
    """Read one custom field; the options of a list come in the order of `sort`."""
    options = each(elements(item, "enums"), "enums", lambda option: (whole(option, "sort", 0), text(option, "value")))
    ordered = sorted(options, key=lambda option: option[0])
    return LeadField(identifier(item), text(item, "name"), text(item, "type"), tuple(label for _, label in ordered if label))


def user(item: Mapping[str, object]) -> tuple[int, str]:
    """Read one user: ID and name."""
    return identifier(item), text(item, "name")
