"""What an NGINX in a container sees behind an address, and what can be told from here."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest

from canaryctl.drivers.docker_host import DockerHost
from tests.drivers.real_nginx import listens

pytestmark = pytest.mark.docker

IDLE = ["sleep", "600"]
# NGINX as a service that listens on 8000.
SERVICE = [
    "sh",
    "-c",
    'printf %s "$1" > /tmp/service.conf; exec nginx -c /tmp/service.conf -g "daemon off;"',
    "sh",
    "pid /run/n.pid; events {} http { access_log off; server { listen 8000; } }",
]


@pytest.fixture(scope="module")
def host(
    base_image: str, docker_url: str, run_container: Any, docker_network: Any
) -> Iterator[DockerHost]:
    container = run_container(
        base_image,
        IDLE,
        network=docker_network.name,
        extra_hosts={"pinned.example": "127.9.9.9", "app-pinned": "127.9.9.8"},
    )
    found = DockerHost(container.name, docker_host=docker_url)
    yield found
    found.close()


@pytest.fixture(scope="module")
def services(base_image: str, run_container: Any, docker_network: Any) -> list[Any]:
    """Two replicas, both called app on the network."""
    made = []
    for _ in range(2):
        container = run_container(base_image, SERVICE)
        docker_network.connect(container, aliases=["app"])
        container.reload()
        made.append(container)
        assert listens(_ip(container, docker_network), 8000)
    return made


def _ip(container: Any, network: Any) -> str:
    return str(container.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"])


def test_a_container_is_found_by_its_name(
    host: DockerHost, services: list[Any], docker_network: Any
) -> None:
    ip = _ip(services[0], docker_network)
    located = host.locate(f"{services[0].name}:8000")
    assert located.peers == (f"{ip}:8000",)
    assert located.answers is True
    assert located.detail == f"{services[0].name} ({ip}:8000) accepts connections"


def test_every_replica_behind_an_alias_is_a_peer(
    host: DockerHost, services: list[Any], docker_network: Any
) -> None:
    located = host.locate("app:8000")
    assert set(located.peers) == {f"{_ip(s, docker_network)}:8000" for s in services}
    assert located.answers is True
    assert host.locate(f"app.{docker_network.name}:8000").peers == located.peers


def test_what_is_found_is_what_the_container_itself_resolves(
    host: DockerHost, services: list[Any], docker_engine: Any
) -> None:
    assert services
    inside = docker_engine.containers.get(host.container).exec_run(["getent", "ahostsv4", "app"])
    resolved = {line.split()[0] for line in inside.output.decode().splitlines()}
    assert {peer.rpartition(":")[0] for peer in host.locate("app:8000").peers} == resolved


def test_a_port_nobody_listens_on_refuses(host: DockerHost, services: list[Any]) -> None:
    located = host.locate(f"{services[0].name}:8001")
    assert len(located.peers) == 1
    assert located.answers is False
    assert "refuses connections" in located.detail


def test_a_literal_address_is_itself(
    host: DockerHost, services: list[Any], docker_network: Any
) -> None:
    ip = _ip(services[0], docker_network)
    assert host.locate(f"{ip}:8000").answers is True
    assert host.locate(f"{ip}:8000").peers == (f"{ip}:8000",)


def test_silence_cannot_be_told_from_being_out_of_reach(
    host: DockerHost, docker_network: Any
) -> None:
    subnet = ipaddress.ip_network(docker_network.attrs["IPAM"]["Config"][0]["Subnet"])
    nobody = subnet.broadcast_address - 1
    located = host.locate(f"{nobody}:8000")
    assert located.peers == (f"{nobody}:8000",)
    assert located.answers is None
    assert "does not answer" in located.detail


def test_a_name_nobody_has_means_nothing(host: DockerHost, docker_network: Any) -> None:
    located = host.locate("app-canary:8001")
    assert located.peers == ()
    assert located.answers is False
    assert docker_network.name in located.detail


def test_a_stopped_container_has_no_name(
    host: DockerHost, base_image: str, run_container: Any, docker_network: Any
) -> None:
    container = run_container(base_image, SERVICE, network=docker_network.name)
    assert host.locate(f"{container.name}:8000").peers
    container.kill()
    container.wait(timeout=10)
    assert host.locate(f"{container.name}:8000").peers == ()


def test_a_container_on_another_network_has_no_name(
    host: DockerHost, base_image: str, run_container: Any
) -> None:
    elsewhere = run_container(base_image, SERVICE)
    assert host.locate(f"{elsewhere.name}:8000").peers == ()


def test_the_default_bridge_knows_no_names(
    base_image: str, run_container: Any, docker_url: str
) -> None:
    first, second = (run_container(base_image, IDLE) for _ in range(2))
    host = DockerHost(first.name, docker_host=docker_url)
    assert host.locate(f"{second.name}:8000").peers == ()
    host.close()


def test_the_hosts_file_is_asked_before_dockers_names(host: DockerHost) -> None:
    assert host.locate("pinned.example:80").peers == ("127.9.9.9:80",)


def test_the_containers_own_loopback_is_not_this_machines(host: DockerHost) -> None:
    located = host.locate("127.0.0.1:8000")
    assert located.peers == ("127.0.0.1:8000",)
    assert located.answers is None
    assert "cannot be told" in located.detail


def test_on_the_hosts_network_loopback_is_shared(
    base_image: str, run_container: Any, docker_url: str, free_port: Any
) -> None:
    container = run_container(base_image, IDLE, network_mode="host")
    host = DockerHost(container.name, docker_host=docker_url)
    assert host.locate(f"127.0.0.1:{free_port()}").answers is False
    host.close()


def test_without_getent_an_outside_name_is_unknown(
    base_image: str, run_container: Any, docker_url: str
) -> None:
    container = run_container(base_image, IDLE)
    assert container.exec_run(["rm", "/usr/bin/getent"]).exit_code == 0
    host = DockerHost(container.name, docker_host=docker_url)
    located = host.locate("somewhere.invalid:80")
    host.close()
    assert (located.peers, located.answers) == ((), None)
    assert "no getent" in located.detail
