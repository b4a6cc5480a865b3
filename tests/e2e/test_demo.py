"""`canaryctl demo`: on this machine alone, and in containers. Nothing is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Ended, Tool, eventually

GATES = {
    "errors": "error rate",
    "latency": "p95 latency",
    "schema": "schema failures",
    "loss": "training loss",
    "down": "canary up",
}
AT_ONCE = 3

IMAGES_WITHIN_S = 420.0
"""On an engine that has none, the images are built first."""


@dataclass(frozen=True)
class Demo:
    """A demo that has ended, and what it left in its temporary directory."""

    ended: Ended
    left: list[str]
    processes: list[str]


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory, nginx_binary: Path) -> dict[str, Demo]:
    """Each demo once, some at a time; every one has its own ports and directory."""
    assert nginx_binary.exists()
    folder = tmp_path_factory.mktemp("demos")

    def shown(fault: str) -> Demo:
        temporary = folder / (fault or "healthy")
        temporary.mkdir()
        flags = ["--fault", fault] if fault else []
        ended = Tool(folder / "state").run(
            *("demo", "--output", "json", "--observation-period", "5s", *flags),
            within=180,
            TMPDIR=str(temporary),
            DOCKER_HOST=f"unix://{folder}/no.sock",
        )
        left = [path.name for path in temporary.iterdir() if path.name != "canaryctl-locks"]
        return Demo(ended, left, list(processes_with(f"TMPDIR={temporary}")))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(("", *GATES), pool.map(shown, ("", *GATES)), strict=True))


def processes_with(variable: str) -> Iterator[str]:
    """Give the command lines of running processes that were started with this."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                yield (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue


@pytest.mark.slow
def test_the_demo_passes_four_stages(demos: dict[str, Demo]) -> None:
    ended = demos[""].ended
    assert ended.code == 0, ended.err
    assert ended.weights() == [0, 1, 5, 25, 100]
    assert ended.outcome["outcome"] == "succeeded"
    assert "0 answered with an error, 0 lost" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "gate"), GATES.items())
def test_the_demo_throws_a_broken_canary_back(
    demos: dict[str, Demo], fault: str, gate: str
) -> None:
    ended = demos[fault].ended
    assert ended.code == 1, ended.err
    assert ended.outcome["weight"] == 0
    assert gate in ended.outcome["reason"]
    assert ended.weights() == [0, 1, 5, 0]


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["", *GATES])
def test_the_demo_leaves_nothing_behind(demos: dict[str, Demo], fault: str) -> None:
    assert demos[fault].left == []
    assert demos[fault].processes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_stopped_leaves_nothing(
    tool: Tool, tmp_path: Path, number: signal.Signals
) -> None:
    demo = tool.start("demo", "--output", "json", TMPDIR=str(tmp_path))
    demo.proven(1)
    demo.send(number)
    ended = demo.end(within=60)
    assert ended.code == 130, ended.err
    assert ended.outcome["weight"] == 0
    assert list(processes_with(f"TMPDIR={tmp_path}")) == []
    assert not list(tmp_path.glob("canaryctl-demo-*"))


def left_on(engine: Any, project: str) -> list[Any]:
    """Give what a Compose project still has on the engine."""
    of_project = {"label": f"com.docker.compose.project={project}"}
    return [
        *engine.containers.list(all=True, filters=of_project, ignore_removed=True),
        *engine.networks.list(filters=of_project),
        *engine.volumes.list(filters=of_project),
        *(image for image in engine.images.list() if any(project in tag for tag in image.tags)),
    ]


def project_of(err: str) -> str:
    return err.partition("Compose project ")[2].split()[0]


@pytest.mark.docker
@pytest.mark.slow
def test_the_demo_in_containers(tool: Tool, docker_engine: Any, tmp_path: Path) -> None:
    ended = tool.run(
        *("demo", "--docker", "--output", "json", "--observation-period", "6s"),
        *("--fault", "schema", "--fault-stage", "2"),
        within=IMAGES_WITHIN_S,
        TMPDIR=str(tmp_path),
    )
    assert ended.code == 1, ended.err
    assert "schema failures" in ended.outcome["reason"]
    assert ended.weights() == [0, 1, 5, 0]
    assert left_on(docker_engine, project_of(ended.err)) == []


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing(
    tool: Tool, docker_engine: Any, number: signal.Signals
) -> None:
    demo = tool.start("demo", "--docker")
    demo.said("Compose project ")
    project = demo.heard().partition("Compose project ")[2].split()[0]
    of_project = {"label": f"com.docker.compose.project={project}"}
    eventually(
        # Sparse: a container that is being made is listed before it can be looked at.
        lambda: bool(docker_engine.containers.list(all=True, filters=of_project, sparse=True)),
        "a container is there",
    )
    demo.send(number)
    ended = demo.end(within=60)
    assert ended.code == 130, ended.err
    assert left_on(docker_engine, project) == []


def test_what_the_demo_needs_is_named_when_it_is_missing(tool: Tool, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/no.sock"
    ended = tool.run("demo", "--docker", DOCKER_HOST=nowhere, PATH=os.environ["PATH"])
    assert ended.code == 4
    assert nowhere in ended.err
    assert "Traceback" not in ended.err
