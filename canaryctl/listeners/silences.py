"""What is said while a source does not answer, and when it does again."""

from __future__ import annotations

from canaryctl.core.events import GatewaySilent, MetricsSilent
from canaryctl.core.state import Phase, State
from canaryctl.listeners.line import Line, Tone, toned
from canaryctl.quantities import spelled


def silent(event: MetricsSilent | GatewaySilent, state: State) -> tuple[Line, ...]:
    """Say who does not answer, for how long, and what comes of it."""
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


def again(at: float, before: State | None) -> tuple[Line, ...]:
    """Say who answers again at ``at`` (epoch seconds)."""
    lines = []
    if before is not None and before.silent_since is not None:
        lasted = spelled(at - before.silent_since)
        said = f"Metrics source answers again after {lasted}; the stage lasts so much longer"
        lines.append(toned(Tone.GOOD, said))
    if before is not None and before.gateway_silent_since is not None:
        lasted = spelled(at - before.gateway_silent_since)
        lines.append(toned(Tone.GOOD, f"NGINX's control listener answers again after {lasted}"))
    return tuple(lines)


def goes_on(event: MetricsSilent | GatewaySilent, state: State) -> bool:
    """Tell whether a silence was already told of, and goes on."""
    metrics = isinstance(event, MetricsSilent)
    since = state.silent_since if metrics else state.gateway_silent_since
    under_way = state.phase in (Phase.OBSERVING, Phase.WAITING)
    return under_way and since is not None and since < event.at
