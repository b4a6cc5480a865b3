"""The least access to Docker that works, as docs/security.md shows it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_connect import connect
from canaryctl.drivers.docker_host import DockerHost
from canaryctl.drivers.template import Address
from canaryctl.ports import Mark
from tests.drivers.filtering_proxy import Passed, proxy
from tests.drivers.gateways import MAIN, PUBLISHED, docker_gateway, nginx_command, percent, says

pytestmark = pytest.mark.docker
PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
PROJECT = f"least-{secrets.token_hex(4)}"
LABELS = {"com.docker.compose.project": PROJECT, "com.docker.compose.service": "nginx"}


def allowed() -> list[str]:
    """Give the requests that the page names."""
    block = PAGE.read_text(encoding="utf-8").partition("\n```text\nGET ")[2].partition("\n```")[0]
    return [f"GET {block}".splitlines()[0], *block.splitlines()[1:]]


@pytest.fixture(scope="module")
def three(base_image: str, run_container: Any, docker_network: Any) -> tuple[Any, Any, Any]:
    network = docker_network.name
    return (
        run_container(
            base_image, nginx_command(MAIN), ports=PUBLISHED, network=network, labels=LABELS
        ),
        run_container(base_image, says("stable-1", 8000), network=network),
        run_container(base_image, says("canary-1", 8001), network=network),
    )


@pytest.fixture
def narrow(docker_url: str, docker_engine: Any, tmp_path: Path) -> Iterator[Passed]:
    assert docker_engine.ping()
    with proxy(docker_url, tmp_path / "docker.sock", allowed()) as passed:
        yield passed


def test_whole_weight_changes_go_through_and_need_every_one_of_them(
    three: tuple[Any, Any, Any], narrow: Passed, tmp_path: Path
) -> None:
    nginx, stable, canary = three
    addresses = [Address(f"{stable.name}:8000")], [Address(f"{canary.name}:8001")]
    gateway = docker_gateway(nginx, narrow.url, tmp_path, *addresses)
    host = gateway.made["host"]
    assert isinstance(host, DockerHost)
    assert host.identity().endswith(nginx.name)
    for weight in ("0", "25", "100", "0"):
        gateway.router.check([percent(weight)])
        proof = gateway.router.set(percent(weight), Mark("v2"), None)
        assert proof.weight == gateway.router.look().weight == percent(weight)
    assert host.locate(f"{canary.name}:8001").peers
    assert host.tail("/etc/nginx/nginx.conf", 0) is not None
    host.close()
    service = DockerHost(project=PROJECT, service="nginx", docker_host=narrow.url)
    assert service.read("/etc/nginx/conf.d/canaryctl.conf")
    service.close()
    assert narrow.denied == set()
    unused = [rule for rule in allowed() if not any(re.fullmatch(rule, s) for s in narrow.through)]
    assert unused == []


def test_nothing_else_gets_through(narrow: Passed, base_image: str) -> None:
    import docker  # noqa: PLC0415

    client = connect(narrow.url)
    with pytest.raises(docker.errors.APIError, match="403"):
        client.containers.create(base_image, ["sleep", "1"])
    client.close()
    assert narrow.denied == {"POST /containers/create"}


def test_a_request_that_is_denied_is_one_clear_message(
    docker_url: str, tmp_path: Path, three: tuple[Any, Any, Any]
) -> None:
    without_exec = [rule for rule in allowed() if not rule.startswith("POST")]
    with proxy(docker_url, tmp_path / "docker.sock", without_exec) as passed:
        host = DockerHost(three[0].name, docker_host=passed.url)
        with pytest.raises(HostError, match=r"cannot run 'sh' in container .*: denied"):
            host.tail("/etc/nginx/nginx.conf", 0)
        host.close()


def test_where_a_listener_is_published_is_seen(
    base_image: str, run_container: Any, docker_url: str
) -> None:
    idle = ["sleep", "600"]
    ports = {"9180/tcp": ("127.0.0.1", None), "9181/tcp": ("0.0.0.0", None)}  # noqa: S104
    container = run_container(base_image, idle, ports={**ports, "9182/tcp": None})
    host = DockerHost(container.name, docker_host=docker_url)
    assert host.published("9180") == ()
    assert host.published("9183") == ()
    wide = container.ports["9181/tcp"][0]["HostPort"]
    assert host.published("9181") == (f"0.0.0.0:{wide}",)
    assert host.published("9182")[0].startswith("0.0.0.0:")
    host.close()
    shared = run_container(base_image, idle, network_mode="host")
    host = DockerHost(shared.name, docker_host=docker_url)
    assert host.published("9180") == ("0.0.0.0:9180",)
    assert host.published("127.0.0.1:9180") == ()
    host.close()
