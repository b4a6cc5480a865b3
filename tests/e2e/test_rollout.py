"""A whole rollout on real parts: passing, and with each fault at each stage."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Tool, Traffic, World

STAGES = (1, 5, 25, 100)


@pytest.mark.usefixtures("traffic")
def test_a_healthy_canary_gets_all_traffic(world: World, tool: Tool) -> None:
    config = world.config(stages=STAGES, observe="6s")
    ended = tool.rollout(config).end(within=90)
    assert ended.code == 0, ended.err
    assert ended.weights() == [0, *STAGES]
    assert ended.outcome["outcome"] == "succeeded"
    assert ended.outcome["weight"] == 100
    assert ended.outcome["version"] == "v0.2.0"
    for stage in (1, 2, 3, 4):
        rates = ended.findings("error rate", stage)
        assert rates[-1]["status"] == "pass"
        assert rates[-1]["samples"] >= 5
        modes = {found["part"] for found in ended.findings("p95 latency", stage)}
        assert modes == {"fast", "balanced", "creative"}
    assert world.in_force()["weight"] == "100"
    assert world.clients.versions() == {"canary": 40}
    shown = tool.run("status", "--output", "json", config=config)
    assert shown.code == 0, shown.err
    (status,) = shown.events
    assert (status["proven"], status["canary"], status["drift"]) == (True, 100, False)
    assert status["last"]["outcome"] == "succeeded"


def test_no_request_is_lost_over_a_passing_rollout(
    world: World, tool: Tool, traffic: Traffic
) -> None:
    ended = tool.rollout(world.config(stages=(5, 25, 50, 100), observe="2s")).end()
    assert ended.code == 0, ended.err
    seen = traffic.ended()
    assert seen.figures["lost_because"] == {}
    assert seen.figures["versions"].keys() == {"stable", "canary"}
    assert seen.errors == 0


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize(
    ("settings", "gate", "stage"),
    [
        ({"errors": 0.5}, "error rate", 1),
        ({"latency": 5.0}, "p95 latency", 2),
        ({"schema": 0.5}, "schema failures", 3),
        ({"loss": 2.5}, "training loss", 4),
        ({"down": True}, "canary up", 2),
        ({"errors": 0.05}, "error rate", 4),
    ],
    ids=lambda value: str(value).replace(" ", "_"),
)
def test_a_fault_takes_all_traffic_back(
    world: World,
    tool: Tool,
    settings: dict[str, float | bool],
    gate: str,
    stage: int,
) -> None:
    rollout = tool.rollout(world.config(stages=STAGES, observe="3s", plan={"extend_to": 6}))
    rollout.proven(STAGES[stage - 1])
    world.fault(**settings)
    ended = rollout.end()
    assert ended.code == 1, ended.err
    assert ended.weights() == [0, *STAGES[:stage], 0]
    assert ended.outcome["outcome"] == "rolled_back"
    assert ended.outcome["cause"] == "gate_failed"
    assert ended.outcome["stage"] == stage
    assert ended.outcome["weight"] == 0
    assert gate in ended.outcome["reason"]
    world.all_on_stable()
    # The one who reads the end sees the gate and what to do next, not only the code.
    assert gate in ended.err
    assert "Next steps" in ended.err


def test_a_canary_that_refuses_is_hidden_from_clients_by_failover(
    world: World, tool: Tool, traffic: Traffic
) -> None:
    rollout = tool.rollout(world.config(observe="20s"))
    rollout.judged(stage=1)
    world.fault(down=True)
    ended = rollout.end()
    assert ended.code == 1
    world.all_on_stable()
    seen = traffic.ended()
    assert seen.errors <= seen.under_way(0.25), seen.figures
