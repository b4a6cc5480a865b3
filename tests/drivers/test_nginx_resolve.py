"""Names in containers: who looks them up, and what clients notice when a container goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.weight import Weight
from canaryctl.drivers.template import Address
from canaryctl.ports import Mark
from tests.drivers.gateways import (
    MAIN,
    PUBLISHED,
    Gateway,
    clients_until,
    docker_gateway,
    eventually,
    get,
    nginx_command,
    percent,
    says,
)

pytestmark = pytest.mark.docker

DNS = "127.0.0.11"
Named = Callable[..., tuple[Gateway, Any, Any]]


@pytest.fixture
def named(
    base_image: str, run_container: Any, docker_network: Any, docker_url: str, tmp_path: Path
) -> Iterator[Named]:
    """Make a gateway and two versions that it knows by name."""
    made: list[Gateway] = []

    def make(resolver: str, network: str | None = None) -> tuple[Gateway, Any, Any]:
        where = {"network": network or docker_network.name}
        stable = run_container(base_image, says("stable", 8000), **where)
        canary = run_container(base_image, says("canary", 8001), **where)
        nginx = run_container(base_image, nginx_command(MAIN), ports=PUBLISHED, **where)
        addresses = [Address(f"{stable.name}:8000")], [Address(f"{canary.name}:8001")]
        made.append(docker_gateway(nginx, docker_url, tmp_path, *addresses, resolver=resolver))
        return made[-1], stable, canary

    yield make
    for gateway in made:
        gateway.made["host"].close()


@pytest.mark.parametrize("resolver", ["", DNS])
def test_changes_with_names_lose_no_request(named: Named, resolver: str) -> None:
    gateway, stable, canary = named(resolver)
    gateway.router.set(Weight.ZERO, Mark(), None)
    # NGINX looks names up by itself only after the reload: the first answer must be there.
    assert [get(gateway.port)[:2] for _ in range(20)] == [(200, "stable")] * 20
    text = gateway.made["host"].read(gateway.live)
    assert (f"server {stable.name}:8000 weight=1 max_fails=0 resolve;" in text) == bool(resolver)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(clients_until, gateway.port, 20, stop.is_set, 50_000, 0.02)
        try:
            for weight in ("1", "50", "100", "0", "50", "100", "0", "25"):
                gateway.router.set(percent(weight), Mark(), None)
        finally:
            stop.set()
        heard = load.result(30)
    assert not heard.lost
    assert heard.statuses == {200: heard.count}
    assert min(heard.versions["stable"], heard.versions["canary"]) > 50
    assert canary.name in gateway.made["host"].read(gateway.live)


@pytest.mark.slow
def test_a_canary_that_is_removed_costs_no_error(named: Named) -> None:
    gateway, _, canary = named(DNS)
    gateway.router.set(percent("25"), Mark(), None)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(clients_until, gateway.port, 10, stop.is_set, 5_000, 0.05)
        try:
            canary.remove(force=True)
            # Longer than names stay valid: NGINX has asked again and been told there is none.
            assert not eventually(lambda: load.done(), within=7)  # noqa: PLW0108
            proof = gateway.router.set(Weight.ZERO, Mark(), None)
        finally:
            stop.set()
        heard = load.result(30)
    assert proof.weight == Weight.ZERO
    assert not heard.lost
    assert heard.statuses == {200: heard.count}
    assert [get(gateway.port)[:2] for _ in range(8)] == [(200, "stable")] * 8


def test_a_stable_that_moves_is_found_again(
    named: Named, base_image: str, run_container: Any, docker_network: Any
) -> None:
    gateway, stable, _ = named(DNS)
    gateway.router.set(Weight.ZERO, Mark(), None)
    name = stable.name
    stable.remove(force=True)
    # The address it had is taken by somebody else, so it gets another one.
    run_container(base_image, says("stranger", 9000), network=docker_network.name)
    run_container(base_image, says("moved", 8000), network=docker_network.name, name=name)
    assert eventually(lambda: get(gateway.port)[:2] == (200, "moved"), within=20)
    assert get(gateway.port)[2]["X-Canary-Version"] == "stable"


def test_where_docker_answers_no_names_nothing_is_looked_up(
    base_image: str, run_container: Any, docker_url: str, tmp_path: Path
) -> None:
    """On Docker's own network there is no DNS server of Docker's: addresses still work."""
    stable = run_container(base_image, says("stable", 8000))
    ip = stable.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    hosts = {"stable-name": ip, "canary-name": ip}
    nginx = run_container(base_image, nginx_command(MAIN), ports=PUBLISHED, extra_hosts=hosts)
    gateway = docker_gateway(
        nginx,
        docker_url,
        tmp_path,
        [Address("stable-name:8000")],
        [Address("canary-name:8001")],
        resolver=DNS,
    )
    gateway.router.set(Weight.ZERO, Mark(), None)
    assert "resolve" not in gateway.made["host"].read(gateway.live)
    assert get(gateway.port)[:2] == (200, "stable")
    gateway.made["host"].close()


def test_a_name_of_the_hosts_file_is_not_asked_of_dns(
    base_image: str, run_container: Any, docker_network: Any, docker_url: str, tmp_path: Path
) -> None:
    network = docker_network.name
    stable = run_container(base_image, says("stable", 8000), network=network)
    ip = stable.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
    nginx = run_container(
        base_image,
        nginx_command(MAIN),
        ports=PUBLISHED,
        network=network,
        extra_hosts={"by-file": ip},
    )
    gateway = docker_gateway(
        nginx,
        docker_url,
        tmp_path,
        [Address("by-file:8000"), Address(f"{stable.name}:8000")],
        [Address("canary:8001")],
        resolver=DNS,
    )
    gateway.router.set(Weight.ZERO, Mark(), None)
    text = gateway.made["host"].read(gateway.live)
    assert "server by-file:8000 weight=1 max_fails=0;" in text
    assert f"server {stable.name}:8000 weight=1 max_fails=0 resolve;" in text
    assert [get(gateway.port)[:2] for _ in range(10)] == [(200, "stable")] * 10
    gateway.made["host"].close()
