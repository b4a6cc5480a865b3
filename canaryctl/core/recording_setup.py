"""Plan, gates and judgement as JSON, and back: all that a verdict depends on, and no secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from enum import Enum
from typing import Any

from canaryctl.core.accounts import can_be_evidence, source_of
from canaryctl.core.analysis import Judgement
from canaryctl.core.gate import (
    Gate,
    GaugeGate,
    Judging,
    LatencyGate,
    PromqlGate,
    RatioGate,
    Rule,
    UpGate,
    ZeroGate,
)
from canaryctl.core.hooks import HookMoment
from canaryctl.core.plan import Approval, Ask, Pause, Plan, Stage, Wait
from canaryctl.core.recording import Setup, UnreadableRecording
from canaryctl.core.recording_fields import (
    choice,
    mapping,
    number,
    percent,
    scalars,
    sequence,
    whole,
)
from canaryctl.core.selector import Selector, parse_selector
from canaryctl.core.sequential.course import Policy
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight

SETUP = ("plan", "gates", "judgement")
"""The keys of a setup."""
_LIMITS = {"maximum": "max", "minimum": "min"}
_KINDS: dict[str, type] = {
    "ratio": RatioGate,
    "latency": LatencyGate,
    "zero": ZeroGate,
    "gauge": GaugeGate,
    "promql": PromqlGate,
    "up": UpGate,
}
_OWN = {
    "ratio": ("bad", "total"),
    "latency": ("metric", "quantile", "by"),
    "zero": ("metric",),
    "gauge": ("metric",),
    "promql": ("query",),
    "up": (),
}

_WAITS = ("before", "after")

Json = dict[str, Any]


def setup_json(setup: Setup) -> Json:
    """Write a setup. What has its default is written as well: defaults may change."""
    judgement = {**_plain(setup.judgement), "policy": _plain(setup.judgement.policy)}
    return {
        "plan": plan_json(setup.plan),
        "gates": [_gate_json(one) for one in setup.gates],
        "judgement": judgement,
    }


def plan_json(plan: Plan) -> Json:
    """Write a plan; a stage without waits has neither ``before`` nor ``after``."""
    return {"stages": [_stage_json(stage) for stage in plan.stages], **_plain(plan)}


def setup(given: Mapping[str, Any]) -> Setup:
    """Read a setup.

    Raises:
        UnreadableRecording: something in it is not what it should be, or lacks.
    """
    plan = _plan(given.get("plan"))
    gates = tuple(
        gate(one, f"gates[{number}]")
        for number, one in enumerate(sequence(given.get("gates"), "gates"))
    )
    names = [one.rule.name for one in gates]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UnreadableRecording(f"gates: the name {min(twice)!r} is used twice")
    return Setup(plan, gates, _judgement(given.get("judgement", {}), plan))


def gate(given: object, where: str) -> Gate:
    """Read one gate: the keys are those of ``canary.yaml``, values are plain numbers.

    Raises:
        UnreadableRecording: something in it is not what it should be, or lacks.
    """
    found = mapping(given, where)
    kind = found.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        said = f"{where}.kind: expected one of {', '.join(_KINDS)}, not {kind!r}"
        raise UnreadableRecording(said)
    shared = tuple(_LIMITS.get(one.name, one.name) for one in fields(Rule))
    mapping(found, where, ("kind", *shared, *_OWN[kind]))
    made = _made(kind, found, where)
    if "judge" not in found and _is_evidence(made):
        made = replace(made, rule=replace(made.rule, judge=Judging.EVIDENCE))
    return made


def sources(gates: tuple[Gate, ...]) -> dict[str, str]:
    """Give what each gate on counters counts, by the gate's name."""
    return {
        one.rule.name: source_of(one) for one in gates if isinstance(one, RatioGate | LatencyGate)
    }


def _is_evidence(made: Gate) -> bool:
    """Whether a gate that does not say is judged by evidence, as in ``canary.yaml``."""
    literal = made.rule.consecutive > 1 or made.rule.min_samples is not None
    return isinstance(made, UpGate) or (can_be_evidence(made) and not literal)


def _made(kind: str, found: Json, where: str) -> Gate:
    limits = {}
    if kind == "latency" and isinstance(found.get("max"), dict):
        limits = {name: number(one, f"{where}.max") for name, one in found["max"].items()}
        found = {key: one for key, one in found.items() if key != "max"}
    rule = Rule(**scalars(Rule, found, where, _LIMITS))
    own: Json = scalars(_KINDS[kind], found, where)
    for key in ("bad", "total", "metric"):
        if key in _OWN[kind]:
            own[key] = _selector(found, key, where)
    if kind == "latency":
        own["limits"] = limits
    made: Gate = _KINDS[kind](rule=rule, **own)
    return made


def _selector(found: Json, key: str, where: str) -> Selector:
    text = found.get(key)
    if not isinstance(text, str):
        raise UnreadableRecording(f"{where}.{key}: expected a selector, not {text!r}")
    try:
        return parse_selector(text)
    except ValueError as error:
        raise UnreadableRecording(f"{where}.{key}: {error}") from None


def _gate_json(one: Gate) -> Json:
    kind = next(name for name, cls in _KINDS.items() if isinstance(one, cls))
    rule = {_LIMITS.get(key, key): value for key, value in _plain(one.rule).items()}
    found = {"kind": kind, **rule, **_plain(one)}
    if isinstance(one, LatencyGate) and one.limits:
        found["max"] = {name: whole(limit) for name, limit in one.limits.items()}
    return {key: value for key, value in found.items() if value is not None}


def _plain(value: Any) -> Json:
    """Give a dataclass' plain fields by their names; nested ones are left to the caller."""
    found: Json = {}
    for one in fields(value):
        held = getattr(value, one.name)
        write = _WRITERS.get(type(held))
        if isinstance(held, Enum):
            found[one.name] = held.value
        elif write is not None:
            found[one.name] = write(held)
    return found


def _same(value: Any) -> Any:
    return value


_WRITERS: dict[type, Callable[[Any], Any]] = {
    bool: _same,
    int: _same,
    str: _same,
    type(None): _same,
    float: whole,
    Selector: str,
    Weight: lambda one: percent(one.hundredths / FULL_HUNDREDTHS),
}


def _plan(given: object) -> Plan:
    found = mapping(given, "plan", [one.name for one in fields(Plan)])
    stages = sequence(found.get("stages"), "plan.stages")
    try:
        return Plan(
            **scalars(Plan, found, "plan")
            | {"stages": tuple(_stage(one, f"plan.stages[{i}]") for i, one in enumerate(stages))}
        )
    except UnreadableRecording:
        raise
    except ValueError as error:
        raise UnreadableRecording(f"plan: {error}") from None


def _stage(given: object, where: str) -> Stage:
    found = mapping(given, where, ("weight", "observe", *_WAITS))
    before, after = (
        tuple(_wait(one, at) for one in sequence(found.get(key, []), at))
        for key, at in ((key, f"{where}.{key}") for key in _WAITS)
    )
    return replace(Stage(**scalars(Stage, found, where)), before=before, after=after)


def _wait(given: object, where: str) -> Wait:
    match given:
        case {"pause": None, **more} if not more:
            return Pause()
        case {"pause": length, **more} if not more:
            return Pause(number(length, where))
        case {"approve": [*roles], **more} if not more and all(isinstance(r, str) for r in roles):
            return Approval(tuple(roles))
        case {"hooks": [*hooks], "at": at, **more} if not more and all(
            isinstance(one, str) for one in hooks
        ):
            return Ask(choice(HookMoment, at, where), tuple(hooks))
    raise UnreadableRecording(f"{where}: neither pause, approval nor hooks: {given!r}")


def _stage_json(stage: Stage) -> Json:
    waits = {key: [_wait_json(one) for one in getattr(stage, key)] for key in _WAITS}
    return {**_plain(stage), **{key: many for key, many in waits.items() if many}}


def _wait_json(one: Wait) -> Json:
    match one:
        case Pause():
            return {"pause": one.seconds}
        case Approval():
            return {"approve": list(one.roles)}
        case Ask():
            return {"hooks": list(one.hooks), "at": one.moment.value}


def _judgement(given: object, plan: Plan) -> Judgement:
    found = mapping(given, "judgement", [one.name for one in fields(Judgement)])
    names = [one.name for one in fields(Policy)]
    policy = {
        "extend_to": plan.extend_to,
        **mapping(found.get("policy", {}), "judgement.policy", names),
    }
    read = Judgement(
        **scalars(Judgement, found, "judgement")
        | {"policy": Policy(**scalars(Policy, policy, "judgement.policy"))}
    )
    if not 0 < read.risk < 1:
        raise UnreadableRecording(f"judgement.risk: lies between 0 and 1, not {read.risk:g}")
    return read
