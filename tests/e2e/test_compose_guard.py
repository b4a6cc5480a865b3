"""The guard of ``docker-compose.guard.yml``, from its image to a rollout whose machine dies."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from canaryctl.demo.compose import Compose, bounded
from canaryctl.demo.docker_stack import IMAGES
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.compose import compose_command
from canaryctl.resources import shipped
from tests.chaos.running import guards
from tests.e2e.harness import Running, Tool, World, eventually

LEASE = 6.0
PYTHON = IMAGES[0]
_BUILD_WITHIN = 300.0
"""Seconds; its packages may have to be downloaded."""
_SOCKET = "unix://"


@pytest.fixture
def image(world: World, tmp_path: Path) -> Iterator[str]:
    """The guard's image, of this checkout."""
    name = f"canaryctl-test-guard:{uuid.uuid4().hex[:8]}"
    env = {**os.environ, "PYTHON": sys.executable, "CANARYCTL_PYTHON_IMAGE": PYTHON}
    log = tmp_path / "build.log"
    try:
        with log.open("wb") as output:
            script = str(shipped("compose/guard/build"))
            code = bounded([script, name], output, _BUILD_WITHIN, env=env)
        assert code == 0, log.read_text()
        yield name
    finally:
        with contextlib.suppress(docker.errors.ImageNotFound):
            world.engine.images.remove(name)


@pytest.fixture
def guard(world: World, image: str, docker_url: str, tmp_path: Path) -> Iterator[tuple[Path, Any]]:
    """The configuration that both read, and the guard's container, which watches."""
    if not docker_url.startswith(_SOCKET):
        pytest.skip("the guard's container takes the engine's socket")
    config = world.config(stages=(25, 100), observe="10m", gateway={"lease": f"{LEASE:g}s"})
    project = f"canaryctl-test-guard-{uuid.uuid4().hex[:8]}"
    compose = Compose(
        command=compose_command(),
        project=project,
        file=shipped("compose/docker-compose.guard.yml"),
        variables={
            "CANARYCTL_GUARD_IMAGE": image,
            "CANARYCTL_CONFIG": str(config),
            "CANARYCTL_DOCKER_SOCKET": docker_url.removeprefix(_SOCKET),
        },
        env_file=None,
        log=tmp_path / "guard.log",
        clock=SystemClock(),
    )
    try:
        compose.up("guard", within=60)
        of_project = {"label": f"com.docker.compose.project={project}"}
        (container,) = world.engine.containers.list(all=True, filters=of_project)
        eventually(lambda: "watching" in said(container), "the guard watches")
        yield config, container
    finally:
        compose.down()


def said(container: Any) -> str:
    """What a container has printed."""
    return str(container.logs().decode())


def killed_with_its_guard(rollout: Running) -> None:
    """End both at once, as the end of their machine does: neither sees the other's."""
    rollout.send(signal.SIGSTOP)
    own = guards(parent=rollout.pid)
    assert own, "the rollout has no guard of its own"
    for pid in own:
        os.kill(pid, signal.SIGKILL)
    rollout.kill()


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.usefixtures("traffic")
def test_the_guard_beside_nginx_returns_the_traffic_of_a_machine_that_is_gone(
    world: World, tool: Tool, guard: tuple[Path, Any]
) -> None:
    config, container = guard
    rollout = tool.rollout(config)
    generation = rollout.proven(25)["generation"]
    rollout.judged(stage=1)  # the guard looks on while somebody leads
    assert world.in_force()["generation"] == generation
    killed_with_its_guard(rollout)
    began = time.monotonic()
    eventually(lambda: "was abandoned" in said(container), "the guard acts", within=LEASE + 20)
    took = time.monotonic() - began
    world.all_on_stable()
    assert "all traffic is on stable, 0 % proven at NGINX" in said(container)
    assert took < LEASE + 2, f"{took:.2f} s with a lease of {LEASE:g} s; {said(container)}"
    ended = tool.run("rollout", "--version", "v0.2.0", "--dry-run", config=config)
    assert ended.code == 0, ended.err
    container.reload()
    assert container.status == "running"
    assert container.attrs["RestartCount"] == 0
