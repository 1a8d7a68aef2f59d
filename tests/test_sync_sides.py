"""The real sides offer what the sync asks of a side, under the same names and with the same parameters."""

from __future__ import annotations

import inspect
from types import FunctionType

import pytest

from amo2gsheet.amo.client import AmoClient
from amo2gsheet.sheet.adapter import GoogleSheet
from amo2gsheet.sync.sides import AmoSide, SheetSide


def _asked(protocol: type) -> dict[str, list[str]]:
    methods = {name: value for name, value in vars(protocol).items() if isinstance(value, FunctionType) and name[0] != "_"}
    return {name: list(inspect.signature(method).parameters) for name, method in methods.items()}


@pytest.mark.parametrize(("side", "protocol"), [(AmoClient, AmoSide), (GoogleSheet, SheetSide)])
def test_a_real_side_offers_what_the_sync_asks_for(side: type, protocol: type) -> None:
    asked = _asked(protocol)

    assert len(asked) > 8
    assert asked == {name: list(inspect.signature(getattr(side, name)).parameters) for name in asked}
