"""``canaryctl status``: what the gateway really does, and how the last rollout ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.ports import InForce


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("status")(status)


def status(
    ctx: typer.Context,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TEXT,
) -> None:
    """Show the gateway's real state, its generation, its owner and the last outcome."""
    from canaryctl.cli.seen import force, stable_share
    from canaryctl.core.errors import TrafficUnknown
    from canaryctl.listeners.journal import last

    build = context(ctx).build()
    seen = force(build)
    held = build.locks.holder()
    past = last(build.gateway)
    mark = seen.mark
    said: dict[str, Any] = {
        "service": build.config.service,
        "gateway": build.host.describe(),
        "proven": seen.generation is not None,
        "stable": float(str(stable_share(seen.weight))) if seen.weight is not None else None,
        "canary": float(str(seen.weight)) if seen.weight is not None else None,
        "generation": seen.generation,
        "generation_on_disk": seen.on_disk,
        "drift": seen.generation is not None and seen.on_disk != seen.generation,
        "unattended": _unattended(seen, held),
        "release": mark.release if mark else "",
        "rollout": mark.rollout if mark else "",
        "owner": mark.owner if mark else "",
        "reason": mark.reason if mark else "",
        "running": held,
        "last": past,
        "problem": seen.problem,
    }
    if output is Output.JSON:
        typer.echo(json.dumps(said))
    else:
        for line in _lines(said):
            typer.echo(line)
    if seen.generation is None:
        fresh = seen.on_disk is None
        step = "`canaryctl weights set 0` brings a new gateway into force"
        raise TrafficUnknown(
            seen.problem,
            next_step=step if fresh else "look at NGINX; `canaryctl rollback` proves 0 %",
        )


def _unattended(seen: InForce, held: str | None) -> bool:
    """Tell whether a rollout left the canary with traffic that nobody judges any more."""
    if seen.mark is None or not seen.mark.rollout or held is not None:
        return False
    from canaryctl.core.weight import Weight

    return seen.weight is not None and Weight.ZERO < seen.weight < Weight.FULL


def _lines(said: dict[str, Any]) -> list[str]:
    lines = [f"{said['service']} at {said['gateway']}"]
    if said["proven"]:
        lines.append(
            f"  weights     stable {said['stable']:g} %, canary {said['canary']:g} % "
            f"(generation {said['generation']}, as NGINX answers)"
        )
    else:
        lines.append("  weights     unknown: NGINX does not answer with a generation")
    if said["drift"]:
        lines.append(
            f"  drift       generation {said['generation_on_disk']} is on disk, not in force"
        )
    shown = ("release", "rollout", "owner", "reason")
    lines.extend(f"  {key:<11} {said[key]}" for key in shown if said[key])
    lines.append(f"  running     {said['running'] or 'no rollout on this machine'}")
    if said["unattended"]:
        lines.append(
            f"  unattended  nobody on this machine judges these {said['canary']:g} %: "
            "`canaryctl rollback`, unless the rollout runs on another machine"
        )
    if past := said["last"]:
        lines.append(
            f"  last        {' '.join(filter(None, (past['release'], past['outcome'])))} "
            f"at {past['ended_at']}: {past['reason']}"
        )
    return lines
