"""Stable that is being replaced may get no traffic: not by hand, not by a guard.

And no rollout begins before a promotion that has replaced stable is finished.
"""

from __future__ import annotations

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.promotion import Phase
from canaryctl.core.promotion_record import Record
from canaryctl.wiring import Build


class StableReplaced(CanaryctlError):
    """A promotion is replacing stable, or was interrupted while it did; nothing was changed."""

    exit_code = 4


class PromotionUnfinished(CanaryctlError):
    """A promotion was interrupted after it had replaced stable; nothing was changed."""

    exit_code = 4


_LEFT = {
    Phase.RETURNING: "before all traffic was back on stable",
    Phase.CLEARING: "before the canary's containers were removed and its line was in the log",
}
"""What is still to be done in a phase in which stable can serve already."""


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


def refuse_while_unfinished(build: Build) -> None:
    """Refuse what begins anew where a promotion is still to be finished.

    Raises:
        StableReplaced: a promotion is replacing stable.
        PromotionUnfinished: it has replaced it, and was interrupted after that.
        HostError: the host cannot be reached.
    """
    refuse_while_replacing(build)
    record = build.promotion.look()
    if record is None or record.phase not in _LEFT:
        return
    raise PromotionUnfinished(
        f"the promotion of {record.release} is not finished (promotion {record.id}, "
        f"{record.phase}): it was interrupted {_LEFT[record.phase]}; nothing was changed",
        next_step=f"`canaryctl promote --version {record.release}` finishes it",
    )
