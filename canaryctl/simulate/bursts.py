"""Trouble that comes in company: bursts of errors, slow spells, rates that wander."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf
from random import Random

from canaryctl.simulate.world import Change, Moment

HOUR = 3600.0


def spells(
    rng: Random, every: float, lasting: float, *, varied: bool = False
) -> Callable[[float], bool]:
    """Give whether a spell is on.

    They begin ``every`` s on average and last 0.5 to 1.5 times ``lasting``; ``varied`` ones
    exponentially, some of them for several times as long.
    """
    state = {"next": rng.expovariate(1 / every), "until": -inf}

    def on(at: float) -> bool:
        while at >= state["next"]:
            lasts = rng.expovariate(1 / lasting) if varied else rng.uniform(0.5, 1.5) * lasting
            state["until"] = state["next"] + lasts
            state["next"] += rng.expovariate(1 / every)
        return at < state["until"]

    return on


def bursts(
    rate: float, every: float = 900.0, lasting: float = 60.0, *, varied: bool = False
) -> Callable[..., Change]:
    """Each side on its own has minutes with many errors."""

    def make(rng: Random, _: float) -> Change:
        ours, theirs = (spells(rng, every, lasting, varied=varied) for _ in range(2))

        def change(now: Moment) -> None:
            if ours(now.at):
                now.canary_errors = rate
            if theirs(now.at):
                now.stable_errors = rate

        return change

    return make


def one_burst(rate: float) -> Callable[..., Change]:
    """The canary alone has one bad minute, at any time of the plan."""

    def make(rng: Random, _: float) -> Change:
        begin = rng.uniform(0, HOUR - 60)

        def change(now: Moment) -> None:
            if begin < now.at <= begin + 60:
                now.canary_errors = rate

        return change

    return make


def shared_bursts(rng: Random, _: float) -> Change:
    """Minutes with errors on both sides at once."""
    on = spells(rng, 600, 60)

    def change(now: Moment) -> None:
        if on(now.at):
            now.canary_errors = now.stable_errors = 0.02

    return change


def slow_spells(rng: Random, _: float) -> Change:
    """Each side on its own has minutes of 1.25 times the latency."""
    ours, theirs = spells(rng, 600, 60), spells(rng, 600, 60)

    def change(now: Moment) -> None:
        now.canary_latency = 1.25 if ours(now.at) else 1.0
        now.stable_latency = 1.25 if theirs(now.at) else 1.0

    return change


def gamma_minutes(rng: Random, _: float) -> Change:
    """Rates of errors and latency wander from minute to minute, on each side by itself."""
    state = [0.0, 0.001, 0.001, 1.0, 1.0]

    def change(now: Moment) -> None:
        if now.at > state[0]:
            state[0] += 60
            state[1:3] = [0.001 * rng.gammavariate(1, 1) for _ in range(2)]
            state[3:] = [exp(rng.gauss(0, 0.05)) for _ in range(2)]
        now.canary_errors, now.stable_errors = state[1], state[2]
        now.canary_latency, now.stable_latency = state[3], state[4]

    return change
