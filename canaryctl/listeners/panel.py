"""What the live display shows of the present moment, as lines. Pure: no terminal here."""

from __future__ import annotations

from canaryctl.core.commands import Command, Drain, Idle, Observe, RunPreflight, SetWeight
from canaryctl.core.state import Phase, StageRecord, State
from canaryctl.listeners.asked import waited_for
from canaryctl.listeners.line import Line, Span, Tone, line, toned
from canaryctl.listeners.progress import bar, fitting, parts, progress
from canaryctl.listeners.story import Story
from canaryctl.listeners.tree import tree
from canaryctl.listeners.verdicts import passed_how, verdict_line
from canaryctl.listeners.words import fact, shares, stage_title
from canaryctl.quantities import spelled

_TAIL = 3
"""Lines at the end of the panel that are never left out: verdict, bar, time left."""


def header(state: State) -> Line:
    """Show the stages in a row: ``1 % ✓ → 5 % ● → 25 % → 100 %``."""
    spans: list[Span] = []
    for index, stage in enumerate(state.plan.stages):
        if index:
            spans.append(Span(" → ", Tone.FAINT))
        sign, tone = _sign(state, index)
        spans.append(Span(f"{stage.weight} %{sign}", tone))
    return Line(tuple(spans))


def _sign(state: State, index: int) -> tuple[str, Tone]:
    record = state.records[index] if index < len(state.records) else None
    if record is not None and record.passed:
        return " ✓", Tone.GOOD
    if record is not None and record.skipped and index != state.index:
        return " –", Tone.WARN
    if index != state.index:
        return "", Tone.FAINT
    if state.phase in (Phase.RETURNING, Phase.DRAINING, Phase.ENDED):
        return " ✗", Tone.BAD
    return " ●", Tone.HEAD


def finished(record: StageRecord, number: int, count: int, ended: float) -> Line:
    """Sum a passed stage up in one line."""
    lasted = spelled(float(round(ended - record.proven_at)))
    said = f" stage {number}/{count}, {record.stage.weight} %, passed in {lasted}: "
    return line(Span("✓", Tone.GOOD), said, Span(passed_how(record), Tone.FAINT), hang=2)


def title(state: State) -> str:
    """Name the panel."""
    if state.phase in (Phase.RETURNING, Phase.DRAINING):
        return "Rollback"
    return stage_title(state) if state.index >= 0 else "Before the first stage"


def body(
    state: State, story: Story, command: Command | None, now: float, width: int
) -> tuple[Line, ...]:
    """Fill the panel: weights, gates, verdict, progress.

    Args:
        state: as it is.
        story: what was seen before.
        command: what is being carried out.
        now: epoch seconds.
        width: columns there are.
    """
    lines = [fact("weights", _weights(story, command), indent=0)]
    if story.proof and isinstance(command, Observe):
        lines.append(fact("proven", story.proof, indent=0))
    if state.phase in (Phase.RETURNING, Phase.DRAINING) and state.ending is not None:
        reason = f"{state.ending.cause}: {state.ending.reason}"
        lines.append(fact("reason", reason, indent=0))
    if isinstance(command, Idle):
        lines.append(fact("waits", waited_for(state, now), indent=0))
    if isinstance(command, Drain):
        said = f"until no old worker is left, {spelled(command.within)} at most"
        lines.append(fact("waits", said, indent=0))
    if not isinstance(command, Observe):
        return tuple(lines)
    record = state.records[-1]
    if record.findings:
        lines += [line(), *tree(record.findings, record.verdict, story.values, width), line()]
        lines.append(verdict_line(state))
    else:
        lines += [line(), toned(Tone.FAINT, "the gates were not evaluated yet")]
    seen = progress(state, now)
    lines += [line(), bar(seen, width), toned(Tone.FAINT, fitting(parts(seen), width))]
    return tuple(lines)


def squeezed(lines: tuple[Line, ...], height: int) -> tuple[Line, ...]:
    """Leave out what a low terminal has no room for; weights, verdict and progress stay."""
    if len(lines) <= height:
        return lines
    dense = tuple(one for one in lines if one.spans)
    if len(dense) <= height:
        return dense
    room = max(height - _TAIL - 1, 1)
    left_out = len(dense) - room - _TAIL
    return (*dense[:room], toned(Tone.FAINT, f"… {left_out} more lines"), *dense[-_TAIL:])


def _weights(story: Story, command: Command | None) -> Span:
    match command:
        case RunPreflight():
            return Span("untouched: checking all that the rollout will need", Tone.PLAIN)
        case SetWeight():
            return Span(f"setting {shares(command.weight)} …", Tone.WARN)
        case _ if story.weight is not None:
            return Span(shares(story.weight))
        case _:
            return Span("not proven", Tone.BAD)
