"""A rollout's hold on its gateway: the lease, renewed while the rollout gives signs of life."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Protocol

from canaryctl.core.errors import HostError
from canaryctl.core.lease import Lease, OnAbandon
from canaryctl.core.outcome import Outcome
from canaryctl.core.state import State
from canaryctl.drivers.lease_file import LeaseFile
from canaryctl.ports import Clock

RENEWALS = 3
"""In the length of a lease; two of them may fail."""
RETRY = 1.0
"""Seconds until a renewal that failed, or something new to tell, is tried again."""

GIVE_BACK_WITHIN = 15.0
"""Seconds for which giving the gateway back is tried anew while its host cannot be reached."""

_log = logging.getLogger(__name__)


class Guardian(Protocol):
    """Who looks after the traffic when this process dies."""

    def ready(self) -> None:
        """Wait until it is.

        Raises:
            HostError: it cannot be started.
        """
        ...

    def beat(self) -> None:
        """Give a sign of life. Never raises."""
        ...


@dataclass(slots=True)
class GatewayTenure:
    """One rollout's.

    Attributes:
        file: the lease at the gateway.
        lease: what it says; renewed ones say what the rollout does.
        clock: tells when it is time.
        guardian: has to be there before the gateway is taken.
        what: put before what is done, such as ``promotion: ``.
    """

    file: LeaseFile
    lease: Lease
    clock: Clock
    guardian: Guardian
    what: str = ""
    taken: bool = False
    _renewed: float = field(default=0.0, init=False)
    _tried: float = field(default=0.0, init=False)
    _wished: OnAbandon = field(init=False)
    """What a guard is to do, as it was last told, or tried to be."""

    def __post_init__(self) -> None:
        self._wished = self.lease.on_abandon

    def take(self) -> None:
        """See ``Tenure.take``. What was taken already, for a deployment, stays so."""
        if self.taken:
            self.sign(self.lease.doing)
            return
        self.guardian.ready()
        try:
            self.file.take(self.lease)
        except HostError:
            # Perhaps only its answer was lost: then it is to be given back.
            self.taken = self.file.unanswered
            raise
        self.taken = True
        self._renewed = self._tried = self.clock.now()

    def beat(self, doing: str, state: State) -> None:
        """See ``Tenure.beat``."""
        weight = str(state.weight or self.lease.weight)
        doing = f"{self.what}{doing}"
        wanted = replace(self.lease, doing=doing, stage=state.index, weight=weight)
        ending = state.ending
        if ending is not None and ending.outcome is not Outcome.SUCCEEDED:
            # What was decided is not undone by `hold`, which is for a rollout that was cut off.
            wanted = replace(wanted, on_abandon=OnAbandon.ROLLBACK)
        self._renew(wanted)

    def sign(self, doing: str) -> None:
        """Give a sign of life outside of a rollout's stages; as cheap as ``beat``.

        Raises:
            Superseded: the lease is somebody else's now.
        """
        self._renew(replace(self.lease, doing=doing))

    def _renew(self, wanted: Lease) -> None:
        self.guardian.beat()
        if not self.taken:
            return
        now = self.clock.now()
        due = now >= self._renewed + self.lease.length / RENEWALS
        turned = wanted.on_abandon is not self._wished  # that is told at once
        soon = now < self._tried + RETRY and not turned
        if soon or not (due or wanted != self.lease):
            return
        self._tried, self._wished = now, wanted.on_abandon
        new = replace(wanted, beat=self.lease.beat + 1)
        try:
            self.file.renew(new)
        except HostError as error:
            _log.warning("the lease on the gateway could not be renewed: %s", error)
            return
        self.lease, self._renewed = new, now

    def mine(self) -> bool:
        """See ``Tenure.mine``."""
        return self.file.mine()

    def give_back(self) -> None:
        """Free the gateway; what cannot be reached any more runs out by itself."""
        if not self.taken:
            return
        # A guard beside NGINX takes a lease that runs out for a rollout that died, also where it
        # had succeeded: so it is tried for as long as a daemon takes to be restarted.
        deadline = self.clock.now() + GIVE_BACK_WITHIN
        while True:
            self.guardian.beat()  # a silence of a whole lease would be a death
            try:
                self.file.give_back()
            except HostError as error:
                if self.clock.now() >= deadline:
                    _log.warning("the lease on the gateway could not be given back: %s", error)
                    return
                self.clock.sleep(RETRY)
            else:
                self.taken = False
                return
