"""``canaryctl rollback``: all traffic back on stable, proven."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.wiring import Build

ATTEMPTS = 3


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("rollback")(rollback)


def rollback(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; written beside the weights.")] = "by hand",
    force: Annotated[
        bool, typer.Option("--force", help="Also while a promotion is replacing stable.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Send all traffic back to stable now, and prove it. A running rollout notices and ends."""
    from canaryctl.cli.flags import sentence
    from canaryctl.core.errors import HostError
    from canaryctl.guarding.replacing import refuse_while_replacing
    from canaryctl.guarding.zero import to_zero
    from canaryctl.listeners.journal import Journal
    from canaryctl.ports import Mark
    from canaryctl.wiring import owner

    said = f"rollback: {sentence('--reason', reason)}"
    build = context(ctx).build()
    mark = Mark(owner=owner(), reason=said)
    if not force:
        with contextlib.suppress(HostError):  # what cannot be reached is told by the change
            refuse_while_replacing(build, forced="canaryctl rollback --force")
    proof = to_zero(build, mark, ATTEMPTS, lambda text: typer.echo(text, err=True))
    with contextlib.suppress(HostError):
        build.lease.free(None)  # whoever led a rollout here leads none any more
        _forget(build)
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


def _forget(build: Build) -> None:
    """Take the record of a promotion away that has nothing more to do: its canary lost its traffic.

    One that has given the traffic back to stable stays: the canary is still to be removed.
    """
    from canaryctl.core.promotion import Phase

    record = build.promotion.look()
    if record is not None and record.phase in (Phase.WATCHING, Phase.REPLACING):
        build.promotion.clear()
