"""The clouds without sockets: a `requests` adapter whose answers and exceptions are those of a real connection."""

from __future__ import annotations

import io
from collections.abc import Mapping
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError, ReadTimeoutError
from urllib3.util import Timeout

from amo2gsheet.sandbox.exchange import Answer, Request
from amo2gsheet.sandbox.faults import Exchange, Faulty, Manner, Sight
from amo2gsheet.sandbox.wire import METHOD_NOT_ALLOWED, METHODS, half_of, has_body, headers_of, reason_of, request_of


class NetworkForbiddenError(AssertionError):
    """The program asked for a host that is no cloud of the sandbox; no handler may take it for an outage."""


class EndlessWaitError(AssertionError):
    """The program sent a request without a read timeout, and the answer never comes: it would hang for ever."""


class SandboxAdapter(HTTPAdapter):
    """Serves the sessions that it is mounted on from clouds in the same process.

    `clouds` maps a base address (scheme, host and, if not the usual one, port; a path in it is cut off) to the cloud
    behind it. Waiting moves that cloud's virtual clock, if it has one. May serve several sessions and threads.
    """

    def __init__(self, clouds: Mapping[str, Faulty]) -> None:
        super().__init__()
        self._clouds = {_origin(base): (urlsplit(base).path.rstrip("/"), faulty) for base, faulty in clouds.items()}

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer one prepared request.

        Raises:
            NetworkForbiddenError: no cloud stands at that address.
            EndlessWaitError: the cloud does not answer and the caller set no limit.
            requests.exceptions.ConnectionError: the connection was cut.
            requests.exceptions.ReadTimeout: no answer came within the read timeout.
        """
        url = request.url or ""
        prefix, faulty = self._clouds.get(_origin(url), ("", None))
        target = str(request.path_url)
        if faulty is None or not target.startswith(f"{prefix}/"):
            raise NetworkForbiddenError(f"{request.method} {url}: no cloud of the sandbox stands there")
        method = request.method or "GET"
        if method not in METHODS:
            return self._response(request, METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED.body)
        sent = request_of(method, target.removeprefix(prefix), _headers(request), _body(request))
        return self._show(request, faulty.exchange(sent), faulty, _read_seconds(timeout))

    def _show(
        self, request: requests.PreparedRequest, exchange: Exchange, faulty: Faulty, limit: float | None
    ) -> requests.Response:
        slow = exchange.fault.seconds if exchange.fault and exchange.manner is Manner.SLOW else 0.0
        if exchange.sight is Sight.TIMEOUT or (limit is not None and slow >= limit):
            raise _timed_out(request, exchange.request, faulty, limit)
        if slow and faulty.clock:
            faulty.clock.sleep(slow)
        if exchange.answer is None:
            lost = RemoteDisconnected("Remote end closed connection without response")
            raise requests.exceptions.ConnectionError(ProtocolError("Connection aborted.", lost), request=request)
        whole = exchange.sight is not Sight.HALF
        return self._response(request, exchange.answer, exchange.answer.body if whole else half_of(exchange.answer))

    def _response(self, request: requests.PreparedRequest, answer: Answer, body: bytes) -> requests.Response:
        raw = HTTPResponse(
            body=io.BytesIO(body if has_body(answer) and request.method != "HEAD" else b""),
            headers=headers_of(answer),
            status=answer.status,
            version=11,
            reason=reason_of(answer.status),
            preload_content=False,
            decode_content=False,
            # A body shorter than announced must fail here as it does on a socket, and as soon.
            enforce_content_length=True,
            request_method=request.method,
            request_url=request.path_url,
        )
        return self.build_response(request, raw)


def mount(session: requests.Session, clouds: Mapping[str, Faulty]) -> SandboxAdapter:
    """Let a session reach these clouds and nothing else: every other adapter is taken off it."""
    adapter = SandboxAdapter(clouds)
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return adapter


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.hostname or "", parts.port or (443 if parts.scheme.lower() == "https" else 80)


def _headers(request: requests.PreparedRequest) -> list[tuple[str, str]]:
    headers = [(_text(name), _text(value)) for name, value in (request.headers or {}).items()]
    if not any(name.lower() == "host" for name, _ in headers):
        headers.append(("host", urlsplit(request.url or "").netloc.rpartition("@")[2]))
    return headers


def _body(request: requests.PreparedRequest) -> bytes:
    body: Any = request.body
    if body is None:
        return b""
    if isinstance(body, (str, bytes)):
        return body.encode() if isinstance(body, str) else body
    return b"".join(part.encode() if isinstance(part, str) else part for part in body)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _read_seconds(timeout: Any) -> float | None:
    """The read timeout of whatever `requests` accepts as a timeout; None: wait for ever."""
    if isinstance(timeout, Timeout):
        read = timeout.read_timeout
        return read if isinstance(read, (int, float)) else None
    if isinstance(timeout, tuple):
        _connect, timeout = timeout
    return None if timeout is None else float(timeout)


def _timed_out(request: requests.PreparedRequest, sent: Request, faulty: Faulty, limit: float | None) -> BaseException:
    if limit is None:
        return EndlessWaitError(f"{sent.method} {sent.path}: no read timeout was set")
    if faulty.clock:
        faulty.clock.sleep(limit)
    scheme, host, port = _origin(request.url or "")
    pool: Any = f"{scheme.upper()}ConnectionPool(host={host!r}, port={port})"
    error = ReadTimeoutError(pool, sent.path, f"Read timed out. (read timeout={limit})")
    return requests.exceptions.ReadTimeout(error, request=request)
