"""The demo's load: counted, bounded, and only to this machine."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from canaryctl.core.errors import ConfigError
from canaryctl.demo.client import Response
from canaryctl.demo.load import Load, main
from canaryctl.demo.processes import Child, free_ports
from canaryctl.demo.traffic import Mix
from canaryctl.drivers.clock import SystemClock


class Gateway(ThreadingHTTPServer):
    """Answers as NGINX in front of two versions would; every fifth answer is the canary's."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: Counter[str] = Counter()
        self.feedback: list[str] = []
        self.connections = 0
        self.drop_every = 0
        self.hold = threading.Event()
        self.hold.set()
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.server.guard:
            self.server.connections += 1

    def _serve(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        self.server.hold.wait(20)
        with self.server.guard:
            number = self.server.seen.total()
            self.server.seen[f"{self.command} {self.path} {asked.get('mode', '')}".strip()] += 1
            if self.path == "/evolve/feedback":
                self.server.feedback.append(asked["experiment_id"])
        if self.server.drop_every and number % self.server.drop_every == 0:
            self.close_connection = True
            return
        body = json.dumps({"experiment_id": "exp-1"}).encode()
        self.send_response(503 if self.path == "/dna/create" else 200)
        self.send_header("X-Canary-Version", "canary" if number % 5 == 0 else "stable")
        if number % 2:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _serve  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.hold.set()
        server.shutdown()
        thread.join()


# The upper bounds below are exact. The lower ones leave room for a machine that is busy: a
# load that runs out of time ends, and makes up for nothing.


def test_counts_what_it_sent_by_version_and_status(gateway: Gateway) -> None:
    report = Load(gateway.url, 200, 1.15, connections=5).run()
    assert 50 <= report.sent <= 230
    assert report.sent == report.answered == gateway.seen.total()
    assert (report.lost, report.unfinished, report.running) == (0, 0, False)
    assert report.versions == {
        "canary": -(-report.sent // 5),
        "stable": report.sent - -(-report.sent // 5),
    }
    dna = gateway.seen["POST /dna/create"]
    assert dna > 0
    assert report.statuses == {"200": report.sent - dna, "503": dna}
    assert 0 < report.slowest_s < report.seconds
    assert report.seconds >= 1


def test_the_mix_is_mostly_options_in_three_modes() -> None:
    mix = Mix()
    seen: Counter[tuple[str, str]] = Counter()
    for _ in range(230):
        request = mix.next()
        mode = json.loads(request.body or "{}").get("mode", "")
        seen[request.path, mode] += 1
        mix.learn(request, Response(200, {}, b'{"experiment_id": "exp-1"}'))
    assert seen == {
        ("/evolve/options", "fast"): 50,
        ("/evolve/options", "balanced"): 50,
        ("/evolve/options", "creative"): 50,
        ("/evolve/feedback", ""): 40,
        ("/dna/create", ""): 30,
        ("/health", ""): 10,
    }


@pytest.mark.parametrize("one_in", [100, 20, 4])
def test_a_canary_that_gets_every_nth_request_sees_every_kind(one_in: int) -> None:
    mix = Mix()
    paths = [mix.next().path for _ in range(23 * one_in)]
    assert {"/evolve/options", "/dna/create", "/health"} <= set(paths[::one_in])


def test_feedback_is_given_on_what_options_answered(gateway: Gateway) -> None:
    Load(gateway.url, 200, 0.5, connections=2).run()
    assert set(gateway.feedback) == {"exp-1"}


def test_connections_are_kept_and_their_number_is_bounded(gateway: Gateway) -> None:
    Load(gateway.url, 200, 0.5, connections=5).run()
    assert 50 <= gateway.seen.total() <= 100
    assert gateway.connections <= 5


def test_a_dropped_connection_is_a_lost_request_and_nothing_is_sent_twice(
    gateway: Gateway,
) -> None:
    gateway.drop_every = 10
    report = Load(gateway.url, 200, 0.5, connections=5).run()
    assert 50 <= report.sent <= 100
    assert report.sent == gateway.seen.total()
    dropped = -(-report.sent // 10)
    assert report.lost_because == {"connection reset or closed before the answer": dropped}
    assert (report.lost, report.answered) == (dropped, report.sent - dropped)


def test_a_closed_port_is_lost_at_the_configured_rate_and_no_faster() -> None:
    (port,) = free_ports(1)
    report = Load(f"http://127.0.0.1:{port}", 100, 0.5, connections=5).run()
    assert 25 <= report.sent <= 50
    assert report.lost_because == {"connection refused": report.sent}
    assert report.answered == 0


def test_stops_when_told_from_another_thread(gateway: Gateway) -> None:
    load = Load(gateway.url, 100, 60, connections=5)
    clock = SystemClock()

    def stop_after_twenty() -> None:
        deadline = clock.now() + 20
        while gateway.seen.total() < 20 and clock.now() < deadline:
            clock.sleep(0.01)
        load.stop()

    stopper = threading.Thread(target=stop_after_twenty)
    stopper.start()
    report = load.run()
    stopper.join()
    assert 20 <= report.sent < 1000
    assert report.seconds < 20
    assert (report.lost, report.running) == (0, False)


def test_ends_although_nothing_is_answered(gateway: Gateway) -> None:
    gateway.hold.clear()
    report = Load(gateway.url, 100, 0.2, connections=3).run()
    assert (report.sent, report.answered, report.unfinished) == (3, 0, 3)
    assert report.seconds < 10


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://192.0.2.1:80",
        "http://0.0.0.0:80",
        "http://localhost:80",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@192.0.2.1/",
        "http://192.0.2.1@127.0.0.1/",
        "http://[::]:80",
        "http://[::ffff:192.0.2.1]:80",
        "https://127.0.0.1/",
        "http://127.0.0.1:99999",
        "127.0.0.1:80",
        "",
    ],
)
def test_refuses_targets_that_are_not_this_machine(url: str) -> None:
    with pytest.raises(ConfigError):
        Load(url, 1, 1, 1)


@pytest.mark.parametrize("url", ["http://127.0.0.1:80", "http://127.9.9.9", "http://[::1]:8080"])
def test_accepts_loopback(url: str) -> None:
    assert Load(url, 1, 1, 1).host in {"127.0.0.1", "127.9.9.9", "::1"}


@pytest.mark.parametrize(
    ("rate", "seconds", "connections"),
    [(0, 1, 1), (-1, 1, 1), (1e9, 1, 1), (float("nan"), 1, 1), (1, 0, 1), (1, 1e9, 1), (1, 1, 0)],
)
def test_refuses_what_is_not_bounded(rate: float, seconds: float, connections: int) -> None:
    with pytest.raises(ConfigError):
        Load("http://127.0.0.1:80", rate, seconds, connections)


def test_the_command_line_refuses_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", "http://192.0.2.1/", "--rate", "1", "--seconds", "1"]) == 2
    assert "192.0.2.1" in capsys.readouterr().err


def test_as_a_process_it_reports_meanwhile_and_at_sigterm(gateway: Gateway, tmp_path: Path) -> None:
    report = tmp_path / "load.json"
    argv = [sys.executable, "-m", "canaryctl.demo.load", "--url", gateway.url, "--rate", "100"]
    argv += ["--seconds", "60", "--connections", "4", "--report", str(report)]
    clock = SystemClock()
    with Child("load", argv, log_dir=tmp_path, clock=clock) as child:
        deadline = clock.now() + 20
        while not (report.exists() and json.loads(report.read_text())["answered"] > 20):
            assert clock.now() < deadline, child.log.read_text()
            clock.sleep(0.05)
        assert json.loads(report.read_text())["running"] is True
        os.kill(child.pid, 15)
        assert child.wait_for_end(within=10) == 0
    figures = json.loads(report.read_text())
    assert figures["running"] is False
    assert figures["sent"] == figures["answered"] == gateway.seen.total()
    assert list(tmp_path.glob("*.part")) == []
