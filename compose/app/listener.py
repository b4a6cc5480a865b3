# ruff: noqa: INP001 - a folder of one program, not a package
"""A port that answers HTTP/1.1 with keep-alive, and that can be closed and opened again."""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_BODY_BYTES = 64 * 1024
_LOOK_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    status: int
    body: bytes
    content_type: str = "application/json"


Respond = Callable[[str, str, bytes], Answer]
"""(method, path, body) → answer. Called from many threads at once."""


def json_answer(code: int, **values: object) -> Answer:
    """Give an answer whose body is a JSON object."""
    return Answer(code, json.dumps(values).encode())


def json_object(body: bytes) -> Mapping[str, object]:
    """Read a body; an empty one is an empty object.

    Raises:
        ValueError: not a JSON object.
    """
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("the body is a JSON object")  # noqa: TRY004
    return value


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "canaryctl-demo"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one segment
    timeout = 120  # seconds; longer than a proxy keeps an idle connection
    _begun = False

    def handle_one_request(self) -> None:
        """Serve one request, and have it counted as under way from its first line on."""
        try:
            super().handle_one_request()
        finally:
            if self._begun:
                self._begun = False
                self.server.under_way(-1)

    def parse_request(self) -> bool:
        """Read the head; its first line is there."""
        self._begun = True
        self.server.under_way(+1)
        return super().parse_request()

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            # The body was not read: what follows on this connection is not a request.
            self.close_connection = True
            reason = f'{{"error": "send Content-Length, at most {MAX_BODY_BYTES} bytes"}}'
            self._send(Answer(413, reason.encode()))
            return
        self._send(self.server.respond(self.command, self.path.partition("?")[0], body))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            return None
        return self.rfile.read(int(length)) if int(length) <= MAX_BODY_BYTES else None

    def _send(self, answer: Answer) -> None:
        # Whoever keeps the connection is told that there will be no more on it.
        self.close_connection = self.close_connection or self.server.ending
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: requests are counted, not printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Respond) -> None:
        self.respond = respond
        self.ending = False
        self.seen = 0.0
        """When a request last began or ended, on the monotonic clock."""
        self.requests = 0
        """Under way now."""
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which takes seconds without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def under_way(self, more: int) -> None:
        with self._guard:
            self.requests += more
            self.seen = time.monotonic()

    def drop_connections(self) -> None:
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client or a closed port that ends a connection is no news; anything else is.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Listener:
    """One port. ``up`` and ``down`` may be called again and again."""

    def __init__(self, host: str, port: int, respond: Respond) -> None:
        self.host = host
        self.port = port
        self._respond = respond
        self._server: _Server | None = None
        self._change = threading.Lock()

    def up(self) -> None:
        """Listen; nothing happens when it already does.

        Raises:
            OSError: the port cannot be had.
        """
        with self._change:
            if self._server is not None:
                return
            server = _Server((self.host, self.port), self._respond)
            self.port = server.server_port
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
            ).start()
            self._server = server

    def finish(self, quiet: float, linger: float, within: float) -> None:
        """Answer what is under way, and what still comes for a while; then close the port.

        Each answer ends its connection, so that whoever sends here goes elsewhere.

        Args:
            quiet: seconds without a request after which nobody sends any more.
            linger: seconds for which new requests are answered at most.
            within: seconds after which what is still under way is cut.
        """
        with self._change:
            if self._server is None:
                return
            server, self._server = self._server, None
            server.ending = True
            began = server.seen = time.monotonic()
            while (now := time.monotonic()) < began + linger:
                if not server.requests and now > server.seen + quiet:
                    break
                time.sleep(_LOOK_AGAIN_S)
            server.shutdown()
            server.server_close()
            while server.requests and time.monotonic() < began + within:
                time.sleep(_LOOK_AGAIN_S)
            server.drop_connections()

    def down(self) -> None:
        """Close the port and drop what is connected; nothing happens when it is closed."""
        with self._change:
            if self._server is None:
                return
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            server.drop_connections()
