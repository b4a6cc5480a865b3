"""On what terms one gate is judged."""

from __future__ import annotations

from dataclasses import dataclass

ERRORS_SHARE = 2.0
"""Weight of an error gate against a latency gate's 1 in the sum of evidence."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts as harm for one gate, and how surely it has to be known.

    Attributes:
        name: the gate's, with its part: what ``Evaluation.gates`` calls it.
        limit: fraction of requests that may be ``over``: 0.005 for 0.5 % errors, 0.05 for a p95.
        floor: a canary with fewer ``bad`` than this fraction is not blamed, whatever stable has.
        ratio: nor is one with fewer than this multiple of stable's fraction.
        share: weight of this gate's evidence relative to the other gates'.
        warm_up: seconds after a weight change, and after a restart, that are not judged.
        gross: a minute with at least this fraction of ``bad`` may convict by itself; where there
            is much traffic, less than that has to last for several minutes.
        spread: variance of the fraction from minute to minute, relative to its square, assumed
            until stable has shown its own.
        least_spread: it is never taken to be below this.
        factors: multiples of what is allowed that the evidence looks for.
        odds: how the stake is divided among them.
        least: observations of a stage that are needed before it may end well.
        slow: what is counted are slow requests, not failed ones.
        group: gates of one group have ``least`` together; empty: each for itself.
    """

    name: str
    limit: float
    floor: float
    ratio: float
    gross: float
    spread: float
    least_spread: float
    factors: tuple[float, ...]
    odds: tuple[float, ...]
    share: float = 1.0
    warm_up: float = 0.0
    least: float = 10.0
    group: str = ""
    slow: bool = False


def for_errors(
    name: str, limit: float, *, ratio: float = 1.3, share: float = ERRORS_SHARE
) -> Terms:
    """Give the terms of a ratio gate with this ``limit`` (a fraction, 0.005 for 0.5 %)."""
    return Terms(
        name,
        limit=limit,
        floor=limit / 5,
        ratio=ratio,
        gross=6 * limit,
        spread=0.1,
        least_spread=0.05,
        factors=(2.5, 8.0, 28.0, 100.0, 400.0),
        odds=(12, 36, 34, 12, 6),
        share=share,
    )


def for_latency(
    name: str,
    quantile: float,
    *,
    ratio: float = 1.25,
    warm_up: float = 60.0,
    share: float = 1.0,
    group: str = "",
) -> Terms:
    """Give the terms of a latency gate on this ``quantile``: 0.95 allows 5 % of slower requests."""
    allowed = 1 - quantile
    return Terms(
        name,
        limit=allowed,
        floor=allowed,
        ratio=ratio,
        gross=min(3 * allowed, 0.5),
        spread=0.1,
        least_spread=0.03,
        factors=(1.4, 2.0, 3.5, 6.0, 12.0),
        odds=(15, 25, 30, 20, 10),
        share=share,
        warm_up=warm_up,
        group=group,
        slow=True,
    )
