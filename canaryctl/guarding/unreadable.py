"""A text where the lease should be that is none: cut, edited by hand, or of another version.

It says nothing of who leads a rollout. What NGINX' own file says does.
"""

from __future__ import annotations

from dataclasses import replace

from canaryctl.core.errors import GatewayUnreachable
from canaryctl.core.lease import Lease, Stamped
from canaryctl.core.moment import Moment
from canaryctl.core.weight import Weight
from canaryctl.drivers.lease_file import Found
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
    seen, gateway = build.router.look(), build.config.gateway
    if seen.weight is None:
        raise GatewayUnreachable(seen.problem)
    mark = seen.mark
    if mark is None or not mark.rollout or seen.weight == Weight.ZERO:
        return None
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
    return replace(found, stamped=Stamped(lease, Moment("", 0.0)))
