"""One gate over time: the canary beside stable, with its limit, and the evidence below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from canaryctl.core.gate import Status
from canaryctl.reporting import svg
from canaryctl.reporting.axis import Axis, marks, times
from canaryctl.reporting.facts import Facts, GateSeen, Point
from canaryctl.reporting.shown import amount
from canaryctl.reporting.thin import thinned

_WIDTH, _LEFT, _RIGHT, _TOP = 360.0, 56.0, 10.0, 14.0
_VALUES = 130.0
_EVIDENCE = 44.0
_GAP = 24.0
_TIMES = 20.0
_FAR = 6.0
"""A limit so many times above all values is said, not drawn: values would be a flat line."""
_HEADROOM = 1.15
_ROOM_FOR_WORDS = 1.4
_MOST_CROSSES = 40
_LABEL = 6.2
"""Units of one character, about."""


def gate(facts: Facts, one: GateSeen, name: str) -> Markup:
    """Draw it; ``name`` is unique on the page."""
    across = Axis(facts.began, max(facts.ended, facts.began + 1), _LEFT, _WIDTH - _RIGHT)
    high, far = _scale(one)
    up = Axis(0.0, high, _TOP + _VALUES, _TOP)
    parts = [*_stages(facts, across, up), *_values(one, across, up, far=far)]
    bottom = up.start
    if any(point.against is not None for point in one.points):
        below = Axis(0.0, 1.0, bottom + _GAP + _EVIDENCE, bottom + _GAP)
        parts += _evidence(one.points, across, below)
        bottom = below.start
    parts += _times(facts, across, bottom)
    height = bottom + _TIMES
    return svg.picture(_WIDTH, height, parts, name=name, title=one.name, about=_about(one))


def _scale(one: GateSeen) -> tuple[float, bool]:
    """Give the highest value drawn, and whether the limit lies far above that."""
    seen = [v for p in one.points for v in (p.value, p.stable) if v is not None]
    limits = [p.limit for p in one.points if p.limit is not None]
    highest = max(seen, default=0.0)
    limit = max(limits, default=0.0)
    if highest > 0 and limit > _FAR * highest:
        return highest * _ROOM_FOR_WORDS, True
    return max(highest, limit, 0.0) * _HEADROOM or 1.0, False


def _about(one: GateSeen) -> str:
    last = one.last
    parts = [f"canary {amount(last.value, one.unit)}", f"stable {amount(last.stable, one.unit)}"]
    if last.limit is not None:
        parts.append(f"limit {one.comparator} {amount(last.limit, one.unit)}")
    parts.append(f"failed at {one.failures} of {len(one.points)} evaluations")
    return f"Last: {', '.join(parts)}."


def _stages(facts: Facts, across: Axis, up: Axis) -> Iterator[Markup]:
    for stage in facts.stages:
        if stage.began is None or stage.ended is None:
            continue
        x, end = across.at(stage.began), across.at(stage.ended)
        kind = "shade odd" if stage.number % 2 else "shade"
        size = {"width": max(end - x, 0.5), "height": up.start - up.end}
        yield svg.element("rect", class_=kind, x=x, y=up.end, **size)
        text = f"{stage.weight:g} %"
        if end - x >= _LABEL * len(text):
            yield svg.words(((x + end) / 2, up.end - 4), text, "faint", "middle")


def _values(one: GateSeen, across: Axis, up: Axis, *, far: bool) -> Iterator[Markup]:
    for value in marks(up.high, 3):
        y = up.at(value)
        yield svg.rule((across.start, y), (across.end, y), "grid")
        yield svg.words((across.start - 5, y + 4), amount(value, one.unit), "faint", "end")
    last = one.last.limit
    if far and last is not None:
        text = f"↑ limit {one.comparator} {amount(last, one.unit)}, far above"
        yield svg.words((across.end - 4, up.end + 12), text, "limit-text", "end")
    else:
        yield svg.line(_drawn(one.points, "limit", across, up), "limit")
    yield svg.line(_drawn(one.points, "stable", across, up), "stable")
    yield svg.line(_drawn(one.points, "value", across, up), "canary")
    failed = [p for p in one.points if p.status == Status.FAIL and p.value is not None]
    step = max(len(failed) // _MOST_CROSSES, 1)
    for point in failed[::step]:
        yield svg.cross((across.at(point.at), up.at(point.value or 0.0)))


def _drawn(
    points: Sequence[Point], what: str, across: Axis, up: Axis
) -> list[tuple[float, float] | None]:
    many = thinned([(point.at, getattr(point, what)) for point in points])
    return [None if v is None else (across.at(at), up.at(v)) for at, v in many]


def _evidence(points: Sequence[Point], across: Axis, up: Axis) -> Iterator[Markup]:
    yield svg.words((across.start, up.end - 6), "evidence", "faint")
    for share, text in ((0.0, "0"), (1.0, "decides")):
        y = up.at(share)
        yield svg.rule((across.start, y), (across.end, y), "decides" if share else "grid")
        yield svg.words((across.start - 5, y + 4), text, "faint", "end")
    yield svg.line(_drawn(points, "support", across, up), "support")
    yield svg.line(_drawn(points, "against", across, up), "against")


def _times(facts: Facts, across: Axis, y: float) -> Iterator[Markup]:
    for at, text in times(facts.began, facts.ended, 4):
        x = across.at(at)
        yield svg.rule((x, y), (x, y + 4), "tick")
        half = len(text) * _LABEL / 2
        inside = min(max(x, half), _WIDTH - half)
        yield svg.words((inside, y + 16), text, "faint", "middle")
