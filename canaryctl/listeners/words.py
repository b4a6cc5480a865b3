"""What is said about a rollout: one place, so that every listener says the same.

Pure: an event, the state it gave and the command that follows become sentences. A change is
announced before it is made (``announced``) and confirmed with its proof afterwards (``told``).
"""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.commands import Command, Drain, RunPreflight, SetWeight
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
from canaryctl.core.gate import Severity, Status
from canaryctl.core.plan import Plan
from canaryctl.core.state import Phase, State
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight
from canaryctl.listeners.asked import asked_line, begun_lines
from canaryctl.listeners.evidence import visible_lines
from canaryctl.listeners.hooked import hooked_lines, hooked_stage
from canaryctl.listeners.incidents import incident_line
from canaryctl.listeners.line import Line, Span, Tone, left, line, toned
from canaryctl.listeners.plan_words import planned
from canaryctl.listeners.silences import again, silent
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
        deployed: the canary is brought up first, and down again when it goes back.
    """

    service: str
    release: str
    gateway: str
    source: str
    notes: tuple[str, ...] = ()
    command: str = "canaryctl"
    judged: str = ""
    deployed: bool = False


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
    if isinstance(event, Hooked):
        return hooked_stage(event, state)
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
        case Drain(within):
            said = "Waiting until no worker of NGINX is left that knows an older weight"
            return (toned(Tone.PLAIN, f"{said}, {spelled(within)} at most"),)
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
        case Started() | Waited():
            pass
        case PreflightEnded():
            lines = _preflight(event)
        case WeightProven():
            lines = _proven(event, state)
        case Judged():
            verdict = (verdict_line(state), *_visible(state, before))
            lines = (*again(event.at, before), *_warnings(event), *verdict)
        case MetricsSilent() | GatewaySilent():
            lines = silent(event, state)
        case Controlled():
            lines = (asked_line(event, state),)
        case Hooked():
            lines = hooked_lines(event, state)
        case Drifted() | BreakerMoved() | DrainEnded():
            lines = (incident_line(event, state),)
        case Interrupted():
            lines = (toned(Tone.WARN, _trouble(event)),)
        case _:
            lines = (toned(Tone.BAD, _trouble(event)),)
    return (*lines, *begun_lines(state, before))


def passed_now(state: State, before: State | None) -> bool:
    """Tell whether an evaluation ended its stage well; not while it waits for the next one."""
    return state.records[-1].passed and (before is None or before.waiting is None)


def _visible(state: State, before: State | None) -> tuple[Line, ...]:
    """Say at a stage's good end what it could have seen."""
    weighed = state.records[-1].weighed
    return visible_lines(weighed) if weighed and passed_now(state, before) else ()


def _trouble(
    event: WeightRefused | TrafficUnproven | Overtaken | Held | Interrupted | Crashed,
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
        case Held():
            return f"The gateway is held by somebody else: {event.by}"
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
    if state.phase is Phase.OBSERVING and state.since == event.at:  # else it was set again
        first = spelled(state.next_at - event.at)
        lines.append(
            toned(
                Tone.PLAIN,
                f"Observation: {spelled(state.stage.observe)}, gates judged every"
                f" {spelled(state.plan.interval)}, first in {first}",
            )
        )
    return tuple(lines)


def _warnings(event: Judged) -> tuple[Line, ...]:
    failed = [f for f in event.findings if f.status is Status.FAIL and f.severity is Severity.WARN]
    return tuple(
        toned(Tone.WARN, f"Warning: {f.name}: {f.reason} (severity warn: the rollout goes on)")
        for f in failed
    )
