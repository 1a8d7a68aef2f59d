"""The reference for `pull` and `push`: what a straightforward script does, one lead at a time. No journal, no check, no retry.

`python -m tests.bench.loop pull|push AMO_URL AMO_TOKEN SHEETS_URL SHEETS_TOKEN SPREADSHEET_ID TAB`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

HEADER = ("ID", "Ф.И.О.", "Контактный номер", "Бюджет сделки", "Воронка", "статус")
STATUS = HEADER.index("статус")


@dataclass(frozen=True, slots=True)
class Loop:
    """Two sessions, and one request for each thing to know or to do."""

    amo: requests.Session
    amo_url: str
    sheets: requests.Session
    sheet_url: str
    tab: str

    def pull(self) -> None:
        """Give each lead a row: ask for the lead, for its contact, for the IDs in the sheet, then append."""
        self._write("A1", [list(HEADER)])
        for lead_id in list(self._lead_ids()):
            lead = self._amo(f"leads/{lead_id}?with=contacts")
            contact = self._amo(f"contacts/{lead['_embedded']['contacts'][0]['id']}")
            phone = contact["custom_fields_values"][0]["values"][0]["value"]
            row = [lead["id"], contact["name"], phone, lead["price"], str(lead["pipeline_id"]), "В процессе"]
            if [str(lead_id)] not in self._read("A:A"):
                self._append(row)

    def push(self, status_id: int) -> None:
        """Move the lead of each row: ask for the row, for the lead, then move it."""
        for row_number in range(2, len(self._read("A:A")) + 1):
            row = self._read(f"A{row_number}:Z{row_number}")[0]
            lead = self._amo(f"leads/{row[0]}")
            body = [{"id": lead["id"], "status_id": status_id, "pipeline_id": lead["pipeline_id"]}]
            self.amo.patch(f"{self.amo_url}/api/v4/leads", json=body).raise_for_status()

    def _lead_ids(self) -> Iterator[int]:
        page = 1
        while True:
            answer = self.amo.get(f"{self.amo_url}/api/v4/leads", params={"limit": 250, "page": page})
            if answer.status_code == 204:
                return
            yield from (lead["id"] for lead in answer.json()["_embedded"]["leads"])
            page += 1

    def _amo(self, path: str) -> dict[str, Any]:
        answer = self.amo.get(f"{self.amo_url}/api/v4/{path}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _range(self, cells: str) -> str:
        return f"{self.sheet_url}/values/{quote(f'{self.tab}!{cells}', safe='')}"

    def _read(self, cells: str) -> list[list[str]]:
        answer = self.sheets.get(self._range(cells))
        answer.raise_for_status()
        rows: list[list[str]] = answer.json().get("values", [])
        return rows

    def _write(self, cells: str, rows: list[list[Any]]) -> None:
        self.sheets.put(f"{self._range(cells)}?valueInputOption=RAW", json={"values": rows}).raise_for_status()

    def _append(self, row: list[Any]) -> None:
        address = f"{self._range('A1')}:append?valueInputOption=RAW&insertDataOption=INSERT_ROWS"
        self.sheets.post(address, json={"values": [row]}).raise_for_status()


def _session(token: str) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {token}"
    return session


def main(words: list[str]) -> None:
    """Run the loop of one direction."""
    direction, amo_url, amo_token, sheets_url, sheets_token, spreadsheet_id, tab, *rest = words
    sheet_url = f"{sheets_url}/v4/spreadsheets/{spreadsheet_id}"
    loop = Loop(_session(amo_token), amo_url, _session(sheets_token), sheet_url, tab)
    if direction == "pull":
        loop.pull()
    else:
        loop.push(int(rest[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
