"""Traffic in which the canary is no worse than stable, however it looks."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, pi, sin
from random import Random

from canaryctl.simulate.awkward import (
    failing_restarts,
    flapping_traffic,
    incident_alone,
    long_cold_start,
    missed_half,
    nothing_at_all,
    scraped,
    seen_early,
    slow_incident,
    stable_restarts,
)
from canaryctl.simulate.bursts import (
    HOUR,
    bursts,
    gamma_minutes,
    one_burst,
    shared_bursts,
    slow_spells,
    spells,
)
from canaryctl.simulate.world import Change, Family, Moment


def nothing(_: Random, __: float) -> Change:
    """Both sides the same all the time."""
    return lambda _: None


def cold_start(rng: Random, _: float) -> Change:
    """Each stage's first half minute is several times slower on the canary."""
    fades = rng.uniform(10, 25)

    def change(now: Moment) -> None:
        now.canary_latency = 1 + 3 * exp(-now.into / fades)

    return change


def restarts(*, cold: bool) -> Callable[..., Change]:
    """One to three restarts of the canary, each down for some seconds, slow afterwards if cold."""

    def make(rng: Random, _: float) -> Change:
        count = rng.randint(1, 3)
        times = [HOUR * (index + rng.uniform(0.05, 0.9)) / count for index in range(count)]
        down = [rng.uniform(2, 9) for _ in times]
        done: set[float] = set()

        def change(now: Moment) -> None:
            for time, lasts in zip(times, down, strict=True):
                over = min(now.at, time + lasts) - max(now.at - 5, time)
                now.down += max(over, 0.0)
                if now.at - 5 < time + lasts <= now.at and time not in done:
                    done.add(time)
                    now.restarted = True
                if cold and now.at > time + lasts:
                    now.canary_latency += 3 * exp(-(now.at - time - lasts) / 20)

        return change

    return make


def drift(rng: Random, _: float) -> Change:
    """Traffic, errors and latency follow the time of day, the same for both."""
    phase = rng.uniform(0, 2 * pi)

    def change(now: Moment) -> None:
        wave = sin(phase + now.at * 2 * pi / 7200)
        now.traffic = 1 + 0.6 * wave
        now.canary_errors = now.stable_errors = 0.0015 * (1 + 0.8 * wave)
        now.canary_latency = now.stable_latency = 1 + 0.1 * wave

    return change


def collapse(rng: Random, _: float) -> Change:
    """For ten minutes hardly any traffic."""
    begin = rng.uniform(300, HOUR - 700)

    def change(now: Moment) -> None:
        if begin < now.at < begin + 600:
            now.traffic = 0.03

    return change


def spike(rng: Random, _: float) -> Change:
    """For ten minutes ten times the traffic, a little slower on both sides."""
    begin = rng.uniform(300, HOUR - 700)

    def change(now: Moment) -> None:
        if begin < now.at < begin + 600:
            now.traffic = 10.0
            now.canary_latency = now.stable_latency = 1.1

    return change


def missed(rng: Random, _: float) -> Change:
    """One scrape in five is missed on each side, and one minute altogether on one of them."""
    begin, ours = rng.uniform(100, HOUR), rng.random() < 0.5  # noqa: PLR2004  a fair coin

    def change(now: Moment) -> None:
        gap = begin < now.at < begin + 60
        now.canary_seen = rng.random() > 0.2 and not (gap and ours)  # noqa: PLR2004
        now.stable_seen = rng.random() > 0.2 and not (gap and not ours)  # noqa: PLR2004

    return change


def jitter(rng: Random, _: float) -> Change:
    """Each side is scraped every 15 s at moments of its own, with shared bursts of errors."""
    offsets = (rng.randrange(3), rng.randrange(3))
    on = spells(rng, 900, 90)

    def change(now: Moment) -> None:
        tick = round(now.at / 5)
        now.canary_seen = tick % 3 == offsets[0]
        now.stable_seen = tick % 3 == offsets[1]
        if on(now.at) and now.weight < 1:
            now.canary_errors = now.stable_errors = 0.05

    return change


def silent(rng: Random, _: float) -> Change:
    """The metrics source is silent for minutes, several times."""
    on = spells(rng, 900, 150)

    def change(now: Moment) -> None:
        now.canary_seen = now.stable_seen = not on(now.at)

    return change


def late_weight(least: float, most: float) -> Callable[[Random, float], Change]:
    """Old workers keep the weight before for ``least`` to ``most`` seconds."""

    def make(rng: Random, _: float) -> Change:
        state = {"weight": 0.0, "before": 0.0, "late": 0.0}

        def change(now: Moment) -> None:
            if now.weight != state["weight"]:
                state["before"], state["weight"] = state["weight"], now.weight
                state["late"] = rng.uniform(least, most)
            if now.into <= state["late"]:
                now.share = state["before"]

        return change

    return make


def sticky(rng: Random, _: float) -> Change:
    """Users stay on their version: few of them are on the canary, unlike in weight and errors."""
    users = 2000
    drawn = sorted(rng.random() for _ in range(users))
    makes = [min(rng.paretovariate(1.5), 50.0) for _ in range(users)]
    fails = [0.001 * rng.gammavariate(2, 0.5) for _ in range(users)]
    total = sum(makes)
    state = {"weight": -1.0, "share": 0.0, "ours": 0.0, "theirs": 0.0}

    def change(now: Moment) -> None:
        if now.weight != state["weight"]:
            inside = [index for index, place in enumerate(drawn) if place < now.weight]
            count = len(inside)
            share = sum(makes[:count])
            bad = sum(m * f for m, f in zip(makes[:count], fails[:count], strict=True))
            whole = sum(m * f for m, f in zip(makes, fails, strict=True))
            state.update(
                weight=now.weight,
                share=share / total,
                ours=bad / share if share else 0.0,
                theirs=(whole - bad) / (total - share) if total > share else 0.0,
            )
        now.share = state["share"]
        now.canary_errors, now.stable_errors = state["ours"], state["theirs"]

    return change


def gusts(rng: Random, _: float) -> Change:
    """Traffic comes in gusts: most minutes are empty."""
    on = spells(rng, 120, 40)

    def change(now: Moment) -> None:
        now.traffic = 3.0 if on(now.at) else 0.05

    return change


def incident(rng: Random, _: float) -> Change:
    """Both sides fail for some minutes while stable has traffic to compare with."""
    begin, lasts = rng.uniform(60, 2200), rng.uniform(180, 480)
    rate = rng.choice((0.05, 0.2, 0.6))

    def change(now: Moment) -> None:
        if begin < now.at < begin + lasts:
            now.canary_errors = now.stable_errors = rate
            now.canary_latency = now.stable_latency = 1.3

    return change


HEALTHY: tuple[Family, ...] = (
    Family("steady", nothing),
    Family("no errors at all", nothing, errors=0.0),
    Family("near the limit (0.45 %)", nothing, errors=0.0045, limit_ratio=1.03),
    Family("cold start", cold_start),
    Family("restarts, warm", restarts(cold=False)),
    Family("restarts, cold", restarts(cold=True)),
    Family("bursts of 1 %", bursts(0.01)),
    Family("bursts of 2 %", bursts(0.02)),
    Family("bursts of 1 %, some long", bursts(0.01, varied=True)),
    Family("bursts of 5 %", bursts(0.05)),
    Family("one bad minute of 1 %", one_burst(0.01)),
    Family("shared bursts", shared_bursts),
    Family("slow spells", slow_spells),
    Family("rates wander", gamma_minutes),
    Family("drift over the day", drift),
    Family("traffic collapses", collapse),
    Family("traffic tenfold", spike),
    Family("scrapes missed", missed),
    Family("scrapes of 15 s, jitter", jitter),
    Family("metrics silent", silent),
    Family("weight late", late_weight(5, 40)),
    Family("sticky, heavy users", sticky),
    Family("heavy tails", nothing, sigma=1.3),
    Family("gusts", gusts),
    Family("no NGINX counts, restarts", restarts(cold=True), attempts=False),
    Family("nearly at the limit (0.49 %)", nothing, errors=0.0049, limit_ratio=1.01),
    Family("cold for two minutes", long_cold_start),
    Family("restarts of stable", stable_restarts),
    Family("restarts that fail requests", failing_restarts),
    Family("bursts of 0.5 %, minutes", bursts(0.005, 1200, 180)),
    Family("bursts of 2 %, minutes", bursts(0.02, 1800, 180)),
    Family("bursts of 3 %, half a minute", bursts(0.03, 900, 30)),
    Family("bursts of 5 %, half a minute", bursts(0.05, 1800, 30)),
    Family("every other scrape missed", missed_half),
    Family("scrapes of 30 s", scraped(30)),
    Family("weight a minute late", late_weight(40, 60)),
    Family("no traffic for minutes", nothing_at_all),
    Family("traffic jumps", flapping_traffic),
    Family("very heavy tails", drift, sigma=2.0),
)
SPECIAL: tuple[Family, ...] = (
    Family("shared incident", incident, special="held"),
    Family("shared incident, seen early", seen_early, special="held"),
    Family("shared incident, slow", slow_incident, special="held"),
    Family("incident at 100 %", incident_alone, special="blamed"),
    Family("both at 0.6 %", nothing, errors=0.006, special="inconclusive"),
    Family("both at 1 %", nothing, errors=0.01, special="inconclusive"),
)
