"""A gateway that a rollout holds: free before, looked after meanwhile, given back at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from canaryctl.core.state import State
    from canaryctl.drivers.tenure import GatewayTenure
    from canaryctl.guarding.start import GuardProcess
    from canaryctl.ports import Listener
    from canaryctl.wiring import Build


def free(build: Build) -> None:
    """Say at once who leads a rollout here; what cannot be seen now the preflight will tell.

    Raises:
        GatewayHeld: somebody does.
        StableReplaced: a promotion was interrupted while it replaced stable.
        PromotionUnfinished: one was interrupted after that.
    """
    from canaryctl.core.errors import HostError
    from canaryctl.drivers.lease_file import held
    from canaryctl.guarding.replacing import refuse_while_unfinished

    with contextlib.suppress(HostError):
        found = build.lease.look()
        if found.lease is not None and found.left > 0:
            raise held(found.lease, found.left)
        refuse_while_unfinished(build)


@contextlib.contextmanager
def closing(listeners: Sequence[Listener]) -> Iterator[None]:
    """Close those listeners that hold something open, at the end."""
    try:
        yield
    finally:
        for listener in listeners:
            close = getattr(listener, "close", None)
            if close is not None:
                close()


@contextlib.contextmanager
def guarded(guard: GuardProcess, tenure: GatewayTenure) -> Iterator[list[State]]:
    """Have the rollout's traffic looked after, whatever becomes of this process.

    The state that the rollout ended in goes into what is given. Where there is none, or traffic
    is not proven, the lease stays and the guard takes over.
    """
    from canaryctl.core.outcome import Outcome

    ended: list[State] = []
    guard.start()
    try:
        yield ended
    finally:
        ending = ended[0].ending if ended else None
        if ending is not None and ending.outcome is not Outcome.UNKNOWN:
            guard.leaving()
            tenure.give_back()
            guard.done()
        elif tenure.taken:
            guard.abandon()
        else:
            guard.done()
