"""What a rollout asks of the world. Each leads to exactly one event."""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.weight import Weight


@dataclass(frozen=True, slots=True)
class RunPreflight:
    """Look at everything that the rollout will need; touch nothing."""


@dataclass(frozen=True, slots=True)
class SetWeight:
    """Bring a weight into force and prove it.

    Attributes:
        weight: the canary's.
        reason: why, written beside the weights for whoever looks.
        force: whatever generation is there now; only going back to 0 % does that.
        pause: seconds to wait first (between attempts).
    """

    weight: Weight
    reason: str
    force: bool = False
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Observe:
    """Wait until ``until``, then evaluate the gates. All in epoch seconds.

    Attributes:
        since: when this weight was proven; ratios, latencies and gauges speak of the time after.
        until: when to evaluate.
        unseen: from when on a zero gate counts. It reaches back over the change of weight, and
            over what the evaluation before could not have seen yet: no failure falls between.
    """

    since: float
    until: float
    unseen: float


@dataclass(frozen=True, slots=True)
class Idle:
    """Wait until ``until`` (epoch seconds) with all traffic on stable: there is nothing to judge.

    Attributes:
        until: when to say so.
    """

    until: float


@dataclass(frozen=True, slots=True)
class Drain:
    """Wait until no worker of NGINX is left that knows an older weight.

    Attributes:
        within: seconds, at most.
    """

    within: float


Command = RunPreflight | SetWeight | Observe | Idle | Drain
