"""What is said about a rollout: one place, so that every listener says the same.

Pure: an event, the state it gave and the command that follows become sentences. A change is
announced before it is made (``announced``) and confirmed with its proof afterwards (``told``).
"""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.commands import Command, RunPreflight, SetWeight
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
from canaryctl.core.gate import Severity, Status
from canaryctl.core.plan import Plan
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight
from canaryctl.listeners.evidence import visible_lines
from canaryctl.listeners.line import Line, Span, Tone, left, line, toned
from canaryctl.listeners.verdicts import counted, verdict_line
from canaryctl.quantities import spelled

LABEL = 10
"""Columns of the labels in the banner and the closing block."""


@dataclass(frozen=True, slots=True)
class Banner:
    """What is rolled out, and where.

    Attributes:
        service: as ``canary.yaml`` calls it.
        release: the version being rolled out, such as v0.2.0.
        gateway: where NGINX runs, in words.
        source: where the numbers come from, in words.
        notes: what is worth knowing beforehand, a sentence each.
        command: how canaryctl was called, up to the verb, for the next steps.
        judged: how the gates are judged, after "every 10 s"; empty: nothing more to say.
    """

    service: str
    release: str
    gateway: str
    source: str
    notes: tuple[str, ...] = ()
    command: str = "canaryctl"
    judged: str = ""


def banner_lines(banner: Banner, plan: Plan) -> tuple[Line, ...]:
    """Say what is about to happen: service, release, plan, gateway, metrics."""
    facts = [
        ("service", banner.service),
        ("release", banner.release),
        ("plan", planned(plan)),
        (
            "gates",
            ", ".join(filter(None, (f"judged every {spelled(plan.interval)}", banner.judged))),
        ),
        ("gateway", banner.gateway),
        ("metrics", banner.source),
        *(("note", note) for note in banner.notes),
    ]
    title = toned(Tone.HEAD, f"Canary rollout of {banner.service} {banner.release}")
    return (title, *(fact(label, said) for label, said in facts))


def fact(label: str, *said: str | Span, indent: int = 2) -> Line:
    """Put a label before what is said."""
    name = Span(" " * indent + left(label, LABEL), Tone.FAINT)
    return line(name, *said, hang=LABEL + indent)


def planned(plan: Plan) -> str:
    """Write the plan: ``1 % → 5 % → 100 %, 15 min each, 45 min in all``."""
    lengths = {stage.observe for stage in plan.stages}
    if len(lengths) > 1:
        steps = " → ".join(f"{s.weight} % ({spelled(s.observe)})" for s in plan.stages)
        return f"{steps}, {spelled(plan.duration)} in all"
    steps = " → ".join(f"{stage.weight} %" for stage in plan.stages)
    each = spelled(lengths.pop())
    if len(plan.stages) > 1:
        each += f" each, {spelled(plan.duration)} in all"
    return f"{steps}, {each}"


def shares(weight: Weight) -> str:
    """Write both versions' weights: ``stable 99 % / canary 1 %``."""
    return f"stable {Weight(FULL_HUNDREDTHS - weight.hundredths)} % / canary {weight} %"


def proof(generation: str, took: float) -> str:
    """Say by what a weight is proven."""
    return f"at NGINX: generation {generation}, {took:.2f} s"


def stage_title(state: State) -> str:
    """Write ``[STAGE 1/4] 1% Canary Traffic``."""
    return (
        f"[STAGE {state.index + 1}/{len(state.plan.stages)}] {state.stage.weight}% Canary Traffic"
    )


def stage_number(event: Event, state: State) -> int | None:
    """Give the stage an event speaks of, from 1; None before the first.

    A verdict belongs to the stage that was observed, also when the state is already at the next.
    """
    if isinstance(event, Judged):
        return len(state.records)
    if isinstance(event, WeightProven) and state.phase is Phase.SHIFTING:
        return None  # the gateway was taken, at 0 %; the first stage is only announced
    return state.index + 1 if state.index >= 0 else None


def sentences(
    event: Event, state: State, command: Command | None, before: State | None = None
) -> tuple[Line, ...]:
    """Say what happened, then what is done next.

    Args:
        event: what happened.
        state: what it led to.
        command: what is about to be carried out.
        before: the state the event found; without it nothing is said about what is over again
            (a metrics source that answers after having been silent).
    """
    return (*told(event, state, before), *announced(command, state, event))


def announced(
    command: Command | None, state: State, event: Event | None = None
) -> tuple[Line, ...]:
    """Say what is about to be done."""
    match command:
        case RunPreflight():
            said = "Preflight: checking all that the rollout will need; nothing is touched yet"
            return (toned(Tone.PLAIN, said),)
        case SetWeight():
            return _announced_weight(command, state, event)
        case _:
            return ()


def _announced_weight(command: SetWeight, state: State, event: Event | None) -> tuple[Line, ...]:
    setting = toned(Tone.PLAIN, f"Setting weights: {shares(command.weight)}")
    if state.phase is Phase.SHIFTING:
        return (toned(Tone.HEAD, stage_title(state)), setting)
    if state.phase is not Phase.RETURNING:
        return (setting,)
    if state.attempts > 1:
        tries = f"attempt {state.attempts} of {state.plan.return_attempts}"
        pause = f", in {spelled(command.pause)}" if command.pause else ""
        return (toned(Tone.WARN, f"Setting weights: {shares(command.weight)} ({tries}{pause})"),)
    # A verdict has already said why; every other reason to go back is said here.
    if isinstance(event, Judged):
        return (setting,)
    return (toned(Tone.BAD, f"Rollback: {command.reason}"), setting)


def told(event: Event, state: State, before: State | None = None) -> tuple[Line, ...]:
    """Say what happened."""
    lines: tuple[Line, ...] = ()
    match event:
        case Started():
            pass
        case PreflightEnded():
            lines = _preflight(event)
        case WeightProven():
            lines = _proven(event, state)
        case Judged():
            verdict = (verdict_line(state), *_visible(state))
            lines = (*_again(event.at, before), *_warnings(event), *verdict)
        case MetricsSilent() | GatewaySilent():
            lines = _silent(event, state)
        case Interrupted():
            lines = (toned(Tone.WARN, _trouble(event)),)
        case _:
            lines = (toned(Tone.BAD, _trouble(event)),)
    return lines


def _visible(state: State) -> tuple[Line, ...]:
    """Say at a stage's good end what it could have seen."""
    record = state.records[-1]
    return visible_lines(record.weighed) if record.passed and record.weighed else ()


def _trouble(
    event: WeightRefused | TrafficUnproven | Overtaken | Interrupted | Crashed,
) -> str:
    match event:
        case WeightRefused():
            return (
                f"Weights refused: {shares(event.weight)} did not come into force: {event.reason}"
            )
        case TrafficUnproven():
            return f"Weights not proven: {shares(event.weight)}: {event.reason}"
        case Overtaken():
            return f"The weights were changed by somebody else: {event.by}"
        case Interrupted():
            return f"Interrupted: {event.by}"
        case Crashed():
            return f"canaryctl failed: {event.reason}"


def _preflight(event: PreflightEnded) -> tuple[Line, ...]:
    lines = [check_line(check).indented(2) for check in event.checks]
    return (*lines, preflight_line(event))


def check_line(check: Check) -> Line:
    """Write one preflight check with its sign; what cannot be told from here is a ``–``."""
    sign, tone = {True: ("✓", Tone.GOOD), False: ("✗", Tone.BAD), None: ("–", Tone.WARN)}[
        check.passed
    ]
    detail = f": {check.detail}" if check.detail else ""
    return line(Span(sign, tone), f" {check.name}{detail}", hang=2)


def preflight_line(event: PreflightEnded) -> Line:
    """Sum the preflight up."""
    failed = [check for check in event.checks if check.passed is False]
    count = counted(len(event.checks), "check")
    if failed:
        said = f"Preflight failed: {len(failed)} of {count}; no traffic was shifted"
        return toned(Tone.BAD, said)
    open_ = sum(check.passed is None for check in event.checks)
    more = f", {open_} of them cannot be told from here" if open_ else ""
    return toned(Tone.GOOD, f"Preflight passed: {count}{more}")


def _proven(event: WeightProven, state: State) -> tuple[Line, ...]:
    said = f"Weights: {shares(event.weight)}, proven {proof(event.generation, event.took)}"
    lines = [toned(Tone.GOOD, said)]
    if state.phase is Phase.OBSERVING:
        first = spelled(state.next_at - event.at)
        lines.append(
            toned(
                Tone.PLAIN,
                f"Observation: {spelled(state.stage.observe)}, gates judged every"
                f" {spelled(state.plan.interval)}, first in {first}",
            )
        )
    return tuple(lines)


def _again(at: float, before: State | None) -> tuple[Line, ...]:
    lines = []
    if before is not None and before.silent_since is not None:
        lasted = spelled(at - before.silent_since)
        said = f"Metrics source answers again after {lasted}; the stage lasts so much longer"
        lines.append(toned(Tone.GOOD, said))
    if before is not None and before.gateway_silent_since is not None:
        lasted = spelled(at - before.gateway_silent_since)
        lines.append(toned(Tone.GOOD, f"NGINX's control listener answers again after {lasted}"))
    return tuple(lines)


def _warnings(event: Judged) -> tuple[Line, ...]:
    failed = [f for f in event.findings if f.status is Status.FAIL and f.severity is Severity.WARN]
    return tuple(
        toned(Tone.WARN, f"Warning: {f.name}: {f.reason} (severity warn: the rollout goes on)")
        for f in failed
    )


def _silent(event: MetricsSilent | GatewaySilent, state: State) -> tuple[Line, ...]:
    if isinstance(event, MetricsSilent):
        who, since, bound = "Metrics source", state.silent_since, state.plan.lost_after
        tail = "; this says nothing about the canary"
    else:
        who, since = "NGINX's control listener", state.gateway_silent_since
        bound, tail = state.plan.gateway_lost_after, ""
    lasted = 0.0 if since is None else event.at - since
    if lasted > 0:
        said = f"{who} silent for {spelled(round(lasted, 1))} of {spelled(bound)}: {event.reason}"
        return (toned(Tone.WARN, said),)
    said = f"{who} does not answer: {event.reason}. The stage waits; back to 0 % after"
    return (toned(Tone.WARN, f"{said} {spelled(bound)} without an answer{tail}"),)
