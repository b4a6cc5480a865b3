"""The mission's service as a real HTTP server that can misbehave in one way at a time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PAGE = """\
# HELP llm_brief_schema_failures_total Failures.
# TYPE llm_brief_schema_failures_total counter
# HELP rl_training_loss Loss.
# TYPE rl_training_loss gauge
rl_training_loss{version="canary"} 0.8
"""
UPDATE = {"event": "rl_update", "algo": "PPO", "loss": 1, "reward": 1, "entropy": 1, "clip_frac": 0}


@dataclass
class Reply:
    """One answer; ``drip`` sends the head byte by byte with so many seconds between them."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    delay: float = 0.0
    drip: float = 0.0


@dataclass
class Seen:
    """One request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def reply(value: Any, status: int = 200, **more: Any) -> Reply:
    return Reply(status, json.dumps(value).encode(), **more)


def page(text: str) -> Reply:
    return Reply(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})


def healthy() -> dict[str, Reply]:
    """Give what each route answers when all is well."""
    return {
        "GET /health": reply({"status": "ok"}),
        "POST /dna/create": reply({"dna_id": "dna-1"}, 201),
        "POST /evolve/options": reply(
            {"experiment_id": "exp-1", "options": [{"id": n} for n in range(3)]}
        ),
        "POST /evolve/feedback": reply({"status": "accepted"}, 202),
        "GET /metrics": page(PAGE),
    }


@dataclass
class Service:
    """A running service.

    Attributes:
        routes: what each route answers.
        lines: what each route logs.
        seen: the requests that came, in order.
    """

    log: Path
    routes: dict[str, Reply] = field(default_factory=healthy)
    lines: dict[str, list[str]] = field(
        default_factory=lambda: {
            "POST /evolve/options": [
                json.dumps({"event": "llm_brief", "mode": "creative", "elapsed_ms": 12})
            ],
            "POST /evolve/feedback": [json.dumps(UPDATE)],
        }
    )
    seen: list[Seen] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self, lines: list[str]) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.writelines(f"{line}\n" for line in lines)

    def answer(self, seen: Seen) -> Reply:
        self.seen.append(seen)
        route = f"{seen.method} {seen.path}"
        self.write(self.lines.get(route, []))
        return self.routes.get(route, Reply(404, b"nothing here", {"Content-Type": "text/plain"}))


def _handler(answer: Callable[[Seen], Reply], ended: threading.Event) -> Any:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            found = answer(Seen(self.command, self.path, dict(self.headers), body))
            ended.wait(found.delay)
            try:
                if found.drip:
                    self._drip(found.drip)
                    return
                self.send_response(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(found.body)
            except OSError:
                self.close_connection = True  # the client did not wait

        def _drip(self, pause: float) -> None:
            self.close_connection = True
            until = time.monotonic() + 20
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not ended.wait(pause) and time.monotonic() < until:
                self.wfile.write(b"a")
                self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Keep still."""

    return Handler


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """Run one; it is gone when the block ends, also what still waited in it."""
    service = Service(folder / "service.log")
    service.log.touch()
    ended = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(service.answer, ended)) as server:
        server.daemon_threads = False
        service.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            ended.set()
            server.shutdown()
            thread.join()
