"""The clouds over real HTTP on loopback, each at an address of its own. Decides nothing: every answer is a cloud's."""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from amo2gsheet.sandbox.environment import write_env
from amo2gsheet.sandbox.exchange import Answer, Cloud, Request
from amo2gsheet.sandbox.faults import Exchange, Faulty, Killed, Manner, Sight
from amo2gsheet.sandbox.wire import METHOD_NOT_ALLOWED, METHODS, half_of, has_body, headers_of, reason_of, request_of

HOST = "127.0.0.1"
_log = logging.getLogger(__name__)


class SandboxServer:
    """Both clouds on loopback, for as long as the `with` block lasts, and any further cloud that `serve` adds.

    With `port` amoCRM listens there and Sheets one above; 0 takes free ports. A timeout holds the connection until the
    client leaves, and no longer than `hold_seconds`. Time is real here: no virtual clock is moved.

    One `lock` guards every cloud served here, so that a cloud (a page that shows the tab, say) may look into another,
    and so that whoever holds it sees them stand still. Leaving the block ends every connection and thread, and raises
    what went wrong inside a cloud meanwhile: to the client a bug of the sandbox is a cut connection.
    """

    def __init__(self, amo: Faulty, sheets: Faulty, port: int = 0, *, hold_seconds: float = 30.0) -> None:
        self.amo = amo
        self.sheets = sheets
        self.hold_seconds = hold_seconds
        self.lock = threading.RLock()
        self.amo_url = ""
        self.sheets_url = ""
        self._port = port
        self._listeners: list[_Listener] = []

    def __enter__(self) -> SandboxServer:
        try:
            self.amo_url = self.serve(self.amo, self._port)
            self.sheets_url = self.serve(self.sheets, self._port and self._port + 1)
        except OSError:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    def serve(self, cloud: Cloud | Faulty, port: int = 0) -> str:
        """Serve one cloud on a port of its own, from now until `stop`.

        Returns:
            Its base address, without a slash at the end.

        Raises:
            OSError: the port is taken.
        """
        faulty = cloud if isinstance(cloud, Faulty) else Faulty(cloud, log_limit=0)
        faulty.lock = self.lock
        listener = _Listener(faulty, port, self.hold_seconds)
        self._listeners.append(listener)
        listener.start()
        return f"http://{HOST}:{listener.server_port}"

    def write_env(
        self,
        directory: Path,
        *,
        access_token: str,
        spreadsheet_id: str,
        settings: Mapping[str, str] | None = None,
        others: Mapping[str, str] | None = None,
    ) -> Path:
        """Point the real commands at these servers; see `environment.write_env`."""
        return write_env(
            directory,
            amo_url=self.amo_url,
            sheets_url=self.sheets_url,
            access_token=access_token,
            spreadsheet_id=spreadsheet_id,
            settings=settings,
            others=others,
        )

    def stop(self) -> None:
        """End every server, connection and thread. Safe to repeat.

        Raises:
            Exception: the first bug that a cloud met while it answered.
        """
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.stop()
        for listener in listeners:
            for bug in listener.bugs:
                raise bug


class _Listener(ThreadingHTTPServer):
    """One address: accepts connections and gives each a thread."""

    request_queue_size = 128

    def __init__(self, faulty: Faulty, port: int, hold_seconds: float) -> None:
        self.faulty = faulty
        self.hold_seconds = hold_seconds
        self.bugs: list[BaseException] = []
        self._stopping = False
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__((HOST, port), _Connection)
        self._thread = threading.Thread(target=self._accept, name=f"sandbox-{self.server_port}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        # The accepting thread sleeps without a limit; a caller wakes it.
        socket.create_connection((HOST, self.server_port)).close()
        self._thread.join()
        for thread, connection in list(self._open.items()):
            _shut(connection)
            thread.join()
        self.server_close()

    def server_bind(self) -> None:
        # The usual one asks the name service who 127.0.0.1 is, which takes seconds on some machines.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self._stopping

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self._converse, args=(request, client_address), daemon=True)
        self._open[thread] = request
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        # A client that left, as each one does that ran into its timeout, is no bug.
        if error is not None and not isinstance(error, ConnectionError):
            _log.error("the sandbox itself failed", exc_info=error)
            self.bugs.append(error)

    def _accept(self) -> None:
        while not self._stopping:
            self.handle_request()

    def _converse(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            self._open.pop(threading.current_thread(), None)


class _Connection(BaseHTTPRequestHandler):
    """One client's connection: reads requests off it and shows it what became of each."""

    protocol_version = "HTTP/1.1"
    # An answer must leave in one piece: in two, each request waits 40 ms for the other side's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Listener

    def __getattr__(self, name: str) -> Any:
        # http.server asks for one `do_…` for each method; here one answers them all, known or not.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        request = self._read()
        if request is None:
            self._send(Answer(400))
        elif request.method not in METHODS:
            self._send(METHOD_NOT_ALLOWED)
        else:
            self._show(self._exchange(request))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server refuses by itself, a request line that is none, without its page of explanations."""
        self.close_connection = True
        self._send(Answer(code))

    def handle_expect_100(self) -> bool:
        """Tell the client to go on, at once: it sends no body before."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the exchanges are remembered in the log of the cloud."""

    def _exchange(self, request: Request) -> Exchange:
        try:
            return self.server.faulty.exchange(request)
        except Killed as error:
            raise RuntimeError("over sockets the client is another process: set `on_kill` to end it") from error

    def _show(self, exchange: Exchange) -> None:
        if exchange.sight is Sight.TIMEOUT:
            self._hold(self.server.hold_seconds)
        elif exchange.fault and exchange.manner is Manner.SLOW:
            self._hold(exchange.fault.seconds)
        if exchange.sight is Sight.HALF and exchange.answer:
            self._send(exchange.answer, half_of(exchange.answer))
        elif exchange.sight is Sight.ANSWER and exchange.answer:
            self._send(exchange.answer)
        if exchange.sight is not Sight.ANSWER:
            self.close_connection = True

    def _hold(self, seconds: float) -> None:
        """Wait, but not for a client that has left, nor beyond the end of the server."""
        self.connection.settimeout(seconds)
        try:
            self.connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return
        finally:
            self.connection.settimeout(None)

    def _send(self, answer: Answer, body: bytes | None = None) -> None:
        lines = [f"HTTP/1.1 {answer.status} {reason_of(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in headers_of(answer).items()]
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if body is None:
            body = answer.body
        self.wfile.write(head + body if has_body(answer) and self.command != "HEAD" else head)
        self.wfile.flush()

    def _read(self) -> Request | None:
        """Read the body and build the request; None: the body cannot be read, and nothing after it."""
        try:
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
            body = self._read_chunks() if chunked else self._read_exactly(int(self.headers.get("Content-Length", 0)))
        except ValueError:
            self.close_connection = True
            return None
        return request_of(self.command, self.path, self.headers.items(), body)

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self._read_exactly(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _read_exactly(self, size: int) -> bytes:
        if size < 0:
            raise ValueError("a body has no negative length")
        body = self.rfile.read(size)
        if len(body) != size:
            raise ConnectionResetError("the client left in the middle of its request")
        return body


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
