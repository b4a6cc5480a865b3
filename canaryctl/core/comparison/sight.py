"""The part of a window in which a version was seen at all."""

from __future__ import annotations

from canaryctl.core.look import UP, Look
from canaryctl.core.series import Version, Window


def sight(look: Look, version: Version) -> Window | None:
    """Give from when to when increments of this version were counted.

    From its last sample at or before the window's start, which is the base of every count, or from
    its first inside the window; up to its last. A failed scrape is no sight.

    Returns:
        None when it was not seen inside the window.
    """
    times = {
        sample.at
        for want, many in look.readings.series.items()
        if want.version is version
        for series in many
        for sample in series.samples
        if sample.at <= look.window.end and (want.selector != UP or sample.value > 0)
    }
    inside = [at for at in times if at > look.window.start]
    if not inside:
        return None
    before = [at for at in times if at <= look.window.start]
    return Window(max(before) if before else min(inside), max(inside))
