"""A rollout's preflight asks for stable's series; a demo's stack has had no traffic yet."""

from __future__ import annotations

from canaryctl.core.errors import CanaryctlError, HostError
from canaryctl.core.selector import Selector
from canaryctl.core.series import SeriesWanted, Version
from canaryctl.ports import Clock, Metrics

WITHIN = 20.0
"""Seconds until the metrics source must know of the load."""
_LOOK_AGAIN_S = 0.2
_AWAITED = tuple(
    SeriesWanted(Version.STABLE, Selector(name))
    for name in ("http_requests_total", "http_request_duration_seconds_bucket")
)


def wait_for_traffic(metrics: Metrics, clock: Clock) -> None:
    """Wait until the metrics source has counted requests to stable.

    Raises:
        HostError: it has not within ``WITHIN`` seconds; says what it answered.
    """
    since = clock.now()
    while True:
        try:
            readings = metrics.read(_AWAITED, since)
            problem = next(iter(readings.errors.values()), "it answers, without stable's series")
            if all(readings.series.get(want) for want in _AWAITED):
                return
        except CanaryctlError as error:
            problem = str(error)
        if clock.now() - since >= WITHIN:
            raise HostError(f"no traffic seen in the metrics source in {WITHIN:g} s: {problem}")
        clock.sleep(_LOOK_AGAIN_S)
