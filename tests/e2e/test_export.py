"""A rollout that shows its metrics, and one that cannot: both end as they would without."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.e2e.harness import Tool, eventually
from tests.e2e.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("local_traffic")


def exporting(local: LocalWorld, address: str) -> Path:
    path = local.config(stages=[50], observe="3s")
    parsed = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(parsed | {"export": {"listen": address, "linger": "60s"}}))
    return path


def read(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_it_is_read_while_it_runs_and_once_more_at_its_end(
    local: LocalWorld, tool: Tool, free_port: Callable[[], int]
) -> None:
    port = free_port()
    rollout = tool.rollout(exporting(local, f"127.0.0.1:{port}"))
    rollout.proven(50)
    weight = 'canaryctl_rollout_weight_ratio{service="fragrance-ai",version="canary"} 0.5'
    # Whoever shows the rollout here is told before Prometheus is.
    eventually(lambda: weight in read(port), "the weight on the page")
    rollout.wait_for(lambda e: e["event"] == "outcome", "the outcome")
    # What it waits for holds nothing up: nobody leads the gateway any more.
    eventually(lambda: local.found().lease is None, "the gateway given back")
    assert rollout.runs
    assert 'status="succeeded"} 1.0' in read(port)
    assert rollout.end(25).code == 0


def test_a_taken_port_changes_no_outcome(local: LocalWorld, tool: Tool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = tool.rollout(exporting(local, address)).end()
    assert ended.code == 0
    assert ended.outcome["outcome"] == "succeeded"
    assert f"metrics are not exported: {address} cannot be listened on" in ended.err
