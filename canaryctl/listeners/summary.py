"""The block that ends a rollout: outcome, reason, weights, stages, what was done, next steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from canaryctl.core.gate import Finding, Severity, Status
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.phases.begin import RESUMED
from canaryctl.core.state import StageRecord, State
from canaryctl.listeners.line import Line, Span, Tone, cells, left, line, right, toned
from canaryctl.listeners.steps import next_steps
from canaryctl.listeners.story import Story
from canaryctl.listeners.tree import limit, mark, samples, value
from canaryctl.listeners.when import hms
from canaryctl.listeners.words import Banner, fact, shares
from canaryctl.quantities import spelled

_TITLES = {
    Outcome.SUCCEEDED: ("SUCCEEDED", Tone.GOOD),
    Outcome.ROLLED_BACK: ("ROLLED BACK", Tone.BAD),
    Outcome.ABORTED: ("ABORTED", Tone.WARN),
    Outcome.UNKNOWN: ("UNKNOWN", Tone.BAD),
}
_HEADS = ("value", "limit", "samples")
_RULE = 72
_LEAST_NAME = 12


def closing(
    state: State,
    story: Story,
    banner: Banner,
    *,
    zone: tzinfo | None = None,
    width: int | None = None,
) -> tuple[Line, ...]:
    """Write the block.

    Args:
        state: an ended one.
        story: what was done on the way.
        banner: what was rolled out.
        zone: of the times shown; None is this machine's.
        width: columns there are; None: as many as it takes.
    """
    return (
        toned(Tone.FAINT, "─" * min(_RULE, width or _RULE)),
        *_facts(state, story, banner),
        *_section("Stages", _stages(state, width)),
        *_section("What was done", _done(story, zone)),
        *_section("Next steps", _steps(state, story, banner)),
    )


def _section(title: str, lines: Iterator[Line]) -> Iterator[Line]:
    body = list(lines)
    if body:
        yield line()
        yield toned(Tone.HEAD, title)
        yield from body


def _facts(state: State, story: Story, banner: Banner) -> Iterator[Line]:
    if state.ending is None:
        return
    title, tone = _TITLES[state.ending.outcome]
    name = f"{banner.service} {banner.release}"
    yield line(Span(f"{title}", tone), Span(f"  {name}", Tone.HEAD))
    yield fact("reason", Span(f"{state.ending.cause}: {state.ending.reason}"))
    where = f"stage {state.index + 1} of {len(state.plan.stages)}" if state.index >= 0 else ""
    lasted = spelled(float(round(story.now - story.began)))
    yield fact("ended", f"{'in ' + where if where else 'before the first stage'}, after {lasted}")
    yield fact("weights", _weights(state, story))
    if story.proof:
        yield fact("proven", story.proof)
    if state.drained is not None:
        yield fact("to zero", str(state.drained))
    yield fact("exit code", str(state.ending.exit_code))


def _weights(state: State, story: Story) -> Span:
    if story.weight is not None:
        how = "" if story.proof else ", as NGINX answered; set by somebody else"
        tone = (
            Tone.PLAIN if state.ending and state.ending.outcome is not Outcome.UNKNOWN else Tone.BAD
        )
        return Span(f"{shares(story.weight)}{how}", tone)
    # A refused first change ends as a failed preflight: what was in force before is proven.
    untouched = (Cause.PREFLIGHT, Cause.CONFIGURATION, Cause.HELD)
    if not story.deeds or (state.ending and state.ending.cause in untouched):
        return Span("as they were before; this rollout changed nothing")
    last = f" (proven last: {shares(state.weight)})" if state.weight is not None else ""
    return Span(f"not proven{last}", Tone.BAD)


def _stages(state: State, width: int | None) -> Iterator[Line]:
    if state.index < 0:
        return
    every = [found for record in state.records for found in (*record.findings, *record.hooks)]
    columns = list(zip(_HEADS, *map(_figures, every), strict=True))
    widths = [max(map(cells, column)) for column in columns]
    stage = max(cells(_numbered(state, i)) for i in range(len(state.plan.stages)))
    name = max([cells(finding.name) for finding in every], default=_LEAST_NAME)
    if width is not None:
        taken = len("  ✓ ") + stage + 2 + sum(widths) + 2 * len(widths) + len("  ✗ warn")
        name = max(min(name, width - taken), _LEAST_NAME)
    heads = _joined(_HEADS, widths)
    yield toned(Tone.FAINT, f"    {left('stage', stage)}  {left('gate', name)}{heads}")
    for index in range(len(state.plan.stages)):
        record = state.records[index] if index < len(state.records) else None
        label = Span(f" {left(_numbered(state, index), stage)}  ")
        head = line("  ", _sign(record), label)
        if record is None:
            tried = index == state.index
            said = "its weight was not proven" if tried else "not reached"
            yield line(*head.spans, Span(said, Tone.WARN if tried else Tone.FAINT))
            continue
        yield from _rows(head, record, state, name, widths)


def _numbered(state: State, index: int) -> str:
    return f"{index + 1}/{len(state.plan.stages)}  {state.plan.stages[index].weight} %"


def _sign(record: StageRecord | None) -> Span:
    if record is None:
        return Span(" ")
    if record.skipped:
        return Span("–", Tone.FAINT if record.skipped == RESUMED else Tone.WARN)
    return Span("✓", Tone.GOOD) if record.passed else Span("✗", Tone.BAD)


def _rows(
    label: Line, record: StageRecord, state: State, name: int, widths: list[int]
) -> Iterator[Line]:
    if record.skipped == RESUMED:
        yield line(*label.spans, Span(RESUMED, Tone.FAINT))
        return
    if not record.findings:
        by = f", cut short by {record.skipped}" if record.skipped else ""
        yield line(*label.spans, Span(f"ended before its first evaluation{by}", Tone.WARN))
        return
    for finding in (*record.findings, *record.hooks):
        yield line(
            *label.spans,
            left(_named(finding, name), name),
            _joined(_figures(finding), widths),
            "  ",
            mark(finding),
            _aside(finding, record, state),
        )
        label = line(" " * cells(label.text))
    if record.skipped:
        yield line(*label.spans, Span(f"cut short by {record.skipped}", Tone.WARN))


def _named(finding: Finding, columns: int) -> str:
    """Name a finding; where there is no room the gate's name gives way, the label's value last."""
    if cells(finding.name) <= columns or not finding.part:
        return finding.name
    part = f" ({finding.part})"
    room = columns - cells(part)
    return left(finding.gate, room) + part if room > len("p95") else part.strip()


def _joined(figures: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"  {right(text, width)}" for text, width in zip(figures, widths, strict=True))


def _aside(finding: Finding, record: StageRecord, state: State) -> Span:
    """Point at the finding that sent the rollout back, and at those that only warned."""
    if finding.status is Status.FAIL and finding.severity is Severity.WARN:
        return Span(" warn", Tone.WARN)
    judged = state.ending is not None and state.ending.cause in (Cause.GATE_FAILED, Cause.NO_DATA)
    if judged and record.verdict is not None and finding is record.verdict.deciding:
        return Span(" ◂", Tone.BAD)
    return Span("")


def _figures(finding: Finding) -> tuple[str, str, str]:
    return value(finding), limit(finding), samples(finding)


def _done(story: Story, zone: tzinfo | None) -> Iterator[Line]:
    for deed in story.deeds:
        yield line(Span(f"  {hms(deed.at, zone)}  ", Tone.FAINT), deed.text, hang=12)


def _steps(state: State, story: Story, banner: Banner) -> Iterator[Line]:
    for number, step in enumerate(next_steps(state, banner, story.weight), 1):
        yield line(f"  {number}. {step}", hang=5)
