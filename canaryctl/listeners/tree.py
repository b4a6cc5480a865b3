"""The gates of one evaluation as a tree: value, limit, samples, ✓ or ✗, trend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from math import isfinite

from canaryctl.core.gate import Finding, Severity, Status, written
from canaryctl.core.verdict import Verdict
from canaryctl.listeners.evidence import HEAD, WIDTH, scale_bar
from canaryctl.listeners.line import Line, Span, Tone, cells, left, line, right

MARKS = {Status.PASS: "✓", Status.FAIL: "✗", Status.NO_DATA: "–", Status.ERROR: "!"}
NOTICED = 0.01
"""A value that moved by less than this share of itself has no trend."""
_NARROW = 68
_LEAST_NAME, _MOST_NAME = 12, 40


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree: a finding, or the name of a gate that has several."""

    branch: str
    below: str
    name: str
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """The values of the evaluation before, by a finding's name."""

    values: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> Before:
        """Keep what an evaluation found."""
        return cls({f.name: f.value for f in findings if f.value is not None and isfinite(f.value)})

    def trend(self, finding: Finding) -> Span:
        """Say whether the value rose or fell; away from its limit is faint, towards it is not."""
        past, value = self.values.get(finding.name), finding.value
        if past is None or value is None or not isfinite(value):
            return Span(" ")
        if abs(value - past) <= NOTICED * max(abs(value), abs(past)):
            return Span(" ")
        rose = value > past
        worse = rose is not (finding.comparator == "≥")
        return Span("▲" if rose else "▼", Tone.WARN if worse else Tone.FAINT)


def mark(finding: Finding) -> Span:
    """Give a finding's sign: ✓ pass, ✗ fail, – no data, ! error."""
    return Span(MARKS[finding.status], tone_of(finding))


def tone_of(finding: Finding) -> Tone:
    """A failure that only warns is not shown as one that goes back."""
    if finding.status is Status.PASS:
        return Tone.GOOD
    if finding.status is Status.FAIL and finding.severity is Severity.ROLLBACK:
        return Tone.BAD
    return Tone.WARN


def limit(finding: Finding) -> str:
    """Write comparator and limit: ``≤ 0.5 %``."""
    if finding.limit is None:
        return ""
    return f"{finding.comparator} {written(finding.limit, finding.unit)}"


def samples(finding: Finding) -> str:
    """Write how many requests, observations or instances stand behind the value."""
    if finding.samples is None or not isfinite(finding.samples):
        return ""
    return f"{finding.samples:,.0f}"


def value(finding: Finding) -> str:
    """Write the canary's value."""
    return "–" if finding.value is None else written(finding.value, finding.unit)


def tree(
    findings: Sequence[Finding],
    verdict: Verdict | None,
    before: Before,
    width: int | None = None,
) -> tuple[Line, ...]:
    """Draw the tree.

    Args:
        findings: of one evaluation.
        verdict: what they mean; the finding that decides is explained there, not here.
        before: the evaluation before, for the trend.
        width: columns there are; None: as many as it takes. Names are cut, numbers are not.
    """
    rows = tuple(_rows(findings))
    wide = width is None or width >= _NARROW
    heads = ("value", "limit", *(("stable",) if wide else ()), "samples")
    table = {id(row): _figures(row.finding, wide=wide) for row in rows if row.finding}
    widths = [
        max([cells(head), *(cells(figures[i]) for figures in table.values())])
        for i, head in enumerate(heads)
    ]
    bars = wide and any(row.finding and row.finding.scale for row in rows)
    room = max([cells(row.branch + row.name) + 2 for row in rows], default=0)
    taken = sum(widths) + 2 * len(widths) + 2 + (WIDTH + 2 if bars else 0)
    most = _MOST_NAME if width is None else width - taken
    room = min(max(room, _LEAST_NAME), max(most, _LEAST_NAME))
    title = f"{_joined(heads, widths)}{'    ' + HEAD if bars else ''}"
    lines = [line(left("gates", room), Span(title, Tone.FAINT))]
    for row in rows:
        lines += _drawn(row, table, room, widths, verdict, before, bars=bars)
    return tuple(lines)


def _rows(findings: Sequence[Finding]) -> Iterator[Row]:
    groups = [(gate, list(many)) for gate, many in groupby(findings, lambda f: f.gate)]
    for index, (gate, many) in enumerate(groups):
        last = index == len(groups) - 1
        branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        if len(many) == 1 and not many[0].part:
            yield Row(branch, below, gate, many[0])
            continue
        yield Row(branch, below, gate)
        for place, finding in enumerate(many):
            ends = place == len(many) - 1
            name = finding.part or finding.gate
            yield Row(
                below + ("└─ " if ends else "├─ "),
                below + ("   " if ends else "│  "),
                name,
                finding,
            )


def _figures(finding: Finding | None, *, wide: bool) -> tuple[str, ...]:
    if finding is None:
        return ()
    stable = written(finding.stable, finding.unit) if finding.stable is not None else ""
    return (value(finding), limit(finding), *((stable,) if wide else ()), samples(finding))


def _joined(figures: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"  {right(text, width)}" for text, width in zip(figures, widths, strict=True))


def _drawn(
    row: Row,
    table: Mapping[int, tuple[str, ...]],
    room: int,
    widths: Sequence[int],
    verdict: Verdict | None,
    before: Before,
    *,
    bars: bool,
) -> Iterator[Line]:
    branch = Span(row.branch, Tone.FAINT)
    if row.finding is None:
        yield line(branch, left(row.name, max(room - cells(row.branch), 1)).rstrip())
        return
    finding = row.finding
    name = left(row.name, max(room - cells(row.branch) - 2, 1))
    tone = Tone.PLAIN if finding.status is Status.PASS else tone_of(finding)
    yield line(
        branch,
        mark(finding),
        Span(f" {name}"),
        Span(_joined(table[id(row)], widths), tone),
        " ",
        before.trend(finding),
        *((Span("  "), *scale_bar(finding.scale)) if bars and finding.scale else ()),
    )
    if finding.status is not Status.PASS and (verdict is None or finding is not verdict.deciding):
        yield line(
            Span(f"{row.below}  ", Tone.FAINT),
            Span(note(finding), tone_of(finding)),
            hang=cells(row.below) + 2,
        )


def note(finding: Finding) -> str:
    """Explain a finding that is not a pass, under its row."""
    if finding.status is Status.FAIL and finding.severity is Severity.WARN:
        return f"warning only, the rollout goes on: {finding.reason}"
    return f"{finding.status}: {finding.reason}"
