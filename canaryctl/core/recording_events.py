"""Events as JSON, and back: one object for each, as a file's line or the journal's payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from math import isfinite
from typing import Any

from canaryctl.core import events
from canaryctl.core.breaker import Breaker
from canaryctl.core.drained import Drained
from canaryctl.core.events import (
    BreakerMoved,
    Check,
    DrainEnded,
    Event,
    Hooked,
    Judged,
    PreflightEnded,
)
from canaryctl.core.gate import Finding, Scale, Status
from canaryctl.core.hooks import HookResult
from canaryctl.core.recording import Moment, Said, UnreadableRecording
from canaryctl.core.recording_counts import (
    OBSERVED,
    history,
    history_json,
    observation,
    observation_json,
)
from canaryctl.core.recording_fields import (
    mapping,
    number,
    scalars,
    sequence,
    whole,
)
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.state import Phase

JUDGED = "judged"
_BREAKER = ("circuit", "until", "openings", "trigger", "reason")
"""What a rollout knows of its circuit breaker; what this one has seen is its own affair."""
_RESULT = tuple(one.name for one in fields(HookResult))
_LINE = ("kind", "at", "recorded", "seq")
KINDS: dict[str, type[Event]] = {
    "started": events.Started,
    "preflight_ended": PreflightEnded,
    "weight_proven": events.WeightProven,
    "weight_refused": events.WeightRefused,
    "traffic_unproven": events.TrafficUnproven,
    JUDGED: Judged,
    "metrics_silent": events.MetricsSilent,
    "gateway_silent": events.GatewaySilent,
    "overtaken": events.Overtaken,
    "held": events.Held,
    "controlled": events.Controlled,
    "drifted": events.Drifted,
    "breaker_moved": BreakerMoved,
    "waited": events.Waited,
    "hooked": Hooked,
    "drain_ended": DrainEnded,
    "interrupted": events.Interrupted,
    "crashed": events.Crashed,
}
"""Every kind of event by the name that it has in a file and in the journal."""

Json = dict[str, Any]
_MISSING = object()
_DEFAULTS: Json = {
    one.name: getattr(one.default, "value", one.default)
    for one in fields(Finding)
    if one.default is not MISSING
} | {"queries": []}


def event_json(event: Event, findings: Callable[[Finding], Json]) -> Json | None:
    """Write what is worth a form of its own; None where an event's plain fields will do.

    Args:
        event: any.
        findings: writes a finding; see ``finding_json``.
    """
    if isinstance(event, Judged):
        seen = event.observation
        return {
            "at": event.at,
            **({} if seen is None else observation_json(seen)),
            "findings": [findings(one) for one in event.findings],
            **({} if event.weighed is None else {"weighed": _weighed_json(event.weighed)}),
        }
    if isinstance(event, PreflightEnded):
        checks = [{one.name: getattr(c, one.name) for one in fields(Check)} for c in event.checks]
        past = {} if event.history is None else {"history": history_json(event.history)}
        return {"at": event.at, "checks": checks, **past}
    if isinstance(event, BreakerMoved):
        known = {name: getattr(event.breaker, name) for name in _BREAKER}
        return {"at": event.at, "breaker": known, "test": event.test}
    return None


def finding_json(one: Finding) -> Json:
    """Write a finding; what has its default is left out (see ``finding``)."""
    found: Json = {}
    for field in fields(Finding):
        value = getattr(one, field.name)
        if value == field.default:
            continue
        if isinstance(value, Scale):
            value = [round(value.against, 4), round(value.support, 4)]
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, float):
            value = whole(value) if isfinite(value) else None
        found[field.name] = value
    return found


def moment(line: int, given: object, sources: Mapping[str, str]) -> Moment:
    """Read one line.

    Args:
        line: its number, from 1.
        given: what stands there; without ``kind`` it is an evaluation.
        sources: gate's name → what it counts.

    Raises:
        UnreadableRecording: something in it is not what it should be, or lacks.
    """
    found = mapping(given, "line")
    kind = found.get("kind", JUDGED)
    if not isinstance(kind, str) or kind not in KINDS:
        raise UnreadableRecording(f"kind: expected one of {', '.join(KINDS)}, not {kind!r}")
    said = None if found.get("recorded") is None else _said(found["recorded"])
    if kind == JUDGED:
        mapping(found, "evaluation", (*_LINE, *OBSERVED, "findings"))
        return Moment(line, _judged(found, sources), said)
    cls = KINDS[kind]
    mapping(found, kind, (*_LINE, *(one.name for one in fields(cls))))
    plain = scalars(cls, found, kind)
    if cls is PreflightEnded:
        plain["checks"] = tuple(
            Check(**scalars(Check, mapping(one, "checks"), "checks"))
            for one in sequence(found.get("checks", []), "checks")
        )
        if found.get("history") is not None:
            plain["history"] = history(found["history"], sources)
    if cls is DrainEnded:
        known = [one.name for one in fields(Drained)]
        drained = mapping(found.get("drained"), "drained", known)
        plain["drained"] = Drained(**scalars(Drained, drained, "drained"))
    if cls is Hooked:
        plain["results"] = tuple(
            HookResult(**scalars(HookResult, mapping(one, "results", _RESULT), "results"))
            for one in sequence(found.get("results"), "results")
        )
    if cls is BreakerMoved:
        breaker = mapping(found.get("breaker"), "breaker", _BREAKER)
        plain["breaker"] = Breaker(**scalars(Breaker, breaker, "breaker"))
    return Moment(line, cls(**plain), said)


def _judged(found: Json, sources: Mapping[str, str]) -> Judged:
    at = number(found.get("at"), "at")
    many = sequence(found.get("findings", []), "findings")
    seen = None
    if "weight" in found:
        seen = observation(at, found, sources)
        if seen.since > at:
            said = f"since: {seen.since:f} comes after the evaluation, which is at {at:f}"
            raise UnreadableRecording(said)
    elif not many:
        said = "an evaluation has its weight, since when, and counts; or at least findings"
        raise UnreadableRecording(said)
    return Judged(at, tuple(finding(one) for one in many), observation=seen)


def finding(given: object) -> Finding:
    """Read a finding. Without ``status`` only its value counts, and the reason stays empty.

    Raises:
        UnreadableRecording: something in it is not what it should be, or lacks.
    """
    found = mapping(given, "findings", [one.name for one in fields(Finding)])
    plain = {"status": Status.NO_DATA.value, "reason": "", **found}
    read = scalars(Finding, plain, "findings")
    if found.get("queries"):
        read["queries"] = tuple(str(one) for one in sequence(found["queries"], "findings.queries"))
    if found.get("scale") is not None:
        against, support = sequence(found["scale"], "findings.scale", 2)
        read["scale"] = Scale(number(against, "scale"), number(support, "scale"))
    return Finding(**read)


def filled(given: Json, before: Json | None = None) -> Json:
    """Give a written finding with everything that was left out.

    Args:
        given: as it was written.
        before: the one that it was written as a change of.
    """
    return {**(_DEFAULTS if before is None else before), **given}


def changes(now: Json, before: Json) -> Json:
    """Give what makes a finding another than the one before; whose it is always stands there."""
    named = {"gate": now["gate"], **({"part": now["part"]} if now["part"] else {})}
    return named | {key: one for key, one in now.items() if one != before[key]}


def trimmed(given: Json) -> Json:
    """Give a written finding without what is as it is by default, and without its queries."""
    kept = {key: one for key, one in given.items() if one != _DEFAULTS.get(key, _MISSING)}
    kept.pop("queries", None)
    return kept


def _weighed_json(weighed: Weighed) -> Json:
    """Write what the evidence came to; all the rest follows from the observations."""
    step, found = weighed.step, weighed.found
    return {
        "move": step.move.value,
        "reason": step.reason,
        "observed": whole(step.observed),
        **({} if step.bound is None else {"bound": step.bound.value}),
        "quality": found.quality if isfinite(found.quality) else None,
        "traffic": found.traffic if isfinite(found.traffic) else None,
    }


# --- what was made of it ------------------------------------------------------------------

_SAID = tuple(one.name for one in fields(Said))


def line_json(kind: str, payload: Mapping[str, Any]) -> Json:
    """Turn an entry of the journal into a file's line."""
    event = {key: one for key, one in payload["event"].items() if key != "weighed"}
    if "findings" in event:
        event["findings"] = [trimmed(one) for one in event["findings"]]
    return {"kind": kind, **event, "recorded": said_json(payload)}


def said_json(payload: Mapping[str, Any]) -> Json:
    """Turn what the journal says of an event into a line's ``recorded``."""
    verdict, ending = payload.get("verdict") or {}, payload.get("ending") or {}
    weighed = (payload.get("event") or {}).get("weighed") or {}
    found = {
        "phase": payload["phase"],
        "stage": payload["stage"],
        "ruling": verdict.get("ruling"),
        "reason": verdict.get("reason"),
        "move": weighed.get("move", (weighed.get("step") or {}).get("move")),
        "cause": ending.get("cause"),
        "why": ending.get("reason"),
        "quality": weighed.get("quality"),
        "traffic": weighed.get("traffic"),
        "accepted": (payload.get("answer") or {}).get("accepted"),
    }
    return {key: value for key, value in found.items() if value is not None}


def _said(given: object) -> Said:
    found = mapping(given, "recorded", _SAID)
    plain = {"phase": Phase.OBSERVING.value, "stage": 0, **found}
    return Said(**scalars(Said, plain, "recorded"))
