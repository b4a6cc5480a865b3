"""A rollout whose process died: seen as abandoned, resumed from anywhere, or brought to 0 %."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from canaryctl.core.control import Verb
from canaryctl.core.weight import Weight
from canaryctl.ports import Mark
from tests.e2e.harness import Running, Tool, eventually
from tests.e2e.local_world import LocalWorld, guards_of, one_clear_message, together

pytestmark = pytest.mark.usefixtures("local_traffic")

SOON = {"lease": "3s"}
HOLD = {"on_abandon": "hold", **SOON}
STAGES = [5, 25, 100]


def killed(rollout: Running, *, guard: bool) -> None:
    """Kill a rollout, and before it what would look after its traffic."""
    if guard:
        (one,) = guards_of(rollout.pid)
        os.kill(one, signal.SIGKILL)
    rollout.kill()


def abandoned(local: LocalWorld, tool: Tool, config: Path, *, guard: bool = True) -> None:
    """Leave a rollout alone in its second stage, at 25 %."""
    rollout = tool.rollout(config)
    rollout.proven(5)
    local.ask(Verb.ADVANCE)
    rollout.proven(25)
    eventually(lambda: (found := local.found().lease) is not None and found.weight == "25", "25 %")
    killed(rollout, guard=guard)


def test_what_is_held_is_resumed_at_its_stage_from_another_machine(
    local: LocalWorld, tool: Tool, tmp_path: Path
) -> None:
    config = local.config(stages=STAGES, gateway=HOLD)
    abandoned(local, tool, config)
    assert local.in_force()["weight"] == "25"
    eventually(lambda: local.found().left <= 0, "the lease has run out")

    other = Tool(tmp_path / "another-machine")
    shown, as_json, wrong, told = together(
        other,
        config,
        ["status"],
        ["status", "--output", "json"],
        ["resume", "--stages", "5,50,100"],
        ["pause"],
    )
    assert "ran out: abandoned (stage 2 of 3 (25 %))" in shown.out
    assert "nobody judges these 25 %: `canaryctl resume`" in shown.out
    (status,) = as_json.events
    assert (status["abandoned"], status["unattended"], status["running"]) == (True, True, None)
    one_clear_message(wrong, "was in stage 2 at 25 %", "5, 50, 100 %", "--stages", code=2)
    one_clear_message(told, "was abandoned", "canaryctl recover")
    assert local.in_force()["weight"] == "25"

    short = ["--observation-period", "4s", "--output", "json"]
    resumed = other.start("resume", *short, config=config)
    resumed.proven(25)
    for ended in together(tool, config, ["resume"], ["retry"], ["recover"]):
        one_clear_message(ended, "another rollout holds this gateway", "rolls v0.2.0 out", code=5)
    ended = resumed.end(within=60)
    assert ended.code == 0, ended.err
    assert ended.weights() == [0, 25, 100]
    assert ended.events[0]["first"] == 2
    assert ended.outcome["version"] == "v0.2.0"
    assert local.in_force()["weight"] == "100"
    assert not local.lease.exists()

    again, retried, sound = together(other, config, ["resume"], ["retry"], ["recover"])
    one_clear_message(again, "no rollout was abandoned", "canaryctl retry")
    one_clear_message(retried, "the last rollout here, of v0.2.0, succeeded")
    assert sound.code == 0, sound.err
    assert "nothing to recover: canary 100 %" in sound.out
    assert local.in_force()["weight"] == "100"


def test_what_a_guard_returned_is_resumed_at_its_stage(
    local: LocalWorld, tool: Tool, tmp_path: Path
) -> None:
    config = local.config(stages=STAGES)
    abandoned(local, tool, config, guard=False)
    eventually(lambda: local.in_force()["weight"] == "0", "the guard has set 0 %", within=60)
    eventually(lambda: not local.lease.exists(), "the guard has freed the gateway", within=60)
    other = Tool(tmp_path / "another-machine")
    wrong = other.run("resume", "--stages", "100", config=config)
    one_clear_message(wrong, "was in stage 2", "the stages here are 100 %", code=2)
    here = tool.run("resume", "--stages", "100", config=config)
    one_clear_message(here, "was in stage 2", "(--stages 5,25,100)", code=2)
    short = ["--observation-period", "1s", "--output", "json"]
    ended = other.run("resume", *short, config=config)
    assert ended.code == 0, ended.err
    assert ended.weights() == [0, 25, 100]


def test_what_was_aborted_is_not_resumed_but_can_be_tried_again(
    local: LocalWorld, tool: Tool
) -> None:
    config = local.config(stages=[50, 100])
    rollout = tool.rollout(config)
    rollout.proven(50)
    local.ask(Verb.ABORT)
    assert rollout.end(within=60).code == 130
    refused = tool.run("resume", config=config)
    one_clear_message(refused, "no rollout was abandoned", "aborted: by", "canaryctl retry")
    short = ["--observation-period", "1s", "--output", "json"]
    again = tool.run("retry", *short, config=config)
    assert again.code == 0, again.err
    assert again.weights() == [0, 50, 100]
    assert again.outcome["version"] == "v0.2.0"


def test_recover_of_what_was_abandoned_proves_zero(local: LocalWorld, tool: Tool) -> None:
    config = local.config(stages=STAGES, gateway=HOLD)
    abandoned(local, tool, config)
    eventually(lambda: local.found().left <= 0, "the lease has run out")
    ended = tool.run("recover", config=config)
    assert ended.code == 0, ended.err
    assert "recovered (a rollout was abandoned): all traffic is on stable" in ended.out
    assert local.in_force()["weight"] == "0"
    assert not local.lease.exists()


def test_a_weight_set_by_hand_after_its_death_is_not_undone(local: LocalWorld, tool: Tool) -> None:
    config = local.config(stages=STAGES, gateway=SOON)
    abandoned(local, tool, config)
    eventually(lambda: local.found().left <= 0, "the lease has run out")
    left = local.lease.read_text()
    by_hand = tool.run("weights", "set", "100", "--reason", "stable is down", config=config)
    assert by_hand.code == 0, by_hand.err
    assert not local.lease.exists()
    local.lease.write_text(left)  # as if a guard had looked before it was taken away
    guard = tool.run("guard", "--once", config=config)
    assert guard.code == 0, guard.err
    assert "set 100 % (stable is down), which stays; the lease is taken away" in guard.err
    assert local.in_force()["weight"] == "100"
    assert not local.lease.exists()


def test_its_guard_returns_the_traffic_where_its_lease_cannot_be_read(
    local: LocalWorld, tool: Tool
) -> None:
    rollout = tool.rollout(local.config(stages=STAGES, gateway={"lease": "1h"}))
    rollout.proven(5)
    local.lease.write_text('{"rollout": "')  # cut; the next renewal, which would see it, is far
    killed(rollout, guard=False)
    eventually(lambda: local.in_force()["weight"] == "0", "its guard has proven 0 %")
    eventually(lambda: not local.lease.exists(), "the guard has given the gateway back")


def _edited(live: Path) -> None:
    live.write_text(live.read_text() + "# by hand\n")


def _half(live: Path) -> None:
    text = live.read_text()
    live.write_text(text[: len(text) // 2])


def _garbage(live: Path) -> None:
    live.write_text("half a line of someth")


@pytest.mark.parametrize(
    ("breaks", "says"),
    [
        (_edited, "edited by hand"),
        (_half, "edited by hand"),
        (_garbage, "not canaryctl's any more"),
        (Path.unlink, "is gone"),
    ],
)
def test_recover_of_a_broken_file_proves_zero(
    local: LocalWorld, tool: Tool, breaks: Callable[[Path], None], says: str
) -> None:
    local.build().router.set(Weight(5000), Mark(reason="a test"), None)
    breaks(local.live)
    ended = tool.run("recover", "--output", "json", config=local.config())
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    (said,) = ended.events
    assert says in said["was"]
    assert (said["changed"], said["weight"]) == (True, 0)
    assert local.in_force() == {"generation": said["generation"], "weight": "0"}
    assert sorted(one.name for one in local.live.parent.iterdir() if "mend" in one.name) == []
    if breaks is _half:
        local.restart()  # what is on disk is what is in force
        assert local.in_force() == {"generation": said["generation"], "weight": "0"}
