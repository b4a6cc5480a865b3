"""What one evaluation added: increments of counters, kept so that it can be judged again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from canaryctl.core.sequential.batch import Attempts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Both(Generic[T]):
    """Something of each version. None: no new sample, which is not a zero."""

    canary: T | None = None
    stable: T | None = None


@dataclass(frozen=True, slots=True)
class Trials:
    """Increments behind a ratio: how many, and how many of them the gate selects as ``bad``."""

    total: float
    bad: float


Buckets = Mapping[float, float]
"""Increments of a histogram: upper bound → observations at most that high. Empty: none."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen since the evaluation before.

    Attributes:
        at: epoch seconds.
        since: when the present weight was proven, epoch seconds.
        weight: the canary's share, 0 to 1.
        ratios: by ``accounts.source_of``.
        histograms: by the same, then by the label's value; the empty string without ``by``.
        attempts: NGINX's own counts, None where there are none.
        up: whether every instance of the canary answered its newest scrape; None without a
            new one.
        restarts: how often a process of the canary started anew.
        paused: the stage is paused: the time since then does not count.
        waiting: the stage has passed, and the plan waits: stable's own trouble holds nobody.
        stale: seconds after which a newest sample is old: a longer gap was not observed.
    """

    at: float
    since: float
    weight: float
    ratios: Mapping[str, Both[Trials]] = field(default_factory=dict)
    histograms: Mapping[str, Mapping[str, Both[Buckets]]] = field(default_factory=dict)
    attempts: Attempts | None = None
    up: bool | None = None
    restarts: int = 0
    paused: bool = False
    waiting: bool = False
    stale: float = 30.0


@dataclass(frozen=True, slots=True)
class History:
    """Stable's minutes before the rollout, oldest first, as an observation has them.

    Attributes:
        ratios: by ``accounts.source_of``.
        histograms: by the same, then by the label's value.
    """

    ratios: Mapping[str, tuple[Trials, ...]] = field(default_factory=dict)
    histograms: Mapping[str, Mapping[str, tuple[Buckets, ...]]] = field(default_factory=dict)
