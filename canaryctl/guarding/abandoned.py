"""A rollout that nobody leads any more: its traffic goes back to stable, or stays, as it says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from canaryctl.core.errors import CanaryctlError, HostError, Superseded
from canaryctl.core.lease import Lease, OnAbandon, parse_lease
from canaryctl.drivers.lease_file import Found
from canaryctl.guarding.decided import decided
from canaryctl.guarding.replacing import replacing
from canaryctl.guarding.zero import to_zero
from canaryctl.listeners.journal import Journal
from canaryctl.ports import Mark, Proof
from canaryctl.wiring import Build, owner

ATTEMPTS = 3
GUARD = "guard "
"""What the owner of a weight begins with that a guard has set."""
_RUN_OUT = 0.001
"""Seconds: the length of a lease that has run out before anybody can look."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What was done.

    Attributes:
        said: in a sentence.
        proof: of 0 %; None where nothing had to be done, or may be.
        abandoned: it was, and this guard is the one that looks after it: people should know.
    """

    said: str
    proof: Proof | None = None
    abandoned: bool = False


def warm(build: Build) -> None:
    """Have everything imported, connected and looked at: later there is no time."""
    import jinja2.sandbox  # noqa: F401, PLC0415

    with contextlib.suppress(CanaryctlError):
        build.lease.look()
        build.router.look()
        build.router.warm()


def bring_back(build: Build, found: Found, why: str, say: Callable[[str], None]) -> Returned:
    """Return the traffic of an abandoned rollout.

    Whoever does it takes the lease over first. So the rollout's owner, should it wake, changes
    nothing any more, and of two guards one acts.

    Args:
        build: the gateway.
        found: the lease that was found there.
        why: what is known of its owner's end.
        say: told of attempts that failed.

    Raises:
        TrafficUnknown: 0 % could not be proven; the lease stays this guard's until it runs out,
            and it may try again at once.
        GatewayUnreachable: whether somebody decided something else cannot be told.
        HostError: the host cannot be reached.
    """
    lease = found.lease
    if lease is None:
        return Returned("nobody holds the gateway")
    if lease.promoting or replacing(build) is not None:
        return _left_as_it_is(build, found, lease, why)
    if theirs := decided(build, lease):
        return _left_to_them(build, found, lease, f"{why}; {theirs}")
    if lease.on_abandon is OnAbandon.HOLD:
        _readable(build, found, lease)
        said = f"{_about(lease)} is abandoned: {why}; its weights stay (gateway.on_abandon: hold)"
        held = f"{said}: `canaryctl resume` or `canaryctl rollback`"
        return Returned(held, abandoned=True)
    return _to_stable(build, found, lease, why, say)


def _to_stable(
    build: Build, found: Found, lease: Lease, why: str, say: Callable[[str], None]
) -> Returned:
    mine = _own(build, lease, why)
    # One that it took before is not renewed: where it cannot return the traffic, another may try.
    on = found.left > 0 and taken(build, lease)
    if not on and not build.lease.take_over(found, mine):
        return Returned(f"{_about(lease)}: somebody else looks after it")
    stage = str(lease.stage + 1) if lease.stage >= 0 else ""
    share = lease.weight if stage else ""
    mark = Mark(lease.release, lease.rollout, mine.owner, f"guard: {why}", stage, share)
    try:
        proof = to_zero(build, mark, ATTEMPTS, say)
    except Superseded as error:
        return Returned(f"{_about(lease)}: somebody else looks after it ({error})")
    with contextlib.suppress(HostError):
        build.router.tidy(whole=True)
    build.lease.give_back()
    Journal.record_act(build, "guard", mark, proof)
    return Returned(
        f"{_about(lease)} was abandoned: {why}; all traffic is on stable, 0 % proven at NGINX "
        f"(generation {proof.generation}, {proof.took:.2f} s)",
        proof,
        abandoned=True,
    )


def _own(build: Build, lease: Lease, why: str) -> Lease:
    return replace(
        lease,
        owner=f"{GUARD}{owner()}",
        doing=f"returning: {why}",
        beat=lease.beat + 1,
        length=max(lease.length, build.config.gateway.lease),  # one that was let go has none
    )


def _about(lease: Lease) -> str:
    doing = lease.doing or "beginning"
    return f"rollout {lease.rollout} of {lease.owner} ({lease.release}, {doing})"


def taken(build: Build, lease: Lease) -> bool:
    """Tell whether a lease that was found is one that this process took over as a guard.

    Raises:
        HostError: the host cannot be reached.
    """
    return lease.owner.startswith(GUARD) and build.lease.mine()


def silence(lease: Lease) -> str:
    """Say what the end of a lease that has run out tells of its owner."""
    if lease.owner.startswith(GUARD) and lease.length <= _RUN_OUT:
        return f"{lease.owner} let it go"
    return f"no sign of life for {lease.length:g} s"


def let_go(build: Build) -> None:
    """Have the lease that this guard took over run out at once: who comes next need not wait.

    Raises:
        HostError: the host cannot be reached, or refuses.
    """
    found = build.lease.look()
    if found.lease is not None and taken(build, found.lease):
        gone = replace(found.lease, beat=found.lease.beat + 1, length=_RUN_OUT)
        build.lease.take_over(found, gone)


def _left_as_it_is(build: Build, found: Found, lease: Lease, why: str) -> Returned:
    """Leave a promotion's traffic: the canary is proven good, and stable may be half replaced.

    Its lease is made to run out at once, so that another run of it can go on.
    """
    if found.left > 0:
        gone = replace(lease, owner=f"{GUARD}{owner()}", beat=lease.beat + 1, length=_RUN_OUT)
        build.lease.take_over(found, gone)
    return Returned(
        f"the promotion of {lease.release} by {lease.owner} ({lease.doing or 'beginning'}) was "
        f"interrupted: {why}; the weights stay as they are: `canaryctl promote --version "
        f"{lease.release}` goes on",
        abandoned=True,
    )


def _readable(build: Build, found: Found, lease: Lease) -> None:
    """Have the lease of a rollout that is held lie there, as one that has run out.

    Who resumes it has to find it, also where somebody removed it or made it unreadable.
    """
    if parse_lease(found.text) is None:
        build.lease.take_over(found, replace(lease, length=_RUN_OUT))


def _left_to_them(build: Build, found: Found, lease: Lease, why: str) -> Returned:
    """Leave weights that somebody decided since; without its lease nobody takes them for its own.

    Should the rollout's owner wake, they change nothing any more. What they had staged goes.
    """
    if not build.lease.take_over(found, _own(build, lease, why)):
        return Returned(f"{_about(lease)}: somebody else looks after it")
    with contextlib.suppress(HostError):
        build.router.tidy(whole=True)
    build.lease.give_back()
    said = f"{_about(lease)} was abandoned: {why}, which stays; the lease is taken away"
    return Returned(said, abandoned=True)
