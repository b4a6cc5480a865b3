"""Stable that is being replaced may get no traffic: not by hand, not by a guard."""

from __future__ import annotations

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.promotion_record import Record
from canaryctl.wiring import Build


class StableReplaced(CanaryctlError):
    """A promotion is replacing stable, or was interrupted while it did; nothing was changed."""

    exit_code = 4


def replacing(build: Build) -> Record | None:
    """Give the promotion that is replacing stable, led by somebody or not; None: none is.

    Raises:
        HostError: the host cannot be reached.
    """
    record = build.promotion.look()
    return record if record is not None and not record.phase.stable_can_serve else None


def refuse_while_replacing(build: Build, *, forced: str = "") -> None:
    """Refuse what would send traffic to a stable that is being replaced.

    Args:
        build: the gateway.
        forced: the command that does it all the same; empty: there is none.

    Raises:
        StableReplaced: a promotion is replacing it.
        HostError: the host cannot be reached.
    """
    record = replacing(build)
    if record is None:
        return
    found = build.lease.look()
    led = found.lease is not None and found.left > 0
    who = f"led by {found.lease.owner}" if led and found.lease else "interrupted"
    other = f"; all the same: `{forced}`" if forced else ""
    raise StableReplaced(
        f"stable is being replaced by {record.release} (promotion {record.id}, {who}): its "
        "containers may be down, or be anything. All traffic is on the canary, which was proven "
        "good; nothing was changed",
        next_step=f"`canaryctl promote --version {record.release}` goes on and proves stable"
        + other,
    )
