"""gspread's HTTP client over our own exchange. A module of its own because gspread is slow to import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from gspread.http_client import HTTPClient


class Client(HTTPClient):
    """gspread's calls, each exactly one request: it knows their addresses, we how to send."""

    def __init__(self, session: requests.Session, exchange: Callable[[str, str, Any, Any], requests.Response]) -> None:
        # With a session of one's own gspread wants no login.
        no_login: Any = None
        super().__init__(auth=no_login, session=session)
        self._exchange = exchange

    def request(
        self,
        method: str,
        endpoint: str,
        params: Any = None,
        data: Any = None,
        json: Any = None,
        files: Any = None,
        headers: Any = None,
    ) -> requests.Response:
        """Send one request; raises what `SheetsHttp.exchange` raises and never gspread's own errors."""
        if data is not None or files is not None or headers is not None:
            raise ValueError("only calls with a JSON body are made here")
        return self._exchange(method, endpoint, params, json)
