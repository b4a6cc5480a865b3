"""What clients see while weights change, and how exactly."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from canaryctl.core.weight import Weight
from canaryctl.drivers.template import Address
from canaryctl.ports import Mark
from tests.drivers.gateways import (
    OLD_NGINX,
    Backends,
    Gateway,
    asked,
    backends,
    clients_until,
    eventually,
    local_gateway,
    percent,
)

ForSites = Callable[..., Gateway]


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory, nginx_binary: Path, free_port: Callable[[], int]
) -> Iterator[Backends]:
    with backends(tmp_path_factory.mktemp("backends"), str(nginx_binary), free_port) as running:
        yield running


@pytest.fixture
def gateway_for(
    tmp_path: Path, nginx_binary: Path, free_port: Callable[[], int]
) -> Iterator[ForSites]:
    made: list[Gateway] = []

    def make(
        stable: list[Address], canary: list[Address], workers: int = 2, extra: str = ""
    ) -> Gateway:
        binary = str(nginx_binary)
        made.append(
            local_gateway(tmp_path, binary, free_port, stable, canary, workers=workers, extra=extra)
        )
        return made[-1]

    yield make
    for gateway in made:
        assert gateway.site is not None
        gateway.site.stop()


def _shares(gateway: Gateway, weight: str, requests: int, connections: int) -> dict[str, int]:
    gateway.router.set(percent(weight), Mark(), None)
    heard = asked(gateway.port, requests, connections)
    assert heard.statuses == {200: heard.count}
    assert not heard.lost
    return {
        "all": heard.count,
        **{version: heard.versions[version] for version in ("canary", "stable")},
        **heard.bodies,
    }


@pytest.mark.slow
def test_sixty_weight_changes_lose_no_request(gateway_for: ForSites, behind: Backends) -> None:
    gateway = gateway_for([behind.address("stable-1")], [behind.address("canary-1")])
    gateway.router.set(Weight.ZERO, Mark(), None)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(clients_until, gateway.port, 50, stop.is_set, 400_000, 0.01)
        try:
            for turn in range(60):
                gateway.router.set(percent(("1", "50", "100", "0")[turn % 4]), Mark(), None)
        finally:
            stop.set()
        heard = load.result(30)
    assert not heard.lost
    assert heard.statuses == {200: heard.count}
    assert heard.count > 5000
    assert heard.versions["canary"] > 500
    assert heard.versions["stable"] > 500


def test_half_a_percent_over_three_and_two_servers_arrives_exactly(
    gateway_for: ForSites, behind: Backends
) -> None:
    stable = [behind.address(f"stable-{n}") for n in (1, 2, 3)]
    canary = [behind.address(f"canary-{n}") for n in (1, 2)]
    gateway = gateway_for(stable, canary, workers=8)
    got = _shares(gateway, "0.5", 2000, 1)
    assert (got["all"], got["canary"]) == (2000, 10)
    assert got["canary-1"] == got["canary-2"] == 5


def test_five_percent_over_three_and_two_servers_arrives_exactly(
    gateway_for: ForSites, behind: Backends
) -> None:
    stable = [behind.address(f"stable-{n}") for n in (1, 2, 3)]
    canary = [behind.address(f"canary-{n}") for n in (1, 2)]
    gateway = gateway_for(stable, canary, workers=8)
    got = _shares(gateway, "5", 1200, 1)
    assert (got["all"], got["canary"]) == (1200, 60)
    assert got["canary-1"] == got["canary-2"] == 30
    assert got["stable-1"] == got["stable-2"] == got["stable-3"] == 380


def test_one_percent_with_eight_workers_is_one_of_a_hundred(
    gateway_for: ForSites, behind: Backends
) -> None:
    gateway = gateway_for([behind.address("stable-1")], [behind.address("canary-1")], workers=8)
    gateway.router.set(percent("1"), Mark(), None)
    for _ in range(3):
        assert gateway.served(100) == {"stable-1": 99, "canary-1": 1}


@pytest.mark.slow
def test_after_the_proof_every_new_connection_follows_the_weights(
    gateway_for: ForSites, behind: Backends
) -> None:
    gateway = gateway_for([behind.address("stable-1")], [behind.address("canary-1")], workers=8)
    for turn in range(20):
        weight, serves = ((Weight.FULL, "canary-1"), (Weight.ZERO, "stable-1"))[turn % 2]
        gateway.router.set(weight, Mark(), None)
        # Many at once: single ones are all taken by one worker.
        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(gateway.served, [25] * 8))
        assert sum(counts, start=type(counts[0])()) == {serves: 200}, f"after change {turn + 1}"


def _silent_server() -> socket.socket:
    """Accept connections into the backlog and never answer."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(128)
    return server


def _canary_log(gateway: Gateway) -> list[dict[str, object]]:
    assert gateway.site is not None
    path = Path(gateway.site.at("logs/canary.log"))
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_canary_that_refuses_is_hidden_from_clients_and_logged(
    gateway_for: ForSites, behind: Backends, free_port: Callable[[], int]
) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    gateway = gateway_for([behind.address("stable-1")], [Address(nobody)])
    gateway.router.set(percent("50"), Mark(), None)
    heard = asked(gateway.port, 40)
    assert heard.statuses == {200: 40}
    assert heard.versions == {"stable": 40}
    assert eventually(lambda: len(_canary_log(gateway)) == 20)
    stable = behind.address("stable-1").address
    for line in _canary_log(gateway):
        assert line["upstream"] == f"{nobody}, {stable}"
        assert line["upstream_status"] == "502, 200"
        assert line["version"] == "stable"


def test_a_canary_that_times_out_is_hidden_from_clients_and_logged(
    gateway_for: ForSites, behind: Backends
) -> None:
    with _silent_server() as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        gateway = gateway_for(
            [behind.address("stable-1")], [Address(address)], extra="proxy_read_timeout 200ms;\n"
        )
        gateway.router.set(percent("25"), Mark(), None)
        heard = asked(gateway.port, 8)
        assert heard.statuses == {200: 8}
        assert heard.versions == {"stable": 8}
        assert eventually(lambda: len(_canary_log(gateway)) == 2)
        for line in _canary_log(gateway):
            assert line["upstream"] == f"{address}, {behind.address('stable-1').address}"
            assert line["upstream_status"] == "504, 200"


def test_at_a_hundred_percent_stable_is_the_backup_of_many_dead_canaries(
    gateway_for: ForSites, behind: Backends, free_port: Callable[[], int]
) -> None:
    dead = [Address(f"127.0.0.1:{free_port()}") for _ in range(5)]
    gateway = gateway_for([behind.address("stable-1")], dead)
    gateway.router.set(Weight.FULL, Mark(), None)
    heard = asked(gateway.port, 20)
    assert heard.statuses == {200: 20}
    assert heard.versions == {"stable": 20}


def test_an_error_does_not_take_a_server_out_of_its_turn(
    gateway_for: ForSites, behind: Backends, free_port: Callable[[], int]
) -> None:
    """With max_fails=1, one refused connection would send its share elsewhere for 10 s."""
    nobody = f"127.0.0.1:{free_port()}"
    gateway = gateway_for(
        [behind.address("stable-1"), Address(nobody)], [behind.address("canary-1")]
    )
    gateway.router.set(percent("50"), Mark(), None)
    heard = asked(gateway.port, 200)
    assert heard.statuses == {200: 200}
    assert gateway.error_log().count(f'upstream: "http://{nobody}') >= 50


def test_an_answer_of_the_canary_is_not_retried_whatever_its_status(
    gateway_for: ForSites, behind: Backends
) -> None:
    gateway = gateway_for([behind.address("stable-1")], [behind.address("canary-1")])
    gateway.router.set(Weight.FULL, Mark(), None)
    heard = asked(gateway.port, 10, path="/fails")
    assert heard.statuses == {500: 10}
    assert heard.versions == {"canary": 10}
    assert heard.bodies == {"canary-1": 10}


@pytest.mark.parametrize("binary", ["current", OLD_NGINX])
def test_unix_sockets_are_told_apart_and_shared_exactly(
    binary: str,
    behind: Backends,
    tmp_path: Path,
    nginx_binary: Path,
    free_port: Callable[[], int],
) -> None:
    stable, canary = (
        Address(f"unix:{behind.site.folder}/{name}.sock") for name in ("stable-1", "canary-1")
    )
    path = str(nginx_binary) if binary == "current" else binary
    gateway = local_gateway(tmp_path, path, free_port, [stable], [canary])
    assert gateway.site is not None
    try:
        gateway.router.set(percent("10"), Mark(), None)
        heard = asked(gateway.port, 100)
        assert heard.versions == {"stable": 90, "canary": 10}
    finally:
        gateway.site.stop()


def test_ipv6_addresses_are_told_apart_and_shared_exactly(
    gateway_for: ForSites, tmp_path_factory: pytest.TempPathFactory, nginx_binary: Path
) -> None:
    ports: list[int] = []
    for _ in range(2):
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError as error:
                pytest.skip(f"no IPv6 loopback here: {error}")
            ports.append(probe.getsockname()[1])
    numbers = iter(ports * 4)
    del tmp_path_factory, nginx_binary, numbers
    addresses = [Address(f"[::1]:{port}") for port in ports]
    gateway = gateway_for(addresses[:1], addresses[1:])
    gateway.router.set(percent("10"), Mark(), None)
    with _echo(ports[0]), _echo(ports[1]):
        heard = asked(gateway.port, 100)
    assert heard.versions == {"stable": 90, "canary": 10}


class _echo:  # noqa: N801  reads as what it does
    """A server on the IPv6 loopback that answers every request with 200."""

    def __init__(self, port: int) -> None:
        import http.server  # noqa: PLC0415

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6

        self.server = Server(("::1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
