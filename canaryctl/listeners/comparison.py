"""Canary and stable side by side, and what it comes to, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import tzinfo
from math import inf

from canaryctl.core.comparison.advice import Advice, Health, Recommendation
from canaryctl.core.comparison.compare import QUANTILES, Comparison
from canaryctl.core.comparison.difference import Difference, Interval
from canaryctl.core.comparison.side import LEAST, Side
from canaryctl.listeners.line import Line, Span, Tone, cells, left, line, right, toned
from canaryctl.listeners.when import day, hms
from canaryctl.listeners.words import fact
from canaryctl.quantities import spelled

_HEADS = ("", "canary", "stable", "difference")
_MILLI, _MICRO = 1e-3, 1e-6
_BYTES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_HEALTH = {
    Health.HEALTHY: Tone.GOOD,
    Health.DEGRADED: Tone.WARN,
    Health.UNHEALTHY: Tone.BAD,
    Health.UNKNOWN: Tone.WARN,
}
_ADVICE = {
    Recommendation.PROMOTE: Tone.GOOD,
    Recommendation.HOLD: Tone.WARN,
    Recommendation.ROLLBACK: Tone.BAD,
}

Write = Callable[[float], str]
Row = tuple[str, str, str, str, str, Tone]


def comparison_lines(found: Comparison, zone: tzinfo | None = None) -> tuple[Line, ...]:
    """Draw the table.

    Args:
        found: the comparison.
        zone: of the times shown; None is this machine's.
    """
    window = found.window
    when = f"{day(window.start, zone)} to {hms(window.end, zone)}, {spelled(window.length)}"
    rows = tuple(_rows(found))
    last = f"interval ({found.confidence * 100:g} % all together, * excludes 0)"
    heads: Row = (*_HEADS, last, Tone.FAINT)
    widths = [max(cells(row[i]) for row in (heads, *rows)) for i in range(len(_HEADS))]
    return (
        line(Span("canary against stable", Tone.HEAD), Span(f"  {when}", Tone.FAINT)),
        *(_drawn(row, widths) for row in (heads, *rows)),
    )


def advice_lines(found: Comparison, advice: Advice) -> tuple[Line, ...]:
    """Say what it comes to."""
    better = {True: "yes", False: "no", None: "cannot be told"}[found.is_better]
    tone = _ADVICE[advice.recommendation]
    return (
        _fact("health", Span(advice.health, _HEALTH[advice.health])),
        _fact("different", _different(found)),
        _fact("is better", better),
        _fact("do", Span(advice.recommendation, tone), f": {advice.reason}"),
    )


def _fact(label: str, *said: str | Span) -> Line:
    return fact(label, *said, indent=0)


def _drawn(row: Row, widths: list[int]) -> Line:
    name, *figures, interval, tone = row
    shown = "".join(f"  {right(text, w)}" for text, w in zip(figures, widths[1:], strict=True))
    return toned(tone, f"{left(name, widths[0])}{shown}  {interval}".rstrip())


def _rows(found: Comparison) -> Iterator[Row]:
    canary, stable, differences = found.canary, found.stable, found.differences

    def row(name: str, ours: str, theirs: str, write: Write) -> Row:
        one = differences[name]
        tone = Tone.BAD if one.is_worse else Tone.GOOD if one.is_improved else Tone.PLAIN
        signed = "" if one.value is None else _signed(one.value, write)
        return (name.replace("_", " "), ours, theirs, signed, _interval(one, write), tone)

    def plain(name: str, ours: float | None, theirs: float | None, write: Write) -> Row:
        return row(name, _or_dash(ours, write), _or_dash(theirs, write), write)

    yield plain("requests", canary.requests, stable.requests, _count)
    yield plain("errors", canary.errors, stable.errors, _count)
    for name in ("success_rate", "error_rate"):
        ours, theirs = getattr(canary, name), getattr(stable, name)
        yield row(name, _or_dash(ours, _percent), _or_dash(theirs, _percent), _points)
    yield plain("mean", canary.latency.mean, stable.latency.mean, _time)
    for name, q in QUANTILES.items():
        yield row(name, _quantile(canary, q), _quantile(stable, q), _time)
    yield plain("throughput", canary.throughput, stable.throughput, _rate)
    if canary.memory is not None or stable.memory is not None:
        yield plain("memory", canary.memory, stable.memory, _bytes)
    if canary.cpu is not None or stable.cpu is not None:
        yield plain("cpu", canary.cpu, stable.cpu, _cores)


def _different(found: Comparison) -> str:
    if found.significant_difference is None:
        return f"cannot be told: intervals need {LEAST} requests of each"
    said = [
        f"{what}: {', '.join(name.replace('_', ' ') for name in names)}"
        for what, names in (("worse", found.worse), ("better", found.improved))
        if names
    ]
    return "; ".join(said) if said else "no more than chance explains"


def _interval(one: Difference, write: Write) -> str:
    if one.interval is None:
        return ""
    mark = " *" if one.interval.excludes_zero else ""
    return f"{_ends(one.interval, write)}{mark}"


def _ends(interval: Interval, write: Write) -> str:
    low, high = interval.low, interval.high
    if (low, high) == (-inf, inf):
        return "too few to tell"
    if high == inf:
        return f"from {_signed(low, write)} up"
    if low == -inf:
        return f"up to {_signed(high, write)}"
    return f"{_signed(low, write)} to {_signed(high, write)}"


def _signed(value: float, write: Write) -> str:
    text = write(abs(value))
    return f"{'-' if value < 0 else '+'}{text}" if value else text


def _or_dash(value: float | None, write: Write) -> str:
    return "–" if value is None else write(value)


def _quantile(side: Side, q: float) -> str:
    value = side.latency.quantile(q)
    return _or_dash(value, _above if side.latency.is_beyond(q) else _time)


def _above(value: float) -> str:
    return f"> {_time(value)}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{value * 100:.5g} %"


def _points(value: float) -> str:
    return f"{value * 100:.2g} pp"


def _time(value: float) -> str:
    if value >= 1 or value == 0:
        return f"{value:.3g} s"
    unit, name = (_MILLI, "ms") if value >= _MILLI else (_MICRO, "µs")
    return f"{value / unit:.3g} {name}"


def _rate(value: float) -> str:
    return f"{value:,.3g} /s" if value < 1 / _MILLI else f"{value:,.0f} /s"


def _bytes(value: float) -> str:
    size, name = next(((size, name) for size, name in _BYTES if value >= size), (1, "B"))
    return f"{value / size:.4g} {name}"


def _cores(value: float) -> str:
    return f"{value:.3g} cores"
