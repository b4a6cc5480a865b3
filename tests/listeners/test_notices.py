"""What people and hooks are told, from the events of whole rollouts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from canaryctl.core.breaker import Breaker, Circuit
from canaryctl.core.control import Verb
from canaryctl.core.events import (
    BreakerMoved,
    Check,
    Controlled,
    Crashed,
    Hooked,
    Interrupted,
    Judged,
    MetricsSilent,
    TrafficUnproven,
)
from canaryctl.core.gate import Severity, Status
from canaryctl.core.hook_facts import HookAbout
from canaryctl.core.hooks import HookFacts, HookMoment, HookResult
from canaryctl.core.notice import Level, Notice, Occasion
from canaryctl.core.plan import Approval, Ask, Pause
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.hooks import HookListener
from canaryctl.listeners.notices import NoticeListener
from canaryctl.ports import Listener
from tests.listeners.walk import BANNER, CHECKS, Walk, errors, healthy, latency, plan

ABOUT = HookAbout("fragrance-ai", "v0.2.0", "r1", "ann@box:42")


class Heard:
    """What was handed on."""

    def __init__(self, *weights: str, **stage: Any) -> None:
        self.notices: list[Notice] = []
        self.facts: list[HookFacts] = []
        self.closed: list[str] = []
        listeners: list[Listener] = [
            NoticeListener(
                BANNER,
                "r1",
                "ann@box:42",
                self.notices.append,
                lambda: self.closed.append("notices"),
            ),
            HookListener(
                ABOUT,
                lambda _, facts: self.facts.append(facts),
                lambda: self.closed.append("hooks"),
            ),
        ]
        made = plan(*weights)
        stages = tuple(replace(one, **stage) for one in made.stages)
        self.walk = Walk(listeners, State(replace(made, stages=stages)))

    def occasions(self) -> list[str]:
        return [one.occasion.value for one in self.notices]

    def moments(self) -> list[str]:
        return [f"{one.moment} {one.stage or ''}".strip() for one in self.facts]

    @property
    def last(self) -> Notice:
        return self.notices[-1]


def test_a_rollout_that_succeeds() -> None:
    heard = Heard("5", "100")
    heard.walk.begin().to_the_end()
    assert heard.occasions() == ["started", "stage", "stage", "succeeded"]
    assert heard.moments() == [
        "before-rollout",
        "before-stage 1",
        "after-stage 1",
        "before-stage 2",
        "after-stage 2",
        "after-rollout 2",
    ]
    assert [one.weight for one in heard.facts] == [None, 5.0, 5.0, 100.0, 100.0, 100.0]
    assert heard.last.title == "fragrance-ai v0.2.0: succeeded (every stage passed)"
    assert "stable 0 % / canary 100 %, proven at NGINX" in heard.last.body
    second = heard.notices[2]
    assert second.title.endswith("stage 2 of 2 (100 %) begins")
    assert "✓ error rate: 0 % (≤ 0.5 %" in second.body
    for listener in heard.walk.listeners:
        listener.close()  # type: ignore[attr-defined]
    assert heard.closed == ["notices", "hooks"]


def test_a_canary_that_is_thrown_back() -> None:
    heard = Heard("5", "100")
    heard.walk.begin().judge(errors(4, 100), latency("fast", 1.2, 2.5, 60)).prove()
    assert heard.occasions()[-1] == "rolled_back"
    assert heard.moments()[-2:] == ["after-rollback 1", "after-rollout 1"]
    assert heard.facts[-1].outcome == "rolled_back"
    assert heard.facts[-1].cause == "gate failed"
    assert heard.facts[-1].weight == 0
    assert "above its limit" in heard.facts[-1].reason
    lines = heard.last.body.splitlines()
    assert heard.last.level is Level.WARNING
    assert lines[0].startswith("reason    gate failed: error rate: 4 of 100 requests: 4.000%")
    assert lines[1] == "numbers   ✗ error rate: 4 % (≤ 0.5 %, 100 samples, stable 0.08 %)"
    assert "ended     in stage 1 of 2 (5 %), after 11 s" in lines
    assert any(one.startswith("weights   stable 100 % / canary 0 %, proven at") for one in lines)
    assert any("canaryctl rollout --version v0.2.0" in one for one in lines)
    assert lines[-3:] == ["by        ann@box:42", f"gateway   {BANNER.gateway}", "rollout   r1"]


def test_what_must_be_looked_at_now_is_critical() -> None:
    heard = Heard("5", "100")
    heard.walk.begin().wait().event(Crashed(heard.walk.now, "a defect"))
    for _ in range(3):
        heard.walk.event(TrafficUnproven(heard.walk.now, Weight.ZERO, "NGINX is silent"))
    assert heard.last.occasion is Occasion.UNPROVEN
    assert heard.last.level is Level.CRITICAL
    assert "UNKNOWN: traffic is not proven" in heard.last.title
    assert "NOT PROVEN (proven last: stable 95 % / canary 5 %)" in heard.last.body
    assert heard.moments()[-1] == "after-rollout 1"
    assert "after-rollback 1" not in heard.moments()
    assert heard.facts[-1].weight is None


def test_a_failed_preflight_is_told_and_nothing_was_rolled_back() -> None:
    heard = Heard("5", "100")
    heard.walk.begin((*CHECKS, Check("hook window", passed=False, detail="it is Friday")))
    assert heard.occasions() == ["aborted"]
    assert "it is Friday" in heard.last.body
    assert "this rollout changed nothing" in heard.last.body
    assert heard.moments() == ["before-rollout", "after-rollout"]


def test_whoever_is_waited_for_is_told_and_a_pause_is_nobodys_business() -> None:
    heard = Heard("5", "100", before=(Pause(600.0), Approval(("engineering",))))
    heard.walk.begin(CHECKS)
    assert heard.occasions() == ["started"]
    heard.walk.event(Controlled(heard.walk.now, Verb.CONTINUE, "q1", "ann@box"))
    assert heard.occasions() == ["started", "waiting"]
    assert "approval of engineering: `canaryctl approve --as ROLE`" in heard.last.body
    heard.walk.event(Interrupted(heard.walk.now, "Ctrl-C"))
    heard.walk.prove()
    assert heard.occasions()[-1] == "aborted"
    assert heard.moments()[-1] == "after-rollout"


def test_what_people_do_and_what_is_wrong_meanwhile_is_told_once() -> None:
    heard = Heard("5", "100")
    walk = heard.walk.begin()
    walk.event(Controlled(walk.now, Verb.PAUSE, "q1", "ann@box", "a question"))
    walk.event(MetricsSilent(walk.now + 1, "refused"))
    walk.event(MetricsSilent(walk.now + 2, "refused"))
    warned = replace(errors(4, 100), severity=Severity.WARN)
    walk.event(Judged(walk.now + 3, (warned,)))
    walk.event(Judged(walk.now + 4, (warned,)))
    opened = Breaker(Circuit.OPEN, walk.now + 60, 1, reason="5 in a row failed")
    walk.event(BreakerMoved(walk.now + 5, opened, Weight(50)))
    told = [(one.occasion.value, one.title.partition(": ")[2]) for one in heard.notices[2:]]
    assert told == [
        ("paused", "pause at stage 1 of 2 (5 %)"),
        ("trouble", "the metrics source does not answer"),
        ("trouble", "warning: error rate"),
        ("trouble", "circuit breaker open"),
    ]


@pytest.mark.parametrize("passes", [True, False])
def test_a_stage_whose_hook_fails_has_not_passed(passes: bool) -> None:
    heard = Heard("5", "100", after=(Ask(HookMoment.AFTER_STAGE, ("orders",)),))
    heard.walk.begin()
    while heard.walk.state.asking is None:
        heard.walk.judge(*healthy(1000))
    assert heard.moments()[-1] == "before-stage 1"
    found = HookResult("orders", Status.PASS if passes else Status.FAIL, "exit code 3: low", 3.0)
    heard.walk.event(Hooked(heard.walk.now + 1, HookMoment.AFTER_STAGE, (found,)))
    if passes:
        assert heard.moments()[-2:] == ["after-stage 1", "before-stage 2"]
        return
    heard.walk.prove()
    assert heard.moments()[-2:] == ["after-rollback 1", "after-rollout 1"]
    assert "numbers   ✗ hook orders: 3 (= 0)" in heard.last.body


def test_what_a_label_says_is_shown_and_acts_on_nothing() -> None:
    heard = Heard("5", "100")
    bad = replace(errors(4, 100), part="\x1b[2J\nreason fake", reason="x\ny")
    heard.walk.begin().judge(*healthy(100)[1:], bad).prove()
    assert "\x1b" not in heard.last.body
    assert not [line for line in heard.last.body.splitlines() if line.startswith("reason fake")]
