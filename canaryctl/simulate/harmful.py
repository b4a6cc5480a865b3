"""Traffic in which the canary is worse than stable."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from canaryctl.simulate.bursts import spells
from canaryctl.simulate.world import Change, Family, Moment


def failing(rate: float, stable: float = 0.001) -> Callable[..., Change]:
    """The canary fails at a constant rate."""

    def make(_: Random, __: float) -> Change:
        def change(now: Moment) -> None:
            now.canary_errors, now.stable_errors = rate, stable

        return change

    return make


def slower(factor: float, tail: float = 0.0) -> Callable[..., Change]:
    """The canary is slower by a factor, or in its tail only."""

    def make(_: Random, __: float) -> Change:
        def change(now: Moment) -> None:
            now.canary_latency, now.tail = factor, tail

        return change

    return make


def half_at(stage_weight: float) -> Callable[..., Change]:
    """Half of the requests fail from some moment in the stage of this weight."""

    def make(rng: Random, _: float) -> Change:
        begin = rng.uniform(60, 600)

        def change(now: Moment) -> None:
            if now.weight > stage_weight or (now.weight == stage_weight and now.into > begin):
                now.canary_errors = 0.5

        return change

    return make


def refusing(share: float) -> Callable[..., Change]:
    """The canary refuses a share of attempts; they are retried on stable."""

    def make(_: Random, __: float) -> Change:
        def change(now: Moment) -> None:
            now.refused = share

        return change

    return make


def dead_from(rng: Random, _: float) -> Change:
    """The canary dies in some stage."""
    begin = rng.uniform(60, 3000)

    def change(now: Moment) -> None:
        if now.at > begin:
            now.down = 5.0

    return change


def looping(rng: Random, _: float) -> Change:
    """The canary restarts every minute and is down for ten seconds of it."""
    offset = rng.uniform(0, 60)

    def change(now: Moment) -> None:
        place = (now.at + offset) % 60
        if place < 10:  # noqa: PLR2004  down for ten seconds
            now.down = min(5.0, place) if place < 5 else 5.0  # noqa: PLR2004
        elif place < 15:  # noqa: PLR2004  up again within this tick
            now.down = 15 - place
            now.restarted = True

    return change


def no_traffic(_: Random, __: float) -> Change:
    """The weight never reaches the traffic."""

    def change(now: Moment) -> None:
        now.share = 0.0

    return change


def slow_burn(_: Random, __: float) -> Change:
    """Errors rise from nothing to 3 % within the hour."""

    def change(now: Moment) -> None:
        now.canary_errors = 0.001 + 0.03 * min(now.at / 3600, 1.0)

    return change


def under_load(_: Random, __: float) -> Change:
    """3 % errors from a quarter of the traffic on."""

    def change(now: Moment) -> None:
        if now.weight >= 0.25:  # noqa: PLR2004
            now.canary_errors = 0.03

    return change


def come_and_go(rng: Random, _: float) -> Change:
    """Minutes of 5 % errors, a third of the time."""
    on = spells(rng, 180, 60)

    def change(now: Moment) -> None:
        if on(now.at):
            now.canary_errors = 0.05

    return change


HARMFUL: tuple[Family, ...] = (
    Family("errors 1 %", failing(0.01), healthy=False, bad=0.01),
    Family("errors 2 %", failing(0.02), healthy=False, bad=0.02),
    Family("errors 3 %", failing(0.03), healthy=False, bad=0.03),
    Family("errors 5 %", failing(0.05), healthy=False, bad=0.05),
    Family("errors 10 %", failing(0.1), healthy=False, bad=0.1),
    Family("errors 50 %", failing(0.5), healthy=False, bad=0.5),
    Family("0.4 % against 0.05 %", failing(0.004, 0.0005), healthy=False, errors=0.0005, bad=0.004),
    Family("p95 × 1.5", slower(1.5), healthy=False),
    Family("p95 × 2", slower(2.0), healthy=False),
    Family("tail: 8 % take ten times", slower(1.0, 0.08), healthy=False),
    Family("slow burn", slow_burn, healthy=False),
    Family("only under load", under_load, healthy=False),
    Family("comes and goes", come_and_go, healthy=False),
    Family("half from stage 1", half_at(0.01), healthy=False),
    Family("half from stage 3", half_at(0.25), healthy=False),
    Family("half from stage 4", half_at(1.0), healthy=False),
    Family("dies", dead_from, healthy=False),
    Family("60 % refused, failover", refusing(0.6), healthy=False),
    Family("restarts in a loop", looping, healthy=False),
    Family("no traffic", no_traffic, healthy=False),
)
