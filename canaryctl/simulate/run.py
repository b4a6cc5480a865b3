"""One simulated rollout under one rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

from canaryctl.core.sequential.course import Move
from canaryctl.simulate.traffic import TICK, Side, Tick, Traffic
from canaryctl.simulate.world import Family

STAGES = (0.01, 0.05, 0.25, 1.0)
OBSERVE = 900.0


class End(StrEnum):
    """How a simulated rollout ends."""

    PROMOTED = "promoted"
    BACK = "back"
    INCONCLUSIVE = "inconclusive"


class RolloutRule(Protocol):
    """What decides. One object for each rollout."""

    def enter(self, since: float, stage: int, weights: Sequence[float], observe: float) -> None:
        """A stage's weight is proven."""

    def look(self, tick: Tick) -> tuple[Move, str]:
        """Decide after an evaluation."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one rollout went.

    Attributes:
        end: promoted, back or inconclusive.
        reason: what decided.
        stage: the stage it ended in, from 0.
        lasted: seconds.
        hurt: requests of the canary that failed.
        slow: requests of the canary that took longer than the limit.
        held: seconds during which the rule held.
        entered: when each stage began.
        harmed_at: end of the first tick in which a defect failed a request; None if none did.
    """

    end: End
    reason: str
    stage: int
    lasted: float
    hurt: float
    slow: float
    held: float
    entered: tuple[float, ...]
    harmed_at: float | None


def history(family: Family, rps: float, seed: object, seconds: float) -> list[Side]:
    """Give stable's minutes before a rollout, from the same kind of traffic."""
    traffic = Traffic(family, rps, Random(repr((seed, "before"))))  # noqa: S311  a simulation
    minutes: list[Side] = []
    for index in range(int(seconds / TICK)):
        if index % 12 == 0:
            minutes.append(Side())
        seen = traffic.tick(index * TICK, index * TICK, 0.0).stable
        if seen is not None:
            minutes[-1].add(seen)
    return minutes


def run(
    family: Family,
    rps: float,
    rule: RolloutRule,
    seed: object,
    *,
    weights: Sequence[float] = STAGES,
    observe: float = OBSERVE,
    longest: float = 4 * 900.0 * 4,
    draw: Callable[[Family, float, Random], Traffic] = Traffic,
) -> Result:
    """Run one rollout: ticks of five seconds until the rule ends it, or ``longest`` seconds."""
    traffic = draw(family, rps, Random(repr(seed)))  # noqa: S311  a simulation
    at, held, stage = 0.0, 0.0, 0
    entered = [0.0]
    rule.enter(0.0, 0, weights, observe)

    def ended(end: End, reason: str) -> Result:
        return Result(
            end=end,
            reason=reason,
            stage=stage,
            lasted=at,
            hurt=traffic.hurt,
            slow=traffic.slow,
            held=held,
            entered=tuple(entered),
            harmed_at=traffic.harmed_at,
        )

    while at < longest:
        at += TICK
        move, reason = rule.look(traffic.tick(at, at - entered[-1], weights[stage]))
        if move is Move.BACK:
            return ended(End.BACK, reason)
        if move is Move.INCONCLUSIVE:
            return ended(End.INCONCLUSIVE, reason)
        if move is Move.HOLD:
            held += TICK
        if move is Move.ADVANCE:
            if stage + 1 == len(weights):
                return ended(End.PROMOTED, reason)
            stage += 1
            entered.append(at)
            rule.enter(at, stage, weights, observe)
    return ended(End.INCONCLUSIVE, "the simulation's end")
