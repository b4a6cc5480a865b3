"""A real rollout (NGINX, services, scrapes) is judged again from what it wrote down."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest

from canaryctl.demo.fault import switch
from canaryctl.demo.local_stack import local_stack
from canaryctl.drivers.clock import SystemClock
from tests.e2e.harness import Ended, Tool, eventually, load

STRICT_FROM = "max: 0.5%"


def _answers(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module")
def rolled(
    tmp_path_factory: pytest.TempPathFactory, nginx_binary: Path
) -> tuple[Tool, Path, Ended]:
    """A rollout that a fault ended, its journal and its configuration; the stack is gone."""
    assert nginx_binary.exists()
    folder = tmp_path_factory.mktemp("recorded")
    base = folder / "stack"
    base.mkdir()
    tool = Tool(folder / "state")
    config = folder / "canary.yaml"
    try:
        with local_stack(base, SystemClock(), "20s") as stack:
            config.write_text(stack.config.read_text(encoding="utf-8"), encoding="utf-8")
            begun = tool.run("weights", "set", "0", config=stack.config)
            assert begun.code == 0, begun.err
            eventually(lambda: _answers(stack.url), "clients are served")
            port = int(stack.url.rpartition(":")[2])
            with load(port, folder):
                rollout = tool.rollout(stack.config)
                rollout.proven(5)
                switch(stack.faults, {"errors": 0.05})
                ended = rollout.end(within=120)
    finally:
        for running in tool.started:
            running.stop()
    return tool, config, ended


def rollout_id(tool: Tool) -> str:
    listed = tool.run("history", "--output", "json").events
    (found,) = [one["id"] for one in listed if one["kind"] == "rollout"]
    return str(found)


@pytest.mark.slow
def test_a_real_rollout_replays_to_the_same_verdicts(rolled: tuple[Tool, Path, Ended]) -> None:
    tool, _, ended = rolled
    assert ended.code == 1, ended.err

    replayed = tool.run("replay", rollout_id(tool), "--output", "json")

    assert replayed.code == 0, replayed.out + replayed.err
    outcome = replayed.outcome
    live = [e for e in ended.events if e["event"] == "evaluation"]
    assert outcome["result"] == "same"
    assert outcome["same"] == outcome["of"] == len(live)
    assert outcome["evidence_gap"] == 0.0
    assert outcome["replayed"]["reason"] == ended.outcome["reason"]
    again = [e for e in replayed.events if e["event"] == "judged"]
    assert [e["verdict"]["ruling"] for e in again] == [e["verdict"] for e in live]
    said = tool.run("replay", rollout_id(tool)).out
    assert f"same verdicts at the same moments: {len(live)} of {len(live)}" in said


@pytest.mark.slow
def test_another_limit_would_have_ended_elsewhere(rolled: tuple[Tool, Path, Ended]) -> None:
    tool, config, ended = rolled
    text = config.read_text(encoding="utf-8")
    assert STRICT_FROM in text
    lax = config.with_name("lax.yaml")
    lax.write_text(text.replace(STRICT_FROM, "max: 40%"), encoding="utf-8")

    played = tool.run("replay", rollout_id(tool), "--output", "json", config=lax)

    assert played.code == 0, played.out + played.err
    outcome = played.outcome
    assert outcome["result"] == "played"
    assert outcome["recorded"]["cause"] == "gate_failed"
    assert outcome["replayed"] is None  # it would have gone on: the recording ends first
    assert "% ends here" in outcome["stopped"] or "no traffic at" in outcome["stopped"]
    assert any(e["event"] == "judged" and e["same"] is False for e in played.events)
    assert ended.outcome["outcome"] == "rolled_back"


@pytest.mark.slow
def test_an_exported_rollout_is_the_same_as_a_file(
    rolled: tuple[Tool, Path, Ended], tmp_path: Path
) -> None:
    tool, _, _ = rolled
    target = tmp_path / "rollout.ndjson"
    written = tool.run("replay", rollout_id(tool), "--export", str(target))
    assert written.code == 0, written.err
    head = json.loads(target.read_text(encoding="utf-8").splitlines()[0])
    assert {"plan", "gates", "judgement"} <= head.keys()

    replayed = tool.run("replay", str(target), "--output", "json")

    assert replayed.code == 0, replayed.out + replayed.err
    assert replayed.outcome["result"] == "same"
