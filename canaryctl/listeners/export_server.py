"""A page for Prometheus, on one address, served by threads that end with the process."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/metrics"
MOST_AT_ONCE = 8
"""Connections served at a time; more are closed unanswered."""
PATIENCE = 5.0
"""Seconds that whoever asks has for asking, and for reading."""
_NOTICED_WITHIN = 0.1
"""Seconds until the server notices that it is to end."""


class ExportServer:
    """Answers ``GET /metrics``, and knows how much of what there was to read has been read."""

    def __init__(self, host: str, port: int, page: Callable[[], tuple[bytes, str, int]]) -> None:
        """Listen, and answer from now on.

        Args:
            host: name or address; loopback is nobody else's.
            port: 1 to 65535; 0: a free one.
            page: gives the text, its content type, and its number, which rises with every change.
                Called from many threads.

        Raises:
            OSError: the address cannot be had.
        """
        self._page = page
        self._read = threading.Condition()
        self._newest = -1
        self._server = _Server((host, port), self._answer)
        self.port = int(self._server.server_address[1])
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": _NOTICED_WITHIN},
            name="canaryctl metrics",
            daemon=True,
        ).start()

    @property
    def read(self) -> bool:
        """Whether anybody has read it yet."""
        return self._newest >= 0

    def wait(self, number: int, seconds: float) -> bool:
        """Wait until the page with this number, or a later one, was read; tell whether it was."""
        with self._read:
            return self._read.wait_for(lambda: self._newest >= number, seconds)

    def close(self) -> None:
        """Stop; twice is fine."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: _Handler) -> None:
        if handler.path.partition("?")[0] != PATH:
            handler.reply(HTTPStatus.NOT_FOUND, b"canaryctl: see /metrics\n", "text/plain")
            return
        text, content_type, number = self._page()
        handler.reply(HTTPStatus.OK, text, content_type)
        with self._read:
            self._newest = max(self._newest, number)
            self._read.notify_all()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "canaryctl"
    sys_version = ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        self.server.answer(self)

    do_HEAD = do_GET  # noqa: N815

    def reply(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        """Send an answer; the connection ends with it."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the terminal is the rollout's."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], answer: Callable[[_Handler], None]) -> None:
        self.answer = answer
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which takes seconds without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked went away, and the terminal is the rollout's."""
