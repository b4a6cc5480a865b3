"""The circuit breaker: closed, open, half-open, closed again or back for good.

It is quicker than any evaluation of gates, and knows less: it opens on requests that the canary
failed one after the other, as NGINX saw them. Open, all traffic is stable's; that is a pause and no
verdict. After a while a small share goes to the canary again, and shows whether it serves.

What would break it without the canary's fault does not open it: a streak that stable's own failures
make likely (see ``CHANCE``), and failures with a gap in the log between them.

Nothing here acts or knows the time: each function takes a ``Breaker`` and gives the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from canaryctl.core.streaks import Streak, Streaks
from canaryctl.core.weight import Weight

CHANCE = 1e-6
"""A streak is the canary's own when stable's share of failures would give one of its length less
often than this, for each request. 5 failures are enough while stable fails up to 6 % of its
requests; at 10 % it takes 6, at 50 % 20. Where stable fails all of them no streak is."""

SAME_TROUBLE = 0.5
"""A test request that fails says nothing while stable fails this share of its own."""

_ONE_PERCENT = Weight(100)
_NONE = Streak()


class Circuit(StrEnum):
    """Where the canary's traffic is."""

    CLOSED = "closed"  # on the canary, as the stage says
    OPEN = "open"  # none
    HALF_OPEN = "half-open"  # test requests only
    BACK = "back"  # none any more: the rollout is over


class Trigger(StrEnum):
    """Why it opened."""

    FAILURES = "failures"
    PROBE = "probe"  # a test request failed
    NO_VERDICT = "no verdict"  # too few test requests; that is no blame


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When it opens, how long, and how often.

    Attributes:
        failures: so many requests in a row that the canary failed open it. 2 and up.
        open_for: seconds that it stays open. Above 0. Take it longer than NGINX's
            ``worker_shutdown_timeout``, so that no request from before counts as a test.
        probes: so many test requests in a row that the canary served close it. 1 and up.
        probe_weight: the canary's weight while half-open, where the stage's is not lower. Above 0.
        openings: so often it opens in a rollout, at most; the next time the rollout goes back for
            good. 0: the first time.
        half_open_for: seconds that it waits for ``probes`` test requests, then it opens again.
            Above 0.

    Raises:
        ValueError: a value is out of its range.
    """

    failures: int = 5
    open_for: float = 60.0
    probes: int = 5
    probe_weight: Weight = _ONE_PERCENT
    openings: int = 3
    half_open_for: float = 600.0

    def __post_init__(self) -> None:
        least = {"failures": 2, "probes": 1, "openings": 0}
        for name, bound in least.items():
            if (value := getattr(self, name)) < bound:
                raise ValueError(f"{name} is {bound} or more, not {value}")
        for name in ("open_for", "half_open_for"):
            if not 0 < (value := getattr(self, name)) < float("inf"):
                raise ValueError(f"{name} is longer than 0 s and ends, not {value:g} s")
        if self.probe_weight == Weight.ZERO:
            raise ValueError("probe_weight is above 0 %: without traffic nothing can be tested")

    def weight(self, stage: Weight) -> Weight:
        """Give the canary's weight while half-open, in a stage of this weight."""
        return min(self.probe_weight, stage)

    @property
    def longest(self) -> float:
        """Seconds that it can hold a rollout up, all openings together."""
        return self.openings * (self.open_for + self.half_open_for)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where it is, and what it knows.

    Attributes:
        circuit: closed at first.
        until: epoch seconds; open: when it may be tried half-open, half-open: when it opens again
            for want of test requests. None otherwise.
        openings: how often it opened in this rollout.
        streak: what the newest requests are: the canary's failures since its last success; and
            while half-open what stable did meanwhile.
        passed: half-open: test requests that the canary served, in a row.
        stable: all that stable served while it was closed, as one streak.
        trigger: why it opened last.
        reason: the same in words, for people; empty until it has opened once.
    """

    circuit: Circuit = Circuit.CLOSED
    until: float | None = None
    openings: int = 0
    streak: Streak = _NONE
    passed: int = 0
    stable: Streak = _NONE
    trigger: Trigger | None = None
    reason: str = ""


def seen(policy: BreakerPolicy, breaker: Breaker, new: Streaks, at: float) -> Breaker:
    """Take in what NGINX saw since the last call.

    Args:
        policy: the user's.
        breaker: as it is.
        new: what the log says since; ``Streaks()`` where nothing is known yet.
        at: now, epoch seconds.

    Returns:
        The next one. While open nothing changes: what still comes in began before it opened.
    """
    match breaker.circuit:
        case Circuit.CLOSED:
            return _closed(policy, breaker, new, at)
        case Circuit.HALF_OPEN:
            return _half_open(policy, breaker, new, at)
        case _:
            return breaker


def half_open(policy: BreakerPolicy, breaker: Breaker, at: float) -> Breaker:
    """Begin to test, once the probe's weight is proven.

    Raises:
        ValueError: it is not open, or ``until`` is yet to come.
    """
    if breaker.circuit is not Circuit.OPEN or breaker.until is None or at < breaker.until:
        raise ValueError(f"half-open comes after open, not in {breaker.circuit} at {at:.0f}")
    return replace(
        breaker,
        circuit=Circuit.HALF_OPEN,
        until=at + policy.half_open_for,
        streak=Streak(),
        passed=0,
    )


def _closed(policy: BreakerPolicy, breaker: Breaker, new: Streaks, at: float) -> Breaker:
    worst = max(new.worst, breaker.streak + new.head)
    breaker = replace(
        breaker,
        streak=new.tail if new.broken else breaker.streak + new.tail,
        stable=breaker.stable + replace(new.whole, failed=0),
    )
    if worst.failed < policy.failures:
        return breaker
    if max(worst.share, breaker.stable.share) ** worst.failed > CHANCE:
        return breaker
    said = f"the canary failed {worst.failed} requests in a row"
    if worst.stable:
        said += f", stable {worst.stable_failed} of about {worst.stable} meanwhile"
    return _opened(policy, breaker, Trigger.FAILURES, said, at)


def _half_open(policy: BreakerPolicy, breaker: Breaker, new: Streaks, at: float) -> Breaker:
    # What a gap hides may have been a failure: the row begins anew after it.
    passed = 0 if new.gap else breaker.passed + new.first
    if passed >= policy.probes:
        again = replace(breaker, circuit=Circuit.CLOSED, until=None, streak=Streak(), passed=0)
        return _closed(policy, again, new, at)
    meanwhile = breaker.streak + replace(new.whole, failed=0)
    if new.bad:
        if meanwhile.share < SAME_TROUBLE:
            said = f"test request {passed + 1} of {policy.probes} failed"
            return _opened(policy, breaker, Trigger.PROBE, said, at)
        passed = 0
    if breaker.until is not None and at >= breaker.until:
        said = (
            f"{passed} of {policy.probes} test requests in a row were served"
            f" in {policy.half_open_for:g} s"
        )
        return _opened(policy, breaker, Trigger.NO_VERDICT, said, at)
    return replace(breaker, streak=meanwhile, passed=passed)


def _opened(
    policy: BreakerPolicy, breaker: Breaker, trigger: Trigger, said: str, at: float
) -> Breaker:
    openings = breaker.openings + 1
    over = openings > policy.openings
    if over and policy.openings:
        said += f"; the circuit breaker had opened {policy.openings} times before"
    return replace(
        breaker,
        circuit=Circuit.BACK if over else Circuit.OPEN,
        until=None if over else at + policy.open_for,
        openings=openings,
        streak=Streak(),
        passed=0,
        trigger=trigger,
        reason=said,
    )
