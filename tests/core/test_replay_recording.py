"""What is written down reads back as it was, whatever it was."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.analysis import Judgement
from canaryctl.core.events import Judged, PreflightEnded
from canaryctl.core.gate import (
    Finding,
    Gate,
    GaugeGate,
    Judging,
    LatencyGate,
    OnNoData,
    PromqlGate,
    RatioGate,
    Rule,
    Severity,
    Status,
    Unit,
    UpGate,
    ZeroGate,
)
from canaryctl.core.observation import Both, History, Observation, Trials
from canaryctl.core.plan import OnInconclusive, Plan, Stage
from canaryctl.core.recording import Setup
from canaryctl.core.recording_events import (
    changes,
    event_json,
    filled,
    finding_json,
    moment,
)
from canaryctl.core.recording_setup import setup, setup_json
from canaryctl.core.selector import Matcher, Operator, Selector
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.sequential.course import Policy
from canaryctl.core.weight import Weight
from canaryctl.listeners.jsonable import compact

amounts = st.one_of(
    st.integers(0, 10**9).map(float), st.floats(0, 1e15, allow_nan=False), st.just(0.1 + 0.2)
)
names = st.text(max_size=8)
trials = st.builds(Trials, amounts, amounts)
bounds = st.lists(st.floats(1e-4, 1e4), max_size=5, unique=True)


@st.composite
def buckets(draw: st.DrawFn) -> dict[float, float]:
    if draw(st.booleans()):
        return {}
    found = [*draw(bounds), float("inf")]
    return {bound: draw(amounts) for bound in found}


def both(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Both[Any]]:
    return st.builds(Both, st.none() | one, st.none() | one)


weights = st.integers(1, 10_000)
observations = st.builds(
    lambda at, lasted, hundredths, **more: Observation(
        at=at, since=at - lasted, weight=hundredths / 10_000, **more
    ),
    at=st.floats(1e6, 2e9),
    lasted=st.floats(0, 9e5),
    hundredths=weights,
    ratios=st.dictionaries(names, both(trials), max_size=3),
    histograms=st.dictionaries(
        names, st.dictionaries(names, both(buckets()), max_size=3), max_size=2
    ),
    attempts=st.none() | st.builds(Attempts, amounts, amounts, amounts, amounts),
    up=st.none() | st.booleans(),
    restarts=st.integers(0, 99),
    stale=st.floats(1, 1e4),
)
histories = st.builds(
    History,
    st.dictionaries(names, st.lists(trials, max_size=4).map(tuple), max_size=2),
    st.dictionaries(
        names,
        st.dictionaries(names, st.lists(buckets(), max_size=3).map(tuple), max_size=2),
        max_size=2,
    ),
)
plain = st.floats(-1e9, 1e9)
findings = st.builds(
    Finding,
    gate=names,
    status=st.sampled_from(Status),
    reason=st.text(min_size=1, max_size=20),
    part=names,
    value=st.none() | plain,
    comparator=st.sampled_from(["≤", "≥", "="]),
    limit=st.none() | plain,
    samples=st.none() | amounts,
    unit=st.sampled_from(Unit),
    severity=st.sampled_from(Severity),
    on_no_data=st.sampled_from(OnNoData),
    consecutive=st.integers(1, 9),
    stable=st.none() | plain,
    queries=st.lists(names, max_size=2).map(tuple),
    judge=st.sampled_from(Judging),
)
rules = st.builds(
    Rule,
    name=names,
    maximum=st.none() | plain,
    minimum=st.none() | plain,
    max_ratio=st.none() | plain,
    consecutive=st.integers(1, 9),
    min_samples=st.none() | st.integers(1, 999),
    severity=st.sampled_from(Severity),
    on_no_data=st.sampled_from(OnNoData),
    judge=st.sampled_from(Judging),
)
matchers = st.builds(
    Matcher,
    st.just("status"),
    st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL]),
    st.text(max_size=6),
)
selectors = st.builds(Selector, st.just("a_total"), st.lists(matchers, max_size=2).map(tuple))
quantiles = st.floats(0.01, 0.99)
gates: st.SearchStrategy[Gate] = st.one_of(
    st.builds(RatioGate, rules, selectors, selectors),
    st.builds(LatencyGate, rules, selectors, quantiles, st.none() | st.just("mode")),
    st.builds(
        lambda name, metric, limits: LatencyGate(Rule(name), metric, 0.95, "mode", limits),
        names,
        selectors,
        st.dictionaries(names, plain, min_size=1, max_size=3),
    ),
    st.builds(ZeroGate, rules, selectors),
    st.builds(GaugeGate, rules, selectors),
    st.builds(PromqlGate, rules, names),
    st.builds(UpGate, rules),
)
setups = st.builds(
    Setup,
    st.builds(
        lambda steps, **more: Plan(tuple(Stage(Weight(w), o) for w, o in steps), **more),
        st.dictionaries(weights, st.floats(1, 1e5), min_size=1, max_size=4).map(
            lambda one: sorted(one.items())
        ),
        interval=st.floats(0.1, 100),
        extend_to=st.floats(1, 10),
        on_inconclusive=st.sampled_from(OnInconclusive),
    ),
    st.lists(gates, max_size=4, unique_by=lambda one: one.rule.name).map(tuple),
    st.builds(
        Judgement,
        risk=st.floats(0.001, 0.5),
        warm_up=st.floats(0, 100),
        policy=st.builds(Policy, st.floats(1, 9), st.floats(1, 9e3), early=st.booleans()),
    ),
)


def through_text(value: object) -> Any:
    return json.loads(compact(value))


@given(observations, st.lists(findings, max_size=3))
def test_an_evaluation(seen: Observation, shown: list[Finding]) -> None:
    event = Judged(seen.at, tuple(shown), observation=seen)
    line = through_text(event_json(event, finding_json))
    assert moment(1, line, {}).event == event
    # The order of bounds decides ties between them, so it is kept as well.
    read = moment(1, line, {}).event
    assert isinstance(read, Judged)
    assert read.observation is not None
    assert repr(read.observation.histograms) == repr(seen.histograms)


@given(histories)
def test_a_history(past: History) -> None:
    event = PreflightEnded(1.5, (), past)
    line = {"kind": "preflight_ended", **through_text(event_json(event, finding_json))}
    assert moment(1, line, {}).event == event


@given(setups)
def test_a_setup(one: Setup) -> None:
    assert setup(through_text(setup_json(one))) == one


@given(findings, findings)
def test_a_finding_as_a_change_of_the_one_before(before: Finding, after: Finding) -> None:
    known, now = filled(finding_json(before)), filled(finding_json(after))
    now |= {"gate": known["gate"], "part": known["part"]}
    assert filled(through_text(changes(now, known)), through_text(known)) == through_text(now)


def test_a_source_may_be_called_as_its_gate() -> None:
    line = {"at": 10, "weight": 5, "since": 0, "ratios": {"errors": {"canary": [9, 1]}}}
    event = moment(1, line, {"errors": "bad / all"}).event
    assert isinstance(event, Judged)
    assert event.observation is not None
    assert event.observation.ratios == {"bad / all": Both(Trials(9.0, 1.0), None)}
