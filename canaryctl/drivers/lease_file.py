"""The lease on a gateway: taken, renewed, given back, each as one atomic act at the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.errors import GatewayHeld, HostError, Superseded
from canaryctl.core.lease import Lease, Stamped, parse_lease
from canaryctl.drivers.control_file import ENDING as CONTROL
from canaryctl.drivers.nginx_stage import LOCK, LOCK_PATIENCE, MENDING
from canaryctl.drivers.promotion_file import ENDING as PROMOTION
from canaryctl.ports import (
    Absent,
    Expect,
    Glance,
    Host,
    Lock,
    Remove,
    Step,
    Swap,
    Sweep,
    Unlock,
    Write,
)

ENDING = ".lease"
STAGED = (f"{ENDING}.", f"{CONTROL}.", f"{PROMOTION}.", MENDING)
"""What the names of staged files go on with, after that of NGINX's own."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found at a gateway.

    Attributes:
        stamped: the lease; None when there is none, or what is there is not one.
        text: of the file, as it is; None when there is none.
        left: seconds until it runs out; 0 or less: it has, or there is none.
    """

    stamped: Stamped | None
    text: str | None
    left: float

    @property
    def lease(self) -> Lease | None:
        """What the lease says, run out or not."""
        return self.stamped.lease if self.stamped else None


@dataclass(slots=True)
class LeaseFile:
    """The lease beside one NGINX' file.

    Attributes:
        host: where NGINX runs.
        live: absolute path of NGINX's file there.
        token: this process' own, for the name of what it stages.
        unanswered: whether what was written last stands there is not known.
    """

    host: Host
    live: str
    token: str
    unanswered: bool = False
    _mine: str | None = None
    _told: Lease | None = None

    @property
    def path(self) -> str:
        """Where it is."""
        return self.live + ENDING

    def look(self) -> Found:
        """See who holds the gateway.

        Raises:
            HostError: the host cannot be reached.
        """
        return _found(self.host.glance(self.path))

    def take(self, lease: Lease) -> Found:
        """Take the gateway, unless somebody's lease on it still counts.

        Returns what was there before: nothing, or a lease that had run out.

        Raises:
            GatewayHeld: somebody holds it; says who and for how long.
            HostError: the host cannot be reached, or refuses.
        """
        before = self.look()
        if before.left > 0 and before.lease is not None:
            raise held(before.lease, before.left)
        if not self._swapped(self._unchanged(before), lease):
            now = self.look()  # somebody was faster
            if now.lease is None:
                raise HostError(f"{self.path} cannot be taken: it changes all the time")
            raise held(now.lease, now.left)
        return before

    def take_over(self, found: Found, lease: Lease) -> bool:
        """Take the place of what was found; False when something else is there by now.

        Raises:
            HostError: the host cannot be reached, or refuses.
        """
        return self._swapped(self._unchanged(found), lease)

    def renew(self, lease: Lease) -> None:
        """Say that the rollout is still led.

        Raises:
            Superseded: the lease is somebody else's now; nothing was changed.
            HostError: the host cannot be reached.
        """
        known = self._mine
        if known is not None and self._swapped(Expect(self.path, known), lease):
            return
        there = self.host.read(self.path)
        # Ours all the same, where only the answer to an earlier renewal was lost.
        again = there is not None and there != known and self._ours(there)
        if again and self._swapped(Expect(self.path, there or ""), lease):
            return
        raise Superseded(f"the lease on the gateway is lost: {_who(self.look())}")

    def fence(self) -> tuple[Expect, ...]:
        """Give what holds as long as this process leads the gateway; nothing if it never did.

        Raises:
            HostError: the host cannot be reached, and whether the last renewal came about is not
                known.
        """
        if self._told is None:
            return ()
        if self.unanswered:
            self.mine()  # each time: what a host was told may come about later
        # Where it was lost, a text that never is there: without its stamp.
        return (Expect(self.path, self._told.text() if self._mine is None else self._mine),)

    def mine(self) -> bool:
        """Tell whether the gateway is held by this lease, or by nobody.

        Raises:
            HostError: the host cannot be reached.
        """
        text = self.host.read(self.path)
        if self._ours(text):
            # Also where only the answer to a renewal was lost.
            self._mine = text
            return True
        return text is None or parse_lease(text) is None

    def give_back(self) -> None:
        """Free the gateway, if it is this lease's.

        Raises:
            HostError: the host cannot be reached.
        """
        if self._told is None:
            return
        if self._mine is None or not self.free(self._mine):
            there = self.host.read(self.path)
            if self._ours(there):  # only the answer to a renewal was lost
                self.free(there)
        self._mine = self._told = None

    def free(self, text: str | None) -> bool:
        """Take a lease away, if it still is what ``text`` says (None: whatever it is).

        For a guard, and for a rollback by hand. Tells whether there is none any more. What an
        owner had staged who was killed before it came into force goes with it.
        """
        fence: list[Step] = [] if text is None else [Expect(self.path, text)]
        steps: list[Step] = [self._lock, *fence, *self._staged, Remove(self.path), Unlock()]
        return self.host.perform(steps).completed == len(steps)

    def tidy(self) -> None:
        """Take away what owners had staged who were killed before it came into force.

        Whoever is at it holds the lock: then nothing is done.

        Raises:
            HostError: the host cannot be reached.
        """
        self.host.perform([Lock(self.live + LOCK, LOCK_PATIENCE), *self._staged, Unlock()])

    def _unchanged(self, found: Found) -> Step:
        """Hold as long as nothing else is there than what was found."""
        return Absent(self.path) if found.text is None else Expect(self.path, found.text)

    @property
    def _lock(self) -> Lock:
        return Lock(self.live + LOCK, LOCK_PATIENCE, needed=False, instead=self._others)

    @property
    def _others(self) -> Sweep:
        """What anybody staged here: it is only ever made under the lock."""
        return Sweep(f"{self.path}.")

    @property
    def _staged(self) -> tuple[Sweep, ...]:
        """What was staged for any of the files beside NGINX's own."""
        return tuple(Sweep(f"{self.live}{one}") for one in STAGED)

    def _ours(self, text: str | None) -> bool:
        """Tell whether a lease is one that this process wrote."""
        found = parse_lease(text)
        if found is None or self._told is None:
            return False
        there, told = found.lease, self._told
        return (there.rollout, there.owner) == (told.rollout, told.owner)

    def _swapped(self, fence: Step, lease: Lease) -> bool:
        """Write the lease if the fence holds; tells whether it stands there.

        Also when the lock is not to be had: its holder may be an owner who was declared dead,
        asleep in the middle of a change. What they staged is taken away, so they wake too late.
        Of two who go on without it one may be overwritten: each change of weights looks again.
        """
        staged = f"{self.path}.{self.token}"
        steps: list[Step] = [
            self._lock,
            self._others,
            # Before the look, so that who sleeps after it finds nothing staged any more.
            Write(staged, lease.text(), stamped=True),
            fence,
            Swap(staged, self.path),
            Unlock(),
        ]
        self._told, self.unanswered = lease, True
        done = self.host.perform(steps)
        if done.completed == len(steps):
            there = self.host.read(self.path)
            # Another one's, where this process slept until its lease had run out.
            self._mine = there if self._ours(there) else None
            self.unanswered = False
            return self._mine is not None
        self.unanswered = False
        self.host.perform([Remove(staged)])
        if isinstance(steps[done.completed], Expect | Absent):
            return False
        raise HostError(
            f"the lease {self.path} cannot be written: {done.output.strip()}",
            next_step="NGINX's configuration directory must be writable, and have room",
        )


def held(lease: Lease, left: float) -> GatewayHeld:
    """Say who holds a gateway."""
    doing = f", {lease.doing}" if lease.doing else ""
    what, does = ("promotion", "promotes") if lease.promoting else ("rollout", "rolls")
    out = "" if lease.promoting else " out"
    return GatewayHeld(
        f"another {what} holds this gateway: {lease.owner} {does} {lease.release}{out}{doing} "
        f"({what} {lease.rollout}; without a sign of life its lease runs out in {left:.0f} s)",
        next_step="wait for its end, or end it with `canaryctl abort` or `canaryctl rollback`",
    )


def _found(seen: Glance) -> Found:
    stamped = parse_lease(seen.text)
    return Found(stamped, seen.text, stamped.left(seen.moment) if stamped else 0.0)


def _who(now: Found) -> str:
    if now.lease is None:
        return "nobody holds it" if now.text is None else "what is there now is no lease"
    return f"{now.lease.owner} holds it for rollout {now.lease.rollout}"
