"""``canaryctl rollout``: from stable to the canary, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Context, Output, context
from canaryctl.cli.options import Interval, ObservationPeriod, Stages

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.core.state import State
    from canaryctl.ports import Listener


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("rollout")(rollout)


def rollout(
    ctx: typer.Context,
    version: Annotated[str, typer.Option("--version", help="The release, such as v0.2.0.")],
    stages: Stages = None,
    observation_period: ObservationPeriod = None,
    interval: Interval = None,
    advance: Annotated[
        str | None,
        typer.Option(help="time, or evidence: a stage ends early once the canary is known good."),
    ] = None,
    deploy: Annotated[
        bool | None,
        typer.Option(
            "--deploy/--no-deploy",
            help="Bring the canary up through Compose first; down again if it goes back.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show and check everything, change nothing.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Roll a version out: set each stage's weight, prove it, judge it; back on a failed gate."""
    from canaryctl.cli.flags import planned, release_of

    release = release_of(version)
    given = context(ctx)
    config = planned(
        given.config(),
        stages=("--stages", stages),
        observe=("--observation-period", observation_period),
        interval=("--interval", interval),
        advance=("--advance", advance),
    )
    if dry_run:
        from canaryctl.cli.dry_run import rehearse

        rehearse(config, given.path(), release, output, deploy)
        return
    state = run(config, given, release, output, deploy=deploy)
    assert state.ending is not None  # noqa: S101  a rollout that returned has ended
    raise typer.Exit(state.ending.exit_code)


def run(
    config: Config,
    given: Context,
    release: str,
    output: Output,
    extra: Sequence[Listener] = (),
    first: int = 0,
    deploy: bool | None = None,
    adopted: float | None = None,
) -> State:
    """Hold the gateway and walk the rollout to its end.

    Args:
        config: with the flags' values in it.
        given: the options before the verb.
        release: the version to roll out.
        output: how it is shown.
        extra: more listeners.
        first: the stage to begin with, from 0; another one for a rollout that is resumed.
        deploy: bring the canary up first; None: as ``deploy.on_rollout`` says.
        adopted: epoch seconds since when the canary of the rollout that is resumed is up, 0 where
            that is not known: it goes if this one goes back. None: it was not deployed.

    Raises:
        GatewayHeld: another rollout holds the gateway; nothing was touched.
        DeployFailed: the canary did not come up; nothing was shifted.
    """
    from canaryctl.cli.beside import Beside
    from canaryctl.cli.deploying import deploying
    from canaryctl.cli.exported import exported
    from canaryctl.cli.held import closing, free, guarded
    from canaryctl.cli.runner_of import runner_of
    from canaryctl.cli.shown import banner_of, shown
    from canaryctl.cli.stop import StopFlag
    from canaryctl.core.lease import Lease
    from canaryctl.core.recording import Setup
    from canaryctl.drivers.tenure import GatewayTenure
    from canaryctl.guarding.process import spec_of
    from canaryctl.guarding.start import GuardProcess
    from canaryctl.listeners.journal import Journal
    from canaryctl.ports import Mark
    from canaryctl.wiring import Build, owner

    build = Build(config, given.path().resolve().parent)
    plan, gates = config.core_plan(), config.core_gates()
    stop = StopFlag()
    free(build)
    mark = Mark(release, build.new_id(), owner())
    gateway = config.gateway
    guard = GuardProcess(spec_of(build, mark.rollout), build.clock)
    lease = Lease(mark.rollout, mark.owner, release, gateway.lease, on_abandon=gateway.on_abandon)
    tenure = GatewayTenure(build.lease, lease, build.clock, guard)
    if deploy is None:
        deploy = config.deploy is not None and config.deploy.on_rollout
    canary = None
    if deploy or adopted is not None:
        canary = deploying(build, mark, tenure, stop.by, output)
    beside = Beside.of(build, mark)
    banner = banner_of(build, mark, given.command, deployed=canary is not None)
    listeners: list[Listener] = [
        Journal.opened(build, mark, setup=Setup(plan, gates, config.judgement())),
        *shown(banner, mark.rollout, output, late=canary is not None),
        *beside.listeners(banner, stop),
        *extra,
        *exported(config, mark, stop.by),
    ]
    runner = runner_of(
        build,
        config,
        mark,
        plan,
        tenure=tenure,
        stopped=stop.by,
        listeners=listeners,
        first=first,
        checks=lambda: beside.checks(tenure, stop),
        hooks=beside.asked,
    )
    with stop, closing(listeners), guarded(guard, tenure) as ended:
        if canary is not None:
            canary.begin() if adopted is None else canary.adopt(adopted)
        state = runner.run()
        if canary is not None:
            canary.end(state)
        ended.append(state)
        return state
