"""The traffic that is there now, for ``canaryctl simulate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canaryctl.core.errors import CanaryctlError, ConfigError

if TYPE_CHECKING:
    from canaryctl.cli.context import Context
    from canaryctl.config.model import Config
    from canaryctl.simulate.service import Measured

PAST = 300.0
"""Seconds that are read where the source keeps a past."""
WATCHED = 10.0
"""Seconds that are watched where it keeps none."""
NEXT = "say it yourself: --rps 20 --errors 0.1%"


def measure_now(given: Context, config: Config) -> Measured:
    """Read the metrics source.

    Raises:
        ConfigError: it does not answer, or shows no traffic.
    """
    from canaryctl.core.look import UP, Frame, Look
    from canaryctl.core.series import SeriesWanted, Version
    from canaryctl.core.weight import Weight
    from canaryctl.simulate.measured import asked, measured
    from canaryctl.wiring import Build

    build = Build(config, given.path().resolve().parent)
    clock, gates = build.clock, config.core_gates()
    scraping = config.metrics.provider == "scrape"
    since = clock.now() if scraping else clock.now() - PAST
    wanted = (*asked(gates), *(SeriesWanted(version, UP) for version in Version))
    try:
        readings = build.metrics.read(wanted, since)
        while scraping and (left := since + WATCHED - clock.now()) > 0:
            clock.sleep(min(left, 1.0))
            readings = build.metrics.read(wanted, since)
        frame = Frame(since, since, config.plan.interval, config.select(), "now", Weight.ZERO)
        return measured(gates, Look(frame, readings, readings.at))
    except (CanaryctlError, ValueError) as error:
        said = f"the traffic cannot be measured from {build.source}: {error}"
        raise ConfigError(said, next_step=NEXT) from error
