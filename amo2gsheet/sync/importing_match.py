"""Which of the leads that turned up are the rows that nobody answered for. Pure; compares contents, never row numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.model import FieldValue, LeadDetails
from amo2gsheet.model_import import NewLead
from amo2gsheet.names import fold, normal_header
from amo2gsheet.sync.importing_values import canonical

_SHORTEST_CUT_TAG = 20
_NUMBERS = frozenset(("numeric", "price", "monetary"))


@dataclass(frozen=True, slots=True)
class Content:
    """What a lead was sent with, as far as a look at amoCRM can tell.

    Name, price, phone digits, field ID → values as texts, and the contacts' names by their letters.
    """

    name: str
    price: int
    phones: frozenset[str]
    fields: Mapping[int, tuple[str, ...]]
    people: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The same as JSON can carry it."""
        fields = {str(field_id): list(texts) for field_id, texts in self.fields.items()}
        return {
            "name": self.name,
            "price": self.price,
            "phones": sorted(self.phones),
            "fields": fields,
            "people": sorted(self.people),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Content:
        """Read what `to_json` gave."""
        fields = {int(field_id): tuple(texts) for field_id, texts in value["fields"].items()}
        return cls(value["name"], value["price"], frozenset(value["phones"]), fields, frozenset(value.get("people", ())))


def content_of(lead: NewLead) -> Content:
    """What amoCRM would show of a new lead."""
    return Content(
        name=canonical(lead.name),
        price=lead.price or 0,
        phones=_digits(lead.contact.phones if lead.contact else ()),
        fields={one.field_id: tuple(_text(value, one.type) for value in one.values) for one in lead.fields},
        people=frozenset((letters(lead.contact.name),) if lead.contact else ()) - {""},
    )


def content_shown(details: LeadDetails) -> Content:
    """What amoCRM shows of a lead."""
    lead = details.lead
    return Content(
        name=canonical(lead.name),
        price=math.floor(lead.price or 0),
        phones=_digits(phone for contact in details.contacts for phone in contact.phones),
        fields={one.field_id: _texts(one) for one in lead.fields.values()},
        people=frozenset(letters(contact.name) for contact in details.contacts) - {""},
    )


def letters(name: str) -> str:
    """A name by its letters and digits alone: what is stored may lack its emoji, or its quotes."""
    return "".join(filter(str.isalnum, fold(name)))


def is_tag(sent: str, shown: str, *, is_new: bool) -> bool:
    """Whether a tag is the one that was sent, by its letters and digits: amoCRM documents no form in which it keeps them.

    One that was cut short counts on what is new only: it could be another import's.
    """
    wanted, found = letters(sent), letters(shown)
    if normal_header(sent) == normal_header(shown) or wanted == found != "":
        return True
    return is_new and len(found) >= _SHORTEST_CUT_TAG and wanted.startswith(found)


def _is_same_name(sent: str, found: str) -> bool:
    return sent == found or letters(sent) == letters(found) != ""


def _digits(phones: Iterable[str]) -> frozenset[str]:
    return frozenset(digits for phone in phones if (digits := "".join(filter(str.isdigit, phone))))


def _texts(field: FieldValue) -> tuple[str, ...]:
    return tuple(_text(value, field.type) for value in field.values)


def _text(value: str | int | float | bool, field_type: str) -> str:
    if field_type in _NUMBERS:
        try:
            return f"{float(value):.12g}"
        except ValueError:
            return str(value)
    return canonical(str(value))


def matched(open_rows: Mapping[str, Content], shown: Mapping[int, Content]) -> dict[str, int]:
    """Row key → lead ID, each at most once: those that are alike in all parts first, then the most alike.

    A person or a robot may have changed a lead since it was made. So one that still has the letters of the row's name, its
    contact or one of its phones counts too, when no other row is more like it.
    """
    pairs = [
        (-likeness, key, lead_id)
        for key, sent in open_rows.items()
        for lead_id, found in shown.items()
        if (likeness := _likeness(sent, found)) > 0
    ]
    keys: dict[str, int] = {}
    taken: set[int] = set()
    for _, key, lead_id in sorted(pairs):
        if key not in keys and lead_id not in taken:
            keys[key] = lead_id
            taken.add(lead_id)
    return keys


def _likeness(sent: Content, found: Content) -> float:
    """From 0, nothing that names a person is alike, to 1, all that was sent is there."""
    same_phones = sent.phones <= found.phones if sent.phones else True
    if not (_is_same_name(sent.name, found.name) or sent.people & found.people or sent.phones & found.phones):
        return 0.0
    parts: Sequence[bool] = (
        sent.name == found.name,
        sent.price == found.price,
        same_phones,
        *(found.fields.get(field_id) == texts for field_id, texts in sent.fields.items()),
    )
    return sum(parts) / len(parts)
