"""What goes wrong around a rollout: containers, Prometheus, people, signals."""

from __future__ import annotations

import signal
import time

import pytest

from tests.e2e.harness import IN_FLIGHT, Tool, Traffic, World, eventually


def test_the_canarys_container_is_removed_at_25_percent(
    world: World, tool: Tool, traffic: Traffic
) -> None:
    rollout = tool.rollout(world.config(stages=(25, 100), observe="20s"))
    rollout.judged(stage=1)
    try:
        world.container("app-canary").remove(force=True)
        ended = rollout.end()
        assert ended.code == 1, ended.err
        assert ended.outcome["weight"] == 0
        assert ended.weights() == [0, 25, 0]
        assert world.in_force()["weight"] == "0"
        assert world.clients.versions() == {"stable": 40}
        seen = traffic.ended()
        assert seen.errors <= IN_FLIGHT, seen.figures
    finally:
        world.running.compose.up("app-canary", within=60)
        world.seen()


@pytest.mark.usefixtures("traffic")
def test_a_rollback_from_another_terminal_ends_the_rollout(world: World, tool: Tool) -> None:
    config = world.config(stages=(50, 100), observe="60s")
    rollout = tool.rollout(config)
    rollout.judged(stage=1)
    began = time.monotonic()
    back = tool.run("rollback", "--reason", "looks odd", config=config)
    took = time.monotonic() - began
    assert back.code == 0, back.err
    assert "0 % canary proven at NGINX" in back.out
    world.all_on_stable()
    assert took < 2, f"{took:.2f} s"
    ended = rollout.end(within=10)
    assert ended.code == 130, ended.err
    assert ended.outcome["outcome"] == "aborted"
    assert ended.outcome["weight"] == 0
    assert "looks odd" in ended.outcome["reason"]
    assert ended.weights() == [0, 50]  # it did not set anything itself
    assert world.in_force()["generation"] in back.out


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_all_traffic_back(world: World, tool: Tool, number: signal.Signals) -> None:
    rollout = tool.rollout(world.config(stages=(50, 100), observe="60s"))
    rollout.proven(50)
    rollout.send(number)
    ended = rollout.end(within=10)
    assert ended.code == 130, ended.err
    assert ended.outcome["outcome"] == "aborted"
    assert ended.outcome["cause"] == "interrupted"
    assert ended.weights() == [0, 50, 0]
    world.all_on_stable()


@pytest.mark.usefixtures("traffic")
def test_after_a_kill_the_truth_can_be_seen_and_mended(world: World, tool: Tool) -> None:
    config = world.config(stages=(25, 100), observe="60s")
    rollout = tool.rollout(config)
    generation = rollout.proven(25)["generation"]
    rollout.kill()
    shown = tool.run("status", "--output", "json", config=config)
    assert shown.code == 0, shown.err
    (status,) = shown.events
    assert (status["proven"], status["canary"], status["stable"]) == (True, 25, 75)
    assert status["generation"] == status["generation_on_disk"] == generation
    assert status["release"] == "v0.2.0"
    assert status["running"] is None  # a dead owner holds nothing
    back = tool.run("rollback", config=config)
    assert back.code == 0, back.err
    world.all_on_stable()


@pytest.mark.usefixtures("traffic")
def test_of_two_rollouts_one_runs_and_the_other_changes_nothing(world: World, tool: Tool) -> None:
    config = world.config(stages=(25, 100), observe="60s")
    first = tool.rollout(config)
    first.proven(25)
    before = world.in_force()["generation"]
    second = tool.rollout(config).end(within=20)
    assert second.code == 5, second.err
    assert "another rollout holds this gateway" in second.err
    assert world.in_force()["generation"] == before
    assert first.runs
    first.send(signal.SIGINT)
    assert first.end(within=10).code == 130
    world.all_on_stable()


@pytest.mark.usefixtures("traffic")
def test_metrics_that_stay_away_end_it_and_nobody_blames_the_canary(
    world: World, tool: Tool
) -> None:
    config = world.config(
        stages=(25, 100), observe="30s", metrics={"lost_after": "4s", "timeout": "1s"}
    )
    rollout = tool.rollout(config)
    rollout.judged(stage=1)
    prometheus = world.container("prometheus")
    prometheus.stop(timeout=2)
    try:
        rollout.wait_for(lambda e: e["event"] == "metrics_silent", "metrics are silent")
        assert world.in_force()["weight"] == "25"  # it holds, and does not go back at once
        ended = rollout.end()
    finally:
        prometheus.start()
        world.seen()
    assert ended.code == 1, ended.err
    assert ended.outcome["cause"] == "metrics_lost"
    assert ended.outcome["weight"] == 0
    assert "no answer for" in ended.outcome["reason"]
    assert "canary" not in ended.outcome["reason"]
    assert "fix the canary" not in ended.err
    world.all_on_stable()


@pytest.mark.usefixtures("traffic")
def test_metrics_that_come_back_let_it_go_on(world: World, tool: Tool) -> None:
    config = world.config(
        stages=(25, 100), observe="4s", metrics={"lost_after": "60s", "timeout": "1s"}
    )
    rollout = tool.rollout(config)
    rollout.judged(stage=1)
    prometheus = world.container("prometheus")
    prometheus.stop(timeout=2)
    try:
        rollout.wait_for(lambda e: e["event"] == "metrics_silent", "metrics are silent")
    finally:
        prometheus.start()
    ended = rollout.end()
    assert ended.code == 0, ended.err
    assert ended.weights() == [0, 25, 100]
    eventually(lambda: world.in_force()["weight"] == "100", "100 % in force", within=2)
