"""The circuit breaker on what a real NGINX writes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.breaker import Breaker, BreakerPolicy, Circuit, Trigger, half_open, seen
from canaryctl.core.streaks import Streaks
from canaryctl.core.weight import Weight
from canaryctl.drivers.attempts import NginxAttempts
from canaryctl.drivers.template import Address
from canaryctl.ports import Mark
from tests.drivers.gateways import (
    MAIN,
    OLD_NGINX,
    PACKAGED,
    PUBLISHED,
    Gateway,
    asked,
    docker_gateway,
    eventually,
    local_gateway,
    nginx_command,
    percent,
    says,
)
from tests.drivers.refusing_server import RefusingServer

NAME = "canaryctl-attempts.log"
POLICY = BreakerPolicy()
# Failures that stable answers itself are one line each.
EACH_FAILURE = PACKAGED.replace("(?!502|504)[0-9]+$", "(?!5)[0-9]+$")
Make = Callable[..., Gateway]


class Server(RefusingServer):
    """Answers every request with ``status``; 0: resets the connection."""

    status = 200

    def _answer(self, connection: socket.socket) -> None:
        if self.status in {0, 200}:
            self._resets = float(self.status == 0)
            super()._answer(connection)
            return
        connection.recv(4096)
        said = f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        connection.sendall(said.encode())


@pytest.fixture(params=["current", OLD_NGINX])
def binary(request: pytest.FixtureRequest, nginx_binary: Path) -> str:
    if request.param == "current":
        return str(nginx_binary)
    if not Path(request.param).exists():
        pytest.skip("no nginx is installed (package nginx-light)")
    return str(request.param)


@pytest.fixture
def gateway_for(tmp_path: Path, binary: str, free_port: Callable[[], int]) -> Iterator[Make]:
    made: list[Gateway] = []

    def make(stable: list[int], canary: list[int], **options: Any) -> Gateway:
        both = ([Address(f"127.0.0.1:{port}") for port in side] for side in (stable, canary))
        made.append(local_gateway(tmp_path, binary, free_port, *both, **options))
        return made[-1]

    yield make
    for gateway in made:
        assert gateway.site is not None
        gateway.site.stop()


@pytest.fixture
def servers() -> Iterator[Callable[[], Server]]:
    with contextlib.ExitStack() as up:
        yield lambda: up.enter_context(Server())


class Watched:
    """A breaker that looks at a gateway's log."""

    def __init__(self, attempts: NginxAttempts) -> None:
        self.attempts, self.breaker = attempts, Breaker()
        self.bad = self.good = 0
        self.look()

    def look(self, at: float = 0.0) -> Streaks:
        new = self.attempts.watch()
        self.good, self.bad = self.good + new.good, self.bad + new.bad
        self.breaker = seen(POLICY, self.breaker, new, at)
        return new

    def until(self, good: int = 0, bad: int = 0, at: float = 0.0) -> Circuit:
        """Look until so many requests were logged, which NGINX does after the last byte."""

        def enough() -> bool:
            self.look(at)
            return self.good >= good and self.bad >= bad

        assert eventually(enough), (self.good, self.bad)
        return self.breaker.circuit


def log_of(gateway: Gateway) -> Path:
    assert gateway.site is not None
    return Path(gateway.site.at(f"logs/{NAME}"))


def watched(gateway: Gateway) -> Watched:
    return Watched(NginxAttempts(gateway.made["host"], str(log_of(gateway))))


def test_the_whole_way_round_though_no_client_sees_a_failure(
    gateway_for: Make, servers: Callable[[], Server]
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("25"), Mark(), None)
    at = watched(gateway)
    assert asked(gateway.port, 40).statuses == {200: 40}
    assert at.until(good=10) is Circuit.CLOSED

    canary.status = 0
    assert asked(gateway.port, 16).statuses == {200: 16}  # four of them at the canary first
    assert at.until(bad=4) is Circuit.CLOSED
    assert asked(gateway.port, 4).statuses == {200: 4}
    assert at.until(bad=5, at=100.0) is Circuit.OPEN
    assert "the canary failed 5 requests in a row, stable 0 of" in at.breaker.reason
    gateway.router.set(Weight.ZERO, Mark(), None)
    assert asked(gateway.port, 20).versions == {"stable": 20}
    at.look(150.0)
    assert (at.bad, at.breaker.until) == (5, 160.0)

    # Half-open, and still broken: the first test request opens it again.
    gateway.router.set(POLICY.weight(percent("25")), Mark(), None)
    at.breaker = half_open(POLICY, at.breaker, 160.0)
    assert asked(gateway.port, 100).statuses == {200: 100}
    assert at.until(bad=6, at=161.0) is Circuit.OPEN
    assert (at.breaker.trigger, at.breaker.openings) == (Trigger.PROBE, 2)
    gateway.router.set(Weight.ZERO, Mark(), None)

    canary.status = 200
    gateway.router.set(POLICY.weight(percent("25")), Mark(), None)
    at.breaker = half_open(POLICY, at.breaker, 221.0)
    before = at.good
    assert asked(gateway.port, 500, 2).versions["canary"] >= 5
    assert at.until(good=before + 5, at=222.0) is Circuit.CLOSED


@pytest.mark.parametrize("status", [500, 503])
def test_answers_of_the_canary_that_are_errors_open_it(
    gateway_for: Make, servers: Callable[[], Server], status: int
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("20"), Mark(), None)
    at = watched(gateway)
    canary.status = status
    assert asked(gateway.port, 25).statuses == {200: 20, status: 5}
    assert at.until(bad=5) is Circuit.OPEN


def test_clients_errors_do_not(gateway_for: Make, servers: Callable[[], Server]) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(percent("50"), Mark(), None)
    at = watched(gateway)
    canary.status = 404
    asked(gateway.port, 40)
    assert at.until(good=20) is Circuit.CLOSED


@pytest.mark.parametrize("weight", ["5", "50"])
def test_an_outage_of_both_versions_does_not(
    gateway_for: Make, servers: Callable[[], Server], weight: str
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.fresh(source=EACH_FAILURE).set(percent(weight), Mark(), None)
    at = watched(gateway)
    asked(gateway.port, 100, 2)
    stable.status = canary.status = 500
    assert asked(gateway.port, 400, 2).statuses == {500: pytest.approx(400, abs=2)}
    assert at.until(bad=400 * int(weight) // 100 - 1) is Circuit.CLOSED
    # Stable is well again, the canary is not.
    stable.status = 200
    asked(gateway.port, 400, 2)
    assert eventually(lambda: at.look() is not None and at.breaker.circuit is Circuit.OPEN)


def test_one_request_that_all_servers_of_the_canary_refuse_is_one_failure(
    gateway_for: Make, servers: Callable[[], Server], free_port: Callable[[], int]
) -> None:
    gateway = gateway_for([servers().port], [free_port() for _ in range(6)])
    gateway.router.set(Weight.FULL, Mark(), None)
    at = watched(gateway)
    asked(gateway.port, 4)
    assert at.until(bad=4) is Circuit.CLOSED
    assert "ccc" in log_of(gateway).read_text()
    asked(gateway.port, 1)
    assert at.until(bad=5) is Circuit.OPEN


@pytest.mark.parametrize("way", ["renamed", "truncated", "nothing"])
def test_failures_before_and_after_a_rotation_are_not_in_a_row(
    gateway_for: Make, servers: Callable[[], Server], way: str
) -> None:
    stable, canary = servers(), servers()
    gateway = gateway_for([stable.port], [canary.port])
    gateway.router.set(Weight.FULL, Mark(), None)
    log, at = log_of(gateway), watched(gateway)
    canary.status = 500
    asked(gateway.port, 4)
    assert at.until(bad=4) is Circuit.CLOSED
    if way == "renamed":
        log.rename(log.with_suffix(".1"))
        assert gateway.site is not None
        assert gateway.site.process is not None
        os.kill(gateway.site.process.pid, signal.SIGUSR1)
        assert eventually(log.exists)
    elif way == "truncated":
        os.truncate(log, 0)
    asked(gateway.port, 3)
    line = len("1 c 500\n")
    files = [log, *([log.with_suffix(".1")] if way == "renamed" else [])]
    wanted = (3 if way == "truncated" else 7) * line
    assert eventually(lambda: sum(file.stat().st_size for file in files) >= wanted)
    at.look()
    assert at.breaker.circuit is (Circuit.OPEN if way == "nothing" else Circuit.CLOSED)
    if way != "nothing":
        # Workers open a new file one by one; what they write to the old one is not seen.
        for _ in range(100):
            asked(gateway.port, 2)
            at.look()
        assert eventually(lambda: at.look() is not None and at.breaker.circuit is Circuit.OPEN)


@pytest.mark.docker
def test_a_container_that_goes_away_opens_it_through_the_engine(
    base_image: str,
    run_container: Any,
    docker_network: Any,
    docker_url: str,
    tmp_path: Path,
) -> None:
    where = {"network": docker_network.name}
    stable = run_container(base_image, says("stable", 8000), **where)
    canary = run_container(base_image, says("canary", 8001), **where)
    nginx = run_container(base_image, nginx_command(MAIN), ports=PUBLISHED, **where)
    addresses = [Address(f"{stable.name}:8000")], [Address(f"{canary.name}:8001")]
    gateway = docker_gateway(nginx, docker_url, tmp_path, *addresses)
    host = gateway.made["host"]
    try:
        gateway.router.set(percent("10"), Mark(), None)
        at = Watched(NginxAttempts(host, f"/var/log/nginx/{NAME}"))
        asked(gateway.port, 100)
        assert at.until(good=10) is Circuit.CLOSED
        canary.remove(force=True)
        assert asked(gateway.port, 50).statuses == {200: 50}
        assert at.until(bad=5) is Circuit.OPEN
        assert at.attempts.read() is None  # its first call
    finally:
        host.close()
