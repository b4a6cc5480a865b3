"""What is in force, for the verbs that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canaryctl.core.weight import FULL_HUNDREDTHS, Weight

if TYPE_CHECKING:
    from canaryctl.ports import InForce
    from canaryctl.wiring import Build


def force(build: Build) -> InForce:
    """Ask NGINX.

    Raises:
        TrafficUnknown: the place where it runs cannot be reached, so nothing is known.
    """
    from canaryctl.core.errors import HostError, TrafficUnknown

    try:
        return build.router.look()
    except HostError as error:
        raise TrafficUnknown(str(error), next_step=error.next_step) from error


def stable_share(weight: Weight) -> Weight:
    """Give what the canary leaves to stable."""
    return Weight(FULL_HUNDREDTHS - weight.hundredths)
