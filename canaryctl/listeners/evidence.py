"""How far the evidence is: a bar for each gate, and when a stage may be decided."""

from __future__ import annotations

from canaryctl.core.gate import Finding, Scale, Unit, written
from canaryctl.core.sequential.course import CONFIDENT, Move
from canaryctl.core.sequential.trial import Weighed
from canaryctl.core.state import State
from canaryctl.listeners.line import Line, Span, Tone, line, toned
from canaryctl.quantities import spelled

HALF = 5
"""Cells of the bar on each side."""
HEAD = "against│for"
WIDTH = 2 * HALF + 1
_EARLY = 0.25
"""Part of the evidence that convicts from which it is worth saying when it may be complete."""


def scale_bar(scale: Scale | None) -> tuple[Span, ...]:
    """Draw the evidence: against the canary to the left of the middle, for it to the right.

    A full left side throws the canary back; a full right side means that it is known to be
    within the limit.
    """
    if scale is None:
        return (Span(" " * WIDTH),)
    against, support = _cells(scale.against), _cells(scale.support)
    return (
        Span("·" * (HALF - against), Tone.FAINT),
        Span("█" * against, Tone.BAD),
        Span("│", Tone.FAINT),
        Span("█" * support, Tone.GOOD),
        Span("·" * (HALF - support), Tone.FAINT),
    )


def _cells(fraction: float) -> int:
    # Nothing is drawn full before it is.
    return min(int(fraction * HALF + 0.5), HALF if fraction >= 1 else HALF - 1)


def outlook(state: State, now: float) -> str:
    """Say in how long the stage may be decided at this traffic; empty when nobody can tell."""
    record = state.records[-1] if state.records else None
    weighed = record.weighed if record else None
    if record is None or weighed is None or weighed.step.move is Move.HOLD:
        return ""
    left = max(state.due - now, 0.0)
    against = weighed.found.quality / weighed.found.quality_needed
    seen = weighed.step.observed
    if against >= _EARLY and seen > 0:
        needed = seen * (1 / against - 1)
        if needed < left or left == 0:
            return f"rollback in about {_round(needed)} should this go on"
    if left == 0:
        return ""
    return f"decision in about {_round(min(left, _sure_in(weighed, record.findings)))}"


def _sure_in(weighed: Weighed, findings: tuple[Finding, ...]) -> float:
    """Give the seconds until every gate is known to be within its limit, at this traffic."""
    rates = {
        one.name: one.samples / weighed.step.observed
        for one in findings
        if one.samples and weighed.step.observed > 0
    }
    longest = 0.0
    for view in weighed.found.gates:
        missing = CONFIDENT - view.support
        rate = rates.get(view.name, 0.0)
        if missing <= 0:
            continue
        if view.support <= 0 or view.total <= 0 or rate <= 0:
            return float("inf")
        longest = max(longest, missing / (view.support / view.total * rate))
    return longest


def _round(seconds: float) -> str:
    """Write a guess as one: to 5 s below a minute, to a minute above two."""
    if seconds < 60:  # noqa: PLR2004  a minute
        return spelled(max(round(seconds / 5) * 5.0, 1.0))
    if seconds < 120:  # noqa: PLR2004  two minutes
        return spelled(round(seconds / 10) * 10.0)
    return spelled(round(seconds / 60) * 60.0)


def visible_lines(weighed: Weighed) -> tuple[Line, ...]:
    """Say what the traffic so far could have shown."""
    units = {view.name: view for view in weighed.found.gates}
    seen = [
        f"{name} above {written(fraction, Unit.PERCENT)}"
        + (" of requests too slow" if units[name].slow else "")
        for name, fraction in weighed.visible.items()
        if fraction is not None and name in units
    ]
    blind = [name for name, fraction in weighed.visible.items() if fraction is None]
    lines = []
    if seen:
        said = "; ".join(seen)
        lines.append(f"At this traffic a defect would have been caught with 90 %: {said}")
    if blind:
        said = ", ".join(blind)
        lines.append(f"Too little traffic to have caught even a canary that always fails: {said}")
    return tuple(toned(Tone.FAINT, one) for one in lines)


def held_line(weighed: Weighed) -> Line:
    """Say that the rollout waits for stable."""
    said = f"Verdict: hold: {weighed.step.reason}; the canary is not blamed for it"
    return line(Span(said, Tone.WARN), hang=2)
