"""A promotion brought to life: its two sides, its hold on the gateway, its guard, who is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from canaryctl.cli.promote_beside import PromoteBeside
from canaryctl.cli.promote_watch import Watching
from canaryctl.cli.sides import bring_up, step_lines
from canaryctl.core.errors import ConfigError
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.deploying.side import sides
from canaryctl.deploying.teller import Steps
from canaryctl.drivers.tenure import GatewayTenure
from canaryctl.guarding.process import spec_of
from canaryctl.guarding.start import GuardProcess
from canaryctl.ports import Mark
from canaryctl.promoting.promotion import Promotion
from canaryctl.wiring import owner

if TYPE_CHECKING:
    from canaryctl.cli.context import Context, Output
    from canaryctl.cli.stop import StopFlag
    from canaryctl.wiring import Build


def begun(
    build: Build, given: Context, release: str, output: Output, stop: StopFlag
) -> tuple[Promotion, GuardProcess, PromoteBeside]:
    """Give one run of a promotion, its guard, and what goes on beside it. Nothing has begun.

    Raises:
        ConfigError: canary.yaml has no ``deploy``.
        HostError: Compose is not installed.
    """
    config = build.config
    if config.deploy is None:
        raise ConfigError(
            "canary.yaml has no `deploy:`, which names the Compose project that stable runs in",
            next_step="see docs/promotion.md; or give stable the version by hand, and then "
            "`canaryctl weights set 0`",
        )
    mark = Mark(release, build.new_id(), owner())
    guard = GuardProcess(spec_of(build, mark.rollout, promoting=True), build.clock)
    lease = Lease(
        mark.rollout,
        mark.owner,
        release,
        config.gateway.lease,
        weight="100",
        # Not back to stable: it may be half replaced, and the canary is proven good.
        on_abandon=OnAbandon.HOLD,
        promoting=True,
    )
    beside = PromoteBeside.of(build, mark, stop.by)
    steps = Steps(step_lines("promotion", build, output), build.clock)
    both = sides(config, build.base, build.clock)
    promotion = Promotion(
        build=build,
        release=release,
        model=config.promotion,
        stable=replace(bring_up(build, both.stable, release, steps), patient=True),
        canary=bring_up(build, both.canary, release, steps),
        steps=steps,
        tenure=GatewayTenure(build.lease, lease, build.clock, guard, what="promotion: "),
        run=mark.rollout,
        owner=mark.owner,
        watch=Watching(mark, output, given.command, beside),
        allowed=beside.allowed,
        stopped=stop.by,
    )
    return promotion, guard, beside
