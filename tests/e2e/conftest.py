"""One stack of containers for all tests; each begins with a healthy canary at 0 %."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.demo.docker_stack import NoImages, containers
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.compose import compose_command
from tests.e2e.harness import Tool, Traffic, World, load
from tests.e2e.local_world import LocalWorld, busy, local_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the stack."""
    for item in items:
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def stack(docker_engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """NGINX, both versions and Prometheus in containers, weights set to 0."""
    try:
        compose_command()
    except HostError as error:
        pytest.skip(str(error))
    base = tmp_path_factory.mktemp("stack")
    up = containers(base, SystemClock())
    try:
        running = up.__enter__()
    except NoImages as error:
        pytest.skip(f"{error}; {error.next_step}")
    try:
        world = World(running, docker_engine, base)
        tool = Tool(base / "state")
        started = tool.run("weights", "set", "0", config=world.config())
        assert started.code == 0, started.err
        with load(running.ports.clients, base):
            # A preflight asks for stable's series, which its first requests bring about.
            for metric in ("http_requests_total", "http_request_duration_seconds_count"):
                _known(world, f'sum({metric}{{version="production"}})')
        yield world
    finally:
        up.__exit__(None, None, None)


def _known(world: World, query: str) -> None:
    from tests.e2e.harness import eventually  # noqa: PLC0415

    eventually(lambda: (world.sum_of(query) or 0) > 0, f"{query} in Prometheus")


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    """`canaryctl` with a state directory of its own; whatever still runs at the end is ended."""
    started = Tool(tmp_path / "state")
    yield started
    for running in started.started:
        running.stop()


@pytest.fixture
def world(stack: World, tool: Tool) -> World:
    """The stack, healthy and at 0 %."""
    stack.reset()
    if stack.in_force()["weight"] != "0":
        back = tool.run("rollback", "--reason", "the next test begins", config=stack.config())
        assert back.code == 0, back.err
    return stack


@pytest.fixture
def traffic(world: World, tmp_path: Path) -> Iterator[Traffic]:
    """Clients that are busy during the test."""
    with load(world.running.ports.clients, tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def local_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorld]:
    """NGINX and both versions as processes of this machine."""
    with local_world(tmp_path_factory.mktemp("local")) as running:
        yield running


@pytest.fixture
def local(local_gateway: LocalWorld, tool: Tool) -> LocalWorld:  # noqa: ARG001  ended after it
    """The gateway of this machine, healthy and at 0 %."""
    local_gateway.reset()
    return local_gateway


@pytest.fixture
def local_traffic(local: LocalWorld, tmp_path: Path) -> Iterator[Traffic]:
    """Clients of it that are busy during the test."""
    with busy(local, tmp_path) as running:
        yield running
