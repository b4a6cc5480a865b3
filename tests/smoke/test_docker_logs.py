"""The log of a real container, read from where it ended."""

from __future__ import annotations

import time
from typing import Any

import pytest

from canaryctl.core.errors import HostError
from canaryctl.drivers.docker_logs import DockerLogs
from tests.conftest import RunContainer

pytestmark = pytest.mark.docker
# Two lines, one on each stream, when it is told to go on.
_SCRIPT = """\
echo old
while :; do
  [ -e /tmp/go ] && rm /tmp/go && echo "e{a=1}" && echo late >&2
  sleep 0.1
done
"""
WITHIN = 20.0


def test_what_a_container_logs_after_the_beginning(
    run_container: RunContainer, base_image: str, docker_url: str
) -> None:
    container: Any = run_container(
        base_image,
        ["sh", "-c", _SCRIPT],
        labels={
            "com.docker.compose.project": "smk-logs",
            "com.docker.compose.service": "app",
            "com.docker.compose.oneoff": "False",
        },
    )
    until = time.monotonic() + WITHIN
    while b"old" not in container.logs() and time.monotonic() < until:
        time.sleep(0.05)
    logs = DockerLogs(project="smk-logs", service="app", docker_host=docker_url)
    named = DockerLogs(containers=[container.name], docker_host=docker_url)
    try:
        logs.begin()
        named.begin()
        assert list(logs.lines()) == []
        container.exec_run(["sh", "-c", ": > /tmp/go"])
        while len(logs.lines()) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert sorted(logs.lines()) == ["e{a=1}", "late"]
        assert sorted(named.lines()) == ["e{a=1}", "late"]
        assert logs.describe() == f"container {container.name}"
    finally:
        logs.close()
        named.close()


def test_what_is_not_there_is_named(docker_engine: Any, docker_url: str) -> None:  # noqa: ARG001
    nowhere = DockerLogs(project="smk-nowhere", service="app", docker_host=docker_url)
    with pytest.raises(HostError, match="no running container of service 'app'") as caught:
        nowhere.begin()
    assert "--container NAME" in caught.value.next_step
    nowhere.close()
    missing = DockerLogs(containers=["smk-missing"], docker_host=docker_url)
    with pytest.raises(HostError, match="there is no container 'smk-missing'"):
        missing.begin()
    missing.close()
