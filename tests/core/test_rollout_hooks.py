"""Hooks that are gates: what a rollout waits for, and what their failure leads to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from canaryctl.core.commands import Idle, Observe, SetWeight
from canaryctl.core.control import Verb
from canaryctl.core.events import (
    Check,
    Controlled,
    Event,
    Hooked,
    Interrupted,
    Judged,
    PreflightEnded,
    Started,
    WeightProven,
)
from canaryctl.core.gate import Finding, Status
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import HookFacts, HookMoment, HookResult
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.plan import Ask, Pause, Plan, Stage
from canaryctl.core.recording_events import line_json, moment
from canaryctl.core.recording_setup import plan_json, setup
from canaryctl.core.rollout import advance
from canaryctl.core.state import Phase, State
from canaryctl.core.unattended import unattended
from canaryctl.core.verdict import Ruling
from canaryctl.core.weight import Weight
from canaryctl.listeners.jsonable import jsonable

BEFORE, AFTER = HookMoment.BEFORE_STAGE, HookMoment.AFTER_STAGE
STAGE = Stage(Weight(100), 60.0, (Ask(BEFORE, ("warm",)),), (Ask(AFTER, ("orders",)),))
PLAN = Plan((STAGE, replace(STAGE, weight=Weight.FULL)), interval=10.0)
CHECKED = PreflightEnded(1.0, (Check("all", passed=True, detail="fine"),))
WELL = HookResult("warm", Status.PASS, "exit code 0", 0.0)
BAD = HookResult("orders", Status.FAIL, "exit code 3: low", 3.0)
PASS = Finding("errors", Status.PASS, "fine")
FAIL = Finding("errors", Status.FAIL, "too many")


def proven(at: float, hundredths: int) -> WeightProven:
    return WeightProven(at, Weight(hundredths), "g", 0.2)


def walked(*events: Event, plan: Plan = PLAN, first: int = 0) -> tuple[State, object]:
    state, command = advance(State(plan, first=first), Started(0.0))
    for event in events:
        state, command = advance(state, event)
    return state, command


ASKED_1 = (CHECKED, proven(2.0, 0))
STAGE_1 = (*ASKED_1, Hooked(2.5, BEFORE, (WELL,)), proven(3.0, 100))
ENDS_1 = (*STAGE_1, Judged(63.0, (PASS,)))


def test_each_weight_waits_for_its_hooks() -> None:
    state, command = walked(*ASKED_1)
    assert (state.phase, state.weight) == (Phase.WAITING, Weight.ZERO)
    assert isinstance(command, Idle)
    assert state.asking is not None
    state, command = advance(state, Hooked(2.5, BEFORE, (WELL,)))
    assert command == SetWeight(Weight(100), "stage 1 of 2")
    assert state.asking is None


def test_a_stage_that_passed_waits_for_its_hooks_and_then_for_the_next_ones() -> None:
    state, command = walked(*ENDS_1)
    assert isinstance(command, Observe)
    assert state.asking is not None
    assert state.asking.after
    state, _ = advance(state, Hooked(64.0, AFTER, (WELL,)))
    assert state.records[-1].hooks == (WELL.finding(),)
    assert state.asking is not None
    assert not state.asking.after
    state, command = advance(state, Hooked(65.0, BEFORE, (WELL,)))
    assert command == SetWeight(Weight.FULL, "stage 2 of 2")


@pytest.mark.parametrize("before", [ASKED_1, ENDS_1])
def test_a_hook_that_fails_is_a_failed_gate(before: tuple[Event, ...]) -> None:
    state, _ = walked(*before)
    assert state.asking is not None
    assert isinstance(state.asking.what, Ask)
    at = state.asking.what.moment
    state, command = advance(state, Hooked(64.0, at, (WELL, BAD)))
    assert isinstance(command, SetWeight)
    assert (command.weight, command.force) == (Weight.ZERO, True)
    state, _ = advance(state, proven(65.0, 0))
    assert state.ending is not None
    assert (state.ending.cause, state.ending.exit_code) == (Cause.GATE_FAILED, 1)
    assert state.ending.reason == f"hook orders ({at}): exit code 3: low"


def test_a_failure_after_a_stage_stands_among_its_findings() -> None:
    state, _ = walked(*ENDS_1, Hooked(64.0, AFTER, (BAD,)))
    record = state.records[-1]
    assert (record.passed, record.hooks) == (False, (BAD.finding(),))
    assert record.verdict is not None
    assert (record.verdict.ruling, record.verdict.deciding) == (Ruling.BACK, record.hooks[0])


def test_the_last_stage_is_over_once_its_hooks_have_passed() -> None:
    last = (
        Hooked(64.0, AFTER, (WELL,)),
        Hooked(65.0, BEFORE, (WELL,)),
        proven(66.0, 10_000),
        Judged(126.0, (PASS,)),
    )
    state, _ = walked(*ENDS_1, *last)
    assert state.phase is Phase.OBSERVING
    well, command = advance(state, Hooked(127.0, AFTER, (WELL,)))
    assert command is None
    assert well.ending is not None
    assert well.ending.outcome is Outcome.SUCCEEDED
    bad, _ = advance(state, Hooked(127.0, AFTER, (BAD,)))
    assert bad.phase is Phase.RETURNING


def test_meanwhile_the_other_gates_are_judged() -> None:
    state, _ = walked(*ENDS_1, Judged(73.0, (PASS,)))
    assert state.asking is not None
    state, _ = advance(state, Judged(83.0, (FAIL,)))
    assert state.phase is Phase.RETURNING
    assert state.asking is None


def test_meanwhile_nobody_can_leave_them_out() -> None:
    state, _ = walked(*ENDS_1)
    for verb in (Verb.ADVANCE, Verb.CONTINUE, Verb.PAUSE, Verb.HOLD, Verb.APPROVE):
        after, _ = advance(state, Controlled(64.0, verb, "q1", "me"))
        assert after.answer is not None
        assert not after.answer.accepted
        assert after.asking == state.asking
    for event in (Controlled(64.0, Verb.ABORT, "q1", "me"), Interrupted(64.0, "Ctrl-C")):
        assert advance(state, event)[0].phase is Phase.RETURNING


def test_what_was_held_stays_held_after_its_hooks() -> None:
    held = Controlled(10.0, Verb.HOLD, "q1", "me")
    state, _ = walked(*STAGE_1, held, Judged(63.0, (PASS,)), Hooked(64.0, AFTER, (WELL,)))
    assert state.waiting is not None
    assert state.waiting.what == Pause()


def test_results_that_nobody_waits_for_change_nothing() -> None:
    state, _ = walked(*STAGE_1)
    assert advance(state, Hooked(4.0, AFTER, (BAD,)))[0] == state


def test_a_resumed_rollout_asks_the_hooks_of_its_stage() -> None:
    waits = replace(PLAN.stages[1], before=(Pause(), *PLAN.stages[1].before))
    plan = replace(PLAN, stages=(PLAN.stages[0], waits))
    state, command = walked(*ASKED_1, plan=plan, first=1)
    assert (state.phase, state.index) == (Phase.WAITING, 0)
    assert isinstance(command, Idle)
    state, command = advance(state, Hooked(2.5, BEFORE, (WELL,)))
    assert command == SetWeight(Weight.FULL, "stage 2 of 2")


def test_nobody_is_asked_where_nobody_is_there() -> None:
    assert all(not stage.before and not stage.after for stage in unattended(PLAN).stages)


def test_plan_and_results_are_read_back() -> None:
    whole = {"plan": json.loads(json.dumps(plan_json(PLAN))), "gates": []}
    assert setup(whole).plan == PLAN
    event = Hooked(5.0, AFTER, (WELL, BAD))
    payload = {"event": jsonable(event), "phase": "observing", "stage": 0}
    assert moment(1, line_json("hooked", payload), {}).event == event


def test_facts_fit_into_an_environment() -> None:
    facts = HookFacts(
        HookMoment.AFTER_ROLLOUT, "shop", "v1", reason="a\0b" + "x" * 5000, weight=0.5
    )
    env = facts.environment()
    assert all(name.startswith("CANARYCTL_") for name in env)
    assert env["CANARYCTL_WEIGHT"] == "0.5"
    assert env["CANARYCTL_STAGE"] == ""
    assert "\0" not in env["CANARYCTL_REASON"]
    assert len(env["CANARYCTL_REASON"]) < 2100


def test_facts_of_a_stage_are_those_of_the_one_to_come_or_the_one_that_passed() -> None:
    about = HookAbout("shop", "v1", "r1", "me@here:1")
    before = about.asked(BEFORE, walked(*ASKED_1)[0])
    assert (before.stage, before.stages, before.weight) == (1, 2, 1.0)
    after = about.asked(AFTER, walked(*ENDS_1)[0])
    assert (after.stage, after.weight) == (1, 1.0)
