"""Recorded rollouts judged again: the same verdicts at the same moments, or others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canaryctl.config import loads
from canaryctl.core.events import Judged
from canaryctl.core.outcome import Cause
from canaryctl.core.recording import Recording, Setup, UnreadableRecording
from canaryctl.core.replay import Tick, replayed
from canaryctl.core.replay_literal import recorded_gates
from canaryctl.core.replay_play import Stopped, played
from canaryctl.core.series import Version
from canaryctl.core.state import Phase
from canaryctl.listeners.replay_file import from_journal
from tests.recorded import BEGIN, ID, Service, configured, roll

THRESHOLDS = """
judge: threshold
gates:
  - {name: errors, kind: ratio, bad: 'http_requests_total{status=~"5.."}',
     total: http_requests_total, max: 0.5%, consecutive: 2}
  - {name: loss, kind: gauge, metric: rl_training_loss, max_ratio: 2}
  - {name: schema, kind: zero, metric: llm_brief_schema_failures_total}
"""
ERRORS = """
gates:
  - {{name: errors, kind: ratio, bad: 'http_requests_total{{status=~"5.."}}',
     total: http_requests_total, max: {limit}}}
"""


def broken(rate: float, after: float = 150.0) -> Service:
    """A canary that fails from a moment on."""

    def errors(version: Version, at: float) -> float:
        return rate if version is Version.CANARY and at > BEGIN + after else 0.001

    return Service(errors=errors)


def setup_of(config: str) -> Setup:
    read = loads(config)
    return Setup(read.core_plan(), read.core_gates(), read.judgement())


def judged(ticks: list[Tick]) -> list[Tick]:
    return [tick for tick in ticks if isinstance(tick.event, Judged)]


def again(directory: Path) -> tuple[Recording, list[Tick]]:
    recording = from_journal(ID, directory)
    assert recording.setup is not None
    return recording, list(replayed(recording, recording.setup))


def slow_canary() -> Service:
    def slow(version: Version, at: float) -> float:
        return 0.15 if version is Version.CANARY and at > BEGIN + 150 else 0.01

    return Service(slow=slow)


def shared_incident() -> Service:
    return Service(errors=lambda _, at: 0.05 if BEGIN + 150 < at < BEGIN + 250 else 0.001)


@pytest.mark.parametrize(
    ("service", "options", "cause"),  # no cause: however it ends, it is the same end
    [
        (Service(), {}, Cause.PASSED),
        (Service(), {"attempts": False}, Cause.PASSED),
        (broken(0.05), {}, Cause.GATE_FAILED),
        (slow_canary(), {}, None),
        (shared_incident(), {}, Cause.PASSED),
        (broken(0.05), {"config": configured(THRESHOLDS)}, Cause.GATE_FAILED),
        (Service(), {"config": configured(THRESHOLDS)}, Cause.PASSED),
        (Service(), {"silent": lambda at: BEGIN + 200 < at < BEGIN + 290}, Cause.PASSED),
        (Service(), {"silent": lambda at: at > BEGIN + 200}, Cause.METRICS_LOST),
        (Service(), {"stop_at": BEGIN + 200}, Cause.INTERRUPTED),
    ],
    ids=[
        *("healthy", "no attempts", "errors", "slow", "incident", "thresholds fail"),
        *("thresholds pass", "silent for a while", "silent for good", "interrupted"),
    ],
)
def test_the_same_verdicts_at_the_same_moments(
    tmp_path: Path, service: Service, options: dict[str, object], cause: Cause | None
) -> None:
    rolled = roll(tmp_path, service, **options)  # type: ignore[arg-type]
    assert rolled.state.ending is not None
    assert rolled.state.ending.cause is cause or cause is None

    recording, ticks = again(tmp_path)

    assert len(ticks) == len(recording.moments)
    assert not [tick for tick in ticks if tick.differs]
    assert ticks[-1].state.phase is Phase.ENDED
    assert ticks[-1].state.ending == rolled.state.ending
    then = [(e.at, s.records[-1].verdict) for e, s in rolled.heard.judged]
    now = [(t.event.at, t.state.records[-1].verdict) for t in judged(ticks)]
    assert [(at, v.ruling, v.reason) for at, v in now if v] == [
        (at, v.ruling, v.reason) for at, v in then if v
    ]
    found = [t.event.findings for t in judged(ticks) if isinstance(t.event, Judged)]
    assert [[(f.name, f.status, f.value, f.reason) for f in one] for one in found] == [
        [(f.name, f.status, f.value, f.reason) for f in e.findings] for e, _ in rolled.heard.judged
    ]
    # Not only the same verdicts: the very same evidence, to the last bit.
    assert max((tick.gap for tick in ticks), default=0.0) == 0.0
    weighed = [e.weighed for e, _ in rolled.heard.judged]
    assert [t.event.weighed for t in judged(ticks) if isinstance(t.event, Judged)] == weighed


def test_observations_come_back_as_they_were(tmp_path: Path) -> None:
    rolled = roll(tmp_path, broken(0.05))

    recording = from_journal(ID, tmp_path)

    seen = [m.event.observation for m in recording.moments if isinstance(m.event, Judged)]
    assert seen == [event.observation for event, _ in rolled.heard.judged]
    assert recording.setup == setup_of(configured())


def test_a_tampered_counter_is_where_the_verdict_differs(tmp_path: Path) -> None:
    roll(tmp_path, broken(0.3))
    recording = from_journal(ID, tmp_path)
    assert recording.setup is not None
    healthy = [m for m in recording.moments if isinstance(m.event, Judged)][3].event
    assert isinstance(healthy, Judged)
    assert healthy.observation is not None
    moments = list(recording.moments)
    for index, moment in enumerate(moments):
        event = moment.event
        if isinstance(event, Judged) and event.observation is not None:
            calm = replace(event.observation, ratios=healthy.observation.ratios)
            moments[index] = replace(moment, event=replace(event, observation=calm))

    ticks = list(replayed(replace(recording, moments=tuple(moments)), recording.setup))

    assert ticks[-1].differs
    assert len(ticks) < len(moments)
    assert [tick.differs for tick in ticks[:-1]] == [False] * (len(ticks) - 1)
    said, now = ticks[-1].said, ticks[-1].now
    assert said is not None
    assert (said.ruling, now.ruling) == ("back", "clear")


def test_another_limit_gives_another_verdict(tmp_path: Path) -> None:
    roll(tmp_path, broken(0.08), config=configured(ERRORS.format(limit="50%")))
    recording, ticks = again(tmp_path)
    assert ticks[-1].now.cause is Cause.PASSED

    stricter = setup_of(configured(ERRORS.format(limit="0.2%")))
    end = list(played(recording, stricter))[-1]

    assert isinstance(end, Tick)
    assert end.now.cause is Cause.GATE_FAILED
    assert "errors" in end.now.why
    assert 1 < len(end.state.records) < 5


def test_what_was_thrown_back_goes_on_until_the_recording_ends(tmp_path: Path) -> None:
    rolled = roll(tmp_path, broken(0.4), config=configured(ERRORS.format(limit="0.5%")))
    assert len(rolled.state.records) == 2
    recording = from_journal(ID, tmp_path)

    end = list(played(recording, setup_of(configured(ERRORS.format(limit="50%")))))[-1]

    assert isinstance(end, Stopped)
    assert end.reason.startswith("what was recorded at 5 % ends here, after "), end.reason
    assert end.state.ending is None


def test_a_stage_without_traffic_is_where_a_play_stops(tmp_path: Path) -> None:
    roll(tmp_path)
    recording = from_journal(ID, tmp_path)
    assert recording.setup is not None
    cut = tuple(one for one in recording.moments if one.event.at < BEGIN + 240.7)

    end = list(played(replace(recording, moments=cut), recording.setup))[-1]

    assert isinstance(end, Stopped)
    assert end.reason == "no traffic at 25 % was recorded"


def test_an_earlier_end_of_a_stage_leaves_its_rest_out(tmp_path: Path) -> None:
    roll(tmp_path)
    recording = from_journal(ID, tmp_path)
    early = setup_of(configured(observe="2m"))
    policy = replace(early.judgement.policy, early=True)
    judgement = replace(early.judgement, policy=policy, warm_up=0.0)
    kept, left_out = recorded_gates(early.gates, recording)

    ticks = list(played(recording, replace(early, gates=kept, judgement=judgement)))

    assert left_out == ()
    last = ticks[-1]
    assert isinstance(last, Tick)
    assert last.now.cause is Cause.PASSED
    judged_now = [t for t in ticks if isinstance(t, Tick) and isinstance(t.event, Judged)]
    recorded = [m for m in recording.moments if isinstance(m.event, Judged)]
    assert len(judged_now) < len(recorded)
    times = [t.event.at for t in judged_now]
    assert times == sorted(times)
    assert times[-1] - times[0] < recorded[-1].event.at - recorded[0].event.at - 60


def test_the_same_gates_play_to_the_same_end(tmp_path: Path) -> None:
    for name, service in (("bad", broken(0.05)), ("good", Service())):
        rolled = roll(tmp_path / name, service)
        recording = from_journal(ID, tmp_path / name)
        assert recording.setup is not None
        end = list(played(recording, recording.setup))[-1]
        assert isinstance(end, Tick)
        assert rolled.state.ending is not None
        assert end.now.cause is rolled.state.ending.cause
        assert not end.differs


def test_a_literal_limit_is_held_again_on_recorded_values(tmp_path: Path) -> None:
    roll(tmp_path, broken(0.03), config=configured(THRESHOLDS.replace("0.5%", "10%")))
    recording = from_journal(ID, tmp_path)
    for limit, cause in (("2%", Cause.GATE_FAILED), ("5%", Cause.PASSED)):
        ticks = list(played(recording, setup_of(configured(THRESHOLDS.replace("0.5%", limit)))))
        assert isinstance(ticks[-1], Tick)
        assert ticks[-1].now.cause is cause
    loss = THRESHOLDS.replace("max_ratio: 2", "max_ratio: 0.5")
    end = list(played(recording, setup_of(configured(loss))))[-1]
    assert isinstance(end, Tick)
    assert "loss" in end.now.why


def test_what_was_not_recorded_is_left_out_and_named(tmp_path: Path) -> None:
    roll(tmp_path, config=configured(THRESHOLDS))
    recording = from_journal(ID, tmp_path)
    other = setup_of(
        configured(
            "gates:\n"
            "  - {name: queue, kind: gauge, metric: queue_depth, max: 5}\n"
            "  - {name: renamed, kind: gauge, metric: rl_training_loss, max: 5}\n"
            "  - {name: errors, kind: ratio, bad: 'http_requests_total{status=~\"5..\"}',"
            " total: http_requests_total, max: 1%}\n"
        )
    )
    kept, left_out = recorded_gates(other.gates, recording)

    # A threshold's recording has no counts that evidence could be collected on.
    assert [gate.rule.name for gate in kept] == ["renamed"]
    assert left_out == ("queue", "errors", "canary up")
    ticks = list(played(recording, replace(other, gates=kept)))
    assert isinstance(ticks[-1], Tick)
    assert ticks[-1].now.cause is Cause.PASSED


def test_an_event_out_of_place_is_named(tmp_path: Path) -> None:
    roll(tmp_path)
    recording = from_journal(ID, tmp_path)
    assert recording.setup is not None
    cut = replace(recording, moments=recording.moments[2:])
    with pytest.raises(UnreadableRecording, match="line 3: WeightProven cannot happen while ready"):
        list(replayed(cut, recording.setup))
