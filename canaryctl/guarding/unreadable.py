"""A text where the lease should be that is none, or no text: cut, edited or removed by hand.

It says nothing of who leads a rollout. What NGINX' own file says does.
"""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.errors import GatewayUnreachable
from canaryctl.core.lease import Lease, Stamped
from canaryctl.core.moment import Moment
from canaryctl.core.weight import Weight
from canaryctl.drivers.lease_file import Found
from canaryctl.ports import InForce, Mark
from canaryctl.wiring import Build


def told_by_the_weights(build: Build, found: Found) -> Found | None:
    """Give the lease, run out, of the rollout whose canary has traffic; None: none's has.

    Who takes it over takes the place of the text that was found, as long as it is that.

    Args:
        build: the gateway.
        found: what lies there, and is no lease.

    Raises:
        GatewayUnreachable: NGINX does not answer.
        HostError: the host cannot be reached.
    """
    seen = build.router.look()
    if seen.weight is None:
        raise GatewayUnreachable(seen.problem)
    if seen.mark is None or not seen.mark.rollout or _at_rest(seen):
        return None
    return replace(found, stamped=_run_out(build, seen))


def told_without_a_lease(build: Build, rollout: str) -> Found | None:
    """Give the lease, run out, of a rollout that died without one; None: no traffic is its own.

    It had not ended: somebody else removed its lease.

    Args:
        build: the gateway.
        rollout: its id.

    Raises:
        GatewayUnreachable: the weights in NGINX' file are the rollout's, and NGINX does not answer.
        HostError: the host cannot be reached.
    """
    seen = build.router.look()
    mark = seen.mark
    if mark is None:
        # The file is gone too: of what is in force only this much is known, that somebody who
        # led here until now wanted it. At 0 % nothing is lost.
        mark = None if seen.weight in (None, Weight.ZERO) else Mark(rollout=rollout)
    if mark is None or mark.rollout != rollout:
        return None
    if seen.weight is None:
        raise GatewayUnreachable(seen.problem)
    if _at_rest(seen):
        return None
    return Found(_run_out(build, replace(seen, mark=mark)), None, 0.0)


def _at_rest(seen: InForce) -> bool:
    """Tell whether the canary has no traffic, nor is about to get some.

    What lies on disk may be a change that NGINX takes up in this moment.
    """
    on_disk, _, _ = (seen.on_disk or "").partition(" ")  # whether edited by hand
    return seen.weight == Weight.ZERO and seen.generation == on_disk


def _run_out(build: Build, seen: InForce) -> Stamped:
    """Give the lease that belongs to the weights in force."""
    mark, gateway = seen.mark or Mark(), build.config.gateway
    lease = Lease(
        rollout=mark.rollout,
        owner=mark.owner,
        release=mark.release,
        length=gateway.lease,
        doing=f"{seen.weight} %",
        stage=int(mark.stage) - 1 if mark.stage.isdecimal() else -1,
        weight=str(seen.weight),
        on_abandon=gateway.on_abandon,
    )
    return Stamped(lease, Moment("", 0.0))
