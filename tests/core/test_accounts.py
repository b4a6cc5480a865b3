"""Which gates are judged by evidence, and what an account of one counts."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from canaryctl.core.accounts import accounts, by_evidence, fraction, source_of
from canaryctl.core.gate import Gate, GaugeGate, Judging, LatencyGate, RatioGate, Rule, Severity
from canaryctl.core.selector import parse_selector
from canaryctl.core.sequential.batch import Counts
from canaryctl.core.slowness import Slowness

RULE = Rule("errors", maximum=0.005, judge=Judging.EVIDENCE)
BAD, TOTAL = parse_selector('requests_total{status="500"}'), parse_selector("requests_total")
RATIO = RatioGate(RULE, BAD, TOTAL)
LATENCY = LatencyGate(replace(RULE, name="p95", maximum=0.5), parse_selector("seconds"), 0.95)


@pytest.mark.parametrize(
    ("gate", "judged"),
    [
        (RATIO, True),
        (replace(RATIO, rule=replace(RULE, judge=Judging.THRESHOLD)), False),
        (replace(RATIO, rule=replace(RULE, severity=Severity.WARN)), False),
        (replace(RATIO, rule=replace(RULE, maximum=0.0)), False),
        (replace(RATIO, rule=replace(RULE, maximum=0.9)), False),
        (replace(RATIO, rule=replace(RULE, maximum=None, max_ratio=2.0)), False),
        (replace(RATIO, rule=replace(RULE, minimum=0.9)), False),
        (replace(RATIO, rule=replace(RULE, maximum=None, minimum=0.99)), True),
        (LATENCY, True),
        (replace(LATENCY, rule=replace(LATENCY.rule, max_ratio=2.0)), False),
        (replace(LATENCY, rule=replace(LATENCY.rule, maximum=None)), False),
        (GaugeGate(replace(RULE, max_ratio=2.0), TOTAL), False),
    ],
)
def test_what_is_judged_by_evidence(gate: Gate, judged: bool) -> None:
    assert by_evidence(gate) is judged


def test_a_lower_limit_counts_what_is_not_good() -> None:
    gate = replace(RATIO, rule=replace(RULE, name="available", maximum=None, minimum=0.9995))
    (account,) = accounts([gate])
    assert account.good
    assert account.terms.limit == pytest.approx(0.0005)
    assert fraction(gate.rule) == pytest.approx(0.0005)


def test_the_parts_of_a_gate_share_its_weight_and_have_enough_together() -> None:
    split = replace(LATENCY, by="mode", limits={"fast": 0.5, "slow": 2.0})
    found = accounts([RATIO, split], warm_up=30.0)
    assert [one.name for one in found] == ["errors", "p95 (fast)", "p95 (slow)"]
    assert sum(one.terms.share for one in found[1:]) == 1.0
    assert {one.terms.group for one in found[1:]} == {"p95"}
    assert {one.terms.warm_up for one in found[1:]} == {30.0}
    assert [one.limit for one in found[1:]] == [0.5, 2.0]
    assert found[0].terms.warm_up == 0.0


def test_values_of_a_label_without_limits_of_their_own_are_not_known_beforehand() -> None:
    assert accounts([replace(LATENCY, by="mode")]) == ()


def test_max_ratio_is_what_is_allowed_against_stable() -> None:
    (account,) = accounts([replace(RATIO, rule=replace(RULE, max_ratio=2.0))])
    assert account.terms.ratio == 2.0


def test_a_source_is_what_is_counted_whatever_the_gate_is_called() -> None:
    assert source_of(RATIO) == 'requests_total{status="500"} / requests_total'
    assert source_of(replace(LATENCY, by="mode")) == "seconds by mode"


def test_before_stable_is_known_the_limit_is_the_only_bound() -> None:
    (account,) = accounts([LATENCY])
    found = Slowness(account).counts({0.1: 90.0, 0.5: 96.0, inf: 100.0})
    assert found == Counts(100.0, 4.0, 4.0)


def test_the_bound_nearest_to_stables_quantile_is_the_other() -> None:
    (account,) = accounts([LATENCY])
    slowness = Slowness(account)
    slowness.learn({0.1: 500.0, 0.25: 940.0, 0.5: 999.0, inf: 1000.0})  # 6 % above 0.25
    assert slowness.counts({0.1: 50.0, 0.25: 80.0, 0.5: 96.0, inf: 100.0}) == Counts(100, 20, 4)
    # Within a stage the bound stays, whatever stable does meanwhile.
    slowness.learn({0.1: 0.0, 0.25: 0.0, 0.5: 90_000.0, inf: 100_000.0})
    assert slowness.counts({0.1: 50.0, 0.25: 80.0, 0.5: 96.0, inf: 100.0}).bad == 20
    slowness.enter()
    assert slowness.counts({0.1: 50.0, 0.25: 80.0, 0.5: 96.0, inf: 100.0}).bad == 4


def test_no_observation_is_a_count_of_zero() -> None:
    (account,) = accounts([LATENCY])
    assert Slowness(account).counts({}) == Counts(0.0, 0.0, 0.0)
