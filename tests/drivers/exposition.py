"""A service's metrics page: a real HTTP server whose text the test sets."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Exposition:
    """Serves ``text`` at ``/metrics`` on a free loopback port.

    Attributes:
        text: what the page holds; set it at any time.
        content_type: its kind.
        status: HTTP's.
        location: where a redirect leads.
        framed: whether the page's length is announced.
        served: how many pages were asked for.
        headers: those of the last request.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.content_type = TEXT
        self.status = 200
        self.location = ""
        self.framed = True
        self.served = 0
        self.headers: dict[str, str] = {}
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._thread: Thread | None = None

    @property
    def address(self) -> str:
        """``host:port``; the same after a stop and a start."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}/metrics"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        page = self

        class Handler(BaseHTTPRequestHandler):
            # HTTP/1.0: each connection ends with its answer, so that a stop stops at once.
            def do_GET(self) -> None:
                body = page.text.encode()
                page.served += 1
                page.headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(page.status)
                self.send_header("Content-Type", page.content_type)
                if page.framed:
                    self.send_header("Content-Length", str(len(body)))
                if page.location:
                    self.send_header("Location", page.location)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    return  # the reader had enough

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None
