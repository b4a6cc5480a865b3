"""What one evaluation really saw: increments of counters since the evaluation before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """One version's increments for one gate. Not frozen: a rollout makes a million of them.

    Attributes:
        total: requests (or observations) that were counted.
        bad: those held against stable's: 5xx, or slower than the bucket bound nearest to stable's
            own quantile.
        over: those held against the gate's own limit: the same 5xx, or slower than the limit.
    """

    total: float
    bad: float
    over: float


@dataclass(slots=True)
class Seen:
    """What one gate saw. A version without a new sample is None: that is never a zero."""

    canary: Counts | None
    stable: Counts | None


@dataclass(slots=True)
class Attempts:
    """NGINX's own counts per upstream attempt. A retry is an attempt of its own.

    Attributes:
        canary: attempts at the canary's servers.
        canary_failed: those refused, reset, timed out, or answered 502 or 504.
        stable: attempts at stable's servers, retries of the canary's failures included.
        stable_failed: as ``canary_failed``.
    """

    canary: float
    canary_failed: float
    stable: float
    stable_failed: float


@dataclass(slots=True)
class Evaluation:
    """One look at both versions.

    Attributes:
        at: epoch seconds.
        weight: the canary's share that was proven, 0 to 1.
        since: when that weight was proven, epoch seconds.
        gates: what each gate saw, by ``Terms.name``. A gate that is left out saw nothing.
        attempts: NGINX's counts since the last evaluation, None where there are none.
        up: whether the canary answered its newest scrape; None without a *new* scrape.
        restarts: resets of the canary's counters since the last evaluation.
        paused: the stage is paused: the time since the last evaluation does not count.
        waiting: the stage has passed: stable's own trouble holds nobody.
    """

    at: float
    weight: float
    since: float
    gates: Mapping[str, Seen] = field(default_factory=dict)
    attempts: Attempts | None = None
    up: bool | None = None
    restarts: int = 0
    paused: bool = False
    waiting: bool = False
