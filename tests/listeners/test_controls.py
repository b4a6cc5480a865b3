"""What is said, shown and written when people, drift or the breaker had a hand in a rollout."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from rich.console import Console

from canaryctl.core.breaker import Breaker, Circuit, Trigger
from canaryctl.core.commands import Command, Idle
from canaryctl.core.control import Verb
from canaryctl.core.drained import Drained
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    DrainEnded,
    Drifted,
    Event,
    GatewaySilent,
    Held,
    PreflightEnded,
    Started,
    Waited,
)
from canaryctl.core.outcome import Cause
from canaryctl.core.plan import Approval, OnDrift, Pause, Plan, Stage, Wait
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.line import Line
from canaryctl.listeners.live import LiveListener
from canaryctl.listeners.ndjson import NdjsonListener
from canaryctl.listeners.panel import body, header
from canaryctl.listeners.plain import PlainListener
from canaryctl.listeners.progress import parts, progress
from canaryctl.listeners.story import Story
from canaryctl.listeners.summary import closing
from canaryctl.listeners.verdicts import verdict_line
from canaryctl.listeners.words import sentences
from canaryctl.ports import Listener
from tests.listeners.walk import BANNER, BEGAN, Walk, errors, healthy

ROLES = Approval(("engineering", "product"))


def waiting_plan(*before: Wait, first: tuple[Wait, ...] = (), **more: Any) -> Plan:
    stages = (Stage(Weight(100), 60.0, first), Stage(Weight.FULL, 60.0, before))
    return replace(Plan(stages, 10.0), **more)


class Everything:
    """Every listener there is, on what it writes to."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ndjson, self.log, self.screen = io.StringIO(), io.StringIO(), io.StringIO()
        self.story = Story()
        self.state: State | None = None
        self.command: Command | None = None
        console = Console(file=self.screen, force_terminal=True, width=110, height=50)
        self._others: list[Listener] = [
            NdjsonListener(BANNER, self.ndjson),
            PlainListener(BANNER, self.log, zone=UTC),
            LiveListener(BANNER, console, zone=UTC),
        ]

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        before, self.state, self.command = self.state, state, command
        self.said += [line.text for line in sentences(event, state, command, before)]
        self.story.hear(event, state, command)
        for one in self._others:
            one.heard(event, state, command)

    def ticked(self, state: State, now: float) -> None:
        for one in self._others:
            one.ticked(state, now)

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(row) for row in self.ndjson.getvalue().splitlines()]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.objects if one["event"] == name]

    def block(self) -> str:
        assert self.state is not None
        return text(closing(self.state, self.story, BANNER, zone=UTC))


def text(lines: tuple[Line, ...]) -> str:
    return "\n".join(line.text for line in lines)


def walk(*before: Wait, first: tuple[Wait, ...] = (), **more: Any) -> tuple[Walk, Everything]:
    every = Everything()
    return Walk([every], State(waiting_plan(*before, first=first, **more))), every


def ask(stroll: Walk, verb: Verb, *, role: str = "", why: str = "logs first") -> Walk:
    stroll.now += 1.0
    stroll.event(Controlled(stroll.now, verb, "q1", "ann@box", why, role))
    return stroll.prove()


def observed(stroll: Walk, times: int) -> Walk:
    for _ in range(times):
        stroll.judge(*healthy(900)).prove()
        if stroll.state.phase is Phase.ENDED:
            break
    return stroll


# --- what people ask ----------------------------------------------------------------------


def test_a_pause_says_who_why_and_how_it_goes_on() -> None:
    stroll, every = walk()
    ask(observed(stroll.begin(), 2), Verb.PAUSE)
    assert every.said[-1] == (
        "Paused by ann@box (logs first) at stage 1 of 2 (1 %); gates are still judged;"
        " go on with `canaryctl continue`"
    )
    observed(stroll, 8)
    assert stroll.state.index == 0
    assert parts(progress(stroll.state, stroll.now)) == (
        "paused by ann@box (logs first)",
        "21 s of 1 min observed",
        "next evaluation in 10 s",
    )
    assert verdict_line(stroll.state).text == (
        "Verdict: clear so far: 6 of 6 gates pass; paused by ann@box (logs first)"
    )
    assert "left" not in text(body(stroll.state, every.story, stroll.command, stroll.now, 100))
    assert "paused by ann@box (logs first)" in every.log.getvalue()
    ask(stroll, Verb.CONTINUE, why="")
    assert every.said[-1] == "Continued by ann@box: goes on at stage 1 of 2 (1 %)"
    assert progress(stroll.state, stroll.now).observed == pytest.approx(21.0)
    assert [one["paused"] for one in every.named("evaluation")][1:3] == [
        None,
        "paused by ann@box (logs first)",
    ]


def test_a_failure_that_has_to_repeat_is_told_in_a_pause_too() -> None:
    stroll, every = walk()
    ask(observed(stroll.begin(), 1), Verb.PAUSE, why="")
    stroll.judge(replace(errors(9, 900), consecutive=3))
    said = verdict_line(stroll.state).text
    assert said.startswith("Verdict: wait: error rate: 9 of 900 requests")
    assert said.endswith("(1 of 3 in a row); paused by ann@box")
    assert said in every.said


def test_a_hold_is_told_before_its_stage_ends() -> None:
    stroll, every = walk()
    ask(observed(stroll.begin(), 1), Verb.HOLD)
    assert every.said[-1] == (
        "Held by ann@box (logs first): it stays at stage 1 of 2 (1 %) when its time is up,"
        " until `canaryctl continue`"
    )
    assert "then held by ann@box (logs first)" in parts(progress(stroll.state, stroll.now))
    observed(stroll, 5)
    assert every.said[-1] == (
        "Waiting for `canaryctl continue`, before stage 2/2 (100 %); the gates are still judged"
    )


def test_what_is_refused_says_why() -> None:
    stroll, every = walk()
    ask(observed(stroll.begin(), 1), Verb.CONTINUE)
    assert every.said[-1] == (
        "Refused, asked by ann@box (logs first): cannot continue: nothing is paused or held:"
        " it is observed at stage 1 of 2 (1 %)"
    )
    assert every.named("control")[-1] == {
        "event": "control",
        "at": "2025-06-15T15:06:51.980Z",
        "stage": 1,
        "verb": "continue",
        "who": "ann@box",
        "why": "logs first",
        "role": None,
        "request": "q1",
        "accepted": False,
        "answer": every.said[-1].partition("): ")[2],
    }
    assert not [deed for deed in every.story.deeds if "ann@box" in deed.text]


def test_what_is_cut_short_is_no_pass() -> None:
    stroll, every = walk()
    ask(observed(stroll.begin(), 2), Verb.ADVANCE)
    assert "Advanced by ann@box (logs first): the rest of stage 1 of 2 (1 %) is skipped" in (
        every.said
    )
    assert header(stroll.state).text == "1 % – → 100 % ●"
    observed(stroll, 6)
    assert stroll.state.phase is Phase.ENDED
    block = every.block()
    assert "cut short by ann@box (logs first)" in block
    assert "–  1/2" in block or "– 1/2" in block
    assert "✓ 2/2" in block


def test_before_its_first_evaluation_as_well() -> None:
    stroll, every = walk(ROLES)
    ask(stroll.begin(), Verb.ADVANCE, why="")
    observed(stroll, 1)
    said = "Verdict: none: stage 1/2 was cut short by ann@box; 6 of 6 gates pass"
    assert verdict_line(stroll.state).text == said
    ask(stroll, Verb.ABORT)
    assert "cut short by ann@box" in every.block()


def test_an_abort_is_asked_done_and_no_blame() -> None:
    stroll, every = walk()
    ask(observed(stroll.begin(), 1), Verb.ABORT)
    assert every.said[-4] == (
        "Aborted by ann@box (logs first): goes back to 0 % from stage 1 of 2 (1 %)"
    )
    assert every.said[-3] == "Rollback: aborted: by ann@box (logs first)"
    assert every.objects[-1]["cause"] == "aborted"
    block = every.block()
    assert block.splitlines()[1].startswith("ABORTED")
    assert "Aborted by ann@box (logs first)" in block
    assert "canaryctl history" in block


# --- what is waited for -------------------------------------------------------------------


def test_an_approval_says_who_is_missing_and_what_to_type() -> None:
    stroll, every = walk(ROLES)
    observed(stroll.begin(), 6)
    begun = (
        "Waiting for the approval of engineering, product: `canaryctl approve --as ROLE`,"
        " before stage 2/2 (100 %); the gates are still judged"
    )
    assert every.said[-1] == begun
    assert every.said[-2].startswith("Verdict: stage 1/2 passed")
    observed(stroll, 4)
    assert every.said.count(begun) == 1
    assert every.log.getvalue().count(begun) == 1
    assert every.log.getvalue().count("Verdict: stage 1/2 passed") == 1
    assert every.screen.getvalue().count("stage 1/2, 1 %, passed in") == 1
    ask(stroll, Verb.APPROVE, role="product", why="")
    assert every.said[-1] == "Approved as product by ann@box; still missing: engineering"
    seen = parts(progress(stroll.state, stroll.now))
    assert seen[0] == (
        "waiting for the approval of engineering (1 of 2 given): `canaryctl approve --as ROLE`"
    )
    assert progress(stroll.state, stroll.now).share == 1.0
    assert not [part for part in seen if "left" in part or "latest" in part]
    ask(stroll, Verb.APPROVE, role="engineering", why="")
    assert "Approved as engineering by ann@box; it goes on" in every.said
    observed(stroll, 6)
    waits = every.named("wait")
    assert [one["status"] for one in waits] == ["begun", "goes_on", "over"]
    assert waits[0] == {
        "event": "wait",
        "at": waits[0]["since"],
        "stage": 1,
        "status": "begun",
        "approve": ["engineering", "product"],
        "since": "2025-06-15T15:07:40.980Z",
        "until": None,
        "missing": ["engineering", "product"],
    }
    assert waits[1]["missing"] == ["engineering"]
    assert "Waiting for the approval" in every.block()


def test_a_pause_of_the_plan_counts_down() -> None:
    stroll, every = walk(Pause(100.0))
    observed(stroll.begin(), 6)
    assert every.said[-1].startswith("Waiting for 1 min 40 s, before stage 2/2 (100 %)")
    seen = parts(progress(stroll.state, stroll.now + 40))
    assert seen[0] == "pausing, 1 min left of 1 min 40 s"
    assert every.named("wait")[0]["pause"] == 100
    assert every.named("wait")[0]["until"] == "2025-06-15T15:09:20.980Z"
    observed(stroll, 16)
    assert [one["status"] for one in every.named("wait")] == ["begun", "over"]


def test_waiting_at_0_percent_shows_life_and_evaluates_nothing() -> None:
    stroll, every = walk(first=(Pause(),))
    stroll.begin()
    assert every.said[-1] == "Waiting for `canaryctl continue`, before stage 1/2 (1 %)"
    assert isinstance(stroll.command, Idle)
    shown = text(body(stroll.state, every.story, stroll.command, stroll.now, 90))
    assert "waiting for `canaryctl continue`" in shown
    for _ in range(7):
        assert isinstance(stroll.command, Idle)
        stroll.now = stroll.command.until
        every.ticked(stroll.state, stroll.now)
        stroll.event(Waited(stroll.now))
    log = every.log.getvalue()
    assert log.count("before the first stage: waiting for `canaryctl continue`") == 2
    assert [one["status"] for one in every.named("wait")] == ["begun"]
    assert not [one for one in every.objects if one["event"] == "waited"]
    stroll.event(GatewaySilent(stroll.now, "refused"))
    stroll.now += 2
    stroll.event(GatewaySilent(stroll.now, "refused"))
    assert every.log.getvalue().count("NGINX's control listener does not answer") == 1
    ask(stroll, Verb.CONTINUE)
    assert stroll.state.weight == Weight(100)


def test_a_wait_that_a_failed_gate_ends_is_over_once() -> None:
    stroll, every = walk(ROLES)
    observed(stroll.begin(), 6)
    stroll.judge(errors(90, 900), *healthy(900)[1:]).prove()
    assert stroll.state.phase is Phase.ENDED
    assert [one["status"] for one in every.named("wait")] == ["begun", "over"]
    assert "✗ 1/2" in every.block()


def test_the_deadline_is_no_verdict() -> None:
    stroll, every = walk(ROLES, deadline=100.0)
    observed(stroll.begin(), 10).prove()
    assert stroll.state.ending is not None
    assert stroll.state.ending.cause is Cause.DEADLINE
    (said,) = [one for one in every.said if "deadline" in one]
    assert said.startswith("Rollback: deadline: it lasted 1")
    assert "plan.deadline" in every.block()


def test_what_is_known_at_the_start_names_the_waits() -> None:
    stroll, every = walk(ROLES, first=(Pause(30.0),))
    stroll.begin()
    (started,) = every.named("started")
    assert started["first"] == 1
    assert started["plan"]["deadline"] == 86_400
    assert [one.get("before") for one in started["plan"]["stages"]] == [
        [{"pause": 30}],
        [{"approve": ["engineering", "product"]}],
    ]
    assert "pause 30 s → 1 % → approval of engineering, product → 100 %" in every.log.getvalue()


# --- drift, the breaker, time to zero -----------------------------------------------------


def test_drift_is_told_and_set_again() -> None:
    stroll, every = walk(on_drift=OnDrift.REASSERT)
    observed(stroll.begin(), 2)
    stroll.event(Drifted(stroll.now, "the file was edited"))
    assert every.said[-2:] == [
        "Drift: the file was edited; the weights are set again (1 of 5)",
        "Setting weights: stable 99 % / canary 1 %",
    ]
    stroll.prove()
    assert every.said[-1].startswith("Weights: stable 99 % / canary 1 %, proven at NGINX")
    drift = every.named("drift")[0]
    assert (drift["what"], drift["action"], drift["times"]) == (
        "the file was edited",
        "reassert",
        1,
    )
    observed(stroll, 12)
    block = every.block()
    assert "Drift: the file was edited" in block
    assert "stage 1/2, set again: canary 1 %, proven" in block


def test_drift_that_ends_it() -> None:
    stroll, every = walk()
    observed(stroll.begin(), 2)
    stroll.event(Drifted(stroll.now, "the file was edited"))
    assert every.said[-3] == "Drift: the file was edited"
    assert every.said[-2] == "Rollback: drift: the file was edited (gateway.on_drift: end)"
    stroll.prove()
    assert every.named("drift")[0]["action"] == "end"
    assert "see who or what changed it" in every.block()


OPEN = Breaker(Circuit.OPEN, BEGAN + 80, 1, trigger=Trigger.FAILURES, reason="5 in a row")


def test_the_circuit_breaker_is_told_and_is_no_verdict() -> None:
    stroll, every = walk()
    observed(stroll.begin(), 2)
    stroll.now = BEGAN + 25
    stroll.event(BreakerMoved(stroll.now, OPEN, Weight(100)))
    assert every.said[-2] == (
        "Circuit breaker open: 5 in a row; all traffic to stable, a test with 1 % in 55 s;"
        " that is no verdict"
    )
    stroll.prove()
    every.ticked(stroll.state, stroll.now)
    while stroll.state.phase is Phase.OPEN:
        assert isinstance(stroll.command, Idle)
        stroll.now = stroll.command.until
        stroll.event(Waited(stroll.now))
    stroll.prove()
    assert str(stroll.state.phase) == "testing"
    closed = replace(OPEN, circuit=Circuit.CLOSED, until=None)
    stroll.event(BreakerMoved(stroll.now, closed, Weight(100)))
    assert (
        "Circuit breaker closed: the canary served every test request; stage 1/2 begins anew"
        in every.said
    )
    stroll.prove()
    observed(stroll, 12)
    assert stroll.state.phase is Phase.ENDED
    assert [(one["circuit"], one["until"]) for one in every.named("breaker")] == [
        ("open", "2025-06-15T15:08:00.000Z"),
        ("closed", None),
    ]
    assert "stage 1/2, circuit breaker: canary 0 %, proven" in every.block()


def test_the_circuit_breaker_that_gives_up_says_why() -> None:
    stroll, every = walk()
    observed(stroll.begin(), 2)
    gone = replace(OPEN, circuit=Circuit.BACK, until=None)
    stroll.event(BreakerMoved(stroll.now, gone, Weight(100)))
    stroll.prove()
    assert "Rollback: circuit breaker: 5 in a row" in every.said
    assert "NGINX's log of attempts has them" in every.block()


DRAINED = Drained(workers=2, connections=8, requests=0.5, took=1.5, limit=30.0)
LEFT = Drained(workers=2, connections=8, requests=0.5, took=None, left=1, held=3, limit=None)


@pytest.mark.parametrize("drained", [DRAINED, LEFT])
def test_time_to_zero_is_printed_with_the_rollback(drained: Drained) -> None:
    stroll, every = walk(drain_within=60.0)
    observed(stroll.begin(), 1)
    stroll.judge(errors(90, 900)).prove()
    assert every.said[-1] == (
        "Waiting until no worker of NGINX is left that knows an older weight, 1 min at most"
    )
    shown = text(body(stroll.state, every.story, stroll.command, stroll.now, 90))
    assert "until no old worker is left, 1 min at most" in shown
    assert "reason" in shown
    stroll.now += 2
    stroll.event(DrainEnded(stroll.now, drained))
    assert f"Time to zero: {drained}" in every.said
    assert f"to zero   {drained}" in every.block()
    (found,) = every.named("time_to_zero")
    assert (found["complete"], found["took"], found["requests"]) == (
        drained.complete,
        drained.took,
        0.5,
    )
    assert (found["held"], found["left"], found["limit"]) == (
        drained.held,
        drained.left,
        drained.limit,
    )


def test_a_gateway_that_is_held_was_not_touched() -> None:
    every = Everything()
    stroll = Walk([every], State(waiting_plan()))
    stroll.event(Started(stroll.now))
    stroll.event(PreflightEnded(stroll.now, ()))
    stroll.event(Held(stroll.now, "bob@desk leads rollout 20250101-000000-bbbb"))
    said = "The gateway is held by somebody else: bob@desk leads rollout 20250101-000000-bbbb"
    assert every.said[-1] == said
    assert every.named("held")[0]["by"] == "bob@desk leads rollout 20250101-000000-bbbb"
    assert (every.objects[-1]["exit_code"], every.objects[-1]["weight"]) == (5, None)
    assert "as they were before; this rollout changed nothing" in every.block()
    assert "once that one has ended" in every.block()


def test_a_resumed_rollout_names_its_stages_as_they_are() -> None:
    every = Everything()
    stroll = Walk([every], State(waiting_plan(), first=1))
    stroll.begin()
    observed(stroll, 6)
    assert stroll.state.phase is Phase.ENDED
    assert every.named("started")[0]["first"] == 2
    assert {one["stage"] for one in every.named("evaluation")} == {2}
    assert any(one.startswith("Verdict: stage 2/2 passed") for one in every.said)
    block = every.block()
    assert "before the rollout was resumed" in block
    assert "cut short" not in block
