"""Recorded rollouts in which people, drift and the circuit breaker had a hand, judged again."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.config import loads
from canaryctl.core.breaker import Breaker, Circuit, Trigger
from canaryctl.core.control import Verb
from canaryctl.core.drained import Drained
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    DrainEnded,
    Drifted,
    Event,
    Held,
    Judged,
    Waited,
    WeightProven,
)
from canaryctl.core.outcome import Cause
from canaryctl.core.plan import Approval, OnDrift, Pause
from canaryctl.core.recording import Moment, Recording, Setup, UnreadableRecording
from canaryctl.core.recording_events import event_json, finding_json, moment
from canaryctl.core.recording_setup import setup, setup_json
from canaryctl.core.replay import Tick, replayed
from canaryctl.core.replay_play import Stopped, legs, played
from canaryctl.core.state import Phase
from canaryctl.core.weight import Weight
from canaryctl.listeners.journal_read import events
from canaryctl.listeners.jsonable import compact, jsonable, kind_of
from canaryctl.listeners.replay_file import export, from_file, from_journal
from tests.core.test_replay import ERRORS, THRESHOLDS, broken
from tests.recorded import BEGIN, ID, Rolled, configured, roll

WAITS = "stages: [{pause: 30s}, 1, {approve: [engineering, product]}, 5, {pause: {}}, 100]"
APPROVED = [
    (200.0, Verb.APPROVE, "product"),
    (210.0, Verb.APPROVE, "marketing"),
    (220.0, Verb.APPROVE, "engineering"),
    (400.0, Verb.CONTINUE, ""),
]


def with_waits(more: str = "", stages: str = WAITS) -> str:
    return configured(more).replace("stages: [1, 5, 25, 100]", stages)


def reasserting(more: str = "") -> str:
    return configured(more).replace("driver: local", "driver: local\n  on_drift: reassert")


def setup_of(config: str) -> Setup:
    read = loads(config)
    return Setup(read.core_plan(), read.core_gates(), read.judgement())


CASES: dict[str, tuple[dict[str, Any], Cause]] = {
    "waits and approvals": ({"config": with_waits(), "asked": APPROVED}, Cause.PASSED),
    "a gate fails in a wait": (
        {"config": with_waits(), "service": broken(0.3, 250.0)},
        Cause.GATE_FAILED,
    ),
    "nobody approves": (
        {"config": with_waits().replace("interval: 5s", "interval: 5s, deadline: 10m")},
        Cause.DEADLINE,
    ),
    "paused, by evidence": (
        {"asked": [(50.0, Verb.PAUSE, ""), (250.0, Verb.CONTINUE, "")]},
        Cause.PASSED,
    ),
    "paused, by thresholds": (
        {
            "asked": [(50.0, Verb.PAUSE, ""), (250.0, Verb.CONTINUE, "")],
            "config": configured(THRESHOLDS),
        },
        Cause.PASSED,
    ),
    "a gate fails in a pause": (
        {"asked": [(50.0, Verb.PAUSE, "")], "service": broken(0.3)},
        Cause.GATE_FAILED,
    ),
    "advanced": ({"asked": [(50.0, Verb.ADVANCE, "")]}, Cause.PASSED),
    "held, refused, continued": (
        {
            "asked": [
                (50.0, Verb.HOLD, ""),
                (60.0, Verb.APPROVE, "x"),
                (200.0, Verb.PAUSE, ""),
                (300.0, Verb.CONTINUE, ""),
            ]
        },
        Cause.PASSED,
    ),
    "aborted": ({"asked": [(50.0, Verb.ABORT, "")]}, Cause.ABORTED),
    "set again": ({"config": reasserting(), "drifted_at": [50.0, 200.0]}, Cause.PASSED),
    "drifted": ({"drifted_at": [50.0]}, Cause.DRIFT),
    "resumed": ({"first": 2}, Cause.PASSED),
}


def rolled(directory: Path, case: str) -> Rolled:
    options, cause = CASES[case]
    done = roll(directory, **options)
    assert done.state.ending is not None
    assert done.state.ending.cause is cause
    return done


@pytest.mark.parametrize("case", list(CASES))
def test_the_same_verdicts_at_the_same_moments(tmp_path: Path, case: str) -> None:
    done = rolled(tmp_path, case)
    recording = from_journal(ID, tmp_path)
    assert recording.setup is not None
    export(ID, tmp_path / "out.ndjson", tmp_path)
    exported = from_file(tmp_path / "out.ndjson")
    assert exported.setup == recording.setup
    assert [one.event for one in exported.moments if not isinstance(one.event, Judged)] == [
        one.event for one in recording.moments if not isinstance(one.event, Judged)
    ]
    assert [one.said for one in exported.moments] == [one.said for one in recording.moments]

    ticks = list(replayed(recording, recording.setup))

    assert len(ticks) == len(recording.moments)
    assert not [tick for tick in ticks if tick.differs]
    end = ticks[-1].state
    assert end.phase is Phase.ENDED
    assert end.ending == done.state.ending
    assert end.drained == done.state.drained
    assert (end.reasserted, end.lost, end.taken) == (
        done.state.reasserted,
        done.state.lost,
        done.state.taken,
    )
    assert [(r.stage, r.passed, r.skipped, r.evaluations) for r in end.records] == [
        (r.stage, r.passed, r.skipped, r.evaluations) for r in done.state.records
    ]
    assert max(tick.gap for tick in ticks) == 0.0
    asked = [tick.now.accepted for tick in ticks if isinstance(tick.event, Controlled)]
    assert asked == [answer.accepted for answer in done.answers][: len(asked)]


def test_a_request_that_was_answered_otherwise_is_a_difference(tmp_path: Path) -> None:
    rolled(tmp_path, "held, refused, continued")
    recording = from_journal(ID, tmp_path)
    assert recording.setup is not None
    moments = [
        replace(one, said=replace(one.said, accepted=True))
        if isinstance(one.event, Controlled) and one.event.verb is Verb.APPROVE and one.said
        else one
        for one in recording.moments
    ]
    last = list(replayed(replace(recording, moments=tuple(moments)), recording.setup))[-1]
    assert last.differs
    assert isinstance(last.event, Controlled)
    assert last.now.accepted is False


def test_a_beginning_that_is_no_stage_is_named(tmp_path: Path) -> None:
    rolled(tmp_path, "resumed")
    recording = from_journal(ID, tmp_path)
    assert recording.setup is not None
    taken = next(m for m in recording.moments if isinstance(m.event, WeightProven))
    assert taken.said is not None
    for stage in (4, -1):
        odd = replace(taken, said=replace(taken.said, stage=stage))
        moments = tuple(odd if one is taken else one for one in recording.moments)
        with pytest.raises(UnreadableRecording, match=rf"stage {stage} is none of 4"):
            list(replayed(replace(recording, moments=moments), recording.setup))


# --- played by other gates ----------------------------------------------------------------


def play(directory: Path, config: str) -> tuple[Recording, list[Tick | Stopped]]:
    recording = from_journal(ID, directory)
    other = setup_of(config)
    assert recording.setup is not None
    # As the verb does: the stages are the recorded ones.
    plan = replace(other.plan, stages=recording.setup.plan.stages)
    return recording, list(played(recording, replace(other, plan=plan)))


def test_nobody_is_asked_again(tmp_path: Path) -> None:
    rolled(tmp_path, "waits and approvals")

    recording, ticks = play(tmp_path, configured(ERRORS.format(limit="5%")))

    last = ticks[-1]
    assert isinstance(last, Tick)
    assert last.now.cause is Cause.PASSED
    assert not [t for t in ticks if isinstance(t, Tick) and t.state.waiting]
    # What was recorded while they were waited for is left out, and its time as well.
    then = [one.event.at for one in recording.moments]
    assert last.event.at - BEGIN < then[-1] - then[0] - 120


@pytest.mark.parametrize("case", ["paused, by evidence", "paused, by thresholds"])
def test_a_recorded_pause_does_not_count_in_a_play(tmp_path: Path, case: str) -> None:
    rolled(tmp_path, case)

    _, ticks = play(tmp_path, configured(THRESHOLDS if "config" in CASES[case][0] else ""))

    last = ticks[-1]
    assert isinstance(last, Tick)
    assert last.now.cause is Cause.PASSED
    first = [t for t in ticks if isinstance(t, Tick) and t.state.index == 0]
    lasted = first[-1].event.at - next(t.event.at for t in first if t.state.weight == Weight(100))
    assert lasted >= 120 + 195


def test_who_cut_a_stage_short_left_no_more_to_judge(tmp_path: Path) -> None:
    rolled(tmp_path, "advanced")

    _, ticks = play(tmp_path, configured(ERRORS.format(limit="5%")))

    last = ticks[-1]
    assert isinstance(last, Stopped)
    assert last.reason == (
        "what was recorded at 1 % ends here, after 45 s (advance by bob@desk (because))"
    )


def test_weights_that_were_set_again_are_one_stage(tmp_path: Path) -> None:
    rolled(tmp_path, "set again")

    recording, ticks = play(tmp_path, configured(ERRORS.format(limit="5%")))

    assert [str(leg.weight) for leg in legs(recording.moments)] == ["1", "5", "25", "100"]
    last = ticks[-1]
    assert isinstance(last, Tick)
    assert last.now.cause is Cause.PASSED


OPEN = Breaker(Circuit.OPEN, 160.0, 1, trigger=Trigger.FAILURES, reason="5 in a row")
CLOSED = Breaker(Circuit.CLOSED, openings=1, trigger=Trigger.FAILURES, reason="5 in a row")


def proven(at: float, hundredths: int) -> WeightProven:
    return WeightProven(at, Weight(hundredths), f"g{at:g}", 0.2)


def moments(*happened: Event) -> tuple[Moment, ...]:
    return tuple(Moment(line, event) for line, event in enumerate(happened, 1))


def test_a_stage_that_the_circuit_breaker_began_anew_is_the_second_one() -> None:
    test = Weight(100)
    stages = legs(
        moments(
            proven(1.0, 0),
            proven(2.0, 100),
            Judged(10.0, ()),
            BreakerMoved(12.0, OPEN, test),
            proven(12.5, 0),
            Waited(100.0),
            proven(160.0, 100),  # a test, with the stage's own weight
            Waited(161.0),
            BreakerMoved(165.0, CLOSED, test),
            proven(166.0, 100),
            Judged(170.0, ()),
        )
    )
    assert [(leg.since, len(leg.moments), leg.ended) for leg in stages] == [(166.0, 1, "")]


def test_a_stage_that_the_circuit_breaker_ended_says_so() -> None:
    (leg,) = legs(
        moments(
            proven(2.0, 100),
            Judged(10.0, ()),
            BreakerMoved(12.0, OPEN, Weight(100)),
            proven(12.5, 0),
            proven(160.0, 100),
        )
    )
    assert (leg.broken, leg.ended, len(leg.moments)) == (True, "circuit breaker open", 1)


# --- as JSON ------------------------------------------------------------------------------

times = st.floats(0, 1e9)
texts = st.text(max_size=8)
nothing = st.none()
many = st.integers(0, 10**6)
happenings: st.SearchStrategy[Event] = st.one_of(
    st.builds(Held, times, texts),
    st.builds(Controlled, times, st.sampled_from(Verb), texts, texts, texts, texts),
    st.builds(Drifted, times, texts),
    st.builds(Waited, times),
    st.builds(
        DrainEnded,
        times,
        st.builds(
            Drained,
            many,
            nothing | many,
            nothing | times,
            nothing | times,
            many,
            nothing | many,
            many,
            nothing | times,
            texts,
        ),
    ),
    st.builds(
        BreakerMoved,
        times,
        st.builds(
            lambda circuit, until, openings, trigger, reason: Breaker(
                circuit, until, openings, trigger=trigger, reason=reason
            ),
            st.sampled_from(Circuit),
            nothing | times,
            many,
            nothing | st.sampled_from(Trigger),
            texts,
        ),
        st.integers(0, 10_000).map(Weight),
    ),
)


@given(happenings)
def test_each_event_reads_back_as_it_was(event: Event) -> None:
    written = event_json(event, finding_json) or jsonable(event)
    line = json.loads(compact({"kind": kind_of(event), **written}))
    assert moment(1, line, {}).event == event


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"kind": "controlled", "at": 1, "verb": "stop", "request": "", "who": ""}, "verb"),
        ({"kind": "controlled", "at": 1, "verb": "pause", "who": ""}, "'request' is missing"),
        ({"kind": "drain_ended", "at": 1}, "drained: expected an object"),
        ({"kind": "drain_ended", "at": 1, "drained": {"workers": 1.5}}, "drained.workers"),
        ({"kind": "drain_ended", "at": 1, "drained": {"worker": 1}}, "unknown key 'worker'"),
        ({"kind": "breaker_moved", "at": 1, "test": 1}, "breaker: expected an object"),
        ({"kind": "breaker_moved", "at": 1, "test": 101, "breaker": {}}, "between 0 and 100"),
        ({"kind": "breaker_moved", "at": 1, "test": 1, "breaker": {"circuit": "x"}}, "circuit"),
        ({"kind": "waited", "at": 1, "more": 1}, "unknown key 'more'"),
    ],
)
def test_what_is_not_an_event_is_named(line: dict[str, object], said: str) -> None:
    with pytest.raises(UnreadableRecording, match=said.replace("(", "\\(")):
        moment(1, line, {})


def test_a_plan_keeps_its_waits_and_bounds() -> None:
    read = setup_of(reasserting().replace("stages: [1, 5, 25, 100]", WAITS))
    written = json.loads(compact(setup_json(read)))
    assert written["plan"]["stages"][0]["before"] == [{"pause": 30}]
    assert setup(written) == read
    before = [stage.before for stage in setup(written).plan.stages]
    assert before == [(Pause(30.0),), (Approval(("engineering", "product")),), (Pause(),)]
    assert setup(written).plan.on_drift is OnDrift.REASSERT


def test_a_setup_of_before_there_were_waits_still_reads() -> None:
    written = json.loads(compact(setup_json(setup_of(configured()))))
    for key in ("deadline", "on_drift", "reasserts", "drain_within"):
        del written["plan"][key]
    assert not [stage for stage in written["plan"]["stages"] if "before" in stage]
    assert setup(written).plan == replace(setup_of(configured()).plan, drain_within=0.0)


@pytest.mark.parametrize(
    "before", [[{"pause": "10m"}], [{"approve": "me"}], [{"wait": 1}], [1], [{"pause": True}], 7]
)
def test_a_wait_that_is_none_is_named(before: object) -> None:
    written = json.loads(compact(setup_json(setup_of(configured()))))
    written["plan"]["stages"][1]["before"] = before
    with pytest.raises(UnreadableRecording, match=r"plan.stages\[1\].before"):
        setup(written)


def test_what_was_asked_and_answered_is_in_the_journal(tmp_path: Path) -> None:
    rolled(tmp_path, "held, refused, continued")
    asked = [one for one in events(ID, tmp_path) if one.kind == "controlled"]
    assert [one.payload["answer"]["accepted"] for one in asked] == [True, False, False, True]
    assert asked[0].payload["event"]["who"] == "bob@desk"
    assert "Held by bob@desk (because)" in asked[0].payload["said"][0]


def test_every_field_of_what_is_said_is_read() -> None:
    known = {one.name for one in fields(Drained)}
    assert known == set(jsonable(Drained(1, 2, 3.0, 4.0)))
