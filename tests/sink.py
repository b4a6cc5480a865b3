"""An HTTP server that takes what it is told, for hooks and notices."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """One request."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Sink:
    """What came in, and how it answers.

    Attributes:
        status: of every answer.
        answer: its body.
    """

    port: int = 0
    status: int = 200
    answer: str = ""
    told: list[Told] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where a hook finds it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def channel(self) -> str:
        """Where apprise finds it."""
        return f"json://canary:sink-password@127.0.0.1:{self.port}"

    def titles(self) -> list[str]:
        """What messages were about."""
        return [one.body["title"] for one in self.told]


@contextlib.contextmanager
def sink(*, hangs: bool = False) -> Iterator[Sink]:
    """Listen on a free port of loopback. One that hangs answers at the end of the test."""
    there = Sink()
    if not hangs:
        there.released.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.told.append(Told(self.path, dict(self.headers), json.loads(body)))
            there.released.wait(60)
            with contextlib.suppress(OSError):
                self.send_response(there.status)
                self.end_headers()
                self.wfile.write(there.answer.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield there
    finally:
        there.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
