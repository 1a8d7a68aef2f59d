"""Ctrl+Z: one person's last action taken back, around whatever others did since."""

from __future__ import annotations

from dataclasses import fields

from amo2gsheet.sandbox.sheets_book import Book
from amo2gsheet.sandbox.sheets_cells import Row
from amo2gsheet.sandbox.sheets_grid import Tab
from amo2gsheet.sandbox.sheets_record import Change

_CONTENTS = {"rows", "columns", "record", "keys", "sheet_id"}


def undo(book: Book, before: Tab, after: Tab) -> None:
    """Take back what made `after` out of `before`, in the book as it stands now.

    Rows are known by their identity, so those deleted come back where they stood, those added go, and cells get their
    value back wherever their row stands now. What others wrote into other cells stays.

    Raises:
        ValueError: columns were changed, and something else happened to the tab since.
    """
    tab = book.tab_by_id(before.sheet_id)
    if before.columns != after.columns:
        if tab.rows != after.rows or tab.columns != after.columns:
            raise ValueError("The columns cannot be put back: the tab was changed since.")
        tab.rows, tab.columns = list(before.rows), list(before.columns)
    else:
        _drop_added(tab, before, after)
        _put_back_deleted(tab, before, after)
        _put_back_order(tab, before, after)
        _put_back_cells(tab, before, after)
    for field in fields(Tab):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name not in _CONTENTS and old != new and getattr(tab, field.name) == new:
            setattr(tab, field.name, old)
    tab.record.changes.append(Change("tab", tab.sheet_id, detail="undo"))


def _drop_added(tab: Tab, before: Tab, after: Tab) -> None:
    added = {row.key for row in after.rows} - {row.key for row in before.rows}
    for index in range(len(tab.rows) - 1, -1, -1):
        if tab.rows[index].key in added:
            tab.delete("ROWS", index, 1)


def _put_back_deleted(tab: Tab, before: Tab, after: Tab) -> None:
    kept, previous = {row.key for row in after.rows}, None
    for row in before.rows:
        if row.key not in kept:
            place = 0 if previous is None else 1 + _place(tab, previous)
            tab.insert("ROWS", place, 1)
            tab.rows[place] = row
        previous = row.key


def _place(tab: Tab, key: int) -> int:
    return next((index for index, row in enumerate(tab.rows) if row.key == key), len(tab.rows) - 1)


def _put_back_order(tab: Tab, before: Tab, after: Tab) -> None:
    there = {row.key for row in tab.rows} & {row.key for row in after.rows}
    wanted = [row.key for row in before.rows if row.key in there]
    if wanted == [row.key for row in after.rows if row.key in set(wanted)]:
        return
    by_key = {row.key: row for row in tab.rows}
    order = iter(wanted)
    known = set(wanted)
    tab.rows = [by_key[next(order)] if row.key in known else row for row in tab.rows]
    tab.record.changes.append(Change("sort", tab.sheet_id, detail="undo"))


def _put_back_cells(tab: Tab, before: Tab, after: Tab) -> None:
    old_rows: dict[int, Row] = {row.key: row for row in before.rows}
    new_rows: dict[int, Row] = {row.key: row for row in after.rows}
    for index, row in enumerate(list(tab.rows)):
        old, new = old_rows.get(row.key), new_rows.get(row.key)
        if old is None or new is None or old == new:
            continue
        width = max(len(old.values), len(new.values))
        columns = [column for column in range(width) if old.value(column) != new.value(column)]
        tab.write(index, {column: old.value(column) for column in columns})
        if old.looks != new.looks:
            tab.rows[index] = tab.rows[index]._replace(looks=old.looks)
