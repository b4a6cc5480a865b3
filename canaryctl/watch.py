"""What is looked at between two evaluations: is the gateway still this rollout's, as it set it?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from canaryctl.core.breaker import Breaker, BreakerPolicy, Circuit, half_open, seen
from canaryctl.core.control import Answer, Verb
from canaryctl.core.errors import GatewayUnreachable, HostError, Superseded
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    Drifted,
    Event,
    GatewaySilent,
    Hooked,
    Interrupted,
    Overtaken,
)
from canaryctl.core.generation import number
from canaryctl.core.phases.controls import where
from canaryctl.core.plan import Ask
from canaryctl.core.state import Phase, State
from canaryctl.ports import Asking, Clock, Controls, Counting, InForce, Mark, Router, Tenure

EVERY = 1.0
"""Seconds between two readings of the generation in force, and of the desk."""
SETTLE = 2.0
"""Seconds that somebody else's change may take until it is in force."""
_POLL = 0.05

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watch:
    """Looks after a gateway while a rollout waits.

    Attributes:
        stopped: gives who asked to stop, None while nobody has.
        tenure: the hold on the gateway; None where it is not kept, as in a test.
        controls: where people ask; None where nobody can.
        attempts: NGINX's own counts, None where they are not kept.
        breaking: when the circuit breaker opens; None: there is none.
        mark: what is written beside the weights: whose they are.
        hooks: runs the hooks that are gates; None: there are none.
    """

    router: Router
    clock: Clock
    mark: Mark
    stopped: Callable[[], str | None]
    tenure: Tenure | None = None
    controls: Controls | None = None
    attempts: Counting | None = None
    breaking: BreakerPolicy | None = None
    hooks: Asking | None = None
    _breaker: Breaker = field(default_factory=Breaker, init=False)
    _watched: float = field(default=0.0, init=False)
    _drifted: float = field(default=0.0, init=False)
    _silent: float | None = field(default=None, init=False)
    _answered: dict[str, Answer] = field(default_factory=dict, init=False)

    def tick(self, state: State) -> Event | None:
        """Look at what a moment can change; cheap. None: go on."""
        now = self.clock.now()
        if by := self.stopped():
            return Interrupted(now, by)
        if (lost := self.alive(state)) is not None:
            return lost
        if (said := self.hooked(state)) is not None:
            return said
        if now - self._watched < EVERY:
            return None
        self._watched = now
        return self._looked(state)

    def _looked(self, state: State) -> Event | None:
        found = self.gateway(state)
        if isinstance(found, GatewaySilent):
            # It must not hide that the canary fails, or that somebody wants an end of this.
            return self.broken(state) or self._asked(Verb.ABORT) or found
        return found or self.broken(state) or self._asked()

    def before_evaluation(self, state: State) -> Event | None:
        """Look at what would make an evaluation useless. None: there is nothing."""
        found = self.gateway(state)
        if isinstance(found, GatewaySilent):
            return self.broken(state) or found
        return found or self.drift(state.plan.interval) or self.broken(state)

    def hooked(self, state: State) -> Event | None:
        """See how the hooks ended that are waited for; those of another state are ended."""
        results = None if self.hooks is None else self.hooks.look(state)
        if results is None or state.asking is None:
            return None
        assert isinstance(state.asking.what, Ask)  # noqa: S101  it asks hooks
        return Hooked(self.clock.now(), state.asking.what.moment, results)

    def alive(self, state: State) -> Event | None:
        """Give a sign of life; an event when the gateway is somebody else's."""
        if self.tenure is None:
            return None
        try:
            self.tenure.beat(where(state), state)
        except Superseded as error:
            return self.overtaken(str(error))
        return None

    def broken(self, state: State) -> Event | None:
        """See what NGINX saw of the canary; an event when the circuit breaker moves."""
        if self.breaking is None or self.attempts is None:
            return None
        if state.phase not in (Phase.OBSERVING, Phase.TESTING):
            return None
        now, before = self.clock.now(), self._breaker
        new = self.attempts.watch()
        if state.phase is Phase.TESTING and before.circuit is Circuit.OPEN:
            # What came in until now began before the test's weight was proven.
            self._breaker = half_open(self.breaking, before, now)
            return None
        self._breaker = seen(self.breaking, before, new, now)
        if self._breaker.circuit is before.circuit:
            return None
        if self._breaker.circuit is Circuit.CLOSED:
            self.attempts.read()  # it spans the time without traffic, and would speak of that
        return BreakerMoved(now, self._breaker, self.breaking.weight(state.stage.weight))

    def gateway(self, state: State) -> Event | None:
        """Read the generation in force; None when it is this rollout's."""
        try:
            there = self.router.generation()
        except GatewayUnreachable as error:
            now = self.clock.now()
            self._silent = now if self._silent is None else self._silent
            return self._gone() or GatewaySilent(now, str(error))
        self._silent = None
        if there == state.generation:
            return None
        return self.overtaken("", than=state.generation)

    def silence(self) -> float:
        """Tell for how many seconds the gateway has not answered; 0 while it does."""
        return 0.0 if self._silent is None else self.clock.now() - self._silent

    def drift(self, interval: float) -> Event | None:
        """Compare what is on disk, and behind names, with what was set; at most each interval."""
        now = self.clock.now()
        if now - self._drifted < interval:
            return None
        self._drifted = now
        return self._gone()

    def _gone(self) -> Event | None:
        try:
            what = self.router.drift()
        except HostError as error:
            _log.info("drift cannot be looked for: %s", error)
            return None
        return Drifted(self.clock.now(), what) if what else None

    def decided(self, than: str) -> Event | None:
        """See whether somebody has set weights since ``than``; an event when they have.

        What drifted is set again, and that may never take back a rollback that was just proven.

        Raises:
            HostError: the host cannot be reached.
        """
        there = self.router.look()
        theirs = there.mark is not None and there.mark.rollout != self.mark.rollout
        if theirs and number(there.on_disk) > number(than):
            return self.overtaken("", than=than)
        return None

    def overtaken(self, said: str, than: str = "") -> Event:
        """Tell who changed the weights and why, from what is on the gateway.

        Args:
            said: what is known already.
            than: the generation that this rollout set; an older one is nobody's decision.
        """
        try:
            found = self._settled()
        except HostError as error:
            return Overtaken(self.clock.now(), None, f"{said or 'the weights changed'} ({error})")
        if found.mark is None:
            by = "a configuration that is not canaryctl's is in force"
            return self._foreign(found, said or by, than)
        if than and number(found.generation) < number(than):
            by = f"generation {found.generation} is in force again, which is older than {than}"
            return Drifted(self.clock.now(), by)
        if found.mark.owner == self.mark.owner:
            # Only the lease is lost; the weights are still the ones that this rollout set.
            return Overtaken(self.clock.now(), None, said or "the hold on the gateway is lost")
        by = f"{found.mark.owner or 'somebody'} set {found.weight} %: {found.mark.reason}"
        return Overtaken(self.clock.now(), found.weight, by)

    def _foreign(self, found: InForce, by: str, than: str) -> Event:
        now = self.clock.now()
        return Drifted(now, by) if than else Overtaken(now, found.weight, by)

    def _settled(self) -> InForce:
        """Look until what is in force is what is on disk: a change may be under way."""
        deadline = self.clock.now() + SETTLE
        seen = self.router.look()
        while seen.generation != seen.on_disk and self.clock.now() < deadline:
            self.clock.sleep(_POLL)
            seen = self.router.look()
        return seen

    def _asked(self, only: Verb | None = None) -> Event | None:
        """See what is asked; ``only`` that, where the rest may need a weight that is proven."""
        if self.controls is None:
            return None
        try:
            requests = self.controls.read().requests
        except HostError as error:
            _log.info("the desk cannot be read: %s", error)
            return None
        for one in requests:
            if one.rollout != self.mark.rollout:
                continue
            if (said := self._answered.get(one.id)) is not None:
                # Its answer could not be written. What was asked once is not done twice.
                self.answer(said)
                continue
            if only is not None and one.verb is not only:
                continue  # whoever asks waits, or withdraws it
            now, self._watched = self.clock.now(), 0.0  # others may ask at the same time
            return Controlled(now, one.verb, one.id, one.who, one.why, one.role)
        return None

    def answer(self, answer: Answer) -> None:
        """Answer what was asked."""
        if self.controls is None:
            return
        self._answered[answer.request] = answer
        try:
            self.controls.answer(answer)
        except HostError as error:
            _log.warning("a request cannot be answered: %s", error)

    def close(self, said: str) -> None:
        """Tell whoever still asks that the rollout has ended, and end what still runs."""
        if self.hooks is not None:
            self.hooks.close()
        if self.controls is None:
            return
        try:
            requests = self.controls.read().requests
        except HostError:
            return
        for one in requests:
            if one.rollout == self.mark.rollout:
                ended = Answer(one.id, accepted=False, said=f"the rollout has ended: {said}")
                self.answer(self._answered.get(one.id, ended))
