"""``canaryctl promote``: the canary's version becomes the stable one."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Context, Output, context

if TYPE_CHECKING:
    from canaryctl.drivers.tenure import GatewayTenure
    from canaryctl.promoting.ended import Ended
    from canaryctl.promoting.promotion import Promotion
    from canaryctl.wiring import Build

PATIENCE = 8.0
"""Seconds for the guard of a promotion that has just died to free the gateway."""
_LOOK_AGAIN = 0.3


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("promote")(promote)


def promote(
    ctx: typer.Context,
    version: Annotated[str, typer.Option("--version", help="The release, such as v0.2.0.")],
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Make the canary's version the stable one: watch, approve, replace, return, clear.

    All traffic is on the canary meanwhile. Run again, it goes on where it was interrupted.
    """
    from canaryctl.cli.flags import release_of
    from canaryctl.cli.promote_told import told

    release = release_of(version)
    given = context(ctx)
    build = given.build()
    ended = run(build, given, release, output)
    told(build, release, ended, output)
    sys.stdout.flush()
    raise typer.Exit(ended.exit_code)


def run(build: Build, given: Context, release: str, output: Output) -> Ended:
    """Hold the gateway and go on with the promotion to its end.

    Raises:
        ConfigError: canary.yaml has no ``deploy``.
        GatewayHeld: somebody else holds the gateway; nothing was touched.
        NotPromotable: there is nothing to promote; nothing was touched.
    """
    from canaryctl.cli.promote_build import begun
    from canaryctl.cli.stop import StopFlag
    from canaryctl.core.errors import CanaryctlError
    from canaryctl.core.promotion import Next
    from canaryctl.promoting.ended import Ended, Outcome
    from canaryctl.promoting.sight import refusal, where

    stop = StopFlag()
    one, guard, beside = begun(build, given, release, output, stop)
    sight = one.sight()
    if sight.first is Next.NOTHING:
        _freed(build, release)
        said = f"{release} is promoted already: stable runs it and has all traffic"
        return Ended(Outcome.PROMOTED, said, 0, done=False)
    if not sight.first.goes_on:
        _unled(build)
        if sight.first is Next.ROLLED_BACK:
            _forget(build)
        raise refusal(sight, release)
    with stop:
        guard.start()
        try:
            _take(build, one.tenure, release)
            sight = one.sight()  # since nobody else can change it
            if not sight.first.goes_on:
                raise refusal(sight, release)
            _banner(one, output)
            ended = one(sight)
        except CanaryctlError as error:
            ended = _failed(build, one, error)
        finally:
            guard.leaving()
            one.tenure.give_back()
            guard.done()
        beside.ended(ended, where(build)[0])
    return ended


def _take(build: Build, tenure: GatewayTenure, release: str) -> None:
    """Take the gateway; a promotion of this release that has just died is waited out.

    Raises:
        GatewayHeld: somebody holds it.
        NotPromotable: a rollout was abandoned here: nobody knows that it succeeded.
    """
    from canaryctl.core.errors import GatewayHeld
    from canaryctl.promoting.ended import NotPromotable

    until = build.clock.now() + PATIENCE
    while True:
        lease = build.lease.look().lease
        ours = lease is not None and lease.promoting and lease.release == release
        if lease is not None and not lease.promoting and build.lease.look().left <= 0:
            raise NotPromotable(
                f"rollout {lease.rollout} of {lease.release} was abandoned at this gateway",
                next_step="`canaryctl resume` brings it to its end, `canaryctl recover` frees it",
            )
        try:
            tenure.take()
        except GatewayHeld:
            if not ours or build.clock.now() >= until:
                raise
            build.clock.sleep(_LOOK_AGAIN)
        else:
            return


def _unled(build: Build) -> None:
    """Make sure that nobody is at work here: what was seen may be half of their way.

    Raises:
        GatewayHeld: somebody is.
    """
    from canaryctl.drivers.lease_file import held

    found = build.lease.look()
    if found.lease is not None and found.left > 0:
        raise held(found.lease, found.left)


def _freed(build: Build, release: str) -> None:
    """Take the lease away of a promotion of this release that died when all was done.

    Its guard makes it run out, for the next run of it: this one has nothing else to do.
    """
    from canaryctl.core.errors import HostError

    until = build.clock.now() + PATIENCE
    with contextlib.suppress(HostError):
        while True:
            found = build.lease.look()
            lease = found.lease
            if lease is None or not lease.promoting or lease.release != release:
                return
            if found.left <= 0:
                build.lease.free(found.text)
                return
            if build.clock.now() >= until:
                return  # somebody is at it, and gives it back
            build.clock.sleep(_LOOK_AGAIN)


def _forget(build: Build) -> None:
    """Take the record of a promotion away that was rolled back."""
    from canaryctl.core.errors import HostError

    with contextlib.suppress(HostError):
        build.promotion.clear()


def _failed(build: Build, one: Promotion, error: Exception) -> Ended:
    """Say how a run ended that could not go on, and where the traffic is."""
    from canaryctl.core.errors import CanaryctlError, GatewayHeld, Superseded, TrafficUnknown
    from canaryctl.deploying.failed import Stopped
    from canaryctl.promoting.ended import Ended, NotPromotable, Outcome
    from canaryctl.promoting.sight import where

    assert isinstance(error, CanaryctlError)  # noqa: S101
    if isinstance(error, GatewayHeld) or (isinstance(error, NotPromotable) and one.record is None):
        raise error
    weight, said = where(build)
    again = f"`canaryctl promote --version {one.release}` goes on"
    steps = (error.next_step,) if error.next_step else (f"mend that, then {again}",)
    if weight is None or isinstance(error, TrafficUnknown):
        return Ended(Outcome.UNKNOWN, f"{error} ({said})", TrafficUnknown.exit_code, steps)
    there = f"the canary has {weight} %, proven ({said})"
    if isinstance(error, Stopped):
        return Ended(Outcome.ABORTED, f"{error}; {there}", 130, (again,))
    if isinstance(error, Superseded):
        return Ended(Outcome.ABORTED, f"{error}; {there}", 130, ("`canaryctl status`", again))
    return Ended(Outcome.FAILED, f"{error}; {there}", 4, steps)


def _banner(one: Promotion, output: Output) -> None:
    from canaryctl.cli.promote_told import banner

    stream = sys.stderr if output is Output.JSON else sys.stdout
    for line in banner(one):
        stream.write(line + "\n")
    stream.flush()
