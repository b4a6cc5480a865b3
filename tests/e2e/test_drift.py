"""Somebody, or something, changes the gateway during a rollout: found within an interval."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import pytest

from canaryctl.core.control import Verb
from tests.e2e.harness import Event, Tool, eventually
from tests.e2e.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("local_traffic")

Change = Callable[[LocalWorld, str], None]


def edited(local: LocalWorld, _older: str) -> None:
    local.live.write_text(local.live.read_text() + "# by hand\n")


def removed(local: LocalWorld, _older: str) -> None:
    local.live.unlink()


def put_back(local: LocalWorld, older: str) -> None:
    local.live.write_text(older)
    local.reload()


CHANGES = [
    pytest.param(
        edited, r"the file at the gateway \(generation .*\) was edited by hand", id="edit"
    ),
    pytest.param(removed, "canaryctl's file is gone from the gateway", id="removal"),
    pytest.param(
        put_back, r"generation .* is in force again, which is older|an older file", id="old"
    ),
]


def now() -> str:
    """Give the time as events have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def found_within_an_interval(events: Sequence[Event], changed: str, drift: Event) -> bool:
    """Tell whether no whole interval lay between a change and its discovery.

    Counted in the rollout's own evaluations, of which there is one at the end of each interval: one
    may have been under way, and a second would have had to find it first.
    """
    between = [e for e in events if e["event"] == "evaluation" and changed < e["at"] < drift["at"]]
    return len(between) <= 1


def _drift(times: int, event: Event) -> bool:
    return bool(event["event"] == "drift" and event["times"] == times)


def _judged_after(at: str, event: Event) -> bool:
    return bool(event["event"] == "evaluation" and event["at"] > at)


@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_it_ends_the_rollout_safely(
    local: LocalWorld, tool: Tool, change: Change, says: str
) -> None:
    older = local.live.read_text()
    rollout = tool.rollout(local.config())
    rollout.judged(stage=1)
    changed = now()
    change(local, older)
    ended = rollout.end(within=60)
    assert ended.code == 1, ended.err
    assert "Traceback" not in ended.err
    (drift,) = (e for e in ended.events if e["event"] == "drift")
    assert found_within_an_interval(ended.events, changed, drift)
    assert drift["action"] == "end"
    assert ended.outcome["cause"] == "drift"
    assert re.search(says, drift["what"]), drift
    assert drift["what"] in ended.outcome["reason"]
    assert ended.weights() == [0, 50, 0]
    assert local.in_force()["weight"] == "0"
    assert not local.lease.exists()


def test_it_is_set_again_where_that_is_wanted(local: LocalWorld, tool: Tool) -> None:
    older = local.live.read_text()
    config = local.config(gateway={"on_drift": "reassert"})
    rollout = tool.rollout(config)
    rollout.judged(stage=1)
    for times, change in enumerate([edited, put_back, removed], 1):
        changed = now()
        change(local, older)
        found = rollout.wait_for(partial(_drift, times), f"drift {times}")
        assert found_within_an_interval(rollout.events, changed, found)
        assert found["action"] == "reassert"
        eventually(lambda: local.in_force()["weight"] == "50", "50 % again", within=60)
        rollout.wait_for(partial(_judged_after, found["at"]), "it goes on")
    local.ask(Verb.ABORT)
    ended = rollout.end(within=60)
    assert ended.code == 130, ended.err
    assert ended.weights() == [0, 50, 50, 50, 50, 0]
    assert local.in_force()["weight"] == "0"


def test_an_older_file_is_older_also_after_a_removal(local: LocalWorld, tool: Tool) -> None:
    older = local.live.read_text()
    rollout = tool.rollout(local.config(gateway={"on_drift": "reassert"}))
    rollout.judged(stage=1)
    local.live.unlink()
    found = rollout.wait_for(lambda e: e["event"] == "drift", "it is found")
    rollout.wait_for(lambda e: e.get("status") == "proven" and e["at"] > found["at"], "50 % again")
    put_back(local, older)
    ended = rollout.wait_for(
        lambda e: e["event"] in ("overtaken", "drift") and e["at"] > found["at"], "it is told"
    )
    assert ended["event"] == "drift", ended


def test_a_restart_with_the_same_file_is_no_drift(local: LocalWorld, tool: Tool) -> None:
    rollout = tool.rollout(local.config(stages=[50, 100], observe="3s"))
    rollout.judged(stage=1)
    local.restart()
    ended = rollout.end(within=60)
    assert ended.code == 0, ended.err
    assert not [e for e in ended.events if e["event"] == "drift"]
    assert ended.weights() == [0, 50, 100]


def test_a_restart_with_another_file_is(local: LocalWorld, tool: Tool) -> None:
    older = local.live.read_text()
    rollout = tool.rollout(local.config(stages=[50, 100]))
    rollout.judged(stage=1)
    local.live.write_text(older)
    local.restart()
    ended = rollout.end(within=60)
    assert ended.code == 1, ended.err
    assert ended.outcome["cause"] == "drift"
    assert local.in_force()["weight"] == "0"


def test_a_broken_file_is_mended_on_the_way_back(local: LocalWorld, tool: Tool) -> None:
    rollout = tool.rollout(local.config())
    rollout.judged(stage=1)
    text = local.live.read_text()
    local.live.write_text(text[: len(text) // 2])
    ended = rollout.end(within=60)
    assert ended.code == 1, ended.err
    assert ended.outcome["cause"] == "drift"
    assert ended.weights() == [0, 50, 0]
    local.restart()  # what is on disk is what is in force
    assert local.in_force()["weight"] == "0"
