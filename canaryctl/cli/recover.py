"""``canaryctl recover``: any gateway, whatever became of it, into a proven state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.ports import InForce, Proof
    from canaryctl.wiring import Build

ATTEMPTS = 3


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("recover")(recover)


def recover(
    ctx: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Also when a rollout still leads this gateway.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Bring the gateway into a proven state: as it is, if that is sound, else 0 %.

    What is at rest and proven is left alone. A rollout that still leads the gateway is not
    disturbed (exit 5).
    """
    from canaryctl.drivers.lease_file import held
    from canaryctl.guarding.replacing import refuse_while_replacing
    from canaryctl.guarding.zero import to_zero
    from canaryctl.listeners.journal import Journal
    from canaryctl.ports import Mark
    from canaryctl.wiring import owner

    build = context(ctx).build()
    found = build.lease.look()
    if found.lease is not None and found.left > 0 and not force:
        raise held(found.lease, found.left)
    refuse_while_replacing(build, forced="canaryctl rollback --force")
    why = _wrong(build.router.look(), abandoned=found.text is not None) or _refused(build)
    proof: Proof | None = None
    if why:
        mark = Mark(owner=owner(), reason=f"recover: {why}")
        proof = to_zero(build, mark, ATTEMPTS, lambda text: typer.echo(text, err=True))
        Journal.record_act(build, "recover", mark, proof)
    if found.text is not None:
        build.lease.free(found.text)
    _tell(build, why, proof, output)


def _wrong(seen: InForce, *, abandoned: bool) -> str:
    """Say what is not sound; empty: nothing."""
    if abandoned:
        return "a rollout was abandoned"
    if seen.generation is None:
        return seen.problem or "NGINX does not answer"
    if seen.on_disk is None:
        return "canaryctl's file is gone, or is not canaryctl's any more"
    if seen.generation != seen.on_disk:
        return f"generation {seen.on_disk} is on disk, {seen.generation} is in force"
    if seen.mark is not None and seen.mark.rollout and seen.weight is not None:
        from canaryctl.core.weight import Weight

        if Weight.ZERO < seen.weight < Weight.FULL:
            return f"rollout {seen.mark.rollout} left {seen.weight} % behind"
    return ""


def _refused(build: Build) -> str:
    """Say when NGINX would not start with what it has; empty: it would."""
    from canaryctl.ports import Run

    tested = build.host.perform([Run(("-t", "-q"))])
    said = tested.output.strip().splitlines()
    return "" if tested.completed else f"NGINX refuses its configuration: {''.join(said[:1])}"


def _tell(build: Build, why: str, proof: Proof | None, output: Output) -> None:
    seen = build.router.look()
    if output is Output.JSON:
        said = {
            "event": "recovered",
            "was": why,
            "weight": float(str(seen.weight)) if seen.weight is not None else None,
            "generation": seen.generation,
            "changed": proof is not None,
        }
        typer.echo(json.dumps(said))
    elif proof is None:
        typer.echo(
            f"nothing to recover: canary {seen.weight} %, proven at NGINX "
            f"(generation {seen.generation})"
        )
    else:
        typer.echo(
            f"recovered ({why}): all traffic is on stable, 0 % canary proven at NGINX "
            f"(generation {proof.generation}, {proof.took:.2f} s)"
        )
