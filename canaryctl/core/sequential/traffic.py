"""Whether the canary takes the traffic it is given: evidence of its own, from NGINX's own counts.

Application metrics cannot tell: what was refused and retried on stable never reached the canary.
Missing samples are never read as missing traffic.
"""

from __future__ import annotations

from math import inf, log

from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.sequential.compare import alone, paired_logs
from canaryctl.core.sequential.stake import Schedule, Stake

FAILING = 0.02
"""Fraction of failed attempts at the canary that is not held against it."""
RATIO = 2.0
FACTORS = (4.0, 10.0, 30.0, 45.0)
OUTAGE = 15.0
"""Seconds: an outage that is over by then, such as one restart, is forgiven."""
LEAST_OUTAGE = 10.0
"""So many seconds of nothing but failures, as fractions of evaluations add up to, it takes too:
where an evaluation covers half a minute, a restart makes two of them bad."""
LONG_SICK = 60.0
"""Seconds after which a canary that fails a few attempts all the time is not forgiven either."""
DEAD = 0.95
SICK = 0.05
FORGIVING = 300.0
MOST_BRIEF = 5.0
LATE = 60.0
"""Seconds after a weight was proven until the share is judged: old workers, keep-alive."""
SHARE_ALLOWED = 0.25
SHARE_SOUGHT = 0.02
SLOWLY = 0.13
"""Log evidence a second: without NGINX's counts it takes a minute without traffic to convict."""
RESTARTS_ALLOWED = 1 / 900
RESTART_FACTORS = (6.0, 20.0)
DOWN_LOOKS = 3


class Failing:
    """Attempts at the canary that fail, an outage as short as a restart forgiven.

    Each batch's likelihood ratio speaks in full once the canary has been failing for longer than
    ``OUTAGE``; shorter outages add at most ``MOST_BRIEF`` in ``FORGIVING`` seconds. Capping a
    factor can only lower its mean, so validity is kept.
    """

    __slots__ = ("_began", "_gained", "_out", "_schedule", "_sick_since", "_stake")

    def __init__(self) -> None:
        self._stake = Stake([1.0] * len(FACTORS))
        self._schedule = Schedule()
        self._sick_since: float | None = None
        self._out = 0.0
        self._began = -inf
        self._gained = [0.0] * len(FACTORS)

    def take(
        self,
        at: float,
        before: float,
        stage: float,
        seen: Attempts,
        *,
        control: bool,
        scraped: bool = False,
    ) -> float:
        """Take a batch that began at ``before`` in, and give the e-value.

        ``scraped``: whether it is up is known too, so that a dead one is found by ``Down`` and an
        outage of three evaluations may be a restart after all.
        """
        share = self._schedule.due(at, stage)
        if share:
            self._stake.invest(share)
        if at >= self._began + FORGIVING:
            self._began, self._gained = at, [0.0] * len(FACTORS)
        if seen.canary <= 0:
            return self._stake.value
        fraction = seen.canary_failed / seen.canary
        if fraction < SICK:
            self._sick_since, self._out = None, 0.0
        else:
            self._sick_since = before if self._sick_since is None else self._sick_since
            self._out += fraction * (at - before)
        logs = alone(seen.canary_failed, seen.canary, FAILING, FACTORS)
        if control and seen.stable_failed > 0:
            # A network in trouble fails both: then only what exceeds stable's failures counts.
            both = paired_logs(
                seen.canary_failed, seen.canary, seen.stable_failed, seen.stable, RATIO, FACTORS
            )
            logs = [min(pair) for pair in zip(logs, both, strict=True)]
        if not self._lasting(at, fraction, scraped=scraped):
            room = [max(MOST_BRIEF - gained, 0.0) for gained in self._gained]
            logs = [min(pair) for pair in zip(logs, room, strict=True)]
        # Only gains are counted: a quiet half minute does not buy room for a worse one.
        self._gained = [g + max(one, 0.0) for g, one in zip(self._gained, logs, strict=True)]
        self._stake.grow(logs)
        return self._stake.value

    def _lasting(self, at: float, fraction: float, *, scraped: bool) -> bool:
        if self._sick_since is None:
            return False
        lasted = at - self._sick_since
        if self._out < LEAST_OUTAGE and lasted <= LONG_SICK:
            return False
        return lasted > OUTAGE or (not scraped and lasted >= OUTAGE and fraction >= DEAD)


class Share:
    """Whether the canary's share of attempts is far below its weight."""

    __slots__ = ("_schedule", "_stake")

    def __init__(self) -> None:
        self._stake = Stake([1.0])
        self._schedule = Schedule()

    def take(
        self,
        at: float,
        before: float,
        stage: float,
        weight: float,
        seen: Attempts,
        *,
        most: float = inf,
    ) -> float:
        """Take a batch that began at ``before`` in, and give the e-value.

        The first ``LATE`` seconds are not judged. ``most``: log evidence that a second adds at
        most; without NGINX's counts a restart looks as if nothing were sent to the canary.
        """
        if before < stage + LATE or weight <= 0:
            return self._stake.value
        share = self._schedule.due(at, stage)
        if share:
            self._stake.invest(share)
        allowed, sought = weight * SHARE_ALLOWED, weight * SHARE_SOUGHT
        # Retries of the canary's failures count at stable too: they are not missing traffic.
        others = max(seen.stable - seen.canary_failed, 0.0)
        grown = seen.canary * log(sought / allowed) + others * log((1 - sought) / (1 - allowed))
        self._stake.grow([min(max(grown, -50.0), most * (at - before))])
        return self._stake.value


class Restarts:
    """Restarts of the canary's process against one in a quarter of an hour."""

    __slots__ = ("_before", "_schedule", "_stake")

    def __init__(self) -> None:
        self._stake = Stake([1.0] * len(RESTART_FACTORS))
        self._schedule = Schedule()
        self._before: float | None = None

    def take(self, at: float, stage: float, restarts: int) -> float:
        """Take the restarts since the last evaluation in, and give the e-value."""
        share = self._schedule.due(at, stage)
        if share:
            self._stake.invest(share)
        lasted = at - (stage if self._before is None else self._before)
        self._before = at
        self._stake.grow(alone(restarts, lasted, RESTARTS_ALLOWED, RESTART_FACTORS))
        return self._stake.value


class Down:
    """Scrapes that the canary refused. One that was missed is none of them."""

    __slots__ = ("_asked", "_least", "_looks", "_since")

    def __init__(self, least: float = 10.0, asked: int = DOWN_LOOKS) -> None:
        """Begin with a canary that is up.

        Args:
            least: seconds from the first refused scrape to the last; a restart takes less.
            asked: refused scrapes in a row.
        """
        self._least, self._asked = least, asked
        self._looks = 0
        self._since = 0.0

    def take(self, at: float, *, up: bool | None, answered: float = 0.0) -> bool:
        """Tell whether the canary is dead: three new scrapes refused, and no attempt answered.

        Args:
            at: epoch seconds.
            up: whether it answered its newest scrape; None without a new one.
            answered: attempts at it that did not fail since the evaluation before, by NGINX.
        """
        if up:
            self._looks = 0
        elif self._looks and answered > 0:
            # It serves: only its metrics are away. What it refused before this does not count.
            self._looks, self._since = int(up is not None), at
        elif up is not None:
            self._since = at if self._looks == 0 else self._since
            self._looks += 1
        else:
            return False
        return self._looks >= self._asked and at - self._since >= self._least
