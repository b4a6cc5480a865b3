"""``canaryctl rollback``: all traffic back on stable, proven."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from canaryctl.cli.context import Output, context

ATTEMPTS = 3
PAUSE = 0.5
"""Seconds between two attempts."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("rollback")(rollback)


def rollback(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; written beside the weights.")] = "by hand",
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Send all traffic back to stable now, and prove it. A running rollout notices and ends."""
    from canaryctl.cli.flags import sentence
    from canaryctl.core.errors import CanaryctlError, ConfigError, TrafficUnknown
    from canaryctl.core.weight import Weight
    from canaryctl.listeners.journal import Journal
    from canaryctl.ports import Mark
    from canaryctl.wiring import owner

    said = f"rollback: {sentence('--reason', reason)}"
    build = context(ctx).build()
    mark = Mark(owner=owner(), reason=said)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            proof = build.router.set(Weight.ZERO, mark, None)
            break
        except CanaryctlError as error:
            if isinstance(error, ConfigError) and build.fall_back():
                typer.echo(f"{error}; using the packaged template instead", err=True)
                continue
            if attempt == ATTEMPTS:
                raise TrafficUnknown(
                    f"0 % could not be proven in {ATTEMPTS} attempts: {error}",
                    next_step=error.next_step or "look at NGINX itself",
                ) from error
            typer.echo(f"attempt {attempt} of {ATTEMPTS}: {error}", err=True)
            build.clock.sleep(PAUSE)
    Journal.record_act(build, "rollback", mark, proof)
    if output is Output.JSON:
        fields = {
            "event": "weight",
            "weight": 0,
            "generation": proof.generation,
            "took": round(proof.took, 3),
        }
        typer.echo(json.dumps(fields))
        return
    typer.echo(
        f"all traffic is on stable: 0 % canary proven at NGINX "
        f"(generation {proof.generation}, {proof.took:.2f} s)"
    )
