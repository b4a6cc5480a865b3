"""What people ask of a rollout: each verb wherever it may stand, waits, drift, the deadline."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canaryctl.core.breaker import Breaker, Circuit, Trigger
from canaryctl.core.commands import Command, Drain, Idle, Observe, RunPreflight, SetWeight
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
from canaryctl.core.gate import Finding, Judging, OnNoData, Status
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.plan import Approval, OnDrift, Pause, Plan, Stage, Wait
from canaryctl.core.rollout import TABLE, IllegalEvent, advance
from canaryctl.core.sequential.course import Move
from canaryctl.core.sequential.course import Step as CourseStep
from canaryctl.core.sequential.judge import Assessment
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.state import Phase, State
from canaryctl.core.verdict import Ruling
from canaryctl.core.weight import Weight

ONE, HALF = Weight(100), Weight(5000)
PASS = Finding("errors", Status.PASS, "fine")
FAIL = Finding("errors", Status.FAIL, "too many")
NO_DATA = Finding("errors", Status.NO_DATA, "nothing yet")
CHECKED = (Check("all", passed=True, detail="fine"),)
ROLES = Approval(("engineering", "product"))
DRAINED = Drained(workers=2, connections=8, requests=0.5, took=1.5)


def plan(*before: Wait, first: tuple[Wait, ...] = (), **more: object) -> Plan:
    """Three stages of a minute; ``before`` is waited for before the second."""
    stages = (Stage(ONE, 60.0, first), Stage(HALF, 60.0, before), Stage(Weight.FULL, 60.0))
    return replace(Plan(stages, interval=10.0, lost_after=30.0), **more)  # type: ignore[arg-type]


class Rollout:
    """A rollout in a world without faults, until a test sends something else."""

    def __init__(self, of: Plan) -> None:
        self.at = 0.0
        self.generation = 0
        self.state, self.command = advance(State(of), Started(0.0))
        self.send(PreflightEnded(0.0, CHECKED)).prove()

    def send(self, event: Event) -> Rollout:
        self.state, self.command = advance(self.state, event)
        return self

    def prove(self) -> Rollout:
        """Answer every change of weight at once."""
        while isinstance(self.command, SetWeight):
            self.generation += 1
            self.send(WeightProven(self.at, self.command.weight, f"g{self.generation}", 0.2))
        return self

    def until(self, at: float, finding: Finding = PASS) -> Rollout:
        """Let time pass; what is observed is found so."""
        while isinstance(self.command, Observe | Idle) and self.command.until <= at:
            self.at = max(self.at, self.command.until)
            idle = isinstance(self.command, Idle)
            self.send(Waited(self.at) if idle else Judged(self.at, (finding,)))
            self.prove()
        self.at = max(self.at, at)
        return self

    def ask(self, verb: Verb, *, role: str = "", why: str = "") -> Rollout:
        self.send(Controlled(self.at, verb, f"{verb}-{self.at:g}", "ann@box", why, role))
        return self.prove()

    @property
    def said(self) -> str:
        answer = self.state.answer
        assert answer is not None
        return ("yes: " if answer.accepted else "no: ") + answer.said

    @property
    def cause(self) -> Cause | None:
        return self.state.ending.cause if self.state.ending else None


SITUATIONS = {
    "observed": lambda: Rollout(plan()).until(25),
    "paused": lambda: Rollout(plan()).until(25).ask(Verb.PAUSE),
    "to be held": lambda: Rollout(plan()).until(25).ask(Verb.HOLD),
    "held": lambda: Rollout(plan()).until(25).ask(Verb.HOLD).until(75),
    "pausing": lambda: Rollout(plan(Pause(600.0))).until(75),
    "until continued": lambda: Rollout(plan(Pause())).until(75),
    "for approval": lambda: Rollout(plan(ROLES)).until(75),
    "at 0 %, pausing": lambda: Rollout(plan(first=(Pause(600.0),))).until(15),
    "at 0 %, until continued": lambda: Rollout(plan(first=(Pause(),))).until(15),
    "at 0 %, for approval": lambda: Rollout(plan(first=(ROLES,))).until(15),
}
STAGE, ZERO = "stage 1 of 3 (1 %)", "0 %, before the first stage"
WAITS = "no: cannot {}: the rollout waits already: "
PAUSING, TOLD = "a pause of 600 s", "it waits for `canaryctl continue`"
APPROVAL = "it waits for the approval of engineering, product: `canaryctl approve --as ROLE`"
KEEPS = f"yes: it stays at {STAGE} when its time is up, until `canaryctl continue`"
STANDS = f"yes: paused at {STAGE}; gates are still judged; go on with `canaryctl continue`"
SKIPS, GOES_ON = f"yes: the rest of {STAGE} is skipped", f"yes: goes on at {STAGE}"
ANSWERS: dict[tuple[str, Verb], str] = {
    ("observed", Verb.PAUSE): STANDS,
    ("observed", Verb.HOLD): KEEPS,
    ("observed", Verb.CONTINUE): (
        f"no: cannot continue: nothing is paused or held: it is observed at {STAGE}"
    ),
    ("observed", Verb.ADVANCE): SKIPS,
    ("paused", Verb.PAUSE): "no: cannot pause: it is already paused by ann@box",
    ("paused", Verb.HOLD): KEEPS,
    ("paused", Verb.CONTINUE): GOES_ON,
    ("paused", Verb.ADVANCE): SKIPS,
    ("to be held", Verb.PAUSE): STANDS,
    ("to be held", Verb.HOLD): "no: cannot hold: it is already held by ann@box",
    ("to be held", Verb.CONTINUE): GOES_ON,
    ("to be held", Verb.ADVANCE): SKIPS,
}
for _name in ("held", "until continued"):
    ANSWERS[_name, Verb.PAUSE] = WAITS.format("pause") + TOLD
    ANSWERS[_name, Verb.HOLD] = WAITS.format("hold") + TOLD
for _verb in (Verb.PAUSE, Verb.HOLD):
    for _name, _waits in (("pausing", PAUSING), ("for approval", APPROVAL)):
        ANSWERS[_name, _verb] = WAITS.format(_verb) + _waits
        ANSWERS[f"at 0 %, {_name}", _verb] = WAITS.format(_verb) + _waits
    ANSWERS["at 0 %, until continued", _verb] = WAITS.format(_verb) + TOLD
for _verb in (Verb.CONTINUE, Verb.ADVANCE):
    for _name in ("held", "pausing", "until continued"):
        ANSWERS[_name, _verb] = f"yes: goes on from {STAGE}"
    for _name in ("pausing", "until continued"):
        ANSWERS[f"at 0 %, {_name}", _verb] = f"yes: goes on from {ZERO}"
    for _name in ("for approval", "at 0 %, for approval"):
        ANSWERS[_name, _verb] = f"no: cannot {_verb}: {APPROVAL}"
for _name in SITUATIONS:
    _where = ZERO if _name.startswith("at 0 %") else STAGE
    ANSWERS[_name, Verb.ABORT] = f"yes: goes back to 0 % from {_where}"
    ANSWERS[_name, Verb.APPROVE] = (
        "yes: approved as product by ann@box; still missing: engineering"
        if _name.endswith("for approval")
        else f"no: cannot approve: no approval is waited for at {_where}"
    )


@pytest.mark.parametrize(("situation", "verb"), list(ANSWERS), ids=str)
def test_each_verb_in_each_situation(situation: str, verb: Verb) -> None:
    rollout = SITUATIONS[situation]()
    before, command = rollout.state, rollout.command

    rollout.ask(verb, role="product" if verb is Verb.APPROVE else "")

    assert rollout.said == ANSWERS[situation, verb]
    assert rollout.state.answer is not None
    assert rollout.state.answer.request == f"{verb}-{rollout.at:g}"
    if rollout.said.startswith("no"):
        # A refusal changes nothing but the answer; the rollout waits as it did.
        assert replace(rollout.state, answer=before.answer) == before
        assert rollout.command == command
    else:
        assert rollout.state != replace(before, answer=rollout.state.answer)


def test_every_verb_was_asked_in_every_situation() -> None:
    assert set(ANSWERS) == {(name, verb) for name in SITUATIONS for verb in Verb}


def test_a_paused_stage_lasts_so_much_longer_and_says_who() -> None:
    rollout = Rollout(plan()).until(25).ask(Verb.PAUSE, why="logs first")
    assert rollout.state.paused == "paused by ann@box (logs first)"
    rollout.until(500)
    assert (rollout.state.index, rollout.state.phase) == (0, Phase.OBSERVING)
    rollout.at = 505.0
    rollout.ask(Verb.CONTINUE)
    assert rollout.state.due == 60.0 + 480.0
    rollout.until(539)
    assert rollout.state.index == 0
    rollout.until(540)
    assert (rollout.state.index, rollout.state.weight) == (1, HALF)
    assert rollout.state.paused == ""


def test_the_gates_of_a_paused_stage_still_convict() -> None:
    rollout = Rollout(plan()).until(25).ask(Verb.PAUSE).until(300).until(310, FAIL)
    assert rollout.cause is Cause.GATE_FAILED
    assert rollout.state.weight == Weight.ZERO


def test_a_paused_stage_is_never_ruled_on_for_want_of_data() -> None:
    strict = replace(NO_DATA, on_no_data=OnNoData.FAIL)
    rollout = Rollout(plan()).until(25).ask(Verb.PAUSE).until(3000, strict)
    assert rollout.state.phase is Phase.OBSERVING
    verdict = rollout.state.records[-1].verdict
    assert verdict is not None
    assert verdict.ruling is Ruling.CLEAR


def evidence(at: float, move: Move, observed: float) -> Judged:
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
    return Judged(at, (finding,), Weighed(CourseStep(move, "paused", observed), found, {}))


def test_evidence_keeps_its_own_account_of_a_pause() -> None:
    rollout = Rollout(plan()).send(evidence(20.0, Move.WAIT, 20.0))
    rollout.at = 25.0
    rollout.ask(Verb.PAUSE)
    for at in (30.0, 40.0, 200.0):
        rollout.send(evidence(at, Move.HOLD, 20.0))
        assert rollout.state.phase is Phase.OBSERVING
    assert rollout.state.due == 200.0 + 40.0
    rollout.at = 203.0
    rollout.ask(Verb.CONTINUE).send(evidence(210.0, Move.WAIT, 30.0))
    assert rollout.state.due == 240.0
    assert rollout.send(evidence(211.0, Move.BACK, 30.0)).cause is Cause.GATE_FAILED


def test_held_it_stays_where_it_is_until_somebody_says_so() -> None:
    rollout = Rollout(plan()).until(25).ask(Verb.HOLD).until(4000)
    assert (rollout.state.index, rollout.state.weight) == (0, ONE)
    assert rollout.state.records[-1].passed
    rollout.ask(Verb.CONTINUE)
    assert (rollout.state.index, rollout.state.weight, rollout.state.hold) == (1, HALF, "")


def test_held_at_the_last_stage_it_ends_well_when_it_may_go_on() -> None:
    rollout = Rollout(plan()).until(130).ask(Verb.HOLD).until(900)
    assert rollout.state.index == 2
    rollout.ask(Verb.CONTINUE)
    assert rollout.cause is Cause.PASSED


def test_a_pause_with_a_length_ends_by_itself_and_is_judged_meanwhile() -> None:
    rollout = Rollout(plan(Pause(600.0))).until(659)
    assert (rollout.state.index, rollout.state.phase) == (0, Phase.OBSERVING)
    assert rollout.until(660).state.index == 1
    failed = Rollout(plan(Pause(600.0))).until(300).until(310, FAIL)
    assert failed.cause is Cause.GATE_FAILED
    assert not failed.state.records[0].passed


def test_a_stage_that_has_passed_waits_beyond_its_own_bounds() -> None:
    rollout = Rollout(plan(Pause())).until(75).until(5000, NO_DATA)
    assert rollout.state.phase is Phase.OBSERVING
    assert rollout.state.records[-1].passed


def test_every_role_has_to_approve_and_none_twice() -> None:
    rollout = Rollout(plan(ROLES)).until(1000)
    rollout.ask(Verb.APPROVE, role="product")
    assert rollout.said.endswith("still missing: engineering")
    rollout.ask(Verb.APPROVE, role="product")
    assert rollout.said == (
        "no: cannot approve: product has approved already; it waits for the approval of"
        " engineering: `canaryctl approve --as ROLE`"
    )
    rollout.ask(Verb.APPROVE, role="marketing")
    assert (
        rollout.said == "no: cannot approve: 'marketing' is not one of engineering, product (--as)"
    )
    assert rollout.state.index == 0
    rollout.ask(Verb.APPROVE, role="engineering")
    assert rollout.said == "yes: approved as engineering by ann@box; it goes on"
    assert rollout.state.index == 1


def awaited(rollout: Rollout) -> Wait:
    assert rollout.state.waiting is not None
    return rollout.state.waiting.what


def test_waits_come_one_after_the_other() -> None:
    rollout = Rollout(plan(Pause(100.0), ROLES, Pause())).until(160)
    assert awaited(rollout) == ROLES
    rollout.ask(Verb.APPROVE, role="product").ask(Verb.APPROVE, role="engineering")
    assert awaited(rollout) == Pause()
    assert rollout.ask(Verb.CONTINUE).state.index == 1


def test_a_wait_before_the_first_stage_is_at_0_percent_and_judges_nothing() -> None:
    rollout = Rollout(plan(first=(Pause(60.0),)))
    assert rollout.command == Idle(10.0)
    assert rollout.until(59).state.weight == Weight.ZERO
    assert rollout.state.records == ()
    assert rollout.until(60).state.weight == ONE


def test_a_gateway_that_was_silent_at_0_percent_is_forgiven_once_it_answers() -> None:
    rollout = Rollout(plan(first=(Pause(),))).send(GatewaySilent(1.0, "refused"))
    rollout.until(900).send(GatewaySilent(900.5, "refused"))
    assert rollout.state.phase is Phase.WAITING


def test_what_was_cut_short_has_not_passed_whatever_comes_after() -> None:
    rollout = Rollout(plan(ROLES)).until(25).ask(Verb.ADVANCE).until(500)
    (record,) = rollout.state.records
    assert (record.skipped, record.passed) == ("ann@box", False)
    for role in ROLES.roles:
        rollout.ask(Verb.APPROVE, role=role)
    rollout.until(700)
    assert rollout.cause is Cause.PASSED
    assert rollout.state.ending is not None
    assert "1 of them not to their end" in rollout.state.ending.reason


def test_abort_goes_back_and_is_no_failure_of_the_canary() -> None:
    rollout = Rollout(plan()).until(25).ask(Verb.ABORT, why="wrong image")
    assert rollout.state.ending is not None
    assert rollout.state.ending.reason == "by ann@box (wrong image)"
    assert (rollout.state.ending.outcome, rollout.state.ending.exit_code) == (Outcome.ABORTED, 130)
    assert rollout.state.weight == Weight.ZERO


# --- bounds -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "of"),
    [
        ("observed", plan(deadline=45.0)),
        ("pausing", plan(Pause(9000.0), deadline=300.0)),
        ("for approval", plan(ROLES, deadline=300.0)),
        ("until continued", plan(Pause(), deadline=300.0)),
        ("at 0 %", plan(first=(Pause(),), deadline=45.0)),
    ],
)
def test_the_deadline_ends_every_wait(situation: str, of: Plan) -> None:
    rollout = Rollout(of).until(of.deadline + of.interval)
    assert rollout.cause is Cause.DEADLINE, situation
    assert rollout.state.weight == Weight.ZERO


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.HOLD])
def test_nobody_puts_the_deadline_off(verb: Verb) -> None:
    rollout = Rollout(plan(deadline=150.0)).until(25).ask(verb).until(160)
    assert rollout.cause is Cause.DEADLINE
    late = Rollout(plan(deadline=150.0)).until(145)
    late.at = 151.0
    assert late.ask(verb).cause is Cause.DEADLINE


def test_metrics_that_are_lost_end_a_wait_too() -> None:
    rollout = Rollout(plan(Pause())).until(75).send(MetricsSilent(80.0, "refused"))
    assert rollout.send(MetricsSilent(110.0, "refused")).cause is Cause.METRICS_LOST


# --- drift --------------------------------------------------------------------------------


def test_drift_ends_it_unless_the_plan_says_otherwise() -> None:
    rollout = Rollout(plan()).until(25).send(Drifted(26.0, "the file was edited")).prove()
    assert rollout.state.ending is not None
    assert rollout.state.ending.cause is Cause.DRIFT
    assert "the file was edited" in rollout.state.ending.reason
    assert rollout.state.weight == Weight.ZERO


@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_what_drifted_is_set_again_and_the_rollout_goes_on(situation: str) -> None:
    rollout = SITUATIONS[situation]()
    rollout.state = replace(
        rollout.state, plan=replace(rollout.state.plan, on_drift=OnDrift.REASSERT, reasserts=2)
    )
    before = rollout.state
    for count in (1, 2):
        rollout.send(Drifted(rollout.at, "recreated"))
        assert rollout.state.phase is Phase.REASSERTING
        assert isinstance(rollout.command, SetWeight)
        assert (rollout.command.weight, rollout.command.force) == (before.weight, True)
        rollout.prove()
        assert rollout.state.reasserted == count
        now = replace(rollout.state, reasserted=0, generation=before.generation)
        assert replace(now, after=before.after, next_at=before.next_at) == before
        assert rollout.state.generation != before.generation
    rollout.send(Drifted(rollout.at, "recreated"))
    assert rollout.cause is Cause.DRIFT


@pytest.mark.parametrize("refused", [WeightRefused, TrafficUnproven])
def test_weights_that_cannot_be_set_again_go_back(refused: type) -> None:
    rollout = Rollout(plan(on_drift=OnDrift.REASSERT)).until(25).send(Drifted(26.0, "edited"))
    rollout.send(refused(27.0, ONE, "nginx -t fails")).prove()
    assert rollout.cause is Cause.DRIFT
    assert rollout.state.weight == Weight.ZERO


# --- the circuit breaker ------------------------------------------------------------------

OPENED = Breaker(Circuit.OPEN, 40.0, 1, trigger=Trigger.FAILURES, reason="5 in a row")


def broken(rollout: Rollout) -> Rollout:
    """Let the breaker open, and close again at once when it is tested."""
    rollout.send(BreakerMoved(rollout.at, OPENED, ONE)).prove()
    assert (rollout.state.phase, rollout.state.weight) == (Phase.OPEN, Weight.ZERO)
    while rollout.state.phase is Phase.OPEN:
        assert isinstance(rollout.command, Idle)
        rollout.at = rollout.command.until
        rollout.send(Waited(rollout.at)).prove()
    assert (rollout.state.phase, rollout.state.weight) == (Phase.TESTING, ONE)
    closed = replace(OPENED, circuit=Circuit.CLOSED, until=None)
    return rollout.send(BreakerMoved(rollout.at, closed, ONE)).prove()


def test_a_stage_that_begins_anew_is_still_held() -> None:
    rollout = broken(Rollout(plan()).until(25).ask(Verb.HOLD)).until(900)
    assert (rollout.state.index, rollout.state.weight) == (0, ONE)
    assert len(rollout.state.records) == 1
    assert rollout.ask(Verb.CONTINUE).state.index == 1


def test_a_stage_that_begins_anew_is_still_paused() -> None:
    rollout = broken(Rollout(plan()).until(25).ask(Verb.PAUSE)).until(900)
    assert (rollout.state.index, rollout.state.paused) == (0, "paused by ann@box")
    rollout.ask(Verb.CONTINUE)
    assert rollout.state.due == 900.0 + 60.0


def test_waits_begin_anew_with_their_stage() -> None:
    rollout = Rollout(plan(ROLES)).until(75).ask(Verb.APPROVE, role="product")
    broken(rollout).until(300)
    assert rollout.state.waiting is not None
    assert rollout.state.waiting.given == frozenset()


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.ABORT])
def test_while_it_is_open_only_an_end_can_be_asked_for(verb: Verb) -> None:
    rollout = Rollout(plan()).until(25)
    rollout.send(BreakerMoved(rollout.at, OPENED, ONE)).prove()
    before, command = rollout.state, rollout.command
    rollout.ask(verb)
    assert rollout.said == f"no: cannot {verb}: the circuit breaker is open"
    assert (replace(rollout.state, answer=None), rollout.command) == (before, command)
    assert rollout.ask(Verb.ABORT).cause is Cause.ABORTED


# --- the end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "cause"), [(HALF, Cause.NOT_PROVEN), (Weight.ZERO, Cause.SUPERSEDED)]
)
def test_overtaken_while_it_goes_back_it_leaves_the_gateway_alone(
    weight: Weight, cause: Cause
) -> None:
    rollout = Rollout(plan()).until(25).send(Judged(30.0, (FAIL,)))
    rollout.send(Overtaken(31.0, weight, "bob took the gateway"))
    assert rollout.command is None
    assert rollout.state.ending is not None
    assert rollout.state.ending.cause is cause
    assert "too many" in rollout.state.ending.reason
    assert rollout.state.weight == weight


@pytest.mark.parametrize("end", [DrainEnded(32.0, DRAINED), Crashed(32.0, "no host")])
def test_old_workers_are_waited_for_and_their_fate_is_on_record(end: Event) -> None:
    rollout = Rollout(plan(drain_within=30.0)).until(25).send(Judged(30.0, (FAIL,))).prove()
    assert rollout.command == Drain(30.0)
    assert rollout.state.weight == Weight.ZERO
    rollout.send(end)
    assert rollout.cause is Cause.GATE_FAILED
    assert rollout.state.drained == (DRAINED if isinstance(end, DrainEnded) else None)


# --- anything, in any order ---------------------------------------------------------------

CONTROLS = st.builds(
    lambda verb, role: Controlled(0.0, verb, "q", "ann@box", role=role),
    st.sampled_from(Verb),
    st.sampled_from(["engineering", "product", "marketing"]),
)
OTHERS = st.sampled_from(
    [
        Drifted(0.0, "edited"),
        GatewaySilent(0.0, "refused"),
        MetricsSilent(0.0, "refused"),
        Interrupted(0.0, "Ctrl-C"),
        Waited(0.0),
        Judged(0.0, (PASS,)),
        Judged(0.0, (NO_DATA,)),
    ]
)
WAITED_FOR = st.lists(
    st.sampled_from([Pause(30.0), Pause(), Approval(("engineering",)), ROLES]), max_size=2
).map(tuple)


def answered(command: Command | None, at: float) -> Event:
    """What the world does when nothing comes between."""
    match command:
        case RunPreflight():
            return PreflightEnded(at, CHECKED)
        case SetWeight():
            return WeightProven(at, command.weight, f"g{at:g}", 0.2)
        case Observe():
            return Judged(max(at, command.until), (PASS,))
        case Idle():
            return Waited(max(at, command.until))
        case _:
            return DrainEnded(at, DRAINED)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(CONTROLS | OTHERS | st.none(), max_size=60),
    WAITED_FOR,
    WAITED_FOR,
    st.sampled_from(OnDrift),
    st.floats(0.1, 20.0),
)
def test_whatever_people_ask_it_ends_and_traffic_is_where_it_says(
    asked: list[Event | None],
    first: tuple[Wait, ...],
    second: tuple[Wait, ...],
    on_drift: OnDrift,
    pace: float,
) -> None:
    of = plan(*second, first=first, on_drift=on_drift, deadline=3000.0, drain_within=5.0)
    state, command = advance(State(of), Started(0.0))
    at, weight = 0.0, Weight.ZERO
    # None: the world goes its way. After all that was asked it does so to the end.
    for _ in range(len(asked) + 3000):
        if command is None:
            break
        at += pace if asked else 0.0
        given_ = asked.pop() if asked else None
        event = answered(command, at) if given_ is None else replace(given_, at=at)
        if (state.phase, type(event)) not in TABLE:
            with pytest.raises(IllegalEvent):
                advance(state, event)
            continue
        at = max(at, event.at)
        state, command = advance(state, event)
        if isinstance(event, WeightProven):
            weight = event.weight
        if isinstance(command, Observe | Idle):
            assert at < state.deadline
    assert command is None
    assert state.phase is Phase.ENDED
    assert state.ending is not None
    succeeded = state.ending.outcome is Outcome.SUCCEEDED
    assert weight == (state.weight or Weight.ZERO) == (Weight.FULL if succeeded else Weight.ZERO)
    assert [record.stage for record in state.records] == list(of.stages[: len(state.records)])
