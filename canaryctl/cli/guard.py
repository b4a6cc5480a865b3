"""``canaryctl guard``: returns the traffic of a rollout whose machine is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import context

if TYPE_CHECKING:
    from canaryctl.guarding.exported import GuardExport
    from canaryctl.wiring import Build


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("guard")(guard)


def guard(
    ctx: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, act if it takes, and end.")
    ] = False,
) -> None:
    """Watch the gateway beside NGINX; when a rollout's lease runs out, prove 0 %. Runs for ever.

    It needs service, versions and gateway of the configuration; notify, for whoever should know.
    With --once it ends with 0, with 3 where 0 % could not be proven, or with 4 where it could not
    look. A lease that cannot be read it waits for, 30 s at most.
    """
    from canaryctl.cli.stop import StopFlag
    from canaryctl.drivers.notifier import Notifier
    from canaryctl.guarding.service import GuardService

    build = context(ctx).build()
    build.router.look()  # a configuration that leads nowhere is said now, not at night
    stop = StopFlag()
    notifier = Notifier(build.config.channels(), build.clock)
    service = GuardService(build, _say, stop.by, notifier.tell)
    typer.echo(f"watching {build.gateway}", err=True)
    try:
        if once:
            service.once()
            return
        service.exported = _exported(build)
        with stop:
            service.run()
    finally:
        if service.exported is not None:
            service.exported.close()
        notifier.close()


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _exported(build: Build) -> GuardExport | None:
    """Give what shows the guard's metrics; None where canary.yaml has no address for them."""
    export = build.config.export
    if export is None or export.guard_listen is None:
        return None
    from canaryctl.config.export import split
    from canaryctl.guarding.exported import GuardExport

    return GuardExport(build, split(export.guard_listen), _say)
