"""Notices in words: who did what to which traffic, with the numbers, and what to do next.

Plain text. Whatever a metric, a label or a program said is written so that it can be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from canaryctl.core.gate import Finding, Severity, Status, written
from canaryctl.core.outcome import Outcome
from canaryctl.core.state import State
from canaryctl.listeners.line import clean
from canaryctl.listeners.steps import next_steps
from canaryctl.listeners.story import Story
from canaryctl.listeners.words import Banner, shares
from canaryctl.quantities import spelled

MOST_NUMBERS = 8
"""Findings that a notice quotes."""
_LABEL = 9
Facts = Iterable[tuple[str, str]]

OUTCOMES = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.ROLLED_BACK: "rolled back",
    Outcome.ABORTED: "aborted",
    Outcome.UNKNOWN: "UNKNOWN: traffic is not proven",
}


def title(banner: Banner, said: str) -> str:
    """Write ``fragrance-ai v0.2.0: rolled back``."""
    return clean(f"{banner.service} {banner.release}: {said}")


def body(facts: Facts) -> str:
    """Write facts under each other; a label that comes again is left out."""
    lines, before = [], ""
    for label, said in facts:
        name = "" if label == before else label
        lines.append(clean(f"{name:<{_LABEL}} {said}"))
        before = label
    return "\n".join(lines)


def ended(state: State, story: Story, banner: Banner) -> Iterator[tuple[str, str]]:
    """Give the facts of an end."""
    ending = state.ending
    if ending is None:
        return
    yield "reason", f"{ending.cause}: {ending.reason}"
    yield from numbers(state)
    where = f"in {stage(state)}" if state.index >= 0 else "before the first stage"
    yield "ended", f"{where}, after {spelled(float(round(story.now - story.began)))}"
    yield "weights", weights(state, story)
    if state.drained is not None:
        yield "to zero", str(state.drained)
    for step in next_steps(state, banner, story.weight):
        yield "next", step


def stage(state: State) -> str:
    """Write ``stage 2 of 4 (5 %)``."""
    return f"stage {state.index + 1} of {len(state.plan.stages)} ({state.stage.weight} %)"


def weights(state: State, story: Story) -> str:
    """Say what is in force, and by what that is known."""
    if story.weight is not None:
        how = f", proven {story.proof}" if story.proof else ", as NGINX answered"
        return f"{shares(story.weight)}{how}"
    if not story.deeds:
        return "as they were before; this rollout changed nothing"
    last = f" (proven last: {shares(state.weight)})" if state.weight is not None else ""
    return f"NOT PROVEN{last}"


def numbers(state: State) -> Iterator[tuple[str, str]]:
    """Quote the findings of the newest stage that matter: the one that decided, then failed ones.

    Where none failed all are quoted.
    """
    if not state.records:
        return
    record = state.records[-1]
    found = [*record.findings, *record.hooks]
    deciding = record.verdict.deciding if record.verdict else None
    bad = [one for one in found if one.status is not Status.PASS and one is not deciding]
    chosen = [deciding, *bad] if deciding is not None else bad or found
    for one in chosen[:MOST_NUMBERS]:
        yield "numbers", number(one)
    if (left := len(chosen) - MOST_NUMBERS) > 0:
        yield "numbers", f"and {left} more"


def number(one: Finding) -> str:
    """Write ``✗ error rate: 3.95 % (≤ 0.5 %, 100 samples, stable 0 %)``."""
    sign = {Status.PASS: "✓", Status.FAIL: "✗"}.get(one.status, "–")
    known = [] if one.limit is None else [f"{one.comparator} {written(one.limit, one.unit)}"]
    known += [] if one.samples is None else [f"{one.samples:,.0f} sample{'s' * (one.samples != 1)}"]
    known += [] if one.stable is None else [f"stable {written(one.stable, one.unit)}"]
    warns = ", warns only" if one.severity is Severity.WARN else ""
    value = written(one.value, one.unit) if one.value is not None else one.reason
    return f"{sign} {one.name}: {value}" + (f" ({', '.join(known)}{warns})" if known else "")
