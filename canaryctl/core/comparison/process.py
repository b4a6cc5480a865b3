"""Memory and CPU of a version's processes, where they expose them."""

from __future__ import annotations

from math import isfinite
from statistics import fmean

from canaryctl.core.comparison.source import CPU, MEMORY
from canaryctl.core.counting import increase, latest
from canaryctl.core.look import Look
from canaryctl.core.series import Series, Version, Window


def memory(look: Look, version: Version) -> float | None:
    """Give the newest resident bytes, the mean over instances; None where none is fresh."""
    series = look.series(version, MEMORY)
    oldest = look.window.end - look.stale_after(series)
    newest = [latest(one, look.window) for one in series]
    fresh = [one.value for one in newest if one is not None and one.at >= oldest]
    told = bool(fresh) and all(map(isfinite, fresh))
    return fmean(fresh) if told else None


def cores(look: Look, version: Version) -> float | None:
    """Give the cores in use over the window, the mean over instances.

    Each instance by the time it was seen: seconds of CPU time a second.
    """
    used = [_cores(one, look.window) for one in look.series(version, CPU)]
    told = [value for value in used if value is not None]
    return fmean(told) if told else None


def _cores(series: Series, window: Window) -> float | None:
    times = [s.at for s in series.samples if s.at <= window.end and isfinite(s.value)]
    inside = [at for at in times if at > window.start]
    before = [at for at in times if at <= window.start]
    if not inside:
        return None
    begin = before[-1] if before else inside[0]
    # What a process first seen inside the window had used was used at any time before.
    amount = increase(series, window, seen_from=begin).amount
    return amount / (inside[-1] - begin) if inside[-1] > begin else None
