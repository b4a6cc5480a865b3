"""A rollout died: what its own guard does then, for a bounded time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.lease import OnAbandon
from canaryctl.core.notice import Notice, Occasion
from canaryctl.drivers.lease_file import Found
from canaryctl.guarding.abandoned import bring_back, taken
from canaryctl.guarding.notices import notice
from canaryctl.guarding.stuck import Owner
from canaryctl.guarding.unforeseen import summary, told
from canaryctl.guarding.unreadable import told_by_the_weights, told_without_a_lease
from canaryctl.wiring import Build

ATTEMPTS = 20
PAUSE = 3.0
"""Seconds between two rounds while 0 % cannot be proven. After the last one its lease is left to
run out, which a guard beside NGINX sees."""


@dataclass(frozen=True, slots=True)
class Death:
    """What is known of a rollout's death.

    Attributes:
        why: how it died.
        leaving: it was about to give the gateway back, having ended.
        undone: tells whether something was heard of it since, where it had only been silent.
    """

    why: str
    leaving: bool = False
    undone: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class About:
    """Whom a guard looks after.

    Attributes:
        rollout: its id.
        promoting: it is a promotion, whose traffic stays where it is.
    """

    rollout: str
    promoting: bool = False


def look_after(
    build: Build,
    about: About,
    death: Death,
    owner: Owner | None,
    say: Callable[[str], None],
    tell: Callable[[Notice], None],
) -> bool:
    """Return the traffic of a rollout that died, if it still is that rollout's.

    Never raises for what the world does, nor for a defect: nobody else is left on this machine.
    Tells whether this is done or given up; not where the rollout turned out to live.

    Args:
        build: the gateway.
        about: whose.
        death: of the rollout.
        owner: its process, where there still is one.
        say: told what happens.
        tell: has people told.
    """
    for attempt in range(ATTEMPTS):
        if attempt:
            build.clock.sleep(PAUSE)
        _end_if_stuck(build, owner, say)
        try:
            there = build.lease.look()
            # Asked after that look: where no lease is left, its word of that came before.
            if not _took_over(build, there) and death.undone():
                return False
            found = _left(build, about, there, death)
            if found is None:
                # It had ended, or its traffic is another one's now. It may have been checking.
                _tidy(build)
                return True
            done = bring_back(build, found, death.why, say)
        except Exception as error:  # noqa: BLE001  it is tried on, whatever it was
            say(told(error))
            if not attempt:  # a person should look at once
                tell(notice(build, Occasion.UNPROVEN, f"{summary(error)}; it is tried again"))
            continue
        say(done.said)
        if done.abandoned:
            tell(notice(build, Occasion.ABANDONED, done.said))
        return True
    return True


def _took_over(build: Build, there: Found) -> bool:
    """Tell whether this guard leads already: then it goes on, whoever is heard again."""
    return there.lease is not None and taken(build, there.lease)


def _left(build: Build, about: About, there: Found, death: Death) -> Found | None:
    """Give the lease that the rollout left; None: the gateway is not its own any more.

    Without a lease that can be read it need not have ended, unless it was about to give it back:
    there the weights tell whose they are.

    Raises:
        GatewayUnreachable: only the weights could tell, and NGINX does not answer.
        HostError: the host cannot be reached.
    """
    found: Found | None = there
    if there.text is None:
        found = None if death.leaving else told_without_a_lease(build, about.rollout)
    elif there.lease is None:
        found = told_by_the_weights(build, there)
    if found is None or found.lease is None or found.lease.rollout != about.rollout:
        return None
    return _as_promotion(found) if about.promoting else found


def _as_promotion(found: Found) -> Found:
    """Give what was found as a promotion's, which the weights cannot tell."""
    assert found.stamped is not None  # noqa: S101  the caller looked
    lease = replace(found.stamped.lease, promoting=True)
    return replace(found, stamped=replace(found.stamped, lease=lease))


def _tidy(build: Build) -> None:
    """Take away what the rollout was about to put at the gateway when it was killed."""
    with contextlib.suppress(CanaryctlError):
        build.router.tidy(whole=False)
    with contextlib.suppress(CanaryctlError):
        build.lease.tidy()


def _end_if_stuck(build: Build, owner: Owner | None, say: Callable[[str], None]) -> None:
    """End a process that sleeps amid a change; what stays in the way keeps no traffic away."""
    if owner is None or build.config.gateway.on_abandon is OnAbandon.HOLD:
        return
    try:
        if owner.end_if_stuck(build):
            say(f"process {owner.pid} slept in the middle of a change and was ended")
    except Exception as error:  # noqa: BLE001  the traffic comes first
        say(told(error))
