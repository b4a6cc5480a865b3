"""The watch of a promotion: a weight that is in force already is never taken by way of 0 %."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.commands import Observe, SetWeight
from canaryctl.core.control import Verb
from canaryctl.core.events import Interrupted, Judged, TrafficUnproven, WeightRefused
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.plan import Approval, Plan, Stage, Wait
from canaryctl.core.recording_setup import plan_json
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from tests.core.test_rollout_controls import FAIL, PASS, Rollout

ROLES = Approval(("product", "on-call"))


def watch(*after: Wait, deadline: float = 1000.0) -> Plan:
    stage = Stage(Weight.FULL, 60.0, after=after)
    return Plan((stage,), interval=10.0, deadline=deadline, adopt=True)


def weights(rollout: Rollout) -> Weight | None:
    return rollout.state.weight


def test_it_is_taken_as_it_is_and_observed_at_once() -> None:
    rollout = Rollout(watch())
    assert rollout.generation == 1  # one change: it says whose the weight is now
    assert (rollout.state.phase, weights(rollout)) == (Phase.OBSERVING, Weight.FULL)
    assert isinstance(rollout.command, Observe)
    rollout.until(75)
    assert rollout.cause is Cause.PASSED


def test_a_gate_that_fails_goes_back_to_zero() -> None:
    rollout = Rollout(watch()).until(25)
    rollout.send(Judged(30.0, (FAIL,)))
    assert isinstance(rollout.command, SetWeight)
    assert rollout.command.weight == Weight.ZERO
    assert rollout.prove().cause is Cause.GATE_FAILED


def test_approvals_come_after_it_and_gates_are_still_judged() -> None:
    rollout = Rollout(watch(ROLES)).until(200)
    assert rollout.cause is None
    rollout.ask(Verb.APPROVE, role="product")
    assert rollout.cause is None
    assert rollout.ask(Verb.ADVANCE).cause is None  # which is no approval
    assert rollout.ask(Verb.APPROVE, role="on-call").cause is Cause.PASSED
    failing = Rollout(watch(ROLES)).until(200)
    assert failing.send(Judged(210.0, (FAIL,))).prove().cause is Cause.GATE_FAILED


def test_without_approvals_in_time_nothing_is_changed() -> None:
    rollout = Rollout(watch(ROLES, deadline=300.0)).until(400, PASS)
    ending = rollout.state.ending
    assert ending is not None
    assert (ending.cause, ending.outcome, ending.exit_code) == (
        *(Cause.NOT_APPROVED, Outcome.ABORTED),
        4,
    )
    assert "product, on-call" in ending.reason
    assert (weights(rollout), rollout.generation) == (Weight.FULL, 1)


def test_an_interruption_leaves_the_weight() -> None:
    rollout = Rollout(watch()).until(25)
    rollout.send(Interrupted(26.0, "Ctrl-C"))
    assert rollout.cause is Cause.INTERRUPTED
    assert (weights(rollout), rollout.generation) == (Weight.FULL, 1)


def test_an_abort_goes_back_to_zero() -> None:
    rollout = Rollout(watch()).until(25).ask(Verb.ABORT)
    assert rollout.cause is Cause.ABORTED
    assert weights(rollout) == Weight.ZERO


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (WeightRefused(1.0, Weight.FULL, "no"), Cause.PREFLIGHT),
        (TrafficUnproven(1.0, Weight.FULL, "silent"), Cause.NOT_PROVEN),
        (Interrupted(1.0, "Ctrl-C"), Cause.INTERRUPTED),
    ],
)
def test_what_cannot_be_taken_is_left(event: object, cause: Cause) -> None:
    rollout = Rollout(watch())
    rollout.state = replace(State(watch()), phase=Phase.TAKING)
    rollout.send(event)  # type: ignore[arg-type]
    assert rollout.cause is cause
    assert rollout.command is None


def test_it_is_one_stage() -> None:
    stages = (Stage(Weight(100), 60.0), Stage(Weight.FULL, 60.0))
    with pytest.raises(ValueError, match="the only stage"):
        Plan(stages, adopt=True)


def test_it_is_on_record() -> None:
    assert plan_json(watch(ROLES))["adopt"] is True
    assert plan_json(watch(ROLES))["stages"][0]["after"] == [{"approve": ["product", "on-call"]}]
