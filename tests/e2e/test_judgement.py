"""Figures that the documents' own queries get wrong, on a real Prometheus."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.e2e.harness import Clients, Tool, World, eventually

SCHEMA: dict[str, Any] = {
    "name": "schema failures",
    "kind": "zero",
    "metric": "llm_brief_schema_failures_total",
}
ERRORS: dict[str, Any] = {
    "name": "error rate",
    "kind": "ratio",
    "bad": 'http_requests_total{status=~"5.."}',
    "total": "http_requests_total",
    "max": "0.5%",
    "min_samples": 1000,
}
LOSS: dict[str, Any] = {
    "name": "training loss",
    "kind": "gauge",
    "metric": "rl_training_loss",
    "max_ratio": 2,
}
FAILURES = 'sum(llm_brief_schema_failures_total{version="canary"})'


@pytest.mark.usefixtures("traffic")
def test_a_failure_counter_that_is_born_at_1_fails_the_stage(world: World, tool: Tool) -> None:
    world.fresh_canary()
    rollout = tool.rollout(world.config(observe="30s", gates=[SCHEMA]))
    rollout.judged(stage=1)
    assert world.sum_of(FAILURES) is None
    # The 333rd brief is the first to fail: traffic is back before there is a second one.
    world.fault(schema=0.003)
    ended = rollout.end()
    assert ended.code == 1
    found = ended.findings("schema failures")
    assert (found[0]["status"], found[0]["value"]) == ("pass", 0)
    assert "not exposed yet" in found[0]["reason"]
    assert (found[-1]["status"], found[-1]["value"]) == ("fail", 1)
    assert world.sum_of(FAILURES) == 1
    # What one would ask first, increase(), is empty at one sample, and from the second on 0.
    increase = f"sum(increase({FAILURES[4:-1]}[1m]))"
    eventually(lambda: world.sum_of(increase) is not None, "a second sample")
    assert world.sum_of(increase) == 0
    world.all_on_stable()


def test_one_500_in_1000_requests_reads_a_thousandth(world: World, tool: Tool) -> None:
    config = world.config(stages=(100,), observe="2s", plan={"extend_to": 20}, gates=[ERRORS])
    rollout = tool.rollout(config)
    rollout.proven(100)
    world.fault(errors=0.001)
    statuses = asked(world.clients, 1000)
    assert statuses == {200: 999, 500: 1}
    ended = rollout.end()
    assert ended.code == 0, ended.err
    last = ended.findings("error rate")[-1]
    assert last["samples"] == 1000
    assert last["value"] == pytest.approx(0.001)


def asked(clients: Clients, requests: int) -> dict[int, int]:
    """Ask exactly so often, by a few clients at once; count the statuses."""
    seen: list[int] = []

    def client(share: int) -> None:
        for _ in range(share):
            status, _version = clients.ask("POST", "/evolve/options", b'{"mode": "fast"}')
            seen.append(status)

    threads = [threading.Thread(target=client, args=(requests // 4,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {status: seen.count(status) for status in sorted(set(seen))}


@pytest.mark.parametrize(("factor", "code"), [(1.9, 0), (2.1, 1)])
def test_the_loss_may_be_twice_that_of_stable(
    world: World, tool: Tool, factor: float, code: int
) -> None:
    world.fault(loss=factor)
    ended = tool.rollout(world.config(stages=(100,), observe="3s", gates=[LOSS])).end()
    assert ended.code == code, ended.err
    last = ended.findings("training loss")[-1]
    assert last["value"] / last["stable"] == pytest.approx(factor, rel=0.03)
