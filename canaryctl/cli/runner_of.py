"""One gateway's runner: the same parts for a rollout and for the watch before a promotion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.core.events import Check
    from canaryctl.core.plan import Plan
    from canaryctl.ports import Asking, Listener, Mark, Tenure
    from canaryctl.runner import Runner
    from canaryctl.wiring import Build


def runner_of(
    build: Build,
    config: Config,
    mark: Mark,
    plan: Plan,
    *,
    tenure: Tenure,
    stopped: Callable[[], str | None],
    listeners: Sequence[Listener],
    first: int = 0,
    checks: Callable[[], Iterator[Check]] | None = None,
    hooks: Asking | None = None,
) -> Runner:
    """Put it together; nothing is asked or touched yet.

    Args:
        build: the gateway.
        config: what is judged, and how.
        mark: what is written beside the weights.
        plan: the stages.
        tenure: the hold on the gateway.
        stopped: who asked to stop, None while nobody has.
        listeners: who is told.
        first: the stage to begin with, from 0.
        checks: what else the preflight looks at, last.
        hooks: asks hooks that are gates.
    """
    from canaryctl.preflight import Preflight
    from canaryctl.runner import Runner

    gates, select = config.core_gates(), config.select()
    preflight = Preflight(
        plan=plan,
        gates=gates,
        router=build.router,
        host=build.host,
        metrics=build.metrics,
        clock=build.clock,
        addresses=config.versions.canary.address,
        select=select,
        release=mark.release,
        verify=config.gateway.verify,
        exposed=build.exposed,
        identities=build.identities,
        hooks=checks,
    )
    return Runner(
        plan=plan,
        gates=gates,
        router=build.router,
        metrics=build.metrics,
        clock=build.clock,
        preflight=preflight,
        mark=mark,
        select=select,
        stopped=stopped,
        listeners=listeners,
        judgement=config.judgement(),
        attempts=build.attempts,
        tenure=tenure,
        controls=build.desk,
        first=first,
        breaking=config.breaker_policy(),
        identities=build.identities,
        hooks=hooks,
    )
