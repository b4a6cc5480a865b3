"""A smoke test for machines: one JSON object."""

from __future__ import annotations

from typing import Any

from canaryctl.smoke.result import Outcome, Result, StepResult


def record(result: Result) -> dict[str, Any]:
    """Give the object. Times are seconds, ``began`` since 1970."""
    return {
        "event": "smoke_test",
        "suite": result.suite,
        "target": result.target,
        "url": result.url,
        "passed": result.passed,
        "summary": result.summary,
        "counts": {one.value: len(result.of(one)) for one in Outcome},
        "began": round(result.began, 3),
        "seconds": round(result.seconds, 3),
        "steps": [_step(step) for step in result.steps],
    }


def _step(step: StepResult) -> dict[str, Any]:
    return {
        "name": step.name,
        "kind": step.kind,
        "outcome": step.outcome.value,
        "passed": step.passed,
        "asked": step.asked,
        "detail": step.detail,
        "problems": [
            {"where": one.where, "expected": one.expected, "came": one.came}
            for one in step.problems
        ],
        "next_step": step.next_step,
        "seconds": round(step.seconds, 3),
    }
