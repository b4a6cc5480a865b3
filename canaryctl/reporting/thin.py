"""Fewer points that look the same: the extremes of each stretch of time are kept."""

from __future__ import annotations

from collections.abc import Sequence

Pair = tuple[float, float | None]


def thinned(points: Sequence[Pair], most: int = 160) -> tuple[Pair, ...]:
    """Give at most about ``most`` of the points, in order.

    Time is cut into stretches; of each the first, the lowest, the highest and the last point
    stay, and one without a value, so that a gap stays a gap.

    Args:
        points: time and value (None: no value), in order.
        most: at least 5.
    """
    if len(points) <= most:
        return tuple(points)
    first, last = points[0][0], points[-1][0]
    count = max(most // 5, 1)
    length = max(last - first, 1e-9) / count
    stretches: dict[int, list[int]] = {}
    for number, (at, _) in enumerate(points):
        stretches.setdefault(min(int((at - first) / length), count - 1), []).append(number)
    kept: list[int] = []
    for many in stretches.values():
        valued = [i for i in many if points[i][1] is not None]
        chosen = {many[0], many[-1]}
        if valued:
            chosen |= {min(valued, key=lambda i: points[i][1] or 0.0)}
            chosen |= {max(valued, key=lambda i: points[i][1] or 0.0)}
        chosen |= set([i for i in many if points[i][1] is None][:1])
        kept += sorted(chosen)
    return tuple(points[i] for i in kept)
