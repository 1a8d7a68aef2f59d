"""What waits for a person, in words: what it is, and what to do about it. Knows no state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO_TRIGGER = "no trigger in "
"""What the kind of a pipeline without a trigger stage begins with; its name follows."""


@dataclass(frozen=True, slots=True)
class Words:
    """One kind of waiting: what it is, and the next step. `is_note`: good to know, but nobody has to do anything."""

    what: str
    next_step: str
    is_note: bool = False


WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "missing stage": Words(
            "the picked status has no stage in the lead's pipeline", "Pick another status, or add the stage to that pipeline."
        ),
        "unknown text": Words("the status is no value of the dropdown", "Pick a value of the dropdown."),
        "doubled ID": Words("several rows have one ID, and none of them is touched", "Remove all of them but one."),
        "vanished": Words(
            "rows vanished many at once, so they are not taken for deleted",
            "Restore them (File > Version history), or let `amo2gsheet pull --force` put back those whose lead still stands in a "
            "trigger stage.",
        ),
        "held": Words(
            "moves were held back: too many at once",
            "Look at the sheet; if it is as it should be, run `amo2gsheet push --force`.",
        ),
        "doubtful": Words(
            "the status may have strayed into this row when Google gave no answer",
            "If somebody picked it, pick another one and then this one again, or run `amo2gsheet push --force`.",
        ),
        "first meeting": Words(
            "the row differed from amoCRM when the two met for the first time, and both stay",
            "Move the lead, or pick its status; `amo2gsheet pull --full --force` takes amoCRM's values for all.",
        ),
        "gone lead": Words("the lead is not in amoCRM any more", "Restore the lead in amoCRM, or delete the row."),
        "no such lead": Words("the ID of the row is no lead", "Correct the ID, or delete it."),
        "unread lead": Words(
            "amoCRM tells nothing of the lead that could be used",
            "Let the user of the integration see it; each `pull` asks again.",
        ),
        "unread pick": Words(
            "amoCRM tells nothing of the lead whose status was picked",
            "Let the user of the integration see it; each `push` asks again.",
        ),
        "unread details": Words(
            "a contact or the company of the lead could not be read", "Look at it in amoCRM; each `pull` asks again."
        ),
        "hidden details": Words(
            "the token may not see a contact or the company, so the cells made of them stay as they are, in new rows empty",
            "Give the user of the integration the right to see them; the next hourly look fills the cells.",
        ),
        "swallowed": Words(
            "amoCRM said yes to a move twice and did not carry it out", "Move the lead in amoCRM, or pick another status."
        ),
        "refused move": Words("amoCRM refused the move", "Pick another status, or fill in what amoCRM asks for."),
        "refused": Words(
            "Google refused to write the row", "Let the service account edit these cells (Data > Protect sheets and ranges)."
        ),
        "contested column": Words(
            "a column with people's values now bears the name of a field",
            "Rename the column, or let `amo2gsheet pull --force` fill it from amoCRM.",
        ),
        "no right to events": Words(
            "the token may not read events, so a lead that only passes through the trigger stage between two runs is not seen",
            "Make a token whose user may read events.",
            is_note=True,
        ),
        "no right to contacts": Words(
            "the token may not list contacts, so a changed name or phone is seen only when the lead changes, too",
            "Make a token whose user may see contacts.",
            is_note=True,
        ),
        "no right to companies": Words(
            "the token may not list companies, so a changed name is seen only when the lead changes, too",
            "Make a token whose user may see companies.",
            is_note=True,
        ),
        "zone by offset": Words(
            "amoCRM names no time zone that this machine knows, so all times count by an offset, summer and winter",
            "Choose the time zone in amoCRM's account settings, or update `tzdata` on this machine.",
            is_note=True,
        ),
    }
)
"""Kind of waiting, as the state names it → its words."""

_PIPELINE = Words(
    "the pipeline has no trigger stage, so its leads get no row",
    "Nothing, if that is meant; else add the name of its stage to TRIGGER_STATUS_NAME.",
    is_note=True,
)


def words_of(kind: str) -> Words:
    """The words of a kind; a kind that a newer release left behind is shown as it is."""
    if kind.startswith(NO_TRIGGER):
        return _PIPELINE
    return WORDS.get(kind, Words(kind, "`amo2gsheet history LEAD_ID` tells more."))


def in_order(kinds: Iterable[str]) -> list[str]:
    """Kinds with work for a person first, in the order of the table."""
    places = {kind: place for place, kind in enumerate(WORDS)}
    return sorted(kinds, key=lambda kind: (words_of(kind).is_note, places.get(kind, len(places)), kind))
