"""``canaryctl resume`` and ``canaryctl retry``: a rollout that did not come to its good end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context
from canaryctl.cli.options import Interval, ObservationPeriod, Stages

if TYPE_CHECKING:
    from canaryctl.config.model import Config
    from canaryctl.wiring import Build

Shown = Annotated[Output, typer.Option("--output", "-o")]
Deploy = Annotated[
    bool | None,
    typer.Option(
        "--deploy/--no-deploy",
        help="The canary is brought up by canaryctl, and down again if it goes back. Left out: as "
        "the rollout was begun, as far as this machine's journal knows, else as canary.yaml says.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("resume")(resume)
    app.command("retry")(retry)


def resume(
    ctx: typer.Context,
    stages: Stages = None,
    observation_period: ObservationPeriod = None,
    interval: Interval = None,
    deploy: Deploy = None,
    output: Shown = Output.TEXT,
) -> None:
    """Continue an abandoned rollout at the stage that it was in: its process or machine died.

    What is known of it lies at the gateway, so any machine can do it. The stage begins anew.
    """
    from canaryctl.cli.rollout import run

    given = context(ctx)
    config = _planned(given.config(), stages, observation_period, interval)
    build = given.build()
    left = abandoned(build)
    weights = [stage.weight for stage in config.core_plan().stages]
    _fits(left, [str(weight) for weight in weights])
    first = max(0, left.stage)
    since = _deployed(build, left.rollout, deploy)
    state = run(config, given, left.release, output, first=first, deploy=False, adopted=since)
    assert state.ending is not None  # noqa: S101  a rollout that returned has ended
    raise typer.Exit(state.ending.exit_code)


def retry(
    ctx: typer.Context,
    stages: Stages = None,
    observation_period: ObservationPeriod = None,
    interval: Interval = None,
    deploy: Deploy = None,
    output: Shown = Output.TEXT,
) -> None:
    """Roll the last version out again that did not come through, from the first stage."""
    from canaryctl.cli.rollout import run

    given = context(ctx)
    config = _planned(given.config(), stages, observation_period, interval)
    build = given.build()
    release = failed(build)
    typer.echo(f"rolling {release} out again", err=True)
    state = run(config, given, release, output, deploy=_again(build, release, deploy))
    assert state.ending is not None  # noqa: S101  a rollout that returned has ended
    raise typer.Exit(state.ending.exit_code)


def _planned(
    config: Config, stages: str | None, observation_period: str | None, interval: str | None
) -> Config:
    from canaryctl.cli.flags import planned

    return planned(
        config,
        stages=("--stages", stages),
        observe=("--observation-period", observation_period),
        interval=("--interval", interval),
    )


def _deployed(build: Build, rollout: str, asked: bool | None) -> float | None:
    """Tell since when a rollout's canary is up, in epoch seconds; None: it was not deployed."""
    from canaryctl.listeners.journal_deployed import deployed

    deploy = build.config.deploy
    if asked is False or (asked is None and deploy is None):
        return None
    found = deployed(build.gateway, rollout)
    if found is not None:
        return found.at
    return 0.0 if asked or (deploy is not None and deploy.on_rollout) else None


def _again(build: Build, release: str, asked: bool | None) -> bool | None:
    """Tell whether the canary is to be brought up again; None: as canary.yaml says."""
    from canaryctl.listeners.journal_deployed import deployed

    if asked is not None or build.config.deploy is None:
        return asked
    found = deployed(build.gateway)
    return True if found is not None and found.release == release else None


@dataclass(frozen=True, slots=True)
class Left:
    """What an abandoned rollout left at the gateway.

    Attributes:
        release: the version that it rolled out.
        rollout: its id.
        stage: the one that it was in, from 0; -1 before the first.
        weight: of that stage as it was proven last, in per cent; empty: not known.
    """

    release: str
    rollout: str
    stage: int
    weight: str = ""


def abandoned(build: Build) -> Left:
    """Find the rollout that was abandoned at this gateway.

    Raises:
        GatewayHeld: one is led there just now.
        NoRollout: there is none.
    """
    from canaryctl.core.errors import NoRollout
    from canaryctl.drivers.lease_file import held
    from canaryctl.guarding.abandoned import GUARD

    found = build.lease.look()
    if found.lease is not None and found.left > 0:
        raise held(found.lease, found.left)
    if (record := build.promotion.look()) is not None:
        raise NoRollout(
            f"it is the promotion of {record.release} that was interrupted here ({record.phase})",
            next_step=f"`canaryctl promote --version {record.release}` goes on with it",
        )
    if found.lease is not None:
        lease = found.lease
        return Left(lease.release, lease.rollout, lease.stage, lease.weight)
    mark = build.router.look().mark
    if mark is None or not mark.rollout or not mark.owner.startswith(GUARD):
        how = f": the last change was by {mark.owner}: {mark.reason}" if mark else ""
        raise NoRollout(
            f"no rollout was abandoned at this gateway{how}",
            next_step="`canaryctl rollout --version …` begins one, `canaryctl retry` repeats one",
        )
    stage = int(mark.stage) - 1 if mark.stage.isdecimal() else -1
    return Left(mark.release, mark.rollout, stage, mark.share)


def _fits(left: Left, weights: list[str]) -> None:
    """Make sure that the stage is still the one that the rollout was in."""
    from canaryctl.core.errors import ConfigError

    there = weights[left.stage] if 0 <= left.stage < len(weights) else ""
    if left.stage >= len(weights) or (left.weight not in ("", "0", there) and left.stage >= 0):
        raise ConfigError(
            f"rollout {left.rollout} was in stage {left.stage + 1}"
            + (f" at {left.weight} %" if left.weight else "")
            + f"; the stages here are {', '.join(weights)} %",
            next_step=f"give the stages that it was begun with (--stages{_begun_with(left)})",
        )


def _begun_with(left: Left) -> str:
    """Give a rollout's stages as this machine's journal knows them; empty: it does not."""
    from canaryctl.core.errors import ConfigError
    from canaryctl.listeners.journal_read import find

    try:
        plan = find(left.rollout).plan or {}
    except ConfigError:
        return ""
    stages = [f"{stage['weight']:g}" for stage in plan.get("stages", ())]
    return f" {','.join(stages)}" if stages else ""


def failed(build: Build) -> str:
    """Give the version whose last rollout did not come through.

    Raises:
        GatewayHeld: one is led there just now.
        NoRollout: there is none, or it succeeded.
    """
    from canaryctl.core.errors import NoRollout
    from canaryctl.core.outcome import Outcome
    from canaryctl.drivers.lease_file import held
    from canaryctl.listeners.journal import last

    found = build.lease.look()
    if found.lease is not None and found.left > 0:
        raise held(found.lease, found.left)
    past = last(build.gateway)
    mark = build.router.look().mark
    if past is not None and (past["outcome"] == Outcome.SUCCEEDED or past["kind"] == "promoted"):
        raise NoRollout(
            f"the last rollout here, of {past['release']}, succeeded",
            next_step="`canaryctl rollout --version …` begins another one",
        )
    release = str(past["release"]) if past is not None else mark.release if mark else ""
    if not release:
        raise NoRollout(
            "no rollout of this gateway is known",
            next_step="`canaryctl rollout --version …` begins one",
        )
    return release
