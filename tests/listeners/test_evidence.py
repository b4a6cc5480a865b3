"""How the evidence is shown: bars, when a decision may be expected, what could have been seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.gate import Finding, Judging, Scale, Status
from canaryctl.core.sequential.course import CONFIDENT, Move, Step
from canaryctl.core.sequential.gatestate import GateView
from canaryctl.core.sequential.judge import Assessment
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.state import Phase, StageRecord, State
from canaryctl.core.verdict import Ruling, Verdict
from canaryctl.listeners.evidence import HEAD, WIDTH, outlook, scale_bar, visible_lines
from canaryctl.listeners.line import cells
from canaryctl.listeners.progress import parts, progress
from canaryctl.listeners.tree import Before, tree
from canaryctl.listeners.verdicts import verdict_line
from tests.listeners.walk import plan

ERRORS = Finding(
    "errors",
    Status.PASS,
    "fine",
    value=0.001,
    samples=600,
    judge=Judging.EVIDENCE,
    scale=Scale(0, 0.5),
)


def weighed(
    move: Move = Move.WAIT, *, against: float = 0.0, support: float = 1.5, observed: float = 300.0
) -> Weighed:
    view = GateView(
        name="errors",
        against=against,
        support=support,
        total=600.0,
        over=0.0,
        limit=0.005,
        within=True,
        stable_ill=False,
        usual=0.001,
    )
    found = Assessment(
        quality=against,
        traffic=0.0,
        quality_needed=4.8,
        traffic_needed=6.5,
        back=False,
        reason="",
        hold=("errors",) if move is Move.HOLD else (),
        clear=True,
        open=(),
        gates=(view,),
    )
    return Weighed(Step(move, "why", observed), found, {"errors": 0.009, "p95": None})


def observing(seen: Weighed) -> State:
    stages = plan(observe=900.0)
    verdict = Verdict(Ruling.WAIT if seen.step.move is Move.HOLD else Ruling.CLEAR, "why", {})
    record = StageRecord(stages.stages[0], 1000.0, (ERRORS,), verdict, seen, evaluations=3)
    return State(stages, Phase.OBSERVING, index=0, since=1000.0, next_at=1310.0, records=(record,))


@pytest.mark.parametrize(
    ("scale", "drawn"),
    [
        (Scale(0.0, 0.0), "·····│·····"),
        (Scale(0.5, 0.0), "··███│·····"),
        (Scale(0.0, 0.5), "·····│███··"),
        (Scale(0.99, 0.99), "·████│████·"),
        (Scale(1.0, 1.0), "█████│█████"),
    ],
)
def test_a_bar_is_full_only_when_it_is(scale: Scale, drawn: str) -> None:
    assert "".join(span.text for span in scale_bar(scale)) == drawn
    assert cells(drawn) == WIDTH == cells(HEAD.rjust(WIDTH)[:WIDTH])


def test_the_tree_has_bars_where_there_is_evidence() -> None:
    with_bars = tree([ERRORS], None, Before())
    assert with_bars[0].text.endswith(HEAD)
    assert with_bars[1].text.endswith("·····│███··")
    without = tree([replace(ERRORS, scale=None)], None, Before())
    assert HEAD not in without[0].text
    narrow = tree([ERRORS], None, Before(), width=50)
    assert HEAD not in narrow[0].text


def test_a_decision_is_expected_when_the_support_is_complete() -> None:
    # 600 requests in 300 s gave 1.5; what is missing comes as fast.
    left = (CONFIDENT - 1.5) / 1.5 * 300.0
    assert 240 < left < 330
    assert outlook(observing(weighed()), 1300.0) == "decision in about 5 min"
    assert outlook(observing(weighed(support=0.1)), 1300.0) == "decision in about 10 min"
    assert outlook(observing(weighed(support=0.1)), 1880.0) == "decision in about 20 s"


def test_mounting_evidence_says_when_it_may_be_complete() -> None:
    assert outlook(observing(weighed(against=3.2)), 1300.0) == (
        "rollback in about 2 min should this go on"
    )


def test_nobody_can_tell_before_the_first_evaluation() -> None:
    state = State(plan(), Phase.OBSERVING, index=0, since=1000.0)
    assert outlook(state, 1010.0) == ""


def test_a_hold_stops_the_clock_and_blames_nobody() -> None:
    state = observing(weighed(Move.HOLD))
    seen = progress(state, 1308.0)
    assert (seen.held, seen.observed) == (True, 300.0)
    assert parts(seen)[0] == "holding until stable is within its own limits"
    assert verdict_line(state).text == "Verdict: hold: why; the canary is not blamed for it"


def test_an_extension_says_what_is_open() -> None:
    state = observing(weighed(Move.EXTEND))
    verdict = Verdict(Ruling.WAIT, "why", {})
    state = replace(state, records=(replace(state.records[0], verdict=verdict),))
    assert verdict_line(state).text.startswith("Verdict: extended: why: over a limit")


def test_what_could_have_been_seen() -> None:
    said = [line.text for line in visible_lines(weighed())]
    assert said == [
        "At this traffic a defect would have been caught with 90 %: errors above 0.9 %",
        "Too little traffic to have caught even a canary that always fails: p95",
    ]
