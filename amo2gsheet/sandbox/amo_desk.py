"""What every handler gets: the account, the knobs, one request read, and the ways to answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from amo2gsheet.sandbox.amo_account import Account
from amo2gsheet.sandbox.amo_knobs import AmoKnobs
from amo2gsheet.sandbox.amo_problems import HAL, RefusedError, json_answer, problem
from amo2gsheet.sandbox.amo_queries import Linker, Node, Page, names
from amo2gsheet.sandbox.amo_shapes import Shapes
from amo2gsheet.sandbox.exchange import Answer, Request


@dataclass(frozen=True, slots=True)
class Desk:
    """One authorised request on its way through a handler. `at` is the machine's time, `user_id` the token's user."""

    account: Account
    shapes: Shapes
    request: Request
    query: dict[str, Node]
    user_id: int
    at: float

    @property
    def knobs(self) -> AmoKnobs:
        """The switches."""
        return self.account.knobs

    @property
    def with_(self) -> frozenset[str]:
        """The names in `with`."""
        return names(self.query.get("with"))

    def listing(self, key: str, page: Page[Any], shape: Callable[[Any, str], Any]) -> Answer:
        """A page of a list, or what an empty page is answered with."""
        if not page.items:
            return self.nothing()
        query = f"?page={page.number}&limit={page.limit}"
        body = {
            "_page": page.number,
            "_links": self._linker.page_links(page),
            "_embedded": {key: [shape(item, query) for item in page.items if (key, item.id) not in self.knobs.unseen]},
        }
        return json_answer(body)

    def counted_listing(self, key: str, page: Page[Any], total: int, shape: Callable[[Any], Any]) -> Answer:
        """A page of a list that tells how long it is."""
        if not page.items:
            return self.nothing()
        page_count = -(-total // page.limit)
        links = self._linker.page_links(page)
        if page_count > 1:
            links["last"] = self._linker.last_link(page, page_count)
        body = {
            "_total_items": total,
            "_page": page.number,
            "_page_count": page_count,
            "_links": links,
            "_embedded": {key: [shape(item) for item in page.items]},
        }
        return json_answer(body)

    def whole(self, key: str, items: Sequence[Any]) -> Answer:
        """A list without pages."""
        if not items:
            return self.nothing()
        path = self.request.path.removeprefix("/api/v4/")
        return json_answer({"_total_items": len(items), "_links": self.shapes.link(path), "_embedded": {key: items}})

    def nothing(self) -> Answer:
        """The list is empty, or has no such page."""
        return Answer(204) if self.knobs.empty_list == "204" else Answer(200, b"", {"Content-Type": HAL})

    def missing_entity(self) -> Answer:
        """The entity asked for by its ID is not there."""
        return Answer(204) if self.knobs.missing_lead == "204" else problem(404, "Resource not found")

    def body(self) -> Any:
        """The JSON body of a write.

        Raises:
            RefusedError: it is empty or no JSON.
        """
        if not self.request.body.strip():
            raise RefusedError(problem(400, "Request data can not be empty"))
        try:
            return self.request.json()
        except ValueError:
            raise RefusedError(problem(400, "Invalid request body")) from None

    @property
    def _linker(self) -> Linker:
        return Linker(self.shapes.host, self.request.path, self.request.query, self.knobs.encoded_links)
