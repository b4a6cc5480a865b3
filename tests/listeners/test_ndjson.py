"""One JSON object a line."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.events import (
    Check,
    Crashed,
    GatewaySilent,
    Interrupted,
    MetricsSilent,
    Overtaken,
    TrafficUnproven,
)
from canaryctl.core.gate import Status
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.ndjson import NdjsonListener
from tests.listeners.walk import BANNER, LOSS, SCHEMA, Walk, errors, healthy, plan

ROOT = Path(__file__).resolve().parents[2]


def walk(*weights: str) -> tuple[Walk, io.StringIO]:
    out = io.StringIO()
    stages = weights or ("0.5", "100")
    return Walk([NdjsonListener(BANNER, out)], State(plan(*stages, observe=20.0))), out


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def objects(out: io.StringIO) -> list[dict[str, Any]]:
    assert out.getvalue().isascii()
    return [json.loads(row, parse_constant=refuse) for row in out.getvalue().splitlines()]


def test_a_success_from_start_to_outcome() -> None:
    stroll, out = walk()
    stroll.begin().to_the_end()
    seen = objects(out)
    assert [(one["event"], one.get("status"), one["stage"]) for one in seen] == [
        ("started", None, None),
        ("preflight", None, None),
        ("weight", "announced", None),
        ("weight", "proven", None),
        ("weight", "announced", 1),
        ("weight", "proven", 1),
        ("evaluation", None, 1),
        ("evaluation", None, 1),
        ("weight", "announced", 2),
        ("weight", "proven", 2),
        ("evaluation", None, 2),
        ("evaluation", None, 2),
        ("outcome", None, 2),
    ]
    assert [one["passed"] for one in seen if one["event"] == "evaluation"] == [
        False, True, False, True,
    ]  # fmt: skip
    outcome = seen[-1]
    assert {
        key: outcome[key] for key in ("outcome", "weight", "version", "cause", "exit_code")
    } == {
        "outcome": "succeeded",
        "weight": 100,
        "version": "v0.2.0",
        "cause": "passed",
        "exit_code": 0,
    }


def test_times_are_utc() -> None:
    stroll, out = walk()
    stroll.begin().to_the_end()
    seen = objects(out)
    assert seen[0]["at"] == "2025-06-15T15:06:40.000Z"
    moments = [datetime.fromisoformat(one["at"]) for one in seen]
    assert moments == sorted(moments)


def test_what_is_known_at_the_start() -> None:
    stroll, out = walk()
    stroll.begin()
    started, preflight = objects(out)[:2]
    assert started["service"] == "fragrance-ai"
    assert started["plan"]["stages"][0] == {"weight": 0.5, "observe": 20.0}
    assert preflight["passed"] is True
    assert [check["passed"] for check in preflight["checks"]] == [True, True, True, None]


def test_a_weight_is_announced_and_proven() -> None:
    stroll, out = walk()
    stroll.begin()
    announced, proven = objects(out)[-2:]
    assert (announced["weight"], announced["reason"]) == (0.5, "stage 1 of 2")
    assert (proven["weight"], proven["generation"], proven["took"]) == (0.5, "13-ab12", 0.19)


def test_findings_carry_what_they_are_held_against() -> None:
    stroll, out = walk()
    stroll.begin().judge(errors(9, 900), *healthy(900)[1:])
    stroll.prove()
    evaluation = next(one for one in objects(out) if one["event"] == "evaluation")
    found = evaluation["findings"]
    assert found[0] == {
        "gate": "error rate",
        "part": None,
        "status": "fail",
        "value": 0.01,
        "comparator": "≤",
        "limit": 0.005,
        "samples": 900,
        "unit": "%",
        "reason": "9 of 900 requests: 1.000% is above its limit (≤ 0.5 %)",
        "stable": 0.0008,
        "severity": "rollback",
        "queries": ['http_requests_total{status=~"5..",version="canary"}'],
        "judge": "threshold",
        "evidence": None,
    }
    assert (found[1]["gate"], found[1]["part"]) == ("p95 latency", "fast")
    assert evaluation["verdict"] == "back"
    assert objects(out)[-1]["outcome"] == "rolled_back"
    assert objects(out)[-1]["weight"] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_json_does_not_know_is_null(value: float) -> None:
    stroll, out = walk()
    strange = replace(LOSS, status=Status.NO_DATA, value=value, limit=value, stable=value)
    stroll.begin().judge(SCHEMA, replace(strange, samples=value))
    found = objects(out)[-1]["findings"][1]
    assert [found[key] for key in ("value", "limit", "stable", "samples")] == [None] * 4
    assert found["status"] == "no_data"


def test_silences_say_since_when() -> None:
    stroll, out = walk()
    stroll.begin()
    stroll.wait().event(MetricsSilent(stroll.now, "refused"))
    since = objects(out)[-1]["since"]
    stroll.wait().event(MetricsSilent(stroll.now, "refused"))
    stroll.event(GatewaySilent(stroll.now, "timed out"))
    metrics, gateway = objects(out)[-2:]
    assert (metrics["event"], metrics["since"]) == ("metrics_silent", since)
    assert (gateway["event"], gateway["reason"]) == ("gateway_silent", "timed out")


def test_an_unknown_weight_is_null() -> None:
    stroll, out = walk()
    stroll.begin().event(Interrupted(stroll.now, "Ctrl-C"))
    for _ in range(3):
        stroll.event(TrafficUnproven(stroll.now, Weight.ZERO, "no answer"))
    seen = objects(out)
    assert [one["event"] for one in seen].count("interrupted") == 1
    assert (seen[-1]["outcome"], seen[-1]["weight"], seen[-1]["exit_code"]) == ("unknown", None, 3)


def test_nothing_touched_has_no_weight() -> None:
    stroll, out = walk()
    stroll.begin((Check("gateway", False, "gone"),))
    assert objects(out)[1]["passed"] is False
    assert (objects(out)[-1]["outcome"], objects(out)[-1]["weight"]) == ("aborted", None)


def test_a_weight_of_somebody_else_is_a_number() -> None:
    stroll, out = walk()
    stroll.begin().event(Overtaken(stroll.now, Weight.ZERO, "eve set 0 %: canaryctl rollback"))
    overtaken, outcome = objects(out)[-2:]
    assert (overtaken["weight"], overtaken["by"]) == (0, "eve set 0 %: canaryctl rollback")
    assert (outcome["outcome"], outcome["cause"], outcome["weight"]) == ("aborted", "superseded", 0)


def test_a_crash_is_an_event_of_its_own() -> None:
    stroll, out = walk()
    stroll.begin().event(Crashed(stroll.now, "KeyError: 'x'"))
    assert objects(out)[-2] == {
        "event": "crashed",
        "at": objects(out)[-2]["at"],
        "stage": 1,
        "reason": "KeyError: 'x'",
    }
    assert stroll.prove().state.phase is Phase.ENDED


def test_every_line_is_flushed_by_itself() -> None:
    class Counting(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    out = Counting()
    Walk([NdjsonListener(BANNER, out)], State(plan("5"))).begin()
    assert out.flushed == len(out.getvalue().splitlines()) > 4


SCRIPT = """
import sys
from canaryctl.core.state import State
from canaryctl.listeners.{module} import {name}
from tests.listeners.walk import BANNER, Walk, plan
sys.stdin.readline()  # until nobody reads any more
Walk([{name}(BANNER, sys.stdout)], State(plan("5", "100"))).begin().to_the_end()
sys.exit(7)
"""


@pytest.mark.parametrize(
    ("module", "name"), [("ndjson", "NdjsonListener"), ("plain", "PlainListener")]
)
def test_a_closed_pipe_changes_neither_the_end_nor_the_exit_code(module: str, name: str) -> None:
    script = SCRIPT.format(module=module, name=name)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            process.stdin.write("\n")
            process.stdin.close()
            assert process.wait(30) == 7
            assert process.stderr.read() == ""
        finally:
            process.kill()
