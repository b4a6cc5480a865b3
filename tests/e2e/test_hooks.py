"""Hooks and notices of real rollouts: who may stop one, and who is told."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Ended, Tool, eventually
from tests.e2e.local_world import LocalWorld
from tests.sink import Sink, sink

pytestmark = pytest.mark.usefixtures("local_traffic")
LEASE = {"lease": "10s"}
"""What is asked here is not how soon a lease runs out."""
UNREACHABLE = "json://127.0.0.1:1/"


@pytest.fixture
def told() -> Iterator[Sink]:
    """Whoever is told of hooks and notices."""
    with sink() as there:
        yield there


def program(folder: Path, name: str, *lines: str) -> str:
    """Write a program beside canary.yaml; gives it as a hook names it."""
    path = folder / name
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"./{name}"


def hook(name: str, at: str, *command: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "at": [at], "command": list(command), **more}


def gate(name: str, at: str, *command: str, **more: Any) -> dict[str, Any]:
    return hook(name, at, *command, gate=True, **more)


def thrown_back(local: LocalWorld, ended: Ended, *texts: str) -> None:
    """Assert that it went back because a gate failed, and said these things."""
    assert ended.code == 1, ended.err
    assert ended.outcome["cause"] == "gate_failed"
    assert "Traceback" not in ended.err
    for text in texts:
        assert text in ended.outcome["reason"]
        assert text in ended.err
    assert local.in_force()["weight"] == "0"
    assert not local.lease.exists()


def hooks_of(ended: Ended) -> list[tuple[int, str, bool]]:
    """Give what the hooks said that are gates."""
    events = [e for e in ended.events if e["event"] == "hook"]
    return [(e["stage"], e["moment"], e["passed"]) for e in events]


def test_a_gate_hook_before_the_second_stage_sends_traffic_back(
    local: LocalWorld, tool: Tool, tmp_path: Path, told: Sink
) -> None:
    seen = tmp_path / "seen"
    warm = program(
        local.base,
        "warm",
        f'echo "$CANARYCTL_EVENT $CANARYCTL_STAGE/$CANARYCTL_STAGES $CANARYCTL_WEIGHT" >> {seen}',
        'test "$CANARYCTL_STAGE" = 1 && exit 0',
        "echo the cache is cold; exit 7",
    )
    config = local.config(
        observe="1s",
        gateway=LEASE,
        hooks=[
            gate("warm cache", "before-stage", warm, "--fast"),
            {"at": ["after-rollback", "after-rollout"], "url": f"{told.url}/ended"},
        ],
        notify=[{"name": "team", "to": told.channel, "events": ["rolled_back"]}],
    )
    ended = tool.rollout(config).end()
    thrown_back(local, ended, "hook warm cache (before-stage): exit code 7", "the cache is cold")
    assert ended.weights() == [0, 50, 0]
    assert hooks_of(ended) == [(1, "before-stage", True), (2, "before-stage", False)]
    assert seen.read_text().splitlines() == ["before-stage 1/2 50", "before-stage 2/2 100"]
    posted = [one.body for one in told.told if one.path == "/ended"]
    assert [one["event"] for one in posted] == ["after-rollback", "after-rollout"]
    assert posted[0] | {"reason": ""} == {
        "event": "after-rollback",
        "service": ended.events[0]["service"],
        "version": "v0.2.0",
        "rollout": posted[0]["rollout"],
        "owner": posted[0]["owner"],
        "stage": 1,
        "stages": 2,
        "weight": 0,
        "outcome": "rolled_back",
        "cause": "gate failed",
        "reason": "",
    }
    assert "the cache is cold" in posted[0]["reason"]
    (message,) = [one.body for one in told.told if one.path != "/ended"]
    assert "rolled back (gate failed)" in message["title"]
    assert "exit code 7" in message["message"]
    assert posted[0]["rollout"] in message["message"]
    _replays(tool, config)


def _replays(tool: Tool, config: Path) -> None:
    """Assert that the journal has it all, and that it leads to the same end again."""
    listed = tool.run("history", "--output", "json", config=config)
    newest = json.loads(listed.out.splitlines()[0])["id"]
    shown = tool.run("history", newest, config=config)
    assert "✗ hook warm cache (before-stage 2/2): exit code 7" in shown.out
    again = tool.run("replay", newest)
    assert again.code == 0, again.out + again.err
    assert "hook warm cache (before-stage): exit code 7" in again.out


def test_a_gate_hook_after_the_last_stage_sends_all_traffic_back(
    local: LocalWorld, tool: Tool
) -> None:
    asked = program(
        local.base,
        "accept",
        'test "$CANARYCTL_WEIGHT" = 100 || exit 0',
        "echo orders are low >&2; exit 3",
    )
    config = local.config(observe="1s", gateway=LEASE, hooks=[gate("orders", "after-stage", asked)])
    ended = tool.rollout(config).end()
    thrown_back(local, ended, "hook orders (after-stage): exit code 3", "orders are low")
    assert ended.weights() == [0, 50, 100, 0]
    assert hooks_of(ended) == [(1, "after-stage", True), (2, "after-stage", False)]
    table = ended.err.partition("\nStages\n")[2].splitlines()
    assert any("hook orders" in line and "= 0" in line and "✗" in line for line in table)


def test_a_hanging_hook_ends_with_its_time_and_so_does_what_it_started(
    local: LocalWorld, tool: Tool, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    hangs = program(local.base, "hang", f"sleep 300 & echo $! > {pid}", "wait")
    hooks = [gate("slow", "before-stage", hangs, timeout="1500ms")]
    ended = tool.rollout(local.config(observe="1s", gateway=LEASE, hooks=hooks)).end()
    thrown_back(local, ended, "hook slow (before-stage): it did not end within 1.5 s")
    assert ended.weights() == [0, 0]
    eventually(lambda: gone(pid.read_text().strip()), "what the hook started is gone")


def test_while_a_hook_runs_the_rollout_answers_and_ctrl_c_ends_both(
    local: LocalWorld, tool: Tool, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    waits = program(
        local.base, "wait", 'test "$CANARYCTL_STAGE" = 2 || exit 0', f"echo $$ > {pid}", "sleep 300"
    )
    hooks = [gate("long", "before-stage", waits, timeout="5m")]
    config = local.config(observe="1s", gateway=LEASE, hooks=hooks)
    rollout = tool.rollout(config)
    eventually(pid.exists, "the hook runs")
    refused = tool.run("advance", config=config)
    assert refused.code == 4
    assert "hooks are asked: long" in refused.err
    before = local.found()
    assert before.lease is not None
    beat = before.lease.beat
    eventually(lambda: any(one.beat > beat for one in [local.found().lease] if one), "a beat")
    rollout.send(signal.SIGINT)
    ended = rollout.end(within=60)
    assert ended.code == 130, ended.err
    assert ended.weights() == [0, 50, 0]
    eventually(lambda: gone(pid.read_text().strip()), "what the hook started is gone")
    assert local.in_force()["weight"] == "0"


def test_a_gate_hook_before_the_rollout_is_a_check_of_its_preflight(
    local: LocalWorld, tool: Tool
) -> None:
    before = local.in_force()
    hooks = [gate("change window", "before-rollout", "sh", "-c", "echo it is Friday; exit 1")]
    ended = tool.rollout(local.config(hooks=hooks)).end()
    assert ended.code == 4, ended.err
    assert "hook change window: exit code 1" in ended.outcome["reason"]
    assert "it is Friday" in ended.outcome["reason"]
    assert local.in_force() == before


def test_what_is_no_gate_changes_nothing_and_is_said(
    local: LocalWorld, tool: Tool, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    every = ["before-rollout", "before-stage", "after-stage", "after-rollout", "after-rollback"]
    note = program(local.base, "note", f'echo "$CANARYCTL_EVENT $CANARYCTL_OUTCOME" >> {seen}')
    config = local.config(
        observe="1s",
        gateway=LEASE,
        hooks=[
            {"name": "note", "at": every, "command": [note]},
            hook("broken", "before-stage", "sh", "-c", "echo no disk; exit 5"),
            hook("missing", "after-rollout", "./there-is-none"),
            {"name": "gone", "at": "after-stage", "url": "http://127.0.0.1:1/x?key=sesame-open"},
        ],
        notify=[{"name": "deaf", "to": UNREACHABLE}],
    )
    ended = tool.rollout(config).end()
    assert ended.code == 0, ended.err
    assert seen.read_text().splitlines() == [
        "before-rollout ",
        "before-stage ",
        "after-stage ",
        "before-stage ",
        "after-stage ",
        "after-rollout succeeded",
    ]
    for said in (
        "hook broken (before-stage) failed: exit code 5",
        "hook missing (after-rollout) failed: './there-is-none' cannot be started",
        "hook gone (after-stage) failed: 127.0.0.1:1 cannot be told",
        "notify: deaf:",
    ):
        assert said in ended.err, ended.err
    assert "sesame-open" not in ended.err
    assert "Traceback" not in ended.err


def test_who_is_told_what_of_a_failing_canary(local: LocalWorld, tool: Tool, told: Sink) -> None:
    with sink() as pager, sink(hangs=True) as hangs:
        config = local.config(
            observe="30s",
            gateway=LEASE,
            notify=[
                {"name": "team", "to": told.channel},
                {"name": "pager", "to": pager.channel, "severity": "critical"},
                {"name": "hangs", "to": f"{hangs.channel}?rto=60"},
            ],
        )
        rollout = tool.rollout(config)
        rollout.judged(1)
        local.fault(errors=1.0)
        ended = rollout.end()
        assert not pager.told
    assert ended.code == 1, ended.err
    assert local.in_force()["weight"] == "0"
    started, stage, last = told.titles()
    assert started.endswith("the rollout begins")
    assert stage.endswith("stage 1 of 2 (50 %) begins")
    assert last.endswith("rolled back (gate failed)")
    said = told.told[-1].body["message"]
    assert "error rate" in said
    assert "≤ 50 %" in said
    assert "samples" in said
    assert "stable 100 % / canary 0 %, proven at NGINX" in said
    assert "rollout --version v0.2.0" in said
    assert "sink-password" not in ended.err + ended.out
    assert "notify: hangs: 3 not delivered within 10 s" in ended.err


def test_when_a_rollout_dies_its_guard_tells(local: LocalWorld, tool: Tool, told: Sink) -> None:
    events = ["abandoned", "unproven"]
    notify = [{"name": "pager", "to": told.channel, "events": events, "severity": "critical"}]
    rollout = tool.rollout(local.config(gateway=LEASE, notify=notify))
    rollout.proven(50)
    (guard,) = [
        int(one)
        for one in Path(f"/proc/{rollout.pid}/task/{rollout.pid}/children").read_text().split()
    ]
    for public in ("cmdline", "environ"):
        assert b"sink-password" not in Path(f"/proc/{guard}/{public}").read_bytes()
    os.kill(rollout.pid, signal.SIGKILL)
    eventually(lambda: bool(told.told), "the guard's message")
    message = told.told[0].body
    assert "a rollout was abandoned" in message["title"]
    assert message["type"] == "failure"
    assert "its process died; all traffic is on stable, 0 % proven at NGINX" in message["message"]
    assert local.in_force()["weight"] == "0"
    eventually(lambda: not Path(f"/proc/{guard}").exists(), "the guard has ended")


def gone(pid: str) -> bool:
    """Tell whether a process has ended; a machine's first process may collect it late."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")
