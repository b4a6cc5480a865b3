"""``canaryctl weights`` and ``canaryctl weights set N``."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Annotated

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.wiring import Build


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    group.callback()(show)
    group.command("set")(set_)
    app.add_typer(group, name="weights", help="Show the weights in force, or set them by hand.")


def show(
    ctx: typer.Context,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Show the weights that NGINX answers with."""
    if ctx.invoked_subcommand is not None:
        return
    from canaryctl.cli.seen import force, stable_share
    from canaryctl.core.errors import TrafficUnknown

    build = context(ctx).build()
    seen = force(build)
    if seen.generation is None or seen.weight is None:
        raise TrafficUnknown(
            seen.problem, next_step="`canaryctl weights set 0` proves all on stable"
        )
    if output is Output.JSON:
        said = {
            "stable": float(str(stable_share(seen.weight))),
            "canary": float(str(seen.weight)),
            "generation": seen.generation,
        }
        typer.echo(json.dumps(said))
        return
    typer.echo(
        f"stable {stable_share(seen.weight)} %, canary {seen.weight} % "
        f"(proven at NGINX: generation {seen.generation})"
    )


def set_(
    ctx: typer.Context,
    weight: Annotated[str, typer.Argument(help="The canary's percentage, 0 to 100, down to 0.01.")],
    reason: Annotated[str, typer.Option(help="Written beside the weights.")] = "set by hand",
    release: Annotated[str, typer.Option("--version", help="The canary's release.")] = "",
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Set the canary's weight by hand, and prove it."""
    from canaryctl.cli.flags import release_of, sentence, weight_of
    from canaryctl.cli.seen import stable_share
    from canaryctl.core.errors import HostError
    from canaryctl.drivers.lease_file import held
    from canaryctl.guarding.replacing import refuse_while_replacing
    from canaryctl.listeners.journal import Journal
    from canaryctl.ports import Mark
    from canaryctl.wiring import owner

    wanted = weight_of("N", weight)
    mark = Mark(release_of(release) if release else "", "", owner(), sentence("--reason", reason))
    build = context(ctx).build()
    found = build.lease.look()
    if found.lease is not None and found.left > 0:
        raise held(found.lease, found.left)
    refuse_while_replacing(build, forced="canaryctl rollback --force")
    if output is Output.TEXT:
        typer.echo(f"setting the canary to {wanted} % at {build.host.describe()} …")
    _answering(build)
    proof = build.router.set(wanted, mark, None)
    if found.lease is not None:  # it has run out: whoever led a rollout leads none any more
        with contextlib.suppress(HostError):
            build.lease.free(found.text)
    Journal.record_act(build, "weights set", mark, proof)
    if output is Output.JSON:
        said = {
            "event": "weight",
            "weight": float(str(proof.weight)),
            "generation": proof.generation,
            "took": round(proof.took, 3),
        }
        typer.echo(json.dumps(said))
        return
    typer.echo(
        f"stable {stable_share(wanted)} %, canary {wanted} %: "
        f"proven at NGINX (generation {proof.generation}, {proof.took:.2f} s)"
    )


def _answering(build: Build) -> None:
    """Refuse to change what could not be proven: its file is there, its listener is not.

    Only for this verb. A rollback changes first, since any chance of 0 % is better than none.

    Raises:
        GatewayUnreachable: nothing was changed.
    """
    from canaryctl.core.errors import GatewayUnreachable

    seen = build.router.look()
    if seen.generation is None and seen.on_disk is not None:
        raise GatewayUnreachable(
            f"{seen.problem}; nothing was changed",
            next_step="check that NGINX runs and gateway.verify is its published control port",
        )
