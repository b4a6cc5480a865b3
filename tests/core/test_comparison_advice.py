"""What a comparison and the gates' findings come to."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from canaryctl.core.comparison.advice import (
    Advice,
    Health,
    Recommendation,
    advise,
    critical,
    health_of,
)
from canaryctl.core.comparison.compare import compared
from canaryctl.core.comparison.side import Latency, Side
from canaryctl.core.gate import (
    Finding,
    LatencyGate,
    OnNoData,
    RatioGate,
    Rule,
    Severity,
    Status,
    UpGate,
    ZeroGate,
)
from canaryctl.core.selector import parse_selector
from canaryctl.core.series import Window

WINDOW = Window(0.0, 60.0)
PASSED = Finding("errors", Status.PASS, "1 of 1000 requests")
FAILED = Finding("errors", Status.FAIL, "9 % is above its limit")
SLOW = Finding("p95", Status.FAIL, "4 s is above its limit", part="fast")
SCHEMA = Finding("schema", Status.FAIL, "rose by 1")
UNSURE = Finding("p95", Status.NO_DATA, "3 of the 10 observations needed", part="fast")
REFUSED = Finding("queue", Status.ERROR, "bad query")
WARNED = replace(SLOW, severity=Severity.WARN)
CRITICAL = frozenset({"schema"})
ROLLBACK, HOLD, PROMOTE = Recommendation.ROLLBACK, Recommendation.HOLD, Recommendation.PROMOTE


def latency(slow: float, count: float = 1000.0) -> Latency:
    """All at most ``slow``, evenly: the p95 is 0.95 of it."""
    return Latency({slow: count, inf: count}, slow * count / 2)


GOOD = Side(requests=1000.0, errors=1.0, latency=latency(1.0), seen=60.0)


def advised(canary: Side, *findings: Finding, stable: Side = GOOD) -> Advice:
    return advise(compared(canary, stable, WINDOW), findings, CRITICAL)


@pytest.mark.parametrize(
    ("findings", "health"),
    [
        ((PASSED,), Health.HEALTHY),
        ((PASSED, UNSURE, REFUSED), Health.HEALTHY),
        ((PASSED, FAILED), Health.DEGRADED),
        ((PASSED, WARNED), Health.DEGRADED),
        ((FAILED, SLOW), Health.UNHEALTHY),
        ((FAILED, WARNED), Health.DEGRADED),
        ((SCHEMA,), Health.UNHEALTHY),
    ],
)
def test_health_counts_the_checks_over_their_limits(
    findings: tuple[Finding, ...], health: Health
) -> None:
    assert health_of(GOOD, findings, CRITICAL) is health


@pytest.mark.parametrize("requests", [None, 0.0, 9.0])
def test_too_little_is_no_verdict_but_a_failed_check_is_one(requests: float | None) -> None:
    few = replace(GOOD, requests=requests)
    assert health_of(few, (PASSED,), CRITICAL) is Health.UNKNOWN
    assert health_of(few, (WARNED,), CRITICAL) is Health.UNKNOWN
    assert health_of(few, (FAILED,), CRITICAL) is Health.DEGRADED
    assert health_of(few, (SCHEMA,), CRITICAL) is Health.UNHEALTHY
    assert health_of(replace(GOOD, requests=10.0), (PASSED,), CRITICAL) is Health.HEALTHY


def test_zero_tolerance_and_a_canary_that_is_down_are_critical() -> None:
    some = parse_selector("some_total")
    gates = (
        ZeroGate(Rule("schema"), some),
        UpGate(Rule("canary up")),
        RatioGate(Rule("errors"), some, some),
        LatencyGate(Rule("p95"), some, 0.95),
    )
    assert critical(gates) == {"schema", "canary up"}


def test_all_well_is_a_promotion() -> None:
    found = advised(GOOD, PASSED)
    assert (found.health, found.recommendation) == (Health.HEALTHY, PROMOTE)
    said = "gates pass, success rate 99.9 % (≥ 95 %), p95 at most 1.2 × stable's"
    assert found.reason == said


def test_a_failed_gate_is_a_rollback_whatever_else_there_is() -> None:
    found = advised(replace(GOOD, requests=3.0), UNSURE, FAILED, SLOW)
    assert found.recommendation is ROLLBACK
    assert found.reason == "errors: 9 % is above its limit; 1 more over their limits"


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (UNSURE, "p95 (fast): no data: 3 of the 10 observations needed"),
        (REFUSED, "queue: error: bad query"),
        (WARNED, "p95 (fast) (severity warn): 4 s is above its limit"),
    ],
)
def test_what_cannot_be_told_or_warns_holds(finding: Finding, said: str) -> None:
    assert advised(GOOD, PASSED, finding) == Advice(
        Health.DEGRADED if finding is WARNED else Health.HEALTHY, HOLD, said
    )


def test_what_the_user_lets_pass_without_data_does_not_hold() -> None:
    passed_over = replace(UNSURE, on_no_data=OnNoData.PASS)
    assert advised(GOOD, PASSED, passed_over).recommendation is PROMOTE
    only_warns = replace(UNSURE, severity=Severity.WARN)
    assert advised(GOOD, PASSED, only_warns).recommendation is PROMOTE
    broken = replace(REFUSED, on_no_data=OnNoData.PASS)
    assert advised(GOOD, PASSED, broken).recommendation is HOLD


@pytest.mark.parametrize(
    ("canary", "said"),
    [
        (replace(GOOD, requests=None), "no request of the canary is counted"),
        (replace(GOOD, requests=9.0), "the canary served 9 of the 10 requests needed"),
        (replace(GOOD, errors=None), "no errors are counted"),
        (replace(GOOD, errors=51.0), "success rate: 94.9 % is below 95 %"),
        (replace(GOOD, latency=latency(1.4)), "p95: 1.33 s is above 1.2 × stable's 950 ms"),
        (replace(GOOD, latency=latency(1.0, 9)), "p95: too few latencies of the canary"),
        (replace(GOOD, latency=Latency()), "p95: too few latencies of the canary"),
        (
            replace(GOOD, latency=Latency({1.0: 1.0, inf: 100.0}, 900.0)),
            "p95: the canary's lies above the histogram's highest bucket bound, 1 s",
        ),
    ],
)
def test_what_promotion_asks_for_and_the_canary_lacks_holds(canary: Side, said: str) -> None:
    found = advised(canary, PASSED)
    assert found.recommendation is HOLD
    assert said in found.reason


def test_exactly_what_promotion_asks_for_is_enough() -> None:
    edge = replace(GOOD, errors=50.0, latency=latency(1.2))
    stable = replace(GOOD, errors=50.0)
    assert advised(edge, PASSED, stable=stable).recommendation is PROMOTE


@pytest.mark.parametrize("stable", [Side(), replace(GOOD, latency=latency(1.0, 9))])
def test_nothing_to_compare_with_holds(stable: Side) -> None:
    found = advised(GOOD, PASSED, stable=stable)
    assert found.recommendation is HOLD
    assert "of the 10 latencies needed to compare with" in found.reason


def test_a_promotion_says_what_is_surely_worse_within_the_limits() -> None:
    found = advised(replace(GOOD, errors=40.0), PASSED)
    assert found.recommendation is PROMOTE
    assert found.reason.endswith("within every limit, but worse than stable: error rate")
