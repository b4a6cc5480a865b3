"""Events as JSON objects, for machines. Pure; numbers in SI units or plain, times in UTC.

Every object has ``event``, ``at`` (ISO 8601, UTC) and ``stage`` (from 1; null before the
first). A number that is not finite is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from canaryctl.core.commands import Command, SetWeight
from canaryctl.core.events import (
    Check,
    Crashed,
    Event,
    GatewaySilent,
    Interrupted,
    Judged,
    MetricsSilent,
    Overtaken,
    PreflightEnded,
    Started,
    TrafficUnproven,
    WeightProven,
    WeightRefused,
)
from canaryctl.core.gate import Finding, Scale
from canaryctl.core.plan import Plan
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.jsonable import percent
from canaryctl.listeners.when import iso
from canaryctl.listeners.words import Banner, stage_number

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Record = dict[str, Json]

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
    Interrupted: "interrupted",
    Crashed: "crashed",
}


def records(
    event: Event, state: State, command: Command | None, banner: Banner, weight: Weight | None
) -> Iterator[Record]:
    """Give the objects for one event: what happened, what is announced, and the outcome.

    Args:
        event: what happened.
        state: what it led to.
        command: what is about to be carried out.
        banner: what is rolled out.
        weight: what NGINX is known to have in force; None: unknown.
    """
    judged = stage_number(event, state)
    yield _record(_NAMES[type(event)], event.at, judged, _told(event, state, banner))
    stage = state.index + 1 if state.index >= 0 else None
    if isinstance(command, SetWeight):
        yield _record("weight", event.at, stage, _announced(command))
    if command is None and state.ending is not None:
        yield _record("outcome", event.at, stage, _outcome(state, banner, weight))


def _record(name: str, at: float, stage: int | None, more: Mapping[str, Json]) -> Record:
    return {"event": name, "at": iso(at), "stage": stage, **more}


def _told(event: Event, state: State, banner: Banner) -> Record:
    match event:
        case Started():
            return _started(state.plan, banner)
        case PreflightEnded():
            passed = all(check.passed is not False for check in event.checks)
            return {"passed": passed, "checks": [_check(check) for check in event.checks]}
        case WeightProven() | WeightRefused() | TrafficUnproven():
            return _weight(event)
        case Judged():
            return _evaluation(event, state)
        case _:
            return _trouble(event, state)


def _weight(event: WeightProven | WeightRefused | TrafficUnproven) -> Record:
    weight = percent(event.weight)
    if isinstance(event, WeightProven):
        proof: Record = {"generation": event.generation, "took": number(event.took)}
        return {"status": "proven", "weight": weight, **proof}
    status = "refused" if isinstance(event, WeightRefused) else "unproven"
    return {"status": status, "weight": weight, "reason": event.reason}


def _trouble(
    event: MetricsSilent | GatewaySilent | Overtaken | Interrupted | Crashed, state: State
) -> Record:
    match event:
        case MetricsSilent():
            return {"reason": event.reason, "since": _since(state.silent_since)}
        case GatewaySilent():
            return {"reason": event.reason, "since": _since(state.gateway_silent_since)}
        case Overtaken():
            weight = None if event.weight is None else percent(event.weight)
            return {"weight": weight, "by": event.by}
        case Interrupted():
            return {"by": event.by}
        case Crashed():
            return {"reason": event.reason}


def _started(plan: Plan, banner: Banner) -> Record:
    return {
        "service": banner.service,
        "version": banner.release,
        "gateway": banner.gateway,
        "source": banner.source,
        "notes": list(banner.notes),
        "plan": {
            "stages": [
                {"weight": percent(stage.weight), "observe": number(stage.observe)}
                for stage in plan.stages
            ],
            "interval": number(plan.interval),
            "duration": number(plan.duration),
            "longest": number(plan.longest),
        },
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


def number(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity: both are null."""
    return value if value is not None and isfinite(value) else None
