"""Prometheus scrapes what it should: ``up`` is 1 for every target."""

from __future__ import annotations

from canaryctl.checking.finding import Said, failed, passed
from canaryctl.checking.scene import Given
from canaryctl.config.probes import ProbeModel
from canaryctl.core.selector import Selector
from canaryctl.core.series import QueryWanted


def targets(given: Given, asked: ProbeModel) -> Said:
    """Ask the metrics source of canary.yaml.

    Raises:
        MetricsUnavailable: it does not answer.
    """
    selector = Selector("up").where(asked.prometheus or {})
    wanted = QueryWanted(str(selector))
    metrics = given.metrics()
    readings = metrics.read((wanted,), 0.0)
    if wanted in readings.errors:
        return failed(f"{selector}: {readings.errors[wanted]}", "mend the labels of this probe")
    values = readings.values.get(wanted, ())
    if not values:
        return failed(
            f"Prometheus knows no target with {selector}",
            "see its page /targets: is the job configured, and are its labels these?",
        )
    down = sum(one != 1 for one in values)
    if down:
        return failed(
            f"{down} of {len(values)} targets are not up: {selector}",
            "see Prometheus' page /targets, which says why",
        )
    return passed(f"{len(values)} target{'s' * (len(values) != 1)} up: {selector}")
