"""The sentences: announced before, confirmed after, in the words of the project."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canaryctl.core.commands import Command
from canaryctl.core.events import (
    Check,
    Crashed,
    Event,
    GatewaySilent,
    Interrupted,
    MetricsSilent,
    Overtaken,
    TrafficUnproven,
    WeightRefused,
)
from canaryctl.core.gate import Severity, Status
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.line import Tone
from canaryctl.listeners.plan_words import planned
from canaryctl.listeners.words import banner_lines, sentences, shares, stage_number
from tests.listeners.walk import BANNER, LOSS, NO_LOSS, SCHEMA, Walk, errors, healthy, plan


class Scribe:
    """Notes every sentence."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.newest: list[str] = []
        self.tones: list[Tone] = []
        self.stages: list[int | None] = []
        self._before: State | None = None

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        lines = sentences(event, state, command, self._before)
        self.newest = [one.text for one in lines]
        self.tones = [one.spans[0].tone for one in lines]
        self.said += self.newest
        self.stages.append(stage_number(event, state))
        self._before = state

    def ticked(self, state: State, now: float) -> None:
        pass


def walk(*weights: str, observe: float = 900.0) -> tuple[Walk, Scribe]:
    scribe = Scribe()
    return Walk([scribe], State(plan(*weights, observe=observe)), tick=None), scribe


def test_the_banner_names_everything() -> None:
    said = [one.text for one in banner_lines(replace(BANNER, notes=("a note",)), plan())]
    assert said[0] == "Canary rollout of fragrance-ai v0.2.0"
    assert [text.split()[0] for text in said[1:]] == [
        "service", "release", "plan", "gates", "gateway", "metrics", "note",
    ]  # fmt: skip
    assert said[3].endswith("1 % → 5 % → 25 % → 100 %, 15 min each, 1 h in all")


def test_stages_of_different_length_are_told_one_by_one() -> None:
    stages = (Stage(Weight.parse("0.5"), 60), Stage(Weight.parse("100"), 3600))
    assert planned(Plan(stages)) == "0.5 % (1 min) → 100 % (1 h), 1 h 1 min in all"


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        ("0", "stable 100 % / canary 0 %"),
        ("0.01", "stable 99.99 % / canary 0.01 %"),
        ("100", "stable 0 % / canary 100 %"),
    ],
)
def test_both_shares_are_said(weight: str, said: str) -> None:
    assert shares(Weight.parse(weight)) == said


def test_a_weight_is_announced_before_and_confirmed_after() -> None:
    stroll, scribe = walk()
    stroll.begin()
    tail = scribe.said[scribe.said.index("[STAGE 1/4] 1% Canary Traffic") :]
    assert tail == [
        "[STAGE 1/4] 1% Canary Traffic",
        "Setting weights: stable 99 % / canary 1 %",
        "Weights: stable 99 % / canary 1 %, proven at NGINX: generation 13-ab12, 0.19 s",
        "Observation: 15 min, gates judged every 10 s, first in 10 s",
    ]


def test_a_failed_preflight_names_the_check() -> None:
    stroll, scribe = walk()
    stroll.begin((Check("gateway", False, "no such container: fragrance-nginx"),))
    assert "  ✗ gateway: no such container: fragrance-nginx" in scribe.said
    assert scribe.said[-1] == "Preflight failed: 1 of 1 check; no traffic was shifted"
    assert scribe.tones[-1] is Tone.BAD


def test_verdicts() -> None:
    stroll, scribe = walk("5", "100", observe=20.0)
    stroll.begin().judge(*healthy(400))
    assert scribe.newest == ["Verdict: clear so far: 6 of 6 gates pass"]
    stroll.judge(SCHEMA, NO_LOSS)
    assert scribe.newest == [
        "Verdict: wait: training loss: no data: no fresh rl_training_loss of the canary"
    ]
    stroll.judge(*healthy(900))
    assert scribe.newest[0] == "Verdict: stage 1/2 passed: every gate passed, 3 evaluations"
    assert scribe.newest[1] == "[STAGE 2/2] 100% Canary Traffic"
    stroll.prove().judge(errors(9, 900))
    assert scribe.newest == [
        "Verdict: rollback: error rate: 9 of 900 requests: 1.000% is above its limit (≤ 0.5 %)",
        "Setting weights: stable 100 % / canary 0 %",
    ]
    stroll.prove()
    assert scribe.newest == [
        "Weights: stable 100 % / canary 0 %, proven at NGINX: generation 15-ab12, 0.19 s"
    ]


def test_a_bound_that_is_reached_is_a_rollback_with_its_reason() -> None:
    stroll, scribe = walk("5", observe=10.0)
    stroll.begin()
    for _ in range(3):
        stroll.judge(NO_LOSS)
    assert scribe.newest[0].startswith("Verdict: rollback: training loss: no fresh ")
    assert "extended to its bound (30 s)" in scribe.newest[0]


def test_a_gate_that_only_warns_is_a_warning() -> None:
    warning = replace(LOSS, status=Status.FAIL, severity=Severity.WARN, reason="0.9 is too much")
    stroll, scribe = walk("5", observe=10.0)
    stroll.begin().judge(SCHEMA, warning)
    assert scribe.newest == [
        "Warning: training loss: 0.9 is too much (severity warn: the rollout goes on)",
        (
            "Verdict: stage 1/1 passed: 1 of 2 gates pass, 1 evaluation;"
            " allowed: training loss (failed, severity warn)"
        ),
    ]
    assert scribe.tones == [Tone.WARN, Tone.GOOD]


def test_silent_metrics_are_no_word_against_the_canary() -> None:
    stroll, scribe = walk()
    stroll.begin().wait().event(MetricsSilent(stroll.now, "connection refused"))
    assert scribe.newest == [
        (
            "Metrics source does not answer: connection refused. The stage waits; back to 0 % after"
            " 2 min without an answer; this says nothing about the canary"
        )
    ]
    stroll.wait().event(MetricsSilent(stroll.now, "connection refused"))
    assert scribe.newest == ["Metrics source silent for 10 s of 2 min: connection refused"]
    stroll.judge(*healthy(400))
    assert scribe.newest[0] == (
        "Metrics source answers again after 20 s; the stage lasts so much longer"
    )
    while not scribe.newest[-1].startswith("Setting"):
        stroll.wait().event(MetricsSilent(stroll.now, "connection refused"))
    assert scribe.newest[-2].startswith("Rollback: metrics lost: no answer for 120 s")


def test_a_silent_gateway_is_told_and_so_is_its_return() -> None:
    stroll, scribe = walk()
    stroll.begin().event(GatewaySilent(stroll.now, "timed out"))
    assert scribe.newest[0].startswith("NGINX's control listener does not answer: timed out.")
    stroll.judge(*healthy(400))
    assert scribe.newest[0] == "NGINX's control listener answers again after 10 s"


def test_going_back_is_tried_again_and_each_attempt_is_told() -> None:
    stroll, scribe = walk()
    stroll.begin().event(Interrupted(stroll.now, "Ctrl-C"))
    assert scribe.newest == [
        "Interrupted: Ctrl-C",
        "Rollback: interrupted: Ctrl-C",
        "Setting weights: stable 100 % / canary 0 %",
    ]
    stroll.event(TrafficUnproven(stroll.now, Weight.ZERO, "no answer"))
    assert scribe.newest == [
        "Weights not proven: stable 100 % / canary 0 %: no answer",
        "Setting weights: stable 100 % / canary 0 % (attempt 2 of 3, in 1 s)",
    ]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Overtaken(1.0, Weight.ZERO, "eve set 0 %"), "changed by somebody else: eve set 0 %"),
        (Crashed(1.0, "KeyError: 'x'"), "canaryctl failed: KeyError: 'x'"),
    ],
)
def test_other_ends_are_told(event: Event, said: str) -> None:
    stroll, scribe = walk()
    stroll.begin().event(event)
    assert said in scribe.newest[0]


def test_a_refused_weight_says_what_nginx_said() -> None:
    stroll, scribe = walk()
    stroll.begin().stage()
    stroll.judge(*healthy(400))
    stroll.event(Interrupted(stroll.now, "SIGTERM"))
    stroll.event(WeightRefused(stroll.now, Weight.ZERO, "[emerg] host not found"))
    assert scribe.newest[0] == (
        "Weights refused: stable 100 % / canary 0 % did not come into force: [emerg] host not found"
    )


def test_an_event_belongs_to_the_stage_it_speaks_of() -> None:
    stroll, scribe = walk("5", "100", observe=10.0)
    stroll.begin().judge(*healthy(400)).prove()
    # started, preflight, 0 % proven, 5 % proven, judged (already shifting to 2), 100 % proven
    assert scribe.stages == [None, None, None, 1, 1, 2]
