"""Gates on labels whose values are not known beforehand, and what nobody collects evidence on."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from canaryctl.core.analysis import MOST_PARTS, Analysis, Judgement
from canaryctl.core.events import Judged
from canaryctl.core.gate import Finding, Gate, Judging, LatencyGate, RatioGate, Rule, Status, UpGate
from canaryctl.core.observation import Both, Observation, Trials
from canaryctl.core.outcome import Cause
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.rollout import advance
from canaryctl.core.selector import parse_selector
from canaryctl.core.sequential.course import Move
from canaryctl.core.state import Phase, StageRecord, State
from canaryctl.core.weight import Weight

PLAN = Plan((Stage(Weight(2500), 60.0), Stage(Weight.FULL, 60.0)), interval=5.0)
ERRORS = RatioGate(
    Rule("errors", maximum=0.005, judge=Judging.EVIDENCE),
    parse_selector('requests_total{status="500"}'),
    parse_selector("requests_total"),
)
LATENCY = LatencyGate(
    Rule("p95", maximum=0.5, judge=Judging.EVIDENCE), parse_selector("seconds"), 0.95, by="mode"
)
SOURCE = 'requests_total{status="500"} / requests_total'
JUDGEMENT = Judgement(warm_up=0.0)


def seen(
    at: float, parts: dict[str, tuple[float, float]], bad: float = 0.0, weight: float = 0.25
) -> Observation:
    """100 requests of each version; of each part so many are slow on the canary, and of all."""
    return Observation(
        at=at,
        since=0.0,
        weight=weight,
        ratios={SOURCE: Both(Trials(100, bad), Trials(100, 0))},
        histograms={
            "seconds by mode": {
                part: Both({0.5: total - slow, inf: total}, {0.5: total, inf: total})
                for part, (slow, total) in parts.items()
            }
        },
    )


def finding(name: str, part: str = "", status: Status = Status.PASS) -> Finding:
    return Finding(name, status, "as counted", part=part, value=0.0, judge=Judging.EVIDENCE)


def last(analysis: Analysis, observations: list[Observation], *found: Finding) -> Judged:
    judged = [analysis.judged(one, found, 0) for one in observations]
    convicted = [one for one in judged if one.weighed and one.weighed.step.move is Move.BACK]
    return convicted[0] if convicted else judged[-1]


@pytest.mark.parametrize("part", ["fast", ""])
def test_a_value_seen_for_the_first_time_is_judged(part: str) -> None:
    analysis = Analysis([ERRORS, LATENCY], PLAN, JUDGEMENT)
    looks = [seen(5.0 * i, {part: (60, 100)}) for i in range(1, 12)]
    event = last(analysis, looks, finding("errors"), finding("p95", part))
    assert event.weighed is not None
    assert event.weighed.step.move is Move.BACK
    guilty = [one.name for one in event.findings if one.status is Status.FAIL]
    assert guilty == ["p95 (fast)" if part else "p95"]


def test_two_gates_on_one_histogram_are_both_judged() -> None:
    strict = replace(LATENCY, rule=replace(LATENCY.rule, name="p50"), quantile=0.5)
    for gates in ((LATENCY, strict), (strict, LATENCY)):
        analysis = Analysis([ERRORS, *gates], PLAN, JUDGEMENT)
        analysis.judged(seen(5.0, {"fast": (0, 100)}), (), 0)
        names = {gate.terms.name for gate in analysis.trial.judge.gates}
        assert names == {"errors", "p95 (fast)", "p50 (fast)"}


def test_values_without_number_are_read_literally_from_some_on() -> None:
    analysis = Analysis([ERRORS, LATENCY, LATENCY], PLAN, JUDGEMENT)
    parts = {f"route {index:04}": (0.0, 10.0) for index in range(1200)}
    found = [finding("p95", part) for part in parts]
    event = analysis.judged(seen(5.0, parts), [finding("errors"), *found], 0)
    judged = [one for one in event.findings if one.judge is Judging.EVIDENCE]
    assert len(judged) == 1 + MOST_PARTS


def test_a_metric_that_never_comes_is_no_pass() -> None:
    both: list[Gate] = [ERRORS, LATENCY]
    for gates in (both, both[1:]):
        analysis = Analysis(gates, PLAN, JUDGEMENT)
        nothing = finding("p95", status=Status.NO_DATA)
        state = observing()
        for i in range(1, 40):
            one = replace(seen(5.0 * i, {}), histograms={})
            state, _ = advance(state, analysis.judged(one, [finding("errors"), nothing], 0))
            if state.phase is not Phase.OBSERVING:
                break
        assert state.ending is not None
        assert state.ending.cause is Cause.NO_DATA


def observing() -> State:
    record = StageRecord(PLAN.stages[0], 0.0)
    return State(PLAN, Phase.OBSERVING, index=0, weight=Weight(2500), records=(record,))


def test_a_failing_scrape_is_not_yet_a_dead_canary_and_blames_nobody() -> None:
    up: Gate = UpGate(Rule("canary up", consecutive=3, judge=Judging.EVIDENCE))
    analysis = Analysis([ERRORS, up], PLAN, JUDGEMENT)
    refused = finding("canary up", status=Status.FAIL)
    moves = []
    for i in range(1, 4):
        event = analysis.judged(replace(seen(5.0 * i, {}), up=False), [refused], 0)
        assert event.weighed is not None
        moves.append((event.weighed.step.move, event.findings[0].status))
    assert moves[:2] == [(Move.WAIT, Status.NO_DATA)] * 2
    assert moves[2] == (Move.BACK, Status.FAIL)


def test_what_warms_up_is_not_called_guilty() -> None:
    analysis = Analysis([LATENCY, ERRORS], PLAN, Judgement(warm_up=50.0))
    cold = finding("p95", "fast", Status.FAIL)
    looks = [seen(5.0 * i, {"fast": (60, 100)}, bad=90) for i in range(1, 9)]
    event = last(analysis, looks, cold, finding("errors"))
    assert [one.name for one in event.findings if one.status is Status.FAIL] == ["errors"]


def test_requests_that_drain_from_stable_hold_nobody_at_100_percent() -> None:
    analysis = Analysis([ERRORS], PLAN, JUDGEMENT)
    analysis.enter(0.0, 1)
    for i in range(1, 14):
        drained = Both(Trials(100, 0), Trials(1, 1))
        one = replace(seen(5.0 * i, {}, weight=1.0), ratios={SOURCE: drained})
        weighed = analysis.weigh(one)
        assert weighed.step.move in (Move.WAIT, Move.ADVANCE)
    assert weighed.step.move is Move.ADVANCE
