"""Weights that somebody decided since a rollout was abandoned: a guard does not undo them."""

from __future__ import annotations

from canaryctl.core.errors import GatewayUnreachable
from canaryctl.core.lease import Lease
from canaryctl.core.weight import Weight
from canaryctl.drivers.template import intact, parse_header
from canaryctl.wiring import Build


def decided(build: Build, lease: Lease) -> str:
    """Say whose weights are in force; empty: this rollout's, or nobody decided them.

    Those of a person count, whatever they are: stable may be down. So does what another rollout
    ended with; but not what one has left behind in its middle, which was abandoned too.

    Args:
        build: the gateway.
        lease: of the rollout that nobody leads any more.

    Raises:
        GatewayUnreachable: somebody decided, and NGINX does not tell whether that is in force.
        HostError: the host cannot be reached.
    """
    text = build.host.read(build.config.gateway.config)
    state = parse_header(text) or {}
    rollout = state.get("rollout", "")
    if not intact(text) or rollout == lease.rollout:
        return ""
    seen = build.router.look()
    if seen.weight is None:
        raise GatewayUnreachable(
            f"{seen.problem}; so it cannot be told whether the weights there are in force, which "
            f"are not of rollout {lease.rollout}",
            next_step="look at NGINX itself: does it run?",
        )
    if seen.generation != state["generation"]:
        return ""  # a change that was never finished
    if rollout and Weight.ZERO < seen.weight < Weight.FULL:
        return ""
    who = state.get("owner") or "somebody"
    of = f" for rollout {rollout}" if rollout else ""
    return f"{who} set {seen.weight} %{of} ({state.get('reason') or 'no reason given'})"
