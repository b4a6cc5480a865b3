"""What goes wrong around a rollout: containers, Prometheus, people, signals."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.harness import Event, Tool, Traffic, World, eventually


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
        assert seen.errors <= seen.under_way(0.25), seen.figures
    finally:
        world.running.compose.up("app-canary", within=60)
        world.seen()


@pytest.mark.alone
@pytest.mark.usefixtures("traffic")
def test_a_rollback_from_another_terminal_ends_the_rollout(world: World, tool: Tool) -> None:
    config = world.config(stages=(50, 100), observe="10m")
    began = time.monotonic()
    set_by_hand = tool.run("weights", "set", "0", config=config)
    alone = time.monotonic() - began
    assert set_by_hand.code == 0, set_by_hand.err
    rollout = tool.rollout(config)
    rollout.judged(stage=1)
    began = time.monotonic()
    back = tool.run("rollback", "--reason", "looks odd", config=config)
    took = time.monotonic() - began
    assert back.code == 0, back.err
    assert "0 % canary proven at NGINX" in back.out
    world.all_on_stable()
    # Nobody is waited for: it takes as long as where nothing is under way.
    assert took < 3 * alone, f"{took:.2f} s; weights set took {alone:.2f} s"
    ended = rollout.end(within=60)
    assert ended.code == 130, ended.err
    assert ended.outcome["outcome"] == "aborted"
    assert ended.outcome["weight"] == 0
    assert "looks odd" in ended.outcome["reason"]
    assert ended.weights() == [0, 50]  # it did not set anything itself
    assert world.in_force()["generation"] in back.out


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_all_traffic_back(world: World, tool: Tool, number: signal.Signals) -> None:
    rollout = tool.rollout(world.config(stages=(50, 100), observe="10m"))
    rollout.proven(50)
    rollout.send(number)
    ended = rollout.end(within=60)
    assert ended.code == 130, ended.err
    assert ended.outcome["outcome"] == "aborted"
    assert ended.outcome["cause"] == "interrupted"
    assert ended.weights() == [0, 50, 0]
    world.all_on_stable()


@pytest.mark.usefixtures("traffic")
def test_after_a_kill_its_guard_has_all_traffic_on_stable(world: World, tool: Tool) -> None:
    config = world.config(stages=(25, 100), observe="10m")
    rollout = tool.rollout(config)
    rollout.proven(25)
    rollout.kill()
    eventually(lambda: world.in_force()["weight"] == "0", "0 % by the guard", within=60)
    world.all_on_stable()
    eventually(lambda: not lease_of(tool, config), "the lease given back", within=60)
    status = status_of(tool, config)
    assert status["generation"] == status["generation_on_disk"]
    assert status["release"] == "v0.2.0"
    assert status["running"] is None
    assert "its process died" in status["reason"]


@pytest.mark.usefixtures("traffic")
def test_an_abandoned_rollout_that_is_to_be_held_stays_until_somebody_decides(
    world: World, tool: Tool
) -> None:
    config = world.config(
        stages=(25, 100), observe="10m", gateway={"on_abandon": "hold", "lease": "3s"}
    )
    rollout = tool.rollout(config)
    generation = rollout.proven(25)["generation"]
    rollout.kill()
    eventually(lambda: status_of(tool, config)["running"] is None, "the lease runs out", within=60)
    status = status_of(tool, config)
    assert (status["proven"], status["canary"], status["stable"]) == (True, 25, 75)
    assert status["generation"] == status["generation_on_disk"] == generation
    recovered = tool.run("recover", config=config)
    assert recovered.code == 0, recovered.err
    assert "0 % canary proven at NGINX" in recovered.out
    assert not lease_of(tool, config)
    world.all_on_stable()


def status_of(tool: Tool, config: Path) -> Event:
    shown = tool.run("status", "--output", "json", config=config)
    assert shown.code == 0, shown.err
    (status,) = shown.events
    return status


def lease_of(tool: Tool, config: Path) -> Event | None:
    lease: Event | None = status_of(tool, config)["lease"]
    return lease


@pytest.mark.usefixtures("traffic")
def test_of_two_rollouts_one_runs_and_the_other_changes_nothing(world: World, tool: Tool) -> None:
    config = world.config(stages=(25, 100), observe="10m")
    first = tool.rollout(config)
    first.proven(25)
    before = world.in_force()["generation"]
    second = tool.rollout(config).end(within=60)
    assert second.code == 5, second.err
    assert "another rollout holds this gateway" in second.err
    assert world.in_force()["generation"] == before
    assert first.runs
    first.send(signal.SIGINT)
    assert first.end(within=60).code == 130
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
        stages=(25, 100), observe="4s", metrics={"lost_after": "60s", "timeout": "3s"}
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
    eventually(lambda: world.in_force()["weight"] == "100", "100 % in force")
