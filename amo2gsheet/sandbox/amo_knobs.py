"""Every switch of the amoCRM stand-in: documented variants, reported quirks and open questions. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

StageKey = tuple[int, int]
"""(pipeline ID, status ID)"""


@dataclass(slots=True)
class AmoKnobs:
    """How this account and its servers behave. Change an attribute at any time; the next request sees it."""

    # What the account has switched on.
    filters_enabled: bool = True
    """Off: every `filter[…]` of leads, contacts and companies is ignored with 200 and the full collection."""
    bounds: Literal["inclusive", "exclusive"] = "inclusive"
    """Whether `from` and `to` themselves belong to the range."""
    unsorted_in_list: bool = False
    """Whether the ordinary list shows leads of an incoming stage that was not asked for."""
    duplicate_control: bool = False
    """`POST /leads/complex` merges into a stored open lead of the pipeline with the same phone or e-mail."""
    contact_bump: bool = False
    """Whether an edit of a contact or company bumps `updated_at` of its leads."""
    unpaid: bool = False
    users_forbidden: bool = False
    events_forbidden: bool = False
    forbidden_scopes: set[str] = field(default_factory=set)
    """First path segments below `/api/v4/` (`contacts`, `companies`, …) that answer 403 `Invalid scope`."""
    unseen: set[tuple[str, int]] = field(default_factory=set)
    """(`leads`, `contacts` or `companies`; ID) that the token may not see: lists leave them out, by ID they are 403 in JSON."""
    forbidden_leads: set[int] = field(default_factory=set)
    """A PATCH that names one of these leads answers 403 in JSON."""

    # What lists show late, wrongly or not at all.
    list_lag_seconds: float = 0.0
    """Lists show the old version of a changed lead, contact or company for so long; GET by ID is current."""
    lag_in_id_filter: bool = False
    """Whether `filter[id]` lags like the rest of the list."""
    stale_leads: dict[int, float] = field(default_factory=dict)
    """Lead ID → Unix time of the machine's clock until which lists show the version before the newest."""
    events_lag_seconds: float = 0.0
    bulk_omits: set[int] = field(default_factory=set)
    """IDs of leads, contacts or companies that an answer to `filter[id]` leaves out."""
    empty_list: Literal["204", "200"] = "204"
    """200: with an empty body."""
    missing_lead: Literal["204", "404"] = "204"
    """What GET of a missing or trashed lead, contact or company answers."""

    # What a write does beside what was asked for.
    patch_missing: Literal["404", "errors"] = "404"
    """A single PATCH of a missing lead: 404 `Lead not found`, or 400 with the `errors` map."""
    refuse_leads: dict[int, Literal["validation", "errors"]] = field(default_factory=dict)
    """Lead ID → the 400 that a PATCH naming it gets: `validation-errors` by request_id, or the `errors` map by lead ID."""
    refuse_new: dict[str, Literal["validation", "unnamed", "forbidden"]] = field(default_factory=dict)
    """Name of a new lead → the refusal that a POST with it gets: naming the item, a 400 that names none, or a 403 in JSON."""
    refuse_names: Literal["all", "first"] = "all"
    """Whether a 400 names every bad item of the batch or only the first."""
    swallow_patches: set[int] = field(default_factory=set)
    """A PATCH of these leads answers 200 with a new `updated_at` and changes nothing."""
    swallow_bumps: bool = False
    """Whether a swallowed PATCH bumps the lead's own `updated_at`."""
    robot: dict[StageKey, StageKey] = field(default_factory=dict)
    """A lead that a PATCH moved into the key stage is moved on into the value stage by a robot."""
    robot_delay_seconds: float = 1.0
    second_edit: dict[int, list[StageKey]] = field(default_factory=dict)
    """Lead ID → stages a person moves it to, one each time an answer has just shown the lead in the second of its last change."""
    null_tags_clear: bool = True
    """Whether `_embedded.tags: null` removes all tags, or is ignored."""
    empty_string_clears: bool = True
    """Whether the value `""` empties a text field, or is ignored."""
    complex_shuffled: bool = False
    """`POST /leads/complex` answers in another order than it was asked."""
    complex_too_many_status: Literal[400, 422] = 422

    # Limits.
    rate_limit: int | None = 7
    """Requests in any one second; `None` switches the window off."""
    rate_429: Literal["json", "html"] = "json"
    retry_after_seconds: int = 300
    """In the body of a 429 in JSON; never a header."""
    block_after: int | None = 20
    """So many 429 block the account: 403 HTML to everything until `AmoCloud.unblock()`."""
    leads_page_cap: int = 250
    fields_page_cap: int = 250
    events_page_cap: int = 250

    # Clock, tokens, looks.
    clock_skew_seconds: float = 0.0
    """amoCRM's clock minus this machine's clock."""
    token_revoked: bool = False
    """The integration was switched off: every token is dead."""
    invalid_account: bool = False
    """The token endpoint answers `Invalid account`."""
    refused_refresh_status: Literal[400, 401] = 401
    omit_server_time: bool = False
    numeric_as: Literal["string", "number"] = "string"
    extra_keys: bool = False
    """Adds keys that no documentation names."""
    encoded_links: bool = True
    """Whether the brackets in paging links are percent-encoded."""
    empty_405: bool = False
