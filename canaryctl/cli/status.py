"""``canaryctl status``: what the gateway really does, and how the last rollout ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canaryctl.cli.context import Output, context

if TYPE_CHECKING:
    from canaryctl.core.promotion_record import Record
    from canaryctl.drivers.lease_file import Found
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
    found = build.lease.look()
    held = _leader(found)
    past = last(build.gateway)
    promotion = build.promotion.look()
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
        "lease": _lease(found),
        "abandoned": found.lease is not None and found.left <= 0,
        "lease_broken": found.lease is None and found.text is not None,
        "promotion": _promotion(promotion) if promotion else None,
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


def _leader(found: Found) -> str | None:
    """Say who leads a rollout here, as the gateway tells, on whatever machine."""
    lease = found.lease
    if lease is None or found.left <= 0:
        return None
    return f"{lease.owner}: {lease.release}, {lease.doing or 'beginning'}"


def _lease(found: Found) -> dict[str, Any] | None:
    lease = found.lease
    if lease is None:
        return None
    return {
        "rollout": lease.rollout,
        "owner": lease.owner,
        "release": lease.release,
        "doing": lease.doing,
        "left": round(found.left, 1),
        "on_abandon": str(lease.on_abandon),
    }


def _what(past: dict[str, Any]) -> str:
    return str(past["outcome"] if past["kind"] == "rollout" else past["kind"])


def _promotion(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "release": record.release,
        "before": record.before,
        "phase": str(record.phase),
        "owner": record.owner,
        "approvals": dict(record.approvals),
    }


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
    lines.append(f"  running     {said['running'] or 'no rollout'}")
    if lease := said["lease"]:
        left = lease["left"]
        if left > 0:
            how = f"counts for another {left:g} s"
        else:
            how = f"ran out: abandoned ({lease['doing'] or 'before its first stage'})"
        lines.append(f"  lease       of rollout {lease['rollout']} {how}")
    if promotion := said["promotion"]:
        given = ", ".join(sorted(promotion["approvals"]))
        lines.append(
            f"  promotion   of {promotion['release']}: {promotion['phase']}"
            + (f", approved by {given}" if given else "")
            + ("" if said["running"] else ": interrupted; `canaryctl promote` goes on")
        )
    if said["lease_broken"]:
        lines.append("  lease       is there, and cannot be read: `canaryctl recover`")
    if said["unattended"]:
        lines.append(
            f"  unattended  nobody judges these {said['canary']:g} %: `canaryctl resume`, or "
            "`canaryctl rollback`"
        )
    if past := said["last"]:
        lines.append(
            f"  last        {' '.join(filter(None, (past['release'], _what(past))))} "
            f"at {past['ended_at']}: {past['reason']}"
        )
    return lines
