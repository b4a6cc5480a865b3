"""The circuit breaker of a real rollout: quicker than any evaluation, and no verdict."""

from __future__ import annotations

from typing import Any

import pytest

from canaryctl.core.control import Verb
from tests.e2e.harness import Tool, eventually
from tests.e2e.local_world import LocalWorld, one_clear_message, together

pytestmark = pytest.mark.usefixtures("local_traffic")

BREAKER: dict[str, Any] = {"failures": 5, "open_for": "2s", "probes": 3, "weight": 20}
# The first evaluation would come after half a minute.
SELDOM = "30s"


@pytest.mark.parametrize("fault", [{"down": True}, {"errors": 1.0}], ids=["dead", "500"])
def test_it_opens_before_any_evaluation_and_the_stage_begins_anew(
    local: LocalWorld, tool: Tool, fault: dict[str, float | bool]
) -> None:
    config = local.config(stages=[50, 100], observe="3s", interval=SELDOM, breaker=BREAKER)
    rollout = tool.rollout(config)
    rollout.proven(50)
    local.fault(**fault)
    opened = rollout.wait_for(
        lambda e: e["event"] == "breaker" and e["circuit"] == "open", "it opens", within=30
    )
    assert "requests in a row" in opened["reason"]
    eventually(lambda: local.in_force()["weight"] == "0", "all on stable")
    local.heal()
    rollout.proven(20)
    ended = rollout.end(within=60)
    assert ended.code == 0, ended.err
    assert ended.weights() == [0, 50, 0, 20, 50, 100]
    before = ended.events[: ended.events.index(opened)]
    assert "evaluation" not in [e["event"] for e in before]
    circuits = [e["circuit"] for e in ended.events if e["event"] == "breaker"]
    assert circuits == ["open", "closed"]
    assert local.in_force()["weight"] == "100"


def test_while_it_is_open_only_an_abort_is_done(local: LocalWorld, tool: Tool) -> None:
    config = local.config(breaker=BREAKER | {"open_for": "5m"})
    rollout = tool.rollout(config)
    rollout.proven(50)
    local.fault(errors=1.0)
    opened = rollout.wait_for(lambda e: e["event"] == "breaker", "it opens", within=60)
    rollout.wait_for(
        lambda e: e.get("status") == "proven" and e["at"] > opened["at"], "all on stable", within=20
    )
    before = local.in_force()
    wrong = [["pause"], ["continue"], ["advance"], ["hold"], ["approve", "--as", "engineering"]]
    for command, ended in zip(wrong, together(tool, config, *wrong), strict=True):
        one_clear_message(ended, f"cannot {command[0]}: the circuit breaker is open")
    assert local.in_force() == before
    assert rollout.runs
    local.ask(Verb.ABORT)
    ended = rollout.end(within=60)
    assert ended.code == 130, ended.err
    assert ended.outcome["cause"] == "aborted"


def test_a_canary_that_stays_bad_goes_back_for_good(local: LocalWorld, tool: Tool) -> None:
    config = local.config(interval=SELDOM, breaker=BREAKER | {"openings": 1})
    rollout = tool.rollout(config)
    rollout.proven(50)
    local.fault(errors=1.0)
    ended = rollout.end(within=60)
    assert ended.code == 1, ended.err
    assert ended.outcome["cause"] == "breaker"
    assert "test request 1 of 3 failed" in ended.outcome["reason"]
    assert ended.weights() == [0, 50, 0, 20, 0]
    assert local.in_force()["weight"] == "0"
    assert not local.lease.exists()
