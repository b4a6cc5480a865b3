"""Healthy traffic that is awkward to judge: worse, longer or later than the usual kind."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from canaryctl.simulate.bursts import HOUR, spells
from canaryctl.simulate.world import Change, Moment


def long_cold_start(rng: Random, _: float) -> Change:
    """Each stage begins with 90 to 120 s at 2.5 times the latency: longer than the warm-up."""
    state = {"since": -1.0, "lasts": 0.0}

    def change(now: Moment) -> None:
        if now.at - now.into != state["since"]:
            state.update(since=now.at - now.into, lasts=rng.uniform(90, 120))
        if now.into <= state["lasts"]:
            now.canary_latency = 2.5

    return change


def stable_restarts(rng: Random, _: float) -> Change:
    """Stable restarts too: for some seconds no sample, then slow for a minute."""
    times = [rng.uniform(60, HOUR) for _ in range(3)]

    def change(now: Moment) -> None:
        for time in times:
            if time < now.at <= time + 10:
                now.stable_seen = False
            if time < now.at <= time + 60:
                now.stable_latency = 2.0

    return change


def missed_half(rng: Random, _: float) -> Change:
    """Every other scrape is missed on each side, and several minutes altogether, now and then."""
    gaps = [spells(rng, 900, 150) for _ in range(2)]

    def change(now: Moment) -> None:
        away = [gap(now.at) for gap in gaps]
        now.canary_seen = rng.random() > 0.5 and not away[0]  # noqa: PLR2004  a fair coin
        now.stable_seen = rng.random() > 0.5 and not away[1]  # noqa: PLR2004  a fair coin

    return change


def scraped(seconds: float) -> Callable[..., Change]:
    """Both sides are scraped only every so many seconds, at moments of their own."""
    ticks = round(seconds / 5)

    def make(rng: Random, _: float) -> Change:
        offsets = (rng.randrange(ticks), rng.randrange(ticks))

        def change(now: Moment) -> None:
            tick = round(now.at / 5)
            now.canary_seen = tick % ticks == offsets[0]
            now.stable_seen = tick % ticks == offsets[1]

        return change

    return make


def nothing_at_all(rng: Random, _: float) -> Change:
    """For several minutes there is no traffic, twice."""
    begins = [rng.uniform(100, 1700), rng.uniform(1800, HOUR)]

    def change(now: Moment) -> None:
        if any(begin < now.at < begin + 400 for begin in begins):
            now.traffic = 0.0

    return change


def flapping_traffic(rng: Random, _: float) -> Change:
    """Traffic jumps between a tenth and ten times the usual every few minutes."""
    state = {"next": 0.0, "now": 1.0}

    def change(now: Moment) -> None:
        if now.at >= state["next"]:
            state["next"] = now.at + rng.uniform(60, 300)
            state["now"] = rng.choice((0.1, 0.5, 1.0, 3.0, 10.0))
        now.traffic = state["now"]

    return change


def failing_restarts(rng: Random, _: float) -> Change:
    """Two restarts of the canary that fail what was under way: 5 s with a tenth of errors."""
    times = [rng.uniform(100, 1700), rng.uniform(1800, 3500)]

    def change(now: Moment) -> None:
        for time in times:
            if time - 5 < now.at <= time:
                now.canary_errors = 0.1
            if time < now.at <= time + 5:
                now.down, now.restarted = 4.0, True

    return change


def seen_early(rng: Random, _: float) -> Change:
    """An incident on both sides that the canary's samples show 5 to 10 s before stable's."""
    begin, lasts = rng.uniform(60, 2200), rng.uniform(180, 480)
    rate, early = rng.choice((0.05, 0.2, 0.6)), rng.choice((5, 10))

    def change(now: Moment) -> None:
        if begin < now.at < begin + lasts:
            now.canary_errors = rate
        if begin + early < now.at < begin + early + lasts:
            now.stable_errors = rate

    return change


def slow_incident(rng: Random, _: float) -> Change:
    """Both sides become twice as slow for some minutes."""
    begin, lasts = rng.uniform(60, 2200), rng.uniform(180, 480)

    def change(now: Moment) -> None:
        if begin < now.at < begin + lasts:
            now.canary_latency = now.stable_latency = 2.0

    return change


def incident_alone(rng: Random, _: float) -> Change:
    """An incident while all traffic is on the canary: nothing to compare with."""
    begin = rng.uniform(2800, 3300)

    def change(now: Moment) -> None:
        if begin < now.at < begin + 240:
            now.canary_errors = now.stable_errors = 0.05

    return change
