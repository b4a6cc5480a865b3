"""Wrong input: one clear message, the right exit code, the previous weights in force."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Ended, Tool, World, with_a_mistake

UP: dict[str, Any] = {"kind": "promql", "name": "a query", "max": 1}


def closed(free_port: Callable[[], int]) -> str:
    return f"http://127.0.0.1:{free_port()}"


def one_clear_message(ended: Ended, *texts: str) -> None:
    assert "Traceback" not in ended.err + ended.out
    messages = [line for line in ended.err.splitlines() if line.startswith("canaryctl: ")]
    assert len(messages) == 1, ended.err
    for text in texts:
        assert text in ended.err, ended.err


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--stages", "5,1"], ["--stages", "5,1"]),
        (["--stages", "101"], ["--stages", "101"]),
        (["--stages", ""], ["--stages"]),
        (["--observation-period", "-5"], ["--observation-period", "-5"]),
        (["--interval", "soon"], ["--interval", "soon"]),
    ],
    ids=str,
)
def test_wrong_flags(world: World, tool: Tool, flags: list[str], names: list[str]) -> None:
    before = world.in_force()
    ended = tool.rollout(world.config(), *flags).end()
    assert ended.code == 2
    one_clear_message(ended, *names)
    assert world.in_force()["generation"] == before["generation"]


def test_garbage_for_a_configuration(tool: Tool, tmp_path: Path) -> None:
    garbage = tmp_path / "canary.yaml"
    garbage.write_text("service: [\n\tgateway: {{{\n")
    ended = tool.rollout(garbage).end()
    assert ended.code == 2
    one_clear_message(ended, "canary.yaml")


def test_an_unknown_kind_of_gate(world: World, tool: Tool) -> None:
    before = world.in_force()
    gates = [{"name": "vibes", "kind": "vibes", "max": 1}]
    ended = tool.rollout(world.config(gates=gates)).end()
    assert ended.code == 2
    one_clear_message(ended, "vibes", "ratio")
    assert world.in_force()["generation"] == before["generation"]


def test_a_container_that_is_not_there(world: World, tool: Tool) -> None:
    before = world.in_force()
    gateway = {"project": None, "service": None, "container": "no-such-nginx"}
    ended = tool.rollout(world.config(gateway=gateway)).end()
    assert ended.code == 4
    assert "Traceback" not in ended.err
    assert "no-such-nginx" in ended.err
    assert world.in_force()["generation"] == before["generation"]


def test_a_prometheus_that_is_not_there(
    world: World, tool: Tool, free_port: Callable[[], int]
) -> None:
    before = world.in_force()
    url = closed(free_port)
    ended = tool.rollout(world.config(metrics={"url": url})).end()
    assert ended.code == 4
    assert ended.outcome["cause"] == "preflight"
    assert url in ended.outcome["reason"]
    assert "Traceback" not in ended.err
    assert world.in_force()["generation"] == before["generation"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("http_requests_total", "series"),
        ("sum(http_requests_total", "parse error"),
    ],
)
def test_a_query_that_can_never_work_is_found_before_traffic_moves(
    world: World, tool: Tool, query: str, says: str
) -> None:
    before = world.in_force()
    ended = tool.rollout(world.config(gates=[UP | {"query": query}])).end()
    assert ended.code == 4, ended.err
    assert ended.outcome["cause"] == "preflight"
    assert "a query" in ended.outcome["reason"]
    assert says in ended.outcome["reason"]
    assert "Traceback" not in ended.err
    assert world.in_force()["generation"] == before["generation"]


@pytest.mark.parametrize(
    ("query", "says"),
    [("no_such_metric_at_all", "empty result"), ("vector(0) / vector(0)", "nan")],
)
def test_a_query_without_a_number_is_never_a_pass(
    world: World, tool: Tool, query: str, says: str
) -> None:
    config = world.config(
        stages=(100,), observe="2s", plan={"extend_to": 1.5}, gates=[UP | {"query": query}]
    )
    ended = tool.rollout(config).end()
    assert ended.code == 1, ended.err
    assert ended.outcome["cause"] == "no_data"
    assert says in ended.outcome["reason"].lower()
    assert "Traceback" not in ended.err
    world.all_on_stable()


def test_nginx_refuses_what_a_template_makes(world: World, tool: Tool, tmp_path: Path) -> None:
    before = world.in_force()
    config = world.config(gateway={"template": str(with_a_mistake(tmp_path))})
    ended = tool.rollout(config).end()
    assert ended.code == 2, ended.err
    assert ended.weights() == []
    assert "NGINX refuses" in ended.outcome["reason"]
    assert "keep_alive" in ended.outcome["reason"]
    assert "Traceback" not in ended.err
    by_hand = tool.run("weights", "set", "5", config=config)
    assert by_hand.code == 2
    one_clear_message(by_hand, "NGINX refuses 5 %", "keep_alive")
    assert world.in_force()["generation"] == before["generation"]
