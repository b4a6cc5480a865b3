"""The judge: one e-value against the canary, bounded over all gates, looks and stages together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, log

from canaryctl.core.sequential.batch import Counts, Evaluation
from canaryctl.core.sequential.gatestate import GateState, GateView
from canaryctl.core.sequential.minutes import MINUTE
from canaryctl.core.sequential.served import Served
from canaryctl.core.sequential.terms import Terms
from canaryctl.core.sequential.traffic import SLOWLY, Down, Failing, Restarts, Share

QUALITY = 0.85
"""Part of the risk for errors and latency; the rest is for traffic. They are judged apart."""
FAILING, SHARE, RESTARTS = 0.6, 0.25, 0.15
"""How the traffic part is divided."""
CONTROL_UP_TO = 0.995
"""Above this weight stable sees too little to be a control."""
CAREFUL_FROM = 0.02
LAG = 10.0
"""Above that weight, and where looks are less than so many seconds apart, it is looked at twice
more: an incident may show so much earlier in the canary's samples. Below, it could not be told by
few requests anyway."""
LEAST_MINUTE = 0.5
SUDDEN = 5.0
"""Evidence that grows by this much (log) at one look is looked at once more: stable's samples may
lag by one, and a shared incident must not look like the canary's for as long."""
SPEAKS = 1.6
"""A stage does not end well while a fifth of the evidence that convicts is there (a logarithm)."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the evidence says at one evaluation.

    Attributes:
        quality: log e-value against the canary from errors and latency, weighted.
        traffic: the same from NGINX's counts and restarts; ``inf`` for a canary that is down.
        quality_needed: log e-value at which it is thrown back for quality.
        traffic_needed: the same for traffic.
        back: throw it back now.
        reason: what decides, in a few words; empty when nothing does.
        hold: names of gates whose limits stable itself breaks.
        clear: nothing speaks against the canary, and each own estimate is within its limit.
        open: why not clear, one for each gate; empty when clear.
        gates: how far each gate is.
        unseen: gates with fewer observations in this stage than it takes to end well.
    """

    quality: float
    traffic: float
    quality_needed: float
    traffic_needed: float
    back: bool
    reason: str
    hold: tuple[str, ...]
    clear: bool
    open: tuple[str, ...]
    gates: tuple[GateView, ...]
    unseen: tuple[str, ...] = ()


class Judge:
    """Weighs what each evaluation saw, for one rollout."""

    def __init__(
        self,
        terms: Iterable[Terms],
        risk: float = 0.01,
        *,
        reserve: float = 0.0,
        shortest: float = 900.0,
        down_for: float = 10.0,
        down_looks: int = 3,
    ) -> None:
        """Begin a rollout.

        Args:
            terms: one for each gate that counts requests.
            risk: chance, at most, that a healthy canary is thrown back in the whole rollout.
            reserve: share that is kept for gates that are admitted later.
            shortest: seconds of the plan's shortest stage. Below a quarter of an hour, what is
                called a minute here is a fifteenth of it: a rollout of seconds cannot wait for
                minutes.
            down_for: seconds for which scrapes have to be refused until the canary counts as
                dead. At intervals of a second: a few seconds.
            down_looks: so many scrapes in a row have to be refused, too.

        Raises:
            ValueError: a risk outside 0 to 1.
        """
        if not 0 < risk < 1:
            raise ValueError(f"the risk lies between 0 and 1, not {risk}; 1 % is 0.01")
        many = tuple(terms)
        self._whole = sum(one.share for one in many) + reserve or 1.0
        self._reserve = reserve / self._whole
        self._minute = min(MINUTE, max(shortest / 15, LEAST_MINUTE))
        self.gates = [GateState(one, one.share / self._whole, self._minute) for one in many]
        self.quality_needed = -log(risk * QUALITY)
        self.traffic_needed = -log(risk * (1 - QUALITY))
        self._failing, self._share = Failing(), Share()
        self._served = Served()
        self._restarts, self._down = Restarts(), Down(down_for, down_looks)
        self._traffic = [1.0, 1.0, 1.0]
        self._scraped = False
        self._at: float | None = None
        self._quality = 0.0
        self._doubts = 0
        self._doubted = 0.0
        self._restarted: float | None = None
        self._forgiven = 0

    def admit(self, terms: Terms) -> None:
        """Judge one more gate from now on, within the reserve.

        What is not given out yet keeps its value, so the sum of evidence stays an e-process.

        Raises:
            ValueError: the reserve is smaller than its share.
        """
        weight = terms.share / self._whole
        if weight > self._reserve * (1 + 1e-9):
            raise ValueError(f"{terms.name}: a share of {terms.share:g} was not kept for it")
        self._reserve = max(self._reserve - weight, 0.0)
        self.gates.append(GateState(terms, weight, self._minute))

    def learn(self, name: str, minutes: Iterable[Counts]) -> None:
        """Take stable's history before the rollout in, minute by minute, oldest first.

        It tells how much stable's rates usually scatter. Without it the rollout learns that as it
        goes, and a canary whose first burst comes before stable's is blamed for it.

        Raises:
            KeyError: no gate has this name.
        """
        gate = {gate.terms.name: gate for gate in self.gates}[name]
        for minute in minutes:
            gate.learn(minute)

    def could_have_seen(self) -> dict[str, float | None]:
        """Give, for each gate, the smallest fraction of bad requests caught with 90 % so far.

        None where the traffic would not have shown even a canary that always fails.
        """
        return {gate.terms.name: gate.visible(self.quality_needed) for gate in self.gates}

    def take(self, seen: Evaluation) -> Assessment:
        """Take an evaluation in, and say what the evidence is now."""
        control = seen.weight < CONTROL_UP_TO
        if seen.restarts:
            self._restarted = seen.at
        looked = [gate.look_at_stable(seen) for gate in self.gates]  # each has to look
        # At 100 % stable is no control: what it still has are requests that drain from before.
        ill = control and any(looked)
        total = self._reserve
        for gate in self.gates:
            total += gate.weight * gate.take(
                seen, control=control, ill=ill, restarted=self._restarted
            )
        quality = log(total) if self.gates else 0.0
        traffic, down = self._judge_traffic(seen, control=control)
        back, reason = self._convict(seen, quality, traffic, control=control, down=down)
        self._quality, self._at = quality, seen.at
        against = max(quality - self.quality_needed, traffic - self.traffic_needed)
        opened = [gate.terms.name for gate in self.gates if not self._settled(gate)]
        if against > -SPEAKS:
            opened.append("evidence against the canary")
        return Assessment(
            quality=quality,
            traffic=traffic,
            quality_needed=self.quality_needed,
            traffic_needed=self.traffic_needed,
            back=back,
            reason=reason,
            hold=tuple(gate.terms.name for gate in self.gates if gate.incident.on and control),
            clear=not opened,
            open=tuple(opened),
            unseen=tuple(gate.terms.name for gate in self.gates if not self._enough(gate)),
            gates=tuple(gate.view() for gate in self.gates),
        )

    def _settled(self, gate: GateState) -> bool:
        """Whether a gate's own estimate is within its limit, on enough observations."""
        return self._enough(gate) and gate.estimate.within(gate.terms.limit)

    def _enough(self, gate: GateState) -> bool:
        """Whether there are enough observations of this stage.

        A canary that hangs answers nothing, and nothing is no pass, however well it began.
        The parts of one gate have enough together: a mode that is hardly asked for must not keep
        a rollout waiting.
        """
        group = gate.terms.group
        parts = [one for one in self.gates if one.terms.group == group] if group else [gate]
        return sum(one.fresh for one in parts) >= gate.terms.least

    def _judge_traffic(self, seen: Evaluation, *, control: bool) -> tuple[float, bool]:
        before = seen.since if self._at is None or self._at < seen.since else self._at
        self._traffic[2] = self._restarts.take(seen.at, seen.since, seen.restarts)
        answered = 0.0
        self._scraped = self._scraped or seen.up is not None
        if seen.attempts is not None:
            self._traffic[0] = self._failing.take(
                seen.at,
                before,
                seen.since,
                seen.attempts,
                control=control,
                scraped=self._scraped,
            )
            self._traffic[1] = self._share.take(
                seen.at, before, seen.since, seen.weight, seen.attempts
            )
            answered = seen.attempts.canary - seen.attempts.canary_failed
        elif self.gates:
            served = self._served.take(seen, self.gates[0].terms.name)
            if served is not None:
                self._traffic[1] = self._share.take(
                    seen.at, self._served.began, seen.since, seen.weight, served, most=SLOWLY
                )
        down = self._down.take(seen.at, up=seen.up, answered=answered)
        mixed = FAILING * self._traffic[0] + SHARE * self._traffic[1] + RESTARTS * self._traffic[2]
        return (inf if down else log(mixed)), down

    def _convict(
        self, seen: Evaluation, quality: float, traffic: float, *, control: bool, down: bool
    ) -> tuple[bool, str]:
        if down:
            return True, "the canary refuses to be scraped"
        if traffic >= self.traffic_needed:
            names = ("attempts at the canary fail", "the canary gets no traffic", "restarts")
            worst = max(range(3), key=lambda index: self._traffic[index])
            return True, names[worst]
        if quality < self.quality_needed:
            self._doubts = 0
            return False, ""
        sudden = quality - self._quality > SUDDEN
        again = self._doubts == 1 and seen.weight > CAREFUL_FROM and seen.at < self._doubted + LAG
        if control and (again or (sudden and self._doubts == 0)):
            self._doubts += 1
            self._doubted = seen.at
            return False, ""
        return True, max(self.gates, key=lambda gate: gate.weight * gate.value).terms.name
