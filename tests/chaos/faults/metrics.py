"""Prometheus down, slow, or answering what is none of its answers. It is real, behind a proxy."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.chaos.faults.base import Cell, Fault, Overrides
from tests.chaos.running import eventually
from tests.drivers.prometheus_server import prometheus

SLOW = 1.2
"""Seconds; more than ``metrics.timeout``."""
OLD = 900.0
_HTML = b"<!doctype html><html><body>Sign in</body></html>"

Reply = tuple[int, dict[str, str], bytes]


class FaultyProxy:
    """Stands before a Prometheus and passes everything on, unless told otherwise.

    Attributes:
        fault: makes of an answer another one; None closes the connection without one.
    """

    def __init__(self, port: int) -> None:
        self.fault: Callable[[Reply], Reply | None] = lambda reply: reply
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._pass_on()

            do_POST = do_GET  # noqa: N815  the standard library's names

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = proxy.fault(_asked(port, self.command, self.path, dict(self.headers), body))
                if reply is None:
                    self.close_connection = True
                    return
                status, headers, said = reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be silent: whoever asked may have gone."""


def _asked(port: int, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        wanted = {k: v for k, v in headers.items() if k.lower() in ("content-type", "accept")}
        connection.request(method, path, body, wanted)
        answer = connection.getresponse()
        kept = {k: v for k, v in answer.getheaders() if k.lower() in ("content-type", "date")}
        kept.pop("Date", None)
        return answer.status, kept, answer.read()
    except OSError:
        return 502, {}, b""
    finally:
        connection.close()


def _samples(change: Callable[[list[Any]], list[Any]]) -> Callable[[Reply], Reply]:
    """Change each sample of an answer."""

    def changed(reply: Reply) -> Reply:
        status, headers, body = reply
        said = json.loads(body)
        for one in said.get("data", {}).get("result", ()):
            if "values" in one:
                one["values"] = [change(value) for value in one["values"]]
            if "value" in one:
                one["value"] = change(one["value"])
        return status, headers, json.dumps(said).encode()

    return changed


def _scraped(proxy: FaultyProxy) -> bool:
    """Tell whether Prometheus has seen both versions."""
    port = int(proxy.url.rpartition(":")[2])
    query = "/api/v1/query?query=count(http_requests_total)by(version)"
    status, _, body = _asked(port, "GET", query, {}, b"")
    return status == http.HTTPStatus.OK and len(json.loads(body)["data"]["result"]) > 1


def behind(cell: Cell) -> Overrides:
    """Start Prometheus and the proxy, once a world."""
    world = cell.world
    if world.prometheus is None:
        ports = world.site.ports
        targets = {
            "production": [f"127.0.0.1:{ports.stable}"],
            "canary": [f"127.0.0.1:{ports.canary}"],
        }
        folder = world.site.base / "prometheus"
        folder.mkdir()
        url = world.ending.enter_context(prometheus(targets, folder, interval="250ms"))
        proxy = FaultyProxy(int(url.rpartition(":")[2]))
        world.ending.callback(proxy.close)
        world.prometheus = proxy
        eventually(lambda: _scraped(proxy), "both versions are scraped", 15)
    proxy = world.prometheus
    cell.notes["proxy"] = proxy
    return {"metrics": {"provider": "prometheus", "url": proxy.url}}


def _fault(name: str, fault: Callable[[Reply], Reply | None], lasts: float = 1.0) -> Fault:
    def strike(cell: Cell) -> None:
        cell.notes["proxy"].fault = fault

    def heal(cell: Cell) -> None:
        cell.notes["proxy"].fault = lambda reply: reply

    return Fault(f"prometheus {name}", strike, heal, behind, lasts=lasts)


_gone = threading.Event()  # never set: a bounded wait


def _slowly(reply: Reply) -> Reply:
    _gone.wait(SLOW)
    return reply


FAULTS = (
    _fault("down", lambda _: None, lasts=3.0),
    _fault("down shortly", lambda _: None),
    _fault("slow", _slowly, lasts=3.0),
    _fault("500", lambda _: (500, {"Content-Type": "text/plain"}, b"oh no\n"), lasts=3.0),
    _fault("HTML", lambda _: (200, {"Content-Type": "text/html"}, _HTML), lasts=3.0),
    _fault("NaN", _samples(lambda sample: [sample[0], "NaN"]), lasts=3.0),
    _fault("old result", _samples(lambda sample: [sample[0] - OLD, sample[1]]), lasts=3.0),
    _fault("redirect", lambda _: (302, {"Location": "http://127.0.0.1:9/"}, b""), lasts=3.0),
)
