"""Events as JSON objects, for machines. Pure; numbers in SI units or plain, times in UTC.

Every object has ``event``, ``at`` (ISO 8601, UTC) and ``stage`` (from 1; null before the
first). A number that is not finite is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from canaryctl.core.commands import Command, SetWeight
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
from canaryctl.core.gate import Finding, Scale
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import Weight
from canaryctl.listeners.hooked import hooked_record
from canaryctl.listeners.jsonable import jsonable, percent
from canaryctl.listeners.record import Json, Record, number
from canaryctl.listeners.waits_record import plan_record, wait_records
from canaryctl.listeners.when import iso
from canaryctl.listeners.words import Banner, stage_number

_NAMES: dict[type[Event], str] = {
    Started: "started",
    PreflightEnded: "preflight",
    WeightProven: "weight",
    WeightRefused: "weight",
    TrafficUnproven: "weight",
    Judged: "evaluation",
    MetricsSilent: "metrics_silent",
    GatewaySilent: "gateway_silent",
    Overtaken: "overtaken",
    Held: "held",
    Controlled: "control",
    Drifted: "drift",
    BreakerMoved: "breaker",
    DrainEnded: "time_to_zero",
    Hooked: "hook",
    Interrupted: "interrupted",
    Crashed: "crashed",
}


def records(
    event: Event,
    state: State,
    command: Command | None,
    banner: Banner,
    weight: Weight | None,
    before: State | None = None,
) -> Iterator[Record]:
    """Give the objects for one event: what happened, what is announced, and the outcome.

    Args:
        event: what happened.
        state: what it led to.
        command: what is about to be carried out.
        banner: what is rolled out.
        weight: what NGINX is known to have in force; None: unknown.
        before: the state that the event found; without it nothing is said of waits.
    """
    judged = stage_number(event, state)
    if not isinstance(event, Waited):  # what it led to is said below
        yield _record(_NAMES[type(event)], event.at, judged, _told(event, state, banner))
    stage = state.index + 1 if state.index >= 0 else None
    if before is not None:
        for waited in wait_records(state, before):
            yield _record("wait", event.at, before.index + 1 if before.index >= 0 else None, waited)
    if isinstance(command, SetWeight):
        yield _record("weight", event.at, stage, _announced(command))
    if command is None and state.ending is not None:
        yield _record("outcome", event.at, stage, _outcome(state, banner, weight))


def _record(name: str, at: float, stage: int | None, more: Mapping[str, Json]) -> Record:
    return {"event": name, "at": iso(at), "stage": stage, **more}


def _told(event: Event, state: State, banner: Banner) -> Mapping[str, Json]:
    match event:
        case Started():
            return _started(state, banner)
        case PreflightEnded():
            passed = all(check.passed is not False for check in event.checks)
            return {"passed": passed, "checks": [_check(check) for check in event.checks]}
        case WeightProven() | WeightRefused() | TrafficUnproven():
            return _weight(event)
        case Judged():
            return _evaluation(event, state)
        case Controlled() | BreakerMoved() | DrainEnded() | Waited() | Hooked():
            return _between(event, state)
        case _:
            return _trouble(event, state)


def _weight(event: WeightProven | WeightRefused | TrafficUnproven) -> Record:
    weight = percent(event.weight)
    if isinstance(event, WeightProven):
        proof: Record = {"generation": event.generation, "took": number(event.took)}
        return {"status": "proven", "weight": weight, **proof}
    status = "refused" if isinstance(event, WeightRefused) else "unproven"
    return {"status": status, "weight": weight, "reason": event.reason}


def _between(
    event: Controlled | BreakerMoved | DrainEnded | Waited | Hooked, state: State
) -> Mapping[str, Json]:
    """Write what came between a stage and its verdict, or after them."""
    match event:
        case Controlled():
            return _control(event, state)
        case BreakerMoved():
            return _breaker(event)
        case DrainEnded(_, drained):
            return {"complete": drained.complete, **jsonable(drained)}
        case Hooked():
            return hooked_record(event)
        case Waited():
            return {}


def _control(event: Controlled, state: State) -> Record:
    """Write what somebody asked, and what the rollout answered."""
    answer = state.answer
    return {
        "verb": event.verb.value,
        "who": event.who,
        "why": event.why,
        "role": event.role or None,
        "request": event.request,
        "accepted": answer.accepted if answer else None,
        "answer": answer.said if answer else "",
    }


def _trouble(
    event: MetricsSilent | GatewaySilent | Overtaken | Held | Drifted | Interrupted | Crashed,
    state: State,
) -> Record:
    match event:
        case MetricsSilent():
            return {"reason": event.reason, "since": _since(state.silent_since)}
        case GatewaySilent():
            return {"reason": event.reason, "since": _since(state.gateway_silent_since)}
        case Overtaken():
            weight = None if event.weight is None else percent(event.weight)
            return {"weight": weight, "by": event.by}
        case Drifted():
            again = state.phase is Phase.REASSERTING
            done: Record = {"action": "reassert" if again else "end", "times": state.reasserted}
            return {"what": event.what, **done}
        case Held() | Interrupted():
            return {"by": event.by}
        case Crashed():
            return {"reason": event.reason}


def _breaker(event: BreakerMoved) -> Record:
    breaker = event.breaker
    return {
        "circuit": breaker.circuit.value,
        "reason": breaker.reason,
        "openings": breaker.openings,
        "until": _since(breaker.until),
        "test_weight": percent(event.test),
    }


def _started(state: State, banner: Banner) -> Record:
    return {
        "service": banner.service,
        "version": banner.release,
        "gateway": banner.gateway,
        "source": banner.source,
        "notes": list(banner.notes),
        "first": state.first + 1,
        "plan": plan_record(state.plan),
    }


def _check(check: Check) -> Record:
    return {"name": check.name, "passed": check.passed, "detail": check.detail}


def _announced(command: SetWeight) -> Record:
    return {
        "status": "announced",
        "weight": percent(command.weight),
        "reason": command.reason,
        "pause": number(command.pause),
    }


def _evaluation(event: Judged, state: State) -> Record:
    record = state.records[-1]
    verdict = record.verdict
    return {
        "weight": percent(record.stage.weight),
        "evaluation": record.evaluations,
        "observed": number(event.at - record.proven_at),
        "findings": [finding(found) for found in event.findings],
        "verdict": str(verdict.ruling) if verdict else None,
        "reason": verdict.reason if verdict else "",
        "passed": record.passed,
        "paused": state.paused or None,
        "evidence": _weighed(record.weighed),
    }


def _weighed(weighed: Weighed | None) -> Json:
    """Write the evidence; ``against`` and ``needed`` are natural logarithms of e-values."""
    if weighed is None:
        return None
    step, found = weighed.step, weighed.found
    return {
        "move": str(step.move),
        "reason": step.reason,
        "observed": number(step.observed),
        "against": number(found.quality),
        "needed": number(found.quality_needed),
        "traffic_against": number(found.traffic),
        "traffic_needed": number(found.traffic_needed),
        "holding": list(found.hold),
        "visible": {name: number(fraction) for name, fraction in weighed.visible.items()},
    }


def finding(found: Finding) -> Record:
    """Write one finding; ratios are fractions, durations seconds, ``unit`` is how to show them."""
    return {
        "gate": found.gate,
        "part": found.part or None,
        "status": found.status.value.replace(" ", "_"),
        "value": number(found.value),
        "comparator": found.comparator,
        "limit": number(found.limit),
        "samples": number(found.samples),
        "unit": found.unit.value,
        "reason": found.reason,
        "stable": number(found.stable),
        "severity": found.severity.value,
        "queries": list(found.queries),
        "judge": found.judge.value,
        "evidence": _scale(found.scale),
    }


def _scale(scale: Scale | None) -> Json:
    """Write how far a gate's evidence is: fractions of what decides."""
    return None if scale is None else {"against": scale.against, "support": scale.support}


def _outcome(state: State, banner: Banner, weight: Weight | None) -> Record:
    ending = state.ending
    if ending is None:
        return {}
    return {
        "outcome": ending.outcome.value,
        "reason": ending.reason,
        "weight": None if weight is None else percent(weight),
        "version": banner.release,
        "cause": ending.cause.name.lower(),
        "exit_code": ending.exit_code,
    }


def _since(at: float | None) -> str | None:
    return None if at is None else iso(at)
