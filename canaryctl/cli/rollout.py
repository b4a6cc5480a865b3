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

        rehearse(config, given.path(), release, output)
        return
    state = run(config, given, release, output)
    assert state.ending is not None  # noqa: S101  a rollout that returned has ended
    raise typer.Exit(state.ending.exit_code)


def run(
    config: Config, given: Context, release: str, output: Output, extra: Sequence[Listener] = ()
) -> State:
    """Hold the gateway and walk the rollout to its end.

    Raises:
        GatewayHeld: another rollout holds the gateway; nothing was touched.
    """
    from canaryctl.cli.shown import shown
    from canaryctl.cli.stop import StopFlag
    from canaryctl.core.recording import Setup
    from canaryctl.listeners.journal import Journal
    from canaryctl.ports import Mark
    from canaryctl.preflight import Preflight
    from canaryctl.runner import Runner
    from canaryctl.wiring import Build, machine, owner

    build = Build(config, given.path().resolve().parent)
    plan, gates, select = config.core_plan(), config.core_gates(), config.select()
    stop = StopFlag()
    with build.locks.rollout():
        mark = Mark(release, build.new_id(), owner())
        preflight = Preflight(
            plan=plan,
            gates=gates,
            router=build.router,
            host=build.host,
            metrics=build.metrics,
            clock=build.clock,
            addresses=config.versions.canary.address,
            select=select,
            release=release,
            machine=machine(),
        )
        listeners: list[Listener] = [
            Journal.opened(build, mark, setup=Setup(plan, gates, config.judgement())),
            *shown(build, mark, output, given.command),
            *extra,
        ]
        runner = Runner(
            plan=plan,
            gates=gates,
            router=build.router,
            metrics=build.metrics,
            clock=build.clock,
            preflight=preflight,
            mark=mark,
            select=select,
            stopped=stop.by,
            listeners=listeners,
            judgement=config.judgement(),
            attempts=build.attempts,
        )
        with stop:
            try:
                return runner.run()
            finally:
                for listener in listeners:
                    close = getattr(listener, "close", None)
                    if close is not None:
                        close()
