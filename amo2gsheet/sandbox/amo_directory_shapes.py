"""The JSON of an account's settings: pipelines, custom fields, users, the account itself. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from amo2gsheet.sandbox.amo_account import Account
from amo2gsheet.sandbox.amo_entities import CustomField, LossReason, Pipeline, Stage, Tag, User
from amo2gsheet.sandbox.amo_values import offset_text

JsonObject = dict[str, Any]

_RIGHTS = {"view": "A", "edit": "A", "add": "A", "delete": "A", "export": "A"}


@dataclass(frozen=True, slots=True)
class DirectoryShapes:
    """Makes JSON of settings; `host` begins every link."""

    account: Account
    host: str

    def link(self, path: str, query: str = "") -> JsonObject:
        """`_links` with `self` only."""
        return {"self": {"href": f"{self.host}/api/v4/{path}{query}"}}

    def tag(self, tag: Tag) -> JsonObject:
        """A tag."""
        return {"id": tag.id, "name": tag.name, "color": tag.color}

    def loss_reason(self, reason: LossReason) -> JsonObject:
        """A reason for which leads are lost."""
        return {
            "id": reason.id,
            "name": reason.name,
            "sort": reason.sort,
            "created_at": reason.created_at,
            "updated_at": reason.created_at,
            "_links": self.link(f"leads/loss_reasons/{reason.id}"),
        }

    def stage(self, stage: Stage) -> JsonObject:
        """A status of a pipeline."""
        return {
            "id": stage.id,
            "name": stage.name,
            "sort": stage.sort,
            "is_editable": stage.is_editable,
            "pipeline_id": stage.pipeline_id,
            "color": stage.color,
            "type": stage.type,
            "account_id": self.account.id,
            "_links": self.link(f"leads/pipelines/{stage.pipeline_id}/statuses/{stage.id}"),
        }

    def pipeline(self, pipeline: Pipeline) -> JsonObject:
        """A pipeline with its stages; the incoming one is shown only where incoming leads are switched on."""
        stages = [stage for stage in pipeline.stages if stage.type == 0 or pipeline.is_unsorted_on]
        return {
            "id": pipeline.id,
            "name": pipeline.name,
            "sort": pipeline.sort,
            "is_main": pipeline.is_main,
            "is_unsorted_on": pipeline.is_unsorted_on,
            "is_archive": pipeline.is_archive,
            "account_id": self.account.id,
            "_links": self.link(f"leads/pipelines/{pipeline.id}"),
            "_embedded": {"statuses": [self.stage(stage) for stage in stages]},
        }

    def custom_field(self, definition: CustomField) -> JsonObject:
        """The definition of a custom field."""
        options = [
            {"id": option.id, "value": option.label, "sort": option.sort, "code": option.code} for option in definition.options
        ]
        return {
            "id": definition.id,
            "name": definition.name,
            "type": definition.type,
            "account_id": self.account.id,
            "code": definition.code,
            "sort": definition.sort,
            "is_api_only": False,
            "enums": options or None,
            "group_id": None,
            "required_statuses": [],
            "is_deletable": not definition.is_predefined,
            "is_predefined": definition.is_predefined,
            "entity_type": definition.entity_type,
            "is_computed": definition.is_computed,
            "hidden_statuses": [],
            "tracking_callback": None,
            "remind": None,
            "currency": None,
            "chained_lists": None,
            "triggers": [],
            "settings": None,
            "_links": self.link(f"{definition.entity_type}/custom_fields/{definition.id}"),
        }

    def user(self, user: User) -> JsonObject:
        """A user."""
        return {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "lang": "ru",
            "rights": {
                "leads": _RIGHTS,
                "contacts": _RIGHTS,
                "companies": _RIGHTS,
                "tasks": {"edit": "A", "delete": "A"},
                "mail_access": False,
                "catalog_access": True,
                "status_rights": None,
                "is_admin": user.is_admin,
                "is_free": False,
                "is_active": user.is_active,
                "group_id": None,
                "role_id": None,
            },
            "_links": self.link(f"users/{user.id}"),
        }

    def account_info(self, with_: frozenset[str], user_id: int) -> JsonObject:
        """The account, with `datetime_settings` and `is_api_filter_enabled` where asked for."""
        account = self.account
        created = int(datetime(2020, 1, 1, tzinfo=timezone.utc).timestamp())
        shape: JsonObject = {
            "id": account.id,
            "name": account.name,
            "subdomain": account.subdomain,
            "created_at": created,
            "created_by": 0,
            "updated_at": created,
            "updated_by": 0,
            "current_user_id": user_id,
            "country": account.country,
            "currency": account.currency,
            "currency_symbol": account.currency,
            "customers_mode": "unavailable",
            "is_unsorted_on": any(pipeline.is_unsorted_on for pipeline in account.pipelines.values()),
            "is_loss_reason_enabled": True,
            "is_helpbot_enabled": False,
            "is_technical_account": True,
            "contact_name_display_order": 1,
        }
        if "is_api_filter_enabled" in with_:
            shape["is_api_filter_enabled"] = account.knobs.filters_enabled
        shape["_links"] = self.link("account")
        if "datetime_settings" in with_:
            shape["_embedded"] = {"datetime_settings": self._datetime_settings()}
        return shape

    def _datetime_settings(self) -> JsonObject:
        return {
            "date_pattern": "d.m.Y H:i",
            "short_date_pattern": "d.m.Y",
            "short_time_pattern": "H:i",
            "date_formant": "d.m.Y",
            "time_format": "H:i:s",
            "timezone": self.account.time_zone,
            "timezone_offset": offset_text(self.account.zone, self.account.now()),
        }
