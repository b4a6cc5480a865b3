"""The state machine: every phase × event, and whole rollouts in milliseconds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.breaker import Breaker, Circuit, Trigger
from canaryctl.core.commands import Observe, RunPreflight, SetWeight
from canaryctl.core.control import Verb
from canaryctl.core.drained import Drained
from canaryctl.core.events import (
    BreakerMoved,
    Check,
    Controlled,
    Crashed,
    DrainEnded,
    Drifted,
    Event,
    GatewaySilent,
    Held,
    Hooked,
    Interrupted,
    Judged,
    MetricsSilent,
    Overtaken,
    PreflightEnded,
    Started,
    TrafficUnproven,
    Waited,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.gate import Finding, Judging, OnNoData, Severity, Status
from canaryctl.core.hooks import HookMoment
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.plan import OnDrift, OnInconclusive, Pause, Plan, Stage
from canaryctl.core.rollout import TABLE, IllegalEvent, advance
from canaryctl.core.sequential.course import Bound, Move
from canaryctl.core.sequential.course import Step as CourseStep
from canaryctl.core.sequential.judge import Assessment
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.state import Phase, State
from canaryctl.core.verdict import Ruling
from canaryctl.core.weight import Weight

PLAN = Plan((Stage(Weight(100), 60.0), Stage(Weight.FULL, 60.0)), interval=10.0, lost_after=30.0)
WAITING = replace(PLAN, stages=(replace(PLAN.stages[0], before=(Pause(),)), *PLAN.stages[1:]))
REASSERTING = replace(PLAN, on_drift=OnDrift.REASSERT)
DRAINING = replace(PLAN, drain_within=30.0)
PASS = Finding("errors", Status.PASS, "fine")
FAIL = Finding("errors", Status.FAIL, "too many")
NO_DATA = Finding("errors", Status.NO_DATA, "nothing yet")


def walked(*events: Event, plan: Plan = PLAN) -> tuple[State, object]:
    state, command = advance(State(plan), Started(0.0))
    for event in events:
        state, command = advance(state, event)
    return state, command


CHECKED = PreflightEnded(1.0, (Check("all", passed=True, detail="fine"),))


def proven(at: float, hundredths: int, generation: str = "g") -> WeightProven:
    return WeightProven(at, Weight(hundredths), generation, 0.2)


TO_STAGE_1 = (CHECKED, proven(2.0, 0), proven(3.0, 100))


def judged(at: float, *findings: Finding) -> Judged:
    return Judged(at, findings)


def test_a_healthy_rollout_succeeds() -> None:
    stage_1 = [judged(3.0 + 10 * n, PASS) for n in range(1, 7)]
    state, command = walked(*TO_STAGE_1, *stage_1)
    assert command == SetWeight(Weight.FULL, "stage 2 of 2")
    state, command = advance(state, proven(64.0, 10_000))
    assert command == Observe(since=64.0, until=74.0, unseen=3.0)
    for n in range(1, 7):
        state, command = advance(state, judged(64.0 + 10 * n, PASS))
    assert command is None
    assert state.phase is Phase.ENDED
    assert state.ending is not None
    assert (state.ending.outcome, state.ending.exit_code) == (Outcome.SUCCEEDED, 0)
    assert state.weight == Weight.FULL
    assert [record.passed for record in state.records] == [True, True]


def test_a_failed_gate_goes_back_at_once_and_names_it() -> None:
    state, command = walked(*TO_STAGE_1, judged(13.0, PASS), judged(23.0, FAIL))
    assert state.phase is Phase.RETURNING
    assert isinstance(command, SetWeight)
    assert (command.weight, command.force) == (Weight.ZERO, True)
    state, command = advance(state, proven(23.3, 0))
    assert command is None
    assert state.ending is not None
    assert (state.ending.cause, state.ending.exit_code) == (Cause.GATE_FAILED, 1)
    assert "errors: too many" in state.ending.reason


def test_consecutive_failures_are_counted_in_a_row() -> None:
    flaky = replace(FAIL, consecutive=3)
    state, _ = walked(*TO_STAGE_1, judged(13, flaky), judged(23, flaky), judged(33, PASS))
    assert state.phase is Phase.OBSERVING
    for at in (43.0, 53.0):
        state, _ = advance(state, judged(at, flaky))
        assert state.phase is Phase.OBSERVING
    state, _ = advance(state, judged(63.0, flaky))
    assert state.phase is Phase.RETURNING


def test_a_failure_short_of_its_row_does_not_end_a_stage_well() -> None:
    flaky = replace(FAIL, consecutive=3)
    state, command = walked(*TO_STAGE_1, judged(53, PASS), judged(63, flaky))
    assert state.phase is Phase.OBSERVING
    assert isinstance(command, Observe)


def test_a_warning_never_goes_back() -> None:
    warned = replace(FAIL, severity=Severity.WARN)
    state, _ = walked(*TO_STAGE_1, *(judged(3.0 + 10 * n, warned) for n in range(1, 7)))
    assert state.phase is Phase.SHIFTING


def test_no_data_extends_the_stage_to_its_bound_then_goes_back() -> None:
    events = [judged(3.0 + 10 * n, NO_DATA) for n in range(1, 18)]
    state, command = walked(*TO_STAGE_1, *events)
    assert state.phase is Phase.OBSERVING
    assert isinstance(command, Observe)
    assert command.until == 3.0 + 180.0
    state, _ = advance(state, judged(183.0, NO_DATA))
    assert state.ending is not None
    assert state.ending.cause is Cause.NO_DATA
    assert state.ending.reason.startswith("errors: nothing yet; the stage was extended")


def test_data_that_comes_in_an_extension_still_passes() -> None:
    events = [judged(3.0 + 10 * n, NO_DATA) for n in range(1, 9)]
    state, _ = walked(*TO_STAGE_1, *events, judged(93.0, PASS))
    assert state.phase is Phase.SHIFTING


def test_on_no_data_decides_at_the_end_only() -> None:
    strict = replace(NO_DATA, on_no_data=OnNoData.FAIL)
    state, _ = walked(*TO_STAGE_1, judged(13, strict))
    assert state.phase is Phase.OBSERVING
    state, _ = advance(state, judged(63.0, strict))
    assert state.phase is Phase.RETURNING
    lenient = replace(NO_DATA, on_no_data=OnNoData.PASS)
    state, _ = walked(*TO_STAGE_1, judged(63, lenient))
    assert state.phase is Phase.SHIFTING


def weighed(at: float, move: Move, *, bound: Bound | None = None, observed: float = 60.0) -> Judged:
    """An evaluation whose evidence asks for this move."""
    found = Assessment(
        quality=0.0,
        traffic=0.0,
        quality_needed=4.8,
        traffic_needed=6.5,
        back=move is Move.BACK,
        reason="errors" if move is Move.BACK else "",
        hold=(),
        clear=move is Move.ADVANCE,
        open=(),
        gates=(),
    )
    finding = replace(FAIL if move is Move.BACK else PASS, judge=Judging.EVIDENCE)
    step = CourseStep(move, "why", observed, bound)
    return Judged(at, (finding,), Weighed(step, found, {}))


def test_evidence_against_goes_back_and_names_the_gate() -> None:
    state, _ = walked(*TO_STAGE_1, weighed(13.0, Move.BACK))
    assert state.phase is Phase.RETURNING
    assert state.ending is not None
    assert state.ending.cause is Cause.GATE_FAILED
    assert state.ending.reason == "errors: too many"


def test_evidence_decides_when_a_stage_ends_well() -> None:
    waiting, _ = walked(*TO_STAGE_1, weighed(63.0, Move.WAIT, observed=40.0))
    assert (waiting.phase, waiting.due) == (Phase.OBSERVING, 3.0 + 60.0 + 20.0)
    early, _ = walked(*TO_STAGE_1, weighed(33.0, Move.ADVANCE, observed=30.0))
    assert early.phase is Phase.SHIFTING
    held, _ = walked(*TO_STAGE_1, weighed(63.0, Move.HOLD))
    assert held.records[-1].verdict is not None
    assert (held.phase, held.records[-1].verdict.ruling) == (Phase.OBSERVING, Ruling.WAIT)


def test_a_literal_gate_is_heard_beside_the_evidence() -> None:
    for literal, phase in ((FAIL, Phase.RETURNING), (NO_DATA, Phase.OBSERVING)):
        event = weighed(63.0, Move.ADVANCE)
        both = replace(event, findings=(*event.findings, replace(literal, gate="queue")))
        assert walked(*TO_STAGE_1, both)[0].phase is phase


def test_a_failed_query_of_an_evidence_gate_never_passes() -> None:
    event = weighed(63.0, Move.ADVANCE)
    broken = Finding("errors", Status.ERROR, "bad query", judge=Judging.EVIDENCE)
    state, _ = walked(*TO_STAGE_1, replace(event, findings=(broken,)))
    assert state.phase is Phase.OBSERVING


@pytest.mark.parametrize(
    ("bound", "rule", "cause"),
    [
        (Bound.EXTENSION, OnInconclusive.BACK, Cause.INCONCLUSIVE),
        (Bound.EXTENSION, OnInconclusive.ADVANCE, None),
        (Bound.HOLD, OnInconclusive.ADVANCE, Cause.INCONCLUSIVE),
        (Bound.NO_DATA, OnInconclusive.ADVANCE, Cause.NO_DATA),
    ],
)
def test_an_inconclusive_stage_ends_by_the_rule_that_was_chosen(
    bound: Bound, rule: OnInconclusive, cause: Cause | None
) -> None:
    plan = replace(PLAN, on_inconclusive=rule)
    state, _ = walked(*TO_STAGE_1, weighed(183.0, Move.INCONCLUSIVE, bound=bound), plan=plan)
    if cause is None:
        assert (state.phase, state.records[-1].passed) == (Phase.SHIFTING, True)
        return
    assert state.ending is not None
    assert (state.ending.cause, state.ending.exit_code) == (cause, 1)


def test_an_open_literal_gate_is_never_advanced_over() -> None:
    event = weighed(183.0, Move.INCONCLUSIVE, bound=Bound.EXTENSION)
    both = replace(event, findings=(*event.findings, replace(NO_DATA, gate="queue")))
    plan = replace(PLAN, on_inconclusive=OnInconclusive.ADVANCE)
    state, _ = walked(*TO_STAGE_1, both, plan=plan)
    assert state.ending is not None
    assert state.ending.cause is Cause.INCONCLUSIVE


def test_an_error_never_passes() -> None:
    broken = Finding("errors", Status.ERROR, "bad query", on_no_data=OnNoData.PASS)
    state, _ = walked(*TO_STAGE_1, judged(63, broken), judged(183, broken))
    assert state.phase is Phase.RETURNING


def test_lost_metrics_hold_then_end_without_a_word_against_the_canary() -> None:
    state, command = walked(*TO_STAGE_1, judged(13, PASS), MetricsSilent(23.0, "refused"))
    assert state.phase is Phase.OBSERVING
    assert isinstance(command, Observe)
    state, _ = advance(state, MetricsSilent(53.0, "refused"))
    assert state.ending is not None
    assert state.ending.cause is Cause.METRICS_LOST
    assert "canary" not in state.ending.reason


def test_time_without_metrics_does_not_count_as_observed() -> None:
    state, _ = walked(
        *TO_STAGE_1,
        judged(13, PASS),
        MetricsSilent(23.0, "x"),
        judged(43.0, PASS),
        judged(63, PASS),
    )
    assert state.phase is Phase.OBSERVING
    assert state.due == 3.0 + 60.0 + 20.0
    state, _ = advance(state, judged(83.0, PASS))
    assert state.phase is Phase.SHIFTING


def test_a_silent_gateway_is_retried_then_ended() -> None:
    state, command = walked(*TO_STAGE_1, GatewaySilent(4.0, "refused"))
    assert isinstance(command, Observe)
    assert command.until > 4.0
    state, _ = advance(state, GatewaySilent(34.0, "refused"))
    assert state.ending is not None
    assert state.ending.cause is Cause.GATEWAY_LOST


def test_somebody_elses_rollback_ends_the_rollout_untouched() -> None:
    state, command = walked(*TO_STAGE_1, Overtaken(9.0, Weight.ZERO, "ops set 0 %: by hand"))
    assert command is None
    assert state.ending is not None
    assert (state.ending.exit_code, state.weight) == (130, Weight.ZERO)


def test_somebody_elses_weight_is_left_but_reported() -> None:
    state, command = walked(*TO_STAGE_1, Overtaken(9.0, Weight(1000), "ops set 10 %"))
    assert command is None
    assert state.ending is not None
    assert state.ending.exit_code == 3
    assert "10 %" in state.ending.reason


def test_an_unreadable_configuration_goes_back() -> None:
    state, command = walked(*TO_STAGE_1, Overtaken(9.0, None, "not ours"))
    assert isinstance(command, SetWeight)
    assert state.phase is Phase.RETURNING


@pytest.mark.parametrize("stop", [Interrupted(5.0, "Ctrl-C"), Crashed(5.0, "defect")])
def test_a_stop_after_traffic_moved_goes_back(stop: Event) -> None:
    state, command = walked(*TO_STAGE_1, stop)
    assert isinstance(command, SetWeight)
    assert command.weight == Weight.ZERO
    state, _ = advance(state, proven(6.0, 0))
    assert state.ending is not None
    assert state.ending.exit_code in (1, 130)


def test_a_stop_before_anything_was_touched_sets_nothing() -> None:
    state, command = walked(Interrupted(1.0, "Ctrl-C"))
    assert command is None
    assert state.ending is not None
    assert state.ending.exit_code == 130


def test_a_failed_check_shifts_nothing() -> None:
    failed = Check("metrics", passed=False, detail="refused")
    state, command = walked(PreflightEnded(1.0, (failed,)))
    assert command is None
    assert state.ending is not None
    assert state.ending.exit_code == 4
    assert "metrics: refused" in state.ending.reason


def test_going_back_is_tried_again_then_reported_as_unknown() -> None:
    state, command = walked(*TO_STAGE_1, judged(13, FAIL))
    for attempt in (2, 3):
        state, command = advance(state, TrafficUnproven(14.0, Weight.ZERO, "silent"))
        assert isinstance(command, SetWeight)
        assert state.attempts == attempt
    state, command = advance(state, WeightRefused(15.0, Weight.ZERO, "refused"))
    assert command is None
    assert state.ending is not None
    assert (state.ending.outcome, state.ending.exit_code) == (Outcome.UNKNOWN, 3)


OPENED = Breaker(Circuit.OPEN, 64.0, 1, trigger=Trigger.FAILURES, reason="5 in a row failed")
BREAKS = BreakerMoved(4.0, OPENED, Weight(50))
EVENTS: dict[type, Event] = {
    Started: Started(5.0),
    PreflightEnded: CHECKED,
    WeightProven: proven(5.0, 100),
    WeightRefused: WeightRefused(5.0, Weight(100), "no"),
    TrafficUnproven: TrafficUnproven(5.0, Weight(100), "no"),
    Judged: judged(5.0, PASS),
    MetricsSilent: MetricsSilent(5.0, "no"),
    GatewaySilent: GatewaySilent(5.0, "no"),
    Overtaken: Overtaken(5.0, Weight.ZERO, "ops"),
    Held: Held(5.0, "somebody"),
    Controlled: Controlled(5.0, Verb.PAUSE, "q1", "me"),
    Drifted: Drifted(5.0, "edited"),
    BreakerMoved: BreakerMoved(5.0, OPENED, Weight(50)),
    Waited: Waited(5.0),
    Hooked: Hooked(5.0, HookMoment.AFTER_STAGE, ()),
    DrainEnded: DrainEnded(5.0, Drained(1, 0, 0.5, 0.5)),
    Interrupted: Interrupted(5.0, "Ctrl-C"),
    Crashed: Crashed(5.0, "defect"),
}


def at_phase(phase: Phase) -> State:
    path: dict[Phase, tuple[Event, ...]] = {
        Phase.CHECKING: (),
        Phase.TAKING: (CHECKED,),
        Phase.SHIFTING: (CHECKED, proven(2.0, 0)),
        Phase.OBSERVING: TO_STAGE_1,
        Phase.WAITING: (CHECKED, proven(2.0, 0)),
        Phase.SWITCHING: (*TO_STAGE_1, BREAKS),
        Phase.OPEN: (*TO_STAGE_1, BREAKS, proven(5.0, 0)),
        Phase.TESTING: (*TO_STAGE_1, BREAKS, proven(4.0, 0), Waited(70.0), proven(71.0, 50)),
        Phase.REASSERTING: (*TO_STAGE_1, Drifted(4.0, "edited")),
        Phase.RETURNING: (*TO_STAGE_1, judged(4.0, FAIL)),
        Phase.DRAINING: (*TO_STAGE_1, judged(4.0, FAIL), proven(5.0, 0)),
        Phase.ENDED: (*TO_STAGE_1, judged(4.0, FAIL), proven(5.0, 0)),
    }
    plans = {Phase.WAITING: WAITING, Phase.REASSERTING: REASSERTING, Phase.DRAINING: DRAINING}
    plan = plans.get(phase, PLAN)
    return State(plan) if phase is Phase.READY else walked(*path[phase], plan=plan)[0]


def test_the_events_of_this_test_are_all_events() -> None:
    assert set(EVENTS) == set(get_args(Event))


@pytest.mark.parametrize(("phase", "kind"), list(itertools.product(Phase, EVENTS)))
def test_every_phase_and_event_is_in_the_table_or_raises(phase: Phase, kind: type) -> None:
    state = at_phase(phase)
    assert state.phase is phase
    if (phase, kind) not in TABLE:
        with pytest.raises(IllegalEvent, match=kind.__name__):
            advance(state, EVENTS[kind])
        return
    after, command = advance(state, EVENTS[kind])
    assert (command is None) == (after.phase is Phase.ENDED)
    over = (Phase.RETURNING, Phase.DRAINING, Phase.ENDED)
    assert (after.ending is not None) == (after.phase in over)


def test_the_end_is_final() -> None:
    assert not [pair for pair in TABLE if pair[0] is Phase.ENDED]


findings = st.sampled_from(
    [PASS, FAIL, NO_DATA, Finding("x", Status.ERROR, "no"), replace(FAIL, consecutive=2)]
)
worlds = st.lists(
    st.sampled_from([*EVENTS.values()]) | st.builds(lambda f: judged(0.0, f), findings),
    max_size=80,
)


def lived(events: list[Event], pace: float) -> tuple[State, Weight]:
    """Live through what can happen; gives the end and the weight that NGINX has by then."""
    state, command = State(PLAN), None
    at, weight = 0.0, Weight.ZERO
    for event in [Started(0.0), *events]:
        at += pace
        timed = replace(event, at=at)
        if isinstance(timed, WeightProven) and isinstance(command, SetWeight):
            timed = replace(timed, weight=command.weight)
        if (state.phase, type(timed)) not in TABLE:
            continue
        state, command = advance(state, timed)
        if isinstance(timed, WeightProven | Overtaken):
            weight = timed.weight or weight
        check_command(state, command, at)
    return state, weight


def check_command(state: State, command: object, at: float) -> None:
    if isinstance(command, Observe):
        assert command.until > at or command.until >= state.due
    if isinstance(command, SetWeight) and command.weight > Weight.ZERO:
        assert state.phase is Phase.SHIFTING


@settings(max_examples=300)
@given(worlds, st.floats(0.1, 40))
def test_whatever_happens_traffic_ends_safe_or_unknown(events: list[Event], pace: float) -> None:
    state, weight = lived(events, pace)
    if state.phase is not Phase.ENDED or state.ending is None:
        return
    if state.ending.outcome is Outcome.SUCCEEDED:
        assert weight == Weight.FULL
        assert all(record.passed for record in state.records)
    elif state.ending.outcome is not Outcome.UNKNOWN:
        assert weight == Weight.ZERO


def test_an_hour_is_walked_in_milliseconds_and_replays_alike() -> None:
    plan = Plan(tuple(Stage(Weight(h), 900.0) for h in (100, 500, 2500, 10_000)), interval=10.0)

    def walk() -> tuple[State, int]:
        state, command = advance(State(plan), Started(0.0))
        at, events = 0.0, 1
        while command is not None:
            match command:
                case RunPreflight():
                    event: Event = CHECKED
                case SetWeight():
                    at += 0.3
                    event = WeightProven(at, command.weight, "g", 0.3)
                case Observe():
                    at = command.until
                    event = judged(at, PASS)
            state, command = advance(state, event)
            events += 1
        return state, events

    first, count = walk()
    assert first.ending is not None
    assert first.ending.outcome is Outcome.SUCCEEDED
    assert count > 360
    assert walk() == (first, count)


def test_what_nobody_set_while_going_back_is_no_end() -> None:
    state = at_phase(Phase.RETURNING)
    again, command = advance(state, Overtaken(5.0, None, "no canaryctl configuration is in force"))
    assert isinstance(command, SetWeight)
    assert command.weight == Weight.ZERO
    assert again.attempts == state.attempts + 1


def test_what_was_proven_and_is_so_no_longer_is_set_again() -> None:
    again, command = advance(at_phase(Phase.DRAINING), TrafficUnproven(7.0, Weight.ZERO, "gone"))
    assert again.phase is Phase.RETURNING
    assert isinstance(command, SetWeight)
