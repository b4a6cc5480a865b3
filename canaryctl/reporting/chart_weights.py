"""The canary's weight over time, with its stages."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from markupsafe import Markup

from canaryctl.reporting import svg
from canaryctl.reporting.axis import Axis, times
from canaryctl.reporting.facts import Facts
from canaryctl.reporting.shown import clock, percent

_WIDE = (1120.0, 280.0, 9)
_NARROW = (358.0, 240.0, 4)
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 12.0, 26.0, 24.0
_MOST_STEPS = 400
_LEAST_GAP = 16.0
_LABEL = 26.0


def weights(facts: Facts, *, narrow: bool = False) -> Markup:
    """Draw it; ``narrow`` for a phone.

    The axis of weights is a square root's: 1 % and 100 % are both seen.
    """
    width, height, most = _NARROW if narrow else _WIDE
    across = Axis(facts.began, max(facts.ended, facts.began + 1), _LEFT, width - _RIGHT)
    up = Axis(0.0, 10.0, height - _BOTTOM, _TOP)
    parts = [
        *_shades(facts, across, up),
        *_grid(facts, across, up, most),
        *_course(facts, across, up),
    ]
    name = "weights-narrow" if narrow else "weights"
    title = "The canary's weight over time"
    return svg.picture(width, height, parts, name=name, title=title, about=_about(facts))


def _about(facts: Facts) -> str:
    moves = [f"{clock(one.at)} {percent(one.weight)} ({one.how})" for one in facts.steps]
    return "; ".join(moves[:40]) or "No weight was proven."


def _shades(facts: Facts, across: Axis, up: Axis) -> Iterator[Markup]:
    for one in facts.stages:
        if one.began is None or one.ended is None:
            continue
        x, end = across.at(one.began), across.at(one.ended)
        kind = "shade odd" if one.number % 2 else "shade"
        yield svg.element(
            "rect", class_=kind, x=x, y=up.end, width=max(end - x, 0.5), height=up.start - up.end
        )
        if end - x >= _LABEL:
            text = f"stage {one.number}" if end - x >= 2 * _LABEL else f"{one.number}"
            yield svg.words(((x + end) / 2, up.end - 8), text, "faint", "middle")


def _grid(facts: Facts, across: Axis, up: Axis, most: int) -> Iterator[Markup]:
    last = up.start + _LEAST_GAP
    for weight in sorted({0.0, 100.0, *(one.weight for one in facts.stages)}):
        y = up.at(sqrt(weight))
        if last - y < _LEAST_GAP and weight < 100:  # noqa: PLR2004  per cent
            continue
        last = y
        yield svg.rule((across.start, y), (across.end, y), "grid")
        yield svg.words((across.start - 6, y + 4), f"{weight:g} %", "faint", "end")
    for at, text in times(facts.began, facts.ended, most):
        x = across.at(at)
        yield svg.rule((x, up.start), (x, up.start + 4), "tick")
        inside = min(max(x, across.start + 12), across.end - 18)
        yield svg.words((inside, up.start + 18), text, "faint", "middle")


def _course(facts: Facts, across: Axis, up: Axis) -> Iterator[Markup]:
    points: list[svg.Point | None] = []
    weight: float | None = None
    for one in facts.steps[:_MOST_STEPS]:
        x = across.at(one.at)
        if weight is not None:
            points.append((x, up.at(sqrt(max(weight, 0.0)))))
        weight = one.weight
        points.append(None if weight is None else (x, up.at(sqrt(max(weight, 0.0)))))
    if weight is not None:
        points.append((across.end, up.at(sqrt(max(weight, 0.0)))))
    yield svg.line(points, "canary")
    for one in facts.steps[:_MOST_STEPS]:
        if one.how != "proven":
            shown = up.end + 6 if one.weight is None else up.at(sqrt(max(one.weight, 0.0)))
            yield svg.cross((across.at(one.at), shown), 4)
